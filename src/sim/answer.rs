//! Answers as text: right, wrong in the ways that models are wrong, or of no use by their form.
//!
//! Which of them is given is drawn in `clerk`. Every wrong answer here is wrong for any reasonable
//! scorer, and every malformed one scores nothing, so that the oracle's numbers are exact.

use super::draw;
use super::form::wrong_field_weights;
use super::labels::AnswerForm;
use super::row::Row;
use super::world::World;
use crate::prompt::value_text;
use crate::seed::Seed;
use serde_json::{Map, Value};

/// How often a wrong field is missing altogether.
const MISSING: f64 = 0.25;
/// How often a wrong label is the naive one.
const NAIVE: f64 = 0.8;
/// Bytes of reasoning, from and to: 40 to 150 tokens.
const REASONING: (usize, usize) = (170, 560);

/// The right answer.
pub(super) fn right(row: &Row) -> String {
    value_text(&row.answer).trim().to_owned()
}

/// A wrong answer that looks like a right one.
pub(super) fn wrong(world: &World, row: &Row, seed: Seed) -> String {
    match &world.form {
        AnswerForm::Label(_) => wrong_label(world, row, seed),
        AnswerForm::Number => wrong_number(world, row, seed),
        AnswerForm::Json => wrong_object(world, row, seed),
        AnswerForm::Text => anothers_answer(world, row, seed),
    }
}

fn wrong_label(world: &World, row: &Row, seed: Seed) -> String {
    let right = world.labels.of_answer(&row.answer);
    let naive = world
        .skills
        .all
        .get(row.skill)
        .and_then(|skill| skill.naive)
        .filter(|naive| Some(*naive) != right && draw::unit(seed.child("naive", 0)) < NAIVE);
    let label = naive
        .or_else(|| right.and_then(|right| world.labels.other_than(right, seed.child("label", 0))));
    match label {
        Some(label) => world.labels.name(label).to_owned(),
        None => anothers_answer(world, row, seed),
    }
}

/// Off by a factor, rounded where it should not be, or not rounded where it should.
fn wrong_number(world: &World, row: &Row, seed: Seed) -> String {
    let text = value_text(&row.answer);
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => number_text(off(number, seed)),
        _ => anothers_answer(world, row, seed),
    }
}

/// A number that differs by more than a twentieth and by more than a twentieth of one.
fn off(number: f64, seed: Seed) -> f64 {
    const FACTORS: [f64; 8] = [0.5, 2.0, 1.2, 0.8, 10.0, 0.1, 1.1, 0.9];
    let factor = FACTORS[draw::below(seed.child("factor", 0), FACTORS.len())];
    let moved = (number * factor * 100.0).round() / 100.0;
    let near = |other: f64| (other - number).abs() <= 0.05 * number.abs().max(1.0);
    if near(moved) { number + 1.0 + number.abs().round() } else { moved }
}

fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        format!("{number:.0}")
    } else {
        format!("{number:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

fn wrong_object(world: &World, row: &Row, seed: Seed) -> String {
    let Some(object) = row.answer.as_object().filter(|object| !object.is_empty()) else {
        return anothers_answer(world, row, seed);
    };
    let count = 1 + draw::weighted(seed.child("fields", 0), wrong_field_weights(object.len()));
    let mut order: Vec<usize> = (0..object.len()).collect();
    order.sort_by_key(|place| seed.child("field", *place as u64).0);
    order.truncate(count);
    let mut written = Map::new();
    for (place, (key, value)) in object.iter().enumerate() {
        let seed = seed.child("value", place as u64);
        if !order.contains(&place) {
            written.insert(key.clone(), value.clone());
        } else if value.is_null() || draw::unit(seed.child("missing", 0)) >= MISSING {
            // A missing null may count as a null, so that nulls are always replaced.
            written.insert(key.clone(), wrong_value(world, key, value, seed));
        }
    }
    Value::Object(written).to_string()
}

fn wrong_value(world: &World, key: &str, value: &Value, seed: Seed) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(number) => {
                let moved = off(number, seed);
                let whole = moved.fract() == 0.0 && moved.abs() < 1e15;
                if whole { (moved as i64).into() } else { moved.into() }
            }
            None => Value::Null,
        },
        Value::Bool(flag) => (!flag).into(),
        Value::Array(_) | Value::Object(_) => Value::Null,
        Value::String(_) | Value::Null => anothers_value(world, key, value, seed),
    }
}

/// What another row has in this field, if it is something else.
fn anothers_value(world: &World, key: &str, value: &Value, seed: Seed) -> Value {
    let own = value_text(value).trim().to_lowercase();
    (0..8)
        .map(|attempt| draw::below(seed.child("other", attempt), world.rows.len()))
        .filter_map(|place| world.rows.get(place)?.answer.get(key))
        .find(|other| {
            let text = value_text(other).trim().to_lowercase();
            !text.is_empty() && (own.is_empty() || !(text.contains(&own) || own.contains(&text)))
        })
        .cloned()
        .unwrap_or_else(|| "unknown".into())
}

/// What another row's answer is, if it is something else.
fn anothers_answer(world: &World, row: &Row, seed: Seed) -> String {
    let own = right(row).to_lowercase();
    (0..8)
        .map(|attempt| draw::below(seed.child("other row", attempt), world.rows.len()))
        .filter_map(|place| world.rows.get(place))
        .map(right)
        .find(|other| {
            let other = other.to_lowercase();
            !other.contains(&own) && !own.contains(&other)
        })
        .unwrap_or_else(|| "I am not sure.".to_owned())
}

/// An answer that no scorer can use, though a person may see what is meant.
pub(super) fn malformed(world: &World, row: &Row, seed: Seed) -> String {
    let right = right(row);
    match &world.form {
        AnswerForm::Label(_) => {
            let own = world.labels.of_answer(&row.answer);
            let other = own.and_then(|own| world.labels.other_than(own, seed.child("label", 0)));
            match other {
                Some(other) => format!(
                    "This looks like {right} at first sight, but {} would be possible, too.",
                    world.labels.name(other)
                ),
                None => "I cannot tell.".to_owned(),
            }
        }
        AnswerForm::Number => match right.parse::<f64>() {
            Ok(number) if draw::unit(seed.child("words", 0)) < 0.6 => {
                format!("The result is {}.", in_words(number))
            }
            Ok(number) => format!(
                "That is {right}, though one could also read it as {}",
                number_text(off(number, seed))
            ),
            Err(_) => "It depends on how the question is read.".to_owned(),
        },
        AnswerForm::Json => malformed_object(row, seed),
        AnswerForm::Text => "More context is needed before this can be answered.".to_owned(),
    }
}

/// Prose around it and a comma too many, a lost end, or no object at all.
fn malformed_object(row: &Row, seed: Seed) -> String {
    let text = right(row);
    match draw::below(seed.child("break", 0), 3) {
        0 => {
            let body = text.trim_end_matches('}');
            format!(
                "Here is what the document says:\n\n{body},}}\n\nLet me know if more is needed."
            )
        }
        1 => {
            let half = text.floor_char_boundary(text.len() * 2 / 3);
            format!("Here is the object:\n{}", &text[..half])
        }
        _ => row.answer.as_object().map_or_else(
            || "The document does not say.".to_owned(),
            |object| {
                let lines: Vec<String> = object
                    .iter()
                    .map(|(key, value)| format!("The {key} is {}.", value_text(value)))
                    .collect();
                lines.join(" ")
            },
        ),
    }
}

/// A whole number in English words; fractions are dropped, as people do.
fn in_words(number: f64) -> String {
    const SMALL: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 10] =
        ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    fn words(n: usize) -> String {
        let rest = |n: usize| {
            if n == 0 { String::new() } else { format!(" {}", words(n)) }
        };
        match n {
            0..=19 => SMALL[n].to_owned(),
            20..=99 => {
                let ones = if n.is_multiple_of(10) { "" } else { SMALL[n % 10] };
                let dash = if ones.is_empty() { "" } else { "-" };
                format!("{}{dash}{ones}", TENS[n / 10])
            }
            100..=999 => format!("{} hundred{}", SMALL[n / 100], rest(n % 100)),
            1_000..=999_999 => format!("{} thousand{}", words(n / 1_000), rest(n % 1_000)),
            _ => "more than a million".to_owned(),
        }
    }
    let sign = if number < 0.0 { "minus " } else { "" };
    format!("{sign}{}", words(number.abs().min(1e9) as usize))
}

/// Sentences of reasoning. They hold no digits and no braces, which scorers might take for answers.
const THOUGHTS: &[&str] = &[
    "First, it helps to look at what is really being asked here.",
    "The text mentions several things, and only some of them matter.",
    "Side remarks can be set aside, since they change nothing.",
    "The decisive detail stands near the middle of the text.",
    "Next, the instructions have to be compared with this case.",
    "One of the rules given above seems to apply directly.",
    "Another rule comes close, but its condition is not met.",
    "It would be tempting to take the obvious reading at this point.",
    "Checking that reading against the details shows whether it holds.",
    "The wording is a little unclear, yet the meaning can be worked out.",
    "Putting these parts together leads towards one conclusion.",
    "A second look at the beginning does not change this.",
    "Nothing in the remaining text speaks against it.",
    "So the steps taken so far fit with each other.",
    "It is worth making sure that nothing was overlooked.",
    "With that, the conclusion can be written down.",
];

/// Reasoning of a drawn length, without any word that is a label of this world.
pub(super) fn reasoning(world: &World, seed: Seed) -> String {
    let span = (REASONING.1 - REASONING.0) as f64;
    let length = REASONING.0 + (span * draw::unit(seed.child("length", 0))) as usize;
    let mut order: Vec<usize> = (0..THOUGHTS.len()).collect();
    order.sort_by_key(|place| seed.child("thought", *place as u64).0);
    // The chosen ones stay in their order, or reasoning would begin with its end.
    let mut chosen = Vec::new();
    let mut written = 0;
    for place in order {
        if written >= length {
            break;
        }
        if !world.labels.any_in(THOUGHTS[place]) {
            written += THOUGHTS[place].len() + 1;
            chosen.push(place);
        }
    }
    chosen.sort_unstable();
    let thoughts: Vec<&str> = chosen.into_iter().map(|place| THOUGHTS[place]).collect();
    thoughts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_words_without_a_digit() {
        assert_eq!(in_words(0.0), "zero");
        assert_eq!(in_words(8.3), "eight");
        assert_eq!(in_words(-145.0), "minus one hundred forty-five");
        assert_eq!(in_words(20_017.0), "twenty thousand seventeen");
        assert!(!in_words(f64::MAX).contains(|c: char| c.is_ascii_digit()));
    }

    #[test]
    fn a_wrong_number_is_off_by_more_than_any_tolerance() {
        for (place, number) in [0.0, 0.01, 3.0, -7.5, 8_160.0, 1e12].into_iter().enumerate() {
            for draw in 0..50 {
                let other = off(number, Seed(place as u64).child("off", draw));
                assert!(
                    (other - number).abs() > 0.05 * number.abs().max(1.0),
                    "{number} and {other}"
                );
            }
        }
    }

    #[test]
    fn partial_credit_is_the_share_of_fields_left_right() {
        let score = |json: &str| {
            let answer: Value = serde_json::from_str(json).unwrap();
            super::super::form::expected_score_when_wrong(&AnswerForm::Json, &answer)
        };
        assert!(
            (score(r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}"#) - (1.0 - 2.65 / 6.0)).abs() < 1e-9
        );
        assert!((score(r#"{"a":1}"#)).abs() < 1e-9);
        assert_eq!(score("[1]"), 0.0);
    }
}
