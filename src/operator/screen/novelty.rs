//! `novelty`: too much like an earlier prompt.

use super::trial::{New, Screen, ScreenedTask, Trial};
use crate::event::Rejection;
use crate::memory::Texts;
use crate::operator::ask::Refusal;
use crate::vector::ComparedText;

kind! {
    /// Refuses a prompt that is too near to any earlier one (ShinkaEvolve's rejection by novelty;
    /// arXiv:2509.19349, section 3.2), by the vectors of the task's embedding model or, where it names
    /// none, by hashed n-grams.
    "novelty": "Too much like an earlier one.",
    Novelty {
        /// The greatest cosine of two prompts' vectors.
        max_similarity: f64 = 0.99 => share,
        /// How often in all an operator is used for a child that is new, each time with other draws.
        attempts: u8 = 3 => positive,
    }
}

impl Screen for Novelty {
    fn trial(&self, _task: &ScreenedTask<'_>) -> Option<Box<dyn Trial>> {
        Some(Box::new(NoveltyTrial {
            max_similarity: self.max_similarity,
            texts: Texts::default(),
        }))
    }

    fn compares(&self) -> Option<ComparedText> {
        Some(ComparedText::Whole)
    }

    fn attempts(&self) -> Option<u8> {
        Some(self.attempts)
    }
}

#[derive(Debug)]
struct NoveltyTrial {
    max_similarity: f64,
    texts: Texts,
}

impl Trial for NoveltyTrial {
    fn compares_texts(&self) -> bool {
        true
    }

    fn check(&mut self, new: &New<'_>) -> Result<(), Refusal> {
        let nearest = self.texts.nearest(new.facts, new.prompt);
        if nearest > self.max_similarity {
            let detail = format!("cosine {nearest:.3} to an earlier prompt");
            return Err((Rejection::Novelty, detail));
        }
        Ok(())
    }
}
