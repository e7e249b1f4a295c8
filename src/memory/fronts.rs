//! Per row of dev, the candidates that are best on it: for Pareto selection.

use super::judged::judged;
use crate::event::{Event, RowKey};
use crate::id::{CandidateIx, RowIx};
use crate::state::Facts;
use crate::task::example::Split;
use std::collections::BTreeSet;

/// Per row of dev: the best score, and the finished candidates that reach it.
#[derive(Clone, Debug, Default)]
pub struct Fronts {
    best: Vec<f64>,
    holders: Vec<Vec<u32>>,
    finished: Vec<CandidateIx>,
    is_finished: Vec<bool>,
    /// Finished ones of which too many rows are missing.
    incomplete: BTreeSet<CandidateIx>,
}

impl Fronts {
    /// Finished candidates in order of finishing.
    #[must_use]
    pub fn finished(&self) -> &[CandidateIx] {
        &self.finished
    }

    /// Per row, the candidates that reach the best score.
    #[must_use]
    pub fn holders(&self) -> &[Vec<u32>] {
        &self.holders
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, facts: &Facts) {
        for &candidate in judged(event, facts) {
            self.add(candidate, facts);
        }
        if let Event::AnswersWithdrawn { answers } = event {
            answers.iter().for_each(|answer| self.withdraw(answer));
        }
        if let Some((candidate, row)) = facts.folded_dev_row() {
            self.add_row(candidate, row, facts);
        }
    }

    fn add(&mut self, candidate: CandidateIx, facts: &Facts) {
        if self.is_finished.len() <= candidate.index() {
            self.is_finished.resize(candidate.index() + 1, false);
        }
        // A candidate that stays in a population is judged again and again.
        if std::mem::replace(&mut self.is_finished[candidate.index()], true) {
            return;
        }
        self.finished.push(candidate);
        self.register(candidate, facts);
    }

    /// Enters all its rows, unless too many of them are missing.
    fn register(&mut self, candidate: CandidateIx, facts: &Facts) {
        let standing = facts.standing(candidate);
        if standing.misses_too_much() {
            self.incomplete.insert(candidate);
            return;
        }
        self.incomplete.remove(&candidate);
        let rows = facts.dev_rows as usize;
        self.best.resize(rows, f64::NEG_INFINITY);
        self.holders.resize(rows, Vec::new());
        for (row, cell) in standing.dev().cells().iter().enumerate().take(rows) {
            if let Some(score) = cell.score() {
                self.hold(candidate, row, score);
            }
        }
    }

    /// A row that a candidate was given after it was judged.
    fn add_row(&mut self, candidate: CandidateIx, row: RowIx, facts: &Facts) {
        // Rows that went missing may be asked once more.
        if self.incomplete.contains(&candidate) {
            return self.register(candidate, facts);
        }
        let known = self.is_finished.get(candidate.index()).copied().unwrap_or(false);
        if known
            && let Some(score) = facts.standing(candidate).dev().cell(row).score()
            && row.index() < self.holders.len()
            && !self.holders[row.index()].contains(&candidate.0)
        {
            self.hold(candidate, row.index(), score);
        }
    }

    /// A row of a candidate has no score any more. It was 0, so whatever reaches it holds the row too.
    fn withdraw(&mut self, answer: &RowKey) {
        if (answer.split, answer.replicate) != (Split::Dev, 0) {
            return;
        }
        if let Some(holders) = self.holders.get_mut(answer.row.index()) {
            holders.retain(|holder| *holder != answer.candidate.0);
            if holders.is_empty() {
                self.best[answer.row.index()] = f64::NEG_INFINITY;
            }
        }
    }

    fn hold(&mut self, candidate: CandidateIx, row: usize, score: f64) {
        if score > self.best[row] {
            self.best[row] = score;
            self.holders[row].clear();
        }
        if score >= self.best[row] {
            self.holders[row].push(candidate.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tests::Script;

    #[test]
    fn each_row_has_its_best_among_the_finished() {
        let mut script = Script::new(2);
        script.score(CandidateIx::BASELINE, &[(0, 0.5), (1, 0.5)]);
        let child = script.child(CandidateIx::BASELINE, "child");
        script.score(child, &[(0, 0.5)]);
        assert_eq!(script.state.memory.fronts.holders(), [vec![0], vec![0]], "it is not finished");
        script.score(child, &[(1, 1.0)]);
        let fronts = &script.state.memory.fronts;
        assert_eq!(fronts.holders(), [vec![0, 1], vec![1]]);
        assert_eq!(fronts.finished(), [CandidateIx::BASELINE, child]);
    }

    #[test]
    fn a_withdrawn_answer_holds_no_row_until_it_is_asked_once_more() {
        let mut script = Script::new(2);
        script.score(CandidateIx::BASELINE, &[(0, 0.0), (1, 1.0)]);
        let answer = RowKey {
            candidate: CandidateIx::BASELINE,
            split: Split::Dev,
            replicate: 0,
            row: RowIx(0),
        };
        script.apply(Event::AnswersWithdrawn { answers: vec![answer] });
        assert_eq!(script.state.memory.fronts.holders(), [vec![], vec![0]]);
        assert_eq!(script.state.baseline().dev().mean(), Some(1.0));
        script.score(CandidateIx::BASELINE, &[(0, 0.5)]);
        assert_eq!(script.state.memory.fronts.holders(), [vec![0], vec![0]]);
    }

    #[test]
    fn a_row_that_comes_after_the_judgement_counts_once() {
        let mut script = Script::new(2);
        script.score(CandidateIx::BASELINE, &[(0, 0.5), (1, 0.5)]);
        let child = script.child(CandidateIx::BASELINE, "child");
        script.score(child, &[(0, 1.0)]);
        script.apply(Event::CandidateFinished { candidate: child });
        assert_eq!(script.state.memory.fronts.holders(), [vec![1], vec![0]]);
        script.score(child, &[(1, 0.5)]);
        let fronts = &script.state.memory.fronts;
        assert_eq!(fronts.holders(), [vec![1], vec![0, 1]]);
        assert_eq!(fronts.finished().len(), 2);
    }
}
