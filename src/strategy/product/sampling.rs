//! Which combination is tried next, of those that may be.

use super::super::State;
use super::{Combination, Space};
use crate::candidate::Demo;
use crate::operator::Setting;
use crate::recipe::{Acquisition, GpSampler, Recipe, Sampler, TpeSampler};
use crate::seed::Seed;
use crate::stats::features::Projection;
use crate::stats::gaussian_process::{
    GaussianProcess, expected_improvement, thompson, upper_confidence,
};
use crate::stats::tpe::{self, Tpe};
use rand::Rng;

/// What is known of a combination.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observation {
    pub(super) combination: Combination,
    /// Its mean.
    pub(super) mean: f64,
    /// Answers behind it.
    pub(super) rows: usize,
}

/// Draws of the estimator until one is among the choices; what it favours may all be taken.
const ATTEMPTS: u64 = 64;
/// Standard deviations of an optimistic value.
const KAPPA: f64 = 2.0;

/// The next combination; `None`: there is nothing to choose from.
pub(super) fn suggest(
    recipe: &Recipe,
    state: &State,
    space: &Space,
    choices: &[Combination],
    known: &[Observation],
    setting: Setting,
) -> Option<Combination> {
    let seed = setting.seed.child("trial", u64::from(state.memory.trials.count()));
    let modelled = match &recipe.sampler {
        Sampler::Random(_) => None,
        Sampler::Tpe(kind) => by_densities(kind, space, choices, known, seed),
        Sampler::Gp(kind) => by_process(kind, state, space, choices, known, setting, seed),
    };
    modelled.or_else(|| any(choices, seed))
}

fn any(choices: &[Combination], seed: Seed) -> Option<Combination> {
    let mut rng = seed.child("any", 0).rng();
    (!choices.is_empty()).then(|| choices[rng.random_range(0..choices.len())])
}

fn by_densities(
    kind: &TpeSampler,
    space: &Space,
    choices: &[Combination],
    known: &[Observation],
    seed: Seed,
) -> Option<Combination> {
    let sizes = [space.texts.len(), space.sets.len()];
    let history: Vec<(Vec<usize>, f64)> = known
        .iter()
        .map(|seen| (vec![seen.combination.text, seen.combination.set], seen.mean))
        .collect();
    let estimator = Tpe { startup: kind.startup, draws: kind.draws as u64 };
    (0..ATTEMPTS).find_map(|attempt| {
        let drawn = tpe::suggest(estimator, &history, &sizes, seed.child("attempt", attempt));
        let drawn = Combination { text: *drawn.first()?, set: *drawn.get(1)? };
        choices.contains(&drawn).then_some(drawn)
    })
}

fn by_process(
    kind: &GpSampler,
    state: &State,
    space: &Space,
    choices: &[Combination],
    known: &[Observation],
    setting: Setting,
    seed: Seed,
) -> Option<Combination> {
    let is_random = seed.child("random", 0).rng().random::<f64>() < kind.random_fraction;
    if is_random || known.len() < kind.startup.max(2) {
        return None;
    }
    let features = Features::new(kind.features, state, space, setting);
    let inputs: Vec<Vec<f64>> = known.iter().map(|seen| features.of(seen.combination)).collect();
    let values: Vec<f64> = known.iter().map(|seen| seen.mean).collect();
    let noise: Vec<f64> = known.iter().map(sampling_variance).collect();
    let process = GaussianProcess::fit(&inputs, &values, &noise, &features.groups())?;
    let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut chosen: Option<(f64, Combination)> = None;
    for (number, choice) in choices.iter().enumerate() {
        let (mean, variance) = process.predict(&features.of(*choice));
        let value = match kind.acquisition {
            Acquisition::Ei => expected_improvement(mean, variance, best),
            Acquisition::Ucb => upper_confidence(mean, variance, KAPPA),
            Acquisition::Ts => thompson(mean, variance, seed.child("draw", number as u64)),
        };
        // Of equals, the first.
        if chosen.is_none_or(|(highest, _)| value > highest) {
            chosen = Some((value, *choice));
        }
    }
    chosen.map(|(_, combination)| combination)
}

/// The variance of a mean of answers in [0, 1], as if one more had been right and one wrong: few equal
/// answers are not certain.
fn sampling_variance(seen: &Observation) -> f64 {
    let n = seen.rows.max(1) as f64;
    let p = (seen.mean.clamp(0.0, 1.0) * n + 1.0) / (n + 2.0);
    p * (1.0 - p) / n
}

/// Vectors of texts and of sets of demonstrations.
struct Features {
    texts: Vec<Vec<f64>>,
    /// Empty where there is but one set.
    sets: Vec<Vec<f64>>,
}

impl Features {
    fn new(size: usize, state: &State, space: &Space, setting: Setting) -> Self {
        let memo = &state.memory.text_models;
        let texts = space.texts.iter().map(|text| memo.features(state, *text, size).to_vec());
        let sets = if space.sets.len() > 1 {
            let rows = setting.train_rows as usize;
            // A row with the model's own answer is another demonstration than with the expected one.
            let projection = Projection::new(2 * rows, size, Seed(0));
            space.sets.iter().map(|set| projection.of(&shown(set, rows))).collect()
        } else {
            Vec::new()
        };
        Self { texts: texts.collect(), sets }
    }

    fn of(&self, combination: Combination) -> Vec<f64> {
        let set = self.sets.get(combination.set).map_or(&[][..], |set| set);
        [&self.texts[combination.text], set].concat()
    }

    /// One length scale for texts and one for sets.
    fn groups(&self) -> Vec<usize> {
        let size = |of: &[Vec<f64>]| of.first().map_or(0, Vec::len);
        let texts = size(&self.texts);
        let first_of_sets = usize::from(texts > 0);
        std::iter::repeat_n(0, texts)
            .chain(std::iter::repeat_n(first_of_sets, size(&self.sets)))
            .collect()
    }
}

/// Which rows a set shows: sets are apart by the rows that only one of them has.
fn shown(set: &[Demo], rows: usize) -> Vec<f64> {
    let mut vector = vec![0.0; 2 * rows];
    for demo in set {
        let place = demo.row.index() + if demo.answer.is_some() { rows } else { 0 };
        if let Some(entry) = vector.get_mut(place) {
            *entry = 1.0;
        }
    }
    vector
}
