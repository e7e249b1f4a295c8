//! The plan's side of the ledger: what decisions know of money and tokens.
//!
//! It holds the worst case of each issued call until the call is folded, and then its cost. What has
//! arrived and is not folded changes nothing that a decision reads, so the same decisions follow at
//! any concurrency. There are two exceptions: a loss, which is charged when a resume finds it, once, and a
//! hedge, which is sent because an answer is late. So with `hedge` a search may end at another row.

use super::estimate::TokenRatios;
use super::used::Use;
use crate::caps::Share;
use crate::event::{Event, JudgeCalls};
use crate::id::Call;
use crate::task::model::{ModelRole, Usage};
use crate::units::{Amount, Tokens, Usd};
use std::collections::{BTreeMap, HashMap};

/// What kind of call is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issued {
    /// A row for the task model.
    Evaluation,
    /// A request to the mutator.
    Proposal,
    /// A proposal that a program of the user's writes: it calls no model.
    Program,
    /// A request to the embedding model.
    Embedding,
}

/// What a call's answer used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// Its tokens.
    pub usage: Usage,
    /// Its cost.
    pub usd: Usd,
    /// Bytes of the request; 0 where a program was asked and no model.
    pub bytes: u64,
    /// Whether its tokens are estimated, which says nothing of how requests are billed.
    pub is_estimated: bool,
}

/// What decisions know of money and tokens.
#[derive(Clone, Debug, Default)]
pub struct PlanLedger {
    /// Folded cost of all attempts, by share; losses are in it.
    spent: BTreeMap<Share, Amount>,
    /// Worst cases of issued, unfolded calls, by share.
    reserved: BTreeMap<Share, Amount>,
    /// Logical calls issued, without cached ones, by share.
    calls: BTreeMap<Share, u64>,
    /// Mutator calls issued.
    proposals: u64,
    /// The largest tokens-per-byte ratios folded.
    ratios: TokenRatios,
    /// Folded cost of answered calls by role: for means.
    answered: BTreeMap<ModelRole, Use>,
    /// Bytes of their requests.
    bytes: BTreeMap<ModelRole, u64>,
    /// Attempts that failed and were charged, by their unfolded calls.
    failed_attempts: HashMap<Call, u64>,
    /// Requests that were sent once more, by their unfolded calls.
    hedges: HashMap<Call, u64>,
    /// The wallet's reservations that nothing has settled: what a kill loses.
    open_reservations: HashMap<Call, (Share, Amount)>,
    /// The same for hedges.
    open_hedges: HashMap<Call, (Share, Amount)>,
}

impl PlanLedger {
    /// A call was issued with this worst case.
    pub fn issue(&mut self, kind: Issued, share: Share, reserve: Amount) {
        *self.reserved.entry(share).or_default() += reserve;
        *self.calls.entry(share).or_default() += u64::from(kind != Issued::Program);
        self.proposals += u64::from(matches!(kind, Issued::Proposal | Issued::Program));
    }

    /// A call was folded: its worst case is given back, and all its attempts are charged. `answer` is
    /// `None` where it has none of its own.
    pub fn fold(
        &mut self,
        call: Call,
        role: ModelRole,
        share: Share,
        reserve: Amount,
        answer: Option<Answer>,
    ) {
        if let Some(reserved) = self.reserved.get_mut(&share) {
            *reserved = reserved.less(reserve);
        }
        // A failed attempt costs the plan what the plan had set aside for it. What the wallet was
        // charged depends on what had arrived by then, and must not enter a decision.
        let mut cost = reserve.times(self.failed_attempts.remove(&call).unwrap_or(0));
        let answered =
            answer.map(|answer| Amount { usd: answer.usd, tokens: answer.usage.total() });
        // The same holds for a hedge, whose bill may be known only later. It asks what the answer answers, so
        // it costs the plan as much; the worst case, which is many times that, would end a search early.
        cost += answered.unwrap_or(reserve).times(self.hedges.remove(&call).unwrap_or(0));
        // So its end, or its loss, changes nothing here any more.
        self.open_hedges.remove(&call);
        cost += answered.unwrap_or(Amount::ZERO);
        if let Some(answer) = answer {
            self.learn(role, answer);
        }
        *self.spent.entry(share).or_default() += cost;
    }

    /// Calls of a judge were allotted, with this worst case each.
    pub fn issue_judging(&mut self, share: Share, reserve: Amount, calls: u32) {
        *self.reserved.entry(share).or_default() += reserve.times(u64::from(calls));
        *self.calls.entry(share).or_default() += u64::from(calls);
    }

    /// The answer that a judge was asked about was folded: what was set aside is given back, and so are calls that
    /// were not made. `answers` are the judge's that no answer was folded with before, and `missing` counts the calls
    /// that ended without one.
    pub fn fold_judging(
        &mut self,
        share: Share,
        calls: JudgeCalls,
        answers: &[(ModelRole, Answer)],
        missing: u64,
    ) {
        let JudgeCalls { first, count, reserve, .. } = calls;
        let mut cost = Amount::ZERO;
        for call in (first.0..).take(count as usize).map(Call) {
            let failed = self.failed_attempts.remove(&call).unwrap_or(0);
            let hedged = self.hedges.remove(&call).unwrap_or(0);
            cost += reserve.times(failed + hedged);
            self.open_hedges.remove(&call);
        }
        for (role, answer) in answers {
            cost += Amount { usd: answer.usd, tokens: answer.usage.total() };
            self.learn(*role, *answer);
        }
        if let Some(reserved) = self.reserved.get_mut(&share) {
            *reserved = reserved.less(reserve.times(u64::from(count)));
        }
        if let Some(calls) = self.calls.get_mut(&share) {
            let made = (answers.len() as u64 + missing).min(u64::from(count));
            *calls = calls.saturating_sub(u64::from(count) - made);
        }
        *self.spent.entry(share).or_default() += cost;
    }

    /// Takes in what an answer used and costs, whoever paid for it.
    pub fn learn(&mut self, role: ModelRole, answer: Answer) {
        // A program's reply has no request to a model.
        if answer.bytes > 0 {
            self.answered.entry(role).or_default().add(answer.usage, answer.usd);
            *self.bytes.entry(role).or_default() += answer.bytes;
            if !answer.is_estimated {
                self.ratios.learn_bill(role, answer.bytes, answer.usage);
            }
        }
    }

    /// A call that was answered is asked once more: the first answer costs what a failed attempt does.
    pub fn reopen(&mut self, call: Call) {
        *self.failed_attempts.entry(call).or_default() += 1;
    }

    /// Takes in what happened to calls outside; other events change nothing here.
    pub fn apply(&mut self, event: &Event) {
        match event {
            // What an earlier confirmation took is nothing that the next one has.
            Event::Reopened { .. } | Event::ConfirmationAsked { .. } => {
                let spent = self.spent.remove(&Share::Hold).unwrap_or_default();
                *self.spent.entry(Share::Search).or_default() += spent;
                let calls = self.calls.remove(&Share::Hold).unwrap_or_default();
                *self.calls.entry(Share::Search).or_default() += calls;
            }
            Event::Reserved { call, amount, share, .. } => {
                self.open_reservations.insert(*call, (*share, *amount));
            }
            Event::Answered(answered) => {
                self.open_reservations.remove(&answered.call);
            }
            Event::AttemptFailed { call, charged, .. } => {
                self.open_reservations.remove(call);
                if *charged != Amount::ZERO {
                    *self.failed_attempts.entry(*call).or_default() += 1;
                }
            }
            Event::Hedged { call, amount, share, .. } => {
                *self.hedges.entry(*call).or_default() += 1;
                self.open_hedges.insert(*call, (*share, *amount));
            }
            Event::HedgeSettled { call, .. } => {
                self.open_hedges.remove(call);
            }
            Event::CallMissing { call, .. } => {
                self.open_reservations.remove(call);
            }
            Event::Lost { call } => {
                if let Some((share, amount)) = self.open_hedges.remove(call) {
                    *self.spent.entry(share).or_default() += amount;
                    // It is charged now, and not when its call is folded.
                    if let Some(hedges) = self.hedges.get_mut(call) {
                        *hedges = hedges.saturating_sub(1);
                    }
                }
                // The answer that is bought again is charged when it is folded.
                if let Some((share, amount)) = self.open_reservations.remove(call) {
                    *self.spent.entry(share).or_default() += amount;
                }
            }
            _ => {}
        }
    }

    /// What a share has taken: folded and reserved.
    #[must_use]
    pub fn taken(&self, share: Share) -> Amount {
        self.spent.get(&share).copied().unwrap_or_default()
            + self.reserved.get(&share).copied().unwrap_or_default()
    }

    /// Logical calls issued of a share.
    #[must_use]
    pub fn calls(&self, share: Share) -> u64 {
        self.calls.get(&share).copied().unwrap_or_default()
    }

    /// Proposals issued.
    #[must_use]
    pub fn proposals(&self) -> u64 {
        self.proposals
    }

    /// Tokens of a role's request of this many bytes.
    #[must_use]
    pub fn prompt_tokens(&self, role: ModelRole, bytes: usize) -> Tokens {
        self.ratios.estimate(role, bytes)
    }

    /// The same for a text of which nothing was billed yet.
    #[must_use]
    pub fn prompt_tokens_of_new(&self, role: ModelRole, bytes: usize) -> Tokens {
        self.ratios.estimate_new(role, bytes)
    }

    /// The same for a known prompt with a row of which nothing was billed yet, after the first `stable` bytes.
    #[must_use]
    pub fn prompt_tokens_of_new_row(&self, role: ModelRole, stable: usize, bytes: usize) -> Tokens {
        self.ratios.estimate_new_row(role, stable, bytes)
    }

    /// Bytes of the requests of folded answered calls.
    #[must_use]
    pub fn answered_bytes(&self, role: ModelRole) -> u64 {
        self.bytes.get(&role).copied().unwrap_or_default()
    }

    /// The longest answer to expect of a role where this many tokens are asked for.
    #[must_use]
    pub fn longest_output(&self, role: ModelRole, max_output_tokens: u32) -> Tokens {
        self.ratios.longest_output(role, max_output_tokens)
    }

    /// What the folded calls have shown of tokens.
    #[must_use]
    pub fn ratios(&self) -> &TokenRatios {
        &self.ratios
    }

    /// Folded answered calls of a role.
    #[must_use]
    pub fn answered(&self, role: ModelRole) -> Use {
        self.answered.get(&role).copied().unwrap_or_default()
    }

    /// Folded answered calls of all mutators.
    #[must_use]
    pub fn answered_by_mutators(&self) -> Use {
        let of_mutators = self.answered.iter().filter(|(role, _)| role.is_mutator());
        of_mutators.fold(Use::default(), |sum, (_, used)| sum + *used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Answered, Failure};
    use proptest::prelude::*;

    fn amount(nanos: u64) -> Amount {
        Amount { usd: Usd::from_nanos(nanos), tokens: Tokens(nanos) }
    }

    fn answered(call: u64, nanos: u64) -> Event {
        let sample = Answered::sample(Call(call));
        Event::Answered(Answered { input: nanos, out: 0, usd: Usd::from_nanos(nanos), ..sample })
    }

    fn failed(call: u64, nanos: u64) -> Event {
        let (call, failure) = (Call(call), Failure::Timeout);
        Event::AttemptFailed { call, failure, charged: amount(nanos) }
    }

    fn answer(nanos: u64) -> Option<Answer> {
        let usage = Usage::plain(nanos, 0);
        Some(Answer { usage, usd: Usd::from_nanos(nanos), bytes: 30, is_estimated: false })
    }

    #[test]
    fn a_program_is_a_proposal_and_no_call() {
        let mut plan = PlanLedger::default();
        plan.issue(Issued::Evaluation, Share::Hold, amount(1));
        plan.issue(Issued::Proposal, Share::Search, amount(2));
        plan.issue(Issued::Program, Share::Search, Amount::ZERO);
        assert_eq!((plan.calls(Share::Search), plan.calls(Share::Hold)), (1, 1));
        assert_eq!(plan.proposals(), 2);
        assert_eq!((plan.taken(Share::Search), plan.taken(Share::Hold)), (amount(2), amount(1)));
    }

    /// What an earlier confirmation took is spent, and nothing of what is kept for the next one.
    #[test]
    fn a_run_that_goes_on_keeps_for_its_confirmation_anew() {
        let mut plan = PlanLedger::default();
        plan.issue(Issued::Evaluation, Share::Search, amount(5));
        plan.issue(Issued::Evaluation, Share::Hold, amount(10));
        plan.fold(Call(1), ModelRole::Task, Share::Hold, amount(10), answer(4));
        let (at, caps) = (jiff::Timestamp::UNIX_EPOCH, crate::caps::Caps::default());
        let earlier = crate::event::EarlierEnd::sample(crate::id::CandidateIx(1));
        plan.apply(&Event::Reopened { at, caps, earlier });
        assert_eq!((plan.taken(Share::Hold), plan.calls(Share::Hold)), (Amount::ZERO, 0));
        assert_eq!((plan.taken(Share::Search), plan.calls(Share::Search)), (amount(5 + 4), 2));
    }

    #[test]
    fn a_reply_of_a_program_teaches_nothing_about_models() {
        let mut plan = PlanLedger::default();
        let said =
            Answer { usage: Usage::default(), usd: Usd::ZERO, bytes: 0, is_estimated: false };
        plan.fold(Call(0), ModelRole::MUTATOR, Share::Search, Amount::ZERO, Some(said));
        assert_eq!(plan.answered(ModelRole::MUTATOR), Use::default());
        assert_eq!(plan.ratios().largest(ModelRole::MUTATOR), None);
    }

    #[test]
    fn a_loss_is_charged_once_at_what_the_wallet_had_reserved() {
        let mut plan = PlanLedger::default();
        let (call, role, share) = (Call(3), ModelRole::Task, Share::Search);
        plan.issue(Issued::Evaluation, share, amount(10));
        plan.apply(&Event::Reserved { call, amount: amount(7), role, share });
        assert_eq!(plan.taken(share), amount(10), "a reservation of the wallet is not the plan's");
        plan.apply(&Event::Lost { call });
        plan.apply(&Event::Lost { call });
        assert_eq!(plan.taken(share), amount(17));
        plan.fold(call, role, share, amount(10), answer(4));
        assert_eq!(plan.taken(share), amount(7 + 4));
    }

    fn hedged(call: u64, nanos: u64) -> Event {
        let (role, share) = (ModelRole::Task, Share::Search);
        Event::Hedged { call: Call(call), amount: amount(nanos), role, share }
    }

    /// Its bill may come before its call is folded or after: what it was charged changes nothing.
    #[test]
    fn a_hedge_costs_what_the_answer_costs_and_a_lost_one_its_worst_case_once() {
        let (share, role) = (Share::Search, ModelRole::Task);
        let taken = |settled: Option<Event>, answer: Option<Answer>| {
            let mut plan = PlanLedger::default();
            plan.issue(Issued::Evaluation, share, amount(10));
            plan.apply(&hedged(0, 9));
            assert_eq!(plan.taken(share), amount(10), "an arrival was noticed");
            settled.iter().for_each(|event| plan.apply(event));
            plan.fold(Call(0), role, share, amount(10), answer);
            plan.taken(share)
        };
        let settled = || Event::HedgeSettled { call: Call(0), charged: amount(7), failure: None };
        let lost = || Event::Lost { call: Call(0) };
        assert_eq!(taken(None, answer(4)), amount(4 + 4));
        assert_eq!(taken(Some(settled()), answer(4)), amount(4 + 4));
        assert_eq!(taken(Some(settled()), None), amount(10), "what the plan had set aside");
        assert_eq!(taken(Some(lost()), answer(4)), amount(9 + 4));
        // What is lost after its call was folded was charged then.
        let mut plan = PlanLedger::default();
        plan.issue(Issued::Evaluation, share, amount(10));
        plan.apply(&hedged(0, 9));
        plan.fold(Call(0), role, share, amount(10), answer(4));
        plan.apply(&lost());
        assert_eq!(plan.taken(share), amount(4 + 4));
        assert_eq!(plan.open_hedges.len(), 0);
    }

    #[test]
    fn an_attempt_that_cost_nothing_is_not_charged() {
        let mut plan = PlanLedger::default();
        plan.issue(Issued::Evaluation, Share::Search, amount(10));
        plan.apply(&failed(0, 0));
        plan.apply(&failed(0, 3));
        plan.fold(Call(0), ModelRole::Task, Share::Search, amount(10), None);
        assert_eq!(plan.taken(Share::Search), amount(10), "what the plan had set aside, once");
    }

    /// What a decision reads.
    fn seen(plan: &PlanLedger) -> String {
        let shares =
            [Share::Search, Share::Hold].map(|share| (plan.taken(share), plan.calls(share)));
        let role = ModelRole::Task;
        let (tokens, ratio) = (plan.prompt_tokens(role, 1_000), plan.ratios().largest(role));
        let (used, bytes) = (plan.answered(role), plan.answered_bytes(role));
        format!("{shares:?} {} {tokens} {ratio:?} {used:?} {bytes}", plan.proposals())
    }

    proptest! {
        /// Decisions depend on the order of issue and fold. When answers and failures arrive between
        /// the two, and in which order, changes nothing that a decision reads.
        #[test]
        fn what_is_read_does_not_depend_on_the_order_of_arrival(
            calls in prop::collection::vec((1u64..50, 0u64..3, 0u64..50, any::<bool>()), 1..12),
            order in prop::collection::vec(any::<prop::sample::Index>(), 12),
        ) {
            let share = |hold: bool| if hold { Share::Hold } else { Share::Search };
            let issue = |plan: &mut PlanLedger| {
                for (reserve, _, _, hold) in &calls {
                    plan.issue(Issued::Evaluation, share(*hold), amount(*reserve));
                }
            };
            let arrive = |plan: &mut PlanLedger, place: usize, charged: u64| {
                let (call, (_, failures, cost, hold)) = (place as u64, calls[place]);
                for _ in 0..failures {
                    let event = Event::Reserved {
                        call: Call(call),
                        amount: amount(charged),
                        role: ModelRole::Task,
                        share: share(hold),
                    };
                    plan.apply(&event);
                    plan.apply(&failed(call, charged));
                }
                plan.apply(&answered(call, cost));
            };
            let fold = |plan: &mut PlanLedger, place: usize| {
                let (reserve, _, cost, hold) = calls[place];
                let call = Call(place as u64);
                plan.fold(call, ModelRole::Task, share(hold), amount(reserve), answer(cost));
            };

            // Each answer arrives just before it is folded.
            let mut late = PlanLedger::default();
            issue(&mut late);
            let mut expected = vec![seen(&late)];
            for place in 0..calls.len() {
                arrive(&mut late, place, 1);
                fold(&mut late, place);
                expected.push(seen(&late));
            }

            // All answers arrive first, in some order, and the wallet was charged something else.
            let mut early = PlanLedger::default();
            issue(&mut early);
            let mut left: Vec<usize> = (0..calls.len()).collect();
            for index in order.iter().take(calls.len()) {
                let place = left.remove(index.index(left.len()));
                arrive(&mut early, place, 1 + place as u64);
                prop_assert_eq!(&seen(&early), &expected[0], "an arrival was noticed");
            }
            for place in 0..calls.len() {
                fold(&mut early, place);
                prop_assert_eq!(&seen(&early), &expected[place + 1]);
            }
        }

        /// When everything is folded, nothing is reserved any more.
        #[test]
        fn all_reservations_are_given_back(
            reserves in prop::collection::vec((0u64..1_000, 0u64..1_000), 1..30),
        ) {
            let mut plan = PlanLedger::default();
            for (reserve, _) in &reserves {
                plan.issue(Issued::Evaluation, Share::Search, amount(*reserve));
            }
            for (place, (reserve, cost)) in (0..).zip(&reserves) {
                let (role, share) = (ModelRole::Task, Share::Search);
                plan.fold(Call(place), role, share, amount(*reserve), answer(*cost));
            }
            let cost = reserves.iter().map(|(_, cost)| amount(*cost)).sum();
            prop_assert_eq!(plan.taken(Share::Search), cost);
        }
    }
}
