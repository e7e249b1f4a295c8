//! How near the texts of candidates are to each other: the one place that knows in which space.
//!
//! Two texts that both have a vector of the task's embedding model are compared by those, any others by their
//! hashed n-grams: never one by the one and the other by the other. Nothing here is folded: it follows from the facts,
//! and is kept because it is asked for again and again.

use crate::candidate::DEMOS;
use crate::id::CandidateIx;
use crate::prompt::Prompt;
use crate::seed::Seed;
use crate::state::Facts;
use crate::vector::features::{Featuriser, cosine, hashed};
use crate::vector::{ComparedText, Embedding};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Dimensions of the hashed n-grams, below any projection.
const GRAMS: usize = 512;
/// Every run projects alike, so that vectors of two runs may be compared.
const PROJECTION: Seed = Seed(0);

/// A vector of numbers.
pub type Vector = Arc<Vec<f64>>;

/// The text of a prompt that is compared with others.
#[must_use]
pub fn compared_text(prompt: &Prompt, which: ComparedText) -> String {
    let parts = prompt.parts().iter();
    let compared = parts.filter(|part| which == ComparedText::Whole || part.name != DEMOS);
    compared.map(|part| &*part.text).collect::<Vec<_>>().join("\n")
}

/// How near texts are.
#[derive(Debug, Default)]
pub struct Texts {
    grams: RwLock<Vec<Vector>>,
    features: RwLock<HashMap<(CandidateIx, usize), Vector>>,
    featurisers: RwLock<HashMap<usize, Arc<Featuriser>>>,
    embeddings: RwLock<HashMap<(CandidateIx, ComparedText), Option<Arc<Embedding>>>>,
}

impl Clone for Texts {
    /// A copy has forgotten, and finds the same.
    fn clone(&self) -> Self {
        Self::default()
    }
}

fn grams(prompt: &Prompt) -> Vec<f64> {
    hashed(&compared_text(prompt, ComparedText::Whole), GRAMS)
}

impl Texts {
    /// The cosine of two candidates' whole texts; 0 where one has no words.
    #[must_use]
    pub fn likeness(&self, facts: &Facts, a: CandidateIx, b: CandidateIx) -> f64 {
        let of = |candidate| self.embedding(facts, candidate, ComparedText::Whole);
        let by_vectors = of(a).zip(of(b)).and_then(|(a, b)| a.cosine(&b));
        let by_grams = || cosine(&self.grams(facts, a), &self.grams(facts, b));
        by_vectors.or_else(by_grams).unwrap_or(0.0)
    }

    /// The greatest cosine of a new prompt to a candidate; without one, minus infinity.
    #[must_use]
    pub fn nearest(&self, facts: &Facts, new: &Prompt) -> f64 {
        let vector = vector_of(facts, &compared_text(new, ComparedText::Whole)).flatten();
        let mut of_new: Option<Vec<f64>> = None;
        let cosines = facts.numbered().filter_map(|(candidate, _)| {
            let theirs = self.embedding(facts, candidate, ComparedText::Whole);
            let by_vectors = vector.as_ref().zip(theirs).and_then(|(new, it)| new.cosine(&it));
            by_vectors.or_else(|| {
                let of_new = of_new.get_or_insert_with(|| grams(new));
                cosine(of_new, &self.grams(facts, candidate))
            })
        });
        cosines.fold(f64::NEG_INFINITY, f64::max)
    }

    /// The features of candidates' texts, demonstrations left out, with at most `size` dimensions. All are of
    /// one space: where one of them has no vector of the embedding model, all are hashed n-grams.
    #[must_use]
    pub fn features(&self, facts: &Facts, candidates: &[CandidateIx], size: usize) -> Vec<Vector> {
        let of =
            |candidate: &CandidateIx| self.embedding(facts, *candidate, ComparedText::WithoutDemos);
        let vectors: Option<Vec<Arc<Embedding>>> = candidates.iter().map(of).collect();
        match vectors {
            Some(vectors) => vectors.iter().map(|it| Arc::new(it.features(size))).collect(),
            None => candidates.iter().map(|it| self.hashed_features(facts, *it, size)).collect(),
        }
    }

    /// The vector of a candidate's text, where the embedding model gave one.
    fn embedding(
        &self,
        facts: &Facts,
        candidate: CandidateIx,
        which: ComparedText,
    ) -> Option<Arc<Embedding>> {
        if facts.vectors.is_empty() {
            return None;
        }
        let known = self.embeddings.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(vector) = known.get(&(candidate, which)) {
            return vector.clone();
        }
        drop(known);
        let prompt = &facts.standing(candidate).candidate.prompt;
        // What was not asked about yet may be asked about later.
        let vector = vector_of(facts, &compared_text(prompt, which))?;
        let mut known = self.embeddings.write().unwrap_or_else(PoisonError::into_inner);
        known.insert((candidate, which), vector.clone());
        vector
    }

    fn grams(&self, facts: &Facts, candidate: CandidateIx) -> Vector {
        let mut known = self.grams.write().unwrap_or_else(PoisonError::into_inner);
        for standing in facts.candidates.iter().skip(known.len()) {
            known.push(Arc::new(grams(&standing.candidate.prompt)));
        }
        Arc::clone(&known[candidate.index()])
    }

    fn hashed_features(&self, facts: &Facts, candidate: CandidateIx, size: usize) -> Vector {
        let key = (candidate, size);
        let known = self.features.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(vector) = known.get(&key) {
            return Arc::clone(vector);
        }
        drop(known);
        let prompt = &facts.standing(candidate).candidate.prompt;
        let text = compared_text(prompt, ComparedText::WithoutDemos);
        let vector = Arc::new(self.featuriser(size).of(&text));
        let mut known = self.features.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, Arc::clone(&vector));
        vector
    }

    fn featuriser(&self, size: usize) -> Arc<Featuriser> {
        let mut known = self.featurisers.write().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Featuriser::new(GRAMS, size, PROJECTION));
        Arc::clone(known.entry(size).or_insert_with(new))
    }
}

/// What the embedding model said of a text; `None` where it was not asked.
fn vector_of(facts: &Facts, text: &str) -> Option<Option<Arc<Embedding>>> {
    if facts.vectors.is_empty() { None } else { facts.vectors.of(text) }
}
