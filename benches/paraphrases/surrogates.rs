//! How well regressions on texts predict the accuracy of unseen prompts.

use crate::data::Task;
use crate::table::{Table, interval};
use promptsearch::seed::Seed;
use promptsearch::stats::cluster::KMeans;
use promptsearch::stats::gaussian_process::GaussianProcess;
use promptsearch::stats::rank::spearman;
use promptsearch::stats::surrogate::Ensemble;
use promptsearch::vector::features::Featuriser;
use rand::Rng;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::Serialize;

/// The number of cross-validation folds.
const FOLDS: usize = 5;
/// Samples behind each measured accuracy.
const SAMPLES: usize = 100;
/// Dimensions of the features, as in the recipes: hashed n-grams under a random projection.
const FEATURES: (usize, usize) = (512, 64);

/// The columns of the table.
const COLUMNS: [&str; 7] =
    ["ridge", "trees", "network", "ensemble", "Gaussian process", "measured again", "clusters"];

/// One task and model.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Correlations {
    /// The task.
    pub(crate) task: String,
    /// The model.
    pub(crate) model: String,
    /// Spearman's ρ with the measured accuracy on unseen prompts, for each column; the last column
    /// is the share of variance between clusters beyond chance.
    pub(crate) values: Vec<f64>,
}

/// All tasks and models.
pub(crate) fn all(tasks: &[Task]) -> Vec<Correlations> {
    let jobs: Vec<(&Task, usize)> =
        tasks.iter().flat_map(|task| (0..task.models.len()).map(move |m| (task, m))).collect();
    jobs.par_iter().map(|(task, model)| one(task, *model)).collect()
}

fn one(task: &Task, model: usize) -> Correlations {
    let (name, accuracies) = &task.models[model];
    let seed = Seed(1).child(&task.name, 0).child(name, 0);
    let featuriser = Featuriser::new(FEATURES.0, FEATURES.1, Seed(0));
    let features: Vec<Vec<f64>> = task.prompts.iter().map(|text| featuriser.of(text)).collect();
    let mut order: Vec<usize> = (0..features.len()).collect();
    order.shuffle(&mut seed.child("folds", 0).rng());
    let mut found: Vec<Vec<f64>> = vec![Vec::new(); 5];
    for fold in 0..FOLDS {
        let (mut seen, mut unseen) = (Vec::new(), Vec::new());
        for (place, prompt) in order.iter().enumerate() {
            if place % FOLDS == fold { unseen.push(*prompt) } else { seen.push(*prompt) }
        }
        let pick = |of: &[usize]| of.iter().map(|prompt| features[*prompt].clone()).collect();
        let (known, asked): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (pick(&seen), pick(&unseen));
        let values: Vec<f64> = seen.iter().map(|prompt| accuracies[*prompt]).collect();
        let truths: Vec<f64> = unseen.iter().map(|prompt| accuracies[*prompt]).collect();
        for (column, predicted) in
            predictions(&known, &values, &asked, seed.child("fit", fold as u64)).iter().enumerate()
        {
            // Equal accuracies, and equal predictions, have no order.
            if spearman(&truths, &truths).is_some() {
                found[column].push(spearman(predicted, &truths).unwrap_or(0.0));
            }
        }
    }
    let mean = |values: &Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let mut values: Vec<f64> = found.iter().map(mean).collect();
    values.push(measured_again(accuracies, seed));
    values.push(between_clusters(&features, accuracies, seed));
    Correlations { task: task.name.clone(), model: name.clone(), values }
}

/// The predictions of each regression: the three of the ensemble, the ensemble, the Gaussian
/// process.
fn predictions(
    known: &[Vec<f64>],
    values: &[f64],
    asked: &[Vec<f64>],
    seed: Seed,
) -> Vec<Vec<f64>> {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let nothing = vec![mean; asked.len()];
    let weights = vec![SAMPLES as f64; values.len()];
    let mut all = match Ensemble::fit(known, values, &weights, seed) {
        Some(ensemble) => {
            let mut each = ensemble.predict_each(asked);
            each.push(ensemble.predict(asked));
            each
        }
        None => vec![nothing.clone(); 4],
    };
    let n = SAMPLES as f64;
    let noise: Vec<f64> =
        values.iter().map(|p| (p * n + 1.0) / (n + 2.0)).map(|p| p * (1.0 - p) / n).collect();
    let process = GaussianProcess::fit(known, values, &noise, &vec![0; FEATURES.1]);
    all.push(
        process.map_or(nothing, |process| {
            asked.iter().map(|prompt| process.predict(prompt).0).collect()
        }),
    );
    all
}

/// The rank correlation of the measured accuracies with a second measurement with as many samples,
/// which is an upper bound.
fn measured_again(accuracies: &[f64], seed: Seed) -> f64 {
    let mut rng = seed.child("again", 0).rng();
    let again: Vec<f64> = accuracies
        .iter()
        .map(|p| (0..SAMPLES).filter(|_| rng.random::<f64>() < *p).count() as f64)
        .collect();
    spearman(accuracies, &again).unwrap_or(0.0)
}

/// The share of the accuracies' variance between clusters of similar texts, corrected for chance: 0
/// if the clusters carry no information, 1 if they determine the accuracy.
fn between_clusters(features: &[Vec<f64>], accuracies: &[f64], seed: Seed) -> f64 {
    let n = accuracies.len() as f64;
    let count = n.sqrt().ceil() as usize;
    let Some(clusters) = KMeans::fit(features, count, seed.child("clusters", 0)) else {
        return 0.0;
    };
    let mean = accuracies.iter().sum::<f64>() / n;
    let total: f64 = accuracies.iter().map(|p| (p - mean).powi(2)).sum();
    let between: f64 = (0..clusters.centres.len())
        .map(|cluster| {
            let members = accuracies.iter().zip(&clusters.assignment);
            let own: Vec<f64> =
                members.filter(|(_, of)| **of == cluster).map(|(p, _)| *p).collect();
            let of_cluster = own.iter().sum::<f64>() / own.len().max(1) as f64;
            own.len() as f64 * (of_cluster - mean).powi(2)
        })
        .sum();
    let chance = (clusters.centres.len() as f64 - 1.0) / (n - 1.0);
    if total > 0.0 { (between / total - chance) / (1.0 - chance) } else { 0.0 }
}

/// One row per task, over its models, and one row for all tasks.
pub(crate) fn table(tasks: &[Task], results: &[Correlations]) -> Table {
    let column = |of: &dyn Fn(&Correlations) -> bool, column: usize| {
        let values: Vec<f64> =
            results.iter().filter(|found| of(found)).map(|found| found.values[column]).collect();
        interval(&values, 2)
    };
    let row = |name: &str, of: &dyn Fn(&Correlations) -> bool| {
        let cells = (0..COLUMNS.len()).map(|number| column(of, number));
        std::iter::once(name.to_owned()).chain(cells).collect::<Vec<String>>()
    };
    let mut rows: Vec<Vec<String>> =
        tasks.iter().map(|task| row(&task.name, &|found| found.task == task.name)).collect();
    rows.push(row("all", &|_| true));
    Table {
        title: "Rank correlation (Spearman) of predictions with measured accuracy on prompts that were \
                left out of the fit, mean over models; a second measurement's; and the share of \
                variance between clusters beyond chance"
            .to_owned(),
        heads: std::iter::once("task").chain(COLUMNS).map(str::to_owned).collect(),
        rows,
    }
}

/// Every task and model.
pub(crate) fn as_json(results: &[Correlations]) -> serde_json::Value {
    serde_json::json!({ "columns": COLUMNS, "results": results })
}
