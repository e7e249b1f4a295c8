//! Rows with their answers, for people: the rows first, what they have in common last, where a terminal ends.

use super::rows::{AnsweredRow, AnsweredRows, RowGroupScore};
use super::terminal::{NARROWEST, Page, Paint, WIDEST, column_widths};
use super::words::{money, quality, score, visible};
use crate::stats::Interval;
use crate::text::{head_and_tail, percent, plural};
use std::collections::BTreeMap;

/// The most characters of an input or an answer; `--json` has all of them.
const MOST_CHARS: usize = 600;
/// The most labels whose matrix is shown as a table.
const MOST_LABELS: usize = 8;
/// The most slices, and the most confusions in a list.
const MOST_LINES: usize = 20;

/// The page, with at most `limit` rows.
#[must_use]
pub fn rows_page(rows: &AnsweredRows, limit: usize, colour: bool, width: usize) -> String {
    let width = width.clamp(NARROWEST, WIDEST);
    let mut page = Page { text: String::new(), paint: Paint { colour }, width };
    for row in rows.rows.iter().take(limit) {
        page.answered_row(row, rows.is_baseline);
    }
    let left = rows.rows.len().saturating_sub(limit);
    if left > 0 {
        page.line("");
        page.line(&format!("{} more; `--limit N` shows them", plural(left, "row")));
    }
    page.labels(rows);
    page.slices(rows);
    page.line("");
    let name = match rows.is_baseline {
        true => "baseline".to_owned(),
        false => format!("#{} ({})", rows.number, rows.candidate),
    };
    let asked = match rows.all.rows == rows.split_rows {
        true => format!("all {} of {}", plural(rows.split_rows, "row"), rows.split),
        false => {
            format!("{} of the {} of {}", rows.all.rows, plural(rows.split_rows, "row"), rows.split)
        }
    };
    let all = in_words(&rows.all, rows.is_baseline);
    page.prose(0, &format!("{name} on {asked}: {all}"), Paint::bold);
    page.text
}

/// Scores in words.
fn in_words(group: &RowGroupScore, is_baseline: bool) -> String {
    let Some(score) = &group.score else { return "no answer with a score".to_owned() };
    let mut words = format!("{} ({} right", quality(score), group.right);
    if group.invalid > 0 {
        words += &format!(", {} invalid", group.invalid);
    }
    words += ")";
    match group.baseline.filter(|_| !is_baseline) {
        Some(baseline) => format!("{words}; the baseline {}", percent(baseline)),
        None => words,
    }
}

impl Page {
    fn answered_row(&mut self, row: &AnsweredRow, is_baseline: bool) {
        let sign = if row.is_right() { "✓" } else { "✗" };
        let before = row.baseline.as_ref().filter(|it| !is_baseline && it.score != row.score);
        let before =
            before.map_or_else(String::new, |it| format!(" (baseline {})", score(it.score)));
        self.line("");
        let head = self.paint.bold(&format!("{sign} {}", visible(&row.id).replace('\n', " ")));
        let facts = format!(
            "line {} · score {}{before} · {} · {} ms",
            row.line,
            score(row.score),
            money(row.usd),
            row.milliseconds
        );
        let facts = self.paint.dim(&facts);
        self.line(&format!("{head}  {facts}"));
        self.field("input", &row.input);
        if let Some(expected) = &row.expected {
            self.field("expected", expected);
        }
        self.field("answer", &row.answer);
        if let Some(before) =
            row.baseline.as_ref().filter(|it| !is_baseline && it.answer != row.answer)
        {
            self.field("baseline", &before.answer);
        }
        if let Some(invalid) = &row.invalid {
            self.field("invalid", invalid);
        } else if let Some(feedback) = row.feedback.as_ref().filter(|_| !row.is_right()) {
            self.field("feedback", feedback);
        }
    }

    fn field(&mut self, name: &str, text: &str) {
        let text = visible(&head_and_tail(text.trim(), MOST_CHARS));
        let text = if text.is_empty() { "(empty)".to_owned() } else { text };
        for (number, line) in text.lines().enumerate() {
            let name = if number == 0 { name } else { "" };
            let name = self.paint.dim(&format!("{name:<8}"));
            let wrapped = super::terminal::set_prose(line, self.width.saturating_sub(12));
            for (part, line) in wrapped.iter().enumerate() {
                match part {
                    0 => self.line(&format!("  {name}  {line}")),
                    _ => self.line(&format!("  {:<8}  {line}", "")),
                }
            }
        }
    }

    fn labels(&mut self, rows: &AnsweredRows) {
        if rows.labels.is_empty() || rows.all.rows == 0 {
            return;
        }
        self.title("Labels");
        let share = |interval: &Option<Interval>| match interval {
            Some(it) => quality(it),
            None => "–".to_owned(),
        };
        let cells: Vec<[String; 5]> = rows
            .labels
            .iter()
            .map(|it| {
                let counts = [it.rows.to_string(), it.said.to_string()];
                let [have, said] = counts;
                [visible(&it.label), have, said, share(&it.recall), share(&it.precision)]
            })
            .collect();
        let mut table = vec![vec!["label", "rows", "said", "recall", "precision"]];
        table.extend(cells.iter().map(|row| row.iter().map(String::as_str).collect()));
        let widths = column_widths(&table);
        self.table(&table, &widths, 1);
        self.confusions(rows);
    }

    /// The matrix, where it fits, and else the confusions, the most frequent first.
    fn confusions(&mut self, rows: &AnsweredRows) {
        let counts: BTreeMap<(&str, &str), usize> = rows
            .confusions
            .iter()
            .map(|it| ((it.expected.as_str(), it.said.as_str()), it.count))
            .collect();
        let expected: Vec<&str> = rows.labels.iter().map(|it| it.label.as_str()).collect();
        let mut said = expected.clone();
        if counts.keys().any(|(_, said)| !expected.contains(said)) {
            said.push("–");
        }
        let cells: Vec<Vec<String>> = expected
            .iter()
            .map(|label| {
                let count = |said: &&str| counts.get(&(*label, *said)).copied().unwrap_or(0);
                said.iter()
                    .map(count)
                    .map(|it| if it == 0 { "·".to_owned() } else { it.to_string() })
                    .collect()
            })
            .collect();
        let mut table = vec![[vec!["row \\ answer"], said].concat()];
        table.extend(expected.iter().zip(&cells).map(|(label, cells)| {
            [vec![*label], cells.iter().map(String::as_str).collect()].concat()
        }));
        let widths = column_widths(&table);
        let is_narrow = widths.iter().map(|it| it + 2).sum::<usize>() <= self.width;
        if expected.len() <= MOST_LABELS && is_narrow {
            self.title("Which label was answered (– for none or several)");
            self.table(&table, &widths, 1);
            return;
        }
        let mut wrong: Vec<_> = counts.iter().filter(|((label, said), _)| label != said).collect();
        wrong.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        if wrong.is_empty() {
            return;
        }
        self.title("Labels taken for others (– for none or several)");
        for ((label, said), count) in wrong.iter().take(MOST_LINES) {
            self.line(&format!("  {count:>4}  {} → {}", visible(label), visible(said)));
        }
    }

    fn slices(&mut self, rows: &AnsweredRows) {
        if rows.slices.is_empty() {
            return;
        }
        self.title("By value");
        let cells: Vec<[String; 4]> = rows
            .slices
            .iter()
            .take(MOST_LINES)
            .map(|slice| {
                let score = slice.score.score.as_ref().map_or_else(|| "–".to_owned(), quality);
                let before = slice.score.baseline.map_or_else(|| "–".to_owned(), percent);
                [slice.value.clone(), slice.score.rows.to_string(), score, before]
            })
            .collect();
        let mut table = vec![vec!["value", "rows", "score", "baseline"]];
        table.extend(cells.iter().map(|row| row.iter().map(String::as_str).collect()));
        let widths = column_widths(&table);
        self.table(&table, &widths, 1);
        let left = rows.slices.len().saturating_sub(MOST_LINES);
        if left > 0 {
            self.line(&format!("  {} more in --json", plural(left, "value")));
        }
    }
}
