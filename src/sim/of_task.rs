//! The world of a task: all its rows, held-out ones included, since a real model would not have to
//! be told which rows are held out either.

use super::labels::AnswerForm;
use super::world::{World, WorldParameters, WorldRow, WorldSpec};
use crate::prompt::{Prompt, value_text};
use crate::task::Task;
use crate::task::example::Example;
use crate::task::scorer::Scorer;

/// The model seed where none is asked for.
pub const MODEL_SEED: u64 = 1;

/// The simulated world of a task. Only benchmarks change its parameters.
#[must_use]
pub fn world_of(task: &Task, seed: u64, parameters: WorldParameters) -> World {
    let user_text = |row: &Example| {
        let messages = task.layout.render(&task.baseline, row);
        messages.ok().and_then(|mut messages| messages.pop()).map(|message| message.content)
    };
    let longest = |row: &Example| {
        let texts = row.columns.values().map(|value| value_text(value).into_owned());
        texts.max_by_key(String::len).unwrap_or_default()
    };
    let rows = task
        .open_all_rows()
        .map(|row| WorldRow {
            id: row.id.to_string(),
            user_text: user_text(row).unwrap_or_default(),
            input: longest(row),
            answer: task.scorers.right_answer(row),
            feedback: row.feedback.clone(),
        })
        .collect();
    World::new(WorldSpec { rows, form: form(task), seed, parameters })
}

fn form(task: &Task) -> AnswerForm {
    let labels = task.scorers.labels();
    if !labels.is_empty() {
        return AnswerForm::Label(labels);
    }
    let kinds: Vec<&str> = task.scorers.scorers().iter().map(Scorer::kind).collect();
    if kinds.contains(&"number") {
        AnswerForm::Number
    } else if kinds.iter().any(|kind| ["json-fields", "is-json"].contains(kind)) {
        AnswerForm::Json
    } else {
        AnswerForm::Text
    }
}

/// The exact expected score of a prompt over all rows of a task. Nothing in a search may ask.
#[must_use]
pub fn true_quality(world: &World, task: &Task, prompt: &Prompt) -> f64 {
    let requests = task.open_all_rows().filter_map(|row| task.layout.render(prompt, row).ok());
    world.true_quality(requests)
}
