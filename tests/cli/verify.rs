//! The gate: an exported prompt is asked its held-out rows again, and an evaluation is held to a minimum.

use crate::env::{Ran, TestEnv, colour_rows};
use crate::export::{colours_repository, git};
use crate::server::{Server, says, tile};
use promptsearch::source::sealed;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A repository with the task, and with a prompt in it that a run found. Every change of the prompt helps; once the
/// model has drifted, every third answer is wrong with any prompt.
struct Deployed {
    env: TestEnv,
    server: Server,
    drifted: Arc<AtomicBool>,
}

const PROMPT: &str = "prompts/route.md";
const EVIDENCE: &str = "prompts/route.evidence.json";

fn deployed() -> Deployed {
    let drifted = Arc::new(AtomicBool::new(false));
    let has_drifted = Arc::clone(&drifted);
    let server = Server::start(move |_, request| {
        let number = tile(request);
        let is_baseline = request.content("system") == "Answer warm or cold.";
        let is_wrong =
            is_baseline || (has_drifted.load(Ordering::SeqCst) && number.is_multiple_of(3));
        says(["warm", "cold"][(number + usize::from(is_wrong)) % 2])
    });
    let env = TestEnv::with_server(&server, "");
    export_winner(&env);
    Deployed { env, server, drifted }
}

/// Searches, and checks the branch out that the winner is exported to.
fn export_winner(env: &TestEnv) {
    colours_repository(env);
    env.run("run colours --name won --max-calls 250 --quiet").ok();
    assert_eq!(env.json("results/won/summary.json")["confirmed"], true);
    env.run(&format!("export won --to . --path {PROMPT} --branch prompts --quiet")).ok();
    git(env, ".", "checkout --quiet prompts");
}

impl Deployed {
    fn verify(&self, more: &str) -> Ran {
        self.env.run(&format!("verify {PROMPT} --quiet {more}"))
    }
}

#[test]
fn a_prompt_that_answers_as_it_did_passes_and_one_whose_model_drifted_does_not() {
    let deployed = deployed();
    let env = &deployed.env;
    let record = env.json(EVIDENCE);
    let rows = record["rows"].as_array().unwrap().len();
    assert!(
        rows >= 30 && record["rows"][0]["score"] == 1.0 && record["rows"][0]["baseline"] == 0.0
    );
    assert_eq!(record["task_file"], "colours/task.toml", "no path of this machine");
    let before = deployed.server.requests().len();
    let told = deployed.verify("--tolerance 0.1 --json").ok().json();
    assert_eq!((&told["finding"], &told["scores"]["rows"]), (&"holds".into(), &rows.into()));
    assert_eq!(deployed.server.requests().len(), before + rows, "each row is asked, and no other");
    // So many rows show a loss of 10 points, and not one of 2.
    assert_eq!(deployed.verify("--json").ok().json()["finding"], "inconclusive");
    assert_eq!(deployed.server.requests().len(), before + 2 * rows, "each time anew");
    let ran = deployed.verify("--fail-if-inconclusive").exits(6);
    assert!(ran.stderr.contains("error: the verification is inconclusive: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("with `--tolerance 0."), "what would do is told: {}", ran.stderr);
    assert!(ran.stderr.contains("cannot show a tolerance of 2.0 pp"), "{}", ran.stderr);

    deployed.drifted.store(true, Ordering::SeqCst);
    env.write("build.md", "## Build\n\n");
    let ran = deployed.verify("--junit junit.xml --markdown build.md").exits(6);
    assert!(ran.stdout.contains("worse than its record by more than 2.0 pp"), "{}", ran.stdout);
    assert!(ran.stderr.contains("the prompt is worse"), "{}", ran.stderr);
    assert!(env.read("junit.xml").contains("failures=\"1\""), "{}", env.read("junit.xml"));
    let summary = env.read("build.md");
    assert!(summary.starts_with("## Build\n\n### Prompt ") && summary.contains("**worse than"));
}

#[test]
fn what_was_edited_since_and_which_rows_are_gone_is_told() {
    let deployed = deployed();
    let env = &deployed.env;
    env.write(PROMPT, &(env.read(PROMPT) + "Be kind."));
    let rows = env.read("colours/rows.jsonl");
    let fewer: Vec<&str> = rows.lines().skip(20).collect();
    env.write("colours/rows.jsonl", &(fewer.join("\n") + "\n"));
    let looks = || env.read("results/looks.jsonl").matches("\"look\"").count();
    let before = looks();
    let ran = deployed.verify("--tolerance 0.5").ok();
    assert!(ran.stdout.contains("part `system` is not the text of the record"), "{}", ran.stdout);
    // An edit that is verified is chosen by its held-out rows; the same edit is one look.
    assert!(ran.stderr.contains("a look at its held-out rows: number 2"), "{}", ran.stderr);
    deployed.verify("--tolerance 0.5").ok();
    assert_eq!(looks(), before + 1);
    assert!(ran.stdout.contains("of the record are not in the data any more"), "{}", ran.stdout);
    let few: Vec<&str> = rows.lines().skip(100).collect();
    env.write("colours/rows.jsonl", &(few.join("\n") + "\n"));
    assert!(
        deployed
            .verify("")
            .exits(4)
            .stderr
            .contains("of the 45 rows of the record are in the data")
    );
    env.write("colours/rows.jsonl", &colour_rows(40).replace("Tile", "Plate"));
    let ran = deployed.verify("").exits(4);
    assert!(
        ran.stderr.contains("0 of the 45 rows of the record are in the data"),
        "{}",
        ran.stderr
    );
}

#[test]
fn rows_that_a_worse_prompt_loses_cannot_be_deleted_to_pass() {
    let drifted = Arc::new(AtomicBool::new(false));
    let has_drifted = Arc::clone(&drifted);
    let is_lost = |number: usize| number.is_multiple_of(6);
    let server = Server::start(move |_, request| {
        let number = tile(request);
        let is_baseline = request.content("system") == "Answer warm or cold.";
        let is_wrong = is_baseline || has_drifted.load(Ordering::SeqCst) && is_lost(number);
        says(["warm", "cold"][(number + usize::from(is_wrong)) % 2])
    });
    let env = TestEnv::with_server(&server, "");
    export_winner(&env);
    let deployed = Deployed { env, server, drifted };
    let env = &deployed.env;
    deployed.drifted.store(true, Ordering::SeqCst);
    deployed.verify("").exits(6);
    let text = env.read("colours/rows.jsonl");
    let kept = text.lines().filter(|line| {
        let number = line.split_once("Tile ").unwrap().1;
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        !is_lost(digits.parse().unwrap())
    });
    env.write("colours/rows.jsonl", &kept.map(|line| format!("{line}\n")).collect::<String>());
    let ran = deployed.verify("--junit junit.xml").exits(4);
    assert!(ran.stderr.contains("had the prompt lost them, it would be worse"), "{}", ran.stderr);
    assert!(env.read("junit.xml").contains("<error"), "no pass");
    // Where it would hold even so, it does.
    deployed.verify("--tolerance 0.5").ok();
}

#[test]
fn what_cannot_be_measured_is_no_pass() {
    let deployed = deployed();
    let env = &deployed.env;
    let record = env.json(EVIDENCE);
    let edited = |key: &str, value: Value| {
        let mut evidence = record.clone();
        evidence[key] = value;
        evidence
    };
    let resealed = |key: &str, value: Value| {
        env.write(EVIDENCE, &sealed(edited(key, value)).to_string());
    };
    let fewer: Vec<&Value> = record["rows"].as_array().unwrap().iter().skip(9).collect();
    env.write(EVIDENCE, &edited("rows", json!(fewer)).to_string());
    assert!(deployed.verify("").exits(3).stderr.contains("does not match its seal"));
    resealed("rows", json!([]));
    assert!(deployed.verify("").exits(4).stderr.contains("lists no held-out rows"));
    resealed("rows", json!([{"row": "0", "score": 1.0}]));
    assert!(deployed.verify("").exits(3).stderr.contains("32 hex digits"));
    // A path out of the repository is not followed.
    resealed("task_file", json!("../colours/task.toml"));
    assert!(deployed.verify("").exits(2).stderr.contains("--task"));
    deployed.verify("--task colours --tolerance 0.2").ok();
    // Of other scorers, the old scores are no measure.
    env.edit("colours/task.toml", "kind = \"label\"", "kind = \"regex\"\npattern = \".\"");
    env.edit("colours/task.toml", "labels = [\"warm\", \"cold\"]", "");
    let ran = deployed.verify("--task colours").exits(4);
    assert!(
        ran.stderr.contains("the task's scorers are not those of the record"),
        "{}",
        ran.stderr
    );
    std::fs::remove_file(env.path(EVIDENCE)).unwrap();
    assert!(deployed.verify("").exits(3).stderr.contains("`git checkout promptsearch/TASK`"));
}

/// Rows that a cap left out are no answers; what was asked of them is not asked again.
#[test]
fn a_cap_that_leaves_rows_out_is_no_pass() {
    let deployed = deployed();
    let env = &deployed.env;
    let rows = env.json(EVIDENCE)["rows"].as_array().unwrap().len();
    let before = deployed.server.requests().len();
    let capped = "--tolerance 0.5 --junit junit.xml --markdown build.md --max-calls";
    let ran = deployed.verify(&format!("{capped} 8")).exits(4);
    let why = format!(
        "{} of {rows} rows were not asked, because what was left of the cap on calls did not pay for another step",
        rows - 8
    );
    assert!(ran.stderr.contains(&why), "{}", ran.stderr);
    assert!(ran.stderr.contains("--max-calls N (above 8)"), "{}", ran.stderr);
    let junit = env.read("junit.xml");
    assert!(
        junit.contains("errors=\"1\"") && junit.contains(&format!(">{why}</error>")),
        "{junit}"
    );
    assert!(env.read("build.md").contains("**not measured**"), "{}", env.read("build.md"));
    // A few rows that are missing are told, and do not decide.
    let ran = deployed.verify(&format!("{capped} {}", rows - 3)).ok();
    assert!(ran.stdout.contains(" rows not asked, because of the cap"), "{}", ran.stdout);
    deployed.verify("--tolerance 0.5").ok();
    assert_eq!(deployed.server.requests().len(), before + rows, "each row once");

    let eval = |more: &str| env.run(&format!("eval colours --prompt {PROMPT} {more}"));
    let ran = eval("--min-quality 0.5 --max-calls 8 --quiet").exits(4);
    assert!(ran.stdout.contains("gate not measured: "), "{}", ran.stdout);
    let told = eval("--max-usd-per-1k 1 --max-calls 8 --json").exits(4).json();
    assert_eq!(told["gate"]["finding"], "not_measured");
    eval("--max-calls 8 --quiet").ok();
    let ran = eval("--split hold").ok();
    assert!(!ran.stderr.contains("on dev") && ran.stderr.contains("evaluating"), "{}", ran.stderr);
    env.edit("colours/task.toml", "free = true", "price = { input = 1.0, output = 2.0 }");
    let ran = eval("--min-quality 0.5 --max-usd 0.000001 --quiet").exits(4);
    assert!(
        ran.stderr.contains("no row was asked, because what was left of the money cap"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("--max-usd X (above $0.0000010)"), "{}", ran.stderr);
}

#[test]
fn a_folder_that_cannot_be_read_is_left_alone() {
    let deployed = deployed();
    let env = &deployed.env;
    let folders = || {
        let mut names: Vec<String> = std::fs::read_dir(env.path("results"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains("-verify-"))
            .collect();
        names.sort();
        names
    };
    deployed.verify("--tolerance 0.2").ok();
    let first = folders().pop().unwrap();
    // A kill leaves a folder without its files.
    let second = first.strip_suffix('1').unwrap().to_owned() + "2";
    std::fs::create_dir(env.path(&format!("results/{second}"))).unwrap();
    deployed.verify("--tolerance 0.2").ok();
    assert_eq!(folders().len(), 3);
}

#[test]
fn an_evaluation_is_held_to_a_minimum() {
    let deployed = deployed();
    let env = &deployed.env;
    let eval = |more: &str| env.run(&format!("eval colours --quiet {more}"));
    assert!(eval("--min-quality 0.5").exits(6).stderr.contains("the quality is 0.0 %"));
    let passing = format!("--prompt {PROMPT} --min-quality 0.99 --max-usd-per-1k 0");
    let line =
        "gate passed: the quality is 100.0 %, and at least 99.0 % is required; 1,000 calls cost";
    assert!(eval(&passing).ok().stdout.contains(line));
    let gate = &eval(&format!("{passing} --json")).ok().json()["gate"];
    assert_eq!((&gate["finding"], &gate["min_quality"]), (&"passed".into(), &0.99.into()));
    env.edit("colours/task.toml", "free = true", "price = { input = 1.0, output = 2.0 }");
    let ran = eval(&format!("--prompt {PROMPT} --max-usd-per-1k 0.0001 --max-usd 1")).exits(6);
    assert!(ran.stderr.contains("1,000 calls cost"), "{}", ran.stderr);
    assert!(eval("--min-quality 85").exits(2).stderr.contains("from 0 to 1"));
}

/// A task of which every change helps, one that no prompt changes, and one without held-out rows.
fn three_tasks() -> (TestEnv, Server) {
    let server = Server::start(|_, request| {
        let is_wrong = request.content("system") == "Answer warm or cold.";
        match request.body["model"].as_str() {
            Some("flat") => says("warm"),
            _ => says(["warm", "cold"][(tile(request) + usize::from(is_wrong)) % 2]),
        }
    });
    let env = TestEnv::with_server(&server, "");
    let text = env.read("colours/task.toml");
    let hold = "train = 0.4, dev = 0.3, hold = 0.3";
    assert!(text.contains(hold));
    for (name, text) in [
        ("good", text.clone()),
        ("flat", text.replace("local/clerk", "local/flat")),
        ("unseen", text.replace(hold, "train = 0.4, dev = 0.6, hold = 0.0")),
    ] {
        env.write(&format!("{name}/task.toml"), &text.replace("colours", name));
        env.write(&format!("{name}/rows.jsonl"), &colour_rows(150));
    }
    (env, server)
}

#[test]
fn a_run_that_confirms_no_improvement_fails_where_one_is_required() {
    let (env, _server) = three_tasks();
    let requires = "--max-calls 250 --quiet --require-improvement";
    let run = |task: &str, more: &str| env.run(&format!("run {task} --name {task} {more}"));
    let ran = run("good", requires).ok();
    assert!(ran.stdout.contains("Confirmed") && ran.stdout.ends_with("\ngate passed\n"));
    let flat = run("flat", &format!("{requires} --json")).exits(6);
    let told = flat.json();
    assert_eq!(told["gate"]["finding"], "failed");
    assert_eq!((&told["status"], &told["confirmed"]), (&json!("finished"), &json!(false)));
    let reason = told["gate"]["reasons"][0].as_str().unwrap();
    let words = "error: gate failed: an improvement is required, and none is confirmed: ";
    assert!(flat.stderr.contains(&format!("{words}{reason}")), "{}", flat.stderr);
    assert!(!reason.contains("worse"), "no gain is no loss: {reason}");
    // Without held-out rows nothing was tested.
    let unseen = run("unseen", requires).exits(4);
    assert!(unseen.stderr.contains("gate not measured: "), "{}", unseen.stderr);
    // The gate is a question about a finished run, too, and none unless it is asked.
    env.run("resume flat --quiet").ok();
    assert!(env.run("resume flat --require-improvement").exits(6).stderr.contains(words));
    env.run("resume good --require-improvement").ok();
    env.run("eval flat --quiet").ok();
    let eval = std::fs::read_dir(env.path("results")).unwrap().find_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.contains("-eval-").then_some(name)
    });
    let ran = env.run(&format!("resume {} --require-improvement", eval.unwrap())).exits(2);
    assert!(ran.stderr.contains("it searched nothing"), "{}", ran.stderr);
    assert!(run("good", "--require-improvement --detach").exits(2).stderr.contains("--detach"));
}

#[test]
fn a_night_fails_where_one_of_its_runs_confirms_nothing() {
    let (env, _server) = three_tasks();
    let night = "run good flat --name n --max-calls 500 --quiet --require-improvement --json";
    let ran = env.run(night).exits(6);
    let told = ran.json();
    assert_eq!((&told["status"], &told["gate"]["finding"]), (&json!("finished"), &json!("failed")));
    let reasons = told["gate"]["reasons"].as_array().unwrap();
    assert!(reasons.len() == 1 && reasons[0].as_str().unwrap().starts_with("n-flat: "), "{told}");
    env.run("resume n --quiet").ok();
    env.run("resume n --quiet --require-improvement").exits(6);
}

/// Scores an answer as the label does.
const JUDGE: &str = "import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps({'score': float(asked['expected'] == asked['answer'])}), flush=True)
";

#[test]
fn a_changed_program_of_a_scorer_is_another_measure() {
    let server = Server::start(|_, request| {
        let is_wrong = request.content("system") == "Answer warm or cold.";
        says(["warm", "cold"][(tile(request) + usize::from(is_wrong)) % 2])
    });
    let env = TestEnv::with_server(&server, "");
    let score = "kind = \"label\"\nlabels = [\"warm\", \"cold\"]";
    let command = "kind = \"command\"\ncommand = [\"python3\", \"judge.py\"]\ntimeout = \"20s\"";
    env.edit("colours/task.toml", score, command);
    env.write("colours/judge.py", JUDGE);
    export_winner(&env);
    let verify = |file: &str| env.run(&format!("verify {file} --tolerance 0.2 --quiet"));
    verify(PROMPT).ok();
    server.requests().clear();
    env.write("colours/judge.py", &format!("# Stricter.\n{JUDGE}"));
    let ran = verify(PROMPT).exits(4);
    assert!(ran.stderr.contains("the measure has changed"), "{}", ran.stderr);
    assert!(server.requests().is_empty(), "nothing is asked for nothing");
    // The record has the program of the run, whatever it is at the export.
    env.run("export won --to . --path prompts/late.md --branch late --quiet").ok();
    git(&env, ".", "checkout --quiet --force late");
    env.write("colours/judge.py", &format!("# Stricter.\n{JUDGE}"));
    verify("prompts/late.md").exits(4);
    env.write("colours/judge.py", JUDGE);
    verify("prompts/late.md").ok();
}

/// Trouble ends a verification; the next one goes on with it, as is told.
#[test]
fn a_verification_that_trouble_ended_goes_on() {
    let is_gone = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&is_gone);
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let server = Server::start(move |_, request| {
        if gone.load(Ordering::SeqCst) && counted.fetch_add(1, Ordering::SeqCst) >= 10 {
            return (401, "", json!({"error": {"message": "no such user"}}).to_string());
        }
        let is_wrong = request.content("system") == "Answer warm or cold.";
        says(["warm", "cold"][(tile(request) + usize::from(is_wrong)) % 2])
    });
    let env = TestEnv::with_server(&server, "");
    export_winner(&env);
    let rows = env.json(EVIDENCE)["rows"].as_array().unwrap().len();
    let verify = || env.run(&format!("verify {PROMPT} --tolerance 0.5 --quiet --concurrency 1"));
    is_gone.store(true, Ordering::SeqCst);
    let ran = verify().exits(4);
    assert!(ran.stderr.contains("it asks the missing rows, and no others"), "{}", ran.stderr);
    is_gone.store(false, Ordering::SeqCst);
    server.requests().clear();
    verify().ok();
    assert_eq!(server.requests().len(), rows - 10, "ten had an answer");
}

/// After its first block, answers cost more than those before: rows that were decided on find no room.
#[test]
fn rows_that_a_cap_on_money_left_out_are_not_asked_and_not_without_an_answer() {
    let asked = Arc::new(AtomicUsize::new(0));
    let (is_counted, counted) = (Arc::new(AtomicBool::new(false)), Arc::clone(&asked));
    let counts = Arc::clone(&is_counted);
    let server = Server::start(move |_, request| {
        let is_wrong = request.content("system") == "Answer warm or cold.";
        let (status, headers, body) =
            says(["warm", "cold"][(tile(request) + usize::from(is_wrong)) % 2]);
        let is_dear = counts.load(Ordering::SeqCst) && counted.fetch_add(1, Ordering::SeqCst) >= 8;
        let tokens = if is_dear { "\"completion_tokens\":500" } else { "\"completion_tokens\":2" };
        (status, headers, body.replace("\"completion_tokens\":2", tokens))
    });
    let env = TestEnv::with_server(&server, "");
    export_winner(&env);
    let rows = env.json(EVIDENCE)["rows"].as_array().unwrap().len();
    env.edit("colours/task.toml", "free = true", "price = { input = 1.0, output = 2.0 }");
    is_counted.store(true, Ordering::SeqCst);
    let verify = |usd: &str| {
        env.run(&format!("verify {PROMPT} --quiet --tolerance 0.5 --concurrency 1 --max-usd {usd}"))
    };
    let ran = verify("0.011").exits(4);
    let first = asked.load(Ordering::SeqCst);
    assert!(first >= 8 && first < rows, "{first} requests");
    let why = format!(
        "{} of {rows} rows were not asked, because what was left of the money cap",
        rows - first
    );
    assert!(ran.stderr.contains(&why), "{}", ran.stderr);
    assert!(!ran.stderr.contains("no answer"), "{}", ran.stderr);
    let hint = format!("it asks the {} rows that are missing, and no others", rows - first);
    assert!(ran.stderr.contains("run the same command with more: --max-usd X"), "{}", ran.stderr);
    assert!(ran.stderr.contains(&hint), "{}", ran.stderr);
    verify("1").ok();
    assert_eq!(asked.load(Ordering::SeqCst), rows, "each row once");
}

#[test]
fn a_gate_says_that_its_answers_are_old() {
    let deployed = deployed();
    let eval = |more: &str| {
        let line = format!("eval colours --prompt {PROMPT} --min-quality 0.5 --quiet {more}");
        deployed.env.run(&line).ok()
    };
    assert!(!eval("").stdout.contains("earlier"));
    let told = eval("").stdout;
    assert!(
        told.contains("45 answers are of an earlier `eval` of the same, begun on 20"),
        "{told}"
    );
    assert_eq!(eval("--json").json()["earlier"]["answers"], 45);
}
