//! The history of a monitor: a file of facts, and what they come to.

use super::{Cause, Check, CheckFinding};
use crate::night::Spending;
use crate::run::{RunDir, RunDirError};
use crate::stats::Alarm;
use crate::store::FactFile;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The file in the monitor's folder.
const FILE: &str = "checks.jsonl";

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// A check has begun.
    Begun {
        /// Its number.
        check: u32,
        /// When.
        at: Timestamp,
    },
    /// It was not measured; the next one goes on with it.
    NotMeasured {
        /// Its number.
        check: u32,
        /// When.
        at: Timestamp,
        /// Why.
        why: String,
    },
    /// It was measured.
    Measured(Box<Check>),
    /// Who is to be notified of the alarm that it raised was told.
    Told {
        /// Its number.
        check: u32,
    },
}

impl Fact {
    /// What of it no check can have written.
    fn flaw(&self) -> Option<&'static str> {
        let (check, measured) = match self {
            Self::Begun { check, .. } | Self::NotMeasured { check, .. } | Self::Told { check } => {
                (*check, None)
            }
            Self::Measured(it) => (it.check, Some(it)),
        };
        let is_evidence = |value: f64| value.is_finite() && value >= 0.0;
        let is_wrong = measured.is_some_and(|it| {
            let sides = [Some(&it.prompt), it.canary.as_ref()];
            !it.rule.is_valid() || !sides.into_iter().flatten().all(|it| is_evidence(it.e_value))
        });
        match check {
            0 | u32::MAX => Some("a check has no such number"),
            _ if is_wrong => Some("its rule or its evidence is out of range"),
            _ => None,
        }
    }
}

/// An error of a history.
pub type HistoryError = RunDirError;

/// A check with what it comes to beside those before it.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// What was found.
    pub finding: CheckFinding,
    /// What a breach or a drift comes from.
    pub cause: Option<Cause>,
    /// Whether the canary's own alarm is raised: the model has changed, whatever the prompt does.
    pub has_drifted: bool,
    /// How much of the evidence is there that an alarm of a loss needs: 1 and more raises it.
    pub loss: f64,
    /// The same for an alarm of a changed model.
    pub change: Option<f64>,
    /// What was measured.
    #[serde(flatten)]
    pub check: Check,
}

/// Whether two times are less than an interval apart, whichever is first: a clock may be set back by seconds.
fn is_near(one: Timestamp, other: Timestamp, every: Duration) -> bool {
    one.duration_since(other).unsigned_abs() < every
}

/// The facts, folded.
#[derive(Debug)]
pub struct History {
    file: FactFile<Fact>,
    checks: Vec<Judged>,
    /// The check that has begun and was not measured yet.
    open: Option<u32>,
    /// Checks that another one took the place of, before they were measured.
    abandoned: Vec<u32>,
    /// Why the last check was not measured.
    not_measured: Option<String>,
    /// The place of the last check that raised an alarm, if nobody was told about it.
    untold: Option<usize>,
    /// When the check that is open began.
    begun: Option<Timestamp>,
    /// When a check last began, or was given up.
    last: Option<Timestamp>,
    /// By rule: a check under another rule has a series of its own.
    alarms: Vec<Alarms>,
}

#[derive(Debug)]
struct Alarms {
    rule: super::Rule,
    loss: Alarm,
    change: Alarm,
}

impl History {
    /// Reads the history in a folder; it is empty where there is none.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn open(dir: &RunDir) -> Result<Self, HistoryError> {
        let (file, facts) = FactFile::open(&dir.file(FILE))?;
        let mut history = Self {
            file,
            checks: Vec::new(),
            open: None,
            abandoned: Vec::new(),
            not_measured: None,
            untold: None,
            begun: None,
            last: None,
            alarms: Vec::new(),
        };
        for (line, fact) in (1..).zip(facts) {
            if let Some(why) = fact.flaw() {
                let message = format!("line {line}: {why}");
                return Err(RunDirError::Malformed { path: dir.file(FILE), message });
            }
            history.apply(fact);
        }
        Ok(history)
    }

    /// Adds a fact; it is durable when this returns.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn append(&mut self, fact: Fact) -> Result<(), HistoryError> {
        self.file.append(std::slice::from_ref(&fact))?;
        self.apply(fact);
        Ok(())
    }

    fn apply(&mut self, fact: Fact) {
        match fact {
            Fact::Begun { check, at } => {
                // One that goes on began before.
                self.begun = self.begun.filter(|_| self.open == Some(check)).or(Some(at));
                self.abandoned.extend(self.open.filter(|open| *open != check));
                (self.open, self.last, self.not_measured) = (Some(check), Some(at), None);
            }
            Fact::NotMeasured { check, at, why } => {
                (self.open, self.last, self.not_measured) = (Some(check), Some(at), Some(why));
            }
            Fact::Measured(check) => {
                (self.open, self.not_measured) = (None, None);
                let judged = self.judged(*check);
                if judged.finding != CheckFinding::NoAlarm {
                    self.untold = Some(self.checks.len());
                }
                self.checks.push(judged);
            }
            Fact::Told { check } => {
                let is_other = |place: &usize| self.checks[*place].check.check != check;
                self.untold = self.untold.filter(is_other);
            }
        }
    }

    fn judged(&mut self, check: Check) -> Judged {
        let rule = check.rule;
        let place = self.alarms.iter().position(|known| known.rule == rule);
        let place = place.unwrap_or_else(|| {
            self.alarms.push(Alarms { rule, loss: rule.alarm(), change: rule.alarm() });
            self.alarms.len() - 1
        });
        let alarms = &mut self.alarms[place];
        let loss = alarms.loss.add(check.prompt.e_value);
        let change = check.canary.map(|canary| alarms.change.add(canary.e_value));
        let has_drifted = change.is_some_and(|share| share >= 1.0);
        let (finding, cause) = match (loss >= 1.0, has_drifted) {
            (true, true) if check.changed_parts.is_empty() => {
                (CheckFinding::Breach, Some(Cause::Model))
            }
            (true, _) => (CheckFinding::Breach, Some(check.cause())),
            (false, true) => (CheckFinding::Drift, Some(Cause::Model)),
            (false, false) => (CheckFinding::NoAlarm, None),
        };
        Judged { finding, cause, has_drifted, loss, change, check }
    }

    /// The checks that were measured, the oldest first.
    #[must_use]
    pub fn checks(&self) -> &[Judged] {
        &self.checks
    }

    /// The number of the next check, and whether it has begun already. What a check was answered longer ago than the
    /// interval is no answer of now: then another one begins.
    #[must_use]
    pub fn next(&self, every: Duration, now: Timestamp) -> (u32, bool) {
        let known = self.open.unwrap_or_else(|| self.checks.last().map_or(0, |it| it.check.check));
        let is_recent = self.begun.is_some_and(|begun| is_near(begun, now, every));
        match self.open.filter(|_| is_recent) {
            Some(open) => (open, true),
            None => (known.saturating_add(1), false),
        }
    }

    /// Why the last check was not measured, if so.
    #[must_use]
    pub fn not_measured(&self) -> Option<&str> {
        self.not_measured.as_deref()
    }

    /// Whether a check was interrupted: it goes on at once.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.open.is_some() && self.not_measured.is_none()
    }

    /// The last check that raised an alarm, if nobody was told about it, for example because of a kill.
    #[must_use]
    pub fn untold(&self) -> Option<&Judged> {
        self.checks.get(self.untold?)
    }

    /// When the next check is due; `None`: at once, as for one that was interrupted, or where the last one is in the future
    /// by the interval or more, since the clock was wrong then.
    #[must_use]
    pub fn due(&self, every: Duration, now: Timestamp) -> Option<Timestamp> {
        let is_past = |last: &Timestamp| *last <= now || is_near(*last, now, every);
        let last = self.last.filter(|last| !self.is_interrupted() && is_past(last))?;
        Some(last.checked_add(every).unwrap_or(Timestamp::MAX))
    }

    /// Checks that another one took the place of, before they were measured.
    #[must_use]
    pub fn abandoned(&self) -> &[u32] {
        &self.abandoned
    }

    /// What all measured checks have spent.
    #[must_use]
    pub fn spent(&self) -> Spending {
        self.checks.iter().fold(Spending::default(), |sum, it| sum.plus(&it.check.spent))
    }
}
