//! What the mutator could be asked first in a run: a real request of the recipe, on the baseline.
//!
//! For checks before a run. Nothing is sent here, and no journal is kept. The rows of its evidence stand
//! without answers, because nothing was answered yet.

use super::error::SearchError;
use super::inbox::Content;
use super::job::Question;
use super::proposals::{ProposalBuilder, Screening};
use crate::candidate::Candidate;
use crate::evaluate::Evaluator;
use crate::event::{Answered, Draft, Event, ProposalOutcome, Shown};
use crate::id::{CandidateIx, EventNumber, MutatorIx, ProposalNumber, RowIx};
use crate::journal::Journal;
use crate::memory::State;
use crate::operator::{Author, Step};
use crate::provider::Request;
use crate::recipe::Recipe;
use crate::seed::Seed;
use crate::strategy::Fixed;
use crate::task::Task;
use jiff::Timestamp;
use std::sync::Arc;

/// A request to the mutator that a run could begin with, and what reads its reply.
pub struct FirstProposal {
    builder: ProposalBuilder,
    state: State,
    proposal: ProposalNumber,
    /// What is sent.
    pub request: Request,
    /// The kind of operator, or of init, that asks.
    pub author: String,
}

impl FirstProposal {
    /// The request of the operator that the recipe uses most, of those that can work with the baseline
    /// alone, to the mutator at this place; `None` where none of them asks a model.
    ///
    /// # Errors
    /// The request cannot be written, or the system has no thread for a journal.
    pub fn of(
        task: &Arc<Task>,
        recipe: &Recipe,
        evaluator: &Arc<Evaluator>,
        mutator: MutatorIx,
    ) -> Result<Option<Self>, SearchError> {
        let journal = Arc::new(Journal::in_memory()?);
        let (task, evaluator) = (Arc::clone(task), Arc::clone(evaluator));
        let train = task.splits.train.len();
        let mut state = State::new(u32::try_from(task.splits.dev.len()).unwrap_or(u32::MAX));
        let baseline = Candidate::baseline(task.baseline.clone());
        state.apply(EventNumber(0), &Event::Started { at: Timestamp::UNIX_EPOCH, baseline });
        let mut builder = ProposalBuilder::new(task, recipe.clone(), evaluator, journal, Seed(1))?;
        for (number, (draft, rows)) in (0..).zip(usual_first(recipe)) {
            let proposal = ProposalNumber(number);
            let draft = Draft { proposal, mutator, ..draft };
            let Some(author) = recipe.author(&draft).map(|author| author.name().to_owned()) else {
                continue;
            };
            let shown: Vec<Shown> =
                (0..).map(|row| Shown::of(RowIx(row), None)).take(rows.min(train)).collect();
            state.apply(EventNumber(1 + u64::from(number)), &Event::ProposalDrafted(draft));
            match builder.question(&state, proposal, &shown) {
                Ok(Question::Model(request)) => {
                    return Ok(Some(Self { builder, state, proposal, request, author }));
                }
                // It needs more than the baseline, such as a mutation instruction.
                Ok(Question::Program { .. } | Question::Grade { .. })
                | Err(SearchError::Request(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// What a run would make of this answer.
    ///
    /// # Errors
    /// The request cannot be written again.
    pub fn outcome(&mut self, answered: &Answered) -> Result<ProposalOutcome, SearchError> {
        let reply = Content::Reply(Box::new(answered.clone()));
        self.builder.outcome(&Fixed, &self.state, self.proposal, &reply, Screening::Whole)
    }
}

/// The drafts that a recipe could begin with, each with the number of rows that it shows: operators by
/// their weight, those that wait for an occasion after the others, then inits.
fn usual_first(recipe: &Recipe) -> Vec<(Draft, usize)> {
    let mut operators = Vec::new();
    let mut inits = Vec::new();
    for (phase, slots) in (0_u16..).zip(recipe.phases()) {
        for (place, operator) in (0_u16..).zip(&slots.operator) {
            let Some(draft) = first_step(operator.operator(), operator.parents()) else { continue };
            let rows = operator.feedback().map_or(0, |feedback| feedback.size);
            let draft = Draft { operator: Some(place), phase, ..draft };
            operators.push((operator.is_occasional(), operator.common.weight, draft, rows));
        }
        for (place, init) in (0_u16..).zip(&slots.init).filter(|(_, init)| init.requests() > 0) {
            let Some(draft) = first_step(&**init, 1) else { continue };
            inits.push((Draft { init: Some(place), phase, ..draft }, 0));
        }
    }
    operators.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    operators.into_iter().map(|(.., draft, rows)| (draft, rows)).chain(inits).collect()
}

/// A draft of the first step of an author that asks a model.
fn first_step<A: Author + ?Sized>(author: &A, parents: usize) -> Option<Draft> {
    let steps: Vec<Step> = author.steps();
    let next = steps.get(1).map_or(0, |step| step.fan);
    let parents = vec![CandidateIx::BASELINE; parents.max(1)];
    (!steps.is_empty()).then(|| Draft { then: next, ..Draft::new(ProposalNumber(0), parents) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::attempt;
    use crate::engine::tests::{block_on, task};
    use crate::id::Call;
    use crate::provider::{Llm, Reply};
    use crate::recipe::{SHIPPED, load};
    use crate::sim::world::WorldParameters;
    use crate::sim::{MODEL_SEED, SimLlm, world_of};
    use crate::units::Usd;
    use std::time::Duration;

    fn first(recipe: &str) -> Option<FirstProposal> {
        let evaluator = Arc::new(Evaluator::new(task(), &[]));
        FirstProposal::of(&task(), &load(recipe, &[]).unwrap(), &evaluator, MutatorIx::FIRST)
            .unwrap()
    }

    fn outcome(first: &mut FirstProposal, reply: Reply) -> ProposalOutcome {
        let (request, hash) = (&first.request, first.request.hash());
        let took = Duration::ZERO;
        let answered = attempt::answered((Call(0), hash), request, reply, took, |_| Usd::ZERO);
        first.outcome(&answered).unwrap()
    }

    #[test]
    fn each_recipe_that_asks_a_mutator_can_ask_it_first_of_all() {
        let world = world_of(&task(), MODEL_SEED, WorldParameters::default());
        let editor = SimLlm::new(Arc::new(world));
        for shipped in SHIPPED {
            let recipe = load(shipped.name, &[]).unwrap();
            let Some(mut first) = first(shipped.name) else {
                assert!(!recipe.asks_mutator(), "{}", shipped.name);
                continue;
            };
            let reply = block_on(editor.complete(&first.request)).unwrap();
            let became = outcome(&mut first, reply);
            let is_read = match &became {
                ProposalOutcome::Rejected { reason, .. } => !reason.brings_no_prompt(),
                ProposalOutcome::Missing => false,
                _ => true,
            };
            assert!(is_read, "{} by {}: {became:?}", shipped.name, first.author);
        }
    }

    #[test]
    fn the_usual_operator_asks_with_rows_and_a_reply_without_tags_is_refused() {
        let mut first = first("auto").unwrap();
        assert_eq!(first.author, "reflect");
        let request = &first.request.messages[0].content;
        assert_eq!(request.matches("<evidence-").count(), 10, "{request}");
        let words = "Sure! Here is my advice:\n\n1. Be kind.\n2. Be short.\n\nShall I go on?";
        match outcome(&mut first, words.into()) {
            ProposalOutcome::Rejected { reason, .. } => assert!(reason.brings_no_prompt()),
            other => panic!("{other:?}"),
        }
    }
}
