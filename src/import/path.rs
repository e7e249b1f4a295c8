//! A path into a nested value, such as `row.label` or `messages[-1].content`.
//!
//! Only for files that are imported: the columns of a task are flat.

use crate::prompt::Columns;
use serde_json::Value;
use std::fmt;

/// A path into a row; its first step is a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValuePath {
    column: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    /// A place in a list; negative ones count from the end.
    Index(i64),
}

impl ValuePath {
    /// The path to a whole column, whatever its name is.
    pub(crate) fn column(name: impl Into<String>) -> Self {
        Self { column: name.into(), steps: Vec::new() }
    }

    /// Reads `name.key[-1]["a.b"]`.
    ///
    /// # Errors
    /// What is wrong: a lower-case sentence without a full stop.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            |why: &str| format!("`{text}` is not a path such as `messages[-1].content`: {why}");
        let name_end = text.find(['.', '[']).unwrap_or(text.len());
        let mut path = Self::column(&text[..name_end]);
        if path.column.is_empty() {
            return Err(wrong("it begins with no name"));
        }
        let mut rest = &text[name_end..];
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                if end == 0 {
                    return Err(wrong("a dot is followed by no name"));
                }
                path.steps.push(Step::Key(after[..end].to_owned()));
                rest = &after[end..];
            } else if let Some(after) = rest.strip_prefix('[') {
                let (inside, after) =
                    after.split_once(']').ok_or_else(|| wrong("a bracket is not closed"))?;
                let key = inside.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
                path.steps.push(match (key, inside.parse()) {
                    (Some(key), _) => Step::Key(key.to_owned()),
                    (None, Ok(index)) => Step::Index(index),
                    _ => return Err(wrong("brackets hold a whole number or a quoted name")),
                });
                rest = after;
            } else {
                return Err(wrong("after a bracket comes a dot, a bracket or the end"));
            }
        }
        Ok(path)
    }

    /// The path that a person means in a row: a column of exactly this name, else the path.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse).
    pub(crate) fn meant(text: &str, has_column: impl Fn(&str) -> bool) -> Result<Self, String> {
        if has_column(text) { Ok(Self::column(text)) } else { Self::parse(text) }
    }

    /// The path to an entry of an object.
    pub(crate) fn entry(&self, key: &str) -> Self {
        let mut path = self.clone();
        path.steps.push(Step::Key(key.to_owned()));
        path
    }

    /// The value of a row, if the row has one there.
    pub(crate) fn get<'a>(&self, row: &'a Columns) -> Option<&'a Value> {
        let mut value = row.get(&self.column)?;
        for step in &self.steps {
            value = match (step, value) {
                (Step::Key(key), Value::Object(object)) => object.get(key)?,
                (Step::Index(index), Value::Array(items)) => {
                    let place = match index {
                        0.. => usize::try_from(*index).ok()?,
                        _ => {
                            items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
                        }
                    };
                    items.get(place)?
                }
                _ => return None,
            };
        }
        Some(value)
    }

    /// The column in which the path starts.
    pub(crate) fn first(&self) -> &str {
        &self.column
    }

    /// Whether the path is a whole column.
    pub(crate) fn is_column(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether one of two paths leads into the value of the other, or both are the same.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let common = self.steps.len().min(other.steps.len());
        self.column == other.column && self.steps[..common] == other.steps[..common]
    }

    /// The last name of the path.
    pub(crate) fn last_name(&self) -> &str {
        let key = |step: &Step| matches!(step, Step::Key(_));
        match self.steps.iter().rfind(|step| key(step)) {
            Some(Step::Key(key)) => key,
            _ => &self.column,
        }
    }
}

impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.column)?;
        for step in &self.steps {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if key.contains(['.', '[']) => write!(f, "[\"{key}\"]")?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn got(text: &str) -> Option<Value> {
        let row = json!({
            "a.b": 1,
            "turns": [{"role": "user", "content": "hi"}, {"role": "bot", "content": "ho"}],
            "meta": {"x.y": {"z": 2}},
        });
        let row = row.as_object().unwrap();
        ValuePath::meant(text, |name| row.contains_key(name)).unwrap().get(row).cloned()
    }

    #[test]
    fn a_path_leads_into_objects_and_lists() {
        assert_eq!(got("turns[-1].content"), Some(json!("ho")));
        assert_eq!(got("turns[0].role"), Some(json!("user")));
        assert_eq!(got("meta[\"x.y\"].z"), Some(json!(2)));
        assert_eq!(got("a.b"), Some(json!(1)));
        for nowhere in ["turns[2]", "turns[-3]", "turns.content", "meta[0]", "none.x"] {
            assert_eq!(got(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn what_is_no_path_is_explained() {
        for (text, why) in [
            ("", "no name"),
            (".a", "no name"),
            ("a..b", "no name"),
            ("a[x]", "whole number"),
            ("a[1", "not closed"),
            ("a[1]b", "after a bracket"),
        ] {
            let error = ValuePath::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_path_is_read_as_it_is_written(
            column in "[a-z]{1,3}",
            steps in prop::collection::vec(prop_oneof![
                "[a-z.]{1,3}".prop_map(Step::Key),
                (-3_i64..4).prop_map(Step::Index),
            ], 0..4)
        ) {
            let path = ValuePath { column, steps };
            prop_assert_eq!(ValuePath::parse(&path.to_string()), Ok(path));
        }
    }
}
