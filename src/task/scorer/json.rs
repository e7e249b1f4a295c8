//! Reads JSON from an answer and compares values.
//!
//! It checks no schema.

use super::number::Tolerance as Numbers;
use super::prepare::Prepare;
use serde_json::Value;

pub(super) use super::number::Tolerance;

/// Parses the answer as JSON; a Markdown fence around it is accepted. The error is the parser's.
pub(super) fn parse(answer: &str) -> Result<Value, String> {
    serde_json::from_str(answer).or_else(|error| {
        // Report the error of the bare text, unless there is a fence.
        match fenced(answer) {
            Some(inner) => serde_json::from_str(inner).map_err(|error| error.to_string()),
            None => Err(error.to_string()),
        }
    })
}

/// The content of the last Markdown fence of an answer.
fn fenced(answer: &str) -> Option<&str> {
    let (before, _) = answer.rsplit_once("```")?;
    let (_, inner) = before.rsplit_once("```")?;
    // The word after the opening fence names the language.
    Some(inner.trim_start_matches(|c: char| c.is_ascii_alphanumeric()))
}

/// Whether two values are equal: numbers within the tolerance, strings after normalization.
pub(super) fn equal(got: &Value, expected: &Value, numbers: &Numbers, prepare: &Prepare) -> bool {
    match (got, expected) {
        (Value::String(got), Value::String(expected)) => {
            prepare.expected(got) == prepare.expected(expected)
        }
        (Value::Number(got), Value::Number(expected)) => {
            got == expected
                || matches!((got.as_f64(), expected.as_f64()), (Some(got), Some(expected)) if numbers.allows(got, expected))
        }
        (Value::Array(got), Value::Array(expected)) => {
            got.len() == expected.len()
                && got
                    .iter()
                    .zip(expected)
                    .all(|(got, expected)| equal(got, expected, numbers, prepare))
        }
        (Value::Object(got), Value::Object(expected)) => {
            got.len() == expected.len()
                && expected.iter().all(|(name, expected)| {
                    got.get(name).is_some_and(|got| equal(got, expected, numbers, prepare))
                })
        }
        _ => got == expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fence_around_the_object_is_accepted() {
        for answer in
            ["{\"a\": 1}", "```json\n{\"a\": 1}\n```", "Here you are:\n```\n{\"a\": 1}\n```\nBye."]
        {
            assert_eq!(parse(answer), Ok(json!({"a": 1})), "{answer}");
        }
        assert_eq!(parse("{\"a\": 1,}").unwrap_err(), "trailing comma at line 1 column 9");
        assert!(parse("```json\n{\"a\" 1}\n```").unwrap_err().contains("expected `:`"));
        for odd in ["", "```", "``````", "```json```", "[[[[".repeat(1000).as_str(), "1e999"] {
            assert!(parse(odd).is_err(), "{odd}");
        }
    }
}
