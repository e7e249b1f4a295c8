//! A night: what its runs have come to, and what all of them have spent.
//!
//! Not what a migration found, which is `compare`'s.

use super::words::visible_line;
use super::{Report, verdict_line};
use crate::night::{FoundRun, Night, RunState, Spending};
use crate::run::{LoadedRun, RunKind, Status, in_dollars};
use crate::text;
use crate::units::Usd;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A night as its files have it.
pub struct NightReport<'a> {
    night: &'a Night,
    status: Status,
    /// Its runs, in their order.
    pub runs: Vec<FoundRun>,
}

impl<'a> NightReport<'a> {
    /// Reads the runs; `is_running`: a process works on the night.
    #[must_use]
    pub fn read(night: &'a Night, is_running: bool) -> Self {
        Self { night, status: night.status(is_running), runs: night.found() }
    }

    /// The runs that could be read.
    pub fn loaded(&self) -> impl Iterator<Item = &LoadedRun> {
        self.runs.iter().filter_map(FoundRun::loaded)
    }

    fn spent(&self) -> Spending {
        self.loaded().map(Spending::from).fold(Spending::default(), |sum, it| sum.plus(&it))
    }

    /// The page for people, with lines of at most `width` columns.
    #[must_use]
    pub fn page(&self, width: usize) -> String {
        let (night, caps, spent) = (self.night, self.night.caps(), self.spent());
        let of = |cap: Option<String>| cap.map_or_else(String::new, |cap| format!(" of {cap}"));
        let mut out = String::new();
        let name = visible_line(&night.file().night);
        let _ = writeln!(out, "{name}: {}", self.status.in_words());
        let _ = write!(
            out,
            "  spent by all: {}{}, {} calls{}, {}",
            spent.usd,
            of(caps.usd.map(|usd: Usd| usd.to_string())),
            text::thousands(spent.calls),
            of(caps.calls.map(text::thousands)),
            text::duration(spent.running),
        );
        for run in &self.runs {
            let line = format!("{}: {}", visible_line(&run.name), visible_line(&line(run)));
            let _ = write!(out, "\n  {}", text::lines(&line, width - 4).join("\n    "));
        }
        if self.status == Status::Interrupted {
            let place = visible_line(&night.dir().path().display().to_string());
            let _ = write!(out, "\n  resume: promptsearch resume {place}");
        }
        out
    }

    /// The same for programs.
    ///
    /// # Errors
    /// A figure cannot be written as JSON.
    pub fn value(&self) -> serde_json::Result<Value> {
        let (file, spent) = (self.night.file(), self.spent());
        let mut runs = Vec::new();
        for ((found, run), state) in self.runs.iter().zip(&file.runs).zip(self.night.runs()) {
            let given = match state {
                RunState::Given(caps) => Some(*caps),
                RunState::Waiting | RunState::Ended(_) => None,
            };
            let mut value = match &found.run {
                None => json!({ "run": found.name, "status": "waiting" }),
                Some(Err(why)) => json!({ "run": found.name, "status": null, "error": why }),
                Some(Ok(run)) => {
                    json!({ "run": found.name, "status": run.summary.status, "summary": run.summary })
                }
            };
            if let Some(fields) = value.as_object_mut() {
                fields.insert("task".to_owned(), json!(run.task));
                fields.insert("given".to_owned(), in_dollars(&given)?);
            }
            runs.push(value);
        }
        Ok(json!({
            "schema": 1, "night": file.night, "status": self.status, "caps": in_dollars(&self.night.caps())?,
            "spent": { "usd": spent.usd.dollars(), "calls": spent.calls, "seconds": spent.running.as_secs_f64() },
            "runs": runs,
        }))
    }
}

/// What a run has come to, and what it has spent.
fn line(found: &FoundRun) -> String {
    let run = match &found.run {
        None => return "waiting".to_owned(),
        Some(Err(why)) => return why.clone(),
        Some(Ok(run)) => run,
    };
    let (own, caps, summary) = (Spending::from(run), run.caps(), &run.summary);
    let of = caps.usd.map_or_else(String::new, |usd| format!(" of {usd}"));
    let calls = caps.calls.map_or_else(String::new, |it| format!(" of {}", text::thousands(it)));
    let is_open = !summary.status.is_live() && summary.status != Status::Finished;
    let why = summary.trouble.as_ref().filter(|_| is_open);
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    let (result, spent) = (result_line(run), text::thousands(own.calls));
    format!("{result}{why} [{}{of}, {spent} calls{calls}]", own.usd)
}

/// What came of a run of a night, in a sentence.
#[must_use]
pub fn result_line(run: &LoadedRun) -> String {
    match (run.file.kind, run.summary.baseline.as_ref().and_then(|prompt| prompt.dev)) {
        (RunKind::Search, _) => verdict_line(&Report::from(run)),
        (RunKind::Comparison { .. } | RunKind::Evaluation { .. }, None) => {
            "not measured yet".to_owned()
        }
        (RunKind::Comparison { .. } | RunKind::Evaluation { .. }, Some(it)) => format!(
            "{} ({} to {}) over {}",
            run.summary.score_form.score(it.mean),
            run.summary.score_form.score(it.low),
            run.summary.score_form.score(it.high),
            text::plural(it.n, "row")
        ),
    }
}
