//! What was spent: by role, and over time.

use super::super::Report;
use super::super::plot::{Plot, spending_over_time};
use super::super::spending::{Spend, spend};
use super::{Place, Section};
use serde::Serialize;

#[derive(Serialize)]
struct Spending {
    spend: Spend,
    plot: Option<Plot>,
}

/// The page.
#[must_use]
pub fn spending(report: &Report<'_>, place: &Place) -> Section {
    let it = Spending { spend: spend(report), plot: spending_over_time(report) };
    place.section(include_str!("spending.html"), it)
}
