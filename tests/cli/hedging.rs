//! Late requests are sent twice, against a real server: the run is over earlier, both requests are in the ledger,
//! and a kill loses what is open once.

use crate::env::TestEnv;
use crate::server::{Reply, Request, Server, answer};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const SEARCH: &str = "run colours --strategy best-of-n --max-calls 120 --max-usd 1 --quiet --name one";
const SLOW: Duration = Duration::from_secs(3);

/// Answers after this time.
fn after(delay: Duration, request: &Request) -> Reply {
    std::thread::sleep(delay);
    answer(request)
}

/// The task `colours` with a price at this server, and this `hedge` of its task model.
fn hedging(server: &Server, hedge: Option<&str>, concurrency: usize) -> TestEnv {
    let env = TestEnv::with_server(server, &format!("concurrency = {concurrency}"));
    env.edit("colours/task.toml", "free = true", "price = { input = 10.0, output = 20.0 }");
    if let Some(hedge) = hedge {
        let model = format!("{{ model = \"local/clerk\", hedge = \"{hedge}\" }}");
        env.edit("colours/task.toml", "\"local/clerk\"", &model);
    }
    env
}

/// Events of one kind, which concern the task model.
fn of_kind(env: &TestEnv, kind: &str) -> Vec<Value> {
    let all = env.events("one").into_iter();
    let of_task = |event: &Value| event["role"].is_null() || event["role"] == "task";
    all.filter(|(it, event)| it == kind && of_task(event)).map(|(_, event)| event).collect()
}

fn calls(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["call"].as_u64().unwrap()).collect()
}

fn sum(events: &[Value]) -> u64 {
    events.iter().map(|event| event["usd"].as_u64().unwrap_or(0)).sum()
}

/// Checks that each reservation was settled once, that both requests of a hedged call were charged, and that the
/// sum of all is what the run says that it spent. Returns how many requests were sent twice.
fn check_ledger(env: &TestEnv, server: &Server) -> usize {
    let (hedged, settled) = (of_kind(env, "hedged"), of_kind(env, "hedge_settled"));
    let answered = env.events("one").into_iter().filter(|(kind, _)| kind == "answered");
    let answered: Vec<Value> = answered.map(|(_, event)| event).collect();
    let distinct: BTreeSet<u64> = calls(&answered).into_iter().collect();
    assert_eq!(distinct.len(), answered.len(), "a call was answered twice");
    let [mut sent, mut paid] = [calls(&hedged), calls(&settled)];
    sent.sort_unstable();
    paid.sort_unstable();
    assert_eq!(sent, paid, "each hedge is settled once");
    let spent = env.json("results/one/summary.json")["spent"].clone();
    let total = sum(&answered) + sum(&settled);
    assert!((spent["usd"].as_f64().unwrap() - total as f64 / 1e9).abs() < 1e-9, "{spent}");
    let task = &spent["by_role"]["task"];
    assert_eq!(task["hedged_calls"], hedged.len());
    assert!((task["hedge_usd"].as_f64().unwrap() - sum(&settled) as f64 / 1e9).abs() < 1e-9);
    assert_eq!(spent["lost"], 0.0);
    // An answer costs 20 tokens at 10 dollars a million and 2 at 20; so does the other request of a call.
    assert!(settled.iter().all(|it| it["usd"] == 240_000), "{settled:?}");
    assert_eq!(server.requests().len() as u64, task["calls"].as_u64().unwrap() + hedged.len() as u64);
    hedged.len()
}

/// What decides a run.
fn decisions(env: &TestEnv) -> Vec<(String, Value)> {
    let kinds = ["evaluation_folded", "proposal_folded", "incumbent_changed", "winner_chosen"];
    env.events("one").into_iter().filter(|(kind, _)| kinds.contains(&kind.as_str())).collect()
}

#[test]
fn a_run_with_slow_answers_is_over_earlier_and_pays_for_both_requests() {
    // The nth request of all is slow: sent once more, it is not.
    let run = |hedge: Option<&str>, every: usize| {
        let server = Server::start(move |number, request| {
            let is_slow = number > 30 && number.is_multiple_of(every);
            after(if is_slow { SLOW } else { Duration::from_millis(20) }, request)
        });
        let env = hedging(&server, hedge, 8);
        let began = Instant::now();
        env.run(SEARCH).ok();
        let took = began.elapsed();
        let hedged = check_ledger(&env, &server);
        (took, hedged, decisions(&env), env)
    };
    let (plain, none, decided, _) = run(None, 10);
    assert_eq!(none, 0);
    for (hedge, every) in [("400ms", 10), ("p95", 30)] {
        let (plain, decided) = match every {
            10 => (plain, decided.clone()),
            every => {
                let (plain, _, decided, _) = run(None, every);
                (plain, decided)
            }
        };
        let (took, hedged, same, env) = run(Some(hedge), every);
        assert!(hedged > 0, "{hedge}");
        // The last of the slow requests is waited for, because it is paid.
        assert!(took + SLOW / 2 < plain, "{hedge}: {took:?} after {plain:?}");
        assert_eq!(same, decided, "{hedge}");
        let report = env.run("report one").ok().stdout.replace('\n', " ");
        assert!(report.contains("sent a second time, which cost $"), "{report}");
    }
}

#[test]
fn a_kill_loses_an_open_hedge_once_and_a_resume_goes_on() {
    // The first request for one tile hangs, and is answered by the second; then the process is killed.
    let (asked, is_killed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let killed = Arc::clone(&is_killed);
    let server = Server::start(move |number, request| {
        if number == 40 {
            asked.fetch_add(1, Ordering::SeqCst);
            return after(Duration::from_secs(600), request);
        }
        let hangs = number > 60 && !killed.load(Ordering::SeqCst);
        after(if hangs { Duration::from_secs(600) } else { Duration::from_millis(5) }, request)
    });
    let env = hedging(&server, Some("300ms"), 8);
    let mut run = env.command(SEARCH).spawn().unwrap();
    let (file, began) = (env.path("results/one/events.jsonl"), Instant::now());
    // Of one call a request is out after the answer, of others both.
    let is_there = || {
        fs::read_to_string(&file).is_ok_and(|text| text.matches("{\"hedged\":").count() >= 2)
    };
    while !is_there() {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing was sent twice");
        std::thread::sleep(Duration::from_millis(20));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    is_killed.store(true, Ordering::SeqCst);
    env.run("resume one --quiet").ok();

    // What was open when it was killed: by call, the worst cases.
    let (mut open, mut answered_first) = (BTreeMap::<u64, [u64; 2]>::new(), 0);
    let events = env.events("one");
    let end = events.iter().position(|(kind, _)| kind == "resumed").unwrap();
    for (kind, event) in &events[..end] {
        let Some(call) = event["call"].as_u64() else { continue };
        let usd = event["usd"].as_u64().unwrap_or(0);
        match kind.as_str() {
            "reserved" => open.entry(call).or_default()[0] = usd,
            "answered" | "attempt_failed" => {
                let left = open.entry(call).or_default();
                left[0] = 0;
                answered_first += u64::from(left[1] > 0);
            }
            "hedged" => open.entry(call).or_default()[1] = usd,
            "hedge_settled" => open.entry(call).or_default()[1] = 0,
            _ => {}
        }
    }
    let lost: u64 = open.values().flatten().sum();
    let hedges: u64 = open.values().map(|[_, hedge]| hedge).sum();
    assert!(answered_first > 0, "a call was answered, and its other request was out");
    let mut expected: Vec<u64> =
        open.iter().filter(|(_, [one, two])| one + two > 0).map(|(call, _)| *call).collect();
    expected.sort_unstable();
    let mut said = calls(&of_kind(&env, "lost"));
    said.sort_unstable();
    assert_eq!(said, expected, "each is lost once");
    let spent = &env.json("results/one/summary.json")["spent"];
    assert!((spent["lost"].as_f64().unwrap() - lost as f64 / 1e9).abs() < 1e-9, "{spent}");
    let settled = sum(&of_kind(&env, "hedge_settled"));
    let cost = spent["by_role"]["task"]["hedge_usd"].as_f64().unwrap();
    assert!((cost - (settled + hedges) as f64 / 1e9).abs() < 1e-9, "{spent}");
}

#[test]
fn a_session_that_is_stopped_waits_for_a_bill_only_so_long_and_charges_the_worst_case() {
    let server = Server::start(|number, request| {
        after(Duration::from_secs(if number == 40 { 600 } else { 0 }), request)
    });
    let env = hedging(&server, Some("300ms"), 8);
    let timeout = "timeout = { total = \"3s\", first_byte = \"3s\" }\nconcurrency";
    env.edit("colours/task.toml", "concurrency", timeout);
    let began = Instant::now();
    env.run(SEARCH).ok();
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let (hedged, settled) = (of_kind(&env, "hedged"), of_kind(&env, "hedge_settled"));
    assert_eq!((hedged.len(), sum(&hedged)), (settled.len(), sum(&settled)));
    assert!(!hedged.is_empty());
    let order: Vec<String> = env.events("one").into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(order.last().map(String::as_str), Some("finished"), "the bills come before it");
}

#[test]
fn a_plan_says_what_hedging_costs_and_a_mistake_is_named() {
    let server = Server::start(|_, request| answer(request));
    for (hedge, said) in [("p95", "about 5 % more requests"), ("8s", "longer than 8 s")] {
        let plan = hedging(&server, Some(hedge), 8).run("plan colours").ok().stdout;
        assert!(plan.contains("hedging: ") && plan.contains(said), "{plan}");
    }
    let plan = hedging(&server, None, 8).run("plan colours").ok().stdout;
    assert!(!plan.contains("hedging"), "{plan}");
    for (hedge, said) in [
        ("p90", "`hedge` is `\"p95\"` or a duration above 0 such as `\"8s\"`, not `\"p90\"`"),
        ("0s", "not `\"0s\"`"),
        ("10m", "an attempt ends after 2 min"),
        ("8s\", execution = \"batch", "leave `hedge` or `execution` out"),
    ] {
        let env = hedging(&server, Some(hedge), 8);
        let complaint = env.complaint("plan colours");
        assert!(complaint.starts_with("exit 3") && complaint.contains(said), "{complaint}");
        assert!(complaint.contains("task.toml"), "{complaint}");
    }
}
