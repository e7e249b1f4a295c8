//! Asks the questions of an inquiry in the run of its folder, and gives their replies.

use super::cap_args::CapArgs;
use super::error::CliError;
use super::eval::{Answers, Question};
use super::screen::Screen;
use super::settings;
use crate::clock::Clock;
use crate::id::RowIx;
use crate::inquiry::Inquiry;
use crate::report::simulated_line_of;
use crate::run::{Run, RunDir};
use crate::state::Cell;
use crate::task::example::Example;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What came of the questions.
pub(super) struct Replies {
    pub(super) answers: Answers,
    /// In the order of the questions; `None` where there is no reply.
    pub(super) texts: Vec<Option<String>>,
    folder: PathBuf,
}

/// Asks `count` questions; those that were answered before are not asked again.
pub(super) fn ask(
    inquiry: Inquiry,
    count: usize,
    caps: &CapArgs,
    concurrency: Option<usize>,
    screen: &Screen,
) -> Result<Replies, CliError> {
    let folder = inquiry.folder.clone();
    let asking = inquiry.begin()?;
    let caps = settings::caps(&asking, caps, &Clock::System)?;
    let models = BTreeMap::new();
    let question = Question { split: None, rows: None, caps, concurrency, models };
    let answers = question.ask(asking, folder.clone(), screen)?;
    let column = answers.ended.state.baseline().dev();
    let mut texts = vec![None; count];
    for (row, asked) in (0..).map(RowIx).zip(&answers.run.task().splits.dev) {
        let asked: &Example = asked;
        // The rows of a split have an order of their own.
        let place = asked.id.as_str().parse::<usize>().ok().and_then(|it| it.checked_sub(1));
        let text = place.and_then(|place| texts.get_mut(place));
        if let (Some(text), Cell::Scored { answer, .. }) = (text, column.cell(row)) {
            *text = answers.run.event(answer)?.answer().map(|reply| reply.text.clone());
        }
    }
    Ok(Replies { answers, texts, folder })
}

impl Replies {
    /// Calls made and dollars spent, in all sessions of the run.
    pub(super) fn spent(&self) -> (u64, f64) {
        let spent = &self.answers.summary.spent;
        (spent.by_role.values().map(|role| role.calls).sum(), spent.usd)
    }

    /// The model that was asked, as `provider/model`.
    pub(super) fn model(&self) -> String {
        self.answers.run.task().task_model().name.to_string()
    }

    /// That simulated models answered, if any did.
    pub(super) fn simulated(&self) -> Result<Option<&'static str>, CliError> {
        let dir = RunDir::at(self.folder.clone());
        Ok(simulated_line_of([&Run::read(&dir)?]))
    }
}
