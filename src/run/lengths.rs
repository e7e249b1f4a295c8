//! What calls are assumed to use before anything is asked, from the lengths of the baseline and the rows.

use crate::candidate::DEMOS;
use crate::ledger::estimate_tokens;
use crate::prompt::value_text;
use crate::recipe::Recipe;
use crate::task::Task;
use crate::task::example::Example;
use crate::task::model::{ModelRole, Usage};
use crate::units::Tokens;

/// The assumed number of bytes per token, before anything is counted; usual for English.
const BYTES_PER_TOKEN: u64 = 4;
/// Tokens by which the prompts that are tried are longer than the baseline, on average. On recorded prompts the
/// children of short baselines are 320 to 610 longer, and all prompts 650 to 1,030 (`docs/simulation.md`); with 750 the
/// proposals that are made there are within what is planned (`docs/strategies.md`).
const GROWTH: u64 = 750;
/// Tokens of an answer where the rows say nothing of it: most are short.
const ANSWER_TOKENS: u64 = 64;
/// Tokens by which answers are longer than what is expected: a lead, some reasoning.
const MORE_ANSWER_TOKENS: u64 = 16;
/// Tokens of what a judge says of a criterion.
const GRADE_TOKENS: u64 = 50;
/// Bytes of an answer with its feedback, which a proposal shows beside a row.
const ANSWER_BYTES: u64 = 200;

/// What calls are assumed to use, from the lengths of prompt and rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    /// Bytes of the baseline without a row.
    prompt: u64,
    /// Bytes by which a prompt that is tried is longer.
    pub(super) growth: u64,
    /// Bytes of a row, on average.
    row: u64,
    /// Tokens of an answer.
    answer: u64,
    /// Rows that a proposal shows.
    shown: u64,
    /// Texts of a prompt whose vectors are asked for.
    pub(super) texts: u64,
}

impl Lengths {
    pub(super) fn of(task: &Task, recipe: &Recipe, shown: u64) -> Self {
        let prompt = task.layout.bytes_without_row(&task.baseline) as u64;
        let longest = task.max_tokens.saturating_mul(BYTES_PER_TOKEN);
        let growth = (GROWTH * BYTES_PER_TOKEN).min(longest.saturating_sub(prompt));
        // Without demonstrations, a prompt with and without them is one text.
        let most = if task.layout.searched().iter().any(|part| part == DEMOS) { 2 } else { 1 };
        let texts = match task.model(ModelRole::Embed) {
            Some(_) => recipe.compared_texts().len().min(most) as u64,
            None => 0,
        };
        let rows = task.visible_rows();
        Self {
            prompt,
            growth,
            row: mean_row_bytes(&rows),
            answer: mean_answer(&rows),
            shown,
            texts,
        }
    }

    /// Bytes of a prompt that is tried.
    fn tried(self) -> u64 {
        self.prompt + self.growth
    }

    /// Tokens by which a prompt that is tried is longer than the baseline.
    pub(super) fn longer(self) -> Tokens {
        Tokens(self.growth.div_ceil(BYTES_PER_TOKEN))
    }

    /// Tokens by which a parent is longer than the baseline: half as many as a prompt that is tried, since the first
    /// ones are written from the baseline.
    pub(super) fn longer_parent(self) -> Tokens {
        Tokens((self.growth / 2).div_ceil(BYTES_PER_TOKEN))
    }

    /// A vector has no tokens.
    pub(super) fn of_embedding(self) -> Usage {
        Usage::plain((self.texts * self.tried()).div_ceil(BYTES_PER_TOKEN), 0)
    }

    /// The answer and the right one, of which `similar` asks vectors.
    pub(super) fn of_meaning(self) -> Usage {
        Usage::plain(2 * self.answer, 0)
    }

    /// With the baseline. The longest possible answer is only what is reserved.
    pub(super) fn of_row(self, max_output_tokens: u32) -> Usage {
        let sent = (self.prompt + self.row).div_ceil(BYTES_PER_TOKEN);
        Usage::plain(sent, u64::from(max_output_tokens).min(self.answer))
    }

    /// A judge is shown the rubric, the row and the answer, and says a sentence about each criterion.
    pub(super) fn of_judgement(self, task: &Task) -> Usage {
        let sent = (task.judge_question_bytes() as u64 + self.row).div_ceil(BYTES_PER_TOKEN);
        let sentences = task.scorers.judged().map(|(_, judging)| judging.sentences()).max();
        let said = sentences.unwrap_or(0) as u64 * GRADE_TOKENS;
        let most = task.judges().map(|(_, model)| model.max_output_tokens).max().unwrap_or(0);
        Usage::plain(sent + self.answer, said.min(u64::from(most)))
    }

    /// The longest request to a judge, with the longest answer.
    pub(super) fn longest_judgement(self, task: &Task) -> Tokens {
        let bytes = task.judge_question_bytes() + self.row as usize;
        let answer = u64::from(task.task_model().max_output_tokens);
        Tokens(estimate_tokens(bytes).0.saturating_add(answer))
    }

    /// A proposal shows the parent, the form of the reply and some rows with their answers, and is answered with a
    /// prompt.
    pub(super) fn of_proposal(self) -> Usage {
        let rows = self.shown * (self.row + ANSWER_BYTES);
        let sent = (self.prompt + rows + 2_000).div_ceil(BYTES_PER_TOKEN);
        Usage::plain(sent, self.tried().div_ceil(BYTES_PER_TOKEN) + 100)
            .with_longer_prompt(self.longer_parent())
    }

    /// The longest prompt of a role: prompts may grow up to `max_tokens`.
    pub(super) fn longest(self, role: ModelRole, max_tokens: u64) -> Tokens {
        let row = estimate_tokens(self.row as usize).0;
        match role {
            ModelRole::Mutator(_) => {
                Tokens(max_tokens.saturating_mul(4).saturating_add(row.saturating_mul(6)))
            }
            ModelRole::Task | ModelRole::Judge(_) => Tokens(max_tokens.saturating_add(row)),
            ModelRole::Embed => Tokens(self.texts.saturating_mul(max_tokens)),
        }
    }
}

/// What the answer to a row is assumed to use with the task's own prompt.
#[must_use]
pub fn usage_of_row(task: &Task) -> Usage {
    let prompt = task.layout.bytes_without_row(&task.baseline) as u64;
    let rows = task.visible_rows();
    let (row, answer) = (mean_row_bytes(&rows), mean_answer(&rows));
    let lengths = Lengths { prompt, growth: 0, row, answer, shown: 0, texts: 0 };
    lengths.of_row(task.task_model().max_output_tokens)
}

fn mean_row_bytes(rows: &[&Example]) -> u64 {
    let total: usize = rows.iter().map(|row| Task::row_bytes(row)).sum();
    (total / rows.len().max(1)) as u64
}

/// Tokens of an answer: as long as the expected ones and a little longer, or [`ANSWER_TOKENS`] where none are expected.
fn mean_answer(rows: &[&Example]) -> u64 {
    let (mut bytes, mut count) = (0_u64, 0_u64);
    for row in rows.iter().filter(|row| !row.answer.is_null()) {
        bytes += value_text(&row.answer).len() as u64;
        count += 1;
    }
    match bytes.checked_div(count) {
        Some(mean) => mean.div_ceil(BYTES_PER_TOKEN) + MORE_ANSWER_TOKENS,
        None => ANSWER_TOKENS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_become_tokens() {
        let lengths =
            Lengths { prompt: 400, growth: 200, row: 101, answer: 64, shown: 10, texts: 2 };
        // A vector has no tokens: 1,200 / 4.
        assert_eq!(lengths.of_embedding(), Usage::plain(300, 0));
        assert_eq!(lengths.longest(ModelRole::Embed, 2_000), Tokens(4_000));
        let of_row = lengths.of_row(512);
        // 501 / 4 rounded up; an answer is taken to be short.
        assert_eq!((of_row.prompt(), of_row.answer()), (Tokens(126), Tokens(64)));
        assert_eq!(lengths.of_row(20).answer(), Tokens(20));
        let of_proposal = lengths.of_proposal();
        // (400 + 3,010 + 2,000) / 4 rounded up and 100 / 4, and 600 / 4 + 100.
        assert_eq!((of_proposal.prompt(), of_proposal.answer()), (Tokens(1_378), Tokens(250)));
    }
}
