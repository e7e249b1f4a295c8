//! The rows of a task, as its file names them: read, checked, and split.

use super::dataset::{self, blake3_of, columns_of, fill_columns};
use super::example::{Example, RowOrigin, Splits};
use super::file::TaskFile;
use super::frozen::DataFile;
use super::locator::Locator;
use super::scorer::ScorerSet;
use super::split::{self, Shares, SplitSpec};
use crate::id::ExampleId;
use crate::seed::Seed;
use crate::source::{self, SourceError};
use std::collections::BTreeSet;
use std::path::Path;

/// The seed of the splits. It does not depend on a run's seed, so that every run of a task has the
/// same held-out rows.
const SPLIT_SEED: Seed = Seed(0x7461_736b);

/// Rows as read from their files.
pub(super) enum Rows {
    One(Vec<Example>, Option<Shares>),
    Given([Vec<Example>; 3]),
}

/// Rows with the files that they were read from, and how many were left out.
pub(super) struct ReadRows {
    pub(super) rows: Rows,
    pub(super) data: Vec<DataFile>,
    /// Synthetic rows that no person has accepted, where these do not count.
    pub(super) unreviewed: usize,
}

pub(super) fn rows(read: &TaskFile, at: &Locator<'_>) -> Result<ReadRows, SourceError> {
    let folder = at.source.folder();
    let mut data = Vec::new();
    let mut file = |relative: &Path, key: &[&str]| -> Result<Vec<Example>, SourceError> {
        let path = folder.join(relative);
        if let Err(error) = source::open(&path) {
            let place = at.error(key, "");
            return Err(SourceError::unreadable(&path, &error).named_in(&place.file, place.line));
        }
        let mut rows = dataset::read(&path, &read.data.columns)?;
        let columns = columns_of(&rows);
        fill_columns(&mut rows, &columns);
        rows.iter_mut().for_each(|row| row.file = data.len());
        let blake3 = blake3_of(&path)?;
        data.push(DataFile { path, blake3 });
        Ok(rows)
    };
    let mut rows = match (&read.data.split, &read.data.file) {
        (Some(SplitSpec::Files { train, dev, hold }), _) => {
            let train = file(train, &["data", "split", "train"])?;
            let dev = file(dev, &["data", "split", "dev"])?;
            let hold = hold.as_deref().map(|hold| file(hold, &["data", "split", "hold"]));
            let hold = hold.transpose()?.unwrap_or_default();
            Rows::Given([train, dev, hold])
        }
        (shares, Some(path)) => {
            let shares = match shares {
                Some(SplitSpec::Shares(shares)) => Some(*shares),
                _ => None,
            };
            Rows::One(file(path, &["data", "file"])?, shares)
        }
        (_, None) => return Err(at.error(&["data"], "there are no rows")),
    };
    if let Some(path) = &read.data.synthetic {
        rows.add_synthetic(file(path, &["data", "synthetic"])?, &data)?;
    }
    let unreviewed = if read.data.unreviewed { 0 } else { rows.leave_out_unreviewed() };
    rows.check_held_out(&data)?;
    Ok(ReadRows { rows, data, unreviewed })
}

impl Rows {
    pub(super) fn all(&self) -> Vec<&Example> {
        match self {
            Self::One(rows, _) => rows.iter().collect(),
            Self::Given(parts) => parts.iter().flatten().collect(),
        }
    }

    /// Adds the rows of a file that holds synthetic ones alone.
    fn add_synthetic(&mut self, rows: Vec<Example>, data: &[DataFile]) -> Result<(), SourceError> {
        if let Some(row) = rows.iter().find(|row| !row.origin.is_synthetic()) {
            return Err(row_mistake(data, row, "it is not marked as synthetic").help(
                "write `\"synthetic\": true` in each row of `data.synthetic`; collected rows belong in `data.file`",
            ));
        }
        let known: BTreeSet<&ExampleId> = self.all().into_iter().map(|row| &row.id).collect();
        if let Some(row) = rows.iter().find(|row| known.contains(&row.id)) {
            return Err(row_mistake(data, row, "another row of the task has the same id"));
        }
        match self {
            Self::One(all, _) | Self::Given([all, ..]) => all.extend(rows),
        }
        let columns = columns_of(self.all());
        match self {
            Self::One(all, _) => fill_columns(all.iter_mut(), &columns),
            Self::Given(parts) => fill_columns(parts.iter_mut().flatten(), &columns),
        }
        Ok(())
    }

    /// Leaves out the synthetic rows that no person has accepted, and says how many they are.
    pub(super) fn leave_out_unreviewed(&mut self) -> usize {
        let before = self.all().len();
        let counts = |row: &Example| row.origin != RowOrigin::Unreviewed;
        match self {
            Self::One(rows, _) => rows.retain(counts),
            Self::Given(parts) => parts.iter_mut().for_each(|rows| rows.retain(counts)),
        }
        before - self.all().len()
    }

    /// Checks that a file of held-out rows has no synthetic one.
    fn check_held_out(&self, data: &[DataFile]) -> Result<(), SourceError> {
        let Self::Given([_, _, hold]) = self else { return Ok(()) };
        match hold.iter().find(|row| row.origin.is_synthetic()) {
            None => Ok(()),
            Some(row) => Err(row_mistake(data, row, "it is synthetic, and confirms nothing")
                .help("move it to the file of `train` or `dev`")),
        }
    }

    /// Splits the rows. Rows are equal if the columns that the prompt shows are equal.
    pub(super) fn split(self, shown: &BTreeSet<String>) -> Splits {
        match self {
            Self::One(rows, shares) => split::split_by(rows, shown, shares, SPLIT_SEED),
            Self::Given([train, dev, hold]) => split::given(train, dev, hold, SPLIT_SEED),
        }
    }
}

/// The column of ids: what the task says, else the one that the rows' ids are of, else `id`.
pub(super) fn id_column(read: &TaskFile, rows: &[&Example], columns: &BTreeSet<String>) -> String {
    let is_of = |row: &&Example, name: &str| {
        row.columns
            .get(name)
            .is_some_and(|it| crate::prompt::value_text(it).trim() == row.id.as_str())
    };
    let found = || {
        let mut called = columns.iter().filter(|name| dataset::is_called_id(name));
        called.find(|name| rows.iter().all(|row| is_of(row, name))).cloned()
    };
    read.data.columns.id.clone().or_else(found).unwrap_or_else(|| "id".to_owned())
}

/// Checks that the scorers can use every row's answer.
pub(super) fn check_answers(
    scorers: &ScorerSet,
    rows: &Rows,
    data: &[DataFile],
) -> Result<(), SourceError> {
    rows.all().into_iter().try_for_each(|row| {
        scorers.check(row).map_err(|message| {
            row_mistake(data, row, &message)
                .help("correct the row, or correct `[[score]]` in the task file")
        })
    })
}

/// A mistake in a row, at its line of its file.
pub(super) fn row_mistake(data: &[DataFile], row: &Example, message: &str) -> SourceError {
    let file = data.get(row.file).map(|file| file.path.clone()).unwrap_or_default();
    SourceError::new(file, format!("row `{}`: {message}", row.id)).at_line(row.line)
}
