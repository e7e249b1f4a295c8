//! What was sent, written again: the journal keeps the hash of each request and not its text, because state and task say it.

use crate::engine::proposal_request;
use crate::evaluate::request_of;
use crate::event::{Answered, Event};
use crate::id::{CandidateIx, EventNumber, ProposalNumber, RowIx};
use crate::journal::{Events, JournalError, read_events};
use crate::memory::State;
use crate::report::html::SentRequest;
use crate::report::visible_line;
use crate::run::{FollowedRun, LoadedRun};
use crate::seed::Seed;
use crate::task::example::{Split, VisibleSplit};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The request for a row of train or dev, with its first answer.
///
/// # Errors
/// There is no such row, it cannot be rendered, or the events cannot be read.
pub(super) fn to_row(
    followed: &FollowedRun,
    candidate: CandidateIx,
    split: VisibleSplit,
    row: &str,
) -> Result<SentRequest, String> {
    let run = followed.run();
    let rows = run.task.splits.visible(split);
    let place = rows.iter().position(|example| example.id.as_str() == row);
    let place = place.ok_or_else(|| format!("There is no row `{}`.", visible_line(row)))?;
    let state = &run.history.state;
    let Some(standing) = state.candidates.get(candidate.index()) else {
        return Err("There is no such prompt.".to_owned());
    };
    let prompt = &standing.candidate.prompt;
    let request = request_of(&run.task, prompt, &rows[place], 0).map_err(|it| it.to_string())?;
    let request = request.without(&state.refused_fields);
    let row_ix = RowIx(u32::try_from(place).unwrap_or(u32::MAX));
    let answer = standing.column(Split::from(split), 0).cell(row_ix).answer();
    let answered = match answer {
        Some(number) => answer_of(followed.events(), number).map_err(|it| it.to_string())?,
        None => None,
    };
    let hash = request.hash();
    Ok(SentRequest {
        title: format!(
            "What was sent for the row {} with the prompt {}",
            visible_line(row),
            visible_line(standing.candidate.id.as_str())
        ),
        request,
        is_same: answered.as_ref().map(|answered| answered.request == hash),
        answer: answered.map(|answered| answered.text),
    })
}

/// The answer that an event holds, or that the verdict in it is of.
fn answer_of(events: Events<'_>, number: EventNumber) -> Result<Option<Answered>, JournalError> {
    let (mut wanted, mut found) = (Some(number), None);
    while let Some(number) = wanted.take() {
        events.visit(&BTreeSet::from([number]), |_, event: Event| {
            match event {
                Event::Scored { answer, .. } => wanted = Some(answer),
                event => found = event.answer().cloned(),
            }
            Ok::<_, JournalError>(())
        })?;
    }
    Ok(found)
}

/// The replay of a run up to one of its proposals is over.
enum Stop {
    Issued,
    Unreadable(JournalError),
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        Self::Unreadable(error)
    }
}

/// The request of a proposal, with the reply. It reads the events up to it again.
///
/// # Errors
/// Nothing was sent for it, this program does not know its operator, or the events cannot be read.
pub(super) fn to_mutator(
    followed: &FollowedRun,
    number: ProposalNumber,
) -> Result<SentRequest, String> {
    let run: &LoadedRun = followed.run();
    let recipe = run.recipe.as_ref().ok_or("This program does not know the run's recipe.")?;
    let mut state = State::new(run.task.splits.sizes().dev);
    let mut issued = None;
    let read = read_events(followed.events().path(), |at, event: Event| match event {
        Event::ProposalIssued { proposal, call, rows, .. } if proposal == number => {
            issued = Some((call, rows));
            Err(Stop::Issued)
        }
        event => {
            state.apply(at, &event);
            Ok(())
        }
    });
    if let Err(Stop::Unreadable(error)) = read {
        return Err(error.to_string());
    }
    let Some((call, shown)) = issued else {
        return Err("No request was sent for this proposal: it was composed, or given up before."
            .to_owned());
    };
    let Events::Indexed(index) = followed.events() else {
        return Err("The events of this run are not indexed.".to_owned());
    };
    let parts = (Arc::clone(&run.task), recipe, Seed(run.summary.seed));
    let request = proposal_request(parts, &state, number, &shown, index.clone());
    let request = request.map_err(|error| error.to_string())?;
    let mut reply: Option<Answered> = None;
    read_events(followed.events().path(), |_, event: Event| {
        if let Event::Answered(answered) = event
            && answered.call == call
        {
            reply = Some(answered);
        }
        Ok::<_, JournalError>(())
    })
    .map_err(|error| error.to_string())?;
    let hash = request.hash();
    Ok(SentRequest {
        title: format!("What the mutator was sent for the proposal p{}", number.0),
        request,
        is_same: reply.as_ref().map(|reply| reply.request == hash),
        answer: reply.map(|reply| reply.text),
    })
}
