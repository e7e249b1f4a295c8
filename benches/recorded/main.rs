//! Compares recipes on recorded worlds: real prompts, each with a real model's score on every row.
//!
//! `cargo bench --bench recorded -- [--data DIR] [--files all|trec.gpt-4.1-mini,…]
//! [--recipes auto,gepa,random | all] [--reference gepa] [--set evaluate.below=0.3]
//! [--budgets 400,800] [--usd 0.10,0.25,0.60] [--splits 10] [--seeds 3]
//! [--prices 0.40/1.60,2.00/8.00] [--free-evidence] [--out FILE.jsonl]`
//!
//! `cargo bench --bench recorded -- confirm …` takes the same options and shows how often a confirmation
//! of what these searches found is wrong: they have half of the rows.
//!
//! `cargo bench --bench recorded -- labels [--files …]` shows how many rows with a wrong right answer are found.
//!
//! Every run goes through the product's own engine, in process and at a concurrency of 1, since the
//! recorded mutator gives its children in the order of the requests. A file's rows are split by seed:
//! 30 in 100 to train, 40 to dev, and 30 that the run does not have, on which its winner is measured.
//! All recipes meet the same splits, and the same world with the same seed, so differences are paired.
//! `--set` changes the first recipe. `--free-evidence`: answers to rows of train cost no money.
//!
//! The data is looked for in `recorded` of the folder `PROMPTSEARCH_SHARED_DATA`, or of `../shared/data`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its figures")]

#[path = "../command/mod.rs"]
mod command;
mod options;
mod statistics;
mod subjects;
mod runs;
mod table;
mod confirm;
mod labels;
#[expect(dead_code, reason = "another bench writes pages")]
#[path = "../text_table/mod.rs"]
mod text_table;

use options::Options;
use std::io::Write;
use std::time::Instant;

fn main() {
    command::run(bench);
}

fn bench(arguments: &[String]) -> Result<(), String> {
    let options = Options::parse(arguments)?;
    if !options.data.is_dir() {
        println!("skipped: there is no folder {}", options.data.display());
        return Ok(());
    }
    if options.finds_labels {
        println!("{}", labels::table(&subjects::read(&options)?).as_text());
        return Ok(());
    }
    let contestants = runs::contestants(&options)?;
    let subjects = subjects::read(&options)?;
    let begun = Instant::now();
    let runs = runs::all(&options, &contestants, &subjects);
    let seconds = begun.elapsed().as_secs_f64();
    let tables = match options.confirms {
        true => confirm::tables(&options, &contestants, &subjects, &runs),
        false => table::all(&options, &contestants, &subjects, &runs),
    };
    for table in tables {
        println!("{}", table.as_text());
    }
    let count = runs.len();
    println!("{count} runs in {seconds:.1} s, {:.1} per second", count as f64 / seconds);
    if let Some(out) = &options.out {
        write(out, &runs).map_err(|error| format!("{}: {error}", out.display()))?;
        println!("written to {}", out.display());
    }
    Ok(())
}

/// One line for each run.
fn write(out: &std::path::Path, runs: &[runs::Run]) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(out)?);
    for run in runs {
        serde_json::to_writer(&mut file, run)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}
