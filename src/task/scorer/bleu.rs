//! `bleu`: how many runs of one to four words an answer has in common with the expected text.
//!
//! Papineni et al. (2002), *BLEU: a Method for Automatic Evaluation of Machine Translation*: the geometric mean of the
//! clipped precisions of 1- to 4-grams, times the brevity penalty. One answer is scored as `sacrebleu` scores a sentence
//! (Post 2018, *A Call for Clarity in Reporting BLEU Scores*), divided by 100: words are those of mteval-v13a, case
//! counts, an n-gram order without a match is smoothed to 1 / (2ᵏ · n-grams), k counting such orders (`exp`: Chen and
//! Cherry 2014, method 3), and an answer of fewer than four words is compared by the orders that it has. With `any_of`
//! an n-gram may be from any of the right answers, and the length is compared with that of the nearest, as Papineni et al.
//! have it.

use super::answer_filter::AnswerFilter;
use super::kind::{FromTable, Kind, SoughtText};
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, graded};
use regex::Regex;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The longest n-grams.
const ORDERS: usize = 4;

#[derive(Clone, Debug)]
pub(super) struct Bleu(SoughtText);

impl FromTable for Bleu {
    const NAME: &'static str = "bleu";
    const KEYS: &'static [&'static str] = &["value", "any_of"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        SoughtText::new(table).map(Self)
    }
}

impl Kind for Bleu {
    /// Checks that there is a word to find.
    fn check(&self, expected: &Value, filter: &AnswerFilter) -> Result<(), String> {
        match filter.text(&self.0.of(expected)).trim().is_empty() {
            true => Err("the answer is empty, so every answer would score 0".to_owned()),
            false => Ok(()),
        }
    }

    fn score(&self, answer: &str, expected: &Value, filter: &AnswerFilter) -> Verdict {
        self.score_all(answer, &[Cow::Borrowed(expected)], filter)
    }

    fn score_any(
        &self,
        answer: &str,
        expected: &[Cow<'_, Value>],
        filter: &AnswerFilter,
    ) -> Option<Verdict> {
        (!expected.is_empty()).then(|| self.score_all(answer, expected, filter))
    }

    fn compares_whole_lists(&self) -> bool {
        true
    }
}

impl Bleu {
    fn score_all(&self, answer: &str, all: &[Cow<'_, Value>], filter: &AnswerFilter) -> Verdict {
        let texts: Vec<Cow<'_, str>> = all.iter().map(|expected| self.0.of(expected)).collect();
        let wanted: Vec<Vec<String>> = texts.iter().map(|text| words(&filter.text(text))).collect();
        let score = bleu(&words(&filter.text(answer)), &wanted);
        graded(score, texts.first().map_or("", |text| text), answer, "BLEU")
    }
}

/// The n-grams of an answer that the expected texts have, and all of them.
fn matches(answer: &[String], expected: &[Vec<String>], order: usize) -> (usize, usize) {
    let mut most: HashMap<&[String], usize> = HashMap::new();
    for text in expected {
        let mut counts: HashMap<&[String], usize> = HashMap::new();
        for gram in text.windows(order) {
            *counts.entry(gram).or_default() += 1;
        }
        for (gram, count) in counts {
            let known = most.entry(gram).or_default();
            *known = count.max(*known);
        }
    }
    let (mut found, mut all) = (0, 0);
    for gram in answer.windows(order) {
        all += 1;
        if let Some(left) = most.get_mut(gram).filter(|left| **left > 0) {
            *left -= 1;
            found += 1;
        }
    }
    (found, all)
}

fn bleu(answer: &[String], expected: &[Vec<String>]) -> f64 {
    let counts: Vec<(usize, usize)> = (1..=ORDERS)
        .map(|order| matches(answer, expected, order))
        .take_while(|(_, all)| *all > 0)
        .collect();
    if counts.iter().all(|(found, _)| *found == 0) {
        return 0.0;
    }
    let (mut logarithms, mut smoothing) = (0.0, 1.0);
    for (found, all) in &counts {
        let share = match found {
            0 => {
                smoothing *= 2.0;
                1.0 / (smoothing * *all as f64)
            }
            found => *found as f64 / *all as f64,
        };
        logarithms += share.ln();
    }
    let distance = |length: &usize| (length.abs_diff(answer.len()), *length);
    let nearest = expected.iter().map(Vec::len).min_by_key(distance).unwrap_or(0);
    let too_short = (1.0 - nearest as f64 / answer.len() as f64).min(0.0);
    (too_short + logarithms / counts.len() as f64).exp()
}

/// What stands alone as a word, and how; in this order.
static SEPARATED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let rules = [
        // ASCII's punctuation, but for `'`, `,`, `-` and `.`.
        (r"([\{-~\[-` -&\(-\+:-@/])", " $1 "),
        // A period or a comma, unless digits are on both sides.
        (r"([^0-9])([\.,])", "$1 $2 "),
        (r"([\.,])([^0-9])", " $1 $2"),
        (r"([0-9])(-)", "$1 $2 "),
    ];
    rules.into_iter().filter_map(|(rule, by)| Some((Regex::new(rule).ok()?, by))).collect()
});

/// The words of mteval-v13a.
fn words(text: &str) -> Vec<String> {
    let plain = text
        .replace("<skipped>", "")
        .replace("-\n", "")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">");
    let mut line = format!(" {plain} ");
    for (rule, by) in SEPARATED.iter() {
        line = rule.replace_all(&line, *by).into_owned();
    }
    line.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{row, scorer, value};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const KIND: &str = "kind = 'bleu'\nany_of = true";

    /// Example 1 of Papineni et al. (2002): two candidates, and three references.
    const CANDIDATES: [&str; 2] = [
        "It is a guide to action which ensures that the military always obeys the commands of the party.",
        "It is to insure the troops forever hearing the activity guidebook that party direct.",
    ];
    const REFERENCES: [&str; 3] = [
        "It is a guide to action that ensures that the military will forever heed Party commands.",
        "It is the guiding principle which guarantees the military forces always being under the command of the Party.",
        "It is the practical guide for the army always to heed the directions of the party.",
    ];

    fn published(text: &str) -> Vec<String> {
        text.to_lowercase().replace('.', "").split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn precisions_are_those_of_the_paper() {
        let references: Vec<Vec<String>> = REFERENCES.iter().map(|it| published(it)).collect();
        let of = |candidate: &str, order| matches(&published(candidate), &references, order);
        assert_eq!([of(CANDIDATES[0], 1), of(CANDIDATES[1], 1)], [(17, 18), (8, 14)]);
        assert_eq!([of(CANDIDATES[0], 2), of(CANDIDATES[1], 2)], [(10, 17), (1, 13)]);
        let cats = ["The cat is on the mat", "There is a cat on the mat"].map(published);
        assert_eq!(matches(&published("the the the the the the the"), &cats, 1), (2, 7));
    }

    #[test]
    fn scores_are_those_of_sacrebleu() {
        // `sacrebleu.sentence_bleu(answer, expected).score / 100` of sacrebleu 2.6.0.
        let guides = json!(REFERENCES);
        for (answer, expected, score) in [
            (CANDIDATES[0], guides.clone(), 0.540_172_59),
            (CANDIDATES[1], guides, 0.066_995_592),
            (
                "the the the the the the the",
                json!(["The cat is on the mat.", "There is a cat on the mat."]),
                0.065_672_747,
            ),
            ("The dog bit the man.", json!(["The dog bit the man."]), 1.0),
            (
                "The dog bit the guy.",
                json!(["The dog bit the man.", "The dog had bit the man."]),
                0.537_284_966,
            ),
            ("dog", json!(["dog"]), 1.0),
            ("cat", json!(["dog"]), 0.0),
            ("dog the", json!(["the dog"]), 0.5_f64.sqrt()),
            (
                "U.S. GDP rose 2.5%, to $1,000.",
                json!(["GDP of the U.S. rose by 2.5% (to $1,000)."]),
                0.246_237_983,
            ),
            ("the cat sat", json!(["the cat sat on the mat"]), 0.367_879_441),
            ("Fish &amp; chips -\nnow", json!(["Fish & chips now"]), 1.0),
        ] {
            let got = value(KIND, answer, expected);
            assert!((got - score).abs() < 1e-8, "{answer}: {got}, not {score}");
        }
    }

    #[test]
    fn words_are_those_of_mteval() {
        for (text, split) in [
            ("U.S. GDP rose 2.5%, to $1,000.", "U . S . GDP rose 2.5 % , to $ 1,000 ."),
            ("It's 5-6 (or so), isn't it?", "It's 5 - 6 ( or so ) , isn't it ?"),
            ("a/b x@y.z 3.14. end...", "a / b x @ y . z 3.14 . end . . ."),
            ("“q” naïve—x 10:30 ~5 a_b", "“q” naïve—x 10 : 30 ~ 5 a _ b"),
            ("..,,1,,2 .5", ". . , ,1 , , 2 . 5"),
        ] {
            assert_eq!(words(text).join(" "), split);
        }
    }

    #[test]
    fn empty_and_huge_answers_are_scored() {
        assert!(scorer("kind = 'bleu'").check(&row(json!(" "))).is_err());
        let empty = scorer("kind = 'bleu'").score("", &row(json!("a b"))).unwrap();
        assert_eq!(empty.invalid.as_deref(), Some("the answer is empty"));
        let huge = "a, b; ".repeat(200_000);
        let score = value("kind = 'bleu'", &huge, json!("a, b; c"));
        assert!(score > 0.0 && score < 0.01, "{score}");
        let verdict = scorer("kind = 'bleu'").score("a b", &row(json!("a c"))).unwrap();
        let feedback = "Expected `a c`, got `a b` (BLEU 0.500).";
        assert_eq!(verdict.feedback.as_deref(), Some(feedback));
    }

    proptest! {
        #[test]
        fn scores_are_shares_and_1_for_the_text_itself(one in "[abc.,]( [abc]){0,9}", other in "[abc]( [abc.]){0,9}") {
            let score = value("kind = 'bleu'", &one, json!(other));
            prop_assert!((0.0..=1.0).contains(&score));
            prop_assert_eq!(value("kind = 'bleu'", &one, json!(one)), 1.0);
        }
    }
}
