//! `levenshtein`: how near an answer is to the expected text, letter by letter.
//!
//! The distance is the least number of letters (Unicode scalar values) to insert, remove or replace: Levenshtein (1966),
//! *Binary codes capable of correcting deletions, insertions, and reversals*. The score is 1 − distance / letters of the
//! longer text; with `max_distance` an answer is right or wrong.

use super::answer_filter::AnswerFilter;
use super::kind::{FromTable, Kind, SoughtText};
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, graded, quoted};
use serde_json::Value;

/// The time grows with the product of the lengths. Of two texts whose product is larger than the square of this, only
/// so many letters are compared, and the others count as different: the distance is then an upper bound.
const LONGEST: usize = 5_000;

#[derive(Clone, Debug)]
pub(super) struct Levenshtein {
    value: SoughtText,
    max_distance: Option<usize>,
}

impl FromTable for Levenshtein {
    const NAME: &'static str = "levenshtein";
    const KEYS: &'static [&'static str] = &["value", "max_distance", "any_of"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        Ok(Self { value: SoughtText::new(table)?, max_distance: table.max_distance })
    }
}

impl Kind for Levenshtein {
    fn score(&self, answer: &str, expected: &Value, filter: &AnswerFilter) -> Verdict {
        let expected = self.value.of(expected);
        let letters = |text: &str| filter.text(text).chars().collect::<Vec<char>>();
        let (got, wanted) = (letters(answer), letters(&expected));
        let distance = distance(&got, &wanted);
        match self.max_distance {
            Some(most) => Verdict::right_if(distance <= most, || {
                let (expected, answer) = (quoted(&expected), quoted(answer));
                format!("Expected {expected}, got {answer} (distance {distance}; at most {most}).")
            }),
            None => {
                let longer = got.len().max(wanted.len()).max(1);
                let likeness = 1.0 - distance as f64 / longer as f64;
                graded(likeness, &expected, answer, "likeness")
            }
        }
    }

    fn compares_whole_lists(&self) -> bool {
        true
    }
}

fn distance(one: &[char], other: &[char]) -> usize {
    let begin = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[begin..], &other[begin..]);
    let end = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[..one.len() - end], &other[..other.len() - end]);
    let most = if one.len().saturating_mul(other.len()) > LONGEST * LONGEST {
        LONGEST
    } else {
        usize::MAX
    };
    let (head, other_head) = (one.len().min(most), other.len().min(most));
    let rest = (one.len() - head).max(other.len() - other_head);
    let heads = (one[..head].to_vec(), other[..other_head].to_vec());
    strsim::generic_levenshtein(&heads.0, &heads.1) + rest
}

#[cfg(test)]
mod tests {
    use super::super::tests::{row, scorer, value};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn of(one: &str, other: &str) -> usize {
        distance(&one.chars().collect::<Vec<_>>(), &other.chars().collect::<Vec<_>>())
    }

    #[test]
    fn distances_are_the_published_ones() {
        // Wagner and Fischer (1974), Kruskal (1983), and what every textbook has.
        for (one, other, distance) in [
            ("kitten", "sitting", 3),
            ("saturday", "sunday", 3),
            ("industry", "interest", 6),
            ("", "abc", 3),
            ("größe", "grösse", 2),
            ("日本語", "日本", 1),
        ] {
            assert_eq!((of(one, other), of(other, one)), (distance, distance), "{one} {other}");
        }
    }

    #[test]
    fn the_score_is_a_share_of_the_longer_text_or_right_and_wrong() {
        let near = value("kind = 'levenshtein'", "sitting", json!("kitten"));
        assert!((near - 4.0 / 7.0).abs() < 1e-12);
        let most = |most: usize| format!("kind = 'levenshtein'\nmax_distance = {most}");
        assert_eq!(value(&most(3), "sitting", json!("kitten")), 1.0);
        let verdict = scorer(&most(2)).score("sitting", &row(json!("kitten"))).unwrap();
        assert_eq!(
            verdict.feedback.as_deref(),
            Some("Expected `kitten`, got `sitting` (distance 3; at most 2).")
        );
        assert_eq!(value("kind = 'levenshtein'\nnormalize = ['lower']", "ABC", json!("abc")), 1.0);
        assert_eq!(value("kind = 'levenshtein'", "", json!("")), 1.0);
    }

    #[test]
    fn of_huge_texts_the_distance_is_an_upper_bound() {
        let (one, other) = ("ab".repeat(500_000), "ba".repeat(400_000));
        let bound = of(&one, &other);
        assert!((200_000..=1_000_000).contains(&bound), "{bound}");
        assert_eq!(of(&one, &one), 0);
        assert_eq!(of(&one, "b"), 999_999);
    }

    proptest! {
        #[test]
        fn it_is_a_metric(a in "[abc]{0,9}", b in "[abc]{0,9}", c in "[abc]{0,9}") {
            prop_assert_eq!(of(&a, &b), of(&b, &a));
            prop_assert_eq!(of(&a, &b) == 0, a == b);
            prop_assert!(of(&a, &c) <= of(&a, &b) + of(&b, &c));
        }
    }
}
