//! Mustache, as Langfuse has it: `{{name}}`, and no way to write two braces as text.
//!
//! Langfuse's Python library replaces known names alone, its JavaScript library reads all of Mustache. What is written
//! here means the same to both.

use super::template::{Segment, Segments, Syntax, segments, template};

pub(super) struct Mustache;

impl Syntax for Mustache {
    fn of_part(&self, text: &str, is_searched: bool) -> Result<String, String> {
        let mut written = String::new();
        let segments = segments(text, is_searched)?;
        for (number, segment) in segments.iter().enumerate() {
            match segment {
                Segment::Text(text) => {
                    if text.contains("{{") || text.ends_with('{') && number + 1 < segments.len() {
                        return Err("it has no way to write `{{` as text".to_owned());
                    }
                    written.push_str(text);
                }
                Segment::Column(name) if is_name(name) => written.extend(["{{", name, "}}"]),
                Segment::Column(name) => {
                    return Err(format!("it cannot name the column `{name}`"));
                }
            }
        }
        Ok(written)
    }

    fn to_part(&self, text: &str) -> Result<String, String> {
        let mut found = Segments::default();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{")
            && let Some((inner, after)) = after.split_once("}}")
        {
            let name = inner.trim();
            if !is_name(name) {
                let source = crate::text::shorten(&format!("{{{{{inner}}}}}"), 60);
                return Err(format!("`{source}` does more than show a variable"));
            }
            found.text(before);
            found.column(name);
            rest = after;
        }
        found.text(rest);
        template(&found.0)
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.trim() == name
        && !name.starts_with(['#', '^', '/', '!', '>', '&', '=', '$', '<'])
        && !name.contains(['{', '}', '.'])
        && !name.contains(char::is_control)
}
