//! `local_edit`: edits phrases without a model: deletes, swaps, or adds back what was deleted (GRIPS;
//! arXiv:2203.07281, section 3).
//!
//! The paper takes its phrases from a constituency parser. Here a text is cut after punctuation, at
//! line breaks and before joining words, so that nothing has to be installed and any language gets
//! some cuts. Space between phrases stays where it is, and placeholders are never cut, left out or
//! doubled. What was deleted is not a list that is kept: it is what the line of descent says and the
//! text does not.

use super::ask::Ask;
use super::author::{Author, Operator};
use crate::grammar::Misuse;
use crate::prompt::{Piece, Prompt, pieces, placeholders};
use crate::seed::Seed;
use rand::Rng;
use std::ops::Range;

kind! {
    /// Edits phrases without a model: deletes, swaps or adds back what was deleted (GRIPS;
    /// arXiv:2203.07281, section 3).
    "local_edit": "Phrases deleted, swapped and added back.",
    LocalEdit {
        /// What may be done.
        ops: Vec<LocalOp> = vec![LocalOp::Delete, LocalOp::Swap, LocalOp::Add],
        /// What is moved as one.
        level: EditLevel = EditLevel::Phrase,
        /// Edits of one child.
        edits: usize = 1 => positive,
    }
}

choice! {
    /// What a local edit does.
    LocalOp {
        /// Leaves a phrase out.
        Delete = "delete",
        /// Exchanges two phrases.
        Swap = "swap",
        /// Puts a phrase back that was left out earlier in the line of descent.
        Add = "add",
    }
}

choice! {
    /// What a local edit moves as one.
    EditLevel {
        /// A word.
        Word = "word",
        /// The words between marks of punctuation and joining words.
        Phrase = "phrase",
        /// A sentence.
        Sentence = "sentence",
    }
}

impl Author for LocalEdit {}

impl Operator for LocalEdit {
    fn check(&self) -> Result<(), Misuse> {
        if self.ops.is_empty() {
            return Err(Misuse::of(&["ops"], "`ops` must name at least one edit"));
        }
        Ok(())
    }

    fn compose(&self, ask: &Ask<'_>) -> Prompt {
        let parent = ask.draft.parents[0];
        let ancestors = ask.state.ancestors(parent);
        let ancestors: Vec<&Prompt> = ancestors.into_iter().map(|one| ask.prompt(one)).collect();
        let seed = ask.seed.child("local edit", u64::from(ask.draft.proposal.0));
        edit(self, ask.prompt(parent), &ancestors, ask.texts, seed)
    }
}

/// Words that begin a phrase: conjunctions, relative words, and prepositions that open a longer group.
const JOINING: &[&str] = &[
    "after", "although", "and", "as", "at", "because", "before", "but", "by", "for", "from", "if",
    "in", "into", "nor", "on", "or", "since", "so", "that", "though", "unless", "until", "when",
    "where", "whereas", "which", "while", "who", "with", "without", "yet",
];

/// Marks that end a phrase where a space follows.
const PAUSES: &[char] =
    &[',', ';', ':', '.', '!', '?', '…', '—', '、', '，', '；', '：', '。', '！', '？'];

/// Marks that end a sentence.
const STOPS: &[char] = &['.', '!', '?', '…', '。', '！', '？'];

/// The edited prompt: `edits` operations one after the other, each drawn uniformly from those that
/// find something to work on. What may be added back are phrases of the ancestors, and of the prompt
/// itself, that its part says no more.
fn edit(
    kind: &LocalEdit,
    prompt: &Prompt,
    ancestors: &[&Prompt],
    texts: &[String],
    seed: Seed,
) -> Prompt {
    let mut rng = seed.rng();
    let line: Vec<&Prompt> = std::iter::once(prompt).chain(ancestors.iter().copied()).collect();
    let mut edited = prompt.clone();
    for _ in 0..kind.edits {
        let parts: Vec<Part> = texts
            .iter()
            .filter_map(|name| Some(Part::of(name, edited.part(name)?, &line, kind.level)))
            .collect();
        let mut ops = kind.ops.clone();
        while !ops.is_empty() {
            let op = ops.remove(rng.random_range(0..ops.len()));
            if let Some((part, text)) = applied(op, &parts, &mut rng) {
                edited = edited.with_part(&part.name, &text);
                break;
            }
        }
    }
    let is_whole = |name: &String| {
        let text = |prompt: &Prompt| prompt.part(name).unwrap_or("").to_owned();
        all_placeholders(&text(&edited)) == all_placeholders(&text(prompt))
    };
    // Words such as a lone brace could meet and make a placeholder; that is no edit, then.
    if texts.iter().all(is_whole) { edited } else { prompt.clone() }
}

/// One operation at a random place, where there is one for it.
fn applied<'a>(op: LocalOp, parts: &'a [Part], rng: &mut impl Rng) -> Option<(&'a Part, String)> {
    let phrases = |part: &'a Part| (0..part.phrases.len()).map(move |place| (part, place));
    match op {
        LocalOp::Delete => {
            let places: Vec<(&Part, usize)> =
                parts.iter().flat_map(phrases).filter(|(part, at)| part.may_lose(*at)).collect();
            let (part, at) = drawn(&places, rng)?;
            Some((part, part.without(at)))
        }
        LocalOp::Swap => {
            let places: Vec<(&Part, usize)> = parts
                .iter()
                .flat_map(phrases)
                .filter(|(part, at)| !part.unlike(*at).is_empty())
                .collect();
            let (part, at) = drawn(&places, rng)?;
            let with = drawn(&part.unlike(at), rng)?;
            Some((part, part.swapped(at, with)))
        }
        LocalOp::Add => {
            let lost = |part: &'a Part| part.lost.iter().map(move |phrase| (part, phrase));
            let found: Vec<(&Part, &String)> = parts.iter().flat_map(lost).collect();
            let (part, phrase) = drawn(&found, rng)?;
            let before = rng.random_range(0..=part.phrases.len());
            Some((part, part.with(before, phrase)))
        }
    }
}

fn drawn<T: Copy>(from: &[T], rng: &mut impl Rng) -> Option<T> {
    (!from.is_empty()).then(|| from[rng.random_range(0..from.len())])
}

/// A part's text, cut into phrases: gap, phrase, gap, phrase, …, gap.
struct Part {
    name: String,
    phrases: Vec<String>,
    /// One more than there are phrases: what stands before, between and after them.
    gaps: Vec<String>,
    /// Phrases of the line of descent that the text says no more.
    lost: Vec<String>,
}

impl Part {
    fn of(name: &str, text: &str, line: &[&Prompt], level: EditLevel) -> Self {
        let ranges = phrases(text, level);
        let mut gaps = Vec::with_capacity(ranges.len() + 1);
        let mut from = 0;
        for range in &ranges {
            gaps.push(text[from..range.start].to_owned());
            from = range.end;
        }
        gaps.push(text[from..].to_owned());
        let mut lost: Vec<String> = Vec::new();
        for earlier in line.iter().filter_map(|prompt| prompt.part(name)) {
            for range in phrases(earlier, level) {
                let phrase = &earlier[range];
                let is_new = !text.contains(phrase) && !lost.iter().any(|known| known == phrase);
                if is_new && placeholders(phrase).is_empty() {
                    lost.push(phrase.to_owned());
                }
            }
        }
        let phrases = ranges.into_iter().map(|range| text[range].to_owned()).collect();
        Self { name: name.to_owned(), phrases, gaps, lost }
    }

    /// A text keeps its placeholders, and at least one phrase.
    fn may_lose(&self, at: usize) -> bool {
        self.phrases.len() > 1 && placeholders(&self.phrases[at]).is_empty()
    }

    /// Phrases that another one can be exchanged with: those that say something else.
    fn unlike(&self, at: usize) -> Vec<usize> {
        (0..self.phrases.len()).filter(|other| self.phrases[*other] != self.phrases[at]).collect()
    }

    fn without(&self, at: usize) -> String {
        let (mut phrases, mut gaps) = (self.phrases.clone(), self.gaps.clone());
        phrases.remove(at);
        // Of the two gaps that meet, the text's own edge stays, else the one that breaks the line.
        let lines = |gap: &str| gap.matches('\n').count();
        let is_edge = at == 0;
        let keeps_first =
            is_edge || (at < phrases.len() && lines(&gaps[at]) >= lines(&gaps[at + 1]));
        gaps.remove(if keeps_first { at + 1 } else { at });
        joined(&phrases, &gaps)
    }

    fn swapped(&self, one: usize, other: usize) -> String {
        let mut phrases = self.phrases.clone();
        phrases.swap(one, other);
        joined(&phrases, &self.gaps)
    }

    fn with(&self, before: usize, phrase: &str) -> String {
        let (mut phrases, mut gaps) = (self.phrases.clone(), self.gaps.clone());
        phrases.insert(before, phrase.to_owned());
        // At the end the new gap stands before the phrase, so that the text ends as it did.
        let after = if before == self.phrases.len() { before } else { before + 1 };
        gaps.insert(after, if self.phrases.is_empty() { String::new() } else { " ".to_owned() });
        joined(&phrases, &gaps)
    }
}

fn joined(phrases: &[String], gaps: &[String]) -> String {
    let mut text = gaps.first().cloned().unwrap_or_default();
    for (phrase, gap) in phrases.iter().zip(gaps.iter().skip(1)) {
        text.push_str(phrase);
        text.push_str(gap);
    }
    text
}

/// The places of a text's phrases, in order; between them stands space alone.
fn phrases(text: &str, level: EditLevel) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for word in words(text) {
        match found.last_mut() {
            Some(last) if !begins(text, last, &word, level) => last.end = word.end,
            _ => found.push(word),
        }
    }
    found
}

/// Whether a word begins another phrase than the one before it.
fn begins(text: &str, before: &Range<usize>, word: &Range<usize>, level: EditLevel) -> bool {
    let ends_with = |marks: &[char]| {
        let said = text[before.clone()].trim_end_matches(['"', '\'', '”', '’', ')', ']', '»']);
        said.ends_with(marks)
    };
    let is_broken = text[before.end..word.start].contains('\n');
    match level {
        EditLevel::Word => true,
        EditLevel::Sentence => is_broken || ends_with(STOPS),
        EditLevel::Phrase => {
            let bare = text[word.clone()].trim_matches(|c: char| !c.is_alphanumeric());
            is_broken || ends_with(PAUSES) || JOINING.contains(&bare.to_lowercase().as_str())
        }
    }
}

/// The places of a text's words: what stands between spaces, a placeholder being one with whatever
/// touches it.
fn words(text: &str) -> Vec<Range<usize>> {
    let whole = placeholder_places(text);
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, character) in text.char_indices() {
        let is_inside = whole.iter().any(|place| place.contains(&at));
        if character.is_whitespace() && !is_inside {
            continue;
        }
        let end = at + character.len_utf8();
        match found.last_mut() {
            Some(last) if last.end == at => last.end = end,
            _ => found.push(at..end),
        }
    }
    found
}

/// A text's placeholders as they are written, each as often as it stands there.
fn all_placeholders(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> =
        placeholder_places(text).into_iter().map(|place| &text[place]).collect();
    found.sort_unstable();
    found
}

/// Where a text's placeholders and raw texts stand.
fn placeholder_places(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    for piece in pieces(text) {
        let length = piece.source().len();
        if !matches!(piece, Piece::Literal(_)) {
            found.push(at..at + length);
        }
        at += length;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Part as PromptPart;
    use proptest::prelude::*;

    fn prompt(text: &str) -> Prompt {
        Prompt::new(vec![PromptPart { name: "system".into(), text: text.into() }])
    }

    fn cut(text: &str, level: EditLevel) -> Vec<&str> {
        phrases(text, level).into_iter().map(|range| &text[range]).collect()
    }

    fn edited(ops: &[LocalOp], edits: usize, text: &str, ancestors: &[&str], seed: u64) -> String {
        let kind = LocalEdit { ops: ops.to_vec(), edits, ..LocalEdit::default() };
        let ancestors: Vec<Prompt> = ancestors.iter().map(|text| prompt(text)).collect();
        let ancestors: Vec<&Prompt> = ancestors.iter().collect();
        let child = edit(&kind, &prompt(text), &ancestors, &["system".to_owned()], Seed(seed));
        child.part("system").unwrap().to_owned()
    }

    /// Everything that an operation can make of a text.
    fn all(op: LocalOp, text: &str, ancestors: &[&str]) -> std::collections::BTreeSet<String> {
        (0..200).map(|seed| edited(&[op], 1, text, ancestors, seed)).collect()
    }

    fn set(texts: &[&str]) -> std::collections::BTreeSet<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn texts_are_cut_at_marks_line_breaks_and_joining_words() {
        let text = "Read the {{ kind }}, then answer\nwith one word. Be brief (\"no.\") and kind!";
        assert_eq!(
            cut(text, EditLevel::Phrase),
            [
                "Read the {{ kind }},",
                "then answer",
                "with one word.",
                "Be brief (\"no.\")",
                "and kind!"
            ]
        );
        assert_eq!(
            cut(text, EditLevel::Sentence),
            [
                "Read the {{ kind }}, then answer",
                "with one word.",
                "Be brief (\"no.\")",
                "and kind!"
            ]
        );
        assert_eq!(cut("a {{ x }}b c", EditLevel::Word), ["a", "{{ x }}b", "c"]);
    }

    #[test]
    fn deleting_leaves_placeholders_and_the_text_s_edges() {
        let text = "One, {{ input }},\ntwo.\n";
        let expected = set(&["{{ input }},\ntwo.\n", "One, {{ input }},\n"]);
        assert_eq!(all(LocalOp::Delete, text, &[]), expected);
        // The last phrase is never deleted.
        assert_eq!(all(LocalOp::Delete, "Only this", &[]), set(&["Only this"]));
    }

    #[test]
    fn swapping_exchanges_two_phrases_that_differ() {
        let expected = set(&["b, a, c.", "c. b, a,", "a, c. b,"]);
        assert_eq!(all(LocalOp::Swap, "a, b, c.", &[]), expected);
        assert_eq!(all(LocalOp::Swap, "a, a,", &[]), set(&["a, a,"]));
    }

    #[test]
    fn only_what_the_line_of_descent_has_lost_is_added_at_any_border() {
        let ancestors = ["a, lost, {{ input }} gone, b.", "a, b."];
        let expected = set(&["lost, a, b.", "a, lost, b.", "a, b. lost,"]);
        assert_eq!(all(LocalOp::Add, "a, b.", &ancestors), expected);
        assert_eq!(all(LocalOp::Add, "a, b.", &["a, b."]), set(&["a, b."]));
    }

    #[test]
    fn an_operation_without_work_leaves_the_draw_to_the_others() {
        let ops = [LocalOp::Delete, LocalOp::Swap, LocalOp::Add];
        for seed in 0..50 {
            assert_ne!(edited(&ops, 1, "a, b.", &[], seed), "a, b.");
        }
        // Two edits of one child: what the first deletes, the second can put elsewhere.
        let moved: std::collections::BTreeSet<String> =
            (0..300).map(|seed| edited(&ops, 2, "a, b, c.", &[], seed)).collect();
        assert!(moved.contains("b, c. a,"), "{moved:?}");
    }

    #[test]
    fn loose_braces_never_become_a_placeholder() {
        for seed in 0..100 {
            let child = edited(&[LocalOp::Delete], 1, "{{ and 1 , x }}", &[], seed);
            assert!(placeholders(&child).is_empty(), "{child}");
        }
    }

    proptest! {
        #[test]
        fn placeholders_survive_any_edits(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "read", "and", "it,", "über", "{{ input }}", "{{x}}.", "\n", "{{", "}}", "“ja.”", "  ",
                ]),
                1..30,
            ),
            level in prop::sample::select(vec![EditLevel::Word, EditLevel::Phrase, EditLevel::Sentence]),
            edits in 1_usize..6,
            seed in any::<u64>(),
        ) {
            let text = pieces.join(" ");
            let kind = LocalEdit { level, edits, ..LocalEdit::default() };
            let parent = prompt(&text);
            let ancestor = prompt("Say {{ input }} once, or not.");
            let child = edit(&kind, &parent, &[&ancestor], &["system".to_owned()], Seed(seed));
            let child = child.part("system").unwrap();
            prop_assert_eq!(all_placeholders(child), all_placeholders(&text));
            // Cut and joined again without an edit, a text is what it was.
            let part = Part::of("system", &text, &[], level);
            prop_assert_eq!(joined(&part.phrases, &part.gaps), text);
        }
    }
}
