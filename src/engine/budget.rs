//! The ledger's limits, with the numbers that they need from state and task.
//!
//! The arithmetic is in `ledger`; this file only supplies its numbers.

use super::job::{Job, Question};
use super::requests::Rows;
use crate::caps::{Caps, Share};
use crate::evaluate::JUDGE_TRIES;
use crate::event::{Judging, StopReason};
use crate::id::CandidateIx;
use crate::ledger::{CallCosts, Demand, Finale, Limits, Remaining, worst_case};
use crate::provider::Request;
use crate::provider::limit::time_per_call;
use crate::state::{Facts, Phase, Work};
use crate::task::Model;
use crate::task::Task;
use crate::task::example::Split;
use crate::task::model::ModelRole;
use crate::units::{Amount, Tokens};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// The confirmation is planned for this multiple of the mean latency.
const TIME_MARGIN: f64 = 1.3;

/// What a run may spend.
pub(super) struct Budget {
    limits: Limits,
    task: Arc<Task>,
    /// Bytes of the baseline.
    baseline_bytes: usize,
    /// Bytes of the baseline with the longest row of dev, so that no step has to look for it.
    longest_request: usize,
    /// Bytes of the longest row of dev.
    longest_row: usize,
    /// Bytes of the longest expected answer that a judge is shown.
    longest_expected: usize,
}

/// What the caps on time need to know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    /// How long the run has been running, over all its sessions.
    pub(super) running: Duration,
    /// Now.
    pub(super) now: Timestamp,
    /// The mean time of an answered attempt.
    pub(super) latency: Duration,
    /// The time between two attempts that the task model's provider allows.
    pub(super) spacing: Duration,
    /// How long a batch of the task model is expected to take; zero where it is asked live.
    pub(super) batch: Duration,
}

impl Time {
    /// The time that each of many calls takes where `lanes` may be out at a time.
    fn per_call(&self, lanes: usize) -> Duration {
        time_per_call(self.latency, lanes, self.spacing)
    }
}

impl Budget {
    /// For a run that keeps a share for its `final`.
    pub(super) fn new(caps: Caps, task: Arc<Task>, finale: Finale) -> Self {
        let longest_row = task.splits.dev.iter().map(Task::row_bytes).max().unwrap_or(0);
        let baseline_bytes = task.layout.bytes_without_row(&task.baseline);
        let longest_request = baseline_bytes + longest_row;
        let limits = Limits::new(caps, task.held_out_answers(), finale);
        let limits = limits.judged(task.judgements());
        let longest_expected = task.longest_expected();
        Self { limits, task, baseline_bytes, longest_request, longest_row, longest_expected }
    }

    /// What the run may spend.
    pub(super) fn caps(&self) -> Caps {
        self.limits.caps()
    }

    /// Replaces what the run may spend.
    pub(super) fn set_caps(&mut self, caps: Caps) {
        self.limits.set_caps(caps);
    }

    fn costs(&self, facts: &Facts, best: CandidateIx) -> CallCosts {
        let judging = self.mean_judging(facts);
        let mean = |candidate: CandidateIx| {
            Some(facts.candidates.get(candidate.index())?.used.mean()? + judging)
        };
        // Held-out rows are new texts.
        let (role, bytes) = (ModelRole::Task, self.longest_request);
        let prompt = facts.plan.prompt_tokens_of_new_row(role, self.baseline_bytes, bytes);
        CallCosts {
            worst: self.task_call(facts, prompt) + self.worst_judging(facts),
            judging,
            baseline: mean(CandidateIx::BASELINE),
            best: mean(best),
            known_of_baseline: self.known_answers(facts, CandidateIx::BASELINE),
            known_of_best: self.known_answers(facts, best),
        }
    }

    /// What is set aside for the confirmation.
    pub(super) fn hold_amount(&self, facts: &Facts) -> Amount {
        self.limits.hold_amount(self.costs(facts, facts.incumbent))
    }

    /// What the search may still issue.
    pub(super) fn remaining(&self, facts: &Facts) -> Remaining {
        let (costs, searching) = (self.costs(facts, facts.incumbent), is_searching(facts));
        let remaining = self.limits.remaining(&facts.plan, costs, searching);
        Remaining {
            hold_rows: remaining.hold_rows / u64::from(self.answers_per_row()),
            ..remaining
        }
    }

    /// The cap that some work would exceed, if there is one.
    pub(super) fn exceeded_cap(&self, facts: &Facts, demand: &Demand) -> Option<StopReason> {
        let (costs, searching) = (self.costs(facts, facts.incumbent), is_searching(facts));
        self.limits.exceeded_cap(&facts.plan, costs, searching, demand)
    }

    /// How many held-out rows can confirm this winner, within the budget and the time that is left.
    pub(super) fn hold_rows(
        &self,
        facts: &Facts,
        winner: CandidateIx,
        time: &Time,
        lanes: usize,
    ) -> u32 {
        let costs = self.costs(facts, winner);
        let rows = self.limits.hold_rows(&facts.plan, costs, winner == CandidateIx::BASELINE);
        // What the limits count are answers.
        let in_rows = |answers: u32| answers / u32::from(self.answers_per_row());
        let Some(left) = self.limits.time_left(time.running, time.now) else {
            return in_rows(rows);
        };
        let sides = if winner == CandidateIx::BASELINE { 1.0 } else { 2.0 };
        // A little less than all of it: the last answers come late.
        let per_call = time.per_call(lanes).as_secs_f64().max(1e-9) * TIME_MARGIN;
        // What both sides have already takes no time.
        let known = costs.known_of_baseline.min(match winner {
            CandidateIx::BASELINE => u64::MAX,
            _ => costs.known_of_best,
        });
        let known = u32::try_from(known).unwrap_or(u32::MAX);
        in_rows(rows.min(known.saturating_add((left.as_secs_f64() / (per_call * sides)) as u32)))
    }

    /// How many held-out rows, from the first on, these candidates and the baseline can have, and what all rows
    /// need of each cap that is set.
    pub(super) fn family_rows(&self, facts: &Facts, asked: &[CandidateIx]) -> (u32, Caps) {
        let sides: Vec<(Amount, u64)> = asked
            .iter()
            .chain([&CandidateIx::BASELINE])
            .map(|candidate| {
                let costs = self.costs(facts, *candidate);
                (costs.best.unwrap_or(costs.worst), costs.known_of_best)
            })
            .collect();
        let worst = self.costs(facts, CandidateIx::BASELINE).worst;
        let (answers, needed) = self.limits.family_rows(&facts.plan, worst, &sides);
        (answers / u32::from(self.answers_per_row()), needed)
    }

    /// How many answers to each held-out row the goal needs.
    pub(super) fn answers_per_row(&self) -> u16 {
        self.task.goal.answers_per_row()
    }

    /// Answers to held-out rows that a candidate has already, because the run had ended before.
    fn known_answers(&self, facts: &Facts, candidate: CandidateIx) -> u64 {
        let Some(standing) = facts.candidates.get(candidate.index()) else { return 0 };
        let of = |replicate| u64::from(standing.column(Split::Hold, replicate).scored);
        (0..self.answers_per_row()).map(of).sum()
    }

    /// The cap on time that is reached, if there is one. Held-out rows need their time, too.
    /// `lanes` is how many requests may be out at a time.
    pub(super) fn out_of_time(
        &self,
        facts: &Facts,
        time: &Time,
        lanes: usize,
    ) -> Option<StopReason> {
        self.limits.out_of_time(time.running, time.now, self.hold_time(facts, time, lanes))
    }

    /// The time that is kept for the confirmation: it may be one batch.
    fn hold_time(&self, facts: &Facts, time: &Time, lanes: usize) -> Duration {
        let calls = self.limits.hold_calls(self.known_answers(facts, CandidateIx::BASELINE));
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        let live = time.per_call(lanes).saturating_mul(calls);
        let left = self.limits.time_left(time.running, time.now);
        match time.batch.mul_f64(TIME_MARGIN) {
            // A run that is too short for a batch is asked live.
            batch if left.is_none_or(|left| left < batch) => live,
            batch => live.max(batch),
        }
    }

    /// How long the time of a share still is; `None` where it has no end.
    pub(super) fn time_left(
        &self,
        facts: &Facts,
        share: Share,
        time: &Time,
        lanes: usize,
    ) -> Option<Duration> {
        let left = self.limits.time_left(time.running, time.now)?;
        Some(match share {
            Share::Search => left.saturating_sub(self.hold_time(facts, time, lanes)),
            Share::Hold => left,
        })
    }

    /// Whether the whole time of the run is over, that of the confirmation included.
    pub(super) fn is_time_over(&self, time: &Time) -> bool {
        self.limits.out_of_time(time.running, time.now, Duration::ZERO).is_some()
    }

    /// The worst case of a task call whose prompt has at most this many tokens.
    fn task_call(&self, facts: &Facts, prompt: Tokens) -> Amount {
        let model = self.task.task_model();
        let output = facts.plan.longest_output(ModelRole::Task, model.max_output_tokens);
        worst_case(model.price, prompt, output)
    }

    /// The worst case of each row of a block: that of its longest row.
    pub(super) fn of_row(&self, facts: &Facts, block: &Rows, longest_row: usize) -> Amount {
        let standing = facts.standing(block.candidate);
        let bytes = self.task.layout.bytes_without_row(&standing.candidate.prompt) + longest_row;
        // A model wrote it, in whatever script.
        let is_new = !standing.has_folded_rows();
        let prompt = match is_new {
            true => facts.plan.prompt_tokens_of_new(ModelRole::Task, bytes),
            false => facts.plan.prompt_tokens(ModelRole::Task, bytes),
        };
        self.task_call(facts, prompt)
    }

    /// What is set aside for the grades of each row of a block, whose longest row has this many bytes; `None` where no
    /// judge is asked.
    pub(super) fn judging(&self, facts: &Facts, longest_row: usize) -> Option<Judging> {
        let (scorers, graders) = (&self.task.scorers, self.task.graders());
        let questions = scorers.judgements() + scorers.meanings();
        let calls = questions * JUDGE_TRIES * u32::try_from(graders.count()).unwrap_or(u32::MAX);
        let bytes = self.task.judge_question_bytes() + longest_row + self.longest_expected;
        let task = self.task.task_model();
        // It is shown the whole answer.
        let answer = facts.plan.longest_output(ModelRole::Task, task.max_output_tokens);
        let worst = |(role, model): (ModelRole, &Model)| {
            let prompt = facts.plan.prompt_tokens(role, bytes) + answer;
            let output = facts.plan.longest_output(role, model.max_output_tokens);
            worst_case(model.price, prompt, output)
        };
        // That of the dearest of them, for each.
        let reserve = self.graders().map(worst).reduce(Amount::max)?;
        Some(Judging { calls, reserve, graders })
    }

    /// The models that say what an answer is worth.
    fn graders(&self) -> impl Iterator<Item = (ModelRole, &Model)> {
        let asks_vectors = self.task.scorers.meanings() > 0;
        let embed = self.task.model(ModelRole::Embed).filter(|_| asks_vectors);
        self.task.judges().chain(embed.map(|model| (ModelRole::Embed, model)))
    }

    fn worst_judging(&self, facts: &Facts) -> Amount {
        let judging = self.judging(facts, self.longest_row);
        judging.map_or(Amount::ZERO, |judging| judging.reserve.times(u64::from(judging.calls)))
    }

    /// What the grades of an answer cost on average; their worst case before one is known.
    fn mean_judging(&self, facts: &Facts) -> Amount {
        let scorers = &self.task.scorers;
        let worst = self
            .judging(facts, self.longest_row)
            .map(|it| it.reserve.times(u64::from(JUDGE_TRIES)));
        let mean = |(role, _): (ModelRole, &Model)| {
            let questions = match role {
                ModelRole::Embed => scorers.meanings(),
                _ => scorers.judgements(),
            };
            // The worst case of one that has not answered yet.
            let each = facts.plan.answered(role).mean().or(worst).unwrap_or(Amount::ZERO);
            each.times(u64::from(questions))
        };
        self.graders().map(mean).sum()
    }

    /// The worst case of what a proposal asks; a program costs nothing.
    pub(super) fn of_question(
        &self,
        facts: &Facts,
        role: ModelRole,
        question: &Question,
    ) -> Amount {
        match question {
            Question::Model(request) => self.of_request(facts, role, request),
            Question::Program { .. } | Question::Grade { .. } => Amount::ZERO,
        }
    }

    fn of_request(&self, facts: &Facts, role: ModelRole, request: &Request) -> Amount {
        let price = self.task.model(role).and_then(|model| model.price);
        let prompt = facts.plan.prompt_tokens(role, request.bytes());
        let output = facts.plan.longest_output(role, request.max_output_tokens);
        worst_case(price, prompt, output)
    }
}

/// What a job needs from the plan.
pub(super) fn demand_of(job: &Job) -> Demand {
    Demand {
        share: job.purpose.share(),
        worst: job.worst_case,
        calls: u64::from(matches!(job.question, Question::Model(_))),
        proposals: u64::from(matches!(job.purpose, Work::Proposal(..))),
    }
}

/// What a block needs from the plan, with this worst case for each row and for its grades.
pub(super) fn demand_of_block(block: &Rows, each: Amount, judging: Option<Judging>) -> Demand {
    let share = if block.split == Split::Hold { Share::Hold } else { Share::Search };
    let rows = block.rows.len() as u64;
    let (calls, judged) = judging.map_or((0, Amount::ZERO), |judging| {
        let calls = u64::from(judging.calls);
        (calls, judging.reserve.times(calls))
    });
    let worst = (each + judged).times(rows);
    Demand { share, worst, calls: rows * (1 + calls), proposals: 0 }
}

fn is_searching(facts: &Facts) -> bool {
    facts.phase == Phase::Searching
}
