//! Texts that data may have smuggled into a prompt, by way of a mutator that read them: instructions that set others aside,
//! addresses, and characters that nobody sees. What the baseline has is the user's own.

use super::{Flag, Guard, searched};
use crate::prompt::Prompt;
use crate::task::Task;
use crate::text::shorten;
use regex::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The most characters of an excerpt.
const EXCERPT: usize = 80;

/// Instructions that set others aside, or ask for what is not the reader's.
static INSTRUCTIONS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let patterns = [
        r"(?:ignore|disregard|forget|override|bypass)\s+(?:\w+\s+){0,3}(?:previous|prior|above|earlier|preceding|foregoing|other|original|system|all)\s+(?:\w+\s+){0,2}(?:instruction|prompt|rule|message|direction|guideline|context)s?",
        r"(?:reveal|repeat|print|output|leak|show)\s+(?:\w+\s+){0,3}(?:system\s+prompt|hidden\s+instruction|api\s+key|password|credential|secret)s?",
        r"(?:you\s+are\s+now|pretend\s+to\s+be|act\s+as)\s+(?:\w+\s+){0,2}(?:dan\b|unrestricted|jailbroken|developer\s+mode)",
        r"(?:score|grade|rate|mark)\s+(?:this|it|every|each|all|the)\s+(?:\w+\s+){0,3}(?:as\s+correct|as\s+right|1\.0\b|100\s*%|full\s+marks|highest)",
    ];
    Regex::new(&format!("(?i){}", patterns.join("|"))).ok()
});

/// Web and mail addresses.
static ADDRESSES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:https?://|www\.)[^\s<>()\[\]{}'\x22`]+|\b[\w.+-]+@[\w-]+\.[a-z]{2,}\b")
        .ok()
});

pub(super) fn flags(task: &Task, prompt: &Prompt, baseline: &Prompt) -> Vec<Flag> {
    let of_user: String =
        searched(task, baseline).map(|(_, text)| text).collect::<Vec<_>>().join("\n");
    let mut flags = Vec::new();
    for (part, text) in searched(task, prompt) {
        let mut flag = |guard: Guard, found: String| {
            flags.push(Flag { guard, part: Some(part.to_owned()), found });
        };
        for instruction in new_matches(&INSTRUCTIONS, text, &of_user) {
            flag(
                Guard::SmuggledText,
                format!("holds an instruction that may come from the data: \"{instruction}\""),
            );
        }
        for address in new_matches(&ADDRESSES, text, &of_user) {
            flag(
                Guard::SmuggledText,
                format!("holds an address that the baseline does not have: {address}"),
            );
        }
        let hidden: BTreeSet<char> =
            text.chars().filter(|c| is_hidden(*c) && !of_user.contains(*c)).collect();
        if !hidden.is_empty() {
            let count = text.chars().filter(|c| hidden.contains(c)).count();
            let named: Vec<String> =
                hidden.iter().take(4).map(|c| format!("U+{:04X}", u32::from(*c))).collect();
            let are = if count == 1 { "a character" } else { "characters" };
            flag(
                Guard::HiddenCharacter,
                format!("holds {are} that nobody sees: {} ({count} in all)", named.join(", ")),
            );
        }
    }
    flags
}

fn new_matches(pattern: &LazyLock<Option<Regex>>, text: &str, of_user: &str) -> Vec<String> {
    let Some(pattern) = &**pattern else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    for matched in pattern.find_iter(text) {
        let is_new = !of_user.contains(matched.as_str());
        let excerpt = shorten(matched.as_str(), EXCERPT);
        if is_new && !found.contains(&excerpt) {
            found.push(excerpt);
        }
    }
    found
}

/// Characters without a glyph that carry text past a reader: zero-width, direction marks, tags, variation selectors beyond
/// those of emoji.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{180E}' | '\u{200B}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}'
        | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        | '\u{E0000}'..='\u{E007F}' | '\u{E0100}'..='\u{E01EF}')
}
