//! How the limit moves with what providers say, under a clock that stands still.

mod machine;
mod rates;

use super::state::MIN_PAUSE;
use super::*;
use crate::provider::backoff::MAX_PAUSE;
use crate::provider::limit::contract::{self, is_pending, run};
use crate::provider::shared_limit::SharedLimit;
use crate::seed::Seed;
use tokio::time::{Instant, timeout};

#[test]
fn a_throttle_keeps_the_contract() {
    contract::check(&|places| Arc::new(Throttle::new(Rates::concurrent(places))));
    contract::check(&|places| Arc::new(Throttle::new(fast(places))));
    let shared = |places| Arc::new(SharedLimit::new(places));
    contract::check(&|places| Arc::new(within(shared(places), Rates::concurrent(100))));
    contract::check(&|places| Arc::new(within(shared(100), Rates::concurrent(places))));
}

/// A rate that never makes an attempt wait.
fn fast(concurrency: usize) -> Rates {
    Rates { requests_per_minute: Some(u32::MAX), ..Rates::concurrent(concurrency) }
}

fn within(outer: Arc<dyn SendLimit>, rates: Rates) -> Throttle {
    Throttle::with(rates, Some(outer), None)
}

/// The state of a throttle whose run is alone.
struct Alone {
    state: State,
    allowed: Allowed,
}

impl Alone {
    fn new(concurrency: usize, rpm: Option<u32>, now: Instant) -> Self {
        let requests = rpm.map(|rpm| Rate::per_minute(u64::from(rpm)));
        let allowed = Allowed { holder: 1, in_flight: 0, concurrency, requests, tokens: None };
        let mut state = State::new(Moment::of(now));
        state.renew(&allowed, Moment::of(now));
        Self { state, allowed }
    }

    fn wait(&mut self, now: Instant) -> Wait {
        self.state.wait(&self.allowed, 0, Moment::of(now))
    }

    fn admit(&mut self, now: Instant) -> Option<u64> {
        let admitted = self.state.admit(&self.allowed, 0, Moment::of(now))?;
        self.allowed.in_flight += 1;
        Some(admitted.number)
    }

    fn released(&mut self, now: Instant) {
        self.allowed.in_flight -= 1;
        self.state.released(&self.allowed, Moment::of(now));
    }

    fn throttled(&mut self, now: Instant, number: u64, retry_after: Option<Duration>) {
        self.state.throttled(Moment::of(now), number, retry_after);
    }

    fn succeeded(&mut self, number: u64) {
        self.state.succeeded(number);
    }

    fn limit(&self) -> usize {
        self.state.limit()
    }

    fn pause_until(&self) -> Instant {
        self.state.pause.unwrap().until().instant()
    }
}

fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Takes all places that there are now.
fn fill(state: &mut Alone, now: Instant) -> Vec<u64> {
    std::iter::from_fn(|| state.admit(now)).collect()
}

#[test]
fn refusals_that_trickle_in_neither_freeze_the_limit_nor_push_the_pause_ahead() {
    // A refusal every two seconds for 800 seconds, each asking for 89 seconds.
    let start = Instant::now();
    let mut state = Alone::new(100, None, start);
    let mut waiting = fill(&mut state, start);
    let mut limits = vec![state.limit()];
    for tick in 0..400 {
        let now = start + secs(2.0 * f64::from(tick));
        waiting.extend(fill(&mut state, now));
        if let Some(number) = waiting.pop() {
            state.released(now);
            state.throttled(now, number, Some(secs(89.0)));
        }
        assert!(state.pause_until() <= now + secs(89.0));
        limits.push(state.limit());
    }
    limits.dedup();
    assert!(limits.is_sorted_by(|a, b| a > b), "{limits:?}");
    assert_eq!(limits.last(), Some(&1), "{limits:?}");

    // The provider recovers: the limit climbs back to where it was.
    let mut now = start + secs(1_000.0);
    for number in waiting {
        state.released(now);
        state.succeeded(number);
    }
    while state.limit() < 100 && now < start + secs(1_060.0) {
        for number in fill(&mut state, now) {
            state.released(now);
            state.succeeded(number);
        }
        now += secs(0.1);
    }
    println!("recovered in {:?}", now.duration_since(start) - secs(1_000.0));
    assert_eq!(state.limit(), 100);
}

#[test]
fn one_pause_cuts_once_and_takes_the_longest_wait_from_its_beginning() {
    let start = Instant::now();
    let mut state = Alone::new(10, None, start);
    let flight = fill(&mut state, start);
    state.throttled(start, flight[0], Some(secs(2.0)));
    assert_eq!(state.limit(), 7);
    state.throttled(start + secs(1.5), flight[1], Some(secs(3.0)));
    state.throttled(start + secs(1.8), flight[2], Some(secs(2.0)));
    assert_eq!(state.limit(), 7);
    assert_eq!(state.pause_until(), start + secs(3.0));
    state.throttled(start + secs(1.9), flight[3], Some(secs(86_400.0)));
    assert_eq!(state.pause_until(), start + MAX_PAUSE);
}

#[test]
fn cuts_are_a_second_apart_and_never_go_below_one() {
    let start = Instant::now();
    let mut state = Alone::new(4, None, start);
    let mut seen = Vec::new();
    for tick in 0..40 {
        let now = start + MIN_PAUSE * tick;
        for number in fill(&mut state, now) {
            state.released(now);
            state.throttled(now, number, Some(Duration::ZERO));
        }
        seen.push(state.limit());
    }
    assert!(seen.iter().all(|limit| *limit >= 1));
    assert!(seen.windows(10).all(|second| second[0] - second[9] <= 1 || second[0] >= 4));
    assert_eq!(seen.last(), Some(&1));
}

#[test]
fn a_cut_starts_from_what_was_tried() {
    let start = Instant::now();
    let mut state = Alone::new(1_000, None, start);
    let flight: Vec<u64> = (0..10).filter_map(|_| state.admit(start)).collect();
    state.throttled(start, flight[0], None);
    assert_eq!(state.limit(), 7);
}

#[test]
fn no_minute_holds_more_than_the_stated_number() {
    for rpm in [1, 3, 19, 60, 100, 600, 6_000, 60_000] {
        let start = Instant::now();
        let mut state = Alone::new(usize::MAX, Some(rpm), start);
        let mut now = start;
        let mut moments = Vec::new();
        while now < start + secs(180.0) {
            match state.wait(now) {
                Wait::None => {
                    moments.push(now);
                    state.admit(now);
                }
                Wait::Until(moment) => now = moment.instant(),
                Wait::Place => panic!("no place"),
            }
        }
        let busiest = moments
            .iter()
            .enumerate()
            .map(|(at, from)| moments[at..].partition_point(|to| *to < *from + secs(60.0)))
            .max()
            .unwrap();
        assert!(busiest <= rpm as usize, "{rpm}: {busiest}");
        let aim = 3.0 * f64::from(rpm);
        assert!(moments.len() as f64 >= 0.9 * aim, "{rpm}: {}", moments.len());
    }
}

/// A provider whose bucket of 60 attempts fills at one per second. Returns, after the first 200
/// answers, the rate and the share of refusals.
fn at_one_a_second(
    concurrency: usize,
    answer: f64,
    refusal: f64,
    retry_after: Option<f64>,
) -> (f64, f64) {
    let start = Instant::now();
    let mut state = Alone::new(concurrency, None, start);
    let (mut tokens, mut filled, mut now) = (60.0_f64, start, start);
    let mut flight: Vec<(Instant, u64, bool)> = Vec::new();
    let (mut answered, mut refused, mut warm) = (0, 0, None);
    while answered < 1_000 {
        while let Some(number) = state.admit(now) {
            tokens = (tokens + now.duration_since(filled).as_secs_f64()).min(60.0);
            filled = now;
            let fits = tokens >= 1.0;
            tokens -= if fits { 1.0 } else { 0.0 };
            flight.push((now + secs(if fits { answer } else { refusal }), number, fits));
        }
        let next = flight.iter().map(|(end, ..)| *end).min();
        now = match (state.wait(now), next) {
            (Wait::Until(moment), Some(end)) => moment.instant().min(end),
            (Wait::Until(moment), None) => moment.instant(),
            (_, Some(end)) => end,
            (_, None) => panic!("stuck"),
        };
        for (_, number, fits) in flight.extract_if(.., |(end, ..)| *end <= now) {
            if fits {
                answered += 1;
                state.succeeded(number);
            } else {
                refused += 1;
                state.throttled(now, number, retry_after.map(secs));
            }
            state.released(now);
        }
        if answered >= 200 && warm.is_none() {
            warm = Some((now, refused, answered));
        }
    }
    let (from, before, first) = warm.unwrap();
    let rest = f64::from(answered - first);
    let rate = rest / now.duration_since(from).as_secs_f64();
    (rate, f64::from(refused - before) / rest)
}

/// A provider that refuses a share of all attempts, however fast they come. Returns the rate
/// of answers, and the longest spacing.
fn at_random_refusals(
    share: f64,
    answer: f64,
    retry_after: Option<f64>,
    seed: u64,
) -> (f64, Duration) {
    use rand::Rng;
    let start = Instant::now();
    let mut rng = Seed(seed).rng();
    let mut state = Alone::new(64, None, start);
    let mut now = start;
    let mut flight: Vec<(Instant, u64, bool)> = Vec::new();
    let (mut answered, mut longest) = (0, Duration::ZERO);
    while answered < 2_000 {
        while let Some(number) = state.admit(now) {
            let is_refused = rng.random::<f64>() < share;
            flight.push((now + secs(answer), number, is_refused));
        }
        let next = flight.iter().map(|(end, ..)| *end).min();
        now = match (state.wait(now), next) {
            (Wait::Until(moment), Some(end)) => moment.instant().min(end),
            (Wait::Until(moment), None) => moment.instant(),
            (_, Some(end)) => end,
            (_, None) => panic!("stuck"),
        };
        for (_, number, is_refused) in flight.extract_if(.., |(end, ..)| *end <= now) {
            if is_refused {
                state.throttled(now, number, retry_after.map(secs));
            } else {
                answered += 1;
                state.succeeded(number);
            }
            state.released(now);
        }
        if let Some(learned) = &state.state.learned {
            longest = longest.max(learned.interval);
        }
    }
    (2_000.0 / now.duration_since(start).as_secs_f64(), longest)
}

#[test]
fn a_provider_that_refuses_at_any_pace_is_not_asked_ever_more_slowly() {
    for (share, answer, retry_after) in [
        (0.02, 0.02, Some(0.0)),
        (0.05, 0.001, Some(0.0)),
        (0.05, 0.02, Some(0.0)),
        (0.05, 0.5, Some(0.0)),
        (0.05, 0.5, Some(1.0)),
        (0.05, 0.5, None),
        (0.1, 0.5, Some(0.0)),
        (0.2, 0.5, Some(0.0)),
    ] {
        for seed in 1..4 {
            let (rate, longest) = at_random_refusals(share, answer, retry_after, seed);
            let shown = format!("{share} {answer} {retry_after:?}: {rate:.1} per second");
            assert!(rate >= if answer < 0.1 { 50.0 } else { 2.5 }, "{shown}");
            assert!(longest <= secs(2.0), "{shown}, {longest:?}");
        }
    }
}

#[test]
fn a_provider_that_allows_one_a_second_is_soon_asked_no_faster() {
    for (concurrency, answer, refusal, retry_after) in [
        (16, 2.0, 0.05, Some(1.0)),
        (16, 0.02, 0.01, Some(1.0)),
        (64, 2.0, 0.05, None),
        (64, 8.0, 0.3, Some(1.0)),
        (64, 2.0, 0.05, Some(5.0)),
        (64, 20.0, 0.05, Some(1.0)),
        (4, 0.2, 0.05, None),
    ] {
        let (rate, refusals) = at_one_a_second(concurrency, answer, refusal, retry_after);
        let shown = format!("{rate:.3} per second, {refusals:.3} refused, {retry_after:?}");
        assert!(rate >= 0.95, "{concurrency} × {answer} s: {shown}");
        assert!(refusals < 0.03, "{concurrency} × {answer} s: {shown}");
    }
}

#[test]
fn a_pause_holds_new_attempts_back_until_it_is_over() {
    run(async {
        let throttle = Throttle::new(Rates::concurrent(4));
        let permit = throttle.acquire(Tokens(1)).await;
        permit.on_throttled(Some(secs(0.2)));
        drop(permit);
        assert!(throttle.shared.place.with(|state| state.pause.is_some()));
        let start = Instant::now();
        drop(throttle.acquire(Tokens(1)).await);
        assert!(start.elapsed() >= secs(0.19), "{:?}", start.elapsed());
    });
}

#[test]
fn the_concurrency_can_be_changed_while_attempts_wait() {
    run(async {
        let shared = SharedLimit::new(1);
        let throttle = within(Arc::new(shared.clone()), Rates::concurrent(1));
        let first = throttle.acquire(Tokens(1)).await;
        let mut waiting = Box::pin(throttle.acquire(Tokens(1)));
        assert!(is_pending(&mut waiting).await);
        throttle.set_concurrency(2);
        assert!(timeout(secs(0.05), &mut waiting).await.is_err());
        shared.set_concurrency(2);
        let second = timeout(secs(5.0), waiting).await.expect("room for a second");

        shared.set_concurrency(1);
        throttle.set_concurrency(0);
        assert_eq!(throttle.shared.place.with(|state| state.limit()), 1);
        drop(first);
        let mut third = Box::pin(throttle.acquire(Tokens(1)));
        assert!(timeout(secs(0.05), &mut third).await.is_err());
        drop(second);
        let third = timeout(secs(5.0), third).await;
        drop(third.expect("room for the third"));
    });
}

#[test]
fn two_providers_share_a_limit_and_a_paused_one_holds_none_of_it() {
    run(async {
        let shared = SharedLimit::new(1);
        let throttle = || within(Arc::new(shared.clone()), Rates::concurrent(8));
        let (one, other) = (throttle(), throttle());
        let permit = one.acquire(Tokens(1)).await;
        assert!(timeout(secs(0.05), other.acquire(Tokens(1))).await.is_err());
        permit.on_throttled(Some(secs(60.0)));
        drop(permit);
        assert!(timeout(secs(0.05), one.acquire(Tokens(1))).await.is_err());
        let taken = timeout(secs(5.0), other.acquire(Tokens(1))).await;
        drop(taken.expect("the place is free"));
    });
}

#[test]
fn a_hundred_thousand_places_are_given_in_little_time() {
    run(async {
        let throttle = within(Arc::new(SharedLimit::new(1_000)), fast(64));
        let start = Instant::now();
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let throttle = throttle.clone();
                tokio::spawn(async move {
                    for _ in 0..1_600 {
                        throttle.acquire(Tokens(1)).await.on_success(None, RatesLeft::default());
                    }
                })
            })
            .collect();
        futures_util::future::join_all(tasks).await;
        let rate = 64.0 * 1_600.0 / start.elapsed().as_secs_f64();
        println!("{rate:.0} places per second");
        assert!(rate > 10_000.0, "{rate}");
    });
}

#[test]
fn the_spacing_is_that_of_the_slowest_rate() {
    let rates = Rates {
        requests_per_minute: Some(120),
        tokens_per_minute: Some(6_000),
        ..Rates::concurrent(8)
    };
    run(async {
        assert_eq!(Throttle::new(Rates::concurrent(8)).spacing(), Duration::ZERO);
        let throttle = Throttle::new(rates);
        assert_eq!(throttle.spacing(), secs(0.5));
        let permit = throttle.acquire(Tokens(900)).await;
        permit.on_success(Some(Tokens(300)), RatesLeft::default());
        assert_eq!(throttle.spacing(), secs(3.0), "300 tokens at 100 a second");
    });
}
