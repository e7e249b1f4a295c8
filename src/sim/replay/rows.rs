//! The rows that were scored: their texts where the data has them, else a text in their place.

use crate::prompt::value_text;
use crate::source::{self, SourceError};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRow {
    /// Its id.
    pub id: String,
    /// What the model is shown; unlike that of any other row.
    pub input: String,
    /// The right answer.
    pub answer: String,
    /// An answer that is wrong: another row's right one.
    pub wrong: String,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    split: String,
    input: String,
    answer: Value,
}

/// The rows of a task's dev split, in their order; `None` where the file is missing, or has another
/// number of them and so is not the one that was scored.
pub(super) fn read(file: &Path, count: usize) -> Result<Option<Vec<RecordedRow>>, SourceError> {
    if !file.exists() {
        return Ok(None);
    }
    let text = source::read_text(file).map_err(|error| SourceError::unreadable(file, &error))?;
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line).map_err(|error| {
            SourceError::new(file, format!("not a row: {error}"))
                .at_line(number)
                .help("a row is an object with `id`, `split`, `input` and `answer`")
        })?;
        if line.split == "dev" {
            rows.push((line.id, line.input, value_text(&line.answer).into_owned()));
        }
    }
    Ok((rows.len() == count).then(|| with_wrong_answers(rows)))
}

/// Rows whose texts were not recorded.
pub(super) fn in_place(name: &str, count: usize) -> Vec<RecordedRow> {
    let row = |number: usize| {
        let id = format!("row-{number:03}");
        (
            id,
            format!("Row {number} of {name}: its text is not recorded."),
            format!("right {number}"),
        )
    };
    with_wrong_answers((1..=count).map(row).collect())
}

/// Gives every row a wrong answer, and a text that no other row has.
fn with_wrong_answers(rows: Vec<(String, String, String)>) -> Vec<RecordedRow> {
    let mut seen = BTreeSet::new();
    let answers: Vec<String> = rows.iter().map(|(.., answer)| answer.trim().to_owned()).collect();
    let mut made = Vec::with_capacity(rows.len());
    for (place, (id, input, answer)) in rows.into_iter().enumerate() {
        let others = answers.iter().cycle().skip(place).take(answers.len());
        let wrong = others.into_iter().find(|other| *other != answer.trim());
        let wrong = wrong.cloned().unwrap_or_else(|| format!("not {answer}"));
        let is_new = seen.insert(input.trim().to_owned());
        let input = if is_new { input } else { format!("{input} ({id})") };
        made.push(RecordedRow { id, input, answer, wrong });
    }
    made
}
