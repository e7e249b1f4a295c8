//! Workers: each carries out one job in its own async task and reports to the inbox.
//!
//! A worker decides nothing: it calls, waits for what must be durable, and reports.

use super::call::{CallOutcome, CallRunner, Called};
use super::error::StopCause;
use super::inbox::{Arrived, Content, Post, Report};
use super::job::{Job, Question};
use super::programs::{self, Programs};
use super::quarantine::{Quarantine, Release};
use super::scoring::{Judged, Scoring};
use crate::event::{Answered, Event, JudgeCalls, RowKey};
use crate::id::{Call, EventNumber};
use crate::journal::Journal;
use crate::state::Work;
use futures_util::FutureExt;
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// All workers of a run.
pub(super) struct Workers {
    runner: Arc<CallRunner>,
    programs: Programs,
    scoring: Scoring,
    journal: Arc<Journal<Event>>,
    post: Post,
    tasks: JoinSet<()>,
}

impl Workers {
    pub(super) fn new(
        runner: Arc<CallRunner>,
        programs: Programs,
        scoring: Scoring,
        journal: Arc<Journal<Event>>,
        post: Post,
    ) -> Self {
        Self { runner, programs, scoring, journal, post, tasks: JoinSet::new() }
    }

    pub(super) fn quarantine(&self) -> &Quarantine {
        self.runner.quarantine()
    }

    /// Sends a job on its way.
    pub(super) fn start(&mut self, job: Job) {
        let Job { call, purpose, question, is_again, judging, .. } = job;
        let (runner, scoring) = (Arc::clone(&self.runner), self.scoring.clone());
        match question {
            Question::Model(request) => self.spawn(call, async move {
                let called = runner.call(call, &purpose, &request, is_again).await;
                arrived(call, &purpose, called, judging, &scoring).await
            }),
            Question::Grade { answer, answered } => {
                if let Work::Evaluation(to) = purpose {
                    self.score(call, to, answered, answer, judging, false);
                }
            }
            Question::Program { draft, line } => {
                let (pool, journal) = (self.programs.of(&draft), Arc::clone(&self.journal));
                self.spawn(call, async move {
                    runner.released(purpose.share()).await;
                    let outcome = programs::ask(pool, &journal, &runner, call, &line).await;
                    let called = Called { failed: Vec::new(), outcome, stop: None };
                    arrived(call, &purpose, called, None, &scoring).await
                });
            }
        }
    }

    /// Scores an answer that was durable before: before a resume, or because it serves another row, too. One that is useless and doubtful, because no
    /// good answer came after it, is kept in quarantine first.
    pub(super) fn score(
        &mut self,
        call: Call,
        to: RowKey,
        answered: Box<Answered>,
        answer: EventNumber,
        judging: Option<JudgeCalls>,
        is_doubtful: bool,
    ) {
        let (runner, scoring) = (Arc::clone(&self.runner), self.scoring.clone());
        self.spawn(call, async move {
            let mut facts = Vec::new();
            let cause = answered.flaw().filter(|_| is_doubtful);
            let release = match cause {
                Some(cause) => runner.quarantine().keep(call, to, cause, &answered.why).await,
                None => Release::Alone,
            };
            let scored = scoring.judge(call, to, &answered, answer, judging).await;
            let content = content(scored, &mut facts);
            Arrived { call, facts, content, stop: release.stop_cause() }
        });
    }

    fn spawn(&mut self, call: Call, work: impl Future<Output = Arrived> + Send + 'static) {
        // Workers that are done are forgotten at once, so that memory stays flat.
        while self.tasks.try_join_next().is_some() {}
        let post = self.post.clone();
        self.tasks.spawn(async move {
            // A model or a scorer may be user code: the run must hear of its panic.
            let arrived = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
                let message = said(&*panic);
                let content = Err(StopCause::Panicked { call, message });
                Arrived { call, facts: Vec::new(), content, stop: None }
            });
            // The receiver is gone only when the run is: then nothing waits for the report.
            let _ = post.send(Report::Arrived(arrived));
        });
    }

    /// Sends nothing more and waits for what is out, but no longer than this.
    pub(super) async fn stop(&mut self, patience: Duration) {
        self.runner.stop();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            self.tasks.abort_all();
        }
    }
}

/// What a panic says.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no message".to_owned())
}

/// What came of a call. A row's answer is scored before it is reported.
async fn arrived(
    call: Call,
    purpose: &Work,
    called: Called,
    judging: Option<JudgeCalls>,
    scoring: &Scoring,
) -> Arrived {
    let Called { failed: mut facts, outcome, stop } = called;
    let content = match outcome {
        CallOutcome::Stopped(cause) => Err(cause),
        CallOutcome::Missing(number, event) => {
            facts.push((number, *event));
            Ok(Content::Missing)
        }
        CallOutcome::Answered(number, answered) => {
            facts.push((number, Event::Answered((*answered).clone())));
            match *purpose {
                Work::Evaluation(to) => {
                    let scored = scoring.judge(call, to, &answered, number, judging).await;
                    content(scored, &mut facts)
                }
                Work::Proposal(..) | Work::Embedding(..) => Ok(Content::Reply(answered)),
            }
        }
    };
    Arrived { call, facts, content, stop }
}

/// What is folded of a scored answer; its event is one of the call's facts.
fn content(
    scored: Result<Judged, StopCause>,
    facts: &mut Vec<(EventNumber, Event)>,
) -> Result<Content, StopCause> {
    let Judged { verdict, fact } = scored?;
    facts.extend(fact);
    Ok(verdict.map_or(Content::Unjudged, Content::Verdict))
}
