//! What rows say of prompts: means, differences, decisions, slices.

use super::changed::ChangedRows;
use super::pair::{Pair, is_whole};
use super::{
    AbComparison, AbPrompt, AbTest, Basis, PairedDesign, PairedRow, RowByRow, SCHEMA, Slice,
};
use crate::seed::Seed;
use crate::stats::sequential;
use crate::stats::weighted::{self, Weighted};
use crate::stats::{
    Decision, Interval, Level, SequentialTest, TestName, Tested, interval, quantile_beyond,
    rows_needed,
};
use crate::task::example::MustPassResult;
use rand::seq::SliceRandom;
use std::collections::HashMap;

/// The most values of a column by which rows are divided: those with most rows.
const MOST_VALUES: usize = 20;

impl AbTest {
    /// Compares. Rows are in the order in which they came.
    ///
    /// # Errors
    /// A prompt has no row in common with A, in a sentence.
    pub fn of(task: &str, design: &PairedDesign, rows: &[PairedRow]) -> Result<Self, String> {
        let heaviest = rows.iter().map(|row| row.weight).fold(f64::MIN_POSITIVE, f64::max);
        let others = design.names.len().saturating_sub(1);
        let analysis =
            Analysis { design, rows, heaviest, others, level: design.level.shared_by(others) };
        let comparisons = (1..=others).map(|place| {
            analysis.comparison(place).ok_or_else(|| {
                let [a, b] = [&design.names[0], &design.names[place]];
                format!("no row has an answer of both `{a}` and `{b}`")
            })
        });
        Ok(Self {
            score_form: design.score_form,
            schema: SCHEMA,
            task: task.to_owned(),
            basis: design.basis,
            rows: rows.len(),
            margin: design.margin,
            look: design.level,
            seed: design.seed,
            run: None,
            comparisons: comparisons.collect::<Result<_, _>>()?,
            prompts: (0..design.names.len()).map(|place| analysis.prompt(place)).collect(),
        })
    }
}

/// What all comparisons have in common.
struct Analysis<'a> {
    design: &'a PairedDesign,
    rows: &'a [PairedRow],
    heaviest: f64,
    /// Prompts that are compared with A.
    others: usize,
    /// Of one of them.
    level: Level,
}

impl<'a> Analysis<'a> {
    fn prompt(&self, place: usize) -> AbPrompt {
        let answers =
            || self.rows.iter().filter_map(|row| Some((row, row.answers[place].as_ref()?)));
        let scores: Vec<Weighted> = answers()
            .map(|(row, answer)| Weighted { value: answer.score, weight: row.weight })
            .collect();
        let quality = match self.design.basis {
            Basis::Fixed => weighted::of_scores(&scores, Seed(1).child("quality", place as u64)),
            Basis::Sequential => self.always_right(&scores),
        };
        AbPrompt {
            name: self.design.names[place].clone(),
            quality,
            invalid: answers().filter(|(_, answer)| answer.is_invalid).count(),
            must_pass: {
                let marked = || answers().filter(|(row, _)| row.must_pass);
                let failed = marked().filter(|(_, answer)| answer.score < 1.0).count();
                let rows = marked().count();
                (rows > 0).then_some(MustPassResult { rows, failed })
            },
            usd_per_1k: usd_per_1k(answers().filter_map(|(_, answer)| answer.usd)),
            latency_ms: quantile_beyond(
                &answers().filter_map(|(_, answer)| answer.milliseconds).collect::<Vec<_>>(),
                0.5,
                Level::FIRST.one_sided,
            ),
            flips: {
                let flips = answers().filter_map(|(_, answer)| answer.flips);
                let (all, some) =
                    flips.fold((0, 0), |(all, some), it| (all + 1, some + usize::from(it)));
                (all > 0).then(|| some as f64 / all as f64)
            },
        }
    }

    /// The mean of scores in [0, 1] with an interval that is right after any number of rows.
    fn always_right(&self, scores: &[Weighted]) -> Option<Interval> {
        let stretched = |row: &Weighted| Weighted { value: 2.0 * row.value - 1.0, ..*row };
        let stretched: Vec<Weighted> = scores.iter().map(stretched).collect();
        let of = sequential::of_rows(&stretched, self.heaviest, Level::FIRST.one_sided)?;
        let back = |value: f64| f64::midpoint(value, 1.0);
        Some(Interval { mean: back(of.mean), low: back(of.low), high: back(of.high), n: of.n })
    }

    fn comparison(&self, place: usize) -> Option<AbComparison> {
        let pair = |row: &'a PairedRow| {
            Some(Pair { row, a: row.answers[0].as_ref()?, b: row.answers[place].as_ref()? })
        };
        let mut pairs: Vec<Pair<'_>> = self.rows.iter().filter_map(pair).collect();
        let (row_by_row, counted) = self.row_by_row(&pairs)?;
        if self.design.basis == Basis::Sequential {
            pairs.truncate(counted);
        }
        let differences: Vec<Weighted> = pairs.iter().map(Pair::weighted).collect();
        let difference = self.interval(&differences, Level::FIRST)?;
        let tested = self.interval(&differences, self.level)?;
        let fixed =
            (self.design.basis == Basis::Fixed).then(|| self.fixed(&pairs, tested, self.level));
        let count = |sign: f64| pairs.iter().filter(|it| sign * it.difference() > 0.0).count();
        Some(AbComparison {
            name: self.design.names[place].clone(),
            decision: fixed.map_or(row_by_row.decision, |(decision, ..)| decision),
            rows: pairs.len(),
            difference,
            tested: (!self.level.is_first())
                .then_some(Tested { interval: tested, level: self.level }),
            rows_needed: (fixed.is_some() && difference.mean != 0.0).then(|| {
                let discordance = (count(1.0) + count(-1.0)) as f64 / pairs.len().max(1) as f64;
                let weights = weighted::design_effect(differences.iter().map(|it| it.weight));
                let needed = rows_needed(difference.mean.abs(), discordance) as f64;
                (needed * self.level.sample_size_ratio() * weights).ceil() as usize
            }),
            better: count(1.0),
            worse: count(-1.0),
            p_value: fixed.map(|(_, p_value, _)| p_value),
            test: fixed.map(|(.., test)| test),
            usd_per_1k: usd_per_1k(pairs.iter().filter_map(|it| Some(it.b.usd? - it.a.usd?))),
            sequential: row_by_row,
            slices: self.slices(&pairs),
            changed: ChangedRows::of(&pairs, self.design.listed),
        })
    }

    /// An interval of a mean difference, at a one-sided level.
    fn interval(&self, differences: &[Weighted], level: Level) -> Option<Interval> {
        let level = level.one_sided;
        match self.design.basis {
            Basis::Fixed => weighted::of_differences_beyond(differences, level, Seed(1)),
            Basis::Sequential => sequential::of_rows(differences, self.heaviest, level),
        }
    }

    /// Goes through rows one by one, and says after how many it was decided, or else how many there are.
    fn row_by_row(&self, pairs: &[Pair<'_>]) -> Option<(RowByRow, usize)> {
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        if self.design.basis == Basis::Fixed {
            order.shuffle(&mut self.design.seed.child("row by row", 0).rng());
        }
        let level = self.level.one_sided;
        let mut test = SequentialTest::new(level, self.design.margin, self.heaviest);
        for place in order {
            let Weighted { value, weight } = pairs[place].weighted();
            if test.add(value, weight) != Decision::Open {
                break;
            }
        }
        let row_by_row = RowByRow {
            decision: test.decision(),
            decided_after: test.decided_after(),
            e_values: test.e_values(),
            e_value_needed: 1.0 / level,
            difference: test.interval()?,
        };
        Some((row_by_row, test.decided_after().unwrap_or(pairs.len())))
    }

    /// What rows together decide, with the two-sided p-value of no difference and its test. `tested` is at the level that
    /// decides. Both must show a difference: of few rows, the interval alone says so too often.
    fn fixed(
        &self,
        pairs: &[Pair<'_>],
        tested: Interval,
        level: Level,
    ) -> (Decision, f64, TestName) {
        let is_binary =
            pairs.iter().all(|it| [it.a.score, it.b.score].iter().all(|it| is_whole(*it)));
        let one_sided = |sign: f64| {
            let signed = |it: &Pair<'_>| {
                let Weighted { value, weight } = it.weighted();
                Weighted { value: sign * value, weight }
            };
            let differences: Vec<Weighted> = pairs.iter().map(signed).collect();
            weighted::superiority(&differences, is_binary, level, self.design.seed)
        };
        let (better, worse) = (one_sided(1.0), one_sided(-1.0));
        let decision = match self.by_interval(tested) {
            Decision::Better if better.p_value > level.one_sided => Decision::Open,
            Decision::Worse if worse.p_value > level.one_sided => Decision::Open,
            decision => decision,
        };
        let p_value = (2.0 * better.p_value.min(worse.p_value)).min(1.0);
        (decision, p_value, better.name)
    }

    fn by_interval(&self, Interval { low, high, .. }: Interval) -> Decision {
        match self.design.margin {
            Some(margin) if low > -margin && high < margin => Decision::Same,
            _ if low > 0.0 => Decision::Better,
            _ if high < 0.0 => Decision::Worse,
            _ => Decision::Open,
        }
    }

    fn slices(&self, pairs: &[Pair<'_>]) -> Vec<Slice> {
        let mut found: Vec<(usize, &str)> = Vec::new();
        for column in 0..self.design.slices.len() {
            // By all rows, whether or not they have answers yet: what shares the level is known before.
            let mut counts: HashMap<&str, usize> = HashMap::new();
            for value in self.rows.iter().filter_map(|row| row.slices[column].as_deref()) {
                *counts.entry(value).or_default() += 1;
            }
            let mut values: Vec<(&str, usize)> = counts.into_iter().collect();
            values.sort_by(|(a, few), (b, many)| many.cmp(few).then(a.cmp(b)));
            found.extend(values.into_iter().take(MOST_VALUES).map(|(value, _)| (column, value)));
        }
        let level = self.design.level.shared_by(self.others * found.len());
        let slice = |(column, value): (usize, &str)| {
            let is_in = |it: &&Pair<'_>| it.row.slices[column].as_deref() == Some(value);
            let own: Vec<Pair<'_>> = pairs.iter().filter(is_in).copied().collect();
            let differences: Vec<Weighted> = own.iter().map(Pair::weighted).collect();
            let difference = self.interval(&differences, level)?;
            let decision = match self.design.basis {
                Basis::Fixed => self.fixed(&own, difference, level).0,
                Basis::Sequential => self.by_interval(difference),
            };
            Some(Slice {
                column: self.design.slices[column].clone(),
                value: value.to_owned(),
                rows: differences.len(),
                difference,
                decision,
            })
        };
        found.into_iter().filter_map(slice).collect()
    }
}

/// The mean of dollars for each call, for 1,000 of them.
fn usd_per_1k(each: impl Iterator<Item = f64>) -> Option<Interval> {
    let each: Vec<f64> = each.map(|usd| 1_000.0 * usd).collect();
    interval::of_amounts(&each, Seed(1))
}
