//! The form of the answer that the parent asks for: lost by the reply, or contradicted by a new line.
//!
//! Told by English words; in other languages nothing is repaired.

use super::super::lines::{has_code, has_line, put_back, without};
use super::Repaired;
use crate::prompt::Prompt;

/// What a sentence on the form of the answer begins with, once what only leads over to it is left out.
const VERBS: &[&str] = &["answer", "reply", "respond", "output", "return"];
/// How a line tells that nothing else may be written.
const ONLY: &[&str] =
    &["only", "exactly", "just", "nothing else", "no other", "single", "one word"];
/// What leads over to such a sentence.
const LEADING: &[&str] = &[
    "please", "always", "then", "finally", "and", "only", "just", "simply", "you", "must", "should",
];
/// Names of the answer, and words by which a sentence says what it has to be.
const NOUNS: &[&str] = &["answer", "response", "reply", "output"];
const DUTIES: &[&str] = &["must", "should", "has", "needs", "is"];
/// Words by which a line gives an answer, also where it does not say how to write it.
const GIVES: &[&str] = &[
    "answer", "reply", "respond", "response", "output", "return", "write", "give", "say", "state",
    "name", "choose", "pick", "select", "print", "provide", "use",
];
/// What an answer is that is no object.
const BARE: &[&str] = &["word", "label", "name", "number", "letter", "digit", "category"];
/// Words by which a line speaks of a part of the answer.
const OF_PART: &[&str] = &["field", "fields", "key", "keys", "value", "values", "list"];
const OF_ONE_CASE: &[&str] = &["if", "when", "where", "for", "unless", "input", "under"];
/// Of them, those by which a line says something of some answers alone.
const OF_SOME: &[&str] = &["if", "when", "where", "unless"];
/// Words that English texts have.
const ENGLISH: &[&str] =
    &["the", "and", "of", "to", "is", "are", "it", "each", "with", "this", "that", "by", "or", "a"];

const NEGATIONS: &[&str] = &["no", "not", "never", "without", "don", "avoid", "instead"];
/// Phrases that ask for reasoning before the answer, or say where the answer then stands.
const REASONING: &[&str] =
    &["step by step", "reason through", "last line", "final line", "final answer", "the answer is"];

/// What an answer is to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    /// A word, a number, a label.
    Bare,
}

/// The text without new lines that contradict the form that the parent asks for and the text keeps; or with
/// the parent's sentences on the form again, where the new prompt neither has them nor tells a form in other words.
pub(super) fn restored(text: &str, old: &str, new: &Prompt) -> Repaired {
    contradictions_removed(text, old).or_else(|| put_back_lost(text, old, new))
}

/// A merged text without the lines on how to answer that the better parent lacks, where it has one of its own: whether to
/// reason first, and what the answer looks like.
pub(super) fn kept_once(text: &str, old: &str) -> Repaired {
    let is_on_answering = |line: &str| {
        let said = format!(" {} ", words(line).collect::<Vec<_>>().join(" "));
        !has_code(line)
            && (sentences(line).any(asks_form)
                || REASONING.iter().any(|phrase| said.contains(&format!(" {phrase} "))))
    };
    if !old.split('\n').any(is_on_answering) {
        return None;
    }
    let lines: Vec<&str> = text.split('\n').collect();
    let is_gone = |number: usize| is_on_answering(lines[number]) && !has_line(old, lines[number]);
    let gone: Vec<String> =
        (0..lines.len()).filter(|at| is_gone(*at)).map(|at| lines[at].trim().to_owned()).collect();
    (!gone.is_empty()).then(|| (without(text, is_gone), gone))
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
    let is_english = words(text).any(|word| ENGLISH.contains(&word.as_str()));
    let lines = || new.parts().iter().flat_map(|part| part.text.split('\n'));
    if !is_english || lines().any(tells_form) {
        return None;
    }
    let mut left = text.to_owned();
    let mut back = Vec::new();
    for line in old.split('\n').filter(|line| !has_code(line)) {
        let sentences: Vec<&str> = sentences(line).collect();
        let lost: Vec<&str> = sentences
            .iter()
            .copied()
            .filter(|one| asks_form(one) && !lines().any(|line| is_told_in(one, line)))
            .collect();
        if lost.is_empty() {
            continue;
        }
        // Of a line that says other things, too, only this comes back.
        let whole = lost.len() == sentences.len();
        let said = if whole { line.to_owned() } else { lost.join(" ") };
        left = put_back(&left, old, line, &said);
        back.push(said.trim().to_owned());
    }
    (!back.is_empty()).then_some((left, back))
}

/// The sentences of a line.
fn sentences(line: &str) -> impl Iterator<Item = &str> {
    line.split_inclusive(['.', '!', '?', ';'])
        .map(str::trim)
        .filter(|sentence| sentence.chars().any(char::is_alphanumeric))
}

/// Whether a sentence says of every answer how it is to be written: by what it begins with, so that one on
/// what an answer means in some case is none.
fn asks_form(sentence: &str) -> bool {
    let words: Vec<String> = words(sentence).collect();
    let is_in = |word: &String, list: &[&str]| list.contains(&word.as_str());
    if words.iter().any(|word| is_in(word, OF_ONE_CASE) || is_in(word, OF_PART)) {
        return false;
    }
    let begin = words.iter().find(|word| !is_in(word, LEADING));
    let is_order =
        begin.is_some_and(|word| is_in(word, VERBS) || word == "give" || word == "write");
    let is_form = says_only(sentence) || words.iter().any(|word| is_in(word, &["json", "format"]));
    (is_order || is_duty(&words)) && is_form
}

/// Whether words say what the answer must be: `your final answer should be`, `the output is`.
fn is_duty(words: &[String]) -> bool {
    let is_in = |word: &String, list: &[&str]| list.contains(&word.as_str());
    words.first().is_some_and(|word| is_in(word, &["your", "the"]))
        && (1..3).any(|at| {
            words.get(at).is_some_and(|word| is_in(word, NOUNS))
                && words.get(at + 1).is_some_and(|word| is_in(word, DUTIES))
        })
}

/// Whether a line tells, in whatever words, how an answer is written.
fn tells_form(line: &str) -> bool {
    let words: Vec<String> = words(line).collect();
    let is_your = |pair: &[String]| pair[0] == "your" && NOUNS.contains(&pair[1].as_str());
    let begins = |sentence: &str| {
        let first = self::words(sentence).find(|word| !LEADING.contains(&word.as_str()));
        first.is_some_and(|word| VERBS.contains(&word.as_str()))
    };
    let orders = ["provide", "give", "write", "print", "select", "choose", "pick"];
    let is_order = says_only(line) && words.iter().any(|word| orders.contains(&word.as_str()));
    states_form(line)
        || is_order && !words.iter().any(|word| OF_SOME.contains(&word.as_str()))
        || is_duty(&words)
        || words.windows(2).any(is_your)
        || words.iter().any(|word| word == "respond" || word == "output")
        || sentences(line).any(begins)
}

/// Whether a line gives an answer of the kind that a sentence asks for: half of what the sentence names.
fn is_told_in(sentence: &str, line: &str) -> bool {
    let is_named = |word: &String| {
        let known = [VERBS, LEADING, ENGLISH, DUTIES, NOUNS];
        let in_phrase = ["exactly", "nothing", "else", "no", "other", "single", "one", "with"];
        !known.iter().any(|list| list.contains(&word.as_str()))
            && !in_phrase.contains(&word.as_str())
    };
    let named: Vec<String> = words(sentence).filter(is_named).collect();
    let said: Vec<String> = words(line).collect();
    let shared = named.iter().filter(|word| said.contains(word)).count();
    let gives = said.iter().any(|word| GIVES.contains(&word.as_str()));
    gives && shared > 0 && shared * 2 >= named.len()
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
