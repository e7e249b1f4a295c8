//! Tests of promptfoo as a draft: variables become columns, assertions become answers and scores.
//!
//! What all tests expect is a score. What differs between tests in its text alone is the answer of a row; if it differs in
//! more, each row has its assertions in a column.

use super::assertion::{self, COLUMN, Placed, right_answer, with_answer};
use super::notes::Notes;
use super::test::Test;
use crate::import::draft::{DraftPart, DraftRows, TaskDraft, is_writable, writable};
use crate::prompt::{Columns, USER, placeholder};
use crate::source::SourceError;
use crate::task::dataset::ColumnMap;
use crate::task::scorer::ScoreTable;
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
    let mut expecting = Vec::new();
    for test in tests {
        let wanted = wanted(&test, &mut notes);
        match wanted.is_empty() {
            false => expecting.push((test, wanted)),
            true => notes
                .add(&test.place, "this test has no assertion that can be scored, and is left out"),
        }
    }
    let rubrics = rubrics_of_all(&mut expecting, &mut notes);
    if expecting.is_empty() {
        let mut error = SourceError::new(path, "no test has an assertion that can be scored");
        if let Some(note) = notes.first() {
            error = error.help(note);
        }
        return Err(error);
    }
    let shared = shared(&expecting);
    let own: Vec<Vec<&ScoreTable>> = expecting
        .iter()
        .map(|(_, wanted)| wanted.iter().filter(|it| !shared.contains(it)).collect())
        .collect();
    let name = |name| {
        text::free_name(name, |name| expecting.iter().any(|(test, _)| test.vars.contains_key(name)))
    };
    let answer = name("answer");
    let column = name(COLUMN);
    let of_answer = of_answers(&own).and_then(|score| {
        shared.iter().chain(&score).map(assertion::toml).collect::<Option<Vec<String>>>()
    });
    let of_rows = of_answer.is_none();
    let scores = of_answer.unwrap_or_else(|| {
        vec![format!("kind = \"assertions\"\ncolumn = {}", toml::Value::from(&*column))]
    });
    let judged = rubrics.iter().filter_map(assertion::toml);
    let scores: Vec<String> = scores.into_iter().chain(judged).collect();
    let rows: Vec<Columns> = expecting
        .iter()
        .zip(&own)
        .map(|((test, wanted), own)| {
            let mut row = test.vars.clone();
            // What all tests expect is the answer of each; a row without one has an empty answer.
            let text = match own.first() {
                Some(own) if !of_rows => with_answer(own).map(|(text, _)| text),
                _ => wanted.iter().find_map(right_answer),
            };
            row.insert(answer.clone(), text.unwrap_or_default().into());
            if of_rows {
                let list = serde_json::to_value(wanted).unwrap_or_default();
                row.insert(column.clone(), list);
                expected.insert(column.clone());
            }
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

/// What of a test's assertions can be scored.
fn wanted(test: &Test, notes: &mut Notes) -> Vec<ScoreTable> {
    let mut wanted: Vec<ScoreTable> = Vec::new();
    for Placed { assertion, place } in &test.assertions {
        match assertion.table() {
            Ok(table) if wanted.contains(&table) => {}
            Ok(table) => wanted.push(table),
            Err(error) => notes.add(place, format!("{error}, and is left out")),
        }
    }
    wanted
}

/// Takes out what a judge is to grade by. It grades all answers by the same: what not all tests have is left out, and so is
/// a test that has nothing else.
fn rubrics_of_all(tests: &mut Vec<(Test, Vec<ScoreTable>)>, notes: &mut Notes) -> Vec<ScoreTable> {
    let is_rubric = |table: &ScoreTable| table.names("rubric");
    let mut all: Vec<ScoreTable> = tests.first().map_or_else(Vec::new, |(_, first)| first.clone());
    all.retain(|table| is_rubric(table) && tests.iter().all(|(_, own)| own.contains(table)));
    for (test, own) in tests.iter_mut() {
        for Placed { assertion, place } in &test.assertions {
            if assertion.table().is_ok_and(|table| is_rubric(&table) && !all.contains(&table)) {
                let note = "a rubric that not all tests have is left out: a judge grades all answers by the same";
                notes.add(place, note);
            }
        }
        own.retain(|table| !is_rubric(table));
    }
    if all.is_empty() {
        tests.retain(|(test, own)| {
            if own.is_empty() {
                notes.add(
                    &test.place,
                    "this test has no assertion that can be scored, and is left out",
                );
            }
            !own.is_empty()
        });
    }
    all
}

/// What all tests expect. Of a single test, only what no answer stands for.
fn shared(tests: &[(Test, Vec<ScoreTable>)]) -> Vec<ScoreTable> {
    let Some((_, first)) = tests.first() else { return Vec::new() };
    let in_all = |table: &&ScoreTable| tests.iter().all(|(_, wanted)| wanted.contains(table));
    let is_shared = |table: &&ScoreTable| tests.len() > 1 || with_answer(table).is_none();
    first.iter().filter(in_all).filter(is_shared).cloned().collect()
}

/// The scores that compare each test's own expectation with its answer: one, or none where all tests expect the same.
/// `None`: some tests have several, or they differ in more than a text, so each row needs assertions of its own.
fn of_answers(own: &[Vec<&ScoreTable>]) -> Option<Vec<ScoreTable>> {
    if own.iter().all(Vec::is_empty) {
        return Some(Vec::new());
    }
    let mut tables = Vec::new();
    for own in own {
        let [only] = own[..] else { return None };
        tables.push(with_answer(only)?.1);
    }
    tables.dedup();
    (tables.len() == 1).then_some(tables)
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
