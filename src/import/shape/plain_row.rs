//! A row as plain columns: what a shape makes of a row of its file.

use crate::prompt::Columns;
use std::collections::BTreeSet;

/// What a row of a file holds.
pub(in crate::import) enum Plain {
    Rows(Vec<PlainRow>),
    /// Nothing to use; the reason stands before the word "row", as in "archived row".
    LeftOut(&'static str),
}

/// A plain row.
pub(in crate::import) struct PlainRow {
    pub(in crate::import) values: Columns,
    /// The marks of its choices.
    pub(in crate::import) marks: Vec<String>,
    /// What of the file's row is not in it, each as a sentence.
    pub(in crate::import) losses: BTreeSet<&'static str>,
}
