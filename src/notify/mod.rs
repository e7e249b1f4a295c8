//! Tells the user's program, or a webhook, how a run is doing: at its end, on trouble, and when a share of a
//! cap is spent.
//!
//! What is told holds figures and the verdict, and neither prompts nor rows nor keys. A message that cannot be
//! delivered is a warning: nothing of the run depends on it.

mod message; // What is told.
mod thresholds; // Which share of a cap is spent.
mod delivery; // How it is told.

pub use delivery::Recipient;
pub use message::{Message, Occasion};

use crate::caps::Caps;
use crate::event::Event;
use crate::id::EventNumber;
use crate::memory::{Observer, State};
use crate::run::{Meter, RunFile};
use message::Figures;
use std::sync::{Arc, Mutex, PoisonError};
use thresholds::Thresholds;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Messages that are delivered one after the other, while the run goes on.
pub struct Notifier {
    post: mpsc::UnboundedSender<Message>,
    delivery: JoinHandle<()>,
    failed: Arc<Mutex<Vec<String>>>,
}

impl Notifier {
    /// Begins to deliver. It needs a runtime of tokio.
    #[must_use]
    pub fn new(recipients: Vec<Recipient>) -> Self {
        let (post, mut messages) = mpsc::unbounded_channel::<Message>();
        let failed: Arc<Mutex<Vec<String>>> = Arc::default();
        let known = Arc::clone(&failed);
        let delivery = tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                for recipient in &recipients {
                    if let Err(why) = recipient.tell(&message).await {
                        tracing::warn!(%why, "a notification was not delivered");
                        known.lock().unwrap_or_else(PoisonError::into_inner).push(why);
                    }
                }
            }
        });
        Self { post, delivery, failed }
    }

    /// Tells when a share of a cap is spent; `shares` are in order.
    #[must_use]
    pub fn watcher(
        &self,
        file: &RunFile,
        caps: Caps,
        shares: &[f64],
        meter: Meter,
    ) -> SpendingWatcher {
        let thresholds = Thresholds::new(shares);
        let (run, task) = (file.run.to_string(), file.task_name.clone());
        SpendingWatcher { run, task, caps, thresholds, meter, post: self.post.clone() }
    }

    /// Tells something.
    pub fn tell(&self, message: Message) {
        // The receiver ends only after this.
        let _ = self.post.send(message);
    }

    /// Waits until all is delivered; each recipient has its own time limit. What was not delivered, and why.
    pub async fn finish(self) -> Vec<String> {
        let Self { post, delivery, failed } = self;
        drop(post);
        let _ = delivery.await;
        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *failed)
    }
}

/// Watches what a search spends.
pub struct SpendingWatcher {
    run: String,
    task: String,
    caps: Caps,
    thresholds: Thresholds,
    meter: Meter,
    post: mpsc::UnboundedSender<Message>,
}

impl SpendingWatcher {
    fn look(&mut self, state: &State) {
        let caps = state.caps.unwrap_or(self.caps);
        let reading = self.meter.read();
        let Some((share, cap)) = thresholds::largest_share(&reading, &caps) else { return };
        if let Some(threshold) = self.thresholds.reached(share, caps) {
            let occasion = Occasion::Threshold { share: threshold, of: cap };
            let figures = Figures::of(&reading);
            let message = Message::new(&self.run, &self.task, occasion, figures, caps);
            let _ = self.post.send(message);
        }
    }
}

impl Observer for SpendingWatcher {
    fn observe(&mut self, _number: EventNumber, event: &Event, state: &State) {
        // What is spent changes with an answer, which is folded somewhat later.
        if matches!(event, Event::EvaluationFolded { .. } | Event::ProposalFolded { .. }) {
            self.look(state);
        }
    }

    fn tick(&mut self, state: &State) {
        self.look(state);
    }
}
