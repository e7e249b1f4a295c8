//! Tests of promptfoo in a table: columns are variables, `__expected` holds assertions.

use super::assertion::Placed;
use super::notes::{Notes, Place};
use super::test::Test;
use crate::prompt::{Columns, value_text};
use crate::source::SourceError;
use crate::task::dataset::{Quirks, RowReader};
use crate::task::scorer::Assertion;
use std::path::Path;

/// The tests of a table.
pub(super) fn read(path: &Path, notes: &mut Notes) -> Result<Vec<Test>, SourceError> {
    let reader = RowReader::open(path, Quirks::Convert)?;
    for note in reader.notes() {
        notes.add(&Place::new(path, 1), note.clone());
    }
    let mut tests = Vec::new();
    for row in reader {
        let row = row?;
        tests.push(test(Place::new(path, row.line), row.values, notes));
    }
    Ok(tests)
}

fn test(place: Place, columns: Columns, notes: &mut Notes) -> Test {
    let mut test = Test::new(place);
    for (name, value) in columns {
        let text = value_text(&value);
        match name.strip_prefix("__") {
            None => {
                test.vars.insert(name, value);
            }
            _ if text.trim().is_empty() => {}
            Some(rest) if rest.starts_with("expected") => {
                let assertion = Assertion::of_cell(&text);
                test.assertions.push(Placed { assertion, place: test.place.clone() });
            }
            Some("description" | "metric") => {}
            Some(rest) if rest.starts_with("metadata") => {}
            Some(_) => {
                let note = format!("the column `{name}` is not supported, and is left out");
                notes.add(&test.place, note);
            }
        }
    }
    test
}
