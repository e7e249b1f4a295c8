//! `labels`: whether prompts' scores find right answers that are wrong.
//!
//! In each draw 5 % of a file's rows get another right answer: prompts that were right are wrong there, and of those that
//! were wrong a few are right by accident. The rows are then looked for as `edge` does it. The file's own errors are not
//! known, and count as false alarms.

use crate::subjects::Subject;
use crate::text_table::Table;
use promptsearch::seed::Seed;
use promptsearch::stats::ScoreMatrix;
use promptsearch::stats::item_response::{RowPrior, fit};
use rand::Rng;
use rand::seq::index::sample;

/// Prompts of a run that have all rows of dev.
const PROMPTS: [usize; 2] = [10, 30];
const DRAWS: u64 = 20;
/// Of a hundred wrong answers, those that the planted one makes right.
const BY_ACCIDENT: f64 = 0.2;

/// Rows that a rule found.
#[derive(Default)]
struct Found {
    planted: usize,
    all: usize,
}

impl Found {
    fn count(&mut self, is_planted: bool) {
        self.all += 1;
        self.planted += usize::from(is_planted);
    }

    fn cells(&self, planted: usize) -> [String; 2] {
        let share =
            |part: usize, of: usize| format!("{:.0}", part as f64 / of.max(1) as f64 * 100.0);
        [share(self.planted, self.all), share(self.planted, planted)]
    }
}

pub(crate) fn table(subjects: &[Subject]) -> Table {
    let mut rows = Vec::new();
    for subject in subjects {
        let world = &subject.world;
        let count = world.prompts[0].right.len();
        for prompts in PROMPTS {
            let (mut unsolved, mut turned, mut planted) = (Found::default(), Found::default(), 0);
            for draw in 0..DRAWS {
                let mut rng = Seed(draw).rng();
                let mut is_planted = vec![false; count];
                for row in sample(&mut rng, count, count / 20) {
                    is_planted[row] = true;
                    planted += 1;
                }
                let chosen =
                    sample(&mut rng, world.prompts.len(), prompts.min(world.prompts.len()));
                let mut matrix = ScoreMatrix::new(chosen.len(), count);
                let mut solved = vec![0_usize; count];
                for (place, prompt) in chosen.iter().enumerate() {
                    for row in 0..count {
                        let was_right = world.prompts[prompt].right[row];
                        let is_right = match is_planted[row] {
                            true => !was_right && rng.random_bool(BY_ACCIDENT),
                            false => was_right,
                        };
                        solved[row] += usize::from(is_right);
                        matrix.set(place, row, f64::from(u8::from(is_right)));
                    }
                }
                let fitted = fit(&matrix, RowPrior::ORDINARY).unwrap_or_default();
                for (row, response) in fitted.iter().enumerate() {
                    if solved[row] == 0 {
                        unsolved.count(is_planted[row]);
                    }
                    let is_shared = solved[row] >= 2 && solved[row] + 2 <= chosen.len();
                    if is_shared && response.discrimination <= 0.0 {
                        turned.count(is_planted[row]);
                    }
                }
            }
            let mut cells = vec![world.name.clone(), prompts.to_string()];
            cells.extend(unsolved.cells(planted));
            cells.extend(turned.cells(planted));
            rows.push(cells);
        }
    }
    let head = [
        "file",
        "prompts",
        "unsolved: precision",
        "recall",
        "discrimination ≤ 0: precision",
        "recall",
    ];
    Table {
        title: format!("Rows whose right answer was changed (5 %), {DRAWS} draws, in percent"),
        head: head.map(str::to_owned).into(),
        rows,
        notes: Vec::new(),
    }
}
