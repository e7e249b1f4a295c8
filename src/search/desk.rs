//! Turns plans into requests, and answers into outcomes.
//!
//! Nothing here decides: a request follows from an issued event and from answers of the journal, so
//! it is the same again after a resume.

use super::driver::SearchError;
use crate::candidate::{Candidate, Origin};
use crate::evaluate::Evaluator;
use crate::event::{Draft, Event, Finish, ProposalOutcome, Rejection, Shown};
use crate::id::{CandidateIx, EventNumber, RowIx};
use crate::journal::Journal;
use crate::llm::Request;
use crate::operator::{self, Brief, MetaPrompts, Nonce, Screens};
use crate::prompt::Prompt;
use crate::recipe::{Init, Operator, Recipe};
use crate::seed::Seed;
use crate::state::Cell;
use crate::strategy::{State, Strategy};
use crate::task::Task;
use crate::task::example::Split;
use crate::task::model::ModelRole;
use crate::task::scorer::Verdict;
use std::sync::Arc;

/// Where requests are written and replies are read.
pub(super) struct Desk {
    pub(super) task: Arc<Task>,
    pub(super) recipe: Recipe,
    pub(super) evaluator: Arc<Evaluator>,
    pub(super) journal: Arc<Journal<Event>>,
    pub(super) seed: Seed,
    pub(super) screens: Screens,
}

impl Desk {
    pub(super) fn new(
        task: Arc<Task>,
        recipe: Recipe,
        evaluator: Arc<Evaluator>,
        journal: Arc<Journal<Event>>,
        seed: Seed,
    ) -> Self {
        let screens = Screens::new(
            &recipe.screen,
            task.max_tokens,
            task.scorers.labels(),
            &task.visible_rows(),
            &task.seed,
        );
        Self { task, recipe, evaluator, journal, seed, screens }
    }

    /// The request for a row.
    pub(super) fn evaluation(
        &self,
        state: &State,
        candidate: CandidateIx,
        split: Split,
        row: RowIx,
        replicate: u16,
    ) -> Result<Request, SearchError> {
        let prompt = &state.standing(candidate).candidate.prompt;
        self.evaluator
            .request(prompt, split, row, replicate)
            .map_err(|error| SearchError::Template(error.to_string()))?
            .ok_or_else(|| SearchError::Template(format!("row {row} of {split} does not exist")))
    }

    /// The answer behind a cell, with its verdict.
    fn answer(
        &self,
        row: RowIx,
        at: EventNumber,
    ) -> Result<Option<(String, Verdict)>, SearchError> {
        let (text, verdict) = match self.journal.read(at)? {
            Event::Answered(answered) => {
                let verdict = self.evaluator.verdict(Split::Train, row, &answered.text);
                (answered.text, verdict)
            }
            Event::Scored { answer, verdict, .. } => match self.journal.read(answer)? {
                Event::Answered(answered) => (answered.text, Some(verdict)),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        Ok(verdict.map(|verdict| (text, verdict)))
    }

    /// The request for a drafted proposal.
    pub(super) fn proposal(
        &self,
        state: &State,
        draft: &Draft,
        shown: &[Shown],
    ) -> Result<Request, SearchError> {
        let (name, temperature) = self.operator_of(draft);
        let operator = operator::named(name)
            .ok_or_else(|| SearchError::Template(format!("`{name}` asks no model")))?;
        let model = self.task.model(ModelRole::Mutator).ok_or(SearchError::NoMutator)?;
        let mut evidence = Vec::new();
        for row in shown {
            let answer = match (row.replicate, draft.parents.first()) {
                (Some(replicate), Some(parent)) => {
                    let column = state.standing(*parent).column(Split::Train, replicate);
                    match column.cell(row.row) {
                        Cell::Scored { answer, .. } => self.answer(row.row, answer)?,
                        _ => None,
                    }
                }
                _ => None,
            };
            let answer = answer.as_ref().map(|(text, verdict)| (text.as_str(), verdict));
            evidence.extend(self.evaluator.evidence(row.row, answer));
        }
        let current = &state.standing(draft.parents[0]).candidate.prompt;
        let searched = self.task.layout.searched();
        let brief = Brief {
            evidence,
            ..Brief::new(&self.task.about, current, searched, self.task.max_tokens)
        };
        let messages = operator
            .write(&MetaPrompts::builtin(), &brief, self.seed)
            .map_err(|error| SearchError::Template(error.to_string()))?;
        Ok(Request {
            model: model.name.clone(),
            messages,
            temperature: temperature.unwrap_or(model.temperature),
            max_output_tokens: model.max_output_tokens,
            draw: u64::from(draft.proposal.0),
        })
    }

    /// The name of a draft's operator, and its own temperature.
    pub(super) fn operator_of(&self, draft: &Draft) -> (&'static str, Option<f64>) {
        if let Some(operator) =
            draft.operator.and_then(|place| self.recipe.operator.get(usize::from(place)))
        {
            return (operator.kind(), operator.temperature());
        }
        match draft.init.and_then(|place| self.recipe.init.get(usize::from(place))) {
            Some(Init::Induce(kind)) => ("induce", kind.temperature),
            Some(Init::Paraphrase(kind)) => ("paraphrase", kind.temperature),
            _ => ("seed", None),
        }
    }

    /// What became of a proposal that was answered.
    pub(super) fn outcome(
        &mut self,
        strategy: &dyn Strategy,
        state: &State,
        draft: &Draft,
        shown: &[Shown],
        reply: &str,
        finish: Finish,
    ) -> Result<ProposalOutcome, SearchError> {
        if finish == Finish::Length {
            let detail = "the reply ran into `max_output_tokens`".to_owned();
            return Ok(ProposalOutcome::Rejected { reason: Rejection::Truncated, detail });
        }
        let request = self.proposal(state, draft, shown)?;
        let text = request.messages.first().map_or("", |message| &message.content);
        let nonce = Nonce::find(text)
            .ok_or_else(|| SearchError::Template("a request without a nonce".to_owned()))?;
        let parent = &state.standing(draft.parents[0]).candidate.prompt;
        let read = operator::read(reply, nonce, self.task.layout.searched());
        let prompt = match read {
            Ok(parts) => parts.into_iter().fold(parent.clone(), |prompt, (name, text)| {
                // A part keeps its parent's end, since a reply's is cut off with its tags.
                let ends = parent.part(&name).is_some_and(|old| old.ends_with('\n'));
                let text = if ends { format!("{text}\n") } else { text };
                prompt.with_part(&name, &text)
            }),
            Err((reason, detail)) => return Ok(ProposalOutcome::Rejected { reason, detail }),
        };
        let origin = Origin::Proposal(draft.proposal);
        Ok(self.screened(strategy, state, draft, shown, prompt, origin))
    }

    /// What becomes of a candidate that is put together without a model.
    pub(super) fn compose(
        &mut self,
        strategy: &dyn Strategy,
        state: &State,
        draft: &Draft,
    ) -> ProposalOutcome {
        let operator =
            draft.operator.and_then(|place| self.recipe.operator.get(usize::from(place)));
        let (Some(Operator::Merge(merge)), [first, second, ancestor]) =
            (operator, draft.parents.as_slice())
        else {
            let detail = "nothing to merge".to_owned();
            return ProposalOutcome::Rejected { reason: Rejection::Unchanged, detail };
        };
        let prompt = |candidate: &CandidateIx| &state.standing(*candidate).candidate.prompt;
        let merged =
            operator::compose(merge.level, prompt(first), prompt(second), prompt(ancestor));
        self.screened(strategy, state, draft, &[], merged, Origin::Composed(draft.proposal))
    }

    fn screened(
        &mut self,
        strategy: &dyn Strategy,
        state: &State,
        draft: &Draft,
        shown: &[Shown],
        prompt: Prompt,
        origin: Origin,
    ) -> ProposalOutcome {
        let parent = &state.standing(draft.parents[0]).candidate.prompt;
        if let Err((reason, detail)) = self.screens.check(&prompt, parent, &self.task.layout, state)
        {
            return ProposalOutcome::Rejected { reason, detail };
        }
        let parents = match origin {
            // The ancestor of a merge is no parent.
            Origin::Composed(_) => draft.parents.iter().copied().take(2).collect(),
            _ => draft.parents.clone(),
        };
        let operator = self.operator_of(draft).0.to_owned();
        let candidate = Candidate { id: prompt.id(), prompt, parents, operator, origin };
        ProposalOutcome::Added { candidate, gate: strategy.gate(state, draft, shown) }
    }
}
