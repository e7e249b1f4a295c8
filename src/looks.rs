//! How often held-out rows were looked at, over all runs of a results folder: a ledger of one fact a line.
//!
//! A look is written before its first row is asked, so that no kill can hide one, and once: who takes the same look
//! again is told the number that it had. Not what a look allows to claim, which `stats::Level` says, and not a part of
//! any run's result: a run keeps the number of its look in its own journal.

use crate::store::{FactFile, FactFileError, check_is_file};
use crate::task::example::RowHash;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The ledger's file in a results folder.
pub const LOOKS_FILE: &str = "looks.jsonl";
/// Another process has the ledger for as long as it takes to write a line.
const PATIENCE: Duration = Duration::from_secs(10);
/// The time between two tries.
const TRY_EVERY: Duration = Duration::from_millis(20);

/// What is wrong with the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LooksError {
    /// It cannot be read or written, or a line says nothing that is known.
    #[error(transparent)]
    File(#[from] FactFileError),
    /// Another process does not let it go.
    #[error("{}: another process has locked it for {} s", path.display(), PATIENCE.as_secs())]
    Locked {
        /// The file.
        path: PathBuf,
    },
}

/// Who looks, and for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looker {
    /// The run's name; of recorded answers the name of their file, of an edited prompt `verify-` and its id.
    pub run: String,
    /// When the run was created: another run of this name is another one. Of what is no run the epoch.
    pub created: Timestamp,
    /// What is claimed of the rows; the same claim of the same run about the same rows is one look.
    pub claim: String,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fact {
    /// Rows that are looked at together; stated once for all looks at them.
    Rows {
        /// Their name: a hash of them.
        set: String,
        /// What each of them holds, as a hash.
        rows: BTreeSet<RowHash>,
    },
    /// They were looked at.
    Look {
        /// When.
        at: Timestamp,
        /// By whom.
        #[serde(flatten)]
        by: Looker,
        /// Which rows.
        set: String,
        /// Which look at any of these rows it is, from 1.
        number: u32,
    },
}

/// A look that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Looker,
    /// Its number, from 1.
    pub number: u32,
    set: String,
}

/// The ledger, folded.
#[derive(Debug, Default)]
struct Ledger {
    sets: BTreeMap<String, BTreeSet<RowHash>>,
    looks: Vec<Look>,
}

impl Ledger {
    fn apply(&mut self, fact: Fact) {
        match fact {
            Fact::Rows { set, rows } => drop(self.sets.insert(set, rows)),
            Fact::Look { at, by, set, number } => self.looks.push(Look { at, by, number, set }),
        }
    }

    /// The looks at any of some rows.
    fn at<'a>(&'a self, rows: &'a BTreeSet<RowHash>) -> impl Iterator<Item = &'a Look> {
        let touched: BTreeSet<&String> = self
            .sets
            .iter()
            .filter(|(_, set)| !set.is_disjoint(rows))
            .map(|(name, _)| name)
            .collect();
        self.looks.iter().filter(move |look| touched.contains(&look.set))
    }

    /// The most looks that any of some rows has had.
    fn most(&self, rows: &BTreeSet<RowHash>) -> u32 {
        let mut counts: BTreeMap<&RowHash, u32> = BTreeMap::new();
        for look in self.at(rows) {
            for row in self.sets.get(&look.set).into_iter().flatten() {
                if rows.contains(row) {
                    *counts.entry(row).or_default() += 1;
                }
            }
        }
        counts.into_values().max().unwrap_or(0)
    }
}

/// What was looked at before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EarlierLooks {
    /// The most looks that any of the rows has had.
    pub most: u32,
    /// The looks at any of the rows, oldest first.
    pub looks: Vec<Look>,
}

/// The ledger of a results folder.
#[derive(Clone, Debug)]
pub struct Looks {
    path: PathBuf,
}

impl Looks {
    /// That of this folder, which need not have one yet.
    #[must_use]
    pub fn of_folder(results: &Path) -> Self {
        Self { path: results.join(LOOKS_FILE) }
    }

    /// That of the folder in which a run's folder lies.
    #[must_use]
    pub fn beside(run: &Path) -> Self {
        Self::of_folder(run.parent().unwrap_or(Path::new("")))
    }

    /// What was looked at of these rows.
    ///
    /// # Errors
    /// The ledger cannot be read, or is damaged. A torn last line is left out.
    pub fn earlier(&self, rows: &[RowHash]) -> Result<EarlierLooks, LooksError> {
        let (_, ledger) = self.read()?;
        let rows = rows.iter().copied().collect();
        Ok(EarlierLooks { most: ledger.most(&rows), looks: ledger.at(&rows).cloned().collect() })
    }

    /// Takes a look at these rows, and returns its number: 1 + the most looks that any of them has had, of which
    /// `known` at least are known otherwise. It is durable when this returns. A look that was taken before keeps its
    /// number.
    ///
    /// # Errors
    /// The ledger cannot be read or written, is damaged, or is locked for too long.
    pub fn take(
        &self,
        by: &Looker,
        rows: &[RowHash],
        known: u32,
        at: Timestamp,
    ) -> Result<u32, LooksError> {
        let _lock = self.lock()?;
        let (mut file, ledger) = self.read()?;
        let rows: BTreeSet<RowHash> = rows.iter().copied().collect();
        let set = name_of(&rows);
        let is_taken = |look: &&Look| look.by == *by && look.set == set;
        if let Some(taken) = ledger.looks.iter().find(is_taken) {
            return Ok(taken.number);
        }
        let number = ledger.most(&rows).max(known).saturating_add(1);
        let mut facts = Vec::new();
        if !ledger.sets.contains_key(&set) {
            facts.push(Fact::Rows { set: set.clone(), rows });
        }
        facts.push(Fact::Look { at, by: by.clone(), set, number });
        file.append(&facts)?;
        Ok(number)
    }

    /// The numbers of the looks of each run, by its name and when it was created.
    ///
    /// # Errors
    /// The ledger cannot be read, or is damaged.
    pub fn by_run(&self) -> Result<BTreeMap<(String, Timestamp), BTreeSet<u32>>, LooksError> {
        let mut numbers: BTreeMap<_, BTreeSet<u32>> = BTreeMap::new();
        for Look { by, number, .. } in self.read()?.1.looks {
            numbers.entry((by.run, by.created)).or_default().insert(number);
        }
        Ok(numbers)
    }

    /// Writes down a look that a run's journal has and the ledger has not, with those that its number says were before it.
    ///
    /// # Errors
    /// As for [`take`](Self::take).
    pub fn restore(
        &self,
        (run, created): (&str, Timestamp),
        number: u32,
        rows: &[RowHash],
        at: Timestamp,
    ) -> Result<(), LooksError> {
        let _lock = self.lock()?;
        let (mut file, ledger) = self.read()?;
        let is_there =
            |it: &Look| it.by.run == run && it.by.created == created && it.number == number;
        if ledger.looks.iter().any(is_there) {
            return Ok(());
        }
        let rows: BTreeSet<RowHash> = rows.iter().copied().collect();
        let (set, most) = (name_of(&rows), ledger.most(&rows));
        let mut facts = Vec::new();
        if !ledger.sets.contains_key(&set) {
            facts.push(Fact::Rows { set: set.clone(), rows });
        }
        for earlier in most.saturating_add(1).min(number)..=number {
            let claim = match earlier == number {
                true => format!("what its journal says of look {number}"),
                false => format!("look {earlier}, which was before look {number} of this run"),
            };
            let by = Looker { run: run.to_owned(), created, claim };
            facts.push(Fact::Look { at, by, set: set.clone(), number: earlier });
        }
        Ok(file.append(&facts)?)
    }

    /// Takes over the looks at any of these rows that the ledger of another folder has, and returns how many are new
    /// here: what was chosen there by looks at them is chosen here from now on, too.
    ///
    /// # Errors
    /// As for [`take`](Self::take).
    pub fn bring(&self, from: &Self, rows: &[RowHash]) -> Result<usize, LooksError> {
        let rows: BTreeSet<RowHash> = rows.iter().copied().collect();
        let (_, theirs) = from.read()?;
        // Where nothing is brought, nothing is created.
        if theirs.at(&rows).next().is_none() {
            return Ok(0);
        }
        let _lock = self.lock()?;
        let (mut file, mut own) = self.read()?;
        let mut facts = Vec::new();
        for look in theirs.at(&rows) {
            if own.looks.iter().any(|known| (&known.by, &known.set) == (&look.by, &look.set)) {
                continue;
            }
            let Look { at, by, number, set } = look.clone();
            if let Some(rows) = theirs.sets.get(&set).filter(|_| !own.sets.contains_key(&set)) {
                facts.push(Fact::Rows { set: set.clone(), rows: rows.clone() });
                own.sets.insert(set.clone(), rows.clone());
            }
            facts.push(Fact::Look { at, by, set, number });
        }
        let new = facts.iter().filter(|fact| matches!(fact, Fact::Look { .. })).count();
        if new > 0 {
            file.append(&facts)?;
        }
        Ok(new)
    }

    /// Checks, before anything is paid for, that a look can be taken.
    ///
    /// # Errors
    /// As for [`take`](Self::take).
    pub fn check(&self) -> Result<(), LooksError> {
        check_is_file(&self.path)?;
        // Where there is none, none is created.
        let _lock = if self.exists() { Some(self.lock()?) } else { None };
        self.read().map(drop)
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the folder has a ledger.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Locks the ledger, which is created where there is none. The lock ends with the file.
    fn lock(&self) -> Result<File, LooksError> {
        if let Some(folder) = self.path.parent().filter(|it| *it != Path::new("")) {
            fs::create_dir_all(folder).map_err(|error| self.failed(error))?;
        }
        check_is_file(&self.path)?;
        let opened = File::options().create(true).append(true).open(&self.path);
        let file = opened.map_err(|error| self.failed(error))?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(self.failed(error)),
                Err(TryLockError::WouldBlock) if began.elapsed() > PATIENCE => {
                    return Err(LooksError::Locked { path: self.path.clone() });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(TRY_EVERY),
            }
        }
    }

    fn read(&self) -> Result<(FactFile<Fact>, Ledger), LooksError> {
        let (file, facts) = FactFile::open(&self.path)?;
        let mut ledger = Ledger::default();
        for (line, fact) in (1..).zip(facts) {
            if let Fact::Look { set, .. } = &fact
                && !ledger.sets.contains_key(set)
            {
                let message = format!("it names rows `{set}` that no line states");
                let path = self.path.clone();
                return Err(FactFileError::Malformed { path, line, message }.into());
            }
            ledger.apply(fact);
        }
        Ok((file, ledger))
    }

    fn failed(&self, source: io::Error) -> LooksError {
        FactFileError::Io { path: self.path.clone(), source }.into()
    }
}

/// The name of a set of rows.
fn name_of(rows: &BTreeSet<RowHash>) -> String {
    let mut hasher = blake3::Hasher::new();
    for row in rows {
        hasher.update(String::from(*row).as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(range: std::ops::Range<u32>) -> Vec<RowHash> {
        range.map(|number| RowHash::try_from(format!("{number:032x}")).unwrap()).collect()
    }

    fn by(run: &str, claim: &str) -> Looker {
        let created = Timestamp::UNIX_EPOCH;
        Looker { run: run.to_owned(), created, claim: claim.to_owned() }
    }

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn the_most_looks_at_any_row_count_and_a_look_is_taken_once() {
        let place = tempfile::tempdir().unwrap();
        let looks = Looks::of_folder(place.path());
        assert_eq!(looks.earlier(&rows(0..9)).unwrap(), EarlierLooks::default());
        assert!(!place.path().join(LOOKS_FILE).exists(), "to ask is no look");
        let take = |run, range, known| looks.take(&by(run, "a"), &rows(range), known, AT).unwrap();
        assert_eq!(take("one", 0..4, 0), 1);
        assert_eq!(take("two", 4..8, 0), 1, "other rows");
        assert_eq!(take("three", 3..5, 0), 2);
        assert_eq!(take("four", 0..8, 0), 3, "rows 3 and 4 have had two");
        assert_eq!(take("one", 0..4, 0), 1, "it was taken before");
        assert_eq!(take("one", 30..34, 0), 1, "other rows have their own looks");
        assert_eq!(take("one", 30..36, 0), 2);
        assert_eq!(take("moved", 20..24, 5), 6, "its own journal knows of five");
        let earlier = looks.earlier(&rows(0..2)).unwrap();
        let runs: Vec<&str> = earlier.looks.iter().map(|look| look.by.run.as_str()).collect();
        assert_eq!((earlier.most, runs), (2, vec!["one", "four"]));
        assert_eq!(looks.earlier(&rows(50..60)).unwrap().most, 0);
        let lines = fs::read_to_string(place.path().join(LOOKS_FILE)).unwrap();
        assert_eq!(
            lines.matches("\"rows\":{").count(),
            7,
            "each set of rows is stated once: {lines}"
        );
    }

    #[test]
    fn a_torn_last_line_is_cut_and_damage_is_an_error_that_changes_nothing() {
        let place = tempfile::tempdir().unwrap();
        let (looks, file) = (Looks::of_folder(place.path()), place.path().join(LOOKS_FILE));
        looks.take(&by("one", "a"), &rows(0..3), 0, AT).unwrap();
        let first = fs::read(&file).unwrap();
        looks.take(&by("two", "a"), &rows(0..3), 0, AT).unwrap();
        let whole = fs::read(&file).unwrap();
        for cut in first.len()..whole.len() - 1 {
            fs::write(&file, &whole[..cut]).unwrap();
            assert_eq!(looks.earlier(&rows(0..3)).unwrap().most, 1, "{cut}");
            assert_eq!(looks.take(&by("two", "a"), &rows(0..3), 0, AT).unwrap(), 2);
            assert_eq!(fs::read(&file).unwrap(), whole);
        }
        // A whole line without its end, as an editor may leave it, is not lost.
        fs::write(&file, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(looks.take(&by("three", "a"), &rows(0..3), 0, AT).unwrap(), 3);
        let mended = fs::read(&file).unwrap();
        assert!(mended.starts_with(&whole) && looks.earlier(&rows(0..3)).unwrap().most == 3);
        let look = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for (damaged, line) in [
            ([&b"nonsense\n"[..], &whole].concat(), "line 1"),
            ([&whole[..], &b"{\"other\":{}}\n"[..]].concat(), "line 4"),
            (whole[look..].to_vec(), "line 1: it names rows"),
        ] {
            fs::write(&file, &damaged).unwrap();
            let taken = looks.take(&by("three", "a"), &rows(0..3), 0, AT).unwrap_err().to_string();
            assert!(taken.contains("looks.jsonl: ") && taken.contains(line), "{taken}");
            assert!(looks.earlier(&rows(0..3)).is_err());
            assert_eq!(fs::read(&file).unwrap(), damaged);
        }
    }

    #[test]
    fn looks_are_brought_along_from_another_folder_once() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let [own, other] = [&here, &there].map(|place| Looks::of_folder(place.path()));
        let of = |run: &str| by(run, "a");
        assert_eq!(own.bring(&other, &rows(0..9)).unwrap(), 0);
        assert!(!own.exists(), "nothing to bring");
        other.take(&of("one"), &rows(0..4), 0, AT).unwrap();
        other.take(&of("two"), &rows(2..4), 0, AT).unwrap();
        other.take(&of("else"), &rows(20..24), 0, AT).unwrap();
        own.take(&of("mine"), &rows(0..4), 0, AT).unwrap();
        assert_eq!(own.bring(&other, &rows(0..9)).unwrap(), 2, "other rows are left there");
        assert_eq!(own.bring(&other, &rows(0..9)).unwrap(), 0, "once");
        assert_eq!(own.earlier(&rows(0..2)).unwrap().most, 2);
        assert_eq!(own.earlier(&rows(3..4)).unwrap().most, 3);
        assert_eq!(own.take(&of("next"), &rows(0..9), 0, AT).unwrap(), 4);
        assert_eq!(own.earlier(&rows(20..24)).unwrap().most, 0);
    }

    #[test]
    fn looks_that_are_taken_at_once_have_numbers_of_their_own() {
        let place = tempfile::tempdir().unwrap();
        let looks = Looks::of_folder(place.path());
        let taken = std::thread::scope(|scope| {
            let take = |number: usize| {
                let looks = looks.clone();
                move || looks.take(&by(&number.to_string(), "a"), &rows(0..50), 0, AT).unwrap()
            };
            let threads: Vec<_> = (0..8).map(|number| scope.spawn(take(number))).collect();
            let mut taken: Vec<u32> = threads.into_iter().map(|it| it.join().unwrap()).collect();
            taken.sort_unstable();
            taken
        });
        assert_eq!(taken, [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
