//! The simulated judge: knows whether an answer is right, and errs as often as its name says.
//!
//! `judge` grades nine right answers of ten as right, and nine wrong ones of ten as wrong. `judge-0.95-0.8` has another
//! sensitivity (the share of right answers that it grades as right) and specificity (that of wrong ones graded as wrong).
//! `judge-0.95-0.8-0.2` prefers the first of two answers in two comparisons of ten, whatever they say.
//! Whether it errs follows from its name, the row, the answer and the draw: the same request always has the same grade.
//! It reads the answer and nothing that the answer says to it.

use super::draw;
use super::row::Row;
use super::words;
use super::world::World;
use super::{JUDGE, labels::AnswerForm};
use crate::prompt::Message;
use crate::seed::Seed;
use crate::task::scorer::{AskedOf, AskedPair};
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
    /// How often it prefers the first of two answers, whatever they say.
    pub prefers_first: f64,
}

impl Errors {
    /// Of the model of a name; `None`: it is no judge.
    #[must_use]
    pub fn of(model: &str) -> Option<Self> {
        let rest = model.strip_prefix(JUDGE)?;
        if rest.is_empty() {
            return Some(Self { sensitivity: USUAL, specificity: USUAL, prefers_first: 0.0 });
        }
        let share = |text: &str| text.parse().ok().filter(|it: &f64| (0.0..=1.0).contains(it));
        let shares: Option<Vec<f64>> = rest.strip_prefix('-')?.split('-').map(share).collect();
        match shares?[..] {
            [sensitivity, specificity] => {
                Some(Self { sensitivity, specificity, prefers_first: 0.0 })
            }
            [sensitivity, specificity, prefers_first] => {
                Some(Self { sensitivity, specificity, prefers_first })
            }
            _ => None,
        }
    }

    /// By which its draws are told from those of other judges.
    fn name(self) -> String {
        format!(
            "Errors {{ sensitivity: {:?}, specificity: {:?} }}",
            self.sensitivity, self.specificity
        )
    }

    /// Whether it takes an answer for right.
    fn says_right(self, is_right: bool, seed: Seed) -> bool {
        let keeps = if is_right { self.sensitivity } else { self.specificity };
        is_right == (draw::unit(seed) < keeps)
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
    if let Some(pair) = AskedPair::of(messages) {
        return compare(worlds, pair, errors, number);
    }
    let Some(asked) = AskedOf::of(messages) else {
        return Said { text: "I only grade answers.".to_owned(), row: None };
    };
    let Some((world, row)) = row_of(worlds, asked.input) else { return unknown() };
    let right = super::answer::right(row);
    let is_right = names(world, asked.answer, &right);
    let (name, seed) = (errors.name(), draw::of_text(row.seed, asked.answer));
    let mut grades = Map::new();
    for (criterion, levels) in asked.criteria {
        let seed = draw::of_text(seed.child(&name, number), &criterion);
        let says_right = errors.says_right(is_right, seed);
        let level = if says_right { levels.last() } else { levels.first() };
        let reason = match says_right {
            true => "The answer says what is expected.",
            false => "The answer does not say what is expected.",
        };
        grades.insert(criterion, json!({ "reason": reason, "level": level }));
    }
    Said { text: Value::Object(grades).to_string(), row: Some(&row.id) }
}

/// Compares two answers. What it thinks of each follows from the answer alone, and whether it looks at the place from both.
fn compare<'w>(
    worlds: impl Iterator<Item = &'w World>,
    asked: AskedPair<'_>,
    errors: Errors,
    number: u64,
) -> Said<'w> {
    let Some((world, row)) = row_of(worlds, asked.input) else { return unknown() };
    let right = super::answer::right(row);
    let says_right = |answer: &str| {
        let seed = draw::of_text(row.seed, answer).child(&errors.name(), number);
        errors.says_right(names(world, answer, &right), seed)
    };
    let of_both = draw::of_text(draw::of_text(row.seed, asked.first), asked.second);
    let by_place = draw::unit(of_both.child(&errors.name(), number)) < errors.prefers_first;
    let (better, reason) = match (says_right(asked.first), says_right(asked.second)) {
        _ if by_place => ("first", "It comes to the point at once."),
        (true, false) => ("first", "It says what is expected, and the second does not."),
        (false, true) => ("second", "It says what is expected, and the first does not."),
        (true, true) => ("tie", "Both say what is expected."),
        (false, false) => ("tie", "None of them says what is expected."),
    };
    let text = json!({ "reason": reason, "better": better }).to_string();
    Said { text, row: Some(&row.id) }
}

fn row_of<'w>(
    worlds: impl Iterator<Item = &'w World>,
    input: &str,
) -> Option<(&'w World, &'w Row)> {
    worlds.into_iter().find_map(|world| Some((world, world.row_in(input)?)))
}

fn unknown<'w>() -> Said<'w> {
    Said { text: "I do not know what was asked.".to_owned(), row: None }
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
