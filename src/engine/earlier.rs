//! Answers of earlier runs to requests that this run may write, too.
//!
//! They serve rows of train and dev only. One that is used is copied into the journal first, so that the run does
//! not need the earlier run any more.

use crate::event::{Answered, Event};
use crate::id::RequestHash;
use std::collections::HashMap;

/// The answers by request.
#[derive(Clone, Debug, Default)]
pub struct EarlierAnswers {
    by_request: HashMap<RequestHash, (u16, Answered)>,
}

impl EarlierAnswers {
    /// Adds an answer of a source, which was paid there. The first answer to a request counts.
    pub fn add(&mut self, source: u16, answered: Answered) {
        self.by_request.entry(answered.request).or_insert((source, answered));
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_request.is_empty()
    }

    /// The event that copies the answer to a request, where there is one.
    pub(super) fn copy_of(&self, request: &RequestHash) -> Option<Event> {
        let (source, answer) = self.by_request.get(request)?;
        Some(Event::Reused { source: *source, answer: answer.clone() })
    }
}
