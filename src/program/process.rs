//! One process of a program: it is sent a line, and replies with a line.

use super::group::ProcessGroup;
use super::tail::{TIME_TO_EXIT, Tail};
use futures_util::FutureExt;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::{Instant, timeout, timeout_at};

/// The longest reply that is accepted.
pub(super) const LONGEST_REPLY: usize = 1 << 20;

/// Why no line could be read.
pub(super) enum Failure {
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
pub(super) struct Process {
    /// Dropped first: as long as the leader is not reaped, its process id cannot be reused.
    group: ProcessGroup,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    stderr: Tail,
    /// The whole request was read, and nothing follows the reply.
    in_step: bool,
}

impl Process {
    pub(super) fn new(mut child: Child, group: ProcessGroup) -> Option<Self> {
        Some(Self {
            stdin: child.stdin.take()?,
            stdout: BufReader::new(child.stdout.take()?),
            stderr: Tail::collect(child.stderr.take()?),
            child,
            group,
            in_step: false,
        })
    }

    pub(super) fn can_be_reused(&self) -> bool {
        self.in_step && self.stdout.buffer().is_empty()
    }

    /// Sends one line and reads one. A new process may write its reply before it reads.
    pub(super) async fn ask(&mut self, line: &[u8], deadline: Instant) -> Result<Vec<u8>, Failure> {
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

    /// The same for a process that was asked before.
    pub(super) async fn ask_again(
        &mut self,
        line: &[u8],
        deadline: Instant,
    ) -> Result<Vec<u8>, Failure> {
        // What it wrote since is known to the reader once the events of the system were looked at.
        tokio::task::yield_now().await;
        self.refuse_stale_output()?;
        self.ask(line, deadline).await
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
    pub(super) async fn end(mut self, patience: Duration) -> (String, String) {
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
