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
mod tests {
    use super::*;
    use crate::prompt::Role;
    use proptest::prelude::*;

    fn parts_of(document: &Document) -> Vec<(&str, &str)> {
        document
            .parts
            .iter()
            .map(|part| (part.name.as_deref().unwrap(), part.text.as_str()))
            .collect()
    }

    fn text_of(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn one_part_is_front_matter_a_blank_line_and_the_bare_text() {
        let front_matter = [
            ("run".to_owned(), json!("a: \"b\"\n---\n")),
            ("no".to_owned(), json!([1, 0.5, null])),
        ];
        let file = to_markdown(&front_matter, &[("system", "Be brief.")]);
        assert_eq!(
            text_of(&file),
            "---\npromptsearch: {\"format\":1,\"parts\":[{\"name\":\"system\"}]}\n\
             run: \"a: \\\"b\\\"\\n---\\n\"\n\"no\": [1,0.5,null]\n---\n\nBe brief."
        );
        let document = read_markdown(&file).unwrap();
        assert_eq!(document.front_matter, front_matter);
        assert_eq!(parts_of(&document), [("system", "Be brief.")]);
    }

    #[test]
    fn several_parts_each_follow_a_line_with_their_name() {
        let file = to_markdown(&[], &[("system", "Be brief.\n"), ("user", "{{ input }}")]);
        let body = text_of(&file).split_once("---\n\n").unwrap().1;
        assert_eq!(body, "<!-- part: system -->\nBe brief.\n\n<!-- part: user -->\n{{ input }}");
    }

    #[test]
    fn front_matter_never_holds_a_line_end_in_the_eyes_of_a_yaml_reader() {
        let value = json!("\u{85}\u{2028}\u{feff}\u{7f}");
        let file = to_markdown(&[("note".into(), value.clone())], &[("user", "")]);
        assert!(text_of(&file).contains(r#"note: "\u0085\u2028\ufeff\u007f""#));
        assert_eq!(read_markdown(&file).unwrap().front_matter[0].1, value);
    }

    #[test]
    fn a_file_that_is_not_an_export_is_one_part_without_a_name() {
        for text in [
            "",
            "Be brief.\n",
            "---\ntitle: Triage\n---\n\nBe brief.",
            "---\n\nA rule above, and no other.\n",
            "---\n---\npromptsearch: {}\n---\n",
            "Be brief.\r\n",
        ] {
            let marked = format!("\u{feff}{text}");
            assert_eq!(
                read_markdown(marked.as_bytes()).unwrap(),
                read_markdown(text.as_bytes()).unwrap()
            );
            let document = read_markdown(text.as_bytes()).unwrap();
            assert_eq!(document.front_matter, []);
            assert_eq!(document.parts.len(), 1);
            assert_eq!(document.parts[0].name, None);
            assert_eq!(document.parts[0].text, text);
        }
    }

    #[test]
    fn texts_edited_by_hand_are_still_separated() {
        let file = to_markdown(&[], &[("system", "Be brief."), ("user", "{{ input }}")]);
        let longer = text_of(&file).replace("brief", "very brief\nand kind");
        let document = read_markdown(longer.as_bytes()).unwrap();
        assert_eq!(
            parts_of(&document),
            [("system", "Be very brief\nand kind."), ("user", "{{ input }}")]
        );
        let windows = format!("\u{feff}{}", text_of(&file).replace('\n', "\r\n"));
        let document = read_markdown(windows.as_bytes()).unwrap();
        assert_eq!(parts_of(&document), [("system", "Be brief."), ("user", "{{ input }}")]);
    }

    #[test]
    fn an_ambiguous_part_is_an_error_with_its_line() {
        let texts = [("system", "a\n<!-- part: user -->\nb"), ("user", "{{ input }}")];
        let file = text_of(&to_markdown(&[], &texts)).to_owned();
        assert_eq!(
            parts_of(&read_markdown(file.as_bytes()).unwrap()),
            texts,
            "the lengths decide as long as they match"
        );
        let refused = |changed: String| read_markdown(changed.as_bytes()).unwrap_err();
        let error = refused(file.replace("\na\n", "\naa\n"));
        assert_eq!(error.line, Some(9), "{error}");
        let error = refused(file.replace("<!-- part: system -->", "<!-- part: sistem -->"));
        assert_eq!(error.line, Some(5), "{error}");
        let error = refused(file.replace("<!-- part: user -->\n", ""));
        assert!(error.message.contains("part: user"), "{error}");
        let error =
            refused(file.replace("<!-- part: user -->\nb", "").replace("---\n\n", "---\n\nlost\n"));
        assert!(error.message.contains("before"), "{error}");
    }

    #[test]
    fn front_matter_that_cannot_be_read_is_an_error_and_never_part_of_the_prompt() {
        let format = r#"promptsearch: {"format":1,"parts":[{"name":"system"}]}"#;
        for (text, line) in [
            (format!("---\n{format}\nnote: hello\n---\n\nx"), 3),
            (format!("---\n{format}\nnote\n---\n\nx"), 3),
            (format!("---\n{format}\n{format}\n---\n\nx"), 3),
            (format!("---\n{format}\nx"), 2),
            ("---\npromptsearch: {\"format\":2}\n---\n\nx".to_owned(), 2),
            ("---\npromptsearch: {\"format\":1}\n---\n\nx".to_owned(), 2),
            ("---\npromptsearch: {\"format\":1,\"parts\":[]}\n---\n\nx".to_owned(), 5),
        ] {
            let error = read_markdown(text.as_bytes()).unwrap_err();
            assert_eq!(error.line, Some(line), "{text}");
            let shown = error.in_file("prompt.md").to_string();
            assert!(shown.starts_with(&format!("prompt.md:{line}: ")), "{shown}");
            assert!(shown.contains("\n  try: "), "{shown}");
        }
        assert_eq!(read_markdown(b"a\n\xff").unwrap_err().line, Some(2));
        assert_eq!(read_markdown(b"a\nB\0e\0").unwrap_err().line, Some(2));
        let nameless = read_markdown(b"<!-- part: system -->\nBe brief.").unwrap_err();
        assert!(nameless.message.contains("no front matter"), "{nameless}");
        let reordered = format!("---\n# by hand\n\nnote: 1\n{format}\n---\nx");
        let document = read_markdown(reordered.as_bytes()).unwrap();
        assert_eq!(parts_of(&document), [("system", "x")]);
        assert_eq!(document.front_matter, [("note".to_owned(), json!(1))]);
    }

    #[test]
    fn a_file_of_a_part_may_be_an_export() {
        let file = to_markdown(&[], &[("system", "Be brief."), ("user", "{{ input }}")]);
        assert_eq!(part_of(&file, "user").unwrap(), "{{ input }}");
        assert_eq!(part_of(b"Be kind.\n", "user").unwrap(), "Be kind.\n");
        let error = part_of(&file, "demos").unwrap_err();
        assert_eq!(error.message, "the exported prompt has no part `demos`");
        assert_eq!(error.help, "its parts: `system`, `user`");
    }

    #[test]
    fn chat_messages_keep_their_templates() {
        let messages = [
            Message { role: Role::System, content: "Be \"brief\".\n".into() },
            Message { role: Role::User, content: "{{ input }}".into() },
        ];
        let file = to_chat_json(&[("run".into(), json!("night"))], &messages);
        assert!(file.ends_with(b"}\n"));
        assert_eq!(
            serde_json::from_slice::<Value>(&file).unwrap(),
            json!({"promptsearch": {"run": "night"}, "messages": [
                {"role": "system", "content": "Be \"brief\".\n"},
                {"role": "user", "content": "{{ input }}"},
            ]})
        );
    }

    #[test]
    fn the_evidence_file_is_beside_the_exported_file() {
        assert_eq!(sidecar("prompt.md"), "prompt.evidence.json");
        assert_eq!(sidecar("a.b/prompt"), "a.b/prompt.evidence.json");
        assert_eq!(sidecar("a/.prompt"), "a/.prompt.evidence.json");
        assert_eq!(sidecar("a/v1.2.md"), "a/v1.2.evidence.json");
        assert_eq!(sidecar("a/v1.py"), "a/v1.py.evidence.json");
    }

    /// Texts that contain lines like the format's own.
    fn tricky() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\n".to_owned()),
            Just("\r\n".to_owned()),
            Just("---".to_owned()),
            Just("---\n".to_owned()),
            Just("\n---\n\n".to_owned()),
            Just("<!-- part: system -->".to_owned()),
            Just("<!-- part: user -->\n".to_owned()),
            Just("\n<!-- part: user -->\n".to_owned()),
            Just(r#"promptsearch: {"format":1,"parts":[]}"#.to_owned()),
            Just("\u{feff}".to_owned()),
            any::<String>(),
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    fn named_parts() -> impl Strategy<Value = Vec<(String, String)>> {
        let name = prop_oneof![Just("system".to_owned()), Just("user".to_owned()), any::<String>()];
        prop::collection::vec((name, tricky()), 0..4)
    }

    fn front_matter() -> impl Strategy<Value = Vec<(String, Value)>> {
        let value = prop_oneof![
            tricky().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            prop::collection::vec(any::<String>(), 0..3).prop_map(Value::from),
        ];
        let key = prop_oneof![tricky(), "[a-z_-]{0,5}"];
        prop::collection::vec((key, value), 0..4)
    }

    proptest! {
        #[test]
        fn every_text_is_read_back_as_it_was(parts in named_parts(), front in front_matter()) {
            let given: Vec<(&str, &str)> =
                parts.iter().map(|(name, text)| (&**name, &**text)).collect();
            let document = read_markdown(&to_markdown(&front, &given)).unwrap();
            prop_assert_eq!(parts_of(&document), given);
            prop_assert_eq!(document.front_matter, front);
        }

        #[test]
        fn one_text_is_the_end_of_its_file(text in tricky()) {
            let file = to_markdown(&[], &[("user", &text)]);
            let after = format!("\n---\n\n{text}");
            prop_assert!(file.ends_with(after.as_bytes()));
        }

        #[test]
        fn separator_lines_suffice_for_parts_without_such_lines(
            texts in prop::collection::vec("[-a<!\n ]{0,12}", 2..4)
        ) {
            let names = ["system", "demos", "user"];
            let given: Vec<(&str, &str)> =
                names.into_iter().zip(texts.iter().map(String::as_str)).collect();
            let file = to_markdown(&[], &given);
            let without_lengths =
                regex::Regex::new(r#","bytes":\d+"#).unwrap().replace_all(text_of(&file), "");
            let document = read_markdown(without_lengths.as_bytes()).unwrap();
            prop_assert_eq!(parts_of(&document), given);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in any::<Vec<u8>>(), text in tricky()) {
            let _ = read_markdown(&bytes);
            let format = r#"promptsearch: {"format":1,"parts":[{"name":"user"},{"name":"b","bytes":9}]}"#;
            let _ = read_markdown(format!("---\n{format}\n{text}\n---\n{text}").as_bytes());
        }
    }
}
