//! `summary.json`: the current facts about a run.

use super::dir::{RunDir, RunDirError, SCHEMA, SUMMARY_FILE};
use super::figures::{
    ConfirmedCandidate, FamilyResult, Gain, Prompted, confirmations, dev_scores, prompt_tokens,
    prompted,
};
use super::file::RunInfo;
use super::guard::Flag;
use super::judged::Judged;
use crate::caps::Caps;
use crate::engine::{Claimed, Confirmed, HeldOutCost, Waiting, confirmed};
use crate::event::{EarlierEnd, NoAnswer, StopReason};
use crate::id::{CandidateId, CandidateIx, RunName};
use crate::ledger::Wallet;
use crate::memory::{Earned, State};
use crate::score_form::ScoreForm;
use crate::seed::Seed;
use crate::state::Reused;
use crate::stats::weighted;
use crate::stats::{Interval, Level, pareto};
use crate::task::example::MustPassResult;
use crate::task::model::ModelRole;
use crate::task::{ProviderChange, Task};
use crate::text;
use crate::units::Tokens;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The status of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A process is working on it.
    Running,
    /// A process is working on it, and sends nothing until it is told to go on.
    Paused,
    /// It can be resumed.
    Interrupted,
    /// It is finished.
    Finished,
    /// It ended without a result.
    Failed,
}

impl Status {
    /// Whether a process works on the run.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }

    /// In a word.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Interrupted => "interrupted",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }
}

/// The content of the file.
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
    /// The random seed.
    pub seed: u64,
    /// Its status.
    pub status: Status,
    /// Why the search ended, or what stopped the run.
    pub stop_reason: Option<StopReason>,
    /// The trouble that stopped the run, in the provider's words.
    #[serde(default)]
    pub trouble: Option<String>,
    /// What the run waits for.
    #[serde(default)]
    pub waiting: Option<Waiting>,
    /// Batches that may be at their provider. They go on without the run, and a resume takes them in.
    #[serde(default)]
    pub open_batches: Vec<OpenBatch>,
    /// What has changed, while the run was interrupted, of where and how models are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provider_changes: Vec<ProviderChange>,
    /// What it may spend, where that was changed after its start.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "super::dollars")]
    pub caps: Option<Caps>,
    /// How the run ended before, each time that it went on with other caps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierResult>,
    /// Which look at the held-out rows the confirmation is, and the level at which a claim is tested; left out
    /// for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Level>,
    /// The judge that graded answers, and whether it was certified against people; left out where none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<Judged>,
    /// Candidates that were compared with the baseline on held-out rows after the run was over, each time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confirmations: Vec<FamilyResult>,
    /// How its scores are written for people; left out where that is in percent.
    #[serde(default, skip_serializing_if = "ScoreForm::is_percent")]
    pub score_form: ScoreForm,
    /// The baseline.
    pub baseline: Option<Prompted>,
    /// The search's winner, or the incumbent during the search; the baseline only if no candidate
    /// beat it on dev.
    pub best: Option<Prompted>,
    /// Which of the two prompts to deploy.
    pub recommended: Option<Recommendation>,
    /// Whether held-out rows confirm what the goal says of the winner.
    pub confirmed: Option<bool>,
    /// The gain on held-out rows; null if the winner is the baseline.
    pub gain: Option<Gain>,
    /// What both cost on held-out rows; null if the winner is the baseline, or no bill is known.
    #[serde(default)]
    pub held_out_cost: Option<HeldOutCost>,
    /// What the goal says of the winner, and whether held-out rows show it; empty if none was evaluated.
    #[serde(default)]
    pub claims: Vec<Claimed>,
    /// What the held-out rows that must pass say of the winner; absent where no held-out row must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub must_pass: Option<MustPassResult>,
    /// What guards found in the winner of a finished search; left out where that is nothing, and in the summary that
    /// [`Ended::summary`](super::Ended::summary) gives, which reads no answers again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// The Pareto front of quality and cost.
    pub front: Vec<FrontPoint>,
    /// What was spent.
    pub spent: Spent,
    /// Answers of earlier runs that served rows, by run; empty if none are reused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reused: Vec<ReusedFrom>,
    /// What each of the task's mutators has earned, in the task's order.
    #[serde(default)]
    pub mutators: Vec<MutatorEarned>,
    /// Counts of proposals, candidates and evaluations.
    pub counts: Counts,
    /// Calls without a good answer, by cause, also those that were asked again.
    #[serde(default)]
    pub failed_calls: BTreeMap<NoAnswer, FailedCalls>,
}

/// How a run ended, before it went on with other caps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlierResult {
    /// Its winner's id.
    pub candidate: CandidateId,
    /// Its winner's number; 0 is the baseline.
    pub candidate_number: u32,
    /// The rest, as it stands in the journal.
    #[serde(flatten, with = "super::dollars")]
    pub end: EarlierEnd,
}

/// A batch that may be at its provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenBatch {
    /// Its id at the provider, where that is known.
    pub id: Option<String>,
    /// How many of its requests have not come back.
    pub requests: usize,
    /// When it was planned.
    pub since: Timestamp,
}

impl OpenBatch {
    /// What people should know of the batches of a run that has stopped; `None`: there are none.
    #[must_use]
    pub fn in_words(open: &[Self]) -> Option<String> {
        let requests = open.iter().map(|batch| batch.requests).sum();
        let (batches, requests) =
            (text::plural(open.len(), "batch"), text::plural(requests, "request"));
        (!open.is_empty()).then(|| {
            format!("{batches} with {requests} may go on at the provider; a resume takes in what comes back")
        })
    }
}

/// Calls that failed for one cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCalls {
    /// How many, by role.
    pub calls: BTreeMap<String, u64>,
    /// One of them, in the provider's words.
    pub example: String,
}

/// Which prompt to deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recommendation {
    /// The winner.
    Best,
    /// The baseline.
    Baseline,
}

/// A point of the Pareto front.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrontPoint {
    /// The candidate.
    pub candidate: CandidateId,
    /// Its mean on dev.
    pub quality: f64,
    /// The lower end of the mean's 95 % interval.
    pub low: f64,
    /// The upper end of the mean's 95 % interval.
    pub high: f64,
    /// Dollars per 1,000 calls.
    pub usd_per_1k: f64,
    /// Tokens of the prompt without the example.
    pub prompt_tokens: u64,
}

/// What one role spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoleSpent {
    /// Logical calls.
    pub calls: u64,
    /// Prompt tokens.
    pub prompt_tokens: Tokens,
    /// Answer tokens.
    pub completion_tokens: Tokens,
    /// Those of the prompt tokens that the provider had cached.
    #[serde(default)]
    pub cached_tokens: Tokens,
    /// Those of the prompt tokens that were written to the provider's cache.
    #[serde(default)]
    pub cache_write_tokens: Tokens,
    /// Those of the answer tokens that are reasoning.
    #[serde(default)]
    pub reasoning_tokens: Tokens,
    /// What the provider's cache saved, in dollars; below zero where it cost more.
    #[serde(default)]
    pub cache_saved_usd: f64,
    /// Those of the calls that came in batches.
    #[serde(default)]
    pub batch_calls: u64,
    /// What these would have cost more live, in dollars.
    #[serde(default)]
    pub batch_saved_usd: f64,
    /// Requests that were late and were sent once more.
    #[serde(default)]
    pub hedged_calls: u64,
    /// Those of them where a request of the two failed, or both did.
    #[serde(default)]
    pub failed_hedges: u64,
    /// What these second requests cost, in dollars.
    #[serde(default)]
    pub hedge_usd: f64,
    /// And their tokens.
    #[serde(default)]
    pub hedge_tokens: Tokens,
    /// Batches that their provider had twice.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub surplus_batches: u64,
    /// What those that did not count are charged with, in dollars.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub surplus_usd: f64,
    /// Attempts without an answer that may have been billed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed_attempts: u64,
    /// What they are charged with, in dollars: what was billed, or may have been at most.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub failed_usd: f64,
    /// And in tokens, which are not in `prompt_tokens` and `completion_tokens`.
    #[serde(default, skip_serializing_if = "are_none")]
    pub failed_tokens: Tokens,
    /// Dollars, including lost ones.
    pub usd: f64,
}

/// Answers of an earlier run that served rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReusedFrom {
    /// The run.
    pub run: RunName,
    /// How many.
    pub answers: u64,
    /// What they would have cost at today's price, in dollars; nothing was spent.
    pub usd: f64,
}

/// What one of the task's mutators has earned. What no model wrote counts for none of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MutatorEarned {
    /// Its role: `mutator`, `mutator-2`, ….
    pub role: String,
    /// Its model, as `provider/model`.
    pub model: String,
    /// Its requests whose replies entered the decisions.
    pub proposals: u64,
    /// Those that became a candidate.
    pub accepted: u64,
    /// What its candidates gained over their parents, in points of the score (1 = all), summed; a loss
    /// counts as 0.
    pub gain: f64,
    /// Dollars for the answers to these requests.
    pub cost_usd: f64,
}

/// What was spent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Dollars across all roles, including lost ones.
    pub usd: f64,
    /// Dollars reserved for calls that were lost when the process was killed.
    pub lost: f64,
    /// Running time in seconds.
    pub seconds: f64,
    /// Calls that were answered from the cache.
    pub cached_calls: u64,
    /// By role.
    pub by_role: BTreeMap<String, RoleSpent>,
}

impl Spent {
    /// Calls of all roles. A file may say anything.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.by_role.values().fold(0, |all, role| all.saturating_add(role.calls))
    }

    /// The running time; zero where the file says no time.
    #[must_use]
    pub fn time(&self) -> Duration {
        Duration::try_from_secs_f64(self.seconds).unwrap_or_default()
    }
}

/// Counts of proposals, candidates and evaluations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Proposals, including merges.
    pub proposals: u64,
    /// Candidates, including the baseline.
    pub candidates: u64,
    /// Rejected proposals by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Proposals that gave notes or a prompt for the next step, and no candidate.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub noted: u64,
    /// Proposals that the mutator did not answer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unanswered: u64,
    /// Scored answers (candidate, row, replicate), including held-out rows.
    pub evaluations: u64,
    /// Invalid answers among them.
    pub invalid: u64,
    /// Rows without a score, because the model did not answer.
    pub errors: u64,
    /// Answers whose tokens are estimated, because the provider reported none, or impossible numbers.
    #[serde(default)]
    pub estimated: u64,
    /// Texts for which the embedding model gave no vector.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub without_vector: u64,
    /// Those of them for which it gave one of another number of dimensions than for most.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub in_other_spaces: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn are_none(tokens: &Tokens) -> bool {
    *tokens == Tokens::ZERO
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_nothing(dollars: &f64) -> bool {
    *dollars == 0.0
}

impl Summary {
    /// The summary at this moment.
    #[must_use]
    pub fn of(
        info: &RunInfo,
        task: &Task,
        state: &State,
        wallet: &Wallet,
        running: Duration,
        status: Status,
    ) -> Self {
        let confirmed = confirmed(state, &task.goal, info.seed);
        let best = state.winner.map_or(state.incumbent, |(winner, ..)| winner);
        let hold = |side: fn(&Confirmed) -> Option<Interval>| confirmed.as_ref().and_then(side);
        let describe = |candidate: CandidateIx, hold: Option<Interval>| {
            state
                .candidates
                .get(candidate.index())
                .map(|standing| prompted(task, state, standing, hold, info.seed))
        };
        let shrunken_dev = state.winner.and_then(|(_, shrunken, _)| shrunken);
        let gain = confirmed.as_ref().and_then(|confirmed| Gain::of(confirmed, shrunken_dev));
        let (counts, baseline) =
            (counts(state), describe(CandidateIx::BASELINE, hold(|confirmed| confirmed.baseline)));
        let best_prompt = describe(best, hold(|confirmed| confirmed.winner));
        let seen = |prompt: &Option<Prompted>| prompt.as_ref().and_then(|prompt| prompt.hold);
        let measured =
            baseline.as_ref().and_then(|prompt| prompt.dev).filter(|_| confirmed.is_none());
        let shown = (
            seen(&baseline).or(measured),
            seen(&best_prompt).filter(|_| best != CandidateIx::BASELINE),
            confirmed.as_ref().and_then(|confirmed| Some(confirmed.gain.as_ref()?.0)),
        );
        let judge = Judged::of(task).map(|judge| judge.correcting(shown, counts.invalid));
        let stopped = state.stopped.as_ref();
        let is_over = state.is_concluded;
        let is_shown = confirmed.as_ref().is_some_and(|confirmed| confirmed.is_shown);
        let recommended = if is_shown { Recommendation::Best } else { Recommendation::Baseline };
        Self {
            schema: SCHEMA,
            run: info.run.clone(),
            task: task.name.clone(),
            strategy: info.strategy.clone(),
            seed: info.seed.0,
            status,
            stop_reason: stopped.map(|(reason, _)| *reason).or(state.stop_reason),
            trouble: stopped
                .filter(|(reason, _)| *reason != StopReason::Stopped)
                .map(|(_, why)| why.clone()),
            waiting: None,
            open_batches: open_batches(state),
            provider_changes: state.provider_changes.values().cloned().collect(),
            caps: state.caps,
            earlier: earlier(state),
            look: look(state),
            judge,
            confirmations: confirmations(task, state, info.seed),
            score_form: task.score_form(),
            baseline,
            best: best_prompt,
            recommended: is_over.then_some(recommended),
            confirmed: is_over.then_some(is_shown),
            gain,
            held_out_cost: confirmed.as_ref().and_then(|confirmed| confirmed.cost),
            claims: confirmed
                .iter()
                .flat_map(|confirmed| confirmed.claims.iter().cloned())
                .collect(),
            must_pass: confirmed.as_ref().and_then(|confirmed| confirmed.must_pass),
            flags: Vec::new(),
            front: front(task, state, info.seed),
            spent: spent(task, state, wallet, running),
            reused: reused(info, state),
            mutators: mutators(task, state),
            counts,
            failed_calls: failed_calls(state),
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

    /// The summary with another candidate that was compared on held-out rows in the winner's place, as far as held-out
    /// rows go: what confirmed it, if anything did. `None` where it was not compared.
    #[must_use]
    pub fn of_candidate(&self, candidate: &CandidateId) -> Option<Self> {
        let all = self.confirmations.iter().rev();
        let mut found: Vec<(&FamilyResult, &ConfirmedCandidate)> = all
            .flat_map(|family| family.candidates.iter().map(move |it| (family, it)))
            .filter(|(_, it)| it.prompted.candidate == *candidate)
            .collect();
        // What was confirmed stays confirmed.
        found.sort_by_key(|(_, it)| !it.confirmed);
        let (_, it) = found.first()?;
        Some(Self {
            baseline: self.baseline.clone().map(|own| Prompted { hold: it.baseline, ..own }),
            best: Some(it.prompted.clone()),
            look: (!it.level.is_first()).then_some(it.level),
            confirmed: Some(it.confirmed),
            gain: it.gain,
            held_out_cost: it.held_out_cost,
            claims: it.claims.clone(),
            must_pass: it.must_pass,
            earlier: Vec::new(),
            // They are the winner's.
            flags: Vec::new(),
            ..self.clone()
        })
    }

    /// The prompt to deploy: the recommended one, or the baseline as long as there is none.
    #[must_use]
    pub fn recommended_prompt(&self) -> Option<&Prompted> {
        match self.recommended {
            Some(Recommendation::Best) => self.best.as_ref(),
            _ => self.baseline.as_ref(),
        }
    }
}

fn earlier(state: &State) -> Vec<EarlierResult> {
    let ends = state.earlier.iter().map(|end| EarlierResult {
        candidate: state.standing(end.winner).candidate.id.clone(),
        candidate_number: end.winner.0,
        end: end.clone(),
    });
    ends.collect()
}

fn look(state: &State) -> Option<Level> {
    let (winner, _, rows) = state.winner?;
    let number = state.look();
    let is_later = number > 1 && rows > 0 && winner != CandidateIx::BASELINE;
    is_later.then(|| Level::of_look(number))
}

fn front(task: &Task, state: &State, seed: Seed) -> Vec<FrontPoint> {
    let points: Vec<(CandidateIx, f64, f64)> = state
        .memory
        .fronts
        .finished()
        .iter()
        .filter_map(|candidate| {
            let standing = state.standing(*candidate);
            if standing.misses_too_much() {
                return None;
            }
            Some((*candidate, standing.dev().mean()?, standing.usd_per_1k()?))
        })
        .collect();
    let plain: Vec<(f64, f64)> = points.iter().map(|(_, quality, usd)| (*quality, *usd)).collect();
    pareto(&plain)
        .into_iter()
        .filter_map(|index| {
            let (candidate, quality, usd_per_1k) = points[index];
            let standing = state.standing(candidate);
            let scores = dev_scores(state, standing);
            let interval = weighted::of_scores(&scores, seed.child("front", index as u64))?;
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

fn open_batches(state: &State) -> Vec<OpenBatch> {
    let begun = state.batches.open().filter(|(_, batch)| batch.posts.is_some());
    let shown = begun.map(|(_, batch)| OpenBatch {
        id: batch.id.clone(),
        requests: batch.calls.len(),
        since: batch.since,
    });
    shown.collect()
}

fn spent(task: &Task, state: &State, wallet: &Wallet, running: Duration) -> Spent {
    let usual = [ModelRole::Task, ModelRole::MUTATOR, ModelRole::JUDGE];
    let roles: BTreeSet<ModelRole> = usual.into_iter().chain(task.roles()).collect();
    let by_role = roles
        .into_iter()
        .map(|role| {
            let spending = wallet.by_role(role);
            let spent = RoleSpent {
                calls: spending.calls,
                prompt_tokens: spending.usage.prompt(),
                completion_tokens: spending.usage.answer(),
                cached_tokens: spending.usage.cached_input,
                cache_write_tokens: spending.usage.cache_write,
                reasoning_tokens: spending.usage.reasoning,
                cache_saved_usd: task
                    .model(role)
                    .and_then(|model| model.price)
                    .map_or(0.0, |price| price.saved_by_cache(spending.usage)),
                batch_calls: spending.batched,
                batch_saved_usd: spending.batch_saved.dollars(),
                hedged_calls: spending.hedged,
                failed_hedges: spending.failed_hedges,
                hedge_usd: spending.hedge_charged.usd.dollars(),
                hedge_tokens: spending.hedge_charged.tokens,
                surplus_batches: spending.surplus_batches,
                surplus_usd: spending.surplus_charged.usd.dollars(),
                failed_attempts: spending.failed,
                failed_usd: spending.failed_charged.usd.dollars(),
                failed_tokens: spending.failed_charged.tokens,
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

/// Every source, also one that served nothing.
fn reused(info: &RunInfo, state: &State) -> Vec<ReusedFrom> {
    let sources = (0..).zip(&info.reuse).map(|(number, run)| {
        let Reused { answers, usd } = state.counts.reused.get(&number).copied().unwrap_or_default();
        ReusedFrom { run: run.clone(), answers, usd: usd.dollars() }
    });
    sources.collect()
}

fn mutators(task: &Task, state: &State) -> Vec<MutatorEarned> {
    let named = task.mutators().filter_map(|(role, model)| Some((role, role.mutator()?, model)));
    named
        .map(|(role, mutator, model)| {
            let Earned { proposals, accepted, gain, usd, .. } =
                state.memory.mutators.earned(mutator);
            let (role, model) = (role.to_string(), model.name.to_string());
            MutatorEarned { role, model, proposals, accepted, gain, cost_usd: usd }
        })
        .collect()
}

fn counts(state: &State) -> Counts {
    let rejected =
        state.counts.rejected.iter().map(|(reason, count)| (reason.to_string(), *count)).collect();
    Counts {
        proposals: state.counts.proposals,
        candidates: state.candidates.len() as u64,
        rejected,
        noted: state.counts.noted,
        unanswered: state.counts.unanswered,
        evaluations: state.counts.evaluations,
        invalid: state.counts.invalid,
        errors: state.counts.errors,
        estimated: state.counts.estimated,
        without_vector: state.counts.without_vector,
        in_other_spaces: state.counts.in_other_spaces,
    }
}

fn failed_calls(state: &State) -> BTreeMap<NoAnswer, FailedCalls> {
    let all = state.counts.failed_calls.iter();
    all.map(|(cause, failed)| {
        let calls = failed.calls.iter().map(|(role, count)| (role.to_string(), *count)).collect();
        let example = failed.examples.values().next().cloned().unwrap_or_default();
        (*cause, FailedCalls { calls, example })
    })
    .collect()
}
