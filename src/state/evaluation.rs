//! Events of evaluations: rows that are issued and folded, and what candidates come to by them.

use super::candidate::Status;
use super::column::Cell;
use super::facts::Facts;
use super::open_call::Work;
use crate::event::{Block, CachedOf, Dropped, Event, RowKey, RowOutcome};
use crate::id::{Call, CandidateIx};
use crate::task::example::Split;

impl Facts {
    pub(super) fn apply_evaluation(&mut self, event: &Event) {
        match event {
            Event::EvaluationIssued(block) => self.issue_block(block),
            Event::EvaluationFolded { call, outcome } => self.fold_row(*call, outcome),
            Event::AnswersWithdrawn { answers } => {
                self.useless_answers.retain(|(_, key, _)| !answers.contains(key));
                answers.iter().for_each(|answer| self.withdraw(*answer));
            }
            Event::CandidateFinished { candidate } => self.finish(*candidate),
            Event::CandidateDropped { candidate, why } => {
                self.candidates[candidate.index()].status = Status::Dropped(why.clone());
                // A candidate that was judged before, and now leaves a population, was counted then.
                if self.open.remove(candidate) {
                    self.count_decided(*candidate);
                }
            }
            _ => {}
        }
    }

    fn issue_block(&mut self, block: &Block) {
        let mut cached = block.cached.iter().peekable();
        for (offset, row) in block.rows.iter().enumerate() {
            let call = Call(block.first.0 + offset as u64);
            let served = cached.next_if(|cached| cached.call == call).map(|cached| cached.of);
            let Block { candidate, split, replicate, .. } = *block;
            let answer = RowKey { candidate, split, replicate, row: *row };
            let judging = block.judge_calls(offset as u64);
            self.issue(call, Work::Evaluation(answer), block.reserve, served, judging);
            self.to_ask_again.remove(&answer);
            let standing = &mut self.candidates[candidate.index()];
            let column = standing.column_mut((split, replicate));
            if column.cell(*row) == Cell::Missing {
                // It is asked once more: for now it is as if it had not been folded.
                column.folded -= 1;
                self.counts.errors -= 1;
            } else {
                column.issued += 1;
            }
            column.set(*row, Cell::Issued);
        }
    }

    /// The row of a useless answer is missing: what the answer met was a state of the provider. A
    /// candidate that was dropped by itself, on such rows, is tried again.
    fn withdraw(&mut self, answer: RowKey) {
        let RowKey { candidate, split, replicate, row } = answer;
        let weight = self.weights.of(split, row);
        let column = self.candidates[candidate.index()].column_mut((split, replicate));
        if let Cell::Scored { score, .. } = column.cell(row) {
            column.scored -= 1;
            column.sum -= weight * f64::from(score);
            column.weight -= weight;
            column.measured.remove(row);
            column.said.remove(&row);
            column.set(row, Cell::Missing);
            self.counts.evaluations = self.counts.evaluations.saturating_sub(1);
            self.counts.invalid = self.counts.invalid.saturating_sub(1);
            self.counts.errors += 1;
            self.reopen(candidate);
        }
    }

    /// Takes back that a candidate was dropped for its own answers. One that others left behind stays
    /// dropped: their round is over.
    fn reopen(&mut self, candidate: CandidateIx) {
        let status = &mut self.candidates[candidate.index()].status;
        let is_by_own_rows = |why: &Dropped| {
            matches!(why, Dropped::Gate { .. } | Dropped::Futile { .. } | Dropped::MustPass { .. })
        };
        if matches!(status, Status::Dropped(why) if is_by_own_rows(why)) {
            *status = Status::Open;
            self.open.insert(candidate);
            self.counts.decided_since_incumbent =
                self.counts.decided_since_incumbent.saturating_sub(1);
        }
    }

    fn fold_row(&mut self, call: Call, outcome: &RowOutcome) {
        let Some((open, arrival)) = self.fold_call(call) else {
            return;
        };
        let Work::Evaluation(key) = open.work else {
            return;
        };
        let graded = self.fold_grades(call, &open);
        if let Some(why) = graded.unread {
            self.counts.unread_grades_in_a_row += 1;
            self.counts.unread_example = why;
        } else if !graded.judged_by.is_empty() {
            self.counts.unread_grades_in_a_row = 0;
        }
        let RowKey { candidate, split, replicate, row } = key;
        self.counts.folded += 1;
        self.folded_row = Some(key);
        let dev_rows = self.dev_rows;
        let standing = &mut self.candidates[candidate.index()];
        let column = standing.column_mut((split, replicate));
        column.folded += 1;
        match outcome {
            RowOutcome::Scored { score, invalid, measured, said, weight } => {
                self.weights.set(split, row, *weight);
                let own = arrival.and_then(|arrival| arrival.verdict.or(arrival.answer));
                let answer = graded.event.or(own).or(match open.cached {
                    Some(CachedOf::Answer(answer)) => Some(answer),
                    _ => None,
                });
                let answer = answer.unwrap_or_default();
                column.scored += 1;
                column.sum += weight * score.value();
                column.weight += weight;
                column.measured.set(row, measured);
                column.said.extend(said.map(|said| (row, said)));
                column.set(row, Cell::Scored { score: score.value() as f32, answer });
                self.counts.evaluations += 1;
                self.counts.invalid += u64::from(*invalid);
                if let Some(arrival) = arrival.filter(|_| split != Split::Train) {
                    let used = match split {
                        Split::Hold => &mut standing.hold_used,
                        Split::Train | Split::Dev => &mut standing.used,
                    };
                    used.add(arrival.usage, arrival.live_usd);
                    if split == Split::Hold && replicate == 0 && !arrival.is_estimated {
                        standing.hold_usd.insert(row, arrival.live_usd);
                    }
                }
            }
            RowOutcome::Missing => {
                column.set(row, Cell::Missing);
                self.counts.errors += 1;
            }
        }
        if dev_rows > 0 && standing.dev().folded >= dev_rows {
            self.finish(candidate);
        }
    }
}
