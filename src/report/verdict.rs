//! The verdict: the first lines of every report. It says whether a gain is confirmed, and what more
//! data would be needed.
//!
//! A gain is claimed only if held-out rows confirm it.

use super::Report;
use super::claim::{self, rows_evaluated};
use super::earlier;
use super::words::{
    cost, counted, held_out, refused_field, test_name, visible_line, without_schema,
};
use crate::clock::Clock;
use crate::engine::{Claimed, MIN_HOLD_ROWS};
use crate::event::StopReason;
use crate::id::{CandidateIx, RowIx};
use crate::memory::paired;
use crate::run::{Gain, Prompted, Status};
use crate::score_form::ScoreForm;
use crate::stats::power::USUAL_DISCORDANCE;
use crate::stats::{
    Interval, Level, rows_for_margin, rows_needed, smallest_gain, smallest_margin, weighted,
};
use crate::task::Task;
use crate::task::bound::Threshold;
use crate::task::example::Split;
use crate::task::goal::{Aim, Claim};
use crate::text::{percent, plural, sentence_case, thousands};
use serde::Serialize;

/// The kind of verdict, which decides its sign and colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Tone {
    /// Held-out rows confirm a gain.
    Confirmed,
    /// No gain is confirmed.
    Open,
    /// The run is not finished.
    Waiting,
}

/// The verdict.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) tone: Tone,
    /// One or two words.
    pub(super) word: &'static str,
    /// The sentence after them.
    pub(super) sentence: String,
    /// Further facts that a reader needs before acting on the verdict.
    pub(super) details: Vec<String>,
    /// What a person at a terminal can do next, in sentences.
    pub(super) advice: Vec<String>,
    /// What stopped the run or keeps it waiting, with the provider's words in it.
    pub(super) trouble: Option<String>,
    /// A notice, if any model was simulated.
    pub(super) simulated: Option<&'static str>,
}

/// With at least this many rows, the measured discordance replaces the assumed one.
const ROWS_TO_MEASURE: usize = 30;
/// With fewer held-out rows than this, a confirmed verdict also states the detectable gain.
const FEW_ROWS: usize = 100;

pub(super) fn verdict(report: &Report<'_>) -> Verdict {
    let summary = report.summary;
    let evaluated = summary.strategy.strip_prefix("eval:");
    let Conclusion { tone, word, sentence, mut details, mut advice } =
        match (summary.recommended, &summary.gain) {
            (None, _) => waiting(report),
            _ if evaluated.is_some() => measured(report, evaluated.unwrap_or_default()),
            _ if !report.has_winner() => baseline_won(report),
            (_, Some(gain)) if summary.confirmed == Some(true) => confirmed(report, gain),
            (_, Some(gain)) => unproven(report, gain),
            (_, None) => not_evaluated(report),
        };
    if summary.recommended.is_some() && report.has_winner() {
        details.extend(left_out(report));
        details.extend(cost_change(report));
    }
    details.extend(earlier::sentences(report));
    advice.extend(earlier::advice(report));
    details.extend(judge(report).map(|standing| format!("{}.", sentence_case(&standing))));
    details.extend(corrected(report));
    details.extend(summary.flags.iter().map(|flag| format!("Flagged: {flag}.")));
    if !summary.flags.is_empty() {
        advice.push(
            "Read the prompt before you use it: `export` asks for `--accept-flagged`.".to_owned(),
        );
    }
    details.extend(
        report
            .history
            .state
            .refused_fields
            .iter()
            .map(|(model, field)| refused_field(model, field))
            .chain(without_schema(report.task))
            .map(|told| format!("{told}.")),
    );
    details.extend(summary.provider_changes.iter().map(|change| {
        let change = visible_line(&change.to_string());
        format!("Changed while the run was interrupted, and accepted: {change}.")
    }));
    let caveat = report.recipe.and_then(|recipe| recipe.order().caveat());
    details.extend(caveat.map(|caveat| format!("{}.", sentence_case(caveat))));
    let (trouble, simulated) = (trouble(report), simulated(report));
    Verdict { tone, word, sentence, details, advice, trouble, simulated }
}

/// Which judge the scores are of, and how it compares with people.
pub(super) fn judge(report: &Report<'_>) -> Option<String> {
    Some(visible_line(&report.summary.judge.as_ref()?.standing()))
}

/// The scores without the judge's errors.
fn corrected(report: &Report<'_>) -> Option<String> {
    let corrected = report.summary.judge.as_ref()?.corrected?;
    let form = report.score_form();
    let of = |name: &str, it: Option<Interval>| {
        it.map(|it| format!("{name} {} ({})", form.score(it.mean), form.range(it.low, it.high)))
    };
    let gain = corrected.gain.map(|it| {
        format!("difference {} ({})", form.gain(it.mean), form.gain_range(it.low, it.high))
    });
    let parts = [of("baseline", corrected.baseline), of("winner", corrected.best), gain];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Some(format!("Corrected for the judge's errors: {}.", parts.join(", ")))
}

/// Rows that say nothing of the claim: where they were refused, they may be the hard ones.
fn left_out(report: &Report<'_>) -> Option<String> {
    let rows = claim::rows_left_out(report);
    (rows > 0).then(|| {
        format!(
            "{} left out: the {} or the baseline has no answer to {}, so that the claim says nothing of {}.",
            match rows {
                1 => "1 held-out row is".to_owned(),
                _ => format!("{} are", held_out(rows)),
            },
            report.subject(),
            if rows == 1 { "it" } else { "them" },
            if rows == 1 { "such a row" } else { "such rows" },
        )
    })
}

fn trouble(report: &Report<'_>) -> Option<String> {
    let summary = report.summary;
    let waiting = || Some(summary.waiting.as_ref()?.in_words(Clock::System.now()));
    let words = summary.trouble.clone().or_else(waiting)?;
    Some(visible_line(&words))
}

/// What follows from the figures; see [`Verdict`].
struct Conclusion {
    tone: Tone,
    word: &'static str,
    sentence: String,
    details: Vec<String>,
    advice: Vec<String>,
}

impl Conclusion {
    fn new(tone: Tone, word: &'static str, sentence: String, details: Vec<String>) -> Self {
        Self { tone, word, sentence, details, advice: Vec::new() }
    }

    fn with_advice(self, advice: impl IntoIterator<Item = String>) -> Self {
        Self { advice: advice.into_iter().collect(), ..self }
    }
}

fn waiting(report: &Report<'_>) -> Conclusion {
    let summary = report.summary;
    let word = match summary.status {
        Status::Running => "Running",
        Status::Paused => "Paused",
        Status::Interrupted => "Interrupted",
        Status::Failed => "Failed",
        Status::Finished => "Unfinished",
    };
    let dev = |side: &Option<Prompted>| side.as_ref().and_then(|side| side.dev);
    let mean = |side: &Option<Prompted>| dev(side).map(|dev| dev.mean);
    let score = |mean| report.score_form().score(mean);
    let sentence = match (mean(&summary.baseline), mean(&summary.best)) {
        (Some(baseline), Some(best)) if report.has_winner() => {
            let rows = |side: &Option<Prompted>| dev(side).map_or(0, |dev| dev.n);
            let (of_baseline, of_best) = (rows(&summary.baseline), rows(&summary.best));
            let on = match of_best == of_baseline {
                true => String::new(),
                false => format!(" ({} and {of_baseline})", plural(of_best, "row")),
            };
            format!("so far {} on dev; the baseline has {}{on}", score(best), score(baseline))
        }
        (Some(baseline), _) if !any_tried(report) => {
            format!("the baseline has {} on dev so far; nothing else is measured", score(baseline))
        }
        (Some(baseline), _) => {
            format!("so far no candidate beats the baseline, which has {} on dev", score(baseline))
        }
        _ => "nothing has been measured yet".to_owned(),
    };
    let details =
        vec!["No gain is claimed before the held-out rows have been evaluated.".to_owned()];
    let is_left = matches!(summary.status, Status::Interrupted | Status::Failed);
    let advice =
        is_left.then(|| format!("Resume it with `promptsearch resume {}`.", report.handle()));
    Conclusion::new(Tone::Waiting, word, sentence, details).with_advice(advice)
}

/// The verdict of an evaluation of one prompt on the rows of a split, or on all.
fn measured(report: &Report<'_>, rows: &str) -> Conclusion {
    let form = report.score_form();
    let rows = if rows == "all" { "all splits" } else { rows };
    let measured = report.summary.baseline.as_ref().and_then(|prompt| prompt.dev);
    let sentence = match measured {
        Some(it) => format!(
            "{} (95 % interval {}) on {} of {rows}",
            form.score(it.mean),
            form.range(it.low, it.high),
            plural(it.n, "row")
        ),
        None => format!("no row of {rows} has an answer"),
    };
    let details = vec!["One prompt was evaluated; nothing was searched.".to_owned()];
    Conclusion::new(Tone::Open, "Measured", sentence, details)
}

/// Whether any other prompt than the baseline has an answer on dev.
fn any_tried(report: &Report<'_>) -> bool {
    report.history.state.candidates.iter().skip(1).any(|standing| standing.dev().folded > 0)
}

fn baseline_won(report: &Report<'_>) -> Conclusion {
    let summary = report.summary;
    let state = &report.history.state;
    let failed = state.baseline().fails_on_dev(state.must_pass);
    let sentence = match summary.stop_reason {
        Some(StopReason::NoHeadroom) => "the baseline leaves nothing to gain".to_owned(),
        // A prompt that fails one cannot win, whatever its score.
        _ if failed > 0 => format!(
            "no candidate was found that serves the goal better and is right on all {} of dev that must pass; the baseline \
             is not right on {failed}",
            counted(u64::from(state.must_pass.dev), "row")
        ),
        _ => match &report.task.goal {
            goal if goal.is_quality_alone() => {
                "no candidate was found to be better than the baseline on dev".to_owned()
            }
            goal => format!("no candidate was found to serve the goal `{goal}` better on dev"),
        },
    };
    let is_tried = |standing: &&crate::state::CandidateState| standing.dev().folded > 0;
    let tried = report.history.state.candidates.iter().skip(1).filter(is_tried).count();
    let refused: u64 = summary.counts.rejected.values().sum();
    if tried == 0 && summary.counts.candidates <= 1 && refused > 0 {
        let sentence = "no other prompt could be evaluated".to_owned();
        let proposals = counted(refused, "proposal");
        let most = summary.counts.rejected.iter().max_by_key(|(_, count)| **count);
        let most = most.map_or_else(String::new, |(reason, count)| {
            format!(" ({count} of them: {})", visible_line(&reason.replace('_', " ")))
        });
        let details =
            vec![format!("{proposals} were refused before anything was evaluated{most}.")];
        return Conclusion::new(Tone::Open, "No verdict", sentence, details);
    }
    if tried == 0 && summary.stop_reason != Some(StopReason::NoHeadroom) {
        let sentence = "the budget was spent before another prompt could be evaluated".to_owned();
        let advice = ["`promptsearch plan` shows what a budget is enough for.".to_owned()];
        return Conclusion::new(Tone::Open, "Keep the baseline", sentence, Vec::new())
            .with_advice(advice);
    }
    let mut details = vec![format!(
        "{} {} evaluated.",
        plural(tried, "other prompt"),
        if tried == 1 { "was" } else { "were" },
    )];
    details.extend(baseline_below(report));
    if let Some(hold) = summary.baseline.as_ref().and_then(|baseline| baseline.hold) {
        details.push(format!(
            "On {} the baseline scores {} (95 % interval {}).",
            held_out(hold.n),
            report.score_form().score(hold.mean),
            report.score_form().range(hold.low, hold.high)
        ));
    }
    Conclusion::new(Tone::Open, "Keep the baseline", sentence, details)
}

fn confirmed(report: &Report<'_>, gain: &Gain) -> Conclusion {
    let rows = rows_evaluated(report);
    let sentence = claim::sentence(report, gain);
    // At a later look, the line about it says how often.
    let once = if report.summary.look.is_none() { " once" } else { "" };
    let mut details = vec![format!(
        "The search never saw these rows; {} and baseline were evaluated on them{once} ({}).",
        report.subject(),
        test_name(gain.test)
    )];
    if rows < FEW_ROWS {
        details.push(detectable_gain(report, rows));
        details.extend(shrunken(report));
    }
    Conclusion::new(Tone::Confirmed, "Confirmed", sentence, details)
}

fn unproven(report: &Report<'_>, gain: &Gain) -> Conclusion {
    let (rows, margin) = (rows_evaluated(report), claim::margin(report));
    let sentence = claim::sentence(report, gain);
    let mut details = Vec::new();
    if gain.high < -margin.max(0.0) {
        let beyond = if margin > 0.0 { " by more than the goal's margin" } else { "" };
        details.push(format!(
            "The {} is worse than the baseline{beyond} on the held-out rows.",
            match report.subject() {
                "winner" => "winner on dev",
                other => other,
            }
        ));
    } else if report.summary.claims.iter().all(|claimed| claimed.shown) {
        details.push(format!(
            "There are too few held-out rows to confirm a gain: at least {MIN_HOLD_ROWS} are needed."
        ));
    }
    details.extend(interval_alone(report, gain));
    details.extend(shrunken(report));
    if margin > 0.0 {
        details.push(detectable_margin(report, rows, margin));
    } else if matches!(report.task.goal.aim, Aim::Least { floor: Threshold::Absolute(_), .. }) {
        details.extend(baseline_below(report));
    } else {
        details.push(detectable_gain(report, rows));
        if margin == 0.0 {
            details.extend(rows_to_prove(report, gain.mean));
        }
    }
    Conclusion::new(Tone::Open, "Not proven", sentence, details).with_advice([advice(report)])
}

/// That the interval of a gain is above 0 and its test does not show it, where it is so.
fn interval_alone(report: &Report<'_>, gain: &Gain) -> Option<String> {
    let is_of_gain = |it: &&Claimed| it.claim == Claim::Better && !it.shown;
    let claimed = report.summary.claims.iter().find(is_of_gain)?;
    let low = claimed.tested.map_or(gain.low, |tested| tested.interval.low);
    (low > 0.0 && rows_evaluated(report) >= MIN_HOLD_ROWS).then(|| {
        format!(
            "The interval lies above 0, but the {} does not show it: p may be at most {}.",
            test_name(gain.test),
            level(report).in_percent()
        )
    })
}

fn not_evaluated(report: &Report<'_>) -> Conclusion {
    let pair = paired(&report.history.state, report.best(), CandidateIx::BASELINE);
    let sentence = match pair.mean() {
        Some(gain) => format!(
            "{} on the {} of dev that both answered, where it was selected; no held-out row was evaluated",
            report.score_form().gain(gain),
            plural(pair.n, "row")
        ),
        None => "no held-out row was evaluated".to_owned(),
    };
    let why = if report.task.splits.hold.is_empty() {
        "The task has no held-out rows. To confirm a gain, add data or give hold a share in `split`."
    } else {
        "The budget did not suffice for the held-out rows."
    };
    let mut details = vec![why.to_owned()];
    details.extend(shrunken(report));
    details.extend(rows_to_prove(report, 0.0));
    Conclusion::new(Tone::Open, "Not proven", sentence, details).with_advice([advice(report)])
}

/// The gain on dev that is expected of the best prompt, corrected for its selection, where the search has selected it.
pub(super) fn shrunken_gain(report: &Report<'_>) -> Option<f64> {
    let (winner, shrunken, _) = report.history.state.winner?;
    shrunken.filter(|_| winner == report.best())
}

fn shrunken(report: &Report<'_>) -> Option<String> {
    let shrunken = shrunken_gain(report)?;
    Some(format!(
        "Expected gain on dev, corrected for selection: {}. This is an estimate, not a proof.",
        report.score_form().gain(shrunken)
    ))
}

fn detectable_gain(report: &Report<'_>, rows: usize) -> String {
    let discordance = discordance(report);
    let level = level(report);
    let least = smallest_gain(level.first_look_rows(equal_weight_rows(report, rows)), discordance);
    if least >= 1.0 {
        return format!("{} cannot detect any gain.", sentence_case(&held_out(rows)));
    }
    let left = report.summary.baseline.as_ref().and_then(|it| it.hold).map(|it| 1.0 - it.mean);
    let beyond = match left {
        Some(left) if least > left => {
            format!(
                " The baseline leaves {} to gain: only more rows can show it.",
                report.score_form().size(left)
            )
        }
        _ => String::new(),
    };
    format!(
        "{} can detect a gain of {} or more ({}, power 80 %, if the prompts differ on {} of the \
         rows).{beyond}",
        sentence_case(&held_out(rows)),
        report.score_form().size(least),
        match level.is_first() {
            true => "95 % interval above 0".to_owned(),
            false => format!("at the {} of this look", level.in_percent()),
        },
        percent(discordance)
    )
}

/// The design effect of the weights: by those of the held-out rows that were answered, or
/// those of dev.
fn design_effect(report: &Report<'_>) -> f64 {
    let state = &report.history.state;
    let of = |split: Split| -> Vec<f64> {
        let cells = state.baseline().column(split, 0).cells().iter().zip((0..).map(RowIx));
        let scored = cells.filter(|(cell, _)| cell.score().is_some());
        scored.map(|(_, row)| state.weights.of(split, row)).collect()
    };
    let held_out = of(Split::Hold);
    weighted::design_effect(if held_out.is_empty() { of(Split::Dev) } else { held_out })
}

/// How many rows of equal weight say as much as these held-out rows.
fn equal_weight_rows(report: &Report<'_>, rows: usize) -> usize {
    (rows as f64 / design_effect(report) + 1e-9) as usize
}

/// How many rows of the task's weights say as much as this many of equal weight.
fn as_weighted(report: &Report<'_>, rows: usize) -> usize {
    (rows as f64 * design_effect(report) * (1.0 - 1e-12)).ceil() as usize
}

/// The level at which the goal's claim is tested.
fn level(report: &Report<'_>) -> Level {
    report.summary.look.unwrap_or(Level::FIRST)
}

/// Which margin the rows can show, and how many rows the goal's margin needs, where that is more.
fn detectable_margin(report: &Report<'_>, rows: usize, margin: f64) -> String {
    let (discordance, form) = (discordance(report), report.score_form());
    // That many fresh rows: their first look.
    let needed = as_weighted(report, rows_for_margin(margin, discordance));
    let more = match needed > rows {
        true => {
            format!("; for {} about {} are needed", form.size(margin), thousands(needed as u64))
        }
        false => String::new(),
    };
    format!(
        "{} can show that a prompt as good as the baseline is at most {} worse (power 80 %, if the \
         prompts differ on {} of the rows){more}.",
        sentence_case(&held_out(rows)),
        form.size(smallest_margin(
            level(report).first_look_rows(equal_weight_rows(report, rows)),
            discordance
        )),
        percent(discordance),
    )
}

/// That the baseline itself misses what the goal asks of the quality or the cost, where it does.
fn baseline_below(report: &Report<'_>) -> Option<String> {
    let baseline = report.summary.baseline.as_ref()?;
    let quality = baseline.hold.or(baseline.dev)?.mean;
    let goal = &report.task.goal;
    if let (Aim::MaxQuality { usd_per_1k_at_most: Some(limit) }, Some(cost)) =
        (goal.aim, baseline.usd_per_1k)
    {
        return (cost > limit).then(|| {
            let (cost, limit) = (self::cost(cost), self::cost(limit));
            format!("The baseline itself costs {cost} per 1k, and misses the goal's {limit}.")
        });
    }
    (!goal.is_kept_by_baseline(quality)).then(|| {
        format!(
            "The baseline itself has {}, and misses the goal.",
            report.score_form().score(quality)
        )
    })
}

/// The number of held-out rows that the expected gain would need. The estimate from dev is
/// preferred, because held-out rows that confirmed nothing are too few to estimate the gain.
fn rows_to_prove(report: &Report<'_>, seen: f64) -> Option<String> {
    let expected = shrunken_gain(report).filter(|gain| *gain > 0.0).unwrap_or(seen);
    // That many fresh rows: their first look.
    let needed = as_weighted(report, rows_needed(expected, discordance(report)));
    let needed = needed.max(MIN_HOLD_ROWS);
    more_rows(expected, needed, rows_evaluated(report), report.score_form())
}

/// States how many rows a gain would need, but only if it needs more than were evaluated and is
/// large enough to matter.
fn more_rows(gain: f64, needed: usize, evaluated: usize, form: ScoreForm) -> Option<String> {
    (needed > evaluated && gain >= 0.001 && needed < 10_000_000).then(|| {
        format!(
            "To confirm a gain of {}, about {} held-out rows are needed.",
            form.gain(gain),
            thousands(needed as u64)
        )
    })
}

fn advice(report: &Report<'_>) -> String {
    format!(
        "The baseline is recommended. To export the {} anyway, use `promptsearch export {} \
         --accept-unconfirmed …`.",
        report.subject(),
        report.handle()
    )
}

/// The mean squared difference of winner and baseline over held-out rows and, where these are few, dev rows: on a few
/// rows the two may happen to agree, which would give too small a value.
fn discordance(report: &Report<'_>) -> f64 {
    let (state, best) = (&report.history.state, report.best());
    let column = |candidate: CandidateIx, split: Split| {
        state.candidates.get(candidate.index()).map(|standing| standing.column(split, 0).cells())
    };
    let squares_of = |split: Split| -> Vec<f64> {
        let pair = column(best, split).zip(column(CandidateIx::BASELINE, split));
        pair.into_iter()
            .flat_map(|(mine, theirs)| mine.iter().zip(theirs))
            .filter_map(|(mine, theirs)| Some((mine.score()? - theirs.score()?).powi(2)))
            .collect()
    };
    let mut squares = squares_of(Split::Hold);
    if squares.len() < ROWS_TO_MEASURE {
        squares.extend(squares_of(Split::Dev));
    }
    let mean = squares.iter().sum::<f64>() / squares.len().max(1) as f64;
    if squares.len() < ROWS_TO_MEASURE || mean == 0.0 { USUAL_DISCORDANCE } else { mean }
}

/// The change of the cost of 1,000 calls, so that a more expensive prompt is not missed.
fn cost_change(report: &Report<'_>) -> Option<String> {
    let per_1k = |side: &Option<Prompted>| side.as_ref().and_then(|side| side.usd_per_1k);
    let before = per_1k(&report.summary.baseline)?;
    let after = per_1k(&report.summary.best)?;
    if before <= 0.0 && after <= 0.0 {
        return None;
    }
    let goal = match &report.task.goal {
        goal if goal.is_quality_alone() => String::new(),
        goal => format!(" The goal is `{goal}`."),
    };
    Some(format!("1,000 calls cost {} instead of {}.{goal}", cost(after), cost(before)))
}

pub(super) fn simulated(report: &Report<'_>) -> Option<&'static str> {
    simulated_of([report.task])
}

/// The same of several tasks.
pub(super) fn simulated_of<'a>(tasks: impl IntoIterator<Item = &'a Task>) -> Option<&'static str> {
    let of_task = |task: &'a Task| {
        let providers = task.models().map(|(_, model)| model.name.provider());
        providers.filter_map(|name| Some(task.providers().get(name)?.is_simulated()))
    };
    let models: Vec<bool> = tasks.into_iter().flat_map(of_task).collect();
    match models.iter().filter(|simulated| **simulated).count() {
        0 => None,
        count if count == models.len() => Some(
            "Simulated models: no real model was called, the dollars are not real, and the result says \
             nothing about real models.",
        ),
        _ => Some("Simulated models: some models are simulated, and their dollars are not real."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe;
    use crate::report::example::{Kind, run};

    #[test]
    fn a_run_that_cannot_be_repeated_from_its_seed_says_so() {
        let example = run(Kind::Confirmed);
        for (order, is_said) in [("arrival", true), ("issue", false)] {
            let recipe = recipe::load("auto", &[format!("schedule.order={order}")]).unwrap();
            let report = Report { recipe: Some(&recipe), ..example.report() };
            let details = verdict(&report).details;
            let says = |line: &String| line.starts_with("Results are folded as they arrive");
            assert_eq!(details.iter().any(says), is_said, "{order}: {details:?}");
        }
    }

    #[test]
    fn the_needed_rows_are_stated_only_if_more_than_were_evaluated() {
        let words = more_rows(0.05, 495, 168, ScoreForm::Percent).unwrap();
        assert_eq!(words, "To confirm a gain of +5.0 pp, about 495 held-out rows are needed.");
        assert_eq!(
            more_rows(0.09, 162, 168, ScoreForm::Percent),
            None,
            "enough rows were evaluated"
        );
        assert_eq!(
            more_rows(0.0001, 9_000_000, 168, ScoreForm::Percent),
            None,
            "the gain is too small to matter"
        );
    }
}
