//! `label`: the answer names the row's label and none of the other labels.
//!
//! Labels match as whole words in any case and in any form of Unicode (`comparable`). A hyphen between
//! letters joins words, so that `non-compliant` does not name `compliant`; a long dash separates
//! them. The longest label is searched first, and the text that
//! it covers is not searched again, so that `billing dispute` does not also name `billing`. An
//! answer that names no label or several labels is invalid, because it made no choice.

use super::comparable::Folded;
use super::kind::{Kind, Named};
use super::prepare::Prepare;
use super::quoted;
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use crate::prompt::value_text;
use crate::task::example::Example;
use crate::task::words::is_unspaced;
use crate::text;
use serde_json::Value;
use std::ops::Range;

#[derive(Clone, Debug)]
pub(super) struct Labels {
    /// The labels as written, in the task's order.
    names: Vec<String>,
    /// Case-folded, each with its position in `names`; the longest first. A label with hyphens is here
    /// a second time, with spaces.
    folded: Vec<(String, usize)>,
}

impl Named for Labels {
    const NAME: &'static str = "label";
    const KEYS: &'static [&'static str] = &["labels", "any_of"];

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
            let label = Folded::new(&prepare.normalized(name)).text;
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
        // `out of scope` names `out-of-scope`, unless it is a label of its own.
        for place in 0..names.len() {
            let spaced = folded[place].0.replace('-', " ").trim().to_owned();
            if !spaced.is_empty() && folded.iter().all(|(other, _)| *other != spaced) {
                folded.push((spaced, place));
            }
        }
        folded.sort_by_key(|(label, place)| (std::cmp::Reverse(label.len()), *place));
        Ok(Self { names, folded })
    }
}

impl Kind for Labels {
    fn check(&self, expected: &Value, prepare: &Prepare) -> Result<(), String> {
        self.check_answer(expected, prepare)
    }

    fn score(
        &self,
        answer: &str,
        expected: &Value,
        _: &Example,
        prepare: &Prepare,
    ) -> Option<Verdict> {
        Some(self.score_against(answer, expected, prepare))
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
        let label = Folded::new(&prepare.normalized(label)).text;
        self.folded.iter().find(|(other, _)| *other == label).map(|(_, place)| *place)
    }

    fn score_against(&self, answer: &str, expected: &Value, prepare: &Prepare) -> Verdict {
        let label = value_text(expected);
        let named = self.named(&prepare.normalized(answer));
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
        let answer = Folded::new(answer);
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
        named.dedup();
        named
    }
}

/// Covered ranges are sorted and do not overlap.
fn is_covered(covered: &[Range<usize>], here: &Range<usize>) -> bool {
    let next = covered.partition_point(|range| range.end <= here.start);
    covered.get(next).is_some_and(|range| range.start < here.end)
}

/// The ranges at which a label occurs as a whole word; they do not overlap.
fn whole_words<'a>(answer: &'a Folded, label: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    let first = label.chars().next();
    let last = label.chars().next_back();
    let text = answer.text.as_str();
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text.get(from..)?.find(label)?;
            let end = start + label.len();
            if is_boundary(first, before(answer, start)) && is_boundary(last, after(answer, end)) {
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

/// The nearest character before a position, skipping what may join words: a hyphen, and underscores,
/// which join the words of a name or emphasise a word in Markdown. Only if they join is there a
/// letter before them.
fn before(answer: &Folded, start: usize) -> Option<char> {
    let text = &answer.text[..start];
    let bare = match (text.strip_suffix('-'), text.strip_suffix('\'')) {
        (Some(bare), _) if !answer.is_break(bare.len()) => bare,
        // `I'd` does not name `d`.
        (_, Some(bare)) if bare.ends_with(char::is_alphanumeric) => bare,
        _ => text.trim_end_matches('_'),
    };
    bare.chars().next_back()
}

/// The nearest character after a position, skipping what may join words.
fn after(answer: &Folded, end: usize) -> Option<char> {
    let text = &answer.text[end..];
    let bare = match text.strip_prefix('-') {
        Some(bare) if !answer.is_break(end) => bare,
        // `can't` does not name `can`.
        _ => match text.strip_prefix("'t") {
            Some(rest) if !rest.starts_with(char::is_alphanumeric) => &text[1..],
            _ => text.trim_start_matches('_'),
        },
    };
    bare.chars().next()
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
    fn labels_are_the_same_in_any_form_of_unicode() {
        let names = ["in-scope", "out-of-scope", "naïve", "won't fix", "late_fee", "straße"];
        for dash in ['-', '‐', '‑', '‒', '–', '—', '―', '−'] {
            let answer = format!("It is out{dash}of{dash}scope.");
            assert_eq!(named(&names, &answer), ["out-of-scope"], "{dash}");
        }
        assert_eq!(named(&names, "out of scope"), ["out-of-scope"]);
        assert_eq!(named(&["a-b", "a b"], "a b"), ["a b"]);
        assert_eq!(named(&names, "nai\u{308}ve"), ["naïve"]);
        assert_eq!(named(&names, "“Won’t fix”"), ["won't fix"]);
        assert_eq!(named(&names, "**late\\_fee**"), ["late_fee"]);
        assert_eq!(named(&names, "STRASSE"), ["straße"]);
        assert_eq!(named(&["iptal"], "İPTAL"), ["iptal"]);
        assert_eq!(named(&["A", "B", "C", "D"], "I’d go with 'B'."), ["B"]);
    }

    #[test]
    fn a_hyphen_joins_words_and_a_long_dash_separates_them() {
        let names = ["scope", "yes", "can"];
        for joined in
            ["out-of-scope", "out‑of‑scope", "out–of–scope", "scope-like", "can't", "can’t"]
        {
            assert_eq!(named(&names, joined), Vec::<String>::new(), "{joined}");
        }
        for apart in ["yes—it is", "so—yes", "- yes", "yes -", "yes - so", "-yes-", "yes's"] {
            assert_eq!(named(&names, apart), ["yes"], "{apart}");
        }
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
