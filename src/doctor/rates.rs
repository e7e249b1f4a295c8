//! What a provider's headers say of its limits, and the pace that they and the latency let through.

use super::check::Checks;
use crate::provider::limit::{RateLeft, RatesLeft, time_per_call};
use crate::text;
use serde::Serialize;
use std::time::Duration;

/// A rate as a provider states it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RateFound {
    /// The most that can be left.
    pub limit: u64,
    /// What is left.
    pub left: u64,
    /// Milliseconds until all of it is there again.
    pub reset_ms: u64,
}

impl From<RateLeft> for RateFound {
    fn from(rate: RateLeft) -> Self {
        let reset_ms = u64::try_from(rate.reset.as_millis()).unwrap_or(u64::MAX);
        Self { limit: rate.limit, left: rate.left, reset_ms }
    }
}

/// The rates in words; `None` where the headers say nothing.
pub(super) fn in_words(left: RatesLeft) -> Option<String> {
    let said = |what: &str, rate: Option<RateLeft>| {
        let RateLeft { limit, left, reset } = rate?;
        let (left, limit) = (text::thousands(left), text::thousands(limit));
        Some(format!("{left} of {limit} {what} left, all again in {}", seconds(reset)))
    };
    let said = [said("requests", left.requests), said("tokens", left.tokens)];
    let said: Vec<String> = said.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// The rates of a provider that did not answer, where its headers say some.
pub(super) fn check_of_failure(checks: &mut Checks, left: RatesLeft) {
    let Some(words) = in_words(left) else { return };
    if !check_plausible(checks, "rates", left, &words) {
        checks.ok("rates", words);
    }
}

/// A warning where the rates cannot be true; whether there is one.
fn check_plausible(checks: &mut Checks, check: &'static str, left: RatesLeft, words: &str) -> bool {
    let is_doubted = !left.all().all(|rate| rate.is_plausible());
    if is_doubted {
        checks.warn(
            check,
            format!("the headers say “{words}”, which cannot be true: a run does not go by it"),
            "set `rpm` and `tpm` of the provider to its real limits; else a run finds its pace by what is \
             refused",
        );
    }
    is_doubted
}

/// What limits and latency let through.
pub(super) struct Pace {
    /// From a request to the end of its answer.
    pub(super) latency: Duration,
    /// How many requests may be out at a time.
    pub(super) lanes: usize,
    /// The time between two requests that the limits ask for.
    pub(super) spacing: Duration,
}

impl Pace {
    /// The time that each of many calls takes.
    pub(super) fn per_call(&self) -> Duration {
        // Not even a model in this process answers faster.
        time_per_call(self.latency.max(Duration::from_millis(1)), self.lanes, self.spacing)
    }

    pub(super) fn per_hour(&self) -> f64 {
        3_600.0 / self.per_call().as_secs_f64()
    }

    /// What a server's limits and its latency mean for a run.
    pub(super) fn check(&self, checks: &mut Checks, left: RatesLeft, is_live: bool) {
        let by = match self.spacing >= self.per_call() {
            true => "within its limits",
            false => "at this latency",
        };
        let (lanes, hourly) = (self.lanes.max(1), text::thousands(rounded(self.per_hour())));
        let pace = match is_live {
            true => format!("{by}, {lanes} at a time make {hourly} calls an hour"),
            false => "calls wait for batches, whatever the pace of single ones is".to_owned(),
        };
        let Some(words) = in_words(left) else {
            return checks.ok("limits", format!("the provider states none; {pace}"));
        };
        if check_plausible(checks, "limits", left, &words) {
            return;
        }
        let words = format!("{words}; {pace}");
        if left.all().any(|rate| rate.left == 0) {
            return checks.warn(
                "limits",
                words,
                "wait until some are left, or use another key: a run waits for them, and begins that much later",
            );
        }
        checks.ok("limits", words);
    }
}

/// `412 ms`, `3.1 s`.
pub(super) fn seconds(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        _ => text::duration(duration),
    }
}

/// Two digits: more are not known from one call.
fn rounded(number: f64) -> u64 {
    let digits = 10_f64.powf((number.max(1.0).log10().floor() - 1.0).max(0.0));
    ((number / digits).round() * digits) as u64
}

#[cfg(test)]
mod tests {
    use super::super::check::Status;
    use super::*;

    #[test]
    fn a_pace_is_shown_as_precisely_as_it_is_known() {
        let shown = [7.4, 94.0, 11_520.0, 3_599_999.0].map(rounded);
        assert_eq!(shown, [7, 94, 12_000, 3_600_000]);
    }

    #[test]
    fn rates_that_are_used_up_or_cannot_be_true_are_no_good_sign() {
        let pace = Pace { latency: Duration::from_millis(500), lanes: 4, spacing: Duration::ZERO };
        let status = |limit, left, seconds| {
            let mut checks = Checks::of("task");
            let rate = RateLeft { limit, left, reset: Duration::from_secs(seconds) };
            pace.check(&mut checks, RatesLeft { requests: Some(rate), tokens: None }, true);
            let check = checks.list.pop().unwrap();
            (check.status, check.words)
        };
        assert_eq!(status(60, 59, 1).0, Status::Ok);
        assert!(status(60, 59, 1).1.contains("4 at a time make 29,000 calls"));
        assert_eq!(status(60, 0, 60).0, Status::Warning);
        for (limit, left, seconds) in
            [(0, 0, 1), (1_000_000_000_000_000_000, 5, 1), (60, 59, 100_000_000)]
        {
            let (status, words) = status(limit, left, seconds);
            assert_eq!(status, Status::Warning, "{words}");
            assert!(words.contains("cannot be true"), "{words}");
        }
    }
}
