//! The rows that a prompt was asked, with its answers, slices, labels and confusions; and the rows that changed.

use super::super::changed_rows::{ChangedRows, changed_rows};
use super::super::rows::{
    AnsweredRow, AnsweredRows, Confusion, RowFilter, RowsQuery, answered_rows,
};
use super::super::{Report, words::visible_line};
use super::{Pages, Place, Section};
use crate::id::CandidateIx;
use crate::journal::Events;
use crate::task::example::VisibleSplit;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The rows of a page.
const SIZE: usize = 50;
/// The most rows of a file, and how many bytes their texts may have: it is to be opened at once.
const MOST_IN_FILE: usize = 1_000;
const MOST_BYTES_IN_FILE: usize = 3_000_000;
/// Labels beyond these make no matrix.
const MOST_LABELS: usize = 24;
/// What stands for no label, or for several.
const NO_LABEL: &str = "none";

/// Which rows are asked for.
#[derive(Clone, Debug)]
pub struct RowsPage {
    /// The prompt.
    pub candidate: CandidateIx,
    /// The split; `None`: dev, or what an evaluation asked.
    pub split: Option<VisibleSplit>,
    /// Which of them.
    pub filter: RowFilter,
    /// The column of the slices.
    pub by: Option<String>,
    /// The page, from 1.
    pub number: usize,
}

#[derive(Serialize)]
struct Rows {
    query: Option<Query>,
    columns: Vec<String>,
    labels_known: Vec<String>,
    trouble: Option<String>,
    answered: Option<AnsweredRows>,
    confusion: Option<Matrix>,
    shown: Vec<AnsweredRow>,
    matching: usize,
    left_out: usize,
    handle: String,
    pages: Pages,
    changed: Option<ChangedRows>,
    has_winner: bool,
    hidden: bool,
}

/// What was asked, for the form.
#[derive(Serialize)]
struct Query {
    candidate: String,
    split: &'static str,
    by: String,
    label: String,
    wrong: bool,
    changed: bool,
}

#[derive(Serialize)]
struct Matrix {
    columns: Vec<String>,
    lines: Vec<MatrixLine>,
}

#[derive(Serialize)]
struct MatrixLine {
    name: String,
    cells: Vec<MatrixCell>,
}

#[derive(Serialize)]
struct MatrixCell {
    count: usize,
    is_right: bool,
    /// Of wrong answers, from 0 to 3.
    heat: usize,
}

/// The page; `None`: the best prompt's rows of dev, for a file.
#[must_use]
pub fn rows(
    report: &Report<'_>,
    events: Option<Events<'_>>,
    place: &Place,
    asked: Option<&RowsPage>,
) -> Section {
    let is_file = asked.is_none();
    let query = match asked {
        Some(page) => RowsQuery {
            candidate: page.candidate,
            split: page.split,
            filter: page.filter.clone(),
            by: page.by.clone(),
        },
        None => RowsQuery {
            candidate: report.best(),
            split: None,
            filter: RowFilter::default(),
            by: None,
        },
    };
    let columns = || -> BTreeSet<&String> {
        report.task.visible_rows().iter().flat_map(|row| row.columns.keys()).collect()
    };
    let mut it = Rows {
        query: asked.map(|page| of_form(report, page)),
        columns: if is_file { Vec::new() } else { columns().into_iter().cloned().collect() },
        labels_known: match report.task.scorers.label_scorer() {
            Some(scorer) if !is_file => scorer.labels().to_vec(),
            _ => Vec::new(),
        },
        trouble: None,
        answered: None,
        confusion: None,
        shown: Vec::new(),
        matching: 0,
        left_out: 0,
        handle: place.handle().to_owned(),
        pages: Pages::default(),
        changed: (is_file || asked.is_some_and(RowsPage::is_plain)).then(|| changed_rows(report)),
        has_winner: report.has_winner(),
        hidden: !report.shows_rows,
    };
    let is_begun = !report.history.state.candidates.is_empty();
    match events.filter(|_| is_begun).map(|events| answered_rows(report, events, &query)) {
        None => {}
        Some(Err(error)) => {
            let help = error.help().map_or_else(String::new, |help| format!(" ({help})"));
            it.trouble = Some(visible_line(&format!("{error}{help}")));
        }
        Some(Ok(mut answered)) => {
            it.confusion = matrix(&answered);
            let all = std::mem::take(&mut answered.rows);
            it.matching = all.len();
            it.answered = Some(answered);
            match (asked, report.shows_rows) {
                (Some(page), _) => {
                    it.pages = Pages::of(all.len(), SIZE, page.number, |number| {
                        page.address(report, place, number)
                    });
                    let start = it.pages.range().start;
                    it.shown = all.into_iter().skip(start).take(SIZE).collect();
                }
                (None, true) => {
                    let mut bytes = 0;
                    it.shown = all
                        .into_iter()
                        .take(MOST_IN_FILE)
                        .take_while(|row| {
                            bytes += shown_bytes(row);
                            bytes <= MOST_BYTES_IN_FILE
                        })
                        .collect();
                    it.left_out = it.matching - it.shown.len();
                }
                (None, false) => {}
            }
        }
    }
    place.section(include_str!("rows.html"), it)
}

/// At most how many bytes of a row the page shows; each character may be escaped.
fn shown_bytes(row: &AnsweredRow) -> usize {
    let texts = [
        Some((&row.input, 2_000)),
        Some((&row.answer, 2_000)),
        row.expected.as_ref().map(|it| (it, 600)),
        row.feedback.as_ref().map(|it| (it, 1_000)),
        row.baseline.as_ref().map(|it| (&it.answer, 1_000)),
    ];
    texts.into_iter().flatten().map(|(text, most)| text.len().min(most * 4)).sum::<usize>() + 800
}

fn id_of(report: &Report<'_>, candidate: CandidateIx) -> String {
    let standing = report.history.state.candidates.get(candidate.index());
    standing.map_or_else(String::new, |it| it.candidate.id.to_string())
}

fn of_form(report: &Report<'_>, page: &RowsPage) -> Query {
    Query {
        candidate: id_of(report, page.candidate),
        split: match page.split {
            Some(VisibleSplit::Train) => "train",
            _ => "dev",
        },
        by: page.by.clone().unwrap_or_default(),
        label: page.filter.label.clone().unwrap_or_default(),
        wrong: page.filter.wrong,
        changed: page.filter.changed,
    }
}

impl RowsPage {
    /// Whether it is the first one, of all rows.
    fn is_plain(&self) -> bool {
        let RowFilter { wrong, changed, label } = &self.filter;
        self.number <= 1 && !wrong && !changed && label.is_none() && self.by.is_none()
    }

    fn address(&self, report: &Report<'_>, place: &Place, number: usize) -> String {
        let word = super::templates::path;
        let query = of_form(report, self);
        let mut address =
            format!("{}/rows?candidate={}&page={number}", place.root(), word(&query.candidate));
        if self.split.is_some() {
            address += &format!("&split={}", query.split);
        }
        for (name, value) in [("by", &query.by), ("label", &query.label)] {
            if !value.is_empty() {
                address += &format!("&{name}={}", word(value));
            }
        }
        for (name, is_set) in [("wrong", query.wrong), ("changed", query.changed)] {
            if is_set {
                address += &format!("&{name}=1");
            }
        }
        address
    }
}

fn matrix(rows: &AnsweredRows) -> Option<Matrix> {
    let labels: Vec<Option<&str>> = rows.labels.iter().map(|it| Some(&*it.label)).collect();
    if labels.is_empty() || labels.len() > MOST_LABELS || rows.confusions.is_empty() {
        return None;
    }
    let counts: BTreeMap<(Option<&str>, Option<&str>), usize> = rows
        .confusions
        .iter()
        .map(|Confusion { expected, predicted, count }| {
            ((expected.as_deref(), predicted.as_deref()), *count)
        })
        .collect();
    let mut columns = labels.clone();
    columns.extend(counts.keys().any(|(_, predicted)| predicted.is_none()).then_some(None));
    let most = counts.iter().filter(|((a, b), _)| a != b).map(|(_, count)| *count).max();
    let name = |label: Option<&str>| label.unwrap_or(NO_LABEL).to_owned();
    let lines = labels.iter().map(|label| MatrixLine {
        name: name(*label),
        cells: columns
            .iter()
            .map(|answered| {
                let count = counts.get(&(*label, *answered)).copied().unwrap_or(0);
                let is_right = label == answered;
                let heat =
                    if is_right { 0 } else { (3 * count).div_ceil(most.unwrap_or(1).max(1)) };
                MatrixCell { count, is_right, heat }
            })
            .collect(),
    });
    Some(Matrix { lines: lines.collect(), columns: columns.into_iter().map(name).collect() })
}
