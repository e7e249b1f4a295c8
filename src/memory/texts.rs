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
const GRAM_PROJECTION: Seed = Seed(0);

/// A vector of numbers.
pub type Vector = Arc<Vec<f64>>;

/// The text of a prompt that is compared with others.
#[must_use]
pub fn compared_text(prompt: &Prompt, which: ComparedText) -> String {
    let parts = prompt.parts().iter();
    let compared = parts.filter(|part| which == ComparedText::Whole || part.name != DEMOS);
    compared.map(|part| &*part.text).collect::<Vec<_>>().join("\n")
}

/// Vectors of candidates' texts that the embedding model was asked about.
type Embeddings = HashMap<(CandidateIx, ComparedText, Option<u32>), Option<Arc<Embedding>>>;

/// How near texts are.
#[derive(Debug, Default)]
pub struct Texts {
    grams: RwLock<Vec<Vector>>,
    features: RwLock<HashMap<(CandidateIx, usize), Vector>>,
    featurisers: RwLock<HashMap<usize, Arc<Featuriser>>>,
    embeddings: RwLock<Embeddings>,
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
        // Which vectors count depends on the space that most are of.
        let key = (candidate, which, facts.vectors.dimensions());
        if let Some(vector) = known.get(&key) {
            return vector.clone();
        }
        drop(known);
        let prompt = &facts.standing(candidate).candidate.prompt;
        // What was not asked about yet may be asked about later.
        let vector = vector_of(facts, &compared_text(prompt, which))?;
        let mut known = self.embeddings.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, vector.clone());
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
        let new = || Arc::new(Featuriser::new(GRAMS, size, GRAM_PROJECTION));
        Arc::clone(known.entry(size).or_insert_with(new))
    }
}

/// What the embedding model said of a text; `None` where it was not asked.
fn vector_of(facts: &Facts, text: &str) -> Option<Option<Arc<Embedding>>> {
    if facts.vectors.is_empty() { None } else { facts.vectors.of(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Embedded, Event};
    use crate::id::TextHash;
    use crate::memory::tests::Script;
    use crate::task::model::ModelName;
    use crate::units::Amount;

    const MODEL: &str = "p/embed";

    impl Script {
        /// The embedding model says this of texts.
        fn embed(&mut self, said: &[(&str, Option<&[f64]>)]) {
            let call = self.state.next_call;
            let model = ModelName::parse(MODEL).unwrap();
            let texts = said.iter().map(|(text, _)| (*text).to_owned()).collect();
            self.apply(Event::EmbeddingIssued { call, model, texts, reserve: Amount::ZERO });
            let embedded = |(text, vector): &(&str, Option<&[f64]>)| Embedded {
                text: TextHash::for_model(MODEL, text),
                vector: vector.map(|numbers| Embedding::of(numbers).unwrap()),
            };
            let texts = said.iter().map(embedded).collect();
            self.apply(Event::EmbeddingFolded { call, texts });
        }
    }

    #[test]
    fn without_vectors_texts_are_alike_as_far_as_they_share_words() {
        let mut script = Script::new(1);
        let texts = ["answer in one short word", "answer in one long word", "zebra crossing"];
        let [one, near, far] = texts.map(|text| script.child(CandidateIx::BASELINE, text));
        let between = |a, b| script.state.memory.texts.likeness(&script.state, a, b);
        assert!((between(one, one) - 1.0).abs() < 1e-9);
        assert!((between(one, near) - between(near, one)).abs() < 1e-12);
        assert!(between(one, near) > between(one, far));
        let of = |candidate| {
            script.state.memory.texts.features(&script.state, &[candidate], 8).remove(0)
        };
        assert_eq!((of(one).len(), of(one)), (8, of(one)));
        assert_ne!(of(one), of(far));
        // A candidate that was born after the first question is known as well.
        let late = script.child(CandidateIx::BASELINE, texts[0]);
        let near = script.state.memory.texts.likeness(&script.state, one, late);
        assert!((near - 1.0).abs() < 1e-9);
    }

    /// The model says that other words mean the same, and the same words something else.
    #[test]
    fn texts_with_vectors_are_compared_by_them_and_spaces_are_not_mixed() {
        let mut script = Script::new(1);
        let texts =
            ["answer in one word", "reply briefly", "answer in one long word", "unasked word"];
        script.embed(&[(texts[0], Some(&[1.0, 0.0])), (texts[1], Some(&[1.0, 0.1]))]);
        script.embed(&[(texts[2], Some(&[0.0, 1.0]))]);
        let [one, same, other, unasked] =
            texts.map(|text| script.child(CandidateIx::BASELINE, text));
        let state = &script.state;
        let between = |a, b| state.memory.texts.likeness(state, a, b);
        assert!(between(one, same) > 0.99 && between(one, other) < 0.01);
        // One without a vector is compared by words, with either.
        let by_words = |a: &str, b: &str| cosine(&hashed(a, GRAMS), &hashed(b, GRAMS)).unwrap();
        assert!((between(one, unasked) - by_words(texts[0], texts[3])).abs() < 1e-12);
        let features = |of: &[CandidateIx]| state.memory.texts.features(state, of, 8);
        assert_eq!(features(&[one, same])[0].len(), 2, "the model's dimensions");
        assert!(features(&[one, same, unasked]).iter().all(|vector| vector.len() == 8));
        let nearest = |text: &str| {
            let prompt = &state.standing(one).candidate.prompt.with_part("system", text);
            state.memory.texts.nearest(state, prompt)
        };
        assert!(nearest(texts[1]) > 0.99);
        // A copy has forgotten, and finds the same.
        let copy = state.memory.texts.clone();
        assert_eq!(copy.likeness(state, one, same), between(one, same));
    }

    #[test]
    fn what_has_another_number_of_dimensions_than_most_counts_as_no_vector() {
        let mut script = Script::new(1);
        script.embed(&[("one", Some(&[1.0, 0.0]))]);
        assert_eq!(script.state.counts.vain_embeddings_in_a_row, 0);
        script.embed(&[("two", Some(&[1.0, 0.0, 0.0]))]);
        script.embed(&[("three", None)]);
        // Asked about, so never again; and the first answer to a text stays.
        script.embed(&[("two", Some(&[0.0, 1.0]))]);
        let vectors = &script.state.vectors;
        assert_eq!(vectors.of("two"), Some(None));
        assert_eq!((vectors.of("four"), vectors.dimensions()), (None, Some(2)));
        let counts = &script.state.counts;
        assert_eq!((counts.without_vector, counts.in_other_spaces), (2, 1));
        assert_eq!(counts.vain_embeddings_in_a_row, 3);
        script.apply(Event::Resumed { at: jiff::Timestamp::UNIX_EPOCH, ran_ms: 1 });
        assert_eq!(script.state.counts.vain_embeddings_in_a_row, 0);
    }

    #[test]
    fn a_wrong_first_vector_gives_way_to_those_that_follow() {
        let mut script = Script::new(1);
        let texts = ["first and wrong", "second text", "third text"];
        script.embed(&[(texts[0], Some(&[1.0, 0.0]))]);
        script.embed(&[(texts[1], Some(&[1.0, 0.0, 0.0]))]);
        let [_, second, third] = texts.map(|text| script.child(CandidateIx::BASELINE, text));
        let between =
            |state: &crate::memory::State| state.memory.texts.likeness(state, second, third);
        assert!(between(&script.state) > 0.1, "by words");
        script.embed(&[(texts[2], Some(&[0.0, 0.0, 1.0]))]);
        let vectors = &script.state.vectors;
        assert_eq!((vectors.dimensions(), vectors.of(texts[0])), (Some(3), Some(None)));
        assert_eq!((script.state.counts.without_vector, vectors.missing()), (1, 1));
        assert!(between(&script.state) < 0.01, "by vectors, also of the one that came before");
        let copy = script.state.memory.texts.clone();
        assert!(copy.likeness(&script.state, second, third) < 0.01);
    }
}
