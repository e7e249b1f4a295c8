//! One prompt moved to other models: the bar, a search for each, one budget, and what held-out rows show.

use crate::env::{TestEnv, colour_rows};
use crate::server::{Request, Server, says, tile};
use serde_json::{Value, json};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Rows, of which three tenths are held out: 120.
const ROWS: usize = 400;

/// What each model answers: `old` and `new` are right, `weak` says always the same, `slow` is `new` with a pause; with
/// the prompt in force `picky` misses a few rows and `needy` knows nothing, and both are right with any other prompt.
fn answer(request: &Request) -> (u16, &'static str, String) {
    let model = request.body["model"].as_str().unwrap();
    if model == "slow" {
        std::thread::sleep(Duration::from_millis(15));
    }
    let is_in_force = request.content("system") == "Answer warm or cold.";
    match model {
        "weak" => says("warm"),
        "needy" if is_in_force => says("warm"),
        "picky" if is_in_force && tile(request).is_multiple_of(25) => says("none"),
        _ => says(["warm", "cold"][tile(request) % 2]),
    }
}

/// The task `colours`, whose model is `local/old` behind a server.
fn env(server: &Server) -> TestEnv {
    let env = TestEnv::with_server(server, "");
    env.write("colours/rows.jsonl", &colour_rows(ROWS));
    env.edit("colours/task.toml", "local/clerk", "local/old");
    env.edit("colours/task.toml", "[budget]\ncalls = 300\n", "");
    let prices = [("old", 10), ("new", 1), ("weak", 1), ("slow", 1), ("picky", 1), ("needy", 1)]
        .map(|(model, usd)| {
            format!("[providers.local.prices.{model}]\ninput = {usd}.0\noutput = {usd}.0\n")
        });
    env.edit("colours/task.toml", "free = true\n", &prices.concat());
    env
}

/// The requests that a model had.
fn asked(server: &Server, model: &str) -> usize {
    server.requests().iter().filter(|request| request.body["model"] == model).count()
}

#[test]
fn one_model_is_at_parity_and_one_falls_short() {
    let server = Server::start(|_, request| answer(request));
    let env = env(&server);
    let ran = env
        .run("migrate colours --to local/new local/weak --name m --margin 0.1 --max-calls 1500")
        .ok();
    assert!(
        ran.stderr.contains("bar: local/old with the prompt in force, 120 held-out rows"),
        "{}",
        ran.stderr
    );
    assert_eq!(asked(&server, "old"), 120, "the bar is asked each held-out row once");
    let shown = env.run("status m").ok().stdout;
    assert_eq!(shown, ran.stdout);
    assert!(shown.starts_with("m: finished\n  spent by all: $"), "{shown}");
    for line in [
        "m-bar: 100.0 % (96.9 % to 100.0 %) over 120 rows",
        "local/old (bar)  100.0 %",
        "✓ local/new",
        "parity: not worse than the bar by more than 10.0 pp: +0.0 pp (-3.1 to +3.1) on",
        "✗ local/weak",
        "worse: it falls short of the bar by more than the margin of 10.0 pp",
        "it saves $0.198 per 1,000 calls ($0.198 to $0.198), 90.0 %",
        "the search found no better prompt than the one in force: the model's name is all that changes",
        "as look 1 at these rows (2.5 % one-sided, of which one half is for what is saved)",
        "some models are simulated",
    ] {
        let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(&line), "{line}: {shown}");
    }
    let table = shown.split_once("\n\n").unwrap().1;
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");

    let json = env.run("status m --json").ok().json();
    let found = &json["migration"];
    assert_eq!(found, &env.json("results/m/migration.json"));
    let [new, weak] = [&found["targets"][0], &found["targets"][1]];
    assert_eq!((&new["finding"], &weak["finding"]), (&json!("parity"), &json!("worse")));
    assert_eq!(found["look"], json!({ "number": 1, "level": 0.025 }));
    // Half of it is for parity. Holm: the one that is shown is tested at half of that, and the other one then at all of it.
    assert_eq!(new["beside_bar"]["level"]["level"], 0.00625);
    assert_eq!(weak["beside_bar"]["level"]["level"], 0.0125);
    assert_eq!(new["beside_bar"]["rows"], 120);
    assert_eq!(new["beside_bar"]["short_by"], 0.0);
    assert!(weak["beside_bar"]["rows_needed"].is_null());
    // 22 tokens a call: 10 dollars a million for the old model, 1 for the new one.
    let saving = new["beside_bar"]["saving"]["mean"].as_f64().unwrap();
    assert!((saving - 0.198).abs() < 1e-9 && new["beside_bar"]["saving_shown"] == true, "{new}");
    assert!(found["bar"]["latency"]["n"] == 120 && new["winner"]["latency"]["p95_ms"].is_u64());
    let markdown = env.read("results/m/migration.md");
    assert!(markdown.contains("| local/old (bar) | 100.0 % |"), "{markdown}");
    assert!(markdown.starts_with("# Migration of colours\n\n> Simulated models"), "{markdown}");

    // One seed for all searches, and one look for the comparison, beside that of each search.
    let seed = |run: &str| env.json(&format!("results/{run}/run.json"))["seed"].clone();
    assert_eq!(seed("m-local-new"), seed("m-local-weak"));
    let claims: Vec<String> = env
        .read("results/looks.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|fact| Some(fact["look"]["claim"].as_str()?.to_owned()))
        .collect();
    assert_eq!(claims[0], "parity with another model", "{claims:?}");
    assert!(!claims.iter().any(|claim| claim.contains("score of a prompt")), "{claims:?}");
    assert!(
        env.run("list")
            .ok()
            .stdout
            .contains("migration m: finished (m-bar, m-local-new, m-local-weak)")
    );
    // Nothing is asked again.
    let before = server.requests().len();
    let again = env.run("resume m --quiet").ok();
    assert_eq!((again.stdout, server.requests().len()), (shown, before));
    assert!(
        env.run("resume m-local-new").ok().stderr.is_empty(),
        "its model is not told as a change"
    );
}

/// The prompt in force may do as it is: that is a claim like that of the winner, and all of them share one level.
#[test]
fn the_prompt_in_force_is_tested_beside_each_winner() {
    let server = Server::start(|_, request| answer(request));
    let env = env(&server);
    let line =
        "migrate colours --to local/picky local/needy --name m --margin 0.2 --max-calls 1800";
    let ran = env.run(line).ok();
    let json = env.run("status m --json").ok().json();
    let [picky, needy] = [0, 1].map(|place| json["migration"]["targets"][place].clone());
    for target in [&picky, &needy] {
        assert_eq!((&target["is_changed"], &target["finding"]), (&json!(true), &json!("parity")));
        // Half of the look's level is for parity.
        assert_eq!(
            target["beside_bar"]["level"]["level"],
            0.0125 / 4.0,
            "two models, two prompts each"
        );
    }
    assert_eq!(
        (&picky["unchanged_finding"], &needy["unchanged_finding"]),
        (&json!("parity"), &json!("worse"))
    );
    assert_eq!(picky["unchanged_beside_bar"]["level"]["level"], 0.0125 / 4.0);
    assert_eq!(
        needy["unchanged_beside_bar"]["level"]["level"], 0.0125,
        "the last one that is open has all"
    );
    let words = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "the prompt in force, unchanged: parity: not worse than the bar by more than 20.0 pp: -",
        "the prompt in force, unchanged: worse: it falls short of the bar",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

#[test]
fn parity_that_is_not_shown_fails_the_gate_and_says_what_it_needs() {
    let server = Server::start(|_, request| answer(request));
    let env = env(&server);
    let worse = env
        .run("migrate colours --from local/old --to local/weak --name w --margin 0.1 --max-calls 600")
        .exits(6);
    assert!(
        worse.stderr.contains("error: no new model is shown to be at parity within 10.0 pp"),
        "{}",
        worse.stderr
    );
    // As good, on too few rows for a margin of two points; and it is another look at the same rows.
    let open = env.run("migrate colours --to local/new --name o --max-calls 600").exits(6);
    assert!(
        open.stderr.contains("warning: 120 held-out rows show parity within "),
        "{}",
        open.stderr
    );
    assert!(open.stderr.contains("as look 2 for 1 model"), "{}", open.stderr);
    let json = env.run("status o --json").ok().json();
    let target = &json["migration"]["targets"][0];
    assert_eq!(
        (&target["finding"], &json["migration"]["look"]["number"]),
        (&json!("open"), &json!(2))
    );
    let needed = target["beside_bar"]["rows_needed"].as_u64().unwrap();
    // z²(1 − m)/m = 188 rows without a difference, for a first look; half of the second's level needs half as many more.
    assert!((280..300).contains(&needed), "{needed}");
    let words = open.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "? local/new not shown: parity within 2.0 pp is missed by ",
        "at the level that decides, 0.42 % one-sided, the low end is -",
        &format!("about {needed} held-out rows would show it, if the difference stays"),
        "as look 2 at these rows (0.83 % one-sided, of which one half is for what is saved)",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

#[test]
fn the_prompt_in_force_and_a_goal_of_another_model_are_taken_as_meant() {
    let server = Server::start(|_, request| answer(request));
    let env = env(&server);
    env.edit("colours/task.toml", "max quality", "min usd_per_1k s.t. quality >= baseline - 0.05");
    env.edit(
        "colours/task.toml",
        "task = \"local/old\"",
        "task = { model = \"local/old\", max_output_tokens = 9 }",
    );
    env.write("force.md", "Even is warm, odd is cold.");
    let ran = env
        .run("migrate colours --to local/new --prompt force.md --name m --margin 0.1 --max-calls 600")
        .ok();
    assert!(ran.stderr.contains("each search is for `max quality`"), "{}", ran.stderr);
    assert_eq!(env.json("results/m/migration.json")["goal"], "max quality");
    for run in ["m-bar", "m-local-new"] {
        let summary = env.json(&format!("results/{run}/summary.json"));
        assert_eq!(summary["baseline"]["prompt"]["system"], "Even is warm, odd is cold.", "{run}");
    }
    let said = |model: &str| {
        let requests = server.requests();
        let of = requests.iter().filter(|it| it.body["model"] == model);
        of.clone().for_each(|it| assert_eq!(it.body["max_tokens"], 9, "{model}"));
        of.filter(|it| it.content("system").starts_with("Even is warm, odd is cold.")).count()
    };
    assert_eq!(said("old"), 120);
    assert!(said("new") >= 120);
    // What it is for stands in the evidence of an export.
    for line in
        ["init -q repo", "-C repo -c user.name=a -c user.email=a@b commit -q --allow-empty -m a"]
    {
        assert!(env.program("git").args(line.split(' ')).status().unwrap().success());
    }
    for (name, value) in [("user.name", "a"), ("user.email", "a@b")] {
        assert!(
            env.program("git")
                .args(["-C", "repo", "config", name, value])
                .status()
                .unwrap()
                .success()
        );
    }
    env.run("export m-local-new --to repo --path route.md --accept-unconfirmed --quiet").ok();
    let show = ["-C", "repo", "show", "promptsearch/colours:route.evidence.json"];
    let shown = env.program("git").args(show).output().unwrap();
    let evidence: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(evidence["models"]["task"], "local/new");
}

/// The old model bills more than its texts let expect: the bar takes the budget, and goes on when there is more.
#[test]
fn a_budget_that_ends_midway_is_raised_and_nothing_is_paid_twice() {
    let server = Server::start(|_, request| match request.body["model"].as_str() {
        Some("old") => {
            let (status, headers, body) = answer(request);
            (status, headers, body.replace("\"completion_tokens\":2", "\"completion_tokens\":400"))
        }
        _ => answer(request),
    });
    let env = env(&server);
    // An answer is 400 tokens, so 0.0042 dollars; 60 of the 120 rows are paid for.
    let ended = env
        .run("migrate colours --to local/new --name m --margin 0.1 --max-usd 0.25 --concurrency 2 --quiet")
        .exits(4);
    assert!(ended.stderr.contains("the bar is not measured: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("promptsearch resume results/m"), "{}", ended.stderr);
    let asked_then = asked(&server, "old");
    assert!((10..100).contains(&asked_then), "{asked_then}");
    assert_eq!(asked(&server, "new"), 0, "without a bar no search is paid for");
    let shown = env.run("status m").ok().stdout;
    assert!(shown.starts_with("m: interrupted\n"), "{shown}");
    assert!(shown.contains("? local/new\n  not measured: its search has not begun"), "{shown}");
    env.run("resume m --max-usd 0.8 --quiet").ok();
    assert_eq!(asked(&server, "old"), 120, "only missing rows are asked");
    let json = env.run("status m --json").ok().json();
    assert_eq!(json["migration"]["targets"][0]["finding"], "parity");
    assert!(json["spent"]["usd"].as_f64().unwrap() <= 0.8, "{}", json["spent"]);
}

/// A search takes the prompts of an earlier run along, and a change of the rows is told where it matters.
#[test]
fn an_earlier_run_is_taken_along_and_changed_rows_stop_it() {
    let server = Server::start(|_, request| match request.body["model"].as_str() {
        // The old model is right only with what its search has found.
        Some("old") if request.content("system") == "Answer warm or cold." => says("warm"),
        _ => answer(request),
    });
    let env = env(&server);
    env.run("run colours --name before --max-calls 900 --quiet").ok();
    let best = env.json("results/before/summary.json")["best"]["prompt"]["system"].clone();
    assert_ne!(best, "Answer warm or cold.");
    env.run("migrate colours --to local/new --warm before --name m --margin 0.1 --max-calls 700 --quiet").ok();
    let warm = env.json("results/m-local-new/run.json")["warm"]["run"].clone();
    assert_eq!(warm, "before");
    let recipe = env.json("results/m-local-new/run.json")["recipe"].as_str().unwrap().to_owned();
    assert!(recipe.contains(best.as_str().unwrap().lines().next().unwrap()), "{recipe}");
    assert!(env.run("watch m").ok().stdout.contains("✓ local/new"));
    env.edit("colours/rows.jsonl", "Tile 1 ", "Tile one ");
    let shown = env.run("status m").ok();
    assert!(
        shown.stderr.contains("the rows have changed since the migration was started"),
        "{}",
        shown.stderr
    );
    assert!(shown.stdout.starts_with("m: finished"), "{}", shown.stdout);
    env.run("resume m --quiet").exits(3);
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(120), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn start(env: &TestEnv, line: &str) -> Child {
    env.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_migration_that_is_killed_goes_on_and_pays_nothing_twice() {
    let server = Server::start(|_, request| {
        std::thread::sleep(Duration::from_millis(10));
        answer(request)
    });
    let env = env(&server);
    let mut work = start(
        &env,
        "migrate colours --to local/new local/slow --name m --margin 0.1 --max-calls 1400 --concurrency 4 --quiet",
    );
    // In the bar twice, and in each search.
    for asked in [30, 80, 200, 500] {
        until("it does not go on", || server.requests().len() >= asked || work_is_over(&env));
        work.kill().unwrap();
        work.wait().unwrap();
        if asked == 30 {
            // What is compared does not change under way.
            env.edit("colours/task.toml", "Answer warm or cold.", "Say a word.");
        }
        work = start(&env, "resume m --quiet");
    }
    assert_eq!(work.wait().unwrap().code(), Some(0));
    let runs = ["m-bar", "m-local-new", "m-local-slow"];
    let (mut calls, mut lost) = (0, 0);
    for run in runs {
        let summary = env.json(&format!("results/{run}/summary.json"));
        assert_eq!(summary["status"], "finished", "{run}");
        assert_eq!(summary["baseline"]["prompt"]["system"], "Answer warm or cold.", "{run}");
        calls += summary["spent"]["by_role"]["task"]["calls"].as_u64().unwrap() as usize;
        lost += env.events(run).iter().filter(|(kind, _)| kind == "lost").count();
    }
    let requests = server.requests().len();
    assert!(requests <= calls + lost, "{requests} requests, {calls} calls, {lost} lost");
    assert!(calls <= 1_400, "{calls}");
    let lost_of_bar = env.events("m-bar").iter().filter(|(kind, _)| kind == "lost").count();
    assert!(asked(&server, "old") <= 120 + lost_of_bar);
    let looks = env.read("results/looks.jsonl");
    assert_eq!(looks.matches("parity with another model").count(), 1, "one look: {looks}");
    let json = env.run("status m --json").ok().json();
    for target in json["migration"]["targets"].as_array().unwrap() {
        assert_eq!(target["finding"], "parity", "{target}");
    }
}

fn work_is_over(env: &TestEnv) -> bool {
    env.path("results/m/migration.json").exists()
}

/// A search that goes on after its end has another winner, which is compared with the bar once more: another look.
#[test]
fn a_search_that_goes_on_is_another_look() {
    let server = Server::start(|_, request| match request.body["model"].as_str() {
        // It is right only if it is told what is warm, so that the search has work until its cap.
        Some("new") if !request.content("system").contains("lot") => says("warm"),
        _ => answer(request),
    });
    let env = env(&server);
    env.run("migrate colours --to local/new --name m --margin 0.1 --max-calls 560 --quiet")
        .exits(6);
    let look = |env: &TestEnv| {
        env.run("status m --json").ok().json()["migration"]["look"]["number"].as_u64()
    };
    assert_eq!(look(&env), Some(1));
    let more = env.run("resume m-local-new --max-calls 900 --quiet").exits(2).stderr;
    assert!(more.contains("give the night more first"), "{more}");
    env.run("resume m --max-calls 1000 --quiet").exits(6);
    env.run("resume m-local-new --max-calls 800 --quiet").ok();
    assert!(look(&env) > Some(1), "it would be a later look");
    // Nothing is compared, and nothing shown, before that look is taken.
    let ledger = env.read("results/looks.jsonl");
    let waiting = env.run("status m --json").ok().json()["migration"].clone();
    let target = &waiting["targets"][0];
    assert_eq!(
        (&waiting["is_compared"], &target["finding"]),
        (&json!(false), &json!("not_measured"))
    );
    assert!(target["beside_bar"].is_null() && target["unchanged_beside_bar"].is_null(), "{target}");
    let why = target["why"].as_str().unwrap();
    assert!(
        why.contains("not compared yet: `promptsearch resume m` compares them, as look "),
        "{why}"
    );
    assert_eq!(env.read("results/looks.jsonl"), ledger, "to ask is no look");
    env.run("resume m --quiet").exits(6);
    let compared = env.run("status m --json").ok().json()["migration"].clone();
    assert_eq!(compared["is_compared"], true);
    assert!(compared["targets"][0]["beside_bar"]["rows"].is_u64());
    let looks = env.read("results/looks.jsonl");
    assert!(
        looks.contains("parity with another model, after 1 of its searches went on"),
        "{looks}"
    );
}

#[test]
fn a_migration_that_cannot_begin_creates_nothing() {
    let server = Server::start(|_, request| answer(request));
    let env = env(&server);
    for (line, code, words) in [
        ("--to loacl/new --max-calls 900", 2, "`--to loacl/new`: there is no provider `loacl`"),
        ("--to loacl/new --max-calls 900", 2, "try: did you mean `local`?"),
        ("--to sim/clrk --max-calls 900", 2, "try: did you mean `clerk`?"),
        (
            "--from sim/clrk --to local/new --max-calls 900",
            2,
            "`--from sim/clrk`: there is no simulated model",
        ),
        ("--to new --max-calls 900", 2, "`--to`: `new` is not a model: write `provider/model`"),
        ("--to local/nwe --max-usd 1", 3, "try: did you mean `local/new`?"),
        ("--to local/new local/new --max-calls 900", 2, "`--to local/new` is given twice"),
        ("--to local/new", 2, "a migration needs a budget for all of its runs"),
        (
            "--to local/new --max-calls 100",
            2,
            "the budget is too small: the bar alone asks 120 held-out rows",
        ),
        ("--to local/new --max-calls 900 --margin 2", 2, "it must be a number from 0 to 1"),
        ("--to local/new --max-calls 900 --warm nothing", 2, "there is no run `nothing`"),
    ] {
        let ran = env.run(&format!("migrate colours --name m {line}")).exits(code);
        assert!(ran.stderr.contains(words), "{line}: {}", ran.stderr);
    }
    assert!(server.requests().is_empty() && !env.path("results").exists());
}
