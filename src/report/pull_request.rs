//! The body of a pull request for an exported prompt: what changed, what shows that it is better, and what a
//! reviewer should know. Markdown.

use super::Report;
use super::markdown::{code, fenced, inline};
use super::prompt_diff::NamedParts;
use super::verdict;
use super::words::{cost, money, quality, visible};
use crate::run::{Flag, Prompted};
use crate::stats::Interval;
use crate::text::thousands;
use similar::TextDiff;
use std::fmt::Write as _;

/// What is exported.
pub struct ProposedChange<'a> {
    /// The file's path in the repository.
    pub path: &'a str,
    /// The prompt.
    pub prompt: &'a Prompted,
    /// Whether it stands in the report as the best prompt, so that the report's verdict is about it.
    pub is_compared: bool,
    /// Its status, such as `confirmed`.
    pub status: &'a str,
    /// What held-out rows say of it, a sentence each.
    pub claim: &'a [String],
    /// What it is compared with, and the parts of that.
    pub before: (String, NamedParts),
    /// Its parts.
    pub after: NamedParts,
    /// What guards have flagged.
    pub flags: &'a [Flag],
}

/// Lines of unchanged text around a change.
const CONTEXT: usize = 3;

/// The body.
#[must_use]
pub fn pull_request(report: &Report<'_>, change: &ProposedChange<'_>) -> String {
    let verdict = verdict::verdict(report);
    let mut out = format!(
        "# {}: prompt {} for {}\n\n",
        code(change.path),
        code(change.prompt.candidate.as_str()),
        code(&report.summary.task)
    );
    for sentence in change.claim {
        let _ = writeln!(out, "{}", inline(sentence));
    }
    out.push('\n');
    if let Some(simulated) = verdict.simulated {
        let _ = writeln!(out, "> {simulated}\n");
    }
    out.push_str(&what_changed(change));
    out.push_str(&evidence(report, change));
    out.push_str("## Caveats\n\n");
    for caveat in caveats(&verdict, change) {
        let _ = writeln!(out, "- {caveat}");
    }
    out
}

fn what_changed(change: &ProposedChange<'_>) -> String {
    let (what, before) = &change.before;
    let mut out = format!("## What changed\n\nCompared with {what}.\n\n");
    let text = |parts: &NamedParts, name: &str| {
        parts.iter().find(|(it, _)| it == name).map_or("", |(_, text)| text.as_str()).to_owned()
    };
    for (name, after) in &change.after {
        let (old, new) = (visible(&text(before, name)), visible(after));
        if old == new {
            let _ = writeln!(out, "{} is unchanged.\n", code(name));
            continue;
        }
        let diff = TextDiff::from_lines(&*old, &*new);
        let diff =
            diff.unified_diff().context_radius(CONTEXT).missing_newline_hint(false).to_string();
        let _ = writeln!(out, "{}:\n\n{}\n", code(name), fenced("diff", &diff));
    }
    out
}

fn evidence(report: &Report<'_>, change: &ProposedChange<'_>) -> String {
    let summary = report.summary;
    let mut out = "## Evidence\n\n| | baseline | this prompt |\n| --- | ---: | ---: |\n".to_owned();
    let prompts = [summary.baseline.as_ref(), Some(change.prompt)];
    let mut row = |label: &str, cell: &dyn Fn(&Prompted) -> Option<String>| {
        let cells = prompts.map(|it| it.and_then(cell).unwrap_or_else(|| "–".to_owned()));
        let _ = writeln!(out, "| {label} | {} |", cells.join(" | "));
    };
    let score = |it: Option<Interval>| {
        it.map(|it| format!("{}, n = {}", quality(report.score_form(), &it), it.n))
    };
    row("quality on held-out rows", &|it| score(it.hold));
    row("quality on dev rows, which selected it", &|it| score(it.dev));
    row("USD per 1,000 calls", &|it| it.usd_per_1k.map(cost));
    row("prompt tokens without the row", &|it| Some(thousands(it.prompt_tokens)));
    out.push_str("\nScores are means with 95 % intervals.\n\n");
    let models = report
        .task
        .models()
        .map(|(role, model)| format!("{role} {}", code(&model.name.to_string())));
    let models: Vec<String> = models.collect();
    let _ = writeln!(out, "- goal: {}", code(&report.task.goal.to_string()));
    let _ = writeln!(out, "- models: {}", models.join(", "));
    let _ = writeln!(
        out,
        "- run: {}, strategy {}, {} spent",
        code(&summary.run),
        code(&summary.strategy),
        money(summary.spent.usd)
    );
    let _ = writeln!(out, "- status: {}\n", change.status);
    out
}

fn caveats(verdict: &verdict::Verdict, change: &ProposedChange<'_>) -> Vec<String> {
    let mut caveats = Vec::new();
    match change.status {
        "confirmed" => {}
        "baseline" => {
            caveats.push("It is the baseline: no candidate was shown to be better.".to_owned());
        }
        status => caveats.push(format!(
            "It is exported as “{status}”: held-out rows do not show what the goal asks."
        )),
    }
    // Those of the winner are among the details.
    let flags = change.flags.iter().map(|flag| format!("Flagged: {flag}."));
    let flags = flags.filter(|flag| !(change.is_compared && verdict.details.contains(flag)));
    caveats.extend(flags.map(|flag| inline(&flag)));
    caveats.extend(verdict.simulated.map(str::to_owned));
    if change.is_compared {
        // Details may hold the words of a provider.
        caveats.extend(verdict.details.iter().map(|detail| inline(detail)));
    }
    if change.prompt.hold.is_none() {
        caveats.push("It was not asked held-out rows.".to_owned());
    }
    caveats.push(format!(
        "The figures hold for the task's rows and for the models as they answered then. {} asks the held-out rows again.",
        code(&format!("promptsearch verify {}", change.path))
    ));
    caveats
}
