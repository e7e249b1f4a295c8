//! The user's program and a webhook are told how a run is doing; nothing of the run depends on them.

use crate::env::TestEnv;
use crate::server::{Server, answer};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

const SENTINEL: &str = "sk-sentinel-4711";

/// A program that keeps what it is told.
fn with_program(env: &TestEnv, script: &str) {
    env.write("colours/tell.sh", &format!("#!/bin/sh\n{script}\n"));
    let path = env.path("colours/tell.sh");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn notify(env: &TestEnv, table: &str) {
    let text = env.read("colours/task.toml");
    env.write("colours/task.toml", &format!("{text}\n[notify]\n{table}\n"));
}

const KEEP: &str = "cat >> told.jsonl; echo >> told.jsonl; env >> env.txt";

fn told(env: &TestEnv) -> Vec<Value> {
    let text = env.read("colours/told.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_program_is_told_of_thresholds_and_of_the_end() {
    let mut env = TestEnv::with_colours();
    env.set("OTHER_KEY", SENTINEL);
    with_program(&env, KEEP);
    notify(&env, "command = ['./tell.sh']\nthresholds = [0.5, 0.9]");
    let ran = env.run("run colours --name one --max-calls 160 --quiet").ok();
    assert!(!ran.stderr.contains("notification"), "{}", ran.stderr);
    let told_all = told(&env);
    let events: Vec<&str> = told_all.iter().map(|it| it["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["threshold", "threshold", "finished"]);
    assert_eq!((&told_all[0]["share"], &told_all[0]["of"]), (&json!(0.5), &json!("calls")));
    assert!(told_all[0]["spent"]["calls"].as_u64().unwrap() >= 80, "{}", told_all[0]);
    let text = told_all[1]["text"].as_str().unwrap();
    assert!(text.starts_with("one: 90 % of the calls are spent: $0.0"), "{text}");
    let summary = env.json("results/one/summary.json");
    let end = &told_all[2];
    assert_eq!(
        (&end["schema"], &end["run"], &end["task"]),
        (&1.into(), &"one".into(), &"colours".into())
    );
    assert_eq!(end["result"]["confirmed"], summary["confirmed"]);
    assert_eq!(end["result"]["best"], summary["best"]["candidate"]);
    assert_eq!(end["spent"]["usd"], summary["spent"]["usd"]);
    assert_eq!(end["caps"]["calls"], 160);
    assert!(end["text"].as_str().unwrap().starts_with("one is finished: "), "{end}");
    // Neither prompts nor the environment reach it.
    let prompt = summary["best"]["prompt"]["system"].as_str().unwrap();
    assert!(!end.to_string().contains(prompt), "{end}");
    assert!(!env.read("colours/env.txt").contains(SENTINEL));
    // An evaluation, and a look at a finished run, are told to nobody.
    env.run("eval colours --quiet").ok();
    env.run("resume one").ok();
    assert_eq!(told(&env).len(), 3);
    // One that goes on tells what comes, by its new cap.
    env.run("resume one --max-calls 400 --quiet").ok();
    let events: Vec<Value> = told(&env)[3..].iter().map(|it| it["event"].clone()).collect();
    assert_eq!(events.last(), Some(&json!("finished")), "{events:?}");
    assert!(events.len() <= 3 && told(&env).last().unwrap()["caps"]["calls"] == 400);
}

#[test]
fn trouble_is_posted_without_keys_and_an_address_stays_secret() {
    let server = Server::start(|_, _| {
        (401, "", format!("{{\"error\": {{\"message\": \"bad key {SENTINEL}\"}}}}"))
    });
    let hook = Server::start(|_, _| (204, "", String::new()));
    let mut env = TestEnv::with_server(&server, "api_key = \"env:LOCAL_KEY\"");
    let secret = "services-sentinel-0815";
    env.set("LOCAL_KEY", SENTINEL);
    env.set("HOOK", &format!("{}/{secret}", hook.base_url()));
    notify(&env, "webhook = 'env:HOOK'");
    let ran = env.run("run colours --name one").exits(4);
    let requests = hook.requests();
    let [request] = &requests[..] else { panic!("{} requests", requests.len()) };
    assert_eq!(request.target, format!("/v1/{secret}"));
    assert_eq!(request.headers["content-type"], "application/json");
    assert!(!request.headers.contains_key("authorization"));
    assert_eq!(request.body["event"], "trouble");
    let text = request.body["text"].as_str().unwrap();
    assert!(text.starts_with("one was stopped: "), "{text}");
    let sent = format!("{:?} {}", request.headers, request.body);
    assert!(!sent.contains(SENTINEL), "{sent}");
    for file in env.files("results") {
        let bytes = std::fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(secret) && !text.contains(SENTINEL), "{}", file.display());
    }
    assert!(!ran.stderr.contains(secret) && !ran.stdout.contains(secret));
}

#[test]
fn what_cannot_be_told_is_a_warning_and_harms_nothing() {
    let hangs = Server::start(|_, _| {
        std::thread::sleep(Duration::from_secs(60));
        (200, "", String::new())
    });
    let fails = Server::start(|_, _| (500, "", "no".to_owned()));
    let moved = Server::start(|_, _| (302, "location: http://127.0.0.1:9/x\r\n", String::new()));
    let cases = [
        (format!("webhook = '{}/secret'", fails.base_url()), "answered with status 500"),
        (
            format!("webhook = '{}/secret'\ntimeout = '1s'", hangs.base_url()),
            "did not answer in time",
        ),
        (format!("webhook = '{}/secret'", moved.base_url()), "answered with status 302"),
        ("webhook = 'http://127.0.0.1:9/secret'".to_owned(), "127.0.0.1 was not reached"),
        ("webhook = 'env:NOT_SET'".to_owned(), "the variable NOT_SET, which is not set"),
        ("command = ['./nowhere.sh']".to_owned(), "it cannot be started"),
        ("command = ['false']".to_owned(), "it ended with exit status: 1"),
        ("command = ['sleep', '60']\ntimeout = '1s'".to_owned(), "did not end within 1"),
    ];
    for (table, words) in cases {
        let env = TestEnv::with_colours();
        notify(&env, &format!("{table}\nthresholds = [1.0]"));
        let began = Instant::now();
        let ran = env.run("run colours --name one --max-calls 120 --quiet").ok();
        assert!(began.elapsed() < Duration::from_secs(50), "{table}");
        let is_told = ran.stderr.contains("warning: ") && ran.stderr.contains(words);
        assert!(is_told, "{table}: {}", ran.stderr);
        assert!(!ran.stderr.contains("/secret"), "{}", ran.stderr);
        assert_eq!(env.json("results/one/summary.json")["status"], "finished");
    }
}

#[test]
fn who_is_told_is_read_afresh_and_mistakes_are_told_before_anything_is_created() {
    let server = Server::start(|_, request| match request.content("user").contains("Tile 9 ") {
        true => (401, "", "{}".to_owned()),
        false => answer(request),
    });
    let env = TestEnv::with_server(&server, "");
    with_program(&env, KEEP);
    env.run("run colours --name one").exits(4);
    notify(&env, "command = ['./tell.sh']");
    let ran = env.run("resume one").exits(4);
    assert!(!ran.stderr.contains("has no effect"), "{}", ran.stderr);
    assert_eq!(told(&env).last().unwrap()["event"], "trouble");
    env.edit("colours/task.toml", "command = ['./tell.sh']", "comand = ['./tell.sh']");
    let ran = env.run("run colours --name two").exits(3);
    assert!(ran.stderr.contains("comand") && !env.path("results/two").exists(), "{}", ran.stderr);
}
