//! Finds texts of rows in a prompt: runs of words that a row's columns hold as well.
//!
//! Near-duplicates of rows among each other are `duplicates`'s.

use crate::prompt::{Layout, Prompt, value_text};
use crate::task::example::Example;
use std::collections::{HashMap, HashSet};

/// What counts as a copy.
#[derive(Clone, Copy, Debug)]
pub struct CopyRule {
    /// The least length of a copied run, in words; below 2 it is 2.
    pub ngram: usize,
    /// Its least share of the row's words.
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

/// Rows by the hashes of all their runs of `ngram` words.
#[derive(Debug)]
pub struct CopyIndex {
    rule: CopyRule,
    rows: Vec<Vec<String>>,
    grams: HashMap<u64, Vec<(u32, u32)>>,
    /// Runs that are no copies.
    exempt: HashSet<u64>,
}

impl CopyIndex {
    /// The index of these rows. What the baseline says itself is no copy.
    #[must_use]
    pub fn new(rule: CopyRule, rows: &[&Example], baseline: &Prompt) -> Self {
        let rule = CopyRule { ngram: rule.ngram.max(2), ..rule };
        let rows: Vec<Vec<String>> = rows.iter().map(|row| words(&text_of(row))).collect();
        let mut grams: HashMap<u64, Vec<(u32, u32)>> = HashMap::new();
        for (row, text) in (0_u32..).zip(&rows) {
            for (at, gram) in (0_u32..).zip(text.windows(rule.ngram)) {
                grams.entry(hash(gram)).or_default().push((row, at));
            }
        }
        let mut exempt = HashSet::new();
        for part in baseline.parts() {
            exempt.extend(words(&part.text).windows(rule.ngram).map(hash));
        }
        Self { rule, rows, grams, exempt }
    }

    /// The index without what these rows say as well: a form that many rows have is no copy of one of them.
    #[must_use]
    pub fn without(mut self, rows: &[&Example]) -> Self {
        for row in rows {
            self.exempt.extend(words(&text_of(row)).windows(self.rule.ngram).map(hash));
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
        let text = words(text);
        let mut found = Vec::new();
        for (at, gram) in text.windows(self.rule.ngram).enumerate() {
            let key = hash(gram);
            if self.exempt.contains(&key) {
                continue;
            }
            for (row, from) in self.grams.get(&key).into_iter().flatten() {
                let words = &self.rows[*row as usize];
                let run = text[at..]
                    .iter()
                    .zip(&words[*from as usize..])
                    .take_while(|(mine, theirs)| mine == theirs)
                    .count();
                if run >= self.rule.ngram && run as f64 >= self.rule.share * words.len() as f64 {
                    found.push(Copy {
                        row: *row as usize,
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

fn text_of(row: &Example) -> String {
    row.columns.values().map(|value| value_text(value).into_owned()).collect::<Vec<_>>().join(" ")
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}
