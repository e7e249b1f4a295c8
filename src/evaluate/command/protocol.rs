//! What a program is sent, and what it replies: one line of JSON each.

use crate::task::example::Example;
use crate::task::scorer::Verdict;
use crate::units::Score;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Request<'a> {
    id: &'a str,
    answer: &'a str,
    expected: &'a serde_json::Value,
    columns: &'a crate::prompt::Columns,
}

pub(super) fn request(answer: &str, row: &Example) -> Vec<u8> {
    let request =
        Request { id: row.id.as_str(), answer, expected: &row.answer, columns: &row.columns };
    line_of(&request)
}

/// A question as one line of JSON.
pub(crate) fn line_of(question: &impl Serialize) -> Vec<u8> {
    // Texts, numbers and JSON values can always be encoded.
    let mut line = serde_json::to_vec(question).unwrap_or_default();
    line.push(b'\n');
    line
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    score: f64,
    #[serde(default)]
    feedback: Option<String>,
    #[serde(default)]
    metrics: Option<BTreeMap<String, f64>>,
    #[serde(default)]
    id: Option<String>,
}

const NEEDS_SCORE: &str = "the scorer's line needs `score` (a number from 0 to 1)";

pub(super) fn read_reply(line: &[u8], row: &Example) -> Result<Verdict, String> {
    let is_object = crate::source::is_json_object(line);
    let reply: Reply = serde_json::from_slice(line).map_err(|error| {
        let message = error.to_string();
        if message.contains("struct Reply") || message.starts_with("missing field `score`") {
            return NEEDS_SCORE.to_owned();
        }
        let (message, help) = crate::source::explain_unknown_name(&message);
        match help {
            Some(help) => format!("{message}: {help}"),
            None => message,
        }
    })?;
    if !is_object {
        return Err(NEEDS_SCORE.to_owned());
    }
    let score = Score::new(reply.score)
        .ok_or_else(|| format!("the score {} is not in [0, 1]", reply.score))?;
    if let Some(id) = reply.id.filter(|id| id != row.id.as_str()) {
        return Err(format!("it scored the row `{id}` instead of `{}`", row.id));
    }
    Ok(Verdict {
        score,
        invalid: None,
        feedback: reply.feedback.filter(|feedback| !feedback.trim().is_empty()),
        metrics: reply.metrics.unwrap_or_default(),
    })
}
