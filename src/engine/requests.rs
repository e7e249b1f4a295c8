//! Blocks of rows become jobs, and equal requests are asked once.
//!
//! Whether a request was asked before depends on what was issued, not on what has arrived; but a field
//! that a server refuses, which arrives at any time, changes the identity of later requests.

use super::earlier::EarlierAnswers;
use super::error::SearchError;
use super::job::{Job, Question};
use crate::evaluate::Evaluator;
use crate::event::{Block, Cached, CachedOf, Event, Judging, RowKey};
use crate::id::{Call, CandidateIx, EventNumber, RequestHash, RowIx};
use crate::journal::Journal;
use crate::provider::Request;
use crate::state::{Facts, Work};
use crate::task::example::Split;
use crate::units::Amount;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Writes the requests of rows.
pub(super) struct Requests {
    evaluator: Arc<Evaluator>,
    journal: Arc<Journal<Event>>,
    /// Answers of earlier runs.
    earlier: EarlierAnswers,
    /// The first unfolded call of each request.
    asked: HashMap<RequestHash, Call>,
    /// The requests of unfolded calls.
    hashes: HashMap<Call, RequestHash>,
}

/// Rows that a candidate is given together.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    /// Who answers.
    pub(super) candidate: CandidateIx,
    /// Of which split.
    pub(super) split: Split,
    /// Which answer to them it is.
    pub(super) replicate: u16,
    /// The rows.
    pub(super) rows: Vec<RowIx>,
}

impl Requests {
    pub(super) fn new(
        evaluator: Arc<Evaluator>,
        journal: Arc<Journal<Event>>,
        earlier: EarlierAnswers,
    ) -> Self {
        Self { evaluator, journal, earlier, asked: HashMap::new(), hashes: HashMap::new() }
    }

    /// The request for a row.
    pub(super) fn row(
        &self,
        facts: &Facts,
        candidate: CandidateIx,
        split: Split,
        row: RowIx,
        replicate: u16,
    ) -> Result<Request, SearchError> {
        let prompt = &facts.standing(candidate).candidate.prompt;
        let request = self.evaluator.request(prompt, split, row, replicate)?;
        let request = request.ok_or(SearchError::NoRow { split, row })?;
        Ok(request.without(&facts.refused_fields))
    }

    /// Bytes of the longest of some rows.
    pub(super) fn longest_row(&self, split: Split, rows: &[RowIx]) -> usize {
        let bytes = rows.iter().map(|row| self.evaluator.row_bytes(split, *row));
        bytes.max().unwrap_or(0)
    }

    /// The events that copy what earlier runs have answered to rows of a block, as far as the journal has no answer.
    pub(super) fn copies(&self, facts: &Facts, block: &Rows) -> Result<Vec<Event>, SearchError> {
        let Rows { candidate, split, replicate, rows } = block;
        // Held-out rows are always asked: their answers confirm, and must be this run's own.
        if self.earlier.is_empty() || *split == Split::Hold {
            return Ok(Vec::new());
        }
        let (mut copies, mut met) = (Vec::new(), HashSet::new());
        for row in rows {
            let hash = self.row(facts, *candidate, *split, *row, *replicate)?.hash();
            let is_served = self.asked.contains_key(&hash) || !met.insert(hash);
            if !is_served && self.journal.find_answer(&hash)?.is_none() {
                copies.extend(self.earlier.copy_of(&hash));
            }
        }
        Ok(copies)
    }

    /// The event that issues a block, and the jobs of those of its rows that no answer serves.
    /// `reserve` is what the plan sets aside for each row, and `judging` what it does for the grades of each.
    pub(super) fn block(
        &mut self,
        facts: &Facts,
        block: Rows,
        reserve: Amount,
        judging: Option<Judging>,
    ) -> Result<(Event, Vec<Job>), SearchError> {
        let Rows { candidate, split, replicate, rows } = block;
        let first = facts.next_call;
        let (mut cached, mut jobs) = (Vec::new(), Vec::with_capacity(rows.len()));
        let block = Block {
            first,
            candidate,
            split,
            replicate,
            rows,
            reserve,
            cached: Vec::new(),
            judging,
        };
        for (offset, row) in (0..).zip(&block.rows) {
            let call = Call(first.0 + offset);
            let request = self.row(facts, candidate, split, *row, replicate)?;
            let hash = request.hash();
            if let Some(of) = self.asked.get(&hash) {
                cached.push(Cached { call, of: CachedOf::Call(*of) });
            } else if let Some(answer) = self.good_answer(&hash, split)? {
                cached.push(Cached { call, of: CachedOf::Answer(answer) });
                if let Some(calls) = block.judge_calls(offset)
                    && let Some(answered) = self.journal.read(answer)?.answer()
                {
                    let to = RowKey { candidate, split, replicate, row: *row };
                    jobs.push(Job {
                        call,
                        purpose: Work::Evaluation(to),
                        question: Question::Grade { answer, answered: Box::new(answered.clone()) },
                        worst_case: Amount::ZERO,
                        is_again: false,
                        judging: Some(calls),
                    });
                }
            } else {
                self.remember(call, hash);
                let answer = RowKey { candidate, split, replicate, row: *row };
                let purpose = Work::Evaluation(answer);
                let question = Question::Model(request);
                let is_again = facts.to_ask_again.contains(&answer);
                let judging = block.judge_calls(offset);
                jobs.push(Job { call, purpose, question, worst_case: reserve, is_again, judging });
            }
        }
        Ok((Event::EvaluationIssued(Block { cached, ..block }), jobs))
    }

    /// The answer of the journal that serves a request. One that is no good answer serves none: what
    /// the first call met may be over. One of an earlier run serves no held-out row, which may hold the same.
    fn good_answer(
        &self,
        hash: &RequestHash,
        split: Split,
    ) -> Result<Option<EventNumber>, SearchError> {
        let Some(number) = self.journal.find_answer(hash)? else { return Ok(None) };
        let is_good = match self.journal.read(number)? {
            Event::Answered(answered) => answered.flaw().is_none(),
            Event::Reused { .. } => split != Split::Hold,
            _ => false,
        };
        Ok(is_good.then_some(number))
    }

    /// A call that is out asks this.
    pub(super) fn remember(&mut self, call: Call, hash: RequestHash) {
        self.asked.entry(hash).or_insert(call);
        self.hashes.insert(call, hash);
    }

    /// A call is folded: from now on the journal has its answer, if it got one.
    pub(super) fn forget(&mut self, call: Call) {
        if let Some(hash) = self.hashes.remove(&call)
            && self.asked.get(&hash) == Some(&call)
        {
            self.asked.remove(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::{answered, block_on, journal, started, task};
    use crate::event::Answered;

    fn requests(journal: &Arc<Journal<Event>>) -> Requests {
        let earlier = EarlierAnswers::default();
        Requests::new(Arc::new(Evaluator::new(task(), &[])), Arc::clone(journal), earlier)
    }

    fn rows(rows: &[u32]) -> Rows {
        let rows = rows.iter().copied().map(RowIx).collect();
        Rows { candidate: CandidateIx::BASELINE, split: Split::Dev, replicate: 0, rows }
    }

    fn issue(requests: &mut Requests, facts: &Facts, of: &[u32]) -> (Block, Vec<Job>) {
        match requests.block(facts, rows(of), Amount::ZERO, None).unwrap() {
            (Event::EvaluationIssued(block), jobs) => (block, jobs),
            (other, _) => panic!("{other:?}"),
        }
    }

    #[test]
    fn calls_are_numbered_by_row_and_a_request_that_is_out_is_not_sent_again() {
        let mut requests = requests(&journal());
        let state = started();
        let (block, jobs) = issue(&mut requests, &state, &[3, 4, 3]);
        assert_eq!(jobs.iter().map(|job| job.call).collect::<Vec<_>>(), [Call(0), Call(1)]);
        assert_eq!(block.cached, [Cached { call: Call(2), of: CachedOf::Call(Call(0)) }]);
        let Question::Model(request) = &jobs[1].question else { panic!("no request") };
        let row = requests.row(&state, CandidateIx::BASELINE, Split::Dev, RowIx(4), 0).unwrap();
        assert_eq!(*request, row);
    }

    #[test]
    fn another_replicate_is_another_request() {
        let mut requests = requests(&journal());
        let state = started();
        issue(&mut requests, &state, &[3]);
        let again = Rows { replicate: 1, ..rows(&[3]) };
        let (_, jobs) = requests.block(&state, again, Amount::ZERO, None).unwrap();
        assert_eq!(jobs.len(), 1);
    }

    #[test]
    fn a_folded_call_serves_no_more_but_its_durable_answer_does() {
        let journal = journal();
        let mut requests = requests(&journal);
        let state = started();
        let (_, jobs) = issue(&mut requests, &state, &[3]);
        requests.forget(jobs[0].call);
        assert_eq!(issue(&mut requests, &state, &[3]).1.len(), 1, "it was never answered");
        requests.forget(jobs[0].call);

        let Question::Model(request) = &jobs[0].question else { panic!("no request") };
        let event = Event::Answered(Answered { request: request.hash(), ..answered(0, "x") });
        let number = block_on(async { journal.append_durable(event).await.unwrap() });
        let (block, jobs) = issue(&mut requests, &state, &[3]);
        assert!(jobs.is_empty());
        assert_eq!(block.cached, [Cached { call: Call(0), of: CachedOf::Answer(number) }]);
    }

    #[test]
    fn an_answer_of_an_earlier_run_is_copied_once_and_serves_no_held_out_row() {
        let (journal, state) = (journal(), started());
        let plain = requests(&journal);
        let hash = |replicate: u16, row: u32| {
            let (baseline, row) = (CandidateIx::BASELINE, RowIx(row));
            plain.row(&state, baseline, Split::Dev, row, replicate).unwrap().hash()
        };
        let mut earlier = EarlierAnswers::default();
        for (replicate, row) in [(0, 3), (1, 4)] {
            earlier.add(7, Answered { request: hash(replicate, row), ..answered(9, "x") });
        }
        let evaluator = Arc::new(Evaluator::new(task(), &[]));
        let mut requests = Requests::new(evaluator, Arc::clone(&journal), earlier);
        // Replicate by replicate, and each request once.
        let copies = requests.copies(&state, &rows(&[3, 4, 3])).unwrap();
        let [Event::Reused { source: 7, answer }] = &copies[..] else { panic!("{copies:?}") };
        assert_eq!(answer.request, hash(0, 3));
        let held_out = Rows { split: Split::Hold, ..rows(&[3]) };
        assert!(requests.copies(&state, &held_out).unwrap().is_empty());
        let number = block_on(async { journal.append_durable(copies[0].clone()).await.unwrap() });
        assert!(requests.copies(&state, &rows(&[3, 4, 3])).unwrap().is_empty());
        assert_eq!(requests.good_answer(&hash(0, 3), Split::Dev).unwrap(), Some(number));
        assert_eq!(requests.good_answer(&hash(0, 3), Split::Hold).unwrap(), None);
        let (block, jobs) = issue(&mut requests, &state, &[3, 4]);
        assert_eq!(block.cached, [Cached { call: Call(0), of: CachedOf::Answer(number) }]);
        assert_eq!(jobs.iter().map(|job| job.call).collect::<Vec<_>>(), [Call(1)]);
    }

    #[test]
    fn a_row_that_does_not_exist_is_an_error_of_its_own_kind() {
        let requests = requests(&journal());
        let error = requests.row(&started(), CandidateIx::BASELINE, Split::Dev, RowIx(99_999), 0);
        assert!(matches!(error, Err(SearchError::NoRow { .. })));
    }
}
