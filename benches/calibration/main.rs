//! How often claims are right, and intervals hold the truth, by simulation.
//!
//! `cargo bench --bench calibration -- [--draws 4000] [--out docs] [--only sequential|graded]`
//!
//! Rows are drawn from a known truth, and go through the functions that a run's own verdict is made with:
//! `engine::Confirmed` for claims, `stats` for intervals. The shares of draws are printed as tables, and `--out` writes
//! the curves as `calibration.svg` and `looks.svg`. A simulation of rows: it says nothing of models, nor of searches, which
//! `cargo bench --bench recorded -- confirm` is for.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its figures")]

#[path = "../command/mod.rs"]
mod command;
#[expect(dead_code, reason = "another bench writes pages")]
#[path = "../text_table/mod.rs"]
mod text_table;
mod claims;
mod coverage;
mod graded;
mod looks;
mod online;
mod plot;
mod sequential;
mod weighted;

use promptsearch::seed::Seed;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

fn main() {
    command::run(bench);
}

fn bench(arguments: &[String]) -> Result<(), String> {
    let (mut draws, mut out, mut only) = (4_000_u32, None, None);
    let mut arguments = arguments.iter().filter(|argument| *argument != "--bench");
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("`{flag}` needs a value"))?;
        match flag.as_str() {
            "--draws" => draws = value.parse().map_err(|_| format!("`{value}` is no number"))?,
            "--out" => out = Some(PathBuf::from(value)),
            "--only" if ["sequential", "graded"].contains(&value.as_str()) => only = Some(value),
            "--only" => {
                return Err(format!("there is no `{value}`; there are sequential and graded"));
            }
            _ => return Err(format!("there is no `{flag}`; there are --draws, --out and --only")),
        }
    }
    let out = out.as_deref();
    match only.map(String::as_str) {
        None => {}
        Some("graded") => {
            println!("{}", graded::table(draws).as_text());
            return Ok(());
        }
        Some(_) => return repeated_looks(draws, out),
    }
    let curves = claims::curves(draws);
    for table in [
        claims::table(&curves, draws),
        coverage::table(draws),
        weighted::table(draws),
        // Ten thousand resamples for each draw.
        graded::table(draws / 10),
    ] {
        println!("{}", table.as_text());
    }
    let drawn = plot::drawing(&curves).map_err(|error| error.to_string())?;
    write(out, "calibration.svg", &drawn)?;
    repeated_looks(draws, out)
}

/// What is looked at again and again: prompts on rows, and arms of an online test.
fn repeated_looks(draws: u32, out: Option<&Path>) -> Result<(), String> {
    let worlds = sequential::worlds(draws);
    println!("{}", sequential::table(&worlds, draws).as_text());
    let online = online::points(draws);
    println!("{}", online::table(&online, draws).as_text());
    let of_units: Vec<looks::Power> = online.into_iter().map(|it| it.power).collect();
    let of_rows = sequential::powers(&worlds);
    let panels = [
        ("Prompts on rows, a look at each", &of_rows[..]),
        ("Arms of an online test, a look at each unit", &of_units),
    ];
    let drawn = looks::drawing(panels).map_err(|error| error.to_string())?;
    write(out, "looks.svg", &drawn)
}

/// Writes a plot, where a folder for plots is named.
fn write(out: Option<&Path>, name: &str, drawn: &str) -> Result<(), String> {
    let Some(out) = out else { return Ok(()) };
    let file = out.join(name);
    std::fs::write(&file, drawn).map_err(|error| format!("{}: {error}", file.display()))?;
    println!("written to {}", file.display());
    Ok(())
}

/// The share of draws in which something is so, each with a seed of its own.
fn share(draws: u32, seed: Seed, is_so: impl Fn(Seed) -> bool + Sync) -> f64 {
    mean(draws, seed, |seed| u32::from(is_so(seed)))
}

/// The mean of a count over draws.
fn mean(draws: u32, seed: Seed, count: impl Fn(Seed) -> u32 + Sync) -> f64 {
    let one = |draw: u32| count(seed.child("draw", u64::from(draw)));
    f64::from((0..draws).into_par_iter().map(one).sum::<u32>()) / f64::from(draws)
}

fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}
