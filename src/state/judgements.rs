//! Calls of a judge about answers that are not folded: what they said, and which verdicts rest on them.
//!
//! A judge is asked about a row and an answer, not about a candidate, so one reply may serve several rows. It is charged
//! to the plan with the first of them that is folded, whoever asked: so the same is spent at any concurrency.

use super::open_call::Arrival;
use crate::event::{JudgeCalls, NoAnswer};
use crate::id::{Call, EventNumber};
use crate::task::model::ModelRole;
use std::collections::{BTreeMap, HashMap};

/// What judges said of answers that are not folded.
#[derive(Clone, Debug, Default)]
pub struct Judgements {
    /// Calls that are allotted, by the first of them, and about the answer of which call.
    allotted: BTreeMap<Call, (JudgeCalls, Call)>,
    /// Replies that no folded row rests on.
    replies: HashMap<EventNumber, (ModelRole, Arrival)>,
    /// What is known of the answer of a call.
    known: HashMap<Call, AnswerGrades>,
}

/// What judges said of an answer so far.
#[derive(Clone, Debug, Default)]
struct AnswerGrades {
    /// The event that holds its verdict, or says that it has none.
    event: Option<EventNumber>,
    /// The replies that were read, or could not be.
    judged_by: Vec<EventNumber>,
    /// Calls of the judge that ended without a reply.
    missing: u64,
    /// Why its replies are no grade.
    unread: Option<String>,
}

/// What the fold of an answer needs to know of its grades.
#[derive(Debug, Default)]
pub(super) struct Graded {
    /// The event that holds its verdict.
    pub(super) event: Option<EventNumber>,
    /// All replies about it.
    pub(super) judged_by: Vec<EventNumber>,
    /// The replies about it that are folded for the first time.
    pub(super) replies: Vec<(ModelRole, Arrival)>,
    /// Calls of the judge that ended without a reply.
    pub(super) missing: u64,
    /// Why the replies are no grade.
    pub(super) unread: Option<String>,
}

impl Judgements {
    pub(super) fn allot(&mut self, calls: JudgeCalls, about: Call) {
        self.allotted.insert(calls.first, (calls, about));
    }

    /// The call whose answer a call of the judge is about; `None`: it is no open call of the judge.
    #[must_use]
    pub fn about(&self, call: Call) -> Option<Call> {
        Some(self.allotted(call)?.1)
    }

    /// The role of the model that an open call asks what an answer is worth; `None`: it asks something else.
    #[must_use]
    pub fn role(&self, call: Call) -> Option<ModelRole> {
        Some(self.allotted(call)?.0.role(call))
    }

    fn allotted(&self, call: Call) -> Option<&(JudgeCalls, Call)> {
        let (first, allotted) = self.allotted.range(..=call).next_back()?;
        (call.0 - first.0 < u64::from(allotted.0.count)).then_some(allotted)
    }

    /// The event that holds the verdict on the answer of a call, or says that it has none.
    #[must_use]
    pub fn event_of(&self, call: Call) -> Option<EventNumber> {
        self.known.get(&call)?.event
    }

    pub(super) fn replied(&mut self, number: EventNumber, role: ModelRole, reply: Arrival) {
        self.replies.insert(number, (role, reply));
    }

    pub(super) fn missed(&mut self, about: Call) {
        self.known.entry(about).or_default().missing += 1;
    }

    /// An answer has a verdict, or none for a reason.
    pub(super) fn settled(
        &mut self,
        call: Call,
        event: EventNumber,
        judged_by: &[EventNumber],
        unjudged: Option<(NoAnswer, &str)>,
    ) {
        let known = self.known.entry(call).or_default();
        known.event = Some(event);
        known.judged_by = judged_by.to_vec();
        let unread = unjudged.filter(|(cause, _)| *cause == NoAnswer::Unreadable);
        known.unread = unread.map(|(_, why)| why.to_owned());
    }

    /// An answer is folded.
    pub(super) fn fold(&mut self, call: Call, calls: Option<JudgeCalls>) -> Graded {
        if let Some(calls) = calls {
            self.allotted.remove(&calls.first);
        }
        let AnswerGrades { event, judged_by, missing, unread } =
            self.known.remove(&call).unwrap_or_default();
        let replies = judged_by.iter().filter_map(|number| self.replies.remove(number)).collect();
        Graded { event, judged_by, replies, missing, unread }
    }
}
