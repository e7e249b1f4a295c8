//! The rows that are worth a look.

use super::super::edge::{EdgeCases, edge_cases};
use super::super::{Report, words::visible_line};
use super::{Place, Section};
use crate::journal::Events;
use serde::Serialize;

/// The most rows of each list.
const MOST: usize = 15;

#[derive(Default, Serialize)]
struct Edge {
    edge: Option<EdgeCases>,
    why_none: Option<String>,
    hidden: bool,
    most: usize,
    handle: String,
}

/// The page.
#[must_use]
pub fn edge(report: &Report<'_>, events: Option<Events<'_>>, place: &Place) -> Section {
    let is_begun = !report.history.state.candidates.is_empty();
    let found = match (report.shows_rows, events.filter(|_| is_begun)) {
        (false, _) => Edge { hidden: true, ..Edge::default() },
        (_, None) => Edge { why_none: Some("No answer is known.".to_owned()), ..Edge::default() },
        (_, Some(events)) => match edge_cases(report, events) {
            Ok(edge) => Edge { edge: Some(edge), ..Edge::default() },
            Err(error) => {
                Edge { why_none: Some(visible_line(&error.to_string())), ..Edge::default() }
            }
        },
    };
    let it = Edge { most: MOST, handle: place.handle().to_owned(), ..found };
    place.section(include_str!("edge.html"), it)
}
