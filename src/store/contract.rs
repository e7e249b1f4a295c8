//! The contract of [`Store`](super::Store), as tests for each implementation.

use super::{Record, Store, StoreError};
use crate::id::{EventNumber, RequestHash};
use std::ops::{ControlFlow, Range};

/// Tests one implementation; `make` returns a new, empty store each time.
pub(super) fn check(make: &mut dyn FnMut() -> Box<dyn Store>) {
    an_empty_store_has_nothing(&*make());
    what_is_appended_is_read_back(&*make());
    events_are_appended_without_a_gap(&*make());
    a_scan_starts_and_stops_at_the_given_numbers(&*make());
    the_first_answer_is_found(&*make());
    large_events_survive(&*make());
    truncating_drops_events_and_answers(&*make());
}

/// Events whose text contains their number; every third one answers a request.
pub(super) fn records(numbers: Range<u64>) -> Vec<Record> {
    numbers
        .map(|number| Record {
            bytes: body(number),
            answers: (number % 3 == 0).then(|| request(number)),
        })
        .collect()
}

pub(super) fn request(number: u64) -> RequestHash {
    RequestHash::of(&number.to_le_bytes())
}

pub(super) fn body(number: u64) -> Vec<u8> {
    format!("{{\"event\":{number}}}").into_bytes()
}

pub(super) fn bodies(numbers: Range<u64>) -> Vec<(u64, Vec<u8>)> {
    numbers.map(|number| (number, body(number))).collect()
}

pub(super) fn scanned(store: &dyn Store, from: u64) -> Vec<(u64, Vec<u8>)> {
    let mut seen = Vec::new();
    let end = store
        .scan(EventNumber(from), &mut |number, bytes| {
            seen.push((number.0, bytes.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(end.0, from + seen.len() as u64, "the end is after the last event");
    seen
}

pub(super) fn answered(store: &dyn Store) -> Vec<u64> {
    let mut numbers = Vec::new();
    store.answered(&mut |_, number| numbers.push(number.0)).unwrap();
    numbers.sort_unstable();
    numbers
}

fn an_empty_store_has_nothing(store: &dyn Store) {
    assert!(store.is_empty());
    assert_eq!(store.read(EventNumber(0)).unwrap(), None);
    assert_eq!(scanned(store, 0), []);
    assert_eq!(store.find_answer(&request(0)).unwrap(), None);
    assert_eq!(answered(store), [0_u64; 0]);
    store.append(EventNumber(0), &[]).unwrap();
    store.truncate(0).unwrap();
    store.sync().unwrap();
    assert_eq!(store.len(), 0);
}

fn what_is_appended_is_read_back(store: &dyn Store) {
    store.append(EventNumber(0), &records(0..5)).unwrap();
    store.append(EventNumber(5), &records(5..300)).unwrap();
    store.sync().unwrap();
    assert_eq!(store.len(), 300);
    assert_eq!(scanned(store, 0), bodies(0..300));
    assert_eq!(store.read(EventNumber(299)).unwrap(), Some(body(299)));
    assert_eq!(store.read(EventNumber(300)).unwrap(), None);
}

fn events_are_appended_without_a_gap(store: &dyn Store) {
    store.append(EventNumber(0), &records(0..2)).unwrap();
    for wrong in [0, 1, 3] {
        let error = store.append(EventNumber(wrong), &records(wrong..wrong + 1)).unwrap_err();
        assert!(
            matches!(error, StoreError::OutOfOrder { expected: 2, got } if got == wrong),
            "{error}"
        );
    }
    assert_eq!(scanned(store, 0), bodies(0..2));
}

fn a_scan_starts_and_stops_at_the_given_numbers(store: &dyn Store) {
    store.append(EventNumber(0), &records(0..20)).unwrap();
    assert_eq!(scanned(store, 17), bodies(17..20));
    assert_eq!(scanned(store, 20), []);
    let mut seen = 0;
    let end = store
        .scan(EventNumber(3), &mut |number, _| {
            seen += 1;
            match number.0 {
                7 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        })
        .unwrap();
    assert_eq!((seen, end), (5, EventNumber(8)));
}

fn the_first_answer_is_found(store: &dyn Store) {
    store.append(EventNumber(0), &records(0..10)).unwrap();
    let again = Record { bytes: body(10), answers: Some(request(3)) };
    let twice_at_once =
        [11, 12].map(|number| Record { bytes: body(number), answers: Some(request(99)) });
    store.append(EventNumber(10), &[again]).unwrap();
    store.append(EventNumber(11), &twice_at_once).unwrap();
    let found = |number| store.find_answer(&request(number)).unwrap();
    assert_eq!(found(3), Some(EventNumber(3)));
    assert_eq!(found(9), Some(EventNumber(9)));
    assert_eq!(found(99), Some(EventNumber(11)));
    assert_eq!(found(4), None);
    assert_eq!(answered(store), [0, 3, 6, 9, 11]);
}

fn large_events_survive(store: &dyn Store) {
    let sizes = [300 << 10, 100, 3 << 20, 6 << 10, (6 << 10) + 1, 0];
    let large = |number: usize| {
        let seed = number as u32 + 1;
        let bytes = (0..sizes[number] as u32).map(|at| (at.wrapping_mul(seed) >> 7) as u8);
        Record { bytes: bytes.collect(), answers: Some(request(number as u64)) }
    };
    let all: Vec<Record> = (0..sizes.len()).map(large).collect();
    store.append(EventNumber(0), &all).unwrap();
    store.sync().unwrap();
    let expected: Vec<(u64, Vec<u8>)> = (0..).zip(all.iter().map(|r| r.bytes.clone())).collect();
    assert!(scanned(store, 0) == expected);
    assert!(store.read(EventNumber(2)).unwrap().unwrap() == all[2].bytes);
    // A shorter event that replaces a longer one keeps nothing of it.
    store.truncate(2).unwrap();
    let shorter = Record { bytes: b"shorter ".repeat(4_000), answers: None };
    store.append(EventNumber(2), std::slice::from_ref(&shorter)).unwrap();
    store.append(EventNumber(3), &records(3..4)).unwrap();
    assert!(store.read(EventNumber(2)).unwrap() == Some(shorter.bytes));
    assert_eq!(scanned(store, 3), bodies(3..4));
}

fn truncating_drops_events_and_answers(store: &dyn Store) {
    store.append(EventNumber(0), &records(0..3_000)).unwrap();
    store.truncate(5_000).unwrap();
    assert_eq!(store.len(), 3_000);
    store.truncate(100).unwrap();
    store.sync().unwrap();
    assert_eq!(store.len(), 100);
    assert_eq!(scanned(store, 0), bodies(0..100));
    assert_eq!(answered(store), (0..100).step_by(3).collect::<Vec<_>>());
    assert_eq!(store.find_answer(&request(102)).unwrap(), None);
    store.append(EventNumber(100), &records(100..200)).unwrap();
    assert_eq!(scanned(store, 0), bodies(0..200));
    assert_eq!(store.find_answer(&request(102)).unwrap(), Some(EventNumber(102)));
}
