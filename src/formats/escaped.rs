//! JSON that other readers take, too: YAML, Python, JavaScript, and a person who looks for what is hidden.

use serde_json::Value;
use std::fmt::Write as _;

/// JSON on one line, without characters that end a line for some readers, that YAML forbids, or that are not seen.
/// They occur within strings only, where an escape has the same meaning.
pub(super) fn escaped(value: &Value) -> String {
    visible(&value.to_string())
}

/// JSON on several lines, likewise.
pub(super) fn escaped_lines(value: &Value) -> String {
    visible(&format!("{value:#}"))
}

fn visible(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            _ if is_invisible(c) || c == '\u{7f}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}

/// Characters that end a line for some languages, change the direction of text, or are not seen. All of them are in
/// Unicode's first plane.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{80}'..='\u{9f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
    )
}
