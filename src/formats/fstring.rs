//! f-strings, as LangChain has them: `{name}`, and doubled braces for literal ones.

use super::template::{Segment, Segments, Syntax, segments, template};

pub(super) struct FString;

impl Syntax for FString {
    fn of_part(&self, text: &str, is_searched: bool) -> Result<String, String> {
        let mut written = String::new();
        for segment in segments(text, is_searched)? {
            match segment {
                Segment::Text(text) => written.push_str(&literal(&text)),
                Segment::Column(name) if is_name(&name) => written.extend(["{", &name, "}"]),
                Segment::Column(name) => {
                    return Err(format!("an f-string cannot name the column `{name}`"));
                }
            }
        }
        Ok(written)
    }

    fn to_part(&self, text: &str) -> Result<String, String> {
        template(&parsed(text)?)
    }
}

/// The segments of a template.
pub(super) fn parsed(text: &str) -> Result<Vec<Segment>, String> {
    let mut found = Segments::default();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        found.text(&rest[..at]);
        let (brace, after) = rest[at..].split_at(1);
        if let Some(after) = after.strip_prefix(brace) {
            found.text(brace);
            rest = after;
            continue;
        }
        let name = after.split_once('}').filter(|(name, _)| brace == "{" && is_name(name));
        let Some((name, after)) = name else {
            let end = rest[at..].find(['}', '\n']).map_or(rest.len(), |end| at + end + 1);
            let source = crate::text::shorten(rest[at..end].trim_end(), 60);
            return Err(format!(
                "`{source}` shows no variable: write a literal brace as `{brace}{brace}`"
            ));
        };
        found.column(name);
        rest = after;
    }
    found.text(rest);
    Ok(found.0)
}

/// Text without a meaning.
pub(super) fn literal(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// Whether Python reads it as one name, and as no place in a list.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(['{', '}', '[', ']', '.', '!', ':'])
        && !name.contains(char::is_control)
        && !name.chars().all(char::is_numeric)
}
