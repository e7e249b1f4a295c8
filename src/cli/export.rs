//! `export`: commits a run's prompt and a file with its evidence to a git repository.

use super::Screen;
use super::args::{ExportArgs, ExportFormat};
use super::error::CliError;
use super::session::Told;
use crate::export::document;
use crate::export::git::Commit;
use crate::id::CandidateIx;
use crate::prompt::{Message, Prompt, Role, USER};
use crate::report::{Recommendation, Status};
use crate::run_dir::RunDir;
use crate::stats::Interval;
use crate::text;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The prompt to export, with its status.
struct Chosen {
    prompt: Prompt,
    id: String,
    status: &'static str,
}

pub(super) fn export(args: &ExportArgs, screen: &Screen) -> Result<(), CliError> {
    let told = Told::read(RunDir::find(&args.run.out.out, &args.run.run)?)?;
    let chosen = choose(args, &told)?;
    let evidence = evidence(&told, &chosen);
    let searched = told.task.layout.searched();
    let file = match args.format {
        ExportFormat::Md => {
            let parts: Vec<(&str, &str)> = searched
                .iter()
                .filter_map(|name| Some((name.as_str(), chosen.prompt.part(name)?)))
                .collect();
            document::to_markdown(&front_matter(&told, &chosen), &parts)
        }
        ExportFormat::Json => document::to_chat_json(&messages(&chosen.prompt)),
    };
    let mut sidecar = serde_json::to_vec_pretty(&evidence)?;
    sidecar.push(b'\n');
    let branch = args.branch.clone().unwrap_or_else(|| format!("promptsearch/{}", told.task.name));
    let commit = Commit {
        repo: args.to.clone(),
        branch,
        files: vec![(args.path.clone(), file), (document::sidecar(&args.path), sidecar)],
        message: message(&told, &chosen, &args.path),
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

fn choose(args: &ExportArgs, told: &Told) -> Result<Chosen, CliError> {
    let state = &told.history.state;
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
        return Ok(chosen(told, *candidate, "chosen by hand"));
    }
    let winner = state.winner.map_or(state.incumbent, |(winner, ..)| winner);
    if args.accept_unconfirmed {
        let confirmed = told.summary.confirmed == Some(true);
        let status = if confirmed { "confirmed" } else { "unconfirmed" };
        return Ok(chosen(told, winner, status));
    }
    if told.summary.status != Status::Finished {
        return Err(CliError::usage(format!("the run `{}` is not finished", told.file.run))
            .hint("wait for it, or resume it; or choose a prompt with `--candidate ID`"));
    }
    match told.summary.recommended {
        Some(Recommendation::Best) => Ok(chosen(told, winner, "confirmed")),
        _ => Ok(chosen(told, CandidateIx::BASELINE, "baseline")),
    }
}

fn chosen(told: &Told, candidate: CandidateIx, status: &'static str) -> Chosen {
    let candidate = &told.history.state.standing(candidate).candidate;
    Chosen { prompt: candidate.prompt.clone(), id: candidate.id.to_string(), status }
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

fn front_matter(told: &Told, chosen: &Chosen) -> Vec<(String, Value)> {
    let mut matter = vec![
        ("task".to_owned(), json!(told.task.name)),
        ("run".to_owned(), json!(told.file.run)),
        ("candidate".to_owned(), json!(chosen.id)),
        ("status".to_owned(), json!(chosen.status)),
        ("model".to_owned(), json!(told.task.task_model().name.to_string())),
    ];
    if chosen.status == "confirmed"
        && let Some(gain) = &told.summary.gain
    {
        let gain = json!({
            "mean": gain.mean, "low": gain.low, "high": gain.high, "p_value": gain.p_value,
            "split": gain.split,
        });
        matter.push(("gain".to_owned(), gain));
    }
    matter
}

fn evidence(told: &Told, chosen: &Chosen) -> Value {
    let summary = &told.summary;
    let parts: Value = chosen
        .prompt
        .parts()
        .iter()
        .map(|part| {
            (part.name.clone(), json!(blake3::hash(part.text.as_bytes()).to_hex().as_str()))
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    json!({
        "schema": 1,
        "run": told.file.run,
        "task": told.task.name,
        "strategy": told.file.strategy,
        "seed": told.file.seed,
        "version": told.file.version,
        "candidate": chosen.id,
        "status": chosen.status,
        "parts_blake3": parts,
        "data_blake3": told.file.data.iter().map(|file| &file.blake3).collect::<Vec<_>>(),
        "models": crate::task::model::ModelRole::ALL.iter()
            .filter_map(|role| Some((role.to_string(), json!(told.task.model(*role)?.name.to_string()))))
            .collect::<serde_json::Map<_, _>>(),
        "simulated": told.task.providers().values()
            .any(|provider| provider.kind == Some(crate::task::model::Protocol::Sim)),
        "baseline": described(summary.baseline.as_ref()),
        "best": described(summary.best.as_ref()),
        "confirmed": summary.confirmed,
        "gain": summary.gain,
        "stop_reason": summary.stop_reason,
        "spent_usd": summary.spent.usd,
    })
}

fn described(prompt: Option<&crate::report::Prompted>) -> Value {
    prompt.map_or(Value::Null, |prompt| {
        json!({
            "candidate": prompt.candidate, "dev": prompt.dev, "hold": prompt.hold,
            "prompt_tokens": prompt.prompt_tokens, "usd_per_1k": prompt.usd_per_1k,
        })
    })
}

fn message(told: &Told, chosen: &Chosen, path: &str) -> String {
    let summary = &told.summary;
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
    let mut out = format!("{path}: prompt {} for {}\n\n", chosen.id, told.task.name);
    match (&summary.gain, chosen.status) {
        (Some(gain), "confirmed") => {
            let _ = writeln!(
                out,
                "Better than the baseline by {} on held-out rows (95 % interval {} to {}, one-sided \
                 p = {:.2e}).",
                text::points(gain.mean),
                text::points(gain.low),
                text::points(gain.high),
                gain.p_value
            );
        }
        (_, "baseline") => {
            let _ = writeln!(out, "The baseline: no candidate was shown to be better.");
        }
        _ => {
            let _ = writeln!(out, "Not confirmed on held-out rows.");
        }
    }
    let hold = |prompt: &Option<crate::report::Prompted>| {
        quality(prompt.as_ref().and_then(|prompt| prompt.hold))
    };
    let _ = writeln!(
        out,
        "Held-out quality: baseline {}, best {}.",
        hold(&summary.baseline),
        hold(&summary.best)
    );
    let _ = writeln!(out, "\nPromptsearch-Run: {}", told.file.run);
    let _ = writeln!(out, "Promptsearch-Candidate: {}", chosen.id);
    let _ = writeln!(out, "Promptsearch-Status: {}", chosen.status);
    out
}
