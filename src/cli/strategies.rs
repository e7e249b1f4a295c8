//! `strategies`: lists the recipes, explains one, or writes the meta-prompts to files.

use super::args::{EjectArgs, StrategiesAction, StrategiesArgs};
use super::error::CliError;
use super::screen::Screen;
use super::settings;
use crate::operator::{EffectiveMetaPrompt, MetaPrompts};
use crate::recipe::{self, SHIPPED};
use crate::report::{RecipeEntry, strategies_list, strategy_page};
use crate::text;
use std::path::PathBuf;

pub(super) fn strategies(args: &StrategiesArgs, screen: &Screen) -> Result<(), CliError> {
    match (&args.action, &args.name) {
        (Some(StrategiesAction::Eject(args)), _) => eject(args, screen),
        (None, Some(name)) => one(name, args, screen),
        (None, None) => list(screen),
    }
}

fn list(screen: &Screen) -> Result<(), CliError> {
    let mut all = Vec::new();
    for shipped in SHIPPED {
        all.push(RecipeEntry::of(&recipe::load(shipped.name, &[])?));
    }
    let text = strategies_list(&all, screen.colour(), screen.width());
    screen.show(&serde_json::to_value(&all)?, &text)
}

fn one(name: &str, args: &StrategiesArgs, screen: &Screen) -> Result<(), CliError> {
    let recipe = settings::recipe(name, &args.sets)?;
    crate::engine::meta_prompts(&recipe)?;
    let source = match recipe::shipped(name) {
        Some(shipped) => shipped.text.to_owned(),
        None => crate::source::read_text(name.as_ref())?,
    };
    let comments: Vec<&str> = source.lines().take_while(|line| line.starts_with('#')).collect();
    let header = comments.join("\n");
    if args.toml {
        let gap = if header.is_empty() { "" } else { "\n\n" };
        return screen.show(
            &serde_json::to_value(&recipe)?,
            &format!("{header}{gap}{}", recipe::effective_table(&recipe)),
        );
    }
    let phases: Vec<_> = recipe.phase.iter().map(recipe::explained).collect();
    let slots = if phases.is_empty() { recipe::explained(&recipe.slots) } else { Vec::new() };
    let mut value = serde_json::to_value(&recipe)?;
    value["family"] = RecipeEntry::of(&recipe).family.into();
    value["header"] = header.as_str().into();
    value["explained"] = serde_json::json!({ "slots": slots, "phases": phases });
    screen.show(&value, &strategy_page(&recipe, &header, screen.colour(), screen.width()))
}

/// Writes meta-prompts to files; a recipe's `meta_prompts` can name their folder.
fn eject(args: &EjectArgs, screen: &Screen) -> Result<(), CliError> {
    let built_in = MetaPrompts::builtin();
    let known: Vec<&str> = built_in.iter().map(|one| one.meta_prompt.name).collect();
    for name in &args.names {
        if !known.contains(&name.as_str()) {
            return Err(CliError::usage(format!("there is no meta-prompt `{name}`"))
                .hint(text::suggestion(name, &known)));
        }
    }
    let is_meant = |one: &EffectiveMetaPrompt<'_>| {
        args.names.is_empty() || args.names.iter().any(|name| name == one.meta_prompt.name)
    };
    let files: Vec<(PathBuf, String)> = built_in
        .iter()
        .filter(is_meant)
        .map(|one| (args.dir.join(format!("{}.md", one.meta_prompt.name)), one.ejected()))
        .collect();
    // Check all files first, so that nothing is overwritten by accident.
    let there: Vec<String> = files
        .iter()
        .filter(|(path, _)| path.exists())
        .map(|(path, _)| path.display().to_string())
        .collect();
    if let Some(first) = there.first()
        && !args.force
    {
        let more = match there.len() {
            1 => String::new(),
            count => format!(", and {} more", count - 1),
        };
        return Err(CliError::usage(format!("{first} already exists{more}"))
            .hint("name only the meta-prompts that you want, or another folder")
            .hint("use `--force` to overwrite"));
    }
    let failed =
        |path: &std::path::Path, error: std::io::Error| CliError::not_written(path, &error);
    std::fs::create_dir_all(&args.dir).map_err(|error| failed(&args.dir, error))?;
    for (path, text) in &files {
        std::fs::write(path, text).map_err(|error| failed(path, error))?;
    }
    let dir = args.dir.display();
    let text = format!(
        "wrote {} to {dir}\nedit the ones that you want to change, delete the others, and name the \
         folder in a recipe:\n  meta_prompts = {:?}\nor on the command line:\n  \
         promptsearch plan TASK --set meta_prompts={dir}",
        text::plural(files.len(), "meta-prompt"),
        args.dir.display().to_string(),
    );
    let paths: Vec<&PathBuf> = files.iter().map(|(path, _)| path).collect();
    screen.show(&serde_json::json!({ "written": paths }), &text)
}
