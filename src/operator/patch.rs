//! `patch`: a few edits of lines in place of a whole new text.
//!
//! A model that writes everything anew also changes what worked, and its replies cost as much as the whole
//! prompt. Here it names the lines that change; how many it may name shrinks while nothing better is found.

use super::ask::{Ask, Refusal, ReplyContent, with_parts};
use super::author::{Author, Operator};
use super::draw::Draw;
use super::feedback::Feedback;
use super::step::Step;
use super::tried::children_tried;
use crate::event::{Draft, Rejection};
use crate::prompt::Prompt;
use crate::text;

kind! {
    /// Shows the mutator how the parent fared on training rows, and asks for a few edits: lines that are
    /// replaced, added or deleted.
    "patch": "Reads failures and edits a few lines.",
    Patch {
        /// Which rows are shown.
        feedback: Feedback = Feedback::default(),
        /// The most edits. After every four judged children in a row without a new incumbent half as many
        /// are asked for, at least one: where gains get small, so do the steps.
        edits: usize = 6 => [1.0, 32.0],
        /// Earlier children of the parent that are shown with what they changed and what came of it; 0 = none.
        tried: usize = 0,
    }
}

meta_prompt! {
    pub(super) PATCH = "patch" notes [Evidence] [About, MaxTokens, Diagnosis, Tried, Count] ():
        "reads failures and edits a few lines"
}

/// Judged children in a row without a new incumbent after which half as many edits are asked for.
const PATIENCE: u32 = 4;
/// What stands between the old lines of an edit and the new ones.
const BECOMES: &str = "=>";

impl Author for Patch {
    fn steps(&self) -> Vec<Step> {
        Step::once(&PATCH)
    }

    fn notes(&self, draft: &Draft) -> u32 {
        draft.variant
    }

    fn read(&self, ask: &Ask<'_>, reply: &str) -> Result<ReplyContent, Refusal> {
        let mut notes = ask.read_notes(reply, self.notes(ask.draft))?;
        notes.truncate(ask.draft.variant as usize);
        patched(ask.current(), ask.asked(), &notes).map(ReplyContent::Child)
    }
}

impl Operator for Patch {
    fn feedback(&self) -> Option<&Feedback> {
        Some(&self.feedback)
    }

    /// The draft's variant is the number of edits.
    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let mut draft = draw.with_parents(draft, 1)?;
        self.feedback.deal(draw, &mut draft)?;
        let parent = *draft.parents.first()?;
        let halvings = draw.state.counts.decided_since_incumbent / PATIENCE;
        let edits = self.edits.checked_shr(halvings).unwrap_or(0).max(1);
        draft.variant = u32::try_from(edits).unwrap_or(u32::MAX);
        draft.tried = children_tried(draw, parent, self.tried);
        Some(draft)
    }
}

/// One edit: the lines that go, and the lines that come in their place.
#[derive(Debug, PartialEq, Eq)]
struct Edit<'a> {
    old: Vec<&'a str>,
    new: Vec<&'a str>,
}

impl<'a> Edit<'a> {
    /// What a note may mean: `old lines`, a line `=>`, `new lines`; where there is no such line, it is cut at one of
    /// the arrows within its lines, as in `old line => new line`.
    fn readings(note: &'a str) -> Vec<Self> {
        let lines: Vec<&str> = note.lines().collect();
        if let Some(at) = lines.iter().position(|line| line.trim() == BECOMES) {
            return vec![Self::of(&lines[..at], &lines[at + 1..])];
        }
        let is_space = |text: Option<char>| text.is_none_or(char::is_whitespace);
        let arrows = note.match_indices(BECOMES).map(|(at, arrow)| (at, at + arrow.len()));
        let arrows = arrows.filter(|(at, end)| {
            is_space(note[..*at].chars().next_back()) && is_space(note[*end..].chars().next())
        });
        arrows
            .map(|(at, end)| {
                let old: Vec<&str> = note[..at].trim_end().lines().collect();
                let new: Vec<&str> = note[end..].trim_start().lines().collect();
                Self::of(&old, &new)
            })
            .collect()
    }

    fn of(old: &[&'a str], new: &[&'a str]) -> Self {
        Self { old: without_blank_ends(old), new: without_blank_ends(new) }
    }

    /// The text with the edit made; `None` where its old lines do not stand in it.
    fn made_in(&self, text: &str) -> Option<String> {
        let mut lines: Vec<&str> = text.lines().collect();
        let place = if self.old.is_empty() {
            lines.len()..lines.len()
        } else {
            let is_there =
                |window: &[&str]| window.iter().zip(&self.old).all(|(a, b)| a.trim() == b.trim());
            let start = lines.windows(self.old.len()).position(is_there)?;
            start..start + self.old.len()
        };
        // A reply often drops the white space at its ends, and with it the indent of its first line.
        let indent = lines.get(place.start).filter(|_| !place.is_empty()).map_or("", |line| {
            let lost = self.old.first().map_or(0, |old| {
                indent_of(line).len() - indent_of(old).len().min(indent_of(line).len())
            });
            &line[..lost]
        });
        let new: Vec<String> = self.new.iter().map(|line| format!("{indent}{line}")).collect();
        lines.splice(place, new.iter().map(String::as_str));
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        Some(lines.join(end))
    }
}

fn indent_of(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

fn without_blank_ends<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let is_said = |line: &&str| !line.trim().is_empty();
    let first = lines.iter().position(is_said).unwrap_or(lines.len());
    let end = lines.iter().rposition(is_said).map_or(first, |last| last + 1);
    lines[first..end].to_vec()
}

/// The prompt with all edits made whose old lines stand in one of the parts; new lines alone go to the end
/// of the first.
fn patched(current: &Prompt, parts: &[String], notes: &[String]) -> Result<Prompt, Refusal> {
    let mut prompt = current.clone();
    let mut missed = Vec::new();
    for note in notes {
        let made = Edit::readings(note).iter().find_map(|edit| {
            parts.iter().find_map(|part| Some((part, edit.made_in(prompt.part(part)?)?)))
        });
        match made {
            Some((part, text)) => {
                prompt = with_parts(&prompt, vec![(part.clone(), text)]);
            }
            None => missed.push(text::shorten(&text::one_line(note), 80)),
        }
    }
    if missed.len() == notes.len() {
        let detail = format!("no edit names lines of the prompt: “{}”", missed.join("”, “"));
        return Err((Rejection::NoTags, detail));
    }
    Ok(prompt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Part;

    fn edited(text: &str, notes: &[&str]) -> Result<String, Rejection> {
        let prompt = Prompt::new(vec![Part { name: "system".into(), text: text.into() }]);
        let notes: Vec<String> = notes.iter().map(|note| (*note).to_owned()).collect();
        let patched = patched(&prompt, &["system".to_owned()], &notes).map_err(|(why, _)| why)?;
        Ok(patched.part("system").unwrap().to_owned())
    }

    #[test]
    fn lines_are_replaced_deleted_and_added() {
        let text = "One.\n  - Two.\nThree.\n";
        for (notes, wanted) in [
            (
                &["- Two.\n=>\n- Second.\n- And more."][..],
                "One.\n  - Second.\n  - And more.\nThree.\n",
            ),
            (&["One.\n- Two.\n=>\n"], "Three.\n"),
            (&["\n=>\n\nFour."], "One.\n  - Two.\nThree.\nFour.\n"),
            (&["=>"], text),
            // One that names no line of the prompt is left out, the others count.
            (&["Nine.\n=>\nTen.", "Three.\n=>\n3."], "One.\n  - Two.\n3.\n"),
            // On one line: replaced, added, deleted.
            (&["- Two. => - Second."], "One.\n  - Second.\nThree.\n"),
            (&["=> Four."], "One.\n  - Two.\nThree.\nFour.\n"),
            (&["One. =>"], "  - Two.\nThree.\n"),
            (&["One.\n- Two. => 1.\n2."], "1.\n2.\nThree.\n"),
            // Each edit sees what those before it left.
            (&["One.\n=>\n1.", "1.\n=>\nFirst."], "First.\n  - Two.\nThree.\n"),
        ] {
            assert_eq!(edited(text, notes).as_deref(), Ok(wanted), "{notes:?}");
        }
    }

    #[test]
    fn an_arrow_of_the_prompt_s_own_is_no_cut() {
        let text = "a => b\nc => d";
        assert_eq!(edited(text, &["a => b => a => B"]).as_deref(), Ok("a => B\nc => d"));
        assert_eq!(edited(text, &["c => d\n=>\nc => D"]).as_deref(), Ok("a => b\nc => D"));
    }

    #[test]
    fn edits_of_lines_that_are_not_there_are_no_candidate() {
        for notes in [&["Nine.\n=>\nTen."][..], &["Replace the first line."], &["One.=>1."]] {
            assert_eq!(edited("One.\n", notes), Err(Rejection::NoTags), "{notes:?}");
        }
    }
}
