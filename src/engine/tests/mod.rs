//! What the unit tests of this room share: the shipped task, a journal in memory, a scripted model
//! and a scripted strategy. Nothing here starts a process.

mod calls;
mod claims;
mod hedging;
mod planning;
mod resuming;
mod running;

use super::call::CallRunner;
use super::earlier::EarlierAnswers;
use super::search::{Search, SearchParts};
use super::steering::Steering;
use crate::candidate::Candidate;
use crate::caps::Caps;
use crate::clock::Clock;
use crate::evaluate::Evaluator;
use crate::event::{Answered, Event, Failure, Finish, NoAnswer, RowKey, StopReason};
use crate::id::{Call, CandidateIx, EventNumber, RowIx};
use crate::journal::{Journal, JournalError};
use crate::ledger::{Remaining, Wallet};
use crate::memory::State;
use crate::provider::registry::Patience;
use crate::provider::registry::ThrottledProvider;
use crate::provider::throttle::{Rates, Throttle};
use crate::provider::{Llm, LlmError, Reply, Request};
use crate::recipe;
use crate::seed::Seed;
use crate::state::{OpenCall, Work};
use crate::strategy::{Plan, Strategy};
use crate::task::example::Split;
use crate::task::model::{Hedge, ModelRole, Usage};
use crate::task::{Model, Task};
use crate::units::{Amount, Tokens, Usd};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// The shipped task.
pub(super) fn task() -> Arc<Task> {
    static TASK: LazyLock<Arc<Task>> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tasks/ticket-routing");
        Arc::new(Task::load(&folder).unwrap())
    });
    Arc::clone(&TASK)
}

pub(super) fn journal() -> Arc<Journal<Event>> {
    Arc::new(Journal::in_memory().unwrap())
}

/// The state of a run that has begun and has done nothing.
pub(super) fn started() -> State {
    let task = task();
    let mut state = State::new(u32::try_from(task.splits.dev.len()).unwrap());
    let baseline = Candidate::baseline(task.baseline.clone());
    state.apply(EventNumber(0), &Event::Started { at: Clock::fixed(0).now(), baseline });
    state
}

/// The baseline's answer to a row of dev.
pub(super) fn evaluation(row: u32, replicate: u16) -> Work {
    let (candidate, split) = (CandidateIx::BASELINE, Split::Dev);
    Work::Evaluation(RowKey { candidate, split, replicate, row: RowIx(row) })
}

pub(super) fn open_call(work: Work) -> OpenCall {
    OpenCall { work, reserve: Amount::ZERO, cached: None, is_asked: true, due: 1, judging: None }
}

pub(super) fn answered(call: u64, text: &str) -> Answered {
    let sample = Answered::sample(Call(call));
    Answered { text: text.to_owned(), usd: Usd::from_nanos(5), ..sample }
}

/// Runs to the end on this thread.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// All events of a journal.
pub(super) fn events(journal: &Journal<Event>) -> Vec<Event> {
    let mut events = Vec::new();
    block_on(async { journal.flush().await.unwrap() });
    journal
        .replay(|_, event| {
            events.push(event);
            Ok::<_, JournalError>(())
        })
        .unwrap();
    events
}

/// A model that says what a test has written for it, in order, and `fine` after that.
#[derive(Default)]
pub(super) struct Scripted {
    replies: Mutex<VecDeque<Result<Reply, LlmError>>>,
    asked: AtomicUsize,
}

impl Scripted {
    pub(super) fn new(replies: impl IntoIterator<Item = Result<Reply, LlmError>>) -> Arc<Self> {
        let replies = Mutex::new(replies.into_iter().collect());
        Arc::new(Self { replies, asked: AtomicUsize::new(0) })
    }

    /// How many attempts it has met.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl Llm for Scripted {
    async fn complete(&self, _request: &Request) -> Result<Reply, LlmError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.replies.lock().unwrap().pop_front().unwrap_or_else(|| Ok(reply("fine")))
    }
}

pub(super) fn reply(text: &str) -> Reply {
    let usage = Usage::plain(10, 2);
    let (why, envelope) = (String::new(), Box::default());
    Reply { text: text.to_owned(), usage: Some(usage), finish: Finish::Stop, why, envelope }
}

pub(super) fn failure(failure: Failure, may_be_billed: bool) -> Result<Reply, LlmError> {
    let message = "a scripted failure".to_owned();
    Err(LlmError {
        failure,
        may_be_billed,
        retry_after: None,
        usage: None,
        refused_field: None,
        envelope: Box::default(),
        message,
    })
}

pub(super) fn runner(
    llm: Arc<dyn Llm>,
    caps: Caps,
    journal: &Arc<Journal<Event>>,
) -> Arc<CallRunner> {
    hedging_runner(llm, caps, journal, None)
}

/// One that sends late requests twice.
pub(super) fn hedging_runner(
    llm: Arc<dyn Llm>,
    caps: Caps,
    journal: &Arc<Journal<Event>>,
    hedge: Option<Hedge>,
) -> Arc<CallRunner> {
    let task = task();
    let provider = ThrottledProvider {
        who: "provider `p` (h.example:1)".to_owned(),
        llm,
        batches: None,
        limit: Arc::new(Throttle::new(Rates::concurrent(4))),
        patience: Patience::default(),
        total: Duration::from_secs(120),
        concurrency: 4,
    };
    let models = task.models().map(|(role, model)| (role, Model { hedge, ..model.clone() }));
    Arc::new(CallRunner::new(
        BTreeMap::from([("sim".to_owned(), provider)]),
        models.collect(),
        Arc::clone(journal),
        Wallet::new(caps),
        4,
        Duration::ZERO,
        Seed(1),
    ))
}

/// A strategy that always asks for the same, as far as it is not issued yet.
pub(super) struct Asks(pub(super) Vec<Plan>);

impl Strategy for Asks {
    fn ask(&self, state: &State, _remaining: Remaining) -> Vec<Plan> {
        let is_new = |plan: &&Plan| match plan {
            Plan::Evaluate { candidate, split, replicate, rows } => {
                let column = state.standing(*candidate).column(*split, *replicate);
                rows.iter().any(|row| column.cell(*row) == crate::state::Cell::Empty)
            }
            Plan::Propose { proposal, .. } => !state.shown.contains_key(proposal),
            Plan::Win { .. } => state.winner.is_none(),
            _ => true,
        };
        self.0.iter().filter(is_new).cloned().collect()
    }
}

/// Rows of dev for the baseline.
pub(super) fn evaluate(rows: std::ops::Range<u32>) -> Plan {
    let rows = rows.map(RowIx).collect();
    Plan::Evaluate { candidate: CandidateIx::BASELINE, split: Split::Dev, replicate: 0, rows }
}

pub(super) fn win() -> Plan {
    Plan::Win { candidate: CandidateIx::BASELINE, shrunken_dev: None }
}

/// A search of the shipped task, and what asks it to stop.
pub(super) fn search(
    plans: Vec<Plan>,
    state: State,
    journal: &Arc<Journal<Event>>,
    llm: Arc<dyn Llm>,
    caps: Caps,
) -> (Search, watch::Sender<bool>) {
    let task = task();
    let (cancel, cancelled) = watch::channel(false);
    let search = Search::new(SearchParts {
        task: Arc::clone(&task),
        recipe: recipe::load("random", &[]).unwrap(),
        strategy: Box::new(Asks(plans)),
        caps,
        seed: Seed(1),
        state,
        journal: Arc::clone(journal),
        runner: runner(llm, caps, journal),
        earlier: EarlierAnswers::default(),
        evaluator: Arc::new(Evaluator::new(task, &[])),
        clock: Clock::fixed(0),
        cancel: cancelled,
        steering: Steering::default(),
    });
    (search.unwrap(), cancel)
}
