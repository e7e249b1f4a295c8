//! Which candidate is changed next.

use crate::grammar::{Described, Key, Keys, Lines};

slot! {
    /// Which candidate is changed next.
    Select {
        /// Nothing is bred from a parent.
        "none" => None(NoneSelect),
        /// The seed, always.
        "seed" => Seed(SeedSelect),
        /// The incumbent.
        "best" => Best(BestSelect),
        /// Any earlier candidate.
        "uniform" => Uniform(UniformSelect),
        /// In proportion to the score.
        "roulette" => Roulette(RouletteSelect),
        /// By a softmax of the score.
        "softmax" => Softmax(SoftmaxSelect),
        /// The better of two, in place of the worse.
        "tournament" => Tournament(TournamentSelect),
        /// Each member of the population in turn.
        "scan" => Scan(ScanSelect),
        /// In pairs that answer differently.
        "contrary" => Contrary(ContrarySelect),
        /// By the number of rows on which a candidate is best.
        "pareto" => Pareto(ParetoSelect),
        /// Better than the median, and not bred from yet.
        "weighted_novelty" => WeightedNovelty(WeightedNoveltySelect),
        /// A cell's elite: explored, exploited, or by weight.
        "cells" => Cells(CellsSelect),
        /// Down a tree by upper confidence bounds.
        "uct" => Uct(UctSelect),
        /// One of several, by weight.
        "mix" => Mix(MixSelect),
    }
}

kind! {
    /// No parent: what is bred comes from the history, or nothing is bred at all.
    NoneSelect {}
}
kind! {
    /// The task's own prompt.
    SeedSelect {}
}
kind! {
    /// The incumbent; in generations, the one of the generation's start.
    BestSelect {}
}
kind! {
    /// Uniform over what the archive keeps; with `any`, over all earlier candidates, dropped ones
    /// included.
    UniformSelect {
        /// All earlier candidates, dropped ones included.
        any: bool = false,
    }
}
kind! {
    /// In proportion to the score, with replacement between children, two different ones for one
    /// child (EvoPrompt; arXiv:2309.08532, section 3.2).
    RouletteSelect {}
}
kind! {
    /// By a softmax of the mean scores of the best few (SIMBA).
    SoftmaxSelect {
        /// The temperature, in points of score.
        temperature: f64 = 0.2,
        /// How many of the best take part; the seed does in any case, in place of the last one.
        top: usize = 6,
    }
}
kind! {
    /// The population is shuffled and paired; the winner of each pair is mutated, and its child
    /// takes the loser's place (PromptBreeder; arXiv:2309.16797, section 3).
    TournamentSelect {}
}
kind! {
    /// Each member of the population in turn, `schedule.children` times.
    ScanSelect {
        /// Other members that are drawn for it, as donors (EvoPrompt's DE).
        donors: usize = 0,
        /// Whether the best member is given as well, or another random one (with `donors` only); the
        /// best where it is not said.
        best: Option<bool> = None,
    }
}
kind! {
    /// Members in pairs, `schedule.children` times each: the best with the one whose scores differ most
    /// from its own, row by row, then the best of the others, and so on (PhaseEvo; arXiv:2402.11347,
    /// section 3: similarity by performance vectors).
    ContrarySelect {}
}
kind! {
    /// Draws by the number of rows on which a candidate is among the best, dominated ones removed
    /// (GEPA; arXiv:2507.19457, algorithm 2).
    ParetoSelect {
        /// A candidate needs this many rows on which it is among the best.
        min_unique: usize = 1,
    }
}
kind! {
    /// Weight sigmoid(lambda × (score − median) / MAD) / (1 + children) (ShinkaEvolve;
    /// arXiv:2509.19349, section 3.1).
    WeightedNoveltySelect {
        /// Steepness.
        lambda: f64 = 10.0,
    }
}
kind! {
    /// With `explore`, any elite; with `exploit`, one of the best `top`; else in proportion to the
    /// score (AlphaEvolve as in OpenEvolve).
    CellsSelect {
        /// The chance of any elite.
        explore: f64 = 0.2,
        /// The chance of one of the best.
        exploit: f64 = 0.7,
        /// How many count as the best.
        top: usize = 10,
    }
}
kind! {
    /// Monte Carlo tree search over prompts (PromptAgent; arXiv:2310.16427, section 3.2).
    UctSelect {
        /// The weight of exploration.
        c: f64 = 2.5,
        /// The greatest depth of a rollout.
        max_depth: u32 = 8,
        /// Rollouts do not end early before this depth.
        min_depth: u32 = 2,
        /// Rollouts that begin together; each counts as a visit without reward while it is out.
        parallel: usize = 1,
    }
}
kind! {
    /// Draws one of its parts by weight.
    MixSelect {
        /// The parts.
        parts: Vec<MixPart> = Vec::new(),
    }
}

/// One part of a mixed selection.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixPart {
    /// `best`, `uniform` or `pareto`.
    pub kind: MixKind,
    /// How often, against the other parts.
    #[serde(default = "one")]
    pub weight: f64,
    /// As in `pareto`; the other kinds know none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_unique: Option<usize>,
}

impl Described for MixPart {
    const ABOUT: Lines = &["One part of a mixed selection."];
    const KEYS: Keys = &[
        Key {
            name: "kind",
            about: &["How this part draws; always to be given."],
            type_name: "MixKind",
            values: MixKind::VALUES,
            keys: &[],
            defaults: toml::Table::new,
        },
        Key {
            name: "weight",
            about: &["How often, against the other parts; 1 where it is missing."],
            type_name: "f64",
            values: &[],
            keys: &[],
            defaults: toml::Table::new,
        },
        Key {
            name: "min_unique",
            about: &["As in `pareto`, and for that kind only."],
            type_name: "usize",
            values: &[],
            keys: &[],
            defaults: toml::Table::new,
        },
    ];
}

fn one() -> f64 {
    1.0
}

choice! {
    /// What a part of a mixed selection may be.
    MixKind {
        /// The incumbent.
        Best = "best",
        /// Any kept candidate.
        Uniform = "uniform",
        /// By rows on which it is among the best.
        Pareto = "pareto",
    }
}
