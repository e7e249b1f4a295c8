//! A reply as rows: read, checked, and refused where the task has such a row.
//!
//! A row is refused that lacks a column, whose answer no scorer can use, and that is nearly one of train, dev or hold, or
//! of the rows written so far. Of a held-out row only that is said.

use super::TESTS;
use super::brief::Brief;
use crate::source::json;
use crate::task::Task;
use crate::task::dataset::{ColumnMap, REVIEWED, SYNTHETIC, from_values};
use crate::task::duplicates::KnownRows;
use crate::task::example::{Example, Split};
use crate::text::{one_line, shorten};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;

/// Why a row is refused whose text would show a held-out one.
const HELD_OUT: &str = "it is nearly a held-out row";
/// The most letters of a refused row that are shown.
const SHOWN: usize = 200;

/// A row that was accepted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WrittenRow {
    /// Its id.
    pub id: String,
    /// What was asked for.
    pub asked: String,
    /// What it tests, as its writer says.
    pub tests: String,
    /// What prompts show of it.
    pub input: String,
    /// Its right answer, as its writer says.
    pub answer: String,
    /// The line of the data file.
    #[serde(skip)]
    pub line: Value,
}

/// A row, or a reply, that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// What was asked for.
    pub asked: String,
    /// Why.
    pub why: String,
    /// Its text, shortened; empty where it would show a held-out row.
    pub text: String,
}

/// Reads replies.
pub struct Writer<'a> {
    task: &'a Task,
    columns: &'a ColumnMap,
    known: KnownRows,
    ids: BTreeSet<String>,
}

impl<'a> Writer<'a> {
    /// For rows of a task, beside those of the file that they are added to.
    #[must_use]
    pub fn new(task: &'a Task, columns: &'a ColumnMap, in_file: &[Example]) -> Self {
        let mut known = KnownRows::of(&task.splits, task.layout.shown_columns());
        in_file.iter().for_each(|row| known.add(row, None));
        let ids = task.visible_rows().into_iter().chain(in_file);
        Self { task, columns, known, ids: ids.map(|row| row.id.to_string()).collect() }
    }

    /// The rows of a reply, and what of it is refused.
    pub fn read(&mut self, brief: &Brief, reply: &str) -> (Vec<WrittenRow>, Vec<Refused>) {
        let refused = |why: String, text: &str| Refused {
            asked: brief.tests.clone(),
            why,
            text: shorten(&one_line(text), SHOWN),
        };
        // A model that thinks aloud may show the tags before it fills them.
        let Some((_, after)) = reply.rsplit_once(&brief.opening) else {
            return (
                Vec::new(),
                vec![refused("the reply has no rows between the tags".to_owned(), reply)],
            );
        };
        let is_cut = !after.contains(&brief.closing);
        let rows = after.split(&brief.closing).next().unwrap_or_default();
        let (mut written, mut left) = (Vec::new(), Vec::new());
        let lines: Vec<&str> =
            rows.lines().map(str::trim).filter(|line| line.starts_with('{')).collect();
        for line in &lines {
            match self.row(brief, line) {
                Ok(row) => written.push(row),
                Err(why) => {
                    let shown = if why == HELD_OUT { "" } else { line };
                    left.push(refused(why, shown));
                }
            }
        }
        if is_cut {
            left.push(refused("the reply was cut before its end".to_owned(), ""));
        } else if lines.is_empty() {
            left.push(refused("the reply has no rows".to_owned(), rows));
        }
        (written, left)
    }

    fn row(&mut self, brief: &Brief, line: &str) -> Result<WrittenRow, String> {
        let value =
            json::parse(line).map_err(|error| format!("it is not JSON: {}", error.message))?;
        let Value::Object(said) = value else { return Err("it is not a JSON object".to_owned()) };
        let filled = |name: &str| match said.get(name) {
            None | Some(Value::Null) => Err(format!("it has no `{name}`")),
            Some(Value::String(text)) if text.trim().is_empty() => {
                Err(format!("its `{name}` is empty"))
            }
            Some(value) => Ok(value.clone()),
        };
        let tests = match filled(TESTS)? {
            Value::String(tests) => one_line(&tests).trim().to_owned(),
            _ => return Err(format!("its `{TESTS}` is not a text")),
        };
        // Only what was asked for is taken over, in the order of the task.
        let mut content = Map::new();
        for name in self.task.layout.shown_columns() {
            content.insert(name.clone(), filled(name)?);
        }
        let answer = self.task.answer_column().to_owned();
        content.insert(answer.clone(), filled(&answer)?);
        let hash = blake3::hash(Value::Object(content.clone()).to_string().as_bytes()).to_hex();
        let id = format!("synthetic-{}", &hash[..12]);
        let mut object = Map::new();
        object.insert(self.task.id_column().to_owned(), id.clone().into());
        object.extend(content);
        self.fill(&mut object);
        object.insert(TESTS.to_owned(), tests.clone().into());
        let name =
            |named: &Option<String>, usual: &str| named.clone().unwrap_or_else(|| usual.to_owned());
        object.insert(name(&self.columns.synthetic, SYNTHETIC), true.into());
        object.insert(name(&self.columns.reviewed, REVIEWED), false.into());
        let line = Value::Object(object);
        let rows = from_values(Path::new("the reply"), vec![line.clone()], self.columns);
        let row = rows.map_err(|error| error.message)?.pop().ok_or("it is empty")?;
        self.task.scorers.check(&row)?;
        if let Some(like) = self.known.like(&row) {
            return Err(match like.place {
                Some((_, Split::Hold)) => HELD_OUT.to_owned(),
                Some((id, split)) => format!("it is nearly the row `{id}` of {split}"),
                None => "it is nearly another synthetic row".to_owned(),
            });
        }
        if !self.ids.insert(id.clone()) {
            return Err("a row has its id".to_owned());
        }
        self.known.add(&row, None);
        let input = self.task.shown_input(&row);
        let answer = crate::prompt::value_text(&row.answer).into_owned();
        Ok(WrittenRow { id, asked: brief.tests.clone(), tests, input, answer, line })
    }

    /// The columns that the task names, and a reply does not have: a file without them could not be read.
    fn fill(&self, object: &mut Map<String, Value>) {
        let ColumnMap { feedback, group, weight, must_pass, .. } = self.columns;
        for name in feedback.iter().chain(group).chain(must_pass) {
            object.entry(name.clone()).or_insert(Value::Null);
        }
        if let Some(name) = weight {
            object.entry(name.clone()).or_insert(1.into());
        }
    }
}
