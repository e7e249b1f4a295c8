//! `code`: the answer is a program, which is run with the row's answer behind it: the tests that it must pass. It is right
//! if it ends with status 0 after the last test. This file parses its table and says what is run and what counts as
//! right; the processes are in `program`.

use super::answer_filter::AnswerFilter;
use super::command;
use super::find_json::last_fence;
use super::kind::{FromTable, Method};
use super::program::CodeSpec;
use super::reason::InvalidReason;
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use crate::prompt::value_text;
use crate::task::example::Example;
use crate::text;
use std::time::Duration;

/// The default time limit for one program.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The default memory of one process, and the least and the most, in MiB.
const DEFAULT_MEMORY: u64 = 512;
const LEAST_MEMORY: u64 = 16;
const MOST_MEMORY: u64 = 1 << 20;

/// How many bytes of the end of standard error are feedback.
const SHOWN: usize = 300;

/// The statements that print the token, by how an interpreter's name begins. An answer may give `print` another meaning.
const ENDINGS: &[(&str, &str)] = &[
    ("python", "__import__('os').write(1, b'\\n{token}\\n')"),
    ("pypy", "__import__('os').write(1, b'\\n{token}\\n')"),
    ("node", ";process.stdout.write('\\n{token}\\n')"),
    ("ruby", "STDOUT.puts '', '{token}'"),
    ("perl", ";print STDOUT \"\\n{token}\\n\";"),
    ("lua", "io.stdout:write('\\n{token}\\n')"),
    ("bash", "command echo; command echo '{token}'"),
    ("dash", "command echo; command echo '{token}'"),
    ("sh", "command echo; command echo '{token}'"),
];

/// The shells among them.
const SHELLS: &[&str] = &["bash", "dash", "sh"];

/// The kind.
#[derive(Clone, Debug)]
pub(super) struct Code(CodeSpec);

impl From<Code> for Method {
    fn from(code: Code) -> Self {
        Self::Code(code.0)
    }
}

impl FromTable for Code {
    const NAME: &'static str = "code";
    const KEYS: &'static [&'static str] = &["command", "timeout", "memory_mb", "ending", "sandbox"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        if table.normalize.is_some() {
            let message = "`normalize` has no effect in `code`: a program is run as it stands";
            return Err(ScorerError::new("normalize", message).help("remove it"));
        }
        let argv = command::argv(table, "[\"python3\", \"-\"]")?;
        let timeout = command::timeout(table, DEFAULT_TIMEOUT)?;
        let memory_mb = table.memory_mb.unwrap_or(DEFAULT_MEMORY);
        if !(LEAST_MEMORY..=MOST_MEMORY).contains(&memory_mb) {
            let message = format!(
                "`memory_mb` is {memory_mb}: it must be from {LEAST_MEMORY} to {MOST_MEMORY}"
            );
            return Err(ScorerError::new("memory_mb", message));
        }
        let sandbox_mb = match table.sandbox {
            Some(false) if table.memory_mb.is_some() => {
                let message = "`memory_mb` has no effect with `sandbox = false`";
                return Err(ScorerError::new("memory_mb", message)
                    .help("let `command` limit the memory, such as `docker run --memory=512m`"));
            }
            Some(false) => None,
            Some(true) | None => Some(memory_mb),
        };
        let ending = match &table.ending {
            Some(ending) if ending.contains(CodeSpec::TOKEN) => ending.clone(),
            Some(_) => {
                let message = "`ending` does not print `{token}`";
                return Err(ScorerError::new("ending", message)
                    .help("write the statement that prints it: ending = \"print('{token}')\""));
            }
            None => known_ending(&argv).ok_or_else(|| {
                let message = format!("how a program for `{}` prints a line is not known", argv[0]);
                ScorerError::new("ending", message)
                    .help("say it, so that a program that ends before its tests is not taken for right: ending = \"print('{token}')\"")
            })?,
        };
        let is_of_shell = interpreter(&argv).is_some_and(|name| SHELLS.contains(&name));
        Ok(Self(CodeSpec { argv, timeout, sandbox_mb, ending, is_of_shell }))
    }
}

/// The ending of the interpreter that a command names.
fn known_ending(argv: &[String]) -> Option<String> {
    let name = interpreter(argv)?;
    ENDINGS.iter().find(|(known, _)| *known == name).map(|(_, ending)| (*ending).to_owned())
}

/// The last word that names a known interpreter: it may be started by another program.
fn interpreter(argv: &[String]) -> Option<&'static str> {
    let known = |word: &String| {
        let name = word.rsplit('/').next().unwrap_or_default();
        let is_named = |known: &&str| {
            // `python3.12`, but not `shred`.
            let rest = name.strip_prefix(*known);
            rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
        };
        ENDINGS.iter().map(|(known, _)| *known).find(is_named)
    };
    argv.iter().rev().find_map(known)
}

/// Checks that a row has tests.
///
/// # Errors
/// What is wrong with its answer: a lower-case sentence without a full stop.
pub(super) fn check(row: &Example) -> Result<(), String> {
    match row.answer.as_str() {
        Some(tests) if !tests.trim().is_empty() => Ok(()),
        Some(_) => Err("the answer is empty, so every program would be right".to_owned()),
        None => {
            Err("the answer is no text: it must be the tests that run behind the program".into())
        }
    }
}

/// A program as it is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeProgram {
    /// Its text.
    pub text: String,
    /// What it prints after its last test, a hash of the program: one that does not look for it does not print it.
    token: String,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramEnd {
    /// Whether the status is 0, and its words; `None` where the time was over.
    pub status: Option<(bool, String)>,
    /// The end of its standard output.
    pub output: String,
    /// The end of its standard error.
    pub stderr: String,
}

impl CodeSpec {
    /// The program of an answer with the tests of a row: what stands in its last fenced block, or all of it.
    ///
    /// # Errors
    /// It is empty; this is the verdict.
    pub fn whole(&self, answer: &str, row: &Example) -> Result<WholeProgram, Verdict> {
        let program = last_fence(answer).unwrap_or(answer);
        if program.trim().is_empty() {
            return Err(InvalidReason::Empty.verdict("a program"));
        }
        // A shell goes on after a test that fails.
        let stop = if self.is_of_shell { "set -e\n" } else { "" };
        let tested = format!("{program}\n{stop}{}\n", value_text(&row.answer));
        let token = blake3::hash(tested.as_bytes()).to_hex()[..32].to_owned();
        let text = format!("{tested}{}\n", self.ending.replace(Self::TOKEN, &token));
        Ok(WholeProgram { text, token })
    }

    /// What the end of a program says about the answer.
    #[must_use]
    pub fn verdict(&self, program: &WholeProgram, end: &ProgramEnd) -> Verdict {
        let said = end.stderr.trim();
        let from = said.len().saturating_sub(SHOWN);
        let said = text::one_line(&said[said.ceil_char_boundary(from)..]);
        let is_through = end.output.lines().any(|line| line.trim() == program.token);
        match &end.status {
            None => Verdict::wrong(format!(
                "The program did not end within {}.",
                text::duration(self.timeout)
            )),
            Some((true, _)) if is_through => Verdict::right(),
            Some((true, _)) => Verdict::wrong("The program ended before its last test.".to_owned()),
            Some((false, status)) => {
                Verdict::wrong(format!("The program failed ({status}): {said}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scorer;
    use super::super::program::ScorerProgram;
    use super::super::tests::row;
    use super::*;
    use serde_json::json;

    fn scorer(text: &str) -> Result<Scorer, ScorerError> {
        Scorer::new(&toml::from_str(text).unwrap())
    }

    fn spec(text: &str) -> CodeSpec {
        match scorer(text).unwrap().program() {
            Some(ScorerProgram::Code(spec)) => spec.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_program_has_limits() {
        let code = spec("kind = 'code'\ncommand = ['python3', '-']\nmemory_mb = 64");
        assert_eq!((code.timeout.as_secs(), code.sandbox_mb), (10, Some(64)));
        let docker = "kind = 'code'\ncommand = ['docker', 'run', '-i', 'python:3', '/usr/bin/python3.12', '-']\nsandbox = false";
        assert_eq!(spec(docker).sandbox_mb, None);
        assert!(spec(docker).ending.contains("write(1"));
        for (text, message) in [
            ("kind = 'code'", "`command` names no program"),
            ("kind = 'code'\ncommand = ['sh']\nmemory_mb = 1", "from 16 to 1048576"),
            ("kind = 'code'\ncommand = ['sh']\nnormalize = ['trim']", "has no effect in `code`"),
            ("kind = 'code'\ncommand = ['sh']\nenv = ['A']", "`env` is not a key of `code`"),
            ("kind = 'code'\ncommand = ['shred']", "how a program for `shred` prints"),
            ("kind = 'code'\ncommand = ['x']\nending = 'exit'", "does not print `{token}`"),
            ("kind = 'code'\ncommand = ['sh']\nsandbox = false\nmemory_mb = 64", "has no effect"),
            ("kind = 'command'\ncommand = ['x']\nmemory_mb = 64", "is not a key of `command`"),
            ("kind = 'one-of'\nof = [{ kind = 'code', command = ['sh'] }]", "a program cannot be"),
        ] {
            let error = scorer(text).unwrap_err();
            assert!(error.message.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn a_row_needs_tests() {
        let code = scorer("kind = 'code'\ncommand = ['sh']").unwrap();
        assert_eq!(code.check(&row(json!("true"))), Ok(()));
        assert!(code.check(&row(json!(" "))).unwrap_err().contains("every program"));
        assert!(code.check(&row(json!(1))).unwrap_err().contains("no text"));
        // A first line may be indented, and nothing is run for an answer that says nothing.
        assert_eq!(code.scored_part("  return 1\n").as_deref(), Some("  return 1\n"));
        assert!(code.score("  ", &row(json!("true"))).unwrap().invalid.is_some());
    }

    #[test]
    fn right_is_a_program_that_ends_well_after_its_last_test() {
        let code = spec("kind = 'code'\ncommand = ['sh']");
        let program = code.whole("So:\n```sh\necho a\n```\n", &row(json!("true"))).unwrap();
        assert!(
            program.text.starts_with("echo a\n\nset -e\ntrue\n")
                || program.text.starts_with("echo a\nset -e\ntrue\n"),
            "{}",
            program.text
        );
        let ended = |is_ok: bool, output: &str| {
            let status = Some((is_ok, "exit status: 3".to_owned()));
            let end = ProgramEnd { status, output: output.into(), stderr: "no\nway".into() };
            code.verdict(&program, &end)
        };
        assert_eq!(ended(true, &format!("x\n{}\nlater\n", program.token)), Verdict::right());
        let early = ended(true, "x\n");
        assert_eq!(early.feedback.as_deref(), Some("The program ended before its last test."));
        let failed = ended(false, &program.token);
        assert_eq!(failed.feedback.as_deref(), Some("The program failed (exit status: 3): no way"));
        let late = ProgramEnd { status: None, output: String::new(), stderr: String::new() };
        assert!(!code.verdict(&program, &late).score.is_perfect());
        let other = code.whole("echo b", &row(json!("true"))).unwrap();
        assert_ne!(other.token, program.token);
        assert!(code.whole("```sh\n```", &row(json!("true"))).unwrap_err().invalid.is_some());
    }
}
