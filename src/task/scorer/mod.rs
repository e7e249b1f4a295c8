//! Scorers: one small file for each kind of `[[score]]`.
//!
//! All kinds except `command` are pure functions of the answer and the row. They do not know the
//! candidate, and they never fail: an unusable answer is an invalid answer with a reason. Mistakes
//! in a row or a table are reported before anything is scored, by [`Scorer::new`] and
//! [`Scorer::check`].

mod verdict;
mod reasoning;
mod table;
mod comparable;
mod prepare;
mod exact;
mod spelling;
mod groups;
mod context;
mod numerals;
mod json;
mod find_json;
mod alternatives;
mod program;
mod kind;
mod number;
mod equals;
mod contains;
mod starts_with;
mod label;
mod pattern;
mod json_fields;
mod is_json;
mod command;
mod closure;

pub use comparable::label_form;
pub use numerals::is_number;
pub use program::CommandSpec;
pub use reasoning::Reasoning;
pub use table::{Normalize, ScoreTable, ScorerError};
pub use verdict::Verdict;

use crate::prompt::value_text;
use crate::task::example::Example;
use crate::text;
use kind::Kind;
use prepare::Prepare;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The kinds that a task's file can name.
static KINDS: &[kind::Listed] = &[
    kind::listed::<equals::Equals>(),
    kind::listed::<contains::Contains>(),
    kind::listed::<starts_with::StartsWith>(),
    kind::listed::<label::Labels>(),
    kind::listed::<pattern::Pattern>(),
    kind::listed::<number::Number>(),
    kind::listed::<json_fields::JsonFields>(),
    kind::listed::<is_json::IsJson>(),
    kind::listed::<command::Command>(),
];

/// One `[[score]]` table, ready for use.
#[derive(Clone, Debug)]
pub struct Scorer {
    name: String,
    weight: f64,
    prepare: Prepare,
    /// Whether the row's answer is a list of right answers.
    any_of: bool,
    kind_name: &'static str,
    kind: Arc<dyn Kind>,
}

impl Scorer {
    /// Makes the scorer of a table.
    ///
    /// # Errors
    /// The first key that is unknown, missing or invalid.
    pub fn new(table: &ScoreTable) -> Result<Self, ScorerError> {
        let listed = kind::of(KINDS, table)?;
        let weight = table.weight.unwrap_or(1.0);
        if !(weight.is_finite() && weight > 0.0) {
            return Err(ScorerError::new(
                "weight",
                format!("`weight` is {weight}: it must be above 0"),
            )
            .help("remove a [[score]] that should not count"));
        }
        let name = table.name.clone().unwrap_or_else(|| table.kind.clone());
        if name.trim().is_empty() {
            return Err(ScorerError::new("name", "`name` is empty"));
        }
        let any_of = table.any_of == Some(true);
        let fixed = [("value", table.value.is_some()), ("pattern", table.pattern.is_some())];
        if let Some((key, _)) = fixed.into_iter().find(|(_, is_set)| any_of && *is_set) {
            return Err(ScorerError::new(
                "any_of",
                format!("`{key}` is the answer of all rows, so `any_of` has no list"),
            )
            .help(format!("remove `any_of` or `{key}`")));
        }
        let prepare = Prepare::new(table)?;
        let kind = (listed.new)(table, &prepare)?;
        Ok(Self { name, weight, prepare, any_of, kind_name: listed.name, kind })
    }

    /// A scorer that is a closure. It must be a pure function: a resumed run asks it again.
    #[must_use]
    pub fn of_closure<F, V>(name: impl Into<String>, score: F) -> Self
    where
        F: Fn(&str, &Example) -> V + Send + Sync + 'static,
        V: Into<Verdict>,
    {
        Self {
            name: name.into(),
            weight: 1.0,
            prepare: Prepare::nothing(),
            any_of: false,
            kind_name: "closure",
            kind: Arc::new(closure::Closure::new(score)),
        }
    }

    /// Its name in metrics.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of its kind in the task file.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind_name
    }

    /// Its weight among all scorers of the task, above 0.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// Whether a row's answer is a list of right answers.
    #[must_use]
    pub fn is_any_of(&self) -> bool {
        self.any_of
    }

    /// The program, if this is a `command` scorer.
    #[must_use]
    pub fn command(&self) -> Option<&CommandSpec> {
        self.kind.command()
    }

    /// The part of an answer that a `command` scorer receives: without reasoning, the match of
    /// `extract`, after `normalize`. `None` if there is none; [`Self::score`] then says why.
    #[must_use]
    pub fn scored_part<'a>(&self, answer: &'a str) -> Option<Cow<'a, str>> {
        self.prepare.part(answer).ok().map(|part| self.prepare.normalized(part))
    }

    /// The right answers of a row.
    fn right_answers<'a>(&self, row: &'a Example) -> Result<Vec<Cow<'a, Value>>, String> {
        match self.any_of {
            true => alternatives::of(&row.answer),
            false => Ok(vec![Cow::Borrowed(&row.answer)]),
        }
    }

    /// Checks that this scorer can use a row's answer, so that a wrong row is found before it is
    /// paid for.
    ///
    /// # Errors
    /// What is wrong with the row's answer: a lower-case sentence without a full stop.
    pub fn check(&self, row: &Example) -> Result<(), String> {
        let answers = self.right_answers(row)?;
        let checked = answers.iter().try_for_each(|it| self.kind.check(it, &self.prepare));
        checked.map_err(|message| match row.answer.is_array() && !self.any_of {
            true => format!("{message}; with `any_of = true` every item of a list is right"),
            false => message,
        })
    }

    /// Scores one answer; `None` if a program must score it.
    #[must_use]
    pub fn score(&self, answer: &str, row: &Example) -> Option<Verdict> {
        // A row without a right answer is refused before anything is scored.
        let expected = self.right_answers(row).unwrap_or_default();
        let part = match self.prepare.part(answer) {
            Ok(part) => part,
            Err(reason) => {
                let shown = expected.first().map_or(Cow::Borrowed(""), |it| value_text(it));
                return Some(Verdict::invalid(reason, &quoted(&shown)));
            }
        };
        let verdicts = expected.iter().map(|it| self.kind.score(part, it, row, &self.prepare));
        alternatives::best(verdicts.collect::<Option<_>>()?, &expected)
    }
}

/// All scorers of a task.
#[derive(Clone, Debug, Default)]
pub struct ScorerSet {
    scorers: Vec<Scorer>,
}

impl ScorerSet {
    /// Makes the scorers of all tables. Of several without a name, later ones get a number.
    ///
    /// # Errors
    /// The first invalid table: its position from 0, and the mistake.
    pub fn new(tables: &[ScoreTable]) -> Result<Self, (usize, ScorerError)> {
        if tables.is_empty() {
            let error = ScorerError::new("kind", "the task has no [[score]]")
                .help("add one: [[score]] with kind = \"equals\"");
            return Err((0, error));
        }
        let mut set = Self::default();
        for (place, table) in tables.iter().enumerate() {
            let scorer = Scorer::new(table).map_err(|error| (place, error))?;
            set.push(scorer, table.name.is_some()).map_err(|error| (place, error))?;
        }
        Ok(set)
    }

    /// Adds a scorer. One whose name is taken gets a number, unless it was given its name.
    ///
    /// # Errors
    /// Two scorers were given the same name.
    pub fn push(&mut self, mut scorer: Scorer, is_named: bool) -> Result<(), ScorerError> {
        let is_taken = |name: &str| self.scorers.iter().any(|other| other.name == name);
        if is_taken(&scorer.name) {
            if is_named {
                let message = format!("two scores are called `{}`", scorer.name);
                return Err(ScorerError::new("name", message).help("give each its own name"));
            }
            let free = (2..)
                .map(|number| format!("{}-{number}", scorer.name))
                .find(|name| !is_taken(name));
            scorer.name = free.unwrap_or_default();
        }
        self.scorers.push(scorer);
        Ok(())
    }

    /// One right answer of a row: its answer, or the first one of several.
    #[must_use]
    pub fn right_answer(&self, row: &Example) -> Value {
        let several = self.scorers.iter().find(|scorer| scorer.any_of);
        let answers = several.and_then(|scorer| scorer.right_answers(row).ok());
        let first = answers.and_then(|answers| answers.into_iter().next());
        first.map_or_else(|| row.answer.clone(), Cow::into_owned)
    }

    /// The scorers in the task's order.
    #[must_use]
    pub fn scorers(&self) -> &[Scorer] {
        &self.scorers
    }

    /// Whether no scorer is a program.
    #[must_use]
    pub fn is_pure(&self) -> bool {
        self.commands().next().is_none()
    }

    /// The scorers that need a program, in the task's order.
    pub fn commands(&self) -> impl Iterator<Item = (&Scorer, &CommandSpec)> {
        self.scorers.iter().filter_map(|scorer| Some((scorer, scorer.command()?)))
    }

    /// The labels that the task's `label` scorers allow.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        self.scorers.iter().flat_map(|scorer| scorer.kind.labels()).cloned().collect()
    }

    /// Checks that all scorers can use a row's answer.
    ///
    /// # Errors
    /// What is wrong with the row's answer: a lower-case sentence without a full stop.
    pub fn check(&self, row: &Example) -> Result<(), String> {
        self.scorers.iter().try_for_each(|scorer| scorer.check(row))
    }

    /// Scores one answer with the built-in scorers.
    #[must_use]
    pub fn score(&self, answer: &str, row: &Example) -> Verdict {
        self.score_with(answer, row, Vec::new())
    }

    /// Scores one answer, given the programs' verdicts in the order of [`Self::commands`]. With
    /// several scorers, the score of each is a metric under its name.
    #[must_use]
    pub fn score_with(&self, answer: &str, row: &Example, commands: Vec<Verdict>) -> Verdict {
        let mut commands = commands.into_iter();
        let mut parts: Vec<(&Scorer, Verdict)> = self
            .scorers
            .iter()
            .filter_map(|scorer| {
                Some((scorer, scorer.score(answer, row).or_else(|| commands.next())?))
            })
            .collect();
        if self.scorers.len() == 1
            && let Some((_, alone)) = parts.pop()
        {
            return alone;
        }
        let mut own = BTreeMap::new();
        for (scorer, verdict) in &mut parts {
            own.insert(scorer.name.clone(), verdict.score.value());
            // A program's metric must not be mistaken for another scorer's score.
            verdict.metrics = std::mem::take(&mut verdict.metrics)
                .into_iter()
                .map(|(name, value)| match self.scorers.iter().any(|other| other.name == name) {
                    true => (format!("{}.{name}", scorer.name), value),
                    false => (name, value),
                })
                .collect();
        }
        let mut whole = Verdict::combine(
            parts.into_iter().map(|(scorer, verdict)| (scorer.weight, verdict)).collect(),
        );
        whole.metrics.extend(own);
        whole
    }
}

/// The expected answer of a row as text.
#[must_use]
pub fn expected_text(row: &Example) -> String {
    value_text(&row.answer).into_owned()
}

/// A quoted text for feedback, shortened.
fn quoted(text: &str) -> String {
    // Cut first, because shortening reads the whole text and an answer may be huge.
    let beginning = match text.char_indices().nth(2_000) {
        Some((end, _)) => &text[..end],
        None => text,
    };
    format!("`{}`", text::shorten(beginning, 160))
}

#[cfg(test)]
mod tests;
