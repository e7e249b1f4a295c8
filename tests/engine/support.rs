//! What the tests share: a server of simulated models, runs over HTTP, and runs in this process.

use crate::worlds::named;
use promptsearch::caps::Caps;
use promptsearch::engine::Outcome;
use promptsearch::event::{CachedOf, Event, ProposalOutcome};
use promptsearch::id::{Call, EventNumber, RowIx};
use promptsearch::journal::{JournalError, read_events};
use promptsearch::memory::{Observer, State};
use promptsearch::prompt::Prompt;
use promptsearch::provider::{Llm, LlmError, Reply, Request};
use promptsearch::recipe;
use promptsearch::run::{Control, Run, RunError, Settings, Summary};
use promptsearch::seed::Seed;
use promptsearch::sim::world::WorldParameters;
use promptsearch::sim::{MODEL_SEED, SimLlm, world_of};
use promptsearch::task::Task;
use promptsearch::task::example::Split;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const SHIPPED_TASK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tasks/ticket-routing");

/// Longer than anything here takes, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) type Events = Vec<(EventNumber, Event)>;

// ── a server ──────────────────────────────────────────────────────────────────────────────────

/// `promptsearch simulate`, until it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) base_url: String,
    log: PathBuf,
    _dir: TempDir,
}

/// A line of the server's log.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Logged {
    pub(crate) body: String,
    pub(crate) model: String,
    pub(crate) seed: u64,
    pub(crate) row: Option<String>,
    pub(crate) fault: Option<String>,
}

impl Server {
    pub(crate) fn start(args: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log.jsonl");
        let mut child = Command::new(env!("CARGO_BIN_EXE_promptsearch"))
            .args(["simulate", "--task", SHIPPED_TASK, "--port", "0", "--json", "--log"])
            .arg(&log)
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let base_url = said["base_url"].as_str().unwrap().to_owned();
        Self { child, base_url, log, _dir: dir }
    }

    /// What it counted.
    pub(crate) fn stats(&self) -> Value {
        let address = self.base_url.trim_start_matches("http://").trim_end_matches("/v1");
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /stats HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Ends it, so that its log is complete.
    pub(crate) fn end(mut self) -> Vec<Logged> {
        signal(&self.child, "TERM");
        self.child.wait().unwrap();
        let text = fs::read_to_string(&self.log).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn signal(child: &Child, name: &str) {
    let status =
        Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status().unwrap();
    assert!(status.success());
}

// ── a run over HTTP ───────────────────────────────────────────────────────────────────────────

/// A task whose models are a server's, and one run of it.
pub(crate) struct HttpRun {
    dir: TempDir,
    concurrency: usize,
    /// Flags of the start.
    pub(crate) started_with: Vec<&'static str>,
    /// Flags of each resume.
    pub(crate) resumed_with: Vec<&'static str>,
}

const RUN: &str = "night";

impl HttpRun {
    /// `budget` and `provider` are lines of the task file.
    pub(crate) fn new(server: &Server, concurrency: usize, budget: &str, provider: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let task = dir.path().join("task");
        fs::create_dir(&task).unwrap();
        for file in ["examples.jsonl", "system.md"] {
            fs::copy(Path::new(SHIPPED_TASK).join(file), task.join(file)).unwrap();
        }
        let text = fs::read_to_string(Path::new(SHIPPED_TASK).join("task.toml")).unwrap();
        let (text, _) = text.split_once("[budget]").unwrap();
        let text = text.replace("sim/clerk", "local/clerk").replace("sim/editor", "local/editor");
        let url = &server.base_url;
        let text = format!(
            "{text}[budget]\n{budget}\n\n[providers.local]\nkind = \"openai\"\n\
             base_url = \"{url}\"\nfree = false\n{provider}\n\
             [providers.local.prices.clerk]\ninput = 0.15\noutput = 0.60\n\
             [providers.local.prices.editor]\ninput = 2.5\noutput = 10.0\n"
        );
        fs::write(task.join("task.toml"), text).unwrap();
        Self { dir, concurrency, started_with: Vec::new(), resumed_with: Vec::new() }
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.dir.path().join("results")
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.out().join(RUN)
    }

    pub(crate) fn task(&self) -> Task {
        Task::load(&self.dir.path().join("task")).unwrap()
    }

    /// `run` at first, `resume` once there is something to resume.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_promptsearch"));
        if self.folder().join("run.json").exists() {
            command.args(["resume", RUN]).args(&self.resumed_with);
        } else {
            command.arg("run").arg(self.dir.path().join("task"));
            command.args(["--name", RUN, "--seed", "1"]).args(&self.started_with);
        }
        command.arg("--out").arg(self.out());
        command.args(["--concurrency", &self.concurrency.to_string(), "--json", "--quiet"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn start(&self) -> Child {
        self.command().spawn().unwrap()
    }

    /// Goes on to the end, and returns the summary.
    pub(crate) fn finish(&self) -> Value {
        let output = self.command().output().unwrap();
        assert_success(&output);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The same, with the journal.
    pub(crate) fn finish_with_events(&self) -> (Value, Events) {
        let summary = self.finish();
        (summary, self.events())
    }

    /// Starts it, and kills it once its journal has so many events; whether it was still going.
    pub(crate) fn kill_after(&self, events: u64) -> bool {
        let mut child = self.start();
        let is_going = self.wait_for(&mut child, events);
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        if !is_going {
            assert_success(&output);
        }
        is_going
    }

    /// Waits until the journal has so many events; whether the process is still going.
    pub(crate) fn wait_for(&self, child: &mut Child, events: u64) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = Lines::new(self.folder().join("events.jsonl"));
        while lines.count() < events + 1 {
            assert!(Instant::now() < deadline, "{events} events are long in coming");
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            thread::sleep(Duration::from_micros(500));
        }
        true
    }

    pub(crate) fn events(&self) -> Events {
        let mut events = Vec::new();
        read_events(&self.folder().join("events.jsonl"), |number, event| {
            events.push((number, event));
            Ok::<_, JournalError>(())
        })
        .unwrap();
        events
    }
}

pub(crate) fn assert_success(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {said}", output.status);
}

/// Counts the lines of a growing file, reading each of them once.
struct Lines {
    path: PathBuf,
    file: Option<fs::File>,
    lines: u64,
}

impl Lines {
    fn new(path: PathBuf) -> Self {
        Self { path, file: None, lines: 0 }
    }

    fn count(&mut self) -> u64 {
        if self.file.is_none() {
            self.file = fs::File::open(&self.path).ok();
        }
        if let Some(file) = &mut self.file {
            let mut new = Vec::new();
            file.read_to_end(&mut new).unwrap();
            self.lines += new.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        self.lines
    }
}

// ── what a journal says ───────────────────────────────────────────────────────────────────────

/// Decisions in order, all fields. Events have other numbers in another run, so an answer that
/// serves a call is named by the call that it was given to.
pub(crate) fn decisions(events: &Events) -> Vec<Value> {
    let answers: HashMap<EventNumber, Call> = events
        .iter()
        .filter_map(|(number, event)| match event {
            Event::Answered(answered) => Some((*number, answered.call)),
            _ => None,
        })
        .collect();
    let decisions = events.iter().filter(|(_, event)| event.is_decision());
    decisions
        .map(|(_, event)| {
            let mut value = serde_json::to_value(event).unwrap();
            if let Event::EvaluationIssued(block) = event {
                for (place, cached) in block.cached.iter().enumerate() {
                    if let CachedOf::Answer(number) = cached.of {
                        value["evaluation_issued"]["cached"][place]["of"] =
                            serde_json::json!({ "answer_to": answers[&number] });
                    }
                }
            }
            name_answers(&mut value, &answers);
            value
        })
        .collect()
}

/// A demonstration names the event of its answer, whose number is the order of arrival: what is
/// compared is which call it answered.
fn name_answers(value: &mut Value, answers: &HashMap<EventNumber, Call>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| name_answers(item, answers)),
        Value::Object(fields) => {
            let is_demo = fields.len() == 2 && fields.contains_key("row");
            if let Some(answer) = fields.get_mut("answer").filter(|_| is_demo)
                && let Some(call) = answer.as_u64().and_then(|n| answers.get(&EventNumber(n)))
            {
                *answer = serde_json::json!({ "answer_to": call });
            }
            fields.values_mut().for_each(|field| name_answers(field, answers));
        }
        _ => {}
    }
}

pub(crate) fn assert_same_decisions(left: &Events, right: &Events, what: &str) {
    let (left, right) = (decisions(left), decisions(right));
    let different = left.iter().zip(&right).position(|(left, right)| left != right);
    if let Some(place) = different {
        panic!("{what}: decision {place} differs:\n{}\n{}", left[place], right[place]);
    }
    assert_eq!(left.len(), right.len(), "{what}: one of them goes on");
}

/// Calls that are reserved, and neither answered nor given up.
pub(crate) fn in_flight(events: &Events) -> HashSet<Call> {
    let mut open = HashSet::new();
    for (_, event) in events {
        match event {
            Event::Reserved { call, .. } => {
                open.insert(*call);
            }
            Event::Answered(answered) => {
                open.remove(&answered.call);
            }
            Event::AttemptFailed { call, .. }
            | Event::CallMissing { call, .. }
            | Event::Lost { call } => {
                open.remove(call);
            }
            _ => {}
        }
    }
    open
}

/// What a call asked.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Row { prompt: Prompt, split: Split, row: RowIx, replicate: u16 },
    Proposal(u64),
}

/// All calls by what they asked.
pub(crate) fn calls(events: &Events) -> HashMap<Call, Asked> {
    let mut prompts = Vec::new();
    let mut calls = HashMap::new();
    for (_, event) in events {
        match event {
            Event::Started { baseline, .. } => prompts.push(baseline.prompt.clone()),
            Event::ProposalFolded { outcome: ProposalOutcome::Added { candidate, .. }, .. }
            | Event::CandidateComposed {
                outcome: ProposalOutcome::Added { candidate, .. }, ..
            } => prompts.push(candidate.prompt.clone()),
            Event::ProposalIssued { proposal, call, .. } => {
                calls.insert(*call, Asked::Proposal(u64::from(proposal.0)));
            }
            Event::EvaluationIssued(block) => {
                for (offset, row) in block.rows.iter().enumerate() {
                    let asked = Asked::Row {
                        prompt: prompts[block.candidate.index()].clone(),
                        split: block.split,
                        row: *row,
                        replicate: block.replicate,
                    };
                    calls.insert(Call(block.first.0 + offset as u64), asked);
                }
            }
            _ => {}
        }
    }
    calls
}

/// The id of a row.
pub(crate) fn row_id(task: &Task, split: Split, row: RowIx) -> String {
    let rows = match split {
        Split::Train => &task.splits.train,
        Split::Dev => &task.splits.dev,
        Split::Hold => task.splits.hold.open_held_out(),
    };
    rows[row.index()].id.to_string()
}

// ── runs in this process ──────────────────────────────────────────────────────────────────────

/// One run in this process against the simulated models.
pub(crate) struct Lab {
    pub(crate) strategy: &'static str,
    pub(crate) seed: u64,
    pub(crate) caps: Caps,
    pub(crate) concurrency: usize,
    pub(crate) observer: Option<Box<dyn Observer>>,
    /// The shipped task.
    pub(crate) shipped: &'static str,
    /// A simulated task of its own instead of the shipped one.
    pub(crate) world: Option<&'static str>,
    /// The number of the event after which the run is interrupted, and goes on from its journal.
    pub(crate) interrupt_at: Option<u64>,
    /// Caps with which the finished run goes on.
    pub(crate) raised: Option<Caps>,
    /// `--set` lines.
    pub(crate) sets: Vec<String>,
    /// Texts of the task's file, and what stands there instead.
    pub(crate) edits: Vec<(&'static str, String)>,
}

/// What became of it.
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    pub(crate) events: Events,
    pub(crate) state: State,
    pub(crate) summary: Summary,
}

/// Interrupts a run at an event.
struct Interrupt {
    at: u64,
    control: Control,
}

impl Observer for Interrupt {
    fn observe(&mut self, number: EventNumber, _event: &Event, _state: &State) {
        if number.0 >= self.at {
            self.control.stop();
        }
    }
}

impl Lab {
    pub(crate) fn new(strategy: &'static str, seed: u64, caps: Caps, concurrency: usize) -> Self {
        let (observer, world, interrupt_at) = (None, None, None);
        let (sets, edits, shipped) = (Vec::new(), Vec::new(), "ticket-routing");
        Self {
            strategy,
            seed,
            caps,
            concurrency,
            observer,
            shipped,
            world,
            interrupt_at,
            raised: None,
            sets,
            edits,
        }
    }

    /// The task that it works on.
    pub(crate) fn task(&self) -> Task {
        let folder = tempfile::tempdir().unwrap();
        match self.world {
            None => {
                let tasks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tasks");
                for file in fs::read_dir(tasks.join(self.shipped)).unwrap().map(Result::unwrap) {
                    fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
                }
            }
            Some(name) => named(name).unwrap().write(folder.path()).unwrap(),
        }
        let file = folder.path().join("task.toml");
        let mut text = fs::read_to_string(&file).unwrap();
        for (from, to) in &self.edits {
            assert!(text.contains(from), "{text}");
            text = text.replacen(from, to, 1);
        }
        fs::write(file, text).unwrap();
        Task::load(folder.path()).unwrap()
    }

    /// Runs to the end, with the simulated models behind whatever `around` puts around them.
    pub(crate) fn run(self, around: impl FnOnce(Arc<dyn Llm>) -> Arc<dyn Llm>) -> Ended {
        self.tried(around).unwrap()
    }

    /// Like `run`, for searches that may break off.
    pub(crate) fn tried(
        self,
        around: impl FnOnce(Arc<dyn Llm>) -> Arc<dyn Llm>,
    ) -> Result<Ended, RunError> {
        let task = Arc::new(self.task());
        let parameters = self
            .world
            .map_or_else(WorldParameters::default, |name| named(name).unwrap().parameters());
        let world = Arc::new(world_of(&task, MODEL_SEED, parameters));
        let llm = around(Arc::new(SimLlm::new(world)));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(self.go(task, llm))
    }

    async fn go(mut self, task: Arc<Task>, llm: Arc<dyn Llm>) -> Result<Ended, RunError> {
        let recipe = recipe::load(self.strategy, &self.sets).unwrap();
        let (seed, concurrency) = (Some(Seed(self.seed)), Some(self.concurrency));
        let settings = Settings { seed, caps: Some(self.caps), concurrency, ..Settings::default() };
        let mut run = Run::in_memory(task, &recipe, settings)?.with_model("sim", llm);
        loop {
            let control = Control::new();
            let mut observers: Vec<Box<dyn Observer>> = Vec::new();
            if let Some(at) = self.interrupt_at {
                observers.push(Box::new(Interrupt { at, control: control.clone() }));
            }
            observers.extend(self.observer.take());
            let search = run.search(observers, &control);
            let ended = tokio::time::timeout(PATIENCE, search).await.unwrap()?;
            if ended.outcome == Outcome::Interrupted && self.interrupt_at.take().is_some() {
                continue;
            }
            if let Some(caps) = self.raised.take() {
                assert_eq!(ended.outcome, Outcome::Finished);
                run.set_caps(caps)?;
                continue;
            }
            let summary = ended.summary();
            let (outcome, state) = (ended.outcome, ended.state);
            return Ok(Ended { outcome, events: run.events()?, state, summary });
        }
    }
}

pub(crate) fn shipped_task() -> Task {
    Task::load(Path::new(SHIPPED_TASK)).unwrap()
}

/// Answers out of order: each after a while of its own.
pub(crate) struct Jitter(pub(crate) Arc<dyn Llm>);

#[async_trait::async_trait]
impl Llm for Jitter {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        let draw = request.hash().as_bytes()[0];
        if draw < 64 {
            tokio::time::sleep(Duration::from_micros(100 * u64::from(draw))).await;
        } else {
            for _ in 0..draw % 8 {
                tokio::task::yield_now().await;
            }
        }
        self.0.complete(request).await
    }
}

pub(crate) fn jitter(llm: Arc<dyn Llm>) -> Arc<dyn Llm> {
    Arc::new(Jitter(llm))
}
