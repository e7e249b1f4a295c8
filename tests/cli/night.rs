//! Several tasks under one budget: a night, which is resumed, shown and stopped as one.

use crate::env::{COLOURS, TestEnv, colour_rows};
use crate::server::{Server, answer, says, tile};
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const TASKS: [&str; 3] = ["red", "green", "blue"];

/// Three tasks, alike but for their names.
fn three(server: Option<&Server>) -> TestEnv {
    let env = match server {
        Some(server) => TestEnv::with_server(server, ""),
        None => TestEnv::with_colours(),
    };
    let text = env.read("colours/task.toml").replace("[budget]\ncalls = 300\n", "");
    assert!(COLOURS.contains("[budget]\ncalls = 300\n"));
    for name in TASKS {
        env.write(
            &format!("{name}/task.toml"),
            &text.replacen("\"colours\"", &format!("\"{name}\""), 1),
        );
        env.write(&format!("{name}/rows.jsonl"), &colour_rows(60));
    }
    env
}

fn calls(env: &TestEnv, run: &str) -> u64 {
    let summary = env.json(&format!("results/{run}/summary.json"));
    let roles = summary["spent"]["by_role"].as_object().unwrap().values();
    roles.map(|role| role["calls"].as_u64().unwrap()).sum()
}

fn facts(env: &TestEnv) -> Vec<Value> {
    let text = env.read("results/n/ledger.jsonl");
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(lines.next().unwrap()["pinned"]["blake3"].is_string());
    lines.collect()
}

#[test]
fn each_task_has_its_share_and_what_is_left_over_is_passed_on() {
    let env = three(None);
    // The second one soon has nothing more to do.
    env.edit(
        "green/task.toml",
        "Answer warm or cold.",
        "Even numbers are warm, odd ones are cold.",
    );
    let ran = env.run("run red green blue --name n --max-calls 480 --quiet").ok();
    let facts = facts(&env);
    assert_eq!(facts.len(), 6);
    let given = |fact: &Value| fact["given"]["caps"]["calls"].as_u64().unwrap();
    let spent = |fact: &Value| fact["ended"]["spent"]["calls"].as_u64().unwrap();
    assert_eq!(given(&facts[0]), 160);
    let mut left = 480;
    for (place, name) in TASKS.into_iter().enumerate() {
        let (given, spent) = (given(&facts[2 * place]), spent(&facts[2 * place + 1]));
        assert_eq!(given, left / (3 - place as u64), "{name}");
        assert!(spent <= given);
        assert_eq!(spent, calls(&env, &format!("n-{name}")), "{name}");
        assert_eq!(env.json(&format!("results/n-{name}/run.json"))["caps"]["calls"], given);
        left -= spent;
    }
    assert!(ran.stdout.starts_with("n: finished\n  spent by all: $0.0"), "{}", ran.stdout);
    let shown = env.run("status n").ok().stdout;
    assert_eq!(shown, ran.stdout);
    for name in TASKS {
        assert!(shown.contains(&format!("\n  n-{name}: ")), "{shown}");
    }
    let json = env.run("status n --json").ok().json();
    assert_eq!(
        (&json["status"], &json["spent"]["calls"]),
        (&json!("finished"), &json!(480 - left))
    );
    // Its runs are runs like others, and to resume it once more changes nothing.
    assert_eq!(env.run("list --json").ok().json().as_array().unwrap().len(), 3);
    assert!(env.run("status n-red").ok().stdout.starts_with("n-red: finished\n"));
    env.run("resume n --quiet").ok();
    assert_eq!(self::facts(&env), facts);
}

#[test]
fn a_night_is_refused_before_anything_is_created() {
    let env = three(None);
    assert_snapshot!(env.complaint("run red green --name n"), @r"
    exit 2
    error: several tasks need one budget
      try: give what all of them may spend together, such as `--max-usd 10`, `--max-calls 5000` or `--for 8h`
    ");
    assert!(
        env.run("run red nowhere --name n --max-calls 400").exits(3).stderr.contains("nowhere")
    );
    env.edit("blue/task.toml", "\"sim/clerk\"", "\"sim/clark\"");
    env.run("run red blue --name n --max-calls 400").exits(3);
    assert_snapshot!(env.complaint("run red green blue --name n --max-calls 2"), @r"
    exit 2
    error: the budget is too small for 3 tasks: an equal share of it is nothing
      try: give more, or fewer tasks; `promptsearch plan TASK` shows what a task needs
    ");
    let few = env.run("run red green --name n --max-calls 10").exits(3).stderr;
    assert!(few.contains("a cap of 5 calls has no room"), "{few}");
    assert!(!env.path("results").exists(), "nothing is created");
    env.run("run red green --name n --max-calls 300 --quiet").ok();
    assert_snapshot!(env.complaint("run red green --name n --max-calls 300"), @r"
    exit 2
    error: the night `n` already exists
      try: `promptsearch resume n` resumes it, or give this one another `--name`
    ");
    let run = env.run("run red --name n --max-calls 300").exits(2).stderr;
    assert!(run.contains("already exists"), "a run in the folder of a night: {run}");
}

/// Each task of a night takes from the runs of the same task, as they were when the night was created.
#[test]
fn the_tasks_of_a_night_take_answers_and_prompts_of_their_own_earlier_runs() {
    // Every change of the prompt helps.
    let server = Server::start(|_, request| {
        let right = tile(request) % 2;
        let is_baseline = request.content("system") == "Answer warm or cold.";
        says(["warm", "cold"][if is_baseline { 1 - right } else { right }])
    });
    let env = three(Some(&server));
    env.run("run red green blue --name n --max-calls 480 --quiet").ok();
    let line = "run green blue red --name m --max-calls 480";
    assert_snapshot!(env.complaint("run green blue --name m --max-calls 480 --reuse n-red"), @r"
    exit 2
    error: `n-red` is of `red`; the tasks to run are `green`, `blue`
      try: name runs of the same tasks: `promptsearch list` shows the task of each
    ");
    env.run(&format!("{line} --warm n nowhere")).exits(2);
    assert!(!env.path("results/m").exists(), "nothing is created");
    let mut night = start(&env, &format!("{line} --reuse n --warm n --quiet"));
    until("the second task does not begin", || env.path("results/m-blue/run.json").exists());
    night.kill().unwrap();
    night.wait().unwrap();
    env.run("resume m --quiet").ok();
    let night = env.json("results/m/night.json");
    for (number, task) in ["green", "blue", "red"].into_iter().enumerate() {
        let run = env.json(&format!("results/m-{task}/run.json"));
        let source = format!("n-{task}");
        assert_eq!(run["reuse"], night["runs"][number]["reuse"], "frozen with the night");
        assert_eq!(run["reuse"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&run["reuse"][0]["run"], &run["warm"]["run"]),
            (&json!(source), &json!(source))
        );
        let summary = env.json(&format!("results/m-{task}/summary.json"));
        let reused = summary["reused"].as_array().unwrap();
        assert!(reused[0]["answers"].as_u64().unwrap() > 30, "{task}: {reused:?}");
        assert!(env.events(&format!("m-{task}")).iter().any(|(kind, event)| {
            kind == "candidate_composed" && event.to_string().contains("\"prompts\"")
        }));
    }
    // A run of one task is for this task alone; and a night may be named for the run of one task.
    env.run("run red green --name o --max-calls 300 --reuse n-red --quiet").ok();
    let sources = |run: &str| env.json(&format!("results/{run}/run.json"))["reuse"].clone();
    assert_eq!(sources("o-red")[0]["run"], "n-red");
    assert!(sources("o-green").as_array().is_none_or(Vec::is_empty));
    env.run("run blue --name p --max-calls 300 --reuse n --quiet").ok();
    assert_eq!(sources("p")[0]["run"], "n-blue");
    assert_eq!(sources("p").as_array().unwrap().len(), 1);
    assert_snapshot!(env.complaint("run blue --max-calls 300 --warm n-blue n m-blue"), @r"
    exit 2
    error: `--warm`: `n-blue` and `m-blue` are both of the task `blue`
      try: a search starts from one run: name one of them
    ");
}

fn slow_server() -> Server {
    Server::start(|_, request| {
        std::thread::sleep(Duration::from_millis(15));
        answer(request)
    })
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn start(env: &TestEnv, line: &str) -> Child {
    env.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Three tasks, one server, one budget, several kills: the server has no more requests than the cap, but for
/// those that a kill took the answers of.
#[test]
fn a_night_that_is_killed_goes_on_and_keeps_its_budget() {
    let server = slow_server();
    let env = three(Some(&server));
    let mut night =
        start(&env, "run red green blue --name n --max-calls 450 --concurrency 4 --quiet");
    for asked in [40, 90, 170, 260] {
        until("the night does not go on", || server.requests().len() >= asked);
        night.kill().unwrap();
        night.wait().unwrap();
        let shown = env.run("status n").ok().stdout;
        assert!(shown.starts_with("n: interrupted\n"), "{shown}");
        assert!(shown.contains("resume: promptsearch resume results/n"), "{shown}");
        night = start(&env, "resume n --quiet");
    }
    assert_eq!(night.wait().unwrap().code(), Some(0));
    let runs = TASKS.map(|name| format!("n-{name}"));
    let total: u64 = runs.iter().map(|run| calls(&env, run)).sum();
    assert!(total <= 450, "{total} calls");
    let lost: usize = runs
        .iter()
        .map(|run| env.events(run).iter().filter(|(kind, _)| kind == "lost").count())
        .sum();
    let (asked, mutated) = (server.requests().len(), env_mutator_calls(&env, &runs));
    assert!(
        asked <= total as usize - mutated + lost,
        "{asked} requests, {total} calls, {lost} lost"
    );
    for run in &runs {
        assert_eq!(env.json(&format!("results/{run}/summary.json"))["status"], "finished");
    }
    let given: Vec<u64> =
        facts(&env).iter().filter_map(|fact| fact["given"]["caps"]["calls"].as_u64()).collect();
    assert_eq!(given.len(), 3, "each is given its share once");

    // The reports of its runs as one.
    let report = |format: &str| env.run(&format!("report n --format {format}")).ok().stdout;
    let junit = report("junit");
    for run in &runs {
        assert!(
            junit.contains(&format!("<testsuite name=\"promptsearch {run}\" tests=\"1\"")),
            "{junit}"
        );
    }
    assert!(
        junit.contains("<testsuites tests=\"3\"") && junit.ends_with("</testsuites>\n"),
        "{junit}"
    );
    let page = report("md");
    assert!(page.contains("n: finished") && page.contains("spent by all"), "{page}");
    assert_eq!(page.matches("\n# promptsearch: `n-").count(), 3, "{page}");
    let table = report("csv");
    let candidates =
        |run: &String| table.lines().filter(|it| it.starts_with(&format!("{run},"))).count();
    assert!(
        table.starts_with("run,candidate,") && runs.iter().all(|run| candidates(run) > 0),
        "{table}"
    );
    let json = env.run("report n --json").ok().json();
    assert_eq!(json, env.run("status n --json").ok().json());
    env.run("report n").ok();
    assert!(env.read("results/n-blue/report.html").contains("</html>"));
    assert!(env.run("report n -o x.html").exits(2).stderr.contains("has no page of its own"));
}

/// Calls of the mutator, which is simulated in the process.
fn env_mutator_calls(env: &TestEnv, runs: &[String]) -> usize {
    let of = |run: &String| {
        let summary = env.json(&format!("results/{run}/summary.json"));
        summary["spent"]["by_role"]["mutator"]["calls"].as_u64().unwrap_or(0) as usize
    };
    runs.iter().map(of).sum()
}

#[test]
fn trouble_of_one_task_keeps_no_other_back() {
    let is_well = Arc::new(AtomicBool::new(false));
    let well = Arc::clone(&is_well);
    let server = Server::start(move |_, request| {
        let is_green = request.headers.get("x-task").is_some_and(|name| name == "green");
        match is_green && !well.load(Ordering::SeqCst) {
            true => (401, "", json!({"error": {"message": "no such user"}}).to_string()),
            false => answer(request),
        }
    });
    let env = three(Some(&server));
    env.edit("green/task.toml", "free = true", "free = true\nheaders = { x-task = \"green\" }");
    let ran = env.run("run red green blue --name n --max-calls 420 --quiet").exits(4);
    assert!(
        ran.stderr.contains("n-green: ") && ran.stderr.contains("no such user"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("no such user"), "the reason is told: {}", ran.stdout);
    assert!(ran.stderr.contains("then run: promptsearch resume results/n"), "{}", ran.stderr);
    let ended =
        || facts(&env).iter().filter_map(|fact| fact["ended"]["run"].as_u64()).collect::<Vec<_>>();
    assert_eq!(ended(), [0, 2]);
    // What it was given is kept for it. A change of how it is asked is accepted as for a run alone.
    is_well.store(true, Ordering::SeqCst);
    env.edit("green/task.toml", "x-task", "x-name");
    let ran = env.run("resume n --quiet").exits(3);
    assert!(ran.stderr.contains("headers.x-name"), "{}", ran.stderr);
    let hints: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("  try: ")).collect();
    assert_eq!(hints.len(), 3, "{hints:?}");
    assert!(hints[1].contains("`--accept-changed-provider`"), "{hints:?}");
    assert!(hints[2].contains("then run: promptsearch resume results/n"), "{hints:?}");
    env.run("resume n --accept-changed-provider --quiet").ok();
    assert_eq!(ended(), [0, 2, 1]);
    let total: u64 = TASKS.iter().map(|name| calls(&env, &format!("n-{name}"))).sum();
    assert!(total <= 420, "{total}");
}

#[test]
fn a_night_in_the_background_is_paused_and_stopped_as_one() {
    let server = slow_server();
    let env = three(Some(&server));
    let started = env.run("run red green --name n --max-calls 3000 --concurrency 2 --detach").ok();
    assert!(
        started.stdout.starts_with("night n continues in the background"),
        "{}",
        started.stdout
    );
    until("it does not begin", || server.requests().len() > 8);
    let paused = env.run("ctl n pause").ok().stdout;
    assert!(paused.starts_with("n-red is paused"), "{paused}");
    assert!(env.run("status n").ok().stdout.starts_with("n: running\n"));
    env.run("ctl n continue").ok();
    env.run("ctl n set --max-calls 9").exits(2);
    let stopped = env.run("stop n").ok().stdout;
    assert!(stopped.starts_with("n: interrupted\n"), "{stopped}");
    let asked = server.requests().len();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(server.requests().len(), asked);
    assert!(!env.path("results/n-green").exists(), "the next one did not begin");
}

/// A finished run keeps its caps, and its night may have less left for it: the lower of both is enough.
#[test]
fn a_finished_run_is_confirmed_within_what_its_night_has_left() {
    let server = Server::start(|_, request| {
        let is_baseline = request.content("system") == "Answer warm or cold.";
        let is_wrong = is_baseline || tile(request).is_multiple_of(6);
        says(["warm", "cold"][(tile(request) + usize::from(is_wrong)) % 2])
    });
    let env = three(Some(&server));
    // The proposals end both runs long before their calls do.
    let line = "run red green --name n --strategy random --max-calls 800 --max-proposals 8 --quiet";
    env.run(line).ok();
    let total = calls(&env, "n-red") + calls(&env, "n-green") + 60;
    let room = calls(&env, "n-red") + 60;
    let own = env.json("results/n-red/run.json")["caps"]["calls"].as_u64().unwrap();
    assert!(room < own, "{room} of {own}");
    env.run(&format!("resume n --max-calls {total} --quiet")).ok();
    let events = env.events("n-red");
    let winner = events.iter().find(|(kind, _)| kind == "winner_chosen").unwrap();
    let other = if winner.1["candidate"] == 1 { "n2" } else { "n1" };
    let told = env.run(&format!("confirm n-red {other} --json")).ok().json();
    assert_eq!(told["candidates"].as_array().unwrap().len(), 2, "{told}");
    assert_eq!(env.json("results/n-red/summary.json")["caps"]["calls"], room);
    assert!(calls(&env, "n-red") + calls(&env, "n-green") <= total);
}

/// What is given is written down first: no change, kill or resume lets the runs of a night have more than its total.
#[test]
fn the_budget_of_a_night_is_changed_and_its_runs_stay_within_it() {
    let server = slow_server();
    let env = three(Some(&server));
    let mut night =
        start(&env, "run red green --name late --max-calls 400 --concurrency 2 --quiet");
    until("it does not begin", || server.requests().len() > 8);
    env.run("ctl late pause").ok();
    let again = env.run("ctl lat pause").ok().stdout;
    assert_eq!(again, "late-red does not change: it is paused already\n");
    let more = env.run("ctl late-red set --max-calls 900").exits(2).stderr;
    assert!(more.contains("the night `late` has 400 calls for this run"), "{more}");
    assert!(more.contains("promptsearch resume"), "{more}");
    let less = env.run("ctl late set --max-calls 100").exits(2).stderr;
    assert!(less.contains("were given, 200 calls"), "{less}");
    env.run("ctl late-red set --max-calls 230").ok();
    let set = env.run("ctl late set --max-calls 500").ok().stdout;
    assert!(set.starts_with("late: at most 500 calls, for all runs together"), "{set}");
    let lanes = env.run("ctl late set --concurrency 4").ok().stdout;
    assert_eq!(lanes, "late-red: at most 4 requests at a time\n");
    night.kill().unwrap();
    night.wait().unwrap();
    assert!(env.run("status late").ok().stdout.contains(" calls of 500"));
    let more = env.run("resume late-red --max-calls 501").exits(2).stderr;
    assert!(more.contains("the night `late` has 500 calls for this run"), "{more}");
    let started = env.run("resume late --max-calls 520 --concurrency 8 --detach").ok().stdout;
    assert!(started.starts_with("night late continues in the background"), "{started}");
    let watched = env.run("watch late --every 100ms").ok().stdout;
    assert!(watched.contains("late-green: ") && watched.contains("late: finished\n"), "{watched}");
    let (red, green) = (calls(&env, "late-red"), calls(&env, "late-green"));
    assert!(red > 200 && red <= 230 && red + green <= 520, "{red} and {green}");
    assert_eq!(env.json("results/late-green/run.json")["caps"]["calls"], 520 - red);
    let more = env.run("resume late-red --max-calls 900").exits(2).stderr;
    assert!(more.contains("the night `late` has "), "{more}");
    assert!(
        env.run("status late").ok().stdout.starts_with("late: finished\n"),
        "nothing was given"
    );
    let low = env.run("resume late --max-calls 9").exits(2).stderr;
    assert!(low.contains("its total must be at least that"), "{low}");
    // One of its runs goes on within a higher total.
    let ran = env.run("resume late --max-calls 700 --quiet").ok();
    assert!(ran.stderr.contains("all runs of `late` have ended"), "{}", ran.stderr);
    env.run("resume late-red --max-calls 300 --quiet").ok();
    assert!(calls(&env, "late-red") > red);
    assert!(env.run("status late").ok().stdout.starts_with("late: finished\n"));
    // A link is no way around the night.
    std::os::unix::fs::symlink(env.path("results/late-red"), env.path("alias")).unwrap();
    let more = env.run("resume alias --max-calls 900").stderr;
    assert!(more.contains("error: "), "{more}");

    let listed = env.run("list").ok().stdout;
    assert!(listed.contains("\nnight late: "), "{listed}");
    assert_snapshot!(env.complaint("journal late"), @r"
    exit 2
    error: `late` is a night; its runs are late-red, late-green
      try: name one of them
    ");
    let unknown = env.run("report late-rad").exits(2).stderr;
    assert!(unknown.contains("did you mean one of `late-red`, `late-green`?"), "{unknown}");
}

/// A night that was killed before its first run began, so that all of its runs wait.
fn waiting(env: &TestEnv) {
    env.run("run red green --name n --max-calls 300 --quiet").ok();
    for run in ["n-red", "n-green"] {
        std::fs::rename(env.path(&format!("results/{run}")), env.path(run)).unwrap();
    }
    let ledger = env.read("results/n/ledger.jsonl");
    let first = ledger.lines().next().unwrap();
    env.write("results/n/ledger.jsonl", &format!("{first}\n"));
}

#[test]
fn the_name_of_a_run_of_a_night_is_for_this_run_alone() {
    let env = three(None);
    waiting(&env);
    let ran = env.run("run blue --name n-green --max-calls 200").exits(2);
    assert!(ran.stderr.contains("belongs to a run of the night `n`"), "{}", ran.stderr);
    assert!(!env.path("results/n-green").exists());
    // Another night whose run would have the same name, and one that would have it itself.
    env.edit("blue/task.toml", "\"blue\"", "\"a-b\"");
    env.run("run blue green --name m --max-calls 300 --quiet").ok();
    std::fs::rename(env.path("results/m-a-b"), env.path("m-a-b")).unwrap();
    env.edit("red/task.toml", "\"red\"", "\"b\"");
    for night in
        ["run red green --name m-a --max-calls 300", "run red green --name n-red --max-calls 300"]
    {
        let ran = env.run(night).exits(2);
        assert!(ran.stderr.contains("belongs to a run of the night"), "{}", ran.stderr);
    }
    assert!(!env.path("results/m-a").exists());
}

#[test]
fn a_night_takes_no_run_that_it_did_not_begin() {
    // What no earlier version wrote is left out of run.json.
    let as_before = |env: &TestEnv| {
        let mut file = env.json("results/n-green/run.json");
        assert_eq!(file["night"].take(), Value::Null, "it is a run of its own");
    };
    for place in ["blue", "green"] {
        let env = three(None);
        waiting(&env);
        // It was made elsewhere, and put in the place of a run that waits.
        env.run(&format!("run {place} --name n-green --out other --max-calls 250 --quiet")).ok();
        std::fs::rename(env.path("other/n-green"), env.path("results/n-green")).unwrap();
        as_before(&env);
        let ran = env.run("resume n").exits(3);
        let why = match place {
            "blue" => "its task is ",
            _ => "its cap on calls is above what the night gave it",
        };
        assert!(ran.stderr.contains("`n-green` is not a run of the night `n`: "), "{}", ran.stderr);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
        let shown = env.run("status n --json").ok().json();
        assert!(
            shown["spent"]["calls"].as_u64().unwrap() <= if place == "blue" { 150 } else { 400 }
        );
        let ended = facts(&env).into_iter().filter(|fact| fact["ended"]["run"] == 1);
        assert_eq!(ended.count(), 0, "what it spent is not of this night");
    }
}

#[test]
fn a_night_that_was_edited_is_refused() {
    let env = three(None);
    waiting(&env);
    env.edit("results/n/night.json", "\"calls\": 300", "\"calls\": 3000");
    for command in ["resume n", "resume n --max-calls 500", "status n"] {
        let ran = env.run(command).exits(3);
        assert!(
            ran.stderr.contains("night.json: it has changed since"),
            "{command}: {}",
            ran.stderr
        );
    }
    assert!(!env.path("results/n-red").exists());
}
