//! Buttons that pause, continue and stop a run, and change what it may spend.

use super::super::Report;
use super::{Place, Section};
use crate::caps::Caps;
use crate::run::Status;
use crate::text::thousands;
use serde::Serialize;

/// What the buttons need to know beside the run.
pub struct Control<'a> {
    /// What the run may spend.
    pub caps: Caps,
    /// What a form has to bring along.
    pub key: &'a str,
    /// What came of the last action, and whether it was refused.
    pub told: Option<(String, bool)>,
}

#[derive(Serialize)]
struct Shown<'a> {
    key: &'a str,
    told: Option<String>,
    is_refused: bool,
    is_live: bool,
    is_paused: bool,
    may_resume: bool,
    usd: String,
    calls: String,
    tokens: String,
    proposals: String,
    handle: String,
}

/// The buttons.
#[must_use]
pub fn control(report: &Report<'_>, place: &Place, control: &Control<'_>) -> Section {
    let (status, caps) = (report.summary.status, &control.caps);
    let none = || "no cap".to_owned();
    let it = Shown {
        key: control.key,
        is_refused: control.told.as_ref().is_some_and(|(_, is_refused)| *is_refused),
        told: control.told.as_ref().map(|(told, _)| told.clone()),
        is_live: status.is_live(),
        is_paused: status == Status::Paused,
        may_resume: status == Status::Interrupted,
        usd: caps.usd.map_or_else(none, |usd| usd.dollars().to_string()),
        calls: caps.calls.map_or_else(none, thousands),
        tokens: caps.tokens.map_or_else(none, |tokens| thousands(tokens.0)),
        proposals: caps.proposals.map_or_else(none, thousands),
        handle: place.handle().to_owned(),
    };
    place.section(include_str!("control.html"), it)
}
