//! Laws that hold for all bytes from outside, one per reader.
//!
//! `fuzz/` tries them with bytes that a fuzzer makes, and the tests with the corpus that is kept there.
//! No part of the program: it is compiled for tests and for the fuzzer only. A law says more than "it
//! does not panic" wherever a reader promises more.

// A file uses only files declared above it.
mod scratch; // A file for readers that read files.
mod rows; // CSV, TSV, JSON Lines and JSON.
mod imports; // Files of other programs.
mod scores; // Numbers, labels and JSON in answers.
mod templates; // Searched and frozen parts.
mod settings; // Tasks and recipes.
mod events; // A run's journal.
mod replies; // Providers' bodies and mutators' replies.

/// A law: it panics on bytes that break it.
pub type Law = fn(&[u8]);

/// All laws by the name of their fuzz target.
pub const LAWS: &[(&str, Law)] = &[
    ("csv", rows::csv),
    ("tsv", rows::tsv),
    ("json_lines", rows::json_lines),
    ("json", rows::json),
    ("import", imports::import),
    ("number", scores::number),
    ("label", scores::label),
    ("json_fields", scores::json_fields),
    ("template", templates::template),
    ("task", settings::task),
    ("recipe", settings::recipe),
    ("journal", events::journal),
    ("event", events::event),
    ("provider", replies::provider),
    ("mutator", replies::mutator),
];

/// Checks one law.
///
/// # Panics
/// The bytes break it, or there is no law of this name.
pub fn check(name: &str, bytes: &[u8]) {
    let law = LAWS.iter().find(|(known, _)| *known == name);
    law.unwrap_or_else(|| panic!("there is no law `{name}`")).1(bytes);
}

/// The text of the bytes up to the first line break, and the text after it.
fn two_texts(bytes: &[u8]) -> Option<(&str, &str)> {
    let text = str::from_utf8(bytes).ok()?;
    Some(text.split_once('\n').unwrap_or((text, "")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_law_holds_for_its_corpus() {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        for (name, law) in LAWS {
            let folder = fuzz.join("corpus").join(name);
            let files =
                fs::read_dir(&folder).unwrap_or_else(|_| panic!("{} is missing", folder.display()));
            let mut count = 0;
            for file in files {
                law(&fs::read(file.unwrap().path()).unwrap());
                count += 1;
            }
            assert!(count >= 5, "{name} has a corpus of {count}");
            assert!(fuzz.join(format!("fuzz_targets/{name}.rs")).is_file(), "{name} has no target");
        }
    }
}
