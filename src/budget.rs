//! What a run may spend, what it has spent, and who may spend it next.
//!
//! Two ledgers keep one cap. The *plan* (in `state`) decides what is issued and depends on folded
//! facts alone, so that a run can be repeated; the *wallet* here decides whether an attempt may be
//! sent, and settles every arrival at once, so that the cap holds whatever arrives when.

pub use crate::caps::Caps;

use crate::id::Call;
use crate::task::model::ModelRole;
use crate::units::{Tokens, Usd};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// An amount of money and tokens: set aside, or spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Money.
    #[serde(default, skip_serializing_if = "is_default")]
    pub usd: Usd,
    /// Input and output tokens.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tokens: Tokens,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self { usd: Usd::ZERO, tokens: Tokens::ZERO };

    /// As many times as said.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self {
            usd: self.usd.saturating_mul(count),
            tokens: Tokens(self.tokens.0.saturating_mul(count)),
        }
    }

    /// The difference, nothing where it would be negative.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self {
            usd: self.usd.saturating_sub(other.usd),
            tokens: self.tokens.saturating_sub(other.tokens),
        }
    }

    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { usd: self.usd.max(other.usd), tokens: self.tokens.max(other.tokens) }
    }
}

impl std::ops::Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { usd: self.usd + other.usd, tokens: self.tokens + other.tokens }
    }
}

impl std::ops::AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, std::ops::Add::add)
    }
}

/// Whose share of the budget a call is charged to.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Share {
    /// The search, its shortlist included.
    #[default]
    Search,
    /// The confirmation on held-out rows.
    Hold,
}

/// What a role has done and cost, lost calls included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoleSpending {
    /// Logical calls; cached ones are none.
    pub calls: u64,
    /// Prompt tokens of answered calls.
    pub prompt_tokens: Tokens,
    /// Answer tokens of answered calls.
    pub completion_tokens: Tokens,
    /// All that was or may have been billed.
    pub charged: Amount,
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

    /// Whether nothing is reserved: no attempt is out that could still give something back.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// Calls that are reserved and not settled: the ones that a kill would lose.
    #[must_use]
    pub fn open_calls(&self) -> Vec<(Call, ModelRole, Share, Amount)> {
        let mut calls: Vec<_> = self
            .open
            .iter()
            .map(|(call, held)| (*call, held.role, held.share, held.amount))
            .collect();
        calls.sort_by_key(|(call, ..)| *call);
        calls
    }

    /// Sets a call's worst case aside.
    pub fn reserve(&mut self, call: Call, role: ModelRole, share: Share, amount: Amount) {
        self.release(call);
        *self.open_total.entry(share).or_default() += amount;
        self.open.insert(call, Reserved { amount, role, share });
    }

    /// Takes a reservation back; what it was, if there was one.
    fn release(&mut self, call: Call) -> Option<Reserved> {
        let held = self.open.remove(&call)?;
        if let Some(total) = self.open_total.get_mut(&held.share) {
            *total = total.less(held.amount);
        }
        Some(held)
    }

    /// A call was answered at this cost.
    pub fn settle(&mut self, call: Call, usage: crate::task::model::Usage, cost: Usd) {
        let Some(held) = self.release(call) else {
            return;
        };
        let charged = Amount { usd: cost, tokens: usage.total() };
        self.charge(held.role, held.share, charged);
        let role = self.by_role.entry(held.role).or_default();
        role.calls += 1;
        role.prompt_tokens += usage.input;
        role.completion_tokens += usage.output;
    }

    /// An attempt failed and may have cost this much. The reservation is given back: a retry
    /// reserves anew.
    pub fn settle_failed(&mut self, call: Call, charged: Amount) {
        let Some(held) = self.release(call) else {
            return;
        };
        self.charge(held.role, held.share, charged);
    }

    /// A call ended without an answer. It counts as a call of its role, since something was asked.
    pub fn settle_missing(&mut self, call: Call, role: ModelRole) {
        self.release(call);
        self.by_role.entry(role).or_default().calls += 1;
    }

    /// A kill lost what was reserved: charged at its worst case, in money and tokens only.
    pub fn lose(&mut self, call: Call) {
        let Some(held) = self.release(call) else {
            return;
        };
        self.charge(held.role, held.share, held.amount);
        self.lost += held.amount;
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

    /// Logical calls of all roles.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.by_role.values().map(|role| role.calls).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::model::Usage;
    use proptest::prelude::*;

    fn usd(nanos: u64) -> Amount {
        Amount { usd: Usd::from_nanos(nanos), tokens: Tokens::ZERO }
    }

    #[test]
    fn the_hold_share_is_kept_from_the_search_and_not_from_hold() {
        let mut wallet = Wallet::new(Caps { usd: Some(Usd::from_nanos(100)), ..Caps::default() });
        wallet.set_hold_share(usd(40));
        assert!(wallet.fits(Share::Search, usd(60)));
        assert!(!wallet.fits(Share::Search, usd(61)));
        wallet.reserve(Call(0), ModelRole::Task, Share::Hold, usd(30));
        assert!(wallet.fits(Share::Search, usd(60)), "hold spends out of its own share");
        wallet.reserve(Call(1), ModelRole::Task, Share::Search, usd(60));
        assert!(wallet.fits(Share::Hold, usd(10)));
        assert!(!wallet.fits(Share::Hold, usd(11)));
    }

    #[test]
    fn a_lost_call_costs_its_worst_case_and_is_no_call() {
        let mut wallet = Wallet::new(Caps::default());
        wallet.reserve(Call(7), ModelRole::Mutator, Share::Search, usd(9));
        wallet.lose(Call(7));
        wallet.lose(Call(7));
        assert_eq!((wallet.spent(), wallet.lost(), wallet.calls()), (usd(9), usd(9), 0));
        assert_eq!(wallet.by_role(ModelRole::Mutator).charged, usd(9));
    }

    proptest! {
        /// Whatever is reserved, settled, failed or lost in whatever order: as long as no attempt
        /// is sent that does not fit and usage is truthful, the cap holds.
        #[test]
        fn the_cap_holds(steps in prop::collection::vec((0u8..4, 0u64..8, 1u64..50, any::<bool>()), 1..200)) {
            let cap = Usd::from_nanos(500);
            let mut wallet = Wallet::new(Caps { usd: Some(cap), ..Caps::default() });
            wallet.set_hold_share(usd(100));
            for (kind, call, nanos, hold) in steps {
                let share = if hold { Share::Hold } else { Share::Search };
                let held = wallet.open.get(&Call(call)).map(|held| held.amount);
                match (kind, held) {
                    (0, None) if wallet.fits(share, usd(nanos)) => {
                        wallet.reserve(Call(call), ModelRole::Task, share, usd(nanos));
                    }
                    (1, Some(held)) => {
                        let cost = Usd::from_nanos(nanos).min(held.usd);
                        wallet.settle(Call(call), Usage::default(), cost);
                    }
                    (2, Some(held)) => wallet.settle_failed(Call(call), held),
                    (3, Some(_)) => wallet.lose(Call(call)),
                    _ => {}
                }
                let open: Amount = wallet.open.values().map(|held| held.amount).sum();
                prop_assert!((wallet.spent() + open).usd <= cap);
                prop_assert_eq!(open, wallet.open_total.values().copied().sum());
            }
        }
    }
}
