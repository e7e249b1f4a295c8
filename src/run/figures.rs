//! Prompts with their figures: the baseline, the winner, and others that were compared with the baseline on held-out rows.
//!
//! What a run says of all of it together is in `summary`.

use crate::engine::{Claimed, Confirmed, FamilyMember, HeldOutCost, confirmed_family};
use crate::event::Confirmation;
use crate::id::{CandidateId, RowIx};
use crate::memory::State;
use crate::prompt::Prompt;
use crate::seed::Seed;
use crate::state::{CandidateState, Look};
use crate::stats::weighted::{self, Weighted};
use crate::stats::{Interval, Level, TestName};
use crate::task::Task;
use crate::task::example::{MustPassResult, Split};
use crate::task::model::ModelRole;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A candidate with its figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prompted {
    /// Its id.
    pub candidate: CandidateId,
    /// Its parts.
    pub prompt: BTreeMap<String, String>,
    /// Tokens of the rendered prompt without the example.
    pub prompt_tokens: u64,
    /// Measured dollars per 1,000 calls.
    pub usd_per_1k: Option<f64>,
    /// Its mean on dev, over the first answer to each row.
    pub dev: Option<Interval>,
    /// Its mean on the held-out rows that winner and baseline both have a score for.
    pub hold: Option<Interval>,
}

/// The gain of the winner over the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// The mean difference.
    pub mean: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The one-sided p-value of what the goal says of the quality.
    pub p_value: f64,
    /// The test that it comes from.
    pub test: TestName,
    /// The split that it was measured on.
    pub split: Split,
    /// The expected gain on dev, corrected for selection (shrunken). It is an estimate.
    pub shrunken_dev: Option<f64>,
}

impl Gain {
    pub(super) fn of(confirmed: &Confirmed, shrunken_dev: Option<f64>) -> Option<Self> {
        confirmed.gain.map(|(gain, test)| Self {
            mean: gain.mean,
            low: gain.low,
            high: gain.high,
            p_value: test.p_value,
            test: test.name,
            split: Split::Hold,
            shrunken_dev,
        })
    }
}

/// Candidates that were compared with the baseline on held-out rows at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FamilyResult {
    /// Which look at the held-out rows it is, and its level, which the candidates share.
    pub look: Level,
    /// How many of the held-out rows.
    pub rows: u32,
    /// The baseline's mean on them.
    pub baseline: Option<Interval>,
    /// The candidates, and the run's others with held-out answers.
    pub candidates: Vec<ConfirmedCandidate>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfirmedCandidate {
    /// Its number.
    pub candidate_number: u32,
    /// Its id and prompt, with its figures.
    #[serde(flatten)]
    pub prompted: Prompted,
    /// Whether it was asked this time.
    pub asked: bool,
    /// Whether the rows confirm what the goal says of it, at the level that Holm's rule left to it.
    pub confirmed: bool,
    /// That level.
    pub level: Level,
    /// The p-value of what the goal says of its quality, by Holm's rule: it compares with the level of the look.
    pub p_adjusted: Option<f64>,
    /// The baseline's mean on the same rows.
    pub baseline: Option<Interval>,
    /// Its gain over the baseline.
    pub gain: Option<Gain>,
    /// What both cost on held-out rows.
    pub held_out_cost: Option<HeldOutCost>,
    /// What the goal says of it, and whether the rows show it.
    pub claims: Vec<Claimed>,
    /// What the held-out rows that must pass say of it; absent where no held-out row must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub must_pass: Option<MustPassResult>,
}

pub(super) fn prompted(
    task: &Task,
    state: &State,
    standing: &CandidateState,
    hold: Option<Interval>,
    seed: Seed,
) -> Prompted {
    let candidate = &standing.candidate;
    Prompted {
        candidate: candidate.id.clone(),
        prompt: parts(&candidate.prompt),
        prompt_tokens: prompt_tokens(task, state, &candidate.prompt),
        usd_per_1k: standing.usd_per_1k(),
        dev: dev_interval(state, standing, seed),
        hold,
    }
}

/// A candidate's scores on dev, from the first answer to each row.
pub(super) fn dev_scores(state: &State, standing: &CandidateState) -> Vec<Weighted> {
    let column = standing.dev();
    let scored = |row| {
        let (value, weight) = (column.cell(row).score()?, state.weights.of(Split::Dev, row));
        Some(Weighted { value, weight })
    };
    (0..state.dev_rows).map(RowIx).filter_map(scored).collect()
}

/// A candidate's mean on dev for reports; for baseline and winner it equals the summary's.
pub fn dev_interval(state: &State, standing: &CandidateState, seed: Seed) -> Option<Interval> {
    score_interval(&dev_scores(state, standing), seed)
}

/// The mean of a candidate's scores, in the order of its rows, with the interval that all reports of a run of this seed
/// show.
pub fn score_interval(scores: &[Weighted], seed: Seed) -> Option<Interval> {
    weighted::of_scores(scores, seed.child("dev", 0))
}

/// Tokens of a prompt without the example: its bytes at the measured rate.
pub fn prompt_tokens(task: &Task, state: &State, prompt: &Prompt) -> u64 {
    let answered = state.plan.answered(ModelRole::Task);
    let bytes = task.layout.bytes_without_row(prompt) as f64;
    let rate = match (answered.usage.prompt().0, state.plan.answered_bytes(ModelRole::Task)) {
        (tokens, sent) if tokens > 0 && sent > 0 => tokens as f64 / sent as f64,
        _ => 0.25,
    };
    (bytes * rate).round() as u64
}

fn parts(prompt: &Prompt) -> BTreeMap<String, String> {
    prompt.parts().iter().map(|part| (part.name.clone(), part.text.to_string())).collect()
}

pub(super) fn confirmations(task: &Task, state: &State, seed: Seed) -> Vec<FamilyResult> {
    let of = |(confirmation, taken): (&Confirmation, Option<&Look>)| {
        let members = confirmed_family(state, &task.goal, seed, confirmation, taken);
        // On the rows that most of them were compared on.
        let baseline = members.iter().filter_map(|member| member.confirmed.baseline);
        let baseline = baseline.max_by_key(|interval| interval.n);
        let candidates = members.into_iter().map(|member| {
            let FamilyMember { candidate, confirmed, level, p_adjusted } = member;
            let standing = state.standing(candidate);
            ConfirmedCandidate {
                candidate_number: candidate.0,
                prompted: prompted(task, state, standing, confirmed.winner, seed),
                asked: confirmation.asked.contains(&candidate),
                confirmed: confirmed.is_shown,
                level,
                p_adjusted,
                baseline: confirmed.baseline,
                gain: Gain::of(&confirmed, None),
                held_out_cost: confirmed.cost,
                claims: confirmed.claims,
                must_pass: confirmed.must_pass,
            }
        });
        let look = Level::of_look(taken.map_or(1, |taken| taken.number));
        let rows = confirmation.rows;
        FamilyResult { look, rows, baseline, candidates: candidates.collect() }
    };
    // What is not over shows nothing: a person could stop it at the moment when it looks good.
    let is_open = |look: Option<&Look>| look.is_some_and(|look| look.closed.is_none());
    let over = state.compared().filter(|(_, look)| !is_open(*look));
    over.map(of).collect()
}
