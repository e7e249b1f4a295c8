//! A provider with a bucket of requests and one of tokens, and one or two runs that use it.

use super::super::moment::Moment;
use super::super::pace::Rate;
use super::super::state::{Admitted, Allowed, State, Wait};
use super::secs;
use crate::provider::limit::{RateLeft, RatesLeft};
use std::time::Duration;

/// A bucket that fills evenly.
#[derive(Clone, Copy)]
struct Bucket {
    size: f64,
    level: f64,
}

impl Bucket {
    fn per_minute(units: f64) -> Self {
        Self { size: units, level: units }
    }

    fn fill(&mut self, time: Duration) {
        self.level = (self.level + self.size / 60.0 * time.as_secs_f64()).min(self.size);
    }

    fn left(&self) -> RateLeft {
        let reset = secs((self.size - self.level) / (self.size / 60.0));
        RateLeft { limit: self.size as u64, left: self.level.max(0.0) as u64, reset }
    }
}

/// What is known of the provider.
#[derive(Clone, Copy)]
struct Case {
    runs: usize,
    concurrency: usize,
    /// The tokens that each attempt uses, and what is set aside for it.
    used: u64,
    set_aside: u64,
    /// The seconds of an answer.
    answer: f64,
    /// Whether the task names the rates.
    is_named: bool,
    /// Whether the provider's headers do.
    is_told: bool,
}

/// What came of it, after a minute of warming up.
#[derive(Debug)]
struct Seen {
    /// Of what the provider allows.
    throughput: f64,
    refused: f64,
    /// The share of the answers that each run got.
    shares: Vec<f64>,
}

const REQUESTS: f64 = 600.0;
const TOKENS: f64 = 100_000.0;

/// Ten minutes at a provider that allows 600 requests and 100,000 tokens a minute.
fn ten_minutes(case: Case) -> Seen {
    let start = Moment::now();
    let mut state = State::new(start);
    let named = |units: f64| case.is_named.then(|| Rate::per_minute(units as u64));
    let (requests, tokens) = (named(REQUESTS), named(TOKENS));
    let mut runs: Vec<Allowed> = (0..case.runs as u64)
        .map(|holder| Allowed {
            holder,
            in_flight: 0,
            concurrency: case.concurrency,
            requests,
            tokens,
        })
        .collect();
    // The buckets begin empty, as in the midst of a night: what is counted is their rate.
    let (mut by_request, mut by_token) = (Bucket::per_minute(REQUESTS), Bucket::per_minute(TOKENS));
    (by_request.level, by_token.level) = (0.0, 0.0);
    let (mut now, mut filled) = (start, start);
    let mut flight: Vec<(Moment, usize, Admitted, bool)> = Vec::new();
    let mut answered = vec![0_u32; case.runs];
    let (mut refused, mut counted_from) = (0_u32, None);
    let end = start + secs(660.0);
    let mut first = 0;
    while now < end {
        if counted_from.is_none() && now.since(start) >= secs(60.0) {
            counted_from = Some((answered.clone(), refused));
        }
        let mut until = now + secs(1.0);
        // The runs ask in turn.
        first += 1;
        for run in (0..case.runs).map(|run| (run + first) % case.runs) {
            while let Some(admitted) = state.admit(&runs[run], case.set_aside, now) {
                runs[run].in_flight += 1;
                by_request.fill(now.since(filled));
                by_token.fill(now.since(filled));
                filled = now;
                let fits = by_request.level >= 1.0 && by_token.level >= case.used as f64;
                if fits {
                    by_request.level -= 1.0;
                    by_token.level -= case.used as f64;
                }
                let took = if fits { case.answer } else { 0.05 };
                flight.push((now + secs(took), run, admitted, fits));
            }
            if let Wait::Until(moment) = state.wait(&runs[run], case.set_aside, now) {
                until = until.min(moment);
            }
        }
        until = flight.iter().map(|(end, ..)| *end).fold(until, Moment::min);
        now = until.max(now + Duration::from_micros(100));
        by_request.fill(now.since(filled));
        by_token.fill(now.since(filled));
        filled = now;
        for (_, run, admitted, fits) in flight.extract_if(.., |(end, ..)| *end <= now) {
            if fits {
                answered[run] += 1;
                let left = RatesLeft {
                    requests: case.is_told.then(|| by_request.left()),
                    tokens: case.is_told.then(|| by_token.left()),
                };
                state.counted(&runs[run], admitted, Some(case.used), left, now);
                state.succeeded(admitted.number);
            } else {
                refused += 1;
                state.throttled(now, admitted.number, Some(secs(1.0)));
            }
            runs[run].in_flight -= 1;
            state.released(&runs[run], now);
        }
    }
    let (before, refused_before) = counted_from.unwrap();
    let counts: Vec<f64> =
        answered.iter().zip(&before).map(|(after, before)| f64::from(after - before)).collect();
    let all: f64 = counts.iter().sum();
    let minutes = now.since(start).as_secs_f64() / 60.0 - 1.0;
    let allowed = REQUESTS.min(TOKENS / case.used as f64) * minutes;
    let refused = f64::from(refused - refused_before);
    Seen {
        throughput: all / allowed,
        refused: refused / (all + refused),
        shares: counts.iter().map(|count| count / all).collect(),
    }
}

#[test]
fn a_rate_is_used_and_not_passed() {
    let usual = Case {
        runs: 1,
        concurrency: 64,
        used: 120,
        set_aside: 600,
        answer: 2.0,
        is_named: false,
        is_told: false,
    };
    let mut missed = Vec::new();
    for (name, case) in [
        ("named", Case { is_named: true, ..usual }),
        ("named, by tokens", Case { is_named: true, used: 500, ..usual }),
        ("named, slow answers", Case { is_named: true, answer: 5.0, ..usual }),
        ("told", Case { is_told: true, ..usual }),
        ("told, by tokens", Case { is_told: true, used: 500, ..usual }),
        ("neither", usual),
        ("neither, by tokens", Case { used: 500, ..usual }),
        ("two runs, named", Case { runs: 2, is_named: true, ..usual }),
        ("two runs, told", Case { runs: 2, is_told: true, ..usual }),
        ("two runs, neither", Case { runs: 2, ..usual }),
        ("two runs, by tokens", Case { runs: 2, is_told: true, used: 500, ..usual }),
    ] {
        let seen = ten_minutes(case);
        println!("{name}: {seen:.3?}");
        let least = seen.shares.iter().copied().fold(1.0, f64::min);
        let is_fair = least >= 0.3 || case.runs == 1;
        let is_kept = seen.refused < if case.is_named { 0.005 } else { 0.05 };
        if seen.throughput < 0.9 || !is_kept || !is_fair {
            missed.push(format!("{name}: {seen:.3?}"));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn no_minute_holds_more_tokens_than_the_stated_number() {
    for (tpm, costs) in
        [(100_000, [612, 90, 2_000]), (6_000, [500, 1, 40]), (1_000, [400, 10, 300])]
    {
        let start = Moment::now();
        let rate = Rate::per_minute(tpm);
        let allowed = Allowed {
            holder: 1,
            in_flight: 0,
            concurrency: 1_000_000,
            requests: None,
            tokens: Some(rate),
        };
        let mut state = State::new(start);
        let (mut now, mut sent) = (start, Vec::new());
        while now < start + secs(180.0) {
            let cost = costs[sent.len() % costs.len()];
            match state.wait(&allowed, cost, now) {
                Wait::None => {
                    state.admit(&allowed, cost, now);
                    sent.push((now, cost));
                }
                Wait::Until(moment) => now = moment,
                Wait::Place => panic!("no place"),
            }
        }
        let in_minute = |from: usize| -> u64 {
            let minute =
                sent[from..].iter().take_while(|(at, _)| at.since(sent[from].0) < secs(60.0));
            minute.map(|(_, cost)| cost).sum()
        };
        let busiest = (0..sent.len()).map(in_minute).max().unwrap();
        let all: u64 = sent.iter().map(|(_, cost)| cost).sum();
        assert!(busiest <= tpm, "{tpm}: {busiest}");
        assert!(all as f64 >= 0.9 * 3.0 * tpm as f64 || tpm < 10_000, "{tpm}: {all}");
    }
}

#[test]
fn an_outage_lets_one_attempt_at_a_time_through_until_one_is_answered() {
    let start = Moment::now();
    let mut state = State::new(start);
    let mut allowed =
        Allowed { holder: 1, in_flight: 0, concurrency: 8, requests: None, tokens: None };
    let mut first = Vec::new();
    while let Some(admitted) = state.admit(&allowed, 1, start) {
        allowed.in_flight += 1;
        first.push(admitted);
    }
    assert_eq!(first.len(), 8);
    for admitted in &first {
        state.was_away(admitted.number, start);
        allowed.in_flight -= 1;
        state.released(&allowed, start);
    }
    let (mut now, mut probes) = (start, Vec::new());
    while probes.len() < 8 {
        match state.wait(&allowed, 1, now) {
            Wait::Until(moment) => now = moment,
            Wait::Place => panic!("no place"),
            Wait::None => {
                let probe = state.admit(&allowed, 1, now).unwrap();
                allowed.in_flight += 1;
                assert_eq!(state.wait(&allowed, 1, now), Wait::Place, "one at a time");
                probes.push(now.since(start).as_secs());
                state.was_away(probe.number, now);
                allowed.in_flight -= 1;
                state.released(&allowed, now);
            }
        }
    }
    assert_eq!(probes, [1, 3, 7, 15, 31, 47, 63, 79]);
    now = now + secs(16.0);
    let probe = state.admit(&allowed, 1, now).unwrap();
    assert!(state.succeeded(probe.number), "all others may go");
    let sent = (0..9).take_while(|_| {
        let is_sent = state.admit(&allowed, 1, now).is_some();
        allowed.in_flight += usize::from(is_sent);
        is_sent
    });
    assert_eq!(sent.count(), 8);
}
