//! Group commits: order, waiting, failures.

use super::*;
use crate::store::StoreError;
use futures_util::FutureExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A store that counts its calls and can be told to wait or fail.
#[derive(Default)]
struct ScriptedStore {
    memory: Memory,
    synced: AtomicU64,
    syncs: AtomicU64,
    fails: AtomicBool,
    panics: AtomicBool,
    /// A lock that stops the committer while a test holds it.
    gate: Mutex<()>,
}

impl ScriptedStore {
    fn stop(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().unwrap()
    }
}

impl Store for ScriptedStore {
    fn append(&self, first: EventNumber, events: &[Record]) -> Result<(), StoreError> {
        drop(self.gate.lock());
        assert!(!self.panics.load(Ordering::SeqCst), "a panic was asked for");
        self.memory.append(first, events)
    }
    fn sync(&self) -> Result<(), StoreError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(StoreError::Io {
                what: "write".to_owned(),
                source: Arc::new(std::io::ErrorKind::StorageFull.into()),
            });
        }
        // As slow as a disk, so that a premature acknowledgement is detected.
        std::thread::sleep(Duration::from_millis(1));
        self.syncs.fetch_add(1, Ordering::SeqCst);
        self.synced.store(self.memory.len(), Ordering::SeqCst);
        Ok(())
    }
    fn len(&self) -> u64 {
        self.memory.len()
    }
    fn read(&self, number: EventNumber) -> Result<Option<Vec<u8>>, StoreError> {
        self.memory.read(number)
    }
    fn scan(
        &self,
        from: EventNumber,
        visit: &mut dyn FnMut(EventNumber, &[u8]) -> ControlFlow<()>,
    ) -> Result<EventNumber, StoreError> {
        self.memory.scan(from, visit)
    }
    fn find_answer(&self, request: &RequestHash) -> Result<Option<EventNumber>, StoreError> {
        self.memory.find_answer(request)
    }
    fn answered(&self, visit: &mut dyn FnMut(&[u8; 16], EventNumber)) -> Result<(), StoreError> {
        self.memory.answered(visit)
    }
    fn truncate(&self, len: u64) -> Result<(), StoreError> {
        self.memory.truncate(len)
    }
}

fn over(store: &Arc<ScriptedStore>, commit: Commit) -> Journal<Fact> {
    Journal::start(store.clone(), None, commit).unwrap()
}

fn append_all(journal: &Journal<Fact>, numbers: std::ops::Range<u64>) {
    for number in numbers {
        assert_eq!(journal.append(fact(number)).unwrap(), EventNumber(number));
    }
}

fn is_full(error: &JournalError) -> bool {
    matches!(error, JournalError::Store(StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::StorageFull)
}

#[test]
fn a_journal_is_shared_between_threads_whatever_its_events_are() {
    struct OnlySend(std::cell::Cell<u8>);
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Journal<OnlySend>>();
    let _ = OnlySend(std::cell::Cell::new(0)).0;
}

#[test]
fn events_are_durable_when_reported_as_durable() {
    let store = Arc::new(ScriptedStore::default());
    let journal = over(&store, Commit::default());
    for number in 0..50 {
        let durable = journal.append_durable(fact(number));
        assert_eq!(wait(durable).unwrap(), EventNumber(number));
        assert!(store.synced.load(Ordering::SeqCst) > number);
        assert_eq!(journal.read(EventNumber(number)).unwrap(), fact(number));
    }
    assert!(matches!(journal.read(EventNumber(50)), Err(JournalError::Missing(EventNumber(50)))));
}

#[test]
fn a_flush_covers_events_that_were_not_awaited() {
    let store = Arc::new(ScriptedStore::default());
    let journal = over(&store, Commit::default());
    wait(journal.flush()).unwrap();
    append_all(&journal, 0..5_000);
    wait(journal.flush()).unwrap();
    assert_eq!(store.synced.load(Ordering::SeqCst), 5_000);
    assert_eq!(facts(&journal), expected(5_000));
}

#[test]
fn closing_and_dropping_make_everything_durable() {
    let store = Arc::new(ScriptedStore::default());
    let journal = over(&store, Commit::default());
    append_all(&journal, 0..3_000);
    journal.close().unwrap();
    assert_eq!(store.synced.load(Ordering::SeqCst), 3_000);
    let journal = over(&store, Commit::default());
    append_all(&journal, 3_000..4_000);
    drop(journal);
    assert_eq!(store.synced.load(Ordering::SeqCst), 4_000);
}

#[test]
fn many_events_share_a_commit_and_commits_keep_their_distance() {
    let store = Arc::new(ScriptedStore::default());
    let linger = Duration::from_millis(20);
    let journal = over(&store, Commit { linger, ..Commit::default() });
    let start = Instant::now();
    for number in 0..500 {
        journal.append(fact(number)).unwrap();
        std::thread::sleep(Duration::from_micros(200));
    }
    wait(journal.flush()).unwrap();
    let allowed = start.elapsed().as_millis() / linger.as_millis() + 2;
    let syncs = store.syncs.load(Ordering::SeqCst);
    assert!(syncs > 2 && u128::from(syncs) <= allowed, "{syncs} > {allowed}");
}

#[test]
fn a_commit_takes_no_more_than_it_may() {
    let store = Arc::new(ScriptedStore::default());
    let journal = over(&store, Commit { most: 10, ..Commit::default() });
    let stopped = store.stop();
    append_all(&journal, 0..1_000);
    drop(stopped);
    wait(journal.flush()).unwrap();
    assert!(store.syncs.load(Ordering::SeqCst) >= 100);
    assert_eq!(facts(&journal), expected(1_000));
}

#[test]
fn both_copies_have_the_order_of_the_calls() {
    let run = Run::of(0);
    let (journal, _) = run.open();
    let start = Barrier::new(8);
    let numbers: Vec<Vec<EventNumber>> = std::thread::scope(|scope| {
        let (journal, start) = (&journal, &start);
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                scope.spawn(move || {
                    start.wait();
                    let append = |call| journal.append(Fact::Asked { call }).unwrap();
                    (0..500).map(|at| append(thread * 1_000 + at)).collect()
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    wait(journal.flush()).unwrap();
    for (thread, numbers) in (0..).zip(&numbers) {
        assert!(numbers.is_sorted());
        for (at, number) in (0..).zip(numbers) {
            let call = thread * 1_000 + at;
            assert_eq!(journal.read(*number).unwrap(), Fact::Asked { call });
        }
    }
    let in_store = facts(&journal);
    assert_eq!(in_store.len(), 4_000);
    let mut in_file = Vec::new();
    read_events::<_, JournalError>(&run.file(), |_, fact: Fact| {
        in_file.push(fact);
        Ok(())
    })
    .unwrap();
    assert_eq!(in_file, in_store);
}

#[test]
fn a_full_queue_makes_appenders_wait_and_not_for_ever() {
    let store = Arc::new(ScriptedStore::default());
    let small = Commit { queue_bytes: 2_000, ..Commit::default() };
    let journal = over(&store, small);
    let appended = AtomicU64::new(0);
    let stopped = store.stop();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..500 {
                journal.append(fact(number)).unwrap();
                appended.fetch_add(1, Ordering::SeqCst);
            }
        });
        std::thread::sleep(Duration::from_millis(50));
        let before = appended.load(Ordering::SeqCst);
        assert!((1..100).contains(&before), "{before} fit into 2,000 bytes");
        drop(stopped);
    });
    wait(journal.flush()).unwrap();
    assert_eq!(facts(&journal), expected(500));
    let large = Fact::Answered { request: request(0), text: "x".repeat(10_000) };
    wait(journal.append_durable(large)).unwrap();
}

#[test]
fn a_failure_reaches_everyone_and_stays() {
    let store = Arc::new(ScriptedStore::default());
    let journal = over(&store, Commit::default());
    wait(journal.append_durable(fact(0))).unwrap();
    let stopped = store.stop();
    let pending: Vec<_> = (1..10).map(|n| journal.append_durable(fact(n))).collect();
    let flushed = journal.flush();
    store.fails.store(true, Ordering::SeqCst);
    drop(stopped);
    for durable in pending {
        assert!(is_full(&wait(durable).unwrap_err()));
    }
    assert!(is_full(&wait(flushed).unwrap_err()));
    store.fails.store(false, Ordering::SeqCst);
    assert!(is_full(&journal.append(fact(1)).unwrap_err()));
    assert!(is_full(&wait(journal.append_durable(fact(1))).unwrap_err()));
    assert!(is_full(&wait(journal.flush()).unwrap_err()));
    assert_eq!(facts(&journal), expected(1), "only what is durable is shown");
    assert!(is_full(&journal.close().unwrap_err()));
}

#[test]
fn a_failure_wakes_callers_that_wait_for_room() {
    for panics in [false, true] {
        let store = Arc::new(ScriptedStore::default());
        let tiny = Commit { queue_bytes: 1, ..Commit::default() };
        let journal = over(&store, tiny);
        let stopped = store.stop();
        std::thread::scope(|scope| {
            let append_some = || (0..100).find_map(|number| journal.append(fact(number)).err());
            let appenders = [scope.spawn(append_some), scope.spawn(append_some)];
            std::thread::sleep(Duration::from_millis(20));
            store.fails.store(!panics, Ordering::SeqCst);
            store.panics.store(panics, Ordering::SeqCst);
            drop(stopped);
            for appender in appenders {
                let error = appender.join().unwrap().unwrap();
                assert_eq!(matches!(error, JournalError::Stopped), panics, "{error}");
            }
        });
        journal.close().unwrap_err();
    }
}

#[test]
fn an_event_without_a_json_form_is_refused_and_harms_nothing() {
    use std::collections::BTreeMap;
    #[derive(Debug, Serialize, serde::Deserialize)]
    struct Odd(BTreeMap<Option<u8>, u8>);
    impl Entry for Odd {
        fn answers(&self) -> Option<RequestHash> {
            None
        }
    }
    let journal = Journal::in_memory().unwrap();
    let odd = Odd(BTreeMap::from([(None, 1)]));
    assert!(matches!(journal.append(odd), Err(JournalError::Encode(_))));
    assert_eq!(journal.append(Odd(BTreeMap::new())).unwrap(), EventNumber(0));
}

#[test]
fn in_memory_an_event_is_durable_when_it_is_appended() {
    let journal: Journal<Fact> = Journal::in_memory().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let number = journal.append(fact(0)).unwrap();
                    assert_eq!(journal.read(number).unwrap(), fact(0));
                    let durable = journal.append_durable(fact(1)).now_or_never();
                    assert!(durable.unwrap().is_ok());
                }
            });
        }
    });
    assert_eq!(journal.len(), 1_600);
    journal.close().unwrap();
}
