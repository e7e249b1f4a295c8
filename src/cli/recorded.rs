//! Answers that were recorded elsewhere, joined to a task's rows, and `eval --answers`, which scores them. No call, budget or key is
//! needed.
//!
//! Answers are joined to rows by id, or by number if neither file has ids. A column that both files have
//! and that says that their orders differ is never passed over.

use super::args::EvalArgs;
use super::error::CliError;
use super::evaluation::{Evaluation, ScoredRow};
use super::screen::Screen;
use crate::clock::Clock;
use crate::id::ExampleId;
use crate::import::ValuePath;
use crate::looks::{Looker, Looks};
use crate::prompt::value_text;
use crate::source::SourceError;
use crate::task::Task;
use crate::task::dataset::{self, Row};
use crate::task::example::{Example, RowHash, Split};
use crate::text;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::path::Path;

/// The most ids that a message names.
const MAX_NAMED: usize = 5;

/// A task's rows with the answers that were recorded for them.
pub(super) struct Recorded<'a> {
    /// The rows that are asked for are its dev.
    pub(super) task: Task,
    split: Option<Split>,
    numbers: HashMap<ExampleId, usize>,
    keys: HashMap<ExampleId, String>,
    answers: Answers<'a>,
}

impl<'a> Recorded<'a> {
    /// Joins a file of answers to the rows of a split, by the column `id` where that is given.
    pub(super) fn open(
        task: Task,
        (place, split): (&Path, Option<Split>),
        file: &'a Path,
        id: Option<&str>,
        screen: &Screen,
    ) -> Result<Self, CliError> {
        let (all, numbers) = numbered(task);
        let answers = Answers::read(file, all.id_column(), id)?;
        let keys = keys(&all, id);
        if answers.by_id.is_none() {
            answers.check_order(&all, &numbers)?;
        }
        let task = match split {
            None => all,
            Some(split) => Task::load(place)?.for_evaluation(Some(split)),
        };
        match &answers.by_id {
            None => {
                answers.check_numbers(&task, numbers.len())?;
                let id = task.id_column();
                screen.note(&format!(
                    "neither file has ids in a column `{id}`: answers are joined to rows by their number"
                ));
            }
            Some(_) => {
                if let Some(unknown) = answers.unknown_ids(&keys) {
                    screen.note(&unknown);
                }
            }
        }
        Ok(Self { task, split, numbers, keys, answers })
    }

    /// The answer to each row in a column, in the order of the data.
    pub(super) fn column(&self, name: &str) -> Result<Vec<(&Example, &Value)>, SourceError> {
        self.answers.of_rows(name, &self.task, &self.numbers, &self.keys)
    }

    /// The held-out rows among them, if they were asked for by name: who does that looks at them. All rows are scored
    /// to try a scorer.
    pub(super) fn held_out(&self) -> &[RowHash] {
        if self.split == Some(Split::Hold) { self.task.shown_held_out() } else { &[] }
    }

    /// Takes a look at the held-out rows, and returns its number; 1 where there are none.
    pub(super) fn take_look(&self, looks: &Looks, columns: &str) -> Result<u32, CliError> {
        if self.held_out().is_empty() {
            return Ok(1);
        }
        let file = self.answers.file;
        let blake3 = blake3::hash(&crate::source::read(file)?).to_hex();
        let by = Looker {
            run: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            created: Timestamp::UNIX_EPOCH,
            claim: format!("{columns} of answers {}", &blake3[..16]),
        };
        Ok(looks.take(&by, self.held_out(), 0, Clock::System.now())?)
    }
}

pub(super) fn eval(
    task: Task,
    split: Option<Split>,
    file: &Path,
    args: &EvalArgs,
    screen: &Screen,
) -> Result<(), CliError> {
    check_scorers(&task)?;
    let recorded = Recorded::open(task, (&args.task, split), file, args.id.as_deref(), screen)?;
    let looks = Looks::of_folder(&args.out.out);
    let mut evaluations = Vec::new();
    for column in &args.column {
        recorded.take_look(&looks, &format!("column `{column}`"))?;
        let scored = recorded.column(column)?;
        let rows: Vec<ScoredRow<'_>> = scored
            .into_iter()
            .map(|(row, answer)| {
                let answer = value_text(answer);
                let verdict = recorded.task.scorers.score(&answer, row);
                ScoredRow {
                    id: &row.id,
                    weight: row.weight,
                    must_pass: row.must_pass,
                    answer,
                    verdict,
                }
            })
            .collect();
        let name = (args.column.len() > 1).then(|| column.clone());
        let held_out_looks = looks.earlier(recorded.held_out())?.most;
        evaluations.push(Evaluation {
            column: name,
            held_out_looks,
            ..Evaluation::of(&rows, recorded.task.score_form())
        });
    }
    let mut out = String::new();
    for (column, evaluation) in args.column.iter().zip(&evaluations) {
        let lines = evaluation.lines().join("\n  ");
        out.push_str(&format!("{column}: {lines}\n"));
    }
    let value = match &evaluations[..] {
        [one] => serde_json::to_value(one)?,
        several => serde_json::to_value(several)?,
    };
    screen.show(&value, &out)
}

/// Checks that answers can be scored without a program of the user's and without a judge.
pub(super) fn check_scorers(task: &Task) -> Result<(), CliError> {
    let asked = task.scorers.scorers().iter().find(|scorer| scorer.is_asked());
    let Some(scorer) = asked else { return Ok(()) };
    let kind = scorer.kind();
    Err(CliError::invalid(format!("a `{kind}` scorer cannot score recorded answers"))
        .hint("use `eval --prompt`, or a built-in scorer"))
}

/// The task with all its rows, and the position of each row in its data (files in order).
fn numbered(task: Task) -> (Task, HashMap<ExampleId, usize>) {
    let task = task.for_evaluation(None);
    // Rows that share a line, as in JSON without line breaks, are in the order of their numbers: 2
    // comes before 10.
    let key = |row: &Example| (row.file, row.line, row.id.as_str().len(), row.id.clone());
    let mut rows: Vec<_> = task.splits.dev.iter().map(key).collect();
    rows.sort();
    let numbers = rows.into_iter().enumerate().map(|(at, (.., id))| (id, at)).collect();
    (task, numbers)
}

/// What each row is joined by: its id, or, if the task has none, its value in the column that `asked` names.
fn keys(all: &Task, asked: Option<&str>) -> HashMap<ExampleId, String> {
    let rows = &all.splits.dev;
    let has_ids = rows.iter().any(|row| row.columns.contains_key(all.id_column()));
    let column = asked.filter(|_| !has_ids).and_then(|name| column_of(rows, name));
    match column {
        Some(values) => rows.iter().map(|row| row.id.clone()).zip(values).collect(),
        None => rows.iter().map(|row| (row.id.clone(), row.id.to_string())).collect(),
    }
}

/// The values of a column, if each row has one of its own.
fn column_of(rows: &[Example], name: &str) -> Option<Vec<String>> {
    unique(rows.iter().map(|row| row.columns.get(name)))
}

/// The texts of values, if all are there and no two are the same.
fn unique<'v>(values: impl Iterator<Item = Option<&'v Value>>) -> Option<Vec<String>> {
    let mut seen = HashSet::new();
    let text = |value: Option<&Value>| {
        let text = value_text(value?).trim().to_owned();
        (!text.is_empty() && seen.insert(text.clone())).then_some(text)
    };
    values.map(text).collect()
}

/// The rows of a file of answers.
struct Answers<'a> {
    file: &'a Path,
    rows: Vec<Row>,
    /// The place of each id, if the file has ids.
    by_id: Option<HashMap<String, usize>>,
}

impl<'a> Answers<'a> {
    /// Reads a file, whose ids are in the column that the task names, or where `asked` says.
    fn read(file: &'a Path, id_column: &str, asked: Option<&str>) -> Result<Self, SourceError> {
        let rows = dataset::read_rows(file)?;
        let mut answers = Self { file, rows, by_id: None };
        // The same column, also where one file writes it as `ID`.
        let has = |name: &str| answers.rows.iter().any(|row| row.values.contains_key(name));
        let mut columns = answers.rows.iter().flat_map(|row| row.values.keys());
        let name = asked.map_or_else(|| id_column.to_owned(), str::to_owned);
        let other = columns.find(|it| it.trim().eq_ignore_ascii_case(&name));
        let name = match other {
            Some(other) if asked.is_none() && !has(&name) => other.clone(),
            _ => name,
        };
        let path = match asked {
            Some(name) => answers.path(name)?,
            None => ValuePath::column(&name),
        };
        let id = |row: &Row| {
            let text = path.get(&row.values).map(|value| value_text(value).trim().to_owned());
            text.filter(|text| !text.is_empty())
        };
        let mut by_id: HashMap<String, usize> = HashMap::new();
        let mut without = None;
        for (place, row) in answers.rows.iter().enumerate() {
            let Some(id) = id(row) else {
                without = without.or(Some(row.line));
                continue;
            };
            if let Some(other) = by_id.insert(id.clone(), place) {
                let other = answers.rows[other].line;
                let message = format!("the id `{id}` is already used on line {other}");
                return Err(SourceError::new(file, message)
                    .at_line(row.line)
                    .help("a row can have only one answer per column: remove one of the lines"));
            }
        }
        if let Some(line) = without.filter(|_| !by_id.is_empty()) {
            let message = format!("this row has no id in column `{name}`, but others have one");
            let error = SourceError::new(file, message).at_line(line);
            return Err(error.help("give every row its id"));
        }
        answers.by_id = (!by_id.is_empty()).then_some(by_id);
        Ok(answers)
    }

    /// The path that a user names, if any row has a value there.
    fn path(&self, name: &str) -> Result<ValuePath, SourceError> {
        let has_column = |name: &str| self.rows.iter().any(|row| row.values.contains_key(name));
        let path = ValuePath::meant(name, has_column)
            .map_err(|message| SourceError::new(self.file, message))?;
        if self.rows.iter().any(|row| path.get(&row.values).is_some()) {
            return Ok(path);
        }
        let known: Vec<&str> = self.rows[0].values.keys().map(String::as_str).collect();
        let (message, help) = match has_column(path.first()) {
            true => (
                format!("no row has a value at `{name}`"),
                format!("look at the column `{}` of the first row", path.first()),
            ),
            false => {
                let first = path.first();
                (format!("there is no column `{first}`"), text::suggestion(first, &known))
            }
        };
        Err(SourceError::new(self.file, message).help(help))
    }

    /// The ids that no row of the task has, in words.
    fn unknown_ids(&self, keys: &HashMap<ExampleId, String>) -> Option<String> {
        let by_id = self.by_id.as_ref()?;
        let known: HashSet<&String> = keys.values().collect();
        let mut unknown: Vec<(usize, &String)> = by_id
            .iter()
            .filter(|(id, _)| !known.contains(id))
            .map(|(id, place)| (*place, id))
            .collect();
        unknown.sort();
        (!unknown.is_empty()).then(|| {
            format!(
                "{} has {} that no row of the task has: {}",
                self.file.display(),
                text::plural(unknown.len(), "id"),
                named(unknown.iter().map(|(_, id)| id))
            )
        })
    }

    /// Checks that no column of both files says that their rows are in another order.
    fn check_order(
        &self,
        all: &Task,
        numbers: &HashMap<ExampleId, usize>,
    ) -> Result<(), SourceError> {
        let mut rows: Vec<&Example> = all.splits.dev.iter().collect();
        rows.sort_by_key(|row| numbers.get(&row.id));
        for name in self.rows[0].values.keys() {
            let here = unique(self.rows.iter().map(|row| row.values.get(name)));
            let there = unique(rows.iter().map(|row| row.columns.get(name)));
            let (Some(here), Some(there)) = (here, there) else { continue };
            let places: HashMap<&String, usize> = there.iter().zip(0..).collect();
            let shared = here.iter().filter(|value| places.contains_key(value)).count();
            let mut placed = here.iter().zip(&self.rows).enumerate();
            let moved =
                placed.find(|(at, (value, _))| places.get(value).is_some_and(|place| place != at));
            // A few values that are the same by chance say nothing.
            if let Some((_, (value, row))) = moved
                && shared * 2 >= here.len()
            {
                let message = format!(
                    "the answers have no ids, and their order is not that of the task's rows: `{}` in \
                     column `{name}` is another row there",
                    text::shorten(&text::one_line(value), 40)
                );
                return Err(SourceError::new(self.file, message).at_line(row.line).help(format!(
                    "join them by a column that both files have: --id {}",
                    quoted(name)
                )));
            }
        }
        Ok(())
    }

    /// Checks that answers without ids can be joined to rows by their number.
    fn check_numbers(&self, task: &Task, rows: usize) -> Result<(), SourceError> {
        let (id, answers) = (task.id_column(), self.rows.len());
        if task.splits.dev.iter().any(|row| row.columns.contains_key(id)) {
            let message =
                format!("the task's rows have ids in column `{id}`, but the answers have none");
            return Err(SourceError::new(self.file, message).help(format!(
                "add a column `{id}` that names the row of each answer, or say with --id which \
                 column does"
            )));
        }
        if answers != rows {
            let message = format!(
                "there are {}, but the task has {}, and without ids they are joined by number",
                text::plural(answers, "answer"),
                text::plural(rows, "row")
            );
            return Err(SourceError::new(self.file, message)
                .help("write one answer for each row, in the same order, or give both files ids"));
        }
        Ok(())
    }

    /// The answer to each row of the task.
    fn of_rows<'t>(
        &self,
        column: &str,
        task: &'t Task,
        numbers: &HashMap<ExampleId, usize>,
        keys: &HashMap<ExampleId, String>,
    ) -> Result<Vec<(&'t Example, &Value)>, SourceError> {
        let path = self.path(column)?;
        let (mut answered, mut missing) = (Vec::new(), Vec::new());
        for row in in_file_order(task, numbers) {
            let place = match &self.by_id {
                None => numbers.get(&row.id),
                Some(by_id) => keys.get(&row.id).and_then(|key| by_id.get(key)),
            };
            let line = place.and_then(|place| self.rows.get(*place));
            let value = line.and_then(|line| path.get(&line.values));
            match value.filter(|value| !value.is_null()) {
                Some(answer) => answered.push((row, answer)),
                None => missing.push((row, line)),
            }
        }
        let Some((_, line)) = missing.first() else { return Ok(answered) };
        let message = match &missing[..] {
            [(row, _)] => format!("row `{}` has no answer in column `{column}`", row.id),
            several => format!(
                "{} of {} have no answer in column `{column}`: {}",
                several.len(),
                text::plural(answered.len() + several.len(), "row"),
                named(several.iter().map(|(row, _)| &row.id))
            ),
        };
        let error = SourceError::new(self.file, message);
        let error = match line {
            Some(line) => error.at_line(line.line),
            None => error,
        };
        Err(error.help("every row needs an answer; an empty string counts as an answer"))
    }
}

/// A name as an argument of a command line.
fn quoted(name: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if name.chars().all(is_word) { name.to_owned() } else { format!("'{name}'") }
}

/// The first ids of several.
fn named(ids: impl ExactSizeIterator<Item = impl Display>) -> String {
    let more = if ids.len() > MAX_NAMED { ", …" } else { "" };
    let shown: Vec<String> = ids.take(MAX_NAMED).map(|id| format!("`{id}`")).collect();
    format!("{}{more}", shown.join(", "))
}

fn in_file_order<'t>(task: &'t Task, numbers: &HashMap<ExampleId, usize>) -> Vec<&'t Example> {
    let mut rows: Vec<&Example> = task.splits.dev.iter().collect();
    rows.sort_by_key(|row| numbers.get(&row.id));
    rows
}
