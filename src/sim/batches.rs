//! The batches of the simulated server, as OpenAI and Anthropic have them: their requests are answered one
//! after the other until the batch has taken its time.
//!
//! It knows no HTTP: `server` has the routes.

use super::draw;
use super::wire::Wire;
use crate::seed::Seed;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How batches behave.
#[derive(Clone, Copy, Debug, Default)]
pub struct BatchOptions {
    /// How long a batch takes.
    pub wait: Duration,
    /// Share of requests that are not run: they expire.
    pub expired: f64,
}

/// One request of a batch.
pub(super) struct Row {
    custom_id: String,
    body: Box<RawValue>,
    /// Its result, once it is run: a status and a body.
    result: Option<(u16, Value)>,
}

/// A batch.
pub(super) struct Batch {
    wire: Wire,
    created: i64,
    began: Instant,
    rows: Vec<Row>,
    metadata: Value,
    file: String,
    /// How many rows were run before it was cancelled.
    cancelled: Option<usize>,
}

/// All of a server.
#[derive(Default)]
pub(super) struct Batches {
    files: BTreeMap<String, Vec<u8>>,
    batches: Vec<Batch>,
}

impl Batch {
    /// How many rows are due.
    fn due(&self, options: BatchOptions) -> usize {
        let (all, passed) = (self.rows.len(), self.began.elapsed());
        let share = match options.wait.is_zero() {
            true => 1.0,
            false => (passed.as_secs_f64() / options.wait.as_secs_f64()).min(1.0),
        };
        let due = (all as f64 * share) as usize;
        self.cancelled.map_or(due, |cancelled| cancelled.min(due))
    }

    fn has_ended(&self, options: BatchOptions) -> bool {
        self.cancelled.is_some() || self.due(options) == self.rows.len()
    }

    /// Whether a row expires instead of being run.
    fn expires(&self, row: &Row, options: BatchOptions) -> bool {
        draw::unit(draw::of_text(Seed(1), &row.custom_id)) < options.expired
    }
}

impl Batches {
    /// Keeps the file of an upload; returns its id.
    pub(super) fn upload(&mut self, content: Vec<u8>) -> String {
        let id = format!("file-{}", self.files.len() + 1);
        self.files.insert(id.clone(), content);
        id
    }

    /// Begins a batch of OpenAI's over an uploaded file; returns its number.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn begin_file(&mut self, body: &Value, created: i64) -> Result<usize, String> {
        #[derive(serde::Deserialize)]
        struct Line {
            custom_id: String,
            body: Box<RawValue>,
        }
        let file = body["input_file_id"].as_str().unwrap_or_default().to_owned();
        let Some(content) = self.files.get(&file) else {
            return Err(format!("there is no file `{file}`"));
        };
        let lines = content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let rows = lines.map(|line| {
            let Line { custom_id, body } = serde_json::from_slice(line)
                .map_err(|error| format!("a line of the file is no request: {error}"))?;
            Ok(Row { custom_id, body, result: None })
        });
        let rows = rows.collect::<Result<Vec<_>, String>>()?;
        let metadata = body["metadata"].clone();
        Ok(self.push(Wire::OpenAi, rows, metadata, file, created))
    }

    /// Begins a batch of Anthropic's; returns its number.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn begin(&mut self, body: &[u8], created: i64) -> Result<usize, String> {
        #[derive(serde::Deserialize)]
        struct Request {
            custom_id: String,
            params: Box<RawValue>,
        }
        #[derive(serde::Deserialize)]
        struct Body {
            requests: Vec<Request>,
        }
        let body: Body = serde_json::from_slice(body)
            .map_err(|error| format!("the body is no batch: {error}"))?;
        let row = |it: Request| Row { custom_id: it.custom_id, body: it.params, result: None };
        let rows = body.requests.into_iter().map(row).collect();
        Ok(self.push(Wire::Anthropic, rows, Value::Null, String::new(), created))
    }

    fn push(
        &mut self,
        wire: Wire,
        rows: Vec<Row>,
        metadata: Value,
        file: String,
        created: i64,
    ) -> usize {
        let began = Instant::now();
        self.batches.push(Batch { wire, created, began, rows, metadata, file, cancelled: None });
        self.batches.len() - 1
    }

    /// The number of a batch by its id.
    pub(super) fn number(&self, wire: Wire, id: &str) -> Option<usize> {
        let number: usize = id.strip_prefix(prefix(wire))?.parse().ok()?;
        self.batches.get(number).filter(|batch| batch.wire == wire).map(|_| number)
    }

    /// Answers what is due of a batch.
    pub(super) fn run(
        &mut self,
        number: usize,
        options: BatchOptions,
        answer: impl Fn(&[u8]) -> (u16, Value),
    ) {
        let Some(batch) = self.batches.get_mut(number) else { return };
        let due = batch.due(options);
        for place in 0..due {
            let row = &batch.rows[place];
            if row.result.is_none() && !batch.expires(row, options) {
                let result = answer(row.body.get().as_bytes());
                batch.rows[place].result = Some(result);
            }
        }
    }

    /// Runs no more of a batch.
    pub(super) fn cancel(&mut self, number: usize, options: BatchOptions) {
        if let Some(batch) = self.batches.get_mut(number) {
            batch.cancelled = Some(batch.due(options));
        }
    }

    /// A batch as it is shown.
    pub(super) fn shown(&self, number: usize, options: BatchOptions) -> Value {
        let batch = &self.batches[number];
        let (all, ended) = (batch.rows.len(), batch.has_ended(options));
        let ran = batch.rows.iter().filter(|row| row.result.is_some()).count();
        let left = if ended { 0 } else { all - batch.due(options) };
        let id = format!("{}{number}", prefix(batch.wire));
        let is_cancelled = batch.cancelled.is_some();
        match batch.wire {
            Wire::OpenAi => {
                let status = match (ended, is_cancelled, ran == all) {
                    (false, ..) => "in_progress",
                    (true, true, _) => "cancelled",
                    (true, false, false) => "expired",
                    (true, false, true) => "completed",
                };
                let file = |kind: &str, is_there: bool| {
                    (ended && is_there).then(|| format!("file-{kind}-{number}"))
                };
                json!({
                    "id": id, "object": "batch", "endpoint": "/v1/chat/completions",
                    "input_file_id": batch.file, "status": status, "created_at": batch.created,
                    "metadata": batch.metadata, "output_file_id": file("output", ran > 0),
                    "error_file_id": file("error", ran < all),
                    "request_counts": {"total": all, "completed": ran, "failed": all - ran - left},
                })
            }
            Wire::Anthropic => {
                let stopped = all - ran - left;
                let (canceled, expired) = if is_cancelled { (stopped, 0) } else { (0, stopped) };
                let at = jiff::Timestamp::from_second(batch.created).unwrap_or_default();
                json!({
                    "id": id, "type": "message_batch", "created_at": at.to_string(),
                    "processing_status": if ended { "ended" } else { "in_progress" },
                    "request_counts": {"processing": left, "succeeded": ran, "errored": 0,
                        "canceled": canceled, "expired": expired},
                    "results_url": ended.then(|| format!("/v1/messages/batches/{id}/results")),
                })
            }
        }
    }

    /// The batches of one protocol, the youngest first.
    pub(super) fn list(&self, wire: Wire, options: BatchOptions) -> Value {
        let of_wire = |number: &usize| self.batches[*number].wire == wire;
        let numbers = (0..self.batches.len()).rev().filter(of_wire);
        let data: Vec<Value> = numbers.map(|number| self.shown(number, options)).collect();
        json!({"object": "list", "data": data, "has_more": false})
    }

    /// The results of a batch as JSON Lines: all, or those that were run, or those that were not.
    pub(super) fn results(&self, number: usize, which: Which) -> Vec<u8> {
        let batch = &self.batches[number];
        let mut file = Vec::new();
        for row in &batch.rows {
            let is_wanted = match which {
                Which::All => true,
                Which::Run => row.result.is_some(),
                Which::NotRun => row.result.is_none(),
            };
            if is_wanted {
                file.extend(line(batch, row).to_string().into_bytes());
                file.push(b'\n');
            }
        }
        file
    }
}

/// Which results are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    All,
    Run,
    NotRun,
}

fn prefix(wire: Wire) -> &'static str {
    match wire {
        Wire::OpenAi => "batch_",
        Wire::Anthropic => "msgbatch_",
    }
}

fn line(batch: &Batch, row: &Row) -> Value {
    let custom_id = &row.custom_id;
    let is_cancelled = batch.cancelled.is_some();
    match (batch.wire, &row.result) {
        (Wire::OpenAi, Some((status, body))) => json!({
            "id": format!("batch_req_{custom_id}"), "custom_id": custom_id, "error": null,
            "response": {"status_code": status, "request_id": custom_id, "body": body},
        }),
        (Wire::OpenAi, None) => {
            let code = if is_cancelled { "batch_cancelled" } else { "batch_expired" };
            json!({
                "id": format!("batch_req_{custom_id}"), "custom_id": custom_id, "response": null,
                "error": {"code": code, "message": "This request was not run (simulated)."},
            })
        }
        (Wire::Anthropic, Some((200, body))) => {
            json!({"custom_id": custom_id, "result": {"type": "succeeded", "message": body}})
        }
        (Wire::Anthropic, Some((_, body))) => {
            json!({"custom_id": custom_id, "result": {"type": "errored", "error": body}})
        }
        (Wire::Anthropic, None) => {
            let kind = if is_cancelled { "canceled" } else { "expired" };
            json!({"custom_id": custom_id, "result": {"type": kind}})
        }
    }
}
