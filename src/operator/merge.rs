//! Puts two candidates together without a model: each contributes what it changed since their
//! common ancestor (GEPA's merge, arXiv:2507.19457, appendix; by lines, a three-way merge).

use crate::candidate::DEMOS;
use crate::prompt::{Part, Prompt};
use crate::recipe::MergeLevel;
use similar::{Algorithm, DiffOp};

/// The merged prompt. `first` is the better parent: it wins where both changed the same part.
#[must_use]
pub fn compose(level: MergeLevel, first: &Prompt, second: &Prompt, ancestor: &Prompt) -> Prompt {
    let parts = first
        .parts()
        .iter()
        .map(|part| {
            let mine = &*part.text;
            let theirs = second.part(&part.name).unwrap_or(mine);
            let old = ancestor.part(&part.name).unwrap_or(mine);
            let text = match level {
                // The changed one where one is unchanged; else the better parent's.
                MergeLevel::Part if mine == old => theirs.to_owned(),
                MergeLevel::Part => mine.to_owned(),
                // A set of demonstrations is whole or not at all.
                MergeLevel::Line if part.name == DEMOS => {
                    if mine == old {
                        theirs.to_owned()
                    } else {
                        mine.to_owned()
                    }
                }
                MergeLevel::Line => merge_lines(mine, theirs, old),
            };
            Part { name: part.name.clone(), text: text.into() }
        })
        .collect();
    Prompt::new(parts)
}

/// The ancestor's lines without those that either removed, and with those that either added, each
/// behind the line that it was added to. A line that stands already is not added again.
fn merge_lines(mine: &str, theirs: &str, old: &str) -> String {
    let old_lines: Vec<&str> = old.lines().collect();
    let mut kept = vec![true; old_lines.len()];
    // What is added before old line `i`; the last entry is what is added at the end.
    let mut added: Vec<Vec<&str>> = vec![Vec::new(); old_lines.len() + 1];
    for text in [mine, theirs] {
        let lines: Vec<&str> = text.lines().collect();
        for op in similar::capture_diff_slices(Algorithm::Myers, &old_lines, &lines) {
            let (removed, inserted, at) = match op {
                DiffOp::Equal { .. } => continue,
                DiffOp::Delete { old_index, old_len, .. } => {
                    (old_index..old_index + old_len, 0..0, old_index)
                }
                DiffOp::Insert { old_index, new_index, new_len } => {
                    (0..0, new_index..new_index + new_len, old_index)
                }
                DiffOp::Replace { old_index, old_len, new_index, new_len } => (
                    old_index..old_index + old_len,
                    new_index..new_index + new_len,
                    old_index + old_len,
                ),
            };
            for index in removed {
                kept[index] = false;
            }
            added[at].extend(&lines[inserted]);
        }
    }
    let mut merged: Vec<&str> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for index in 0..=old_lines.len() {
        for line in &added[index] {
            // Blank lines separate, so they may stand more than once.
            if line.trim().is_empty() || seen.insert(line.trim()) {
                merged.push(line);
            }
        }
        if index < old_lines.len() && kept[index] {
            seen.insert(old_lines[index].trim());
            merged.push(old_lines[index]);
        }
    }
    let mut text = merged.join("\n");
    if mine.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(system: &str, demos: &str) -> Prompt {
        let part = |name: &str, text: &str| Part { name: name.into(), text: text.into() };
        Prompt::new(vec![part("system", system), part("demos", demos), part("user", "{{ x }}")])
    }

    #[test]
    fn by_part_the_changed_one_is_taken_over() {
        let old = prompt("s", "d");
        let merged = compose(MergeLevel::Part, &prompt("s1", "d"), &prompt("s", "d2"), &old);
        assert_eq!(merged, prompt("s1", "d2"));
        let conflict = compose(MergeLevel::Part, &prompt("s1", "d"), &prompt("s2", "d"), &old);
        assert_eq!(conflict, prompt("s1", "d"), "the better parent wins");
    }

    #[test]
    fn by_line_both_additions_are_kept_and_both_removals_hold() {
        let old = prompt("Route.\n- a\n- b\n", "");
        let mine = prompt("Route.\n- a\n- b\n- c\n", "");
        let theirs = prompt("Route.\n- b\n- d\n- c\n", "");
        let merged = compose(MergeLevel::Line, &mine, &theirs, &old);
        assert_eq!(merged.part("system").unwrap(), "Route.\n- b\n- c\n- d\n");
    }
}
