//! New rows for a task: mixtures of the rows that the request shows, some of them copied.
//!
//! Each has the right answer of the row that it mostly comes from, which is a claim as a real model's would be.

use super::draw;
use crate::prompt::Message;
use crate::seed::Seed;
use serde_json::{Map, Value};

/// How often a row is a copy of one that was shown.
const COPIES: f64 = 0.1;
/// Words that are taken from one row before the other one goes on.
const RUN: usize = 3;
/// The most rows.
const MOST: usize = 50;

/// The reply to a request for rows; `None`: it asks for something else.
pub(super) fn write(messages: &[Message], seed: Seed) -> Option<String> {
    let request = &messages.last()?.content;
    let code = request.strip_prefix("All tags of the data end in the code ")?.get(..16)?;
    let between = |tag: &str| {
        let after = request.split_once(&format!("<{tag}-{code}>\n"))?.1;
        Some(after.split_once(&format!("\n</{tag}-{code}>"))?.0)
    };
    // It ends the request; what it shows before may be data.
    let (_, asked) = request.rsplit_once("\nWrite ")?;
    let count: usize = asked.split(' ').next()?.parse().ok()?;
    let tests = between("tests")?;
    let shown =
        [between("failing"), between("examples")].into_iter().flatten().flat_map(str::lines);
    let shown: Vec<Map<String, Value>> =
        shown.filter_map(|line| serde_json::from_str(line).ok()).collect();
    let rows = (0..count.min(MOST)).filter_map(|number| {
        let seed = draw::of_text(seed.child("row", number as u64), request);
        let mut row = shown.get(draw::below(seed.child("first", 0), shown.len().max(1)))?.clone();
        let other = shown.get(draw::below(seed.child("second", 0), shown.len()))?;
        if draw::unit(seed.child("copy", 0)) >= COPIES {
            mix(&mut row, other, number);
        }
        row.insert("tests".to_owned(), format!("It is one of {tests}.").into());
        Some(Value::Object(row).to_string())
    });
    let rows: Vec<String> = rows.collect();
    Some(format!("<rows-{code}>\n{}\n</rows-{code}>", rows.join("\n")))
}

/// Mixes the words of another row into the longest text of a row, but for its last key, the right answer.
fn mix(row: &mut Map<String, Value>, other: &Map<String, Value>, number: usize) {
    let inputs = row.len().saturating_sub(1);
    let texts = row.iter().take(inputs).filter_map(|(key, value)| Some((key, value.as_str()?)));
    let Some((key, text)) = texts.max_by_key(|(_, text)| text.len()) else { return };
    let (key, text) = (key.clone(), text.to_owned());
    let theirs = other.get(&key).and_then(Value::as_str).unwrap_or_default();
    let (own, theirs): (Vec<&str>, Vec<&str>) =
        (text.split_whitespace().collect(), theirs.split_whitespace().rev().collect());
    let mut mixed: Vec<String> = vec![format!("Case {}:", number + 1)];
    let (mut own, mut theirs) = (own.chunks(RUN), theirs.chunks(RUN));
    loop {
        let (a, b) = (own.next(), theirs.next());
        if a.is_none() && b.is_none() {
            break;
        }
        mixed.extend(a.into_iter().chain(b).flatten().map(|word| (*word).to_owned()));
    }
    row.insert(key, mixed.join(" ").into());
}
