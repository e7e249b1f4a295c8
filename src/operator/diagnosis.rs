//! What all rows that a parent answered have in common: how expected and given answers compare, and which
//! failures go together.
//!
//! Ten failures one by one do not tell a slip from a habit; counts do. Everything here comes from training
//! rows that were answered anyway.

use super::brief::Evidence;
use super::feedback::is_right;
use crate::text;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Answers up to this many characters are compared as they are; longer ones are no labels.
const LABEL_CHARS: usize = 40;
/// The most groups of failures that are shown.
const GROUPS: usize = 12;
/// The most words that a group is said to share.
const SHARED_WORDS: usize = 6;
/// Shorter words are mostly those of any text.
const WORD_CHARS: usize = 4;
/// A word is shared where at least this part of a group has it, and at most that part of all other rows.
const SHARED: [f64; 2] = [0.8, 0.3];
/// Two or three rows share some word of any text by chance: theirs has to be as rare as this elsewhere.
const RARE: f64 = 0.1;
const FEW_ROWS: usize = 3;
/// Words of any text.
const COMMON: &[&str] = &[
    "about", "after", "also", "been", "before", "being", "both", "could", "does", "doing", "done",
    "down", "each", "even", "ever", "every", "from", "have", "having", "here", "into", "just",
    "like", "made", "make", "many", "more", "most", "much", "must", "only", "other", "over",
    "same", "should", "some", "such", "than", "that", "their", "them", "then", "there", "these",
    "they", "this", "those", "under", "until", "very", "want", "were", "what", "when", "where",
    "which", "while", "will", "with", "would", "your",
];

/// Failures of one kind.
#[derive(Default)]
struct Group<'a> {
    rows: Vec<&'a Evidence>,
}

/// The counts in lines of text; `None` where no row has a score.
#[must_use]
pub(super) fn diagnosis(rows: &[Evidence]) -> Option<String> {
    let scored: Vec<(&Evidence, f64)> =
        rows.iter().filter_map(|row| Some((row, row.score?))).collect();
    let wrong: Vec<&Evidence> =
        scored.iter().filter(|(_, score)| !is_right(*score)).map(|(row, _)| *row).collect();
    if scored.is_empty() {
        return None;
    }
    let mut said = format!(
        "{} answered: {} right, {} not.\n",
        text::plural(scored.len(), "row"),
        scored.len() - wrong.len(),
        wrong.len()
    );
    let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
    for row in wrong {
        groups.entry(kind_of(row)).or_default().rows.push(row);
    }
    let mut groups: Vec<(String, Group<'_>)> = groups.into_iter().collect();
    groups.sort_by(|(a, of_a), (b, of_b)| of_b.rows.len().cmp(&of_a.rows.len()).then(a.cmp(b)));
    let left_out = groups.len().saturating_sub(GROUPS);
    for (kind, group) in groups.iter().take(GROUPS) {
        let count = group.rows.len();
        // Writing into a string cannot fail.
        let _ = write!(said, "{count} × {kind}");
        let shared = group.shared_words(&scored);
        if !shared.is_empty() {
            let _ = write!(said, "; these rows say: {}", shared.join(", "));
        }
        said.push('\n');
    }
    if left_out > 0 {
        let _ = writeln!(said, "and {} of other kinds", text::plural(left_out, "failure"));
    }
    Some(said)
}

/// What kind of failure it is: a label taken for another one, or what the feedback says.
fn kind_of(row: &Evidence) -> String {
    // One label in several spellings is one label.
    if let Some([right, named]) = &row.labels {
        return format!("expected “{right}”, answered “{named}”");
    }
    let answer = text::one_line(row.answer.as_deref().unwrap_or("").trim());
    let is_label = |said: &str| said.chars().count() <= LABEL_CHARS;
    let expected = row.expected.as_deref().map(|it| text::one_line(it.trim()));
    if let Some(expected) = expected.filter(|it| is_label(it) && is_label(&answer)) {
        return format!("expected “{expected}”, answered “{answer}”");
    }
    match row.feedback.last() {
        Some(feedback) => text::shorten(&text::one_line(feedback), 160),
        None => "a longer answer that was not right".to_owned(),
    }
}

impl Group<'_> {
    /// The first words, by the alphabet, that these rows share and that other rows rarely have.
    fn shared_words(&self, all: &[(&Evidence, f64)]) -> Vec<String> {
        let Some((first, more)) = self.rows.split_first().filter(|(_, more)| !more.is_empty())
        else {
            return Vec::new();
        };
        let own: Vec<BTreeSet<String>> = self.rows.iter().map(|row| words_of(&row.input)).collect();
        let is_other = |row: &&&Evidence| {
            !std::ptr::eq(**row, *first) && !more.iter().any(|one| std::ptr::eq(*one, **row))
        };
        let rows = all.iter().map(|(row, _)| row);
        let others: Vec<BTreeSet<String>> =
            rows.filter(is_other).map(|row| words_of(&row.input)).collect();
        let share = |sets: &[BTreeSet<String>], word: &str| {
            let having = sets.iter().filter(|words| words.contains(word)).count();
            having as f64 / sets.len().max(1) as f64
        };
        let most = if own.len() <= FEW_ROWS { RARE } else { SHARED[1] };
        let words = words_of(&first.input).into_iter();
        words
            .filter(|word| share(&own, word) >= SHARED[0] && share(&others, word) <= most)
            .take(SHARED_WORDS)
            .collect()
    }
}

fn words_of(input: &str) -> BTreeSet<String> {
    let words = input.split(|c: char| !c.is_alphanumeric());
    let telling = words.filter(|word| {
        word.chars().count() >= WORD_CHARS && !word.chars().all(|c| c.is_ascii_digit())
    });
    telling.map(str::to_lowercase).filter(|word| !COMMON.contains(&word.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(input: &str, expected: &str, answer: &str, score: f64) -> Evidence {
        Evidence {
            input: input.to_owned(),
            answer: Some(answer.to_owned()),
            expected: Some(expected.to_owned()),
            score: Some(score),
            ..Evidence::default()
        }
    }

    #[test]
    fn confusions_are_counted_with_what_their_rows_share() {
        let rows = [
            row("refund for parcel one please", "billing", "claims", 0.0),
            row("my refund is late", "billing", "claims", 0.0),
            row("the parcel broke", "claims", "billing", 0.0),
            row("the parcel is lost", "claims", "claims", 1.0),
            row("where is it", "claims", "claims", 1.0),
        ];
        let said = diagnosis(&rows).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(
            lines,
            [
                "5 rows answered: 2 right, 3 not.",
                "2 × expected “billing”, answered “claims”; these rows say: refund",
                "1 × expected “claims”, answered “billing”",
            ]
        );
    }

    #[test]
    fn one_label_in_several_spellings_is_one_label() {
        let mut rows = [
            row("who was it in 2024 with this", "human", "Person", 0.0),
            row("what about 2024 with this", "Human", "person.", 0.0),
            row("where is it", "place", "place", 1.0),
        ];
        for row in &mut rows[..2] {
            row.labels = Some(["human", "person"].map(str::to_owned));
        }
        let said = diagnosis(&rows).unwrap();
        let second = said.lines().nth(1);
        assert_eq!(
            second,
            Some("2 × expected “human”, answered “person”"),
            "no common words, no numbers"
        );
    }

    #[test]
    fn a_row_without_an_expected_answer_is_grouped_by_its_feedback() {
        let mut rows = [row("a", "", "x", 0.0), row("b", "", "y", 0.0)];
        for row in &mut rows {
            row.expected = None;
            row.feedback = vec!["it has no verb".to_owned()];
        }
        let said = diagnosis(&rows).unwrap();
        assert!(said.contains("2 × it has no verb"), "{said}");
    }

    #[test]
    fn long_answers_are_grouped_by_their_feedback_and_nothing_grows_without_end() {
        let long = "word ".repeat(30);
        let mut rows: Vec<Evidence> =
            (0..40).map(|n| row("x", &long, &long, f64::from(n % 2))).collect();
        for (number, row) in rows.iter_mut().enumerate() {
            row.feedback =
                vec![format!("field `total` is wrong\n{}", "z".repeat(number % 4 * 500))];
        }
        let said = diagnosis(&rows).unwrap();
        assert!(said.contains("10 × field `total` is wrong"), "{said}");
        assert!(said.len() < 4_000);
        let many: Vec<Evidence> = (0..60).map(|n| row("x", &format!("a{n}"), "b", 0.0)).collect();
        let said = diagnosis(&many).unwrap();
        assert!(said.ends_with("and 48 failures of other kinds\n"), "{said}");
        assert_eq!(diagnosis(&[Evidence::default()]), None);
    }
}
