//! Questions with their choices in one object, as ARC and `CommonsenseQA` publish them:
//! `{"stem": "…", "choices": [{"label": "A", "text": "…"}]}`.

use crate::import::literal::structure;
use crate::prompt::Columns;
use serde_json::Value;

/// The column of the question, and the one that its choices get.
const QUESTION: &str = "question";
const CHOICES: &str = "choices";

/// Whether a row has such a question.
pub(super) fn is_question(row: &Columns) -> bool {
    let question = row.get(QUESTION).and_then(structure);
    let has = |question: &Value| {
        question.get("stem").is_some_and(Value::is_string)
            && question.get(CHOICES).is_some_and(Value::is_array)
    };
    question.is_some_and(|it| has(&it)) && !row.contains_key(CHOICES)
}

/// The row with a column for each entry of the question.
pub(super) fn flat(mut row: Columns) -> Columns {
    let question = row.get(QUESTION).and_then(structure).map(std::borrow::Cow::into_owned);
    let Some(Value::Object(mut question)) = question else { return row };
    let Some(stem) = question.remove("stem") else { return row };
    row.insert(QUESTION.to_owned(), stem);
    for (name, value) in question {
        row.entry(name).or_insert(value);
    }
    row
}
