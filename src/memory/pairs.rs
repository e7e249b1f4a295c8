//! Paired differences on common rows of dev: each candidate beside the incumbent and the baseline,
//! and what decided children teach about the next one.

use crate::event::Event;
use crate::id::{CandidateIx, RowIx};
use crate::state::{Facts, Status};
use crate::stats::{Paired, Posterior, Prior};
use crate::task::example::Split;

/// However bad the children so far were, one that ties on its first block is not given up.
const LOWEST_PRIOR_MEAN: f64 = -0.05;
/// Paired differences on common rows of dev: each candidate against the incumbent and the baseline.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    against_incumbent: Vec<Paired>,
    against_baseline: Vec<Paired>,
    /// (mean difference from its parent, its sampling variance) of children as they were decided.
    decided: Vec<(f64, f64)>,
    is_decided: Vec<bool>,
    prior: Prior,
}

impl Pairs {
    /// A candidate against the incumbent.
    #[must_use]
    pub fn against_incumbent(&self, candidate: CandidateIx) -> Paired {
        self.against_incumbent.get(candidate.index()).copied().unwrap_or_default()
    }

    /// A candidate against the baseline.
    #[must_use]
    pub fn against_baseline(&self, candidate: CandidateIx) -> Paired {
        self.against_baseline.get(candidate.index()).copied().unwrap_or_default()
    }

    /// What is believed of a child beside its parent before its first row: fitted to the children
    /// decided so far.
    #[must_use]
    pub fn prior(&self) -> Prior {
        self.prior
    }

    /// The same beside a reference that need not be the parent: shifted by how the parent fares
    /// beside it (`parent`), and wider by how little is known of that.
    #[must_use]
    pub fn prior_beside(&self, parent: &Paired) -> Prior {
        match parent.mean() {
            None => self.prior,
            Some(mean) => Prior {
                mean: self.prior.mean + mean,
                variance: self.prior.variance + parent.sampling_variance(),
            },
        }
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, facts: &Facts) {
        match event {
            Event::EvaluationFolded { .. } => {
                if let Some((candidate, row)) = facts.folded_dev_row() {
                    self.row_folded(candidate, row, facts);
                }
            }
            Event::IncumbentChanged { .. } => {
                pair_all(&mut self.against_incumbent, facts, facts.incumbent);
            }
            Event::AnswersWithdrawn { .. } => {
                pair_all(&mut self.against_incumbent, facts, facts.incumbent);
                pair_all(&mut self.against_baseline, facts, CandidateIx::BASELINE);
            }
            Event::CandidateDropped { candidate, .. } | Event::CandidateFinished { candidate } => {
                self.decide(*candidate, facts);
            }
            _ => {}
        }
    }

    fn row_folded(&mut self, candidate: CandidateIx, row: RowIx, facts: &Facts) {
        let count = facts.candidates.len();
        self.against_incumbent.resize(count, Paired::default());
        self.against_baseline.resize(count, Paired::default());
        let Some(score) = facts.standing(candidate).dev().cell(row).score() else {
            return;
        };
        let weight = facts.weights.of(Split::Dev, row);
        push(&mut self.against_incumbent, facts, candidate, facts.incumbent, row, score);
        push(&mut self.against_baseline, facts, candidate, CandidateIx::BASELINE, row, score);
        // The reference's own rows come first as a rule; where one comes late, candidates that have the
        // row already are paired now.
        if candidate == facts.incumbent || candidate == CandidateIx::BASELINE {
            for (other, standing) in facts.numbered().filter(|(other, _)| *other != candidate) {
                let Some(theirs) = standing.dev().cell(row).score() else {
                    continue;
                };
                if candidate == facts.incumbent {
                    self.against_incumbent[other.index()].push(weight * (theirs - score));
                }
                if candidate == CandidateIx::BASELINE {
                    self.against_baseline[other.index()].push(weight * (theirs - score));
                }
            }
        }
        if facts.standing(candidate).status == Status::Finished {
            self.decide(candidate, facts);
        }
    }

    /// The probability that a candidate is better than its own parent.
    #[must_use]
    pub fn improvement(&self, facts: &Facts, candidate: CandidateIx) -> f64 {
        let Some(parent) = facts.standing(candidate).candidate.parents.first() else { return 0.0 };
        let pair = paired(facts, candidate, *parent);
        if pair.n == 0 { 0.0 } else { Posterior::of(self.prior(), &pair).above(0.0) }
    }

    /// What a decided child was worth beside its parent teaches what to expect of the next one.
    fn decide(&mut self, candidate: CandidateIx, facts: &Facts) {
        // Once: a candidate that was judged may get more rows later.
        if self.is_decided.len() <= candidate.index() {
            self.is_decided.resize(candidate.index() + 1, false);
        }
        if std::mem::replace(&mut self.is_decided[candidate.index()], true) {
            return;
        }
        let Some(parent) = facts.standing(candidate).candidate.parents.first() else { return };
        let pair = paired(facts, candidate, *parent);
        if let Some(mean) = pair.mean() {
            self.decided.push((mean, pair.sampling_variance()));
            // Children are decided on few rows, so that their spread is mostly noise: the prior may shift,
            // but never know more than it did at first.
            let fitted = Prior::fit(&self.decided);
            let first = Prior::default();
            self.prior = Prior {
                mean: fitted.mean.max(LOWEST_PRIOR_MEAN),
                variance: fitted.variance.max(first.variance),
            };
        }
    }
}

/// Pairs all candidates with a reference anew.
fn pair_all(pairs: &mut [Paired], facts: &Facts, reference: CandidateIx) {
    for ((candidate, _), pair) in facts.numbered().zip(pairs) {
        *pair = paired(facts, candidate, reference);
    }
}

fn push(
    pairs: &mut [Paired],
    facts: &Facts,
    candidate: CandidateIx,
    reference: CandidateIx,
    row: RowIx,
    score: f64,
) {
    if candidate == reference {
        return;
    }
    if let Some(theirs) = facts.standing(reference).dev().cell(row).score() {
        let weight = facts.weights.of(Split::Dev, row);
        pairs[candidate.index()].push(weight * (score - theirs));
    }
}

/// The paired differences of two candidates over all common rows of dev, each times the weight of its row.
#[must_use]
pub fn paired(facts: &Facts, candidate: CandidateIx, reference: CandidateIx) -> Paired {
    let (mine, theirs) =
        (facts.standing(candidate).dev().cells(), facts.standing(reference).dev().cells());
    if candidate == reference {
        return Paired::default();
    }
    let rows = (0..).map(RowIx).zip(mine.iter().zip(theirs));
    rows.filter_map(|(row, (mine, theirs))| {
        let difference = mine.score()? - theirs.score()?;
        Some(facts.weights.of(Split::Dev, row) * difference)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RowKey;
    use crate::memory::tests::Script;

    #[test]
    fn differences_are_paired_on_common_rows_whichever_row_comes_first() {
        let mut script = Script::new(4);
        let child = script.child(CandidateIx::BASELINE, "child");
        script.score(CandidateIx::BASELINE, &[(0, 0.5)]);
        script.score(child, &[(0, 0.75), (1, 1.0)]);
        assert_eq!(script.state.memory.pairs.against_baseline(child).n, 1);
        // The baseline's row comes late.
        script.score(CandidateIx::BASELINE, &[(1, 0.5), (2, 0.5)]);
        let pairs = &script.state.memory.pairs;
        assert_eq!(pairs.against_baseline(child).n, 2);
        assert_eq!(pairs.against_baseline(child).mean(), Some(0.375));
        assert_eq!(pairs.against_incumbent(child).mean(), Some(0.375));
        assert_eq!(paired(&script.state, child, CandidateIx::BASELINE).mean(), Some(0.375));

        let second = script.child(CandidateIx::BASELINE, "second");
        script.score(second, &[(0, 0.5), (1, 0.5)]);
        script.lead(child);
        let pairs = &script.state.memory.pairs;
        assert_eq!(pairs.against_incumbent(second).mean(), Some(-0.375));
        assert_eq!(pairs.against_baseline(second).mean(), Some(0.0));
    }

    #[test]
    fn a_difference_counts_as_much_as_its_row() {
        let mut script = Script::new(4);
        let child = script.child(CandidateIx::BASELINE, "child");
        let weight = |row: u32| [0.5, 1.5][row as usize];
        script.score_by(CandidateIx::BASELINE, &[(0, 0.0)], weight);
        script.score_by(child, &[(0, 1.0), (1, 0.0)], weight);
        // The baseline's row comes late.
        script.score_by(CandidateIx::BASELINE, &[(1, 1.0)], weight);
        let pairs = &script.state.memory.pairs;
        for pair in [
            pairs.against_baseline(child),
            pairs.against_incumbent(child),
            paired(&script.state, child, CandidateIx::BASELINE),
        ] {
            assert_eq!((pair.mean(), pair.wins, pair.losses), (Some(-0.5), 1, 1));
        }
    }

    #[test]
    fn a_withdrawn_answer_is_in_no_pair() {
        let mut script = Script::new(4);
        let child = script.child(CandidateIx::BASELINE, "child");
        script.score(CandidateIx::BASELINE, &[(0, 0.5), (1, 0.5)]);
        script.score(child, &[(0, 0.75), (1, 0.0)]);
        assert_eq!(script.state.memory.pairs.against_baseline(child).mean(), Some(-0.125));
        let split = crate::task::example::Split::Dev;
        let answer = RowKey { candidate: child, split, replicate: 0, row: RowIx(1) };
        script.apply(Event::AnswersWithdrawn { answers: vec![answer] });
        let pair = script.state.memory.pairs.against_baseline(child);
        assert_eq!((pair.n, pair.mean()), (1, Some(0.25)));
        assert_eq!(script.state.memory.pairs.against_incumbent(child), pair);
    }

    #[test]
    fn a_candidate_that_was_dropped_on_withdrawn_answers_is_tried_again() {
        let mut script = Script::new(4);
        let futile = || crate::event::Dropped::Futile { probability: 0.0, rows: 1 };
        let outranked = || crate::event::Dropped::Outranked { mean: 0.0 };
        for (why, is_reopened) in [(futile(), true), (outranked(), false)] {
            let child = script.child(CandidateIx::BASELINE, &format!("child {is_reopened}"));
            script.score(child, &[(1, 0.0)]);
            script.apply(Event::CandidateDropped { candidate: child, why });
            let split = crate::task::example::Split::Dev;
            let key = RowKey { candidate: child, split, replicate: 0, row: RowIx(1) };
            script.apply(Event::AnswersWithdrawn { answers: vec![key] });
            let at = jiff::Timestamp::UNIX_EPOCH;
            script.apply(Event::Resumed { at, ran_ms: 0 });
            assert_eq!(script.state.open.contains(&child), is_reopened);
            assert_eq!(script.state.to_ask_again.contains(&key), is_reopened);
        }
    }

    #[test]
    fn decided_children_shift_what_is_expected_but_never_narrow_it() {
        let mut script = Script::new(8);
        let rows = |score: f64| -> Vec<(u32, f64)> { (0..8).map(|row| (row, score)).collect() };
        script.score(CandidateIx::BASELINE, &rows(0.5));
        let first = script.state.memory.pairs.prior();
        for number in 0..8 {
            let before = script.state.memory.pairs.prior();
            let child = script.child(CandidateIx::BASELINE, &format!("child {number}"));
            script.score(child, &rows(0.0));
            let after = script.state.memory.pairs.prior();
            assert!(after.mean < before.mean || after.mean == LOWEST_PRIOR_MEAN, "{after:?}");
        }
        let prior = script.state.memory.pairs.prior();
        assert_eq!(prior.mean, LOWEST_PRIOR_MEAN);
        assert!(prior.variance >= first.variance);
        let pair = script.state.memory.pairs.against_baseline(CandidateIx(1));
        let beside = script.state.memory.pairs.prior_beside(&pair);
        assert_eq!(beside.mean, prior.mean - 0.5);
        assert!(beside.variance >= prior.variance);
    }
}
