//! The one loop, sole owner of the state: durable first, then believed, then shown.
//!
//! Only facts from outside are awaited. What the loop decides depends on folded events alone, never
//! on what has arrived, so the same seed and the same answers give the same run at any concurrency
//! and after any number of kills. The clock is the one exception, and its moment is journaled.

use super::confirmation;
use super::programs::{self, Programs};
use super::proposals::ProposalBuilder;
use super::room::Limits;
use crate::budget::{Caps, Share};
use crate::clock::Clock;
use crate::evaluate::Evaluator;
use crate::event::{
    Abandoned, Block, Cached, CachedOf, Event, Finish, ProposalOutcome, RowOutcome, StopReason,
};
use crate::id::{Call, CandidateIx, EventNumber, ProposalNumber, RequestHash, RowIx};
use crate::journal::{Journal, JournalError};
use crate::memory::{Observer, State};
use crate::operator::OperatorError;
use crate::provider::Request;
use crate::provider::call::{Called, Caller, Ending, Halt, Job, worst_case};
use crate::recipe::Recipe;
use crate::seed::Seed;
use crate::source::SourceError;
use crate::state::{OpenCall, Phase, Work};
use crate::strategy::{Plan, Strategy};
use crate::task::Task;
use crate::task::example::Split;
use crate::task::model::ModelRole;
use crate::task::scorer::Verdict;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// How long calls in flight are awaited when a run is interrupted.
const DRAIN: Duration = Duration::from_secs(30);

/// How a run left the loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is over, with a result.
    Finished,
    /// It was interrupted, and can be resumed.
    Interrupted,
    /// A provider refuses, for this reason; it can be resumed when that is cured.
    Refused(String),
    /// A scorer's program is broken; it can be resumed when that is cured.
    BrokenScorer(String),
}

/// What ends a run unexpectedly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A replaced meta-prompt lets no request be written.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// One request does not fit into the mutator's context window.
    #[error(transparent)]
    Window(OperatorError),
    /// A request cannot be written.
    #[error("{0}")]
    Template(String),
    /// The strategy wants proposals, and the task names no mutator.
    #[error("the task names no mutator model")]
    NoMutator,
}

/// One run.
pub struct Search {
    task: Arc<Task>,
    recipe: Recipe,
    strategy: Box<dyn Strategy>,
    limits: Limits,
    evaluator: Arc<Evaluator>,
    proposals: ProposalBuilder,
    programs: Programs,
    state: State,
    journal: Arc<Journal<Event>>,
    caller: Arc<Caller>,
    clock: Clock,
    observers: Vec<Box<dyn Observer>>,
    cancel: watch::Receiver<bool>,
    workers: JoinSet<()>,
    arrivals: mpsc::UnboundedReceiver<(Call, Arrived)>,
    post: mpsc::UnboundedSender<(Call, Arrived)>,
    /// What arrived and is not folded: a verdict, or a reply.
    verdicts: HashMap<Call, Verdict>,
    replies: HashMap<Call, (String, Finish)>,
    /// Requests of unfolded evaluations, so that an equal one is asked once.
    pending: HashMap<RequestHash, Call>,
    pending_of: HashMap<Call, RequestHash>,
    halt: Option<Halt>,
}

/// What a worker reports.
struct Arrived {
    /// Attempts that failed on the way.
    failed: Vec<(EventNumber, Event)>,
    ending: Ending,
    verdict: Option<(Verdict, Option<(EventNumber, Event)>)>,
}

/// What the loop does next.
enum Step {
    Record(Event),
    Compose(crate::event::Draft),
    Issue(Plan),
    Fold(Call),
    Finish,
}

impl Search {
    /// A run with its journal: new, or as far as the journal has it.
    ///
    /// # Errors
    /// A replaced meta-prompt with a mistake in it.
    #[expect(clippy::too_many_arguments, reason = "each is a room of its own; they meet here once")]
    pub fn new(
        task: Arc<Task>,
        recipe: Recipe,
        strategy: Box<dyn Strategy>,
        caps: Caps,
        seed: Seed,
        state: State,
        journal: Arc<Journal<Event>>,
        caller: Arc<Caller>,
        evaluator: Arc<Evaluator>,
        clock: Clock,
        cancel: watch::Receiver<bool>,
    ) -> Result<Self, SearchError> {
        let (post, arrivals) = mpsc::unbounded_channel();
        let dev_rows = u32::try_from(task.splits.dev.len()).unwrap_or(u32::MAX);
        let share = strategy.finale_share(dev_rows, caps.calls);
        let limits = Limits::new(caps, &task, share);
        let programs = Programs::new(&recipe, &evaluator, &task.folder());
        let proposals = ProposalBuilder::new(
            Arc::clone(&task),
            recipe.clone(),
            Arc::clone(&evaluator),
            Arc::clone(&journal),
            seed,
        )?;
        Ok(Self {
            task,
            recipe,
            strategy,
            limits,
            evaluator,
            proposals,
            programs,
            state,
            journal,
            caller,
            clock,
            observers: Vec::new(),
            cancel,
            workers: JoinSet::new(),
            arrivals,
            post,
            verdicts: HashMap::new(),
            replies: HashMap::new(),
            pending: HashMap::new(),
            pending_of: HashMap::new(),
            halt: None,
        })
    }

    /// Lets somebody watch.
    pub fn observe(&mut self, observer: Box<dyn Observer>) {
        self.observers.push(observer);
    }

    /// The state, for whoever reads the result.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Runs to the end, or to an interruption.
    ///
    /// # Errors
    /// A journal that cannot be written, or a request that cannot be rendered.
    pub async fn run(&mut self) -> Result<Outcome, SearchError> {
        self.begin()?;
        loop {
            self.take_arrivals()?;
            if *self.cancel.borrow() {
                self.halt.get_or_insert(Halt::Cancelled);
            }
            if self.halt.is_some() {
                return self.drain().await;
            }
            match self.next() {
                Step::Record(event) => self.record(event)?,
                Step::Compose(draft) => {
                    let outcome = self.proposals.compose(&*self.strategy, &self.state, &draft)?;
                    self.record(Event::CandidateComposed { proposal: draft.proposal, outcome })?;
                }
                Step::Issue(plan) => self.issue(plan)?,
                Step::Fold(call) => self.fold(call).await?,
                Step::Finish => {
                    self.record(Event::Finished { at: self.clock.now() })?;
                    self.journal.flush().await?;
                    return Ok(Outcome::Finished);
                }
            }
        }
    }

    /// The first event of a new run; what a resumed one has to take up again.
    fn begin(&mut self) -> Result<(), SearchError> {
        if self.state.phase == Phase::New {
            let seed = crate::candidate::Candidate::baseline(self.task.baseline.clone());
            return self.record(Event::Started { at: self.clock.now(), seed });
        }
        let open: Vec<(Call, OpenCall)> = self
            .state
            .evaluations
            .iter()
            .chain(&self.state.proposals)
            .map(|(call, open)| (*call, open.clone()))
            .collect();
        for (call, open) in open {
            self.take_up(call, &open)?;
        }
        self.share_with_wallet();
        Ok(())
    }

    /// An issued call after a resume keeps its number: answered, it waits to be folded; else it is
    /// sent again with the same draw.
    fn take_up(&mut self, call: Call, open: &OpenCall) -> Result<(), SearchError> {
        if let Work::Evaluation { .. } = open.work
            && open.is_asked
        {
            let request = self.request_of(&open.work)?;
            self.remember(call, request.hash());
        }
        let arrival = self.state.arrivals.get(&call).copied();
        match arrival {
            Some(arrival) => match (arrival.verdict, arrival.answer) {
                (Some(number), _) => {
                    if let Event::Scored { verdict, .. } = self.journal.read(number)? {
                        self.verdicts.insert(call, verdict);
                    }
                }
                (None, Some(number)) => {
                    if let Event::Answered(answered) = self.journal.read(number)? {
                        self.take_text(
                            call,
                            &open.work,
                            answered.text,
                            answered.finish,
                            Some(number),
                        );
                    }
                }
                (None, None) => {}
            },
            None if open.cached.is_some() => {}
            None => self.send(call, &open.work)?,
        }
        Ok(())
    }

    /// An answer that was durable before the resume: scored again, or by its program.
    fn take_text(
        &mut self,
        call: Call,
        work: &Work,
        text: String,
        finish: Finish,
        number: Option<EventNumber>,
    ) {
        let Work::Evaluation { split, row, .. } = *work else {
            self.replies.insert(call, (text, finish));
            return;
        };
        if self.evaluator.is_pure() {
            if let Some(verdict) = self.evaluator.verdict(split, row, &text) {
                self.verdicts.insert(call, verdict);
            }
            return;
        }
        let (evaluator, journal) = (Arc::clone(&self.evaluator), Arc::clone(&self.journal));
        let (post, number) = (self.post.clone(), number.unwrap_or_default());
        self.workers.spawn(async move {
            let verdict = judge(&evaluator, &journal, call, split, row, &text, number).await;
            let ending = match &verdict {
                Ok(_) => Ending::Missing(number, Event::Lost { call }),
                Err(halt) => Ending::Halted(halt.clone()),
            };
            let arrived = Arrived { failed: Vec::new(), ending, verdict: verdict.ok() };
            let _ = post.send((call, arrived));
        });
    }

    fn remember(&mut self, call: Call, hash: RequestHash) {
        self.pending.entry(hash).or_insert(call);
        self.pending_of.insert(call, hash);
    }

    /// Applies and appends one event of our own: it need not be durable, it can be derived again.
    fn record(&mut self, event: Event) -> Result<(), SearchError> {
        let number = self.journal.append(event.clone())?;
        self.believe(number, &event);
        Ok(())
    }

    fn believe(&mut self, number: EventNumber, event: &Event) {
        self.state.apply(number, event);
        for observer in &mut self.observers {
            observer.observe(number, event, &self.state);
        }
    }

    // ── what is next ──────────────────────────────────────────────────────────────────────────

    /// The next step, from folded events alone (and the clock, for caps on time).
    fn next(&mut self) -> Step {
        if self.state.phase == Phase::Confirming {
            return self.next_of_confirmation();
        }
        if self.state.phase == Phase::Searching
            && let Some(reason) = self.out_of_time()
        {
            return Step::Record(Event::SearchEnded { reason });
        }
        let remaining = self.limits.remaining(&self.state, &self.task);
        let plans = self.strategy.ask(&self.state, remaining);
        let has_room = self.state.evaluations.len() < self.recipe.schedule.lookahead();
        let mut misfit = None;
        for plan in plans {
            match plan {
                Plan::Decide(event) => return Step::Record(event),
                Plan::Compose(draft) => return Step::Compose(draft),
                Plan::Win { candidate, shrunken_dev } if self.state.is_quiet() => {
                    return Step::Record(self.win(candidate, shrunken_dev));
                }
                Plan::Win { .. } => {}
                work if has_room => match self.misfit(&work) {
                    None => return Step::Issue(work),
                    Some(reason) => misfit = misfit.or(Some(reason)),
                },
                _ => {}
            }
        }
        if let Some(call) = self.oldest() {
            return Step::Fold(call);
        }
        // Nothing is out and nothing fits: the budget is reached.
        let reason = misfit.unwrap_or(StopReason::PoolDone);
        match self.state.phase {
            Phase::Searching => Step::Record(Event::SearchEnded { reason }),
            _ => Step::Record(self.win(CandidateIx::BASELINE, None)),
        }
    }

    fn win(&self, candidate: CandidateIx, shrunken_dev: Option<f64>) -> Event {
        let hold_rows = self.limits.hold_rows(&self.state, &self.task, candidate);
        Event::WinnerChosen { candidate, shrunken_dev, hold_rows }
    }

    fn next_of_confirmation(&mut self) -> Step {
        let has_room = self.state.evaluations.len() < self.recipe.schedule.lookahead();
        if has_room
            && let Some(plan) = confirmation::next(&self.state)
            && self.misfit(&plan).is_none()
        {
            return Step::Issue(plan);
        }
        match self.oldest() {
            Some(call) => Step::Fold(call),
            None => Step::Finish,
        }
    }

    /// The call to fold: the oldest proposal when it is due, else the oldest evaluation.
    fn oldest(&self) -> Option<Call> {
        let evaluation = self.state.evaluations.keys().next().copied();
        let proposal = self.state.proposals.iter().next();
        match (proposal, evaluation) {
            (Some((call, open)), Some(evaluation)) => {
                let folded_since = self.state.counts.folded - open.issued_at;
                let is_due = folded_since >= self.recipe.schedule.proposal_lag();
                Some(if is_due { *call } else { evaluation })
            }
            (Some((call, _)), None) => Some(*call),
            (None, evaluation) => evaluation,
        }
    }

    fn out_of_time(&self) -> Option<StopReason> {
        let caps = self.limits.caps();
        // Held-out rows need their time, too.
        let calls = self.limits.hold_calls() as u32;
        let lanes = u32::try_from(self.recipe.schedule.lookahead().clamp(1, 16)).unwrap_or(1);
        let hold = self.caller.mean_latency().saturating_mul(calls) / lanes;
        if let Some(wall) = caps.wall
            && self.caller.running() + hold.mul_f64(1.3).min(wall.mul_f64(0.4)) >= wall
        {
            return Some(StopReason::BudgetWall);
        }
        if let Some(deadline) = caps.deadline
            && crate::clock::millis_between(self.clock.now(), deadline)
                <= u64::try_from(hold.mul_f64(1.3).as_millis()).unwrap_or(0)
        {
            return Some(StopReason::Deadline);
        }
        None
    }

    /// Why a plan does not fit, if it does not.
    fn misfit(&mut self, plan: &Plan) -> Option<StopReason> {
        let (worst, calls, proposals, share) = match plan {
            Plan::Evaluate { candidate, split, rows, .. } => {
                let each = self.evaluation_reserve(*candidate, *split, rows);
                let share = if *split == Split::Hold { Share::Hold } else { Share::Search };
                (each.times(rows.len() as u64), rows.len() as u64, 0, share)
            }
            Plan::Propose { proposal, .. } if self.is_program(*proposal) => {
                (crate::budget::Amount::ZERO, 0, 1, Share::Search)
            }
            Plan::Propose { proposal, shown } => {
                let request = self
                    .state
                    .drafts
                    .get(proposal)
                    .and_then(|draft| self.proposals.request(&self.state, draft, shown).ok());
                let worst = request.map(|request| self.reserve(ModelRole::Mutator, &request));
                (worst.unwrap_or_default(), 1, 1, Share::Search)
            }
            _ => return None,
        };
        self.limits.misfit(&self.state, &self.task, share, worst, calls, proposals)
    }

    /// Each row's worst case in the plan: that of the longest row of the block.
    fn evaluation_reserve(
        &self,
        candidate: CandidateIx,
        split: Split,
        rows: &[RowIx],
    ) -> crate::budget::Amount {
        let prompt = &self.state.standing(candidate).candidate.prompt;
        let row_bytes = rows.iter().map(|row| self.evaluator.row_bytes(split, *row));
        let bytes = self.task.layout.bytes_without_row(prompt) + row_bytes.max().unwrap_or(0);
        let model = self.task.task_model();
        let tokens = self.state.plan.prompt_tokens(ModelRole::Task, bytes);
        worst_case(model.price, tokens, model.max_output_tokens)
    }

    fn reserve(&self, role: ModelRole, request: &Request) -> crate::budget::Amount {
        let price = self.task.model(role).and_then(|model| model.price);
        let tokens = self.state.plan.prompt_tokens(role, request.bytes());
        worst_case(price, tokens, request.max_output_tokens)
    }

    // ── issuing ───────────────────────────────────────────────────────────────────────────────

    fn issue(&mut self, plan: Plan) -> Result<(), SearchError> {
        match plan {
            Plan::Evaluate { candidate, split, replicate, rows } => {
                self.issue_block(candidate, split, replicate, rows)
            }
            Plan::Propose { proposal, shown } => {
                let Some(draft) = self.state.drafts.get(&proposal) else {
                    return Ok(());
                };
                let (call, work) = (self.state.next_call, Work::Proposal(proposal));
                if draft.program {
                    let reserve = crate::budget::Amount::ZERO;
                    self.record(Event::ProposalIssued { proposal, call, rows: shown, reserve })?;
                    return self.send(call, &work);
                }
                let request = match self.proposals.request(&self.state, draft, &shown) {
                    // A parent that has outgrown the mutator's window is no reason to end a search.
                    Err(SearchError::Window(_)) => {
                        let why = Abandoned::TooLong;
                        return self.record(Event::ProposalAbandoned { proposal, why });
                    }
                    written => written?,
                };
                let reserve = self.reserve(ModelRole::Mutator, &request);
                self.record(Event::ProposalIssued { proposal, call, rows: shown, reserve })?;
                self.spawn(call, &work, request);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn issue_block(
        &mut self,
        candidate: CandidateIx,
        split: Split,
        replicate: u16,
        rows: Vec<RowIx>,
    ) -> Result<(), SearchError> {
        let first = self.state.next_call;
        let reserve = self.evaluation_reserve(candidate, split, &rows);
        let mut cached = Vec::new();
        let mut requests = Vec::with_capacity(rows.len());
        for (offset, row) in rows.iter().enumerate() {
            let call = Call(first.0 + offset as u64);
            let request = self.evaluation(candidate, split, *row, replicate)?;
            let hash = request.hash();
            // Whether it was asked before depends on what was issued, not on what has arrived.
            if let Some(of) = self.pending.get(&hash) {
                cached.push(Cached { call, of: CachedOf::Call(*of) });
            } else if let Some(answer) = self.journal.find_answer(&hash)? {
                cached.push(Cached { call, of: CachedOf::Answer(answer) });
            } else {
                self.remember(call, hash);
                requests.push((call, *row, request));
            }
        }
        let block = Block { first, candidate, split, replicate, rows, reserve, cached };
        self.record(Event::EvaluationIssued(block))?;
        for (call, row, request) in requests {
            self.spawn(call, &Work::Evaluation { candidate, split, replicate, row }, request);
        }
        Ok(())
    }

    fn request_of(&mut self, work: &Work) -> Result<Request, SearchError> {
        match work {
            Work::Evaluation { candidate, split, replicate, row } => {
                self.evaluation(*candidate, *split, *row, *replicate)
            }
            Work::Proposal(proposal) => {
                let draft = self.state.drafts.get(proposal);
                let shown = self.state.shown.get(proposal);
                match (draft, shown) {
                    (Some(draft), Some(shown)) => self.proposals.request(&self.state, draft, shown),
                    _ => Err(SearchError::Template(format!("proposal {proposal} has no draft"))),
                }
            }
        }
    }

    /// Whether a proposal asks a program of the user's, and no model.
    fn is_program(&self, proposal: ProposalNumber) -> bool {
        self.state.drafts.get(&proposal).is_some_and(|draft| draft.program)
    }

    /// Asks whoever an issued call is for.
    fn send(&mut self, call: Call, work: &Work) -> Result<(), SearchError> {
        if let Work::Proposal(proposal) = work
            && let Some(draft) = self.state.drafts.get(proposal).filter(|draft| draft.program)
        {
            let shown = self.state.shown.get(proposal).map_or(&[][..], Vec::as_slice);
            let line = self.proposals.program_request(&self.state, draft, shown)?;
            let (pool, post) = (self.programs.of(draft), self.post.clone());
            let (journal, caller) = (Arc::clone(&self.journal), Arc::clone(&self.caller));
            self.workers.spawn(async move {
                let ending = programs::ask(pool, &journal, &caller, call, &line).await;
                let arrived = Arrived { failed: Vec::new(), ending, verdict: None };
                let _ = post.send((call, arrived));
            });
            return Ok(());
        }
        let request = self.request_of(work)?;
        self.spawn(call, work, request);
        Ok(())
    }

    /// The request for a row.
    fn evaluation(
        &self,
        candidate: CandidateIx,
        split: Split,
        row: RowIx,
        replicate: u16,
    ) -> Result<Request, SearchError> {
        let prompt = &self.state.standing(candidate).candidate.prompt;
        self.evaluator
            .request(prompt, split, row, replicate)
            .map_err(|error| SearchError::Template(error.to_string()))?
            .ok_or_else(|| SearchError::Template(format!("row {row} of {split} does not exist")))
    }

    /// Sends a call on its way.
    fn spawn(&mut self, call: Call, work: &Work, request: Request) {
        let job = Job { call, role: work.role(), share: work.share(), request };
        let (caller, post) = (Arc::clone(&self.caller), self.post.clone());
        let (evaluator, journal) = (Arc::clone(&self.evaluator), Arc::clone(&self.journal));
        let row = match *work {
            Work::Evaluation { split, row, .. } => Some((split, row)),
            Work::Proposal(_) => None,
        };
        self.workers.spawn(async move {
            let Called { failed, mut ending } = caller.call(&job).await;
            let mut verdict = None;
            if let (Ending::Answered(number, answered), Some((split, row))) = (&ending, row) {
                let judged =
                    judge(&evaluator, &journal, call, split, row, &answered.text, *number).await;
                match judged {
                    Ok(judged) => verdict = Some(judged),
                    Err(halt) => ending = Ending::Halted(halt),
                }
            }
            // The receiver is gone only when the run is: then nobody is interested.
            let _ = post.send((call, Arrived { failed, ending, verdict }));
        });
    }

    // ── arriving and folding ──────────────────────────────────────────────────────────────────

    fn take_arrivals(&mut self) -> Result<(), SearchError> {
        while let Ok((call, arrived)) = self.arrivals.try_recv() {
            self.take_arrival(call, arrived);
        }
        // Workers that are done are forgotten at once, so that memory stays flat.
        while self.workers.try_join_next().is_some() {}
        Ok(())
    }

    fn take_arrival(&mut self, call: Call, arrived: Arrived) {
        for (number, event) in arrived.failed {
            self.believe(number, &event);
        }
        match arrived.ending {
            Ending::Answered(number, answered) => {
                let (text, finish) = (answered.text.clone(), answered.finish);
                self.believe(number, &Event::Answered(*answered));
                if arrived.verdict.is_none() {
                    self.replies.insert(call, (text, finish));
                }
            }
            // A verdict that came after a resume: its answer is believed already.
            Ending::Missing(_, Event::Lost { .. }) => {}
            Ending::Missing(number, event) => self.believe(number, &event),
            Ending::Halted(halt) => {
                self.halt.get_or_insert(halt);
                return;
            }
        }
        if let Some((verdict, event)) = arrived.verdict {
            if let Some((number, event)) = event {
                self.believe(number, &event);
            }
            self.verdicts.insert(call, verdict);
        }
    }

    /// Whether a call can be folded.
    fn is_here(&self, call: Call, open: &OpenCall) -> bool {
        if open.cached.is_some() {
            return true;
        }
        match self.state.arrivals.get(&call) {
            None => false,
            Some(arrival) if arrival.answer.is_none() => true,
            Some(_) => self.verdicts.contains_key(&call) || self.replies.contains_key(&call),
        }
    }

    /// Waits for a call and folds it.
    async fn fold(&mut self, call: Call) -> Result<(), SearchError> {
        let Some(open) = self.state.call(call).cloned() else {
            return Ok(());
        };
        while !self.is_here(call, &open) {
            tokio::select! {
                arrived = self.arrivals.recv() => {
                    if let Some((call, arrived)) = arrived {
                        self.take_arrival(call, arrived);
                    }
                }
                // A closed channel means that nobody can cancel any more.
                changed = self.cancel.changed() => {
                    if changed.is_err() || *self.cancel.borrow() {
                        self.halt.get_or_insert(Halt::Cancelled);
                    }
                }
            }
            if self.halt.is_some() {
                return Ok(());
            }
        }
        if let Some(hash) = self.pending_of.remove(&call)
            && self.pending.get(&hash) == Some(&call)
        {
            self.pending.remove(&hash);
        }
        let event = match open.work {
            Work::Evaluation { split, row, .. } => {
                let outcome = self.row_outcome(call, &open, split, row).await?;
                Event::EvaluationFolded { call, outcome }
            }
            Work::Proposal(proposal) => {
                let outcome = match self.replies.remove(&call) {
                    None => ProposalOutcome::Missing,
                    Some((reply, finish)) => {
                        let draft = self.state.drafts.get(&proposal);
                        let shown = self.state.shown.get(&proposal);
                        match (draft, shown) {
                            (Some(draft), Some(shown)) => self.proposals.outcome(
                                &*self.strategy,
                                &self.state,
                                draft,
                                shown,
                                &reply,
                                finish,
                            )?,
                            _ => ProposalOutcome::Missing,
                        }
                    }
                };
                Event::ProposalFolded { call, outcome }
            }
        };
        self.record(event)?;
        self.share_with_wallet();
        Ok(())
    }

    async fn row_outcome(
        &mut self,
        call: Call,
        open: &OpenCall,
        split: Split,
        row: RowIx,
    ) -> Result<RowOutcome, SearchError> {
        let mut verdict = self.verdicts.remove(&call);
        // The same request may be another row's: its answer is scored for this one.
        if let Some(CachedOf::Answer(number)) = open.cached
            && let Event::Answered(answered) = self.journal.read(number)?
        {
            verdict = self.evaluator.score(split, row, &answered.text).await.ok();
        }
        Ok(match verdict {
            Some(verdict) => {
                RowOutcome::Scored { score: verdict.score, invalid: verdict.invalid.is_some() }
            }
            None => RowOutcome::Missing,
        })
    }

    /// Tells the wallet how much the search must leave to the confirmation.
    fn share_with_wallet(&self) {
        let amount = match self.state.phase {
            Phase::Searching | Phase::Choosing => self.limits.hold_amount(&self.state, &self.task),
            _ => crate::budget::Amount::ZERO,
        };
        self.caller.wallet().set_hold_share(amount);
    }

    /// Stops sending, waits for what is out, and leaves.
    async fn drain(&mut self) -> Result<Outcome, SearchError> {
        self.caller.stop();
        let all = async { while self.workers.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            self.workers.abort_all();
        }
        let halt = self.halt.take();
        self.take_arrivals()?;
        self.halt = halt;
        if let Some(Halt::Journal(message)) = &self.halt {
            return Err(SearchError::Template(message.clone()));
        }
        self.journal.flush().await?;
        Ok(match self.halt.take() {
            Some(Halt::Refused(why)) => Outcome::Refused(why),
            Some(Halt::Scorer(why)) => Outcome::BrokenScorer(why),
            _ => Outcome::Interrupted,
        })
    }
}

/// A worker's verdict on an answer. What a program says is a fact from outside, so it is durable
/// before it is used; what this process says follows from the answer.
async fn judge(
    evaluator: &Evaluator,
    journal: &Journal<Event>,
    call: Call,
    split: Split,
    row: RowIx,
    text: &str,
    answer: EventNumber,
) -> Result<(Verdict, Option<(EventNumber, Event)>), Halt> {
    let verdict = match evaluator.score(split, row, text).await {
        Ok(verdict) => verdict,
        // The scorer is broken, not the answer: the run stops before it takes more for wrong.
        Err(error) => return Err(Halt::Scorer(format!("the scorer's program: {error}"))),
    };
    if evaluator.is_pure() {
        return Ok((verdict, None));
    }
    let event = Event::Scored { call, answer, verdict: verdict.clone() };
    let number = journal.append_durable(event.clone()).await?;
    Ok((verdict, Some((number, event))))
}
