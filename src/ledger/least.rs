//! The least that caps can be: what is spent, or may be by calls that are issued already.
//!
//! A cap below that could not be kept, or would leave calls of the search without an answer.

use super::plan::PlanLedger;
use super::wallet::Wallet;
use crate::caps::{Caps, Share};
use crate::text;
use crate::units::{Tokens, Usd};

/// What a run has used, together with what its issued calls may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Least {
    usd: Usd,
    calls: u64,
    tokens: Tokens,
    proposals: u64,
}

impl Least {
    /// Of a run that does not work: what is not sent yet is sent only as far as money and tokens reach, and all
    /// its issued calls are made.
    #[must_use]
    pub fn of_stopped(plan: &PlanLedger, wallet: &Wallet) -> Self {
        let open = wallet.open_calls().into_iter().map(|(.., amount)| amount);
        let held = open.fold(wallet.spent(), |sum, amount| sum + amount);
        let calls = plan.calls(Share::Search) + plan.calls(Share::Hold);
        Self {
            usd: held.usd,
            calls: calls.max(wallet.calls()),
            tokens: held.tokens,
            proposals: plan.proposals().max(wallet.proposals()),
        }
    }

    /// Of one that works: with the worst cases of all its issued calls, so that none of them is left out.
    #[must_use]
    pub fn of_running(plan: &PlanLedger, wallet: &Wallet) -> Self {
        let planned = plan.taken(Share::Search) + plan.taken(Share::Hold);
        let stopped = Self::of_stopped(plan, wallet);
        let (usd, tokens) = (planned.usd.max(stopped.usd), planned.tokens.max(stopped.tokens));
        Self { usd, tokens, ..stopped }
    }

    /// The first of these caps that is not above it: what is used, and the cap, in words. As many proposals as
    /// were made are enough, because a search may go on without any.
    #[must_use]
    pub fn exceeds(&self, caps: Caps) -> Option<(String, String)> {
        let counted = |count: u64, noun: &str| {
            text::plural(usize::try_from(count).unwrap_or(usize::MAX), noun)
        };
        let usd = caps.usd.filter(|cap| *cap <= self.usd);
        let calls = caps.calls.filter(|cap| *cap <= self.calls);
        let tokens = caps.tokens.filter(|cap| *cap <= self.tokens);
        let proposals = caps.proposals.filter(|cap| *cap < self.proposals);
        usd.map(|cap| (self.usd.to_string(), cap.to_string()))
            .or_else(|| calls.map(|cap| (counted(self.calls, "call"), counted(cap, "call"))))
            .or_else(|| {
                tokens.map(|cap| (counted(self.tokens.0, "token"), counted(cap.0, "token")))
            })
            .or_else(|| {
                let of = |count| counted(count, "proposal");
                proposals.map(|cap| (of(self.proposals), of(cap)))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::id::Call;
    use crate::ledger::Issued;
    use crate::task::model::ModelRole;
    use crate::units::Amount;

    fn amount(nanos: u64) -> Amount {
        Amount { usd: Usd::from_nanos(nanos), tokens: Tokens(nanos) }
    }

    /// What is issued may still be sent, and what is sent may cost more than was planned.
    #[test]
    fn caps_must_be_above_what_issued_calls_may_use() {
        let (mut plan, mut wallet) = (PlanLedger::default(), Wallet::default());
        plan.issue(Issued::Evaluation, Share::Search, amount(10));
        plan.issue(Issued::Proposal, Share::Search, amount(20));
        plan.issue(Issued::Evaluation, Share::Hold, amount(5));
        let (role, share) = (ModelRole::Task, Share::Search);
        wallet.apply(&Event::Reserved { call: Call(0), amount: amount(40), role, share });
        let least = Least::of_running(&plan, &wallet);
        let none = Caps::default();
        let usd = |nanos| Caps { usd: Some(Usd::from_nanos(nanos)), ..none };
        let calls = |calls| Caps { calls: Some(calls), ..none };
        let tokens = |tokens| Caps { tokens: Some(Tokens(tokens)), ..none };
        let proposals = |count| Caps { proposals: Some(count), ..none };
        for (low, enough) in [
            (usd(40), usd(41)),
            (calls(3), calls(4)),
            (tokens(40), tokens(41)),
            (proposals(0), proposals(1)),
        ] {
            assert!(least.exceeds(low).is_some(), "{low:?}");
            assert_eq!(least.exceeds(enough), None);
        }
        let (used, cap) = least.exceeds(calls(2)).unwrap();
        assert_eq!((used.as_str(), cap.as_str()), ("3 calls", "2 calls"));
        assert_eq!(least.exceeds(none), None);
        // The wallet reserves money and tokens; calls have no reservation there.
        let mut wallet = Wallet::default();
        wallet.apply(&Event::Reserved { call: Call(0), amount: amount(4), role, share });
        let stopped = Least::of_stopped(&plan, &wallet);
        assert_eq!([stopped.exceeds(usd(5)), stopped.exceeds(tokens(5))], [None, None]);
        assert!(stopped.exceeds(usd(4)).is_some() && stopped.exceeds(calls(3)).is_some());
    }
}
