//! The wallet's side of the ledger: what was or may have been billed, and what is out.
//!
//! Every reservation and every arrival enters at once, as its event, live and on replay alike.
//! Whether work is issued is decided by the plan.

use crate::caps::{Caps, Share};
use crate::event::{Answered, Event, Failure, NoAnswer, StopReason};
use crate::id::Call;
use crate::task::model::{ModelRole, Usage};
use crate::units::{Amount, Usd};
use std::collections::{BTreeMap, HashMap};

/// What a role has done and cost, lost calls included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoleSpending {
    /// Logical calls; cached ones do not count.
    pub calls: u64,
    /// Tokens of answered calls.
    pub usage: Usage,
    /// All that was or may have been billed.
    pub charged: Amount,
    /// How many calls came in batches.
    pub batched: u64,
    /// What they would have cost more live.
    pub batch_saved: Usd,
    /// How many requests were sent once more, because they were late.
    pub hedged: u64,
    /// Of how many of these pairs a request failed, or both did.
    pub failed_hedges: u64,
    /// What these second requests cost more; it is in `charged`.
    pub hedge_charged: Amount,
    /// How many batches their provider had twice.
    pub surplus_batches: u64,
    /// What those that did not count cost more; it is in `charged`.
    pub surplus_charged: Amount,
    /// How many attempts had no answer and may have been billed.
    pub failed: u64,
    /// What they are charged with, their worst case where no usage is known; it is in `charged`.
    pub failed_charged: Amount,
}

/// An open reservation.
#[derive(Clone, Copy, Debug)]
struct Reserved {
    amount: Amount,
    role: ModelRole,
    share: Share,
}

/// The truth about what was spent: every arrival is settled at once.
#[derive(Clone, Debug, Default)]
pub struct Wallet {
    caps: Caps,
    /// What the hold confirmation keeps from the search.
    hold_share: Amount,
    open: HashMap<Call, Reserved>,
    /// The second request of a hedged attempt, or what is left of its two requests once one was answered.
    open_hedges: HashMap<Call, Reserved>,
    open_total: BTreeMap<Share, Amount>,
    spent: BTreeMap<Share, Amount>,
    by_role: BTreeMap<ModelRole, RoleSpending>,
    lost: Amount,
}

impl Wallet {
    /// An untouched wallet.
    #[must_use]
    pub fn new(caps: Caps) -> Self {
        Self { caps, ..Self::default() }
    }

    /// Replaces the caps, as a resumed or retuned run may.
    pub fn set_caps(&mut self, caps: Caps) {
        self.caps = caps;
    }

    /// Sets how much the search must leave to the confirmation.
    pub fn set_hold_share(&mut self, amount: Amount) {
        self.hold_share = amount;
    }

    /// Whether an attempt of this worst case may be sent now.
    #[must_use]
    pub fn fits(&self, share: Share, worst: Amount) -> bool {
        let taken = |share| {
            self.spent.get(&share).copied().unwrap_or_default()
                + self.open_total.get(&share).copied().unwrap_or_default()
        };
        let mut total = taken(Share::Search) + taken(Share::Hold) + worst;
        if share == Share::Search {
            // What the confirmation has not used yet stays set aside for it.
            total += self.hold_share.less(taken(Share::Hold));
        }
        self.caps.usd.is_none_or(|cap| total.usd <= cap)
            && self.caps.tokens.is_none_or(|cap| total.tokens <= cap)
    }

    /// Whether a cap on money or tokens binds it.
    #[must_use]
    pub fn is_capped(&self) -> bool {
        self.caps.usd.is_some() || self.caps.tokens.is_some()
    }

    /// Whether a cap in dollars is set.
    #[must_use]
    pub fn is_capped_in_usd(&self) -> bool {
        self.caps.usd.is_some()
    }

    /// The cap that was passed by what providers billed, in words, if one was.
    #[must_use]
    pub fn passed_cap(&self) -> Option<String> {
        let spent = self.spent();
        let usd = self.caps.usd.filter(|cap| spent.usd > *cap);
        let tokens = self.caps.tokens.filter(|cap| spent.tokens > *cap);
        let than = "the providers billed more than the budget:";
        match (usd, tokens) {
            (Some(cap), _) => Some(format!("{than} {} under a cap of {cap}", spent.usd)),
            (None, Some(cap)) => {
                Some(format!("{than} {} tokens under a cap of {}", spent.tokens.0, cap.0))
            }
            (None, None) => None,
        }
    }

    /// The cap that the wallet is nearest to the end of, as the reason for which it ends a run.
    #[must_use]
    pub fn nearest_cap(&self) -> Option<StopReason> {
        let spent = self.spent();
        let usd = self.caps.usd.map(|cap| spent.usd.dollars() / cap.dollars().max(1e-9));
        let tokens = self.caps.tokens.map(|cap| spent.tokens.0 as f64 / cap.0.max(1) as f64);
        match (usd, tokens) {
            (Some(usd), Some(tokens)) if tokens > usd => Some(StopReason::BudgetTokens),
            (Some(_), _) => Some(StopReason::BudgetUsd),
            (None, Some(_)) => Some(StopReason::BudgetTokens),
            (None, None) => None,
        }
    }

    /// What is set aside for a call.
    #[must_use]
    pub fn reserved(&self, call: Call) -> Amount {
        self.open.get(&call).map_or(Amount::ZERO, |held| held.amount)
    }

    /// What is set aside for the hedge of a call, where it has one that is not settled.
    #[must_use]
    pub fn hedge(&self, call: Call) -> Option<Amount> {
        self.open_hedges.get(&call).map(|held| held.amount)
    }

    /// Calls with a hedge that is not settled.
    #[must_use]
    pub fn open_hedges(&self) -> Vec<Call> {
        let mut calls: Vec<_> = self.open_hedges.keys().copied().collect();
        calls.sort();
        calls
    }

    /// Whether nothing is reserved: no attempt is out that could still give something back.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.open.is_empty() && self.open_hedges.is_empty()
    }

    /// Calls for which something is reserved and not settled, with all of that: the ones that a kill would
    /// lose.
    #[must_use]
    pub fn open_calls(&self) -> Vec<(Call, ModelRole, Share, Amount)> {
        let mut calls = BTreeMap::new();
        for (call, held) in self.open.iter().chain(&self.open_hedges) {
            let Reserved { amount, role, share } = *held;
            calls.entry(*call).or_insert((role, share, Amount::ZERO)).2 += amount;
        }
        calls.into_iter().map(|(call, (role, share, amount))| (call, role, share, amount)).collect()
    }

    /// Takes in an event: the only way in which a wallet changes what it holds.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Reserved { call, amount, role, share } => {
                self.reserve(*call, *role, *share, *amount);
            }
            Event::Answered(answered) => {
                self.settle(answered);
            }
            Event::AttemptFailed { call, charged, .. } => self.settle_failed(*call, *charged),
            Event::Hedged { call, amount, role, share } => {
                self.reserve_hedge(*call, *role, *share, *amount);
            }
            Event::HedgeSettled { call, charged, failure } => {
                self.settle_hedge(*call, *charged, *failure);
            }
            Event::BatchSurplus { charged, role, share, .. } => {
                self.charge(*role, *share, *charged);
                let role = self.by_role.entry(*role).or_default();
                role.surplus_batches += 1;
                role.surplus_charged += *charged;
            }
            Event::CallMissing { call, role, cause, .. } => {
                self.settle_missing(*call, *role, *cause);
            }
            Event::CallsReopened { role, calls } => {
                let role = self.by_role.entry(*role).or_default();
                role.calls = role.calls.saturating_sub(calls.len() as u64);
            }
            Event::Lost { call } => self.lose(*call),
            // What an earlier confirmation took is nothing that the next one has.
            Event::Reopened { .. } | Event::ConfirmationAsked { .. } => {
                let spent = self.spent.remove(&Share::Hold).unwrap_or_default();
                *self.spent.entry(Share::Search).or_default() += spent;
            }
            _ => {}
        }
    }

    /// Sets a call's worst case aside.
    fn reserve(&mut self, call: Call, role: ModelRole, share: Share, amount: Amount) {
        self.release(call);
        *self.open_total.entry(share).or_default() += amount;
        self.open.insert(call, Reserved { amount, role, share });
    }

    /// Sets the worst case of a call's second request aside.
    fn reserve_hedge(&mut self, call: Call, role: ModelRole, share: Share, amount: Amount) {
        self.release_hedge(call);
        *self.open_total.entry(share).or_default() += amount;
        self.open_hedges.insert(call, Reserved { amount, role, share });
        self.by_role.entry(role).or_default().hedged += 1;
    }

    /// Takes a reservation back; what it was, if there was one.
    fn release(&mut self, call: Call) -> Option<Reserved> {
        let held = self.open.remove(&call)?;
        self.give_back(held);
        Some(held)
    }

    fn release_hedge(&mut self, call: Call) -> Option<Reserved> {
        let held = self.open_hedges.remove(&call)?;
        self.give_back(held);
        Some(held)
    }

    fn give_back(&mut self, held: Reserved) {
        if let Some(total) = self.open_total.get_mut(&held.share) {
            *total = total.less(held.amount);
        }
    }

    /// A call was answered.
    fn settle(&mut self, answered: &Answered) {
        let Some(held) = self.release(answered.call) else {
            return;
        };
        let usage = answered.usage();
        self.charge(held.role, held.share, Amount { usd: answered.usd, tokens: usage.total() });
        let role = self.by_role.entry(held.role).or_default();
        role.calls += 1;
        role.usage += usage;
        if let Some(live) = answered.live {
            role.batched += 1;
            role.batch_saved += live.saturating_sub(answered.usd);
        }
    }

    /// An attempt failed and may have cost this much. The reservation is given back: a retry
    /// reserves anew.
    fn settle_failed(&mut self, call: Call, charged: Amount) {
        let Some(held) = self.release(call) else {
            return;
        };
        self.charge(held.role, held.share, charged);
        if charged != Amount::ZERO {
            let role = self.by_role.entry(held.role).or_default();
            role.failed += 1;
            role.failed_charged += charged;
        }
    }

    /// The request of a hedged attempt that does not count is over.
    fn settle_hedge(&mut self, call: Call, charged: Amount, failure: Option<Failure>) {
        let Some(held) = self.release_hedge(call) else {
            return;
        };
        let role = self.by_role.entry(held.role).or_default();
        match failure {
            None => {}
            Some(Failure::Unsent) => role.hedged = role.hedged.saturating_sub(1),
            Some(_) => role.failed_hedges += 1,
        }
        self.charge_hedge(held, charged);
    }

    fn charge_hedge(&mut self, held: Reserved, charged: Amount) {
        self.charge(held.role, held.share, charged);
        self.by_role.entry(held.role).or_default().hedge_charged += charged;
    }

    /// A call ended without an answer. It counts as a call of its role, unless it was never sent.
    fn settle_missing(&mut self, call: Call, role: ModelRole, cause: NoAnswer) {
        self.release(call);
        self.by_role.entry(role).or_default().calls += u64::from(!cause.is_unsent());
    }

    /// A kill lost what was reserved: charged at its worst case, in money and tokens only.
    fn lose(&mut self, call: Call) {
        if let Some(held) = self.release(call) {
            self.charge(held.role, held.share, held.amount);
            self.lost += held.amount;
        }
        if let Some(held) = self.release_hedge(call) {
            self.charge_hedge(held, held.amount);
            self.lost += held.amount;
        }
    }

    fn charge(&mut self, role: ModelRole, share: Share, amount: Amount) {
        *self.spent.entry(share).or_default() += amount;
        self.by_role.entry(role).or_default().charged += amount;
    }

    /// All that was or may have been billed so far.
    #[must_use]
    pub fn spent(&self) -> Amount {
        self.spent.values().copied().sum()
    }

    /// What kills have lost.
    #[must_use]
    pub fn lost(&self) -> Amount {
        self.lost
    }

    /// Spending by role.
    #[must_use]
    pub fn by_role(&self, role: ModelRole) -> RoleSpending {
        self.by_role.get(&role).copied().unwrap_or_default()
    }

    /// The roles that have spent or asked anything.
    pub fn roles(&self) -> impl Iterator<Item = ModelRole> {
        self.by_role.keys().copied()
    }

    /// Logical calls of all roles.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.by_role.values().map(|role| role.calls).sum()
    }

    /// Logical calls of all mutators.
    #[must_use]
    pub fn proposals(&self) -> u64 {
        let of_mutators = self.by_role.iter().filter(|(role, _)| role.is_mutator());
        of_mutators.map(|(_, role)| role.calls).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Tokens;

    use proptest::prelude::*;

    fn usd(nanos: u64) -> Amount {
        Amount { usd: Usd::from_nanos(nanos), tokens: Tokens::ZERO }
    }

    fn capped(nanos: u64) -> Wallet {
        Wallet::new(Caps { usd: Some(Usd::from_nanos(nanos)), ..Caps::default() })
    }

    fn reserved(call: u64, role: ModelRole, share: Share, nanos: u64) -> Event {
        Event::Reserved { call: Call(call), amount: usd(nanos), role, share }
    }

    fn hedged(call: u64, share: Share, nanos: u64) -> Event {
        Event::Hedged { call: Call(call), amount: usd(nanos), role: ModelRole::Task, share }
    }

    fn hedge_settled(call: u64, nanos: u64) -> Event {
        Event::HedgeSettled { call: Call(call), charged: usd(nanos), failure: None }
    }

    fn answered(call: u64, nanos: u64) -> Event {
        let sample = Answered::sample(Call(call));
        Event::Answered(Answered { input: 0, out: 0, usd: Usd::from_nanos(nanos), ..sample })
    }

    fn failed(call: u64, nanos: u64) -> Event {
        Event::AttemptFailed { call: Call(call), failure: Failure::Timeout, charged: usd(nanos) }
    }

    fn missing(call: u64) -> Event {
        let cause = crate::event::NoAnswer::Transport;
        Event::CallMissing { call: Call(call), role: ModelRole::Task, cause, why: String::new() }
    }

    #[test]
    fn the_hold_share_is_kept_from_the_search_and_not_from_hold() {
        let mut wallet = capped(100);
        wallet.set_hold_share(usd(40));
        assert!(wallet.fits(Share::Search, usd(60)));
        assert!(!wallet.fits(Share::Search, usd(61)));
        wallet.apply(&reserved(0, ModelRole::Task, Share::Hold, 30));
        assert!(wallet.fits(Share::Search, usd(60)), "hold spends out of its own share");
        wallet.apply(&reserved(1, ModelRole::Task, Share::Search, 60));
        assert!(wallet.fits(Share::Hold, usd(10)));
        assert!(!wallet.fits(Share::Hold, usd(11)));
    }

    #[test]
    fn a_run_that_goes_on_keeps_its_hold_share_anew() {
        let mut wallet = capped(100);
        wallet.set_hold_share(usd(40));
        wallet.apply(&reserved(0, ModelRole::Task, Share::Hold, 30));
        wallet.apply(&answered(0, 30));
        let (at, caps) = (jiff::Timestamp::UNIX_EPOCH, Caps::default());
        let earlier = crate::event::EarlierEnd::sample(crate::id::CandidateIx(1));
        wallet.apply(&Event::Reopened { at, caps, earlier });
        assert_eq!(wallet.spent(), usd(30));
        assert!(wallet.fits(Share::Search, usd(30)) && !wallet.fits(Share::Search, usd(31)));
        assert!(wallet.fits(Share::Hold, usd(70)) && !wallet.fits(Share::Hold, usd(71)));
    }

    #[test]
    fn a_lost_call_costs_its_worst_case_and_is_no_call() {
        let mut wallet = Wallet::new(Caps::default());
        wallet.apply(&reserved(7, ModelRole::MUTATOR, Share::Search, 9));
        wallet.apply(&Event::Lost { call: Call(7) });
        wallet.apply(&Event::Lost { call: Call(7) });
        assert_eq!((wallet.spent(), wallet.lost(), wallet.calls()), (usd(9), usd(9), 0));
        assert_eq!(wallet.by_role(ModelRole::MUTATOR).charged, usd(9));
    }

    #[test]
    fn the_nearest_cap_is_the_one_of_which_most_is_used() {
        assert_eq!(Wallet::new(Caps::default()).nearest_cap(), None);
        let caps = |usd, tokens| Caps {
            usd: Some(Usd::from_nanos(usd)),
            tokens: Some(Tokens(tokens)),
            ..Caps::default()
        };
        for (usd, tokens, nearest) in [
            (100_000_000_000, 12, StopReason::BudgetTokens),
            (20, 1_000_000, StopReason::BudgetUsd),
        ] {
            let mut wallet = Wallet::new(caps(usd, tokens));
            wallet.apply(&reserved(0, ModelRole::Task, Share::Search, 10));
            let sample = Answered::sample(Call(0));
            wallet.apply(&Event::Answered(Answered { usd: Usd::from_nanos(10), ..sample }));
            assert_eq!(wallet.nearest_cap(), Some(nearest));
        }
    }

    #[test]
    fn a_bill_above_its_reservation_is_debited_in_full() {
        let mut wallet = capped(100);
        wallet.apply(&reserved(0, ModelRole::Task, Share::Search, 10));
        wallet.apply(&answered(0, 95));
        assert_eq!(wallet.spent(), usd(95));
        assert!(!wallet.fits(Share::Search, usd(6)) && wallet.fits(Share::Search, usd(5)));
    }

    #[test]
    fn a_call_that_failed_and_was_tried_again_is_one_call_and_costs_both_attempts() {
        let mut wallet = Wallet::new(Caps::default());
        wallet.apply(&reserved(0, ModelRole::Task, Share::Search, 10));
        wallet.apply(&failed(0, 10));
        assert!(wallet.is_idle(), "a retry reserves anew");
        wallet.apply(&reserved(0, ModelRole::Task, Share::Search, 12));
        wallet.apply(&answered(0, 5));
        assert_eq!((wallet.calls(), wallet.spent()), (1, usd(15)));
        let role = wallet.by_role(ModelRole::Task);
        assert_eq!((role.failed, role.failed_charged), (1, usd(10)));
        wallet.apply(&answered(1, 5));
        assert_eq!(wallet.spent(), usd(15), "what was not reserved, a program's reply, is free");
    }

    #[test]
    fn both_requests_of_a_hedged_call_are_charged_and_it_is_one_call() {
        let mut wallet = Wallet::new(Caps::default());
        wallet.apply(&reserved(0, ModelRole::Task, Share::Search, 10));
        wallet.apply(&hedged(0, Share::Search, 12));
        assert_eq!(wallet.open_calls(), [(Call(0), ModelRole::Task, Share::Search, usd(22))]);
        wallet.apply(&answered(0, 4));
        assert!(!wallet.is_idle(), "the other request is out");
        wallet.apply(&hedge_settled(0, 5));
        wallet.apply(&hedge_settled(0, 5));
        let role = wallet.by_role(ModelRole::Task);
        assert_eq!((wallet.calls(), wallet.spent(), wallet.is_idle()), (1, usd(9), true));
        assert_eq!((role.hedged, role.hedge_charged), (1, usd(5)));
    }

    #[test]
    fn a_hedge_that_failed_is_counted_and_one_that_was_not_sent_is_none() {
        let mut wallet = Wallet::new(Caps::default());
        for (call, failure) in [(0, None), (1, Some(Failure::Timeout)), (2, Some(Failure::Unsent))]
        {
            wallet.apply(&reserved(call, ModelRole::Task, Share::Search, 10));
            wallet.apply(&hedged(call, Share::Search, 12));
            wallet.apply(&answered(call, 4));
            let charged = usd(if failure == Some(Failure::Unsent) { 0 } else { 5 });
            wallet.apply(&Event::HedgeSettled { call: Call(call), charged, failure });
        }
        let role = wallet.by_role(ModelRole::Task);
        assert_eq!((role.hedged, role.failed_hedges, role.hedge_charged), (2, 1, usd(10)));
    }

    #[test]
    fn a_kill_loses_a_hedge_once_whether_its_call_was_answered_or_not() {
        for (is_answered, lost) in [(true, 12), (false, 22)] {
            let mut wallet = Wallet::new(Caps::default());
            wallet.apply(&reserved(0, ModelRole::Task, Share::Search, 10));
            wallet.apply(&hedged(0, Share::Search, 12));
            if is_answered {
                wallet.apply(&answered(0, 4));
            }
            wallet.apply(&Event::Lost { call: Call(0) });
            wallet.apply(&Event::Lost { call: Call(0) });
            wallet.apply(&hedge_settled(0, 12));
            assert_eq!((wallet.lost(), wallet.is_idle()), (usd(lost), true));
            assert_eq!(wallet.by_role(ModelRole::Task).hedge_charged, usd(12));
        }
    }

    proptest! {
        /// Whatever is reserved, hedged, settled, failed, given up or lost, in whatever order: as long as no
        /// attempt is sent that does not fit and no bill is above its reservation, the cap holds, and
        /// the search leaves to the confirmation what is set aside for it.
        #[test]
        fn the_cap_holds(
            // Hold asks seldom, so that the search comes to the end of what it may take.
            steps in prop::collection::vec(
                (0u8..7, 0u64..8, 1u64..50, prop::bool::weighted(0.05)),
                1..300,
            ),
        ) {
            let mut wallet = capped(500);
            wallet.set_hold_share(usd(100));
            for (kind, call, nanos, hold) in steps {
                let share = if hold { Share::Hold } else { Share::Search };
                let held = wallet.open.get(&Call(call)).map(|held| held.amount.usd.nanos());
                let hedge = wallet.hedge(Call(call)).map(|amount| amount.usd.nanos());
                match (kind, held) {
                    (0, None) if wallet.fits(share, usd(nanos)) => {
                        wallet.apply(&reserved(call, ModelRole::Task, share, nanos));
                    }
                    (1, Some(held)) => wallet.apply(&answered(call, nanos.min(held))),
                    (2, Some(held)) => wallet.apply(&failed(call, held)),
                    (3, _) => wallet.apply(&Event::Lost { call: Call(call) }),
                    (4, _) => wallet.apply(&missing(call)),
                    (5, Some(_)) if hedge.is_none() && wallet.fits(share, usd(nanos)) => {
                        wallet.apply(&hedged(call, share, nanos));
                    }
                    (6, _) => wallet.apply(&hedge_settled(call, nanos.min(hedge.unwrap_or(0)))),
                    _ => {}
                }
                let open: Amount = wallet.open_calls().iter().map(|(.., amount)| *amount).sum();
                prop_assert!((wallet.spent() + open).usd <= Usd::from_nanos(500));
                prop_assert_eq!(open, wallet.open_total.values().copied().sum());
                let of_search = |amounts: &BTreeMap<Share, Amount>| {
                    amounts.get(&Share::Search).copied().unwrap_or_default()
                };
                let search = of_search(&wallet.spent) + of_search(&wallet.open_total);
                prop_assert!(search.usd <= Usd::from_nanos(400), "the search took {:?}", search);
                let by_role: Amount = wallet.by_role.values().map(|role| role.charged).sum();
                prop_assert_eq!(by_role, wallet.spent());
            }
            for call in 0..8 {
                wallet.apply(&Event::Lost { call: Call(call) });
            }
            prop_assert!(wallet.is_idle(), "a reservation is never given back");
            prop_assert_eq!(wallet.open_total.values().copied().sum::<Amount>(), Amount::ZERO);
        }

        /// The same events in one order of arrival or another leave the same wallet.
        #[test]
        fn the_end_does_not_depend_on_the_order_of_arrival(
            calls in prop::collection::vec((1u64..50, 0u64..50, 0u8..4, any::<bool>()), 1..12),
        ) {
            let end = |backwards: bool| {
                let mut wallet = Wallet::new(Caps::default());
                for (call, (amount, ..)) in (0..).zip(&calls) {
                    wallet.apply(&reserved(call, ModelRole::Task, Share::Search, *amount));
                }
                let mut arrivals: Vec<Event> = (0..)
                    .zip(&calls)
                    .map(|(call, (_, cost, kind, _))| match kind {
                        0 => answered(call, *cost),
                        1 => failed(call, *cost),
                        2 => missing(call),
                        _ => Event::Lost { call: Call(call) },
                    })
                    .collect();
                for (call, (amount, cost, kind, is_hedged)) in (0..).zip(&calls) {
                    // What a kill loses is settled by that.
                    if *is_hedged && *kind < 3 {
                        wallet.apply(&hedged(call, Share::Search, *amount));
                        arrivals.push(hedge_settled(call, *cost));
                    }
                }
                if backwards {
                    arrivals.reverse();
                }
                arrivals.iter().for_each(|event| wallet.apply(event));
                (wallet.spent(), wallet.lost(), wallet.calls(), wallet.is_idle())
            };
            prop_assert_eq!(end(false), end(true));
            prop_assert!(end(false).3);
        }
    }
}
