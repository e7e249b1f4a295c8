//! What an answer is said to have used, whether that can be true, and what a run makes of it.

use super::check::Checks;
use super::probe::Reply;
use crate::task::model::Usage;
use crate::text;

fn in_words(usage: Usage) -> String {
    let (input, out) = (text::thousands(usage.prompt().0), text::thousands(usage.answer().0));
    format!("{input} tokens in, {out} out")
}

/// The check of it.
pub(super) fn check(checks: &mut Checks, reply: &Reply, max_output_tokens: u32) {
    let counted = reply.answered.usage();
    match reply.reported {
        None => checks.warn(
            "usage",
            format!(
                "the provider counts no tokens, or says that the prompt had none; a run estimates them: {}",
                in_words(counted)
            ),
            "compare it with the bill; caps hold by the estimate, which is generous",
        ),
        Some(reported) if reply.answered.estimated => checks.warn(
            "usage",
            format!(
                "the provider reports {}, which cannot be true; a run estimates instead: {}",
                in_words(reported),
                in_words(counted)
            ),
            "compare it with the bill; caps hold by the estimate, which is generous",
        ),
        Some(reported) if reported.answer().0 > u64::from(max_output_tokens) => checks.warn(
            "usage",
            format!(
                "the provider reports {}, more than `max_output_tokens` = {max_output_tokens}; a run counts \
                 what is reported",
                in_words(reported)
            ),
            "look at its bill: where it is right, it does not keep to `max_output_tokens`, and a call may \
             cost more than is set aside for it",
        ),
        Some(_) => checks.ok(
            "usage",
            format!("{}, as the provider counts them: {}", in_words(counted), reply.answered.usd),
        ),
    }
}
