//! One call of a role: the request as a run sends it, within the task's caps.
//!
//! What follows a failure is decided as in a run (`engine::retry`), but only what costs nothing is tried
//! again, and not for long, so that what it may cost is known before. What the answer is worth is not
//! known here.

use super::question::Question;
use crate::caps::Share;
use crate::engine::attempt;
use crate::engine::retry::{RetryDecision, Tries};
use crate::engine::usage::cost_of_failure;
use crate::event::{Answered, Event, Failure};
use crate::ledger::Wallet;
use crate::provider::limit::BlockedBy;
use crate::provider::registry::ThrottledProvider;
use crate::provider::{Envelope, LlmError, Request};
use crate::seed::Seed;
use crate::task::model::{Price, RefusedFields, Usage};
use crate::units::{Amount, Tokens};
use jiff::SignedDuration;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long a provider that asks to wait, or that other runs use, is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the calls of all roles may spend, and have spent.
pub(super) struct ProbeBudget(Mutex<Wallet>);

impl ProbeBudget {
    pub(super) fn new(wallet: Wallet) -> Self {
        Self(Mutex::new(wallet))
    }

    fn wallet(&self) -> MutexGuard<'_, Wallet> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the worst case of a question aside; false where it does not fit.
    pub(super) fn reserve(&self, question: &Question) -> bool {
        let (share, amount) = (Share::Search, question.worst());
        let mut wallet = self.wallet();
        if !wallet.fits(share, amount) {
            return false;
        }
        let Question { call, role, .. } = *question;
        wallet.apply(&Event::Reserved { call, amount, role, share });
        true
    }

    pub(super) fn spent(&self) -> Amount {
        self.wallet().spent()
    }
}

/// What came of it.
pub(super) struct Probed {
    /// The answer, and what came with it.
    pub(super) result: Result<Reply, NotAnswered>,
    /// What was sent last.
    pub(super) request: Request,
    /// The fields that were left out, because the server refuses them.
    pub(super) left_out: Vec<String>,
    /// The attempts that failed before it.
    pub(super) failed: Vec<LlmError>,
    /// How many requests were sent.
    pub(super) sent: u64,
    /// What they cost, or may have cost.
    pub(super) charged: Amount,
}

/// An answer, and what came with it.
pub(super) struct Reply {
    pub(super) answered: Answered,
    /// The usage as the provider reports it, whether it can be true or not.
    pub(super) reported: Option<Usage>,
    pub(super) envelope: Envelope,
}

/// Why there is no answer.
pub(super) enum NotAnswered {
    /// It was not sent: its worst case is more than the caps leave.
    NoRoom(Amount),
    /// It was not sent: this kept it back all the time, where that is known.
    Blocked(Option<BlockedBy>),
    /// It was refused, or failed.
    Failed(LlmError),
}

impl Probed {
    /// A question that the caps leave no room for.
    pub(super) fn without_room(question: Question) -> Self {
        let result = Err(NotAnswered::NoRoom(question.worst()));
        let (left_out, failed) = (Vec::new(), Vec::new());
        Self { result, request: question.request, left_out, failed, sent: 0, charged: Amount::ZERO }
    }

    /// How far the provider's clock is ahead, where it sent its time.
    pub(super) fn clock_ahead(&self) -> Option<SignedDuration> {
        match &self.result {
            Ok(reply) => reply.envelope.clock_ahead,
            Err(NotAnswered::Failed(error)) => error.envelope.clock_ahead,
            Err(NotAnswered::NoRoom(_) | NotAnswered::Blocked(_)) => None,
        }
    }
}

/// Asks it. Its worst case is set aside already, and stays so until it is settled.
pub(super) async fn ask(
    question: Question,
    provider: &ThrottledProvider,
    purse: &ProbeBudget,
) -> Probed {
    let worst = question.worst();
    let Question { call, price, mut request, .. } = question;
    let price = price.unwrap_or(Price::FREE);
    let cost = |usage: Usage| Amount { usd: price.of(usage), tokens: usage.total() };
    let mut refused = RefusedFields::default();
    let (mut left_out, mut failed, mut sent) = (Vec::new(), Vec::<LlmError>::new(), 0);
    let (mut tries, draw, begun) = (Tries::default(), Seed(call.0), Instant::now());
    let result = loop {
        let left = PATIENCE.saturating_sub(begun.elapsed());
        let hold = provider.limit.blocked_by(worst.tokens);
        let Ok(permit) = timeout(left, provider.limit.acquire(worst.tokens)).await else {
            // What the provider said to this role says more than what keeps others back.
            break Err(match failed.pop() {
                Some(error) => NotAnswered::Failed(error),
                None => NotAnswered::Blocked(provider.limit.blocked_by(worst.tokens).or(hold)),
            });
        };
        sent += 1;
        let (result, took) = attempt::made(&*provider.llm, &request, permit).await;
        let error = match result {
            Ok(reply) => {
                let (reported, envelope) = (reply.usage, (*reply.envelope).clone());
                let this = (call, request.hash());
                let answered =
                    attempt::answered(this, &request, reply, took, |usage| price.of(usage));
                break Ok(Reply { answered, reported, envelope });
            }
            Err(error) => error,
        };
        let is_free = cost_of_failure(&request, &error, cost) == Some(Amount::ZERO);
        // As in a run: without what the server does not take.
        if is_free
            && let Some(field) = &error.refused_field
            && request.form.without(field).is_some()
            && refused.add(&request.model, field)
        {
            left_out.push(field.to_string());
            request = request.without(&refused);
            continue;
        }
        let delay = match tries.next(error.failure, error.retry_after, draw) {
            // No server is there: a run waits for it, and a person wants to know it now.
            _ if matches!(error.failure, Failure::Unreachable | Failure::UnknownHost) => None,
            RetryDecision::Retry(delay) | RetryDecision::Wait(delay) => Some(delay),
            RetryDecision::Invalid(_) | RetryDecision::Missing(_) | RetryDecision::StopRun(_) => {
                None
            }
        };
        match delay.filter(|delay| begun.elapsed() + *delay <= PATIENCE) {
            Some(delay) if is_free => {
                failed.push(error);
                tokio::time::sleep(delay).await;
            }
            _ => break Err(NotAnswered::Failed(error)),
        }
    };
    let (settled, charged) = match &result {
        Ok(Reply { answered, .. }) => {
            let tokens = Tokens(answered.input.saturating_add(answered.out));
            (Event::Answered(answered.clone()), Amount { usd: answered.usd, tokens })
        }
        Err(NotAnswered::Failed(error)) => {
            let charged = cost_of_failure(&request, error, cost).unwrap_or(worst);
            (Event::AttemptFailed { call, failure: error.failure, charged }, charged)
        }
        Err(NotAnswered::NoRoom(_) | NotAnswered::Blocked(_)) => {
            let charged = Amount::ZERO;
            (Event::AttemptFailed { call, failure: Failure::Unsent, charged }, charged)
        }
    };
    purse.wallet().apply(&settled);
    Probed { result, request, left_out, failed, sent, charged }
}
