//! `novelty`: too much like an earlier prompt.

use super::trial::{New, Screen, ScreenedTask, Trial};
use crate::event::Rejection;
use crate::operator::ask::Refusal;
use crate::prompt::Prompt;
use crate::stats::features::{cosine, hashed};

kind! {
    /// Refuses a prompt whose features are too near to those of any earlier one (ShinkaEvolve's
    /// rejection by novelty; arXiv:2509.19349, section 3.2).
    "novelty": "Too much like an earlier one.",
    Novelty {
        /// The greatest cosine of hashed n-grams.
        max_similarity: f64 = 0.99 => share,
        /// How often in all an operator is used for a child that is new, each time with other draws.
        attempts: u8 = 3 => positive,
    }
}

/// Dimensions of the hashed n-grams.
const GRAMS: usize = 512;

impl Screen for Novelty {
    fn trial(&self, _task: &ScreenedTask<'_>) -> Option<Box<dyn Trial>> {
        Some(Box::new(Known { max_similarity: self.max_similarity, grams: Vec::new() }))
    }

    fn attempts(&self) -> Option<u8> {
        Some(self.attempts)
    }
}

#[derive(Debug)]
struct Known {
    max_similarity: f64,
    /// Hashed n-grams of the candidates so far.
    grams: Vec<Vec<f64>>,
}

fn grams(prompt: &Prompt) -> Vec<f64> {
    let texts: Vec<&str> = prompt.parts().iter().map(|part| &*part.text).collect();
    hashed(&texts.join("\n"), GRAMS)
}

impl Trial for Known {
    fn check(&mut self, new: &New<'_>) -> Result<(), Refusal> {
        // Rebuilt after a resume: the candidates are in the facts.
        for one in new.facts.candidates.iter().skip(self.grams.len()) {
            self.grams.push(grams(&one.candidate.prompt));
        }
        let mine = grams(new.prompt);
        let cosines = self.grams.iter().filter_map(|theirs| cosine(&mine, theirs));
        let nearest = cosines.fold(f64::NEG_INFINITY, f64::max);
        if nearest > self.max_similarity {
            let detail = format!("cosine {nearest:.3} to an earlier prompt");
            return Err((Rejection::Novelty, detail));
        }
        Ok(())
    }
}
