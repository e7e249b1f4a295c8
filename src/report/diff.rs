//! What changed between two prompts, word by word, for reading.

use super::words::visible;
use crate::prompt;

/// The kind of a piece of a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Tag {
    /// In both texts.
    Kept,
    /// Only in the first text.
    Deleted,
    /// Only in the second text.
    Inserted,
}

/// A piece of a diff.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Piece {
    /// Its kind.
    pub(super) tag: Tag,
    /// Its text, with control characters made visible.
    pub(super) text: String,
}

/// A word diff for reading. Changes that only a space or a comma separates are joined, because
/// `[-a b c-]{+x y z+}` is easier to read than three pairs. A deletion precedes its replacement.
pub(super) fn diff(before: &str, after: &str) -> Vec<Piece> {
    let mut groups: Vec<Group> = Vec::new();
    for (tag, text) in prompt::word_diff(&visible(before), &visible(after)) {
        if groups.is_empty() {
            groups.push(Group::default());
        }
        let Some(group) = groups.last_mut() else { continue };
        match tag {
            '-' => group.deleted.push_str(&text),
            '+' => group.inserted.push_str(&text),
            _ => {
                group.kept = text;
                groups.push(Group::default());
            }
        }
    }
    let mut merged: Vec<Group> = Vec::new();
    for group in groups {
        match merged.last_mut() {
            Some(last)
                if last.is_replacement() && last.parts_little() && group.is_replacement() =>
            {
                let between = std::mem::take(&mut last.kept);
                last.deleted.push_str(&between);
                last.deleted.push_str(&group.deleted);
                last.inserted.push_str(&between);
                last.inserted.push_str(&group.inserted);
                last.kept = group.kept;
            }
            _ => merged.push(group),
        }
    }
    merged
        .into_iter()
        .flat_map(|group| {
            [
                (Tag::Deleted, group.deleted),
                (Tag::Inserted, group.inserted),
                (Tag::Kept, group.kept),
            ]
        })
        .filter(|(_, text)| !text.is_empty())
        .map(|(tag, text)| Piece { tag, text })
        .collect()
}

/// A change and the unchanged text after it.
#[derive(Default)]
struct Group {
    deleted: String,
    inserted: String,
    kept: String,
}

impl Group {
    fn is_replacement(&self) -> bool {
        !self.deleted.is_empty() && !self.inserted.is_empty()
    }

    fn parts_little(&self) -> bool {
        self.kept.chars().count() <= 3 && !self.kept.contains('\n')
    }
}

/// Replaces the middle of long unchanged texts by an ellipsis.
pub(super) fn elided(pieces: Vec<Piece>, context: usize) -> Vec<Piece> {
    let last = pieces.len().saturating_sub(1);
    pieces
        .into_iter()
        .enumerate()
        .map(|(place, run)| {
            if run.tag != Tag::Kept || run.text.chars().count() <= 2 * context + 20 {
                return run;
            }
            let (head, tail) = (head(&run.text, context), tail(&run.text, context));
            let text = match (place == 0, place == last) {
                (_, true) => format!("{head} …"),
                (true, false) => format!("… {tail}"),
                (false, false) => format!("{head} … {tail}"),
            };
            Piece { tag: Tag::Kept, text }
        })
        .collect()
}

/// The first characters, cut after a word.
fn head(text: &str, limit: usize) -> &str {
    let end = text.char_indices().nth(limit).map_or(text.len(), |(at, _)| at);
    let cut = &text[..end];
    cut.rfind(char::is_whitespace).map_or(cut, |at| &cut[..at]).trim_end()
}

/// The last characters, cut before a word.
fn tail(text: &str, limit: usize) -> &str {
    let count = text.chars().count();
    let start = text.char_indices().nth(count.saturating_sub(limit)).map_or(0, |(at, _)| at);
    let cut = &text[start..];
    cut.find(char::is_whitespace).map_or(cut, |at| &cut[at..]).trim_start()
}

/// Marks changes with `[-…-]` and `{+…+}`, for output without colour.
pub(super) fn marked(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|run| match run.tag {
            Tag::Kept => run.text.clone(),
            Tag::Deleted => format!("[-{}-]", run.text),
            Tag::Inserted => format!("{{+{}+}}", run.text),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_replacements_are_one() {
        let pieces = diff("Answer with one word only.", "Reply in two words only.");
        assert_eq!(marked(&pieces), "[-Answer with one word-]{+Reply in two words+} only.");
        let pieces = diff("a b", "a x b y");
        assert_eq!(marked(&pieces), "a {+x +}b{+ y+}");
        assert!(diff("", "").is_empty());
    }

    #[test]
    fn long_unchanged_stretches_lose_their_middle() {
        let long = "word ".repeat(60);
        let pieces =
            diff(&format!("{long}old {long}end {long}"), &format!("{long}new {long}stop {long}"));
        let shown = marked(&elided(pieces, 12));
        assert_eq!(
            shown,
            "… word word [-old-]{+new+} word word … word word [-end-]{+stop+} word word …"
        );
        // No character is cut in half.
        let wide = "äöü ".repeat(80);
        assert!(marked(&elided(diff(&wide, &format!("{wide}x")), 7)).contains('…'));
    }
}
