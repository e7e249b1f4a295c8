//! What is next, from folded events alone (and the clock, for caps on time).
//!
//! Nothing here waits, sends or appends: the driver does that.

use super::budget::{Budget, Time, demand_of, demand_of_block};
use super::confirmation;
use super::embeddings::Embeddings;
use super::error::SearchError;
use super::inbox::{Content, Turn};
use super::job::{Job, Question};
use super::proposals::{ProposalBuilder, Screening, draft_of};
use super::requests::{Requests, Rows};
use crate::caps::Share;
use crate::event::{Abandoned, Draft, Event, ProposalOutcome, RowKey, Shown, StopReason};
use crate::id::{Call, CandidateIx, ProposalNumber};
use crate::ledger::Demand;
use crate::memory::State;
use crate::prompt::Prompt;
use crate::state::{Facts, OpenCall, Phase, Status, Work};
use crate::strategy::{BLOCK, Lookahead, Order, Plan, Strategy};
use crate::units::Amount;
use std::collections::BTreeMap;

/// The next step.
pub(super) enum Next {
    /// Record this: it needs no work.
    Decide(Event),
    /// Make these answers of earlier runs durable, and record them.
    Copy(Vec<Event>),
    /// Record this and start these jobs.
    Start(Event, Vec<Job>),
    /// Wait for a call and fold it.
    Fold(Turn),
    /// The run is over.
    Finish,
    /// Too little was answered to go on, for this reason.
    Stop(StopReason, String),
}

/// The step that issues some work, or the cap that the work would exceed.
type Fit = Result<Next, StopReason>;

/// Some rows that are asked once more, because they went missing before the run was resumed.
fn once_more(facts: &Facts) -> Option<Rows> {
    let RowKey { candidate, split, replicate, .. } = *facts.to_ask_again.first()?;
    let is_alike = |other: &&RowKey| {
        (other.candidate, other.split, other.replicate) == (candidate, split, replicate)
    };
    let alike = facts.to_ask_again.iter().take_while(is_alike);
    let rows = alike.take(BLOCK).map(|answer| answer.row).collect();
    Some(Rows { candidate, split, replicate, rows })
}

/// Decides what is next.
pub(super) struct Planner {
    pub(super) strategy: Box<dyn Strategy>,
    pub(super) lookahead: Lookahead,
    /// How many requests may be out at a time.
    pub(super) lanes: usize,
    pub(super) budget: Budget,
    pub(super) requests: Requests,
    pub(super) proposals: ProposalBuilder,
    /// Where texts are compared by an embedding model.
    pub(super) embeddings: Option<Embeddings>,
}

impl Planner {
    /// The next step.
    pub(super) fn next(&mut self, state: &State, time: &Time) -> Result<Next, SearchError> {
        // What is asked for is compared before anything else is decided.
        if let Some(call) = state.embeddings.keys().next() {
            return Ok(Next::Fold(Turn::Of(*call)));
        }
        let is_first = state.candidates.len() == 1 && state.vectors.is_empty();
        if let Some(baseline) = state.candidates.first().filter(|_| is_first)
            && let Some((event, job)) = self.vectors_of(state, &baseline.candidate.prompt)
        {
            return Ok(Next::Start(event, vec![job]));
        }
        let has_room = self.has_room(state);
        let once_more = once_more(state);
        let waits_for_room = !has_room && once_more.is_some();
        if let Some(rows) = once_more.filter(|_| has_room)
            && let Ok(next) = self.block(state, rows)?
        {
            return Ok(next);
        }
        if state.phase == Phase::Confirming {
            return self.next_of_confirmation(state, time);
        }
        // An evaluation shows what it has.
        if !self.strategy.is_evaluation()
            && !waits_for_room
            && let Some((reason, why)) = confirmation::unmeasured_baseline(state)
        {
            return Ok(Next::Stop(reason, why));
        }
        if state.phase == Phase::Searching
            && let Some(reason) = self.budget.out_of_time(state, time, self.lanes)
        {
            // A search that ended is not gone on with, and this one has not begun.
            let unmeasured = confirmation::unmeasured_so_far(state);
            let baseline = state.baseline();
            let is_done = baseline.status != Status::Open && baseline.dev().is_quiet();
            let is_begun = is_done && unmeasured.is_none();
            if !self.strategy.is_evaluation() && !is_begun {
                if let Some(turn) = self.turn(state) {
                    return Ok(Next::Fold(turn));
                }
                if let Some((_, why)) = unmeasured {
                    return Ok(Next::Stop(reason, why));
                }
            }
            return Ok(Next::Decide(Event::SearchEnded { reason }));
        }
        let (mut exceeded, mut unfit) = (None, Vec::new());
        for plan in self.strategy.ask(state, self.budget.remaining(state)) {
            let fit = match plan {
                Plan::Decide(event) => return Ok(Next::Decide(event)),
                Plan::Compose(draft) => {
                    return self.composed(state, &draft);
                }
                Plan::Win { candidate, shrunken_dev } if state.is_quiet() => {
                    return Ok(Next::Decide(self.win(state, candidate, shrunken_dev, time)));
                }
                Plan::Evaluate { candidate, split, replicate, rows } if has_room => {
                    self.block(state, Rows { candidate, split, replicate, rows })?
                }
                Plan::Propose { proposal, shown } if has_room => {
                    let fit = self.proposal(state, proposal, &shown)?;
                    if fit.is_err() {
                        unfit.push((proposal, shown));
                    }
                    fit
                }
                Plan::Win { .. } | Plan::Evaluate { .. } | Plan::Propose { .. } => continue,
            };
            match fit {
                Ok(next) => return Ok(next),
                Err(reason) => exceeded = exceeded.or(Some(reason)),
            }
        }
        if let Some(turn) = self.turn(state) {
            return Ok(Next::Fold(turn));
        }
        // Nothing is out and nothing fits. A proposal of another mutator may.
        for (proposal, shown) in unfit {
            if let Some(replaced) = self.replaced(state, proposal, &shown)? {
                return Ok(Next::Decide(replaced));
            }
        }
        // A search that ended is not gone on with, and this one has asked nothing.
        let is_spent = matches!(exceeded, Some(StopReason::BudgetUsd | StopReason::BudgetTokens));
        if is_spent && !self.strategy.is_evaluation() && state.next_call == Call::default() {
            let why = "the budget has no room for the first rows of the baseline, which may cost more than they will";
            return Ok(Next::Stop(StopReason::OverBudget, why.to_owned()));
        }
        // The budget is reached.
        let reason = exceeded.unwrap_or(StopReason::PoolDone);
        Ok(Next::Decide(match state.phase {
            Phase::Searching => match self.strategy.cheaper_phase(state) {
                Some(phase) => Event::PhaseStarted { phase },
                None => Event::SearchEnded { reason },
            },
            _ => self.win(state, CandidateIx::BASELINE, None, time),
        }))
    }

    /// The request for the vectors of a prompt's texts; `None` where they are known, or not needed, or where
    /// the budget has no room for it: then they are compared without.
    fn vectors_of(&self, state: &State, prompt: &Prompt) -> Option<(Event, Job)> {
        let embeddings = self.embeddings.as_ref()?;
        // What comes after the search is compared with nothing.
        let texts = Some(embeddings.unknown_texts(state, prompt))
            .filter(|texts| state.phase == Phase::Searching && !texts.is_empty())?;
        let question = Question::Model(embeddings.request(&texts));
        let model = embeddings.model().clone();
        let purpose = Work::Embedding(model.clone(), texts.as_slice().into());
        let worst_case = self.budget.of_question(state, purpose.role(), &question);
        let call = state.next_call;
        let job = Job { call, purpose, question, worst_case, is_again: false, judging: None };
        let has_room = self.budget.exceeded_cap(state, &demand_of(&job)).is_none();
        let event = Event::EmbeddingIssued { call, model, texts, reserve: worst_case };
        has_room.then_some((event, job))
    }

    /// A candidate that is put together without a model.
    fn composed(&mut self, state: &State, draft: &Draft) -> Result<Next, SearchError> {
        if self.embeddings.is_some() {
            let others = Screening::WithoutComparing;
            let outcome = self.proposals.composed(&*self.strategy, state, draft, others)?;
            if let Some((event, job)) = self.vectors_of_child(state, &outcome) {
                return Ok(Next::Start(event, vec![job]));
            }
        }
        let outcome = self.proposals.composed(&*self.strategy, state, draft, Screening::Whole)?;
        Ok(Next::Decide(Event::CandidateComposed { proposal: draft.proposal, outcome }))
    }

    fn next_of_confirmation(&mut self, state: &State, time: &Time) -> Result<Next, SearchError> {
        if self.has_room(state)
            && let Some(rows) = confirmation::next(state, self.budget.answers_per_row())
            && let Ok(next) = self.block(state, rows)?
        {
            return Ok(next);
        }
        if let Some(turn) = self.turn(state) {
            return Ok(Next::Fold(turn));
        }
        // What was not asked for lack of time makes the sample smaller, and no verdict impossible.
        if self.budget.is_time_over(time) {
            return Ok(Next::Finish);
        }
        Ok(match confirmation::unmeasured_side(state) {
            Some((reason, why)) => Next::Stop(reason, why),
            None => Next::Finish,
        })
    }

    /// Whether another block may be issued. A block is issued whole.
    fn has_room(&self, facts: &Facts) -> bool {
        facts.evaluations.len() < self.lookahead.evaluations
    }

    fn win(
        &self,
        facts: &Facts,
        candidate: CandidateIx,
        shrunken_dev: Option<f64>,
        time: &Time,
    ) -> Event {
        let hold_rows = self.budget.hold_rows(facts, candidate, time, self.lanes);
        Event::WinnerChosen { candidate, shrunken_dev, hold_rows }
    }

    /// Which call is folded next: the one that is due first by the clock of the run's order, or the one that
    /// arrived first; no proposal while as many candidates as may be are tried.
    fn turn(&self, facts: &Facts) -> Option<Turn> {
        // A child that has to wait for others to be tried would know less of them than it could.
        let is_full = facts.open.len() >= self.lookahead.tried && !facts.evaluations.is_empty();
        if self.lookahead.order == Order::Arrival {
            return (!facts.is_quiet()).then_some(Turn::First { proposals: !is_full });
        }
        let first = |open: &BTreeMap<Call, OpenCall>| {
            let (call, open) = open.first_key_value()?;
            Some((open.due, *call))
        };
        let proposal = first(&facts.proposals).filter(|_| !is_full);
        let due = [first(&facts.evaluations), proposal].into_iter().flatten().min();
        due.map(|(_, call)| Turn::Of(call))
    }

    fn block(&mut self, facts: &Facts, rows: Rows) -> Result<Fit, SearchError> {
        let longest = self.requests.longest_row(rows.split, &rows.rows);
        let each = self.budget.of_row(facts, &rows, longest);
        let judging = self.budget.judging(facts, longest);
        let demand = demand_of_block(&rows, each, judging);
        if let Some(reason) = self.budget.exceeded_cap(facts, &demand) {
            return Ok(Err(reason));
        }
        let copies = self.requests.copies(facts, &rows)?;
        if !copies.is_empty() {
            return Ok(Ok(Next::Copy(copies)));
        }
        let (event, jobs) = self.requests.block(facts, rows, each, judging)?;
        Ok(Ok(Next::Start(event, jobs)))
    }

    /// A proposal's question is written once: for its worst case, and to be sent.
    fn proposal(
        &mut self,
        state: &State,
        proposal: ProposalNumber,
        shown: &[Shown],
    ) -> Result<Fit, SearchError> {
        let job = self.job_of(state, draft_of(state, proposal)?, shown);
        // A request that cannot be written is still a proposal that the caps must have room for.
        let (share, worst) = (Share::Search, Amount::ZERO);
        let unwritten = Demand { share, worst, calls: 1, proposals: 1 };
        let demand = job.as_ref().map_or(unwritten, demand_of);
        if let Some(reason) = self.budget.exceeded_cap(state, &demand) {
            return Ok(Err(reason));
        }
        Ok(Ok(match job {
            // A parent that has outgrown the mutator's window is no reason to end a search.
            Err(SearchError::Window(_)) => {
                Next::Decide(Event::ProposalAbandoned { proposal, why: Abandoned::TooLong })
            }
            job => {
                let job = job?;
                let reserve = job.worst_case;
                let (call, rows) = (job.call, shown.to_vec());
                Next::Start(Event::ProposalIssued { proposal, call, rows, reserve }, vec![job])
            }
        }))
    }

    /// What a draft asks, as the next call.
    fn job_of(
        &mut self,
        state: &State,
        draft: &Draft,
        shown: &[Shown],
    ) -> Result<Job, SearchError> {
        let question = self.proposals.question_of(state, draft, shown)?;
        let purpose = Work::Proposal(draft.proposal, draft.mutator);
        let worst_case = self.budget.of_question(state, purpose.role(), &question);
        let (call, is_again, judging) = (state.next_call, false, None);
        Ok(Job { call, purpose, question, worst_case, is_again, judging })
    }

    /// Another mutator for a proposal that does not fit the budget, where the worst case of one fits.
    fn replaced(
        &mut self,
        state: &State,
        proposal: ProposalNumber,
        shown: &[Shown],
    ) -> Result<Option<Event>, SearchError> {
        let draft = draft_of(state, proposal)?;
        let instead_of = draft.mutator;
        let mut fitting = Vec::new();
        let others: Vec<_> = self.proposals.mutators().filter(|one| *one != instead_of).collect();
        for mutator in others.into_iter().filter(|_| !draft.program) {
            match self.job_of(state, &Draft { mutator, ..draft.clone() }, shown) {
                Ok(job) if self.budget.exceeded_cap(state, &demand_of(&job)).is_none() => {
                    fitting.push(mutator);
                }
                Ok(_) | Err(SearchError::Window(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let mutator = self.strategy.writer(state, draft, &fitting);
        Ok(mutator.map(|mutator| Event::MutatorReplaced { proposal, mutator, instead_of }))
    }

    /// What an issued call asks, written again.
    pub(super) fn question(&mut self, state: &State, work: &Work) -> Result<Question, SearchError> {
        match *work {
            Work::Evaluation(RowKey { candidate, split, replicate, row }) => {
                let request = self.requests.row(state, candidate, split, row, replicate)?;
                Ok(Question::Model(request))
            }
            Work::Proposal(proposal, _) => {
                let shown = state.shown.get(&proposal).map_or(&[][..], Vec::as_slice);
                self.proposals.question(state, proposal, shown)
            }
            Work::Embedding(ref model, ref texts) => {
                let embeddings = self.embeddings.as_ref();
                let embeddings =
                    embeddings.ok_or_else(|| SearchError::NoEmbeddings(model.clone()))?;
                Ok(Question::Model(embeddings.request(texts)))
            }
        }
    }

    /// What became of an issued proposal.
    pub(super) fn outcome(
        &mut self,
        state: &State,
        proposal: ProposalNumber,
        content: &Content,
    ) -> Result<ProposalOutcome, SearchError> {
        let whole = Screening::Whole;
        let outcome = self.proposals.outcome(&*self.strategy, state, proposal, content, whole)?;
        self.proposals.forget(proposal);
        Ok(outcome)
    }

    /// The request for the vectors of what a reply brings, where that is to be compared and they are not
    /// known.
    pub(super) fn vectors_of_reply(
        &mut self,
        state: &State,
        proposal: ProposalNumber,
        content: &Content,
    ) -> Result<Option<(Event, Job)>, SearchError> {
        if self.embeddings.is_none() {
            return Ok(None);
        }
        let others = Screening::WithoutComparing;
        let outcome = self.proposals.outcome(&*self.strategy, state, proposal, content, others)?;
        Ok(self.vectors_of_child(state, &outcome))
    }

    fn vectors_of_child(&self, state: &State, outcome: &ProposalOutcome) -> Option<(Event, Job)> {
        let ProposalOutcome::Added { candidate, .. } = outcome else { return None };
        self.vectors_of(state, &candidate.prompt)
    }
}
