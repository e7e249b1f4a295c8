//! A finished run that goes on with a higher cap: nothing is lost or paid twice, no cap is passed, and a kill
//! at any moment of it changes nothing.

use crate::support::{
    Events, HttpRun, Lab, Server, assert_same_decisions, assert_success, calls, jitter,
};
use promptsearch::caps::Caps;
use promptsearch::event::{Event, StopReason};
use promptsearch::id::{CandidateIx, RowIx};
use promptsearch::recipe::SHIPPED;
use promptsearch::run::RunError;
use promptsearch::seed::Seed;
use promptsearch::task::example::Split;
use rand::Rng;
use serde_json::Value;
use std::collections::HashMap;
use std::thread;
use std::time::Duration;

const BUDGET: &str = "calls = 700";
const RAISED: [&str; 2] = ["--max-calls", "1300"];

fn count(events: &Events, is: impl Fn(&Event) -> bool) -> usize {
    events.iter().filter(|(_, event)| is(event)).count()
}

fn reopened(events: &Events) -> usize {
    count(events, |event| matches!(event, Event::Reopened { .. }))
}

/// A run that ended at its cap, and how.
fn finished(server: &Server) -> (HttpRun, Value) {
    let mut run = HttpRun::new(server, 16, BUDGET, "");
    let summary = run.finish();
    assert_eq!(summary["stop_reason"], "budget_calls");
    assert!(summary["earlier"].is_null() && summary["look"].is_null());
    run.resumed_with = RAISED.to_vec();
    (run, summary)
}

/// Checks the second end of a run.
fn check_end(run: &HttpRun, first: &Value, summary: &Value) {
    assert_eq!(summary["status"], "finished");
    let calls_of = |summary: &Value| -> u64 {
        let roles = summary["spent"]["by_role"].as_object().unwrap();
        roles.values().map(|role| role["calls"].as_u64().unwrap()).sum()
    };
    let calls_made = calls_of(summary);
    assert!(calls_made <= 1_300 && calls_made > calls_of(first) + 300, "{calls_made}");
    // How it had ended is told as it was.
    let [earlier] = &summary["earlier"].as_array().unwrap()[..] else { panic!("{summary}") };
    assert_eq!(earlier["candidate"], first["best"]["candidate"]);
    assert_eq!(earlier["confirmed"], first["confirmed"]);
    assert_eq!(earlier["calls"], calls_of(first));
    for key in ["mean", "low", "high"] {
        assert_eq!(earlier["gain"][key], first["gain"][key], "{key}");
    }
    let is_other = ["/best/candidate", "/best/hold/n"]
        .iter()
        .any(|key| summary.pointer(key) != first.pointer(key));
    let look = if is_other { Value::from(2) } else { Value::Null };
    assert_eq!(summary["look"]["number"], look);

    // No held-out row of a prompt is asked twice: the baseline's answers stand.
    let events = run.events();
    assert_eq!(reopened(&events), 1);
    let mut asked: HashMap<(CandidateIx, RowIx), usize> = HashMap::new();
    for (_, event) in &events {
        if let Event::EvaluationIssued(block) = event
            && block.split == Split::Hold
        {
            block.rows.iter().for_each(|row| {
                *asked.entry((block.candidate, *row)).or_default() += 1;
            });
        }
    }
    assert!(asked.values().all(|times| *times == 1), "{asked:?}");
}

#[test]
fn a_finished_run_goes_on_with_what_it_knows_and_confirms_again() {
    let server = Server::start(&[]);
    let (run, first) = finished(&server);
    let before = run.events().len();
    let summary = run.finish();
    check_end(&run, &first, &summary);
    assert_eq!(server.stats()["bodies"]["repeat_answers"], 0, "nothing is paid twice");
    let events = run.events();
    assert!(matches!(events[before].1, Event::Reopened { .. }), "nothing stands before it");
    // Once more with the same caps: it is finished.
    let stats = server.stats();
    assert_eq!(run.finish(), summary);
    assert_eq!(server.stats(), stats);
}

#[test]
fn kills_while_a_finished_run_goes_on_change_nothing() {
    let server = Server::start(&["--latency", "3"]);
    let (undisturbed, first) = finished(&server);
    let summary = undisturbed.finish();
    check_end(&undisturbed, &first, &summary);
    drop(server);

    let server = Server::start(&["--latency", "3"]);
    let (run, first_too) = finished(&server);
    assert_eq!(first_too["gain"], first["gain"]);
    let before = run.events().len() as u64;
    let mut rng = Seed(3).child("opening", 0).rng();
    // Around the moment at which it is opened: later and later until it is reopened, then before and after.
    let (mut longest, mut open) = (0, 0);
    while open < 8 {
        let mut child = run.start();
        thread::sleep(Duration::from_millis(rng.random_range(longest / 2..=longest)));
        child.kill().unwrap();
        child.wait().unwrap();
        match reopened(&run.events()) {
            0 => longest += 10 + longest / 5,
            1 => open += 1,
            more => panic!("reopened {more} times"),
        }
        assert!(longest < 20_000, "it is never reopened");
    }
    assert!(longest > 10, "no kill came before it was reopened");
    let total = undisturbed.events().len() as u64;
    let mut moments: Vec<u64> = (0..6).map(|_| rng.random_range(before + 20..total - 60)).collect();
    moments.sort_unstable();
    for moment in moments {
        run.kill_after(moment);
    }
    let ended = run.finish();
    check_end(&run, &first, &ended);
    assert_same_decisions(&run.events(), &undisturbed.events(), "a disturbed run");
    for key in ["stop_reason", "recommended", "confirmed", "gain", "front", "counts", "look"] {
        assert_eq!(ended[key], summary[key], "{key}");
    }
    // What was lost in flight is asked again, and nothing else.
    let (events, asked) = (run.events(), calls(&run.events()).len());
    let lost = count(&events, |event| matches!(event, Event::Lost { .. }));
    let answered = count(&events, |event| matches!(event, Event::Answered(_)));
    let repeats = server.stats()["bodies"]["repeat_answers"].as_u64().unwrap() as usize;
    assert!(repeats <= lost && answered <= asked, "{repeats} repeats, {lost} lost");
}

#[test]
fn a_list_and_a_status_between_two_ends_say_that_the_run_is_not_over() {
    let server = Server::start(&["--latency", "3"]);
    let (run, first) = finished(&server);
    let before = run.events().len() as u64;
    assert!(run.kill_after(before + 40));
    let out = run.out().display().to_string();
    let show = |command: &str| {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_promptsearch"));
        let output = program.args([command, "--out", &out]).output().unwrap();
        assert_success(&output);
        String::from_utf8(output.stdout).unwrap()
    };
    let listed = show("list");
    assert!(listed.contains("interrupted"), "{listed}");
    let status = show("status");
    assert!(status.starts_with("night: interrupted\n"), "{status}");
    let earlier = first["best"]["candidate"].as_str().unwrap();
    assert!(status.contains("had ended before") && status.contains(earlier), "{status}");
    assert!(status.contains("of 1,300"), "{status}");
}

/// Each recipe finds its way on: it asks more where it may, and passes no cap.
#[test]
fn every_recipe_goes_on_where_a_cap_ended_it() {
    let calls = |calls| Caps { calls: Some(calls), ..Caps::default() };
    let (mut gone_on, mut done) = (Vec::new(), Vec::new());
    for recipe in SHIPPED {
        let lab = |raised| {
            let mut lab = Lab::new(recipe.name, 1, calls(500), 16);
            lab.world = Some("terse/tune");
            lab.raised = raised;
            lab
        };
        let first = lab(None).run(jitter);
        let tried = lab(Some(calls(1_000))).tried(jitter);
        let by_calls = first.summary.stop_reason == Some(StopReason::BudgetCalls);
        match tried {
            Ok(ended) => {
                let (spent, before) = (ended.summary.spent.calls(), first.summary.spent.calls());
                assert!(spent <= 1_000, "{}: {spent} calls", recipe.name);
                assert!(spent > before, "{}: {before}, then {spent}", recipe.name);
                let proposals = |counts: &promptsearch::run::Counts| counts.proposals;
                let (now, then) = (&ended.summary.counts, &first.summary.counts);
                // One that soon has done what it is to do ends by its own rule.
                let by_rule = ended.summary.stop_reason == Some(StopReason::Generations);
                let is_still =
                    proposals(now) == proposals(then) && now.evaluations < then.evaluations + 100;
                assert!(by_rule || !is_still, "{}: it stands still", recipe.name);
                gone_on.push(recipe.name);
            }
            Err(RunError::GoesNotOn { .. }) if !by_calls => done.push(recipe.name),
            Err(error) => panic!("{}: {error}", recipe.name),
        }
    }
    assert!(gone_on.len() > 20, "{gone_on:?} go on, {done:?} were done");
}
