//! Operators that are programs of the user's: one JSON object in, one out.
//!
//! A program is asked once for each proposal. What it says is a fact from outside, so it is durable
//! before it is used, and never asked for again: also that it failed. It costs nothing, and counts as
//! a proposal, but not as a call of a model.
//!
//! It reads a line `{"about", "parts", "searched", "evidence", "max_tokens", "seed"}` and writes one:
//! `{"parts": {"name": "new text"}}` with the parts that it changes, or `{"error": "…"}`. Whether it
//! then exits or waits for the next line is its own affair; see `evaluate::command` for what is
//! guarded.

use crate::evaluate::Evaluator;
use crate::evaluate::command::{CommandPool, line_of};
use crate::event::{Answered, Draft, Event, Finish, Rejection};
use crate::id::{Call, RequestHash};
use crate::journal::Journal;
use crate::llm::call::{Caller, Ending};
use crate::operator::Evidence;
use crate::prompt::Prompt;
use crate::recipe::{Operator, Recipe};
use crate::seed::Seed;
use crate::source::explain_unknown_name;
use crate::units::Usd;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Numbers up to here are exact in every reader of JSON.
const EXACT_BITS: u32 = 53;

/// The programs of a recipe, by phase and place.
pub(super) struct Programs(HashMap<(u16, u16), Arc<CommandPool>>);

impl Programs {
    /// None is started yet. Those without a folder of their own run in the task's.
    pub(super) fn new(recipe: &Recipe, evaluator: &Evaluator, folder: &Path) -> Self {
        let phases: Vec<&Recipe> =
            if recipe.phase.is_empty() { vec![recipe] } else { recipe.phase.iter().collect() };
        let mut pools = HashMap::new();
        for (recipe, phase) in phases.into_iter().zip(0..) {
            for (operator, place) in recipe.operator.iter().zip(0..) {
                let Operator::External(kind) = operator else { continue };
                let folder = if kind.dir.is_empty() { folder } else { Path::new(&kind.dir) };
                let limit = Duration::from_secs(kind.timeout);
                let pool = evaluator.program(kind.command.clone(), folder, limit);
                pools.insert((phase, place), Arc::new(pool));
            }
        }
        Self(pools)
    }

    /// The program that a draft asks.
    pub(super) fn of(&self, draft: &Draft) -> Option<Arc<CommandPool>> {
        self.0.get(&(draft.phase, draft.operator?)).cloned()
    }
}

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
    expected: &'a str,
    score: Option<f64>,
    feedback: String,
}

/// The line that a program reads. `seed` is the proposal's own, so that a program that draws by it
/// writes the same again after a kill.
pub(super) fn request(
    about: &str,
    prompt: &Prompt,
    searched: &[String],
    evidence: &[Evidence],
    max_tokens: u64,
    seed: Seed,
) -> Vec<u8> {
    line_of(&Request {
        about,
        parts: prompt.parts().iter().map(|part| (&*part.name, &*part.text)).collect(),
        searched,
        evidence: evidence
            .iter()
            .map(|row| Row {
                input: &row.input,
                answer: row.answer.as_deref(),
                expected: &row.expected,
                score: row.score,
                feedback: row.feedback.join("\n"),
            })
            .collect(),
        max_tokens,
        seed: seed.0 >> (u64::BITS - EXACT_BITS),
    })
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
    match (&reply.parts, &reply.error) {
        (Some(_), Some(_)) => Err("it holds both `parts` and `error`".to_owned()),
        (None, None) => Err("it holds neither `parts` nor `error`".to_owned()),
        _ => Ok(reply),
    }
}

/// The new texts by part.
///
/// # Errors
/// What the program says, or what is wrong with what it says.
pub(super) fn read(
    reply: &str,
    searched: &[String],
) -> Result<Vec<(String, String)>, (Rejection, String)> {
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

/// Asks a program, and makes what it says durable: its own line, or an error in its form.
pub(super) async fn ask(
    pool: Option<Arc<CommandPool>>,
    journal: &Journal<Event>,
    caller: &Caller,
    call: Call,
    line: Vec<u8>,
) -> Ending {
    let began = Instant::now();
    let said = match pool {
        Some(pool) => {
            let whole = |reply: &[u8]| {
                parsed(reply)?;
                String::from_utf8(reply.trim_ascii().to_vec()).map_err(|error| error.to_string())
            };
            pool.ask(&line, whole).await.map_err(|error| error.to_string())
        }
        None => Err("the recipe names no such program".to_owned()),
    };
    let text = said.unwrap_or_else(|error| serde_json::json!({ "error": error }).to_string());
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let answered = Answered {
        call,
        request: RequestHash::of(&line),
        bytes: 0,
        text,
        input: 0,
        cached: 0,
        out: 0,
        usd: Usd::ZERO,
        finish: Finish::Stop,
        ms: u32::try_from(millis(began.elapsed())).unwrap_or(u32::MAX),
        at: millis(caller.running()),
    };
    match journal.append_durable(Event::Answered(answered.clone())).await {
        Ok(number) => Ending::Answered(number, Box::new(answered)),
        Err(error) => Ending::Halted(error.into()),
    }
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
            expected: "logistics".into(),
            score: Some(0.0),
            feedback: vec!["Late.".into(), "Say the label.".into()],
            ..Evidence::default()
        };
        let line = request("Routing.", &prompt, &["system".into()], &[row], 900, Seed(u64::MAX));
        assert_eq!(line.last(), Some(&b'\n'));
        let told: serde_json::Value = serde_json::from_slice(&line).unwrap();
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
        assert_eq!(told, expected);
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
            ("Sure! Here is it.", Rejection::Program, "expected value"),
        ] {
            let (why, message) = read(reply, &searched).unwrap_err();
            assert_eq!(why, reason, "{reply}");
            assert!(message.contains(detail), "{reply}: {message}");
        }
    }
}
