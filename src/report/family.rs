//! Candidates that were compared with the baseline on held-out rows at once, as a table.

use super::claim;
use super::words::{cost, counted, held_out, p_value, signed_cost};
use crate::engine::Claimed;
use crate::run::{ConfirmedCandidate, FamilyResult, Summary};
use crate::score_form::ScoreForm;
use crate::stats::{Interval, Tested};
use crate::task::goal::Claim;
use std::fmt::Write as _;

/// A page about a confirmation: what was asked, a line for each candidate, and what it means.
#[must_use]
pub fn family_page(family: &FamilyResult, form: ScoreForm) -> String {
    let mut out = format!(
        "{} on {}, look {}: {} one-sided, which they share by Holm's rule\n\n",
        counted(family.candidates.len() as u64, "candidate"),
        held_out(family.rows as usize),
        family.look.look,
        family.look.in_percent()
    );
    let _ = writeln!(
        out,
        "{:<12} {:>4} {:>6}  {:<25} {:>8} {:>7}  confirmed",
        "candidate", "rows", "score", "difference (95 %)", "p (Holm)", "per 1k"
    );
    let rows = family.baseline.map_or(0, |it| it.n);
    let score = family.baseline.map_or_else(String::new, |it| form.score(it.mean));
    let _ = writeln!(out, "{:<12} {rows:>4} {score:>6}", "baseline");
    for candidate in &family.candidates {
        let _ = writeln!(out, "{}", line(candidate, form));
    }
    for candidate in &family.candidates {
        out += &tested(candidate, form);
    }
    out
}

/// At most 80 columns; the id's first digits are enough to name it.
fn line(it: &ConfirmedCandidate, form: ScoreForm) -> String {
    let id: String = it.prompted.candidate.as_str().chars().take(8).collect();
    let name = format!("n{} {id}", it.candidate_number);
    let rows = it.prompted.hold.map_or(0, |hold| hold.n);
    let score = it.prompted.hold.map_or_else(|| "none".to_owned(), |hold| form.score(hold.mean));
    let gain = it.gain.map_or_else(String::new, |gain| {
        format!("{} ({})", form.gain(gain.mean), form.gain_range(gain.low, gain.high))
    });
    let p = it.p_adjusted.map_or_else(String::new, p_value);
    let p = p.trim_start_matches("p ").trim_start_matches("= ");
    let usd = it.prompted.usd_per_1k.map_or_else(String::new, cost);
    let word = if it.confirmed { "yes" } else { "no" };
    format!("{name:<12} {rows:>4} {score:>6}  {gain:<25} {p:>8} {usd:>7}  {word}")
}

/// What decided each part of the goal: the interval at its level, or why there is none.
fn tested(it: &ConfirmedCandidate, form: ScoreForm) -> String {
    let mut out = String::new();
    for claimed in &it.claims {
        let word = if claimed.shown { "shown" } else { "not shown" };
        // At a first look the 95 % interval decides.
        let usual = || {
            let interval = interval(it, claimed).filter(|_| it.level.is_first())?;
            Some(Tested { interval, level: it.level })
        };
        let decided = claimed.tested.or_else(usual);
        let why = || claim::not_known(claimed).unwrap_or_else(|| "no row says it".to_owned());
        let told = match decided {
            Some(decided) => format!(
                "{word} at {} ({}){}",
                decided.level.in_percent(),
                ends(&claimed.claim, decided.interval, form),
                claim::needs(claimed)
            ),
            None => format!("{word}: {}", why()),
        };
        let what = subject(&claimed.claim);
        let _ = write!(out, "\n  n{}, {what}: {told}", it.candidate_number);
    }
    if let Some(result) = it.must_pass {
        let word = if result.failed == 0 { "shown" } else { "not shown" };
        let told = claim::of_must_pass(result);
        let _ = write!(out, "\n  n{}, rows that must pass: {word}: {told}", it.candidate_number);
    }
    out
}

/// What a claim is about.
fn subject(claim: &Claim) -> String {
    match claim {
        Claim::Better | Claim::NotWorse { .. } | Claim::QualityAtLeast { .. } => {
            "quality".to_owned()
        }
        Claim::Cheaper | Claim::CostAtMost { .. } => "cost".to_owned(),
        Claim::Less { of } => of.to_string(),
        Claim::Bound(bound) => bound.name(),
    }
}

/// The ends of an interval of it.
fn ends(claim: &Claim, it: Interval, form: ScoreForm) -> String {
    let both = |shown: &dyn Fn(f64) -> String| format!("{} to {}", shown(it.low), shown(it.high));
    match claim {
        Claim::Better | Claim::NotWorse { .. } => form.gain_range(it.low, it.high),
        Claim::QualityAtLeast { .. } => both(&|value| form.score(value)),
        Claim::Cheaper | Claim::CostAtMost { .. } => both(&signed_cost),
        Claim::Less { of } => both(&|value| of.signed(value)),
        Claim::Bound(bound) => both(&|value| bound.shown(value)),
    }
}

/// The 95 % interval of what a claim is about.
fn interval(it: &ConfirmedCandidate, claimed: &Claimed) -> Option<Interval> {
    match claimed.claim {
        Claim::Better | Claim::NotWorse { .. } => {
            let gain = it.gain?;
            let n = it.prompted.hold.map_or(0, |hold| hold.n);
            Some(Interval { mean: gain.mean, low: gain.low, high: gain.high, n })
        }
        Claim::QualityAtLeast { .. } => it.prompted.hold,
        Claim::Cheaper => it.held_out_cost.map(|cost| cost.saving),
        Claim::CostAtMost { .. } => it.held_out_cost.map(|cost| cost.best),
        Claim::Less { .. } | Claim::Bound(_) => claimed.measured,
    }
}

/// A sentence for each time that candidates were compared after the run was over.
#[must_use]
pub fn sentences(summary: &Summary) -> Vec<String> {
    let form = summary.score_form;
    let of = |family: &FamilyResult| {
        let told = family.candidates.iter().filter(|it| it.asked).map(|it| {
            let word = if it.confirmed { "confirmed" } else { "not proven" };
            let gain = it.gain.map_or_else(String::new, |gain| {
                format!(
                    ", {} (95 % interval {})",
                    form.gain(gain.mean),
                    form.gain_range(gain.low, gain.high)
                )
            });
            format!("n{} ({}) {word}{gain}", it.candidate_number, it.prompted.candidate)
        });
        format!(
            "Compared on {} afterwards, at look {}: {}.",
            held_out(family.rows as usize),
            family.look.look,
            told.collect::<Vec<_>>().join("; ")
        )
    };
    summary.confirmations.iter().map(of).collect()
}
