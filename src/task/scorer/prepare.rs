//! Prepares an answer for scoring: `extract`, then `normalize`.
//!
//! The expected text is only normalized.

use super::table::{Normalize, ScoreTable, ScorerError};
use regex::Regex;
use std::borrow::Cow;

/// `extract` searches only the last bytes of an answer, so that a pattern that matches at every
/// letter of a huge answer cannot take long.
const SEARCHED_BYTES: usize = 1 << 20;

/// The most matches; then the last one so far is taken.
const MOST_MATCHES: usize = 100_000;

#[derive(Clone, Debug)]
pub(super) struct Prepare {
    extract: Option<Regex>,
    normalize: Vec<Normalize>,
}

impl Prepare {
    pub(super) fn new(table: &ScoreTable) -> Result<Self, ScorerError> {
        let extract = table.extract.as_deref().map(extractor).transpose()?;
        let normalize = table.normalize.clone().unwrap_or_else(|| vec![Normalize::Trim]);
        Ok(Self { extract, normalize })
    }

    /// Leaves an answer as it is.
    pub(super) fn nothing() -> Self {
        Self { extract: None, normalize: Vec::new() }
    }

    /// The part of an answer that is scored.
    pub(super) fn answer<'a>(&self, answer: &'a str) -> Cow<'a, str> {
        self.expected(self.extracted(answer))
    }

    /// A normalized text for comparison.
    pub(super) fn expected<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.normalize.iter().fold(Cow::Borrowed(text), |text, step| match text {
            Cow::Borrowed(text) => apply(*step, text),
            Cow::Owned(text) => Cow::Owned(apply(*step, &text).into_owned()),
        })
    }

    fn extracted<'a>(&self, answer: &'a str) -> &'a str {
        let Some(extract) = &self.extract else {
            return answer;
        };
        let mut from = answer.len().saturating_sub(SEARCHED_BYTES);
        while !answer.is_char_boundary(from) {
            from += 1;
        }
        let last = extract.captures_iter(&answer[from..]).take(MOST_MATCHES).last();
        // The first group may be unused in a match.
        last.and_then(|found| found.get(1)).map_or(answer, |group| group.as_str())
    }
}

/// Compiles `extract`. `^` and `$` also match at line breaks, because a final answer is usually on
/// a line of its own.
fn extractor(pattern: &str) -> Result<Regex, ScorerError> {
    let extract = regex::RegexBuilder::new(pattern)
        .multi_line(true)
        .crlf(true)
        .build()
        .map_err(|error| broken_pattern("extract", &error))?;
    if extract.captures_len() < 2 {
        return Err(ScorerError::new("extract", "the pattern of `extract` has no group")
            .help("put parentheses around the text to score: 'the answer is (.+?)\\.?$'"));
    }
    Ok(extract)
}

/// The regex engine's message without its multi-line drawing.
pub(super) fn broken_pattern(key: &'static str, error: &regex::Error) -> ScorerError {
    let complaint = error.to_string();
    let last_line = complaint.lines().last().unwrap_or_default();
    let reason = last_line.strip_prefix("error: ").unwrap_or(last_line);
    ScorerError::new(key, format!("`{key}` is not a pattern: {reason}")).help(
        "use the syntax of Rust's regex crate, which has no look-around and no back-references",
    )
}

fn apply(step: Normalize, text: &str) -> Cow<'_, str> {
    match step {
        Normalize::Trim => Cow::Borrowed(text.trim()),
        Normalize::Lower => Cow::Owned(text.to_lowercase()),
        Normalize::SqueezeSpace => {
            let mut squeezed = String::with_capacity(text.len());
            let mut in_space = false;
            for c in text.chars() {
                if !c.is_whitespace() {
                    squeezed.push(c);
                } else if !in_space {
                    squeezed.push(' ');
                }
                in_space = c.is_whitespace();
            }
            Cow::Owned(squeezed)
        }
        Normalize::StripPunctuation => {
            Cow::Owned(text.chars().filter(|c| !is_punctuation(*c)).collect())
        }
    }
}

/// ASCII punctuation, and the usual punctuation of other scripts.
fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c,
            '¡' | '§' | '«' | '¶' | '·' | '»' | '¿'
            | '\u{2010}'..='\u{2027}'
            | '\u{2030}'..='\u{205E}'
            | '\u{3001}'..='\u{3003}'
            | '\u{3008}'..='\u{3011}'
            | '\u{3014}'..='\u{301F}'
            | '\u{FF01}'..='\u{FF0F}'
            | '\u{FF1A}'..='\u{FF20}'
            | '\u{FF3B}'..='\u{FF40}'
            | '\u{FF5B}'..='\u{FF65}'
            | '،' | '؛' | '؟' | '।')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepare(
        extract: Option<&str>,
        normalize: Option<&[Normalize]>,
    ) -> Result<Prepare, ScorerError> {
        Prepare::new(&ScoreTable {
            extract: extract.map(str::to_owned),
            normalize: normalize.map(<[_]>::to_vec),
            ..ScoreTable::default()
        })
    }

    #[test]
    fn the_last_match_is_scored_and_without_one_the_whole_answer() {
        let prepare = prepare(Some(r"[Tt]he answer is (.+?)\.?$"), None).unwrap();
        assert_eq!(prepare.answer("So the answer is 4.\r\nNo: The answer is 5.\r\nBye!\n"), "5");
        assert_eq!(prepare.answer(" five \n"), "five");
    }

    #[test]
    fn a_group_that_found_nothing_leaves_the_answer_whole() {
        assert_eq!(prepare(Some("a(b)?"), None).unwrap().answer("xa"), "xa");
    }

    #[test]
    fn steps_are_taken_in_their_order() {
        use Normalize::{Lower, SqueezeSpace, StripPunctuation, Trim};
        let all = prepare(None, Some(&[StripPunctuation, Lower, SqueezeSpace, Trim])).unwrap();
        assert_eq!(all.expected(" «Ärger»,\n  mit – A.B. "), "ärger mit ab");
        assert_eq!(prepare(None, Some(&[])).unwrap().expected(" a "), " a ");
        assert_eq!(prepare(None, None).unwrap().expected(" a "), "a");
    }

    #[test]
    fn a_broken_pattern_and_one_without_a_group_are_refused() {
        let broken = prepare(Some("(a"), None).unwrap_err();
        assert_eq!(broken.message, "`extract` is not a pattern: unclosed group");
        assert!(prepare(Some("a"), None).unwrap_err().message.contains("no group"));
    }

    #[test]
    fn a_huge_answer_is_searched_at_its_end() {
        let answer = "x ä ".repeat(1 << 20) + "answer: 7";
        assert_eq!(prepare(Some(r"answer: (\d+)"), None).unwrap().answer(&answer), "7");
    }
}
