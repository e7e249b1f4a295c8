//! What each role had spent at moments of the running time, for a plot.
//!
//! However long a run takes, a few hundred moments are kept: where there are more, every second one is left out, and
//! the time between two of them doubles.

use crate::ledger::Wallet;
use crate::task::model::ModelRole;
use std::time::Duration;

/// The most moments that are kept.
const MOST: usize = 256;

/// What one role had spent by a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoleSpentBy {
    /// The role.
    pub role: ModelRole,
    /// Dollars.
    pub usd: f64,
    /// Logical calls.
    pub calls: u64,
}

/// A moment.
#[derive(Clone, Debug, PartialEq)]
pub struct SpentBy {
    /// The running time by then.
    pub after: Duration,
    /// What each role had spent; one that had not begun is left out.
    pub roles: Vec<RoleSpentBy>,
}

/// The moments, in order.
#[derive(Clone, Debug, Default)]
pub struct SpendingOverTime {
    moments: Vec<SpentBy>,
    /// The least time between two of them, in milliseconds.
    apart: u64,
}

impl SpendingOverTime {
    /// Notes what was spent after so many milliseconds, if the last moment is long enough ago.
    pub(super) fn note(&mut self, ran_ms: u64, wallet: &Wallet) {
        let last = self.moments.last().map_or(0, |moment| moment.after.as_millis() as u64);
        if ran_ms < last + self.apart.max(1) {
            return;
        }
        self.moments.push(SpentBy::now(ran_ms, wallet));
        if self.moments.len() > MOST {
            let mut place = 0;
            self.moments.retain(|_| {
                place += 1;
                place % 2 == 0
            });
            let span = self.moments.last().map_or(0, |moment| moment.after.as_millis() as u64);
            self.apart = (2 * self.apart).max(2 * span / MOST as u64).max(1);
        }
    }

    /// The moments, and what is spent now.
    #[must_use]
    pub fn until(&self, ran_ms: u64, wallet: &Wallet) -> Vec<SpentBy> {
        let mut moments = self.moments.clone();
        moments.push(SpentBy::now(ran_ms, wallet));
        moments
    }
}

impl SpentBy {
    fn now(ran_ms: u64, wallet: &Wallet) -> Self {
        let of = |role| {
            let spent = wallet.by_role(role);
            RoleSpentBy { role, usd: spent.charged.usd.dollars(), calls: spent.calls }
        };
        Self { after: Duration::from_millis(ran_ms), roles: wallet.roles().map(of).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Answered, Event};
    use crate::id::Call;
    use crate::units::Usd;

    #[test]
    fn few_moments_stand_for_a_long_run() {
        let (mut over, mut wallet) = (SpendingOverTime::default(), Wallet::default());
        for call in 0..100_000 {
            let usd = Usd::from_dollars(0.001).unwrap();
            let answered = Answered { usd, at: call * 7, ..Answered::sample(Call(call)) };
            wallet.apply(&Event::Answered(answered));
            over.note(call * 7, &wallet);
        }
        let moments = over.until(700_000, &wallet);
        assert!((100..=MOST + 1).contains(&moments.len()), "{}", moments.len());
        assert!(moments.windows(2).all(|pair| pair[0].after < pair[1].after));
    }
}
