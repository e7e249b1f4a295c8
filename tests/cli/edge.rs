//! `edge`: the rows that are worth a look are those that were made so, each in its own list.

use crate::env::TestEnv;
use crate::server::{Reply, Request, Server, says, tile};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const LABELS: [&str; 2] = ["warm", "cold"];

/// Rows by the last digit of their tile: 3 has no usable answer, 4 is solved by the baseline alone, 1, 2, 5 and 9 by about half of the
/// prompts; the rest is solved by all but the baseline, which takes every third tile for the other.
/// The answers know nothing of what the data call right.
fn clerk(_: usize, request: &Request) -> Reply {
    let number = tile(request);
    let prompt = request.content("system");
    let is_baseline = prompt == "Answer warm or cold.";
    let letters: usize = prompt.bytes().map(usize::from).sum();
    let is_right = match number % 10 {
        3 => return says("lime"),
        4 => is_baseline,
        1 | 2 | 5 | 9 => (letters * (number + 7) / 8).is_multiple_of(2),
        _ => !(is_baseline && number.is_multiple_of(3)),
    };
    says(LABELS[if is_right { number % 2 } else { 1 - number % 2 }])
}

/// Tiles: those that end in 0 or 7 have the wrong right answer, and 8, 18, 28, … stand twice, with both answers.
fn tiles() -> String {
    let row = |id: String, number: usize, answer: usize| {
        let input = format!("Tile {number} of shade {}.", number * 31 % 997);
        let size = if number % 10 == 3 { "large" } else { "small" };
        json!({"id": id, "input": input, "size": size, "answer": LABELS[answer]}).to_string() + "\n"
    };
    let mut rows: Vec<String> = (1..=240)
        .map(|number| {
            let answer = if matches!(number % 10, 0 | 7) { 1 - number % 2 } else { number % 2 };
            row(format!("r{number}"), number, answer)
        })
        .collect();
    rows.extend((8..240).step_by(10).map(|it| row(format!("twin{it}"), it, 1 - it % 2)));
    rows.concat()
}

fn ids(list: &Value) -> BTreeSet<usize> {
    let rows = list.as_array().unwrap().iter();
    rows.map(|it| {
        it["id"].as_str().unwrap().trim_start_matches(char::is_alphabetic).parse().unwrap()
    })
    .collect()
}

#[test]
fn rows_that_are_worth_a_look_are_listed_for_what_they_are() {
    let server = Server::start(clerk);
    let mut env = TestEnv::with_server(&server, "");
    env.set("COLUMNS", "80");
    env.write("colours/rows.jsonl", &tiles());
    env.run("run colours --name one --strategy best-of-n --max-calls 1500 --quiet").ok();
    let edge = env.run("edge one --json").ok().json();
    assert!(
        edge["prompts"].as_u64().unwrap() >= 4 && edge["good_prompts"].as_u64().unwrap() >= 4,
        "{edge}"
    );

    let unsolved = ids(&edge["unsolved"]);
    assert!(unsolved.iter().filter(|it| *it % 10 == 3).count() >= 2, "{unsolved:?}");
    // A row with the wrong right answer is solved by no good prompt either.
    assert!(
        unsolved.iter().all(|it| matches!(it % 10, 1 | 2 | 9 | 3 | 4 | 5 | 0 | 7 | 8)),
        "{unsolved:?}"
    );
    let broken = ids(&edge["broken"]);
    assert!(broken.iter().filter(|it| *it % 10 == 4).count() >= 3, "{broken:?}");
    assert!(broken.iter().all(|it| matches!(it % 10, 1 | 2 | 9 | 4 | 5 | 0 | 7 | 8)), "{broken:?}");
    let disputed = ids(&edge["disputed"]);
    assert!(
        !disputed.contains(&3) && disputed.iter().any(|it| matches!(it % 10, 1 | 2 | 5 | 9)),
        "{disputed:?}"
    );

    let suspects = edge["suspects"].as_array().unwrap();
    let with = |kind: &str| -> Vec<&Value> {
        let has =
            |it: &&Value| it["evidence"].as_array().unwrap().iter().any(|it| it["kind"] == kind);
        suspects.iter().filter(has).collect()
    };
    let contradicted = with("contradicted");
    assert!(contradicted.len() >= 4, "{}", suspects.len());
    assert!(contradicted.iter().all(|it| ids(&json!([it])).iter().all(|it| it % 10 == 8)));
    assert_eq!(suspects[0]["evidence"][0]["kind"], "contradicted");
    let agreed = ids(&json!(with("agreed")));
    let planted = agreed.iter().filter(|it| matches!(*it % 10, 0 | 7)).count();
    assert!(planted >= 2, "{agreed:?}");
    // The answers to rows that end in 4 are wrong, but no less sure of themselves.
    assert!(
        agreed
            .iter()
            .all(|it| matches!(it % 10, 0 | 7) || matches!(it % 10, 1 | 2 | 9 | 4 | 5 | 8)),
        "{agreed:?}"
    );

    let groups = edge["groups"].as_array().unwrap();
    let large =
        groups.iter().find(|it| it["kind"] == "column").unwrap_or_else(|| panic!("no column"));
    assert_eq!((&large["column"], &large["value"]), (&json!("size"), &json!("large")));
    assert_eq!(large["failing"], large["rows"]);
    assert!(large["adjusted_p_value"].as_f64().unwrap() <= 0.05, "{large}");

    let page = env.run("edge one --limit 2").ok().stdout;
    for title in [
        "The right answer may be wrong:",
        "No prompt solves:",
        "New prompts break:",
        "have in common",
    ] {
        assert!(page.contains(title), "{title} in\n{page}");
    }
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    // Held-out rows are in no list: no row of the lists is beyond those of train and dev.
    let plan = env.run("plan colours --json").ok().json();
    let shown = plan["rows"]["train"].as_u64().unwrap() + plan["rows"]["dev"].as_u64().unwrap();
    assert!(edge["rows"].as_u64().unwrap() <= shown && plan["rows"]["hold"].as_u64().unwrap() > 0);
}
