//! `doctor`: checks with one small call per role whether a run can begin.

use super::args::PreviewArgs;
use super::error::{CliError, Kind};
use super::resources;
use super::screen::Screen;
use super::settings;
use crate::clock::Clock;
use crate::doctor::{self, Cause, Checkup, Diagnosis, Setup};
use crate::run::{self, RunKind};
use crate::task::Task;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn doctor(args: &PreviewArgs, screen: &Screen) -> Result<(), CliError> {
    let task = Arc::new(Task::load(&args.task)?);
    let caps = settings::caps(&task, &args.caps, &Clock::System)?;
    let (recipe, left_out) =
        settings::recipe_for(&task, &args.strategy.strategy, &args.strategy.sets)?;
    run::check_simulated(&task, |role| RunKind::Search.asks(&task, &recipe, role))?;
    resources::check(resources::connections(&task, args.concurrency))?;
    settings::check_operators(&recipe, &task)?;
    let (_, next) = super::plan::next_look(&args.out.out, &task)?;
    for line in super::plan::warnings(&task, next).into_iter().chain(left_out) {
        screen.warn(&line);
    }
    let (access, keyless) = settings::access_in_part(&task, args.concurrency);
    let programs = settings::check_programs(&task);
    let out = args.out.out.clone();
    let setup = Setup { task, recipe, caps, access, keyless, out };
    let checkup = Checkup::of(setup).with_mistake("programs", programs);
    screen.note(&checkup.asked().plan_in_words());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::unexpected(format!("no runtime: {error}")))?;
    let diagnosis = runtime.block_on(checkup.run(&Clock::System));
    // A program that hangs must not keep this one.
    runtime.shutdown_timeout(Duration::from_millis(200));
    let page = doctor::page(&diagnosis, screen.colour(), screen.width());
    screen.show(&serde_json::to_value(&diagnosis)?, &page)?;
    fault(&diagnosis).map_or(Ok(()), Err)
}

/// The error that the first fault is: it decides the exit code.
fn fault(diagnosis: &Diagnosis) -> Option<CliError> {
    let fault = diagnosis.first_fault()?;
    let kind = match fault.cause {
        Some(Cause::Task) => Kind::Invalid,
        Some(Cause::Folder) => Kind::Usage,
        Some(Cause::Provider) => Kind::Refused,
        None => Kind::Unexpected,
    };
    let error = CliError::new(kind, format!("{} {}: {}", fault.about, fault.check, fault.words));
    Some(match &fault.remedy {
        Some(remedy) => error.hint(remedy),
        None => error,
    })
}
