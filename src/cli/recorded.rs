//! `eval --answers`: scores answers that were recorded elsewhere. It needs no call, budget or key.
//!
//! Answers are joined to rows by id, or by number if neither file has ids.

use super::args::EvalArgs;
use super::error::CliError;
use super::evaluation::{Evaluation, ScoredRow};
use super::screen::Screen;
use crate::id::ExampleId;
use crate::import::ValuePath;
use crate::prompt::value_text;
use crate::source::SourceError;
use crate::task::Task;
use crate::task::dataset::{self, Row};
use crate::task::example::{Example, Split};
use crate::text;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Display;
use std::path::Path;

/// The most ids that a message names.
const MAX_NAMED: usize = 5;

pub(super) fn eval(
    task: Task,
    split: Option<Split>,
    file: &Path,
    args: &EvalArgs,
    screen: &Screen,
) -> Result<(), CliError> {
    if !task.scorers.is_pure() {
        return Err(CliError::invalid("a `command` scorer cannot score recorded answers")
            .hint("use `eval --prompt`, or a built-in scorer"));
    }
    let (all, numbers) = numbered(task);
    let answers = Answers::read(file, all.id_column(), args.id.as_deref())?;
    let task = match split {
        None => all,
        Some(split) => Task::load(&args.task)?.for_evaluation(Some(split)),
    };
    match &answers.by_id {
        None => {
            answers.check_numbers(&task, numbers.len())?;
            screen.note("neither file has ids: answers are joined to rows by their number");
        }
        Some(_) => {
            if let Some(unknown) = answers.unknown_ids(&numbers) {
                screen.note(&unknown);
            }
        }
    }
    let mut evaluations = Vec::new();
    for column in &args.column {
        let scored = answers.of_rows(column, &task, &numbers)?;
        let rows: Vec<ScoredRow<'_>> = scored
            .into_iter()
            .map(|(row, answer)| {
                let answer = value_text(answer);
                let verdict = task.scorers.score(&answer, row);
                ScoredRow { id: &row.id, answer, verdict }
            })
            .collect();
        let name = (args.column.len() > 1).then(|| column.clone());
        evaluations.push(Evaluation { column: name, ..Evaluation::of(&rows) });
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

/// The task with all its rows, and the position of each row in its data (files in order).
fn numbered(task: Task) -> (Task, HashMap<ExampleId, usize>) {
    let by_file = task.data.len() > 1;
    let (train, dev) = (task.splits.train.len(), task.splits.dev.len());
    let task = task.for_evaluation(None);
    // The rows are ordered by split; where the task names one file per split, a split is a file.
    let file_of = |place: usize| match place {
        _ if !by_file => 0,
        place if place < train => 0,
        place if place < train + dev => 1,
        _ => 2,
    };
    // Rows that share a line, as in JSON without line breaks, are in the order of their numbers: 2
    // comes before 10.
    let key = |(place, row): (usize, &Example)| {
        let length = row.id.as_str().len();
        (file_of(place), row.line, length, row.id.clone())
    };
    let mut rows: Vec<_> = task.splits.dev.iter().enumerate().map(key).collect();
    rows.sort();
    let numbers = rows.into_iter().enumerate().map(|(at, (.., id))| (id, at)).collect();
    (task, numbers)
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
        let name = asked.unwrap_or(id_column);
        let path = match asked {
            Some(name) => answers.path(name)?,
            None => ValuePath::column(name),
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
    fn unknown_ids(&self, rows: &HashMap<ExampleId, usize>) -> Option<String> {
        let by_id = self.by_id.as_ref()?;
        let mut unknown: Vec<(usize, &String)> = by_id
            .iter()
            .filter(|(id, _)| !rows.contains_key(&ExampleId::new(id.as_str())))
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
    ) -> Result<Vec<(&'t Example, &Value)>, SourceError> {
        let path = self.path(column)?;
        let (mut answered, mut missing) = (Vec::new(), Vec::new());
        for row in in_file_order(task, numbers) {
            let place = match &self.by_id {
                None => numbers.get(&row.id),
                Some(by_id) => by_id.get(row.id.as_str()),
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
