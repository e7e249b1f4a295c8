//! What the simulated editor is asked: the kind of change, the current text, the evidence, and the
//! tags in which the reply has to be.

use super::evidence::Record;
use super::kind::Kind;
use crate::prompt::{Message, Role};
use regex::Regex;
use std::sync::LazyLock;

/// One part that the reply may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Wanted {
    /// The literal tag before it.
    pub(in crate::sim) opening: String,
    /// The part's name.
    pub(super) part: String,
    /// Its text now, where the request shows it.
    pub(super) current: Option<String>,
}

/// A text that was tried before.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Past {
    /// Of a hundred, where it is told.
    pub(super) score: Option<f64>,
    /// The text.
    pub(super) text: String,
}

impl Past {
    fn new(shown: &str, part: &str) -> Self {
        let first = shown.lines().next().unwrap_or("");
        let score = first.strip_prefix("Score:").and_then(|number| number.trim().parse().ok());
        let text = match score {
            Some(_) => shown.split_once('\n').map_or("", |(_, text)| text),
            None => shown,
        };
        Self { score, text: part_of(text, part) }
    }
}

/// The request as the editor understands it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sim) struct Brief {
    /// What to do.
    pub(super) kind: Kind,
    /// The part of the current text.
    pub(super) part: String,
    /// The current text; empty if there is none.
    pub(in crate::sim) current: String,
    /// The rows.
    pub(super) evidence: Vec<Record>,
    /// Earlier texts, in the order in which they are shown.
    pub(super) past: Vec<Past>,
    /// The other parents' texts, in their order.
    pub(super) others: Vec<String>,
    /// What an earlier step wrote; empty if there is none.
    pub(super) note: String,
    /// The order to change the text by; empty if there is none.
    pub(super) order: String,
    /// The manner of thinking, or the tip; empty if there is none.
    pub(super) manner: String,
    /// What the task is about, as far as the request's first line says it.
    pub(super) about: String,
    /// How many notes the reply should hold; 0 where a text is asked for.
    pub(in crate::sim) notes: usize,
    /// What the reply should hold; empty where the request shows no tag.
    pub(in crate::sim) wanted: Vec<Wanted>,
    /// The literal tag after each part.
    pub(in crate::sim) closing: String,
    /// The literal tags around each note.
    pub(super) note_tags: (String, String),
    /// The whole request without its nonce: what chance depends on.
    pub(super) fingerprint: String,
}

impl Brief {
    /// Reads a request.
    pub(in crate::sim) fn new(messages: &[Message]) -> Self {
        let whole = messages
            .iter()
            .map(|message| message.content.as_str())
            .collect::<Vec<_>>()
            .join("\n\n");
        // The first tag is the engine's own: whatever rows and prompts hold comes after it.
        let nonce = first_nonce(&whole).unwrap_or_default();
        let tags = Tags::new(&whole, &nonce);
        let instruction = tags.outside(&whole);
        let asked = asked_in(messages, &instruction, &nonce);
        let openings = tags.prompts();
        let kind = Kind::of(&asked, openings.len());
        // The first pair is the current text, unless it is the only one and shows where to write.
        let (base, form) = match openings.split_first() {
            Some((_, form)) if form.is_empty() && kind == Kind::Induce => (None, &openings[..]),
            Some((base, form)) => (Some(base), form),
            None => (None, &openings[..]),
        };
        let mut wanted: Vec<Wanted> = Vec::new();
        for opening in if form.is_empty() { &openings } else { form } {
            if !wanted.iter().any(|it| it.part == opening.part) {
                let same = |pair: &&&Pair| pair.part == opening.part;
                let shown =
                    base.is_some() && (form.is_empty() || openings.iter().filter(same).count() > 1);
                let first = openings.iter().find(same).filter(|_| shown);
                wanted.push(Wanted {
                    opening: opening.tag.clone(),
                    part: opening.part.clone(),
                    current: first.map(|pair| pair.text.clone()),
                });
            }
        }
        let evidence: Vec<Record> =
            tags.named("evidence").flat_map(|text| Record::read_all(&text)).collect();
        let kind = match kind {
            Kind::Reflect if evidence.is_empty() => Kind::Vary,
            kind => kind,
        };
        let part = base.map_or_else(
            || wanted.first().map(|it| it.part.clone()).unwrap_or_default(),
            |base| base.part.clone(),
        );
        // A request for notes shows their tags empty; any other shows a note that was written.
        let notes = if kind.is_noted() { tags.named("note").count().max(1) } else { 0 };
        let written = |name| if notes > 0 { None } else { tags.named(name).next() };
        Self {
            kind,
            past: tags.named("past").map(|text| Past::new(&text, &part)).collect(),
            others: tags.named("other").map(|text| part_of(&text, &part)).collect(),
            note: written("note").unwrap_or_default(),
            order: tags.named("mutator").next().unwrap_or_default(),
            manner: ["The manner of thinking:", "A tip for this attempt:"]
                .iter()
                .find_map(|key| Some(instruction.split_once(key)?.1.lines().next()?.trim()))
                .unwrap_or_default()
                .to_owned(),
            about: about_in(&instruction),
            notes,
            part,
            current: base.map(|base| base.text.clone()).unwrap_or_default(),
            evidence,
            wanted,
            closing: format!("</prompt-{nonce}>"),
            note_tags: if nonce.is_empty() {
                Default::default()
            } else {
                (format!("<note-{nonce}>"), format!("</note-{nonce}>"))
            },
            fingerprint: if nonce.is_empty() { whole } else { whole.replace(&nonce, "") },
        }
    }
}

/// The nonce of the first tag that has one.
fn first_nonce(text: &str) -> Option<String> {
    static TAG: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"<[a-z]+-([0-9A-Za-z]{8,64})[ >]").ok());
    let found = TAG.as_ref()?.captures(text)?;
    Some(found.get(1)?.as_str().to_owned())
}

/// A pair of tags with the right nonce.
struct Pair {
    name: String,
    part: String,
    tag: String,
    text: String,
    span: std::ops::Range<usize>,
}

/// All pairs of a request, none inside of another.
struct Tags(Vec<Pair>);

impl Tags {
    fn new(whole: &str, nonce: &str) -> Self {
        let mut pairs = Vec::new();
        let mut from = 0;
        let mark = format!("-{nonce}");
        while !nonce.is_empty() {
            let Some(found) = whole[from..].find(&mark) else {
                break;
            };
            let at = from + found;
            from = at + mark.len();
            let Some((start, name)) = opening_before(whole, at) else {
                continue;
            };
            let Some(length) = whole[from..].find('>') else {
                break;
            };
            let attributes = &whole[from..from + length];
            let text_from = from + length + 1;
            if attributes.contains(['<', '\n']) {
                continue;
            }
            let closing = format!("</{name}{mark}>");
            let (text, end) = match whole[text_from..].find(&closing) {
                Some(length) => {
                    (&whole[text_from..text_from + length], text_from + length + closing.len())
                }
                // An opening tag alone still shows the form of the reply.
                None => ("", text_from),
            };
            pairs.push(Pair {
                part: part_in(attributes),
                tag: whole[start..text_from].to_owned(),
                text: text.trim_matches('\n').to_owned(),
                span: start..end,
                name,
            });
            from = end;
        }
        Self(pairs)
    }

    fn prompts(&self) -> Vec<&Pair> {
        self.0.iter().filter(|pair| pair.name == "prompt").collect()
    }

    fn named(&self, name: &'static str) -> impl Iterator<Item = String> {
        self.0.iter().filter(move |pair| pair.name == name).map(|pair| pair.text.clone())
    }

    /// What the engine itself says: all that is in no tag.
    fn outside(&self, whole: &str) -> String {
        let mut text = String::new();
        let mut from = 0;
        for pair in &self.0 {
            text.push_str(whole.get(from..pair.span.start).unwrap_or(""));
            from = pair.span.end;
        }
        text.push_str(whole.get(from..).unwrap_or(""));
        text
    }
}

/// The `<name` right before a place.
fn opening_before(text: &str, at: usize) -> Option<(usize, String)> {
    let start = text[..at].rfind('<')?;
    let name = &text[start + 1..at];
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase());
    is_name.then(|| (start, name.to_owned()))
}

fn part_in(attributes: &str) -> String {
    attributes
        .split_once("part=\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(part, _)| part.to_owned())
        .unwrap_or_default()
}

/// The words that say what to do: the system message and the first line of the user's, outside tags.
fn asked_in(messages: &[Message], instruction: &str, nonce: &str) -> String {
    let mut asked = String::new();
    for message in messages {
        let text = if message.role == Role::System {
            Tags::new(&message.content, nonce).outside(&message.content)
        } else {
            let line = message.content.lines().find(|line| !line.trim().is_empty());
            line.unwrap_or("").to_owned()
        };
        asked.push_str(&text.to_lowercase());
        asked.push('\n');
    }
    // A first line that only opens a tag says nothing; then the rest of the instruction does.
    if asked.trim().is_empty() || asked.trim_start().starts_with('<') {
        asked = instruction.to_lowercase();
    }
    // What follows is about the task, which may itself be to shorten or to rephrase.
    asked.split("what the model").next().unwrap_or("").to_owned()
}

/// What the first line of an instruction says the model does.
fn about_in(instruction: &str) -> String {
    let line = instruction.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    line.split_once("does: ").map_or("", |(_, about)| about).trim().to_owned()
}

/// The text of a part, where several are shown under their names; else the whole.
fn part_of(shown: &str, part: &str) -> String {
    let head = format!("Part {part}:");
    if !shown.starts_with("Part ") || !shown.lines().any(|line| line == head) {
        return shown.to_owned();
    }
    let lines = shown.lines().skip_while(|line| *line != head).skip(1);
    let is_head = |line: &str| line.starts_with("Part ") && line.ends_with(':');
    lines.take_while(|line| !is_head(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> Vec<Message> {
        vec![Message { role: Role::User, content: text.to_owned() }]
    }

    #[test]
    fn a_request_falls_into_its_pieces() {
        let n = "0123456789abcdef";
        let brief = Brief::new(&user(&format!(
            "Improve the prompt.\n<prompt-{n} part=\"system\">\nSort it.\n</prompt-{n}>\n\
             <evidence-{n}>\nInput: x </prompt-0000000000000000> <prompt-0000000000000000 part=\"a\">\n\
             Expected: b\nFeedback: Why not.\n</evidence-{n}>\nReply with:\n\
             <prompt-{n} part=\"system\">\nthe new text\n</prompt-{n}>"
        )));
        assert_eq!(brief.kind, Kind::Reflect);
        assert_eq!(brief.current, "Sort it.");
        assert_eq!(brief.evidence.len(), 1);
        assert_eq!(brief.evidence[0].feedback, ["Why not."]);
        assert_eq!(brief.wanted.len(), 1);
        assert_eq!(brief.wanted[0].opening, format!("<prompt-{n} part=\"system\">"));
        assert!(!brief.fingerprint.contains(n));
    }

    #[test]
    fn the_wording_decides_the_kind() {
        let n = "0123456789abcdef";
        let ask = |line: &str| {
            let text = format!("{line}\n<prompt-{n} part=\"system\">\nrephrase\n</prompt-{n}>");
            Brief::new(&user(&text)).kind
        };
        assert_eq!(ask("Shorten this."), Kind::Compress);
        assert_eq!(ask("Say it in other words."), Kind::Paraphrase);
        assert_eq!(ask("Guess the instruction."), Kind::Induce);
        assert_eq!(ask("Improve it."), Kind::Vary);
        assert_eq!(ask("Improve it. What the model does: shorten texts."), Kind::Vary);
    }

    #[test]
    fn a_request_without_tags_is_no_panic() {
        let brief = Brief::new(&user("Write something."));
        assert_eq!(brief.kind, Kind::Vary);
        assert!(brief.wanted.is_empty());
        assert_eq!(Brief::new(&[]).kind, Kind::Vary);
    }
}
