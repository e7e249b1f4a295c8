//! A recipe with its documentation: every slot, its kind, and every key with its value, its default
//! and what it means.
//!
//! The documentation is what the slots declare; nothing is described here a second time.

use crate::grammar::{Chosen, Described, Key, Keys, Slot, paragraph};
use crate::operator::{Common, INITS, OPERATORS, SCREENS, Used};
use crate::strategy::{
    ACCEPTS, ARCHIVES, CHOOSES, EVALUATES, FAMILIES, FINALS, MODELS, SAMPLERS, SELECTS, Slots,
};
use serde::Serialize;
use serde_json::Value;

/// One slot of a recipe.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlotShown {
    /// The table's name, as in `evaluate`; with a number from 0 in a list, as in `operator.1`.
    pub slot: String,
    /// The kind; slots of one kind have none.
    pub kind: Option<String>,
    /// What it does.
    pub about: String,
    /// Its keys.
    pub keys: Vec<KeyShown>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeyShown {
    /// Its name.
    pub name: &'static str,
    /// Its value; null where there is none.
    pub value: Value,
    /// What it is where a recipe does not say.
    pub default: Value,
    /// What it means.
    pub about: String,
    /// The values that it takes, where there are few, with what they mean.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(String, String)>,
    /// The keys of a table; of a list of tables, of any of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyShown>,
}

impl KeyShown {
    /// Whether the recipe leaves it as it is.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.value == self.default
    }
}

/// The slots in their order.
#[must_use]
pub fn explained(slots: &Slots) -> Vec<SlotShown> {
    let mut shown = vec![plain("objective", &slots.objective)];
    shown.push(chosen("schedule", &slots.schedule, &FAMILIES));
    for (place, init) in slots.init.iter().enumerate() {
        shown.push(chosen(&format!("init.{place}"), init, &INITS));
    }
    shown.push(chosen("select", &slots.select, &SELECTS));
    for (place, operator) in slots.operator.iter().enumerate() {
        shown.push(used(format!("operator.{place}"), operator));
    }
    shown.push(chosen("choose", &slots.choose, &CHOOSES));
    shown.push(chosen("model", &slots.model, &MODELS));
    shown.push(chosen("sampler", &slots.sampler, &SAMPLERS));
    for (place, screen) in slots.screen.iter().enumerate() {
        shown.push(chosen(&format!("screen.{place}"), screen, &SCREENS));
    }
    shown.push(chosen("evaluate", &slots.evaluate, &EVALUATES));
    shown.push(chosen("accept", &slots.accept, &ACCEPTS));
    shown.push(chosen("archive", &slots.archive, &ARCHIVES));
    shown.push(plain("stop", &slots.stop));
    shown.push(chosen("final", &slots.finale, &FINALS));
    shown
}

fn plain<T: Described + Serialize + Default>(name: &str, table: &T) -> SlotShown {
    SlotShown {
        slot: name.to_owned(),
        kind: None,
        about: paragraph(T::ABOUT),
        keys: keys(T::KEYS, &json(table), &json(&T::default())),
    }
}

fn chosen<T: ?Sized>(name: &str, chosen: &Chosen<T>, slot: &Slot<T>) -> SlotShown {
    let usual = slot.kind(chosen.kind()).and_then(crate::grammar::Kind::by_default);
    let defaults = usual.map_or(Value::Null, |usual| json(usual.table()));
    SlotShown {
        slot: name.to_owned(),
        kind: Some(chosen.kind().to_owned()),
        about: paragraph(chosen.about()),
        keys: keys(chosen.keys(), &json(chosen.table()), &defaults),
    }
}

/// An operator: the keys that all of them have, then its own.
fn used(slot: String, operator: &Used) -> SlotShown {
    let usual = OPERATORS.kind(operator.kind());
    let default = usual.and_then(|kind| Used::read(kind, toml::Table::new()).ok());
    let (values, defaults) =
        (json(&operator.table()), default.map_or(Value::Null, |usual| json(&usual.table())));
    let mut shown = keys(common_keys(operator), &values, &defaults);
    shown.extend(keys(operator.chosen().keys(), &values, &defaults));
    SlotShown {
        slot,
        kind: Some(operator.kind().to_owned()),
        about: paragraph(operator.chosen().about()),
        keys: shown,
    }
}

/// The keys that every operator has; only one that asks the mutator has a temperature.
fn common_keys(operator: &Used) -> Keys {
    match Common::KEYS.split_last() {
        Some((_temperature, others)) if !operator.asks_mutator() => others,
        _ => Common::KEYS,
    }
}

pub(super) fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// Which numbers a key takes, where only some mean something.
fn range_in_words(key: &Key) -> String {
    match key.range {
        None => String::new(),
        Some((low, f64::MAX)) => format!(" At least {low}."),
        Some((low, high)) => format!(" From {low} to {high}."),
    }
}

/// Declared keys with their values and defaults.
pub(super) fn keys(declared: Keys, values: &Value, defaults: &Value) -> Vec<KeyShown> {
    declared
        .iter()
        .map(|key| {
            let value = values.get(key.name).cloned().unwrap_or(Value::Null);
            let default = defaults.get(key.name).cloned().unwrap_or(Value::Null);
            let nested = match key.keys {
                [] => Vec::new(),
                // A table that is not there has no keys to show.
                _ if value.is_null() => Vec::new(),
                // A table within a list has no values of its own here.
                declared if value.is_array() => keys(declared, &Value::Null, &Value::Null),
                declared if default.is_null() => keys(declared, &value, &json(&(key.defaults)())),
                declared => keys(declared, &value, &default),
            };
            let values = key.values.iter();
            KeyShown {
                name: key.name,
                value,
                default,
                about: paragraph(key.about) + &range_in_words(key),
                values: values
                    .map(|(name, about)| ((*name).to_owned(), paragraph(about)))
                    .collect(),
                keys: nested,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{SHIPPED, load};

    #[test]
    fn every_key_of_every_shipped_recipe_is_documented() {
        for shipped in SHIPPED {
            for slot in explained(&load(shipped.name, &[]).unwrap().slots) {
                assert!(!slot.about.is_empty(), "{}: {}", shipped.name, slot.slot);
                for key in &slot.keys {
                    assert!(!key.about.is_empty(), "{}.{}", slot.slot, key.name);
                }
            }
        }
    }

    #[test]
    fn a_changed_key_is_told_from_its_default_in_nested_tables_too() {
        let recipe = load("auto", &["operator.0.feedback.size=9".to_owned()]).unwrap();
        let slots = explained(&recipe.slots);
        let reflect = slots.iter().find(|slot| slot.slot == "operator.0").unwrap();
        let feedback = reflect.keys.iter().find(|key| key.name == "feedback").unwrap();
        let size = feedback.keys.iter().find(|key| key.name == "size").unwrap();
        assert_eq!((&size.value, &size.default), (&Value::from(9), &Value::from(3)));
        let pick = feedback.keys.iter().find(|key| key.name == "pick").unwrap();
        assert!(pick.is_default() && pick.values.len() == 3);
        let history = reflect.keys.iter().find(|key| key.name == "history").unwrap();
        assert!(history.value.is_null() && history.is_default() && history.keys.is_empty());
    }
}
