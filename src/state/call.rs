//! Events of a call: facts from outside, and what a call's issue and fold do to the facts.

use super::facts::Facts;
use super::judgements::Graded;
use super::open_call::{Arrival, OpenCall, Work};
use crate::event::{CachedOf, Event, JudgeCalls, NoAnswer};
use crate::id::{Call, EventNumber};
use crate::ledger::{Answer, Issued};
use crate::task::model::ModelRole;
use crate::units::Amount;

impl Facts {
    pub(super) fn apply_call(&mut self, number: EventNumber, event: &Event) {
        match event {
            Event::Answered(answered) => {
                self.counts.estimated += u64::from(answered.estimated);
                let grader = self.judgements.role(answered.call);
                let role = grader.unwrap_or_else(|| self.role_of(answered.call));
                if let Some(cause) = answered.flaw() {
                    let failed = self.counts.failed_calls.entry(cause).or_default();
                    failed.add(role, &answered.why);
                }
                if grader.is_some() {
                    self.judgements.replied(number, role, Arrival::of(number, answered));
                    return;
                }
                match (answered.flaw(), self.call(answered.call).map(|open| &open.work)) {
                    (Some(cause), Some(Work::Evaluation(key))) => {
                        self.useless_answers.push((answered.call, *key, cause));
                    }
                    (None, Some(Work::Evaluation(_))) => {
                        self.useless_answers.clear();
                        self.last_good_answer = Some(number);
                    }
                    _ => {}
                }
                self.arrivals.insert(answered.call, Arrival::of(number, answered));
            }
            Event::Reused { source, answer } => {
                let reused = self.counts.reused.entry(*source).or_default();
                reused.answers += 1;
                reused.usd += answer.live_usd();
                self.reused.insert(number, Arrival::of(number, answer));
            }
            Event::CallMissing { call, role, cause, why } => {
                self.counts.failed_calls.entry(*cause).or_default().add(*role, why);
                match self.judgements.about(*call) {
                    Some(about) => self.judgements.missed(about),
                    None => {
                        self.arrivals.insert(*call, Arrival { at: number, ..Arrival::NONE });
                    }
                }
            }
            Event::CallsReopened { calls, .. } => {
                self.useless_answers.retain(|(call, ..)| !calls.contains(call));
                for call in calls {
                    let arrival = self.arrivals.remove(call);
                    if arrival.is_some_and(|arrival| arrival.answer.is_some()) {
                        self.plan.reopen(*call);
                    }
                }
            }
            Event::Scored { call, judged_by, .. } => {
                self.settle_verdict(*call, number, judged_by, None);
            }
            Event::Unjudged { call, judged_by, cause, why, .. } => {
                self.settle_verdict(*call, number, judged_by, Some((*cause, why)));
            }
            Event::FieldRefused { model, field, .. } => {
                self.refused_fields.add(model, field);
            }
            // The other events of a call concern money alone: the plan's ledger applies them.
            _ => {}
        }
    }

    fn settle_verdict(
        &mut self,
        call: Call,
        number: EventNumber,
        judged_by: &[EventNumber],
        unjudged: Option<(NoAnswer, &str)>,
    ) {
        if let Some(arrival) = self.arrivals.get_mut(&call) {
            arrival.verdict = Some(number);
            arrival.at = number;
        }
        // A row that another answer serves has no arrival of its own.
        if self.evaluations.get(&call).is_some_and(|open| open.judging.is_some()) {
            self.judgements.settled(call, number, judged_by, unjudged);
        }
    }

    /// Takes the grades of an answer out of what is open and charges the plan for those that are new.
    pub(super) fn fold_grades(&mut self, call: Call, open: &OpenCall) -> Graded {
        let graded = self.judgements.fold(call, open.judging);
        if let Some(calls) = open.judging {
            let answer = |(role, reply): &(ModelRole, Arrival)| {
                let Arrival { usage, usd, bytes, is_estimated, .. } = *reply;
                (*role, Answer { usage, usd, bytes, is_estimated })
            };
            let answers: Vec<(ModelRole, Answer)> = graded.replies.iter().map(answer).collect();
            self.plan.fold_judging(open.work.share(), calls, &answers, graded.missing);
        }
        graded
    }

    fn role_of(&self, call: Call) -> ModelRole {
        self.call(call).map_or(ModelRole::Task, |open| open.work.role())
    }

    /// Takes a call out of what is open and charges the plan for all its attempts.
    pub(super) fn fold_call(&mut self, call: Call) -> Option<(OpenCall, Option<Arrival>)> {
        let places = [&mut self.evaluations, &mut self.proposals, &mut self.embeddings];
        let open = places.into_iter().find_map(|open| open.remove(&call))?;
        self.clock = self.clock.max(open.due);
        let arrival = self.arrivals.remove(&call);
        // Calls that waited for this call's answer now get it, or learn that there is none.
        for waiting in self.served_by.remove(&call).into_iter().flatten() {
            let Some(served) = self.evaluations.get_mut(&waiting) else {
                continue;
            };
            served.cached = arrival.and_then(|arrival| arrival.answer).map(CachedOf::Answer);
            if served.cached.is_none() {
                let at = arrival.map_or(Arrival::NONE.at, |arrival| arrival.at);
                self.arrivals.insert(waiting, Arrival { at, ..Arrival::NONE });
            }
        }
        let answer = arrival
            .filter(|arrival| open.cached.is_none() && arrival.answer.is_some())
            .map(|Arrival { usage, usd, bytes, is_estimated, .. }| Answer {
                usage,
                usd,
                bytes,
                is_estimated,
            });
        self.plan.fold(call, open.work.role(), open.work.share(), open.reserve, answer);
        // What an earlier run was answered tells what a prompt costs, and costs this run nothing. It counts for the
        // first row that it serves, as an answer of its own does.
        let copied = match open.cached {
            Some(CachedOf::Answer(number)) => self.reused.remove(&number),
            _ => None,
        };
        if let Some(Arrival { usage, live_usd: usd, bytes, is_estimated, .. }) = copied {
            self.plan.learn(open.work.role(), Answer { usage, usd, bytes, is_estimated });
        }
        Some((open, arrival.or(copied)))
    }

    pub(super) fn issue(
        &mut self,
        call: Call,
        work: Work,
        reserve: Amount,
        cached: Option<CachedOf>,
        judging: Option<JudgeCalls>,
    ) {
        let kind = match &work {
            Work::Evaluation(_) => Issued::Evaluation,
            Work::Proposal(number, _) => match self.drafts.get(number) {
                Some(draft) if draft.program => Issued::Program,
                _ => Issued::Proposal,
            },
            Work::Embedding(..) => Issued::Embedding,
        };
        if cached.is_none() {
            self.plan.issue(kind, work.share(), reserve);
        }
        // A row that another answer serves may need a grade of its own.
        if let Some(calls) = judging {
            self.plan.issue_judging(work.share(), calls.reserve, calls.count);
            self.judgements.allot(calls, call);
        }
        if let Some(CachedOf::Call(of)) = cached {
            self.served_by.entry(of).or_default().push(call);
        }
        let is_copied =
            matches!(cached, Some(CachedOf::Answer(number)) if self.reused.contains_key(&number));
        self.counts.cached += u64::from(cached.is_some() && !is_copied);
        let reserve = if cached.is_none() { reserve } else { Amount::ZERO };
        let is_asked = cached.is_none();
        let due = self.clock + work.lasts();
        let open = OpenCall { work, reserve, cached, is_asked, due, judging };
        match kind {
            Issued::Evaluation => self.evaluations.insert(call, open),
            Issued::Proposal | Issued::Program => self.proposals.insert(call, open),
            Issued::Embedding => self.embeddings.insert(call, open),
        };
        let after = judging.map_or(call.0 + 1, |calls| calls.first.0 + u64::from(calls.count));
        self.next_call = Call(self.next_call.0.max(after));
    }
}
