//! `similar`: how many words and letters two texts have in common, as the cosine of vectors that no model made. With a model for
//! vectors it is `meaning`'s.
//!
//! It is a likeness of writing, not of meaning: `big` and `large` have nothing in common, `able` and `unable` much. The
//! vectors are those of [`hashed`]: words, pairs of words and triples of letters, by the logarithm of their number. The
//! score is the cosine, from 0 to 1.

use super::answer_filter::AnswerFilter;
use super::kind::{FromTable, Kind, SoughtText};
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, graded};
use crate::vector::features::{cosine, hashed};
use serde_json::Value;

/// So many that few grams of a long text share a place.
const DIMENSIONS: usize = 4_096;

#[derive(Clone, Debug)]
pub(super) struct Similar(SoughtText);

impl FromTable for Similar {
    const NAME: &'static str = "similar";
    const KEYS: &'static [&'static str] = &["value", "any_of"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        SoughtText::new(table).map(Self)
    }
}

impl Kind for Similar {
    fn check(&self, expected: &Value, _: &AnswerFilter) -> Result<(), String> {
        match self.0.of(expected).contains(char::is_alphanumeric) {
            true => Ok(()),
            false => Err("the answer has no letters and no digits to compare".to_owned()),
        }
    }

    fn score(&self, answer: &str, expected: &Value, filter: &AnswerFilter) -> Verdict {
        let expected = self.0.of(expected);
        let vector = |text: &str| hashed(&filter.text(text), DIMENSIONS);
        let likeness = cosine(&vector(answer), &vector(&expected)).unwrap_or(0.0);
        graded(likeness, &expected, answer, "likeness")
    }

    fn of_meaning(&self) -> Option<Option<&Value>> {
        Some(self.0.fixed())
    }

    fn compares_whole_lists(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{row, scorer, value};
    use proptest::prelude::*;
    use serde_json::json;

    const KIND: &str = "kind = 'similar'";

    #[test]
    fn likeness_is_of_words_and_letters_alone() {
        let of = |answer: &str| value(KIND, answer, json!("The parcel arrived late"));
        assert!(of("the PARCEL arrived late!") > 0.999);
        let (near, far) = (of("The parcels arrived too late"), of("My invoice is wrong"));
        assert!(near > 0.5 && far < 0.2, "{near} {far}");
        // What means the same in other words is far away.
        assert!(of("Delivery took longer than promised") < 0.2);
        assert!(scorer(KIND).check(&row(json!("?!"))).is_err());
        assert_eq!(value("kind = 'similar'\nthreshold = 0.75", "?", json!("a")), 0.0);
        let huge = "word and word ".repeat(80_000);
        assert!(value(KIND, &huge, json!("word")) < 1.0);
    }

    proptest! {
        #[test]
        fn it_is_a_share_symmetric_and_1_for_the_text_itself(one in "[a-c]( ?[a-c]){0,12}", other in "[a-c]( ?[a-c]){0,12}") {
            let score = value(KIND, &one, json!(other));
            prop_assert!((0.0..=1.0).contains(&score));
            prop_assert!((score - value(KIND, &other, json!(one))).abs() < 1e-12);
            prop_assert!((value(KIND, &one, json!(one)) - 1.0).abs() < 1e-9);
        }
    }
}
