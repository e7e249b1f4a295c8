//! The end of what a program writes to its output or its standard error.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a process may take to exit after it closed its output, before it is killed.
pub(super) const TIME_TO_EXIT: Duration = Duration::from_millis(500);

/// How many bytes of the end are kept, unless more are asked for.
pub(super) const KEPT: usize = 2 * 1024;

/// Collects the end of a stream.
#[derive(Debug)]
pub(super) struct Tail {
    kept: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Tail {
    pub(super) fn collect(stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        Self::collect_last(KEPT, stream)
    }

    /// The same with this many bytes of the end.
    pub(super) fn collect_last(
        most: usize,
        mut stream: impl AsyncRead + Unpin + Send + 'static,
    ) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::clone(&kept);
        let reader = tokio::spawn(async move {
            let mut chunk = [0; 1024];
            while let Ok(length @ 1..) = stream.read(&mut chunk).await {
                let mut kept = writer.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&chunk[..length]);
                let surplus = kept.len().saturating_sub(most);
                kept.drain(..surplus);
            }
        });
        Self { kept, reader }
    }

    /// The collected text. A process that left its group may keep the stream open; it is not
    /// awaited.
    pub(super) async fn finish(&mut self) -> String {
        let _ = timeout(TIME_TO_EXIT, &mut self.reader).await;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).trim().to_owned()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
