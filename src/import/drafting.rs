//! Makes a task of a file's columns: the prompt, the score, and how the rows are written.

use super::answers::Answers;
use super::column_facts::ColumnFacts;
use super::draft::{DraftPart, DraftRows, TaskDraft, is_writable, writable};
use super::guess::{left_over, may_be_group, ranked};
use super::inputs::Inputs;
use super::names::{self, is_no_name, is_usual};
use super::path::ValuePath;
use super::role::ColumnRole;
use super::rows::{AnswerForm, RowWriter};
use super::shape::SYSTEM;
use super::source_columns::SourceColumns;
use super::words::words_of;
use crate::prompt::{USER, literal, placeholders};
use crate::source::SourceError;
use crate::task::dataset::ColumnMap;
use crate::text;
use serde_json::Value;

/// Columns in a sentence.
fn listed(paths: &[ValuePath]) -> String {
    let each: Vec<String> = paths.iter().map(|it| format!("`{it}`")).collect();
    match each.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => each.concat(),
    }
}

/// Rows that are left out and named.
const NAMED_LINES: usize = 5;

/// What is said of answers that are calls.
const CALLS: &str = "the answers are calls of tools: each is written as the JSON of its arguments, with the \
                     tool's name where several are called. A task sends no tools: the prompt must say which \
                     JSON is wanted";

impl SourceColumns {
    /// The task.
    ///
    /// # Errors
    /// No column is the answer or the input.
    pub(crate) fn draft(&self) -> Result<TaskDraft, SourceError> {
        let missing = |role: ColumnRole| {
            let known: Vec<String> = self.views().into_iter().map(|it| it.name).collect();
            let mut message = format!("cannot tell which column is the {}", role.name());
            let equal = match role {
                ColumnRole::Answer => left_over(&self.stats, &self.guess),
                _ => Vec::new(),
            };
            if equal.len() > 1 {
                let equal = text::shorten(&listed(&equal), 200);
                message += &format!(": {equal} are equally likely");
            }
            SourceError::new(&self.rows.path, message).help(format!(
                "name it: --{} COLUMN; the columns are: {}",
                role.name(),
                known.join(", ")
            ))
        };
        let answer_path = self.guess.answer.as_ref().ok_or_else(|| missing(ColumnRole::Answer))?;
        let input_path = self.guess.input.as_ref().ok_or_else(|| missing(ColumnRole::Input))?;
        let answer = self.facts_of(answer_path).ok_or_else(|| missing(ColumnRole::Answer))?;
        let is_chosen = answer_path.is_column() && self.rows.shape.is_chosen(answer_path.first());
        let flags = self.rows.shape.flags.as_ref();
        let flags = flags.filter(|it| *answer_path == ValuePath::column(&it.answer));
        let answers = match is_chosen && answer.values_are_among(&self.marks) {
            true => Answers::Labels(self.marks.iter().cloned().collect()),
            false if let Some(flags) = flags => Answers::LabelLists(flags.labels.clone()),
            false => {
                let ends_chats =
                    answer_path.is_column() && self.rows.shape.ends_chats(answer_path.first());
                Answers::of(answer, ends_chats)
            }
        };
        let mut notes = self.notes.clone();
        for (reason, count) in &self.left_out {
            notes.push(format!("{} left out", text::plural(*count, &format!("{reason} row"))));
        }
        notes.extend(self.doubts(answer_path, input_path));
        notes.extend(answers.notes(answer));
        if self.rows.shape.calls_tools() {
            notes.push(CALLS.to_owned());
        }
        let columns = || self.stats.columns().iter().filter(|it| it.path.is_column());
        let is_doubtful = |it: &ColumnFacts| is_no_name(it.path.first());
        let is_known = |it: &ColumnFacts| is_usual(&words_of(it.path.first()));
        if self.rows.is_table() && columns().any(is_doubtful) && !columns().any(is_known) {
            let names: Vec<&str> = columns().map(|it| it.path.first()).collect();
            let names = text::shorten(&names.join(", "), 100);
            notes.push(format!(
                "the first line is read as the header, although it looks like a row: {names}"
            ));
        }
        let mut writer = RowWriter::new(&self.rows, &self.stats, &self.guess);
        match &answers {
            Answers::Lists if answer.text_lists < answer.filled || answer.python > 0 => {
                writer.answers_as(AnswerForm::List);
            }
            Answers::LabelLists(_) => writer.answers_are_sets(),
            Answers::ListedLabels(_) => writer.answers_as(AnswerForm::OnlyItem),
            // The cells of a table are opened when a task reads them, if they are JSON.
            Answers::Objects(_) | Answers::Json
                if answer.packed > 0 && !self.rows.is_table() || answer.python > 0 =>
            {
                writer.answers_as(AnswerForm::Json);
            }
            _ => {}
        }
        self.free_the_id(&mut writer, &mut notes);
        for column in self.stats.columns().iter().filter(|it| it.path.is_column()) {
            let name = column.path.first();
            if !is_writable(name) {
                let is_taken = |it: &str| self.stats.column(it).is_some() || writer.gives_name(it);
                let other = writable(name, is_taken);
                notes.push(format!("no prompt can name the column `{name}`; it becomes `{other}`"));
                writer.rename(name, &other);
            }
        }
        let instructions = self.instructions(&mut writer)?;
        let has_prompt = instructions.is_some();
        let baseline = instructions
            .unwrap_or_else(|| answers.baseline(answer_path.last_name(), answer.empty_lists > 0));
        let inputs = Inputs::of(self, &writer, input_path);
        let user = inputs.template(&writer);
        notes.extend(inputs.note());
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
            ..ColumnMap::default()
        };
        let is_set = matches!(answers, Answers::LabelLists(_));
        let count = answer.filled + if is_set { answer.empty_lists } else { 0 };
        let left_out = self.stats.rows - count;
        if left_out > 0 {
            notes.push(self.left_out(&writer, answer_path, left_out)?);
        }
        if !answer.missing.is_empty() {
            let each = answer.missing.iter();
            let each = each.map(|(it, rows)| format!("`{it}` ({})", text::plural(*rows, "row")));
            let each: Vec<String> = each.collect();
            notes.push(format!("{} in `{answer_path}` is no answer", each.join(", ")));
        }
        if answer.is_constant() && !is_set {
            let value = text::shorten(&text::one_line(&answer.sample), 40);
            notes.push(format!(
                "all rows have the same answer, `{value}` in `{answer_path}`: a prompt that says it is right; \
                 name another column with --answer"
            ));
        }
        notes.extend(self.large_groups());
        notes.extend(self.split_columns());
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
            count,
            models: Vec::new(),
            has_prompt,
            notes,
        })
    }

    /// What is said of an answer for which little speaks.
    fn doubts(&self, answer: &ValuePath, input: &ValuePath) -> Option<String> {
        if self.is_set(ColumnRole::Answer) {
            return None;
        }
        let is_language = |path: &ValuePath| names::is_language(&words_of(path.last_name()));
        if is_language(answer) && is_language(input) {
            return Some(format!(
                "`{input}` is read as the input and `{answer}` as its translation, by their order; the other way \
                 round: --input {answer} --answer {input}"
            ));
        }
        let mut known = self.guess.clone();
        known.answer = None;
        // A name or values speak for an answer that is ranked.
        let is_ranked = ranked(&self.stats, &known, ColumnRole::Answer).contains(answer);
        (!is_ranked && left_over(&self.stats, &known).contains(answer)).then(|| {
            format!(
                "`{answer}` is taken as the answer only because no other column is left for it; name another one \
                 with --answer COLUMN"
            )
        })
    }

    /// A column called `id` would be taken as the id: if its values are no ids, it gets another name.
    fn free_the_id(&self, writer: &mut RowWriter, notes: &mut Vec<String>) {
        let is_other = self.guess.id.as_ref().is_none_or(|it| writer.name_of(it) != "id");
        if is_other
            && let Some(column) = self.stats.column("id")
            && column.path.is_column()
        {
            let name = text::free_name("file_id", |it| self.stats.column(it).is_some());
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

    /// Says which columns sort the rows into splits, which a task does with files.
    fn split_columns(&self) -> Vec<String> {
        let columns = self.stats.columns().iter().filter(|it| {
            it.path.is_column() && names::is_split(&words_of(it.path.first())) && it.has_splits()
        });
        let note = |it: &ColumnFacts| {
            format!(
                "`{}` names a split of each row, and is not used: rows are drawn into new splits. To keep it, write \
                 the rows of each split into a file of its own, and split = {{ train = \"…\", dev = \"…\", hold = \"…\" \
                 }} for `file` under [data]",
                text::one_line(it.path.first())
            )
        };
        columns.map(note).collect()
    }

    /// Says which columns could be the group of the split by their names, and have too few or too large ones.
    fn large_groups(&self) -> Vec<String> {
        let columns = self.stats.columns().iter().filter(|it| {
            may_be_group(it) && !it.has_small_groups() && self.guess.role_of(&it.path).is_none()
        });
        let note = |it: &ColumnFacts| {
            let share = it.most_frequent() as f64 / it.filled.max(1) as f64;
            format!(
                "`{0}` is not taken as the group of the split: it has {1}, the largest with {2} of the rows. \
                 If rows of one group must stay in one split, write group = {3} into `columns`",
                text::one_line(it.path.first()),
                text::plural(it.distinct(), "group"),
                text::percent(share),
                super::toml_text(it.path.first())
            )
        };
        if self.guess.group.is_some() { Vec::new() } else { columns.map(note).collect() }
    }

    /// Says which rows have no answer.
    fn left_out(
        &self,
        writer: &RowWriter,
        answer: &ValuePath,
        count: usize,
    ) -> Result<String, SourceError> {
        let (mut lines, mut named) = (Vec::new(), 0);
        for row in self.rows.rows()? {
            let row = row?;
            if row.left_out.is_some() || writer.has_answer(&row.values) {
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
