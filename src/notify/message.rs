//! What is told: a JSON object with figures and a sentence, without prompts, rows and keys.

use crate::caps::Caps;
use crate::clock::Clock;
use crate::event::StopReason;
use crate::run::{Gain, Reading, Recommendation, Status, Summary};
use crate::text;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// The version of this format.
const SCHEMA: u32 = 1;

/// Why something is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Occasion {
    /// The run is finished.
    Finished,
    /// Something stopped the run before its end.
    Trouble,
    /// A monitor found that the prompt is worse than its record.
    Breach,
    /// A monitor found that the model has changed.
    Drift,
    /// A check of a monitor was not measured.
    NotMeasured,
    /// A share of a cap is spent.
    Threshold {
        /// The threshold, in (0, 1].
        share: f64,
        /// The cap: `usd`, `calls` or `tokens`.
        of: &'static str,
    },
}

/// What is spent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Figures {
    usd: f64,
    calls: u64,
    seconds: f64,
}

impl Figures {
    pub(super) fn of(reading: &Reading) -> Self {
        let (usd, calls) = (reading.spent.dollars(), reading.calls);
        Self { usd, calls, seconds: reading.running.as_secs_f64() }
    }
}

/// What a finished run has shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Result {
    status: Status,
    stop_reason: Option<StopReason>,
    recommended: Option<Recommendation>,
    confirmed: Option<bool>,
    gain: Option<Gain>,
    best: Option<String>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    schema: u32,
    #[serde(flatten)]
    occasion: Occasion,
    run: String,
    task: String,
    at: Timestamp,
    /// A sentence for people. Chat services show this field.
    text: String,
    spent: Figures,
    /// The caps on spending.
    caps: CapsTold,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Result>,
    /// What a monitor's check found.
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<Value>,
}

/// Caps as numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct CapsTold {
    usd: Option<f64>,
    calls: Option<u64>,
    tokens: Option<u64>,
}

impl Message {
    /// A message about spending.
    pub(super) fn new(
        run: &str,
        task: &str,
        occasion: Occasion,
        spent: Figures,
        caps: Caps,
    ) -> Self {
        let usd = caps.usd.map(crate::units::Usd::dollars);
        let (calls, tokens) = (caps.calls, caps.tokens.map(|it| it.0));
        let text = match &occasion {
            Occasion::Threshold { share, of } => {
                let of = match *of {
                    "usd" => "the dollars",
                    "calls" => "the calls",
                    _ => "the tokens",
                };
                format!(
                    "{run}: {:.0} % of {of} are spent: ${:.4} in {}",
                    share * 100.0,
                    spent.usd,
                    text::plural(usize::try_from(spent.calls).unwrap_or(usize::MAX), "call")
                )
            }
            Occasion::Finished => format!("{run} is finished"),
            Occasion::Trouble => format!("{run} was stopped"),
            Occasion::Breach | Occasion::Drift | Occasion::NotMeasured => String::new(),
        };
        let caps = CapsTold { usd, calls, tokens };
        let (run, task, at) = (run.to_owned(), task.to_owned(), Clock::System.now());
        Self {
            schema: SCHEMA,
            occasion,
            run,
            task,
            at,
            text,
            spent,
            caps,
            result: None,
            check: None,
        }
    }

    /// A message about the end of a session, with its verdict or what stopped it.
    #[must_use]
    pub fn of_end(summary: &Summary, caps: Caps, occasion: Occasion, sentence: &str) -> Self {
        let (usd, calls) = (summary.spent.usd, summary.spent.calls());
        let spent = Figures { usd, calls, seconds: summary.spent.seconds };
        let result = Result {
            status: summary.status,
            stop_reason: summary.stop_reason,
            recommended: summary.recommended,
            confirmed: summary.confirmed,
            gain: summary.gain,
            best: summary.best.as_ref().map(|best| best.candidate.to_string()),
        };
        let told = Self::new(&summary.run, &summary.task, occasion, spent, caps);
        let text = format!("{}: {sentence}", told.text);
        Self { text, result: Some(result), ..told }
    }

    /// A message about a check of a monitor, which is told with its sentence and what it found. What was spent:
    /// dollars, calls and time of all checks.
    #[must_use]
    pub fn of_check(
        (monitor, task): (&str, &str),
        occasion: Occasion,
        (usd, calls, running): (f64, u64, Duration),
        caps: Caps,
        (text, check): (String, Option<Value>),
    ) -> Self {
        let spent = Figures { usd, calls, seconds: running.as_secs_f64() };
        Self { text, check, ..Self::new(monitor, task, occasion, spent, caps) }
    }

    /// It as JSON.
    #[must_use]
    pub fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}
