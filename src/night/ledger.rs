//! The ledger of a night: one fact a line, durable before it counts.

use super::share::{RunState, Spending};
use crate::caps::Caps;
use crate::run::{RunDir, RunDirError};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

const LEDGER: &str = "ledger.jsonl";

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// A run may spend this much.
    Given {
        /// Its number.
        run: usize,
        /// What it may spend.
        caps: Caps,
    },
    /// All runs together may spend this much from now on.
    Total {
        /// What they may spend.
        caps: Caps,
    },
    /// A run has ended.
    Ended {
        /// Its number.
        run: usize,
        /// What it has spent.
        spent: Spending,
    },
}

/// The facts, folded.
pub(super) struct Ledger {
    runs: Vec<RunState>,
    /// What all of them may spend, where that was changed.
    total: Option<Caps>,
    /// Bytes of whole lines: what is after them was torn by a kill.
    whole: u64,
}

impl Ledger {
    /// Reads the facts about this many runs. A torn last line is left out.
    pub(super) fn open(dir: &RunDir, runs: usize) -> Result<Self, RunDirError> {
        let path = dir.file(LEDGER);
        let mut ledger = Self { runs: vec![RunState::default(); runs], total: None, whole: 0 };
        let text = match crate::source::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ledger),
            Err(source) => return Err(failed(&path, source)),
        };
        for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            if !line.ends_with(b"\n") {
                break;
            }
            match serde_json::from_slice(line) {
                Ok(fact) => ledger.apply(&fact),
                Err(error) => {
                    let message = format!("line {}: {error}", number + 1);
                    return Err(RunDirError::Malformed { path, message });
                }
            }
            ledger.whole += line.len() as u64;
        }
        Ok(ledger)
    }

    pub(super) fn runs(&self) -> &[RunState] {
        &self.runs
    }

    pub(super) fn total(&self) -> Option<Caps> {
        self.total
    }

    /// Appends a fact; it is durable when this returns.
    pub(super) fn append(&mut self, dir: &RunDir, fact: &Fact) -> Result<(), RunDirError> {
        let path = dir.file(LEDGER);
        let mut line = serde_json::to_vec(fact).map_err(|error| failed(&path, error.into()))?;
        line.push(b'\n');
        let write = || -> io::Result<()> {
            let mut file = File::options().create(true).append(true).open(&path)?;
            file.set_len(self.whole)?;
            file.write_all(&line)?;
            file.sync_all()?;
            // The file's name is durable with its folder.
            fs::File::open(dir.path())?.sync_all()
        };
        write().map_err(|source| failed(&path, source))?;
        self.whole += line.len() as u64;
        self.apply(fact);
        Ok(())
    }

    fn apply(&mut self, fact: &Fact) {
        let (run, state) = match *fact {
            Fact::Given { run, caps } => (run, RunState::Given(caps)),
            Fact::Ended { run, spent } => (run, RunState::Ended(spent)),
            Fact::Total { caps } => {
                self.total = Some(caps);
                return;
            }
        };
        if let Some(known) = self.runs.get_mut(run) {
            *known = state;
        }
    }
}

fn failed(path: &Path, source: io::Error) -> RunDirError {
    RunDirError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_is_cut_and_a_malformed_one_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let dir = RunDir::at(place.path());
        let caps = Caps { calls: Some(5), ..Caps::default() };
        let spent = Spending { calls: 3, ..Spending::default() };
        let mut ledger = Ledger::open(&dir, 2).unwrap();
        ledger.append(&dir, &Fact::Given { run: 0, caps }).unwrap();
        ledger.append(&dir, &Fact::Ended { run: 0, spent }).unwrap();
        let whole = fs::read(dir.file(LEDGER)).unwrap();
        let first = 1 + whole.iter().position(|byte| *byte == b'\n').unwrap();
        for cut in first..whole.len() {
            fs::write(dir.file(LEDGER), &whole[..cut]).unwrap();
            let mut ledger = Ledger::open(&dir, 2).unwrap();
            assert_eq!(ledger.runs(), [RunState::Given(caps), RunState::Waiting], "{cut}");
            ledger.append(&dir, &Fact::Ended { run: 0, spent }).unwrap();
            assert_eq!(fs::read(dir.file(LEDGER)).unwrap(), whole);
        }
        assert_eq!(Ledger::open(&dir, 2).unwrap().runs()[0], RunState::Ended(spent));
        fs::write(dir.file(LEDGER), [b"{\"nonsense\": 1}\n", &whole[..]].concat()).unwrap();
        let error = Ledger::open(&dir, 2).err().unwrap().to_string();
        assert!(error.contains("ledger.jsonl: line 1"), "{error}");
        // A whole line is no torn one: it may have said what a run was given.
        fs::write(dir.file(LEDGER), [&whole[..], b"{\"nonsense\": 1}\n"].concat()).unwrap();
        let error = Ledger::open(&dir, 2).err().unwrap().to_string();
        assert!(error.contains("ledger.jsonl: line 3"), "{error}");
    }
}
