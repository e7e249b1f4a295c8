//! Rows with columns: their facts, the roles that are guessed or wished, and the draft of a task.

use super::answers::Answers;
use super::draft::{Draft, DraftPart, DraftRows, is_writable, writable};
use super::facts::{ColumnFacts, Facts};
use super::guess::{Guess, Role, guess, ranked};
use super::path::ValuePath;
use super::rows::{RowWriter, is_filled};
use super::shape::{SYSTEM, Shape};
use crate::prompt::{Columns as Row, USER, literal, placeholder};
use crate::source::{self, SourceError};
use crate::task::dataset::{ColumnMap, Quirks, RowReader};
use crate::text;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The first rows, from which the shape of all rows is told.
const FIRST_ROWS: usize = 20;

/// Rows that are left out and named.
const NAMED_LINES: usize = 5;

/// The columns that the user named, as paths.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// What the model is shown.
    pub input: Option<String>,
    /// The right answer.
    pub answer: Option<String>,
    /// The row's id.
    pub id: Option<String>,
    /// Why the answer is right.
    pub feedback: Option<String>,
}

impl Wishes {
    /// Whether the user named no column.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        [&self.input, &self.answer, &self.id, &self.feedback].iter().all(|it| it.is_none())
    }
}

/// One column for people.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ColumnView {
    /// Its name, or the path of an entry.
    pub name: String,
    /// What it is for.
    pub role: Option<&'static str>,
    /// Rows that have a value.
    pub filled: usize,
    /// Different values.
    pub distinct: usize,
    /// One value.
    pub sample: String,
}

/// The columns of a file.
pub struct Columns {
    path: PathBuf,
    shape: Shape,
    facts: Facts,
    /// What the user said.
    set: Guess,
    guess: Guess,
    /// What was read although it is not as it should be.
    notes: Vec<String>,
}

/// Whether a file holds tests of promptfoo.
pub(super) fn is_promptfoo(path: &Path) -> Result<bool, SourceError> {
    let first = RowReader::open(path, Quirks::Convert)?.next_row()?;
    Ok(first.is_some_and(|row| super::shape::is_promptfoo(&row.values)))
}

impl Columns {
    /// Reads a file and guesses the roles of its columns.
    ///
    /// # Errors
    /// A file that cannot be read, a mistake in it with its line, or a wish for a column that it
    /// does not have.
    pub fn read(path: &Path, wishes: &Wishes) -> Result<Self, SourceError> {
        let mut reader = RowReader::open(path, Quirks::Convert)?;
        let notes = reader.notes().to_vec();
        let first: Vec<Row> = reader
            .by_ref()
            .take(FIRST_ROWS)
            .map(|row| Ok(row?.values))
            .collect::<Result<_, _>>()?;
        if first.is_empty() {
            return Err(SourceError::new(path, "the file has no rows"));
        }
        let shape = Shape::of(&first, features_of(path).as_ref());
        let has_column =
            |name: &str| first.iter().any(|row| shape.plain(row.clone()).contains_key(name));
        let wish = |wish: &Option<String>, flag: &str| match wish {
            None => Ok(None),
            Some(text) => ValuePath::meant(text, has_column)
                .map(Some)
                .map_err(|why| SourceError::new(path, format!("--{flag}: {why}"))),
        };
        let set = Guess {
            input: wish(&wishes.input, "input")?,
            answer: wish(&wishes.answer, "answer")?,
            id: wish(&wishes.id, "id")?,
            feedback: wish(&wishes.feedback, "feedback")?,
            group: None,
        };
        let wished = [&set.input, &set.answer, &set.id, &set.feedback];
        let mut facts = Facts::new(wished.into_iter().flatten().cloned().collect());
        for row in first {
            facts.add(&shape.plain(row));
        }
        for row in reader {
            facts.add(&shape.plain(row?.values));
        }
        let mut columns =
            Self { path: path.to_owned(), shape, facts, set, guess: Guess::default(), notes };
        columns.check_wishes()?;
        columns.guess = guess(&columns.facts, &columns.set);
        Ok(columns)
    }

    fn check_wishes(&self) -> Result<(), SourceError> {
        for role in [Role::Input, Role::Answer, Role::Id, Role::Feedback] {
            let Some(path) = self.set.of(role) else { continue };
            let flag = role.name();
            let name = path.to_string();
            if self.facts_of(path).is_none_or(|it| it.filled == 0) {
                let known: Vec<String> =
                    self.facts.columns().iter().map(|it| it.path.to_string()).collect();
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let message = format!("--{flag}: no row has a value at `{name}`");
                return Err(
                    SourceError::new(&self.path, message).help(text::suggestion(&name, &known))
                );
            }
        }
        Ok(())
    }

    fn facts_of(&self, path: &ValuePath) -> Option<&ColumnFacts> {
        self.facts.columns().iter().find(|it| it.path == *path)
    }

    /// Whether a role was set by the user.
    #[must_use]
    pub fn is_set(&self, role: Role) -> bool {
        self.set.of(role).is_some()
    }

    /// The column that has a role.
    #[must_use]
    pub fn guess_of(&self, role: Role) -> Option<&ValuePath> {
        self.guess.of(role)
    }

    /// The columns that a role may have, the most likely first.
    #[must_use]
    pub fn choices(&self, role: Role) -> Vec<ValuePath> {
        let mut choices = ranked(&self.facts, &self.set, role);
        let others = self.facts.columns().iter().filter(|it| it.filled > 0).map(|it| &it.path);
        for path in others {
            if self.set.role_of(path).is_none() && !choices.contains(path) {
                choices.push(path.clone());
            }
        }
        choices
    }

    /// Sets a role, and guesses the others again.
    pub fn set(&mut self, role: Role, path: ValuePath) {
        self.set.give(role, path);
        self.guess = guess(&self.facts, &self.set);
    }

    /// The columns with their roles; entries of objects only if they have one.
    #[must_use]
    pub fn views(&self) -> Vec<ColumnView> {
        let shown = self
            .facts
            .columns()
            .iter()
            .filter(|it| it.path.is_column() || self.guess.role_of(&it.path).is_some());
        let view = |it: &ColumnFacts| ColumnView {
            name: it.path.to_string(),
            role: self.guess.role_of(&it.path).map(Role::name),
            filled: it.filled,
            distinct: it.distinct(),
            sample: text::shorten(&it.sample, 40),
        };
        shown.map(view).collect()
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.facts.rows
    }

    /// The task.
    ///
    /// # Errors
    /// No column is the answer or the input.
    pub fn draft(&self) -> Result<Draft, SourceError> {
        let missing = |role: Role| {
            let known: Vec<String> = self.views().into_iter().map(|it| it.name).collect();
            SourceError::new(&self.path, format!("cannot tell which column is the {}", role.name()))
                .help(format!(
                    "name it: --{} COLUMN; the columns are: {}",
                    role.name(),
                    known.join(", ")
                ))
        };
        let answer_path = self.guess.answer.as_ref().ok_or_else(|| missing(Role::Answer))?;
        let input_path = self.guess.input.as_ref().ok_or_else(|| missing(Role::Input))?;
        let answer = self.facts_of(answer_path).ok_or_else(|| missing(Role::Answer))?;
        let answers = Answers::of(answer);
        let mut notes = self.notes.clone();
        notes.extend(answers.notes(answer));
        let mut writer = RowWriter::new(&self.path, &self.shape, &self.facts, &self.guess);
        if answers == Answers::Lists && answer.text_lists < answer.filled {
            writer.as_lists();
        }
        self.free_the_id(&mut writer, &mut notes);
        for column in self.facts.columns().iter().filter(|it| it.path.is_column()) {
            let name = column.path.first();
            if !is_writable(name) {
                let other = writable(name, |other| self.facts.column(other).is_some());
                notes.push(format!("no prompt can name the column `{name}`; it becomes `{other}`"));
                writer.rename(name, &other);
            }
        }
        let baseline = self.instructions(&mut writer)?.unwrap_or_else(|| answers.baseline());
        let user = self.user_text(&writer, input_path);
        let column = |path: &Option<ValuePath>| path.as_ref().map(|it| writer.name_of(it));
        let columns = ColumnMap {
            answer: Some(writer.name_of(answer_path)),
            id: column(&self.guess.id),
            feedback: column(&self.guess.feedback),
            group: column(&self.guess.group),
        };
        let left_out = self.facts.rows - answer.filled;
        if left_out > 0 {
            notes.push(self.left_out(answer_path, left_out)?);
        }
        let is_copy = writer.is_copy() && left_out == 0 && self.notes.is_empty();
        let rows = match is_copy {
            true => DraftRows::Copy(self.path.clone()),
            false => DraftRows::Convert(Box::new(writer)),
        };
        Ok(Draft {
            parts: vec![
                DraftPart { name: "system", text: baseline, is_searched: true },
                DraftPart { name: USER, text: user, is_searched: false },
            ],
            scores: vec![answers.score()],
            columns,
            rows,
            count: answer.filled,
            models: Vec::new(),
            notes,
        })
    }

    /// A column called `id` would be taken as the id: if its values are no ids, it gets another name.
    fn free_the_id(&self, writer: &mut RowWriter, notes: &mut Vec<String>) {
        let is_other = self.guess.id.as_ref().is_none_or(|it| writer.name_of(it) != "id");
        if is_other
            && let Some(column) = self.facts.column("id")
            && column.path.is_column()
        {
            let mut name = "file_id".to_owned();
            while self.facts.column(&name).is_some() {
                name.push('_');
            }
            if self.guess.id.is_none() {
                notes.push(format!(
                    "the values of `id` are missing or not unique, so rows are numbered; the column becomes `{name}`"
                ));
            }
            writer.rename("id", &name);
        }
    }

    /// The instructions of a chat, if they are the same in all rows: they are the prompt to improve.
    fn instructions(&self, writer: &mut RowWriter) -> Result<Option<String>, SourceError> {
        let column = self.facts.column(SYSTEM).filter(|_| self.shape.has_chat());
        let same = column.filter(|it| it.distinct() == 1 && it.filled == self.facts.rows);
        if same.is_none() {
            return Ok(None);
        }
        let first = RowReader::open(&self.path, Quirks::Convert)?.next_row()?;
        let row = first.map(|row| self.shape.plain(row.values)).unwrap_or_default();
        writer.without(SYSTEM);
        Ok(row
            .get(SYSTEM)
            .and_then(Value::as_str)
            .map(|text| format!("{}\n", literal(text.trim_end()))))
    }

    /// The user message: the input, with what belongs to it.
    fn user_text(&self, writer: &RowWriter, input: &ValuePath) -> String {
        let named = |names: &[&str]| {
            self.facts.columns().iter().find(|it| {
                it.path.is_column()
                    && it.filled > 0
                    && !writer.leaves_out(it.path.first())
                    && self.guess.role_of(&it.path).is_none()
                    && names.iter().any(|name| it.path.first().eq_ignore_ascii_case(name))
            })
        };
        // Instructions that differ from row to row are a part of the question.
        let system = if self.shape.has_chat() { named(&[SYSTEM]) } else { None };
        let before = [
            system,
            named(&["instruction", "instructions"]),
            named(&["context", "passage", "background"]),
            named(&["subject", "betreff", "objet", "asunto"]).filter(|it| it.distinct() > 1),
        ];
        // Alpaca's rows have an instruction and its input; either may be the longer one.
        let after = [named(&["input"]), named(&["choices", "options"])];
        let before = before.into_iter().flatten().map(|it| &it.path);
        let after = after.into_iter().flatten().map(|it| &it.path);
        let shown = before.chain(std::iter::once(input)).chain(after);
        let texts: Vec<String> = shown.map(|path| placeholder(&writer.name_of(path))).collect();
        texts.join("\n\n")
    }

    /// Says which rows have no answer.
    fn left_out(&self, answer: &ValuePath, count: usize) -> Result<String, SourceError> {
        let mut lines = Vec::new();
        for row in RowReader::open(&self.path, Quirks::Convert)? {
            let row = row?;
            let line = row.line;
            if !answer.get(&self.shape.plain(row.values)).is_some_and(is_filled) {
                lines.push(line.to_string());
            }
            if lines.len() == NAMED_LINES {
                break;
            }
        }
        let more = if count > lines.len() { ", …" } else { "" };
        Ok(format!(
            "{} without a value in `{answer}` left out (line {}{more})",
            text::plural(count, "row"),
            lines.join(", ")
        ))
    }
}

/// What Hugging Face's answer tells of its columns.
fn features_of(path: &Path) -> Option<Value> {
    let is_json = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("json"));
    let text = if is_json { source::read_text(path).ok()? } else { return None };
    #[derive(serde::Deserialize)]
    struct Answer {
        features: Option<Value>,
    }
    serde_json::from_str::<Answer>(&text).ok()?.features
}
