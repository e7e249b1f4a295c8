//! How often a confirmation is wrong on recorded rows.
//!
//! Each file's rows are in two halves. The search has one of them. The held-out rows are drawn with
//! replacement from the other, whose mean is the truth, and the engine's own claim is made on them.

use crate::options::{Budget, Options};
use crate::runs::{Contestant, End, Found, Run};
use crate::statistics::mean;
use crate::subjects::Subject;
use crate::text_table::Table;
use promptsearch::engine::{Confirmed, HeldOutRow};
use promptsearch::seed::Seed;
use promptsearch::sim::replay::RecordedPrompt;
use promptsearch::stats::Level;
use promptsearch::task::goal::Goal;
use rand::Rng;
use rayon::prelude::*;

/// Held-out rows of a draw.
const HELD_OUT: usize = 60;
/// Draws for one run, and for one recorded prompt.
const DRAWS: [u64; 2] = [20, 2];

/// What became of a number of draws.
#[derive(Default)]
struct Tally {
    draws: u64,
    confirmed: u64,
    /// Confirmed, and no gain in truth.
    wrong: u64,
    /// The interval of the gain, and that of the winner's mean, hold the truth.
    gain_covered: u64,
    mean_covered: u64,
}

impl Tally {
    fn and(mut self, other: Self) -> Self {
        self.draws += other.draws;
        self.confirmed += other.confirmed;
        self.wrong += other.wrong;
        self.gain_covered += other.gain_covered;
        self.mean_covered += other.mean_covered;
        self
    }

    fn cells(&self) -> [String; 5] {
        let share =
            |count: u64| format!("{:.1} %", count as f64 / self.draws.max(1) as f64 * 100.0);
        [
            self.draws.to_string(),
            share(self.confirmed),
            share(self.wrong),
            share(self.gain_covered),
            share(self.mean_covered),
        ]
    }
}

/// Pairs of scores on the rows that the search did not have: of a prompt, and of the baseline.
struct Pairs {
    rows: Vec<(f64, f64)>,
}

impl Pairs {
    fn of(prompt: &RecordedPrompt, baseline: &RecordedPrompt, rows: &[usize]) -> Self {
        let score = |prompt: &RecordedPrompt, row: usize| f64::from(u8::from(prompt.right[row]));
        let pair = |row: &usize| (score(prompt, *row), score(baseline, *row));
        Self { rows: rows.iter().map(pair).collect() }
    }

    fn gain(&self) -> f64 {
        mean(self.rows.iter().map(|(mine, theirs)| mine - theirs))
    }

    /// Claims on rows drawn from these. `is_equal`: winner and baseline change places at random in
    /// each row, so that there is no difference in truth.
    fn tally(&self, draws: u64, is_equal: bool, seed: Seed) -> Tally {
        let mean_of_both =
            mean(self.rows.iter().map(|(mine, theirs)| f64::midpoint(*mine, *theirs)));
        let gain = if is_equal { 0.0 } else { self.gain() };
        let own = if is_equal { mean_of_both } else { mean(self.rows.iter().map(|pair| pair.0)) };
        let one = |number: u64| {
            let seed = seed.child("draw", number);
            let mut rng = seed.rng();
            let drawn: Vec<(f64, f64)> = (0..HELD_OUT)
                .map(|_| {
                    let (mine, theirs) = self.rows[rng.random_range(0..self.rows.len())];
                    let swaps = is_equal && rng.random();
                    if swaps { (theirs, mine) } else { (mine, theirs) }
                })
                .collect();
            let row = |&(winner, baseline): &(f64, f64)| HeldOutRow {
                winner,
                baseline,
                weight: 1.0,
                measured: Vec::new(),
                usd_per_1k: None,
            };
            let drawn: Vec<HeldOutRow> = drawn.iter().map(row).collect();
            let goal = Goal::max_quality();
            let claim = Confirmed::of(&goal, &drawn, true, Level::FIRST, seed.child("claim", 0));
            // The exact rule of an interval's ends, with room for rounding.
            let holds =
                |low: f64, high: f64, truth: f64| low - 1e-9 <= truth && truth <= high + 1e-9;
            let gain_holds = claim.gain.is_some_and(|(it, _)| holds(it.low, it.high, gain));
            let mean_holds = claim.winner.is_some_and(|it| holds(it.low, it.high, own));
            Tally {
                draws: 1,
                confirmed: u64::from(claim.is_shown),
                wrong: u64::from(claim.is_shown && gain <= 1e-9),
                gain_covered: u64::from(gain_holds),
                mean_covered: u64::from(mean_holds),
            }
        };
        (0..draws).map(one).fold(Tally::default(), Tally::and)
    }
}

/// A table for each budget.
pub(crate) fn tables(
    options: &Options,
    contestants: &[Contestant],
    subjects: &[Subject],
    runs: &[Run],
) -> Vec<Table> {
    let table = |budget: &Budget| {
        let mut rows = Vec::new();
        for (place, contestant) in contestants.iter().enumerate() {
            let own = |run: &&Run| run.contestant == place && run.budget == *budget;
            let found = runs.iter().filter(own).filter_map(|run| match &run.end {
                End::Found(found) => Some((run, found)),
                End::Refused(_) | End::Error(_) => None,
            });
            let found: Vec<(&Run, &Found)> = found.collect();
            rows.extend(of_recipe(&contestant.name, subjects, &found));
        }
        Table {
            title: format!(
                "Confirmations on {HELD_OUT} rows drawn from the half that the search did not have, \
                 {budget}: {} files × {} splits × {} seeds",
                subjects.len(),
                options.splits,
                options.seeds
            ),
            head: HEAD.map(str::to_owned).into(),
            rows,
            notes: NOTES.map(str::to_owned).into(),
        }
    };
    let mut tables: Vec<Table> = options.budgets.iter().map(table).collect();
    if let Some(last) = tables.last_mut() {
        last.rows.push(of_all_prompts(subjects));
    }
    tables
}

const HEAD: [&str; 10] = [
    "winners of",
    "runs",
    "true gain",
    "dev − truth",
    "shrunken − truth",
    "draws",
    "confirmed",
    "wrongly",
    "gain covered",
    "mean covered",
];

const NOTES: [&str; 4] = [
    "Runs whose winner is the baseline claim nothing and are left out. Gains in points.",
    "`wrongly`: confirmed, and the true gain is not above 0; of all draws. `covered`: the printed 95 % \
     interval holds the truth.",
    "`no difference`: the same pairs, where winner and baseline change places at random in each row.",
    "`recorded prompts`: all that are no better than the first one on the other half, without a search.",
];

fn of_recipe(name: &str, subjects: &[Subject], found: &[(&Run, &Found)]) -> Vec<Vec<String>> {
    let mut changed = Vec::new();
    for (run, found) in found {
        let subject = &subjects[run.subject];
        let baseline = subject.world.baseline();
        let prompt = subject.world.prompts.iter().find(|prompt| prompt.id == found.prompt);
        if let Some(prompt) = prompt.filter(|prompt| prompt.id != baseline.id) {
            let unseen = &subject.splits[run.split].unseen;
            let seed = Seed(run.seed).child(&subject.world.name, run.split as u64);
            changed.push((*found, Pairs::of(prompt, baseline, unseen), seed));
        }
    }
    let tally = |is_equal: bool| {
        let one = |(_, pairs, seed): &(&Found, Pairs, Seed)| {
            pairs.tally(DRAWS[0], is_equal, seed.child("equal", u64::from(is_equal)))
        };
        changed.par_iter().map(one).reduce(Tally::default, Tally::and)
    };
    let points = |values: Vec<f64>| match values.is_empty() {
        true => "–".to_owned(),
        false => format!("{:+.1}", mean(values) * 100.0),
    };
    let gains = changed.iter().map(|(_, pairs, _)| pairs.gain()).collect();
    let over = |estimate: &dyn Fn(&Found) -> Option<f64>| {
        let each = changed.iter().filter_map(|(it, pairs, _)| Some(estimate(it)? - pairs.gain()));
        points(each.collect())
    };
    let mut row = vec![name.to_owned(), changed.len().to_string(), points(gains)];
    row.extend([over(&|it| it.dev_gain), over(&|it| it.shrunken_dev)]);
    row.extend(tally(false).cells());
    let mut equal = vec![format!("{name}, no difference"), changed.len().to_string()];
    equal.extend(["+0.0", "", ""].map(str::to_owned));
    equal.extend(tally(true).cells());
    vec![row, equal]
}

/// Every recorded prompt that is no better than the baseline on the other half.
fn of_all_prompts(subjects: &[Subject]) -> Vec<String> {
    let mut pairs = Vec::new();
    for subject in subjects {
        let baseline = subject.world.baseline();
        for (number, split) in subject.splits.iter().enumerate() {
            for prompt in &subject.world.prompts[1..] {
                let of = Pairs::of(prompt, baseline, &split.unseen);
                if of.gain() <= 1e-9 {
                    pairs.push((of, Seed(number as u64).child(&prompt.id, 0)));
                }
            }
        }
    }
    let one = |(pairs, seed): &(Pairs, Seed)| pairs.tally(DRAWS[1], false, *seed);
    let tally = pairs.par_iter().map(one).reduce(Tally::default, Tally::and);
    let gain = mean(pairs.iter().map(|(pairs, _)| pairs.gain())) * 100.0;
    let mut row = vec!["recorded prompts, none better".to_owned(), pairs.len().to_string()];
    row.extend([format!("{gain:+.1}"), String::new(), String::new()]);
    row.extend(tally.cells());
    row
}
