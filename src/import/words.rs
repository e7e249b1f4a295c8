//! The words of a column's name.

/// The lower-case words of a name: `expectedOutput`, `Expected Output` and `expected_output` are the
/// same.
pub(super) fn words_of(name: &str) -> String {
    let mut words = String::new();
    let mut before = ' ';
    for c in name.chars() {
        if before.is_lowercase() && c.is_uppercase() {
            words.push(' ');
        }
        if c.is_alphanumeric() || c == '#' {
            words.extend(c.to_lowercase());
        } else if !words.ends_with(' ') {
            words.push(' ');
        }
        before = c;
    }
    words.trim().to_owned()
}

/// Names of columns whose values are the names of classes, whatever they look like.
const CLASSES: &[&str] = &[
    "label",
    "labels",
    "class",
    "category",
    "intent",
    "sentiment",
    "kategorie",
    "absicht",
    "catégorie",
    "categoría",
];

/// Whether a name, in words, ends with one that only classes have.
pub(super) fn is_class(name: &str) -> bool {
    CLASSES.contains(&name.rsplit(' ').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_by_their_words() {
        for name in ["expectedOutput", "Expected Output", "expected_output", "Expected-Output "] {
            assert_eq!(words_of(name), "expected output");
        }
        assert_eq!(words_of("Body (HTML)"), "body html");
        assert_eq!(words_of("Größe"), "größe");
    }
}
