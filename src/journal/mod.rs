//! Makes events durable, in order and in two copies: in the store and in `events.jsonl`.
//!
//! An event that was reported as durable survives a kill and a power failure. Damage to either copy
//! is repaired from the other one when the journal is opened. The journal is generic over events
//! and only knows which request an event answers.

// A file uses only files declared above it.
mod answers;
mod error;
mod line;
mod file;
mod committer;
mod reader;
mod index; // Where single events are.
mod second_copy;
mod recovery;
#[cfg(test)]
mod tests;

pub use committer::Commit;
pub use error::JournalError;
pub use index::{EventIndex, Events};
pub use reader::{Reader, read_events};
pub use recovery::Recovery;

use crate::id::{EventNumber, RequestHash};
use crate::store::{Memory, Record, Store};
use answers::Answers;
use committer::{CommitReceiver, Committer, Queue};
use file::EventsFile;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::fs;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// An event that a journal can hold. Its JSON must parse back to the same event.
pub trait Entry: Serialize + DeserializeOwned + Send + 'static {
    /// The request that this event answers, if it is an answer.
    fn answers(&self) -> Option<RequestHash>;
}

/// The events of a run: append-only.
pub struct Journal<E> {
    queue: Arc<Queue>,
    store: Arc<dyn Store>,
    answers: Arc<Answers>,
    commits: Commits,
    entry: PhantomData<fn(E) -> E>,
}

/// Who makes the commits.
enum Commits {
    /// A thread, since writing takes time; `None` once it has ended.
    Thread(Option<JoinHandle<()>>),
    /// The thread that appends. Memory needs no time, so a run in memory does not wait for another thread.
    Caller(Mutex<Committer>),
}

impl<E: Entry> Journal<E> {
    /// Opens the journal in a run's folder, or creates one, and returns what was repaired.
    ///
    /// It reads all events once and blocks meanwhile, which takes about a second for 300,000
    /// events.
    ///
    /// # Errors
    /// When another process has it open, a newer version wrote it, nothing of it can be read, or
    /// its files cannot be read or written.
    pub fn open(run: &Path) -> Result<(Self, Recovery), JournalError> {
        Self::open_with(run, Commit::default())
    }

    /// Like [`open`](Self::open), with other settings for group commits.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(run: &Path, commit: Commit) -> Result<(Self, Recovery), JournalError> {
        fs::create_dir_all(run).map_err(|e| JournalError::io("create", run, e))?;
        let (folder, file) = (run.join("journal"), run.join("events.jsonl"));
        let mut recovery = Recovery::default();
        recovery::begin(&folder, &file)?;
        let store = recovery::open_store(&folder, &file, &mut recovery)?;
        recovery::reconcile::<E>(&store, &file, &mut recovery)?;
        let file = EventsFile::open(&file)?;
        let journal = Self::start(Arc::new(store), Some(file), commit)?;
        Ok((journal, recovery))
    }

    /// A journal in memory, which is lost when it is dropped. An event is durable, as far as it can be,
    /// when `append` returns.
    ///
    /// # Errors
    /// None are known: the memory is empty.
    pub fn in_memory() -> Result<Self, JournalError> {
        let store = Arc::new(Memory::new());
        Self::with(store, None, Commit::default(), |it| Ok(Commits::Caller(Mutex::new(it))))
    }

    fn start(
        store: Arc<dyn Store>,
        file: Option<EventsFile>,
        commit: Commit,
    ) -> Result<Self, JournalError> {
        Self::with(store, file, commit, |committer| {
            let thread = thread::Builder::new()
                .name("journal".to_owned())
                .spawn(move || committer.run())
                .map_err(|error| JournalError::Io {
                    what: "start the journal's thread".to_owned(),
                    source: Arc::new(error),
                })?;
            Ok(Commits::Thread(Some(thread)))
        })
    }

    fn with(
        store: Arc<dyn Store>,
        file: Option<EventsFile>,
        commit: Commit,
        start: impl FnOnce(Committer) -> Result<Commits, JournalError>,
    ) -> Result<Self, JournalError> {
        let queue = Arc::new(Queue::new(store.len(), commit));
        let answers = Arc::new(Answers::of(&*store)?);
        let committer =
            Committer::new(Arc::clone(&queue), Arc::clone(&store), file, Arc::clone(&answers));
        Ok(Self { queue, store, answers, commits: start(committer)?, entry: PhantomData })
    }

    /// The number of events appended, durable or not; also the number of the next event.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.queue.lengths().0
    }

    /// Whether nothing has ever been appended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends an event without waiting until it is durable. Events are numbered and become durable
    /// in the order of the calls. Blocks only while the queue is full.
    ///
    /// # Errors
    /// After a failed commit every call fails with the error of that commit.
    pub fn append(&self, event: E) -> Result<EventNumber, JournalError> {
        let number = self.queue.push(encode(&event)?)?;
        self.commit_in_caller();
        Ok(number)
    }

    /// Appends an event at once; the future is ready when the event is durable, and the event
    /// becomes durable even if the future is not polled. An event may be durable although its
    /// future reports an error, but never the other way round.
    pub fn append_durable(
        &self,
        event: E,
    ) -> impl Future<Output = Result<EventNumber, JournalError>> + Send + use<E> {
        let pushed = encode(&event).and_then(|record| self.queue.push_with_receiver(record));
        self.commit_in_caller();
        async move {
            let (number, receiver) = pushed?;
            received(receiver).await?;
            Ok(number)
        }
    }

    /// Ready when everything appended so far is durable.
    pub fn flush(&self) -> impl Future<Output = Result<(), JournalError>> + Send + use<E> {
        let receiver = self.queue.receiver();
        async move { received(receiver?).await }
    }

    /// One durable event.
    ///
    /// # Errors
    /// When there is no event with this number yet, or it cannot be read.
    pub fn read(&self, number: EventNumber) -> Result<E, JournalError> {
        let event = self.store.read(number)?;
        decode(number, &event.ok_or(JournalError::Missing(number))?)
    }

    /// The event that answers a request, once it is durable.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn find_answer(&self, request: &RequestHash) -> Result<Option<EventNumber>, JournalError> {
        Ok(self.answers.find(request, &*self.store)?)
    }

    /// Visits all durable events in order, one at a time.
    ///
    /// # Errors
    /// An error of `f`, which ends the visit; an event that cannot be read or parsed.
    pub fn replay<X: From<JournalError>>(
        &self,
        mut f: impl FnMut(EventNumber, E) -> Result<(), X>,
    ) -> Result<(), X> {
        let durable = EventNumber(self.queue.lengths().1);
        if durable.0 == 0 {
            return Ok(());
        }
        let mut result = Ok(());
        let end = self.store.scan(EventNumber(0), &mut |number, event| {
            result = decode::<E>(number, event).map_err(X::from).and_then(|event| {
                if let Some(request) = event.answers() {
                    self.answers.met(request, number);
                }
                f(number, event)
            });
            match result {
                Ok(()) if number.0 + 1 < durable.0 => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        });
        result?;
        match end.map_err(JournalError::from)? {
            end if end < durable => Err(JournalError::Missing(end).into()),
            _ => Ok(()),
        }
    }

    /// Makes everything durable and stops the committer.
    ///
    /// # Errors
    /// When an appended event could not be made durable.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.end();
        self.queue.failure().map_or(Ok(()), Err)
    }
}

impl<E> Journal<E> {
    fn commit_in_caller(&self) {
        if let Commits::Caller(committer) = &self.commits {
            committer.lock().unwrap_or_else(PoisonError::into_inner).commit_waiting();
        }
    }

    fn end(&mut self) {
        self.queue.close();
        if let Commits::Thread(thread) = &mut self.commits
            && let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the journal's committer panicked");
        }
    }
}

impl<E> Drop for Journal<E> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<E> fmt::Debug for Journal<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, durable) = self.queue.lengths();
        f.debug_struct("Journal")
            .field("len", &len)
            .field("durable", &durable)
            .finish_non_exhaustive()
    }
}

/// Encodes an event in the caller's thread, so that the committer only writes. Both copies get the
/// same bytes.
fn encode<E: Entry>(event: &E) -> Result<Record, JournalError> {
    let bytes = serde_json::to_vec(event).map_err(|e| JournalError::Encode(e.to_string()))?;
    debug_assert!(
        line::decode::<E>(&bytes).is_ok(),
        "this event cannot be read back, so the run could not be resumed: {}",
        String::from_utf8_lossy(&bytes)
    );
    Ok(Record { bytes, answers: event.answers() })
}

fn decode<E: Entry>(number: EventNumber, event: &[u8]) -> Result<E, JournalError> {
    line::decode(event).map_err(|why| {
        let place = format!("event {number} in the store");
        JournalError::Unknown { place, why }
    })
}

async fn received(receiver: CommitReceiver) -> Result<(), JournalError> {
    receiver.await.unwrap_or(Err(JournalError::Stopped))
}
