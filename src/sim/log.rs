//! The simulated server's request log: one JSON line per answer, written aside of the requests.

use serde::Serialize;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The longest that a line waits in memory.
const FLUSH: Duration = Duration::from_millis(50);

/// What is written about one request.
#[derive(Serialize)]
pub(super) struct LogEntry<'a> {
    pub(super) body: &'a str,
    pub(super) model: &'a str,
    pub(super) seed: u64,
    pub(super) row: Option<&'a str>,
    /// Why there was no whole answer.
    pub(super) fault: Option<&'static str>,
}

/// A log that is being written. Dropping it writes the rest.
#[derive(Debug)]
pub(super) struct RequestLog {
    lines: Option<Sender<Vec<u8>>>,
    writer: Option<JoinHandle<()>>,
}

impl RequestLog {
    /// Appends to a file.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        let (lines, received) = channel();
        let writer = std::thread::Builder::new()
            .name("simulated-log".to_owned())
            .spawn(move || write(file, &received))?;
        Ok(Self { lines: Some(lines), writer: Some(writer) })
    }

    /// Hands over one line.
    pub(super) fn add(&self, line: &LogEntry<'_>) {
        let mut bytes = serde_json::to_vec(line).unwrap_or_default();
        bytes.push(b'\n');
        if let Some(lines) = &self.lines {
            // A writer that is gone has said so already.
            let _ = lines.send(bytes);
        }
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        drop(self.lines.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn write(file: File, lines: &Receiver<Vec<u8>>) {
    let mut file = BufWriter::new(file);
    let mut flushed = Instant::now();
    let result: io::Result<()> = loop {
        match lines.recv_timeout(FLUSH) {
            Ok(line) => {
                if let Err(error) = file.write_all(&line) {
                    break Err(error);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break Ok(()),
        }
        if flushed.elapsed() >= FLUSH {
            if let Err(error) = file.flush() {
                break Err(error);
            }
            flushed = Instant::now();
        }
    };
    if let Err(error) = result.and_then(|()| file.flush()) {
        tracing::error!("the request log cannot be written: {error}");
    }
}
