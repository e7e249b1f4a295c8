//! `summary.json`: what is known of a run, at any moment of it.

use super::dir::{RunDir, RunDirError, SCHEMA, SUMMARY_FILE};
use super::file::RunInfo;
use crate::budget::Wallet;
use crate::event::StopReason;
use crate::id::{CandidateId, CandidateIx, RowIx};
use crate::prompt::Prompt;
use crate::search::confirmed;
use crate::seed::Seed;
use crate::state::{Phase, Standing};
use crate::stats::{Interval, TestName, interval, pareto};
use crate::strategy::State;
use crate::task::Task;
use crate::task::example::Split;
use crate::task::model::ModelRole;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The status of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A process works on it.
    Running,
    /// It can be resumed.
    Interrupted,
    /// It is over.
    Finished,
    /// It ended without a result.
    Failed,
}

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The version of this format.
    pub schema: u32,
    /// The run.
    pub run: String,
    /// The task.
    pub task: String,
    /// The strategy.
    pub strategy: String,
    /// The seed.
    pub seed: u64,
    /// How it stands.
    pub status: Status,
    /// Why the search ended.
    pub stop_reason: Option<StopReason>,
    /// The seed prompt.
    pub baseline: Option<Prompted>,
    /// The search's winner, or the incumbent while it runs; the seed only if nothing beat it on dev.
    pub best: Option<Prompted>,
    /// Which of the two to deploy.
    pub recommended: Option<Recommendation>,
    /// Whether held-out rows show the gain.
    pub confirmed: Option<bool>,
    /// The gain on held-out rows; null where the winner is the seed.
    pub gain: Option<Gain>,
    /// Quality against the deployed prompt's cost: those that no other beats in both.
    pub front: Vec<FrontPoint>,
    /// What was spent.
    pub spent: Spent,
    /// What was done.
    pub counts: Counts,
}

/// Which prompt to deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recommendation {
    /// The winner.
    Best,
    /// The seed.
    Baseline,
}

/// A candidate with its figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prompted {
    /// Its id.
    pub candidate: CandidateId,
    /// Its parts.
    pub prompt: BTreeMap<String, String>,
    /// Tokens of the prompt as it is sent, without the example.
    pub prompt_tokens: u64,
    /// Dollars for 1,000 calls, measured.
    pub usd_per_1k: Option<f64>,
    /// Its mean on dev, first answers.
    pub dev: Option<Interval>,
    /// Its mean on held-out rows that both sides have.
    pub hold: Option<Interval>,
}

/// The gain of the winner over the seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// The mean difference.
    pub mean: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// One-sided.
    pub p_value: f64,
    /// Of which test.
    pub test: TestName,
    /// On which rows.
    pub split: Split,
    /// What dev said, shrunken; not proven.
    pub shrunken_dev: Option<f64>,
}

/// A point of the front.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrontPoint {
    /// Which candidate.
    pub candidate: CandidateId,
    /// Its mean on dev.
    pub quality: f64,
    /// The mean's 95 % interval.
    pub low: f64,
    /// The mean's 95 % interval.
    pub high: f64,
    /// Dollars for 1,000 calls.
    pub usd_per_1k: f64,
    /// Tokens of the prompt without the example.
    pub prompt_tokens: u64,
}

/// What a role has done and cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoleSpent {
    /// Logical calls.
    pub calls: u64,
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Answer tokens.
    pub completion_tokens: u64,
    /// Dollars, lost ones included.
    pub usd: f64,
}

/// What was spent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Dollars over all roles, lost ones included.
    pub usd: f64,
    /// Dollars of reservations that kills lost.
    pub lost: f64,
    /// Seconds in which the run was running.
    pub seconds: f64,
    /// Calls that an earlier answer served.
    pub cached_calls: u64,
    /// By role.
    pub by_role: BTreeMap<String, RoleSpent>,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Proposals, merges included.
    pub proposals: u64,
    /// Prompts that were tried, the seed included.
    pub candidates: u64,
    /// Refused proposals by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Scored answers: candidate, row and replicate; held-out rows included.
    pub evaluations: u64,
    /// Invalid answers among them.
    pub invalid: u64,
    /// Rows without a score, since the model could not be asked.
    pub errors: u64,
}

impl Summary {
    /// What is known now.
    #[must_use]
    pub fn of(
        info: &RunInfo,
        task: &Task,
        state: &State,
        wallet: &Wallet,
        running: Duration,
        status: Status,
    ) -> Self {
        let confirmed = confirmed(state, info.seed);
        let best = state.winner.map_or(state.incumbent, |(winner, ..)| winner);
        let hold = |side: fn(&crate::search::Confirmed) -> Option<Interval>| {
            confirmed.as_ref().and_then(side)
        };
        let describe = |candidate: CandidateIx, hold: Option<Interval>| {
            state
                .candidates
                .get(candidate.index())
                .map(|standing| prompted(task, state, standing, hold, info.seed))
        };
        let gain =
            confirmed.as_ref().and_then(|confirmed| confirmed.gain).map(|(gain, test)| Gain {
                mean: gain.mean,
                low: gain.low,
                high: gain.high,
                p_value: test.p_value,
                test: test.name,
                split: Split::Hold,
                shrunken_dev: state.winner.and_then(|(_, shrunken, _)| shrunken),
            });
        let is_over = state.phase == Phase::Over;
        let is_shown = confirmed.as_ref().is_some_and(|confirmed| confirmed.is_shown);
        let recommended = if is_shown { Recommendation::Best } else { Recommendation::Baseline };
        Self {
            schema: SCHEMA,
            run: info.run.clone(),
            task: task.name.clone(),
            strategy: info.strategy.clone(),
            seed: info.seed.0,
            status,
            stop_reason: state.stop_reason,
            baseline: describe(CandidateIx::SEED, hold(|confirmed| confirmed.seed)),
            best: describe(best, hold(|confirmed| confirmed.winner)),
            recommended: is_over.then_some(recommended),
            confirmed: is_over.then_some(is_shown),
            gain,
            front: front(task, state, info.seed),
            spent: spent(state, wallet, running),
            counts: counts(state),
        }
    }

    /// Writes `summary.json`, and the recommended prompt's parts as text.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, dir: &RunDir) -> Result<(), RunDirError> {
        dir.write_json(SUMMARY_FILE, self)?;
        if let Some(prompt) = self.recommended_prompt() {
            for (name, text) in &prompt.prompt {
                dir.write(&format!("best/{name}.md"), text.as_bytes())?;
            }
        }
        Ok(())
    }

    /// The prompt to deploy: the recommended one, or the baseline while nothing is.
    #[must_use]
    pub fn recommended_prompt(&self) -> Option<&Prompted> {
        match self.recommended {
            Some(Recommendation::Best) => self.best.as_ref(),
            _ => self.baseline.as_ref(),
        }
    }
}

/// A candidate's scores on dev, first answers.
fn dev_scores(state: &State, standing: &Standing) -> Vec<f64> {
    let column = standing.dev();
    (0..state.dev_rows).filter_map(|row| column.cell(RowIx(row)).score()).collect()
}

/// A candidate's mean on dev as reports show it: for the seed and the winner, the summary's own.
pub fn dev_interval(state: &State, standing: &Standing, seed: Seed) -> Option<Interval> {
    interval::of_scores(&dev_scores(state, standing), seed.child("dev", 0))
}

fn prompted(
    task: &Task,
    state: &State,
    standing: &Standing,
    hold: Option<Interval>,
    seed: Seed,
) -> Prompted {
    let candidate = &standing.candidate;
    Prompted {
        candidate: candidate.id.clone(),
        prompt: parts(&candidate.prompt),
        prompt_tokens: prompt_tokens(task, state, &candidate.prompt),
        usd_per_1k: standing.used.usd_per_1k(),
        dev: dev_interval(state, standing, seed),
        hold,
    }
}

fn parts(prompt: &Prompt) -> BTreeMap<String, String> {
    prompt.parts().iter().map(|part| (part.name.clone(), part.text.to_string())).collect()
}

/// Tokens of a prompt without the example: its bytes at the measured rate.
pub fn prompt_tokens(task: &Task, state: &State, prompt: &Prompt) -> u64 {
    let answered = state.plan.answered(ModelRole::Task);
    let bytes = task.layout.bytes_without_row(prompt) as f64;
    let rate = match (answered.usage.input.0, state.plan.answered_bytes(ModelRole::Task)) {
        (tokens, sent) if tokens > 0 && sent > 0 => tokens as f64 / sent as f64,
        _ => 0.25,
    };
    (bytes * rate).round() as u64
}

fn front(task: &Task, state: &State, seed: Seed) -> Vec<FrontPoint> {
    let points: Vec<(CandidateIx, f64, f64)> = state
        .views
        .fronts
        .finished()
        .iter()
        .filter_map(|candidate| {
            let standing = state.standing(*candidate);
            if standing.misses_too_much() {
                return None;
            }
            Some((*candidate, standing.dev().mean()?, standing.used.usd_per_1k()?))
        })
        .collect();
    let plain: Vec<(f64, f64)> = points.iter().map(|(_, quality, usd)| (*quality, *usd)).collect();
    pareto(&plain)
        .into_iter()
        .filter_map(|index| {
            let (candidate, quality, usd_per_1k) = points[index];
            let standing = state.standing(candidate);
            let scores = dev_scores(state, standing);
            let interval = interval::of_scores(&scores, seed.child("front", index as u64))?;
            Some(FrontPoint {
                candidate: standing.candidate.id.clone(),
                quality,
                low: interval.low,
                high: interval.high,
                usd_per_1k,
                prompt_tokens: prompt_tokens(task, state, &standing.candidate.prompt),
            })
        })
        .collect()
}

fn spent(state: &State, wallet: &Wallet, running: Duration) -> Spent {
    let by_role = ModelRole::ALL
        .into_iter()
        .map(|role| {
            let spending = wallet.by_role(role);
            let spent = RoleSpent {
                calls: spending.calls,
                prompt_tokens: spending.prompt_tokens.0,
                completion_tokens: spending.completion_tokens.0,
                usd: spending.charged.usd.dollars(),
            };
            (role.to_string(), spent)
        })
        .collect();
    Spent {
        usd: wallet.spent().usd.dollars(),
        lost: wallet.lost().usd.dollars(),
        seconds: (running.as_secs_f64() * 10.0).round() / 10.0,
        cached_calls: state.counts.cached,
        by_role,
    }
}

fn counts(state: &State) -> Counts {
    let rejected =
        state.counts.rejected.iter().map(|(reason, count)| (reason.to_string(), *count)).collect();
    Counts {
        proposals: state.counts.proposals,
        candidates: state.candidates.len() as u64,
        rejected,
        evaluations: state.counts.evaluations,
        invalid: state.counts.invalid,
        errors: state.counts.errors,
    }
}
