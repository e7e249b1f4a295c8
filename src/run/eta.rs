//! How long a running search may still take: until it reaches the first of its caps, at its pace so far.
//!
//! For people. A search may end earlier, because nothing is left to gain.

use super::summary::Summary;
use crate::caps::Caps;
use crate::text;
use crate::units::{Tokens, Usd};
use jiff::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// With fewer calls a pace says little.
const MIN_CALLS: u64 = 10;

/// What a search has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progressed {
    /// Dollars spent.
    pub usd: Usd,
    /// Logical calls made.
    pub calls: u64,
    /// Tokens used.
    pub tokens: Tokens,
    /// Proposals requested.
    pub proposals: u64,
    /// The running time.
    pub running: Duration,
}

impl From<&Summary> for Progressed {
    fn from(summary: &Summary) -> Self {
        let spent = &summary.spent;
        let mutators = spent.by_role.iter().filter(|(role, _)| role.starts_with("mutator"));
        Self {
            usd: Usd::from_dollars(spent.usd).unwrap_or_default(),
            calls: spent.calls(),
            tokens: spent.by_role.values().map(|it| it.prompt_tokens + it.completion_tokens).sum(),
            proposals: mutators.fold(0, |all, (_, role)| all.saturating_add(role.calls)),
            running: spent.time(),
        }
    }
}

/// The time that is left until a cap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Eta {
    /// Seconds.
    pub seconds: f64,
    /// The cap that is reached first.
    pub cap: &'static str,
}

impl Eta {
    /// The time to the first cap; `None` without a cap, or before there is a pace.
    #[must_use]
    pub fn of(caps: &Caps, done: &Progressed, now: Timestamp) -> Option<Self> {
        let running = done.running.as_secs_f64();
        let at_pace = |cap: &'static str, limit: Option<f64>, used: f64| {
            let limit = limit.filter(|_| used > 0.0 && done.calls >= MIN_CALLS)?;
            Some(Self { seconds: running * (limit - used) / used, cap })
        };
        let wall =
            caps.wall.map(|wall| Self { seconds: wall.as_secs_f64() - running, cap: "time" });
        let deadline = caps.deadline.map(|deadline| Self {
            seconds: deadline.duration_since(now).as_secs_f64(),
            cap: "deadline",
        });
        let all = [
            at_pace("dollars", caps.usd.map(Usd::dollars), done.usd.dollars()),
            at_pace("calls", caps.calls.map(|it| it as f64), done.calls as f64),
            at_pace("tokens", caps.tokens.map(|it| it.0 as f64), done.tokens.0 as f64),
            at_pace("proposals", caps.proposals.map(|it| it as f64), done.proposals as f64),
            wall,
            deadline,
        ];
        let first = all.into_iter().flatten().min_by(|a, b| a.seconds.total_cmp(&b.seconds))?;
        Some(Self { seconds: first.seconds.max(0.0), ..first })
    }

    /// The time in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        let left = Duration::try_from_secs_f64(self.seconds.round()).unwrap_or_default();
        format!("about {} left ({})", text::duration(left), self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cap_decides() {
        let now = Timestamp::UNIX_EPOCH;
        let done = Progressed {
            usd: Usd::from_dollars(1.0).unwrap(),
            calls: 100,
            tokens: Tokens(1_000),
            proposals: 10,
            running: Duration::from_secs(60),
        };
        let eta = |caps: Caps| Eta::of(&caps, &done, now).map(|eta| (eta.seconds, eta.cap));
        let calls = Caps { calls: Some(300), ..Caps::default() };
        assert_eq!(eta(calls), Some((120.0, "calls")));
        assert_eq!(eta(Caps { usd: Usd::from_dollars(1.5), ..calls }), Some((30.0, "dollars")));
        assert_eq!(eta(Caps { proposals: Some(10), ..calls }), Some((0.0, "proposals")));
        assert_eq!(eta(Caps { tokens: Some(Tokens(2_000)), ..calls }), Some((60.0, "tokens")));
        let wall = Some(Duration::from_secs(70));
        assert_eq!(eta(Caps { wall, ..calls }), Some((10.0, "time")));
        let deadline = Some(Timestamp::from_second(5).unwrap());
        assert_eq!(eta(Caps { deadline, ..calls }), Some((5.0, "deadline")));
        assert_eq!(eta(Caps::default()), None);
        let early = Progressed { calls: 3, ..done };
        assert_eq!(Eta::of(&calls, &early, now), None, "three calls are no pace");
        assert_eq!(
            Eta::of(&calls, &done, now).unwrap().in_words(),
            "about 2 min 00 s left (calls)"
        );
    }
}
