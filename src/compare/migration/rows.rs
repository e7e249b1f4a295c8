//! The answers of a prompt on a model, by held-out row, and what they come to.

use crate::engine::HeldOutRow;
use crate::id::CandidateIx;
use crate::run::{AnswerFigures, LoadedRun, RunError};
use crate::seed::Seed;
use crate::stats::weighted::{self, Weighted};
use crate::stats::{Interval, interval};
use crate::task::example::{RowHash, Split};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How long answers took, in milliseconds, each in its first successful attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half of them took at most this long.
    pub p50_ms: u32,
    /// Of twenty, nineteen took at most this long.
    pub p95_ms: u32,
    /// The number of answers. Those of batches are not among them.
    pub n: usize,
}

impl Latency {
    pub(super) fn of(mut milliseconds: Vec<u32>) -> Option<Self> {
        milliseconds.sort_unstable();
        let n = milliseconds.len();
        // The smallest of them that the share does not lie above: the nearest rank.
        let at =
            |share: usize| milliseconds.get((n * share).div_ceil(100).saturating_sub(1)).copied();
        Some(Self { p50_ms: at(50)?, p95_ms: at(95)?, n })
    }
}

/// A prompt on a model, as the held-out rows show it.
#[derive(Clone, Debug, Serialize)]
pub struct OnModel {
    /// The candidate's id.
    pub candidate: String,
    /// Its mean score.
    pub quality: Option<Interval>,
    /// What 1,000 calls cost, in dollars, by these rows; `None` where no bill is known.
    pub usd_per_1k: Option<Interval>,
    /// How long they took.
    pub latency: Option<Latency>,
}

/// The answers of a prompt on a model, by row.
#[derive(Clone, Default)]
pub(super) struct Rows {
    /// Rows that hold the same count as one, with their means.
    pub(super) by_row: BTreeMap<RowHash, (Weighted, Option<f64>)>,
    pub(super) milliseconds: Vec<u32>,
}

impl Rows {
    pub(super) fn of(
        run: &LoadedRun,
        candidate: CandidateIx,
        split: Split,
    ) -> Result<Self, RunError> {
        let mut all: BTreeMap<RowHash, Vec<AnswerFigures>> = BTreeMap::new();
        for (row, figures) in run.answer_figures(candidate, split)? {
            all.entry(row).or_default().push(figures);
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let milliseconds = all.values().flatten().filter_map(|it| it.milliseconds).collect();
        let by_row = all.into_iter().map(|(row, answers)| {
            let scores: Vec<f64> = answers.iter().map(|it| it.score).collect();
            let usd: Option<Vec<f64>> =
                answers.iter().map(|it| Some(it.usd?.dollars() * 1_000.0)).collect();
            let weight = answers.first().map_or(1.0, |it| it.weight);
            (row, (Weighted { value: mean(&scores), weight }, usd.map(|usd| mean(&usd))))
        });
        Ok(Self { by_row: by_row.collect(), milliseconds })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_row.is_empty()
    }

    /// How many rows of the bar have no answer here.
    pub(super) fn missing(&self, bar: Option<&Self>) -> usize {
        let rows = bar.into_iter().flat_map(|bar| bar.by_row.keys());
        rows.filter(|row| !self.by_row.contains_key(*row)).count()
    }

    /// How many of these rows, which must pass, the bar has wholly right, and this prompt has not.
    pub(super) fn must_pass_lost(
        &self,
        bar: Option<&Self>,
        must_pass: &BTreeSet<RowHash>,
    ) -> usize {
        let passes = |rows: &Self, row: &RowHash| {
            rows.by_row.get(row).is_some_and(|(score, _)| score.value >= 1.0)
        };
        let lost = |row: &&RowHash| bar.is_some_and(|bar| passes(bar, row)) && !passes(self, row);
        must_pass.iter().filter(lost).count()
    }

    /// The rows of the bar. One that the new model gave no answer to is wrong: who moves to it has none, either.
    pub(super) fn paired(&self, bar: Option<&Self>) -> Vec<HeldOutRow> {
        let Some(bar) = bar.filter(|_| !self.is_empty()) else { return Vec::new() };
        let pair = |(row, (bars, theirs)): (&RowHash, &(Weighted, Option<f64>))| {
            let (own, mine) = self.by_row.get(row).copied().unzip();
            let (winner, usd_per_1k) =
                (own.map_or(0.0, |it| it.value), mine.flatten().zip(*theirs));
            let Weighted { value: baseline, weight } = *bars;
            HeldOutRow { winner, baseline, weight, usd_per_1k, measured: Vec::new() }
        };
        bar.by_row.iter().map(pair).collect()
    }

    pub(super) fn on_model(&self, run: &LoadedRun, candidate: CandidateIx) -> OnModel {
        let seed = Seed(1).child("migration", 1);
        let (scores, usd): (Vec<Weighted>, Vec<Option<f64>>) =
            self.by_row.values().copied().unzip();
        let usd: Vec<f64> = usd.into_iter().flatten().collect();
        OnModel {
            candidate: run.history.state.standing(candidate).candidate.id.to_string(),
            quality: weighted::of_scores(&scores, seed),
            usd_per_1k: interval::of_amounts(&usd, seed),
            latency: Latency::of(self.milliseconds.clone()),
        }
    }
}
