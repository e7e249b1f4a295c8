//! Columns with whole chats, whose last message is the answer.

use crate::prompt::Columns;
use crate::text;

/// A column with whole chats, and the columns that they become.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WholeChat {
    pub(super) column: String,
    pub(super) input: String,
    pub(super) answer: String,
}

impl WholeChat {
    /// The usual names, unless the file has columns of its own that are called so.
    pub(super) fn new(column: String, rows: &[Columns]) -> Self {
        let is_taken = |name: &str| name != column && rows.iter().any(|row| row.contains_key(name));
        let free = |name: &str| match is_taken(name) {
            true => text::free_name(&format!("{column}_{name}"), is_taken),
            false => name.to_owned(),
        };
        Self { input: free("input"), answer: free("answer"), column }
    }
}
