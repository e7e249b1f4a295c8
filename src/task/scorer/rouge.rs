//! `rouge-n`, `rouge-l`: how many words, or words in the same order, an answer has in common with the expected text.
//!
//! Lin (2004), *ROUGE: A Package for Automatic Evaluation of Summaries*: sections 2 (common n-grams, each counted as
//! often as in the text with fewer of it) and 3.1 (the longest common subsequence of the whole texts), with F1 as in
//! Google's `rouge_score`, without its stemmer. Words are the runs of letters and digits, lower-cased; for texts in ASCII
//! these are the words of `rouge_score`, which has none in other scripts. A script without spaces has long words.

use super::answer_filter::AnswerFilter;
use super::kind::{FromTable, Kind, SoughtText};
use super::overlap::{Overlap, common};
use super::table::{Compared, ScoreTable, ScorerError};
use super::verdict::{Verdict, graded, quoted};
use serde_json::Value;
use std::collections::HashMap;

/// The longest n-grams.
const MOST_WORDS: usize = 9;

/// The words of a text that are looked for a common subsequence in; all others count as not common.
const LONGEST: usize = 1 << 16;

#[derive(Clone, Debug)]
pub(super) struct RougeN {
    value: SoughtText,
    n: usize,
    compared: Compared,
}

#[derive(Clone, Debug)]
pub(super) struct RougeL {
    value: SoughtText,
    compared: Compared,
}

impl FromTable for RougeN {
    const NAME: &'static str = "rouge-n";
    const KEYS: &'static [&'static str] = &["value", "n", "compared", "any_of"];

    fn new(table: &ScoreTable, filter: &AnswerFilter) -> Result<Self, ScorerError> {
        let n = table.n.unwrap_or(1);
        if !(1..=MOST_WORDS).contains(&n) {
            let message = format!("`n` is {n}: it must be from 1 to {MOST_WORDS}");
            return Err(ScorerError::new("n", message));
        }
        let value = sought(table, n, filter)?;
        Ok(Self { value, n, compared: table.compared.unwrap_or_default() })
    }
}

impl FromTable for RougeL {
    const NAME: &'static str = "rouge-l";
    const KEYS: &'static [&'static str] = &["value", "compared", "any_of"];

    fn new(table: &ScoreTable, filter: &AnswerFilter) -> Result<Self, ScorerError> {
        Ok(Self { value: sought(table, 1, filter)?, compared: table.compared.unwrap_or_default() })
    }
}

/// The expected text, which must have n words if it is known by now.
fn sought(table: &ScoreTable, n: usize, filter: &AnswerFilter) -> Result<SoughtText, ScorerError> {
    let value = SoughtText::new(table)?;
    match &table.value {
        Some(text) => check(&value, text, n, filter)
            .map_err(|message| ScorerError::new("value", message))
            .map(|()| value),
        None => Ok(value),
    }
}

/// Without n words in the expected text, every answer has the score 0.
fn check(
    value: &SoughtText,
    expected: &Value,
    n: usize,
    filter: &AnswerFilter,
) -> Result<(), String> {
    let text = value.of(expected);
    if words(&filter.text(&text)).len() >= n {
        return Ok(());
    }
    let least = crate::text::plural(n, "word");
    Err(format!("the expected text {} has fewer than {least}", quoted(&text)))
}

impl Kind for RougeN {
    fn check(&self, expected: &Value, filter: &AnswerFilter) -> Result<(), String> {
        check(&self.value, expected, self.n, filter)
    }

    fn score(&self, answer: &str, expected: &Value, filter: &AnswerFilter) -> Verdict {
        let expected = self.value.of(expected);
        let (got, wanted) = (words(&filter.text(answer)), words(&filter.text(&expected)));
        let grams = |words: &[String]| (words.len() + 1).saturating_sub(self.n);
        let common = common(got.windows(self.n), wanted.windows(self.n));
        let overlap = Overlap::new(common, grams(&got), grams(&wanted));
        let name = format!("ROUGE-{}", self.n);
        graded(overlap.compared(self.compared), &expected, answer, &name)
    }

    fn compares_whole_lists(&self) -> bool {
        true
    }
}

impl Kind for RougeL {
    fn check(&self, expected: &Value, filter: &AnswerFilter) -> Result<(), String> {
        check(&self.value, expected, 1, filter)
    }

    fn score(&self, answer: &str, expected: &Value, filter: &AnswerFilter) -> Verdict {
        let expected = self.value.of(expected);
        let (got, wanted) = (words(&filter.text(answer)), words(&filter.text(&expected)));
        let overlap = Overlap::new(longest_common(&got, &wanted), got.len(), wanted.len());
        graded(overlap.compared(self.compared), &expected, answer, "ROUGE-L")
    }

    fn compares_whole_lists(&self) -> bool {
        true
    }
}

fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The length of the longest common subsequence, 64 words at a time: Crochemore et al. (2001), *A fast and practical
/// bit-vector algorithm for the longest common subsequence problem*. A bit of the row is 0 where the subsequence grows.
fn longest_common(one: &[String], other: &[String]) -> usize {
    let (one, other) = (&one[..one.len().min(LONGEST)], &other[..other.len().min(LONGEST)]);
    let blocks = other.len().div_ceil(64);
    // Where each word is, as the bits of those blocks that have it.
    let mut places: HashMap<&str, Vec<(usize, u64)>> = HashMap::new();
    for (at, word) in other.iter().enumerate() {
        let found = places.entry(word).or_default();
        match found.last_mut() {
            Some((block, bits)) if *block == at / 64 => *bits |= 1 << (at % 64),
            _ => found.push((at / 64, 1 << (at % 64))),
        }
    }
    let mut row = vec![u64::MAX; blocks];
    let mut mask = vec![0_u64; blocks];
    for found in one.iter().filter_map(|word| places.get(word.as_str())) {
        found.iter().for_each(|(block, bits)| mask[*block] = *bits);
        let mut carry = 0;
        for (bits, mask) in row.iter_mut().zip(&mask) {
            let (sum, over) = bits.overflowing_add(*bits & mask);
            let (sum, over_too) = sum.overflowing_add(carry);
            carry = u64::from(over | over_too);
            *bits = sum | (*bits & !mask);
        }
        found.iter().for_each(|(block, _)| mask[*block] = 0);
    }
    row.iter().map(|bits| bits.count_zeros() as usize).sum()
}

#[cfg(test)]
mod tests {
    use super::super::Scorer;
    use super::super::tests::{row, scorer, value};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Expected text, answer, and the F1 of ROUGE-1, ROUGE-2 and ROUGE-L by version 0.1.2 of Google's `rouge_score`:
    /// `RougeScorer(["rouge1", "rouge2", "rougeL"]).score(expected, answer)`.
    const VALUES: [(&str, &str, [f64; 3]); 8] = [
        (
            "The quick brown fox jumps over the lazy dog",
            "The quick brown dog jumps on the log.",
            [0.705_882, 0.266_667, 0.588_235],
        ),
        // The three sentences of Lin (2004), section 3.1.
        ("police killed the gunman", "police kill the gunman", [0.75, 0.333_333, 0.75]),
        ("police killed the gunman", "the gunman kill police", [0.75, 0.333_333, 0.5]),
        ("police killed the gunman", "the gunman police killed", [1.0, 0.666_667, 0.5]),
        ("testing one two", "testing", [0.5, 0.0, 0.5]),
        ("a b c d e f", "a c b d f f e", [0.923_077, 0.0, 0.615_385]),
        (
            "It is a guide to action that ensures that the military will forever heed Party commands.",
            "It is a guide to action which ensures that the military always obeys the commands of the party.",
            [0.705_882, 0.5, 0.647_059],
        ),
        (
            "U.S. GDP rose 2.5%, to $1,000.",
            "GDP of the U.S. rose by 2.5% (to $1,000).",
            [0.857_143, 0.526_316, 0.761_905],
        ),
    ];
    const KINDS: [&str; 3] = ["kind = 'rouge-n'", "kind = 'rouge-n'\nn = 2", "kind = 'rouge-l'"];

    #[test]
    fn scores_are_those_of_the_reference() {
        for (expected, answer, scores) in VALUES {
            for (kind, score) in KINDS.iter().zip(scores) {
                let got = value(kind, answer, json!(expected));
                assert!((got - score).abs() < 1e-6, "{kind} {answer}: {got}, not {score}");
            }
        }
        let (expected, answer, _) = VALUES[0];
        for (compared, score) in [("precision", 0.75), ("recall", 0.666_667), ("f1", 0.705_882)] {
            let text = format!("kind = 'rouge-n'\ncompared = '{compared}'");
            assert!((value(&text, answer, json!(expected)) - score).abs() < 1e-6, "{compared}");
        }
    }

    #[test]
    fn texts_in_other_scripts_have_words() {
        assert_eq!(value(KINDS[0], "Größe zählt", json!("größe, ZÄHLT!")), 1.0);
        assert_eq!(value(KINDS[0], "Привет мир", json!("привет")), 2.0 / 3.0);
    }

    #[test]
    fn a_row_with_too_few_words_and_a_wrong_table_are_refused() {
        assert!(
            scorer(KINDS[0]).check(&row(json!("?!"))).unwrap_err().contains("fewer than 1 word")
        );
        assert!(scorer(KINDS[1]).check(&row(json!("one"))).unwrap_err().contains("than 2 words"));
        for (text, message) in [
            ("kind = 'rouge-n'\nn = 0", "from 1 to 9"),
            ("kind = 'rouge-n'\nn = 2\nvalue = 'one'", "fewer than 2 words"),
            ("kind = 'rouge-l'\nn = 2", "`n` is not a key"),
        ] {
            let error = Scorer::new(&toml::from_str(text).unwrap()).unwrap_err();
            assert!(error.message.contains(message), "{text}: {error}");
        }
        let verdict = scorer(KINDS[2]).score("a b", &row(json!("a c"))).unwrap();
        let feedback = "Expected `a c`, got `a b` (ROUGE-L 0.500).";
        assert_eq!(verdict.feedback.as_deref(), Some(feedback));
    }

    #[test]
    fn a_huge_answer_is_scored_in_a_moment() {
        let huge = "a b ".repeat(250_000);
        let expected = row(json!("b a b c ".repeat(500)));
        for kind in KINDS {
            let score = scorer(kind).score(&huge, &expected).unwrap().score.value();
            assert!(score > 0.0 && score < 0.1, "{kind}: {score}");
        }
    }

    /// The textbook's table.
    fn by_table(one: &[String], other: &[String]) -> usize {
        let mut row = vec![0; other.len() + 1];
        for a in one {
            let mut diagonal = 0;
            for (at, b) in other.iter().enumerate() {
                let above = row[at + 1];
                row[at + 1] = if a == b { diagonal + 1 } else { above.max(row[at]) };
                diagonal = above;
            }
        }
        row[other.len()]
    }

    proptest! {
        #[test]
        fn the_bits_count_what_the_table_does(one in "[ab c]{0,300}", other in "[ab c]{0,300}") {
            let letters = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
            let (one, other) = (letters(&one), letters(&other));
            prop_assert_eq!(longest_common(&one, &other), by_table(&one, &other));
            prop_assert_eq!(longest_common(&other, &one), by_table(&one, &other));
        }

        #[test]
        fn scores_are_shares_and_symmetric(one in "[abc]( [abc]){1,9}", other in "[abc]( [abc]){1,9}") {
            for kind in KINDS {
                let score = value(kind, &one, json!(other));
                prop_assert!((0.0..=1.0).contains(&score));
                prop_assert!((score - value(kind, &other, json!(one))).abs() < 1e-12);
                prop_assert_eq!(value(kind, &one, json!(one)), 1.0);
            }
        }
    }
}
