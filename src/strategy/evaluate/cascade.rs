//! `cascade`: stages of growing size, each with a score to reach.

use super::rows::unasked;
use crate::event::{Dropped, Event};
use crate::grammar::Misuse;
use crate::id::{CandidateIx, RowIx};
use crate::strategy::Plan;
use crate::strategy::search::{BLOCK, Evaluate, Search};
use crate::task::example::Split;

kind! {
    /// Stages: a candidate must reach each stage's score to see the next one's rows (AlphaEvolve's
    /// evaluation cascade, as in OpenEvolve).
    "cascade": "Stages of growing size, each with a score to reach.",
    Cascade {
        /// The share of dev that each stage ends with; the last one is 1.
        stages: Vec<f64> = vec![0.1, 0.4, 1.0],
        /// What the mean must reach after each stage but the last, as a share of the incumbent's
        /// mean on the same rows.
        thresholds: Vec<f64> = vec![0.8, 0.95],
    }
}

impl Evaluate for Cascade {
    fn check(&self) -> Result<(), Misuse> {
        let grows = self.stages.windows(2).all(|pair| pair[0] < pair[1]);
        let all_shares = self.stages.iter().all(|stage| *stage > 0.0 && *stage <= 1.0);
        if grows && all_shares && self.thresholds.len() + 1 == self.stages.len() {
            return Ok(());
        }
        let message = "`stages` must grow up to 1, with one threshold less than stages";
        Err(Misuse::of(&["stages"], message)
            .help("write `stages = [0.1, 1.0]` and `thresholds = [0.8]`"))
    }

    /// Stage by stage, in the order of dev: the next stage's rows only for whoever reaches the share
    /// of the incumbent's mean on the same rows that the stage asks for.
    fn next(&self, search: &Search<'_>, candidate: CandidateIx) -> Option<Plan> {
        let state = search.state;
        let column = state.standing(candidate).dev();
        let dev = state.dev_rows;
        let end = |stage: &f64| ((f64::from(dev) * stage).ceil() as u32).min(dev);
        let ends: Vec<u32> = self.stages.iter().map(end).collect();
        let stage = ends.iter().position(|end| column.issued < *end).unwrap_or(ends.len() - 1);
        if candidate != CandidateIx::BASELINE && stage > 0 && column.issued == ends[stage - 1] {
            if !column.is_quiet() {
                return None;
            }
            let incumbent = state.standing(state.incumbent).dev();
            let common: Vec<(f64, f64, f64)> = column
                .cells()
                .iter()
                .zip(incumbent.cells())
                .enumerate()
                .filter_map(|(row, (mine, theirs))| {
                    let row = RowIx(u32::try_from(row).unwrap_or(u32::MAX));
                    let weight = state.weights.of(Split::Dev, row);
                    Some((weight, mine.score()? * weight, theirs.score()? * weight))
                })
                .collect();
            let sum = |of: fn(&(f64, f64, f64)) -> f64| common.iter().map(of).sum::<f64>();
            let all = if common.is_empty() { 1.0 } else { sum(|(weight, ..)| *weight) };
            let (mean, theirs) = (sum(|(_, mine, _)| *mine) / all, sum(|(.., it)| *it) / all);
            let needed = theirs * self.thresholds.get(stage - 1).copied().unwrap_or(0.0);
            // Scores are kept in single precision: what differs by rounding alone is equal.
            if mean < needed - 1e-6 {
                let stage = u32::try_from(stage - 1).unwrap_or(u32::MAX);
                let why = Dropped::Stage { stage, mean, needed };
                return Some(Plan::Decide(Event::CandidateDropped { candidate, why }));
            }
        }
        let most = (ends[stage] - column.issued.min(ends[stage])) as usize;
        Plan::on_dev(candidate, unasked(state, candidate, 0, most.min(BLOCK)))
    }

    fn rows_per_child(&self, dev: u64, evidence: u64) -> [u64; 2] {
        let first = self.stages.first().copied().unwrap_or(1.0);
        [(first * dev as f64).ceil() as u64, evidence + dev]
    }
}
