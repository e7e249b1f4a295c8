//! A kind of scorer: its name, its keys, and how it compares an answer with a right answer.
//!
//! One kind is one file, and a line in the list of `mod.rs`. What all kinds have in common is elsewhere:
//! `reasoning`, `extract` and `normalize` in `answer_filter`; `threshold` and `not-` in `outcome`; weights, names and
//! `any_of` in [`super::Scorer`].

use super::alternatives;
use super::answer_filter::AnswerFilter;
use super::judging::Judging;
use super::program::{CodeSpec, CommandSpec};
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, quoted};
use crate::prompt::value_text;
use crate::task::example::Example;
use crate::text;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;

/// Compares an answer with a right answer. It never fails: an unusable answer is an invalid answer
/// with a reason.
pub(super) trait Kind: Debug + Send + Sync {
    /// Checks that it can use an expected answer.
    ///
    /// # Errors
    /// What is wrong with the expected answer: a lower-case sentence without a full stop.
    fn check(&self, expected: &Value, filter: &AnswerFilter) -> Result<(), String> {
        let _ = (expected, filter);
        Ok(())
    }

    /// Scores the part of an answer that counts, given one of the row's right answers.
    fn score(&self, answer: &str, expected: &Value, filter: &AnswerFilter) -> Verdict;

    /// Scores it given all of the row's right answers; by default it is the best score of them.
    fn score_any(
        &self,
        answer: &str,
        expected: &[Cow<'_, Value>],
        filter: &AnswerFilter,
    ) -> Option<Verdict> {
        let verdicts = expected.iter().map(|it| self.score(answer, it, filter));
        alternatives::best(verdicts.collect(), expected)
    }

    /// What a right answer does, such as "contains `x`": for feedback where such answers are not wanted.
    fn wanted(&self, expected: &Value) -> String {
        format!("fits {}", quoted(&value_text(expected)))
    }

    /// The labels that an answer may name.
    fn labels(&self) -> &[String] {
        &[]
    }

    /// The names of the metrics that a verdict of it can have.
    fn metrics(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether the cost of mistakes enters its scores, so that their mean is no share of what is right.
    fn counts_costs(&self) -> bool {
        false
    }

    /// The one label that an answer names, if it names one alone.
    fn label_in(&self, answer: &str, filter: &AnswerFilter) -> Option<&str> {
        let _ = (answer, filter);
        None
    }

    /// The label that a whole text is, such as a right answer.
    fn label_of(&self, text: &str, filter: &AnswerFilter) -> Option<&str> {
        let _ = (text, filter);
        None
    }

    /// The text that all rows are compared with (`None`: each with its answer), if the model `embed` can say how near an answer
    /// is to it in meaning; else `None`.
    fn of_meaning(&self) -> Option<Option<&Value>> {
        None
    }

    /// Whether it compares an answer with a list of texts as one value, although each item may be
    /// meant as a right answer.
    fn compares_whole_lists(&self) -> bool {
        false
    }
}

/// Scores an answer given the whole row. Like [`Kind`] it never fails.
pub(super) trait RowKind: Debug + Send + Sync {
    /// Checks that it can use a row.
    ///
    /// # Errors
    /// What is wrong with the row: a lower-case sentence without a full stop.
    fn check(&self, row: &Example) -> Result<(), String> {
        let _ = row;
        Ok(())
    }

    /// Scores the part of an answer that counts.
    fn score(&self, answer: &str, row: &Example) -> Verdict;

    /// The names of the metrics that a verdict of it can have; `None`: any.
    fn metrics(&self) -> Option<&'static [&'static str]> {
        Some(&[])
    }

    /// Whether the cost of mistakes enters its scores.
    fn counts_costs(&self) -> bool {
        false
    }
}

/// What scores an answer.
#[derive(Clone, Debug)]
pub(super) enum Method {
    Kind(Arc<dyn Kind>),
    Row(Arc<dyn RowKind>),
    Command(CommandSpec),
    Code(CodeSpec),
    Judge(Arc<Judging>),
}

impl<K: Kind + 'static> From<K> for Method {
    fn from(kind: K) -> Self {
        Self::Kind(Arc::new(kind))
    }
}

/// A scorer that a task's file can name.
pub(super) trait FromTable: Into<Method> {
    /// Its name in the file.
    const NAME: &'static str;

    /// Its own keys.
    const KEYS: &'static [&'static str] = &[];

    /// Whether `reasoning`, `extract` and `normalize` apply to it; else the scorers that it is made of have their own.
    const HAS_FILTER: bool = true;

    /// Makes it from a table that has no other keys.
    fn new(table: &ScoreTable, filter: &AnswerFilter) -> Result<Self, ScorerError>;
}

/// An entry of the list of kinds.
pub(super) struct KindEntry {
    pub(super) name: &'static str,
    keys: &'static [&'static str],
    pub(super) has_filter: bool,
    pub(super) new: fn(&ScoreTable, &AnswerFilter) -> Result<Method, ScorerError>,
}

/// The entry of a kind.
pub(super) const fn entry<K: FromTable>() -> KindEntry {
    KindEntry {
        name: K::NAME,
        keys: K::KEYS,
        has_filter: K::HAS_FILTER,
        new: |table, filter| K::new(table, filter).map(Into::into),
    }
}

/// The kind of a table without its `not-`, if all of the table's keys belong to it.
pub(super) fn of(
    kinds: &'static [KindEntry],
    name: &str,
    table: &ScoreTable,
) -> Result<&'static KindEntry, ScorerError> {
    let Some(kind) = kinds.iter().find(|kind| kind.name == name) else {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
        return Err(ScorerError::new("kind", format!("there is no scorer `{name}`"))
            .help(text::suggestion(name, &names)));
    };
    let mut of_answers = table.keys_of_answers().into_iter().filter(|(_, is_set)| *is_set);
    if !kind.has_filter
        && let Some((key, _)) = of_answers.next()
    {
        let message = format!("`{key}` is not a key of `{}`", kind.name);
        return Err(
            ScorerError::new(key, message).help("set it for the scorers that it is made of")
        );
    }
    let mut set = table.keys_of_some_kinds().into_iter().filter(|(_, is_set)| *is_set);
    match set.find(|(key, _)| !kind.keys.contains(key)) {
        None => Ok(kind),
        Some((key, _)) => {
            let help = match kind.keys {
                [] => "remove it".to_owned(),
                keys => format!("remove it; `{}` has: {}", kind.name, keys.join(", ")),
            };
            let message = format!("`{key}` is not a key of `{}`", kind.name);
            Err(ScorerError::new(key, message).help(help))
        }
    }
}

/// A text that an answer must hold: `value` of the table, or the row's answer.
#[derive(Clone, Debug)]
pub(super) struct SoughtText {
    value: Option<Value>,
}

impl SoughtText {
    /// An empty text would match every answer.
    pub(super) fn new(table: &ScoreTable) -> Result<Self, ScorerError> {
        match &table.value {
            Some(value) if value_text(value).is_empty() => {
                Err(ScorerError::new("value", "`value` is empty, so every answer would match")
                    .help("set `value` to the expected text, or remove it to use the row's answer"))
            }
            value => Ok(Self { value: value.clone() }),
        }
    }

    /// Checks that a row's answer is not empty, if it is the text.
    pub(super) fn check(&self, expected: &Value, filter: &AnswerFilter) -> Result<(), String> {
        if self.value.is_none() && filter.text(&value_text(expected)).is_empty() {
            return Err("the answer is empty, so every answer would match".to_owned());
        }
        Ok(())
    }

    /// The text of all rows, if there is one.
    pub(super) fn fixed(&self) -> Option<&Value> {
        self.value.as_ref()
    }

    pub(super) fn of<'a>(&'a self, expected: &'a Value) -> Cow<'a, str> {
        value_text(self.value.as_ref().unwrap_or(expected))
    }
}
