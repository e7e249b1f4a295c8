//! `assertions`: each row says itself what its answer must be.
//!
//! A column of the data, or the row's answer, holds an assertion in promptfoo's words (`contains: x`; a bare text must be
//! equal), or a list of them as JSON, whose score is their mean by weight. An item of a list may be a table of `[[score]]`,
//! too, and then it compares with the row's answer as such a table does. All rows are read before anything is scored.

use super::ScorerSet;
use super::answer_filter::AnswerFilter;
use super::assertion::Assertion;
use super::kind::{FromTable, Method, RowKind};
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, quoted};
use crate::task::example::Example;
use serde_json::Value;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(super) struct RowAssertions {
    column: Option<String>,
}

impl From<RowAssertions> for Method {
    fn from(assertions: RowAssertions) -> Self {
        Self::Row(Arc::new(assertions))
    }
}

impl FromTable for RowAssertions {
    const NAME: &'static str = "assertions";
    const KEYS: &'static [&'static str] = &["column"];
    const HAS_FILTER: bool = false;

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        Ok(Self { column: table.column.clone() })
    }
}

impl RowKind for RowAssertions {
    fn check(&self, row: &Example) -> Result<(), String> {
        self.read(row)?.check(row)
    }

    fn score(&self, answer: &str, row: &Example) -> Verdict {
        match self.read(row) {
            Ok(set) => Verdict { metrics: Default::default(), ..set.score(answer, row) },
            Err(message) => Verdict::wrong(message),
        }
    }
}

impl RowAssertions {
    fn read(&self, row: &Example) -> Result<ScorerSet, String> {
        let (place, written) = match &self.column {
            Some(name) => (format!("the column `{name}`"), row.columns.get(name)),
            None => ("the answer".to_owned(), Some(&row.answer)),
        };
        let wrong = |message: String| format!("{place}: {message}");
        let Some(written) = written else {
            return Err(format!(
                "there is no column `{}`",
                self.column.as_deref().unwrap_or_default()
            ));
        };
        let tables = tables(written).map_err(wrong)?;
        if tables.is_empty() {
            return Err(wrong("it holds no assertion".to_owned()));
        }
        // Such a table would read the same row again, without an end.
        if tables.iter().any(holds_assertions) {
            return Err(wrong(format!("`{}` cannot be an assertion of a row", Self::NAME)));
        }
        let set = ScorerSet::new(&tables).map_err(|(_, error)| wrong(error.message))?;
        match set.is_pure() {
            true => Ok(set),
            false => {
                Err(wrong("neither a program nor a judge can be an assertion of a row".to_owned()))
            }
        }
    }
}

/// Whether a table, or one of its parts, takes its assertions from the row.
fn holds_assertions(table: &ScoreTable) -> bool {
    let is_own = table.kind.trim_start_matches("not-") == RowAssertions::NAME;
    is_own || table.of.iter().flatten().any(holds_assertions)
}

fn tables(written: &Value) -> Result<Vec<ScoreTable>, String> {
    match written {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items.iter().map(table).collect(),
        Value::String(text) if text.trim().is_empty() => Ok(Vec::new()),
        Value::String(text) if text.trim_start().starts_with(['[', '{']) => {
            match serde_json::from_str::<Value>(text) {
                Ok(value @ (Value::Array(_) | Value::Object(_))) => tables(&value),
                Ok(_) => Err(format!("{} is no list of assertions", quoted(text))),
                Err(error) => Err(format!("{} is not JSON: {error}", quoted(text))),
            }
        }
        other => table(other).map(|table| vec![table]),
    }
}

fn table(written: &Value) -> Result<ScoreTable, String> {
    match written {
        Value::Object(object) if object.contains_key("type") => {
            Assertion::of_object(object)?.table()
        }
        Value::Object(_) => {
            serde_json::from_value(written.clone()).map_err(|error| error.to_string())
        }
        Value::Array(_) | Value::Null => {
            Err(format!("the item {} is no assertion", quoted(&written.to_string())))
        }
        other => {
            let cell = crate::prompt::value_text(other);
            match Assertion::mistyped(&cell) {
                Some(name) => Err(format!(
                    "{} is no assertion: did you mean `{name}`? A text that must be equal is written \
                     `equals: …`",
                    quoted(&cell)
                )),
                None => Assertion::of_cell(&cell).table(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{row, scorer};
    use super::super::{ScoreTable, Scorer};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn of_column(assertion: Value) -> Example {
        let mut row = row(json!("Paris"));
        row.columns.insert("check".to_owned(), assertion);
        row
    }

    fn column() -> Scorer {
        scorer("kind = 'assertions'\ncolumn = 'check'")
    }

    #[test]
    fn each_row_has_its_own() {
        for (assertion, answer, score) in [
            (json!("contains: foo"), "a foo", 1.0),
            (json!("contains: foo"), "a bar", 0.0),
            (json!("42"), "42", 1.0),
            (json!(42), "42", 1.0),
            (
                json!(
                    "[\"contains: a\", {\"type\": \"not-contains\", \"value\": \"b\", \"weight\": 3}]"
                ),
                "ab",
                0.25,
            ),
            (json!([{"type": "contains", "value": "a"}]), "a", 1.0),
            (json!({"type": "is-json"}), "{}", 1.0),
            // A table compares with the row's answer.
            (json!([{"kind": "contains"}]), "Paris!", 1.0),
            (json!([{"kind": "f1", "threshold": 0.5}]), "in Paris", 1.0),
        ] {
            let row = of_column(assertion);
            column().check(&row).unwrap();
            let verdict = column().score(answer, &row).unwrap();
            assert_eq!(verdict.score.value(), score, "{} {answer}", row.columns["check"]);
            assert!(verdict.metrics.is_empty());
        }
        let of_answer = scorer("kind = 'assertions'");
        assert_eq!(of_answer.score("A", &row(json!("icontains: a"))).unwrap(), Verdict::right());
        let unwanted = scorer("kind = 'not-assertions'").score("a", &row(json!("a"))).unwrap();
        assert_eq!(unwanted.score.value(), 0.0);
    }

    #[test]
    fn a_row_that_cannot_be_used_is_found_before_it_is_paid_for() {
        for (assertion, message) in [
            (json!(null), "the column `check`: it holds no assertion"),
            (json!(" "), "it holds no assertion"),
            (json!("[]"), "it holds no assertion"),
            (json!("contians: x"), "did you mean `contains`?"),
            (json!("llm-rubric: nice"), "neither a program nor a judge"),
            (json!("[{\"type\": \"contains\""), "is not JSON: EOF"),
            (json!([{"type": "regex", "value": "("}]), "`pattern` is not a pattern"),
            (json!([{"kind": "contains", "valu": "x"}]), "unknown field `valu`"),
            (json!([{"kind": "command", "command": ["x"]}]), "neither a program nor a judge"),
            (json!([{"kind": "number"}]), "`Paris`"),
            // It would read the row again, without an end.
            (json!([{"kind": "assertions"}]), "`assertions` cannot be an assertion of a row"),
            (
                json!([{"kind": "not-all-of", "of": [{"kind": "one-of", "of": [{"kind": "not-assertions"}]}]}]),
                "`assertions` cannot be an assertion of a row",
            ),
            (json!("latency(1000)"), "`latency` is not supported"),
            (json!([[1]]), "the item `[1]` is no assertion"),
        ] {
            let error = column().check(&of_column(assertion.clone())).unwrap_err();
            assert!(error.contains(message), "{assertion}: {error}");
        }
        assert_eq!(column().check(&row(json!("x"))).unwrap_err(), "there is no column `check`");
        let table: ScoreTable = toml::from_str("kind = 'assertions'\nextract = '(.)'").unwrap();
        assert!(Scorer::new(&table).unwrap_err().message.contains("`extract` is not a key"));
    }

    proptest! {
        #[test]
        fn any_cell_can_be_read(cell in any::<String>(), answer in any::<String>()) {
            let row = of_column(json!(cell));
            let _ = column().check(&row);
            let verdict = column().score(&answer, &row).unwrap();
            prop_assert!(verdict.score.is_perfect() || verdict.feedback.is_some());
        }
    }
}
