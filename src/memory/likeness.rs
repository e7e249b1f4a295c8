//! How alike the texts of candidates are.
//!
//! Nothing here is folded: it follows from the texts alone, and is kept because it is asked for again
//! and again.

use crate::id::CandidateIx;
use crate::state::Facts;
use crate::stats::features::{cosine, hashed};
use std::sync::{Arc, PoisonError, RwLock};

/// Dimensions of the hashed n-grams.
const GRAMS: usize = 512;

/// The cosine of hashed n-grams.
#[derive(Clone, Debug, Default)]
pub struct Likeness {
    features: Arc<RwLock<Vec<Arc<Vec<f64>>>>>,
}

impl Likeness {
    /// The cosine of two candidates' texts.
    #[must_use]
    pub fn between(&self, facts: &Facts, a: CandidateIx, b: CandidateIx) -> f64 {
        cosine(&self.of(facts, a), &self.of(facts, b)).unwrap_or(0.0)
    }

    fn of(&self, facts: &Facts, candidate: CandidateIx) -> Arc<Vec<f64>> {
        let mut features = self.features.write().unwrap_or_else(PoisonError::into_inner);
        for standing in facts.candidates.iter().skip(features.len()) {
            let parts = standing.candidate.prompt.parts().iter();
            let text: Vec<&str> = parts.map(|part| &*part.text).collect();
            features.push(Arc::new(hashed(&text.join("\n"), GRAMS)));
        }
        Arc::clone(&features[candidate.index()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tests::Script;

    #[test]
    fn texts_are_alike_as_far_as_they_share_words() {
        let mut script = Script::new(1);
        let texts = ["answer in one short word", "answer in one long word", "zebra crossing"];
        let [one, near, far] = texts.map(|text| script.child(CandidateIx::BASELINE, text));
        let likeness = &script.state.memory.likeness;
        let between = |a, b| likeness.between(&script.state, a, b);
        assert!((between(one, one) - 1.0).abs() < 1e-9);
        assert!((between(one, near) - between(near, one)).abs() < 1e-12);
        assert!(between(one, near) > between(one, far));
        // A candidate that was born after the first question is known as well.
        let late = script.child(CandidateIx::BASELINE, texts[0]);
        let likeness = &script.state.memory.likeness;
        assert!((likeness.between(&script.state, one, late) - 1.0).abs() < 1e-9);
    }
}
