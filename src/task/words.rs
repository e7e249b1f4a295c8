//! Splits texts into words, in scripts with and without spaces between words.
//!
//! It is used for whole-word matching and for near-duplicates; it is not a model's tokenizer.

/// Whether a character belongs to a script without spaces between words, in which any letter may
/// end a word.
#[must_use]
pub fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}'      // Thai, Lao
        | '\u{1000}'..='\u{109F}'    // Myanmar
        | '\u{1780}'..='\u{17FF}'    // Khmer
        | '\u{3005}'..='\u{3007}'    // Han iteration mark and zero
        | '\u{3040}'..='\u{30FF}'    // kana
        | '\u{3400}'..='\u{4DBF}'    // Han
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}')
}

/// The lower-case words of a text; in scripts without spaces every letter counts as a word.
pub fn words(text: &str, mut each: impl FnMut(&str)) {
    let mut word = String::new();
    for c in text.chars() {
        if is_unspaced(c) || !c.is_alphanumeric() {
            if !word.is_empty() {
                each(&word);
                word.clear();
            }
            if is_unspaced(c) {
                each(c.encode_utf8(&mut [0; 4]));
            }
        } else {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        each(&word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_in_scripts_with_and_without_spaces() {
        let mut found = Vec::new();
        words("It's 账单 NOW", |word| found.push(word.to_owned()));
        assert_eq!(found, ["it", "s", "账", "单", "now"]);
    }
}
