//! Checks that a recipe and a task fit together, before anything is created or paid for.

use super::error::RunError;
use crate::engine;
use crate::recipe::{Recipe, Usable};
use crate::source::SourceError;
use crate::strategy::Searched;
use crate::task::Task;
use crate::task::model::ModelRole;

/// The recipe as the task can use it, and notes on what was left out.
///
/// # Errors
/// The recipe cannot change anything in the task, or a meta-prompt is wrong or too long for the
/// mutator.
pub fn fitted(recipe: &Recipe, task: &Task) -> Result<(Recipe, Vec<String>), RunError> {
    let searched = Searched::of(&task.layout);
    let Usable { recipe, left_out, is_idle } = recipe.usable(searched);
    if is_idle {
        let message = format!(
            "the strategy `{}` cannot change anything, because [prompt] has `search = {:?}`",
            recipe.name,
            task.layout.searched()
        );
        let message = std::iter::once(message).chain(left_out).collect::<Vec<_>>().join("\n  ");
        let change = if searched.demos {
            "also search a text part, as in `search = [\"system\", \"demos\"]`"
        } else {
            "add a part `demos = \"\"` and name it in `search` under [prompt]"
        };
        let other = "or choose another strategy; `promptsearch strategies` lists them";
        return Err(RunError::Idle { message, help: vec![change.to_owned(), other.to_owned()] });
    }
    let meta_prompts = engine::meta_prompts(&recipe)?;
    engine::check_window(task, &recipe, &meta_prompts)?;
    Ok((recipe, left_out))
}

/// Checks that some part of the prompt may change.
///
/// # Errors
/// No part of its prompt is searched.
pub fn check_searched_parts(task: &Task) -> Result<(), SourceError> {
    if !task.layout.searched().is_empty() {
        return Ok(());
    }
    Err(task
        .mistake(&["prompt"], "no part of the prompt may change")
        .help("add `search = [\"system\"]` under [prompt]"))
}

/// Checks that the task names a mutator if the recipe needs one.
///
/// # Errors
/// The task names none.
pub fn check_mutator(recipe: &Recipe, task: &Task) -> Result<(), SourceError> {
    if task.model(ModelRole::MUTATOR).is_some() || !recipe.asks_mutator() {
        return Ok(());
    }
    Err(task
        .mistake(&["models"], "the task names no mutator model, which a search needs")
        .help("add `mutator = \"provider/model\"` under [models]"))
}
