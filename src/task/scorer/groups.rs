//! Digits with separators, such as `1,234.5`, `1.234,5` or `12,34,567`, as one number.
//!
//! Where the digits are a list, such as `1,2,3`, the last one is read. Signs, fractions and exponents
//! are in `numerals`.

use super::exact::Exact;
use super::spelling::THIN_SPACE;

/// Digits with the character before them.
#[derive(Clone, Copy)]
struct Group<'a> {
    separator: char,
    digits: &'a str,
}

pub(super) fn leading_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// The number whose first digit, or the point before it, is at a position; and its end. `None` if it
/// is too large to compare.
pub(super) fn read(text: &str, start: usize) -> (Option<Exact>, usize) {
    if text[start..].starts_with('.') {
        let end = start + 1 + leading_digits(&text[start + 1..]);
        return (Exact::parse(&format!("0{}", &text[start..end])), end);
    }
    let mut groups = Vec::new();
    let (mut end, mut separator) = (start, '\0');
    loop {
        let length = leading_digits(&text[end..]);
        groups.push(Group { separator, digits: &text[end..end + length] });
        end += length;
        let Some(next) = text[end..].chars().next() else { break };
        let after = leading_digits(&text[end + next.len_utf8()..]);
        let continues = match next {
            '.' | ',' | '\'' => after > 0,
            ' ' | THIN_SPACE | '_' => after == 3,
            _ => false,
        };
        if !continues {
            break;
        }
        separator = next;
        end += next.len_utf8();
    }
    (Exact::parse(&interpret(&groups)), end)
}

/// Whether digits are groups of three with this separator, or lakhs with commas.
pub(super) fn is_grouped_by(text: &str, separator: char) -> bool {
    let groups: Vec<Group<'_>> =
        text.split(separator).map(|digits| Group { separator, digits }).collect();
    is_grouped(&groups) || separator == ',' && is_grouped_in_lakhs(&groups)
}

/// The decimal number that groups of digits are.
fn interpret(groups: &[Group<'_>]) -> String {
    let (Some(last), Some((_, whole))) = (groups.last(), groups.split_last()) else {
        return String::new();
    };
    let join = |groups: &[Group<'_>]| groups.iter().map(|group| group.digits).collect::<String>();
    let decimal = |whole: &[Group<'_>]| format!("{}.{}", join(whole), last.digits);
    let separators: Vec<char> = groups[1..].iter().map(|group| group.separator).collect();
    match separators[..] {
        [] => last.digits.to_owned(),
        ['.'] => decimal(whole),
        // A comma before three digits is a thousands separator, unless the digits before it cannot
        // be a group.
        [','] if is_grouped(groups) && !groups[0].digits.starts_with('0') => join(groups),
        [','] => decimal(whole),
        [one, ref rest @ ..] if rest.iter().all(|other| *other == one) => {
            if is_grouped(groups) || is_grouped_in_lakhs(groups) {
                join(groups)
            } else {
                last.digits.to_owned()
            }
        }
        [one, ref between @ .., '.' | ',']
            if between.iter().all(|other| *other == one)
                && one != last.separator
                // `12 345,678` may be two numbers.
                && !(one == ' ' && last.separator == ',' && last.digits.len() == 3)
                && (is_grouped(whole) || is_grouped_in_lakhs(whole)) =>
        {
            decimal(whole)
        }
        _ => end_of_list(groups),
    }
}

/// The last number of groups that are several.
fn end_of_list(groups: &[Group<'_>]) -> String {
    if let Some(space) = groups.iter().rposition(|group| group.separator == ' ') {
        let mut rest = groups[space..].to_vec();
        rest[0].separator = '\0';
        return interpret(&rest);
    }
    match groups {
        [.., before, last] if last.separator == '.' && before.separator != '.' => {
            format!("{}.{}", before.digits, last.digits)
        }
        [.., last] => last.digits.to_owned(),
        [] => String::new(),
    }
}

/// `1,234,567`.
fn is_grouped(groups: &[Group<'_>]) -> bool {
    groups.first().is_some_and(|first| (1..=3).contains(&first.digits.len()))
        && groups[1..].iter().all(|group| group.digits.len() == 3)
}

/// `12,34,567`.
fn is_grouped_in_lakhs(groups: &[Group<'_>]) -> bool {
    match groups {
        [first, between @ .., last] if !between.is_empty() => {
            first.digits.len() <= 2
                && between.iter().all(|group| group.digits.len() == 2)
                && last.digits.len() == 3
        }
        _ => false,
    }
}
