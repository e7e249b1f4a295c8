//! `gp`: a Gaussian process over the texts' features.

use crate::candidate::Demo;
use crate::seed::Seed;
use crate::stats::gaussian_process::{
    GaussianProcess, expected_improvement, thompson, upper_confidence,
};
use crate::strategy::search::{Sampler, Search, Trial};
use crate::strategy::space::{Combination, Observation, Space};
use crate::vector::ComparedText;
use crate::vector::features::Projection;
use rand::Rng;

/// Standard deviations of an optimistic value.
const KAPPA: f64 = 2.0;

kind! {
    /// A Gaussian process (Matérn 5/2, one length scale for the instruction's features and one for
    /// the demonstrations') whose hyperparameters are fitted by marginal likelihood (HbBoPs;
    /// arXiv:2412.07820, section 4).
    "gp": "A Gaussian process over the texts' features.",
    Process {
        /// What is maximised.
        acquisition: Acquisition = Acquisition::Ei,
        /// Dimensions of each text's features.
        features: usize = 16 => [1.0, 4096.0],
        /// The chance of a random combination.
        random_fraction: f64 = 0.1 => share,
        /// Random combinations before the first fit.
        startup: usize = 4,
    }
}

choice! {
    /// What a surrogate's sampler maximises.
    Acquisition {
        /// Expected improvement.
        Ei = "ei",
        /// Mean plus two standard deviations.
        Ucb = "ucb",
        /// A draw from what is believed.
        Ts = "ts",
    }
}

impl Sampler for Process {
    fn compares(&self) -> Option<ComparedText> {
        Some(ComparedText::WithoutDemos)
    }

    fn observations(&self) -> Option<usize> {
        Some(self.startup.max(2))
    }

    fn suggest(&self, search: &Search<'_>, trial: &Trial<'_>) -> Option<Combination> {
        let (known, seed) = (trial.known, trial.seed);
        let is_random = seed.child("random", 0).rng().random::<f64>() < self.random_fraction;
        if is_random || known.len() < self.startup.max(2) {
            return None;
        }
        let features = Features::new(self.features, search, trial.space);
        let inputs: Vec<Vec<f64>> =
            known.iter().map(|seen| features.of(seen.combination)).collect();
        let values: Vec<f64> = known.iter().map(|seen| seen.mean).collect();
        let noise: Vec<f64> = known.iter().map(sampling_variance).collect();
        let process = GaussianProcess::fit(&inputs, &values, &noise, &features.groups())?;
        let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut chosen: Option<(f64, Combination)> = None;
        for (number, choice) in trial.choices.iter().enumerate() {
            let (mean, variance) = process.predict(&features.of(*choice));
            let value = match self.acquisition {
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
    fn new(size: usize, search: &Search<'_>, space: &Space) -> Self {
        let state = search.state;
        let texts = state.memory.texts.features(state, &space.texts, size);
        let texts = texts.iter().map(|vector| vector.to_vec());
        let sets = if space.sets.len() > 1 {
            let rows = search.setting.train_rows as usize;
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
