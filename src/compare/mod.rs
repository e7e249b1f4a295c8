//! Prompts that are in use: whether they still do what their evidence says, and what they do on other models.
//!
//! No search, and no claim on a task's rows that a prompt is better than another one on its model: that is the business of a run.

pub mod record; // What an exported prompt's evidence file says.
pub mod verification; // The prompt now, beside it.
pub mod migration; // The prompt in force on an old model, beside prompts on new ones.
pub mod migration_page; // The same for people.
pub mod online; // Arms that real traffic was divided into.
pub mod monitor; // An exported prompt over time.
pub mod versions; // The versions of an exported prompt in git.
