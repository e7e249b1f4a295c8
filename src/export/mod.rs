//! Exports a prompt: as the bytes of a file, and as a commit on a branch of the user's git
//! repository.
//!
//! The caller chooses the prompt and provides the commit message and the evidence.

pub mod document;
pub mod git;
pub mod revision;
