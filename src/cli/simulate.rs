//! `simulate`: serves simulated or recorded models over HTTP, or prints a prompt's true quality.

use super::args::SimulateArgs;
use super::error::CliError;
use super::replay_task;
use super::screen::Screen;
use crate::formats;
use crate::sim::replay::{RecordedWorld, Replay};
use crate::sim::server::{self, Allowance, BatchOptions, Options};
use crate::sim::world::WorldParameters;
use crate::sim::{Faults, Latency, Models, SimLlm, true_quality, world_of};
use crate::source::SourceError;
use crate::task::Task;
use crate::text;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn simulate(args: &SimulateArgs, screen: &Screen) -> Result<(), CliError> {
    if let Some(file) = &args.recorded {
        let world = Arc::new(RecordedWorld::read(file)?);
        let replay = Replay::new(Arc::clone(&world), args.model_seed);
        return served(args, screen, Models::from(replay), Some(&world));
    }
    let Some((first, others)) = args.task.split_first() else {
        return Err(CliError::usage("name a task with --task, or a recorded file with --recorded"));
    };
    let of_task = |task: &Task| world_of(task, args.model_seed, WorldParameters::default());
    let task = Task::load(first)?;
    let world = of_task(&task);
    if let Some(file) = &args.oracle {
        if !others.is_empty() {
            return Err(CliError::usage("`--oracle` is about the prompt of one task")
                .hint("give `--task` once"));
        }
        let bytes =
            crate::source::read(file).map_err(|error| SourceError::unreadable(file, &error))?;
        let document = formats::read_on_disk(file, &bytes)?;
        let prompt = super::eval::prompt_of(&task, &document)?;
        let quality = true_quality(&world, &task, &prompt);
        let value = serde_json::json!({
            "true_quality": quality, "candidate": prompt.id(), "simulated": true,
        });
        let text = format!(
            "true quality {} of {} under the simulated models, over all rows",
            task.score_form().score(quality),
            prompt.id()
        );
        return screen.show(&value, &text);
    }
    let mut models = SimLlm::new(Arc::new(world));
    for other in others {
        models = models.with(Arc::new(of_task(&Task::load(other)?)));
    }
    served(args, screen, Models::from(models), None)
}

/// Serves models until a signal; those of a recorded world with a task for it, where one is asked for.
fn served(
    args: &SimulateArgs,
    screen: &Screen,
    models: Models,
    recorded: Option<&RecordedWorld>,
) -> Result<(), CliError> {
    let shares =
        [args.throttle, args.error, args.unavailable, args.hang, args.truncate, args.empty];
    if !(0.0..=1.0).contains(&args.batch_expire) {
        return Err(CliError::usage("--batch-expire must be between 0 and 1"));
    }
    if shares.iter().any(|share| !(0.0..=1.0).contains(share)) || shares.iter().sum::<f64>() > 1.0 {
        return Err(CliError::usage(
            "each share of faults, and their sum, must be between 0 and 1",
        ));
    }
    let of_editor = args.editor_latency.unwrap_or(args.latency);
    if [args.latency, of_editor, args.latency_sigma].iter().any(|it| it.is_nan() || *it < 0.0) {
        return Err(CliError::usage("a latency must not be negative"));
    }
    let latency = |millis: f64| Latency {
        median: Duration::try_from_secs_f64(millis / 1_000.0).unwrap_or(Duration::MAX),
        sigma: args.latency_sigma,
    };
    let batch_wait = text::parse_duration(&args.batch_wait).map_err(CliError::usage)?;
    let options = Options {
        latency: latency(args.latency),
        editor_latency: latency(of_editor),
        faults: Faults {
            throttled: args.throttle,
            failed: args.error,
            unavailable: args.unavailable,
            hung: args.hang,
            truncated: args.truncate,
            empty: args.empty,
            retry_after: args.retry_after,
            seed: args.fault_seed,
        },
        allowance: Allowance { requests: args.rpm, tokens: args.tpm, is_hidden: args.hide_rates },
        batches: BatchOptions { wait: batch_wait, expired: args.batch_expire },
        key: args.require_key.clone().map(Into::into),
        log: args.log.clone(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener =
            tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await.map_err(
                |error| CliError::usage(format!("port {}: {}", args.port, text::cause(&error))),
            )?;
        let address = listener.local_addr()?;
        let base_url = format!("http://{address}/v1");
        let value = serde_json::json!({"base_url": base_url, "port": address.port()});
        let kind = if recorded.is_some() { "recorded" } else { "simulated" };
        let line = format!("{kind} models at {base_url} (clerk, editor); press Ctrl-C to stop");
        if let (Some(world), Some(dir)) = (recorded, &args.write_task) {
            replay_task::write(world, dir, &base_url)?;
        }
        if screen.json {
            // Print one line, so that a script can read it while the server runs.
            screen.print(&value.to_string())?;
        } else {
            screen.print(&line)?;
        }
        server::serve(listener, models, options, super::signals::interrupted()).await?;
        Ok(())
    })
}
