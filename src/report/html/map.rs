//! Which prompt solves which row of dev: a window of the whole table.

use super::super::Report;
use super::super::findings::order;
use super::super::words::visible_line;
use super::{Pages, Place, Section};
use crate::id::{CandidateIx, RowIx};
use crate::state::{CandidateState, Cell};
use serde::Serialize;
use std::cmp::Ordering;

/// Prompts and rows of a window.
const PROMPTS: usize = 30;
const ROWS: usize = 60;
/// The most rows of a file.
const ROWS_IN_FILE: usize = 120;

/// Which part of the table is shown, in pages from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapWindow {
    /// Of prompts.
    pub prompts: usize,
    /// Of rows.
    pub rows: usize,
}

impl Default for MapWindow {
    fn default() -> Self {
        Self { prompts: 1, rows: 1 }
    }
}

#[derive(Serialize)]
struct Map {
    columns: Vec<ColumnHead>,
    lines: Vec<Line>,
    rows_here: String,
    pages_of_prompts: Pages,
    pages_of_rows: Pages,
    hidden: bool,
}

#[derive(Serialize)]
struct ColumnHead {
    number: usize,
    name: String,
}

#[derive(Serialize)]
struct Line {
    id: String,
    mark: &'static str,
    mean: String,
    cells: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    class: String,
    text: String,
}

/// A window of the table; nothing of rows but their numbers where they are left out.
#[must_use]
pub fn map(report: &Report<'_>, place: &Place, window: MapWindow) -> Section {
    let mut prompts: Vec<(CandidateIx, &CandidateState)> = order(report);
    prompts.retain(|(_, standing)| standing.dev().scored > 0);
    let hardest = hardest(&prompts, report.task.splits.dev.len());
    let address =
        |prompts: usize, rows: usize| format!("{}/map?prompts={prompts}&rows={rows}", place.root());
    let most_rows = if place.is_live() { ROWS } else { ROWS_IN_FILE };
    let of_prompts =
        Pages::of(prompts.len(), PROMPTS, window.prompts, |page| address(page, window.rows));
    let of_rows =
        Pages::of(hardest.len(), most_rows, window.rows, |page| address(window.prompts, page));
    let here: Vec<(usize, RowIx)> =
        (1..).zip(hardest.iter().copied()).skip(of_rows.range().start).take(most_rows).collect();
    let columns = here.iter().map(|(number, row)| ColumnHead {
        number: *number,
        name: match (report.shows_rows, report.task.splits.dev.get(row.index())) {
            (true, Some(example)) => visible_line(example.id.as_str()),
            _ => format!("row {number}"),
        },
    });
    let best = report.summary.best.as_ref().map(|best| &best.candidate);
    let form = report.score_form();
    let lines = prompts.iter().skip(of_prompts.range().start).take(PROMPTS);
    let lines = lines.map(|(number, standing)| Line {
        id: visible_line(standing.candidate.id.as_str()),
        mark: match number {
            &CandidateIx::BASELINE => "baseline",
            _ if best == Some(&standing.candidate.id) => "best",
            _ => "",
        },
        mean: standing.dev().mean().map_or_else(String::new, |mean| form.score(mean)),
        cells: here.iter().map(|(_, row)| cell(standing.dev().cell(*row))).collect(),
    });
    let last = here.last().map_or(0, |(number, _)| *number);
    let it = Map {
        rows_here: match hardest.len() {
            all if all == here.len() => String::new(),
            all => format!("Rows {} to {last} of {all}.", here.first().map_or(0, |it| it.0)),
        },
        columns: columns.collect(),
        lines: lines.collect(),
        pages_of_prompts: if place.is_live() { of_prompts } else { Pages::default() },
        pages_of_rows: if place.is_live() { of_rows } else { Pages::default() },
        hidden: !report.shows_rows,
    };
    place.section(include_str!("map.html"), it)
}

/// The rows that any prompt has a score for, the lowest mean first.
fn hardest(prompts: &[(CandidateIx, &CandidateState)], rows: usize) -> Vec<RowIx> {
    let mut sums = vec![(0.0, 0_u32); rows];
    for (_, standing) in prompts {
        for (sum, cell) in sums.iter_mut().zip(standing.dev().cells()) {
            if let Some(score) = cell.score() {
                *sum = (sum.0 + score, sum.1 + 1);
            }
        }
    }
    let mut rows: Vec<(f64, RowIx)> = (0..)
        .map(RowIx)
        .zip(sums)
        .filter(|(_, (_, count))| *count > 0)
        .map(|(row, (sum, count))| (sum / f64::from(count), row))
        .collect();
    rows.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal));
    rows.into_iter().map(|(_, row)| row).collect()
}

fn cell(cell: Cell) -> Shown {
    let (class, text) = match (cell, cell.score()) {
        (_, Some(score)) if score >= 1.0 - 1e-6 => ("s10".to_owned(), "✓".to_owned()),
        (_, Some(score)) if score <= 1e-6 => ("s0".to_owned(), "✗".to_owned()),
        (_, Some(score)) => {
            let tenths = (score * 10.0).floor().clamp(1.0, 9.0);
            (format!("s{tenths}"), format!("{:.0}", (score * 100.0).clamp(1.0, 99.0)))
        }
        (Cell::Missing, None) => ("missing".to_owned(), "?".to_owned()),
        (_, None) => ("empty".to_owned(), "·".to_owned()),
    };
    Shown { class, text }
}
