//! Which judge grades the answers of a task, and whether it was certified against people.

use super::certificate::{CERTIFICATE, Certificate, JudgeSettings};
use crate::source;
use crate::stats::{Interval, Rates};
use crate::task::Task;
use crate::task::scorer::{Judging, PanelRule, Rubric};
use crate::text;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;

/// A judge, as claims have to name it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// `provider/model`.
    pub model: String,
    /// The hash of the model and of what it is told, as 64 hex digits.
    pub blake3: String,
    /// Whether a certificate beside the task is of this judge.
    pub certified: bool,
    /// What the certificate says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certified>,
    /// Why the file beside the task is not a certificate of this judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// What the scores of the run are without the judge's errors, where they are shares of answers that it passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<Corrected>,
}

/// Scores of a run, corrected for the errors of its judge.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Corrected {
    /// The baseline's score: on held-out rows; of an evaluation, on its rows.
    pub baseline: Option<Interval>,
    /// The winner's on held-out rows.
    pub best: Option<Interval>,
    /// The winner's less the baseline's.
    pub gain: Option<Interval>,
}

/// What a certificate says of a judge.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certified {
    /// The day of the comparison (UTC).
    pub on: Date,
    /// The least κ of its criteria; `n` are the answers that judge and people graded.
    pub kappa: Interval,
    /// How often it passes what people pass, and fails what people fail.
    pub rates: Option<Rates>,
    /// Whether a score of the task is the share of answers that the judge passes.
    pub scores_are_passes: bool,
}

impl Judged {
    /// The judge of a task; `None` where no scorer asks one.
    #[must_use]
    pub fn of(task: &Task) -> Option<Self> {
        let settings = JudgeSettings::of(task)?;
        let found = certified(task, &settings);
        let (certificate, why_not) = match found {
            Ok(certificate) => (certificate, None),
            Err(why) => (None, Some(why)),
        };
        Some(Self {
            blake3: settings.blake3(),
            model: settings.name(),
            certified: certificate.is_some(),
            certificate,
            why_not,
            corrected: None,
        })
    }

    /// What every claim has to say; `None` where the judge is certified.
    #[must_use]
    pub fn caveat(&self) -> Option<String> {
        let why = self.why_not.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        (!self.certified)
            .then(|| format!("judged by `{}`, not certified against people{why}", self.model))
    }

    /// The judge with scores of a run that are corrected for its errors: baseline, winner, and their difference. They are
    /// not where answers were graded without it, because they are invalid.
    #[must_use]
    pub(super) fn correcting(
        self,
        (baseline, best, gain): (Option<Interval>, Option<Interval>, Option<Interval>),
        invalid: u64,
    ) -> Self {
        let share = |seen: Option<Interval>| self.share(seen.filter(|_| invalid == 0)?);
        let difference = gain.filter(|_| invalid == 0);
        let difference = difference.and_then(|gain| self.rates()?.difference(gain));
        let corrected =
            Corrected { baseline: share(baseline), best: share(best), gain: difference };
        let is_any = corrected.baseline.is_some() || corrected.best.is_some();
        Self { corrected: is_any.then_some(corrected), ..self }
    }

    /// The rates that correct scores of the task.
    fn rates(&self) -> Option<Rates> {
        self.certificate.filter(|it| it.scores_are_passes)?.rates
    }

    /// A score without the judge's errors; `None` where it is not a share of passes.
    #[must_use]
    pub fn share(&self, seen: Interval) -> Option<Interval> {
        let passed = seen.mean * seen.n as f64;
        // Rows of unequal weight, and several answers to a row, give other sums.
        let is_count = (passed - passed.round()).abs() < 1e-6;
        self.rates().filter(|_| is_count)?.share(passed.round() as usize, seen.n)
    }

    /// The same, or what the certificate says.
    #[must_use]
    pub fn standing(&self) -> String {
        let caveat = || self.caveat().unwrap_or_default();
        self.certificate.map_or_else(caveat, |Certified { on, kappa, .. }| {
            format!(
                "judged by `{}`, certified: κ {:.2} ({:.2} to {:.2}) over {} that people graded, on {on}",
                self.model,
                kappa.mean,
                kappa.low,
                kappa.high,
                text::plural(kappa.n, "answer")
            )
        })
    }
}

/// What the certificate beside a task says of its judge; `None` where there is none.
fn certified(task: &Task, settings: &JudgeSettings) -> Result<Option<Certified>, String> {
    let bytes = match source::read(&task.folder().join(CERTIFICATE)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("`{CERTIFICATE}` cannot be read: {error}")),
    };
    let certificate = Certificate::read(&bytes)?;
    let figures = certificate.check(settings)?;
    let kappas = figures.criteria.iter().filter_map(|criterion| criterion.kappa);
    let least = kappas.min_by(|one, other| one.low.total_cmp(&other.low));
    Ok(least.map(|kappa| Certified {
        on: certificate.on,
        kappa,
        rates: figures.rates,
        scores_are_passes: scores_are_passes(task),
    }))
}

/// Whether one question with two levels is all that scores an answer.
fn scores_are_passes(task: &Task) -> bool {
    let [scorer] = task.scorers.scorers() else { return false };
    // A mean of several is no share of passes.
    let is_whole = matches!(scorer.panel_rule(), PanelRule::Majority | PanelRule::Lowest);
    if task.judges().count() > 1 && !is_whole {
        return false;
    }
    let is_question = |rubric: &Rubric| matches!(&rubric.criteria[..], [criterion] if criterion.levels.len() == 2);
    let rubric = scorer.judging().and_then(Judging::rubric);
    !scorer.is_negated() && rubric.is_some_and(is_question)
}
