//! The requests that an operator is made of, in their order.
//!
//! Most operators ask once. Others ask for a critique first, or for several hypotheses, and go on
//! from what came back: that is a *step*, and each item of a step's result may be followed by several
//! requests of the next one.

use super::{HyperOrder, Init, Operator, Recipe};

/// One request of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The meta-prompt's name.
    pub name: &'static str,
    /// The meta-prompt that is sent instead where a draft asks for what works.
    pub praise: Option<&'static str>,
    /// Requests for each item of the step before it; 1 for the first step.
    pub fan: u16,
    /// What becomes of the reply.
    pub result: Keep,
}

/// What becomes of a step's reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Texts for the next step.
    Notes,
    /// A prompt for the next step, never run itself.
    Prompt,
    /// A candidate.
    Child,
    /// A text that is added to the parent's, which makes a candidate.
    Append,
}

impl Step {
    /// The meta-prompt's name, for a draft that asks for what works or not.
    #[must_use]
    pub fn name(&self, praises: bool) -> &'static str {
        self.praise.filter(|_| praises).unwrap_or(self.name)
    }

    const fn or(self, praise: &'static str) -> Self {
        Self { praise: Some(praise), ..self }
    }
}

const fn step(name: &'static str, fan: u16, result: Keep) -> Step {
    Step { name, praise: None, fan, result }
}

impl Operator {
    /// Its steps; none where it asks no model.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let once = |name| vec![step(name, 1, Keep::Child)];
        match self {
            Self::Reflect(_) => once("reflect"),
            Self::MutateText(_) => once("mutate_text"),
            Self::Paraphrase(_) => once("paraphrase"),
            Self::Compress(_) => once("compress"),
            Self::HistoryRewrite(_) => once("history_rewrite"),
            Self::CrossoverMutate(_) => once("crossover_mutate"),
            Self::DeVariation(_) => once("de_variation"),
            Self::StyleMutate(_) => once("style_mutate"),
            Self::MutateWith(_) => once("mutate_with"),
            Self::Induce(_) => once("induce"),
            Self::Restart(_) => once("restart"),
            Self::Eda(kind) => once(if kind.ranked { "eda_rank" } else { "eda" }),
            Self::Lineage(_) => once("lineage"),
            Self::External(_) => once("external"),
            Self::ContrastRule(_) => vec![step("contrast_rule", 1, Keep::Append)],
            Self::Crossover(kind) if kind.mutate => {
                vec![step("crossover", 1, Keep::Prompt), step("mutate_text", 1, Keep::Child)]
            }
            Self::Crossover(_) => once("crossover"),
            Self::GradientEdit(kind) => {
                let mut steps = vec![
                    step("critique", 1, Keep::Notes).or("praise"),
                    step("edit", kind.edits, Keep::Child).or("refine"),
                ];
                if kind.paraphrases > 0 {
                    steps.push(step("paraphrase", kind.paraphrases, Keep::Child));
                }
                steps
            }
            Self::Hypothesis(_) => {
                vec![step("hypothesize", 1, Keep::Notes), step("test_hypothesis", 1, Keep::Child)]
            }
            Self::CritiqueRefine(_) => {
                vec![step("critique", 1, Keep::Notes).or("praise"), step("refine", 1, Keep::Child)]
            }
            Self::Hint(_) => {
                vec![step("hint", 1, Keep::Notes), step("from_hint", 1, Keep::Child)]
            }
            Self::Hypermutate(kind) => {
                let first = match kind.order {
                    HyperOrder::Zero => "hypermutate_style",
                    HyperOrder::First => "hypermutate",
                };
                vec![step(first, 1, Keep::Notes), step("mutate_with", 1, Keep::Child)]
            }
            Self::Merge(_)
            | Self::DemoAppend(_)
            | Self::DemoEdit(_)
            | Self::ContextShuffle(_)
            | Self::DemoFill(_)
            | Self::CrossoverParts(_)
            | Self::LocalEdit(_) => Vec::new(),
        }
    }

    /// Whether it changes a text that a model may rewrite, and not demonstrations alone.
    #[must_use]
    pub fn needs_text(&self) -> bool {
        !matches!(
            self,
            Self::DemoAppend(_) | Self::DemoEdit(_) | Self::ContextShuffle(_) | Self::DemoFill(_)
        )
    }

    /// How many parents a child has.
    #[must_use]
    pub fn parents(&self) -> usize {
        match self {
            Self::CrossoverMutate(_) | Self::Crossover(_) => 2,
            Self::DeVariation(_) => 4,
            _ => 1,
        }
    }
}

impl Recipe {
    /// Whether it asks the mutator model anything.
    #[must_use]
    pub fn asks_mutator(&self) -> bool {
        let asks = |operator: &Operator| {
            !operator.steps().is_empty() && !matches!(operator, Operator::External(_))
        };
        self.operator.iter().any(asks)
            || self.init.iter().any(|init| init.requests() > 0)
            || self.phase.iter().any(Self::asks_mutator)
    }
}

impl Init {
    /// Its steps; none where it asks no model.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let once = |name| vec![step(name, 1, Keep::Child)];
        match self {
            Self::Seed(_) | Self::BootstrapDemos(_) | Self::RandomShots(_) => Vec::new(),
            Self::Induce(_) => once("induce"),
            Self::Paraphrase(_) => once("paraphrase"),
            Self::Variants(_) => once("propose_variant"),
            Self::StyleMutate(_) => once("mutate_in_style"),
            Self::Grounded(kind) => {
                let take = u16::try_from(kind.take).unwrap_or(u16::MAX);
                vec![step("summarize", 1, Keep::Notes), step("grounded", take, Keep::Child)]
            }
        }
    }

    /// First requests that it makes.
    #[must_use]
    pub fn requests(&self) -> u32 {
        match self {
            Self::Seed(_) | Self::BootstrapDemos(_) | Self::RandomShots(_) => 0,
            Self::Induce(kind) => kind.queries * kind.samples,
            Self::Paraphrase(kind) => kind.take,
            Self::Variants(kind) => kind.take,
            Self::StyleMutate(kind) => kind.take,
            Self::Grounded(_) => 1,
        }
    }

    /// Its own sampling temperature.
    #[must_use]
    pub fn temperature(&self) -> Option<f64> {
        match self {
            Self::Seed(_) | Self::BootstrapDemos(_) | Self::RandomShots(_) => None,
            Self::Induce(kind) => kind.temperature,
            Self::Paraphrase(kind) => kind.temperature,
            Self::Variants(kind) => kind.temperature,
            Self::StyleMutate(kind) => kind.temperature,
            Self::Grounded(kind) => kind.temperature,
        }
    }
}
