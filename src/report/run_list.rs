//! The list of a folder's runs, for people.

use super::terminal::{NARROWEST, Page, Paint, WIDEST, column_widths};
use super::words::{money, visible_line};
use crate::run::{RunEntry, Status};
use crate::score_form::ScoreForm;

/// The page: a table, or two lines for each run where that is too wide.
#[must_use]
pub fn run_list(runs: &[RunEntry], colour: bool, width: usize) -> String {
    let width = width.clamp(NARROWEST, WIDEST);
    let mut page =
        Page { text: String::new(), paint: Paint { colour }, width, form: ScoreForm::Percent };
    if runs.is_empty() {
        page.line("no runs");
        return page.text;
    }
    let cells: Vec<[String; 7]> = runs.iter().map(cells).collect();
    let header = ["run", "task", "strategy", "result", "held out", "USD", "started"];
    let mut table = vec![header.to_vec()];
    table.extend(cells.iter().map(|row| row.iter().map(String::as_str).collect()));
    let widths = column_widths(&table);
    if widths.iter().map(|it| it + 2).sum::<usize>() <= width {
        page.table(&table, &widths, 0);
        return page.text;
    }
    for ([name, task, strategy, result, held_out, usd, _], run) in cells.iter().zip(runs) {
        let name = page.paint.bold(name);
        page.line(&name);
        let held_out = match held_out.as_str() {
            "–" => String::new(),
            held_out => format!(" · held out {held_out}"),
        };
        let started = run.created.strftime("%Y-%m-%d\u{a0}%H:%M");
        let facts = format!("{task} · {strategy} · {result}{held_out} · {usd} · {started}");
        page.prose(2, &facts, |_, text| text.to_owned());
    }
    page.text
}

fn cells(run: &RunEntry) -> [String; 7] {
    let mut result = match (run.verdict, run.status) {
        (Some(verdict), _) => verdict.to_string(),
        (None, Status::Running) => "running".to_owned(),
        (None, Status::Paused) => "paused".to_owned(),
        (None, Status::Interrupted) => "interrupted".to_owned(),
        (None, Status::Failed) => "failed".to_owned(),
        (None, Status::Finished) => "finished".to_owned(),
    };
    if !run.flags.is_empty() {
        result += ", flagged";
    }
    [
        visible_line(&run.run),
        visible_line(&run.task),
        visible_line(&run.strategy),
        result,
        run.held_out.map_or_else(|| "–".to_owned(), |held_out| run.score_form.score(held_out.mean)),
        money(run.usd),
        run.created.strftime("%Y-%m-%d").to_string(),
    ]
}
