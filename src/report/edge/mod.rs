//! Edge cases: the rows of train and dev that are worth a look after a search, and what failures have in common.
//!
//! All of it comes from answers that are in the journal; nothing is asked here (`naming` has a model name groups), and held-out rows are left out. The lists are for
//! reading: they were found on rows that chose the prompts, so they are no claim about other data. The prompts of a run descend
//! from each other and share a model, so that ten of them that agree are less than ten witnesses.

mod tested; // The prompts and their scores on rows.
mod row; // A row with what became of it.
mod suspect; // Right answers that may be wrong.
mod group; // What failing rows have in common.
mod page; // For people.

pub use group::{AnsweredCase, FailureGroup, Property};
pub use page::edge_page;
pub use row::{CommonAnswer, EdgeRow};
pub use suspect::{Evidence, Suspect};

use super::Report;
use super::rows::RowsError;
use crate::journal::Events;
use serde::Serialize;
use tested::Tested;

/// Good prompts disagree on a row when the share that solve it is in this range.
const DISPUTED: std::ops::RangeInclusive<f64> = 0.25..=0.75;
/// The fewest prompts by which a row is called unsolved, disputed or broken.
const FEWEST: usize = 3;

/// The edge cases of a run.
#[derive(Clone, Debug, Serialize)]
pub struct EdgeCases {
    /// The version of this format.
    pub schema: u32,
    /// The run.
    pub run: String,
    /// The model that was asked, as `provider/model`.
    pub model: String,
    /// The id of the prompt whose failures are grouped: the winner, the incumbent, or the only one.
    pub best: String,
    /// How many prompts were asked at least a quarter of dev. Lists count these only.
    pub prompts: usize,
    /// The abler half of them, by Rasch's model: at least three where there are as many, at most 20.
    pub good_prompts: usize,
    /// Rows of train and dev that any of them was asked.
    pub rows: usize,
    /// Rows that three prompts or more were asked and none solves: no mean score of 0.5 or more.
    pub unsolved: Vec<EdgeRow>,
    /// Rows on which a prompt's repeats have unlike scores.
    pub flipping: Vec<EdgeRow>,
    /// Rows that a quarter to three quarters of the good prompts solve.
    pub disputed: Vec<EdgeRow>,
    /// Rows that the baseline solves, and at least half of the good prompts do not.
    pub broken: Vec<EdgeRow>,
    /// Rows whose right answer may be wrong, the strongest evidence first.
    pub suspects: Vec<Suspect>,
    /// What failures of the best prompt have in common.
    pub groups: Vec<FailureGroup>,
    /// How many failures of it are in no group.
    pub ungrouped: usize,
    /// How a model was asked for names of the groups, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub naming: Option<Naming>,
    /// Some rows that the best prompt solves.
    #[serde(skip)]
    pub solved: Vec<AnsweredCase>,
    /// That models were simulated, if so.
    #[serde(skip)]
    pub simulated: Option<&'static str>,
}

/// How a model was asked for names of groups, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Naming {
    /// The run that asked.
    pub run: String,
    /// The model, as `provider/model`.
    pub model: String,
    /// Groups that it was asked about.
    pub asked: usize,
    /// Those that it named.
    pub named: usize,
    /// Those whose rows have nothing in common, as it says.
    pub nothing_in_common: usize,
    /// Those of which its reply cannot be read.
    pub unreadable: usize,
    /// Calls made, in all sessions of that run.
    pub calls: u64,
    /// Dollars spent, in all sessions of that run.
    pub usd: f64,
}

/// Finds them.
///
/// # Errors
/// The events cannot be read.
pub fn edge_cases<'a>(
    report: &Report<'_>,
    events: impl Into<Events<'a>>,
) -> Result<EdgeCases, RowsError> {
    let tested = Tested::read(report, events.into())?;
    let rows: Vec<EdgeRow> = tested.asked_rows().map(|place| row::row(&tested, place)).collect();
    let share = |row: &EdgeRow| row.good_solved as f64 / row.good_asked.max(1) as f64;

    let mut unsolved: Vec<EdgeRow> =
        rows.iter().filter(|it| it.asked >= FEWEST && it.solved == 0).cloned().collect();
    unsolved.sort_by_key(|row| std::cmp::Reverse(row.asked));

    let mut flipping: Vec<EdgeRow> = rows.iter().filter(|it| it.flipped > 0).cloned().collect();
    let flip_rate = |row: &EdgeRow| row.flipped as f64 / row.repeated.max(1) as f64;
    flipping.sort_by(|a, b| {
        (b.flipped, flip_rate(b))
            .partial_cmp(&(a.flipped, flip_rate(a)))
            .unwrap_or(std::cmp::Ordering::Equal)
    });

    let is_disputed = |row: &&EdgeRow| row.good_asked >= FEWEST && DISPUTED.contains(&share(row));
    let mut disputed: Vec<EdgeRow> = rows.iter().filter(is_disputed).cloned().collect();
    // Those that tell good prompts from bad ones first; the others may be noise.
    let apart = |row: &EdgeRow| row.discrimination.unwrap_or(0.0);
    let from_half = |row: &EdgeRow| (share(row) - 0.5).abs();
    disputed
        .sort_by(|a, b| apart(b).total_cmp(&apart(a)).then(from_half(a).total_cmp(&from_half(b))));

    let is_broken = |row: &&EdgeRow| {
        row.baseline_solves == Some(true)
            && row.good_asked >= FEWEST
            && 2 * row.good_solved <= row.good_asked
    };
    let mut broken: Vec<EdgeRow> = rows.iter().filter(is_broken).cloned().collect();
    broken.sort_by(|a, b| share(a).total_cmp(&share(b)).then(b.good_asked.cmp(&a.good_asked)));

    let suspects = suspect::suspects(&tested, &rows);
    let (groups, ungrouped) = group::groups(&tested);
    Ok(EdgeCases {
        schema: 1,
        run: report.summary.run.clone(),
        model: tested.model(),
        best: tested.id_of_best(),
        prompts: tested.prompts.len(),
        good_prompts: tested.good.len(),
        rows: rows.len(),
        unsolved,
        flipping,
        disputed,
        broken,
        suspects,
        groups,
        ungrouped,
        naming: None,
        solved: group::solved(&tested),
        simulated: super::simulated_line(report),
    })
}
