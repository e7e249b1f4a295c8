//! Numbers of a row in frozen parts: shown as they were written, and numbers everywhere else.
//!
//! JSON's `1.50`, `1e3` and ids of 25 digits keep their digits in a row, as texts. Frozen parts see them as
//! objects that print those digits; operators, tests and filters that calculate get the number.

use minijinja::value::{DynObject, Object, ObjectRepr, Value, ValueKind};
use minijinja::{Error, ErrorKind};
use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A number and its digits.
#[derive(Debug)]
struct NumberLiteral {
    text: String,
    number: Value,
}

impl Object for NumberLiteral {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.number.is_true()
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        other.downcast_ref::<Self>().map(|other| self.number.cmp(&other.number))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A number that prints as it was written. What is no number of JSON is a text.
pub(super) fn written(text: &str) -> Value {
    let is_json = serde_json::from_str::<&RawValue>(text).is_ok_and(|json| json.get() == text);
    match plain_number(text).filter(|_| is_json) {
        Some(number) => Value::from_object(NumberLiteral { text: text.to_owned(), number }),
        None => Value::from(text),
    }
}

/// The number that a text is in digits: with a sign, a decimal point, an exponent or leading zeros, and nothing
/// else.
pub(super) fn plain_number(text: &str) -> Option<Value> {
    // `inf` and `nan` are words.
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let whole =
        || text.parse::<i128>().map(Value::from).or_else(|_| text.parse::<u128>().map(Value::from));
    whole().ok().or_else(|| Some(Value::from(text.parse::<f64>().ok()?)))
}

/// The value to calculate with: numbers without their spelling, also in a list.
pub(super) fn number_of(value: &Value) -> Value {
    let written =
        |value: &Value| value.downcast_object_ref::<NumberLiteral>().map(|it| it.number.clone());
    if let Some(number) = written(value) {
        return number;
    }
    let items = || value.try_iter().ok().into_iter().flatten();
    match value.kind() {
        ValueKind::Seq if items().any(|item| written(&item).is_some()) => {
            items().map(|item| written(&item).unwrap_or(item)).collect()
        }
        _ => value.clone(),
    }
}

/// The value to calculate with, where a text that is a number counts as one: a cell of a CSV. A list counts so
/// as a whole.
pub(super) fn calculable(value: &Value) -> Value {
    let value = number_of(value);
    let of_text = |value: &Value| plain_number(value.as_str()?.trim());
    match value.kind() {
        ValueKind::String => of_text(&value).unwrap_or(value),
        ValueKind::Seq => {
            let items = value.try_iter().ok().into_iter().flatten();
            let numbers: Option<Vec<Value>> = items
                .map(|item| if item.is_number() { Some(item) } else { of_text(&item) })
                .collect();
            numbers.map_or(value, Value::from)
        }
        _ => value,
    }
}

/// An operand of `*`, `/`, `%`, `**` or `-`.
///
/// # Errors
/// It is a text that is no number: the engine would repeat it.
pub(super) fn factor(value: &Value) -> Result<Value, Error> {
    let value = calculable(value);
    match value.as_str() {
        None => Ok(value),
        Some(text) => {
            let text = crate::text::shorten(&crate::text::one_line(text), 40);
            let message = format!("cannot calculate with the text `{text}`; {NO_NUMBER}");
            Err(Error::new(ErrorKind::InvalidOperation, message))
        }
    }
}

/// An operand of `+`, which adds numbers and joins texts.
///
/// # Errors
/// It is a text that is a number, so that either could be meant.
pub(super) fn term(value: &Value) -> Result<Value, Error> {
    let value = number_of(value);
    match value.as_str().filter(|text| plain_number(text.trim()).is_some()) {
        None => Ok(value),
        Some(text) => {
            let message = format!(
                "cannot tell whether `+` adds or joins the text `{text}`; write `x|float + y|float` to add, \
                 and `x ~ y` to join"
            );
            Err(Error::new(ErrorKind::InvalidOperation, message))
        }
    }
}

/// A value that is asked whether it is true. A text that says false or is a number that is zero is not, as in a
/// cell of a CSV; it is shown as it was written.
pub(super) fn truth(value: &Value) -> Value {
    let Some(text) = value.as_str() else { return value.clone() };
    let is_false = text.trim().eq_ignore_ascii_case("false");
    let number = plain_number(text.trim()).filter(|number| !number.is_true());
    match number.or_else(|| is_false.then(|| Value::from(false))) {
        Some(number) => Value::from_object(NumberLiteral { text: text.to_owned(), number }),
        None => value.clone(),
    }
}

/// What to write where a text may be no number.
pub(super) const NO_NUMBER: &str = "`x|float(0)` takes 0 for a text that is no number, and `x|replace(',', '')` first \
     removes commas";

/// A value as JSON, its numbers as they were written.
pub(super) struct Json(pub(super) Value);

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = &self.0;
        if let Some(written) = value.downcast_object_ref::<NumberLiteral>() {
            return match RawValue::from_string(written.text.clone()) {
                Ok(json) => json.serialize(serializer),
                Err(_) => written.text.serialize(serializer),
            };
        }
        match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => {
                let mut list = serializer.serialize_seq(value.len())?;
                for item in value.try_iter().map_err(S::Error::custom)? {
                    list.serialize_element(&Self(item))?;
                }
                list.end()
            }
            ValueKind::Map => {
                let mut map = serializer.serialize_map(value.len())?;
                for key in value.try_iter().map_err(S::Error::custom)? {
                    let item = value.get_item(&key).map_err(S::Error::custom)?;
                    map.serialize_entry(&key, &Self(item))?;
                }
                map.end()
            }
            _ => value.serialize(serializer),
        }
    }
}
