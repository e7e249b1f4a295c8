//! The tables of a report as texts, shared by the terminal, Markdown and HTML.
//!
//! Held-out rows appear as means only. Control characters are made visible here; each format does
//! its own escaping.

use super::Report;
use super::changed_rows::{ChangedRows, changed_rows};
use super::consistency::agreements;
use super::diff::{Piece, diff};
use super::pruned::Pruned;
use super::spending::{NONE, Spend, spend};
use super::verdict::{Verdict, shrunken_gain, verdict};
use super::words::{
    abandoned, cost, counted, dropped, failed_calls, quality, rejection_named, repaired, visible,
    visible_line,
};
use crate::candidate::RepairKind;
use crate::id::CandidateIx;
use crate::run::{Prompted, dev_interval, prompt_tokens};
use crate::score_form::ScoreForm;
use crate::seed::Seed;
use crate::state::{CandidateState, Phase, Status};
use crate::stats::{Interval, pareto};
use crate::task::model::PriceSource;
use crate::text::{plural, thousands};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Most candidates in the table of the best.
const TOP: usize = 20;
/// Most ancestors in the lineage.
const ANCESTORS: usize = 40;
/// The content of a report except the plots.
#[derive(Serialize)]
pub(super) struct Findings {
    pub(super) run: String,
    pub(super) task: String,
    pub(super) about: String,
    pub(super) verdict: Verdict,
    /// Whether the best prompt is not the baseline.
    pub(super) has_winner: bool,
    /// Whether the run is finished and recommends a prompt.
    pub(super) is_over: bool,
    /// Figures of baseline and best.
    pub(super) figures: Vec<Figure>,
    /// What leaving lines out has saved the best prompt.
    pub(super) pruned: Option<String>,
    /// The searched parts.
    pub(super) parts: Vec<PartDiff>,
    pub(super) lineage: Vec<Row>,
    pub(super) top: Vec<Row>,
    /// Number of candidates that the table of the best leaves out.
    pub(super) left_out: usize,
    pub(super) front: Vec<Row>,
    pub(super) rows: ChangedRows,
    pub(super) spend: Spend,
    pub(super) tried: Tried,
    pub(super) provenance: Vec<(String, String)>,
}

/// One figure for baseline and best.
#[derive(Serialize)]
pub(super) struct Figure {
    pub(super) label: String,
    pub(super) baseline: String,
    pub(super) best: String,
    pub(super) change: String,
    /// The 95 % interval of the change, if it has one.
    pub(super) change_range: String,
}

/// A searched part in the baseline and in the best prompt.
#[derive(Serialize)]
pub(super) struct PartDiff {
    pub(super) name: String,
    pub(super) pieces: Vec<Piece>,
    pub(super) is_changed: bool,
    /// The part's text in the recommended prompt.
    pub(super) recommended: String,
}

/// A candidate's line in a table.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) operator: String,
    pub(super) parents: String,
    pub(super) mean: String,
    pub(super) interval: String,
    pub(super) rows: String,
    pub(super) cost: String,
    pub(super) tokens: String,
    pub(super) fate: String,
    /// `baseline`, `best` or empty.
    pub(super) mark: &'static str,
}

/// What was proposed and evaluated.
#[derive(Serialize)]
pub(super) struct Tried {
    /// `1 proposal`, `2 proposals`.
    pub(super) proposals: String,
    /// `1 new prompt`, `2 new prompts`.
    pub(super) candidates: String,
    /// Number of candidates by how far they were evaluated.
    pub(super) fates: Vec<(&'static str, u64)>,
    pub(super) rejected: Vec<Rejected>,
    pub(super) abandoned: Vec<(&'static str, u64)>,
    /// New prompts that were repaired before they were evaluated, by what was repaired.
    pub(super) repaired: Vec<(&'static str, u64)>,
    /// Proposals that were steps to others, and what they gave.
    pub(super) noted: Vec<(&'static str, u64)>,
    /// `1 scored answer`, `2 scored answers`.
    pub(super) evaluations: String,
    pub(super) invalid: String,
    /// Why they are invalid: a sentence for each reason.
    pub(super) invalid_reasons: Vec<String>,
    /// `1 row`, `2 rows` without a score.
    pub(super) errors: String,
    /// Calls without a good answer: a sentence for each cause, with an example.
    pub(super) failed: Vec<String>,
}

/// Number of proposals rejected for one reason.
#[derive(Serialize)]
pub(super) struct Rejected {
    pub(super) reason: String,
    pub(super) meaning: &'static str,
    pub(super) count: u64,
}

impl Findings {
    pub(super) fn of(report: &Report<'_>) -> Self {
        let summary = report.summary;
        let (top, left_out) = top(report);
        Self {
            run: visible_line(&summary.run),
            task: visible_line(&summary.task),
            about: visible_line(&report.task.about),
            verdict: verdict(report),
            has_winner: report.has_winner(),
            is_over: summary.recommended.is_some(),
            figures: figures(report),
            pruned: pruned(report),
            parts: parts(report),
            lineage: lineage(report),
            top,
            left_out,
            front: front(report),
            rows: changed_rows(report),
            spend: spend(report),
            tried: tried(report),
            provenance: provenance(report),
        }
    }
}

pub(super) fn figures(report: &Report<'_>) -> Vec<Figure> {
    let (summary, form) = (report.summary, report.score_form());
    let Some(baseline) = &summary.baseline else { return Vec::new() };
    let best = summary.best.as_ref().filter(|_| report.has_winner());
    let mut figures = Vec::new();
    let mut add = |label: String, of: &dyn Fn(&Prompted) -> Option<String>, change: String| {
        let show = |side: Option<&Prompted>| side.and_then(of).unwrap_or_else(|| NONE.to_owned());
        figures.push(Figure {
            label,
            baseline: show(Some(baseline)),
            best: show(best),
            change,
            change_range: String::new(),
        });
    };
    let change = |of: fn(&Prompted) -> Option<f64>| Some((of(baseline)?, of(best?)?));
    let rows = |name: &str, of: fn(&Prompted) -> Option<Interval>| {
        let counts: BTreeSet<usize> =
            [Some(baseline), best].into_iter().flatten().filter_map(of).map(|i| i.n).collect();
        let counts: Vec<String> = counts.into_iter().map(|n| thousands(n as u64)).collect();
        if counts.is_empty() {
            name.to_owned()
        } else {
            format!("{name} ({})", counts.join(" and "))
        }
    };
    if baseline.hold.is_some() || best.is_some_and(|best| best.hold.is_some()) {
        let gain = summary.gain.as_ref().map_or_else(String::new, |gain| form.gain(gain.mean));
        let label = rows("held-out rows", |side| side.hold);
        add(label, &|side| Some(quality(form, &side.hold?)), gain);
    }
    // Means over different rows are not comparable, so the difference is taken on common rows.
    let dev = best.and_then(|best| report.history.state.find(&best.candidate)).and_then(|best| {
        crate::memory::paired(&report.history.state, best, CandidateIx::BASELINE).mean()
    });
    let dev = dev.map_or_else(String::new, |gain| form.gain(gain));
    add(rows("dev rows", |side| side.dev), &|side| Some(quality(form, &side.dev?)), dev);
    if let Some(shrunken) = shrunken_gain(report).filter(|_| best.is_some()) {
        add(
            "expected gain, corrected for selection".to_owned(),
            &|_| Some(String::new()),
            form.gain(shrunken),
        );
    }
    let tokens = change(|side| Some(side.prompt_tokens as f64))
        .map_or_else(String::new, |(before, after)| format!("{:+}", (after - before) as i64));
    add("prompt tokens".to_owned(), &|side| Some(thousands(side.prompt_tokens)), tokens);
    let times = change(|side| side.usd_per_1k)
        .filter(|(before, _)| *before > 0.0)
        .map_or_else(String::new, |(before, after)| format!("× {:.2}", after / before));
    add("USD per 1,000 calls".to_owned(), &|side| side.usd_per_1k.map(cost), times);
    if let (Some(gain), Some(first)) = (&summary.gain, figures.first_mut()) {
        // If there is a gain, the first figure is the one on held-out rows.
        first.change_range = format!("({})", form.gain_range(gain.low, gain.high));
    }
    // Shares of answers, however scores are written.
    let percent = ScoreForm::Percent;
    let shown = |side: Option<Interval>| {
        side.map_or_else(|| NONE.to_owned(), |side| quality(percent, &side))
    };
    figures.extend(agreements(report).into_iter().map(|it| {
        Figure {
            baseline: shown(it.baseline),
            best: shown(it.best),
            change: it.change.map_or_else(String::new, |it| percent.gain(it.mean)),
            change_range: it.change.map_or_else(String::new, |it| {
                format!("({})", percent.gain_range(it.low, it.high))
            }),
            label: it.label,
        }
    }));
    figures
}

pub(super) fn pruned(report: &Report<'_>) -> Option<String> {
    let best = report.summary.best.as_ref().filter(|_| report.has_winner())?;
    let best = report.history.state.find(&best.candidate)?;
    Pruned::of(report, best).map(|pruned| pruned.to_string())
}

pub(super) fn parts(report: &Report<'_>) -> Vec<PartDiff> {
    let summary = report.summary;
    let text = |side: Option<&Prompted>, name: &str| {
        side.and_then(|side| side.prompt.get(name)).cloned().unwrap_or_default()
    };
    report
        .task
        .layout
        .searched()
        .iter()
        .map(|name| {
            let before = text(summary.baseline.as_ref(), name);
            let after = text(summary.best.as_ref(), name);
            PartDiff {
                name: visible_line(name),
                is_changed: before != after,
                recommended: visible(&text(summary.recommended_prompt(), name)),
                pieces: diff(&before, &after),
            }
        })
        .collect()
}

/// `(62.3 to 76.2)`.
fn in_brackets(form: ScoreForm, it: &Interval) -> String {
    format!("({})", form.range(it.low, it.high))
}

pub(super) fn describe(
    report: &Report<'_>,
    candidate: CandidateIx,
    standing: &CandidateState,
) -> Row {
    let (state, form) = (&report.history.state, report.score_form());
    let dev = dev_interval(state, standing, Seed(report.summary.seed));
    let written = &standing.candidate;
    let parents = written.parents.iter().filter_map(|parent| {
        state
            .candidates
            .get(parent.index())
            .map(|parent| visible_line(parent.candidate.id.as_str()))
    });
    let is_best = report.summary.best.as_ref().is_some_and(|best| best.candidate == written.id);
    Row {
        id: visible_line(written.id.as_str()),
        operator: visible_line(&written.operator),
        parents: parents.collect::<Vec<_>>().join(" + "),
        mean: dev.map_or_else(|| NONE.to_owned(), |dev| form.score(dev.mean)),
        interval: dev.map_or_else(String::new, |dev| in_brackets(form, &dev)),
        rows: dev.map_or_else(|| "0".to_owned(), |dev| dev.n.to_string()),
        cost: standing.usd_per_1k().map_or_else(|| NONE.to_owned(), cost),
        tokens: thousands(prompt_tokens(report.task, state, &written.prompt)),
        fate: fate(report, candidate, standing),
        mark: match candidate {
            CandidateIx::BASELINE => "baseline",
            _ if is_best => "best",
            _ => "",
        },
    }
}

/// How far a candidate was evaluated, and why not further.
fn fate(report: &Report<'_>, candidate: CandidateIx, standing: &CandidateState) -> String {
    let state = &report.history.state;
    match &standing.status {
        Status::Dropped(why) => dropped(why, report.score_form()),
        Status::Finished if standing.misses_too_much() => {
            "all of dev, but more than 5 % of the rows are missing".to_owned()
        }
        Status::Finished if state.shortlist.contains(&candidate) => {
            "all of dev and the shortlist".to_owned()
        }
        Status::Finished if standing.dev().folded < state.dev_rows => "part of dev".to_owned(),
        Status::Finished => "all of dev".to_owned(),
        Status::Open if state.phase > Phase::Searching => {
            "unfinished when the search ended".to_owned()
        }
        Status::Open => "open".to_owned(),
    }
}

/// Candidates that were evaluated on all of dev come first, by mean, because a mean over few rows
/// is mostly luck. The others follow by their number of rows.
pub(super) fn order<'a>(report: &Report<'a>) -> Vec<(CandidateIx, &'a CandidateState)> {
    let state = &report.history.state;
    let mut order: Vec<(CandidateIx, &CandidateState)> = state.numbered().collect();
    order.sort_by(|(_, a), (_, b)| {
        let key = |standing: &CandidateState| {
            let dev = standing.dev();
            let is_whole = standing.status == Status::Finished
                && !standing.misses_too_much()
                && dev.folded >= state.dev_rows;
            (is_whole, if is_whole { 0 } else { dev.scored }, dev.mean().unwrap_or(-1.0))
        };
        let (a, b) = (key(a), key(b));
        b.0.cmp(&a.0).then(b.1.cmp(&a.1)).then(b.2.total_cmp(&a.2))
    });
    order
}

/// The first of them.
fn top(report: &Report<'_>) -> (Vec<Row>, usize) {
    let mut order = order(report);
    let left_out = order.len().saturating_sub(TOP);
    order.truncate(TOP);
    let rows = order.into_iter().map(|(number, standing)| describe(report, number, standing));
    (rows.collect(), left_out)
}

/// The best candidate and its ancestors, the baseline first.
pub(super) fn lineage(report: &Report<'_>) -> Vec<Row> {
    let state = &report.history.state;
    let Some(best) = report.summary.best.as_ref().and_then(|best| state.find(&best.candidate))
    else {
        return Vec::new();
    };
    let mut seen = BTreeSet::from([best]);
    let mut waiting = vec![best];
    while let Some(candidate) = waiting.pop() {
        let parents = state.candidates.get(candidate.index()).map(|s| s.candidate.parents.clone());
        waiting.extend(parents.into_iter().flatten().filter(|parent| seen.insert(*parent)));
    }
    // If there are too many ancestors, the latest ones explain the winner best.
    let skipped = seen.len().saturating_sub(ANCESTORS);
    seen.into_iter()
        .enumerate()
        .filter(|(place, _)| *place == 0 || *place >= skipped)
        .filter_map(|(_, number)| {
            Some(describe(report, number, state.candidates.get(number.index())?))
        })
        .collect()
}

/// Whether calls are free, in which case the prompt's tokens serve as its cost.
pub(super) fn is_free(report: &Report<'_>) -> bool {
    let state = &report.history.state;
    let finished = state.memory.fronts.finished().iter();
    let mut finished = finished.filter_map(|candidate| state.candidates.get(candidate.index()));
    finished.all(|standing| standing.usd_per_1k().is_none_or(|usd| usd <= 0.0))
}

/// A prompt on the front: no other is better in both quality and cost.
pub(super) struct Unbeaten {
    pub(super) candidate: CandidateIx,
    /// In dollars per 1,000 calls, or in tokens if calls are free.
    pub(super) cost: f64,
    pub(super) quality: Interval,
}

/// The front, cheapest first: the summary's, or by tokens if calls are free.
pub(super) fn unbeaten(report: &Report<'_>) -> Vec<Unbeaten> {
    let state = &report.history.state;
    if !is_free(report) {
        let points = report.summary.front.iter();
        return points
            .filter_map(|point| {
                let candidate = state.find(&point.candidate)?;
                let n = state.candidates.get(candidate.index())?.dev().scored as usize;
                let quality = Interval { mean: point.quality, low: point.low, high: point.high, n };
                Some(Unbeaten { candidate, cost: point.usd_per_1k, quality })
            })
            .collect();
    }
    let all: Vec<Unbeaten> = state
        .memory
        .fronts
        .finished()
        .iter()
        .filter_map(|candidate| {
            let standing = state.candidates.get(candidate.index())?;
            let tokens = prompt_tokens(report.task, state, &standing.candidate.prompt);
            let quality = dev_interval(state, standing, Seed(report.summary.seed))?;
            (!standing.misses_too_much()).then_some(Unbeaten {
                candidate: *candidate,
                cost: tokens as f64,
                quality,
            })
        })
        .collect();
    let plain: Vec<(f64, f64)> = all.iter().map(|point| (point.quality.mean, point.cost)).collect();
    let front = pareto(&plain);
    let mut all: Vec<Option<Unbeaten>> = all.into_iter().map(Some).collect();
    front.into_iter().filter_map(|index| all[index].take()).collect()
}

pub(super) fn front(report: &Report<'_>) -> Vec<Row> {
    unbeaten(report)
        .into_iter()
        .filter_map(|point| {
            let standing = report.history.state.candidates.get(point.candidate.index())?;
            let row = describe(report, point.candidate, standing);
            // The front's own figures, so that table and plot agree.
            let form = report.score_form();
            let interval = in_brackets(form, &point.quality);
            Some(Row { mean: form.score(point.quality.mean), interval, ..row })
        })
        .collect()
}

/// What proposals give that are no new prompts.
const NOTED: &str = "a step gave notes or a prompt for the next one";

pub(super) fn tried(report: &Report<'_>) -> Tried {
    let (counts, state) = (&report.summary.counts, &report.history.state);
    let mut fates = [
        ("evaluated on all of dev", 0),
        ("evaluated on part of dev", 0),
        ("dropped early", 0),
        ("unfinished", 0),
    ];
    for standing in state.candidates.iter().skip(1) {
        let fate = match standing.status {
            Status::Finished if standing.dev().folded >= state.dev_rows => 0,
            Status::Finished => 1,
            Status::Dropped(_) => 2,
            Status::Open => 3,
        };
        fates[fate].1 += 1;
    }
    let mut rejected: Vec<Rejected> = counts
        .rejected
        .iter()
        .map(|(reason, count)| Rejected {
            reason: visible_line(&reason.replace('_', " ")),
            meaning: rejection_named(reason),
            count: *count,
        })
        .collect();
    rejected.sort_by_key(|rejected| std::cmp::Reverse(rejected.count));
    let mut given_up: Vec<(&'static str, u64)> =
        state.counts.abandoned.iter().map(|(why, count)| (abandoned(*why), *count)).collect();
    if state.counts.unanswered > 0 {
        given_up.push(("the mutator did not answer", state.counts.unanswered));
    }
    let mut repairs: BTreeMap<RepairKind, u64> = BTreeMap::new();
    for standing in &state.candidates {
        let kinds = standing.candidate.repairs.iter().map(|repair| repair.kind);
        for kind in kinds.collect::<BTreeSet<_>>() {
            *repairs.entry(kind).or_default() += 1;
        }
    }
    Tried {
        proposals: counted(counts.proposals, "proposal"),
        candidates: counted(counts.candidates.saturating_sub(1), "new prompt"),
        fates: fates.into_iter().filter(|(_, count)| *count > 0).collect(),
        rejected,
        abandoned: given_up,
        repaired: repairs.into_iter().map(|(kind, count)| (repaired(kind), count)).collect(),
        noted: (counts.noted > 0).then_some((NOTED, counts.noted)).into_iter().collect(),
        evaluations: counted(counts.evaluations, "scored answer"),
        invalid: thousands(counts.invalid),
        // They quote answers.
        invalid_reasons: match report.shows_rows {
            true => report.invalid.all.sentences().map(|it| visible_line(&it)).collect(),
            false => Vec::new(),
        },
        errors: counted(counts.errors, "row"),
        failed: failed_calls(report.summary),
    }
}

pub(super) fn provenance(report: &Report<'_>) -> Vec<(String, String)> {
    let (summary, task) = (report.summary, report.task);
    let mut models = Vec::new();
    let mut facts = vec![
        ("run", summary.run.clone()),
        ("task", format!("{}: {}", summary.task, task.about)),
        ("strategy", summary.strategy.clone()),
        ("random seed", summary.seed.to_string()),
        ("goal", task.goal.to_string()),
    ];
    for (role, model) in task.models() {
        let refused = &report.history.state.refused_fields;
        let form = refused.leave_out(&model.name, &model.form);
        let form = form.as_ref().unwrap_or(&model.form);
        let temperature = match form.sends_temperature() {
            _ if form.asks_vectors() => String::new(),
            true => format!(", temperature {}", model.temperature),
            false => ", no temperature".to_owned(),
        };
        let price = match &model.price_source {
            Some(source @ PriceSource::Table { .. }) => format!(", {source}"),
            _ => String::new(),
        };
        models.push((
            format!("{role} model"),
            visible_line(&format!("{}{temperature}{price}", model.name)),
        ));
    }
    let first = facts.len();
    let splits = &task.splits;
    facts.push((
        "rows",
        format!(
            "{} train, {} dev, {} held out",
            thousands(splits.train.len() as u64),
            thousands(splits.dev.len() as u64),
            thousands(splits.hold.len() as u64)
        ),
    ));
    facts.extend(task.synthetic_rows().map(|told| ("synthetic rows", told)));
    for data in &task.data {
        let name = data.path.file_name().unwrap_or_default().to_string_lossy();
        facts.push(("data", format!("{name}, blake3 {}", data.blake3)));
    }
    if let Some(reason) = summary.stop_reason {
        facts.push(("stop reason", format!("{} ({})", reason.sentence(), reason.name())));
    }
    if let Some(run) = report.run_file {
        facts.push(("started", run.created.to_string()));
        if let Some(warm) = &run.warm {
            let prompts = plural(warm.candidates.len(), "prompt");
            facts.push(("started from", format!("{prompts} of the run {}", warm.run)));
        }
        facts.push(("program", format!("promptsearch {}", run.version)));
    }
    facts.push(("report written by", format!("promptsearch {}", env!("CARGO_PKG_VERSION"))));
    let plain = facts.into_iter().map(|(name, value)| (name.to_owned(), visible_line(&value)));
    let mut facts: Vec<(String, String)> = plain.collect();
    facts.splice(first..first, models);
    facts
}
