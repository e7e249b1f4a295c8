//! The state of a DSPy predictor, as `dspy.Predict.load` takes it: instructions, fields and demonstrations.
//!
//! DSPy writes the messages itself. So the layout of the user message is not in it, and scores that were measured with
//! the prompt are not those of the DSPy program.

use super::chat::{facts, text_at};
use super::document::{Document, DocumentError, FORMAT_KEY};
use super::escaped::escaped_lines;
use super::messages::Messages;
use super::template::{Segment, Syntax, columns, segments};
use super::{Exported, Unwritable};
use crate::candidate::DEMOS;
use crate::prompt::{Part, Prompt, USER, literal};
use crate::text;
use serde_json::{Value, json};

/// The fact with the hash of the demonstrations.
const DEMOS_HASH: &str = "demos_blake3";

/// A demonstration: values by column, and the answer.
#[derive(Clone, Debug)]
pub struct DemoFields {
    /// The values that the prompt shows.
    pub inputs: Vec<(String, String)>,
    /// The answer.
    pub answer: String,
}

/// Instructions, which have no placeholders.
struct Instructions;

impl Syntax for Instructions {
    fn of_part(&self, text: &str, is_searched: bool) -> Result<String, String> {
        match &segments(text, is_searched)?[..] {
            [] => Ok(String::new()),
            [Segment::Text(text)] => Ok(text.clone()),
            several => {
                let shown = columns(several).first().copied().unwrap_or_default();
                Err(format!("instructions of DSPy show no column, and it shows `{shown}`"))
            }
        }
    }

    fn to_part(&self, text: &str) -> Result<String, String> {
        Ok(literal(text).into_owned())
    }
}

pub(super) fn write(exported: &Exported<'_>) -> Result<Vec<u8>, Unwritable> {
    let help = "use `--format md` or `--format json`, which hold every prompt";
    if exported.searched.iter().any(|name| name == USER) {
        let why = "the user message is searched, and DSPy writes that message itself";
        return Err(Unwritable::new(why, help));
    }
    let user = exported.prompt.parts().iter().find(|part| part.name == USER);
    let user = user.map(|part| exported.segments(part)).transpose();
    let user = user.map_err(|why| Unwritable::new(format!("the user message: {why}"), help))?;
    let inputs: Vec<String> =
        columns(&user.unwrap_or_default()).into_iter().map(str::to_owned).collect();
    let is_name = |name: &&String| {
        let starts_well = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        starts_well && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    if let Some(odd) = inputs.iter().find(|name| !is_name(name)) {
        let why = format!("a field of DSPy is a name of Python, and the column `{odd}` is none");
        return Err(Unwritable::new(why, "rename the column in the data"));
    }
    let answer = text::free_name("answer", |name| inputs.iter().any(|input| input == name));
    let demos: Vec<Value> = exported
        .demos
        .iter()
        .map(|demo| {
            let fields =
                demo.inputs.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
            let answer = (answer.clone(), demo.answer.as_str().into());
            Value::Object(fields.chain([answer]).collect())
        })
        .collect();
    let are_demos_apart = |part: &&Part| part.name == DEMOS && !demos.is_empty();
    let is_message = |part: &&Part| part.name != USER && !are_demos_apart(part);
    let parts = exported.prompt.parts().iter().filter(is_message).cloned().collect();
    let prompt = Prompt::new(parts);
    let mut messages = Messages::of(&Exported { prompt: &prompt, ..*exported }, &Instructions)?;
    if let Some(part) = exported.prompt.parts().iter().find(are_demos_apart) {
        messages.list_apart(&part.name, &part.text);
        messages.facts.push((DEMOS_HASH.to_owned(), hash(&json!(demos))));
    }
    let signature = format!("{} -> {answer}", inputs.join(", "));
    messages.facts.push(("signature".to_owned(), signature.into()));
    let fields = inputs.iter().chain([&answer]).map(|name| {
        let words = name.split('_').filter(|word| !word.is_empty()).map(capitalised);
        let prefix = format!("{}:", words.collect::<Vec<_>>().join(" "));
        json!({"prefix": prefix, "description": format!("${{{name}}}")})
    });
    let state = json!({
        "traces": [],
        "train": [],
        "demos": demos,
        "signature": {
            "instructions": messages.system.as_deref().unwrap_or_default(),
            "fields": fields.collect::<Value>(),
        },
        "lm": null,
        "metadata": {"dependency_versions": {}, FORMAT_KEY: messages.facts()},
    });
    Ok(format!("{}\n", escaped_lines(&state)).into_bytes())
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn hash(value: &Value) -> Value {
    blake3::hash(value.to_string().as_bytes()).to_hex().as_str().into()
}

/// The predictor's state in the state of a program: itself, or its only entry.
fn predictor(value: &Value) -> Option<(&Value, String)> {
    if value.get("signature").is_some_and(Value::is_object) {
        return Some((value, "signature".to_owned()));
    }
    let entries = value.as_object()?.iter();
    let mut found =
        entries.filter(|(_, entry)| entry.get("signature").is_some_and(Value::is_object));
    match (found.next(), found.next()) {
        (Some((name, entry)), None) => Some((entry, format!("{name}.signature"))),
        _ => None,
    }
}

/// Whether it is the state of a program with one predictor.
pub(super) fn is_state(value: &Value) -> bool {
    predictor(value).is_some_and(|(state, _)| state.get("demos").is_some())
}

pub(super) fn read(value: &Value) -> Result<Document, DocumentError> {
    let (state, place) = predictor(value).unwrap_or((value, String::new()));
    let instructions = text_at(&state["signature"], "instructions", &place)?;
    let mut facts = facts(&value["metadata"]);
    facts.retain(|(name, _)| name != "signature");
    let is_hash = |(name, _): &(String, Value)| name == DEMOS_HASH;
    let kept = facts.iter().position(is_hash).map(|at| facts.remove(at).1);
    let demos = state["demos"].as_array().filter(|demos| !demos.is_empty());
    if demos.is_some_and(|demos| kept.as_ref() != Some(&hash(&json!(demos)))) {
        let count = text::plural(demos.map_or(0, Vec::len), "demonstration");
        let edited = if kept.is_some() { ", was edited" } else { "" };
        return Err(DocumentError::new(
            None,
            format!("its {count}, as fields{edited}, and how a prompt shows fields is not known"),
            "write the demonstrations into the instructions, or into a part of a Markdown file",
        ));
    }
    let system = (!instructions.is_empty()).then(|| instructions.to_owned());
    let messages = Messages { facts, system, user: None };
    messages.document(&Instructions)
}
