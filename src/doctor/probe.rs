//! One call of a role: the request as a run sends it, within the task's caps.
//!
//! Only what costs nothing is tried again, and not for long, so that what it may cost is known before.
//! What the answer is worth is not known here.

use crate::caps::Share;
use crate::engine::attempt;
use crate::engine::usage::plausible_usage;
use crate::event::{Answered, Event, Failure};
use crate::id::Call;
use crate::ledger::{Wallet, estimate_tokens, worst_case};
use crate::provider::backoff::Backoff;
use crate::provider::registry::ThrottledProvider;
use crate::provider::{Envelope, LlmError, Request};
use crate::seed::Seed;
use crate::task::model::{ModelRole, Price, RefusedFields};
use crate::units::{Amount, Tokens};
use jiff::SignedDuration;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long a provider that asks to wait, or that other runs use, is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// What one role is asked.
pub(super) struct Question {
    /// Its number among those that are asked.
    pub(super) number: u64,
    pub(super) role: ModelRole,
    pub(super) price: Option<Price>,
    pub(super) request: Request,
}

impl Question {
    /// What it may cost.
    pub(super) fn worst(&self) -> Amount {
        let prompt = estimate_tokens(None, self.request.bytes());
        worst_case(self.price, prompt, Tokens(u64::from(self.request.max_output_tokens)))
    }
}

/// What came of it.
pub(super) struct Probed {
    /// The answer, and what came with it.
    pub(super) result: Result<(Answered, Envelope), NotAnswered>,
    /// What was sent last.
    pub(super) request: Request,
    /// The fields that were left out, because the server refuses them.
    pub(super) left_out: Vec<String>,
    /// The attempts that failed before it.
    pub(super) failed: Vec<LlmError>,
}

impl Probed {
    /// How far the provider's clock is ahead, where it sent its time.
    pub(super) fn clock_ahead(&self) -> Option<SignedDuration> {
        match &self.result {
            Ok((_, envelope)) => envelope.clock_ahead,
            Err(NotAnswered::Failed(error)) => error.envelope.clock_ahead,
            Err(NotAnswered::NoRoom(_) | NotAnswered::NoPlace) => None,
        }
    }
}

/// Why there is no answer.
pub(super) enum NotAnswered {
    /// It was not sent: its worst case is more than the caps leave.
    NoRoom(Amount),
    /// It was not sent: the limits of its key gave it no place.
    NoPlace,
    /// It was refused, or failed.
    Failed(LlmError),
}

/// Asks it.
pub(super) async fn ask(
    question: Question,
    provider: &ThrottledProvider,
    wallet: &Mutex<Wallet>,
) -> Probed {
    let (role, worst) = (question.role, question.worst());
    let price = question.price.unwrap_or(Price::FREE);
    let call = Call(question.number);
    let wallet = || wallet.lock().unwrap_or_else(PoisonError::into_inner);
    let mut refused = RefusedFields::default();
    let Question { mut request, .. } = question;
    let (mut left_out, mut failed) = (Vec::new(), Vec::<LlmError>::new());
    let begun = Instant::now();
    let result = loop {
        {
            let mut wallet = wallet();
            if !wallet.fits(Share::Search, worst) {
                break Err(NotAnswered::NoRoom(worst));
            }
            let share = Share::Search;
            wallet.apply(&Event::Reserved { call, amount: worst, role, share });
        }
        let left = PATIENCE.saturating_sub(begun.elapsed());
        let Ok(permit) = timeout(left, provider.limit.acquire(worst.tokens)).await else {
            let (failure, charged) = (Failure::Unsent, Amount::ZERO);
            wallet().apply(&Event::AttemptFailed { call, failure, charged });
            break Err(NotAnswered::NoPlace);
        };
        let (result, took) = attempt::made(&*provider.llm, &request, permit).await;
        let error = match result {
            Ok(reply) => {
                let envelope = *reply.envelope;
                let this = (call, request.hash());
                let answered =
                    attempt::answered(this, &request, reply, took, |usage| price.of(usage));
                wallet().apply(&Event::Answered(answered.clone()));
                break Ok((answered, envelope));
            }
            Err(error) => error,
        };
        let charged = match plausible_usage(&request, error.usage) {
            _ if !error.may_be_billed => Amount::ZERO,
            Some(usage) => Amount { usd: price.of(usage), tokens: usage.total() },
            None => worst,
        };
        wallet().apply(&Event::AttemptFailed { call, failure: error.failure, charged });
        // As in a run: without what the server does not take.
        if let Some(field) = &error.refused_field
            && request.form.without(field).is_some()
            && refused.add(&request.model, field)
        {
            left_out.push(field.to_string());
            request = request.without(&refused);
            continue;
        }
        let attempts = u32::try_from(failed.len() + 1).unwrap_or(u32::MAX);
        let delay = Backoff::delay(attempts, Seed(call.0), error.retry_after);
        let may_pass =
            matches!(error.failure, Failure::Throttled | Failure::Unavailable | Failure::Transient);
        if error.may_be_billed || !may_pass || begun.elapsed() + delay > PATIENCE {
            break Err(NotAnswered::Failed(error));
        }
        failed.push(error);
        tokio::time::sleep(delay).await;
    };
    Probed { result, request, left_out, failed }
}
