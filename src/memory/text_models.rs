//! What is fitted to the features of candidates' texts: groups and regressions.
//!
//! Nothing here is folded: it is costly to compute and follows from the facts, so it is kept until it is
//! asked for with other facts. A copy starts empty, and computes it again.

use super::texts::Texts;
use crate::id::CandidateIx;
use crate::seed::Seed;
use crate::state::Facts;
use crate::stats::cluster::KMeans;
use crate::stats::surrogate::Ensemble;
use std::sync::{Arc, PoisonError, RwLock};

/// The last groups and the last regression.
#[derive(Debug, Default)]
pub struct TextModels {
    clusters: RwLock<Option<(ClusterKey, Arc<Vec<usize>>)>>,
    predictions: RwLock<Option<(PredictionKey, Arc<Prediction>)>>,
}

/// What groups of candidates depend on. A text may get its vector after its candidate, so how many vectors
/// are known belongs to it.
type ClusterKey = (Vec<CandidateIx>, usize, usize, Seed, usize);

/// What a regression depends on, and how many vectors are known.
type PredictionKey = (Observed, usize);

/// What a regression depends on: who was pulled, their means, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Dimensions of the features.
    pub features: usize,
    /// Whose means these are.
    pub candidates: Vec<CandidateIx>,
    /// The mean of each.
    pub means: Vec<f64>,
    /// The answers behind each mean.
    pub pulls: Vec<f64>,
}

/// What a regression says.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// What each candidate would score, in the order in which they were observed.
    pub means: Vec<f64>,
    /// The largest R² of a member, out of fold.
    pub r_squared: f64,
    /// The mean squared error of the means, weighted by their pulls, out of fold.
    pub mse: f64,
}

impl Clone for TextModels {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl TextModels {
    /// The group of each of these candidates, from 0.
    pub fn clusters(
        &self,
        (facts, texts): (&Facts, &Texts),
        candidates: &[CandidateIx],
        (count, size): (usize, usize),
        seed: Seed,
    ) -> Arc<Vec<usize>> {
        let key = (candidates.to_vec(), count, size, seed, facts.vectors.len());
        let known = self.clusters.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, groups)) = &*known
            && *of == key
        {
            return Arc::clone(groups);
        }
        drop(known);
        let features = features(facts, texts, candidates, size);
        let groups = KMeans::fit(&features, count, seed)
            .map_or_else(|| vec![0; candidates.len()], |means| means.assignment);
        let groups = Arc::new(groups);
        *self.clusters.write().unwrap_or_else(PoisonError::into_inner) =
            Some((key, Arc::clone(&groups)));
        groups
    }

    /// What candidates would score, by their features and what was observed so far. None where too
    /// few were pulled for a fit.
    pub fn predicted(
        &self,
        (facts, texts): (&Facts, &Texts),
        observed: Observed,
        seed: Seed,
    ) -> Option<Arc<Prediction>> {
        let known = self.predictions.read().unwrap_or_else(PoisonError::into_inner);
        let vectors = facts.vectors.len();
        if let Some((of, prediction)) = &*known
            && of.0 == observed
            && of.1 == vectors
        {
            return Some(Arc::clone(prediction));
        }
        drop(known);
        let features = features(facts, texts, &observed.candidates, observed.features);
        let ensemble = Ensemble::fit(&features, &observed.means, &observed.pulls, seed)?;
        let best = ensemble.members().into_iter().map(|(r_squared, _)| r_squared);
        let prediction = Arc::new(Prediction {
            means: ensemble.predict(&features),
            r_squared: best.fold(f64::NEG_INFINITY, f64::max),
            mse: ensemble.mse(),
        });
        *self.predictions.write().unwrap_or_else(PoisonError::into_inner) =
            Some(((observed, vectors), Arc::clone(&prediction)));
        Some(prediction)
    }
}

fn features(
    facts: &Facts,
    texts: &Texts,
    candidates: &[CandidateIx],
    size: usize,
) -> Vec<Vec<f64>> {
    texts.features(facts, candidates, size).iter().map(|vector| vector.to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tests::Script;

    #[test]
    fn features_and_groups_follow_from_the_texts() {
        let mut script = Script::new(1);
        let texts = ["red red red", "blue green", "red red red", "blue green"];
        let all = texts.map(|text| script.child(CandidateIx::BASELINE, text));
        let (models, texts) = (&script.state.memory.text_models, &script.state.memory.texts);
        let groups = models.clusters((&script.state, texts), &all, (2, 8), Seed(1));
        assert!(groups[0] == groups[2] && groups[1] == groups[3] && groups[0] != groups[1]);
        // A copy has forgotten, and finds the same.
        let copy = models.clone().clusters((&script.state, texts), &all, (2, 8), Seed(1));
        assert_eq!(copy, groups);
    }

    #[test]
    fn a_regression_is_fitted_anew_when_more_was_observed() {
        let mut script = Script::new(1);
        let all: Vec<CandidateIx> = (0..8)
            .map(|n| {
                script.child(CandidateIx::BASELINE, if n % 2 == 0 { "good word" } else { "bad" })
            })
            .collect();
        let (models, texts) = (&script.state.memory.text_models, &script.state.memory.texts);
        let predicted = |pulls: f64| {
            let means = (0..8).map(|n| if n % 2 == 0 { 0.9 } else { 0.1 }).collect();
            let (candidates, pulls) = (all.clone(), vec![pulls; 8]);
            let observed = Observed { features: 4, candidates, means, pulls };
            models.predicted((&script.state, texts), observed, Seed(1))
        };
        let first = predicted(4.0).unwrap();
        assert!(first.means[0] > first.means[1]);
        assert!(Arc::ptr_eq(&first, &predicted(4.0).unwrap()), "kept");
        assert!(!Arc::ptr_eq(&first, &predicted(5.0).unwrap()));
        assert_eq!(predicted(0.0), None, "nothing was pulled");
    }
}
