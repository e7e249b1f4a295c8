//! Scorers in a task's file: schemas in files, assertions of rows, scorers made of scorers.

use crate::env::TestEnv;
use serde_json::{Value, json};

fn lines(count: usize, row: impl Fn(usize) -> Value) -> String {
    (0..count).map(|n| format!("{}\n", row(n))).collect()
}

/// A task of 24 rows with one scorer, and its mean score of recorded answers.
fn task(env: &TestEnv, score: &str, row: impl Fn(usize) -> Value) {
    env.write("task/rows.jsonl", &lines(24, row));
    env.write(
        "task/task.toml",
        &format!(
            "name = \"t\"\n[data]\nfile = \"rows.jsonl\"\n[prompt]\nuser = \"{{{{ input }}}}\"\nsearch = [\"user\"]\n[models]\n\
             task = \"sim/clerk\"\nmutator = \"sim/editor\"\n[budget]\ncalls = 60\n[[score]]\n{score}\n"
        ),
    );
}

fn mean(env: &TestEnv, answer: impl Fn(usize) -> String) -> f64 {
    env.write("answers.jsonl", &lines(24, |n| json!({"output": answer(n)})));
    let ran = env.run("eval task --answers answers.jsonl --column output --json").ok().json();
    ran["quality"]["mean"].as_f64().unwrap()
}

fn ticket(n: usize) -> Value {
    json!({"input": format!("Ticket {n}"), "answer": "x"})
}

#[test]
fn a_schema_in_a_file_is_read_with_the_task_and_frozen_with_the_run() {
    let env = TestEnv::new();
    env.write("task/answer.schema.json", "{\"required\": [\"total\"]}");
    task(
        &env,
        "kind = \"all-of\"\nof = [{ kind = \"is-json\", schema = \"answer.schema.json\" }]",
        ticket,
    );
    assert_eq!(mean(&env, |n| format!("{{\"total\": {n}}}")), 1.0);
    assert_eq!(mean(&env, |_| "{}".to_owned()), 0.0);
    env.run("run task --strategy random --name r").ok();
    assert!(env.read("results/r/run.json").contains("\\\"required\\\""));
    for (text, message) in [
        (
            "{\"type\": \"numbr\"}",
            "task/task.toml:14: `is-json`: `schema` is no JSON Schema that can be used: ",
        ),
        ("{\"type\": ", "task/task.toml:12: `answer.schema.json` is not JSON: EOF"),
    ] {
        env.write("task/answer.schema.json", text);
        let said = env.complaint("plan task");
        assert!(said.contains(message), "{said}");
    }
    std::fs::remove_file(env.path("task/answer.schema.json")).unwrap();
    let said = env.complaint("plan task");
    assert!(said.contains("answer.schema.json") && said.contains("task/task.toml:12"), "{said}");
}

#[test]
fn rows_say_themselves_what_is_right_and_a_mistake_is_named_with_its_line() {
    let env = TestEnv::new();
    let score = "kind = \"assertions\"\ncolumn = \"check\"";
    let check = |n: usize| match n % 3 {
        0 => json!(format!("contains: word{n}")),
        1 => json!([{"type": "not-icontains", "value": "SORRY"}, {"kind": "is-json"}]),
        _ => json!("similar(0.9): the cat sat down"),
    };
    let row = |n: usize| json!({"input": format!("Ticket {n}"), "answer": "", "check": check(n)});
    task(&env, score, row);
    let right = |n: usize| match n % 3 {
        0 => format!("a word{n}"),
        1 => "{}".to_owned(),
        _ => "The cat sat down.".to_owned(),
    };
    assert_eq!(mean(&env, right), 1.0);
    assert_eq!(mean(&env, |_| "sorry".to_owned()), 0.0);
    env.run("run task --strategy random --name r").ok();
    env.edit("task/rows.jsonl", "contains: word3", "contians: word3");
    insta::assert_snapshot!(env.complaint("plan task"), @r"
    exit 3
    error: task/rows.jsonl:4: row `4`: the column `check`: `contians: word3` is no assertion: did you mean `contains`? A text that must be equal is written `equals: …`
      try: correct the row, or correct `[[score]]` in the task file
    ");
}
