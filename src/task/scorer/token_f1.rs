//! `f1`: the F1 of the words of an answer and of the expected text, as SQuAD scores answers to questions.
//!
//! Rajpurkar et al. (2016), *SQuAD: 100,000+ Questions for Machine Comprehension of Text*, section 6.1, in the form of the
//! evaluation script of SQuAD 2.0: texts are lower-cased, punctuation of ASCII and the words `a`, `an`, `the` are removed,
//! and an answer without words is right only where none are expected. `exact` is a metric: 1 if all words are the same,
//! in the same order.

use super::answer_filter::AnswerFilter;
use super::kind::{FromTable, Kind, SoughtText};
use super::overlap::{Overlap, common};
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, graded};
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct TokenF1(SoughtText);

impl FromTable for TokenF1 {
    const NAME: &'static str = "f1";
    const KEYS: &'static [&'static str] = &["value", "any_of"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        SoughtText::new(table).map(Self)
    }
}

impl Kind for TokenF1 {
    fn score(&self, answer: &str, expected: &Value, filter: &AnswerFilter) -> Verdict {
        let expected = self.0.of(expected);
        let (got, wanted) = (words(&filter.text(answer)), words(&filter.text(&expected)));
        let is_exact = got == wanted;
        let f1 = match (got.is_empty(), wanted.is_empty()) {
            (true, true) => 1.0,
            _ => Overlap::new(common(&got, &wanted), got.len(), wanted.len()).f1(),
        };
        let mut verdict = graded(f1, &expected, answer, "F1");
        verdict.metrics.insert("exact".to_owned(), f64::from(u8::from(is_exact)));
        verdict
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["exact"]
    }

    fn compares_whole_lists(&self) -> bool {
        true
    }
}

fn words(text: &str) -> Vec<String> {
    let bare: String = text.chars().filter(|c| !c.is_ascii_punctuation()).collect();
    let lower = bare.to_lowercase();
    let words = lower.split_whitespace().filter(|word| !["a", "an", "the"].contains(word));
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{row, scorer, value};
    use serde_json::json;

    #[test]
    fn f1_is_that_of_squads_script() {
        // `compute_f1(expected, answer)` of evaluate-v2.0.py.
        for (expected, answer, f1) in [
            ("the Denver Broncos", "Denver Broncos!", 1.0),
            ("Denver Broncos", "The Broncos", 2.0 / 3.0),
            ("Denver Broncos", "the Carolina Panthers", 0.0),
            ("10 July 1856", "in July of 1856, in Smiljan", 4.0 / 9.0),
            ("a cat a cat", "cat", 2.0 / 3.0),
            ("U.S.", "us", 1.0),
        ] {
            let got = value("kind = 'f1'", answer, json!(expected));
            assert!((got - f1).abs() < 1e-12, "{expected} {answer}: {got}");
        }
    }

    #[test]
    fn a_question_without_an_answer_has_an_empty_one() {
        assert_eq!(value("kind = 'f1'", "", json!("")), 1.0);
        assert_eq!(value("kind = 'f1'", "the", json!("")), 1.0);
        assert_eq!(value("kind = 'f1'", "Paris", json!("")), 0.0);
        let empty = scorer("kind = 'f1'").score(" ", &row(json!("Paris"))).unwrap();
        assert_eq!(empty.invalid.as_deref(), Some("the answer is empty"));
    }

    #[test]
    fn the_best_of_several_answers_counts_and_an_exact_one_is_told() {
        let f1 = scorer("kind = 'f1'\nany_of = true");
        let verdict = f1.score("in 1856", &row(json!(["July 10, 1856", "1856"]))).unwrap();
        assert!((verdict.score.value() - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(verdict.metrics["exact"], 0.0);
        assert_eq!(
            verdict.feedback.as_deref(),
            Some("Expected `1856`, got `in 1856` (F1 0.667). Also right: `July 10, 1856`.")
        );
        assert_eq!(f1.score("The 1856.", &row(json!("1856"))).unwrap().metrics["exact"], 1.0);
        assert_eq!(f1.metrics(), Some(vec!["exact"]));
    }
}
