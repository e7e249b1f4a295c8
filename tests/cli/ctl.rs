//! A running run is paused, goes on, gets other caps, and is stopped, by another process.

use crate::env::TestEnv;
use crate::server::{Server, answer};
use insta::assert_snapshot;
use serde_json::Value;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A server that is slow, and counts how many requests it had at once.
fn slow_server() -> (Server, Arc<AtomicUsize>) {
    let (now, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let server = Server::start(move |_, request| {
        seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(80));
        now.fetch_sub(1, Ordering::SeqCst);
        answer(request)
    });
    (server, most)
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A run that has asked a few requests.
fn running(env: &TestEnv, server: &Server, line: &str) -> Child {
    let asked = server.requests().len();
    let run = env.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the run does not begin", || server.requests().len() > asked + 6);
    run
}

const RUN: &str = "run colours --name slow --max-calls 4000 --concurrency 2 --quiet";

#[test]
fn a_run_is_paused_and_goes_on() {
    let (server, _) = slow_server();
    let env = TestEnv::with_server(&server, "");
    let mut run = running(&env, &server, RUN);
    let paused = env.run("ctl slow pause").ok().stdout;
    assert!(paused.starts_with("slow is paused: "), "{paused}");
    // What was in flight is answered; then nothing more is asked.
    std::thread::sleep(Duration::from_millis(300));
    let asked = server.requests().len();
    std::thread::sleep(Duration::from_millis(1_200));
    assert_eq!(server.requests().len(), asked, "a paused run sends nothing");
    let status = env.run("status slow").ok().stdout;
    assert!(status.starts_with("slow: paused\n"), "{status}");
    assert!(status.contains("go on: promptsearch ctl results/slow continue\n"), "{status}");
    assert!(!status.contains("to the first cap"), "{status}");
    assert_eq!(env.run("list --json").ok().json()[0]["status"], "paused");
    let answered = env.events("slow").iter().filter(|(kind, _)| kind == "answered").count();
    assert_eq!(answered, asked, "answers in flight are taken");
    assert_eq!(
        env.run("ctl slow pause").ok().stdout,
        "slow does not change: it is paused already\n"
    );
    assert_eq!(env.run("ctl slow continue").ok().stdout, "slow continues\n");
    until("it does not go on", || server.requests().len() > asked + 4);
    assert!(env.run("status slow").ok().stdout.starts_with("slow: running\n"));
    let told = env.run("ctl slow continue --json").ok().json();
    assert_eq!((&told["done"], &told["changed"]), (&"continue".into(), &false.into()));
    // A stop reaches a paused run, too.
    env.run("ctl slow pause").ok();
    let watch = env.run("ctl slow stop --json").ok().json();
    assert_eq!((&watch["was_running"], &watch["status"]), (&true.into(), &"interrupted".into()));
    assert_eq!(run.wait().unwrap().code(), Some(130), "as a signal ends it");
    assert!(env.run("ctl slow stop").ok().stdout.starts_with("slow was not running\n"));
}

#[test]
fn caps_of_a_running_run_are_raised_and_lowered() {
    let (server, most) = slow_server();
    let env = TestEnv::with_server(&server, "");
    let mut run = running(&env, &server, RUN);
    assert_eq!(most.load(Ordering::SeqCst), 2);
    assert_eq!(
        env.run("ctl slow set --max-calls 500 --concurrency 6").ok().stdout,
        "slow: at most 500 calls, at most 6 requests at a time\n"
    );
    until("no more at a time", || most.load(Ordering::SeqCst) == 6);
    let status = env.run("status slow").ok().stdout;
    assert!(status.contains(" calls of 500"), "{status}");
    // Less than what is asked already cannot be kept, and what is refused changes nothing.
    let low = env.run("ctl slow set --max-calls 9").exits(2).stderr;
    assert!(low.contains("does not change: it has used, or asked for, "), "{low}");
    assert!(low.contains(" calls: a cap of 9 calls must be above that"), "{low}");
    let unpriced = env.run("ctl slow set --max-proposals 0").exits(2).stderr;
    assert!(unpriced.contains("a cap of 0 proposals must be above"), "{unpriced}");
    env.run("ctl slow set --max-calls 420 --json").ok();
    assert_eq!(run.wait().unwrap().code(), Some(0));
    let summary = env.json("results/slow/summary.json");
    let calls = |role: &str| summary["spent"]["by_role"][role]["calls"].as_u64().unwrap_or(0);
    let made = calls("task") + calls("mutator");
    assert!(made <= 420, "{made} calls");
    assert_eq!(summary["stop_reason"], "budget_calls");
    let events = env.events("slow");
    let caps: Vec<&Value> = events
        .iter()
        .filter(|(kind, _)| kind == "caps_changed")
        .map(|(_, event)| &event["caps"]["calls"])
        .collect();
    assert_eq!(caps, [500, 420], "they are journaled where they begin to count");
    assert_eq!(most.load(Ordering::SeqCst), 6, "never more than was allowed");
    // Once it has ended, there is nobody to tell.
    assert_snapshot!(env.complaint("ctl slow set --max-calls 900"), @r"
    exit 2
    error: `slow` is not running
      try: give the caps and the concurrency to `promptsearch resume results/slow`
    ");
    assert_snapshot!(env.complaint("ctl slow set"), @r"
    exit 2
    error: nothing is to be set
      try: give a cap such as `--max-usd 20`, or `--concurrency 8`
    ");
}

/// A cap that was raised while it ran holds after a kill; a pause ends with the process.
#[test]
fn a_kill_keeps_the_caps_and_ends_the_pause() {
    let (server, _) = slow_server();
    let env = TestEnv::with_server(&server, "");
    let line = "run colours --name slow --max-calls 200 --concurrency 2 --quiet";
    let mut run = running(&env, &server, line);
    env.run("ctl slow set --max-calls 230").ok();
    env.run("ctl slow pause").ok();
    // Answers in flight are durable by then, and with them all that stands before them.
    std::thread::sleep(Duration::from_millis(300));
    run.kill().unwrap();
    run.wait().unwrap();
    env.write("results/slow/control/pause", "\"pause\"");
    let status = env.run("status slow").ok().stdout;
    assert!(status.starts_with("slow: interrupted\n"), "{status}");
    assert!(status.contains(" calls of 230"), "{status}");
    env.run("resume slow --concurrency 16 --quiet").ok();
    let summary = env.json("results/slow/summary.json");
    assert_eq!(summary["status"], "finished");
    let calls = |role: &str| summary["spent"]["by_role"][role]["calls"].as_u64().unwrap_or(0);
    assert!((201..=230).contains(&(calls("task") + calls("mutator"))), "{summary}");
}

/// A price that a cap on dollars needs is looked for before the cap is set.
#[test]
fn a_cap_on_dollars_without_prices_is_refused() {
    let (server, _) = slow_server();
    let env = TestEnv::with_server(&server, "");
    env.edit("colours/task.toml", "free = true\n", "");
    let mut run = running(&env, &server, &format!("{RUN} --yes"));
    let error = env.run("ctl slow set --max-usd 3").exits(2).stderr;
    assert!(error.contains("does not change") && error.contains("price"), "{error}");
    env.run("stop slow").ok();
    assert_eq!(run.wait().unwrap().code(), Some(130));
}
