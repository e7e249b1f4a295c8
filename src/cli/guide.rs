//! `completions`, `man` and `schema`: what shells, readers of manuals and editors know of this program.
//!
//! All of it is made of what reads the command line and the task file, so it cannot differ from them.

use super::CliError;
use super::args::{Cli, CompletionsArgs, ManArgs};
use super::screen::Screen;
use crate::task::reference;
use clap::CommandFactory;
use std::path::Path;

/// `completions SHELL`.
pub(super) fn completions(args: &CompletionsArgs, screen: &Screen) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "promptsearch", &mut script);
    screen.print(&String::from_utf8_lossy(&script))
}

/// `schema`.
pub(super) fn schema(screen: &Screen) -> Result<(), CliError> {
    screen.print(&format!("{:#}", reference::json_schema()))
}

/// `man DIR`: a page for the program, and one for each command.
pub(super) fn man(args: &ManArgs, screen: &Screen) -> Result<(), CliError> {
    let write = |dir: &Path| {
        std::fs::create_dir_all(dir)?;
        clap_mangen::generate_to(Cli::command(), dir)
    };
    write(&args.dir).map_err(|error| CliError::not_written(&args.dir, &error))?;
    let said = format!("man pages written to {}", args.dir.display());
    screen.show(&serde_json::json!({ "dir": args.dir }), &said)
}
