//! `columns.weight`: rows that count more, from the data to the evidence of an exported prompt.

use crate::env::TestEnv;
use crate::export::{colours_repository, git};
use crate::server::{Server, says};
use serde_json::{Value, json};
use std::fmt::Write as _;

const TASK: &str = "colours/task.toml";

/// Every fourth tile, a warm one, counts ten times as much as each other one.
fn weight(number: usize) -> f64 {
    if number.is_multiple_of(4) { 10.0 } else { 1.0 }
}

fn rows() -> String {
    (1..=400).fold(String::new(), |mut rows, number| {
        let answer = ["warm", "cold"][number % 2];
        let input = format!("Tile {number} of shade {}.", number * 7919 % 1009);
        let id = format!("r{number}");
        let row = json!({"id": id, "input": input, "answer": answer, "amount": weight(number)});
        let _ = writeln!(rows, "{row}");
        rows
    })
}

/// The baseline calls every tile cold, and each other prompt calls every tile warm: half of the rows are right either way.
fn env() -> (Server, TestEnv) {
    let server = Server::start(|_, request| {
        let is_baseline = request.content("system") == "Answer warm or cold.";
        says(if is_baseline { "cold" } else { "warm" })
    });
    let env = TestEnv::with_server(&server, "");
    env.edit(TASK, "answer = \"answer\" }", "answer = \"answer\", weight = \"amount\" }");
    env.edit(TASK, "calls = 300", "calls = 900");
    colours_repository(&env);
    env.write("colours/rows.jsonl", &rows());
    (server, env)
}

fn near(value: &Value, expected: f64) -> bool {
    value.as_f64().is_some_and(|value| (value - expected).abs() < 1e-9)
}

#[test]
fn the_score_is_by_weight_in_the_search_its_verdict_and_its_evidence() {
    let (_server, env) = env();
    let plan = env.run("plan colours").ok();
    let planned = format!("{}{}", plan.stdout, plan.stderr);
    let planned = planned.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(planned.contains("rows count by their weights: 120 held-out rows show"), "{planned}");
    let ran = env.run("run colours --name one --strategy random --quiet").ok();
    let summary = env.json("results/one/summary.json");
    assert_eq!(summary["confirmed"], true, "{}", ran.stdout);
    assert_eq!(summary["gain"]["test"], "weighted_mean");

    // The dev rows of both prompts, as `rows` shows them.
    let best = summary["best"]["candidate"].as_str().unwrap().to_owned();
    for (side, candidate, answer) in
        [("baseline", "baseline", "cold"), ("best", best.as_str(), "warm")]
    {
        let rows = env.run(&format!("rows one {candidate} --json")).ok().json();
        let (mut sum, mut all) = (0.0, 0.0);
        for row in rows["rows"].as_array().unwrap() {
            let own = weight(row["id"].as_str().unwrap()[1..].parse().unwrap());
            assert!(near(&row["weight"], own), "{row}");
            sum += own * f64::from(u8::from(row["expected"] == answer));
            all += own;
        }
        assert!(near(&rows["all"]["score"]["mean"], sum / all), "{side}: {}", rows["all"]);
        for key in ["mean", "low", "high"] {
            let of_summary = summary[side]["dev"][key].as_f64().unwrap();
            assert!(near(&rows["all"]["score"][key], of_summary), "{side} {key}");
        }
    }

    // The held-out rows, as the evidence has them.
    env.run("export one --to . --path route.md --branch prompts --quiet").ok();
    let evidence = git(&env, ".", "show prompts:route.evidence.json");
    let evidence: Value = serde_json::from_str(&evidence).unwrap();
    let (mut sum, mut before, mut all) = (0.0, 0.0, 0.0);
    for row in evidence["rows"].as_array().unwrap() {
        let weight = row["weight"].as_f64().unwrap();
        sum += weight * row["score"].as_f64().unwrap();
        before += weight * row["baseline"].as_f64().unwrap();
        all += weight;
    }
    assert!((all / 120.0 - 1.0).abs() < 1e-9, "weights are 1 on average: {all}");
    assert!(near(&summary["best"]["hold"]["mean"], sum / all), "{}", summary["best"]["hold"]);
    assert!(near(&summary["gain"]["mean"], (sum - before) / all), "{}", summary["gain"]);
    assert!(sum / all > 0.7 && before / all < 0.3, "by count it would be a half");
    git(&env, ".", "checkout --quiet --force prompts");
    env.write("colours/rows.jsonl", &rows());
    let verified = env.run("verify route.md --tolerance 0.3 --json --quiet").ok().json();
    assert!(near(&verified["scores"]["mean"], sum / all), "{verified}");

    let whole = env.run("eval colours --split all --json").ok().json();
    assert!(near(&whole["quality"]["mean"], 200.0 / 1_300.0), "{whole}");
}

#[test]
fn without_weights_the_same_prompts_are_alike() {
    let (_server, env) = env();
    env.edit(TASK, ", weight = \"amount\" }", " }");
    env.run("run colours --name one --strategy random --quiet").ok();
    assert_ne!(env.json("results/one/summary.json")["confirmed"], true);
    assert!(!env.read("results/one/events.jsonl").contains("\"weight\""));
    let whole = env.run("eval colours --split all --json").ok().json();
    assert_eq!(whole["quality"]["mean"], 0.5);
}

#[test]
fn a_wrong_weight_is_named_with_its_line() {
    let (_server, env) = env();
    let good = env.read("colours/rows.jsonl");
    for (wrong, says) in [
        ("0.0", "row 3 has the weight 0, which is not above 0, in column `amount`"),
        ("null", "row 3 has no weight in column `amount`"),
        ("\"a lot\"", "row 3 has a weight that is not a number, `a lot`, in column `amount`"),
    ] {
        let mut lines: Vec<String> = good.lines().map(str::to_owned).collect();
        lines[2] = lines[2].replace("\"amount\":1.0", &format!("\"amount\":{wrong}"));
        env.write("colours/rows.jsonl", &lines.join("\n"));
        let said = env.run("plan colours").exits(3).stderr;
        assert!(said.contains(says) && said.contains("rows.jsonl:3"), "{said}");
    }
}
