//! What a model decides about an answer: its level by a rubric, whether it is better than another one, or how near both are in
//! meaning.
//!
//! A scorer of this method asks one question or several, each a call of its own; how a question is written and its
//! reply is read follows from the texts alone. Who asks, and what it costs, is the engine's.

use super::criteria::Rubric;
use super::frame::Shown;
use super::meaning::Meaning;
use super::pair::{ORDERS_AGREE, PREFERS_FIRST, Pairwise};
use super::verdict::Verdict;
use crate::prompt::Message;
use serde::Serialize;
use std::borrow::Cow;

/// What a judge decides.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Judging {
    /// The level of each criterion.
    Rubric(Rubric),
    /// Which of two answers is better.
    Pairwise(Pairwise),
    /// How near the answer is to the right one, by vectors of the model `embed`.
    Meaning(Meaning),
}

impl Judging {
    /// The rubric; `None` where two answers are compared.
    #[must_use]
    pub fn rubric(&self) -> Option<&Rubric> {
        match self {
            Self::Rubric(rubric) => Some(rubric),
            Self::Pairwise(_) | Self::Meaning(_) => None,
        }
    }

    /// Whether it asks for vectors, and no judge.
    #[must_use]
    pub fn asks_vectors(&self) -> bool {
        matches!(self, Self::Meaning(_))
    }

    /// How many questions an answer raises, at least 1.
    #[must_use]
    pub fn questions(&self) -> u32 {
        match self {
            Self::Rubric(_) | Self::Meaning(_) => 1,
            Self::Pairwise(_) => Pairwise::QUESTIONS,
        }
    }

    /// The messages of one of its questions, counted from 0. The first one of a judge is the same for all answers.
    #[must_use]
    pub fn question(&self, number: u32, shown: Shown<'_>) -> Vec<Message> {
        match self {
            Self::Rubric(rubric) => rubric.question(shown),
            Self::Pairwise(pairwise) => pairwise.question(number, shown),
            Self::Meaning(_) => Meaning::question(shown.answer, shown.references),
        }
    }

    /// What a judge is told of all answers.
    #[must_use]
    pub fn instructions(&self) -> String {
        match self {
            Self::Rubric(rubric) => rubric.instructions(),
            Self::Pairwise(pairwise) => pairwise.instructions(),
            Self::Meaning(_) => String::new(),
        }
    }

    /// Bytes of a question without the texts that are judged.
    #[must_use]
    pub fn question_bytes(&self) -> usize {
        let shown = Shown { input: "", references: &[Cow::Borrowed("")], answer: "" };
        self.question(0, shown).iter().map(|message| message.content.len()).sum()
    }

    /// How many sentences a reply has.
    #[must_use]
    pub fn sentences(&self) -> usize {
        match self {
            Self::Rubric(rubric) => rubric.criteria.len(),
            Self::Pairwise(_) => 1,
            Self::Meaning(_) => 0,
        }
    }

    /// What the reply to one of its questions, which asked this, says of the answer.
    ///
    /// # Errors
    /// Why it cannot be read: a lower-case sentence without a full stop.
    pub fn read(&self, number: u32, asked: &[Message], reply: &str) -> Result<Verdict, String> {
        match self {
            Self::Rubric(rubric) => rubric.read(reply),
            Self::Pairwise(pairwise) => pairwise.read(number, reply),
            Self::Meaning(_) => Meaning::read(asked, reply),
        }
    }

    /// The verdict of the replies to all its questions, in their order.
    #[must_use]
    pub fn verdict(&self, replies: Vec<Verdict>) -> Verdict {
        match self {
            // Its one question is asked before it is scored.
            Self::Rubric(_) | Self::Meaning(_) => {
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
            Self::Meaning(_) => Vec::new(),
        }
    }
}
