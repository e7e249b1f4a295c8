//! Runs whose rows are asked in batches, against the simulated server: half the price, the same decisions,
//! nothing bought twice and nothing lost.

use crate::batch_service::{BatchService, Fault};
use crate::env::{COLOURS, TestEnv, colour_rows};
use crate::server::{Request, Server, answer};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

const SEARCH: &str = "--strategy random --max-calls 90 --max-usd 5 --quiet";

/// A task whose rows are asked in batches of a simulated server, which is stopped at the end.
struct Served {
    env: TestEnv,
    server: Child,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Served {
    fn new(kind: &str, execution: &str, options: &str) -> Self {
        Self::with_rows(60, kind, execution, options)
    }

    fn with_rows(rows: usize, kind: &str, execution: &str, options: &str) -> Self {
        let mut env = TestEnv::with_colours();
        // A key that shares words with the names of batches, which must be found all the same.
        env.set("LOCAL_KEY", "sk-promptsearch-7f3a");
        env.write("colours/rows.jsonl", &colour_rows(rows));
        let (server, told) = env.simulate(&format!("{options} --log served.jsonl"));
        let base = told["base_url"].as_str().unwrap();
        let base = if kind == "anthropic" { base.trim_end_matches("/v1") } else { base };
        let provider = format!(
            "[providers.local]\nkind = \"{kind}\"\nbase_url = \"{base}\"\n\
             api_key = \"env:LOCAL_KEY\"\npatience = \"1s\"\n\
             price = {{ input = 1.0, output = 2.0, batch = 0.5 }}\n\n[goal]"
        );
        let model = format!("{{ model = \"local/clerk\", {execution} }}");
        let task = COLOURS.replace("\"sim/clerk\"", &model).replace("[goal]", &provider);
        env.write("served/task.toml", &task);
        env.write("served/rows.jsonl", &colour_rows(rows));
        Self { env, server }
    }

    /// Starts a run and kills it once one of its events is of this kind.
    fn kill_at(&self, name: &str, kind: &str) {
        let line = format!("run served --name {name} {SEARCH}");
        let mut run = self.env.command(&line).spawn().unwrap();
        let (file, start) =
            (self.env.path(&format!("results/{name}/events.jsonl")), Instant::now());
        let is_there = || fs::read_to_string(&file).is_ok_and(|text| text.contains(kind));
        while !is_there() {
            assert!(start.elapsed() < Duration::from_secs(60), "no event of the kind {kind}");
            std::thread::sleep(Duration::from_millis(20));
        }
        run.kill().unwrap();
        run.wait().unwrap();
    }

    /// How many requests about rows were answered; each only once. It ends the server, which then writes the
    /// rest of its log.
    fn bought(&mut self) -> usize {
        let pid = self.server.id().to_string();
        self.env.program("kill").args(["-TERM", &pid]).status().unwrap();
        self.server.wait().unwrap();
        let log = self.env.read("served.jsonl");
        let entries = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let bodies: Vec<String> =
            entries.filter(|it| it["model"] == "clerk").map(|it| it["body"].to_string()).collect();
        let distinct: BTreeSet<&String> = bodies.iter().collect();
        assert_eq!(distinct.len(), bodies.len(), "a row was bought twice");
        bodies.len()
    }

    fn events(&self, name: &str, kind: &str) -> Vec<Value> {
        let all = self.env.events(name).into_iter();
        all.filter(|(it, _)| it == kind).map(|(_, event)| event).collect()
    }

    /// What the task model cost.
    fn spent(&self, name: &str) -> f64 {
        self.env.json(&format!("results/{name}/summary.json"))["spent"]["by_role"]["task"]["usd"]
            .as_f64()
            .unwrap()
    }
}

/// What decides a run.
fn decisions(env: &TestEnv, name: &str) -> Vec<(String, Value)> {
    let kinds = ["evaluation_folded", "proposal_folded", "incumbent_changed", "winner_chosen"];
    env.events(name).into_iter().filter(|(kind, _)| kinds.contains(&kind.as_str())).collect()
}

#[test]
fn a_batch_costs_half_decides_the_same_and_survives_kills() {
    for kind in ["openai", "anthropic"] {
        let mut live = Served::new(kind, "execution = \"live\"", "");
        live.env.run(&format!("run served --name one {SEARCH}")).ok();
        let mut batched = Served::new(kind, "execution = \"batch\"", "--batch-wait 2s");
        batched.kill_at("one", "batch_submitted");
        // The moment between a batch and the note of its id: only what was posted is known.
        let events = batched.env.read("results/one/events.jsonl");
        let posted = events.find("batch_posted").unwrap();
        let end = posted + events[posted..].find('\n').unwrap() + 1;
        fs::remove_dir_all(batched.env.path("results/one/journal")).unwrap();
        batched.env.write("results/one/events.jsonl", &events[..end]);
        batched.env.run("resume one --quiet").ok();
        assert_eq!(decisions(&live.env, "one"), decisions(&batched.env, "one"), "{kind}");
        assert_eq!(batched.events("one", "lost"), Vec::<Value>::new(), "{kind}");
        let bought = live.bought();
        assert_eq!(batched.bought(), bought, "{kind}");
        let answers = batched.events("one", "answered");
        // The mutator is asked live.
        let in_batches = answers.iter().filter(|answer| answer["live"].is_u64()).count();
        assert!(in_batches + 2 >= bought, "{in_batches} of {bought}");
        let ratio = batched.spent("one") / live.spent("one");
        assert!((0.5..0.55).contains(&ratio), "{kind}: {ratio}");
    }
}

/// A kill between a batch and the worst cases of its calls: nothing was sent, and nothing is lost.
#[test]
fn a_batch_that_was_planned_and_not_begun_loses_nothing() {
    let batched = Served::new("openai", "execution = \"batch\"", "--batch-wait 2s");
    batched.kill_at("one", "batch_submitted");
    let events = batched.env.read("results/one/events.jsonl");
    let planned = events.find("batch_planned").unwrap();
    let reserved = planned + events[planned..].find("\"reserved\"").unwrap();
    let end = reserved + events[reserved..].find('\n').unwrap() + 1;
    fs::remove_dir_all(batched.env.path("results/one/journal")).unwrap();
    batched.env.write("results/one/events.jsonl", &events[..end]);
    batched.env.run("resume one --quiet").ok();
    assert_eq!(batched.events("one", "lost"), Vec::<Value>::new());
}

#[test]
fn rows_that_expire_are_asked_again_and_few_rows_are_asked_live() {
    let mut expiring = Served::new("openai", "execution = \"batch\"", "--batch-expire 0.3");
    expiring.env.run(&format!("run served --name one {SEARCH}")).ok();
    let summary = expiring.env.json("results/one/summary.json");
    assert_eq!(summary["counts"]["errors"], 0, "{summary}");
    let unsent = expiring.events("one", "attempt_failed");
    assert!(!unsent.is_empty() && unsent.iter().all(|it| it["usd"].is_null() || it["usd"] == 0));
    expiring.bought();

    let auto = Served::with_rows(200, "openai", "execution = \"auto\"", "");
    auto.env.run("run served --name few --strategy random --max-calls 12 --quiet").ok();
    assert_eq!(auto.events("few", "batch_planned"), Vec::<Value>::new());
    let report = auto.env.run("report few --format md").ok().stdout;
    assert!(report.contains("no call came in a batch"), "{report}");
    auto.env.run("run served --name many --strategy best-of-n --max-calls 200 --quiet").ok();
    assert!(!auto.events("many", "batch_planned").is_empty());
    let report = auto.env.run("report many --format md").ok().stdout;
    assert!(report.contains("calls came in batches, which saved $"), "{report}");
    let plan = auto.env.run("plan served --for 8h").ok().stdout;
    assert!(plan.contains("batches: 8 h 00 min have about 8 rounds"), "{plan}");
}

#[test]
fn a_plan_counts_the_price_at_which_calls_will_be_paid() {
    let planned = |execution: &str, time: &str| {
        let env = TestEnv::with_colours();
        let provider = "[providers.local]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\n\
             price = { input = 1.0, output = 2.0, batch = 0.5 }\n\n[goal]";
        let model = format!("{{ model = \"local/clerk\", execution = \"{execution}\" }}");
        env.edit("colours/task.toml", "\"sim/clerk\"", &model);
        env.edit("colours/task.toml", "[goal]", provider);
        let task =
            env.run(&format!("plan colours --for {time} --json")).ok().json()["roles"]["task"]
                .clone();
        (task["usd"].as_f64().unwrap(), task["batches_save_usd"].as_f64())
    };
    let (live, saved) = planned("live", "8h");
    assert!(live > 0.0 && saved.is_none());
    assert_eq!(planned("batch", "8h"), (live / 2.0, None));
    assert_eq!(planned("auto", "8h"), (live, Some(live / 2.0)));
    // No batch comes within half an hour.
    assert_eq!((planned("batch", "30m"), planned("auto", "30m")), ((live, None), (live, None)));
}

/// What a server says that has no batches, with its key in it.
const KEY: &str = "sk-Sentinel-0123456789-abcdef";

fn without_batches(request: &Request) -> crate::server::Reply {
    match request.target.ends_with("/files") {
        true => {
            (404, "", json!({"error": {"message": format!("no such path for {KEY}")}}).to_string())
        }
        false => answer(request),
    }
}

#[test]
fn a_refused_batch_stops_a_run_or_is_asked_live_and_no_key_is_shown() {
    for (execution, code) in [("batch", 4), ("auto", 0)] {
        let server = Server::start(|_, request| without_batches(request));
        let mut env = TestEnv::with_server(&server, "api_key = \"env:LOCAL_KEY\"");
        env.set("LOCAL_KEY", KEY);
        let model = format!("{{ model = \"local/clerk\", execution = \"{execution}\" }}");
        env.edit("colours/task.toml", "\"local/clerk\"", &model);
        let line = "run colours --name one --strategy best-of-n --max-calls 90 --quiet";
        let ran = env.run(line).exits(code);
        let mut events = env.events("one").into_iter();
        assert!(!events.any(|(_, event)| event["live"].is_u64()));
        match execution {
            "batch" => {
                assert!(ran.stderr.contains("execution = \"auto\""), "{}", ran.stderr);
                // The first requests show that all else is right.
                let chats = server.requests();
                let chats = chats.iter().filter(|it| it.target.ends_with("/chat/completions"));
                assert!(chats.count() <= 2);
            }
            _ => assert_eq!(env.json("results/one/summary.json")["status"], "finished"),
        }
        for file in env.files("results") {
            let content = fs::read(&file).unwrap();
            let shown = content.windows(KEY.len()).any(|window| window == KEY.as_bytes());
            assert!(!shown, "{}", file.display());
        }
        assert!(!(ran.stdout + &ran.stderr).contains(KEY));
    }
}

#[test]
fn what_a_batch_does_not_bring_in_time_is_asked_live() {
    let options = "execution = \"batch\", batch_wait = \"1s\"";
    let mut late = Served::new("openai", options, "--batch-wait 30s");
    late.env.run(&format!("run served --name one {SEARCH} --for 20s")).ok();
    let [batched, live] = [true, false].map(|batch| {
        let answers = late.events("one", "answered");
        answers.iter().filter(|answer| answer["live"].is_u64() == batch).count()
    });
    assert!(!late.events("one", "batch_planned").is_empty());
    assert!(live > 10 && batched > 0, "{live} live, {batched} in a batch");
    late.bought();

    // A run that is shorter than a batch is asked live from the start.
    let short = Served::new("openai", "execution = \"batch\"", "");
    short.env.run(&format!("run served --name one {SEARCH} --for 60s")).ok();
    assert_eq!(short.events("one", "batch_planned"), Vec::<Value>::new());
}

/// A task whose rows are asked in batches of a service that fails.
fn at(service: &BatchService) -> TestEnv {
    let env = TestEnv::with_server(&service.server, "patience = \"5s\"");
    let price = "price = { input = 1.0, output = 2.0, batch = 0.5 }";
    env.edit("colours/task.toml", "free = true", price);
    let model = "{ model = \"local/clerk\", execution = \"batch\" }";
    env.edit("colours/task.toml", "\"local/clerk\"", model);
    env
}

#[test]
fn a_batch_whose_begin_got_no_clear_answer_is_not_bought_again() {
    for (fault, again) in [
        (Fault::Says503AndTakes, 0),
        (Fault::AnswersAPageAndTakes, 0),
        (Fault::Says429, 1),
        (Fault::LosesAnUpload, 0),
        (Fault::AnswersAPageForResults, 0),
    ] {
        let service = BatchService::start(fault);
        let env = at(&service);
        env.run(&format!("run colours --name one {SEARCH}")).ok();
        let (batches, begun) = service.batches();
        assert_eq!((service.bought_twice(), begun - batches), (0, again), "{fault:?}");
        let failed = env.events("one").into_iter().filter(|(kind, _)| kind == "attempt_failed");
        assert!(failed.clone().all(|(_, it)| it["usd"].is_null()), "{fault:?}");
        assert_eq!(env.json("results/one/summary.json")["counts"]["errors"], 0, "{fault:?}");
    }
}

#[test]
fn a_batch_that_is_listed_late_after_an_error_is_not_bought_again() {
    let service = BatchService::start(Fault::Says500AndListsLate);
    let env = at(&service);
    env.edit("colours/task.toml", "patience = \"5s\"", "patience = \"30s\"");
    env.run(&format!("run colours --name one {SEARCH}")).ok();
    let (batches, begun) = service.batches();
    assert_eq!((service.bought_twice(), begun - batches), (0, 0));
}

#[test]
fn a_batch_that_its_provider_has_twice_is_cancelled_and_counts_as_paid() {
    for fault in [Fault::Says500AndListsBoth, Fault::Says429AndListsBoth] {
        is_cancelled_and_counts_as_paid(fault);
    }
}

fn is_cancelled_and_counts_as_paid(fault: Fault) {
    let service = BatchService::start(fault);
    let env = at(&service);
    if fault == Fault::Says429AndListsBoth {
        // It is forgotten once its provider's list has gone without it for this long.
        env.edit("colours/task.toml", "patience = \"5s\"", "patience = \"30s\"");
    }
    env.run(&format!("run colours --name one {SEARCH}")).ok();
    let events = env.events("one");
    let of = |kind: &str| -> Vec<&Value> {
        events.iter().filter(|(it, _)| it == kind).map(|(_, event)| event).collect()
    };
    let surplus = of("batch_surplus");
    let calls = of("batch_planned")[0]["calls"].as_array().unwrap().clone();
    // Once at first, twice when it is begun again, and once when it is known which of the two it is.
    let all: Vec<u64> = of("reserved")
        .into_iter()
        .filter(|it| calls.contains(&it["call"]))
        .map(|it| it["usd"].as_u64().unwrap())
        .collect();
    let reserved: u64 = all[..calls.len()].iter().sum();
    assert_eq!(all.iter().sum::<u64>(), 4 * reserved);
    assert_eq!((surplus.len(), service.bought_twice()), (1, calls.len()));
    assert_eq!(surplus[0]["usd"].as_u64().unwrap(), reserved);
    let task = &env.json("results/one/summary.json")["spent"]["by_role"]["task"];
    assert_eq!(
        (&task["surplus_batches"], &task["surplus_usd"]),
        (&json!(1), &json!(reserved as f64 / 1e9))
    );
    assert!(task["usd"].as_f64() > task["surplus_usd"].as_f64());
    let id = surplus[0]["id"].as_str().unwrap();
    let requests = service.server.requests();
    assert!(requests.iter().any(|it| it.target.ends_with(&format!("/{id}/cancel"))));
    let status = env.run("status one").ok().stdout;
    assert!(status.contains("1 batch ran twice at the provider"), "{status}");
}

#[test]
fn a_batch_that_is_refused_is_looked_for_where_an_earlier_post_may_have_begun_it() {
    for fault in [Fault::Says500AndListsLateThen400, Fault::Says500AndListsLateThenFails] {
        let service = BatchService::start(fault);
        let env = at(&service);
        env.run(&format!("run colours --name one {SEARCH}")).ok();
        let (batches, begun) = service.batches();
        assert!(batches < begun || fault == Fault::Says500AndListsLateThenFails, "{fault:?}");
        assert_eq!(service.bought_twice(), 0, "{fault:?}");
        let failed = env.events("one").into_iter().filter(|(kind, _)| kind == "attempt_failed");
        assert!(failed.clone().all(|(_, it)| it["usd"].is_null()), "{fault:?}");
    }
}

#[test]
fn a_provider_that_has_no_room_for_a_batch_is_asked_as_long_as_its_patience() {
    let service = BatchService::start(Fault::Says429Always);
    let env = at(&service);
    let began = Instant::now();
    let ran = env.run(&format!("run colours --name one {SEARCH}")).exits(4);
    assert!(ran.stderr.contains("no batch was taken for"), "{}", ran.stderr);
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
}

#[test]
fn a_batch_for_which_the_budget_has_room_once_is_begun_again_when_it_cannot_be_there() {
    // A budget that has room for it once, but not twice.
    let asked = |budget: &str| {
        let service = BatchService::start(Fault::Says429);
        let env = at(&service);
        env.edit("colours/task.toml", "patience = \"5s\"", "patience = \"15s\"");
        // What may be issued is counted at the price of live calls.
        env.edit("colours/task.toml", "batch = 0.5", "batch = 0.9");
        let began = Instant::now();
        let found = env.run(&format!("eval colours --split all --json {budget}")).ok().json();
        assert_eq!((found["quality"]["n"].as_u64(), service.bought_twice()), (Some(60), 0));
        let run = env.files("results").into_iter().find(|it| it.ends_with("events.jsonl"));
        let run = run.unwrap().parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        let reserved = env.events(&run).into_iter().filter(|(kind, _)| kind == "reserved");
        let reserved: Vec<u64> = reserved.map(|(_, it)| it["usd"].as_u64().unwrap()).collect();
        (began.elapsed(), reserved)
    };
    // One of the calls is tried live before the batch is submitted.
    let (_, twice) = asked("");
    let (live, worst) = (twice[0], twice[1..60].iter().sum::<u64>());
    assert_eq!(twice[60..].iter().sum::<u64>(), 3 * worst, "twice, and once when it is known");
    let (took, once) = asked(&format!("--max-usd {}", (live as f64 + 1.5 * worst as f64) / 1e9));
    assert_eq!(once.len(), 60, "each is set aside once");
    assert!(took > Duration::from_secs(15), "{took:?}");
}

#[test]
fn a_provider_that_never_begins_a_batch_stops_the_run() {
    let service = BatchService::start(Fault::Says500);
    let env = at(&service);
    let ran = env.run(&format!("run colours --name one {SEARCH}")).exits(4);
    assert!(ran.stderr.contains("3 times a batch did not begin"), "{}", ran.stderr);
    assert_eq!(service.batches(), (0, 3));
}

#[test]
fn a_result_that_cannot_be_read_counts_as_paid_and_is_asked_again() {
    let service = BatchService::start(Fault::CutsALine);
    let env = at(&service);
    env.run(&format!("run colours --name one {SEARCH}")).ok();
    let failed = env.events("one").into_iter().filter(|(kind, _)| kind == "attempt_failed");
    let charged: Vec<bool> = failed.map(|(_, it)| it["usd"].as_u64() > Some(0)).collect();
    assert_eq!((charged.as_slice(), service.bought_twice()), ([true].as_slice(), 1));
}

#[test]
fn a_batch_that_may_have_begun_and_is_never_listed_counts_as_paid() {
    let service = BatchService::start(Fault::HidesAndTakes);
    let env = at(&service);
    env.run(&format!("run colours --name one {SEARCH}")).ok();
    let planned: Vec<_> =
        env.events("one").into_iter().filter(|(kind, _)| kind == "batch_planned").collect();
    let calls = planned[0].1["calls"].as_array().unwrap().len();
    let failed = env.events("one").into_iter().filter(|(kind, _)| kind == "attempt_failed");
    let charged = failed.filter(|(_, it)| it["usd"].as_u64() > Some(0)).count();
    assert_eq!((service.bought_twice(), charged), (calls, calls));
}

#[test]
fn a_batch_that_its_provider_forgot_is_given_up_only_on_request() {
    let service = BatchService::start(Fault::Forgets);
    let env = at(&service);
    let ran = env.run(&format!("run colours --name one {SEARCH}")).exits(4);
    assert!(ran.stderr.contains("--abandon-batches"), "{}", ran.stderr);
    env.run("resume one --quiet").exits(4);
    assert_eq!((service.bought_twice(), service.batches().0), (0, 1));
    env.run("resume one --quiet --abandon-batches").ok();
    let summary = env.json("results/one/summary.json");
    let failed = env.events("one").into_iter().filter(|(kind, _)| kind == "attempt_failed");
    let charged: u64 = failed.map(|(_, it)| it["usd"].as_u64().unwrap_or(0)).sum();
    assert!(charged > 0 && summary["spent"]["usd"].as_f64() >= Some(charged as f64 / 1e9));
}

#[test]
fn a_batch_without_end_does_not_hold_a_run() {
    let service = BatchService::start(Fault::NeverEnds("x"));
    let env = at(&service);
    env.edit(
        "colours/task.toml",
        "execution = \"batch\"",
        "execution = \"batch\", batch_wait = \"1s\"",
    );
    let began = Instant::now();
    let ran = env.run(&format!("run colours --name one {SEARCH} --for 15s")).exits(4);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    assert!(ran.stderr.contains("may go on at the provider"), "{}", ran.stderr);
    let status = env.run("status one").ok().stdout;
    assert!(status.contains("1 batch with "), "{status}");
    assert_eq!(env.run("status one --json").json()["open_batches"].as_array().unwrap().len(), 1);
}

#[test]
fn an_id_of_a_batch_that_holds_the_key_is_not_kept_and_not_paid_again_without_a_word() {
    let service = BatchService::start(Fault::NeverEnds(KEY));
    let mut env = at(&service);
    env.edit("colours/task.toml", "patience", "api_key = \"env:LOCAL_KEY\"\npatience");
    env.set("LOCAL_KEY", KEY);
    let said = "gave to a batch holds the key, so it is neither kept nor sent";
    // Nothing is bought again before people say so, and then no more than one batch.
    for (line, batches) in [
        (format!("run colours --name one {SEARCH}"), 1),
        ("resume one --quiet".to_owned(), 1),
        ("resume one --quiet --abandon-batches".to_owned(), 2),
    ] {
        let ran = env.run(&line).exits(4);
        assert!(ran.stderr.contains(said), "{line}: {}", ran.stderr);
        assert!(ran.stderr.contains("--abandon-batches") && !ran.stderr.contains(KEY));
        assert_eq!(service.batches(), (batches, batches), "{line}");
    }
    // What was given up counts as paid.
    let summary = env.json("results/one/summary.json");
    let failed = env.events("one").into_iter().filter(|(kind, _)| kind == "attempt_failed");
    let charged: u64 = failed.map(|(_, it)| it["usd"].as_u64().unwrap_or(0)).sum();
    assert!(charged > 0 && summary["spent"]["usd"].as_f64() >= Some(charged as f64 / 1e9));
    let submitted = env.events("one").into_iter().find(|(kind, _)| kind == "batch_submitted");
    assert!(submitted.unwrap().1["id"].as_str().unwrap().contains("[key]"));
    for target in service.server.requests().iter().map(|request| &request.target) {
        assert!(!target.contains(KEY), "{target}");
    }
    for file in env.files("results") {
        let content = fs::read(&file).unwrap();
        let shown = content.windows(KEY.len()).any(|window| window == KEY.as_bytes());
        assert!(!shown, "{}", file.display());
    }
}
