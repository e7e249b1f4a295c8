//! Turns plans into requests, and answers into outcomes.
//!
//! Nothing here decides: a request follows from an issued event and from answers of the journal, so
//! it is the same again after a resume.

use super::driver::SearchError;
use super::external;
use crate::candidate::{Candidate, DEMOS, Demo, Origin};
use crate::evaluate::Evaluator;
use crate::event::{Draft, Event, Finish, ProposalOutcome, Rejection, Shown};
use crate::id::{CandidateIx, EventNumber, RowIx};
use crate::journal::Journal;
use crate::llm::Request;
use crate::operator::styles::{MUTATORS, THINKING_STYLES, TIPS};
use crate::operator::{self, Brief, Evidence, MetaPrompts, Nonce, OperatorError, Screens, Told};
use crate::prompt::Prompt;
use crate::recipe::{Init, Keep, Operator, Recipe, Step};
use crate::seed::Seed;
use crate::state::{Cell, StepResult};
use crate::strategy::{State, Strategy, demos_of};
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
    pub(super) meta_prompts: MetaPrompts,
    /// The searched parts that a model may rewrite: all but the demonstrations.
    texts: Vec<String>,
}

impl Desk {
    pub(super) fn new(
        task: Arc<Task>,
        recipe: Recipe,
        evaluator: Arc<Evaluator>,
        journal: Arc<Journal<Event>>,
        seed: Seed,
    ) -> Result<Self, SearchError> {
        let screens = Screens::new(
            &recipe.screen,
            task.max_tokens,
            task.scorers.labels(),
            &task.visible_rows(),
            &task.baseline,
        );
        let texts = task.layout.searched().iter().filter(|part| *part != DEMOS).cloned().collect();
        let meta_prompts = super::meta_prompts(&recipe)?;
        Ok(Self { task, recipe, evaluator, journal, seed, screens, meta_prompts, texts })
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

    /// The recipe of a draft's phase.
    fn recipe_of(&self, draft: &Draft) -> &Recipe {
        self.recipe.phase.get(usize::from(draft.phase)).unwrap_or(&self.recipe)
    }

    fn operator_at(&self, draft: &Draft) -> Option<&Operator> {
        self.recipe_of(draft).operator.get(usize::from(draft.operator?))
    }

    fn init_at(&self, draft: &Draft) -> Option<&Init> {
        self.recipe_of(draft).init.get(usize::from(draft.init?))
    }

    /// What a draft's request is.
    fn step_of(&self, draft: &Draft) -> Option<Step> {
        let steps = match (self.operator_at(draft), self.init_at(draft)) {
            (Some(operator), _) => operator.steps(),
            (None, Some(init)) => init.steps(),
            (None, None) => return None,
        };
        steps.get(usize::from(draft.step)).copied()
    }

    /// The item of an earlier step's result that a draft goes on from.
    fn source<'s>(&self, state: &'s State, draft: &Draft) -> Option<(&'s StepResult, usize)> {
        let source = draft.from?;
        let continuation = state.continuations.get(&source.proposal)?;
        Some((&continuation.result, usize::from(source.item)))
    }

    /// The text that an earlier step wrote for this one.
    fn note<'s>(&self, state: &'s State, draft: &Draft) -> Option<&'s str> {
        match self.source(state, draft)? {
            (StepResult::Notes(notes), item) => notes.get(item).map(String::as_str),
            _ => None,
        }
    }

    /// The parts that the reply may change.
    fn asked(&self, draft: &Draft) -> &[String] {
        match draft.part.and_then(|part| self.texts.get(usize::from(part))) {
            Some(part) => std::slice::from_ref(part),
            None => &self.texts,
        }
    }

    /// What the reply replaces: an earlier step's prompt, or the first parent's.
    fn current<'s>(&self, state: &'s State, draft: &Draft) -> &'s Prompt {
        match self.source(state, draft) {
            Some((StepResult::Prompt(prompt), _)) => prompt,
            _ => &state.standing(draft.parents[0]).candidate.prompt,
        }
    }

    /// The mutation instruction of a draft: what its first step wrote, what its parent carries, or
    /// one of the built-in list.
    fn gene(&self, state: &State, draft: &Draft) -> Option<String> {
        let listed = || MUTATORS[draft.variant as usize % MUTATORS.len()].to_owned();
        let parents = || state.standing(draft.parents[0]).candidate.gene.clone();
        match (self.operator_at(draft), self.init_at(draft)) {
            (Some(Operator::Hypermutate(_)), _) if draft.step > 0 => {
                self.note(state, draft).map(str::to_owned)
            }
            (Some(Operator::Hypermutate(_) | Operator::MutateWith(_)), _) => {
                parents().or_else(|| Some(listed()))
            }
            (None, Some(Init::StyleMutate(_))) => Some(listed()),
            _ => parents(),
        }
    }

    /// The rows that a proposal shows, with the answers that are shown beside them.
    fn evidence(
        &self,
        state: &State,
        draft: &Draft,
        shown: &[Shown],
    ) -> Result<Vec<Evidence>, SearchError> {
        let answer_of = |candidate: CandidateIx, replicate: u16, row: RowIx| match state
            .standing(candidate)
            .column(Split::Train, replicate)
            .cell(row)
        {
            Cell::Scored { answer, .. } => self.answer(row, answer),
            _ => Ok(None),
        };
        let contrasts = matches!(self.operator_at(draft), Some(Operator::ContrastRule(_)));
        let mut evidence = Vec::new();
        // For a contrast the draft names who answered better, and who worse; the row is shown with
        // both their answers.
        if contrasts && let ([better, worse], [first, second]) = (&draft.context[..], shown) {
            let told = |told: &crate::event::Told, shown: &Shown| match shown.replicate {
                Some(replicate) => answer_of(told.candidate, replicate, shown.row),
                None => Ok(None),
            };
            let (better, worse) = (told(better, first)?, told(worse, second)?);
            let answer = better.as_ref().map(|(text, verdict)| (text.as_str(), verdict));
            evidence.extend(self.evaluator.evidence(first.row, answer).map(|mut evidence| {
                evidence.contrast = worse.map(|(text, _)| text);
                evidence
            }));
            return Ok(evidence);
        }
        for row in shown {
            let answer = match (row.replicate, draft.parents.first()) {
                (Some(replicate), Some(parent)) => answer_of(*parent, replicate, row.row)?,
                _ => None,
            };
            let answer = answer.as_ref().map(|(text, verdict)| (text.as_str(), verdict));
            evidence.extend(self.evaluator.evidence(row.row, answer));
        }
        Ok(evidence)
    }

    /// The request for a drafted proposal.
    pub(super) fn proposal(
        &self,
        state: &State,
        draft: &Draft,
        shown: &[Shown],
    ) -> Result<Request, SearchError> {
        let step = self.step_of(draft);
        let name = step.map_or("seed", |step| step.name(draft.praises));
        let operator = operator::named(name)
            .ok_or_else(|| SearchError::Template(format!("`{name}` asks no model")))?;
        let model = self.task.model(ModelRole::Mutator).ok_or(SearchError::NoMutator)?;
        let prompt = |candidate: &CandidateIx| &state.standing(*candidate).candidate.prompt;
        let gene = self.gene(state, draft);
        let contrasts = matches!(self.operator_at(draft), Some(Operator::ContrastRule(_)));
        let told = if contrasts { &[] } else { draft.context.as_slice() };
        let variant = draft.variant as usize;
        let style = match self.init_at(draft) {
            // Drawn apart from the mutation instruction.
            Some(Init::StyleMutate(_)) => variant / MUTATORS.len(),
            _ => variant,
        };
        let brief = Brief {
            evidence: self.evidence(state, draft, shown)?,
            history: told
                .iter()
                .map(|told| Told { prompt: prompt(&told.candidate), score: told.score })
                .collect(),
            others: draft.parents.iter().skip(1).map(prompt).collect(),
            note: self.note(state, draft),
            style: Some(THINKING_STYLES[style % THINKING_STYLES.len()]),
            mutator: gene.as_deref(),
            tip: Some(TIPS[variant % TIPS.len()]),
            count: self.count(draft),
            context_tokens: model.context_tokens,
            max_output_tokens: model.max_output_tokens,
            ..Brief::new(
                &self.task.about,
                self.current(state, draft),
                self.asked(draft),
                self.task.max_tokens,
            )
        };
        let messages =
            operator.write(&self.meta_prompts, &brief, self.seed).map_err(|error| match error {
                OperatorError::TooLong { .. } => SearchError::Window(error),
                OperatorError::Missing { .. } => SearchError::Template(error.to_string()),
            })?;
        let temperature = match (self.operator_at(draft), self.init_at(draft)) {
            (Some(operator), _) => operator.temperature(),
            (None, Some(init)) => init.temperature(),
            (None, None) => None,
        };
        Ok(Request {
            model: model.name.clone(),
            messages,
            temperature: temperature.unwrap_or(model.temperature),
            max_output_tokens: model.max_output_tokens,
            draw: u64::from(draft.proposal.0),
        })
    }

    /// How many notes are asked for.
    fn count(&self, draft: &Draft) -> u32 {
        match self.operator_at(draft) {
            Some(Operator::Hypothesis(kind)) => kind.hypotheses,
            Some(Operator::GradientEdit(kind)) => kind.reasons,
            _ => 1,
        }
    }

    /// The line that a program of the user's is asked.
    pub(super) fn program(
        &self,
        state: &State,
        draft: &Draft,
        shown: &[Shown],
    ) -> Result<Vec<u8>, SearchError> {
        let evidence = self.evidence(state, draft, shown)?;
        Ok(external::request(
            &self.task.about,
            self.current(state, draft),
            self.asked(draft),
            &evidence,
            self.task.max_tokens,
            self.seed.child("external", u64::from(draft.proposal.0)),
        ))
    }

    /// The name that a draft's child carries.
    fn name_of(&self, draft: &Draft) -> &'static str {
        match (self.operator_at(draft), self.init_at(draft)) {
            (Some(operator), _) => operator.kind(),
            (None, Some(init)) => init.kind(),
            (None, None) => "combine",
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
        if draft.program {
            return match external::read(reply, self.asked(draft)) {
                Ok(parts) => {
                    let prompt = with_parts(self.current(state, draft), parts);
                    let origin = Origin::Proposal(draft.proposal);
                    self.screened(strategy, state, draft, shown, prompt, origin)
                }
                Err((reason, detail)) => Ok(ProposalOutcome::Rejected { reason, detail }),
            };
        }
        if finish == Finish::Length {
            let detail = "the reply ran into `max_output_tokens`".to_owned();
            return Ok(ProposalOutcome::Rejected { reason: Rejection::Truncated, detail });
        }
        let request = self.proposal(state, draft, shown)?;
        let text = request.messages.first().map_or("", |message| &message.content);
        let nonce = Nonce::find(text)
            .ok_or_else(|| SearchError::Template("a request without a nonce".to_owned()))?;
        let keep = self.step_of(draft).map_or(Keep::Child, |step| step.result);
        let current = self.current(state, draft);
        let origin = Origin::Proposal(draft.proposal);
        let refused = |(reason, detail)| Ok(ProposalOutcome::Rejected { reason, detail });
        match keep {
            Keep::Notes => match operator::notes(reply, nonce) {
                Ok(mut notes) => {
                    // Each note costs further requests: no more of them than were asked for.
                    notes.truncate(self.count(draft) as usize);
                    Ok(ProposalOutcome::Noted { notes })
                }
                Err(refusal) => refused(refusal),
            },
            Keep::Append => match operator::notes(reply, nonce) {
                Ok(notes) => {
                    let prompt = self.appended(current, &notes);
                    Ok(self.screened(strategy, state, draft, shown, prompt, origin)?)
                }
                Err(refusal) => refused(refusal),
            },
            Keep::Prompt | Keep::Child => {
                let prompt = match operator::read(reply, nonce, self.asked(draft)) {
                    Ok(parts) => with_parts(current, parts),
                    Err(refusal) => return refused(refusal),
                };
                if keep == Keep::Prompt {
                    return Ok(match self.screens.form(&prompt, current, &self.task.layout) {
                        // What the next step changes may be what the last one left alone.
                        Ok(()) | Err((Rejection::Unchanged, _)) => ProposalOutcome::Kept { prompt },
                        Err((reason, detail)) => ProposalOutcome::Rejected { reason, detail },
                    });
                }
                self.screened(strategy, state, draft, shown, prompt, origin)
            }
        }
    }

    /// Advice added to the first text.
    fn appended(&self, current: &Prompt, notes: &[String]) -> Prompt {
        let Some(part) = self.texts.first() else { return current.clone() };
        let text = current.part(part).unwrap_or("").trim_end().to_owned();
        let ends = current.part(part).is_some_and(|old| old.ends_with('\n'));
        let text = format!("{text}\n{}{}", notes.join("\n"), if ends { "\n" } else { "" });
        current.with_part(part, &text)
    }

    /// What becomes of a candidate that is put together without a model.
    pub(super) fn compose(
        &mut self,
        strategy: &dyn Strategy,
        state: &State,
        draft: &Draft,
    ) -> Result<ProposalOutcome, SearchError> {
        let prompt = |candidate: &CandidateIx| &state.standing(*candidate).candidate.prompt;
        let first = prompt(&draft.parents[0]);
        let composed = match (self.operator_at(draft), draft.parents.as_slice()) {
            (Some(Operator::Merge(merge)), [_, second, ancestor]) => {
                operator::compose(merge.level, first, prompt(second), prompt(ancestor))
            }
            (Some(Operator::LocalEdit(edit)), _) => {
                let ancestors: Vec<&Prompt> = crate::strategy::ancestors(state, draft.parents[0])
                    .iter()
                    .map(prompt)
                    .collect();
                let seed = self.seed.child("local edit", u64::from(draft.proposal.0));
                operator::local_edit(edit, first, &ancestors, &self.texts, seed)
            }
            // A set of demonstrations, or a mate's part alone.
            _ => first.clone(),
        };
        let origin = Origin::Composed(draft.proposal);
        self.screened(strategy, state, draft, &[], composed, origin)
    }

    /// A prompt with the part that the draft's mate gives.
    fn with_mate(&self, state: &State, draft: &Draft, prompt: Prompt) -> Prompt {
        let given = draft.mate.and_then(|mate| {
            let part = self.texts.get(usize::from(mate.part))?;
            let theirs = &state.standing(mate.candidate).candidate.prompt;
            Some((part, theirs.part(part)?.to_owned()))
        });
        match given {
            Some((part, text)) => prompt.with_part(part, &text),
            None => prompt,
        }
    }

    /// A prompt with a draft's demonstrations in it.
    fn with_demos(&self, demos: Option<&[Demo]>, prompt: Prompt) -> Result<Prompt, SearchError> {
        let Some(demos) = demos else {
            return Ok(prompt);
        };
        let mut text = self.task.baseline.part(DEMOS).unwrap_or("").to_owned();
        for demo in demos {
            let answer = match demo.answer {
                Some(number) => self.answer(demo.row, number)?.map(|(text, _)| text),
                None => None,
            };
            if let Some(shown) = self.evaluator.evidence(demo.row, None) {
                let answer = answer.unwrap_or(shown.expected);
                if !text.is_empty() {
                    text = format!("{}\n\n", text.trim_end());
                }
                text.push_str(&format!(
                    "Input: {}\nOutput: {}\n",
                    shown.input.trim(),
                    answer.trim()
                ));
            }
        }
        // Rows are data: nothing in them is a placeholder.
        Ok(prompt.with_part(DEMOS, &text.replace("{{", "{ {")))
    }

    fn screened(
        &mut self,
        strategy: &dyn Strategy,
        state: &State,
        draft: &Draft,
        shown: &[Shown],
        prompt: Prompt,
        origin: Origin,
    ) -> Result<ProposalOutcome, SearchError> {
        let demos = demos_of(self.recipe_of(draft), state, draft);
        let prompt = self.with_mate(state, draft, prompt);
        let prompt = self.with_demos(demos.as_deref(), prompt)?;
        let first = &state.standing(draft.parents[0]).candidate;
        let layout = &self.task.layout;
        if let Err((reason, detail)) = self.screens.check(&prompt, &first.prompt, layout, state) {
            return Ok(ProposalOutcome::Rejected { reason, detail });
        }
        let mut parents: Vec<CandidateIx> = match self.operator_at(draft) {
            // The ancestor of a merge is no parent.
            Some(Operator::Merge(_)) => draft.parents.iter().copied().take(2).collect(),
            _ => draft.parents.clone(),
        };
        parents.extend(draft.mate.map(|mate| mate.candidate).filter(|m| !parents.contains(m)));
        // A merge may have taken the demonstrations from either parent.
        let demos = demos.unwrap_or_else(|| {
            let same = draft.parents.iter().map(|parent| &state.standing(*parent).candidate);
            same.into_iter()
                .find(|parent| parent.prompt.part(DEMOS) == prompt.part(DEMOS))
                .map_or_else(Vec::new, |parent| parent.demos.clone())
        });
        let gene = self.gene(state, draft);
        let operator = self.name_of(draft).to_owned();
        let id = prompt.id();
        let candidate = Candidate { id, prompt, parents, demos, gene, operator, origin };
        Ok(ProposalOutcome::Added { candidate, gate: strategy.gate(state, draft, shown) })
    }
}

/// A prompt with new texts; a part keeps its parent's end, since a reply's is cut off with its tags.
fn with_parts(parent: &Prompt, parts: Vec<(String, String)>) -> Prompt {
    parts.into_iter().fold(parent.clone(), |prompt, (name, text)| {
        let ends = parent.part(&name).is_some_and(|old| old.ends_with('\n'));
        let text = if ends { format!("{text}\n") } else { text };
        prompt.with_part(&name, &text)
    })
}
