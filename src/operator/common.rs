//! The keys that every operator has, and when an operator may be used.

use crate::grammar::{Described, Lines};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

kind! {
    /// The keys that every operator has.
    Common {
        /// How often it is chosen, relative to the other operators.
        weight: f64 = 1.0 => not_negative,
        /// When it may be used.
        when: When = When::Always,
        /// The most uses in a run; 0 = no limit.
        max_uses: u32 = 0,
        /// Sampling temperature of its requests; the mutator's own where none is given.
        temperature: Option<f64> = None => not_negative,
    }
}

impl Common {
    /// The most uses in a run, if that is limited.
    #[must_use]
    pub fn most_uses(&self) -> Option<u32> {
        (self.max_uses > 0).then_some(self.max_uses)
    }
}

/// When an operator may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// `always`: whenever it is chosen.
    Always,
    /// `after_accept`: once for every child of another operator that was tried in full, before
    /// anything else is bred.
    AfterAccept,
    /// `incumbent_changed`: once for every new incumbent; where the goal asks for less cost, for the baseline as well, and once
    /// more after every 4 decided children.
    IncumbentChanged,
    /// `stalled:N`: once after every N decided children in a row without a new incumbent.
    Stalled(u32),
}

impl Described for When {
    const ABOUT: Lines = &["When an operator may be used."];
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => write!(f, "always"),
            Self::AfterAccept => write!(f, "after_accept"),
            Self::IncumbentChanged => write!(f, "incumbent_changed"),
            Self::Stalled(children) => write!(f, "stalled:{children}"),
        }
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let stalled = text.strip_prefix("stalled:").and_then(|count| count.parse().ok());
        match (text.as_str(), stalled) {
            ("always", _) => Ok(Self::Always),
            ("after_accept", _) => Ok(Self::AfterAccept),
            ("incumbent_changed", _) => Ok(Self::IncumbentChanged),
            (_, Some(count)) if count > 0 => Ok(Self::Stalled(count)),
            _ => Err(serde::de::Error::custom(format!(
                "`{text}` is not an occasion: write `always`, `after_accept`, `incumbent_changed` \
                 or `stalled:N`"
            ))),
        }
    }
}
