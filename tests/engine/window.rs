//! A mutator with a small context window: evidence is cut, but not the text to improve.

use crate::support::Lab;
use promptsearch::caps::Caps;
use promptsearch::event::{Event, ProposalOutcome};
use promptsearch::provider::{Llm, LlmError, Reply, Request};
use std::sync::{Arc, Mutex};

const WINDOW: u64 = 1_700;
const REPLY: u64 = 600;

struct Recording(Arc<Mutex<Vec<Request>>>, Arc<dyn Llm>);

#[async_trait::async_trait]
impl Llm for Recording {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        if request.model.model() == "editor" {
            self.0.lock().unwrap().push(request.clone());
        }
        self.1.complete(request).await
    }
}

#[test]
fn every_request_fits_the_window_and_contains_the_current_text() {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let caps = Caps { calls: Some(1_500), ..Caps::default() };
    let mut lab = Lab::new("gepa", 1, caps, 8);
    lab.sets = vec!["operator.0.feedback.size=8".to_owned()];
    lab.edits = vec![(
        "max_output_tokens = 2000",
        format!("max_output_tokens = {REPLY}, context_tokens = {WINDOW}"),
    )];
    let ended = lab.run(|llm| Arc::new(Recording(Arc::clone(&requests), llm)));
    let texts: Vec<String> = ended
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Started { baseline, .. } => Some(&baseline.prompt),
            Event::ProposalFolded { outcome: ProposalOutcome::Added { candidate, .. }, .. }
            | Event::CandidateComposed {
                outcome: ProposalOutcome::Added { candidate, .. }, ..
            } => Some(&candidate.prompt),
            _ => None,
        })
        .map(|prompt| prompt.part("system").unwrap().trim().to_owned())
        .collect();
    let requests = requests.lock().unwrap();
    for request in &*requests {
        let text = &request.messages[0].content;
        assert!((text.len() as u64).div_ceil(3) + REPLY <= WINDOW, "{} bytes", text.len());
        let (_, rest) = text.split_once("<prompt-").unwrap();
        let (_, rest) = rest.split_once(">\n").unwrap();
        let (current, _) = rest.split_once("</prompt-").unwrap();
        assert!(texts.iter().any(|text| text == current.trim()), "cut: {current}");
    }
    let rows = |request: &Request| request.messages[0].content.matches("<evidence-").count();
    let is_cut = |request: &&Request| rows(request) < 8;
    let cut = requests.iter().filter(is_cut).count();
    assert!(requests.len() > 3 && cut > 0, "{cut} of {} were cut", requests.len());
}
