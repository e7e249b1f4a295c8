//! The prompt in force on an old model, beside what searches found for new ones, on the same held-out rows.
//!
//! The old model's score is the bar. A new model is at parity, with a prompt, if rows show that it is not worse than the
//! bar by more than a margin that was agreed before: the low end of the paired interval lies above −margin, at the level
//! that the look at these rows has and that Holm's rule leaves to this claim beside the others. There are two claims for
//! each model: its winner, and the prompt in force as it is; one where they are the same prompt, which the search
//! decides before it sees a held-out row. A model without an answer counts among them.

use crate::engine::{Claimed, Confirmed, HeldOutRow, MIN_HOLD_ROWS};
use crate::id::CandidateIx;
use crate::night::{FoundRun, Migration};
use crate::report;
use crate::run::{AnswerFigures, LoadedRun, Recommendation, RunError, Status};
use crate::score_form::ScoreForm;
use crate::seed::Seed;
use crate::stats::weighted::{self, Weighted};
use crate::stats::{Interval, Level, holm, interval, rows_for_margin};
use crate::task::bound::Threshold;
use crate::task::example::{RowHash, Split};
use crate::task::goal::{Aim, Claim, Goal, Least};
use serde::Serialize;
use std::collections::BTreeMap;

/// The version of this format.
pub const SCHEMA: u32 = 1;

/// How long answers took, in milliseconds, each in its first successful attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half of them took at most this long.
    pub p50_ms: u32,
    /// Of twenty, nineteen took at most this long.
    pub p95_ms: u32,
    /// The number of answers. Those of batches are not among them.
    pub n: usize,
}

impl Latency {
    fn of(mut milliseconds: Vec<u32>) -> Option<Self> {
        milliseconds.sort_unstable();
        let n = milliseconds.len();
        // The smallest of them that the share does not lie above: the nearest rank.
        let at =
            |share: usize| milliseconds.get((n * share).div_ceil(100).saturating_sub(1)).copied();
        Some(Self { p50_ms: at(50)?, p95_ms: at(95)?, n })
    }
}

/// A prompt on a model, as the held-out rows show it.
#[derive(Clone, Debug, Serialize)]
pub struct OnModel {
    /// The candidate's id.
    pub candidate: String,
    /// Its mean score.
    pub quality: Option<Interval>,
    /// What 1,000 calls cost, in dollars, by these rows; `None` where no bill is known.
    pub usd_per_1k: Option<Interval>,
    /// How long they took.
    pub latency: Option<Latency>,
}

/// The bar.
#[derive(Clone, Debug, Serialize)]
pub struct Bar {
    /// `provider/model`.
    pub model: String,
    /// The run that measured it.
    pub run: String,
    /// The prompt in force.
    #[serde(flatten)]
    pub prompt: OnModel,
}

/// What the rows say of a prompt on a new model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParityFinding {
    /// It is not worse than the bar by more than the margin.
    Parity,
    /// It is worse by more than the margin: the interval that decides, which is that of Holm's level where there is one
    /// beside the 95 % interval, lies below −margin.
    Worse,
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
    /// The new model's score less the bar, paired: 95 %.
    pub difference: Interval,
    /// The same at the level that decides, where that is another one.
    pub tested: Option<Interval>,
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
    /// Whether the rows show that they do, at the level that decides.
    pub saving_shown: bool,
    /// By how much the low end that decides lies below −margin; 0 at parity.
    pub short_by: f64,
    /// How many rows show parity in 80 % of cases, if the difference stays what it is, and is at most 0; `None` at
    /// parity, or where it lies below −margin.
    pub rows_needed: Option<usize>,
    /// What follows.
    #[serde(skip)]
    pub finding: ParityFinding,
}

/// Which look at the held-out rows the comparison is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationLook {
    /// One that was taken.
    Taken(u32),
    /// The one that it would be: until it is taken, nothing is compared.
    Next(u32),
}

/// The prompts that the search for a new model ended with.
#[derive(Clone, Debug)]
pub enum Found {
    /// None that is known: the search is not over, or its winner was asked no held-out rows.
    Nothing,
    /// The search found no better prompt than the one in force.
    InForce(OnModel),
    /// Another prompt won.
    Changed {
        /// It; `None` where it has no answer to a held-out row.
        winner: Option<OnModel>,
        /// The prompt in force; `None` likewise.
        unchanged: Option<OnModel>,
        /// Whether `export` takes the winner without being asked to.
        is_recommended: bool,
    },
}

/// A new model.
#[derive(Clone, Debug, Serialize)]
#[serde(into = "TargetFields")]
pub struct Target {
    /// `provider/model`.
    pub model: String,
    /// The run that searched for it.
    pub run: String,
    /// How far that is; `None` before it has begun.
    pub status: Option<Status>,
    /// Its prompts.
    pub found: Found,
    /// The winner beside the bar, or why it is not measured.
    pub beside_bar: Result<BesideBar, String>,
    /// The prompt in force beside the bar.
    pub unchanged_beside_bar: Option<BesideBar>,
}

/// The fields of a new model as programs read them.
#[derive(Serialize)]
struct TargetFields {
    model: String,
    run: String,
    status: Option<Status>,
    unchanged: Option<OnModel>,
    winner: Option<OnModel>,
    is_changed: bool,
    is_recommended: bool,
    beside_bar: Option<BesideBar>,
    finding: FindingField,
    unchanged_beside_bar: Option<BesideBar>,
    unchanged_finding: FindingField,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// A finding, or that there is none.
#[derive(Serialize)]
#[serde(untagged)]
enum FindingField {
    Measured(ParityFinding),
    NotMeasured(&'static str),
}

impl From<Option<ParityFinding>> for FindingField {
    fn from(finding: Option<ParityFinding>) -> Self {
        finding.map_or(Self::NotMeasured("not_measured"), Self::Measured)
    }
}

impl From<Target> for TargetFields {
    fn from(target: Target) -> Self {
        Self {
            unchanged: target.unchanged().cloned(),
            winner: target.winner().cloned(),
            is_changed: target.is_changed(),
            is_recommended: target.is_recommended(),
            finding: target.finding().into(),
            unchanged_finding: target.unchanged_finding().into(),
            model: target.model,
            run: target.run,
            status: target.status,
            unchanged_beside_bar: target.unchanged_beside_bar,
            why: target.beside_bar.as_ref().err().cloned(),
            beside_bar: target.beside_bar.ok(),
        }
    }
}

/// The result of a migration.
#[derive(Clone, Debug, Serialize)]
pub struct MigrationReport {
    /// How scores are written for people.
    #[serde(skip)]
    pub score_form: ScoreForm,
    /// The version of this format.
    pub schema: u32,
    /// The migration's name.
    pub migration: String,
    /// The task's name.
    pub task: String,
    /// By how much a new model may be worse, as a score in [0, 1].
    pub margin: f64,
    /// Which look at the held-out rows it is, and its level, which all new models share.
    pub look: Level,
    /// Whether this look was taken; if not, nothing is compared.
    pub is_compared: bool,
    /// The held-out rows of the task.
    pub held_out_rows: usize,
    /// The goal of each search.
    pub goal: String,
    /// That simulated models answered, if any did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulated: Option<&'static str>,
    /// The bar; `None` before it is measured.
    pub bar: Option<Bar>,
    /// The new models, as they were named.
    pub targets: Vec<Target>,
}

impl MigrationReport {
    /// Compares. `runs` are those of the night, the bar's first, in their order.
    ///
    /// # Errors
    /// The events of a run cannot be read.
    pub fn of(
        name: &str,
        migration: &Migration,
        runs: &[FoundRun],
        look: MigrationLook,
    ) -> Result<Self, RunError> {
        let is_compared = matches!(look, MigrationLook::Taken(_));
        let (MigrationLook::Taken(number) | MigrationLook::Next(number)) = look;
        let look = Level::of_look(number);
        // Parity is claimed, and what is saved.
        let of_each = look.shared_by(2);
        let any: Vec<&LoadedRun> = runs.iter().filter_map(FoundRun::loaded).collect();
        let bar_run = runs.first().map_or_else(String::new, |run| run.name.clone());
        let bar = match runs.first().and_then(FoundRun::loaded) {
            Some(run) => Some((run, Rows::of(run, CandidateIx::BASELINE, Split::Dev)?)),
            None => None,
        };
        let bar = bar.filter(|(_, rows)| !rows.is_empty());
        let mut targets = Vec::new();
        for (place, model) in migration.to.iter().enumerate() {
            let bar = bar.as_ref().map(|(run, _)| *run);
            targets.push(UncomparedTarget::of(model.to_string(), runs.get(place + 1), bar)?);
        }
        if !is_compared {
            targets.iter_mut().for_each(|it| it.wait_for(name, number));
        }
        let goal = within(migration.margin);
        let bar_rows = bar.as_ref().map(|(_, rows)| rows);
        let pairs: Vec<[Vec<HeldOutRow>; 2]> = targets
            .iter()
            .map(|it| [it.winner.paired(bar_rows), it.unchanged.paired(bar_rows)])
            .collect();
        let claims: Vec<(usize, usize)> = targets
            .iter()
            .enumerate()
            .flat_map(|(place, it)| (0..it.prompts()).map(move |prompt| (place, prompt)))
            .collect();
        let rows_of = |claim: usize| {
            let (place, prompt) = claims[claim];
            pairs[place][prompt].as_slice()
        };
        let decided = decided(&goal, claims.len(), rows_of, of_each);
        // Savings are claims of all at once, too.
        let at_once = of_each.shared_by(claims.len());
        let beside = |place: usize, prompt: usize, unanswered: usize| {
            let claim = claims.iter().position(|it| *it == (place, prompt))?;
            let (is_parity, level) = decided[claim];
            let saves = shown(&beside(&goal, rows_of(claim), at_once), is_cheaper);
            let decision = Decision { is_parity, level, saves, unanswered };
            BesideBar::of(&goal, rows_of(claim), decision, migration.margin)
        };
        let targets = targets.into_iter().enumerate().map(|(place, measured)| {
            let missing = [&measured.winner, &measured.unchanged].map(|it| it.missing(bar_rows));
            let winner = beside(place, WINNER, missing[WINNER]);
            let unchanged = match measured.prompts() {
                1 => winner,
                _ => beside(place, UNCHANGED, missing[UNCHANGED]),
            };
            measured.compared(winner, unchanged)
        });
        let targets = targets.collect();
        let searched = runs.iter().skip(1).find_map(FoundRun::loaded);
        let hold = searched.map(|run| run.task.splits.hold.len());
        Ok(Self {
            score_form: any.first().map_or_else(ScoreForm::default, |run| run.task.score_form()),
            schema: SCHEMA,
            migration: name.to_owned(),
            task: any.first().map_or_else(String::new, |run| run.task.name.clone()),
            margin: migration.margin,
            look,
            is_compared,
            held_out_rows: hold
                .or(bar.as_ref().map(|(run, _)| run.task.splits.dev.len()))
                .unwrap_or_default(),
            goal: searched.map_or_else(String::new, |run| run.task.goal.to_string()),
            simulated: report::simulated_line_of(any.iter().copied()),
            bar: bar.map(|(run, rows)| Bar {
                model: migration.from.to_string(),
                run: bar_run,
                prompt: rows.on_model(run, CandidateIx::BASELINE),
            }),
            targets,
        })
    }

    /// The new models at parity.
    #[must_use]
    pub fn at_parity(&self) -> usize {
        self.targets.iter().filter(|target| target.is_at_parity()).count()
    }

    /// The models of which too little is known.
    #[must_use]
    pub fn not_measured(&self) -> usize {
        self.targets.iter().filter(|target| target.beside_bar.is_err()).count()
    }
}

/// What the rows of all models together decide of one prompt on one of them.
struct Decision {
    is_parity: bool,
    /// The level that Holm's rule left to it.
    level: Level,
    /// Whether its calls are shown to cost less.
    saves: bool,
    /// Rows of the bar that it gave no answer to.
    unanswered: usize,
}

/// The prompts of a new model, by place.
const WINNER: usize = 0;
const UNCHANGED: usize = 1;

/// A new model's run as far as it is, with the answers that are to be compared.
struct UncomparedTarget {
    model: String,
    run: String,
    status: Option<Status>,
    found: Found,
    winner: Rows,
    unchanged: Rows,
    /// Why nothing can be compared.
    why: Option<String>,
}

impl UncomparedTarget {
    fn of(
        model: String,
        found: Option<&FoundRun>,
        bar: Option<&LoadedRun>,
    ) -> Result<Self, RunError> {
        let name = found.map_or_else(String::new, |it| it.name.clone());
        let unknown = |status, why: String| Self {
            model: model.clone(),
            run: name.clone(),
            status,
            found: Found::Nothing,
            winner: Rows::default(),
            unchanged: Rows::default(),
            why: Some(why),
        };
        let run = match found.and_then(|it| it.run.as_ref()) {
            None => return Ok(unknown(None, "its search has not begun".to_owned())),
            Some(Err(why)) => return Ok(unknown(None, why.clone())),
            Some(Ok(run)) => run,
        };
        let status = Some(run.summary.status);
        let (Some((winner, ..)), Status::Finished) = (run.history.state.winner, run.summary.status)
        else {
            return Ok(unknown(status, "its search is not finished".to_owned()));
        };
        let in_force = CandidateIx::BASELINE;
        let rows = Rows::of(run, winner, Split::Hold)?;
        let figures = |rows: &Rows, prompt| (!rows.is_empty()).then(|| rows.on_model(run, prompt));
        let (found, unchanged) = match winner == in_force {
            true => {
                let prompt = figures(&rows, winner);
                (prompt.map_or(Found::Nothing, Found::InForce), rows.clone())
            }
            false => {
                let unchanged = Rows::of(run, in_force, Split::Hold)?;
                let found = Found::Changed {
                    winner: figures(&rows, winner),
                    unchanged: figures(&unchanged, in_force),
                    is_recommended: run.summary.recommended == Some(Recommendation::Best),
                };
                (found, unchanged)
            }
        };
        let why = match bar {
            None => Some("the bar is not measured"),
            Some(bar) if !is_alike(bar, run) => {
                Some("the rows, or a scorer's program, have changed since the bar was measured")
            }
            _ if rows.is_empty() => Some("its winner was asked no held-out rows"),
            _ => None,
        };
        let is_comparable = bar.is_some_and(|bar| is_alike(bar, run));
        let (winner, unchanged) =
            if is_comparable { (rows, unchanged) } else { Default::default() };
        let why = why.map(str::to_owned);
        Ok(Self { model, run: name, status, found, winner, unchanged, why })
    }

    /// How many prompts are compared with the bar. What is not over yet counts as two.
    fn prompts(&self) -> usize {
        if matches!(self.found, Found::InForce(_)) { 1 } else { 2 }
    }

    /// Nothing of it is compared before the look at its rows is taken.
    fn wait_for(&mut self, migration: &str, look: u32) {
        (self.winner, self.unchanged) = Default::default();
        self.why.get_or_insert_with(|| {
            format!(
                "a search went on, and its rows are not compared yet: `promptsearch resume {migration}` compares them, as \
                 look {look}"
            )
        });
    }

    fn compared(self, winner: Option<BesideBar>, unchanged: Option<BesideBar>) -> Target {
        let why = || self.why.unwrap_or_else(|| "no row has a score of both models".to_owned());
        Target {
            beside_bar: winner.ok_or_else(why),
            unchanged_beside_bar: unchanged,
            model: self.model,
            run: self.run,
            status: self.status,
            found: self.found,
        }
    }
}

impl Target {
    /// The search's winner on this model.
    #[must_use]
    pub fn winner(&self) -> Option<&OnModel> {
        match &self.found {
            Found::Nothing => None,
            Found::InForce(prompt) => Some(prompt),
            Found::Changed { winner, .. } => winner.as_ref(),
        }
    }

    /// The prompt in force on this model.
    #[must_use]
    pub fn unchanged(&self) -> Option<&OnModel> {
        match &self.found {
            Found::Nothing => None,
            Found::InForce(prompt) => Some(prompt),
            Found::Changed { unchanged, .. } => unchanged.as_ref(),
        }
    }

    /// Whether the winner is another prompt than the one in force.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        matches!(self.found, Found::Changed { .. })
    }

    /// Whether `export` takes the winner without being asked to.
    #[must_use]
    pub fn is_recommended(&self) -> bool {
        match self.found {
            Found::Nothing => false,
            Found::InForce(_) => true,
            Found::Changed { is_recommended, .. } => is_recommended,
        }
    }

    /// What the rows say of its winner; `None` where it is not measured.
    #[must_use]
    pub fn finding(&self) -> Option<ParityFinding> {
        self.beside_bar.as_ref().ok().map(|beside| beside.finding)
    }

    /// The same of the prompt in force.
    #[must_use]
    pub fn unchanged_finding(&self) -> Option<ParityFinding> {
        self.unchanged_beside_bar.as_ref().map(|beside| beside.finding)
    }

    /// Whether it is at parity: with its winner, or with the prompt in force.
    #[must_use]
    pub fn is_at_parity(&self) -> bool {
        [self.finding(), self.unchanged_finding()].contains(&Some(ParityFinding::Parity))
    }
}

impl BesideBar {
    /// A prompt on a new model beside the bar; `None` without a row.
    fn of(goal: &Goal, rows: &[HeldOutRow], decision: Decision, margin: f64) -> Option<Self> {
        let Decision { is_parity, level, saves, unanswered } = decision;
        let confirmed = beside(goal, rows, level)?;
        let (difference, test) = confirmed.gain?;
        let claimed = |is: fn(&Claim) -> bool| confirmed.claims.iter().find(|it| is(&it.claim));
        let tested = claimed(is_not_worse).and_then(|it| it.tested).map(|it| it.interval);
        let decides = tested.unwrap_or(difference);
        let squares = rows.iter().map(|row| (row.winner - row.baseline).powi(2));
        let discordance = squares.sum::<f64>() / rows.len().max(1) as f64;
        let room = margin + difference.mean.min(0.0);
        let rows_needed = (!is_parity && room > 0.0).then(|| {
            let first = rows_for_margin(room.min(1.0), discordance);
            let weighted = weighted::design_effect(rows.iter().map(|row| row.weight));
            ((first as f64 * level.sample_size_ratio() * weighted).ceil() as usize)
                .max(MIN_HOLD_ROWS)
        });
        let finding = match (is_parity, decides.high < -margin) {
            (true, _) => ParityFinding::Parity,
            (_, true) => ParityFinding::Worse,
            _ => ParityFinding::Open,
        };
        Some(Self {
            finding,
            rows: rows.len(),
            unanswered,
            difference,
            tested,
            level,
            p_value: test.p_value,
            better: rows.iter().filter(|row| row.winner > row.baseline).count(),
            worse: rows.iter().filter(|row| row.winner < row.baseline).count(),
            saving: confirmed.cost.map(|cost| cost.saving),
            saving_shown: saves,
            short_by: if is_parity { 0.0 } else { (-margin - decides.low).max(0.0) },
            rows_needed,
        })
    }
}

fn is_not_worse(claim: &Claim) -> bool {
    matches!(claim, Claim::NotWorse { .. })
}

fn is_cheaper(claim: &Claim) -> bool {
    *claim == Claim::Cheaper
}

fn shown(confirmed: &Option<Confirmed>, is: fn(&Claim) -> bool) -> bool {
    let claims = confirmed.iter().flat_map(|it| &it.claims);
    claims.filter(|it| is(&it.claim)).any(|it: &Claimed| it.shown)
}

/// As a goal: as good as the bar within the margin, and cheaper.
fn within(margin: f64) -> Goal {
    Goal {
        aim: Aim::Least { of: Least::UsdPer1k, floor: Threshold::Baseline(-margin) },
        bounds: Vec::new(),
    }
}

/// Which of some claims of parity are shown, and the level that decided each.
fn decided<'a>(
    goal: &Goal,
    claims: usize,
    rows: impl Fn(usize) -> &'a [HeldOutRow],
    look: Level,
) -> Vec<(bool, Level)> {
    holm::decided(claims, look, |claim, level| is_parity(goal, rows(claim), level))
}

fn is_parity(goal: &Goal, rows: &[HeldOutRow], level: Level) -> bool {
    rows.len() >= MIN_HOLD_ROWS && shown(&beside(goal, rows, level), is_not_worse)
}

/// A new model beside the bar. The bar has no say in what its own calls may cost.
fn beside(goal: &Goal, rows: &[HeldOutRow], level: Level) -> Option<Confirmed> {
    let seed = Seed(1).child("migration", 0);
    (!rows.is_empty()).then(|| Confirmed::of(goal, rows, true, level, seed))
}

/// Whether two runs have the same rows and scorers.
fn is_alike(bar: &LoadedRun, run: &LoadedRun) -> bool {
    let hashes = |files: &[crate::task::DataFile]| {
        files.iter().map(|file| file.blake3.clone()).collect::<Vec<_>>()
    };
    let (bars, others) = (hashes(&bar.file.programs), hashes(&run.file.programs));
    hashes(&bar.file.data) == hashes(&run.file.data)
        && bars.iter().all(|program| others.contains(program))
}

/// The answers of a prompt on a model, by row.
#[derive(Clone, Default)]
struct Rows {
    /// Rows that hold the same count as one, with their means.
    by_row: BTreeMap<RowHash, (Weighted, Option<f64>)>,
    milliseconds: Vec<u32>,
}

impl Rows {
    fn of(run: &LoadedRun, candidate: CandidateIx, split: Split) -> Result<Self, RunError> {
        let mut all: BTreeMap<RowHash, Vec<AnswerFigures>> = BTreeMap::new();
        for (row, figures) in run.answer_figures(candidate, split)? {
            all.entry(row).or_default().push(figures);
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let milliseconds = all.values().flatten().filter_map(|it| it.milliseconds).collect();
        let by_row = all.into_iter().map(|(row, answers)| {
            let scores: Vec<f64> = answers.iter().map(|it| it.score).collect();
            let usd: Option<Vec<f64>> =
                answers.iter().map(|it| Some(it.usd?.dollars() * 1_000.0)).collect();
            let weight = answers.first().map_or(1.0, |it| it.weight);
            (row, (Weighted { value: mean(&scores), weight }, usd.map(|usd| mean(&usd))))
        });
        Ok(Self { by_row: by_row.collect(), milliseconds })
    }

    fn is_empty(&self) -> bool {
        self.by_row.is_empty()
    }

    /// How many rows of the bar have no answer here.
    fn missing(&self, bar: Option<&Self>) -> usize {
        let rows = bar.into_iter().flat_map(|bar| bar.by_row.keys());
        rows.filter(|row| !self.by_row.contains_key(*row)).count()
    }

    /// The rows of the bar. One that the new model gave no answer to is wrong: who moves to it has none, either.
    fn paired(&self, bar: Option<&Self>) -> Vec<HeldOutRow> {
        let Some(bar) = bar.filter(|_| !self.is_empty()) else { return Vec::new() };
        let pair = |(row, (bars, theirs)): (&RowHash, &(Weighted, Option<f64>))| {
            let (own, mine) = self.by_row.get(row).copied().unzip();
            let (winner, usd_per_1k) =
                (own.map_or(0.0, |it| it.value), mine.flatten().zip(*theirs));
            let Weighted { value: baseline, weight } = *bars;
            HeldOutRow { winner, baseline, weight, usd_per_1k, measured: Vec::new() }
        };
        bar.by_row.iter().map(pair).collect()
    }

    fn on_model(&self, run: &LoadedRun, candidate: CandidateIx) -> OnModel {
        let seed = Seed(1).child("migration", 1);
        let (scores, usd): (Vec<Weighted>, Vec<Option<f64>>) =
            self.by_row.values().copied().unzip();
        let usd: Vec<f64> = usd.into_iter().flatten().collect();
        OnModel {
            candidate: run.history.state.standing(candidate).candidate.id.to_string(),
            quality: weighted::of_scores(&scores, seed),
            usd_per_1k: interval::of_amounts(&usd, seed),
            latency: Latency::of(self.milliseconds.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_answers_that_were_measured() {
        assert_eq!(Latency::of(Vec::new()), None);
        assert_eq!(Latency::of(vec![7]), Some(Latency { p50_ms: 7, p95_ms: 7, n: 1 }));
        let twenty = (1..=20).rev().collect();
        assert_eq!(Latency::of(twenty), Some(Latency { p50_ms: 10, p95_ms: 19, n: 20 }));
    }

    /// The new model is right where the bar is, and refuses a sixth of the rows: that is no parity.
    #[test]
    fn a_row_that_is_refused_is_wrong() {
        let of = |rows: std::ops::Range<usize>| Rows {
            by_row: rows
                .map(|row| {
                    let hash = RowHash::try_from(format!("{row:032x}")).unwrap();
                    let value = f64::from(u8::from(row % 4 > 0));
                    (hash, (Weighted { value, weight: 1.0 }, Some(0.1)))
                })
                .collect(),
            ..Rows::default()
        };
        let (bar, new) = (of(0..180), of(0..150));
        let pairs = new.paired(Some(&bar));
        assert_eq!((pairs.len(), new.missing(Some(&bar))), (180, 30));
        assert_eq!(target(&pairs, 0.05, 1).finding().unwrap(), ParityFinding::Worse);
        assert_eq!(
            target(&of(0..180).paired(Some(&bar)), 0.05, 1).finding().unwrap(),
            ParityFinding::Parity
        );
        assert!(Rows::default().paired(Some(&bar)).is_empty(), "it was not asked at all");
    }

    fn rows(n: usize, wins: usize, losses: usize) -> Vec<HeldOutRow> {
        let row = |row| HeldOutRow {
            winner: f64::from(u8::from(row >= losses)),
            baseline: f64::from(u8::from(!(losses..losses + wins).contains(&row))),
            weight: 1.0,
            usd_per_1k: Some((0.1, 0.5)),
            measured: Vec::new(),
        };
        (0..n).map(row).collect()
    }

    fn target(rows: &[HeldOutRow], margin: f64, models: usize) -> Target {
        let measured = UncomparedTarget {
            model: "a/b".to_owned(),
            run: "m-a-b".to_owned(),
            status: Some(Status::Finished),
            found: Found::Nothing,
            winner: Rows::default(),
            unchanged: Rows::default(),
            why: None,
        };
        let goal = within(margin);
        let level = Level::FIRST.shared_by(models);
        let is_parity = is_parity(&goal, rows, level);
        let decision = Decision { is_parity, level, saves: false, unanswered: 0 };
        measured.compared(BesideBar::of(&goal, rows, decision, margin), None)
    }

    /// 20 rows of 400 lost and 20 won: a standard error of √(40)/400, so that a margin of four points is 2.5 of them.
    #[test]
    fn more_models_need_more_and_what_is_missing_is_said() {
        let rows_of_one = target(&rows(400, 20, 20), 0.04, 1);
        assert_eq!(rows_of_one.finding().unwrap(), ParityFinding::Parity);
        assert!(
            rows_of_one
                .verdict(0.04, ScoreForm::Percent)
                .starts_with("parity: not worse than the bar by more than 4.0 pp: +0.0 pp")
        );
        let open = target(&rows(400, 20, 20), 0.04, 5);
        let beside = open.beside_bar.clone().unwrap();
        assert_eq!(
            (open.finding().unwrap(), beside.better, beside.worse),
            (ParityFinding::Open, 20, 20)
        );
        // (z + 0.84)² × 0.1/0.04², z = 2.576: 730 rows, at half a percent.
        assert!((725..735).contains(&beside.rows_needed.unwrap()), "{beside:?}");
        assert!(beside.short_by > 0.0 && beside.tested.unwrap().low < -0.04, "{beside:?}");
        let said = open.verdict(0.04, ScoreForm::Percent);
        assert!(
            said.contains("not shown: parity within 4.0 pp is missed by 0.")
                && said.contains("0.50 % one-sided"),
            "{said}"
        );
        assert!(said.ends_with("held-out rows would show it, if the difference stays"), "{said}");
        // Above the bar, the rows are those for a difference of 0.
        let above = target(&rows(400, 42, 40), 0.04, 5);
        assert_eq!(above.finding().unwrap(), ParityFinding::Open);
        let said = above.verdict(0.04, ScoreForm::Percent);
        assert!(said.ends_with("would show it, if it is as good as the bar"), "{said}");
        // Below the margin, and not shown to be: no number of rows helps.
        let below = target(&rows(400, 0, 20), 0.04, 1);
        assert_eq!(
            (below.finding().unwrap(), below.beside_bar.as_ref().unwrap().rows_needed),
            (ParityFinding::Open, None)
        );
        assert!(
            below
                .verdict(0.04, ScoreForm::Percent)
                .ends_with("no number of rows would show it, if the difference stays")
        );
        let worse = target(&rows(400, 0, 60), 0.04, 1);
        assert_eq!(worse.finding().unwrap(), ParityFinding::Worse);
        // A better model is at parity; too few rows show nothing, however good.
        assert_eq!(target(&rows(400, 60, 0), 0.0, 1).finding().unwrap(), ParityFinding::Parity);
        assert_eq!(target(&rows(29, 29, 0), 0.5, 1).finding().unwrap(), ParityFinding::Open);
    }

    /// Three models, each with two prompts, all of them worse by exactly the margin: how often is any called at parity?
    #[test]
    fn models_at_the_margin_are_rarely_called_at_parity() {
        use rand::Rng;
        let (margin, discordance) = (0.05, 0.2);
        let goal = within(margin);
        let wins = (discordance - margin) / 2.0;
        let is_wrong = |trial: &u64| {
            let mut rng = Seed(23).child("migration", *trial).rng();
            let mut row = || match rng.random::<f64>() {
                it if it < wins => (1.0, 0.0),
                it if it < discordance => (0.0, 1.0),
                _ => (1.0, 1.0),
            };
            let mut rows = || -> Vec<HeldOutRow> {
                let pairs = (0..200).map(|_| row());
                pairs
                    .map(|(winner, baseline)| HeldOutRow {
                        winner,
                        baseline,
                        weight: 1.0,
                        usd_per_1k: None,
                        measured: Vec::new(),
                    })
                    .collect()
            };
            let pairs = [(); 6].map(|()| rows());
            let rows_of = |claim: usize| pairs[claim].as_slice();
            decided(&goal, 6, rows_of, Level::FIRST).iter().any(|(parity, _)| *parity)
        };
        // 2.5 % of 1,000 are 25, with a standard deviation of 5; without Holm's rule it would be 141.
        let wrong = (0..1_000).filter(is_wrong).count();
        assert!((8..=42).contains(&wrong), "{wrong}");
    }
}
