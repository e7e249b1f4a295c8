//! The reference part of `docs/recipes.md`: every slot, kind and key, from what the slots declare.
//!
//! A test compares the page with it, so the two cannot drift apart.

use super::KeyShown;
use super::explained::{json, keys};
use crate::grammar::{DeclaredKind, Described, Keys, Lines, Slot, paragraph};
use crate::operator::{Common, Feedback, History, INITS, OPERATORS, SCREENS, Shots};
use crate::strategy::{
    ACCEPTS, ARCHIVES, CHOOSES, EVALUATES, FAMILIES, FINALS, MODELS, MixPart, Objective, Runs,
    SAMPLERS, SELECTS, Stop,
};
use crate::text::toml_of;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;

/// All slots as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut out = String::new();
    plain::<Objective>(&mut out, "[objective]");
    slot(&mut out, "[schedule]", &FAMILIES);
    plain::<Runs>(&mut out, "runs = { … }");
    slot(&mut out, "[[init]]", &INITS);
    plain::<Shots>(&mut out, "shots = { … }");
    slot(&mut out, "[select]", &SELECTS);
    table(&mut out, "parts = [{ … }]", MixPart::ABOUT, MixPart::KEYS, &Value::Null);
    let common = Common::defaults();
    let common = keys(Common::KEYS, &json(&common), &json(&common));
    kinds(&mut out, "[[operator]]", OPERATORS.about, &listed(&OPERATORS), &common);
    plain::<Feedback>(&mut out, "feedback = { … }");
    plain::<History>(&mut out, "history = { … }");
    slot(&mut out, "[choose]", &CHOOSES);
    slot(&mut out, "[model]", &MODELS);
    slot(&mut out, "[sampler]", &SAMPLERS);
    slot(&mut out, "[[screen]]", &SCREENS);
    slot(&mut out, "[evaluate]", &EVALUATES);
    slot(&mut out, "[accept]", &ACCEPTS);
    slot(&mut out, "[archive]", &ARCHIVES);
    plain::<Stop>(&mut out, "[stop]");
    slot(&mut out, "[final]", &FINALS);
    out
}

fn plain<T: Described + Default + Serialize>(out: &mut String, name: &str) {
    table(out, name, T::ABOUT, T::KEYS, &json(&T::default()));
}

fn slot<T: ?Sized>(out: &mut String, name: &str, slot: &Slot<T>) {
    kinds(out, name, slot.about, &listed(slot), &[]);
}

fn listed<T: ?Sized>(slot: &Slot<T>) -> Vec<DeclaredKind> {
    let shown = |kind: &'static crate::grammar::Kind<T>| DeclaredKind {
        name: kind.name,
        about: kind.about,
        keys: kind.keys,
        defaults: kind.by_default().map_or_else(toml::Table::new, |kind| kind.table().clone()),
    };
    slot.kinds.iter().map(shown).collect()
}

fn heading(out: &mut String, name: &str, about: Lines) {
    if !out.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(out, "### `{name}`\n\n{}\n", paragraph(about));
}

/// A slot of several kinds: keys that all of them have are shown once, `shared` ones among them.
fn kinds(out: &mut String, name: &str, about: Lines, kinds: &[DeclaredKind], shared: &[KeyShown]) {
    heading(out, name, about);
    let shown: Vec<(&DeclaredKind, Vec<KeyShown>)> = kinds
        .iter()
        .map(|kind| {
            let defaults = json(&kind.defaults);
            (kind, keys(kind.keys, &defaults, &defaults))
        })
        .collect();
    // The default may differ: then it stands with the kind.
    let common: Vec<&KeyShown> = match shown.split_first() {
        Some(((_, first), others)) if !others.is_empty() => first
            .iter()
            .filter(|key| {
                others.iter().all(|(_, others)| {
                    others.iter().any(|other| other.name == key.name && other.about == key.about)
                })
            })
            .collect(),
        _ => Vec::new(),
    };
    let is_common = |key: &&KeyShown| {
        common.iter().any(|known| known.name == key.name && known.default == key.default)
    };
    if !common.is_empty() || !shared.is_empty() {
        out.push_str("Every kind has:\n\n| key | default | meaning |\n|---|---|---|\n");
        for key in shared.iter().chain(common.iter().copied()) {
            key_row(out, key);
        }
        out.push('\n');
    }
    out.push_str("| kind | what it does | keys |\n|---|---|---|\n");
    for (kind, keys) in &shown {
        let own: Vec<String> = keys
            .iter()
            .filter(|key| !is_common(key))
            .map(|key| match &key.default {
                Value::Null => format!("`{}`?", key.name),
                Value::Object(_) => format!("`{}`", key.name),
                default => format!("`{}` = {}", key.name, toml_of(default)),
            })
            .collect();
        let _ = writeln!(
            out,
            "| `{}` | {} | {} |",
            kind.name,
            cell(&paragraph(kind.about)),
            cell(&own.join(", "))
        );
    }
    let mut told: Vec<(&str, &str)> = Vec::new();
    let mut lines = String::new();
    for key in shown.iter().flat_map(|(_, keys)| keys).filter(|key| !is_common(key)) {
        if !told.contains(&(key.name, &key.about)) {
            told.push((key.name, &key.about));
            let _ = writeln!(lines, "- `{}`: {}{}", key.name, key.about, choices(&key.values));
        }
    }
    if !lines.is_empty() {
        let _ = write!(out, "\n{lines}");
    }
}

/// A table of one kind.
fn table(out: &mut String, name: &str, about: Lines, declared: Keys, defaults: &Value) {
    heading(out, name, about);
    out.push_str("| key | default | meaning |\n|---|---|---|\n");
    for key in keys(declared, defaults, defaults) {
        key_row(out, &key);
    }
}

fn key_row(out: &mut String, key: &KeyShown) {
    let default = match &key.default {
        Value::Null => "none".to_owned(),
        default => format!("`{}`", toml_of(default)),
    };
    let about = format!("{}{}", key.about, choices(&key.values));
    let _ = writeln!(out, "| `{}` | {} | {} |", key.name, cell(&default), cell(&about));
}

/// The values of a key that takes few.
fn choices(values: &[(String, String)]) -> String {
    if values.len() < 2 {
        return String::new();
    }
    let values: Vec<String> = values
        .iter()
        .map(|(name, about)| format!("`{name}` ({})", about.trim_end_matches('.').to_lowercase()))
        .collect();
    format!(" One of {}.", values.join(", "))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use crate::text::assert_page_holds;

    #[test]
    fn the_page_holds_the_reference_as_the_slots_declare_it() {
        assert_page_holds("docs/recipes.md", &super::reference());
    }
}
