//! Recorded models: real prompts with a real model's score on every row, played again.
//!
//! The mutator's reply is a prompt that a real model once wrote from the same parent, and the task
//! model is right on a row where it was right when that prompt was recorded. Nothing is simulated and
//! nothing is made up: what was not recorded is refused, and counted. So a replay judges how a search
//! spends its calls, not how it words its requests: see `docs/simulation.md`.

// A file uses only files declared above it.
mod rows;
mod world;
mod mutator;

pub use mutator::Given;
pub use rows::RecordedRow;
pub use world::{RecordedPrompt, RecordedWorld};

use super::{Answer, CLERK, Call, EDITOR, Refused, usage_of};
use crate::event::Finish;
use crate::provider::{Llm, LlmError, Reply, Request};
use crate::seed::Seed;
use crate::task::model::Usage;
use async_trait::async_trait;
use mutator::Mutator;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The models of a recorded world for one search: the children that were given are given no more.
///
/// Answers to rows depend on nothing but the request. Which child a mutator gives depends on the seed
/// and on the requests before it, so a search gives the same run again only if its proposals arrive in
/// the same order, as they do at a concurrency of 1.
#[derive(Debug)]
pub struct Replay {
    world: Arc<RecordedWorld>,
    mutator: Mutex<Mutator>,
    /// Rows whose answers cost nothing.
    free_rows: BTreeSet<String>,
    refused_answers: AtomicU64,
}

/// What was asked that nothing was recorded of, and what the mutator gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Answers that were refused, because the prompt or the row was never recorded.
    pub refused_answers: u64,
    /// Replies of the mutator.
    pub given: Given,
}

impl Played {
    /// All refusals.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused_answers + self.given.refused
    }
}

impl Replay {
    /// The models of a world, none of whose children are given yet.
    #[must_use]
    pub fn new(world: Arc<RecordedWorld>, seed: u64) -> Self {
        let mutator = Mutator::new(&world, Seed(seed));
        Self {
            world,
            mutator: Mutex::new(mutator),
            free_rows: BTreeSet::new(),
            refused_answers: AtomicU64::new(0),
        }
    }

    /// The same with rows, by their ids, whose answers have no tokens and so cost nothing.
    #[must_use]
    pub fn with_free_rows(mut self, rows: impl IntoIterator<Item = String>) -> Self {
        self.free_rows = rows.into_iter().collect();
        self
    }

    /// The world.
    #[must_use]
    pub fn world(&self) -> &Arc<RecordedWorld> {
        &self.world
    }

    /// The counts since the start or the last reset.
    #[must_use]
    pub fn played(&self) -> Played {
        let refused_answers = self.refused_answers.load(Ordering::Relaxed);
        Played { refused_answers, given: self.mutator().given }
    }

    /// Takes all children back and forgets all counts, for another search.
    pub fn reset(&self) {
        self.mutator().reset(&self.world);
        self.refused_answers.store(0, Ordering::Relaxed);
    }

    /// Every change of it is a whole one, so that a panic elsewhere leaves nothing half done.
    fn mutator(&self) -> MutexGuard<'_, Mutator> {
        self.mutator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one way to an answer, in process and over HTTP.
    pub(super) fn answer(&self, call: Call<'_>) -> Result<Answer<'_>, Refused> {
        let (text, row) = match call.model {
            CLERK => match self.world.answer(call.messages) {
                Some((text, row)) => (text.to_owned(), Some(row.id.as_str())),
                None => {
                    self.refused_answers.fetch_add(1, Ordering::Relaxed);
                    return Err(Refused::unrecorded(
                        "this prompt with this row was never recorded",
                    ));
                }
            },
            EDITOR => (self.mutator().reply(&self.world, call.messages, call.draw)?, None),
            other => return Err(Refused::no_model(other)),
        };
        let (text, finish) = call.cut(text, Finish::Stop);
        let usage = match row {
            Some(row) if self.free_rows.contains(row) => Usage::plain(0, 0),
            _ => usage_of(call.messages, &text),
        };
        Ok(Answer { text, usage, finish, row })
    }
}

#[async_trait]
impl Llm for Replay {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        self.answer(Call::of(request)).map(Answer::into_reply).map_err(Refused::into_error)
    }
}

#[cfg(test)]
mod tests;
