//! The command line interface: arguments in, exit code out. Only this module reads the environment,
//! catches signals and prints.

mod args;
mod error;
mod eval;
mod explain;
mod export;
mod init;
mod inspect;
mod log;
mod plan;
mod run;
mod session;
mod settings;
mod simulate;
mod strategies;

pub use error::{CliError, Kind};

use args::{Cli, Command};
use clap::Parser;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The reader of stderr may have closed it; the exit code still reports the error.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(error.kind.exit_code())
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), CliError> {
    let screen = Screen { json: cli.json, quiet: cli.quiet };
    match cli.command {
        Command::Init(args) => init::init(&args, &screen),
        Command::Plan(args) => plan::plan(&args, &screen),
        Command::Run(args) => run::run(&args, &screen),
        Command::Resume(args) => run::resume(&args, &screen),
        Command::Status(args) => inspect::status(&args, &screen),
        Command::Report(args) => inspect::report(&args, &screen),
        Command::Explain(args) => explain::explain(&args, &screen),
        Command::Journal(args) => inspect::journal(&args, &screen),
        Command::Eval(args) => eval::eval(&args, &screen),
        Command::Export(args) => export::export(&args, &screen),
        Command::Strategies(args) => strategies::strategies(&args, &screen),
        Command::Simulate(args) => simulate::simulate(&args, &screen),
    }
}

/// Prints results and messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    json: bool,
    quiet: bool,
}

impl Screen {
    /// Prints a result: JSON for programs, text for people.
    fn show(&self, json: &serde_json::Value, text: &str) -> Result<(), CliError> {
        if self.json { self.print(&serde_json::to_string_pretty(json)?) } else { self.print(text) }
    }

    /// Prints to stdout. A reader that closes the pipe, as `head` does, is not an error.
    #[expect(clippy::unused_self, reason = "all printing goes through the screen")]
    fn print(&self, text: &str) -> Result<(), CliError> {
        let mut out = std::io::stdout().lock();
        let text = text.strip_suffix('\n').unwrap_or(text);
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(CliError::from),
        }
    }

    /// Prints a note to stderr.
    fn note(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Prints a warning to stderr, also with `--quiet`.
    #[expect(clippy::unused_self, reason = "all printing goes through the screen")]
    fn warn(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "warning: {text}");
    }

    /// Whether stdout may be coloured.
    fn colour(&self) -> bool {
        !self.json && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
    }

    /// Width of the terminal in columns, or the default width for a file.
    #[expect(clippy::unused_self, reason = "all printing goes through the screen")]
    fn width(&self) -> usize {
        let columns = std::env::var_os("COLUMNS")
            .and_then(|columns| columns.to_str().and_then(|columns| columns.parse().ok()));
        columns.unwrap_or(100)
    }
}
