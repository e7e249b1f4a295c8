//! `bootstrap_demos`: sets of demonstrations from the baseline's own right answers.

use crate::candidate::Demo;
use crate::id::{CandidateIx, RowIx};
use crate::operator::author::{Author, Init, WorksOn};
use crate::operator::demos::{DemoAnswers, demo};
use crate::operator::draw::{Draw, Sets};
use crate::operator::feedback::is_right;
use crate::seed::Seed;
use crate::state::Cell;
use crate::task::example::Split;
use rand::Rng;
use rand::seq::SliceRandom;

kind! {
    /// Sets of demonstrations: none, expected answers only, the first right answers in the order of
    /// the data, and shuffled ones (DSPy's bootstrap; arXiv:2406.11695, section 3.1). The baseline is
    /// run on training rows until it was right often enough.
    "bootstrap_demos": "Sets of demonstrations from the baseline's own right answers.",
    BootstrapDemos {
        /// Sets, the three fixed ones included.
        sets: u32 = 6,
        /// The most of the baseline's own right answers in a set.
        max_bootstrapped: usize = 4,
        /// The most demonstrations in a set, filled up with expected answers.
        max_labeled: usize = 4,
        /// The most training rows that the baseline is asked.
        from: usize = 64,
    }
}

/// Rows that the baseline is asked together.
const COLLECT_BLOCK: usize = 8;

impl BootstrapDemos {
    /// None, expected answers alone, the first right answers in the order of the data, and shuffled
    /// ones of a size drawn from 1..=max (DSPy's `create_n_fewshot_demo_sets`, as MIPRO uses it).
    fn set(&self, draw: &Draw<'_>, right: &[RowIx], number: u32, seed: Seed) -> Vec<Demo> {
        let mut rng = seed.rng();
        let labeled = |taken: &[Demo], most: usize| -> Vec<Demo> {
            let rows: Vec<RowIx> = taken.iter().map(|demo| demo.row).collect();
            draw.setting
                .sample(draw.setting.train_rows as usize, seed.child("rows", 0))
                .into_iter()
                .filter(|row| !rows.contains(row))
                .take(most)
                .map(|row| Demo { row, answer: None })
                .collect()
        };
        let bootstrapped = |rows: &[RowIx]| -> Vec<Demo> {
            rows.iter()
                .map(|row| demo(draw.state, CandidateIx::BASELINE, *row, DemoAnswers::OwnCorrect))
                .collect()
        };
        let mut demos = match number {
            0 => return Vec::new(),
            1 => return labeled(&[], self.max_labeled),
            2 => bootstrapped(&right[..right.len().min(self.max_bootstrapped)]),
            _ => {
                let mut rows = right.to_vec();
                rows.shuffle(&mut rng);
                rows.truncate(rng.random_range(1..=self.max_bootstrapped.max(1)));
                bootstrapped(&rows)
            }
        };
        let room = self.max_labeled.saturating_sub(demos.len());
        demos.extend(labeled(&demos, room));
        demos
    }
}

impl Author for BootstrapDemos {
    fn works_on(&self) -> WorksOn {
        WorksOn::Demos
    }
}

impl Init for BootstrapDemos {
    fn makes_sets(&self) -> bool {
        true
    }

    /// The baseline answers training rows until it was right often enough to draw different sets.
    fn sets(&self, draw: &Draw<'_>) -> Sets {
        let column = draw.state.baseline().column(Split::Train, 0);
        if !column.is_quiet() {
            return Sets::Wait;
        }
        let was_right = |cell: &Cell| cell.score().is_some_and(is_right);
        let right: Vec<RowIx> = column
            .cells()
            .iter()
            .zip(0..)
            .filter(|(cell, _)| was_right(cell))
            .map(|(_, row)| RowIx(row))
            .collect();
        let wanted = self.max_bootstrapped * 3;
        let most = self.from.min(draw.setting.train_rows as usize);
        let asked = column.issued as usize;
        if right.len() < wanted && asked < most {
            let rows = (0..draw.setting.train_rows)
                .map(RowIx)
                .filter(|row| column.cell(*row) == Cell::Empty)
                .take(COLLECT_BLOCK.min(most - asked))
                .collect();
            return Sets::Run(rows);
        }
        let set =
            |number| self.set(draw, &right, number, draw.seed.child("set", u64::from(number)));
        Sets::Ready((0..self.sets).map(set).collect())
    }
}
