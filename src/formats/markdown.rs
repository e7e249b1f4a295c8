//! A prompt as Markdown with front matter: the searched parts, written and read back byte for byte. And plain text,
//! which is any file that is nothing else.
//!
//! # The format
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

use super::document::{Document, DocumentError, DocumentPart, FORMAT_KEY};
use super::escaped::escaped;
use serde::Deserialize;
use serde_json::{Value, json};

const FORMAT: u32 = 1;
const FENCE: &str = "---";
/// How the line begins that names a part.
const PART_LINE: &str = "<!-- part: ";

/// The file with these parts, given as (name, text).
///
/// An entry of the front matter under [`FORMAT_KEY`] is skipped, because the format writes its own.
#[must_use]
pub(super) fn to_markdown(front_matter: &[(String, Value)], parts: &[(&str, &str)]) -> Vec<u8> {
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
        file.push_str(&escaped(&Value::from(key)));
    }
    file.push_str(": ");
    file.push_str(&escaped(value));
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

/// Reads a file as [`to_markdown`] writes it, possibly with texts edited by hand.
///
/// A file is an export if its first line is `---` and the lines up to the next `---` contain the
/// key [`FORMAT_KEY`]. Any other file is plain text: one part without a name that is the whole
/// file, even if it begins with another tool's front matter.
///
/// # Errors
/// An export with invalid front matter or ambiguous parts, or a file whose front matter is lost: it begins with the
/// line that names a part.
pub(super) fn read_markdown(text: &str) -> Result<Document, DocumentError> {
    let Some(header) = Header::find(text)? else {
        if text.trim_start().starts_with(PART_LINE) {
            return Err(DocumentError::new(
                1,
                "the file names parts, but has no front matter, so that this line would be sent too",
                r#"write `---`, `promptsearch: {"format":1,"parts":[{"name":"system"},…]}`, `---` and an empty line above it"#,
            ));
        }
        return Ok(Document::plain(text));
    };
    let mut layout = None;
    let mut facts = Vec::new();
    for (number, line) in header.lines {
        let (key, value) = read_entry(number, line)?;
        if key != FORMAT_KEY {
            facts.push((key, value));
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
        [only] => vec![DocumentPart::named(&only.name, body.text)],
        parts => match body.split_by_length(parts) {
            Some(parts) => parts,
            None => body.split_by_lines(parts)?,
        },
    };
    Ok(Document { facts, parts })
}

struct Header<'a> {
    lines: Vec<(usize, &'a str)>,
    body: &'a str,
    body_line: usize,
}

impl<'a> Header<'a> {
    /// `None` if the file is not an export.
    fn find(text: &'a str) -> Result<Option<Self>, DocumentError> {
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
            parts.push(DocumentPart::named(&part.name, text));
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
            .map(|(line, end)| {
                DocumentPart::named(line.name, self.text.get(line.end..end).unwrap_or_default())
            })
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

#[cfg(test)]
mod tests;
