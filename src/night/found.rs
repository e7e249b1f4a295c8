//! The runs of a night as they are found in their folders.

use super::{Night, NightFile, RunState, Spending};
use crate::caps::Caps;
use crate::run::{LoadedRun, RUN_FILE, Run, RunDir, RunFile, RunKind, Status};

/// A run of a night.
pub struct FoundRun {
    /// Its name.
    pub name: String,
    /// What is in its folder; `None`: it has not begun. The error is why it cannot be read, or that it is another run.
    pub run: Option<Result<LoadedRun, String>>,
}

impl FoundRun {
    /// The run, where it could be read.
    #[must_use]
    pub fn loaded(&self) -> Option<&LoadedRun> {
        self.run.as_ref()?.as_ref().ok()
    }
}

impl Night {
    /// Its runs, in their order. One that cannot be read does not hide the others.
    #[must_use]
    pub fn found(&self) -> Vec<FoundRun> {
        let found = |(number, dir): (usize, RunDir)| {
            let read = || {
                let run = Run::read(&dir).map_err(|error| error.to_string())?;
                let own = self.file().check_begun(number, &run.file);
                own.map_err(|why| self.file().foreign(&dir, &why)).map(|()| run)
            };
            let has_begun = dir.file(RUN_FILE).exists();
            FoundRun { name: dir.name(), run: has_begun.then(read) }
        };
        self.run_dirs().enumerate().map(found).collect()
    }

    /// The folders of its runs, in order.
    pub fn run_dirs(&self) -> impl Iterator<Item = RunDir> + use<'_> {
        (0..self.file().runs.len()).map(|number| RunDir::at(self.run_dir(number)))
    }

    /// The run that a process works on, if one does.
    #[must_use]
    pub fn running(&self) -> Option<RunDir> {
        self.run_dirs().find(RunDir::is_running)
    }

    /// Whether all of its runs have ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.runs().iter().all(|state| matches!(state, RunState::Ended(_)))
    }

    /// How it stands; `is_running`: a process works on it.
    #[must_use]
    pub fn status(&self, is_running: bool) -> Status {
        match (self.is_over(), is_running) {
            (true, _) => Status::Finished,
            (false, true) => Status::Running,
            (false, false) => Status::Interrupted,
        }
    }
}

impl NightFile {
    /// Checks that a run was begun by this night, and may spend no more than it was given.
    ///
    /// # Errors
    /// Why it is no run of this night.
    pub fn check_own(
        &self,
        number: usize,
        run: &RunFile,
        (own, given): (Caps, Caps),
    ) -> Result<(), String> {
        self.check_begun(number, run)?;
        // Others than searches make no proposals.
        let proposals = given.proposals.filter(|_| run.kind == RunKind::Search);
        let own = super::share::units(&own);
        let given = super::share::units(&Caps { proposals, ..given });
        let is_above = |own: Option<u64>, given: u64| own.is_none_or(|own| own > given);
        let mut units = own.into_iter().zip(given);
        match units.find(|((_, own), (_, given))| given.is_some_and(|it| is_above(*own, it))) {
            Some(((unit, _), _)) => {
                Err(format!("its cap on {unit} is above what the night gave it"))
            }
            None => Ok(()),
        }
    }

    /// That a folder with the name of a run holds what is not this run.
    #[must_use]
    pub fn foreign(&self, dir: &RunDir, why: &str) -> String {
        format!("`{}` is not a run of the night `{}`: {why}", dir.name(), self.night)
    }
}

impl From<&LoadedRun> for Spending {
    fn from(run: &LoadedRun) -> Self {
        let wallet = &run.history.wallet;
        let spent = wallet.spent();
        Self {
            usd: spent.usd,
            calls: wallet.calls(),
            tokens: spent.tokens,
            proposals: wallet.proposals(),
            running: run.history.running(),
        }
    }
}
