//! Which row a request is about: by its whole user message, else by a row's input inside of it.

use super::words;
use std::collections::{BTreeSet, HashMap};

/// Words of an input by which it is looked up inside other texts.
const ANCHOR_WORDS: usize = 6;

/// 128 bits of a text's hash: rows may be many and long, so that their texts are not kept.
type TextHash = [u8; 16];

/// Finds rows in texts without looking at every row.
#[derive(Debug)]
pub(super) struct RowIndex {
    by_text: HashMap<TextHash, usize>,
    /// Rows by the first words of their inputs.
    by_anchor: HashMap<String, Vec<usize>>,
    /// How many words anchors have: fewer where an input is shorter.
    anchor_words: BTreeSet<usize>,
    inputs: Vec<Input>,
}

#[derive(Debug)]
struct Input {
    hash: TextHash,
    length: usize,
    /// Bytes before its first letter or digit.
    lead: usize,
}

/// One input found in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The row.
    pub(super) row: usize,
    /// Where its input starts.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

impl RowIndex {
    /// Of pairs of user message and input. The first of equal rows is found.
    pub(super) fn new<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut index = Self {
            by_text: HashMap::new(),
            by_anchor: HashMap::new(),
            anchor_words: BTreeSet::new(),
            inputs: Vec::new(),
        };
        for (row, (text, input)) in rows.enumerate() {
            index.by_text.entry(hash_of(text)).or_insert(row);
            let input = input.trim();
            let words: Vec<&str> = words::raw(input).take(ANCHOR_WORDS).collect();
            if !words.is_empty() {
                index.anchor_words.insert(words.len());
                let rows = index.by_anchor.entry(words.join(" ")).or_default();
                rows.push(row);
            }
            index.inputs.push(Input {
                hash: hash_of(input),
                length: input.len(),
                lead: word_starts(input).next().unwrap_or(0),
            });
        }
        index
    }

    /// The row with exactly this user message.
    pub(super) fn exact(&self, user: &str) -> Option<usize> {
        self.by_text.get(&hash_of(user)).copied()
    }

    /// The input that ends last in a text, and the longest of those: what is before it is
    /// instruction or example.
    pub(super) fn last_in(&self, text: &str) -> Option<Found> {
        self.all_in(text)
            .into_iter()
            .max_by_key(|found| (found.end, std::cmp::Reverse(found.start)))
    }

    /// Every row whose input is in a text, one for each place.
    pub(super) fn all_in(&self, text: &str) -> Vec<Found> {
        let mut found = Vec::new();
        let mut passed = 0;
        for start in word_starts(text) {
            if start < passed {
                continue;
            }
            let words: Vec<&str> = words::raw(&text[start..]).take(ANCHOR_WORDS).collect();
            let longest = self
                .anchor_words
                .iter()
                .filter(|count| **count <= words.len())
                .filter_map(|count| self.by_anchor.get(&words[..*count].join(" ")))
                .flatten()
                .filter_map(|row| self.standing_at(text, start, *row))
                .max_by_key(|found| (found.end, std::cmp::Reverse(found.row)));
            if let Some(longest) = longest {
                passed = longest.end;
                found.push(longest);
            }
        }
        found
    }

    /// A row's input, if its first letter is at this place.
    fn standing_at(&self, text: &str, first_letter: usize, row: usize) -> Option<Found> {
        let input = self.inputs.get(row)?;
        let start = first_letter.checked_sub(input.lead)?;
        let end = start + input.length;
        let stands = !text.get(end..)?.starts_with(char::is_alphanumeric)
            && hash_of(text.get(start..end)?) == input.hash;
        stands.then_some(Found { row, start, end })
    }
}

fn hash_of(text: &str) -> TextHash {
    let digest = blake3::hash(text.as_bytes());
    std::array::from_fn(|place| digest.as_bytes()[place])
}

/// Where the words of a text start.
fn word_starts(text: &str) -> impl Iterator<Item = usize> {
    let mut within = false;
    text.char_indices().filter_map(move |(at, c)| {
        let starts = !within && c.is_alphanumeric();
        within = c.is_alphanumeric() || (within && matches!(c, '\'' | '’'));
        starts.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_whole_or_inside_another_text() {
        let rows = [
            ("Q: where is my order?", "where is my order?"),
            ("Q: yes", "yes"),
            ("Q: where is my order? And why?", "where is my order? And why?"),
        ];
        let index = RowIndex::new(rows.into_iter());
        assert_eq!(index.exact("Q: yes"), Some(1));
        assert_eq!(index.exact("yes"), None);
        assert_eq!(index.last_in("Say yes"), Some(Found { row: 1, start: 4, end: 7 }));
        assert_eq!(index.last_in("yesterday"), None);
        assert_eq!(index.last_in("Is \"yes\" right?").map(|found| found.row), Some(1));
        let two = "Input: yes\nInput: where is my order? And why?\nAnswer:";
        assert_eq!(index.last_in(two).map(|found| found.row), Some(2));
        assert_eq!(index.all_in(two).len(), 2);
    }
}
