//! Compares the strategies on simulated models: the true quality of the prompt that each returns,
//! at the same number of calls. True quality comes from the oracle, which no search can query.
//!
//! `cargo bench --bench strategies -- [--worlds tune|held|tasks|all|NAME,…] [--calls 500,2000,6000]
//! [--seeds 5] [--first 1] [--strategies all|auto,gepa,…] [--set evaluate.below=0.3] [--out DIR]`
//!
//! `cargo bench --bench strategies -- --truth` prints the true quality of each world's reference
//! prompts instead.
//!
//! `cargo bench --bench strategies -- width [--widths 1,4,8,16,32] [--slots 16,64] [--latencies 0.3/6]
//! [--sigma 0.5] …` measures the first strategy at several widths in virtual time: what width costs in
//! quality and dollars, and how long a run takes where an answer takes 0.3 s and a proposal 6 s.
//!
//! A run with seed n of any strategy uses the models of seed n (counted from `--first`), so that
//! differences between strategies are paired. `--set` changes the first strategy, to which the
//! others are compared. The figures show how searches behave, not what real models would answer.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its figures")]

#[path = "../command/mod.rs"]
mod command;
mod figures;
mod options;
mod plot;
mod runs;
mod table;
mod timed;
#[path = "../text_table/mod.rs"]
mod text_table;
mod truth;
mod width;
#[expect(dead_code, reason = "tests use the rest")]
#[path = "../worlds/mod.rs"]
mod worlds;

use options::Options;

fn main() {
    command::run(bench);
}

fn bench(arguments: &[String]) -> Result<(), String> {
    if arguments.iter().any(|argument| argument == "--truth") {
        print!("simulated models, true quality in points\n{}", truth::all()?);
        return Ok(());
    }
    let options = Options::parse(arguments)?;
    let contestants = match options.is_width {
        true => width::contestants(&options)?,
        false => runs::contestants(&options)?,
    };
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let subjects = runs::subjects(&options, folder.path())?;
    let begun = std::time::Instant::now();
    let results = runs::all(&options, &contestants, &subjects);
    let seconds = begun.elapsed().as_secs_f64();
    let tables = match options.is_width {
        true => width::tables(&options, &subjects, &results),
        false => table::all(&options, &results),
    };
    for table in &tables {
        println!("{}", table.as_text());
    }
    let count = results.runs.len();
    println!("{count} runs in {seconds:.1} s, {:.2} per second", count as f64 / seconds);
    if let Some(out) = &options.out {
        write(out, &options, &results, &tables).map_err(|error| error.to_string())?;
        println!("written to {}", out.display());
    }
    Ok(())
}

fn write(
    out: &std::path::Path,
    options: &Options,
    results: &runs::Results,
    tables: &[text_table::Table],
) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(out)?;
    let json = serde_json::to_string_pretty(&results)?;
    std::fs::write(out.join("strategies.json"), json + "\n")?;
    let mut page = "# Strategies on simulated models\n\n".to_owned();
    for table in tables {
        page.push_str(&table.as_markdown());
        page.push('\n');
    }
    std::fs::write(out.join("strategies.md"), page)?;
    std::fs::write(out.join("strategies.svg"), plot::quality_against_spend(options, results)?)?;
    Ok(())
}
