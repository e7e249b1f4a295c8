//! Where each judged candidate stands on a grid of length and difference from the baseline.
//!
//! A candidate gets its place when it is judged, by the ranges that were seen up to then (as in
//! OpenEvolve), and keeps it: later extremes never move what is there.

use super::judged::judged;
use super::likeness::Likeness;
use crate::event::Event;
use crate::id::CandidateIx;
use crate::state::Facts;

/// Where each judged candidate stands: how long it is, and how unlike the baseline, each as a share of the
/// range up to then.
#[derive(Clone, Debug, Default)]
pub struct Niches {
    places: Vec<Option<(f64, f64)>>,
    length: Option<(f64, f64)>,
    unlike: Option<(f64, f64)>,
}

impl Niches {
    /// A candidate's place, each coordinate in [0, 1].
    #[must_use]
    pub fn of(&self, candidate: CandidateIx) -> (f64, f64) {
        self.places.get(candidate.index()).copied().flatten().unwrap_or_default()
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, facts: &Facts, likeness: &Likeness) {
        for &candidate in judged(event, facts) {
            self.add(candidate, facts, likeness);
        }
    }

    fn add(&mut self, candidate: CandidateIx, facts: &Facts, likeness: &Likeness) {
        self.places.resize(facts.candidates.len(), None);
        // A candidate that stays in a population is judged again and again.
        if self.places[candidate.index()].is_some() {
            return;
        }
        let length = facts.standing(candidate).candidate.prompt.bytes() as f64;
        let unlike = 1.0 - likeness.between(facts, candidate, CandidateIx::SEED);
        let place = (within(&mut self.length, length), within(&mut self.unlike, unlike));
        self.places[candidate.index()] = Some(place);
    }
}

/// Where a value stands in a range that it widens; in the middle of one without width.
fn within(range: &mut Option<(f64, f64)>, value: f64) -> f64 {
    let (low, high) = range.map_or((value, value), |(low, high)| (low.min(value), high.max(value)));
    *range = Some((low, high));
    if high > low { (value - low) / (high - low) } else { 0.5 }
}
