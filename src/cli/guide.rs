//! `completions`, `man` and `schema`: what shells, readers of manuals and editors know of this program.
//!
//! What tells of the command line and the task file is made of what reads them, so it cannot differ from them. What tells
//! of `--json` is made of docs/json.md, which a test compares with what is printed.

use super::CliError;
use super::args::{Cli, CompletionsArgs, ManArgs, SchemaArgs};
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

/// Definitions of what the commands print, and of the parts of it.
const OUTPUTS: &str = include_str!("../../docs/json.schema.json");

/// `schema`.
pub(super) fn schema(args: &SchemaArgs, screen: &Screen) -> Result<(), CliError> {
    let Some(command) = &args.of else {
        return screen.print(&format!("{:#}", reference::json_schema()));
    };
    let mut schema: serde_json::Value = serde_json::from_str(OUTPUTS)?;
    if schema["$defs"].get(command).is_none() {
        let message = format!("there is no schema of what `{command}` prints");
        return Err(CliError::usage(message).hint("docs/json.md names those that there are"));
    }
    schema["$ref"] = format!("#/$defs/{command}").into();
    screen.print(&format!("{schema:#}"))
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
