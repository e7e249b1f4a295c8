//! Where the figures of a run come from.

use super::super::Report;
use super::super::findings::provenance;
use super::{Place, Section};
use serde::Serialize;

#[derive(Serialize)]
struct About {
    provenance: Vec<(String, String)>,
}

/// The page.
#[must_use]
pub fn about(report: &Report<'_>, place: &Place) -> Section {
    place.section(include_str!("about.html"), About { provenance: provenance(report) })
}
