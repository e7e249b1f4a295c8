//! Nunjucks, as promptfoo has it: this program's own placeholders, and literal marks as texts in a mark.
//!
//! A column whose name is no word is a field of `row`, an object among the variables. Raw blocks are not written: they
//! nest here, and do not elsewhere.

use super::template::{Segment, Segments, Syntax, segments, template};
use crate::prompt::{Fragment, fragments, has_mark, placeholder};

pub(super) struct Nunjucks;

/// What begins or ends something else than text.
const MARKS: &[&str] = &["{{", "{%", "{#", "#}"];
/// Words that are no variables.
const RESERVED: &[&str] = &["null", "undefined", "env", "range", "cycler", "joiner"];

impl Syntax for Nunjucks {
    fn of_part(&self, text: &str, is_searched: bool) -> Result<String, String> {
        let mut written = String::new();
        let segments = segments(text, is_searched)?;
        for (number, segment) in segments.iter().enumerate() {
            match segment {
                Segment::Text(text) => push_text(&mut written, text, number + 1 < segments.len()),
                Segment::Column(name) if name.contains('\\') => {
                    return Err(format!("it cannot name the column `{name}`"));
                }
                Segment::Column(name) => written.push_str(&match is_variable(name) {
                    true => placeholder(name),
                    false if name.contains('"') => format!("{{{{ row['{name}'] }}}}"),
                    false => format!("{{{{ row[\"{name}\"] }}}}"),
                }),
            }
        }
        Ok(written)
    }

    fn to_part(&self, text: &str) -> Result<String, String> {
        let mut found = Segments::default();
        for fragment in fragments(text) {
            match fragment {
                Fragment::Text(text) => found.text(text),
                Fragment::Raw { text, open, close, .. } if !has_mark(open) && !has_mark(close) => {
                    found.text(text);
                }
                Fragment::Comment(source) if !has_mark(source) => {}
                Fragment::Column { name, .. } => found.column(name),
                Fragment::Code { inner, .. } if quoted(inner).is_some() => {
                    found.text(quoted(inner).unwrap_or_default());
                }
                other => {
                    let source = crate::text::shorten(other.source(), 60);
                    return Err(format!("`{source}` does more than show a variable"));
                }
            }
        }
        template(&found.0)
    }
}

/// Whether a column is a variable of its own, and not a field of `row`.
pub(super) fn is_variable(name: &str) -> bool {
    !placeholder(name).contains('[') && !RESERVED.contains(&name)
}

/// Whether a value would be shown as it is: promptfoo reads variables as templates, too, and as names of files.
pub(super) fn is_plain(value: &str) -> bool {
    !MARKS.iter().any(|mark| value.contains(mark))
        && !["file://", "package:"].iter().any(|scheme| value.starts_with(scheme))
        && !value.ends_with('\n')
}

fn push_text(written: &mut String, text: &str, is_before_column: bool) {
    let mut rest = text;
    while let Some((at, mark)) =
        MARKS.iter().filter_map(|mark| Some((rest.find(mark)?, *mark))).min()
    {
        written.push_str(&rest[..at]);
        written.extend(["{{ \"", mark, "\" }}"]);
        rest = &rest[at + mark.len()..];
    }
    match rest.strip_suffix('{') {
        Some(rest) if is_before_column => written.extend([rest, "{{ \"{\" }}"]),
        _ => written.push_str(rest),
    }
}

/// The text in the quotes that are all of a block.
fn quoted(inner: &str) -> Option<&str> {
    let inner = inner.trim();
    let quote = inner.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let text = inner.strip_prefix(quote)?.strip_suffix(quote)?;
    (!text.contains([quote, '\\'])).then_some(text)
}
