//! One attempt: the request, what its limit learns of it, and the fact that a reply becomes.
//!
//! Neither a reservation nor a retry: those are a call's.

use super::usage::{estimated_usage, reported_usage};
use crate::event::{Answered, Failure, Finish};
use crate::id::{Call, RequestHash};
use crate::provider::limit::Permit;
use crate::provider::{Llm, LlmError, Reply, Request};
use crate::task::model::Usage;
use crate::text;
use crate::units::Usd;
use std::time::Duration;
use tokio::time::Instant;

/// Sends a request and reports to its limit what came of it; with the result, how long it
/// took.
pub(crate) async fn made(
    llm: &dyn Llm,
    request: &Request,
    permit: Box<dyn Permit>,
) -> (Result<Reply, LlmError>, Duration) {
    let sent = Instant::now();
    let result = llm.complete(request).await;
    match &result {
        Ok(reply) => {
            let used = reported_usage(request, reply).map(Usage::total);
            permit.on_success(used, reply.envelope.left);
        }
        Err(error) if error.failure == Failure::Throttled => permit.on_throttled(error.retry_after),
        Err(error) if error.failure.is_outage() => permit.on_outage(),
        Err(_) => {}
    }
    (result, sent.elapsed())
}

/// The fact that a call was answered, live, at a moment that its run adds.
pub(crate) fn answered(
    (call, hash): (Call, RequestHash),
    request: &Request,
    reply: Reply,
    took: Duration,
    cost: impl FnOnce(Usage) -> Usd,
) -> Answered {
    let reported = reported_usage(request, &reply);
    let usage = reported.unwrap_or_else(|| estimated_usage(request, &reply));
    Answered {
        call,
        request: hash,
        bytes: request.bytes() as u64,
        input: usage.prompt().0,
        cached: usage.cached_input.0,
        written: usage.cache_write.0,
        out: usage.answer().0,
        reasoning: usage.reasoning.0,
        // A target knows what it paid.
        usd: reply.envelope.usd.unwrap_or_else(|| cost(usage)),
        estimated: reported.is_none(),
        live: None,
        finish: reply.finish,
        why: why(request, &reply),
        text: reply.text,
        trajectory: reply.envelope.trajectory,
        ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
        at: 0,
    }
}

/// What is wrong with a reply, in words; nothing where it is good.
fn why(request: &Request, reply: &Reply) -> String {
    if reply.finish.flaw().is_none() || !reply.why.is_empty() {
        return text::shorten(&reply.why, 300);
    }
    let (model, most) = (&request.model, request.max_output_tokens);
    let text = text::shorten(&text::one_line(&reply.text), 120);
    match reply.finish {
        Finish::Length => format!("`{model}` ran into max_output_tokens = {most}: “{text}”"),
        _ => format!("`{model}` ended its answer as {:?}: “{text}”", reply.finish),
    }
}
