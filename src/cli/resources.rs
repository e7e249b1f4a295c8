//! Whether the system gives a run the threads and files that it needs.
//!
//! Containers allow few of them, and what libraries do without is a panic or a wait that does not end.
//! So they are asked for before a run begins.

use super::error::CliError;
use crate::task::Task;
use std::fs::File;
use std::sync::mpsc;
use std::thread;

/// Threads of the store, of the journal and of the program itself.
const THREADS: usize = 12;
/// Threads for each processor: the runtime's, the statistics', and those that read files.
const THREADS_OF_EACH: usize = 3;
/// Files of the store, the journal and the run's folder.
const FILES: usize = 48;
/// More connections at a time are rare, and are not tried out.
const MOST_CONNECTIONS: usize = 1_024;

/// Checks that there are enough threads, and enough files for this number of connections at a time.
///
/// # Errors
/// The system allows too few.
pub(super) fn check(connections: usize) -> Result<(), CliError> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let threads = THREADS + THREADS_OF_EACH * processors;
    if !can_start(threads) {
        let message = format!("the system allows this program too few threads: it needs {threads}");
        return Err(CliError::unexpected(message).hint(
            "raise the limit on processes (`ulimit -u`, or the pids limit of the container)",
        ));
    }
    let files = FILES + connections.min(MOST_CONNECTIONS);
    if !can_open(files) {
        let message =
            format!("the system allows this program too few open files: it needs {files}");
        return Err(CliError::unexpected(message)
            .hint("raise the limit on open files (`ulimit -n`), or lower `--concurrency`"));
    }
    Ok(())
}

/// How many connections a run of a task has at a time.
pub(super) fn connections(task: &Task, concurrency: Option<usize>) -> usize {
    let asked = task.providers().values().filter(|provider| !provider.is_simulated());
    let own: usize = asked.map(|provider| concurrency.unwrap_or(provider.concurrency())).sum();
    concurrency.map_or(own, |most| own.min(most))
}

/// Whether this number of threads can run at a time.
fn can_start(count: usize) -> bool {
    let (sender, receiver) = mpsc::channel::<()>();
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(receiver));
    let mut started = Vec::with_capacity(count);
    for _ in 0..count {
        let receiver = std::sync::Arc::clone(&receiver);
        // Each waits until the sender is gone.
        let wait = move || drop(receiver.lock().map(|receiver| receiver.recv()));
        match thread::Builder::new().stack_size(64 * 1024).spawn(wait) {
            Ok(thread) => started.push(thread),
            Err(_) => break,
        }
    }
    drop(sender);
    let is_enough = started.len() == count;
    for thread in started {
        let _ = thread.join();
    }
    is_enough
}

/// Whether this number of files can be open at a time.
fn can_open(count: usize) -> bool {
    let Ok(program) = std::env::current_exe() else { return true };
    let open: Result<Vec<File>, _> = (0..count).map(|_| File::open(&program)).collect();
    open.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_system_gives_is_there() {
        assert!(can_start(4) && can_open(16));
    }
}
