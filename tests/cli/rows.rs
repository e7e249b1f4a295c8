//! `rows`: what a prompt answered, row by row, and what the answers have in common.

use crate::env::TestEnv;
use crate::server::{Reply, Request, Server, says, tile};
use insta::assert_snapshot;
use serde_json::{Value, json};

/// The baseline takes every third tile for the other; another prompt gets all right, but for every seventh, which it
/// calls by a name that is no label.
fn clerk(request: &Request) -> Reply {
    let (number, is_baseline) =
        (tile(request), request.content("system").starts_with("Answer warm or cold."));
    let right = number % 2;
    match (is_baseline && number.is_multiple_of(3), !is_baseline && number.is_multiple_of(7)) {
        (true, _) => says(["warm", "cold"][1 - right]),
        (_, true) => says("lime"),
        _ => says(["warm", "cold"][right]),
    }
}

/// A finished search whose rows have a size.
fn searched() -> (Server, TestEnv) {
    let server = Server::start(|_, request| clerk(request));
    let mut env = TestEnv::with_server(&server, "");
    env.set("COLUMNS", "80");
    let row = |number: usize| {
        let size = if number.is_multiple_of(4) { "large" } else { "small" };
        let answer = ["warm", "cold"][number % 2];
        json!({"id": format!("r{number}"), "input": format!("Tile {number} of shade {}.", number * 31 % 97),
               "size": size, "answer": answer})
        .to_string()
            + "\n"
    };
    env.write("colours/rows.jsonl", &(1..=60).map(row).collect::<String>());
    env.run("run colours --name one --max-calls 240 --quiet").ok();
    (server, env)
}

fn shown(env: &TestEnv, line: &str) -> Value {
    env.run(&format!("rows one {line} --json")).ok().json()
}

#[test]
fn the_rows_of_a_prompt_are_those_of_the_summary() {
    let (_server, env) = searched();
    let summary = env.json("results/one/summary.json");
    for (candidate, side) in [("baseline", "baseline"), ("best", "best")] {
        let rows = shown(&env, candidate);
        assert_eq!(rows["candidate"], summary[side]["candidate"], "{rows:#}");
        let dev = &summary[side]["dev"];
        assert_eq!(rows["all"]["rows"], dev["n"], "{candidate}");
        let mean = rows["all"]["score"]["mean"].as_f64().unwrap();
        assert!((mean - dev["mean"].as_f64().unwrap()).abs() < 1e-9, "{candidate}: {mean} {dev}");
        let all = rows["rows"].as_array().unwrap();
        assert_eq!(json!(all.len()), rows["all"]["rows"]);
        for row in all {
            let number: usize = row["id"].as_str().unwrap()[1..].parse().unwrap();
            let right = ["warm", "cold"][number % 2];
            assert_eq!(row["expected"], right);
            assert_eq!(row["score"], json!(f64::from(u8::from(row["answer"] == right))), "{row}");
            assert_eq!(row["invalid"].is_string(), row["answer"] == "lime", "{row}");
            assert_eq!(row["completion_tokens"], 2);
        }
    }
    assert_ne!(shown(&env, "best")["candidate"], shown(&env, "baseline")["candidate"]);
}

#[test]
fn rows_are_filtered_and_counted_by_label_and_column() {
    let (_server, env) = searched();
    let all = shown(&env, "best --by size");
    let of = |rows: &Value| rows["rows"].as_array().unwrap().clone();
    let (count, right) =
        (all["all"]["rows"].as_u64().unwrap(), all["all"]["right"].as_u64().unwrap());
    let wrong = of(&shown(&env, "best --wrong"));
    assert_eq!(wrong.len() as u64, count - right);
    assert!(!wrong.is_empty() && wrong.iter().all(|row| row["answer"] == "lime"));
    let changed = of(&shown(&env, "best --changed"));
    assert!(!changed.is_empty());
    assert!(changed.iter().all(|row| row["baseline"]["score"] != row["score"]));
    let warm = of(&shown(&env, "best --label warm"));
    assert!(!warm.is_empty() && warm.iter().all(|row| row["expected"] == "warm"));
    let confusions = all["confusions"].as_array().unwrap();
    let sum = |is: &dyn Fn(&Value) -> bool| -> u64 {
        confusions.iter().filter(|it| is(it)).map(|it| it["count"].as_u64().unwrap()).sum()
    };
    assert_eq!((sum(&|_| true), sum(&|it| it["expected"] == it["said"])), (count, right));
    assert_eq!(sum(&|it| it["said"] == "–"), count - right);
    let slices = all["slices"].as_array().unwrap();
    assert_eq!(slices.iter().map(|it| it["rows"].as_u64().unwrap()).sum::<u64>(), count);
    assert_eq!(slices.iter().map(|it| &it["value"]).collect::<Vec<_>>(), ["small", "large"]);
    for label in all["labels"].as_array().unwrap() {
        let kept = confusions
            .iter()
            .find(|it| it["expected"] == label["label"] && it["said"] == label["label"]);
        let share = kept.unwrap()["count"].as_f64().unwrap() / label["rows"].as_f64().unwrap();
        assert_eq!(label["recall"]["mean"], json!(share), "{label}");
    }
}

#[test]
fn held_out_rows_are_not_shown_and_mistakes_are_named() {
    let (_server, env) = searched();
    let ids = |split: &str| -> Vec<String> {
        let rows = shown(&env, &format!("baseline --split {split}"));
        rows["rows"].as_array().unwrap().iter().map(|row| row["id"].to_string()).collect()
    };
    let (dev, train) = (ids("dev"), ids("train"));
    assert!(dev.len() <= 18 && train.iter().all(|id| !dev.contains(id)), "{dev:?} {train:?}");
    assert!(env.run("rows one best --split hold").exits(2).stderr.contains("possible values"));
    assert!(env.run("rows one best --by siez").exits(2).stderr.contains("did you mean `size`"));
    assert!(env.run("rows one p0").exits(2).stderr.contains("is a proposal"));
    assert!(env.run("rows one n99").exits(2).stderr.contains("no candidate #99"));
    // An evaluation has rows, too.
    env.run("eval colours --quiet").ok();
    assert_eq!(env.run("rows latest baseline --json").ok().json()["all"]["rows"], 18);
}

#[test]
fn what_it_looks_like() {
    let (_server, env) = searched();
    let text = env.run("rows one best --by size --limit 2 --changed").ok().stdout;
    let timeless = |line: &str| -> String {
        let words: Vec<&str> = line.split(' ').collect();
        let word = |place: usize| match words.get(place + 1) {
            Some(&"ms") => "[N]",
            _ => words[place],
        };
        (0..words.len()).map(word).collect::<Vec<_>>().join(" ")
    };
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_snapshot!(text.lines().map(timeless).collect::<Vec<_>>().join("\n"));
}
