//! The law of the simulated editor: every sentence that it writes is whole.

use super::super::phrases::{
    ADVERBS, ADVICE, CLOSERS, FORM_FAULT, FRAMES, HASTE_FAULT, HINTS, INTROS, LEADS, NOTE_CLOSERS,
    NOTE_OPENERS, NOTHING_TO_SAY, OPENERS, ORDERS, PERSONAS, STEP_BY_STEP, VAGUE_FAULTS,
};
use super::super::sentence::{capitalised, sentences};
use super::operators::Given;
use super::*;
use crate::operator::{self, all_meta_prompts};
use crate::prompt::{Part, Prompt};
use crate::sim::words;
use std::collections::BTreeSet;

const LABELS: [&str; 6] = ["billing", "logistics", "claims", "security", "retention", "technical"];

/// What the editor writes of its own, with `#` where words of the rows or a label stand.
const TEMPLATES: &[&str] = &[
    "Texts about # → #.",
    "When it mentions #, answer #.",
    "#: #.",
    "Some of them are #.",
    "Take care with cases about #.",
    "Watch for #; they change the result.",
    "Cases that mention # need a second look.",
    "Look at each case on its own.",
    "Answer with only the name of one kind, such as #.",
    "Answer with exactly one of the names and nothing else.",
    "Answer with only the number.",
    "End with: The answer is N.",
    "Give only the number, without a unit or an explanation.",
    "Return only the JSON object, with no other text.",
    "Return only the JSON object with the fields #; no other text.",
    "Answer with exactly what is asked for and nothing else.",
    "Read the text and say which kind it is.",
    "Sort each text into one of a few kinds.",
    "Decide where the text belongs.",
    "Solve the problem and give the number.",
    "Work out the result and write it as a number.",
    "Read the document and return a JSON object.",
    "Extract the facts of the document as JSON.",
    "Answer the question.",
    "Read the input and write the matching output.",
    "Keep: the plain tone.",
    "Short texts, each of one of a few sorts:",
    "Problems whose answers are numbers:",
    "Documents from which facts are drawn:",
    "Inputs of many sorts:",
];

/// All words of a sentence in order, but for what may change in a whole one: frames, words that lead over,
/// empty adverbs, synonyms, the label, and a placeholder that a faulty reply lost.
fn told(sentence: &str) -> String {
    let mut text: String = pieces(sentence)
        .into_iter()
        .map(|piece| match piece {
            Piece::Column { .. } => "",
            piece => piece.source(),
        })
        .collect::<String>()
        .to_lowercase();
    let frames = FRAMES.iter().filter_map(|frame| Some(frame.split_once("{s}")?.0.to_lowercase()));
    let leads: Vec<String> = frames.chain(LEADS.iter().map(|lead| (*lead).to_owned())).collect();
    while let Some(rest) = leads.iter().find_map(|lead| text.strip_prefix(lead.trim())) {
        text = rest.trim().to_owned();
    }
    let words = words::raw(&text).filter(|word| !ADVERBS.contains(word));
    words
        .map(|word| if LABELS.contains(&word) { "#".to_owned() } else { words::stem(word) })
        .collect::<Vec<_>>()
        .join(" ")
}

/// What may stand in a reply.
struct Vocabulary {
    whole: BTreeSet<String>,
    words: BTreeSet<String>,
}

impl Vocabulary {
    /// What a request shows, and what the editor says of its own.
    fn new(shown: &[&str]) -> Self {
        let own = [
            ADVICE,
            PERSONAS,
            STEP_BY_STEP,
            HINTS,
            ORDERS,
            INTROS,
            VAGUE_FAULTS,
            OPENERS,
            CLOSERS,
            NOTE_OPENERS,
            NOTE_CLOSERS,
            &[FORM_FAULT, HASTE_FAULT, NOTHING_TO_SAY],
        ];
        let own = own.concat().join("\n");
        let mut whole = BTreeSet::new();
        for text in shown.iter().copied().chain([own.as_str()]) {
            let unwrapped = text.replace("\n  ", " ");
            for line in text.lines().chain(unwrapped.lines()) {
                // The name of a fault stands before a colon, and is no part of the rule.
                let named = line.split_once(": ").map_or("", |(_, rule)| rule);
                for text in [bare(line), named] {
                    whole.extend(sentences(text).into_iter().map(told));
                }
            }
        }
        let words = shown.iter().flat_map(|text| words::content(text)).collect();
        Self { whole, words }
    }

    /// Whether a sentence is whole: one that was shown, with its label named behind it or not, or one of
    /// the editor's own with whole words in its slots.
    fn holds(&self, sentence: &str) -> bool {
        // An order on the answer alone, beside one to reason first.
        if let Some(order) = sentence.strip_prefix("On the last line, ") {
            return self.holds(&capitalised(order));
        }
        let bodies = [
            Some(sentence),
            sentence.rsplit_once(" → ").map(|(before, _)| before),
            sentence.rsplit_once(": answer ").map(|(before, _)| before),
            sentence.rsplit_once(" (this is ").map(|(before, _)| before),
            sentence.strip_prefix("Keep: "),
            sentence.split_once("Do it in this manner: ").map(|(_, after)| after),
        ];
        bodies.into_iter().flatten().any(|body| self.whole.contains(&told(body)))
            || TEMPLATES.iter().any(|template| self.fills(sentence, template))
    }

    /// Whether a sentence is a template with words of what was shown in its slots.
    fn fills(&self, sentence: &str, template: &str) -> bool {
        let mut rest = sentence;
        let mut slots = Vec::new();
        for (place, piece) in template.split('#').enumerate() {
            let Some(at) = rest.find(piece) else { return false };
            if place == 0 && at > 0 {
                return false;
            }
            let at = if piece == "." { rest.len().saturating_sub(1) } else { at };
            if place > 0 {
                slots.push(&rest[..at]);
            }
            rest = &rest[(at + piece.len()).min(rest.len())..];
        }
        rest.is_empty()
            && slots
                .iter()
                .flat_map(|slot| slot.split(", "))
                .all(|word| words::content(word).iter().all(|word| self.words.contains(word)))
    }
}

/// A line without its bullet.
fn bare(line: &str) -> &str {
    line.trim().trim_start_matches("- ")
}

#[test]
fn every_sentence_that_the_editor_writes_is_whole() {
    let wrapped = "Never answer before the whole text has been read and every rule that could apply\n  \
                   has been compared with it. A case that fits none is decided by its last sentence.";
    let mut seen = 0;
    for task in TASKS {
        let text = format!(
            "{}\nBe careful and precise. Please note that an empty text is not an error.\n{wrapped}\n\n\
             - Note that a customer must not be told the price of a delivery.\n\
             - Do not always trust what the customer says; its link must not be opened.\n\
             - One rule for every broken parcel.",
            baseline_prompt(task)
        );
        for operator in all_meta_prompts() {
            for number in 0..120 {
                let given = Given::all(task, number);
                let request = given.request(operator, &text, 1);
                let reply = write(Seed(number as u64), &request, number as u64);
                let nonce = Nonce::find(&request[0].content).unwrap();
                let notes = || operator::notes(&reply.text, nonce, 2).ok();
                let written = match read(&request, &reply.text) {
                    Some(text) => vec![text],
                    None => notes().unwrap_or_default(),
                };
                if reply.finish == Finish::Length {
                    continue;
                }
                let shown: Vec<&str> = request.iter().map(|one| one.content.as_str()).collect();
                let fields: Vec<&str> = given.texts();
                let vocabulary = Vocabulary::new(&[shown, fields].concat());
                for line in written.iter().flat_map(|text| text.lines()) {
                    for sentence in sentences(bare(line)) {
                        seen += 1;
                        let whole = vocabulary.holds(sentence) || sentence == "=>";
                        assert!(whole, "{task} {} {number}: {sentence}", operator.name);
                    }
                }
            }
        }
    }
    assert!(seen > 50_000, "{seen}");
}

/// Lines are compared without what only leads over to them: the operators know all frames of the editor.
#[test]
fn a_rule_in_another_frame_is_the_same_rule() {
    let texts = ["system".to_owned()];
    let rule = "late parcels go to logistics whatever they hold";
    let whole = format!("- {}.", capitalised(rule));
    let prompt = |text: &str| Prompt::new(vec![Part { name: "system".into(), text: text.into() }]);
    for frame in FRAMES {
        let framed = frame.replace("{S}", &capitalised(rule)).replace("{s}", rule);
        let child = prompt(&format!("{whole}\n- {framed}"));
        let (child, _) = operator::merge_repaired(&child, &prompt(&whole), &texts);
        assert_eq!(child.part("system"), Some(whole.as_str()), "{frame}");
    }
}
