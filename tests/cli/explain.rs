//! `explain` on a real run.

use crate::env::TestEnv;
use crate::server::{Server, answer, says};
use insta::assert_snapshot;

/// Removes the dollars spent by the time of an event, which depend on the speed of the machine.
fn without_dollars(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, amount) = rest.split_at(at + 1);
        let end = amount.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(amount.len());
        out.push_str(before);
        out.push_str(&"_".repeat(end.min(6)));
        rest = amount[end..].trim_start_matches(' ');
        if amount[end..].starts_with(' ') {
            out.push(' ');
        }
    }
    out.push_str(rest);
    out
}

#[test]
fn the_winner_of_a_run_is_explained() {
    let mut env = TestEnv::with_colours();
    env.set("COLUMNS", "80");
    // A recipe of the test's own, because shipped recipes may change.
    env.write(
        "mine.toml",
        "name = \"mine\"\n[[operator]]\nkind = \"reflect\"\nweight = 0.8\n\
         [[operator]]\nkind = \"compress\"\n[select]\nkind = \"pareto\"\n\
         [evaluate]\nkind = \"race\"\n",
    );
    env.run("run colours --strategy mine.toml --name one --quiet").ok();
    let ran = env.run("explain one best").ok();
    assert!(!ran.stdout.contains('\x1b') && ran.stderr.is_empty());
    let text = without_dollars(&ran.stdout);
    for title in ["Why it was written", "What changed in `system`", "What happened to it"] {
        assert!(text.contains(title), "{text}");
    }
    assert_snapshot!("explain_best", text);
    let summary = env.json("results/one/summary.json");
    let value = env.run("explain one best --json").ok().json();
    assert_eq!(value["candidate"]["id"], summary["best"]["candidate"]);
    assert_eq!(value["written"]["outcome"]["kind"], "added");
    assert!(value["fate"].as_array().unwrap().iter().all(|moment| moment["text"].is_string()));
    env.run("explain one baseline").ok();
    env.run("explain one p0").ok();
    env.run("explain one n1 --json").ok().json();
    assert_snapshot!(env.complaint("explain one n999").lines().next().unwrap(), @"exit 2");
}

/// The score is of the first answer to each row of dev; the recipe's last check asks some prompts again.
#[test]
fn invalid_answers_are_those_that_the_score_is_of() {
    let server = Server::start(|number, request| match number.is_multiple_of(3) {
        true if request.body["model"] == "clerk" => says("neither"),
        _ => answer(request),
    });
    let env = TestEnv::with_server(&server, "");
    env.run("run colours --name one --strategy auto --max-calls 700 --quiet").ok();
    let repeated = env.events("one").into_iter().rev().find(|(kind, event)| {
        kind == "evaluation_issued" && event["split"] == "dev" && event["replicate"] == 1
    });
    let number = &repeated.expect("a row of dev is asked again").1["candidate"];
    let told = env.run(&format!("explain one n{number} --json")).ok().json();
    let counts = told["invalid"]["dev"].as_array().unwrap().iter();
    let counted: u64 = counts.map(|it| it["count"].as_u64().unwrap()).sum();
    let line = format!("rows one n{number} --split dev --json");
    let rows = env.run(&line).ok().json();
    let invalid = rows["rows"].as_array().unwrap().iter().filter(|row| !row["invalid"].is_null());
    assert_eq!(counted as usize, invalid.count(), "{told}");
}

#[test]
fn a_torn_journal_without_its_store_is_explained_as_far_as_it_goes() {
    let env = TestEnv::with_colours();
    env.run("run colours --name one --quiet").ok();
    std::fs::remove_dir_all(env.path("results/one/journal")).unwrap();
    let text = env.read("results/one/events.jsonl");
    let torn: String = text.chars().take(text.len() * 2 / 3).collect();
    env.write("results/one/events.jsonl", &torn);
    assert!(env.run("explain one best").ok().stdout.contains("What happened to it"));
    assert_eq!(env.read("results/one/events.jsonl"), torn, "reading changes nothing");
}
