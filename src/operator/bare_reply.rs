//! Reads a reply without tags where it is plain what is meant: one fenced block, or the text alone.
//!
//! Real models leave the tags out now and then. What stands around the text is dropped only where it
//! is surely no part of it; anything that leaves a doubt is refused. A text may hold a fenced block of its
//! own, such as the form of an answer: it is kept whole unless what stands around the block speaks of the reply.

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

/// The one fenced block of a reply, or the whole text that blocks are a part of.
fn fenced(reply: &str) -> Option<&str> {
    let fences: Vec<usize> = reply.match_indices("```").map(|(at, _)| at).collect();
    let begins_line =
        |at: usize| at == 0 || reply[..at].trim_end_matches([' ', '\t']).ends_with('\n');
    if !fences.len().is_multiple_of(2) || !fences.iter().all(|at| begins_line(*at)) {
        return None;
    }
    let [first, last] = fences[..] else {
        // Of several blocks one may be meant, unless they are the smaller part of a text.
        let inside: usize = fences.chunks(2).map(|block| block[1] - block[0]).sum();
        return alone(reply).filter(|text| fences[0] > 0 && inside * 2 < text.len());
    };
    if !is_remark_before(reply[..first].trim()) || !is_remark_after(reply[last + 3..].trim()) {
        return alone(reply);
    }
    // The rest of the first line names a language.
    reply[first..last].split_once('\n').map(|(_, text)| text)
}

/// Whether what stands before a fenced block leads over to it: nothing, a line on the text that follows, or remarks of
/// the writer that no line parts from a text.
fn is_remark_before(before: &str) -> bool {
    match before.split_once('\n') {
        None => {
            let is_short = before.len() <= LONGEST_LEAD;
            before.is_empty() || is_short && (is_remark(before) || speaks_of_text(before))
        }
        Some((first, _)) => is_remark(before) && !is_lead(first),
    }
}

/// Whether what stands behind a fenced block is no part of the text: nothing, or remarks on it.
fn is_remark_after(after: &str) -> bool {
    let is_line = !after.contains('\n') && after.len() <= LONGEST_LEAD;
    after.is_empty() || begins_with(after, CLOSINGS) || is_line && speaks_of_text(after)
}

fn is_remark(text: &str) -> bool {
    begins_with(text, OPENINGS) || speaks(text)
}

/// Whether a text begins as what its writer says of himself.
fn speaks(text: &str) -> bool {
    begins_with(text, &["i ", "i'"]) && !begins_with(text, FIRST_PERSON)
}

/// Whether a line is about the text that was written, and no line of it.
fn speaks_of_text(line: &str) -> bool {
    let line = line.to_lowercase();
    ["prompt", "instructions", "version"].iter().any(|word| line.contains(word))
}

/// A reply that is the text itself, but for a line before it.
fn alone(reply: &str) -> Option<&str> {
    let text = match reply.split_once('\n') {
        Some((lead, rest)) if is_lead(lead) => rest.trim(),
        _ => reply,
    };
    let last = text.rsplit("\n\n").next().unwrap_or(text);
    let has_remark = last.len() < text.len() && begins_with(last, CLOSINGS);
    if is_remark(text) || has_remark {
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
            ("Rewritten instructions:\n```\nRoute it.\n```\nThis prompt is shorter.", "Route it."),
            // A block of its own is a part of the text, and so are several.
            (
                "Route it as in these.\n```\na: A\n```\nand in the same way\n```\nb: B\n```\nBe brief.",
                "Route it as in these.\n```\na: A\n```\nand in the same way\n```\nb: B\n```\nBe brief.",
            ),
            (
                "Route the ticket. Answer in this form:\n```\nDesk: NAME\n```",
                "Route the ticket. Answer in this form:\n```\nDesk: NAME\n```",
            ),
            (
                "Here is the improved prompt:\n\nRoute it like this:\n```\nDesk: NAME\n```\nBe brief.",
                "Route it like this:\n```\nDesk: NAME\n```\nBe brief.",
            ),
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
            "Short:\n```\nRoute the ticket.\n```\nLong:\n```\nRoute it to a desk.\n```",
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
