//! Runs that fold results as they arrive.

use crate::support::{Events, SHIPPED_TASK, decisions};
use promptsearch::caps::Caps;
use promptsearch::engine::Outcome;
use promptsearch::event::Event;
use promptsearch::memory::State;
use promptsearch::provider::{Llm, LlmError, Reply, Request};
use promptsearch::recipe::{self, Recipe};
use promptsearch::run::{Control, Run, Settings};
use promptsearch::seed::Seed;
use promptsearch::sim::world::WorldParameters;
use promptsearch::sim::{EDITOR, MODEL_SEED, SimLlm, world_of};
use promptsearch::task::Task;
use rand::Rng;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

const SLOTS: usize = 16;
/// A unit of time by the real clock.
const REAL: Duration = Duration::from_micros(200);

/// Answers in 1 to 9 units of time, proposals in 20 to 180: by the request and by the interleaving.
struct Late {
    llm: SimLlm,
    interleaving: u64,
    unit: Duration,
    /// Milliseconds of all answers together.
    busy: AtomicU64,
}

#[async_trait::async_trait]
impl Llm for Late {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        let scale = if request.model.model() == EDITOR { 20 } else { 1 };
        let own = Seed(self.interleaving).child(&request.hash().to_string(), 0);
        let latency = self.unit * (scale * own.rng().random_range(100..900)) / 100;
        self.busy.fetch_add(u64::try_from(latency.as_millis()).unwrap(), Ordering::Relaxed);
        tokio::time::sleep(latency).await;
        self.llm.complete(request).await
    }
}

fn task() -> Arc<Task> {
    Arc::new(Task::load(Path::new(SHIPPED_TASK)).unwrap())
}

/// By the virtual clock: a unit is a tenth of a second.
fn late(task: &Task, interleaving: u64) -> Arc<Late> {
    late_by(task, interleaving, Duration::from_millis(100))
}

fn late_by(task: &Task, interleaving: u64, unit: Duration) -> Arc<Late> {
    let world = Arc::new(world_of(task, MODEL_SEED, WorldParameters::default()));
    Arc::new(Late { llm: SimLlm::new(world), interleaving, unit, busy: AtomicU64::new(0) })
}

fn recipe(name: &str, order: &str) -> Recipe {
    let sets = [format!("schedule.order={order}"), "schedule.width=4".to_owned()];
    let sets = if name == "auto" { &sets[..] } else { &sets[..1] };
    recipe::load(name, sets).unwrap()
}

fn settings(calls: u64) -> Settings {
    let caps = Caps { calls: Some(calls), ..Caps::default() };
    Settings {
        seed: Some(Seed(1)),
        caps: Some(caps),
        concurrency: Some(SLOTS),
        ..Settings::default()
    }
}

/// The state at the end, and seconds. Only a run in memory waits for timers alone, so that its clock may be a
/// virtual one.
fn searched(run: &mut Run) -> (State, f64) {
    let is_in_memory = run.dir().is_none();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(is_in_memory).build();
    runtime.unwrap().block_on(async {
        let begun = tokio::time::Instant::now();
        let ended = run.search(Vec::new(), &Control::new()).await.unwrap();
        assert_eq!(ended.outcome, Outcome::Finished);
        (ended.state, begun.elapsed().as_secs_f64())
    })
}

/// What of a state follows from the decisions.
fn print(state: &State) -> String {
    let columns: Vec<_> = state
        .candidates
        .iter()
        .map(|one| (&one.status, &one.candidate.id, one.dev().cells(), one.dev().sum))
        .collect();
    format!(
        "{:?} {:?} {:?} {:?} {columns:?}",
        state.winner, state.stop_reason, state.incumbents, state.counts
    )
}

fn folded(events: &Events, task: &Task) -> State {
    let mut state = State::new(u32::try_from(task.splits.dev.len()).unwrap());
    events.iter().for_each(|(number, event)| state.apply(*number, event));
    state
}

#[test]
fn whatever_the_interleaving_a_run_is_the_fold_of_its_journal() {
    let task = task();
    for name in ["auto", "gepa", "triple-sh"] {
        let mut seen = HashSet::new();
        for interleaving in 0..4 {
            let run = Run::in_memory(Arc::clone(&task), &recipe(name, "arrival"), settings(700));
            let mut run = run.unwrap().with_model("sim", late(&task, interleaving));
            let (state, _) = searched(&mut run);
            let events = run.events().unwrap();
            assert_eq!(print(&folded(&events, &task)), print(&state), "{name} {interleaving}");
            seen.insert(format!("{:?}", decisions(&events)));
        }
        assert_eq!(seen.len(), 4, "{name}: the interleaving is seen");
    }
}

/// A run in a folder, without its lock.
struct Recorded {
    folder: TempDir,
    events: Events,
}

impl Recorded {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("whole").join(name)
    }

    fn search(task: &Task, calls: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let own = Task::load(Path::new(SHIPPED_TASK)).unwrap();
        let run = Run::create(
            own,
            &recipe("auto", "arrival"),
            settings(calls),
            folder.path().join("whole"),
        );
        let mut run = run.unwrap().with_model("sim", late_by(task, 0, REAL));
        searched(&mut run);
        Self { events: run.events().unwrap(), folder }
    }

    /// The run as a kill after this many events leaves it, gone on with to its end.
    fn cut(&self, task: &Task, after: usize, interleaving: u64) -> (Events, State) {
        let dir = self.folder.path().join(format!("cut-{after}"));
        fs::create_dir(&dir).unwrap();
        fs::copy(self.path("run.json"), dir.join("run.json")).unwrap();
        let lines = fs::read_to_string(self.path("events.jsonl")).unwrap();
        let head = lines.lines().count() - self.events.len();
        let kept: Vec<&str> = lines.lines().take(head + after).collect();
        fs::write(dir.join("events.jsonl"), kept.join("\n") + "\n").unwrap();
        let mut run = Run::open(&dir).unwrap().with_model("sim", late_by(task, interleaving, REAL));
        let (state, _) = searched(&mut run);
        (run.events().unwrap(), state)
    }
}

/// The decisions up to the next answer, or the next call that ended without one.
fn next_decisions(events: &Events, from: usize) -> Vec<serde_json::Value> {
    let is_arrival =
        |event: &Event| matches!(event, Event::Answered(_) | Event::CallMissing { .. });
    let next = events[from..].iter().take_while(|(_, event)| !is_arrival(event));
    decisions(&next.cloned().collect())
}

#[test]
fn a_kill_leaves_what_the_journal_has_and_the_rest_is_decided_as_it_was() {
    const CALLS: u64 = 500;
    let task = task();
    let whole = Recorded::search(&task, CALLS);
    let mut rng = Seed(3).child("cuts", 0).rng();
    let (mut derived, mut several) = (0, 0);
    // Cuts that lose decisions: elsewhere there is nothing to derive again.
    let loses = |at: &usize| next_decisions(&whole.events, *at).len() > 1;
    let places: Vec<usize> = (20..whole.events.len() - 40).filter(loses).collect();
    for interleaving in 1..=14 {
        let after = places[rng.random_range(0..places.len())];
        let (events, state) = whole.cut(&task, after, interleaving);
        assert_eq!(events[..after], whole.events[..after], "cut after {after}");
        let (was, is) = (next_decisions(&whole.events, after), next_decisions(&events, after));
        let both = was.len().min(is.len());
        assert_eq!(was[..both], is[..both], "cut after {after}");
        derived += both;
        several += usize::from(both > 1);
        assert_eq!(print(&folded(&events, &task)), print(&state), "cut after {after}");
        let mut answered = HashSet::new();
        for (_, event) in &events {
            if let Event::Answered(answer) = event {
                assert!(answered.insert(answer.call), "{:?} was answered twice", answer.call);
            }
        }
        assert!(answered.len() as u64 <= CALLS, "cut after {after}: {} calls", answered.len());
    }
    assert!(
        derived > 14 && several > 4,
        "{derived} decisions were compared, {several} cuts had some"
    );
}

/// In the mean over seeds: by the other order a run decides otherwise, and so has more or less to wait for.
#[test]
fn by_arrival_as_many_requests_are_busy_as_by_issue_at_least() {
    const SEEDS: u64 = 6;
    let task = task();
    let share = |order: &str| {
        let of_seed = |seed| {
            let settings = Settings { seed: Some(Seed(seed)), ..settings(900) };
            let run = Run::in_memory(Arc::clone(&task), &recipe("auto", order), settings).unwrap();
            let llm = late(&task, 0);
            let (_, wall) = searched(&mut run.with_model("sim", llm.clone()));
            llm.busy.load(Ordering::Relaxed) as f64 / 1_000.0 / SLOTS as f64 / wall
        };
        let shares: Vec<f64> = (1..=SEEDS).map(of_seed).collect();
        println!("{order}: {shares:.3?}");
        shares.iter().sum::<f64>() / SEEDS as f64
    };
    let (arrival, issue) = (share("arrival"), share("issue"));
    assert!(arrival >= issue, "{arrival:.3} by arrival, {issue:.3} by issue");
}
