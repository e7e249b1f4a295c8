//! A right answer, given word for word, is right, bare and dressed as models dress it; and no answer
//! makes a scorer fail.

use super::two_texts;
use crate::id::ExampleId;
use crate::task::example::Example;
use crate::task::scorer::{ScoreTable, Scorer};
use serde_json::{Value, json};

fn scorer(table: Value) -> Option<Scorer> {
    let table: ScoreTable = serde_json::from_value(table).expect("a table of [[score]]");
    Scorer::new(&table).ok()
}

fn row(answer: Value) -> Example {
    let id = ExampleId::new("1");
    Example {
        numbers: Vec::new(),
        id,
        columns: crate::prompt::Columns::new(),
        answer,
        feedback: None,
        group: None,
        weight: 1.0,
        must_pass: false,
        origin: crate::task::example::RowOrigin::Collected,
        file: 0,
        line: 1,
    }
}

/// The score of an answer, from 0 to 1.
fn score(scorer: &Scorer, answer: &str, row: &Example) -> f64 {
    let verdict = scorer.score(answer, row).expect("no program scores it");
    verdict.score.value()
}

/// Scores `answer`, and checks that the right answer is right: bare, and in each dress that by itself
/// is no answer.
fn right_is_right(scorer: &Scorer, right: &Value, answer: &str, dresses: &[(&str, &str)]) {
    let row = row(right.clone());
    if scorer.check(&row).is_err() {
        return;
    }
    score(scorer, answer, &row);
    let text = crate::prompt::value_text(right);
    for (before, after) in [("", ""), ("", "\n")].iter().chain(dresses) {
        let undressed = scorer.score(&format!("{before}{after}"), &row).expect("no program");
        let is_marked = text.contains(['*', '\\']) && before.contains('*');
        if undressed.invalid.is_some() && !is_marked {
            let dressed = format!("{before}{text}{after}");
            assert_eq!(score(scorer, &dressed, &row), 1.0, "{dressed:?}");
        }
    }
}

pub(super) fn number(bytes: &[u8]) {
    let Some((right, answer)) = two_texts(bytes) else { return };
    let table = json!({"kind": "number", "reasoning": "keep"});
    let scorer = scorer(table).expect("a scorer");
    let dresses = [("**", "**"), ("The answer is ", "."), ("```\n", "\n```")];
    // What is more than a number may be part of a sentence itself.
    let is_bare = right.ends_with(|c: char| c.is_ascii_digit())
        && right.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let dresses = if is_bare { &dresses[..] } else { &[] };
    right_is_right(&scorer, &json!(right), answer, dresses);
}

pub(super) fn label(bytes: &[u8]) {
    let Some((labels, answer)) = two_texts(bytes) else { return };
    let labels: Vec<&str> = labels.split('|').collect();
    // Beside a label `C*`, `**C**` is no plain answer.
    if labels.iter().any(|label| label.contains('*')) {
        return;
    }
    let table = json!({"kind": "label", "labels": labels, "reasoning": "keep"});
    let Some(scorer) = scorer(table) else { return };
    // Nor is `Label: D` beside a label `label: -D` or `: D`.
    let is_part = |label: &str| label.contains(':') || label.to_lowercase().contains("label");
    let is_free = !labels.iter().any(|label| is_part(label));
    let dresses = &[("**", "**"), ("Label: ", "")][..if is_free { 2 } else { 1 }];
    for label in &labels {
        right_is_right(&scorer, &json!(label), answer, dresses);
        for other in labels.iter().filter(|other| *other != label) {
            let row = row(json!(other));
            let is_wrong = scorer.check(&row).is_err() || score(&scorer, label, &row) < 1.0;
            assert!(is_wrong, "{label:?} is taken for {other:?}");
        }
    }
}

pub(super) fn json_fields(bytes: &[u8]) {
    let Some((right, answer)) = two_texts(bytes) else { return };
    let Ok(right) = serde_json::from_str::<Value>(right) else { return };
    let dresses = [("```json\n", "\n```"), ("````\n", "\n````"), ("Here it is:\n\n", "\n\nDone.")];
    for kind in ["json-fields", "equals"] {
        let table = json!({"kind": kind, "reasoning": "keep"});
        let Some(scorer) = scorer(table) else { continue };
        right_is_right(&scorer, &right, answer, if right.is_object() { &dresses } else { &[] });
    }
}
