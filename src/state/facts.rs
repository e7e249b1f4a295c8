//! The facts of a run, and how they are read.

use super::batches::OpenBatches;
use super::candidate::{CandidateState, Status};
use super::counts::Counts;
use super::judgements::Judgements;
use super::must_pass::MustPass;
use super::open_call::{Arrival, OpenCall};
use super::vectors::TextVectors;
use super::weights::RowWeights;
use crate::candidate::{Candidate, Origin};
use crate::caps::Caps;
use crate::event::{
    CachedOf, Confirmation, Draft, EarlierEnd, Gate, NoAnswer, RowKey, Shown, StopReason,
};
use crate::id::{Call, CandidateId, CandidateIx, EventNumber, ProposalNumber, RowIx};
use crate::ledger::PlanLedger;
use crate::task::ProviderChange;
use crate::task::example::Split;
use crate::task::model::RefusedFields;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Nothing happened yet.
    #[default]
    New,
    /// Proposals and evaluations.
    Searching,
    /// The recipe's `final`: a shortlist may get fresh rows.
    Choosing,
    /// Winner and baseline on held-out rows.
    Confirming,
    /// Over.
    Over,
}

/// A look at held-out rows: what is compared with the baseline on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The candidates.
    pub candidates: Vec<CandidateIx>,
    /// How many of the held-out rows, from the first on.
    pub rows: u32,
    /// Its number, from 1: as far as this run knows, until it is counted.
    pub number: u32,
    /// Whether it is counted in the results folder.
    pub is_counted: bool,
    /// The event with which it was over.
    pub closed: Option<EventNumber>,
}

/// The facts of a run: the fold of all its events, as far as it says what happened.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// How far the run has come.
    pub phase: Phase,
    /// Which of the recipe's phases it is.
    pub phase_number: u16,
    /// Rows of dev: what a candidate is finished by.
    pub dev_rows: u32,
    /// Candidates in order of birth.
    pub candidates: Vec<CandidateState>,
    /// The best so far by the recipe's rule.
    pub incumbent: CandidateIx,
    /// Incumbents so far, with the number of evaluations folded at their time.
    pub incumbents: Vec<(CandidateIx, u64)>,
    /// Candidates that may get more rows.
    pub open: BTreeSet<CandidateIx>,
    /// Issued, unfolded evaluations, oldest first.
    pub evaluations: BTreeMap<Call, OpenCall>,
    /// Issued, unfolded proposals, oldest first.
    pub proposals: BTreeMap<Call, OpenCall>,
    /// Issued, unfolded requests for vectors.
    pub embeddings: BTreeMap<Call, OpenCall>,
    /// What the embedding model said of texts.
    pub vectors: TextVectors,
    /// Useless answers of the task model since its last good one, folded or not.
    pub useless_answers: Vec<(Call, RowKey, NoAnswer)>,
    /// The last good answer of the task model.
    pub last_good_answer: Option<EventNumber>,
    /// What servers refused of the requests' form.
    pub refused_fields: RefusedFields,
    /// Calls that ended and are not folded.
    pub arrivals: HashMap<Call, Arrival>,
    /// What judges said of answers that are not folded.
    pub judgements: Judgements,
    /// Answers of earlier runs that have not served a row yet, by the event that holds them.
    pub(super) reused: HashMap<EventNumber, Arrival>,
    /// Batches that are at their provider.
    pub batches: OpenBatches,
    /// Drafts that are not folded.
    pub drafts: BTreeMap<ProposalNumber, Draft>,
    /// Drafts that were not issued when the search ended: it goes on with them if the run does.
    pub shelved: BTreeMap<ProposalNumber, Draft>,
    /// The evidence of issued proposals.
    pub shown: HashMap<ProposalNumber, Vec<Shown>>,
    /// The row that the last event folded, if it folded one.
    pub folded_row: Option<RowKey>,
    /// The proposal that the last event closed, if it closed one.
    pub closed_proposal: Option<ClosedProposal>,
    /// The shortlist, best first.
    pub shortlist: Vec<CandidateIx>,
    /// Answers that went missing and are asked once more, since the run was resumed.
    pub to_ask_again: BTreeSet<RowKey>,
    /// What the run was started with, as a hash.
    pub pin: Option<String>,
    /// What has changed of where and how models are asked, by key, the last change of each.
    pub provider_changes: BTreeMap<String, ProviderChange>,
    /// What the run may spend, where that was changed after its start.
    pub caps: Option<Caps>,
    /// How the run ended before, each time that it went on with other caps.
    pub earlier: Vec<EarlierEnd>,
    /// Whether it has a result: it is over, or was, and compares further candidates.
    pub is_concluded: bool,
    /// What is compared with the baseline on held-out rows, or was last.
    pub confirming: Confirmation,
    /// What was compared after the run was over, each time, with the place of its look.
    pub(super) confirmations: Vec<(Confirmation, Option<usize>)>,
    /// Its looks at held-out rows.
    pub looks: Vec<Look>,
    /// The place of the look that is being taken, or was last.
    pub(super) confirming_look: Option<usize>,
    /// That of the winner's.
    pub(super) winner_look: Option<usize>,
    /// Which look at held-out rows it is to show the answers of an evaluation or a comparison that has some; `None`
    /// until it is counted.
    pub shown_look: Option<u32>,
    /// The trouble that stopped the run, until it is resumed: its kind, and what happened.
    pub stopped: Option<(StopReason, String)>,
    /// Why the search ended.
    pub stop_reason: Option<StopReason>,
    /// The winner, its shrunken gain, and the number of held-out rows that confirm it.
    pub winner: Option<(CandidateIx, Option<f64>, u32)>,
    /// The plan's ledger.
    pub plan: PlanLedger,
    /// How much rows count in a mean score.
    pub weights: RowWeights,
    /// The rows that must pass.
    pub must_pass: MustPass,
    /// Counts.
    pub counts: Counts,
    /// The clock of the run's order: when the latest of the folded calls was due. Nothing measured enters it, so
    /// it is the same at any concurrency and after a resume.
    pub clock: u64,
    /// The next call's number.
    pub next_call: Call,
    /// The next proposal's number.
    pub next_proposal: ProposalNumber,
    pub(super) by_id: HashMap<CandidateId, CandidateIx>,
    /// Calls that wait for another call's answer.
    pub(super) served_by: HashMap<Call, Vec<Call>>,
}

/// A proposal that was folded or abandoned.
#[derive(Clone, Debug, PartialEq)]
pub struct ClosedProposal {
    /// Its draft.
    pub draft: Draft,
    /// The rows that it was shown.
    pub shown: Vec<Shown>,
    /// The candidate that it became.
    pub child: Option<CandidateIx>,
}

impl Facts {
    /// Before the first event.
    #[must_use]
    pub fn new(dev_rows: u32) -> Self {
        Self { dev_rows, ..Self::default() }
    }

    /// A candidate's state. Numbers come from events of the same run, so they always exist.
    #[must_use]
    pub fn standing(&self, candidate: CandidateIx) -> &CandidateState {
        &self.candidates[candidate.index()]
    }

    /// Which look at the held-out rows the run's result is, from 1: the confirmation of the winner, or what an
    /// evaluation or a comparison shows.
    #[must_use]
    pub fn look(&self) -> u32 {
        let confirmed = self.winner_look.map(|look| self.looks[look].number);
        confirmed.or(self.shown_look).unwrap_or(1)
    }

    /// The look of the winner's confirmation; `None` for the baseline, or without held-out rows.
    #[must_use]
    pub fn look_of_winner(&self) -> Option<&Look> {
        self.winner_look.map(|look| &self.looks[look])
    }

    /// The number of the next look at the held-out rows, as far as this run knows: other runs may have looked at them.
    #[must_use]
    pub fn next_look(&self) -> u32 {
        self.looks.iter().map(|look| look.number).max().unwrap_or(0) + 1
    }

    /// What was compared after the run was over, each time, with its look.
    pub fn compared(&self) -> impl Iterator<Item = (&Confirmation, Option<&Look>)> {
        let all = self.confirmations.iter();
        all.map(|(confirmation, look)| (confirmation, look.map(|look| &self.looks[look])))
    }

    /// The look that is about to be taken: its rows are not asked before it is counted in the results folder.
    #[must_use]
    pub fn look_to_take(&self) -> Option<&Look> {
        let look = self.confirming_look.map(|look| &self.looks[look]);
        look.filter(|look| !look.is_counted && self.phase == Phase::Confirming)
    }

    /// Candidates are compared with the baseline on held-out rows. Where the same have scores for all of the same rows
    /// already, it is no further look. Where time, a cap or a provider kept some of them back, it is one: what the others
    /// had shown may be why it is taken again. Gives the place of the look in `looks`.
    pub(super) fn begin_confirmation(&mut self, confirmation: Confirmation) -> Option<usize> {
        let Confirmation { family, rows, .. } = &confirmation;
        let is_scored = |candidate: &CandidateIx| {
            self.standing(*candidate).column(Split::Hold, 0).scored >= *rows
        };
        let is_alike = |look: &Look| (&look.candidates, look.rows) == (family, *rows);
        let before = self.looks.iter().rposition(is_alike);
        let before =
            before.filter(|_| family.iter().chain([&CandidateIx::BASELINE]).all(is_scored));
        let look = match before {
            Some(before) => Some(before),
            None if *rows == 0 || family.is_empty() => None,
            None => {
                let number = self.next_look();
                let (candidates, rows) = (family.clone(), *rows);
                let look = Look { candidates, rows, number, is_counted: false, closed: None };
                self.looks.push(look);
                Some(self.looks.len() - 1)
            }
        };
        (self.confirming, self.confirming_look) = (confirmation, look);
        look
    }

    /// The look that is about to be taken has this number.
    pub(super) fn count_look(&mut self, number: u32) {
        if self.phase == Phase::Searching {
            self.shown_look = Some(number);
        } else if self.look_to_take().is_some()
            && let Some(look) = self.confirming_look
        {
            (self.looks[look].number, self.looks[look].is_counted) = (number, true);
        }
    }

    /// The look that was being taken is over: answers that come later change nothing of what it showed.
    pub(super) fn close_look(&mut self, at: EventNumber) {
        if let Some(look) = self.confirming_look.filter(|_| self.phase == Phase::Confirming) {
            self.looks[look].closed.get_or_insert(at);
        }
    }

    /// The baseline's state.
    #[must_use]
    pub fn baseline(&self) -> &CandidateState {
        self.standing(CandidateIx::BASELINE)
    }

    /// Whether the run has had a prompt.
    #[must_use]
    pub fn find(&self, id: &CandidateId) -> Option<CandidateIx> {
        self.by_id.get(id).copied()
    }

    /// All candidates with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (CandidateIx, &CandidateState)> {
        self.candidates.iter().enumerate().map(|(index, standing)| {
            (CandidateIx(u32::try_from(index).unwrap_or(u32::MAX)), standing)
        })
    }

    /// All rows that have a score, with whose prompt they were asked.
    pub fn scored_rows(&self) -> impl Iterator<Item = RowKey> {
        self.numbered().flat_map(|(candidate, standing)| {
            standing.columns().flat_map(move |((split, replicate), column)| {
                let rows = (0..).map(RowIx).zip(column.cells());
                let scored = rows.filter(|(_, cell)| cell.score().is_some());
                scored.map(move |(row, _)| RowKey { candidate, split, replicate, row })
            })
        })
    }

    /// All ancestors of a candidate, itself left out, youngest first.
    #[must_use]
    pub fn ancestors(&self, candidate: CandidateIx) -> Vec<CandidateIx> {
        let mut found: Vec<CandidateIx> = Vec::new();
        let mut open = self.standing(candidate).candidate.parents.clone();
        while let Some(next) = open.pop() {
            if !found.contains(&next) {
                found.push(next);
                open.extend(&self.standing(next).candidate.parents);
            }
        }
        found.sort_by(|a, b| b.cmp(a));
        found
    }

    /// How far two candidates' scores are apart, per row of dev that both have answered, in [0, 1]: for
    /// right and wrong answers the Hamming distance as a share of the rows (PhaseEvo;
    /// arXiv:2402.11347, section 3).
    #[must_use]
    pub fn distance(&self, a: CandidateIx, b: CandidateIx) -> f64 {
        let cells = |candidate: CandidateIx| self.standing(candidate).dev().cells().iter();
        let apart: Vec<f64> = cells(a)
            .zip(cells(b))
            .filter_map(|(a, b)| Some((a.score()? - b.score()?).abs()))
            .collect();
        if apart.is_empty() { 0.0 } else { apart.iter().sum::<f64>() / apart.len() as f64 }
    }

    /// The rows that these answers gave a score: several where equal requests were asked once.
    #[must_use]
    pub fn rows_scored_by(&self, answers: &BTreeSet<EventNumber>) -> Vec<RowKey> {
        let mut rows = Vec::new();
        for (candidate, standing) in self.numbered() {
            for ((split, replicate), column) in standing.columns() {
                let cells = column.cells().iter().zip(0..).map(|(cell, row)| (cell, RowIx(row)));
                let served = cells.filter(|(cell, _)| {
                    cell.answer().is_some_and(|answer| answers.contains(&answer))
                });
                rows.extend(served.map(|(_, row)| RowKey { candidate, split, replicate, row }));
            }
        }
        rows
    }

    /// An unfolded call.
    #[must_use]
    pub fn call(&self, call: Call) -> Option<&OpenCall> {
        let places = [&self.evaluations, &self.proposals, &self.embeddings];
        places.into_iter().find_map(|open| open.get(&call))
    }

    /// The event since which an unfolded call can be folded; `None`: it has not arrived.
    #[must_use]
    pub fn arrived_at(&self, call: Call, open: &OpenCall) -> Option<EventNumber> {
        match open.cached {
            Some(CachedOf::Answer(answer)) => Some(answer),
            // It is served when that call is folded.
            Some(CachedOf::Call(_)) => None,
            None => self.arrivals.get(&call).map(|arrival| arrival.at),
        }
    }

    /// All unfolded calls.
    pub fn open_calls(&self) -> impl Iterator<Item = (Call, &OpenCall)> {
        let all = self.evaluations.iter().chain(&self.proposals).chain(&self.embeddings);
        all.map(|(call, open)| (*call, open))
    }

    /// Proposals that are drafted or issued, and not folded.
    #[must_use]
    pub fn proposals_out(&self) -> usize {
        self.drafts.len()
    }

    /// Candidates that have no folded row of dev or of their gate yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.open.iter().filter(|candidate| !self.standing(**candidate).has_folded_rows()).count()
    }

    /// Whether nothing is out.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.evaluations.is_empty() && self.proposals.is_empty() && self.embeddings.is_empty()
    }

    /// The first answer to a row of dev that the last event folded, if it folded one.
    #[must_use]
    pub fn folded_dev_row(&self) -> Option<(CandidateIx, RowIx)> {
        self.folded_row
            .filter(|folded| (folded.split, folded.replicate) == (Split::Dev, 0))
            .map(|folded| (folded.candidate, folded.row))
    }

    pub(super) fn add_candidate(
        &mut self,
        candidate: &Candidate,
        gate: Option<Gate>,
    ) -> CandidateIx {
        let index = CandidateIx(u32::try_from(self.candidates.len()).unwrap_or(u32::MAX));
        self.by_id.entry(candidate.id.clone()).or_insert(index);
        self.candidates.push(CandidateState::new(Arc::new(candidate.clone()), gate));
        self.open.insert(index);
        index
    }

    pub(super) fn finish(&mut self, candidate: CandidateIx) {
        let standing = &mut self.candidates[candidate.index()];
        if standing.status == Status::Open {
            standing.status = Status::Finished;
            self.open.remove(&candidate);
            if candidate != CandidateIx::BASELINE {
                self.count_decided(candidate);
            }
        }
    }

    /// A child that was drafted before the incumbent was there says nothing of what is left to gain.
    pub(super) fn count_decided(&mut self, candidate: CandidateIx) {
        let first = self.counts.first_beside_incumbent;
        let is_earlier = match self.standing(candidate).candidate.origin {
            Origin::Baseline => false,
            Origin::Proposal(proposal) | Origin::Composed(proposal) => proposal < first,
        };
        self.counts.decided_since_incumbent += u32::from(!is_earlier);
    }
}
