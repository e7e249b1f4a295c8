//! A small neural network.

use super::Sample;
use crate::seed::Seed;
use ndarray::{Array, Array1, Array2, Axis, Dimension, Zip};
use rand_distr::{Distribution, StandardNormal};

const HIDDEN: usize = 32;
const EPOCHS: i32 = 200;
/// The step size of Adam, and the decay rates of its two means.
const RATE: f64 = 0.01;
const FIRST: f64 = 0.9;
const SECOND: f64 = 0.999;
/// The penalty on squared weights: there are more of them than observations.
const DECAY: f64 = 0.01;

/// A multilayer perceptron with one hidden layer of 32 tanh units, trained under weighted squared
/// error with a penalty of 0.01 on squared weights, on all observations at once for 200 steps of
/// Adam (Kingma and Ba 2015, algorithm 1). Inputs and values are standardised; weights start from
/// the seed, N(0, 1/inputs).
#[derive(Clone, Debug)]
pub struct Network {
    centre: Array1<f64>,
    spread: Array1<f64>,
    /// Mean and standard deviation of the values.
    value: (f64, f64),
    hidden: Array2<f64>,
    hidden_bias: Array1<f64>,
    output: Array1<f64>,
    output_bias: f64,
}

impl Network {
    pub(super) fn fit(sample: &Sample, seed: Seed) -> Self {
        let (n, dimensions) = (sample.len(), sample.dimensions());
        let total: f64 = sample.iter().map(|(_, _, w)| w).sum();
        let weights: Array1<f64> = sample.iter().map(|(_, _, w)| w / total).collect();
        let raw = Array2::from_shape_fn((n, dimensions), |(i, j)| sample.features(i)[j]);
        let centre = raw.t().dot(&weights);
        let spread = (&raw - &centre).mapv(|x| x * x).t().dot(&weights).mapv(deviation);
        let inputs = (&raw - &centre) / &spread;
        let values: Array1<f64> = sample.iter().map(|(_, y, _)| y).collect();
        let mean = values.dot(&weights);
        let unit = deviation((&values - mean).mapv(|y| y * y).dot(&weights));
        let target = (values - mean) / unit;

        let mut rng = seed.rng();
        let mut normal = |inputs: usize| -> f64 {
            let z: f64 = StandardNormal.sample(&mut rng);
            z / (inputs.max(1) as f64).sqrt()
        };
        let mut network = Self {
            centre,
            spread,
            value: (mean, unit),
            hidden: Array2::from_shape_simple_fn((dimensions, HIDDEN), || normal(dimensions)),
            hidden_bias: Array1::zeros(HIDDEN),
            output: Array1::from_shape_simple_fn(HIDDEN, || normal(HIDDEN)),
            output_bias: 0.0,
        };
        network.train(&inputs, &target, &weights);
        network
    }

    fn train(&mut self, inputs: &Array2<f64>, target: &Array1<f64>, weights: &Array1<f64>) {
        let mut hidden = Adam::new(&self.hidden);
        let mut hidden_bias = Adam::new(&self.hidden_bias);
        let mut output = Adam::new(&self.output);
        let (mut bias, mut output_bias) = (Array1::zeros(1), Adam::new(&Array1::zeros(1)));
        for epoch in 1..=EPOCHS {
            let active = self.activations(inputs);
            let found = active.dot(&self.output) + self.output_bias;
            // Half the weighted squared error and its slopes, from the output back.
            let error = (found - target) * weights;
            let by_output = active.t().dot(&error) + DECAY * &self.output;
            let by_active =
                error.view().insert_axis(Axis(1)).dot(&self.output.view().insert_axis(Axis(0)));
            let by_sum = by_active * active.mapv(|a| 1.0 - a * a);
            let by_hidden = inputs.t().dot(&by_sum) + DECAY * &self.hidden;
            hidden.step(&mut self.hidden, &by_hidden, epoch);
            hidden_bias.step(&mut self.hidden_bias, &by_sum.sum_axis(Axis(0)), epoch);
            output.step(&mut self.output, &by_output, epoch);
            output_bias.step(&mut bias, &Array1::from_elem(1, error.sum()), epoch);
            self.output_bias = bias[0];
        }
    }

    fn activations(&self, inputs: &Array2<f64>) -> Array2<f64> {
        (inputs.dot(&self.hidden) + &self.hidden_bias).mapv(f64::tanh)
    }

    /// The predicted value. Numbers missing at the end of `features` are taken as average.
    #[must_use]
    pub fn predict(&self, features: &[f64]) -> f64 {
        let mut input = Array2::zeros((1, self.centre.len()));
        for (j, x) in features.iter().enumerate().take(self.centre.len()) {
            input[(0, j)] = (x - self.centre[j]) / self.spread[j];
        }
        let found = self.activations(&input).row(0).dot(&self.output) + self.output_bias;
        self.value.0 + self.value.1 * found
    }
}

/// The root of a variance, or 1 if it is 0.
fn deviation(variance: f64) -> f64 {
    if variance > 1e-18 { variance.sqrt() } else { 1.0 }
}

/// Running means of one parameter's slopes and of their squares.
struct Adam<D: Dimension> {
    slopes: Array<f64, D>,
    squares: Array<f64, D>,
}

impl<D: Dimension> Adam<D> {
    fn new(parameter: &Array<f64, D>) -> Self {
        Self {
            slopes: Array::zeros(parameter.raw_dim()),
            squares: Array::zeros(parameter.raw_dim()),
        }
    }

    /// One step down, number `epoch` from 1.
    fn step(&mut self, parameter: &mut Array<f64, D>, slope: &Array<f64, D>, epoch: i32) {
        let (first, second) = (1.0 - FIRST.powi(epoch), 1.0 - SECOND.powi(epoch));
        Zip::from(parameter).and(slope).and(&mut self.slopes).and(&mut self.squares).for_each(
            |parameter, slope, mean, square| {
                *mean = FIRST * *mean + (1.0 - FIRST) * slope;
                *square = SECOND * *square + (1.0 - SECOND) * slope * slope;
                *parameter -= RATE * (*mean / first) / ((*square / second).sqrt() + 1e-8);
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_learns_a_curve() {
        let rows: Vec<Vec<f64>> = (0..40).map(|i| vec![f64::from(i) / 10.0 - 2.0]).collect();
        let values: Vec<f64> = rows.iter().map(|row| row[0] * row[0] / 4.0).collect();
        let network = Network::fit(&Sample::new(&rows, &values, &[1.0; 40]).unwrap(), Seed(1));
        let error: f64 =
            rows.iter().zip(&values).map(|(x, y)| (network.predict(x) - y).abs()).sum();
        assert!(error / 40.0 < 0.1, "{}", error / 40.0);
    }

    #[test]
    fn it_repeats_itself_and_stays_finite() {
        let rows = vec![vec![1.0, 0.0]; 4];
        let sample = Sample::new(&rows, &[0.5; 4], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        let of = |seed| Network::fit(&sample, Seed(seed)).predict(&[1.0]);
        assert_eq!(of(1), of(1));
        assert!((of(1) - 0.5).abs() < 0.05 && (of(2) - 0.5).abs() < 0.05);
        let rows = vec![vec![]; 4];
        let none = Sample::new(&rows, &[0.0, 1.0, 0.0, 1.0], &[1.0; 4]).unwrap();
        assert!((Network::fit(&none, Seed(1)).predict(&[]) - 0.5).abs() < 0.05);
    }
}
