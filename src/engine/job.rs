//! A call to be made, as a value: its purpose, its question, its worst case.
//!
//! It holds everything that a worker needs to carry it out, and no key.

use crate::event::{Answered, Draft, JudgeCalls};
use crate::id::{Call, EventNumber};
use crate::provider::Request;
use crate::state::Work;
use crate::units::Amount;

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Job {
    /// Its number.
    pub(super) call: Call,
    /// What it is for.
    pub(super) purpose: Work,
    /// What is asked.
    pub(super) question: Question,
    /// What the plan has set aside for it.
    pub(super) worst_case: Amount,
    /// Whether its row went missing before, and is asked once more.
    pub(super) is_again: bool,
    /// The judge's calls about its answer.
    pub(super) judging: Option<JudgeCalls>,
}

/// A question to a model or a program, or an answer that a judge grades.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Question {
    /// A request to a model.
    Model(Request),
    /// A line for the program that a draft's operator names.
    Program {
        /// The draft.
        draft: Box<Draft>,
        /// The line.
        line: Vec<u8>,
    },
    /// An answer that serves another row, too, and is graded for that one.
    Grade {
        /// Its event.
        answer: EventNumber,
        /// The answer.
        answered: Box<Answered>,
    },
}
