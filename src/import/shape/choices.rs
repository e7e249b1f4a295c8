//! Multiple choice: the choices as text with their marks, and the right one as its mark.
//!
//! The choices stand in one column as a list or an object, or in a column each, such as `A` to `D`
//! or `ending0` to `ending3`.

use crate::import::names::words_of;
use crate::prompt::{Columns, value_text};
use serde_json::Value;
use std::collections::BTreeSet;

/// The column that choices get which had a column each.
const CHOICES: &str = "choices";

/// The names under which choices stand together.
const TOGETHER: &[&str] = &[
    "choices",
    "options",
    "endings",
    "answer_choices",
    "answer_options",
    "alternatives",
    "candidates",
    TOLD,
];

/// The choices beside which the right one is told.
const TOLD: &str = "mc1_targets";

/// What the names of choices that have a column each begin with, before a letter or a number.
const STEMS: &[&str] = &[
    "option",
    "choice",
    "ending",
    "answer",
    "solution",
    "sol",
    "alternative",
    "hypothesis",
    "opt",
    "op",
    "",
];

/// The names under which the right choice stands.
const CHOSEN: &[&str] = &[
    "answer",
    "label",
    "target",
    "correct",
    "gold",
    "answer idx",
    "answer index",
    "answer key",
    "answer id",
    "answer letter",
    "correct answer",
    "correct option",
    "correct choice",
    "correct index",
    "correct idx",
    "cop",
    "right answer",
    "solution",
    "expected",
    "key",
];

/// Where the choices of a file stand, and which columns tell the right one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choices {
    place: Place,
    chosen: Vec<(String, Chosen)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Place {
    /// One column.
    Together(String),
    /// A column for each, with its mark.
    Apart(Vec<(String, String)>),
}

/// How a column tells the right choice.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Chosen {
    Mark,
    /// By its place, from this number.
    Place(u64),
    Text,
}

/// The choices of one row.
struct Marked {
    texts: Vec<String>,
    marks: Vec<String>,
    /// The place of the right one, if it is told beside them.
    right: Option<usize>,
}

impl Choices {
    /// The choices of the first rows of a file.
    pub(super) fn of(rows: &[Columns]) -> Option<Self> {
        let together = TOGETHER.iter().map(|name| Place::Together((*name).to_owned()));
        let apart = STEMS.iter().filter_map(|stem| apart(rows, stem));
        together.chain(apart).find_map(|place| {
            let marked: Vec<Marked> =
                rows.iter().map(|row| place.choices(row)).collect::<Option<_>>()?;
            let is_apart = matches!(place, Place::Apart(_));
            let names: BTreeSet<&String> = rows.iter().flat_map(Columns::keys).collect();
            let chosen: Vec<(String, Chosen)> = names
                .into_iter()
                .filter(|name| CHOSEN.contains(&words_of(name).as_str()) && !place.takes(name))
                .filter_map(|name| Some((name.clone(), chosen(rows, &marked, name)?)))
                .collect();
            // Columns called `A` and `B` are choices only if something chooses between them.
            (!is_apart || !chosen.is_empty()).then_some(Self { place, chosen })
        })
    }

    /// The marks of a row's choices.
    pub(super) fn marks(&self, row: &Columns) -> Vec<String> {
        self.place.choices(row).map(|it| it.marks).unwrap_or_default()
    }

    /// The columns in which the right choice stands as its mark.
    pub(super) fn chosen(&self) -> impl Iterator<Item = &str> {
        let told = matches!(&self.place, Place::Together(name) if name == TOLD).then_some("answer");
        self.chosen.iter().map(|(name, _)| name.as_str()).chain(told)
    }

    /// The column of the choices.
    pub(super) fn column(&self) -> &str {
        match &self.place {
            Place::Together(name) => name,
            Place::Apart(_) => CHOICES,
        }
    }

    /// Writes the choices as text and the right one as its mark.
    pub(super) fn write(&self, row: &mut Columns) {
        let Some(marked) = self.place.choices(row) else { return };
        for (name, kind) in &self.chosen {
            let mark = row.get(name).and_then(|value| marked.mark_of(value, *kind));
            if let Some(mark) = mark.cloned() {
                row.insert(name.clone(), mark.into());
            }
        }
        if let Some(mark) = marked.right.and_then(|place| marked.marks.get(place)) {
            row.insert("answer".to_owned(), mark.clone().into());
        }
        let lines = marked.marks.iter().zip(&marked.texts);
        let lines: Vec<String> = lines.map(|(mark, text)| format!("{mark}) {text}")).collect();
        if let Place::Apart(columns) = &self.place {
            for (name, _) in columns {
                row.shift_remove(name);
            }
        }
        row.insert(self.column().to_owned(), lines.join("\n").into());
    }
}

impl Place {
    /// Whether a column holds choices.
    fn takes(&self, column: &str) -> bool {
        match self {
            Self::Together(name) => name == column,
            Self::Apart(columns) => columns.iter().any(|(name, _)| name == column),
        }
    }

    fn choices(&self, row: &Columns) -> Option<Marked> {
        match self {
            Self::Together(name) => together(row.get(name)?),
            Self::Apart(columns) => {
                let filled = columns.iter().filter_map(|(name, mark)| {
                    let text = value_text(row.get(name)?).into_owned();
                    (!text.trim().is_empty()).then(|| (text, mark.clone()))
                });
                let (texts, marks): (Vec<_>, Vec<_>) = filled.unzip();
                (texts.len() > 1).then_some(Marked { texts, marks, right: None })
            }
        }
    }
}

impl Marked {
    fn mark_of(&self, value: &Value, kind: Chosen) -> Option<&String> {
        let text = value_text(value);
        let text = text.trim();
        let place = match kind {
            Chosen::Mark => self.marks.iter().position(|mark| mark.eq_ignore_ascii_case(text)),
            Chosen::Place(first) => {
                usize::try_from(text.parse::<u64>().ok()?.checked_sub(first)?).ok()
            }
            Chosen::Text => self.texts.iter().position(|it| it.trim() == text),
        };
        self.marks.get(place?)
    }
}

/// How a column tells the right choice; `None`: it does not. Rows without a value are left out.
fn chosen(rows: &[Columns], marked: &[Marked], name: &str) -> Option<Chosen> {
    let filled: Vec<(&Value, &Marked)> = rows
        .iter()
        .zip(marked)
        .filter_map(|(row, marked)| Some((row.get(name)?, marked)))
        .filter(|(value, _)| !value_text(value).trim().is_empty())
        .collect();
    let fits = |kind: Chosen| {
        !filled.is_empty()
            && filled.iter().all(|(value, marked)| marked.mark_of(value, kind).is_some())
    };
    let by_place = || [0, 1].into_iter().map(Chosen::Place).find(|kind| fits(*kind));
    let is_number = filled.iter().all(|(value, _)| value.is_number());
    match [Chosen::Mark, Chosen::Text].into_iter().find(|kind| fits(*kind)) {
        // A number is a place, also where the choices are numbers.
        Some(Chosen::Text) if is_number => by_place().or(Some(Chosen::Text)),
        Some(kind) => Some(kind),
        None => by_place(),
    }
}

/// The texts and marks of choices in one value: A, B, C…, or the marks that the file gives.
fn together(value: &Value) -> Option<Marked> {
    let value = &match value {
        // A table's cell.
        Value::String(text) if text.trim_start().starts_with(['[', '{']) => {
            crate::task::json::parse(text).ok()?
        }
        other => other.clone(),
    };
    let texts = |value: &Value| -> Option<Vec<String>> {
        let list = value.as_array().filter(|list| list.len() > 1 && list.len() <= 26)?;
        list.iter().map(|it| (!it.is_object()).then(|| value_text(it).into_owned())).collect()
    };
    if let Value::Object(object) = value {
        if let (Some(found), Some(marks)) =
            (object.get("text").and_then(texts), object.get("label").and_then(texts))
        {
            return (found.len() == marks.len()).then_some(Marked {
                texts: found,
                marks,
                right: None,
            });
        }
        // TruthfulQA marks the right one with a 1.
        if let (Some(found), Some(right)) =
            (object.get("choices").and_then(texts), object.get("labels").and_then(Value::as_array))
        {
            let marks = letters(found.len());
            let right = right.iter().position(|it| *it == 1);
            return Some(Marked { texts: found, marks, right });
        }
        // {"A": "…", "B": "…"}
        let is_mark = |key: &String| key.len() == 1;
        return (object.len() > 1 && object.keys().all(is_mark)).then(|| {
            let found = object.values().map(|it| value_text(it).into_owned()).collect();
            Marked { texts: found, marks: object.keys().cloned().collect(), right: None }
        });
    }
    let found = texts(value)?;
    let marks = letters(found.len());
    Some(Marked { texts: found, marks, right: None })
}

fn letters(count: usize) -> Vec<String> {
    ('A'..='Z').take(count).map(String::from).collect()
}

/// The columns whose names are a stem and a letter from A on, or a number from 0 or 1 on.
fn apart(rows: &[Columns], stem: &str) -> Option<Place> {
    let names: BTreeSet<&String> = rows.iter().flat_map(Columns::keys).collect();
    let mark_of = |name: &str| -> Option<String> {
        let bare: String = words_of(name).replace(' ', "");
        let mark = bare.strip_prefix(stem)?;
        let is_letter = mark.len() == 1 && mark.chars().all(|c| c.is_ascii_lowercase());
        let is_number = (1..3).contains(&mark.len())
            && mark.chars().all(|c| c.is_ascii_digit())
            && !stem.is_empty();
        (is_letter || is_number).then(|| mark.to_uppercase())
    };
    let mut found: Vec<(String, String)> =
        names.into_iter().filter_map(|name| Some((name.clone(), mark_of(name)?))).collect();
    found.sort_by(|a, b| (a.1.len(), &a.1).cmp(&(b.1.len(), &b.1)));
    let marks: Vec<&str> = found.iter().map(|(_, mark)| mark.as_str()).collect();
    let letters = letters(marks.len());
    let numbers = |from: usize| (from..from + marks.len()).map(|it| it.to_string());
    let in_order = marks == letters
        || marks.iter().copied().eq(numbers(0))
        || marks.iter().copied().eq(numbers(1));
    (found.len() > 1 && in_order).then_some(Place::Apart(found))
}
