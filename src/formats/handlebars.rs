//! Handlebars, as Dotprompt has it: no escapes of HTML, and marks of roles.
//!
//! `\{{` is literal. What stands between two such marks, a backslash or a brace before a mark, and a brace behind one
//! are written so that the engine's lexer reads them as text.

use super::template::{Segment, Segments, Syntax, segments, template};
use std::ops::Range;

pub(super) struct Handlebars;

/// Shows nothing, and parts what would be read as one.
const EMPTY: &str = "{{!}}";
/// A brace before a mark.
const BRACE: &str = r#"{{#with "{"}}{{this}}{{/with}}"#;
/// Shows nothing; unlike a comment it never takes away the white space beside it.
pub(super) const END: &str = r#"{{lookup "" ""}}"#;
/// How Dotprompt's own marks begin once a template is rendered.
const MARKER: &str = "<<<dotprompt:";

/// Names that are no variables.
const RESERVED: &[&str] = &[
    "as",
    "else",
    "each",
    "false",
    "history",
    "if",
    "ifEquals",
    "json",
    "log",
    "lookup",
    "media",
    "null",
    "role",
    "section",
    "this",
    "true",
    "undefined",
    "unless",
    "unlessEquals",
    "with",
    "helperMissing",
    "blockHelperMissing",
];

impl Syntax for Handlebars {
    fn of_part(&self, text: &str, is_searched: bool) -> Result<String, String> {
        let mut written = String::new();
        let segments = segments(text, is_searched)?;
        for (number, segment) in segments.iter().enumerate() {
            match segment {
                Segment::Text(text) if text.contains(MARKER) => {
                    return Err(format!("`{MARKER}` is a mark of Dotprompt's own"));
                }
                Segment::Text(text) => push_text(&mut written, text, number + 1 == segments.len()),
                Segment::Column(name) => written.push_str(&mark_of(name)?),
            }
        }
        Ok(written)
    }

    fn to_part(&self, text: &str) -> Result<String, String> {
        let mut found = Segments::default();
        for (range, token) in tokens(text)? {
            match token {
                Token::Text(text) => found.text(&text),
                Token::Column(name) => found.column(&name),
                Token::Role(_) => return Err(does_more(&text[range])),
            }
        }
        template(&found.0)
    }
}

fn does_more(source: &str) -> String {
    format!("`{}` does more than show a variable", crate::text::shorten(source, 60))
}

/// Writes text; what is last in a part is so written that anything may follow.
fn push_text(written: &mut String, text: &str, is_last: bool) {
    if text.starts_with('}') {
        written.push_str(EMPTY);
    }
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        written.push_str(before);
        if before.ends_with('\\') {
            written.extend(["\\", EMPTY]);
        }
        written.push_str("\\{{");
        rest = after;
    }
    let (rest, brace) = match rest.strip_suffix('{') {
        Some(rest) => (rest, BRACE),
        None => (rest, ""),
    };
    written.push_str(rest);
    if rest.ends_with('\\') && (!is_last || !brace.is_empty()) {
        written.push('\\');
    } else if rest.ends_with('\\') {
        written.extend(["\\", EMPTY]);
    }
    written.push_str(brace);
}

fn is_plain(name: &str) -> bool {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    starts_well && is_word && !RESERVED.contains(&name)
}

fn mark_of(name: &str) -> Result<String, String> {
    if is_plain(name) {
        return Ok(format!("{{{{{name}}}}}"));
    }
    match name.contains(']') || name.contains(char::is_control) {
        true => Err(format!("Handlebars cannot name the column `{name}`")),
        false => Ok(format!("{{{{this.[{name}]}}}}")),
    }
}

/// A token of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Text(String),
    Column(String),
    Role(String),
}

/// The tokens of a template with their places.
///
/// # Errors
/// A mark that does anything else.
pub(super) fn tokens(text: &str) -> Result<Vec<(Range<usize>, Token)>, String> {
    let mut tokens = Vec::new();
    let mut from = 0;
    loop {
        let rest = &text[from..];
        let Some(at) = rest.find("{{") else {
            tokens.push((from..text.len(), Token::Text(rest.to_owned())));
            return Ok(tokens);
        };
        let slashes = rest[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        let mut shown = rest[..at - usize::from(slashes > 0)].to_owned();
        if slashes == 1 {
            let end = at + end_of_literal(&rest[at..]);
            shown.push_str(&rest[at..end]);
            tokens.push((from..from + end, Token::Text(shown)));
            from += end;
            continue;
        }
        tokens.push((from..from + at, Token::Text(shown)));
        let (length, token) = mark(&rest[at..])?;
        tokens.extend(token.map(|token| (from + at..from + at + length, token)));
        from += at + length;
    }
}

/// Where the literal text ends that begins with braces: at the next ones, or at one or two backslashes before them.
fn end_of_literal(text: &str) -> usize {
    let Some(next) = text[2..].find("{{") else { return text.len() };
    let slashes = text[2..2 + next].bytes().rev().take_while(|byte| *byte == b'\\').count();
    2 + next - slashes.min(2)
}

/// The length of the mark that a text begins with, and what it is; `None`: it shows nothing.
fn mark(text: &str) -> Result<(usize, Option<Token>), String> {
    if text.starts_with(BRACE) {
        return Ok((BRACE.len(), Some(Token::Text("{".to_owned()))));
    }
    if text.starts_with(END) {
        return Ok((END.len(), None));
    }
    let close = match text {
        _ if text.starts_with("{{!--") => "--}}",
        _ if text.starts_with("{{{") => "}}}",
        _ => "}}",
    };
    let Some(end) = text.find(close) else {
        return Err(format!("`{}` is not closed", crate::text::shorten(text, 60)));
    };
    let length = end + close.len();
    if text.starts_with("{{!") {
        return Ok((length, None));
    }
    let inner = text[if close == "}}}" { 3 } else { 2 }..end].trim();
    let role = inner.strip_prefix("role ").map(str::trim).and_then(|role| {
        let quoted = |quote: char| role.strip_prefix(quote)?.strip_suffix(quote);
        quoted('"').or_else(|| quoted('\''))
    });
    let name = || {
        let inner = inner.strip_prefix("this.").unwrap_or(inner);
        match inner.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            Some(name) => (!name.contains([']', '['])).then_some(name),
            None => {
                // What ends an identifier for the engine.
                let ends =
                    |c: char| c.is_whitespace() || "!\"#%&'()*+,./;<=>@[\\]^`{|}~".contains(c);
                let is_name =
                    !inner.is_empty() && !inner.contains(ends) && !RESERVED.contains(&inner);
                is_name.then_some(inner)
            }
        }
    };
    match (role, name()) {
        (Some(role), _) => Ok((length, Some(Token::Role(role.to_owned())))),
        (None, Some(name)) => Ok((length, Some(Token::Column(name.to_owned())))),
        (None, None) => Err(does_more(&text[..length])),
    }
}
