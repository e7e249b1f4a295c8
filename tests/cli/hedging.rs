//! Late requests are sent twice, against a real server: the run is over earlier, both requests are in the ledger,
//! and a kill loses what is open once.

use crate::env::TestEnv;
use crate::server::{Reply, Request, Server, answer};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SEARCH: &str =
    "run colours --strategy best-of-n --max-calls 120 --max-usd 50 --quiet --name one";
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
    let unsent = settled.iter().filter(|it| it["failure"] == "unsent").count();
    assert_eq!(task["hedged_calls"], hedged.len() - unsent);
    assert!((task["hedge_usd"].as_f64().unwrap() - sum(&settled) as f64 / 1e9).abs() < 1e-9);
    let tokens: u64 = settled.iter().filter_map(|it| it["tokens"].as_u64()).sum();
    assert_eq!(task["hedge_tokens"], tokens);
    assert!(tokens > 0 || hedged.is_empty(), "{settled:?}");
    assert_eq!(spent["lost"], 0.0);
    // An answer costs 20 tokens at 10 dollars a million and 2 at 20; so does the other request of a call, unless the
    // first one was answered before it was sent.
    let sent = settled.iter().filter(|it| it["usd"] == 240_000).count();
    assert!(settled.iter().all(|it| it["usd"] == 240_000 || it["usd"].is_null()), "{settled:?}");
    assert_eq!(server.requests().len() as u64, task["calls"].as_u64().unwrap() + sent as u64);
    hedged.len()
}

/// What decides a run.
fn decisions(env: &TestEnv) -> Vec<(String, Value)> {
    let kinds = ["evaluation_folded", "proposal_folded", "incumbent_changed", "winner_chosen"];
    env.events("one").into_iter().filter(|(kind, _)| kinds.contains(&kind.as_str())).collect()
}

/// When the last answer was there that the result depends on.
fn known_after(env: &TestEnv) -> Duration {
    let events = env.events("one");
    let answers = events.iter().filter(|(kind, _)| kind == "answered");
    let last = answers.filter_map(|(_, event)| event["at"].as_u64()).max();
    Duration::from_millis(last.unwrap())
}

#[test]
fn a_run_with_slow_answers_is_over_earlier_and_pays_for_both_requests() {
    for (hedge, every) in [("400ms", 10), ("p95", 30)] {
        // The nth request of all is slow: sent once more, it is not.
        let run = |hedge: Option<&str>| {
            let server = Server::start(move |number, request| {
                let is_slow = number > 30 && number.is_multiple_of(every);
                after(if is_slow { SLOW } else { Duration::from_millis(20) }, request)
            });
            let env = hedging(&server, hedge, 8);
            let began = Instant::now();
            env.run(SEARCH).ok();
            (began.elapsed(), check_ledger(&env, &server), env)
        };
        let (plain_took, none, plain) = run(None);
        let (took, hedged, env) = run(Some(hedge));
        assert!(none == 0 && hedged > 0, "{hedge}: {hedged}");
        // At its end a run waits for what it pays for.
        let (plain_known, known) = (known_after(&plain), known_after(&env));
        println!(
            "{hedge}: {plain_took:?} → {took:?}, known {plain_known:?} → {known:?}, {hedged} hedged"
        );
        assert!(known + SLOW / 2 < plain_known, "{hedge}: {known:?} after {plain_known:?}");
        assert!(took < plain_took + SLOW, "{hedge}: {took:?} after {plain_took:?}");
        assert_eq!(decisions(&env), decisions(&plain), "{hedge}");
        env.run("report one --format md -o page.md").ok();
        let report = env.read("page.md");
        assert!(report.contains("sent a second time, which cost $"), "{report}");
        assert!(!report.contains("of these pairs"), "none failed: {report}");
        let tokens =
            env.json("results/one/summary.json")["spent"]["by_role"]["task"]["hedge_tokens"]
                .as_u64()
                .unwrap();
        assert!(report.replace(',', "").contains(&format!("and {tokens} tokens")), "{report}");
    }
}

#[test]
fn a_request_of_a_pair_that_fails_is_in_the_journal_the_summary_and_the_report() {
    // The request of this number is slow and then fails; what is sent in its place is answered before.
    let server = Server::start(|number, request| match number {
        40 => {
            std::thread::sleep(SLOW);
            (500, "", r#"{"error": {"message": "the worker is gone"}}"#.to_owned())
        }
        _ => after(Duration::from_millis(20), request),
    });
    let env = hedging(&server, Some("400ms"), 8);
    env.run(SEARCH).ok();
    let settled = of_kind(&env, "hedge_settled");
    let failed: Vec<&Value> = settled.iter().filter(|it| it["failure"] == "transient").collect();
    assert_eq!(failed.len(), 1, "{settled:?}");
    let task = &env.json("results/one/summary.json")["spent"]["by_role"]["task"];
    assert_eq!(task["failed_hedges"], 1);
    assert_eq!(
        task["hedge_tokens"],
        settled.iter().filter_map(|it| it["tokens"].as_u64()).sum::<u64>()
    );
    env.run("report one --format md -o page.md").ok();
    let report = env.read("page.md");
    assert!(report.contains("; of 1 of these pairs, one request failed or both did"), "{report}");
}

/// A server where the first request of this number hangs, and the first of that number as often as it is sent,
/// until it is well.
struct Hanging {
    server: Server,
    bodies: Arc<Mutex<[Option<Value>; 2]>>,
    is_well: Arc<AtomicBool>,
}

impl Hanging {
    fn new(once: usize, always: usize) -> Self {
        let (bodies, is_well) =
            (Arc::new(Mutex::new([None, None])), Arc::new(AtomicBool::new(false)));
        let (kept, well) = (Arc::clone(&bodies), Arc::clone(&is_well));
        let server = Server::start(move |number, request| {
            let mut bodies = kept.lock().unwrap();
            for (body, hanging) in bodies.iter_mut().zip([once, always]) {
                if number == hanging {
                    *body = Some(request.body.clone());
                }
            }
            let is_stuck = bodies[1].as_ref() == Some(&request.body);
            drop(bodies);
            let hangs = number == once || is_stuck && !well.load(Ordering::SeqCst);
            after(if hangs { Duration::from_secs(600) } else { Duration::from_millis(5) }, request)
        });
        Self { server, bodies, is_well }
    }

    /// Waits until both were sent twice, and what can be answered was.
    fn wait(&self) {
        let began = Instant::now();
        let is_twice = |body: &Option<Value>| {
            let requests = self.server.requests();
            body.is_some()
                && requests.iter().filter(|it| Some(&it.body) == body.as_ref()).count() > 1
        };
        while !self.bodies.lock().unwrap().clone().iter().all(is_twice) {
            assert!(began.elapsed() < Duration::from_secs(60), "nothing was sent twice");
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn a_kill_loses_an_open_hedge_once_and_a_resume_goes_on() {
    // Of one call a request is out after the answer, of another one both are.
    let hanging = Hanging::new(40, 60);
    let env = hedging(&hanging.server, Some("300ms"), 8);
    let mut run = env.command(SEARCH).spawn().unwrap();
    hanging.wait();
    run.kill().unwrap();
    run.wait().unwrap();
    hanging.is_well.store(true, Ordering::SeqCst);
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
fn a_request_that_is_never_answered_holds_no_session_and_is_charged_its_worst_case() {
    for is_stopped in [false, true] {
        let hanging = Hanging::new(40, if is_stopped { 60 } else { usize::MAX });
        let env = hedging(&hanging.server, Some("300ms"), 8);
        let timeout = "timeout = { total = \"4s\", first_byte = \"4s\" }\nconcurrency";
        env.edit("colours/task.toml", "concurrency", timeout);
        let began = Instant::now();
        match is_stopped {
            true => {
                let run = env.command(SEARCH).spawn().unwrap();
                hanging.wait();
                let pid = run.id().to_string();
                env.program("kill").args(["-INT", &pid]).status().unwrap();
                assert_eq!(run.wait_with_output().unwrap().status.code(), Some(130));
            }
            false => {
                env.run(SEARCH).ok();
            }
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
        let (hedged, settled) = (of_kind(&env, "hedged"), of_kind(&env, "hedge_settled"));
        assert_eq!(hedged.len(), settled.len(), "all bills are there when the session ends");
        let charged = |it: &Value| ["call", "usd", "tokens"].map(|key| it[key].clone());
        let is_worst = |it: &&Value| hedged.iter().any(|hedge| charged(hedge) == charged(it));
        let hung: Vec<&Value> = settled.iter().filter(is_worst).collect();
        assert!(!hung.is_empty(), "{settled:?}");
        // It meets its deadline, unless the session ends before.
        let met = hung.iter().map(|it| &it["failure"]);
        assert!(met.into_iter().all(|it| it.is_null() || it == "timeout"), "{settled:?}");
        let last = env.events("one").pop().unwrap().0;
        assert_eq!(last, if is_stopped { "stopped" } else { "finished" });
    }
}

#[test]
fn a_plan_says_what_hedging_costs_and_a_mistake_is_named() {
    let server = Server::start(|_, request| answer(request));
    for (hedge, said) in [("p95", "about 5 % more requests"), ("8s", "longer than 8.0 s")] {
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
