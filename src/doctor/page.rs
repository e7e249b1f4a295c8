//! A diagnosis for people: a line for each check, what to do below it, and the verdict last, where the
//! eye is when it is over.

use super::check::{Check, Status};
use super::diagnosis::Diagnosis;
use crate::report::visible;
use crate::text;
use std::fmt::Write as _;

/// Columns before the words of a check.
const MARGIN: usize = 20;
/// The widest page, and the narrowest one.
const WIDTHS: [usize; 2] = [60, 110];

/// The page. `width` is in columns.
#[must_use]
pub fn page(diagnosis: &Diagnosis, colour: bool, width: usize) -> String {
    let width = width.clamp(WIDTHS[0], WIDTHS[1]);
    let mut out = format!("{} · strategy {}\n", diagnosis.task, diagnosis.strategy);
    let _ = writeln!(out, "{}", diagnosis.asked.in_words());
    let mut about = "";
    for check in &diagnosis.checks {
        if check.about != about {
            about = &check.about;
            let model = diagnosis.roles.get(about).map(|role| format!(" · {}", role.model));
            let head = format!("{about}{}", model.unwrap_or_default());
            let _ = writeln!(out, "\n{}", paint(colour, "1", &head));
        }
        line(&mut out, check, colour, width);
    }
    let _ = writeln!(out, "\n{}", verdict(diagnosis, colour, width));
    out
}

fn line(out: &mut String, check: &Check, colour: bool, width: usize) {
    let (code, mark) = match check.status {
        Status::Ok => ("32", "ok"),
        Status::Warning => ("33", "warning"),
        Status::Fault => ("1;31", "FAULT"),
    };
    let mark = paint(colour, code, &format!("{mark:<7}"));
    let lines = text::lines(&visible(&check.words), width - MARGIN);
    for (number, words) in lines.iter().enumerate() {
        let _ = match number {
            0 => writeln!(out, "  {mark}  {:<8} {words}", check.check),
            _ => writeln!(out, "{:MARGIN$}{words}", ""),
        };
    }
    let Some(remedy) = &check.remedy else { return };
    for (number, words) in text::lines(&visible(remedy), width - MARGIN - 5).iter().enumerate() {
        let head = if number == 0 { "try: " } else { "     " };
        let _ = writeln!(out, "{:MARGIN$}{}{words}", "", paint(colour, "2", head));
    }
}

/// What all checks come to.
fn verdict(diagnosis: &Diagnosis, colour: bool, width: usize) -> String {
    let of = |status: Status| {
        let checks = diagnosis.checks.iter().filter(move |check| check.status == status);
        checks.map(|check| format!("{} {}", check.about, check.check)).collect::<Vec<_>>()
    };
    let (faults, warnings) = (of(Status::Fault), of(Status::Warning));
    let counted =
        |list: &[String], noun| format!("{} ({})", text::plural(list.len(), noun), list.join(", "));
    let mut parts = Vec::new();
    if !faults.is_empty() {
        parts.push(counted(&faults, "fault"));
    }
    if !warnings.is_empty() {
        parts.push(counted(&warnings, "warning"));
    }
    let (code, word) = match diagnosis.status {
        Status::Ok => ("1;32", "ready for the night"),
        Status::Warning => ("1;33", "ready"),
        Status::Fault => ("1;31", "not ready"),
    };
    let words = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    // Only the word is coloured, after all of it is broken into lines.
    let lines = text::lines(&format!("{word}{words}"), width).join("\n");
    lines.replacen(word, &paint(colour, code, word), 1)
}

fn paint(colour: bool, code: &str, text: &str) -> String {
    if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}
