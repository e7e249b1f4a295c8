//! A judge compares an answer with another one, in both orders: what it prefers, which place it prefers, what it costs.

use crate::env::{COLOURS, TestEnv, colour_rows};
use crate::server::{Reply, Request, Server};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const LABEL: &str = "kind = \"label\"\nlabels = [\"warm\", \"cold\"]";
const PAIRWISE: &str = "kind = \"pairwise\"\nvalue = \"Which answer names the colour?\"";
const PRICE: &str = "price = { input = 1.0, output = 4.0 }";

/// The task `colours`, whose answers a judge behind a server compares with "It is COLOUR." of the row.
fn env(server: &Server, scorer: &str) -> TestEnv {
    let env = TestEnv::new();
    env.write("colours/task.toml", &COLOURS.replace(LABEL, scorer));
    let rows: String = colour_rows(60)
        .lines()
        .map(|line| {
            let mut row: Value = serde_json::from_str(line).unwrap();
            row["production"] = json!(format!("It is {}.", row["answer"].as_str().unwrap()));
            format!("{row}\n")
        })
        .collect();
    env.write("colours/rows.jsonl", &rows);
    let models =
        "mutator = \"sim/editor\"\njudge = { model = \"grader/m\", max_output_tokens = 200 }";
    env.edit("colours/task.toml", "mutator = \"sim/editor\"", models);
    let provider = format!(
        "[providers.grader]\nkind = \"openai\"\nbase_url = \"{}\"\n{PRICE}\n\n[goal]",
        server.base_url()
    );
    env.edit("colours/task.toml", "[goal]", &provider);
    env
}

fn against() -> String {
    format!("{PAIRWISE}\nagainst = \"production\"")
}

fn between<'a>(request: &'a Request, tag: &str) -> &'a str {
    let user = request.content("user");
    let code = user.split_once("end in the code ").unwrap().1.get(..16).unwrap();
    let (_, rest) = user.split_once(&format!("<{tag}-{code}>\n")).unwrap();
    rest.split_once(&format!("\n</{tag}-{code}>")).unwrap().0
}

fn tokens(request: &Request) -> usize {
    request.content("system").len().div_ceil(4) + request.content("user").len().div_ceil(4)
}

fn says(request: &Request, better: &str) -> Reply {
    let text = reply(better);
    let body = json!({
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": tokens(request), "completion_tokens": text.len().div_ceil(4)},
    });
    (200, "", body.to_string())
}

fn reply(better: &str) -> String {
    json!({"reason": "Said-by-the-judge.", "better": better}).to_string()
}

/// It prefers the shorter one.
fn shorter(request: &Request) -> &'static str {
    let [first, second] = ["first", "second"].map(|tag| between(request, tag).len());
    match first.cmp(&second) {
        std::cmp::Ordering::Less => "first",
        std::cmp::Ordering::Equal => "tie",
        std::cmp::Ordering::Greater => "second",
    }
}

#[test]
fn each_answer_is_compared_in_both_orders() {
    let server = Server::start(|_, request| says(request, shorter(request)));
    let env = env(&server, &against());
    let shown = env.run("eval colours --split dev --max-calls 200 --json").ok().json();
    assert_eq!(shown["metrics"]["orders_agree"], 1.0, "{shown}");
    assert_eq!(shown["metrics"]["prefers_first"], 0.5, "{shown}");
    let mut seen: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for request in server.requests().iter() {
        let [input, first, second] =
            ["input", "first", "second"].map(|tag| between(request, tag).to_owned());
        assert!(request.content("system").contains("Which answer names the colour?"));
        *seen.entry((input, first, second)).or_default() += 1;
    }
    assert!(!seen.is_empty());
    for ((input, first, second), times) in &seen {
        let turned = (input.clone(), second.clone(), first.clone());
        assert_eq!((*times, seen.get(&turned)), (1, Some(&1)), "{input}");
        // One of them is the row's, whichever is scored.
        assert_ne!(first.starts_with("It is"), second.starts_with("It is"), "{input}");
    }
    // A second time it costs nothing.
    env.run("eval colours --split dev --max-calls 200").ok();
    assert_eq!(server.requests().len(), seen.len());
}

#[test]
fn a_judge_that_prefers_a_place_decides_nothing() {
    let server = Server::start(|_, request| says(request, "first"));
    let env = env(&server, &against());
    let shown = env.run("eval colours --split dev --max-calls 200 --json").ok().json();
    assert_eq!(shown["quality"]["mean"], 0.5, "{shown}");
    assert_eq!(shown["metrics"]["orders_agree"], 0.0, "{shown}");
    assert_eq!(shown["metrics"]["prefers_first"], 1.0, "{shown}");
}

/// The same text is a tie, and nobody is asked.
#[test]
fn an_answer_beside_itself_is_a_tie() {
    let server = Server::start(|_, request| says(request, "second"));
    let env = env(&server, PAIRWISE);
    let shown = env.run("eval colours --split dev --max-calls 200 --json").ok().json();
    let rows = shown["quality"]["n"].as_u64().unwrap() as usize;
    let asked = server.requests().len();
    assert!(asked.is_multiple_of(2) && asked / 2 < rows, "{asked} of {rows}: {shown}");
    for request in server.requests().iter() {
        assert_ne!(between(request, "first"), between(request, "second"));
    }
    // Of the others, the second is preferred in each order: a tie, too.
    assert_eq!(shown["quality"]["mean"], 0.5);
    // The metrics are about the judge, who was not asked of the same texts.
    assert_eq!(shown["metrics"]["orders_agree"], 0.0, "{shown}");
}

#[test]
fn a_row_without_another_answer_is_found_before_anything_is_paid() {
    let server = Server::start(|_, request| says(request, "first"));
    let env = env(&server, &format!("{PAIRWISE}\nagainst = \"produktion\""));
    let said = env.run("plan colours").exits(3).stderr;
    assert!(said.contains("rows.jsonl:1") && said.contains("`produktion`"), "{said}");
    assert!(server.requests().is_empty());
}

/// Whatever the judge says, what is billed stays within the cap, and a resumed search asks nothing twice.
#[test]
fn a_search_stays_within_its_caps() {
    let server = Server::start(|_, request| says(request, shorter(request)));
    let env = env(&server, &against());
    env.run("run colours --name one --max-usd 0.2 --max-calls 400").ok();
    let summary = env.json("results/one/summary.json");
    let judge = &summary["spent"]["by_role"]["judge"];
    assert_eq!(judge["calls"], server.requests().len());
    let billed: f64 = (server.requests().iter())
        .map(|it| (tokens(it) as f64 + reply(shorter(it)).len().div_ceil(4) as f64 * 4.0) * 1e-6)
        .sum();
    assert!((judge["usd"].as_f64().unwrap() - billed).abs() < 1e-6, "{judge} {billed}");
    assert!(summary["spent"]["usd"].as_f64().unwrap() <= 0.2, "{summary}");
    let calls: u64 = summary["spent"]["by_role"]
        .as_object()
        .unwrap()
        .values()
        .map(|role| role["calls"].as_u64().unwrap())
        .sum();
    assert!(calls <= 400 && calls > 100, "{calls}");
    let before = server.requests().len();
    env.run("resume one").ok();
    assert_eq!(server.requests().len(), before);
    let mut bodies: Vec<String> = server.requests().iter().map(|it| it.body.to_string()).collect();
    bodies.sort_unstable();
    assert!(bodies.windows(2).all(|pair| pair[0] != pair[1]), "a question was asked twice");
}

/// A judge that prefers the first of two answers in three comparisons of ten: 0.3 + 0.7 / 2 on average.
#[test]
fn a_certificate_finds_the_bias_by_place() {
    let env = TestEnv::new();
    let rows = 500;
    env.write("colours/task.toml", &COLOURS.replace(LABEL, PAIRWISE));
    env.write("colours/rows.jsonl", &colour_rows(rows));
    let models = "judge = \"sim/judge-0.97-0.97-0.3\"\nmutator = \"sim/editor\"";
    env.edit("colours/task.toml", "mutator = \"sim/editor\"", models);
    env.edit("colours/task.toml", "calls = 300", "calls = 5000");
    let mut labels = String::new();
    for number in 1..=rows {
        let colour = ["warm", "cold"][number % 2];
        let wrong = ["cold", "warm"][number % 2];
        let (answer, other, grade) = match number * 7919 % 1009 % 3 {
            0 => (colour.to_owned(), format!("It is {wrong}."), json!("answer")),
            1 => (wrong.to_owned(), format!("It is {colour}."), json!("other")),
            _ => (colour.to_owned(), format!("It is {colour}."), json!("tie")),
        };
        let row =
            json!({"id": format!("r{number}"), "answer": answer, "other": other, "grade": grade});
        let _ = writeln!(labels, "{row}");
    }
    env.write("labels.jsonl", &labels);
    let certify = "judge certify colours --labels labels.jsonl";
    let shown = env.run(&format!("{certify} --json")).ok().json();
    let place = &shown["place_bias"];
    let [low, high] = ["low", "high"].map(|end| place["prefers_first"][end].as_f64().unwrap());
    assert!(low <= 0.65 && 0.65 <= high && low > 0.5, "{place}");
    let agree = place["orders_agree"]["mean"].as_f64().unwrap();
    assert!((0.4..0.7).contains(&agree), "{place}");
    // Shown to people in 80 columns, and the same again without a call.
    let page = env.run(certify).ok().stdout;
    assert!(page.contains("it prefers the first"), "{page}");
    assert!(page.lines().all(|it| it.chars().count() <= 80), "{page}");
    // The judge's own prompt is a task whose rows are pairs that stay together.
    env.run("plan colours/judge.toml").ok();
    env.run("run colours --name one --max-calls 900 --require-certified").ok();
    env.edit("colours/task.toml", "Which answer names", "Which answer says");
    let refused = env.run("run colours --name two --require-certified").exits(6).stderr;
    assert!(refused.contains("its criteria were others"), "{refused}");
}
