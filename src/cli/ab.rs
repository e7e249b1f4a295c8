//! `ab`: prompts on the same rows. Logs of real traffic are read in `online`.

use super::args::{AbArgs, EvalSplit};
use super::error::CliError;
use super::eval::{check_split, split_of};
use super::recorded::{Recorded, check_scorers};
use super::screen::Screen;
use crate::compare::paired::{self, AbTest, Basis, PairedDesign, PairedRow, RowScore};
use crate::looks::Looks;
use crate::prompt::value_text;
use crate::seed::Seed;
use crate::stats::Level;
use crate::task::Task;
use crate::task::example::Example;
use crate::text::{shorten, suggestion};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// The name by which the right answer divides rows.
const ANSWER: &str = "answer";

/// Compares prompts.
pub(super) fn ab(args: &AbArgs, screen: &Screen) -> Result<(), CliError> {
    let (Some(place), Some(file), Some(a)) = (&args.task, &args.answers, &args.a) else {
        return Err(CliError::usage("`ab` needs a task, `--answers`, `--a` and `--b`"));
    };
    let names: Vec<String> = std::iter::once(a).chain(&args.b).cloned().collect();
    if let Some((_, twice)) = names.iter().enumerate().find(|(at, it)| names[..*at].contains(it)) {
        return Err(CliError::usage(format!("`{twice}` is named twice")));
    }
    if let Some(margin) = args.margin.filter(|margin| *margin >= 1.0) {
        return Err(CliError::usage(format!("`--margin {margin}`: scores differ by less than 1"))
            .hint("two points are 0.02"));
    }
    let task = Task::load(place)?;
    let split = args.split.unwrap_or(EvalSplit::All);
    check_split(&task, split)?;
    if !args.scored {
        check_scorers(&task)?;
    }
    let split = split_of(split).0;
    let recorded = Recorded::open(task, (place, split), file, args.id.as_deref(), screen)?;
    let columns: Vec<Vec<(&Example, &Value)>> =
        names.iter().map(|name| recorded.column(name)).collect::<Result<_, _>>()?;
    let mut rows = Vec::new();
    for (number, (row, _)) in columns[0].iter().enumerate() {
        let mut answers = Vec::new();
        for (name, column) in names.iter().zip(&columns) {
            let value = column[number].1;
            answers.push(Some(match args.scored {
                true => recorded_score(file, name, row, value)?,
                false => scored(&recorded.task, row, value),
            }));
        }
        rows.push(PairedRow {
            id: row.id.to_string(),
            weight: row.weight,
            expected: value_text(&row.answer).into_owned(),
            slices: args.slice.iter().map(|column| slice(row, column)).collect(),
            answers,
        });
    }
    check_slices(&recorded.task, &args.slice)?;
    tell_of_scores(&names, &rows, args.scored, screen);
    // Nothing is shown before the look is counted.
    let looks = Looks::of_folder(&args.out.out);
    let look = recorded.take_look(&looks, &format!("columns `{}` compared", names.join("`, `")))?;
    let design = PairedDesign {
        basis: Basis::Fixed,
        names,
        margin: args.margin,
        level: Level::of_look(look),
        seed: Seed(args.seed),
        slices: args.slice.clone(),
        listed: args.rows,
    };
    let test = AbTest::of(&recorded.task.name, &design, &rows).map_err(CliError::invalid)?;
    screen.show(&serde_json::to_value(&test)?, &paired::page(&test))
}

/// What the task's scorers say of an answer.
fn scored(task: &Task, row: &Example, value: &Value) -> RowScore {
    let answer = value_text(value);
    let verdict = task.scorers.score(&answer, row);
    RowScore {
        score: verdict.score.value(),
        is_invalid: verdict.invalid.is_some(),
        answer: Some(answer.into_owned()),
    }
}

/// A score that was recorded in an answer's place.
fn recorded_score(
    file: &Path,
    column: &str,
    row: &Example,
    value: &Value,
) -> Result<RowScore, CliError> {
    let text = value_text(value).trim().to_lowercase();
    let score = match text.as_str() {
        "true" => Some(1.0),
        "false" => Some(0.0),
        number => number.parse().ok().filter(|score| (0.0..=1.0).contains(score)),
    };
    let score = score.ok_or_else(|| {
        let (file, text) = (file.display(), shorten(&text, 40));
        let message = format!("{file}: row `{}` has `{text}` in column `{column}`", row.id);
        CliError::invalid(message)
            .hint("with --scored a column holds numbers from 0 to 1, or true and false")
    })?;
    Ok(RowScore { score, answer: None, is_invalid: false })
}

/// A row's value in a column, as a slice is named.
fn slice(row: &Example, column: &str) -> Option<String> {
    let value = row.columns.get(column).or((column == ANSWER).then_some(&row.answer))?;
    (!value.is_null()).then(|| value_text(value).into_owned())
}

fn check_slices(task: &Task, slices: &[String]) -> Result<(), CliError> {
    let rows = &task.splits.dev;
    for column in slices.iter().filter(|column| *column != ANSWER) {
        if !rows.iter().any(|row| row.columns.contains_key(column)) {
            let mut known: BTreeSet<&str> =
                rows.iter().flat_map(|row| row.columns.keys().map(String::as_str)).collect();
            known.insert(ANSWER);
            let known: Vec<&str> = known.into_iter().collect();
            return Err(CliError::invalid(format!("the task's rows have no column `{column}`"))
                .hint(suggestion(column, &known)));
        }
    }
    Ok(())
}

/// Says that a column seems to hold scores, where it was read as answers.
fn tell_of_scores(names: &[String], rows: &[PairedRow], is_scored: bool, screen: &Screen) {
    let is_score = |row: &PairedRow, place: usize| {
        let answer = row.answers[place].as_ref().and_then(|it| it.answer.as_deref());
        let answer = answer.unwrap_or_default().trim().to_lowercase();
        let is_right = row.answers[place].as_ref().is_some_and(|it| it.score > 0.0);
        !is_right && ["true", "false", "0", "1"].contains(&answer.as_str())
    };
    for (place, name) in names.iter().enumerate() {
        if !is_scored && rows.iter().all(|row| is_score(row, place)) {
            screen.warn(&format!(
                "column `{name}` holds true and false, and none of them is a right answer: if they say whether an answer was right, add \
                 --scored"
            ));
        }
    }
}
