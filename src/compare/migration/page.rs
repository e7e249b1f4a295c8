//! What a migration found, as a page for a terminal and as Markdown.

use super::super::table::{self, WIDTH};
use super::parity::{BesideBar, ParityFinding};
use super::report::MigrationReport;
use super::rows::{Latency, OnModel};
use super::target::Target;
use crate::report::{cost as dollars, signed_cost, visible_line};
use crate::score_form::ScoreForm;
use crate::stats::Interval;
use crate::text::{lines, percent, plural, thousands};
use std::fmt::Write as _;

/// The widest name of a model in a table.
const WIDEST_NAME: usize = 24;

/// The page: two tables, then a verdict for each new model.
#[must_use]
pub fn page(report: &MigrationReport) -> String {
    let mut out = String::new();
    for (table, title) in [(quality(report, WIDEST_NAME), ""), (cost(report, WIDEST_NAME), "\n")] {
        out.push_str(title);
        table::write(&mut out, "", &table);
    }
    for (target, sentences) in verdicts(report) {
        let _ = writeln!(out, "\n{} {}", mark(target), visible_line(&target.model));
        for sentence in sentences {
            let _ = writeln!(out, "  {}", lines(&sentence, WIDTH - 2).join("\n  "));
        }
    }
    for note in notes(report) {
        let _ = write!(out, "\n{}", lines(&note, WIDTH).join("\n"));
    }
    out
}

/// The same as Markdown, for a file.
#[must_use]
pub fn markdown(report: &MigrationReport) -> String {
    let mut out = format!("# Migration of {}\n\n", escaped(&report.task));
    if let Some(simulated) = report.simulated {
        let _ = writeln!(out, "> {simulated}\n");
    }
    for table in [quality(report, usize::MAX), cost(report, usize::MAX)] {
        for (place, row) in table.iter().enumerate() {
            let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
            let _ = writeln!(out, "| {} |", cells.join(" | "));
            if place == 0 {
                let _ = writeln!(out, "|{}", "---|".repeat(row.len()));
            }
        }
        out.push('\n');
    }
    for (target, sentences) in verdicts(report) {
        let _ = writeln!(
            out,
            "- {} **{}**: {}",
            mark(target),
            escaped(&target.model),
            escaped(&sentences.join(". "))
        );
    }
    for note in notes(report).iter().filter(|note| Some(note.as_str()) != report.simulated) {
        let _ = write!(out, "\n{}\n", escaped(note));
    }
    out
}

fn quality(report: &MigrationReport, widest: usize) -> Vec<Vec<String>> {
    let head = ["model", "unchanged", "winner", "difference (95 %)"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    let form = report.score_form;
    let quality = |prompt: Option<&OnModel>| {
        mean(prompt.and_then(|prompt| prompt.quality), |it| form.score(it))
    };
    if let Some(bar) = &report.bar {
        let name = format!("{} (bar)", bar.model);
        table.push(vec![named(&name, widest), quality(Some(&bar.prompt)), none(), none()]);
    }
    for target in &report.targets {
        let difference = target.beside_bar.as_ref().ok().map(|beside| beside.difference);
        table.push(vec![
            named(&target.model, widest),
            quality(target.unchanged()),
            quality(target.winner()),
            difference.map_or_else(none, |it| between(it, |value| form.bare_gain(value))),
        ]);
    }
    table
}

fn cost(report: &MigrationReport, widest: usize) -> Vec<Vec<String>> {
    let head = ["model", "p50", "p95", "USD/1k", "saved (95 %)"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    let row = |name: &str, prompt: Option<&OnModel>, saving: Option<Interval>| {
        let latency = prompt.and_then(|prompt| prompt.latency);
        let usd = prompt.and_then(|prompt| prompt.usd_per_1k);
        vec![
            named(name, widest),
            latency.map_or_else(none, |Latency { p50_ms, .. }| time(p50_ms)),
            latency.map_or_else(none, |Latency { p95_ms, .. }| time(p95_ms)),
            mean(usd, signed_cost),
            saving.map_or_else(none, |saving| between(saving, signed_cost)),
        ]
    };
    if let Some(bar) = &report.bar {
        table.push(row(&format!("{} (bar)", bar.model), Some(&bar.prompt), None));
    }
    for target in &report.targets {
        let saving = target.beside_bar.as_ref().ok().and_then(|beside| beside.saving);
        table.push(row(&target.model, target.winner(), saving));
    }
    table
}

fn verdicts(report: &MigrationReport) -> impl Iterator<Item = (&Target, Vec<String>)> {
    report.targets.iter().map(|target| {
        let first = target.verdict(report.margin, report.score_form);
        let unchanged = target.unchanged_beside_bar.filter(|_| target.is_changed()).map(|beside| {
            let words = compared(&beside, report.margin, report.score_form);
            format!("the prompt in force, unchanged: {words}")
        });
        let is_only_name = target.unchanged_finding() == Some(ParityFinding::Parity);
        let next = match (target.is_changed(), target.finding()) {
            (false, _) if target.winner().is_some() => {
                let only = if is_only_name { ": the model's name is all that changes" } else { "" };
                Some(format!("the search found no better prompt than the one in force{only}"))
            }
            (true, Some(ParityFinding::Parity)) => {
                let how = if target.is_recommended() { "" } else { " --accept-unconfirmed" };
                Some(format!("promptsearch export {}{how} --to REPO --path FILE", target.run))
            }
            (true, _) if is_only_name => Some(
                "keep the prompt in force, and change the model's name in `models.task`".to_owned(),
            ),
            _ => None,
        };
        let sentences = [Some(first), target.saving_sentence(), unchanged, next];
        (target, sentences.into_iter().flatten().collect())
    })
}

fn notes(report: &MigrationReport) -> Vec<String> {
    let looks = format!(
        "Bar: {} with the prompt in force. Parity: the low end of the paired interval is above -{}. It is tested for all new \
         models together, and for winners and the prompt in force, by Holm's rule, as look {} at these rows ({} one-sided, of which one half is for what is saved).",
        report.bar.as_ref().map_or("not measured yet", |bar| bar.model.as_str()),
        report.score_form.size(report.margin),
        report.look.look,
        report.look.in_percent(),
    );
    [Some(looks), report.simulated.map(str::to_owned)].into_iter().flatten().collect()
}

fn mark(target: &Target) -> &'static str {
    match target.finding() {
        _ if target.is_at_parity() => "✓",
        Some(ParityFinding::Worse | ParityFinding::FailsMustPass) => "✗",
        _ => "?",
    }
}

/// A name in at most this many characters: its middle is left out, since versions are at the end.
fn named(name: &str, widest: usize) -> String {
    let name: Vec<char> = visible_line(name).chars().collect();
    if name.len() <= widest {
        return name.into_iter().collect();
    }
    let head = widest / 3;
    let tail = name.len() - (widest - head - 1);
    name[..head].iter().chain(&['…']).chain(&name[tail..]).collect()
}

fn none() -> String {
    "–".to_owned()
}

fn mean(interval: Option<Interval>, show: impl Fn(f64) -> String) -> String {
    interval.map_or_else(none, |interval| show(interval.mean))
}

fn between(Interval { mean, low, high, .. }: Interval, show: impl Fn(f64) -> String) -> String {
    format!("{} ({} to {})", show(mean), show(low), show(high))
}

fn time(milliseconds: u32) -> String {
    match milliseconds {
        ..1_000 => format!("{milliseconds} ms"),
        _ => format!("{:.1} s", f64::from(milliseconds) / 1_000.0),
    }
}

/// Nothing of a name acts as Markdown.
fn escaped(text: &str) -> String {
    visible_line(text).replace('|', "\\|").replace('<', "&lt;")
}

/// What the rows say of a prompt beside the bar, in a sentence.
fn compared(beside: &BesideBar, margin: f64, form: ScoreForm) -> String {
    let margin = form.size(margin);
    let BesideBar { rows, unanswered, difference, short_by, rows_needed, .. } = *beside;
    let missing = match unanswered {
        0 => String::new(),
        _ => format!(
            ", {} of them without an answer, which count as wrong",
            thousands(unanswered as u64)
        ),
    };
    let tested = beside.tested.map_or_else(String::new, |tested| {
        format!(
            "; at the level that decides, {} one-sided, the low end is {}",
            tested.level.in_percent(),
            form.gain(tested.interval.low)
        )
    });
    let difference = format!(
        "{} ({}) on {}{missing}{tested}",
        form.gain(difference.mean),
        form.gain_range(difference.low, difference.high),
        plural(rows, "held-out row"),
    );
    match beside.finding {
        ParityFinding::Parity => {
            format!("parity: not worse than the bar by more than {margin}: {difference}")
        }
        ParityFinding::Worse => format!(
            "worse: it falls short of the bar by more than the margin of {margin}: {difference}"
        ),
        ParityFinding::FailsMustPass => format!(
            "no parity: not right on {} that must pass and that the bar has right, whatever the others say: {difference}",
            plural(beside.must_pass_lost, "held-out row")
        ),
        ParityFinding::Open => {
            let rows = match rows_needed {
                // Above the bar, they are the rows for a difference of 0.
                Some(rows) => format!(
                    "about {} would show it, if {}",
                    plural(rows, "held-out row"),
                    match beside.difference.mean > 0.0 {
                        true => "it is as good as the bar",
                        false => "the difference stays",
                    }
                ),
                None => "no number of rows would show it, if the difference stays".to_owned(),
            };
            format!(
                "not shown: parity within {margin} is missed by {}: {difference}; {rows}",
                form.size(short_by)
            )
        }
    }
}

impl Target {
    /// The verdict on its winner in a sentence.
    #[must_use]
    pub fn verdict(&self, margin: f64, form: ScoreForm) -> String {
        match &self.beside_bar {
            Ok(beside) => compared(beside, margin, form),
            Err(why) => format!("not measured: {why}"),
        }
    }

    /// What the rows show of the cost, in a sentence; `None` where no bill is known.
    #[must_use]
    pub fn saving_sentence(&self) -> Option<String> {
        let beside = self.beside_bar.as_ref().ok()?;
        let saving = beside.saving?;
        let before = saving.mean + self.winner()?.usd_per_1k?.mean;
        let share = if before > 0.0 { saving.mean.abs() / before } else { 0.0 };
        let amounts = |mean: f64, low: f64, high: f64, word: &str| {
            format!(
                "{}{word} per 1,000 calls ({} to {}), {}",
                dollars(mean),
                dollars(low),
                dollars(high),
                percent(share)
            )
        };
        Some(match (beside.saving_shown, beside.dearer_shown) {
            (true, _) => {
                format!("it saves {}", amounts(saving.mean, saving.low, saving.high, ""))
            }
            (false, true) => {
                format!("it costs {}", amounts(-saving.mean, -saving.high, -saving.low, " more"))
            }
            (false, false) => "no saving is shown".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::migration::report::{Bar, SCHEMA};
    use crate::compare::migration::target::Found;
    use crate::stats::Level;
    use crate::text::columns_of;

    fn report() -> MigrationReport {
        let interval =
            |mean: f64, half: f64| Interval { mean, low: mean - half, high: mean + half, n: 400 };
        let prompt = || OnModel {
            candidate: "c".to_owned(),
            quality: Some(interval(0.5, 0.1)),
            usd_per_1k: Some(interval(120.5, 3.0)),
            latency: Some(Latency { p50_ms: 999, p95_ms: 123_456, n: 400 }),
        };
        let beside_bar = BesideBar {
            unanswered: 0,
            must_pass_lost: 0,
            rows: 400,
            difference: interval(-0.21, 0.1),
            tested: None,
            level: Level::FIRST,
            p_value: 0.9,
            better: 10,
            worse: 94,
            saving: Some(interval(120.5, 2.25)),
            saving_shown: true,
            dearer_shown: false,
            short_by: 0.29,
            rows_needed: None,
            finding: ParityFinding::Worse,
        };
        let model = "anthropic/claude-something-long-20251001".to_owned();
        let target = Target {
            model: model.clone(),
            run: format!("m-{model}"),
            status: None,
            found: Found::Changed {
                winner: Some(prompt()),
                unchanged: Some(prompt()),
                is_recommended: false,
            },
            beside_bar: Ok(beside_bar),
            unchanged_beside_bar: Some(beside_bar),
        };
        MigrationReport {
            score_form: ScoreForm::Percent,
            schema: SCHEMA,
            migration: "m".to_owned(),
            task: "a|b".to_owned(),
            margin: 0.02,
            look: Level::FIRST,
            is_compared: true,
            held_out_rows: 400,
            goal: "max quality".to_owned(),
            simulated: None,
            bar: Some(Bar { model, run: "m-bar".to_owned(), prompt: prompt() }),
            targets: vec![target],
        }
    }

    #[test]
    fn the_page_fits_eighty_columns_whatever_models_are_called() {
        let page = page(&report());
        assert!(page.lines().all(|line| columns_of(line) <= WIDTH), "{page}");
        assert!(page.contains("anthropi…-20251001 (bar)"), "{page}");
        assert!(page.contains("$120.50 ($118.25 to $122.75)"), "{page}");
        // With the prompt in force it is at parity, and with the winner that is not shown.
        let mut kept = report();
        let finding = |it: BesideBar, finding| BesideBar { finding, ..it };
        let target = &mut kept.targets[0];
        target.beside_bar = target.beside_bar.clone().map(|it| finding(it, ParityFinding::Open));
        target.unchanged_beside_bar =
            target.unchanged_beside_bar.map(|it| finding(it, ParityFinding::Parity));
        let kept = self::page(&kept);
        assert!(
            kept.contains("\n✓ anthropic") && kept.contains("keep the prompt in force"),
            "{kept}"
        );
        let markdown = markdown(&report());
        assert!(markdown.starts_with("# Migration of a\\|b\n\n| model |"), "{markdown}");
        assert!(
            markdown
                .contains("| anthropic/claude-something-long-20251001 (bar) | 50.0 % | – | – |")
        );
    }
}
