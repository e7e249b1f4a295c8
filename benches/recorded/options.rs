//! The command line options.

use promptsearch::recipe::SHIPPED;
use promptsearch::task::model::Price;
use serde::{Serialize, Serializer};
use std::fmt;
use std::path::{Path, PathBuf};

/// What a run may spend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Budget {
    Calls(u64),
    Usd(f64),
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calls(calls) => write!(f, "{calls} calls"),
            Self::Usd(usd) => write!(f, "${usd:.2}"),
        }
    }
}

impl Serialize for Budget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The runs to make.
pub(crate) struct Options {
    pub(crate) data: PathBuf,
    /// Names of files without `.jsonl`; `None`: all that are there.
    pub(crate) files: Option<Vec<String>>,
    pub(crate) recipes: Vec<String>,
    /// The recipe that the others are compared with.
    pub(crate) reference: String,
    /// Keys set for the first recipe.
    pub(crate) sets: Vec<String>,
    pub(crate) budgets: Vec<Budget>,
    pub(crate) splits: u64,
    pub(crate) seeds: u64,
    /// Of the task model and of the mutator.
    pub(crate) prices: [Price; 2],
    pub(crate) free_evidence: bool,
    /// Whether confirmations are judged: the search has half of the rows.
    pub(crate) confirms: bool,
    /// Whether rows with a wrong right answer are looked for.
    pub(crate) finds_labels: bool,
    pub(crate) out: Option<PathBuf>,
}

impl Options {
    /// Parses the arguments; cargo adds `--bench`.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self {
            data: shared_data().join("recorded"),
            files: None,
            recipes: names("auto,gepa,random"),
            reference: "gepa".to_owned(),
            sets: Vec::new(),
            budgets: Vec::new(),
            splits: 10,
            seeds: 3,
            // Of gpt-4.1-mini and gpt-4.1.
            prices: [Price::plain(0.40, 1.60), Price::plain(2.00, 8.00)],
            free_evidence: false,
            confirms: false,
            finds_labels: false,
            out: None,
        };
        let mut arguments = arguments.iter().filter(|argument| *argument != "--bench");
        while let Some(name) = arguments.next() {
            let switch = match name.as_str() {
                "confirm" => Some(&mut options.confirms),
                "labels" => Some(&mut options.finds_labels),
                "--free-evidence" => Some(&mut options.free_evidence),
                _ => None,
            };
            if let Some(switch) = switch {
                *switch = true;
                continue;
            }
            let value = arguments.next().ok_or_else(|| format!("`{name}` needs a value"))?;
            match name.as_str() {
                "--data" => options.data = value.into(),
                "--files" => options.files = (value != "all").then(|| names(value)),
                "--recipes" if value == "all" => {
                    options.recipes = SHIPPED.iter().map(|it| it.name.to_owned()).collect();
                }
                "--recipes" => options.recipes = names(value),
                "--reference" => options.reference = value.clone(),
                "--set" => options.sets.push(value.clone()),
                "--budgets" => {
                    for calls in value.split(',') {
                        options.budgets.push(Budget::Calls(number(calls)?));
                    }
                }
                "--usd" => {
                    for usd in value.split(',') {
                        options.budgets.push(Budget::Usd(positive(usd)?));
                    }
                }
                "--splits" => options.splits = number(value)?,
                "--seeds" => options.seeds = number(value)?,
                "--prices" => options.prices = prices(value)?,
                "--out" => options.out = Some(value.into()),
                _ => return Err(format!("there is no option `{name}`")),
            }
        }
        if options.budgets.is_empty() {
            options.budgets = [400, 800].map(Budget::Calls).into();
            options.budgets.extend([0.10, 0.25, 0.60].map(Budget::Usd));
        }
        if options.splits == 0 || options.seeds == 0 {
            return Err("`--splits` and `--seeds` must be at least 1".to_owned());
        }
        Ok(options)
    }

    /// How many rows of a hundred are train and dev; the others are not in the task.
    pub(crate) fn shares(&self) -> [usize; 2] {
        if self.confirms { [20, 30] } else { [30, 40] }
    }

    /// What the prices are, for people.
    pub(crate) fn prices_in_words(&self) -> String {
        let [task, mutator] = self.prices;
        format!(
            "USD per million tokens: task model {:.2} in, {:.2} out; mutator {:.2} in, {:.2} out",
            task.input, task.output, mutator.input, mutator.output
        )
    }
}

/// The folder with what tests and benches share, which is not part of the repository.
pub(crate) fn shared_data() -> PathBuf {
    match std::env::var_os("PROMPTSEARCH_SHARED_DATA") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
    }
}

fn names(text: &str) -> Vec<String> {
    text.split(',').map(|name| name.trim().to_owned()).collect()
}

fn number(text: &str) -> Result<u64, String> {
    let number = text.replace('_', "").parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("`{text}` is not a whole number above 0"))
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| format!("`{text}` is not a number above 0"))
}

/// Input and output of the task model, and of the mutator: `0.40/1.60,2.00/8.00`.
fn prices(text: &str) -> Result<[Price; 2], String> {
    let mistake = || format!("`{text}` is no pair of prices: write `0.40/1.60,2.00/8.00`");
    let price = |text: &str| {
        let (input, output) = text.split_once('/')?;
        let price = Price::plain(input.parse().ok()?, output.parse().ok()?);
        price.flaw().is_none().then_some(price)
    };
    let (task, mutator) = text.split_once(',').ok_or_else(mistake)?;
    Ok([price(task).ok_or_else(mistake)?, price(mutator).ok_or_else(mistake)?])
}
