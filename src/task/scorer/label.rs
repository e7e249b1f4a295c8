//! `label`: the answer names the row's label and none of the other labels.
//!
//! Labels match as whole words in any case. The longest label is searched first, and the text that
//! it covers is not searched again, so that `billing dispute` does not also name `billing`. An
//! answer that names no label or several labels is invalid, because it made no choice.

use super::kind::{Kind, Named};
use super::prepare::Prepare;
use super::quoted;
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use crate::prompt::value_text;
use crate::task::example::Example;
use crate::task::words::{fold, is_unspaced};
use crate::text;
use serde_json::Value;
use std::ops::Range;

#[derive(Clone, Debug)]
pub(super) struct Labels {
    /// The labels as written, in the task's order.
    names: Vec<String>,
    /// Case-folded, each with its position in `names`; the longest first.
    folded: Vec<(String, usize)>,
}

impl Named for Labels {
    const NAME: &'static str = "label";
    const KEYS: &'static [&'static str] = &["labels"];

    fn new(table: &ScoreTable, prepare: &Prepare) -> Result<Self, ScorerError> {
        let names = table.labels.clone().unwrap_or_default();
        if names.is_empty() {
            return Err(ScorerError::new(
                "labels",
                "`label` needs the labels that an answer may name",
            )
            .help("write labels = [\"yes\", \"no\"]"));
        }
        let mut folded: Vec<(String, usize)> = Vec::with_capacity(names.len());
        for (place, name) in names.iter().enumerate() {
            let label = fold(&prepare.expected(name));
            if label.is_empty() {
                return Err(ScorerError::new(
                    "labels",
                    format!("the label {} is empty", quoted(name)),
                ));
            }
            if let Some((_, twin)) = folded.iter().find(|(other, _)| *other == label) {
                let message = format!(
                    "the labels {} and {} cannot be distinguished",
                    quoted(&names[*twin]),
                    quoted(name)
                );
                return Err(ScorerError::new("labels", message)
                    .help("case, white space, and what `normalize` removes are ignored"));
            }
            folded.push((label, place));
        }
        folded.sort_by_key(|(label, place)| (std::cmp::Reverse(label.len()), *place));
        Ok(Self { names, folded })
    }
}

impl Kind for Labels {
    fn check(&self, row: &Example, prepare: &Prepare) -> Result<(), String> {
        self.check_answer(&row.answer, prepare)
    }

    fn score(&self, answer: &str, row: &Example, prepare: &Prepare) -> Option<Verdict> {
        Some(self.score_against(answer, &row.answer, prepare))
    }

    fn labels(&self) -> &[String] {
        &self.names
    }
}

impl Labels {
    /// Checks that a row's answer is one of the labels.
    fn check_answer(&self, expected: &Value, prepare: &Prepare) -> Result<(), String> {
        let label = value_text(expected);
        if self.place_of(&label, prepare).is_some() {
            return Ok(());
        }
        let known: Vec<&str> = self.names.iter().map(String::as_str).collect();
        Err(format!(
            "the answer {} is not one of the labels: {}",
            quoted(&label),
            text::suggestion(&label, &known)
        ))
    }

    fn place_of(&self, label: &str, prepare: &Prepare) -> Option<usize> {
        let label = fold(&prepare.expected(label));
        self.folded.iter().find(|(other, _)| *other == label).map(|(_, place)| *place)
    }

    fn score_against(&self, answer: &str, expected: &Value, prepare: &Prepare) -> Verdict {
        let label = value_text(expected);
        let named = self.named(answer);
        match named[..] {
            [] => Verdict::invalid(
                format!("the answer names none of the labels ({})", self.list()),
                &quoted(&label),
            ),
            [place] if Some(place) == self.place_of(&label, prepare) => Verdict::right(),
            [place] => Verdict::wrong(format!(
                "Expected {}, got {}.",
                quoted(&label),
                quoted(&self.names[place])
            )),
            _ => {
                let several: Vec<String> =
                    named.iter().map(|place| quoted(&self.names[*place])).collect();
                let reason = format!(
                    "the answer names several labels instead of one ({})",
                    several.join(", ")
                );
                Verdict::invalid(reason, &quoted(&label))
            }
        }
    }

    fn list(&self) -> String {
        text::shorten(&self.names.join(", "), 200)
    }

    /// The labels that an answer names, in the task's order.
    fn named(&self, answer: &str) -> Vec<usize> {
        let answer = fold(answer);
        let mut covered: Vec<Range<usize>> = Vec::new();
        let mut named = Vec::new();
        for (label, place) in &self.folded {
            let found: Vec<Range<usize>> =
                whole_words(&answer, label).filter(|here| !is_covered(&covered, here)).collect();
            if found.is_empty() {
                continue;
            }
            named.push(*place);
            covered.extend(found);
            covered.sort_by_key(|range| range.start);
        }
        named.sort_unstable();
        named
    }
}

/// Covered ranges are sorted and do not overlap.
fn is_covered(covered: &[Range<usize>], here: &Range<usize>) -> bool {
    let next = covered.partition_point(|range| range.end <= here.start);
    covered.get(next).is_some_and(|range| range.start < here.end)
}

/// The ranges at which a label occurs as a whole word; they do not overlap.
fn whole_words<'a>(text: &'a str, label: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    let first = label.chars().next();
    let last = label.chars().next_back();
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text.get(from..)?.find(label)?;
            let end = start + label.len();
            let before = || letters_before(&text[..start]);
            let after = || letters_after(&text[end..]);
            if is_boundary(first, before()) && is_boundary(last, after()) {
                from = end;
                return Some(start..end);
            }
            from = start + text[start..].chars().next().map_or(1, char::len_utf8);
        }
    })
}

/// Whether a word can end between two characters. Between two letters it ends only in scripts
/// without spaces.
fn is_boundary(edge: Option<char>, neighbour: Option<char>) -> bool {
    let joins = |c: char| c.is_alphanumeric() && !is_unspaced(c);
    !(edge.is_some_and(joins) && neighbour.is_some_and(joins))
}

/// The nearest character before a position, skipping underscores. They join the words of a name or
/// emphasise a word in Markdown; only in a name is there a letter before them.
fn letters_before(text: &str) -> Option<char> {
    text.trim_end_matches('_').chars().next_back()
}

fn letters_after(text: &str) -> Option<char> {
    text.trim_start_matches('_').chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn labels(names: &[&str]) -> Result<(Labels, Prepare), ScorerError> {
        let table = ScoreTable {
            kind: "label".into(),
            labels: Some(names.iter().map(|it| (*it).to_owned()).collect()),
            ..ScoreTable::default()
        };
        let prepare = Prepare::new(&table)?;
        Ok((Labels::new(&table, &prepare)?, prepare))
    }

    fn named(names: &[&str], answer: &str) -> Vec<String> {
        let (labels, _) = labels(names).unwrap();
        labels.named(answer).into_iter().map(|place| labels.names[place].clone()).collect()
    }

    #[test]
    fn labels_are_whole_words_in_any_case() {
        let names = ["billing", "security"];
        assert_eq!(named(&names, "This goes to **BILLING**."), ["billing"]);
        assert_eq!(named(&names, "_billing_ or \"Security\""), ["billing", "security"]);
        assert_eq!(
            named(&names, "billings, cybersecurity, billing_department, billing2"),
            Vec::<String>::new()
        );
        assert_eq!(named(&names, "Billing, yes, billing!"), ["billing"]);
        assert_eq!(named(&["Zürich", "genf"], "ZÜRICH"), ["Zürich"]);
        assert_eq!(named(&["账单", "物流"], "这是账单问题"), ["账单"]);
        assert_eq!(named(&["(A)", "(B)"], "So the answer is (B)."), ["(B)"]);
        assert_eq!(named(&["C", "C++"], "I like c++ most"), ["C++"]);
        assert_eq!(named(&["no no"], "xno no no"), ["no no"]);
    }

    #[test]
    fn the_longest_label_covers_those_within_it() {
        let names = ["billing", "billing dispute", "dispute over fees"];
        assert_eq!(named(&names, "Billing\n Dispute"), ["billing dispute"]);
        assert_eq!(named(&names, "a billing dispute over fees"), ["billing", "dispute over fees"]);
        assert_eq!(named(&names, "billing dispute, i.e. billing"), ["billing", "billing dispute"]);
    }

    #[test]
    fn an_answer_that_does_not_choose_is_invalid() {
        let (labels, prepare) = labels(&["yes", "no"]).unwrap();
        let score = |answer| labels.score_against(answer, &json!("Yes"), &prepare);
        assert_eq!(score("yes"), Verdict::right());
        assert_eq!(score("No!"), Verdict::wrong("Expected `Yes`, got `no`."));
        let none = score("maybe");
        assert_eq!(none.invalid.as_deref(), Some("the answer names none of the labels (yes, no)"));
        assert_eq!(
            none.feedback.as_deref(),
            Some("The answer names none of the labels (yes, no). Expected `Yes`.")
        );
        assert_eq!(
            score("yes and no").invalid.as_deref(),
            Some("the answer names several labels instead of one (`yes`, `no`)")
        );
    }

    #[test]
    fn ambiguous_labels_are_errors() {
        assert!(labels(&[]).unwrap_err().help.unwrap().contains("labels = "));
        assert!(labels(&["a", " "]).unwrap_err().message.contains("empty"));
        assert!(labels(&["Fee", "fee "]).unwrap_err().message.contains("cannot be distinguished"));
    }

    #[test]
    fn a_rows_answer_must_be_a_label() {
        let (labels, prepare) = labels(&["billing", "security"]).unwrap();
        assert_eq!(labels.check_answer(&json!("BILLING"), &prepare), Ok(()));
        let complaint = labels.check_answer(&json!("biling"), &prepare).unwrap_err();
        assert!(
            complaint.contains("`biling`") && complaint.contains("did you mean `billing`?"),
            "{complaint}"
        );
    }

    #[test]
    fn a_huge_answer_is_read_in_a_moment() {
        let answer = "aaab ".repeat(400_000) + "yes";
        assert_eq!(named(&["yes", "aaa", "a"], &answer), ["yes"]);
    }

    proptest! {
        #[test]
        fn any_answer_can_be_read(answer in "\\PC*", first in "\\PC{1,6}", second in "[a-c ]{1,4}") {
            if let Ok((labels, prepare)) = labels(&[&first, &second]) {
                let verdict = labels.score_against(&answer, &json!(first), &prepare);
                prop_assert!(verdict.invalid.is_none() || verdict.score.value() == 0.0);
                let alone = labels.score_against(&first, &json!(first), &prepare);
                prop_assert!(alone.score.is_perfect() || alone.invalid.is_some());
            }
        }
    }
}
