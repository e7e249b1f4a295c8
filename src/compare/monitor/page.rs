//! A check, and the history of checks, for people.

use super::{Cause, CheckFinding, History, Judged, Side};
use crate::night::Spending;
use crate::report::visible_line;
use crate::score_form::ScoreForm;
use crate::text::plural;

/// The most checks that a page shows.
const SHOWN: usize = 40;
/// The columns of the plot.
const PLOT: usize = 31;

impl Judged {
    /// As a program reads it: what it has spent is in dollars and seconds, as everywhere.
    ///
    /// # Errors
    /// A figure cannot be written as JSON.
    pub fn value(&self) -> serde_json::Result<serde_json::Value> {
        let mut value = serde_json::to_value(self)?;
        let Spending { usd, calls, running, .. } = self.check.spent;
        value["spent"] = serde_json::json!({
            "usd": usd.dollars(), "calls": calls, "seconds": running.as_secs_f64()
        });
        Ok(value)
    }

    /// What was found, in a sentence.
    #[must_use]
    pub fn verdict(&self) -> String {
        let tolerance = self.check.score_form.size(self.check.rule.tolerance);
        let found = match self.finding {
            CheckFinding::NoAlarm => return "no alarm".to_owned(),
            CheckFinding::Drift => {
                "drift: the canary's scores have changed, so the model is another one".to_owned()
            }
            CheckFinding::Breach => {
                format!("breach: the prompt is worse than its record by more than {tolerance}")
            }
        };
        let cause = match (self.cause, self.finding) {
            (Some(Cause::Model), CheckFinding::Breach) => {
                "; the canary has changed as well: it is the model"
            }
            (Some(Cause::Prompt), _) if self.check.changed_parts.is_empty() => {
                "; the canary stands: it is this prompt with this model, and not the model alone"
            }
            (Some(Cause::Prompt), _) => "; the canary stands, and the prompt was edited",
            (Some(Cause::Unclear), _) => {
                "; whether it is the model or the prompt, the canary does not show"
            }
            _ => "",
        };
        found + cause
    }
}

/// A check in lines; the verdict is the last.
#[must_use]
pub fn lines(judged: &Judged) -> Vec<String> {
    let check = &judged.check;
    let mut lines = vec![
        format!("check {}, {}", check.check, check.at.strftime("%Y-%m-%d %H:%M UTC")),
        format!("  prompt: {}", of_side(check.score_form, &check.prompt)),
        match &check.canary {
            Some(canary) => format!("  canary: {}", of_side(check.score_form, canary)),
            None => "  no canary: whether it is the model or the prompt is not told".to_owned(),
        },
    ];
    let share = |share: f64| format!("{:.0} %", (share * 100.0).min(999.0));
    lines.push(format!(
        "  evidence of a loss: {} of what an alarm needs{}",
        share(judged.loss),
        judged
            .change
            .map_or_else(String::new, |change| format!("; of another model: {}", share(change)))
    ));
    if check.must_pass_lost > 0 {
        let rows = plural(check.must_pass_lost, "row");
        lines.push(format!("  {rows} that must pass: right in the record, and not now"));
    }
    for part in &check.changed_parts {
        lines.push(format!("  part `{part}` is not the text of the record: it was edited since"));
    }
    if let Some(model) = &check.changed_model {
        lines.push(format!("  the task model is {model} now, another one than in the record"));
    }
    if check.simulated {
        lines.push("  simulated models answered: no statement about real ones".to_owned());
    }
    lines.push(judged.verdict());
    lines.iter().map(|line| visible(line)).collect()
}

/// One line without characters that a terminal obeys; its margin stays.
fn visible(line: &str) -> String {
    let margin = line.len() - line.trim_start_matches(' ').len();
    format!("{}{}", &line[..margin], visible_line(line))
}

fn of_side(form: ScoreForm, side: &Side) -> String {
    let scores = &side.scores;
    let missing = match side.rows_missing {
        0 => String::new(),
        rows => format!(", {} without a score", plural(rows, "row")),
    };
    format!(
        "now {}, recorded {}, over {}{missing}; difference {} ({} to {})",
        form.score(scores.mean),
        form.score(scores.baseline_mean),
        plural(scores.rows, "row"),
        form.gain(scores.difference.mean),
        form.gain(scores.difference.low),
        form.gain(scores.difference.high)
    )
}

/// The history as a table, with the differences as a plot: `o` the mean, `-` its 95 % interval, `|` no difference, `:` the
/// tolerance.
#[must_use]
pub fn history_page(name: &str, history: &History) -> String {
    let checks = history.checks();
    let earlier = checks.len().saturating_sub(SHOWN);
    let shown = &checks[earlier..];
    let mut out = vec![visible_line(&format!(
        "{name}: {}, {} spent",
        plural(checks.len(), "check"),
        history.spent().usd
    ))];
    if earlier > 0 {
        out.push(format!("the last {SHOWN}; `--json` has all"));
    }
    if let Some(scale) = Scale::of(shown) {
        out.push(String::new());
        let form = shown.last().map(|it| it.check.score_form).unwrap_or_default();
        let ends = [scale.low, scale.high].map(|end| form.gain_tick(end));
        let gap = PLOT.saturating_sub(ends[0].len() + ends[1].len());
        out.push(format!(
            "{:>5}  {:<16}  {:>7}  {:>8}  {}{}{}  alarm",
            "check",
            "when (UTC)",
            "now",
            "canary",
            ends[0],
            " ".repeat(gap),
            ends[1],
        ));
        for judged in shown {
            let check = &judged.check;
            let canary = check
                .canary
                .map_or("-".to_owned(), |it| check.score_form.gain(it.scores.difference.mean));
            let alarm = match judged.finding {
                CheckFinding::NoAlarm => String::new(),
                CheckFinding::Drift => "drift".to_owned(),
                CheckFinding::Breach => match judged.cause {
                    Some(Cause::Model) => "breach (model)".to_owned(),
                    Some(Cause::Prompt) => "breach (prompt)".to_owned(),
                    _ => "breach".to_owned(),
                },
            };
            let line = format!(
                "{:>5}  {}  {:>7}  {canary:>8}  {}  {alarm}",
                check.check,
                check.at.strftime("%Y-%m-%d %H:%M"),
                check.score_form.score(check.prompt.scores.mean),
                scale.plot(judged),
            );
            out.push(line.trim_end().to_owned());
        }
        out.push(String::new());
        out.push(format!(
            "now: the prompt's score; canary: its change; plot: the prompt's change{}, o with its \
             95 % interval, | no change, : the tolerance",
            if form.is_percent() { " in pp" } else { "" }
        ));
    }
    if let Some(why) = history.not_measured() {
        out.push(format!("the last check was not measured: {}", visible_line(why)));
    }
    out.join("\n")
}

/// The range of a plot.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn of(checks: &[Judged]) -> Option<Self> {
        let range = |judged: &Judged| {
            let it = judged.check.prompt.scores.difference;
            (it.low.min(-judged.check.rule.tolerance), it.high.max(0.0))
        };
        let (low, high) = checks.iter().map(range).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        let (low, high) = ((low * 20.0).floor() / 20.0, (high * 20.0).ceil() / 20.0);
        Some(Self { low, high: high.max(low + 0.05) })
    }

    fn place(&self, value: f64) -> usize {
        let share = (value - self.low) / (self.high - self.low);
        ((share * (PLOT - 1) as f64).round().max(0.0) as usize).min(PLOT - 1)
    }

    fn plot(&self, judged: &Judged) -> String {
        let it = judged.check.prompt.scores.difference;
        let mut line = [' '; PLOT];
        line[self.place(it.low)..=self.place(it.high)].fill('-');
        line[self.place(-judged.check.rule.tolerance)] = ':';
        line[self.place(0.0)] = '|';
        line[self.place(it.mean)] = 'o';
        line.iter().collect()
    }
}
