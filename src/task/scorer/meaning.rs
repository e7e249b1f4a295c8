//! `similar` of a task with a model for vectors: how near the answer and the right answer are in meaning, as the cosine of the
//! vectors that the model gives to both. Below 0 it counts 0.
//!
//! Without such a model `similar` compares words and letters, in a file of its own.

use super::verdict::Verdict;
use crate::prompt::{Message, Role};
use crate::text::shorten;
use crate::units::Score;
use crate::vector;
use serde::Serialize;
use std::borrow::Cow;

/// The most letters of a text that feedback shows.
const LONGEST_SHOWN: usize = 200;

/// What is compared is the row's: nothing is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Meaning;

impl Meaning {
    /// A request for the vectors of the answer and of each right answer.
    pub(super) fn question(answer: &str, references: &[Cow<'_, str>]) -> Vec<Message> {
        let texts = std::iter::once(answer).chain(references.iter().map(|it| &**it));
        let message = |text: &str| Message { role: Role::User, content: text.to_owned() };
        texts.map(message).collect()
    }

    /// The verdict that the vectors of these texts give.
    pub(super) fn read(asked: &[Message], reply: &str) -> Result<Verdict, String> {
        let vectors = vector::from_text(reply).map_err(|error| error.to_string())?;
        let [answer, references @ ..] = &vectors[..] else {
            return Err("it holds no vectors".to_owned());
        };
        if vectors.len() != asked.len() {
            return Err(format!("it holds {} vectors of {} texts", vectors.len(), asked.len()));
        }
        let cosines = references.iter().filter_map(|reference| answer.cosine(reference));
        let near = cosines.reduce(f64::max).ok_or("its vectors cannot be compared")?;
        let score = Score::new(near.clamp(0.0, 1.0)).unwrap_or(Score::ZERO);
        let feedback = (!score.is_perfect()).then(|| {
            let shown = |place: usize| {
                asked.get(place).map_or_else(String::new, |it| shorten(&it.content, LONGEST_SHOWN))
            };
            format!(
                "Expected the meaning of `{}`, got `{}`: {:.2} of 1 alike.",
                shown(1),
                shown(0),
                score.value()
            )
        });
        Ok(Verdict::scored(score, feedback))
    }
}
