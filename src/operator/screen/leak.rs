//! `leak`: rows copied into the prompt.

use super::trial::{New, Screen, ScreenedTask, Trial};
use crate::event::Rejection;
use crate::operator::ask::Refusal;
use crate::task::copies::{CopyIndex, CopyRule};

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
        let rule = CopyRule { ngram: self.ngram, share: self.share };
        Some(Box::new(CopyIndex::new(rule, task.rows, task.baseline)))
    }
}

impl Trial for CopyIndex {
    fn check(&mut self, new: &New<'_>) -> Result<(), Refusal> {
        match self.copies(new.texts, new.layout).next() {
            Some(copy) => {
                Err((Rejection::Leak, format!("{} words of a row: {} …", copy.words, copy.start)))
            }
            None => Ok(()),
        }
    }
}
