//! Group commit: one queue, one thread, and everyone woken whose events are durable.
//!
//! Not what an event is: the queue holds bytes. Numbers are given under the queue's lock, so their
//! order is the order of the calls, of the store and of the file alike.

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

/// What a queued event takes besides its bytes, roughly.
const RECORD_OVERHEAD: usize = 64;
/// A commit's bytes stay below this, unless one event alone is larger.
const BATCH_BYTES: usize = 8 << 20;

/// How commits are grouped.
#[derive(Clone, Copy, Debug)]
pub struct Commit {
    /// Commits begin at least this far apart, so that a busy journal makes few large ones; the
    /// first event after a pause is committed at once.
    pub linger: Duration,
    /// The most events in one commit. A queue this long is committed without lingering.
    pub most: usize,
    /// How much may be queued before `append` waits.
    pub queue_bytes: usize,
}

impl Default for Commit {
    fn default() -> Self {
        Self { linger: Duration::from_millis(2), most: 1_024, queue_bytes: 32 << 20 }
    }
}

/// Told when an event is durable, or that it never will be.
pub(super) type Told = oneshot::Receiver<Result<(), JournalError>>;

/// What appenders and the committer share.
#[derive(Debug)]
pub(super) struct Queue {
    inside: Mutex<Inside>,
    /// There is something to commit, or nothing will come any more.
    work: Condvar,
    /// There is room, or none will come any more.
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
    /// Whom to tell once so many events are durable, in order.
    told: VecDeque<(u64, oneshot::Sender<Result<(), JournalError>>)>,
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
                told: VecDeque::new(),
                closing: false,
                failure: None,
            }),
            work: Condvar::new(),
            room: Condvar::new(),
            commit,
        }
    }

    /// Adds an event and says its number. Waits while too much is queued, but never for a
    /// committer that is gone.
    pub(super) fn push(&self, record: Record) -> Result<EventNumber, JournalError> {
        self.enter(record).map(|(number, _)| number)
    }

    /// The same, and tells when the event is durable.
    pub(super) fn push_told(&self, record: Record) -> Result<(EventNumber, Told), JournalError> {
        let (number, mut inside) = self.enter(record)?;
        Ok((number, inside.tell_at(number.0 + 1)))
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
        // A committer that lingers wakes by itself: only these two can be what it waits for.
        if inside.waiting.len() == 1 || inside.waiting.len() == self.commit.most {
            self.work.notify_one();
        }
        Ok((number, inside))
    }

    /// Tells when everything pushed so far is durable.
    pub(super) fn told(&self) -> Result<Told, JournalError> {
        let mut inside = self.inside();
        match &inside.failure {
            Some(failure) => Err(failure.clone()),
            None => {
                let all = inside.next;
                Ok(inside.tell_at(all))
            }
        }
    }

    /// How many events have been pushed, and how many of them are durable.
    pub(super) fn lengths(&self) -> (u64, u64) {
        let inside = self.inside();
        (inside.next, inside.durable)
    }

    /// Lets the committer end once everything is durable.
    pub(super) fn close(&self) {
        self.inside().closing = true;
        self.work.notify_one();
    }

    /// Why nothing can be appended any more.
    pub(super) fn failure(&self) -> Option<JournalError> {
        self.inside().failure.clone()
    }

    fn fail(&self, failure: &JournalError) {
        let told = {
            let mut inside = self.inside();
            inside.failure.get_or_insert_with(|| failure.clone());
            inside.waiting.clear();
            inside.bytes = 0;
            std::mem::take(&mut inside.told)
        };
        self.room.notify_all();
        for (_, teller) in told {
            let _ = teller.send(Err(failure.clone()));
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn tell_at(&mut self, durable: u64) -> Told {
        let (teller, told) = oneshot::channel();
        if durable <= self.durable {
            let _ = teller.send(Ok(()));
        } else {
            self.told.push_back((durable, teller));
        }
        told
    }

    /// As many of the oldest events as one commit takes.
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

/// The thread's own: both copies, and where it stands.
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

    /// Commits until the queue is closed and empty, or until something fails.
    pub(super) fn run(mut self) {
        // If we panic, nobody may wait for ever.
        let _fallen = FailOnPanic(Arc::clone(&self.queue));
        let result =
            self.commit_all().and_then(|()| self.file.as_mut().map_or(Ok(()), EventsFile::sync));
        if let Err(error) = result {
            tracing::error!(error = &error as &dyn std::error::Error, "the journal cannot go on");
            self.queue.fail(&error);
        }
    }

    fn commit_all(&mut self) -> Result<(), JournalError> {
        while let Some((first, batch)) = self.next_batch()? {
            self.last = Some(Instant::now());
            self.commit(first, &batch)?;
            self.answers.add(batch.iter().filter_map(|record| record.answers));
            self.tell(first + batch.len() as u64);
        }
        Ok(())
    }

    /// Waits for events; nothing when there will be none.
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
                    let first = inside.next - inside.waiting.len() as u64;
                    let batch = inside.batch(queue.commit.most);
                    drop(inside);
                    queue.room.notify_all();
                    return Ok(Some((first, batch)));
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

    /// One commit: into the store, into the file, and only then durable.
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

    fn tell(&self, durable: u64) {
        let mut inside = self.queue.inside();
        inside.durable = durable;
        let ready = inside.told.partition_point(|(at, _)| *at <= durable);
        let ready: Vec<_> = inside.told.drain(..ready).collect();
        drop(inside);
        for (_, teller) in ready {
            let _ = teller.send(Ok(()));
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
