//! A bad night at the provider costs time and money, and never a wrong score.

use crate::support::{Asked, HttpRun, SHIPPED_TASK, Server, assert_same_decisions, calls};
use promptsearch::evaluate::Evaluator;
use promptsearch::event::{Event, RowOutcome};
use promptsearch::llm::sim::{MODEL_SEED, SimLlm, world_of};
use promptsearch::llm::{Llm, Request};
use promptsearch::task::Task;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

const BUDGET: &str = "calls = 1000";

/// What `simulate --oracle` says of a summary's winner.
fn true_quality(summary: &Value) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("winner.md");
    fs::write(&file, summary["best"]["prompt"]["system"].as_str().unwrap()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_promptsearch"))
        .args(["simulate", "--json", "--task", SHIPPED_TASK, "--oracle"])
        .arg(&file)
        .output()
        .unwrap();
    crate::support::assert_success(&output);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    said["true_quality"].as_f64().unwrap()
}

#[test]
fn a_run_through_faults_scores_what_a_clean_one_scores() {
    let server = Server::start(&[]);
    let clean = HttpRun::new(&server, 16, BUDGET, "").finish_with_events();
    let faulty = Server::start(&[
        "--throttle",
        "0.05",
        "--error",
        "0.02",
        "--truncate",
        "0.01",
        "--empty",
        "0.01",
        "--hang",
        "0.005",
    ]);
    let timeout =
        "timeout = { connect = \"2s\", first_byte = \"2s\", idle = \"2s\", total = \"2s\" }";
    let run = HttpRun::new(&faulty, 64, BUDGET, timeout);
    let (summary, events) = run.finish_with_events();
    let met = &faulty.stats()["faults"];
    for kind in ["throttled", "failed", "hung", "truncated", "empty"] {
        assert!(met[kind].as_u64().unwrap() > 0, "no request was {kind}: {met}");
    }
    assert_eq!(summary["status"], "finished");

    // Each answer is the clean one, and each score is what the clean answer is worth.
    let task = Arc::new(Task::load(Path::new(SHIPPED_TASK)).unwrap());
    let models = SimLlm::new(Arc::new(world_of(&task, MODEL_SEED)));
    let evaluator = Evaluator::new(Arc::clone(&task), &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = |request: &Request| runtime.block_on(models.complete(request)).unwrap().text;
    let asked = calls(&events);
    let given_up: HashSet<_> = events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::CallMissing { call, .. } => Some(*call),
            _ => None,
        })
        .collect();
    let mut answers = HashMap::new();
    let mut folded = 0;
    for (_, event) in &events {
        match event {
            Event::Answered(answered) => {
                answers.insert(answered.call, answered.text.clone());
            }
            Event::EvaluationFolded { call, outcome } => {
                let Asked::Row { prompt, split, row, replicate } = &asked[call] else {
                    panic!("{call} is no row");
                };
                let request = evaluator.request(prompt, *split, *row, *replicate).unwrap().unwrap();
                let text = answer(&request);
                let verdict = evaluator.verdict(*split, *row, &text).unwrap();
                folded += 1;
                match outcome {
                    RowOutcome::Scored { score, invalid } => {
                        assert_eq!(answers[call], text, "{split} row {row}");
                        assert_eq!(*score, verdict.score, "{split} row {row}");
                        assert_eq!(*invalid, verdict.invalid.is_some(), "{split} row {row}");
                    }
                    RowOutcome::Missing => assert!(given_up.contains(call), "{split} row {row}"),
                }
            }
            _ => {}
        }
    }
    assert!(folded > 700, "only {folded} rows were checked");
    assert_eq!(summary["counts"]["errors"], given_up.len());

    // Where no call was given up, nothing was decided otherwise; else about the same was found.
    if given_up.is_empty() {
        assert_same_decisions(&events, &clean.1, "a run through faults");
    }
    let (found, could) = (true_quality(&summary), true_quality(&clean.0));
    assert!((found - could).abs() < 0.08, "{found} through faults, {could} without");
}
