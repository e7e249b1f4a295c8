//! Reads a reply without tags where it is plain what is meant: one fenced block, or the text alone.
//!
//! Real models leave the tags out now and then. What stands around the text is dropped only where it
//! is surely no part of it; anything that leaves a doubt is refused.

use crate::task::scorer::without_reasoning;

/// How remarks begin that lead over to the text, or refuse to write it.
const OPENINGS: &[&str] = &[
    "sure",
    "certainly",
    "of course",
    "okay",
    "ok,",
    "here is",
    "here's",
    "here are",
    "below is",
    "the new prompt",
    "the improved prompt",
    "the revised prompt",
    "new prompt",
    "improved prompt",
    "revised prompt",
    "updated prompt",
    "sorry",
    "as an ai",
    "based on",
    "let me",
];
/// How a text begins that speaks of its writer and is a prompt.
const FIRST_PERSON: &[&str] = &["i want", "i need", "i would like", "i'd like"];
/// How remarks begin that follow the text.
const CLOSINGS: &[&str] = &[
    "let me know",
    "i ",
    "i'",
    "the new ",
    "the revised ",
    "the updated ",
    "this prompt",
    "this version",
    "this revised",
    "this revision",
    "these changes",
    "the changes",
    "changes made",
    "key changes",
    "explanation:",
    "rationale:",
    "reasoning:",
];
/// A line that only says what follows is short.
const LONGEST_LEAD: usize = 160;

/// The text that a reply consists of, if it is plain which that is.
pub(super) fn text(reply: &str) -> Option<&str> {
    let reply = without_reasoning(reply).ok()?.trim();
    let text = if reply.contains("```") { fenced(reply)? } else { alone(reply)? };
    let text = text.trim();
    // Half of a frame is a frame that went wrong.
    let is_framed = ["<prompt", "</prompt", "<note", "</note", "<evidence", "</evidence"]
        .iter()
        .any(|tag| text.contains(tag));
    // JSON is a wrapper of its own, and a text about the prompt is advice.
    let is_json = serde_json::from_str::<serde_json::Value>(text).is_ok();
    let first = text.lines().next().unwrap_or("").to_lowercase();
    let is_advice = first.contains("the prompt") || first.starts_with("you should");
    (!text.is_empty() && !is_framed && !is_json && !is_advice).then_some(text)
}

/// The one fenced block of a reply.
fn fenced(reply: &str) -> Option<&str> {
    let mut fences = reply.match_indices("```").map(|(at, _)| at);
    let (Some(first), Some(last), None) = (fences.next(), fences.next(), fences.next()) else {
        return None;
    };
    let begins_line = |at: usize| reply[..at].trim_end_matches([' ', '\t']).ends_with('\n');
    if first > 0 && !begins_line(first) || !begins_line(last) {
        return None;
    }
    // The rest of the first line names a language.
    reply[first..last].split_once('\n').map(|(_, text)| text)
}

/// A reply that is the text itself, but for a line before it.
fn alone(reply: &str) -> Option<&str> {
    let text = match reply.split_once('\n') {
        Some((lead, rest)) if is_lead(lead) => rest.trim(),
        _ => reply,
    };
    let last = text.rsplit("\n\n").next().unwrap_or(text);
    let speaks = begins_with(text, &["i ", "i'"]) && !begins_with(text, FIRST_PERSON);
    let has_remark = last.len() < text.len() && begins_with(last, CLOSINGS);
    if speaks || begins_with(text, OPENINGS) || has_remark {
        return None;
    }
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    Some(quoted.filter(|inner| !inner.contains('"')).unwrap_or(text))
}

fn is_lead(line: &str) -> bool {
    let line = line.trim();
    line.len() <= LONGEST_LEAD && line.ends_with([':', '*']) && begins_with(line, OPENINGS)
}

fn begins_with(text: &str, remarks: &[&str]) -> bool {
    let bare = text.trim_start_matches(['*', '#', '_', ' ']);
    remarks.iter().any(|remark| {
        bare.get(..remark.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(remark))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_fenced_block_or_the_text_alone_is_plain() {
        for (reply, expected) in [
            (
                "Route the ticket.\n\nName one department.",
                "Route the ticket.\n\nName one department.",
            ),
            ("Here is the improved prompt:\n\nRoute the ticket.", "Route the ticket."),
            ("**Improved prompt:**\nRoute the ticket.", "Route the ticket."),
            ("\"Route the ticket.\"", "Route the ticket."),
            ("<think>hm, </think>Route the ticket.", "Route the ticket."),
            ("<thinking>\nBe short.\n</thinking>\n\nRoute the ticket.", "Route the ticket."),
            ("hm</think>\n\nRoute the ticket.", "Route the ticket."),
            (
                "Sure! I made it shorter.\n\n```\nRoute the ticket.\n```\nThis prompt is shorter.",
                "Route the ticket.",
            ),
            ("```text\nRoute the ticket.\n```", "Route the ticket."),
            ("I want you to route the ticket.", "I want you to route the ticket."),
        ] {
            assert_eq!(text(reply), Some(expected), "{reply}");
        }
    }

    #[test]
    fn what_leaves_a_doubt_is_refused() {
        for reply in [
            "",
            " \n ",
            "I'm sorry, I can't help with that.",
            "The new prompt is: be good.",
            "Sure! Be good.",
            "I looked at the examples and changed it as follows.\n\nBe good.",
            "Be good.\n\nThe new version covers the failed cases.",
            "Be good.\n\nLet me know if you want more.",
            "```\na\n```\nor\n```\nb\n```",
            "```\ncut off he",
            "say ```x``` and ```y```",
            "<think>hm",
            "<prompt part=\"system\">x</prompt>",
            "Be good.</prompt-00112233445566ff>",
            "```\n```",
            "{\"system\": \"Be good.\"}",
            "You should make the prompt more specific.",
        ] {
            assert_eq!(text(reply), None, "{reply}");
        }
    }
}
