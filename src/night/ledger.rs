//! The ledger of a night: one fact a line, durable before it counts.

use super::share::{RunState, Spending};
use crate::caps::Caps;
use crate::run::{RunDir, RunDirError};
use crate::store::FactFile;
use serde::{Deserialize, Serialize};

const LEDGER: &str = "ledger.jsonl";

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// What the night was started with; the first fact.
    Pinned {
        /// A hash of it.
        blake3: String,
    },
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
    file: FactFile<Fact>,
    is_empty: bool,
    /// The hash of what the night was started with; earlier versions have none.
    pin: Option<String>,
    runs: Vec<RunState>,
    /// What all of them may spend, where that was changed.
    total: Option<Caps>,
}

impl Ledger {
    /// Reads the facts about this many runs. A torn last line is left out.
    pub(super) fn open(dir: &RunDir, runs: usize) -> Result<Self, RunDirError> {
        let (file, facts) = FactFile::open(&dir.file(LEDGER))?;
        let mut ledger = Self {
            file,
            is_empty: true,
            pin: None,
            runs: vec![RunState::default(); runs],
            total: None,
        };
        facts.iter().for_each(|fact| ledger.apply(fact));
        Ok(ledger)
    }

    pub(super) fn runs(&self) -> &[RunState] {
        &self.runs
    }

    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    pub(super) fn pin(&self) -> Option<&str> {
        self.pin.as_deref()
    }

    pub(super) fn total(&self) -> Option<Caps> {
        self.total
    }

    /// Appends a fact; it is durable when this returns.
    pub(super) fn append(&mut self, fact: &Fact) -> Result<(), RunDirError> {
        self.file.append(std::slice::from_ref(fact))?;
        self.apply(fact);
        Ok(())
    }

    fn apply(&mut self, fact: &Fact) {
        self.is_empty = false;
        let (run, state) = match *fact {
            Fact::Given { run, caps } => (run, RunState::Given(caps)),
            Fact::Ended { run, spent } => (run, RunState::Ended(spent)),
            Fact::Total { caps } => {
                self.total = Some(caps);
                return;
            }
            Fact::Pinned { ref blake3 } => {
                // The first one holds.
                self.pin.get_or_insert_with(|| blake3.clone());
                return;
            }
        };
        if let Some(known) = self.runs.get_mut(run) {
            *known = state;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_ledger_that_a_kill_tore_goes_on_and_a_damaged_one_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let dir = RunDir::at(place.path());
        let caps = Caps { calls: Some(5), ..Caps::default() };
        let spent = Spending { calls: 3, ..Spending::default() };
        let mut ledger = Ledger::open(&dir, 2).unwrap();
        ledger.append(&Fact::Given { run: 0, caps }).unwrap();
        ledger.append(&Fact::Ended { run: 0, spent }).unwrap();
        let whole = fs::read(dir.file(LEDGER)).unwrap();
        fs::write(dir.file(LEDGER), &whole[..whole.len() - 5]).unwrap();
        let mut ledger = Ledger::open(&dir, 2).unwrap();
        assert_eq!(ledger.runs(), [RunState::Given(caps), RunState::Waiting]);
        ledger.append(&Fact::Ended { run: 0, spent }).unwrap();
        assert_eq!(fs::read(dir.file(LEDGER)).unwrap(), whole);
        assert_eq!(Ledger::open(&dir, 2).unwrap().runs()[0], RunState::Ended(spent));
        fs::write(dir.file(LEDGER), [&whole[..], b"{\"nonsense\": 1}\n"].concat()).unwrap();
        let error = Ledger::open(&dir, 2).err().unwrap().to_string();
        assert!(error.contains("ledger.jsonl: line 3"), "{error}");
    }
}
