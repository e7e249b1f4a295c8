//! A user program as a scorer.

use crate::env::{COLOURS, TestEnv, colour_rows};
use crate::server::{Server, says};

const LABEL: &str = "kind = \"label\"\nlabels = [\"warm\", \"cold\"]";

/// Reads one line per answer, and gives a right answer half of the score.
const SCORER: &str = r#"import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    right = asked["expected"] in asked["answer"]
    print(json.dumps({
        "score": 0.5 if right else 0.0,
        "feedback": "Marked-by-hand: row %s wants %s." % (asked["id"], asked["expected"]),
        "metrics": {"letters": len(asked["answer"])},
    }), flush=True)
"#;

fn env(command: &str) -> TestEnv {
    let env = TestEnv::new();
    let scorer = format!("kind = \"command\"\ncommand = {command}\ntimeout = \"20s\"");
    env.write("colours/task.toml", &COLOURS.replace(LABEL, &scorer));
    env.write("colours/rows.jsonl", &colour_rows(60));
    env.write("colours/score.py", SCORER);
    env
}

#[test]
fn scores_count_and_feedback_reaches_the_mutator() {
    let env = env("[\"python3\", \"score.py\"]");
    // A mutator whose replies are all rejected.
    let server = Server::start(|_, _| says("I would rather not."));
    let provider = format!(
        "[providers.local]\nkind = \"openai\"\nbase_url = \"{}\"\nfree = true\n\n[goal]",
        server.base_url()
    );
    env.edit("colours/task.toml", "sim/editor", "local/editor");
    env.edit("colours/task.toml", "[goal]", &provider);
    env.run("run colours --name one --max-proposals 3").ok();
    let summary = env.json("results/one/summary.json");
    let mean = summary["baseline"]["dev"]["mean"].as_f64().unwrap();
    assert!(mean > 0.0 && mean <= 0.5, "{mean}");
    let scored: Vec<_> = env
        .events("one")
        .into_iter()
        .filter(|(name, _)| name == "scored")
        .map(|(_, event)| event)
        .collect();
    assert!(scored.len() >= 18, "{}", scored.len());
    assert!(scored[0].to_string().contains("Marked-by-hand: row r"), "{}", scored[0]);
    let requests = server.requests();
    assert!(!requests.is_empty());
    let heard =
        requests.iter().any(|request| request.body.to_string().contains("Marked-by-hand: row r"));
    assert!(heard, "{}", requests[0].body);
}

#[test]
fn an_evaluation_shows_the_programs_metrics() {
    let env = env("[\"python3\", \"score.py\"]");
    let told = env.run("eval colours --json").ok().json();
    assert!(told["quality"]["mean"].as_f64().unwrap() <= 0.5);
    let metrics = told["metrics"].as_object().unwrap();
    assert!(metrics.keys().any(|name| name.contains("letters")), "{metrics:?}");
}

#[test]
fn a_program_that_exits_after_each_answer_is_started_again() {
    let env = env("[\"sh\", \"-c\", \"read line; echo '{\\\"score\\\": 1}'\"]");
    let told = env.run("eval colours --json").ok().json();
    assert_eq!(told["quality"]["mean"], 1.0);
}

#[test]
fn a_program_that_cannot_be_started_is_reported_before_anything_is_paid() {
    let env = env("[\"no-such-scorer\"]");
    insta::assert_snapshot!(env.complaint("run colours --name one"), @r"
    exit 3
    error: colours/task.toml:20: the scorer's program `no-such-scorer` does not exist or is not executable
      try: name a program in PATH, or give a path relative to the task's folder, such as `./score.py`
    ");
    assert!(!env.path("results").exists());
    env.edit("colours/task.toml", "no-such-scorer", "./score.py");
    env.run("eval colours").exits(3);
    assert!(!env.path("results").exists());
}

#[test]
fn recorded_answers_are_not_for_a_program() {
    let env = env("[\"python3\", \"score.py\"]");
    env.write("said.csv", "said\nwarm\n");
    insta::assert_snapshot!(env.complaint("eval colours --answers said.csv --column said"), @r"
    exit 3
    error: a `command` scorer cannot score recorded answers
      try: use `eval --prompt`, or a built-in scorer
    ");
}
