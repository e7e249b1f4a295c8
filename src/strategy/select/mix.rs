//! `mix`: one of several, by weight.

use super::draws::{any, of_front};
use crate::grammar::{Described, Key, Keys, Lines, Misuse};
use crate::id::CandidateIx;
use crate::stats::weighted;
use crate::strategy::search::{Search, Select};
use rand_chacha::ChaCha8Rng;

kind! {
    /// Draws one of its parts by weight.
    "mix": "One of several, by weight.",
    Mix {
        /// The parts.
        parts: Vec<MixPart> = Vec::new(),
    }
}

impl Select for Mix {
    fn check(&self) -> Result<(), Misuse> {
        let total: f64 = self.parts.iter().map(|part| part.weight).sum();
        let is_negative = self.parts.iter().any(|part| part.weight < 0.0);
        if total.is_nan() || total <= 0.0 || is_negative {
            return Err(Misuse::of(&["parts"], "a mix needs parts with positive weights")
                .help("write `parts = [{ kind = \"pareto\", weight = 1 }]`"));
        }
        Ok(())
    }

    fn one(
        &self,
        search: &Search<'_>,
        pool: &[CandidateIx],
        rng: &mut ChaCha8Rng,
    ) -> Option<CandidateIx> {
        let weights: Vec<f64> = self.parts.iter().map(|part| part.weight).collect();
        let part = &self.parts[weighted(&weights, rng)?];
        match part.kind {
            MixKind::Best => Some(search.state.incumbent),
            MixKind::Uniform => any(pool, rng).or(Some(CandidateIx::BASELINE)),
            MixKind::Pareto => Some(of_front(search, part.min_unique.unwrap_or(1), rng)),
        }
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
            range: None,
            keys: &[],
            defaults: toml::Table::new,
        },
        Key {
            name: "weight",
            about: &["How often, against the other parts; 1 where it is missing."],
            type_name: "f64",
            values: &[],
            range: range!(not_negative),
            keys: &[],
            defaults: toml::Table::new,
        },
        Key {
            name: "min_unique",
            about: &["As in `pareto`, and for that kind only."],
            type_name: "usize",
            values: &[],
            range: None,
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
