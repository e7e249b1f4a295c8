//! Rows are never lost or changed: what was read is read again from its plainest spelling, and no line
//! of a table vanishes.

use super::scratch;
use crate::task::dataset::{Row, read_rows};
use serde_json::Value;
use std::path::Path;

pub(super) fn csv(bytes: &[u8]) {
    table("rows.csv", bytes);
}

pub(super) fn tsv(bytes: &[u8]) {
    table("rows.tsv", bytes);
}

pub(super) fn json_lines(bytes: &[u8]) {
    objects("rows.jsonl", bytes);
}

pub(super) fn json(bytes: &[u8]) {
    objects("rows.json", bytes);
}

fn table(name: &str, bytes: &[u8]) {
    let Some(rows) = read(&scratch::file(name, bytes), bytes) else { return };
    let names: Vec<&String> = rows[0].values.keys().collect();
    let mut writer =
        csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
    writer.write_record(&names).expect("a header");
    for row in &rows {
        assert!(row.values.keys().eq(names.iter().copied()), "all rows have the same columns");
        writer.write_record(row.values.values().map(cell)).expect("a row");
    }
    let plain = writer.into_inner().expect("a table in memory");
    // Text with zero bytes looks like UTF-16 without a mark, which is refused; one column does not say
    // what separates columns; and `sep=` at the head does.
    let is_plain = !plain.contains(&0) && names.len() > 1 && !names[0].starts_with("sep=");
    if is_plain {
        let again = read(&scratch::file("plain.csv", &plain), &plain);
        let again = again.unwrap_or_else(|| panic!("refused: {}", String::from_utf8_lossy(&plain)));
        assert_eq!(values(&again), values(&rows));
    }
    if let Ok(text) = str::from_utf8(bytes) {
        no_line_vanishes(text, &names, &rows);
    }
}

fn cell(value: &Value) -> &str {
    value.as_str().expect("a cell is a text")
}

/// A line that holds something is the header, the line that names the separator, a row, or a part of a
/// cell with line breaks.
fn no_line_vanishes(text: &str, names: &[&String], rows: &[Row]) {
    let end = if text.contains('\n') { '\n' } else { '\r' };
    let breaks = |text: &str| text.matches(end).count();
    let cells = rows.iter().flat_map(|row| row.values.values()).map(cell);
    let inner: usize = cells.chain(names.iter().map(|name| name.as_str())).map(breaks).sum();
    let holds_something = |line: &&str| line.contains(char::is_alphanumeric);
    let filled = text.split(end).filter(holds_something).count();
    let (rows, most) = (rows.len(), rows.len() + inner + 2);
    assert!(filled <= most, "{filled} lines, but {rows} rows with {inner} line breaks");
}

fn objects(name: &str, bytes: &[u8]) {
    let Some(rows) = read(&scratch::file(name, bytes), bytes) else { return };
    let mut plain = String::new();
    for row in &rows {
        plain += &serde_json::to_string(&row.values).expect("values are JSON");
        plain.push('\n');
    }
    let plain = plain.into_bytes();
    let again = read(&scratch::file("plain.jsonl", &plain), &plain).expect("plain rows are read");
    assert_eq!(values(&again), values(&rows));
}

fn values(rows: &[Row]) -> Vec<&crate::prompt::Columns> {
    rows.iter().map(|row| &row.values).collect()
}

/// The rows; `None` where the file is refused, with a line that it has.
fn read(path: &Path, bytes: &[u8]) -> Option<Vec<Row>> {
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
    match read_rows(path) {
        Ok(rows) => {
            let mut before = 0;
            for row in &rows {
                assert!(row.line >= before && row.line <= lines, "line {} of {lines}", row.line);
                before = row.line;
            }
            Some(rows)
        }
        Err(error) => {
            assert!(
                error.line.is_none_or(|line| line >= 1 && line <= lines),
                "{error:?} of {lines}"
            );
            assert!(!error.message.is_empty());
            None
        }
    }
}
