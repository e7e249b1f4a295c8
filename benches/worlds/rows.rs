//! Rows as text: a sentence that shows a rule's case, amid what people write around it.

use super::domain::{Answers, Domain, Rule};
use promptsearch::seed::Seed;
use promptsearch::sim::draw;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Rows of a task.
const ROWS: usize = 500;
/// Attempts at a text that no other row has.
const ATTEMPTS: u64 = 40;

const NAMES: &[&str] = &[
    "Anja", "Bela", "Carlo", "Dorte", "Elif", "Franka", "Goran", "Hanne", "Ilse", "Jorun", "Kaito",
    "Lucia", "Marek", "Nadia", "Oskar", "Petra", "Quirin", "Rosa", "Selim", "Tilda", "Ugo", "Vera",
];
const DAYS: &[&str] =
    &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: &[&str] = &[
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const NUMBERS: &[&str] = &["2", "3", "4", "5", "6", "7", "8", "9"];

/// One row.
pub(crate) struct Row {
    pub(crate) input: String,
    pub(crate) answer: Value,
    /// The place of the rule that decides it.
    pub(crate) rule: usize,
}

/// All rows of a task. Texts are all different.
pub(crate) fn of(domain: &Domain, seed: Seed) -> Vec<Row> {
    // Some cases are more common than others.
    let weights: Vec<f64> =
        (0..domain.rules.len()).map(|place| 1.0 + (place % 3) as f64 / 4.0).collect();
    let mut seen = BTreeSet::new();
    (0..ROWS as u64)
        .filter_map(|number| {
            let seed = seed.child("row", number);
            let place = draw::weighted(seed.child("rule", 0), &weights);
            let rule = domain.rules.get(place)?;
            (0..ATTEMPTS)
                .map(|attempt| row(domain, place, rule, seed.child("text", attempt)))
                .find(|row| seen.insert(row.input.clone()))
        })
        .collect()
}

fn row(domain: &Domain, place: usize, rule: &Rule, seed: Seed) -> Row {
    let case = chosen(&rule.cases, seed.child("case", 0));
    let (case, answer) = match (&rule.sum, &domain.answers) {
        (Some(sum), _) => {
            let between = |name, (least, most): (u32, u32)| {
                least + draw::below(seed.child(name, 0), (most - least + 1) as usize) as u32
            };
            let (a, b) = (between("a", sum.a), between("b", sum.b));
            let result = ((sum.of)(f64::from(a), f64::from(b)) * 100.0).round() / 100.0;
            let case = case.replace("{a}", &a.to_string()).replace("{b}", &b.to_string());
            let answer = if result.fract() == 0.0 { json!(result as i64) } else { json!(result) };
            (case, answer)
        }
        (None, Answers::Object { named, decided, says }) => {
            let letter = char::from(b'A' + draw::below(seed.child("letter", 0), 20) as u8);
            let code = format!("{letter}-{}", 100 + draw::below(seed.child("code", 0), 900));
            let person = chosen(NAMES, seed.child("person", 0));
            let count = 4 + draw::below(seed.child("count", 0), 35);
            let said = says
                .replace("{code}", &code)
                .replace("{person}", person)
                .replace("{count}", &count.to_string());
            let [first, second, third] = *named;
            let answer = json!({first: code, second: person, third: count, *decided: rule.to});
            (format!("{said} {case}"), answer)
        }
        (None, _) => (case.to_owned(), json!(rule.to)),
    };
    let opening = chosen(domain.openings, seed.child("opening", 0));
    let aside = chosen(domain.asides, seed.child("aside", 0));
    let closing = chosen(domain.closings, seed.child("closing", 0));
    let sentences: &[&str] = match draw::below(seed.child("shape", 0), 6) {
        0 => &[opening, &case, closing],
        1 => &[opening, aside, &case, closing],
        2 => &[opening, &case, aside, closing],
        3 => &[&case, aside, closing],
        4 => &[opening, aside, &case],
        _ => &[aside, &case, closing],
    };
    let text: Vec<&str> = sentences.iter().copied().filter(|it| !it.is_empty()).collect();
    let input = filled(&text.join(" "), domain, seed.child("slots", 0));
    Row { input, answer, rule: place }
}

fn chosen<'a>(list: &[&'a str], seed: Seed) -> &'a str {
    list.get(draw::below(seed, list.len())).copied().unwrap_or_default()
}

/// Every placeholder by a draw of its own.
fn filled(text: &str, domain: &Domain, seed: Seed) -> String {
    let mut filled = String::new();
    let mut rest = text;
    let mut number = 0;
    while let Some((before, after)) = rest.split_once('{') {
        let (slot, after) = after.split_once('}').unwrap_or((after, ""));
        let own = domain.slots.iter().find(|(name, _)| *name == slot).map(|(_, values)| *values);
        let values = match slot {
            "name" => NAMES,
            "day" => DAYS,
            "month" => MONTHS,
            "n" => NUMBERS,
            _ => own.unwrap_or_default(),
        };
        filled.push_str(before);
        filled.push_str(chosen(values, seed.child(slot, number)));
        number += 1;
        rest = after;
    }
    filled.push_str(rest);
    filled
}
