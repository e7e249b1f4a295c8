//! The form of a right answer, and how clearly a prompt asks for it.
//!
//! A prompt that does not say how to answer is answered in other ways now and then: chatty, with two
//! labels, in words instead of digits. A prompt that asks for reasoning gets it, at its length.

use super::labels::{AnswerForm, Labels};
use super::words;
use serde_json::Value;
use std::collections::BTreeSet;

impl AnswerForm {
    /// Logits added to every unasked skill: an object has many fields to get wrong.
    pub(super) fn prior_shift(&self) -> f64 {
        match self {
            Self::Label(_) => 0.0,
            Self::Number | Self::Text => -0.2,
            Self::Json => -2.0,
        }
    }

    /// Logits that step-by-step reasoning adds, by how hard a row is. On an easy label it is a
    /// chance to talk oneself out of the right answer.
    pub(super) fn reasoning_gain(&self, difficulty: f64) -> f64 {
        match self {
            Self::Number => 1.1,
            Self::Json => 0.35,
            Self::Text => 0.0,
            Self::Label(_) if difficulty > 0.5 => 0.25,
            Self::Label(_) => -0.15,
        }
    }
}

/// The share of answers that go wrong by their form, by what the prompt says about it.
struct Malformed {
    nothing: f64,
    some: f64,
    most: f64,
    all: f64,
}

const LABEL: Malformed = Malformed { nothing: 0.18, some: 0.10, most: 0.06, all: 0.01 };
const JSON: Malformed = Malformed { nothing: 0.25, some: 0.13, most: 0.06, all: 0.01 };
const NUMBER: Malformed = Malformed { nothing: 0.15, some: 0.06, most: 0.03, all: 0.01 };
const TEXT: Malformed = Malformed { nothing: 0.05, some: 0.03, most: 0.02, all: 0.01 };
/// Added where reasoning is asked for and nothing is said about how it should end.
const OPEN_END: f64 = 0.03;

const ANSWER_WORDS: &[&str] = &[
    "answer", "respond", "response", "reply", "output", "return", "give", "write", "print", "name",
    "state", "result", "say",
];
const ONLY_WORDS: &[&str] = &["only", "exactly", "just", "solely"];
const ONLY_PHRASES: &[&str] = &[
    "nothing else",
    "nothing more",
    "no other text",
    "no other words",
    "no explanation",
    "without explanation",
    "no prose",
    "single word",
    "one word",
];
const NUMBER_WORDS: &[&str] =
    &["number", "figure", "value", "result", "digits", "numeric", "answer"];
const REASONING: &[&str] = &[
    "step by step",
    "step-by-step",
    "one step at a time",
    "think it through",
    "think through",
    "reason through",
    "work through",
    "show your reasoning",
    "show your work",
    "explain your reasoning",
    "write down each step",
    "write out each step",
];
const NEGATIONS: &[&str] = &["not", "don't", "dont", "never", "no", "without", "avoid"];
const ENDINGS: &[&str] = &[
    "the answer is",
    "last line",
    "final line",
    "end with",
    "finish with",
    "at the end",
    "final answer",
];

/// What a prompt says about the form of the answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Asked {
    /// The probability that an answer is of no use because of its form.
    pub(super) malformed: f64,
    /// Whether reasoning is asked for.
    pub(super) reasons: bool,
    /// Whether the answer is to be introduced by `The answer is`.
    pub(super) introduced: bool,
}

impl Asked {
    /// Reads the sentences of a prompt, in lower case.
    pub(super) fn new(
        sentences: &[String],
        form: &AnswerForm,
        labels: &Labels,
        fields: &BTreeSet<String>,
    ) -> Self {
        let any = |test: &dyn Fn(&str) -> bool| sentences.iter().any(|sentence| test(sentence));
        // Free text is scored whole, so that reasoning could not be told from the answer.
        let aloud = *form != AnswerForm::Text;
        let reasons = aloud
            && any(&|sentence| {
                holds_one(sentence, REASONING)
                    && !words::raw(sentence).any(|word| NEGATIONS.contains(&word))
            });
        let ends = any(&|sentence| holds_one(sentence, ENDINGS));
        let introduced = aloud && any(&|sentence| sentence.contains("the answer is"));
        // A sentence that names one label is a rule about a case, whatever else it says.
        let only = any(&|sentence| {
            asks_for_answer(sentence) && says_only(sentence) && labels.named_in(sentence).len() != 1
        });
        let (table, level) = match form {
            AnswerForm::Label(_) => {
                let mut named = BTreeSet::new();
                for sentence in sentences {
                    named.extend(labels.named_in(sentence));
                }
                let all_named = named.len() * 10 >= labels.len() * 8;
                let level = match (all_named, only) {
                    (true, true) => 3,
                    (true, false) => 2,
                    (false, true) => 1,
                    (false, false) => 0,
                };
                (LABEL, level)
            }
            AnswerForm::Json => {
                let json = any(&|sentence| sentence.contains("json"));
                let named = fields
                    .iter()
                    .filter(|field| any(&|sentence| words::holds_phrase(sentence, field)))
                    .count();
                let all_named = named * 10 >= fields.len() * 8;
                let level = match (json, all_named, only) {
                    (true, true, true) => 3,
                    (true, true, false) | (true, false, true) => 2,
                    (true, false, false) | (false, true, _) => 1,
                    (false, false, _) => 0,
                };
                (JSON, level)
            }
            AnswerForm::Number => {
                let wants = any(&|sentence| asks_for_answer(sentence) && wants_number(sentence));
                let only_number =
                    only && any(&|sentence| says_only(sentence) && wants_number(sentence));
                let level = match (only_number || introduced, only || ends, wants) {
                    (true, _, _) => 3,
                    (false, true, _) => 2,
                    (false, false, true) => 1,
                    (false, false, false) => 0,
                };
                (NUMBER, level)
            }
            AnswerForm::Text => (TEXT, if only { 3 } else { 0 }),
        };
        let Malformed { nothing, some, most, all } = table;
        let malformed = [nothing, some, most, all][level];
        Self {
            malformed: malformed + if reasons && !ends { OPEN_END } else { 0.0 },
            reasons,
            introduced,
        }
    }
}

fn holds_one(sentence: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| sentence.contains(phrase))
}

fn asks_for_answer(sentence: &str) -> bool {
    words::raw(sentence).any(|word| ANSWER_WORDS.contains(&word))
}

fn says_only(sentence: &str) -> bool {
    words::raw(sentence).any(|word| ONLY_WORDS.contains(&word)) || holds_one(sentence, ONLY_PHRASES)
}

fn wants_number(sentence: &str) -> bool {
    words::raw(sentence).any(|word| NUMBER_WORDS.contains(&word))
}

/// How often a wrong JSON answer has one, two or three wrong fields.
const WRONG_FIELDS: [f64; 3] = [0.05, 0.25, 0.70];

/// How often a wrong object with this number of fields has one, two or three wrong ones.
pub(super) fn wrong_field_weights(fields: usize) -> &'static [f64] {
    &WRONG_FIELDS[..fields.min(WRONG_FIELDS.len())]
}

/// What a wrong answer scores on average: nothing, but for JSON the share of fields still right.
pub(super) fn expected_score_when_wrong(form: &AnswerForm, answer: &Value) -> f64 {
    let (AnswerForm::Json, Some(object)) = (form, answer.as_object()) else {
        return 0.0;
    };
    if object.is_empty() {
        return 0.0;
    }
    let weights = wrong_field_weights(object.len());
    let total: f64 = weights.iter().sum();
    let wrong: f64 =
        weights.iter().enumerate().map(|(place, weight)| (place + 1) as f64 * weight / total).sum();
    1.0 - wrong / object.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(prompt: &str, form: &AnswerForm) -> Asked {
        let sentences: Vec<String> =
            prompt.lines().flat_map(words::sentences).map(str::to_lowercase).collect();
        let fields = ["supplier", "total"].map(str::to_owned).into();
        Asked::new(&sentences, form, &Labels::new(form), &fields)
    }

    #[test]
    fn a_stated_form_is_mostly_kept() {
        let form = AnswerForm::Label(vec!["spam".into(), "ham".into()]);
        let vague = asked("Sort the mail.", &form);
        let named = asked("Sort the mail into spam or ham.", &form);
        let exact = asked("Answer with only one of: spam, ham.", &form);
        assert!(vague.malformed > named.malformed && named.malformed > exact.malformed);
        assert_eq!(exact.malformed, 0.01);
        // A rule with `only` in it is no statement of the form.
        let rule = asked("Spam or ham?\nAnswer spam only if it sells something.", &form);
        assert_eq!(rule.malformed, named.malformed);

        let json = |prompt| asked(prompt, &AnswerForm::Json).malformed;
        assert_eq!(json("Return only a JSON object with supplier and total."), 0.01);
        assert_eq!(json("Return a JSON object with supplier and total."), 0.06);
        assert_eq!(json("Read the invoice."), 0.25);

        let number = |prompt| asked(prompt, &AnswerForm::Number).malformed;
        assert_eq!(number("Give only the number."), 0.01);
        assert_eq!(number("End with: The answer is N."), 0.01);
        assert_eq!(number("Give the number."), 0.06);
        assert_eq!(number("Solve it."), 0.15);
    }

    #[test]
    fn reasoning_is_given_where_it_is_asked_for() {
        let form = AnswerForm::Number;
        assert!(asked("Think step by step.", &form).reasons);
        assert!(!asked("Do not think step by step.", &form).reasons);
        let open = asked("Give the number. Think step by step.", &form);
        let closed = asked("Think step by step. End with: the answer is the number.", &form);
        assert!(open.malformed > closed.malformed);
        assert!(closed.introduced);
    }
}
