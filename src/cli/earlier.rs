//! Earlier runs that a new one takes something from, as `--reuse` and `--warm` name them: runs, or a night for the
//! runs that it has.
//!
//! Of several tasks each takes from the runs of the same task. Whether a run has anything for it is checked in `run`.

use super::args::RunArgs;
use super::error::CliError;
use super::screen::Screen;
use crate::night::Night;
use crate::run::{RUN_FILE, ReuseSource, RunDir, RunDirError, RunError, RunFile, WarmStart};
use crate::task::Task;
use std::path::Path;

/// What the run of one task takes.
#[derive(Default)]
pub(super) struct Earlier {
    /// Whose answers.
    pub(super) reuse: Vec<ReuseSource>,
    /// Whose prompts.
    pub(super) warm: Option<WarmStart>,
}

impl Earlier {
    fn has_source(&self, source: &ReuseSource) -> bool {
        self.reuse.iter().any(|known| known.folder == source.folder)
    }
}

/// What the run of each task takes, frozen as it is now.
pub(super) fn of_tasks(
    args: &RunArgs,
    tasks: &[Task],
    screen: &Screen,
) -> Result<Vec<Earlier>, CliError> {
    let mut all: Vec<Earlier> = tasks.iter().map(|_| Earlier::default()).collect();
    for asked in &args.reuse {
        let named = Named::find(&args.out.out, asked)?;
        named.for_tasks(tasks, screen, |dir, place| {
            let source = ReuseSource::freeze(dir, &tasks[place])?;
            if !all[place].has_source(&source) {
                all[place].reuse.push(source);
            }
            Ok(())
        })?;
    }
    for asked in &args.warm {
        let named = Named::find(&args.out.out, asked)?;
        named.for_tasks(tasks, screen, |dir, place| {
            let warm = WarmStart::from(dir, &tasks[place])?;
            warm.looks_elsewhere(&args.out.out)?;
            if let Some(other) = all[place].warm.as_ref().filter(|it| it.folder != warm.folder) {
                let both = format!("`{}` and `{}`", other.run, warm.run);
                let task = &tasks[place].name;
                return Err(CliError::usage(format!(
                    "`--warm`: {both} are both of the task `{task}`"
                ))
                .hint("a search starts from one run: name one of them"));
            }
            all[place].warm = Some(warm);
            Ok(())
        })?;
    }
    Ok(all)
}

/// What a name on the command line stands for.
struct Named<'a> {
    asked: &'a str,
    runs: Vec<RunDir>,
    is_night: bool,
}

impl<'a> Named<'a> {
    fn find(out: &Path, asked: &'a str) -> Result<Self, CliError> {
        match RunDir::find(out, asked) {
            Err(RunDirError::Night(dir)) => {
                let night = Night::read(&dir)?;
                let runs = (0..night.file().runs.len()).map(|run| RunDir::at(night.run_dir(run)));
                // Those that have begun.
                let runs = runs.filter(|run| run.file(RUN_FILE).exists()).collect();
                Ok(Self { asked, runs, is_night: true })
            }
            found => Ok(Self { asked, runs: vec![found?], is_night: false }),
        }
    }

    /// Takes from each of its runs for each task that it is of. Of a night, what has nothing to give is left out.
    fn for_tasks(
        &self,
        tasks: &[Task],
        screen: &Screen,
        mut take: impl FnMut(&RunDir, usize) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let (mut is_taken, mut refused) = (false, None);
        let mut theirs = Vec::new();
        for dir in &self.runs {
            let name = RunFile::read(dir).map_err(RunError::from)?.task_name;
            for place in 0..tasks.len() {
                // One run for one task: whether it fits is seen by what it asked, not by a name.
                let is_alone = tasks.len() == 1 && !self.is_night;
                if !is_alone && tasks[place].name != name {
                    continue;
                }
                match take(dir, place) {
                    Err(error) if self.is_night && error.kind == super::error::Kind::Invalid => {
                        screen.warn(&format!("left out: {}", error.message));
                        refused = Some(error);
                    }
                    taken => {
                        taken?;
                        is_taken = true;
                    }
                }
            }
            theirs.push(name);
        }
        if is_taken {
            return Ok(());
        }
        let names = |names: &[String]| {
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        let of_tasks: Vec<String> = tasks.iter().map(|task| task.name.clone()).collect();
        Err(refused.unwrap_or_else(|| {
            let of = match theirs.is_empty() {
                true => "has no run that has begun".to_owned(),
                false => format!("is of {}", names(&theirs)),
            };
            CliError::usage(format!(
                "`{}` {of}; the tasks to run are {}",
                self.asked,
                names(&of_tasks)
            ))
            .hint("name runs of the same tasks: `promptsearch list` shows the task of each")
        }))
    }
}
