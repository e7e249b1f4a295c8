//! The loop: decides what is next, makes the calls, and folds the answers.
//!
//! `driver` is the loop itself. Each file uses only files that are declared above it. Nothing here
//! opens files or prints: `run` opens a run, and observers show it.

mod remedy; // What to do where a provider does not answer.
mod error; // How a run leaves the loop.
pub(crate) mod retry; // What to do after a failed attempt: pure.
mod trouble; // What keeps a provider from answering.
mod streak; // Calls in a row without a good answer.
mod quarantine; // Calls without a good answer, until it is known what they say.
mod batches; // Requests that wait for a batch, and batches that are out.
pub(crate) mod usage; // What an attempt used.
pub(crate) mod attempt; // One attempt, and the fact that its reply becomes.
mod latencies; // How long answers take, and when one is late.
mod steering; // What may be changed of a running search.
mod inbox; // What has arrived and is not folded.
mod call; // One call of a model, from its reservation to its durable answer.
mod job; // A call that is to be made, as a value.
mod judging; // What a judge says of an answer.
mod scoring; // What an answer is worth.
mod wordings; // What requests to the mutator are written with, checked.
mod programs; // Operators that are programs of the user's.
mod proposals; // Drafts become requests, replies become outcomes.
mod embeddings; // Texts whose vectors are asked for.
mod first_proposal; // What the mutator could be asked first.
mod workers; // Carry out jobs.
mod earlier; // Answers of earlier runs.
mod requests; // Blocks of rows become jobs, and equal requests are asked once.
mod budget; // The ledger's limits, with numbers from state and task.
mod held_out; // The rows that are compared.
mod measures; // What they show of measures beside quality.
mod claim; // What held-out rows show of the goal's claim.
mod confirmation; // Winner and baseline on held-out rows.
mod next; // What is next, from folded events alone.
mod resume; // An issued call after a resume.
mod search; // The parts of a search.
mod driver; // The loop.

pub use batches::FIRST_WAIT;
pub use call::CallRunner;
pub use claim::{Claimed, Confirmed, FamilyMember, HeldOutCost, confirmed, confirmed_family};
pub use confirmation::ConfirmationRoom;
pub use earlier::EarlierAnswers;
pub use embeddings::first_vectors;
pub use error::{Outcome, SearchError};
pub use first_proposal::FirstProposal;
pub use held_out::{HeldOutRow, MIN_HOLD_ROWS};
pub use measures::{Sample, fewest_rows, fewest_rows_of_less};
pub use proposals::proposal_request;
pub use remedy::{GoesOn, Remedy};
pub use search::{LookCounter, Search, SearchParts};
pub use steering::{Change, NotChanged, Steering};
pub use trouble::{WaitEnd, WaitReason, Waiting};
pub use wordings::{check_window, meta_prompts};

use crate::event::Event;
use crate::id::RequestHash;
use crate::journal::Entry;

#[cfg(test)]
mod tests;

impl Entry for Event {
    fn answers(&self) -> Option<RequestHash> {
        self.answer().map(|answer| answer.request)
    }
}
