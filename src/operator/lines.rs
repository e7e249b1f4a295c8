//! The lines of a prompt's text: what each says, and a text with some of them left out or put back.
//!
//! Words are runs of letters and digits in any language; what only leads over to a sentence is told in English.

/// What begins a placeholder or other template code.
const CODE: [&str; 3] = ["{{", "{%", "{#"];
/// Words, or letters and digits, that a line has at least to count as a repetition: rules, and no headings or
/// marks. Some languages put no spaces between words.
const REPEATED_WORDS: usize = 3;
const REPEATED_LETTERS: usize = 16;
/// A line of at most this many bytes is a sentence or two.
const SHORT_LINE: usize = 120;
/// Marks that say nothing.
const MARKS: &[char] = &[
    '.', ',', ';', ':', '!', '?', '"', '\'', '(', ')', '[', ']', '{', '}', '*', '_', '`', '/', '|',
    '-', '–', '—', '…', '“', '”', '‘', '’', '•',
];
/// What stands before a sentence, with a colon or comma behind it, and says nothing.
const LEADS: [&[&str]; 10] = [
    &["rule"],
    &["note"],
    &["important"],
    &["remember"],
    &["watch", "out"],
    &["as", "a", "rule"],
    &["keep", "in", "mind"],
    &["in", "such", "cases"],
    &["please", "note"],
    &["one", "thing", "that", "is", "often", "missed"],
];

/// Whether a line holds a placeholder or other template code.
pub(super) fn has_code(line: &str) -> bool {
    CODE.iter().any(|mark| line.contains(mark))
}

/// Whether a line is longer than the whole new text, and no short one: a prompt that its writer put into one line. To put
/// it back would undo that the text is shorter.
pub(super) fn is_whole_prompt(line: &str, new: &str) -> bool {
    line.len() > new.trim().len().max(SHORT_LINE)
}

/// Whether a line opens or closes a block of code.
pub(super) fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

/// The statements of a text by section: the numbers of lines that are no blank ones, no headings and no blocks of code.
/// The first section is what stands before any heading.
pub(super) fn sections(text: &str) -> Vec<Vec<usize>> {
    let mut sections = vec![Vec::new()];
    let mut in_code = false;
    for (number, line) in text.split('\n').enumerate() {
        if is_fence(line) {
            in_code = !in_code;
        } else if !in_code && is_heading(line) {
            sections.push(Vec::new());
        } else if !in_code
            && !line.trim().is_empty()
            && let Some(section) = sections.last_mut()
        {
            section.push(number);
        }
    }
    sections
}

/// Whether a line only says what follows.
fn is_heading(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('#') || line.trim_end_matches(['*', '_']).ends_with(':')
}

/// What a line says, whatever its case, marks, number in a list, and what only leads over to it.
pub(super) fn words_of(line: &str) -> Vec<String> {
    let behind_lead = line.split_once([':', ',']).filter(|(head, _)| is_lead(head));
    words_in(behind_lead.map_or(line, |(_, rest)| rest))
}

/// Whether the words of a line's head only lead over to the rest.
pub(super) fn is_lead(head: &str) -> bool {
    let words = words_in(head);
    LEADS.iter().any(|lead| words.iter().eq(lead.iter()))
}

/// The words of a text in lower case, without its bullet or the number that an item of a list begins with (`2.`, `2)`).
/// Signs that carry a meaning are words, too, and parts of names such as `C++`: `<`, `-5`, `%`, pictures.
fn words_in(text: &str) -> Vec<String> {
    let text = text.trim_start();
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let text = match digits.strip_prefix(['.', ')']) {
        Some(rest) if digits.len() < text.len() => rest,
        _ => text.strip_prefix(['-', '*', '+', '•']).unwrap_or(text),
    };
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let is_minus = c == '-' && !is_open && characters.peek().is_some_and(char::is_ascii_digit);
        if c.is_whitespace() || MARKS.contains(&c) && !is_minus {
            is_open = false;
            continue;
        }
        if !is_open {
            words.push(String::new());
            is_open = true;
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words
}

/// Whether a line with these words says enough to be a repetition of another one.
pub(super) fn is_telling(words: &[String]) -> bool {
    words.len() >= REPEATED_WORDS
        || words.iter().map(|word| word.chars().count()).sum::<usize>() >= REPEATED_LETTERS
}

/// A text without some of its lines, by their numbers. Where a blank line stood on both sides, one of them
/// goes too.
pub(super) fn without(text: &str, is_gone: impl Fn(usize) -> bool) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut after_gap = false;
    for (number, line) in text.split('\n').enumerate() {
        if is_gone(number) {
            after_gap = true;
            continue;
        }
        let is_blank = line.trim().is_empty();
        let doubles =
            after_gap && is_blank && kept.last().is_none_or(|last| last.trim().is_empty());
        if !doubles {
            kept.push(line);
            after_gap = after_gap && is_blank;
        }
    }
    kept.join("\n")
}

/// A text with what a line of an older one says put back: behind the last line before it that both texts have, or
/// else at the end.
pub(super) fn put_back(text: &str, old: &str, line: &str, said: &str) -> String {
    let before = old.split('\n').take_while(|other| *other != line);
    let mut lines: Vec<&str> = text.split('\n').collect();
    let known = |other: &&str| !other.trim().is_empty();
    let place = before.filter(known).filter_map(|other| {
        lines.iter().rposition(|own| own.trim() == other.trim()).map(|place| place + 1)
    });
    let end = lines.iter().rposition(|own| !own.trim().is_empty()).map_or(0, |place| place + 1);
    let place = place.last().unwrap_or(end);
    lines.insert(place, said);
    lines.join("\n")
}

/// Whether a text has this line, whatever stands around it.
pub(super) fn has_line(text: &str, line: &str) -> bool {
    text.split('\n').any(|other| other.trim() == line.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_put_back_where_it_was() {
        let old = "One.\n\nTwo.\nThree.";
        assert_eq!(put_back("One.\nThree.", old, "Two.", "Two."), "One.\nTwo.\nThree.");
        assert_eq!(put_back("Four.\n", old, "Two.", "2."), "Four.\n2.\n");
    }

    #[test]
    fn case_marks_and_numbers_say_nothing() {
        assert_eq!(words_of("3. Refunds GO to **billing**!"), words_of("- refunds go to billing"));
        assert_eq!(words_of("- Rule: refunds go to X."), words_of("As a rule, refunds go to X."));
        assert_ne!(words_of("When late, refunds go to X."), words_of("Refunds go to X."));
        assert_ne!(words_of("Refunds over 5 go on."), words_of("Refunds over 50 go on."));
        assert!(is_telling(&words_of("退款请求应转到账单部门而不是其他任何部门")));
        assert!(!is_telling(&words_of("## Output")));
    }
}
