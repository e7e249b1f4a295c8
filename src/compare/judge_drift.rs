//! A judge now, beside itself when it was compared with people: the same questions, asked again.
//!
//! The provider may change the model behind a name. Fixed answers show it: what differs between two times that
//! they are graded is the judge. Not whether it agrees with people well enough, which is `certification`'s.

use super::certification::{JudgeVerdicts, LabelledAnswers};
use crate::seed::Seed;
use crate::stats::interval::wilson;
use crate::stats::weighted::{self, Weighted};
use crate::stats::{Interval, Level};
use crate::text::{percent, plural};
use serde::Serialize;
use std::fmt::Write as _;

/// What is compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JudgeDrift {
    /// The judge, `provider/model`.
    pub judge: String,
    /// Answers that it graded both times.
    pub answers: usize,
    /// Answers that it graded when it was compared with people, and not now.
    pub ungraded: usize,
    /// The share of answers with the same grade both times.
    pub same: Option<Interval>,
    /// The grade now less the grade then, on average, as a score in [0, 1].
    pub grades: Change,
    /// The distance from the grade of people now less that of then, likewise.
    pub distance_from_people: Change,
    /// The chance, in (0, 1), of an alarm where nothing has changed.
    pub false_alarm: f64,
    /// Whether one of both has changed.
    pub has_drifted: bool,
}

/// A mean difference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// With its 95 % interval; `None` where fewer than two answers were graded both times.
    pub difference: Option<Interval>,
    /// Two-sided, of no difference.
    pub p_value: f64,
}

impl Change {
    fn of(values: &[f64], level: Level) -> Self {
        let rows = |sign: f64| -> Vec<Weighted> {
            values.iter().map(|value| Weighted { value: sign * value, weight: 1.0 }).collect()
        };
        let is_binary = values.iter().all(|value| value.fract() == 0.0);
        let seed = Seed(1).child("drift", 0);
        let one_sided =
            |sign: f64| weighted::superiority(&rows(sign), is_binary, level, seed).p_value;
        let p_value = (2.0 * one_sided(1.0).min(one_sided(-1.0))).min(1.0);
        Self { difference: weighted::of_differences(&rows(1.0), seed), p_value }
    }
}

impl JudgeDrift {
    /// Compares the verdicts of two times, by the number of the answer from 0. Two things are tested, each at half of
    /// `false_alarm` (Bonferroni).
    #[must_use]
    pub fn of(
        judge: String,
        labelled: &LabelledAnswers,
        [then, now]: [&JudgeVerdicts; 2],
        false_alarm: f64,
    ) -> Self {
        let (mut grades, mut distances, mut ungraded) = (Vec::new(), Vec::new(), 0);
        for number in 0..labelled.len() {
            let Some(before) = labelled.grade(number, then) else { continue };
            match labelled.grade(number, now) {
                None => ungraded += 1,
                Some(after) => {
                    grades.push(after.score - before.score);
                    distances.push(after.distance - before.distance);
                }
            }
        }
        let level = Level { one_sided: false_alarm / 4.0, ..Level::FIRST };
        let [of_grades, of_distances] = [&grades, &distances].map(|it| Change::of(it, level));
        let same = grades.iter().filter(|it| it.abs() < 1e-9).count();
        Self {
            judge,
            answers: grades.len(),
            ungraded,
            same: wilson(same, grades.len()),
            grades: of_grades,
            distance_from_people: of_distances,
            false_alarm,
            has_drifted: [of_grades, of_distances].iter().any(|it| it.p_value <= false_alarm / 2.0),
        }
    }

    /// What was found, in a sentence.
    #[must_use]
    pub fn verdict(&self) -> String {
        let threshold = self.false_alarm / 2.0;
        let mean = |change: &Change| change.difference.map_or(0.0, |it| it.mean);
        let mut found = Vec::new();
        if self.grades.p_value <= threshold {
            let word = if mean(&self.grades) > 0.0 { "higher" } else { "lower" };
            found.push(format!("it grades {word} than when it was compared with people"));
        }
        if self.distance_from_people.p_value <= threshold {
            let word = if mean(&self.distance_from_people) > 0.0 { "less" } else { "more" };
            found.push(format!("it agrees {word} with people than then"));
        }
        match found.is_empty() {
            true => "no drift is shown".to_owned(),
            false => format!("the judge has drifted: {}", found.join(", and ")),
        }
    }
}

/// The comparison for people.
#[must_use]
pub fn drift_page(drift: &JudgeDrift) -> String {
    let mut out = format!("{} beside itself\n", drift.judge);
    let _ = writeln!(out, "  graded twice  {}", plural(drift.answers, "answer"));
    if drift.ungraded > 0 {
        let _ = writeln!(out, "                {} without a grade now, left out", drift.ungraded);
    }
    if let Some(it) = drift.same {
        let [mean, low, high] = [it.mean, it.low, it.high].map(percent);
        let _ = writeln!(out, "  same grade    {mean} ({low} to {high})");
    }
    for (name, change) in [("grade", drift.grades), ("from people", drift.distance_from_people)] {
        if let Some(it) = change.difference {
            let _ = writeln!(
                out,
                "  {name:<13} {:+.3} ({:+.3} to {:+.3}), p = {:.3}",
                it.mean, it.low, it.high, change.p_value
            );
        }
    }
    let _ = write!(out, "\n{}", drift.verdict());
    out
}
