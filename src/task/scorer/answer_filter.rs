//! What is scored of an answer, and how texts are compared.
//!
//! Of an answer, `reasoning` and then `extract` leave the part that is scored. Texts are compared
//! after `normalize` and in one form of Unicode; what is read as JSON or as a number is not changed
//! before.

use super::comparable::{comparable, fold_case};
use super::reason::InvalidReason;
use super::reasoning::{Reasoning, without_reasoning};
use super::table::{Normalize, ScoreTable, ScorerError};
use regex::Regex;
use serde_json::Value;
use std::borrow::Cow;
use std::ops::Range;

/// `extract` searches only the last bytes of an answer: more than a model writes at once, and little
/// enough that a pattern whose every match looks at all of the rest takes seconds at most.
const SEARCHED_BYTES: usize = 1 << 17;

#[derive(Clone, Debug)]
pub(super) struct AnswerFilter {
    reasoning: Reasoning,
    extract: Option<Regex>,
    normalize: Vec<Normalize>,
}

impl AnswerFilter {
    pub(super) fn new(table: &ScoreTable) -> Result<Self, ScorerError> {
        let extract = table.extract.as_deref().map(extractor).transpose()?;
        let normalize = table.normalize.clone().unwrap_or_else(|| vec![Normalize::Trim]);
        Ok(Self { reasoning: table.reasoning.unwrap_or_default(), extract, normalize })
    }

    /// Leaves an answer as it is.
    pub(super) fn nothing() -> Self {
        Self { reasoning: Reasoning::Keep, extract: None, normalize: Vec::new() }
    }

    /// The part of an answer that is scored.
    ///
    /// # Errors
    /// Why there is none: the reason for which the answer is invalid.
    pub(super) fn part<'a>(&self, answer: &'a str) -> Result<&'a str, InvalidReason> {
        let said = match self.reasoning {
            Reasoning::Strip => without_reasoning(answer)?,
            Reasoning::Keep => answer,
        };
        let Some(extract) = &self.extract else { return Ok(said) };
        let last = extract.captures_iter(end_of(said)).last();
        let Some(last) = last else { return Err(InvalidReason::NoMatch) };
        // The first group may be unused in a match.
        let group = last.get(1).ok_or(InvalidReason::NoGroup)?;
        Ok(group.as_str())
    }

    /// A row's right answer without its reasoning.
    ///
    /// # Errors
    /// Nothing is left of it: a lower-case sentence without a full stop.
    pub(super) fn reference<'a>(&self, answer: Cow<'a, Value>) -> Result<Cow<'a, Value>, String> {
        let Value::String(text) = &*answer else { return Ok(answer) };
        if self.reasoning == Reasoning::Keep {
            return Ok(answer);
        }
        match without_reasoning(text) {
            Ok(said) if said.len() == text.len() => Ok(answer),
            Ok(said) => Ok(Cow::Owned(said.into())),
            Err(reason) => Err(format!("{reason}; with `reasoning = \"keep\"` all of it counts")),
        }
    }

    /// A text after `normalize`.
    pub(super) fn normalized<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.normalize.iter().fold(Cow::Borrowed(text), |text, step| match text {
            Cow::Borrowed(text) => apply(*step, text),
            Cow::Owned(text) => Cow::Owned(apply(*step, &text).into_owned()),
        })
    }

    /// A text as it is compared with another one.
    pub(super) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match comparable(text) {
            Cow::Borrowed(text) => self.normalized(text),
            Cow::Owned(text) => Cow::Owned(self.normalized(&text).into_owned()),
        }
    }
}

/// The last part of a huge text, from the beginning of a word on.
fn end_of(text: &str) -> &str {
    let from = text.len().saturating_sub(SEARCHED_BYTES);
    if from == 0 {
        return text;
    }
    let rest = &text[text.ceil_char_boundary(from)..];
    rest.find(char::is_whitespace).map_or(rest, |at| &rest[at..])
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
        Normalize::Lower => Cow::Owned(fold_case(text)),
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
        Normalize::StripPunctuation => without_punctuation(text),
    }
}

/// A text without the punctuation around its words; one of punctuation alone stays, because nothing else
/// tells it from others.
fn without_punctuation(text: &str) -> Cow<'_, str> {
    let keeps_stars = !has_emphasis(text);
    let mut stripped = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        stripped.push_str(bare_word(bare, keeps_stars));
        stripped.push_str(&word[bare.len()..]);
    }
    match stripped.trim().is_empty() {
        true => Cow::Borrowed(text),
        false => Cow::Owned(stripped),
    }
}

/// Whether stars open before a word and close after one, as in `**New York**`.
fn has_emphasis(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let opens = |word: &str| word[..around(word).start].contains('*');
    let closes = |word: &str| word[around(word).end..].contains('*');
    words.by_ref().find(|word| opens(word)).is_some_and(|first| closes(first) || words.any(closes))
}

/// The part of a word that has no punctuation around it; it is empty at the end if there is none.
fn around(word: &str) -> Range<usize> {
    let end = word.trim_end_matches(is_around_words).len();
    end - word[..end].trim_start_matches(is_around_words).len()..end
}

/// A word without the punctuation around it. What stands within it has a meaning, and so have the marks
/// beside it that make another word of it: `-5`, `.5`, `--all`, `!x`, `!=`, `~5`, `.env`, `*.txt`, `5!`,
/// `A-`.
fn bare_word(word: &str, keeps_stars: bool) -> &str {
    let Range { mut start, mut end } = around(word);
    let bare = &word[start..end];
    let (Some(first), Some(last)) = (bare.chars().next(), bare.chars().next_back()) else {
        return bare;
    };
    let mut has_dot = false;
    while let Some(mark) = word[..start].chars().next_back() {
        let rest = &word[..start - mark.len_utf8()];
        let belongs = match mark {
            // `./x` and `../x` are other places than `/x`; `...x` is `x` after a pause.
            '.' if first == '/' => true,
            '.' => !has_dot && first.is_alphanumeric() && !rest.ends_with('.'),
            '-' | '−' | '!' => true,
            // `~~x~~` is crossed out.
            '~' => !rest.ends_with('~') && !word[start..].starts_with('~'),
            '*' => keeps_stars,
            _ => false,
        };
        if !belongs {
            break;
        }
        has_dot |= mark == '.';
        start = rest.len();
    }
    let tail = &word[end..];
    let length = |mark: char| tail.len() - tail.trim_start_matches(mark).len();
    if last.is_ascii_digit() {
        end += length('!');
    }
    if last.is_alphanumeric() && length('-') == 1 {
        end += 1;
    }
    if keeps_stars {
        end += length('*');
    }
    &word[start..end]
}

/// Punctuation without the signs that belong to words and formulas: `C++`, `C#`, `5%`, `$5`, `a/b`.
fn is_around_words(c: char) -> bool {
    let is_sign =
        matches!(c, '+' | '#' | '%' | '$' | '&' | '@' | '<' | '>' | '=' | '/' | '\\' | '|' | '^');
    is_punctuation(c) && !is_sign
}

/// ASCII punctuation, and the usual punctuation of other scripts.
fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c,
            '−' | '¡' | '§' | '«' | '¶' | '·' | '»' | '¿'
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

    fn filter(
        extract: Option<&str>,
        normalize: Option<&[Normalize]>,
    ) -> Result<AnswerFilter, ScorerError> {
        AnswerFilter::new(&ScoreTable {
            extract: extract.map(str::to_owned),
            normalize: normalize.map(<[_]>::to_vec),
            ..ScoreTable::default()
        })
    }

    #[test]
    fn the_last_match_is_scored_and_without_one_nothing() {
        let filter = filter(Some(r"[Tt]he answer is (.+?)\.?$"), None).unwrap();
        let said = "So the answer is 4.\r\nNo: The answer is 5.\r\nBye!\n";
        assert_eq!(filter.part(said), Ok("5"));
        assert_eq!(filter.part(" five \n"), Err(InvalidReason::NoMatch));
        let thought = "<think>The answer is 6.</think>Is it 5?";
        assert_eq!(filter.part(thought), Err(InvalidReason::NoMatch));
    }

    #[test]
    fn a_group_that_found_nothing_leaves_nothing() {
        let filter = filter(Some("a(b)?"), None).unwrap();
        assert_eq!(filter.part("xa"), Err(InvalidReason::NoGroup));
        assert_eq!(filter.part("ab"), Ok("b"));
    }

    #[test]
    fn steps_are_taken_in_their_order() {
        use Normalize::{Lower, SqueezeSpace, StripPunctuation, Trim};
        let all = filter(None, Some(&[StripPunctuation, Lower, SqueezeSpace, Trim])).unwrap();
        assert_eq!(all.text(" «Ärger»,\n  mit – A.B. "), "ärger mit a.b");
        assert_eq!(filter(None, Some(&[])).unwrap().text(" a "), " a ");
        assert_eq!(filter(None, None).unwrap().text(" a "), "a");
        let lower = filter(None, Some(&[Lower])).unwrap();
        assert_eq!(lower.text("MASSE"), lower.text("Maße"));
    }

    #[test]
    fn punctuation_within_a_word_and_the_sign_of_a_number_stay() {
        let strip = filter(None, Some(&[Normalize::StripPunctuation])).unwrap();
        for (text, bare) in [
            ("Paris.", "Paris"),
            ("**Paris**, \"France\"!", "Paris France"),
            ("-1.5", "-1.5"),
            ("(-1.5).", "-1.5"),
            (".5", ".5"),
            ("- 5", " 5"),
            ("x-1 x+1 a<b C++ C# 5% $5", "x-1 x+1 a<b C++ C# 5% $5"),
            ("id != 5", "id != 5"),
            ("(--cached)", "--cached"),
            ("!x, -l; ~5: -.5 -$5?", "!x -l ~5 -.5 -$5"),
            ("\".env\" ./a ../b", ".env ./a ../b"),
            ("*.txt, *args", "*.txt *args"),
            ("p*.", "p*"),
            ("**-5** or *x*", "-5 or x"),
            ("~~no~~ ...so", "no so"),
            ("5! Yes!", "5! Yes"),
            ("A- (O-)", "A- O-"),
            ("?!", "?!"),
            (" … ", " … "),
            ("", ""),
        ] {
            assert_eq!(strip.normalized(text), bare);
        }
    }

    #[test]
    fn a_broken_pattern_and_one_without_a_group_are_refused() {
        let broken = filter(Some("(a"), None).unwrap_err();
        assert_eq!(broken.message, "`extract` is not a pattern: unclosed group");
        assert!(filter(Some("a"), None).unwrap_err().message.contains("no group"));
    }

    #[test]
    fn a_huge_answer_is_searched_at_its_end() {
        // As many matches as fit.
        let answer = "1".repeat(SEARCHED_BYTES - 2) + "2 ";
        assert_eq!(filter(Some(r"(\d)"), None).unwrap().part(&answer), Ok("2"));
        let answer = "x ä ".repeat(1 << 20) + "answer: 7";
        assert_eq!(filter(Some(r"answer: (\d+)"), None).unwrap().part(&answer), Ok("7"));
        // A match that begins before the end that is searched is not cut in two.
        let cut = format!("12345{}", " ".repeat(SEARCHED_BYTES - 2));
        let digits = filter(Some(r"(\d+)"), None).unwrap();
        assert_eq!(digits.part(&cut), Err(InvalidReason::NoMatch));
    }
}
