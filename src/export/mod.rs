//! Exports a prompt as a commit on a branch of the user's git repository.
//!
//! The caller chooses the prompt and provides its file, the commit message and the evidence. The format of the
//! file is the room `formats`'.

pub mod git;
pub mod history; // The commits that changed a file.
pub mod demonstrations;
pub mod revision;
pub mod suite; // Tests of promptfoo.
