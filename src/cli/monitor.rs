//! `monitor`: asks an exported prompt and its canary the rows of its record from time to time, and raises an alarm.
//!
//! Each check is durable in the monitor's folder before it counts. What a check has paid for is in the runs of its two
//! prompts, so that one that was interrupted goes on.

use super::args::MonitorArgs;
use super::error::{CliError, Kind};
use super::eval::folder_of;
use super::evidence::{self, Asked, Exported};
use super::notifying;
use super::run::check_certified;
use super::screen::Screen;
use super::settings;
use super::signals::Signals;
use crate::caps::Caps;
use crate::clock::Clock;
use crate::compare::monitor::{
    self, CapOf, Check, CheckFinding, Fact, History, Judged, MonitorFolder, Rule,
};
use crate::compare::verification::Now;
use crate::event::StopReason;
use crate::night::Spending;
use crate::notify::{Message, Occasion};
use crate::report::visible_line;
use crate::run::{RunDir, RunDirError, SUMMARY_FILE, Status, Summary, way_on};
use crate::source::replace_file;
use crate::task::Task;
use crate::task::example::RowHash;
use crate::text;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// What came of a check; who is to be notified was told.
enum Outcome {
    Measured(Box<Judged>),
    /// It was not measured; another one may be.
    NotMeasured(CliError),
    /// Nothing is left of the cap on all checks.
    Exhausted(CliError),
}

impl Outcome {
    /// How the program ends where this check is the last.
    fn conclusion(self) -> Result<(), CliError> {
        match self {
            Self::Measured(judged) => match judged.finding {
                CheckFinding::NoAlarm => Ok(()),
                CheckFinding::Drift | CheckFinding::Breach => Err(alarm(&judged)),
            },
            Self::NotMeasured(error) | Self::Exhausted(error) => Err(error),
        }
    }
}

fn alarm(judged: &Judged) -> CliError {
    CliError::new(Kind::Gate, judged.verdict())
}

pub(super) fn monitor(args: &MonitorArgs, screen: &Screen) -> Result<(), CliError> {
    let every = text::parse_time_limit(&args.every).map_err(CliError::usage)?;
    if args.history {
        return show_history(args, screen);
    }
    let signals = Signals::watch()?;
    // The first check may be due at once, the second not before its time.
    let mut last = Ok(());
    loop {
        let exported = Exported::read(&args.file)?;
        let monitor = Monitor::of(&exported, args, every);
        let owed = monitor.tell_owed(screen)?;
        if let Some(error) = &owed {
            screen.warn(&error.message);
        }
        if !args.once {
            let due = monitor.folder.history()?.due(every, Clock::System.now());
            let wait = due.filter(|due| *due > Clock::System.now());
            if let Some(due) = wait {
                screen.note(&format!("the next check is due at {}", minute(due)));
                if signals.wait_until(due) {
                    return last;
                }
                // Meanwhile the prompt may have been exported anew, or another process made the check.
                continue;
            }
        }
        let outcome = monitor.check(screen)?;
        let is_exhausted = matches!(outcome, Outcome::Exhausted(_));
        let shown = monitor.write_prometheus().and_then(|()| monitor.show(&outcome, screen));
        last = match outcome.conclusion() {
            // What is found comes before what hinders to show it.
            Err(found) => {
                if let Err(error) = shown {
                    screen.warn(&error.message);
                }
                Err(found)
            }
            Ok(()) => {
                shown?;
                owed.filter(|_| args.once).map_or(Ok(()), Err)
            }
        };
        let goes_on = match &last {
            Ok(()) => true,
            Err(error) => !is_exhausted && (error.kind == Kind::Refused || args.keep_going),
        };
        if args.once || !goes_on {
            return last;
        }
        if let Err(error) = &last {
            screen.warn(&error.message);
        }
        if signals.were_given() {
            return last;
        }
    }
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A prompt under watch.
struct Monitor<'a> {
    exported: &'a Exported,
    args: &'a MonitorArgs,
    rule: Rule,
    every: Duration,
    folder: MonitorFolder,
}

impl<'a> Monitor<'a> {
    fn of(exported: &'a Exported, args: &'a MonitorArgs, every: Duration) -> Self {
        let folder = MonitorFolder::of(&args.out.out, &exported.record.seal);
        let rule = Rule::new(args.tolerance, args.false_alarms, every);
        Self { exported, args, rule, every, folder }
    }

    /// Makes the next check, or goes on with one that was not measured.
    fn check(&self, screen: &Screen) -> Result<Outcome, CliError> {
        let dir = self.folder.dir();
        std::fs::create_dir_all(dir.path())
            .map_err(|error| CliError::not_written(dir.path(), &error))?;
        let _lock = dir.lock()?;
        let mut history = self.folder.history()?;
        let check = self.folder.begin(&mut history, self.every)?;
        let measured = match self.measured(check, &history, screen) {
            Ok(measured) => measured,
            Err((error, is_exhausted)) if error.kind == Kind::Refused => {
                let (at, why) = (Clock::System.now(), error.message.clone());
                let written = history.append(Fact::NotMeasured { check, at, why });
                self.notify((Occasion::NotMeasured, &error.message, None), &history, screen);
                written?;
                return Ok(match is_exhausted {
                    true => Outcome::Exhausted(error),
                    false => Outcome::NotMeasured(error),
                });
            }
            Err((error, _)) => return Err(error),
        };
        history.append(Fact::Measured(Box::new(measured)))?;
        let judged = history.checks().last().cloned();
        let judged = judged.ok_or_else(|| CliError::unexpected("the check is not there"))?;
        self.tell(&judged, &mut history, screen);
        Ok(Outcome::Measured(Box::new(judged)))
    }

    /// Tells of an alarm that an earlier process raised and did not tell of; the error that it would have ended with.
    fn tell_owed(&self, screen: &Screen) -> Result<Option<CliError>, CliError> {
        // Where nothing is owed, a process that makes a check is not disturbed.
        if self.folder.history()?.untold().is_none() {
            return Ok(None);
        }
        let _lock = match self.folder.dir().lock() {
            // It tells.
            Err(RunDirError::InUse { .. }) => return Ok(None),
            lock => lock?,
        };
        let mut history = self.folder.history()?;
        let Some(judged) = history.untold().cloned() else { return Ok(None) };
        self.tell(&judged, &mut history, screen);
        let error = alarm(&judged);
        let message = format!("check {}: {}", judged.check.check, error.message);
        Ok(Some(CliError { message, ..error }))
    }

    /// Notifies of an alarm, and writes down that this is done. What hinders it is a warning: it is tried again at the
    /// next start.
    fn tell(&self, judged: &Judged, history: &mut History, screen: &Screen) {
        let occasion = match judged.finding {
            CheckFinding::NoAlarm => return,
            CheckFinding::Drift => Occasion::Drift,
            CheckFinding::Breach => Occasion::Breach,
        };
        if self.notify((occasion, &judged.verdict(), judged.value().ok()), history, screen) {
            let told = history.append(Fact::Told { check: judged.check.check });
            if let Err(error) = told {
                screen.warn(&error.to_string());
            }
        }
    }

    /// Whether all who are to be notified were told.
    fn notify(
        &self,
        (occasion, words, value): (Occasion, &str, Option<Value>),
        history: &History,
        screen: &Screen,
    ) -> bool {
        let spent = self.folder.spent(history).unwrap_or_else(|_| history.spent());
        let sentence = visible_line(&format!("{}: {words}", self.args.file.display()));
        let message = Message::of_check(
            (&self.folder.dir().name(), &self.exported.record.task),
            occasion,
            (spent.usd.dollars(), spent.calls, spent.running),
            self.total(),
            (sentence, value),
        );
        let recheck = self.exported.recheck(self.args.task.as_deref());
        let told = recheck.and_then(|it| notifying::tell(&it.task, message, screen));
        told.unwrap_or_else(|error| {
            screen.warn(&format!("a notification was not delivered: {}", error.message));
            false
        })
    }

    /// Asks prompt and canary. An error says whether the cap on all checks is the reason.
    fn measured(
        &self,
        check: u32,
        history: &History,
        screen: &Screen,
    ) -> Result<Check, (CliError, bool)> {
        let not_exhausted = |error: CliError| (error, false);
        let recheck = self.exported.recheck(self.args.task.as_deref()).map_err(not_exhausted)?;
        if self.args.require_certified {
            check_certified(&recheck.task).map_err(not_exhausted)?;
        }
        recheck.count_look(&self.args.out.out, screen).map_err(not_exhausted)?;
        let earlier = self.folder.spent(history).map_err(CliError::from).map_err(not_exhausted)?;
        let ask = |name: &str, task: Task, rows: Vec<RowHash>| {
            let side = SideRun { monitor: self, check, earlier: &earlier };
            side.ask(name, task, rows, screen)
        };
        let canary = match self.args.no_canary {
            true => None,
            false => recheck.canary().map_err(not_exhausted)?,
        };
        if canary.is_none() && !self.args.no_canary && check == 1 {
            screen.warn(
                "the record has no baseline that this task can be asked: a change of the model is not told from a worse prompt",
            );
        }
        let canary_rows = recheck.canary_rows();
        let Asked { scores, not_asked } = ask("prompt", recheck.task, recheck.rows)?;
        let now = Now { scores, not_asked, ..recheck.now };
        let canary = match canary {
            Some(task) => Some(ask("canary", task, canary_rows)?.scores),
            None => None,
        };
        let spent = self.folder.spent_by_check(check, None);
        let spent = spent.map_err(CliError::from).map_err(not_exhausted)?;
        let at = (check, Clock::System.now());
        Check::of(at, &self.exported.record, &now, canary.as_ref(), self.rule, spent).ok_or_else(
            || {
                let why = "no row has a score both in the record and now";
                (CliError::new(Kind::Refused, why), false)
            },
        )
    }

    /// Shows what came of a check: one object for one check, and one a line for several.
    fn show(&self, outcome: &Outcome, screen: &Screen) -> Result<(), CliError> {
        let (value, text) = match outcome {
            Outcome::Measured(judged) => {
                let mut lines = monitor::lines(judged);
                let judge = self.exported.record.judge_caveat();
                // The verdict stays the last line.
                let verdict = lines.pop();
                lines.extend(judge.map(|it| format!("  {it}")));
                lines.extend(verdict);
                (judged.value()?, lines.join("\n"))
            }
            // The error says it.
            Outcome::NotMeasured(_) | Outcome::Exhausted(_) if self.args.once => return Ok(()),
            Outcome::NotMeasured(error) | Outcome::Exhausted(error) => (
                json!({ "finding": "not_measured", "why": error.message }),
                "not measured".to_owned(),
            ),
        };
        match screen.json && !self.args.once {
            true => screen.print(&value.to_string()),
            false => screen.show(&value, &text),
        }
    }

    /// What all checks together may spend.
    fn total(&self) -> Caps {
        Caps { usd: self.args.max_total_usd, calls: self.args.max_total_calls, ..Caps::default() }
    }

    fn write_prometheus(&self) -> Result<(), CliError> {
        let Some(file) = &self.args.prometheus else { return Ok(()) };
        let record = &self.exported.record;
        let prompt = self.args.file.to_string_lossy();
        let labels = [
            ("task", record.task.as_str()),
            ("prompt", &*prompt),
            ("candidate", record.candidate.as_str()),
        ];
        let text = monitor::prometheus(&labels, &self.folder.history()?);
        // A collector takes only names that end as this file's does.
        replace_file(file, text.as_bytes()).map_err(|error| CliError::not_written(file, &error))
    }
}

/// The run of one of the two prompts of a check.
struct SideRun<'a> {
    monitor: &'a Monitor<'a>,
    check: u32,
    /// What earlier checks have spent.
    earlier: &'a Spending,
}

impl SideRun<'_> {
    /// Asks the rows, within what is left of the caps of the check and of all checks.
    fn ask(
        &self,
        name: &str,
        task: Task,
        rows: Vec<RowHash>,
        screen: &Screen,
    ) -> Result<Asked, (CliError, bool)> {
        let not_exhausted = |error: CliError| (error, false);
        let args = self.monitor.args;
        // After a change of the task or the prompt it is another question.
        let question = folder_of(&task, name).map_err(not_exhausted)?;
        let question = question.rsplit('-').next().unwrap_or_default().to_owned();
        let folder = self.monitor.folder.check(self.check);
        let own = RunDir::at(folder.join(format!("{name}-{question}")));
        let of_check = settings::caps(&task, &args.caps, &Clock::System).map_err(not_exhausted)?;
        let caps = [of_check, self.monitor.total()];
        let allowance = self.monitor.folder.allowance((self.check, &own), self.earlier, caps);
        let allowance = allowance.map_err(CliError::from).map_err(not_exhausted)?;
        let summary = || own.read_json::<Summary>(SUMMARY_FILE).ok();
        let is_over = summary().is_some_and(|it| {
            let caps = it.caps.unwrap_or_default();
            it.status == Status::Finished && way_on(&it, caps).is_none()
        });
        if let Some(cap) = allowance.exhausted().filter(|_| !is_over) {
            let which = if cap == CapOf::All { "all checks" } else { "a check" };
            let why = format!("the cap on {which} leaves nothing for the {name}");
            return Err((CliError::new(Kind::Refused, why).hint(more(cap)), cap == CapOf::All));
        }
        std::fs::create_dir_all(&folder)
            .map_err(|error| not_exhausted(CliError::not_written(&folder, &error)))?;
        let limits = (allowance.caps(), args.concurrency);
        evidence::ask(task, rows, own.path(), limits, screen).map_err(|error| {
            let (is_usd, is_calls) = match summary().and_then(|it| it.stop_reason) {
                Some(StopReason::BudgetUsd) => (true, false),
                Some(StopReason::BudgetCalls) => (false, true),
                Some(StopReason::BudgetTokens | StopReason::BudgetWall) => (false, false),
                _ => return (error, false),
            };
            if error.kind != Kind::Refused {
                return (error, false);
            }
            // It named the cap of one of the two prompts.
            let cap = allowance.ended_by(is_usd, is_calls);
            let error = CliError::new(Kind::Refused, error.message).hint(more(cap));
            (error, cap == CapOf::All)
        })
    }
}

/// What there is to do where a cap was too low.
fn more(cap: CapOf) -> &'static str {
    if cap == CapOf::All {
        "raise `--max-total-usd` or `--max-total-calls`: what was answered is kept"
    } else {
        "raise the cap on a check (`--max-usd`, `--max-calls`, …): what was answered is kept; `--no-canary` asks half"
    }
}

/// Shows the checks so far.
fn show_history(args: &MonitorArgs, screen: &Screen) -> Result<(), CliError> {
    let exported = Exported::read(&args.file)?;
    let monitor = Monitor::of(&exported, args, Duration::from_secs(1));
    let history = monitor.folder.history()?;
    let spent = monitor.folder.spent(&history)?;
    let value = json!({
        "schema": 1,
        "task": exported.record.task,
        "candidate": exported.record.candidate,
        "folder": monitor.folder.dir().path(),
        "spent": { "usd": spent.usd.dollars(), "calls": spent.calls },
        "not_measured": history.not_measured(),
        "checks": history.checks().iter().map(Judged::value).collect::<Result<Vec<_>, _>>()?,
    });
    screen.show(&value, &monitor::history_page(&args.file.display().to_string(), &history))
}
