//! The result of `eval`: a score with its interval, and why answers are invalid.

use crate::event::NoAnswer;
use crate::id::ExampleId;
use crate::report::visible_line;
use crate::run::FailedCalls;
use crate::run::Judged;
use crate::score_form::ScoreForm;
use crate::seed::Seed;
use crate::stats::weighted::{self, Weighted};
use crate::stats::{Interval, Level};
use crate::task::scorer::{InvalidAnswers, Verdict};
use crate::text;
use jiff::Timestamp;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The most rows that a line names.
const MAX_NAMED: usize = 5;

/// A row with its answer and the verdict on it.
pub(super) struct ScoredRow<'a> {
    pub(super) id: &'a ExampleId,
    /// How much it counts in the mean score.
    pub(super) weight: f64,
    /// Whether a prompt that does not get it wholly right is refused.
    pub(super) must_pass: bool,
    /// Empty where it is not known.
    pub(super) answer: Cow<'a, str>,
    pub(super) verdict: Verdict,
}

/// The rows that must pass.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct MustPassRows {
    /// How many have a score.
    pub(super) rows: usize,
    /// Those of them that are not wholly right.
    pub(super) failed_rows: Vec<ExampleId>,
    /// How many have no score.
    pub(super) without_score: usize,
}

impl MustPassRows {
    /// `None` where no row that has a score must pass.
    fn of(rows: &[ScoredRow<'_>]) -> Option<Self> {
        let marked = || rows.iter().filter(|row| row.must_pass);
        let failed = marked().filter(|row| row.verdict.score.value() < 1.0);
        let failed_rows = failed.map(|row| row.id.clone()).collect();
        let rows = marked().count();
        (rows > 0).then_some(Self { rows, failed_rows, without_score: 0 })
    }

    /// A sentence for people. It names rows, whose ids are data.
    pub(super) fn in_words(&self) -> String {
        let Self { rows, failed_rows, without_score } = self;
        let mut out = match failed_rows.len() {
            0 if *rows == 0 => "no row that must pass has a score".to_owned(),
            0 => format!("right on all {} that must pass", text::plural(*rows, "row")),
            failed => {
                let named: Vec<&str> =
                    failed_rows.iter().take(MAX_NAMED).map(ExampleId::as_str).collect();
                let more = if failed > named.len() { ", …" } else { "" };
                format!(
                    "not right on {failed} of {rows} rows that must pass: {}{more}",
                    named.join(", ")
                )
            }
        };
        if *without_score > 0 {
            let _ = write!(out, "; {without_score} more have no score");
        }
        visible_line(&out)
    }
}

/// Answers that were not asked for anew.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct EarlierAnswers {
    /// How many.
    pub(super) answers: u32,
    /// When the evaluation began that was given them.
    pub(super) since: Timestamp,
}

impl EarlierAnswers {
    /// A sentence for people.
    fn in_words(self) -> String {
        let Self { answers, since } = self;
        let verb = if answers == 1 { "is" } else { "are" };
        format!(
            "{} {verb} of an earlier `eval` of the same, begun on {}: another model behind the name is not seen",
            text::plural(answers as usize, "answer"),
            since.strftime("%Y-%m-%d")
        )
    }
}

/// The result of an evaluation.
#[derive(Debug, Serialize)]
pub(super) struct Evaluation {
    /// How scores are written for people.
    #[serde(skip)]
    pub(super) score_form: ScoreForm,
    /// The column of the answers, if several were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<String>,
    pub(super) quality: Option<Interval>,
    pub(super) usd_per_1k: Option<f64>,
    pub(super) prompt_tokens: Option<u64>,
    pub(super) invalid: u64,
    /// Why answers are invalid, with their rows.
    #[serde(skip_serializing_if = "InvalidAnswers::is_empty")]
    pub(super) invalid_answers: InvalidAnswers,
    /// The rows that must pass, where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) must_pass: Option<MustPassRows>,
    pub(super) errors: u64,
    /// Rows that were not asked, because a cap or the time ended it.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) not_asked: u64,
    pub(super) metrics: BTreeMap<String, f64>,
    /// Of the answers those that an earlier evaluation of the same was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) earlier: Option<EarlierAnswers>,
    /// How often held-out rows among them were looked at, this time included.
    #[serde(skip_serializing_if = "is_none")]
    pub(super) held_out_looks: u32,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) failed_calls: BTreeMap<NoAnswer, FailedCalls>,
    /// The judge that graded the answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) judge: Option<Judged>,
}

impl Evaluation {
    /// What these verdicts come to.
    pub(super) fn of(rows: &[ScoredRow<'_>], score_form: ScoreForm) -> Self {
        let weighted =
            |row: &ScoredRow<'_>| Weighted { value: row.verdict.score.value(), weight: row.weight };
        let scores: Vec<Weighted> = rows.iter().map(weighted).collect();
        let mut invalid_answers = InvalidAnswers::default();
        for row in rows {
            invalid_answers.count(&row.verdict, Some(row.id), &row.answer);
        }
        Self {
            score_form,
            column: None,
            quality: weighted::of_scores(&scores, Seed(1).child("eval", 0)),
            usd_per_1k: None,
            prompt_tokens: None,
            invalid: invalid_answers.total(),
            invalid_answers,
            must_pass: MustPassRows::of(rows),
            errors: 0,
            not_asked: 0,
            metrics: metrics(rows),
            earlier: None,
            held_out_looks: 0,
            failed_calls: BTreeMap::new(),
            judge: None,
        }
    }

    /// The result in words, and a line for each reason why answers are invalid.
    pub(super) fn lines(&self) -> Vec<String> {
        // They name rows, whose ids are data.
        let invalid = self.invalid_answers.sentences().map(|it| visible_line(&it));
        let earlier = self.earlier.map(EarlierAnswers::in_words);
        let must_pass = self.must_pass.as_ref().map(MustPassRows::in_words);
        let first = std::iter::once(self.sentence()).chain(must_pass).chain(earlier);
        let judge = self.judge.as_ref().map(Judged::standing);
        first.chain(judge).chain(self.corrected()).chain(invalid).chain(self.looks()).collect()
    }

    /// The score without the errors of a certified judge.
    fn corrected(&self) -> Option<String> {
        let it = self.judge.as_ref()?.corrected?.baseline?;
        Some(format!(
            "corrected for the judge's errors: {} ({} to {})",
            self.score_form.score(it.mean),
            self.score_form.score(it.low),
            self.score_form.score(it.high)
        ))
    }

    /// What this look at held-out rows means for the next claim on them.
    fn looks(&self) -> Option<String> {
        let looks = self.held_out_looks;
        let next = Level::of_look(looks.saturating_add(1));
        (looks > 0).then(|| {
            format!(
                "held-out rows were looked at, this time included, {}: the next claim on them is look {}, tested \
                 at {} one-sided",
                text::plural(looks as usize, "time"),
                next.look,
                next.in_percent()
            )
        })
    }

    fn sentence(&self) -> String {
        let mut out = match self.quality {
            Some(i) => format!(
                "{} ({} to {}) over {}",
                self.score_form.score(i.mean),
                self.score_form.score(i.low),
                self.score_form.score(i.high),
                text::plural(i.n, "row")
            ),
            None => "no rows were scored".to_owned(),
        };
        if let Some(usd) = self.usd_per_1k {
            let _ = write!(out, ", ${usd:.4} per 1,000 calls");
        }
        if self.invalid > 0 {
            let _ = write!(out, ", {} invalid", self.invalid);
        }
        if self.errors > 0 {
            let _ = write!(out, ", {} without an answer", self.errors);
        }
        if self.not_asked > 0 {
            let rows = usize::try_from(self.not_asked).unwrap_or(usize::MAX);
            let _ = write!(out, ", {} not asked", text::plural(rows, "row"));
            if self.quality.is_some() {
                out.push_str(": the score is that of a part of the rows");
            }
        }
        for (name, mean) in &self.metrics {
            let _ = write!(out, ", {name} {mean:.4}");
        }
        out
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn metrics(rows: &[ScoredRow<'_>]) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<String, (f64, u32)> = BTreeMap::new();
    for (name, value) in rows.iter().flat_map(|row| &row.verdict.metrics) {
        let sum = sums.entry(name.clone()).or_default();
        *sum = (sum.0 + value, sum.1 + 1);
    }
    sums.into_iter().map(|(name, (sum, count))| (name, sum / f64::from(count))).collect()
}
