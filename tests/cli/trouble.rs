//! A provider's trouble is told, bounded, and costs no row.

use crate::env::{TestEnv, colour_rows};
use crate::server::{Reply, Request, Server, answer, says, tile};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn refused(status: u16, message: &str) -> Reply {
    (status, "", json!({"error": {"message": message}}).to_string())
}

/// An answer with this message and reason for its end.
fn ends(message: &Value, reason: &str) -> Reply {
    let body = json!({
        "choices": [{"index": 0, "finish_reason": reason, "message": message}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29},
    });
    (200, "", body.to_string())
}

/// A mutator's reply in the form that its request asks for.
fn rewritten(request: &Request) -> Reply {
    let asked = request.content("user");
    let nonce = asked.split("<prompt-").nth(1).and_then(|rest| rest.get(..16)).unwrap();
    says(&format!("<prompt-{nonce} part=\"system\">\nSay {nonce}.\n</prompt-{nonce}>"))
}

/// What is broken until it is told otherwise.
fn switch() -> (Arc<AtomicBool>, Arc<AtomicBool>) {
    let is_well = Arc::new(AtomicBool::new(false));
    (Arc::clone(&is_well), is_well)
}

#[test]
fn an_evaluation_that_is_asked_again_asks_the_missing_rows_and_no_others() {
    let (is_well, well) = switch();
    let server = Server::start(move |_, request| {
        let is_refused = tile(request).is_multiple_of(10) && !is_well.load(Ordering::SeqCst);
        if is_refused { refused(400, "no such colour") } else { answer(request) }
    });
    let env = TestEnv::with_server(&server, "");
    let first = env.run("eval colours --split all --json").ok().json();
    let refused = first["errors"].as_u64().unwrap();
    assert!(refused > 2, "{first}");
    assert_eq!(first["quality"]["n"], 60 - refused);
    assert_eq!(first["failed_calls"]["refused"]["calls"]["task"], refused);
    let example = first["failed_calls"]["refused"]["example"].as_str().unwrap();
    assert!(example.contains("no such colour"), "{example}");

    // The server is still as it was.
    let second = env.run("eval colours --split all --json").ok().json();
    assert_eq!((&second["errors"], &second["quality"]), (&first["errors"], &first["quality"]));

    well.store(true, Ordering::SeqCst);
    let before = server.requests().len();
    let again = env.run("eval colours --split all --json").ok().json();
    assert_eq!((&again["errors"], &again["quality"]["n"]), (&json!(0), &json!(60)));
    assert_eq!((server.requests().len() - before) as u64, refused);
    // And now nothing is missing, and what failed before is over.
    assert_eq!(again.get("failed_calls"), None, "{again}");
    let text = env.run("eval colours --split all").ok().stdout;
    assert!(!text.contains("no such colour"), "{text}");
    assert_eq!((server.requests().len() - before) as u64, refused);
}

#[test]
fn an_evaluation_of_which_nothing_is_scored_is_no_result() {
    let server = Server::start(|_, _| refused(400, "Unknown model, deploy it first"));
    let env = TestEnv::with_server(&server, "");
    let ran = env.run("eval colours").exits(4);
    assert!(ran.stderr.contains("Unknown model, deploy it first"), "{}", ran.stderr);
}

/// What counts tokens without an answer is charged what it counts, and not at the worst case or as free: at 10 dollars
/// a million tokens of the prompt, and 20 of the answer.
#[test]
fn what_is_no_answer_is_charged_by_the_tokens_that_it_counts() {
    let counted = json!({"prompt_tokens": 31, "completion_tokens": 7, "total_tokens": 38});
    let bodies = [
        (500, json!({"error": {"message": "it broke"}, "usage": counted})),
        (502, json!({"error": {"message": "it broke"}})),
        (500, json!({"error": {"message": "it broke"}})),
        (200, json!({"error": {"message": "it broke"}, "usage": counted})),
        (200, json!({"id": "no choices", "usage": counted})),
        (200, json!({"id": "no choices"})),
        (400, json!({"error": {"message": "no such colour"}, "usage": counted})),
    ];
    let said = bodies.map(|(status, body)| (status, "", body.to_string()));
    let server = Server::start(move |number, request| match said.get(number) {
        Some(said) => said.clone(),
        None => answer(request),
    });
    let env = TestEnv::with_server(&server, "concurrency = 1");
    let price = "price = { input = 10.0, output = 20.0 }";
    env.edit("colours/task.toml", "free = true", price);
    env.run("run colours --strategy best-of-n --max-calls 60 --max-usd 5 --name one --quiet").ok();
    let (mut reserved, mut charged, mut sum) = (BTreeMap::new(), Vec::new(), 0);
    for (kind, event) in env.events("one") {
        let (call, usd) = (event["call"].as_u64(), event["usd"].as_u64().unwrap_or(0));
        match kind.as_str() {
            "reserved" => drop(reserved.insert(call, usd)),
            "attempt_failed" => {
                sum += usd;
                charged.push(if usd == reserved[&call] {
                    "worst".to_owned()
                } else {
                    usd.to_string()
                });
            }
            "answered" => sum += usd,
            _ => {}
        }
    }
    let counted = (31 * 10_000 + 7 * 20_000).to_string();
    let [counted, worst, none] = [counted.as_str(), "worst", "0"];
    assert_eq!(charged, [counted, worst, none, counted, counted, worst, counted]);
    let spent = env.json("results/one/summary.json")["spent"]["usd"].as_f64().unwrap();
    assert!((spent - sum as f64 / 1e9).abs() < 1e-9, "{spent} {sum}");
}

#[test]
fn an_error_of_a_call_names_its_role_and_where_it_was_asked() {
    let roles = [("clerk", "task"), ("editor", "mutator"), ("vectors", "embed")];
    for (refused_model, role) in roles {
        let server = Server::start(move |_, request| match request.body["model"].as_str() {
            Some(model) if model == refused_model => refused(401, "no such key"),
            Some("clerk") => answer(request),
            Some("vectors") => {
                let texts = request.body["input"].as_array().unwrap().len();
                let data = vec![json!({"embedding": [1.0, 0.5]}); texts];
                (200, "", json!({"data": data}).to_string())
            }
            _ => rewritten(request),
        });
        let form = "api_key = \"env:LOCAL_KEY\"\nquery = { tenant = \"blue\" }";
        let mut env = TestEnv::with_server(&server, form);
        env.set("LOCAL_KEY", "sk-sentinel-0123456789");
        let models = "\"local/editor\"\nembed = \"local/vectors\"";
        env.edit("colours/task.toml", "\"sim/editor\"", models);
        let host = server.base_url().replace("http://", "").replace("/v1", "");
        let at = format!("provider `local` ({host}) answered 401");
        let said = format!("{role} model: {at}");
        let search = "run colours --strategy shinka-islands --max-calls 60 --name one";
        let ran = env.run(search).exits(4);
        assert!(ran.stderr.contains(&said), "{}", ran.stderr);
        let shown = env.run("status one").ok().stdout + &env.read("results/one/report.html");
        assert!(shown.contains(&said), "{shown}");
        let doctor = env.run("doctor colours --strategy shinka-islands").exits(4);
        let error = format!("error: {role} key: {at}");
        assert!(doctor.stderr.contains(&error), "{}", doctor.stderr);
        for text in [&ran.stderr, &shown, &doctor.stdout, &doctor.stderr] {
            assert!(!text.contains("sentinel") && !text.contains("blue"), "{text}");
        }
    }
}

#[test]
fn a_run_whose_time_is_over_while_it_is_throttled_says_what_it_waited_for() {
    let server = Server::start(|_, _| refused(429, "slow down, please"));
    let env = TestEnv::with_server(&server, "");
    let ran = env.run("run colours --name one --for 3s").exits(4);
    assert!(ran.stderr.contains("slow down, please"), "{}", ran.stderr);
    let status = env.run("status one").ok().stdout;
    assert!(status.contains("slow down, please"), "{status}");
}

#[test]
fn a_server_of_an_unknown_name_ends_a_run_soon() {
    let env = TestEnv::with_server(&Server::start(|_, request| answer(request)), "");
    let task = std::fs::read_to_string(env.path("colours/task.toml")).unwrap();
    let address = task.lines().find(|line| line.starts_with("base_url")).unwrap();
    env.edit("colours/task.toml", address, "base_url = \"http://no-such-host.invalid/v1\"");
    let start = Instant::now();
    let ran = env.run("run colours --name one").exits(4);
    assert!(ran.stderr.contains("`no-such-host.invalid`; check `base_url`"), "{}", ran.stderr);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

/// The proxy of the environment is used, and `NO_PROXY` excepts a host from it.
#[test]
fn a_proxy_of_the_environment_is_used() {
    let proxy = Server::start(|_, request| answer(request));
    let mut env = TestEnv::with_server(&proxy, "");
    let address = format!("base_url = \"{}\"", proxy.base_url());
    env.edit("colours/task.toml", &address, "base_url = \"http://models.invalid/v1\"");
    let of_proxy = proxy.base_url().trim_end_matches("/v1").to_owned();
    env.set("http_proxy", &of_proxy);
    env.run("eval colours").ok();
    assert!(!proxy.requests().is_empty());
    let before = proxy.requests().len();
    env.set("NO_PROXY", "models.invalid");
    let ran = env.run("eval colours --split all").exits(4);
    assert!(ran.stderr.contains("models.invalid"), "{}", ran.stderr);
    assert_eq!(proxy.requests().len(), before);
}

/// An evaluation that is continued keeps to the caps of the call that continues it.
#[test]
fn the_caps_of_a_later_eval_hold() {
    let (is_well, well) = switch();
    let server = Server::start(move |number, request| match number < 4 {
        false if !is_well.load(Ordering::SeqCst) => refused(401, "the key is revoked"),
        _ => answer(request),
    });
    // A call costs $0.022, and $0.5 and more are set aside for it.
    let price = "concurrency = 2\nprice = { input = 1000.0, output = 1000.0 }";
    let env = TestEnv::with_server(&server, price);
    env.edit("colours/task.toml", "free = true\n", "");
    env.run("eval colours --max-usd 30").exits(4);
    well.store(true, Ordering::SeqCst);
    let answered = |before: usize| server.requests().len() - before;
    let before = answered(0);
    let ran = env.run("eval colours --max-usd 0.75");
    let asked = answered(before);
    assert!((1..14).contains(&asked), "{asked}: {}", ran.stderr);
    // The rest is asked where there is room for it.
    env.run("eval colours --max-usd 30").ok();
    assert_eq!(answered(before), 14);
}

/// A rate that leaves longer between two requests than the patience with the provider is no silence of it.
#[test]
fn waiting_for_its_own_rate_stops_no_run() {
    let server = Server::start(|_, request| answer(request));
    let env = TestEnv::with_server(&server, "rpm = 30\npatience = \"1s\"");
    env.write("colours/rows.jsonl", &colour_rows(6));
    env.run("eval colours --split all").ok();
    assert_eq!(server.requests().len(), 6);
}

/// Held-out rows need their time at the rate of the provider, not at its latency.
#[test]
fn a_run_with_a_rate_and_a_time_leaves_time_for_its_confirmation() {
    let server = Server::start(|_, request| answer(request));
    let env = TestEnv::with_server(&server, "rpm = 600");
    env.run("run colours --name one --for 8s --max-calls 100000").ok();
    let summary = env.json("results/one/summary.json");
    assert_eq!(summary["stop_reason"], "budget_wall", "{summary:#}");
    let rows = summary["baseline"]["hold"]["n"].as_u64();
    assert!(rows.is_some_and(|rows| rows >= 15), "{summary:#}");
}

/// The model is withdrawn in the middle of a run, and comes back.
#[test]
fn a_provider_that_refuses_everything_stops_a_run_which_loses_no_row() {
    let undisturbed =
        TestEnv::with_server(&Server::start(|_, request| answer(request)), "concurrency = 4");
    undisturbed.run("run colours --name one").ok();

    let (is_well, well) = switch();
    let server = Server::start(move |number, request| match number < 45 {
        false if !is_well.load(Ordering::SeqCst) => refused(404, "the model is withdrawn"),
        _ => answer(request),
    });
    let env = TestEnv::with_server(&server, "concurrency = 4");
    let ran = env.run("run colours --name one").exits(4);
    assert!(ran.stderr.contains("calls in a row had no good answer ("), "{}", ran.stderr);
    assert!(ran.stderr.contains("the model is withdrawn"), "{}", ran.stderr);
    let summary = env.json("results/one/summary.json");
    assert_eq!(
        (&summary["status"], &summary["stop_reason"]),
        (&json!("interrupted"), &json!("no_answers"))
    );
    assert!(summary["trouble"].as_str().unwrap().contains("the model is withdrawn"));
    assert!(server.requests().len() < 45 + 20 + 8, "{}", server.requests().len());
    let status = env.run("status one").ok();
    assert!(status.stdout.contains("requests to a model failed"), "{}", status.stdout);

    well.store(true, Ordering::SeqCst);
    env.run("resume one").ok();
    let resumed = env.json("results/one/summary.json");
    let clean = undisturbed.json("results/one/summary.json");
    assert_eq!(resumed["counts"]["errors"], 0, "{resumed}");
    // Tokens of a prompt are estimated at the rate of all requests, and a run that was refused made others.
    let without_tokens = |mut fact: Value| {
        fact.as_object_mut().map(|fact| fact.remove("prompt_tokens"));
        fact
    };
    for fact in ["baseline", "best", "gain", "recommended", "stop_reason"] {
        let [resumed, clean] = [&resumed, &clean].map(|run| without_tokens(run[fact].clone()));
        assert_eq!(resumed, clean, "{fact}");
    }
}

#[test]
fn useless_answers_are_wrong_and_are_counted_by_their_causes() {
    let server = Server::start(|_, request| match tile(request) % 20 {
        1 => ends(&json!({"content": "The answer is wa"}), "length"),
        2 => ends(
            &json!({"content": null, "tool_calls": [{"function": {"name": "paint"}}]}),
            "tool_calls",
        ),
        3 => ends(&json!({"content": null, "reasoning_content": "It looks warm"}), "stop"),
        4 => ends(&json!({"content": ""}), "stop"),
        5 => (
            400,
            "",
            json!({"error": {"code": "content_filter", "message": "too red"}}).to_string(),
        ),
        _ => answer(request),
    });
    let env = TestEnv::with_server(&server, "");
    let ran = env.run("eval colours --split all --json").ok();
    let told = ran.json();
    assert_eq!((&told["quality"]["n"], &told["errors"]), (&json!(60), &json!(0)), "{told}");
    assert_eq!(told["invalid"], 15);
    for (cause, example) in [
        ("cut", "max_output_tokens = 512"),
        ("tool_call", "paint"),
        ("reasoning", "It looks warm"),
        ("empty", "without a text"),
        ("filter", "too red"),
    ] {
        let failed = &told["failed_calls"][cause];
        assert_eq!(failed["calls"]["task"], 3, "{cause}: {told}");
        assert!(failed["example"].as_str().unwrap().contains(example), "{failed}");
    }
    let text = env.run("eval colours --split all").ok().stdout;
    assert!(text.contains("3 task calls were cut off at max_output_tokens, such as: "), "{text}");
    // They are final.
    let asked = server.requests().len();
    let mut again = env.run("eval colours --split all --json").ok().json();
    let earlier = again.as_object_mut().unwrap().remove("earlier").unwrap();
    assert_eq!((&again, &earlier["answers"]), (&told, &60.into()));
    assert_eq!(server.requests().len(), asked);
}

/// With one call at a time, useless answers are folded before they are a streak, and candidates are
/// dropped for them.
#[test]
fn a_candidate_that_was_dropped_for_withdrawn_answers_is_tried_again() {
    let (is_well, well) = switch();
    let server = Server::start(move |number, request| match number < 75 {
        false if !is_well.load(Ordering::SeqCst) => ends(&json!({"content": ""}), "stop"),
        _ => answer(request),
    });
    let env = TestEnv::with_server(&server, "concurrency = 1");
    let ran = env.run("run colours --name one --strategy gepa").exits(4);
    assert!(ran.stderr.contains("in a row"), "{}", ran.stderr);
    let events = || -> Vec<Value> {
        let journal = env.read("results/one/events.jsonl");
        let lines = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|line| line["event"].clone()).collect()
    };
    let before = events();
    let withdrawn =
        before.iter().find_map(|event| event["answers_withdrawn"]["answers"].as_array());
    let withdrawn: BTreeSet<u64> =
        withdrawn.unwrap().iter().map(|key| key["candidate"].as_u64().unwrap()).collect();
    let dropped: Vec<u64> = before
        .iter()
        .filter_map(|event| event["candidate_dropped"]["candidate"].as_u64())
        .filter(|candidate| withdrawn.contains(candidate))
        .collect();
    assert!(!dropped.is_empty(), "no candidate was dropped for withdrawn answers");
    well.store(true, Ordering::SeqCst);
    env.run("resume one").ok();
    let after = &events()[before.len()..];
    for candidate in dropped {
        let issued = |event: &&Value| event["evaluation_issued"]["candidate"] == candidate;
        assert!(after.iter().any(|event| issued(&event)), "candidate {candidate} stays dropped");
    }
    let summary = env.json("results/one/summary.json");
    assert_eq!(
        (&summary["counts"]["invalid"], &summary["counts"]["errors"]),
        (&json!(0), &json!(0))
    );
}

#[test]
fn a_mutator_that_brings_nothing_ends_the_run_which_goes_on_when_it_does() {
    let (is_well, well) = switch();
    let server = Server::start(move |number, _| match is_well.load(Ordering::SeqCst) {
        false => says("I'm sorry, I can't help with that."),
        // A bare prompt: real models leave the tags out.
        true => says(&format!("Answer warm or cold. It is attempt {number}.")),
    });
    let env = TestEnv::with_server(&server, "");
    env.edit("colours/task.toml", "local/clerk", "sim/clerk");
    env.edit("colours/task.toml", "sim/editor", "local/editor");
    let ran = env.run("run colours --name one --strategy random --max-calls 3000").exits(4);
    assert!(
        ran.stderr.contains("20 replies of the mutator in a row brought no prompt"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("I'm sorry, I can't help with that."), "{}", ran.stderr);
    let summary = env.json("results/one/summary.json");
    assert_eq!(summary["stop_reason"], "broken_proposer");
    assert!(summary["recommended"].is_null(), "nothing is concluded");

    well.store(true, Ordering::SeqCst);
    env.run("resume one --max-calls 300").ok();
    let summary = env.json("results/one/summary.json");
    assert!(summary["counts"]["candidates"].as_u64().unwrap() > 2, "{summary}");
    let calls = |role: &str| summary["spent"]["by_role"][role]["calls"].as_u64().unwrap();
    assert!(calls("task") + calls("mutator") <= 300, "{summary}");
    env.run("resume one --max-calls 250").exits(2);
}

#[test]
fn a_server_that_loads_is_waited_for_and_the_wait_is_shown() {
    let begun = Instant::now();
    let server = Server::start(move |_, request| match begun.elapsed() < Duration::from_secs(4) {
        true => refused(503, "Loading model"),
        false => answer(request),
    });
    let env = TestEnv::with_server(&server, "");
    let mut run = env
        .command("run colours --name one --max-calls 60 --quiet")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut shown = String::new();
    while run.try_wait().unwrap().is_none() && !shown.contains("waiting:") {
        std::thread::sleep(Duration::from_millis(100));
        shown = env.run("status one").stdout;
    }
    assert!(shown.contains("waiting: not ready for"), "{shown}");
    assert!(shown.contains("Loading model"), "{shown}");
    let waiting = &env.json("results/one/summary.json")["waiting"];
    assert_eq!(waiting["reason"], "loading", "{waiting}");
    assert!(run.wait().unwrap().success());
    let summary = env.json("results/one/summary.json");
    assert_eq!((&summary["counts"]["errors"], &summary["waiting"]), (&json!(0), &Value::Null));
}

#[test]
fn a_server_that_does_not_load_is_given_up_after_the_time_of_the_task() {
    let server = Server::start(|_, _| refused(503, "Loading model"));
    let env = TestEnv::with_server(&server, "loading = \"1s\"");
    let ran = env.run("run colours --name one").exits(4);
    assert!(ran.stderr.contains("error: not ready for ") && ran.stderr.contains("Loading model"));
    assert_eq!(env.json("results/one/summary.json")["counts"]["errors"], 0);
    env.edit("colours/task.toml", "loading", "laoding");
    env.run("run colours --name two").exits(3);
    // What is waited for is read afresh, and another server is another run.
    env.edit("colours/task.toml", "laoding = \"1s\"", "loading = \"3s\"");
    let begun = Instant::now();
    env.run("resume one").exits(4);
    assert!(begun.elapsed() >= Duration::from_secs(3), "{:?}", begun.elapsed());
    env.edit("colours/task.toml", "http://127.0.0.1:", "http://localhost:");
    let ran = env.run("resume one").exits(3);
    let changed = "`providers.local.base_url` was `http://127.0.0.1:";
    assert!(ran.stderr.contains(changed), "{}", ran.stderr);
    assert!(ran.stderr.contains("and is `http://localhost:"), "{}", ran.stderr);
}

#[test]
fn a_provider_that_bills_beyond_what_was_asked_for_is_stopped_and_said() {
    let server = Server::start(|_, request| {
        let (status, headers, body) = answer(request);
        (status, headers, body.replace("\"completion_tokens\":2", "\"completion_tokens\":50000"))
    });
    let env = TestEnv::with_server(&server, "");
    env.edit("colours/task.toml", "free = true", "price = { input = 1.0, output = 10.0 }");
    env.edit("colours/task.toml", "calls = 300", "usd = 0.2");
    let ran = env.run("run colours --name one").exits(4);
    assert!(ran.stderr.contains("the providers billed more than the budget"), "{}", ran.stderr);
    let summary = env.json("results/one/summary.json");
    assert_eq!(summary["stop_reason"], "over_budget");
    // One call at a time, while nothing is known of its bills.
    assert_eq!(server.requests().len(), 1);
    assert_eq!(summary["spent"]["usd"].as_f64().map(|usd| (usd * 10.0).round()), Some(5.0));
}

#[test]
fn a_key_in_an_answer_is_taken_out_on_its_way_in() {
    let key = "sk-Sentinel+0123456789";
    let server = Server::start(move |_, request| {
        let sent = request.authorization().unwrap_or_default().to_owned();
        let (status, headers, body) = answer(request);
        // As it is, after a line break, in escapes, and in the chunks of a stream.
        let escaped: String = sent.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
        match tile(request) % 4 {
            0 => {
                (status, headers, body.replace("\"content\":\"", &format!("\"content\":\"{sent} ")))
            }
            1 => (
                status,
                headers,
                body.replace("\"content\":\"", &format!("\"content\":\"{sent}\\n")),
            ),
            2 => (
                status,
                headers,
                body.replace("\"content\":\"", &format!("\"content\":\"{escaped} ")),
            ),
            _ => {
                let chunks = sent.as_bytes().chunks(4).map(|chunk| {
                    let text = String::from_utf8_lossy(chunk).into_owned();
                    format!("data: {}\n\n", json!({"choices": [{"delta": {"content": text}}]}))
                });
                let last =
                    json!({"choices": [{"delta": {"content": " warm"}, "finish_reason": "stop"}]});
                (200, headers, chunks.collect::<String>() + &format!("data: {last}\n\n"))
            }
        }
    });
    let mut env = TestEnv::with_server(&server, "api_key = \"env:LOCAL_KEY\"");
    env.set("LOCAL_KEY", key);
    let ran = env.run("run colours --name one --max-calls 100").ok();
    assert!(server.requests().iter().all(|sent| sent.authorization().is_some()));
    let journal = env.run("journal one").ok().stdout;
    assert!(journal.contains("warm") && !journal.contains(key));
    for file in env.files("results") {
        let bytes = std::fs::read(&file).unwrap();
        let holds = bytes.windows(key.len()).any(|window| window == key.as_bytes());
        assert!(!holds, "{}", file.display());
    }
    assert!(!ran.stdout.contains(key) && !ran.stderr.contains(key));
}

#[test]
fn what_follows_from_the_journal_is_written_again() {
    let env = TestEnv::with_colours();
    env.run("run colours --name one").ok();
    let (summary, best) =
        (env.read("results/one/summary.json"), env.read("results/one/best/system.md"));
    for file in ["summary.json", "report.html", "events.jsonl"] {
        std::fs::remove_file(env.path(&format!("results/one/{file}"))).unwrap();
    }
    env.write("results/one/best/system.md", "another prompt");
    let ran = env.run("report one").exits(3);
    assert!(ran.stderr.contains("events.jsonl") && ran.stderr.contains("promptsearch resume one"));
    env.run("resume one").ok();
    assert_eq!(env.read("results/one/summary.json"), summary);
    assert_eq!(env.read("results/one/best/system.md"), best);
    assert!(env.path("results/one/report.html").exists());
}

#[test]
fn what_a_run_was_started_with_cannot_be_changed_afterwards() {
    let server = Server::start(|number, request| match number < 30 {
        true => answer(request),
        false => refused(401, "no"),
    });
    let env = TestEnv::with_server(&server, "");
    env.edit(
        "colours/task.toml",
        "kind = \"label\"\nlabels = [\"warm\", \"cold\"]",
        "kind = \"command\"\ncommand = [\"sh\", \"score.sh\"]",
    );
    env.write("colours/score.sh", "read -r line; echo '{\"score\": 0.5}'");
    env.run("run colours --name one").exits(4);

    env.write("colours/score.sh", "read -r line; echo '{\"score\": 1}'");
    let ran = env.run("resume one").exits(3);
    assert!(ran.stderr.contains("score.sh: the program has changed"), "{}", ran.stderr);
    env.write("colours/score.sh", "read -r line; echo '{\"score\": 0.5}'");
    env.run("resume one").exits(4);

    env.edit("results/one/run.json", "\"seed\": 1", "\"seed\": 2");
    let journal = env.read("results/one/events.jsonl");
    for command in [
        "resume one",
        "resume one --max-calls 900",
        "confirm one n1",
        "report one --format md",
        "export one --to . --path p.md --accept-unconfirmed",
    ] {
        let ran = env.run(command).exits(3);
        assert!(ran.stderr.contains("run.json has changed"), "{command}: {}", ran.stderr);
    }
    // How far it is, as its last summary says.
    let shown = env.run("status one").ok();
    assert!(shown.stderr.contains("warning: run.json has changed"), "{}", shown.stderr);
    let list = env.run("list").ok();
    assert!(list.stderr.contains("run.json has changed"), "{}", list.stderr);
    assert_eq!(env.read("results/one/events.jsonl"), journal, "nothing is appended");
}

#[test]
fn what_is_no_file_is_not_read_and_what_is_a_link_is_not_written_through() {
    let env = TestEnv::with_colours();
    std::fs::remove_file(env.path("colours/rows.jsonl")).unwrap();
    assert!(env.program("mkfifo").arg("colours/rows.jsonl").status().unwrap().success());
    let ran = env.run("plan colours").exits(3);
    assert!(ran.stderr.contains("not a regular file"), "{}", ran.stderr);

    let env = TestEnv::with_colours();
    env.write("elsewhere/keep", "");
    std::fs::create_dir_all(env.path("results/one")).unwrap();
    std::os::unix::fs::symlink(env.path("elsewhere"), env.path("results/one/best")).unwrap();
    let ran = env.run("run colours --name one").exits(3);
    assert!(ran.stderr.contains("is a link, a pipe or a device"), "{}", ran.stderr);
    assert_eq!(env.files("elsewhere").len(), 1);

    // The folder itself, and a second name of a file.
    std::os::unix::fs::symlink(env.path("elsewhere"), env.path("results/two")).unwrap();
    env.run("run colours --name two").exits(3);
    env.run("run colours --name three --max-calls 30").ok();
    std::fs::remove_file(env.path("results/three/report.html")).unwrap();
    std::fs::hard_link(env.path("elsewhere/keep"), env.path("results/three/debug.log.1")).unwrap();
    env.run("resume three").exits(3);
    assert_eq!((env.files("elsewhere").len(), env.read("elsewhere/keep")), (1, String::new()));

    let ran = env.run("run colours --out colours/task.toml").exits(2);
    assert!(ran.stderr.contains("is not a folder"), "{}", ran.stderr);
}

#[test]
fn too_few_files_are_an_error_before_a_run_begins() {
    let env = TestEnv::with_colours();
    let program = env!("CARGO_BIN_EXE_promptsearch");
    let line = format!("ulimit -n 40; exec {program} run colours --name one");
    let output = env.program("sh").args(["-c", &line]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("too few open files") && stderr.contains("ulimit -n"), "{stderr}");
    assert!(!env.path("results/one").exists());
}

#[test]
fn a_row_that_is_refused_whatever_the_prompt_is_that_rows_outcome() {
    let server = Server::start(|_, request| match tile(request).is_multiple_of(12) {
        true => refused(400, "this colour is not in the table"),
        false => answer(request),
    });
    let env = TestEnv::with_server(&server, "concurrency = 2");
    let ran = env.run("run colours --name one").ok();
    let summary = env.json("results/one/summary.json");
    let refused = summary["failed_calls"]["refused"]["calls"]["task"].as_u64().unwrap();
    assert!(refused > 3 && summary["counts"]["errors"].as_u64().unwrap() > 3, "{summary}");
    assert!(ran.stdout.contains(&format!("{refused} task calls were refused")), "{}", ran.stdout);
    assert_eq!(summary["status"], "finished");
    assert!(!summary["best"].is_null() && summary["trouble"].is_null(), "{summary}");
}

#[test]
fn the_time_of_a_run_binds_while_a_server_that_is_well_takes_its_time() {
    let server = Server::start(|_, request| {
        std::thread::sleep(Duration::from_millis(250));
        answer(request)
    });
    let env = TestEnv::with_server(&server, "concurrency = 4");
    let begun = Instant::now();
    env.run("run colours --name one --for 6s").ok();
    // Machines that run tests are slow to start and to write.
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    let summary = env.json("results/one/summary.json");
    assert_eq!(summary["stop_reason"], "budget_wall", "{summary}");
    // What the end of the search left unsent, and nothing else.
    let causes: Vec<&String> = summary["failed_calls"].as_object().unwrap().keys().collect();
    assert!(causes.iter().all(|cause| *cause == "no_time"), "{summary}");
    assert!(summary["baseline"]["hold"]["n"].as_u64().unwrap() > 0, "{summary}");
}

#[test]
fn a_pipe_in_the_place_of_a_runs_file_is_no_run() {
    for (file, code) in [("events.jsonl", 3), ("lock", 3), ("run.json", 2), ("summary.json", 3)] {
        let env = TestEnv::with_colours();
        env.run("run colours --name one --max-calls 30").ok();
        let path = format!("results/one/{file}");
        std::fs::remove_file(env.path(&path)).unwrap();
        assert!(env.program("mkfifo").arg(&path).status().unwrap().success());
        for line in ["resume one", "status one", "report one", "list", "watch one", "stop one"] {
            let ran = env.run(line);
            assert!(ran.code != 101 && ran.code != 134, "{file}, {line}: {}", ran.stderr);
        }
        let ran = env.run("resume one").exits(code);
        assert!(code == 2 || ran.stderr.contains(file), "{}", ran.stderr);
    }
}

#[test]
fn a_server_with_a_certificate_of_its_own_is_spoken_to_once_it_is_named() {
    let name = || vec!["127.0.0.1".to_owned()];
    let own = rcgen::generate_simple_self_signed(name()).unwrap();
    let other = rcgen::generate_simple_self_signed(name()).unwrap();
    let chain = vec![own.cert.der().clone()];
    let key = own.signing_key.serialize_der().try_into().unwrap();
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let server = Server::start_tls(config, |_, request| answer(request));

    let env = TestEnv::with_server(&server, "");
    let ran = env.run("eval colours").exits(4);
    assert!(ran.stderr.contains("certificate") && ran.stderr.contains("ca_file"), "{}", ran.stderr);

    let env = TestEnv::with_server(&server, "ca_file = \"own.pem\"");
    env.write("colours/own.pem", &other.cert.pem());
    env.run("eval colours").exits(4);
    env.write("colours/own.pem", &own.cert.pem());
    let told = env.run("eval colours --json").ok().json();
    assert_eq!(told["errors"], 0, "{told}");
    env.write("colours/own.pem", "no certificate");
    let ran = env.run("eval colours").exits(3);
    assert!(ran.stderr.contains("own.pem") && ran.stderr.contains("PEM"), "{}", ran.stderr);
}

#[test]
fn too_little_memory_is_an_error_before_a_run_begins() {
    let env = TestEnv::with_colours();
    let program = env!("CARGO_BIN_EXE_promptsearch");
    let line = format!("ulimit -v 400000; exec {program} run colours --name one");
    let output = env.program("sh").args(["-c", &line]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("390 MiB of address space") && stderr.contains("ulimit -v"),
        "{stderr}"
    );
    assert!(!env.path("results/one").exists());
}

/// Attempts that may have been billed use a cap up: the run names that cap and them, not a bill that never came.
#[test]
fn attempts_that_may_be_billed_are_shown_and_the_cap_that_they_use_up_is_named() {
    let server = Server::start(|_, _| refused(502, "bad gateway"));
    for (cap, reason, flag) in [
        ("--max-tokens 20000 --max-usd 100", "budget_tokens", "--max-tokens N"),
        ("--max-usd 0.03", "budget_usd", "--max-usd X"),
    ] {
        let env = TestEnv::with_server(&server, "concurrency = 2");
        let price = "price = { input = 1.0, output = 2.0 }";
        env.edit("colours/task.toml", "free = true", price);
        let ran = env.run(&format!("run colours --name one {cap}")).exits(4);
        assert!(ran.stderr.contains("bad gateway"), "{}", ran.stderr);
        assert!(ran.stderr.contains(flag), "{flag}: {}", ran.stderr);
        let summary = env.json("results/one/summary.json");
        assert_eq!(summary["stop_reason"], reason, "{}", ran.stderr);
        let task = &summary["spent"]["by_role"]["task"];
        assert!(task["failed_attempts"].as_u64() > Some(0), "{summary:#}");
        assert!(task["failed_tokens"].as_u64() > Some(0), "{summary:#}");
        assert_eq!(task["failed_usd"], summary["spent"]["usd"], "{summary:#}");
        for shown in ["status one", "report one --format md"] {
            let shown = env.run(shown).ok().stdout;
            assert!(
                shown.contains("are counted at what was billed, or may have been at most"),
                "{shown}"
            );
            assert!(!shown.contains("billed more than was set aside"), "{shown}");
        }
    }
}

#[test]
fn a_cap_on_calls_below_the_first_rows_is_refused_before_anything_is_made() {
    let env = TestEnv::with_colours();
    let ran = env.run("run colours --max-calls 4 --name one").exits(3);
    assert!(ran.stderr.contains("a cap of 4 calls has no room for the first"), "{}", ran.stderr);
    let needed = ran.stderr.split("it needs ").nth(1).unwrap().lines().next().unwrap().to_owned();
    assert!(!env.path("results").exists());
    let fewer = needed.parse::<u64>().unwrap() - 1;
    env.run(&format!("run colours --max-calls {fewer} --name one")).exits(3);
    env.run(&format!("run colours --max-calls {needed} --name one")).ok();
    let summary = env.json("results/one/summary.json");
    assert!(summary["spent"]["by_role"]["task"]["calls"].as_u64() > Some(0), "{summary:#}");
}

/// A service that bills this many prompt tokens for a request; the time that its answer takes, and how it ends.
fn bills(
    bill: impl Fn(usize, &Request) -> (u64, Duration, &'static str) + Send + Sync + 'static,
) -> (Server, Arc<AtomicU64>) {
    let billed = Arc::new(AtomicU64::new(0));
    let sum = Arc::clone(&billed);
    let server = Server::start(move |number, request| {
        let (prompt, time, finish) = bill(number, request);
        std::thread::sleep(time);
        let answer = u64::from(prompt > 0) * 2;
        sum.fetch_add(prompt + answer, Ordering::SeqCst);
        let content = if finish == "stop" { "warm" } else { "" };
        let choice = json!({"finish_reason": finish, "message": {"content": content}});
        let usage = json!({"prompt_tokens": prompt, "completion_tokens": answer});
        (200, "", json!({"choices": [choice], "usage": usage}).to_string())
    });
    (server, billed)
}

/// The bytes of a request's texts.
fn texts(request: &Request) -> usize {
    ["system", "user"].iter().map(|it| request.content(it).len()).sum()
}

#[test]
fn a_context_that_a_service_adds_to_every_prompt_is_set_aside_for_short_requests_after_long_ones() {
    let (server, billed) = bills(|_, request| {
        let bytes = texts(request);
        // So that no bill of a short one is known while others are sent.
        let time = Duration::from_millis(if bytes < 1_000 { 800 } else { 100 });
        (15_000 + bytes as u64 / 3, time, "stop")
    });
    let env = TestEnv::with_server(&server, "concurrency = 32");
    let rows = colour_rows(60);
    let long = format!("and lot {}", "of many words ".repeat(300));
    let rows: Vec<String> = rows
        .lines()
        .enumerate()
        .map(|(at, row)| if at % 6 > 0 { row.replace("and lot", &long) } else { row.to_owned() })
        .collect();
    env.write("colours/rows.jsonl", &rows.join("\n"));
    env.run("eval colours --split all --concurrency 32 --max-tokens 200000");
    let billed = billed.load(Ordering::SeqCst);
    assert!(billed > 100_000 && billed <= 200_000, "{billed}");
}

#[test]
fn refusals_that_cost_nothing_do_not_let_the_first_calls_of_unknown_cost_through() {
    let (server, billed) = bills(|number, _| match number < 16 {
        true => (0, Duration::ZERO, "content_filter"),
        false => (100_000, Duration::from_millis(500), "stop"),
    });
    let env = TestEnv::with_server(&server, "concurrency = 16");
    env.run("eval colours --split all --concurrency 16 --max-tokens 250000");
    let billed = billed.load(Ordering::SeqCst);
    assert!(billed > 0 && billed <= 250_000, "{billed}");
}

#[test]
fn what_failed_attempts_are_billed_is_known_of_the_next_ones() {
    let (server, _) = bills(|number, _| match number < 4 {
        true => (30, Duration::ZERO, "stop"),
        false => (3_000, Duration::ZERO, "length"),
    });
    let env = TestEnv::with_server(&server, "concurrency = 1");
    env.run("eval colours --split all --concurrency 1 --max-tokens 30000");
    let run = env.files("results").into_iter().find(|it| it.ends_with("events.jsonl")).unwrap();
    let run = run.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let reserved = env.events(&run).into_iter().filter(|(kind, _)| kind == "reserved");
    let reserved: Vec<u64> = reserved.map(|(_, it)| it["tokens"].as_u64().unwrap()).collect();
    assert!(reserved[4] < 1_000 && reserved[5] > 3_000, "{reserved:?}");
}

#[test]
fn a_prompt_in_a_denser_script_is_set_aside_as_such_until_it_was_billed() {
    // Digits are a token each, as some tokenizers have it, and other bytes a fifth of one.
    let tokens = |text: &str| {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        1 + digits as u64 + (text.len() - digits) as u64 / 5
    };
    let billed = Arc::new(AtomicU64::new(0));
    let sum = Arc::clone(&billed);
    let server = Server::start(move |_, request| {
        let prompt = tokens(request.content("system")) + tokens(request.content("user"));
        let text = match request.body["model"] == "editor" {
            true => {
                let asked = request.content("user");
                let nonce = asked.split("<prompt-").nth(1).and_then(|rest| rest.get(..16)).unwrap();
                let digits = "31415926535897932384".repeat(60);
                format!("<prompt-{nonce} part=\"system\">\nSay {digits}.\n</prompt-{nonce}>")
            }
            false => "warm".to_owned(),
        };
        let answer = tokens(&text);
        sum.fetch_add(prompt + answer, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(200));
        let choice = json!({"finish_reason": "stop", "message": {"content": text}});
        let usage = json!({"prompt_tokens": prompt, "completion_tokens": answer});
        (200, "", json!({"choices": [choice], "usage": usage}).to_string())
    });
    let env = TestEnv::with_server(&server, "concurrency = 64");
    env.edit("colours/task.toml", "sim/editor", "local/editor");
    env.run("run colours --name one --strategy random --max-tokens 40000 --quiet").ok();
    assert!(billed.load(Ordering::SeqCst) <= 40_000);
    let events = env.events("one");
    let issued =
        events.iter().find(|(kind, it)| kind == "evaluation_issued" && it["candidate"] == 1);
    let first = &issued.expect("the child is evaluated").1["first"];
    let reserved = events.iter().find(|(kind, it)| kind == "reserved" && it["call"] == *first);
    let reserved = reserved.unwrap().1["tokens"].as_u64().unwrap();
    assert!(reserved >= 1_200 + 512, "{reserved}");
}

#[test]
fn a_run_whose_time_ends_while_the_baseline_is_asked_goes_on_when_it_is_resumed() {
    let server = Server::start(|_, request| {
        std::thread::sleep(Duration::from_millis(300));
        match request.body["model"] == "editor" {
            true => rewritten(request),
            false => answer(request),
        }
    });
    let env = TestEnv::with_server(&server, "concurrency = 1");
    env.edit("colours/task.toml", "sim/editor", "local/editor");
    let line = "--strategy random --max-calls 100 --quiet";
    env.run(&format!("run colours --name one {line} --concurrency 1 --for 3s")).exits(4);
    // Another session that is too short leaves it as it is.
    env.run("resume one --concurrency 1").exits(4);
    env.run("resume one --concurrency 1 --for 1s").exits(4);
    let before = server.requests().len();
    env.run("resume one --concurrency 16 --for 60s").ok();
    let summary = env.json("results/one/summary.json");
    assert!(server.requests().len() > before + 20, "the search goes on");
    assert!(summary["counts"]["candidates"].as_u64() > Some(1), "{summary}");
}

#[test]
fn a_budget_below_the_first_rows_is_said_and_a_higher_one_goes_on() {
    let server = Server::start(|_, request| match request.body["model"] == "editor" {
        true => rewritten(request),
        false => answer(request),
    });
    let env = TestEnv::with_server(&server, "");
    env.edit("colours/task.toml", "free = true", "price = { input = 1.0, output = 2.0 }");
    env.edit("colours/task.toml", "sim/editor", "local/editor");
    let ran = env.run("run colours --name one --strategy random --max-usd 0.0001 --quiet").exits(4);
    assert!(ran.stderr.contains("no room for the first rows of the baseline"), "{}", ran.stderr);
    assert!(ran.stderr.contains("resume one --max-usd X"), "{}", ran.stderr);
    assert!(server.requests().is_empty());
    env.run("resume one --max-usd 1 --quiet").ok();
    assert!(server.requests().len() > 30);
}
