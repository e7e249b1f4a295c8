//! Pages of hand-made rows, and how groups are paired.

use super::*;
use crate::report::paired::{PairedScores, RowChange, ScorePair};
use crate::score_form::ScoreForm;
use crate::stats::interval;
use crate::text::columns_of;

/// A row with this score, and with the baseline's, if it has one.
fn row(id: &str, score: f64, before: Option<f64>) -> AnsweredRow {
    AnsweredRow {
        id: id.to_owned(),
        line: 7,
        input: "An input.".to_owned(),
        expected: Some("a".to_owned()),
        answer: "b".to_owned(),
        score,
        change: before.map(|before| RowChange::between(before, score)),
        baseline: before.map(|score| BaselineAnswer {
            answer: "c".to_owned(),
            score,
            names_label: score == 1.0,
        }),
        ..AnsweredRow::default()
    }
}

fn page_of(rows: Vec<AnsweredRow>) -> AnsweredRows {
    let all = RowGroupScore::of(&rows, Seed(1));
    AnsweredRows {
        schema: 1,
        score_form: ScoreForm::Percent,
        run: "night".to_owned(),
        model: "local/clerk".to_owned(),
        candidate: "0123456789ab".to_owned(),
        candidate_number: 7,
        prompt: PromptRole::Candidate,
        split: "dev".to_owned(),
        split_rows: rows.len(),
        all,
        without_baseline: rows.iter().filter(|row| row.baseline.is_none()).count(),
        labels: Vec::new(),
        confusions: Vec::new(),
        by: None,
        slices: Vec::new(),
        filter: RowFilter::default(),
        rows,
    }
}

/// `count` labels, of which the later ones fare better.
fn labels(count: usize, name: impl Fn(usize) -> String) -> Vec<LabelScore> {
    let of =
        |number: usize| LabelScore {
            label: name(number),
            support: count,
            predicted: number,
            recall: interval::wilson(number, count),
            precision: interval::wilson(number, number),
            against_baseline: PairedScores::of(
                &[(1.0, 0.0), (0.0, number as f64 / count as f64)]
                    .map(|(before, after)| ScorePair { before, after, weight: 1.0 }),
                Seed(1),
            ),
        };
    (0..count).map(of).collect()
}

fn is_within(page: &str, width: usize) {
    for line in page.lines() {
        assert!(columns_of(line) <= width, "{} of {width} columns: {line}", columns_of(line));
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

#[test]
fn nothing_is_wider_than_the_terminal_and_nothing_acts_on_it() {
    let long = "\u{1b}[2J\u{202e}a long name 漢字漢字漢字漢字 ";
    // Short labels have a matrix.
    let cases = [(2, "\u{1b}[2J", 1), (2, long, 1), (3, long, 40), (1_000, long, 3)];
    for (count, hostile, repeated) in cases {
        let name = |number: usize| format!("{}{number}", hostile.repeat(repeated));
        let mut rows = page_of(vec![row(&name(1), 0.0, Some(1.0)), row(&name(2), 1.0, Some(0.5))]);
        rows.rows[0].input = name(3);
        rows.labels = labels(count, name);
        rows.confusions = (0..count)
            .map(|it| Confusion {
                expected: Some(name(it)),
                predicted: Some(name(it + 1)),
                count: 3,
            })
            .collect();
        rows.by = Some(name(4));
        let slice = |it| Slice { value: Some(name(it)), score: rows.all };
        rows.slices = (0..count).map(slice).collect();
        rows.filter.label = Some(name(5));
        for width in [40, 60, 80, 100] {
            is_within(&rows_page(&rows, 20, false, width), width);
            rows.filter.changed = !rows.filter.changed;
        }
    }
}

#[test]
fn of_many_labels_the_worst_are_shown() {
    let mut rows = page_of(vec![row("r1", 1.0, Some(1.0))]);
    rows.labels = labels(1_000, |number| format!("label-{number}"));
    let page = rows_page(&rows, 20, false, 80);
    assert!(page.contains("Labels: the 20 of 1000 with the lowest recall"), "{page}");
    assert!(page.contains("label-19 ") && !page.contains("label-20 "), "{page}");
    assert_eq!(page.matches("980 more labels in --json").count(), 2, "{page}");
    is_within(&page, 80);
}

#[test]
fn changed_rows_are_shown_apart_and_rows_without_a_baseline_are_counted() {
    let mut rows = page_of(vec![
        row("up-1", 1.0, Some(0.0)),
        row("down-1", 0.0, Some(1.0)),
        row("up-2", 1.0, Some(0.5)),
        row("down-2", 0.5, Some(1.0)),
        row("new", 1.0, None),
    ]);
    rows.filter.changed = true;
    rows.rows.retain(|row| rows.filter.keeps(row));
    let page = rows_page(&rows, 20, false, 80);
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}: {page}"));
    let order = [
        "Worse than the baseline: 2 rows",
        "down-1",
        "down-2",
        "Better than the baseline: 2 rows",
        "up-1",
        "up-2",
    ];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{page}");
    assert!(page.contains("4 rows match: another score"), "{page}");
    assert!(
        page.contains("1 row has no answer of the baseline") && !page.contains("new"),
        "{page}"
    );
    // Each side has its share of the places.
    let page = rows_page(&rows, 2, false, 80);
    assert!(page.contains("down-1") && page.contains("up-1"), "{page}");
    assert_eq!(page.matches("1 more row; `--limit N` shows them").count(), 2, "{page}");
}

#[test]
fn a_group_is_compared_on_the_rows_that_both_answered() {
    let rows = [row("a", 1.0, Some(0.0)), row("b", 0.0, None), row("c", 1.0, Some(1.0))];
    let group = RowGroupScore::of(&rows, Seed(1));
    let paired = group.against_baseline.unwrap();
    assert_eq!((group.rows, group.correct, paired.rows), (3, 2, 2));
    assert_eq!((paired.mean, paired.baseline_mean, paired.difference.mean), (1.0, 0.5, 0.5));
    assert_eq!((paired.better, paired.worse), (1, 0));
    let page = rows_page(&page_of(rows.to_vec()), 20, false, 100);
    let words: Vec<&str> = page.split_whitespace().collect();
    let words = words.join(" ");
    assert!(
        words.contains(
            "on the 2 rows that the baseline answered, too: 100.0 %, the baseline 50.0 %; +50.0 pp"
        ),
        "{words}"
    );
}
