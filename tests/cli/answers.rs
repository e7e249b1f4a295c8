//! Recorded answers are scored without a call, a budget or a key.

use crate::env::{TestEnv, shared};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Rows and published accuracies (`direct`, `cot`) of nine tasks, from their README.
pub(crate) const PUBLISHED: [(&str, u64, f64, f64); 9] = [
    ("navigate", 250, 50.4, 96.4),
    ("object_counting", 250, 45.2, 93.2),
    ("causal_judgement", 187, 63.6, 54.0),
    ("ruin_names", 250, 75.2, 68.4),
    ("word_sorting", 250, 50.4, 40.4),
    ("date_understanding", 250, 63.6, 87.2),
    ("snarks", 178, 61.2, 59.6),
    ("web_of_lies", 250, 51.6, 95.2),
    ("disambiguation_qa", 250, 67.2, 76.0),
];

/// One configuration for all tasks, with the scoring of the publication: the text after the last
/// "the answer is", without the full stop, must equal the target. An answer without this phrase
/// (asked for directly, or cut off at the length limit) is compared as a whole. A scorer that
/// searches for a label anywhere would count some of those: with `snarks-79`, which ends after
/// naming only (A), snarks/cot would be 60.1.
pub(crate) const TASK: &str = r#"name = "recorded"

[data]
file = "rows.jsonl"
columns = { id = "id", answer = "target" }

[prompt]
system = "Answer the question."
user = "{{ input }}"
search = ["system"]

[models]
task = "openai/gpt-9"

[[score]]
kind = "equals"
extract = '(?s)\A(?:.*the answer is )?(.+?)\.?\s*\z'
"#;

#[test]
fn published_accuracies_are_found_again() {
    let mut wrong = String::new();
    for (name, rows, direct, cot) in PUBLISHED {
        let Some(file) = shared(&format!("bbh/{name}.jsonl")) else { return };
        let env = TestEnv::new();
        env.write("task/task.toml", TASK);
        std::fs::copy(&file, env.path("task/rows.jsonl")).unwrap();
        let line = "eval task --answers task/rows.jsonl --column direct --column cot --json";
        let told = env.run(line).ok().json();
        for (place, (column, published)) in
            [("direct", direct), ("cot", cot)].into_iter().enumerate()
        {
            assert_eq!(told[place]["column"], column);
            assert_eq!(told[place]["quality"]["n"].as_u64(), Some(rows), "{name}");
            let mean = told[place]["quality"]["mean"].as_f64().unwrap();
            let mean = (mean * 1_000.0).round() / 10.0;
            if (mean - published).abs() > 1e-9 {
                let _ = writeln!(wrong, "{name} {column}: {mean}, published {published}");
            }
        }
        assert!(!env.path("results").exists());
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A task of six rows, whose answers are their numbers in words.
fn env() -> TestEnv {
    let env = TestEnv::new();
    env.write("task/task.toml", &TASK.replace("target", "answer"));
    let words = ["one", "two", "three", "four", "five", "six"];
    let rows = words.iter().enumerate().fold(String::new(), |mut rows, (place, word)| {
        let row = json!({"id": format!("{}", 60 - place), "input": format!("What is {}?", place + 1), "answer": word});
        let _ = writeln!(rows, "{row}");
        rows
    });
    env.write("task/rows.jsonl", &rows);
    env
}

fn mean(value: &Value) -> f64 {
    value["quality"]["mean"].as_f64().unwrap()
}

#[test]
fn rows_on_one_line_are_joined_in_their_order() {
    let env = env();
    let word = |n: usize| format!("word {}", n * 7);
    let rows: Vec<Value> =
        (0..24).map(|n| json!({"input": format!("say {n}"), "answer": word(n)})).collect();
    env.write("task/rows.json", &json!(rows).to_string());
    let task = TASK.replace("id = \"id\", ", "").replace("target", "answer");
    env.write("task/task.toml", &task.replace("rows.jsonl", "rows.json"));
    let said: String = (0..24).fold("said\n".to_owned(), |all, n| all + &word(n) + "\n");
    env.write("said.csv", &said);
    let told = env.run("eval task --answers said.csv --column said --json").ok().json();
    assert_eq!(mean(&told), 1.0, "{told}");
}

#[test]
fn answers_are_joined_by_number_only_where_no_file_has_ids_and_it_is_said() {
    let env = env();
    env.write("said.csv", "said\none\ntwo\nthree\nfour\nfive\nseven\n");
    let line = "eval task --answers said.csv --column said";
    insta::assert_snapshot!(env.complaint(line), @r"
    exit 3
    error: said.csv: the task's rows have ids in column `id`, but the answers have none
      try: add a column `id` that names the row of each answer, or say with --id which column does
    ");
    let rows = env.read("task/rows.jsonl").replace("\"id\"", "\"note\"");
    env.write("task/rows.jsonl", &rows);
    let task = TASK.replace("id = \"id\", ", "").replace("target", "answer");
    env.write("task/task.toml", &task);
    let ran = env.run(line).ok();
    assert!(ran.stderr.contains("joined to rows by their number"), "{}", ran.stderr);
    for said in ["said\none\ntwo\n", "said\n1\n2\n3\n4\n5\n6\n7\n"] {
        env.write("short.csv", said);
        let ran = env.run("eval task --answers short.csv --column said").exits(3);
        assert!(ran.stderr.contains("but the task has 6 rows"), "{}", ran.stderr);
    }
    let told = env.run("eval task --answers said.csv --column said --json").ok().json();
    assert!((mean(&told) - 5.0 / 6.0).abs() < 1e-12, "{told}");
    assert_eq!(told.get("column"), None);
    // Also if only some of the rows are scored.
    for split in ["train", "dev", "hold"] {
        env.write("said.csv", "said\none\ntwo\nthree\nfour\nfive\nsix\n");
        let ran =
            env.run(&format!("eval task --answers said.csv --column said --json --split {split}"));
        match split {
            // Six rows are too few for held-out ones.
            "hold" => assert!(ran.exits(3).stderr.contains("the split `hold` has no rows")),
            _ => assert!((mean(&ran.ok().json()) - 1.0).abs() < 1e-12, "{split}"),
        }
    }
}

#[test]
fn an_id_joins_answers_however_its_name_is_written() {
    for (here, there) in [("ID", "ID"), ("Id", "id"), ("id", "ID"), ("ID", "Id")] {
        let env = env();
        let task = TASK.replace("id = \"id\", ", "").replace("target", "answer");
        env.write("task/task.toml", &task);
        let rows = env.read("task/rows.jsonl").replace("\"id\"", &format!("\"{here}\""));
        env.write("task/rows.jsonl", &rows);
        let said = "55,six\n56,five\n57,four\n58,three\n59,two\n60,one\n";
        env.write("said.csv", &format!("{there},said\n{said}"));
        let ran = env.run("eval task --answers said.csv --column said --json").ok();
        assert_eq!(mean(&ran.json()), 1.0, "{here} {there}: {}", ran.stdout);
        assert!(!ran.stderr.contains("number"), "{}", ran.stderr);
    }
}

#[test]
fn answers_in_another_order_are_not_joined_by_number() {
    let env = env();
    let task = TASK.replace("id = \"id\", ", "").replace("target", "answer");
    env.write("task/task.toml", &task);
    let rows = env.read("task/rows.jsonl").replace("\"id\"", "\"ticket nr\"");
    env.write("task/rows.jsonl", &rows);
    let said = |order: [usize; 6]| {
        let words = ["one", "two", "three", "four", "five", "six"];
        let line = |n: usize| format!("{},{}\n", 60 - n, words[n]);
        order.into_iter().fold("ticket nr,said\n".to_owned(), |all, n| all + &line(n))
    };
    let line = "eval task --answers said.csv --column said --json";
    env.write("said.csv", &said([0, 2, 1, 3, 4, 5]));
    insta::assert_snapshot!(env.complaint("eval task --answers said.csv --column said"), @r"
    exit 3
    error: said.csv:3: the answers have no ids, and their order is not that of the task's rows: `58` in column `ticket nr` is another row there
      try: join them by a column that both files have: --id 'ticket nr'
    ");
    let ran = env.run_with(line, &["--id", "ticket nr"]);
    assert_eq!(mean(&ran.ok().json()), 1.0);
    env.write("said.csv", &said([0, 1, 2, 3, 4, 5]));
    assert_eq!(mean(&env.run(line).ok().json()), 1.0);
}

#[test]
fn answers_without_ids_are_joined_to_split_files_one_after_another() {
    let env = TestEnv::new();
    let task = TASK.replace("target", "answer").replace(
        "file = \"rows.jsonl\"\ncolumns = { id = \"id\", answer = \"answer\" }",
        "split = { train = \"a.csv\", dev = \"b.csv\" }",
    );
    env.write("task/task.toml", &task);
    env.write("task/a.csv", "input,answer\nOne?,one\nTwo?,two\n");
    env.write("task/b.csv", "input,answer\nThree?,three\nFour?,four\nFive?,five\n");
    env.write("said.csv", "said\none\ntwo\nthree\nfour\nfive\n");
    for split in ["all", "train", "dev"] {
        let told = env
            .run(&format!("eval task --answers said.csv --column said --json --split {split}"))
            .ok()
            .json();
        assert!((mean(&told) - 1.0).abs() < 1e-12, "{split}: {told}");
    }
}

#[test]
fn answers_with_ids_are_joined_by_them_in_any_order() {
    let env = env();
    env.write("said.csv", "id,said\n55,six\n56,five\n57,four\n58,three\n59,two\n60,zero\n");
    let told = env.run("eval task --answers said.csv --column said --json").ok().json();
    assert!((mean(&told) - 5.0 / 6.0).abs() < 1e-12, "{told}");
    let ran = env.run("eval task --answers said.csv --column said").ok();
    assert!(ran.stdout.starts_with("said: 83.3 % ("), "{}", ran.stdout);
    env.write("said.csv", "id,said\n55,six\n56,five\n57,four\n58,three\n59,two\n60,zero\n60,one\n");
    insta::assert_snapshot!(env.complaint("eval task --answers said.csv --column said"), @r"
    exit 3
    error: said.csv:8: the id `60` is already used on line 7
      try: a row can have only one answer per column: remove one of the lines
    ");
}

#[test]
fn an_answer_that_is_missing_is_an_error_and_an_empty_one_is_scored() {
    let env = env();
    let answers = |third: &str| {
        let said = ["\"one\"", "\"two\"", third, "\"four\"", "\"five\"", "\"six\""];
        said.iter().enumerate().fold(String::new(), |mut rows, (place, said)| {
            let said = if said.is_empty() { String::new() } else { format!(", \"said\": {said}") };
            let _ = writeln!(rows, "{{\"id\": \"{}\"{said}}}", 60 - place);
            rows
        })
    };
    let line = "eval task --answers said.jsonl --column said";
    env.write("said.jsonl", &answers("\"\""));
    let told = env.run(&format!("{line} --json")).ok().json();
    assert!((mean(&told) - 5.0 / 6.0).abs() < 1e-12, "{told}");
    env.write("said.jsonl", &answers("null"));
    insta::assert_snapshot!(env.complaint(line), @r"
    exit 3
    error: said.jsonl:3: row `58` has no answer in column `said`
      try: every row needs an answer; an empty string counts as an answer
    ");
    env.write("said.jsonl", &answers(""));
    insta::assert_snapshot!(env.complaint(line), @r"
    exit 3
    error: said.jsonl:3: row `58` has no answer in column `said`
      try: every row needs an answer; an empty string counts as an answer
    ");
    env.write("said.jsonl", "{\"id\": \"60\", \"said\": \"one\"}\n");
    insta::assert_snapshot!(env.complaint(line), @r"
    exit 3
    error: said.jsonl: 5 of 6 rows have no answer in column `said`: `59`, `58`, `57`, `56`, `55`
      try: every row needs an answer; an empty string counts as an answer
    ");
    insta::assert_snapshot!(env.complaint("eval task --answers said.jsonl --column sad"), @r#"
    exit 3
    error: said.jsonl: there is no column `sad`
      try: did you mean `said`?
    "#);
    env.write("said.csv", "said\none\ntwo\n");
    insta::assert_snapshot!(env.complaint("eval task --answers said.csv --column said"), @r"
    exit 3
    error: said.csv: the task's rows have ids in column `id`, but the answers have none
      try: add a column `id` that names the row of each answer, or say with --id which column does
    ");
}

/// Labels, of which the third row's answer names none.
const LABELS: &str = r#"name = "labels"

[data]
file = "rows.jsonl"
columns = { id = "id", answer = "answer" }

[prompt]
system = "Answer the question."
user = "{{ input }}"
search = ["system"]

[models]
task = "openai/gpt-9"

[[score]]
kind = "label"
labels = ["yes", "no"]
"#;

#[test]
fn why_answers_are_invalid_is_told_by_row() {
    let env = TestEnv::new();
    env.write("task/task.toml", LABELS);
    let rows = (1..=5).fold(String::new(), |mut rows, row| {
        let row = json!({"id": format!("r{row}"), "input": format!("{row}?"), "answer": "yes"});
        let _ = writeln!(rows, "{row}");
        rows
    });
    env.write("task/rows.jsonl", &rows);
    env.write(
        "said.csv",
        "id,said\nr1,Yes.\nr2,maybe\nr3,yes and no\nr4,<think>is it yes\nr5,perhaps\n",
    );
    let line = "eval task --answers said.csv --column said";
    let shown = env.run(line).ok().stdout;
    assert!(
        shown.starts_with("said: 20.0 % (") && shown.contains(" over 5 rows, 4 invalid"),
        "{shown}"
    );
    insta::assert_snapshot!(shown.lines().skip(1).collect::<Vec<_>>().join("\n"), @r"
      2 answers are invalid: the answer names none of the labels (rows `r2`, `r5`), such as “maybe”
      1 answer is invalid: the answer names several labels instead of one (row `r3`), such as “yes and no”
      1 answer is invalid: the answer ends within its thinking block, before it says anything (row `r4`), such as “<think>is it yes”
    ");
    let told = env.run(&format!("{line} --json")).ok().json();
    assert_eq!(told["invalid"], 4);
    let first = &told["invalid_answers"][0];
    assert_eq!((&first["count"], &first["rows"][0]["id"]), (&json!(2), &json!("r2")));
    assert_eq!(first["rows"][0]["answer"], "maybe");
    assert_eq!(
        first["rows"][0]["feedback"],
        "The answer names none of the labels (yes, no). Expected `yes`."
    );
}

#[test]
fn nested_answers_are_found_by_path_and_ids_that_no_row_has_are_named() {
    let env = env();
    let line = |id: &str, said: &str| {
        let response = json!({"choices": [{"message": {"content": said}}]});
        json!({"custom_id": id, "response": response}).to_string()
    };
    let words = ["one", "two", "three", "four", "five", "six"];
    let mut said: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(place, word)| line(&(60 - place).to_string(), word))
        .collect();
    said.push(line("7", "seven"));
    env.write("batch.jsonl", &said.join("\n"));
    let column = "response.choices[0].message.content";
    let eval = format!("eval task --answers batch.jsonl --column {column} --id custom_id");
    let ran = env.run(&eval).ok();
    assert!(ran.stdout.contains(": 100.0 % ("), "{}", ran.stdout);
    assert_eq!(ran.stderr.trim_end(), "batch.jsonl has 1 id that no row of the task has: `7`");
    // Rows of other splits are rows of the task.
    let ran = env.run(&format!("{eval} --split dev")).ok();
    assert!(ran.stderr.contains(" has 1 id that no row"), "{}", ran.stderr);
    for wrong in [
        "eval task --answers batch.jsonl --column response.choices[1].message --id custom_id",
        "eval task --answers batch.jsonl --column respons.choices --id custom_id",
        "eval task --answers batch.jsonl --column response..x --id custom_id",
        "eval task --answers batch.jsonl --column response --id costum_id",
        "eval task --answers batch.jsonl --column response",
    ] {
        env.run(wrong).exits(3);
    }
    let line =
        "eval task --answers batch.jsonl --column response.choices[1].message --id custom_id";
    insta::assert_snapshot!(env.complaint(line), @r"
    exit 3
    batch.jsonl has 1 id that no row of the task has: `7`
    error: batch.jsonl: no row has a value at `response.choices[1].message`
      try: look at the column `response` of the first row
    ");
}
