//! `export`: commits a run's prompt and a file with its evidence to a git repository.

use super::args::{ExportArgs, ExportFormat};
use super::error::{CliError, Kind};
use super::explain::unfound;
use super::inspect::not_of_a_comparison;
use super::screen::Screen;
use crate::compare::record::{self, RecordedRow};
use crate::export::demonstrations::demonstrations;
use crate::export::git::Commit;
use crate::export::revision::file_at;
use crate::export::suite::suite;
use crate::formats::{self, Exported, Format, sidecar};
use crate::id::CandidateIx;
use crate::prompt::Prompt;
use crate::report::explain::find_candidate;
use crate::report::{self, NamedParts, ProposedChange, Report, visible_line};
use crate::run::{Flag, Guard, LoadedRun, Prompted, Recommendation, Run, RunDir, RunError, Status};
use crate::stats::Interval;
use crate::stats::weighted::Weighted;
use crate::task::TaskSource;
use crate::task::example::RowHash;
use crate::task::example::Split;
use crate::text;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The prompt to export, with its status.
struct Chosen {
    candidate: CandidateIx,
    prompt: Prompt,
    id: String,
    status: &'static str,
    figures: Prompted,
}

/// What every exported file and commit says where models were simulated.
pub(super) const SIMULATED: &str = "Simulated models answered: this says nothing about real ones.";

pub(super) fn export(args: &ExportArgs, screen: &Screen) -> Result<(), CliError> {
    let mut run = Run::read(&RunDir::find(&args.run.out.out, &args.run.run)?)?;
    not_of_a_comparison(&run)?;
    let candidate = choose(args, &run)?;
    // What `confirm` found of a candidate is its evidence.
    if candidate != run.winner() || run.summary.confirmed != Some(true) {
        let id = &run.history.state.standing(candidate).candidate.id;
        run.summary = run.summary.of_candidate(id).unwrap_or(run.summary);
    }
    let chosen = chosen(&run, candidate);
    let flags = run.flags(chosen.candidate)?;
    if !flags.is_empty() && !args.accept_flagged {
        return Err(flagged(&chosen.id, &flags));
    }
    let parts = searched_parts(&run, &chosen.prompt);
    let file = file(args.format, &run, &chosen, &flags)?;
    let mut evidence = evidence(&run, &chosen, &args.to);
    if let Some(fields) = evidence.as_object_mut() {
        fields.insert("file_blake3".to_owned(), json!(record::hash_of_file(&file)));
        if !flags.is_empty() {
            fields.insert("flags".to_owned(), json!(flags));
        }
    }
    let mut evidence = serde_json::to_vec_pretty(&crate::source::sealed(evidence))?;
    evidence.push(b'\n');
    let branch = args.branch.clone().unwrap_or_else(|| format!("promptsearch/{}", run.task.name));
    let commit = Commit {
        repo: args.to.clone(),
        branch,
        files: vec![(args.path.clone(), file), (sidecar(&args.path), evidence)],
        message: message(&run, &chosen, &flags, &args.path),
        push: args.push.then(|| "origin".to_owned()),
    };
    let body = args.pr_body.then(|| pull_request(args, &run, &chosen, parts, &flags));
    let exported = commit.make()?;
    let mut value = json!({
        "candidate": chosen.id, "status": chosen.status, "branch": exported.branch,
        "commit": exported.commit, "unchanged": exported.unchanged, "pushed": exported.pushed,
        "path": args.path, "sidecar": sidecar(&args.path), "simulated": is_simulated(&run),
        "flags": flags,
    });
    if let (Some(fields), Some(body)) = (value.as_object_mut(), &body) {
        fields.insert("pr_body".to_owned(), json!(body));
    }
    let mut out = String::new();
    let verb = if exported.unchanged { "is already" } else { "is committed" };
    let _ = writeln!(
        out,
        "{} ({}) {verb} on {} at {}",
        chosen.id,
        chosen.status,
        exported.branch,
        &exported.commit[..exported.commit.len().min(12)]
    );
    let repo = visible_line(&args.to.display().to_string());
    let _ = writeln!(out, "  show it: git -C {repo} show {}", exported.branch);
    if args.format == ExportFormat::Promptfoo {
        let _ =
            writeln!(out, "  its tests are dev rows, which anyone who has the repository can read");
    }
    if !exported.pushed {
        let _ = writeln!(out, "  not pushed; use `--push` to push it");
    }
    match body {
        Some(body) => {
            screen.note(out.trim_end());
            screen.show(&value, &body)
        }
        None => screen.show(&value, &out),
    }
}

/// A flagged prompt is not exported unasked.
fn flagged(id: &str, flags: &[Flag]) -> CliError {
    let found: Vec<String> = flags.iter().map(|flag| text::one_line(&flag.to_string())).collect();
    CliError::new(
        Kind::Gate,
        format!("{id} is flagged, and was not exported: {}", found.join("; ")),
    )
    .hint("read the prompt: `promptsearch explain RUN best`; a flag may be wrong")
    .hint("`--accept-flagged` exports it, with the flags in its evidence, its front matter and the commit")
}

/// The exported file.
fn file(
    format: ExportFormat,
    run: &LoadedRun,
    chosen: &Chosen,
    flags: &[Flag],
) -> Result<Vec<u8>, CliError> {
    let facts = front_matter(run, chosen, flags);
    let demos = match format {
        ExportFormat::Dspy => demonstrations(run, chosen.candidate).map_err(RunError::from)?,
        _ => Vec::new(),
    };
    let suite = match format {
        ExportFormat::Promptfoo => Some(suite(run, chosen.candidate).map_err(|why| {
            let hint = "use another `--format`; `promptsearch verify` asks the prompt again with the task's own scorers";
            CliError::usage(why).hint(hint)
        })?),
        _ => None,
    };
    let exported = Exported {
        facts: &facts,
        prompt: &chosen.prompt,
        searched: run.task.layout.searched(),
        simulated: is_simulated(run).then_some(SIMULATED),
        demos: &demos,
        suite: suite.as_ref(),
    };
    let wrong = |error: formats::Unwritable| CliError::usage(error.message).hint(error.help);
    Format::from(format).write(&exported).map_err(wrong)
}

impl From<ExportFormat> for Format {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Md => Self::Markdown,
            ExportFormat::Json => Self::Chat,
            ExportFormat::Text => Self::Text,
            ExportFormat::Rust => Self::Rust,
            ExportFormat::Python => Self::Python,
            ExportFormat::Typescript => Self::TypeScript,
            ExportFormat::Promptfoo => Self::Promptfoo,
            ExportFormat::Dotprompt => Self::Dotprompt,
            ExportFormat::Dspy => Self::Dspy,
            ExportFormat::Langfuse => Self::Langfuse,
            ExportFormat::Langsmith => Self::Langsmith,
        }
    }
}

/// The body of a pull request: against the file as it is at HEAD, or else against the task's own prompt.
fn pull_request(
    args: &ExportArgs,
    run: &LoadedRun,
    chosen: &Chosen,
    after: NamedParts,
    flags: &[Flag],
) -> String {
    let at_head = file_at(&args.to, "HEAD", &args.path).ok();
    let document = at_head.and_then(|bytes| formats::read(Path::new(&args.path), &bytes).ok());
    let searched = run.task.layout.searched();
    let prompt = document.and_then(|it| it.prompt(&run.task.baseline, searched).ok());
    let before = prompt.map(|prompt| searched_parts(run, &prompt));
    let before = match before {
        Some(parts) => ("the file as it is now".to_owned(), parts),
        None => {
            let parts = searched_parts(run, &run.task.baseline);
            ("the baseline of the task".to_owned(), parts)
        }
    };
    let change = ProposedChange {
        path: &args.path,
        prompt: &chosen.figures,
        is_compared: is_compared(run, &chosen.id),
        status: chosen.status,
        claim: &claim(run, chosen),
        before,
        after,
        flags,
    };
    report::pull_request(&Report::from(run), &change)
}

/// The parts of a prompt that the search may change.
fn searched_parts(run: &LoadedRun, prompt: &Prompt) -> NamedParts {
    let searched = run.task.layout.searched().iter();
    let parts = searched.filter_map(|name| Some((name.clone(), prompt.part(name)?.to_owned())));
    parts.collect()
}

/// Whether what the summary says of held-out rows is about this prompt.
fn is_compared(run: &LoadedRun, id: &str) -> bool {
    run.summary.best.as_ref().is_some_and(|best| best.candidate.as_str() == id)
}

fn is_simulated(run: &LoadedRun) -> bool {
    report::simulated_line(&Report::from(run)).is_some()
}

/// The candidate that the command line asks for.
fn choose(args: &ExportArgs, run: &LoadedRun) -> Result<CandidateIx, CliError> {
    if let Some(asked) = &args.candidate {
        return find_candidate(&Report::from(run), asked.trim()).map_err(unfound);
    }
    if args.accept_unconfirmed {
        return Ok(run.winner());
    }
    if run.summary.status != Status::Finished && !run.history.state.is_concluded {
        return Err(CliError::usage(format!("the run `{}` is not finished", run.file.run))
            .hint("wait for it, or resume it; or choose a prompt with `--candidate ID`"));
    }
    match run.summary.recommended {
        Some(Recommendation::Best) => Ok(run.winner()),
        _ => Ok(CandidateIx::BASELINE),
    }
}

/// A candidate with its status, which is the same whichever flag asks for it.
fn chosen(run: &LoadedRun, candidate: CandidateIx) -> Chosen {
    let chosen = &run.history.state.standing(candidate).candidate;
    let (prompt, id) = (chosen.prompt.clone(), chosen.id.to_string());
    let is_kept = run.summary.recommended != Some(Recommendation::Best);
    let status = match candidate {
        CandidateIx::BASELINE if is_kept => "baseline",
        CandidateIx::BASELINE => "chosen by hand",
        _ if !is_compared(run, &id) => "chosen by hand",
        _ if run.summary.confirmed == Some(true) => "confirmed",
        _ => "unconfirmed",
    };
    Chosen { candidate, prompt, id, status, figures: run.prompted(candidate) }
}

fn front_matter(run: &LoadedRun, chosen: &Chosen, flags: &[Flag]) -> Vec<(String, Value)> {
    let mut matter = vec![
        ("task".to_owned(), json!(run.task.name)),
        ("run".to_owned(), json!(run.file.run)),
        ("candidate".to_owned(), json!(chosen.id)),
        ("status".to_owned(), json!(chosen.status)),
        ("model".to_owned(), json!(run.task.task_model().name.to_string())),
    ];
    if chosen.status == "confirmed"
        && let Some(gain) = &run.summary.gain
    {
        let gain = json!({
            "mean": gain.mean, "low": gain.low, "high": gain.high, "p_value": gain.p_value,
            "split": gain.split,
        });
        matter.push(("gain".to_owned(), gain));
    }
    if let Some(caveat) = report::judge_line(&Report::from(run)) {
        matter.push(("judge".to_owned(), json!(caveat)));
    }
    if !flags.is_empty() {
        matter.push(("flags".to_owned(), json!(Guard::names(flags))));
    }
    if is_simulated(run) {
        matter.push(("simulated".to_owned(), json!(true)));
    }
    matter
}

fn evidence(run: &LoadedRun, chosen: &Chosen, repo: &Path) -> Value {
    let summary = &run.summary;
    let is_compared = is_compared(run, &chosen.id);
    let mut evidence = json!({
        "schema": record::SCHEMA,
        "run": run.file.run,
        "task": run.task.name,
        "strategy": run.file.strategy,
        "seed": run.file.seed,
        "version": run.file.version,
        "candidate": chosen.id,
        "status": chosen.status,
        "parts_blake3": record::hashes(&chosen.prompt),
        "scoring_blake3": record::scoring_hash(&run.task, &run.file.programs),
        "data_blake3": run.file.data.iter().map(|file| &file.blake3).collect::<Vec<_>>(),
        "models": run.task.models()
            .map(|(role, model)| (role.to_string(), json!(model.name.to_string())))
            .collect::<serde_json::Map<_, _>>(),
        "simulated": is_simulated(run),
        "exported": described(Some(&chosen.figures)),
        "baseline": with_text(summary.baseline.as_ref()),
        "best": described(summary.best.as_ref()),
        // What held-out rows showed, they showed of the prompt that the summary has as the best.
        "confirmed": summary.confirmed.filter(|_| is_compared),
        "goal": run.task.goal.to_string(),
        "gain": summary.gain.filter(|_| is_compared),
        "held_out_cost": summary.held_out_cost.filter(|_| is_compared),
        "claims": if is_compared { &summary.claims[..] } else { &[] },
        "stop_reason": summary.stop_reason,
        "spent_usd": summary.spent.usd,
        "task_file": task_file(run, repo),
        "rows": rows(run, chosen.candidate),
    });
    if let Some(fields) = evidence.as_object_mut() {
        if let Some(judge) = &summary.judge {
            let mut judge = json!(judge);
            judge["caveat"] = json!(report::judge_line(&Report::from(run)));
            fields.insert("judge".to_owned(), judge);
        }
        if let Some(result) = summary.must_pass.filter(|_| is_compared) {
            fields.insert("must_pass".to_owned(), json!(result));
        }
        if let Some(look) = summary.look.filter(|_| is_compared) {
            fields.insert("look".to_owned(), json!(look));
        }
        if !summary.score_form.is_percent() {
            fields.insert("score_form".to_owned(), json!(summary.score_form));
        }
        if !summary.earlier.is_empty() {
            fields.insert("earlier".to_owned(), json!(summary.earlier));
        }
    }
    evidence
}

/// The task's file from the root of the repository; `None` where it is elsewhere.
fn task_file(run: &LoadedRun, repo: &Path) -> Option<PathBuf> {
    let TaskSource::Files(files) = &run.task.source else { return None };
    let (file, root) = (files.file.canonicalize().ok()?, repo.canonicalize().ok()?);
    file.strip_prefix(root).ok().map(Path::to_owned)
}

/// The held-out rows that the prompt was asked, with its scores and the baseline's.
fn rows(run: &LoadedRun, candidate: CandidateIx) -> Vec<RecordedRow> {
    let baseline = run.scores(CandidateIx::BASELINE, Split::Hold);
    let of = |(row, own): (RowHash, Weighted)| RecordedRow {
        row,
        score: own.value,
        baseline: baseline.get(&row).map(|it| it.value),
        weight: own.weight,
    };
    run.scores(candidate, Split::Hold).into_iter().map(of).collect()
}

/// The baseline with its text: `monitor` asks it again.
fn with_text(prompt: Option<&Prompted>) -> Value {
    let mut value = described(prompt);
    if let (Some(prompt), Some(fields)) = (prompt, value.as_object_mut()) {
        fields.insert("prompt".to_owned(), json!(prompt.prompt));
    }
    value
}

fn described(prompt: Option<&Prompted>) -> Value {
    prompt.map_or(Value::Null, |prompt| {
        json!({
            "candidate": prompt.candidate, "dev": prompt.dev, "hold": prompt.hold,
            "prompt_tokens": prompt.prompt_tokens, "usd_per_1k": prompt.usd_per_1k,
        })
    })
}

fn message(run: &LoadedRun, chosen: &Chosen, flags: &[Flag], path: &str) -> String {
    let (summary, form) = (&run.summary, run.summary.score_form);
    let quality = |interval: Option<Interval>| {
        interval.map_or("not measured".to_owned(), |i| {
            format!(
                "{} ({} to {}, n = {})",
                form.score(i.mean),
                form.score(i.low),
                form.score(i.high),
                i.n
            )
        })
    };
    let mut out = format!("{path}: prompt {} for {}\n\n", chosen.id, run.task.name);
    for sentence in claim(run, chosen) {
        let _ = writeln!(out, "{sentence}");
    }
    let baseline = summary.baseline.as_ref().and_then(|prompt| prompt.hold);
    let _ = writeln!(
        out,
        "Held-out quality: baseline {}, this prompt {}.",
        quality(baseline),
        quality(chosen.figures.hold)
    );
    if let Some(caveat) = report::judge_line(&Report::from(run)) {
        let _ = writeln!(out, "{}.", text::sentence_case(&caveat));
    }
    for flag in flags {
        let _ = writeln!(out, "Flagged, and exported all the same: {flag}.");
    }
    if is_simulated(run) {
        let _ = writeln!(out, "{SIMULATED}");
    }
    let _ = writeln!(out, "\nPromptsearch-Run: {}", run.file.run);
    let _ = writeln!(out, "Promptsearch-Candidate: {}", chosen.id);
    let _ = writeln!(out, "Promptsearch-Status: {}", chosen.status);
    if !flags.is_empty() {
        let _ = writeln!(out, "Promptsearch-Flags: {}", Guard::names(flags).join(", "));
    }
    out
}

/// What held-out rows say of the prompt, a sentence each.
fn claim(run: &LoadedRun, chosen: &Chosen) -> Vec<String> {
    let (summary, report) = (&run.summary, Report::from(run));
    let earlier = report::confirmed_earlier(summary, &chosen.id);
    match (chosen.status, report::claim_line(&report)) {
        ("confirmed", Some(claim)) => {
            [claim].into_iter().chain(report::look_line(summary)).collect()
        }
        // While the run is not over, its rows say nothing.
        ("unconfirmed", Some(_)) if summary.recommended.is_some() => {
            let verdict = format!("{}.", report::verdict_line(&report));
            [verdict].into_iter().chain(report::look_line(summary)).chain(earlier).collect()
        }
        ("baseline", _) => vec!["The baseline: no candidate was shown to be better.".to_owned()],
        _ => vec![earlier.unwrap_or_else(|| "Not confirmed on held-out rows.".to_owned())],
    }
}
