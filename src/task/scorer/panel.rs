//! What several judges together say of an answer, by a rule.

use super::judging::Judging;
use super::pairwise::{ORDERS_AGREE, PREFERS_FIRST};
use super::verdict::Verdict;
use crate::units::Score;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name of the metric that says whether all judges say the same of an answer: 1, or 0.
pub const JUDGES_AGREE: &str = "judges_agree";

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

    /// The verdict of several judges; each verdict is what one of them says. That of one judge is his own.
    #[must_use]
    pub fn verdict(self, judging: &Judging, mut judges: Vec<Verdict>) -> Verdict {
        if judges.len() < 2 {
            return judges.pop().unwrap_or_else(|| Verdict::wrong("no grade"));
        }
        let metric = |name: &str| -> Vec<f64> {
            judges.iter().filter_map(|judge| judge.metrics.get(name).copied()).collect()
        };
        let mut metrics = BTreeMap::new();
        let score = match judging {
            Judging::Rubric(rubric) => {
                let values = rubric.names().map(|name| (name.to_owned(), self.of(metric(name))));
                metrics.extend(values);
                rubric.score_of(|name| metrics.get(name).copied().unwrap_or_default())
            }
            Judging::Pairwise(_) | Judging::Meaning(_) => {
                for name in [ORDERS_AGREE, PREFERS_FIRST] {
                    metrics.insert(name.to_owned(), Self::Mean.of(metric(name)));
                }
                self.of(judges.iter().map(|judge| judge.score.value()).collect())
            }
        };
        let says = |judge: &Verdict| match judging {
            Judging::Rubric(_) => judge.metrics.values().map(|it| it.to_bits()).collect(),
            Judging::Pairwise(_) | Judging::Meaning(_) => vec![judge.score.value().to_bits()],
        };
        let first = judges.first().map(says);
        let agree = judges.iter().all(|judge| Some(says(judge)) == first);
        metrics.insert(JUDGES_AGREE.to_owned(), f64::from(u8::from(agree)));
        let score = Score::new(score.clamp(0.0, 1.0)).unwrap_or(Score::ZERO);
        let mut said: Vec<String> = judges.into_iter().filter_map(|judge| judge.feedback).collect();
        said.dedup();
        let feedback = (!score.is_perfect() && !said.is_empty()).then(|| said.join(" "));
        Verdict { metrics, ..Verdict::scored(score, feedback) }
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
