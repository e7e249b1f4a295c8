//! A complete, durable run over HTTP against the simulated models in another process, and a bare
//! client loop against the same server, to measure the overhead of journal, strategy and budget.
//!
//! `cargo bench --bench throughput -- [--calls 60000] [--in-flight 64]`

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const PROGRAM: &str = env!("CARGO_BIN_EXE_promptsearch");

fn number(name: &str, default: u64) -> u64 {
    let arguments: Vec<String> = std::env::args().collect();
    arguments
        .windows(2)
        .find(|pair| pair[0] == name)
        .map_or(default, |pair| pair[1].parse().expect("a number"))
}

/// The simulated models in a separate process, which is killed on drop.
struct Server {
    child: Child,
    base_url: String,
}

impl Server {
    fn start(task: &Path) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["simulate", "--json", "--task"])
            .arg(task)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("its first line");
        let said: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let base_url = said["base_url"].as_str().expect("an address").to_owned();
        Self { child, base_url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The shipped task with the server's models.
fn task_over_http(folder: &Path, base_url: &str) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("tasks/ticket-routing");
    for file in ["system.md", "examples.jsonl"] {
        std::fs::copy(shipped.join(file), folder.join(file)).expect("a copy");
    }
    let text = std::fs::read_to_string(shipped.join("task.toml")).expect("the task");
    let text = text.replace("sim/clerk", "local/clerk").replace("sim/editor", "local/editor");
    let text = format!(
        "{text}\n[providers.local]\nkind = \"openai\"\nbase_url = \"{base_url}\"\nfree = true\n"
    );
    std::fs::write(folder.join("task.toml"), text).expect("the copy's task");
}

/// Requests per second of a client that only sends requests and reads answers.
fn bare(base_url: &str, calls: u64, in_flight: u64) -> f64 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = format!("{base_url}/chat/completions");
    runtime.block_on(async {
        let client = reqwest::Client::builder().http1_only().build().expect("a client");
        let next = Arc::new(AtomicU64::new(0));
        let started = Instant::now();
        let workers: Vec<_> = (0..in_flight)
            .map(|_| {
                let (client, next, url) = (client.clone(), Arc::clone(&next), url.clone());
                tokio::spawn(async move {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= calls {
                            return;
                        }
                        // A body as long as a run's, and always different.
                        let body = serde_json::json!({
                            "model": "clerk",
                            "messages": [
                                {"role": "system", "content": "You route customer tickets to a department. \
                                 The departments are billing, logistics, claims, security, retention and \
                                 technical. Read the ticket and answer with the department."},
                                {"role": "user", "content": format!("Where is my parcel, number {number}? \
                                 It should have been here a week ago and nobody can tell me.")},
                            ],
                            "temperature": 0.0, "max_tokens": 512, "seed": 0,
                        });
                        let response = client
                            .post(&url)
                            .header("content-type", "application/json")
                            .body(body.to_string())
                            .send()
                            .await
                            .expect("an answer");
                        let bytes = response.bytes().await.expect("a body");
                        let _: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.expect("a worker");
        }
        calls as f64 / started.elapsed().as_secs_f64()
    })
}

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let (calls, in_flight) = (number("--calls", 60_000), number("--in-flight", 64));
    let folder = tempfile::tempdir().expect("a folder");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("tasks/ticket-routing");
    let server = Server::start(&shipped);
    task_over_http(folder.path(), &server.base_url);

    let before = bare(&server.base_url, calls, in_flight);
    let started = Instant::now();
    let output = Command::new(PROGRAM)
        .args(["run", "--strategy", "random", "--json", "--quiet", "--name", "throughput"])
        .args(["--max-calls", &calls.to_string(), "--concurrency", &in_flight.to_string()])
        .args(["--set", &format!("schedule.lookahead={}", 4 * in_flight)])
        .arg("--out")
        .arg(folder.path().join("results"))
        .arg(folder.path())
        .output()
        .expect("a run");
    let seconds = started.elapsed().as_secs_f64();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let evaluations = summary["counts"]["evaluations"].as_u64().expect("a count");
    let after = bare(&server.base_url, calls, in_flight);

    let rate = evaluations as f64 / seconds;
    let bare = f64::midpoint(before, after);
    let run = folder.path().join("results/throughput");
    let journal: u64 = bytes_below(&run.join("journal"));
    let events = std::fs::metadata(run.join("events.jsonl")).map_or(0, |file| file.len());
    println!(
        "{evaluations} evaluations in {seconds:.1} s, {in_flight} in flight, everything durable"
    );
    println!("  run         {rate:>9.0} evaluations/s (start, confirmation and report included)");
    println!("  bare client {bare:>9.0} requests/s ({before:.0} before, {after:.0} after)");
    println!("  ratio       {:>9.2}", rate / bare);
    println!(
        "  on disk     {:>9.0} bytes per evaluation (sled {}, events.jsonl {})",
        (journal + events) as f64 / evaluations as f64,
        journal / evaluations,
        events / evaluations
    );
}

fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => bytes_below(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
