//! What width costs and what it saves: the same recipe at several widths, and by both orders of folding, in virtual
//! time.

use crate::figures::ByWorld;
use crate::options::Options;
use crate::runs::{Contestant, Found, Results, Subject, Timing};
use crate::text_table::Table;
use promptsearch::caps::Caps;
use promptsearch::recipe;
use promptsearch::run::frozen;
use std::path::Path;

/// Slots that never make a request wait.
const UNLIMITED: usize = 1_000_000;

/// A width and an order with each number of slots, the last one unlimited.
///
/// # Errors
/// A recipe that cannot be read, or that has no width.
pub(crate) fn contestants(options: &Options) -> Result<Vec<Contestant>, String> {
    let mut contestants = Vec::new();
    for (width, order) in rows(options) {
        for slots in slots(options) {
            let mut sets = options.sets.clone();
            sets.push(format!("schedule.width={width}"));
            sets.push(format!("schedule.order={order}"));
            let recipe = recipe::load(&options.strategies[0], &sets);
            let recipe = recipe.map_err(|error| error.to_string())?;
            let timing = Some(Timing { latencies: options.widths.latencies, slots });
            let name = format!("width {width}, by {order}");
            contestants.push(Contestant { name, recipe, timing });
        }
    }
    Ok(contestants)
}

/// Each width with each order.
fn rows(options: &Options) -> impl Iterator<Item = (u64, &str)> {
    let widths = options.widths.widths.iter();
    widths.flat_map(|width| options.widths.orders.iter().map(|order| (*width, order.as_str())))
}

fn slots(options: &Options) -> impl Iterator<Item = usize> {
    let limited = options.widths.slots.iter().map(|slots| *slots as usize);
    limited.chain([UNLIMITED])
}

/// One table for each budget.
pub(crate) fn tables(options: &Options, subjects: &[Subject], results: &Results) -> Vec<Table> {
    options.calls.iter().map(|calls| table(options, subjects, results, *calls)).collect()
}

fn table(options: &Options, subjects: &[Subject], results: &Results, calls: u64) -> Table {
    let (slots, columns) = (&options.widths.slots, options.widths.slots.len() + 1);
    let mut head: Vec<String> =
        ["width", "order", "quality", "to the first", "95 % interval", "dollars"]
            .map(str::to_owned)
            .into();
    head.push("calls".to_owned());
    for slots in slots {
        head.extend([format!("{slots} slots: s"), "busy".to_owned(), "to the bound".to_owned()]);
    }
    head.push("chain: s".to_owned());
    let row = |(place, (width, order)): (usize, (u64, &str))| {
        let first = place * columns;
        let mean = |strategy: usize, value: fn(&Found) -> f64| {
            ByWorld::of(results, strategy, calls, value).mean().map_or(f64::NAN, |it| it.mean)
        };
        let ahead = ByWorld::ahead(results, first, 0, calls).mean();
        let points = |value: f64| format!("{:+.1}", value * 100.0);
        let mut row = vec![
            width.to_string(),
            order.to_owned(),
            format!("{:.1}", mean(first, |found| found.quality) * 100.0),
            ahead.map_or("-".to_owned(), |it| points(it.mean)),
            ahead.map_or("-".to_owned(), |it| format!("{} to {}", points(it.low), points(it.high))),
            format!("{:.2}", mean(first, |found| found.usd) / mean(0, |found| found.usd)),
            format!("{:.0}", mean(first, |found| found.calls as f64)),
        ];
        let unlimited = first + columns - 1;
        for (place, slots) in slots.iter().enumerate() {
            let (own, slots) = (first + place, *slots as f64);
            let of = |value: &dyn Fn(&Found, &Found) -> f64| {
                let value = ByWorld::paired(results, own, unlimited, calls, value).mean();
                value.map_or(f64::NAN, |it| it.mean)
            };
            let bound = |own: &Found, chain: &Found| (own.busy / slots).max(chain.wall);
            row.extend([
                format!("{:.0}", of(&|own, _| own.wall)),
                format!("{:.2}", of(&|own, _| own.busy / slots / own.wall)),
                format!("{:.2}", of(&|own, chain| own.wall / bound(own, chain))),
            ]);
        }
        row.push(format!("{:.0}", mean(unlimited, |found| found.wall)));
        row
    };
    let [answers, proposals] = options.widths.latencies.medians;
    let mut notes = vec![
        "to the bound: wall time over the larger of all latencies / slots and the chain, which is the wall \
         time of the same run with unlimited slots"
            .to_owned(),
        format!(
            "latencies of {answers} s for an answer and {proposals} s for a proposal (medians; log-normal, \
             sigma {}), in virtual time",
            options.widths.latencies.sigma
        ),
        match differing(results, columns, calls) {
            0 => "every run ended the same with any number of slots".to_owned(),
            some => format!("{some} runs ended differently with another number of slots"),
        },
    ];
    for slots in slots {
        notes.extend(subjects.first().and_then(|subject| {
            let chosen = chosen(options, subject, calls, *slots as usize)?;
            Some(format!("chosen with {slots} slots: {chosen}"))
        }));
    }
    for run in results.runs.iter().filter(|run| run.budget == calls) {
        if let crate::runs::End::Error(message) = &run.end {
            notes.push(format!("failed: {}: {message}", results.strategies[run.strategy]));
        }
    }
    let rows = rows(options).enumerate().map(row).collect();
    let name = &options.strategies[0];
    let title = format!("Width of {name}, {calls} calls ({})", options.models());
    Table { title, head, rows, notes }
}

/// Runs that ended differently from the same one with the first number of slots.
fn differing(results: &Results, columns: usize, calls: u64) -> usize {
    let end = |found: &Found| (found.quality.to_bits(), found.calls, found.usd.to_bits());
    let strategies = 0..results.strategies.len();
    let others = strategies.filter(|strategy| strategy % columns != 0);
    let of = |strategy: usize| {
        let first = strategy - strategy % columns;
        let differs = |one: &Found, other: &Found| f64::from(u8::from(end(one) != end(other)));
        ByWorld::paired(results, strategy, first, calls, differs).sum() as usize
    };
    others.map(of).sum()
}

/// The width that a run on this world chooses.
fn chosen(options: &Options, subject: &Subject, calls: u64, slots: usize) -> Option<usize> {
    let recipe = recipe::load(&options.strategies[0], &options.sets).ok()?;
    let caps = Caps { calls: Some(calls), ..Caps::default() };
    let recipe = frozen(&recipe, &subject.task, caps, Some(slots), Path::new("run.json")).ok()?;
    recipe.slots.schedule.width()
}
