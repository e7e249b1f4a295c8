//! The commands, in the order in which a user would run them.

use crate::env::{TICKETS, TestEnv, colour_rows, shared};
use insta::assert_snapshot;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

/// No escape sequences of a terminal.
#[track_caller]
fn is_plain(text: &str) {
    assert!(!text.contains('\x1b') && !text.contains('\r'), "{text:?}");
}

/// The type of a value at a dotted path.
pub(crate) fn type_at(value: &Value, path: &str) -> &'static str {
    let found = path.split('.').fold(value, |value, step| match step.parse::<usize>() {
        Ok(place) => &value[place],
        Err(_) => &value[step],
    });
    match found {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_u64() => "count",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "table",
    }
}

#[test]
fn a_task_from_scratch_plans_and_runs() {
    let env = TestEnv::new();
    let made = env.run("init mine").ok();
    assert!(made.stdout.contains("promptsearch plan mine"), "{}", made.stdout);
    env.run("plan mine").ok();
    env.run("run mine --max-calls 200 --name first").ok();
    let again = env.run("init mine").exits(2);
    assert_eq!(
        again.complaint(&env).lines().nth(1).unwrap(),
        "error: mine/task.toml already exists"
    );
}

#[test]
fn a_task_from_rows_plans_and_runs() {
    let env = TestEnv::new();
    env.write("tiles.jsonl", &colour_rows(60));
    let csv: String = std::iter::once("question,answer\n".to_owned())
        .chain((0..60).map(|n| format!("\"How much is {n}, and then 3 more?\",{}\n", n + 3)))
        .collect();
    env.write("sums.csv", &csv);
    for (file, scorer) in [("tiles.jsonl", "kind = \"label\""), ("sums.csv", "kind = \"number\"")] {
        let name = file.split('.').next().unwrap();
        let made = env.run(&format!("init {name} --from {file} --json")).ok().json();
        assert_eq!((made["task"].as_str(), made["rows"].as_u64()), (Some(name), Some(60)));
        assert!(env.read(&format!("{name}/task.toml")).contains(scorer));
        env.run(&format!("plan {name}")).ok();
        env.run(&format!("run {name} --max-calls 150 --name {name}")).ok();
        assert_eq!(env.json(&format!("results/{name}/summary.json"))["status"], "finished");
    }
}

#[test]
fn rows_that_cannot_become_a_task_leave_nothing_behind() {
    let env = TestEnv::new();
    env.write("rows.jsonl", "{\"a\": 1, \"b\": 2}\n");
    let ran = env.run("init mine --from rows.jsonl").exits(3);
    assert!(ran.stderr.contains("cannot tell which column is"), "{}", ran.stderr);
    assert!(!env.path("mine").exists());
    let ran = env.run("init mine --from gone.csv").exits(3);
    assert!(ran.stderr.contains("gone.csv"), "{}", ran.stderr);
    assert!(!env.path("mine").exists());
}

#[test]
fn real_rows_make_a_task() {
    let Some(rows) = shared("gsm8k/test.jsonl") else { return };
    let env = TestEnv::new();
    env.run_with("init gsm8k --from", &[rows.to_str().unwrap()]).ok();
    let plan = env.run("plan gsm8k --json").ok().json();
    assert_eq!(plan["rows"], serde_json::json!({"train": 300, "dev": 150, "hold": 150}));
    env.run("run gsm8k --max-calls 250 --name real").ok();
    let summary = env.json("results/real/summary.json");
    assert_eq!(summary["status"], "finished");
    let calls: u64 = ["task", "mutator"]
        .iter()
        .map(|role| summary["spent"]["by_role"][role]["calls"].as_u64().unwrap())
        .sum();
    assert!(calls <= 250, "{calls}");
}

#[test]
fn plan_previews_a_run_without_calling_a_model() {
    let env = TestEnv::with_colours();
    let text = env.run("plan colours").ok();
    is_plain(&text.stdout);
    assert_snapshot!("plan", text.stdout);
    let ran = env.run("plan colours --json").ok();
    let plan = ran.json();
    for (path, expected) in [
        ("task", "text"),
        ("strategy", "text"),
        ("rows.train", "count"),
        ("rows.dev", "count"),
        ("rows.hold", "count"),
        ("smallest_gain", "number"),
        ("hold_calls", "count"),
        ("proposals_affordable", "list"),
        ("roles.task.calls", "count"),
        ("roles.task.prompt_tokens", "count"),
        ("roles.task.completion_tokens", "count"),
        ("roles.mutator.usd", "number"),
        ("usd", "number"),
        ("warnings", "list"),
    ] {
        assert_eq!(type_at(&plan, path), expected, "{path}");
    }
    assert!(!env.path("results").exists());
}

#[test]
fn a_prompt_for_json_beside_demonstrations_of_bare_labels_is_warned_of() {
    let warnings = |system: &str, demos: &str| {
        let env = TestEnv::with_colours();
        let asked = format!("system = \"{system}\"\n{demos}");
        env.edit("colours/task.toml", "system = \"Answer warm or cold.\"\n", &asked);
        env.run("plan colours --json").ok().json()["warnings"].to_string()
    };
    let said = "the part `system` asks for JSON, but demonstrations show";
    assert!(warnings("Reply in JSON.", "demos = \"Lot 1: warm\"\n").contains(said));
    assert!(!warnings("Reply in JSON.", "").contains(said));
    assert!(!warnings("Answer warm or cold.", "demos = \"Lot 1: warm\"\n").contains(said));
}

#[test]
fn lists_of_answers_that_are_compared_as_one_are_warned_of() {
    let env = TestEnv::with_colours();
    let scorer = "kind = \"label\"\nlabels = [\"warm\", \"cold\"]\n";
    env.edit("colours/task.toml", scorer, "kind = \"equals\"\n");
    let rows: String = (0..60)
        .map(|row| {
            format!(
                "{{\"id\": {row}, \"input\": \"Lot {row}?\", \"answer\": [\"a{row}\", \"b\"]}}\n"
            )
        })
        .collect();
    env.write("colours/rows.jsonl", &rows);
    let warnings = || env.run("plan colours --json").ok().json()["warnings"].to_string();
    assert!(warnings().contains("write `any_of = true` under [[score]]"));
    env.edit("colours/task.toml", "kind = \"equals\"\n", "kind = \"equals\"\nany_of = true\n");
    assert!(!warnings().contains("any_of"));
}

#[test]
fn a_run_leaves_its_files_and_every_field_of_its_summary() {
    let env = TestEnv::with_colours();
    let ran = env.run("run colours --name one --json").ok();
    is_plain(&ran.stderr);
    assert!(ran.stderr.contains("and the task has 18"), "{}", ran.stderr);
    for file in
        ["run.json", "journal/db", "events.jsonl", "summary.json", "best/system.md", "report.html"]
    {
        assert!(env.path("results/one").join(file).exists(), "{file}");
    }
    let summary = env.json("results/one/summary.json");
    assert_eq!(ran.json(), summary);
    for (path, expected) in [
        ("schema", "count"),
        ("run", "text"),
        ("task", "text"),
        ("strategy", "text"),
        ("seed", "count"),
        ("status", "text"),
        ("stop_reason", "text"),
        ("baseline.candidate", "text"),
        ("baseline.prompt.system", "text"),
        ("baseline.prompt.user", "text"),
        ("baseline.prompt_tokens", "count"),
        ("baseline.usd_per_1k", "number"),
        ("baseline.dev.mean", "number"),
        ("baseline.dev.low", "number"),
        ("baseline.dev.high", "number"),
        ("baseline.dev.n", "count"),
        ("baseline.hold.mean", "number"),
        ("baseline.hold.n", "count"),
        ("best.candidate", "text"),
        ("best.prompt.system", "text"),
        ("best.prompt_tokens", "count"),
        ("best.usd_per_1k", "number"),
        ("best.dev.n", "count"),
        ("best.hold.n", "count"),
        ("recommended", "text"),
        ("confirmed", "bool"),
        ("gain.mean", "number"),
        ("gain.low", "number"),
        ("gain.high", "number"),
        ("gain.p_value", "number"),
        ("gain.test", "text"),
        ("gain.split", "text"),
        ("gain.shrunken_dev", "number"),
        ("front", "list"),
        ("spent.usd", "number"),
        ("spent.lost", "number"),
        ("spent.seconds", "number"),
        ("spent.cached_calls", "count"),
        ("spent.by_role.task.calls", "count"),
        ("spent.by_role.task.prompt_tokens", "count"),
        ("spent.by_role.task.completion_tokens", "count"),
        ("spent.by_role.task.usd", "number"),
        ("spent.by_role.mutator.calls", "count"),
        ("spent.by_role.judge.calls", "count"),
        ("mutators.0.proposals", "count"),
        ("mutators.0.accepted", "count"),
        ("mutators.0.gain", "number"),
        ("mutators.0.cost_usd", "number"),
        ("mutators.0.model", "text"),
        ("counts.proposals", "count"),
        ("counts.candidates", "count"),
        ("counts.rejected", "table"),
        ("counts.evaluations", "count"),
        ("counts.invalid", "count"),
        ("counts.errors", "count"),
    ] {
        assert_eq!(type_at(&summary, path), expected, "{path}");
    }
    let front = summary["front"].as_array().unwrap();
    assert!(!front.is_empty());
    for point in front {
        assert_eq!(type_at(point, "candidate"), "text");
        assert_eq!(type_at(point, "quality"), "number");
        assert_eq!(type_at(point, "usd_per_1k"), "number");
        assert_eq!(type_at(point, "prompt_tokens"), "count");
    }
    assert_eq!((&summary["run"], &summary["status"]), (&"one".into(), &"finished".into()));
    let recommended = summary["recommended"].as_str().unwrap();
    let prompt = summary[recommended]["prompt"]["system"].as_str().unwrap();
    assert_eq!(env.read("results/one/best/system.md"), prompt);
    // `run.json` records what was run, but no rows.
    let frozen = env.read("results/one/run.json");
    assert!(frozen.contains("blake3") && !frozen.contains("Tile 7 "));
}

#[test]
fn an_existing_name_is_an_error_that_names_resume() {
    let env = TestEnv::with_colours();
    env.run("run colours --name one --max-calls 60").ok();
    let before = env.read("results/one/events.jsonl");
    let complaint = env.complaint("run colours --name one --max-calls 60");
    assert_snapshot!(complaint, @r"
    exit 2
    error: the run `one` already exists; use `promptsearch resume one` to resume it
    ");
    assert_eq!(env.read("results/one/events.jsonl"), before);
}

#[test]
fn a_finished_run_is_shown_and_found_by_prefix_and_as_latest() {
    let env = TestEnv::with_colours();
    env.run("run colours --name alpha --max-calls 100").ok();
    env.run("run colours --name alphabet --max-calls 60 --seed 2").ok();
    let name = |ran: crate::env::Ran| ran.ok().json()["run"].as_str().unwrap().to_owned();
    assert_eq!(name(env.run("status --json")), "alphabet");
    assert_eq!(name(env.run("status latest --json")), "alphabet");
    assert_eq!(name(env.run("status alpha --json")), "alpha");
    assert_eq!(name(env.run("status alphab --json")), "alphabet");
    assert_eq!(name(env.run("status results/alpha --json")), "alpha");
    let ran = env.run("status alph").exits(2);
    assert!(ran.stderr.contains("alpha or alphabet"), "{}", ran.stderr);
    let ran = env.run("status alfa").exits(2);
    assert!(ran.stderr.contains("did you mean `alpha`?"), "{}", ran.stderr);

    let text = env.run("status alpha").ok();
    is_plain(&text.stdout);
    assert!(text.stdout.starts_with("alpha: finished\n"), "{}", text.stdout);
    assert_eq!(env.run("status alpha --json").json(), env.json("results/alpha/summary.json"));
    assert_eq!(env.run("report alpha --json").ok().json(), env.json("results/alpha/summary.json"));
    let csv = env.run("report alpha --format csv").ok().stdout;
    assert!(csv.starts_with("run,candidate,operator,parents,status,dev_mean,dev_rows,"), "{csv}");
    let junit = env.run("report alpha --format junit").ok().stdout;
    let head = "<testsuite name=\"promptsearch alpha\" tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\">";
    assert!(
        junit.contains(head) && junit.contains("name=\"goal: max quality\"><failure"),
        "{junit}"
    );
    env.run("eval colours --quiet").ok();
    let evaluation = "report colours-eval --format junit";
    let junit = env.run(evaluation).ok().stdout;
    assert!(
        junit.contains("failures=\"0\"") && junit.contains("name=\"measured\"><system-out>"),
        "{junit}"
    );
    env.run("report alpha --format md -o page.md").ok();
    assert!(env.path("page.md").exists());
    env.run("report alpha -o nowhere/page.html").exits(2);
    let journal = env.run("journal alpha").ok().stdout;
    assert_eq!(journal, env.read("results/alpha/events.jsonl"));
    assert!(journal.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
}

#[test]
fn a_finished_run_is_resumed_with_its_result_and_no_call() {
    let env = TestEnv::with_colours();
    env.run("run colours --name one --max-calls 100").ok();
    let (events, summary) =
        (env.read("results/one/events.jsonl"), env.json("results/one/summary.json"));
    let ran = env.run("resume one --json").ok();
    assert_eq!(ran.json(), summary);
    env.run("resume").ok();
    assert_eq!(env.read("results/one/events.jsonl"), events);
}

#[test]
fn only_json_is_on_stdout() {
    let env = TestEnv::with_colours();
    env.run("init other --json").ok().json();
    env.run("plan colours --json").ok().json();
    env.run("run colours --max-calls 60 --name one --json").ok().json();
    for line in [
        "status --json",
        "resume --json",
        "report --json",
        "strategies --json",
        "strategies auto --json",
        "eval colours --json",
    ] {
        let ran = env.run(line).ok();
        ran.json();
        is_plain(&ran.stderr);
    }
}

#[test]
fn quiet_prints_only_warnings_and_the_result() {
    let env = TestEnv::with_colours();
    let ran = env.run("run colours --max-calls 60 --quiet").ok();
    assert!(!ran.stdout.is_empty());
    assert!(ran.stderr.lines().all(|line| line.starts_with("warning: ")), "{}", ran.stderr);
}

#[test]
fn strategies_are_listed_shown_and_changed() {
    let env = TestEnv::with_colours();
    let list = env.run("strategies").ok().stdout;
    assert!(["auto ", "gepa ", "random "].iter().all(|name| list.contains(name)), "{list}");
    let shown = env.run("strategies auto --toml --set evaluate.block=5").ok().stdout;
    assert!(shown.contains("block = 5"), "{shown}");
    env.run("strategies atuo").exits(3);

    env.write("mine.toml", "extends = \"random\"\nname = \"mine\"\n\n[schedule]\nlookahead = 32\n");
    let shown = env.run("strategies mine.toml --json").ok().json();
    assert_eq!((&shown["name"], &shown["schedule"]["lookahead"]), (&"mine".into(), &32.into()));
    env.run(
        "run colours --strategy mine.toml --set schedule.lookahead=16 --name own --max-calls 80",
    )
    .ok();
    let frozen = env.json("results/own/run.json");
    assert_eq!(frozen["strategy"], "mine");
    assert!(frozen["recipe"].as_str().unwrap().contains("lookahead = 16"));
    // The printed TOML can be used as a recipe.
    let shown = env.run("strategies auto --toml").ok().stdout;
    env.write("shown.toml", &shown);
    env.run("run colours --strategy shown.toml --max-calls 60").ok();
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let env = TestEnv::with_colours();
    env.run("run colours --name one").ok();
    assert!(env.read("results/one/events.jsonl").len() > 100_000, "more than a pipe holds");
    for line in ["journal one", "strategies auto", "status one --json", "plan colours"] {
        let mut child =
            env.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let ran = crate::env::Ran::of(child.wait_with_output().unwrap()).ok();
        assert!(!first.is_empty() && ran.stderr.is_empty(), "{line}: {}", ran.stderr);
    }
}

#[test]
fn a_prompt_is_evaluated_once_and_then_known() {
    let env = TestEnv::with_colours();
    env.write("better.txt", "Even tiles are warm, odd tiles are cold.\n");
    let line = "eval colours --prompt better.txt --json";
    let first = env.run(line).ok().json();
    for (path, expected) in [
        ("quality.mean", "number"),
        ("quality.low", "number"),
        ("quality.high", "number"),
        ("quality.n", "count"),
        ("usd_per_1k", "number"),
        ("prompt_tokens", "count"),
        ("invalid", "count"),
        ("errors", "count"),
        ("metrics", "table"),
    ] {
        assert_eq!(type_at(&first, path), expected, "{path}");
    }
    assert_eq!(first["quality"]["n"], 18);
    let files = |env: &TestEnv| {
        let events = env.files("results").into_iter().filter(|path| path.ends_with("events.jsonl"));
        events.map(|path| std::fs::read_to_string(path).unwrap()).collect::<Vec<_>>()
    };
    let before = files(&env);
    let mut again = env.run(line).ok().json();
    assert_eq!(again.as_object_mut().unwrap().remove("earlier").unwrap()["answers"], 18);
    assert_eq!(again, first);
    assert_eq!(files(&env), before, "asked again");
    // Other rows are another evaluation.
    assert_eq!(env.run(&format!("{line} --split all")).ok().json()["quality"]["n"], 60);
    assert_eq!(files(&env).len(), 2);
    let text = env.run("eval colours --prompt better.txt").ok().stdout;
    assert!(text.contains("over 18 rows"), "{text}");
    let ran = env.run("eval colours --prompt gone.txt").exits(3);
    assert!(ran.stderr.contains("gone.txt"), "{}", ran.stderr);
}

#[test]
fn an_evaluation_is_not_the_latest_run() {
    let env = TestEnv::with_colours();
    env.run("run colours --name one --max-calls 60").ok();
    env.run("eval colours").ok();
    assert_eq!(env.run("status --json").ok().json()["run"], "one");
}

/// A mean over one or two rows is not shown as a mean over all of dev, and not subtracted from a
/// mean over other rows.
#[test]
fn the_result_of_a_run_shows_how_many_dev_rows_were_evaluated() {
    let env = TestEnv::new();
    let line = format!("run {TICKETS} --strategy promptwizard --max-calls 1000 --name one");
    let text = env.run(&line).ok().stdout;
    assert!(text.contains(" evaluated on part of dev"), "{text}");
    assert!(!text.contains("evaluated on all of dev"), "{text}");
    let dev = text.lines().find(|line| line.contains("dev rows")).unwrap();
    assert!(dev.contains(" and ") && !dev.contains("pp"), "there is no common row: {dev}");
}

#[test]
fn a_budget_that_only_suffices_for_the_baseline_is_reported() {
    let env = TestEnv::new();
    let line = format!("run {TICKETS} --strategy copro --max-calls 100 --name one");
    let text = env.run(&line).ok().stdout;
    assert!(
        text.contains("the budget was spent before another prompt could be evaluated"),
        "{text}"
    );
    assert!(!text.contains("no candidate was found"), "{text}");
}

#[test]
fn a_resumed_run_may_get_more_time() {
    let mut env = TestEnv::with_colours();
    env.set("TZ", "UTC");
    let soon = promptsearch::clock::Clock::System.now() + Duration::from_secs(4);
    let until = soon.strftime("%Y-%m-%dT%H:%M:%S");
    let run = format!("run colours --strategy random --max-calls 60 --until {until} --quiet");
    env.run(&format!("{run} --name late")).ok();
    assert_eq!(env.json("results/late/summary.json")["stop_reason"], "budget_calls");
    // It was interrupted half-way, and its time is over since.
    let text = env.read("results/late/events.jsonl");
    let lines: Vec<&str> = text.lines().collect();
    let half: String = lines[..lines.len() / 2].iter().map(|line| format!("{line}\n")).collect();
    let interrupted = || {
        std::fs::remove_dir_all(env.path("results/late/journal")).unwrap();
        std::fs::remove_file(env.path("results/late/summary.json")).unwrap();
        env.write("results/late/events.jsonl", &half);
    };
    interrupted();
    std::thread::sleep(Duration::from_secs(5));
    env.run("resume late --quiet").ok();
    assert_eq!(env.json("results/late/summary.json")["stop_reason"], "deadline");
    interrupted();
    env.run("resume late --for 10m --quiet").ok();
    assert_eq!(env.json("results/late/summary.json")["stop_reason"], "budget_calls");
}

#[test]
fn status_shows_the_tokens_under_a_cap_on_tokens() {
    let env = TestEnv::with_colours();
    env.run("run colours --strategy random --name one --max-tokens 20000 --quiet").ok();
    let status = env.run("status one").ok().stdout;
    assert!(status.contains(" tokens of 20,000"), "{status}");
}
