//! How requests get into a batch: they are gathered, their worst cases set aside, their batch written down,
//! and only then begun.
//!
//! One of the calls of a batch does this for all of them. A batch that may have begun is looked for at its
//! provider before it is begun again; `collection` does that, and waits for what comes back.

use super::collection::{Collection, UNLISTED};
use super::{CallContext, CallRunner, lock};
use crate::clock::Clock;
use crate::engine::batches::{BatchOutcome, Gathered, custom_id, new_name};
use crate::engine::error::StopCause;
use crate::event::{Batch, Event, Failure, StopReason};
use crate::id::Call;
use crate::provider::LlmError;
use crate::provider::batch::{BatchApi, BatchQuery, BatchRow, Prepared};
use crate::task::model::{Execution, ModelRole};
use crate::text;
use crate::units::Amount;
use futures_util::stream::{StreamExt, TryStreamExt, iter};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

/// A batch is submitted once no further request came for this long.
const QUIET: Duration = Duration::from_secs(1);
/// It is submitted at the latest after this time.
const LONGEST_GATHERING: Duration = Duration::from_secs(30);
/// `auto` asks fewer requests than this live.
const FEW: usize = 20;
/// The most batches of one role that are at their provider at a time: they are held in memory.
const MOST_OUT: usize = 8;
/// How long a batch is looked for whose provider had no room for it.
const THROTTLED_UNLISTED: Duration = Duration::from_secs(5);
/// How often one is begun that its provider fails to take and does not list. Each time it may be there after all.
const MOST_POSTS: u32 = 3;

impl CallRunner {
    /// Whether a call is in a batch that has not come back.
    pub(super) fn is_in_batch(&self, call: Call) -> bool {
        lock(&self.batches).batch_of(call).is_some()
    }

    /// Whether an attempt may wait for the next batch.
    pub(super) fn takes_batch(&self, context: &CallContext<'_>) -> bool {
        let execution = self.execution(context);
        if execution == Execution::Live || context.provider.throttled.batches.is_none() {
            return false;
        }
        let late_in = self.late_in(context.share, 1);
        let batches = lock(&self.batches);
        batches.take_model(&context.request.model)
            && late_in.is_none_or(|left| !left.is_zero() && left >= batches.expected_wait())
    }

    /// How long the next batch is expected to take, where calls of the task model are made in batches.
    #[must_use]
    pub fn expected_wait(&self) -> Duration {
        let model = self.models.get(&ModelRole::Task);
        let Some(model) = model.filter(|model| !model.execution.is_live()) else {
            return Duration::ZERO;
        };
        let batches = lock(&self.batches);
        if batches.take_model(&model.name) { batches.expected_wait() } else { Duration::ZERO }
    }

    /// What a batch brings for a call.
    pub(super) async fn by_batch(
        &self,
        context: &CallContext<'_>,
    ) -> Result<BatchOutcome, StopCause> {
        let (sender, brought) = oneshot::channel();
        let Some(api) = &context.provider.throttled.batches else { return Ok(BatchOutcome::Live) };
        self.brought(context, &**api, sender, brought).await
    }

    /// Joins a batch, and waits for what it brings.
    async fn brought(
        &self,
        context: &CallContext<'_>,
        api: &dyn BatchApi,
        sender: oneshot::Sender<BatchOutcome>,
        brought: oneshot::Receiver<BatchOutcome>,
    ) -> Result<BatchOutcome, StopCause> {
        let call = context.call;
        let in_batch = lock(&self.batches).batch_of(call);
        match in_batch {
            Some(name) => {
                let follows = lock(&self.batches).ask(&name, call, sender);
                if follows {
                    let collection = Collection::new(&name, api, &context.request.form);
                    self.collect(context, collection).await?;
                }
            }
            None => {
                let CallContext { role, share, row, request, .. } = *context;
                let request = request.clone();
                let gathered = Gathered { call, role, share, row, request, given: sender };
                let leads = lock(&self.batches).gather(gathered);
                self.gathered.notify_waiters();
                if leads {
                    self.submit_gathered(context, api).await?;
                }
            }
        }
        tokio::select! {
            brought = brought => match brought {
                Ok(brought) => Ok(brought),
                // The call that followed the batch stops the run, and says why.
                Err(_) => {
                    self.stopped().await;
                    Err(StopCause::Cancelled)
                }
            },
            () = self.stopped() => Err(StopCause::Cancelled),
        }
    }

    /// Waits until no more requests come, and submits them.
    async fn submit_gathered(
        &self,
        context: &CallContext<'_>,
        api: &dyn BatchApi,
    ) -> Result<(), StopCause> {
        let (group, began) = ((context.role, context.share), Instant::now());
        loop {
            let more = self.gathered.notified();
            tokio::pin!(more);
            more.as_mut().enable();
            tokio::select! {
                () = sleep(QUIET) => break,
                () = more => {}
                () = self.stopped() => return Err(StopCause::Cancelled),
            }
            if began.elapsed() >= LONGEST_GATHERING {
                break;
            }
        }
        self.released(context.share).await;
        let count = lock(&self.batches).gathered(group);
        let batches = lock(&self.batches).take(group);
        let is_few = self.execution(context) == Execution::Auto && count < FEW;
        let submitted = iter(batches).map(|rows| async move {
            // The later ones had to wait for the earlier ones.
            if is_few || !self.takes_batch(context) {
                for gathered in rows {
                    let _ = gathered.given.send(BatchOutcome::Live);
                }
                return Ok(());
            }
            self.submit(context, api, rows).await
        });
        submitted.buffer_unordered(MOST_OUT).try_collect().await
    }

    /// Sets the worst cases aside and writes the batch down, durably; begins it, and collects what it brings.
    async fn submit(
        &self,
        context: &CallContext<'_>,
        api: &dyn BatchApi,
        gathered: Vec<Gathered>,
    ) -> Result<(), StopCause> {
        let now = Clock::System.now();
        let (name, model) = (new_name(now), context.request.model.clone());
        let (rows, mut reserved) = self.set_aside(gathered);
        let Some(last) = reserved.pop() else { return Ok(()) };
        let calls = rows.iter().map(|gathered| gathered.call).collect();
        let batch = Batch { name: name.to_string(), model: model.clone(), calls, at: now };
        let requests: Vec<_> =
            rows.iter().map(|it| (custom_id(&name, it.call), it.request.clone())).collect();
        let size = rows.len();
        let worst = reserved.iter().chain([&last]).filter_map(amount_of).collect();
        lock(&self.batches).submitted(&name, now, worst, rows);
        // The batch comes first: a kill in between leaves one that was not begun and costs nothing, and no
        // worst cases of calls that nothing holds.
        self.journal.append(Event::BatchPlanned(batch))?;
        for event in reserved {
            self.journal.append(event)?;
        }
        self.journal.append_durable(last).await?;
        let rows: Vec<_> =
            requests.iter().map(|(custom_id, request)| BatchRow { custom_id, request }).collect();
        let mut collection = Collection::new(&name, api, &context.request.form);
        let prepared = loop {
            if self.is_stopping() {
                return Err(StopCause::Cancelled);
            }
            if self.is_closed(context.share) {
                self.not_taken(&name);
                return Ok(());
            }
            match api.prepare(&name, &rows).await {
                Ok(prepared) => break prepared,
                Err(error) if is_refusal(&error) => {
                    return self.refused(context, &collection, &model, error).await;
                }
                Err(error) => self.pause_after(context, &mut collection, error).await?,
            }
        };
        drop(rows);
        drop(requests);
        match self.begin(context, &mut collection, &prepared, size).await? {
            true => self.collect(context, collection).await,
            false => Ok(()),
        }
    }

    /// Sets the worst cases aside of those that the budget has room for, and returns these with what is to be
    /// written of them.
    fn set_aside(&self, gathered: Vec<Gathered>) -> (Vec<Gathered>, Vec<Event>) {
        let (mut rows, mut reserved, mut without_room) = (Vec::new(), Vec::new(), Vec::new());
        for gathered in gathered {
            let Gathered { role, row, ref request, .. } = gathered;
            let amount = self.worst_case_of(role, row, request, true);
            let mut wallet = self.wallet();
            if !wallet.fits(gathered.share, amount) {
                without_room.push(gathered);
                continue;
            }
            let Gathered { call, role, share, .. } = gathered;
            let event = Event::Reserved { call, amount, role, share };
            wallet.apply(&event);
            reserved.push(event);
            rows.push(gathered);
        }
        for gathered in without_room {
            let _ = gathered.given.send(BatchOutcome::NoRoom);
        }
        (rows, reserved)
    }

    /// Begins a batch; whether it is at its provider. Where that is not known it is looked for, and begun
    /// again only where the provider said that it did not take it and does not list it either.
    async fn begin(
        &self,
        context: &CallContext<'_>,
        collection: &mut Collection<'_>,
        prepared: &Prepared,
        rows: usize,
    ) -> Result<bool, StopCause> {
        let (api, form, name) = (collection.api, collection.form, Arc::clone(&collection.name));
        // Where a provider keeps no name, batches that it lists before the POST are not this one.
        let sought = BatchQuery { name: &name, rows, since: Clock::System.now() };
        let before = api.find(form, sought).await.unwrap_or_default();
        collection.others = before.into_iter().map(|found| found.id).collect::<BTreeSet<_>>();
        let mut unlisted = UnlistedPosts::default();
        let patience = context.provider.throttled.patience.silence;
        loop {
            if self.is_stopping() {
                return Err(StopCause::Cancelled);
            }
            if self.is_closed(context.share) {
                if self.is_there_after_all(context, collection, &mut unlisted).await? {
                    return Ok(true);
                }
                self.not_taken(&name);
                return Ok(false);
            }
            if !self.reserve_posts(context, &name, 1 + unlisted.count()).await? {
                if unlisted.throttled.is_empty() {
                    let why = "a batch may have begun, and the budget has no room to begin it once more; resume when \
                               its provider lists it";
                    return Err(context.trouble(StopReason::NoAnswers, why));
                }
                if self.is_there_after_all(context, collection, &mut unlisted).await? {
                    return Ok(true);
                }
                continue;
            }
            self.posted(&name).await?;
            let posted = Instant::now();
            let error = match api.begin(form, prepared).await {
                Ok(id) => {
                    lock(&self.batches).grow(&context.request.model, rows);
                    self.submitted(&name, &id).await?;
                    return Ok(true);
                }
                Err(error) => error,
            };
            if is_refusal(&error) {
                if self.is_there_after_all(context, collection, &mut unlisted).await? {
                    return Ok(true);
                }
                let model = context.request.model.clone();
                self.refused(context, collection, &model, error).await?;
                return Ok(false);
            }
            if error.failure.is_before_sending() {
                self.pause_after(context, collection, error).await?;
                continue;
            }
            let LlmError { failure, may_be_billed, .. } = error;
            let why = error.message.clone();
            self.pause_after(context, collection, error).await?;
            if may_be_billed {
                return Ok(true);
            }
            // A server that fails bills no answer for it; but what it was asked to make may be there, and be
            // listed late.
            let is_throttled = failure == Failure::Throttled;
            let long = UNLISTED.min(patience);
            let longest = if is_throttled { THROTTLED_UNLISTED.min(long) } else { long };
            if !self.found(context, collection, longest).await?.is_empty() {
                return Ok(true);
            }
            unlisted.add(is_throttled, posted, long);
            if let Some(why_not) = unlisted.why_give_up(patience) {
                return Err(context.trouble(StopReason::NoAnswers, &format!("{why_not}: {why}")));
            }
        }
    }

    /// Whether a batch that is not begun again is at its provider since an earlier post. Where its provider's list has
    /// gone without it for long, what is set aside is for the posts that a server's error answered.
    async fn is_there_after_all(
        &self,
        context: &CallContext<'_>,
        collection: &mut Collection<'_>,
        unlisted: &mut UnlistedPosts,
    ) -> Result<bool, StopCause> {
        if unlisted.count() == 0 {
            return Ok(false);
        }
        let long = UNLISTED.min(context.provider.throttled.patience.silence);
        if !self.found(context, collection, long).await?.is_empty() {
            return Ok(true);
        }
        unlisted.throttled.clear();
        let name = Arc::clone(&collection.name);
        self.reserve_posts(context, &name, 1 + unlisted.count()).await?;
        Ok(false)
    }

    /// Sets the worst cases of a batch aside as often as it may have begun once it is posted, durably; whether the
    /// budget has room for that. All of these may be billed.
    pub(super) async fn reserve_posts(
        &self,
        context: &CallContext<'_>,
        name: &str,
        posts: usize,
    ) -> Result<bool, StopCause> {
        let (role, share) = (context.role, context.share);
        let (left, worst) = {
            let mut batches = lock(&self.batches);
            let left = batches.left(name);
            let Some(out) = batches.get(name) else { return Ok(true) };
            (left, out.batch.worst.clone())
        };
        let mut events: Vec<Event> = {
            let mut wallet = self.wallet();
            let wanted = left.into_iter().filter_map(|call| {
                let amount = worst.get(&call).copied().unwrap_or_default().times(posts as u64);
                (amount != wallet.reserved(call)).then_some((call, amount))
            });
            let wanted: Vec<(Call, Amount)> = wanted.collect();
            let more =
                wanted.iter().map(|(call, amount)| amount.less(wallet.reserved(*call))).sum();
            if more != Amount::ZERO && !wallet.fits(share, more) {
                return Ok(false);
            }
            let reserved = wanted.into_iter().map(|(call, amount)| {
                let event = Event::Reserved { call, amount, role, share };
                wallet.apply(&event);
                event
            });
            reserved.collect()
        };
        let Some(last) = events.pop() else { return Ok(true) };
        for event in events {
            self.journal.append(event)?;
        }
        self.journal.append_durable(last).await?;
        Ok(true)
    }

    /// Writes down that a batch is about to begin.
    async fn posted(&self, name: &str) -> Result<(), StopCause> {
        let at = Clock::System.now();
        if let Some(out) = lock(&self.batches).get(name) {
            out.batch.post(at);
        }
        self.journal.append_durable(Event::BatchPosted { name: name.to_owned(), at }).await?;
        Ok(())
    }

    /// Writes down the id of a batch that is at its provider.
    pub(super) async fn submitted(&self, name: &str, id: &str) -> Result<(), StopCause> {
        if let Some(out) = lock(&self.batches).get(name) {
            out.batch.id = Some(id.to_owned());
        }
        let event = Event::BatchSubmitted { name: name.to_owned(), id: id.to_owned() };
        self.journal.append_durable(event).await?;
        Ok(())
    }

    /// Ends a batch that its provider did not take when it was last asked: its calls are asked anew. What is set aside
    /// for earlier posts, which may be there, counts as paid. This is written down here, so that it holds also where the
    /// run stops now.
    pub(super) fn not_taken(&self, name: &str) {
        let (left, worst) = {
            let mut batches = lock(&self.batches);
            let left = batches.left(name);
            (left, batches.get(name).map(|out| out.batch.worst.clone()).unwrap_or_default())
        };
        for call in left {
            let once = worst.get(&call).copied().unwrap_or_default();
            let charged = self.wallet().reserved(call).less(once);
            let failure = if charged == Amount::ZERO { Failure::Unsent } else { Failure::Timeout };
            let event = Event::AttemptFailed { call, failure, charged };
            let number = self.note(&event);
            let written = number.map(|number| (number, event));
            lock(&self.batches).give(name, call, BatchOutcome::NotTaken(written));
        }
        self.settled.notify_waiters();
    }
}

/// Posts of a batch that brought no batch, each of which may be at the provider all the same.
#[derive(Default)]
struct UnlistedPosts {
    /// Those that a server's error answered: what it made may be listed at any time.
    failed: u32,
    /// When those were that were answered with 429, until the provider's list has gone without them for long.
    throttled: Vec<Instant>,
    /// Since when all were answered with 429. What the provider's list says is no answer to them.
    throttled_since: Option<Instant>,
}

impl UnlistedPosts {
    /// Takes in one that the provider does not list; those of 429 are forgotten after this long.
    fn add(&mut self, is_throttled: bool, posted: Instant, long: Duration) {
        if is_throttled {
            self.throttled.push(posted);
            self.throttled_since.get_or_insert_with(Instant::now);
        } else {
            self.failed += 1;
            self.throttled_since = None;
        }
        self.throttled.retain(|posted| posted.elapsed() < long);
    }

    /// Why there is no point in another one, if so.
    fn why_give_up(&self, patience: Duration) -> Option<String> {
        let throttled = self.throttled_since.map(|since| since.elapsed());
        match throttled.filter(|waited| *waited >= patience) {
            Some(waited) => Some(format!("no batch was taken for {}", text::duration(waited))),
            None => (self.failed >= MOST_POSTS)
                .then(|| format!("{} times a batch did not begin", self.failed)),
        }
    }

    fn count(&self) -> usize {
        self.failed as usize + self.throttled.len()
    }
}

fn amount_of(event: &Event) -> Option<(Call, Amount)> {
    match event {
        Event::Reserved { call, amount, .. } => Some((*call, *amount)),
        _ => None,
    }
}

/// Whether a provider took nothing of a batch, and will not.
fn is_refusal(error: &LlmError) -> bool {
    error.failure.stops_run() || matches!(error.failure, Failure::BadRequest | Failure::Filter)
}
