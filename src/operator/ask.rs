//! What an operator knows when it writes a request and reads its reply.
//!
//! Everything here follows from journaled events, so a request is the same again after a resume.

use super::brief::Evidence;
use super::diagnosis::diagnosis;
use super::framing::Nonce;
use super::reply;
use super::styles::MUTATORS;
use super::tried::in_words;
use crate::event::{Draft, Rejection, Shown};
use crate::id::{CandidateIx, EventNumber, RowIx};
use crate::journal::JournalError;
use crate::memory::State;
use crate::memory::StepResult;
use crate::prompt::{Prompt, with_front_matter_of};
use crate::seed::Seed;
use crate::state::Cell;
use crate::task::example::Split;

/// Why a reply is no candidate: the reason, and what it is about.
pub type Refusal = (Rejection, String);

/// What a reply says.
#[derive(Clone, Debug, PartialEq)]
pub enum ReplyContent {
    /// Texts for the next step.
    Notes(Vec<String>),
    /// A prompt for the next step.
    Draft(Prompt),
    /// The prompt of a candidate.
    Child(Prompt),
}

/// Training rows with the answers that the journal holds.
pub trait Answers {
    /// A training row as it is shown, with the answer that an event holds and what it was worth;
    /// `None` where there is no such row or answer.
    ///
    /// # Errors
    /// The journal cannot be read.
    fn evidence(
        &self,
        row: RowIx,
        answer: Option<EventNumber>,
    ) -> Result<Option<Evidence>, JournalError>;
}

/// A draft whose request is written, or whose reply is read.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// All facts so far, and what is remembered of them.
    pub state: &'a State,
    /// The draft.
    pub draft: &'a Draft,
    /// The rows that are shown.
    pub shown: &'a [Shown],
    /// The searched parts that a model may rewrite: all but the demonstrations.
    pub texts: &'a [String],
    /// The run's seed.
    pub seed: Seed,
    /// The nonce of the request whose reply is read; nothing while it is written.
    pub nonce: Option<Nonce>,
    /// The training rows.
    pub answers: &'a dyn Answers,
}

impl<'a> Ask<'a> {
    /// A candidate's prompt.
    #[must_use]
    pub fn prompt(&self, candidate: CandidateIx) -> &'a Prompt {
        &self.state.standing(candidate).candidate.prompt
    }

    /// The item of an earlier step's result that the draft continues from.
    fn source(&self) -> Option<(&'a StepResult, usize)> {
        let source = self.draft.from?;
        let continuation = self.state.memory.steps.of(source.proposal)?;
        Some((&continuation.result, usize::from(source.item)))
    }

    /// The text that an earlier step wrote for this one.
    #[must_use]
    pub fn note(&self) -> Option<&'a str> {
        match self.source()? {
            (StepResult::Notes(notes), item) => notes.get(item).map(String::as_str),
            _ => None,
        }
    }

    /// What the reply replaces: an earlier step's prompt, or the first parent's.
    #[must_use]
    pub fn current(&self) -> &'a Prompt {
        match self.source() {
            Some((StepResult::Prompt(prompt), _)) => prompt,
            _ => self.prompt(self.draft.parents[0]),
        }
    }

    /// The parts that the reply may change.
    #[must_use]
    pub fn asked(&self) -> &'a [String] {
        match self.draft.part.and_then(|part| self.texts.get(usize::from(part))) {
            Some(part) => std::slice::from_ref(part),
            None => self.texts,
        }
    }

    /// The mutation instruction that the first parent carries.
    #[must_use]
    pub fn inherited_mutation_prompt(&self) -> Option<String> {
        self.state.standing(self.draft.parents[0]).candidate.gene.clone()
    }

    /// The mutation instruction of the built-in list that the draft's number picks.
    #[must_use]
    pub fn listed_mutation_prompt(&self) -> String {
        MUTATORS[self.draft.variant as usize % MUTATORS.len()].to_owned()
    }

    /// A training row with an answer of a candidate.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn answered(
        &self,
        candidate: CandidateIx,
        replicate: u16,
        row: RowIx,
    ) -> Result<Option<Evidence>, JournalError> {
        let cell = self.state.standing(candidate).column(Split::Train, replicate).cell(row);
        let answer = match cell {
            Cell::Scored { answer, .. } => Some(answer),
            _ => None,
        };
        self.answers.evidence(row, answer)
    }

    /// The shown rows, each with the answer of the first parent that is shown beside it.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn evidence(&self) -> Result<Vec<Evidence>, JournalError> {
        self.evidence_of(self.shown.iter().filter(|shown| !shown.counted))
    }

    /// What all rows have in common that the request counts; `None` where it counts none.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn diagnosis(&self) -> Result<Option<String>, JournalError> {
        if !self.draft.diagnosed {
            return Ok(None);
        }
        Ok(diagnosis(&self.evidence_of(self.shown.iter())?))
    }

    /// What earlier children of the first parent changed, and what came of it; `None` where none is shown.
    #[must_use]
    pub fn tried(&self) -> Option<String> {
        let tried = self.draft.tried.iter().map(|tried| {
            let child = self.prompt(tried.candidate);
            in_words(self.current(), child, self.asked(), *tried)
        });
        let said: Vec<String> = tried.collect();
        (!said.is_empty()).then(|| said.join("\n"))
    }

    fn evidence_of<'s>(
        &self,
        shown: impl Iterator<Item = &'s Shown>,
    ) -> Result<Vec<Evidence>, JournalError> {
        let mut evidence = Vec::new();
        for Shown { row, replicate, .. } in shown {
            evidence.extend(match (replicate, self.draft.parents.first()) {
                (Some(replicate), Some(parent)) => self.answered(*parent, *replicate, *row)?,
                _ => self.answers.evidence(*row, None)?,
            });
        }
        Ok(evidence)
    }

    fn nonce(&self) -> Result<Nonce, Refusal> {
        self.nonce.ok_or_else(|| (Rejection::NoTags, "the request had no tags".to_owned()))
    }

    /// The notes of a reply to a request for this many.
    ///
    /// # Errors
    /// The reply is refused.
    pub fn read_notes(&self, text: &str, asked: u32) -> Result<Vec<String>, Refusal> {
        reply::notes(text, self.nonce()?, asked)
    }

    /// The current prompt with the new parts of a reply.
    ///
    /// # Errors
    /// The reply is refused.
    pub fn read_prompt(&self, text: &str) -> Result<Prompt, Refusal> {
        let parts = reply::read(text, self.nonce()?, self.asked())?;
        Ok(with_front_matter_of(with_parts(self.current(), parts), self.current()))
    }
}

/// A prompt with new texts; a part keeps its parent's end, since a reply's is cut off with its tags.
#[must_use]
pub(super) fn with_parts(parent: &Prompt, parts: Vec<(String, String)>) -> Prompt {
    parts.into_iter().fold(parent.clone(), |prompt, (name, text)| {
        let ends = parent.part(&name).is_some_and(|old| old.ends_with('\n'));
        let text = if ends { format!("{text}\n") } else { text };
        prompt.with_part(&name, &text)
    })
}
