//! Tables of a page for a terminal.

use crate::report::visible_line;
use crate::text::{columns_of, shorten};
use std::fmt::Write as _;

/// The width of a page: it fits the usual terminal.
pub(super) const WIDTH: usize = 80;
/// The widest name of an arm, a prompt or a segment.
const WIDEST_NAME: usize = 24;

/// A name as a table and a sentence have room for it.
pub(super) fn named(name: &str) -> String {
    visible_line(&shorten(name, WIDEST_NAME))
}

/// Writes rows of cells, each column as wide as its widest cell, behind an indent.
pub(super) fn write(out: &mut String, indent: &str, table: &[Vec<String>]) {
    let columns = table.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = table.iter().filter_map(|row| row.get(column));
        cells.map(|cell| columns_of(cell)).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in table {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            format!("{cell}{}", " ".repeat(width.saturating_sub(columns_of(cell))))
        });
        let _ = writeln!(out, "{indent}{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}
