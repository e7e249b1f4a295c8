//! All facts so far, folded; and the traits for watching it happen.
//!
//! `RunState::apply` is the only way state changes, live or on resume. There is no clock and no
//! randomness here. Decision events and facts from outside change different fields, so that it does
//! not matter when an answer arrived, only when it was folded.

use crate::budget::{Amount, Share};
use crate::candidate::{Candidate, Demo};
use crate::event::{
    Abandoned, Block, CachedOf, Draft, Dropped, Event, Gate, Generation, Migrant, ProposalOutcome,
    Rejection, Round, RowOutcome, StopReason,
};
use crate::id::{Call, CandidateId, CandidateIx, EventNumber, ProposalNumber, RowIx};
use crate::prompt::Prompt;
use crate::task::example::Split;
use crate::task::model::{ModelRole, Usage};
use crate::units::{Tokens, Usd};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What a slot must remember, folded from the same events.
pub trait View: Default {
    /// Takes in one event; `facts` have taken it in already.
    fn apply(&mut self, event: &Event, facts: &Facts);
}

impl View for () {
    fn apply(&mut self, _event: &Event, _facts: &Facts) {}
}

/// Watches a run: progress, summaries, tests. Cannot change anything.
pub trait Observer<V: View>: Send {
    /// Something happened; `state` has taken it in already.
    fn observe(&mut self, number: EventNumber, event: &Event, state: &RunState<V>);
}

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
    /// Winner and seed on held-out rows.
    Confirming,
    /// Over.
    Over,
}

/// One answer's place in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Cell {
    /// Not asked.
    #[default]
    Empty,
    /// Asked, not folded.
    Issued,
    /// Scored.
    Scored {
        /// The value in [0, 1].
        score: f32,
        /// The event that holds the answer.
        answer: EventNumber,
    },
    /// The model could not be asked.
    Missing,
}

impl Cell {
    /// The value, where there is one.
    #[must_use]
    pub fn score(self) -> Option<f64> {
        match self {
            Self::Scored { score, .. } => Some(f64::from(score)),
            _ => None,
        }
    }
}

/// One candidate's answers to one split, one replicate.
#[derive(Clone, Debug, Default)]
pub struct Column {
    cells: Vec<Cell>,
    /// Rows asked.
    pub issued: u32,
    /// Rows folded, missing ones included.
    pub folded: u32,
    /// Rows with a score.
    pub scored: u32,
    /// The sum of scores.
    pub sum: f64,
}

impl Column {
    /// A row's cell.
    #[must_use]
    pub fn cell(&self, row: RowIx) -> Cell {
        self.cells.get(row.index()).copied().unwrap_or_default()
    }

    /// All cells by row; rows beyond the end are empty.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The mean over scored rows.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.scored > 0).then(|| self.sum / f64::from(self.scored))
    }

    /// Whether nothing is out.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.folded == self.issued
    }

    fn set(&mut self, row: RowIx, cell: Cell) {
        if self.cells.len() <= row.index() {
            self.cells.resize(row.index() + 1, Cell::Empty);
        }
        self.cells[row.index()] = cell;
    }
}

/// What a candidate's task calls used, folded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Answered calls.
    pub calls: u64,
    /// Their tokens.
    pub usage: Usage,
    /// What the deployed prompt pays for them: without retries.
    pub usd: Usd,
}

impl Use {
    fn add(&mut self, usage: Usage, usd: Usd) {
        self.calls += 1;
        self.usage.input += usage.input;
        self.usage.cached_input += usage.cached_input;
        self.usage.output += usage.output;
        self.usd += usd;
    }

    /// Dollars for 1,000 calls.
    #[must_use]
    pub fn usd_per_1k(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.usd.dollars() / self.calls as f64 * 1_000.0)
    }
}

/// Whether a candidate is still tried.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// It may get more rows.
    Open,
    /// It has had all rows that its recipe gives it: all of dev, as a rule.
    Finished,
    /// It was taken out.
    Dropped(Dropped),
}

/// A candidate and all that is known of it.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The prompt with its history.
    pub candidate: Arc<Candidate>,
    /// Whether it is still tried.
    pub status: Status,
    /// What it must pass before it is tried in full.
    pub gate: Option<Gate>,
    /// What its calls on dev used.
    pub used: Use,
    /// How many evaluations were folded when it was born.
    pub born: u64,
    /// In which generation it was born; 0 for what `init` brought.
    pub generation: u32,
    /// The operator that made it, by its place in the recipe.
    pub operator: Option<u16>,
    /// The init that made it, by its place in the recipe.
    pub init: Option<u16>,
    /// The one searched part that it was written for, where parts take turns.
    pub part: Option<u16>,
    /// The place in the population that it competes for.
    pub place: Option<u16>,
    /// The islands that it belongs to.
    pub islands: Vec<u16>,
    columns: Vec<((Split, u16), Column)>,
}

impl Standing {
    /// Its answers to a split, one replicate; empty where it was never asked.
    #[must_use]
    pub fn column(&self, split: Split, replicate: u16) -> &Column {
        static NONE: Column =
            Column { cells: Vec::new(), issued: 0, folded: 0, scored: 0, sum: 0.0 };
        self.columns
            .iter()
            .find(|(key, _)| *key == (split, replicate))
            .map_or(&NONE, |(_, column)| column)
    }

    /// Its first answers to dev, which everything is compared on.
    #[must_use]
    pub fn dev(&self) -> &Column {
        self.column(Split::Dev, 0)
    }

    /// The replicates of a split that it was asked for.
    pub fn replicates(&self, split: Split) -> impl Iterator<Item = (u16, &Column)> {
        self.columns
            .iter()
            .filter(move |((of, _), _)| *of == split)
            .map(|((_, replicate), column)| (*replicate, column))
    }

    /// The first replicate of a training row that it was not asked for yet.
    #[must_use]
    pub fn next_replicate(&self, split: Split, row: RowIx) -> u16 {
        (0..u16::MAX)
            .find(|replicate| self.column(split, *replicate).cell(row) == Cell::Empty)
            .unwrap_or(u16::MAX)
    }

    /// Whether too many of its rows are missing for it to be chosen: more than 5 %.
    #[must_use]
    pub fn misses_too_much(&self) -> bool {
        let column = self.dev();
        f64::from(column.folded - column.scored) > 0.05 * f64::from(column.folded)
    }

    fn column_mut(&mut self, key: (Split, u16)) -> &mut Column {
        let place = match self.columns.iter().position(|(at, _)| *at == key) {
            Some(place) => place,
            None => {
                self.columns.push((key, Column::default()));
                self.columns.len() - 1
            }
        };
        &mut self.columns[place].1
    }
}

/// What an unfolded call is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// A row.
    Evaluation {
        /// Who answers.
        candidate: CandidateIx,
        /// Of which split.
        split: Split,
        /// Which answer to the row it is.
        replicate: u16,
        /// The row.
        row: RowIx,
    },
    /// A proposal.
    Proposal(ProposalNumber),
}

impl Work {
    /// Which model is asked.
    #[must_use]
    pub fn role(&self) -> ModelRole {
        match self {
            Self::Evaluation { .. } => ModelRole::Task,
            Self::Proposal(_) => ModelRole::Mutator,
        }
    }

    /// Which share pays.
    #[must_use]
    pub fn share(&self) -> Share {
        match self {
            Self::Evaluation { split: Split::Hold, .. } => Share::Hold,
            _ => Share::Search,
        }
    }
}

/// An issued call that is not folded.
#[derive(Clone, Debug)]
pub struct OpenCall {
    /// What it is for.
    pub work: Work,
    /// Its worst case in the plan; nothing for a cached one.
    pub reserve: Amount,
    /// Whose answer serves it, if not its own.
    pub cached: Option<CachedOf>,
    /// Whether it was issued to be asked itself; a cached call never is, even where the answer that
    /// was to serve it goes missing.
    pub is_asked: bool,
    /// How many evaluations were folded when it was issued.
    pub issued_at: u64,
}

/// How a call ended, before it is folded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// The event that holds the answer; `None`: there is none.
    pub answer: Option<EventNumber>,
    /// The event that holds the verdict of a scorer outside this process.
    pub verdict: Option<EventNumber>,
    /// Tokens of the answered attempt.
    pub usage: Usage,
    /// Cost of the answered attempt.
    pub usd: Usd,
    /// Bytes of the request.
    pub bytes: u64,
}

impl Arrival {
    /// There is no answer, and there will be none.
    pub const NONE: Self = Self {
        answer: None,
        verdict: None,
        usage: Usage { input: Tokens::ZERO, cached_input: Tokens::ZERO, output: Tokens::ZERO },
        usd: Usd::ZERO,
        bytes: 0,
    };
}

/// What the plan knows of money and tokens: folded facts, and reservations of what is not folded.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Folded cost of all attempts, by share; losses are in it.
    spent: BTreeMap<Share, Amount>,
    /// Worst cases of issued, unfolded calls, by share.
    reserved: BTreeMap<Share, Amount>,
    /// Logical calls issued, without cached ones, by share.
    calls: BTreeMap<Share, u64>,
    /// Mutator calls issued.
    pub proposals: u64,
    /// The largest tokens-per-byte ratio folded, by role.
    ratio: BTreeMap<ModelRole, f64>,
    /// Folded cost of answered calls by role: for means.
    answered: BTreeMap<ModelRole, Use>,
    /// Bytes of their requests.
    bytes: BTreeMap<ModelRole, u64>,
}

impl Plan {
    /// What a share has taken: folded and reserved.
    #[must_use]
    pub fn taken(&self, share: Share) -> Amount {
        self.spent.get(&share).copied().unwrap_or_default()
            + self.reserved.get(&share).copied().unwrap_or_default()
    }

    /// Logical calls issued of a share.
    #[must_use]
    pub fn calls(&self, share: Share) -> u64 {
        self.calls.get(&share).copied().unwrap_or_default()
    }

    /// Tokens for a request of so many bytes: bytes / 3 at first, later 1.1 × the largest ratio seen.
    #[must_use]
    pub fn prompt_tokens(&self, role: ModelRole, bytes: usize) -> Tokens {
        estimate_tokens(self.ratio.get(&role).copied(), bytes)
    }

    /// Bytes of the requests of folded answered calls.
    #[must_use]
    pub fn answered_bytes(&self, role: ModelRole) -> u64 {
        self.bytes.get(&role).copied().unwrap_or_default()
    }

    /// The largest tokens-per-byte ratio of a role's folded requests.
    #[must_use]
    pub fn largest_ratio(&self, role: ModelRole) -> Option<f64> {
        self.ratio.get(&role).copied()
    }

    /// Folded answered calls of a role.
    #[must_use]
    pub fn answered(&self, role: ModelRole) -> Use {
        self.answered.get(&role).copied().unwrap_or_default()
    }
}

/// Tokens for so many bytes at the largest tokens-per-byte ratio seen so far.
#[must_use]
pub fn estimate_tokens(largest_ratio: Option<f64>, bytes: usize) -> Tokens {
    let per_byte = largest_ratio.map_or(1.0 / 3.0, |ratio| 1.1 * ratio);
    // A few tokens stand for the frame that providers put around each message.
    Tokens((bytes as f64 * per_byte).ceil() as u64 + 16)
}

/// A result that the next step of its operator goes on from.
#[derive(Clone, Debug)]
pub struct Continuation {
    /// The draft that brought it.
    pub draft: Draft,
    /// What it brought.
    pub result: StepResult,
    /// The rows that it was shown.
    pub shown: Vec<crate::event::Shown>,
    /// Requests of the next step that are not drafted yet.
    pub left: u16,
    /// Those that are drafted and not folded.
    pub open: u16,
}

impl Continuation {
    /// How many items it has.
    #[must_use]
    pub fn items(&self) -> u16 {
        self.result.items()
    }
}

/// What a step brought.
#[derive(Clone, Debug)]
pub enum StepResult {
    /// Texts.
    Notes(Vec<String>),
    /// A prompt that is not run itself.
    Prompt(Prompt),
    /// A candidate.
    Child(CandidateIx),
}

impl StepResult {
    fn items(&self) -> u16 {
        match self {
            Self::Notes(notes) => u16::try_from(notes.len()).unwrap_or(u16::MAX),
            Self::Prompt(_) | Self::Child(_) => 1,
        }
    }
}

/// Counts for people and for `stop`.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Folded proposals, composed ones included.
    pub proposals: u64,
    /// Refused ones by reason.
    pub rejected: BTreeMap<Rejection, u64>,
    /// Given up before anything was asked.
    pub abandoned: BTreeMap<Abandoned, u64>,
    /// Proposals that the mutator did not answer.
    pub unanswered: u64,
    /// Rejected or abandoned proposals since the last candidate.
    pub rejected_in_a_row: u32,
    /// Scored answers, all splits.
    pub evaluations: u64,
    /// Folded rows, missing ones included.
    pub folded: u64,
    /// Invalid answers among the scored.
    pub invalid: u64,
    /// Missing rows.
    pub errors: u64,
    /// Calls that an earlier answer served.
    pub cached: u64,
    /// Decided children since the last new incumbent.
    pub decided_since_incumbent: u32,
}

/// The fold of all events, without the views.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// How far the run has come.
    pub phase: Phase,
    /// Rows of dev: what a candidate is finished by.
    pub dev_rows: u32,
    /// Candidates in order of birth.
    pub candidates: Vec<Standing>,
    /// The best so far by the recipe's rule.
    pub incumbent: CandidateIx,
    /// Candidates that may get more rows.
    pub open: BTreeSet<CandidateIx>,
    /// Issued, unfolded evaluations, oldest first.
    pub evaluations: BTreeMap<Call, OpenCall>,
    /// Issued, unfolded proposals, oldest first.
    pub proposals: BTreeMap<Call, OpenCall>,
    /// Calls that ended and are not folded.
    pub arrivals: HashMap<Call, Arrival>,
    /// Drafts that are not folded.
    pub drafts: BTreeMap<ProposalNumber, Draft>,
    /// The evidence of issued proposals.
    pub shown: HashMap<ProposalNumber, Vec<crate::event::Shown>>,
    /// Uses of each operator (by its place in the recipe).
    pub uses: BTreeMap<u16, u32>,
    /// Those of them before the incumbent last changed.
    pub uses_at_incumbent: BTreeMap<u16, u32>,
    /// Failures in a row of each operator that is a program, by phase and place.
    pub program_failures: BTreeMap<(u16, u16), u32>,
    /// Rows of dev in use, where a recipe began with few and widened them.
    pub rows_in_use: u32,
    /// Decided children since the incumbent last changed, when they were widened.
    pub widened_at: u32,
    /// Combinations that were drafted.
    pub combinations: u32,
    /// Drafts of each init (by its place in the recipe).
    pub inits: BTreeMap<u16, u32>,
    /// The last round of the contest that is on.
    pub round: Option<Round>,
    /// Contests that ended.
    pub contests: u32,
    /// Whom the last contest left, best first.
    pub survivors: Vec<CandidateIx>,
    /// The generation that is bred.
    pub generation: Option<Generation>,
    /// Uses of operators in it: drafts of first steps.
    pub applications: u32,
    /// Results that a next step goes on from.
    pub continuations: BTreeMap<ProposalNumber, Continuation>,
    /// Drafts whose children were nothing new, since anything else was bred.
    pub refused: Vec<Draft>,
    /// Migrations between islands.
    pub migrations: u32,
    /// The sets of demonstrations that combinations are made of.
    pub demo_sets: Option<Vec<Vec<Demo>>>,
    /// Which of the recipe's phases it is.
    pub phase_number: u16,
    /// How many candidates there were when the generation began: the others are its children.
    pub parents: usize,
    /// The incumbent when the generation began.
    pub bred_from: CandidateIx,
    /// The number of the phase's first generation: they are counted on from phase to phase.
    pub phase_from: u32,
    /// The population that the phase before left.
    pub carried: Vec<CandidateIx>,
    /// The first generation after the one in which the incumbent last changed.
    pub improved_in: u32,
    /// The shortlist, best first.
    pub shortlist: Vec<CandidateIx>,
    /// Why the search ended.
    pub stop_reason: Option<StopReason>,
    /// The winner, its shrunken gain, and the number of held-out rows that confirm it.
    pub winner: Option<(CandidateIx, Option<f64>, u32)>,
    /// Incumbents so far, with the number of evaluations folded at their time.
    pub incumbents: Vec<(CandidateIx, u64)>,
    /// The plan's ledger.
    pub plan: Plan,
    /// Counts.
    pub counts: Counts,
    /// The next call's number.
    pub next_call: Call,
    /// The next proposal's number.
    pub next_proposal: ProposalNumber,
    /// The row that the last event folded, for views.
    pub last_folded: Option<(CandidateIx, Split, u16, RowIx)>,
    by_id: HashMap<CandidateId, CandidateIx>,
    served_by: HashMap<Call, Vec<Call>>,
    /// Attempts that failed and were charged, by their unfolded calls.
    failed_attempts: HashMap<Call, u64>,
    open_reservations: HashMap<Call, (Share, Amount)>,
}

impl Facts {
    /// A candidate's standing. Numbers come from events of the same run, so they always exist.
    #[must_use]
    pub fn standing(&self, candidate: CandidateIx) -> &Standing {
        &self.candidates[candidate.index()]
    }

    /// The baseline's standing.
    #[must_use]
    pub fn baseline(&self) -> &Standing {
        self.standing(CandidateIx::BASELINE)
    }

    /// Whether the run has had a prompt.
    #[must_use]
    pub fn find(&self, id: &CandidateId) -> Option<CandidateIx> {
        self.by_id.get(id).copied()
    }

    /// All candidates with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (CandidateIx, &Standing)> {
        self.candidates.iter().enumerate().map(|(index, standing)| {
            (CandidateIx(u32::try_from(index).unwrap_or(u32::MAX)), standing)
        })
    }

    /// An unfolded call.
    #[must_use]
    pub fn call(&self, call: Call) -> Option<&OpenCall> {
        self.evaluations.get(&call).or_else(|| self.proposals.get(&call))
    }

    /// Proposals that are drafted or issued, and not folded.
    #[must_use]
    pub fn proposals_out(&self) -> usize {
        self.drafts.len()
    }

    /// Candidates that have no folded row of dev or of their gate yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.open
            .iter()
            .filter(|candidate| {
                self.standing(**candidate).columns.iter().all(|(_, column)| column.folded == 0)
            })
            .count()
    }

    /// Whether nothing is out.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.evaluations.is_empty() && self.proposals.is_empty()
    }

    /// The number of the generation that is bred; before a phase's first one, that of the first one.
    #[must_use]
    pub fn generation_number(&self) -> u32 {
        self.generation.as_ref().map_or(self.phase_from, |generation| generation.number)
    }

    /// The number of the generation after the one that is bred.
    #[must_use]
    pub fn next_generation_number(&self) -> u32 {
        self.generation.as_ref().map_or(self.phase_from, |generation| generation.number + 1)
    }

    fn add_candidate(
        &mut self,
        candidate: &Candidate,
        gate: Option<Gate>,
        draft: Option<&Draft>,
    ) -> CandidateIx {
        let index = CandidateIx(u32::try_from(self.candidates.len()).unwrap_or(u32::MAX));
        let generation = self.next_generation_number();
        let operator = draft.and_then(|draft| draft.operator);
        let place = draft.and_then(|draft| draft.place);
        let islands = draft.and_then(|draft| draft.island).into_iter().collect();
        self.by_id.entry(candidate.id.clone()).or_insert(index);
        self.candidates.push(Standing {
            candidate: Arc::new(candidate.clone()),
            status: Status::Open,
            gate,
            used: Use::default(),
            born: self.counts.folded,
            generation,
            operator,
            init: draft.and_then(|draft| draft.init),
            part: draft.and_then(|draft| draft.part),
            place,
            islands,
            columns: Vec::new(),
        });
        self.open.insert(index);
        index
    }

    fn fold_outcome(
        &mut self,
        proposal: ProposalNumber,
        outcome: &ProposalOutcome,
        shown: Vec<crate::event::Shown>,
    ) {
        self.counts.proposals += 1;
        let draft = self.close_draft(proposal);
        if let Some(Draft { program: true, phase, operator: Some(place), .. }) = draft {
            let failed =
                matches!(outcome, ProposalOutcome::Rejected { reason: Rejection::Program, .. });
            let failures = self.program_failures.entry((phase, place)).or_default();
            *failures = if failed { *failures + 1 } else { 0 };
        }
        let mut result = None;
        match outcome {
            ProposalOutcome::Added { candidate, gate } => {
                self.counts.rejected_in_a_row = 0;
                let child = self.add_candidate(candidate, gate.clone(), draft.as_ref());
                result = Some(StepResult::Child(child));
            }
            ProposalOutcome::Noted { notes } => result = Some(StepResult::Notes(notes.clone())),
            ProposalOutcome::Kept { prompt } => result = Some(StepResult::Prompt(prompt.clone())),
            ProposalOutcome::Rejected { reason, .. } => {
                *self.counts.rejected.entry(*reason).or_default() += 1;
                self.counts.rejected_in_a_row += 1;
                let nothing_new =
                    matches!(reason, Rejection::Novelty | Rejection::Dedup | Rejection::Unchanged);
                self.refused.extend(draft.clone().filter(|_| nothing_new));
            }
            ProposalOutcome::Missing => {
                self.counts.unanswered += 1;
                self.counts.rejected_in_a_row += 1;
            }
        }
        if let (Some(draft), Some(result)) = (draft, result)
            && draft.then > 0
        {
            let left = draft.then.saturating_mul(result.items());
            if left > 0 {
                let continuation = Continuation { draft, result, shown, left, open: 0 };
                self.continuations.insert(proposal, continuation);
            }
        }
    }

    /// Takes a draft out of what is open, and lets go of the result that it went on from when nobody
    /// else needs it.
    fn close_draft(&mut self, proposal: ProposalNumber) -> Option<Draft> {
        let draft = self.drafts.remove(&proposal)?;
        if let Some(source) = draft.from
            && let Some(continuation) = self.continuations.get_mut(&source.proposal)
        {
            continuation.open = continuation.open.saturating_sub(1);
            if continuation.open == 0 && continuation.left == 0 {
                self.continuations.remove(&source.proposal);
            }
        }
        Some(draft)
    }

    fn finish(&mut self, candidate: CandidateIx) {
        let standing = &mut self.candidates[candidate.index()];
        if standing.status == Status::Open {
            standing.status = Status::Finished;
            self.open.remove(&candidate);
            if candidate != CandidateIx::BASELINE {
                self.counts.decided_since_incumbent += 1;
            }
        }
    }

    /// Takes a call out of what is open and charges the plan for all its attempts.
    fn fold_call(&mut self, call: Call) -> Option<(OpenCall, Option<Arrival>)> {
        let open = self.evaluations.remove(&call).or_else(|| self.proposals.remove(&call))?;
        let share = open.work.share();
        if let Some(reserved) = self.plan.reserved.get_mut(&share) {
            *reserved = reserved.less(open.reserve);
        }
        let arrival = self.arrivals.remove(&call);
        // Whoever waited for this call's answer now knows where it stands, or that there is none.
        for waiting in self.served_by.remove(&call).into_iter().flatten() {
            let Some(served) = self.evaluations.get_mut(&waiting) else {
                continue;
            };
            served.cached = arrival.and_then(|arrival| arrival.answer).map(CachedOf::Answer);
            if served.cached.is_none() {
                self.arrivals.insert(waiting, Arrival::NONE);
            }
        }
        // A failed attempt costs the plan what the plan had set aside for it. What the wallet was
        // charged depends on what had arrived by then, and must not enter a decision.
        let mut cost = open.reserve.times(self.failed_attempts.remove(&call).unwrap_or(0));
        if let Some(arrival) = &arrival
            && open.cached.is_none()
            && arrival.answer.is_some()
        {
            let role = open.work.role();
            cost += Amount { usd: arrival.usd, tokens: arrival.usage.total() };
            // What a program of the user's says has no request to a model.
            if arrival.bytes > 0 {
                self.plan.answered.entry(role).or_default().add(arrival.usage, arrival.usd);
                *self.plan.bytes.entry(role).or_default() += arrival.bytes;
                let ratio = arrival.usage.input.0 as f64 / arrival.bytes as f64;
                let largest = self.plan.ratio.entry(role).or_default();
                *largest = largest.max(ratio);
            }
        }
        *self.plan.spent.entry(share).or_default() += cost;
        Some((open, arrival))
    }

    fn issue(&mut self, call: Call, work: Work, reserve: Amount, cached: Option<CachedOf>) {
        let share = work.share();
        let is_proposal = matches!(work, Work::Proposal(_));
        if cached.is_none() {
            *self.plan.reserved.entry(share).or_default() += reserve;
            *self.plan.calls.entry(share).or_default() += 1;
            self.plan.proposals += u64::from(is_proposal);
        }
        if let Some(CachedOf::Call(of)) = cached {
            self.served_by.entry(of).or_default().push(call);
        }
        self.counts.cached += u64::from(cached.is_some());
        let reserve = if cached.is_none() { reserve } else { Amount::ZERO };
        let is_asked = cached.is_none();
        let open = OpenCall { work, reserve, cached, is_asked, issued_at: self.counts.folded };
        if is_proposal {
            self.proposals.insert(call, open);
        } else {
            self.evaluations.insert(call, open);
        }
        self.next_call = Call(self.next_call.0.max(call.0 + 1));
    }

    fn issue_block(&mut self, block: &Block) {
        let mut cached = block.cached.iter().peekable();
        for (offset, row) in block.rows.iter().enumerate() {
            let call = Call(block.first.0 + offset as u64);
            let served = cached.next_if(|cached| cached.call == call).map(|cached| cached.of);
            let work = Work::Evaluation {
                candidate: block.candidate,
                split: block.split,
                replicate: block.replicate,
                row: *row,
            };
            self.issue(call, work, block.reserve, served);
            let standing = &mut self.candidates[block.candidate.index()];
            let column = standing.column_mut((block.split, block.replicate));
            column.issued += 1;
            column.set(*row, Cell::Issued);
        }
    }

    fn fold_row(&mut self, call: Call, outcome: &RowOutcome) {
        let Some((open, arrival)) = self.fold_call(call) else {
            return;
        };
        let Work::Evaluation { candidate, split, replicate, row } = open.work else {
            return;
        };
        self.counts.folded += 1;
        self.last_folded = Some((candidate, split, replicate, row));
        let dev_rows = self.dev_rows;
        let standing = &mut self.candidates[candidate.index()];
        let column = standing.column_mut((split, replicate));
        column.folded += 1;
        match outcome {
            RowOutcome::Scored { score, invalid } => {
                let own = arrival.and_then(|arrival| arrival.verdict.or(arrival.answer));
                let answer = own.or(match open.cached {
                    Some(CachedOf::Answer(answer)) => Some(answer),
                    _ => None,
                });
                let answer = answer.unwrap_or_default();
                column.scored += 1;
                column.sum += score.value();
                column.set(row, Cell::Scored { score: score.value() as f32, answer });
                self.counts.evaluations += 1;
                self.counts.invalid += u64::from(*invalid);
                if let Some(arrival) = arrival.filter(|_| split != Split::Train) {
                    standing.used.add(arrival.usage, arrival.usd);
                }
            }
            RowOutcome::Missing => {
                column.set(row, Cell::Missing);
                self.counts.errors += 1;
            }
        }
        if dev_rows > 0 && standing.dev().folded >= dev_rows {
            self.finish(candidate);
        }
    }

    fn apply(&mut self, number: EventNumber, event: &Event) {
        match event {
            Event::Started { seed, .. } => {
                self.phase = Phase::Searching;
                self.add_candidate(seed, None, None);
                self.incumbents.push((CandidateIx::BASELINE, 0));
            }
            Event::ProposalDrafted(draft) => {
                self.drafts.insert(draft.proposal, draft.clone());
                match draft.from.and_then(|from| self.continuations.get_mut(&from.proposal)) {
                    Some(continuation) => {
                        continuation.left = continuation.left.saturating_sub(1);
                        continuation.open += 1;
                    }
                    None if draft.attempt > 0 => {
                        // The same use once more.
                        let same = |refused: &Draft| {
                            (refused.operator, refused.island, refused.attempt + 1)
                                == (draft.operator, draft.island, draft.attempt)
                        };
                        if let Some(place) = self.refused.iter().position(same) {
                            self.refused.remove(place);
                        }
                    }
                    None => {
                        if draft.operator.is_some() {
                            self.refused.clear();
                        }
                        if let Some(operator) = draft.operator {
                            *self.uses.entry(operator).or_default() += 1;
                            self.applications += 1;
                        }
                        if let Some(init) = draft.init {
                            *self.inits.entry(init).or_default() += 1;
                        }
                        if draft.operator.is_none() && draft.init.is_none() {
                            self.combinations += 1;
                        }
                    }
                }
                self.next_proposal = ProposalNumber(draft.proposal.0 + 1);
            }
            Event::ProposalAbandoned { proposal, why } => {
                self.close_draft(*proposal);
                self.counts.rejected_in_a_row += 1;
                *self.counts.abandoned.entry(*why).or_default() += 1;
            }
            Event::PraiseChosen { proposal } => {
                if let Some(draft) = self.drafts.get_mut(proposal) {
                    draft.praises = true;
                }
            }
            Event::ProposalIssued { proposal, call, rows, reserve } => {
                self.shown.insert(*proposal, rows.clone());
                let draft = self.drafts.get(proposal);
                let is_program = draft.is_some_and(|draft| draft.program);
                self.issue(*call, Work::Proposal(*proposal), *reserve, None);
                if is_program {
                    // A proposal, but no call of a model.
                    let calls = self.plan.calls.entry(Share::Search).or_default();
                    *calls = calls.saturating_sub(1);
                }
            }
            Event::ProposalFolded { call, outcome } => {
                if let Some((open, _)) = self.fold_call(*call)
                    && let Work::Proposal(proposal) = open.work
                {
                    let shown = self.shown.remove(&proposal).unwrap_or_default();
                    self.fold_outcome(proposal, outcome, shown);
                }
            }
            Event::CandidateComposed { proposal, outcome } => {
                self.fold_outcome(*proposal, outcome, Vec::new());
            }
            Event::EvaluationIssued(block) => self.issue_block(block),
            Event::EvaluationFolded { call, outcome } => self.fold_row(*call, outcome),
            Event::CandidateDropped { candidate, why } => {
                self.candidates[candidate.index()].status = Status::Dropped(why.clone());
                // Whoever was judged before, and now leaves a population, was counted then.
                if self.open.remove(candidate) {
                    self.counts.decided_since_incumbent += 1;
                }
            }
            Event::IncumbentChanged { candidate, .. } => {
                self.incumbent = *candidate;
                self.incumbents.push((*candidate, self.counts.folded));
                self.counts.decided_since_incumbent = 0;
                self.improved_in = self.next_generation_number();
                self.widened_at = 0;
                self.uses_at_incumbent.clone_from(&self.uses);
            }
            Event::RoundStarted(round) => self.round = Some(round.clone()),
            Event::CandidateFinished { candidate } => self.finish(*candidate),
            Event::RowsWidened { rows } => {
                self.rows_in_use = *rows;
                self.widened_at = self.counts.decided_since_incumbent;
            }
            Event::ContestEnded { survivors } => {
                self.round = None;
                self.contests += 1;
                self.survivors.clone_from(survivors);
                for candidate in survivors {
                    self.finish(*candidate);
                }
            }
            Event::GenerationStarted(generation) => {
                self.generation = Some(generation.clone());
                self.applications = 0;
                self.parents = self.candidates.len();
                self.bred_from = self.incumbent;
            }
            Event::DemosCollected { sets } => self.demo_sets = Some(sets.clone()),
            Event::Migrated { moves } => {
                self.migrations += 1;
                for Migrant { candidate, island } in moves {
                    let islands = &mut self.candidates[candidate.index()].islands;
                    if !islands.contains(island) {
                        islands.push(*island);
                    }
                }
            }
            Event::PhaseStarted { phase } => {
                self.phase_number = *phase;
                if let Some(last) = self.generation.take() {
                    self.phase_from = last.number + 1;
                    self.carried = last.members;
                }
                // Rules that count towards an end count for each phase anew.
                self.improved_in = self.phase_from;
                self.counts.decided_since_incumbent = 0;
                self.counts.rejected_in_a_row = 0;
                self.widened_at = 0;
                self.applications = 0;
                self.uses.clear();
                self.uses_at_incumbent.clear();
                self.inits.clear();
            }
            Event::SearchEnded { reason } => {
                self.phase = Phase::Choosing;
                self.stop_reason = Some(*reason);
                self.drafts.retain(|proposal, _| self.shown.contains_key(proposal));
            }
            Event::ShortlistChosen { candidates } => self.shortlist.clone_from(candidates),
            Event::WinnerChosen { candidate, shrunken_dev, hold_rows } => {
                self.phase = Phase::Confirming;
                self.winner = Some((*candidate, *shrunken_dev, *hold_rows));
            }
            Event::Finished { .. } => self.phase = Phase::Over,
            Event::Resumed { .. } => {}
            Event::Reserved { call, amount, share, .. } => {
                self.open_reservations.insert(*call, (*share, *amount));
            }
            Event::Answered(answered) => {
                self.open_reservations.remove(&answered.call);
                self.arrivals.insert(
                    answered.call,
                    Arrival {
                        answer: Some(number),
                        verdict: None,
                        usage: answered.usage(),
                        usd: answered.usd,
                        bytes: answered.bytes,
                    },
                );
            }
            Event::AttemptFailed { call, charged, .. } => {
                self.open_reservations.remove(call);
                if *charged != Amount::ZERO {
                    *self.failed_attempts.entry(*call).or_default() += 1;
                }
            }
            Event::CallMissing { call, .. } => {
                self.open_reservations.remove(call);
                self.arrivals.insert(*call, Arrival::NONE);
            }
            Event::Scored { call, .. } => {
                if let Some(arrival) = self.arrivals.get_mut(call) {
                    arrival.verdict = Some(number);
                }
            }
            Event::Lost { call } => {
                // A loss is a debit of its own, at once: the answer that is bought again is charged
                // when it is folded.
                if let Some((share, amount)) = self.open_reservations.remove(call) {
                    *self.plan.spent.entry(share).or_default() += amount;
                }
            }
        }
    }
}

/// The fold of all events.
#[derive(Clone, Debug, Default)]
pub struct RunState<V> {
    facts: Facts,
    /// What the slots remember.
    pub views: V,
}

impl<V: View> RunState<V> {
    /// Before the first event.
    #[must_use]
    pub fn new(dev_rows: u32) -> Self {
        Self { facts: Facts { dev_rows, ..Facts::default() }, views: V::default() }
    }

    /// Takes in one event: the only way state changes.
    pub fn apply(&mut self, number: EventNumber, event: &Event) {
        self.facts.apply(number, event);
        self.views.apply(event, &self.facts);
    }
}

impl<V> std::ops::Deref for RunState<V> {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.facts
    }
}
