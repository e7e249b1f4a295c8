//! What a run would begin with, as the caller found it: task, recipe, caps, keys, folder.

use crate::caps::Caps;
use crate::recipe::Recipe;
use crate::run::Access;
use crate::task::Task;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What a run would begin with.
pub struct Setup {
    /// The task.
    pub task: Arc<Task>,
    /// The recipe, as the task can use it.
    pub recipe: Recipe,
    /// What a run may spend.
    pub caps: Caps,
    /// Keys, environment, limits, concurrency.
    pub access: Access,
    /// Keys that are not there, by provider: why, in words.
    pub keyless: BTreeMap<String, String>,
    /// The folder that holds the runs.
    pub out: PathBuf,
}
