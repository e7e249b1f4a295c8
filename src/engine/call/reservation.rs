//! What an attempt needs before it is sent: a place at its provider, and its worst case set aside in
//! the wallet, durably.

use super::{CallContext, CallRunner, lock};
use crate::caps::Share;
use crate::engine::error::StopCause;
use crate::event::{Failure, NoAnswer, RowKey};
use crate::ledger::worst_case;
use crate::provider::Request;
use crate::provider::limit::Permit;
use crate::task::model::{ModelRole, Price, Usage};
use crate::units::{Amount, Usd};
use std::sync::atomic::Ordering;
use tokio::sync::SemaphorePermit;

/// How many calls of a role are in flight until its first bill is known: what they cost is a guess.
pub(super) const FIRST_CALLS: usize = 1;

/// A place at a provider, and a worst case that is set aside.
pub(super) struct Reservation {
    pub(super) permit: Box<dyn Permit>,
}

/// Whether the budget has room for an attempt.
enum Room {
    /// It has.
    Enough,
    /// It may, once an attempt in flight is settled.
    Later,
    /// It has none, and nothing is in flight.
    Never,
}

impl CallRunner {
    /// Why a call is not sent, in words.
    pub(super) fn why_unsent(&self, context: &CallContext<'_>, cause: NoAnswer) -> String {
        if cause == NoAnswer::NoTime {
            let words = lock(&context.provider.trouble).last_words();
            return match words {
                Some(words) => format!("the time of the run is over; {words}"),
                None => "the time of the run is over".to_owned(),
            };
        }
        let (model, most) = (&context.request.model, context.request.max_output_tokens);
        let longest = lock(&self.ratios).longest_output(context.role, most).0;
        if longest <= u64::from(most) {
            return match lock(&context.provider.trouble).billed_words() {
                Some(words) => format!(
                    "the budget has no room for it, after attempts that may have been billed: {words}"
                ),
                None => "the budget has no room for it".to_owned(),
            };
        }
        format!("`{model}` billed up to {longest} answer tokens where {most} were asked for")
    }

    /// Whether the budget has room for an attempt.
    fn room(&self, share: Share, amount: Amount) -> Room {
        let wallet = self.wallet();
        match (wallet.fits(share, amount), wallet.is_idle()) {
            (true, _) => Room::Enough,
            (false, false) => Room::Later,
            (false, true) => Room::Never,
        }
    }

    /// Under a cap, the first attempts of a role go out few at a time, until its bills are known.
    pub(super) async fn first_call(
        &self,
        context: &CallContext<'_>,
    ) -> Option<SemaphorePermit<'_>> {
        let first_calls = self.first_calls.get(&context.role)?;
        tokio::select! {
            // It is closed once they are known.
            permit = first_calls.acquire() => permit.ok(),
            () = self.halted(context.share) => None,
        }
    }

    /// Waits for a place at the provider, and sets the worst case aside, durably: so a reservation is
    /// at most one commit ahead of its attempt. Else why it is not sent: it does not fit, and no
    /// attempt is in flight that could free budget; or its time is over.
    pub(super) async fn reserve(
        &self,
        context: &CallContext<'_>,
    ) -> Result<Result<Reservation, NoAnswer>, StopCause> {
        loop {
            self.released(context.share).await;
            // What does not fit takes no place, and uses up none of the provider's rate.
            if let Err(cause) = self.until_room(context, false).await? {
                return Ok(Err(cause));
            }
            // A rate is kept by what is expected, and not by what a new text may have at most.
            let tokens = self.worst_case_of(context.role, None, context.request, false).tokens;
            context.provider.queued.fetch_add(1, Ordering::Relaxed);
            let permit = tokio::select! {
                permit = context.provider.throttled.limit.acquire(tokens) => Some(permit),
                () = self.halted(context.share) => None,
            };
            context.provider.queued.fetch_sub(1, Ordering::Relaxed);
            let Some(permit) = permit.filter(|_| !self.is_paused()) else { continue };
            let amount = self.worst_case(context, false);
            let committed = {
                let mut wallet = self.wallet();
                if !wallet.fits(context.share, amount) {
                    continue;
                }
                let event = context.reserved(amount);
                wallet.apply(&event);
                self.journal.append_durable(event)
            };
            committed.await?;
            if self.is_stopping() || self.is_closed(context.share) || self.is_paused() {
                self.charge(context, Failure::Unsent, Amount::ZERO);
                continue;
            }
            return Ok(Ok(Reservation { permit }));
        }
    }

    fn price(&self, role: ModelRole) -> Option<Price> {
        self.models.get(&role).and_then(|model| model.price)
    }

    pub(super) fn cost(&self, role: ModelRole, usage: Usage, in_batch: bool) -> Amount {
        let price = self.price(role).unwrap_or(Price::FREE);
        let price = if in_batch { price.in_batch() } else { price };
        Amount { usd: price.of(usage), tokens: usage.total() }
    }

    /// The same where a target may say what it paid.
    pub(super) fn cost_of(
        &self,
        role: ModelRole,
        usage: Usage,
        said: Option<Usd>,
        in_batch: bool,
    ) -> Amount {
        let priced = self.cost(role, usage, in_batch);
        Amount { usd: said.unwrap_or(priced.usd), ..priced }
    }

    /// Takes in what a target says that a call cost. Under a cap in dollars, one that is above what was set aside for it
    /// ends the run: the next ones could pass the cap.
    pub(super) fn check_bill(&self, context: &CallContext<'_>, said: Option<Usd>) {
        let most = self.price(context.role).and_then(|price| price.max_per_call);
        let most = most.and_then(Usd::from_dollars);
        let (Some(said), Some(most)) = (said, most) else { return };
        if said > most && self.wallet().is_capped_in_usd() {
            let model = &context.request.model;
            let why = format!(
                "`{model}` says that a call cost {said}, above the {most} of `max_per_call`, which is set aside for \
                 each: raise `max_per_call`"
            );
            self.over_bill.get_or_init(|| why);
        }
    }

    fn worst_case(&self, context: &CallContext<'_>, in_batch: bool) -> Amount {
        self.worst_case_of(context.role, context.row, context.request, in_batch)
    }

    /// What a request may cost; `row` is what it asks, where it is an evaluation.
    pub(super) fn worst_case_of(
        &self,
        role: ModelRole,
        row: Option<RowKey>,
        request: &Request,
        in_batch: bool,
    ) -> Amount {
        let billed = lock(&self.billed);
        let ratios = lock(&self.ratios);
        let prompt = match row {
            Some(asked) => billed.estimate(asked, request, &ratios),
            None => ratios.estimate(role, request.bytes()),
        };
        drop(billed);
        let output = ratios.longest_output(role, request.max_output_tokens);
        drop(ratios);
        let price = self.price(role);
        worst_case(
            if in_batch { price.map(|price| price.in_batch()) } else { price },
            prompt,
            output,
        )
    }

    /// Waits until the budget may have room for an attempt; else why it has none: it does not fit, and
    /// nothing is out that could free budget; or its time is over.
    pub(super) async fn until_room(
        &self,
        context: &CallContext<'_>,
        in_batch: bool,
    ) -> Result<Result<(), NoAnswer>, StopCause> {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if self.is_stopping() {
                return Err(StopCause::Cancelled);
            }
            if self.is_closed(context.share) {
                return Ok(Err(NoAnswer::NoTime));
            }
            match self.room(context.share, self.worst_case(context, in_batch)) {
                Room::Enough => return Ok(Ok(())),
                Room::Later => settled.await,
                Room::Never => return Ok(Err(NoAnswer::NoBudget)),
            }
        }
    }
}
