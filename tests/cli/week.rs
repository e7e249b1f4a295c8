//! A working week as one document: from a messy file to a prompt in the repository, a gate that fails, and a rollback.

use crate::env::{Ran, TestEnv};
use crate::export::git;
use crate::server::{Server, says};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const BASELINE: &str = "Which team?";
const PROMPT: &str = "prompts/desk.md";
const BRANCH: &str = "promptsearch/desk";

/// The export of a help desk: a mark in front, semicolons, line breaks within texts, spellings and blanks as they come.
fn desk_csv() -> String {
    let mut rows = "\u{feff}Ticket #;Opened;Text;Team\r\n".to_owned();
    for number in 1..=300 {
        let team = ["Returns", "delivery "][number % 2];
        let text = format!(
            "\"Ticket {number} of day {};\r\nsee \"\"{}\"\".\"",
            number * 31 % 97,
            number * 7_919 % 1_009
        );
        let _ = write!(rows, "K-{number};{:02}.02.2024;{text};{team}\r\n", number % 28 + 1);
    }
    rows
}

/// Every prompt but the first is right on five rows of six, each on others. Once the model has drifted, every third answer is
/// wrong.
fn desk(drifted: &Arc<AtomicBool>) -> Server {
    let has_drifted = Arc::clone(drifted);
    Server::start(move |_, request| {
        std::thread::sleep(Duration::from_millis(4));
        let prompt = request.content("system");
        let text = request.content("user");
        let number: usize = text.split_whitespace().nth(1).unwrap().parse().unwrap();
        let sum: usize = prompt.bytes().map(usize::from).sum();
        let is_wrong = match prompt.trim() == BASELINE {
            true => !number.is_multiple_of(3),
            false => (number + sum).is_multiple_of(6),
        };
        let is_wrong = is_wrong || (has_drifted.load(Ordering::SeqCst) && number.is_multiple_of(3));
        says(["Returns", "delivery"][(number + usize::from(is_wrong)) % 2])
    })
}

fn summary(env: &TestEnv, run: &str) -> Value {
    env.json(&format!("results/{run}/summary.json"))
}

fn calls(env: &TestEnv, run: &str) -> u64 {
    let summary = summary(env, run);
    let roles = summary["spent"]["by_role"].as_object().unwrap().values();
    roles.map(|role| role["calls"].as_u64().unwrap()).sum()
}

/// Starts a command, and kills it once the server was asked so often.
fn killed_at(env: &TestEnv, server: &Server, line: &str, asked: usize) {
    let mut child = env.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while server.requests().len() < asked {
        assert!(started.elapsed() < Duration::from_secs(60), "{line} does not go on");
        std::thread::sleep(Duration::from_millis(3));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Commits the branch of exports to `main`.
fn merged(env: &TestEnv, what: &str) {
    git(env, ".", &format!("merge --quiet --no-ff -m {what} {BRANCH}"));
}

#[test]
fn a_week_from_a_messy_file_to_a_rollback() {
    let drifted = Arc::new(AtomicBool::new(false));
    let server = desk(&drifted);
    let env = TestEnv::new();

    // Monday: a file becomes a task, with a goal in dollars and a real service.
    env.write("desk.csv", &desk_csv());
    let made = env.run("init desk --from desk.csv --json").ok().json();
    assert_eq!(made["rows"], 300);
    env.write("desk/system.md", BASELINE);
    env.edit("desk/task.toml", "task = \"sim/clerk\"", "task = \"local/clerk\"");
    env.edit(
        "desk/task.toml",
        "rule = \"max quality\"",
        "rule = \"max quality s.t. usd_per_1k <= 0.05\"",
    );
    let provider = format!(
        "[providers.local]\nkind = \"openai\"\nbase_url = \"{}\"\nprice = {{ input = 1.0, output = 2.0 }}\n",
        server.base_url()
    );
    env.write("desk/task.toml", &format!("{}\n{provider}", env.read("desk/task.toml")));
    env.write("late/task.toml", &env.read("desk/task.toml").replace("\"desk\"", "\"late\""));
    env.write("late/examples.csv", &env.read("desk/examples.csv"));
    env.write("late/system.md", BASELINE);
    git(&env, ".", "init --quiet --initial-branch main");
    git(&env, ".", "config user.name Tester");
    git(&env, ".", "config user.email tester@example.org");
    env.write(".gitignore", "results\n");
    git(&env, ".", "add .gitignore desk");
    git(&env, ".", "commit --quiet -m Begin");
    let plan = env.run("plan desk --json").ok().json();
    assert_eq!(plan["held_out_looks"]["earlier"], 0);

    // Its night, two tasks under one budget, is killed twice. Nothing is paid for twice, but what a kill took the answer of.
    let night =
        "run desk late --name monday --max-calls 900 --concurrency 4 --strategy random --quiet";
    killed_at(&env, &server, night, 120);
    killed_at(&env, &server, "resume monday --quiet", 420);
    env.run("resume monday --quiet").ok();
    let runs = ["monday-desk", "monday-late"];
    let total: u64 = runs.iter().map(|run| calls(&env, run)).sum();
    assert!(total <= 900, "{total}");
    let of_task = |run: &str| {
        summary(&env, run)["spent"]["by_role"]["task"]["calls"].as_u64().unwrap() as usize
    };
    let lost: usize = runs
        .iter()
        .map(|run| env.events(run).iter().filter(|(kind, _)| kind == "lost").count())
        .sum();
    let asked = server.requests().len();
    assert!(asked <= of_task(runs[0]) + of_task(runs[1]) + lost, "{asked} requests, {lost} lost");
    for run in runs {
        assert_eq!(summary(&env, run)["confirmed"], true, "{run}");
    }

    // Tuesday: it is worth more. The run goes on, and its next claim is a second look.
    let before = calls(&env, "monday-desk");
    env.run("resume monday --max-calls 1300 --quiet").ok();
    env.run("resume monday-desk --max-calls 700 --quiet").ok();
    let raised = summary(&env, "monday-desk");
    assert!(calls(&env, "monday-desk") > before && calls(&env, "monday-desk") <= 700);
    assert_eq!(raised["confirmed"], true);

    // A second night starts from what was answered before, and buys only what is new.
    let asked = server.requests().len();
    let line = "run desk --name tuesday --max-calls 400 --strategy random --reuse monday-desk --quiet --json";
    let told = env.run(line).ok().json();
    let reused = told["reused"][0]["answers"].as_u64().unwrap();
    let bought = told["spent"]["by_role"]["task"]["calls"].as_u64().unwrap();
    // The baseline's answers to dev, at least.
    let dev = told["baseline"]["dev"]["n"].as_u64().unwrap();
    assert!(reused >= dev, "{reused} of {dev}");
    assert_eq!((server.requests().len() - asked) as u64, bought);
    assert_eq!(told["confirmed"], true);
    assert!(told["look"]["number"].as_u64() >= Some(2), "{}", told["look"]);

    // Wednesday: side by side, and the front on held-out rows.
    let compared = env.run("compare monday-desk tuesday").ok().stdout;
    assert!(compared.contains("monday-desk") && compared.contains("tuesday"), "{compared}");
    let listed = env.run("list --json").ok().json();
    let names: BTreeSet<&str> =
        listed.as_array().unwrap().iter().filter_map(|run| run["run"].as_str()).collect();
    assert_eq!(names, BTreeSet::from(["monday-desk", "monday-late", "tuesday"]), "{listed}");
    let winner = env
        .events("tuesday")
        .iter()
        .find(|(kind, _)| kind == "winner_chosen")
        .map(|(_, event)| event["candidate"].clone())
        .unwrap();
    let others: Vec<String> =
        (1..=3).filter(|number| winner != *number).take(2).map(|it| format!("n{it}")).collect();
    let line = format!("confirm tuesday {} --max-calls 900 --json", others.join(" "));
    let family = env.run(&line).ok().json();
    let candidates = family["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 3, "the winner is one of them");
    let other = candidates.iter().find(|it| it["asked"] == true).unwrap();
    assert_eq!(other["confirmed"], true, "{other}");

    // Thursday: into the repository, in the forms that each team uses, with what shows it.
    let id = other["candidate"].as_str().unwrap();
    env.run(&format!("export tuesday --candidate {id} --to . --path {PROMPT} --quiet")).ok();
    merged(&env, "one");
    env.run(&format!("export tuesday --to . --path {PROMPT} --quiet")).ok();
    merged(&env, "two");
    for (format, file) in [("json", "chat.json"), ("python", "desk.py"), ("typescript", "desk.ts")]
    {
        env.run(&format!("export tuesday --to . --path {file} --format {format} --quiet")).ok();
        let text = git(&env, ".", &format!("show {BRANCH}:{file}"));
        let best = told["best"]["prompt"]["system"].as_str().unwrap();
        let line = best.lines().next().unwrap();
        assert!(text.contains(line), "{file}: {text}");
    }
    let body =
        env.run(&format!("export tuesday --to . --path {PROMPT} --pr-body --quiet")).ok().stdout;
    assert!(body.contains("usd_per_1k <= 0.05"), "{body}");

    // Friday: the build verifies it; then the model drifts, the build fails, and the prompt before comes back.
    let verify = |more: &str| -> Ran {
        env.run(&format!(
            "verify {PROMPT} --tolerance 0.2 --junit junit.xml --markdown build.md {more} --quiet"
        ))
    };
    verify("--fail-if-inconclusive").ok();
    assert!(env.read("junit.xml").contains("failures=\"0\""), "{}", env.read("junit.xml"));
    drifted.store(true, Ordering::SeqCst);
    let failed = verify("").exits(6);
    assert!(failed.stderr.contains("worse"), "{}", failed.stderr);
    assert!(env.read("junit.xml").contains("failures=\"1\""), "{}", env.read("junit.xml"));
    let versions = env.run(&format!("log {PROMPT} --json")).ok().json();
    let versions = versions.as_array().unwrap().clone();
    assert_eq!(versions.len(), 2);
    env.run(&format!("rollback {PROMPT} --quiet")).ok();
    merged(&env, "back");
    let now = env.run(&format!("log {PROMPT} --json")).ok().json();
    assert_eq!(now[0]["candidate"], versions[1]["candidate"]);
    assert_eq!(now[0]["candidate"], other["candidate"]);
}
