//! The command line options.

use std::path::PathBuf;

/// The figures to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The regret of each strategy.
    Regret,
    /// How well regressions predict unseen prompts.
    Surrogates,
    /// Both.
    All,
}

/// The arguments.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The folder with the prompts.
    pub(crate) data: PathBuf,
    /// The figures to compute.
    pub(crate) part: Part,
    /// Mean number of calls per arm.
    pub(crate) pulls: Vec<usize>,
    /// Repetitions with other answers.
    pub(crate) seeds: u64,
    /// The first seed.
    pub(crate) first: u64,
    /// Contestants by name; all by default.
    pub(crate) strategies: Vec<String>,
    /// Tasks by name; all by default.
    pub(crate) tasks: Vec<String>,
    /// The most models per task.
    pub(crate) models: usize,
    /// The most prompts in a pool, drawn separately for each seed.
    pub(crate) arms: usize,
    /// The folder for the results.
    pub(crate) out: Option<PathBuf>,
}

impl Options {
    /// Parses the arguments.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let data = std::env::var_os("PARAPHRASES_DATA")
            .map_or_else(|| PathBuf::from("../shared/data/paraphrases"), PathBuf::from);
        let mut options = Self {
            data,
            part: Part::All,
            pulls: vec![1, 2, 5, 10, 20],
            seeds: 5,
            first: 1,
            strategies: Vec::new(),
            tasks: Vec::new(),
            models: usize::MAX,
            arms: usize::MAX,
            out: None,
        };
        let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            if name == "--bench" {
                continue;
            }
            let value = rest.next().ok_or_else(|| format!("`{name}` needs a value"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("`{name} {value}`: a number"));
            match name.as_str() {
                "--data" => options.data = PathBuf::from(value),
                "--part" => {
                    options.part = match value.as_str() {
                        "regret" => Part::Regret,
                        "surrogates" => Part::Surrogates,
                        "all" => Part::All,
                        _ => return Err(format!("`--part {value}`: regret, surrogates or all")),
                    }
                }
                "--pulls" => {
                    let pulls = value.split(',').map(str::parse).collect::<Result<_, _>>();
                    options.pulls = pulls.map_err(|_| format!("`--pulls {value}`: numbers"))?;
                }
                "--seeds" => options.seeds = number()?,
                "--first" => options.first = number()?,
                "--models" => options.models = usize::try_from(number()?).unwrap_or(usize::MAX),
                "--arms" => {
                    options.arms = usize::try_from(number()?.max(2)).unwrap_or(usize::MAX);
                }
                "--strategies" => options.strategies = list(value),
                "--tasks" => options.tasks = list(value),
                "--out" => options.out = Some(PathBuf::from(value)),
                _ => return Err(format!("unknown argument `{name}`")),
            }
        }
        Ok(options)
    }
}
