//! Faults of a provider cost time and money, but never give a wrong score.

use crate::support::{
    Asked, Events, HttpRun, Lab, SHIPPED_TASK, Server, assert_same_decisions, assert_success,
    calls, jitter, shipped_task,
};
use promptsearch::caps::Caps;
use promptsearch::engine::confirmed;
use promptsearch::evaluate::Evaluator;
use promptsearch::event::{Event, Failure, RowOutcome};
use promptsearch::id::{Call, CandidateIx, RowIx};
use promptsearch::provider::{Llm, LlmError, Reply, Request};
use promptsearch::seed::Seed;
use promptsearch::sim::world::WorldParameters;
use promptsearch::sim::{MODEL_SEED, SimLlm, world_of};
use promptsearch::task::example::Split;
use promptsearch::task::goal::Goal;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::process::Command;
use std::sync::Arc;

const BUDGET: &str = "calls = 1000";

/// The true quality of a summary's winner, from `simulate --oracle`.
fn true_quality(summary: &Value) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("winner.md");
    fs::write(&file, summary["best"]["prompt"]["system"].as_str().unwrap()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_promptsearch"))
        .args(["simulate", "--json", "--task", SHIPPED_TASK, "--oracle"])
        .arg(&file)
        .output()
        .unwrap();
    assert_success(&output);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    said["true_quality"].as_f64().unwrap()
}

/// Each answer must be the one without faults, with the score of that answer; a row without an
/// answer has no score. Returns the number of abandoned calls.
fn check_scores(events: &Events, least: u32) -> HashSet<Call> {
    let task = Arc::new(shipped_task());
    let models = SimLlm::new(Arc::new(world_of(&task, MODEL_SEED, WorldParameters::default())));
    let evaluator = Evaluator::new(Arc::clone(&task), &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let asked = calls(events);
    let (mut given_up, mut answers, mut folded) = (HashSet::new(), HashMap::new(), 0);
    for (_, event) in events {
        match event {
            Event::Answered(answered) => {
                answers.insert(answered.call, answered.clone());
            }
            Event::CallMissing { call, .. } => {
                given_up.insert(*call);
            }
            Event::EvaluationFolded { call, outcome } => {
                let Asked::Row { prompt, split, row, replicate } = &asked[call] else {
                    panic!("{call} is no row");
                };
                let request = evaluator.request(prompt, *split, *row, *replicate).unwrap().unwrap();
                let text = runtime.block_on(models.complete(&request)).unwrap().text;
                folded += 1;
                match outcome {
                    RowOutcome::Scored { score, invalid, .. } => {
                        let answered = &answers[call];
                        // An answer that stays empty is the model's: it is wrong.
                        if answered.flaw().is_none() {
                            assert_eq!(answered.text, text, "{split} row {row}");
                        }
                        let verdict = evaluator.verdict(*split, *row, answered).unwrap();
                        assert_eq!(*score, verdict.score, "{split} row {row}");
                        assert_eq!(*invalid, verdict.invalid.is_some(), "{split} row {row}");
                    }
                    RowOutcome::Missing => assert!(given_up.contains(call), "{split} row {row}"),
                }
            }
            _ => {}
        }
    }
    assert!(folded >= least, "only {folded} rows were checked");
    given_up
}

/// A provider that never answers some requests.
struct Refusing(Arc<dyn Llm>);

fn is_refused(request: &Request) -> bool {
    request.hash().as_bytes()[1] < 6
}

#[async_trait::async_trait]
impl Llm for Refusing {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        if is_refused(request) {
            let (failure, message) = (Failure::BadRequest, "not this one".to_owned());
            return Err(LlmError {
                failure,
                may_be_billed: false,
                retry_after: None,
                usage: None,
                refused_field: None,
                envelope: Box::default(),
                message,
            });
        }
        self.0.complete(request).await
    }
}

#[test]
fn a_row_without_an_answer_is_missing_and_never_wrong() {
    let caps = Caps { calls: Some(1_500), ..Caps::default() };
    let [ended, other] = [64, 7].map(|concurrency| {
        Lab::new("auto", 1, caps, concurrency).run(|llm| jitter(Arc::new(Refusing(llm))))
    });
    let given_up = check_scores(&ended.events, 700);
    let counts = &ended.state.counts;
    assert_eq!(counts.errors + counts.unanswered, given_up.len() as u64);
    assert!(counts.errors > 10, "{} rows were refused", counts.errors);
    assert_same_decisions(&other.events, &ended.events, "concurrency 7 and 64");

    // A held-out row that one side lacks is left out of both sides.
    let (winner, _, rows) = ended.state.winner.unwrap();
    let column = |candidate| ended.state.standing(candidate).column(Split::Hold, 0);
    let (mine, theirs) = (column(winner), column(CandidateIx::BASELINE));
    let pairs = (0..rows)
        .map(RowIx)
        .filter(|row| mine.cell(*row).score().is_some() && theirs.cell(*row).score().is_some());
    let pairs = pairs.count();
    assert!(mine.scored < rows || theirs.scored < rows, "no held-out row was refused");
    let confirmed = confirmed(&ended.state, &Goal::max_quality(), Seed(1)).unwrap();
    for side in [confirmed.winner, confirmed.baseline] {
        assert_eq!(side.unwrap().n, pairs);
    }
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

    let given_up = check_scores(&events, 700);
    assert_eq!(summary["counts"]["errors"], given_up.len());

    // If no call was abandoned, all decisions are the same; otherwise the quality is about the
    // same.
    if given_up.is_empty() {
        assert_same_decisions(&events, &clean.1, "a run through faults");
    }
    let (found, could) = (true_quality(&summary), true_quality(&clean.0));
    assert!((found - could).abs() < 0.08, "{found} through faults, {could} without");
}

/// Each kind of fault alone, and all together: the run ends, its budget holds, and no row is scored for
/// what happened on the way.
#[test]
fn a_run_ends_within_its_budget_under_every_fault_and_no_fault_is_scored() {
    const KINDS: [&str; 6] =
        ["--throttle", "--error", "--unavailable", "--hang", "--truncate", "--empty"];
    let alone = KINDS.map(|kind| vec![kind, "0.3"]);
    let all = KINDS.iter().flat_map(|kind| [*kind, "0.05"]).collect();
    let provider = "timeout = { first_byte = \"300ms\", idle = \"300ms\", total = \"600ms\" }";
    std::thread::scope(|scope| {
        for faults in alone.iter().chain([&all]) {
            for concurrency in [1, 64] {
                scope.spawn(move || {
                    let server = Server::start(faults);
                    let run =
                        HttpRun::new(&server, concurrency, "calls = 220\nusd = 0.1", provider);
                    let output = run.command().output().unwrap();
                    let what = format!("{faults:?} at concurrency {concurrency}");
                    let stderr = String::from_utf8_lossy(&output.stderr);
                    assert!(matches!(output.status.code(), Some(0 | 4)), "{what}: {stderr}");
                    let summary: Value = serde_json::from_str(
                        &fs::read_to_string(run.folder().join("summary.json")).unwrap(),
                    )
                    .unwrap();
                    let spent = summary["spent"]["usd"].as_f64().unwrap();
                    let billed = server.stats()["billed"]["total"]["usd"].as_f64().unwrap();
                    assert!(spent <= 0.1, "{what}: {spent}");
                    assert!(billed <= spent + 1e-9, "{what}: {billed} billed, {spent} charged");
                    let events = run.events();
                    let calls = events.iter().filter(|(_, event)| {
                        matches!(event, Event::Answered(_) | Event::CallMissing { .. })
                    });
                    assert!(calls.count() <= 220, "{what}");
                    check_scores(&events, 100);
                });
            }
        }
    });
}

/// Whatever a provider does, `--for` ends the run, which can go on later; what was never sent costs
/// nothing.
#[test]
fn a_provider_that_throttles_for_ever_is_not_waited_for_beyond_the_time() {
    let server = Server::start(&["--throttle", "1", "--retry-after", "300"]);
    let run = HttpRun::new(&server, 4, "calls = 60", "");
    let started = std::time::Instant::now();
    let output = run.command().args(["--for", "2s"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    // Whether the silence ends the run or the baseline's rows, none of which was sent: both say why.
    assert!(stderr.contains("answered 429"), "{stderr}");
    assert!(stderr.contains("the time of the run is over"), "{stderr}");
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    drop(server);

    let summary: Value =
        serde_json::from_slice(&fs::read(run.folder().join("summary.json")).unwrap()).unwrap();
    assert_eq!(
        (&summary["status"], &summary["spent"]["usd"]),
        (&"interrupted".into(), &0.0.into())
    );
}

/// Whether SIGHUP is ignored here, and so by every process that is started here.
fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1)
}

/// A signal does not wait for a pause that a provider asked for. Where SIGHUP is ignored, as below
/// `nohup`, it stops nothing.
#[test]
fn a_signal_ends_a_run_that_waits_for_its_turn() {
    let server = Server::start(&["--throttle", "1", "--retry-after", "300"]);
    let run = HttpRun::new(&server, 4, "calls = 60", "");
    let mut child = run.start();
    let begun = std::time::Instant::now();
    while server.stats()["requests"].as_u64().unwrap_or(0) == 0 {
        assert!(begun.elapsed().as_secs() < 30, "nothing was sent");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let asked = std::time::Instant::now();
    let pid = child.id().to_string();
    let send = |signal: &str| Command::new("kill").args([signal, &pid]).status().unwrap();
    assert!(send("-HUP").success());
    if ignores_hangup() {
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert!(child.try_wait().unwrap().is_none(), "an ignored signal stopped it");
        assert!(send("-TERM").success());
    }
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(asked.elapsed().as_secs() < 10, "{:?}", asked.elapsed());
}
