//! The arms of a test with the weights by which its traffic is divided.

use serde::Serialize;

/// Two or more arms, none of them twice, each with a weight above 0; only the ratios of weights matter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmWeights(Vec<(String, f64)>);

impl ArmWeights {
    /// Arms in the order in which units are divided among them.
    ///
    /// # Errors
    /// Fewer than two arms, one twice, or a weight that is not above 0; in words.
    pub fn new(arms: Vec<(String, f64)>) -> Result<Self, String> {
        if arms.len() < 2 {
            return Err("a test has two arms at least: `control=1,new=1`".to_owned());
        }
        if let Some((name, _)) = arms.iter().find(|(_, it)| !(it.is_finite() && *it > 0.0)) {
            return Err(format!("the weight of the arm `{name}` is not above 0"));
        }
        let is_twice = |(place, (name, _)): &(usize, &(String, f64))| {
            arms[..*place].iter().any(|(earlier, _)| earlier == name)
        };
        if let Some((_, (name, _))) = arms.iter().enumerate().find(is_twice) {
            return Err(format!("the arm `{name}` is named twice"));
        }
        Ok(Self(arms))
    }

    /// The arms with their weights.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, (String, f64)> {
        self.0.iter()
    }

    /// The names of the arms.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name.as_str())
    }

    /// All weights together.
    pub(super) fn total(&self) -> f64 {
        self.iter().map(|(_, weight)| weight).sum()
    }

    /// The share of the traffic that an arm gets, in (0, 1).
    pub(super) fn share(&self, arm: &str) -> Option<f64> {
        self.iter().find(|(name, _)| name == arm).map(|(_, weight)| weight / self.total())
    }
}
