//! Which prompt was made of which: a drawing of all of them, and a table of the best one's ancestors.

use super::super::Report;
use super::super::findings::{Row, lineage as ancestors};
use super::super::words::visible_line;
use super::{Place, Section};
use crate::id::CandidateIx;
use crate::state::Status;
use crate::text::plural;
use minijinja::HtmlEscape;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The most prompts that are drawn: the latest ones, and the best one's ancestors.
const MOST: usize = 600;
/// The size of the drawing, and its margins.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 46.0;
const EDGE: f64 = 22.0;

#[derive(Serialize)]
struct Lineage {
    graph: Option<String>,
    description: String,
    has_winner: bool,
    lineage: Vec<Row>,
}

/// The page.
#[must_use]
pub fn lineage(report: &Report<'_>, place: &Place) -> Section {
    let (graph, description) = match graph(report, place) {
        Some((graph, description)) => (Some(graph), description),
        None => (None, String::new()),
    };
    let (has_winner, lineage) = (report.has_winner(), ancestors(report));
    place.section(include_str!("lineage.html"), Lineage { graph, description, has_winner, lineage })
}

/// A prompt in the drawing.
struct Node {
    candidate: CandidateIx,
    x: f64,
    y: f64,
}

/// The drawing: from left to right in the order of writing, the height is the mean on dev.
fn graph(report: &Report<'_>, place: &Place) -> Option<(String, String)> {
    let (state, form) = (&report.history.state, report.score_form());
    let scored: Vec<(CandidateIx, f64)> = state
        .numbered()
        .filter_map(|(number, standing)| Some((number, standing.dev().mean()?)))
        .collect();
    let best = report.best();
    let mut line: BTreeSet<CandidateIx> = BTreeSet::new();
    let mut open = vec![best];
    while let Some(candidate) = open.pop() {
        if line.insert(candidate) {
            let standing = state.candidates.get(candidate.index());
            open.extend(standing.into_iter().flat_map(|it| it.candidate.parents.iter().copied()));
        }
    }
    let skipped = scored.len().saturating_sub(MOST);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for (_, mean) in &scored {
        (low, high) = (low.min(*mean), high.max(*mean));
    }
    let last = f64::from(scored.last()?.0.0).max(1.0);
    let first = scored.get(skipped).map_or(0.0, |(number, _)| f64::from(number.0));
    let first = if skipped == 0 { 0.0 } else { first };
    let span = (high - low).max(0.02);
    let nodes: Vec<Node> = scored
        .iter()
        .enumerate()
        .filter(|(at, (number, _))| *at >= skipped || line.contains(number))
        .map(|(_, (number, mean))| {
            let along = ((f64::from(number.0) - first) / (last - first).max(1.0)).clamp(0.0, 1.0);
            Node {
                candidate: *number,
                x: LEFT + EDGE + along * (WIDTH - LEFT - 3.0 * EDGE),
                y: HEIGHT - 2.0 * EDGE - (mean - low) / span * (HEIGHT - 4.0 * EDGE),
            }
        })
        .collect();
    let at = |candidate: CandidateIx| {
        nodes.binary_search_by_key(&candidate, |node| node.candidate).ok().map(|at| &nodes[at])
    };
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"{}\" aria-label=\"Lineage of prompts\">",
        if place.is_live() { "group" } else { "img" }
    );
    // Writing to a string cannot fail.
    for step in 0..=4 {
        let share = f64::from(step) / 4.0;
        let y = HEIGHT - 2.0 * EDGE - share * (HEIGHT - 4.0 * EDGE);
        let _ = write!(
            svg,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text x=\"0\" y=\"{:.1}\">{}</text>",
            y + 4.0,
            HtmlEscape(&form.score(low + share * span))
        );
    }
    for is_line in [false, true] {
        for node in &nodes {
            let standing = state.standing(node.candidate);
            for parent in standing.candidate.parents.iter().filter_map(|it| at(*it)) {
                let is_own = line.contains(&node.candidate) && line.contains(&parent.candidate);
                if is_own == is_line {
                    let class = if is_line { "edge line" } else { "edge" };
                    let middle = (parent.x + node.x) / 2.0;
                    let _ = write!(
                        svg,
                        "<path class=\"{class}\" d=\"M{:.1} {:.1}C{middle:.1} {:.1} {middle:.1} {:.1} {:.1} {:.1}\"/>",
                        parent.x, parent.y, parent.y, node.y, node.x, node.y
                    );
                }
            }
        }
    }
    for node in &nodes {
        let standing = state.standing(node.candidate);
        let id = visible_line(standing.candidate.id.as_str());
        let (class, radius, word) = match node.candidate {
            CandidateIx::BASELINE => ("f-baseline", 7.0, "baseline "),
            candidate if candidate == best => ("f-best", 8.0, "best "),
            candidate if line.contains(&candidate) => ("f-front", 5.5, ""),
            _ if matches!(standing.status, Status::Dropped(_)) => ("dropped", 3.5, ""),
            _ => ("f-cloud", 4.0, ""),
        };
        let mean = standing.dev().mean().map_or_else(String::new, |mean| form.score(mean));
        let name =
            format!("{word}{id}, {mean} on {}", plural(standing.dev().scored as usize, "row"));
        let circle = format!(
            "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius}\"><title>{}</title></circle>",
            node.x,
            node.y,
            HtmlEscape(&name)
        );
        if place.is_live() {
            let _ = write!(
                svg,
                "<a href=\"{}/candidate/{}\" aria-label=\"{}\">{circle}</a>",
                HtmlEscape(place.root()),
                super::templates::path(&id),
                HtmlEscape(&name)
            );
        } else {
            svg.push_str(&circle);
        }
    }
    let _ = write!(
        svg,
        "<text x=\"{LEFT}\" y=\"{:.1}\">first written</text><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">last written</text></svg>",
        HEIGHT - 6.0,
        WIDTH - EDGE,
        HEIGHT - 6.0
    );
    let mut description = format!(
        "{} with a score, from left to right in the order of writing; the height is the mean on dev.",
        plural(scored.len(), "prompt")
    );
    if skipped > 0 {
        let _ = write!(
            description,
            " Of the first {skipped}, the best prompt's ancestors alone are drawn."
        );
    }
    Some((svg, description))
}
