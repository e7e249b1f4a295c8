//! Multiple choice: the choices as text with their marks, and the right one as its mark.
//!
//! The choices stand in one column as a list or an object, or in a column each, such as `A` to `D`
//! or `ending0` to `ending3`.

use super::alternatives::ALIASES;
use crate::import::literal::structure;
use crate::import::words::words_of;
use crate::prompt::{Columns, value_text};
use crate::text;
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

/// The names, in words, of the right choice where the wrong ones have columns of their own, as in GPQA and SciQ.
const RIGHT: &[&str] = &["correct answer", "right answer", "correct option", "correct choice"];

/// The names, in words, of wrong choices, before a number.
const WRONG: &[&str] = &[
    "incorrect answer",
    "wrong answer",
    "distractor",
    "incorrect option",
    "wrong option",
    "incorrect choice",
    "wrong choice",
];

/// The column that gets the mark of a right choice which had a column of its own.
const ANSWER: &str = "answer";

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
    /// A column for the right one, and one for each wrong one: their order must not tell which is which.
    Sorted { right: String, wrong: Vec<String> },
}

/// How a column tells the right choice.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Chosen {
    Mark,
    Text,
    /// By its place, from this number.
    Place(u64),
}

/// All ways of telling it, the surest first.
const WAYS: [Chosen; 4] = [Chosen::Mark, Chosen::Text, Chosen::Place(0), Chosen::Place(1)];

/// The choices of one row.
struct Marked {
    /// A choice may be blank; it keeps its place.
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
        together.chain(sorted(rows)).chain(apart).find_map(|place| {
            let marked: Vec<(&Columns, Marked)> =
                rows.iter().filter_map(|row| Some((row, place.choices(row)?))).collect();
            if marked.is_empty() || marked.len() * 10 < rows.len() * 9 {
                return None;
            }
            let names: BTreeSet<&String> = rows.iter().flat_map(Columns::keys).collect();
            let is_alias = |tally: &Tally| place.may_be_aliases() && tally.are_first();
            let chosen: Vec<(String, Chosen)> = names
                .into_iter()
                .filter(|name| CHOSEN.contains(&words_of(name).as_str()) && !place.takes(name))
                .filter_map(|name| {
                    let mut tally = Tally::default();
                    marked.iter().for_each(|(row, it)| tally.add(row.get(name), Some(it), 0));
                    Some((name.clone(), tally.way().filter(|_| !is_alias(&tally))?))
                })
                .collect();
            // Columns called `A` and `B` are choices only if something chooses between them.
            let is_sure = !matches!(place, Place::Apart(_)) && !place.may_be_aliases();
            (is_sure || !chosen.is_empty()).then_some(Self { place, chosen })
        })
    }

    /// Decides with all rows of the file, each with its line, how the right choice is told. The first rows
    /// may say too little: a place is counted from 0 if a 0 stands in any row.
    pub(super) fn settle<E>(
        &mut self,
        rows: impl Iterator<Item = Result<(usize, Columns), E>>,
    ) -> Result<Vec<String>, E> {
        let mut tallies: Vec<Tally> = self.chosen.iter().map(|_| Tally::default()).collect();
        for row in rows {
            let (line, row) = row?;
            let marked = self.place.choices(&row);
            for ((name, _), tally) in self.chosen.iter().zip(&mut tallies) {
                tally.add(row.get(name), marked.as_ref(), line);
            }
        }
        let is_apart = matches!(self.place, Place::Apart(_));
        let (mut settled, mut notes) = (Vec::new(), Vec::new());
        for ((name, _), tally) in std::mem::take(&mut self.chosen).into_iter().zip(tallies) {
            match tally.way() {
                Some(way) => {
                    notes.extend(tally.doubts(&name, way, is_apart));
                    settled.push((name, way));
                }
                None if tally.filled > 0 => notes.push(format!(
                    "`{name}` tells the right choice of most rows neither by its mark, nor by its place or text; it stays as it is"
                )),
                None => {}
            }
        }
        if let Place::Sorted { right, wrong } = &self.place {
            notes.push(format!(
                "the choices are `{right}` and {}, in an order that is drawn for each row; the answer is the \
                 letter of `{right}`",
                text::plural(wrong.len(), "wrong one")
            ));
        }
        self.chosen = settled;
        Ok(notes)
    }

    /// The marks of a row's choices.
    pub(super) fn marks(&self, row: &Columns) -> Vec<String> {
        let marked = self.place.choices(row);
        marked.map(|it| it.filled().map(|(mark, _)| mark.clone()).collect()).unwrap_or_default()
    }

    /// The columns in which the right choice stands as its mark.
    pub(super) fn chosen(&self) -> impl Iterator<Item = &str> {
        let is_told = match &self.place {
            Place::Together(name) => name == TOLD,
            Place::Apart(_) => false,
            Place::Sorted { .. } => true,
        };
        let told = is_told.then_some(ANSWER);
        self.chosen.iter().map(|(name, _)| name.as_str()).chain(told)
    }

    /// The column of the choices.
    pub(super) fn column(&self) -> &str {
        match &self.place {
            Place::Together(name) => name,
            Place::Apart(_) | Place::Sorted { .. } => CHOICES,
        }
    }

    /// Writes the choices as text and the right one as its mark. What is none of the choices is no answer.
    pub(super) fn write(&self, row: &mut Columns) {
        let marked = self.place.choices(row);
        for (name, way) in &self.chosen {
            let Some(value) = row.get(name).filter(|it| is_filled(it)) else { continue };
            let mark = marked.as_ref().and_then(|it| it.mark_of(value, *way)).cloned();
            row.insert(name.clone(), mark.into());
        }
        let Some(marked) = marked else { return };
        if let Some(mark) = marked.right.and_then(|place| marked.marks.get(place)) {
            row.insert(ANSWER.to_owned(), mark.clone().into());
        }
        let lines: Vec<String> =
            marked.filled().map(|(mark, text)| format!("{mark}) {text}")).collect();
        row.retain(|name, _| matches!(self.place, Place::Together(_)) || !self.place.takes(name));
        row.insert(self.column().to_owned(), lines.join("\n").into());
    }
}

impl Place {
    /// Whether a column holds choices.
    fn takes(&self, column: &str) -> bool {
        match self {
            Self::Together(name) => name == column,
            Self::Apart(columns) => columns.iter().any(|(name, _)| name == column),
            Self::Sorted { right, wrong } => right == column || wrong.iter().any(|it| it == column),
        }
    }

    /// Whether what stands here may also be other spellings of the answer.
    fn may_be_aliases(&self) -> bool {
        matches!(self, Self::Together(name) if ALIASES.contains(&name.as_str()))
    }

    fn choices(&self, row: &Columns) -> Option<Marked> {
        match self {
            Self::Together(name) => together(row.get(name)?),
            Self::Apart(columns) => {
                let text = |name: &String| row.get(name).map(value_text).unwrap_or_default();
                let (texts, marks) = columns
                    .iter()
                    .map(|(name, mark)| (text(name).into_owned(), mark.clone()))
                    .unzip();
                let marked = Marked { texts, marks, right: None };
                (marked.filled().count() > 1).then_some(marked)
            }
            Self::Sorted { right, wrong } => drawn(row, right, wrong),
        }
    }
}

impl Marked {
    /// The marks and texts of the choices that are not blank.
    fn filled(&self) -> impl Iterator<Item = (&String, &String)> {
        self.marks.iter().zip(&self.texts).filter(|(_, text)| !text.trim().is_empty())
    }

    fn mark_of(&self, value: &Value, way: Chosen) -> Option<&String> {
        let text = value_text(value);
        let text = text.trim();
        let place = match way {
            Chosen::Mark => self.marks.iter().position(|mark| mark.eq_ignore_ascii_case(text)),
            Chosen::Place(first) => {
                usize::try_from(text.parse::<u64>().ok()?.checked_sub(first)?).ok()
            }
            Chosen::Text => {
                let is_it = |(it, mark): (&String, &String)| {
                    it.trim() == text || unmarked(text, mark) == Some(it.trim())
                };
                self.texts.iter().zip(&self.marks).position(is_it)
            }
        }?;
        self.texts.get(place).filter(|text| !text.trim().is_empty())?;
        self.marks.get(place)
    }
}

/// How often each way of telling the right choice fits a column.
#[derive(Default)]
struct Tally {
    filled: usize,
    numbers: usize,
    /// Rows in which the first choice is the right one.
    firsts: usize,
    fitting: [usize; WAYS.len()],
    /// The first line that each does not fit.
    misses: [Option<usize>; WAYS.len()],
}

impl Tally {
    /// Adds the value of a row. Rows without a value say nothing.
    fn add(&mut self, value: Option<&Value>, marked: Option<&Marked>, line: usize) {
        let Some(value) = value.filter(|it| is_filled(it)) else { return };
        self.filled += 1;
        self.numbers += usize::from(value.is_number());
        let is_first = |it: &Marked| it.mark_of(value, Chosen::Text) == it.marks.first();
        self.firsts += usize::from(marked.is_some_and(is_first));
        let each = WAYS.iter().zip(self.fitting.iter_mut().zip(&mut self.misses));
        for (way, (fitting, miss)) in each {
            match marked.is_some_and(|it| it.mark_of(value, *way).is_some()) {
                true => *fitting += 1,
                false => *miss = miss.or(Some(line)),
            }
        }
    }

    fn fitting(&self, way: Chosen) -> usize {
        WAYS.iter().zip(self.fitting).filter(|(it, _)| **it == way).map(|(_, count)| count).sum()
    }

    fn fits(&self, way: Chosen) -> bool {
        self.filled > 0 && self.fitting(way) == self.filled
    }

    /// Whether all answers are the texts of the first choices.
    fn are_first(&self) -> bool {
        self.filled > 1 && self.firsts == self.filled
    }

    /// How the right choice is told; `None`: it is not. Some rows may be wrong.
    fn way(&self) -> Option<Chosen> {
        let places = || WAYS[2..].iter().copied().find(|way| self.fits(*way));
        match WAYS[..2].iter().copied().find(|way| self.fits(*way)) {
            // A number is a place, also where the choices are numbers.
            Some(Chosen::Text) if self.numbers == self.filled => places().or(Some(Chosen::Text)),
            Some(way) => Some(way),
            None => places().or_else(|| {
                let best = WAYS.iter().copied().rev().max_by_key(|way| self.fitting(*way))?;
                (self.filled > 0 && self.fitting(best) * 10 >= self.filled * 9).then_some(best)
            }),
        }
    }

    /// What the user should look at. `is_apart`: the numbers of the choices are those of columns.
    fn doubts(&self, name: &str, way: Chosen, is_apart: bool) -> Vec<String> {
        let mut doubts = Vec::new();
        let place = WAYS.iter().position(|it| *it == way);
        if let Some(line) = place.and_then(|place| self.misses[place]) {
            let count = text::plural(self.filled - self.fitting(way), "row");
            doubts.push(format!(
                "the value of `{name}` is none of the choices in {count}, the first on line {line}"
            ));
        }
        let (from_0, from_1) = (self.fits(Chosen::Place(0)), self.fits(Chosen::Place(1)));
        doubts.extend(match way {
            Chosen::Place(first) if from_0 && from_1 => Some(format!(
                "`{name}` may count the choices from 0 or from 1, and no row says which: it is read as counted from {first}; look at an answer of the new task"
            )),
            Chosen::Mark if is_apart && (from_0 || from_1) => (from_0 && from_1).then(|| format!(
                "`{name}` may name the choices by their numbers or count them from 0, and no row says which: it is read as their numbers; look at an answer of the new task"
            )),
            _ => None,
        });
        doubts
    }
}

fn is_filled(value: &Value) -> bool {
    !value_text(value).trim().is_empty()
}

/// The texts and marks of choices in one value: A, B, C…, or the marks that the file gives.
fn together(value: &Value) -> Option<Marked> {
    // It may be a table's cell.
    let opened = structure(value)?;
    let value = &*opened;
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
    // [{"label": "A", "text": "…"}]
    let entries = |key: &str| -> Option<Vec<String>> {
        let list = value.as_array().filter(|list| list.len() > 1)?;
        list.iter().map(|it| Some(value_text(it.get(key)?).into_owned())).collect()
    };
    if let (Some(found), Some(marks)) = (entries("text"), entries("label")) {
        let is_mark = |it: &String| it.chars().count() <= 2;
        return marks.iter().all(is_mark).then_some(Marked { texts: found, marks, right: None });
    }
    let found = texts(value)?;
    let marks = letters(found.len());
    // The texts may have their marks: `A)5`.
    let bare = found.iter().zip(&marks).map(|(text, mark)| unmarked(text, mark).map(str::to_owned));
    let texts = bare.collect::<Option<Vec<_>>>().unwrap_or(found);
    Some(Marked { texts, marks, right: None })
}

/// A choice without its mark: `5` of `A)5`, `(A) 5` and `A. 5`.
fn unmarked<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let text = text.trim();
    let after = match text.strip_prefix('(') {
        Some(inside) => inside.strip_prefix(mark)?.strip_prefix(')')?,
        None => text.strip_prefix(mark)?.strip_prefix([')', '.', ':'])?,
    };
    Some(after.trim_start())
}

/// The choices of a row in an order that is drawn from their texts, so that it is always the same.
fn drawn(row: &Columns, right: &str, wrong: &[String]) -> Option<Marked> {
    let text = |name: &str| {
        let value = row.get(name).filter(|it| is_filled(it))?;
        Some(value_text(value).trim().to_owned())
    };
    let right = text(right)?;
    let mut texts: Vec<String> = wrong.iter().filter_map(|name| text(name)).collect();
    texts.push(right.clone());
    texts.sort();
    texts.dedup();
    let all = blake3::hash(texts.join("\n").as_bytes());
    texts
        .sort_by_cached_key(|text| *blake3::keyed_hash(all.as_bytes(), text.as_bytes()).as_bytes());
    let place = texts.iter().position(|it| *it == right);
    (texts.len() > 1).then(|| Marked { marks: letters(texts.len()), texts, right: place })
}

/// The column of the right choice and those of the wrong ones, unless the file has an answer beside them.
fn sorted(rows: &[Columns]) -> Option<Place> {
    let names: BTreeSet<&String> = rows.iter().flat_map(Columns::keys).collect();
    let is_taken = |name: &&&String| [ANSWER, CHOICES].contains(&name.as_str());
    let right = names.iter().find(|name| RIGHT.contains(&words_of(name).as_str()))?;
    let is_wrong = |name: &&&String| {
        let words = words_of(name);
        WRONG.contains(&words.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end())
    };
    let wrong: Vec<String> = names.iter().filter(is_wrong).map(|it| (*it).clone()).collect();
    let fits = wrong.len() > 1 && !names.iter().any(|name| is_taken(&name));
    fits.then(|| Place::Sorted { right: (*right).clone(), wrong })
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
    let letters = letters(found.len());
    if stem.is_empty() {
        // A question may be called `q`.
        let in_row = found.iter().zip(&letters).take_while(|((_, mark), it)| mark == *it).count();
        found.truncate(in_row);
    }
    let letters = &letters[..found.len()];
    let marks: Vec<&str> = found.iter().map(|(_, mark)| mark.as_str()).collect();
    let numbers = |from: usize| (from..from + marks.len()).map(|it| it.to_string());
    let in_order = marks.iter().eq(letters)
        || marks.iter().copied().eq(numbers(0))
        || marks.iter().copied().eq(numbers(1));
    (found.len() > 1 && in_order).then_some(Place::Apart(found))
}
