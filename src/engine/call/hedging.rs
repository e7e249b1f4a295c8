//! An attempt that is late: the same request is sent once more, and the first answer is the call's.
//!
//! "Hedged requests" of Dean and Barroso, *The Tail at Scale*, CACM 56(2), 2013. Both requests are in the ledger:
//! the worst case of the second one is set aside, durably, before it is sent. Which of the two counts is known when
//! one is answered; the other one holds what was set aside, goes on by itself, and is charged what it costs.

use super::{CallContext, CallRunner, lock};
use crate::engine::attempt;
use crate::engine::error::StopCause;
use crate::engine::inbox::Report;
use crate::engine::usage::{estimated_usage, reported_usage, usage_of_failure};
use crate::event::{Event, Failure, RowKey};
use crate::id::{Call, EventNumber};
use crate::provider::limit::Permit;
use crate::provider::{LlmError, Reply, Request};
use crate::task::model::{Hedge, ModelRole};
use crate::units::Amount;
use futures_util::future::{BoxFuture, Either, FutureExt, select};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// Where a late request has no place at its provider or no room in the budget, it is looked at again after this time.
const AGAIN: Duration = Duration::from_millis(200);

/// What became of a request, and how long it took.
pub(super) type Sent = (Result<Reply, LlmError>, Duration);

/// A request that is out.
type RequestFuture = BoxFuture<'static, Sent>;

/// What a call's two requests have in common.
struct Hedged {
    call: Call,
    role: ModelRole,
    row: Option<RowKey>,
    request: Request,
}

impl CallRunner {
    /// Makes an attempt whose request is sent once more where it is late.
    pub(super) async fn hedged_attempt(
        &self,
        context: &CallContext<'_>,
        permit: Box<dyn Permit>,
        hedge: Hedge,
    ) -> Result<Sent, StopCause> {
        let (sent, mut first) = (Instant::now(), self.send(context, permit));
        loop {
            let late = self.late(context.role, hedge, sent);
            tokio::pin!(late);
            match select(&mut first, late).await {
                Either::Left((done, _)) => return Ok(self.took(context.role, done)),
                Either::Right(((), _)) => {}
            }
            if let Some(permit) = self.hedge(context).await? {
                let is_over =
                    self.is_stopping() || self.is_closed(context.share) || self.is_paused();
                let done = (&mut first).now_or_never();
                if is_over || done.is_some() {
                    self.settle_hedge(context.call, Some(Amount::ZERO), Some(Failure::Unsent));
                }
                return Ok(match done {
                    Some(done) => self.took(context.role, done),
                    None if is_over => self.took(context.role, first.await),
                    None => self.first_answer(context, first, self.send(context, permit)).await,
                });
            }
            let again = std::pin::pin!(sleep(AGAIN));
            if let Either::Left((done, _)) = select(&mut first, again).await {
                return Ok(self.took(context.role, done));
            }
        }
    }

    /// Sends a request, which goes on without its call.
    fn send(&self, context: &CallContext<'_>, permit: Box<dyn Permit>) -> RequestFuture {
        let llm = Arc::clone(&context.provider.throttled.llm);
        let request = context.request.clone();
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        async move { attempt::made(&*llm, &request, permit).await }.boxed()
    }

    /// Takes in that a request is over.
    fn took(&self, role: ModelRole, (result, took): Sent) -> Sent {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        if result.is_ok() {
            lock(&self.latencies).entry(role).or_default().add(took);
        }
        (result, took)
    }

    /// Returns when a request that was sent at this moment is late.
    async fn late(&self, role: ModelRole, hedge: Hedge, sent: Instant) {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            let late = lock(&self.latencies).entry(role).or_default().late_after(hedge);
            match late.and_then(|late| sent.checked_add(late)) {
                Some(late) if late <= Instant::now() => return,
                // It is looked up again then: answers that came meanwhile may allow more time.
                Some(late) => sleep_until(late).await,
                None => settled.await,
            }
        }
    }

    /// Sets the worst case of a second request aside, durably, and returns its place; `None` where its provider has
    /// no place for it at once, or the budget no room.
    async fn hedge(&self, context: &CallContext<'_>) -> Result<Option<Box<dyn Permit>>, StopCause> {
        let CallContext { call, role, share, .. } = *context;
        let amount = self.worst_case_of(role, context.row, context.request, false);
        let is_held = self.is_stopping() || self.is_closed(share) || self.is_paused();
        if is_held || !self.wallet().fits(share, amount) {
            return Ok(None);
        }
        // Attempts that wait for a place come first.
        let place = context.provider.throttled.limit.acquire(amount.tokens).now_or_never();
        let Some(permit) = place else { return Ok(None) };
        let event = Event::Hedged { call, amount, role, share };
        let committed = {
            let mut wallet = self.wallet();
            if !wallet.fits(share, amount) {
                return Ok(None);
            }
            wallet.apply(&event);
            self.journal.append_durable(event.clone())
        };
        lock(&self.latencies).entry(role).or_default().hedged();
        let number = committed.await?;
        self.report(number, event);
        Ok(Some(permit))
    }

    /// The first of two requests that is answered. One that fails before the other one is over is charged, and the other is awaited.
    async fn first_answer(
        &self,
        context: &CallContext<'_>,
        first: RequestFuture,
        second: RequestFuture,
    ) -> Sent {
        let CallContext { call, role, row, request, .. } = *context;
        let hedged = Hedged { call, role, row, request: request.clone() };
        let (Either::Left((sent, other)) | Either::Right((sent, other))) =
            select(first, second).await;
        let sent = self.took(role, sent);
        match &sent.0 {
            Ok(_) => {
                self.let_go_on(context, hedged, other);
                sent
            }
            Err(error) => {
                lock(&context.provider.trouble).failed(role, error, Instant::now());
                self.settle_request(&hedged, &sent.0);
                self.took(role, other.await)
            }
        }
    }

    /// Lets a request go on whose call is answered, until its bill is known.
    fn let_go_on(&self, context: &CallContext<'_>, hedged: Hedged, other: RequestFuture) {
        // The session may end before: then the bill is the worst case.
        let runner = Arc::downgrade(context.runner);
        let mut others = lock(&self.others);
        while others.try_join_next().is_some() {}
        others.spawn(async move {
            let sent = other.await;
            if let Some(runner) = runner.upgrade() {
                let (result, _) = runner.took(hedged.role, sent);
                runner.settle_request(&hedged, &result);
            }
        });
    }

    /// Charges the request of a hedged attempt that does not count: what it used where that is known, and where it
    /// may be billed and is not known, its worst case.
    fn settle_request(&self, hedged: &Hedged, result: &Result<Reply, LlmError>) {
        let Hedged { call, role, row, request } = hedged;
        let reported = match result {
            Ok(reply) => reported_usage(request, reply),
            Err(error) => usage_of_failure(request, error),
        };
        if let Some(usage) = reported {
            self.learn_bill(*role, *row, request, usage);
        }
        let estimated = || result.as_ref().ok().map(|reply| estimated_usage(request, reply));
        let said = match result {
            Ok(reply) => reply.envelope.usd,
            Err(error) => error.envelope.usd,
        };
        let usage = reported.or_else(estimated);
        let cost = usage.map(|usage| self.cost_of(*role, usage, said, false));
        self.settle_hedge(*call, cost, result.as_ref().err().map(|error| error.failure));
    }

    /// Ends the hedge of a call: at this cost, or at its worst case. Nothing where it has ended before.
    fn settle_hedge(&self, call: Call, cost: Option<Amount>, failure: Option<Failure>) {
        let mut wallet = self.wallet();
        let Some(worst) = wallet.hedge(call) else { return };
        let event = Event::HedgeSettled { call, charged: cost.unwrap_or(worst), failure };
        if let Some(number) = self.note_in(&mut wallet, &event) {
            self.report(number, event);
        }
        drop(wallet);
        self.settled.notify_waiters();
    }

    /// Returns when the bills of all hedges are known, but after this time or after an attempt's at the latest.
    pub(in crate::engine) async fn hedges_settled(&self, patience: Duration) {
        let settled = async {
            loop {
                let settled = self.settled.notified();
                tokio::pin!(settled);
                settled.as_mut().enable();
                if self.wallet().open_hedges().is_empty() {
                    return;
                }
                settled.await;
            }
        };
        let hedging = self.models.values().filter(|model| model.hedge.is_some());
        let providers = hedging.filter_map(|model| self.providers.get(model.name.provider()));
        let total = providers.map(|provider| provider.throttled.total).max().unwrap_or_default();
        let _ = tokio::time::timeout(patience.min(total), settled).await;
    }

    /// Charges the hedges whose bills are not known at the end of a session.
    pub(in crate::engine) fn charge_open_hedges(&self) {
        let open = self.wallet().open_hedges();
        open.into_iter().for_each(|call| self.settle_hedge(call, None, None));
    }

    fn report(&self, number: EventNumber, event: Event) {
        if let Some(post) = self.post.get() {
            // The receiver is gone only when the run is.
            let _ = post.send(Report::Fact(number, Box::new(event)));
        }
    }
}
