//! Prompts that are in use: whether they still do what their evidence says.
//!
//! No search, and no claim that a prompt is better than another one: that is the business of a run.

pub mod verification;
pub mod versions; // The versions of an exported prompt in git.
