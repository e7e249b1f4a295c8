//! `prune`: leaves lines out of the incumbent, without a model.
//!
//! Lines that repeat another one go first; then the text is cut into four blocks of lines, and each is left
//! out in turn, then each of eight, and so on down to single lines (delta debugging: Zeller and Hildebrandt,
//! "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002, algorithm ddmin; its blocks
//! and not their complements). A shorter prompt that holds becomes the incumbent, and the blocks are cut
//! anew, but for what was left out in vain before. Whether it holds is for `evaluate` and `accept`.

use super::ask::Ask;
use super::author::{Author, Operator};
use super::draw::Draw;
use super::lines::{self, has_code, is_fence, is_telling, words_of};
use crate::event::Draft;
use crate::grammar::Kinded;
use crate::id::CandidateIx;
use crate::prompt::Prompt;
use crate::state::Status;
use std::collections::BTreeSet;

kind! {
    /// Leaves lines out of the incumbent: those that repeat others, then blocks of lines that halve. Lines
    /// with placeholders stay. Asks no model.
    "prune": "Lines left out, without a model.",
    Prune {
        /// Into how many blocks the text is cut at first.
        blocks: usize = 4 => positive,
    }
}

impl Author for Prune {}

impl Operator for Prune {
    fn parents_in_words(&self) -> Option<&'static str> {
        Some("the incumbent at the time")
    }

    /// The draft's variant counts the uses at this incumbent.
    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let before = draw.state.memory.uses.at_incumbent(draft.operator?);
        let variant = draw.uses.saturating_sub(before);
        Some(Draft { parents: vec![draw.state.incumbent], variant, ..draft })
    }

    /// The incumbent without some lines; as it is where nothing is left to leave out.
    fn compose(&self, ask: &Ask<'_>) -> Prompt {
        let parent = ask.draft.parents[0];
        let prompt = ask.prompt(parent);
        let lines = lines_of(prompt, ask.texts);
        let in_vain = self.left_out_before(ask, parent);
        let text_of = |block: &[Line<'_>]| -> Vec<String> {
            block.iter().map(|line| line.text.trim().to_owned()).collect()
        };
        let blocks = self.blocks_of(&lines);
        let left: Vec<_> = blocks.filter(|block| !in_vain.contains(&text_of(block))).collect();
        match left.get(ask.draft.variant as usize) {
            Some(block) => without(prompt, ask.texts, block),
            None => prompt.clone(),
        }
    }
}

/// A line that may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line<'a> {
    part: usize,
    number: usize,
    text: &'a str,
}

impl Prune {
    /// What may be left out together: repetitions, then blocks of lines that halve.
    fn blocks_of<'a>(&self, lines: &[Line<'a>]) -> impl Iterator<Item = Vec<Line<'a>>> {
        let repeated = repetitions(lines);
        let mut count = self.blocks.max(1);
        let mut counts = vec![count];
        while count < lines.len() {
            count = count.saturating_mul(2);
            counts.push(count);
        }
        let mut blocks: Vec<Vec<Line<'a>>> = vec![repeated];
        for count in counts {
            let size = lines.len().div_ceil(count).max(1);
            for block in lines.chunks(size).map(<[_]>::to_vec) {
                // A text without any line says nothing, and two counts may give blocks of one size.
                if block.len() < lines.len() && !blocks.contains(&block) {
                    blocks.push(block);
                }
            }
        }
        blocks.into_iter().filter(|block| !block.is_empty())
    }

    /// The lines that were left out of earlier incumbents in vain, each time together.
    fn left_out_before(&self, ask: &Ask<'_>, incumbent: CandidateIx) -> BTreeSet<Vec<String>> {
        // One that was not dropped may hold beside this incumbent too.
        let tried = ask.state.numbered();
        let dropped = tried.filter(|(_, standing)| matches!(standing.status, Status::Dropped(_)));
        let pruned = dropped
            .map(|(_, standing)| &standing.candidate)
            .filter(|candidate| candidate.operator == self.name());
        let parents = pruned.filter_map(|one| Some((*one.parents.first()?, one)));
        let earlier = parents.filter(|(parent, _)| *parent != incumbent);
        let left_out = earlier.map(|(parent, child)| {
            let mut kept: Vec<&str> =
                lines_of(&child.prompt, ask.texts).into_iter().map(Line::trimmed).collect();
            let mut gone = Vec::new();
            for line in lines_of(ask.prompt(parent), ask.texts).into_iter().map(Line::trimmed) {
                match kept.iter().position(|other| *other == line) {
                    Some(place) => drop(kept.remove(place)),
                    None => gone.push(line.to_owned()),
                }
            }
            gone
        });
        left_out.collect()
    }
}

impl<'a> Line<'a> {
    fn trimmed(self) -> &'a str {
        self.text.trim()
    }
}

/// The lines that may be left out. Placeholders and template code are needed, and a fence without its other
/// half would swallow what follows.
fn lines_of<'a>(prompt: &'a Prompt, texts: &[String]) -> Vec<Line<'a>> {
    let parts = texts.iter().enumerate();
    let all = parts.flat_map(|(part, name)| {
        let lines = prompt.part(name).unwrap_or("").split('\n').enumerate();
        lines.map(move |(number, text)| Line { part, number, text })
    });
    all.filter(|line| {
        let text = line.trimmed();
        !text.is_empty() && !is_fence(text) && !has_code(text)
    })
    .collect()
}

/// Lines that say again what an earlier one says.
fn repetitions<'a>(lines: &[Line<'a>]) -> Vec<Line<'a>> {
    let mut seen: BTreeSet<Vec<String>> = BTreeSet::new();
    let is_repeated = |line: &&Line<'a>| {
        let words = words_of(line.text);
        is_telling(&words) && !seen.insert(words)
    };
    lines.iter().filter(is_repeated).copied().collect()
}

/// A prompt without some of its lines.
fn without(prompt: &Prompt, texts: &[String], block: &[Line<'_>]) -> Prompt {
    texts.iter().enumerate().fold(prompt.clone(), |pruned, (part, name)| {
        let Some(text) = prompt.part(name) else { return pruned };
        let is_gone =
            |number: usize| block.iter().any(|line| (line.part, line.number) == (part, number));
        pruned.with_part(name, &lines::without(text, is_gone))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Part;

    const TEXT: &str = "Answer with a label.\n\n1. Refunds go to billing.\n2. Read {{ input }} well.\n\n\
        ```\n3. refunds go to Billing\n```\nBe brief.\n";

    fn prompt(text: &str) -> Prompt {
        Prompt::new(vec![Part { name: "system".into(), text: text.into() }])
    }

    fn texts() -> Vec<String> {
        vec!["system".to_owned()]
    }

    #[test]
    fn placeholders_and_fences_stay_and_repetitions_go_first() {
        let prompt = prompt(TEXT);
        let lines = lines_of(&prompt, &texts());
        let said: Vec<&str> = lines.iter().map(|line| line.text).collect();
        let all = [
            "Answer with a label.",
            "1. Refunds go to billing.",
            "3. refunds go to Billing",
            "Be brief.",
        ];
        assert_eq!(said, all);
        let blocks: Vec<Vec<&str>> = Prune { blocks: 2 }
            .blocks_of(&lines)
            .map(|block| block.into_iter().map(|line| line.text).collect())
            .collect();
        let singles = all.map(|line| vec![line]);
        assert_eq!(blocks[0], [all[2]], "what repeats");
        assert_eq!(blocks[1..3], [all[..2].to_vec(), all[2..].to_vec()], "halves");
        // The repetition alone was left out first, and is not cut again.
        let rest: Vec<_> = singles.into_iter().filter(|single| single[0] != all[2]).collect();
        assert_eq!(blocks[3..], rest);
    }

    #[test]
    fn a_line_goes_with_one_of_its_two_gaps_and_all_else_stays() {
        let prompt = prompt("A b c.\n\nD e f.\n\nG h i.\n");
        let lines = lines_of(&prompt, &texts());
        let left = |at: usize| without(&prompt, &texts(), &lines[at..=at]);
        assert_eq!(left(0).part("system"), Some("D e f.\n\nG h i.\n"));
        assert_eq!(left(1).part("system"), Some("A b c.\n\nG h i.\n"));
        assert_eq!(left(2).part("system"), Some("A b c.\n\nD e f.\n"));
        assert_eq!(without(&prompt, &texts(), &[]), prompt);
    }

    #[test]
    fn one_line_is_never_left_out_alone() {
        let prompt = prompt("Only this one.");
        assert_eq!(Prune { blocks: 4 }.blocks_of(&lines_of(&prompt, &texts())).count(), 0);
    }
}
