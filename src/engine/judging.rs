//! What models say of an answer: their calls, and their replies as grades.
//!
//! A judge's call is a call like all others: its worst case is reserved before it is sent, and its reply is durable
//! before it is used. A request that the run has an answer to is not asked again: not after a kill, and not
//! where another prompt gave the same answer to the same row. How it is asked and read is the task's; when its cost
//! enters decisions is the state's.

use super::call::{CallOutcome, CallRunner, Called, Purpose};
use super::error::StopCause;
use super::inbox::{Post, Report};
use crate::evaluate::{Evaluator, JUDGE_TRIES, JudgeQuestion};
use crate::event::{Answered, Event, JudgeCalls, NoAnswer, RowKey};
use crate::id::{Call, EventNumber, RequestHash};
use crate::journal::Journal;
use crate::provider::Request;
use crate::task::example::Split;
use crate::task::scorer::Verdict;
use futures_util::future::join_all;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Asks the judges of a run. Clones share what is being asked.
#[derive(Clone)]
pub(super) struct Judge {
    runner: Arc<CallRunner>,
    evaluator: Arc<Evaluator>,
    journal: Arc<Journal<Event>>,
    post: Post,
    /// Requests that are being asked: who asks the same waits for the reply.
    asking: Arc<Mutex<HashMap<RequestHash, Arc<tokio::sync::Mutex<()>>>>>,
}

/// The grades of an answer.
#[derive(Debug, Default)]
pub(super) struct Grades {
    /// The replies to all questions about it, those that could not be read too.
    pub(super) judged_by: Vec<EventNumber>,
    /// What they say, question by question.
    pub(super) verdicts: Vec<Verdict>,
    /// Why one is missing.
    pub(super) missing: Option<(NoAnswer, String)>,
}

/// The replies to a question, and what they say or why they say nothing.
type Said = (Vec<EventNumber>, Result<Verdict, (NoAnswer, String)>);

/// What came of a request.
enum Asked {
    Answered(EventNumber, Box<Answered>),
    Missing(NoAnswer, String),
}

impl Judge {
    pub(super) fn new(
        runner: Arc<CallRunner>,
        evaluator: Arc<Evaluator>,
        journal: Arc<Journal<Event>>,
        post: Post,
    ) -> Self {
        Self { runner, evaluator, journal, post, asking: Arc::default() }
    }

    /// Has an answer graded: all questions at once. A reply that cannot be read is asked for once more.
    pub(super) async fn grades(
        &self,
        calls: JudgeCalls,
        to: RowKey,
        answer: &str,
    ) -> Result<Grades, StopCause> {
        let RowKey { split, row, replicate, .. } = to;
        let questions = self.evaluator.judge_questions(split, row, replicate, answer);
        let asked = questions.iter().map(|question| self.grade(calls, to, question));
        let mut grades = Grades::default();
        // All of them end before one's trouble is told: what is out at a provider is paid for, and its reply is kept.
        for said in join_all(asked).await {
            let (judged_by, said) = said?;
            grades.judged_by.extend(judged_by);
            match said {
                Ok(verdict) => grades.verdicts.push(verdict),
                Err(missing) => drop(grades.missing.get_or_insert(missing)),
            }
        }
        Ok(grades)
    }

    /// What a judge says to a question, or why nothing; and the replies to it, those that could not be read too.
    async fn grade(
        &self,
        calls: JudgeCalls,
        to: RowKey,
        question: &JudgeQuestion<'_>,
    ) -> Result<Said, StopCause> {
        let (mut judged_by, mut unread) = (Vec::new(), String::new());
        for number in 0..JUDGE_TRIES {
            // Of as many calls in a row as there are models, each asks another one.
            let turn = u64::from(question.place * JUDGE_TRIES + number);
            let place = turn * calls.graders.count() + calls.graders.place(question.role);
            let call = Call(calls.first.0 + place);
            let purpose = Purpose::judgement(to, question.role);
            match self.asked(call, to, purpose, question.request(number)).await? {
                Asked::Missing(cause, why) => return Ok((judged_by, Err((cause, why)))),
                Asked::Answered(event, reply) => {
                    judged_by.push(event);
                    match question.read(&reply) {
                        Err(why) => unread = why,
                        Ok(verdict) => return Ok((judged_by, Ok(verdict))),
                    }
                }
            }
        }
        Ok((judged_by, Err((NoAnswer::Unreadable, unread))))
    }

    async fn asked(
        &self,
        call: Call,
        about: RowKey,
        purpose: Purpose,
        request: Request,
    ) -> Result<Asked, StopCause> {
        let request = self.runner.rewritten(&request).unwrap_or(request);
        let hash = request.hash();
        let turn = Arc::clone(self.asking().entry(hash).or_default());
        let guard = turn.lock().await;
        let asked = match self.reply_to(&hash, about.split)? {
            Some((number, reply)) => Ok(Asked::Answered(number, Box::new(reply))),
            None => self.ask(call, purpose, &request).await,
        };
        drop(guard);
        let mut asking = self.asking();
        // The map's own and this one: nothing waits for it.
        if Arc::strong_count(&turn) <= 2 {
            asking.remove(&hash);
        }
        asked
    }

    async fn ask(
        &self,
        call: Call,
        purpose: Purpose,
        request: &Request,
    ) -> Result<Asked, StopCause> {
        let Called { failed, outcome, .. } = self.runner.call(call, purpose, request, false).await;
        for (number, event) in failed {
            self.report(number, event);
        }
        // It is reported before another call may use it: the state knows a reply before a verdict that rests on it.
        match outcome {
            CallOutcome::Stopped(cause) => Err(cause),
            CallOutcome::Missing(number, event) => {
                let missing = match &*event {
                    Event::CallMissing { cause, why, .. } => (*cause, why.clone()),
                    _ => (NoAnswer::default(), String::new()),
                };
                self.report(number, *event);
                Ok(Asked::Missing(missing.0, missing.1))
            }
            CallOutcome::Answered(number, reply) => {
                self.report(number, Event::Answered((*reply).clone()));
                Ok(Asked::Answered(number, reply))
            }
        }
    }

    /// The reply of the journal to a request. That of an earlier run says nothing about held-out rows.
    fn reply_to(
        &self,
        hash: &RequestHash,
        split: Split,
    ) -> Result<Option<(EventNumber, Answered)>, StopCause> {
        let Some(number) = self.journal.find_answer(hash)? else { return Ok(None) };
        Ok(match self.journal.read(number)? {
            Event::Answered(answered) => Some((number, answered)),
            Event::Reused { answer, .. } if split != Split::Hold => Some((number, answer)),
            _ => None,
        })
    }

    fn asking(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<RequestHash, Arc<tokio::sync::Mutex<()>>>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, number: EventNumber, event: Event) {
        // The receiver is gone only when the run is.
        let _ = self.post.send(Report::Fact(number, Box::new(event)));
    }
}
