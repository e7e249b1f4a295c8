//! `POST /v1/messages/batches`: Anthropic's batch API.
//!
//! A batch carries no name of ours: one that was submitted in a moment of a kill is found by its time and
//! its size, and known for certain by the custom ids of its results.

use crate::provider::LlmError;
use crate::provider::address::escaped;
use crate::provider::anthropic::Anthropic;
use crate::provider::batch::{
    BatchApi, BatchQuery, BatchResults, BatchRow, BatchStatus, Found, Prepared, RowResult,
};
use crate::provider::batch_results::{
    Lines, MOST_PAGES, asked, asked_with_clock, id_of, named, row_result,
};
use crate::provider::http::{HttpProvider, Message};
use crate::provider::protocol::Protocol;
use crate::task::model::RequestForm;
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::Arc;

const PATH: &str = "/v1/messages/batches";

/// Anthropic's batches.
pub(in crate::provider) struct AnthropicBatches(
    pub(in crate::provider) Arc<HttpProvider<Anthropic>>,
);

fn path(id: &str, rest: &str) -> String {
    format!("{PATH}/{}{rest}", escaped(id))
}

/// The requests as the body of a batch.
fn body(http: &HttpProvider<Anthropic>, rows: &[BatchRow<'_>]) -> Bytes {
    #[derive(serde::Serialize)]
    struct Line<'a> {
        custom_id: &'a str,
        params: Box<RawValue>,
    }
    #[derive(serde::Serialize)]
    struct Body<'a> {
        requests: Vec<Line<'a>>,
    }
    let line = |row: &BatchRow<'_>| {
        let params = serde_json::from_slice(&http.protocol().body(row.request)).ok()?;
        Some((row.custom_id.to_owned(), params))
    };
    let lines: Vec<(String, Box<RawValue>)> = rows.iter().filter_map(line).collect();
    let requests = lines
        .iter()
        .map(|(custom_id, params)| Line { custom_id, params: params.clone() })
        .collect();
    Bytes::from(serde_json::to_vec(&Body { requests }).unwrap_or_default())
}

/// How many requests a batch has.
fn size(batch: &Value) -> u64 {
    let counts = batch["request_counts"].as_object();
    counts.map_or(0, |counts| counts.values().filter_map(Value::as_u64).sum())
}

#[async_trait]
impl BatchApi for AnthropicBatches {
    async fn prepare(&self, _: &str, rows: &[BatchRow<'_>]) -> Result<Prepared, LlmError> {
        Ok(Prepared(body(&self.0, rows)))
    }

    async fn begin(&self, form: &RequestForm, prepared: &Prepared) -> Result<String, LlmError> {
        id_of(&self.0, &asked(&self.0, form, Message::json(PATH, prepared.0.clone())).await?)
    }

    async fn find(
        &self,
        form: &RequestForm,
        sought: BatchQuery<'_>,
    ) -> Result<Vec<Found>, LlmError> {
        let (mut found, mut after) = (Vec::new(), String::new());
        for _ in 0..MOST_PAGES {
            let message = Message::get(&format!("{PATH}?limit=100{after}"));
            let (page, ahead) = asked_with_clock(&self.0, form, message).await?;
            let oldest = sought.oldest(ahead);
            let batches = page["data"].as_array().map_or(&[][..], Vec::as_slice);
            let mut is_older = false;
            for batch in batches {
                let at = batch["created_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
                is_older = at.is_some_and(|at| at < oldest);
                if !is_older && size(batch) == sought.rows as u64 {
                    let id = named(&self.0, batch);
                    found.extend(id.map(|id| Found { id, is_certain: false }));
                }
            }
            match batches.last().and_then(|last| named(&self.0, last)) {
                Some(id) if page["has_more"] == true && !is_older => {
                    after = format!("&after_id={}", escaped(&id));
                }
                _ => break,
            }
        }
        Ok(found)
    }

    async fn status(&self, form: &RequestForm, id: &str) -> Result<BatchStatus, LlmError> {
        let batch = asked(&self.0, form, Message::get(&path(id, ""))).await?;
        Ok(match batch["processing_status"].as_str() {
            Some("ended") => BatchStatus::Ended,
            _ => {
                let left = batch["request_counts"]["processing"].as_u64().unwrap_or(0);
                BatchStatus::Working { done: size(&batch).saturating_sub(left) }
            }
        })
    }

    async fn results(&self, form: &RequestForm, id: &str) -> Result<BatchResults, LlmError> {
        let content = self.0.exchange(form, Message::results(&path(id, "/results"))).await?;
        let mut lines = Lines::default();
        lines.read(&self.0, &content, |line| result(&self.0, line))?;
        // Each request has a line here, also one that was not run.
        Ok(lines.results(&self.0, false))
    }

    async fn cancel(&self, form: &RequestForm, id: &str) -> Result<(), LlmError> {
        asked(&self.0, form, Message::json(&path(id, "/cancel"), Bytes::from_static(b"{}")))
            .await
            .map(|_| ())
    }
}

/// What one line says of its request.
fn result(http: &HttpProvider<Anthropic>, line: &Value) -> RowResult {
    let result = &line["result"];
    match result["type"].as_str() {
        Some("succeeded") => row_result(http, 200, &result["message"]),
        Some("canceled" | "expired") => RowResult::NotRun,
        _ => row_result(http, status_of(&result["error"]), &result["error"]),
    }
}

/// The HTTP status that an error stands for: a batch shows only its type.
/// Source: Anthropic's documentation of errors.
fn status_of(error: &Value) -> u16 {
    match error["error"]["type"].as_str().unwrap_or_default() {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "overloaded_error" => 529,
        _ => 500,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Failure;
    use crate::provider::batch_results::tests::http;
    use serde_json::json;

    #[test]
    fn a_line_is_read_as_the_same_answer_would_be_alone() {
        let http = http::<Anthropic>();
        let read = |value: Value| result(&http, &json!({"custom_id": "a-1", "result": value}));
        let message = json!({"type": "message", "role": "assistant", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": "warm"}],
            "usage": {"input_tokens": 9, "output_tokens": 2}});
        let RowResult::Answered(reply) = read(json!({"type": "succeeded", "message": message}))
        else {
            panic!()
        };
        assert_eq!((reply.text.as_str(), reply.usage.unwrap().total().0), ("warm", 11));
        for (kind, failure) in [
            ("invalid_request_error", Failure::BadRequest),
            ("rate_limit_error", Failure::Throttled),
            ("api_error", Failure::Transient),
        ] {
            let error = json!({"type": "error", "error": {"type": kind, "message": "No."}});
            let RowResult::Failed(error) = read(json!({"type": "errored", "error": error})) else {
                panic!("{kind}")
            };
            assert_eq!(error.failure, failure, "{kind}");
        }
        for kind in ["canceled", "expired"] {
            assert_eq!(read(json!({"type": kind})), RowResult::NotRun);
        }
    }
}
