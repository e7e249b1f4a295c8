//! The shapes of rows that other tools write, as plain columns.
//!
//! First the row as a whole, whose family is that of a tool; then single columns: chats, the choices of
//! a question, answers with aliases. What the columns are for is `guess`'s.

mod content; // What becomes of a row.
mod spans; // Marked places of a text.
mod argilla; // Records with responses and suggestions.
mod doccano; // Sequence labels.
mod hugging_face; // Wrapped rows, and names of classes.
mod label_studio; // Tasks with their annotations.
mod langfuse; // Items, some of them archived.
mod openai; // Items of evals.
mod prodigy; // Annotations that were accepted or rejected.
mod packed; // JSON in texts.
mod stem; // Questions that hold their choices.
mod target_scores; // A score for each choice.
mod squad; // Articles with questions.
mod vertex; // Gemini's chats.
mod family; // All of these, with one contract.
mod alternatives; // Several right answers.
mod chat; // Messages.
mod call_form; // Calls of tools as answers.
mod whole_chat; // Chats that end with the answer.
mod plain_row; // What a shape makes of a row.
mod choices; // Multiple choice.
mod flags; // Labels as columns of 0 and 1.

pub(super) use chat::{SYSTEM, loss};
pub(super) use flags::Flags;
pub(super) use plain_row::{Plain, PlainRow};

use crate::prompt::Columns;
use call_form::CallForm;
use chat::{ends_with_answer, insert_messages, messages, said};
use choices::Choices;
use content::Content;
use family::Family;
use hugging_face::{Classes, classes_of};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use whole_chat::WholeChat;

/// What has to be done with every row of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shape {
    /// The families of its rows, each within the one before.
    families: Vec<Family>,
    classes: Classes,
    /// The column with a whole chat; its last message is the answer.
    chat: Option<WholeChat>,
    /// The column with the messages up to the question.
    messages: Option<String>,
    /// Whether some of the answers are calls of tools, and how these are written.
    calls: Option<CallForm>,
    /// Columns whose values are messages that were said.
    said: Vec<String>,
    choices: Option<Choices>,
    /// Whether answers are written as lists of texts.
    alternatives: bool,
    /// Columns that are labels.
    pub(super) flags: Option<Flags>,
}

/// The names under which a chat stands.
const CHATS: &[&str] = &["messages", "conversations", "conversation", "dialog", "chat"];
/// The names under which messages are an answer.
const SAID: &[&str] = &[
    "chosen",
    "rejected",
    "preferred_output",
    "non_preferred_output",
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
        let (families, rows) = Family::all_of(rows);
        let mut shape = Self { families, classes, ..Self::default() };
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
        // A chat that a user ends has no answer; where most do, the answer is elsewhere.
        let mostly_whole = |name: &String| {
            let chats = rows.iter().filter_map(|row| row.get(name)).filter(|it| !it.is_null());
            let (whole, others): (Vec<_>, Vec<_>) = chats.partition(|chat| is_whole(chat));
            whole.len() > others.len()
        };
        let chat = named(CHATS, &is_chat).filter(mostly_whole).filter(|_| shape.said.is_empty());
        shape.chat = chat.map(|column| WholeChat::new(column, &rows));
        if shape.chat.is_none() {
            let inputs = ["input", "inputs", "prompt", "question"].iter().chain(CHATS).copied();
            shape.messages = named(&inputs.collect::<Vec<_>>(), &is_chat);
        }
        let answers: Vec<&String> =
            shape.chat.iter().map(|it| &it.column).chain(&shape.said).collect();
        shape.calls = CallForm::of(
            &rows
                .iter()
                .flat_map(|row| answers.iter().filter_map(|name| said(row.get(*name)?)))
                .collect::<Vec<_>>(),
        );
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

    /// Whether a column holds the answers that end chats.
    pub(super) fn ends_chats(&self, column: &str) -> bool {
        self.chat.as_ref().is_some_and(|chat| chat.answer == column)
    }

    /// The columns that people were asked for, where the tool says so: the answer is one of them.
    pub(super) fn questions(&self) -> Vec<String> {
        self.families.iter().flat_map(Family::questions).collect()
    }

    /// The columns that people were shown, where the tool says so.
    pub(super) fn fields(&self) -> Vec<String> {
        self.families.iter().flat_map(Family::fields).collect()
    }

    /// The column that the messages of a chat become.
    pub(super) fn chat_input(&self) -> Option<&str> {
        let chat = self.chat.as_ref().map(|it| &it.input);
        chat.or(self.messages.as_ref()).map(String::as_str)
    }

    /// Whether a chat is among the columns.
    pub(super) fn has_chat(&self) -> bool {
        self.chat.is_some() || self.messages.is_some()
    }

    /// Whether some of the answers are calls of tools.
    pub(super) fn calls_tools(&self) -> bool {
        self.calls.is_some()
    }

    /// Whether the rows have choices.
    pub(super) fn has_choices(&self) -> bool {
        self.choices.is_some()
    }

    /// Decides with all rows of the file how the right choice is told; what the user should know of it.
    pub(super) fn settle<E>(
        &mut self,
        rows: impl Iterator<Item = Result<(usize, Columns), E>>,
    ) -> Result<Vec<String>, E> {
        let Some(mut choices) = self.choices.take() else { return Ok(Vec::new()) };
        let rows = rows.flat_map(|row| match row {
            Ok((line, row)) => {
                let read = Family::read_all(&self.families, row).rows();
                read.into_iter().map(|row| Ok((line, self.named(row)))).collect()
            }
            Err(error) => vec![Err(error)],
        });
        let notes = choices.settle(rows)?;
        self.choices = Some(choices);
        Ok(notes)
    }

    /// The column with the text of choices.
    pub(super) fn choices_column(&self) -> Option<&str> {
        self.choices.as_ref().map(Choices::column)
    }

    /// Whether a column has the mark of the right choice.
    pub(super) fn is_chosen(&self, column: &str) -> bool {
        self.choices.iter().flat_map(Choices::chosen).any(|name| name == column)
    }

    /// What a row of the file holds. A row of another shape stays as it is, and then lacks its columns.
    pub(super) fn plain(&self, row: Columns) -> Plain {
        let is_cut = self.families.contains(&Family::HuggingFace) && hugging_face::is_cut(&row);
        let rows = match Family::read_all(&self.families, row) {
            Content::LeftOut(reason) => return Plain::LeftOut(reason),
            Content::Rows(rows) => rows.into_iter(),
        };
        let plain = rows.map(|mut row| {
            row = self.named(row);
            let marks = self.choices.iter().flat_map(|choices| choices.marks(&row)).collect();
            let columns = self.chat.iter().map(|it| &it.column).chain(&self.messages);
            let messages = columns.chain(&self.said).filter_map(|name| row.get(name));
            let mut losses: BTreeSet<&'static str> = messages.flat_map(chat::losses).collect();
            losses.extend(is_cut.then_some(hugging_face::CUT));
            self.flatten(&mut row);
            PlainRow { values: row, marks, losses }
        });
        Plain::Rows(plain.collect())
    }

    /// The row with the names of its classes.
    fn named(&self, mut row: Columns) -> Columns {
        for (column, names) in &self.classes {
            if let Some(value) = row.get_mut(column) {
                *value = hugging_face::class_of(value, names);
            }
        }
        row
    }

    fn flatten(&self, row: &mut Columns) {
        let with_names = self.calls == Some(CallForm::Named);
        if let Some(chat) = &self.chat
            && let Some(mut list) = row.get(&chat.column).and_then(messages)
        {
            row.shift_remove(&chat.column);
            // What a user says last is no answer.
            if let Some(answer) = list.pop_if(|last| last.role == "assistant") {
                row.insert(chat.answer.clone(), answer.into_answer(with_names));
            }
            insert_messages(row, &chat.input, list);
        }
        if let Some(column) = &self.messages
            && let Some(list) = row.get(column).and_then(messages)
        {
            insert_messages(row, column, list);
        }
        self.insert_question_of_the_chosen(row);
        for column in &self.said {
            if let Some(answer) = row.get(column).and_then(said) {
                row.insert(column.clone(), answer.into_answer(with_names));
            }
        }
        if let Some(choices) = &self.choices {
            choices.write(row);
        }
        if self.alternatives {
            alternatives::write(row);
        }
        if let Some(flags) = &self.flags {
            flags.write(row);
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

#[cfg(test)]
mod tests;
