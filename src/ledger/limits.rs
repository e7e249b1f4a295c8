//! Caps with what is set aside: what the search may still issue, from folded facts alone.
//!
//! Whether an attempt may be sent is decided by the wallet.

use super::plan::PlanLedger;
use crate::caps::{Caps, Share};
use crate::clock::millis_between;
use crate::event::StopReason;
use crate::task::model::ModelRole;
use crate::units::{Amount, Tokens, Usd};
use jiff::Timestamp;
use std::time::Duration;

/// The largest share of a cap that is set aside for held-out rows.
const MAX_HOLD: f64 = 0.4;
/// What is set aside, as a multiple of the measured mean.
const HOLD_MARGIN: f64 = 1.3;
/// Rows that are issued together.
const JUDGED_TOGETHER: u64 = 8;
/// Stands for "no limit" where a number is needed.
const UNLIMITED: u64 = u64::MAX;

/// Caps with what is set aside.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    caps: Caps,
    hold_rows: u64,
    finale: Finale,
    /// Questions to the judge about each answer.
    judgements: u64,
}

/// What of each cap is kept for the choice of the winner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Finale {
    /// The largest share of a cap, from 0 to 1.
    pub share: f64,
    /// Rollouts without which it is of no use: where the share does not pay for them, nothing is kept.
    pub least: u64,
    /// Rollouts that it can use.
    pub most: u64,
}

impl Finale {
    /// How much of a cap is kept, where a rollout takes `each` of it.
    #[must_use]
    pub fn kept(&self, cap: u64, each: u64) -> u64 {
        let kept = share_of(cap, self.share).min(each.saturating_mul(self.most));
        if kept < each.saturating_mul(self.least) { 0 } else { kept }
    }
}

/// What answers of the task model cost together with their grades by a judge, as far as decisions know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallCosts {
    /// The worst case of one.
    pub worst: Amount,
    /// The mean of the baseline's calls, where there are any.
    pub baseline: Option<Amount>,
    /// The mean of the best candidate's calls, where there are any.
    pub best: Option<Amount>,
    /// What the judge's calls about an answer cost; it is in the others, too.
    pub judging: Amount,
    /// Held-out rows that the baseline has a score for already, because the run had ended before.
    pub known_of_baseline: u64,
    /// The same of the best candidate.
    pub known_of_best: u64,
}

/// What some work may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The share that pays.
    pub share: Share,
    /// The worst case of all its calls.
    pub worst: Amount,
    /// Its calls of models.
    pub calls: u64,
    /// Its proposals.
    pub proposals: u64,
}

/// What the budget still allows the search, in rollouts at the measured mean cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Remaining {
    /// Rollouts that the search may still issue.
    pub rollouts: u64,
    /// Rollouts that the shortlist may use, out of the whole budget, for a share of 1.
    pub total_rollouts: u64,
    /// The share of what the search may use that it has used, of the cap on dollars, tokens or calls that is
    /// nearest to its end; in [0, 1], and 0 without such a cap.
    pub spent: f64,
    /// Held-out rows that the confirmation asks if nothing but the cap on calls limits it.
    pub hold_rows: u64,
}

impl Limits {
    /// For a run that confirms on this many rows and keeps a share for its `final`.
    #[must_use]
    pub fn new(caps: Caps, hold_rows: u64, finale: Finale) -> Self {
        Self { caps, hold_rows, finale, judgements: 0 }
    }

    /// The same where a judge is asked this number of questions about each answer.
    #[must_use]
    pub fn judged(self, judgements: u32) -> Self {
        Self { judgements: u64::from(judgements), ..self }
    }

    /// Calls that an answer takes as a rule: its own, and one for each question to the judge.
    #[must_use]
    pub fn calls_per_answer(&self) -> u64 {
        1 + self.judgements
    }

    /// The caps.
    #[must_use]
    pub fn caps(&self) -> Caps {
        self.caps
    }

    /// Replaces the caps.
    pub fn set_caps(&mut self, caps: Caps) {
        self.caps = caps;
    }

    /// Calls that are set aside for the held-out rows: winner and baseline. Rows that the baseline has a
    /// score for already are not asked again; the winner may be another one than before.
    #[must_use]
    pub fn hold_calls(&self, known_of_baseline: u64) -> u64 {
        let answers = self.hold_rows + self.hold_rows.saturating_sub(known_of_baseline);
        let spare = if answers > 0 { self.spare() } else { 0 };
        let wanted = answers * self.calls_per_answer() + spare;
        self.caps.calls.map_or(wanted, |cap| wanted.min(share_of(cap, MAX_HOLD)))
    }

    /// Calls without which the last rows would not be issued: the judge may be asked twice about each of them.
    fn spare(&self) -> u64 {
        self.judgements * JUDGED_TOGETHER
    }

    /// Answers to held-out rows that these calls pay for.
    #[must_use]
    pub fn hold_answers(&self) -> u64 {
        self.hold_calls(0).saturating_sub(self.spare()) / self.calls_per_answer()
    }

    /// Money and tokens that are set aside for the held-out rows: both sides at the measured mean
    /// × 1.3, and one worst case; before the first folded block the worst case for all. Rows that the
    /// baseline has a score for already are not asked again.
    #[must_use]
    pub fn hold_amount(&self, costs: CallCosts) -> Amount {
        if self.hold_rows == 0 {
            return Amount::ZERO;
        }
        let of_baseline = self.hold_rows.saturating_sub(costs.known_of_baseline);
        let side = |mean: Amount, rows: u64| {
            let all = mean.times(rows);
            let tokens = Tokens((all.tokens.0 as f64 * HOLD_MARGIN).ceil() as u64);
            Amount { usd: all.usd.scaled(HOLD_MARGIN), tokens }
        };
        let both = match costs.baseline {
            Some(mean) => {
                let best = costs.best.unwrap_or(mean);
                side(mean, of_baseline) + side(best, self.hold_rows) + costs.worst
            }
            None => costs.worst.times(self.hold_rows + of_baseline),
        };
        let most_usd = |cap: Usd| Usd::from_nanos(share_of(cap.nanos(), MAX_HOLD));
        let most_tokens = |cap: Tokens| Tokens(share_of(cap.0, MAX_HOLD));
        Amount {
            usd: self.caps.usd.map_or(both.usd, |cap| both.usd.min(most_usd(cap))),
            tokens: self.caps.tokens.map_or(both.tokens, |cap| both.tokens.min(most_tokens(cap))),
        }
    }

    /// The cap that some work would exceed, if there is one.
    #[must_use]
    pub fn exceeded_cap(
        &self,
        plan: &PlanLedger,
        costs: CallCosts,
        is_searching: bool,
        demand: &Demand,
    ) -> Option<StopReason> {
        let taken = plan.taken(Share::Search) + plan.taken(Share::Hold) + demand.worst;
        let made = plan.calls(Share::Search) + plan.calls(Share::Hold) + demand.calls;
        let (mut kept, mut kept_calls) = (Amount::ZERO, 0);
        if demand.share == Share::Search {
            kept = self.hold_amount(costs).less(plan.taken(Share::Hold));
            kept_calls = self.hold_calls(costs.known_of_baseline);
            if is_searching {
                kept += self.finale_amount(costs);
                kept_calls += self.finale_calls();
            }
        }
        let total = taken + kept;
        let proposals = plan.proposals() + demand.proposals;
        if self.caps.usd.is_some_and(|cap| total.usd > cap) {
            Some(StopReason::BudgetUsd)
        } else if self.caps.calls.is_some_and(|cap| made + kept_calls > cap) {
            Some(StopReason::BudgetCalls)
        } else if self.caps.tokens.is_some_and(|cap| total.tokens > cap) {
            Some(StopReason::BudgetTokens)
        } else if demand.proposals > 0 && self.caps.proposals.is_some_and(|cap| proposals > cap) {
            Some(StopReason::BudgetProposals)
        } else {
            None
        }
    }

    /// Calls that are kept for the choice of the winner.
    #[must_use]
    pub fn finale_calls(&self) -> u64 {
        self.caps.calls.map_or(0, |cap| self.finale.kept(cap, self.calls_per_answer()))
    }

    fn finale_amount(&self, costs: CallCosts) -> Amount {
        let each = costs.best.or(costs.baseline).unwrap_or(costs.worst);
        let usd = |cap: Usd| Usd::from_nanos(self.finale.kept(cap.nanos(), each.usd.nanos()));
        let tokens = |cap: Tokens| Tokens(self.finale.kept(cap.0, each.tokens.0));
        Amount {
            usd: self.caps.usd.map_or(Usd::ZERO, usd),
            tokens: self.caps.tokens.map_or(Tokens::ZERO, tokens),
        }
    }

    /// Rollouts that the search may still issue, at the measured mean cost of one.
    #[must_use]
    pub fn remaining(&self, plan: &PlanLedger, costs: CallCosts, is_searching: bool) -> Remaining {
        let mean = plan.answered(ModelRole::Task).mean();
        let mean = mean.map_or(costs.worst, |mean| mean + costs.judging);
        let used = plan.taken(Share::Search);
        let taken = used + self.hold_amount(costs);
        let finale = if is_searching { self.finale_amount(costs) } else { Amount::ZERO };
        let (kept_calls, each) =
            (self.hold_calls(costs.known_of_baseline), self.calls_per_answer());
        let fit = |cap: u64, taken: u64, each: u64| -> u64 {
            cap.saturating_sub(taken).checked_div(each).unwrap_or(UNLIMITED)
        };
        let share = |cap: u64, taken: u64, used: u64| -> f64 {
            let all = used.saturating_add(cap.saturating_sub(taken));
            if all == 0 { 1.0 } else { used as f64 / all as f64 }
        };
        let (mut rollouts, mut total_rollouts, mut spent) = (UNLIMITED, UNLIMITED, 0.0_f64);
        if let Some(cap) = self.caps.usd {
            let taken = taken.usd + finale.usd;
            rollouts = rollouts.min(fit(cap.nanos(), taken.nanos(), mean.usd.nanos()));
            spent = spent.max(share(cap.nanos(), taken.nanos(), used.usd.nanos()));
            let all = cap.nanos().checked_div(mean.usd.nanos()).unwrap_or(UNLIMITED);
            total_rollouts = total_rollouts.min(all);
        }
        if let Some(cap) = self.caps.tokens {
            let taken = taken.tokens + finale.tokens;
            rollouts = rollouts.min(fit(cap.0, taken.0, mean.tokens.0));
            spent = spent.max(share(cap.0, taken.0, used.tokens.0));
            let all = cap.0.checked_div(mean.tokens.0).unwrap_or(UNLIMITED);
            total_rollouts = total_rollouts.min(all);
        }
        if let Some(cap) = self.caps.calls {
            let finale = if is_searching { self.finale_calls() } else { 0 };
            let made = plan.calls(Share::Search) + kept_calls + finale;
            rollouts = rollouts.min(fit(cap, made, each));
            spent = spent.max(share(cap, made, plan.calls(Share::Search)));
            total_rollouts = total_rollouts.min(cap / each);
        }
        let hold_rows = rows_for(kept_calls, (each, costs.known_of_baseline), (each, 0));
        Remaining { rollouts, total_rollouts, spent, hold_rows }
    }

    /// How many held-out rows can be confirmed when the search is over: all where they fit, fewer
    /// where less is left. `costs.best` is the winner's mean; a baseline that wins runs alone. Rows with a
    /// score are not asked again.
    #[must_use]
    pub fn hold_rows(&self, plan: &PlanLedger, costs: CallCosts, is_baseline: bool) -> u32 {
        let baseline = costs.baseline.unwrap_or(costs.worst);
        let best = if is_baseline { Amount::ZERO } else { costs.best.unwrap_or(costs.worst) };
        let fitting = |left: u64, of_baseline: u64, of_best: u64| {
            rows_for(left, (of_baseline, costs.known_of_baseline), (of_best, costs.known_of_best))
        };
        let mut rows = self.hold_rows;
        let taken = plan.taken(Share::Search) + costs.worst;
        if let Some(cap) = self.caps.calls {
            let left = cap.saturating_sub(plan.calls(Share::Search));
            let (left, each) = (left.saturating_sub(self.spare()), self.calls_per_answer());
            rows = rows.min(fitting(left, each, if is_baseline { 0 } else { each }));
        }
        if let Some(cap) = self.caps.usd {
            let left = cap.saturating_sub(taken.usd).nanos();
            rows = rows.min(fitting(left, baseline.usd.nanos(), best.usd.nanos()));
        }
        if let Some(cap) = self.caps.tokens {
            let left = cap.saturating_sub(taken.tokens).0;
            rows = rows.min(fitting(left, baseline.tokens.0, best.tokens.0));
        }
        u32::try_from(rows).unwrap_or(u32::MAX)
    }

    /// How many held-out rows, from the first on, several sides can have of what is left, and what all of them need of
    /// each cap that is set. A side has what a row of it takes, and its first rows that take nothing; `worst` is the
    /// worst case of a call.
    #[must_use]
    pub fn family_rows(
        &self,
        plan: &PlanLedger,
        worst: Amount,
        sides: &[(Amount, u64)],
    ) -> (u32, Caps) {
        let taken = plan.taken(Share::Search) + plan.taken(Share::Hold) + worst;
        let made = plan.calls(Share::Search) + plan.calls(Share::Hold) + self.spare();
        let with = |rows: u64, margin: f64| {
            let (mut amount, mut calls) = (taken, made);
            for (mean, known) in sides {
                let new = rows.saturating_sub(*known);
                let all = mean.times(new);
                let tokens = Tokens((all.tokens.0 as f64 * margin).ceil() as u64);
                amount += Amount { usd: all.usd.scaled(margin), tokens };
                calls += new * self.calls_per_answer();
            }
            (amount, calls)
        };
        let fits = |rows: &u64| {
            let (amount, calls) = with(*rows, 1.0);
            self.caps.usd.is_none_or(|cap| amount.usd <= cap)
                && self.caps.tokens.is_none_or(|cap| amount.tokens <= cap)
                && self.caps.calls.is_none_or(|cap| calls <= cap)
        };
        let rows = (0..=self.hold_rows).rev().find(fits).unwrap_or(0);
        let (amount, calls) = with(self.hold_rows, HOLD_MARGIN);
        let needed = Caps {
            usd: self.caps.usd.map(|_| amount.usd),
            tokens: self.caps.tokens.map(|_| amount.tokens),
            calls: self.caps.calls.map(|_| calls),
            ..Caps::default()
        };
        (u32::try_from(rows).unwrap_or(u32::MAX), needed)
    }

    /// The time that is left; `None` where no cap limits it.
    #[must_use]
    pub fn time_left(&self, running: Duration, now: Timestamp) -> Option<Duration> {
        let wall = self.caps.wall.map(|wall| wall.saturating_sub(running));
        let deadline =
            self.caps.deadline.map(|end| Duration::from_millis(millis_between(now, end)));
        wall.into_iter().chain(deadline).min()
    }

    /// The cap on time that has no room any more for anything but the confirmation, which takes about
    /// `hold`. The one decision that reads a clock.
    #[must_use]
    pub fn out_of_time(
        &self,
        running: Duration,
        now: Timestamp,
        hold: Duration,
    ) -> Option<StopReason> {
        let hold = hold.mul_f64(HOLD_MARGIN);
        if let Some(wall) = self.caps.wall
            && running + hold.min(wall.mul_f64(MAX_HOLD)) >= wall
        {
            return Some(StopReason::BudgetWall);
        }
        let hold = u64::try_from(hold.as_millis()).unwrap_or(0);
        let is_due = self.caps.deadline.is_some_and(|end| millis_between(now, end) <= hold);
        is_due.then_some(StopReason::Deadline)
    }
}

fn share_of(cap: u64, share: f64) -> u64 {
    (cap as f64 * share) as u64
}

/// How many rows two sides can have out of what is left. Each side has what a row of it takes, and its
/// first rows that take nothing.
fn rows_for(left: u64, one: (u64, u64), other: (u64, u64)) -> u64 {
    let (first, second) = if one.1 <= other.1 { (one, other) } else { (other, one) };
    // Up to where the second side takes something too.
    let alone = (second.1 - first.1).saturating_mul(first.0);
    match left.checked_sub(alone) {
        None => first.1 + left / first.0.max(1),
        Some(left) => {
            let rows = left.checked_div(first.0 + second.0).unwrap_or(UNLIMITED);
            second.1.saturating_add(rows)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Call;
    use crate::ledger::{Answer, Issued};
    use crate::task::model::Usage;
    use proptest::prelude::*;

    fn amount(nanos: u64) -> Amount {
        Amount { usd: Usd::from_nanos(nanos), tokens: Tokens(nanos) }
    }

    fn costs(worst: u64, baseline: Option<u64>, best: Option<u64>) -> CallCosts {
        let [baseline, best] = [baseline, best].map(|mean| mean.map(amount));
        let judging = Amount::ZERO;
        CallCosts {
            worst: amount(worst),
            baseline,
            best,
            judging,
            known_of_baseline: 0,
            known_of_best: 0,
        }
    }

    const TENTH: Finale = Finale { share: 0.1, least: 0, most: UNLIMITED };

    fn in_usd(nanos: u64) -> Caps {
        Caps { usd: Some(Usd::from_nanos(nanos)), ..Caps::default() }
    }

    fn demand(share: Share, worst: u64, calls: u64, proposals: u64) -> Demand {
        Demand { share, worst: amount(worst), calls, proposals }
    }

    #[test]
    fn hold_is_kept_at_the_worst_case_first_and_at_the_measured_mean_later() {
        let limits = Limits::new(Caps::default(), 10, Finale::default());
        assert_eq!(limits.hold_amount(costs(100, None, None)), amount(2 * 10 * 100));
        assert_eq!(limits.hold_amount(costs(100, Some(10), None)), amount(2 * 130 + 100));
        assert_eq!(limits.hold_amount(costs(100, Some(10), Some(20))), amount(130 + 260 + 100));
        let none = Limits::new(Caps::default(), 0, Finale::default());
        assert_eq!(none.hold_amount(costs(100, None, None)), Amount::ZERO);
    }

    #[test]
    fn each_cap_is_named_where_it_is_exceeded() {
        let plan = PlanLedger::default();
        let exceeded = |caps, demand| {
            Limits::new(caps, 0, Finale::default()).exceeded_cap(
                &plan,
                costs(1, None, None),
                true,
                &demand,
            )
        };
        let none = Caps::default();
        for (caps, reason) in [
            (in_usd(9), StopReason::BudgetUsd),
            (Caps { calls: Some(1), ..none }, StopReason::BudgetCalls),
            (Caps { tokens: Some(Tokens(9)), ..none }, StopReason::BudgetTokens),
            (Caps { proposals: Some(0), ..none }, StopReason::BudgetProposals),
        ] {
            assert_eq!(exceeded(caps, demand(Share::Search, 10, 2, 1)), Some(reason));
        }
        let fits = demand(Share::Search, 10, 2, 0);
        assert_eq!(exceeded(Caps { proposals: Some(0), ..in_usd(10) }, fits), None);
    }

    #[test]
    fn the_search_leaves_hold_and_final_alone_and_hold_may_take_all() {
        let limits = Limits::new(in_usd(1_000), 10, TENTH);
        let plan = PlanLedger::default();
        let costs = costs(100, Some(10), Some(10));
        let exceeded = |is_searching, demand: Demand| {
            limits.exceeded_cap(&plan, costs, is_searching, &demand).is_some()
        };
        // Hold keeps 2 × 130 + 100, `final` keeps 100.
        assert!(!exceeded(true, demand(Share::Search, 540, 1, 0)));
        assert!(exceeded(true, demand(Share::Search, 541, 1, 0)));
        assert!(!exceeded(false, demand(Share::Search, 640, 1, 0)));
        assert!(exceeded(false, demand(Share::Search, 641, 1, 0)));
        assert!(!exceeded(false, demand(Share::Hold, 1_000, 1, 0)));
        assert!(exceeded(false, demand(Share::Hold, 1_001, 1, 0)));
    }

    #[test]
    fn a_baseline_that_wins_runs_alone() {
        let limits =
            Limits::new(Caps { calls: Some(30), ..Caps::default() }, 100, Finale::default());
        let (plan, costs) = (PlanLedger::default(), costs(1, None, None));
        assert_eq!(limits.hold_rows(&plan, costs, true), 30);
        assert_eq!(limits.hold_rows(&plan, costs, false), 15);
    }

    /// After an earlier end the baseline has its rows, and a winner that wins again has its own.
    #[test]
    fn rows_with_a_score_are_neither_kept_for_nor_paid_again() {
        let caps = Caps { calls: Some(100), ..Caps::default() };
        let limits = Limits::new(caps, 20, Finale::default());
        let mut plan = PlanLedger::default();
        assert_eq!((limits.hold_calls(0), limits.hold_calls(20)), (40, 20));
        (0..90).for_each(|_| plan.issue(Issued::Evaluation, Share::Search, Amount::ZERO));
        let known = |baseline, best| {
            let costs = costs(0, None, None);
            CallCosts { known_of_baseline: baseline, known_of_best: best, ..costs }
        };
        let rows = |baseline, best, alone| limits.hold_rows(&plan, known(baseline, best), alone);
        assert_eq!([rows(0, 0, false), rows(20, 0, false), rows(20, 20, false)], [5, 10, 20]);
        assert_eq!([rows(8, 0, false), rows(4, 4, false), rows(12, 4, false)], [9, 9, 13]);
        assert_eq!([rows(0, 0, true), rows(20, 0, true), rows(12, 0, true)], [10, 20, 20]);
        let kept = |known_of_baseline| {
            let costs = costs(100, Some(10), Some(20));
            Limits::new(Caps::default(), 10, Finale::default())
                .hold_amount(CallCosts { known_of_baseline, ..costs })
        };
        assert_eq!(
            [kept(0), kept(4), kept(10)],
            [130 + 260, 78 + 260, 260].map(|it| amount(it + 100))
        );
    }

    #[test]
    fn time_is_kept_for_the_confirmation() {
        let second = Duration::from_secs(1);
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let wall =
            Limits::new(Caps { wall: Some(100 * second), ..Caps::default() }, 1, Finale::default());
        assert_eq!(wall.out_of_time(86 * second, at(0), 10 * second), None);
        let over = wall.out_of_time(87 * second, at(0), 10 * second);
        assert_eq!(over, Some(StopReason::BudgetWall));
        assert_eq!(wall.out_of_time(59 * second, at(0), 900 * second), None, "at most 40 %");
        let deadline = Caps { deadline: Some(at(100_000)), ..Caps::default() };
        let deadline = Limits::new(deadline, 1, Finale::default());
        assert_eq!(deadline.out_of_time(second, at(86_999), 10 * second), None);
        let over = deadline.out_of_time(second, at(87_000), 10 * second);
        assert_eq!(over, Some(StopReason::Deadline));
    }

    prop_compose! {
        fn any_costs()(
            worst in 0u64..10_000,
            baseline in prop::option::of(0u64..10_000),
            best in prop::option::of(0u64..10_000),
        ) -> CallCosts {
            costs(worst, baseline, best)
        }
    }

    proptest! {
        #[test]
        fn hold_keeps_at_most_forty_percent_of_any_cap(
            cap in 0u64..1_000_000, rows in 0u64..10_000, costs in any_costs(),
        ) {
            let caps = Caps { calls: Some(cap), tokens: Some(Tokens(cap)), ..in_usd(cap) };
            let limits = Limits::new(caps, rows, Finale::default());
            let kept = limits.hold_amount(costs);
            for kept in [kept.usd.nanos(), kept.tokens.0, limits.hold_calls(0)] {
                prop_assert!(kept as f64 <= 0.4 * cap as f64, "{kept} of {cap}");
            }
        }

        /// A search that issues only what fits leaves room for what is set aside, and all of it
        /// together stays within the cap.
        #[test]
        fn what_the_plan_issues_never_exceeds_the_cap(
            cap in 1u64..10_000,
            rows in 0u64..50,
            costs in any_costs(),
            steps in prop::collection::vec((1u64..500, 0u64..500, any::<bool>()), 1..60),
        ) {
            let caps = Caps { calls: Some(40), ..in_usd(cap) };
            let limits = Limits::new(caps, rows, TENTH);
            let mut plan = PlanLedger::default();
            let mut open = Vec::new();
            for (number, (reserve, cost, fold)) in (0..).zip(steps) {
                let wanted = demand(Share::Search, reserve, 1, 0);
                if limits.exceeded_cap(&plan, costs, true, &wanted).is_none() {
                    plan.issue(Issued::Evaluation, Share::Search, amount(reserve));
                    open.push((Call(number), reserve, cost.min(reserve)));
                }
                if fold && let Some((call, reserve, cost)) = open.pop() {
                    let usage = Usage::default();
                    let answer = Answer { usage, usd: Usd::from_nanos(cost), bytes: 0, is_estimated: false };
                    let (role, share) = (ModelRole::Task, Share::Search);
                    plan.fold(call, role, share, amount(reserve), Some(answer));
                }
                let kept = limits.hold_amount(costs).usd;
                let taken = plan.taken(Share::Search).usd;
                prop_assert!(taken == Usd::ZERO || taken + kept <= Usd::from_nanos(cap));
                let calls = plan.calls(Share::Search);
                prop_assert!(calls == 0 || calls + limits.hold_calls(0) <= 40);
            }
        }

        /// More spent never leaves more rollouts.
        #[test]
        fn rollouts_only_become_fewer(
            cap in 1u64..1_000_000, costs in any_costs(),
            reserves in prop::collection::vec(0u64..10_000, 1..20),
        ) {
            let limits = Limits::new(in_usd(cap), 10, Finale::default());
            let mut plan = PlanLedger::default();
            let mut before = limits.remaining(&plan, costs, true).rollouts;
            for reserve in reserves {
                plan.issue(Issued::Evaluation, Share::Search, amount(reserve));
                let now = limits.remaining(&plan, costs, true).rollouts;
                prop_assert!(now <= before);
                before = now;
            }
        }

        /// What the confirmation is given fits into what is left, at the means that are known.
        #[test]
        fn the_rows_that_are_confirmed_fit(
            cap in 1u64..1_000_000, rows in 0u64..500, costs in any_costs(),
            spent in 0u64..1_000_000, is_baseline in any::<bool>(),
        ) {
            let limits = Limits::new(in_usd(cap), rows, Finale::default());
            let mut plan = PlanLedger::default();
            plan.issue(Issued::Evaluation, Share::Search, amount(spent));
            let rows = u64::from(limits.hold_rows(&plan, costs, is_baseline));
            let baseline = costs.baseline.unwrap_or(costs.worst).usd;
            let best = if is_baseline { Usd::ZERO } else { costs.best.unwrap_or(costs.worst).usd };
            let needs = (baseline + best).nanos() * rows;
            prop_assert!(needs == 0 || spent + needs <= cap, "{rows} rows need {needs}");
        }
    }
}
