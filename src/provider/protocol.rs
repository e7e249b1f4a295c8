//! What a wire protocol defines: request to body, body to reply, refusal to failure.
//!
//! A protocol is one file and one line in `registry`. Connections, deadlines and keys are `http`'s.

use super::refusal::Refusal;
use super::{Reply, Request};
use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;

/// A wire protocol over HTTP.
pub trait Protocol: Default + Send + Sync + Sized {
    /// What is added to a provider's `base_url`, such as `/chat/completions`.
    const PATH: &'static str;

    /// The header that carries the key; `None` where no header takes it.
    fn authorization(key: &SecretString) -> Option<(HeaderName, HeaderValue)>;

    /// The body of a request.
    fn body(&self, request: &Request) -> Bytes;

    /// The reply in a body that came with a 2xx status.
    ///
    /// # Errors
    /// There is no usable answer in it.
    fn reply(&self, body: &[u8]) -> Result<Reply, Refusal>;

    /// What any other status means for the next attempt. Most services write their refusals alike.
    fn refusal(&self, status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Refusal {
        Refusal::new(status, headers, body, now)
    }
}
