//! The simulated judge: knows whether an answer is right, and errs as often as its name says.
//!
//! `judge` grades nine right answers of ten as right, and nine wrong ones of ten as wrong. `judge-0.95-0.8` has another
//! sensitivity (the share of right answers that it grades as right) and specificity (that of wrong ones graded as wrong).
//! Whether it errs follows from its name, the row, the answer and the draw: the same request always has the same grade.
//! It reads the answer and nothing that the answer says to it.

use super::draw;
use super::words;
use super::world::World;
use super::{JUDGE, labels::AnswerForm};
use crate::prompt::Message;
use crate::task::scorer::AskedOf;
use serde_json::{Map, Value, json};

/// How often it is right where its name does not say it.
const USUAL: f64 = 0.9;

/// How often a judge is right, each from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// About right answers.
    pub sensitivity: f64,
    /// About wrong answers.
    pub specificity: f64,
}

impl Errors {
    /// Of the model of a name; `None`: it is no judge.
    #[must_use]
    pub fn of(model: &str) -> Option<Self> {
        let rest = model.strip_prefix(JUDGE)?;
        if rest.is_empty() {
            return Some(Self { sensitivity: USUAL, specificity: USUAL });
        }
        let (sensitivity, specificity) = rest.strip_prefix('-')?.split_once('-')?;
        let share = |text: &str| text.parse().ok().filter(|it: &f64| (0.0..=1.0).contains(it));
        Some(Self { sensitivity: share(sensitivity)?, specificity: share(specificity)? })
    }
}

/// Whether a simulated model is a judge.
#[must_use]
pub fn is_named(model: &str) -> bool {
    Errors::of(model).is_some()
}

/// What a judge says, and about which row.
pub(super) struct Said<'w> {
    pub(super) text: String,
    pub(super) row: Option<&'w str>,
}

/// Grades the answer that a request shows.
pub(super) fn say<'w>(
    worlds: impl Iterator<Item = &'w World>,
    messages: &[Message],
    errors: Errors,
    number: u64,
) -> Said<'w> {
    let Some(asked) = AskedOf::of(messages) else {
        return Said { text: "I only grade answers.".to_owned(), row: None };
    };
    let found = worlds.into_iter().find_map(|world| Some((world, world.row_in(asked.input)?)));
    let Some((world, row)) = found else {
        return Said { text: "I do not know what was asked.".to_owned(), row: None };
    };
    let right = super::answer::right(row);
    let is_right = names(world, asked.answer, &right);
    let (name, seed) = (format!("{errors:?}"), draw::of_text(row.seed, asked.answer));
    let mut grades = Map::new();
    for (criterion, levels) in asked.criteria {
        let seed = draw::of_text(seed.child(&name, number), &criterion);
        let keeps = if is_right { errors.sensitivity } else { errors.specificity };
        let says_right = is_right == (draw::unit(seed) < keeps);
        let level = if says_right { levels.last() } else { levels.first() };
        let reason = match says_right {
            true => "The answer says what is expected.",
            false => "The answer does not say what is expected.",
        };
        grades.insert(criterion, json!({ "reason": reason, "level": level }));
    }
    Said { text: Value::Object(grades).to_string(), row: Some(&row.id) }
}

/// Whether an answer names the right one; of labels, no other one.
fn names(world: &World, answer: &str, right: &str) -> bool {
    let said: Vec<String> = words::raw(answer).map(str::to_lowercase).collect();
    let holds = |text: &str| {
        let wanted: Vec<String> = words::raw(text).map(str::to_lowercase).collect();
        !wanted.is_empty() && said.windows(wanted.len()).any(|window| window == wanted)
    };
    let others = match &world.form {
        AnswerForm::Label(labels) => labels.as_slice(),
        _ => &[],
    };
    let is_other = |label: &&String| !label.eq_ignore_ascii_case(right);
    holds(right) && !others.iter().filter(is_other).any(|label| holds(label))
}
