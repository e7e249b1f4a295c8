//! The slots of a search, the trait of each slot, and what a policy sees when it decides.
//!
//! A policy fills a slot: it is one small file in the slot's folder, and a line in that folder's list.
//! Nearly every method has a default, so that a policy says only what it does differently. Not which
//! order things happen in: that is `composed`, with the loop of the slot `schedule`.

use super::plan::{Lookahead, Plan};
use super::space::{Combination, Observation, Space};
use super::stop::{Stop, StopRule};
use crate::event::{Draft, Event, Generation, Round};
use crate::grammar::{Chosen, Misuse};
use crate::id::{CandidateIx, MutatorIx, RowIx};
use crate::ledger::{Finale, Remaining};
use crate::memory::{Gain, Mutators, State};
use crate::operator::{Author, Init, Parents, PlannedRun, Screen, Setting, Used};
use crate::seed::Seed;
use crate::task::goal::Goal;
use crate::vector::ComparedText;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use std::fmt::Debug;
use std::ops::RangeInclusive;

/// Rows in a block where the recipe does not say.
pub const BLOCK: usize = 8;

kind! {
    /// What candidates are ranked by: their mean score, less what their length costs.
    Objective {
        /// Points off for each time that the prompt is as long as the longest of the first
        /// candidates (CAPO; arXiv:2504.16005, section 3).
        length_penalty: f64 = 0.0 => share,
    }
}

/// How to search: a policy for each decision. A recipe has one such set, or one for each phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slots {
    /// What is compared.
    #[serde(skip_serializing_if = "is_default")]
    pub objective: Objective,
    /// The order of work.
    pub schedule: Chosen<dyn Family>,
    /// Where the first candidates come from.
    pub init: Vec<Chosen<dyn Init>>,
    /// Which candidate is changed next.
    pub select: Chosen<dyn Select>,
    /// How it is changed.
    pub operator: Vec<Used>,
    /// Which operator is next.
    pub choose: Chosen<dyn Choose>,
    /// Which of several mutators writes.
    pub model: Chosen<dyn Writers>,
    /// Which combination of parts is tried next, where candidates are combinations.
    #[serde(skip_serializing_if = "is_any")]
    pub sampler: Chosen<dyn Sampler>,
    /// What refuses a new prompt before anything is spent on it.
    pub screen: Vec<Chosen<dyn Screen>>,
    /// Which rows a candidate is tried on, and when it is dropped.
    pub evaluate: Chosen<dyn Evaluate>,
    /// What makes a candidate the incumbent.
    pub accept: Chosen<dyn Accept>,
    /// What is kept for selection.
    pub archive: Chosen<dyn Archive>,
    /// When to stop, beside the budget.
    pub stop: Stop,
    /// How the winner is chosen from what was found.
    #[serde(rename = "final")]
    pub finale: Chosen<dyn Final>,
}

fn is_default(objective: &Objective) -> bool {
    *objective == Objective::default()
}

fn is_any(sampler: &Chosen<dyn Sampler>) -> bool {
    sampler.observations().is_none()
}

impl Slots {
    /// The operator or the init that a draft is of; `None` for a combination of ingredients.
    #[must_use]
    pub fn author(&self, draft: &Draft) -> Option<&dyn Author> {
        match (draft.operator, draft.init) {
            (Some(place), _) => Some(self.operator.get(usize::from(place))?.operator()),
            (None, Some(place)) => Some(&**self.init.get(usize::from(place))?),
            (None, None) => None,
        }
    }

    /// The operator that a draft is of.
    #[must_use]
    pub fn operator_of(&self, draft: &Draft) -> Option<&Used> {
        self.operator.get(usize::from(draft.operator?))
    }

    /// The sampling temperature of a draft's request; `None`: the mutator's own.
    #[must_use]
    pub fn temperature_of(&self, draft: &Draft) -> Option<f64> {
        match (self.operator_of(draft), draft.init) {
            (Some(operator), _) => operator.common.temperature,
            (None, Some(place)) => self.init.get(usize::from(place))?.temperature(),
            (None, None) => None,
        }
    }

    /// The highest sampling temperature that is asked for, where one is.
    #[must_use]
    pub fn highest_temperature(&self) -> Option<f64> {
        let operators = self.operator.iter().filter_map(|operator| operator.common.temperature);
        let inits = self.init.iter().filter_map(|init| init.temperature());
        operators.chain(inits).max_by(f64::total_cmp)
    }

    /// Whether the mutator model is asked anything.
    #[must_use]
    pub fn asks_mutator(&self) -> bool {
        self.operator.iter().any(|operator| operator.asks_mutator())
            || self.init.iter().any(|init| init.requests() > 0 && init.asks_mutator())
    }

    /// Which texts of prompts are compared with those of others.
    pub fn compared_texts(&self) -> impl Iterator<Item = ComparedText> {
        let operators = self.operator.iter().filter_map(|it| it.operator().compares());
        let screens = self.screen.iter().filter_map(|it| it.compares());
        let others = [self.sampler.compares(), self.evaluate.compares(), self.archive.compares()];
        operators.chain(screens).chain(others.into_iter().flatten())
    }

    /// Whether the next phase begins where nothing of this one fits the budget, and drafts that were not
    /// asked by then are given up.
    #[must_use]
    pub fn gives_way(&self) -> bool {
        !self.stop.when.contains(&StopRule::Budget)
    }

    /// Whether the baseline is named among the first candidates.
    #[must_use]
    pub fn names_baseline(&self) -> bool {
        self.init.iter().any(|init| init.names_baseline())
    }
}

/// A search as its policies see it.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The slots of all phases, in their order; at least one.
    pub phases: &'a [Slots],
    /// The slots of the phase that is on.
    pub slots: &'a Slots,
    /// All facts so far, and what is remembered of them.
    pub state: &'a State,
    /// What is better.
    pub goal: &'a Goal,
    /// The task and the run.
    pub setting: Setting,
    /// The weights of the task's mutators.
    pub mutators: &'a [f64],
    /// What may still be spent.
    pub remaining: Remaining,
}

/// What plans ahead.
pub trait Paced {
    /// How far it plans ahead.
    fn lookahead(&self) -> Lookahead;

    /// How many children are bred side by side, where they are bred continuously.
    fn width(&self) -> Option<usize> {
        None
    }
}

/// The order of work. Its methods say where a family differs from the loop that all share.
pub trait Family: Paced + Debug + Send + Sync {
    /// Refuses slots that it cannot work with, and keys of its own.
    ///
    /// # Errors
    /// The first one; the path begins with the slot.
    fn check(&self, slots: &Slots) -> Result<(), Misuse>;

    /// Whether operators breed children.
    fn breeds(&self) -> bool {
        false
    }

    /// Uses of operators in each generation, where children are bred in generations.
    fn children(&self) -> Option<usize> {
        None
    }

    /// Whether candidates are combinations of texts and sets of demonstrations.
    fn combines(&self) -> bool {
        false
    }

    /// A trial that is under way and goes before everything else; empty: wait for what is out of it.
    fn trial(&self, search: &Search<'_>) -> Option<Vec<Plan>> {
        let _ = search;
        None
    }

    /// Work that is owed before the search may end.
    fn owed(&self, search: &Search<'_>) -> Option<Plan> {
        let _ = search;
        None
    }

    /// A decision of the family's own, before candidates get rows.
    fn decision(&self, search: &Search<'_>) -> Option<Plan> {
        let _ = search;
        None
    }

    /// Whether an open candidate gets no rows yet.
    fn holds_back(&self, search: &Search<'_>, candidate: CandidateIx) -> bool {
        let _ = (search, candidate);
        false
    }

    /// The runs of the population on training rows before a generation is bred, row by row; `None`
    /// where none are planned.
    fn planned_runs(&self, search: &Search<'_>) -> Option<Vec<Vec<PlannedRun>>> {
        let _ = search;
        None
    }

    /// Runs that have to be folded before anything is bred; empty: wait for what is out.
    fn runs(&self, search: &Search<'_>) -> Option<Vec<Plan>> {
        let _ = search;
        None
    }

    /// Whether one more draft may be made.
    fn has_room(&self, search: &Search<'_>) -> bool {
        let _ = search;
        true
    }

    /// The next draft, when all first candidates are drafted.
    fn bred(&self, search: &Search<'_>) -> Option<Draft> {
        let _ = search;
        None
    }

    /// The next draft that puts a set of demonstrations with the baseline's texts.
    fn combined(&self, search: &Search<'_>) -> Option<Draft> {
        let _ = search;
        None
    }

    /// What comes next when everything so far is judged.
    fn judged(&self, search: &Search<'_>) -> Vec<Plan>;
}

/// The candidates that a parent is drawn from, and what for.
#[derive(Clone, Copy, Debug)]
pub struct Pool<'a> {
    /// The candidates.
    pub members: &'a [CandidateIx],
    /// The number of the child in its generation, or of its turn.
    pub index: usize,
    /// How many parents it needs.
    pub count: usize,
    /// The seed of this draw alone.
    pub seed: Seed,
}

/// Which candidate is changed next.
pub trait Select: Debug + Send + Sync {
    /// Refuses keys that it cannot work with.
    ///
    /// # Errors
    /// The first one.
    fn check(&self) -> Result<(), Misuse> {
        Ok(())
    }

    /// The parents of one child; without another definition as many different ones as it needs, each
    /// drawn by `one`. `None`: there are too few candidates.
    fn parents(&self, search: &Search<'_>, pool: &Pool<'_>) -> Option<Parents> {
        let mut rng = pool.seed.rng();
        let mut parents: Vec<CandidateIx> = Vec::new();
        let mut left = pool.members.to_vec();
        while parents.len() < pool.count {
            let parent = self.one(search, &left, &mut rng)?;
            left.retain(|candidate| *candidate != parent);
            parents.push(parent);
        }
        Some(Parents { candidates: parents, place: None })
    }

    /// One candidate out of a pool.
    fn one(
        &self,
        search: &Search<'_>,
        pool: &[CandidateIx],
        rng: &mut ChaCha8Rng,
    ) -> Option<CandidateIx> {
        let _ = (search, pool, rng);
        None
    }

    /// How many parents it always gives; `None`: as many as an operator needs.
    fn always_gives(&self) -> Option<usize> {
        None
    }

    /// Parents, or pairs of them, that a generation with this many members breeds from.
    fn per_generation(&self, children: usize, members: usize) -> usize {
        let _ = members;
        children
    }

    /// Whether it selects for a generation as a whole.
    fn needs_generations(&self) -> bool {
        false
    }

    /// Nodes that a generation grows from at once.
    fn breadth(&self, search: &Search<'_>) -> usize {
        let _ = search;
        1
    }

    /// Those of a generation's members that run training rows, and the chance of each up to a factor.
    fn shares(&self, search: &Search<'_>, members: &[CandidateIx]) -> (Vec<CandidateIx>, Vec<f64>) {
        let _ = search;
        (members.to_vec(), vec![1.0; members.len()])
    }

    /// Whether it walks down a tree: then it says what the next generation is, and the best path.
    fn tree(&self) -> Option<&dyn Walk> {
        None
    }

    /// Whether it looks at niches.
    fn has_niches(&self) -> bool {
        false
    }
}

/// A search down a tree of candidates.
pub trait Walk {
    /// The paths whose last nodes are expanded next. No members: nothing is left to expand.
    fn next_generation(&self, search: &Search<'_>) -> Generation;

    /// Of all paths that were walked, the one with the best mean reward.
    fn best_path(&self, search: &Search<'_>) -> Vec<CandidateIx>;
}

/// What is kept for selection.
pub trait Archive: Debug + Send + Sync {
    /// What is kept of all that was judged.
    fn kept(&self, search: &Search<'_>) -> Vec<CandidateIx>;

    /// The members of the first generation of a phase, where it knows them; `None`: the best of what
    /// `init` brought.
    fn first_members(&self, search: &Search<'_>) -> Option<Vec<CandidateIx>> {
        let _ = search;
        None
    }

    /// The members of the generation after this one, when everything of it is judged.
    fn next_members(&self, search: &Search<'_>, last: &Generation) -> Vec<CandidateIx> {
        let _ = last;
        self.kept(search)
    }

    /// How many candidates a population holds; `None`: any number.
    fn capacity(&self) -> Option<usize> {
        None
    }

    /// How many survivors of a contest it takes over as they are; `None`: all.
    fn survivors(&self) -> Option<usize> {
        None
    }

    /// How many candidates the front holds at most; `None`: any number.
    fn front_size(&self) -> Option<usize> {
        None
    }

    /// The island whose turn it is.
    fn island(&self, state: &State) -> Option<u16> {
        let _ = state;
        None
    }

    /// Those of an island's candidates that it keeps.
    fn kept_of_island(&self, search: &Search<'_>, all: Vec<CandidateIx>) -> Vec<CandidateIx> {
        let _ = search;
        all
    }

    /// A migration between islands that is due.
    fn migration(&self, search: &Search<'_>) -> Option<Plan> {
        let _ = search;
        None
    }

    /// Whether it is a tree.
    fn is_tree(&self) -> bool {
        false
    }

    /// Which text of a prompt it compares with those of others.
    fn compares(&self) -> Option<ComparedText> {
        None
    }

    /// Whether it has niches.
    fn has_niches(&self) -> bool {
        false
    }
}

/// What makes a candidate the incumbent.
pub trait Accept: Debug + Send + Sync {
    /// A change of the incumbent that is due.
    fn change(&self, search: &Search<'_>) -> Option<Plan>;

    /// Whether a child takes the place that it was bred for, by its own fitness and that of who is
    /// there.
    fn takes_place(&self, mine: f64, theirs: f64) -> bool {
        let _ = (mine, theirs);
        true
    }

    /// How much worse a candidate may be and still count as not worse.
    fn margin(&self, search: &Search<'_>, candidate: CandidateIx) -> f64 {
        let _ = (search, candidate);
        0.0
    }
}

/// Which operator is next.
pub trait Choose: Debug + Send + Sync {
    /// The places of the operators that take turns on each parent; `None`: they are drawn.
    fn turns(&self, operators: &[Used]) -> Option<Vec<usize>> {
        let _ = operators;
        None
    }

    /// The chance of each arm, an operator by its place in the recipe, from what they brought; `None`:
    /// their weights alone decide.
    fn chances(&self, gains: &[Gain], arms: &[usize], seed: Seed) -> Option<Vec<f64>> {
        let _ = (gains, arms, seed);
        None
    }

    /// Whether operators are drawn by what they brought.
    fn learns(&self) -> bool {
        false
    }
}

/// Which of several mutators writes.
pub trait Writers: Debug + Send + Sync {
    /// The chance of each arm, a mutator of the task, from what they brought; `None`: their weights
    /// alone decide.
    fn chances(&self, earned: &Mutators, arms: &[MutatorIx], seed: Seed) -> Option<Vec<f64>> {
        let _ = (earned, arms, seed);
        None
    }
}

/// Which combination of ingredients is tried next.
pub trait Sampler: Debug + Send + Sync {
    /// Which text of a prompt it compares with those of others.
    fn compares(&self) -> Option<ComparedText> {
        None
    }

    /// How many observations it learns from at least; `None`: it learns nothing.
    fn observations(&self) -> Option<usize> {
        None
    }

    /// Whether it may ask for what was tried before, on other rows.
    fn repeats(&self) -> bool {
        false
    }

    /// One of the choices; `None`: any of them.
    fn suggest(&self, search: &Search<'_>, trial: &Trial<'_>) -> Option<Combination> {
        let _ = (search, trial);
        None
    }
}

/// What a sampler chooses from, and what it knows.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// All combinations.
    pub space: &'a Space,
    /// Those that may be tried.
    pub choices: &'a [Combination],
    /// What is known of combinations.
    pub known: &'a [Observation],
    /// The seed of this trial alone.
    pub seed: Seed,
}

/// Which rows a candidate is tried on, and when it is dropped: one by one, or, where `rounds` or
/// `trials` says so, together or as trials.
pub trait Evaluate: Debug + Send + Sync {
    /// Refuses keys that it cannot work with.
    ///
    /// # Errors
    /// The first one.
    fn check(&self) -> Result<(), Misuse> {
        Ok(())
    }

    /// What comes next for an open candidate that has passed its gate; `None`: wait for what is out.
    fn next(&self, search: &Search<'_>, candidate: CandidateIx) -> Option<Plan> {
        let _ = (search, candidate);
        None
    }

    /// How many rows of dev it gives to a candidate.
    fn quota(&self, search: &Search<'_>) -> u32 {
        search.state.dev_rows
    }

    /// Whether a candidate has had all its rows although these are not all of dev.
    fn is_done(&self, search: &Search<'_>, candidate: CandidateIx) -> bool {
        let quota = self.quota(search);
        quota < search.state.dev_rows && search.state.standing(candidate).dev().folded >= quota
    }

    /// Whether more rows come into use as the search goes on.
    fn is_widened(&self) -> bool {
        false
    }

    /// A widening that is due, or the incumbent's answers that it needs.
    fn widen(&self, search: &Search<'_>) -> Option<Plan> {
        let _ = search;
        None
    }

    /// Rows that are issued together.
    fn block(&self) -> usize {
        BLOCK
    }

    /// Whether a child has to pass its proposal's rows first, and then whether as good as the parent
    /// is enough.
    fn gate(&self) -> Option<GateRule> {
        None
    }

    /// Whether it compares scores alone, so that a penalty for length would be ignored.
    fn ignores_length(&self) -> bool {
        false
    }

    /// What a survivor is worth beside others, all of which have answered this many rows of dev; `None`:
    /// what it is ranked by.
    fn worth(&self, search: &Search<'_>, candidate: CandidateIx, common: u32) -> Option<f64> {
        let _ = (search, candidate, common);
        None
    }

    /// Which text of a prompt it compares with those of others.
    fn compares(&self) -> Option<ComparedText> {
        None
    }

    /// Judges candidates together, in rounds.
    fn rounds(&self) -> Option<&dyn Rounds> {
        None
    }

    /// Tries combinations.
    fn trials(&self) -> Option<&dyn Trials> {
        None
    }

    /// Whether it judges each candidate by itself.
    fn is_one_by_one(&self) -> bool {
        self.rounds().is_none() && self.trials().is_none()
    }

    /// The fewest and the most rows that a child is usually tried on, those of its proposal's evidence
    /// included, where dev has this many rows and the evidence this many.
    fn rows_per_child(&self, dev: u64, evidence: u64) -> [u64; 2] {
        [evidence + dev; 2]
    }
}

choice! {
    /// When a gated child passes.
    GateRule {
        /// Its sum is above its parent's.
        GtParent = "gt_parent",
        /// Its sum is not below its parent's.
        GeParent = "ge_parent",
    }
}

/// What a contest knows.
#[derive(Clone, Copy, Debug)]
pub struct Contest<'a> {
    /// The search.
    pub search: Search<'a>,
    /// The seed of this contest alone.
    pub seed: Seed,
}

/// How the rows of pulls are drawn. Pulls are numbered from 0; every full turn through dev is another
/// replicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulls {
    /// The same rows for all, in the order of dev, which is random already.
    InOrder,
    /// The same random rows for all.
    Shared,
    /// As `Shared`, but a row that comes again is no other answer to it.
    Again,
    /// Each candidate draws its own.
    Own,
}

impl Pulls {
    /// The same rows for all, or each its own.
    pub(super) fn paired(paired: bool) -> Self {
        if paired { Self::Shared } else { Self::Own }
    }
}

/// Judges candidates together: rounds in which each of them gets rows, until a few are left.
pub trait Rounds {
    /// How the rows of a round are drawn.
    fn pulls(&self) -> Pulls;

    /// The first round, or the end where there is nothing to choose from.
    fn start(&self, contest: &Contest<'_>, contenders: Vec<CandidateIx>) -> Event;

    /// What follows when all pulls of the round are in.
    fn judge(&self, contest: &Contest<'_>, round: &Round) -> Event;
}

/// Tries combinations, and gives more rows to those that do well.
pub trait Trials {
    /// The rows of the round that is on.
    fn rows(&self, search: &Search<'_>, round: &Round) -> Vec<RowIx>;

    /// The next trial; `None`: there is nothing left to learn.
    fn next(&self, search: &Search<'_>, space: &Space) -> Option<Plan>;

    /// A full evaluation that is due.
    fn promotion(&self, search: &Search<'_>) -> Option<Plan> {
        let _ = search;
        None
    }
}

/// How the winner is chosen from what was found; the engine then confirms it on held-out rows.
pub trait Final: Debug + Send + Sync {
    /// What comes next when nothing is out.
    fn next(&self, search: &Search<'_>) -> Vec<Plan>;

    /// The replicates that a shortlist is asked for.
    fn replicates(&self) -> Option<RangeInclusive<u16>> {
        None
    }

    /// What of each cap is kept for it, for this many rows of dev.
    fn kept(&self, dev_rows: u32) -> Finale {
        let _ = dev_rows;
        Finale::default()
    }
}
