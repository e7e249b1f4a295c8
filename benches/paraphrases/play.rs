//! One search over one pool: the real strategy, a mutator that returns the prompts of the pool, and
//! random answers.

use promptsearch::candidate::{Candidate, Origin};
use promptsearch::event::{
    Answered, Block, Event, Finish, ProposalOutcome, RowOutcome, StopReason,
};
use promptsearch::id::{Call, CandidateIx, EventNumber, RequestHash};
use promptsearch::ledger::Remaining;
use promptsearch::memory::State;
use promptsearch::prompt::{Part, Prompt};
use promptsearch::recipe::Recipe;
use promptsearch::seed::Seed;
use promptsearch::state::{CandidateState, Phase, Status};
use promptsearch::strategy::{Composed, Plan, Searched, Strategy};
use promptsearch::task::goal::Goal;
use promptsearch::units::{Amount, Score, Usd};

/// Number of dev rows, as in the measurement of the accuracies.
const ROWS: u32 = 100;

/// The arms: their texts and accuracies. The first is the baseline.
pub(crate) struct Pool {
    pub(crate) texts: Vec<String>,
    pub(crate) accuracies: Vec<f64>,
    /// The number of each arm in the data, so that it gives the same answers to all strategies.
    pub(crate) numbers: Vec<usize>,
}

/// The result of a search.
pub(crate) struct Played {
    /// The returned arm, by its position in the pool.
    pub(crate) arm: usize,
    /// Number of calls.
    pub(crate) calls: u64,
    /// Number of arms that were not dropped.
    pub(crate) left: usize,
}

struct Game<'a> {
    pool: &'a Pool,
    strategy: Composed,
    state: State,
    events: u64,
    budget: u64,
    calls: u64,
    seed: Seed,
}

/// Runs a search to its end.
pub(crate) fn play(recipe: &Recipe, pool: &Pool, budget: u64, seed: Seed) -> Played {
    let goal = Goal::max_quality();
    let searched = Searched { texts: 1, demos: false };
    let strategy = Composed::new(recipe.phases(), goal, 0, searched, seed.child("strategy", 0));
    let state = State::new(ROWS);
    let mut game = Game { pool, strategy, state, events: 0, budget, calls: 0, seed };
    let baseline = Candidate::baseline(prompt(&pool.texts[0]));
    game.record(&Event::Started { at: jiff::Timestamp::UNIX_EPOCH, baseline });
    while game.winner().is_none() {
        game.step();
    }
    let arm = game.winner().map_or(0, CandidateIx::index);
    let is_left = |standing: &&CandidateState| !matches!(standing.status, Status::Dropped(_));
    let left = game.state.candidates.iter().filter(is_left).count();
    Played { arm, calls: game.calls, left }
}

impl Game<'_> {
    fn record(&mut self, event: &Event) {
        self.state.apply(EventNumber(self.events), event);
        self.events += 1;
    }

    fn winner(&self) -> Option<CandidateIx> {
        self.state.winner.map(|(candidate, ..)| candidate)
    }

    /// Carries out all actions offered now; ends the search if none fits.
    fn step(&mut self) {
        let left = self.budget - self.calls;
        let remaining =
            Remaining { rollouts: left, total_rollouts: self.budget, spent: 0.0, hold_rows: 60 };
        let mut went_on = false;
        for plan in self.strategy.ask(&self.state, remaining) {
            match plan {
                Plan::Decide(event) => {
                    self.record(&event);
                    return;
                }
                Plan::Win { candidate, shrunken_dev } => {
                    self.record(&Event::WinnerChosen { candidate, shrunken_dev, hold_rows: 0 });
                    return;
                }
                Plan::Propose { proposal, shown } => {
                    let call = self.state.next_call;
                    let reserve = Amount::ZERO;
                    self.record(&Event::ProposalIssued { proposal, call, rows: shown, reserve });
                    let number = self.state.candidates.len();
                    let outcome = match self.pool.texts.get(number) {
                        Some(text) => added(prompt(text), Origin::Proposal(proposal)),
                        None => ProposalOutcome::Missing,
                    };
                    self.record(&Event::ProposalFolded { call, outcome });
                    went_on = true;
                }
                Plan::Evaluate { candidate, split, replicate, rows } => {
                    let count = rows.len() as u64;
                    if self.calls + count > self.budget {
                        continue;
                    }
                    self.calls += count;
                    let first = self.state.next_call;
                    let (reserve, cached) = (Amount::ZERO, Vec::new());
                    let asked = rows.clone();
                    let block = Block {
                        first,
                        candidate,
                        split,
                        replicate,
                        rows,
                        reserve,
                        cached,
                        judging: None,
                    };
                    self.record(&Event::EvaluationIssued(block));
                    for (offset, row) in asked.into_iter().enumerate() {
                        let call = Call(first.0 + offset as u64);
                        self.record(&Event::Answered(answer(call)));
                        let right = self.draw(candidate, replicate, row.0);
                        let outcome = match Score::new(f64::from(u8::from(right))) {
                            Some(score) => RowOutcome::scored(score, false),
                            None => RowOutcome::Missing,
                        };
                        self.record(&Event::EvaluationFolded { call, outcome });
                    }
                    went_on = true;
                }
                Plan::Compose(draft) => {
                    let outcome = ProposalOutcome::Missing;
                    self.record(&Event::CandidateComposed { proposal: draft.proposal, outcome });
                    went_on = true;
                }
            }
        }
        if went_on {
            return;
        }
        let reason = StopReason::BudgetCalls;
        let (candidate, hold_rows) = (CandidateIx::BASELINE, 0);
        self.record(&match self.state.phase {
            Phase::Searching => Event::SearchEnded { reason },
            _ => Event::WinnerChosen { candidate, shrunken_dev: None, hold_rows },
        });
    }

    /// Whether an answer is right; the same for every strategy.
    fn draw(&self, candidate: CandidateIx, replicate: u16, row: u32) -> bool {
        let arm = candidate.index();
        let number = u64::from(row) << 16 | u64::from(replicate);
        let of_arm = self.seed.child("answers", self.pool.numbers[arm] as u64);
        let uniform = (of_arm.child("row", number).0 >> 11) as f64 / (1_u64 << 53) as f64;
        uniform < self.pool.accuracies[arm]
    }
}

fn prompt(text: &str) -> Prompt {
    Prompt::new(vec![Part { name: "system".into(), text: text.into() }])
}

fn added(prompt: Prompt, origin: Origin) -> ProposalOutcome {
    let candidate = Candidate {
        id: prompt.id(),
        prompt,
        parents: vec![CandidateIx::BASELINE],
        demos: Vec::new(),
        gene: None,
        repairs: Vec::new(),
        operator: "pool".to_owned(),
        origin,
    };
    ProposalOutcome::Added { candidate, gate: None }
}

/// All answers cost the same.
fn answer(call: Call) -> Answered {
    Answered {
        call,
        request: RequestHash::of(&[]),
        bytes: 40,
        text: String::new(),
        input: 10,
        cached: 0,
        written: 0,
        out: 1,
        reasoning: 0,
        usd: Usd::from_nanos(1_000),
        estimated: false,
        live: None,
        finish: Finish::Stop,
        why: String::new(),
        trajectory: Vec::new(),
        ms: 1,
        at: 0,
    }
}
