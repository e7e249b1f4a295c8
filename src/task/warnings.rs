//! Warnings of a task that can be used, and hardly does what its author means.
//!
//! What is an error is refused when the task is built. Warnings of the splits and of the models are
//! those of `plan`.

use super::Task;
use crate::candidate::DEMOS;
use crate::prompt::value_text;
use crate::text;
use serde_json::Value;

/// The text of a prompt that is not written yet.
pub(crate) const UNWRITTEN: &str = "Write your prompt here.";

impl Task {
    /// What its author should look at before money is spent: sentences without a full stop.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        unwritten(self).into_iter().chain(formats(self)).chain(lists(self)).collect()
    }
}

/// Warns of a prompt that is a place for one.
fn unwritten(task: &Task) -> Option<String> {
    let part = task.baseline.parts().iter().find(|part| part.text.trim() == UNWRITTEN)?;
    Some(format!("the part `{}` says “{UNWRITTEN}”, and models would be asked so", part.name))
}

/// Warns of lists that are compared as one JSON list, although they may be several right answers.
fn lists(task: &Task) -> Option<String> {
    let rows = task.visible_rows();
    let texts = |answer: &Value| {
        answer.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string))
    };
    let is_list = !rows.is_empty() && rows.iter().all(|row| texts(&row.answer));
    let scorer = task.scorers.scorers().iter().find(|scorer| scorer.compares_whole_lists())?;
    is_list.then(|| {
        format!(
            "the answers of the data are lists of texts, and `{}` compares an answer with the whole list: \
             if every item is right, write `any_of = true` under [[score]]",
            scorer.name()
        )
    })
}

/// Warns of a prompt that asks for JSON beside demonstrations that show bare texts.
fn formats(task: &Task) -> Option<String> {
    let parts = task.baseline.parts();
    let asking = parts
        .iter()
        .find(|part| part.name != DEMOS && part.text.to_ascii_lowercase().contains("json"))?;
    parts.iter().find(|part| part.name == DEMOS)?;
    let rows = task.visible_rows();
    let answers = rows.iter().map(|row| task.scorers.right_answer(row));
    let bare = answers.filter_map(|answer| {
        let text = value_text(&answer).trim().to_owned();
        (!text.is_empty() && !text.starts_with(['{', '['])).then_some(text)
    });
    let shown = bare.take(1).next()?;
    Some(format!(
        "the part `{}` asks for JSON, but demonstrations show the answers of the data, which are bare \
         texts such as `{}`: write these answers as JSON, remove `{DEMOS}`, or do not ask for JSON",
        asking.name,
        text::shorten(&shown, 40)
    ))
}
