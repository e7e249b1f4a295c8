//! The results as tables, for a terminal and for a page.

use crate::figures::{ByWorld, Mean};
use crate::options::Options;
use crate::runs::{End, Found, Results};
use crate::text_table::Table;

/// For each budget the worlds and the comparisons, then the spending.
pub(crate) fn all(options: &Options, results: &Results) -> Vec<Table> {
    let mut tables = Vec::new();
    for budget in &options.calls {
        tables.push(worlds(options, results, *budget));
        if results.strategies.len() > 1 {
            tables.push(comparison(options, results, *budget));
        }
    }
    tables.push(overall(options, results));
    tables
}

fn worlds(options: &Options, results: &Results, budget: u64) -> Table {
    let (names, common) = short_names(results);
    let mut head = vec!["strategy".to_owned()];
    head.extend(names);
    head.push("mean".to_owned());
    let row = |name: &str, values: &dyn Fn(usize) -> Option<f64>| {
        let each: Vec<Option<f64>> = (0..results.worlds.len()).map(values).collect();
        let known: Vec<f64> = each.iter().copied().flatten().collect();
        // Means over different worlds are not comparable.
        let whole = known.len() == each.len() && !known.is_empty();
        let mean = whole.then(|| known.iter().sum::<f64>() / known.len() as f64);
        let mut row = vec![name.to_owned()];
        row.extend(each.into_iter().chain([mean]).map(points));
        row
    };
    let mut rows = vec![row("(baseline)", &|world| Some(results.worlds[world].baseline_quality))];
    for (strategy, name) in results.strategies.iter().enumerate() {
        let values = ByWorld::of(results, strategy, budget, |found| found.quality);
        rows.push(row(name, &|world| values.world(world)));
    }
    if results.worlds.iter().any(|world| world.ideal_quality.is_some()) {
        rows.push(row("(all rules stated)", &|world| results.worlds[world].ideal_quality));
    }
    let mut notes = Vec::new();
    for run in results.runs.iter().filter(|run| run.budget == budget) {
        if let End::Error(message) = &run.end {
            let (strategy, world) = (&results.strategies[run.strategy], &results.worlds[run.world]);
            notes.push(format!("failed: {strategy}, {}, seed {}: {message}", world.name, run.seed));
        }
    }
    Table {
        title: format!(
            "True quality in points of the returned prompt, {budget} calls{common} ({})",
            options.models()
        ),
        head,
        rows,
        notes,
    }
}

/// The worlds' names without the half that all of them share.
fn short_names(results: &Results) -> (Vec<String>, String) {
    let names: Vec<&str> = results.worlds.iter().map(|world| world.name.as_str()).collect();
    for half in ["/tune", "/held"] {
        let short: Option<Vec<String>> =
            names.iter().map(|name| name.strip_suffix(half).map(str::to_owned)).collect();
        if let Some(short) = short {
            return (short, format!(", worlds of the half `{}`", &half[1..]));
        }
    }
    (names.into_iter().map(str::to_owned).collect(), String::new())
}

fn comparison(options: &Options, results: &Results, budget: u64) -> Table {
    let first = &results.strategies[0];
    let rows = (1..results.strategies.len())
        .map(|other| {
            let ahead = ByWorld::ahead(results, 0, other, budget);
            let (worst, best) = match ahead.worst() {
                Some((world, least)) => {
                    (signed(least), format!("on {}", results.worlds[world].name))
                }
                None => ("-".to_owned(), String::new()),
            };
            let Mean { mean, low, high } = match ahead.mean() {
                Some(mean) => mean,
                None => Mean { mean: f64::NAN, low: f64::NAN, high: f64::NAN },
            };
            let interval = format!("{} to {}", signed(low), signed(high));
            vec![results.strategies[other].clone(), signed(mean), interval, worst, best]
        })
        .collect();
    Table {
        title: format!(
            "How far {first} is ahead, in points, {budget} calls ({})",
            options.models()
        ),
        head: ["of", "mean", "95 % interval", "least", "where"].map(str::to_owned).into(),
        rows,
        notes: vec![
            "paired by world and seed; bootstrap over worlds, and over seeds within".to_owned(),
        ],
    }
}

fn overall(options: &Options, results: &Results) -> Table {
    let mut rows = Vec::new();
    for budget in &options.calls {
        for (strategy, name) in results.strategies.iter().enumerate() {
            let of = |value: fn(&Found) -> f64, scale: f64, digits: usize| {
                let mean = ByWorld::of(results, strategy, *budget, value).mean();
                mean.map_or("-".to_owned(), |Mean { mean, low, high }| {
                    let [mean, low, high] = [mean, low, high].map(|it| it * scale);
                    format!("{mean:.digits$} ({low:.digits$} to {high:.digits$})")
                })
            };
            rows.push(vec![
                name.clone(),
                budget.to_string(),
                of(|found| found.quality, 100.0, 1),
                of(|found| found.calls as f64, 1.0, 0),
                of(|found| found.usd, 1.0, 3),
                of(|found| found.prompt_tokens as f64, 1.0, 0),
            ]);
        }
    }
    Table {
        title: format!("Quality and spending, means over worlds ({})", options.models()),
        head: ["strategy", "budget", "true quality", "calls", "simulated dollars", "prompt tokens"]
            .map(str::to_owned)
            .into(),
        rows,
        notes: vec![
            "95 % intervals by a bootstrap over worlds, and over seeds within; to compare \
             strategies, see the paired differences"
                .to_owned(),
        ],
    }
}

fn points(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{:.1}", value * 100.0))
}

fn signed(value: f64) -> String {
    if value.is_nan() { "-".to_owned() } else { format!("{:+.1}", value * 100.0) }
}
