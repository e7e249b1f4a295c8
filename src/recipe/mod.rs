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
    Shipped { name: "gepa-merge", text: include_str!("../../strategies/gepa-merge.toml") },
    Shipped { name: "promptbreeder", text: include_str!("../../strategies/promptbreeder.toml") },
    Shipped { name: "shinka-islands", text: include_str!("../../strategies/shinka-islands.toml") },
    Shipped { name: "map-elites", text: include_str!("../../strategies/map-elites.toml") },
    Shipped { name: "triple-sh", text: include_str!("../../strategies/triple-sh.toml") },
    Shipped { name: "random", text: include_str!("../../strategies/random.toml") },
];

/// A shipped recipe by name.
#[must_use]
pub fn shipped(name: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|recipe| recipe.name == name)
}
