//! `external`: a program of the user's writes the new text.
//!
//! Here are its keys; `program` has what it reads and writes.

use super::ask::{Ask, Refusal, ReplyContent, with_parts};
use super::author::{Author, Operator, Program};
use super::draw::{DraftNeed, Draw};
use super::feedback::Feedback;
use super::program;
use crate::event::Draft;
use crate::grammar::Misuse;

kind! {
    /// A program of the user's: it reads one JSON object with the prompt and rows that it was tried on,
    /// and writes one with the new parts. Asks no model.
    "external": "A program of the user's.",
    External {
        /// The program and its arguments.
        command: Vec<String> = Vec::new(),
        /// The folder that it is started in; where none is given, that of the recipe's file.
        dir: String = String::new(),
        /// Seconds after which it is given up.
        timeout: u64 = 60 => positive,
        /// Which rows are shown.
        feedback: Feedback = Feedback::default(),
    }
}

impl Author for External {
    fn read(&self, ask: &Ask<'_>, reply: &str) -> Result<ReplyContent, Refusal> {
        let parts = program::read(reply, ask.asked())?;
        Ok(ReplyContent::Child(with_parts(ask.current(), parts)))
    }
}

impl Operator for External {
    fn feedback(&self) -> Option<&Feedback> {
        Some(&self.feedback)
    }

    fn check(&self) -> Result<(), Misuse> {
        self.feedback.check()?;
        if self.feedback.diagnosis {
            let message = "`diagnosis` does nothing with `external`";
            return Err(Misuse::of(&["feedback", "diagnosis"], message)
                .help("the program has all rows that are shown, and may count them itself"));
        }
        if self.command.first().is_none_or(|program| program.trim().is_empty()) {
            return Err(Misuse::of(&[], "an external operator needs a `command`")
                .help("write `command = [\"python3\", \"operator.py\"]`"));
        }
        if self.command.iter().any(|word| word.contains('\0')) {
            return Err(Misuse::of(&["command"], "a word of `command` holds a NUL"));
        }
        Ok(())
    }

    fn next(&self, draw: &Draw<'_>, draft: &Draft) -> DraftNeed {
        self.feedback.next(draw, draft)
    }

    fn program(&self) -> Option<Program<'_>> {
        Some(Program { command: &self.command, dir: &self.dir, timeout: self.timeout })
    }
}
