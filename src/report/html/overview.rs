//! The verdict, the figures, the two plots, and what changed in the prompt.

use super::super::Report;
use super::super::findings::{Figure, PartDiff, Row, figures, front, parts, pruned};
use super::super::plot::{Plot, quality_against_cost, score_against_spend};
use super::super::verdict::{Verdict, verdict};
use super::{Place, Section};
use serde::Serialize;

#[derive(Serialize)]
struct Overview {
    verdict: Verdict,
    has_winner: bool,
    /// Whether the run is finished and recommends a prompt.
    is_over: bool,
    figures: Vec<Figure>,
    pruned: Option<String>,
    parts: Vec<PartDiff>,
    front: Vec<Row>,
    spend_plot: Option<Plot>,
    cost_plot: Option<Plot>,
}

/// The first page.
#[must_use]
pub fn overview(report: &Report<'_>, place: &Place) -> Section {
    let it = Overview {
        verdict: verdict(report),
        has_winner: report.has_winner(),
        is_over: report.summary.recommended.is_some(),
        figures: figures(report),
        pruned: pruned(report),
        parts: parts(report),
        front: front(report),
        spend_plot: score_against_spend(report),
        cost_plot: quality_against_cost(report),
    };
    place.section(include_str!("overview.html"), it)
}
