//! The texts of the requests to the mutator, checked before the first one is paid for.
//!
//! A mistake in a replaced meta-prompt, and a context window that is too small for every request, are
//! mistakes in a user's file. They are reported before the run starts.

use crate::operator::{Brief, MetaPromptError, MetaPrompts, OperatorError};
use crate::recipe::Recipe;
use crate::source::SourceError;
use crate::task::model::ModelRole;
use crate::task::{Model, Task};

/// The meta-prompts of a recipe: the built-in ones, and what replaces them.
///
/// # Errors
/// The first mistake in a replacement, with file and line.
pub fn meta_prompts(recipe: &Recipe) -> Result<MetaPrompts, SourceError> {
    let mut all = MetaPrompts::builtin();
    for (name, wording) in &recipe.meta_prompts {
        all = all.with_override(name, &wording.text).map_err(|error| {
            let (message, help) = explained(&error, wording.key_line.is_none());
            let mut shown = SourceError::new(&wording.file, message);
            shown.line = wording.key_line.or(error.line());
            shown.help = help;
            shown
        })?;
    }
    Ok(all)
}

/// The message of the error and what to try. In a file of its own the place already names the line.
fn explained(error: &MetaPromptError, has_own_file: bool) -> (String, Option<String>) {
    let mut message = error.to_string();
    if let Some(line) = error.line()
        && has_own_file
    {
        message = message.replacen(&format!(", line {line}"), "", 1);
    }
    let is_advice = matches!(
        error,
        MetaPromptError::UnknownName { .. }
            | MetaPromptError::UnknownSlot { .. }
            | MetaPromptError::NotFilled { .. }
            | MetaPromptError::Misspelled { .. }
    );
    match message.split_once("; ") {
        Some((what, advice)) if is_advice => (what.to_owned(), Some(advice.to_owned())),
        _ => (message, None),
    }
}

/// Whether the mutator's context window has room for every request that a recipe may make, with the
/// baseline, without rows and past prompts.
///
/// # Errors
/// The first request that has no room, with the line of the task that limits it.
pub fn check_window(
    task: &Task,
    recipe: &Recipe,
    meta_prompts: &MetaPrompts,
) -> Result<(), SourceError> {
    task.mutators().try_for_each(|(_, model)| check_window_of(task, model, recipe, meta_prompts))
}

fn check_window_of(
    task: &Task,
    model: &Model,
    recipe: &Recipe,
    meta_prompts: &MetaPrompts,
) -> Result<(), SourceError> {
    let phases = recipe.phases().iter();
    let asked = phases.flat_map(|phase| {
        let operators = phase.operator.iter().flat_map(|operator| operator.steps());
        operators.chain(phase.init.iter().flat_map(|init| init.steps()))
    });
    for step in asked {
        let meta_prompt = step.meta_prompt;
        let brief = Brief {
            others: vec![&task.baseline; meta_prompt.roles.len()],
            note: Some(""),
            style: Some(""),
            mutator: Some(""),
            tip: Some(""),
            context_tokens: model.context_tokens,
            max_output_tokens: model.max_output_tokens,
            ..Brief::new(&task.about, &task.baseline, task.layout.searched(), task.max_tokens)
        };
        let written = meta_prompt.write(meta_prompts, &brief, crate::seed::Seed(0));
        if let Err(OperatorError::TooLong { needed, window }) = written {
            let message = format!(
                "`context_tokens` of `{}` is {window}, and the shortest `{}` request with its reply \
                 needs about {needed} tokens",
                model.name, meta_prompt.name
            );
            return Err(task.mistake(&["models", ModelRole::MUTATOR.key()], message).help(
                "raise `context_tokens`, or lower `max_output_tokens`, where the model allows it",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::load;
    use std::path::Path;

    fn refused(name: &str, text: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("mine")).unwrap();
        std::fs::write(dir.path().join("mine").join(name), text).unwrap();
        let file = dir.path().join("r.toml");
        std::fs::write(&file, "extends = 'auto'\nmeta_prompts = 'mine'\n").unwrap();
        let recipe = load(file.to_str().unwrap(), &[]).unwrap();
        let error = meta_prompts(&recipe).unwrap_err().to_string();
        error.replace(&dir.path().display().to_string(), "")
    }

    #[test]
    fn a_mistake_in_a_replaced_meta_prompt_names_its_file_and_line() {
        let text = "<!-- mine -->\n\nBetter:\n{{ curent }}\n{{ form }}\n";
        insta::assert_snapshot!(refused("compress.md", text), @"
        /mine/compress.md:4: meta-prompt `compress`: `curent` is no slot
          try: did you mean `current`?
        ");
        insta::assert_snapshot!(refused("compres.md", "{{ current }}"), @"
        /mine/compres.md: there is no meta-prompt `compres`
          try: did you mean `compress`?
        ");
        insta::assert_snapshot!(refused("compress.md", "Shorten {{ current }}"), @"/mine/compress.md: meta-prompt `compress` lacks `{{ form }}`");
    }

    #[test]
    fn a_frozen_replacement_needs_no_folder() {
        let text =
            "extends = 'auto'\n[meta_prompts]\ncompress = \"Shorten {{ current }} {{ form }}\"\n";
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("r.toml");
        std::fs::write(&file, text).unwrap();
        let recipe = load(file.to_str().unwrap(), &[]).unwrap();
        let frozen = crate::recipe::effective_table(&recipe);
        let again = crate::recipe::parse(Path::new("run.json"), &frozen).unwrap();
        assert_eq!(meta_prompts(&again).unwrap(), meta_prompts(&recipe).unwrap());
        assert_ne!(meta_prompts(&again).unwrap(), MetaPrompts::builtin());
    }
}
