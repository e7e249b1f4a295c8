//! What is printed, and where: results on stdout, all else on stderr.

use super::error::{CliError, Kind};
use crate::report::visible;
use crate::text;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether stdout has a result.
static HAS_PRINTED: AtomicBool = AtomicBool::new(false);

/// Where things are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Screen {
    pub(super) json: bool,
    pub(super) quiet: bool,
}

/// Writes to stderr, and fits a terminal. Its reader may have closed it; the exit code still reports what happened.
pub(super) fn tell(text: &str) {
    let mut text = visible(text);
    let columns = terminal_size::terminal_size_of(std::io::stderr());
    if let Some((columns, _)) = columns.filter(|(columns, _)| columns.0 > 0) {
        text = text::fitted(&text, usize::from(columns.0));
    }
    let _ = writeln!(std::io::stderr(), "{text}");
}

impl Screen {
    /// Prints a result: JSON for programs, text for people.
    pub(super) fn show(&self, json: &serde_json::Value, text: &str) -> Result<(), CliError> {
        match self.json {
            true => self.print(&serde_json::to_string_pretty(json)?),
            false if std::io::stdout().is_terminal() => {
                self.print(&text::fitted(text, self.width()))
            }
            false => self.print(text),
        }
    }

    /// With `--json`, prints an error as the result, unless there is a result already.
    pub(super) fn show_error(&self, error: &CliError) {
        if self.json && !HAS_PRINTED.load(Ordering::Relaxed) {
            let json = serde_json::json!({
                "error": error.message,
                "try": error.hints,
                "exit_code": error.kind.exit_code(),
            });
            // The reader of stdout may have closed it; the exit code still reports the error.
            let _ = self.print(&format!("{json:#}"));
        }
    }

    /// Prints to stdout. A reader that has gone away, as `head` does, is no error.
    #[expect(clippy::unused_self, reason = "all printing goes through the screen")]
    pub(super) fn print(&self, text: &str) -> Result<(), CliError> {
        let mut out = std::io::stdout().lock();
        HAS_PRINTED.store(true, Ordering::Relaxed);
        let text = text.strip_suffix('\n').unwrap_or(text);
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(CliError::from),
        }
    }

    /// Tells a person something that is no result.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            tell(text);
        }
    }

    /// Warns, whatever was asked for.
    #[expect(clippy::unused_self, reason = "all printing goes through the screen")]
    pub(super) fn warn(&self, text: &str) {
        tell(&format!("warning: {text}"));
    }

    /// Whether there is a person to ask.
    pub(super) fn can_ask(&self) -> bool {
        let is_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        is_terminal && !self.json && !self.quiet
    }

    /// Asks a question, and reads the reply without white space at its ends.
    #[expect(clippy::unused_self, reason = "all printing goes through the screen")]
    pub(super) fn ask(&self, question: &str) -> Result<String, CliError> {
        let mut out = std::io::stderr();
        write!(out, "{}", visible(question)).and_then(|()| out.flush())?;
        let mut reply = String::new();
        if std::io::stdin().read_line(&mut reply)? == 0 {
            return Err(CliError::new(
                Kind::Interrupted,
                "there was no reply; nothing was changed",
            ));
        }
        Ok(reply.trim().to_owned())
    }

    /// Whether stdout may be coloured.
    pub(super) fn colour(&self) -> bool {
        !self.json && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
    }

    /// Columns of the terminal, or what suits a file. The variable COLUMNS replaces both.
    #[expect(clippy::unused_self, reason = "all printing goes through the screen")]
    pub(super) fn width(&self) -> usize {
        let asked = std::env::var_os("COLUMNS")
            .and_then(|columns| columns.to_str().and_then(|columns| columns.parse().ok()));
        let terminal = || {
            let (columns, _) = terminal_size::terminal_size_of(std::io::stdout())?;
            Some(usize::from(columns.0)).filter(|columns| *columns > 0)
        };
        asked.or_else(terminal).unwrap_or(100)
    }
}
