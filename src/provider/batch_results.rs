//! What the results of batches have in common.

use super::batch::RowResult;
use super::http::HttpProvider;
use super::protocol::Protocol;
use serde_json::Value;

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
