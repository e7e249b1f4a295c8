//! Names for a group of failing rows: the word that most of them have and the other rows have not.

use crate::prompt::Message;
use std::collections::{BTreeMap, BTreeSet};

/// The fewest letters of a word.
const SHORTEST: usize = 4;

/// The reply to a request for a name; `None`: it asks for something else.
pub(super) fn write(messages: &[Message]) -> Option<String> {
    let request = &messages.last()?.content;
    let code = request.strip_prefix("All tags of the data end in the code ")?.get(..16)?;
    let between = |tag: &str| {
        let after = request.split_once(&format!("<{tag}-{code}>\n"))?.1;
        Some(after.split_once(&format!("\n</{tag}-{code}>"))?.0)
    };
    let (opening, closing) = (format!("<name-{code}>"), format!("</name-{code}>"));
    request.trim_end().strip_suffix(&closing)?.trim_end().strip_suffix(&opening)?;
    let (failing, others) = (inputs(between("failing")?), inputs(between("others").unwrap_or("")));
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    for word in failing.iter().flatten() {
        *counts.entry(word).or_default() += 1;
    }
    let elsewhere = |word: &String| others.iter().filter(|row| row.contains(word)).count();
    let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
    let lead = |word: &String, count: usize| {
        share(count, failing.len()) - share(elsewhere(word), others.len())
    };
    let best = counts.into_iter().max_by(|a, b| lead(a.0, a.1).total_cmp(&lead(b.0, b.1)));
    let name = match best {
        Some((word, count)) if lead(word, count) > 0.0 => format!("rows about \"{word}\""),
        _ => "nothing".to_owned(),
    };
    Some(format!("{opening}\n{name}\n{closing}"))
}

/// The words of each row's input.
fn inputs(rows: &str) -> Vec<BTreeSet<String>> {
    let rows = rows.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let words = |text: &str| {
        let words = text.split(|c: char| !c.is_alphabetic()).map(str::to_lowercase);
        words.filter(|word| word.chars().count() >= SHORTEST).collect()
    };
    rows.filter_map(|row| Some(words(row.get("input")?.as_str()?))).collect()
}
