//! A finished run, or evaluation, that goes on with a higher cap, and clear answers where it does not.

use crate::env::TestEnv;
use crate::server::{Server, answer};
use insta::assert_snapshot;
use serde_json::Value;

fn kinds(env: &TestEnv, run: &str) -> Vec<String> {
    env.events(run).into_iter().map(|(kind, _)| kind).collect()
}

#[test]
fn a_finished_run_says_how_it_goes_on_and_goes_on() {
    let env = TestEnv::with_colours();
    env.run("run colours --name one --max-calls 160 --quiet").ok();
    let first = env.json("results/one/summary.json");
    assert_eq!(first["stop_reason"], "budget_calls");
    let status = env.run("status one").ok().stdout;
    assert!(
        status.contains("  go on: promptsearch resume results/one --max-calls N (above 160)\n"),
        "{status}"
    );
    let ran = env.run("resume one --max-calls 400").ok();
    assert!(ran.stderr.contains("one was finished, and goes on"), "{}", ran.stderr);
    let text = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let had_ended = "The run had ended before, after 1";
    assert!(text.contains(had_ended) && text.contains("did not pay for another step: "), "{text}");
    let second = env.json("results/one/summary.json");
    assert_eq!(second["status"], "finished");
    assert_eq!(second["earlier"][0]["candidate"], first["best"]["candidate"]);
    for command in ["status one", "report one --format md"] {
        let shown = env.run(command).ok().stdout;
        assert!(shown.contains(had_ended), "{command}: {shown}");
    }
    let is_other = second["best"]["candidate"] != first["best"]["candidate"];
    assert_eq!(text.contains("This is look 2 at these held-out rows"), is_other, "{text}");
    // What comes to the same is no reason to open it again.
    env.run("resume one --max-calls 400").ok();
    assert_eq!(kinds(&env, "one").iter().filter(|kind| *kind == "reopened").count(), 1);
}

#[test]
fn caps_that_make_no_finished_run_go_on_are_answered() {
    let env = TestEnv::with_colours();
    env.run("run colours --name one --max-calls 160 --max-usd 5 --quiet").ok();
    let events = env.events("one").len();
    assert_snapshot!(env.complaint("resume one --max-usd 9"), @r"
    exit 2
    error: the run `one` is finished, and does not go on with these caps: what was left of the cap on calls did not pay for another step
      try: give it more: `--max-calls N` above 160
    ");
    assert_snapshot!(env.complaint("resume one --max-calls 100"), @r"
    exit 2
    error: the run `one` is finished, and does not go on with these caps: what was left of the cap on calls did not pay for another step
      try: give it more: `--max-calls N` above 160
    ");
    let low = env.run("resume one --max-calls 300 --max-usd 0.000001").exits(2).stderr;
    assert!(
        low.contains("the run `one` has used, or asked for, $0.0")
            && low.contains("a cap of $0.000001"),
        "{low}"
    );
    // One that nothing is left for to do.
    env.run("run colours --name two --set stop.when=['children:2'] --quiet").ok();
    assert_snapshot!(env.complaint("resume two --max-calls 900"), @r"
    exit 2
    error: the run `two` is finished, and does not go on with these caps: the recipe had done what it was to do
      try: no cap changes that: start another run to search on, with another `--seed` or `--strategy`
    ");
    assert_eq!(env.events("one").len(), events, "nothing was written");
    assert!(!env.run("status two").ok().stdout.contains("go on:"));
    env.run("resume one").ok();
}

/// A provider that was changed is refused before the run is opened again, as for an interrupted one.
#[test]
fn a_finished_run_goes_on_with_its_providers_as_they_are_now() {
    let server = Server::start(|_, request| answer(request));
    let env = TestEnv::with_server(&server, "headers = { x-team = \"red\" }\nconcurrency = 2");
    env.run("run colours --name one --max-calls 160 --quiet").ok();
    env.edit("colours/task.toml", "x-team = \"red\"", "x-team = \"blue\"");
    let (events, asked) = (env.events("one").len(), server.requests().len());
    env.run("resume one").ok();
    let ran = env.run("resume one --max-calls 300").exits(3);
    assert!(ran.stderr.contains("x-team` was `red` and is `blue`"), "{}", ran.stderr);
    assert_eq!((env.events("one").len(), server.requests().len()), (events, asked));
    env.run("resume one --max-calls 300 --accept-changed-provider --quiet").ok();
    let told = kinds(&env, "one");
    assert_eq!(told[events..events + 2], ["providers_changed", "reopened"]);
    assert!(server.requests().len() > asked);
    // Rows that have changed are not the rows of this run.
    env.edit("colours/rows.jsonl", "warm", "cold");
    let ran = env.run("resume one --max-calls 900").exits(3);
    assert!(ran.stderr.contains("the rows have changed"), "{}", ran.stderr);
}

#[test]
fn an_evaluation_that_ended_at_its_cap_goes_on_with_a_higher_one() {
    let server = Server::start(|_, request| answer(request));
    let env = TestEnv::with_server(&server, "");
    let eval = |flags: &str| {
        let ran = env.run(&format!("eval colours --split all --json {flags}")).ok();
        let mut told = ran.json();
        // How many answers were there before.
        told.as_object_mut().unwrap().remove("earlier");
        told
    };
    let first = eval("--max-calls 20");
    let (rows, left) = (first["quality"]["n"].as_u64().unwrap(), first["not_asked"].as_u64());
    assert!(rows <= 20 && left == Some(60 - rows), "{first}");
    assert_eq!(server.requests().len() as u64, rows);
    // The same cap, or a lower one, asks nothing more.
    assert_eq!((eval("--max-calls 20"), eval("--max-calls 10")), (first.clone(), first));
    assert_eq!(server.requests().len() as u64, rows);
    let second = eval("--max-calls 40");
    let more = second["quality"]["n"].as_u64().unwrap();
    assert!(more > rows && more <= 40, "{second}");
    let all = eval("");
    assert_eq!((&all["quality"]["n"], &all["not_asked"]), (&60.into(), &Value::Null));
    assert_eq!(server.requests().len(), 60, "each row once");
}

/// What an earlier end confirmed is exported with its evidence, and a further look says that it is one.
#[test]
fn what_is_exported_says_which_look_confirmed_it() {
    let env = TestEnv::new();
    env.run(&format!("run {} --name one --max-calls 600 --quiet", crate::env::TICKETS)).ok();
    let first = env.json("results/one/summary.json");
    assert_eq!(first["confirmed"], true);
    env.run("resume one --max-calls 1200 --quiet").ok();
    let second = env.json("results/one/summary.json");
    let earlier = first["best"]["candidate"].as_str().unwrap();
    assert_ne!(second["best"]["candidate"], earlier, "another prompt wins with more calls");
    for line in [
        "init -q repo",
        "-C repo -c user.name=a -c user.email=b@c commit -q --allow-empty -m first",
    ] {
        assert!(env.program("git").args(line.split(' ')).status().unwrap().success());
    }
    let exported = |flags: &str, branch: &str| {
        let line = format!("export one --to repo --path p.md --branch {branch} {flags}");
        let mut command = env.command(&line);
        command.env("GIT_AUTHOR_NAME", "a").env("GIT_AUTHOR_EMAIL", "b@c");
        command.env("GIT_COMMITTER_NAME", "a").env("GIT_COMMITTER_EMAIL", "b@c");
        assert!(command.output().unwrap().status.success());
        let shown = env.program("git").args(["-C", "repo", "show", branch]).output().unwrap();
        let text = String::from_utf8(shown.stdout).unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let now = exported("", "now");
    assert!(now.contains("This is look 2 at these held-out rows"), "{now}");
    assert!(now.contains("\"look\"") && now.contains("\"earlier\""), "{now}");
    let then = exported(&format!("--candidate {earlier}"), "then");
    assert!(then.contains(&format!("({earlier}) confirmed, +")), "{then}");
    assert!(!then.contains("Not confirmed"), "{then}");
}
