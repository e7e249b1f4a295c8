//! A run that is killed, interrupted or damaged reaches the same result, and pays for nothing
//! twice.

use crate::support::{
    Asked, Events, HttpRun, Logged, Server, assert_same_decisions, assert_success, calls,
    in_flight, row_id, signal,
};
use promptsearch::event::Event;
use promptsearch::seed::Seed;
use rand::Rng;
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

/// Number of calls, including hold.
const BUDGET: &str = "calls = 1200";
/// Number of kills with calls in flight.
const KILLS: usize = 12;

/// The result of the undisturbed run.
struct Reference {
    summary: Value,
    events: Events,
}

fn reference() -> &'static Reference {
    static REFERENCE: OnceLock<Reference> = OnceLock::new();
    REFERENCE.get_or_init(|| {
        let server = Server::start(&[]);
        let run = HttpRun::new(&server, 16, BUDGET, "");
        let summary = run.finish();
        let events = run.events();
        let calls = events_named(&events, |event| matches!(event, Event::Reserved { .. }));
        assert!((1_000..=1_200).contains(&calls), "{calls} calls: not a run worth killing");
        Reference { summary, events }
    })
}

fn events_named(events: &Events, is: impl Fn(&Event) -> bool) -> usize {
    events.iter().filter(|(_, event)| is(event)).count()
}

/// Resumes the run to its end, and compares it with the undisturbed one.
fn assert_same_end(run: &HttpRun) -> Value {
    let reference = reference();
    let summary = run.finish();
    assert_same_decisions(&run.events(), &reference.events, "a disturbed run");
    assert_eq!(summary["status"], "finished");
    for key in ["stop_reason", "recommended", "confirmed", "gain", "front", "counts"] {
        assert_eq!(summary[key], reference.summary[key], "{key}");
    }
    for side in ["baseline", "best"] {
        for key in ["candidate", "prompt", "dev", "hold", "usd_per_1k"] {
            let (is, was) = (&summary[side][key], &reference.summary[side][key]);
            assert!(!was.is_null(), "{side}.{key} is not known");
            assert_eq!(is, was, "{side}.{key}");
        }
    }
    for role in ["task", "mutator"] {
        let calls = |summary: &Value| summary["spent"]["by_role"][role]["calls"].clone();
        assert_eq!(calls(&summary), calls(&reference.summary), "calls of {role}");
    }
    summary
}

/// A request may be answered twice only if its first answer was lost in flight.
fn assert_nothing_paid_twice(run: &HttpRun, log: &[Logged]) {
    let (task, events) = (run.task(), run.events());
    let calls = calls(&events);
    let mut lost: HashMap<(bool, u64, Option<String>), usize> = HashMap::new();
    for (_, event) in &events {
        if let Event::Lost { call } = event {
            let key = match &calls[call] {
                Asked::Row { split, row, replicate, .. } => {
                    (true, u64::from(*replicate), Some(row_id(&task, *split, *row)))
                }
                Asked::Proposal(number) => (false, *number, None),
            };
            *lost.entry(key).or_default() += 1;
        }
    }
    let mut answers: HashMap<&str, Vec<&Logged>> = HashMap::new();
    for line in log.iter().filter(|line| line.fault.is_none()) {
        answers.entry(&line.body).or_default().push(line);
    }
    for again in answers.values().flat_map(|answers| &answers[1..]) {
        let key = (again.model == "clerk", again.seed, again.row.clone());
        let left = lost.get_mut(&key).filter(|left| **left > 0);
        *left.unwrap_or_else(|| panic!("answered twice, and not in flight: {again:?}")) -= 1;
    }
    let answered = events_named(&events, |event| matches!(event, Event::Answered(_)));
    assert_eq!(answers.len(), answered, "distinct requests answered, and answers in the journal");
}

fn is_killed_all_night(concurrency: usize) {
    let server = Server::start(&["--latency", "4"]);
    let run = HttpRun::new(&server, concurrency, BUDGET, "");
    let events = reference().events.len() as u64;
    let mut rng = Seed(concurrency as u64).child("moments", 0).rng();
    let mut moments: Vec<u64> = (0..2 * KILLS).map(|_| rng.random_range(5..events - 60)).collect();
    moments.sort_unstable();
    let mut counted = 0;
    for moment in moments {
        assert!(run.kill_after(moment), "it was over before its kill at {moment}");
        let out = in_flight(&run.events());
        assert!(out.len() <= 3 * concurrency + 8, "{} calls were out", out.len());
        counted += usize::from(!out.is_empty());
        if counted == KILLS {
            break;
        }
    }
    assert_eq!(counted, KILLS, "kills that met work in flight");
    let summary = assert_same_end(&run);
    assert!(summary["spent"]["lost"].as_f64().unwrap() > 0.0);
    assert_nothing_paid_twice(&run, &server.end());
}

#[test]
fn twelve_kills_change_nothing_at_concurrency_1() {
    is_killed_all_night(1);
}

#[test]
fn twelve_kills_change_nothing_at_concurrency_7() {
    is_killed_all_night(7);
}

#[test]
fn twelve_kills_change_nothing_at_concurrency_64() {
    is_killed_all_night(64);
}

/// By the order of arrival another interleaving decides otherwise; what is kept and what is paid is the same.
#[test]
fn kills_of_a_run_by_arrival_lose_nothing_and_keep_the_cap() {
    let server = Server::start(&["--latency", "4"]);
    let mut run = HttpRun::new(&server, 16, "usd = 0.10", "");
    run.started_with = vec!["--set", "schedule.order=arrival"];
    let mut before = Events::new();
    for moment in [150, 420, 700, 1_100, 1_500] {
        assert!(run.kill_after(moment), "it was over before its kill at {moment}");
        let events = run.events();
        let kept = events.iter().take(before.len());
        assert!(kept.eq(&before), "what was in the journal stays as it was");
        before = events;
    }
    let summary = run.finish();
    assert_eq!(summary["status"], "finished");
    assert!(summary["spent"]["usd"].as_f64().unwrap() <= 0.10, "{}", summary["spent"]);
    assert!(summary["spent"]["lost"].as_f64().unwrap() > 0.0);
    assert!(run.events().iter().take(before.len()).eq(&before));
    let frozen = fs::read_to_string(run.folder().join("run.json")).unwrap();
    assert!(frozen.contains(r#"order = \"arrival\""#), "{frozen}");
    assert_nothing_paid_twice(&run, &server.end());
}

#[test]
fn a_signal_stops_a_run_without_loss_and_shows_how_to_resume() {
    let server = Server::start(&["--latency", "3"]);
    let run = HttpRun::new(&server, 16, BUDGET, "");
    for (name, events) in [("TERM", 600), ("INT", 1_500)] {
        let mut child = run.start();
        assert!(run.wait_for(&mut child, events));
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(130), "{said}");
        let again = format!("promptsearch resume night --out {}", run.out().display());
        assert!(said.contains(&again), "{said}");
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(summary["status"], "interrupted");
        assert!(in_flight(&run.events()).is_empty(), "what was out is awaited");
    }
    let summary = assert_same_end(&run);
    assert_eq!(summary["spent"]["lost"], 0.0);
    assert_eq!(summary["spent"]["usd"], reference().summary["spent"]["usd"]);

    // Resuming a finished run shows its result each time and makes no calls.
    let before = server.stats();
    for _ in 0..2 {
        assert_eq!(run.finish(), summary);
    }
    assert_eq!(server.stats(), before);
    assert_eq!(before["bodies"]["repeat_answers"], 0);
}

#[test]
fn a_run_belongs_to_one_process() {
    let server = Server::start(&["--latency", "20"]);
    let run = HttpRun::new(&server, 4, BUDGET, "");
    let mut first = run.start();
    assert!(run.wait_for(&mut first, 50));
    let second = run.command().output().unwrap();
    assert_eq!(second.status.code(), Some(5));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("in use") && said.contains(&first.id().to_string()), "{said}");
    assert!(first.try_wait().unwrap().is_none(), "the first one goes on");
    first.kill().unwrap();
    first.wait().unwrap();
    // A killed process holds no locks.
    assert!(run.kill_after(100));
}

#[test]
fn kills_while_a_run_is_opened_change_nothing() {
    let server = Server::start(&["--latency", "2"]);
    let run = HttpRun::new(&server, 7, BUDGET, "");
    let mut rng = Seed(1).child("opening", 0).rng();
    let mut kill_soon = || {
        let mut child = run.start();
        thread::sleep(Duration::from_micros(rng.random_range(0..60_000)));
        child.kill().unwrap();
        child.wait().unwrap();
    };
    for _ in 0..10 {
        kill_soon();
    }
    run.kill_after(1_000);
    for _ in 0..10 {
        kill_soon();
    }
    assert_same_end(&run);
    assert_nothing_paid_twice(&run, &server.end());
}

#[test]
fn damage_between_sessions_is_repaired_and_changes_nothing() {
    let server = Server::start(&["--latency", "2"]);
    let run = HttpRun::new(&server, 7, BUDGET, "");
    let (file, store) = (run.folder().join("events.jsonl"), run.folder().join("journal"));

    // An incomplete last line, as after a kill or on a full disk.
    assert!(run.kill_after(700));
    let text = fs::read(&file).unwrap();
    fs::write(&file, &text[..text.len() - 17]).unwrap();

    // Another half line.
    assert!(run.kill_after(1_300));
    let mut end = fs::File::options().append(true).open(&file).unwrap();
    end.write_all(br#"{"n":1300,"crc":"00"#).unwrap();

    // The store is missing.
    assert!(run.kill_after(1_900));
    fs::remove_dir_all(&store).unwrap();

    // The file is missing.
    assert!(run.kill_after(2_500));
    fs::remove_file(&file).unwrap();
    let output = run.command().output().unwrap();
    assert_success(&output);

    // And once more after the run is finished.
    fs::remove_dir_all(&store).unwrap();
    assert_same_end(&run);
    assert_nothing_paid_twice(&run, &server.end());
}
