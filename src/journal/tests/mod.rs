//! The journal over stores in memory, where every interleaving and every cut can be tested.
//!
//! `tests/journal_*.rs` test the same over sled.

mod commits;
mod reading;
mod repairs;

use super::*;
use serde::Deserialize;
use std::path::PathBuf;

/// A fact like those of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Fact {
    Asked { call: u64 },
    Answered { request: RequestHash, text: String },
}

impl Entry for Fact {
    fn answers(&self) -> Option<RequestHash> {
        match self {
            Self::Asked { .. } => None,
            Self::Answered { request, .. } => Some(*request),
        }
    }
}

fn request(number: u64) -> RequestHash {
    RequestHash::of(&number.to_le_bytes())
}

/// The event with this number in these tests: every second one is an answer.
fn fact(number: u64) -> Fact {
    match number % 2 {
        0 => Fact::Asked { call: number },
        _ => Fact::Answered {
            request: request(number),
            text: format!("answer {number}\n\"ä\" {}", "x".repeat(number as usize % 50)),
        },
    }
}

fn facts(journal: &Journal<Fact>) -> Vec<Fact> {
    let mut facts = Vec::new();
    journal
        .replay::<JournalError>(|number, fact| {
            assert_eq!(number.index(), facts.len());
            facts.push(fact);
            Ok(())
        })
        .unwrap();
    facts
}

fn expected(len: u64) -> Vec<Fact> {
    (0..len).map(fact).collect()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// A run's folder with a journal over a store in memory, which outlives the journal as a file
/// would.
struct Run {
    folder: tempfile::TempDir,
    store: Arc<Memory>,
}

impl Run {
    /// A journal that was closed after `len` events.
    fn of(len: u64) -> Self {
        let run = Self { folder: tempfile::TempDir::new().unwrap(), store: Arc::default() };
        file::create(&run.file()).unwrap();
        let journal = run.open().0;
        (0..len).for_each(|number| {
            journal.append(fact(number)).unwrap();
        });
        journal.close().unwrap();
        run
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("events.jsonl")
    }

    fn try_open(&self) -> Result<(Journal<Fact>, Recovery), JournalError> {
        let recovery = self.reconcile()?;
        let file = EventsFile::open(&self.file())?;
        let journal = Journal::start(self.store.clone(), Some(file), Commit::default())?;
        Ok((journal, recovery))
    }

    fn reconcile(&self) -> Result<Recovery, JournalError> {
        file::refuse_newer(&self.file())?;
        let mut recovery = Recovery::default();
        recovery::reconcile::<Fact>(&*self.store, &self.file(), &mut recovery)?;
        Ok(recovery)
    }

    fn open(&self) -> (Journal<Fact>, Recovery) {
        self.try_open().unwrap()
    }

    fn content(&self) -> Vec<u8> {
        fs::read(self.file()).unwrap()
    }

    /// Replaces the content of the file.
    fn set_content(&self, content: impl AsRef<[u8]>) {
        fs::write(self.file(), content).unwrap();
    }

    fn lines(&self) -> Vec<String> {
        let content = String::from_utf8(self.content()).unwrap();
        content.lines().map(str::to_owned).collect()
    }

    fn set_lines(&self, lines: &[String]) {
        self.set_content(lines.join("\n") + "\n");
    }

    /// The files that were set aside.
    fn kept(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| *path != self.file()).collect()
    }

    /// Opens the journal and checks that both copies hold these events, that an event can be added,
    /// and that the next opening has nothing to repair.
    fn check(&self, len: u64) -> Recovery {
        let (journal, recovery) = self.open();
        assert_eq!(facts(&journal), expected(len));
        assert_eq!(recovery.events, len);
        assert_eq!(journal.append(fact(len)).unwrap(), EventNumber(len));
        journal.close().unwrap();
        let (journal, nothing) = self.open();
        assert_eq!(facts(&journal), expected(len + 1));
        assert_eq!(nothing.repairs, [""; 0]);
        let mut copy = Vec::new();
        let read = read_events::<Fact, JournalError>(&self.file(), |_, fact| {
            copy.push(fact);
            Ok(())
        });
        assert_eq!(read.unwrap(), len + 1);
        assert_eq!(copy, expected(len + 1));
        recovery
    }
}
