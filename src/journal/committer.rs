//! Group commit: one queue, one thread, and a notification once an event is durable.
//!
//! The queue holds bytes; it knows nothing about events. Numbers are assigned under the queue's
//! lock, so calls, store and file have the same order.

use super::answers::Answers;
use super::error::JournalError;
use super::file::EventsFile;
use super::line;
use crate::id::EventNumber;
use crate::store::{Record, Store};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The approximate memory of a queued event besides its bytes.
const RECORD_OVERHEAD: usize = 64;
/// The most bytes in one commit, unless a single event is larger.
const BATCH_BYTES: usize = 8 << 20;

/// How commits are grouped.
#[derive(Clone, Copy, Debug)]
pub struct Commit {
    /// The shortest time between two commits, so that a busy journal makes few large ones. The
    /// first event after a pause is committed at once.
    pub linger: Duration,
    /// The most events in one commit. A queue of this length is committed without waiting.
    pub most: usize,
    /// How many bytes may be queued before `append` waits.
    pub queue_bytes: usize,
}

impl Default for Commit {
    fn default() -> Self {
        Self { linger: Duration::from_millis(2), most: 1_024, queue_bytes: 32 << 20 }
    }
}

/// Receives the outcome of the commit of an event.
pub(super) type CommitReceiver = oneshot::Receiver<Result<(), JournalError>>;

/// State shared by the appending threads and the committer.
#[derive(Debug)]
pub(super) struct Queue {
    inside: Mutex<Inside>,
    /// Signalled when there is something to commit, or when the queue is closed.
    work: Condvar,
    /// Signalled when the queue has room, or when the committer has stopped.
    room: Condvar,
    commit: Commit,
}

#[derive(Debug)]
struct Inside {
    waiting: VecDeque<Record>,
    bytes: usize,
    /// The number of the next event.
    next: u64,
    /// Events below this number are durable.
    durable: u64,
    /// Receivers, in order, each with the number of events that must be durable first.
    senders: VecDeque<(u64, oneshot::Sender<Result<(), JournalError>>)>,
    closing: bool,
    failure: Option<JournalError>,
}

impl Queue {
    pub(super) fn new(next: u64, commit: Commit) -> Self {
        Self {
            inside: Mutex::new(Inside {
                waiting: VecDeque::new(),
                bytes: 0,
                next,
                durable: next,
                senders: VecDeque::new(),
                closing: false,
                failure: None,
            }),
            work: Condvar::new(),
            room: Condvar::new(),
            commit,
        }
    }

    /// Adds an event and returns its number. Waits while the queue is full, unless the committer
    /// has stopped.
    pub(super) fn push(&self, record: Record) -> Result<EventNumber, JournalError> {
        self.enter(record).map(|(number, _)| number)
    }

    /// Like `push`, and also returns a receiver for the outcome of the commit.
    pub(super) fn push_with_receiver(
        &self,
        record: Record,
    ) -> Result<(EventNumber, CommitReceiver), JournalError> {
        let (number, mut inside) = self.enter(record)?;
        Ok((number, inside.receiver_at(number.0 + 1)))
    }

    fn enter(&self, record: Record) -> Result<(EventNumber, MutexGuard<'_, Inside>), JournalError> {
        let size = size(&record);
        let mut inside = self.inside();
        while inside.failure.is_none()
            && inside.bytes > 0
            && inside.bytes + size > self.commit.queue_bytes
        {
            inside = self.room.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(failure) = &inside.failure {
            return Err(failure.clone());
        }
        let number = EventNumber(inside.next);
        inside.next += 1;
        inside.bytes += size;
        inside.waiting.push_back(record);
        // A committer that waits between commits wakes by itself; otherwise it waits for one of
        // these two.
        if inside.waiting.len() == 1 || inside.waiting.len() == self.commit.most {
            self.work.notify_one();
        }
        Ok((number, inside))
    }

    /// A receiver that is notified once everything pushed so far is durable.
    pub(super) fn receiver(&self) -> Result<CommitReceiver, JournalError> {
        let mut inside = self.inside();
        match &inside.failure {
            Some(failure) => Err(failure.clone()),
            None => {
                let all = inside.next;
                Ok(inside.receiver_at(all))
            }
        }
    }

    /// The number of events pushed, and the number of durable ones.
    pub(super) fn lengths(&self) -> (u64, u64) {
        let inside = self.inside();
        (inside.next, inside.durable)
    }

    /// Closes the queue: the committer stops once everything is durable.
    pub(super) fn close(&self) {
        self.inside().closing = true;
        self.work.notify_one();
    }

    /// The error that stopped the committer, if any.
    pub(super) fn failure(&self) -> Option<JournalError> {
        self.inside().failure.clone()
    }

    /// The oldest events, at most one commit's worth, with the number of the first; `None`: none wait.
    fn batch(&self, mut inside: MutexGuard<'_, Inside>) -> Option<(u64, Vec<Record>)> {
        let first = inside.next - inside.waiting.len() as u64;
        let batch = (!inside.waiting.is_empty()).then(|| inside.batch(self.commit.most));
        drop(inside);
        self.room.notify_all();
        Some((first, batch?))
    }

    fn fail(&self, failure: &JournalError) {
        let senders = {
            let mut inside = self.inside();
            inside.failure.get_or_insert_with(|| failure.clone());
            inside.waiting.clear();
            inside.bytes = 0;
            std::mem::take(&mut inside.senders)
        };
        self.room.notify_all();
        for (_, sender) in senders {
            let _ = sender.send(Err(failure.clone()));
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn receiver_at(&mut self, durable: u64) -> CommitReceiver {
        let (sender, receiver) = oneshot::channel();
        if durable <= self.durable {
            let _ = sender.send(Ok(()));
        } else {
            self.senders.push_back((durable, sender));
        }
        receiver
    }

    /// Takes the oldest events, at most one commit's worth.
    fn batch(&mut self, most: usize) -> Vec<Record> {
        let mut bytes = 0;
        let fits = |record: &&Record| {
            bytes += size(record);
            bytes <= BATCH_BYTES
        };
        let count = self.waiting.iter().take(most).take_while(fits).count();
        let batch: Vec<Record> = self.waiting.drain(..count.max(1)).collect();
        self.bytes -= batch.iter().map(size).sum::<usize>();
        batch
    }
}

fn size(record: &Record) -> usize {
    record.bytes.len() + RECORD_OVERHEAD
}

/// The committer thread's own state: both copies and its position.
pub(super) struct Committer {
    queue: Arc<Queue>,
    store: Arc<dyn Store>,
    file: Option<EventsFile>,
    answers: Arc<Answers>,
    lines: Vec<u8>,
    last: Option<Instant>,
}

impl Committer {
    pub(super) fn new(
        queue: Arc<Queue>,
        store: Arc<dyn Store>,
        file: Option<EventsFile>,
        answers: Arc<Answers>,
    ) -> Self {
        Self { queue, store, file, answers, lines: Vec::new(), last: None }
    }

    /// Commits until the queue is closed and empty, or until a write fails.
    pub(super) fn run(mut self) {
        // If this thread panics, waiting threads must still be woken.
        let _fallen = FailOnPanic(Arc::clone(&self.queue));
        let result =
            self.commit_all().and_then(|()| self.file.as_mut().map_or(Ok(()), EventsFile::sync));
        if let Err(error) = result {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the journal cannot be written any more"
            );
            self.queue.fail(&error);
        }
    }

    /// Commits what is queued and returns, where no thread runs.
    pub(super) fn commit_waiting(&mut self) {
        let queue = Arc::clone(&self.queue);
        while let Some((first, batch)) = queue.batch(queue.inside()) {
            if let Err(error) = self.commit_batch(first, &batch) {
                return queue.fail(&error);
            }
        }
    }

    fn commit_all(&mut self) -> Result<(), JournalError> {
        while let Some((first, batch)) = self.next_batch()? {
            self.last = Some(Instant::now());
            self.commit_batch(first, &batch)?;
        }
        Ok(())
    }

    fn commit_batch(&mut self, first: u64, batch: &[Record]) -> Result<(), JournalError> {
        self.commit(first, batch)?;
        self.answers.add(batch.iter().filter_map(|record| record.answers));
        self.notify(first + batch.len() as u64);
        Ok(())
    }

    /// Waits for events; `None` once the queue is closed and empty.
    fn next_batch(&mut self) -> Result<Option<(u64, Vec<Record>)>, JournalError> {
        let queue = Arc::clone(&self.queue);
        let mut inside = queue.inside();
        loop {
            let pause = if inside.waiting.is_empty() {
                if inside.closing {
                    return Ok(None);
                }
                self.file.as_ref().and_then(EventsFile::sync_due)
            } else {
                let since = self.last.map_or(Duration::MAX, |last| last.elapsed());
                let pause = queue.commit.linger.saturating_sub(since);
                if inside.closing || inside.waiting.len() >= queue.commit.most || pause.is_zero() {
                    return Ok(queue.batch(inside));
                }
                Some(pause)
            };
            inside = match pause {
                None => queue.work.wait(inside).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => {
                    drop(inside);
                    self.sync_file()?;
                    queue.inside()
                }
                Some(pause) => {
                    let waited = queue.work.wait_timeout(inside, pause);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Makes one commit: first into the store, then into the file; then the events are durable.
    fn commit(&mut self, first: u64, batch: &[Record]) -> Result<(), JournalError> {
        self.store.append(EventNumber(first), batch)?;
        if let Some(file) = &mut self.file {
            self.lines.clear();
            for (number, record) in (first..).zip(batch) {
                line::write(&mut self.lines, EventNumber(number), &record.bytes);
            }
            file.write(&self.lines)?;
        }
        self.store.sync()?;
        if self.file.as_ref().and_then(EventsFile::sync_due) == Some(Duration::ZERO) {
            self.sync_file()?;
        }
        Ok(())
    }

    fn sync_file(&mut self) -> Result<(), JournalError> {
        self.file.as_mut().map_or(Ok(()), EventsFile::sync)
    }

    fn notify(&self, durable: u64) {
        let mut inside = self.queue.inside();
        inside.durable = durable;
        let ready = inside.senders.partition_point(|(at, _)| *at <= durable);
        let ready: Vec<_> = inside.senders.drain(..ready).collect();
        drop(inside);
        for (_, sender) in ready {
            let _ = sender.send(Ok(()));
        }
    }
}

struct FailOnPanic(Arc<Queue>);

impl Drop for FailOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(&JournalError::Stopped);
        }
    }
}
