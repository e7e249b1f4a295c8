//! Collects the explanation of one candidate or proposal from the events of a run.

use super::super::Report;
use super::super::diff::diff;
use super::super::words::{self, visible, visible_line};
use super::{
    CallMade, CandidateRef, Change, DemoShown, Explanation, Happened, Identity, Moment, Outcome,
    Relative, RowShown, ScoredPrompt, StepTaken, Subject, Written,
};
use crate::candidate::Origin;
use crate::engine::confirmed;
use crate::event::{
    Abandoned, Block, Draft, Event, ProposalOutcome, Rejection, Round, RowOutcome, Shown,
};
use crate::id::{Call, CandidateIx, EventNumber, ProposalNumber, RowIx};
use crate::ledger::Wallet;
use crate::memory::State;
use crate::operator::When;
use crate::prompt::Prompt;
use crate::recipe::Recipe;
use crate::run::prompt_tokens;
use crate::state::{Phase, Status};
use crate::strategy::Slots;
use crate::task::Task;
use crate::task::example::Split;
use crate::task::model::ModelRole;
use crate::task::scorer::InvalidAnswers;
use crate::units::Tokens;
use std::collections::{BTreeMap, HashMap};

/// The facts about one proposal.
struct Proposal {
    draft: Draft,
    /// The incumbent when it was drafted.
    incumbent: CandidateIx,
    shown: Vec<(Shown, Option<f64>)>,
    call: Option<CallMade>,
    end: End,
}

/// The outcome of a proposal.
enum End {
    Open,
    Added(CandidateIx),
    Rejected(Rejection, String),
    Abandoned(Abandoned),
    Noted(Vec<String>),
    Kept,
    Missing,
}

/// A block of the subject that is not completely folded.
struct OpenBlock {
    block: Block,
    left: usize,
    missing: usize,
}

/// Reads a run's events in order and explains one candidate or proposal.
pub struct Explainer {
    subject: Subject,
    state: State,
    wallet: Wallet,
    proposals: BTreeMap<ProposalNumber, Proposal>,
    of_call: HashMap<Call, ProposalNumber>,
    /// The mutator's reply to the subject.
    reply: Option<String>,
    blocks: Vec<OpenBlock>,
    round: Option<Round>,
    fate: Vec<Moment>,
}

impl Explainer {
    /// An explainer before the first event.
    #[must_use]
    pub fn new(subject: Subject, dev_rows: u32) -> Self {
        Self {
            subject,
            state: State::new(dev_rows),
            wallet: Wallet::default(),
            proposals: BTreeMap::new(),
            of_call: HashMap::new(),
            reply: None,
            blocks: Vec::new(),
            round: None,
            fate: Vec::new(),
        }
    }

    /// Applies the next event.
    pub fn apply(&mut self, number: EventNumber, event: &Event) {
        self.wallet.apply(event);
        let incumbent = self.state.incumbent;
        let born = self.state.candidates.len();
        let was_open = self.is_open();
        self.state.apply(number, event);
        self.follow_proposals(event, born);
        if let Subject::Candidate(target) = self.subject
            && target.index() < self.state.candidates.len()
        {
            self.follow(target, number, event, incumbent);
            if was_open
                && let Some(standing) = self.state.candidates.get(target.index())
                && standing.status == Status::Finished
            {
                let column = standing.dev();
                let (rows, mean) = (column.scored, column.mean());
                self.note(number, Happened::Judged { rows, mean });
            }
        }
    }

    fn is_open(&self) -> bool {
        match self.subject {
            Subject::Candidate(target) => self
                .state
                .candidates
                .get(target.index())
                .is_some_and(|standing| standing.status == Status::Open),
            Subject::Proposal(_) => false,
        }
    }

    fn note(&mut self, event: EventNumber, happened: Happened) {
        let text = happened.sentence();
        let usd = self.wallet.spent().usd.dollars();
        self.fate.push(Moment { event, usd, happened, text });
    }

    fn named(&self, candidate: CandidateIx) -> CandidateRef {
        named(&self.state, candidate)
    }

    // ── proposals ─────────────────────────────────────────────────────────────────────────────

    fn follow_proposals(&mut self, event: &Event, born: usize) {
        let born = CandidateIx(u32::try_from(born).unwrap_or(u32::MAX));
        match event {
            Event::ProposalDrafted(draft) => {
                let proposal = Proposal {
                    draft: draft.clone(),
                    incumbent: self.state.incumbent,
                    shown: Vec::new(),
                    call: None,
                    end: End::Open,
                };
                self.proposals.insert(draft.proposal, proposal);
            }
            Event::ProposalIssued { proposal, call, rows, .. } => {
                self.of_call.insert(*call, *proposal);
                let state = &self.state;
                if let Some(known) = self.proposals.get_mut(proposal) {
                    let parent = known.draft.parents.first().map(|parent| state.standing(*parent));
                    let score = |shown: &Shown| {
                        let column = parent?.column(Split::Train, shown.replicate?);
                        column.cell(shown.row).score()
                    };
                    known.shown = rows.iter().map(|shown| (*shown, score(shown))).collect();
                    known.call = Some(CallMade { call: call.0, ..CallMade::default() });
                }
            }
            Event::Answered(answered) => {
                let Some(number) = self.of_call.get(&answered.call) else { return };
                if self.subject == Subject::Proposal(*number) {
                    self.reply = Some(answered.text.clone());
                }
                if let Some(made) = self.call_of(answered.call) {
                    made.usd += answered.usd.dollars();
                    made.prompt_tokens += Tokens(answered.input);
                    made.completion_tokens += Tokens(answered.out);
                    made.milliseconds = answered.ms;
                }
            }
            Event::AttemptFailed { call, charged, .. }
            | Event::HedgeSettled { call, charged, .. } => {
                let usd = charged.usd.dollars();
                if let Some(made) = self.call_of(*call) {
                    made.usd += usd;
                }
            }
            Event::ProposalFolded { call, outcome } => {
                if let Some(number) = self.of_call.get(call).copied() {
                    self.end(number, outcome, born);
                }
            }
            Event::CandidateComposed { proposal, outcome } => self.end(*proposal, outcome, born),
            Event::ProposalRevised { proposal, own } => {
                if let Some(known) = self.proposals.get_mut(proposal) {
                    known.draft.own = Some(own.clone());
                }
            }
            Event::MutatorReplaced { proposal, mutator, .. } => {
                if let Some(known) = self.proposals.get_mut(proposal) {
                    known.draft.mutator = *mutator;
                }
            }
            Event::ProposalAbandoned { proposal, why } => {
                if let Some(known) = self.proposals.get_mut(proposal) {
                    known.end = End::Abandoned(*why);
                }
            }
            _ => {}
        }
    }

    fn call_of(&mut self, call: Call) -> Option<&mut CallMade> {
        let number = self.of_call.get(&call)?;
        self.proposals.get_mut(number)?.call.as_mut()
    }

    fn end(&mut self, number: ProposalNumber, outcome: &ProposalOutcome, born: CandidateIx) {
        let Some(known) = self.proposals.get_mut(&number) else { return };
        known.end = match outcome {
            ProposalOutcome::Added { .. } => End::Added(born),
            ProposalOutcome::Noted { notes } => End::Noted(notes.clone()),
            ProposalOutcome::Kept { .. } => End::Kept,
            ProposalOutcome::Rejected { reason, detail } => End::Rejected(*reason, detail.clone()),
            ProposalOutcome::Missing => End::Missing,
        };
    }

    // ── the candidate ─────────────────────────────────────────────────────────────────────────

    fn follow(
        &mut self,
        target: CandidateIx,
        number: EventNumber,
        event: &Event,
        incumbent: CandidateIx,
    ) {
        let place_in = |list: &[CandidateIx]| {
            list.iter().position(|candidate| *candidate == target).map(|place| place + 1)
        };
        match event {
            Event::EvaluationIssued(block) if block.candidate == target => {
                let left = block.rows.len();
                self.blocks.push(OpenBlock { block: block.clone(), left, missing: 0 });
            }
            Event::EvaluationFolded { call, outcome } => {
                self.fold(target, number, *call, outcome);
            }
            Event::CandidateDropped { candidate, why } if *candidate == target => {
                self.close_round(target, number);
                self.note(number, Happened::Dropped { why: why.clone() });
            }
            Event::IncumbentChanged { candidate, why } if *candidate == target => {
                let instead_of = self.named(incumbent);
                self.note(number, Happened::Incumbent { instead_of, why: why.clone() });
            }
            Event::IncumbentChanged { candidate, why } if incumbent == target => {
                let by = self.named(*candidate);
                self.note(number, Happened::Replaced { by, why: why.clone() });
            }
            Event::RoundStarted(round) => {
                self.close_round(target, number);
                if round.candidates.contains(&target) {
                    self.round = Some(round.clone());
                }
            }
            Event::ContestEnded { survivors } => {
                self.close_round(target, number);
                if let Some(place) = place_in(survivors) {
                    self.note(number, Happened::Survived { place, of: survivors.len() });
                }
            }
            Event::GenerationStarted(generation) => {
                if let Some(place) = place_in(&generation.members) {
                    let of = generation.members.len();
                    self.note(
                        number,
                        Happened::Generation { number: generation.number, place, of },
                    );
                }
            }
            Event::Migrated { moves } => {
                for moved in moves.iter().filter(|moved| moved.candidate == target) {
                    self.note(number, Happened::Migrated { island: moved.island });
                }
            }
            Event::ShortlistChosen { candidates } => {
                if let Some(place) = place_in(candidates) {
                    self.note(number, Happened::Shortlisted { place, of: candidates.len() });
                }
            }
            Event::SearchEnded { reason } if self.is_open() => {
                self.note(number, Happened::Ended { reason: *reason });
            }
            Event::WinnerChosen { candidate, shrunken_dev, hold_rows } if *candidate == target => {
                let (shrunken_dev, hold_rows) = (*shrunken_dev, *hold_rows);
                self.note(number, Happened::Chosen { shrunken_dev, hold_rows });
            }
            _ => {}
        }
    }

    fn fold(&mut self, target: CandidateIx, number: EventNumber, call: Call, outcome: &RowOutcome) {
        let holds = |open: &OpenBlock| {
            let first = open.block.first.0;
            (first..first + open.block.rows.len() as u64).contains(&call.0)
        };
        let Some(place) = self.blocks.iter().position(holds) else { return };
        let open = &mut self.blocks[place];
        open.left = open.left.saturating_sub(1);
        open.missing += usize::from(*outcome == RowOutcome::Missing);
        if open.left == 0 {
            let OpenBlock { block, missing, .. } = self.blocks.remove(place);
            self.folded(target, number, &block, missing);
        }
    }

    fn folded(&mut self, target: CandidateIx, number: EventNumber, block: &Block, missing: usize) {
        let standing = self.state.standing(target);
        let column = standing.column(block.split, block.replicate);
        let scored: Vec<(RowIx, f64)> =
            block.rows.iter().filter_map(|row| Some((*row, column.cell(*row).score()?))).collect();
        let mean = mean_of(scored.iter().map(|(_, score)| *score));
        let rows = block.rows.len();
        if let Some(gate) = &standing.gate
            && gate.split == block.split
            && block.rows.iter().all(|row| gate.rows.contains(row))
        {
            let sum: f64 = scored.iter().map(|(_, score)| score).sum();
            let needed: f64 = gate
                .rows
                .iter()
                .zip(&gate.against)
                .filter(|(row, _)| scored.iter().any(|(mine, _)| mine == *row))
                .map(|(_, score)| score)
                .sum();
            let passed = if gate.inclusive { sum >= needed - 1e-9 } else { sum > needed + 1e-9 };
            return self.note(number, Happened::Gate { rows, sum, needed, passed });
        }
        match block.split {
            // The result on held-out rows is reported once, when all of them are folded.
            Split::Hold => {}
            Split::Train => match self.fate.last_mut() {
                Some(Moment {
                    happened: Happened::Evidence { rows: before, mean: old },
                    text,
                    ..
                }) => {
                    let all = *before + rows;
                    let sum =
                        old.unwrap_or(0.0) * *before as f64 + mean.unwrap_or(0.0) * rows as f64;
                    let happened = Happened::Evidence { rows: all, mean: Some(sum / all as f64) };
                    *text = happened.sentence();
                    if let Some(last) = self.fate.last_mut() {
                        last.happened = happened;
                    }
                }
                _ => self.note(number, Happened::Evidence { rows, mean }),
            },
            Split::Dev => {
                let incumbent = self.state.incumbent;
                let theirs = self.state.standing(incumbent).column(Split::Dev, block.replicate);
                let common = scored.iter().filter_map(|(row, _)| theirs.cell(*row).score());
                let incumbent_mean = mean_of(common).filter(|_| incumbent != target);
                let (rows_so_far, mean_so_far) = (column.scored, column.mean());
                let incumbent = incumbent_mean.map(|_| self.named(incumbent));
                let replicate = block.replicate;
                self.note(
                    number,
                    Happened::Rows {
                        replicate,
                        rows,
                        missing,
                        mean,
                        incumbent,
                        incumbent_mean,
                        rows_so_far,
                        mean_so_far,
                    },
                );
            }
        }
    }

    /// Reports the current round and the subject's rank in it.
    fn close_round(&mut self, target: CandidateIx, number: EventNumber) {
        let Some(round) = self.round.take() else { return };
        let mean = |candidate: CandidateIx| {
            let (mut sum, mut rows) = (0.0, 0);
            for (_, column) in self.state.standing(candidate).replicates(Split::Dev) {
                sum += column.sum;
                rows += column.scored;
            }
            (rows > 0).then(|| sum / f64::from(rows))
        };
        let own = mean(target);
        let better = round
            .candidates
            .iter()
            .filter(|other| mean(**other).unwrap_or(0.0) > own.unwrap_or(0.0) + 1e-9)
            .count();
        let (rank, of) = (better + 1, round.candidates.len());
        let place = round.candidates.iter().position(|candidate| *candidate == target);
        let pulls = place.map_or(0..0, |place| round.range(place));
        let rows = u32::try_from(pulls.end - pulls.start).unwrap_or(u32::MAX);
        let Round { contest, group, round, .. } = round;
        self.note(number, Happened::Round { contest, group, round, rows, mean: own, rank, of });
    }

    // ── explanation ────────────────────────────────────────────────────────────────────────────────

    /// The explanation. `report` must be of the same run.
    #[must_use]
    pub fn explanation(mut self, report: &Report<'_>) -> Explanation {
        let recipe = report.recipe;
        let seed = crate::seed::Seed(report.summary.seed);
        let subject = match self.subject {
            Subject::Proposal(number) => {
                match self.proposals.get(&number).map(|known| &known.end) {
                    // The candidate that it became has the fuller explanation.
                    Some(End::Added(candidate)) => Subject::Candidate(*candidate),
                    _ => self.subject,
                }
            }
            candidate => candidate,
        };
        let run = visible_line(&report.summary.run);
        let number = match subject {
            Subject::Proposal(number) => {
                return Explanation {
                    run,
                    candidate: None,
                    written: self.written(number, recipe, report.task),
                    changes: Vec::new(),
                    fate: Vec::new(),
                    children: Vec::new(),
                    invalid: InvalidAnswers::default(),
                };
            }
            Subject::Candidate(number) => number,
        };
        self.confirmation(number, seed);
        let standing = self.state.standing(number);
        let candidate = standing.candidate.clone();
        let relatives = |of: &[CandidateIx]| of.iter().map(|c| relative(&self.state, *c)).collect();
        let children: Vec<CandidateIx> = self
            .state
            .numbered()
            .filter(|(_, other)| other.candidate.parents.contains(&number))
            .map(|(child, _)| child)
            .collect();
        let birth = self.state.memory.births.of(number);
        let identity = Identity {
            named: self.named(number),
            operator: visible_line(&candidate.operator),
            standing: standing_of(&self.state, number),
            parents: relatives(&candidate.parents),
            generation: birth.generation,
            place: birth.place,
            islands: self.state.memory.islands.of(number).to_vec(),
            demos: candidate
                .demos
                .iter()
                .map(|demo| DemoShown {
                    row: row_name(report.task, demo.row),
                    own_answer: demo.answer.is_some(),
                })
                .collect(),
            gene: candidate.gene.as_deref().map(visible),
            prompt_tokens: prompt_tokens(report.task, &self.state, &candidate.prompt),
            dev_mean: standing.dev().mean(),
            dev_rows: standing.dev().scored,
        };
        let written = match candidate.origin {
            Origin::Baseline => None,
            Origin::Proposal(number) | Origin::Composed(number) => {
                self.written(number, recipe, report.task)
            }
        };
        let changes = candidate.parents.first().map_or_else(Vec::new, |parent| {
            let before = &self.state.standing(*parent).candidate.prompt;
            changes(before, &candidate.prompt, report.task)
        });
        let children = relatives(&children);
        Explanation {
            run,
            candidate: Some(identity),
            written,
            changes,
            fate: self.fate,
            children,
            invalid: report.invalid.of_candidate(number),
        }
    }

    /// Reports the result on held-out rows, if all of them are folded.
    fn confirmation(&mut self, candidate: CandidateIx, seed: crate::seed::Seed) {
        let is_winner = self.state.winner.is_some_and(|(winner, ..)| winner == candidate);
        if self.state.phase != Phase::Over || !(is_winner || candidate == CandidateIx::BASELINE) {
            return;
        }
        let Some(confirmed) = confirmed(&self.state, seed) else { return };
        let own = if is_winner { confirmed.winner } else { confirmed.baseline };
        let Some(own) = own else { return };
        let gain = confirmed.gain.as_ref().filter(|_| is_winner);
        let baseline_mean = gain.and(confirmed.baseline).map(|baseline| baseline.mean);
        let happened = Happened::Confirmed {
            mean: own.mean,
            low: own.low,
            high: own.high,
            rows: own.n,
            baseline_mean,
            gain: gain.map(|(gain, _)| gain.mean),
            p_value: gain.map(|(_, test)| test.p_value),
            is_shown: confirmed.is_shown,
        };
        let last = self.fate.last().map_or_else(EventNumber::default, |moment| moment.event);
        self.note(last, happened);
    }

    fn written(
        &self,
        number: ProposalNumber,
        recipe: Option<&Recipe>,
        task: &Task,
    ) -> Option<Written> {
        let known = self.proposals.get(&number)?;
        let draft = &known.draft;
        let recipe = recipe.map(|recipe| recipe.of_phase(draft.phase));
        let (operator, about) = operator_of(recipe, draft);
        let mut steps = Vec::new();
        let mut from = draft.from;
        while let Some(source) = from {
            let Some(earlier) = self.proposals.get(&source.proposal) else { break };
            let note = match &earlier.end {
                End::Noted(notes) => notes.get(usize::from(source.item)).map(|note| visible(note)),
                _ => None,
            };
            let step = step_name(recipe, &earlier.draft);
            let name = step.unwrap_or_else(|| format!("step {}", earlier.draft.step + 1));
            steps.push(StepTaken { proposal: source.proposal, name, note, call: earlier.call });
            from = earlier.draft.from;
        }
        steps.reverse();
        let outcome = match &known.end {
            End::Open => Outcome::Open,
            End::Added(_) => Outcome::Added,
            End::Rejected(reason, detail) => Outcome::Rejected {
                reason: *reason,
                sentence: words::rejection(*reason),
                detail: visible(detail),
                text: self.reply.as_deref().map(visible),
            },
            End::Abandoned(why) => Outcome::Abandoned { sentence: words::abandoned(*why) },
            End::Noted(notes) => Outcome::Noted {
                notes: notes.iter().map(|note| visible(note)).collect(),
                followed_by: self.followers(number),
            },
            End::Kept => Outcome::Kept { followed_by: self.followers(number) },
            End::Missing => Outcome::Missing,
        };
        Some(Written {
            proposal: number,
            operator,
            about,
            why: recipe.map_or_else(Vec::new, |slots| {
                let mut why = self.why(slots, known);
                why.extend(writer(task, slots, draft));
                why
            }),
            parents: draft.parents.iter().map(|parent| self.named(*parent)).collect(),
            steps,
            rows: known
                .shown
                .iter()
                .filter(|(shown, _)| !shown.counted)
                .map(|(shown, score)| RowShown { row: row_name(task, shown.row), score: *score })
                .collect(),
            earlier: draft
                .context
                .iter()
                .map(|item| ScoredPrompt { named: self.named(item.candidate), score: item.score })
                .collect(),
            call: known.call,
            outcome,
        })
    }

    fn followers(&self, number: ProposalNumber) -> Vec<ProposalNumber> {
        let builds_on =
            |known: &&Proposal| known.draft.from.is_some_and(|source| source.proposal == number);
        self.proposals.values().filter(builds_on).map(|known| known.draft.proposal).collect()
    }

    /// Why this operator and these parents were chosen, as far as recipe and journal show.
    fn why(&self, slots: &Slots, known: &Proposal) -> Vec<String> {
        let draft = &known.draft;
        let mut why = Vec::new();
        let operator = draft.operator.and_then(|place| slots.operator.get(usize::from(place)));
        let Some(operator) = operator else {
            match draft.init.and_then(|place| slots.init.get(usize::from(place))) {
                Some(init) => why.push(format!(
                    "the recipe's init `{}` makes {}; this was number {}",
                    init.kind(),
                    crate::text::plural(init.requests() as usize, "request"),
                    draft.variant + 1
                )),
                None => why.push(format!(
                    "a combination of instruction and demonstrations, chosen by the sampler `{}`",
                    slots.sampler.kind()
                )),
            }
            return why;
        };
        let counted = known.shown.iter().filter(|(shown, _)| shown.counted).count();
        if draft.diagnosed && counted > 0 {
            let rows = crate::text::plural(counted, "more row");
            why.push(format!("the request sums up {rows} that its parent answered"));
        }
        if !draft.tried.is_empty() {
            let children: Vec<String> =
                draft.tried.iter().map(|tried| self.named(tried.candidate).to_string()).collect();
            why.push(format!("the request says what came of {}", children.join(", ")));
        }
        let total: f64 = slots
            .operator
            .iter()
            .filter(|other| !other.is_occasional())
            .map(|other| other.common.weight)
            .sum();
        let learns = slots.choose.learns();
        let takes_turns = slots.choose.turns(&slots.operator).is_some();
        why.push(match operator.common.when {
            When::AfterAccept => "used after a child was evaluated in full".to_owned(),
            When::IncumbentChanged => {
                format!("used because {} became the incumbent", self.named(known.incumbent))
            }
            When::Stalled(children) => {
                format!("used after {children} finished children without a new incumbent")
            }
            When::Always if slots.operator.len() == 1 => {
                "it is the recipe's only operator".to_owned()
            }
            When::Always if !learns && !takes_turns => format!(
                "drawn by weight: {} of {}",
                words::score(operator.common.weight),
                words::score(total)
            ),
            When::Always if takes_turns => {
                "every operator of the recipe is used on each parent".to_owned()
            }
            When::Always => {
                let chance = draft.chance.map_or_else(String::new, |chance| {
                    format!(", with probability {}", crate::text::percent(chance))
                });
                format!(
                    "drawn by `{}`, by the earlier results of the operators{chance}",
                    slots.choose.kind()
                )
            }
        });
        let parents = match operator.parents_in_words() {
            Some(words) => words.to_owned(),
            None => {
                let about = paragraph(slots.select.about());
                format!("parent selected by `{}`: {about}", slots.select.kind())
            }
        };
        why.push(parents);
        if let Some(chosen) = draft.own.as_ref().and_then(|own| operator.own_in_words(own)) {
            why.push(chosen.to_owned());
        }
        if let Some(mate) = &draft.mate {
            why.push(format!(
                "a part of it was replaced by that of {}",
                self.named(mate.candidate)
            ));
        }
        why
    }
}

/// Which of several mutators wrote it.
fn writer(task: &Task, slots: &Slots, draft: &Draft) -> Option<String> {
    let model = task.model(ModelRole::Mutator(draft.mutator))?;
    let asks =
        slots.author(draft).is_some_and(crate::operator::Author::asks_mutator) && !draft.program;
    let is_drawn = asks && task.mutators().nth(1).is_some();
    is_drawn.then(|| format!("written by `{}`, drawn by `{}`", model.name, slots.model.kind()))
}

/// Lines of documentation as one paragraph.
fn paragraph(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

fn mean_of(scores: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = scores.fold((0.0, 0_u32), |(sum, count), score| (sum + score, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

fn named(state: &State, candidate: CandidateIx) -> CandidateRef {
    CandidateRef { id: state.standing(candidate).candidate.id.clone(), number: candidate }
}

fn relative(state: &State, candidate: CandidateIx) -> Relative {
    let standing = state.standing(candidate);
    Relative {
        named: named(state, candidate),
        operator: visible_line(&standing.candidate.operator),
        dev_mean: standing.dev().mean(),
        dev_rows: standing.dev().scored,
        standing: standing_of(state, candidate),
    }
}

/// A candidate's current status.
fn standing_of(state: &State, candidate: CandidateIx) -> String {
    let standing = state.standing(candidate);
    let winner = state.winner.map(|(winner, ..)| winner);
    if winner == Some(candidate) {
        return "the winner".to_owned();
    }
    match &standing.status {
        _ if candidate == state.incumbent && winner.is_none() => "the incumbent".to_owned(),
        Status::Dropped(why) => words::dropped(why),
        Status::Finished if state.incumbents.iter().any(|(earlier, _)| *earlier == candidate) => {
            "finished, was the incumbent".to_owned()
        }
        Status::Finished => "finished, was never the incumbent".to_owned(),
        Status::Open if state.phase > Phase::Searching => {
            "unfinished when the search ended".to_owned()
        }
        Status::Open => "not finished yet".to_owned(),
    }
}

fn row_name(task: &Task, row: RowIx) -> String {
    match task.splits.train.get(row.index()) {
        Some(example) => visible_line(example.id.as_str()),
        None => format!("train {row}"),
    }
}

fn changes(before: &Prompt, after: &Prompt, task: &Task) -> Vec<Change> {
    let text = |prompt: &Prompt, part: &str| prompt.part(part).unwrap_or("").to_owned();
    task.layout
        .searched()
        .iter()
        .map(|part| {
            let (before, after) = (text(before, part), text(after, part));
            let pieces = diff(&before, &after);
            Change { part: visible_line(part), is_changed: before != after, pieces }
        })
        .collect()
}

/// The operator's name and description.
fn operator_of(recipe: Option<&Slots>, draft: &Draft) -> (String, String) {
    let of = |kind: &str, about: &[&str]| (kind.to_owned(), paragraph(about));
    let unknown = |noun: &str, place: u16| (format!("{noun} {place}"), String::new());
    match (draft.operator, draft.init) {
        (Some(place), _) => {
            recipe.and_then(|recipe| recipe.operator.get(usize::from(place))).map_or_else(
                || unknown("operator", place),
                |used| of(used.kind(), used.chosen().about()),
            )
        }
        (None, Some(place)) => recipe
            .and_then(|recipe| recipe.init.get(usize::from(place)))
            .map_or_else(|| unknown("init", place), |init| of(init.kind(), init.about())),
        (None, None) => of("combine", &["Puts an instruction and demonstrations together."]),
    }
}

/// The name of the meta-prompt of a draft's step.
fn step_name(recipe: Option<&Slots>, draft: &Draft) -> Option<String> {
    let step = recipe?.author(draft)?.steps().get(usize::from(draft.step)).copied()?;
    Some(step.meta_prompt.name.to_owned())
}
