//! A mutator with a small context window: evidence is cut, the text that is to be improved is not.

use crate::support::{HttpRun, Server};
use promptsearch::event::{Event, ProposalOutcome};
use serde_json::Value;

const WINDOW: u64 = 1_700;
const REPLY: u64 = 600;

#[test]
fn no_request_outgrows_the_window_and_none_loses_the_current_text() {
    let server = Server::start(&[]);
    let run = HttpRun::new(&server, 8, "calls = 500", "");
    run.edit_task(
        "max_output_tokens = 2000",
        &format!("max_output_tokens = {REPLY}, context_tokens = {WINDOW}"),
    );
    let (_, events) = run.finish_with_events();
    let texts: Vec<String> = events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Started { seed, .. } => Some(&seed.prompt),
            Event::ProposalFolded { outcome: ProposalOutcome::Added { candidate, .. }, .. }
            | Event::CandidateComposed {
                outcome: ProposalOutcome::Added { candidate, .. }, ..
            } => Some(&candidate.prompt),
            _ => None,
        })
        .map(|prompt| prompt.part("system").unwrap().trim().to_owned())
        .collect();
    let mut proposals = 0;
    let mut cut = 0;
    for logged in server.end().into_iter().filter(|logged| logged.model.contains("editor")) {
        let body: Value = serde_json::from_str(&logged.body).unwrap();
        let request = body["messages"][0]["content"].as_str().unwrap();
        assert!((request.len() as u64).div_ceil(3) + REPLY <= WINDOW, "{} bytes", request.len());
        let (_, rest) = request.split_once("<prompt-").unwrap();
        let (_, rest) = rest.split_once(">\n").unwrap();
        let (current, _) = rest.split_once("\n</prompt-").unwrap();
        assert!(texts.iter().any(|text| text == current.trim()), "cut: {current}");
        proposals += 1;
        let is_reflection = request.contains("<evidence-");
        cut += usize::from(!is_reflection || request.matches("<evidence-").count() < 6);
    }
    assert!(proposals > 3 && cut > 0, "{cut} of {proposals} were cut");
}
