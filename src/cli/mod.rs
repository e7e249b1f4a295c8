//! The command line interface: arguments in, exit code out. Only this module reads the environment,
//! catches signals and prints.

mod cap_args; // What a command may spend.
mod run_args; // How runs are named.
mod task_args; // Before a run.
mod search_args; // Searching and confirming.
mod report_args; // A run and its rows.
mod prompt_args; // One prompt and its file.
mod judge_args;
mod ab_args;
mod args;
mod error;
mod screen; // What is printed, and where.
mod folder; // A folder that is written as a whole or not at all.
mod log; // The run's own log.
mod resources; // Whether there are enough threads and files.
mod settings; // What flags, files and the environment mean together.
mod signals; // What asks the program to end.
mod notifying; // Who is told how a run is doing.
mod session; // A search as a terminal sees it.
mod asking; // Asks the process that works on a run.
mod night_budget; // What a night and its runs may spend.
mod evaluation; // The result of `eval`.
mod gate; // Whether it is what is required.

mod init;
mod plan;
mod doctor;
mod comparison; // What a run of a comparison shows.
mod earlier; // Runs that a new one takes something from.
mod run;
mod recorded;
mod eval;
mod inquire; // The questions of an inquiry, and their replies.
mod judge; // The judge of a task beside people.
mod migration; // The bar, the searches and the result of a migration.
mod night;
mod migrate;
mod inspect;
mod night_report; // `report`, also of a night.
mod explain;
mod rows;
mod edge; // The rows that are worth a look.
mod synth; // New ones like them.
mod list;
mod compare;
mod named_prompt; // A prompt that is named: of a run, in a file, in git.
mod diff;
mod ctl;
mod watch;
mod view;
mod confirm;
mod export;
mod versions; // `log` and `rollback`.
mod evidence; // An exported prompt as it can be asked again.
mod verify;
mod monitor;
mod ab; // Prompts on the same rows.
mod online; // What arms of real traffic show, and who is in which.
mod strategies;
mod replay_task; // A task for recorded models.
mod simulate;
mod guide;

pub use error::{CliError, Kind};

use args::{Cli, Command, JudgeAction};
use clap::Parser;
use screen::Screen;
use std::process::ExitCode;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && std::env::args_os().any(|word| word == "--json") => {
            let _ = error.print();
            let message = error.to_string().trim_start_matches("error: ").trim_end().to_owned();
            Screen { json: true, quiet: false }.show_error(&CliError::usage(message));
            return ExitCode::from(Kind::Usage.exit_code());
        }
        Err(error) => error.exit(),
    };
    let screen = Screen { json: cli.json, quiet: cli.quiet };
    match dispatch(cli, screen) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            screen.show_error(&error);
            screen::tell(&error.to_string());
            ExitCode::from(error.kind.exit_code())
        }
    }
}

fn dispatch(cli: Cli, screen: Screen) -> Result<(), CliError> {
    match cli.command {
        Command::Init(args) => init::init(&args, &screen),
        Command::Plan(args) => plan::plan(&args, &screen),
        Command::Doctor(args) => doctor::doctor(&args, &screen),
        Command::Run(args) => match &args.task[..] {
            [task] => run::run(task, &args, &screen),
            _ => night::run(&args, &screen),
        },
        Command::Resume(args) => match night::find(&args.run.out.out, &args.run.run) {
            Some(night) => night::resume(&night, &args, &screen),
            None => run::resume(&args, &screen),
        },
        Command::Status(args) => inspect::status(&args, &screen),
        Command::Watch(args) => watch::watch(&args, &screen),
        Command::View(args) => view::view(&args, &screen),
        Command::Stop(args) => ctl::stop(&args, &screen),
        Command::Ctl(args) => ctl::ctl(&args, &screen),
        Command::List(args) => list::list(&args, &screen),
        Command::Compare(args) => compare::compare(&args, &screen),
        Command::Diff(args) => diff::diff(&args, &screen),
        Command::Report(args) => night_report::report(&args, &screen),
        Command::Explain(args) => explain::explain(&args, &screen),
        Command::Confirm(args) => confirm::confirm(&args, &screen),
        Command::Migrate(args) => migrate::migrate(&args, &screen),
        Command::Rows(args) => rows::rows(&args, &screen),
        Command::Edge(args) => edge::edge(&args, &screen),
        Command::Synth(args) => synth::synth(&args, &screen),
        Command::Journal(args) => inspect::journal(&args, &screen),
        Command::Eval(args) => eval::eval(&args, &screen),
        Command::Judge(args) => match &args.action {
            JudgeAction::Certify(args) => judge::certify(args, &screen),
            JudgeAction::Check(args) => judge::check(args, &screen),
        },
        Command::Export(args) => export::export(&args, &screen),
        Command::Log(args) => versions::log(&args, &screen),
        Command::Rollback(args) => versions::rollback(&args, &screen),
        Command::Verify(args) => verify::verify(&args, &screen),
        Command::Monitor(args) => monitor::monitor(&args, &screen),
        Command::Ab(args) => match &args.log {
            Some(log) => online::ab(log, &args, &screen),
            None => ab::ab(&args, &screen),
        },
        Command::Assign(args) => online::assign(&args, &screen),
        Command::Strategies(args) => strategies::strategies(&args, &screen),
        Command::Simulate(args) => simulate::simulate(&args, &screen),
        Command::Completions(args) => guide::completions(&args, &screen),
        Command::Man(args) => guide::man(&args, &screen),
        Command::Schema(args) => guide::schema(&args, &screen),
    }
}
