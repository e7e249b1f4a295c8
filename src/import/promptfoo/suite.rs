//! Tests of promptfoo as a draft: variables become columns, assertions become answers and scores.
//!
//! A task scores all rows alike, so what differs between tests has to be the answer of a row.

use super::assertion::{Assertion, Expected, Kind};
use crate::import::answers::fixed_score;
use crate::import::draft::{Draft, DraftPart, DraftRows};
use crate::prompt::{Columns, USER, placeholder};
use crate::source::SourceError;
use crate::task::dataset::ColumnMap;
use crate::text;
use std::path::Path;

/// One test.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub(super) vars: Columns,
    pub(super) assertions: Vec<Assertion>,
    /// The line on which it stands.
    pub(super) line: usize,
}

/// What is left out, with its line, at most this many of a kind.
const NAMED: usize = 20;

/// Notes with lines.
#[derive(Debug, Default)]
pub(super) struct Notes {
    notes: Vec<(usize, String)>,
}

impl Notes {
    pub(super) fn add(&mut self, line: usize, note: impl Into<String>) {
        self.notes.push((line, note.into()));
    }

    /// Each note once with its line; the same note on many lines is one.
    pub(super) fn listed(mut self, path: &Path) -> Vec<String> {
        self.notes.sort();
        self.notes.dedup();
        let mut listed: Vec<(String, Vec<usize>)> = Vec::new();
        for (line, note) in self.notes {
            match listed.iter_mut().find(|(known, _)| *known == note) {
                Some((_, lines)) => lines.push(line),
                None => listed.push((note, vec![line])),
            }
        }
        let place = path.display();
        let all = listed.into_iter().flat_map(|(note, lines)| {
            let more = lines.len().saturating_sub(NAMED);
            let mut named: Vec<String> =
                lines.iter().take(NAMED).map(|line| format!("{place}:{line}: {note}")).collect();
            if more > 0 {
                named.push(format!("{place}: {note} on {} more", text::plural(more, "line")));
            }
            named
        });
        all.collect()
    }
}

/// The draft of tests; without parts, the prompt shows all variables.
pub(super) fn draft(
    path: &Path,
    tests: Vec<Test>,
    parts: Option<Vec<DraftPart>>,
    mut notes: Notes,
) -> Result<Draft, SourceError> {
    let (shared, own) = expectations(&tests, &mut notes);
    let mut scores: Vec<String> = shared.iter().map(shared_score).collect();
    let mut scored: Vec<(Test, Option<Expected>)> = tests
        .into_iter()
        .zip(own)
        .filter(|(test, own)| {
            let is_scored = own.is_some() || !shared.is_empty();
            if !is_scored {
                notes.add(
                    test.line,
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
                    test.line,
                    "this test has no answer of its own as others have, and is left out",
                );
            }
            own.is_some()
        });
    }
    scores.extend(score);
    if scored.is_empty() {
        let mut error = SourceError::new(path, "no test has an assertion that can be scored");
        if let Some((line, note)) = notes.notes.first() {
            error = error.help(format!("line {line}: {note}"));
        }
        return Err(error);
    }
    let answer = free_name(&scored);
    let rows: Vec<Columns> = scored
        .iter()
        .map(|(test, own)| {
            let mut row = test.vars.clone();
            let text = own.as_ref().map_or_else(|| "(see [[score]])".to_owned(), as_text);
            row.insert(answer.clone(), text.into());
            row
        })
        .collect();
    let parts = parts.unwrap_or_else(|| all_variables(&rows, &answer));
    Ok(Draft {
        parts,
        scores,
        columns: ColumnMap { answer: Some(answer), ..ColumnMap::default() },
        count: rows.len(),
        rows: DraftRows::Values(rows),
        models: Vec::new(),
        notes: notes.listed(path),
    })
}

/// The expectations that all tests share, and the one that each test has of its own.
fn expectations(tests: &[Test], notes: &mut Notes) -> (Vec<Expected>, Vec<Option<Expected>>) {
    let mut each: Vec<Vec<(usize, Expected)>> = Vec::new();
    for test in tests {
        let mut usable = Vec::new();
        for assertion in &test.assertions {
            match assertion.expected() {
                Some(expected) => usable.push((assertion.line, expected)),
                None => notes.add(assertion.line, assertion.complaint()),
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
            let is_shared = tests.len() > 1 && in_all(expected) || expected.kind == Kind::IsJson;
            if is_shared && !shared.contains(expected) {
                shared.push(expected.clone());
            }
        }
    }
    let own = each.into_iter().map(|usable| {
        let mut own = usable.into_iter().filter(|(_, expected)| !shared.contains(expected));
        let first = own.find(|(_, expected)| expected.kind != Kind::IsJson);
        for (line, _) in own {
            notes
                .add(line, "a second assertion of one test, which others do not have, is left out");
        }
        first.map(|(_, expected)| expected)
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
fn free_name(tests: &[(Test, Option<Expected>)]) -> String {
    let is_free = |name: &String| !tests.iter().any(|(test, _)| test.vars.contains_key(name));
    let names = std::iter::once("answer".to_owned()).chain((2..).map(|n| format!("answer_{n}")));
    names.into_iter().find(is_free).unwrap_or_default()
}

/// A prompt that shows all variables, one per line.
fn all_variables(rows: &[Columns], answer: &str) -> Vec<DraftPart> {
    let mut names: Vec<&String> = Vec::new();
    for name in rows.iter().flat_map(Columns::keys) {
        if name != answer && !names.contains(&name) {
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
        DraftPart {
            name: "system",
            text: "Write your prompt here.\n".to_owned(),
            is_searched: true,
        },
        DraftPart { name: USER, text, is_searched: false },
    ]
}
