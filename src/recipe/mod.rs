//! How to search: one TOML file with one table per slot, each with a `kind`.
//!
//! A recipe is data. What its kinds do is in `strategy`, `operator` and `evaluate`; the recipes that
//! ship are in `strategies/` and embedded in the program.

pub(crate) mod read;
mod slots;
mod steps;

pub use read::{RecipeError, effective_table, load, parse};
pub use slots::*;
pub use steps::{Keep, Step};

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
    Shipped { name: "gepa", text: include_str!("../../strategies/gepa.toml") },
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
    Shipped { name: "triple-sh", text: include_str!("../../strategies/triple-sh.toml") },
    Shipped { name: "random", text: include_str!("../../strategies/random.toml") },
];

/// A shipped recipe by name.
#[must_use]
pub fn shipped(name: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|recipe| recipe.name == name)
}
