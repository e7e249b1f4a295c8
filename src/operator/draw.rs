//! What an operator knows when it draws what a child starts from, and what it may ask for.
//!
//! Not how parents are selected or populations kept: the search answers that through [`Breeding`].
//! Rows are numbers here; their texts never arrive.

use crate::candidate::Demo;
use crate::event::{Abandoned, Draft, Mate, Shown};
use crate::id::{CandidateIx, RowIx};
use crate::memory::State;
use crate::seed::Seed;
use rand::Rng;
use rand::seq::SliceRandom;

/// What drafting needs to know of the task and the run.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Rows of train.
    pub train_rows: u32,
    /// Searched parts that a model may rewrite: all but the demonstrations.
    pub texts: u16,
    /// Whether a part holds demonstrations that may be searched.
    pub has_demos: bool,
    /// The strategy's seed.
    pub seed: Seed,
}

impl Setting {
    /// Training rows drawn without replacement.
    #[must_use]
    pub fn sample(&self, size: usize, seed: Seed) -> Vec<RowIx> {
        let mut all: Vec<RowIx> = (0..self.train_rows).map(RowIx).collect();
        all.shuffle(&mut seed.rng());
        all.truncate(size);
        all
    }
}

/// The candidates that a child starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parents {
    /// The first one is what the reply replaces.
    pub candidates: Vec<CandidateIx>,
    /// The place in the population that the child competes for.
    pub place: Option<u16>,
}

/// One run of a candidate on a training row, before a generation is bred.
pub type PlannedRun = (RowIx, CandidateIx, u16);

/// What an operator may ask of the search that uses it.
pub trait Breeding {
    /// As many parents for the next child, selected as the recipe says; `None` where there are too
    /// few candidates.
    fn parents(&self, count: usize) -> Option<Parents>;

    /// Another candidate of the same island, drawn in proportion to its score.
    fn mate(&self, parent: CandidateIx, island: Option<u16>, seed: Seed) -> Option<CandidateIx>;

    /// The population, all islands together.
    fn members(&self) -> Vec<CandidateIx>;

    /// What a candidate is ranked by; `None` without an answer.
    fn fitness(&self, candidate: CandidateIx) -> Option<f64>;

    /// All judged candidates, best first.
    fn ranked(&self) -> Vec<CandidateIx>;

    /// The candidates that are among the best on some row of dev.
    fn front(&self) -> Vec<CandidateIx>;

    /// Whether a candidate is part of the population; the baseline only where the recipe names it.
    fn competes(&self, candidate: CandidateIx) -> bool;

    /// Whether children are bred in generations.
    fn has_generations(&self) -> bool;

    /// Whether candidates are combinations of texts and sets of demonstrations.
    fn has_combinations(&self) -> bool;

    /// The runs of the population on training rows before the generation, row by row; `None` where
    /// the recipe plans none.
    fn runs(&self) -> Option<Vec<Vec<PlannedRun>>>;

    /// Whether all candidates so far are judged, and nothing is drafted or asked.
    fn is_judged(&self) -> bool;

    /// The best judged candidates that were brought before a place in the recipe's `init`, the
    /// baseline included.
    fn best_of_init(&self, before: u16, take: usize) -> Vec<CandidateIx>;
}

/// What an operator or an init draws from.
#[derive(Clone, Copy)]
pub struct Draw<'a> {
    /// All facts so far, and what is remembered of them.
    pub state: &'a State,
    /// The task and the run.
    pub setting: Setting,
    /// The seed of this draft alone.
    pub seed: Seed,
    /// Uses of this operator before this one.
    pub uses: u32,
    /// Whether the operator waits for an occasion, rather than being chosen at any time.
    pub is_occasional: bool,
    /// The search.
    pub breeding: &'a dyn Breeding,
}

impl Draw<'_> {
    /// The draft with parents selected as the recipe says.
    #[must_use]
    pub fn with_parents(&self, draft: Draft, count: usize) -> Option<Draft> {
        let Parents { candidates, place } = self.breeding.parents(count)?;
        Some(Draft { parents: candidates, place, ..draft })
    }

    /// What all children of a generation share changes from one generation to the next; without
    /// generations, from child to child.
    #[must_use]
    pub fn turn(&self) -> u32 {
        if self.breeding.has_generations() {
            self.state.memory.generations.number()
        } else {
            self.uses
        }
    }

    /// A part of another candidate that takes the place of the child's own, drawn in proportion to
    /// that candidate's score (PromptBreeder; arXiv:2309.16797, section 3.2.5). `None` with fewer
    /// than two parts.
    #[must_use]
    pub fn mate(&self, parent: CandidateIx, island: Option<u16>) -> Option<Mate> {
        if self.setting.texts < 2 {
            return None;
        }
        let candidate = self.breeding.mate(parent, island, self.seed.child("mate", 0))?;
        let part = self.seed.child("mate part", 0).rng().random_range(0..self.setting.texts);
        Some(Mate { candidate, part })
    }
}

/// What an open draft needs next.
#[derive(Clone, Debug, PartialEq)]
pub enum DraftNeed {
    /// A candidate's answers to training rows.
    Run {
        /// The candidate.
        candidate: CandidateIx,
        /// Which answer to the rows it is.
        replicate: u16,
        /// The rows.
        rows: Vec<RowIx>,
    },
    /// Answers that are being asked for.
    Wait,
    /// Nothing: it is given up.
    Abandon(Abandoned),
    /// Another value of the operator's own.
    Revise(serde_json::Value),
    /// A request to the mutator, which shows these rows.
    Ask(Vec<Shown>),
    /// A child that is put together without a model.
    Compose(Box<Draft>),
}

impl DraftNeed {
    /// A request that shows rows without answers.
    #[must_use]
    pub fn ask_with(rows: &[RowIx]) -> Self {
        Self::Ask(rows.iter().map(|row| Shown::of(*row, None)).collect())
    }
}

/// What collecting an init's sets of demonstrations needs next.
#[derive(Clone, Debug, PartialEq)]
pub enum Sets {
    /// The baseline's answers to these training rows.
    Run(Vec<RowIx>),
    /// Answers that are being asked for.
    Wait,
    /// The sets.
    Ready(Vec<Vec<Demo>>),
}
