//! Proposals on their way: a draft becomes a request, a reply becomes an outcome.
//!
//! Nothing here decides, and no operator is known by name: each writes its request and reads its reply
//! itself. Everything follows from journaled events, so a request is the same again after a resume.

use super::error::SearchError;
use super::inbox::Content;
use super::job::Question;
use super::wordings::meta_prompts;
use crate::candidate::{Candidate, DEMOS, Demo, Origin, Repair};
use crate::evaluate::Evaluator;
use crate::event::{Answered, Draft, Event, NoAnswer, ProposalOutcome, Rejection, Shown};
use crate::id::{CandidateIx, EventNumber, MutatorIx, ProposalNumber, RowIx};
use crate::journal::{EventIndex, Events, Journal, JournalError};
use crate::memory::State;
use crate::operator::styles::{THINKING_STYLES, TIPS};
use crate::operator::{
    Answers, Ask, Author, Brief, Evidence, MetaPrompts, Nonce, OperatorError, RepairContext,
    ReplyContent, ScoredPrompt, ScreenedTask, Screens, demos_of, merge_repaired, program_request,
    repaired,
};
use crate::program::line_of;
use crate::prompt::{Prompt, literal, with_front_matter_of};
use crate::provider::Request;
use crate::recipe::Recipe;
use crate::seed::Seed;
use crate::strategy::Strategy;
use crate::task::Task;
use crate::task::example::Split;
use crate::task::model::ModelRole;
use crate::task::scorer::Verdict;
use crate::text;
use std::collections::HashMap;
use std::sync::Arc;

/// Writes the requests of proposals, and reads the replies.
pub(super) struct ProposalBuilder {
    task: Arc<Task>,
    recipe: Recipe,
    rows: TrainingRows,
    seed: Seed,
    screens: Screens,
    /// The labels that the task's scorers know.
    labels: Vec<String>,
    meta_prompts: MetaPrompts,
    /// The searched parts that a model may rewrite: all but the demonstrations.
    texts: Vec<String>,
    /// The nonces of requests that are out.
    nonces: HashMap<ProposalNumber, Nonce>,
}

/// The training rows with the answers of the journal.
struct TrainingRows {
    evaluator: Arc<Evaluator>,
    events: Arc<dyn AnswerEvents>,
}

/// Where events with answers are read again.
pub(super) trait AnswerEvents: Send + Sync {
    /// The event of this number.
    fn read(&self, number: EventNumber) -> Result<Event, JournalError>;
}

impl AnswerEvents for Journal<Event> {
    fn read(&self, number: EventNumber) -> Result<Event, JournalError> {
        Self::read(self, number)
    }
}

impl AnswerEvents for EventIndex {
    fn read(&self, number: EventNumber) -> Result<Event, JournalError> {
        let mut found = Err(JournalError::Missing(number));
        Events::from(self).visit(&[number].into(), |_, event: Event| {
            found = Ok(event);
            Ok::<_, JournalError>(())
        })?;
        found
    }
}

/// The request of a proposal as it was sent, written again. `state` is that of the moment before it was issued, and `shown`
/// are the rows that were shown then.
///
/// # Errors
/// The proposal is none of the state, a program writes it, its operator is not known, or an event cannot be read.
pub fn proposal_request(
    (task, recipe, seed): (Arc<Task>, &Recipe, Seed),
    state: &State,
    proposal: ProposalNumber,
    shown: &[Shown],
    events: EventIndex,
) -> Result<Request, SearchError> {
    let evaluator = Arc::new(Evaluator::new(Arc::clone(&task), &[]));
    let events: Arc<dyn AnswerEvents> = Arc::new(events);
    let builder = ProposalBuilder::new(task, recipe.clone(), evaluator, events, seed)?;
    builder.write(state, draft_of(state, proposal)?, shown)
}

impl TrainingRows {
    /// The answer that an event holds, with its verdict.
    fn answer(
        &self,
        row: RowIx,
        at: EventNumber,
    ) -> Result<Option<(Answered, Verdict)>, JournalError> {
        let (answered, verdict) = match self.events.read(at)? {
            Event::Answered(answered) | Event::Reused { answer: answered, .. } => {
                let verdict = self.evaluator.verdict(Split::Train, row, &answered);
                (answered, verdict)
            }
            Event::Scored { answer, verdict, .. } => match self.events.read(answer)? {
                Event::Answered(answered) | Event::Reused { answer: answered, .. } => {
                    (answered, Some(verdict))
                }
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        Ok(verdict.map(|verdict| (answered, verdict)))
    }
}

impl Answers for TrainingRows {
    fn evidence(
        &self,
        row: RowIx,
        answer: Option<EventNumber>,
    ) -> Result<Option<Evidence>, JournalError> {
        let answer = match answer {
            Some(number) => self.answer(row, number)?,
            None => None,
        };
        let answer = answer.as_ref().map(|(answered, verdict)| (answered, verdict));
        Ok(self.evaluator.evidence(row, answer))
    }
}

/// Which of a recipe's screens a child has to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Screening {
    /// All.
    Whole,
    /// Those that compare its text with no other one: whether its vector is worth asking for.
    WithoutComparing,
}

/// A prompt that may become a candidate.
struct Child {
    prompt: Prompt,
    repairs: Vec<Repair>,
    origin: Origin,
    screening: Screening,
}

/// The draft of a proposal that is open.
pub(super) fn draft_of(state: &State, proposal: ProposalNumber) -> Result<&Draft, SearchError> {
    state.drafts.get(&proposal).ok_or(SearchError::NoDraft(proposal))
}

/// Whether a reply has the tags that were asked for, where some were.
fn is_tagged(reply: &str, nonce: Option<Nonce>) -> bool {
    nonce.is_none_or(|nonce| {
        let tags = [format!("<prompt-{nonce} part="), nonce.closing(), nonce.note_closing()];
        tags.iter().any(|tag| reply.contains(tag))
    })
}

/// A reply without tags that the screens refuse was no prompt at all.
fn without_tags(outcome: ProposalOutcome, reply: &str, nonce: Option<Nonce>) -> ProposalOutcome {
    match outcome {
        ProposalOutcome::Rejected { reason, .. }
            if !is_tagged(reply, nonce)
                && !matches!(reason, Rejection::Unchanged | Rejection::Dedup) =>
        {
            let reply = text::shorten(&text::one_line(reply), 160);
            let detail = format!("it says “{reply}”");
            ProposalOutcome::Rejected { reason: Rejection::NoTags, detail }
        }
        outcome => outcome,
    }
}

impl ProposalBuilder {
    pub(super) fn new(
        task: Arc<Task>,
        recipe: Recipe,
        evaluator: Arc<Evaluator>,
        events: Arc<dyn AnswerEvents>,
        seed: Seed,
    ) -> Result<Self, SearchError> {
        let labels = task.scorers.labels();
        let screened = ScreenedTask {
            max_tokens: task.max_tokens,
            labels: &labels,
            rows: &task.visible_rows(),
            baseline: &task.baseline,
        };
        let screens = Screens::new(&recipe.slots.screen, &screened);
        let texts = task.layout.searched().iter().filter(|part| *part != DEMOS).cloned().collect();
        let meta_prompts = meta_prompts(&recipe)?;
        let rows = TrainingRows { evaluator, events };
        let nonces = HashMap::new();
        Ok(Self { task, recipe, rows, seed, screens, labels, meta_prompts, texts, nonces })
    }

    fn ask<'a>(
        &'a self,
        state: &'a State,
        draft: &'a Draft,
        shown: &'a [Shown],
        nonce: Option<Nonce>,
    ) -> Ask<'a> {
        let (texts, seed) = (self.texts.as_slice(), self.seed);
        Ask { state, draft, shown, texts, seed, nonce, answers: &self.rows }
    }

    fn author(&self, draft: &Draft) -> Result<&dyn Author, SearchError> {
        self.recipe.author(draft).ok_or(SearchError::NoOperator(draft.proposal))
    }

    /// The task's mutators.
    pub(super) fn mutators(&self) -> impl Iterator<Item = MutatorIx> {
        let roles = self.task.mutators().map(|(role, _)| role);
        roles.filter_map(ModelRole::mutator)
    }

    /// What a drafted proposal asks, with this evidence. It is written once: for its worst case, and
    /// to be sent.
    pub(super) fn question(
        &mut self,
        state: &State,
        proposal: ProposalNumber,
        shown: &[Shown],
    ) -> Result<Question, SearchError> {
        self.question_of(state, draft_of(state, proposal)?, shown)
    }

    /// What this draft asks, which may differ from the one that is journaled in its mutator.
    pub(super) fn question_of(
        &mut self,
        state: &State,
        draft: &Draft,
        shown: &[Shown],
    ) -> Result<Question, SearchError> {
        if draft.program {
            let line = self.program_line(state, draft, shown)?;
            return Ok(Question::Program { draft: Box::new(draft.clone()), line });
        }
        Ok(Question::Model(self.request(state, draft, shown)?))
    }

    /// The request of a draft. Its nonce is kept for the reply.
    fn request(
        &mut self,
        state: &State,
        draft: &Draft,
        shown: &[Shown],
    ) -> Result<Request, SearchError> {
        let request = self.write(state, draft, shown)?;
        let nonce = request.messages.first().and_then(|message| Nonce::find(&message.content));
        self.nonces.insert(draft.proposal, nonce.ok_or(SearchError::NoNonce)?);
        Ok(request)
    }

    fn write(&self, state: &State, draft: &Draft, shown: &[Shown]) -> Result<Request, SearchError> {
        let author = self.author(draft)?;
        let asks_none = || SearchError::NoRequest(author.name().to_owned());
        let meta_prompt = author.meta_prompt(draft).ok_or_else(asks_none)?;
        let role = ModelRole::Mutator(draft.mutator);
        let no_model = || SearchError::NoMutator { proposal: draft.proposal, role };
        let model = self.task.model(role).ok_or_else(no_model)?;
        let ask = self.ask(state, draft, shown, None);
        let mutation_prompt = author.mutation_prompt(&ask);
        let brief = Brief {
            evidence: author.evidence(&ask)?,
            diagnosis: ask.diagnosis()?,
            tried: ask.tried(),
            history: draft
                .context
                .iter()
                .map(|item| ScoredPrompt { prompt: ask.prompt(item.candidate), score: item.score })
                .collect(),
            others: draft.parents.iter().skip(1).map(|other| ask.prompt(*other)).collect(),
            note: ask.note(),
            style: Some(THINKING_STYLES[author.style(draft) % THINKING_STYLES.len()]),
            mutator: mutation_prompt.as_deref(),
            tip: Some(TIPS[draft.variant as usize % TIPS.len()]),
            count: author.notes(draft),
            context_tokens: model.context_tokens,
            max_output_tokens: model.max_output_tokens,
            ..Brief::new(&self.task.about, ask.current(), ask.asked(), self.task.max_tokens)
        };
        let messages = meta_prompt.write(&self.meta_prompts, &brief, self.seed).map_err(
            |error| match error {
                OperatorError::TooLong { .. } => SearchError::Window(error),
                OperatorError::Missing { .. } => SearchError::Request(error),
            },
        )?;
        let temperature = self.recipe.temperature_of(draft);
        let request = Request {
            model: model.name.clone(),
            messages,
            temperature: model.form.nearest_temperature(temperature.unwrap_or(model.temperature)),
            max_output_tokens: model.max_output_tokens,
            draw: u64::from(draft.proposal.0),
            // Each request to the mutator is another one.
            stable_bytes: 0,
            form: Arc::clone(&model.form),
            row: None,
        };
        Ok(request.without(&state.refused_fields))
    }

    /// The line that a program of the user's is asked.
    fn program_line(
        &self,
        state: &State,
        draft: &Draft,
        shown: &[Shown],
    ) -> Result<Vec<u8>, SearchError> {
        let ask = self.ask(state, draft, shown, None);
        let evidence = self.author(draft)?.evidence(&ask)?;
        let request = program_request(&self.task.about, self.task.max_tokens, &ask, &evidence);
        Ok(line_of(&request))
    }

    /// A proposal is folded: its reply is not read again.
    pub(super) fn forget(&mut self, proposal: ProposalNumber) {
        self.nonces.remove(&proposal);
    }

    /// What becomes of an issued proposal.
    pub(super) fn outcome(
        &mut self,
        strategy: &dyn Strategy,
        state: &State,
        proposal: ProposalNumber,
        content: &Content,
        screening: Screening,
    ) -> Result<ProposalOutcome, SearchError> {
        let Content::Reply(answered) = content else {
            return Ok(ProposalOutcome::Missing);
        };
        let draft = state.drafts.get(&proposal).ok_or(SearchError::NoDraft(proposal))?;
        let shown = state.shown.get(&proposal).map_or(&[][..], Vec::as_slice);
        if let Some(flaw) = answered.flaw() {
            let reason = match flaw {
                NoAnswer::Cut => Rejection::Truncated,
                _ => Rejection::Empty,
            };
            let detail = match answered.why.as_str() {
                "" => format!("the reply was {}", flaw.in_words()),
                why => why.to_owned(),
            };
            return Ok(ProposalOutcome::Rejected { reason, detail });
        }
        let reply = &answered.text;
        // After a resume, a request that was answered before is written again for its nonce.
        if !draft.program && !self.nonces.contains_key(&draft.proposal) {
            self.request(state, draft, shown)?;
        }
        let nonce = self.nonces.get(&draft.proposal).copied();
        let ask = self.ask(state, draft, shown, nonce);
        let author = self.author(draft)?;
        Ok::<_, SearchError>(match author.read(&ask, reply) {
            Ok(ReplyContent::Notes(notes)) => ProposalOutcome::Noted { notes },
            Ok(ReplyContent::Draft(prompt)) => {
                match self.screens.form(&prompt, ask.current(), &self.task.layout) {
                    // The next step may change what this one left as it was.
                    Ok(()) | Err((Rejection::Unchanged, _)) => ProposalOutcome::Kept { prompt },
                    Err((reason, detail)) => ProposalOutcome::Rejected { reason, detail },
                }
            }
            Ok(ReplyContent::Child(prompt)) => {
                let origin = Origin::Proposal(draft.proposal);
                // What a program of the user's writes is not changed; and of a reply without tags, what it
                // lacks tells whether it is a prompt at all.
                let (prompt, repairs) = if draft.program || !is_tagged(reply, nonce) {
                    (prompt, Vec::new())
                } else {
                    let known =
                        RepairContext { labels: &self.labels, shown: &author.evidence(&ask)? };
                    repaired(&prompt, ask.current(), &self.texts, known)
                };
                let child = Child { prompt, repairs, origin, screening };
                self.screened(strategy, state, draft, shown, child)?
            }
            Err((reason, detail)) => ProposalOutcome::Rejected { reason, detail },
        })
        .map(|outcome| without_tags(outcome, reply, nonce))
    }

    /// The candidate that a draft puts together without a model.
    pub(super) fn composed(
        &mut self,
        strategy: &dyn Strategy,
        state: &State,
        draft: &Draft,
        screening: Screening,
    ) -> Result<ProposalOutcome, SearchError> {
        let ask = self.ask(state, draft, &[], None);
        let (prompt, repairs) = match (self.recipe.operator_of(draft), self.recipe.init_of(draft)) {
            (Some(operator), _) => {
                merge_repaired(&operator.compose(&ask), ask.current(), &self.texts)
            }
            // What is given stays as it is.
            (None, Some(init)) => (init.compose(&ask), Vec::new()),
            // A combination: other demonstrations alone.
            (None, None) => (ask.current().clone(), Vec::new()),
        };
        let origin = Origin::Composed(draft.proposal);
        let child = Child { prompt, repairs, origin, screening };
        self.screened(strategy, state, draft, &[], child)
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
            if let Some(shown) = self.rows.evidence(demo.row, demo.answer)? {
                // A row whose answer is only checked has none to show.
                let answer = shown.answer.or(shown.expected);
                let Some(answer) = answer.filter(|it| !it.trim().is_empty()) else { continue };
                if !text.is_empty() {
                    text = format!("{}\n\n", text.trim_end());
                }
                // Rows are data: nothing in them is a placeholder.
                text.push_str(&format!(
                    "Input: {}\nOutput: {}\n",
                    literal(shown.input.trim()),
                    literal(answer.trim())
                ));
            }
        }
        Ok(prompt.with_part(DEMOS, &text))
    }

    fn screened(
        &mut self,
        strategy: &dyn Strategy,
        state: &State,
        draft: &Draft,
        shown: &[Shown],
        Child { prompt, repairs, origin, screening }: Child,
    ) -> Result<ProposalOutcome, SearchError> {
        let author = self.recipe.author(draft);
        let demos = demos_of(author, state, draft);
        let name = author.map_or("combine", |author| author.name()).to_owned();
        let ask = self.ask(state, draft, shown, None);
        let gene = match author {
            Some(author) => author.mutation_prompt(&ask),
            None => ask.inherited_mutation_prompt(),
        };
        let prompt = self.with_mate(state, draft, prompt);
        let prompt = self.with_demos(demos.as_deref(), prompt)?;
        let prompt = with_front_matter_of(prompt, &self.task.baseline);
        let first = &state.standing(draft.parents[0]).candidate;
        let layout = &self.task.layout;
        let compares = screening == Screening::Whole;
        let screened = self.screens.check(&prompt, &first.prompt, layout, state, compares);
        if let Err((reason, detail)) = screened {
            return Ok(ProposalOutcome::Rejected { reason, detail });
        }
        let operator = self.recipe.operator_of(draft);
        let mut parents: Vec<CandidateIx> =
            operator.map_or_else(|| draft.parents.clone(), |one| one.parents_of(draft));
        parents.extend(draft.mate.map(|mate| mate.candidate).filter(|m| !parents.contains(m)));
        // A merge may have taken the demonstrations from either parent.
        let demos = demos.unwrap_or_else(|| {
            let same = draft.parents.iter().map(|parent| &state.standing(*parent).candidate);
            same.into_iter()
                .find(|parent| parent.prompt.part(DEMOS) == prompt.part(DEMOS))
                .map_or_else(Vec::new, |parent| parent.demos.clone())
        });
        let id = prompt.id();
        let candidate =
            Candidate { id, prompt, parents, demos, gene, repairs, operator: name, origin };
        Ok(ProposalOutcome::Added { candidate, gate: strategy.gate(state, draft, shown) })
    }
}
