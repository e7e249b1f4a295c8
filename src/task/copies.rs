//! Finds texts of rows in a prompt: runs of words that a row's column holds as well.
//!
//! Near-duplicates of rows among each other are `duplicates`'s.

use crate::prompt::{Layout, Prompt, value_text};
use crate::task::example::Example;
use crate::task::words::words;
use std::collections::{HashMap, HashSet};

/// Places of a run that are looked at: one that stands in more of them is a form, and would cost time without an end where
/// a text says the same word over and over.
const MOST_PLACES: usize = 64;

/// What counts as a copy.
#[derive(Clone, Copy, Debug)]
pub struct CopyRule {
    /// The least length of a copied run, in words; below 2 it is 2.
    pub ngram: usize,
    /// Its least share of the words of the row's column.
    pub share: f64,
}

/// Words of a row that stand in a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// The position of the row among those of the index.
    pub row: usize,
    /// The part of the prompt.
    pub part: String,
    /// How many words.
    pub words: usize,
    /// The first of them.
    pub start: String,
}

/// Rows by the hashes of all runs of `ngram` words in their columns.
#[derive(Debug)]
pub struct CopyIndex {
    rule: CopyRule,
    /// The texts of the rows' columns, each with its row.
    texts: Vec<(usize, Vec<String>)>,
    grams: HashMap<u64, Vec<(u32, u32)>>,
    /// Runs that are no copies.
    exempt: HashSet<u64>,
}

impl CopyIndex {
    /// The index of these rows. What the baseline says itself is no copy.
    #[must_use]
    pub fn new(rule: CopyRule, rows: &[&Example], baseline: &Prompt) -> Self {
        let rule = CopyRule { ngram: rule.ngram.max(2), ..rule };
        let texts: Vec<(usize, Vec<String>)> = rows
            .iter()
            .enumerate()
            .flat_map(|(row, example)| texts_of(example).map(move |text| (row, text)))
            .collect();
        let mut grams: HashMap<u64, Vec<(u32, u32)>> = HashMap::new();
        for (place, (_, text)) in (0_u32..).zip(&texts) {
            for (at, gram) in (0_u32..).zip(text.windows(rule.ngram)) {
                let places = grams.entry(hash(gram)).or_default();
                if places.len() < MOST_PLACES {
                    places.push((place, at));
                }
            }
        }
        let mut exempt = HashSet::new();
        for part in baseline.parts() {
            exempt.extend(words_of(&part.text).windows(rule.ngram).map(hash));
        }
        Self { rule, texts, grams, exempt }
    }

    /// The index without what these rows say as well: a form that many rows have is no copy of one of them.
    #[must_use]
    pub fn without(mut self, rows: &[&Example]) -> Self {
        for text in rows.iter().flat_map(|row| texts_of(row)) {
            self.exempt.extend(text.windows(self.rule.ngram).map(hash));
        }
        self
    }

    /// The copies in the searched parts of a prompt, one for each row that is copied, in the order of the text.
    pub fn copies<'a>(
        &'a self,
        prompt: &'a Prompt,
        layout: &'a Layout,
    ) -> impl Iterator<Item = Copy> + 'a {
        let mut seen = HashSet::new();
        let in_part = move |part: &'a String| self.copies_in(part, prompt.part(part).unwrap_or(""));
        layout.searched().iter().flat_map(in_part).filter(move |copy| seen.insert(copy.row))
    }

    fn copies_in(&self, part: &str, text: &str) -> Vec<Copy> {
        let text = words_of(text);
        let mut found: Vec<Copy> = Vec::new();
        let mut seen = HashSet::new();
        for (at, gram) in text.windows(self.rule.ngram).enumerate() {
            let key = hash(gram);
            if self.exempt.contains(&key) {
                continue;
            }
            for (place, from) in self.grams.get(&key).into_iter().flatten() {
                let (row, words) = &self.texts[*place as usize];
                if seen.contains(row) {
                    continue;
                }
                let run = text[at..]
                    .iter()
                    .zip(&words[*from as usize..])
                    .take_while(|(mine, theirs)| mine == theirs)
                    .count();
                if run >= self.rule.ngram && run as f64 >= self.rule.share * words.len() as f64 {
                    seen.insert(*row);
                    found.push(Copy {
                        row: *row,
                        part: part.to_owned(),
                        words: run,
                        start: gram.join(" "),
                    });
                }
            }
        }
        found
    }
}

fn hash(gram: &[String]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for word in gram {
        hasher.update(word.as_bytes());
        hasher.update(b" ");
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}

/// The texts of a row's columns, in words: each by itself, so that a copied input counts whole, whatever stands beside it.
fn texts_of(row: &Example) -> impl Iterator<Item = Vec<String>> {
    row.columns.values().map(|value| words_of(&value_text(value)))
}

fn words_of(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    words(text, |word| found.push(word.to_owned()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ExampleId;
    use serde_json::json;

    fn row(columns: serde_json::Value) -> Example {
        Example {
            id: ExampleId::new("r"),
            columns: columns.as_object().cloned().unwrap_or_default(),
            numbers: Vec::new(),
            answer: json!("a"),
            feedback: None,
            group: None,
            weight: 1.0,
            must_pass: false,
            origin: crate::task::example::RowOrigin::Collected,
            file: 0,
            line: 1,
        }
    }

    /// The rows, by position, that a text copies.
    fn copied(text: &str, rows: &[Example]) -> Vec<usize> {
        let rows: Vec<&Example> = rows.iter().collect();
        let rule = CopyRule { ngram: 8, share: 0.5 };
        let index = CopyIndex::new(rule, &rows, &Prompt::new(Vec::new()));
        index.copies_in("system", text).into_iter().map(|copy| copy.row).collect()
    }

    const TICKET: &str = "my parcel has been lying at the depot since monday and nobody answers";

    #[test]
    fn an_input_is_found_whatever_stands_beside_it_and_in_any_script() {
        let notes = "word ".repeat(60);
        let beside = row(json!({"input": TICKET, "notes": notes}));
        assert_eq!(copied(&format!("For example: {TICKET}."), &[beside]), [0]);
        let chinese = row(json!({"input": "我的包裹星期一就到了仓库没有人回答"}));
        assert_eq!(copied("例如：我的包裹星期一就到了仓库没有人回答。", &[chinese]), [0]);
        assert!(
            copied("Parcels at the depot go to logistics.", &[row(json!({"input": TICKET}))])
                .is_empty()
        );
    }

    #[test]
    fn a_text_that_says_one_word_over_and_over_is_found_once_and_at_once() {
        let zeros = "0 ".repeat(20_000);
        let rows = [row(json!({"input": zeros})), row(json!({"input": TICKET}))];
        assert_eq!(copied(&zeros, &rows).len(), 1);
    }
}
