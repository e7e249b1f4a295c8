//! A state with candidates, and a search in it, for tests of single slots.

use super::*;
use crate::event::Draft;
use crate::id::ProposalNumber;
use crate::operator::Setting;

static MAX_QUALITY: std::sync::OnceLock<Goal> = std::sync::OnceLock::new();

/// A search for quality with these slots, as their policies see it.
pub(in crate::strategy) fn searching<'a>(slots: &'a Slots, state: &'a State) -> Search<'a> {
    let setting = Setting { train_rows: 1, texts: 1, has_demos: false, seed: Seed(5) };
    Search {
        phases: std::slice::from_ref(slots),
        slots,
        state,
        goal: MAX_QUALITY.get_or_init(Goal::max_quality),
        setting,
        mutators: &[1.0],
        remaining: Remaining { rollouts: 1_000, total_rollouts: 1_000, spent: 0.0, hold_rows: 60 },
    }
}

/// Candidates with text and parent, each with a score on the one row of dev; those named are incumbents
/// from their birth on. The baseline's text is `seed`, and its score 0.
pub(in crate::strategy) fn grown(children: &[(&str, u32, f64)], incumbents: &[u32]) -> State {
    let mut state = State::new(1);
    let mut number = 0;
    let mut apply = |event: Event| {
        state.apply(EventNumber(number), &event);
        number += 1;
    };
    let baseline = Candidate::baseline(prompt("seed"));
    apply(Event::Started { at: jiff::Timestamp::UNIX_EPOCH, baseline });
    let scores = std::iter::once(0.0).chain(children.iter().map(|(.., score)| *score));
    for (place, score) in (0..).zip(scores) {
        let candidate = CandidateIx(place);
        if let Some((text, parent, _)) = candidate.index().checked_sub(1).map(|n| children[n]) {
            let proposal = ProposalNumber(place);
            let parents = vec![CandidateIx(parent)];
            let mut draft = Draft::new(proposal, parents.clone());
            draft.operator = Some(0);
            apply(Event::ProposalDrafted(draft));
            let candidate = Candidate {
                id: prompt(text).id(),
                prompt: prompt(text),
                parents,
                demos: Vec::new(),
                gene: None,
                repairs: Vec::new(),
                operator: "written".to_owned(),
                origin: Origin::Composed(proposal),
            };
            let outcome = ProposalOutcome::Added { candidate, gate: None };
            apply(Event::CandidateComposed { proposal, outcome });
        }
        let call = Call(u64::from(place));
        apply(Event::EvaluationIssued(Block {
            first: call,
            candidate,
            split: Split::Dev,
            replicate: 0,
            rows: vec![RowIx(0)],
            reserve: Amount::ZERO,
            cached: Vec::new(),
            judging: None,
        }));
        apply(Event::Answered(answer(call)));
        let outcome = RowOutcome::scored(Score::new(score).unwrap(), false);
        apply(Event::EvaluationFolded { call, outcome });
        if incumbents.contains(&place) {
            apply(Event::IncumbentChanged { candidate, why: String::new() });
        }
    }
    state
}
