//! The statistics of a file's columns, gathered in one pass, so that a large file needs little
//! memory.

use super::column_facts::ColumnFacts;
use super::path::ValuePath;
use crate::prompt::Columns;
use serde_json::Value;
use std::collections::HashMap;

/// The deepest entry of a nested object that may be a column.
const DEEPEST: usize = 3;

/// The most columns, so that objects whose keys are data do not become one column per key.
const MAX_COLUMNS: usize = 300;

/// Facts about all columns, in the order in which they appear.
#[derive(Debug, Default)]
pub(super) struct ColumnStats {
    pub(super) rows: usize,
    columns: Vec<ColumnFacts>,
    places: HashMap<String, usize>,
    /// Paths that the user named, and that may lead into lists.
    wished: Vec<ValuePath>,
    /// The columns that people were asked for; without any, each column may be the answer.
    pub(super) questions: Vec<String>,
    /// The columns that people were shown.
    pub(super) fields: Vec<String>,
}

impl ColumnStats {
    pub(super) fn new(wished: Vec<ValuePath>) -> Self {
        Self { wished, ..Self::default() }
    }

    /// Whether people were asked for a column.
    pub(super) fn is_question(&self, path: &ValuePath) -> bool {
        self.questions.iter().any(|it| it == path.first())
    }

    pub(super) fn add(&mut self, row: &Columns) {
        self.rows += 1;
        for (name, value) in row {
            self.add_value(ValuePath::column(name), value, 0);
        }
        for path in self.wished.clone() {
            let known = self.places.get(&path.to_string()).copied();
            let is_new_entry = known.is_none_or(|place| self.columns[place].path == path);
            if let Some(value) = path.get(row).filter(|_| !path.is_column() && is_new_entry)
                && !self.is_added_by_nesting(&path, row)
            {
                self.of_path(path).add(value);
            }
        }
    }

    /// Whether the walk over nested objects has reached a path.
    fn is_added_by_nesting(&self, path: &ValuePath, row: &Columns) -> bool {
        let text = path.to_string();
        let depth = text.matches('.').count();
        !text.contains('[')
            && depth <= DEEPEST
            && path.get(row).is_some()
            && self.places.contains_key(&text)
    }

    fn add_value(&mut self, path: ValuePath, value: &Value, depth: usize) {
        if let Value::Object(object) = value
            && depth < DEEPEST
        {
            for (key, inner) in object {
                self.add_value(path.entry(key), inner, depth + 1);
            }
        }
        if self.columns.len() < MAX_COLUMNS || depth == 0 {
            self.of_path(path).add(value);
        }
    }

    fn of_path(&mut self, path: ValuePath) -> &mut ColumnFacts {
        let name = path.to_string();
        let place = *self.places.entry(name).or_insert_with(|| {
            self.columns.push(ColumnFacts::new(path));
            self.columns.len() - 1
        });
        &mut self.columns[place]
    }

    /// All columns and entries; an object stands after its entries.
    pub(super) fn columns(&self) -> &[ColumnFacts] {
        &self.columns
    }

    pub(super) fn column(&self, name: &str) -> Option<&ColumnFacts> {
        self.places.get(name).map(|place| &self.columns[*place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn entries_of_objects_have_facts_of_their_own() {
        let mut stats = ColumnStats::new(vec![ValuePath::parse("turns[0].text").unwrap()]);
        for n in 0..3 {
            let row = json!({"meta": {"lang": "en", "deep": {"er": n}}, "turns": [{"text": n}]});
            stats.add(row.as_object().unwrap());
        }
        let names: Vec<String> = stats.columns().iter().map(|it| it.path.to_string()).collect();
        assert_eq!(
            names,
            ["meta.lang", "meta.deep.er", "meta.deep", "meta", "turns", "turns[0].text"]
        );
        assert!(stats.columns().iter().all(|it| it.filled == 3), "{:?}", stats.columns());
        let wished = stats.column("turns[0].text").unwrap();
        assert_eq!(wished.distinct(), 3);
    }

    #[test]
    fn a_wished_entry_is_counted_once() {
        let mut stats = ColumnStats::new(vec![ValuePath::parse("meta.lang").unwrap()]);
        stats.add(json!({"meta": {"lang": "en"}}).as_object().unwrap());
        assert_eq!(stats.column("meta.lang").unwrap().filled, 1);
    }
}
