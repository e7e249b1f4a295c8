//! Rows with their answers, for people: what is shown first, then the rows, and what they have in common last, where a
//! terminal ends.

use super::{AnsweredRow, AnsweredRows, LabelScore, PromptRole, RowGroupScore};
use crate::report::paired::{PairedScores, RowChange};
use crate::report::terminal::{NARROWEST, Page, Paint, WIDEST, column_widths, set_prose};
use crate::report::words::{money, quality, score, visible, visible_line};
use crate::score_form::ScoreForm;
use crate::stats::Interval;
use crate::text::{columns_of, cut, head_and_tail, plural};
use std::collections::BTreeMap;

/// The most characters of an input or an answer; `--json` has all of them.
const MOST_CHARS: usize = 600;
/// The most steps of a row.
const MOST_STEPS: usize = 8;
/// The most other right answers of a row.
const MOST_OTHERS: usize = 3;
/// The most labels whose matrix is shown as a table, and the most columns of their names there.
const MOST_IN_MATRIX: usize = 8;
const MATRIX_NAME: usize = 16;
/// The most labels, slices and confusions in a table.
const MOST_LINES: usize = 20;
/// The most columns of a name in a sentence or a list.
const LONGEST_NAME: usize = 60;
/// The least columns that a name is cut to, so that a table fits.
const SHORTEST_NAME: usize = 10;
/// No label, or several.
const NO_LABEL: &str = "–";

/// The page, with at most `limit` rows and at most `width` columns.
#[must_use]
pub fn rows_page(rows: &AnsweredRows, limit: usize, colour: bool, width: usize) -> String {
    let width = width.clamp(NARROWEST, WIDEST);
    let mut page =
        Page { text: String::new(), paint: Paint { colour }, width, form: rows.score_form };
    page.head(rows);
    match rows.filter.changed {
        true => page.changed_rows(rows, limit),
        false => {
            let all: Vec<&AnsweredRow> = rows.rows.iter().collect();
            page.some_rows(&all, limit);
        }
    }
    page.labels(rows);
    page.slices(rows);
    page.sums(rows);
    page.text
}

/// `all 18 rows of dev`, `12 of the 18 rows of dev`.
fn asked(rows: &AnsweredRows) -> String {
    let of_split = match rows.split.as_str() {
        "all" => plural(rows.split_rows, "row"),
        split => format!("{} of {split}", plural(rows.split_rows, "row")),
    };
    match rows.all.rows == rows.split_rows {
        true => format!("all {of_split}"),
        false => format!("{} of the {of_split}", rows.all.rows),
    }
}

fn name_of(rows: &AnsweredRows) -> String {
    match rows.prompt {
        PromptRole::Baseline => format!("the baseline ({})", rows.candidate),
        PromptRole::Candidate => format!("#{} ({})", rows.candidate_number, rows.candidate),
        PromptRole::Evaluated => format!("the prompt ({})", rows.candidate),
    }
}

/// A name on one line.
fn name(text: &str) -> String {
    cut(&visible_line(text), LONGEST_NAME)
}

/// A mean without its unit, and its interval.
fn bare(form: ScoreForm, interval: Option<&Interval>) -> String {
    let bare = |it: &Interval| format!("{} ({})", form.bare(it.mean), form.range(it.low, it.high));
    interval.map_or_else(|| "–".to_owned(), bare)
}

/// Scores in words.
fn in_words(form: ScoreForm, group: &RowGroupScore) -> String {
    let Some(score) = &group.score else { return "no answer with a score".to_owned() };
    let invalid = match group.invalid {
        0 => String::new(),
        invalid => format!(", {invalid} invalid"),
    };
    format!("{}, {} correct{invalid}", quality(form, score), group.correct)
}

impl Page {
    fn head(&mut self, rows: &AnsweredRows) {
        let facts = [rows.run.as_str(), &name_of(rows), &rows.model].map(visible_line).join(" · ");
        self.prose(0, &facts, Paint::bold);
        let filter = &rows.filter;
        let mut which = Vec::new();
        which.extend(filter.wrong.then(|| "not wholly right".to_owned()));
        which.extend(filter.changed.then(|| "another score than the baseline's".to_owned()));
        which.extend(filter.label.as_ref().map(|label| format!("label `{}`", name(label))));
        let which = which.join(", ");
        let mut told = format!("asked {}", asked(rows));
        match (which.as_str(), rows.rows.len()) {
            ("", 0) => told += "; there is no answer yet",
            ("", _) => {}
            (which, 0) => told += &format!("; no row matches: {which}"),
            (which, 1) => told += &format!("; 1 row matches: {which}"),
            (which, count) => told += &format!("; {count} rows match: {which}"),
        }
        self.prose(0, &told, |_, text| text.to_owned());
        if filter.changed && rows.without_baseline > 0 {
            let have = if rows.without_baseline == 1 { "has" } else { "have" };
            let without = plural(rows.without_baseline, "row");
            self.prose(0, &format!("{without} {have} no answer of the baseline"), |_, text| {
                text.to_owned()
            });
        }
    }

    /// Those that are worse and those that are better, each with at least half of the places.
    fn changed_rows(&mut self, rows: &AnsweredRows, limit: usize) {
        let of = |change: RowChange| -> Vec<&AnsweredRow> {
            rows.rows.iter().filter(|row| row.change == Some(change)).collect()
        };
        let (worse, better) = (of(RowChange::Worse), of(RowChange::Better));
        let for_worse = worse.len().min((limit / 2).max(limit.saturating_sub(better.len())));
        for (title, those, limit) in
            [("Worse", &worse, for_worse), ("Better", &better, limit - for_worse)]
        {
            if !those.is_empty() {
                let title = format!("{title} than the baseline: {}", plural(those.len(), "row"));
                self.title(&title);
                self.some_rows(those, limit);
            }
        }
    }

    fn some_rows(&mut self, rows: &[&AnsweredRow], limit: usize) {
        for row in rows.iter().take(limit) {
            self.answered_row(row);
        }
        let left = rows.len().saturating_sub(limit);
        if left > 0 {
            self.line("");
            self.line(&format!("{}; `--limit N` shows them", plural(left, "more row")));
        }
    }

    fn answered_row(&mut self, row: &AnsweredRow) {
        let sign = if row.is_correct() { "✓" } else { "✗" };
        let before = match row.baseline.as_ref().filter(|_| row.is_changed()) {
            Some(before) => format!(" (baseline {})", score(before.score)),
            None => String::new(),
        };
        let facts = format!(
            "line {} · score {}{before} · {} · {} ms",
            row.line,
            score(row.score),
            money(row.usd),
            row.milliseconds
        );
        self.line("");
        let id = cut(&visible_line(&row.id), self.width - 2);
        let head = self.paint.bold(&format!("{sign} {id}"));
        if columns_of(&id) + columns_of(&facts) + 4 <= self.width {
            let facts = self.paint.dim(&facts);
            self.line(&format!("{head}  {facts}"));
        } else {
            self.line(&head);
            self.prose(2, &facts, Paint::dim);
        }
        self.field("input", &row.input);
        if let Some(expected) = &row.expected {
            self.field("expected", expected);
        }
        for other in row.also_right.iter().take(MOST_OTHERS) {
            self.field("or", other);
        }
        let others = row.also_right.len().saturating_sub(MOST_OTHERS);
        if others > 0 {
            self.field("", &plural(others, "more right answer"));
        }
        for (number, step) in (1..).zip(&row.trajectory).take(MOST_STEPS) {
            let by = if step.by.is_empty() { "" } else { ": " };
            let name = if number == 1 { "steps" } else { "" };
            let text = head_and_tail(&step.text, MOST_CHARS / 3);
            self.field(name, &format!("{number} {}{by}{text}", step.by));
        }
        let steps = row.trajectory.len().saturating_sub(MOST_STEPS);
        if steps > 0 {
            self.field("", &format!("{}; `--json` has all", plural(steps, "more step")));
        }
        self.field("answer", &row.answer);
        if let Some(before) = row.baseline.as_ref().filter(|it| it.answer != row.answer) {
            self.field("baseline", &before.answer);
        }
        if let Some(invalid) = &row.invalid {
            self.field("invalid", invalid);
        } else if let Some(feedback) = row.feedback.as_ref().filter(|_| !row.is_correct()) {
            self.field("feedback", feedback);
        }
    }

    fn field(&mut self, name: &str, text: &str) {
        let text = visible(&head_and_tail(text.trim(), MOST_CHARS));
        let text = if text.is_empty() { "(empty)".to_owned() } else { text };
        for (number, line) in text.lines().enumerate() {
            let name = if number == 0 { name } else { "" };
            let name = self.paint.dim(&format!("{name:<8}"));
            for (part, line) in set_prose(line, self.width - 12).iter().enumerate() {
                match part {
                    0 => self.line(&format!("  {name}  {line}")),
                    _ => self.line(&format!("  {:<8}  {line}", "")),
                }
            }
        }
    }

    /// A table whose first column is cut where it is too wide, or, where even that is not enough, one entry below the
    /// other.
    fn fitted(&mut self, header: &[&str], mut cells: Vec<Vec<String>>) {
        let mut widths = {
            let mut table = vec![header.to_vec()];
            table.extend(cells.iter().map(|row| row.iter().map(String::as_str).collect()));
            column_widths(&table)
        };
        let others: usize = widths.iter().skip(1).map(|it| it + 2).sum();
        let room = self.width.saturating_sub(others + 2);
        if room >= SHORTEST_NAME || widths.first().is_some_and(|first| *first <= room) {
            if let Some(first) = widths.first_mut() {
                *first = (*first).min(room);
            }
            for name in cells.iter_mut().filter_map(|row| row.first_mut()) {
                *name = cut(name, room);
            }
            let mut table = vec![header.to_vec()];
            table.extend(cells.iter().map(|row| row.iter().map(String::as_str).collect()));
            self.table(&table, &widths, 1);
            return;
        }
        for row in &cells {
            let Some((name, figures)) = row.split_first() else { continue };
            let name = self.paint.dim(&cut(name, self.width - 2));
            self.line(&format!("  {name}"));
            let figures: Vec<String> = figures
                .iter()
                .zip(header.iter().skip(1))
                .map(|(figure, what)| format!("{what} {figure}").replace(' ', "\u{a0}"))
                .collect();
            self.prose(4, &figures.join(" · "), |_, text| text.to_owned());
        }
    }

    fn more(&mut self, all: usize, noun: &str) {
        let left = all.saturating_sub(MOST_LINES);
        if left > 0 {
            self.line(&format!("  {} in --json", plural(left, &format!("more {noun}"))));
        }
    }

    /// What became of groups of rows since the baseline, the worst first.
    fn against_baseline(
        &mut self,
        form: ScoreForm,
        (what, noun): (&str, &str),
        groups: Vec<(String, PairedScores)>,
    ) {
        if groups.is_empty() {
            return;
        }
        let mut groups = groups;
        groups.sort_by(|a, b| a.1.difference.mean.total_cmp(&b.1.difference.mean));
        let title =
            format!("{what} against the baseline, on rows that both answered{}", form.in_title());
        self.title_of(&title);
        let all = groups.len();
        let cells = groups.into_iter().take(MOST_LINES).map(|(name, paired)| {
            let (mean, low, high) =
                (paired.difference.mean, paired.difference.low, paired.difference.high);
            vec![
                name,
                paired.rows.to_string(),
                form.bare(paired.mean),
                form.bare(paired.baseline_mean),
                format!("{} ({})", form.bare_gain(mean), form.gain_range(low, high)),
                paired.better.to_string(),
                paired.worse.to_string(),
            ]
        });
        let header = [noun, "rows", "mean", "baseline", "difference", "better", "worse"];
        let cells = cells.collect();
        self.fitted(&header, cells);
        self.more(all, noun);
    }

    /// A title that may take several lines.
    fn title_of(&mut self, title: &str) {
        self.line("");
        self.prose(0, title, Paint::bold);
    }

    fn labels(&mut self, rows: &AnsweredRows) {
        if rows.labels.is_empty() || rows.all.rows == 0 {
            return;
        }
        let mut labels: Vec<&LabelScore> = rows.labels.iter().collect();
        let all = labels.len();
        match all > MOST_LINES {
            true => {
                // Labels without a row last.
                let recall = |it: &LabelScore| it.recall.map_or(f64::INFINITY, |it| it.mean);
                labels.sort_by(|a, b| {
                    recall(a).total_cmp(&recall(b)).then(b.support.cmp(&a.support))
                });
                labels.truncate(MOST_LINES);
                self.title_of(&format!(
                    "Labels: the {MOST_LINES} of {all} with the lowest recall, in percent"
                ));
            }
            false => self.title_of("Labels (recall and precision in percent)"),
        }
        let cells = labels.iter().map(|it| {
            vec![
                visible_line(&it.label),
                it.support.to_string(),
                it.predicted.to_string(),
                bare(ScoreForm::Percent, it.recall.as_ref()),
                bare(ScoreForm::Percent, it.precision.as_ref()),
            ]
        });
        let cells = cells.collect();
        self.fitted(&["label", "rows", "answers", "recall", "precision"], cells);
        self.more(all, "label");
        let paired = rows.labels.iter();
        let paired = paired.filter_map(|it| Some((visible_line(&it.label), it.against_baseline?)));
        self.against_baseline(ScoreForm::Percent, ("Recall", "label"), paired.collect());
        self.confusions(rows);
    }

    /// The matrix, where it fits, and else the confusions, the most frequent first.
    fn confusions(&mut self, rows: &AnsweredRows) {
        type Cell<'a> = (Option<&'a str>, Option<&'a str>);
        let counts: BTreeMap<Cell<'_>, usize> = rows
            .confusions
            .iter()
            .map(|it| ((it.expected.as_deref(), it.predicted.as_deref()), it.count))
            .collect();
        if rows.labels.len() <= MOST_IN_MATRIX && self.matrix(rows, &counts) {
            return;
        }
        let mut wrong: Vec<_> =
            counts.iter().filter(|((label, predicted), _)| label != predicted).collect();
        wrong.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        if wrong.is_empty() {
            return;
        }
        self.title_of(&format!("Labels taken for others ({NO_LABEL} for none or several)"));
        let named = |label: Option<&str>| label.map_or_else(|| NO_LABEL.to_owned(), name);
        for ((label, predicted), count) in wrong.iter().take(MOST_LINES) {
            let taken = format!("{} → {}", named(*label), named(*predicted));
            for (part, line) in set_prose(&taken, self.width - 8).iter().enumerate() {
                match part {
                    0 => self.line(&format!("  {count:>4}  {line}")),
                    _ => self.line(&format!("        {line}")),
                }
            }
        }
        self.more(wrong.len(), "confusion");
    }

    /// Whether it fits.
    fn matrix(
        &mut self,
        rows: &AnsweredRows,
        counts: &BTreeMap<(Option<&str>, Option<&str>), usize>,
    ) -> bool {
        let labels: Vec<Option<&str>> = rows.labels.iter().map(|it| Some(&*it.label)).collect();
        let mut predicted = labels.clone();
        predicted.extend(counts.keys().any(|(_, it)| it.is_none()).then_some(None));
        let named = |label: &Option<&str>| label.map_or_else(|| NO_LABEL.to_owned(), visible_line);
        let header: Vec<String> = std::iter::once("row \\ answer".to_owned())
            .chain(predicted.iter().map(named))
            .collect();
        let cells = labels.iter().map(|label| {
            let count = |predicted: &Option<&str>| match counts.get(&(*label, *predicted)) {
                Some(count) => count.to_string(),
                None => "·".to_owned(),
            };
            std::iter::once(named(label)).chain(predicted.iter().map(count)).collect::<Vec<_>>()
        });
        let cells: Vec<Vec<String>> = std::iter::once(header).chain(cells).collect();
        let table: Vec<Vec<&str>> =
            cells.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
        let widths = column_widths(&table);
        let is_short = widths.iter().all(|width| *width <= MATRIX_NAME);
        if !is_short || widths.iter().map(|it| it + 2).sum::<usize>() > self.width {
            return false;
        }
        self.title_of(&format!("Which label was answered ({NO_LABEL} for none or several)"));
        self.table(&table, &widths, 1);
        true
    }

    fn slices(&mut self, rows: &AnsweredRows) {
        let Some(column) = rows.by.as_deref().filter(|_| !rows.slices.is_empty()) else { return };
        let column = name(column);
        let value = |value: &Option<String>| match value.as_deref().map(visible_line) {
            Some(value) if value.is_empty() => "(empty)".to_owned(),
            Some(value) => value,
            None => "(no value)".to_owned(),
        };
        self.title_of(&format!("By `{column}`{}", self.form.in_title()));
        let form = self.form;
        let cells = rows.slices.iter().take(MOST_LINES).map(|slice| {
            let group = &slice.score;
            vec![value(&slice.value), group.rows.to_string(), bare(form, group.score.as_ref())]
        });
        let cells = cells.collect();
        self.fitted(&["value", "rows", "score"], cells);
        self.more(rows.slices.len(), "value");
        let paired = rows.slices.iter();
        let paired = paired.filter_map(|it| Some((value(&it.value), it.score.against_baseline?)));
        self.against_baseline(form, (&format!("Score by `{column}`"), "value"), paired.collect());
    }

    /// The figures over all rows.
    fn sums(&mut self, rows: &AnsweredRows) {
        self.line("");
        let sum =
            format!("{} on {}: {}", name_of(rows), asked(rows), in_words(self.form, &rows.all));
        self.prose(0, &sum, Paint::bold);
        if let Some(paired) = &rows.all.against_baseline {
            let (difference, form) = (&paired.difference, self.form);
            let told = format!(
                "on the {} that the baseline answered, too: {}, the baseline {}; {} ({}); better on {}, worse on {}",
                plural(paired.rows, "row"),
                form.score(paired.mean),
                form.score(paired.baseline_mean),
                form.gain(difference.mean),
                form.gain_range(difference.low, difference.high),
                paired.better,
                paired.worse
            );
            self.prose(0, &told, |_, text| text.to_owned());
        }
    }
}
