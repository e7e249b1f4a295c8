//! Batches that are at their provider: a call in one of them is neither lost nor asked again.

use crate::event::{Answered, Batch, Event};
use crate::id::Call;
use crate::units::Amount;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// A batch with calls that have not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBatch {
    /// The calls that have not come back.
    pub calls: BTreeSet<Call>,
    /// Its id at the provider, once that is known.
    pub id: Option<String>,
    /// When it was planned.
    pub since: Timestamp,
    /// `None`: it has not begun, and costs nothing. With posts and without an id it may have begun or not.
    pub posts: Option<Posts>,
    /// How many requests it has.
    pub rows: usize,
    /// The ids of those that its provider has of the same name, and that count as paid.
    pub surplus: BTreeSet<String>,
    /// What is set aside for each of its requests, once. Where it is begun again, more is.
    pub worst: BTreeMap<Call, Amount>,
    /// Whether its first answer will say how long it took.
    pub is_timed: bool,
}

/// How often a batch was about to begin: each time it may have begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posts {
    /// When it was first.
    pub first: Timestamp,
    /// When it was last.
    pub last: Timestamp,
    /// How often it was.
    pub count: u64,
}

impl OpenBatch {
    /// A batch of these calls that has not begun.
    #[must_use]
    pub fn planned(calls: impl Iterator<Item = Call>, since: Timestamp) -> Self {
        let calls: BTreeSet<Call> = calls.collect();
        let rows = calls.len();
        let (surplus, worst) = (BTreeSet::new(), BTreeMap::new());
        Self { calls, id: None, since, posts: None, rows, surplus, worst, is_timed: true }
    }

    /// It is about to begin.
    pub fn post(&mut self, at: Timestamp) {
        let before = self.posts.unwrap_or(Posts { first: at, last: at, count: 0 });
        self.posts = Some(Posts { last: at, count: before.count + 1, ..before });
    }
}

/// The batches that are at their provider, by our name.
#[derive(Clone, Debug, Default)]
pub struct OpenBatches {
    open: BTreeMap<Arc<str>, OpenBatch>,
    of_call: HashMap<Call, Arc<str>>,
    /// How long each of those that came back took, where the session that planned it took it in.
    waits: Vec<Duration>,
}

impl OpenBatches {
    /// Those that are open.
    pub fn open(&self) -> impl Iterator<Item = (&Arc<str>, &OpenBatch)> {
        self.open.iter()
    }

    /// How long those that came back took, where that is known.
    #[must_use]
    pub fn waits(&self) -> &[Duration] {
        &self.waits
    }

    /// Whether a call is in one of them.
    #[must_use]
    pub fn holds(&self, call: Call) -> bool {
        self.of_call.contains_key(&call)
    }

    /// A batch ends with the last of its calls.
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::BatchPlanned(Batch { name, calls, at, .. }) => {
                let name: Arc<str> = name.as_str().into();
                self.of_call.extend(calls.iter().map(|call| (*call, Arc::clone(&name))));
                self.open.insert(name, OpenBatch::planned(calls.iter().copied(), *at));
            }
            Event::Reserved { call, amount, .. } => {
                let batch = self.of_call.get(call).and_then(|name| self.open.get_mut(name));
                if let Some(batch) = batch.filter(|batch| batch.posts.is_none()) {
                    batch.worst.insert(*call, *amount);
                }
            }
            Event::BatchPosted { name, at } => {
                if let Some(batch) = self.open.get_mut(name.as_str()) {
                    batch.post(*at);
                }
            }
            Event::BatchSubmitted { name, id } => {
                if let Some(batch) = self.open.get_mut(name.as_str()) {
                    batch.id = Some(id.clone());
                }
            }
            Event::BatchSurplus { name, id, .. } => {
                if let Some(batch) = self.open.get_mut(name.as_str()) {
                    batch.surplus.insert(id.clone());
                }
            }
            Event::Answered(answered) => {
                self.learn_wait(answered);
                self.end(answered.call);
            }
            Event::Resumed { .. } => {
                // The time between two sessions says nothing of how long a batch takes.
                self.open.values_mut().for_each(|batch| batch.is_timed = false);
            }
            Event::AttemptFailed { call, .. }
            | Event::CallMissing { call, .. }
            | Event::Lost { call } => self.end(*call),
            _ => {}
        }
    }

    /// The first answer of a batch says how long it took.
    fn learn_wait(&mut self, answered: &Answered) {
        let batch = self.of_call.get(&answered.call).and_then(|name| self.open.get_mut(name));
        if let Some(batch) = batch.filter(|batch| batch.is_timed && answered.live.is_some()) {
            batch.is_timed = false;
            self.waits.push(Duration::from_millis(u64::from(answered.ms)));
        }
    }

    fn end(&mut self, call: Call) {
        let Some(name) = self.of_call.remove(&call) else { return };
        if let Some(batch) = self.open.get_mut(&name) {
            batch.calls.remove(&call);
            if batch.calls.is_empty() {
                self.open.remove(&name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Failure;
    use crate::task::model::ModelName;

    fn planned(name: &str, calls: &[u64]) -> Event {
        Event::BatchPlanned(Batch {
            name: name.to_owned(),
            model: ModelName::parse("p/m").unwrap(),
            calls: calls.iter().map(|call| Call(*call)).collect(),
            at: Timestamp::UNIX_EPOCH,
        })
    }

    #[test]
    fn how_long_a_batch_took_is_known_unless_the_run_was_resumed_meanwhile() {
        let mut batches = OpenBatches::default();
        let answered = |call: u64, ms: u32| {
            let live = Some(crate::units::Usd::ZERO);
            Event::Answered(Answered { live, ms, ..Answered::sample(Call(call)) })
        };
        batches.apply(&planned("a", &[1, 2]));
        batches.apply(&planned("b", &[3]));
        batches.apply(&answered(1, 4_000));
        batches.apply(&answered(2, 4_001));
        batches.apply(&Event::Resumed { at: Timestamp::UNIX_EPOCH, ran_ms: 0 });
        batches.apply(&answered(3, 90));
        batches.apply(&planned("c", &[4]));
        batches.apply(&answered(4, 5_000));
        assert_eq!(batches.waits(), [4, 5].map(Duration::from_secs));
    }

    #[test]
    fn a_batch_is_open_until_its_last_call_came_back_and_a_call_may_be_in_another_one_later() {
        let mut batches = OpenBatches::default();
        batches.apply(&planned("a", &[1, 2]));
        batches.apply(&Event::BatchSubmitted { name: "a".to_owned(), id: "batch_1".to_owned() });
        assert_eq!(batches.open().next().unwrap().1.id.as_deref(), Some("batch_1"));
        let times = [3, 5].map(|second| Timestamp::from_second(second).unwrap());
        for at in times {
            batches.apply(&Event::BatchPosted { name: "a".to_owned(), at });
        }
        let posts = Posts { first: times[0], last: times[1], count: 2 };
        assert_eq!(batches.open().next().unwrap().1.posts, Some(posts));
        batches.apply(&Event::Answered(Answered::sample(Call(1))));
        assert!(!batches.holds(Call(1)) && batches.holds(Call(2)));
        let (call, failure, charged) = (Call(2), Failure::Unsent, Amount::ZERO);
        batches.apply(&Event::AttemptFailed { call, failure, charged });
        assert_eq!(batches.open().count(), 0);
        batches.apply(&planned("b", &[2]));
        assert!(batches.holds(Call(2)));
        batches.apply(&Event::BatchSubmitted { name: "a".to_owned(), id: "late".to_owned() });
        assert_eq!(batches.open().next().unwrap().1.id, None, "another batch");
    }
}
