//! Runs a user program, such as a `command` scorer: starts its processes on demand, reuses them,
//! and ends all of them.
//!
//! It is not a sandbox: the program has the user's permissions. The run is protected: every reply
//! has a deadline, a program that hangs or forks is killed with all its children, and an invalid
//! reply is an error, never a score.
//!
//! A scorer reads one JSON object per line, `{"id", "answer", "expected", "columns"}`, and writes
//! one line for each, flushed: `{"score": 0..1, "feedback": "…", "metrics": {"name": 1.5}}`.
//! Feedback and metrics are optional; so is `"id"`, which is checked if it is given. The program
//! may keep reading until its input ends, or exit after one line. Its standard error is shown if it
//! fails.

use crate::task::example::Example;
use crate::task::scorer::{CommandSpec, Verdict};
use crate::text;
use crate::units::Score;
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

/// The default number of processes; scoring is rarely the bottleneck.
const DEFAULT_PROCESSES: usize = 16;

/// A longer deadline is treated as none; it could not be added to a time.
const LONGEST_LIMIT: Duration = Duration::from_secs(365 * 86_400);

/// The longest reply that is accepted.
const LONGEST_REPLY: usize = 1 << 20;

/// How many bytes of the end of standard error are kept.
const KEPT_STDERR: usize = 2 * 1024;

/// How long a process may take to exit after it closed its output, before it is killed.
const TIME_TO_EXIT: Duration = Duration::from_millis(500);

/// Environment variables that every program needs.
const NEEDED_VARIABLES: &[&str] = &["PATH", "HOME", "LANG", "TMPDIR"];

/// Why a program gave no valid reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// It could not be started.
    #[error("cannot start `{program}`: {message}")]
    Start {
        /// The program's name.
        program: String,
        /// The system's message.
        message: String,
    },
    /// It did not reply in time.
    #[error("no reply within {}{}", text::duration(*limit), shown(stderr))]
    Deadline {
        /// The time limit for one reply.
        limit: Duration,
        /// The end of its standard error.
        stderr: String,
    },
    /// It ended without a reply.
    #[error("ended without a reply ({status}){}", shown(stderr))]
    Exited {
        /// Its exit status.
        status: String,
        /// The end of its standard error.
        stderr: String,
    },
    /// Its reply is invalid.
    #[error("{message}; its reply was `{excerpt}`{}", shown(stderr))]
    Malformed {
        /// What is wrong with the reply.
        message: String,
        /// The beginning of the reply.
        excerpt: String,
        /// The end of its standard error.
        stderr: String,
    },
}

fn shown(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        stderr => format!("; its standard error: {stderr}"),
    }
}

/// The variables that every program needs, and those that the task lists.
pub fn allowed_environment(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    listed: &[String],
) -> Vec<(OsString, OsString)> {
    let is_allowed = |name: &OsStr| {
        let listed = listed.iter().map(String::as_str);
        NEEDED_VARIABLES.iter().copied().chain(listed).any(|allowed| name == allowed)
    };
    environment.into_iter().filter(|(name, _)| is_allowed(name)).collect()
}

/// The processes of one program. All of them are killed when it is dropped.
#[derive(Debug)]
pub struct CommandPool {
    argv: Vec<String>,
    working_dir: PathBuf,
    limit: Duration,
    environment: Vec<(OsString, OsString)>,
    places: Semaphore,
    idle: Mutex<Vec<Process>>,
}

impl CommandPool {
    /// A pool without processes yet. Its processes see only `environment`, made by
    /// [`allowed_environment`].
    #[must_use]
    pub fn new(
        argv: Vec<String>,
        working_dir: &Path,
        limit: Duration,
        environment: Vec<(OsString, OsString)>,
    ) -> Self {
        Self {
            argv,
            // The system resolves a relative program path after it has changed the folder.
            working_dir: std::path::absolute(working_dir).unwrap_or_else(|_| working_dir.into()),
            limit: limit.min(LONGEST_LIMIT),
            environment,
            places: Semaphore::new(DEFAULT_PROCESSES),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// The pool of a task's scorer; it gets the allowed variables of this program's environment.
    #[must_use]
    pub fn of(
        spec: &CommandSpec,
        working_dir: &Path,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let environment = allowed_environment(environment, &spec.env);
        Self::new(spec.argv.clone(), working_dir, spec.timeout, environment)
    }

    /// At most this many processes at once.
    #[must_use]
    pub fn at_most(mut self, processes: usize) -> Self {
        self.places = Semaphore::new(processes.clamp(1, Semaphore::MAX_PERMITS));
        self
    }

    /// Requests the score of one answer.
    ///
    /// # Errors
    /// No valid reply in time.
    pub async fn score(&self, answer: &str, row: &Example) -> Result<Verdict, CommandError> {
        self.ask(&request(answer, row), |reply| read_reply(reply, row)).await
    }

    /// Sends one line and reads the reply. Waiting for a free process does not count against the
    /// deadline; starting one does.
    ///
    /// # Errors
    /// No reply in time, or one that `read` rejects.
    pub async fn ask<T>(
        &self,
        line: &[u8],
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, CommandError> {
        // The semaphore is never closed, so this cannot fail.
        let _place = self.places.acquire().await;
        let deadline = Instant::now() + self.limit;
        if let Some(mut process) = self.idle_process() {
            match process.ask(line, deadline).await {
                // A process may exit after a reply.
                Err(Failure::Ended { began: false }) => drop(process),
                said => return self.conclude(process, said, read).await,
            }
        }
        let mut process = self.start()?;
        let said = process.ask(line, deadline).await;
        self.conclude(process, said, read).await
    }

    fn idle_process(&self) -> Option<Process> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps a process for the next line if it behaved correctly, and ends it otherwise.
    async fn conclude<T>(
        &self,
        process: Process,
        said: Result<Vec<u8>, Failure>,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, CommandError> {
        let (message, excerpt) = match said {
            Ok(reply) => match read(&reply) {
                Ok(value) => {
                    if process.can_be_reused() {
                        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
                    }
                    return Ok(value);
                }
                Err(message) => (message, reply),
            },
            Err(Failure::Late) => {
                let (_, stderr) = process.end(Duration::ZERO).await;
                return Err(CommandError::Deadline { limit: self.limit, stderr });
            }
            Err(Failure::Ended { .. }) => {
                let (status, stderr) = process.end(TIME_TO_EXIT).await;
                return Err(CommandError::Exited { status, stderr });
            }
            Err(Failure::Unasked(output)) => {
                ("more than one line for one answer".to_owned(), output)
            }
            Err(Failure::Endless(reply)) => (
                format!("a line longer than {} bytes", text::thousands(LONGEST_REPLY as u64)),
                reply,
            ),
        };
        let (_, stderr) = process.end(Duration::ZERO).await;
        let beginning = &excerpt[..excerpt.len().min(1_000)];
        let excerpt = text::shorten(&String::from_utf8_lossy(beginning), 200);
        Err(CommandError::Malformed { message, excerpt, stderr })
    }

    fn start(&self) -> Result<Process, CommandError> {
        let program = self.argv.first().map(String::as_str).unwrap_or_default();
        // Systems differ in whether a relative path is resolved before or after changing the
        // folder.
        let path = match Path::new(program) {
            path if path.is_relative() && path.components().count() > 1 => {
                self.working_dir.join(path)
            }
            path => path.to_owned(),
        };
        let mut command = tokio::process::Command::new(path);
        command
            .args(self.argv.iter().skip(1))
            .current_dir(&self.working_dir)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mark = Mark::new();
        command.env(Mark::VARIABLE, &mark.0);
        #[cfg(unix)]
        command.process_group(0);
        let failed = |message: String| CommandError::Start { program: program.to_owned(), message };
        let child = command.spawn().map_err(|error| failed(error.to_string()))?;
        Process::new(child, mark).ok_or_else(|| failed("its streams are missing".to_owned()))
    }
}

#[derive(Serialize)]
struct Request<'a> {
    id: &'a str,
    answer: &'a str,
    expected: &'a serde_json::Value,
    columns: &'a crate::prompt::Columns,
}

fn request(answer: &str, row: &Example) -> Vec<u8> {
    let request =
        Request { id: row.id.as_str(), answer, expected: &row.answer, columns: &row.columns };
    line_of(&request)
}

/// A question as one line of JSON.
pub(crate) fn line_of(question: &impl Serialize) -> Vec<u8> {
    // Texts, numbers and JSON values can always be encoded.
    let mut line = serde_json::to_vec(question).unwrap_or_default();
    line.push(b'\n');
    line
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    score: f64,
    #[serde(default)]
    feedback: Option<String>,
    #[serde(default)]
    metrics: Option<BTreeMap<String, f64>>,
    #[serde(default)]
    id: Option<String>,
}

fn read_reply(line: &[u8], row: &Example) -> Result<Verdict, String> {
    let reply: Reply = serde_json::from_slice(line).map_err(|error| {
        let message = error.to_string();
        if message.contains("struct Reply") || message.starts_with("missing field `score`") {
            return "the scorer's line needs `score` (a number from 0 to 1)".to_owned();
        }
        let (message, help) = crate::source::explain_unknown_name(&message);
        match help {
            Some(help) => format!("{message}: {help}"),
            None => message,
        }
    })?;
    let score = Score::new(reply.score)
        .ok_or_else(|| format!("the score {} is not in [0, 1]", reply.score))?;
    if let Some(id) = reply.id.filter(|id| id != row.id.as_str()) {
        return Err(format!("it scored the row `{id}` instead of `{}`", row.id));
    }
    Ok(Verdict {
        score,
        invalid: None,
        feedback: reply.feedback.filter(|feedback| !feedback.trim().is_empty()),
        metrics: reply.metrics.unwrap_or_default(),
    })
}

/// Why no line could be read.
enum Failure {
    Late,
    /// The program closed its output; `began` if part of a line had been written.
    Ended {
        began: bool,
    },
    /// It wrote output without a request.
    Unasked(Vec<u8>),
    Endless(Vec<u8>),
}

/// One running program with all its child processes.
#[derive(Debug)]
struct Process {
    /// Dropped first: as long as the leader is not reaped, its process id cannot be reused.
    group: ProcessGroup,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    stderr: Stderr,
    /// The whole request was read, and nothing follows the reply.
    in_step: bool,
}

impl Process {
    fn new(mut child: Child, mark: Mark) -> Option<Self> {
        let group = ProcessGroup { leader: child.id(), mark };
        Some(Self {
            stdin: child.stdin.take()?,
            stdout: BufReader::new(child.stdout.take()?),
            stderr: Stderr::collect(child.stderr.take()?),
            child,
            group,
            in_step: false,
        })
    }

    fn can_be_reused(&self) -> bool {
        self.in_step && self.stdout.buffer().is_empty()
    }

    /// Sends one line and reads one.
    async fn ask(&mut self, line: &[u8], deadline: Instant) -> Result<Vec<u8>, Failure> {
        self.refuse_stale_output()?;
        self.in_step = false;
        let Self { stdin, stdout, .. } = self;
        let write = async {
            stdin.write_all(line).await?;
            stdin.flush().await
        };
        let read = read_line(stdout);
        tokio::pin!(write, read);
        let mut is_written = false;
        let exchange = async {
            loop {
                tokio::select! {
                    // A program may reply without reading everything, or exit without reading at
                    // all, so only its output counts. A closed input eventually shows as a closed
                    // output.
                    written = &mut write, if !is_written => {
                        is_written = true;
                        if written.is_err() {
                            return (read.await, false);
                        }
                    }
                    said = &mut read => return (said, is_written),
                }
            }
        };
        let (said, in_step) = timeout_at(deadline, exchange).await.map_err(|_| Failure::Late)?;
        self.in_step = in_step;
        said
    }

    /// Checks for output before the request is sent, which would be mistaken for its reply.
    fn refuse_stale_output(&mut self) -> Result<(), Failure> {
        match self.stdout.fill_buf().now_or_never() {
            None => Ok(()),
            Some(Ok([]) | Err(_)) => Err(Failure::Ended { began: false }),
            Some(Ok(output)) => Err(Failure::Unasked(output.to_vec())),
        }
    }

    /// Ends the program and its children; returns its status and the end of its standard error.
    async fn end(mut self, patience: Duration) -> (String, String) {
        let mut status = timeout(patience, self.child.wait()).await;
        // Children that outlive their parent keep its standard error open.
        self.group.kill().await;
        self.group.leader = None;
        if status.is_err() {
            // If the group could not be killed, kill the leader, and do not wait long.
            let _ = self.child.start_kill();
            status = timeout(TIME_TO_EXIT, self.child.wait()).await;
        }
        let status = match status {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it could not be killed".to_owned(),
        };
        (status, self.stderr.finish().await)
    }
}

/// Reads up to a line break.
async fn read_line(stdout: &mut BufReader<ChildStdout>) -> Result<Vec<u8>, Failure> {
    let mut line = Vec::new();
    loop {
        // A broken pipe means that the program has ended.
        let available = stdout.fill_buf().await.unwrap_or_default();
        if available.is_empty() {
            // The last line may lack its line break.
            return if line.trim_ascii().is_empty() {
                Err(Failure::Ended { began: !line.is_empty() })
            } else {
                Ok(line)
            };
        }
        let (taken, is_whole) = match available.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (available.len(), false),
        };
        line.extend_from_slice(&available[..taken]);
        stdout.consume(taken);
        if is_whole {
            return Ok(line);
        }
        if line.len() > LONGEST_REPLY {
            return Err(Failure::Endless(line));
        }
    }
}

/// A value in the environment of a program and of all that it starts, by which those are found that
/// left its process group.
#[derive(Debug)]
struct Mark(String);

impl Mark {
    const VARIABLE: &str = "PROMPTSEARCH_PROGRAM";

    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self(format!("{process}-{count}"))
    }

    /// The processes that carry it. Only Linux shows the environment of another process.
    fn carriers(&self) -> Vec<String> {
        let entry = format!("{}={}", Self::VARIABLE, self.0);
        let carries = |environment: &[u8]| {
            environment.split(|byte| *byte == 0).any(|one| one == entry.as_bytes())
        };
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let processes = processes.filter(|process| {
            std::fs::read(process.path().join("environ")).is_ok_and(|read| carries(&read))
        });
        processes
            .filter_map(|process| process.file_name().into_string().ok())
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
            .collect()
    }
}

/// The process group of one program. Dropping it kills the group, also if the run is cancelled.
#[derive(Debug)]
struct ProcessGroup {
    /// `None` once the group is killed.
    leader: Option<u32>,
    mark: Mark,
}

impl ProcessGroup {
    /// What kills the group. It is the system's `kill` program, because the system call needs unsafe
    /// code.
    fn killers(&self) -> Vec<std::process::Command> {
        let group = self.leader.map(|leader| format!("-{leader}"));
        group.map_or_else(Vec::new, |group| killers_of(&[group]))
    }

    /// What kills those that left the group.
    fn killers_of_the_rest(&self) -> Vec<std::process::Command> {
        match self.leader.map(|_| self.mark.carriers()) {
            Some(rest) if !rest.is_empty() => killers_of(&rest),
            _ => Vec::new(),
        }
    }

    async fn kill(&self) {
        for killers in [self.killers(), self.killers_of_the_rest()] {
            for killer in killers {
                let status = tokio::process::Command::from(killer).status().await;
                if status.is_ok_and(|status| status.success()) {
                    break;
                }
            }
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        for killers in [self.killers(), self.killers_of_the_rest()] {
            for mut killer in killers {
                if killer.status().is_ok_and(|status| status.success()) {
                    break;
                }
            }
        }
    }
}

/// The program that kills these processes or groups, and the shell, which has it built in.
fn killers_of(targets: &[String]) -> Vec<std::process::Command> {
    let mut program = std::process::Command::new("kill");
    program.args(["-KILL", "--"]).args(targets);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "kill -s KILL -- \"$@\"", "sh"]).args(targets);
    let quiet = |mut command: std::process::Command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    [program, shell].map(quiet).into()
}

/// Collects the end of a program's standard error.
#[derive(Debug)]
struct Stderr {
    kept: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Stderr {
    fn collect(mut stderr: ChildStderr) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::clone(&kept);
        let reader = tokio::spawn(async move {
            let mut chunk = [0; 1024];
            while let Ok(length @ 1..) = stderr.read(&mut chunk).await {
                let mut kept = writer.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&chunk[..length]);
                let surplus = kept.len().saturating_sub(KEPT_STDERR);
                kept.drain(..surplus);
            }
        });
        Self { kept, reader }
    }

    /// The collected text. A process that left its group may keep the stream open; it is not
    /// awaited.
    async fn finish(&mut self) -> String {
        let _ = timeout(TIME_TO_EXIT, &mut self.reader).await;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).trim().to_owned()
    }
}

impl Drop for Stderr {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ExampleId;
    use futures_util::{StreamExt, stream};
    use serde_json::json;
    use std::collections::BTreeSet;

    const LONG: Duration = Duration::from_secs(30);

    /// Replies with the answer as feedback, and writes its process id to a file.
    const ECHO: &str = r#"
        echo $$ >> pids
        while read -r line; do
            answer=${line#*\"answer\":}
            answer=${answer%%,\"expected\"*}
            printf '{"score":0.5,"feedback":%s,"metrics":{"x":2}}\n' "$answer"
        done"#;

    struct Pool {
        folder: tempfile::TempDir,
        pool: CommandPool,
    }

    fn pool(script: &str, limit: Duration) -> Pool {
        let folder = tempfile::tempdir().unwrap();
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        let pool = CommandPool::new(
            argv,
            folder.path(),
            limit,
            allowed_environment(std::env::vars_os(), &[]),
        );
        Pool { folder, pool }
    }

    impl Pool {
        async fn ask(&self, answer: &str) -> Result<Verdict, CommandError> {
            self.pool.score(answer, &row()).await
        }

        fn pids(&self) -> Vec<String> {
            let pids = std::fs::read_to_string(self.folder.path().join("pids")).unwrap_or_default();
            pids.lines().map(str::to_owned).collect()
        }
    }

    fn row() -> Example {
        Example {
            id: ExampleId::new("r1"),
            columns: serde_json::Map::new(),
            answer: json!("x"),
            feedback: None,
            group: None,
            line: 1,
        }
    }

    fn is_alive(pid: &str) -> bool {
        let alive = std::process::Command::new("sh")
            .args(["-c", "kill -0 \"$0\" 2>/dev/null", pid])
            .status()
            .unwrap();
        // A process that has not been reaped yet counts as dead.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        alive.success() && !matches!(state, Some('Z' | 'X'))
    }

    async fn assert_all_die(pids: &[String]) {
        assert!(!pids.is_empty());
        for _ in 0..100 {
            if !pids.iter().any(|pid| is_alive(pid)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("left behind: {:?}", pids.iter().filter(|pid| is_alive(pid)).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_reply_is_a_verdict_and_the_process_is_kept() {
        let pool = pool(ECHO, LONG);
        for answer in ["one", "two \u{2028} \n lines"] {
            let verdict = pool.ask(answer).await.unwrap();
            assert_eq!(verdict.score.value(), 0.5);
            assert_eq!(verdict.feedback.as_deref(), Some(answer));
            assert_eq!(verdict.metrics["x"], 2.0);
        }
        let pids = pool.pids();
        assert_eq!(pids.len(), 1);
        assert!(is_alive(&pids[0]));
        drop(pool.pool);
        assert_all_die(&pids).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_thousand_answers_at_eight_in_parallel() {
        let mut pool = pool(ECHO, LONG);
        pool.pool = pool.pool.at_most(8);
        let pool = &pool;
        let said: Vec<(usize, Verdict)> = stream::iter(0..1_000)
            .map(async |number| (number, pool.ask(&format!("a{number}")).await.unwrap()))
            .buffer_unordered(32)
            .collect()
            .await;
        assert_eq!(said.len(), 1_000);
        for (number, verdict) in said {
            assert_eq!(verdict.feedback, Some(format!("a{number}")));
        }
        let pids: BTreeSet<String> = pool.pids().into_iter().collect();
        assert!((1..=8).contains(&pids.len()), "{pids:?}");
    }

    #[tokio::test]
    async fn a_program_may_exit_after_one_line() {
        let pool = pool("read -r line; echo $$ >> pids; echo '{\"score\": 1}'", LONG);
        for _ in 0..5 {
            assert_eq!(pool.ask("a").await, Ok(Verdict::right()));
        }
        assert_eq!(pool.pids().len(), 5);
    }

    #[tokio::test]
    async fn a_program_may_reply_without_reading() {
        let pool = pool("printf '{\"score\": 0}'", LONG);
        let huge = "x".repeat(1 << 20);
        for _ in 0..2 {
            assert_eq!(pool.ask(&huge).await.unwrap().score, Score::ZERO);
        }
    }

    #[tokio::test]
    async fn a_program_that_never_replies_is_stopped_with_its_children() {
        let script = "echo $$ >> pids; sleep 1000 & echo $! >> pids; echo waiting >&2; while true; do :; done";
        let pool = pool(script, Duration::from_millis(500));
        let begun = Instant::now();
        let error = pool.ask("a").await.unwrap_err();
        assert_eq!(
            error,
            CommandError::Deadline { limit: Duration::from_millis(500), stderr: "waiting".into() }
        );
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert_eq!(error.to_string(), "no reply within 0.5 s; its standard error: waiting");
        assert_eq!(pool.pids().len(), 2);
        assert_all_die(&pool.pids()).await;
    }

    #[tokio::test]
    async fn children_of_a_program_that_is_kept_or_has_exited_die_with_the_pool() {
        for ending in ["cat > /dev/null", "exit 0"] {
            let script = format!(
                "sleep 1000 >/dev/null 2>&1 & echo $! >> pids; read -r line; echo '{{\"score\": 1}}'; {ending}"
            );
            let pool = pool(&script, LONG);
            assert_eq!(pool.ask("a").await, Ok(Verdict::right()));
            let pids = pool.pids();
            drop(pool.pool);
            assert_all_die(&pids).await;
        }
    }

    /// By what is in their environment.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn children_that_leave_the_group_of_their_program_die_with_it() {
        let script = "setsid sh -c 'echo $$ >> pids; exec sleep 1000' >/dev/null 2>&1 & while [ ! -s pids ]; do sleep 0.05; done; read -r line; echo '{\"score\": 1}'; cat";
        let pool = pool(script, LONG);
        assert_eq!(pool.ask("a").await, Ok(Verdict::right()));
        let pids = pool.pids();
        drop(pool.pool);
        assert_all_die(&pids).await;
    }

    #[tokio::test]
    async fn a_cancelled_question_leaves_nothing_behind() {
        let pool = pool("echo $$ >> pids; sleep 1000 & echo $! >> pids; wait", LONG);
        assert!(timeout(Duration::from_millis(500), pool.ask("a")).await.is_err());
        assert_eq!(pool.pids().len(), 2);
        assert_all_die(&pool.pids()).await;
    }

    #[tokio::test]
    async fn an_end_without_a_reply_is_an_error_with_status_and_last_words() {
        let long_words = "i=0; while [ $i -lt 500 ]; do echo line $i >&2; i=$((i+1)); done; exit 3";
        let error = pool(long_words, LONG).ask("a").await.unwrap_err();
        let CommandError::Exited { status, stderr } = error else { panic!("{error:?}") };
        assert_eq!(status, "exit status: 3");
        assert!(stderr.ends_with("line 499") && stderr.len() <= KEPT_STDERR, "{stderr}");
        let killed = pool("read -r line; kill -TERM $$", LONG).ask("a").await.unwrap_err();
        assert!(killed.to_string().contains("signal: 15"), "{killed}");
    }

    #[tokio::test]
    async fn a_program_that_dies_of_one_answer_still_serves_the_others() {
        let script = "while read -r line; do case $line in *bad*) exit 1;; esac; echo '{\"score\": 1}'; done";
        let pool = pool(script, LONG);
        assert!(pool.ask("good").await.is_ok());
        assert!(matches!(pool.ask("bad").await, Err(CommandError::Exited { .. })));
        assert!(pool.ask("good").await.is_ok());
    }

    #[tokio::test]
    async fn what_is_not_a_score_is_an_error_and_never_a_zero() {
        for (reply, message) in [
            ("hello", "expected value"),
            ("", "EOF while parsing"),
            ("0.5", "needs `score`"),
            ("{}", "needs `score`"),
            ("{\"score\": 2}", "the score 2 is not in [0, 1]"),
            ("{\"score\": null}", "invalid type: null"),
            ("{\"score\": \"1\"}", "invalid type: string"),
            (
                "{\"score\": 1, \"reason\": \"x\"}",
                "unknown key `reason`: known: score, feedback, metrics, id",
            ),
            ("{\"score\": 1, \"metrics\": {\"a\": \"b\"}}", "invalid type: string"),
            ("{\"score\": 1, \"id\": \"r2\"}", "scored the row `r2`"),
            ("{\"score\": 1} {\"score\": 1}", "trailing characters"),
        ] {
            let script = format!("read -r line; echo oh >&2; echo '{reply}'; cat");
            let error = pool(&script, LONG).ask("a").await.unwrap_err();
            let CommandError::Malformed { message: said, excerpt, .. } = &error else {
                panic!("{reply}: {error:?}")
            };
            assert!(said.contains(message), "{reply}: {error}");
            assert_eq!(excerpt, reply);
        }
    }

    #[tokio::test]
    async fn a_second_line_is_not_taken_for_the_next_reply() {
        let pool = pool(
            "echo $$ >> pids; while read -r line; do echo '{\"score\": 1}'; sleep 0.1; echo '{\"score\": 0}'; done",
            LONG,
        );
        assert_eq!(pool.ask("a").await, Ok(Verdict::right()));
        tokio::time::sleep(Duration::from_millis(400)).await;
        let error = pool.ask("b").await.unwrap_err();
        assert!(error.to_string().contains("more than one line"), "{error}");
        assert_all_die(&pool.pids()).await;
    }

    #[tokio::test]
    async fn an_endless_line_is_stopped() {
        let error = pool(
            "while true; do printf xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
            LONG,
        );
        let error = error.ask("a").await.unwrap_err();
        assert!(error.to_string().contains("longer than 1,048,576 bytes"), "{error}");
    }

    #[tokio::test]
    async fn only_listed_variables_are_seen() {
        let all = [("PATH", "/usr/bin:/bin"), ("OPENAI_API_KEY", "secret"), ("MODEL", "m")];
        let all = all.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let spec = CommandSpec {
            argv: ["sh", "-c", r#"read -r line; printf '{"score":1,"feedback":"%s/%s"}\n' "$MODEL" "$OPENAI_API_KEY""#]
                .map(str::to_owned)
                .to_vec(),
            timeout: LONG,
            env: vec!["MODEL".into()],
        };
        let pool = CommandPool::of(&spec, Path::new("."), all);
        assert_eq!(pool.score("a", &row()).await.unwrap().feedback.as_deref(), Some("m/"));
    }

    #[tokio::test]
    async fn a_program_is_found_beside_the_task() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("score.sh");
        std::fs::write(&script, "#!/bin/sh\nread -r line\necho '{\"score\": 1}'\n").unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        // The same folder as a relative path.
        let up = std::env::current_dir().unwrap().components().count() - 1;
        let relative = "../".repeat(up) + folder.path().to_str().unwrap().trim_start_matches('/');
        let pool = |program: &str, folder: &Path| {
            CommandPool::new(vec![program.to_owned()], folder, Duration::MAX, Vec::new())
        };
        for folder in [folder.path(), Path::new(&relative)] {
            let said = pool("./score.sh", folder).score("a", &row()).await;
            assert_eq!(said, Ok(Verdict::right()));
        }
        let missing = pool("./other.sh", folder.path()).score("a", &row()).await;
        let missing = missing.unwrap_err().to_string();
        assert!(missing.starts_with("cannot start `./other.sh`: "), "{missing}");
    }
}
