//! What a provider says that an attempt used, and what is assumed where it reports nothing, or impossible numbers.

use crate::event::Finish;
use crate::ledger::estimate_tokens;
use crate::provider::{LlmError, Reply, Request};
use crate::task::model::Usage;
use crate::units::Amount;

/// No model reads as many tokens, and none writes as many. Below that, a bill is what its provider says: a service may
/// add a context of its own to every prompt, and bill reasoning beyond what was asked for.
const MOST_READ: u64 = 10_000_000;
const MOST_WRITTEN: u64 = 1_000_000;

/// The usage that a provider reports, where it can be true.
pub(crate) fn plausible_usage(request: &Request, usage: Usage) -> Option<Usage> {
    if usage.answer().0 <= MOST_WRITTEN && usage.prompt().0 <= MOST_READ {
        return Some(usage);
    }
    tracing::warn!(model = %request.model, ?usage, "impossible token counts: they are estimated instead");
    None
}

/// The usage of a reply, where what the provider reports can be true: a text is not made of no tokens. A
/// prompt of none is no report at all, as the protocols read it.
pub(super) fn reported_usage(request: &Request, reply: &Reply) -> Option<Usage> {
    let usage = plausible_usage(request, reply.usage?)?;
    // A vector has no tokens.
    if !reply.text.is_empty() && usage.answer().0 == 0 && !request.form.asks_vectors() {
        tracing::warn!(model = %request.model, ?usage, "a text of no tokens: they are estimated instead");
        return None;
    }
    Some(usage)
}

/// What an attempt that failed costs; `None`: it may be billed, and how much is not known.
pub(crate) fn cost_of_failure(
    request: &Request,
    error: &LlmError,
    cost: impl FnOnce(Usage) -> Amount,
) -> Option<Amount> {
    let usage = usage_of_failure(request, error);
    match error.envelope.usd {
        None => usage.map(cost),
        // A target knows what it paid; its tokens may not be known all the same.
        Some(usd) => {
            let estimated = || Usage::plain(estimate_tokens(request.bytes()).0, 0);
            Some(Amount { usd, tokens: usage.unwrap_or_else(estimated).total() })
        }
    }
}

/// What an attempt used that failed: what its provider reports, also where such a failure bills nothing as a rule;
/// `None` where that is not known.
pub(super) fn usage_of_failure(request: &Request, error: &LlmError) -> Option<Usage> {
    match error.usage {
        Some(usage) => plausible_usage(request, usage),
        None => (!error.may_be_billed).then_some(Usage::NONE),
    }
}

/// A generous guess, so that the cap is never passed unseen.
pub(super) fn estimated_usage(request: &Request, reply: &Reply) -> Usage {
    let is_absurd = reply.usage.is_some_and(|usage| plausible_usage(request, usage).is_none());
    let answer = match reply.finish {
        _ if request.form.asks_vectors() => 0,
        _ if is_absurd => u64::from(request.max_output_tokens),
        // Something was written that is not shown.
        Finish::Empty | Finish::Reasoning => u64::from(request.max_output_tokens),
        _ => estimate_tokens(reply.text.len()).0,
    };
    Usage::plain(estimate_tokens(request.bytes()).0, answer)
}
