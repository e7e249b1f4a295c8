//! The simulated world: rows, skills, and the exact probability that an answer is right.
//!
//! Not a part of any search: a strategy sees answers, never these numbers. Only `simulate --oracle`
//! and the project's own benchmarks ask for them.

use super::draw;
use super::form;
use super::index::RowIndex;
pub use super::labels::AnswerForm;
use super::labels::Labels;
pub use super::parameters::WorldParameters;
use super::row::Row;
pub use super::row::WorldRow;
use super::skill::Skills;
use super::statement::{Demonstration, Reading};
use crate::prompt::{Message, Role, value_text};
use crate::seed::Seed;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

/// Bounds of the probability that the clerk knows the answer.
const LEAST: f64 = 0.02;
const MAX: f64 = 0.985;
/// Prompts whose readings are kept.
const KEPT_READINGS: usize = 4_096;

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct WorldSpec {
    /// All rows, of every split.
    pub rows: Vec<WorldRow>,
    /// What answers look like.
    pub form: AnswerForm,
    /// The model seed: another seed is another clerk and another editor.
    pub seed: u64,
    /// What this world is like.
    pub parameters: WorldParameters,
}

/// The simulated world.
#[derive(Debug)]
pub struct World {
    pub(super) form: AnswerForm,
    pub(super) labels: Labels,
    pub(super) skills: Skills,
    pub(super) rows: Vec<Row>,
    pub(super) seed: Seed,
    pub(super) parameters: WorldParameters,
    fields: BTreeSet<String>,
    index: RowIndex,
    /// What the baseline's user template says around the input.
    frame: String,
    readings: RwLock<HashMap<[u8; 32], Arc<Reading>>>,
}

/// A request, understood.
#[derive(Debug)]
pub(super) struct Case<'w> {
    pub(super) row: &'w Row,
    pub(super) reading: Arc<Reading>,
    /// The probability that the clerk knows the answer, before its form can spoil it.
    pub(super) knows: f64,
}

impl World {
    /// Finds the skills and draws what is hidden.
    #[must_use]
    pub fn new(spec: WorldSpec) -> Self {
        let seed = Seed(spec.seed).child("simulated world", 0);
        let labels = Labels::new(&spec.form);
        let skills = Skills::new(&spec.rows, &spec.form, &labels, &spec.parameters, seed);
        let index =
            RowIndex::new(spec.rows.iter().map(|row| (row.user_text.as_str(), row.input.as_str())));
        let fields = spec
            .rows
            .iter()
            .filter_map(|row| row.answer.as_object())
            .flat_map(|object| object.keys())
            .map(|key| key.to_lowercase())
            .collect();
        let frame = common_frame(&spec.rows);
        let rows = spec
            .rows
            .into_iter()
            .zip(&skills.of_row)
            .map(|(row, skill)| {
                let seed = draw::of_text(seed.child("row", 0), &row.id);
                Row {
                    id: row.id,
                    answer: row.answer,
                    skill: *skill,
                    second: skills.all.get(*skill).and_then(|it| it.neighbour).filter(|_| {
                        draw::unit(seed.child("second skill", 0)) < spec.parameters.paired
                    }),
                    difficulty: spec.parameters.difficulty
                        * draw::normal(seed.child("difficulty", 0)),
                    seed,
                }
            })
            .collect();
        Self {
            form: spec.form,
            labels,
            skills,
            rows,
            seed,
            parameters: spec.parameters,
            fields,
            index,
            frame,
            readings: RwLock::new(HashMap::new()),
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The exact expected score of a request: the mean over all draws. Nothing where its row is not
    /// known. It is assumed that the answer fits into `max_output_tokens`.
    #[must_use]
    pub fn probability(&self, messages: &[Message]) -> Option<f64> {
        self.case(messages).map(|case| self.expected_score(&case))
    }

    /// The mean expected score over some requests, such as those of one split; a request about no
    /// known row scores 0, and so does no request at all.
    pub fn true_quality<M: AsRef<[Message]>>(&self, requests: impl IntoIterator<Item = M>) -> f64 {
        let scores =
            requests.into_iter().map(|messages| self.probability(messages.as_ref()).unwrap_or(0.0));
        mean(scores)
    }

    /// The mean expected score over all rows of a system message, with the user messages of the
    /// baseline.
    #[must_use]
    pub fn true_quality_of(&self, system: &str) -> f64 {
        mean(self.true_scores_of(system).into_iter().map(|(_, score)| score))
    }

    /// The expected score of each row, by its id, for a system message with the user messages of
    /// the baseline.
    #[must_use]
    pub fn true_scores_of(&self, system: &str) -> Vec<(&str, f64)> {
        let reading = self.read(&instructions(system, &self.frame));
        self.rows
            .iter()
            .map(|row| {
                let knows = self.knows(row, &reading);
                let case = Case { row, reading: Arc::clone(&reading), knows };
                (row.id.as_str(), self.expected_score(&case))
            })
            .collect()
    }

    /// What a request is about: its row by the last user message, its instructions by the rest.
    pub(super) fn case(&self, messages: &[Message]) -> Option<Case<'_>> {
        let asked = messages.iter().rposition(|message| message.role == Role::User)?;
        let user = &messages[asked].content;
        let mut others = messages
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != asked)
            .map(|(_, message)| message.content.as_str());
        let first = others.next().unwrap_or("");
        let mut system = Cow::Borrowed(first);
        for other in others {
            system.to_mut().push_str("\n\n");
            system.to_mut().push_str(other);
        }
        let (row, frame) = match self.index.exact(user) {
            Some(row) => (row, Cow::Borrowed(self.frame.as_str())),
            None => {
                let found = self.index.last_in(user)?;
                let frame = framed(&user[..found.start], &user[found.end..]);
                (found.row, Cow::Owned(frame))
            }
        };
        let row = self.rows.get(row)?;
        let reading = self.read(&instructions(&system, &frame));
        let knows = self.knows(row, &reading);
        Some(Case { row, reading, knows })
    }

    /// The row whose input a text is, or holds.
    pub(super) fn row_in(&self, text: &str) -> Option<&Row> {
        let place = self.index.exact(text).or_else(|| Some(self.index.last_in(text)?.row))?;
        self.rows.get(place)
    }

    fn knows(&self, row: &Row, reading: &Reading) -> f64 {
        let Some(stance) = reading.stances.get(row.skill) else {
            return LEAST;
        };
        let reasoning =
            if reading.asked.reasons { self.form.reasoning_gain(row.difficulty) } else { 0.0 };
        let first = draw::logistic(stance.logit - row.difficulty + reasoning);
        let second = row.second.and_then(|second| reading.stances.get(second));
        // A row that needs two rules is answered only by knowing both; the row's difficulty is counted once.
        let second = second.map_or(1.0, |stance| draw::logistic(stance.logit + reasoning));
        (first * second).clamp(LEAST, MAX)
    }

    /// Right answers count in full, wrong ones by their form, malformed ones nothing.
    fn expected_score(&self, case: &Case<'_>) -> f64 {
        let wrong = form::expected_score_when_wrong(&self.form, &case.row.answer);
        let readable = case.knows + (1.0 - case.knows) * wrong;
        (1.0 - case.reading.asked.malformed) * readable
    }

    /// The reading of a prompt, made once.
    fn read(&self, text: &str) -> Arc<Reading> {
        let key = *blake3::hash(text.as_bytes()).as_bytes();
        let kept = self.readings.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(reading) = kept.get(&key) {
            return Arc::clone(reading);
        }
        drop(kept);
        let demonstrations = self.demonstrations(text);
        let reading = Arc::new(Reading::new(
            text,
            &self.form,
            &self.labels,
            &self.fields,
            &self.skills,
            &demonstrations,
            &self.parameters,
            self.seed,
        ));
        let mut kept = self.readings.write().unwrap_or_else(PoisonError::into_inner);
        // Readings are functions of their texts, so that forgetting all of them changes no answer.
        if kept.len() >= KEPT_READINGS {
            kept.clear();
        }
        kept.insert(key, Arc::clone(&reading));
        reading
    }

    /// Rows that stand in a prompt with an output on the next line.
    fn demonstrations(&self, text: &str) -> Vec<Demonstration> {
        self.index
            .all_in(text)
            .into_iter()
            .filter_map(|found| {
                let row = self.rows.get(found.row)?;
                let after =
                    text[found.end..].lines().map(str::trim).find(|line| !line.is_empty())?;
                let output = after
                    .split_once(':')
                    .filter(|(key, _)| key.len() <= 12 && key.chars().all(char::is_alphabetic))
                    .map_or(after, |(_, output)| output);
                Some(Demonstration {
                    skill: row.skill,
                    right: is_answer(output.trim(), &row.answer),
                })
            })
            .collect()
    }
}

fn is_answer(output: &str, answer: &serde_json::Value) -> bool {
    output.to_lowercase() == value_text(answer).trim().to_lowercase()
        || serde_json::from_str::<serde_json::Value>(output).is_ok_and(|read| read == *answer)
}

fn mean(scores: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = scores.fold((0.0, 0_u32), |(sum, count), score| (sum + score, count + 1));
    sum / f64::from(count.max(1))
}

/// The text that a reading is made of.
fn instructions<'a>(system: &'a str, frame: &str) -> Cow<'a, str> {
    if frame.is_empty() {
        Cow::Borrowed(system)
    } else {
        Cow::Owned(format!("{system}\n\n{frame}"))
    }
}

/// What is around an input, without blank ends.
fn framed(before: &str, after: &str) -> String {
    format!("{}\n{}", before.trim(), after.trim()).trim().to_owned()
}

/// What the user messages of all rows have in common at their ends.
fn common_frame(rows: &[WorldRow]) -> String {
    let Some((first, others)) = rows.split_first() else {
        return String::new();
    };
    let text = first.user_text.as_str();
    let Some(at) = text.find(&first.input) else {
        return String::new();
    };
    let (mut before, mut after) = (&text[..at], &text[at + first.input.len()..]);
    for row in others {
        let common = common_length(before.chars(), row.user_text.chars());
        before = &before[..common];
        let common = common_length(after.chars().rev(), row.user_text.chars().rev());
        after = &after[after.len() - common..];
    }
    framed(before, after)
}

/// Bytes of the characters that two texts share from their start.
fn common_length(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}
