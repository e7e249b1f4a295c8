//! The fragments of a template: text, raw text, comments, placeholders and other code.
//!
//! Everything that must know what of a prompt is code asks here. The forms are the engine's: white space
//! may be taken away (`{%- raw -%}`, `{%+ raw %}`), a block ends outside of its texts and brackets, and
//! nothing within raw text or a comment means anything. What the code does is not looked at.

use super::column_name::{is_word, quoted_name};

/// A fragment of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fragment<'a> {
    /// Text that is sent as it stands.
    Text(&'a str),
    /// Text between `{% raw %}` and `{% endraw %}`.
    Raw {
        /// The text.
        text: &'a str,
        /// The tag before it.
        open: &'a str,
        /// The tag behind it.
        close: &'a str,
        /// The fragment as it is written.
        source: &'a str,
    },
    /// A comment as it is written.
    Comment(&'a str),
    /// A placeholder, which names a column and does nothing else.
    Column {
        /// The column.
        name: &'a str,
        /// The fragment as it is written.
        source: &'a str,
    },
    /// Any other block.
    Code {
        /// What stands between the braces, with the marks that take away white space.
        inner: &'a str,
        /// The fragment as it is written.
        source: &'a str,
    },
}

impl<'a> Fragment<'a> {
    /// The fragment as it is written.
    pub(crate) fn source(self) -> &'a str {
        match self {
            Self::Text(source)
            | Self::Comment(source)
            | Self::Raw { source, .. }
            | Self::Column { source, .. }
            | Self::Code { source, .. } => source,
        }
    }
}

/// The fragments of a template, which put together are the template. What is opened and does not close goes
/// to its end, as code; the engine refuses it.
pub(crate) fn fragments(text: &str) -> Vec<Fragment<'_>> {
    let mut fragments = Vec::new();
    let (mut text_from, mut search_from) = (0, 0);
    while let Some(found) = text[search_from..].find('{') {
        let open = search_from + found;
        let rest = &text[open..];
        if !["{{", "{%", "{#"].iter().any(|mark| rest.starts_with(mark)) {
            search_from = open + 1;
            continue;
        }
        if text_from < open {
            fragments.push(Fragment::Text(&text[text_from..open]));
        }
        let fragment =
            fragment_at(rest).unwrap_or(Fragment::Code { inner: &rest[2..], source: rest });
        fragments.push(fragment);
        text_from = open + fragment.source().len();
        search_from = text_from;
    }
    if text_from < text.len() {
        fragments.push(Fragment::Text(&text[text_from..]));
    }
    fragments
}

/// The fragments with the place of each in the text, in bytes.
pub(super) fn placed_fragments(text: &str) -> impl Iterator<Item = (usize, Fragment<'_>)> {
    let mut next = 0;
    fragments(text).into_iter().map(move |fragment| {
        let at = next;
        next += fragment.source().len();
        (at, fragment)
    })
}

/// The fragment that a text begins with, unless that is text; `None` also where it does not close.
pub(super) fn fragment_at(text: &str) -> Option<Fragment<'_>> {
    match text.as_bytes().get(..2)? {
        b"{#" => {
            let start = past_mark(text, 2);
            let end = start + text[start..].find("#}")? + 2;
            Some(Fragment::Comment(&text[..end]))
        }
        b"{%" => match tag_at(text, "raw") {
            Some(open) => raw_at(text, open),
            None => code_at(text, "%}"),
        },
        b"{{" => column_at(text).or_else(|| code_at(text, "}}")),
        _ => None,
    }
}

/// The placeholder or the raw text that a text begins with: what has a meaning in a searched part. No other code
/// is read for it.
pub(super) fn plain_at(text: &str) -> Option<Fragment<'_>> {
    match text.as_bytes().get(..2)? {
        b"{%" => raw_at(text, tag_at(text, "raw")?),
        b"{{" => column_at(text),
        _ => None,
    }
}

/// The tag `{% name %}` that a text begins with, also where it takes away white space.
pub(super) fn tag_at<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let blank = |c: char| c.is_ascii_whitespace();
    let inner = text.strip_prefix("{%")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    let rest = inner.trim_start_matches(blank).strip_prefix(name)?.trim_start_matches(blank);
    let rest = rest.strip_prefix(['-', '+']).unwrap_or(rest).strip_prefix("%}")?;
    Some(&text[..text.len() - rest.len()])
}

/// Whether a tag or a block takes away white space, or says that it does not.
pub(crate) fn has_mark(source: &str) -> bool {
    let inner = source.get(2..source.len().saturating_sub(2)).unwrap_or_default();
    inner.starts_with(['-', '+']) || inner.ends_with(['-', '+'])
}

/// Where the text in quotes ends that begins here.
pub(super) fn end_of_quoted(text: &str, start: usize) -> usize {
    let quote = text.as_bytes()[start];
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(start + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The place behind the mark that may stand here.
fn past_mark(text: &str, at: usize) -> usize {
    at + usize::from(text[at..].starts_with(['-', '+']))
}

/// The raw text that a text begins with, given the tag that opens it.
fn raw_at<'a>(text: &'a str, open: &'a str) -> Option<Fragment<'a>> {
    let tags = text.match_indices("{%").skip_while(|(at, _)| *at < open.len());
    let (end, close) =
        tags.filter_map(|(at, _)| Some((at, tag_at(&text[at..], "endraw")?))).next()?;
    let source = &text[..end + close.len()];
    Some(Fragment::Raw { text: &text[open.len()..end], open, close, source })
}

/// The placeholder that a text begins with. A backslash in a column's name is one of its characters.
fn column_at(text: &str) -> Option<Fragment<'_>> {
    let inner = text.strip_prefix("{{")?.trim_start();
    let is_quoted =
        inner.strip_prefix("row").is_some_and(|rest| rest.trim_start().starts_with('['));
    let length = match is_quoted {
        true => {
            let start = inner.find(['"', '\''])?;
            let quote = inner[start..].chars().next()?;
            let end = start + 1 + inner[start + 1..].find(quote)?;
            end + inner[end..].find("}}")?
        }
        false => inner.find("}}")?,
    };
    let name = inner[..length].trim();
    let name = if is_word(name) { name } else { quoted_name(name)? };
    let end = text.len() - inner.len() + length + 2;
    Some(Fragment::Column { name, source: &text[..end] })
}

/// The block that a text begins with. It ends at its closing mark, outside of texts and brackets.
fn code_at<'a>(text: &'a str, close: &str) -> Option<Fragment<'a>> {
    let (mut depth, mut at) = (0_usize, past_mark(text, 2));
    while let Some(next) = text[at..].chars().next() {
        if depth == 0 && text[at..].starts_with(close) {
            return Some(Fragment::Code { inner: &text[2..at], source: &text[..at + 2] });
        }
        match next {
            '"' | '\'' => at = end_of_quoted(text, at),
            _ => {
                match next {
                    '(' | '[' | '{' => depth += 1,
                    ')' | ']' | '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                at += next.len_utf8();
            }
        }
    }
    None
}
