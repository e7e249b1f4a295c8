//! What a family of rows makes of one row.

use crate::prompt::Columns;

/// What a row of a family holds.
#[derive(Debug, PartialEq)]
pub(super) enum Content {
    Rows(Vec<Columns>),
    /// Nothing to use; the reason stands before the word "row", as in "archived row".
    LeftOut(&'static str),
}

impl Content {
    pub(super) fn one(row: Columns) -> Self {
        Self::Rows(vec![row])
    }

    pub(super) fn rows(self) -> Vec<Columns> {
        match self {
            Self::Rows(rows) => rows,
            Self::LeftOut(_) => Vec::new(),
        }
    }
}

/// Whether there are rows, and all fit.
pub(super) fn all(rows: &[Columns], fits: impl Fn(&Columns) -> bool) -> bool {
    !rows.is_empty() && rows.iter().all(fits)
}
