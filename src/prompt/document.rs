//! The files of an export: a prompt as Markdown with front matter or as chat messages, and the name
//! of the file with the evidence.
//!
//! Texts are templates here, written and read back byte for byte; nothing is rendered. This module
//! does not access the disk.
//!
//! # The Markdown format
//! ```text
//! ---
//! promptsearch: {"format":1,"parts":[{"name":"system","bytes":9},{"name":"user","bytes":11}]}
//! run: "tickets-auto-20260101-220000"
//! ---
//!
//! <!-- part: system -->
//! Be brief.
//! <!-- part: user -->
//! {{ input }}
//! ```
//! The front matter is YAML that a JSON reader can also read: one `key: value` per line, with the
//! value in JSON. Its line `promptsearch` lists the parts that follow. A single part has no line
//! that names it: it starts after the blank line and ends with the file. With several parts, each
//! follows a line `<!-- part: NAME -->`, and one newline, which belongs to neither, separates a
//! text from the next such line.
//!
//! Nothing in a text is escaped, so that text copied from the file is exactly what was tested. A
//! text may therefore contain lines that look like separators. This does no harm, because the end
//! of each part is known from its length in bytes. Only if the lengths do not match, because a text
//! was edited by hand, are the parts found by their separator lines; a file in which these are
//! ambiguous is rejected.

use super::Message;
use crate::source::SourceError;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// The key of the front matter that belongs to the format itself. It marks a file as an export.
pub const FORMAT_KEY: &str = "promptsearch";

const FORMAT: u32 = 1;
const FENCE: &str = "---";
/// How the line begins that names a part.
const PART_LINE: &str = "<!-- part: ";

/// The content of a file: its front matter, in order and without the format's own line, and its
/// parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Keys and values in the order of the file.
    pub front_matter: Vec<(String, Value)>,
    /// The parts in the order of the file.
    pub parts: Vec<DocumentPart>,
}

/// One part of a prompt in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentPart {
    /// `None` in a file without the format's front matter, which is plain text for the one searched
    /// part.
    pub name: Option<String>,
    /// The template, byte for byte.
    pub text: String,
}

/// An error in a file with the format's front matter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DocumentError {
    /// The line of the error, from 1, if there is one.
    pub line: Option<usize>,
    /// What is wrong: a lower-case sentence without a full stop.
    pub message: String,
    /// A hint for the user.
    pub help: String,
}

impl DocumentError {
    fn new(line: impl Into<Option<usize>>, message: impl Into<String>, help: &str) -> Self {
        Self { line: line.into(), message: message.into(), help: help.to_owned() }
    }

    /// The same error with the name of the file.
    #[must_use]
    pub fn in_file(self, file: impl Into<PathBuf>) -> SourceError {
        SourceError { line: self.line, ..SourceError::new(file, self.message).help(self.help) }
    }
}

/// The text of a part that a file holds: an export's part of this name, or the whole file if it is none.
///
/// # Errors
/// As for [`read_markdown`]; or an export without such a part.
pub fn part_of(bytes: &[u8], name: &str) -> Result<String, DocumentError> {
    let document = read_markdown(bytes)?;
    let is_it = |part: &&DocumentPart| part.name.as_deref().is_none_or(|it| it == name);
    document.parts.iter().find(is_it).map(|part| part.text.clone()).ok_or_else(|| {
        let names = document.parts.iter().filter_map(|part| part.name.as_deref());
        let names: Vec<String> = names.map(|it| format!("`{it}`")).collect();
        DocumentError::new(
            None,
            format!("the exported prompt has no part `{name}`"),
            &format!("its parts: {}", names.join(", ")),
        )
    })
}

/// The file with these parts, given as (name, text).
///
/// An entry of the front matter under [`FORMAT_KEY`] is skipped, because the format writes its own.
#[must_use]
pub fn to_markdown(front_matter: &[(String, Value)], parts: &[(&str, &str)]) -> Vec<u8> {
    let listed: Vec<Value> = match parts {
        // A single part needs no length, which would be wrong after an edit.
        [(name, _)] => vec![json!({"name": name})],
        _ => parts.iter().map(|(name, text)| json!({"name": name, "bytes": text.len()})).collect(),
    };
    let mut file = format!("{FENCE}\n");
    push_entry(&mut file, FORMAT_KEY, &json!({"format": FORMAT, "parts": listed}));
    for (key, value) in front_matter.iter().filter(|(key, _)| key != FORMAT_KEY) {
        push_entry(&mut file, key, value);
    }
    file.push_str(FENCE);
    file.push_str("\n\n");
    match parts {
        [(_, text)] => file.push_str(text),
        _ => {
            for (place, (name, text)) in parts.iter().enumerate() {
                if place > 0 {
                    file.push('\n');
                }
                file.push_str(&part_line(name));
                file.push('\n');
                file.push_str(text);
            }
        }
    }
    file.into_bytes()
}

fn part_line(name: &str) -> String {
    format!("{PART_LINE}{name} -->")
}

fn push_entry(file: &mut String, key: &str, value: &Value) {
    if is_plain_key(key) {
        file.push_str(key);
    } else {
        push_json(file, &Value::from(key));
    }
    file.push_str(": ");
    push_json(file, value);
    file.push('\n');
}

/// Whether YAML reads the unquoted key as this text.
fn is_plain_key(key: &str) -> bool {
    let reads_as_a_value = matches!(
        key.to_ascii_lowercase().as_str(),
        "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
    );
    key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        && !reads_as_a_value
}

/// JSON on one line that is also valid YAML. Some raw characters end a line in YAML or are
/// forbidden there. In JSON they occur only within strings, where an escape has the same meaning.
fn push_json(file: &mut String, value: &Value) {
    for c in value.to_string().chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                // Writing to a string cannot fail.
                let _ = write!(file, "\\u{:04x}", u32::from(c));
            }
            _ => file.push(c),
        }
    }
}

/// Reads a file as [`to_markdown`] writes it, possibly with texts edited by hand.
///
/// A file is an export if its first line is `---` and the lines up to the next `---` contain the
/// key [`FORMAT_KEY`]. Any other file is plain text: one part without a name that is the whole
/// file, even if it begins with another tool's front matter.
///
/// # Errors
/// Bytes that are no UTF-8 text, an export with invalid front matter or ambiguous parts, or a file whose front
/// matter is lost: it begins with the line that names a part.
pub fn read_markdown(bytes: &[u8]) -> Result<Document, DocumentError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        DocumentError::new(line, "the file is not UTF-8", "save it as UTF-8")
    })?;
    if let Some(at) = text.find('\0') {
        return Err(DocumentError::new(
            crate::source::line_of_offset(text, at),
            "the file has NUL characters (byte 0), as UTF-16 has",
            "save it as UTF-8",
        ));
    }
    // Some editors write a byte order mark, which is no part of the prompt.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some(header) = Header::find(text)? else {
        if text.trim_start().starts_with(PART_LINE) {
            return Err(DocumentError::new(
                1,
                "the file names parts, but has no front matter, so that this line would be sent too",
                r#"write `---`, `promptsearch: {"format":1,"parts":[{"name":"system"},…]}`, `---` and an empty line above it"#,
            ));
        }
        return Ok(Document {
            front_matter: Vec::new(),
            parts: vec![DocumentPart { name: None, text: text.to_owned() }],
        });
    };
    let mut layout = None;
    let mut front_matter = Vec::new();
    for (number, line) in header.lines {
        let (key, value) = read_entry(number, line)?;
        if key != FORMAT_KEY {
            front_matter.push((key, value));
        } else if layout.replace(Layout::read(number, value)?).is_some() {
            return Err(DocumentError::new(
                number,
                format!("the key `{FORMAT_KEY}` is repeated here"),
                "remove one of the two lines",
            ));
        }
    }
    let layout = layout.ok_or_else(|| {
        DocumentError::new(
            1,
            format!("the front matter has no line `{FORMAT_KEY}`"),
            "export the file again",
        )
    })?;
    let body = Body { text: header.body, first_line: header.body_line };
    let parts = match layout.parts.as_slice() {
        [only] => vec![DocumentPart { name: Some(only.name.clone()), text: body.text.to_owned() }],
        parts => match body.split_by_length(parts) {
            Some(parts) => parts,
            None => body.split_by_lines(parts)?,
        },
    };
    Ok(Document { front_matter, parts })
}

struct Header<'a> {
    lines: Vec<(usize, &'a str)>,
    body: &'a str,
    body_line: usize,
}

impl<'a> Header<'a> {
    /// `None` if the file is not an export.
    fn find(text: &'a str) -> Result<Option<Self>, DocumentError> {
        // Some editors write a byte order mark; it must not hide the front matter.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = Vec::new();
        let mut is_ours = false;
        let mut at = 0;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            at += line.len();
            let line = line.trim_end();
            match (index, line == FENCE) {
                (0, false) => return Ok(None),
                (0, true) => {}
                (_, true) if is_ours => {
                    let rest = &text[at..];
                    // Exports have `\n`; a file saved by a Windows editor has `\r\n`.
                    let blank = ["\n", "\r\n"].into_iter().find(|blank| rest.starts_with(blank));
                    return Ok(Some(Self {
                        lines,
                        body: &rest[blank.map_or(0, str::len)..],
                        body_line: index + 2 + usize::from(blank.is_some()),
                    }));
                }
                (_, true) => return Ok(None),
                (_, false) => {
                    let key = line.split_once(':').map_or("", |(key, _)| key);
                    is_ours |= key.trim_end().trim_matches('"') == FORMAT_KEY;
                    if !line.is_empty() && !line.starts_with('#') {
                        lines.push((index + 1, line));
                    }
                }
            }
        }
        // Without an end, a file counts as an export only if it begins like one.
        match lines.first() {
            Some((number, line)) if line.starts_with(&format!("{FORMAT_KEY}:")) => {
                Err(DocumentError::new(
                    *number,
                    "the front matter does not end",
                    "add a line `---` after its last entry",
                ))
            }
            _ => Ok(None),
        }
    }
}

fn read_entry(number: usize, line: &str) -> Result<(String, Value), DocumentError> {
    let complaint = |message: &str| {
        DocumentError::new(
            number,
            message,
            "write `key: value` with the value in JSON, for example a text in double quotes",
        )
    };
    let (key, rest) = if line.starts_with('"') {
        let mut values = serde_json::Deserializer::from_str(line).into_iter::<String>();
        let key = values
            .next()
            .and_then(Result::ok)
            .ok_or_else(|| complaint("the key is not a JSON string"))?;
        (key, line[values.byte_offset()..].strip_prefix(':'))
    } else {
        match line.split_once(':') {
            Some((key, rest)) => (key.trim_end().to_owned(), Some(rest)),
            None => (String::new(), None),
        }
    };
    let rest = rest.ok_or_else(|| complaint("a line of the front matter has no key"))?;
    let value = serde_json::from_str(rest)
        .map_err(|_| complaint(&format!("the value of `{key}` is not JSON")))?;
    Ok((key, value))
}

#[derive(Deserialize)]
struct Layout {
    parts: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    #[serde(default)]
    bytes: Option<usize>,
}

impl Layout {
    fn read(number: usize, value: Value) -> Result<Self, DocumentError> {
        if value["format"].as_u64() != Some(u64::from(FORMAT)) {
            return Err(DocumentError::new(
                number,
                format!(
                    "the file has format {}, but this program reads format {FORMAT}",
                    value["format"]
                ),
                "export it again, or read it with the program that wrote it",
            ));
        }
        serde_json::from_value(value).map_err(|error| {
            DocumentError::new(
                number,
                format!("the list of parts cannot be read: {error}"),
                r#"write it as `promptsearch: {"format":1,"parts":[{"name":"system"}]}`"#,
            )
        })
    }
}

struct Body<'a> {
    text: &'a str,
    first_line: usize,
}

impl<'a> Body<'a> {
    /// `None` unless the lengths of the parts match the whole text exactly.
    fn split_by_length(&self, listed: &[Listed]) -> Option<Vec<DocumentPart>> {
        let mut rest = self.text;
        let mut parts = Vec::with_capacity(listed.len());
        for (place, part) in listed.iter().enumerate() {
            if place > 0 {
                rest = rest.strip_prefix('\n')?;
            }
            rest = rest.strip_prefix(&part_line(&part.name))?;
            rest = rest.strip_prefix('\n')?;
            let (text, after) = rest.split_at_checked(part.bytes?)?;
            parts.push(named(&part.name, text));
            rest = after;
        }
        rest.is_empty().then_some(parts)
    }

    /// For a file that was edited by hand: each listed part must have one line, in the listed
    /// order.
    fn split_by_lines(&self, listed: &[Listed]) -> Result<Vec<DocumentPart>, DocumentError> {
        let found = self.part_lines();
        let doubtful = |line: usize, message: String| {
            Err(DocumentError::new(
                line,
                message,
                "the lengths in the front matter do not match the texts, so the parts are found \
                 by these lines: keep one line per part, in the listed order",
            ))
        };
        for (place, line) in found.iter().enumerate() {
            match listed.get(place) {
                Some(part) if part.name == line.name => {}
                Some(part) => {
                    return doubtful(
                        line.number,
                        format!("expected the line `{}` before this one", part_line(&part.name)),
                    );
                }
                None => {
                    return doubtful(
                        line.number,
                        format!("a second line for the part `{}`", line.name),
                    );
                }
            }
        }
        if let Some(missing) = listed.get(found.len()) {
            return doubtful(
                self.first_line,
                format!("the line `{}` is missing", part_line(&missing.name)),
            );
        }
        let parts_from = found.first().map_or(self.text.len(), |first| first.start);
        if !self.text[..parts_from].trim().is_empty() {
            return doubtful(self.first_line, "text before the line of the first part".to_owned());
        }
        let ends = found.iter().skip(1).map(|next| {
            let text = &self.text[..next.start];
            let text = text.strip_suffix('\n').unwrap_or(text);
            text.strip_suffix('\r').unwrap_or(text).len()
        });
        let ends = ends.chain([self.text.len()]);
        Ok(found
            .iter()
            .zip(ends)
            .map(|(line, end)| named(line.name, self.text.get(line.end..end).unwrap_or_default()))
            .collect())
    }

    fn part_lines(&self) -> Vec<PartLine<'a>> {
        let mut found = Vec::new();
        let mut start = 0;
        for (index, line) in self.text.split_inclusive('\n').enumerate() {
            let end = start + line.len();
            let name =
                line.trim_end().strip_prefix(PART_LINE).and_then(|rest| rest.strip_suffix(" -->"));
            if let Some(name) = name {
                found.push(PartLine { name, number: self.first_line + index, start, end });
            }
            start = end;
        }
        found
    }
}

struct PartLine<'a> {
    name: &'a str,
    number: usize,
    start: usize,
    end: usize,
}

fn named(name: &str, text: &str) -> DocumentPart {
    DocumentPart { name: Some(name.to_owned()), text: text.to_owned() }
}

/// Chat messages in OpenAI's format, with the templates unrendered, and beside them the facts of the front matter
/// under [`FORMAT_KEY`].
#[must_use]
pub fn to_chat_json(front_matter: &[(String, Value)], messages: &[Message]) -> Vec<u8> {
    let facts: serde_json::Map<String, Value> = front_matter.iter().cloned().collect();
    let list: Value = messages
        .iter()
        .map(|message| json!({"role": message.role, "content": message.content}))
        .collect();
    format!("{:#}\n", json!({ FORMAT_KEY: facts, "messages": list })).into_bytes()
}

/// Whether a file is an export of this program in a form for other programs: chat messages, or code.
#[must_use]
pub fn is_not_read_back(bytes: &[u8]) -> bool {
    let is_chat = || {
        let value = serde_json::from_slice::<Value>(bytes).unwrap_or_default();
        value.get(FORMAT_KEY).is_some() && value.get("messages").is_some()
    };
    let is_code =
        |mark: &[u8]| bytes.strip_prefix(mark).is_some_and(|it| it.starts_with(WRITTEN.as_bytes()));
    is_code(b"# ") || is_code(b"// ") || (bytes.starts_with(b"{") && is_chat())
}

/// How the first line of exported code begins.
pub(super) const WRITTEN: &str = "Written by `promptsearch export`; do not edit.";

/// The name of the evidence file of an exported file: `prompts/triage.md` has
/// `prompts/triage.evidence.json`, and `prompts/triage.py` beside it `prompts/triage.py.evidence.json`.
#[must_use]
pub fn sidecar(path: &str) -> String {
    let name_from = path.rfind('/').map_or(0, |slash| slash + 1);
    let stem_end = match path[name_from..].rfind('.') {
        // A leading dot makes a file hidden; it does not begin an extension.
        None | Some(0) => path.len(),
        Some(dot) if path[name_from + dot..].eq_ignore_ascii_case(".md") => name_from + dot,
        Some(_) => path.len(),
    };
    format!("{}.evidence.json", &path[..stem_end])
}

#[cfg(test)]
mod tests;
