//! Makes a request fit into the mutator's context window.
//!
//! A request that does not fit without evidence and past prompts is an error, not a shorter request.

use super::cut::Cut;
use super::framing::Frame;

/// Bytes of one token, on the safe side: English has about four, code and most other languages less.
const BYTES_PER_TOKEN: u64 = 3;
/// What providers add around one message.
const MESSAGE_TOKENS: u64 = 16;

/// A request that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    /// Tokens of the shortest request and its reply.
    pub(super) needed: u64,
    /// Tokens of the window.
    pub(super) window: u64,
}

/// The smallest cut with which the request and its reply fit.
pub(super) fn fit(frame: &Frame<'_>) -> Result<Cut, TooLong> {
    let mut cut = Cut::none(frame.brief);
    let Some(window) = frame.brief.context_tokens else {
        return Ok(cut);
    };
    loop {
        let needed = needed_tokens(frame, &cut);
        if needed <= window {
            return Ok(cut);
        }
        if !cut.tighten() {
            return Err(TooLong { needed, window });
        }
    }
}

/// Tokens of the request and its reply together, never fewer than there are as far as bytes tell.
pub(super) fn needed_tokens(frame: &Frame<'_>, cut: &Cut) -> u64 {
    let bytes = frame.fill(cut, "0123456789abcdef").len() as u64;
    bytes.div_ceil(BYTES_PER_TOKEN) + MESSAGE_TOKENS + u64::from(frame.brief.max_output_tokens)
}
