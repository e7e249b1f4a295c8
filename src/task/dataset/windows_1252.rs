//! Windows-1252, in which older spreadsheets of Western Europe and the Americas save their tables.

/// The characters of the bytes from 0x80 to 0x9F; five of them have none.
const SPECIAL: [Option<char>; 32] = [
    Some('€'),
    None,
    Some('‚'),
    Some('ƒ'),
    Some('„'),
    Some('…'),
    Some('†'),
    Some('‡'),
    Some('ˆ'),
    Some('‰'),
    Some('Š'),
    Some('‹'),
    Some('Œ'),
    None,
    Some('Ž'),
    None,
    None,
    Some('‘'),
    Some('’'),
    Some('“'),
    Some('”'),
    Some('•'),
    Some('–'),
    Some('—'),
    Some('˜'),
    Some('™'),
    Some('š'),
    Some('›'),
    Some('œ'),
    None,
    Some('ž'),
    Some('Ÿ'),
];

/// Whether bytes are likely a text in this encoding: most of its characters are ASCII, unlike in the
/// encodings of other scripts.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let others = bytes.iter().filter(|byte| !byte.is_ascii()).count();
    let is_known = bytes.iter().all(|byte| character(*byte).is_some());
    is_known && others * 3 <= bytes.len()
}

/// The text of bytes.
pub(super) fn decoded(bytes: &[u8]) -> String {
    let known = bytes.iter().map(|byte| character(*byte).unwrap_or(char::REPLACEMENT_CHARACTER));
    known.collect()
}

fn character(byte: u8) -> Option<char> {
    match byte {
        0x80..=0x9F => SPECIAL[usize::from(byte - 0x80)],
        _ => Some(char::from(byte)),
    }
}
