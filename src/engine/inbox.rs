//! What has arrived and is not folded.
//!
//! An answer that arrives early is durable at once and waits here for its turn. What is decided next
//! never depends on the content of the inbox; which answer is folded next does, with the order `arrival`.

use super::error::StopCause;
use crate::event::{Answered, Event};
use crate::id::{Call, EventNumber};
use crate::state::{Facts, OpenCall};
use crate::task::scorer::Verdict;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// What is reported to the driver.
#[derive(Debug)]
pub(super) enum Report {
    /// What a worker reports of a call.
    Arrived(Arrived),
    /// A durable event that may come after its call's end; it is not yet applied to the state.
    Fact(EventNumber, Box<Event>),
}

/// What a worker reports of a call.
#[derive(Debug)]
pub(super) struct Arrived {
    /// Which.
    pub(super) call: Call,
    /// The durable events that came of it, in order; they are not yet applied to the state.
    pub(super) facts: Vec<(EventNumber, Event)>,
    /// What is folded later, or why the run must stop.
    pub(super) content: Result<Content, StopCause>,
    /// Why the run must stop although the call has ended.
    pub(super) stop: Option<StopCause>,
}

/// What is folded.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    /// What a row's answer is worth.
    Verdict(Verdict),
    /// The row has an answer of which a judge gave no grade.
    Unjudged,
    /// A reply to a proposal.
    Reply(Box<Answered>),
    /// There is no answer, and there will be none.
    Missing,
}

/// Which call is folded next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// This one.
    Of(Call),
    /// The first one that has arrived; rows alone, or proposals too.
    First {
        /// Whether a proposal may be folded now.
        proposals: bool,
    },
}

/// How long to wait for a report before the clock is looked at.
pub(super) const TICK: Duration = Duration::from_millis(500);

/// Why the loop goes on.
pub(super) enum Woken {
    /// Something is reported.
    Report(Report),
    /// The run is asked to stop.
    Stop,
    /// Nothing came for a while.
    Tick,
}

/// Where workers report, and calls what happens beside them.
pub(super) type Post = mpsc::UnboundedSender<Report>;

/// What has arrived.
pub(super) struct Inbox {
    reports: mpsc::UnboundedReceiver<Report>,
    contents: HashMap<Call, Content>,
    /// Rows that an earlier answer serves, of which a grade is awaited.
    graded: HashSet<Call>,
}

impl Inbox {
    /// An empty one, and where to report to it.
    pub(super) fn new() -> (Self, Post) {
        let (post, reports) = mpsc::unbounded_channel();
        (Self { reports, contents: HashMap::new(), graded: HashSet::new() }, post)
    }

    /// The next report that is there already.
    pub(super) fn next_now(&mut self) -> Option<Report> {
        self.reports.try_recv().ok()
    }

    /// Waits for the next report, but not for long: limits bind also while nothing comes.
    pub(super) async fn next(&mut self, cancel: &mut watch::Receiver<bool>) -> Woken {
        tokio::select! {
            report = self.reports.recv() => report.map_or(Woken::Stop, Woken::Report),
            // Also where nothing is left that could ask for it.
            _ = cancel.wait_for(|is_asked| *is_asked) => Woken::Stop,
            () = tokio::time::sleep(TICK) => Woken::Tick,
        }
    }

    /// Keeps what will be folded.
    pub(super) fn put(&mut self, call: Call, content: Content) {
        self.contents.insert(call, content);
    }

    /// Takes out what is folded now; missing where nothing was kept.
    pub(super) fn take(&mut self, call: Call) -> Content {
        self.graded.remove(&call);
        self.contents.remove(&call).unwrap_or(Content::Missing)
    }

    /// A row that an earlier answer serves is not here before its grade is.
    pub(super) fn await_grade(&mut self, call: Call) {
        self.graded.insert(call);
    }

    /// The call whose turn it is, once it can be folded.
    ///
    /// Of those that have arrived, it is the one whose end stands first in the journal. What a kill loses of the
    /// decisions is so derived again as it was, but where a scorer's program, or a call that was in
    /// quarantine, was waited for.
    pub(super) fn ready(&self, facts: &Facts, turn: Turn) -> Option<(Call, OpenCall)> {
        let (call, open) = match turn {
            Turn::Of(call) => (call, facts.call(call)?),
            Turn::First { proposals } => {
                let proposals = facts.proposals.iter().filter(|_| proposals);
                let arrived =
                    facts.evaluations.iter().chain(proposals).filter_map(|(call, open)| {
                        Some((facts.arrived_at(*call, open)?, *call, open))
                    });
                let (_, call, open) = arrived.min_by_key(|(at, call, _)| (*at, *call))?;
                (call, open)
            }
        };
        self.is_here(facts, call, open).then(|| (call, open.clone()))
    }

    /// Whether a call can be folded: an earlier answer serves it, its own content is here, or it is
    /// known that there will be none.
    fn is_here(&self, facts: &Facts, call: Call, open: &OpenCall) -> bool {
        let is_over = || facts.arrivals.get(&call).is_some_and(|arrival| arrival.answer.is_none());
        let is_served = open.cached.is_some() && !self.graded.contains(&call);
        is_served || self.contents.contains_key(&call) || is_over()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::{answered, evaluation, open_call};
    use crate::event::CachedOf;
    use crate::id::{MutatorIx, ProposalNumber};
    use crate::state::{Arrival, Work};

    #[test]
    fn a_call_is_folded_once_its_content_is_here() {
        let (mut inbox, _post) = Inbox::new();
        let (call, facts) = (Call(4), Facts::default());
        let open = open_call(evaluation(0, 0));
        assert!(!inbox.is_here(&facts, call, &open));
        let reply = Content::Reply(Box::new(answered(2, "x")));
        inbox.put(call, reply.clone());
        assert!(inbox.is_here(&facts, call, &open));
        assert!(!inbox.is_here(&facts, Call(5), &open));
        assert_eq!(inbox.take(call), reply);
        assert_eq!(inbox.take(call), Content::Missing);
    }

    #[test]
    fn a_call_that_another_answer_serves_or_that_has_none_waits_for_nothing() {
        let (inbox, _post) = Inbox::new();
        let (call, mut facts) = (Call(4), Facts::default());
        let mut open = open_call(evaluation(0, 0));
        open.cached = Some(CachedOf::Answer(EventNumber(1)));
        assert!(inbox.is_here(&facts, call, &open));
        open.cached = None;
        let answered = Arrival { answer: Some(EventNumber(1)), ..Arrival::NONE };
        facts.arrivals.insert(call, answered);
        assert!(!inbox.is_here(&facts, call, &open), "its answer is not scored yet");
        facts.arrivals.insert(call, Arrival::NONE);
        assert!(inbox.is_here(&facts, call, &open));
    }

    #[test]
    fn of_calls_that_arrived_the_first_in_the_journal_is_ready_and_is_waited_for() {
        let (mut inbox, _post) = Inbox::new();
        let mut facts = Facts::default();
        let answered_at = |at| Arrival { at: EventNumber(at), ..Arrival::NONE };
        for call in [1, 2, 3, 4] {
            facts.evaluations.insert(Call(call), open_call(evaluation(0, 0)));
        }
        let of_call = |call| CachedOf::Call(Call(call));
        facts.evaluations.get_mut(&Call(4)).unwrap().cached = Some(of_call(3));
        let proposal = Work::Proposal(ProposalNumber(0), MutatorIx(0));
        facts.proposals.insert(Call(0), open_call(proposal));
        let ready = |inbox: &Inbox, facts: &Facts, proposals| {
            inbox.ready(facts, Turn::First { proposals }).map(|(call, _)| call)
        };
        assert_eq!(ready(&inbox, &facts, true), None, "one that another one serves waits for it");
        facts.arrivals.insert(Call(1), answered_at(9));
        facts.arrivals.insert(Call(2), answered_at(7));
        facts.arrivals.insert(Call(0), answered_at(3));
        assert_eq!(ready(&inbox, &facts, true), Some(Call(0)));
        assert_eq!(ready(&inbox, &facts, false), Some(Call(2)), "no proposal's turn");
        // It has an answer that is scored once more, after a resume.
        let answer = Some(EventNumber(7));
        facts.arrivals.insert(Call(2), Arrival { answer, ..answered_at(7) });
        assert_eq!(ready(&inbox, &facts, false), None, "the others do not overtake it");
        inbox.put(Call(2), Content::Missing);
        assert_eq!(ready(&inbox, &facts, false), Some(Call(2)));
        facts.evaluations.remove(&Call(2));
        assert_eq!(ready(&inbox, &facts, false), Some(Call(1)));
        facts.evaluations.get_mut(&Call(4)).unwrap().cached =
            Some(CachedOf::Answer(EventNumber(5)));
        assert_eq!(ready(&inbox, &facts, false), Some(Call(4)));
    }

    #[test]
    fn reports_are_taken_in_the_order_in_which_they_came() {
        let (mut inbox, post) = Inbox::new();
        for call in [Call(2), Call(1)] {
            let (facts, content) = (Vec::new(), Ok(Content::Missing));
            post.send(Report::Arrived(Arrived { call, facts, content, stop: None })).unwrap();
        }
        let mut next = || match inbox.next_now()? {
            Report::Arrived(arrived) => Some(arrived.call),
            Report::Fact(..) => None,
        };
        assert_eq!([next(), next(), next()], [Some(Call(2)), Some(Call(1)), None]);
    }
}
