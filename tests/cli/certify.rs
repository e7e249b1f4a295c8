//! `judge certify`: a judge beside people. A grade is bought once, a certificate holds for one judge, and only with its
//! evidence.

use crate::env::{COLOURS, TestEnv, colour_rows};
use crate::server::{Reply, Request, Server};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const LABEL: &str = "kind = \"label\"\nlabels = [\"warm\", \"cold\"]";
const RUBRIC: &str =
    "kind = \"rubric\"\nvalue = \"It names the expected colour.\"\nreference = true";

/// The task `colours` whose answers a judge grades, with labels of people: half of the answers are right, and wrong ones
/// are longer.
fn env(judge: &str, rows: usize) -> TestEnv {
    let env = TestEnv::new();
    env.write("colours/task.toml", &COLOURS.replace(LABEL, RUBRIC));
    env.write("colours/rows.jsonl", &colour_rows(rows));
    let models = format!("judge = \"{judge}\"\nmutator = \"sim/editor\"");
    env.edit("colours/task.toml", "mutator = \"sim/editor\"", &models);
    env.edit("colours/task.toml", "calls = 300", "calls = 5000");
    env.write("labels.jsonl", &labels(rows));
    env
}

fn labels(rows: usize) -> String {
    let mut out = String::new();
    for number in 1..=rows {
        let colour = ["warm", "cold"][number % 2];
        let is_right = number * 7919 % 1009 % 2 == 0;
        let other = ["cold", "warm"][number % 2];
        let answer = if is_right { colour.to_owned() } else { format!("It is {other}.") };
        let writer = if number % 3 == 0 { "judge-small" } else { "clerk" };
        let row = json!({"id": format!("r{number}"), "answer": answer, "grade": is_right, "model": writer});
        let _ = writeln!(out, "{row}");
    }
    out
}

const CERTIFY: &str = "judge certify colours --labels labels.jsonl";

#[test]
fn the_figures_are_those_of_a_judge_whose_errors_are_known() {
    let env = env("sim/judge-0.95-0.85", 600);
    let shown = env.run(&format!("{CERTIFY} --json")).ok().json();
    assert_eq!(shown["certified"], true, "{shown}");
    let rates = &shown["figures"]["rates"];
    for (name, truth) in [("sensitivity", 0.95), ("specificity", 0.85)] {
        let [low, high] = ["low", "high"].map(|end| rates[name][end].as_f64().unwrap());
        assert!(low <= truth && truth <= high, "{name}: {rates}");
        assert!(high - low < 0.1, "{rates}");
    }
    // Half are good: (0.95 + 0.85) / 2 agree, and chance gives a half.
    let kappa = &shown["figures"]["criteria"][0]["kappa"];
    let [low, high] = ["low", "high"].map(|end| kappa[end].as_f64().unwrap());
    assert!(low <= 0.8 && 0.8 <= high, "{kappa}");
    // All long answers are wrong, and all others right: nothing tells whether it is the length that it likes.
    assert_eq!(shown["length_bias"], Value::Null, "{shown}");
    let family = &shown["family_bias"];
    assert!(family["low"].as_f64().unwrap() < 0.0 && family["high"].as_f64().unwrap() > 0.0);
    // It is the same again, without a call.
    let page = env.run(CERTIFY).ok().stdout;
    assert!(
        page.contains("certified") && page.lines().all(|it| it.chars().count() <= 80),
        "{page}"
    );
    assert_eq!(env.json("colours/judge.json")["figures"], shown["figures"]);

    // Claims say so, and a judge that was never compared or is another one is refused.
    env.run("run colours --name one --max-calls 900 --require-certified").ok();
    let status = env.run("status one").ok().stdout;
    let status = status.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(status.contains("certified: κ 0."), "{status}");
    // Beside each score stands what it is without the judge's errors (Rogan and Gladen).
    let summary = env.json("results/one/summary.json");
    let corrected = &summary["judge"]["corrected"];
    let rate = |name: &str| rates[name]["mean"].as_f64().unwrap();
    let (se, sp) = (rate("sensitivity"), rate("specificity"));
    for side in ["baseline", "best"] {
        let seen = summary[side]["hold"]["mean"].as_f64().unwrap();
        let expected = ((seen + sp - 1.0) / (se + sp - 1.0)).clamp(0.0, 1.0);
        assert!((corrected[side]["mean"].as_f64().unwrap() - expected).abs() < 1e-9, "{corrected}");
    }
    let seen = summary["gain"]["mean"].as_f64().unwrap();
    let gain = corrected["gain"]["mean"].as_f64().unwrap();
    assert!((gain - seen / (se + sp - 1.0)).abs() < 1e-9, "{corrected}");
    let report = env.run("report one --format md").ok().stdout;
    assert!(report.contains("Corrected for the judge's errors: baseline "), "{report}");
    let told = env.run("eval colours --require-certified").ok().stdout;
    assert!(
        told.contains("certified: κ") && told.contains("corrected for the judge's errors: "),
        "{told}"
    );
    env.edit("colours/task.toml", "judge-0.95-0.85", "judge-0.95-0.9");
    let refused = env.complaint("run colours --name two --require-certified");
    assert!(refused.contains("exit 6"), "{refused}");
    assert!(refused.contains("its model was `sim/judge-0.95-0.85`"), "{refused}");
    env.edit("colours/task.toml", "judge-0.95-0.9", "judge-0.95-0.85");
    env.edit("colours/task.toml", "names the expected colour", "is polite");
    let refused = env.complaint("run colours --name two --require-certified");
    assert!(refused.contains("its criteria were others"), "{refused}");
}

#[test]
fn a_certificate_without_its_evidence_is_none() {
    let env = env("sim/judge-0.95-0.95", 200);
    env.run(CERTIFY).ok();
    let certificate = env.json("colours/judge.json");
    let refused = |text: String| {
        env.write("colours/judge.json", &text);
        env.complaint("run colours --name x --require-certified")
    };
    let alone = refused(json!({"judge": certificate["judge"]}).to_string());
    assert!(alone.contains("holds no evidence"), "{alone}");
    type Edit = fn(&mut Value);
    let edits: [Edit; 3] = [
        |it| it["figures"]["criteria"][0]["kappa"]["low"] = json!(0.99),
        |it| it["passes"]["both"] = json!(500),
        |it| it["required"]["min_kappa"] = json!(0.1),
    ];
    for edit in edits {
        let mut edited = certificate.clone();
        edit(&mut edited);
        let said = refused(edited.to_string());
        assert!(said.contains("was edited"), "{said}");
    }
    // Neither white space nor the order of keys is an edit.
    env.write("colours/judge.json", &certificate.to_string());
    env.run("run colours --name one --max-calls 400 --require-certified").ok();
}

#[test]
fn a_judge_that_guesses_or_few_labels_are_not_enough() {
    let guesses = env("sim/judge-0.5-0.5", 200);
    let ran = guesses.run(CERTIFY).exits(6);
    assert!(
        ran.stdout.contains("not certified") && ran.stdout.contains("κ may be as low as"),
        "{}",
        ran.stdout
    );
    let refused = guesses.complaint("run colours --name x --require-certified");
    assert!(refused.contains("it was compared with people"), "{refused}");
    let few = env("sim/judge-1-1", 60);
    few.write("labels.jsonl", &labels(40));
    let ran = few.run(CERTIFY).exits(6);
    assert!(ran.stdout.contains("40 answers were graded by both"), "{}", ran.stdout);
    few.run(&format!("{CERTIFY} --min-rows 30")).ok();
    // Mistakes have their line.
    few.write("labels.jsonl", "{\"id\": \"r1\", \"answer\": \"warm\", \"grade\": 7}\n");
    let said = few.complaint(CERTIFY);
    assert!(said.contains("labels.jsonl:1") && said.contains("none of its levels"), "{said}");
    few.write("labels.jsonl", "{\"answer\": \"warm\", \"grade\": 1}\n");
    assert!(few.complaint(CERTIFY).contains("no column `input`"));
    few.write("colours/judge.toml", "name = \"mine\"\n");
    few.write("labels.jsonl", &labels(40));
    assert!(few.complaint(CERTIFY).contains("is your own"));
}

fn says(request: &Request) -> Reply {
    let is_long = request.content("user").contains("It is ");
    let text = json!({"pass": {"reason": "So it is.", "level": u8::from(!is_long)}}).to_string();
    let body = json!({
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 400, "completion_tokens": 20},
    });
    (200, "", body.to_string())
}

/// The task about the judge asks what a search asks, and a kill in the middle buys no grade twice.
#[test]
fn a_killed_comparison_is_resumed_and_no_grade_is_bought_twice() {
    let server = Server::start(|_, request| {
        std::thread::sleep(Duration::from_millis(5));
        says(request)
    });
    let env = env("grader/m", 200);
    let provider = format!(
        "[providers.grader]\nkind = \"openai\"\nbase_url = \"{}\"\nconcurrency = 2\nprice = {{ input = 1.0, output = 4.0 }}\n\n[goal]",
        server.base_url()
    );
    env.edit("colours/task.toml", "[goal]", &provider);
    let line = format!("{CERTIFY} --max-usd 5");
    let mut run = env.command(&line).spawn().unwrap();
    let begun = Instant::now();
    while server.requests().len() < 40 && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(2));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert!((40..200).contains(&server.requests().len()));
    env.run(&line).ok();
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    for request in server.requests().iter() {
        *asked.entry(request.body.to_string()).or_default() += 1;
    }
    assert_eq!(asked.len(), 200);
    // Only what was on its way may be asked again: at most the concurrency.
    let twice: usize = asked.values().map(|times| times - 1).sum();
    assert!(twice <= 2, "{twice} grades were bought twice");
    let questions = env.read("colours/judge-rows.jsonl").lines().count();
    assert_eq!(questions, 200);
    // A cap that is too small is no certificate, and what was graded is kept.
    let before = server.requests().len();
    env.run(CERTIFY).ok();
    assert_eq!(server.requests().len(), before);
}

/// A judge that passes whatever is long.
#[test]
fn a_judge_that_likes_length_is_told_among_answers_that_people_grade_alike() {
    let server = Server::start(|_, request| {
        let asked = request.content("user");
        let is_right = !asked.contains("wrong");
        let passes = is_right || asked.contains("at length");
        let text = json!({"pass": {"reason": "So.", "level": u8::from(passes)}}).to_string();
        let body = json!({
            "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 400, "completion_tokens": 20},
        });
        (200, "", body.to_string())
    });
    let env = env("grader/m", 120);
    let provider = format!(
        "[providers.grader]\nkind = \"openai\"\nbase_url = \"{}\"\nfree = true\n\n[goal]",
        server.base_url()
    );
    env.edit("colours/task.toml", "[goal]", &provider);
    let label = |number: usize| {
        let is_right = !number.is_multiple_of(3);
        let word = if is_right { "right" } else { "wrong" };
        let long =
            if number.is_multiple_of(2) { " and told at length, as some like it" } else { "" };
        json!({"id": format!("r{number}"), "answer": format!("{word}{long}"), "grade": is_right})
            .to_string()
            + "\n"
    };
    env.write("labels.jsonl", &(1..=120).map(label).collect::<String>());
    let shown = env.run(&format!("{CERTIFY} --json")).ok().json();
    let bias = &shown["length_bias"];
    // Of the wrong answers half are long, and pass: a third of all that can be compared.
    assert!(bias["low"].as_f64().unwrap() > 0.1, "{bias}");
    assert!((bias["mean"].as_f64().unwrap() - 1.0 / 3.0).abs() < 0.02, "{bias}");
}

const CHECK: &str = "judge check colours --labels labels.jsonl";

/// The model behind a name becomes another one: it grades one answer of ten otherwise.
#[test]
fn a_judge_that_has_changed_is_told_and_one_that_has_not_is_none() {
    let is_new = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&is_new);
    let server = Server::start(move |_, request| {
        let asked = request.content("user");
        let tile = asked.split("Tile ").nth(1).and_then(|it| it.split_whitespace().next());
        let tile: usize = tile.and_then(|it| it.parse().ok()).unwrap();
        let is_right = (tile * 7919 % 1009).is_multiple_of(2);
        let passes = is_right || flag.load(Ordering::SeqCst) && tile.is_multiple_of(5);
        let text = json!({"pass": {"reason": "So.", "level": u8::from(passes)}}).to_string();
        let body = json!({
            "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 400, "completion_tokens": 20},
        });
        (200, "", body.to_string())
    });
    let env = env("grader/m", 200);
    let provider = format!(
        "[providers.grader]\nkind = \"openai\"\nbase_url = \"{}\"\nfree = true\n\n[goal]",
        server.base_url()
    );
    env.edit("colours/task.toml", "[goal]", &provider);
    assert!(env.complaint(CHECK).contains("`promptsearch judge certify` compares it"));
    env.run(CERTIFY).ok();
    assert_eq!(server.requests().len(), 200);
    let told = env.run(&format!("{CHECK} --json --out results")).ok().json();
    assert_eq!((&told["has_drifted"], &told["answers"]), (&json!(false), &json!(200)), "{told}");
    assert_eq!(told["same"]["mean"], 1.0);
    // Each question is asked once more, and not again on the same day.
    assert_eq!(server.requests().len(), 400);
    let page = env.run(CHECK).ok().stdout;
    assert!(page.contains("no drift is shown"), "{page}");
    assert_eq!(server.requests().len(), 400);

    is_new.store(true, Ordering::SeqCst);
    // As on another day.
    for folder in std::fs::read_dir(env.path("results")).unwrap().flatten() {
        if folder.file_name().to_string_lossy().contains("check-") {
            std::fs::remove_dir_all(folder.path()).unwrap();
        }
    }
    let ran = env.run(CHECK).exits(6);
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains(
            "it grades higher than when it was compared with people, and it agrees less with people"
        ),
        "{said}"
    );
    // Other labels are no evidence for this judge.
    env.write("labels.jsonl", &labels(199));
    assert!(env.complaint(CHECK).contains("there are no grades of these answers"));
}
