//! Calls of the task model in a row without a good answer: whether its provider is in trouble.
//!
//! What such a row of calls meets is a state of the provider, not a fact about rows, so it must stop the
//! run before it enters a score. One bad prompt is no reason to stop.

use crate::event::{NoAnswer, RowKey};
use crate::id::{Call, CandidateIx};
use std::collections::BTreeMap;
use tokio::time::Instant;

/// This number of calls in a row stops the run.
const MAX: usize = 20;
/// The most useless answers that count for a prompt that is not the baseline: the prompt itself may be
/// their cause.
const MAX_OF_ONE_PROMPT: usize = MAX / 2;

/// The calls since the last good answer.
#[derive(Debug, Default)]
pub(super) struct Streak {
    calls: Vec<(Call, RowKey)>,
    prompts: BTreeMap<CandidateIx, Counted>,
    causes: BTreeMap<NoAnswer, usize>,
    good_answers: u64,
    last_good: Option<Instant>,
    /// The calls of a streak that stopped the run, and those that also failed after it.
    stopped: Vec<(Call, RowKey)>,
    /// What most of the calls met that stopped it.
    stopped_by: Option<NoAnswer>,
}

/// Calls of one prompt.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    missing: usize,
    invalid: usize,
}

impl Streak {
    /// A call has a good answer.
    pub(super) fn good(&mut self) {
        let (good_answers, stopped) = (self.good_answers + 1, std::mem::take(&mut self.stopped));
        let stopped_by = self.stopped_by;
        let last_good = Some(Instant::now());
        *self = Self { good_answers, last_good, stopped, stopped_by, ..Self::default() };
    }

    /// Whether there was a good answer since this moment.
    pub(super) fn has_good_since(&self, moment: Instant) -> bool {
        self.last_good.is_some_and(|good| good > moment)
    }

    /// How many good answers there were.
    pub(super) fn good_answers(&self) -> u64 {
        self.good_answers
    }

    /// A call has none; whether the run must stop.
    #[must_use]
    pub(super) fn bad(&mut self, call: Call, to: RowKey, cause: NoAnswer) -> bool {
        self.calls.push((call, to));
        *self.causes.entry(cause).or_default() += 1;
        let counted = self.prompts.entry(to.candidate).or_default();
        match cause.is_invalid() {
            true => counted.invalid += 1,
            false => counted.missing += 1,
        }
        let count = |(prompt, counted): (&CandidateIx, &Counted)| {
            let most =
                if *prompt == CandidateIx::BASELINE { usize::MAX } else { MAX_OF_ONE_PROMPT };
            counted.missing + counted.invalid.min(most)
        };
        let is_one_bad_prompt =
            self.prompts.len() == 1 && !self.prompts.contains_key(&CandidateIx::BASELINE);
        if !self.stopped.is_empty() {
            self.stopped.push((call, to));
            return true;
        }
        let stops = !is_one_bad_prompt && self.prompts.iter().map(count).sum::<usize>() >= MAX;
        if stops {
            self.stopped.clone_from(&self.calls);
            self.stopped_by = self.causes.iter().max_by_key(|(_, count)| **count).map(|it| *it.0);
        }
        stops
    }

    /// The calls that stopped the run: what they met is no fact about rows.
    pub(super) fn stopped(&self) -> &[(Call, RowKey)] {
        &self.stopped
    }

    /// What most of the calls met that stopped the run.
    pub(super) fn stopped_by(&self) -> Option<NoAnswer> {
        self.stopped_by
    }

    /// The calls in words, with an example.
    pub(super) fn in_words(&self, example: &str) -> String {
        let mut causes: Vec<_> = self.causes.iter().collect();
        causes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let causes: Vec<String> = causes
            .into_iter()
            .map(|(cause, count)| format!("{count} {}", cause.in_words()))
            .collect();
        let (calls, causes) = (self.calls.len(), causes.join(", "));
        format!("{calls} calls in a row had no good answer ({causes}): {example}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RowIx;
    use crate::task::example::Split;

    /// A prompt's answer to a row.
    fn to(prompt: u32) -> RowKey {
        let (candidate, split) = (CandidateIx(prompt), Split::Dev);
        RowKey { candidate, split, replicate: 0, row: RowIx(0) }
    }

    /// After how many calls the run stops, which are of these prompts in turn, the last one again and
    /// again; `None`: never.
    fn stops_after(prompts: &[u32], cause: NoAnswer) -> Option<usize> {
        let mut streak = Streak::default();
        let last = *prompts.last().unwrap();
        let prompts = prompts.iter().copied().chain(std::iter::repeat(last));
        let mut bad = prompts
            .take(1_000)
            .zip(0..)
            .map(|(prompt, call)| streak.bad(Call(call), to(prompt), cause));
        bad.position(|stops| stops).map(|place| place + 1)
    }

    #[test]
    fn twenty_calls_of_the_baseline_or_of_several_prompts_stop_a_run_and_one_bad_prompt_does_not() {
        for cause in [NoAnswer::Refused, NoAnswer::Cut] {
            assert_eq!(stops_after(&[0], cause), Some(20));
            assert_eq!(stops_after(&[7], cause), None);
            assert_eq!(stops_after(&[[1, 2]; 10].concat(), cause), Some(20));
        }
        // A prompt that no model can answer, and one answer to another prompt.
        assert_eq!(stops_after(&[[7; 50].as_slice(), &[8]].concat(), NoAnswer::Cut), Some(60));
        assert_eq!(stops_after(&[[7; 50].as_slice(), &[8]].concat(), NoAnswer::Refused), Some(51));
    }

    #[test]
    fn a_good_answer_ends_the_row() {
        let mut streak = Streak::default();
        for call in 0..19 {
            assert!(!streak.bad(Call(call), to(0), NoAnswer::Cut));
        }
        streak.good();
        assert_eq!(streak.good_answers(), 1);
        for call in 19..38 {
            assert!(!streak.bad(Call(call), to(0), NoAnswer::Cut));
        }
        assert!(streak.stopped().is_empty());
        assert!(streak.bad(Call(38), to(0), NoAnswer::Cut));
        // What comes while the run stops changes nothing about these calls.
        streak.good();
        assert!(streak.bad(Call(39), to(0), NoAnswer::Cut));
        assert_eq!(streak.stopped(), (19..40).map(|call| (Call(call), to(0))).collect::<Vec<_>>());
    }

    #[test]
    fn the_causes_are_told_most_frequent_first() {
        let mut streak = Streak::default();
        for (cause, call) in [NoAnswer::Cut, NoAnswer::Empty, NoAnswer::Empty].into_iter().zip(0..)
        {
            let _ = streak.bad(Call(call), to(0), cause);
        }
        assert_eq!(
            streak.in_words("it said `stop`"),
            "3 calls in a row had no good answer (2 answered without a text, 1 cut off at \
             max_output_tokens): it said `stop`"
        );
    }
}
