//! What a finished run has shown, in a word.
//!
//! The reasons, with all figures, are the reports'.

use super::summary::{Recommendation, Summary};
use serde::Serialize;
use std::fmt;

/// The verdict of a finished run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Held-out rows confirm that the winner is better than the baseline.
    Confirmed,
    /// The winner is better on dev, and no held-out row proves it.
    NotProven,
    /// No other prompt was better than the baseline on dev.
    KeepBaseline,
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Confirmed => "confirmed",
            Self::NotProven => "not proven",
            Self::KeepBaseline => "keep baseline",
        })
    }
}

impl Summary {
    /// The verdict; `None` for a run that is not finished.
    #[must_use]
    pub fn conclusion(&self) -> Option<Conclusion> {
        let candidate =
            |side: &Option<super::Prompted>| side.as_ref().map(|it| it.candidate.clone());
        let recommended = self.recommended?;
        Some(match recommended {
            Recommendation::Best if self.confirmed == Some(true) => Conclusion::Confirmed,
            _ if candidate(&self.best) == candidate(&self.baseline) => Conclusion::KeepBaseline,
            _ => Conclusion::NotProven,
        })
    }
}
