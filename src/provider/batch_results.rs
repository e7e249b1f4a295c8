//! What batch APIs have in common: answers about a batch, and the lines of its results.

use super::batch::{BatchResults, BatchRow, RowResult};
use super::http::{HttpProvider, Message};
use super::protocol::Protocol;
use super::{Failure, LlmError};
use crate::task::model::RequestForm;
use jiff::SignedDuration;
use serde_json::Value;

/// How many pages of the provider's list are looked through.
pub(super) const MOST_PAGES: usize = 20;

/// The answer to a message about a batch.
pub(super) async fn asked<P: Protocol>(
    http: &HttpProvider<P>,
    form: &RequestForm,
    message: Message,
) -> Result<Value, LlmError> {
    Ok(asked_with_clock(http, form, message).await?.0)
}

/// The answer to a message about a batch, and how far the provider's clock is ahead of ours.
pub(super) async fn asked_with_clock<P: Protocol>(
    http: &HttpProvider<P>,
    form: &RequestForm,
    message: Message,
) -> Result<(Value, SignedDuration), LlmError> {
    let (body, envelope) = http.exchange_with_envelope(form, message).await?;
    let value =
        serde_json::from_slice(&body).map_err(|_| unreadable(http, "its answer is no JSON"))?;
    Ok((value, envelope.clock_ahead.unwrap_or_default()))
}

/// The id of what a provider took.
pub(super) fn id_of<P: Protocol>(http: &HttpProvider<P>, made: &Value) -> Result<String, LlmError> {
    named(http, made).ok_or_else(|| unreadable(http, "what it took has no id"))
}

/// The id of what a provider has. It is journaled: a key that a server repeats must not come in with it.
pub(super) fn named<P: Protocol>(http: &HttpProvider<P>, object: &Value) -> Option<String> {
    Some(http.without_key_in(&text_at(object, "id")?))
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

/// The results in a file of JSON Lines.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) rows: Vec<(String, RowResult)>,
    /// How many lines are none: cut, or no JSON, or without a custom id.
    unread: usize,
}

impl Lines {
    /// Reads some more lines.
    ///
    /// # Errors
    /// A content of which no line can be read, such as a page of a proxy.
    pub(super) fn read<P: Protocol>(
        &mut self,
        http: &HttpProvider<P>,
        content: &[u8],
        result: impl Fn(&Value) -> RowResult,
    ) -> Result<(), LlmError> {
        let (rows, unread) = (self.rows.len(), self.unread);
        for line in
            content.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
        {
            let line: Option<Value> = serde_json::from_slice(line).ok();
            let row = line.and_then(|line| Some((text_at(&line, "custom_id")?, result(&line))));
            match row {
                Some(row) => self.rows.push(row),
                None => self.unread += 1,
            }
        }
        match self.rows.len() == rows && self.unread > unread {
            true => Err(unreadable(http, "none of the lines of its results can be read")),
            false => Ok(()),
        }
    }

    /// How many requests were run.
    pub(super) fn ran(&self) -> usize {
        self.rows.iter().filter(|(_, result)| *result != RowResult::NotRun).count()
    }

    /// The results of a batch that `is_cut_short` by the provider's word, or ran to its end. Where a line could
    /// not be read, a request without a result may have been billed.
    pub(super) fn results<P: Protocol>(
        self,
        http: &HttpProvider<P>,
        is_cut_short: bool,
    ) -> BatchResults {
        let rest = match is_cut_short && self.unread == 0 {
            true => RowResult::NotRun,
            false => RowResult::Failed(unreadable(http, "has no readable result of this request")),
        };
        BatchResults { rows: self.rows, rest }
    }
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
