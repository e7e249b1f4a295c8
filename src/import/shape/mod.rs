//! The shapes of rows that other tools write, as plain columns: Hugging Face's rows, chats, the
//! choices of a question, answers with aliases, articles with questions, archived items.
//!
//! What the columns are for is `guess`'s.

mod alternatives; // Several right answers.
mod chat; // Messages.
mod choices; // Multiple choice.
mod hugging_face; // Names of classes.
mod squad; // Articles with questions.

pub(super) use chat::SYSTEM;

use crate::prompt::Columns;
use chat::{ends_with_answer, insert_messages, messages, said};
use choices::Choices;
use hugging_face::{Classes, classes_of};
use serde_json::Value;
use std::path::Path;

/// What has to be done with every row of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shape {
    /// `{"row_idx": 0, "row": {…}}`: the row is the object within.
    unwrap: bool,
    /// Each row is an article with many questions.
    articles: bool,
    /// Items have a status, and archived ones are left out.
    archives: bool,
    classes: Classes,
    /// The column with a whole chat; its last message is the answer.
    chat: Option<String>,
    /// The column with the messages up to the question.
    messages: Option<String>,
    /// Columns whose values are messages that were said.
    said: Vec<String>,
    choices: Option<Choices>,
    /// Whether answers are written as lists of texts.
    alternatives: bool,
}

/// The names under which a chat stands.
const CHATS: &[&str] = &["messages", "conversations", "conversation", "dialog", "chat"];
/// The names under which messages are an answer.
const SAID: &[&str] = &[
    "chosen",
    "rejected",
    "expectedOutput",
    "expected_output",
    "output",
    "outputs",
    "answer",
    "expected",
    "ideal",
    "target",
    "reference",
    "completion",
];

impl Shape {
    /// The shape of a file, from its first rows.
    pub(super) fn of(path: &Path, rows: &[Columns]) -> Self {
        Self::new(rows, classes_of(path))
    }

    fn new(rows: &[Columns], classes: Classes) -> Self {
        let unwrap = all(rows, |row| {
            row.contains_key("row_idx") && row.get("row").is_some_and(Value::is_object)
        });
        let articles = all(rows, squad::is_article);
        // The items of Langfuse's data sets; a table of contracts may have such a status as well.
        let archives = all(rows, |row| {
            let is_item = ["expectedOutput", "datasetId", "datasetName"]
                .iter()
                .any(|name| row.contains_key(*name));
            is_item
                && matches!(row.get("status").and_then(Value::as_str), Some("ACTIVE" | "ARCHIVED"))
        });
        let mut shape = Self { unwrap, articles, archives, classes, ..Self::default() };
        let rows: Vec<Columns> = rows.iter().cloned().flat_map(|row| shape.each(row)).collect();
        let has = |name: &str, fits: &dyn Fn(&Value) -> bool| {
            let filled: Vec<&Value> =
                rows.iter().filter_map(|row| row.get(name)).filter(|it| !it.is_null()).collect();
            !filled.is_empty() && filled.into_iter().all(fits)
        };
        let is_chat = |value: &Value| messages(value).is_some();
        let is_whole = |value: &Value| {
            ends_with_answer(value) && messages(value).is_some_and(|list| list.len() > 1)
        };
        let named = |names: &[&str], fits: &dyn Fn(&Value) -> bool| {
            names.iter().find(|name| has(name, fits)).map(|name| (*name).to_owned())
        };
        shape.said = SAID
            .iter()
            .filter(|name| has(name, &|value| said(value).is_some()))
            .map(|name| (*name).to_owned())
            .collect();
        shape.chat = named(CHATS, &is_whole).filter(|_| shape.said.is_empty());
        if shape.chat.is_none() {
            let inputs = ["input", "inputs", "prompt", "question"].iter().chain(CHATS).copied();
            shape.messages = named(&inputs.collect::<Vec<_>>(), &is_chat);
        }
        shape.choices = Choices::of(&rows);
        shape.alternatives = rows.iter().any(|row| {
            let mut written = row.clone();
            alternatives::write(&mut written);
            written != *row
        });
        shape
    }

    /// Whether rows stay as they are.
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a chat is among the columns.
    pub(super) fn has_chat(&self) -> bool {
        self.chat.is_some() || self.messages.is_some()
    }

    /// Whether a row of the file is left out, because its tool no longer uses it.
    pub(super) fn is_archived(&self, row: &Columns) -> bool {
        self.archives && row.get("status").is_some_and(|status| status == "ARCHIVED")
    }

    /// The column with the text of choices.
    pub(super) fn choices_column(&self) -> Option<&str> {
        self.choices.as_ref().map(Choices::column)
    }

    /// Whether a column has the mark of the right choice.
    pub(super) fn is_chosen(&self, column: &str) -> bool {
        self.choices.iter().flat_map(Choices::chosen).any(|name| name == column)
    }

    /// The rows that a row of the file holds.
    fn each(&self, mut row: Columns) -> Vec<Columns> {
        if let (true, Some(Value::Object(inner))) = (self.unwrap, row.get_mut("row")) {
            row = std::mem::take(inner);
        }
        if self.articles { squad::questions(row) } else { vec![row] }
    }

    /// The rows that a row of the file holds, as plain columns, each with the marks of its choices.
    /// A row of another shape stays as it is, and then lacks its columns.
    pub(super) fn plain(&self, row: Columns) -> Vec<(Columns, Vec<String>)> {
        let rows = self.each(row).into_iter();
        rows.map(|mut row| {
            let marks = self.choices.iter().flat_map(|choices| choices.marks(&row)).collect();
            self.flatten(&mut row);
            (row, marks)
        })
        .collect()
    }

    fn flatten(&self, row: &mut Columns) {
        for (column, names) in &self.classes {
            let name =
                row.get(column).and_then(Value::as_u64).and_then(|it| names.get(it as usize));
            if let Some(name) = name.cloned() {
                row.insert(column.clone(), name.into());
            }
        }
        if let Some(column) = &self.chat
            && let Some(mut list) = row.get(column).and_then(messages)
            && let Some(answer) = list.pop()
        {
            row.shift_remove(column);
            row.insert("answer".to_owned(), answer.content.into());
            insert_messages(row, "input", list);
        }
        if let Some(column) = &self.messages
            && let Some(list) = row.get(column).and_then(messages)
        {
            insert_messages(row, column, list);
        }
        self.insert_question_of_the_chosen(row);
        for column in &self.said {
            if let Some(text) = row.get(column).and_then(said) {
                row.insert(column.clone(), text.into());
            }
        }
        if let Some(choices) = &self.choices {
            choices.write(row);
        }
        if self.alternatives {
            alternatives::write(row);
        }
    }

    /// In some files of preferences, the question is only in the chat of the chosen answer.
    fn insert_question_of_the_chosen(&self, row: &mut Columns) {
        let has_question = ["prompt", "question", "input"].iter().any(|it| row.contains_key(*it));
        if !has_question
            && self.said.iter().any(|column| column == "chosen")
            && let Some(mut list) = row.get("chosen").and_then(messages)
            && list.len() > 1
        {
            list.pop();
            insert_messages(row, "prompt", list);
        }
    }
}

fn all(rows: &[Columns], fits: impl Fn(&Columns) -> bool) -> bool {
    !rows.is_empty() && rows.iter().all(fits)
}

#[cfg(test)]
mod tests;
