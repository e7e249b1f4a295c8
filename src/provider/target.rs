//! What a target reads and writes, be it a line of a program or a body of a server: an object of JSON each.
//!
//! A target is a program of the user's that answers rows in place of a model, in whatever steps. It is told the prompt
//! as messages and as parts, and the columns that the prompt shows; never a right answer. It may say what it used, what
//! that cost, and how it came to its answer. `docs/targets.md` is the page for who writes one.
//!
//! How it is reached is known to `exec` and to `http`.

use super::protocol::Protocol;
use super::refusal::Refusal;
use super::{Envelope, Failure, Finish, Reply, Request, Step};
use crate::prompt::value_text;
use crate::source::{explain_unknown_name, is_json_object};
use crate::task::model::Usage;
use crate::text;
use crate::units::Usd;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The version of the protocol. A target may refuse one that it does not know.
const VERSION: u32 = 1;

/// The most bytes of a trajectory that are kept with an answer.
const KEPT_TRAJECTORY: usize = 32 * 1024;

/// The most characters of a target's own words.
const WORDS: usize = 2_000;

/// The protocol over HTTP: `POST` to the address as it is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Target;

impl Protocol for Target {
    const PATH: &'static str = "";

    fn body(&self, request: &Request) -> Bytes {
        Bytes::from(serde_json::to_vec(&asked(request)).unwrap_or_default())
    }

    fn reply(&self, body: &[u8]) -> Result<Reply, Refusal> {
        match read(body, None) {
            Ok(Said::Answer(reply)) => Ok(reply),
            Ok(Said::Error { refusal, .. }) => Err(refusal),
            Err(flaw) => {
                let shown = text::shorten(&String::from_utf8_lossy(body), 200);
                let words = format!("sent no valid reply: {flaw}; it was `{shown}`");
                Err(Refusal::billed(Failure::Unreadable, words))
            }
        }
    }

    fn usage(&self, body: &Value) -> Option<Usage> {
        Tokens::deserialize(&body["usage"]).ok().map(Usage::from)
    }

    fn usd(&self, body: &Value) -> Option<Usd> {
        usd(&body["usd"]).ok()
    }
}

/// What a target is asked.
pub(super) fn asked(request: &Request) -> Map<String, Value> {
    let mut asked = Map::new();
    let mut tell = |name: &str, value: Value| drop(asked.insert(name.to_owned(), value));
    tell("version", VERSION.into());
    // The same for every attempt: a target may know by it what it has answered.
    tell("id", request.hash().to_string().into());
    tell("model", request.model.model().into());
    tell("messages", json!(request.sent_messages()));
    if let Some(row) = &request.row {
        tell("parts", Value::Object(row.parts.clone()));
        tell("row", Value::Object(row.row.clone()));
    }
    if let Some(schema) = request.form.schema() {
        tell("schema", schema.clone());
    }
    let Request { temperature, max_output_tokens, draw, .. } = *request;
    request.form.written(asked, temperature, max_output_tokens, draw)
}

/// What a target says.
#[derive(Debug)]
pub(super) enum Said {
    /// An answer.
    Answer(Reply),
    /// That it has none, and why; with what it used.
    Error { refusal: Refusal, usage: Option<Usage>, usd: Option<Usd> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Option<String>,
    answer: Option<Value>,
    finish: Option<Ending>,
    error: Option<String>,
    retry: Option<bool>,
    usage: Option<Tokens>,
    usd: Option<Value>,
    trajectory: Option<Value>,
}

/// Why an answer ended, as a target says it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ending {
    Stop,
    Length,
    Filter,
}

/// Tokens as a target counts them; what is cached and what is reasoning is part of the whole.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokens {
    input_tokens: u64,
    output_tokens: u64,
    #[serde(default)]
    cached_input_tokens: u64,
    #[serde(default)]
    reasoning_tokens: u64,
}

impl From<Tokens> for Usage {
    fn from(it: Tokens) -> Self {
        let (cached, reasoning) = (it.cached_input_tokens, it.reasoning_tokens);
        Self::of_totals(it.input_tokens, cached, 0, it.output_tokens, reasoning)
    }
}

/// What a line or a body says. Where it repeats the `id` of what it answers, that must be the one that was asked.
///
/// # Errors
/// It is not what a target has to write.
pub(super) fn read(text: &[u8], asked: Option<&str>) -> Result<Said, String> {
    let written: Written = serde_json::from_slice(text).map_err(|error| {
        let (message, help) = explain_unknown_name(&error.to_string());
        help.map_or(message.clone(), |help| format!("{message}: {help}"))
    })?;
    if !is_json_object(text) {
        return Err("it is a list and no object".to_owned());
    }
    let Written { id, answer, finish, error, retry, usage, usd: paid, trajectory } = written;
    if let (Some(id), Some(asked)) = (id, asked)
        && id != asked
    {
        return Err("its `id` is for another row".to_owned());
    }
    let usd = paid.as_ref().map(usd).transpose()?;
    let usage = usage.map(Usage::from);
    match (answer, error) {
        (Some(_), Some(_)) => Err("it holds both `answer` and `error`".to_owned()),
        (None, None) => Err("it holds neither `answer` nor `error`".to_owned()),
        (Some(_), None) if retry.is_some() => Err("`retry` is for an `error`".to_owned()),
        (None, Some(_)) if finish.is_some() => Err("`finish` is for an `answer`".to_owned()),
        (Some(answer), None) => {
            let text = value_text(&answer).into_owned();
            let finish = match finish {
                Some(Ending::Length) => Finish::Length,
                Some(Ending::Filter) => Finish::Filter,
                // It was asked and has nothing to say: it would say no more if it were asked again.
                Some(Ending::Stop) | None if text.trim().is_empty() => Finish::Empty,
                Some(Ending::Stop) | None => Finish::Stop,
            };
            let why = match finish {
                Finish::Empty => "the target answered with an empty text".to_owned(),
                _ => String::new(),
            };
            let trajectory = trajectory.map_or_else(Vec::new, |steps| kept(steps_of(steps)));
            let envelope = Box::new(Envelope { usd, trajectory, ..Envelope::default() });
            Ok(Said::Answer(Reply { text, usage, finish, why, envelope }))
        }
        (None, Some(words)) => {
            let refusal = Refusal {
                failure: if retry == Some(true) { Failure::Transient } else { Failure::BadRequest },
                // It may have paid for some steps.
                may_be_billed: usd.is_none(),
                retry_after: None,
                refused_field: None,
                words: format!("says: {}", text::shorten(&text::one_line(&words), WORDS)),
            };
            Ok(Said::Error { refusal, usage, usd })
        }
    }
}

/// An amount in US dollars, as a number or as a decimal in quotes; below a nano-dollar it is rounded up.
fn usd(value: &Value) -> Result<Usd, String> {
    let dollars = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let rounded = dollars.and_then(|dollars| {
        let nanos = dollars * 1e9;
        // What has no more than nine decimals is exact; the rest of it is how machines write numbers.
        let is_exact = (nanos - nanos.round()).abs() <= nanos.abs() * 1e-12;
        Usd::from_dollars(if is_exact { dollars } else { nanos.ceil() / 1e9 })
    });
    rounded.ok_or_else(|| {
        format!("`usd` is {value}: write the US dollars of the call, such as 0.0012")
    })
}

/// The steps that a target writes: a text each, or an object with `role` or `tool`, and `content`. What is neither is
/// shown as it is: an answer is not lost for how its steps are written.
fn steps_of(written: Value) -> Vec<Step> {
    let of_one = |step: Value| match step {
        Value::Object(fields) => of_object(fields),
        other => Step { by: String::new(), text: value_text(&other).into_owned() },
    };
    match written {
        Value::Array(steps) => steps.into_iter().map(of_one).collect(),
        other => vec![of_one(other)],
    }
}

fn of_object(mut fields: Map<String, Value>) -> Step {
    let names = ["role", "tool"].map(|name| fields.get(name).and_then(Value::as_str));
    let by = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let known = |name: &String| matches!(name.as_str(), "role" | "tool" | "content");
    if !by.is_empty() && fields.keys().all(known) {
        let content = fields.remove("content").unwrap_or_default();
        return Step { by, text: value_text(&content).into_owned() };
    }
    Step { by: String::new(), text: Value::Object(fields).to_string() }
}

/// The steps at both ends, where all of them are too long: what is left out in the middle is told.
fn kept(steps: Vec<Step>) -> Vec<Step> {
    let size = |step: &Step| step.by.len() + step.text.len() + 16;
    let whole: usize = steps.iter().map(size).sum();
    if whole <= KEPT_TRAJECTORY {
        return steps;
    }
    let half = KEPT_TRAJECTORY / 2;
    // No step takes more than a quarter, so that there are several at each end.
    let cut =
        |step: &Step| Step { text: text::head_and_tail(&step.text, half / 2), ..step.clone() };
    let fitting = |steps: &mut dyn Iterator<Item = &Step>| {
        let (mut taken, mut bytes) = (Vec::new(), 0);
        for step in steps.map(cut) {
            bytes += size(&step);
            if bytes > half {
                break;
            }
            taken.push(step);
        }
        taken
    };
    let mut first = fitting(&mut steps.iter());
    let mut last = fitting(&mut steps[first.len()..].iter().rev());
    let left_out = &steps[first.len()..steps.len() - last.len()];
    if !left_out.is_empty() {
        let bytes: usize = left_out.iter().map(|step| step.text.len()).sum();
        let steps = text::plural(left_out.len(), "step");
        let words = format!("({steps} with {} bytes left out)", text::thousands(bytes as u64));
        first.push(Step { by: String::new(), text: words });
    }
    last.reverse();
    first.extend(last);
    first
}

#[cfg(test)]
mod tests;
