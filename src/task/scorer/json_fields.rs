//! `json-fields`: the share of the expected fields that an answer gets right.
//!
//! The expected fields are those of the row's answer, or `fields` of them. Numbers are compared
//! with the tolerance, strings exactly (after `normalize`, which trims by default). A missing field
//! counts as null; an additional field is ignored. An answer that is not a JSON object is invalid.

use super::exact::Tolerance;
use super::find_json::{self, Wanted};
use super::json;
use super::kind::{Kind, Named};
use super::prepare::Prepare;
use super::quoted;
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use crate::task::example::Example;
use crate::text;
use crate::units::Score;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct JsonFields {
    fields: Option<Vec<String>>,
    tolerance: Tolerance,
}

impl Named for JsonFields {
    const NAME: &'static str = "json-fields";
    const KEYS: &'static [&'static str] = &["fields", "tolerance", "relative_tolerance", "any_of"];

    fn new(table: &ScoreTable, _: &Prepare) -> Result<Self, ScorerError> {
        if table.fields.as_ref().is_some_and(Vec::is_empty) {
            return Err(ScorerError::new("fields", "`fields` names no field")
                .help("name the fields to score, or remove `fields` to score all"));
        }
        Ok(Self { fields: table.fields.clone(), tolerance: Tolerance::new(table)? })
    }
}

impl Kind for JsonFields {
    fn check(&self, expected: &Value, _: &Prepare) -> Result<(), String> {
        self.check_answer(expected)
    }

    fn score(
        &self,
        answer: &str,
        expected: &Value,
        _: &Example,
        prepare: &Prepare,
    ) -> Option<Verdict> {
        Some(self.score_against(answer, expected, prepare))
    }
}

impl JsonFields {
    fn expected_fields<'a>(&'a self, expected: &'a Value) -> Vec<(&'a str, &'a Value)> {
        let Value::Object(expected) = expected else {
            return Vec::new();
        };
        match &self.fields {
            None => expected.iter().map(|(name, value)| (name.as_str(), value)).collect(),
            Some(fields) => fields
                .iter()
                .map(|name| (name.as_str(), expected.get(name).unwrap_or(&Value::Null)))
                .collect(),
        }
    }

    /// Checks that a row's answer has the expected fields.
    fn check_answer(&self, expected: &Value) -> Result<(), String> {
        let Value::Object(there) = expected else {
            return Err(format!(
                "the answer {} is not a JSON object",
                quoted(&expected.to_string())
            ));
        };
        if there.is_empty() {
            return Err("the answer is an object without fields".to_owned());
        }
        match self.fields.iter().flatten().find(|name| !there.contains_key(*name)) {
            None => Ok(()),
            Some(name) => {
                let known: Vec<&str> = there.keys().map(String::as_str).collect();
                Err(format!("the answer has no field `{name}`: {}", text::suggestion(name, &known)))
            }
        }
    }

    fn score_against(&self, answer: &str, expected: &Value, prepare: &Prepare) -> Verdict {
        let fields = self.expected_fields(expected);
        let got = match find_json::find(answer, Wanted::Object) {
            Ok(Value::Object(got)) => got,
            Ok(_) => {
                return Verdict::invalid(
                    "the answer is JSON, but not an object",
                    &quoted(&expected.to_string()),
                );
            }
            Err(reason) => {
                return Verdict::invalid(
                    format!("the answer is not JSON: {reason}"),
                    &quoted(&expected.to_string()),
                );
            }
        };
        let wrong: Vec<String> = fields
            .iter()
            .filter_map(|(name, expected)| {
                let value = got.get(*name);
                let right =
                    json::equal(value.unwrap_or(&Value::Null), expected, &self.tolerance, prepare);
                (!right).then(|| {
                    let got = value
                        .map_or_else(|| "nothing".to_owned(), |value| quoted(&value.to_string()));
                    format!("{name} (expected {}, got {got})", quoted(&expected.to_string()))
                })
            })
            .collect();
        if wrong.is_empty() && !fields.is_empty() {
            return Verdict::right();
        }
        let share = (fields.len() - wrong.len()) as f64 / fields.len().max(1) as f64;
        let noun = if wrong.len() == 1 { "Wrong field" } else { "Wrong fields" };
        Verdict::scored(
            Score::new(share).unwrap_or(Score::ZERO),
            Some(format!("{noun}: {}.", wrong.join(", "))),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scorer(table: ScoreTable) -> (JsonFields, Prepare) {
        (JsonFields::new(&table, &Prepare::nothing()).unwrap(), Prepare::new(&table).unwrap())
    }

    fn invoice() -> Value {
        json!({"total": 2406.45, "currency": "EUR", "due": null, "lines": [{"n": 1}]})
    }

    #[test]
    fn the_share_of_right_fields_is_the_score_and_the_wrong_ones_are_named() {
        let (fields, prepare) = scorer(ScoreTable::default());
        let score = |answer: &str| fields.score_against(answer, &invoice(), &prepare);
        assert_eq!(
            score(
                "```json\n{\"lines\": [{\"n\": 1.0}], \"total\": 2406.450, \"currency\": \" EUR\", \"x\": 1}\n```"
            ),
            Verdict::right()
        );
        let half =
            score(r#"{"total": 2406, "currency": "EUR", "due": "2024", "lines": [{"n": 1}]}"#);
        assert_eq!(half.score.value(), 0.5);
        assert_eq!(
            half.feedback.as_deref(),
            Some(
                "Wrong fields: total (expected `2406.45`, got `2406`), due (expected `null`, got `\"2024\"`)."
            )
        );
        assert_eq!(score("{}").score.value(), 0.25);
        assert!(
            score("{}").feedback.unwrap().contains("currency (expected `\"EUR\"`, got nothing)")
        );
    }

    #[test]
    fn what_is_not_an_object_is_invalid_with_the_readers_words() {
        let (fields, prepare) = scorer(ScoreTable::default());
        let broken = fields.score_against("{\"total\": }", &invoice(), &prepare);
        assert_eq!(
            broken.invalid.as_deref(),
            Some("the answer is not JSON: expected value at line 1 column 11")
        );
        assert!(
            fields
                .score_against("[1]", &invoice(), &prepare)
                .invalid
                .unwrap()
                .contains("not an object")
        );
    }

    #[test]
    fn only_named_fields_count_and_numbers_have_a_tolerance() {
        let (fields, prepare) = scorer(ScoreTable {
            fields: Some(vec!["total".into()]),
            relative_tolerance: Some(0.01),
            ..ScoreTable::default()
        });
        assert_eq!(
            fields.score_against(r#"{"total": 2400}"#, &invoice(), &prepare),
            Verdict::right()
        );
        assert_eq!(
            fields.score_against(r#"{"total": "2406.45"}"#, &invoice(), &prepare).score,
            Score::ZERO
        );
    }

    #[test]
    fn rows_without_expected_fields_are_errors() {
        let (fields, _) =
            scorer(ScoreTable { fields: Some(vec!["totl".into()]), ..ScoreTable::default() });
        assert!(fields.check_answer(&invoice()).unwrap_err().contains("did you mean `total`?"));
        let (fields, _) = scorer(ScoreTable::default());
        assert!(
            fields.check_answer(&json!("text")).is_err()
                && fields.check_answer(&json!({})).is_err()
        );
        assert_eq!(fields.check_answer(&invoice()), Ok(()));
        assert_eq!(
            fields
                .score_against("{}", &json!("text"), &Prepare::new(&ScoreTable::default()).unwrap())
                .score,
            Score::ZERO
        );
        assert!(
            JsonFields::new(
                &ScoreTable { fields: Some(Vec::new()), ..ScoreTable::default() },
                &Prepare::nothing()
            )
            .is_err()
        );
    }
}
