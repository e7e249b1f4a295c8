//! `grade`: the answer is a judge's reply, and the row's answer is what a person said. It is right as far as both agree.
//!
//! A task with this scorer is about a judge: its prompt is what the judge is told. How a judge of another task is asked and
//! read is in `judgement`.

use super::answer_filter::AnswerFilter;
use super::criteria::{Criterion, Rubric};
use super::kind::{FromTable, Method, RowKind};
use super::reason::InvalidReason;
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use crate::task::example::Example;
use crate::units::Score;
use serde_json::Value;
use std::sync::Arc;

/// The kind.
#[derive(Clone, Debug)]
pub(super) struct Grade(Rubric);

impl From<Grade> for Method {
    fn from(grade: Grade) -> Self {
        Self::Row(Arc::new(grade))
    }
}

impl FromTable for Grade {
    const NAME: &'static str = "grade";
    const KEYS: &'static [&'static str] = &["value", "criteria"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        Rubric::new(table).map(Self)
    }
}

impl RowKind for Grade {
    fn check(&self, row: &Example) -> Result<(), String> {
        self.0.labelled(&row.answer).map(drop)
    }

    fn score(&self, answer: &str, row: &Example) -> Verdict {
        let people = match self.0.labelled(&row.answer) {
            Ok(people) => people,
            Err(why) => return Verdict::wrong(why),
        };
        let judged = match self.0.read(answer) {
            Ok(judged) => judged,
            Err(why) => return InvalidReason::NoGrade(why).verdict("a grade"),
        };
        let (mut sum, mut total, mut feedback) = (0.0, 0.0, Vec::new());
        for (criterion, person) in self.0.criteria.iter().zip(people) {
            let judge = judged.metrics.get(&criterion.name).copied().unwrap_or_default();
            sum += criterion.weight * (1.0 - (judge - person).abs());
            total += criterion.weight;
            if judge != person {
                feedback.push(format!(
                    "{}: a person chose \"{}\", the reply \"{}\".",
                    criterion.name,
                    criterion.text_of(person),
                    criterion.text_of(judge)
                ));
            }
        }
        let score = Score::new((sum / total).clamp(0.0, 1.0)).unwrap_or(Score::ZERO);
        let feedback = (!feedback.is_empty()).then(|| feedback.join(" "));
        Verdict { metrics: judged.metrics, ..Verdict::scored(score, feedback) }
    }

    fn metrics(&self) -> Option<&'static [&'static str]> {
        None
    }
}

impl Rubric {
    /// What a person said of an answer: for each criterion what its level counts, from 0 to 1. A rubric of one criterion
    /// needs no names.
    ///
    /// # Errors
    /// What is wrong: a lower-case sentence without a full stop.
    pub fn labelled(&self, label: &Value) -> Result<Vec<f64>, String> {
        let object = match label {
            Value::String(text) if text.trim_start().starts_with('{') => serde_json::from_str(text)
                .map_err(|error| format!("the grade is no JSON: {error}"))?,
            label => label.clone(),
        };
        if let Value::Object(levels) = &object
            && let Some(name) = levels.keys().find(|name| self.names().all(|it| it != *name))
        {
            return Err(format!("the rubric has no criterion `{name}`"));
        }
        let of = |criterion: &Criterion| {
            let said = match &object {
                Value::Object(levels) => levels.get(&criterion.name),
                one => Some(one).filter(|_| self.criteria.len() == 1),
            };
            let said = said.filter(|said| !said.is_null());
            let said = said.ok_or_else(|| {
                format!("there is no grade for the criterion `{}`", criterion.name)
            })?;
            criterion.level_said(said).ok_or_else(|| {
                format!(
                    "the grade {said} of the criterion `{}` is none of its levels {}",
                    criterion.name,
                    criterion.numbers()
                )
            })
        };
        self.criteria.iter().map(of).collect()
    }
}

impl Criterion {
    /// What a level counts that a person names: by its number, by its text, and of two levels also as true or false, yes or
    /// no, pass or fail.
    fn level_said(&self, said: &Value) -> Option<f64> {
        let of_two = |is_high: bool| (self.levels.len() == 2).then(|| f64::from(u8::from(is_high)));
        match said {
            Value::Bool(is_high) => of_two(*is_high),
            Value::Number(number) => self.value_of(number.as_f64()?),
            Value::String(text) => {
                let text = text.trim();
                let named = self.levels.iter().find(|it| it.text.eq_ignore_ascii_case(text));
                let number = named.map(|it| it.number).or_else(|| text.parse().ok());
                number.and_then(|number| self.value_of(number)).or_else(|| {
                    match text.to_ascii_lowercase().as_str() {
                        "yes" | "true" | "pass" | "good" => of_two(true),
                        "no" | "false" | "fail" | "bad" => of_two(false),
                        _ => None,
                    }
                })
            }
            _ => None,
        }
    }

    /// The text of the level that counts this.
    fn text_of(&self, value: f64) -> &str {
        let level = self.levels.iter().find(|it| self.value_of(it.number) == Some(value));
        level.map_or("", |level| level.text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Columns;
    use serde_json::json;

    fn rubric(toml: &str) -> Rubric {
        Rubric::new(&toml::from_str(&format!("kind = \"grade\"\n{toml}")).unwrap()).unwrap()
    }

    #[test]
    fn people_name_levels_in_several_ways() {
        let one = rubric("value = \"It is polite.\"");
        for (label, value) in [
            (json!(1), 1.0),
            (json!("0"), 0.0),
            (json!(true), 1.0),
            (json!("Yes"), 1.0),
            (json!("fail"), 0.0),
            (json!({"pass": "no"}), 0.0),
            (json!("{\"pass\": 1}"), 1.0),
        ] {
            assert_eq!(one.labelled(&label), Ok(vec![value]), "{label}");
        }
        for wrong in [json!(2), json!("maybe"), json!(null), json!({"polite": 1}), json!({})] {
            assert!(one.labelled(&wrong).is_err(), "{wrong}");
        }
        let graded = rubric(
            "criteria = [{ name = \"a\", question = \"A?\", levels = [{ score = 1, text = \"low\" }, { score = 2, text = \
             \"mid\" }, { score = 3, text = \"high\" }] }, { name = \"b\", question = \"B?\" }]",
        );
        assert_eq!(graded.labelled(&json!({"a": "mid", "b": 1})), Ok(vec![0.5, 1.0]));
        assert!(graded.labelled(&json!(1)).is_err(), "which one?");
    }

    #[test]
    fn agreement_is_the_score() {
        let grade = Grade(rubric("value = \"It is polite.\""));
        let row = Example {
            id: crate::id::ExampleId::new("r1"),
            columns: Columns::new(),
            numbers: Vec::new(),
            answer: json!({"pass": 1}),
            feedback: None,
            group: None,
            weight: 1.0,
            must_pass: false,
            origin: crate::task::example::RowOrigin::Collected,
            file: 0,
            line: 1,
        };
        let reply =
            |level| format!("{{\"pass\": {{\"reason\": \"So it is.\", \"level\": {level}}}}}");
        assert_eq!(grade.score(&reply(1), &row).score, Score::ONE);
        let wrong = grade.score(&reply(0), &row);
        assert_eq!((wrong.score, wrong.metrics["pass"]), (Score::ZERO, 0.0));
        assert!(wrong.feedback.unwrap().contains("a person chose \"yes\""));
        assert!(grade.score("good", &row).invalid.is_some());
    }
}
