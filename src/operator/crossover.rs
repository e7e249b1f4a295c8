//! `crossover`: joins two parents, then mutates the result.

use super::author::{Author, Operator};
use super::demos::{DemoAnswers, demo};
use super::draw::Draw;
use super::meta_prompt::MetaPrompt;
use super::mutate_text::MUTATE_TEXT;
use super::step::{Keep, Step};
use crate::candidate::Demo;
use crate::event::Draft;
use crate::id::{CandidateIx, RowIx};
use crate::seed::Seed;
use rand::Rng;
use rand::seq::SliceRandom;

kind! {
    /// Joins two parents into one, then asks for another version of that (CAPO; arXiv:2504.16005,
    /// section 3).
    "crossover": "Two parents joined, then mutated.",
    Crossover {
        /// Whether the joined text is mutated by a second request.
        mutate: bool = true,
        /// The child's demonstrations: half of both parents' together, then one added, dropped or
        /// neither (a third each), shuffled; else those of the first parent.
        mix_shots: bool = false,
        /// The most demonstrations of a child.
        max_shots: usize = 5,
    }
}

meta_prompt! {
    pub(super) CROSSOVER = "crossover" writes [Others] [About, MaxTokens] ("second"):
        "joins two prompts into one"
}

impl Crossover {
    /// Half of both parents' demonstrations together, ⌊(a + b) / 2⌋, then with a third each one
    /// added, one dropped, or neither; shuffled (CAPO; arXiv:2504.16005, section 3).
    fn mixed(&self, draw: &Draw<'_>, parents: &[CandidateIx]) -> Vec<Demo> {
        let state = draw.state;
        let mut rng = draw.seed.child("mix shots", 0).rng();
        let mut union: Vec<Demo> = Vec::new();
        let mut sizes = 0;
        for parent in parents {
            let demos = &state.standing(*parent).candidate.demos;
            sizes += demos.len();
            for demo in demos {
                if union.iter().all(|other| other.row != demo.row) {
                    union.push(*demo);
                }
            }
        }
        union.shuffle(&mut rng);
        union.truncate(sizes / 2);
        match rng.random_range(0..3) {
            0 if union.len() < self.max_shots => {
                let taken: Vec<RowIx> = union.iter().map(|demo| demo.row).collect();
                let own = parents.first().copied().unwrap_or(CandidateIx::BASELINE);
                let seed = draw.seed.child("row", 0);
                if let Some(row) = another_row(draw.setting.train_rows, &taken, seed) {
                    union.push(demo(state, own, row, DemoAnswers::OwnCorrect));
                }
            }
            1 if !union.is_empty() => {
                union.remove(rng.random_range(0..union.len()));
            }
            _ => {}
        }
        union.shuffle(&mut rng);
        union
    }
}

fn another_row(train_rows: u32, taken: &[RowIx], seed: Seed) -> Option<RowIx> {
    let free: Vec<RowIx> = (0..train_rows).map(RowIx).filter(|row| !taken.contains(row)).collect();
    (!free.is_empty()).then(|| free[seed.rng().random_range(0..free.len())])
}

impl Author for Crossover {
    fn steps(&self) -> Vec<Step> {
        if self.mutate {
            let join = Step::new(&CROSSOVER, 1, Keep::Prompt);
            return vec![join, Step::new(&MUTATE_TEXT, 1, Keep::Child)];
        }
        Step::once(&CROSSOVER)
    }

    fn meta_prompts(&self) -> Vec<&'static MetaPrompt> {
        vec![&CROSSOVER, &MUTATE_TEXT]
    }

    fn shows_own_answers(&self) -> bool {
        self.mix_shots
    }
}

impl Operator for Crossover {
    fn parents(&self) -> usize {
        2
    }

    fn idle_key_without_demos(&self) -> Option<&'static str> {
        self.mix_shots.then_some("mix_shots")
    }

    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let mut draft = draw.with_parents(draft, 2)?;
        if self.mix_shots && draw.setting.has_demos {
            draft.demos = Some(self.mixed(draw, &draft.parents));
        }
        Some(draft)
    }
}
