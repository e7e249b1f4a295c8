//! What a program of the user's reads and writes, where it takes the mutator's place.
//!
//! It reads a line `{"about", "parts", "searched", "evidence", "max_tokens", "seed"}` and writes one:
//! `{"parts": {"name": "new text"}}` with the parts that it changes, or `{"error": "…"}`. Not how it is
//! started and guarded: the engine does that.

use super::ask::{Ask, Refusal};
use super::brief::Evidence;
use crate::event::Rejection;
use crate::prompt::Prompt;
use crate::source::{explain_unknown_name, is_json_object};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Numbers up to here are exact in every reader of JSON.
const EXACT_BITS: u32 = 53;

#[derive(Serialize)]
struct Request<'a> {
    about: &'a str,
    parts: BTreeMap<&'a str, &'a str>,
    searched: &'a [String],
    evidence: Vec<Row<'a>>,
    max_tokens: u64,
    seed: u64,
}

#[derive(Serialize)]
struct Row<'a> {
    input: &'a str,
    answer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trajectory: Option<&'a str>,
    expected: Option<&'a str>,
    score: Option<f64>,
    feedback: String,
}

/// The object that a program reads. `seed` is the proposal's own, so that a program that draws by it
/// writes the same again after a kill.
#[must_use]
pub fn request(
    about: &str,
    max_tokens: u64,
    ask: &Ask<'_>,
    evidence: &[Evidence],
) -> serde_json::Value {
    let seed = ask.seed.child("external", u64::from(ask.draft.proposal.0));
    written(about, ask.current(), ask.asked(), evidence, max_tokens, seed.0)
}

fn written(
    about: &str,
    prompt: &Prompt,
    searched: &[String],
    evidence: &[Evidence],
    max_tokens: u64,
    seed: u64,
) -> serde_json::Value {
    let request = Request {
        about,
        parts: prompt.parts().iter().map(|part| (&*part.name, &*part.text)).collect(),
        searched,
        evidence: evidence
            .iter()
            .map(|row| Row {
                input: &row.input,
                answer: row.answer.as_deref(),
                trajectory: row.trajectory.as_deref(),
                expected: row.expected.as_deref(),
                score: row.score,
                feedback: row.feedback.join("\n"),
            })
            .collect(),
        max_tokens,
        seed: seed >> (u64::BITS - EXACT_BITS),
    };
    serde_json::to_value(request).unwrap_or_default()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    #[serde(default)]
    parts: Option<BTreeMap<String, String>>,
    #[serde(default)]
    error: Option<String>,
}

fn parsed(line: &[u8]) -> Result<Reply, String> {
    let reply: Reply = serde_json::from_slice(line).map_err(|error| {
        let (message, help) = explain_unknown_name(&error.to_string());
        help.map_or(message.clone(), |help| format!("{message}: {help}"))
    })?;
    if !is_json_object(line) {
        return Err("it is a list and no object".to_owned());
    }
    match (&reply.parts, &reply.error) {
        (Some(_), Some(_)) => Err("it holds both `parts` and `error`".to_owned()),
        (None, None) => Err("it holds neither `parts` nor `error`".to_owned()),
        _ => Ok(reply),
    }
}

/// Refuses a line that is not what a program has to write.
///
/// # Errors
/// What is wrong with it.
pub fn check_line(line: &[u8]) -> Result<(), String> {
    parsed(line).map(|_| ())
}

/// The new texts by part.
pub(super) fn read(reply: &str, searched: &[String]) -> Result<Vec<(String, String)>, Refusal> {
    let reply = parsed(reply.as_bytes()).map_err(|message| (Rejection::Program, message))?;
    if let Some(error) = reply.error {
        return Err((Rejection::Program, crate::text::shorten(error.trim(), 500)));
    }
    let parts = reply.parts.unwrap_or_default();
    if let Some(name) = parts.keys().find(|name| !searched.contains(name)) {
        return Err((Rejection::Frozen, format!("`{name}` may not be changed")));
    }
    if let Some((name, _)) = parts.iter().find(|(_, text)| text.trim().is_empty()) {
        return Err((Rejection::Empty, format!("`{name}` is empty")));
    }
    Ok(parts.into_iter().map(|(name, text)| (name, text.trim().to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Part;

    #[test]
    fn a_program_is_shown_the_prompt_the_rows_and_its_seed() {
        let part = |name: &str, text: &str| Part { name: name.into(), text: text.into() };
        let prompt = Prompt::new(vec![part("system", "Route it.\n"), part("user", "{{ input }}")]);
        let row = Evidence {
            input: "Where is it?".into(),
            answer: Some("billing".into()),
            expected: Some("logistics".into()),
            score: Some(0.0),
            feedback: vec!["Late.".into(), "Say the label.".into()],
            ..Evidence::default()
        };
        let written = written("Routing.", &prompt, &["system".into()], &[row], 900, u64::MAX);
        let expected = serde_json::json!({
            "about": "Routing.",
            "parts": { "system": "Route it.\n", "user": "{{ input }}" },
            "searched": ["system"],
            "evidence": [{
                "input": "Where is it?", "answer": "billing", "expected": "logistics",
                "score": 0.0, "feedback": "Late.\nSay the label.",
            }],
            "max_tokens": 900,
            "seed": (1_u64 << 53) - 1,
        });
        assert_eq!(written, expected);
    }

    #[test]
    fn a_reply_holds_searched_parts_or_says_why_not() {
        let searched = ["system".to_owned(), "rules".to_owned()];
        let parts = read(r#"{"parts": {"system": " New.\n"}}"#, &searched).unwrap();
        assert_eq!(parts, [("system".to_owned(), "New.".to_owned())]);
        assert!(read(r#"{"parts": {}}"#, &searched).unwrap().is_empty(), "nothing is changed");
        for (reply, reason, detail) in [
            (r#"{"error": "no idea"}"#, Rejection::Program, "no idea"),
            (r#"{"parts": {"user": "x"}}"#, Rejection::Frozen, "`user` may not be changed"),
            (r#"{"parts": {"system": "  "}}"#, Rejection::Empty, "`system` is empty"),
            (r#"{"parts": {"system": 1}}"#, Rejection::Program, "invalid type"),
            (r#"{"part": {}}"#, Rejection::Program, "unknown key `part`"),
            (r#"{}"#, Rejection::Program, "neither `parts` nor `error`"),
            (r#"{"parts": {}, "error": "x"}"#, Rejection::Program, "both"),
            (r#"[{"system": "x"}]"#, Rejection::Program, "a list and no object"),
            ("Sure! Here is it.", Rejection::Program, "expected value"),
        ] {
            let (why, message) = read(reply, &searched).unwrap_err();
            assert_eq!(why, reason, "{reply}");
            assert!(message.contains(detail), "{reply}: {message}");
        }
    }
}
