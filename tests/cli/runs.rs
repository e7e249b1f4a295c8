//! The commands that look at several runs, and those that look at a run of another process.

use crate::env::{Ran, TestEnv};
use crate::server::{Server, answer};
use insta::assert_snapshot;
use serde_json::Value;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A folder with two searches of one task and an evaluation, seen on a screen of 80 columns.
fn with_runs() -> TestEnv {
    let mut env = TestEnv::with_colours();
    env.set("COLUMNS", "80");
    env.run("run colours --name alpha --max-calls 160 --quiet").ok();
    env.run("run colours --name beta --max-calls 160 --seed 2 --strategy gepa --quiet").ok();
    env.run("eval colours --quiet").ok();
    env
}

#[test]
fn a_run_without_a_seed_takes_the_smallest_that_no_run_of_its_task_has() {
    let env = TestEnv::with_colours();
    // An evaluation has no seed of its own, and another task has its own ones.
    env.run("eval colours --max-calls 40 --quiet").ok();
    env.write("other/task.toml", &env.read("colours/task.toml").replace("colours", "other"));
    env.write("other/rows.jsonl", &env.read("colours/rows.jsonl"));
    let names = ["a", "b", "c", "d", "other"];
    let begun: Vec<Child> = names
        .iter()
        .map(|name| {
            let task = if *name == "other" { "other" } else { "colours" };
            let mut command = env.command(&format!("run {task} --name {name} --max-calls 60"));
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let told: Vec<Ran> =
        begun.into_iter().map(|child| Ran::of(child.wait_with_output().unwrap()).ok()).collect();
    let seed = |name: &str| env.json(&format!("results/{name}/run.json"))["seed"].as_u64().unwrap();
    for (name, told) in names.iter().zip(&told) {
        let says = format!("seed {}: the smallest that no run of this task has", seed(name));
        assert!(told.stderr.contains(&says), "{}", told.stderr);
    }
    let mut seeds: Vec<u64> = names[..4].iter().map(|name| seed(name)).collect();
    seeds.sort_unstable();
    assert_eq!((seeds, seed("other")), (vec![1, 2, 3, 4], 1));
    // What was asked for is taken, and a seed is free again when its run is gone.
    let asked = env.run("run colours --name asked --max-calls 60 --seed 9").ok();
    assert!(seed("asked") == 9 && !asked.stderr.contains("the smallest"), "{}", asked.stderr);
    let freed = seed("c");
    std::fs::remove_dir_all(env.path("results/c")).unwrap();
    env.run("run colours --name e --max-calls 60").ok();
    env.run("run colours --name f --max-calls 60").ok();
    assert_eq!((seed("e"), seed("f")), (freed, 5));
    // Each run of a night takes its own.
    env.run("run colours other --name n --max-calls 160 --quiet").ok();
    assert_eq!((seed("n-colours"), seed("n-other")), (6, 2));
}

/// A text without what differs from run to run: dates, times, durations.
fn lasting(text: &str) -> String {
    let is_date = |word: &str| word.len() == 10 && word.starts_with("20") && word.contains('-');
    let line = |line: &str| -> String {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        for place in 0..words.len() {
            if is_date(&words[place]) {
                words[place] = "[DATE]".to_owned();
                if words.get(place + 1).is_some_and(|time| time.contains(':')) {
                    words[place + 1] = "[TIME]".to_owned();
                }
            }
            let is_seconds = words[place].parse::<f64>().is_ok()
                && words.get(place + 1).is_some_and(|unit| unit == "s" || unit == "s,");
            if is_seconds {
                words[place] = "[N]".to_owned();
            }
        }
        words.join(" ").trim_end().to_owned()
    };
    text.lines().map(|it| line(it) + "\n").collect()
}

fn names(ran: &Ran) -> Vec<String> {
    let runs = ran.json();
    runs.as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn runs_are_listed() {
    let env = with_runs();
    let text = env.run("list").ok().stdout;
    assert!(
        !text.contains('\x1b') && text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert_snapshot!("list_narrow", lasting(&text));
    assert_snapshot!("list_best", lasting(&env.run("list --best").ok().stdout));

    let all = env.run("list --json").ok();
    assert_eq!(names(&all)[..2], ["alpha", "beta"]);
    let (runs, summary) = (all.json(), env.json("results/alpha/summary.json"));
    assert_eq!(runs[0]["held_out"], summary["best"]["hold"]);
    assert_eq!(runs[0]["usd"], summary["spent"]["usd"]);
    assert_eq!((&runs[2]["verdict"], &runs[2]["held_out"]), (&Value::Null, &Value::Null));
    let scores = |run: usize| runs[run]["held_out"]["mean"].as_f64().unwrap();
    let best = names(&env.run("list --best --json").ok());
    let better = if runs[0]["verdict"] == runs[1]["verdict"] && scores(1) >= scores(0)
        || runs[0]["verdict"] != "confirmed" && runs[1]["verdict"] == "confirmed"
    {
        "beta"
    } else {
        "alpha"
    };
    assert_eq!(best, [better]);

    for (flags, count) in [
        ("--task colours", 3),
        ("--task other", 0),
        ("--since 1h", 3),
        ("--since 2020-01-31", 3),
        ("--since 2099-01-31", 0),
    ] {
        assert_eq!(names(&env.run(&format!("list --json {flags}")).ok()).len(), count, "{flags}");
    }
    assert_snapshot!(env.complaint("list --since noon"), @r"
    exit 2
    error: `--since noon` is neither a date nor a duration
      try: write `2026-01-31`, `2026-01-31T07:00`, or a duration such as `7d`
    ");
    // After a kill the last summary is older than what was paid for.
    let killed = env.read("results/alpha/summary.json");
    let mut old: Value = serde_json::from_str(&killed).unwrap();
    old["status"] = "running".into();
    old["spent"]["usd"] = 0.into();
    old["spent"]["by_role"] = serde_json::json!({});
    env.write("results/alpha/summary.json", &old.to_string());
    let after = &env.run("list --json").ok().json()[0];
    assert_eq!((&after["usd"], &after["calls"]), (&runs[0]["usd"], &runs[0]["calls"]));
    assert!(after["usd"].as_f64().unwrap() > 0.0, "{after}");
    env.write("results/alpha/summary.json", &killed);
    // A run that cannot be read does not hide the others, and neither does a journal that is locked.
    env.write("results/beta/summary.json", "{");
    let ran = env.run("list --json").ok();
    assert_eq!(names(&ran).len(), 2);
    assert!(ran.stderr.contains("warning: a run is left out: ") && ran.stderr.contains("beta"));
    assert_eq!(env.run("list --out nowhere").ok().stdout, "no runs\n");
}

#[test]
fn runs_are_compared_on_the_rows_that_both_answered() {
    let env = with_runs();
    let text = env.run("compare alpha beta").ok().stdout;
    assert!(
        !text.contains('\x1b') && text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert_snapshot!("compare", lasting(&text));

    let found = env.run("compare alpha beta --json").ok().json();
    let (one, other) =
        (env.json("results/alpha/summary.json"), env.json("results/beta/summary.json"));
    let hold = &found["hold"];
    assert_eq!(hold["rows"], one["best"]["hold"]["n"]);
    assert_eq!(hold["means"][0]["mean"], one["best"]["hold"]["mean"]);
    assert_eq!(hold["means"][1]["mean"], other["best"]["hold"]["mean"]);
    let number = |value: &Value| value.as_f64().unwrap();
    let difference = &hold["differences"][0];
    let expected = number(&hold["means"][1]["mean"]) - number(&hold["means"][0]["mean"]);
    assert!((number(&difference["difference"]["mean"]) - expected).abs() < 1e-12);
    let wins = number(&difference["better"]) - number(&difference["worse"]);
    assert!((wins / number(&hold["rows"]) - expected).abs() < 1e-12, "{difference}");
    let keys: Vec<&str> = found["settings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["key"].as_str().unwrap())
        .collect();
    assert!(keys.contains(&"seed") && !keys.iter().any(|key| key.starts_with("task.")), "{keys:?}");

    // Rows are the same by what they hold: a third of the rows is new, and the ids are others.
    env.write("more/task.toml", &env.read("colours/task.toml"));
    let rows = env.read("colours/rows.jsonl").replace("\"id\":\"r", "\"id\":\"x");
    env.write("more/rows.jsonl", &rows.replace("Tile 1", "Brick 1"));
    env.run("run more --name gamma --max-calls 160 --quiet").ok();
    let found = env.run("compare alpha gamma --json").ok().json();
    let common = found["hold"]["rows"].as_u64().unwrap();
    assert!(common < one["best"]["hold"]["n"].as_u64().unwrap(), "{common}");
    assert_eq!(found["hold"]["means"][0]["n"].as_u64().unwrap_or(0), common);

    for (line, says) in [
        ("compare alpha alpha", "the run `alpha` is named twice"),
        ("compare alpha colours-eval", "is an evaluation, not a search"),
        ("compare alpha delta", "there is no run `delta`"),
    ] {
        let complaint = env.complaint(line);
        assert!(complaint.starts_with("exit 2") && complaint.contains(says), "{complaint}");
    }
}

#[test]
fn prompts_of_runs_files_and_revisions_are_compared() {
    let env = with_runs();
    assert_snapshot!("diff_baseline", env.run("diff alpha:baseline alpha").ok().stdout);
    let best =
        env.json("results/alpha/summary.json")["best"]["candidate"].as_str().unwrap().to_owned();
    let same = env.run(&format!("diff alpha:{best} alpha --json")).ok().json();
    let parts = same["parts"].as_array().unwrap();
    assert!(parts.iter().all(|part| part["is_changed"] == false), "{same}");

    let git = |arguments: &[&str]| {
        let arguments = [&["-C", "repo"], arguments].concat();
        assert!(
            env.program("git").args(arguments).stdout(Stdio::null()).status().unwrap().success()
        );
    };
    env.write("repo/plain.md", "Say which one it is.\n");
    env.program("git").args(["init", "--quiet", "repo"]).status().unwrap();
    git(&["config", "user.name", "n"]);
    git(&["config", "user.email", "e@example.com"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "one"]);
    env.run(&format!("export alpha --to repo --path p.md --candidate {best} --quiet")).ok();
    env.write("repo/plain.md", "Say what it is.\n");
    let within = |line: &str| {
        let line = format!("{line} --out ../results");
        Ran::of(env.command(&line).current_dir(env.path("repo")).output().unwrap())
    };
    // A revision, a file, and a run with the part that was searched.
    let text = within("diff HEAD:plain.md plain.md").ok().stdout;
    assert_snapshot!(text, @r"
    - HEAD:plain.md
    + plain.md

    `text`
      Say [-which one-]{+what+} it is.
    ");
    let exported = within("diff promptsearch/colours:p.md alpha --json").ok().json();
    assert_eq!(exported["parts"].as_array().unwrap().len(), 1);
    assert_eq!(exported["parts"][0]["is_changed"], false, "{exported}");
    let plain = within("diff plain.md alpha --json").ok().json();
    assert_eq!(plain["parts"][0]["name"], "system");
    for (line, says) in [
        ("diff nothing plain.md", "there is no run `nothing`"),
        ("diff HEAD:gone.md plain.md", "`HEAD:gone.md` cannot be found"),
        ("diff alpha:p0 plain.md", "`p0` is a proposal"),
        ("diff alpha:zz plain.md", "run `alpha`: this run has no candidate `zz`"),
    ] {
        let ran = within(line).exits(2);
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
    }
}

/// A run in the background whose server takes its time.
fn slow_run(env: &TestEnv) -> Child {
    let run = env
        .command("run colours --name slow --max-calls 4000 --concurrency 2 --quiet")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let has_calls = || {
        let summary = env.path("results/slow/summary.json");
        std::fs::read_to_string(summary).is_ok_and(|text| {
            let summary: Value = serde_json::from_str(&text).unwrap();
            summary["spent"]["by_role"]["task"]["calls"].as_u64().unwrap() >= 12
        })
    };
    while !has_calls() {
        assert!(started.elapsed() < Duration::from_secs(60), "the run does not begin");
        std::thread::sleep(Duration::from_millis(50));
    }
    run
}

fn slow_server() -> Server {
    Server::start(|_, request| {
        std::thread::sleep(Duration::from_millis(100));
        answer(request)
    })
}

#[test]
fn a_run_of_another_process_is_shown_watched_and_stopped() {
    let server = slow_server();
    let env = TestEnv::with_server(&server, "");
    assert!(env.run("list").ok().stdout.contains("no runs"));
    let mut run = slow_run(&env);
    // While its journal is locked.
    let listed = env.run("list --json").ok().json();
    assert_eq!((&listed[0]["status"], &listed[0]["verdict"]), (&"running".into(), &Value::Null));
    let status = env.run("status slow").ok().stdout;
    assert!(status.starts_with("slow: running\n"), "{status}");
    assert!(
        status.contains("to the first cap: about ") && status.contains(" left (calls)"),
        "{status}"
    );
    let eta = &env.run("status slow --json").ok().json()["eta"];
    assert!(eta["seconds"].as_f64().unwrap() > 1.0 && eta["cap"] == "calls", "{eta}");

    let watch = env
        .command("watch slow --every 1s")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(3_500));
    let stopped = env.run("stop slow --json").ok();
    assert_eq!(stopped.json()["was_running"], true);
    assert_eq!(stopped.json()["status"], "interrupted");
    assert_eq!(run.wait().unwrap().code(), Some(130), "as a signal ends it");
    let watched = Ran::of(watch.wait_with_output().unwrap()).ok();
    let lines: Vec<&str> = watched.stdout.lines().collect();
    assert!(lines.len() >= 2, "{}", watched.stdout);
    assert!(lines[0].contains(" calls · ") && lines[0].contains(" left (calls)"), "{}", lines[0]);
    assert!(lines.last().unwrap().starts_with("slow: Interrupted: "), "{}", watched.stdout);
    assert!(!watched.stdout.contains('\x1b') && !watched.stdout.contains('\r'));

    // It goes on where it was: nothing is asked for twice, and an old request does not stop it.
    let again = env.run("stop slow").ok().stdout;
    assert!(again.starts_with("slow was not running\n  resume: promptsearch resume "), "{again}");
    env.write("results/slow/control/stop", "");
    let calls = env.json("results/slow/summary.json")["spent"]["by_role"]["task"]["calls"].clone();
    let calls = calls.as_u64().unwrap();
    env.run(&format!("resume slow --max-calls {} --quiet", calls + 20)).ok();
    let summary = env.json("results/slow/summary.json");
    assert_eq!(summary["status"], "finished");
    assert_eq!(env.run("stop slow").ok().stdout, "slow was finished already\n");
    let status = env.run("status slow").ok().stdout;
    let second = status.lines().nth(1).unwrap();
    let verdicts = ["  Confirmed: ", "  Not proven: ", "  Keep the baseline: ", "  No verdict: "];
    assert!(verdicts.iter().any(|verdict| second.starts_with(verdict)), "{status}");
}

/// Rows that are held out in one run and that another search was trained on are left out, and counted.
#[test]
fn held_out_rows_that_another_search_saw_are_left_out_of_a_comparison() {
    let env = TestEnv::with_colours();
    let rows = env.read("colours/rows.jsonl");
    let rows: Vec<&str> = rows.lines().collect();
    for (name, part) in ["a", "b", "c"].into_iter().zip(rows.chunks(20)) {
        env.write(&format!("colours/{name}.jsonl"), &format!("{}\n", part.join("\n")));
    }
    let whole = "file = \"rows.jsonl\"\ncolumns = { id = \"id\", answer = \"answer\" }\n\
        split = { train = 0.4, dev = 0.3, hold = 0.3 }";
    let files = |train: &str, hold: &str| {
        format!(
            "columns = {{ id = \"id\", answer = \"answer\" }}\n\
             split = {{ train = \"{train}.jsonl\", dev = \"b.jsonl\", hold = \"{hold}.jsonl\" }}"
        )
    };
    env.edit("colours/task.toml", whole, &files("a", "c"));
    env.run("run colours --name one --max-calls 160 --quiet").ok();
    env.edit("colours/task.toml", &files("a", "c"), &files("c", "a"));
    env.run("run colours --name two --max-calls 160 --quiet").ok();
    let found = env.run("compare one two --json").ok().json();
    assert_eq!((&found["dev"]["rows"], &found["hold"]["rows"]), (&20.into(), &0.into()));
    assert_eq!(found["mixed_rows"], 40);
}
