//! The rows of a task, as its file names them: read, checked, and split.

use super::dataset::{self, blake3_of, columns_of, fill_columns};
use super::example::{Example, Splits};
use super::file::TaskFile;
use super::frozen::DataFile;
use super::locator::Locator;
use super::scorer::ScorerSet;
use super::split::{self, Shares, SplitSpec};
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

pub(super) fn rows(
    read: &TaskFile,
    at: &Locator<'_>,
) -> Result<(Rows, Vec<DataFile>), SourceError> {
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
    let rows = match (&read.data.split, &read.data.file) {
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
    Ok((rows, data))
}

impl Rows {
    pub(super) fn all(&self) -> Vec<&Example> {
        match self {
            Self::One(rows, _) => rows.iter().collect(),
            Self::Given(parts) => parts.iter().flatten().collect(),
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
