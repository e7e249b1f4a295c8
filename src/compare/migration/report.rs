//! What a migration found.

use super::look::MigrationLook;
use super::parity::{self, BesideBar, Decision, decided, is_cheaper, is_dearer, shown, within};
use super::rows::{OnModel, Rows};
use super::target::{Target, UNCHANGED, UncomparedTarget, WINNER};
use crate::engine::HeldOutRow;
use crate::id::CandidateIx;
use crate::night::{FoundRun, Migration};
use crate::report;
use crate::run::{LoadedRun, RunError};
use crate::score_form::ScoreForm;
use crate::stats::Level;
use crate::task::example::{RowHash, Split};
use serde::Serialize;
use std::collections::BTreeSet;

/// The version of this format.
pub(super) const SCHEMA: u32 = 1;

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
        let must_pass: BTreeSet<RowHash> =
            bar.iter().flat_map(|(run, _)| run.task.splits.must_pass_hashes()).collect();
        let beside = |place: usize, prompt: usize, own: &Rows| {
            let claim = claims.iter().position(|it| *it == (place, prompt))?;
            let (is_parity, level) = decided[claim];
            let of_cost = parity::beside(&goal, rows_of(claim), at_once);
            let (saves, is_dearer) = (shown(&of_cost, is_cheaper), is_dearer(&of_cost));
            let unanswered = own.missing(bar_rows);
            let must_pass_lost = own.must_pass_lost(bar_rows, &must_pass);
            let decision =
                Decision { is_parity, level, saves, is_dearer, unanswered, must_pass_lost };
            BesideBar::of(&goal, rows_of(claim), decision, migration.margin)
        };
        let targets = targets.into_iter().enumerate().map(|(place, measured)| {
            let winner = beside(place, WINNER, &measured.winner);
            let unchanged = match measured.prompts() {
                1 => winner,
                _ => beside(place, UNCHANGED, &measured.unchanged),
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
