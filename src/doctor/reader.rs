//! Whether a run could use what an answer says: by the task's scorers, or by the operator that asked.

use super::check::{Cause, Checks};
use crate::engine::{FirstProposal, SearchError};
use crate::evaluate::Evaluator;
use crate::event::{Answered, ProposalOutcome};
use crate::id::{JudgeIx, RowIx};
use crate::task::example::Split;
use crate::task::model::ModelRole;
use crate::text;
use crate::vector::{self, Embedding};

/// What reads the answer of a role.
pub(super) enum Reader {
    /// The task's scorers.
    Scorers,
    /// The operator that asked.
    Proposal(Box<FirstProposal>),
    /// A judge, about this answer.
    Judge(JudgeIx, String),
    /// What compares this number of texts.
    Vectors(usize),
}

impl Reader {
    /// Reads an answer. One that has a flaw is not read: the flaw is a check of its own.
    pub(super) async fn read(
        self,
        checks: &mut Checks,
        evaluator: &Evaluator,
        answered: &Answered,
    ) {
        if answered.flaw().is_some() {
            return;
        }
        match self {
            Self::Scorers => score(checks, evaluator, answered).await,
            Self::Proposal(first) => form(checks, *first, answered),
            Self::Judge(judge, answer) => grade(checks, evaluator, (judge, &answer), answered),
            Self::Vectors(texts) => vectors(checks, texts, answered),
        }
    }
}

async fn score(checks: &mut Checks, evaluator: &Evaluator, answered: &Answered) {
    let shown = text::shorten(&text::one_line(&answered.text), 60);
    if evaluator.most_judgements() > 0 {
        checks.ok("score", format!("“{shown}” is what the judge would grade"));
        return;
    }
    match evaluator.score(Split::Dev, RowIx(0), answered, Vec::new()).await {
        Err(error) => checks.fault(
            "score",
            Cause::Task,
            format!("the scorer's program: {error}"),
            "run it by hand with a row; docs/scoring.md says what it is given",
        ),
        Ok(verdict) => match verdict.invalid {
            Some(reason) => checks.warn(
                "score",
                format!("“{shown}” cannot be scored: {reason}"),
                "say in the prompt how to answer, or change `extract` under [[score]]",
            ),
            None => {
                let score = verdict.score.value();
                checks
                    .ok("score", format!("“{shown}” is worth {score:.2} on the first row of dev"));
            }
        },
    }
}

/// Whether the judge's reply is a grade.
fn grade(
    checks: &mut Checks,
    evaluator: &Evaluator,
    (judge, answer): (JudgeIx, &str),
    reply: &Answered,
) {
    let questions = evaluator.judge_questions(Split::Dev, RowIx(0), 0, answer);
    let shown = text::shorten(&text::one_line(answer), 60);
    let mut own = questions.iter().filter(|question| question.role == ModelRole::Judge(judge));
    match own.next().map(|question| question.read(reply)) {
        Some(Ok(verdict)) => {
            let score = verdict.score.value();
            checks.ok("grade", format!("the answer “{shown}” to the first row of dev gets {score:.2}"));
        }
        Some(Err(why)) => checks.fault(
            "grade",
            Cause::Provider,
            format!("the reply is no grade: {why}"),
            "run it once more; if it stays so, raise `max_output_tokens` of the judge or use another model",
        ),
        None => {}
    }
}

/// Whether there is a vector for each text.
fn vectors(checks: &mut Checks, texts: usize, answered: &Answered) {
    match vector::from_text(&answered.text) {
        Ok(vectors) if vectors.len() == texts => {
            let dimensions = vectors.first().map_or(0, Embedding::dimensions);
            let vectors = text::plural(vectors.len(), "vector");
            checks.ok("vectors", format!("{vectors} of {dimensions} dimensions for the baseline"));
        }
        _ => checks.fault(
            "vectors",
            Cause::Provider,
            "the answer holds no vector for each text",
            "use another embedding model",
        ),
    }
}

/// Whether a reply brings what its operator needs.
fn form(checks: &mut Checks, mut first: FirstProposal, answered: &Answered) {
    let author = first.author.clone();
    match first.outcome(answered) {
        Err(error) => not_written(checks, &error),
        Ok(ProposalOutcome::Rejected { reason, detail }) if reason.brings_no_prompt() => checks.fault(
            "form",
            Cause::Provider,
            format!("no prompt can be read of the reply to `{author}` ({reason}): {detail}"),
            "run it once more; if it stays so, use another mutator: this one does not keep the tags that it is asked for",
        ),
        Ok(ProposalOutcome::Rejected { reason, detail }) => checks.warn(
            "form",
            format!("the reply to `{author}` keeps the form, and a run would refuse it ({reason}): {detail}"),
            "leave it, if it stays with this one: refused replies are counted by reason in the report",
        ),
        Ok(_) => checks.ok("form", format!("the reply to `{author}` keeps the form")),
    }
}

/// A request that cannot be written.
pub(super) fn not_written(checks: &mut Checks, error: &SearchError) {
    match error {
        SearchError::Source(error) => checks.mistake("request", error),
        error => checks.fault(
            "request",
            Cause::Task,
            error.to_string(),
            "raise `context_tokens` of the mutator, or choose another strategy",
        ),
    }
}
