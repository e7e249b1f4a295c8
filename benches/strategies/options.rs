//! The command line options, as texts; tasks and recipes are loaded later.

use crate::worlds::{self, Half};
use promptsearch::recipe::SHIPPED;
use std::path::PathBuf;

/// The tasks of this repository.
pub(crate) const TASKS: [&str; 3] = ["ticket-routing", "invoice-extraction", "unit-math"];

/// The runs to make.
pub(crate) struct Options {
    /// Worlds and tasks by name.
    pub(crate) worlds: Vec<String>,
    /// Budgets, in ascending order.
    pub(crate) calls: Vec<u64>,
    pub(crate) seeds: u64,
    /// The first seed.
    pub(crate) first: u64,
    /// Strategies; the others are compared with the first one.
    pub(crate) strategies: Vec<String>,
    /// Recipe keys set for the first strategy.
    pub(crate) sets: Vec<String>,
    pub(crate) out: Option<PathBuf>,
}

impl Options {
    /// Parses the arguments; cargo adds `--bench`.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self {
            worlds: worlds_of("tune")?,
            calls: vec![500, 2_000, 6_000],
            seeds: 5,
            first: 1,
            strategies: strategies_of("all"),
            sets: Vec::new(),
            out: None,
        };
        let mut arguments = arguments.iter().filter(|argument| *argument != "--bench");
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("`{name}` needs a value"))?;
            match name.as_str() {
                "--worlds" => options.worlds = worlds_of(value)?,
                "--calls" => {
                    options.calls = value.split(',').map(number).collect::<Result<_, _>>()?;
                    options.calls.sort_unstable();
                }
                "--seeds" => options.seeds = number(value)?,
                "--first" => options.first = number(value)?,
                "--strategies" => options.strategies = strategies_of(value),
                "--set" => options.sets.push(value.clone()),
                "--out" => options.out = Some(value.into()),
                _ => return Err(format!("there is no option `{name}`")),
            }
        }
        if options.seeds == 0 || options.calls.contains(&0) {
            return Err("seeds and calls must be at least 1".to_owned());
        }
        Ok(options)
    }

    /// The description in the first line of every table.
    pub(crate) fn models(&self) -> String {
        let last = self.first + self.seeds - 1;
        format!("simulated models, seeds {} to {last}", self.first)
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.replace('_', "").parse().map_err(|_| format!("`{text}` is not a whole number"))
}

fn strategies_of(text: &str) -> Vec<String> {
    match text {
        "all" => SHIPPED.iter().map(|shipped| shipped.name.to_owned()).collect(),
        names => names.split(',').map(str::to_owned).collect(),
    }
}

fn worlds_of(text: &str) -> Result<Vec<String>, String> {
    let half = |half: Half| -> Vec<String> {
        let worlds = worlds::ALL.iter().filter(|world| world.half() == half);
        worlds.map(ToString::to_string).collect()
    };
    let tasks = || TASKS.map(str::to_owned).to_vec();
    let mut names = Vec::new();
    for name in text.split(',') {
        match name {
            "tune" => names.extend(half(Half::Tune)),
            "held" => names.extend(half(Half::Held)),
            "tasks" => names.extend(tasks()),
            "all" => names.extend([half(Half::Tune), half(Half::Held), tasks()].concat()),
            name if TASKS.contains(&name) || worlds::named(name).is_some() => {
                names.push(name.to_owned());
            }
            name => {
                let known: Vec<String> = worlds::ALL.iter().map(ToString::to_string).collect();
                let known = [tasks(), known].concat().join(", ");
                return Err(format!("there is no world `{name}`; the worlds are {known}"));
            }
        }
    }
    Ok(names)
}
