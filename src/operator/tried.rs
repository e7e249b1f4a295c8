//! What was changed from a parent before, and what came of it: so that the same dead edit is not bought again.

use super::draw::Draw;
use crate::candidate::DEMOS;
use crate::event::Tried;
use crate::id::CandidateIx;
use crate::memory::paired;
use crate::prompt::Prompt;
use crate::state::Status;
use crate::text;
use similar::{ChangeTag, TextDiff};
use std::fmt::Write as _;

/// The most lines that are shown of what a child left out, and as many of what it added.
const LINES: usize = 6;
/// The most characters of a line.
const LINE_CHARS: usize = 160;

/// The last judged children of a parent that have another text, oldest first, at most this many. One that
/// a gate dropped has no row in common with its parent, and is left out.
pub(super) fn children_tried(draw: &Draw<'_>, parent: CandidateIx, most: usize) -> Vec<Tried> {
    let state = draw.state;
    let without_demos = |candidate| {
        let prompt: &Prompt = &state.standing(candidate).candidate.prompt;
        prompt.with_part(DEMOS, "")
    };
    let text = (most > 0).then(|| without_demos(parent));
    let children = state.numbered().filter(|(candidate, standing)| {
        standing.status != Status::Open
            && standing.candidate.parents.first() == Some(&parent)
            // Other demonstrations are no change of the text.
            && text.as_ref().is_some_and(|text| *text != without_demos(*candidate))
    });
    let mut tried: Vec<Tried> = children
        .filter_map(|(candidate, _)| {
            let pair = paired(state, candidate, parent);
            Some(Tried { candidate, gain: pair.mean()?, rows: u32::try_from(pair.n).ok()? })
        })
        .collect();
    tried.drain(..tried.len().saturating_sub(most));
    tried
}

/// What one of them changed, line by line, and what came of it.
pub(super) fn in_words(parent: &Prompt, child: &Prompt, texts: &[String], tried: Tried) -> String {
    let mut said = String::new();
    for name in texts {
        let (before, after) = (parent.part(name).unwrap_or(""), child.part(name).unwrap_or(""));
        for (tag, verb) in [(ChangeTag::Delete, "Left out"), (ChangeTag::Insert, "Added")] {
            let diff = TextDiff::from_lines(before, after);
            let changes = diff.iter_all_changes().filter(|change| change.tag() == tag);
            let lines = changes.map(|change| change.value().trim()).filter(|line| !line.is_empty());
            let lines: Vec<&str> = lines.collect();
            for line in lines.iter().take(LINES) {
                // Writing into a string cannot fail.
                let _ = writeln!(said, "{verb}: {}", text::shorten(line, LINE_CHARS));
            }
            if lines.len() > LINES {
                let more = text::plural(lines.len() - LINES, "more line");
                let _ = writeln!(said, "{verb}: {more}");
            }
        }
    }
    let points = tried.gain * 100.0;
    let rows = text::plural(tried.rows as usize, "row");
    let _ = match points {
        points if points.abs() < 0.05 => writeln!(said, "Result: no difference on {rows}"),
        points if points > 0.0 => writeln!(said, "Result: better by {points:.1} points on {rows}"),
        points => writeln!(said, "Result: worse by {:.1} points on {rows}", -points),
    };
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Part;

    fn prompt(system: &str) -> Prompt {
        Prompt::new(vec![Part { name: "system".into(), text: system.into() }])
    }

    #[test]
    fn a_tried_edit_says_its_lines_and_its_result() {
        let texts = ["system".to_owned()];
        let tried = |gain| Tried { candidate: CandidateIx(1), gain, rows: 16 };
        let said =
            in_words(&prompt("One.\nTwo.\n"), &prompt("One.\nThree.\n"), &texts, tried(-0.125));
        assert_eq!(
            said,
            "Left out: Two.\nAdded: Three.\nResult: worse by 12.5 points on 16 rows\n"
        );
        let long: String = (0..20).map(|n| format!("Line {n}.\n")).collect();
        let said = in_words(&prompt(""), &prompt(&long), &texts, tried(0.0));
        assert!(said.contains("Added: Line 5.\nAdded: 14 more lines\n"), "{said}");
        assert!(said.ends_with("Result: no difference on 16 rows\n"), "{said}");
    }
}
