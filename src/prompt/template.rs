//! The template engine of frozen parts: what it prints, and which of its names exist.
//!
//! Values print as they do in searched parts: text as it is, null as nothing, all else as JSON.

use super::comparison::{COMPARE, Comparison, compare};
use super::operators::{NUMBER, TERM, TEXT, TRUTH, with_filters};
use super::written::{Json, calculable, factor, number_of, term, truth};
use minijinja::value::{Kwargs, Rest, Value, ValueKind, ValueOrKwargs};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use minijinja::{filters, tests as conditions};
use regex::Regex;
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use std::io;
use std::sync::LazyLock;

/// The limit on work of one frozen template for one row, in the engine's instructions.
const FUEL: u64 = 100_000;

/// An engine without templates.
pub(super) fn environment() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    engine.set_formatter(print);
    engine.add_filter("tojson", tojson);
    // Filters that make a text of a value begin with the text that it is shown as.
    engine.add_filter("_upper", filters::upper);
    engine.add_filter("upper", on_text("_upper"));
    engine.add_filter("_lower", filters::lower);
    engine.add_filter("lower", on_text("_lower"));
    engine.add_filter("_title", filters::title);
    engine.add_filter("title", on_text("_title"));
    engine.add_filter("_capitalize", filters::capitalize);
    engine.add_filter("capitalize", on_text("_capitalize"));
    engine.add_filter("_trim", filters::trim);
    engine.add_filter("trim", on_text("_trim"));
    engine.add_filter("_replace", filters::replace);
    engine.add_filter("replace", on_text("_replace"));
    engine.add_filter("_indent", filters::indent);
    engine.add_filter("indent", on_text("_indent"));
    engine.add_filter("_lines", filters::lines);
    engine.add_filter("lines", on_text("_lines"));
    engine.add_filter("_split", filters::split);
    engine.add_filter("split", on_text("_split"));
    engine.add_filter(TEXT, |value: &Value| shown(value));
    engine.add_filter("_join", filters::join);
    engine.add_filter("join", join);
    engine.add_filter("_format", filters::format);
    engine.add_filter("format", format);
    add_calculations(&mut engine);
    if let Ok(syntax) =
        minijinja::syntax::SyntaxConfig::builder().keep_trailing_newline(true).build()
    {
        engine.set_syntax(syntax);
    }
    engine.set_fuel(Some(FUEL));
    engine
}

/// Filters and tests that calculate get numbers without their spelling, and of a CSV's cells.
fn add_calculations(engine: &mut Environment<'static>) {
    engine.add_filter(NUMBER, factor);
    engine.add_filter(TERM, term);
    engine.add_filter(TRUTH, truth);
    engine.add_filter("_abs", filters::abs);
    engine.add_filter("abs", on_number("_abs"));
    engine.add_filter("_float", filters::float);
    engine.add_filter("float", on_number("_float"));
    engine.add_filter("_int", filters::int);
    engine.add_filter("int", on_number("_int"));
    engine.add_filter("_max", filters::max);
    engine.add_filter("max", on_number("_max"));
    engine.add_filter("_min", filters::min);
    engine.add_filter("min", on_number("_min"));
    engine.add_filter("_round", filters::round);
    engine.add_filter("round", on_number("_round"));
    engine.add_filter("_sort", filters::sort);
    engine.add_filter("sort", on_number("_sort"));
    engine.add_filter("_sum", filters::sum);
    engine.add_filter("sum", on_number("_sum"));
    engine.add_test("number", |it: &Value| calculable(it).is_number());
    engine.add_test("integer", |it: &Value| conditions::is_integer(&calculable(it)));
    engine.add_test("int", |it: &Value| conditions::is_integer(&calculable(it)));
    engine.add_test("float", |it: &Value| conditions::is_float(&calculable(it)));
    engine.add_test("odd", |it: &Value| conditions::is_odd(calculable(it)));
    engine.add_test("even", |it: &Value| conditions::is_even(calculable(it)));
    engine.add_test("divisibleby", |it: &Value, by: &Value| {
        conditions::is_divisibleby(&calculable(it), &calculable(by))
    });
    engine.add_filter(COMPARE, compare);
    for (name, comparison) in Comparison::tests() {
        engine.add_test(name, move |it: &Value, other: &Value| comparison.holds(it, other));
    }
}

/// A text that is a template of its own, filled with values.
///
/// # Errors
/// What is wrong with the template, or the value that it lacks.
pub(crate) fn render_template(text: &str, values: &super::Columns) -> Result<String, String> {
    let values = Value::from(minijinja::value::Serde(values.clone()));
    environment().render_str(&with_filters(text), values).map_err(|error| error.to_string())
}

fn print(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    // The engine refuses all that is undefined but an `if` without `else` whose condition is false.
    if value.is_undefined() {
        return Ok(());
    }
    out.write_str(&shown(value)?).map_err(Error::from)
}

/// The text that a value is shown as.
fn shown(value: &Value) -> Result<String, Error> {
    match (value.kind(), value.as_str()) {
        (ValueKind::None, _) => Ok(String::new()),
        (ValueKind::Undefined, _) => Err(ErrorKind::UndefinedError.into()),
        (_, Some(text)) => Ok(text.to_owned()),
        (ValueKind::Bool | ValueKind::Number | ValueKind::Seq | ValueKind::Map, _) => {
            serde_json::to_string(&Json(value.clone())).map_err(no_json)
        }
        _ => Ok(value.to_string()),
    }
}

/// The engine's filter of a name, on the text that a value is shown as.
fn on_text(
    filter: &'static str,
) -> impl Fn(&mut State<'_, '_>, &Value, Rest<ValueOrKwargs>) -> Result<Value, Error> {
    move |state, value, rest| {
        let mut values = vec![Value::from(shown(value)?)];
        values.extend(rest.into_values());
        state.apply_filter(filter, &values)
    }
}

/// The engine's filter of a name, on numbers without their spelling.
fn on_number(
    filter: &'static str,
) -> impl Fn(&mut State<'_, '_>, &Value, Rest<ValueOrKwargs>) -> Result<Value, Error> {
    move |state, value, rest| {
        // Sorted as they are written: what is sorted is shown.
        let number = if filter == "_sort" { number_of } else { calculable };
        let mut values = vec![number(value)];
        values.extend(rest.into_values().iter().map(number_of));
        state.apply_filter(filter, &values)
    }
}

/// What `%s`, `%5.1f` or `%(name)s` takes of its values.
static CONVERSION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"%(?:\((?<name>[^)]*)\))?[-+ #0]*[\d.]*[hlL]?(?<kind>.)").ok());

/// The text with values in it: `%s` takes them as they are shown, all else as numbers.
fn format(
    state: &mut State<'_, '_>,
    text: &Value,
    rest: Rest<ValueOrKwargs>,
) -> Result<Value, Error> {
    let conversions = || CONVERSION.as_ref().zip(text.as_str());
    let conversions = conversions().into_iter().flat_map(|(it, text)| it.captures_iter(text));
    let (mut in_order, mut shown_names) = (Vec::new(), Vec::new());
    for found in conversions.filter(|found| &found["kind"] != "%") {
        let is_shown = &found["kind"] == "s";
        match found.name("name") {
            Some(name) => shown_names.extend(is_shown.then(|| name.as_str().to_owned())),
            None => in_order.push(is_shown),
        }
    }
    let value_of = |value: &Value, is_shown: bool| match is_shown {
        true => shown(value).map(Value::from),
        false => Ok(number_of(value)),
    };
    let mut values = vec![text.clone()];
    for (index, value) in rest.into_values().iter().enumerate() {
        values.push(match value.is_kwargs() {
            true => {
                let named = Kwargs::try_from(value.clone())?;
                let entries = named.args().map(|name| {
                    let is_shown = shown_names.iter().any(|it| it == name);
                    let value = value_of(&named.peek(name)?, is_shown)?;
                    Ok((name.to_owned(), value))
                });
                entries.collect::<Result<Kwargs, Error>>()?.into()
            }
            false => value_of(value, in_order.get(index).copied().unwrap_or_default())?,
        });
    }
    state.apply_filter("_format", &values)
}

/// The items of a list, as they are shown, as one text.
fn join(
    state: &mut State<'_, '_>,
    value: &Value,
    rest: Rest<ValueOrKwargs>,
) -> Result<Value, Error> {
    let list = match value.kind() {
        ValueKind::Seq => {
            let items = value.try_iter()?.map(|item| shown(&item));
            Value::from(items.collect::<Result<Vec<_>, _>>()?)
        }
        _ => value.clone(),
    };
    let mut values = vec![list];
    values.extend(rest.into_values());
    state.apply_filter("_join", &values)
}

/// JSON with a blank after commas and colons, or in lines that are indented by `indent` spaces. The
/// engine's own filter of this name escapes it for web pages.
fn tojson(value: &Value, indent: Option<usize>, keys: Kwargs) -> Result<String, Error> {
    let indent = match indent {
        Some(indent) => Some(indent),
        None => keys.get("indent")?,
    };
    keys.assert_all_used()?;
    let (value, mut json) = (Json(value.clone()), Vec::new());
    match indent {
        Some(indent) => {
            let indent = " ".repeat(indent.min(16));
            let style = PrettyFormatter::with_indent(indent.as_bytes());
            value.serialize(&mut Serializer::with_formatter(&mut json, style))
        }
        None => value.serialize(&mut Serializer::with_formatter(&mut json, Spaced)),
    }
    .map_err(no_json)?;
    String::from_utf8(json)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}

fn no_json(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::BadSerialization, error.to_string())
}

/// A blank after commas and colons.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: io::Write + ?Sized>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: io::Write + ?Sized>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::written::written;
    use super::*;

    fn rendered(text: &str, row: serde_json::Value) -> String {
        let row = Value::from(minijinja::value::Serde(row));
        environment().render_str(&with_filters(text), row).unwrap()
    }

    #[test]
    fn values_print_as_json_unless_they_are_text_and_null_as_nothing() {
        let row = serde_json::json!({"n": null, "t": true, "l": ["a", 1], "m": {"z": "ä", "a": null},
            "i": 9007199254740993_u64, "f": 1.0, "s": "x"});
        let text = "{{ n }}|{{ t }}|{{ l }}|{{ m }}|{{ i }}|{{ f }}|{{ s }}";
        assert_eq!(
            rendered(text, row),
            r#"|true|["a",1]|{"z":"ä","a":null}|9007199254740993|1.0|x"#
        );
    }

    #[test]
    fn filters_make_texts_of_values_as_these_are_shown() {
        let row = serde_json::json!({"n": null, "t": true, "l": ["a", null, true], "s": " x "});
        for (text, expected) in [
            ("{{ n | upper }}|{{ t | upper }}|{{ l | upper }}", r#"|TRUE|["A",NULL,TRUE]"#),
            ("{{ n | trim }}|{{ t | trim }}|{{ s | trim }}", "|true|x"),
            ("{{ t | replace('true', 'yes') }}|{{ n | replace('o', '0') }}", "yes|"),
            ("{{ l | join(', ') }}", "a, , true"),
            ("{{ n | string }}|{{ t | string }}|{{ l | string }}", r#"|true|["a",null,true]"#),
            ("{{ n | default('x') }}|{{ t | default('x') }}", "|true"),
        ] {
            assert_eq!(rendered(text, row.clone()), expected, "{text}");
        }
    }

    #[test]
    fn null_is_nothing_and_all_else_json_also_where_texts_are_joined_or_formatted() {
        let row = serde_json::json!({"n": null, "t": true, "l": ["a", null], "i": 7, "s": "x"});
        for (text, expected) in [
            ("{{ n ~ '|' ~ t ~ '|' ~ l ~ '|' ~ i ~ s }}", r#"|true|["a",null]|7x"#),
            ("{{ none ~ true ~ (i + 1) }}", "true8"),
            ("{% set x = s ~ n %}{{ x }}", "x"),
            ("{{ '%s|%s|%3s|%d%%'|format(n, t, l, i) }}", r#"|true|["a",null]|7%"#),
            ("{{ '%(a)s|%(b)03d'|format(a=n, b=i) }}", "|007"),
            (
                "{{ n|indent(width=2) }}|{{ [2, 3]|sort(reverse=true) }}|{{ t|split('r')|join('-') }}",
                "|[3,2]|t-ue",
            ),
        ] {
            assert_eq!(rendered(text, row.clone()), expected, "{text}");
        }
    }

    #[test]
    fn numbers_print_as_they_were_written_and_are_numbers() {
        let values = [("p", "1.50"), ("e", "1e3"), ("w", "9007199254740993"), ("z", "-0.0")];
        let id = ("id", "1234567890123456789012345");
        let row = || values.iter().chain([&id]).map(|(name, text)| (*name, written(text)));
        for (text, expected) in [
            (
                "{{ p }} {{ e }} {{ w }} {{ id }}",
                "1.50 1e3 9007199254740993 1234567890123456789012345",
            ),
            (
                "{{ p|tojson }} {{ [p, id]|tojson }} {{ {'a': p} }}",
                "1.50 [1.50, 1234567890123456789012345] {\"a\":1.50}",
            ),
            (
                "{{ p ~ '$' }}{{ '%s'|format(e) }} {{ [p, e]|join(';') }} {{ p|string|length }}",
                "1.50$1e3 1.50;1e3 4",
            ),
            (
                "{{ p + 1 }} {{ -p }} {{ p * 2 }} {{ e // 7 }} {{ id + 1 }}",
                "2.5 -1.5 3.0 142.0 1234567890123456789012346",
            ),
            (
                "{{ p > 10 }} {{ 10 > p }} {{ p == 1.5 }} {{ w == 9007199254740992 }} {{ e != 1000 }}",
                "false true true false false",
            ),
            ("{{ p in [1, 1.5] }} {{ 1.5 in [p] }} {{ 2 not in [p] }}", "true true true"),
            (
                "{{ p is number }} {{ p is float }} {{ id is integer }} {{ p is string }} {{ p is gt 1 }}",
                "true true true false true",
            ),
            (
                "{{ p|round }} {{ e|int }} {{ [p, 1]|max }} {{ [p, e]|sum }} {{ '%.1f'|format(p) }}",
                "2.0 1000 1.5 1001.5 1.5",
            ),
            (
                "{% if z %}yes{% else %}no{% endif %} {{ p or 2 }} {{ p|default(3) }}",
                "no 1.50 1.50",
            ),
            ("{% for x in [p, e] if x > 2 %}{{ x }}{% endfor %}", "1e3"),
            ("{{ [p, e]|select('gt', 2)|join }}", "1e3"),
        ] {
            let row: std::collections::BTreeMap<_, _> = row().collect();
            let text = with_filters(text);
            let found = environment().render_str(&text, Value::from(row));
            assert_eq!(
                found.map_err(|error| format!("{text}: {error:#}")).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
        assert_eq!(written("x").as_str(), Some("x"));
    }

    #[test]
    fn tojson_is_plain_json() {
        let row = serde_json::json!({"l": ["a<b", "c'd", "\\u003c"], "m": {"k": 1}});
        assert_eq!(rendered("{{ l | tojson }}", row.clone()), r#"["a<b", "c'd", "\\u003c"]"#);
        assert_eq!(rendered("{{ m | tojson(indent=1) }}", row.clone()), "{\n \"k\": 1\n}");
        assert_eq!(rendered("{{ m | tojson(2) }}", row), "{\n  \"k\": 1\n}");
    }
}
