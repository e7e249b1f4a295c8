//! Several judges grade each answer, and a rule makes one grade of theirs: each is asked, billed and certified by itself.

use crate::env::{COLOURS, TestEnv, colour_rows};
use crate::server::{Reply, Request, Server};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const LABEL: &str = "kind = \"label\"\nlabels = [\"warm\", \"cold\"]";
const RUBRIC: &str =
    "kind = \"rubric\"\nvalue = \"It names the expected colour.\"\nreference = true";

fn env(server: &Server, rule: &str) -> TestEnv {
    let env = TestEnv::new();
    env.write("colours/task.toml", &COLOURS.replace(LABEL, &format!("{RUBRIC}\n{rule}")));
    env.write("colours/rows.jsonl", &colour_rows(60));
    let models = "mutator = \"sim/editor\"\njudge = [\"grader/mild\", { model = \"grader/strict\", max_output_tokens = 100 }]";
    env.edit("colours/task.toml", "mutator = \"sim/editor\"", models);
    let provider = format!(
        "[providers.grader]\nkind = \"openai\"\nbase_url = \"{}\"\nprice = {{ input = 1.0, output = 4.0 }}\n\
         [providers.grader.prices.strict]\ninput = 10.0\noutput = 40.0\n\n[goal]",
        server.base_url()
    );
    env.edit("colours/task.toml", "[goal]", &provider);
    env
}

fn tokens(request: &Request) -> usize {
    request.content("system").len().div_ceil(4) + request.content("user").len().div_ceil(4)
}

fn reply(request: &Request) -> String {
    let level = u8::from(request.body["model"] == "mild");
    json!({"pass": {"reason": "Said-by-the-judge.", "level": level}}).to_string()
}

fn says(request: &Request, text: &str) -> Reply {
    let body = json!({
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": tokens(request), "completion_tokens": text.len().div_ceil(4)},
    });
    (200, "", body.to_string())
}

#[test]
fn a_rule_makes_one_grade_of_several() {
    for (rule, score) in [
        ("", 0.5),
        ("rule = \"median\"", 0.5),
        ("rule = \"lowest\"", 0.0),
        ("rule = \"majority\"", 0.0),
    ] {
        let server = Server::start(|_, request| says(request, &reply(request)));
        let env = env(&server, rule);
        let shown = env.run("eval colours --split dev --max-calls 300 --json").ok().json();
        assert_eq!(shown["quality"]["mean"], score, "{rule}: {shown}");
        assert_eq!(shown["metrics"]["judges_agree"], 0.0, "{shown}");
        let asked =
            |model: &str| server.requests().iter().filter(|it| it.body["model"] == model).count();
        assert!(asked("mild") > 0 && asked("mild") == asked("strict"), "{rule}");
    }
}

/// Each judge has a line and a price of its own, and what all of them bill stays within the cap, also where every other reply
/// of one cannot be read.
#[test]
fn each_judge_is_billed_by_itself() {
    let server = Server::start(|number, request| {
        let is_unreadable = request.body["model"] == "strict" && number.is_multiple_of(3);
        says(request, &if is_unreadable { "Hm.".to_owned() } else { reply(request) })
    });
    let env = env(&server, "");
    let plan: Value = env.run("plan colours --json --max-usd 1").ok().json();
    let shown = plan.to_string();
    assert!(shown.contains("\"judge\"") && shown.contains("\"judge-2\""), "{shown}");
    env.run("run colours --name one --max-usd 1 --max-calls 500").ok();
    let summary = env.json("results/one/summary.json");
    let requests = server.requests();
    let mut calls = 0;
    for (role, model, [input, output]) in
        [("judge", "mild", [1.0, 4.0]), ("judge-2", "strict", [10.0, 40.0])]
    {
        let own: Vec<&Request> = requests.iter().filter(|it| it.body["model"] == model).collect();
        let spent = &summary["spent"]["by_role"][role];
        assert_eq!(spent["calls"], own.len(), "{role}: {summary}");
        calls += own.len();
        let sent: usize = own.iter().map(|it| tokens(it)).sum();
        assert_eq!(spent["prompt_tokens"], sent, "{role}");
        let said = spent["completion_tokens"].as_u64().unwrap() as f64;
        let usd = (sent as f64 * input + said * output) * 1e-6;
        assert!((spent["usd"].as_f64().unwrap() - usd).abs() < 1e-9, "{role}: {spent}");
    }
    assert!(calls > 50, "{calls}");
    let spent = &summary["spent"];
    assert!(spent["usd"].as_f64().unwrap() <= 1.0, "{spent}");
    let all: u64 = spent["by_role"]
        .as_object()
        .unwrap()
        .values()
        .map(|role| role["calls"].as_u64().unwrap())
        .sum();
    assert!(all <= 500, "{spent}");
}

#[test]
fn a_rule_needs_several_judges() {
    let server = Server::start(|_, request| says(request, &reply(request)));
    let env = env(&server, "rule = \"lowest\"");
    env.edit("colours/task.toml", "judge = [\"grader/mild\", {", "judge = [{");
    let said = env.run("plan colours").exits(3).stderr;
    assert!(said.contains("there are not several"), "{said}");
    let twice = self::env(&server, "");
    twice.edit(
        "colours/task.toml",
        "{ model = \"grader/strict\", max_output_tokens = 100 }",
        "\"grader/mild\"",
    );
    let said = twice.run("plan colours").exits(3).stderr;
    assert!(said.contains("`grader/mild` is a judge twice"), "{said}");
    let mistyped = self::env(&server, "rule = \"lowst\"");
    let said = mistyped.run("plan colours").exits(3).stderr;
    assert!(said.contains("lowest"), "{said}");
}

/// Two judges that err independently: both pass 0.9² of the good answers, and fail all but 0.2² of the bad ones.
#[test]
fn several_judges_are_certified_together_and_alone() {
    let env = TestEnv::new();
    let rows = 600;
    let rubric = format!("{RUBRIC}\nrule = \"lowest\"");
    env.write("colours/task.toml", &COLOURS.replace(LABEL, &rubric));
    env.write("colours/rows.jsonl", &colour_rows(rows));
    let models =
        "judge = [\"sim/judge-0.9-0.8\", \"sim/judge-0.9-0.801\"]\nmutator = \"sim/editor\"";
    env.edit("colours/task.toml", "mutator = \"sim/editor\"", models);
    env.edit("colours/task.toml", "calls = 300", "calls = 5000");
    let mut labels = String::new();
    for number in 1..=rows {
        let is_right = number * 7919 % 1009 % 2 == 0;
        let colour = ["warm", "cold"][(number + usize::from(!is_right)) % 2];
        let row = json!({"id": format!("r{number}"), "answer": colour, "grade": is_right});
        let _ = writeln!(labels, "{row}");
    }
    env.write("labels.jsonl", &labels);
    let certify = "judge certify colours --labels labels.jsonl";
    // The cap is for both together.
    env.run(&format!("{certify} --max-calls 700")).exits(4);
    let shown = env.run(&format!("{certify} --json")).ok().json();
    let rates = &shown["figures"]["rates"];
    for (name, truth) in [("sensitivity", 0.81), ("specificity", 0.96)] {
        let [low, high] = ["low", "high"].map(|end| rates[name][end].as_f64().unwrap());
        assert!(low <= truth && truth <= high, "{name}: {rates}");
    }
    let alone = shown["judges"].as_array().unwrap();
    assert_eq!(alone.len(), 2, "{shown}");
    let page = env.run(certify).ok().stdout;
    assert!(page.contains("sim/judge-0.9-0.8 alone"), "{page}");
    env.run("run colours --name one --max-calls 900 --require-certified").ok();
    env.edit("colours/task.toml", "rule = \"lowest\"", "rule = \"mean\"");
    let refused = env.run("run colours --name two --require-certified").exits(6).stderr;
    assert!(refused.contains("the rule"), "{refused}");
}

/// One judge refuses its key while the other one answers: that reply is paid for, and is not asked for again.
#[test]
fn what_is_out_at_one_judge_is_kept_when_the_other_one_stops_the_run() {
    let is_open = Arc::new(AtomicBool::new(false));
    let open = Arc::clone(&is_open);
    let server = Server::start(move |_, request| {
        if request.body["model"] == "strict" && !open.load(Ordering::Relaxed) {
            let body = json!({"error": {"message": "no such key"}});
            return (401, "", body.to_string());
        }
        if !open.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(700));
        }
        says(request, &reply(request))
    });
    let env = env(&server, "");
    env.run("run colours --name one --max-calls 500").exits(4);
    let asked = |model: &str| {
        let requests = server.requests();
        let own = requests.iter().filter(|it| it.body["model"] == model);
        own.map(|it| it.body.to_string()).collect::<Vec<String>>()
    };
    assert!(!asked("mild").is_empty());
    is_open.store(true, Ordering::Relaxed);
    env.run("resume one").ok();
    let mut bodies = asked("mild");
    let all = bodies.len();
    bodies.sort_unstable();
    bodies.dedup();
    assert_eq!(bodies.len(), all, "a reply was paid for twice");
    assert_eq!(env.json("results/one/summary.json")["spent"]["lost"], 0.0);
}
