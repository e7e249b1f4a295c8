//! A recipe with its documentation: every slot, its kind, and every key with its value, its default
//! and what it means.
//!
//! The documentation is what the slots declare; nothing is described here a second time.

use super::{
    Acquisition, Against, Among, DemoAnswers, DemoSource, Described, EditLevel, Feedback, Fields,
    GateRule, History, HistoryPick, HyperOrder, Keys, Likeness, Lines, LocalOp, MergeLevel,
    MergePool, MixKind, Objective, Order, ParaphraseOf, Pick, RaceTest, Recipe, RejectRule, Runs,
    ShortlistOf, Shots, Stop,
};
use serde::Serialize;
use serde_json::Value;

/// One slot of a recipe.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlotShown {
    /// The table's name, as in `evaluate`; with a number from 0 in a list, as in `operator.1`.
    pub slot: String,
    /// The kind; slots of one kind have none.
    pub kind: Option<&'static str>,
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

/// Lines of documentation as one paragraph.
pub(super) fn paragraph(lines: Lines) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// The slots of a recipe in their order, without its phases.
#[must_use]
pub fn explained(recipe: &Recipe) -> Vec<SlotShown> {
    let mut slots = Vec::new();
    macro_rules! kinds {
        ($name:expr, $slot:expr, $type:ident) => {{
            let kind = $slot.kind();
            slots.push(SlotShown {
                slot: $name,
                kind: Some(kind),
                about: paragraph($slot.about()),
                keys: keys(
                    $slot.keys(),
                    &json(&$slot),
                    &super::$type::by_default(kind).map_or(Value::Null, |slot| json(&slot)),
                ),
            });
        }};
    }
    macro_rules! plain {
        ($name:literal, $slot:expr, $type:ident) => {
            slots.push(SlotShown {
                slot: $name.to_owned(),
                kind: None,
                about: paragraph($type::ABOUT),
                keys: keys($type::KEYS, &json(&$slot), &json(&$type::default())),
            })
        };
    }
    plain!("objective", recipe.objective, Objective);
    kinds!("schedule".to_owned(), recipe.schedule, Schedule);
    for (place, init) in recipe.init.iter().enumerate() {
        kinds!(format!("init.{place}"), init, Init);
    }
    kinds!("select".to_owned(), recipe.select, Select);
    for (place, operator) in recipe.operator.iter().enumerate() {
        kinds!(format!("operator.{place}"), operator, Operator);
    }
    kinds!("choose".to_owned(), recipe.choose, Choose);
    kinds!("sampler".to_owned(), recipe.sampler, Sampler);
    for (place, screen) in recipe.screen.iter().enumerate() {
        kinds!(format!("screen.{place}"), screen, Screen);
    }
    kinds!("evaluate".to_owned(), recipe.evaluate, Evaluate);
    kinds!("accept".to_owned(), recipe.accept, Accept);
    kinds!("archive".to_owned(), recipe.archive, Archive);
    plain!("stop", recipe.stop, Stop);
    kinds!("final".to_owned(), recipe.finale, Final);
    slots
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// Declared keys with their values and defaults.
pub(super) fn keys(declared: Keys, values: &Value, defaults: &Value) -> Vec<KeyShown> {
    declared
        .iter()
        .map(|key| {
            let value = values.get(key.name).cloned().unwrap_or(Value::Null);
            let default = defaults.get(key.name).cloned().unwrap_or(Value::Null);
            let nested = match nested(key.type_name) {
                // A table that is not there has no keys to show.
                Some(_) if value.is_null() => Vec::new(),
                // A table within a list has no values of its own here.
                Some((declared, _)) if value.is_array() => {
                    keys(declared, &Value::Null, &Value::Null)
                }
                Some((declared, own)) => {
                    keys(declared, &value, if default.is_null() { &own } else { &default })
                }
                None => Vec::new(),
            };
            KeyShown {
                name: key.name,
                value,
                default,
                about: paragraph(key.about),
                values: values_of(key.type_name),
                keys: nested,
            }
        })
        .collect()
}

/// The keys of a type that is a table, with its own defaults.
fn nested(type_name: &str) -> Option<(Keys, Value)> {
    let name = type_name.trim_start_matches("Option<").trim_start_matches("Vec<");
    match name.trim_end_matches('>') {
        "Feedback" => Some((Feedback::KEYS, json(&Feedback::default()))),
        "History" => Some((History::KEYS, json(&History::default()))),
        "Runs" => Some((Runs::KEYS, json(&Runs::default()))),
        "Shots" => Some((Shots::KEYS, json(&Shots::default()))),
        "MixPart" => Some((super::MixPart::KEYS, Value::Null)),
        _ => None,
    }
}

/// The values of a type that is a closed choice.
pub(super) fn values_of(type_name: &str) -> Vec<(String, String)> {
    macro_rules! choices {
        ($($choice:ident),+ $(,)?) => {
            match type_name.trim_start_matches("Vec<").trim_end_matches('>') {
                $(stringify!($choice) => $choice::VALUES
                    .iter()
                    .map(|(value, about)| {
                        let name = json(value).as_str().unwrap_or_default().to_owned();
                        (name, paragraph(about))
                    })
                    .collect(),)+
                _ => Vec::new(),
            }
        };
    }
    choices!(
        Acquisition,
        Against,
        Among,
        DemoAnswers,
        DemoSource,
        EditLevel,
        Fields,
        GateRule,
        HistoryPick,
        HyperOrder,
        Likeness,
        LocalOp,
        MergeLevel,
        MergePool,
        MixKind,
        Order,
        ParaphraseOf,
        Pick,
        RaceTest,
        RejectRule,
        ShortlistOf,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{SHIPPED, load};

    #[test]
    fn every_key_of_every_shipped_recipe_is_documented() {
        for shipped in SHIPPED {
            for slot in explained(&load(shipped.name, &[]).unwrap()) {
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
        let slots = explained(&recipe);
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
