//! `label`: the answer names the row's label and none of the other labels.
//!
//! Labels match as whole words in any case and in any form of Unicode (`comparable`). A hyphen between
//! letters joins words, so that `non-compliant` does not name `compliant`; a long dash separates
//! them. The longest label is searched first, and the text that
//! it covers is not searched again, so that `billing dispute` does not also name `billing`. An
//! answer that names no label or several labels is invalid, because it made no choice.

use super::answer_filter::AnswerFilter;
use super::article::without_articles;
use super::comparable::Folded;
use super::kind::{FromTable, Kind};
use super::reason::InvalidReason;
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, quoted};
use crate::prompt::value_text;
use crate::task::words::is_unspaced;
use crate::text;
use serde_json::Value;
use std::collections::BTreeSet;
use std::ops::Range;

#[derive(Clone, Debug)]
pub(super) struct Labels {
    /// The labels as written, in the task's order.
    names: Vec<String>,
    /// Case-folded, each with its position in `names`; the longest first. A label with hyphens is here
    /// a second time, with spaces.
    folded: Vec<(String, usize)>,
}

impl FromTable for Labels {
    const NAME: &'static str = "label";
    const KEYS: &'static [&'static str] = &["labels", "any_of"];

    fn new(table: &ScoreTable, filter: &AnswerFilter) -> Result<Self, ScorerError> {
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
            let label = Folded::new(&filter.normalized(name)).text;
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
        folded.extend(spellings(&folded));
        folded.sort_by_key(|(label, place)| (std::cmp::Reverse(label.len()), *place));
        Ok(Self { names, folded })
    }
}

impl Kind for Labels {
    /// Checks that a row's answer is one of the labels.
    fn check(&self, expected: &Value, filter: &AnswerFilter) -> Result<(), String> {
        let label = value_text(expected);
        if self.place_of(&label, filter).is_some() {
            return Ok(());
        }
        let known: Vec<&str> = self.names.iter().map(String::as_str).collect();
        Err(format!(
            "the answer {} is not one of the labels: {}",
            quoted(&label),
            text::suggestion(&label, &known)
        ))
    }

    fn score(&self, answer: &str, expected: &Value, filter: &AnswerFilter) -> Verdict {
        let label = value_text(expected);
        match self.named(&filter.normalized(answer))[..] {
            [] => InvalidReason::NoLabel(self.list()).verdict(&quoted(&label)),
            [place] => Verdict::right_if(Some(place) == self.place_of(&label, filter), || {
                format!("Expected {}, got {}.", quoted(&label), quoted(&self.names[place]))
            }),
            ref several => {
                let several = several.iter().map(|place| quoted(&self.names[*place]));
                let several = several.collect::<Vec<_>>().join(", ");
                InvalidReason::SeveralLabels(several).verdict(&quoted(&label))
            }
        }
    }

    fn labels(&self) -> &[String] {
        &self.names
    }
}

impl Labels {
    fn place_of(&self, label: &str, filter: &AnswerFilter) -> Option<usize> {
        let label = Folded::new(&filter.normalized(label)).text;
        self.folded.iter().find(|(other, _)| *other == label).map(|(_, place)| *place)
    }

    fn list(&self) -> String {
        text::shorten(&self.names.join(", "), 200)
    }

    /// The labels that an answer names, in the task's order.
    fn named(&self, answer: &str) -> Vec<usize> {
        let place_of = |text: &str| self.folded.iter().find(|(label, _)| label == text);
        // A whole answer that is a label names it, whatever its words mean elsewhere.
        if let Some((_, place)) = place_of(&Folded::new(answer).text) {
            return vec![*place];
        }
        let is_label = |text: &str| place_of(text).is_some();
        // An article is no label of one letter, but may be a word of a longer one.
        let without_articles = Folded::new(&without_articles(answer, is_label));
        let answer = Folded::new(answer);
        let text_for = |label: &str| match label.len() {
            1 => &without_articles,
            _ => &answer,
        };
        let mut covered: Vec<Range<usize>> = Vec::new();
        let mut named = Vec::new();
        for (label, place) in &self.folded {
            let found: Vec<Range<usize>> = whole_words(text_for(label), label)
                .filter(|here| !is_covered(&covered, here))
                .collect();
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

/// The other spellings of labels: `late_fee`, `late-fee`, `late - fee` and `late fee` are one label, and
/// so are `sci/tech` and `sci / tech`. A spelling of several labels names none.
fn spellings(labels: &[(String, usize)]) -> Vec<(String, usize)> {
    let mut spellings: Vec<(String, usize)> = Vec::new();
    for (label, place) in labels {
        let words: Vec<&str> = label.split([' ', '-', '_']).filter(|it| !it.is_empty()).collect();
        // What separates marks, as in `:-D`, is a part of them, and so is a sign, as in `-1` and `A-`.
        let is_signed = label.trim_matches(['-', '_']).len() < label.len();
        if is_signed || !words.iter().all(|word| word.contains(char::is_alphanumeric)) {
            continue;
        }
        let separated = [" ", "-", "_", " - "].map(|separator| words.join(separator));
        let slashed = [label.replace('/', " / "), label.replace(" / ", "/")];
        let all = separated.into_iter().chain(slashed).map(|it| it.trim().to_owned());
        spellings.extend(all.filter(|it| !it.is_empty()).map(|spelling| (spelling, *place)));
    }
    spellings.sort();
    spellings.dedup();
    let count = |spelling: &str| {
        let same = spellings.iter().chain(labels).filter(|(other, _)| other == spelling);
        same.map(|(_, place)| place).collect::<BTreeSet<_>>().len()
    };
    let is_label = |spelling: &str| labels.iter().any(|(label, _)| label == spelling);
    let free = spellings.iter().filter(|(it, _)| !is_label(it) && count(it) == 1);
    free.cloned().collect()
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
            let ends = is_boundary(last, after(answer, end)) && !is_suffixed(label, &text[end..]);
            if is_boundary(first, before(answer, start)) && ends {
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
    let is_digit = answer.text[start..].starts_with(|c: char| c.is_ascii_digit());
    let bare = match (text.strip_suffix('-'), text.strip_suffix('\'')) {
        // `-1` and `2.1` do not name `1`.
        (Some(bare), _) if is_digit && !answer.is_break(bare.len()) => return Some('0'),
        _ if is_digit && text.ends_with(['.', ',']) => &text[..start - 1],
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
    let is_digit = answer.text[..end].ends_with(|c: char| c.is_ascii_digit());
    let bare = match text.chars().next() {
        Some('-') if !answer.is_break(end) => &text[1..],
        // `1.5` does not name `1`.
        Some('.' | ',') if is_digit && text[1..].starts_with(|c: char| c.is_ascii_digit()) => {
            &text[1..]
        }
        // `can't` does not name `can`, and `C'est` not `c`; `A's` names `a`.
        Some('\'') if !is_possessive(&text[1..]) => &text[1..],
        _ => text.trim_start_matches('_'),
    };
    bare.chars().next()
}

/// Whether what follows a label of one letter makes another name of it: `C#` and `C++` do not name `C`.
fn is_suffixed(label: &str, after: &str) -> bool {
    let rest = after.strip_prefix('#').or_else(|| after.strip_prefix("++"));
    label.len() == 1 && rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

fn is_possessive(text: &str) -> bool {
    text.strip_prefix('s').is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn labels(names: &[&str]) -> Result<(Labels, AnswerFilter), ScorerError> {
        let table = ScoreTable {
            kind: "label".into(),
            labels: Some(names.iter().map(|it| (*it).to_owned()).collect()),
            ..ScoreTable::default()
        };
        let filter = AnswerFilter::new(&table)?;
        Ok((Labels::new(&table, &filter)?, filter))
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
        assert_eq!(named(&["C", "Rust"], "C#, not Rust"), ["Rust"]);
        assert_eq!(named(&["/", "/ b", "//"], "It is / B"), ["/ b"]);
        assert_eq!(named(&[":-D", "D-"], "Label: D-"), ["D-"]);
        for (names, answer) in [(["-1", "+1"], "1"), (["A+", "A-"], "A"), (["-1", "0"], "1")] {
            assert_eq!(named(&names, answer), Vec::<String>::new(), "{names:?}");
        }
        assert_eq!(named(&["A+", "A-"], "It is A-."), ["A-"]);
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
        assert_eq!(named(&["A", "B", "C", "D"], "C’est B, d’accord"), ["B"]);
        assert_eq!(named(&["شكوى", "طلب"], "شَكْـوى"), ["شكوى"]);
        assert_eq!(named(&["שלום"], "שָׁלוֹם"), ["שלום"]);
        assert_eq!(named(&["non-compliant", "compliant"], "non⸺compliant"), ["non-compliant"]);
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
    fn the_words_of_a_label_are_separated_in_any_way() {
        let names =
            ["late_fee", "fee", "non-compliant", "compliant", "Sci/Tech", "not sure", "sure"];
        for (answer, label) in [
            ("late fee", "late_fee"),
            ("Late-fee.", "late_fee"),
            ("**Late Fee**", "late_fee"),
            ("late – fee", "late_fee"),
            ("non – compliant", "non-compliant"),
            ("non_compliant", "non-compliant"),
            ("non compliant", "non-compliant"),
            ("not-sure", "not sure"),
            ("not_sure", "not sure"),
            ("Sci / Tech", "Sci/Tech"),
        ] {
            assert_eq!(named(&names, answer), [label], "{answer}");
        }
        assert_eq!(named(&["a-b", "a_b"], "a b"), Vec::<String>::new());
        assert_eq!(named(&["a-b", "a_b"], "a_b"), ["a_b"]);
    }

    #[test]
    fn a_digit_that_is_a_label_is_not_found_within_a_number() {
        let names = ["1", "2", "3"];
        for answer in ["-1", "1.5", "2.3", "0,1", "12", "1-2"] {
            assert_eq!(named(&names, answer), Vec::<String>::new(), "{answer}");
        }
        for answer in ["1.", "Answer: 1, sure", "— 1", "(1)", "#1", "- 1"] {
            assert_eq!(named(&names, answer), ["1"], "{answer}");
        }
    }

    #[test]
    fn the_article_is_no_label() {
        let names = ["A", "B", "C"];
        for answer in ["A good answer is B", "Answer: B. A capital city", "I'd say a city, so B"] {
            assert_eq!(named(&names, answer), ["B"], "{answer}");
        }
        for answer in ["a", "A", "A.", "A is right", "The answer is A because", "a)"] {
            assert_eq!(named(&names, answer), ["A"], "{answer}");
        }
    }

    #[test]
    fn an_answer_that_does_not_choose_is_invalid() {
        let (labels, filter) = labels(&["yes", "no"]).unwrap();
        let score = |answer| labels.score(answer, &json!("Yes"), &filter);
        assert_eq!(score("yes"), Verdict::right());
        assert_eq!(score("No!"), Verdict::wrong("Expected `Yes`, got `no`."));
        let none = score("maybe");
        assert_eq!(none.invalid.as_deref(), Some("the answer names none of the labels"));
        assert_eq!(
            none.feedback.as_deref(),
            Some("The answer names none of the labels (yes, no). Expected `Yes`.")
        );
        assert_eq!(
            score("yes and no").invalid.as_deref(),
            Some("the answer names several labels instead of one")
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
        let (labels, filter) = labels(&["billing", "security"]).unwrap();
        assert_eq!(labels.check(&json!("BILLING"), &filter), Ok(()));
        let complaint = labels.check(&json!("biling"), &filter).unwrap_err();
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
            if let Ok((labels, filter)) = labels(&[&first, &second]) {
                let verdict = labels.score(&answer, &json!(first), &filter);
                prop_assert!(verdict.invalid.is_none() || verdict.score.value() == 0.0);
                let alone = labels.score(&first, &json!(first), &filter);
                prop_assert!(alone.score.is_perfect() || alone.invalid.is_some());
            }
        }
    }
}
