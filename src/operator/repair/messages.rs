//! Lines that no one wrote for a reader: a scorer's message, a program's error, a bullet without a text, a
//! last line that stops at a comma, and lines of the request that show how a row came out.

use super::super::brief::Evidence;
use super::super::framing::lines_of;
use super::super::lines::{has_code, has_line, without};
use super::Repaired;
use regex::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The messages of the scorers of this crate, and errors of programs as they are printed.
static MESSAGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let marks = [
        r"^[Ee]xpected `[^`]*`, got ",
        r"^Expected no answer that (?:contains|is|begins with|matches|fits|passes) ",
        r"\(expected `[^`]*`, got ",
        r"^The answer (?:names none of the labels|holds no JSON)",
        r"^Traceback \(most recent call last\)",
        r"^[^`]*\bat line \d+,? column \d+\.?$",
    ];
    Regex::new(&marks.join("|")).ok()
});
/// Bullets.
const BULLETS: [char; 4] = ['-', '*', '•', '+'];

/// How lines of a request begin that no example for a reader has.
const VERDICTS: [&str; 3] = ["Score: ", "Feedback: ", "Worse answer: "];

/// The text without such lines; those that the parent has stay. `shown` are the rows of the request.
pub(super) fn removed(text: &str, old: &str, shown: &[Evidence]) -> Repaired {
    let lines: Vec<&str> = text.split('\n').collect();
    let last = lines.iter().rposition(|line| !line.trim().is_empty());
    let pasted = pasted(&lines, old, shown);
    let is_gone = |number: usize| {
        let line = lines[number].trim();
        let bare = without_bullet(line);
        let is_message = MESSAGE.as_ref().is_some_and(|message| message.is_match(bare));
        let is_bullet = line.chars().count() == 1 && bare.is_empty();
        let is_cut = is_bullet || last == Some(number) && line.ends_with([',', '(']);
        (is_message || is_cut || pasted.contains(&number))
            && !has_code(line)
            && !has_line(old, line)
    };
    let gone: Vec<String> =
        (0..lines.len()).filter(|at| is_gone(*at)).map(|at| lines[at].trim().to_owned()).collect();
    (!gone.is_empty()).then(|| (without(text, is_gone), gone))
}

fn without_bullet(line: &str) -> &str {
    line.trim_start_matches(BULLETS).trim_start()
}

/// The numbers of lines that stand word for word in one row of the request, next to each other, where one of them
/// is a verdict on the row, or where the row's answer and what was expected are both there: an example that was
/// made of the row has neither.
fn pasted(lines: &[&str], old: &str, shown: &[Evidence]) -> BTreeSet<usize> {
    let mut pasted = BTreeSet::new();
    for row in shown {
        let of_row: BTreeSet<String> = lines_of(row).into_iter().collect();
        let is_of_row = |line: &str| {
            let bare = without_bullet(line.trim());
            !bare.is_empty() && of_row.contains(bare)
        };
        let mut from = 0;
        while from < lines.len() {
            let run = lines[from..].iter().take_while(|line| is_of_row(line)).count();
            let own = &lines[from..from + run];
            let begins =
                |mark: &str| own.iter().any(|line| without_bullet(line.trim()).starts_with(mark));
            let is_verdict = VERDICTS.iter().any(|mark| begins(mark));
            let is_new = !own.iter().any(|line| has_line(old, line));
            if is_new && (is_verdict || begins("Answer: ") && begins("Expected: ")) {
                pasted.extend(from..from + run);
            }
            from += run + 1;
        }
    }
    pasted
}
