//! Requests that wait for a batch, and the batches that are at their provider.
//!
//! It sends nothing: `call/submission` does, and `call/collection` moves what is kept here.

use crate::caps::Share;
use crate::event::{Event, RowKey};
use crate::id::{Call, EventNumber};
use crate::provider::Request;
use crate::provider::batch::RowResult;
use crate::state::OpenBatch;
use crate::task::model::{ModelName, ModelRole};
use crate::text;
use crate::units::Amount;
use jiff::Timestamp;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a batch is expected to take, before one came back and where the task does not say it. Most
/// come within an hour; providers promise a day.
pub const FIRST_WAIT: Duration = Duration::from_secs(3_600);
/// The most requests of a batch. Providers take 50,000 and more; a batch is held in memory.
const MOST_ROWS: usize = 10_000;
/// The most bytes of a batch. Providers take 200 MB and more.
const MOST_BYTES: usize = 100 * 1024 * 1024;

/// What a batch brought for a call.
#[derive(Debug)]
pub(super) enum BatchOutcome {
    /// What became of its request.
    Result(RowResult),
    /// The provider does not have the batch: it is asked anew. With the event that says so.
    NotTaken(Option<(EventNumber, Event)>),
    /// It is to be asked live.
    Live,
    /// The budget had no room for it in this batch.
    NoRoom,
}

/// A request that waits for a batch.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) call: Call,
    pub(super) role: ModelRole,
    pub(super) share: Share,
    /// Which row is asked with whose prompt, where it is an evaluation.
    pub(super) row: Option<RowKey>,
    pub(super) request: Request,
    pub(super) given: oneshot::Sender<BatchOutcome>,
}

/// A batch that is at its provider, or may be.
#[derive(Debug)]
pub(super) struct BatchInFlight {
    /// What is known of it, as the journal tells it.
    pub(super) batch: OpenBatch,
    /// Whether an earlier session planned it: the time between the sessions says nothing of how long it takes.
    pub(super) is_adopted: bool,
    /// How many of its requests are done.
    pub(super) done: u64,
    /// Whether a call follows it.
    pub(super) is_followed: bool,
    waiting: HashMap<Call, oneshot::Sender<BatchOutcome>>,
    /// Results whose calls have not asked yet.
    early: HashMap<Call, BatchOutcome>,
}

/// Requests that may be in one batch: of one role, which has one model, and paid by one share.
pub(super) type Group = (ModelRole, Share);

/// All of a run.
#[derive(Debug, Default)]
pub(super) struct Batches {
    gathering: BTreeMap<Group, Vec<Gathered>>,
    out: BTreeMap<Arc<str>, BatchInFlight>,
    /// How long a batch is expected to take, before one came back.
    first_wait: Option<Duration>,
    /// How long the batches took that came back.
    waits: Vec<Duration>,
    /// The most requests of a batch, where a provider took no more.
    most: BTreeMap<ModelName, usize>,
    /// Models that no batch takes.
    live: BTreeSet<ModelName>,
}

impl Batches {
    /// For models whose batches are expected to take this long.
    pub(super) fn new(first_wait: Option<Duration>) -> Self {
        Self { first_wait, ..Self::default() }
    }

    /// Takes over how long batches took that came back in earlier sessions.
    pub(super) fn know_waits(&mut self, waits: &[Duration]) {
        self.waits.extend(waits);
    }

    /// Takes over the batches of earlier sessions.
    pub(super) fn adopt<'a>(&mut self, open: impl Iterator<Item = (&'a Arc<str>, &'a OpenBatch)>) {
        for (name, batch) in open {
            let out = BatchInFlight {
                batch: batch.clone(),
                is_adopted: true,
                done: 0,
                is_followed: false,
                waiting: HashMap::new(),
                early: HashMap::new(),
            };
            self.out.insert(Arc::clone(name), out);
        }
    }

    /// The batch that a call is in.
    pub(super) fn batch_of(&self, call: Call) -> Option<Arc<str>> {
        self.out
            .iter()
            .find(|(_, out)| out.batch.calls.contains(&call))
            .map(|(name, _)| Arc::clone(name))
    }

    /// A call asks for its result in a batch; whether it is to follow the batch.
    pub(super) fn ask(
        &mut self,
        name: &str,
        call: Call,
        given: oneshot::Sender<BatchOutcome>,
    ) -> bool {
        let Some(out) = self.out.get_mut(name) else { return false };
        if let Some(brought) = out.early.remove(&call) {
            // A call that does not listen has ended.
            let _ = given.send(brought);
            self.end(name, call);
            return false;
        }
        out.waiting.insert(call, given);
        !std::mem::replace(&mut out.is_followed, true)
    }

    /// A request waits for the next batch; whether its call is to submit that.
    pub(super) fn gather(&mut self, gathered: Gathered) -> bool {
        let gathering = self.gathering.entry((gathered.role, gathered.share)).or_default();
        gathering.push(gathered);
        gathering.len() == 1
    }

    /// How many wait.
    pub(super) fn gathered(&self, group: Group) -> usize {
        self.gathering.get(&group).map_or(0, Vec::len)
    }

    /// Takes those that wait, as batches that a provider takes.
    pub(super) fn take(&mut self, group: Group) -> Vec<Vec<Gathered>> {
        let (mut batches, mut bytes) = (Vec::new(), 0);
        let mut gathered = self.gathering.remove(&group).unwrap_or_default();
        let model = gathered.first().map(|gathered| &gathered.request.model);
        let most = model.and_then(|model| self.most.get(model)).copied().unwrap_or(MOST_ROWS);
        gathered.sort_by_key(|waiting| waiting.call);
        for waiting in gathered {
            let size = waiting.request.bytes();
            let last: Option<&mut Vec<Gathered>> = batches.last_mut();
            match last {
                Some(last) if last.len() < most && bytes + size <= MOST_BYTES => {
                    bytes += size;
                    last.push(waiting);
                }
                _ => {
                    bytes = size;
                    batches.push(vec![waiting]);
                }
            }
        }
        batches
    }

    /// A batch is about to be submitted, by a call that follows it.
    pub(super) fn submitted(
        &mut self,
        name: &Arc<str>,
        since: Timestamp,
        worst: BTreeMap<Call, Amount>,
        rows: Vec<Gathered>,
    ) {
        let out = BatchInFlight {
            batch: OpenBatch {
                worst,
                ..OpenBatch::planned(rows.iter().map(|waiting| waiting.call), since)
            },
            is_adopted: false,
            done: 0,
            is_followed: true,
            waiting: rows.into_iter().map(|waiting| (waiting.call, waiting.given)).collect(),
            early: HashMap::new(),
        };
        self.out.insert(Arc::clone(name), out);
    }

    /// A batch that is out.
    pub(super) fn get(&mut self, name: &str) -> Option<&mut BatchInFlight> {
        self.out.get_mut(name)
    }

    /// What became of a call's request.
    pub(super) fn give(&mut self, name: &str, call: Call, brought: BatchOutcome) {
        let Some(out) = self.out.get_mut(name) else { return };
        if !out.batch.calls.contains(&call) {
            return;
        }
        match (out.waiting.remove(&call), brought) {
            (Some(waiting), brought) => {
                let _ = waiting.send(brought);
                self.end(name, call);
            }
            (None, brought) => {
                out.early.insert(call, brought);
            }
        }
    }

    /// The calls of a batch that have not come back.
    pub(super) fn left(&self, name: &str) -> Vec<Call> {
        let Some(out) = self.out.get(name) else { return Vec::new() };
        out.batch.calls.iter().filter(|call| !out.early.contains_key(call)).copied().collect()
    }

    /// The ids of the batches that are out, but for one.
    pub(super) fn ids_beside(&self, name: &str) -> BTreeSet<String> {
        let others = self.out.iter().filter(|(other, _)| &***other != name);
        others.filter_map(|(_, out)| out.batch.id.clone()).collect()
    }

    fn end(&mut self, name: &str, call: Call) {
        let Some(out) = self.out.get_mut(name) else { return };
        out.batch.calls.remove(&call);
        if out.batch.calls.is_empty() {
            self.out.remove(name);
        }
    }

    /// A batch came back after this long.
    pub(super) fn came_back(&mut self, took: Duration) {
        self.waits.push(took);
    }

    /// How long the next batch is expected to take: as long as the slower half of those that came back.
    pub(super) fn expected_wait(&self) -> Duration {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        let slow = waits.get(waits.len() * 3 / 4).copied();
        slow.or(self.first_wait).unwrap_or(FIRST_WAIT)
    }

    /// A provider did not take a batch of this size: the next ones are half as large.
    pub(super) fn shrink(&mut self, model: &ModelName, rows: usize) {
        self.most.insert(model.clone(), (rows / 2).max(1));
    }

    /// A provider took a batch of this size: the next ones may be twice as large.
    pub(super) fn grow(&mut self, model: &ModelName, rows: usize) {
        match self.most.get_mut(model) {
            Some(most) if rows.saturating_mul(2) >= MOST_ROWS => {
                *most = MOST_ROWS;
            }
            Some(most) => *most = (*most).max(rows * 2),
            None => {}
        }
    }

    /// No batch takes this model.
    pub(super) fn ask_live(&mut self, model: &ModelName) {
        self.live.insert(model.clone());
    }

    /// Whether batches take it, as far as is known.
    pub(super) fn take_model(&self, model: &ModelName) -> bool {
        !self.live.contains(model)
    }

    /// The oldest batch that is out, for people: since when, and what is known of it.
    pub(super) fn oldest(&self) -> Option<(Timestamp, String)> {
        let oldest = self.out.values().min_by_key(|out| out.batch.since)?;
        let rows = text::plural(oldest.batch.rows, "request");
        let others = match self.out.len() {
            1 => String::new(),
            several => format!(", and {} more", text::plural(several - 1, "batch")),
        };
        Some((oldest.batch.since, format!("a batch of {rows}, {} done{others}", oldest.done)))
    }
}

/// A name that no other batch has, in this run or another one.
pub(super) fn new_name(since: Timestamp) -> Arc<str> {
    // The keys of a `RandomState` are random: two runs that share a key must not take each other's batches.
    let random = RandomState::new().hash_one(since.as_nanosecond());
    format!("ps-{random:016x}").into()
}

/// The custom id of a call in a batch.
pub(super) fn custom_id(name: &str, call: Call) -> String {
    format!("{name}-{}", call.0)
}

/// The call of a custom id; `None` where it is of another batch.
pub(super) fn call_of(name: &str, custom_id: &str) -> Option<Call> {
    let number = custom_id.strip_prefix(name)?.strip_prefix('-')?;
    number.parse().ok().map(Call)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{Message, Role};
    use crate::task::model::RequestForm;

    fn request() -> Request {
        let content = "warm or cold".to_owned();
        Request {
            model: ModelName::parse("p/m").unwrap(),
            messages: vec![Message { role: Role::User, content }],
            temperature: 0.0,
            max_output_tokens: 9,
            draw: 0,
            stable_bytes: 0,
            form: Arc::new(RequestForm::default()),
            row: None,
        }
    }

    const GROUP: Group = (ModelRole::Task, Share::Search);

    fn waiting(call: u64) -> (Gathered, oneshot::Receiver<BatchOutcome>) {
        let (given, receiver) = oneshot::channel();
        let ((role, share), request) = (GROUP, request());
        let call = Call(call);
        (Gathered { call, role, share, row: None, request, given }, receiver)
    }

    #[test]
    fn a_result_reaches_its_call_whether_it_asked_before_or_after() {
        let mut batches = Batches::default();
        let ((first, mut given), name) = (waiting(1), new_name(Timestamp::UNIX_EPOCH));
        assert!(batches.gather(first));
        let rows = batches.take(GROUP).pop().unwrap();
        batches.submitted(&name, Timestamp::UNIX_EPOCH, BTreeMap::new(), rows);
        assert_eq!(batches.batch_of(Call(1)), Some(Arc::clone(&name)));
        batches.give(&name, Call(2), BatchOutcome::Result(RowResult::NotRun));
        batches.give(&name, Call(1), BatchOutcome::Result(RowResult::NotRun));
        assert!(matches!(given.try_recv(), Ok(BatchOutcome::Result(RowResult::NotRun))));
        assert!(batches.batch_of(Call(1)).is_none() && batches.get(&name).is_none());

        // A batch of an earlier session: its calls come one after the other.
        let open = OpenBatch::planned([Call(1), Call(2)].into_iter(), Timestamp::UNIX_EPOCH);
        batches.adopt([(&name, &open)].into_iter());
        let ask = |batches: &mut Batches, call| {
            let (sender, receiver) = oneshot::channel();
            (batches.ask(&name, Call(call), sender), receiver)
        };
        assert!(ask(&mut batches, 1).0, "the first of them follows it");
        batches.give(&name, Call(2), BatchOutcome::Result(RowResult::NotRun));
        assert_eq!(batches.left(&name), [Call(1)]);
        let (follows, mut given) = ask(&mut batches, 2);
        assert!(!follows && matches!(given.try_recv(), Ok(BatchOutcome::Result(_))));
    }

    #[test]
    fn a_provider_that_takes_fewer_gets_fewer() {
        let mut batches = Batches::default();
        let model = waiting(0).0.request.model;
        batches.shrink(&model, 4);
        let _given: Vec<_> = (0..5)
            .map(|call| {
                let (waiting, given) = waiting(call);
                assert_eq!(batches.gather(waiting), call == 0);
                given
            })
            .collect();
        let sizes: Vec<usize> = batches.take(GROUP).iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 2, 1]);
        // What it takes shows that more fit.
        batches.grow(&model, 1);
        assert_eq!(batches.most.get(&model), Some(&2));
        batches.grow(&model, 2);
        assert_eq!(batches.most.get(&model), Some(&4));
        batches.grow(&model, MOST_ROWS);
        assert_eq!(batches.most.get(&model), Some(&MOST_ROWS));
    }

    #[test]
    fn a_custom_id_is_read_only_by_its_own_batch() {
        let name = "ps-00ff";
        assert_eq!(call_of(name, &custom_id(name, Call(7))), Some(Call(7)));
        for other in ["ps-00fe-7", "ps-00ff7", "ps-00ff-", "ps-00ff-x", ""] {
            assert_eq!(call_of(name, other), None, "{other}");
        }
    }
}
