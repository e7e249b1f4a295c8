//! What a server or a mutator says is read or refused with words, without a panic, and nothing is made
//! up.

use crate::operator::{self, Nonce};
use crate::provider::anthropic::Anthropic;
use crate::provider::gemini::Gemini;
use crate::provider::openai::OpenAi;
use crate::provider::protocol::Protocol;
use crate::provider::responses::OpenAiResponses;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use std::time::Duration;

/// The first line is the `retry-after` header; the rest is a body, read with 200 and with refusals.
pub(super) fn provider(bytes: &[u8]) {
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (head, body) = (&bytes[..line], bytes.get(line + 1..).unwrap_or_default());
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(head) {
        headers.insert(RETRY_AFTER, value);
    }
    read(&OpenAi, &headers, body);
    read(&OpenAiResponses, &headers, body);
    read(&Anthropic, &headers, body);
    read(&Gemini, &headers, body);
}

fn read(protocol: &impl Protocol, headers: &HeaderMap, body: &[u8]) {
    match protocol.reply(body) {
        Ok(reply) => {
            let usage = reply.usage.unwrap_or_default();
            assert!(usage.cached_input <= usage.prompt() && usage.reasoning <= usage.answer());
            assert!(!reply.text.is_empty() || reply.finish.flaw().is_some(), "{reply:?}");
        }
        Err(refusal) => assert!(!refusal.words.is_empty()),
    }
    for status in [400, 401, 403, 404, 429, 500, 503] {
        let refusal = protocol.refusal(status, headers, body, Timestamp::UNIX_EPOCH);
        let wait = refusal.retry_after.unwrap_or_default();
        assert!(wait <= Duration::from_secs(24 * 60 * 60), "{wait:?}");
    }
}

/// `N` stands for the nonce.
pub(super) fn mutator(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let digits = "00112233445566ff";
    let nonce = Nonce::find(&format!("<prompt-{digits} part=\"system\">")).expect("a nonce");
    let reply = text.replace('N', digits);
    for searched in [&["system".to_owned()][..], &["system".to_owned(), "demos".to_owned()]] {
        for (name, text) in operator::read(&reply, nonce, searched).unwrap_or_default() {
            assert!(
                searched.contains(&name) && !text.is_empty() && reply.contains(&text),
                "{text:?}"
            );
        }
    }
    for asked in [1, 3] {
        for note in operator::notes(&reply, nonce, asked).unwrap_or_default() {
            assert!(!note.trim().is_empty() && reply.contains(&note), "{note:?}");
        }
    }
}
