//! The prompt of a configuration as parts: a text or a chat, in the configuration or in a file.
//!
//! A part that only shows variables is searched. One with template expressions stays as it is, and
//! that is said.

use super::notes::{Notes, Place};
use super::reader::Reader;
use crate::formats::named_file;
use crate::import::draft::DraftPart;
use crate::import::shape::loss;
use crate::prompt::{Piece, USER, pieces, placeholder, strays, value_text};
use crate::source::SourceError;
use crate::source::yaml::{Data, Node, text_of};
use std::collections::BTreeSet;
use std::path::Path;

/// The first prompt that can be read.
pub(super) fn parts(
    node: &Node,
    names: &BTreeSet<String>,
    reader: &Reader<'_>,
    notes: &mut Notes,
) -> Result<Option<Vec<DraftPart>>, SourceError> {
    let prompts = match &node.data {
        Data::List(items) => items.iter().collect(),
        _ => vec![node],
    };
    if prompts.is_empty() {
        return Err(reader.wrong(node, "`prompts` is empty"));
    }
    let mut found = None;
    for prompt in prompts {
        if found.is_some() {
            let note = "only the first prompt is taken; this one is left out";
            notes.add(&reader.place(prompt), note);
        } else if let Some(text) = text(prompt, reader, notes)? {
            found = Some(parts_of(&text, names, &reader.place(prompt), notes));
        }
    }
    Ok(found)
}

/// The text of a prompt; `None`: its file is not read.
fn text(
    node: &Node,
    reader: &Reader<'_>,
    notes: &mut Notes,
) -> Result<Option<String>, SourceError> {
    let written = match &node.data {
        Data::Map(_) => {
            ["raw", "content", "id", "path"].iter().find_map(|key| node.get(key)?.text())
        }
        _ => node.text(),
    };
    let Some(written) = written else {
        return Err(reader.wrong(node, "this prompt is neither a text nor a file"));
    };
    if named_file(written).is_none() {
        return Ok(Some(written.to_owned()));
    }
    match reader.named(node, written, notes) {
        None => Ok(None),
        Some(path) => {
            let text = text_of(&path).map_err(|error| reader.wrong(node, error.to_string()))?;
            Ok(Some(text))
        }
    }
}

/// The parts of a prompt: a text, or a chat as JSON or YAML.
fn parts_of(
    text: &str,
    names: &BTreeSet<String>,
    place: &Place,
    notes: &mut Notes,
) -> Vec<DraftPart> {
    let (mut system, mut user) = (Vec::new(), Vec::new());
    match chat(text, place, notes) {
        None => user.push(text.trim_end().to_owned()),
        Some(messages) => {
            for (role, content) in messages {
                match role.as_str() {
                    "system" | "developer" => system.push(content),
                    _ => user.push(content),
                }
            }
            if user.len() > 1 {
                let note = "a request has one user message, so all messages after the system \
                            message are joined to one";
                notes.add(place, note);
            }
        }
    }
    let system = with_placeholders(&system.join("\n\n"), names);
    let user = with_placeholders(&user.join("\n\n"), names);
    // Only placeholders have a meaning in a part that is searched.
    let (frozen_system, frozen_user) = (is_template(&system), is_template(&user));
    for (is_frozen, message) in [(frozen_system, "system"), (frozen_user, "user")] {
        if is_frozen {
            let note = format!(
                "the {message} message has template expressions, so it stays as it is and is not \
                 searched"
            );
            notes.add(place, note);
        }
    }
    let part = |name, text: String, is_searched| DraftPart { name, text, is_searched };
    let mut parts = Vec::new();
    if !system.is_empty() {
        parts.push(part("system", system + "\n", !frozen_system));
    }
    if (frozen_user || frozen_system) && !parts.iter().any(|it| it.is_searched) {
        // What is searched must not move to the user message without a word.
        let name = if parts.is_empty() { "system" } else { "instructions" };
        notes.add(place, format!("the part `{name}` is new; it is what the search improves"));
        parts.push(part(name, "Follow the instructions.\n".to_owned(), true));
    }
    let is_searched = !parts.iter().any(|it| it.is_searched);
    parts.push(part(USER, user, is_searched));
    parts
}

/// The messages of a chat, with their roles.
fn chat(text: &str, from: &Place, notes: &mut Notes) -> Option<Vec<(String, String)>> {
    if !text.trim_start().starts_with(['[', '-']) {
        return None;
    }
    let place = Path::new("prompt");
    let node = Node::of_json(place, text).or_else(|_| Node::parse(place, text)).ok()?;
    let message = |node: &Node| {
        let content = node.get("content")?.value();
        let content = match content.as_array() {
            None => value_text(&content).into_owned(),
            Some(parts) => {
                let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
                texts.collect::<Vec<_>>().join("\n")
            }
        };
        Some((node.get("role")?.text()?.to_owned(), content))
    };
    let messages: Option<Vec<_>> = node.items().iter().map(message).collect();
    let messages = messages.filter(|messages| !messages.is_empty())?;
    for part in node.items().iter().filter_map(|it| it.get("content")).flat_map(Node::items) {
        if let Some(loss) = loss(&part.value()) {
            notes.add(from, loss);
        }
    }
    Some(messages)
}

/// The text with variables whose names are no words as placeholders, and without comments.
fn with_placeholders(text: &str, names: &BTreeSet<String>) -> String {
    let mut written = String::new();
    let mut from = 0;
    for stray in strays(text, names) {
        if stray.column == Some(stray.inner) && stray.at >= from {
            let end = stray.at + text[stray.at..].find("}}").map_or(0, |length| length + 2);
            written.push_str(&text[from..stray.at]);
            written.push_str(&placeholder(stray.inner));
            from = end;
        }
    }
    written.push_str(&text[from..]);
    pieces(&written)
        .into_iter()
        .map(|piece| match piece {
            Piece::Literal(text) => without_comments(text),
            other => other.source().to_owned(),
        })
        .collect()
}

fn without_comments(mut text: &str) -> String {
    let mut kept = String::new();
    while let Some((before, rest)) = text.split_once("{#")
        && let Some((_, after)) = rest.split_once("#}")
    {
        kept.push_str(before);
        text = after;
    }
    kept + text
}

/// Whether a text does more than to show variables.
fn is_template(text: &str) -> bool {
    pieces(text).into_iter().any(|piece| match piece {
        Piece::Literal(text) => {
            let has = |open: &str, close: &str| {
                text.split_once(open).is_some_and(|(_, rest)| rest.contains(close))
            };
            has("{%", "%}") || has("{{", "}}")
        }
        Piece::Raw { .. } | Piece::Column { .. } => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Vec<(String, String, bool)>, Vec<String>) {
        let names = BTreeSet::from(["q".to_owned(), "first name".to_owned()]);
        let mut notes = Notes::default();
        let found = parts_of(text, &names, &Place::new(Path::new("a.yaml"), 2), &mut notes);
        let plain = |part: DraftPart| (part.name.to_owned(), part.text, part.is_searched);
        (found.into_iter().map(plain).collect(), notes.listed())
    }

    fn part(name: &str, text: &str, is_searched: bool) -> (String, String, bool) {
        (name.to_owned(), text.to_owned(), is_searched)
    }

    #[test]
    fn a_prompt_that_only_shows_variables_is_searched() {
        let raw = "{% raw %}Use {{ braces }}{% endraw %} for {{q}}{# why #} {{ first name }}";
        let user = "{% raw %}Use {{ braces }}{% endraw %} for {{q}} {{ row[\"first name\"] }}";
        assert_eq!(parts(raw), (vec![part("user", user, true)], vec![]));
        let json =
            r#"[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{q}}"}]"#;
        let yaml = "- role: system\n  content: Be brief.\n- role: user\n  content: '{{q}}'\n";
        for chat in [json, yaml] {
            let expected = vec![part("system", "Be brief.\n", true), part("user", "{{q}}", false)];
            assert_eq!(parts(chat), (expected, vec![]));
        }
        let seen = r#"[{"role": "user", "content": [{"type": "text", "text": "{{q}}"}, {"type": "image_url", "image_url": {"url": "x"}}]}]"#;
        assert!(parts(seen).1[0].ends_with("images and other media are left out of messages"));
    }

    #[test]
    fn a_message_with_expressions_is_not_searched_and_it_is_said() {
        let (found, notes) = parts("{% if q %}{{ q }}{% endif %}");
        assert_eq!(found[0], part("system", "Follow the instructions.\n", true));
        assert!(!found[1].2 && notes.len() == 2, "{notes:?}");
        let chat =
            "- role: system\n  content: '{{ q | upper }}'\n- role: user\n  content: '{{q}}'\n";
        let (found, notes) = parts(chat);
        let names: Vec<(&str, bool)> = found.iter().map(|it| (it.0.as_str(), it.2)).collect();
        assert_eq!(names, [("system", false), ("instructions", true), ("user", false)]);
        assert!(notes[0].contains("the part `instructions` is new"), "{notes:?}");
    }
}
