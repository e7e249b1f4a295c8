//! Where each judged candidate stands on a grid of length and difference from the baseline.
//!
//! A candidate gets its place when it is judged, by the ranges that were seen up to then (as in
//! OpenEvolve), and keeps it: later extremes never move what is there.

use super::judged::judged;
use super::texts::Texts;
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
    pub fn apply(&mut self, event: &Event, facts: &Facts, texts: &Texts) {
        for &candidate in judged(event, facts) {
            self.add(candidate, facts, texts);
        }
    }

    fn add(&mut self, candidate: CandidateIx, facts: &Facts, texts: &Texts) {
        self.places.resize(facts.candidates.len(), None);
        // A candidate that stays in a population is judged again and again.
        if self.places[candidate.index()].is_some() {
            return;
        }
        let length = facts.standing(candidate).candidate.prompt.bytes() as f64;
        let unlike = 1.0 - texts.likeness(facts, candidate, CandidateIx::BASELINE);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tests::Script;

    #[test]
    fn a_later_extreme_moves_no_candidate() {
        let mut script = Script::new(1);
        // The baseline has 8 bytes, the children 40, 120, 240 and 40.
        script.score(CandidateIx::BASELINE, &[(0, 0.0)]);
        for text in ["c ".repeat(20), "a ".repeat(60), "b ".repeat(120), "d ".repeat(20)] {
            let child = script.child(CandidateIx::BASELINE, &text);
            script.score(child, &[(0, 0.5)]);
            // Judged once more, as a member of a population: its place stays.
            script.apply(Event::CandidateFinished { candidate: child });
        }
        let niches = &script.state.memory.niches;
        let lengths: Vec<f64> = (0..5).map(|n| niches.of(CandidateIx(n)).0).collect();
        // Each by the range when it was judged; the last in 8..=240 bytes.
        assert_eq!(lengths[..4], [0.5, 1.0, 1.0, 1.0]);
        assert!((lengths[4] - 32.0 / 232.0).abs() < 1e-12, "{lengths:?}");
        assert_eq!(niches.of(CandidateIx::BASELINE).1, 0.5, "a range without width");
    }

    #[test]
    fn a_place_in_a_range_by_hand() {
        let mut range = None;
        let places: Vec<f64> =
            [5.0, 7.0, 3.0, 4.0].into_iter().map(|value| within(&mut range, value)).collect();
        assert_eq!(places, [0.5, 1.0, 0.0, 0.25]);
    }
}
