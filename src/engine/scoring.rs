//! What an answer is worth: a verdict when it arrives, a row's outcome when it is folded.
//!
//! The verdict of a scorer's program or of a judge is a fact from outside, so it is durable before it is used.
//! The verdict of this process follows from the answer.

use super::error::StopCause;
use super::inbox::Content;
use super::judging::{Grades, Judge};
use crate::evaluate::Evaluator;
use crate::event::{Answered, CachedOf, Event, JudgeCalls, RowKey, RowOutcome};
use crate::id::{Call, EventNumber, RowIx};
use crate::journal::Journal;
use crate::task::example::Split;
use crate::task::scorer::Verdict;
use crate::text;
use std::sync::Arc;

/// Scores answers. Clones share one evaluator and one journal.
#[derive(Clone)]
pub(super) struct Scoring {
    evaluator: Arc<Evaluator>,
    journal: Arc<Journal<Event>>,
    /// Where one grades answers.
    judge: Option<Judge>,
}

/// What an answer is worth, with the event that made it durable where a program or a judge says it.
#[derive(Debug)]
pub(super) struct Judged {
    /// `None`: the judge gave no grade.
    pub(super) verdict: Option<Verdict>,
    pub(super) fact: Option<(EventNumber, Event)>,
}

impl Scoring {
    pub(super) fn new(
        evaluator: Arc<Evaluator>,
        journal: Arc<Journal<Event>>,
        judge: Option<Judge>,
    ) -> Self {
        Self { evaluator, journal, judge }
    }

    /// What a durable answer is worth. A broken scorer stops the run before it takes more answers
    /// for wrong.
    pub(super) async fn judge(
        &self,
        call: Call,
        to: RowKey,
        answered: &Answered,
        answer: EventNumber,
        judging: Option<JudgeCalls>,
    ) -> Result<Judged, StopCause> {
        let has_flaw = answered.flaw().is_some();
        let grades = match (&self.judge, judging.filter(|_| !has_flaw)) {
            (Some(judge), Some(calls)) => judge.grades(calls, to, &answered.text).await?,
            _ => Grades::default(),
        };
        let Grades { judged_by, verdicts, missing } = grades;
        if let Some((cause, why)) = missing {
            let why = text::shorten(&why, 300);
            let event = Event::Unjudged { call, answer, cause, why, judged_by };
            let number = self.journal.append_durable(event.clone()).await?;
            return Ok(Judged { verdict: None, fact: Some((number, event)) });
        }
        let verdict = self.evaluator.score(to.split, to.row, answered, verdicts).await?;
        if self.evaluator.is_pure() || has_flaw {
            return Ok(Judged { verdict: Some(verdict), fact: None });
        }
        let event = Event::Scored { call, answer, verdict: verdict.clone(), judged_by };
        let number = self.journal.append_durable(event.clone()).await?;
        Ok(Judged { verdict: Some(verdict), fact: Some((number, event)) })
    }

    /// The answer that serves a row, where a judge has to grade it for this row.
    pub(super) fn ungraded(&self, answer: EventNumber) -> Result<Option<Box<Answered>>, StopCause> {
        let event = self.journal.read(answer)?;
        let answered = event.answer().filter(|answered| answered.flaw().is_none());
        Ok(answered.cloned().map(Box::new))
    }

    /// What a row's answer was worth, from what arrived for it (`own`: the event that holds its answer) or from the
    /// answer that serves it.
    pub(super) async fn outcome(
        &self,
        (split, row): (Split, RowIx),
        own: Option<EventNumber>,
        cached: Option<CachedOf>,
        content: Content,
    ) -> Result<RowOutcome, StopCause> {
        let mut verdict = match content {
            Content::Verdict(verdict) => Some(verdict),
            Content::Unjudged => return Ok(RowOutcome::Missing),
            _ => None,
        };
        let (served, number) = match cached {
            Some(CachedOf::Answer(number)) => (true, Some(number)),
            // What arrived was scored then; measures need the answer again.
            _ => (false, own.filter(|_| self.evaluator.has_measures())),
        };
        let event = number.map(|number| self.journal.read(number)).transpose()?;
        let answered = event.as_ref().and_then(|event| event.answer());
        // The same request may be another row's: its answer is scored for this one.
        if let Some(answered) = answered.filter(|_| served && verdict.is_none()) {
            verdict = Some(self.evaluator.score(split, row, answered, Vec::new()).await?);
        }
        let Some(verdict) = verdict else { return Ok(RowOutcome::Missing) };
        let measured = answered.filter(|_| self.evaluator.has_measures());
        let measured =
            measured.map_or_else(Vec::new, |it| self.evaluator.measured(split, row, it, &verdict));
        let said = answered.and_then(|it| self.evaluator.said(it, &verdict));
        let (score, invalid) = (verdict.score, verdict.invalid.is_some());
        let weight = self.evaluator.weight(split, row);
        Ok(RowOutcome::Scored { score, invalid, measured, said, weight })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::{answered, block_on, journal, task};
    use crate::task::{Task, TaskSource};
    use crate::units::Usd;

    fn scoring(journal: &Arc<Journal<Event>>) -> Scoring {
        Scoring::new(Arc::new(Evaluator::new(task(), &[])), Arc::clone(journal), None)
    }

    fn key(row: u32) -> RowKey {
        let candidate = crate::id::CandidateIx::BASELINE;
        RowKey { candidate, split: Split::Dev, replicate: 0, row: RowIx(row) }
    }

    /// Right, wrong, invalid and cut off, in a batch, with an estimate of its tokens: what each measure makes of it.
    #[test]
    fn an_outcome_has_what_the_goal_bounds() {
        use crate::event::Finish;
        use crate::task::goal::Goal;
        let right = right_answer(0);
        let other = ["billing", "claims"].into_iter().find(|label| *label != right).unwrap();
        let rule = format!(
            "max quality s.t. validity >= 0.5 and recall.{right} >= 0.5 and recall.{other} >= 0.5 and \
             precision.{other} >= 0.5 and output_tokens <= 9 and latency_p50 <= 1s"
        );
        let TaskSource::Files(files) = task().source.clone() else { panic!("it has files") };
        let task = Task::rebuild(files.with_goal(&Goal::parse(&rule).unwrap())).unwrap();
        let journal = journal();
        let scoring =
            Scoring::new(Arc::new(Evaluator::new(Arc::new(task), &[])), Arc::clone(&journal), None);
        let measured = |answered: Answered| {
            let at = (Split::Dev, RowIx(0));
            block_on(async {
                let event = Event::Answered(answered.clone());
                let number = journal.append_durable(event).await.unwrap();
                let judged = scoring.judge(Call(0), key(0), &answered, number, None).await.unwrap();
                let content = Content::Verdict(judged.verdict.unwrap());
                match scoring.outcome(at, Some(number), None, content).await.unwrap() {
                    RowOutcome::Scored { measured, .. } => measured,
                    RowOutcome::Missing => panic!("missing"),
                }
            })
        };
        let said = |text: &str| Answered { out: 3, ms: 40, ..answered(0, text) };
        let (yes, no) = (Some(1.0), Some(0.0));
        let (tokens, time) = (Some(3.0), Some(40.0));
        for (answer, expected) in [
            (said(&right), [yes, yes, None, None, tokens, time]),
            (said(other), [yes, no, None, no, tokens, time]),
            (said("I cannot say"), [no, no, None, None, tokens, time]),
            // It names the label, and was cut off: it is no answer.
            (
                Answered { finish: Finish::Length, ..said(&right) },
                [no, no, None, None, tokens, time],
            ),
            (
                Answered { live: Some(Usd::from_nanos(5)), ..said(&right) },
                [yes, yes, None, None, tokens, None],
            ),
            (Answered { estimated: true, ..said(&right) }, [yes, yes, None, None, None, time]),
        ] {
            assert_eq!(measured(answer.clone()), expected, "{answer:?}");
        }
    }

    /// What the right answer to a row of dev is.
    fn right_answer(row: usize) -> String {
        crate::prompt::value_text(&task().splits.dev[row].answer).into_owned()
    }

    #[test]
    fn a_verdict_of_this_process_needs_no_event() {
        let journal = journal();
        let scoring = scoring(&journal);
        let judge = |text: String| {
            let answered = answered(0, &text);
            let judged = scoring.judge(Call(0), key(0), &answered, EventNumber(0), None);
            let judged = block_on(async { judged.await.unwrap() });
            (judged.verdict.unwrap().score.value(), judged.fact.is_none())
        };
        let judged = judge(right_answer(0));
        assert_eq!(judged, (1.0, true));
        assert_eq!(judge("no label at all".into()).0, 0.0);
        assert!(journal.is_empty());
    }

    #[test]
    fn a_row_without_an_answer_is_missing_and_never_wrong() {
        let scoring = scoring(&journal());
        let outcome = |content| {
            block_on(async {
                scoring.outcome((Split::Dev, RowIx(0)), None, None, content).await.unwrap()
            })
        };
        assert_eq!(outcome(Content::Missing), RowOutcome::Missing);
        let verdict = Verdict::wrong("it names no label");
        let invalid = verdict.invalid.is_some();
        let score = verdict.score;
        assert_eq!(outcome(Content::Verdict(verdict)), RowOutcome::scored(score, invalid));
    }

    #[test]
    fn an_answer_that_serves_another_row_is_scored_for_that_row() {
        let journal = journal();
        let scoring = scoring(&journal);
        let other = (1..).find(|row| right_answer(*row) != right_answer(0)).unwrap();
        let (first, second) = block_on(async {
            let event = Event::Answered(answered(0, &right_answer(0)));
            let number = journal.append_durable(event).await.unwrap();
            let cached = Some(CachedOf::Answer(number));
            let outcome = async |row: usize| {
                let at = (Split::Dev, RowIx(u32::try_from(row).unwrap()));
                scoring.outcome(at, None, cached, Content::Missing).await.unwrap()
            };
            (outcome(0).await, outcome(other).await)
        });
        let score = |outcome| match outcome {
            RowOutcome::Scored { score, .. } => score.value(),
            RowOutcome::Missing => panic!("missing"),
        };
        assert_eq!((score(first), score(second)), (1.0, 0.0));
    }
}
