//! What a judge decides about an answer: its level by a rubric, or whether it is better than another one.
//!
//! A scorer of this method asks one question or several, each a call of its own; how a question is written and its
//! reply is read follows from the texts alone. Who asks, and what it costs, is the engine's.

use super::criteria::Rubric;
use super::pairwise::{ORDERS_AGREE, PREFERS_FIRST, Pairwise};
use super::verdict::Verdict;
use crate::prompt::{Message, value_text};
use crate::task::example::Example;
use serde::Serialize;
use std::borrow::Cow;

/// What a judge is shown of a row and an answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown<'a> {
    /// What was answered.
    pub input: &'a str,
    /// The expected answer, where the rubric shows it; the one that others are compared with.
    pub reference: Option<&'a str>,
    /// The answer.
    pub answer: &'a str,
}

/// What a judge decides.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Judging {
    /// The level of each criterion.
    Rubric(Rubric),
    /// Which of two answers is better.
    Pairwise(Pairwise),
}

impl Judging {
    /// The rubric; `None` where two answers are compared.
    #[must_use]
    pub fn rubric(&self) -> Option<&Rubric> {
        match self {
            Self::Rubric(rubric) => Some(rubric),
            Self::Pairwise(_) => None,
        }
    }

    /// How many questions an answer raises, at least 1.
    #[must_use]
    pub fn questions(&self) -> u32 {
        match self {
            Self::Rubric(_) => 1,
            Self::Pairwise(_) => Pairwise::QUESTIONS,
        }
    }

    /// The second text that the judge is shown of a row: see [`Shown::reference`].
    #[must_use]
    pub fn reference<'a>(&self, row: &'a Example) -> Option<Cow<'a, str>> {
        match self {
            Self::Rubric(rubric) => rubric.shows_reference.then(|| value_text(&row.answer)),
            Self::Pairwise(pairwise) => pairwise.other(row),
        }
    }

    /// Checks that a row can be judged.
    ///
    /// # Errors
    /// What it lacks: a lower-case sentence without a full stop.
    pub(super) fn check(&self, row: &Example) -> Result<(), String> {
        match self {
            Self::Rubric(rubric) if rubric.shows_reference && row.answer.is_null() => {
                Err("it has no answer, which the judge would be shown".to_owned())
            }
            Self::Rubric(_) => Ok(()),
            Self::Pairwise(pairwise) => pairwise.check(row),
        }
    }

    /// The verdict that needs no judge, if there is one.
    pub(super) fn known(&self, answer: &str, row: &Example) -> Option<Verdict> {
        match self {
            Self::Rubric(_) => None,
            Self::Pairwise(pairwise) => pairwise.known(answer, row),
        }
    }

    /// The messages of one of its questions, counted from 0. The first one is the same for all answers.
    #[must_use]
    pub fn question(&self, number: u32, shown: Shown<'_>) -> Vec<Message> {
        match self {
            Self::Rubric(rubric) => rubric.question(shown),
            Self::Pairwise(pairwise) => pairwise.question(number, shown),
        }
    }

    /// What a judge is told of all answers.
    #[must_use]
    pub fn instructions(&self) -> String {
        match self {
            Self::Rubric(rubric) => rubric.instructions(),
            Self::Pairwise(pairwise) => pairwise.instructions(),
        }
    }

    /// Bytes of a question without the texts that are judged.
    #[must_use]
    pub fn question_bytes(&self) -> usize {
        let shown = Shown { input: "", reference: Some(""), answer: "" };
        self.question(0, shown).iter().map(|message| message.content.len()).sum()
    }

    /// How many sentences a reply has.
    #[must_use]
    pub fn sentences(&self) -> usize {
        match self {
            Self::Rubric(rubric) => rubric.criteria.len(),
            Self::Pairwise(_) => 1,
        }
    }

    /// What the reply to one of its questions says of the answer.
    ///
    /// # Errors
    /// Why it cannot be read: a lower-case sentence without a full stop.
    pub fn read(&self, number: u32, reply: &str) -> Result<Verdict, String> {
        match self {
            Self::Rubric(rubric) => rubric.read(reply),
            Self::Pairwise(pairwise) => pairwise.read(number, reply),
        }
    }

    /// The verdict of the replies to all its questions, in their order.
    #[must_use]
    pub fn verdict(&self, replies: Vec<Verdict>) -> Verdict {
        match self {
            // Its one question is asked before it is scored.
            Self::Rubric(_) => {
                replies.into_iter().next().unwrap_or_else(|| Verdict::wrong("no grade"))
            }
            Self::Pairwise(pairwise) => pairwise.verdict(&replies),
        }
    }

    /// The names of its metrics.
    #[must_use]
    pub fn metrics(&self) -> Vec<&str> {
        match self {
            Self::Rubric(rubric) => rubric.names().collect(),
            Self::Pairwise(_) => vec![ORDERS_AGREE, PREFERS_FIRST],
        }
    }
}
