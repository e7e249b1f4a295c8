//! Facts about the values of one column, gathered value by value.
//!
//! What the column is for is `guess`'s.

use super::literal;
use super::path::ValuePath;
use super::value_kind::{ends_in_marked_number, is_code, is_date, is_flag, is_missing, number_of};
use super::words::{is_class, words_of};
use crate::prompt::value_text;
use crate::task::scorer::{is_number, label_form};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The most labels, and the most characters of a label.
const MAX_LABELS: usize = 200;
const LABEL_CHARS: usize = 60;

/// The most classes that are numbers: points from 0 to 10.
const MAX_CLASSES: usize = 11;

/// With no more groups than this, or with one of more than this part of the rows, the shares of the splits
/// are not those that are asked for.
const MIN_GROUPS: usize = 20;
const MAX_GROUP_SHARE: usize = 10;

/// From this average length on, in characters or in words, equal texts are no sensible aim.
const FREE_TEXT_CHARS: f64 = 120.0;
const FREE_TEXT_WORDS: usize = 5;

/// What splits are called.
const SPLITS: &[&str] = &[
    "train",
    "training",
    "dev",
    "val",
    "valid",
    "validation",
    "test",
    "testing",
    "eval",
    "hold",
    "holdout",
    "held-out",
];

/// The most fields of its objects that are kept.
const MAX_FIELDS: usize = 300;

/// Facts about one column, or one entry of a nested object.
#[derive(Clone, Debug)]
pub(super) struct ColumnFacts {
    /// Where its values are.
    pub(super) path: ValuePath,
    /// Whether its name says that its values are classes.
    is_class: bool,
    /// Rows in which it is neither missing, null, blank nor an empty list.
    pub(super) filled: usize,
    /// One of its values.
    pub(super) sample: String,
    /// Values that are dates or times.
    pub(super) dates: usize,
    /// Values that are numbers.
    pub(super) numbers: usize,
    /// Numbers with decimals.
    pub(super) fractions: usize,
    /// Numbers that are one above that of the row before.
    successors: usize,
    /// Values that end in `####` and a number, or in a number in a box.
    pub(super) marked_numbers: usize,
    /// Values that are lists of texts, numbers or booleans.
    pub(super) text_lists: usize,
    /// Lists of a single item.
    pub(super) singles: usize,
    /// Values that are objects.
    pub(super) objects: usize,
    /// Texts that are lists or objects as Python writes them.
    pub(super) python: usize,
    /// Texts that are objects or lists of them.
    pub(super) packed: usize,
    /// Objects without fields.
    pub(super) empty_objects: usize,
    /// Lists of objects or lists.
    pub(super) object_lists: usize,
    /// Values that are addresses of web pages.
    pub(super) links: usize,
    /// Values without white space that are no words: ids, names of files, addresses.
    pub(super) codes: usize,
    /// Values that contain white space.
    pub(super) spaced: usize,
    /// Values that look like programs or queries of a database.
    pub(super) programs: usize,
    /// Words of all values.
    words: usize,
    /// Characters of the longest value.
    pub(super) longest: usize,
    /// Characters of all values.
    chars: usize,
    /// The items of its lists, with the lists that have each; `None` once there are too many.
    items: Option<BTreeMap<String, usize>>,
    /// The fields of its objects, in order.
    pub(super) fields: Vec<String>,
    /// Hashes of the different values, with the rows of each.
    values: HashMap<u64, u32>,
    /// Values that only say that there is none, by spelling.
    pub(super) missing: BTreeMap<String, usize>,
    /// Rows by label and spelling; `None` once there are too many or too long ones.
    labels: Option<BTreeMap<String, BTreeMap<String, usize>>>,
    /// The parts of its texts between commas, semicolons and bars, with their numbers of uses, while they
    /// are few and short.
    parts: Option<BTreeMap<String, usize>>,
    /// Texts with several parts.
    parted: usize,
    /// Lists without an item.
    pub(super) empty_lists: usize,
    /// The value before, if it was a number.
    last_number: Option<f64>,
}

impl ColumnFacts {
    pub(super) fn new(path: ValuePath) -> Self {
        Self {
            is_class: is_class(&words_of(path.last_name())),
            path,
            filled: 0,
            sample: String::new(),
            dates: 0,
            numbers: 0,
            fractions: 0,
            successors: 0,
            marked_numbers: 0,
            text_lists: 0,
            singles: 0,
            objects: 0,
            python: 0,
            packed: 0,
            empty_objects: 0,
            object_lists: 0,
            links: 0,
            codes: 0,
            spaced: 0,
            programs: 0,
            words: 0,
            longest: 0,
            chars: 0,
            items: Some(BTreeMap::new()),
            fields: Vec::new(),
            values: HashMap::new(),
            missing: BTreeMap::new(),
            labels: Some(BTreeMap::new()),
            parts: Some(BTreeMap::new()),
            parted: 0,
            empty_lists: 0,
            last_number: None,
        }
    }

    /// The number of different values.
    pub(super) fn distinct(&self) -> usize {
        self.values.len()
    }

    /// The rows of its most frequent value.
    pub(super) fn most_frequent(&self) -> usize {
        self.values.values().max().map_or(0, |rows| *rows as usize)
    }

    /// Whether each value says that a label applies or does not: 0 and 1, `true` and `false`.
    pub(super) fn is_flag(&self) -> bool {
        let labels = self.labels.as_ref().filter(|labels| !labels.is_empty());
        self.text_lists == 0 && labels.is_some_and(|labels| labels.keys().all(|it| is_flag(it)))
    }

    /// Whether all rows that have a value have the same one.
    pub(super) fn is_constant(&self) -> bool {
        self.distinct() < 2 && self.filled > 1
    }

    /// Whether its values can be groups that stay in one split: many, and none of them large.
    pub(super) fn has_small_groups(&self) -> bool {
        self.distinct() > MIN_GROUPS && self.most_frequent() * MAX_GROUP_SHARE <= self.filled
    }

    /// Characters of a value, on average over the filled ones.
    pub(super) fn mean_chars(&self) -> f64 {
        self.chars as f64 / self.filled.max(1) as f64
    }

    /// Whether all values are names of splits.
    pub(super) fn has_splits(&self) -> bool {
        let splits = self.labels.as_ref().filter(|labels| labels.len() > 1);
        splits.is_some_and(|labels| labels.keys().all(|it| SPLITS.contains(&it.as_str())))
    }

    /// Whether its values are texts that can be written in many ways: long ones, or sentences of which hardly
    /// any is there twice.
    pub(super) fn is_free_text(&self) -> bool {
        let are_sentences = self.words >= self.filled * FREE_TEXT_WORDS;
        let differ = self.distinct() * 10 >= self.filled * 9;
        self.mean_chars() > FREE_TEXT_CHARS || are_sentences && differ
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
        let are_few = count <= 20 || self.is_class;
        let repeated = are_few && count * 2 <= rows || count * 5 <= rows;
        (count > 1 && repeated).then_some(labels)
    }

    /// The number of its different values, if they are nearly labels: short, and many of them there again.
    pub(super) fn near_labels(&self) -> Option<usize> {
        let count = self.labels.as_ref()?.len();
        let is_near = count > 1 && count * 3 <= self.filled * 2 && !self.mostly(self.dates);
        (self.labels().is_none() && is_near).then_some(count)
    }

    /// Whether its values are few integers that recur, as the numbers of classes do.
    pub(super) fn has_classes(&self) -> bool {
        self.labels().is_some_and(|labels| {
            labels.len() <= MAX_CLASSES
                && labels.len() * 3 <= self.filled
                && labels.values().flat_map(BTreeMap::keys).all(|it| it.parse::<i64>().is_ok())
        })
    }

    /// Whether all values are decisions: true and false, yes and no.
    pub(super) fn has_decisions(&self) -> bool {
        let is_decision = |it: &String| {
            ["true", "false", "yes", "no", "ja", "nein", "oui", "non", "sí"].contains(&it.as_str())
        };
        self.labels().is_some_and(|labels| labels.len() == 2 && labels.keys().all(is_decision))
    }

    /// Whether all values are among these.
    pub(super) fn values_are_among(&self, texts: &BTreeSet<String>) -> bool {
        let hashes: HashSet<u64> = texts.iter().map(|text| hash(text)).collect();
        self.values.keys().all(|value| hashes.contains(value))
    }

    /// The items of its lists, if they are few and repeated, as labels are.
    pub(super) fn list_labels(&self) -> Option<Vec<String>> {
        let items = self.items.as_ref()?;
        let uses: usize = items.values().sum();
        (!items.is_empty() && items.len() * 2 <= uses).then(|| items.keys().cloned().collect())
    }

    /// The labels that its texts join, as `a, b` does. They recur in other company, so that there are
    /// fewer of them than of the texts; else a comma is a part of a label.
    pub(super) fn joined_labels(&self) -> Option<Vec<String>> {
        let parts = self.parts.as_ref().filter(|_| self.parted > 0)?;
        let uses: usize = parts.values().sum();
        let recur = parts.len() > 1 && parts.len() < self.distinct() && parts.len() * 3 <= uses;
        recur.then(|| parts.keys().cloned().collect())
    }

    /// Adds the value of one row.
    pub(super) fn add(&mut self, value: &Value) {
        if matches!(value, Value::Array(list) if list.is_empty()) {
            self.empty_lists += 1;
            return;
        }
        let text = value_text(value);
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return;
        }
        if is_missing(trimmed) {
            *self.missing.entry(trimmed.to_owned()).or_default() += 1;
            return;
        }
        self.filled += 1;
        if self.sample.is_empty() {
            self.sample = trimmed.chars().take(200).collect();
        }
        let chars = trimmed.chars().count();
        self.chars += chars;
        self.longest = self.longest.max(chars);
        *self.values.entry(hash(trimmed)).or_default() += 1;
        let opened = if value.is_string() { literal::opened(trimmed) } else { None };
        self.python += usize::from(opened.as_ref().is_some_and(|it| it.is_python));
        let parsed = opened.map(|it| it.value);
        let is_object = |value: &Value| value.is_object();
        let holds_objects = |value: &Value| {
            value.is_object() || value.as_array().is_some_and(|list| list.iter().all(is_object))
        };
        self.packed += usize::from(parsed.as_ref().is_some_and(holds_objects));
        let value = parsed.as_ref().unwrap_or(value);
        self.add_kind(value, trimmed);
        self.add_parts(trimmed);
        match only_item(value) {
            Some(item) => {
                self.singles += 1;
                let text = value_text(item);
                self.add_label(item, text.trim(), text.chars().count());
            }
            None => self.add_label(value, trimmed, chars),
        }
    }

    fn add_kind(&mut self, value: &Value, text: &str) {
        let number = number_of(text);
        self.numbers += usize::from(is_number(text));
        self.fractions += usize::from(number.is_some_and(|it| it.fract() != 0.0));
        if let (Some(last), Some(number)) = (self.last_number, number) {
            self.successors += usize::from(number - last == 1.0);
        }
        self.last_number = number;
        self.dates += usize::from(is_date(text));
        self.marked_numbers += usize::from(ends_in_marked_number(text));
        self.links += usize::from(text.starts_with("http://") || text.starts_with("https://"));
        let is_spaced = text.contains(char::is_whitespace);
        self.spaced += usize::from(is_spaced);
        self.programs += usize::from(is_code(text));
        self.words += text.split_whitespace().count();
        let is_odd = |c: char| c.is_ascii_digit() || matches!(c, '_' | '/' | '\\' | '@' | '=');
        self.codes += usize::from(!is_spaced && text.contains(is_odd));
        match value {
            Value::Array(items) if items.iter().all(|it| !it.is_array() && !it.is_object()) => {
                self.text_lists += 1;
                for item in items {
                    self.add_item(&value_text(item));
                }
            }
            Value::Array(_) => self.object_lists += 1,
            // Beside lists, one value may stand for a list of one.
            Value::String(_) | Value::Number(_) if text.chars().count() <= LABEL_CHARS => {
                self.add_item(text);
            }

            Value::Object(object) => {
                self.objects += 1;
                self.empty_objects += usize::from(object.is_empty());
                for field in object.keys() {
                    if self.fields.len() < MAX_FIELDS && !self.fields.contains(field) {
                        self.fields.push(field.clone());
                    }
                }
            }
            _ => {}
        }
    }

    fn add_parts(&mut self, text: &str) {
        let Some(known) = &mut self.parts else { return };
        let parts: Vec<&str> = text.split([',', ';', '|']).map(str::trim).collect();
        self.parted += usize::from(parts.len() > 1);
        let is_label = |part: &&str| !part.is_empty() && part.chars().count() <= LABEL_CHARS;
        let all_are_labels = parts.iter().all(is_label);
        for part in parts {
            *known.entry(part.to_owned()).or_default() += 1;
        }
        if !all_are_labels || known.len() > MAX_LABELS {
            self.parts = None;
        }
    }

    fn add_item(&mut self, text: &str) {
        let Some(known) = &mut self.items else { return };
        *known.entry(text.to_owned()).or_default() += 1;
        if known.len() > MAX_LABELS {
            self.items = None;
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

/// The item of a list that has one, if it is no list or object itself.
pub(super) fn only_item(value: &Value) -> Option<&Value> {
    match value.as_array()?.as_slice() {
        [item] if !item.is_array() && !item.is_object() && !item.is_null() => Some(item),
        _ => None,
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(values: &[Value]) -> ColumnFacts {
        let mut facts = ColumnFacts::new(ValuePath::column("x"));
        values.iter().for_each(|value| facts.add(value));
        facts
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
}
