//! `similar` beside a model for vectors: how near answers are in meaning, each question a call that is billed, durable and within
//! the caps.

use crate::env::{COLOURS, TestEnv, colour_rows};
use crate::server::{Reply, Request, Server};
use serde_json::{Value, json};

const LABEL: &str = "kind = \"label\"\nlabels = [\"warm\", \"cold\"]";

fn env(server: &Server, scorer: &str) -> TestEnv {
    let env = TestEnv::new();
    env.write("colours/task.toml", &COLOURS.replace(LABEL, scorer));
    env.write("colours/rows.jsonl", &colour_rows(60));
    let models = "mutator = \"sim/editor\"\nembed = \"vectors/m\"";
    env.edit("colours/task.toml", "mutator = \"sim/editor\"", models);
    let provider = format!(
        "[providers.vectors]\nkind = \"openai\"\nbase_url = \"{}\"\nprice = {{ input = 2.0, output = 0.0 }}\n\n[goal]",
        server.base_url()
    );
    env.edit("colours/task.toml", "[goal]", &provider);
    env
}

fn texts(request: &Request) -> Vec<String> {
    assert!(request.target.starts_with("/v1/embeddings"), "{}", request.target);
    let texts = request.body["input"].as_array().unwrap();
    texts.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn tokens(request: &Request) -> usize {
    texts(request).iter().map(|text| text.len().div_ceil(4)).sum()
}

/// Both colours are 60 degrees apart, and every text has the direction of the colour that it names.
fn vector(text: &str) -> Value {
    match text.contains("warm") {
        true => json!([1.0, 0.0]),
        false => json!([0.5, 0.75_f64.sqrt()]),
    }
}

fn says(request: &Request, vectors: usize) -> Reply {
    let data: Vec<Value> = texts(request)
        .iter()
        .take(vectors)
        .enumerate()
        .map(|(index, text)| json!({"index": index, "embedding": vector(text)}))
        .collect();
    let usage = json!({"prompt_tokens": tokens(request), "total_tokens": tokens(request)});
    (200, "", json!({"data": data, "usage": usage}).to_string())
}

#[test]
fn an_answer_is_worth_its_nearness_in_meaning() {
    let server = Server::start(|_, request| says(request, 9));
    let env = env(&server, "kind = \"similar\"");
    let shown = env.run("eval colours --split dev --max-calls 200 --json").ok().json();
    let requests = server.requests();
    assert!(!requests.is_empty());
    // The same text needs no vectors; another colour is the cosine of 60 degrees away.
    let rows = shown["quality"]["n"].as_u64().unwrap() as usize;
    let of = |request: &Request| {
        let texts = texts(request);
        assert_ne!(texts[0], texts[1]);
        if vector(&texts[0]) == vector(&texts[1]) { 1.0 } else { 0.5 }
    };
    let mut pairs: Vec<Vec<String>> = requests.iter().map(texts).collect();
    let all = pairs.len();
    pairs.sort();
    pairs.dedup();
    assert_eq!(pairs.len(), all, "a pair was asked about twice");
    assert!(requests.iter().all(|it| [0.5, 1.0].contains(&of(it))));
    // The server writes into them.
    drop(requests);
    let mean = shown["quality"]["mean"].as_f64().unwrap();
    assert!(mean > 0.5 && mean < 1.0 && rows > 5, "{shown}");
    let twice = (mean * 2.0 * rows as f64).round();
    assert!((mean * 2.0 * rows as f64 - twice).abs() < 1e-6, "{shown}");
    env.run("eval colours --split dev --max-calls 200").ok();
    assert_eq!(server.requests().len(), all);
    // A threshold makes it right or wrong.
    env.edit("colours/task.toml", "kind = \"similar\"", "kind = \"similar\"\nthreshold = 0.75");
    let strict = env.run("eval colours --split dev --max-calls 200 --json").ok().json();
    assert!(strict["quality"]["mean"].as_f64().unwrap() < mean, "{strict}");
}

#[test]
fn a_search_pays_for_vectors_within_its_caps() {
    let server = Server::start(|_, request| says(request, 9));
    let env = env(&server, "kind = \"similar\"");
    env.run("run colours --name one --max-calls 300 --max-usd 0.5").ok();
    let summary = env.json("results/one/summary.json");
    let spent = &summary["spent"]["by_role"]["embed"];
    let requests = server.requests();
    assert_eq!(spent["calls"], requests.len(), "{summary}");
    let sent: usize = requests.iter().map(tokens).sum();
    assert_eq!(spent["prompt_tokens"], sent);
    assert!((spent["usd"].as_f64().unwrap() - sent as f64 * 2e-6).abs() < 1e-9, "{spent}");
    let all: u64 = summary["spent"]["by_role"]
        .as_object()
        .unwrap()
        .values()
        .map(|role| role["calls"].as_u64().unwrap())
        .sum();
    assert!(all <= 300 && all > 50, "{summary}");
}

/// A reply without a vector for each text is asked for once more; then the row has no score.
#[test]
fn a_reply_without_all_vectors_is_no_score() {
    let server = Server::start(|_, request| says(request, 1));
    let env = env(&server, "kind = \"similar\"");
    let ran = env.run("eval colours --split dev --max-calls 200");
    assert_ne!(ran.code, 0, "{}", ran.stdout);
}

#[test]
fn as_a_part_of_another_scorer_it_asks_no_model() {
    let server = Server::start(|_, request| says(request, 9));
    let env = env(&server, "kind = \"all-of\"\nof = [{ kind = \"similar\" }]");
    let said = env.run("plan colours").exits(3).stderr;
    assert!(said.contains("as a part of another scorer"), "{said}");
}
