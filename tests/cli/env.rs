//! A temporary folder in which the program runs, and its output.

use crate::server::Server;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// Sixty rows, two labels, simulated models.
pub(crate) const COLOURS: &str = r#"name = "colours"
about = "Say warm or cold."

[data]
file = "rows.jsonl"
columns = { id = "id", answer = "answer" }
split = { train = 0.4, dev = 0.3, hold = 0.3 }

[prompt]
system = "Answer warm or cold."
user = "{{ input }}"
search = ["system"]

[models]
task = "sim/clerk"
mutator = "sim/editor"

[[score]]
kind = "label"
labels = ["warm", "cold"]

[goal]
rule = "max quality"

[budget]
calls = 300
"#;

/// A shipped task.
pub(crate) const TICKETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tasks/ticket-routing");

/// A temporary folder in which the program runs, with only `PATH` and `HOME` in its environment.
pub(crate) struct TestEnv {
    dir: tempfile::TempDir,
    vars: BTreeMap<String, String>,
}

/// The program's output.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), vars: BTreeMap::new() }
    }

    /// A folder with the task `colours`.
    pub(crate) fn with_colours() -> Self {
        let env = Self::new();
        env.write("colours/task.toml", COLOURS);
        env.write("colours/rows.jsonl", &colour_rows(60));
        env
    }

    /// A folder with the task `colours`, whose task model is behind a server; `extra` are further keys
    /// of its provider.
    pub(crate) fn with_server(server: &Server, extra: &str) -> Self {
        let env = Self::with_colours();
        let provider = format!(
            "[providers.local]\nkind = \"openai\"\nbase_url = \"{}\"\nfree = true\n{extra}\n\n[goal]",
            server.base_url()
        );
        env.edit("colours/task.toml", "sim/clerk", "local/clerk");
        env.edit("colours/task.toml", "[goal]", &provider);
        env
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.vars.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// Replaces a text, which must exist.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} does not hold {from:?}");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// A program in this folder, with this environment.
    pub(crate) fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.dir.path()).env_clear().stdin(Stdio::null());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.env("HOME", self.dir.path()).envs(&self.vars);
        command
    }

    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_promptsearch"));
        command.args(line.split_whitespace());
        command
    }

    /// Starts `simulate` for the task `colours`; what it told.
    pub(crate) fn simulate(&self, line: &str) -> (Child, Value) {
        self.serve(&format!("--task colours {line}"))
    }

    /// Starts `simulate`; what it told.
    pub(crate) fn serve(&self, line: &str) -> (Child, Value) {
        let mut child = self
            .command(&format!("simulate --json {line}"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut told).unwrap();
        (child, serde_json::from_str(&told).unwrap())
    }

    /// Runs the program with the words of a line as arguments.
    pub(crate) fn run(&self, line: &str) -> Ran {
        Ran::of(self.command(line).output().unwrap())
    }

    /// Runs the program with an argument that contains spaces.
    pub(crate) fn run_with(&self, line: &str, more: &[&str]) -> Ran {
        Ran::of(self.command(line).args(more).output().unwrap())
    }

    /// The exit code and the error message, without the folder's name.
    pub(crate) fn complaint(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.stdout, "", "a mistake is told on stderr");
        ran.complaint(self)
    }

    /// Every file below a folder.
    pub(crate) fn files(&self, below: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.path(below)];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(&dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { open.push(path) } else { found.push(path) }
            }
        }
        found.sort();
        found
    }

    /// The events of a run as kind and content.
    pub(crate) fn events(&self, run: &str) -> Vec<(String, Value)> {
        let text = self.read(&format!("results/{run}/events.jsonl"));
        let events = text.lines().skip(1).map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let (name, content) = line["event"].as_object().unwrap().iter().next().unwrap();
            (name.clone(), content.clone())
        });
        events.collect()
    }
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.exits(0)
    }

    /// Parses stdout, which must be only JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not JSON alone: {error}\n{}", self.stdout))
    }

    pub(crate) fn complaint(&self, env: &TestEnv) -> String {
        let mut out = format!("exit {}\n", self.code);
        // Warnings about few rows are not part of the error.
        for line in self.stderr.lines().filter(|line| !line.starts_with("warning: ")) {
            let line = line.replace(&env.dir.path().display().to_string(), "[DIR]");
            let _ = writeln!(out, "{}", line.trim_end());
        }
        out.trim_end().to_owned()
    }
}

/// Rows about tiles: even numbers are warm, odd ones are cold, and the input contains the number.
pub(crate) fn colour_rows(count: usize) -> String {
    (1..=count).fold(String::new(), |mut rows, number| {
        let answer = ["warm", "cold"][number % 2];
        let row = json!({
            "id": format!("r{number}"),
            "input": format!("Tile {number} of shade {} and lot {}.", number * 31 % 97, number * 7919 % 1009),
            "answer": answer,
        });
        let _ = writeln!(rows, "{row}");
        rows
    })
}

/// A file of data that is not part of this project; without it, a note says that the test is
/// skipped.
pub(crate) fn shared(file: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("PROMPTSEARCH_SHARED_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
    };
    let path = folder.join(file);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: there is no {file} in the shared data");
    None
}
