//! Dotprompt (`.prompt`): YAML front matter, and messages in Handlebars.
//!
//! <https://google.github.io/dotprompt/reference/>. Keys with a dot in their name are those of other programs.

use super::document::{Document, DocumentError, FORMAT_KEY};
use super::escaped::escaped;
use super::handlebars::{END, Handlebars, Token, tokens};
use super::messages::Messages;
use super::template::Syntax as _;
use super::{Exported, Unwritable};
use crate::source::yaml::Node;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// The key of this program.
const KEY: &str = "promptsearch.export";

pub(super) fn write(exported: &Exported<'_>) -> Result<Vec<u8>, Unwritable> {
    let messages = Messages::of(exported, &Handlebars)?;
    let columns = exported.columns();
    let text = json!({"type": "string"});
    let properties: serde_json::Map<String, Value> =
        columns.iter().map(|name| (name.clone(), text.clone())).collect();
    let schema = json!({"type": "object", "properties": properties, "required": columns});
    let mut file = "---\n".to_owned();
    let mut entry = |key: &str, value: &Value| {
        // Writing to a string cannot fail.
        let _ = writeln!(file, "{key}: {}", escaped(value));
    };
    if let Some(simulated) = exported.simulated {
        entry("description", &simulated.into());
    }
    if let Some(model) = exported.fact("model") {
        entry("model", model);
    }
    entry("input", &json!({"schema": schema}));
    entry(KEY, &messages.facts());
    file.push_str("---\n");
    for (role, text) in messages.each() {
        let _ = write!(file, "{{{{role \"{role}\"}}}}{text}");
    }
    // The tool takes away the white space at the end of a file.
    file.push_str(if file.ends_with(char::is_whitespace) { END } else { "" });
    file.push('\n');
    Ok(file.into_bytes())
}

/// The front matter of a file and the template behind it, with the number of the template's first line.
fn split(text: &str) -> Option<(&str, &str, usize)> {
    let rest = text.strip_prefix("---")?;
    let (blank, rest) = rest.split_once('\n')?;
    if !blank.trim().is_empty() {
        return None;
    }
    let mut at = 0;
    for (number, line) in rest.split_inclusive('\n').enumerate() {
        if line.strip_prefix("---").is_some_and(|it| it.trim().is_empty()) {
            return Some((&rest[..at], &rest[at + line.len()..], number + 3));
        }
        at += line.len();
    }
    None
}

/// Whether a file is one by its content or, with the extension `.prompt`, may be one.
pub(super) fn is_dotprompt(text: &str, has_extension: bool) -> bool {
    let front = split(text).map(|(front, ..)| front);
    let has = |key: &str| {
        front.is_some_and(|front| front.lines().any(|line| line.starts_with(&format!("{key}:"))))
    };
    // Markdown of this program may have any name.
    has(KEY)
        || has_extension
            && !has(FORMAT_KEY)
            && (front.is_some() || text.trim_start().starts_with("{{role "))
}

pub(super) fn read(text: &str) -> Result<Document, DocumentError> {
    let (front, template, _) = split(text).unwrap_or(("", text, 1));
    let mut messages = Messages::default();
    if !front.trim().is_empty() {
        let front = Node::parse(Path::new("front matter"), front).map_err(|error| {
            let line = error.line.map(|line| line + 1);
            DocumentError::new(line, error.message, "the front matter of a .prompt file is YAML")
        })?;
        let facts = front.get(KEY).map(Node::value);
        let facts = facts.as_ref().and_then(Value::as_object);
        messages.facts =
            facts.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    }
    let template = template.trim();
    let template = template.strip_suffix(END).unwrap_or(template);
    let wrong = |why: String| {
        let help = "a prompt here shows variables, and does nothing else with them";
        DocumentError::new(None, format!("the template: {why}"), help)
    };
    let (mut role, mut from) = (None, 0);
    let mut add = |role: Option<&str>, text: &str, number: usize| match role {
        Some(role) => messages.add(role, text, &format!("message {number}")),
        None => Ok(()),
    };
    let mut number = 0;
    for (range, token) in tokens(template).map_err(wrong)? {
        let Token::Role(next) = token else { continue };
        if role.is_none() && !template[..range.start].trim().is_empty() {
            role = Some("user".to_owned());
        }
        add(role.as_deref(), &template[from..range.start], number)?;
        (role, from, number) = (Some(next), range.end, number + 1);
    }
    match role {
        Some(role) => add(Some(&role), &template[from..], number)?,
        // A template without roles is one text.
        None => return Handlebars.to_part(template).map(Document::plain).map_err(wrong),
    }
    messages.document(&Handlebars)
}
