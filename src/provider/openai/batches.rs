//! `POST /files` and `POST /batches`: OpenAI's batch API, and the services that speak it, such as Groq.
//!
//! The requests are a file of JSON Lines, which is uploaded first. The batch carries our name in its
//! metadata, by which it is found again.

use crate::provider::address::escaped;
use crate::provider::batch::{
    BatchApi, BatchQuery, BatchResults, BatchRow, BatchStatus, Found, Prepared, RowResult,
};
use crate::provider::batch_results::{
    Lines, MOST_PAGES, asked, asked_with_clock, form_of, id_of, named, row_result, text_at,
};
use crate::provider::http::{HttpProvider, Message};
use crate::provider::protocol::Protocol;
use crate::provider::{Failure, LlmError};
use crate::task::model::RequestForm;
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::sync::Arc;

/// The key of the metadata that holds our name of a batch.
const NAME: &str = "promptsearch";

/// Parts of a form of an upload; no line of JSON holds it, because no JSON holds a bare line end.
const BOUNDARY: &str = "promptsearch-batch-file";

/// The batches of a provider that speaks OpenAI's protocol.
pub(in crate::provider) struct OpenAiBatches<P>(pub(in crate::provider) Arc<HttpProvider<P>>);

impl<P: Protocol> OpenAiBatches<P> {
    async fn batch(&self, form: &RequestForm, id: &str) -> Result<Value, LlmError> {
        asked(&self.0, form, Message::get(&format!("/batches/{}", escaped(id)))).await
    }

    async fn upload(&self, form: &RequestForm, rows: &[BatchRow<'_>]) -> Result<String, LlmError> {
        let content = Bytes::from(upload_of(&file(&self.0, rows)));
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let uploaded = asked(&self.0, form, Message::post("/files", kind, content)).await?;
        id_of(&self.0, &uploaded)
    }
}

/// The requests as JSON Lines.
fn file<P: Protocol>(http: &HttpProvider<P>, rows: &[BatchRow<'_>]) -> Vec<u8> {
    #[derive(serde::Serialize)]
    struct Line<'a> {
        custom_id: &'a str,
        method: &'static str,
        url: &'a str,
        body: &'a RawValue,
    }
    let url = format!("/v1{}", P::PATH);
    let mut file = Vec::new();
    for row in rows {
        let body = http.protocol().body(row.request);
        // A body is JSON on one line; one that is not would be refused at no cost.
        let Ok(body) = serde_json::from_slice::<&RawValue>(&body) else { continue };
        let line = Line { custom_id: row.custom_id, method: "POST", url: &url, body };
        file.extend(serde_json::to_vec(&line).unwrap_or_default());
        file.push(b'\n');
    }
    file
}

/// A file as the form of an upload.
fn upload_of(file: &[u8]) -> Vec<u8> {
    let mut form = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"batch.jsonl\"\r\n\
         Content-Type: application/jsonl\r\n\r\n"
    )
    .into_bytes();
    form.extend_from_slice(file);
    form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    form
}

#[async_trait]
impl<P: Protocol> BatchApi for OpenAiBatches<P> {
    async fn prepare(&self, name: &str, rows: &[BatchRow<'_>]) -> Result<Prepared, LlmError> {
        // A file that no batch refers to costs nothing.
        let file = self.upload(form_of(&self.0, rows)?, rows).await?;
        let batch = json!({
            "input_file_id": file, "endpoint": format!("/v1{}", P::PATH),
            "completion_window": "24h", "metadata": {NAME: name},
        });
        Ok(Prepared(batch.to_string().into()))
    }

    async fn begin(&self, form: &RequestForm, prepared: &Prepared) -> Result<String, LlmError> {
        let message = Message::json("/batches", prepared.0.clone());
        id_of(&self.0, &asked(&self.0, form, message).await?)
    }

    async fn find(
        &self,
        form: &RequestForm,
        sought: BatchQuery<'_>,
    ) -> Result<Vec<Found>, LlmError> {
        let (mut found, mut after) = (Vec::new(), String::new());
        for _ in 0..MOST_PAGES {
            let message = Message::get(&format!("/batches?limit=100{after}"));
            let (page, ahead) = asked_with_clock(&self.0, form, message).await?;
            let oldest = sought.oldest(ahead).as_second();
            let batches = page["data"].as_array().map_or(&[][..], Vec::as_slice);
            let ours = |batch: &&Value| batch["metadata"][NAME].as_str() == Some(sought.name);
            let ids = batches.iter().filter(ours).filter_map(|batch| named(&self.0, batch));
            found.extend(ids.map(|id| Found { id, is_certain: true }));
            // The list begins with the youngest.
            let is_older =
                |batch: &Value| batch["created_at"].as_i64().is_some_and(|at| at < oldest);
            let last = batches.last();
            match last.and_then(|last| named(&self.0, last)) {
                Some(id) if page["has_more"] == true && !last.is_some_and(is_older) => {
                    after = format!("&after={}", escaped(&id));
                }
                _ => break,
            }
        }
        Ok(found)
    }

    async fn status(&self, form: &RequestForm, id: &str) -> Result<BatchStatus, LlmError> {
        let batch = self.batch(form, id).await?;
        let counts = &batch["request_counts"];
        let done = |key: &str| counts[key].as_u64().unwrap_or(0);
        Ok(match batch["status"].as_str().unwrap_or_default() {
            "completed" | "expired" | "cancelled" => BatchStatus::Ended,
            "failed" => {
                let error = &batch["errors"]["data"][0];
                let words = error["message"].as_str().unwrap_or("it says no more");
                let failure = match error["code"].as_str() {
                    // More than it keeps in its queue for one account.
                    Some("token_limit_exceeded") => Failure::Throttled,
                    _ => Failure::BadRequest,
                };
                let words = format!("refused the batch: {words}");
                BatchStatus::Refused(self.0.failed(failure, false, &words))
            }
            _ => BatchStatus::Working { done: done("completed") + done("failed") },
        })
    }

    async fn results(&self, form: &RequestForm, id: &str) -> Result<BatchResults, LlmError> {
        let batch = self.batch(form, id).await?;
        let mut lines = Lines::default();
        for key in ["output_file_id", "error_file_id"] {
            let Some(file) = text_at(&batch, key) else { continue };
            let path = format!("/files/{}/content", escaped(&file));
            let content = self.0.exchange(form, Message::results(&path)).await?;
            lines.read(&self.0, &content, |line| result(&self.0, line))?;
        }
        let is_cut_short = matches!(batch["status"].as_str(), Some("expired" | "cancelled"));
        let completed = batch["request_counts"]["completed"].as_u64().unwrap_or(0);
        let shows_all = lines.ran() as u64 >= completed;
        Ok(lines.results(&self.0, is_cut_short && shows_all))
    }

    async fn cancel(&self, form: &RequestForm, id: &str) -> Result<(), LlmError> {
        let path = format!("/batches/{}/cancel", escaped(id));
        asked(&self.0, form, Message::json(&path, Bytes::from_static(b"{}"))).await.map(|_| ())
    }
}

/// What one line says of its request.
fn result<P: Protocol>(http: &HttpProvider<P>, line: &Value) -> RowResult {
    let response = &line["response"];
    if let Some(status) = response["status_code"].as_u64() {
        let status = u16::try_from(status).unwrap_or(500);
        return row_result(http, status, &response["body"]);
    }
    match line["error"]["code"].as_str() {
        Some("batch_expired" | "batch_cancelled") => RowResult::NotRun,
        _ => row_result(http, 500, &json!({ "error": line["error"] })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::batch_results::tests::http;
    use crate::provider::openai::OpenAi;

    #[test]
    fn a_line_is_read_as_the_same_answer_would_be_alone() {
        let http = http::<OpenAi>();
        let answered = |status: u16, body: Value| {
            let response = json!({"status_code": status, "request_id": "r", "body": body});
            result(&http, &json!({"custom_id": "a-1", "response": response, "error": null}))
        };
        let body = json!({"choices": [{"finish_reason": "stop", "message": {"content": "warm"}}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}});
        let RowResult::Answered(reply) = answered(200, body) else { panic!() };
        assert_eq!((reply.text.as_str(), reply.usage.unwrap().total().0), ("warm", 11));
        let refused = json!({"error": {"message": "Unsupported parameter: 'temperature'",
            "type": "invalid_request_error", "param": "temperature",
            "code": "unsupported_parameter"}});
        let RowResult::Failed(error) = answered(400, refused) else { panic!() };
        assert_eq!(error.refused_field.as_deref(), Some("temperature"));
        for code in ["batch_expired", "batch_cancelled"] {
            let error = json!({"code": code, "message": "This request was not run."});
            let line = json!({"custom_id": "a-1", "response": null, "error": error});
            assert_eq!(result(&http, &line), RowResult::NotRun, "{code}");
        }
    }
}
