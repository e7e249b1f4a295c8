//! Durable events per second, and bytes per event on disk in each copy.
//!
//! Run with `cargo bench --bench journal`.

#![allow(clippy::print_stdout)]

use promptsearch::id::{EventNumber, RequestHash};
use promptsearch::journal::{Commit, Entry, Journal, JournalError};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const EVENTS: u64 = 200_000;

/// About 150 bytes of JSON; every second event is an answer, as in a run.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Event {
    Reserved {
        call: u64,
        role: String,
        model: String,
        worst_case_nanos: u64,
        worst_case_tokens: u64,
        at: String,
    },
    Answered {
        call: u64,
        request: RequestHash,
        text: String,
        finish: String,
        tokens: (u64, u64),
    },
}

impl Entry for Event {
    fn answers(&self) -> Option<RequestHash> {
        match self {
            Self::Reserved { .. } => None,
            Self::Answered { request, .. } => Some(*request),
        }
    }
}

fn event(number: u64) -> Event {
    match number % 2 {
        0 => Event::Reserved {
            call: number,
            role: "task".to_owned(),
            model: "provider/model-mini".to_owned(),
            worst_case_nanos: 153_000,
            worst_case_tokens: 712,
            at: "2026-11-22T03:04:05.678Z".to_owned(),
        },
        _ => Event::Answered {
            call: number,
            request: RequestHash::of(&number.to_le_bytes()),
            text: "The answer is billing.".to_owned(),
            finish: "stop".to_owned(),
            tokens: (200, 6),
        },
    }
}

fn main() -> Result<(), JournalError> {
    let size: usize = (0..1_000)
        .filter_map(|number| serde_json::to_vec(&event(number)).ok())
        .map(|json| json.len())
        .sum();
    println!("{EVENTS} events of {} bytes", size / 1_000);
    let runtime = Runtime::new().map_err(cannot)?;

    let run = TempDir::new().map_err(cannot)?;
    let (journal, _) = Journal::open(run.path())?;
    let start = Instant::now();
    for number in 0..EVENTS {
        journal.append(event(number))?;
    }
    runtime.block_on(journal.flush())?;
    rate("appended, one flush at the end", EVENTS, start);
    journal.close()?;
    on_disk(run.path(), EVENTS);

    let start = Instant::now();
    let (journal, recovery) = Journal::<Event>::open(run.path())?;
    rate("opened", recovery.events, start);
    let start = Instant::now();
    let mut seen = 0;
    journal.replay::<JournalError>(|_, _| {
        seen += 1;
        Ok(())
    })?;
    rate("replayed", seen, start);
    let start = Instant::now();
    let mut found = 0;
    for number in 0..EVENTS {
        let request = RequestHash::of(&(2 * number).to_le_bytes());
        found += u64::from(journal.find_answer(&request)?.is_some());
    }
    rate("lookups of missing answers", EVENTS, start);
    assert_eq!(found, 0);
    journal.close()?;

    for (in_flight, linger) in [(1, 2), (16, 2), (256, 2), (4_096, 2), (1, 0), (16, 0), (256, 0)] {
        acknowledged(&runtime, in_flight, Duration::from_millis(linger))?;
    }
    Ok(())
}

/// Appends and waits, with `in_flight` events in flight.
fn acknowledged(runtime: &Runtime, in_flight: usize, linger: Duration) -> Result<(), JournalError> {
    let run = TempDir::new().map_err(cannot)?;
    let commit = Commit { linger, ..Commit::default() };
    let (journal, _) = Journal::open_with(run.path(), commit)?;
    let start = Instant::now();
    let mut waiting = VecDeque::new();
    let mut waits = Vec::new();
    let mut count = 0;
    while start.elapsed() < Duration::from_secs(3) {
        waiting.push_back((Instant::now(), journal.append_durable(event(count))));
        count += 1;
        if waiting.len() == in_flight
            && let Some((appended, durable)) = waiting.pop_front()
        {
            let _: EventNumber = runtime.block_on(durable)?;
            waits.push(appended.elapsed());
        }
    }
    runtime.block_on(journal.flush())?;
    waits.sort_unstable();
    let at = |share: usize| waits[waits.len() * share / 100].as_secs_f64() * 1e3;
    let what = format!(
        "acknowledged, {in_flight} in flight, linger {linger:?}, p50 {:.2} ms, p99 {:.2} ms",
        at(50),
        at(99)
    );
    rate(&what, count, start);
    journal.close()?;
    on_disk(run.path(), count);
    Ok(())
}

fn on_disk(run: &Path, events: u64) {
    println!(
        "  on disk: {} bytes per event in the store, {} in events.jsonl",
        folder_size(&run.join("journal")) / events,
        folder_size(&run.join("events.jsonl")) / events
    );
}

fn rate(what: &str, count: u64, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    println!("{what}: {:.0}/s ({seconds:.2} s)", count as f64 / seconds);
}

fn folder_size(path: &Path) -> u64 {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| folder_size(&entry.path())).sum(),
        Err(_) => fs::metadata(path).map_or(0, |file| file.len()),
    }
}

fn cannot(source: std::io::Error) -> JournalError {
    JournalError::Io {
        what: "prepare the benchmark".to_owned(),
        source: std::sync::Arc::new(source),
    }
}
