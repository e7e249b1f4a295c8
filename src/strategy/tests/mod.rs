//! What each strategy decides, derived by hand from its definition: a mutator and scores that are
//! scripted, and no driver, no models and no budget in between.

mod archives;
mod disputes;
mod draws;
mod generations;
mod gepa_auto_random;
mod goals;
mod grown;
mod lists;
mod pools;
mod trees;
mod weights;

pub(super) use grown::{grown, searching};

use super::search::{Search, Slots};
use super::{Composed, Plan, Searched, Strategy};
use crate::candidate::{Candidate, Origin};
use crate::event::{
    Abandoned, Answered, Block, Draft, Dropped, Event, Gate, ProposalOutcome, Rejection, Round,
    RowOutcome, StopReason,
};
use crate::id::{Call, CandidateIx, EventNumber, RowIx};
use crate::ledger::Remaining;
use crate::memory::State;
use crate::operator::{Keep, demos_of};
use crate::prompt::{Part, Prompt};
use crate::recipe::{self, Recipe};
use crate::seed::Seed;
use crate::task::example::Split;
use crate::task::goal::Goal;
use crate::units::Amount;
use crate::units::{Score, Usd};

/// A prompt whose text says which child it is.
fn prompt(text: &str) -> Prompt {
    Prompt::new(vec![Part { name: "system".into(), text: text.into() }])
}

/// A strategy with a scripted world.
struct Script<S> {
    recipe: Recipe,
    strategy: Composed,
    state: State,
    events: Vec<Event>,
    /// The score of a candidate's text on a row, and which answer to it this is.
    score: S,
    rollouts: u64,
    /// Texts of candidates by their number, for tests in which wording matters.
    texts: Vec<String>,
    /// Why no reply of the mutator is taken.
    refuses: Option<Rejection>,
    /// What an answer to a candidate costs, in nano-dollars.
    nanos: fn(CandidateIx, RowIx) -> u64,
    /// What the measures of the goal's bounds come to for an answer of a candidate to a row.
    measured: fn(CandidateIx, RowIx) -> Vec<Option<f64>>,
    /// What stands for what an answer says: that of a candidate to a row, and which answer to it this is.
    said: fn(CandidateIx, RowIx, u16) -> Option<u32>,
    /// How much a row counts.
    weight: fn(RowIx) -> f64,
}

impl<S> Script<S> {
    fn remaining(&self) -> Remaining {
        Remaining {
            rollouts: self.rollouts,
            total_rollouts: self.rollouts,
            spent: 0.0,
            hold_rows: 400,
        }
    }

    /// The search as its policies see it.
    fn search(&self) -> Search<'_> {
        self.strategy.search(&self.state, self.remaining())
    }
}

impl<S: Fn(&str, Split, RowIx) -> f64> Script<S> {
    fn new(name: &str, sets: &[&str], rows: (u32, u32), rollouts: u64, score: S) -> Self {
        let goal = Goal::max_quality();
        Self::for_goal(goal, name, sets, rows, rollouts, score)
    }

    fn for_goal(
        goal: Goal,
        name: &str,
        sets: &[&str],
        (train, dev): (u32, u32),
        rollouts: u64,
        score: S,
    ) -> Self {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        let recipe = recipe::load(name, &sets).unwrap();
        let searched = Searched { texts: 1, demos: true };
        let strategy = Composed::new(recipe.phases(), goal, train, searched, Seed(1));
        let (state, events, texts) = (State::new(dev), Vec::new(), Vec::new());
        let (refuses, nanos): (_, fn(CandidateIx, RowIx) -> u64) = (None, |_, _| 1_000);
        let mut script = Self {
            recipe,
            strategy,
            state,
            events,
            score,
            rollouts,
            texts,
            refuses,
            nanos,
            measured: |_, _| Vec::new(),
            said: |_, _, _| None,
            weight: |_| 1.0,
        };
        let baseline = Candidate::baseline(prompt("seed"));
        script.record(Event::Started { at: jiff::Timestamp::UNIX_EPOCH, baseline });
        script
    }

    fn record(&mut self, event: Event) {
        self.state.apply(EventNumber(self.events.len() as u64), &event);
        self.events.push(event);
    }

    fn plans(&self) -> Vec<Plan> {
        self.strategy.ask(&self.state, self.remaining())
    }

    /// Does the first thing that is offered, at once and to its end. `false`: there is a winner.
    fn step(&mut self) -> bool {
        let Some(plan) = self.plans().into_iter().next() else { panic!("nothing to do") };
        match plan {
            Plan::Decide(event) => self.record(event),
            Plan::Evaluate { candidate, split, replicate, rows } => {
                self.evaluate(candidate, split, replicate, rows);
            }
            Plan::Propose { proposal, shown } => {
                let draft = self.state.drafts[&proposal].clone();
                let call = self.state.next_call;
                let reserve = Amount::ZERO;
                self.record(Event::ProposalIssued { proposal, call, rows: shown.clone(), reserve });
                let gate = self.strategy.gate(&self.state, &draft, &shown);
                let child = self.child(&draft, Origin::Proposal(proposal), gate);
                let refused = self
                    .refuses
                    .map(|reason| ProposalOutcome::Rejected { reason, detail: String::new() });
                let outcome = refused.unwrap_or_else(|| match self.keep(&draft) {
                    Keep::Notes => ProposalOutcome::Noted { notes: self.notes(&draft) },
                    Keep::Prompt => ProposalOutcome::Kept { prompt: prompt("kept") },
                    Keep::Child => child,
                });
                self.record(Event::ProposalFolded { call, outcome });
            }
            Plan::Compose(draft) => {
                let gate = self.strategy.gate(&self.state, &draft, &[]);
                let child = self.child(&draft, Origin::Composed(draft.proposal), gate);
                let outcome = match self.refuses {
                    Some(reason) => ProposalOutcome::Rejected { reason, detail: String::new() },
                    None => child,
                };
                self.record(Event::CandidateComposed { proposal: draft.proposal, outcome });
            }
            Plan::Win { .. } => return false,
        }
        true
    }

    /// What becomes of the reply to a draft.
    fn keep(&self, draft: &Draft) -> Keep {
        let author = self.recipe.author(draft);
        author.map_or(Keep::Child, |author| author.steps()[usize::from(draft.step)].result)
    }

    /// As many notes as are asked for.
    fn notes(&self, draft: &Draft) -> Vec<String> {
        let count = self.recipe.author(draft).map_or(1, |author| author.notes(draft));
        (0..count).map(|number| format!("note {number}")).collect()
    }

    fn child(&self, draft: &Draft, origin: Origin, gate: Option<Gate>) -> ProposalOutcome {
        let number = self.state.candidates.len();
        let text = self.texts.get(number).cloned().unwrap_or_else(|| format!("child {number}"));
        let prompt = prompt(&text);
        let candidate = Candidate {
            id: prompt.id(),
            prompt,
            parents: draft.parents.clone(),
            demos: demos_of(self.recipe.author(draft), &self.state, draft).unwrap_or_default(),
            gene: None,
            repairs: Vec::new(),
            operator: "scripted".to_owned(),
            origin,
        };
        ProposalOutcome::Added { candidate, gate }
    }

    fn evaluate(&mut self, candidate: CandidateIx, split: Split, replicate: u16, rows: Vec<RowIx>) {
        let text = self.state.standing(candidate).candidate.prompt.part("system").unwrap();
        let scores: Vec<(RowIx, f64)> =
            rows.iter().map(|row| (*row, (self.score)(text, split, *row))).collect();
        let first = self.state.next_call;
        let (reserve, cached) = (Amount::ZERO, Vec::new());
        let block =
            Block { first, candidate, split, replicate, rows, reserve, cached, judging: None };
        self.record(Event::EvaluationIssued(block));
        for (offset, (row, score)) in scores.into_iter().enumerate() {
            let score = Score::new(score).unwrap();
            let measured = (self.measured)(candidate, row);
            let said = (self.said)(candidate, row, replicate);
            let weight = (self.weight)(row);
            let outcome = RowOutcome::Scored { score, invalid: false, measured, said, weight };
            let call = Call(first.0 + offset as u64);
            let usd = Usd::from_nanos((self.nanos)(candidate, row));
            self.record(Event::Answered(Answered { usd, ..answer(call) }));
            self.record(Event::EvaluationFolded { call, outcome });
        }
    }

    fn run(&mut self, most: usize) {
        for _ in 0..most {
            if !self.step() {
                return;
            }
        }
    }

    fn blocks(&self) -> Vec<(u32, Split, u16, usize)> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::EvaluationIssued(block) => {
                    Some((block.candidate.0, block.split, block.replicate, block.rows.len()))
                }
                _ => None,
            })
            .collect()
    }

    fn dropped(&self) -> Vec<(u32, Dropped)> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::CandidateDropped { candidate, why } => Some((candidate.0, why.clone())),
                _ => None,
            })
            .collect()
    }
}

/// All answers cost the same.
fn answer(call: Call) -> Answered {
    Answered { usd: Usd::from_nanos(1_000), ..Answered::sample(call) }
}

/// The number in `child 7`; the baseline is 0.
fn number(text: &str) -> u32 {
    text.strip_prefix("child ").map_or(0, |number| number.parse().unwrap())
}
