//! All processes that a program started: how they are found and killed.

use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

/// A value in the environment of a program and of all that it starts, by which those are found that
/// left its process group.
#[derive(Debug)]
pub(super) struct Mark(pub(super) String);

impl Mark {
    pub(super) const VARIABLE: &str = "PROMPTSEARCH_PROGRAM";

    pub(super) fn new() -> Self {
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
pub(crate) struct ProcessGroup {
    /// `None` once the group is killed.
    pub(super) leader: Option<u32>,
    pub(super) mark: Mark,
}

impl ProcessGroup {
    /// Leaves what the program started alone: it ended by itself.
    pub(crate) fn release(&mut self) {
        self.leader = None;
    }

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

    pub(super) async fn kill(&self) {
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
