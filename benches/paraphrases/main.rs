//! Real prompts with measured accuracies as arms: the regret of each strategy, and how well a
//! regression on texts predicts unseen prompts.
//!
//! `cargo bench --bench paraphrases -- [--data DIR] [--part regret|surrogates|all]
//! [--pulls 1,2,5,10,20] [--seeds 5] [--first 1] [--strategies NAME,…|ablations] [--tasks NAME,…]
//! [--models 16] [--arms 30] [--out DIR]`
//!
//! The folder is given by `--data`, else by `PARAPHRASES_DATA`; the default is
//! `../shared/data/paraphrases`. Its README describes the data. It is not part of this project;
//! without it the bench does nothing.
//!
//! Prompts and their accuracies are real; single answers are not part of the data and are *drawn*:
//! an answer is right with the probability that was measured for its prompt. All rows are therefore
//! exchangeable, and pairing rows has no effect here. Strategies are the recipes themselves, driven
//! in process.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its figures")]

#[path = "../command/mod.rs"]
mod command;
mod contestants;
mod data;
mod options;
mod play;
mod regret;
mod surrogates;
mod table;

use options::{Options, Part};

fn main() {
    command::run(bench);
}

fn bench(arguments: &[String]) -> Result<(), String> {
    let options = Options::parse(arguments)?;
    if !options.data.is_dir() {
        println!("skipped: the folder {} does not exist (see --data)", options.data.display());
        return Ok(());
    }
    let tasks = data::read(&options)?;
    let begun = std::time::Instant::now();
    let mut page = String::new();
    let mut json = serde_json::Map::new();
    if options.part != Part::Surrogates {
        let contestants = contestants::chosen(&options.strategies)?;
        let results = regret::all(&options, &tasks, &contestants)?;
        for table in regret::tables(&options, &contestants, &results) {
            page.push_str(&table.as_markdown());
        }
        json.insert("regret".to_owned(), regret::as_json(&results));
    }
    if options.part != Part::Regret {
        let results = surrogates::all(&tasks);
        page.push_str(&surrogates::table(&tasks, &results).as_markdown());
        json.insert("surrogates".to_owned(), surrogates::as_json(&results));
    }
    println!("{page}");
    println!("{:.0} s", begun.elapsed().as_secs_f64());
    if let Some(out) = &options.out {
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(out)?;
            std::fs::write(out.join("paraphrases.md"), &page)?;
            let text = serde_json::to_string_pretty(&serde_json::Value::Object(json.clone()))?;
            std::fs::write(out.join("paraphrases.json"), text + "\n")
        };
        write().map_err(|error| format!("{}: {error}", out.display()))?;
        println!("written to {}", out.display());
    }
    Ok(())
}
