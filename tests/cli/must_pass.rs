//! Rows that must pass: a prompt that fails one of them is no winner, whatever its score.

use crate::env::TestEnv;
use crate::server::{Request, Server, says, tile, writes};
use serde_json::{Value, json};

const BASELINE: &str = "Answer warm or cold.";

fn colour(number: usize) -> &'static str {
    ["warm", "cold"][number % 2]
}

/// Rows 1 to 40 are train's, 41 to 80 dev's, 81 to 140 held out; every tenth must pass. The baseline gets these and a third
/// of the others right; the prompt that the mutator writes gets all right but those in `failed`.
fn searched(failed: &'static [usize]) -> (Server, TestEnv) {
    let server = Server::start(move |_, request: &Request| {
        if request.body["model"] == "editor" {
            return writes(request, "Say warm or cold, nothing else.");
        }
        let number = tile(request);
        let is_right = match request.content("system") == BASELINE {
            true => number.is_multiple_of(10) || number.is_multiple_of(3),
            false => !failed.contains(&number),
        };
        says(colour(number + usize::from(!is_right)))
    });
    let env = task(&server);
    (server, env)
}

fn task(server: &Server) -> TestEnv {
    let env = TestEnv::with_server(server, "");
    env.edit("colours/task.toml", "sim/editor", "local/editor");
    env.edit(
        "colours/task.toml",
        "file = \"rows.jsonl\"\ncolumns = { id = \"id\", answer = \"answer\" }\nsplit = { train = 0.4, dev = 0.3, hold = 0.3 }",
        "split = { train = \"train.jsonl\", dev = \"dev.jsonl\", hold = \"hold.jsonl\" }\ncolumns = { id = \"id\", answer = \"answer\", must_pass = \"critical\" }",
    );
    let row = |number: usize| {
        let input = format!("Tile {number} lies beside the door of house {}.", number * 31 % 97);
        let critical = number.is_multiple_of(10);
        json!({"id": format!("r{number}"), "input": input, "answer": colour(number), "critical": critical})
            .to_string()
            + "\n"
    };
    for (file, rows) in [("train", 1..=40), ("dev", 41..=80), ("hold", 81..=140)] {
        env.write(&format!("colours/{file}.jsonl"), &rows.map(row).collect::<String>());
    }
    env
}

#[test]
fn a_prompt_that_fails_one_on_dev_is_dropped_at_once() {
    let (server, env) = searched(&[50]);
    let plan = env.run("plan colours").ok().stdout;
    assert!(plan.contains("14 rows must pass: 4 of train, 4 of dev, 6 held out"), "{plan}");
    env.run("run colours --name one --max-calls 300 --max-proposals 3 --quiet").ok();
    let summary = env.json("results/one/summary.json");
    assert_eq!(summary["recommended"], "baseline", "{summary}");
    assert_eq!(summary["baseline"]["candidate"], summary["best"]["candidate"]);
    let events = env.events("one");
    let dropped: Vec<&Value> =
        events.iter().filter(|(name, _)| name == "candidate_dropped").map(|(_, it)| it).collect();
    assert_eq!(dropped.len(), 1, "{dropped:?}");
    assert_eq!(dropped[0]["why"], json!({"must_pass": {"failed": 1}}));
    let told = env.run("explain one n1").ok().stdout;
    assert!(told.contains("dropped: it failed 1 row that must pass"), "{told}");
    // The rows that must pass come first, so that little was paid for it.
    let asked = server.requests();
    let of_child = asked.iter().filter(|it| it.content("system").starts_with("Say warm"));
    let dev = of_child.filter(|it| (41..=80).contains(&tile(it))).count();
    assert!(dev < 20, "{dev}");
}

#[test]
fn a_winner_that_fails_a_held_out_one_is_not_confirmed() {
    let (_server, env) = searched(&[90, 100]);
    let ran = env.run("run colours --name one --max-calls 400 --max-proposals 2").ok();
    let summary = env.json("results/one/summary.json");
    assert_eq!(summary["confirmed"], false, "{summary}");
    assert_eq!(summary["must_pass"], json!({"rows": 6, "failed": 2}));
    let shown = ran.stdout.replace("\n  ", " ");
    assert!(shown.contains("not right on 2 of 6 held-out rows that must pass"), "{shown}");
    // How much better it is does not matter.
    let better = &summary["claims"][0];
    assert_eq!((&better["claim"], &better["shown"]), (&json!("better"), &json!(true)));
    env.run("run colours --name two --max-calls 400 --max-proposals 2 --require-improvement")
        .exits(6);
}

/// A row that a model refuses is not passed, whoever was refused.
#[test]
fn a_held_out_row_without_an_answer_is_not_passed() {
    for of_baseline in [true, false] {
        let server = Server::start(move |_, request: &Request| {
            if request.body["model"] == "editor" {
                return writes(request, "Say warm or cold, nothing else.");
            }
            let (number, is_baseline) = (tile(request), request.content("system") == BASELINE);
            let refuses = number == 100 && (of_baseline || !is_baseline);
            if refuses {
                let body = json!({
                    "choices": [{"index": 0, "finish_reason": "content_filter", "message": {"role": "assistant", "content": ""}}],
                    "usage": {"prompt_tokens": 20, "completion_tokens": 0},
                });
                return (200, "", body.to_string());
            }
            let is_right = !is_baseline || number.is_multiple_of(10) || number.is_multiple_of(3);
            says(colour(number + usize::from(!is_right)))
        });
        let env = task(&server);
        env.run("run colours --name one --max-calls 500 --max-proposals 2").ok();
        let summary = env.json("results/one/summary.json");
        assert_eq!(summary["confirmed"], false, "{summary}");
        assert_eq!(summary["must_pass"]["failed"], 1, "{summary}");
    }
}

/// A prompt that was chosen by a few rows is asked those that must pass before it wins.
#[test]
fn who_is_to_win_is_asked_them_on_dev() {
    let (_server, env) = searched(&[50]);
    for strategy in ["promptwizard", "triple-gse"] {
        let line = format!(
            "run colours --name {strategy} --strategy {strategy} --seed 1 --max-calls 600 --quiet"
        );
        env.run(&line).ok();
        let summary = env.json(&format!("results/{strategy}/summary.json"));
        assert_eq!(summary["baseline"]["candidate"], summary["best"]["candidate"], "{strategy}");
    }
}

#[test]
fn one_that_passes_all_is_confirmed() {
    let (_server, env) = searched(&[91]);
    let ran = env.run("run colours --name one --max-calls 400 --max-proposals 2").ok();
    let summary = env.json("results/one/summary.json");
    assert_eq!(summary["confirmed"], true, "{summary}");
    assert_eq!(summary["must_pass"]["failed"], 0);
    let shown = ran.stdout.replace("\n  ", " ");
    assert!(shown.contains("right on all 6 held-out rows that must pass"), "{shown}");
    // A flag that is none is a mistake in its row.
    let rows = env.read("colours/dev.jsonl").replace("\"critical\":true", "\"critical\":\"maybe\"");
    env.write("colours/dev.jsonl", &rows);
    let said = env.run("plan colours").exits(3).stderr;
    assert!(
        said.contains("dev.jsonl:10") && said.contains("has `maybe` in column `critical`"),
        "{said}"
    );
}

/// The mean says nothing of them: prompts that are compared, and gates of a build, are told.
#[test]
fn eval_and_ab_tell_which_prompt_fails_them() {
    let (_server, env) = searched(&[90, 100]);
    env.write("warm.md", "Say warm or cold, nothing else.\n");
    let told = env.run("eval colours --prompt warm.md --split hold --max-calls 100").ok().stdout;
    assert!(told.contains("not right on 2 of 6 rows that must pass: "), "{told}");
    let gate = "eval colours --prompt warm.md --split hold --max-calls 100 --min-quality 0";
    let refused = env.run(gate).exits(6);
    assert!(
        refused.stderr.contains("not right on 2 of 6 rows that must pass"),
        "{}",
        refused.stderr
    );
    let json = env.run(&format!("{gate} --json")).exits(6).json();
    let failed: Vec<&str> = json["must_pass"]["failed_rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(failed.len(), 2, "{json}");
    assert!(failed.iter().all(|it| it.ends_with("90") || it.ends_with("100")), "{json}");
    // The baseline gets all of them right.
    env.run("eval colours --split hold --max-calls 100 --min-quality 0").ok();
    env.write("base.md", &format!("{BASELINE}\n"));
    let told = env.run("ab colours --a base.md --b warm.md --split hold --max-calls 400").ok();
    let told = told.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("warm.md is better than base.md"), "{told}");
    assert!(told.contains("warm.md is not right on"), "{told}");
    assert!(told.contains("that must pass: it replaces nothing"), "{told}");
}
