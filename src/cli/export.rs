//! `export`: commits a run's prompt and a file with its evidence to a git repository.

use super::args::{ExportArgs, ExportFormat};
use super::error::CliError;
use super::screen::Screen;
use crate::compare::verification::{self, RecordedRow};
use crate::export::git::Commit;
use crate::id::CandidateIx;
use crate::prompt::document;
use crate::prompt::{Message, Prompt, Role, USER};
use crate::report::{self, Report};
use crate::run::{LoadedRun, Prompted, Recommendation, Run, RunDir, Status};
use crate::stats::Interval;
use crate::task::TaskSource;
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
}

pub(super) fn export(args: &ExportArgs, screen: &Screen) -> Result<(), CliError> {
    let run = Run::read(&RunDir::find(&args.run.out.out, &args.run.run)?)?;
    let chosen = choose(args, &run)?;
    let evidence = evidence(&run, &chosen, &args.to);
    let searched = run.task.layout.searched();
    let file = match args.format {
        ExportFormat::Md => {
            let parts: Vec<(&str, &str)> = searched
                .iter()
                .filter_map(|name| Some((name.as_str(), chosen.prompt.part(name)?)))
                .collect();
            document::to_markdown(&front_matter(&run, &chosen), &parts)
        }
        ExportFormat::Json => document::to_chat_json(&messages(&chosen.prompt)),
    };
    let mut sidecar = serde_json::to_vec_pretty(&evidence)?;
    sidecar.push(b'\n');
    let branch = args.branch.clone().unwrap_or_else(|| format!("promptsearch/{}", run.task.name));
    let commit = Commit {
        repo: args.to.clone(),
        branch,
        files: vec![(args.path.clone(), file), (document::sidecar(&args.path), sidecar)],
        message: message(&run, &chosen, &args.path),
        push: args.push.then(|| "origin".to_owned()),
    };
    let exported = commit.make()?;
    let value = json!({
        "candidate": chosen.id, "status": chosen.status, "branch": exported.branch,
        "commit": exported.commit, "unchanged": exported.unchanged, "pushed": exported.pushed,
        "path": args.path, "sidecar": document::sidecar(&args.path),
    });
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
    let _ = writeln!(out, "  show it: git -C {} show {}", args.to.display(), exported.branch);
    if !exported.pushed {
        let _ = writeln!(out, "  not pushed; use `--push` to push it");
    }
    screen.show(&value, &out)
}

fn choose(args: &ExportArgs, run: &LoadedRun) -> Result<Chosen, CliError> {
    let state = &run.history.state;
    if let Some(asked) = &args.candidate {
        let matching: Vec<CandidateIx> = state
            .numbered()
            .filter(|(_, standing)| standing.candidate.id.as_str().starts_with(asked.as_str()))
            .map(|(candidate, _)| candidate)
            .collect();
        let [candidate] = matching.as_slice() else {
            let message = match matching.len() {
                0 => format!("no candidate of the run matches `{asked}`"),
                count => format!("{count} candidates of the run match `{asked}`"),
            };
            return Err(CliError::usage(message)
                .hint("list the candidates with `promptsearch report RUN --format csv`"));
        };
        return Ok(chosen(run, *candidate, "chosen by hand"));
    }
    let winner = run.winner();
    if args.accept_unconfirmed {
        let confirmed = run.summary.confirmed == Some(true);
        let status = match (winner, confirmed) {
            (CandidateIx::BASELINE, _) => "baseline",
            (_, true) => "confirmed",
            (_, false) => "unconfirmed",
        };
        return Ok(chosen(run, winner, status));
    }
    if run.summary.status != Status::Finished {
        return Err(CliError::usage(format!("the run `{}` is not finished", run.file.run))
            .hint("wait for it, or resume it; or choose a prompt with `--candidate ID`"));
    }
    match run.summary.recommended {
        Some(Recommendation::Best) => Ok(chosen(run, winner, "confirmed")),
        _ => Ok(chosen(run, CandidateIx::BASELINE, "baseline")),
    }
}

fn chosen(run: &LoadedRun, candidate: CandidateIx, status: &'static str) -> Chosen {
    let chosen = &run.history.state.standing(candidate).candidate;
    Chosen { candidate, prompt: chosen.prompt.clone(), id: chosen.id.to_string(), status }
}

/// The prompt as chat messages, with its templates unrendered.
fn messages(prompt: &Prompt) -> Vec<Message> {
    let system: Vec<&str> =
        prompt.parts().iter().filter(|part| part.name != USER).map(|part| &*part.text).collect();
    let mut messages = Vec::new();
    if !system.is_empty() {
        messages.push(Message { role: Role::System, content: system.join("\n\n") });
    }
    let user = prompt.part(USER).unwrap_or("").to_owned();
    messages.push(Message { role: Role::User, content: user });
    messages
}

fn front_matter(run: &LoadedRun, chosen: &Chosen) -> Vec<(String, Value)> {
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
    matter
}

fn evidence(run: &LoadedRun, chosen: &Chosen, repo: &Path) -> Value {
    let summary = &run.summary;
    let mut evidence = json!({
        "schema": verification::SCHEMA,
        "run": run.file.run,
        "task": run.task.name,
        "strategy": run.file.strategy,
        "seed": run.file.seed,
        "version": run.file.version,
        "candidate": chosen.id,
        "status": chosen.status,
        "parts_blake3": verification::hashes(&chosen.prompt),
        "data_blake3": run.file.data.iter().map(|file| &file.blake3).collect::<Vec<_>>(),
        "models": run.task.models()
            .map(|(role, model)| (role.to_string(), json!(model.name.to_string())))
            .collect::<serde_json::Map<_, _>>(),
        "simulated": run.task.providers().values()
            .any(crate::task::model::Provider::is_simulated),
        "baseline": described(summary.baseline.as_ref()),
        "best": described(summary.best.as_ref()),
        "confirmed": summary.confirmed,
        "goal": run.task.goal.to_string(),
        "gain": summary.gain,
        "held_out_cost": summary.held_out_cost,
        "claims": summary.claims,
        "stop_reason": summary.stop_reason,
        "spent_usd": summary.spent.usd,
        "task_file": task_file(run, repo),
        "rows": rows(run, chosen.candidate),
    });
    if let (Some(fields), false) = (evidence.as_object_mut(), summary.earlier.is_empty()) {
        fields.insert("look".to_owned(), json!(summary.look));
        fields.insert("earlier".to_owned(), json!(summary.earlier));
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
    let of = |(row, score)| RecordedRow { row, score, baseline: baseline.get(&row).copied() };
    run.scores(candidate, Split::Hold).into_iter().map(of).collect()
}

fn described(prompt: Option<&Prompted>) -> Value {
    prompt.map_or(Value::Null, |prompt| {
        json!({
            "candidate": prompt.candidate, "dev": prompt.dev, "hold": prompt.hold,
            "prompt_tokens": prompt.prompt_tokens, "usd_per_1k": prompt.usd_per_1k,
        })
    })
}

fn message(run: &LoadedRun, chosen: &Chosen, path: &str) -> String {
    let summary = &run.summary;
    let quality = |interval: Option<Interval>| {
        interval.map_or("not measured".to_owned(), |i| {
            format!(
                "{} ({} to {}, n = {})",
                text::percent(i.mean),
                text::percent(i.low),
                text::percent(i.high),
                i.n
            )
        })
    };
    let mut out = format!("{path}: prompt {} for {}\n\n", chosen.id, run.task.name);
    match (report::claim_line(&Report::from(run)), chosen.status) {
        (Some(claim), "confirmed") => {
            let _ = writeln!(out, "{claim}");
            if let Some(look) = report::look_line(summary) {
                let _ = writeln!(out, "{look}");
            }
        }
        (_, "baseline") => {
            let _ = writeln!(out, "The baseline: no candidate was shown to be better.");
        }
        _ => {
            let earlier = report::confirmed_earlier(summary, &chosen.id);
            let told = earlier.unwrap_or_else(|| "Not confirmed on held-out rows.".to_owned());
            let _ = writeln!(out, "{told}");
        }
    }
    let hold = |prompt: &Option<Prompted>| quality(prompt.as_ref().and_then(|prompt| prompt.hold));
    let _ = writeln!(
        out,
        "Held-out quality: baseline {}, best {}.",
        hold(&summary.baseline),
        hold(&summary.best)
    );
    let _ = writeln!(out, "\nPromptsearch-Run: {}", run.file.run);
    let _ = writeln!(out, "Promptsearch-Candidate: {}", chosen.id);
    let _ = writeln!(out, "Promptsearch-Status: {}", chosen.status);
    out
}
