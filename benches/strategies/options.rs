//! The command line options, as texts; tasks and recipes are loaded later.

use crate::worlds::{self, Half};
use promptsearch::recipe::SHIPPED;
use std::path::PathBuf;

/// The tasks of this repository.
pub(crate) const TASKS: [&str; 3] = ["ticket-routing", "invoice-extraction", "unit-math"];

/// How long answers take in virtual time, and how many may be out.
#[derive(Clone, Copy)]
pub(crate) struct Latencies {
    /// Seconds of half of the answers to rows and of half of the mutator's replies, at most.
    pub(crate) medians: [f64; 2],
    /// Spread of their logarithms.
    pub(crate) sigma: f64,
}

/// What `width` measures.
pub(crate) struct Widths {
    pub(crate) widths: Vec<u64>,
    /// Values of `schedule.order`, each with each width.
    pub(crate) orders: Vec<String>,
    /// Requests at a time.
    pub(crate) slots: Vec<u64>,
    pub(crate) latencies: Latencies,
}

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
    /// Whether the first strategy's width is measured, in place of strategies.
    pub(crate) is_width: bool,
    pub(crate) widths: Widths,
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
            is_width: false,
            widths: Widths {
                widths: vec![1, 4, 8, 16, 32],
                orders: vec!["issue".to_owned()],
                slots: vec![16, 64],
                latencies: Latencies { medians: [0.3, 6.0], sigma: 0.5 },
            },
        };
        let mut arguments = arguments.iter().filter(|argument| *argument != "--bench");
        while let Some(name) = arguments.next() {
            if name == "width" {
                options.is_width = true;
                continue;
            }
            let value = arguments.next().ok_or_else(|| format!("`{name}` needs a value"))?;
            match name.as_str() {
                "--worlds" => options.worlds = worlds_of(value)?,
                "--calls" => {
                    options.calls = numbers(value)?;
                    options.calls.sort_unstable();
                }
                "--widths" => options.widths.widths = numbers(value)?,
                "--orders" => {
                    options.widths.orders = value.split(',').map(str::to_owned).collect();
                }
                "--slots" => options.widths.slots = numbers(value)?,
                "--latencies" => options.widths.latencies.medians = medians(value)?,
                "--sigma" => options.widths.latencies.sigma = positive(value)?,
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

fn numbers(text: &str) -> Result<Vec<u64>, String> {
    text.split(',').map(number).collect()
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| format!("`{text}` is not a number above 0"))
}

/// Of answers and of proposals, in seconds: `0.3/6`.
fn medians(text: &str) -> Result<[f64; 2], String> {
    let both = text.split_once('/').ok_or_else(|| format!("write `{text}` like `0.3/6`"))?;
    Ok([positive(both.0)?, positive(both.1)?])
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
