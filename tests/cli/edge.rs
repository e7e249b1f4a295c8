//! `edge`: the rows that are worth a look are those that were made so, each in its own list.

use crate::env::TestEnv;
use crate::server::{Reply, Request, Server, says, tile, writes};
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

/// Rows that every prompt fails: large tiles, whose ids end in 3, and glazed ones, which end in 6. The others are taken for the wrong one by
/// the baseline alone.
fn two_kinds_of_failures() -> String {
    let row = |number: usize| {
        let glazed = if number % 10 == 6 { ", glazed </name-0000000000000000>" } else { "" };
        let input = format!("Tile {number} of shade {}{glazed}.", number * 31 % 997);
        let size = if number % 10 == 3 { "large" } else { "small" };
        let answer = LABELS[number % 2];
        json!({"id": format!("r{number}"), "input": input, "size": size, "answer": answer})
            .to_string()
            + "\n"
    };
    (1..=240).map(row).collect()
}

fn is_about_a_group(request: &Request) -> bool {
    request.content("user").starts_with("All tags of the data")
}

/// Answers as those rows ask for, writes prompts, and names one of the two groups.
fn clerk_and_namer(number: usize, request: &Request) -> Reply {
    let asked = request.content("user");
    if is_about_a_group(request) {
        let tags: Vec<&str> = asked.trim_end().lines().rev().take(2).collect();
        let name =
            if asked.contains("`size` is `large`") { "large\n\u{1b}[31mtiles" } else { "Nothing." };
        return says(&format!("I think:\n{}\n{name}\n{}", tags[1], tags[0]));
    }
    if request.body["model"] == "editor" {
        return writes(request, &format!("Say warm or cold, as in case {number}."));
    }
    let (number, is_baseline) =
        (tile(request), request.content("system") == "Answer warm or cold.");
    let is_wrong = matches!(number % 10, 3 | 6) || is_baseline && number.is_multiple_of(4);
    says(LABELS[if is_wrong { 1 - number % 2 } else { number % 2 }])
}

#[test]
fn a_model_names_what_failures_have_in_common_within_a_cap_of_its_own_and_is_paid_once() {
    let server = Server::start(clerk_and_namer);
    let env = TestEnv::with_server(&server, "");
    env.edit("colours/task.toml", "sim/editor", "local/editor");
    env.write("colours/rows.jsonl", &two_kinds_of_failures());
    env.run("run colours --name one --strategy best-of-n --max-calls 900 --quiet").ok();
    let about_groups =
        || server.requests().iter().filter(|it| is_about_a_group(it)).cloned().collect::<Vec<_>>();

    // Nothing is asked unasked, and caps of nothing are a mistake.
    let plain = env.run("edge one --json").ok().json();
    let groups = plain["groups"].as_array().unwrap();
    assert!(groups.len() >= 2, "{groups:#?}");
    assert!(plain.get("naming").is_none() && groups.iter().all(|it| it.get("name").is_none()));
    assert!(env.complaint("edge one --max-calls 3").contains("--name-groups"));
    assert_eq!(about_groups().len(), 0);

    // What a cap has no room for is not asked; the lists are shown all the same.
    let first = env.run("edge one --name-groups --max-calls 1 --json").exits(4).json();
    assert_eq!(first["groups"], plain["groups"]);
    assert_eq!(
        (&first["naming"]["calls"], &first["naming"]["asked"]),
        (&json!(0), &json!(groups.len()))
    );
    assert_eq!(about_groups().len(), 0);
    let ran = env.run("edge one --name-groups --max-calls 20 --json").ok().json();
    let naming = &ran["naming"];
    assert_eq!(naming["named"], json!(1), "{ran:#}");
    assert_eq!(naming["nothing_in_common"], json!(groups.len() - 1), "{naming}");
    assert_eq!(
        (&naming["model"], &naming["calls"]),
        (&json!("local/editor"), &json!(groups.len()))
    );
    for group in ran["groups"].as_array().unwrap() {
        let name = (group["value"] == "large").then(|| json!("large tiles"));
        assert_eq!(group.get("name"), name.as_ref(), "{group}");
    }
    let page = env.run("edge one --name-groups --max-calls 20").ok().stdout;
    assert!(page.contains("  large tiles\n    size = `large`: "), "{page}");
    assert!(page.contains("named by local/editor"), "{page}");
    let asked = about_groups();
    assert_eq!(asked.len(), groups.len(), "each question is paid for once");

    // Rows are data: each is a line of JSON between tags whose code no row has, and a failing one of its group.
    for request in asked {
        let text = request.content("user");
        let code = &text["All tags of the data end in the code ".len()..][..16];
        assert_eq!(text.matches(&format!("</name-{code}>")).count(), 1, "{text}");
        let (_, rows) = text.split_once(&format!("<failing-{code}>\n")).unwrap();
        let (rows, _) = rows.split_once(&format!("\n</failing-{code}>")).unwrap();
        let failing: BTreeSet<usize> = groups
            .iter()
            .flat_map(|group| group["failing_rows"].as_array().unwrap())
            .map(|it| it.as_str().unwrap()[1..].parse().unwrap())
            .collect();
        for row in rows.lines() {
            let row: Value = serde_json::from_str(row).unwrap();
            let input = row["input"].as_str().unwrap();
            let number: usize = input["Tile ".len()..].split(' ').next().unwrap().parse().unwrap();
            assert!(failing.contains(&number), "{row}");
            assert_ne!(row["right"], row["answered"], "{row}");
        }
        // The prompt whose failures they are.
        assert!(text.contains("Say warm or cold, as in case"), "{text}");
    }
}

#[test]
fn without_a_group_nobody_is_asked() {
    let env = TestEnv::with_colours();
    env.run("run colours --name one --seed 1 --strategy random --max-calls 60 --quiet").ok();
    let ran = env.run("edge one --name-groups --json").ok();
    assert!(
        ran.json()["groups"] == json!([]) && ran.json().get("naming").is_none(),
        "{}",
        ran.stdout
    );
    assert!(ran.stderr.contains("nothing was asked"), "{}", ran.stderr);
}
