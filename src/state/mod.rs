//! The facts of a run, folded from its events: candidates and their answers, open calls, the
//! incumbent, the phase, the winner.
//!
//! `Facts::apply` is the only way that facts change, live and on replay alike. There is no clock and no
//! randomness here. Decisions and facts from outside change different fields, so that it does not
//! matter when an answer arrived, only when it was folded. What only strategies need to remember is
//! not here but in `memory`.

// A file uses only files declared above it.
mod measured; // What the measures of a goal's bounds came to.
mod weights; // How much rows count.
mod column;
mod candidate;
mod must_pass; // Rows that must pass.
mod open_call;
mod vectors;
mod judgements;
mod counts;
mod batches;
mod facts;
mod run;
mod call;
mod proposal;
mod embedding;
mod evaluation;
mod strategy;
mod consistency; // Whether an event can follow.

#[cfg(test)]
mod tests;

pub use batches::{OpenBatch, OpenBatches, Posts};
pub use candidate::{CandidateState, Status};
pub use column::{Cell, Column};
pub use consistency::{Misfit, Named};
pub use counts::{Counts, FailedCalls, Reused};
pub use facts::{ClosedProposal, Facts, Look, Phase};
pub use judgements::Judgements;
pub use measured::MeasuredRows;
pub use must_pass::MustPass;
pub use open_call::{Arrival, OpenCall, Work};
pub use vectors::TextVectors;
pub use weights::RowWeights;

use crate::event::Event;
use crate::id::EventNumber;

impl Facts {
    /// Takes in one event.
    pub fn apply(&mut self, number: EventNumber, event: &Event) {
        self.folded_row = None;
        self.closed_proposal = None;
        self.plan.apply(event);
        self.batches.apply(event);
        match event {
            Event::Started { .. }
            | Event::Resumed { .. }
            | Event::CapsChanged { .. }
            | Event::Reopened { .. }
            | Event::ConfirmationAsked { .. }
            | Event::ProvidersChanged { .. }
            | Event::Pinned { .. }
            | Event::RowsMustPass { .. }
            | Event::SearchEnded { .. }
            | Event::WinnerChosen { .. }
            | Event::LookTaken { .. }
            | Event::Finished { .. }
            | Event::Stopped { .. } => self.apply_run(number, event),

            Event::Reserved { .. }
            | Event::Answered(_)
            | Event::Reused { .. }
            | Event::AttemptFailed { .. }
            | Event::Hedged { .. }
            | Event::HedgeSettled { .. }
            | Event::FieldRefused { .. }
            | Event::CallMissing { .. }
            | Event::CallsReopened { .. }
            | Event::Scored { .. }
            | Event::Unjudged { .. }
            | Event::BatchPlanned(_)
            | Event::BatchPosted { .. }
            | Event::BatchSubmitted { .. }
            | Event::BatchSurplus { .. }
            | Event::Lost { .. } => self.apply_call(number, event),

            Event::ProposalDrafted(_)
            | Event::ProposalAbandoned { .. }
            | Event::ProposalRevised { .. }
            | Event::MutatorReplaced { .. }
            | Event::ProposalIssued { .. }
            | Event::ProposalFolded { .. }
            | Event::CandidateComposed { .. } => self.apply_proposal(event),

            Event::EmbeddingIssued { .. } | Event::EmbeddingFolded { .. } => {
                self.apply_embedding(event);
            }

            Event::EvaluationIssued(_)
            | Event::EvaluationFolded { .. }
            | Event::AnswersWithdrawn { .. }
            | Event::CandidateFinished { .. }
            | Event::CandidateDropped { .. } => self.apply_evaluation(event),

            Event::IncumbentChanged { .. }
            | Event::RowsWidened { .. }
            | Event::RoundStarted(_)
            | Event::ContestEnded { .. }
            | Event::GenerationStarted(_)
            | Event::DemosCollected { .. }
            | Event::Migrated { .. }
            | Event::PhaseStarted { .. }
            | Event::ShortlistChosen { .. } => self.apply_strategy(event),
        }
    }
}
