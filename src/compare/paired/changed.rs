//! The rows on which a prompt does better than A, and those on which it does worse.

use super::pair::Pair;
use serde::Serialize;

/// Rows whose score changed, the greatest changes first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangedRows {
    /// To a higher score.
    pub better: Vec<ChangedRow>,
    /// To a lower one.
    pub worse: Vec<ChangedRow>,
}

/// A row whose score changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangedRow {
    /// Its id.
    pub id: String,
    /// The right answer.
    pub expected: String,
    /// The scores of A and of the other prompt.
    pub scores: [f64; 2],
    /// Their answers, where they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<[String; 2]>,
}

impl ChangedRows {
    pub(super) fn of(pairs: &[Pair<'_>], listed: usize) -> Self {
        let of = |sign: f64| {
            let mut rows: Vec<&Pair<'_>> =
                pairs.iter().filter(|it| sign * it.difference() > 0.0).collect();
            // Rows that changed alike stay in their order.
            rows.sort_by(|a, b| b.difference().abs().total_cmp(&a.difference().abs()));
            rows.into_iter().take(listed).map(|pair| ChangedRow {
                id: pair.row.id.clone(),
                expected: pair.row.expected.clone(),
                scores: [pair.a.score, pair.b.score],
                answers: pair.a.answer.clone().zip(pair.b.answer.clone()).map(<[String; 2]>::from),
            })
        };
        Self { better: of(1.0).collect(), worse: of(-1.0).collect() }
    }
}
