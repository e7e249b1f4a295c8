//! Shows the progress of a run: one line that is redrawn on a terminal, or occasional lines in a
//! log. It only observes.

use crate::caps::Caps;
use crate::clock::Clock;
use crate::event::Event;
use crate::id::{CandidateIx, EventNumber};
use crate::memory::{Observer, State};
use crate::report::refused_field;
use crate::run::{Eta, Meter, Progressed, Reading, Run, RunKind};
use crate::score_form::ScoreForm;
use crate::state::Phase;
use crate::text;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write;
use std::time::{Duration, Instant};

/// The interval between two lines of a log.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// The interval between two redraws on a terminal.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// How progress is shown.
pub enum Progress {
    /// A line that is redrawn on a terminal.
    Bar(ProgressBar),
    /// Occasional lines.
    Lines(Box<dyn Write + Send>),
}

/// Shows progress.
pub struct Watcher {
    progress: Progress,
    meter: Meter,
    caps: Caps,
    kind: RunKind,
    score_form: ScoreForm,
    last: Option<Instant>,
}

impl Watcher {
    /// Progress of a run on a terminal (drawn on stderr), or as lines.
    #[must_use]
    pub fn new(is_terminal: bool, lines: Box<dyn Write + Send>, run: &Run) -> Self {
        let progress = if is_terminal {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            Progress::Bar(bar)
        } else {
            Progress::Lines(lines)
        };
        let (meter, caps, kind) = (run.meter(), run.caps(), run.file().kind);
        let score_form = run.task().score_form();
        Self { progress, meter, caps, kind, score_form, last: None }
    }

    /// Shows the line of now, unless one was shown a moment ago.
    fn show(&mut self, state: &State, is_news: bool) {
        let every = match self.progress {
            Progress::Bar(_) => DRAW_EVERY,
            Progress::Lines(_) => LINE_EVERY,
        };
        if !is_news && self.last.is_some_and(|last| last.elapsed() < every) {
            return;
        }
        self.last = Some(Instant::now());
        let line = line(state, &self.meter, self.caps, (self.kind, self.score_form));
        self.say(line);
    }

    fn say(&mut self, line: String) {
        match &mut self.progress {
            Progress::Bar(bar) => {
                bar.tick();
                bar.set_message(line);
            }
            Progress::Lines(out) => {
                // A reader that closes the pipe must not end the run.
                let _ = writeln!(out, "{line}");
            }
        }
    }
}

impl Observer for Watcher {
    fn observe(&mut self, _number: EventNumber, event: &Event, state: &State) {
        if let Event::FieldRefused { model, field, why } = event {
            let told = format!("note: {} ({why})", refused_field(model, field));
            match &self.progress {
                Progress::Bar(bar) => bar.println(told),
                Progress::Lines(_) => self.say(told),
            }
        }
        if let Event::Finished { .. } = event {
            if let Progress::Bar(bar) = &self.progress {
                bar.finish_and_clear();
            }
            return;
        }
        let is_news = matches!(event, Event::SearchEnded { .. } | Event::WinnerChosen { .. });
        self.show(state, is_news);
    }

    fn tick(&mut self, state: &State) {
        self.show(state, false);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Progress::Bar(bar) = &self.progress {
            bar.finish_and_clear();
        }
    }
}

/// The line of progress: phase, cost and quality.
fn line(state: &State, meter: &Meter, caps: Caps, (kind, form): (RunKind, ScoreForm)) -> String {
    let phase = match state.phase {
        Phase::New | Phase::Searching if kind != RunKind::Search => "evaluating",
        Phase::New | Phase::Searching => "searching",
        Phase::Choosing => "choosing",
        Phase::Confirming if state.winner.is_some_and(|(.., rows)| rows == 0) => "done",
        Phase::Confirming => "confirming on held-out rows",
        Phase::Over => "finished",
    };
    let reading = meter.read();
    // They may have been changed since it began.
    let caps = state.caps.unwrap_or(caps);
    let phase = if reading.is_paused { "paused" } else { phase };
    let eta = Eta::of(&caps, &Progressed::from(&reading), Clock::System.now());
    let Reading { spent, calls, running, in_flight, waiting, .. } = reading;
    let mut parts = vec![phase.to_owned(), text::duration(running)];
    // First, because a narrow terminal cuts the line.
    parts.extend(waiting.map(|waiting| waiting.in_words(Clock::System.now())));
    parts.push(match caps.calls {
        Some(cap) => format!("{}/{} calls", text::thousands(calls), text::thousands(cap)),
        None => format!("{} calls", text::thousands(calls)),
    });
    parts.push(match caps.usd {
        Some(cap) => format!("{spent} of {cap}"),
        None => spent.to_string(),
    });
    parts.extend(quality(state, kind, form));
    // The confirmation has an end of its own.
    parts.extend(
        eta.filter(|_| matches!(phase, "searching" | "evaluating")).map(|eta| eta.in_words()),
    );
    parts.push(format!("{in_flight} in flight"));
    parts.join(" · ")
}

/// The scores so far. The rows of an evaluation may be of any split.
fn quality(state: &State, kind: RunKind, form: ScoreForm) -> Vec<String> {
    let of = |candidate: CandidateIx| Some(state.candidates.get(candidate.index())?.dev());
    let mean = |candidate| of(candidate)?.mean();
    let baseline = mean(CandidateIx::BASELINE);
    if kind != RunKind::Search {
        let rows = of(CandidateIx::BASELINE).map_or(0, |column| column.scored as usize);
        let scored = |mean| format!("{} on {}", form.score(mean), text::plural(rows, "row"));
        return baseline.map(scored).into_iter().collect();
    }
    let mut parts = vec![text::plural(state.candidates.len(), "candidate")];
    if let (Some(best), Some(baseline)) = (mean(state.incumbent), baseline) {
        let (best, baseline) = (form.score(best), form.score(baseline));
        parts.push(format!("best {best} on dev (baseline {baseline})"));
    }
    parts
}
