//! Gates of a build: whether `eval` found the prompt as good and as cheap as is required, and whether a run confirmed
//! its goal.
//!
//! The measured values of an evaluation decide, not their intervals; of a run, its verdict. What was not measured
//! passes no gate, and fails none.

use super::args::EvalArgs;
use super::error::{CliError, Kind};
use super::evaluation::Evaluation;
use crate::report::{self, Report, visible_line};
use crate::run::{LoadedRun, Prompted, RunKind};
use serde::Serialize;

/// What a gate found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum GateFinding {
    /// All that is required is met.
    Passed,
    /// Something that is required is not met.
    Failed,
    /// Too many rows have no score, or a value is not known.
    NotMeasured,
}

/// A gate, as it is told with the result.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Gate {
    finding: GateFinding,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_quality: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_usd_per_1k: Option<f64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    require_improvement: bool,
    /// A sentence for each requirement that decides.
    reasons: Vec<String>,
}

impl Gate {
    /// Whether a requirement was given.
    pub(super) fn is_asked(args: &EvalArgs) -> bool {
        args.min_quality.is_some() || args.max_usd_per_1k.is_some()
    }

    /// Compares a result with what is required; `None` where nothing is. `is_measured`: enough rows have a score.
    pub(super) fn of(evaluation: &Evaluation, args: &EvalArgs, is_measured: bool) -> Option<Self> {
        let form = evaluation.score_form;
        let quality = args.min_quality.map(|least| match evaluation.quality {
            None => (GateFinding::NotMeasured, "no row has a score".to_owned()),
            Some(quality) => {
                let (is, required) = (form.score(quality.mean), form.score(least));
                let words = format!("the quality is {is}, and at least {required} is required");
                (passed(quality.mean >= least), words)
            }
        });
        let cost = args.max_usd_per_1k.map(|most| match evaluation.usd_per_1k {
            None => (GateFinding::NotMeasured, "the cost of 1,000 calls is not known".to_owned()),
            Some(usd) => {
                let words =
                    format!("1,000 calls cost {usd:.4} USD, and at most {most} USD are allowed");
                (passed(usd <= most), words)
            }
        });
        let asked = quality.into_iter().chain(cost);
        let mut all: Vec<(GateFinding, String)> = asked.collect();
        // No gate that is asked for lets a veto pass.
        if let Some(rows) = evaluation.must_pass.as_ref().filter(|_| !all.is_empty()) {
            let finding = match rows.failed_rows.is_empty() {
                true if rows.without_score > 0 => GateFinding::NotMeasured,
                is_passed => passed(is_passed),
            };
            all.push((finding, rows.in_words()));
        }
        let has = |finding: GateFinding| all.iter().any(|(found, _)| *found == finding);
        let finding = match (is_measured, all.is_empty()) {
            (_, true) => return None,
            (false, _) => GateFinding::NotMeasured,
            _ if has(GateFinding::Failed) => GateFinding::Failed,
            _ if has(GateFinding::NotMeasured) => GateFinding::NotMeasured,
            _ => GateFinding::Passed,
        };
        let decides = |found: &(GateFinding, String)| !is_measured || found.0 == finding;
        Some(Self {
            finding,
            min_quality: args.min_quality,
            max_usd_per_1k: args.max_usd_per_1k,
            require_improvement: false,
            reasons: all.into_iter().filter(decides).map(|(_, words)| words).collect(),
        })
    }

    /// Whether finished runs, at least one, have all confirmed what their goals claim of their winners.
    ///
    /// # Errors
    /// One of them searched nothing.
    pub(super) fn improvement(runs: &[LoadedRun]) -> Result<Self, CliError> {
        let mut found = Vec::new();
        for run in runs {
            if run.file.kind != RunKind::Search {
                let message = format!("`{}` is an evaluation: it searched nothing", run.file.run);
                return Err(CliError::usage(message)
                    .hint("an evaluation is held to a minimum by `eval --min-quality`"));
            }
            let words = report::verdict_line(&Report::from(run));
            let words = if runs.len() > 1 { format!("{}: {words}", run.file.run) } else { words };
            found.push((improved(run), visible_line(&words)));
        }
        let has = |finding: GateFinding| found.iter().any(|(it, _)| *it == finding);
        let finding =
            [GateFinding::Failed, GateFinding::NotMeasured].into_iter().find(|it| has(*it));
        let finding = finding.unwrap_or(GateFinding::Passed);
        Ok(Self {
            finding,
            min_quality: None,
            max_usd_per_1k: None,
            require_improvement: true,
            reasons: found.into_iter().filter(|it| it.0 == finding).map(|it| it.1).collect(),
        })
    }

    /// A line for people.
    pub(super) fn line(&self) -> String {
        let finding = match self.finding {
            GateFinding::Passed => "passed",
            GateFinding::Failed => "failed",
            GateFinding::NotMeasured => "not measured",
        };
        let required = match (self.require_improvement, self.finding) {
            (true, GateFinding::Failed) => "an improvement is required, and none is confirmed: ",
            (true, GateFinding::NotMeasured) => "an improvement is required, and was not tested: ",
            _ => "",
        };
        format!("gate {finding}: {required}{}", self.reasons.join("; "))
    }

    /// The end of the program: nothing for a gate that is passed.
    pub(super) fn check(&self) -> Result<(), CliError> {
        let kind = match self.finding {
            GateFinding::Passed => return Ok(()),
            GateFinding::Failed => Kind::Gate,
            GateFinding::NotMeasured => Kind::Refused,
        };
        Err(CliError::new(kind, self.line()))
    }
}

fn improved(run: &LoadedRun) -> GateFinding {
    let id = |prompt: &Option<Prompted>| prompt.as_ref().map(|it| it.candidate.clone());
    let has_winner = id(&run.summary.best) != id(&run.summary.baseline);
    match run.summary.confirmed {
        Some(true) => GateFinding::Passed,
        _ if has_winner && run.summary.gain.is_none() => GateFinding::NotMeasured,
        _ => GateFinding::Failed,
    }
}

fn passed(is_met: bool) -> GateFinding {
    if is_met { GateFinding::Passed } else { GateFinding::Failed }
}
