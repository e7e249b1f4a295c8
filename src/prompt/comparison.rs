//! How a frozen part compares values: numbers by value, also where a row holds one as a text.
//!
//! A cell of a CSV is a text. The engine would call every text greater than every number, so that
//! `{% if price > 10 %}` would hold in all rows. Here a text that is a number is compared with a number
//! by its value, two texts that are numbers are ordered by it, and what has no order is a mistake.

use super::written::{NO_NUMBER, number_of, plain_number};
use minijinja::value::{Rest, Value, ValueKind};
use minijinja::{Error, ErrorKind};
use std::cmp::Ordering;

/// The filter that compares values, one after the other: `a < b <= c` becomes
/// `(a)|_compare("<", (b), "<=", (c), "a < b <= c")`. The last one is how it is written.
pub(super) const COMPARE: &str = "_compare";

/// A comparison that templates can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    In,
    NotIn,
}

/// Each comparison, its operator, and the names of the tests that make it, which stand behind `is`.
const ALL: &[(Comparison, &str, &[&str])] = &[
    (Comparison::Equal, "==", &["==", "eq", "equalto"]),
    (Comparison::Unequal, "!=", &["!=", "ne"]),
    (Comparison::Less, "<", &["<", "lt", "lessthan"]),
    (Comparison::AtMost, "<=", &["<=", "le"]),
    (Comparison::Greater, ">", &[">", "gt", "greaterthan"]),
    (Comparison::AtLeast, ">=", &[">=", "ge"]),
    (Comparison::In, "in", &["in"]),
    (Comparison::NotIn, "not in", &[]),
];

impl Comparison {
    /// The comparison of an operator.
    pub(super) fn of(operator: &str) -> Option<Self> {
        ALL.iter().find(|(_, written, _)| *written == operator).map(|(it, ..)| *it)
    }

    /// The tests of the engine that compare.
    pub(super) fn tests() -> impl Iterator<Item = (&'static str, Self)> {
        ALL.iter().flat_map(|(it, _, names)| names.iter().map(|name| (*name, *it)))
    }

    fn operator(self) -> &'static str {
        ALL.iter().find(|(it, ..)| *it == self).map_or("", |(_, operator, _)| operator)
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// The values have no order, or the second one holds nothing.
    pub(super) fn holds(self, left: &Value, right: &Value) -> Result<bool, Error> {
        let order = |is_right: fn(Ordering) -> bool| order(self, left, right).map(is_right);
        match self {
            Self::Equal => Ok(is_equal(left, right)),
            Self::Unequal => Ok(!is_equal(left, right)),
            Self::Less => order(Ordering::is_lt),
            Self::AtMost => order(Ordering::is_le),
            Self::Greater => order(Ordering::is_gt),
            Self::AtLeast => order(Ordering::is_ge),
            Self::In => is_in(left, right),
            Self::NotIn => is_in(left, right).map(|is_in| !is_in),
        }
    }
}

/// The filter [`COMPARE`].
///
/// # Errors
/// As for [`Comparison::holds`], with the comparison as it is written.
pub(super) fn compare(first: &Value, rest: Rest<Value>) -> Result<bool, Error> {
    let (written, rest) = rest
        .split_last()
        .map_or(("", &[][..]), |(written, rest)| (written.as_str().unwrap_or_default(), rest));
    let mut left = first;
    for pair in rest.chunks(2) {
        let [operator, right] = pair else { continue };
        let Some(comparison) = operator.as_str().and_then(Comparison::of) else { continue };
        let holds = comparison.holds(left, right).map_err(|error| {
            let detail = error.detail().unwrap_or_default();
            Error::new(error.kind(), format!("`{written}` {detail}"))
        })?;
        if !holds {
            return Ok(false);
        }
        left = right;
    }
    Ok(true)
}

/// The number that a value is: one of JSON, or a text that is one and nothing else.
fn number(value: &Value) -> Option<Value> {
    let value = number_of(value);
    match value.kind() {
        ValueKind::Number | ValueKind::Bool => Some(value),
        _ => plain_number(value.as_str()?.trim()),
    }
}

/// Whether two values are the same: a text is the number that it spells only beside a number.
fn is_equal(left: &Value, right: &Value) -> bool {
    let (left, right) = (number_of(left), number_of(right));
    match (left.kind(), right.kind()) {
        (ValueKind::Number, ValueKind::String) => number(&right).is_some_and(|right| left == right),
        (ValueKind::String, ValueKind::Number) => number(&left).is_some_and(|left| left == right),
        (ValueKind::Bool, ValueKind::String) => is_named(left.is_true(), &right),
        (ValueKind::String, ValueKind::Bool) => is_named(right.is_true(), &left),
        _ => left == right,
    }
}

/// Whether a text says true or false: a cell of a CSV.
fn is_named(truth: bool, text: &Value) -> bool {
    text.as_str()
        .is_some_and(|text| text.trim().eq_ignore_ascii_case(if truth { "true" } else { "false" }))
}

fn is_in(item: &Value, list: &Value) -> Result<bool, Error> {
    if let Some(text) = list.as_str() {
        // As a placeholder shows it; what shows nothing is in no text.
        let part = match item.kind() {
            ValueKind::None | ValueKind::Undefined => return Ok(false),
            ValueKind::Bool => item.is_true().to_string(),
            _ => item.to_string(),
        };
        return Ok(text.contains(&part));
    }
    match list.kind() {
        ValueKind::Map => Ok(list.get_item(item).is_ok_and(|found| !found.is_undefined())),
        ValueKind::Seq | ValueKind::Iterable => {
            Ok(list.try_iter()?.any(|other| is_equal(item, &other)))
        }
        _ => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("looks for a value in {}, which holds none", described(list)),
        )),
    }
}

fn order(comparison: Comparison, left: &Value, right: &Value) -> Result<Ordering, Error> {
    let (left, right) = (&number_of(left), &number_of(right));
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return Ok(left.cmp(&right));
    }
    let is_alike = left.kind() == right.kind()
        && matches!(left.kind(), ValueKind::String | ValueKind::Seq | ValueKind::Bytes);
    if is_alike {
        return Ok(left.cmp(right));
    }
    let is_missing = |value: &Value| value.is_none() || value.as_str().is_some_and(str::is_empty);
    let help = match is_missing(left) || is_missing(right) {
        true => "ask first whether there is a value: `x and x > 10`",
        false => NO_NUMBER,
    };
    Err(Error::new(
        ErrorKind::InvalidOperation,
        format!(
            "cannot compare {} with {} by `{}`; {help}",
            described(left),
            described(right),
            comparison.operator()
        ),
    ))
}

/// A value in words.
fn described(value: &Value) -> String {
    match value.kind() {
        ValueKind::None => "a value that is missing".to_owned(),
        ValueKind::String if value.as_str() == Some("") => "an empty text".to_owned(),
        ValueKind::String => {
            let text = crate::text::shorten(&crate::text::one_line(&value.to_string()), 40);
            format!("the text `{text}`")
        }
        ValueKind::Number => format!("the number {value}"),
        ValueKind::Bool => format!("`{}`", value.is_true()),
        ValueKind::Seq => "a list".to_owned(),
        ValueKind::Map => "an object".to_owned(),
        kind => format!("a value of the kind {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::operators::with_filters;
    use super::super::template::environment;
    use super::super::written::written;
    use minijinja::value::Value;
    use std::collections::BTreeMap;

    fn shown(text: &str) -> Result<String, String> {
        let texts =
            [("price", "12.50"), ("five", "5"), ("ten", "10"), ("zip", "007"), ("no", "n/a")]
                .into_iter()
                .chain([
                    ("grouped", "1,234"),
                    ("empty", ""),
                    ("day", "2024-05-01"),
                    ("blank", " 7 "),
                    ("off", "FALSE"),
                    ("zero", "0.0"),
                ])
                .map(|(name, text)| (name, Value::from(text)));
        let others = [
            ("json", written("1.50")),
            ("null", Value::from(())),
            ("yes", Value::from(true)),
            ("list", Value::from(vec!["5", "n/a"])),
        ];
        let row: BTreeMap<&str, Value> = texts.chain(others).collect();
        let engine = environment();
        let written = engine.render_str(&with_filters(text), Value::from(row));
        written.map_err(|error| error.detail().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_text_that_is_a_number_is_compared_by_its_value_with_a_number() {
        for (text, expected) in [
            (
                "{{ price > 10 }} {{ price < 10 }} {{ 12.5 == price }} {{ price != 12.5 }}",
                "true false true false",
            ),
            (
                "{{ price >= 12.5 and price <= 12.5 }} {{ 10 < price < 13 }} {{ 10 < price < 12 }}",
                "true true false",
            ),
            (
                "{{ blank == 7 }} {{ zip == 7 }} {{ zip == '7' }} {{ price == '12.5' }}",
                "true true false false",
            ),
            ("{{ five < ten }} {{ ten < price }} {{ day < '2024-06-01' }}", "true true true"),
            ("{{ json > five }} {{ json == '1.5' }} {{ json in ['1.50', 3] }}", "false true true"),
            (
                "{{ five in [5, 6] }} {{ 5 in list }} {{ five not in [6] }} {{ '5' in list }}",
                "true true true true",
            ),
            ("{{ '2.5' in price }} {{ 5 in price }} {{ 'x' not in price }}", "true true true"),
            (
                "{{ no == 5 }} {{ null == 5 }} {{ empty == 5 }} {{ null == none }}",
                "false false false true",
            ),
            (
                "{{ five is gt 4 }} {{ price is lt(13) }} {{ five is eq 5 }} {{ five is in [5] }}",
                "true true true true",
            ),
            (
                "{{ [five, ten]|select('gt', 6)|join }} {{ yes == true }} {{ yes == 1 }}",
                "10 true true",
            ),
            (
                "{{ price|float + 1 > 13 }} {{ not five > 6 }} {{ 1 if five > 4 else 2 }}",
                "true true 1",
            ),
            ("{% for x in [five, ten] if x > 6 %}{{ x }}{% endfor %}", "10"),
            (
                "{% set big = five > 4 %}{{ big }} {{ {'a': five > 4, 'b': [five > 6]}.a }}",
                "true true",
            ),
            ("{{ grouped|replace(',', '')|float > 1000 }}", "true"),
            ("{{ five * 4 }} {{ ten / five }} {{ -five }} {{ ten - five }}", "20 2.0 -5 5"),
            (
                "{{ five is number and five > 4 }} {{ no is number }} {{ five is odd }}",
                "true false true",
            ),
            ("{{ [five, ten]|max }} {{ [five, ten]|sum }} {{ five|abs }}", "10 15 5"),
            ("{{ 'TRUE' == true }} {{ 'false' == false }} {{ 'no' == false }}", "true true false"),
            ("{{ yes in 'it is true' }} {{ null in 'None' }}", "true false"),
            ("{{ no|float(0) > 10 }} {{ 'a' + 'b' }}", "false ab"),
            (
                "{% if off %}x{% endif %}{% if not off %}y{% endif %}{{ 1 if off or zero else 2 }}{% if no and five %}z{% endif %}",
                "y2z",
            ),
            ("{{ 'x' if off }}{{ 'y' if five }}", "y"),
            (
                "{{ zero or five }} {{ off or zero }} {{ (off or zero)|tojson }} {{ (zero and off)|tojson }}",
                "5 0.0 0.0 0.0",
            ),
            (
                "{{ (five and off)|tojson }} {{ five and off }} {{ not (five and off) }}",
                "\"FALSE\" FALSE true",
            ),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_has_no_order_is_a_mistake_that_is_told() {
        for (text, says) in [
            (
                "{% if no > 10 %}x{% endif %}",
                "`no > 10` cannot compare the text `n/a` with the number 10",
            ),
            ("{{ grouped < 10 }}", "`x|replace(',', '')`"),
            ("{{ no > 10 }}", "`x|float(0)`"),
            ("{{ no * 2 }}", "cannot calculate with the text `n/a`"),
            ("{{ five + ten }}", "`x|float + y|float` to add"),
            ("{{ 'No. ' + five }}", "`x ~ y` to join"),
            ("{{ 1 <= empty }}", "an empty text by `<=`; ask first"),
            ("{{ null >= 1 }}", "`null >= 1` cannot compare a value that is missing"),
            ("{{ list > 1 }}", "a list with the number 1"),
            ("{{ no is gt 4 }}", "cannot compare the text `n/a`"),
            ("{{ 1 in 5 }}", "looks for a value in the number 5"),
        ] {
            let error = shown(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
