//! What differs between two prompts, part by part: of runs, of files, of revisions.

use super::diff::{Piece, Tag, diff, elided};
use super::terminal::{NARROWEST, Page, Paint, WIDEST};
use super::words::visible_line;
use crate::score_form::ScoreForm;
use crate::text::wrapped;
use serde::Serialize;

/// Characters of unchanged text that are kept around a change.
const CONTEXT: usize = 120;

/// Two prompts.
#[derive(Clone, Debug, Serialize)]
pub struct PromptDiff {
    /// What the first one is.
    pub a: String,
    /// What the second one is.
    pub b: String,
    /// Their parts.
    parts: Vec<PartDiff>,
}

/// A part of two prompts.
#[derive(Clone, Debug, Serialize)]
struct PartDiff {
    name: String,
    is_changed: bool,
    /// What is deleted, inserted and kept, in order.
    pieces: Vec<Piece>,
}

/// A prompt's parts, in order, each with its name.
pub type NamedParts = Vec<(String, String)>;

impl PromptDiff {
    /// Compares two prompts; a part that one of them lacks is empty there.
    #[must_use]
    pub fn of(a: (String, &NamedParts), b: (String, &NamedParts)) -> Self {
        let ((a, of_a), (b, of_b)) = (a, b);
        let text = |parts: &NamedParts, name: &str| {
            let part = parts.iter().find(|(it, _)| it == name);
            part.map_or_else(String::new, |(_, text)| text.clone())
        };
        let only_in_b = of_b.iter().filter(|(name, _)| of_a.iter().all(|(it, _)| it != name));
        let names = of_a.iter().chain(only_in_b).map(|(name, _)| name);
        let parts = names.map(|name| {
            let (before, after) = (text(of_a, name), text(of_b, name));
            let pieces = diff(&before, &after);
            PartDiff { name: name.clone(), is_changed: before != after, pieces }
        });
        Self { parts: parts.collect(), a, b }
    }

    /// The page.
    #[must_use]
    pub fn page(&self, colour: bool, width: usize) -> String {
        let width = width.clamp(NARROWEST, WIDEST);
        let mut page =
            Page { text: String::new(), paint: Paint { colour }, width, form: ScoreForm::Percent };
        for (sign, what, tag) in [("-", &self.a, Tag::Deleted), ("+", &self.b, Tag::Inserted)] {
            let sign = page.paint.tag(tag, sign);
            page.line(&format!("{sign} {}", visible_line(what)));
        }
        for part in &self.parts {
            if !part.is_changed {
                page.title(&format!("`{}` is the same", part.name));
                continue;
            }
            page.title(&format!("`{}`", part.name));
            let pieces = elided(part.pieces.clone(), CONTEXT);
            let lines = wrapped(&page.tagged(&pieces), page.width - 2);
            for line in lines {
                let painted: String =
                    line.iter().map(|(tag, text)| page.paint.tag(*tag, text)).collect();
                page.line(&format!("  {painted}"));
            }
        }
        page.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_compared_by_name() {
        let parts = |parts: &[(&str, &str)]| -> NamedParts {
            parts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
        };
        let a = parts(&[("system", "Answer in one word."), ("user", "{{ input }}")]);
        let b =
            parts(&[("system", "Answer in two words."), ("user", "{{ input }}"), ("demos", "x")]);
        let diff = PromptDiff::of(("old".to_owned(), &a), ("new".to_owned(), &b));
        insta::assert_snapshot!(diff.page(false, 80), @r"
        - old
        + new

        `system`
          Answer in [-one word-]{+two words+}.

        `user` is the same

        `demos`
          {+x+}
        ");
    }
}
