//! The sled store when it is reopened, opened twice, or damaged.

use super::*;
use crate::store::contract::{self, bodies, records, scanned};
use std::fs;
use tempfile::TempDir;

fn filled(path: &Path, len: u64) {
    let store = SledStore::open(path).unwrap();
    for first in (0..len).step_by(500) {
        let some = records(first..len.min(first + 500));
        store.append(EventNumber(first), &some).unwrap();
    }
    store.sync().unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn sled_keeps_the_contract() {
    let folder = TempDir::new().unwrap();
    let mut number = 0;
    contract::check(&mut || {
        number += 1;
        Box::new(SledStore::open(&folder.path().join(number.to_string())).unwrap())
    });
    for number in 1..=number {
        let large = folder.path().join(format!("{number}/blobs"));
        assert_eq!(names(&large), [""; 0], "sled never syncs its blobs");
    }
}

#[test]
fn events_of_every_size_stay_out_of_the_files_that_are_never_synced() {
    let folder = TempDir::new().unwrap();
    let store = SledStore::open(&folder.path().join("journal")).unwrap();
    for round in 0..40 {
        let sizes = [PART_BYTES, PART_BYTES - 1, 2 * PART_BYTES, 5 * PART_BYTES + 7];
        let events = sizes.map(|size| Record { bytes: vec![b'x'; size], answers: None });
        store.append(EventNumber(4 * round), &events).unwrap();
    }
    store.sync().unwrap();
    assert_eq!(names(&folder.path().join("journal/blobs")), [""; 0]);
}

#[test]
fn everything_is_there_after_opening_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("journal");
    filled(&path, 700);
    let store = SledStore::open(&path).unwrap();
    assert_eq!(store.len(), 700);
    assert_eq!(scanned(&store, 0), bodies(0..700));
    store.truncate(650).unwrap();
    drop(store);
    let store = SledStore::open(&path).unwrap();
    assert_eq!(scanned(&store, 0), bodies(0..650));
    assert_eq!(contract::answered(&store).last(), Some(&648));
    let kept = SledStore::open(&folder.path().join("journal.damaged-1")).unwrap();
    assert_eq!(kept.len(), 700, "what is cut is kept");
}

#[test]
fn a_second_open_reports_the_process_that_has_it_open() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("journal");
    let first = SledStore::open(&path).unwrap();
    for second in [SledStore::open(&path).map(drop), SledStore::replace(&path).map(drop)] {
        let error = second.unwrap_err();
        let me = std::process::id();
        assert!(
            matches!(error, StoreError::InUse { holder: Some(holder), .. } if holder == me),
            "{error}"
        );
    }
    drop(first);
    SledStore::open(&path).unwrap();
}

#[test]
fn sleds_own_lock_is_understood() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("journal");
    let _other = ::sled::open(&path).unwrap();
    let error = SledStore::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
}

#[test]
fn a_half_written_snapshot_is_removed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("journal");
    filled(&path, 100);
    fs::write(path.join("snap.FFFFFFFFFFFFFFFF.generating"), b"half").unwrap();
    let store = SledStore::open(&path).unwrap();
    assert_eq!(scanned(&store, 0), bodies(0..100));
    assert_eq!(store.salvaged(), None);
}

#[test]
fn a_damaged_snapshot_is_done_without() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("journal");
    filled(&path, 100);
    fs::write(path.join("snap.FFFFFFFFFFFFFFFF"), b"not a snapshot").unwrap();
    let store = SledStore::open(&path).unwrap();
    assert_eq!(scanned(&store, 0), bodies(0..100));
    assert_eq!(store.salvaged(), Some(&*folder.path().join("journal.damaged-1")));
    assert!(
        names(&folder.path().join("journal.damaged-1")).contains(&"snap.FFFFFFFFFFFFFFFF".into())
    );
    drop(store);
    assert_eq!(SledStore::open(&path).unwrap().salvaged(), None);
    assert_eq!(names(folder.path()), ["journal", "journal.damaged-1", "journal.lock"]);
}

#[test]
fn a_salvage_that_was_killed_is_finished_or_begun_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("journal");
    let copy = folder.path().join("journal.salvage");
    filled(&copy, 10);
    let store = SledStore::open(&path).unwrap();
    assert_eq!(store.len(), 10, "a copy alone was good already");
    drop(store);
    filled(&copy, 5);
    let store = SledStore::open(&path).unwrap();
    assert_eq!(store.len(), 10, "a copy beside its store may be half a copy");
    assert!(!copy.exists());
}

#[test]
fn a_store_beyond_repair_is_reported_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("journal");
    filled(&path, 2_000);
    // Whether damage to `db` is detected depends on its pages; `conf` is always read first.
    fs::write(path.join("conf"), "not what sled wrote").unwrap();
    let error = SledStore::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert_eq!(names(folder.path()), ["journal", "journal.lock"]);
    let (store, kept) = SledStore::replace(&path).unwrap();
    assert_eq!(store.len(), 0);
    assert_eq!(kept, Some(folder.path().join("journal.damaged-1")));
}

#[test]
fn a_scan_stops_before_a_damaged_or_missing_event() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("journal");
    filled(&path, 50);
    let meddle = |number: u64, value: Option<&[u8]>| {
        let db = ::sled::open(&path).unwrap();
        let events = db.open_tree("events").unwrap();
        match value {
            Some(value) => events.insert(number.to_be_bytes(), value).unwrap(),
            None => events.remove(number.to_be_bytes()).unwrap(),
        };
    };
    meddle(30, Some(b"1234wrong"));
    let store = SledStore::open(&path).unwrap();
    assert_eq!(scanned(&store, 0), bodies(0..30));
    assert_eq!(store.len(), 50);
    let error = store.read(EventNumber(30)).unwrap_err();
    assert!(error.to_string().contains("event 30"), "{error}");
    drop(store);
    meddle(20, None);
    let store = SledStore::open(&path).unwrap();
    assert_eq!(scanned(&store, 0), bodies(0..20));
    assert_eq!(store.read(EventNumber(20)).unwrap(), None);
}
