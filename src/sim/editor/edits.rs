//! What the simulated editor changes in a text, as edits of lines.

use similar::{ChangeTag, TextDiff};

/// The first edits that turn one text into another, at most this many: old lines, `=>`, new lines.
pub(super) fn between(before: &str, after: &str, most: usize) -> Vec<String> {
    let (before, after) = (format!("{before}\n"), format!("{after}\n"));
    let diff = TextDiff::from_lines(&before, &after);
    let mut edits: Vec<(String, String)> = Vec::new();
    let mut is_open = false;
    for change in diff.iter_all_changes() {
        let is_change = change.tag() != ChangeTag::Equal;
        if is_change && !is_open {
            edits.push(Default::default());
        }
        is_open = is_change;
        if let Some((old, new)) = edits.last_mut() {
            let line = format!("{}\n", change.value().trim_end());
            match change.tag() {
                ChangeTag::Delete => old.push_str(&line),
                ChangeTag::Insert => new.push_str(&line),
                ChangeTag::Equal => {}
            }
        }
    }
    // Old lines of which none says anything name no place, so that new ones go to the end.
    let said =
        edits.into_iter().filter(|(old, new)| !(old.trim().is_empty() && new.trim().is_empty()));
    said.take(most).map(|(old, new)| format!("{old}=>\n{new}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_name_the_lines_that_change() {
        assert_eq!(
            between("One.\nTwo.\nThree.", "One.\nSecond.\nThree.\nFour.", 8),
            ["Two.\n=>\nSecond.\n", "=>\nFour.\n"]
        );
        assert_eq!(between("One.\nTwo.", "2.\nTwo.\n3.", 1), ["One.\n=>\n2.\n"]);
        assert!(between("One.", "One.", 3).is_empty());
    }
}
