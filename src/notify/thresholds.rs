//! Which share of a cap is spent, and which threshold that reaches for the first time.

use crate::caps::Caps;
use crate::run::Reading;

/// The largest share of a cap on spending that is used, and the name of that cap; `None` where there is none.
pub(super) fn largest_share(reading: &Reading, caps: &Caps) -> Option<(f64, &'static str)> {
    let share = |used: f64, cap: f64| if cap > 0.0 { used / cap } else { 1.0 };
    let shares = [
        caps.usd.map(|cap| (share(reading.spent.dollars(), cap.dollars()), "usd")),
        caps.calls.map(|cap| (share(reading.calls as f64, cap as f64), "calls")),
        caps.tokens.map(|cap| (share(reading.tokens.0 as f64, cap.0 as f64), "tokens")),
    ];
    shares.into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0))
}

/// Thresholds, of which each is told once.
pub(super) struct Thresholds {
    shares: Vec<f64>,
    /// The share up to which all are told; `None` before the first look.
    told: Option<f64>,
    caps: Option<Caps>,
}

impl Thresholds {
    pub(super) fn new(shares: &[f64]) -> Self {
        Self { shares: shares.to_vec(), told: None, caps: None }
    }

    /// The highest threshold that is reached for the first time. What was reached when the session began, or
    /// when the caps were changed, is not told of.
    pub(super) fn reached(&mut self, share: f64, caps: Caps) -> Option<f64> {
        let is_changed = self.caps.is_some_and(|known| known != caps);
        self.caps = Some(caps);
        let told = match self.told {
            Some(told) if !is_changed => told,
            _ => {
                self.told = Some(share);
                return None;
            }
        };
        let reached = self.shares.iter().copied().rfind(|it| *it > told && *it <= share)?;
        self.told = Some(share);
        Some(reached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Usd;

    #[test]
    fn each_threshold_is_told_once_and_the_highest_of_several() {
        let caps = Caps { calls: Some(100), ..Caps::default() };
        let mut thresholds = Thresholds::new(&[0.5, 0.8, 1.0]);
        let told: Vec<Option<f64>> = [0.1, 0.49, 0.5, 0.6, 0.7999, 1.0, 1.0, 1.2]
            .map(|it| thresholds.reached(it, caps))
            .into();
        let expected = [None, None, Some(0.5), None, None, Some(1.0), None, None];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_resumed_run_tells_only_what_comes_and_other_caps_begin_anew() {
        let caps = Caps { calls: Some(100), ..Caps::default() };
        let mut thresholds = Thresholds::new(&[0.5, 0.8]);
        assert_eq!(thresholds.reached(0.7, caps), None, "it was reached before");
        assert_eq!(thresholds.reached(0.8, caps), Some(0.8));
        let raised = Caps { calls: Some(200), ..caps };
        assert_eq!(thresholds.reached(0.4, raised), None);
        assert_eq!(thresholds.reached(0.5, raised), Some(0.5));
    }

    #[test]
    fn the_cap_that_is_nearest_to_its_end_counts() {
        let reading = Reading { spent: Usd::from_nanos(5), calls: 80, ..Reading::default() };
        let caps = Caps { usd: Some(Usd::from_nanos(10)), calls: Some(100), ..Caps::default() };
        assert_eq!(largest_share(&reading, &caps), Some((0.8, "calls")));
        assert_eq!(largest_share(&reading, &Caps::default()), None);
    }
}
