//! A run that is killed at any moment: all acknowledged events are in both copies.
//!
//! The child is this test program, started again. It appends events, and writes a line to its pipe
//! for every event that is durable. SIGKILL does not affect the page cache, so this tests what
//! survives a kill, not what survives a power failure.

#![allow(clippy::unwrap_used)]

use promptsearch::id::{EventNumber, RequestHash};
use promptsearch::journal::{Entry, Journal, JournalError, read_events};
use promptsearch::seed::Seed;
use promptsearch::store::{SledStore, Store};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

const CHILD: &str = "PROMPTSEARCH_TEST_CHILD_RUN";
/// Each run is killed this often, and resumed after each kill but the last.
const KILLS: u64 = 7;
const RUNS: u64 = 5;
/// How many events are unacknowledged at a time, like the calls in flight of a run.
const IN_FLIGHT: usize = 64;

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

/// Mostly short texts, sometimes one that is too long for one piece in the store.
fn answered(number: u64) -> Answered {
    let size = match number % 100 {
        99 => 20_000,
        rest => rest as usize * 5,
    };
    Answered {
        request: request(number),
        text: format!("{number}").repeat(size).chars().take(size).collect(),
    }
}

fn request(number: u64) -> RequestHash {
    RequestHash::of(&number.to_le_bytes())
}

/// Appends until it is killed. Without the child's environment variable it does nothing.
#[test]
fn child() {
    let Some(run) = env::var_os(CHILD) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (journal, _) = Journal::<Answered>::open(Path::new(&run)).unwrap();
    let mut acks = std::io::stdout();
    let mut in_flight = VecDeque::new();
    for number in journal.len().. {
        if number % 3 == 0 {
            journal.append(answered(number)).unwrap();
        } else {
            in_flight.push_back(journal.append_durable(answered(number)));
        }
        if in_flight.len() == IN_FLIGHT {
            let durable = runtime.block_on(in_flight.pop_front().unwrap()).unwrap();
            acks.write_all(format!("ack {durable}\n").as_bytes()).unwrap();
            acks.flush().unwrap();
        }
    }
}

enum Moment {
    AfterTheFirstAck(Duration),
    AfterTheStart(Duration),
}

/// Starts a child on the run, kills it, and returns the last event that it acknowledged.
fn killed(run: &Path, moment: Moment) -> Option<u64> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, run)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let acks = BufReader::new(child.stdout.take().unwrap());
    let (first, wait) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut last = None;
        for line in acks.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8(line).unwrap();
            // Ignore the output of the test harness. A line cut by the kill may be read as a
            // number, but that is a prefix of the real one and so smaller.
            if let Some(number) = line.strip_prefix("ack ").and_then(|n| n.parse().ok()) {
                last = last.max(Some(number));
                let _ = first.send(());
            }
        }
        last
    });
    match moment {
        Moment::AfterTheFirstAck(delay) => {
            wait.recv_timeout(Duration::from_secs(60))
                .expect("the child never acknowledged anything");
            thread::sleep(delay);
        }
        Moment::AfterTheStart(delay) => thread::sleep(delay),
    }
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

/// Either copy alone, and then the run, must have everything that was acknowledged.
fn check(run: &Path, acknowledged: u64) -> u64 {
    let file = run.join("events.jsonl");
    if file.exists() {
        let mut next = 0;
        read_events(&file, |_, event: Answered| {
            assert_eq!(event, answered(next));
            next += 1;
            Ok::<_, JournalError>(())
        })
        .unwrap();
        assert!(next >= acknowledged, "events.jsonl: {next} < {acknowledged}");
    }
    if run.join("journal").exists() {
        let copy = TempDir::new().unwrap();
        let copy = copy.path().join("journal");
        copy_folder(&run.join("journal"), &copy);
        let store = SledStore::open(&copy).unwrap();
        let same = |number: EventNumber, event: &[u8]| {
            assert_eq!(event, serde_json::to_vec(&answered(number.0)).unwrap());
            ControlFlow::Continue(())
        };
        let end = store.scan(EventNumber(0), &mut { same }).unwrap();
        assert!(end.0 >= acknowledged, "store: {end} < {acknowledged}");
        assert_eq!(store.salvaged(), None);
    }
    let (journal, recovery) = Journal::<Answered>::open(run).unwrap();
    assert!(recovery.events >= acknowledged, "{recovery:?}");
    let mut next = 0;
    journal
        .replay(|number, event| {
            assert_eq!(number.0, next, "a gap");
            assert_eq!(event, answered(next));
            let found = journal.find_answer(&request(next));
            assert_eq!(found.unwrap(), Some(number));
            next += 1;
            Ok::<_, JournalError>(())
        })
        .unwrap();
    assert_eq!(next, recovery.events);
    journal.close().unwrap();
    next
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_by_a_kill() {
    let mut after_acks = 0;
    let mut total = 0;
    for number in 0..RUNS {
        let run = TempDir::new().unwrap();
        // Events read by a resumed run count as acknowledged.
        let mut known = 0;
        for kill in 0..KILLS {
            let mut rng = Seed(1).child("kill", number * KILLS + kill).rng();
            let moment = match kill {
                3 => Moment::AfterTheStart(Duration::from_micros(rng.random_range(500..40_000))),
                _ => Moment::AfterTheFirstAck(Duration::from_millis(rng.random_range(1..150))),
            };
            let acknowledged = killed(run.path(), moment).map_or(0, |last| last + 1);
            after_acks += u64::from(acknowledged > 0);
            known = check(run.path(), acknowledged.max(known));
        }
        total += known;
    }
    assert!(after_acks >= RUNS * (KILLS - 1), "{after_acks}");
    println!("{} kills, {total} events, none lost", RUNS * KILLS);
}

#[test]
fn a_run_killed_while_it_is_made_can_be_opened() {
    for number in 0..10 {
        let run = TempDir::new().unwrap();
        let mut rng = Seed(1).child("early kill", number).rng();
        let delay = Duration::from_micros(rng.random_range(500..20_000));
        let acknowledged = killed(run.path(), Moment::AfterTheStart(delay));
        check(run.path(), acknowledged.map_or(0, |last| last + 1));
    }
}
