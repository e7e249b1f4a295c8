//! The shapes of rows that other tools write, as plain columns: Hugging Face's rows, chats for
//! fine-tuning, lists of messages as the input, choices of a multiple-choice question.
//!
//! Which column means what is `guess`'s.

use crate::prompt::{Columns, value_text};
use serde_json::{Map, Value};

/// The column that a chat's instructions get.
pub(super) const SYSTEM: &str = "system";

/// What has to be done with every row of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shape {
    /// `{"row_idx": 0, "row": {…}}`: the row is the object within.
    unwrap: bool,
    /// The names of classes, by column; the file has their numbers.
    classes: Vec<(String, Vec<String>)>,
    /// The column with a whole chat; its last message is the answer.
    chat: Option<String>,
    /// The column with the messages up to the question.
    messages: Option<String>,
    /// The column with the choices.
    choices: Option<String>,
}

/// The names under which a chat stands.
const CHATS: &[&str] = &["messages", "conversations", "conversation", "dialog", "chat"];
const CHOICES: &[&str] = &["choices", "options"];
/// The names under which the right choice stands as a number.
const CHOSEN: &[&str] = &["answer", "label", "target", "correct", "gold", "answer_idx"];

impl Shape {
    /// The shape of the first rows of a file; `features` is what Hugging Face tells of its columns.
    pub(super) fn of(rows: &[Columns], features: Option<&Value>) -> Self {
        let mut shape = Self {
            unwrap: all(rows, |row| {
                row.contains_key("row_idx") && row.get("row").is_some_and(Value::is_object)
            }),
            classes: features.map(class_names).unwrap_or_default(),
            ..Self::default()
        };
        let rows: Vec<Columns> = rows.iter().cloned().map(|row| shape.unwrapped(row)).collect();
        let is_chat =
            |name: &str| all(&rows, |row| row.get(name).is_some_and(|it| messages(it).is_some()));
        let ends_with_answer = |name: &str| {
            all(&rows, |row| {
                let list = row.get(name).and_then(messages).unwrap_or_default();
                list.len() > 1 && list.last().is_some_and(|last| last.role == "assistant")
            })
        };
        let named = |names: &[&str], fits: &dyn Fn(&str) -> bool| {
            names.iter().find(|name| fits(name)).map(|name| (*name).to_owned())
        };
        shape.chat = named(CHATS, &|name| is_chat(name) && ends_with_answer(name));
        if shape.chat.is_none() {
            let inputs = ["input", "prompt", "question"].iter().chain(CHATS).copied();
            shape.messages = named(&inputs.collect::<Vec<_>>(), &is_chat);
        }
        shape.choices = named(CHOICES, &|name| {
            all(&rows, |row| row.get(name).is_some_and(|it| choices(it).is_some()))
        });
        shape
    }

    /// Whether rows stay as they are.
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the answer is what an assistant said.
    pub(super) fn has_chat(&self) -> bool {
        self.chat.is_some() || self.messages.is_some()
    }

    fn unwrapped(&self, mut row: Columns) -> Columns {
        match (self.unwrap, row.get_mut("row")) {
            (true, Some(Value::Object(inner))) => std::mem::take(inner),
            _ => row,
        }
    }

    /// The row as plain columns. A row of another shape stays as it is, and then lacks its columns.
    pub(super) fn plain(&self, row: Columns) -> Columns {
        let mut row = self.unwrapped(row);
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
            insert_messages(&mut row, "input", list);
        }
        if let Some(column) = &self.messages
            && let Some(list) = row.get(column).and_then(messages)
        {
            insert_messages(&mut row, column, list);
        }
        if let Some(column) = &self.choices
            && let Some((texts, marks)) = row.get(column).and_then(choices)
        {
            for name in CHOSEN {
                let chosen = row.get(*name).and_then(Value::as_u64);
                if let Some(mark) = chosen.and_then(|place| marks.get(place as usize)) {
                    row.insert((*name).to_owned(), mark.clone().into());
                }
            }
            let lines: Vec<String> =
                marks.iter().zip(&texts).map(|(mark, text)| format!("{mark}) {text}")).collect();
            row.insert(column.clone(), lines.join("\n").into());
        }
        row
    }
}

fn all(rows: &[Columns], fits: impl Fn(&Columns) -> bool) -> bool {
    !rows.is_empty() && rows.iter().all(fits)
}

/// One message of a chat.
struct Message {
    role: String,
    content: String,
}

/// The messages of a list such as `[{"role": "user", "content": "…"}]`; ShareGPT's names are
/// understood.
fn messages(value: &Value) -> Option<Vec<Message>> {
    let list = value.as_array().filter(|list| !list.is_empty())?;
    list.iter().map(message).collect()
}

fn message(value: &Value) -> Option<Message> {
    let role = ["role", "from"].iter().find_map(|key| value.get(*key)?.as_str())?;
    let role = match role {
        "human" | "user" => "user",
        "gpt" | "assistant" | "model" | "bot" => "assistant",
        "system" | "developer" => "system",
        other => other,
    };
    let content = match ["content", "value", "text"].iter().find_map(|key| value.get(*key))? {
        // Parts of a message: its texts.
        Value::Array(parts) => {
            let texts: Vec<&str> =
                parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
            texts.join("\n")
        }
        other => value_text(other).into_owned(),
    };
    Some(Message { role: role.to_owned(), content })
}

/// Instructions become a column of their own, and the rest becomes the input: the text of a single
/// question, or the turns with their speakers.
fn insert_messages(row: &mut Columns, column: &str, list: Vec<Message>) {
    let (system, turns): (Vec<Message>, Vec<Message>) =
        list.into_iter().partition(|message| message.role == "system");
    let input = match &turns[..] {
        [only] => only.content.clone(),
        turns => {
            let spoken = |turn: &Message| {
                let speaker = match turn.role.as_str() {
                    "user" => "User",
                    "assistant" => "Assistant",
                    other => other,
                };
                format!("{speaker}: {}", turn.content)
            };
            turns.iter().map(spoken).collect::<Vec<_>>().join("\n\n")
        }
    };
    let system: Vec<String> = system.into_iter().map(|message| message.content).collect();
    if !system.is_empty() {
        row.insert(SYSTEM.to_owned(), system.join("\n\n").into());
    }
    row.insert(column.to_owned(), input.into());
}

/// The texts of choices and their marks: A, B, C…, or those that the file gives.
fn choices(value: &Value) -> Option<(Vec<String>, Vec<String>)> {
    let texts = |value: &Value| -> Option<Vec<String>> {
        let list = value.as_array().filter(|list| list.len() > 1 && list.len() <= 26)?;
        list.iter().map(|it| (!it.is_object()).then(|| value_text(it).into_owned())).collect()
    };
    if let Value::Object(object) = value {
        if let (Some(found), Some(marks)) =
            (object.get("text").and_then(texts), object.get("label").and_then(texts))
        {
            return (found.len() == marks.len()).then_some((found, marks));
        }
        // {"A": "…", "B": "…"}
        let is_mark = |key: &String| key.len() == 1;
        return (object.len() > 1 && object.keys().all(is_mark)).then(|| {
            let found = object.values().map(|it| value_text(it).into_owned()).collect();
            (found, object.keys().cloned().collect())
        });
    }
    let found = texts(value)?;
    let marks = ('A'..='Z').take(found.len()).map(String::from).collect();
    Some((found, marks))
}

/// The names of the classes that Hugging Face numbers.
fn class_names(features: &Value) -> Vec<(String, Vec<String>)> {
    let of = |feature: &Value| {
        let names = feature.get("type")?.get("names")?.as_array()?;
        let names: Option<Vec<String>> =
            names.iter().map(|it| Some(it.as_str()?.to_owned())).collect();
        Some((feature.get("name")?.as_str()?.to_owned(), names?))
    };
    features.as_array().map(|list| list.iter().filter_map(of).collect()).unwrap_or_default()
}

/// Whether a row is a test of promptfoo: variables and assertions.
pub(super) fn is_promptfoo(row: &Map<String, Value>) -> bool {
    row.get("vars").is_some_and(Value::is_object)
        || row.keys().any(|name| name.starts_with("__expected"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plain(rows: &[Value], features: Option<Value>) -> Vec<Value> {
        let rows: Vec<Columns> = rows.iter().map(|row| row.as_object().unwrap().clone()).collect();
        let shape = Shape::of(&rows, features.as_ref());
        rows.into_iter().map(|row| Value::Object(shape.plain(row))).collect()
    }

    #[test]
    fn hugging_faces_rows_are_unwrapped_and_their_classes_named() {
        let features = json!([
            {"feature_idx": 0, "name": "review", "type": {"dtype": "string", "_type": "Value"}},
            {"feature_idx": 1, "name": "stars", "type": {"names": ["bad", "good"], "_type": "ClassLabel"}}
        ]);
        let row =
            json!({"row_idx": 4, "row": {"review": "fine", "stars": 1}, "truncated_cells": []});
        assert_eq!(plain(&[row], Some(features)), [json!({"review": "fine", "stars": "good"})]);
        let own = json!({"row": {"a": 1}, "b": 2});
        assert_eq!(plain(std::slice::from_ref(&own), None), [own]);
    }

    #[test]
    fn the_last_words_of_a_chat_are_the_answer() {
        let row = json!({"messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": "Hello!"},
        ], "tag": "x"});
        let expected = json!({"tag": "x", "answer": "Hello!", "system": "Be kind.", "input": "Hi"});
        assert_eq!(plain(&[row], None), [expected]);
        let turns = json!({"conversations": [
            {"from": "human", "value": "One?"},
            {"from": "gpt", "value": "1"},
            {"from": "human", "value": "Two?"},
            {"from": "gpt", "value": "2"},
        ]});
        let expected = json!({"answer": "2", "input": "User: One?\n\nAssistant: 1\n\nUser: Two?"});
        assert_eq!(plain(&[turns], None), [expected]);
    }

    #[test]
    fn messages_as_the_input_leave_the_answer_alone() {
        let row = json!({"input": [
            {"role": "system", "content": "Name the capital."},
            {"role": "user", "content": "Peru"},
        ], "ideal": ["Lima"]});
        let expected = json!({"input": "Peru", "ideal": ["Lima"], "system": "Name the capital."});
        assert_eq!(plain(&[row], None), [expected]);
    }

    #[test]
    fn choices_get_letters_and_so_does_the_right_one() {
        let row = json!({"question": "2+2?", "choices": ["3", "4"], "answer": 1});
        assert_eq!(
            plain(&[row], None),
            [json!({"question": "2+2?", "choices": "A) 3\nB) 4", "answer": "B"})]
        );
        let arc =
            json!({"choices": {"text": ["ice", "fog"], "label": ["1", "2"]}, "answerKey": "2"});
        assert_eq!(plain(&[arc], None), [json!({"choices": "1) ice\n2) fog", "answerKey": "2"})]);
        let letters = json!({"options": {"A": "ice", "B": "fog"}, "target": "A"});
        assert_eq!(plain(&[letters], None), [json!({"options": "A) ice\nB) fog", "target": "A"})]);
    }
}
