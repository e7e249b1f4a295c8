//! After every kind of damage to a run's folder, everything that was paid for is still there.

#![allow(clippy::unwrap_used)]

use promptsearch::id::{EventNumber, RequestHash};
use promptsearch::journal::{Entry, Journal, JournalError, Recovery, read_events};
use promptsearch::store::{SledStore, Store, StoreError};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Answered {
    request: RequestHash,
    text: String,
}

impl Entry for Answered {
    fn answers(&self) -> Option<RequestHash> {
        Some(self.request)
    }
}

fn request(number: u64) -> RequestHash {
    RequestHash::of(&number.to_le_bytes())
}

fn answered(number: u64) -> Answered {
    Answered {
        request: request(number),
        text: format!("{number} {}", "words ".repeat(number as usize % 40)),
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// A closed run with `len` events.
fn run_of(len: u64) -> TempDir {
    let run = TempDir::new().unwrap();
    let (journal, recovery) = Journal::open(run.path()).unwrap();
    assert_eq!(recovery, Recovery::default());
    append(&journal, 0..len);
    journal.close().unwrap();
    run
}

/// Appends in several commits, as a run would.
fn append(journal: &Journal<Answered>, numbers: std::ops::Range<u64>) {
    for number in numbers {
        assert_eq!(journal.append(answered(number)).unwrap(), EventNumber(number));
        if number % 200 == 199 {
            wait(journal.flush()).unwrap();
        }
    }
}

/// Opens the run and checks that it has these events, that both copies and the index of answers
/// agree, that events can be added, and that the next opening has nothing to repair.
fn check(run: &Path, len: u64) -> Recovery {
    let (journal, recovery) = Journal::<Answered>::open(run).unwrap();
    assert_eq!(recovery.events, len, "{recovery:?}");
    append(&journal, len..len + 3);
    journal.close().unwrap();

    let (journal, nothing) = Journal::<Answered>::open(run).unwrap();
    assert!(nothing.repairs.is_empty(), "{nothing:?}");
    let mut next = 0;
    let visit = |number: EventNumber, event| {
        assert_eq!(number.0, next);
        assert_eq!(event, answered(next));
        next += 1;
        Ok::<_, JournalError>(())
    };
    journal.replay(visit).unwrap();
    assert_eq!(next, len + 3);
    for number in (0..len + 3).step_by(97) {
        let found = journal.find_answer(&request(number)).unwrap();
        assert_eq!(found, Some(EventNumber(number)));
    }
    assert_eq!(journal.find_answer(&request(len + 3)).unwrap(), None);
    let mut next = 0;
    let read = read_events(&run.join("events.jsonl"), |_, event: Answered| {
        assert_eq!(event, answered(next));
        next += 1;
        Ok::<_, JournalError>(())
    });
    assert_eq!(read.unwrap(), len + 3);
    recovery
}

/// Damages the store so that sled always rejects it. Whether sled detects damage to its data
/// depends on its pages.
fn ruin_store(run: &Path) {
    fs::write(run.join("journal/conf"), "not what sled wrote").unwrap();
}

/// Overwrites a part of sled's file, as a faulty disk might.
fn damage_store(run: &Path, at: f64, size: usize) {
    let data = run.join("journal/db");
    let mut bytes = fs::read(&data).unwrap();
    let start = (bytes.len() as f64 * at) as usize;
    let end = bytes.len().min(start + size);
    bytes[start..end].fill(0);
    fs::write(&data, bytes).unwrap();
}

fn damage_line(run: &Path, line: usize) {
    let file = run.join("events.jsonl");
    let content = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<&str> = content.lines().collect();
    let damaged = lines[line].replace("words", "swords");
    assert_ne!(lines[line], damaged, "line {line} has no words");
    lines[line] = &damaged;
    fs::write(&file, lines.join("\n") + "\n").unwrap();
}

fn kept(run: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(run).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.display().to_string().contains(".damaged-"))
        .collect()
}

#[test]
fn a_closed_run_is_reopened_without_repairs() {
    for len in [0, 1, 1_500] {
        let run = run_of(len);
        assert!(check(run.path(), len).repairs.is_empty());
        assert!(kept(run.path()).is_empty());
    }
}

#[test]
fn a_deleted_store_is_filled_from_the_file() {
    let run = run_of(1_500);
    fs::remove_dir_all(run.path().join("journal")).unwrap();
    assert_eq!(check(run.path(), 1_500).from_file, 1_500);
}

#[test]
fn a_deleted_file_is_written_again_from_the_store() {
    let run = run_of(1_500);
    let before = fs::read(run.path().join("events.jsonl")).unwrap();
    fs::remove_file(run.path().join("events.jsonl")).unwrap();
    assert_eq!(check(run.path(), 1_500).from_store, 1_500);
    let after = fs::read(run.path().join("events.jsonl")).unwrap();
    assert!(after.starts_with(&before));
}

#[test]
fn a_store_with_damage_in_its_middle_is_filled_from_the_file() {
    // sled rejects some of this damage, and opens the rest silently with fewer events.
    let mut refused = 0;
    let mut shorter = 0;
    for at in [0.0, 0.1, 0.3, 0.5, 0.9] {
        for size in [30, 4 << 10, 64 << 10, 1 << 20] {
            let run = run_of(4_000);
            damage_store(run.path(), at, size);
            let recovery = check(run.path(), 4_000);
            refused += usize::from(!kept(run.path()).is_empty());
            shorter += usize::from((1..4_000).contains(&recovery.from_file));
        }
    }
    assert!(refused + shorter > 3, "{refused}, {shorter}");
}

#[test]
fn a_damaged_store_is_kept() {
    let run = run_of(4_000);
    ruin_store(run.path());
    let damaged = fs::read(run.path().join("journal/db")).unwrap();
    let recovery = check(run.path(), 4_000);
    assert_eq!(kept(run.path()), [run.path().join("journal.damaged-1")]);
    assert!(recovery.repairs.iter().any(|repair| repair.contains("journal.damaged-1")));
    let kept = fs::read(run.path().join("journal.damaged-1/db")).unwrap();
    assert_eq!(kept.len(), damaged.len());
}

#[test]
fn a_damaged_line_is_written_again_from_the_store() {
    let run = run_of(1_500);
    damage_line(run.path(), 700);
    let recovery = check(run.path(), 1_500);
    assert_eq!(recovery.from_store, 1);
    assert_eq!(kept(run.path()), [run.path().join("events.jsonl.damaged-1")]);
}

#[test]
fn of_two_damaged_copies_the_longer_prefix_is_taken() {
    // The store cannot be repaired: only the file's prefix remains.
    let run = run_of(4_000);
    ruin_store(run.path());
    damage_line(run.path(), 3_000);
    check(run.path(), 2_999);
    assert_eq!(kept(run.path()).len(), 2);

    // The store has lost its end: the longer copy is used, and lines after the damage count.
    for (in_store, damaged, best) in [(1_000, 501, 1_500), (300, 501, 500)] {
        let run = run_of(1_500);
        let store = SledStore::open(&run.path().join("journal")).unwrap();
        store.truncate(in_store).unwrap();
        drop(store);
        damage_line(run.path(), damaged);
        check(run.path(), best);
    }
}

#[test]
fn a_half_written_snapshot_does_no_harm() {
    let run = run_of(500);
    let half = run.path().join("journal/snap.FFFFFFFFFFFFFFFF.generating");
    fs::write(&half, b"half a snapshot").unwrap();
    assert!(check(run.path(), 500).repairs.is_empty());
    assert!(!half.exists());
}

#[test]
fn a_second_opener_is_refused_and_changes_nothing() {
    let run = run_of(10);
    let (journal, _) = Journal::<Answered>::open(run.path()).unwrap();
    let file = run.path().join("events.jsonl");
    let before = fs::read(&file).unwrap();
    let error = Journal::<Answered>::open(run.path()).unwrap_err();
    let me = std::process::id().to_string();
    assert!(matches!(error, JournalError::Store(StoreError::InUse { .. })), "{error}");
    assert!(error.to_string().contains(&me), "{error}");
    assert_eq!(fs::read(&file).unwrap(), before);
    append(&journal, 10..20);
    journal.close().unwrap();
    check(run.path(), 20);
}

#[test]
fn a_newer_journal_is_refused_before_anything_is_touched() {
    let run = run_of(10);
    let file = run.path().join("events.jsonl");
    let newer = fs::read_to_string(&file).unwrap().replacen(":1}", ":2}", 1);
    fs::write(&file, &newer).unwrap();
    fs::remove_dir_all(run.path().join("journal")).unwrap();
    let error = Journal::<Answered>::open(run.path()).unwrap_err();
    assert!(error.to_string().contains("version 2"), "{error}");
    assert!(!run.path().join("journal").exists());
    assert_eq!(fs::read_to_string(&file).unwrap(), newer);
}

#[test]
fn a_run_whose_copies_are_both_gone_is_not_begun_again_in_silence() {
    type Harm = fn(&Path);
    let harms: [Harm; 5] = [
        |run| {
            damage_store(run, 0.0, usize::MAX / 2);
            fs::remove_file(run.join("events.jsonl")).unwrap();
        },
        |run| {
            ruin_store(run);
            fs::remove_file(run.join("events.jsonl")).unwrap();
        },
        |run| {
            // sled opens this as an empty store.
            damage_store(run, 0.0, usize::MAX / 2);
            fs::write(run.join("events.jsonl"), "no journal\n").unwrap();
        },
        |run| {
            fs::remove_dir_all(run.join("journal")).unwrap();
            fs::write(run.join("events.jsonl"), "no journal").unwrap();
        },
        |run| {
            fs::remove_dir_all(run.join("journal")).unwrap();
            let header = "{\"promptsearch_journal\":1}\n";
            fs::write(run.join("events.jsonl"), format!("{header}no\nevents\n")).unwrap();
        },
    ];
    for harm in harms {
        let run = run_of(4_000);
        harm(run.path());
        for _ in 0..2 {
            let error = Journal::<Answered>::open(run.path()).unwrap_err();
            assert!(matches!(error, JournalError::Lost { .. }), "{error}");
        }
        assert!(kept(run.path()).is_empty());
    }
}

#[test]
fn a_run_that_was_killed_while_it_was_made_begins() {
    let header = "{\"promptsearch_journal\":1}\n";
    for cut in 0..=header.len() {
        let run = TempDir::new().unwrap();
        fs::write(run.path().join("events.jsonl"), &header[..cut]).unwrap();
        check(run.path(), 0);
        assert!(kept(run.path()).is_empty());
    }
}

#[test]
fn large_answers_survive() {
    let large = |number: u64| Answered {
        request: request(number),
        text: format!("{number}").repeat(300 << 10),
    };
    let run = TempDir::new().unwrap();
    let (journal, _) = Journal::open(run.path()).unwrap();
    for number in 0..8 {
        wait(journal.append_durable(large(number))).unwrap();
    }
    journal.close().unwrap();
    let in_own_files = fs::read_dir(run.path().join("journal/blobs")).unwrap();
    assert_eq!(in_own_files.count(), 0);
    for lost in ["events.jsonl", "journal"] {
        let lost = run.path().join(lost);
        fs::remove_dir_all(&lost).or_else(|_| fs::remove_file(&lost)).unwrap();
        let (journal, _) = Journal::<Answered>::open(run.path()).unwrap();
        for number in 0..8 {
            assert!(journal.read(EventNumber(number)).unwrap() == large(number));
        }
        journal.close().unwrap();
    }
}

/// A copy of the run's folder, without files that another test creates.
fn copy(run: &Path) -> TempDir {
    fn copy_into(from: &Path, to: &Path) {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                fs::create_dir(&to).unwrap();
                copy_into(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), to).unwrap();
            }
        }
    }
    let copy = TempDir::new().unwrap();
    copy_into(run, copy.path());
    copy
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// The unit tests cut at every single byte, over a store in memory; this test uses sled.
    #[test]
    fn a_file_cut_in_its_last_4_kib_is_completed(cut in 1..4_096_usize, in_store in 0..=60_u64) {
        let run = run_of(60);
        let file = run.path().join("events.jsonl");
        let whole = fs::read(&file).unwrap();
        let cut = whole.len() - cut.min(whole.len() - 30);
        fs::write(&file, &whole[..cut]).unwrap();
        let store = SledStore::open(&run.path().join("journal")).unwrap();
        store.truncate(in_store).unwrap();
        drop(store);
        let ends = |upto: usize| whole[..upto].iter().filter(|byte| **byte == b'\n').count() as u64;
        let in_file = ends((cut + 1).min(whole.len())) - 1;
        let recovery = check(run.path(), in_file.max(in_store));
        prop_assert_eq!(recovery.from_file, in_file.saturating_sub(in_store));
        prop_assert_eq!(recovery.from_store, in_store.saturating_sub(in_file));
    }

    #[test]
    fn a_store_damaged_anywhere_loses_nothing(at in 0.0..1.0, size in 1..300_000_usize) {
        static RUN: std::sync::OnceLock<TempDir> = std::sync::OnceLock::new();
        let run = copy(RUN.get_or_init(|| run_of(3_000)).path());
        damage_store(run.path(), at, size);
        check(run.path(), 3_000);
    }
}

#[test]
fn the_store_below_is_numbered_without_a_gap() {
    let run = run_of(300);
    let store = SledStore::open(&run.path().join("journal")).unwrap();
    let end = store.scan(EventNumber(0), &mut |_, _| ControlFlow::Continue(()));
    assert_eq!(end.unwrap(), EventNumber(300));
    assert_eq!(store.len(), 300);
}
