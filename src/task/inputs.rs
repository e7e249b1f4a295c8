//! The input of a row: the columns that distinguish it from other rows.
//!
//! It does not depend on the prompt's placeholders: all columns that a template may use count,
//! except the row's id and its group.

use crate::prompt::value_text;
use crate::task::dataset::columns_of;
use crate::task::example::Example;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The columns that form a row's input. Columns that repeat the id or the group of every row are
/// left out, and so are columns with the same value in all rows, unless there are no others.
#[must_use]
pub fn input_columns(rows: &[&Example]) -> BTreeSet<String> {
    let (varied, constant): (BTreeSet<String>, BTreeSet<String>) = columns_of(rows.iter().copied())
        .into_iter()
        .filter(|column| {
            let text = |row: &Example| {
                let value = row.columns.get(column).map(value_text);
                value.unwrap_or_default().into_owned()
            };
            let names_row = rows.iter().all(|row| is_id(row.id.as_str(), &text(row)));
            let names_group =
                rows.iter().all(|row| row.group.as_deref().unwrap_or_default() == text(row));
            !(names_row || names_group)
        })
        .partition(|column| {
            rows.windows(2).any(|pair| pair[0].columns.get(column) != pair[1].columns.get(column))
        });
    if varied.is_empty() { constant } else { varied }
}

/// Ids of rows from several files may have the split's name as a prefix, as in `train:7`.
fn is_id(id: &str, text: &str) -> bool {
    id.strip_suffix(text).is_some_and(|before| before.is_empty() || before.ends_with(':'))
}

/// The input of one row as one text, with one line per column.
#[must_use]
pub fn input_text(row: &Example, columns: &BTreeSet<String>) -> String {
    let mut text = String::new();
    for value in columns.iter().filter_map(|column| row.columns.get(column)) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", value_text(value));
    }
    text
}

/// What tells the inputs of rows apart: a hash that ignores case and white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputKey([u8; 16]);

/// The key of a row's input.
#[must_use]
pub fn input_key(row: &Example, columns: &BTreeSet<String>) -> InputKey {
    let mut hasher = blake3::Hasher::new();
    let mut bare = String::new();
    for column in columns {
        bare.clear();
        if let Some(value) = row.columns.get(column) {
            bare.extend(
                value_text(value)
                    .chars()
                    .filter(|c| !c.is_whitespace())
                    .flat_map(char::to_lowercase),
            );
        }
        hasher.update(&(bare.len() as u64).to_le_bytes());
        hasher.update(bare.as_bytes());
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    InputKey(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ExampleId;
    use serde_json::{Value, json};

    fn row(id: &str, group: Option<&str>, columns: Value) -> Example {
        Example {
            numbers: Vec::new(),
            id: ExampleId::new(id),
            columns: columns.as_object().cloned().unwrap_or_default(),
            answer: json!("a"),
            feedback: None,
            group: group.map(str::to_owned),
            weight: 1.0,
            must_pass: false,
            origin: crate::task::example::RowOrigin::Collected,
            file: 0,
            line: 1,
        }
    }

    fn names(rows: &[Example]) -> Vec<String> {
        let rows: Vec<&Example> = rows.iter().collect();
        input_columns(&rows).into_iter().collect()
    }

    #[test]
    fn names_of_rows_and_groups_and_constants_are_no_input() {
        let rows = [
            row("train:1", Some("g"), json!({"nr": 1, "thread": "g", "note": "x", "q": "a"})),
            row("train:2", None, json!({"nr": 2, "thread": null, "note": "x", "q": "b"})),
        ];
        assert_eq!(names(&rows), ["q"]);
        assert_eq!(names(&rows[..1]), ["note", "q"]);
        let alike = [row("1", None, json!({"q": "a"})), row("2", None, json!({"q": "a"}))];
        assert_eq!(names(&alike), ["q"]);
    }

    #[test]
    fn inputs_that_differ_in_case_and_space_share_a_key() {
        let columns = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        let key = |a: &str, b: &str| input_key(&row("1", None, json!({"a": a, "b": b})), &columns);
        assert_eq!(key("Two  words", ""), key(" two\nWORDS ", ""));
        assert_ne!(key("ab", "c"), key("a", "bc"));
    }
}
