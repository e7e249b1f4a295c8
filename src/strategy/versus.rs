//! Evaluates the baseline and other prompts on the same rows until it is decided which is better: what `ab` runs.
//!
//! Rows come in the order of dev, which is a drawn one there. A prompt that is decided is asked no more rows.

use super::plan::{Plan, Strategy};
use super::search::BLOCK;
use crate::candidate::{Candidate, Origin};
use crate::event::{Draft, Event, ProposalOutcome, StopReason};
use crate::id::{CandidateIx, RowIx};
use crate::ledger::Remaining;
use crate::memory::State;
use crate::prompt::Prompt;
use crate::state::{Cell, Facts, Phase};
use crate::stats::{Decision, Level, SequentialTest};
use crate::task::example::Split;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU16;
use std::sync::{Mutex, PoisonError};

/// Rows that show whether answers flip: the first two blocks.
const PILOT: u32 = 2 * BLOCK as u32;
/// Rows that may be asked beyond those that are folded; later a quarter of those, if that is more. They are asked for
/// nothing where it is decided before them.
const AHEAD: u32 = 2 * BLOCK as u32;

/// What is compared, and when it is decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The name of the baseline.
    pub baseline: String,
    /// The prompts that are compared with it.
    pub others: Vec<Contender>,
    /// Differences up to this, in (0, 1), count as none.
    pub margin: Option<f64>,
    /// How often each of the first rows is asked, and all others if any answer flips there.
    pub repeats: NonZeroU16,
}

/// A prompt that is compared with the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contender {
    /// Its name.
    pub name: String,
    /// Its texts.
    pub prompt: Prompt,
}

impl Comparison {
    /// The names of all prompts, the baseline's first.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.baseline).chain(self.others.iter().map(|other| &other.name))
    }

    /// The scores of a candidate's answers to a row of dev, one for each time that it was asked.
    pub fn scores<'a>(
        &self,
        facts: &'a Facts,
        candidate: CandidateIx,
        row: RowIx,
    ) -> impl Iterator<Item = f64> + use<'a> {
        let standing = facts.standing(candidate);
        let asked = move |replicate| standing.column(Split::Dev, replicate).cell(row).score();
        (0..self.repeats.get()).filter_map(asked)
    }
}

/// How far a prompt is compared with the baseline.
struct Progress {
    /// Rows of dev that both have been asked, and that are folded, from the first on without a gap.
    rows: u32,
    /// Those of them that have no answer of one of both.
    missing: Vec<u32>,
    test: SequentialTest,
}

/// The comparison, with what follows from the rows so far. That is kept only so that it need not be found out anew.
pub struct Versus {
    comparison: Comparison,
    /// No row weighs more.
    heaviest: f64,
    progress: Mutex<Vec<Progress>>,
}

impl Versus {
    /// A comparison on rows of which none weighs more than `heaviest`.
    #[must_use]
    pub fn new(comparison: Comparison, heaviest: f64) -> Self {
        Self { comparison, heaviest, progress: Mutex::default() }
    }

    /// The level is that of the look at the rows, which all prompts share.
    fn beginning(&self, look: u32) -> Progress {
        let level = Level::of_look(look).shared_by(self.comparison.others.len()).one_sided;
        let test = SequentialTest::new(level, self.comparison.margin, self.heaviest);
        Progress { rows: 0, missing: Vec::new(), test }
    }

    /// The step by which the next prompt becomes a candidate; `None` where all are.
    fn birth(&self, state: &State) -> Option<Plan> {
        let Contender { prompt, .. } = self.comparison.others.get(state.candidates.len() - 1)?;
        let Some(proposal) = state.drafts.keys().next().copied() else {
            let draft = Draft::new(state.next_proposal, vec![CandidateIx::BASELINE]);
            return Some(Plan::Decide(Event::ProposalDrafted(draft)));
        };
        let candidate = Candidate {
            operator: "given".to_owned(),
            origin: Origin::Composed(proposal),
            parents: vec![CandidateIx::BASELINE],
            ..Candidate::baseline(prompt.clone())
        };
        let outcome = ProposalOutcome::Added { candidate, gate: None };
        Some(Plan::Decide(Event::CandidateComposed { proposal, outcome }))
    }

    /// The prompts that are not decided, and how many rows are folded of each of them at least.
    fn open(&self, state: &State) -> (Vec<CandidateIx>, u32) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.resize_with(self.comparison.others.len(), || self.beginning(state.look()));
        let goes_on = self.goes_on(state);
        let (mut open, mut folded) = (Vec::new(), state.dev_rows);
        for (candidate, progress) in (1..).map(CandidateIx).zip(progress.iter_mut()) {
            let pair = [CandidateIx::BASELINE, candidate];
            let cells = |row: u32| {
                let of = move |one: CandidateIx| self.cells(state, one, row, goes_on);
                pair.into_iter().flat_map(of)
            };
            let is_settled =
                |row: u32| cells(row).all(|it| matches!(it, Cell::Scored { .. } | Cell::Missing));
            let is_missing = |row: u32| cells(row).any(|it| matches!(it, Cell::Missing));
            if !progress.missing.iter().all(|row| is_missing(*row)) {
                // Rows that went missing are asked again.
                *progress = self.beginning(state.look());
            }
            while progress.rows < state.dev_rows && is_settled(progress.rows) {
                let row = RowIx(progress.rows);
                let mean = |candidate| {
                    let scores: Vec<f64> = self.comparison.scores(state, candidate, row).collect();
                    (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
                };
                if is_missing(row.0) {
                    progress.missing.push(row.0);
                }
                if let [Some(a), Some(b)] = pair.map(mean) {
                    progress.test.add(b - a, state.weights.of(Split::Dev, row));
                }
                progress.rows += 1;
            }
            if progress.test.decision() == Decision::Open {
                open.push(candidate);
                folded = folded.min(progress.rows);
            }
        }
        (open, folded)
    }

    /// The cells of all times that a row is asked.
    fn cells<'a>(
        &self,
        state: &'a State,
        candidate: CandidateIx,
        row: u32,
        goes_on: bool,
    ) -> impl Iterator<Item = Cell> + use<'a> {
        let times = if row < PILOT || goes_on { self.comparison.repeats.get() } else { 1 };
        let standing = state.standing(candidate);
        (0..times).map(move |replicate| standing.column(Split::Dev, replicate).cell(RowIx(row)))
    }

    /// Whether rows after the first ones are asked several times, too: a score of those differed between two times.
    fn goes_on(&self, state: &State) -> bool {
        let flips = |candidate: CandidateIx, row: u32| {
            let mut scores = self.comparison.scores(state, candidate, RowIx(row));
            let first = scores.next();
            scores.any(|score| Some(score) != first)
        };
        let all = (0..).map(CandidateIx).take(state.candidates.len());
        self.comparison.repeats.get() > 1
            && all.into_iter().any(|one| (0..PILOT).any(|row| flips(one, row)))
    }

    fn next(&self, state: &State, remaining: Remaining) -> Vec<Plan> {
        if let Some(birth) = self.birth(state) {
            return vec![birth];
        }
        let (open, folded) = self.open(state);
        if open.is_empty() {
            return end(state, StopReason::Decided);
        }
        let goes_on = self.goes_on(state);
        let issued = |candidate: CandidateIx, replicate| {
            state.standing(candidate).column(Split::Dev, replicate).issued
        };
        let rows = |candidate: CandidateIx, replicate: u16, to: u32, most: u32| {
            let from = issued(candidate, replicate);
            let rows: Vec<RowIx> = (from..to.min(from + most)).map(RowIx).collect();
            let split = Split::Dev;
            (!rows.is_empty()).then_some(Plan::Evaluate { candidate, split, replicate, rows })
        };
        // The others follow where the baseline leads.
        let lead = issued(CandidateIx::BASELINE, 0);
        let block = BLOCK as u32;
        // A row says nothing until all prompts have answered it: what is left is divided among them.
        let times = if lead < PILOT || goes_on { self.comparison.repeats.get() } else { 1 };
        let answers_per_row = (1 + open.len() as u64) * u64::from(times);
        // What is set aside for an answer that a judge grades is less than twice what it costs as a rule.
        let affordable = remaining.rollouts / (2 * answers_per_row);
        let affordable = affordable.clamp(1, u64::from(block)) as u32;
        for candidate in [CandidateIx::BASELINE].into_iter().chain(open) {
            for replicate in 0..self.comparison.repeats.get() {
                let to = if replicate == 0 || goes_on { lead } else { lead.min(PILOT) };
                if let Some(plan) = rows(candidate, replicate, to, block) {
                    return vec![plan];
                }
            }
        }
        let is_pilot_over = || state.is_quiet() || self.comparison.repeats.get() <= 1;
        match rows(CandidateIx::BASELINE, 0, state.dev_rows, affordable) {
            Some(_) if lead >= folded + AHEAD.max(folded / 4) => Vec::new(),
            // Whether rows are asked several times is known when the first ones are folded.
            Some(_) if lead == PILOT && !is_pilot_over() => Vec::new(),
            Some(plan) => vec![plan],
            None => end(state, StopReason::PoolDone),
        }
    }
}

/// The end, once nothing is out.
fn end(state: &State, reason: StopReason) -> Vec<Plan> {
    match state.is_quiet() {
        true => vec![Plan::Decide(Event::SearchEnded { reason })],
        false => Vec::new(),
    }
}

impl Strategy for Versus {
    fn is_evaluation(&self) -> bool {
        true
    }

    fn ask(&self, state: &State, remaining: Remaining) -> Vec<Plan> {
        match state.phase {
            Phase::Searching => self.next(state, remaining),
            Phase::Choosing if state.is_quiet() => {
                vec![Plan::Win { candidate: CandidateIx::BASELINE, shrunken_dev: None }]
            }
            _ => Vec::new(),
        }
    }
}
