//! Prompts on the same rows: whether one is better than another, and on which rows.
//!
//! The first prompt is A; each of the others is compared with it, row by row. There are two claims. One is made once, of a
//! number of rows that was set before ([`Basis::Fixed`]). The other is made after each row and is right at all of them at
//! once, so that asking may stop when it is decided ([`SequentialTest`]). Not for units of real traffic, of which each saw one prompt.

// A file uses only files declared above it.
mod changed;
mod page;
mod asked;

pub use asked::{NotShown, of_run};
pub use changed::{ChangedRow, ChangedRows};
pub use page::page;

use crate::event::StopReason;
use crate::prompt::value_text;
use crate::run::Status;
use crate::score_form::ScoreForm;
use crate::seed::Seed;
use crate::stats::sequential::{self, EValues};
use crate::stats::weighted::{self, Weighted};
use crate::stats::{
    Decision, Interval, Level, SequentialTest, TestName, interval, quantile_beyond, rows_needed,
};
use crate::task::example::Example;
use rand::seq::SliceRandom;
use serde::Serialize;
use std::collections::HashMap;

/// The version of this format.
pub const SCHEMA: u32 = 1;
/// The most values of a column by which rows are divided: those with most rows.
const MOST_VALUES: usize = 20;

/// What decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// All rows were there before anything was compared.
    Fixed,
    /// Rows came one after the other, until it was decided.
    Sequential,
}

/// What is known before the first row.
#[derive(Clone, Debug)]
pub struct PairedDesign {
    /// How scores are written for people.
    pub score_form: ScoreForm,
    /// What decides.
    pub basis: Basis,
    /// The names of the prompts, A first.
    pub names: Vec<String>,
    /// Differences up to this, in (0, 1), count as none.
    pub margin: Option<f64>,
    /// The one-sided level, which all prompts that are compared with A share.
    pub level: Level,
    /// Where all rows are there before: of the order in which they are gone through one by one.
    pub seed: Seed,
    /// Columns by whose values rows are divided.
    pub slices: Vec<String>,
    /// How many changed rows are listed, better ones and worse ones each.
    pub listed: usize,
}

/// A row with what each prompt got.
#[derive(Clone, Debug)]
pub struct PairedRow {
    /// Its id.
    pub id: String,
    /// How much it counts, above 0.
    pub weight: f64,
    /// The right answer, for people.
    pub expected: String,
    /// Its values in the columns of the slices.
    pub slices: Vec<Option<String>>,
    /// One for each prompt; `None` where it has no answer.
    pub answers: Vec<Option<RowScore>>,
}

/// What a prompt got for a row.
#[derive(Clone, Debug)]
pub struct RowScore {
    /// In [0, 1]; the mean, where the row was asked several times.
    pub score: f64,
    /// The answer, where it is known.
    pub answer: Option<String>,
    /// Whether the answer is invalid.
    pub is_invalid: bool,
    /// What it cost live, in dollars, where that is known.
    pub usd: Option<f64>,
    /// How long it took, where that is known.
    pub milliseconds: Option<f64>,
    /// Where the row was asked several times: whether the scores differ.
    pub flips: Option<bool>,
}

impl RowScore {
    /// A score with the answer, where that is known.
    #[must_use]
    pub fn recorded(score: f64, answer: Option<String>, is_invalid: bool) -> Self {
        Self { score, answer, is_invalid, usd: None, milliseconds: None, flips: None }
    }
}

/// Prompts on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AbTest {
    /// How scores are written for people.
    #[serde(skip)]
    pub score_form: ScoreForm,
    /// The version of this format.
    pub schema: u32,
    /// The task's name.
    pub task: String,
    /// What decides.
    pub basis: Basis,
    /// The rows that there are.
    pub rows: usize,
    /// Differences up to this count as none.
    pub margin: Option<f64>,
    /// The look at these rows, and its one-sided level before it is shared.
    pub look: Level,
    /// The random seed of the order.
    pub seed: Seed,
    /// The run that asked the prompts; `None` for answers that were recorded elsewhere.
    pub run: Option<AskedRun>,
    /// The prompts, A first.
    pub prompts: Vec<AbPrompt>,
    /// The others beside A.
    pub comparisons: Vec<AbComparison>,
}

/// The run that asked the prompts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AskedRun {
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: Status,
    /// Why it ended.
    pub stop_reason: Option<StopReason>,
    /// The flag with which it goes on, where a cap ended it.
    pub more: Option<String>,
    /// Calls made.
    pub calls: u64,
    /// Dollars spent.
    pub usd: f64,
    /// That simulated models answered, if any did.
    pub simulated: Option<&'static str>,
    /// That the scores are those of a judge who was not compared with people, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judge: Option<String>,
}

/// A prompt by itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AbPrompt {
    /// Its name.
    pub name: String,
    /// Its mean score.
    pub quality: Option<Interval>,
    /// Answers that are invalid.
    pub invalid: usize,
    /// What 1,000 calls cost, in dollars.
    pub usd_per_1k: Option<Interval>,
    /// How long half of the answers took at most, in milliseconds.
    pub latency_ms: Option<Interval>,
    /// Of the rows that were asked several times, the share whose scores differ.
    pub flips: Option<f64>,
}

/// A prompt beside A.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AbComparison {
    /// Its name.
    pub name: String,
    /// What is decided.
    pub decision: Decision,
    /// Rows on which both have a score, of those that count.
    pub rows: usize,
    /// Its mean score less that of A, with a 95 % interval; one that is right after any number of rows, where rows came one by one.
    pub difference: Interval,
    /// The same at the level that decides, where that is another one.
    pub tested: Option<Interval>,
    /// How many rows of these weights show this difference in 80 % of cases at the level that decides; only where all rows were
    /// there before, and none where the means are equal.
    #[serde(skip)]
    pub rows_needed: Option<usize>,
    /// Rows on which its score is higher.
    pub better: usize,
    /// Rows on which it is lower.
    pub worse: usize,
    /// The two-sided p-value of no difference; only where all rows were there before.
    pub p_value: Option<f64>,
    /// The test that gave it.
    pub test: Option<TestName>,
    /// What 1,000 of its calls cost more than those of A, in dollars, paired.
    pub usd_per_1k: Option<Interval>,
    /// Row by row.
    pub sequential: RowByRow,
    /// By values of columns.
    pub slices: Vec<Slice>,
    /// Rows whose score changed.
    pub changed: ChangedRows,
}

/// What rows say that are looked at after each of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RowByRow {
    /// What they decide.
    pub decision: Decision,
    /// After how many rows.
    pub decided_after: Option<usize>,
    /// The e-values then, or after the last row.
    pub e_values: EValues,
    /// What has to be reached.
    pub e_value_needed: f64,
    /// The difference then, with an interval that is right after any number of rows, at the level that decides.
    pub difference: Interval,
}

/// The rows with one value of a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slice {
    /// The column.
    pub column: String,
    /// The value.
    pub value: String,
    /// Rows.
    pub rows: usize,
    /// The difference, at a level that all slices share.
    pub difference: Interval,
    /// What it decides.
    pub decision: Decision,
}

/// A row on which both prompts have a score.
#[derive(Clone, Copy)]
struct Pair<'a> {
    row: &'a PairedRow,
    a: &'a RowScore,
    b: &'a RowScore,
}

impl Pair<'_> {
    fn difference(&self) -> f64 {
        self.b.score - self.a.score
    }

    fn weighted(&self) -> Weighted {
        Weighted { value: self.difference(), weight: self.row.weight }
    }
}

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
            tested: (!self.level.is_first()).then_some(tested),
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

/// The name by which the right answer divides rows.
pub const ANSWER: &str = "answer";

/// A row's value in a column, as a slice is named.
#[must_use]
pub fn slice_of(row: &Example, column: &str) -> Option<String> {
    let value = row.columns.get(column).or((column == ANSWER).then_some(&row.answer))?;
    (!value.is_null()).then(|| value_text(value).into_owned())
}

fn is_whole(score: f64) -> bool {
    score == 0.0 || score == 1.0
}

#[cfg(test)]
mod tests;
