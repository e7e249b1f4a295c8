//! The texts of all requests to the mutator, with those that a person has put in their place.
//!
//! An override is checked when it is read, not when it is first sent: a search must not end over a
//! mistyped slot. Where the files lie, and what they are called, is for `cli` to say.

use super::OPERATORS;
use super::init::INITS;
use super::meta_prompt::MetaPrompt;
use super::slot::{Reply, Slot};
use super::wording::MetaPrompts;
use crate::prompt::{Piece, pieces};
use crate::source::line_of_offset;
use crate::text::{shorten, suggestion};
use std::fmt::Write as _;
use std::sync::LazyLock;

/// All meta-prompts that a built-in operator or init may send, in the order of the lists.
#[must_use]
pub fn all_meta_prompts() -> &'static [&'static MetaPrompt] {
    static ALL: LazyLock<Vec<&'static MetaPrompt>> = LazyLock::new(|| {
        let operators = OPERATORS.kinds.iter().filter_map(crate::grammar::Kind::by_default);
        let of_operators = operators.flat_map(|operator| operator.meta_prompts());
        let inits = INITS.kinds.iter().filter_map(crate::grammar::Kind::by_default);
        let of_inits = inits.flat_map(|init| init.meta_prompts());
        let mut all: Vec<&'static MetaPrompt> = Vec::new();
        for meta_prompt in of_operators.chain(of_inits) {
            if all.iter().all(|known| known.name != meta_prompt.name) {
                all.push(meta_prompt);
            }
        }
        all
    });
    &ALL
}

/// The meta-prompt of this name.
#[must_use]
pub fn named_meta_prompt(name: &str) -> Option<&'static MetaPrompt> {
    all_meta_prompts().iter().copied().find(|meta_prompt| meta_prompt.name == name)
}

/// One of them, as it is sent.
#[derive(Clone, Copy)]
pub struct EffectiveMetaPrompt<'a> {
    /// What it is for, and what it is filled with.
    pub meta_prompt: &'static MetaPrompt,
    /// The text that is sent, with its slots.
    pub text: &'a str,
    /// Whether a person wrote it.
    pub is_override: bool,
}

/// What is wrong with an override.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetaPromptError {
    /// No meta-prompt has this name.
    #[error("there is no meta-prompt `{name}`; {}", suggestion(name, &names()))]
    UnknownName {
        /// As it was written.
        name: String,
    },
    /// A name between double braces that is no slot.
    #[error("meta-prompt `{name}`, line {line}: `{slot}` is no slot; {}", suggestion(slot, &slots_of(name)))]
    UnknownSlot {
        /// The meta-prompt.
        name: &'static str,
        /// The line, from 1.
        line: usize,
        /// As it was written.
        slot: String,
    },
    /// A slot that is not filled here.
    #[error(
        "meta-prompt `{name}`, line {line}: there is no `{slot}` to fill in here; {}",
        suggestion("", &slots_of(name))
    )]
    NotFilled {
        /// The meta-prompt.
        name: &'static str,
        /// The line, from 1.
        line: usize,
        /// The slot.
        slot: Slot,
    },
    /// Braces that look like a slot and are none.
    #[error(
        "meta-prompt `{name}`, line {line}: `{found}` is not read as a slot; write two braces on \
         each side of its name, as in `{{{{ current }}}}`"
    )]
    Misspelled {
        /// The meta-prompt.
        name: &'static str,
        /// The line, from 1.
        line: usize,
        /// What stands there.
        found: String,
    },
    /// Slots without which the request makes no sense.
    #[error("meta-prompt `{name}` lacks {}", braced(slots))]
    MissingSlots {
        /// The meta-prompt.
        name: &'static str,
        /// Those that are not there.
        slots: Vec<Slot>,
    },
    /// The tag of the current text has to be the first one: the reply is read by it.
    #[error(
        "meta-prompt `{name}`, line {line}: `{{{{ {slot} }}}}` stands before `{{{{ current }}}}`; \
         only `{{{{ about }}}}` and numbers may"
    )]
    BeforeCurrent {
        /// The meta-prompt.
        name: &'static str,
        /// The line, from 1.
        line: usize,
        /// The slot that stands too early.
        slot: Slot,
    },
    /// A slot with tags that may stand only once.
    #[error("meta-prompt `{name}`, line {line}: `{{{{ {slot} }}}}` stands there a second time")]
    Repeated {
        /// The meta-prompt.
        name: &'static str,
        /// The line of the second one, from 1.
        line: usize,
        /// The slot.
        slot: Slot,
    },
    /// A leading comment without an end.
    #[error("meta-prompt `{name}`, line {line}: the comment is not closed with `-->`")]
    OpenComment {
        /// The meta-prompt.
        name: &'static str,
        /// The line on which it begins, from 1.
        line: usize,
    },
}

impl MetaPromptError {
    /// The line in the file, from 1, where the mistake has one.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::UnknownSlot { line, .. }
            | Self::NotFilled { line, .. }
            | Self::Misspelled { line, .. }
            | Self::BeforeCurrent { line, .. }
            | Self::Repeated { line, .. }
            | Self::OpenComment { line, .. } => Some(*line),
            Self::UnknownName { .. } | Self::MissingSlots { .. } => None,
        }
    }
}

fn names() -> Vec<&'static str> {
    all_meta_prompts().iter().map(|meta_prompt| meta_prompt.name).collect()
}

/// The names of all slots that an operator fills.
fn slots_of(name: &str) -> Vec<&'static str> {
    named_meta_prompt(name).into_iter().flat_map(MetaPrompt::slots).map(Slot::name).collect()
}

fn braced(slots: &[Slot]) -> String {
    let braced: Vec<String> = slots.iter().map(|slot| format!("`{{{{ {slot} }}}}`")).collect();
    braced.join(" and ")
}

impl MetaPrompts {
    /// With another text for one meta-prompt. A leading `<!-- … -->` is not part of it.
    ///
    /// # Errors
    /// The first mistake in it, with its line where it has one.
    pub fn with_override(mut self, name: &str, text: &str) -> Result<Self, MetaPromptError> {
        let meta_prompt = named_meta_prompt(name)
            .ok_or_else(|| MetaPromptError::UnknownName { name: name.to_owned() })?;
        let sent = checked(meta_prompt, text)?;
        self.overrides.insert(meta_prompt.name, sent.to_owned());
        Ok(self)
    }

    /// All of them, in the order of the lists.
    pub fn iter(&self) -> impl Iterator<Item = EffectiveMetaPrompt<'_>> {
        all_meta_prompts().iter().map(|meta_prompt| EffectiveMetaPrompt {
            meta_prompt,
            text: self.text_of(meta_prompt.name).unwrap_or(meta_prompt.text),
            is_override: self.overrides.contains_key(meta_prompt.name),
        })
    }
}

impl EffectiveMetaPrompt<'_> {
    /// The text as a file to start an override from: with a comment that says what it is for, which
    /// slots it has, and which of them it needs.
    #[must_use]
    pub fn ejected(&self) -> String {
        let meta_prompt = self.meta_prompt;
        let reply = match meta_prompt.reply {
            Reply::Prompt => "the new text of each part, in the tags that `form` shows",
            Reply::Notes => "one or more notes for a later step, in the tags that `form` shows",
        };
        let mut file = format!(
            "<!--\n{}: {}.\nThis comment is not sent. The reply is {reply}.\n\
             Slots, each to be written between double braces:\n",
            meta_prompt.name, meta_prompt.purpose
        );
        for slot in meta_prompt.slots() {
            let needed = if meta_prompt.needs.contains(&slot) { "needed" } else { "" };
            let _ = writeln!(file, "  {slot:<10}  {needed:<6}  {}", slot.meaning());
        }
        file.push_str("-->\n");
        file.push_str(self.text);
        file
    }
}

/// What is sent of a file: its text without the leading comment, if there is nothing wrong with it.
fn checked<'a>(
    meta_prompt: &'static MetaPrompt,
    file: &'a str,
) -> Result<&'a str, MetaPromptError> {
    let name = meta_prompt.name;
    let sent = without_comment(file)
        .ok_or_else(|| MetaPromptError::OpenComment { name, line: first_line(file) })?;
    let mut seen: Vec<Slot> = Vec::new();
    for piece in pieces(sent) {
        match piece {
            Piece::Literal(text) | Piece::Raw { text, .. } => {
                if let Some((at, found)) = misspelled(text) {
                    let line = line_of_offset(file, offset_in(file, text) + at);
                    return Err(MetaPromptError::Misspelled { name, line, found });
                }
            }
            Piece::Column { name: written, .. } => {
                let line = line_of_offset(file, offset_in(file, written));
                let slot = Slot::named(written).ok_or_else(|| MetaPromptError::UnknownSlot {
                    name,
                    line,
                    slot: written.to_owned(),
                })?;
                if !meta_prompt.slots().any(|known| known == slot) {
                    return Err(MetaPromptError::NotFilled { name, line, slot });
                }
                let harmless = matches!(slot, Slot::About | Slot::MaxTokens | Slot::Count);
                let is_first = slot == Slot::Current || seen.contains(&Slot::Current);
                if !harmless && !is_first && !holds(sent, Slot::Current) {
                    let needs = meta_prompt.needs.iter().copied();
                    let slots = needs.filter(|slot| !holds(sent, *slot)).collect();
                    return Err(MetaPromptError::MissingSlots { name, slots });
                }
                if !harmless && !is_first {
                    return Err(MetaPromptError::BeforeCurrent { name, line, slot });
                }
                if !harmless && seen.contains(&slot) {
                    return Err(MetaPromptError::Repeated { name, line, slot });
                }
                seen.push(slot);
            }
        }
    }
    let missing: Vec<Slot> =
        meta_prompt.needs.iter().copied().filter(|slot| !seen.contains(slot)).collect();
    if missing.is_empty() {
        Ok(sent)
    } else {
        Err(MetaPromptError::MissingSlots { name, slots: missing })
    }
}

/// Whether a text holds a slot anywhere.
fn holds(text: &str, slot: Slot) -> bool {
    let names = pieces(text).into_iter().filter_map(Piece::column);
    names.map(Slot::named).any(|named| named == Some(slot))
}

/// The text behind the leading comment; `None` where that has no end.
fn without_comment(file: &str) -> Option<&str> {
    let file = file.trim_start_matches('\u{feff}');
    match file.trim_start().strip_prefix("<!--") {
        Some(comment) => {
            let (_, sent) = comment.split_once("-->")?;
            Some(sent.trim_start())
        }
        None => Some(file),
    }
}

/// The line of the first character that is no space.
fn first_line(file: &str) -> usize {
    line_of_offset(file, file.len() - file.trim_start().len())
}

/// Where a slice of a text begins in it.
fn offset_in(text: &str, slice: &str) -> usize {
    (slice.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

/// Braces in a literal text that look like a slot, with where they begin.
fn misspelled(text: &str) -> Option<(usize, String)> {
    let doubled = ["{{", "}}"].iter().filter_map(|braces| text.find(braces)).min();
    let single = text.match_indices('{').find_map(|(at, _)| {
        let inner = text[at + 1..].split_once('}')?.0;
        Slot::named(&inner.trim().to_lowercase()).map(|_| at)
    });
    let at = doubled.into_iter().chain(single).min()?;
    let line_from = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let from = if text[at..].starts_with("}}") { line_from } else { at };
    let found = text[from..].lines().next().unwrap_or("");
    Some((at, shorten(found, 40)))
}
