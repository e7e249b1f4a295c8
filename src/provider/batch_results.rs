//! What batch APIs have in common: answers about a batch, and the lines of its results.

use super::batch::{BatchRow, RowResult};
use super::http::{HttpProvider, Message};
use super::protocol::Protocol;
use super::{Failure, LlmError};
use crate::task::model::RequestForm;
use jiff::SignedDuration;
use serde_json::Value;

/// How far clocks may differ, and how long a provider may take to list what was submitted.
pub(super) const SLACK: SignedDuration = SignedDuration::from_mins(10);

/// How many pages of the provider's list are looked through.
pub(super) const MOST_PAGES: usize = 20;

/// The answer to a message about a batch.
pub(super) async fn asked<P: Protocol>(
    http: &HttpProvider<P>,
    form: &RequestForm,
    message: Message,
) -> Result<Value, LlmError> {
    let body = http.exchange(form, message).await?;
    // An id is journaled: a key that a server repeats must not come in with one.
    let body = http.redacted(&String::from_utf8_lossy(&body));
    serde_json::from_str(&body).map_err(|_| unreadable(http, "its answer is no JSON"))
}

/// The id of what a provider took.
pub(super) fn id_of<P: Protocol>(http: &HttpProvider<P>, made: &Value) -> Result<String, LlmError> {
    text_at(made, "id").ok_or_else(|| unreadable(http, "what it took has no id"))
}

/// How the messages about a batch are written: as its requests are.
pub(super) fn form_of<'a, P: Protocol>(
    http: &HttpProvider<P>,
    rows: &[BatchRow<'a>],
) -> Result<&'a RequestForm, LlmError> {
    let first = rows.first().map(|row| &*row.request.form);
    first.ok_or_else(|| http.failed(Failure::BadRequest, false, "got a batch without requests"))
}

fn unreadable<P: Protocol>(http: &HttpProvider<P>, what: &str) -> LlmError {
    http.failed(Failure::Unreadable, true, what)
}

/// A text of an object, where it has one.
pub(super) fn text_at(object: &Value, key: &str) -> Option<String> {
    object[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The objects of a file of JSON Lines; a line that is none says nothing.
pub(super) fn lines(content: &[u8]) -> impl Iterator<Item = Value> + '_ {
    content.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

/// What a status and a body say, read as if they had come alone.
pub(super) fn row_result<P: Protocol>(
    http: &HttpProvider<P>,
    status: u16,
    body: &Value,
) -> RowResult {
    let body = serde_json::to_vec(body).unwrap_or_default();
    match http.read(status, &body) {
        Ok(reply) => RowResult::Answered(reply),
        Err(error) => RowResult::Failed(error),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::task::model::Provider;

    /// A provider that nothing is sent to.
    pub(in crate::provider) fn http<P: Protocol>() -> HttpProvider<P> {
        let base_url = Some("http://127.0.0.1:1".to_owned());
        HttpProvider::new("p", &Provider { base_url, ..Provider::of_program() }, None).unwrap()
    }
}
