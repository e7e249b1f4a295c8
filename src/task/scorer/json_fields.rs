//! `json-fields`: the share of the expected fields that an answer gets right.
//!
//! The expected fields are those of the row's answer, or `fields` of them. Numbers are compared
//! with the tolerance, strings exactly (after `normalize`, which trims by default). A missing field
//! is wrong, also where null is expected; an additional field is ignored. An answer that is not a JSON object is invalid.

use super::answer_filter::AnswerFilter;
use super::exact::Tolerance;
use super::find_json::{self, Wanted};
use super::json;
use super::kind::{FromTable, Kind};
use super::reason::InvalidReason;
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, quoted};
use crate::text;
use crate::units::Score;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct JsonFields {
    fields: Option<Vec<String>>,
    tolerance: Tolerance,
}

impl FromTable for JsonFields {
    const NAME: &'static str = "json-fields";
    const KEYS: &'static [&'static str] = &["fields", "tolerance", "relative_tolerance", "any_of"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        if table.fields.as_ref().is_some_and(Vec::is_empty) {
            return Err(ScorerError::new("fields", "`fields` names no field")
                .help("name the fields to score, or remove `fields` to score all"));
        }
        Ok(Self { fields: table.fields.clone(), tolerance: Tolerance::new(table)? })
    }
}

impl Kind for JsonFields {
    /// Checks that a row's answer has the expected fields.
    fn check(&self, expected: &Value, _: &AnswerFilter) -> Result<(), String> {
        let Value::Object(there) = expected else {
            // A cell that was meant to be one, such as `{'a': 1}`.
            let text = expected.as_str().map_or("", str::trim);
            let reason = json::parse(text).err().filter(|_| text.starts_with('{'));
            let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            let shown = quoted(&expected.to_string());
            return Err(format!("the answer {shown} is not a JSON object{reason}"));
        };
        if there.is_empty() {
            return Err("the answer is an object without fields".to_owned());
        }
        match self.fields.iter().flatten().find(|name| json::field(there, name).is_none()) {
            None => Ok(()),
            Some(name) => {
                let known: Vec<&str> = there.keys().map(String::as_str).collect();
                Err(format!("the answer has no field `{name}`: {}", text::suggestion(name, &known)))
            }
        }
    }

    fn score(&self, answer: &str, expected: &Value, filter: &AnswerFilter) -> Verdict {
        let fields = self.expected_fields(expected);
        let got = match find_json::find(answer, Wanted::Object) {
            Ok(Value::Object(got)) => got,
            Ok(_) => return InvalidReason::NoObject.verdict(&quoted(&expected.to_string())),
            Err(reason) => return reason.verdict(&quoted(&expected.to_string())),
        };
        let wrong: Vec<String> = fields
            .iter()
            .filter_map(|(name, expected)| {
                let value = json::field(&got, name);
                let right = value
                    .is_some_and(|value| json::equal(value, expected, &self.tolerance, filter));
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

impl JsonFields {
    fn expected_fields<'a>(&'a self, expected: &'a Value) -> Vec<(&'a str, &'a Value)> {
        let Value::Object(expected) = expected else {
            return Vec::new();
        };
        match &self.fields {
            None => expected.iter().map(|(name, value)| (name.as_str(), value)).collect(),
            Some(fields) => fields
                .iter()
                .map(|name| (name.as_str(), json::field(expected, name).unwrap_or(&Value::Null)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scorer(table: ScoreTable) -> (JsonFields, AnswerFilter) {
        (
            JsonFields::new(&table, &AnswerFilter::nothing()).unwrap(),
            AnswerFilter::new(&table).unwrap(),
        )
    }

    fn invoice() -> Value {
        json!({"total": 2406.45, "currency": "EUR", "due": null, "lines": [{"n": 1}]})
    }

    #[test]
    fn the_share_of_right_fields_is_the_score_and_the_wrong_ones_are_named() {
        let (fields, filter) = scorer(ScoreTable::default());
        let score = |answer: &str| fields.score(answer, &invoice(), &filter);
        assert_eq!(
            score(
                "```json\n{\"lines\": [{\"n\": 1.0}], \"total\": 2406.450, \"currency\": \" EUR\", \"due\": null, \"x\": 1}\n```"
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
        assert_eq!(score("{}").score.value(), 0.0);
        assert_eq!(score("{\"due\": null}").score.value(), 0.25);
        assert!(
            score("{}").feedback.unwrap().contains("currency (expected `\"EUR\"`, got nothing)")
        );
    }

    #[test]
    fn what_is_not_an_object_is_invalid_with_the_readers_words() {
        let (fields, filter) = scorer(ScoreTable::default());
        let broken = fields.score("{\"total\": }", &invoice(), &filter);
        assert_eq!(broken.invalid.as_deref(), Some("the JSON in the answer is broken"));
        assert!(broken.feedback.unwrap().contains("(expected value at line 1 column 11)."));
        assert!(
            fields.score("[1]", &invoice(), &filter).invalid.unwrap().contains("not an object")
        );
    }

    #[test]
    fn a_row_that_is_broken_json_says_why() {
        let (fields, filter) = scorer(ScoreTable::default());
        for (cell, reason) in [
            ("{\"a\": NaN}", "object: expected value at line 1"),
            ("{'a': 1}", "object: key must be a string"),
            ("{\"a\": 1, \"a\": 2}", "object: the key `a` is there twice"),
            ("{\"a\": 1", "object: EOF while parsing"),
        ] {
            let error = fields.check(&json!(cell), &filter).unwrap_err();
            assert!(error.contains(reason), "{cell}: {error}");
        }
        assert!(fields.check(&json!("text"), &filter).unwrap_err().ends_with("JSON object"));
    }

    #[test]
    fn keys_are_compared_like_texts() {
        let (fields, filter) = scorer(ScoreTable::default());
        for (answer, expected) in [
            ("{\"gro\u{308}\u{df}e\": 1}", json!({"größe": 1})),
            ("{\"a‑b\": 1}", json!({"a-b": 1})),
        ] {
            assert_eq!(fields.score(answer, &expected, &filter), Verdict::right(), "{answer}");
        }
    }

    #[test]
    fn only_named_fields_count_and_numbers_have_a_tolerance() {
        let (fields, filter) = scorer(ScoreTable {
            fields: Some(vec!["total".into()]),
            relative_tolerance: Some(0.01),
            ..ScoreTable::default()
        });
        assert_eq!(fields.score(r#"{"total": 2400}"#, &invoice(), &filter), Verdict::right());
        assert_eq!(fields.score(r#"{"total": "2406.45"}"#, &invoice(), &filter).score, Score::ZERO);
    }

    #[test]
    fn rows_without_expected_fields_are_errors() {
        let (fields, _) =
            scorer(ScoreTable { fields: Some(vec!["totl".into()]), ..ScoreTable::default() });
        assert!(
            fields
                .check(&invoice(), &AnswerFilter::nothing())
                .unwrap_err()
                .contains("did you mean `total`?")
        );
        let (fields, _) = scorer(ScoreTable::default());
        assert!(
            fields.check(&json!("text"), &AnswerFilter::nothing()).is_err()
                && fields.check(&json!({}), &AnswerFilter::nothing()).is_err()
        );
        assert_eq!(fields.check(&invoice(), &AnswerFilter::nothing()), Ok(()));
        assert_eq!(
            fields
                .score("{}", &json!("text"), &AnswerFilter::new(&ScoreTable::default()).unwrap())
                .score,
            Score::ZERO
        );
        assert!(
            JsonFields::new(
                &ScoreTable { fields: Some(Vec::new()), ..ScoreTable::default() },
                &AnswerFilter::nothing()
            )
            .is_err()
        );
    }
}
