//! The results as tables.

use crate::options::{Budget, Options};
use crate::runs::{Contestant, End, Fate, Found, Run};
use crate::statistics::{Estimate, mean, over_files, over_splits};
use crate::subjects::Subject;
use crate::text_table::Table;
use promptsearch::seed::Seed;
use std::collections::BTreeMap;

/// What a replay cannot show.
const LIMITS: &[&str] = &[
    "Limits of a replay: only children that passed a gate on three rows were recorded, so mutations \
     look better than they are;",
    "each answer was drawn once, so a second replicate is the first; children run out; what a request \
     says has no effect on its reply;",
    "operators that write texts without the mutator have no scores here and are switched off; a line that a repair puts back changes no score; an \
     answer counts the tokens of its label alone.",
];

/// All tables: for each budget the recipes, then accuracy by file.
pub(crate) fn all(
    options: &Options,
    contestants: &[Contestant],
    subjects: &[Subject],
    runs: &[Run],
) -> Vec<Table> {
    let mut tables = Vec::new();
    for budget in &options.budgets {
        let of = Figures { options, contestants, subjects, runs, budget: *budget };
        tables.push(of.recipes());
        tables.push(of.files());
        tables.push(of.fates());
    }
    tables.push(notes(options, contestants, subjects, runs));
    tables
}

struct Figures<'a> {
    options: &'a Options,
    contestants: &'a [Contestant],
    subjects: &'a [Subject],
    runs: &'a [Run],
    budget: Budget,
}

impl Figures<'_> {
    /// A recipe's results by file, split and seed; `None` where one is missing.
    fn found(&self, contestant: usize) -> Option<Vec<Vec<Vec<&Found>>>> {
        let runs = self.runs.iter();
        let own = runs.filter(|run| run.contestant == contestant && run.budget == self.budget);
        let mut found = vec![vec![Vec::new(); self.options.splits as usize]; self.subjects.len()];
        for run in own {
            match &run.end {
                End::Found(it) => found[run.subject][run.split].push(it),
                End::Refused(_) | End::Error(_) => return None,
            }
        }
        let whole = found.iter().flatten().all(|it| it.len() as u64 == self.options.seeds);
        whole.then_some(found)
    }

    fn recipes(&self) -> Table {
        let reference = &self.options.reference;
        let head = [
            "recipe",
            "unseen",
            &format!("minus {reference} (splits, seeds)"),
            "(files)",
            "usd",
            "of it train",
            "calls",
            "of it train",
            "mutator",
            "planned",
            "own/other/same",
            "rejected",
            "tokens",
            "usd per 1k",
        ];
        let place = self.contestants.iter().position(|it| it.name == *reference);
        let reference = place.and_then(|place| self.found(place));
        let mut rows = Vec::new();
        for (place, contestant) in self.contestants.iter().enumerate() {
            let mut row = vec![contestant.name.clone()];
            match self.found(place) {
                Some(found) => row.extend(self.cells(&found, reference.as_ref())),
                None => row.resize(head.len(), "–".to_owned()),
            }
            rows.push(row);
        }
        if let Some(found) = &reference {
            let mut row = vec!["(baseline)".to_owned()];
            row.push(share(over(found, |it| it.baseline)));
            row.resize(head.len(), String::new());
            rows.push(row);
        }
        Table {
            title: format!(
                "Recorded prompts, {}: {} files × {} splits × {} seeds; means over the files{}",
                self.budget,
                self.subjects.len(),
                self.options.splits,
                self.options.seeds,
                if self.options.free_evidence { "; rows of train cost no money" } else { "" }
            ),
            head: head.map(str::to_owned).into(),
            rows,
            notes: LIMITS.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    fn cells(
        &self,
        found: &[Vec<Vec<&Found>>],
        reference: Option<&Vec<Vec<Vec<&Found>>>>,
    ) -> Vec<String> {
        let of = |value: &dyn Fn(&Found) -> f64| over(found, value);
        let differences = reference.map(|reference| paired(found, reference));
        let seed = Seed(1);
        let splits = differences.as_ref().map(|it| points(over_splits(it, seed)));
        let files = differences
            .as_ref()
            .and_then(|it| over_files(it))
            .map(|it| format!("{:+.1} to {:+.1}", it.low * 100.0, it.high * 100.0));
        let none = || "–".to_owned();
        let given = [0, 1, 2].map(|kind| format!("{:.0}", of(&|it| it.given[kind] as f64)));
        let planned = [0, 1].map(|end| format!("{:.0}", of(&|it| it.planned[end] as f64)));
        vec![
            share(of(&|it| it.unseen)),
            splits.unwrap_or_else(none),
            files.unwrap_or_else(none),
            format!("{:.3}", of(&|it| it.usd)),
            format!("{:.3}", of(&|it| it.train_usd)),
            format!("{:.0}", of(&|it| it.calls as f64)),
            format!("{:.0}", of(&|it| it.train_calls as f64)),
            format!("{:.1}", of(&|it| it.mutator_calls as f64)),
            planned.join(" to "),
            given.join("/"),
            format!("{:.1}", of(&|it| it.rejected() as f64)),
            format!("{:.0}", of(&|it| it.prompt_tokens as f64)),
            format!("{:.3}", of(&|it| it.usd_per_1k)),
        ]
    }

    /// What the proposals that were refused would have scored, beside those that were tried.
    fn fates(&self) -> Table {
        let mut rows = Vec::new();
        for (place, contestant) in self.contestants.iter().enumerate() {
            let mut all: BTreeMap<&str, Fate> = BTreeMap::new();
            let found = self.found(place);
            let runs: Vec<&Found> = found.iter().flatten().flatten().flatten().copied().collect();
            for (fate, it) in runs.iter().flat_map(|it| &it.fates) {
                let sum = all.entry(fate).or_default();
                sum.count += it.count;
                sum.accuracy += it.accuracy;
                sum.tokens += it.tokens;
            }
            for (fate, sum) in all {
                let count = sum.count as f64;
                let figures = [count / runs.len() as f64, sum.accuracy / count, sum.tokens / count];
                let [each, accuracy, tokens] = figures;
                let cells = [format!("{each:.1}"), share(accuracy), format!("{tokens:.0}")];
                rows.push(
                    [vec![contestant.name.clone(), fate.to_owned()], cells.to_vec()].concat(),
                );
            }
        }
        Table {
            title: format!("What became of proposals, {}", self.budget),
            head: ["recipe", "fate", "per run", "unseen", "tokens"].map(str::to_owned).into(),
            rows,
            notes: vec!["Means over all proposals of all runs.".to_owned()],
        }
    }

    /// Accuracy on unseen rows by file.
    fn files(&self) -> Table {
        let mut head = vec!["recipe".to_owned()];
        head.extend(self.subjects.iter().map(|subject| subject.world.name.clone()));
        let mut rows = Vec::new();
        for (place, contestant) in self.contestants.iter().enumerate() {
            let mut row = vec![contestant.name.clone()];
            let found = self.found(place);
            let cells = found.iter().flatten();
            row.extend(cells.map(|file| share(mean(file.iter().flatten().map(|it| it.unseen)))));
            row.resize(head.len(), "–".to_owned());
            rows.push(row);
        }
        let title = format!("Accuracy on unseen rows by file, {}", self.budget);
        Table { title, head, rows, notes: Vec::new() }
    }
}

/// What no table says.
fn notes(
    options: &Options,
    contestants: &[Contestant],
    subjects: &[Subject],
    runs: &[Run],
) -> Table {
    let mut notes = vec![
        format!("{}.", options.prices_in_words()),
        "The winner is measured on the unseen rows, which its run does not have; nothing is \
         confirmed in the runs."
            .to_owned(),
        "`of it train`: answers to rows of train: evidence, and the gates of recipes that have \
         theirs there. `own/other/same`: replies that were the parent's own child, another prompt's, \
         the parent itself. `planned`: the fewest and the most proposals that `plan` promises."
            .to_owned(),
    ];
    for subject in subjects.iter().filter(|subject| !subject.world.has_texts) {
        let name = &subject.world.name;
        notes.push(format!("{name}: the texts of its rows are not recorded, and count 15 tokens."));
    }
    for (place, contestant) in contestants.iter().enumerate() {
        let name = &contestant.name;
        if !contestant.switched_off.is_empty() {
            notes.push(format!("{name}: without {}.", contestant.switched_off.join(", ")));
        }
        let mut found =
            runs.iter().filter(|run| run.contestant == place).filter_map(|run| match &run.end {
                End::Found(found) => Some(found),
                End::Refused(_) | End::Error(_) => None,
            });
        if found.clone().count() > 0 && found.all(|it| it.mutator_calls == 0) {
            notes.push(format!("{name}: never asked the mutator, and so found nothing."));
        }
        let mut errors: BTreeMap<String, usize> = BTreeMap::new();
        for run in runs.iter().filter(|run| run.contestant == place) {
            match &run.end {
                End::Found(_) => {}
                End::Refused(_) => {
                    let message = "asks what has no recorded reply".to_owned();
                    *errors.entry(message).or_default() += 1;
                }
                End::Error(message) => *errors.entry(message.clone()).or_default() += 1,
            }
        }
        for (message, count) in errors {
            notes.push(format!("{name}: {count} × {message}"));
        }
    }
    Table { title: "Notes".to_owned(), head: Vec::new(), rows: Vec::new(), notes }
}

/// The mean over files of the mean over their runs.
fn over(found: &[Vec<Vec<&Found>>], value: impl Fn(&Found) -> f64) -> f64 {
    mean(found.iter().map(|file| mean(file.iter().flatten().map(|it| value(it)))))
}

/// Differences in accuracy by file, split and seed.
fn paired(one: &[Vec<Vec<&Found>>], other: &[Vec<Vec<&Found>>]) -> Vec<Vec<Vec<f64>>> {
    let of_split = |(one, other): (&Vec<&Found>, &Vec<&Found>)| {
        one.iter().zip(other).map(|(one, other)| one.unseen - other.unseen).collect()
    };
    let of_file = |(one, other): (&Vec<Vec<&Found>>, &Vec<Vec<&Found>>)| {
        one.iter().zip(other).map(of_split).collect()
    };
    one.iter().zip(other).map(of_file).collect()
}

fn share(value: f64) -> String {
    format!("{value:.3}")
}

/// In points.
fn points(estimate: Estimate) -> String {
    let [mean, low, high] = [estimate.mean, estimate.low, estimate.high].map(|it| it * 100.0);
    format!("{mean:+.1} ({low:+.1} to {high:+.1})")
}
