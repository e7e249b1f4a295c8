//! The judge that grades answers, and how it compares with people.

use super::super::Report;
use super::super::words::{failed_calls, visible_line};
use super::{Place, Section};
use crate::run::Judged;
use crate::task::model::ModelRole;
use serde::Serialize;

#[derive(Serialize)]
struct Judge<'a> {
    judge: Option<&'a Judged>,
    standing: String,
    kappa: String,
    calls: u64,
    usd: f64,
    failed: Vec<String>,
}

/// The page.
#[must_use]
pub fn judge(report: &Report<'_>, place: &Place) -> Section {
    let judge = report.summary.judge.as_ref();
    let asked = report.summary.spent.by_role.get(&ModelRole::Judge.to_string());
    let kappa = judge.and_then(|judge| judge.certificate).map(|it| it.kappa);
    let it = Judge {
        judge,
        standing: judge.map_or_else(String::new, |judge| {
            crate::text::sentence_case(&visible_line(&judge.standing()))
        }),
        kappa: kappa.map_or_else(String::new, |it| {
            format!("{:.2} ({:.2} to {:.2})", it.mean, it.low, it.high)
        }),
        calls: asked.map_or(0, |it| it.calls),
        usd: asked.map_or(0.0, |it| it.usd),
        failed: failed_calls(report.summary)
            .into_iter()
            .filter(|it| it.contains("judge"))
            .collect(),
    };
    place.section(include_str!("judge.html"), it)
}
