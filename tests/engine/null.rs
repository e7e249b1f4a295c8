//! If no prompt is better than another, no gain may be claimed.

use crate::support::{Lab, shipped_task};
use promptsearch::caps::Caps;
use promptsearch::event::Finish;
use promptsearch::provider::{Llm, LlmError, Reply, Request};
use promptsearch::task::model::Usage;
use std::collections::HashMap;
use std::sync::Arc;

/// Every prompt is right on six of ten rows, drawn separately for each prompt and run; the mutator adds
/// words without an effect. If runs shared the draw of their baseline, its luck would be that of all.
struct Indifferent {
    labels: Arc<HashMap<String, String>>,
    wrong: String,
    run: u64,
}

impl Indifferent {
    fn labels() -> HashMap<String, String> {
        let task = shipped_task();
        let rows = [&task.splits.train[..], &task.splits.dev, task.splits.hold.open_held_out()];
        rows.into_iter()
            .flatten()
            .map(|row| {
                let message = task.layout.render(&task.baseline, row).unwrap().pop().unwrap();
                (message.content, row.answer.as_str().unwrap().to_owned())
            })
            .collect()
    }
}

#[async_trait::async_trait]
impl Llm for Indifferent {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        let request_of_run = [&self.run.to_le_bytes()[..], request.hash().as_bytes()].concat();
        let hash = blake3::hash(&request_of_run);
        let draw = u16::from_le_bytes([hash.as_bytes()[0], hash.as_bytes()[1]]);
        let text = if request.model.model() == "editor" {
            let asked = &request.messages[0].content;
            let from = asked.find("<prompt-").unwrap();
            let open = &asked[from..=from + asked[from..].find('>').unwrap()];
            let nonce = &open["<prompt-".len()..][..16];
            let close = format!("</prompt-{nonce}>");
            let (_, rest) = asked[from..].split_once('>').unwrap();
            let (current, _) = rest.split_once(&close).unwrap();
            format!("{open}\n{} Word {draw}.\n{close}", current.trim())
        } else {
            let row = &request.messages.last().unwrap().content;
            if u32::from(draw) * 10 < 6 * 65_536 { &self.labels[row] } else { &self.wrong }.clone()
        };
        let usage = Usage::plain(50, 10);
        Ok(Reply {
            text,
            usage: Some(usage),
            finish: Finish::Stop,
            why: String::new(),
            envelope: Box::default(),
        })
    }
}

#[test]
fn at_most_one_run_in_twenty_claims_a_gain_that_does_not_exist() {
    const RUNS: u64 = 200;
    let labels = Arc::new(Indifferent::labels());
    let mut confirmed = 0;
    let mut searched = 0;
    for seed in 1..=RUNS {
        let caps = Caps { calls: Some(1_000), ..Caps::default() };
        let (labels, wrong) = (Arc::clone(&labels), "no department".to_owned());
        let llm: Arc<dyn Llm> = Arc::new(Indifferent { labels, wrong, run: seed });
        let ended = Lab::new("auto", seed, caps, 64).run(|_| Arc::clone(&llm));
        confirmed += u64::from(ended.summary.confirmed == Some(true));
        searched += u64::from(ended.state.candidates.len() > 5);
    }
    assert!(searched > RUNS * 9 / 10, "{searched} of {RUNS} runs tried anything");
    assert!(confirmed * 20 <= RUNS, "{confirmed} of {RUNS} runs claim a gain");
}
