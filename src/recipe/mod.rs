//! How to search: one TOML file with one table per slot, each with a `kind`.
//!
//! A recipe is data: TOML read into the slots that `strategy` and `operator` declare. Not what the kinds
//! do; the recipes that ship are in `strategies/` and embedded in the program.

// A file uses only files declared above it.
mod wording;
mod usable;
mod explained;
mod reference;
pub(crate) mod read;
mod check;
#[cfg(test)]
mod published;

pub use explained::{KeyShown, SlotShown, explained};
pub use read::{RecipeError, effective_table, load, load_with, parse, parse_with};
pub use reference::reference;
pub use usable::Usable;
pub use wording::Wording;

use crate::event::Draft;
use crate::operator::{Author, INITS, Init, OPERATORS, Operator, Used};
use crate::strategy::{Order, Slots};
use crate::vector::ComparedText;
use serde::Serialize;
use serde::de::Error as _;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A recipe that ships with the program.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// The name for `--strategy`.
    pub name: &'static str,
    /// The TOML text.
    pub text: &'static str,
}

/// The recipes that ship, in the order in which `strategies` lists them.
pub const SHIPPED: &[Shipped] = &[
    Shipped { name: "auto", text: include_str!("../../strategies/auto.toml") },
    Shipped { name: "quick", text: include_str!("../../strategies/quick.toml") },
    Shipped { name: "thorough", text: include_str!("../../strategies/thorough.toml") },
    Shipped { name: "gepa", text: include_str!("../../strategies/gepa.toml") },
    Shipped { name: "gepa-merge", text: include_str!("../../strategies/gepa-merge.toml") },
    Shipped { name: "promptbreeder", text: include_str!("../../strategies/promptbreeder.toml") },
    Shipped { name: "capo", text: include_str!("../../strategies/capo.toml") },
    Shipped { name: "evoprompt-ga", text: include_str!("../../strategies/evoprompt-ga.toml") },
    Shipped { name: "evoprompt-de", text: include_str!("../../strategies/evoprompt-de.toml") },
    Shipped { name: "opro", text: include_str!("../../strategies/opro.toml") },
    Shipped { name: "copro", text: include_str!("../../strategies/copro.toml") },
    Shipped { name: "grips", text: include_str!("../../strategies/grips.toml") },
    Shipped { name: "ape", text: include_str!("../../strategies/ape.toml") },
    Shipped { name: "protegi", text: include_str!("../../strategies/protegi.toml") },
    Shipped {
        name: "textgrad-momentum",
        text: include_str!("../../strategies/textgrad-momentum.toml"),
    },
    Shipped {
        name: "promptagent-mcts",
        text: include_str!("../../strategies/promptagent-mcts.toml"),
    },
    Shipped { name: "promptwizard", text: include_str!("../../strategies/promptwizard.toml") },
    Shipped { name: "sammo-beam", text: include_str!("../../strategies/sammo-beam.toml") },
    Shipped { name: "simba", text: include_str!("../../strategies/simba.toml") },
    Shipped { name: "phase-evo", text: include_str!("../../strategies/phase-evo.toml") },
    Shipped { name: "shinka-islands", text: include_str!("../../strategies/shinka-islands.toml") },
    Shipped { name: "map-elites", text: include_str!("../../strategies/map-elites.toml") },
    Shipped { name: "triple-sh", text: include_str!("../../strategies/triple-sh.toml") },
    Shipped { name: "triple-cr", text: include_str!("../../strategies/triple-cr.toml") },
    Shipped { name: "triple-clst", text: include_str!("../../strategies/triple-clst.toml") },
    Shipped { name: "triple-gse", text: include_str!("../../strategies/triple-gse.toml") },
    Shipped { name: "bootstrap-rs", text: include_str!("../../strategies/bootstrap-rs.toml") },
    Shipped { name: "mipro", text: include_str!("../../strategies/mipro.toml") },
    Shipped { name: "hyperband-bo", text: include_str!("../../strategies/hyperband-bo.toml") },
    Shipped { name: "random", text: include_str!("../../strategies/random.toml") },
    Shipped { name: "best-of-n", text: include_str!("../../strategies/best-of-n.toml") },
];

/// A shipped recipe by name.
#[must_use]
pub fn shipped(name: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|recipe| recipe.name == name)
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
    /// The slots; where there are phases, what these are written over.
    #[serde(flatten)]
    pub slots: Slots,
    /// Phases that follow each other, each until its own `stop` holds, in place of the slots above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phase: Vec<Slots>,
}

impl Recipe {
    /// Whether it asks the mutator model anything.
    #[must_use]
    pub fn asks_mutator(&self) -> bool {
        self.slots.asks_mutator() || self.phase.iter().any(Slots::asks_mutator)
    }

    /// Which texts of prompts it compares with those of others, in any of its phases.
    #[must_use]
    pub fn compared_texts(&self) -> BTreeSet<ComparedText> {
        self.phases().iter().flat_map(Slots::compared_texts).collect()
    }

    /// The operator or the init that a draft is of; `None` for a combination of ingredients.
    #[must_use]
    pub fn author(&self, draft: &Draft) -> Option<&dyn Author> {
        self.of_phase(draft.phase).author(draft)
    }

    /// The operator that a draft is of.
    #[must_use]
    pub fn operator_of(&self, draft: &Draft) -> Option<&Used> {
        self.of_phase(draft.phase).operator_of(draft)
    }

    /// The init that a draft is of.
    #[must_use]
    pub fn init_of(&self, draft: &Draft) -> Option<&dyn Init> {
        self.of_phase(draft.phase).init.get(usize::from(draft.init?)).map(|init| &**init)
    }

    /// The same recipe with these prompts before its first ones; each is a table of parts by name.
    ///
    /// # Errors
    /// A text that TOML cannot hold.
    pub fn with_prompts(
        &self,
        texts: &[BTreeMap<String, String>],
    ) -> Result<Self, toml::de::Error> {
        let read = |kind: &str, table: toml::Table| {
            let kind = INITS.kind(kind).ok_or_else(|| toml::de::Error::custom(kind))?;
            (kind.read)(table)
        };
        let texts = toml::Value::try_from(texts).map_err(toml::de::Error::custom)?;
        let given = read("prompts", toml::Table::from_iter([("texts".to_owned(), texts)]))?;
        let baseline = read("baseline", toml::Table::new())?;
        let mut recipe = self.clone();
        for slots in recipe.phase.first_mut().into_iter().chain([&mut recipe.slots]) {
            // Without any, the baseline alone competes.
            if slots.init.is_empty() {
                slots.init.push(baseline.clone());
            }
            slots.init.insert(0, given.clone());
        }
        Ok(recipe)
    }

    /// The sampling temperature of a draft's request; `None`: the mutator's own.
    #[must_use]
    pub fn temperature_of(&self, draft: &Draft) -> Option<f64> {
        self.of_phase(draft.phase).temperature_of(draft)
    }

    /// Its operators from outside of this crate, each kind once.
    #[must_use]
    pub fn own_operators(&self) -> Vec<Arc<dyn Operator>> {
        let mut own: Vec<Arc<dyn Operator>> = Vec::new();
        let all = self.phase.iter().chain([&self.slots]).flat_map(|slots| &slots.operator);
        for operator in all.filter(|operator| OPERATORS.kind(operator.kind()).is_none()) {
            if own.iter().all(|known| known.name() != operator.kind()) {
                own.push(operator.chosen().shared());
            }
        }
        own
    }

    /// The slots of a phase.
    #[must_use]
    pub fn of_phase(&self, phase: u16) -> &Slots {
        self.phase.get(usize::from(phase)).unwrap_or(&self.slots)
    }

    /// The order in which a run folds its results: that of its first phase.
    #[must_use]
    pub fn order(&self) -> Order {
        self.of_phase(0).schedule.lookahead().order
    }

    /// The slots of all phases; those of the recipe itself where it has no phases.
    #[must_use]
    pub fn phases(&self) -> &[Slots] {
        if self.phase.is_empty() { std::slice::from_ref(&self.slots) } else { &self.phase }
    }
}
