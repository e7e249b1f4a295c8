//! Where mistakes of a task stand, and what to try: in its file, or in the file of a part.

use super::dataset::{self, ColumnMap};
use super::file::TaskFile;
use super::frozen::TaskSource;
use super::model::{ModelRole, Provider};
use crate::prompt::{Prompt, TemplateError, placeholder};
use crate::source::{SourceError, line_of_key};
use std::collections::BTreeSet;

/// Finds the line of a key of the task file.
pub(super) struct Locator<'a> {
    pub(super) source: &'a TaskSource,
}

impl Locator<'_> {
    pub(super) fn error(&self, path: &[&str], message: impl Into<String>) -> SourceError {
        let error = SourceError::new(self.source.place(), message);
        match line_of_key(self.source.text(), path) {
            Some(line) => error.at_line(line),
            None => error,
        }
    }

    pub(super) fn unknown_provider(
        &self,
        read: &TaskFile,
        role: ModelRole,
        name: &str,
    ) -> SourceError {
        let mut known: Vec<&str> = read.providers.keys().map(String::as_str).collect();
        for name in Provider::built_in_names() {
            known.push(name);
        }
        self.error(&["models", role.key()], format!("there is no provider `{name}`")).help(format!(
            "{} Or add [providers.{name}] with `kind`, `base_url` and `api_key`",
            crate::text::suggestion(name, &known)
        ))
    }

    /// A prompt that is the same for all rows.
    pub(super) fn shows_no_column(
        &self,
        baseline: &Prompt,
        columns: &BTreeSet<String>,
    ) -> SourceError {
        let message =
            "no part of the prompt shows a column: the request would be the same for all rows";
        let in_single_braces = |name: &&String| {
            let written = format!("{{{name}}}");
            baseline.parts().iter().any(|part| part.text.contains(&written))
        };
        let help = match (columns.iter().find(in_single_braces), columns.first()) {
            (Some(name), _) => {
                format!("`{{{name}}}` is literal text: write `{}`", placeholder(name))
            }
            (None, Some(first)) => {
                let is_written =
                    |name: &&String| baseline.parts().iter().any(|it| it.text.contains(*name));
                // An id column is rarely the input.
                let others = || columns.iter().filter(|name| !dataset::is_called_id(name));
                let name = others().find(is_written).or(others().next()).unwrap_or(first);
                format!("write `{}` where the row's value belongs", placeholder(name))
            }
            (None, None) => "give the rows columns".to_owned(),
        };
        self.error(&["prompt"], message).help(help)
    }

    /// A mistake in a part, reported in the part's own file if it has one.
    pub(super) fn template(
        &self,
        map: &ColumnMap,
        error: &TemplateError,
        columns: &BTreeSet<String>,
    ) -> SourceError {
        let (part, line) = error.place();
        let file = match self.source {
            TaskSource::Files(files) => files.part_files.get(part),
            TaskSource::Memory(_) => None,
        };
        let mut result = match file {
            Some(file) => SourceError { line, ..SourceError::new(file, error.to_string()) },
            None => self.error(&["prompt", part], error.to_string()),
        };
        let escape = "(literal braces stand between {% raw %} and {% endraw %})";
        result.help = match error {
            TemplateError::Unfilled { name, .. }
                if name == map.answer.as_deref().unwrap_or("answer") =>
            {
                Some(format!("no prompt shows `{name}`: it holds the right answers"))
            }
            TemplateError::Unfilled { name, .. }
                if name == map.feedback.as_deref().unwrap_or("feedback") =>
            {
                Some(format!("no prompt shows `{name}`: it says why an answer is right"))
            }
            TemplateError::Unfilled { name, .. } => {
                let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
                Some(format!("{} {escape}", crate::text::suggestion(name, &columns)))
            }
            TemplateError::Expression { .. } => Some(format!(
                "show the column alone, or leave `{part}` out of `search`: then it is a template {escape}"
            )),
            TemplateError::Broken { .. } => {
                result.help.or_else(|| Some(format!("correct it, or let it be text {escape}")))
            }
            TemplateError::Exhausted { .. } | TemplateError::Unquoted { .. } => result.help,
        };
        result
    }
}
