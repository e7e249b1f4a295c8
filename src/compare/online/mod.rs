//! Online tests: what a log of outcomes says about arms that real traffic was divided into.
//!
//! What is decided here holds at any number of looks: intervals are always valid ([`Mixture`]),
//! several arms share one level, and so do the segments of an arm. Early and late units are compared for one look only,
//! since which units are late changes as more arrive. A test whose traffic is not divided as it was meant to be decides
//! nothing. Not for prompts on a task's rows: those are compared row by row.

// A file uses only files declared above it.
mod arms;
mod assignment;
mod effect;
mod log;
mod page;

pub use arms::ArmWeights;
pub use assignment::{Assignment, Language};
pub use effect::{Decision, Effect};
pub use log::{Log, LogColumns, Unit};
pub use page::page;

use crate::stats::{MeanDifference, Mixture, Sample, anytime};
use jiff::Timestamp;
use serde::Serialize;
use std::borrow::Cow;

/// All arms together are decided wrongly in at most this share of tests.
const LEVEL: f64 = 0.05;
/// The traffic counts as divided wrongly where that would be seen in at most this share of tests that are not.
const ALLOCATION_LEVEL: f64 = 0.01;
/// The weight, in units, of the shares that were meant, in the test of the traffic.
const ALLOCATION_PRIOR: f64 = 100.0;
/// The effect that is looked for, in standard deviations of the outcome, where none is named.
const USUAL_EFFECT: f64 = 0.1;
/// The most values of one segment column: the first to appear, so that more units change none of their levels.
const MOST_SEGMENTS: usize = 20;
/// Units in several arms, of all, from which on a test is not to be trusted.
const MANY_MIXED: f64 = 0.01;

/// What is known of a test beside its log.
#[derive(Clone, Debug, Default)]
pub struct TestDesign {
    /// The arm that others are compared with; else the first by name.
    pub control: Option<String>,
    /// The weights by which traffic was divided; else the same for all arms of the log.
    pub arms: Option<ArmWeights>,
    /// Differences up to this count as none, in the unit of the outcome.
    pub margin: Option<f64>,
    /// The effect that is looked for, in the unit of the outcome.
    pub effect: Option<f64>,
    /// Units are late from this time on; else the second half of them is.
    pub late_from: Option<Timestamp>,
}

/// What a log says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OnlineTest {
    /// Lines of the log.
    pub lines: u64,
    /// Units that were left out, since they have lines in several arms.
    pub mixed_units: u64,
    /// The first time at which every arm had a unit, where arms began at several times: only later units count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Units that came before, or just then.
    pub earlier_units: usize,
    /// The arms.
    pub arms: Vec<Arm>,
    /// How the traffic was divided.
    pub allocation: Allocation,
    /// Each arm beside the control.
    pub comparisons: Vec<ArmComparison>,
    /// The control's name.
    pub control: String,
    /// Differences up to this count as none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
}

/// An arm of a test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Arm {
    /// Its name.
    pub name: String,
    /// Its units.
    pub units: usize,
    /// Their mean outcome.
    pub outcome: f64,
    /// Their mean cost in dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
}

/// How units were divided among the arms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Allocation {
    /// Against "as it was meant": from 100 on, the traffic was divided in another way.
    pub e_value: f64,
    /// Whether it was.
    pub is_off: bool,
}

/// An arm beside the control.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmComparison {
    /// Its name.
    pub arm: String,
    /// The difference of its mean outcome.
    pub effect: Effect,
    /// What is decided.
    pub decision: Decision,
    /// The difference in dollars for each unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<Effect>,
    /// By the values of the segment columns.
    pub segments: Vec<Segment>,
    /// Early and late units, where lines have times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub novelty: Option<Novelty>,
}

/// The units with one value in a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Segment {
    /// The column.
    pub column: String,
    /// The value.
    pub value: String,
    /// Units of both arms.
    pub units: usize,
    /// The difference there; its level is shared by all segments of the arm.
    pub effect: Effect,
    /// What is decided there.
    pub decision: Decision,
}

/// Whether the effect changes with time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Novelty {
    /// Among the first half of the units.
    pub early: Effect,
    /// Among the second half.
    pub late: Effect,
    /// The late effect less the early one.
    pub change: Effect,
    /// The time from which on units are late, where it was fixed before: these intervals hold at any number of looks, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_from: Option<Timestamp>,
}

/// The time from which on every arm runs; `None` where all arms have their first units at the same time, or times are not known.
///
/// It is the first time of the arm that began last: a stopping time, so that units after it are divided as they would be without it.
fn every_arm_since(log: &Log) -> Option<Timestamp> {
    let first =
        |arm: usize| log.units.iter().filter(|it| it.arm == arm).filter_map(|it| it.first).min();
    let firsts: Vec<Timestamp> = (0..log.arms.len()).map(first).collect::<Option<_>>()?;
    let (least, most) = (firsts.iter().min()?, firsts.iter().max()?);
    (least < most).then_some(*most)
}

impl OnlineTest {
    /// What a log says.
    ///
    /// # Errors
    /// One arm only, an arm of the design that the log lacks or the other way round; in words.
    pub fn of(log: &Log, columns: &LogColumns, design: &TestDesign) -> Result<Self, String> {
        let control = control_of(log, design)?;
        let shares = shares_of(log, design)?;
        let since = every_arm_since(log);
        let mut counted = Cow::Borrowed(log);
        if let Some(since) = since {
            counted.to_mut().units.retain(|unit| unit.first.is_some_and(|first| first > since));
        }
        let earlier_units = log.units.len() - counted.units.len();
        let log = &*counted;
        let of_arm = |arm: usize| log.units.iter().filter(move |unit| unit.arm == arm);
        let outcomes = |arm: usize| of_arm(arm).map(|unit| unit.outcome).collect();
        let samples: Vec<Sample> = (0..log.arms.len()).map(outcomes).collect();
        let counts: Vec<u64> = samples.iter().map(|sample| sample.n() as u64).collect();
        let e_value = anytime::allocation(&counts, &shares, ALLOCATION_PRIOR);
        let allocation = Allocation { e_value, is_off: e_value >= 1.0 / ALLOCATION_LEVEL };
        let others = log.arms.len() - 1;
        let all: Sample = log.units.iter().map(|unit| unit.outcome).collect();
        let spread = all.variance().sqrt();
        let analysis = Analysis {
            log,
            columns,
            control,
            mixture: Mixture::new(design.effect.unwrap_or(USUAL_EFFECT * spread)),
            level: LEVEL / others as f64,
            margin: design.margin,
            late_from: design.late_from,
        };
        let compared = (0..log.arms.len()).filter(|arm| *arm != control);
        let mut comparisons: Vec<ArmComparison> =
            compared.map(|arm| analysis.comparison(arm)).collect();
        if allocation.is_off || is_mixed(log.mixed, log.units.len()) {
            for comparison in &mut comparisons {
                comparison.decision = Decision::Open;
                comparison.segments.iter_mut().for_each(|it| it.decision = Decision::Open);
            }
        }
        let arm = |(arm, sample): (usize, &Sample)| {
            let usd: Sample = of_arm(arm).filter_map(|unit| unit.cost).collect();
            Arm {
                name: log.arms[arm].clone(),
                units: sample.n(),
                outcome: sample.mean(),
                usd: (usd.n() > 0).then_some(usd.mean()),
            }
        };
        Ok(Self {
            lines: log.lines,
            mixed_units: log.mixed,
            since,
            earlier_units,
            arms: samples.iter().enumerate().map(arm).collect(),
            allocation,
            comparisons,
            control: log.arms[control].clone(),
            margin: design.margin,
        })
    }

    /// Whether too many units were in several arms.
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        is_mixed(self.mixed_units, self.arms.iter().map(|arm| arm.units).sum())
    }
}

fn is_mixed(mixed: u64, units: usize) -> bool {
    mixed as f64 > MANY_MIXED * (units as f64 + mixed as f64)
}

fn control_of(log: &Log, design: &TestDesign) -> Result<usize, String> {
    if log.arms.len() < 2 {
        return Err(format!("the log has one arm only: `{}`", log.arms.join("`, `")));
    }
    let Some(name) = &design.control else { return Ok(0) };
    log.arms.iter().position(|arm| arm == name).ok_or_else(|| {
        format!("there is no arm `{name}` in the log: it has `{}`", log.arms.join("`, `"))
    })
}

/// The shares of the arms, in their order.
fn shares_of(log: &Log, design: &TestDesign) -> Result<Vec<f64>, String> {
    let Some(arms) = &design.arms else {
        return Ok(vec![1.0 / log.arms.len() as f64; log.arms.len()]);
    };
    if let Some(name) = arms.names().find(|name| !log.arms.iter().any(|arm| arm == name)) {
        return Err(format!("no unit of the log is in the arm `{name}`"));
    }
    let share = |arm: &String| {
        arms.share(arm).ok_or_else(|| {
            format!(
                "the log has an arm `{arm}`, whose weight is not given (`--arms NAME=WEIGHT,…`)"
            )
        })
    };
    log.arms.iter().map(share).collect()
}

/// What all comparisons have in common.
struct Analysis<'a> {
    log: &'a Log,
    columns: &'a LogColumns,
    control: usize,
    mixture: Mixture,
    /// Of one arm.
    level: f64,
    margin: Option<f64>,
    late_from: Option<Timestamp>,
}

impl Analysis<'_> {
    /// An arm's difference to the control among some units, by one of their values.
    fn difference(
        &self,
        arm: usize,
        value: impl Fn(&Unit) -> Option<f64>,
        is_in: impl Fn(usize, &Unit) -> bool,
    ) -> MeanDifference {
        let of = |arm: usize| -> Sample {
            let units = self.log.units.iter().enumerate();
            let units = units.filter(|(place, unit)| unit.arm == arm && is_in(*place, unit));
            units.filter_map(|(_, unit)| value(unit)).collect()
        };
        MeanDifference::of(&of(arm), &of(self.control))
    }

    /// A difference with its interval at the level of an arm.
    fn effect(&self, difference: MeanDifference) -> Effect {
        Effect::of(difference, self.mixture, self.level)
    }

    fn comparison(&self, arm: usize) -> ArmComparison {
        let outcome = |unit: &Unit| Some(unit.outcome);
        let effect = self.effect(self.difference(arm, outcome, |_, _| true));
        let usd = self.columns.cost.as_ref().map(|_| {
            let all: Sample = self.log.units.iter().filter_map(|unit| unit.cost).collect();
            let mixture = Mixture::new(USUAL_EFFECT * all.variance().sqrt());
            let difference = self.difference(arm, |unit| unit.cost, |_, _| true);
            Effect::of(difference, mixture, self.level)
        });
        ArmComparison {
            arm: self.log.arms[arm].clone(),
            effect,
            decision: effect.decision(self.margin),
            usd,
            segments: self.segments(arm),
            novelty: self.novelty(arm),
        }
    }

    fn segments(&self, arm: usize) -> Vec<Segment> {
        let mut values: Vec<(usize, String)> = Vec::new();
        for column in 0..self.columns.segments.len() {
            let mut known: Vec<&String> = Vec::new();
            for value in self.log.units.iter().filter_map(|unit| unit.segments[column].as_ref()) {
                if known.len() < MOST_SEGMENTS && !known.contains(&value) {
                    known.push(value);
                }
            }
            values.extend(known.into_iter().map(|value| (column, value.clone())));
        }
        // The same whatever values have appeared by now.
        let level = self.level / (MOST_SEGMENTS * self.columns.segments.len().max(1)) as f64;
        let segment = |(column, value): (usize, String)| {
            let is_in = |unit: &Unit| unit.segments[column].as_deref() == Some(value.as_str());
            let difference = self.difference(arm, |unit| Some(unit.outcome), |_, unit| is_in(unit));
            let effect = Effect::of(difference, self.mixture, level);
            let arms = [arm, self.control];
            let units = self.log.units.iter();
            Segment {
                column: self.columns.segments[column].clone(),
                units: units.filter(|it| arms.contains(&it.arm) && is_in(it)).count(),
                effect,
                decision: effect.decision(self.margin),
                value,
            }
        };
        values.into_iter().map(segment).collect()
    }

    /// The units are in the order of their first lines.
    fn novelty(&self, arm: usize) -> Option<Novelty> {
        self.columns.time.as_ref()?;
        let middle = self.log.units.len() / 2;
        let is_late = |place: usize, unit: &Unit| match self.late_from {
            Some(from) => unit.first.is_some_and(|first| first >= from),
            None => place >= middle,
        };
        let outcome = |unit: &Unit| Some(unit.outcome);
        let early = self.difference(arm, outcome, |place, unit| !is_late(place, unit));
        let late = self.difference(arm, outcome, is_late);
        let change = match self.late_from {
            None => self.effect(late.less(early)),
            // Early units are all there before the first late one, so that each of the two has half of the level.
            Some(_) => {
                let [early, late] =
                    [early, late].map(|it| Effect::of(it, self.mixture, self.level / 2.0));
                late.less_apart(early)
            }
        };
        Some(Novelty {
            early: self.effect(early),
            late: self.effect(late),
            change,
            late_from: self.late_from,
        })
    }
}

#[cfg(test)]
mod tests;
