//! Tests of promptfoo as a draft: variables become columns, assertions become answers and scores.
//!
//! A task scores all rows alike, so what differs between tests has to be the answer of a row.

use super::assertion::{Expected, Kind};
use super::notes::{Notes, Place};
use super::test::Test;
use crate::import::answers::fixed_score;
use crate::import::draft::{DraftPart, DraftRows, TaskDraft, is_writable, writable};
use crate::prompt::{Columns, USER, placeholder};
use crate::source::SourceError;
use crate::task::dataset::ColumnMap;
use crate::task::warnings::UNWRITTEN;
use crate::text;
use std::collections::BTreeSet;
use std::path::Path;

/// The draft of tests; without parts, the prompt shows all variables.
pub(super) fn draft(
    path: &Path,
    tests: Vec<Test>,
    parts: Option<Vec<DraftPart>>,
    mut notes: Notes,
) -> Result<TaskDraft, SourceError> {
    let mut expected: BTreeSet<String> = BTreeSet::new();
    for test in &tests {
        expected.extend(test.expected_variables());
    }
    let mut tests: Vec<Test> = tests.into_iter().map(|test| test.rendered(&mut notes)).collect();
    free_the_names(&mut tests, &mut expected, &mut notes);
    let (shared, own) = expectations(&tests, &mut notes);
    let mut scores: Vec<String> = shared.iter().map(shared_score).collect();
    let mut scored: Vec<(Test, Option<Expected>)> = tests
        .into_iter()
        .zip(own)
        .filter(|(test, own)| {
            let is_scored = own.is_some() || !shared.is_empty();
            if !is_scored {
                notes.add(
                    &test.place,
                    "this test has no assertion that can be scored, and is left out",
                );
            }
            is_scored
        })
        .collect();
    let owns: Vec<&Expected> = scored.iter().filter_map(|(_, own)| own.as_ref()).collect();
    let is_partial = owns.len() < scored.len();
    let (score, as_text): (Option<String>, fn(&Expected) -> String) = own_score(&owns);
    // Where only some tests have an expectation of their own, it cannot be scored for all.
    if score.is_some() && is_partial {
        scored.retain(|(test, own)| {
            if own.is_none() {
                notes.add(
                    &test.place,
                    "this test has no answer of its own as others have, and is left out",
                );
            }
            own.is_some()
        });
    }
    scores.extend(score);
    if scored.is_empty() {
        let mut error = SourceError::new(path, "no test has an assertion that can be scored");
        if let Some(note) = notes.first() {
            error = error.help(note);
        }
        return Err(error);
    }
    let answer = answer_name(&scored);
    // What all tests expect is the answer of each; a row without one has an empty answer.
    let common = shared.iter().find_map(Expected::as_answer).unwrap_or_default();
    let rows: Vec<Columns> = scored
        .iter()
        .map(|(test, own)| {
            let mut row = test.vars.clone();
            let text = own.as_ref().map_or_else(|| common.to_owned(), as_text);
            row.insert(answer.clone(), text.into());
            row
        })
        .collect();
    let has_prompt = parts.is_some();
    expected.insert(answer.clone());
    let parts = parts.unwrap_or_else(|| all_variables(&rows, &expected));
    Ok(TaskDraft {
        parts,
        scores,
        columns: ColumnMap { answer: Some(answer), ..ColumnMap::default() },
        count: rows.len(),
        rows: DraftRows::Values(rows),
        models: Vec::new(),
        has_prompt,
        notes: notes.listed(),
    })
}

/// The expectations that all tests share, and the one that each test has of its own.
fn expectations(tests: &[Test], notes: &mut Notes) -> (Vec<Expected>, Vec<Option<Expected>>) {
    let mut each: Vec<Vec<(Place, Expected)>> = Vec::new();
    for test in tests {
        let mut usable = Vec::new();
        for assertion in &test.assertions {
            match assertion.expected() {
                Some(expected) => usable.push((assertion.place.clone(), expected)),
                None => notes.add(&assertion.place, assertion.complaint()),
            }
        }
        each.push(usable);
    }
    let in_all = |expected: &Expected| {
        each.iter().all(|usable| usable.iter().any(|(_, other)| other == expected))
    };
    let mut shared: Vec<Expected> = Vec::new();
    if let Some(first) = each.first() {
        for (_, expected) in first {
            let is_shared = in_all(expected) && (tests.len() > 1 || expected.kind == Kind::IsJson);
            if is_shared && !shared.contains(expected) {
                shared.push(expected.clone());
            }
        }
    }
    let own = each.into_iter().map(|usable| {
        let mut first = None;
        for (place, expected) in usable.into_iter().filter(|(_, it)| !shared.contains(it)) {
            let note = match (expected.kind, &first) {
                (Kind::IsJson, _) => {
                    "`is-json` of some tests only is left out: a score applies to all rows"
                }
                (_, Some(_)) => {
                    "a second assertion of one test, which others do not have, is left out"
                }
                (_, None) => {
                    first = Some(expected);
                    continue;
                }
            };
            notes.add(&place, note);
        }
        first
    });
    let own = own.collect();
    (shared, own)
}

fn shared_score(expected: &Expected) -> String {
    match expected.kind {
        Kind::IsJson => "kind = \"is-json\"".to_owned(),
        Kind::Regex => fixed_score("regex", "pattern", &expected.text, false),
        kind => fixed_score(kind.name(), "value", &expected.text, expected.any_case),
    }
}

/// The score of the tests' own expectations, and how an expectation is written as an answer.
/// Expectations of several kinds become patterns.
fn own_score(own: &[&Expected]) -> (Option<String>, fn(&Expected) -> String) {
    let Some(first) = own.first() else { return (None, Expected::as_regex) };
    let is_same = own.iter().all(|it| (it.kind, it.any_case) == (first.kind, first.any_case));
    if !is_same {
        return (Some("kind = \"regex\"".to_owned()), Expected::as_regex);
    }
    let normalize = if first.any_case { "\nnormalize = [\"trim\", \"lower\"]" } else { "" };
    (Some(format!("kind = \"{}\"{normalize}", first.kind.name())), |it| it.text.clone())
}

/// The answer's column; a variable may be called `answer`.
fn answer_name(tests: &[(Test, Option<Expected>)]) -> String {
    text::free_name("answer", |name| tests.iter().any(|(test, _)| test.vars.contains_key(name)))
}

/// Gives variables that no placeholder can name another name, the same in all tests.
fn free_the_names(tests: &mut [Test], expected: &mut BTreeSet<String>, notes: &mut Notes) {
    let mut taken: BTreeSet<String> =
        tests.iter().flat_map(|test| test.vars.keys().cloned()).collect();
    let odd: Vec<String> = taken.iter().filter(|name| !is_writable(name)).cloned().collect();
    for name in odd {
        let free = writable(&name, |free| taken.contains(free));
        let mut is_told = false;
        for test in tests.iter_mut().filter(|test| test.vars.contains_key(&name)) {
            if !is_told {
                let shown = crate::text::one_line(&name);
                notes.add(
                    &test.place,
                    format!("no prompt can name the variable `{shown}`; it becomes `{free}`"),
                );
                is_told = true;
            }
            let vars = std::mem::take(&mut test.vars);
            let renamed = |(old, value)| (if old == name { free.clone() } else { old }, value);
            test.vars = vars.into_iter().map(renamed).collect();
        }
        if expected.remove(&name) {
            expected.insert(free.clone());
        }
        taken.insert(free);
    }
}

/// A prompt that shows all variables, one per line, except those that tell what is expected.
fn all_variables(rows: &[Columns], expected: &BTreeSet<String>) -> Vec<DraftPart> {
    let mut names: Vec<&String> = Vec::new();
    for name in rows.iter().flat_map(Columns::keys) {
        if !expected.contains(name) && !names.contains(&name) {
            names.push(name);
        }
    }
    let text = match &names[..] {
        [only] => placeholder(only),
        names => {
            let lines: Vec<String> =
                names.iter().map(|name| format!("{name}: {}", placeholder(name))).collect();
            lines.join("\n")
        }
    };
    vec![
        DraftPart { name: "system", text: format!("{UNWRITTEN}\n"), is_searched: true },
        DraftPart { name: USER, text, is_searched: false },
    ]
}
