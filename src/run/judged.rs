//! Which judge grades the answers of a task, and whether it was certified against people.

use super::certificate::{CERTIFICATE, Certificate, JudgeSettings};
use crate::source;
use crate::stats::{Interval, Rates};
use crate::task::Task;
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
            model: settings.model,
            certified: certificate.is_some(),
            certificate,
            why_not,
        })
    }

    /// What every claim has to say; `None` where the judge is certified.
    #[must_use]
    pub fn caveat(&self) -> Option<String> {
        let why = self.why_not.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        (!self.certified)
            .then(|| format!("judged by `{}`, not certified against people{why}", self.model))
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
    Ok(least.map(|kappa| Certified { on: certificate.on, kappa, rates: figures.rates }))
}
