//! Which look at the held-out rows the comparison of a migration is.

use crate::clock::Clock;
use crate::looks::{Looker, Looks};
use crate::night::{FoundRun, Migration, Night};
use crate::run::RunError;
use crate::task::example::RowHash;

/// Which look at the held-out rows the comparison is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationLook {
    /// One that was taken.
    Taken(u32),
    /// The one that it would be: until it is taken, nothing is compared.
    Next(u32),
}

impl MigrationLook {
    /// Which look it is. A night that is no migration takes none.
    ///
    /// # Errors
    /// The task cannot be read, or its rows have changed since; or the looks of the folder cannot be read.
    pub fn next(night: &Night, runs: &[FoundRun]) -> Result<Self, RunError> {
        let Some(rows) = rows(night)? else { return Ok(Self::Next(1)) };
        let by = looker(night, runs);
        let earlier = Looks::beside(night.dir().path()).earlier(&rows)?;
        let taken = earlier.looks.iter().find(|look| look.by == by);
        let next = Self::Next(earlier.most.saturating_add(1));
        Ok(taken.map_or(next, |look| Self::Taken(look.number)))
    }

    /// Takes it, unless it was taken.
    ///
    /// # Errors
    /// As [`Self::next`], or it cannot be written down.
    pub fn take(night: &Night, runs: &[FoundRun]) -> Result<Self, RunError> {
        let Some(rows) = rows(night)? else { return Ok(Self::Next(1)) };
        let looks = Looks::beside(night.dir().path());
        Ok(Self::Taken(looks.take(&looker(night, runs), &rows, 0, Clock::System.now())?))
    }
}

/// The held-out rows of a migration.
fn rows(night: &Night) -> Result<Option<Vec<RowHash>>, RunError> {
    let Some(migration) = &night.file().migration else { return Ok(None) };
    Ok(Some(migration.task(Migration::BAR)?.splits.held_out_hashes().collect()))
}

/// Who looks. Searches that went on after they had ended make another look of it.
fn looker(night: &Night, runs: &[FoundRun]) -> Looker {
    let searches = runs.iter().skip(1).filter_map(FoundRun::loaded);
    let went_on = searches.map(|run| run.history.state.earlier.len()).sum();
    Migration::looker(&night.file().night, night.file().created, went_on)
}
