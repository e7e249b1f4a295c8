//! What leaving lines out has saved a candidate, from the journal's figures.
//!
//! Told by the texts: a child that was composed without a model, and has the lines of its first parent but
//! for some that it lacks. Which operator left them out does not matter.

use super::Report;
use super::words::cost;
use crate::candidate::{Candidate, Origin};
use crate::id::CandidateIx;
use crate::run::prompt_tokens;
use crate::text::{plural, thousands};
use std::fmt;

/// Calls over which savings are told.
const CALLS: u64 = 1_000;

/// What was saved on the way from the baseline to a candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pruned {
    /// How often lines were left out.
    steps: usize,
    /// How many lines.
    lines: usize,
    /// Tokens of the candidate's prompt without the row.
    tokens: u64,
    /// How many more it would have with those lines.
    saved_tokens: u64,
    /// Dollars per 1,000 calls of the candidate, and how many fewer than with those lines: measured on the
    /// rows that each prompt was evaluated on. `None` where a prompt has no answer yet, or calls are free.
    usd: Option<(f64, f64)>,
}

impl Pruned {
    /// What was saved for a candidate; `None` where no lines were left out.
    pub(super) fn of(report: &Report<'_>, candidate: CandidateIx) -> Option<Self> {
        let state = &report.history.state;
        let tokens = |candidate: &Candidate| prompt_tokens(report.task, state, &candidate.prompt);
        let mut here = state.candidates.get(candidate.index())?;
        let (own_tokens, usd) = (tokens(&here.candidate), here.usd_per_1k());
        let mut steps = Vec::new();
        // A parent is older than its child, so this ends.
        while let Some(parent) = here.candidate.parents.first() {
            let Some(before) = state.candidates.get(parent.index()) else { break };
            if let Some(lines) = left_out(&here.candidate, &before.candidate, report) {
                let more = tokens(&before.candidate).saturating_sub(tokens(&here.candidate));
                let costs = before.usd_per_1k().zip(here.usd_per_1k());
                steps.push(Step { lines, tokens: more, usd: costs.map(|(old, new)| old - new) });
            }
            here = before;
        }
        Self::summed(own_tokens, usd, &steps)
    }

    fn summed(tokens: u64, usd: Option<f64>, steps: &[Step]) -> Option<Self> {
        let saved: Option<f64> = steps.iter().map(|step| step.usd).sum();
        let pruned = Self {
            steps: steps.len(),
            lines: steps.iter().map(|step| step.lines).sum(),
            tokens,
            saved_tokens: steps.iter().map(|step| step.tokens).sum(),
            usd: usd.filter(|usd| *usd > 0.0).zip(saved),
        };
        (!steps.is_empty()).then_some(pruned)
    }
}

/// One time that lines were left out: how many, and how many tokens a call and dollars per 1,000 calls
/// that saved.
#[derive(Clone, Copy)]
struct Step {
    lines: usize,
    tokens: u64,
    usd: Option<f64>,
}

impl fmt::Display for Pruned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} left out in {}: {} prompt tokens in place of {}, so {} fewer per {} calls",
            plural(self.lines, "line"),
            plural(self.steps, "step"),
            thousands(self.tokens),
            thousands(self.tokens + self.saved_tokens),
            thousands(self.saved_tokens * CALLS),
            thousands(CALLS),
        )?;
        if let Some((usd, saved)) = self.usd {
            let before = usd + saved;
            write!(f, "; {} per 1,000 calls in place of {}, as measured", cost(usd), cost(before))?;
        }
        Ok(())
    }
}

/// How many lines a child lacks that its parent has, where nothing else differs and no model wrote it.
fn left_out(child: &Candidate, parent: &Candidate, report: &Report<'_>) -> Option<usize> {
    if !matches!(child.origin, Origin::Composed(_)) {
        return None;
    }
    let mut count = 0;
    for part in report.task.layout.searched() {
        let filled = |candidate: &Candidate| -> Vec<String> {
            let text = candidate.prompt.part(part).unwrap_or("");
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.map(str::to_owned).collect()
        };
        let (own, old) = (filled(child), filled(parent));
        let mut rest = old.iter();
        if !own.iter().all(|line| rest.any(|other| other == line)) {
            return None;
        }
        count += old.len() - own.len();
    }
    (count > 0).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Draft, Event, ProposalOutcome};
    use crate::id::EventNumber;
    use crate::report::example::{Example, Kind, run};

    /// Adds a child whose searched text is another one.
    fn add(example: &mut Example, parent: CandidateIx, text: &str) -> CandidateIx {
        let state = &mut example.history.state;
        let proposal = state.next_proposal;
        let number = EventNumber(1_000_000);
        state.apply(number, &Event::ProposalDrafted(Draft::new(proposal, vec![parent])));
        let before = &state.standing(parent).candidate;
        let prompt = before.prompt.with_part("system", text);
        let candidate = Candidate {
            id: prompt.id(),
            prompt,
            parents: vec![parent],
            operator: "leaves_out".to_owned(),
            origin: Origin::Composed(proposal),
            ..(**before).clone()
        };
        let outcome = ProposalOutcome::Added { candidate, gate: None };
        state.apply(number, &Event::CandidateComposed { proposal, outcome });
        CandidateIx(state.candidates.len() as u32 - 1)
    }

    #[test]
    fn what_all_steps_saved_is_told_together() {
        let mut example = run(Kind::Confirmed);
        let text = "One line.\n\nTwo lines.\nThree lines.\nFour lines.\n";
        let whole = add(&mut example, CandidateIx::BASELINE, text);
        let first = add(&mut example, whole, "One line.\nTwo lines.\nThree lines.\n");
        let changed = add(&mut example, first, "One line.\nTwo new lines.\nThree lines.\n");
        let last = add(&mut example, changed, "One line.\n");
        let report = example.report();
        assert_eq!(Pruned::of(&report, whole), None, "other lines");
        assert_eq!(Pruned::of(&report, changed).unwrap().steps, 1);
        let pruned = Pruned::of(&report, last).unwrap();
        assert_eq!((pruned.steps, pruned.lines), (2, 3));
        let tokens = |one: CandidateIx| {
            let state = &example.history.state;
            prompt_tokens(&example.task, state, &state.standing(one).candidate.prompt)
        };
        let expected = tokens(whole) - tokens(first) + tokens(changed) - tokens(last);
        assert_eq!(pruned.saved_tokens, expected);
    }

    #[test]
    fn tokens_and_dollars_are_told_before_and_after() {
        let step = |usd: Option<f64>| Step { lines: 2, tokens: 130, usd };
        let of = |steps: &[Step]| Pruned::summed(980, Some(0.2), steps).unwrap().to_string();
        let said = of(&[step(Some(0.2)), step(Some(0.15))]);
        assert_eq!(
            said,
            "4 lines left out in 2 steps: 980 prompt tokens in place of 1,240, so 260,000 fewer per \
             1,000 calls; $0.200 per 1,000 calls in place of $0.550, as measured"
        );
        let said = of(&[step(None)]);
        assert!(said.ends_with("so 130,000 fewer per 1,000 calls"), "not measured: {said}");
        assert_eq!(Pruned::summed(980, Some(0.2), &[]), None);
    }
}
