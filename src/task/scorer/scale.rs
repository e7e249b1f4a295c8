//! Words and letters that multiply a number: `1.2 million`, `$3bn`, `5k`, `3万`.
//!
//! A letter counts only where it can hardly be a unit: `5m` is five metres, and `5 K` is a temperature.

use super::exact::Exact;
use super::spelling::THIN_SPACE;

/// Words, in lower case, and the power of ten that they stand for.
const WORDS: &[(&str, i32)] = &[
    ("hundred", 2),
    ("thousand", 3),
    ("tausend", 3),
    ("mille", 3),
    ("lakh", 5),
    ("lakhs", 5),
    ("million", 6),
    ("millions", 6),
    ("millionen", 6),
    ("millones", 6),
    ("mio", 6),
    ("mln", 6),
    ("mn", 6),
    ("crore", 7),
    ("crores", 7),
    ("billion", 9),
    ("billions", 9),
    ("milliarde", 9),
    ("milliarden", 9),
    ("milliard", 9),
    ("milliards", 9),
    ("mrd", 9),
    ("bn", 9),
    ("bln", 9),
    ("trillion", 12),
    ("trillions", 12),
    ("tn", 12),
];

/// The most letters of a word.
const LONGEST: usize = 10;

/// Signs after the number: those of Chinese and Japanese, of which several multiply (`百万`), and per mille.
const SIGNS: &[(char, i32)] =
    &[('百', 2), ('千', 3), ('万', 4), ('萬', 4), ('亿', 8), ('億', 8), ('兆', 12), ('‰', -3)];

/// What makes a unit or a word of 百, 千 or 兆 before it: grams, metres, watts, hertz, bytes, bits, joules,
/// calories, per cent, pascals and volts.
const UNITS: &[char] = &['克', '米', '瓦', '赫', '字', '比', '焦', '卡', '分', '帕', '伏'];

/// The factor at the beginning of a text, and its length.
pub(super) fn factor(after: &str, has_currency: bool) -> Option<(Exact, usize)> {
    let (power, length) = power_of_ten(after, has_currency)?;
    Some((Exact::parse(&format!("1e{power}"))?, length))
}

fn power_of_ten(after: &str, has_currency: bool) -> Option<(i32, usize)> {
    let rest = after.strip_prefix([' ', THIN_SPACE]).unwrap_or(after);
    let sign_of = |c: char| SIGNS.iter().find(|(sign, _)| *sign == c).map(|(_, power)| *power);
    let powers: Vec<i32> = rest.chars().take(3).map_while(sign_of).collect();
    // `5千克` is five kilograms, `5千人` five thousand people, and `5万米` fifty thousand metres.
    let behind = rest.chars().nth(1).filter(|_| rest.starts_with(['百', '千', '兆']));
    let is_unit = behind.is_some_and(|c| UNITS.contains(&c));
    if !powers.is_empty() && !is_unit {
        let length: usize = rest.chars().take(powers.len()).map(char::len_utf8).sum();
        return Some((powers.iter().sum(), after.len() - rest.len() + length));
    }
    let rest = after.strip_prefix([' ', THIN_SPACE, '-']).unwrap_or(after);
    // No word is longer; a run of letters and digits may be.
    let letters = rest.char_indices().take(LONGEST + 1);
    let end = letters.take_while(|(_, c)| c.is_alphanumeric()).map(|(at, c)| at + c.len_utf8());
    let end = end.last().unwrap_or(0);
    let word = &rest[..end];
    let length = after.len() - rest.len() + end;
    if word.len() > 1 {
        let word = word.to_lowercase();
        match word.as_str() {
            "mm" if has_currency => return Some((6, length)),
            "cr" if has_currency => return Some((7, length)),
            _ => {}
        }
        return WORDS.iter().find(|(name, _)| *name == word).map(|(_, power)| (*power, length));
    }
    // A letter touches its number, unless it follows an amount of money.
    let power = match word {
        "k" | "K" if rest.len() == after.len() || has_currency => 3,
        "M" if rest.len() == after.len() || has_currency => 6,
        "m" if has_currency => 6,
        "b" | "B" if has_currency => 9,
        "t" | "T" if has_currency => 12,
        _ => return None,
    };
    // `5 M/s` and `5k%` are no multiples.
    (!rest[end..].starts_with(['/', '^', '%'])).then_some((power, length))
}
