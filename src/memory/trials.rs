//! Combinations of texts and demonstrations: which were put together, and which were tried.

use crate::candidate::Demo;
use crate::event::{Event, ProposalOutcome};
use crate::id::{CandidateIx, ProposalNumber};
use crate::state::Facts;
use std::collections::{BTreeMap, HashMap};

/// Combinations of texts and demonstrations: which were put together, and which were tried.
#[derive(Clone, Debug, Default)]
pub struct Trials {
    tried: Vec<Trial>,
    is_tried: Vec<bool>,
    promoted: Vec<CandidateIx>,
    promoted_at: Option<u32>,
    drafted: BTreeMap<ProposalNumber, (CandidateIx, Vec<Demo>)>,
    /// The candidate that a combination is; none where it was refused.
    combined: HashMap<(CandidateIx, Vec<Demo>), Option<CandidateIx>>,
    waiting: Option<CandidateIx>,
}

/// A combination that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Which.
    pub candidate: CandidateIx,
    /// The bracket that it was tried in; without brackets, its number.
    pub series: u32,
}

impl Trials {
    /// How many.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.tried.len()).unwrap_or(u32::MAX)
    }

    /// Which, in order; one may be tried more than once.
    #[must_use]
    pub fn tried(&self) -> &[Trial] {
        &self.tried
    }

    /// Whether a combination was tried.
    #[must_use]
    pub fn is_tried(&self, candidate: CandidateIx) -> bool {
        self.is_tried.get(candidate.index()).copied().unwrap_or(false)
    }

    /// Those that were tried in a bracket.
    #[must_use]
    pub fn of_series(&self, series: u32) -> Vec<CandidateIx> {
        let trials = self.tried.iter().filter(|trial| trial.series == series);
        trials.map(|trial| trial.candidate).collect()
    }

    /// Those that got more rows on their own, in order.
    #[must_use]
    pub fn promoted(&self) -> &[CandidateIx] {
        &self.promoted
    }

    /// How many trials there had been when one last got more rows.
    #[must_use]
    pub fn promoted_at(&self) -> Option<u32> {
        self.promoted_at
    }

    /// What a text with a set of demonstrations became: nothing yet, refused, or a candidate.
    #[must_use]
    pub fn combined(&self, text: CandidateIx, set: &[Demo]) -> Option<Option<CandidateIx>> {
        self.combined.get(&(text, set.to_vec())).copied()
    }

    /// A combination that was put together to be tried, and was not yet.
    #[must_use]
    pub fn waiting(&self) -> Option<CandidateIx> {
        self.waiting
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, facts: &Facts) {
        match event {
            Event::ProposalDrafted(draft) if draft.operator.is_none() && draft.init.is_none() => {
                if let (Some(text), Some(demos)) = (draft.parents.first(), &draft.demos) {
                    self.drafted.insert(draft.proposal, (*text, demos.clone()));
                }
            }
            Event::ProposalAbandoned { proposal, .. } => {
                self.drafted.remove(proposal);
            }
            Event::CandidateComposed { proposal, outcome } => {
                if let Some(combination) = self.drafted.remove(proposal) {
                    let newest = u32::try_from(facts.candidates.len()).unwrap_or(u32::MAX) - 1;
                    let is_new = matches!(outcome, ProposalOutcome::Added { .. });
                    self.waiting = is_new.then_some(CandidateIx(newest));
                    self.combined.insert(combination, self.waiting);
                }
            }
            Event::RoundStarted(round) => {
                if let [candidate] = round.candidates[..] {
                    self.round_of_one(candidate, round.round, round.contest);
                }
            }
            _ => {}
        }
    }

    fn round_of_one(&mut self, candidate: CandidateIx, round: u32, series: u32) {
        if round > 0 {
            self.promoted.push(candidate);
            self.promoted_at = Some(series);
            return;
        }
        self.tried.push(Trial { candidate, series });
        if self.is_tried.len() <= candidate.index() {
            self.is_tried.resize(candidate.index() + 1, false);
        }
        self.is_tried[candidate.index()] = true;
        self.waiting = self.waiting.filter(|waiting| *waiting != candidate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Rejection;
    use crate::memory::tests::{Script, demo};

    #[test]
    fn a_combination_waits_until_a_round_of_its_own_tries_it() {
        let mut script = Script::new(2);
        let (text, set) = (CandidateIx::BASELINE, vec![demo(1)]);
        let combine = |script: &mut Script| {
            let demos = Some(set.clone());
            script.draft(|draft| (draft.operator, draft.demos) = (None, demos))
        };
        let proposal = combine(&mut script);
        assert_eq!(script.state.memory.trials.combined(text, &set), None, "nothing came of it yet");
        let candidate = script.add(proposal, "with a demonstration");
        let trials = &script.state.memory.trials;
        assert_eq!(trials.combined(text, &set), Some(Some(candidate)));
        assert_eq!((trials.waiting(), trials.is_tried(candidate)), (Some(candidate), false));

        script.round(0, 0, &[candidate.0]);
        let trials = &script.state.memory.trials;
        assert_eq!((trials.waiting(), trials.is_tried(candidate), trials.count()), (None, true, 1));
        assert_eq!(trials.of_series(0), [candidate]);
        // A round for more than one candidate is a contest, and no trial.
        script.round(1, 0, &[0, candidate.0]);
        assert_eq!(script.state.memory.trials.count(), 1);
        script.round(1, 1, &[candidate.0]);
        let trials = &script.state.memory.trials;
        assert_eq!((trials.promoted(), trials.promoted_at()), (&[candidate][..], Some(1)));
        assert_eq!((trials.count(), trials.tried()), (1, &[Trial { candidate, series: 0 }][..]));

        let proposal = combine(&mut script);
        script.reject(proposal, Rejection::Dedup);
        assert_eq!(script.state.memory.trials.combined(text, &set), Some(None));
    }
}
