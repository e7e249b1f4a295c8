//! Collects the explanation of one candidate or proposal from the events of a run.

use super::{CallMade, CandidateRef, Happened, Moment, Subject};
use crate::event::{
    Abandoned, Block, Draft, Event, ProposalOutcome, Rejection, Round, RowOutcome, Shown,
};
use crate::id::{Call, CandidateIx, EventNumber, ProposalNumber, RowIx};
use crate::ledger::Wallet;
use crate::memory::State;
use crate::score_form::ScoreForm;
use crate::state::Status;
use crate::task::example::Split;
use crate::units::Tokens;
use std::collections::{BTreeMap, HashMap};

mod explanation;

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
    score_form: ScoreForm,
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
    pub fn new(subject: Subject, dev_rows: u32, score_form: ScoreForm) -> Self {
        Self {
            score_form,
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
        let text = happened.sentence(self.score_form);
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
        let weight = |row: RowIx| self.state.weights.of(block.split, row);
        let mean = mean_of(scored.iter().map(|(row, score)| (*score, weight(*row))));
        let rows = block.rows.len();
        if let Some(gate) = &standing.gate
            && gate.split == block.split
            && block.rows.iter().all(|row| gate.rows.contains(row))
        {
            let sum: f64 = scored.iter().map(|(row, score)| weight(*row) * score).sum();
            let needed: f64 = gate
                .rows
                .iter()
                .zip(&gate.against)
                .filter(|(row, _)| scored.iter().any(|(mine, _)| mine == *row))
                .map(|(row, score)| weight(*row) * score)
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
                    *text = happened.sentence(self.score_form);
                    if let Some(last) = self.fate.last_mut() {
                        last.happened = happened;
                    }
                }
                _ => self.note(number, Happened::Evidence { rows, mean }),
            },
            Split::Dev => {
                let incumbent = self.state.incumbent;
                let theirs = self.state.standing(incumbent).column(Split::Dev, block.replicate);
                let common = scored
                    .iter()
                    .filter_map(|(row, _)| Some((theirs.cell(*row).score()?, weight(*row))));
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
            let (mut sum, mut weight, mut rows) = (0.0, 0.0, 0);
            for (_, column) in self.state.standing(candidate).replicates(Split::Dev) {
                sum += column.sum;
                weight += column.weight;
                rows += column.scored;
            }
            (rows > 0).then(|| sum / weight)
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
}

/// The mean of scores by their weights.
fn mean_of(scores: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let add =
        |(sum, all): (f64, f64), (score, weight): (f64, f64)| (sum + weight * score, all + weight);
    let (sum, all) = scores.fold((0.0, 0.0), add);
    (all > 0.0).then(|| sum / all)
}

fn named(state: &State, candidate: CandidateIx) -> CandidateRef {
    CandidateRef { id: state.standing(candidate).candidate.id.clone(), number: candidate }
}
