//! The reference part of `docs/recipes.md`: every slot, kind and key, from what the slots declare.
//!
//! A test compares the page with it, so the two cannot drift apart.

use super::explained::{keys, paragraph};
use super::{
    Accept, Archive, Choose, Described, Evaluate, Feedback, Final, History, Init, KeyShown, Keys,
    Kind, Lines, MixPart, Objective, Operator, Runs, Sampler, Schedule, Screen, Select, Shots,
    Stop,
};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;

/// All slots as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut out = String::new();
    macro_rules! slot {
        ($name:literal, $slot:ident) => {
            kinds(&mut out, $name, $slot::ABOUT, $slot::ALL, &|kind| {
                $slot::by_default(kind).map_or(Value::Null, |slot| json(&slot))
            })
        };
    }
    macro_rules! plain {
        ($name:literal, $slot:ident) => {
            table(&mut out, $name, $slot::ABOUT, $slot::KEYS, &json(&$slot::default()))
        };
    }
    plain!("[objective]", Objective);
    slot!("[schedule]", Schedule);
    plain!("runs = { … }", Runs);
    slot!("[[init]]", Init);
    plain!("shots = { … }", Shots);
    slot!("[select]", Select);
    table(&mut out, "parts = [{ … }]", MixPart::ABOUT, MixPart::KEYS, &Value::Null);
    slot!("[[operator]]", Operator);
    plain!("feedback = { … }", Feedback);
    plain!("history = { … }", History);
    slot!("[choose]", Choose);
    slot!("[sampler]", Sampler);
    slot!("[[screen]]", Screen);
    slot!("[evaluate]", Evaluate);
    slot!("[accept]", Accept);
    slot!("[archive]", Archive);
    plain!("[stop]", Stop);
    slot!("[final]", Final);
    out
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

fn heading(out: &mut String, name: &str, about: Lines) {
    if !out.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(out, "### `{name}`\n\n{}\n", paragraph(about));
}

/// A slot of several kinds: keys that all of them have are told once.
fn kinds(
    out: &mut String,
    name: &str,
    about: Lines,
    kinds: &[Kind],
    defaults: &dyn Fn(&str) -> Value,
) {
    heading(out, name, about);
    let shown: Vec<(&Kind, Vec<KeyShown>)> = kinds
        .iter()
        .map(|kind| {
            let defaults = defaults(kind.name);
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
    if !common.is_empty() {
        out.push_str("Every kind has:\n\n| key | default | meaning |\n|---|---|---|\n");
        for key in &common {
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

/// A value as a recipe would write it.
pub(crate) fn toml_of(value: &Value) -> String {
    match value {
        Value::Null => "not set".to_owned(),
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(toml_of).collect::<Vec<_>>().join(", "))
        }
        Value::Object(keys) => {
            let keys = keys.iter().filter(|(_, value)| !value.is_null());
            let keys: Vec<String> =
                keys.map(|(name, value)| format!("{name} = {}", toml_of(value))).collect();
            if keys.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", keys.join(", ")) }
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::explained::values_of;
    use std::path::Path;

    const BEGIN: &str = "<!-- reference: written by `UPDATE=1 cargo test reference` -->\n";
    const END: &str = "<!-- end of the reference -->\n";

    #[test]
    fn the_page_holds_the_reference_as_the_slots_declare_it() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recipes.md");
        let text = std::fs::read_to_string(&page).unwrap();
        let (before, rest) = text.split_once(BEGIN).unwrap();
        let (held, after) = rest.split_once(END).unwrap();
        let declared = format!("\n{}\n", reference());
        if held == declared {
            return;
        }
        if std::env::var_os("UPDATE").is_some() {
            return std::fs::write(&page, format!("{before}{BEGIN}{declared}{END}{after}"))
                .unwrap();
        }
        let differs = held.lines().zip(declared.lines()).find(|(held, declared)| held != declared);
        panic!("docs/recipes.md has drifted; run `UPDATE=1 cargo test reference`: {differs:?}");
    }

    #[test]
    fn every_closed_choice_names_its_values() {
        let all = [Operator::ALL, Evaluate::ALL, Init::ALL, Schedule::ALL, Final::ALL];
        for key in all.into_iter().flatten().flat_map(|kind| kind.keys) {
            let known = ["bool", "usize", "u16", "u32", "u64", "f64", "Vec<f64>", "When"];
            let is_free = known.contains(&key.type_name)
                || key.type_name.contains("String")
                || key.type_name.starts_with("Option<")
                || key.type_name == "Feedback"
                || key.type_name == "History";
            assert!(is_free || !values_of(key.type_name).is_empty(), "{}", key.type_name);
        }
    }
}
