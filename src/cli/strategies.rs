//! `strategies`: the list, or one recipe as it will be carried out.

use super::args::StrategiesArgs;
use super::error::CliError;
use super::{Screen, settings};
use crate::recipe::{self, SHIPPED};
use std::fmt::Write as _;

pub(super) fn strategies(args: &StrategiesArgs, screen: &Screen) -> Result<(), CliError> {
    if let Some(name) = &args.name {
        let recipe = settings::recipe(name, &args.sets)?;
        let header = recipe::shipped(name)
            .map(|shipped| {
                let comments = shipped.text.lines().take_while(|line| line.starts_with('#'));
                comments.collect::<Vec<_>>().join("\n") + "\n\n"
            })
            .unwrap_or_default();
        let text = format!("{header}{}", recipe::effective_table(&recipe));
        return screen.show(&serde_json::to_value(&recipe)?, &text);
    }
    let mut text = String::new();
    let mut list = Vec::new();
    for shipped in SHIPPED {
        let recipe = recipe::load(shipped.name, &[])?;
        let _ = writeln!(text, "{:<12} {}", recipe.name, recipe.about);
        list.push(serde_json::json!({
            "name": recipe.name, "about": recipe.about, "reference": recipe.reference,
        }));
    }
    screen.show(&serde_json::Value::Array(list), &text)
}
