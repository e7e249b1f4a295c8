//! `diff`: what differs between two prompts.

use super::args::DiffArgs;
use super::error::CliError;
use super::named_prompt::NamedPrompt;
use super::screen::Screen;
use crate::formats::Document;
use crate::report::{NamedParts, PromptDiff};
use std::path::Path;

/// A prompt that was named.
struct Side {
    /// What it is.
    what: String,
    parts: NamedParts,
    /// The parts that a search changes; `None`: it comes from a file.
    searched: Option<Vec<String>>,
    /// Whether it is plain text without the name of its part.
    is_plain: bool,
}

/// Prints what differs.
pub(super) fn diff(args: &DiffArgs, screen: &Screen) -> Result<(), CliError> {
    let (mut a, mut b) = (side(&args.a, &args.out.out)?, side(&args.b, &args.out.out)?);
    // The rest of a run's prompt is not compared with a file, which may hold no more than what was searched.
    if b.searched.is_none() {
        a.keep_searched(&b.parts);
    }
    if a.searched.is_none() {
        b.keep_searched(&a.parts);
    }
    a.take_name_from(&b)?;
    b.take_name_from(&a)?;
    let diff = PromptDiff::of((a.what, &a.parts), (b.what, &b.parts));
    screen.show(&serde_json::to_value(&diff)?, &diff.page(screen.colour(), screen.width()))
}

impl Side {
    /// Of a run's prompt keeps what a search changes, and what the other side names.
    fn keep_searched(&mut self, others: &NamedParts) {
        if let Some(searched) = &self.searched {
            let is_named = |name: &String| others.iter().any(|(other, _)| other == name);
            self.parts.retain(|(name, _)| searched.contains(name) || is_named(name));
        }
    }

    /// Names the part of a plain text as the other prompt's only part.
    fn take_name_from(&mut self, other: &Self) -> Result<(), CliError> {
        if !self.is_plain || other.is_plain {
            return Ok(());
        }
        let ([(name, _)], [(other, _)]) = (&mut self.parts[..], &other.parts[..]) else {
            let names: Vec<&str> = other.parts.iter().map(|(name, _)| name.as_str()).collect();
            return Err(CliError::usage(format!(
                "{} is plain text, and {} has several parts: {}",
                self.what,
                other.what,
                names.join(", ")
            ))
            .hint("write the file as `export` does, with a line `<!-- part: NAME -->` before each part"));
        };
        name.clone_from(other);
        Ok(())
    }
}

/// The prompt that a text names.
fn side(asked: &str, out: &Path) -> Result<Side, CliError> {
    Ok(match NamedPrompt::find(asked, out)? {
        NamedPrompt::Document(document) => of_document(asked, document),
        NamedPrompt::Candidate(run, number) => {
            let candidate = &run.history.state.standing(number).candidate;
            let parts = candidate.prompt.parts().iter();
            Side {
                what: format!("{}:{} (n{number})", run.dir.name(), candidate.id),
                parts: parts.map(|part| (part.name.clone(), part.text.to_string())).collect(),
                searched: Some(run.task.layout.searched().to_vec()),
                is_plain: false,
            }
        }
    })
}

fn of_document(what: &str, document: Document) -> Side {
    let is_plain = document.parts.iter().any(|part| part.name.is_none());
    let parts = document.parts.into_iter();
    let parts = parts.map(|part| (part.name.unwrap_or_else(|| "text".to_owned()), part.text));
    Side { what: what.to_owned(), parts: parts.collect(), searched: None, is_plain }
}
