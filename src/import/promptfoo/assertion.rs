//! Assertions of promptfoo: their names, how a CSV writes them, and what of them this program scores.

use super::notes::Place;
use crate::prompt::value_text;
use serde_json::Value;

/// One assertion as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Assertion {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) place: Place,
}

/// What an assertion expects.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expected {
    /// The scorer's kind.
    pub(super) kind: Kind,
    /// Whether case is ignored.
    pub(super) any_case: bool,
    /// The expected text; a pattern for `regex`.
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Equals,
    Contains,
    StartsWith,
    Regex,
    IsJson,
}

impl Kind {
    /// Its name in `[[score]]`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Equals => "equals",
            Self::Contains => "contains",
            Self::StartsWith => "starts-with",
            Self::Regex => "regex",
            Self::IsJson => "is-json",
        }
    }
}

/// All names of assertions, so that in a CSV `note: x` is a text and `cost: 1` an assertion.
const NAMES: &[&str] = &[
    "answer-relevance",
    "bleu",
    "classifier",
    "contains",
    "contains-all",
    "contains-any",
    "contains-html",
    "contains-json",
    "contains-sql",
    "contains-xml",
    "context-faithfulness",
    "context-recall",
    "context-relevance",
    "cost",
    "equals",
    "eval",
    "factuality",
    "finish-reason",
    "fn",
    "g-eval",
    "gleu",
    "grade",
    "guardrails",
    "icontains",
    "icontains-all",
    "icontains-any",
    "is-html",
    "is-json",
    "is-refusal",
    "is-sql",
    "is-valid-function-call",
    "is-valid-openai-function-call",
    "is-valid-openai-tools-call",
    "is-xml",
    "javascript",
    "latency",
    "levenshtein",
    "llm-rubric",
    "meteor",
    "model-graded-closedqa",
    "model-graded-factuality",
    "moderation",
    "perplexity",
    "perplexity-score",
    "pi",
    "python",
    "regex",
    "rouge-n",
    "ruby",
    "search-rubric",
    "select-best",
    "similar",
    "starts-with",
    "webhook",
    "word-count",
];

impl Assertion {
    /// An assertion as a cell of a CSV writes it: `contains: x`, or a bare text that must be equal.
    pub(super) fn of_cell(cell: &str, place: Place) -> Self {
        let cell = cell.trim();
        let (head, rest) = cell.split_once(':').unwrap_or((cell, ""));
        let name = head.split('(').next().unwrap_or_default().trim();
        let positive = name.strip_prefix("not-").unwrap_or(name);
        let (name, value) = match NAMES.contains(&positive) {
            // A cell that is one of the names alone, such as `contains`, is a text.
            true if cell.contains(':') || name.starts_with("is-") => (name, rest.trim()),
            _ => ("equals", cell),
        };
        Self { name: name.to_owned(), value: value.into(), place }
    }

    /// What it expects; `None`: this program cannot score it.
    pub(super) fn expected(&self) -> Option<Expected> {
        let (kind, any_case) = match self.name.as_str() {
            "equals" => (Kind::Equals, false),
            "contains" => (Kind::Contains, false),
            "icontains" => (Kind::Contains, true),
            "starts-with" => (Kind::StartsWith, false),
            "regex" => (Kind::Regex, false),
            "contains-any" | "contains-all" => (Kind::Contains, false),
            "icontains-any" | "icontains-all" => (Kind::Contains, true),
            "is-json" => (Kind::IsJson, false),
            _ => return None,
        };
        let text = value_text(&self.value).into_owned();
        if self.name.ends_with("-any") || self.name.ends_with("-all") {
            let items = self.items();
            return match (&items[..], self.name.ends_with("-any")) {
                ([], _) => None,
                ([only], _) => Some(Expected { kind, any_case, text: only.clone() }),
                (_, false) => None,
                (items, true) => {
                    let each: Vec<String> = items.iter().map(|it| regex::escape(it)).collect();
                    let flag = if any_case { "(?i)" } else { "" };
                    let text = format!("{flag}(?:{})", each.join("|"));
                    Some(Expected { kind: Kind::Regex, any_case: false, text })
                }
            };
        }
        let is_unusable = match kind {
            // A schema is not checked, and a program or a file is not read.
            Kind::IsJson => !text.is_empty(),
            Kind::Regex => text.is_empty() || regex::Regex::new(&text).is_err(),
            Kind::Equals => false,
            _ => text.trim().is_empty(),
        };
        (!is_unusable && !text.starts_with("file://")).then_some(Expected { kind, any_case, text })
    }

    /// The texts of a list; in a CSV they are separated by commas.
    fn items(&self) -> Vec<String> {
        match &self.value {
            Value::Array(items) => items.iter().map(|it| value_text(it).into_owned()).collect(),
            other => {
                let text = value_text(other);
                let items = text.split(',').map(|it| it.trim().to_owned());
                items.filter(|it| !it.is_empty()).collect()
            }
        }
    }

    /// Why it cannot be scored.
    pub(super) fn complaint(&self) -> String {
        match self.name.as_str() {
            "regex" | "contains" | "icontains" | "starts-with" | "contains-any"
            | "icontains-any" => {
                format!("`{}` with this value cannot be scored, and is left out", self.name)
            }
            "is-json" => "`is-json` with a schema cannot be scored, and is left out".to_owned(),
            name => format!("the assertion `{name}` is not supported, and is left out"),
        }
    }
}

impl Expected {
    /// The text, if an answer that is this text alone is right.
    pub(super) fn as_answer(&self) -> Option<&str> {
        match self.kind {
            Kind::Equals | Kind::Contains | Kind::StartsWith => Some(&self.text),
            Kind::Regex | Kind::IsJson => None,
        }
    }

    /// The same expectation as a pattern.
    pub(super) fn as_regex(&self) -> String {
        let escaped = regex::escape(&self.text);
        match self.kind {
            Kind::Equals => format!(r"^\s*{escaped}\s*$"),
            Kind::Contains if self.any_case => format!("(?i){escaped}"),
            Kind::Contains => escaped,
            Kind::StartsWith => format!(r"^\s*{escaped}"),
            Kind::Regex => self.text.clone(),
            Kind::IsJson => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cell(text: &str) -> Assertion {
        Assertion::of_cell(text, Place::new(std::path::Path::new("a.csv"), 2))
    }

    #[test]
    fn cells_name_an_assertion_or_are_equal_texts() {
        for (text, name, value) in [
            ("contains: hello", "contains", "hello"),
            ("icontains:Hello: you", "icontains", "Hello: you"),
            ("Paris", "equals", "Paris"),
            ("Note: call back", "equals", "Note: call back"),
            ("contains", "equals", "contains"),
            ("is-json", "is-json", ""),
            ("similar(0.8): a greeting", "similar", "a greeting"),
            ("not-contains: sorry", "not-contains", "sorry"),
            ("regex: ^a:b$", "regex", "^a:b$"),
        ] {
            let read = cell(text);
            assert_eq!((read.name.as_str(), &read.value), (name, &json!(value)), "{text}");
        }
    }

    #[test]
    fn what_can_be_scored_is_scored_and_nothing_else() {
        let kind = |text: &str| cell(text).expected().map(|it| (it.kind, it.any_case, it.text));
        assert_eq!(kind("icontains: Hi"), Some((Kind::Contains, true, "Hi".into())));
        assert_eq!(kind("contains-any: a.b, c"), Some((Kind::Regex, false, r"(?:a\.b|c)".into())));
        assert_eq!(kind("icontains-any: a, c"), Some((Kind::Regex, false, "(?i)(?:a|c)".into())));
        assert_eq!(kind("contains-all: a"), Some((Kind::Contains, false, "a".into())));
        for not in [
            "contains-all: a, b",
            "llm-rubric: is polite",
            "not-equals: x",
            "javascript: true",
            "regex: (?=a)b",
            "contains:",
            "cost: 1",
        ] {
            assert_eq!(kind(not), None, "{not}");
            assert!(cell(not).complaint().contains("left out"));
        }
    }

    #[test]
    fn every_expectation_has_a_pattern_that_means_the_same() {
        for (text, right, wrong) in [
            ("a.b", " a.b\n", "a.b."),
            ("contains: a.b", "x a.b y", "A.B"),
            ("icontains: a.b", "x A.B y", "axb"),
            ("starts-with: a+", "a+ and", "b a+"),
        ] {
            let pattern = regex::Regex::new(&cell(text).expected().unwrap().as_regex()).unwrap();
            assert!(pattern.is_match(right) && !pattern.is_match(wrong), "{text}: {pattern}");
        }
    }
}
