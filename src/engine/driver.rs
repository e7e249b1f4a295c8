//! The one loop, sole owner of the state: durable first, then applied, then shown.
//!
//! Only facts from outside are awaited. What the loop decides depends on folded events alone, never
//! on what has arrived, so the same seed and the same answers give the same run at any concurrency
//! and after any number of kills. The exceptions are journaled: the moment when the time is over, what
//! hedges cost, which are sent because an answer is late, and, with the order `arrival`, which answer is
//! folded next: a run by it follows from its journal, and not from its seed and answers.

use super::budget::Time;
use super::embeddings::embedded;
use super::error::{Outcome, SearchError, StopCause};
use super::inbox::{Arrived, Content, Report, TICK, Turn, Woken};
use super::job::Question;
use super::next::Next;
use super::remedy::Remedy;
use super::resume::resume_calls;
use super::search::Search;
use super::steering::{Change, NotChanged};
use crate::candidate::Candidate;
use crate::caps::{Caps, Share};
use crate::event::{CachedOf, Event, RowKey, StopReason};
use crate::id::{Call, EventNumber};
use crate::ledger::Least;
use crate::state::{Look, Phase, Work};
use crate::task::model::ModelRole;
use crate::text;
use crate::units::Amount;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long calls in flight are awaited when a run stops, where they have been waited for too long
/// already.
const STUCK_DRAIN: Duration = Duration::from_secs(2);
/// This number of broken proposals in a row stops a run, and so does this number of requests for vectors that
/// bring none, or of answers whose grades cannot be read.
const MAX_BROKEN: u32 = 20;

impl Search {
    /// Runs to the end, or to an interruption.
    ///
    /// # Errors
    /// A journal that cannot be written, or a request that cannot be rendered.
    pub async fn run(&mut self) -> Result<Outcome, SearchError> {
        self.begin()?;
        loop {
            self.take_reports();
            self.take_changes()?;
            self.bind_time();
            if let Some(cause) = self.stop_cause() {
                return self.leave(cause).await;
            }
            self.take_look()?;
            match self.planner.next(&self.state, &self.time())? {
                Next::Decide(Event::SearchEnded { reason })
                    if reason != StopReason::Decided && self.is_unfinished_evaluation() =>
                {
                    self.end_hedges().await;
                    self.journal.flush().await?;
                    return Ok(Outcome::Finished);
                }
                Next::Stop(reason, why) => {
                    let why = match self.unread_grades() {
                        Some(unread) => format!("{why}; {unread}"),
                        None => why,
                    };
                    self.stop = Some(StopCause::trouble(reason, why));
                }
                Next::Decide(event) => self.record(event)?,
                Next::Copy(answers) => self.copy(answers).await?,
                Next::Start(event, jobs) => {
                    self.record(event)?;
                    for job in jobs {
                        if matches!(job.question, Question::Grade { .. }) {
                            self.inbox.await_grade(job.call);
                        }
                        self.workers.start(job);
                    }
                }
                Next::Fold(turn) => self.fold(turn).await?,
                Next::Finish => {
                    self.end_hedges().await;
                    self.record(Event::Finished { at: self.clock.now() })?;
                    self.journal.flush().await?;
                    return Ok(Outcome::Finished);
                }
            }
        }
    }

    /// Whether an evaluation has rows without an answer: it goes on when it is asked for again.
    fn is_unfinished_evaluation(&self) -> bool {
        let column = self.state.baseline().dev();
        self.planner.strategy.is_evaluation() && column.missing() > 0
    }

    /// The first event of a new run; what the open calls of a resumed one need.
    fn begin(&mut self) -> Result<(), SearchError> {
        if self.state.phase == Phase::New {
            let baseline = Candidate::baseline(self.task.baseline.clone());
            return self.record(Event::Started { at: self.clock.now(), baseline });
        }
        let Self { planner, workers, inbox, journal, state, .. } = self;
        resume_calls(planner, workers, inbox, journal, state)?;
        self.share_with_wallet();
        Ok(())
    }

    /// Applies and appends one event of our own: it need not be durable, it can be derived again.
    fn record(&mut self, event: Event) -> Result<(), SearchError> {
        let number = self.journal.append(event.clone())?;
        self.apply(number, &event);
        Ok(())
    }

    /// Makes answers of earlier runs durable, and applies them: from then on they are the journal's own.
    async fn copy(&mut self, answers: Vec<Event>) -> Result<(), SearchError> {
        let append = |event: Event| Ok((self.journal.append(event.clone())?, event));
        let copied = answers.into_iter().map(append).collect::<Result<Vec<_>, SearchError>>()?;
        self.journal.flush().await?;
        for (number, event) in copied {
            self.apply(number, &event);
        }
        Ok(())
    }

    fn apply(&mut self, number: EventNumber, event: &Event) {
        self.state.apply(number, event);
        for observer in &mut self.observers {
            observer.observe(number, event, &self.state);
        }
    }

    /// Counts a look at held-out rows before the first of them is asked.
    fn take_look(&mut self) -> Result<(), SearchError> {
        let Some(counter) = &self.look_counter else { return Ok(()) };
        let shown = self.task.shown_held_out();
        if self.state.phase == Phase::Searching
            && self.state.shown_look.is_none()
            && !shown.is_empty()
        {
            let number = counter.take(counter.shows.to_owned(), shown, 0, self.clock.now())?;
            return self.record(Event::LookTaken { number });
        }
        let Some(look) = self.state.look_to_take() else { return Ok(()) };
        let ids = look.candidates.iter().map(|it| self.state.standing(*it).candidate.id.as_str());
        let mut claim = format!("{} on {} rows", ids.collect::<Vec<_>>().join(" "), look.rows);
        // One that was cut short and is taken again is another look, and needs another name.
        let is_alike = |it: &&Look| (&it.candidates, it.rows) == (&look.candidates, look.rows);
        let attempt = self.state.looks.iter().filter(is_alike).count();
        if attempt > 1 {
            let _ = write!(claim, ", attempt {attempt}");
        }
        let hashes = self.task.splits.hold.content_hashes();
        let rows = &hashes[..hashes.len().min(look.rows as usize)];
        let number = counter.take(claim, rows, look.number - 1, self.clock.now())?;
        self.record(Event::LookTaken { number })
    }

    /// Makes the changes that are asked for, and shows them at once.
    fn take_changes(&mut self) -> Result<(), SearchError> {
        while let Some((change, answer)) = self.steering.next() {
            let made = match change {
                Change::Caps(caps) => self.change_caps(caps)?,
                Change::Concurrency(most) => {
                    let most = self.runner.set_concurrency(most);
                    self.planner.lanes = most.min(self.planner.lookahead.evaluations);
                    Ok(())
                }
                Change::Pause => self.runner.pause_all(),
                Change::GoOn => self.runner.go_on(),
            };
            for observer in &mut self.observers {
                observer.tick(&self.state);
            }
            // Who asked may have gone.
            let _ = answer.send(made);
        }
        Ok(())
    }

    /// Replaces caps. Those that are lower leave room for what is issued already.
    fn change_caps(&mut self, caps: Caps) -> Result<Result<(), NotChanged>, SearchError> {
        if self.state.phase > Phase::Searching {
            let why = "its search has ended, and its winner is being confirmed: once it is finished, `resume` with \
                       higher caps goes on";
            return Ok(Err(NotChanged::Refused(why.to_owned())));
        }
        let before = self.planner.budget.caps();
        let caps = caps.over(before);
        let least = Least::of_running(&self.state.plan, &self.runner.wallet());
        if let Some((used, cap)) = least.exceeds(caps.other_than(before)) {
            let why =
                format!("it has used, or asked for, {used}: a cap of {cap} must be above that");
            return Ok(Err(NotChanged::Refused(why)));
        }
        self.record(Event::CapsChanged { caps })?;
        self.planner.budget.set_caps(caps);
        self.runner.set_caps(caps);
        self.share_with_wallet();
        Ok(Ok(()))
    }

    fn take_reports(&mut self) {
        while let Some(report) = self.inbox.next_now() {
            self.take_report(report);
        }
    }

    fn take_report(&mut self, report: Report) {
        match report {
            Report::Fact(number, event) => self.apply(number, &event),
            Report::Arrived(arrived) => self.take_arrival(arrived),
        }
    }

    fn take_arrival(&mut self, arrived: Arrived) {
        for (number, event) in arrived.facts {
            self.apply(number, &event);
        }
        // Once: a resume with the same budget folds what is there, and sends nothing.
        if !self.is_over_budget
            && let Some(why) = self.runner.wallet().passed_cap()
        {
            self.is_over_budget = true;
            let cause = StopCause::trouble(StopReason::OverBudget, why);
            self.stop = self.stop.take().or(Some(cause));
        }
        match arrived.content {
            Ok(content) => self.inbox.put(arrived.call, content),
            Err(cause) => self.stop = self.stop.take().or(Some(cause)),
        }
        self.stop = self.stop.take().or(arrived.stop);
    }

    /// The first cause to stop, if there is one.
    fn stop_cause(&mut self) -> Option<StopCause> {
        let cancelled = *self.cancel.borrow();
        let counts = &self.state.counts;
        let broken = (counts.broken_in_a_row >= MAX_BROKEN).then(|| {
            let (broken, example) = (counts.broken_in_a_row, &counts.broken_example);
            let why = format!(
                "{broken} replies of the mutator in a row brought no prompt, such as: {example}"
            );
            StopCause::trouble(StopReason::BrokenProposer, why)
        });
        let vain = (counts.vain_embeddings_in_a_row >= MAX_BROKEN).then(|| {
            let mut failed = counts.failed_calls.values();
            let example = failed.find_map(|failed| failed.examples.get(&ModelRole::Embed));
            let said =
                example.map_or("its vectors have another number of dimensions than most", |it| it);
            let vain = counts.vain_embeddings_in_a_row;
            let why = format!(
                "{vain} requests to the embedding model in a row brought no vector, such as: {said}"
            );
            StopCause::trouble(StopReason::NoAnswers, why)
        });
        let unread = self.unread_grades().filter(|_| counts.unread_grades_in_a_row >= MAX_BROKEN);
        let unread = unread.map(|why| StopCause::trouble(StopReason::NoAnswers, why));
        let cancelled = cancelled.then_some(StopCause::Cancelled);
        self.stop.take().or(cancelled).or(broken).or(vain).or(unread)
    }

    /// That the grades of the last answers could not be read, if they could not.
    fn unread_grades(&self) -> Option<String> {
        let counts = &self.state.counts;
        let (unread, example) = (counts.unread_grades_in_a_row, &counts.unread_example);
        let answers = text::plural(unread as usize, "answer");
        (unread > 0).then(|| {
            format!("the judge's replies about {answers} in a row could not be read: {example}")
        })
    }

    fn time(&self) -> Time {
        let (running, latency) = (self.runner.running(), self.runner.mean_latency());
        let (spacing, batch) = (self.runner.spacing(), self.runner.expected_wait());
        Time { running, now: self.clock.now(), latency, spacing, batch }
    }

    /// Waits for a call and folds it.
    async fn fold(&mut self, turn: Turn) -> Result<(), SearchError> {
        let (call, open) = loop {
            if let Some(ready) = self.inbox.ready(&self.state, turn) {
                break ready;
            }
            match self.inbox.next(&mut self.cancel).await {
                Woken::Report(report) => {
                    self.take_report(report);
                    // What the call's hedge costs may be there, too.
                    self.take_reports();
                    // Others may be answered for long before this call is.
                    self.bind_time();
                }
                Woken::Stop => self.stop = Some(StopCause::Cancelled),
                Woken::Tick => self.tick(),
            }
            self.take_changes()?;
            if self.stop.is_some() {
                return Ok(());
            }
        };
        let content = self.inbox.take(call);
        let event = match open.work {
            Work::Evaluation(to) => {
                if let (Content::Missing, Some(CachedOf::Answer(answer)), Some(calls)) =
                    (&content, open.cached, open.judging)
                {
                    match self.scoring.ungraded(answer) {
                        Ok(None) => {}
                        // It is folded once it is graded for this row, too.
                        Ok(Some(answered)) => {
                            self.inbox.await_grade(call);
                            self.workers.score(call, to, answered, answer, Some(calls), false);
                            return Ok(());
                        }
                        Err(cause) => {
                            self.stop = Some(cause);
                            return Ok(());
                        }
                    }
                }
                let RowKey { split, row, .. } = to;
                let own = self.state.arrivals.get(&call).and_then(|arrival| arrival.answer);
                match self.scoring.outcome((split, row), own, open.cached, content).await {
                    Ok(outcome) => Event::EvaluationFolded { call, outcome },
                    Err(cause) => {
                        self.stop = Some(cause);
                        return Ok(());
                    }
                }
            }
            Work::Proposal(proposal, _) => {
                let vectors = self.planner.vectors_of_reply(&self.state, proposal, &content)?;
                if let Some((event, job)) = vectors {
                    // It is folded once the vectors of its texts are.
                    self.inbox.put(call, content);
                    self.record(event)?;
                    self.workers.start(job);
                    return Ok(());
                }
                let outcome = self.planner.outcome(&self.state, proposal, &content)?;
                Event::ProposalFolded { call, outcome }
            }
            Work::Embedding(model, texts) => {
                Event::EmbeddingFolded { call, texts: embedded(&model, &texts, &content) }
            }
        };
        self.planner.requests.forget(call);
        self.record(event)?;
        self.share_with_wallet();
        Ok(())
    }

    /// Once a time is over, nothing more is sent out of its share; what is in flight is awaited. The
    /// search ends early enough for the confirmation.
    fn bind_time(&self) {
        let (time, lanes) = (self.time(), self.planner.lanes);
        for share in [Share::Search, Share::Hold] {
            let left = self.planner.budget.time_left(&self.state, share, &time, lanes);
            self.runner.set_time_left(share, left);
        }
        let is_searching = self.state.phase == Phase::Searching;
        if is_searching && self.planner.budget.out_of_time(&self.state, &time, lanes).is_some() {
            self.runner.close(Share::Search);
        }
        if self.planner.budget.is_time_over(&time) {
            self.runner.close(Share::Search);
            self.runner.close(Share::Hold);
        }
    }

    /// Nothing came for a while: people see the clock go on, and limits bind.
    fn tick(&mut self) {
        for observer in &mut self.observers {
            observer.tick(&self.state);
        }
        self.bind_time();
        let is_time_over = self.planner.budget.is_time_over(&self.time());
        if let Some(why) = self.runner.is_stuck(is_time_over) {
            self.drain = STUCK_DRAIN;
            self.stop = Some(StopCause::trouble(StopReason::NoAnswers, why));
        }
    }

    /// Tells the wallet how much the search must leave to the confirmation.
    fn share_with_wallet(&self) {
        let amount = match self.state.phase {
            Phase::Searching | Phase::Choosing => self.planner.budget.hold_amount(&self.state),
            _ => Amount::ZERO,
        };
        self.runner.wallet().set_hold_share(amount);
    }

    /// Undoes the effects of a streak that stops the run: its calls that are not folded are open again,
    /// and the rows of the others are missing.
    fn reopen(&mut self, streak: &[(Call, RowKey)]) -> Result<(), SearchError> {
        let state = &self.state;
        let (open, folded): (Vec<_>, Vec<_>) =
            streak.iter().partition(|(call, _)| state.call(*call).is_some());
        let open = open.into_iter().map(|(call, _)| call);
        let calls: Vec<Call> = open.filter(|call| state.arrivals.contains_key(call)).collect();
        let cell =
            |to: RowKey| state.standing(to.candidate).column(to.split, to.replicate).cell(to.row);
        let answers = folded.into_iter().filter_map(|(_, to)| cell(to).answer()).collect();
        let answers = state.rows_scored_by(&answers);
        if !answers.is_empty() {
            self.record(Event::AnswersWithdrawn { answers })?;
        }
        if !calls.is_empty() {
            let event = Event::CallsReopened { role: ModelRole::Task, calls };
            self.runner.enter(&event);
            self.record(event)?;
        }
        Ok(())
    }

    /// Waits for the bills of requests that were sent twice, unless the run is asked to stop, and charges what is
    /// not known then.
    async fn end_hedges(&mut self) {
        let is_time_over = self.planner.budget.is_time_over(&self.time());
        let patience = if is_time_over { self.drain } else { Duration::MAX };
        let runner = Arc::clone(&self.runner);
        let settled = runner.hedges_settled(patience);
        tokio::pin!(settled);
        loop {
            tokio::select! {
                () = &mut settled => break,
                // Also where nothing is left that could ask for it.
                _ = self.cancel.wait_for(|is_asked| *is_asked) => break,
                () = tokio::time::sleep(TICK) => {}
            }
            for observer in &mut self.observers {
                observer.tick(&self.state);
            }
        }
        self.runner.charge_open_hedges();
        self.take_reports();
    }

    /// Stops sending, waits for what is out, and leaves.
    async fn leave(&mut self, cause: StopCause) -> Result<Outcome, SearchError> {
        let began = Instant::now();
        self.steering.end();
        self.workers.stop(self.drain).await;
        self.runner.hedges_settled(self.drain.saturating_sub(began.elapsed())).await;
        self.runner.charge_open_hedges();
        self.take_reports();
        let streak = self.runner.quarantine().stopped();
        if let StopCause::Journal(error) = cause {
            return Err(error.into());
        }
        // A mutator that answers nothing useful may share its trouble with the task model.
        if let StopCause::Trouble {
            reason: StopReason::NoAnswers | StopReason::BrokenProposer,
            ..
        } = &cause
        {
            let useless = self.state.useless_answers.iter().map(|(call, key, _)| (*call, *key));
            let calls: BTreeSet<(Call, RowKey)> = streak.into_iter().chain(useless).collect();
            self.reopen(&calls.into_iter().collect::<Vec<_>>())?;
        }
        let cause = match cause {
            // What was in flight is in it by now.
            StopCause::Trouble { reason: StopReason::OverBudget, why } => {
                let wallet = self.runner.wallet();
                match wallet.passed_cap() {
                    Some(why) => StopCause::trouble(StopReason::OverBudget, why),
                    None if self.runner.over_bill().is_some() => {
                        StopCause::trouble(StopReason::OverBudget, why)
                    }
                    // No bill passed it: what may have been billed used it up.
                    None => {
                        let reason = wallet.nearest_cap().unwrap_or(StopReason::OverBudget);
                        StopCause::trouble(reason, why)
                    }
                }
            }
            cause => cause,
        };
        let stopped = match &cause {
            StopCause::Trouble { reason, why } => Some((*reason, why.clone())),
            StopCause::Cancelled => Some((StopReason::Stopped, cause.to_string())),
            _ => None,
        };
        if let Some((reason, why)) = stopped {
            let ran_ms = u64::try_from(self.runner.running().as_millis()).unwrap_or(u64::MAX);
            self.record(Event::Stopped { at: self.clock.now(), ran_ms, reason, why })?;
        }
        self.journal.flush().await?;
        Ok(match cause {
            StopCause::Panicked { call, message } => {
                return Err(SearchError::Panicked { call, message });
            }
            StopCause::Trouble { reason, why } => {
                let met = self.runner.quarantine().stopped_by();
                let met = met.filter(|_| reason == StopReason::NoAnswers);
                let of_answers = met.and_then(Remedy::of_answers);
                let remedy = of_answers.or_else(|| self.runner.remedy(&why));
                Outcome::Trouble { reason, why, remedy }
            }
            StopCause::Scorer(_) => Outcome::BrokenScorer(cause.to_string()),
            StopCause::Cancelled | StopCause::Journal(_) => Outcome::Interrupted,
        })
    }
}
