//! The simulated mutator model: reads a request as any editor would and writes a new text.
//!
//! It knows the request and nothing else: neither the world's rows nor what the clerk finds hard.

mod kind;
mod evidence;
mod phrases;
mod sentence;
mod rule;
mod brief;
mod revise;
mod combine;
mod notes;
mod apply;
mod edits;
mod rows;
mod names;

use super::draw;
use crate::event::Finish;
use crate::prompt::{Message, Piece, pieces};
use crate::seed::Seed;
pub(super) use brief::Brief;
use kind::Kind;
use phrases::{CLOSERS, NOTE_CLOSERS, NOTE_OPENERS, NOTHING_TO_SAY, OPENERS};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use revise::Draft;

/// How often a real editor's faults happen: no tags; the same text again; cut off; a placeholder lost.
const NO_TAGS: f64 = 0.02;
const UNCHANGED: f64 = 0.015;
const CUT_OFF: f64 = 0.01;
const LOSES_PLACEHOLDER: f64 = 0.01;
/// How often something is said before and after the new text.
const OPENS: f64 = 0.5;
const CLOSES: f64 = 0.15;

/// What the editor writes.
pub(super) struct EditorReply {
    /// Before it is cut to the requested length.
    pub(super) text: String,
    /// `Length` where the editor's own fault cut it off.
    pub(super) finish: Finish,
}

/// Writes the reply to a request.
pub(super) fn write(world: Seed, messages: &[Message], number: u64) -> EditorReply {
    if let Some(text) = rows::write(messages, world.child("rows", number)) {
        return EditorReply { text, finish: Finish::Stop };
    }
    if let Some(text) = names::write(messages) {
        return EditorReply { text, finish: Finish::Stop };
    }
    let brief = Brief::new(messages);
    let seed = draw::of_text(world.child("editor", number), &brief.fingerprint);
    let fault = Fault::of(draw::unit(seed.child("fault", 0)));
    let mut rng = seed.rng();
    let tagged = if brief.kind.is_noted() {
        noted(&brief, fault, &mut rng)
    } else {
        let text = match fault {
            Some(Fault::Unchanged) => brief.current.clone(),
            Some(Fault::LosesPlaceholder) => without_placeholder(&revised(&brief, &mut rng)),
            _ => revised(&brief, &mut rng),
        };
        if fault == Some(Fault::NoTags) { text } else { in_tags(&brief, &text) }
    };
    let (openers, closers) =
        if brief.kind.is_noted() { (NOTE_OPENERS, NOTE_CLOSERS) } else { (OPENERS, CLOSERS) };
    let mut reply = String::new();
    if rng.random_bool(OPENS) {
        reply.push_str(openers.choose(&mut rng).copied().unwrap_or_default());
        reply.push_str("\n\n");
    }
    let ends = reply.len() + tagged.len();
    reply.push_str(&tagged);
    if fault == Some(Fault::CutOff) {
        let share = rng.random_range(0.3..0.8);
        reply.truncate(reply.floor_char_boundary((ends as f64 * share) as usize));
        return EditorReply { text: reply, finish: Finish::Length };
    }
    if rng.random_bool(CLOSES) {
        reply.push_str("\n\n");
        reply.push_str(closers.choose(&mut rng).copied().unwrap_or_default());
    }
    EditorReply { text: reply, finish: Finish::Stop }
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    NoTags,
    Unchanged,
    CutOff,
    LosesPlaceholder,
}

impl Fault {
    fn of(chance: f64) -> Option<Self> {
        let mut left = chance;
        for (share, fault) in [
            (NO_TAGS, Self::NoTags),
            (UNCHANGED, Self::Unchanged),
            (CUT_OFF, Self::CutOff),
            (LOSES_PLACEHOLDER, Self::LosesPlaceholder),
        ] {
            if left < share {
                return Some(fault);
            }
            left -= share;
        }
        None
    }
}

fn revised(brief: &Brief, rng: &mut ChaCha8Rng) -> String {
    let mut draft = Draft::new(&brief.current);
    match brief.kind {
        Kind::Reflect => draft.reflect(brief, rng),
        Kind::Vary => draft.vary(brief, rng),
        Kind::Compress => draft.compress(rng),
        Kind::Paraphrase => draft.paraphrase(rng),
        Kind::Induce => draft.induce(brief, rng),
        Kind::ProposeVariant => {
            draft.paraphrase(rng);
            draft.heed("", 3, rng);
        }
        Kind::StyleMutate => draft.heed(&brief.manner, 2, rng),
        Kind::MutateInStyle => {
            draft.heed(&format!("{} {}", brief.order, brief.manner), 2, rng);
        }
        Kind::MutateWith => draft.heed(&brief.order, 2, rng),
        Kind::Crossover => draft.join(brief, rng),
        Kind::CrossoverMutate => draft.cross_and_mutate(brief, rng),
        Kind::DeVariation => draft.vary_by_difference(brief, rng),
        Kind::HistoryRewrite | Kind::Eda | Kind::EdaRank | Kind::Lineage => {
            draft.continue_past(brief, rng);
        }
        Kind::Edit | Kind::Refine => draft.edit(brief, rng),
        Kind::FromHint => draft.carry_out(brief, rng),
        Kind::Grounded => draft.ground(brief, rng),
        Kind::Restart => draft.restart(brief, rng),
        // What is noted is no text.
        Kind::Critique
        | Kind::Praise
        | Kind::ContrastRule
        | Kind::Hint
        | Kind::HypermutateStyle
        | Kind::Hypermutate
        | Kind::Summarize
        | Kind::Patch => {}
    }
    // Only a text that is as short as it can be comes back as it was.
    let text = draft.text();
    let old = std::iter::once(&brief.current).chain(brief.past.iter().map(|past| &past.text));
    if brief.kind != Kind::Compress && old.into_iter().any(|old| text == Draft::new(old).text()) {
        draft.insist(rng);
    }
    draft.text()
}

/// The notes that are asked for, in their tags.
fn noted(brief: &Brief, fault: Option<Fault>, rng: &mut ChaCha8Rng) -> String {
    let notes = match fault {
        Some(Fault::Unchanged) => vec![NOTHING_TO_SAY.to_owned()],
        _ if brief.kind == Kind::Patch => {
            let mut draft = Draft::new(&brief.current);
            draft.reflect(brief, rng);
            edits::between(&brief.current, &draft.text(), brief.notes)
        }
        _ => notes::written(brief, rng),
    };
    if fault == Some(Fault::NoTags) {
        return notes.join("\n\n");
    }
    let (opening, closing) = &brief.note_tags;
    let tagged: Vec<String> =
        notes.iter().map(|note| format!("{opening}\n{note}\n{closing}")).collect();
    tagged.join("\n\n")
}

/// The new text in the tags that the request shows, the other parts as they were.
fn in_tags(brief: &Brief, text: &str) -> String {
    if brief.wanted.is_empty() {
        return text.to_owned();
    }
    let mut written = Vec::new();
    for wanted in &brief.wanted {
        let text = if wanted.part == brief.part { Some(text) } else { wanted.current.as_deref() };
        if let Some(text) = text {
            written.push(format!("{}\n{text}\n{}", wanted.opening, brief.closing));
        }
    }
    if written.is_empty() {
        // The current text is of a part that may not change; the first one that may gets the reply.
        if let Some(wanted) = brief.wanted.first() {
            written.push(format!("{}\n{text}\n{}", wanted.opening, brief.closing));
        }
    }
    written.join("\n\n")
}

/// A text without its first placeholder.
fn without_placeholder(text: &str) -> String {
    let mut lost = false;
    pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Column { .. } if !lost => {
                lost = true;
                ""
            }
            piece => piece.source(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
