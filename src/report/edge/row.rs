//! A row with what the prompts made of it.

use super::tested::Tested;
use crate::prompt::value_text;
use crate::report::rows::input_of;
use crate::task::example::Split;
use crate::task::scorer::label_form;
use crate::text::shorten;
use serde::Serialize;
use std::collections::BTreeMap;

/// Characters of an answer that is compared with other ones: longer ones are texts, which seldom agree.
const LONGEST_ANSWER: usize = 200;

/// The fewest prompts for a discrimination.
const FEWEST_PROMPTS: usize = 8;

/// A row with what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EdgeRow {
    /// The row's id.
    pub id: String,
    /// `train` or `dev`.
    pub split: Split,
    /// The line of its file, from 1.
    pub line: usize,
    /// What prompts show of it.
    pub input: String,
    /// A right answer, if the row has one.
    pub expected: Option<String>,
    /// Prompts that were asked.
    pub asked: usize,
    /// Those that solve it: a mean score of 0.5 or more over their repeats.
    pub solved: usize,
    /// Good prompts that were asked.
    pub good_asked: usize,
    /// Those of them that solve it.
    pub good_solved: usize,
    /// Prompts that were asked several times.
    pub repeated: usize,
    /// Those of them whose repeats have unlike scores.
    pub flipped: usize,
    /// Whether the baseline solves it; null where it was not asked.
    pub baseline_solves: Option<bool>,
    /// Whether the best prompt solves it; null where it was not asked.
    pub best_solves: Option<bool>,
    /// How steeply the chance to solve it rises with a prompt's ability, in logits by one standard deviation of abilities
    /// ([`crate::stats::item_response`]); 1 is ordinary, and 0 tells nothing. Null where fewer than eight prompts were asked.
    pub discrimination: Option<f64>,
    /// What the good prompts that fail answer most often; null where none of them fails, or all answers are long.
    pub wrong_answer: Option<CommonAnswer>,
    /// The position in [`Tested::places`].
    #[serde(skip)]
    pub(super) place: usize,
}

/// An answer that several prompts gave.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CommonAnswer {
    /// The label that it names, or else its text.
    pub answer: String,
    /// How many good prompts gave it.
    pub prompts: usize,
}

/// What became of a row.
pub(super) fn row(tested: &Tested<'_>, place: usize) -> EdgeRow {
    let example = tested.places[place].example;
    let right = tested.task.scorers.right_answers(example);
    let expected = right.iter().map(|it| value_text(it).into_owned());
    let scores = (0..tested.prompts.len()).filter_map(|it| tested.score(it, place));
    let mut row = EdgeRow {
        id: example.id.to_string(),
        split: tested.places[place].split.into(),
        line: example.line,
        input: input_of(tested.task, example),
        expected: expected.into_iter().find(|it| !it.trim().is_empty()),
        asked: 0,
        solved: 0,
        good_asked: 0,
        good_solved: 0,
        repeated: 0,
        flipped: 0,
        baseline_solves: None,
        best_solves: None,
        discrimination: None,
        wrong_answer: wrong_answer(tested, place),
        place,
    };
    for score in scores {
        row.asked += 1;
        row.solved += usize::from(score.is_solved());
        row.repeated += usize::from(score.repeats > 1);
        row.flipped += usize::from(score.is_flipping);
    }
    for score in tested.good.iter().filter_map(|it| tested.score(*it, place)) {
        row.good_asked += 1;
        row.good_solved += usize::from(score.is_solved());
    }
    let solves = |prompt: Option<usize>| Some(tested.score(prompt?, place)?.is_solved());
    row.baseline_solves = solves(tested.baseline);
    row.best_solves = solves(tested.best);
    row.discrimination = tested.discrimination(place).filter(|_| row.asked >= FEWEST_PROMPTS);
    row
}

/// What an answer comes to: the label that it names, or a short text in the form in which labels are compared.
pub(super) fn said(tested: &Tested<'_>, prompt: usize, place: usize) -> Option<(String, String)> {
    let answer = tested.answer(prompt, place)?;
    let text = answer.answered.text.trim();
    if let Some(scorer) = tested.task.scorers.label_scorer() {
        return scorer.label_in(text).map(|label| (label.to_owned(), label.to_owned()));
    }
    if text.is_empty() || text.chars().nth(LONGEST_ANSWER).is_some() {
        return None;
    }
    Some((label_form(text), shorten(text, LONGEST_ANSWER)))
}

fn wrong_answer(tested: &Tested<'_>, place: usize) -> Option<CommonAnswer> {
    let mut counts: BTreeMap<String, CommonAnswer> = BTreeMap::new();
    for prompt in &tested.good {
        // The first answer alone counts, as its text alone is read.
        let is_right = tested.answer(*prompt, place).is_none_or(|it| it.score >= 0.5);
        if is_right {
            continue;
        }
        if let Some((form, answer)) = said(tested, *prompt, place) {
            counts.entry(form).or_insert(CommonAnswer { answer, prompts: 0 }).prompts += 1;
        }
    }
    counts.into_values().rev().max_by_key(|it| it.prompts)
}
