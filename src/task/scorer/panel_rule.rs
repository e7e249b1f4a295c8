//! How the grades of several judges become one: the rules.
//!
//! What is made of whole verdicts is in `panel`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the grades of several judges become one, for each criterion by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum PanelRule {
    /// Their mean.
    #[default]
    Mean,
    /// The middle one; of an even number the mean of the two in the middle.
    Median,
    /// What most of them say; of several that are said as often, the lowest.
    Majority,
    /// The lowest: each judge has a veto.
    Lowest,
}

impl PanelRule {
    /// The value of several, at least one.
    #[must_use]
    pub fn of(self, mut values: Vec<f64>) -> f64 {
        values.sort_by(f64::total_cmp);
        let n = values.len().max(1);
        match self {
            Self::Mean => values.iter().sum::<f64>() / n as f64,
            Self::Median => {
                let at = |place: usize| values.get(place).copied().unwrap_or_default();
                f64::midpoint(at((n - 1) / 2), at(n / 2))
            }
            Self::Majority => {
                let said = values.chunk_by(|one, other| one == other);
                // The first of those that are said as often, which is the lowest.
                let most = said
                    .fold(&values[..0], |most, it| if it.len() > most.len() { it } else { most });
                most.first().copied().unwrap_or_default()
            }
            Self::Lowest => values.first().copied().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_rule_by_hand() {
        for (values, mean, median, majority, lowest) in [
            (vec![1.0, 0.0, 1.0], 2.0 / 3.0, 1.0, 1.0, 0.0),
            (vec![0.0, 0.5, 1.0], 0.5, 0.5, 0.0, 0.0),
            (vec![1.0, 0.0], 0.5, 0.5, 0.0, 0.0),
            (vec![0.5, 1.0, 1.0, 0.0, 0.5], 0.6, 0.5, 0.5, 0.0),
        ] {
            let of = |rule: PanelRule| rule.of(values.clone());
            assert!((of(PanelRule::Mean) - mean).abs() < 1e-12, "{values:?}");
            assert_eq!(of(PanelRule::Median), median, "{values:?}");
            assert_eq!(of(PanelRule::Majority), majority, "{values:?}");
            assert_eq!(of(PanelRule::Lowest), lowest, "{values:?}");
        }
    }

    proptest! {
        /// No rule says more than the highest grade, or less than the lowest, and the order of judges changes nothing.
        #[test]
        fn a_rule_stays_among_the_grades(
            values in prop::collection::vec(prop::sample::select(vec![0.0, 0.25, 0.5, 1.0]), 1..8),
            rule in prop::sample::select(vec![
                PanelRule::Mean, PanelRule::Median, PanelRule::Majority, PanelRule::Lowest,
            ]),
        ) {
            let said = rule.of(values.clone());
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(0.0, f64::max);
            prop_assert!(least <= said + 1e-12 && said <= most + 1e-12);
            let turned: Vec<f64> = values.into_iter().rev().collect();
            prop_assert!((rule.of(turned) - said).abs() < 1e-12);
        }
    }
}
