//! The end of a search in this process: why it ended, and its result.

use super::file::RunInfo;
use super::summary::{Status, Summary};
use crate::engine::Outcome;
use crate::ledger::Wallet;
use crate::memory::State;
use crate::task::Task;
use std::sync::Arc;
use std::time::Duration;

/// A search that has ended, finished or not.
pub struct Ended {
    /// Why it ended.
    pub outcome: Outcome,
    /// The state at the end.
    pub state: State,
    /// The wallet at the end.
    pub wallet: Wallet,
    /// How long the run has been running, over all its sessions.
    pub running: Duration,
    pub(super) info: RunInfo,
    pub(super) task: Arc<Task>,
}

impl Ended {
    /// The result: the baseline and the best prompt with their figures, and what they cost.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let status = match self.outcome {
            Outcome::Finished => Status::Finished,
            _ => Status::Interrupted,
        };
        Summary::of(&self.info, &self.task, &self.state, &self.wallet, self.running, status)
    }
}
