//! What the next run of a night may spend: an equal share of what is left.
//!
//! What a run was given counts as spent until the run has ended; then what it really spent counts, and the rest
//! is passed on.

use crate::caps::Caps;
use crate::units::{Tokens, Usd};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a run has spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spending {
    /// Money.
    pub usd: Usd,
    /// Logical calls.
    pub calls: u64,
    /// Tokens.
    pub tokens: Tokens,
    /// Proposals.
    pub proposals: u64,
    /// Running time.
    pub running: Duration,
}

impl Spending {
    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            usd: Usd::from_nanos(self.usd.nanos().saturating_add(other.usd.nanos())),
            calls: self.calls.saturating_add(other.calls),
            tokens: Tokens(self.tokens.0.saturating_add(other.tokens.0)),
            proposals: self.proposals.saturating_add(other.proposals),
            running: self.running.saturating_add(other.running),
        }
    }
}

/// How far a run of a night is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum RunState {
    /// It has not begun.
    #[default]
    Waiting,
    /// It was given this much, and has not ended.
    Given(Caps),
    /// It has ended, and spent this much.
    Ended(Spending),
}

impl RunState {
    /// What it takes of the total: what it was given until it has ended, then what it spent.
    fn takes(&self) -> Spending {
        match self {
            Self::Waiting => Spending::default(),
            Self::Given(caps) => Spending {
                usd: caps.usd.unwrap_or_default(),
                calls: caps.calls.unwrap_or_default(),
                tokens: caps.tokens.unwrap_or_default(),
                proposals: caps.proposals.unwrap_or_default(),
                running: caps.wall.unwrap_or_default(),
            },
            Self::Ended(spending) => *spending,
        }
    }
}

/// What these runs take of the total.
pub(super) fn taken<'a>(runs: impl IntoIterator<Item = &'a RunState>) -> Spending {
    let none = Spending::default();
    runs.into_iter().map(RunState::takes).fold(none, |sum, it| sum.plus(&it))
}

/// What is left of the total beside what is taken; a cap that the total does not have is left out. Time is not
/// counted: it is no money.
#[must_use]
pub fn left(total: Caps, taken: &Spending) -> Caps {
    Caps {
        usd: total.usd.map(|it| Usd::from_nanos(it.nanos().saturating_sub(taken.usd.nanos()))),
        calls: total.calls.map(|it| it.saturating_sub(taken.calls)),
        tokens: total.tokens.map(|it| Tokens(it.0.saturating_sub(taken.tokens.0))),
        proposals: total.proposals.map(|it| it.saturating_sub(taken.proposals)),
        ..Caps::default()
    }
}

/// The caps on spending, with the unit of each.
pub(super) fn units(caps: &Caps) -> [(&'static str, Option<u64>); 4] {
    [
        ("dollars", caps.usd.map(Usd::nanos)),
        ("calls", caps.calls),
        ("tokens", caps.tokens.map(|it| it.0)),
        ("proposals", caps.proposals),
    ]
}

/// What a run may spend of what all of them may; `None`: nothing is left for it.
#[must_use]
pub fn share(total: Caps, runs: &[RunState], run: usize, now: Timestamp) -> Option<Caps> {
    let waiting = runs.iter().filter(|state| **state == RunState::Waiting).count() as u64;
    let unended = runs.iter().filter(|state| !matches!(state, RunState::Ended(_))).count() as u64;
    let part = |left: u64| left.checked_div(waiting).unwrap_or(0);
    let mut caps = match runs.get(run)? {
        RunState::Ended(_) => return None,
        // It keeps what it was given, but for the time until the deadline.
        RunState::Given(caps) => Caps { deadline: None, ..*caps },
        RunState::Waiting => {
            let taken = taken(runs);
            let left = left(total, &taken);
            let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            let wall = total.wall.map(|wall| nanos(wall.saturating_sub(taken.running)));
            Caps {
                usd: left.usd.map(|left| Usd::from_nanos(part(left.nanos()))),
                calls: left.calls.map(part),
                tokens: left.tokens.map(|left| Tokens(part(left.0))),
                proposals: left.proposals.map(part),
                wall: wall.map(|left| Duration::from_nanos(part(left))),
                deadline: None,
            }
        }
    };
    if let Some(deadline) = total.deadline {
        let left = deadline.duration_since(now);
        let own = left.checked_div(i32::try_from(unended.max(1)).unwrap_or(i32::MAX));
        let own = own.filter(|own| *own > SignedDuration::ZERO)?;
        caps.deadline = Some(now.checked_add(own).unwrap_or(deadline).min(deadline));
    }
    let is_nothing = caps.usd == Some(Usd::ZERO)
        || caps.calls == Some(0)
        || caps.tokens == Some(Tokens::ZERO)
        || caps.proposals == Some(0)
        || caps.wall == Some(Duration::ZERO);
    (!is_nothing).then_some(caps)
}

/// What a run may spend where all that the others leave of the total is its; `None`: nothing is left for it.
#[must_use]
pub(super) fn rest(total: Caps, runs: &[RunState], run: usize, now: Timestamp) -> Option<Caps> {
    if matches!(runs.get(run)?, RunState::Ended(_)) {
        return None;
    }
    let others = runs.iter().enumerate().filter(|(number, _)| *number != run);
    let taken = taken(others.map(|(_, state)| state));
    let wall = total.wall.map(|wall| wall.saturating_sub(taken.running));
    let left = Caps { wall, deadline: total.deadline, ..left(total, &taken) };
    share(left, &[RunState::Waiting], 0, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calls(calls: u64) -> Caps {
        Caps { calls: Some(calls), ..Caps::default() }
    }

    fn ended(calls: u64) -> RunState {
        RunState::Ended(Spending { calls, ..Spending::default() })
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn each_has_its_share_and_what_is_left_over_is_passed_on() {
        use RunState::{Given, Waiting};
        let of =
            |runs: &[RunState], run| share(calls(300), runs, run, at(0)).and_then(|it| it.calls);
        assert_eq!(of(&[Waiting, Waiting, Waiting], 0), Some(100));
        assert_eq!(of(&[ended(40), Waiting, Waiting], 1), Some(130));
        assert_eq!(of(&[ended(40), ended(130), Waiting], 2), Some(130));
        // One that did not end keeps what it was given, and may still spend all of it.
        let given = Given(calls(100));
        assert_eq!(
            (of(&[given, Waiting, Waiting], 1), of(&[given, ended(20), Waiting], 0)),
            (Some(100), Some(100))
        );
        assert_eq!(of(&[ended(300), Waiting], 1), None);
        // A search without a proposal is none.
        let few = Caps { proposals: Some(2), ..calls(300) };
        assert_eq!(share(few, &[Waiting, Waiting, Waiting], 0, at(0)), None);
        assert_eq!(of(&[ended(3)], 0), None);
        assert_eq!(share(Caps::default(), &[Waiting], 0, at(0)), Some(Caps::default()));
    }

    #[test]
    fn time_is_shared_too() {
        use RunState::{Given, Waiting};
        let hour = Duration::from_secs(3_600);
        let wall = Caps { wall: Some(3 * hour), ..Caps::default() };
        let first = RunState::Ended(Spending { running: hour / 2, ..Spending::default() });
        let second = share(wall, &[first, Waiting, Waiting], 1, at(0)).unwrap();
        assert_eq!(second.wall, Some(hour * 5 / 4));
        let until = Caps { deadline: Some(at(9_000)), ..Caps::default() };
        let deadline = |runs: &[RunState], run, now| {
            share(until, runs, run, at(now)).and_then(|it| it.deadline)
        };
        assert_eq!(deadline(&[Waiting, Waiting, Waiting], 0, 0), Some(at(3_000)));
        assert_eq!(deadline(&[first, Waiting, Waiting], 1, 1_000), Some(at(5_000)));
        // A run that was interrupted has its share of the time that is left now.
        assert_eq!(deadline(&[first, Given(Caps::default()), Waiting], 1, 7_000), Some(at(8_000)));
        assert_eq!(deadline(&[Waiting], 0, 9_000), None);
    }

    #[test]
    fn the_rest_is_all_that_the_others_leave() {
        use RunState::{Given, Waiting};
        let of =
            |runs: &[RunState], run| rest(calls(300), runs, run, at(0)).and_then(|it| it.calls);
        assert_eq!(of(&[Waiting, Waiting, Waiting], 0), Some(300));
        // It goes on with what a raised total leaves it, and what it was given before is not counted twice.
        assert_eq!(of(&[Given(calls(200)), ended(40), Waiting], 0), Some(260));
        assert_eq!(of(&[Given(calls(200)), Given(calls(300))], 0), None);
        assert_eq!(of(&[ended(3), Waiting], 0), None);
    }

    proptest! {
        /// However runs end or are interrupted: what all of them may spend is never above the total.
        #[test]
        fn all_together_stay_within_the_total(
            total in 1_u64..10_000,
            uses in prop::collection::vec((0.0_f64..=1.0, any::<bool>()), 1..8),
        ) {
            let mut runs = vec![RunState::Waiting; uses.len()];
            let mut possible = 0;
            for (place, (used, ends)) in uses.into_iter().enumerate() {
                let Some(caps) = share(calls(total), &runs, place, at(0)) else { continue };
                let given = caps.calls.unwrap();
                let spent = (given as f64 * used) as u64;
                possible += if ends { spent } else { given };
                runs[place] = if ends { ended(spent) } else { RunState::Given(caps) };
            }
            prop_assert!(possible <= total, "{possible} of {total}");
        }
    }
}
