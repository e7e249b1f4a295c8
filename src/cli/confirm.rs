//! `confirm`: compares candidates of a finished run with the baseline on held-out rows.

use super::args::ConfirmArgs;
use super::error::CliError;
use super::explain::unfound;
use super::resources;
use super::run::{check_bills, check_certified, searched};
use super::screen::Screen;
use super::settings;
use crate::clock::Clock;
use crate::id::CandidateIx;
use crate::report::explain::find_candidate;
use crate::report::{self, Report};
use crate::run::{ConfirmationPlan, LoadedRun, Run, RunDir};
use crate::task::model::Provider;
use serde_json::json;

pub(super) fn confirm(args: &ConfirmArgs, screen: &Screen) -> Result<(), CliError> {
    let dir = RunDir::find(&args.out.out, &args.run)?;
    resources::check(args.concurrency.unwrap_or(Provider::DEFAULT_CONCURRENCY))?;
    let candidates = named(&Run::read(&dir)?, &args.candidates)?;
    super::log::to_file_of(&dir);
    let mut run = Run::open(&dir)?;
    if args.require_certified {
        check_certified(run.task())?;
    }
    // Where no flag names a cap, what its night has passed on to other runs is not asked for again.
    let own = super::night_budget::within(&dir, run.caps())?;
    let caps = settings::raised_caps(own, run.running()?, &args.caps, &Clock::System)?;
    let caps = caps.unwrap_or(own);
    let changed = caps != run.caps();
    let plan = run.plan_confirmation(&candidates, caps)?;
    if plan == ConfirmationPlan::Done {
        drop(run);
        return show(&Run::read(&dir)?, &candidates, screen);
    }
    if args.accept_changed_provider {
        for change in run.provider_changes() {
            screen.warn(&format!("accepted: {change}"));
        }
        run.accept_provider_changes()?;
    }
    run.check_providers()?;
    let access = settings::access(run.task(), |role| run.asks(role), args.concurrency)?;
    // What it left of its share may have been passed on.
    super::night_budget::allow(&dir, caps)?;
    match plan {
        ConfirmationPlan::Begins(confirmation) => run.confirm(confirmation, caps)?,
        _ if changed => run.set_caps(caps)?,
        _ => {}
    }
    screen.note(&format!("confirming in {}", dir.path().display()));
    let run = searched(run.with_access(access), &dir, false, screen)?;
    show(&run, &candidates, screen)?;
    check_bills(&run)
}

/// The candidates that the command line names.
fn named(run: &LoadedRun, names: &[String]) -> Result<Vec<CandidateIx>, CliError> {
    let report = Report::from(run);
    names.iter().map(|name| find_candidate(&report, name.trim()).map_err(unfound)).collect()
}

/// Prints the last confirmation of all these candidates.
fn show(run: &LoadedRun, asked: &[CandidateIx], screen: &Screen) -> Result<(), CliError> {
    let summary = &run.summary;
    let has = |family: &&crate::run::FamilyResult| {
        let is_in = |asked: &CandidateIx| {
            *asked == CandidateIx::BASELINE
                || family.candidates.iter().any(|it| it.candidate_number == asked.0)
        };
        asked.iter().all(is_in)
    };
    let family =
        summary.confirmations.iter().rev().find(has).ok_or_else(|| {
            CliError::unexpected("the candidates were not compared on held-out rows")
        })?;
    let mut value = serde_json::to_value(family)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("run".to_owned(), json!(summary.run));
        fields.insert("task".to_owned(), json!(summary.task));
        fields.insert("spent_usd".to_owned(), json!(summary.spent.usd));
    }
    screen.show(&value, &report::family_page(family, summary.score_form))
}
