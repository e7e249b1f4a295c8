//! A task that is about to be written: its prompt, its scores, its rows.

use super::rows::RowWriter;
use super::toml_text;
use crate::prompt::{Columns, USER};
use crate::source::{self, SourceError};
use crate::task::dataset::{ColumnMap, Format, Quirks, RowReader};
use crate::task::model::UNFILLED;
use crate::text;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

/// With fewer rows than this, all rows are dev: a split needs one row at least for each part.
const FEW_ROWS: usize = 4;

/// The files of a task, except its rows, with their names.
pub(crate) type Files = Vec<(String, String)>;

/// A task that is about to be written.
#[derive(Debug)]
pub(crate) struct TaskDraft {
    pub(super) parts: Vec<DraftPart>,
    /// The lines of each `[[score]]`.
    pub(super) scores: Vec<String>,
    pub(super) columns: ColumnMap,
    pub(super) rows: DraftRows,
    /// The number of rows.
    pub(crate) count: usize,
    /// Lines about models, as comments.
    pub(super) models: Vec<String>,
    /// Whether the file told the prompt.
    pub(crate) has_prompt: bool,
    /// What the user should know.
    pub(crate) notes: Vec<String>,
}

/// A part of its prompt.
#[derive(Debug)]
pub(super) struct DraftPart {
    pub(super) name: &'static str,
    pub(super) text: String,
    pub(super) is_searched: bool,
}

/// Where its rows come from.
#[derive(Debug)]
pub(super) enum DraftRows {
    /// The file as it is.
    Copy(PathBuf),
    /// A file whose rows are changed.
    Convert(Box<RowWriter>),
    /// Rows in memory.
    Values(Vec<Columns>),
}

impl TaskDraft {
    /// The name of its data file.
    pub(crate) fn data_file(&self) -> String {
        match &self.rows {
            DraftRows::Copy(from) => {
                let extension = from.extension().map_or("jsonl".into(), |it| it.to_string_lossy());
                format!("examples.{extension}")
            }
            _ => "examples.jsonl".to_owned(),
        }
    }

    /// Writes its rows, or the first of them.
    ///
    /// # Errors
    /// The rows cannot be read again, or not be written.
    pub(crate) fn write_rows(&self, path: &Path, limit: Option<usize>) -> Result<(), SourceError> {
        let failed = |error: std::io::Error| SourceError::unwritable(path, &error);
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        let limit = limit.unwrap_or(usize::MAX);
        match &self.rows {
            DraftRows::Copy(from) => write_copy(from, limit, &mut file, failed)?,
            DraftRows::Convert(writer) => {
                for row in writer.written()?.take(limit) {
                    write_line(&mut file, &row?).map_err(failed)?;
                }
            }
            DraftRows::Values(rows) => {
                let mut rows = rows.iter().take(limit);
                rows.try_for_each(|row| write_line(&mut file, row)).map_err(failed)?;
            }
        }
        file.flush().map_err(failed)
    }

    /// Its other files.
    pub(crate) fn files(&self, name: &str) -> Files {
        let mut files = vec![("task.toml".to_owned(), self.task_file(name))];
        let own = self.parts.iter().filter(|part| part.has_file());
        files.extend(own.map(|part| (format!("{}.md", part.name), part.text.clone())));
        files
    }

    fn task_file(&self, name: &str) -> String {
        let roles = [
            ("answer", &self.columns.answer),
            ("id", &self.columns.id),
            ("feedback", &self.columns.feedback),
            ("group", &self.columns.group),
        ];
        let columns: Vec<String> = roles
            .iter()
            .filter_map(|(role, column)| Some(format!("{role} = {}", toml_text(column.as_ref()?))))
            .collect();
        let split = match self.count < FEW_ROWS {
            true => "split = { train = 0.0, dev = 1.0, hold = 0.0 }\n",
            false => "",
        };
        let parts: String = self.parts.iter().map(DraftPart::line).collect();
        let searched: Vec<String> =
            self.parts.iter().filter(|it| it.is_searched).map(|it| toml_text(it.name)).collect();
        let scores: String =
            self.scores.iter().map(|score| format!("[[score]]\n{score}\n\n")).collect();
        let judge = match self.scores.iter().any(|score| score.contains("kind = \"rubric\"")) {
            true => "judge = \"sim/judge\"\n",
            false => "",
        };
        let models: String = self.models.iter().map(|line| format!("# {line}\n")).collect();
        format!(
            r#"name = {name}
# about = "Say in one sentence what the model does: the mutator reads it."

[data]
file = {data}
columns = {{ {columns} }}
{split}
[prompt]
{parts}search = [{searched}]

[models]
{models}# Simulated models: free, and only good for trying things out. For a real one:
#   task = "openai/MODEL"
#   mutator = "openai/MODEL"
# with OPENAI_API_KEY set (`anthropic`, `gemini`, `groq`, `ollama` and others need no table either), and its price in US
# dollars per million tokens, where `plan` does not know it:
#   [providers.openai]
#   price = {{ input = {UNFILLED}, output = {UNFILLED} }}
task = "sim/clerk"
mutator = "sim/editor"
{judge}
{scores}[goal]
rule = "max quality"

[budget]
usd = 2.0
calls = 3000
"#,
            name = toml_text(name),
            data = toml_text(&self.data_file()),
            columns = columns.join(", "),
            searched = searched.join(", "),
        )
    }
}

impl DraftPart {
    /// A text that is written for people, and long texts, have a file of their own.
    fn has_file(&self) -> bool {
        self.name != USER || self.text.lines().count() > 6
    }

    fn line(&self) -> String {
        match self.has_file() {
            true => format!("{} = {{ file = \"{}.md\" }}\n", self.name, self.name),
            false => format!("{} = {}\n", self.name, toml_text(&self.text)),
        }
    }
}

/// Writes a row on a line of its own.
fn write_line(file: &mut impl Write, row: &impl serde::Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *file, row)?;
    file.write_all(b"\n")
}

/// Copies a file, up to a number of its rows.
fn write_copy(
    from: &Path,
    limit: usize,
    file: &mut impl Write,
    failed: impl Fn(std::io::Error) -> SourceError,
) -> Result<(), SourceError> {
    let mut source = source::open(from).map_err(&failed)?;
    if limit == usize::MAX {
        return std::io::copy(&mut source, file).map(drop).map_err(failed);
    }
    let mut rows = RowReader::open(from, Quirks::Refuse)?;
    if Format::of(from)? == Format::Json {
        let rows: Vec<Columns> =
            rows.take(limit).map(|row| Ok(row?.values)).collect::<Result<_, SourceError>>()?;
        return serde_json::to_writer(file, &rows).map_err(|error| failed(error.into()));
    }
    let lines = match rows.nth(limit).transpose()? {
        Some(row) => row.line - 1,
        None => usize::MAX,
    };
    let mut source = BufReader::new(source);
    let mut line = Vec::new();
    for _ in 0..lines {
        line.clear();
        if source.read_until(b'\n', &mut line).map_err(&failed)? == 0 {
            break;
        }
        file.write_all(&line).map_err(&failed)?;
    }
    Ok(())
}

/// Whether a placeholder can name a column.
pub(super) fn is_writable(column: &str) -> bool {
    let has_both_quotes = column.contains('"') && column.contains('\'');
    !(has_both_quotes
        || column.contains("}}")
        || column.contains(|c: char| c == '\\' || c.is_control()))
}

/// A name like that of a column, which a placeholder can name.
pub(super) fn writable(column: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let name: String = column
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_");
    text::free_name(if name.is_empty() { "column" } else { &name }, is_taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_placeholder_can_write_gets_another_one() {
        for odd in ["a\"b'c", "a}}b", "a\\b", "a\nb", "a\0b"] {
            assert!(!is_writable(odd), "{odd}");
            assert!(is_writable(&writable(odd, |_| false)));
        }
        assert_eq!(writable("a\"b'c", |name| name == "a_b_c"), "a_b_c_2");
    }
}
