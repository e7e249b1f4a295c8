//! One test of promptfoo: variables and assertions, whose values may name the variables.

use super::assertion::Placed;
use super::notes::{Notes, Place};
use crate::prompt::{Columns, placeholders, render_template};
use crate::source::SourceError;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// The most tests that tests with lists of values become.
const MAX_TESTS: usize = 10_000;

/// One test.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub(super) vars: Columns,
    pub(super) assertions: Vec<Placed>,
    pub(super) place: Place,
}

impl Test {
    pub(super) fn new(place: Place) -> Self {
        Self { vars: Columns::new(), assertions: Vec::new(), place }
    }

    /// The variables that assertions name: what is expected, and so not for the model to see.
    pub(super) fn expected_variables(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for assertion in &self.assertions {
            for text in texts_in(&assertion.assertion.value) {
                names.extend(placeholders(text).into_iter().map(str::to_owned));
            }
        }
        names.retain(|name| self.vars.contains_key(name));
        names
    }

    /// The test with its variables in the values of its assertions, and of its other variables.
    pub(super) fn rendered(mut self, notes: &mut Notes) -> Self {
        let vars = self.vars.clone();
        for (name, value) in &mut self.vars {
            let mut others = vars.clone();
            others.shift_remove(name);
            // Text with braces that names no variable is no template.
            let is_template = texts_in(value)
                .iter()
                .any(|text| placeholders(text).iter().any(|it| others.contains_key(*it)));
            if is_template && let Ok(rendered) = rendered(value, &others) {
                *value = rendered;
            }
        }
        let vars = &self.vars;
        self.assertions.retain_mut(|Placed { assertion, place }| match rendered(&assertion.value, vars) {
            Ok(value) => {
                assertion.value = value;
                true
            }
            Err(_) => {
                notes.add(
                    place,
                    format!(
                        "the value of the assertion `{}` cannot be filled with the test's variables, and \
                         is left out",
                        assertion.name
                    ),
                );
                false
            }
        });
        self
    }
}

/// All texts of a value.
fn texts_in(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts_in).collect(),
        Value::Object(object) => object.values().flat_map(texts_in).collect(),
        _ => Vec::new(),
    }
}

/// A value whose texts are templates.
fn rendered(value: &Value, vars: &Columns) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) if text.contains("{{") || text.contains("{%") => {
            render_template(text, vars)?.into()
        }
        Value::Array(items) => {
            items.iter().map(|item| rendered(item, vars)).collect::<Result<Vec<_>, _>>()?.into()
        }
        Value::Object(object) => {
            let entries = object.iter();
            let entries = entries.map(|(key, item)| Ok((key.clone(), rendered(item, vars)?)));
            Value::Object(entries.collect::<Result<Columns, String>>()?)
        }
        other => other.clone(),
    })
}

/// Tests with lists of values: one test for each combination, as promptfoo runs them.
pub(super) fn expanded(path: &Path, tests: Vec<Test>) -> Result<Vec<Test>, SourceError> {
    let mut all = Vec::new();
    for test in tests {
        let mut rows = vec![Columns::new()];
        for (name, value) in &test.vars {
            let values = match value {
                Value::Array(values) if !values.is_empty() => values.clone(),
                other => vec![other.clone()],
            };
            if rows.len() * values.len() + all.len() > MAX_TESTS {
                let message = format!("there are more than {MAX_TESTS} tests");
                return Err(SourceError::new(path, message)
                    .at_line(test.place.line)
                    .help("write lists of values as tests of their own"));
            }
            rows = rows
                .into_iter()
                .flat_map(|row| {
                    values.iter().map(move |value| {
                        let mut row = row.clone();
                        row.insert(name.clone(), value.clone());
                        row
                    })
                })
                .collect();
        }
        all.extend(rows.into_iter().map(|vars| Test { vars, ..test.clone() }));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::scorer::Assertion;
    use serde_json::json;

    #[test]
    fn values_of_assertions_are_filled_with_the_tests_variables() {
        let place = Place::new(Path::new("a.yaml"), 3);
        let assertion = |name: &str, value: Value| Placed {
            assertion: Assertion { name: name.to_owned(), value, threshold: None, weight: None },
            place: place.clone(),
        };
        let mut test = Test::new(place.clone());
        test.vars =
            json!({"word": "Rain", "n": 3, "text": "{{ word }} of {x}", "who": "{{ missing }}"})
                .as_object()
                .unwrap()
                .clone();
        test.assertions = vec![
            assertion("equals", json!("{{word}}-{{ n }}")),
            assertion("icontains-any", json!(["{{ word | lower }}", "b"])),
            assertion("regex", json!(r"^\d{2}$")),
            assertion("contains", json!("{{ missing }}")),
        ];
        assert_eq!(test.expected_variables(), BTreeSet::from(["n".to_owned(), "word".to_owned()]));
        let mut notes = Notes::default();
        let test = test.rendered(&mut notes);
        let values: Vec<&Value> = test.assertions.iter().map(|it| &it.assertion.value).collect();
        assert_eq!(values, [&json!("Rain-3"), &json!(["rain", "b"]), &json!(r"^\d{2}$")]);
        assert_eq!(test.vars["text"], json!("Rain of {x}"));
        assert_eq!(test.vars["who"], json!("{{ missing }}"));
        assert!(notes.listed()[0].starts_with("a.yaml:3: the value of the assertion `contains`"));
    }
}
