//! JSON as rows and answers need it: no key twice, and numbers with all their digits.
//!
//! serde_json alone keeps the last of two equal keys, and rounds numbers that no machine number
//! holds. It also explains what most often makes a file invalid.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};
use std::fmt;

/// The deepest nesting of lists and objects.
const MAX_DEPTH: usize = 128;

/// What is wrong with a JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// The byte at which it is wrong.
    pub(crate) offset: usize,
    /// A lower-case sentence without a full stop.
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// The value of a JSON text.
pub(crate) fn parse(text: &str) -> Result<Value, JsonError> {
    let raw = parse_raw(text)?;
    value_in(text, raw)
}

/// The value of a JSON text that is a row, and the columns whose numbers became texts to keep their
/// spelling: `1e3`, `1.50`, an id of 25 digits. Numbers within lists and objects keep their value.
pub(crate) fn parse_row(text: &str) -> Result<(Value, Vec<String>), JsonError> {
    let raw = parse_raw(text)?;
    let mut row = value_in(text, raw)?;
    let mut numbers = Vec::new();
    let may_be_spelled = |value: &Value| {
        let begins = |text: &str| text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        value.is_f64() || value.as_str().is_some_and(begins)
    };
    if let Value::Object(columns) = &mut row
        && columns.values().any(may_be_spelled)
    {
        for (name, written) in entries(raw).unwrap_or_default() {
            let is_number = !written.get().starts_with('"');
            if let Some(value) = columns.get_mut(&name)
                && is_number
                && (value.is_string() || value.is_f64() && !is_spelled(value, written.get()))
            {
                *value = written.get().into();
                numbers.push(name);
            }
        }
    }
    Ok((row, numbers))
}

fn is_spelled(value: &Value, text: &str) -> bool {
    let usual = value.to_string();
    usual == text
}

/// Checks the syntax of a JSON text.
pub(crate) fn parse_raw(text: &str) -> Result<&RawValue, JsonError> {
    serde_json::from_str(text).map_err(|error| explain(text, &error))
}

/// The value of a piece of a JSON text; errors are placed in the text.
pub(crate) fn value_in(text: &str, raw: &RawValue) -> Result<Value, JsonError> {
    value(text, raw, 0)
}

/// The entries of an object, in order; a key may be there twice.
pub(crate) fn entries(raw: &RawValue) -> Result<Vec<(String, &RawValue)>, serde_json::Error> {
    serde_json::from_str::<Entries<'_>>(raw.get()).map(|entries| entries.0)
}

struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(EntriesVisitor).map(Entries)
    }
}

fn value(text: &str, raw: &RawValue, depth: usize) -> Result<Value, JsonError> {
    let here = raw.get();
    let at = offset_in(text, here);
    // The syntax is checked already; what is left are escapes that make no character.
    let wrong = |error: serde_json::Error| {
        let message = error.to_string();
        let message = without_place(&message);
        let (what, help) = match named_mistake(text, at, message) {
            Some((what, help)) => (what, Some(help.to_owned())),
            None => (message.to_owned(), None),
        };
        JsonError { offset: at, message: format!("invalid JSON: {what}"), help }
    };
    if depth > MAX_DEPTH {
        let message = format!("the value is nested more than {MAX_DEPTH} levels deep");
        return Err(JsonError { offset: at, message, help: None });
    }
    match here.as_bytes().first() {
        Some(b'{') => {
            let mut object = Map::new();
            for (key, item) in entries(raw).map_err(wrong)? {
                let item_value = value(text, item, depth + 1)?;
                if object.contains_key(&key) {
                    return Err(JsonError {
                        offset: offset_in(text, item.get()),
                        message: format!("the key `{key}` is there twice"),
                        help: Some("remove or rename one of them".to_owned()),
                    });
                }
                object.insert(key, item_value);
            }
            Ok(Value::Object(object))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(here).map_err(wrong)?;
            items.into_iter().map(|item| value(text, item, depth + 1)).collect()
        }
        Some(b'-' | b'0'..=b'9') => Ok(number(here)),
        _ => serde_json::from_str(here).map_err(wrong),
    }
}

/// A number, or its text if no machine number has the same digits: an id of 25 digits stays what it
/// is.
pub(crate) fn number(text: &str) -> Value {
    match serde_json::from_str::<Number>(text) {
        Ok(number) if digits(&number.to_string()) == digits(text) => Value::Number(number),
        _ => Value::String(text.to_owned()),
    }
}

/// The significant digits of a number.
fn digits(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

/// The offset of a slice in its text; 0 if it is a slice of another text.
pub(crate) fn offset_in(text: &str, slice: &str) -> usize {
    (slice.as_ptr() as usize)
        .checked_sub(text.as_ptr() as usize)
        .filter(|offset| *offset <= text.len())
        .unwrap_or(0)
}

fn without_place(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(before, _)| before)
}

/// What is wrong at the place of a syntax error, for the mistakes that are made most often.
fn explain(text: &str, error: &serde_json::Error) -> JsonError {
    let line_start: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let mut offset = (line_start + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    // A text that ends too early ends on its last line, not behind the line break.
    let mut column = error.column();
    if error.is_eof() && offset > text.trim_end().len() {
        offset = text.trim_end().len();
        column = offset - text[..offset].rfind('\n').map_or(0, |end| end + 1);
    }
    let message = error.to_string();
    let message = without_place(&message);
    let named = named_mistake(text, offset, message);
    if let Some((at, what)) = named.is_none().then(|| unclosed(text, offset, message)).flatten() {
        return JsonError { offset: at, message: format!("invalid JSON: {what}"), help: None };
    }
    let rest = &text[offset..];
    let (message, help) = match named {
        Some((what, help)) => (format!("invalid JSON: {what}"), Some(help.to_owned())),
        None if error.is_eof() => {
            let what = message.trim_start_matches("EOF while parsing ");
            (format!("invalid JSON: it ends within {what} (column {column})"), None)
        }
        None => (format!("invalid JSON: {message} (column {column})"), None),
    };
    // The rest of a file that is one object per line begins with the next object.
    let help = help.or_else(|| {
        let next = rest.trim_start().starts_with('{') && message.contains("trailing characters");
        next.then(|| {
            "for one object per line, name the file .jsonl, and put each on its own line".to_owned()
        })
    });
    JsonError { offset, message, help }
}

/// Where a bracket or a comma is missing, and which: the parser only sees what comes next, which may
/// stand lines below.
fn unclosed(text: &str, offset: usize, message: &str) -> Option<(usize, String)> {
    let before = text[..offset].trim_end();
    let last = before.len().checked_sub(1)?;
    let is_above = text[before.len()..offset].contains('\n');
    let missing = match message {
        "expected `,` or `}`" => "`,` or `}`",
        "expected `,` or `]`" => "`,` or `]`",
        "key must be a string" if text[offset..].starts_with('{') => "`}`",
        _ if message.starts_with("EOF") && text.trim_end().contains('\n') => {
            let open = open_bracket(text)?;
            return Some((
                open,
                format!("the `{}` on this line is not closed", &text[open..=open]),
            ));
        }
        _ => return None,
    };
    is_above.then(|| (last, format!("{missing} is missing at the end of this line")))
}

/// The last bracket of a text that is not closed.
fn open_bracket(text: &str) -> Option<usize> {
    let (mut open, mut in_text, mut escaped) = (Vec::new(), false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => open.push(at),
            b'}' | b']' if !in_text => drop(open.pop()),
            _ => {}
        }
    }
    open.pop()
}

/// A usual mistake at an offset: what it is, and what to do.
fn named_mistake(text: &str, offset: usize, message: &str) -> Option<(String, &'static str)> {
    let rest = &text[offset..];
    let word_start = text[..offset]
        .rfind(|c: char| !(c.is_alphanumeric() || c == '-'))
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    let word: String =
        text[word_start..].chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect();
    let bare = word.trim_start_matches('-').to_ascii_lowercase();
    if ["nan", "infinity", "inf"].contains(&bare.as_str()) {
        return Some((
            format!("`{word}` is not a JSON value"),
            "write null, or remove the key; pandas' `to_json` writes null by itself",
        ));
    }
    if ["True", "False", "None", "undefined"].contains(&word.as_str()) {
        return Some((
            format!("`{word}` is not a JSON value"),
            "write true, false or null; in Python, write rows with `json.dumps(row)`",
        ));
    }
    if rest.starts_with('\'') {
        return Some((
            "a text is in single quotes".to_owned(),
            "use double quotes; in Python, write rows with `json.dumps(row)`, not `str(row)`",
        ));
    }
    if rest.starts_with(['“', '”', '„']) {
        return Some(("a text is in typographic quotes".to_owned(), "use straight double quotes"));
    }
    if message.contains("trailing characters") && rest.starts_with(',') {
        return Some((
            "a comma follows the object".to_owned(),
            "remove the comma at the end of each line, or put [ and ] around the rows and name the \
             file .json",
        ));
    }
    if message.contains("hex escape") || message.contains("lone leading surrogate") {
        return Some((
            "half of a pair of \\u escapes stands alone".to_owned(),
            "write the character itself; in Python, `json.dumps(row, ensure_ascii=False)` does",
        ));
    }
    if message.contains("invalid escape") {
        return Some((
            "a backslash in a text begins an escape that JSON does not know".to_owned(),
            "write two backslashes for one: \"C:\\\\x\"",
        ));
    }
    if message.contains("expected value") && offset == text.len() - text.trim_start().len() {
        return match rest.split(|c: char| !c.is_alphanumeric()).next() {
            Some("data") => Some((
                "this is an event stream, not JSON".to_owned(),
                "remove `data: ` at the head of each line",
            )),
            _ if rest.starts_with('\u{1e}') => Some((
                "a record separator (byte 30) begins this line".to_owned(),
                "remove it (`tr -d '\\036'`)",
            )),
            _ => Some((
                "this is not JSON".to_owned(),
                "begin a row with `{`; name a file of comma-separated rows .csv",
            )),
        };
    }
    let closes = rest.starts_with(['}', ']']) && text[..offset].trim_end().ends_with(',');
    if message.contains("trailing comma") || closes {
        return Some(("a comma follows the last entry".to_owned(), "remove that comma"));
    }
    if message.contains("control character") {
        return Some((
            "a text contains a line break or another control character".to_owned(),
            "write a line break as \\n, and a tab as \\t",
        ));
    }
    if rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with('#') {
        return Some(("this is a comment".to_owned(), "remove it: JSON has no comments"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_key_that_is_there_twice_is_an_error_at_any_depth() {
        for text in [r#"{"a": 1, "b": 2, "a": 1}"#, r#"{"b": [{"a": 1, "a": 2}]}"#] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.message, "the key `a` is there twice");
        }
        assert!(parse(r#"{"a": {"a": 1}, "b": {"a": 1}}"#).is_ok());
    }

    #[test]
    fn numbers_keep_their_digits() {
        for (text, value) in [
            ("9007199254740993", json!(9_007_199_254_740_993_u64)),
            ("18446744073709551615", json!(u64::MAX)),
            ("1234567890123456789012345", json!("1234567890123456789012345")),
            ("0.12345678901234567890", json!("0.12345678901234567890")),
            ("1e999", json!("1e999")),
            ("1.50", json!(1.5)),
            ("1e3", json!(1000.0)),
            ("-0.25", json!(-0.25)),
            ("0", json!(0)),
        ] {
            assert_eq!(parse(text).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn usual_mistakes_are_named_with_a_remedy() {
        for (text, says, help) in [
            (r#"{"a": NaN}"#, "`NaN` is not a JSON value", "null"),
            (r#"{"a": -Infinity}"#, "`-Infinity` is not a JSON value", "null"),
            (r#"{"a": None}"#, "`None` is not", "json.dumps"),
            (r#"{'a': 1}"#, "single quotes", "json.dumps"),
            (r#"{"a": “b”}"#, "typographic", "straight"),
            (r#"{"a": 1},"#, "a comma follows the object", "end of each line"),
            (r#"{"a": 1,}"#, "a comma follows the last entry", "remove"),
            ("{\"a\": \"x\ty\"}", "control character", "\\t"),
            ("{\"a\": 1} // one", "comment", "comments"),
            (r#"{"a": "\ud83d"}"#, "half of a pair", "the character itself"),
            (r#"{"a": "C:\x"}"#, "a backslash in a text", "two backslashes"),
            ("data: {\"a\": 1}", "an event stream", "at the head"),
            ("\u{1e}{\"a\": 1}", "a record separator", "tr -d"),
            ("a,b", "this is not JSON", ".csv"),
            ("{\"a\": 1}\n{\"a\": 2}", "trailing", ".jsonl"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message.contains(says), "{text}: {error:?}");
            assert!(error.help.as_deref().unwrap_or_default().contains(help), "{text}: {error:?}");
        }
    }

    #[test]
    fn a_row_keeps_the_spelling_of_its_numbers() {
        let text = r#"{"a": 1e3, "b": 1.50, "c": 1.5, "d": 7, "e": [1e3], "f": -0, "g": "1.50",
            "h": 1234567890123456789012345}"#;
        let (row, numbers) = parse_row(text).unwrap();
        let expected = json!({"a": "1e3", "b": "1.50", "c": 1.5, "d": 7, "e": [1000.0], "f": "-0",
            "g": "1.50", "h": "1234567890123456789012345"});
        assert_eq!(row, expected);
        assert_eq!(numbers, ["a", "b", "f", "h"]);
    }

    #[test]
    fn a_missing_bracket_is_named_on_its_line() {
        for (text, line, says) in [
            ("[{\"a\": 1},\n{\"a\": 2\n{\"a\": 3}]", 2, "`,` or `}` is missing at the end"),
            ("[{\"a\": 1},\n{\"a\": 2\n\n]", 2, "`,` or `}` is missing at the end"),
            ("[{\"a\": 1},\n{\"a\": 2,\n{\"a\": 3}]", 2, "`}` is missing at the end"),
            ("[{\"a\": [1, 2\n},\n{\"a\": 3}]", 1, "`,` or `]` is missing at the end"),
            ("[\n{\"a\": {\"b\": \"}\"},\n \"c\": 3", 2, "the `{` on this line is not closed"),
            ("{\"a\": 1\n", 1, "it ends within an object (column 7)"),
            ("[{\"a\": 1 \"b\": 2}]", 1, "expected `,` or `}` (column 10)"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message.contains(says), "{text}: {error:?}");
            assert_eq!(crate::source::line_of_offset(text, error.offset), line, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_run_into() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(parse(&deep).unwrap_err().message.contains("nested"));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter_map("finite", |x| Number::from_f64(x).map(Value::Number)),
            "\\PC{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(value in any_value()) {
            prop_assert_eq!(parse(&value.to_string()).unwrap(), value);
        }

        #[test]
        fn an_integer_of_any_length_keeps_its_text(text in "[1-9][0-9]{0,40}") {
            let value = parse(&text).unwrap();
            prop_assert_eq!(crate::prompt::value_text(&value).into_owned(), text);
        }

        #[test]
        fn no_text_breaks_the_explanation(text in "[{}\\[\\]\",:'NaIné“ \\-0-9]{0,24}") {
            let _ = parse(&text);
        }
    }
}
