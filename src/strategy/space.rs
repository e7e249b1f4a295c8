//! Combinations of ingredients: an instruction with a set of demonstrations.
//!
//! An instruction without demonstrations is its own candidate; any other combination is composed when it
//! is asked for. Not which one is tried next: that is a sampler's.

use super::Plan;
use crate::candidate::Demo;
use crate::event::{Draft, Event, Round};
use crate::id::{CandidateIx, RowIx};
use crate::memory::State;
use crate::task::example::Split;

/// All combinations.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    /// Candidates whose texts are combined.
    pub texts: Vec<CandidateIx>,
    /// Sets of demonstrations; one empty set where none are searched.
    pub sets: Vec<Vec<Demo>>,
}

/// A text and a set, by their places in their lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Combination {
    /// The place of the text.
    pub text: usize,
    /// The place of the set.
    pub set: usize,
}

/// What is known of a combination.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    /// The combination.
    pub combination: Combination,
    /// Its mean.
    pub mean: f64,
    /// Answers behind it.
    pub rows: usize,
}

/// What became of a combination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// It was not asked for yet.
    No,
    /// It was refused, and will be again.
    Refused,
    /// It is this candidate.
    Is(CandidateIx),
}

impl Space {
    pub(super) fn all(&self) -> impl Iterator<Item = Combination> + '_ {
        (0..self.texts.len())
            .flat_map(|text| (0..self.sets.len()).map(move |set| Combination { text, set }))
    }

    pub(super) fn made(&self, state: &State, combination: Combination) -> Made {
        let (text, set) = (self.texts[combination.text], &self.sets[combination.set]);
        if set.is_empty() {
            return Made::Is(text);
        }
        match state.memory.trials.combined(text, set) {
            None => Made::No,
            Some(None) => Made::Refused,
            Some(Some(candidate)) => Made::Is(candidate),
        }
    }

    /// The combination that a candidate is.
    pub(super) fn combination(&self, state: &State, candidate: CandidateIx) -> Option<Combination> {
        let standing = state.standing(candidate);
        let demos = &standing.candidate.demos;
        let parent = standing.candidate.parents.first().copied();
        let text = if demos.is_empty() { candidate } else { parent? };
        let text = self.texts.iter().position(|other| *other == text)?;
        let set = self.sets.iter().position(|other| other == demos)?;
        Some(Combination { text, set })
    }

    /// Combinations that were not tried; when there are none, those that have not had all of dev.
    /// `busy` are left out of these.
    pub(super) fn untried(&self, state: &State, busy: &[CandidateIx]) -> Vec<Combination> {
        let trials = &state.memory.trials;
        let fresh: Vec<Combination> = self
            .all()
            .filter(|combination| match self.made(state, *combination) {
                Made::No => true,
                Made::Refused => false,
                Made::Is(candidate) => !trials.is_tried(candidate) && !is_full(state, candidate),
            })
            .collect();
        if !fresh.is_empty() {
            return fresh;
        }
        let unfinished = |combination: &Combination| match self.made(state, *combination) {
            Made::Is(candidate) => !is_full(state, candidate) && !busy.contains(&candidate),
            _ => false,
        };
        self.all().filter(unfinished).collect()
    }

    /// What leads to a trial of a combination: it is composed first where that was not done yet.
    pub(super) fn try_out(&self, state: &State, combination: Combination, round: Round) -> Plan {
        match self.made(state, combination) {
            Made::Is(candidate) => trial(candidate, round),
            _ => {
                let demos = self.sets[combination.set].clone();
                let draft = combine(state, self.texts[combination.text], demos);
                Plan::Decide(Event::ProposalDrafted(draft))
            }
        }
    }
}

/// A combination that is drafted: this candidate's texts with this set of demonstrations.
pub(super) fn combine(state: &State, text: CandidateIx, demos: Vec<Demo>) -> Draft {
    let mut draft = Draft::new(state.next_proposal, vec![text]);
    draft.phase = state.phase_number;
    draft.demos = Some(demos);
    draft
}

/// A round of one candidate.
pub(super) fn trial(candidate: CandidateIx, round: Round) -> Plan {
    Plan::Decide(Event::RoundStarted(Round { candidates: vec![candidate], ..round }))
}

/// Whether a candidate has had all of dev.
pub(super) fn is_full(state: &State, candidate: CandidateIx) -> bool {
    state.standing(candidate).dev().folded >= state.dev_rows
}

/// A candidate's mean over some rows of dev, by their weights, and how many of them have a score.
pub(super) fn mean_on(
    state: &State,
    candidate: CandidateIx,
    rows: impl Iterator<Item = RowIx>,
) -> Option<(f64, usize)> {
    let column = state.standing(candidate).dev();
    let (mut sum, mut all, mut scored) = (0.0, 0.0, 0_usize);
    for (row, score) in rows.filter_map(|row| Some((row, column.cell(row).score()?))) {
        let weight = state.weights.of(Split::Dev, row);
        sum += weight * score;
        all += weight;
        scored += 1;
    }
    (scored > 0).then(|| (sum / all, scored))
}
