//! A new model: the prompts that the search for it ended with, beside the bar.

use super::parity::{BesideBar, ParityFinding};
use super::rows::{OnModel, Rows};
use crate::id::CandidateIx;
use crate::night::FoundRun;
use crate::run::{LoadedRun, Recommendation, RunError, Status};
use crate::task::example::Split;
use serde::Serialize;

/// The prompts that the search for a new model ended with.
#[derive(Clone, Debug)]
pub enum Found {
    /// None that is known: the search is not over, or its winner was asked no held-out rows.
    Nothing,
    /// The search found no better prompt than the one in force.
    InForce(OnModel),
    /// Another prompt won.
    Changed {
        /// It; `None` where it has no answer to a held-out row.
        winner: Option<OnModel>,
        /// The prompt in force; `None` likewise.
        unchanged: Option<OnModel>,
        /// Whether `export` takes the winner without being asked to.
        is_recommended: bool,
    },
}

/// A new model.
#[derive(Clone, Debug, Serialize)]
#[serde(into = "TargetFields")]
pub struct Target {
    /// `provider/model`.
    pub model: String,
    /// The run that searched for it.
    pub run: String,
    /// How far that is; `None` before it has begun.
    pub status: Option<Status>,
    /// Its prompts.
    pub found: Found,
    /// The winner beside the bar, or why it is not measured.
    pub beside_bar: Result<BesideBar, String>,
    /// The prompt in force beside the bar.
    pub unchanged_beside_bar: Option<BesideBar>,
}

/// The fields of a new model as programs read them.
#[derive(Serialize)]
struct TargetFields {
    model: String,
    run: String,
    status: Option<Status>,
    unchanged: Option<OnModel>,
    winner: Option<OnModel>,
    is_changed: bool,
    is_recommended: bool,
    beside_bar: Option<BesideBar>,
    finding: FindingField,
    unchanged_beside_bar: Option<BesideBar>,
    unchanged_finding: FindingField,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// A finding, or that there is none.
#[derive(Serialize)]
#[serde(untagged)]
enum FindingField {
    Measured(ParityFinding),
    NotMeasured(&'static str),
}

impl From<Option<ParityFinding>> for FindingField {
    fn from(finding: Option<ParityFinding>) -> Self {
        finding.map_or(Self::NotMeasured("not_measured"), Self::Measured)
    }
}

impl From<Target> for TargetFields {
    fn from(target: Target) -> Self {
        Self {
            unchanged: target.unchanged().cloned(),
            winner: target.winner().cloned(),
            is_changed: target.is_changed(),
            is_recommended: target.is_recommended(),
            finding: target.finding().into(),
            unchanged_finding: target.unchanged_finding().into(),
            model: target.model,
            run: target.run,
            status: target.status,
            unchanged_beside_bar: target.unchanged_beside_bar,
            why: target.beside_bar.as_ref().err().cloned(),
            beside_bar: target.beside_bar.ok(),
        }
    }
}

impl Target {
    /// The search's winner on this model.
    #[must_use]
    pub fn winner(&self) -> Option<&OnModel> {
        match &self.found {
            Found::Nothing => None,
            Found::InForce(prompt) => Some(prompt),
            Found::Changed { winner, .. } => winner.as_ref(),
        }
    }

    /// The prompt in force on this model.
    #[must_use]
    pub fn unchanged(&self) -> Option<&OnModel> {
        match &self.found {
            Found::Nothing => None,
            Found::InForce(prompt) => Some(prompt),
            Found::Changed { unchanged, .. } => unchanged.as_ref(),
        }
    }

    /// Whether the winner is another prompt than the one in force.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        matches!(self.found, Found::Changed { .. })
    }

    /// Whether `export` takes the winner without being asked to.
    #[must_use]
    pub fn is_recommended(&self) -> bool {
        match self.found {
            Found::Nothing => false,
            Found::InForce(_) => true,
            Found::Changed { is_recommended, .. } => is_recommended,
        }
    }

    /// What the rows say of its winner; `None` where it is not measured.
    #[must_use]
    pub fn finding(&self) -> Option<ParityFinding> {
        self.beside_bar.as_ref().ok().map(|beside| beside.finding)
    }

    /// The same of the prompt in force.
    #[must_use]
    pub fn unchanged_finding(&self) -> Option<ParityFinding> {
        self.unchanged_beside_bar.as_ref().map(|beside| beside.finding)
    }

    /// Whether it is at parity: with its winner, or with the prompt in force.
    #[must_use]
    pub fn is_at_parity(&self) -> bool {
        [self.finding(), self.unchanged_finding()].contains(&Some(ParityFinding::Parity))
    }
}

/// The prompts of a new model, by place.
pub(super) const WINNER: usize = 0;
pub(super) const UNCHANGED: usize = 1;

/// A new model's run as far as it is, with the answers that are to be compared.
pub(super) struct UncomparedTarget {
    pub(super) model: String,
    pub(super) run: String,
    pub(super) status: Option<Status>,
    pub(super) found: Found,
    pub(super) winner: Rows,
    pub(super) unchanged: Rows,
    /// Why nothing can be compared.
    pub(super) why: Option<String>,
}

impl UncomparedTarget {
    pub(super) fn of(
        model: String,
        found: Option<&FoundRun>,
        bar: Option<&LoadedRun>,
    ) -> Result<Self, RunError> {
        let name = found.map_or_else(String::new, |it| it.name.clone());
        let unknown = |status, why: String| Self {
            model: model.clone(),
            run: name.clone(),
            status,
            found: Found::Nothing,
            winner: Rows::default(),
            unchanged: Rows::default(),
            why: Some(why),
        };
        let run = match found.and_then(|it| it.run.as_ref()) {
            None => return Ok(unknown(None, "its search has not begun".to_owned())),
            Some(Err(why)) => return Ok(unknown(None, why.clone())),
            Some(Ok(run)) => run,
        };
        let status = Some(run.summary.status);
        let (Some((winner, ..)), Status::Finished) = (run.history.state.winner, run.summary.status)
        else {
            return Ok(unknown(status, "its search is not finished".to_owned()));
        };
        let in_force = CandidateIx::BASELINE;
        let rows = Rows::of(run, winner, Split::Hold)?;
        let figures = |rows: &Rows, prompt| (!rows.is_empty()).then(|| rows.on_model(run, prompt));
        let (found, unchanged) = match winner == in_force {
            true => {
                let prompt = figures(&rows, winner);
                (prompt.map_or(Found::Nothing, Found::InForce), rows.clone())
            }
            false => {
                let unchanged = Rows::of(run, in_force, Split::Hold)?;
                let found = Found::Changed {
                    winner: figures(&rows, winner),
                    unchanged: figures(&unchanged, in_force),
                    is_recommended: run.summary.recommended == Some(Recommendation::Best),
                };
                (found, unchanged)
            }
        };
        let why = match bar {
            None => Some("the bar is not measured"),
            Some(bar) if !is_alike(bar, run) => {
                Some("the rows, or a scorer's program, have changed since the bar was measured")
            }
            _ if rows.is_empty() => Some("its winner was asked no held-out rows"),
            _ => None,
        };
        let is_comparable = bar.is_some_and(|bar| is_alike(bar, run));
        let (winner, unchanged) =
            if is_comparable { (rows, unchanged) } else { Default::default() };
        let why = why.map(str::to_owned);
        Ok(Self { model, run: name, status, found, winner, unchanged, why })
    }

    /// How many prompts are compared with the bar. What is not over yet counts as two.
    pub(super) fn prompts(&self) -> usize {
        if matches!(self.found, Found::InForce(_)) { 1 } else { 2 }
    }

    /// Nothing of it is compared before the look at its rows is taken.
    pub(super) fn wait_for(&mut self, migration: &str, look: u32) {
        (self.winner, self.unchanged) = Default::default();
        self.why.get_or_insert_with(|| {
            format!(
                "a search went on, and its rows are not compared yet: `promptsearch resume {migration}` compares them, as \
                 look {look}"
            )
        });
    }

    pub(super) fn compared(
        self,
        winner: Option<BesideBar>,
        unchanged: Option<BesideBar>,
    ) -> Target {
        let why = || self.why.unwrap_or_else(|| "no row has a score of both models".to_owned());
        Target {
            beside_bar: winner.ok_or_else(why),
            unchanged_beside_bar: unchanged,
            model: self.model,
            run: self.run,
            status: self.status,
            found: self.found,
        }
    }
}

/// Whether two runs have the same rows and scorers.
fn is_alike(bar: &LoadedRun, run: &LoadedRun) -> bool {
    let hashes = |files: &[crate::task::DataFile]| {
        files.iter().map(|file| file.blake3.clone()).collect::<Vec<_>>()
    };
    let (bars, others) = (hashes(&bar.file.programs), hashes(&run.file.programs));
    hashes(&bar.file.data) == hashes(&run.file.data)
        && bars.iter().all(|program| others.contains(program))
}
