//! The runs that are shown: one, or all of a folder. A few of those that were looked at last are followed.

use super::live::Live;
use crate::run::{Catalog, RunDir, RunDirError};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The most runs that are followed at once.
const MOST: usize = 3;

/// Which runs are shown.
pub struct Shelf {
    which: Which,
    /// The one that was looked at last stands last.
    followed: Mutex<Vec<Arc<Live>>>,
}

enum Which {
    One(RunDir),
    All(PathBuf),
}

impl Shelf {
    /// One run.
    #[must_use]
    pub fn one(dir: RunDir) -> Self {
        Self { which: Which::One(dir), followed: Mutex::default() }
    }

    /// All runs of a folder, also those that are begun later.
    #[must_use]
    pub fn all(out: PathBuf) -> Self {
        Self { which: Which::All(out), followed: Mutex::default() }
    }

    /// The name of the only run.
    pub(super) fn only(&self) -> Option<String> {
        match &self.which {
            Which::One(dir) => Some(dir.name()),
            Which::All(_) => None,
        }
    }

    /// All runs; `None` where one is shown.
    pub(super) fn catalog(&self) -> Option<Result<Catalog, RunDirError>> {
        match &self.which {
            Which::One(_) => None,
            Which::All(out) => Some(Catalog::read(out)),
        }
    }

    /// The folder of a run that is shown, by its whole name.
    pub(super) fn find(&self, name: &str) -> Option<RunDir> {
        match &self.which {
            Which::One(dir) => (dir.name() == name).then(|| dir.clone()),
            Which::All(out) => {
                let runs = RunDir::list(out).ok()?;
                runs.into_iter().find(|dir| dir.name() == name)
            }
        }
    }

    /// A run that is followed from now on.
    pub(super) fn follow(&self, name: &str) -> Option<Arc<Live>> {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let live = match followed.iter().position(|live| live.dir().name() == name) {
            Some(place) => followed.remove(place),
            None => Live::follow(self.find(name)?),
        };
        followed.push(Arc::clone(&live));
        if followed.len() > MOST {
            followed.remove(0);
        }
        Some(live)
    }
}
