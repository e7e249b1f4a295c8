//! `label`: the answer names the row's label and none of the other labels.
//!
//! Labels match as whole words in any case and in any form of Unicode (`comparable`). A hyphen between
//! letters joins words, so that `non-compliant` does not name `compliant`; a long dash separates
//! them. The words of one label may stand apart in any way that does not end a phrase: `late_fee`,
//! `late-fee`, `late **fee**` and `late fee` are one label. The longest label is searched first, and
//! the text that it covers is not searched again, so that `billing dispute` does not also name
//! `billing`. An answer that names no label or several labels is invalid, because it made no choice.

use super::answer_filter::AnswerFilter;
use super::article::{without_articles, without_names_of_options};
use super::comparable::Folded;
use super::kind::{FromTable, Kind};
use super::markup::without_tags;
use super::mistakes::Mistakes;
use super::reason::InvalidReason;
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, quoted};
use crate::prompt::value_text;
use crate::task::words::is_unspaced;
use crate::text;
use regex::{Captures, Regex};
use serde_json::Value;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

#[derive(Clone, Debug)]
pub(super) struct Labels {
    /// The labels as written, in the task's order.
    names: Vec<String>,
    /// The longest first.
    folded: Vec<Label>,
    /// What mistakes cost, where they do not all cost the same.
    mistakes: Option<Mistakes>,
}

#[derive(Clone, Debug)]
struct Label {
    /// Case-folded.
    text: String,
    /// Its position in the task's order.
    place: usize,
    /// Its words with what may stand between them, where it has several words.
    words: Option<Regex>,
}

impl FromTable for Labels {
    const NAME: &'static str = "label";
    const KEYS: &'static [&'static str] = &["labels", "mistakes", "any_of"];

    fn new(table: &ScoreTable, filter: &AnswerFilter) -> Result<Self, ScorerError> {
        let names = table.labels.clone().unwrap_or_default();
        if names.is_empty() {
            return Err(ScorerError::new(
                "labels",
                "`label` needs the labels that an answer may name",
            )
            .help("write labels = [\"yes\", \"no\"]"));
        }
        let mut folded: Vec<Label> = Vec::with_capacity(names.len());
        for (place, name) in names.iter().enumerate() {
            let text = Folded::new(&filter.normalized(name)).text;
            if text.is_empty() {
                return Err(ScorerError::new(
                    "labels",
                    format!("the label {} is empty", quoted(name)),
                ));
            }
            if let Some(twin) = folded.iter().find(|other| other.text == text) {
                let message = format!(
                    "the labels {} and {} cannot be distinguished",
                    quoted(&names[twin.place]),
                    quoted(name)
                );
                return Err(ScorerError::new("labels", message)
                    .help("case, white space, and what `normalize` removes are ignored"));
            }
            folded.push(Label { text, place, words: None });
        }
        // Of `a-b` and `a_b` each has one spelling only.
        let words: Vec<_> = folded.iter().map(|label| words_of(&label.text)).collect();
        for (label, own) in folded.iter_mut().zip(&words) {
            let is_alone = words.iter().filter(|other| *other == own).count() == 1;
            label.words =
                own.as_ref().filter(|_| is_alone).and_then(|own| pattern(own, &label.text));
        }
        folded.sort_by_key(|label| (std::cmp::Reverse(label.text.len()), label.place));
        let mut labels = Self { names, folded, mistakes: None };
        if let Some(mistakes) = &table.mistakes {
            let place_of = |label: &str| labels.place_of(label, filter);
            labels.mistakes = Some(Mistakes::new(mistakes, &labels.names, place_of)?);
        }
        Ok(labels)
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
            [place] => {
                let right = self.place_of(&label, filter);
                let feedback =
                    || format!("Expected {}, got {}.", quoted(&label), quoted(&self.names[place]));
                match &self.mistakes {
                    Some(mistakes) if right != Some(place) => {
                        mistakes.wrong(right, place, feedback())
                    }
                    _ => Verdict::right_if(right == Some(place), feedback),
                }
            }
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

    fn counts_costs(&self) -> bool {
        self.mistakes.is_some()
    }

    fn label_in(&self, answer: &str, filter: &AnswerFilter) -> Option<&str> {
        match self.named(&filter.normalized(answer))[..] {
            [place] => self.names.get(place).map(String::as_str),
            _ => None,
        }
    }

    fn label_of(&self, text: &str, filter: &AnswerFilter) -> Option<&str> {
        self.names.get(self.place_of(text, filter)?).map(String::as_str)
    }
}

impl Labels {
    pub(super) fn place_of(&self, label: &str, filter: &AnswerFilter) -> Option<usize> {
        self.whole(&Folded::new(&filter.normalized(label)).text).map(|label| label.place)
    }

    /// The label that a whole text is.
    fn whole(&self, text: &str) -> Option<&Label> {
        let is_exact = |label: &&Label| label.text == text;
        let is_spelling = |label: &&Label| label.find(text, 0) == Some(0..text.len());
        self.folded.iter().find(is_exact).or_else(|| self.folded.iter().find(is_spelling))
    }

    fn list(&self) -> String {
        text::shorten(&self.names.join(", "), 200)
    }

    /// Whether a label stands behind the other word of a longer one, apart from it by marks that end no
    /// phrase: with `not spam` among the labels, `not: spam` and `not (spam)` do not name `spam`, and are
    /// too unclear to name `not spam`. Where that word is a label itself, the answer names both.
    fn is_end_of_longer(&self, answer: &Folded, here: &Range<usize>) -> bool {
        let own = &answer.text[here.clone()];
        let before = &answer.text[..here.start];
        let marks = before.chars().rev().take(MOST_MARKS).take_while(|c| !c.is_alphanumeric());
        let bare = &before[..before.len() - marks.map(char::len_utf8).sum::<usize>()];
        // A pause ends no phrase.
        let marks = before[bare.len()..].replace("...", "…");
        if marks.is_empty() || marks.contains([',', '.', ';', '!', '?', '，', '。', '；', '、'])
        {
            return false;
        }
        self.folded.iter().any(|longer| {
            let first = longer.text.strip_suffix(own).unwrap_or_default();
            let word = first.trim_end_matches(SEPARATORS);
            word.len() < first.len()
                && word.contains(char::is_alphanumeric)
                && bare.strip_suffix(word).is_some_and(|rest| {
                    !rest.ends_with(|c: char| c.is_alphanumeric() && !is_unspaced(c))
                })
                && self.whole(word).is_none()
        })
    }

    /// Whether the sign beside a label makes another label of it: `A+` does not name `A` where `A-` is a
    /// label, and `B+` does not name `B`.
    fn is_signed(&self, label: &str, text_after: &str) -> bool {
        let is_sign = |c: char| matches!(c, '+' | '-');
        let Some(rest) = text_after.strip_prefix(is_sign) else { return false };
        let has_signs = self.folded.iter().any(|other| {
            let bare = other.text.strip_suffix(is_sign);
            bare.is_some_and(|bare| bare.chars().count() == label.chars().count())
        });
        has_signs && !rest.starts_with(char::is_alphanumeric)
    }

    /// The labels that an answer names, in the task's order.
    pub(super) fn named(&self, answer: &str) -> Vec<usize> {
        // A whole answer that is a label names it, whatever its words mean elsewhere.
        if let Some(label) = self.whole(&Folded::new(answer).text) {
            return vec![label.place];
        }
        let is_label = |text: &str| self.folded.iter().any(|label| label.text == text);
        // An article is no label of one letter, but may be a word of a longer one.
        let answer = without_markup(answer);
        let without_articles = without_articles(&answer, is_label);
        let without_articles = Folded::new(&without_names_of_options(without_articles, is_label));
        let answer = Folded::new(&answer);
        let text_for = |label: &str| match label.len() {
            1 => &without_articles,
            _ => &answer,
        };
        let mut covered: Vec<Range<usize>> = Vec::new();
        let mut named = Vec::new();
        for label in &self.folded {
            let text = text_for(&label.text);
            let found: Vec<Range<usize>> = whole_words(text, label)
                .filter(|here| !is_covered(&covered, here))
                .filter(|here| !self.is_end_of_longer(text, here))
                .filter(|here| !self.is_signed(&label.text, &text.text[here.end..]))
                .collect();
            if found.is_empty() {
                continue;
            }
            named.push(label.place);
            covered.extend(found);
            covered.sort_by_key(|range| range.start);
        }
        named.sort_unstable();
        named.dedup();
        named
    }
}

impl Label {
    /// Where it occurs first from a position on, be it a whole word or not.
    fn find(&self, text: &str, from: usize) -> Option<Range<usize>> {
        match &self.words {
            Some(words) => words.find_at(text, from).map(|found| found.range()),
            None => {
                let start = from + text.get(from..)?.find(&self.text)?;
                Some(start..start + self.text.len())
            }
        }
    }
}

/// The most marks between the words of a label that are written apart.
const MOST_MARKS: usize = 16;

/// What separates the words of a label, and may be written in another way.
const SEPARATORS: [char; 5] = [' ', '-', '_', '/', ','];

/// The words of a label that has several; `None`: it has one spelling only.
fn words_of(label: &str) -> Option<Vec<String>> {
    // A sign is a part of a label, as in `-1`, `A-` and `/b`; so is what separates marks, as in `:-D`.
    let is_signed = label.starts_with(SEPARATORS) || label.ends_with(SEPARATORS);
    let words: Vec<&str> = label.split(SEPARATORS).filter(|it| !it.is_empty()).collect();
    let have_letters = words.iter().all(|word| word.contains(char::is_alphanumeric));
    let has_several = !is_signed && have_letters && words.len() > 1;
    has_several.then(|| words.into_iter().map(str::to_owned).collect())
}

/// The words with spaces, hyphens, underscores, and the marks of emphasis and quotation between them;
/// a comma or a slash only where the label has one, because it ends a phrase elsewhere.
fn pattern(words: &[String], label: &str) -> Option<Regex> {
    let own: String = ['/', ','].into_iter().filter(|mark| label.contains(*mark)).collect();
    let between = format!(r#"[ *`~"'_{own}-]{{1,8}}"#);
    let words: Vec<String> = words.iter().map(|word| regex::escape(word)).collect();
    Regex::new(&words.join(&between)).ok()
}

/// Covered ranges are sorted and do not overlap.
fn is_covered(covered: &[Range<usize>], here: &Range<usize>) -> bool {
    let next = covered.partition_point(|range| range.end <= here.start);
    covered.get(next).is_some_and(|range| range.start < here.end)
}

/// The ranges at which a label occurs as a whole word; they do not overlap.
fn whole_words<'a>(
    answer: &'a Folded,
    label: &'a Label,
) -> impl Iterator<Item = Range<usize>> + 'a {
    let text = answer.text.as_str();
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let found = label.find(text, from)?;
            if is_whole(answer, &label.text, &found) {
                from = found.end;
                return Some(found);
            }
            from = found.start + text[found.start..].chars().next().map_or(1, char::len_utf8);
        }
    })
}

fn is_whole(answer: &Folded, label: &str, found: &Range<usize>) -> bool {
    let (text_before, text_after) = (&answer.text[..found.start], &answer.text[found.end..]);
    if label.chars().all(|c| c.is_ascii_punctuation()) {
        // `follow-up` does not name `-`, and `!=` not `=`.
        return text_before.chars().next_back().is_none_or(|c| stands_apart(c, ":([{<"))
            && text_after.chars().next().is_none_or(|c| stands_apart(c, ".,;:!?)]}>"));
    }
    // `ASP.NET` does not name `.NET`, nor `3.5` `.5`.
    if label.starts_with(|c: char| c.is_ascii_punctuation())
        && text_before.ends_with(char::is_alphanumeric)
        && label.starts_with(['.', '+', '#', '-'])
        && !text_before.ends_with(is_unspaced)
    {
        return false;
    }
    is_boundary(label.chars().next(), before(answer, found.start))
        && is_boundary(label.chars().next_back(), after(answer, found.end))
        && !is_suffixed(label, text_after)
}

/// The answer without the tags and the character references of HTML, and without what LaTeX writes before
/// emphasised words.
fn without_markup(answer: &str) -> Cow<'_, str> {
    let plain = without_tags(answer);
    match &*TEX {
        Some(tex) if plain.contains('\\') => {
            let plain = tex.replace_all(&plain, |found: &Captures<'_>| match &found[0] {
                "\\ " => " ",
                _ => "",
            });
            Cow::Owned(plain.into_owned())
        }
        _ => plain,
    }
}

/// The commands of LaTeX that emphasise words, with their brace, and its space.
static TEX: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\\(?: |(?:text(?:bf|it|rm|tt|sf|sc|normal)?|emph|underline|mbox|math(?:bf|it|rm|sf|tt))\s*\{)").ok()
});

/// Whether a character beside a mark is no part of it: a space, a quote, emphasis, or one of `others`.
fn stands_apart(c: char, others: &str) -> bool {
    c.is_whitespace() || "\"'`*_".contains(c) || others.contains(c)
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
        // `1 000` does not name `000`.
        _ if is_digit && ends_group(text) && starts_with_group(&answer.text[start..]) => {
            return Some('0');
        }
        (Some(bare), _) if !answer.is_break(bare.len()) => bare,
        // `I'd` does not name `d`.
        (_, Some(bare)) if bare.ends_with(char::is_alphanumeric) => bare,
        _ => text.trim_end_matches('_'),
    };
    bare.chars().next_back()
}

/// Whether a text ends with digits and a space, after which the rest of a number may follow.
fn ends_group(text: &str) -> bool {
    text.strip_suffix(' ').is_some_and(|text| text.ends_with(|c: char| c.is_ascii_digit()))
}

/// Whether a text begins with a group of three digits, as in `1 000`.
fn starts_with_group(text: &str) -> bool {
    text.bytes().take_while(u8::is_ascii_digit).count() == 3
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
        // `1 000` does not name `1`.
        Some(' ') if is_digit && starts_with_group(&text[1..]) => &text[1..],
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
        for answer in ["a follow-up", "a != b", "x=-1", "1+1", "a==b"] {
            assert_eq!(named(&["-", "+", "="], answer), Vec::<String>::new(), "{answer}");
        }
        for (answer, label) in [("It is '+'.", "+"), ("Sign: **-**", "-"), ("(=)", "=")] {
            assert_eq!(named(&["-", "+", "="], answer), [label], "{answer}");
        }
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
        let names = [
            "late_fee",
            "fee",
            "non-compliant",
            "compliant",
            "Sci/Tech",
            "not sure",
            "sure",
            "Rent, food, and fuel",
            "Rent",
        ];
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
            ("sci-tech", "Sci/Tech"),
            ("I am **not** sure.", "not sure"),
            ("It is “not” 'sure'", "not sure"),
            ("_Not_ _sure_", "not sure"),
            ("~~not~~ sure", "not sure"),
            ("rent, food and fuel", "Rent, food, and fuel"),
            ("It is rent food and fuel.", "Rent, food, and fuel"),
            ("I am not, sure", "sure"),
            ("Not. Sure!", "sure"),
        ] {
            assert_eq!(named(&names, answer), [label], "{answer}");
        }
        assert_eq!(named(&["a-b", "a_b"], "a b"), Vec::<String>::new());
        assert_eq!(named(&["a-b", "a_b"], "a_b"), ["a_b"]);
    }

    #[test]
    fn a_label_within_a_longer_one_is_not_named_by_it() {
        let names = ["entailment", "not_entailment"];
        for (answer, expected) in [
            ("entailment", &["entailment"][..]),
            ("Label: entailment", &["entailment"]),
            ("(entailment)", &["entailment"]),
            ("not entailment", &["not_entailment"]),
            ("not <b>entailment</b>", &["not_entailment"]),
            ("<i>not</i> entailment", &["not_entailment"]),
            ("not&nbsp;entailment", &["not_entailment"]),
            ("not (entailment)", &[]),
            ("not: entailment", &[]),
            ("not/entailment", &[]),
            ("**not**: **entailment**", &[]),
            ("cannot: entailment", &["entailment"]),
        ] {
            assert_eq!(named(&names, answer), expected, "{answer}");
        }
        for (names, answer) in [
            (&["1", "2"][..], "1 000"),
            (&["000", "2"], "1 000"),
            (&["A+", "A-", "B"], "B+"),
            (&["A+", "A-", "B"], "B-."),
            (&[".NET", "Java"], "ASP.NET"),
        ] {
            assert_eq!(named(names, answer), Vec::<String>::new(), "{answer}");
        }
        assert_eq!(named(&["1", "2"], "1 2000"), ["1"]);
        assert_eq!(named(&["A+", "A-", "B"], "B - good"), ["B"]);
        assert_eq!(named(&["A+", "A-", "B"], "B"), ["B"]);
        assert_eq!(named(&[".NET", "Java"], "It is .NET."), [".NET"]);
    }

    #[test]
    fn a_word_that_is_a_label_itself_is_named_beside_the_other() {
        let names = ["low", "medium", "medium-high", "high"];
        for answer in ["medium/high", "medium (high)", "Medium: high"] {
            assert_eq!(named(&names, answer), ["medium", "high"], "{answer}");
        }
        assert_eq!(named(&names, "medium high"), ["medium-high"]);
        let names = ["billing", "dispute", "billing dispute"];
        for answer in ["billing/dispute", "billing: dispute", "billing (dispute)"] {
            assert_eq!(named(&names, answer), ["billing", "dispute"], "{answer}");
        }
    }

    #[test]
    fn labels_are_found_across_tags_and_tex() {
        let names = ["not applicable", "applicable", "non-compliant", "compliant", "in progress"];
        for (answer, expected) in [
            ("not \\textbf{applicable}", &["not applicable"][..]),
            ("not<br>applicable", &["not applicable"]),
            ("in\\ progress", &["in progress"]),
            ("\\textbf{applicable}", &["applicable"]),
            ("not $applicable$", &[]),
            ("not|applicable", &[]),
            ("not=applicable", &[]),
            ("not… applicable", &[]),
            ("not, applicable", &["applicable"]),
            ("non<wbr>compliant", &[]),
            ("non&hyphen;compliant", &["non-compliant"]),
            ("non&dash;compliant", &["non-compliant"]),
        ] {
            assert_eq!(named(&names, answer), expected, "{answer}");
        }
        for dash in ['‧', '֊', '᠆', '⸗', '゠', '〜'] {
            let answer = format!("non{dash}compliant");
            assert_eq!(named(&names, &answer), ["non-compliant"], "{dash}");
        }
        assert_eq!(named(&["it's", "no"], "it&rsquo;s"), ["it's"]);
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
    fn the_letter_before_the_text_of_an_option_is_the_choice() {
        let names = ["A", "B", "C", "D"];
        for (answer, label) in [
            ("B) Vitamin C", "B"),
            ("(B) Hepatitis C", "B"),
            ("Answer: B. Plan A", "B"),
            ("The correct answer is **B)** Vitamin C.", "B"),
            ("**B**: blood type A", "B"),
            ("B - Type D, Vitamin C", "B"),
            ("Vitamins first.\nB) Vitamin C", "B"),
            ("B. Because C is wrong", "B"),
            ("C", "C"),
            ("C.", "C"),
        ] {
            assert_eq!(named(&names, answer), [label], "{answer}");
        }
        for answer in ["A or B", "A) or B)", "A. No wait, B", "A. I mean B", "A) x\nB) Vitamin C"] {
            assert_eq!(named(&names, answer), ["A", "B"], "{answer}");
        }
        assert_eq!(named(&names, "B) Not option C"), ["B", "C"]);
        assert_eq!(named(&names, "Vitamin C"), ["C"]);
        assert_eq!(named(&["1", "2"], "1) Type 2"), ["1"]);
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
