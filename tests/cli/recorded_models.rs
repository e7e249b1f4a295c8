//! Recorded models behind `simulate`: a real run of the program on them.

use crate::env::TestEnv;
use serde_json::{Value, json};

/// Forty rows; the seed is right on few of them, its child `good` on nearly all, and the others are
/// in between. Each prompt has a child.
fn file() -> String {
    let scores = |right: usize| "1".repeat(right) + &"0".repeat(40 - right);
    let line = |id: &str, text: &str, parent: &[&str], right| {
        json!({"id": id, "text": text, "parents": parent, "runs": 1, "scores": scores(right)})
            .to_string()
    };
    let lines = [
        line("seed", "Say what colour it is.", &[], 12),
        line("fair", "Say what colour it is, in one word.", &["seed"], 20),
        line("good", "Look twice. Say red or blue, in one word.", &["seed"], 38),
        line("bad", "Sing of the colour.", &["fair"], 4),
        line("last", "Look twice, and say red or blue.", &["good"], 30),
    ];
    lines.join("\n")
}

#[test]
fn a_run_finds_the_best_recorded_prompt_over_http() {
    let env = TestEnv::new();
    env.write("recorded/colours.small.jsonl", &file());
    let (mut server, told) =
        env.serve("--recorded recorded/colours.small.jsonl --write-task replay");
    let toml = env.read("replay/task.toml");
    assert!(toml.contains(told["base_url"].as_str().unwrap()), "{toml}");
    let run = "run replay --strategy gepa --max-calls 300 --concurrency 1 --json";
    let first = env.run(&format!("{run} --name one --seed 1")).ok().json();
    assert_eq!(first["best"]["prompt"]["system"], "Look twice. Say red or blue, in one word.");
    assert!(first["spent"]["usd"].as_f64().unwrap() > 0.0);
    // The children are given away: another search on the same server meets none of them.
    let second = env.run(&format!("{run} --name two --seed 2")).ok().json();
    assert_eq!(second["counts"]["candidates"], 1, "{second:#}");
    // A second server gives the same run again.
    server.kill().unwrap();
    server.wait().unwrap();
    let (mut server, told) = env.serve("--recorded recorded/colours.small.jsonl");
    let old = toml.lines().find(|line| line.starts_with("base_url")).unwrap();
    env.edit("replay/task.toml", old, &format!("base_url = {}", told["base_url"]));
    let again = env.run(&format!("{run} --name again --seed 1")).ok().json();
    server.kill().unwrap();
    server.wait().unwrap();
    for (what, value) in
        [("spent/by_role", "/spent/by_role"), ("best", "/best"), ("counts", "/counts")]
    {
        let of = |result: &Value| result.pointer(value).cloned();
        assert_eq!(of(&again), of(&first), "{what}");
    }
}

#[test]
fn mistakes_of_a_recorded_server_are_told() {
    let env = TestEnv::new();
    env.write("recorded/bad.jsonl", "{\"id\": \"a\", \"text\": \"A.\", \"scores\": \"12\"}\n");
    let told = env.complaint("simulate --recorded recorded/bad.jsonl");
    assert!(
        told.contains("recorded/bad.jsonl:1: `2` among the scores is neither 0 nor 1"),
        "{told}"
    );
    env.write("recorded/colours.small.jsonl", &file());
    env.write("replay/task.toml", "");
    let told =
        env.complaint("simulate --recorded recorded/colours.small.jsonl --write-task replay");
    assert!(told.contains("replay/task.toml exists already"), "{told}");
    let told = env.run("simulate").stderr;
    assert!(told.contains("--task"), "{told}");
}
