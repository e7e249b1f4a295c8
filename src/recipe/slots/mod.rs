//! The slots of a recipe and their kinds, with every default.
//!
//! Only kinds that a shipped recipe or the docs' example names exist. What the documentation of a kind
//! and of its keys says here is what `strategies NAME` shows. Operators, inits and screens are
//! declared in `operator`.

#[macro_use]
pub(super) mod describe;

mod accept;
mod archive;
mod choose;
mod evaluate;
mod finale;
mod objective;
mod sampler;
mod schedule;
mod select;
mod stop;

pub use accept::*;
pub use archive::*;
pub use choose::*;
pub use evaluate::*;
pub use finale::*;
pub use objective::*;
pub use sampler::*;
pub use schedule::*;
pub use select::*;
pub use stop::*;

use super::Wording;
use crate::grammar::Chosen;
use crate::operator::{Init, Screen, Used};
use serde::Serialize;
use std::collections::BTreeMap;

/// Whether a slot is as it is where a recipe does not name it.
fn is_default<T: Default + PartialEq>(slot: &T) -> bool {
    *slot == T::default()
}

/// How to search.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recipe {
    /// Its name.
    pub name: String,
    /// When to choose it, in one line.
    pub about: String,
    /// The paper, where there is one.
    pub reference: Option<String>,
    /// Texts that replace the built-in meta-prompts, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub meta_prompts: BTreeMap<String, Wording>,
    /// What is compared.
    #[serde(skip_serializing_if = "is_default")]
    pub objective: Objective,
    /// The order of work.
    pub schedule: Schedule,
    /// Where the first candidates come from.
    pub init: Vec<Chosen<dyn Init>>,
    /// Which candidate is changed next.
    pub select: Select,
    /// How it is changed.
    pub operator: Vec<Used>,
    /// Which operator is next.
    pub choose: Choose,
    /// Which combination of parts is tried next, where candidates are combinations.
    #[serde(skip_serializing_if = "is_default")]
    pub sampler: Sampler,
    /// What refuses a new prompt before anything is spent on it.
    pub screen: Vec<Chosen<dyn Screen>>,
    /// Which rows a candidate is tried on, and when it is dropped.
    pub evaluate: Evaluate,
    /// What makes a candidate the incumbent.
    pub accept: Accept,
    /// What is kept for selection.
    pub archive: Archive,
    /// When to stop, beside the budget.
    pub stop: Stop,
    /// Recipes that follow each other, each until its own `stop` holds; they replace the slots above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phase: Vec<Recipe>,
    /// How the winner is chosen from what was found.
    #[serde(rename = "final")]
    pub finale: Final,
}
