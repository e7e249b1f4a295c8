//! The form of the answer that the parent asks for: lost by the reply, or contradicted by a new line.
//!
//! Told by English words; in other languages nothing is repaired.

use super::super::lines::{has_code, has_line, is_whole_prompt, put_back, without};
use super::Repaired;
use crate::prompt::Prompt;

/// Words by which a line speaks of the answer, and those by which it says how to write it.
const SPEAKS: &[&str] = &[
    "answer", "answers", "reply", "respond", "response", "output", "return", "returns", "write",
    "give", "json", "format", "say", "state", "name", "choose", "pick", "select", "classify",
    "label", "print", "provide", "use",
];
const VERBS: &[&str] = &["answer", "reply", "respond", "output", "return"];
/// How a line tells that nothing else may be written.
const ONLY: &[&str] =
    &["only", "exactly", "just", "nothing else", "no other", "single", "one word"];
/// What an answer is that is no object.
const BARE: &[&str] = &["word", "label", "name", "number", "letter", "digit", "category"];
/// Words by which a line speaks of a part of the answer.
const OF_PART: &[&str] = &["field", "fields", "key", "keys", "value", "values", "list"];
const OF_ONE_CASE: &[&str] = &["if", "when", "where", "for", "unless", "input", "under"];
/// Words that English texts have.
const ENGLISH: &[&str] =
    &["the", "and", "of", "to", "is", "are", "it", "each", "with", "this", "that", "by", "or", "a"];
const NEGATIONS: &[&str] = &["no", "not", "never", "without", "don", "avoid", "instead"];

/// What an answer is to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    /// A word, a number, a label.
    Bare,
}

/// The text without new lines that contradict the form that the parent asks for and the text keeps; or with
/// the parent's lines on the form again, where the text does not speak of the answer at all.
pub(super) fn restored(text: &str, old: &str, new: &Prompt) -> Repaired {
    contradictions_removed(text, old).or_else(|| put_back_lost(text, old, new))
}

fn contradictions_removed(text: &str, old: &str) -> Repaired {
    let asked = one_form(old)?;
    let lines: Vec<&str> = text.split('\n').collect();
    let is_kept = lines.iter().any(|line| form_of(line) == Some(asked));
    let is_gone = |number: usize| {
        let line = lines[number];
        form_of(line).is_some_and(|form| form != asked) && !has_code(line) && !has_line(old, line)
    };
    let gone: Vec<String> =
        (0..lines.len()).filter(|at| is_gone(*at)).map(|at| lines[at].trim().to_owned()).collect();
    (is_kept && !gone.is_empty()).then(|| (without(text, is_gone), gone))
}

fn put_back_lost(text: &str, old: &str, new: &Prompt) -> Repaired {
    let has = |text: &str, list: &[&str]| words(text).any(|word| list.contains(&word.as_str()));
    let is_told = new.parts().iter().any(|part| has(&part.text, SPEAKS) || says_only(&part.text));
    if is_told || !has(text, ENGLISH) {
        return None;
    }
    let mut left = text.to_owned();
    let mut back = Vec::new();
    let is_fit = |line: &&str| states_form(line) && !has_code(line) && !is_whole_prompt(line, text);
    for line in old.split('\n').filter(is_fit) {
        left = put_back(&left, old, line);
        back.push(line.trim().to_owned());
    }
    (!back.is_empty()).then_some((left, back))
}

/// The form that a text asks for, if it is one.
fn one_form(text: &str) -> Option<Form> {
    let mut forms = text.split('\n').filter_map(form_of);
    let first = forms.next()?;
    forms.all(|form| form == first).then_some(first)
}

/// The form that a line asks for.
fn form_of(line: &str) -> Option<Form> {
    let has = |list: &[&str]| words(line).any(|word| list.contains(&word.as_str()));
    // A line on one case, or on one field, says nothing of all answers.
    if !has(VERBS) || has(NEGATIONS) || has(OF_ONE_CASE) || line.contains('`') {
        return None;
    }
    if has(&["json"]) {
        return Some(Form::Json);
    }
    (says_only(line) && has(BARE) && !has(OF_PART)).then_some(Form::Bare)
}

/// Whether a line says how the answer is to be written.
fn states_form(line: &str) -> bool {
    let has = |list: &[&str]| words(line).any(|word| list.contains(&word.as_str()));
    has(VERBS) && (says_only(line) || has(&["json", "format"]))
}

fn says_only(line: &str) -> bool {
    let said = format!(" {} ", words(line).collect::<Vec<_>>().join(" "));
    ONLY.iter().any(|only| said.contains(&format!(" {only} ")))
}

fn words(line: &str) -> impl Iterator<Item = String> {
    line.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}
