//! Whose turn it is: which part of a candidate changes next, whether a child has just been tried in
//! full, and which merges were made.

use super::births::Births;
use crate::event::Event;
use crate::id::CandidateIx;
use crate::state::{Facts, Status};
use std::collections::{BTreeMap, BTreeSet};

/// What operators that wait for their turn must know.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    /// How many changes of a single part each line of candidates has seen.
    parts: Vec<u32>,
    /// The operator of the child that was tried in full since anything was bred.
    accepted: Option<u16>,
    /// Pairs that were drafted with their common ancestor, the pair in the order of birth.
    merged: BTreeSet<[CandidateIx; 3]>,
    /// Children of each operator that were not dropped.
    kept: BTreeMap<u16, u32>,
    /// Children of operators that were judged: tried in full, or dropped.
    decided: u32,
    /// Of them, those before the phase that is on.
    decided_before: u32,
    /// Candidates that were tried in full before: they may get more rows later.
    tried: Vec<bool>,
}

impl Turns {
    /// The part that changes next, of a number of parts: they take turns in each line of descent, so that a
    /// child goes on where its parent stopped (GEPA; arXiv:2507.19457, algorithm 1: round robin).
    #[must_use]
    pub fn part(&self, candidate: CandidateIx, parts: u16) -> u16 {
        let changes = self.parts.get(candidate.index()).copied().unwrap_or(0);
        u16::try_from(changes % u32::from(parts.max(1))).unwrap_or(0)
    }

    /// The operator whose child was tried in full, where nothing was bred since.
    #[must_use]
    pub fn accepted(&self) -> Option<u16> {
        self.accepted
    }

    /// Whether two candidates were put together over this ancestor before.
    #[must_use]
    pub fn was_merged(&self, a: CandidateIx, b: CandidateIx, ancestor: CandidateIx) -> bool {
        self.merged.contains(&[a.min(b), a.max(b), ancestor])
    }

    /// Children of an operator that are still tried, or were tried in full.
    #[must_use]
    pub fn kept(&self, operator: u16) -> u32 {
        self.kept.get(&operator).copied().unwrap_or(0)
    }

    /// Children of operators that were judged.
    #[must_use]
    pub fn decided(&self) -> u32 {
        self.decided
    }

    /// Children of operators that were judged in the phase that is on.
    #[must_use]
    pub fn decided_in_phase(&self) -> u32 {
        self.decided - self.decided_before
    }

    /// Takes in one event; `facts` and `births` have taken it in before.
    pub fn apply(&mut self, event: &Event, facts: &Facts, births: &Births) {
        self.born(facts, births);
        match event {
            Event::ProposalDrafted(draft) if draft.operator.is_some() && draft.from.is_none() => {
                self.accepted = None;
                if let [a, b, ancestor] = draft.parents[..] {
                    self.merged.insert([a.min(b), a.max(b), ancestor]);
                }
            }
            // A draft that is given up has changed nothing.
            Event::ProposalIssued { proposal, .. } => {
                let draft = facts.drafts.get(proposal).filter(|draft| draft.part.is_some());
                if let Some(parent) = draft.and_then(|draft| draft.parents.first()) {
                    self.parts[parent.index()] += 1;
                }
            }
            Event::CandidateDropped { candidate, .. } => {
                let operator = births.of(*candidate).operator;
                self.decided += u32::from(operator.is_some());
                if let Some(kept) = operator.and_then(|operator| self.kept.get_mut(&operator)) {
                    *kept = kept.saturating_sub(1);
                }
            }
            Event::EvaluationFolded { .. } => {
                if let Some((candidate, _)) = facts.folded_dev_row() {
                    self.finished(candidate, facts, births);
                }
            }
            Event::CandidateFinished { candidate } => self.finished(*candidate, facts, births),
            Event::ContestEnded { survivors } => {
                for candidate in survivors {
                    self.finished(*candidate, facts, births);
                }
            }
            Event::PhaseStarted { .. } => {
                // Operators are named by their places in the phase's own list.
                self.accepted = None;
                self.kept.clear();
                self.decided_before = self.decided;
            }
            _ => {}
        }
    }

    /// Children go on where their parents stopped.
    fn born(&mut self, facts: &Facts, births: &Births) {
        for (candidate, standing) in facts.numbered().skip(self.parts.len()) {
            let parents = standing.candidate.parents.iter();
            let changes = parents.map(|parent| self.parts.get(parent.index()).copied());
            self.parts.push(changes.flatten().max().unwrap_or(0));
            if let Some(operator) = births.of(candidate).operator {
                *self.kept.entry(operator).or_default() += 1;
            }
        }
    }

    fn finished(&mut self, candidate: CandidateIx, facts: &Facts, births: &Births) {
        self.tried.resize(facts.candidates.len(), false);
        if facts.standing(candidate).status == Status::Finished
            && !std::mem::replace(&mut self.tried[candidate.index()], true)
        {
            let operator = births.of(candidate).operator;
            self.decided += u32::from(operator.is_some());
            self.accepted = operator.or(self.accepted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ProposalOutcome;
    use crate::memory::tests::Script;

    #[test]
    fn parts_take_turns_in_each_line_of_descent() {
        let mut script = Script::new(1);
        let part = |script: &Script, candidate| script.state.memory.turns.part(candidate, 3);
        assert_eq!(part(&script, CandidateIx::BASELINE), 0);
        let proposal = script.draft(|draft| draft.part = Some(0));
        assert_eq!(part(&script, CandidateIx::BASELINE), 0, "a draft has changed nothing yet");
        let outcome = script.added(proposal, "child");
        script.propose(proposal, outcome);
        assert_eq!(part(&script, CandidateIx::BASELINE), 1);
        let child = CandidateIx(1);
        assert_eq!(part(&script, child), 1, "it goes on where its parent stopped");
        for expected in [2, 0, 1] {
            let proposal =
                script.draft(|draft| (draft.parents, draft.part) = (vec![child], Some(0)));
            script.propose(proposal, ProposalOutcome::Missing);
            assert_eq!(part(&script, child), expected);
        }
        assert_eq!(part(&script, CandidateIx::BASELINE), 1);
    }

    #[test]
    fn a_child_that_was_tried_in_full_gives_the_turn_until_anything_is_bred() {
        let mut script = Script::new(1);
        script.score(CandidateIx::BASELINE, &[(0, 0.5)]);
        assert_eq!(script.state.memory.turns.accepted(), None);
        let proposal = script.draft(|draft| draft.operator = Some(2));
        let kept = script.add(proposal, "kept");
        script.score(kept, &[(0, 0.5)]);
        let turns = &script.state.memory.turns;
        assert_eq!((turns.accepted(), turns.kept(2), turns.decided()), (Some(2), 1, 1));
        let proposal = script.draft(|draft| draft.operator = Some(2));
        assert_eq!(script.state.memory.turns.accepted(), None);
        let lost = script.add(proposal, "lost");
        assert_eq!(script.state.memory.turns.kept(2), 2);
        script.drop(lost);
        // Once more: a candidate that was tried in full does not count again.
        script.apply(Event::CandidateFinished { candidate: kept });
        let turns = &script.state.memory.turns;
        assert_eq!((turns.accepted(), turns.kept(2), turns.decided()), (None, 1, 2));
        script.phase(1);
        assert_eq!(script.state.memory.turns.kept(2), 0);
    }

    #[test]
    fn a_merge_is_known_in_either_order() {
        let mut script = Script::new(1);
        let [a, b] = ["a", "b"].map(|text| script.child(CandidateIx::BASELINE, text));
        script.draft(|draft| draft.parents = vec![b, a, CandidateIx::BASELINE]);
        let turns = &script.state.memory.turns;
        assert!(turns.was_merged(a, b, CandidateIx::BASELINE));
        assert!(turns.was_merged(b, a, CandidateIx::BASELINE));
        assert!(!turns.was_merged(a, b, a));
    }
}
