//! `leak`: rows copied into the prompt.

use super::trial::{New, Screen, ScreenedTask, Trial};
use crate::event::Rejection;
use crate::operator::ask::Refusal;
use crate::prompt::{Layout, Prompt, value_text};
use crate::task::example::Example;
use std::collections::{HashMap, HashSet};

kind! {
    /// Refuses a prompt that copies a row: one run of at least `ngram` words that is at least
    /// `share` of the row's input. Demonstrations are rows by design and are left out.
    "leak": "Rows copied into the prompt.",
    Leak {
        /// The least length of a copied run, in words.
        ngram: usize = 12,
        /// Its least share of the row's input.
        share: f64 = 0.5 => share,
    }
}

impl Screen for Leak {
    fn trial(&self, task: &ScreenedTask<'_>) -> Option<Box<dyn Trial>> {
        Some(Box::new(LeakIndex::new(self, task.rows, task.baseline)))
    }
}

impl Trial for LeakIndex {
    fn check(&mut self, new: &New<'_>) -> Result<(), Refusal> {
        match self.copied(new.texts, new.layout) {
            Some(copied) => Err((Rejection::Leak, copied)),
            None => Ok(()),
        }
    }
}

/// Finds rows in a prompt: runs of words by the hash of their first `ngram`.
#[derive(Debug)]
struct LeakIndex {
    ngram: usize,
    share: f64,
    rows: Vec<Vec<String>>,
    grams: HashMap<u64, Vec<(u32, u32)>>,
    of_baseline: HashSet<u64>,
}

impl LeakIndex {
    fn new(kind: &Leak, rows: &[&Example], baseline: &Prompt) -> Self {
        let ngram = kind.ngram.max(2);
        let rows: Vec<Vec<String>> = rows.iter().map(|row| words(&input_text(row))).collect();
        let mut grams: HashMap<u64, Vec<(u32, u32)>> = HashMap::new();
        for (row, text) in rows.iter().enumerate() {
            for (at, gram) in text.windows(ngram).enumerate() {
                grams.entry(hash(gram)).or_default().push((row as u32, at as u32));
            }
        }
        let mut of_baseline = HashSet::new();
        for part in baseline.parts() {
            of_baseline.extend(words(&part.text).windows(ngram).map(hash));
        }
        Self { ngram, share: kind.share, rows, grams, of_baseline }
    }

    /// The start of a run that copies a row, if there is one.
    fn copied(&self, prompt: &Prompt, layout: &Layout) -> Option<String> {
        for part in layout.searched() {
            let text = words(prompt.part(part).unwrap_or(""));
            for (at, gram) in text.windows(self.ngram).enumerate() {
                let key = hash(gram);
                // What the baseline says itself is no copy.
                if self.of_baseline.contains(&key) {
                    continue;
                }
                for (row, from) in self.grams.get(&key).into_iter().flatten() {
                    let row = &self.rows[*row as usize];
                    let run = text[at..]
                        .iter()
                        .zip(&row[*from as usize..])
                        .take_while(|(mine, theirs)| mine == theirs)
                        .count();
                    if run >= self.ngram && run as f64 >= self.share * row.len() as f64 {
                        return Some(format!("{run} words of a row: {} …", gram.join(" ")));
                    }
                }
            }
        }
        None
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

fn input_text(row: &Example) -> String {
    row.columns.values().map(|value| value_text(value).into_owned()).collect::<Vec<_>>().join(" ")
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}
