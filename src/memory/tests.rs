//! A run that is written event by event, for tests of single memories.

use super::State;
use crate::candidate::{Candidate, Demo, Origin};
use crate::event::{
    Answered, Block, Draft, Dropped, Event, Generation, ProposalOutcome, Rejection, Round,
    RowOutcome,
};
use crate::id::{Call, CandidateIx, EventNumber, ProposalNumber, RowIx};
use crate::prompt::{Part, Prompt};
use crate::task::example::Split;
use crate::units::Amount;
use crate::units::{Score, Usd};

/// What each answer costs, in dollars.
pub(super) const USD: f64 = 1e-4;

pub(super) struct Script {
    pub(super) state: State,
    events: Vec<Event>,
    call: u64,
}

impl Script {
    /// A run whose baseline is `baseline`.
    pub(super) fn new(dev_rows: u32) -> Self {
        let mut script = Self { state: State::new(dev_rows), events: Vec::new(), call: 0 };
        let at = jiff::Timestamp::UNIX_EPOCH;
        script.apply(Event::Started { at, baseline: Candidate::baseline(prompt("baseline")) });
        script
    }

    pub(super) fn apply(&mut self, event: Event) {
        self.state.apply(EventNumber(self.events.len() as u64), &event);
        self.events.push(event);
    }

    /// Drafts a proposal of operator 0 that starts from the baseline, with changes.
    pub(super) fn draft(&mut self, change: impl FnOnce(&mut Draft)) -> ProposalNumber {
        let proposal = self.state.next_proposal;
        let mut draft = Draft::new(proposal, vec![CandidateIx::BASELINE]);
        draft.operator = Some(0);
        change(&mut draft);
        self.apply(Event::ProposalDrafted(draft));
        proposal
    }

    /// Asks the mutator for a drafted proposal, and folds what came of it.
    pub(super) fn propose(&mut self, proposal: ProposalNumber, outcome: ProposalOutcome) {
        let call = self.next_call();
        let (rows, reserve) = (Vec::new(), Amount::ZERO);
        self.apply(Event::ProposalIssued { proposal, call, rows, reserve });
        self.apply(Event::Answered(answer(call)));
        self.apply(Event::ProposalFolded { call, outcome });
    }

    /// Folds what came of a draft, without a model.
    pub(super) fn compose(&mut self, proposal: ProposalNumber, outcome: ProposalOutcome) {
        self.apply(Event::CandidateComposed { proposal, outcome });
    }

    /// The candidate that a draft becomes.
    pub(super) fn added(&self, proposal: ProposalNumber, text: &str) -> ProposalOutcome {
        let candidate = Candidate {
            id: prompt(text).id(),
            prompt: prompt(text),
            parents: self.state.drafts[&proposal].parents.clone(),
            demos: Vec::new(),
            gene: None,
            repairs: Vec::new(),
            operator: "written".to_owned(),
            origin: Origin::Composed(proposal),
        };
        ProposalOutcome::Added { candidate, gate: None }
    }

    /// A child of a drafted proposal.
    pub(super) fn add(&mut self, proposal: ProposalNumber, text: &str) -> CandidateIx {
        let outcome = self.added(proposal, text);
        self.compose(proposal, outcome);
        CandidateIx(self.state.candidates.len() as u32 - 1)
    }

    /// A child of operator 0.
    pub(super) fn child(&mut self, parent: CandidateIx, text: &str) -> CandidateIx {
        let proposal = self.draft(|draft| draft.parents = vec![parent]);
        self.add(proposal, text)
    }

    pub(super) fn reject(&mut self, proposal: ProposalNumber, reason: Rejection) {
        self.compose(proposal, ProposalOutcome::Rejected { reason, detail: String::new() });
    }

    /// Scores of a candidate on rows of dev, of equal weight.
    pub(super) fn score(&mut self, candidate: CandidateIx, scores: &[(u32, f64)]) {
        self.score_by(candidate, scores, |_| 1.0);
    }

    /// The same, on rows of these weights.
    pub(super) fn score_by(
        &mut self,
        candidate: CandidateIx,
        scores: &[(u32, f64)],
        weight: fn(u32) -> f64,
    ) {
        for (row, score) in scores {
            let call = self.next_call();
            self.apply(Event::EvaluationIssued(Block {
                first: call,
                candidate,
                split: Split::Dev,
                replicate: 0,
                rows: vec![RowIx(*row)],
                reserve: Amount::ZERO,
                cached: Vec::new(),
                judging: None,
            }));
            self.apply(Event::Answered(answer(call)));
            let (score, measured) = (Score::new(*score).unwrap(), Vec::new());
            let weight = weight(*row);
            let outcome =
                RowOutcome::Scored { score, invalid: false, measured, said: None, weight };
            self.apply(Event::EvaluationFolded { call, outcome });
        }
    }

    pub(super) fn drop(&mut self, candidate: CandidateIx) {
        self.apply(Event::CandidateDropped { candidate, why: Dropped::Capped });
    }

    pub(super) fn lead(&mut self, candidate: CandidateIx) {
        self.apply(Event::IncumbentChanged { candidate, why: String::new() });
    }

    pub(super) fn phase(&mut self, phase: u16) {
        self.apply(Event::PhaseStarted { phase });
    }

    pub(super) fn generation(&mut self, number: u32, members: &[u32], iteration: u32) {
        let members = members.iter().copied().map(CandidateIx).collect();
        self.apply(Event::GenerationStarted(Generation { number, members, iteration }));
    }

    pub(super) fn round(&mut self, contest: u32, round: u32, candidates: &[u32]) {
        self.apply(Event::RoundStarted(Round {
            contest,
            group: 0,
            round,
            first: 0,
            pool: 0,
            candidates: candidates.iter().copied().map(CandidateIx).collect(),
            pulls: 1,
            budget: 0,
            each: Vec::new(),
        }));
    }

    fn next_call(&mut self) -> Call {
        self.call += 1;
        Call(self.call)
    }
}

pub(super) fn demo(row: u32) -> Demo {
    Demo { row: RowIx(row), answer: None }
}

fn prompt(text: &str) -> Prompt {
    Prompt::new(vec![Part { name: "system".into(), text: text.into() }])
}

fn answer(call: Call) -> Answered {
    Answered { usd: Usd::from_nanos((USD * 1e9) as u64), ..Answered::sample(call) }
}

/// A replay folds the journal from its beginning: it must end with the same memories.
#[test]
fn a_replay_remembers_the_same() {
    let mut script = Script::new(2);
    script.score(CandidateIx::BASELINE, &[(0, 0.5), (1, 0.25)]);
    script.generation(0, &[0], 0);
    let child = script.child(CandidateIx::BASELINE, "child");
    script.score(child, &[(0, 1.0), (1, 0.0)]);
    script.lead(child);
    let refused = script.draft(|draft| draft.island = Some(1));
    script.reject(refused, Rejection::Novelty);
    script.generation(1, &[0, 1], 0);
    let mut replayed = State::new(2);
    for (number, event) in script.events.iter().enumerate() {
        replayed.apply(EventNumber(number as u64), event);
    }
    let shown = |state: &State| {
        let memory = &state.memory;
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            memory.births,
            memory.generations,
            memory.uses,
            memory.fronts,
            memory.pairs,
            memory.turns,
            memory.niches
        )
    };
    assert_eq!(shown(&replayed), shown(&script.state));
}
