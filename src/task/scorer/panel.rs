//! What several judges together say of an answer, by a rule.

use super::judging::Judging;
use super::pair::{ORDERS_AGREE, PREFERS_FIRST};
use super::panel_rule::PanelRule;
use super::verdict::Verdict;
use crate::units::Score;
use std::collections::BTreeMap;

/// The name of the metric that says whether all judges say the same of an answer: 1, or 0.
pub const JUDGES_AGREE: &str = "judges_agree";

impl PanelRule {
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
