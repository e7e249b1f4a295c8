//! The judge that grades answers, and how it compares with people.

use super::super::Report;
use super::super::words::{failed_calls, visible_line};
use super::{Place, Section};
use crate::run::Judged;
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
    // Of all judges.
    let judges = report.task.judges().map(|(role, _)| role.to_string());
    let by_role = &report.summary.spent.by_role;
    let asked: Vec<_> = judges.filter_map(|role| by_role.get(&role)).collect();
    let kappa = judge.and_then(|judge| judge.certificate).map(|it| it.kappa);
    let it = Judge {
        judge,
        standing: judge.map_or_else(String::new, |judge| {
            crate::text::sentence_case(&visible_line(&judge.standing()))
        }),
        kappa: kappa.map_or_else(String::new, |it| {
            format!("{:.2} ({:.2} to {:.2})", it.mean, it.low, it.high)
        }),
        calls: asked.iter().map(|it| it.calls).sum(),
        usd: asked.iter().map(|it| it.usd).sum(),
        failed: failed_calls(report.summary)
            .into_iter()
            .filter(|it| it.contains("judge"))
            .collect(),
    };
    place.section(include_str!("judge.html"), it)
}
