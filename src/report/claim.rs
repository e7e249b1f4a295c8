//! What held-out rows say of the goal's claim, in words: the sentence of the verdict, of an exported prompt's commit,
//! and of its evidence.

use super::Report;
use super::words::{cost, held_out, p_value, rows_with, signed_cost};
use crate::engine::{Claimed, HeldOutCost, MIN_HOLD_ROWS, Sample};
use crate::run::{FamilyResult, Gain};
use crate::score_form::ScoreForm;
use crate::stats::{Interval, Level, Tested};
use crate::task::example::MustPassResult;
use crate::task::goal::{Claim, LeastMeasure};
use crate::text;

/// What the goal says of the winner: all of it where it is shown, or what is known, and what is not shown.
pub(super) fn sentence(report: &Report<'_>, gain: &Gain) -> String {
    let (summary, form) = (report.summary, report.score_form());
    let is_shown = summary.confirmed == Some(true);
    let rows = rows_of(report);
    let asked = summary.claims.iter().find(|claimed| claimed.claim.is_of_quality());
    let quality = format!(
        "{} on {rows} (95 % interval {}{}, {})",
        form.gain(gain.mean),
        form.gain_range(gain.low, gain.high),
        at_level(report, asked, |it| form.gain_range(it.low, it.high)),
        p_value(gain.p_value)
    );
    let Some(asked) = asked else { return quality };
    let ends = |it: Interval| form.range(it.low, it.high);
    let of_quality = match (&asked.claim, summary.best.as_ref().and_then(|best| best.hold)) {
        (Claim::QualityAtLeast { .. }, Some(level)) => format!(
            "{} on {rows} (95 % interval {}{}, {})",
            form.score(level.mean),
            ends(level),
            at_level(report, Some(asked), ends),
            p_value(gain.p_value)
        ),
        _ => quality,
    };
    let of_quality = match (&asked.claim, is_shown) {
        (Claim::Better, true) => format!("better by {of_quality}"),
        (Claim::Better, false) => of_quality,
        (claim, _) if asked.shown => format!("{}: {of_quality}", words_of(claim, form)),
        (claim, _) => format!("{of_quality}, which does not show “{}”", words_of(claim, form)),
    };
    let of_cost = summary.claims.iter().filter_map(|claimed| of_cost(report, claimed));
    // What the goal asks for comes first.
    let mut told: Vec<String> = vec![of_quality];
    match &asked.claim {
        Claim::Better => told.extend(of_cost),
        _ => told.splice(0..0, of_cost).for_each(drop),
    }
    told.extend(summary.claims.iter().filter_map(|claimed| of_bound(report, claimed)));
    told.extend(summary.must_pass.map(of_must_pass));
    told.join("; ")
}

/// Each claim of the goal, and that rows which must pass do: what it says, whether it is shown, and what was measured of it
/// where the gain does not say.
pub(super) fn each(report: &Report<'_>) -> impl Iterator<Item = (String, bool, Option<String>)> {
    let of_goal = report.summary.claims.iter().map(|claimed| {
        let measured = of_bound(report, claimed).or_else(|| of_cost(report, claimed));
        (words_of(&claimed.claim, report.score_form()), claimed.shown, measured)
    });
    let of_rows = report.summary.must_pass.map(|it| {
        ("right on all rows that must pass".to_owned(), it.failed == 0, Some(of_must_pass(it)))
    });
    of_goal.chain(of_rows)
}

/// The interval at another level, which decides, beside the 95 % interval.
fn at_level(
    report: &Report<'_>,
    claimed: Option<&Claimed>,
    words: impl Fn(Interval) -> String,
) -> String {
    let Some(Tested { interval, level }) = claimed.and_then(|it| it.tested) else {
        return String::new();
    };
    let look = report.summary.look.unwrap_or(Level::FIRST);
    let whose = if level == look { "of this look" } else { "that this part has" };
    format!("; at the {} {whose} {}", level.in_percent(), words(interval))
}

/// What a goal says of the quality, as a part of a sentence.
fn words_of(claim: &Claim, form: ScoreForm) -> String {
    match *claim {
        Claim::NotWorse { margin } if margin > 0.0 => {
            format!("at most {} worse", form.size(margin))
        }
        Claim::NotWorse { margin } if margin < 0.0 => {
            format!("better by more than {}", form.size(-margin))
        }
        Claim::NotWorse { .. } | Claim::Better => "better".to_owned(),
        Claim::QualityAtLeast { quality } => format!("at least {}", form.score(quality)),
        Claim::Cheaper => "cheaper".to_owned(),
        Claim::Less { of } => of.words(true),
        Claim::CostAtMost { usd_per_1k } => format!("at most {}", cost(usd_per_1k)),
        Claim::Bound(ref bound) => bound.to_string(),
    }
}

/// How many rows that must pass are right.
pub(super) fn of_must_pass(MustPassResult { rows, failed }: MustPassResult) -> String {
    match failed {
        0 if rows == 1 => "right on the held-out row that must pass".to_owned(),
        0 => format!("right on all {} that must pass", held_out(rows)),
        _ if rows == 1 => "not right on the held-out row that must pass".to_owned(),
        failed => format!("not right on {failed} of {} that must pass", held_out(rows)),
    }
}

/// What was measured of a bound, and whether that shows it.
fn of_bound(report: &Report<'_>, claimed: &Claimed) -> Option<String> {
    let Claim::Bound(bound) = &claimed.claim else { return None };
    let words = words_of(&claimed.claim, report.score_form());
    let Some(it) = claimed.measured else {
        let why = not_known(claimed).map_or_else(String::new, |why| format!(": {why}"));
        return Some(format!("“{words}” is not shown{why}"));
    };
    let ends = |it: Interval| format!("{} to {}", bound.shown(it.low), bound.shown(it.high));
    let told = format!(
        "{} {} on {} (95 % interval {}{})",
        bound.name(),
        bound.shown(it.mean),
        text::plural(it.n, "row"),
        ends(it),
        at_level(report, Some(claimed), ends)
    );
    Some(match claimed.shown {
        true => format!("{told}, which shows “{words}”"),
        false => format!("{told}, which does not show “{words}”{}", needs(claimed)),
    })
}

/// How many rows a claim needs at the least, where that is more than have a value.
pub(super) fn needs(claimed: &Claimed) -> String {
    match claimed.sample.filter(|it| it.rows < it.needed) {
        Some(it) => format!(": {} are needed", text::thousands(it.needed as u64)),
        None => String::new(),
    }
}

/// Why rows say nothing of a measure: what it is on them, on how many, and how many are needed.
pub(super) fn not_known(claimed: &Claimed) -> Option<String> {
    let Sample { rows, needed, value } = claimed.sample?;
    let (measure, name, shown) = match &claimed.claim {
        Claim::Bound(bound) => {
            (bound.measure.clone(), bound.name(), value.map(|it| bound.shown(it)))
        }
        Claim::Less { of } => {
            let name = format!("the difference in {of}");
            (of.measure(), name, value.map(|it| of.signed(it)))
        }
        _ => return None,
    };
    let on = rows_with(&measure, rows);
    let told = shown.map_or_else(|| on.clone(), |shown| format!("{name} is {shown} on {on}"));
    Some(match rows < needed {
        true => format!("{told}, and {} are needed", text::thousands(needed as u64)),
        false => format!("{told}, whose values are too much alike to say more"),
    })
}

/// How much less of something beside dollars is spent, and whether that is shown.
fn of_less(report: &Report<'_>, claimed: &Claimed, least: LeastMeasure) -> String {
    let Some(it) = claimed.measured else {
        let why = not_known(claimed).map_or_else(String::new, |why| format!(": {why}"));
        return format!("“{}” is not shown{why}", least.words(true));
    };
    let ends = |it: Interval| format!("{} to {}", least.signed(it.low), least.signed(it.high));
    let told = format!(
        "{} {} on {} (95 % interval {}{})",
        least.shown(it.mean.abs()),
        least.words(it.mean >= 0.0),
        text::plural(it.n, "row"),
        ends(it),
        at_level(report, Some(claimed), ends)
    );
    let nothing = match least {
        LeastMeasure::Inconsistency(_) => "no higher consistency",
        _ => "no saving",
    };
    match claimed.shown {
        true => told,
        false => format!("{told}, so that {nothing} is shown{}", needs(claimed)),
    }
}

fn of_cost(report: &Report<'_>, claimed: &Claimed) -> Option<String> {
    if let Claim::Less { of } = claimed.claim {
        return Some(of_less(report, claimed, of));
    }
    if !matches!(claimed.claim, Claim::Cheaper | Claim::CostAtMost { .. }) {
        return None;
    }
    let Some(known) = report.summary.held_out_cost else {
        return Some("what its calls cost is not known".to_owned());
    };
    let ends = |it: Interval| format!("{} to {}", signed_cost(it.low), signed_cost(it.high));
    let tested = at_level(report, Some(claimed), ends);
    let range = |it: Interval| format!("95 % interval {}{tested}", ends(it));
    Some(match &claimed.claim {
        Claim::Cheaper => {
            let saving = known.saving;
            let (by, range) = (cost(saving.mean.abs()), range(saving));
            let word = if saving.mean < 0.0 { "dearer" } else { "cheaper" };
            let told = format!("{word} by {by} per 1,000 calls ({range})");
            match claimed.shown {
                true => told,
                false => format!("{told}, so that no saving is shown{}", few_bills(known)),
            }
        }
        Claim::CostAtMost { .. } => {
            let told =
                format!("1,000 calls cost {} ({})", cost(known.best.mean), range(known.best));
            let limit = words_of(&claimed.claim, report.score_form());
            if claimed.shown {
                format!("{told}, {limit}")
            } else {
                format!("{told}, which does not show “{limit}”{}", few_bills(known))
            }
        }
        _ => return None,
    })
}

/// That too few rows have a bill, where they have.
fn few_bills(known: HeldOutCost) -> String {
    match known.saving.n < MIN_HOLD_ROWS {
        true => format!(
            ": {} of both are known by their bills, and {MIN_HOLD_ROWS} are needed",
            text::plural(known.saving.n, "row")
        ),
        false => String::new(),
    }
}

/// The held-out rows of the claim, and of how many that were asked, where some have no score of one of the prompts.
fn rows_of(report: &Report<'_>) -> String {
    let rows = rows_evaluated(report);
    match rows_left_out(report) {
        0 => held_out(rows),
        left_out => format!("{} of {}", text::thousands(rows as u64), held_out(rows + left_out)),
    }
}

/// How many held-out rows the claim leaves out because one of the prompts has no score for them.
pub(super) fn rows_left_out(report: &Report<'_>) -> usize {
    let evaluated = rows_evaluated(report);
    if evaluated == 0 { 0 } else { rows_asked(report).saturating_sub(evaluated) }
}

/// How many held-out rows the best prompt was asked: those of the comparison that its gain is of, or the winner's.
fn rows_asked(report: &Report<'_>) -> usize {
    let (summary, best) = (report.summary, report.best());
    let is_of = |it: &&FamilyResult| {
        let mut candidates = it.candidates.iter();
        candidates.any(|it| it.candidate_number == best.0 && it.gain == summary.gain)
    };
    let own = report.history.state.winner.filter(|(winner, ..)| *winner == best);
    let of_family = || summary.confirmations.iter().rev().find(is_of).map(|it| it.rows);
    of_family().or(own.map(|(.., rows)| rows)).unwrap_or(0) as usize
}

/// Number of held-out rows that both prompts have a score for.
pub(super) fn rows_evaluated(report: &Report<'_>) -> usize {
    report.summary.best.as_ref().and_then(|best| best.hold).map_or(0, |hold| hold.n)
}

/// The margin that the goal's quality is tested against; 0 where it is to be above the baseline's.
pub(super) fn margin(report: &Report<'_>) -> f64 {
    match report.task.goal.quality_claim() {
        Claim::NotWorse { margin } => margin,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::{Kind, run};
    use super::*;

    #[test]
    fn what_is_not_shown_has_its_own_name() {
        let mut example = run(Kind::Unproven);
        let measured = Some(Interval { mean: 0.01, low: -0.01, high: 0.03, n: 100 });
        for (of, says) in [
            (LeastMeasure::Inconsistency(3), "1.0 pp more consistency.3 on 100 rows"),
            (LeastMeasure::Inconsistency(3), "so that no higher consistency is shown"),
            (LeastMeasure::InputTokens, "so that no saving is shown"),
        ] {
            let claim = Claim::Less { of };
            let (tested, sample) = (None, None);
            let claimed = Claimed { claim, shown: false, measured, tested, sample };
            example.summary.claims.truncate(1);
            example.summary.claims.push(claimed);
            let gain = example.summary.gain.unwrap();
            let said = sentence(&example.report(), &gain);
            assert!(said.contains(says), "{said}");
        }
    }
}
