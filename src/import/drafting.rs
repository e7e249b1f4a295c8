//! Makes a task of a file's columns: the prompt, the score, and how the rows are written.

use super::answers::Answers;
use super::draft::{DraftPart, DraftRows, TaskDraft, is_writable, writable};
use super::path::ValuePath;
use super::role::ColumnRole;
use super::rows::{AnswerForm, RowWriter, is_filled};
use super::shape::SYSTEM;
use super::source_columns::SourceColumns;
use crate::prompt::{USER, literal, placeholder, placeholders};
use crate::source::SourceError;
use crate::task::dataset::ColumnMap;
use crate::text;
use serde_json::Value;

/// Rows that are left out and named.
const NAMED_LINES: usize = 5;

/// What is said of answers that are calls.
const CALLS: &str = "the answers are calls of tools: each is written as the JSON of its arguments, with the \
                     tool's name where several are called. A task sends no tools: the prompt must say which \
                     JSON is wanted";

/// The names of what a question is about.
const CONTEXTS: &[&str] = &[
    "context",
    "contexts",
    "retrieved_contexts",
    "retrieval_context",
    "passage",
    "passages",
    "background",
    "documents",
    "ctxs",
];

impl SourceColumns {
    /// The task.
    ///
    /// # Errors
    /// No column is the answer or the input.
    pub(crate) fn draft(&self) -> Result<TaskDraft, SourceError> {
        let missing = |role: ColumnRole| {
            let known: Vec<String> = self.views().into_iter().map(|it| it.name).collect();
            SourceError::new(
                &self.rows.path,
                format!("cannot tell which column is the {}", role.name()),
            )
            .help(format!(
                "name it: --{} COLUMN; the columns are: {}",
                role.name(),
                known.join(", ")
            ))
        };
        let answer_path = self.guess.answer.as_ref().ok_or_else(|| missing(ColumnRole::Answer))?;
        let input_path = self.guess.input.as_ref().ok_or_else(|| missing(ColumnRole::Input))?;
        let answer = self.facts_of(answer_path).ok_or_else(|| missing(ColumnRole::Answer))?;
        let is_chosen = answer_path.is_column() && self.rows.shape.is_chosen(answer_path.first());
        let answers = match is_chosen && answer.values_are_among(&self.marks) {
            true => Answers::Labels(self.marks.iter().cloned().collect()),
            false => Answers::of(answer, self.rows.shape.is_chat()),
        };
        let mut notes = self.notes.clone();
        for (reason, count) in &self.left_out {
            notes.push(format!("{} left out", text::plural(*count, &format!("{reason} row"))));
        }
        notes.extend(answers.notes(answer));
        if self.rows.shape.calls_tools() {
            notes.push(CALLS.to_owned());
        }
        let mut writer = RowWriter::new(&self.rows, &self.stats, &self.guess);
        match &answers {
            Answers::Lists if answer.text_lists < answer.filled => {
                writer.answers_as(AnswerForm::List);
            }
            Answers::LabelLists(_) => writer.answers_as(AnswerForm::SortedList),
            Answers::ListedLabels(_) => writer.answers_as(AnswerForm::OnlyItem),
            // The cells of a table are opened when a task reads them.
            Answers::Objects(_) | Answers::Json if answer.packed > 0 && !self.rows.is_table() => {
                writer.answers_as(AnswerForm::Json);
            }
            _ => {}
        }
        self.free_the_id(&mut writer, &mut notes);
        for column in self.stats.columns().iter().filter(|it| it.path.is_column()) {
            let name = column.path.first();
            if !is_writable(name) {
                let other = writable(name, |other| self.stats.column(other).is_some());
                notes.push(format!("no prompt can name the column `{name}`; it becomes `{other}`"));
                writer.rename(name, &other);
            }
        }
        let instructions = self.instructions(&mut writer)?;
        let has_prompt = instructions.is_some();
        let baseline = instructions.unwrap_or_else(|| answers.baseline());
        let user = self.user_text(&writer, input_path);
        let is_same = self.facts_of(input_path).is_some_and(|it| it.distinct() == 1);
        if is_same && self.stats.rows > 1 && placeholders(&user).len() == 1 {
            let message = format!("all rows have the same value in `{input_path}`, the input");
            return Err(SourceError::new(&self.rows.path, message)
                .help("name the column that tells the rows apart: --input COLUMN"));
        }
        let column = |path: &Option<ValuePath>| path.as_ref().map(|it| writer.name_of(it));
        let columns = ColumnMap {
            answer: Some(writer.name_of(answer_path)),
            id: column(&self.guess.id),
            feedback: column(&self.guess.feedback),
            group: column(&self.guess.group),
        };
        let left_out = self.stats.rows - answer.filled;
        if left_out > 0 {
            notes.push(self.left_out(answer_path, left_out)?);
        }
        let is_whole = left_out == 0 && self.left_out.is_empty();
        let is_copy = writer.is_copy() && is_whole && self.notes.is_empty();
        let rows = match is_copy {
            true => DraftRows::Copy(self.rows.path.clone()),
            false => DraftRows::Convert(Box::new(writer)),
        };
        Ok(TaskDraft {
            parts: vec![
                DraftPart { name: "system", text: baseline, is_searched: true },
                DraftPart { name: USER, text: user, is_searched: false },
            ],
            scores: vec![answers.score()],
            columns,
            rows,
            count: answer.filled,
            models: Vec::new(),
            has_prompt,
            notes,
        })
    }

    /// A column called `id` would be taken as the id: if its values are no ids, it gets another name.
    fn free_the_id(&self, writer: &mut RowWriter, notes: &mut Vec<String>) {
        let is_other = self.guess.id.as_ref().is_none_or(|it| writer.name_of(it) != "id");
        if is_other
            && let Some(column) = self.stats.column("id")
            && column.path.is_column()
        {
            let mut name = "file_id".to_owned();
            while self.stats.column(&name).is_some() {
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
        let column = self.stats.column(SYSTEM).filter(|_| self.rows.shape.has_chat());
        let same = column.filter(|it| it.distinct() == 1 && it.filled == self.stats.rows);
        if same.is_none() {
            return Ok(None);
        }
        let mut rows = self.rows.rows()?;
        let first =
            rows.find(|row| row.as_ref().map_or(true, |it| it.left_out.is_none())).transpose()?;
        writer.without(SYSTEM);
        Ok(first
            .and_then(|row| row.values.get(SYSTEM).cloned())
            .as_ref()
            .and_then(Value::as_str)
            .map(|text| format!("{}\n", literal(text.trim_end()))))
    }

    /// The user message: the input, with what belongs to it.
    fn user_text(&self, writer: &RowWriter, input: &ValuePath) -> String {
        let named = |names: &[&str]| {
            self.stats.columns().iter().find(|it| {
                it.path.is_column()
                    && it.filled > 0
                    && !writer.leaves_out(it.path.first())
                    && self.guess.role_of(&it.path).is_none()
                    && names.iter().any(|name| it.path.first().eq_ignore_ascii_case(name))
            })
        };
        // Instructions that differ from row to row are a part of the question.
        let system = if self.rows.shape.has_chat() { named(&[SYSTEM]) } else { None };
        let before = [
            system,
            named(&["instruction", "instructions"]),
            named(CONTEXTS),
            named(&["subject", "betreff", "objet", "asunto"]).filter(|it| it.distinct() > 1),
        ];
        let choices: Vec<&str> = self.rows.shape.choices_column().into_iter().collect();
        // Alpaca's rows have an instruction and its input; either may be the longer one.
        let after = [named(&["input"]), named(&choices)];
        let before = before.into_iter().flatten().map(|it| &it.path);
        let after = after.into_iter().flatten().map(|it| &it.path);
        let shown = before.chain(std::iter::once(input)).chain(after);
        let texts: Vec<String> = shown.map(|path| placeholder(&writer.name_of(path))).collect();
        texts.join("\n\n")
    }

    /// Says which rows have no answer.
    fn left_out(&self, answer: &ValuePath, count: usize) -> Result<String, SourceError> {
        let (mut lines, mut named) = (Vec::new(), 0);
        for row in self.rows.rows()? {
            let row = row?;
            if row.left_out.is_some() || answer.get(&row.values).is_some_and(is_filled) {
                continue;
            }
            let line = row.line.to_string();
            // Many rows may stand on one line.
            if lines.last() != Some(&line) {
                if lines.len() == NAMED_LINES {
                    break;
                }
                lines.push(line);
            }
            named += 1;
        }
        let more = if count > named { ", …" } else { "" };
        Ok(format!(
            "{} without a value in `{answer}` left out (line {}{more})",
            text::plural(count, "row"),
            lines.join(", ")
        ))
    }
}
