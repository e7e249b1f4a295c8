//! Formats values for people: plurals, durations, shortened texts, suggestions for mistyped names.
//!
//! It does not depend on a terminal, its colours or its width.

use serde_json::Value;
use std::io::{self, ErrorKind};
use std::time::Duration;

mod wrap;

pub use wrap::{columns_of, cut, fitted, lines, wrapped};

/// `1 row`, `2 rows`, `0 rows`.
#[must_use]
pub fn plural(count: usize, noun: &str) -> String {
    let s = match noun {
        _ if count == 1 => "",
        noun if noun.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{} {noun}{s}", thousands(count as u64))
}

/// The text with a capital first letter.
#[must_use]
pub fn sentence_case(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// Groups digits by threes: `12345` becomes `12,345`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A duration, rounded for reading: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        // One decimal would show them as nothing.
        0 if (1..50).contains(&duration.as_millis()) => format!("{} ms", duration.as_millis()),
        0..=9 => format!("{:.1} s", duration.as_secs_f64()),
        10..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Reads `90s`, `30m`, `8h`, `1d` or a sum such as `1h30m`.
///
/// # Errors
/// A message that lists the accepted forms.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let complaint = || format!("`{text}` is not a duration: write `90s`, `30m`, `8h` or `1h30m`");
    let mut total = 0.0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(complaint());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(complaint)?;
        let number: f64 = rest[..digits].parse().map_err(|_| complaint())?;
        let after = &rest[digits..];
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let seconds = match after[..unit_end].trim() {
            "ms" => 0.001,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return Err(complaint()),
        };
        total += number * seconds;
        rest = &after[unit_end..];
    }
    Duration::try_from_secs_f64(total).map_err(|_| complaint())
}

/// A text on one line, cut to `limit` characters with an ellipsis.
#[must_use]
pub fn shorten(text: &str, limit: usize) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= limit {
        return flat;
    }
    let kept: String = flat.chars().take(limit.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Keeps the head and the tail of a text longer than `limit` bytes, and states the number of bytes
/// left out.
#[must_use]
pub fn head_and_tail(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let head = floor_boundary(text, limit * 2 / 3);
    let tail = ceil_boundary(text, text.len() - (limit - limit * 2 / 3));
    format!("{}\n[… {} bytes left out …]\n{}", &text[..head], tail - head, &text[tail..])
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// The known name most similar to a mistyped one, if it is similar enough.
#[must_use]
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(&typed, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// The hint for an unknown name: `did you mean `x`?` or the list of known names.
#[must_use]
pub fn suggestion(typed: &str, known: &[&str]) -> String {
    match did_you_mean(typed, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known: {}", known.join(", ")),
    }
}

/// A name, or, where it is taken, the first free one with a number: `answer_2`.
pub(crate) fn free_name(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|it| !it.is_empty() && !is_taken(it)).unwrap_or_default()
}

/// A text of a server or a model as one line for people: without the escape sequences of terminals and
/// without characters of no width, and with blanks for control characters.
#[must_use]
pub fn one_line(text: &str) -> String {
    let has_width =
        |c: &char| !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        out.extend(before.chars().filter(has_width).map(plain));
        // Control Sequence Introducer (ECMA-48, section 5.4): it ends with one of `@` to `~`.
        rest = match after.strip_prefix('[') {
            Some(sequence) => {
                let end = sequence.find(|c: char| matches!(c, '@'..='~'));
                end.map_or("", |end| &sequence[end + 1..])
            }
            None => after,
        };
    }
    out.extend(rest.chars().filter(has_width).map(plain));
    out
}

/// Whether the cause of an error is that nothing more fits onto the disk: no mistake of what was asked for.
#[must_use]
pub fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// What an error of the operating system means, without its number: a lower-case sentence without a full
/// stop.
#[must_use]
pub fn cause(error: &io::Error) -> String {
    let known = match error.kind() {
        ErrorKind::NotFound => "it does not exist",
        ErrorKind::PermissionDenied => "permission is denied",
        ErrorKind::StorageFull => "the disk is full; free some space and try again",
        ErrorKind::QuotaExceeded => {
            "your quota of disk space is used up; free some space and try again"
        }
        ErrorKind::ReadOnlyFilesystem => "the disk is read-only",
        ErrorKind::IsADirectory => "it is a folder",
        ErrorKind::NotADirectory => "a part of its path is a file, not a folder",
        ErrorKind::AddrInUse => "another program uses it",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let words = error.to_string();
    let words = words.split(" (os error").next().unwrap_or_default();
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

/// A share as a percentage with one decimal: `0.5123` becomes `51.2 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A difference of shares in percentage points with its sign: `+12.3 pp`.
#[must_use]
pub fn points(difference: f64) -> String {
    format!("{:+.1} pp", difference * 100.0)
}

/// Reads a limit on time: a duration above zero.
///
/// # Errors
/// As for [`parse_duration`]; or it is zero.
pub fn parse_time_limit(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err(format!("`{text}` must be longer than 0")),
        limit => Ok(limit),
    }
}

/// A value as TOML writes it on one line.
pub(crate) fn toml_of(value: &Value) -> String {
    match value {
        Value::Null => "not set".to_owned(),
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(toml_of).collect::<Vec<_>>().join(", "))
        }
        Value::Object(keys) => {
            let keys = keys.iter().filter(|(_, value)| !value.is_null());
            let keys: Vec<String> =
                keys.map(|(name, value)| format!("{name} = {}", toml_of(value))).collect();
            if keys.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", keys.join(", ")) }
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod page {
    /// Checks that a page of `docs` holds a reference between its two marks; with `UPDATE` set, it writes it there.
    pub(crate) fn assert_page_holds(page: &str, reference: &str) {
        const BEGIN: &str = "<!-- reference: written by `UPDATE=1 cargo test reference` -->\n";
        const END: &str = "<!-- end of the reference -->\n";
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        let text = std::fs::read_to_string(&file).unwrap();
        let (before, rest) = text.split_once(BEGIN).unwrap();
        let (held, after) = rest.split_once(END).unwrap();
        let declared = format!("\n{reference}\n");
        if held == declared {
            return;
        }
        if std::env::var_os("UPDATE").is_some() {
            return std::fs::write(&file, format!("{before}{BEGIN}{declared}{END}{after}"))
                .unwrap();
        }
        let differs = held.lines().zip(declared.lines()).find(|(held, declared)| held != declared);
        panic!("{page} has drifted; run `UPDATE=1 cargo test reference`: {differs:?}");
    }
}

#[cfg(test)]
pub(crate) use page::assert_page_holds;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_has_no_sequence_and_no_mark() {
        assert_eq!(one_line("sk-\u{1b}[0mAB\u{200b}C\u{1b}]D\r\nE"), "sk-ABC]D  E");
        assert_eq!(one_line("cut \u{1b}[1;2"), "cut ");
    }

    #[test]
    fn the_cause_of_an_error_has_no_number() {
        let full: io::Error = ErrorKind::StorageFull.into();
        assert_eq!(cause(&full), "the disk is full; free some space and try again");
        let other = io::Error::from_raw_os_error(71);
        assert_eq!(cause(&other), "protocol error");
    }

    #[test]
    fn durations_are_read_and_shown() {
        assert_eq!(parse_duration("1h30m").unwrap(), Duration::from_secs(5_400));
        assert_eq!(parse_duration("250ms").unwrap(), Duration::from_millis(250));
        assert!(parse_duration("8").unwrap_err().contains("8h"));
        assert!(parse_duration("8 parsecs").is_err());
        assert_eq!(parse_time_limit("8h"), parse_duration("8h"));
        assert!(parse_time_limit("0s").unwrap_err().contains("longer than 0"));
        assert_eq!(duration(Duration::from_secs(185)), "3 min 05 s");
        let shown = [0, 1, 49, 50, 1_500].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(shown, ["0.0 s", "1 ms", "49 ms", "0.1 s", "1.5 s"]);
        assert_eq!(duration(Duration::from_secs(7_860)), "2 h 11 min");
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(plural(1, "row"), "1 row");
        assert_eq!(plural(1_000, "row"), "1,000 rows");
    }

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(did_you_mean("colums", ["columns", "file"]), Some("columns"));
        assert_eq!(did_you_mean("zzz", ["columns", "file"]), None);
    }

    #[test]
    fn cutting_never_splits_a_character() {
        let text = "ä".repeat(100);
        for limit in 1..199 {
            assert!(head_and_tail(&text, limit).contains("left out"));
        }
        assert_eq!(shorten("a  b\nc", 10), "a b c");
        assert_eq!(shorten("abcdefgh", 4), "abc…");
    }
}
