//! Lines that no one wrote for a reader: a scorer's message, a program's error, a bullet without a text, a
//! last line that stops at a comma.

use super::super::lines::{has_code, has_line, without};
use super::Repaired;
use regex::Regex;
use std::sync::LazyLock;

/// The messages of the scorers of this crate, and errors of programs as they are printed.
static MESSAGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let marks = [
        r"^[Ee]xpected `[^`]*`, got ",
        r"\(expected `[^`]*`, got ",
        r"^The answer (?:names none of the labels|holds no JSON)",
        r"^Traceback \(most recent call last\)",
        r"^[^`]*\bat line \d+,? column \d+\.?$",
    ];
    Regex::new(&marks.join("|")).ok()
});
/// Bullets.
const BULLETS: [char; 4] = ['-', '*', '•', '+'];

/// The text without such lines; those that the parent has stay.
pub(super) fn removed(text: &str, old: &str) -> Repaired {
    let lines: Vec<&str> = text.split('\n').collect();
    let last = lines.iter().rposition(|line| !line.trim().is_empty());
    let is_gone = |number: usize| {
        let line = lines[number].trim();
        let bare = line.trim_start_matches(BULLETS).trim_start();
        let is_message = MESSAGE.as_ref().is_some_and(|message| message.is_match(bare));
        let is_bullet = line.chars().count() == 1 && bare.is_empty();
        let is_cut = is_bullet || last == Some(number) && line.ends_with([',', '(']);
        (is_message || is_cut) && !has_code(line) && !has_line(old, line)
    };
    let gone: Vec<String> =
        (0..lines.len()).filter(|at| is_gone(*at)).map(|at| lines[at].trim().to_owned()).collect();
    (!gone.is_empty()).then(|| (without(text, is_gone), gone))
}
