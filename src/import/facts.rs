//! Facts about the columns of a file, gathered in one pass, so that a large file needs little memory.
//!
//! What the columns mean is `guess`'s.

use super::path::ValuePath;
use crate::prompt::{Columns, value_text};
use crate::task::json;
use crate::task::scorer::{is_number, label_form};
use regex::Regex;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The deepest entry of a nested object that may be a column.
const DEEPEST: usize = 3;

/// The most columns, so that objects whose keys are data do not become one column per key.
const MAX_COLUMNS: usize = 300;

/// The most labels, and the most characters of a label.
pub(super) const MAX_LABELS: usize = 200;
pub(super) const LABEL_CHARS: usize = 60;

/// Facts about one column, or one entry of a nested object.
#[derive(Clone, Debug)]
pub(super) struct ColumnFacts {
    /// Where its values are.
    pub(super) path: ValuePath,
    /// Rows in which it is neither missing, null, blank nor an empty list.
    pub(super) filled: usize,
    /// One of its values.
    pub(super) sample: String,
    pub(super) dates: usize,
    pub(super) numbers: usize,
    /// Numbers that are one above that of the row before.
    successors: usize,
    pub(super) marked_numbers: usize,
    pub(super) text_lists: usize,
    pub(super) objects: usize,
    pub(super) links: usize,
    pub(super) spaced: usize,
    pub(super) longest: usize,
    chars: usize,
    /// The fields of its objects, in order.
    pub(super) fields: Vec<String>,
    /// Hashes of the different values.
    values: HashSet<u64>,
    /// Rows by label and spelling; `None` once there are too many or too long ones.
    labels: Option<BTreeMap<String, BTreeMap<String, usize>>>,
    last_number: Option<f64>,
}

impl ColumnFacts {
    fn new(path: ValuePath) -> Self {
        Self {
            path,
            filled: 0,
            sample: String::new(),
            dates: 0,
            numbers: 0,
            successors: 0,
            marked_numbers: 0,
            text_lists: 0,
            objects: 0,
            links: 0,
            spaced: 0,
            longest: 0,
            chars: 0,
            fields: Vec::new(),
            values: HashSet::new(),
            labels: Some(BTreeMap::new()),
            last_number: None,
        }
    }

    /// The number of different values.
    pub(super) fn distinct(&self) -> usize {
        self.values.len()
    }

    /// Characters of a value, on average over the filled ones.
    pub(super) fn mean_chars(&self) -> f64 {
        self.chars as f64 / self.filled.max(1) as f64
    }

    /// Whether the rows are numbered here.
    pub(super) fn is_counter(&self) -> bool {
        self.filled > 2 && self.successors + 1 == self.filled
    }

    /// Whether nearly all filled values are among `count`.
    pub(super) fn mostly(&self, count: usize) -> bool {
        self.filled > 0 && count * 10 >= self.filled * 9
    }

    /// The labels with their spellings and their numbers of rows: few, short, and repeated.
    pub(super) fn labels(&self) -> Option<&BTreeMap<String, BTreeMap<String, usize>>> {
        let labels = self.labels.as_ref()?;
        let (count, rows) = (labels.len(), self.filled);
        let repeated = count <= 20 && count * 2 <= rows || count * 5 <= rows;
        (count > 1 && repeated).then_some(labels)
    }

    fn add(&mut self, value: &Value) {
        if matches!(value, Value::Array(list) if list.is_empty()) {
            return;
        }
        let text = value_text(value);
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return;
        }
        self.filled += 1;
        if self.sample.is_empty() {
            self.sample = trimmed.chars().take(200).collect();
        }
        let chars = trimmed.chars().count();
        self.chars += chars;
        self.longest = self.longest.max(chars);
        let mut hasher = DefaultHasher::new();
        trimmed.hash(&mut hasher);
        self.values.insert(hasher.finish());
        self.add_kind(value, trimmed);
        self.add_label(value, trimmed, chars);
    }

    fn add_kind(&mut self, value: &Value, text: &str) {
        let number = number_of(text);
        self.numbers += usize::from(is_number(text));
        if let (Some(last), Some(number)) = (self.last_number, number) {
            self.successors += usize::from(number - last == 1.0);
        }
        self.last_number = number;
        self.dates += usize::from(is_date(text));
        self.marked_numbers += usize::from(ends_in_marked_number(text));
        self.links += usize::from(text.starts_with("http://") || text.starts_with("https://"));
        self.spaced += usize::from(text.contains(char::is_whitespace));
        let parsed = match value {
            Value::String(_) if text.starts_with(['{', '[']) => json::parse(text).ok(),
            _ => None,
        };
        match parsed.as_ref().unwrap_or(value) {
            Value::Array(items) if items.iter().all(|it| !it.is_array() && !it.is_object()) => {
                self.text_lists += 1;
            }
            Value::Object(object) => {
                self.objects += 1;
                for field in object.keys() {
                    if self.fields.len() < MAX_COLUMNS && !self.fields.contains(field) {
                        self.fields.push(field.clone());
                    }
                }
            }
            _ => {}
        }
    }

    fn add_label(&mut self, value: &Value, text: &str, chars: usize) {
        if chars > LABEL_CHARS || value.is_array() || value.is_object() || text.contains('\n') {
            self.labels = None;
        }
        let Some(labels) = &mut self.labels else { return };
        *labels.entry(label_form(text)).or_default().entry(text.to_owned()).or_default() += 1;
        if labels.len() > MAX_LABELS {
            self.labels = None;
        }
    }
}

/// Facts about all columns, in the order in which they appear.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) rows: usize,
    columns: Vec<ColumnFacts>,
    places: HashMap<String, usize>,
    /// Paths that the user named, and that may lead into lists.
    wished: Vec<ValuePath>,
}

impl Facts {
    pub(super) fn new(wished: Vec<ValuePath>) -> Self {
        Self { wished, ..Self::default() }
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

/// The number that a text is: with a currency, a percent sign, or commas between thousands.
fn number_of(text: &str) -> Option<f64> {
    let bare = text.trim_start_matches(['$', '€', '£']).trim_end_matches('%').trim();
    if !bare.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    bare.replace(',', "").parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Whether a text is reasoning that ends in `####` and a number, as in GSM8K.
fn ends_in_marked_number(text: &str) -> bool {
    text.rsplit_once("####").is_some_and(|(_, after)| number_of(after.trim()).is_some())
}

/// Whether a text is a date or a time.
fn is_date(text: &str) -> bool {
    static PATTERN: std::sync::OnceLock<Option<Regex>> = std::sync::OnceLock::new();
    if text.len() > 40 {
        return false;
    }
    let pattern = PATTERN.get_or_init(|| {
        Regex::new(concat!(
            r"^(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})",
            r"|\d{1,2}:\d{2}(:\d{2})?",
            r"|(\p{L}{3,9},? )?\d{1,2}\.? \p{L}{3,9}\.?,? \d{4}|\p{L}{3,9}\.? \d{1,2},? \d{4})",
            r"([T ,].{0,20})?$"
        ))
        .ok()
    });
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(values: &[Value]) -> ColumnFacts {
        let mut facts = Facts::default();
        for value in values {
            facts.add(json!({ "x": value }).as_object().unwrap());
        }
        facts.column("x").unwrap().clone()
    }

    #[test]
    fn dates_are_told_from_numbers_and_texts() {
        for date in [
            "2024-01-31",
            "2024-01-31T10:00:00Z",
            "31.01.2024",
            "1/31/24 10:05",
            "10:05",
            "31. Januar 2024",
            "Jan 31, 2024",
            "2024/01/31 10:05:33 +0100",
        ] {
            assert!(is_date(date), "{date}");
        }
        for other in ["2024", "1.5", "10 apples", "1-800-555-1234 call", "v1.2.3", "12.50"] {
            assert!(!is_date(other), "{other}");
        }
    }

    #[test]
    fn spellings_of_a_label_are_counted_together() {
        let column =
            facts(&[json!("Yes"), json!("yes "), json!("NO"), json!("no"), json!("no"), json!("")]);
        let labels = column.labels().unwrap();
        assert_eq!(labels.len(), 2);
        assert_eq!(labels["no"], BTreeMap::from([("NO".to_owned(), 1), ("no".to_owned(), 2)]));
        assert_eq!((column.filled, column.distinct()), (5, 4));
        let texts: Vec<Value> = (0..9).map(|n| json!(format!("text {n}"))).collect();
        assert!(facts(&texts).labels().is_none());
    }

    #[test]
    fn numbered_rows_are_recognised() {
        assert!(facts(&[json!("7"), json!("8"), json!("9"), json!("10")]).is_counter());
        assert!(!facts(&[json!(1), json!(2), json!(2), json!(3)]).is_counter());
        assert!(!facts(&[json!(3), json!(1), json!(7)]).is_counter());
    }

    #[test]
    fn entries_of_objects_have_facts_of_their_own() {
        let mut facts = Facts::new(vec![ValuePath::parse("turns[0].text").unwrap()]);
        for n in 0..3 {
            let row = json!({"meta": {"lang": "en", "deep": {"er": n}}, "turns": [{"text": n}]});
            facts.add(row.as_object().unwrap());
        }
        let names: Vec<String> = facts.columns().iter().map(|it| it.path.to_string()).collect();
        assert_eq!(
            names,
            ["meta.lang", "meta.deep.er", "meta.deep", "meta", "turns", "turns[0].text"]
        );
        assert!(facts.columns().iter().all(|it| it.filled == 3), "{:?}", facts.columns());
        let wished = facts.column("turns[0].text").unwrap();
        assert_eq!(wished.distinct(), 3);
    }

    #[test]
    fn a_wished_entry_is_counted_once() {
        let mut facts = Facts::new(vec![ValuePath::parse("meta.lang").unwrap()]);
        facts.add(json!({"meta": {"lang": "en"}}).as_object().unwrap());
        assert_eq!(facts.column("meta.lang").unwrap().filled, 1);
    }
}
