//! An online test for a terminal: arms, differences, what is decided, in 80 columns.

use super::super::table::{self, WIDTH, named};
use super::{ArmComparison, Decision, Effect, OnlineTest};
use crate::report::cost;
use crate::stats::FEWEST_UNITS;
use crate::text::{lines, plural, thousands};
use std::fmt::Write as _;

/// Odds above this are all the same to a reader.
const MOST_ODDS: f64 = 1e6;

/// The page: the arms, each arm beside the control, then the verdict.
#[must_use]
pub fn page(test: &OnlineTest) -> String {
    let mut out = String::new();
    let mut rows = vec![["arm", "units", "outcome", "USD/unit"].map(str::to_owned).to_vec()];
    for arm in &test.arms {
        rows.push(vec![
            named(&arm.name),
            thousands(arm.units as u64),
            number(arm.outcome),
            arm.usd.map_or_else(|| "–".to_owned(), cost),
        ]);
    }
    table::write(&mut out, "  ", &rows);
    for comparison in &test.comparisons {
        let _ = writeln!(out, "\n{} less {}", named(&comparison.arm), named(&test.control));
        let mut rows = vec![vec!["outcome".to_owned(), interval(comparison.effect)]];
        rows.extend(comparison.usd.map(|usd| vec!["USD/unit".to_owned(), dollars(usd)]));
        if let Some(novelty) = comparison.novelty {
            rows.push(vec!["early units".to_owned(), interval(novelty.early)]);
            rows.push(vec!["late units".to_owned(), interval(novelty.late)]);
            rows.push(vec!["late less early".to_owned(), interval(novelty.change)]);
        }
        for segment in &comparison.segments {
            let name = format!("{} = {}", named(&segment.column), named(&segment.value));
            rows.push(vec![name, interval(segment.effect)]);
        }
        table::write(&mut out, "  ", &rows);
    }
    out.push('\n');
    for sentence in verdict(test) {
        let _ = writeln!(out, "{}", lines(&sentence, WIDTH - 2).join("\n  "));
    }
    out
}

/// What is decided, and what speaks against trusting it, in sentences.
#[must_use]
pub(super) fn verdict(test: &OnlineTest) -> Vec<String> {
    let mut said = Vec::new();
    if test.allocation.is_off {
        let units: Vec<String> =
            test.arms.iter().map(|arm| format!("{} {}", named(&arm.name), arm.units)).collect();
        said.push(format!(
            "✗ The traffic is not divided as it was meant: {} units (evidence {} to 1). Something drops or adds \
             units in one arm, so that the arms cannot be compared: nothing is decided.",
            units.join(", "),
            odds(test.allocation.e_value)
        ));
    }
    if test.mixed_units > 0 {
        let end = match test.is_mixed() {
            true => "too many to trust the assignment: nothing is decided",
            false => "they are left out",
        };
        let units = plural(test.mixed_units as usize, "unit");
        said.push(format!("{units} had lines in several arms: {end}."));
    }
    if let Some(since) = test.since.filter(|_| test.earlier_units > 0) {
        said.push(format!(
            "The last arm began at {since}: only units after that count, and {} before it {} left out.",
            plural(test.earlier_units, "unit"),
            if test.earlier_units == 1 { "is" } else { "are" }
        ));
    }
    said.extend(test.comparisons.iter().map(|comparison| of_arm(test, comparison)));
    for comparison in &test.comparisons {
        let differs =
            |it: &super::Segment| ![Decision::Open, comparison.decision].contains(&it.decision);
        for segment in comparison.segments.iter().filter(|segment| differs(segment)) {
            said.push(format!(
                "  Where {} is {} it is {}.",
                named(&segment.column),
                named(&segment.value),
                in_words(segment.decision)
            ));
        }
        if let Some(novelty) = comparison.novelty
            && novelty.change.decision(None) != Decision::Open
        {
            said.push(format!(
                "  The effect of {} seems to change with time: look at its later units.",
                named(&comparison.arm)
            ));
        }
    }
    let novelty = test.comparisons.iter().find_map(|it| it.novelty);
    let end = match novelty.map(|it| it.late_from) {
        None => String::new(),
        Some(None) => "; those of early and late units are for one look".to_owned(),
        Some(Some(from)) => format!("; units are late from {from} on"),
    };
    said.push(format!(
        "Intervals are 95 %, right at any number of looks, and shared by all arms; those of segments by all segments{end}."
    ));
    said
}

fn of_arm(test: &OnlineTest, comparison: &ArmComparison) -> String {
    let (arm, control) = (named(&comparison.arm), named(&test.control));
    match comparison.decision {
        Decision::Higher => format!("✓ {arm} has a higher outcome than {control}."),
        Decision::Lower => format!("✗ {arm} has a lower outcome than {control}."),
        Decision::Same => {
            let margin = test.margin.map(number).unwrap_or_default();
            format!("= {arm} and {control} differ by less than {margin}.")
        }
        Decision::Open if comparison.effect.low.is_none() => format!(
            "○ {arm}: too early. Each arm needs {FEWEST_UNITS} units, and two units that differ."
        ),
        Decision::Open => format!("○ {arm}: not decided yet."),
    }
}

fn in_words(decision: Decision) -> &'static str {
    match decision {
        Decision::Higher => "higher",
        Decision::Lower => "lower",
        Decision::Same => "the same within the margin",
        Decision::Open => "not decided",
    }
}

fn interval(effect: Effect) -> String {
    shown(effect, |value| format!("{value:+.4}"))
}

fn dollars(effect: Effect) -> String {
    shown(effect, |value| format!("{}{}", if value < 0.0 { "-" } else { "+" }, cost(value.abs())))
}

fn shown(effect: Effect, number: impl Fn(f64) -> String) -> String {
    let difference = effect.difference.map_or_else(|| "–".to_owned(), &number);
    match (effect.low, effect.high) {
        (Some(low), Some(high)) => format!("{difference} ({} to {})", number(low), number(high)),
        _ => format!("{difference} (no interval: too few units, or none that differ)"),
    }
}

/// An e-value as it is said.
fn odds(e_value: f64) -> String {
    match e_value < MOST_ODDS {
        true => thousands(e_value as u64),
        false => format!("more than {}", thousands(MOST_ODDS as u64)),
    }
}

fn number(value: f64) -> String {
    format!("{value:.4}")
}
