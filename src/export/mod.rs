//! The winner, brought to where it is used: as a file's bytes, and as a commit on a branch of a
//! person's git repository.
//!
//! Not for choosing what is exported, nor for the words of the commit message: the caller brings
//! both, along with its evidence.

pub mod document;
pub mod git;
