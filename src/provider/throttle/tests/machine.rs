//! Runs that share a file of limits, as processes do.

use super::super::moment::Moment;
use super::super::state::{Allowed, LEASE, State, Wait};
use super::*;
use crate::provider::limit::RateLeft;
use std::fs::{self, File};

fn shared(path: &Path, rates: Rates) -> Throttle {
    Throttle::with(rates, None, Some(path))
}

fn allowed(holder: u64, concurrency: usize) -> Allowed {
    Allowed { holder, in_flight: 0, concurrency, requests: None, tokens: None }
}

#[test]
fn a_throttle_in_a_file_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    contract::check(&|places| {
        count.set(count.get() + 1);
        let path = folder.path().join(format!("limits/{}.json", count.get()));
        Arc::new(shared(&path, Rates::concurrent(places)))
    });
}

#[test]
fn two_runs_share_a_rate_and_what_one_of_them_is_told() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("limits.json");
        // Ten a second, over both.
        let rates = Rates { requests_per_minute: Some(600), ..Rates::concurrent(64) };
        let (one, other) = (shared(&path, rates), shared(&path, rates));
        let start = Instant::now();
        let ask = |throttle: Throttle| async move {
            for _ in 0..10 {
                drop(throttle.acquire(Tokens(1)).await);
            }
        };
        tokio::join!(ask(one.clone()), ask(other.clone()));
        // Twenty attempts, of which four may go at once.
        assert!(start.elapsed() >= secs(1.5), "{:?}", start.elapsed());

        let permit = one.acquire(Tokens(1)).await;
        permit.on_throttled(Some(secs(0.5)));
        drop(permit);
        let start = Instant::now();
        drop(other.acquire(Tokens(1)).await);
        assert!(start.elapsed() >= secs(0.4), "{:?}", start.elapsed());
    });
}

#[test]
fn a_place_that_another_run_leaves_is_taken() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("limits.json");
        let (one, other) =
            (shared(&path, Rates::concurrent(1)), shared(&path, Rates::concurrent(1)));
        let permit = one.acquire(Tokens(1)).await;
        permit.on_throttled(Some(Duration::ZERO));
        // One at a time, over both.
        assert!(timeout(secs(0.3), other.acquire(Tokens(1))).await.is_err());
        drop(permit);
        let taken = timeout(secs(5.0), other.acquire(Tokens(1))).await.expect("it is free");
        drop(taken);
        drop(one);
        let left: State = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(left.limit(), 1, "a run that ended allows no attempts of others");
    });
}

#[test]
fn a_run_that_was_killed_holds_its_places_no_longer_than_its_lease() {
    let start = Moment::now();
    let mut state = State::new(start);
    let of =
        |holder| Allowed { holder, in_flight: 0, concurrency: 4, requests: None, tokens: None };
    let (mut killed, alive) = (of(1), of(2));
    let mut flight = Vec::new();
    while let Some(admitted) = state.admit(&killed, 1, start) {
        killed.in_flight += 1;
        flight.push(admitted);
    }
    state.throttled(start, flight[0].number, Some(secs(1.0)));
    let later = start + secs(10.0);
    assert_eq!(state.wait(&alive, 1, later), Wait::Place, "the provider took no more than these");
    let after = start + LEASE;
    assert_eq!(state.wait(&alive, 1, after), Wait::None);
}

#[test]
fn a_night_after_a_run_was_killed_nothing_of_its_bad_hour_is_left() {
    let start = Moment::now();
    let mut state = State::new(start);
    let of =
        |holder| Allowed { holder, in_flight: 0, concurrency: 64, requests: None, tokens: None };
    let mut killed = of(1);
    for _ in 0..10 {
        let admitted = state.admit(&killed, 1, start).unwrap();
        killed.in_flight += 1;
        state.succeeded(admitted.number);
    }
    state.throttled(start + secs(10.0), 10, Some(secs(1.0)));
    assert!(state.learned.is_some() && state.limit() < 64);
    let today = start + secs(80_000.0);
    let (mut alive, mut latest) = (allowed(2, 64), 0);
    for _ in 0..10 {
        latest = state.admit(&alive, 1, today).expect("nothing holds it back").number;
        alive.in_flight += 1;
        state.succeeded(latest);
    }
    state.throttled(today + secs(1.0), latest, None);
    assert!(state.learned.is_none_or(|learned| learned.interval < secs(1.0)), "{state:?}");
}

#[test]
fn a_file_that_is_damaged_or_of_another_time_is_begun_anew() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("limits.json");
        let later = Moment::now() + secs(3_600.0);
        let mut ahead = State::new(later);
        ahead.throttled(later, 1, Some(secs(300.0)));
        for bytes in
            [b"{\"changed\":".to_vec(), vec![0; 70_000], serde_json::to_vec(&ahead).unwrap()]
        {
            fs::write(&path, &bytes).unwrap();
            let throttle = shared(&path, Rates::concurrent(2));
            let permit = timeout(secs(5.0), throttle.acquire(Tokens(1))).await.expect("a place");
            let state: State = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            assert!(state.is_sane(Moment::now()) && state.pause.is_none());
            drop(permit);
        }
        // No file can be there.
        fs::create_dir(folder.path().join("folder")).unwrap();
        let throttle = shared(&folder.path().join("folder"), Rates::concurrent(1));
        drop(timeout(secs(5.0), throttle.acquire(Tokens(1))).await.expect("a place"));
    });
}

#[test]
fn a_lock_that_another_process_keeps_stops_no_run() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("limits.json");
        let throttle = shared(&path, Rates::concurrent(2));
        drop(throttle.acquire(Tokens(1)).await);
        let kept = File::open(&path).unwrap();
        kept.lock().unwrap();
        let start = Instant::now();
        for _ in 0..100 {
            drop(throttle.acquire(Tokens(1)).await);
        }
        assert!(start.elapsed() < secs(2.0), "{:?}", start.elapsed());
    });
}

#[test]
fn a_place_that_is_left_while_the_file_is_locked_comes_back() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("limits.json");
        let throttle = shared(&path, Rates::concurrent(1));
        let permit = throttle.acquire(Tokens(1)).await;
        let kept = File::open(&path).unwrap();
        kept.lock().unwrap();
        drop(permit);
        kept.unlock().unwrap();
        tokio::time::sleep(secs(5.2)).await;
        drop(timeout(secs(5.0), throttle.acquire(Tokens(1))).await.expect("it is free"));
    });
}

#[test]
fn a_waiter_that_is_dropped_is_not_left_a_place_by_others() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("limits.json");
        let (one, other) =
            (shared(&path, Rates::concurrent(1)), shared(&path, Rates::concurrent(1)));
        let permit = one.acquire(Tokens(1)).await;
        permit.on_throttled(Some(Duration::ZERO));
        assert!(timeout(secs(0.3), other.acquire(Tokens(1))).await.is_err());
        drop(permit);
        let state: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let holders = state["holders"].as_object().unwrap();
        assert!(holders.values().all(|holder| holder["is_waiting"] == false), "{state:#}");
    });
}

/// Every number of a good file in turn is the largest that there is, nothing, or three years ahead.
#[test]
fn no_number_in_a_file_stalls_a_run() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("limits.json");
        let rates = Rates {
            requests_per_minute: Some(6_000),
            tokens_per_minute: Some(1_000_000),
            ..Rates::concurrent(4)
        };
        let throttle = shared(&path, rates);
        let permit = throttle.acquire(Tokens(1)).await;
        permit.on_throttled(Some(Duration::ZERO));
        drop(permit);
        let good: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let mut places = Vec::new();
        pointers(&good, String::new(), &mut places);
        assert!(places.len() > 20, "{places:?}");
        for place in places {
            let ahead = Moment::now() + secs(1e8);
            let ahead = serde_json::to_value(ahead).unwrap()["secs"].clone();
            for value in [u64::MAX.into(), 0.into(), ahead] {
                let mut bad = good.clone();
                *bad.pointer_mut(&place).unwrap() = value;
                fs::write(&path, bad.to_string()).unwrap();
                let throttle = shared(&path, rates);
                let permit = timeout(secs(2.0), throttle.acquire(Tokens(1))).await;
                drop(permit.unwrap_or_else(|_| panic!("{place}: {bad}")));
            }
        }
    });
}

/// The places of all numbers.
fn pointers(value: &serde_json::Value, at: String, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Number(_) => found.push(at),
        serde_json::Value::Object(fields) => {
            for (name, inner) in fields {
                pointers(inner, format!("{at}/{name}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn what_holds_an_attempt_back_is_named() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("limits.json");
        let one_place = Rates::concurrent(1);
        let (one, other) = (shared(&path, one_place), shared(&path, one_place));
        let hold = |throttle: &Throttle| throttle.blocked_by(Tokens(1));
        assert_eq!((hold(&one), hold(&other)), (None, None));
        let permit = one.acquire(Tokens(1)).await;
        assert_eq!((hold(&one), hold(&other)), (Some(BlockedBy::Full), None));
        // The provider's own words come before the places, whoever was sent them.
        permit.on_throttled(Some(secs(40.0)));
        for throttle in [&one, &other] {
            assert!(matches!(hold(throttle), Some(BlockedBy::Asked(left)) if left > secs(39.0)));
        }
        tokio::time::sleep(secs(41.0)).await;
        assert_eq!(hold(&other), Some(BlockedBy::OtherRuns(1)));
        drop(permit);
        assert_eq!(hold(&other), None);
        for _ in 0..5 {
            one.acquire(Tokens(1)).await.on_outage();
        }
        assert!(matches!(hold(&other), Some(BlockedBy::Away(_))), "{:?}", hold(&other));

        let outer = Arc::new(SharedLimit::new(1));
        let place = outer.acquire(Tokens(1)).await;
        let inner = within(outer, Rates::concurrent(9));
        assert_eq!(hold(&inner), Some(BlockedBy::Full));
        drop(place);
        let said = RateLeft { limit: 10, left: 0, reset: secs(600.0) };
        let permit = inner.acquire(Tokens(1)).await;
        permit.on_success(None, RatesLeft { requests: Some(said), tokens: None });
        assert!(matches!(hold(&inner), Some(BlockedBy::UsedUp(left)) if left > secs(59.0)));
        let slow = Throttle::new(Rates { requests_per_minute: Some(1), ..one_place });
        drop(slow.acquire(Tokens(1)).await);
        assert!(matches!(hold(&slow), Some(BlockedBy::Paced(left)) if left > secs(59.0)));
    });
}
