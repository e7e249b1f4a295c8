//! Prompts beside each other without a search: one of them and its own record, on other models, in real traffic, on the same rows.
//!
//! What a search found is confirmed by its run.

mod table; // How their pages show rows of cells.
pub mod record; // What an exported prompt's evidence file says.
pub mod verification; // The prompt now, beside it.
pub mod migration; // The prompt in force on an old model, beside prompts on new ones.
pub mod certification; // A judge beside people.
pub mod judge_drift; // A judge beside itself.
pub mod paired; // Prompts on the same rows.
pub mod online; // Arms that real traffic was divided into.
pub mod monitor; // An exported prompt over time.
pub mod versions; // The versions of an exported prompt in git.
