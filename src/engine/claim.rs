//! What the goal claims of the winner, and whether held-out rows show it.
//!
//! Not which rows are asked, which is `confirmation`'s, nor how it is told, which is the reports'.

use super::held_out::{HeldOutRow, MIN_HOLD_ROWS, held_out_rows};
use super::measures::{Sample, is_kept, of_bound, of_less, sample_of_bound, sample_of_less};
use crate::event::Confirmation;
use crate::id::CandidateIx;
use crate::memory::State;
use crate::seed::Seed;
use crate::state::Look;
use crate::stats::interval::{of_amounts, of_amounts_beyond};
use crate::stats::weighted::{self, Weighted};
use crate::stats::{Interval, Level, PairedTest, Tested, holm};
use crate::task::example::MustPassResult;
use crate::task::goal::{Claim, Goal};
use serde::{Deserialize, Serialize};

/// What 1,000 calls cost, in dollars, by what the held-out rows cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOutCost {
    /// The winner's.
    pub best: Interval,
    /// The baseline's.
    pub baseline: Interval,
    /// The baseline's less the winner's, paired by row.
    pub saving: Interval,
}

/// What a goal says of the winner, and whether held-out rows show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claimed {
    /// What it says.
    #[serde(flatten)]
    pub claim: Claim,
    /// Whether the rows show it.
    pub shown: bool,
    /// Of a bound: what was measured, with its 95 % interval. Of one beside the baseline it is the difference. Of a measure
    /// that is to be less: the baseline's less the winner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Interval>,
    /// The interval that decided it; `None` where the 95 % interval did, and where the winner is the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested: Option<Tested>,
    /// Of a bound, or of a measure that is to be less, that is not shown because too few rows have a value, or because their
    /// values are too much alike: what these rows say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
}

/// The result of the confirmation.
#[derive(Clone, Debug)]
pub struct Confirmed {
    /// The winner's mean.
    pub winner: Option<Interval>,
    /// The baseline's mean.
    pub baseline: Option<Interval>,
    /// The gain, and the test of what the goal says of the winner's quality; `None` if the winner is the baseline.
    pub gain: Option<(Interval, PairedTest)>,
    /// What both cost; `None` if the winner is the baseline, or no bill is known.
    pub cost: Option<HeldOutCost>,
    /// What the goal says of the winner, and whether the rows show it.
    pub claims: Vec<Claimed>,
    /// Of a winner that is another prompt than the baseline: what the rows that must pass say of it.
    pub must_pass: Option<MustPassResult>,
    /// Whether the goal's claim holds: each of `claims` is shown, on at least 30 rows, and all rows that must pass do.
    pub is_shown: bool,
}

/// Evaluates the confirmation. A row with one side missing is left out of both.
#[must_use]
pub fn confirmed(state: &State, goal: &Goal, seed: Seed) -> Option<Confirmed> {
    let (winner, _, rows) = state.winner?;
    let rows = held_out_rows(state, goal, winner, rows, state.look_of_winner());
    let is_changed = winner != CandidateIx::BASELINE;
    let (level, seed) = (Level::of_look(state.look()), seed.child("hold", 0));
    let must_pass = must_pass(state, winner, state.look_of_winner());
    (!rows.is_empty()).then(|| {
        Confirmed::of(goal, &rows, is_changed, level, seed).with(must_pass.filter(|_| is_changed))
    })
}

/// One of several candidates that are compared with the baseline at once.
#[derive(Clone, Debug)]
pub struct FamilyMember {
    /// The candidate.
    pub candidate: CandidateIx,
    /// What the rows show, and whether they show the goal's claim at `level`.
    pub confirmed: Confirmed,
    /// The level that Holm's rule left to it.
    pub level: Level,
    /// The p-value of what the goal says of the quality, by Holm's rule: it may be compared with the level of the
    /// look. `None` without rows.
    pub p_adjusted: Option<f64>,
}

/// What the held-out rows that must pass say of a candidate by itself, as far as a look counts them; `None` where none must.
fn must_pass(state: &State, candidate: CandidateIx, look: Option<&Look>) -> Option<MustPassResult> {
    let rows = state.must_pass.hold as usize;
    let closed = look.and_then(|look| look.closed);
    let failed = state.standing(candidate).fails_on_hold(state.must_pass, closed);
    (rows > 0).then_some(MustPassResult { rows, failed })
}

/// Evaluates a confirmation of several candidates: its look's level is shared by them.
#[must_use]
pub fn confirmed_family(
    state: &State,
    goal: &Goal,
    seed: Seed,
    confirmation: &Confirmation,
    taken: Option<&Look>,
) -> Vec<FamilyMember> {
    let Confirmation { family, rows, .. } = confirmation;
    let look = Level::of_look(taken.map_or(1, |look| look.number));
    let of_each: Vec<Vec<HeldOutRow>> = family
        .iter()
        .map(|candidate| held_out_rows(state, goal, *candidate, *rows, taken))
        .collect();
    let seed = seed.child("hold", 0);
    let at = |place: usize, level| {
        let must_pass = must_pass(state, family[place], taken);
        Confirmed::of(goal, &of_each[place], true, level, seed).with(must_pass)
    };
    let decided = holm::decided(family.len(), look, |place, level| at(place, level).is_shown);
    let mut members: Vec<FamilyMember> = (0..)
        .zip(family)
        .zip(decided)
        .map(|((place, candidate), (_, level))| {
            let confirmed = at(place, level);
            FamilyMember { candidate: *candidate, confirmed, level, p_adjusted: None }
        })
        .collect();
    let p_value = |it: &FamilyMember| it.confirmed.gain.map_or(1.0, |(_, test)| test.p_value);
    let adjusted = holm::adjusted(&members.iter().map(p_value).collect::<Vec<_>>());
    for (member, adjusted) in members.iter_mut().zip(adjusted) {
        member.p_adjusted = member.confirmed.gain.map(|_| adjusted);
    }
    members
}

impl Confirmed {
    /// Evaluates the rows of winner and baseline; `is_changed`: the winner is another prompt than the baseline;
    /// `level`: that at which its claim is tested.
    #[must_use]
    pub fn of(
        goal: &Goal,
        rows: &[HeldOutRow],
        is_changed: bool,
        level: Level,
        seed: Seed,
    ) -> Self {
        let mine = scores(rows, |row| row.winner);
        let theirs = scores(rows, |row| row.baseline);
        let baseline = weighted::of_scores(&theirs, seed.child("seed", 0));
        // A baseline that is shown to miss what the goal asks is no bar for the cost.
        let of_cost = level.shared_by(goal.ways_of_cost());
        let of_baseline =
            weighted::of_scores_beyond(&theirs, of_cost.one_sided, seed.child("seed", 0));
        let is_bar = of_baseline.is_none_or(|it| goal.is_kept_by_baseline(it.high));
        let mut claims = goal.claims();
        claims.retain(|claim| is_bar || !matches!(claim, Claim::Cheaper | Claim::Less { .. }));
        let winner = weighted::of_scores(&mine, seed.child("winner", 0));
        let gain = is_changed.then(|| gain(&claims, rows, &mine, level, seed)).flatten();
        let cost = is_changed.then(|| cost(rows, seed)).flatten();
        // Answers that were served from the journal have no cost of their own.
        let known_cost = cost.filter(|cost| cost.saving.n >= MIN_HOLD_ROWS);
        let claimed = |claim: Claim| {
            let is_of_cost = matches!(claim, Claim::Cheaper | Claim::Less { .. });
            let own = if is_of_cost { of_cost } else { level };
            let is_later = !own.is_first();
            let measured = match &claim {
                Claim::Bound(bound) => of_bound(goal, bound, rows, Level::FIRST.one_sided, seed),
                Claim::Less { of } => of_less(goal, *of, rows, Level::FIRST.one_sided, seed),
                _ => None,
            };
            let usual = || match claim {
                Claim::Better | Claim::NotWorse { .. } => gain.map(|(gain, _)| gain),
                Claim::QualityAtLeast { .. } => winner,
                Claim::Cheaper => cost.map(|cost| cost.saving),
                Claim::CostAtMost { .. } => cost.map(|cost| cost.best),
                Claim::Bound(_) | Claim::Less { .. } => measured,
            };
            let tested = match (is_changed, is_later) {
                (false, _) => None,
                (true, false) => usual(),
                (true, true) => at_level(goal, &claim, rows, own, seed),
            };
            let passes = gain.is_some_and(|(_, test)| test.p_value <= level.one_sided);
            let shown = tested.is_some_and(|tested| match &claim {
                Claim::Better => passes && tested.low > 0.0,
                Claim::NotWorse { margin } => tested.low > -*margin,
                Claim::QualityAtLeast { quality } => tested.low >= *quality,
                Claim::Cheaper => known_cost.is_some() && tested.low > 0.0,
                Claim::Less { .. } => tested.low > 0.0,
                Claim::CostAtMost { usd_per_1k } => {
                    known_cost.is_some() && tested.high <= usd_per_1k + 1e-12
                }
                Claim::Bound(bound) => is_kept(bound, tested),
            });
            let sample = match &claim {
                Claim::Bound(bound) => sample_of_bound(goal, bound, rows, own),
                Claim::Less { of } => sample_of_less(goal, *of, rows, level),
                _ => None,
            };
            let says_nothing = |it: &Sample| tested.is_none() || it.rows < it.needed;
            let sample = sample.filter(|it| is_changed && !shown && says_nothing(it));
            let tested = tested.filter(|_| is_later);
            let tested = tested.map(|interval| Tested { interval, level: own });
            Claimed { claim, shown, measured, tested, sample }
        };
        let claims: Vec<Claimed> = claims.into_iter().map(claimed).collect();
        Self {
            winner,
            baseline,
            gain,
            cost,
            is_shown: rows.len() >= MIN_HOLD_ROWS && claims.iter().all(|claimed| claimed.shown),
            claims,
            must_pass: None,
        }
    }

    /// The same with what the rows that must pass say.
    fn with(self, must_pass: Option<MustPassResult>) -> Self {
        let is_shown = self.is_shown && must_pass.is_none_or(|it| it.failed == 0);
        Self { must_pass, is_shown, ..self }
    }
}

/// What a claim is about, with the chance of its level beyond each end.
fn at_level(
    goal: &Goal,
    claim: &Claim,
    rows: &[HeldOutRow],
    level: Level,
    seed: Seed,
) -> Option<Interval> {
    let chance = level.one_sided;
    match claim {
        Claim::Better | Claim::NotWorse { .. } => {
            weighted::of_differences_beyond(&differences(rows), chance, seed.child("gain", 0))
        }
        Claim::QualityAtLeast { .. } => {
            let scores = scores(rows, |row| row.winner);
            weighted::of_scores_beyond(&scores, chance, seed.child("winner", 0))
        }
        Claim::Cheaper => of_amounts_beyond(&costs(rows)[2], chance, seed.child("saving", 0)),
        Claim::CostAtMost { .. } => {
            of_amounts_beyond(&costs(rows)[0], chance, seed.child("cost", 0))
        }
        Claim::Bound(bound) => of_bound(goal, bound, rows, chance, seed),
        Claim::Less { of } => of_less(goal, *of, rows, chance, seed),
    }
}

fn scores(rows: &[HeldOutRow], score: fn(&HeldOutRow) -> f64) -> Vec<Weighted> {
    rows.iter().map(|row| Weighted { value: score(row), weight: row.weight }).collect()
}

fn differences(rows: &[HeldOutRow]) -> Vec<Weighted> {
    scores(rows, |row| row.winner - row.baseline)
}

/// The gain, and the test of what is claimed of the quality.
fn gain(
    claims: &[Claim],
    rows: &[HeldOutRow],
    winner: &[Weighted],
    level: Level,
    seed: Seed,
) -> Option<(Interval, PairedTest)> {
    let differences = differences(rows);
    let scores = rows.iter().flat_map(|row| [row.winner, row.baseline]);
    let is_binary = scores.into_iter().all(|score| score == 0.0 || score == 1.0);
    let test = claims.iter().find_map(|claim| match *claim {
        Claim::NotWorse { margin } => {
            Some(weighted::non_inferiority(&differences, margin, level, seed.child("gain", 0)))
        }
        Claim::QualityAtLeast { quality } => {
            Some(weighted::above_level(winner, quality, level, seed.child("winner", 0)))
        }
        Claim::Better
        | Claim::Cheaper
        | Claim::Less { .. }
        | Claim::CostAtMost { .. }
        | Claim::Bound(_) => None,
    });
    let test = test.unwrap_or_else(|| {
        weighted::superiority(&differences, is_binary, level, seed.child("test", 0))
    });
    Some((weighted::of_differences(&differences, seed.child("gain", 0))?, test))
}

/// What the calls of winner and baseline cost on the rows that both were paid for, and what is saved.
fn costs(rows: &[HeldOutRow]) -> [Vec<f64>; 3] {
    let (mine, theirs): (Vec<f64>, Vec<f64>) = rows.iter().filter_map(|row| row.usd_per_1k).unzip();
    let savings = mine.iter().zip(&theirs).map(|(mine, theirs)| theirs - mine).collect();
    [mine, theirs, savings]
}

fn cost(rows: &[HeldOutRow], seed: Seed) -> Option<HeldOutCost> {
    let [mine, theirs, savings] = costs(rows);
    Some(HeldOutCost {
        best: of_amounts(&mine, seed.child("cost", 0))?,
        baseline: of_amounts(&theirs, seed.child("cost", 1))?,
        saving: of_amounts(&savings, seed.child("saving", 0))?,
    })
}
