//! Rows of a run and its scorers as tests of promptfoo.
//!
//! The rows are those that selected the prompt. A held-out row is never written into a file: whoever reads it there
//! chooses by it, and `verify` asks it again without.

use crate::formats::{Suite, SuiteRow};
use crate::id::{CandidateIx, RowIx};
use crate::prompt::value_text;
use crate::run::LoadedRun;
use crate::stats::interval::wilson;
use crate::task::example::{Example, Split};
use crate::task::file::TaskFile;
use crate::task::model::{KeySource, Provider, ProviderKind};
use crate::task::scorer::{Normalize, ScoreTable};
use crate::task::{Task, TaskSource};
use crate::text::plural;
use serde_json::{Map, Value, json};

/// The most rows of a file.
const MOST_ROWS: usize = 100;

/// The dev rows that a candidate was asked, the first hundred of them.
///
/// # Errors
/// A scorer that promptfoo has no assertion for: a lower-case sentence without a full stop.
pub fn suite(run: &LoadedRun, candidate: CandidateIx) -> Result<Suite, String> {
    let task = &run.task;
    let tables = score_tables(task)?;
    let column = run.history.state.standing(candidate).column(Split::Dev, 0);
    let mut scores = Vec::new();
    let mut rows = Vec::new();
    for (number, row) in (0..).map(RowIx).zip(&task.splits.dev) {
        let Some(score) = column.cell(number).score() else { continue };
        if rows.len() < MOST_ROWS {
            scores.push(score);
            rows.push(suite_row(task, row, &tables)?);
        }
    }
    let right = scores.iter().filter(|score| **score >= 1.0).count();
    let recorded = wilson(right, scores.len());
    let mut description = format!(
        "{} of {} on which the prompt was selected; held-out rows are not written into files.",
        plural(rows.len(), "row"),
        task.splits.dev.len(),
    );
    if let Some(recorded) = recorded {
        description += &format!(
            " The prompt had {right} of them all right; the threshold is the low end of the 95 % interval of that share, {} %.",
            percent(recorded.low)
        );
    }
    Ok(Suite {
        description,
        providers: json!([provider(task)]),
        pass_percent: recorded.map(|it| percent(it.low)),
        rows,
    })
}

/// A share from 0 to 1 in whole percent, never more than it is.
fn percent(share: f64) -> u32 {
    (0..=100_u32).take_while(|percent| f64::from(*percent) <= 100.0 * share).last().unwrap_or(0)
}

fn score_tables(task: &Task) -> Result<Vec<ScoreTable>, String> {
    let TaskSource::Files(files) = &task.source else {
        return Err("the scorers of a task that was made in memory are not known".to_owned());
    };
    let file = TaskFile::parse(&files.file, &files.text).map_err(|error| error.message)?;
    Ok(file.score)
}

fn suite_row(task: &Task, row: &Example, tables: &[ScoreTable]) -> Result<SuiteRow, String> {
    let shown = task.layout.shown_columns();
    let value = |name: &String| {
        row.columns.get(name).map_or_else(String::new, |it| value_text(it).into_owned())
    };
    let mut asserted = Vec::new();
    for table in tables {
        asserted.extend(assertions(table, &row.answer)?);
    }
    Ok(SuiteRow {
        id: row.id.to_string(),
        values: shown.iter().map(|name| (name.clone(), value(name))).collect(),
        assertions: asserted,
    })
}

/// What promptfoo asserts of an answer, as near to the scorer as its assertions come.
fn assertions(table: &ScoreTable, answer: &Value) -> Result<Vec<Value>, String> {
    let kind = table.kind.as_str();
    let none = || format!("promptfoo has no assertion like the scorer `{kind}`");
    let is_changed = table.extract.is_some()
        || table.schema.is_some()
        || table.tolerance.is_some()
        || table.relative_tolerance.is_some();
    let right: Vec<String> = match table.value.as_ref().unwrap_or(answer) {
        Value::Array(items) if table.any_of == Some(true) => {
            items.iter().map(|item| value_text(item).into_owned()).collect()
        }
        Value::Array(_) | Value::Object(_) if kind != "is-json" => return Err(none()),
        other => vec![value_text(other).into_owned()],
    };
    if is_changed || right.is_empty() {
        return Err(none());
    }
    let steps = table.normalize.as_deref().unwrap_or(&[Normalize::Trim]);
    let normal = |value: &str| {
        value.to_owned() + &steps.iter().map(|it| in_javascript(*it)).collect::<String>()
    };
    let some = |test: String| json!({"type": "javascript", "value": format!("{}.some((it) => {test})", json!(right))});
    let (it, output) = (normal("it"), normal("output"));
    let is_plain = right.len() == 1 && steps == [Normalize::Trim];
    // The kinds that promptfoo has by itself, in its own words.
    let own =
        |kind: &str| json!({"type": kind, "value": right[0].trim(), "transform": "output.trim()"});
    let asserted = match kind {
        "equals" | "contains" | "starts-with" if is_plain => vec![own(kind)],
        "equals" => vec![some(format!("{it} === {output}"))],
        "contains" => vec![some(format!("{output}.includes({it})"))],
        "starts-with" => vec![some(format!("{output}.startsWith({it})"))],
        "label" => of_label(&right, table.labels.as_deref().unwrap_or_default()),
        "is-json" => vec![json!({"type": "is-json"})],
        "regex" => {
            let pattern = table.pattern.as_ref().unwrap_or(&right[0]);
            let (flags, pattern) = match pattern.strip_prefix("(?i)") {
                Some(rest) => ("i", rest),
                None => ("", pattern.as_str()),
            };
            // Other groups with a mark mean something else to JavaScript, or nothing.
            if pattern.replace("(?:", "").contains("(?") || table.any_of == Some(true) {
                return Err(none());
            }
            vec![match flags {
                "" => json!({"type": "regex", "value": pattern}),
                _ => {
                    json!({"type": "javascript", "value": format!("new RegExp({}, '{flags}').test(output)", json!(pattern))})
                }
            }]
        }
        _ => return Err(none()),
    };
    let weighted = asserted.into_iter().map(|mut assertion| {
        if let (Some(weight), Some(fields)) = (table.weight, assertion.as_object_mut()) {
            fields.insert("weight".to_owned(), json!(weight));
        }
        assertion
    });
    Ok(weighted.collect())
}

/// A step of normalization in JavaScript.
fn in_javascript(step: Normalize) -> &'static str {
    match step {
        Normalize::Trim => ".trim()",
        Normalize::Lower => ".toLowerCase()",
        Normalize::SqueezeSpace => ".replace(/\\s+/gu, ' ')",
        Normalize::StripPunctuation => ".replace(/\\p{P}/gu, '')",
    }
}

/// The answer names a right label, in whole words, and no other one.
fn of_label(right: &[String], labels: &[String]) -> Vec<Value> {
    let is_within =
        |label: &&String| right.iter().any(|it| it.to_lowercase().contains(&label.to_lowercase()));
    let others: Vec<String> =
        labels.iter().filter(|it| !is_within(it)).map(|it| whole_words(it)).collect();
    let own: Vec<String> = right.iter().map(|it| whole_words(it)).collect();
    let named = |patterns: &[String]| {
        format!("{}.some((it) => new RegExp(it, 'iu').test(output))", json!(patterns))
    };
    let script = format!("{} && !{}", named(&own), named(&others));
    let mut asserted = Vec::new();
    if let [only] = right
        && !only.contains(['_', '-', ' '])
    {
        asserted.push(json!({"type": "icontains", "value": only}));
    }
    asserted.push(json!({"type": "javascript", "value": script}));
    asserted
}

/// The pattern of a label's words, for JavaScript.
fn whole_words(label: &str) -> String {
    let mut pattern = String::new();
    for c in label.chars() {
        match c {
            '_' | '-' | ' ' => pattern.push_str("[-_\\s]+"),
            _ if "\\^$.|?*+()[]{}/".contains(c) => pattern.extend(['\\', c]),
            _ => pattern.push(c),
        }
    }
    format!("(?<![\\p{{L}}\\p{{N}}]){pattern}(?![\\p{{L}}\\p{{N}}])")
}

/// The task's model as promptfoo names it, without a key.
fn provider(task: &Task) -> Value {
    let model = task.task_model();
    let nothing = Provider::of_program();
    let provider = task.providers().get(model.name.provider()).unwrap_or(&nothing);
    let protocol = match provider.form_kind() {
        // The simulated models are in this program alone.
        ProviderKind::Sim => return json!("echo"),
        ProviderKind::Openai => "openai:chat",
        ProviderKind::OpenaiResponses => "openai:responses",
        ProviderKind::Anthropic => "anthropic:messages",
        ProviderKind::Gemini => "google",
        // Its own form of such programs reads and writes other lines.
        ProviderKind::Exec | ProviderKind::Http => return json!("echo"),
    };
    let mut config = Map::new();
    config.insert("temperature".to_owned(), json!(model.temperature));
    config.insert("max_tokens".to_owned(), json!(model.max_output_tokens));
    let is_own = model.name.provider() != "openai";
    if let Some(address) =
        provider.base_url.as_ref().filter(|it| is_own && !it.contains(['@', '?']))
        && protocol.starts_with("openai")
    {
        config.insert("apiBaseUrl".to_owned(), json!(address));
    }
    if let (true, Some(KeySource::Env(name))) = (is_own, &provider.api_key) {
        config.insert("apiKeyEnvar".to_owned(), json!(name));
    }
    json!({"id": format!("{protocol}:{}", model.name.model()), "config": config})
}
