//! Which arm of an experiment a unit is in: the same one whenever and wherever it is asked, without a store.
//!
//! The place of a unit in [0, 1) is the first 52 bits of the SHA-256 of `EXPERIMENT\nUNIT`, over 2⁵², and each arm has a
//! stretch as long as its share. Other experiments divide the same units in another way. The same in other languages is
//! [`Assignment::code`].

use super::ArmWeights;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// An experiment and its arms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Assignment {
    experiment: String,
    arms: ArmWeights,
}

/// A language in which an application can assign its units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A module, and a program.
    Python,
    /// A module for Node.js, and a program.
    JavaScript,
    /// A class, and a program.
    Java,
}

impl Assignment {
    /// An experiment with the weights of its arms.
    ///
    /// # Errors
    /// Names with other characters than letters of ASCII, digits, `-`, `_` and `.`; in words.
    pub fn new(experiment: &str, arms: ArmWeights) -> Result<Self, String> {
        for name in std::iter::once(experiment).chain(arms.names()) {
            let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if name.is_empty() || !name.chars().all(is_fit) {
                return Err(format!(
                    "`{name}` is not a valid name: use letters, digits, `-`, `_` and `.`, which are the same in every language"
                ));
            }
        }
        Ok(Self { experiment: experiment.to_owned(), arms })
    }

    /// The arm of a unit.
    #[must_use]
    pub fn arm(&self, unit: &str) -> &str {
        let (place, total) = (self.place(unit), self.arms.total());
        let mut reached = 0.0;
        let mut arms = self.arms.iter();
        let found = arms.find(|(_, weight)| {
            reached += weight;
            place < reached / total
        });
        found.or(self.arms.iter().last()).map_or("", |(arm, _)| arm)
    }

    /// Where a unit is, in [0, 1).
    fn place(&self, unit: &str) -> f64 {
        let mut hasher = Sha256::new();
        for text in [&self.experiment, "\n", unit] {
            hasher.update(text.as_bytes());
        }
        let digest = hasher.finalize();
        let first = digest.iter().take(7).fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
        (first >> 4) as f64 / (1_u64 << 52) as f64
    }

    /// The same as a file of another language.
    #[must_use]
    pub fn code(&self, language: Language) -> String {
        let list = |of: &dyn Fn(&(String, f64)) -> String| {
            self.arms.iter().map(of).collect::<Vec<_>>().join(", ")
        };
        let (template, arms) = match language {
            Language::Python => (
                include_str!("code/assign.py"),
                list(&|(name, weight)| format!("(\"{name}\", {weight:?})")),
            ),
            Language::JavaScript => (
                include_str!("code/assign.mjs"),
                list(&|(name, weight)| format!("[\"{name}\", {weight:?}]")),
            ),
            Language::Java => (include_str!("code/Assign.java"), String::new()),
        };
        template
            .replace("@EXPERIMENT@", &self.experiment)
            .replace("@ARMS@", &arms)
            .replace("@NAMES@", &list(&|(name, _)| format!("\"{name}\"")))
            .replace("@WEIGHTS@", &list(&|(_, weight)| format!("{weight:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(experiment: &str, arms: &[(&str, f64)]) -> Result<Assignment, String> {
        let arms = arms.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect();
        Assignment::new(experiment, ArmWeights::new(arms)?)
    }

    #[test]
    fn a_unit_is_always_in_the_same_arm_and_arms_have_their_shares() {
        let arms = assignment("greeting", &[("control", 1.0), ("new", 3.0)]).unwrap();
        let other = assignment("farewell", &[("control", 1.0), ("new", 3.0)]).unwrap();
        let units: Vec<String> = (0..8_000).map(|number| format!("user-{number}")).collect();
        let in_new = |of: &Assignment| units.iter().filter(|unit| of.arm(unit) == "new").count();
        // 6,000, and four standard deviations of 39.
        assert!((5_845..=6_155).contains(&in_new(&arms)), "{}", in_new(&arms));
        let both =
            units.iter().filter(|it| arms.arm(it) == "control" && other.arm(it) == "control");
        // 500 where experiments do not depend on each other.
        assert!((410..=590).contains(&both.count()));
        // python3: int(hashlib.sha256(b"greeting\nuser-1").hexdigest()[:13], 16) / 2**52
        assert!(
            (arms.place("user-1") - 0.4290429559851525).abs() < 1e-15,
            "{}",
            arms.place("user-1")
        );
    }

    #[test]
    fn what_is_no_experiment_is_refused() {
        for (experiment, arms) in [
            ("a b", &[("x", 1.0), ("y", 1.0)][..]),
            ("e\"", &[("x", 1.0), ("y", 1.0)]),
            ("e", &[("x", 1.0)]),
            ("e", &[("x", 1.0), ("x", 2.0)]),
            ("e", &[("x", 1.0), ("y", 0.0)]),
            ("e", &[("x", 1.0), ("y", f64::NAN)]),
        ] {
            assert!(assignment(experiment, arms).is_err(), "{experiment} {arms:?}");
        }
    }
}
