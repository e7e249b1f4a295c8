//! `edge`: the rows of a run that are worth a look.

use super::args::EdgeArgs;
use super::error::CliError;
use super::inquire;
use super::screen::Screen;
use crate::inquiry::{Asked, Inquiry};
use crate::naming::{self, GroupQuestion, Named};
use crate::report::{EdgeCases, Naming, Report, edge_cases, edge_page};
use crate::run::{LoadedRun, Run, RunDir, RunKind};
use crate::task::{Task, TaskFiles, TaskSource};

/// Prints them.
pub(super) fn edge(args: &EdgeArgs, screen: &Screen) -> Result<(), CliError> {
    if !args.name_groups && (args.caps.is_given() || args.concurrency.is_some()) {
        let message = "`edge` asks no model, so that caps and `--concurrency` mean nothing";
        return Err(CliError::usage(message)
            .hint("add `--name-groups` to have a model name what failures have in common"));
    }
    let run = Run::read(&RunDir::find(&args.out.out, &args.run)?)?;
    if run.file.kind != RunKind::Search {
        let message =
            format!("`{}` is no search, whose prompts and rows this compares", run.file.run);
        return Err(
            CliError::usage(message).hint("`promptsearch rows` shows the rows of an evaluation")
        );
    }
    let report = Report::from(&run);
    let mut edge = edge_cases(&report, &run.dir.events())?;
    // What came is shown, whatever did not.
    let asked = match args.name_groups && !edge.groups.is_empty() {
        true => name_groups(&run, &mut edge, args, screen)?,
        false => Ok(()),
    };
    let text = edge_page(&edge, args.limit, screen.colour(), screen.width());
    screen.show(&serde_json::to_value(&edge)?, &text)?;
    if args.name_groups && edge.groups.is_empty() {
        screen.note("no group of failures is there to be named: nothing was asked");
    }
    asked
}

/// Has a model of the task name the groups. The inner result says whether all of them were asked.
fn name_groups(
    run: &LoadedRun,
    edge: &mut EdgeCases,
    args: &EdgeArgs,
    screen: &Screen,
) -> Result<Result<(), CliError>, CliError> {
    let TaskSource::Files(TaskFiles { file, .. }) = &run.task.source else {
        return Err(CliError::usage("the task was made in memory, and has no file of models"));
    };
    // Its models, keys, prices and caps are those of now.
    let task = Task::load(file)?;
    let TaskSource::Files(files) = &task.source else {
        return Err(CliError::usage("the task has no file of models"));
    };
    let best = &run.history.state.standing(run.winner()).candidate.prompt;
    let questions = naming::questions(&run.task, best, edge);
    let asked: Vec<Asked<'_>> = questions.iter().map(GroupQuestion::asked).collect();
    let inquiry = Inquiry::new(&task, files, naming::purpose(&task), &asked, &args.out.out)?;
    let replies = inquire::ask(inquiry, questions.len(), &args.caps, args.concurrency, screen)?;
    let (calls, usd) = replies.spent();
    let mut naming = Naming {
        run: replies.answers.summary.run.clone(),
        model: replies.model(),
        asked: questions.len(),
        named: 0,
        nothing_in_common: 0,
        unreadable: 0,
        calls,
        usd,
    };
    for ((group, question), reply) in edge.groups.iter_mut().zip(&questions).zip(&replies.texts) {
        match reply.as_ref().map(|reply| question.read(reply)) {
            Some(Named::Name(name)) => {
                group.name = Some(name);
                naming.named += 1;
            }
            Some(Named::Nothing) => naming.nothing_in_common += 1,
            Some(Named::Unreadable) => naming.unreadable += 1,
            None => {}
        }
    }
    edge.naming = Some(naming);
    edge.simulated = edge.simulated.or(replies.simulated()?);
    Ok(replies.answers.check(false))
}
