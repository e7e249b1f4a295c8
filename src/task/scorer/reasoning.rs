//! Takes the reasoning of an answer away, so that only what the model says to the user is scored.
//!
//! A block counts where the answer opens with it: `<think>…</think>` under its usual names, and the
//! channels of open models. Where the prompt's template has opened the block, the answer holds only
//! the closing tag. A block in the middle of an answer is part of it.

use super::reason::InvalidReason;
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// What happens to the reasoning of an answer before it is scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Reasoning {
    /// It is taken away.
    #[default]
    Strip,
    /// It is scored like the rest.
    Keep,
}

/// Opening and closing tags of blocks. Groups that are alike have the same names.
static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?xi)
        < (?P<close>/)? (?P<name> (?:seed:|ant)? (?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|analysis|scratchpad) )
          (?: \s [^<>\n]* )? >
        | \[ (?P<close2>/)? (?P<name2>think) \]
        | ◁ (?P<close3>/)? (?P<name3>think) ▷
        | <\| (?: (?P<open4>start|begin_of) | (?P<close4>end|end_of) ) _ (?P<name4>think(?:ing)?|thought) \|>",
    )
    .ok()
});

/// One tag of a text.
struct Tag {
    start: usize,
    end: usize,
    closes: bool,
    name: String,
}

fn tags(text: &str) -> impl Iterator<Item = Tag> + '_ {
    TAG.as_ref().into_iter().flat_map(|pattern| pattern.captures_iter(text)).filter_map(|found| {
        let whole = found.get(0)?;
        let group = |names: [&str; 4]| names.into_iter().find_map(|name| found.name(name));
        Some(Tag {
            start: whole.start(),
            end: whole.end(),
            closes: group(["close", "close2", "close3", "close4"]).is_some(),
            name: group(["name", "name2", "name3", "name4"])?.as_str().to_lowercase(),
        })
    })
}

/// What an answer says after its reasoning.
pub(crate) fn without_reasoning(answer: &str) -> Result<&str, InvalidReason> {
    let bare = answer.trim_start();
    let answer = if bare.starts_with('\u{feff}') { &bare['\u{feff}'.len_utf8()..] } else { answer };
    let mut rest = channels(answer)?;
    while let Some(end) = end_of_block(rest)? {
        rest = &rest[end..];
        if rest.trim().is_empty() {
            return Err(InvalidReason::OnlyReasoning);
        }
    }
    Ok(unwrapped(rest))
}

/// Where the block ends with which a text opens; `None` if it opens with none.
fn end_of_block(text: &str) -> Result<Option<usize>, InvalidReason> {
    let lead = text.len() - text.trim_start().len();
    let mut tags = tags(text);
    let Some(first) = tags.next() else { return Ok(None) };
    if first.closes {
        return Ok(is_closing_alone(text, &first).then_some(first.end));
    }
    if first.start > lead {
        return Ok(None);
    }
    let (mut depth, mut last_close) = (1_usize, None);
    for tag in tags.filter(|tag| family(&tag.name) == family(&first.name)) {
        if !tag.closes {
            depth += 1;
            continue;
        }
        last_close = Some(tag.end);
        depth -= 1;
        if depth == 0 {
            break;
        }
    }
    // A tag that is only mentioned in the reasoning leaves the depth above 0.
    last_close.map(Some).ok_or(InvalidReason::UnclosedReasoning)
}

/// Tags of one family close each other: a model that opens `<think>` may close `</thinking>`.
fn family(name: &str) -> &str {
    let name = name.trim_start_matches("seed:").trim_start_matches("ant");
    match name {
        "think" | "thinking" | "thought" | "thoughts" => "think",
        "reason" | "reasoning" => "reason",
        other => other,
    }
}

/// Whether a closing tag without an opening one ends a block, and is not quoted.
fn is_closing_alone(text: &str, tag: &Tag) -> bool {
    let quotes = ['`', '"', '\'', '“', '’', '‘'];
    !text[..tag.start].ends_with(quotes)
        && text[..tag.start].matches("```").count().is_multiple_of(2)
}

/// The final channel of an answer in the format of gpt-oss: `<|channel|>analysis<|message|>…`. Where
/// the server has lost the marks, the answer reads `analysis…assistantfinal…`.
fn channels(answer: &str) -> Result<&str, InvalidReason> {
    let text = answer.trim_start();
    // The template may have opened the first channel.
    let starts = ["<|channel|>", "<|start|>", "analysis<|message|>", "final<|message|>"];
    if starts.iter().any(|start| text.starts_with(start)) {
        let is_final = text.starts_with("final").then_some(0);
        let Some(place) = text.rfind("<|channel|>final").or(is_final) else {
            return Err(InvalidReason::UnclosedReasoning);
        };
        let Some((_, message)) = text[place..].split_once("<|message|>") else {
            return Err(InvalidReason::OnlyReasoning);
        };
        let end =
            ["<|end|>", "<|return|>", "<|start|>"].iter().filter_map(|mark| message.find(mark));
        return Ok(&message[..end.min().unwrap_or(message.len())]);
    }
    if let Some(rest) = text.strip_prefix("<|channel>") {
        // Gemma's marks.
        return match rest.rsplit_once("<channel|>") {
            Some((_, after)) if after.trim().is_empty() => Err(InvalidReason::OnlyReasoning),
            Some((_, after)) => Ok(after),
            None => Err(InvalidReason::UnclosedReasoning),
        };
    }
    if text.starts_with("analysis")
        && let Some((_, after)) = text.rsplit_once("assistantfinal")
    {
        return Ok(after);
    }
    Ok(answer)
}

/// The text within the marks that some models put around their response.
fn unwrapped(text: &str) -> &str {
    let bare = text.trim_start();
    for (open, close) in [
        ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
        ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ] {
        if let Some(inner) = bare.strip_prefix(open) {
            return inner.rsplit_once(close).map_or(inner, |(inner, _)| inner);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_block_at_the_beginning_is_taken_away() {
        for answer in [
            "<think>Red? No.</think>\n\nblue",
            "\n <thinking>Red? No.</thinking>blue",
            "\u{feff}<think>Red? No.</think>blue",
            "\u{feff}<|channel|>final<|message|>blue",
            "<THINK>Red?</THINK> blue",
            "<reasoning effort=\"high\">Red?</reasoning>blue",
            "<thought>Red?</thought><thought>No.</thought>blue",
            "<think>Red? <think>No.</think> Not.</think>blue",
            "<think>Do I write <think>? No.</think>blue",
            "<think></think>blue",
            "<think>Red?</thinking>blue",
            "<thinking>Red? <think>No.</think></thinking>blue",
            "[THINK]Red?[/THINK]blue",
            "◁think▷Red?◁/think▷blue",
            "<seed:think>Red?</seed:think>blue",
            "<|START_THINKING|>Red?<|END_THINKING|><|START_RESPONSE|>blue<|END_RESPONSE|>",
            "<|begin_of_thought|>Red?<|end_of_thought|>\n<|begin_of_solution|>blue<|end_of_solution|>",
            "<|channel|>analysis<|message|>Red?<|end|><|start|>assistant<|channel|>final<|message|>blue<|return|>",
            "<|channel|>final <|constrain|>json<|message|>blue",
            "analysis<|message|>Red?<|end|><|start|>assistant<|channel|>final<|message|>blue",
            "final<|message|>blue",
            "<|channel>thought\nRed?<channel|>blue",
            "analysisRed? No.assistantfinalblue",
            "Red? No.\n</think>\n\nblue",
            "Red? No.</think>blue",
        ] {
            assert_eq!(without_reasoning(answer).map(str::trim), Ok("blue"), "{answer}");
        }
    }

    #[test]
    fn a_block_that_does_not_end_is_no_answer() {
        for answer in [
            "<think>Red? Perhaps",
            "<think>Red?</think><think>Or",
            "  <thinking>",
            "[THINK]Red?",
            "<|channel|>analysis<|message|>Red?",
            "<|channel|>analysis<|message|>Red?<|end|><|start|>assistant",
            "<|channel>thought\nRed?",
        ] {
            assert_eq!(
                without_reasoning(answer),
                Err(InvalidReason::UnclosedReasoning),
                "{answer}"
            );
        }
        for answer in
            ["<think>Red.</think>", "Red.</think>\n", "<|channel>thought\nRed?<channel|> "]
        {
            assert_eq!(without_reasoning(answer), Err(InvalidReason::OnlyReasoning), "{answer}");
        }
    }

    #[test]
    fn a_block_that_an_answer_speaks_of_stays() {
        for answer in [
            "blue",
            "Write <think>red</think> before blue.",
            "The tag `</think>` closes it: blue",
            "blue. Models write \"</think>\" at the end.",
            "```xml\n</think>\n```\nblue",
            "<answer>blue</answer>",
            "analysis of red: blue",
            "I think > blue",
        ] {
            assert_eq!(without_reasoning(answer), Ok(answer), "{answer}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_can_be_read(answer in r"(</?think>|</?thinking>|\[/?THINK\]|<\|channel\|>|final|a|`| ){0,12}") {
            let _ = without_reasoning(&answer);
        }

        #[test]
        fn reasoning_changes_nothing_of_what_follows(thought in "[a-z .\n]{0,40}", answer in "[a-z]{1,10}") {
            let whole = format!("<think>{thought}</think>{answer}");
            prop_assert_eq!(without_reasoning(&whole), Ok(&*answer));
            prop_assert_eq!(without_reasoning(&answer), Ok(&*answer));
        }
    }
}
