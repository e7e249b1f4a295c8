//! The prompts of a run that were asked enough rows, with their scores and the answers of the good ones.

use super::FEWEST;
use crate::id::{CandidateIx, RowIx};
use crate::journal::Events;
use crate::report::Report;
use crate::report::rows::RowsError;
use crate::run::{RowAnswer, answers};
use crate::stats::item_response::{RowPrior, RowResponse, fit};
use crate::stats::{Rasch, ScoreMatrix};
use crate::task::Task;
use crate::task::example::{Example, Split, VisibleSplit};
use crate::task::model::ModelRole;
use std::collections::BTreeMap;

/// The most good prompts: their answers are held in memory.
const MOST_GOOD: usize = 20;
/// Cells of a score matrix up to which the model of item response is fitted: some seconds.
const MOST_CELLS: usize = 1_000_000;
/// A mean score from which a row counts as solved.
const SOLVED: f64 = 0.5;

/// A row of train or dev.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) split: VisibleSplit,
    pub(super) row: RowIx,
    pub(super) example: &'a Example,
}

/// What a prompt made of a row, over its repeats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Score {
    pub(super) mean: f64,
    pub(super) repeats: usize,
    /// Whether repeats have unlike scores.
    pub(super) is_flipping: bool,
}

impl Score {
    pub(super) fn is_solved(self) -> bool {
        self.mean >= SOLVED
    }
}

/// The prompts with their scores.
pub(super) struct Tested<'a> {
    pub(super) task: &'a Task,
    report: Report<'a>,
    /// Train, then dev.
    pub(super) places: Vec<Place<'a>>,
    /// The prompts that were asked at least a quarter of dev, in the order of their numbers.
    pub(super) prompts: Vec<CandidateIx>,
    /// Positions in `prompts` of the abler half, the ablest first.
    pub(super) good: Vec<usize>,
    /// The position in `prompts` of the baseline, where it is one.
    pub(super) baseline: Option<usize>,
    /// The position in `prompts` of the prompt that the run recommends.
    pub(super) best: Option<usize>,
    /// By prompt and place.
    scores: Vec<Vec<Option<Score>>>,
    /// By place; empty where the model does not settle, or is too large.
    responses: Vec<RowResponse>,
    /// First answers of good prompts and of the best one, by prompt and place.
    answers: BTreeMap<(usize, usize), RowAnswer>,
}

impl<'a> Tested<'a> {
    /// Reads scores from the fold and answers from the events.
    pub(super) fn read(report: &Report<'a>, events: Events<'_>) -> Result<Self, RowsError> {
        let (task, state) = (report.task, &report.history.state);
        let of_split = |split: VisibleSplit| {
            let rows = task.splits.visible(split).iter();
            (0..).map(RowIx).zip(rows).map(move |(row, example)| Place { split, row, example })
        };
        let places: Vec<Place<'a>> =
            of_split(VisibleSplit::Train).chain(of_split(VisibleSplit::Dev)).collect();
        let all = (0..state.candidates.len()).filter_map(|it| u32::try_from(it).ok());
        let dev = task.splits.sizes().dev;
        let is_tested = |it: &CandidateIx| {
            let column = state.candidates[it.index()].dev();
            column.scored > 0 && 4 * column.scored >= dev
        };
        let prompts: Vec<CandidateIx> = all.map(CandidateIx).filter(is_tested).collect();
        let scores: Vec<Vec<Option<Score>>> = prompts
            .iter()
            .map(|prompt| places.iter().map(|place| score(report, *prompt, place)).collect())
            .collect();
        let position = |candidate: CandidateIx| prompts.iter().position(|it| *it == candidate);
        let baseline = position(CandidateIx::BASELINE);
        let best = position(state.winner.as_ref().map_or(state.incumbent, |(winner, ..)| *winner));
        let rows = places.len();
        let good = good_prompts(&scores, rows);

        let mut tested = Self {
            task,
            report: *report,
            places,
            prompts,
            good,
            baseline,
            best,
            responses: match scores.len() * rows <= MOST_CELLS {
                true => fit(&matrix(&scores, rows), RowPrior::ORDINARY).unwrap_or_default(),
                false => Vec::new(),
            },
            scores,
            answers: BTreeMap::new(),
        };
        tested.read_answers(events)?;
        Ok(tested)
    }

    fn read_answers(&mut self, events: Events<'_>) -> Result<(), RowsError> {
        let mut of: Vec<CandidateIx> = self.good.iter().map(|it| self.prompts[*it]).collect();
        of.extend(self.best.filter(|best| !self.good.contains(best)).map(|it| self.prompts[it]));
        let state = &self.report.history.state;
        for split in [VisibleSplit::Train, VisibleSplit::Dev] {
            let first = match split {
                VisibleSplit::Train => 0,
                VisibleSplit::Dev => self.task.splits.train.len(),
            };
            for ((candidate, row), answer) in answers(events, self.task, state, &of, split)? {
                if let Ok(prompt) = self.prompts.binary_search(&candidate) {
                    self.answers.insert((prompt, first + row.index()), answer);
                }
            }
        }
        Ok(())
    }

    pub(super) fn model(&self) -> String {
        self.task.model(ModelRole::Task).map_or_else(String::new, |it| it.name.to_string())
    }

    pub(super) fn id_of_best(&self) -> String {
        let best = self.best.map(|it| self.prompts[it]);
        let standing = best.and_then(|it| self.report.history.state.candidates.get(it.index()));
        standing.map_or_else(String::new, |it| it.candidate.id.to_string())
    }

    /// The positions of rows that any tested prompt was asked.
    pub(super) fn asked_rows(&self) -> impl Iterator<Item = usize> {
        (0..self.places.len())
            .filter(|place| self.scores.iter().any(|of_prompt| of_prompt[*place].is_some()))
    }

    pub(super) fn score(&self, prompt: usize, place: usize) -> Option<Score> {
        self.scores[prompt][place]
    }

    /// The first answer of a good prompt, or of the best one.
    pub(super) fn answer(&self, prompt: usize, place: usize) -> Option<&RowAnswer> {
        self.answers.get(&(prompt, place))
    }

    /// How well a row tells prompts apart.
    pub(super) fn discrimination(&self, place: usize) -> Option<f64> {
        self.responses.get(place).map(|it| it.discrimination)
    }
}

fn score(report: &Report<'_>, prompt: CandidateIx, place: &Place<'_>) -> Option<Score> {
    let standing = &report.history.state.candidates[prompt.index()];
    let columns = standing.replicates(Split::from(place.split));
    let scores: Vec<f64> =
        columns.filter_map(|(_, column)| column.cell(place.row).score()).collect();
    let first = scores.first()?;
    Some(Score {
        mean: scores.iter().sum::<f64>() / scores.len() as f64,
        repeats: scores.len(),
        is_flipping: scores.iter().any(|it| it != first),
    })
}

fn matrix(scores: &[Vec<Option<Score>>], rows: usize) -> ScoreMatrix {
    let mut matrix = ScoreMatrix::new(scores.len(), rows);
    for (prompt, of_prompt) in scores.iter().enumerate() {
        for (row, score) in of_prompt.iter().enumerate() {
            if let Some(score) = score {
                matrix.set(prompt, row, score.mean);
            }
        }
    }
    matrix
}

/// The abler half of the prompts, at least [`super::FEWEST`] of them.
fn good_prompts(scores: &[Vec<Option<Score>>], rows: usize) -> Vec<usize> {
    let abilities = match Rasch::fit(&matrix(scores, rows)) {
        Some(fit) => fit.abilities,
        None => vec![0.0; scores.len()],
    };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| abilities[*b].total_cmp(&abilities[*a]));
    order.truncate(scores.len().div_ceil(2).clamp(FEWEST, MOST_GOOD));
    order
}
