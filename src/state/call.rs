//! Events of a call: facts from outside, and what a call's issue and fold do to the plan.

use super::facts::Facts;
use super::open_call::{Arrival, OpenCall, Work};
use crate::budget::Amount;
use crate::event::{CachedOf, Event};
use crate::id::{Call, EventNumber};

impl Facts {
    pub(super) fn apply_call(&mut self, number: EventNumber, event: &Event) {
        match event {
            Event::Reserved { call, amount, share, .. } => {
                self.open_reservations.insert(*call, (*share, *amount));
            }
            Event::Answered(answered) => {
                self.open_reservations.remove(&answered.call);
                self.arrivals.insert(
                    answered.call,
                    Arrival {
                        answer: Some(number),
                        verdict: None,
                        usage: answered.usage(),
                        usd: answered.usd,
                        bytes: answered.bytes,
                    },
                );
            }
            Event::AttemptFailed { call, charged, .. } => {
                self.open_reservations.remove(call);
                if *charged != Amount::ZERO {
                    *self.failed_attempts.entry(*call).or_default() += 1;
                }
            }
            Event::CallMissing { call, .. } => {
                self.open_reservations.remove(call);
                self.arrivals.insert(*call, Arrival::NONE);
            }
            Event::Scored { call, .. } => {
                if let Some(arrival) = self.arrivals.get_mut(call) {
                    arrival.verdict = Some(number);
                }
            }
            Event::Lost { call } => {
                // A loss is charged at once: the answer that is bought again is charged when it is
                // folded.
                if let Some((share, amount)) = self.open_reservations.remove(call) {
                    *self.plan.spent.entry(share).or_default() += amount;
                }
            }
            _ => {}
        }
    }

    /// Takes a call out of what is open and charges the plan for all its attempts.
    pub(super) fn fold_call(&mut self, call: Call) -> Option<(OpenCall, Option<Arrival>)> {
        let open = self.evaluations.remove(&call).or_else(|| self.proposals.remove(&call))?;
        let share = open.work.share();
        if let Some(reserved) = self.plan.reserved.get_mut(&share) {
            *reserved = reserved.less(open.reserve);
        }
        let arrival = self.arrivals.remove(&call);
        // Calls that waited for this call's answer now get it, or learn that there is none.
        for waiting in self.served_by.remove(&call).into_iter().flatten() {
            let Some(served) = self.evaluations.get_mut(&waiting) else {
                continue;
            };
            served.cached = arrival.and_then(|arrival| arrival.answer).map(CachedOf::Answer);
            if served.cached.is_none() {
                self.arrivals.insert(waiting, Arrival::NONE);
            }
        }
        // A failed attempt costs the plan what the plan had set aside for it. What the wallet was
        // charged depends on what had arrived by then, and must not enter a decision.
        let mut cost = open.reserve.times(self.failed_attempts.remove(&call).unwrap_or(0));
        if let Some(arrival) = &arrival
            && open.cached.is_none()
            && arrival.answer.is_some()
        {
            let role = open.work.role();
            cost += Amount { usd: arrival.usd, tokens: arrival.usage.total() };
            // What a program of the user's says has no request to a model.
            if arrival.bytes > 0 {
                self.plan.answered.entry(role).or_default().add(arrival.usage, arrival.usd);
                *self.plan.bytes.entry(role).or_default() += arrival.bytes;
                let ratio = arrival.usage.input.0 as f64 / arrival.bytes as f64;
                let largest = self.plan.ratio.entry(role).or_default();
                *largest = largest.max(ratio);
            }
        }
        *self.plan.spent.entry(share).or_default() += cost;
        Some((open, arrival))
    }

    pub(super) fn issue(
        &mut self,
        call: Call,
        work: Work,
        reserve: Amount,
        cached: Option<CachedOf>,
    ) {
        let share = work.share();
        let is_proposal = matches!(work, Work::Proposal(_));
        if cached.is_none() {
            *self.plan.reserved.entry(share).or_default() += reserve;
            *self.plan.calls.entry(share).or_default() += 1;
            self.plan.proposals += u64::from(is_proposal);
        }
        if let Some(CachedOf::Call(of)) = cached {
            self.served_by.entry(of).or_default().push(call);
        }
        self.counts.cached += u64::from(cached.is_some());
        let reserve = if cached.is_none() { reserve } else { Amount::ZERO };
        let is_asked = cached.is_none();
        let open = OpenCall { work, reserve, cached, is_asked, issued_at: self.counts.folded };
        if is_proposal {
            self.proposals.insert(call, open);
        } else {
            self.evaluations.insert(call, open);
        }
        self.next_call = Call(self.next_call.0.max(call.0 + 1));
    }
}
