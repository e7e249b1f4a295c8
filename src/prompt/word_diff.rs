//! What differs between two texts, word by word, in time that their sizes bound.
//!
//! The time to compare two lists of words that have nothing in common grows with the product of their lengths. Where that
//! is too much, lines are compared first and words within the lines that changed; what is still too much is replaced as
//! a whole. So the result depends on the texts alone, and not on the speed of the machine.

use similar::{ChangeTag, DiffTag, DiffableStr, TextDiff};

/// The most pairs of words, or of lines, that are compared at once.
const MOST_PAIRS: usize = 1 << 24;

/// Runs of a tag and a text.
type Runs = Vec<(char, String)>;

/// A word diff of two texts as (tag, piece) runs: `-` only in the first, `+` only in the second,
/// ` ` in both.
#[must_use]
pub fn word_diff(before: &str, after: &str) -> Runs {
    let mut runs = Runs::new();
    if !by_words(before, after, &mut runs) && !by_lines(before, after, &mut runs) {
        replace(before, after, &mut runs);
    }
    runs
}

/// Replaces all between the characters that both begin and end with.
fn replace(before: &str, after: &str, runs: &mut Runs) {
    let (head, tail) = common_ends(before, after);
    push(runs, ' ', &before[..head]);
    push(runs, '-', &before[head..before.len() - tail]);
    push(runs, '+', &after[head..after.len() - tail]);
    push(runs, ' ', &before[before.len() - tail..]);
}

/// Compares words; whether these are few enough.
fn by_words(before: &str, after: &str, runs: &mut Runs) -> bool {
    // A word has a byte at least: what is short is not counted.
    let is_short = is_little(before.len(), after.len());
    if !is_short
        && !is_little(before.tokenize_unicode_words().len(), after.tokenize_unicode_words().len())
    {
        return false;
    }
    for change in TextDiff::from_unicode_words(before, after).iter_all_changes() {
        let tag = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        push(runs, tag, change.value());
    }
    true
}

/// Compares lines, and the words of lines that changed; whether the lines are few enough.
fn by_lines(before: &str, after: &str, runs: &mut Runs) -> bool {
    let lines =
        |text: &'_ str| -> Vec<String> { text.split_inclusive('\n').map(str::to_owned).collect() };
    let (old, new) = (lines(before), lines(after));
    if !is_little(old.len(), new.len()) {
        return false;
    }
    // Words of all changed lines together, so that many changes are no way around the bound.
    let mut left = 4 * MOST_PAIRS;
    for change in similar::capture_diff_slices(similar::Algorithm::Myers, &old, &new) {
        let (tag, of_old, of_new) = change.as_tag_tuple();
        let (old, new) = (old[of_old].concat(), new[of_new].concat());
        match tag {
            DiffTag::Equal => push(runs, ' ', &old),
            DiffTag::Delete => push(runs, '-', &old),
            DiffTag::Insert => push(runs, '+', &new),
            DiffTag::Replace => {
                let pairs = old.len().saturating_mul(new.len());
                let mut words = Runs::new();
                if pairs <= left && by_words(&old, &new, &mut words) {
                    left -= pairs;
                    words.iter().for_each(|(tag, text)| push(runs, *tag, text));
                } else {
                    replace(&old, &new, runs);
                }
            }
        }
    }
    true
}

fn is_little(before: usize, after: usize) -> bool {
    before.saturating_mul(after) <= MOST_PAIRS
}

fn push(runs: &mut Runs, tag: char, text: &str) {
    match runs.last_mut() {
        _ if text.is_empty() => {}
        Some((last, run)) if *last == tag => run.push_str(text),
        _ => runs.push((tag, text.to_owned())),
    }
}

/// The bytes of whole characters that both texts begin with, and that the rest of both ends with.
fn common_ends(before: &str, after: &str) -> (usize, usize) {
    let same = |(a, b): &(char, char)| a == b;
    let length = |(a, _): (char, char)| a.len_utf8();
    let head = before.chars().zip(after.chars()).take_while(same).map(length).sum();
    let rest = before[head..].chars().rev().zip(after[head..].chars().rev());
    (head, rest.take_while(same).map(length).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both texts come out of the runs again.
    fn check(before: &str, after: &str) -> Runs {
        let runs = word_diff(before, after);
        let of = |other: char| -> String {
            runs.iter().filter(|(tag, _)| *tag != other).map(|(_, text)| text.as_str()).collect()
        };
        assert!(of('+') == before && of('-') == after, "{} runs", runs.len());
        runs
    }

    #[test]
    fn words_are_compared_where_that_is_little() {
        let runs = check("Answer warm.\n", "Answer cold.\n");
        let shown: Vec<(char, &str)> = runs.iter().map(|(tag, text)| (*tag, &**text)).collect();
        assert_eq!(shown, [(' ', "Answer "), ('-', "warm"), ('+', "cold"), (' ', ".\n")]);
    }

    /// Without the bound each of these takes minutes: nothing in one text is in the other.
    #[test]
    fn long_texts_without_a_common_word_end_soon() {
        let punctuation = |marks: &str| marks.repeat(40_000);
        let runs = check(&format!("a{}z", punctuation("!?")), &format!("a{}z", punctuation(".,")));
        assert_eq!(runs.len(), 4);
        let lines = |mark: &str| (0..200_000).map(|it| format!("{mark}{it}\n")).collect::<String>();
        assert_eq!(
            check(&lines("a"), &lines("b")).len(),
            3,
            "only the last end of a line is common"
        );
        // One word in one of many lines is still one word.
        let long = (0..4_000).map(|it| format!("line {it}, of many.\n")).collect::<String>();
        let runs = check(&long, &long.replace("line 2000,", "row 2000,"));
        assert_eq!(runs[1..3], [('-', "line".to_owned()), ('+', "row".to_owned())]);
        // Many changed blocks of lines are no way around the bound.
        let blocks = |mark: &str| {
            (0..60).map(|it| format!("{it}\n{}\n", mark.repeat(1_000))).collect::<String>()
        };
        check(&blocks("!?"), &blocks(".,"));
        check(&"äöü".repeat(30_000), &"äüö".repeat(30_000));
    }
}
