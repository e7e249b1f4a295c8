//! Posts a message to an address of the user's. Not a provider: no model is asked, and no key is sent.

use super::connection;
use reqwest::Url;
use std::time::Duration;

/// Posts JSON.
///
/// # Errors
/// Why it was not taken, with the host and without the rest of the address, which may be a secret.
pub async fn post(address: &str, json: Vec<u8>, timeout: Duration) -> Result<(), String> {
    let url = Url::parse(address).map_err(|_| "its address is malformed".to_owned())?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let client = connection::client_for_one(&url)
        .map_err(|error| format!("{host}: {}", error.without_url()))?;
    let request = client.post(url).timeout(timeout);
    let request = request.header("content-type", "application/json").body(json);
    let answered = request.send().await.map_err(|error| match error.is_timeout() {
        true => format!("{host} did not answer in time"),
        false => format!("{host} was not reached"),
    })?;
    match answered.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("{host} answered with status {}", status.as_u16())),
    }
}
