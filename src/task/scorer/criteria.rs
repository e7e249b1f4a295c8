//! What a judge grades an answer by: criteria, each with levels of which one fits.
//!
//! Not how the judge is asked, which is in `judgement`.

use super::table::{CriterionTable, LevelTable, ScoreTable, ScorerError};
use serde::Serialize;
use serde_json::{Number, Value};
use std::collections::BTreeSet;

/// The longest name of a criterion, in bytes.
const LONGEST_NAME: usize = 40;
/// The name of the only criterion of a rubric that is one sentence.
const ALONE: &str = "pass";

/// What a judge grades an answer by.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rubric {
    /// What is graded, each by itself.
    pub criteria: Vec<Criterion>,
    /// Whether the judge is shown the row's answer.
    pub shows_reference: bool,
}

/// One thing that is graded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Criterion {
    /// The name of its metric.
    pub name: String,
    /// What is asked.
    pub question: String,
    /// At least two, with different numbers.
    pub levels: Vec<Level>,
    /// Above 0.
    pub weight: f64,
}

/// One level of a criterion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Level {
    /// Its number, by which the judge names it.
    pub number: f64,
    /// Which answers are on it.
    pub text: String,
}

impl Rubric {
    /// The rubric of a `[[score]]` table.
    pub(super) fn new(table: &ScoreTable) -> Result<Self, ScorerError> {
        let shows_reference = table.reference == Some(true);
        let criteria = match (&table.value, &table.criteria) {
            (Some(_), Some(_)) => {
                return Err(ScorerError::new(
                    "criteria",
                    "`criteria` and `value` say the same twice",
                )
                .help("write what `value` says as one of the criteria"));
            }
            (Some(Value::String(text)), None) if !text.trim().is_empty() => {
                vec![Criterion::alone(text)]
            }
            (Some(_), None) => {
                return Err(ScorerError::new("value", "`value` of a rubric is a text")
                    .help("write value = \"The answer is polite and names the refund\""));
            }
            (None, Some(tables)) if !tables.is_empty() => {
                tables.iter().map(Criterion::new).collect::<Result<_, _>>()?
            }
            (None, _) => {
                return Err(ScorerError::new("value", "a rubric says what is graded")
                    .help("write value = \"The answer is polite\", or a list of `criteria`"));
            }
        };
        let mut names = BTreeSet::new();
        if let Some(twice) = criteria.iter().find(|it| !names.insert(it.name.as_str())) {
            let message = format!("two criteria are called `{}`", twice.name);
            return Err(ScorerError::new("criteria", message).help("give each its own name"));
        }
        Ok(Self { criteria, shows_reference })
    }

    /// The score that values of its criteria give, by their names: the mean by weight.
    pub(super) fn score_of(&self, value: impl Fn(&str) -> f64) -> f64 {
        let total: f64 = self.criteria.iter().map(|criterion| criterion.weight).sum();
        let sum: f64 = self.criteria.iter().map(|it| it.weight * value(&it.name)).sum();
        sum / total
    }

    /// The names of its criteria, which are those of its metrics.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.criteria.iter().map(|criterion| criterion.name.as_str())
    }
}

impl Criterion {
    /// The criterion of a rubric that is one sentence.
    fn alone(text: &str) -> Self {
        let question = format!("Does this hold for the answer? {}", text.trim());
        Self { name: ALONE.to_owned(), question, levels: yes_or_no(), weight: 1.0 }
    }

    fn new(table: &CriterionTable) -> Result<Self, ScorerError> {
        let CriterionTable { name, question, levels, weight } = table;
        let wrong =
            |what: String| ScorerError::new("criteria", format!("the criterion `{name}`: {what}"));
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_letter) {
            let rule = format!(
                "its name may have up to {LONGEST_NAME} letters, digits, `-` and `_`, because it names a metric"
            );
            return Err(wrong(rule).help("write name = \"polite\""));
        }
        if question.trim().is_empty() {
            let help = "write question = \"Is the answer polite?\"";
            return Err(wrong("`question` is empty".to_owned()).help(help));
        }
        let weight = weight.unwrap_or(1.0);
        if !(weight.is_finite() && weight > 0.0) {
            return Err(wrong(format!("`weight` is {weight}: it must be above 0"))
                .help("remove a criterion that should not count"));
        }
        let levels = match levels {
            None => yes_or_no(),
            Some(levels) => levels.iter().map(Level::new).collect(),
        };
        let numbers = || levels.iter().map(|level| level.number);
        let is_twice = |number: f64| numbers().filter(|other| *other == number).count() > 1;
        let help =
            "write levels = [{ score = 0, text = \"rude\" }, { score = 1, text = \"polite\" }]";
        if levels.len() < 2 {
            return Err(wrong("it needs at least two levels".to_owned()).help(help));
        }
        if let Some(number) = numbers().find(|number| !number.is_finite() || is_twice(*number)) {
            let what = format!("each level needs a number of its own, and {number} is none");
            return Err(wrong(what).help(help));
        }
        if levels.iter().any(|level| level.text.is_empty()) {
            return Err(wrong("a level has no text".to_owned()).help(help));
        }
        let (name, question) = (name.clone(), question.trim().to_owned());
        Ok(Self { name, question, levels, weight })
    }

    /// What a level counts, from 0 for the lowest to 1 for the highest; `None`: there is no such level.
    #[must_use]
    pub fn value_of(&self, number: f64) -> Option<f64> {
        let numbers = || self.levels.iter().map(|level| level.number);
        numbers().find(|known| *known == number)?;
        let least = numbers().fold(f64::INFINITY, f64::min);
        let most = numbers().fold(f64::NEG_INFINITY, f64::max);
        Some((number - least) / (most - least))
    }

    /// The numbers of its levels, as text.
    pub(super) fn numbers(&self) -> String {
        let numbers = self.levels.iter().map(|level| level.number.to_string());
        numbers.collect::<Vec<_>>().join(", ")
    }
}

impl Level {
    fn new(table: &LevelTable) -> Self {
        Self { number: table.score, text: table.text.trim().to_owned() }
    }

    /// Its number as it was written: 1, and not 1.0.
    pub(super) fn as_json(&self) -> Value {
        let whole = self.number as i64;
        match whole as f64 == self.number {
            true => Value::Number(whole.into()),
            false => Number::from_f64(self.number).map_or(Value::Null, Value::Number),
        }
    }
}

fn yes_or_no() -> Vec<Level> {
    let level = |number, text: &str| Level { number, text: text.to_owned() };
    vec![level(0.0, "no"), level(1.0, "yes")]
}
