//! An issued call after a resume.
//!
//! It keeps its number. Answered, it waits to be folded; else it is sent again with the same draw.
//! Nothing that was answered is asked again.

use super::error::SearchError;
use super::inbox::{Content, Inbox};
use super::job::{Job, Question};
use super::next::Planner;
use super::workers::Workers;
use crate::event::{Answered, Event, RowKey};
use crate::id::{Call, EventNumber};
use crate::journal::Journal;
use crate::memory::State;
use crate::state::{OpenCall, Work};

/// What an issued call needs.
#[derive(Debug, PartialEq)]
pub(super) enum Resumed {
    /// To be sent again: it was never answered.
    Send(Job),
    /// To be scored: its answer is durable.
    Score {
        /// To which row.
        to: RowKey,
        /// The answer.
        answered: Box<Answered>,
        /// The answer's event.
        answer: EventNumber,
    },
    /// Nothing: this is what will be folded.
    Here(Content),
    /// Nothing: another call's answer serves it, or there will be none.
    Served,
}

/// Resumes all issued calls.
pub(super) fn resume_calls(
    planner: &mut Planner,
    workers: &mut Workers,
    inbox: &mut Inbox,
    journal: &Journal<Event>,
    state: &State,
) -> Result<(), SearchError> {
    // What is folded counts as before; what is not is kept in quarantine again.
    for (call, key, cause) in &state.useless_answers {
        if state.call(*call).is_none() {
            workers.quarantine().count(*call, *key, *cause);
        }
    }
    for (call, open) in state.open_calls() {
        match resume_call(planner, journal, state, call, open)? {
            Resumed::Send(job) => workers.start(job),
            Resumed::Score { to, answered, answer } => {
                let is_doubtful = state.last_good_answer.is_none_or(|good| good < answer);
                workers.score(call, to, answered, answer, open.judging, is_doubtful);
            }
            Resumed::Here(content) => inbox.put(call, content),
            Resumed::Served => {}
        }
    }
    Ok(())
}

/// What an issued call needs.
pub(super) fn resume_call(
    planner: &mut Planner,
    journal: &Journal<Event>,
    state: &State,
    call: Call,
    open: &OpenCall,
) -> Result<Resumed, SearchError> {
    let is_asked_row = open.is_asked && matches!(open.work, Work::Evaluation(_));
    let arrival = state.arrivals.get(&call);
    let is_unanswered = arrival.is_none() && open.cached.is_none();
    if is_unanswered || is_asked_row {
        let question = planner.question(state, &open.work)?;
        if let (true, Question::Model(request)) = (is_asked_row, &question) {
            planner.requests.remember(call, request.hash());
        }
        if is_unanswered {
            let (purpose, worst_case) = (open.work.clone(), open.reserve);
            let (judging, is_again) = (open.judging, false);
            let job = Job { call, purpose, question, worst_case, is_again, judging };
            return Ok(Resumed::Send(job));
        }
    }
    // A row that another answer serves has a verdict of its own where a judge gave it.
    let verdict = state.judgements.event_of(call);
    let arrived = || arrival.and_then(|arrival| arrival.verdict.or(arrival.answer));
    let Some(number) = verdict.or_else(arrived) else {
        return Ok(Resumed::Served);
    };
    Ok(match (journal.read(number)?, &open.work) {
        (Event::Scored { verdict, .. }, _) => Resumed::Here(Content::Verdict(verdict)),
        (Event::Unjudged { .. }, _) => Resumed::Here(Content::Unjudged),
        (Event::Answered(answered), Work::Evaluation(to)) => {
            Resumed::Score { to: *to, answered: Box::new(answered), answer: number }
        }
        (Event::Answered(answered), Work::Proposal(..) | Work::Embedding(..)) => {
            Resumed::Here(Content::Reply(Box::new(answered)))
        }
        // The state names only events of these kinds.
        _ => Resumed::Served,
    })
}
