//! SQuAD's own file: paragraphs with their questions, each of which is a row.

use crate::prompt::Columns;
use serde_json::Value;

/// Whether a row is an article with paragraphs and questions.
pub(super) fn is_article(row: &Columns) -> bool {
    row.get("paragraphs")
        .and_then(Value::as_array)
        .is_some_and(|list| !list.is_empty() && list.iter().all(|it| it.get("qas").is_some()))
}

/// The questions of an article, each with its paragraph and the article's other columns.
pub(super) fn questions(mut article: Columns) -> Vec<Columns> {
    let Some(Value::Array(paragraphs)) = article.shift_remove("paragraphs") else {
        return vec![article];
    };
    let mut rows = Vec::new();
    for mut paragraph in paragraphs {
        let Some(Value::Array(questions)) = paragraph.get_mut("qas").map(Value::take) else {
            continue;
        };
        for question in questions {
            let mut row = article.clone();
            let context = paragraph.as_object().into_iter().flatten();
            let context = context.filter(|(name, _)| *name != "qas");
            row.extend(context.map(|(name, value)| (name.clone(), value.clone())));
            if let Value::Object(question) = question {
                row.extend(question);
            }
            rows.push(row);
        }
    }
    rows
}
