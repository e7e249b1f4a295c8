//! `command`: a user program scores the answer. This file only parses its table in the task; the
//! processes are in `program`.

use super::answer_filter::AnswerFilter;
use super::kind::{FromTable, Method};
use super::program::CommandSpec;
use super::table::{ScoreTable, ScorerError};
use crate::text;
use std::time::Duration;

/// The default time limit for one answer.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The kind.
#[derive(Clone, Debug)]
pub(super) struct Command(CommandSpec);

impl From<Command> for Method {
    fn from(command: Command) -> Self {
        Self::Command(command.0)
    }
}

impl FromTable for Command {
    const NAME: &'static str = "command";
    const KEYS: &'static [&'static str] = &["command", "timeout", "env"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        let argv = argv(table, "[\"python3\", \"score.py\"]")?;
        let timeout = timeout(table, DEFAULT_TIMEOUT)?;
        let env = table.env.clone().unwrap_or_default();
        if let Some(name) = env.iter().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
            return Err(ScorerError::new(
                "env",
                format!("`{}` is not the name of a variable", name.replace('\0', "")),
            )
            .help("`env` lists only names; the values come from the environment of the run"));
        }
        Ok(Self(CommandSpec { argv, timeout, env }))
    }
}

/// The words of `command`; `example` is one for this kind.
pub(super) fn argv(table: &ScoreTable, example: &str) -> Result<Vec<String>, ScorerError> {
    let argv = table.command.clone().unwrap_or_default();
    if argv.first().is_none_or(|program| program.trim().is_empty()) {
        return Err(ScorerError::new("command", "`command` names no program")
            .help(format!("write command = {example}")));
    }
    if argv.iter().any(|word| word.contains('\0')) {
        let message = "an item of `command` contains a NUL character";
        return Err(ScorerError::new("command", message));
    }
    Ok(argv)
}

/// The time limit that `timeout` sets for one answer.
pub(super) fn timeout(table: &ScoreTable, default: Duration) -> Result<Duration, ScorerError> {
    let timeout = match &table.timeout {
        None => default,
        Some(written) => {
            text::parse_duration(written).map_err(|reason| ScorerError::new("timeout", reason))?
        }
    };
    if timeout.is_zero() {
        return Err(ScorerError::new("timeout", "`timeout` must be above 0")
            .help("write timeout = \"30s\""));
    }
    Ok(timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> Result<CommandSpec, String> {
        let table: ScoreTable = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        Command::new(&table, &AnswerFilter::nothing())
            .map(|command| command.0)
            .map_err(|error| format!("{}: {error}", error.key))
    }

    #[test]
    fn a_command_is_a_list_of_words_with_a_deadline() {
        let spec_read = spec("kind = 'command'\ncommand = ['python3', 'score.py']\ntimeout = '2m'\nenv = ['VIRTUAL_ENV']").unwrap();
        assert_eq!(spec_read.argv, ["python3", "score.py"]);
        assert_eq!((spec_read.timeout, spec_read.env.len()), (Duration::from_secs(120), 1));
        for (text, message) in [
            ("kind = 'command'", "command: `command` names no program"),
            ("kind = 'command'\ncommand = []", "names no program"),
            ("kind = 'command'\ncommand = 'python3 score.py'", "expected a list of words"),
            (
                "kind = 'command'\ncommand = ['x']\ntimeout = 'soon'",
                "timeout: `soon` is not a duration",
            ),
            ("kind = 'command'\ncommand = ['x']\ntimeout = '0s'", "above 0"),
            ("kind = 'command'\ncommand = ['x']\nenv = ['A=1']", "env: `A=1` is not the name"),
        ] {
            let error = spec(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
