//! Reads JSON and compares values: numbers with all their digits, strings like other texts.
//!
//! Where an answer holds JSON is in `find_json`. It checks no schema.

use super::answer_filter::AnswerFilter;
use super::comparable::comparable;
use super::exact::{Exact, Tolerance};
use crate::source::json;
use serde_json::{Map, Number, Value};

/// Parses a text that is JSON and nothing else. A number whose digits no machine number holds
/// becomes its text.
///
/// # Errors
/// The parser's message.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    json::parse(text).map_err(|error| complaint(text).unwrap_or(error.message))
}

/// What is wrong with a text, in the words of the parser that knows the mistakes by name, such as a
/// trailing comma.
pub(super) fn complaint(text: &str) -> Option<String> {
    let first = serde_json::Deserializer::from_str(text).into_iter::<Value>().next();
    let parsed = serde_json::from_str::<Value>(text).err().map(|error| error.to_string());
    match first {
        Some(Err(error)) => Some(error.to_string()),
        _ => parsed,
    }
}

/// Whether two values are equal: numbers within the tolerance, strings after normalization.
pub(super) fn equal(
    got: &Value,
    expected: &Value,
    numbers: &Tolerance,
    filter: &AnswerFilter,
) -> bool {
    match (got, expected) {
        (Value::Array(got), Value::Array(expected)) => {
            got.len() == expected.len()
                && got
                    .iter()
                    .zip(expected)
                    .all(|(got, expected)| equal(got, expected, numbers, filter))
        }
        (Value::Object(got), Value::Object(expected)) => {
            got.len() == expected.len()
                && expected.iter().all(|(name, expected)| {
                    field(got, name).is_some_and(|got| equal(got, expected, numbers, filter))
                })
        }
        (Value::String(got), Value::String(expected))
            if filter.text(got) == filter.text(expected) =>
        {
            true
        }
        _ => match (exact(got), exact(expected)) {
            (Some(got), Some(expected)) => numbers.allows(&got, &expected),
            _ => got == expected,
        },
    }
}

/// The value of a key: as it is written, or else as texts are compared.
pub(super) fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let alike = || {
        let form = comparable(name);
        object.iter().find(|(key, _)| comparable(key) == form).map(|(_, value)| value)
    };
    object.get(name).or_else(alike)
}

/// The number that a value is. A text is one if it stands for a number whose digits no machine
/// number holds.
fn exact(value: &Value) -> Option<Exact> {
    match value {
        Value::Number(number) => Exact::of_json(number),
        Value::String(text) => {
            let is_number = serde_json::from_str::<Number>(text).is_ok();
            (is_number && json::number(text).is_string()).then(|| Exact::parse(text)).flatten()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn same(got: &str, expected: &str) -> bool {
        let numbers = Tolerance::none();
        equal(&parse(got).unwrap(), &parse(expected).unwrap(), &numbers, &AnswerFilter::nothing())
    }

    #[test]
    fn numbers_are_equal_by_value_and_by_all_their_digits() {
        assert!(same("1", "1.0") && same("[1e0]", "[1]") && same("-0.0", "0"));
        assert!(same("9007199254740993", "9007199254740993.0"));
        assert!(!same("9007199254740993", "9007199254740992"));
        assert!(same(
            "{\"n\": 31415926535897932384626433}",
            "{\"n\": 31415926535897932384626433.00}"
        ));
        assert!(!same("31415926535897932384626433", "31415926535897932384626434"));
        assert!(!same("0.12345678901234567891", "0.12345678901234567892"));
        assert!(!same("\"1\"", "1") && !same("\"1\"", "\"1.0\"") && !same("true", "1"));
    }

    #[test]
    fn texts_are_equal_like_other_texts() {
        assert!(same("\"can’t – stop\"", "\"can't - stop\""));
        assert!(!same("{\"A\": 1}", "{\"a\": 1}"));
        assert!(same("{\"gro\u{308}\u{df}e\": 1}", "{\"größe\": 1}"));
        assert!(same("{\"a‑b\": 1, \"a-c\": 2}", "{\"a-b\": 1, \"a-c\": 2}"));
        assert!(same("{\"a\": 1, \"b\": [2]}", "{\"b\": [2], \"a\": 1}"));
        assert!(!same("{\"a\": 1, \"b\": 2}", "{\"a\": 1}") && !same("[1, 2]", "[2, 1]"));
    }

    #[test]
    fn what_is_not_one_value_is_refused() {
        for text in
            ["", "{} {}", "{\"a\": 1,}", "01", "+1", "'a'", "{\"a\": 1, \"a\": 1}", "\"\\ud800\""]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&format!("{}{}", "[".repeat(1_000), "]".repeat(1_000))).is_err());
        assert!(parse(&"[".repeat(1 << 20)).is_err());
    }

    proptest! {
        #[test]
        fn a_value_that_is_written_is_read_and_equal(number in any::<f64>().prop_filter("finite", |it| it.is_finite()), whole in any::<i64>(), text in any::<String>()) {
            let value = json!({"n": number, "w": [whole], "t": text});
            let read = parse(&value.to_string()).unwrap();
            prop_assert!(equal(&read, &value, &Tolerance::none(), &AnswerFilter::nothing()));
        }
    }
}
