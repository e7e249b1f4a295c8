//! A model whose answers take time: log-normal, and the same for the same request whenever it is sent.

use crate::options::Latencies;
use async_trait::async_trait;
use promptsearch::provider::{Llm, LlmError, Reply, Request};
use promptsearch::seed::Seed;
use promptsearch::sim::{EDITOR, SimLlm};
use rand_distr::{Distribution, StandardNormal};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A simulated model with latencies.
pub(crate) struct TimedLlm {
    llm: SimLlm,
    /// `None`: it answers at once.
    latencies: Option<Latencies>,
    /// Microseconds of all answers together.
    busy: AtomicU64,
}

impl TimedLlm {
    pub(crate) fn new(llm: SimLlm, latencies: Option<Latencies>) -> Self {
        Self { llm, latencies, busy: AtomicU64::new(0) }
    }

    /// Seconds of all answers together.
    pub(crate) fn busy(&self) -> f64 {
        self.busy.load(Ordering::Relaxed) as f64 / 1e6
    }
}

impl Latencies {
    fn draw(&self, request: &Request) -> Duration {
        let [answers, proposals] = self.medians;
        let median = if request.model.model() == EDITOR { proposals } else { answers };
        let mut rng = Seed(0).child(&request.hash().to_string(), 0).rng();
        let z: f64 = StandardNormal.sample(&mut rng);
        Duration::from_secs_f64((median * (self.sigma * z).exp()).min(3_600.0))
    }
}

#[async_trait]
impl Llm for TimedLlm {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        let reply = self.llm.complete(request).await;
        if let Some(latencies) = &self.latencies {
            let latency = latencies.draw(request);
            let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
            self.busy.fetch_add(micros, Ordering::Relaxed);
            tokio::time::sleep(latency).await;
        }
        reply
    }
}
