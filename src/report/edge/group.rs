//! What the failing rows of a prompt have in common: a word, the value of a column, the right answer.
//!
//! Many properties are tested, so each p-value is shown times their number: a group whose adjusted p-value is above 5 % may be
//! chance, and is told as such. The group with the smallest one is taken, its rows are put aside, and the search goes on with the rest, so that groups do not repeat
//! each other.

use super::tested::{Score, Tested};
use crate::prompt::value_text;
use crate::report::rows::input_of;
use crate::stats::association::fisher_exact;
use crate::task::words::words;
use crate::text::shorten;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The fewest failing rows of a group.
const FEWEST_FAILING: usize = 3;
/// The most groups.
const MOST_GROUPS: usize = 8;
/// A group is named where chance alone would make one property fail as often in at most this share of cases.
const NAMED_AT: f64 = 0.01;
/// Values of a column that make groups: more, or longer ones, are texts.
const MOST_VALUES: usize = 20;
const LONGEST_VALUE: usize = 60;

/// The most rows of a group, and of those that the best prompt solves, that a model is shown.
const MOST_SHOWN: usize = 10;

/// Rows that have something in common and fail more often than the others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailureGroup {
    /// What they have in common in the words of a model, where one was asked and found something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What they have in common.
    #[serde(flatten)]
    pub property: Property,
    /// Rows of the group, those of earlier groups left out.
    pub rows: usize,
    /// Those of them that fail.
    pub failing: usize,
    /// Rows outside of the group, those of earlier groups left out.
    pub other_rows: usize,
    /// Those of them that fail.
    pub other_failing: usize,
    /// One-sided p-value (Fisher's exact test), for this property alone.
    pub p_value: f64,
    /// The same times the number of properties that were tested, at most 1 (Bonferroni).
    pub adjusted_p_value: f64,
    /// The ids of the failing rows.
    pub failing_rows: Vec<String>,
    /// Some of the failing rows, spread over all of them.
    #[serde(skip)]
    pub shown: Vec<AnsweredCase>,
}

/// A row with what the best prompt answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredCase {
    /// What prompts show of the row.
    pub input: String,
    /// A right answer, if the row has one.
    pub expected: Option<String>,
    /// The answer of the best prompt.
    pub answer: Option<String>,
}

impl AnsweredCase {
    fn of(tested: &Tested<'_>, best: usize, place: usize) -> Self {
        let example = tested.places[place].example;
        let right = tested.task.scorers.right_answers(example);
        let mut right = right.iter().map(|it| value_text(it).into_owned());
        Self {
            input: input_of(tested.task, example),
            expected: right.find(|it| !it.trim().is_empty()),
            answer: tested.answer(best, place).map(|it| it.answered.text.clone()),
        }
    }

    /// Some of these rows, from the first to the last.
    fn some(tested: &Tested<'_>, best: usize, places: &[usize]) -> Vec<Self> {
        let count = places.len().min(MOST_SHOWN);
        let of = |number: usize| places[number * places.len() / count];
        (0..count).map(|number| Self::of(tested, best, of(number))).collect()
    }
}

/// What rows may have in common. The more specific one is the smaller one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Property {
    /// The right answer.
    RightAnswer {
        /// That answer.
        value: String,
    },
    /// The value of a column that has few values.
    Column {
        /// The column's name.
        column: String,
        /// The value.
        value: String,
    },
    /// A word of the input.
    Word {
        /// The word, in lower case.
        value: String,
    },
}

/// The groups, and how many failures are in none. Nothing without a best prompt.
pub(super) fn groups(tested: &Tested<'_>) -> (Vec<FailureGroup>, usize) {
    let Some(best) = tested.best else { return (Vec::new(), 0) };
    let mut left: BTreeMap<usize, bool> = (0..tested.places.len())
        .filter_map(|place| Some((place, !tested.score(best, place)?.is_solved())))
        .collect();
    let rows_by_property = properties(tested, left.keys().copied());
    let tests = rows_by_property.len();
    let mut groups = Vec::new();
    while groups.len() < MOST_GROUPS {
        let all = left.len() as u64;
        let failed = left.values().filter(|fails| **fails).count() as u64;
        let tested_groups = rows_by_property.iter().filter_map(|(property, rows)| {
            let group: Vec<usize> =
                rows.iter().copied().filter(|it| left.contains_key(it)).collect();
            let failing = group.iter().filter(|it| left[it]).count();
            if failing < FEWEST_FAILING {
                return None;
            }
            let p = fisher_exact(failing as u64, group.len() as u64, failed, all);
            Some((p, property, group, failing))
        });
        // Of equal ones the more specific kind, which is the first in order.
        let Some((p_value, property, group, failing)) =
            tested_groups.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)))
        else {
            break;
        };
        if p_value > NAMED_AT {
            break;
        }
        let failing_places: Vec<usize> = group.iter().copied().filter(|it| left[it]).collect();
        groups.push(FailureGroup {
            property: property.clone(),
            rows: group.len(),
            failing,
            other_rows: left.len() - group.len(),
            other_failing: failed as usize - failing,
            p_value,
            adjusted_p_value: (p_value * tests as f64).min(1.0),
            name: None,
            shown: AnsweredCase::some(tested, best, &failing_places),
            failing_rows: failing_places
                .iter()
                .map(|it| tested.places[*it].example.id.to_string())
                .collect(),
        });
        group.iter().for_each(|it| {
            left.remove(it);
        });
    }
    let ungrouped = left.values().filter(|fails| **fails).count();
    (groups, ungrouped)
}

/// Some of the rows that the best prompt solves.
pub(super) fn solved(tested: &Tested<'_>) -> Vec<AnsweredCase> {
    let Some(best) = tested.best else { return Vec::new() };
    let is_solved = |it: &usize| tested.score(best, *it).is_some_and(Score::is_solved);
    let places: Vec<usize> = (0..tested.places.len()).filter(is_solved).collect();
    AnsweredCase::some(tested, best, &places)
}

/// The rows that have each property, for those that some rows have and some do not.
fn properties(
    tested: &Tested<'_>,
    places: impl Iterator<Item = usize> + Clone,
) -> BTreeMap<Property, BTreeSet<usize>> {
    let mut found: BTreeMap<Property, BTreeSet<usize>> = BTreeMap::new();
    let mut columns: BTreeMap<&str, BTreeMap<String, BTreeSet<usize>>> = BTreeMap::new();
    let mut answers: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    let all = places.clone().count();
    for place in places {
        let example = tested.places[place].example;
        words(&input_of(tested.task, example), |word| {
            found.entry(Property::Word { value: word.to_owned() }).or_default().insert(place);
        });
        for (name, value) in &example.columns {
            let value = value_text(value).into_owned();
            columns.entry(name).or_default().entry(value).or_default().insert(place);
        }
        for answer in tested.task.scorers.right_answers(example) {
            let answer = value_text(&answer).into_owned();
            if !answer.trim().is_empty() {
                answers.entry(answer).or_default().insert(place);
            }
        }
    }
    let is_category = |values: &BTreeMap<String, BTreeSet<usize>>| {
        values.len() <= MOST_VALUES && values.keys().all(|it| it.len() <= LONGEST_VALUE)
    };
    for (name, values) in columns.into_iter().filter(|(_, values)| is_category(values)) {
        for (value, rows) in values {
            let (column, value) = (name.to_owned(), shorten(&value, LONGEST_VALUE));
            found.insert(Property::Column { column, value }, rows);
        }
    }
    if is_category(&answers) {
        found.extend(
            answers.into_iter().map(|(value, rows)| (Property::RightAnswer { value }, rows)),
        );
    }
    found.retain(|_, rows| rows.len() >= FEWEST_FAILING && rows.len() < all);
    found
}
