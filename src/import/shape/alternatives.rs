//! Several right answers: SQuAD's answers with their places, and an answer with its aliases.

use crate::import::literal::structure;
use crate::prompt::{Columns, value_text};
use serde_json::Value;

/// The names under which right answers stand as objects with a text.
const WITH_TEXTS: &[&str] = &["answers", "answer", "answers_spans"];

/// The names under which other spellings of the answer stand.
pub(super) const ALIASES: &[&str] =
    &["aliases", "answer_aliases", "alternatives", "alternative_answers"];

/// Writes right answers as one list of texts. A row of another shape stays as it is.
pub(super) fn write(row: &mut Columns) {
    for name in WITH_TEXTS {
        let texts = row
            .get(*name)
            .and_then(|value| texts_of(value).or_else(|| placed(value)).or_else(|| named(value)));
        if let Some(texts) = texts {
            row.insert((*name).to_owned(), unique(texts));
        }
    }
    let aliases = ALIASES.iter().find_map(|name| Some((*name, plain_texts(row.get(*name)?)?)));
    if let Some((name, aliases)) = aliases
        && let Some(answer @ Value::String(_)) = row.get("answer")
        && !value_text(answer).trim().is_empty()
    {
        let all = std::iter::once(value_text(answer).into_owned()).chain(aliases).collect();
        row.shift_remove(name);
        row.insert("answer".to_owned(), unique(all));
    }
}

/// The texts of `[{"text": "…", "answer_start": 3}]`.
fn texts_of(value: &Value) -> Option<Vec<String>> {
    let list = structure(value)?;
    let list = list.as_array().filter(|list| !list.is_empty())?;
    list.iter().map(|item| Some(item.get("text")?.as_str()?.to_owned())).collect()
}

/// The texts of `{"text": ["…"], "answer_start": [3]}`, where it stands in a table's cell.
fn placed(value: &Value) -> Option<Vec<String>> {
    let opened = structure(value).filter(|_| value.is_string())?;
    opened.get("answer_start")?;
    plain_texts(opened.get("text")?)
}

/// The texts of DROP's `{"spans": ["…"], "types": ["span"]}`.
fn spans(value: &Value) -> Option<Vec<String>> {
    let opened = structure(value)?;
    plain_texts(opened.get("spans")?).filter(|texts| !texts.is_empty())
}

/// The texts of an object that names them, in TriviaQA or in DROP.
fn named(value: &Value) -> Option<Vec<String>> {
    aliased(value).or_else(|| spans(value))
}

/// The value of TriviaQA's answer with its aliases.
fn aliased(value: &Value) -> Option<Vec<String>> {
    let value = structure(value)?;
    let aliases = plain_texts(value.get("aliases")?)?;
    let own = value.get("value").and_then(Value::as_str).map(str::to_owned);
    Some(own.into_iter().chain(aliases).collect())
}

/// A list of texts, also where it stands in a table's cell.
fn plain_texts(value: &Value) -> Option<Vec<String>> {
    let list = structure(value)?;
    list.as_array()?.iter().map(|item| Some(item.as_str()?.to_owned())).collect()
}

fn unique(texts: Vec<String>) -> Value {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found.into()
}
