//! What one simulated world is like: the constants that make worlds differ.
//!
//! The defaults are those of every user's task. Other values are for benchmarks only, which measure
//! searches where prompts matter for other reasons.

/// Share of rows whose luck is drawn afresh, per degree of temperature.
const FRESH_PER_DEGREE: f64 = 0.45;

/// The constants that make worlds differ, in the order in which a call passes through them. What
/// each of them does is described in `docs/simulation.md`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorldParameters {
    /// The share of skills that the clerk has without being told.
    pub known: f64,
    /// Mean logits of a known skill, unasked.
    pub prior_known: f64,
    /// Spread of the rows' difficulties, in logits.
    pub difficulty: f64,
    /// The share of rows that need the skill next to their own as well.
    pub paired: f64,
    /// How far a statement can say a rule, in [0, 1]; what is missing must be shown.
    pub most_stated: f64,
    /// How well an example states its row's skill, in [0, 1].
    pub demonstrated: f64,
    /// The share of what is missing that each further example of the same skill adds, in [0, 1].
    pub further: f64,
    /// Logits that a full statement of the wrong label costs.
    pub misled: f64,
    /// The part of that which a right statement elsewhere takes back, in [0, 1].
    pub contradicted: f64,
    /// Logits that a rule costs the skill next to it where that one's rule is not stated.
    pub disturbed: f64,
    /// Spread of the logits that the choice of words makes.
    pub wording: f64,
    /// Logits lost per e-fold of (1 + tokens / `long_tokens`).
    pub dilution: f64,
    /// Tokens from which on a prompt is long.
    pub long_tokens: f64,
    /// Share of rows whose luck each draw takes afresh at temperature 0.
    pub fresh: f64,
    /// The most that this share becomes at higher temperatures.
    pub fresh_at_most: f64,
}

impl Default for WorldParameters {
    fn default() -> Self {
        Self {
            known: 0.40,
            prior_known: 1.4,
            difficulty: 0.8,
            paired: 0.0,
            most_stated: 1.0,
            demonstrated: 0.35,
            further: 0.0,
            misled: 2.5,
            contradicted: 0.5,
            disturbed: 0.0,
            wording: 0.2,
            dilution: 0.35,
            long_tokens: 300.0,
            fresh: 0.10,
            fresh_at_most: 0.80,
        }
    }
}

impl WorldParameters {
    /// How well this number of examples shows one skill.
    pub(super) fn shown_by(&self, examples: i32) -> f64 {
        if examples == 0 {
            return 0.0;
        }
        // In this order, so that further examples that add nothing leave the first one's share exact.
        let first = self.demonstrated;
        first + (1.0 - first) * (1.0 - (1.0 - self.further).powi(examples - 1))
    }

    /// The share of rows whose luck is drawn afresh at a temperature.
    pub(super) fn fresh_at(&self, temperature: f64) -> f64 {
        (self.fresh + FRESH_PER_DEGREE * temperature.max(0.0)).min(self.fresh_at_most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_add_up_only_where_the_world_says_so() {
        let usual = WorldParameters::default();
        assert_eq!([0, 1, 9].map(|n| usual.shown_by(n)), [0.0, 0.35, 0.35]);
        let shown = WorldParameters { demonstrated: 0.5, further: 0.5, ..usual };
        assert_eq!([1, 2, 3].map(|n| shown.shown_by(n)), [0.5, 0.75, 0.875]);
    }

    #[test]
    fn heat_draws_afresh_up_to_a_limit() {
        let usual = WorldParameters::default();
        assert_eq!(usual.fresh_at(0.0), 0.10);
        assert_eq!(usual.fresh_at(-1.0), 0.10);
        assert_eq!(usual.fresh_at(2.0), 0.80);
    }
}
