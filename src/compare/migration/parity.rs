//! Whether held-out rows show that a prompt on a new model is as good as the bar, within a margin, and cheaper.

use crate::engine::{Claimed, Confirmed, HeldOutRow, MIN_HOLD_ROWS};
use crate::seed::Seed;
use crate::stats::weighted;
use crate::stats::{Interval, Level, Tested, holm, rows_for_margin};
use crate::task::bound::Threshold;
use crate::task::goal::{Aim, Claim, Goal, Least};
use serde::Serialize;

/// What the rows say of a prompt on a new model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParityFinding {
    /// It is not worse than the bar by more than the margin.
    Parity,
    /// It is worse by more than the margin: the interval that decides, which is that of Holm's level where there is one
    /// beside the 95 % interval, lies below −margin.
    Worse,
    /// It does not get a row right that must pass, and that the bar has right.
    FailsMustPass,
    /// Either is possible.
    Open,
}

/// A new model beside the bar, on the rows that both have a score for.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct BesideBar {
    /// How many rows.
    pub rows: usize,
    /// Those of them that the new model gave no answer to: they count as wrong.
    pub unanswered: usize,
    /// Rows that must pass, which the bar has wholly right and the new model has not.
    pub must_pass_lost: usize,
    /// The new model's score less the bar, paired: 95 %.
    pub difference: Interval,
    /// The same at the level that decides, where that is another one.
    pub tested: Option<Tested>,
    /// That level.
    pub level: Level,
    /// The one-sided p-value of a difference at the margin.
    pub p_value: f64,
    /// Rows on which the new model is better, and on which it is worse.
    pub better: usize,
    /// See `better`.
    pub worse: usize,
    /// What 1,000 calls of the bar cost more than those of the new model, in dollars, paired: 95 %.
    pub saving: Option<Interval>,
    /// Whether the rows show that they do, at the level that all claims of savings share.
    pub saving_shown: bool,
    /// Whether they show that they cost more, likewise.
    pub dearer_shown: bool,
    /// By how much the low end that decides lies below −margin; 0 at parity.
    pub short_by: f64,
    /// How many rows show parity in 80 % of cases, if the difference stays what it is, and is at most 0; `None` at
    /// parity, or where it lies below −margin.
    pub rows_needed: Option<usize>,
    /// What follows.
    #[serde(skip)]
    pub finding: ParityFinding,
}

/// What the rows of all models together decide of one prompt on one of them.
pub(super) struct Decision {
    pub(super) is_parity: bool,
    /// The level that Holm's rule left to it.
    pub(super) level: Level,
    /// Whether its calls are shown to cost less.
    pub(super) saves: bool,
    /// Whether they are shown to cost more.
    pub(super) is_dearer: bool,
    /// Rows of the bar that it gave no answer to.
    pub(super) unanswered: usize,
    /// Rows that must pass, which the bar has wholly right and it has not.
    pub(super) must_pass_lost: usize,
}

impl BesideBar {
    /// A prompt on a new model beside the bar; `None` without a row.
    pub(super) fn of(
        goal: &Goal,
        rows: &[HeldOutRow],
        decision: Decision,
        margin: f64,
    ) -> Option<Self> {
        let Decision { is_parity, level, saves, is_dearer, unanswered, must_pass_lost } = decision;
        let confirmed = beside(goal, rows, level)?;
        let (difference, test) = confirmed.gain?;
        let claimed = |is: fn(&Claim) -> bool| confirmed.claims.iter().find(|it| is(&it.claim));
        let tested = claimed(is_not_worse).and_then(|it| it.tested);
        let decides = tested.map_or(difference, |it| it.interval);
        let squares = rows.iter().map(|row| (row.winner - row.baseline).powi(2));
        let discordance = squares.sum::<f64>() / rows.len().max(1) as f64;
        let room = margin + difference.mean.min(0.0);
        let rows_needed = (!is_parity && room > 0.0).then(|| {
            let first = rows_for_margin(room.min(1.0), discordance);
            let weighted = weighted::design_effect(rows.iter().map(|row| row.weight));
            ((first as f64 * level.sample_size_ratio() * weighted).ceil() as usize)
                .max(MIN_HOLD_ROWS)
        });
        // Of few rows the interval alone says so too often.
        let is_worse = decides.high < -margin && rows.len() >= MIN_HOLD_ROWS;
        let finding = match (is_parity, is_worse) {
            (_, true) => ParityFinding::Worse,
            _ if must_pass_lost > 0 => ParityFinding::FailsMustPass,
            (true, _) => ParityFinding::Parity,
            _ => ParityFinding::Open,
        };
        Some(Self {
            finding,
            rows: rows.len(),
            unanswered,
            must_pass_lost,
            difference,
            tested,
            level,
            p_value: test.p_value,
            better: rows.iter().filter(|row| row.winner > row.baseline).count(),
            worse: rows.iter().filter(|row| row.winner < row.baseline).count(),
            saving: confirmed.cost.map(|cost| cost.saving),
            saving_shown: saves,
            dearer_shown: is_dearer,
            short_by: if is_parity { 0.0 } else { (-margin - decides.low).max(0.0) },
            rows_needed,
        })
    }
}

fn is_not_worse(claim: &Claim) -> bool {
    matches!(claim, Claim::NotWorse { .. })
}

pub(super) fn is_cheaper(claim: &Claim) -> bool {
    *claim == Claim::Cheaper
}

pub(super) fn shown(confirmed: &Option<Confirmed>, is: fn(&Claim) -> bool) -> bool {
    let claims = confirmed.iter().flat_map(|it| &it.claims);
    claims.filter(|it| is(&it.claim)).any(|it: &Claimed| it.shown)
}

/// Whether calls are shown to cost more than those of the bar.
pub(super) fn is_dearer(confirmed: &Option<Confirmed>) -> bool {
    let Some(confirmed) = confirmed else { return false };
    let Some(cost) = confirmed.cost.filter(|cost| cost.saving.n >= MIN_HOLD_ROWS) else {
        return false;
    };
    let claimed = confirmed.claims.iter().find(|it| is_cheaper(&it.claim));
    let tested = claimed.and_then(|it| it.tested).map_or(cost.saving, |it| it.interval);
    tested.high < 0.0
}

/// As a goal: as good as the bar within the margin, and cheaper.
pub(super) fn within(margin: f64) -> Goal {
    Goal {
        aim: Aim::Least { of: Least::UsdPer1k, floor: Threshold::Baseline(-margin) },
        bounds: Vec::new(),
    }
}

/// Which of some claims of parity are shown, and the level that decided each.
pub(super) fn decided<'a>(
    goal: &Goal,
    claims: usize,
    rows: impl Fn(usize) -> &'a [HeldOutRow],
    look: Level,
) -> Vec<(bool, Level)> {
    holm::decided(claims, look, |claim, level| is_parity(goal, rows(claim), level))
}

pub(super) fn is_parity(goal: &Goal, rows: &[HeldOutRow], level: Level) -> bool {
    rows.len() >= MIN_HOLD_ROWS && shown(&beside(goal, rows, level), is_not_worse)
}

/// A new model beside the bar. The bar has no say in what its own calls may cost.
pub(super) fn beside(goal: &Goal, rows: &[HeldOutRow], level: Level) -> Option<Confirmed> {
    let seed = Seed(1).child("migration", 0);
    (!rows.is_empty()).then(|| Confirmed::of(goal, rows, true, level, seed))
}
