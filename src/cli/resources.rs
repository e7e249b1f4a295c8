//! Whether the system gives a run the threads, files and memory that it needs.
//!
//! Containers allow little of them, and libraries panic or hang without them. So they are asked for before a run begins. Memory that runs out later ends the process as a kill
//! does: `resume` goes on.

use super::error::CliError;
use crate::task::Task;
use std::fs::File;
use std::path::Path;
use std::sync::mpsc;
use std::thread;

/// Threads of the store, of the journal and of the program itself.
const THREADS: usize = 12;
/// Threads for each processor: the runtime's, the statistics', and those that read files.
const THREADS_OF_EACH: usize = 3;
/// Files of the store, the journal and the run's folder.
const FILES: usize = 48;
/// More connections at a time are rare, and are not tried out.
const MAX_CONNECTIONS: usize = 1_024;

/// Memory of a run with little data, in bytes: 21 MB were measured.
const MEMORY: usize = 32 << 20;
/// What a thread may take of the address space: its stack, and an arena of the C library's allocator.
const ADDRESSES_OF_THREAD: usize = 66 << 20;

/// Checks that there are enough threads and memory, and enough files for this number of connections at
/// a time.
///
/// # Errors
/// The system allows too few.
pub(super) fn check(connections: usize) -> Result<(), CliError> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let threads = THREADS + THREADS_OF_EACH * processors;
    let needed = MEMORY + threads * ADDRESSES_OF_THREAD;
    enough_memory("address space", needed, address_space())?;
    enough_memory("memory", MEMORY, memory_of_container())?;
    if !can_start(threads) {
        let message = format!("the system allows this program too few threads: it needs {threads}");
        return Err(CliError::unexpected(message).hint(
            "raise the limit on processes (`ulimit -u`, or the pids limit of the container)",
        ));
    }
    let files = FILES + connections.min(MAX_CONNECTIONS);
    if !can_open(files) {
        let message =
            format!("the system allows this program too few open files: it needs {files}");
        return Err(CliError::unexpected(message)
            .hint("raise the limit on open files (`ulimit -n`), or lower `--concurrency`"));
    }
    Ok(())
}

fn enough_memory(what: &str, needed: usize, limit: Option<usize>) -> Result<(), CliError> {
    let Some(limit) = limit.filter(|limit| *limit < needed) else { return Ok(()) };
    let message = format!(
        "the system allows this program {} MiB of {what}: it needs {}",
        limit >> 20,
        needed >> 20
    );
    let hint = "raise the limit (`ulimit -v`, or the memory limit of the container)";
    Err(CliError::unexpected(message).hint(hint))
}

/// The limit on this process's address space in bytes, if there is one.
fn address_space() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The memory limit of this process's control group in bytes, if there is one.
fn memory_of_container() -> Option<usize> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let limit = Path::new("/sys/fs/cgroup").join(group).join("memory.max");
    std::fs::read_to_string(limit).ok()?.trim().parse().ok()
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
        match thread::Builder::new().spawn(wait) {
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

    #[test]
    fn too_little_memory_is_told_with_both_numbers() {
        assert!(enough_memory("memory", MEMORY, None).is_ok());
        assert!(enough_memory("memory", MEMORY, Some(MEMORY)).is_ok());
        let error = enough_memory("memory", MEMORY, Some(8 << 20)).unwrap_err();
        let told = "the system allows this program 8 MiB of memory: it needs 32";
        assert!(error.to_string().contains(told), "{error}");
    }
}
