//! All scorers of a task: their names, and the score of an answer as their weighted mean.
//!
//! What one scorer does with an answer is in [`Scorer`] and in the files of the kinds.

use super::Scorer;
use super::judging::Judging;
use super::label_form;
use super::program::ScorerProgram;
use super::reason::InvalidReason;
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, quoted};
use crate::prompt::value_text;
use crate::score_form::ScoreForm;
use crate::task::example::Example;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

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

    /// The verdict on an answer that is invalid whatever it says.
    #[must_use]
    pub fn invalid(&self, reason: &InvalidReason, row: &Example) -> Verdict {
        reason.verdict(&quoted(&value_text(&self.right_answer(row))))
    }

    /// One right answer of a row: its answer, or the first one of several.
    #[must_use]
    pub fn right_answer(&self, row: &Example) -> Value {
        self.right_answers(row)
            .into_iter()
            .next()
            .map_or_else(|| row.answer.clone(), Cow::into_owned)
    }

    /// All right answers of a row, in its order: its answer, or each one of several.
    #[must_use]
    pub fn right_answers<'a>(&self, row: &'a Example) -> Vec<Cow<'a, Value>> {
        let several = self.scorers.iter().find(|scorer| scorer.any_of);
        let answers = several.and_then(|scorer| scorer.right_answers(row).ok());
        answers.unwrap_or_else(|| vec![Cow::Borrowed(&row.answer)])
    }

    /// The forms of a row's right answers in which they are compared as labels; empty where it has none.
    #[must_use]
    pub fn right_forms(&self, row: &Example) -> BTreeSet<String> {
        let answers = self.right_answers(row);
        let forms = answers.iter().map(|answer| label_form(&value_text(answer)));
        forms.filter(|form| !form.is_empty()).collect()
    }

    /// The scorers in the task's order.
    #[must_use]
    pub fn scorers(&self) -> &[Scorer] {
        &self.scorers
    }

    /// Whether no scorer is a program or a judge.
    #[must_use]
    pub fn is_pure(&self) -> bool {
        !self.scorers.iter().any(Scorer::is_asked)
    }

    /// The scorers that a model decides, in the task's order.
    pub fn judged(&self) -> impl Iterator<Item = (&Scorer, &Judging)> {
        self.scorers.iter().filter_map(|scorer| Some((scorer, scorer.judging()?)))
    }

    /// The most questions that an answer raises for a judge.
    #[must_use]
    pub fn judgements(&self) -> u32 {
        self.questions(|judging| !judging.asks_vectors())
    }

    /// The most questions that an answer raises for the model `embed`.
    #[must_use]
    pub fn meanings(&self) -> u32 {
        self.questions(Judging::asks_vectors)
    }

    fn questions(&self, is_one: impl Fn(&Judging) -> bool) -> u32 {
        let judged = self.judged().filter(|(_, judging)| is_one(judging));
        judged.map(|(_, judging)| judging.questions()).sum()
    }

    /// The same scorers, of which those that compare likeness ask the model `embed` how near answers are in meaning.
    #[must_use]
    pub fn by_meaning(self) -> Self {
        Self { scorers: self.scorers.into_iter().map(Scorer::by_meaning).collect() }
    }

    /// The scorers that must be asked about an answer: programs and judges, in the task's order.
    pub fn asked_about<'a>(
        &'a self,
        answer: &'a str,
        row: &'a Example,
    ) -> impl Iterator<Item = &'a Scorer> {
        let asked = self.scorers.iter().filter(|scorer| scorer.is_asked());
        asked.filter(move |scorer| scorer.score(answer, row).is_none())
    }

    /// The scorers that need a program, in the task's order.
    pub fn programs(&self) -> impl Iterator<Item = (&Scorer, ScorerProgram<'_>)> {
        self.scorers.iter().filter_map(|scorer| Some((scorer, scorer.program()?)))
    }

    /// The labels that the task's `label` scorers allow.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        self.scorers.iter().flat_map(Scorer::labels).cloned().collect()
    }

    /// How scores of answers are written.
    #[must_use]
    pub fn score_form(&self) -> ScoreForm {
        match self.scorers.iter().any(Scorer::counts_costs) {
            true => ScoreForm::Number,
            false => ScoreForm::Percent,
        }
    }

    /// The names of all metrics that answers can have; `None` where a program or a closure may call them anything.
    #[must_use]
    pub fn metrics(&self) -> Option<Vec<String>> {
        let names = self.scorers.iter().map(|scorer| scorer.name.clone());
        let mut all: Vec<String> = names.filter(|_| self.scorers.len() > 1).collect();
        let own = all.clone();
        for scorer in &self.scorers {
            for metric in scorer.metrics()? {
                // As `score_with` and `Verdict::combine` call them.
                let name = match own.iter().any(|other| other == metric) {
                    true => format!("{}.{metric}", scorer.name),
                    false => metric.to_owned(),
                };
                let numbered = (2..).map(|number| format!("{name}-{number}"));
                let mut free = std::iter::once(name.clone()).chain(numbered);
                all.extend(free.find(|name| !all.contains(name)));
            }
        }
        Some(all)
    }

    /// The first scorer whose answers are labels, of which each answer names one.
    #[must_use]
    pub fn label_scorer(&self) -> Option<&Scorer> {
        self.scorers.iter().find(|scorer| scorer.kind() == "label")
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

    /// Scores one answer, given the verdicts of programs and judges in the order of [`Self::asked_about`]. With
    /// several scorers, the score of each is a metric under its name.
    #[must_use]
    pub fn score_with(&self, answer: &str, row: &Example, asked: Vec<Verdict>) -> Verdict {
        let mut asked = asked.into_iter();
        let mut parts: Vec<(&Scorer, Verdict)> = self
            .scorers
            .iter()
            .filter_map(|scorer| {
                let outside = || asked.next().map(|verdict| scorer.concluded(verdict, answer));
                Some((scorer, scorer.score(answer, row).or_else(outside)?))
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
