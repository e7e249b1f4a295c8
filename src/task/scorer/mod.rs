//! Scorers: one small file for each kind of `[[score]]`.
//!
//! All kinds except `command`, `code`, `rubric` and `pairwise`, which programs and a model decide, are pure functions of the
//! answer and the row. They do not know the candidate, and they never fail: an unusable answer is an
//! invalid answer with a reason. Mistakes in a row or a table are reported before anything is scored, by
//! [`Scorer::new`] and [`Scorer::check`].

mod verdict;
mod reason;
mod invalid;
mod reasoning;
mod panel_rule;
mod table;
mod comparable;
mod markup;
mod answer_filter;
mod exact;
mod spelling;
mod groups;
mod scale;
mod context;
mod joint;
mod dates;
mod numerals;
mod json;
mod find_json;
mod alternatives;
mod program;
mod criteria;
mod frame;
mod judgement;
mod pair;
mod meaning;
mod judging;
mod panel;
mod schema;
mod outcome;
mod kind;
mod closure;
mod number;
mod equals;
mod contains;
mod starts_with;
mod article;
mod mistakes;
mod label;
mod label_set;
mod pattern;
mod json_fields;
mod is_json;
mod json_schema;
mod sql;
mod command;
mod code;
mod rubric;
mod pairwise;
mod grade;
mod preference;
mod overlap;
mod token_f1;
mod levenshtein;
mod rouge;
mod bleu;
mod similar;
mod combined;
mod assertion;
mod set;
mod row_assertions;

pub(crate) use assertion::Assertion;
pub use code::{ProgramEnd, WholeProgram};
pub use comparable::label_form;
pub use criteria::{Criterion, Level, Rubric};
pub use frame::Shown;
pub use invalid::{InvalidAnswers, InvalidCount, InvalidRow};
pub use judgement::AskedOf;
pub use judging::Judging;
pub(crate) use numerals::has_boxed_number;
pub use numerals::is_number;
pub use pair::{AskedPair, BETTER, ORDERS_AGREE, PREFERS_FIRST, Pairwise};
pub use panel::JUDGES_AGREE;
pub use panel_rule::PanelRule;
pub use preference::PREFERRED;
pub(crate) use preference::name_of as place_name;
pub use program::{CodeSpec, CommandSpec, ScorerProgram};
pub use reason::InvalidReason;
pub use reasoning::Reasoning;
pub(crate) use reasoning::without_reasoning;
pub use set::ScorerSet;
pub use table::{Compared, Normalize, ScoreTable, ScorerError};
pub use verdict::Verdict;

use crate::prompt::value_text;
use crate::task::example::Example;
use answer_filter::AnswerFilter;
use closure::Closure;
use kind::{Kind, Method};
use meaning::Meaning;
use outcome::Outcome;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;
use verdict::quoted;

/// The kinds that a task's file can name.
static KINDS: &[kind::KindEntry] = &[
    kind::entry::<equals::Equals>(),
    kind::entry::<contains::Contains>(),
    kind::entry::<starts_with::StartsWith>(),
    kind::entry::<label::Labels>(),
    kind::entry::<label_set::LabelSet>(),
    kind::entry::<pattern::Pattern>(),
    kind::entry::<number::Number>(),
    kind::entry::<json_fields::JsonFields>(),
    kind::entry::<is_json::IsJson>(),
    kind::entry::<json_schema::JsonSchema>(),
    kind::entry::<sql::Sql>(),
    kind::entry::<sql::IsSql>(),
    kind::entry::<command::Command>(),
    kind::entry::<code::Code>(),
    kind::entry::<rubric::RubricKind>(),
    kind::entry::<pairwise::PairwiseKind>(),
    kind::entry::<grade::Grade>(),
    kind::entry::<preference::Preference>(),
    kind::entry::<token_f1::TokenF1>(),
    kind::entry::<levenshtein::Levenshtein>(),
    kind::entry::<rouge::RougeN>(),
    kind::entry::<rouge::RougeL>(),
    kind::entry::<bleu::Bleu>(),
    kind::entry::<similar::Similar>(),
    kind::entry::<combined::AllOf>(),
    kind::entry::<combined::OneOf>(),
    kind::entry::<combined::MeanOf>(),
    kind::entry::<row_assertions::RowAssertions>(),
];

/// One `[[score]]` table, ready for use.
#[derive(Clone, Debug)]
pub struct Scorer {
    name: String,
    weight: f64,
    filter: AnswerFilter,
    /// Whether the row's answer is a list of right answers.
    any_of: bool,
    /// With its `not-`.
    kind: String,
    outcome: Outcome,
    method: Method,
    /// Of several judges, where the table names it.
    rule: Option<PanelRule>,
    /// What the meaning of all answers is compared with, instead of the row's answer.
    meant: Option<Value>,
}

impl Scorer {
    /// Makes the scorer of a table.
    ///
    /// # Errors
    /// The first key that is unknown, missing or invalid.
    pub fn new(table: &ScoreTable) -> Result<Self, ScorerError> {
        let outcome = Outcome::new(table)?;
        let entry = kind::of(KINDS, outcome::positive(&table.kind), table)?;
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
        let filter = match entry.has_filter {
            true => AnswerFilter::new(table)?,
            false => AnswerFilter::nothing(),
        };
        let method = (entry.new)(table, &filter)?;
        Ok(Self {
            name,
            weight,
            filter,
            any_of,
            kind: table.kind.clone(),
            outcome,
            method,
            rule: table.rule,
            meant: None,
        })
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
            filter: AnswerFilter::nothing(),
            any_of: false,
            kind: "closure".to_owned(),
            outcome: Outcome::default(),
            method: Closure::new(score).into(),
            rule: None,
            meant: None,
        }
    }

    /// Its name in metrics.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of its kind in the task file.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Its weight among all scorers of the task, above 0.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// The program that it needs, if it is a `command` or a `code` scorer.
    #[must_use]
    pub fn program(&self) -> Option<ScorerProgram<'_>> {
        match &self.method {
            Method::Command(spec) => Some(ScorerProgram::Command(spec)),
            Method::Code(spec) => Some(ScorerProgram::Code(spec)),
            Method::Kind(_) | Method::Row(_) | Method::Judge(_) => None,
        }
    }

    /// What a judge decides, if this is a `rubric` or `pairwise` scorer.
    #[must_use]
    pub fn judging(&self) -> Option<&Judging> {
        match &self.method {
            Method::Judge(judging) => Some(judging),
            Method::Kind(_) | Method::Row(_) | Method::Command(_) | Method::Code(_) => None,
        }
    }

    /// Whether its table names a rule for several judges.
    #[must_use]
    pub fn has_panel_rule(&self) -> bool {
        self.rule.is_some()
    }

    /// How the grades of several judges become one.
    #[must_use]
    pub fn panel_rule(&self) -> PanelRule {
        self.rule.unwrap_or_default()
    }

    /// Whether `not-` turns its score round.
    #[must_use]
    pub fn is_negated(&self) -> bool {
        self.outcome.is_negated()
    }

    /// Whether its verdict comes from outside: from a program or a judge.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        matches!(self.method, Method::Command(_) | Method::Code(_) | Method::Judge(_))
    }

    /// The kind, if right answers are wanted: what is said of the labels of `not-label` would be the wrong way round.
    fn wanted_kind(&self) -> Option<&dyn Kind> {
        match &self.method {
            Method::Kind(kind) if !self.outcome.is_negated() => Some(&**kind),
            _ => None,
        }
    }

    /// The labels that an answer may name.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        self.wanted_kind().map_or(&[], Kind::labels)
    }

    /// The names of the metrics that a verdict of it can have; `None` where a program or a closure may call them anything.
    pub(super) fn metrics(&self) -> Option<Vec<&str>> {
        match &self.method {
            Method::Kind(kind) => Some(kind.metrics().to_vec()),
            Method::Row(kind) => kind.metrics().map(<[_]>::to_vec),
            Method::Judge(judging) => {
                let mut names = judging.metrics();
                names.extend((!judging.asks_vectors()).then_some(JUDGES_AGREE));
                Some(names)
            }
            Method::Code(_) => Some(Vec::new()),
            Method::Command(_) => None,
        }
    }

    /// Whether the cost of mistakes enters its scores, so that their mean is no share of what is right. With a
    /// `threshold` an answer passes or fails.
    pub(super) fn counts_costs(&self) -> bool {
        let does_method = match &self.method {
            Method::Kind(kind) => kind.counts_costs(),
            Method::Row(kind) => kind.counts_costs(),
            Method::Command(_) | Method::Code(_) | Method::Judge(_) => false,
        };
        does_method && !self.outcome.has_threshold()
    }

    /// The one label that an answer names, if this is a `label` scorer and it names one alone.
    #[must_use]
    pub fn label_in(&self, answer: &str) -> Option<&str> {
        self.wanted_kind()?.label_in(self.filter.part(answer).ok()?, &self.filter)
    }

    /// The label that a whole text is, in any spelling that the scorer takes for it. Unlike [`Self::label_in`], this
    /// is for texts that no model wrote: `extract` does not apply.
    #[must_use]
    pub fn label_of(&self, text: &str) -> Option<&str> {
        self.wanted_kind()?.label_of(text, &self.filter)
    }

    /// The labels that are right for a row, in the order of its answer: several with `any_of`; none if this is no
    /// `label` scorer.
    #[must_use]
    pub fn right_labels(&self, row: &Example) -> Vec<&str> {
        let answers = self.right_answers(row).unwrap_or_default();
        answers.iter().filter_map(|answer| self.label_of(&value_text(answer))).collect()
    }

    /// Whether it compares an answer with a list of texts as one value.
    #[must_use]
    pub fn compares_whole_lists(&self) -> bool {
        !self.any_of && self.wanted_kind().is_some_and(Kind::compares_whole_lists)
    }

    /// The part of an answer that a program or a judge receives: without reasoning, the match of
    /// `extract`, after `normalize`. `None` if there is none; [`Self::score`] then says why.
    #[must_use]
    pub fn scored_part<'a>(&self, answer: &'a str) -> Option<Cow<'a, str>> {
        let part = self.filter.part(answer).ok()?;
        Some(match self.method {
            // The indent of a program's first line counts.
            Method::Code(_) => Cow::Borrowed(part),
            _ => self.filter.normalized(part),
        })
    }

    /// The same scorer, which asks the model `embed` how near answers are in meaning, if it is one that compares likeness.
    #[must_use]
    pub(super) fn by_meaning(self) -> Self {
        let Method::Kind(kind) = &self.method else { return self };
        let Some(meant) = kind.of_meaning().map(Option::<&Value>::cloned) else { return self };
        Self { method: Method::Judge(Arc::new(Judging::Meaning(Meaning))), meant, ..self }
    }

    /// The texts of a row that a model is shown beside an answer: see [`Shown::references`].
    #[must_use]
    pub fn references<'a>(&'a self, row: &'a Example) -> Vec<Cow<'a, str>> {
        match self.judging() {
            None => Vec::new(),
            Some(Judging::Rubric(rubric)) => {
                let shown = rubric.shows_reference.then(|| value_text(&row.answer));
                shown.into_iter().collect()
            }
            Some(Judging::Pairwise(pairwise)) => pairwise.other(row).into_iter().collect(),
            Some(Judging::Meaning(_)) => match &self.meant {
                Some(meant) => vec![value_text(meant)],
                None => {
                    let answers = self.right_answers(row).unwrap_or_default().into_iter();
                    let text = |answer: Cow<'a, Value>| match answer {
                        Cow::Borrowed(answer) => value_text(answer),
                        Cow::Owned(answer) => Cow::Owned(value_text(&answer).into_owned()),
                    };
                    answers.map(text).collect()
                }
            },
        }
    }

    /// Checks that a model can be asked about answers to a row.
    fn check_judged(&self, judging: &Judging, row: &Example) -> Result<(), String> {
        match judging {
            Judging::Rubric(rubric) if rubric.shows_reference && row.answer.is_null() => {
                Err("it has no answer, which the judge would be shown".to_owned())
            }
            Judging::Rubric(_) => Ok(()),
            Judging::Pairwise(pairwise) => pairwise.check(row),
            Judging::Meaning(_) => match self.references(row) {
                texts if texts.iter().any(|it| it.trim().is_empty()) || texts.is_empty() => {
                    Err("the answer is empty, so there is no meaning to compare".to_owned())
                }
                _ => Ok(()),
            },
        }
    }

    /// The verdict that needs no model, if there is one.
    fn known(&self, judging: &Judging, answer: &str, row: &Example) -> Option<Verdict> {
        match judging {
            Judging::Rubric(_) => None,
            Judging::Pairwise(pairwise) => pairwise.known(answer, row),
            Judging::Meaning(_) => Meaning::known(answer, &self.references(row)),
        }
    }

    /// The right answers of a row, without the reasoning that is taken from answers, too.
    fn right_answers<'a>(&self, row: &'a Example) -> Result<Vec<Cow<'a, Value>>, String> {
        let answer = self.filter.reference(Cow::Borrowed(&row.answer))?;
        if !self.any_of {
            return Ok(vec![answer]);
        }
        let items = match answer {
            Cow::Borrowed(answer) => alternatives::of(answer)?,
            Cow::Owned(answer) => {
                let items = alternatives::of(&answer)?;
                items.into_iter().map(|item| Cow::Owned(item.into_owned())).collect()
            }
        };
        items.into_iter().map(|item| self.filter.reference(item)).collect()
    }

    /// Checks that this scorer can use a row's answer, so that a wrong row is found before it is
    /// paid for.
    ///
    /// # Errors
    /// What is wrong with the row's answer: a lower-case sentence without a full stop.
    pub fn check(&self, row: &Example) -> Result<(), String> {
        let answers = self.right_answers(row)?;
        let kind = match &self.method {
            Method::Kind(kind) => kind,
            Method::Row(kind) => return kind.check(row),
            Method::Judge(judging) => return self.check_judged(judging, row),
            Method::Code(_) => return code::check(row),
            Method::Command(_) => return Ok(()),
        };
        let checked = answers.iter().try_for_each(|answer| kind.check(answer, &self.filter));
        checked.map_err(|message| match row.answer.is_array() && !self.any_of {
            true => format!("{message}; with `any_of = true` every item of a list is right"),
            false => message,
        })
    }

    /// Scores one answer; `None` if a program or a judge must score it.
    #[must_use]
    pub fn score(&self, answer: &str, row: &Example) -> Option<Verdict> {
        // A row without a right answer is refused before anything is scored.
        let expected = self.right_answers(row).unwrap_or_default();
        let invalid = |reason: InvalidReason| {
            let shown = expected.first().map_or(Cow::Borrowed(""), |it| value_text(it));
            reason.verdict(&quoted(&shown))
        };
        let part = match self.filter.part(answer) {
            Ok(part) => part,
            Err(reason) => return Some(invalid(reason)),
        };
        // Saying nothing is no way to avoid what is unwanted.
        if self.outcome.is_negated() && part.trim().is_empty() {
            return Some(invalid(InvalidReason::Empty));
        }
        match &self.method {
            // Nothing is asked about an answer that says nothing.
            Method::Judge(_) | Method::Code(_) if part.trim().is_empty() => {
                Some(invalid(InvalidReason::Empty))
            }
            Method::Judge(judging) => {
                let known = self.known(judging, part, row)?;
                Some(self.concluded(known, part))
            }
            Method::Code(_) => None,
            Method::Command(_) => None,
            Method::Row(kind) => Some(self.concluded(kind.score(part, row), part)),
            Method::Kind(kind) => {
                let best = kind.score_any(part, &expected, &self.filter)?;
                let wanted = || expected.first().map_or_else(String::new, |it| kind.wanted(it));
                let verdict = self.outcome.of(best, || unwanted(&wanted(), part));
                // What an empty answer lacks beside a text is not worth a word.
                let is_empty = !verdict.score.is_perfect() && part.trim().is_empty();
                Some(if is_empty { invalid(InvalidReason::Empty) } else { verdict })
            }
        }
    }

    /// The verdict after `threshold` and `not-`, of what is no [`Kind`].
    fn concluded(&self, verdict: Verdict, answer: &str) -> Verdict {
        let passes = || format!("passes `{}`", outcome::positive(&self.kind));
        self.outcome.of(verdict, || unwanted(&passes(), answer))
    }
}

fn unwanted(wanted: &str, answer: &str) -> String {
    format!("Expected no answer that {wanted}, got {}.", quoted(answer))
}

#[cfg(test)]
mod tests;
