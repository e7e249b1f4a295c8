//! The explanation of what was collected: why it was written, what changed, and what became of it.

use super::super::super::Report;
use super::super::super::diff::diff;
use super::super::super::pruned::Pruned;
use super::super::super::words::{self, visible, visible_line};
use super::super::{
    Change, DemoShown, Explanation, Happened, Identity, Outcome, Provenance, Relative, RepairShown,
    RowShown, ScoredPrompt, StepTaken, Subject,
};
use super::{End, Explainer, Proposal, named};
use crate::candidate::Origin;
use crate::engine::confirmed;
use crate::event::Draft;
use crate::id::{CandidateIx, EventNumber, ProposalNumber, RowIx};
use crate::memory::State;
use crate::operator::When;
use crate::prompt::Prompt;
use crate::recipe::Recipe;
use crate::run::prompt_tokens;
use crate::score_form::ScoreForm;
use crate::seed::Seed;
use crate::state::{Phase, Status};
use crate::strategy::Slots;
use crate::task::Task;
use crate::task::goal::Goal;
use crate::task::model::ModelRole;
use std::collections::BTreeMap;

impl Explainer {
    /// The explanation. `report` must be of the same run.
    #[must_use]
    pub fn explanation(mut self, report: &Report<'_>) -> Explanation {
        let recipe = report.recipe;
        let seed = Seed(report.summary.seed);
        let subject = match self.subject {
            Subject::Proposal(number) => {
                match self.proposals.get(&number).map(|known| &known.end) {
                    // The candidate that it became has the fuller explanation.
                    Some(End::Added(candidate)) => Subject::Candidate(*candidate),
                    _ => self.subject,
                }
            }
            candidate => candidate,
        };
        let run = visible_line(&report.summary.run);
        let number = match subject {
            Subject::Proposal(number) => {
                return Explanation {
                    score_form: self.score_form,
                    run,
                    candidate: None,
                    written: self.written(number, recipe, report.task),
                    changes: Vec::new(),
                    fate: Vec::new(),
                    children: Vec::new(),
                    invalid: BTreeMap::new(),
                    flags: Vec::new(),
                };
            }
            Subject::Candidate(number) => number,
        };
        self.confirmation(number, &report.task.goal, seed);
        let standing = self.state.standing(number);
        let candidate = standing.candidate.clone();
        let relatives = |of: &[CandidateIx]| {
            of.iter().map(|c| relative(&self.state, *c, self.score_form)).collect()
        };
        let children: Vec<CandidateIx> = self
            .state
            .numbered()
            .filter(|(_, other)| other.candidate.parents.contains(&number))
            .map(|(child, _)| child)
            .collect();
        let birth = self.state.memory.births.of(number);
        let identity = Identity {
            named: self.named(number),
            operator: visible_line(&candidate.operator),
            standing: standing_of(&self.state, number, self.score_form),
            parents: relatives(&candidate.parents),
            generation: birth.generation,
            place: birth.place,
            islands: self.state.memory.islands.of(number).to_vec(),
            demos: candidate
                .demos
                .iter()
                .map(|demo| DemoShown {
                    row: row_name(report.task, demo.row),
                    own_answer: demo.answer.is_some(),
                })
                .collect(),
            gene: candidate.gene.as_deref().map(visible),
            repairs: candidate
                .repairs
                .iter()
                .map(|repair| RepairShown {
                    what: words::repaired(repair.kind),
                    lines: repair.lines.iter().map(|line| visible_line(line)).collect(),
                })
                .collect(),
            prompt_tokens: prompt_tokens(report.task, &self.state, &candidate.prompt),
            pruned: Pruned::of(report, number).map(|pruned| pruned.to_string()),
            dev_mean: standing.dev().mean(),
            dev_rows: standing.dev().scored,
        };
        let written = match candidate.origin {
            Origin::Baseline => None,
            Origin::Proposal(number) | Origin::Composed(number) => {
                self.written(number, recipe, report.task)
            }
        };
        let changes = candidate.parents.first().map_or_else(Vec::new, |parent| {
            let before = &self.state.standing(*parent).candidate.prompt;
            changes(before, &candidate.prompt, report.task)
        });
        let children = relatives(&children);
        Explanation {
            score_form: self.score_form,
            run,
            candidate: Some(identity),
            written,
            changes,
            fate: self.fate,
            children,
            invalid: report.invalid.of_candidate(number),
            flags: Vec::new(),
        }
    }

    /// Reports the result on held-out rows, if all of them are folded.
    fn confirmation(&mut self, candidate: CandidateIx, goal: &Goal, seed: Seed) {
        let is_winner = self.state.winner.is_some_and(|(winner, ..)| winner == candidate);
        if self.state.phase != Phase::Over || !(is_winner || candidate == CandidateIx::BASELINE) {
            return;
        }
        let Some(confirmed) = confirmed(&self.state, goal, seed) else { return };
        let own = if is_winner { confirmed.winner } else { confirmed.baseline };
        let Some(own) = own else { return };
        let gain = confirmed.gain.as_ref().filter(|_| is_winner);
        let baseline_mean = gain.and(confirmed.baseline).map(|baseline| baseline.mean);
        let happened = Happened::Confirmed {
            mean: own.mean,
            low: own.low,
            high: own.high,
            rows: own.n,
            baseline_mean,
            gain: gain.map(|(gain, _)| gain.mean),
            p_value: gain.map(|(_, test)| test.p_value),
            is_shown: confirmed.is_shown,
        };
        let last = self.fate.last().map_or_else(EventNumber::default, |moment| moment.event);
        self.note(last, happened);
    }

    fn written(
        &self,
        number: ProposalNumber,
        recipe: Option<&Recipe>,
        task: &Task,
    ) -> Option<Provenance> {
        let known = self.proposals.get(&number)?;
        let draft = &known.draft;
        let recipe = recipe.map(|recipe| recipe.of_phase(draft.phase));
        let (operator, about) = operator_of(recipe, draft);
        let mut steps = Vec::new();
        let mut from = draft.from;
        while let Some(source) = from {
            let Some(earlier) = self.proposals.get(&source.proposal) else { break };
            let note = match &earlier.end {
                End::Noted(notes) => notes.get(usize::from(source.item)).map(|note| visible(note)),
                _ => None,
            };
            let step = step_name(recipe, &earlier.draft);
            let name = step.unwrap_or_else(|| format!("step {}", earlier.draft.step + 1));
            steps.push(StepTaken { proposal: source.proposal, name, note, call: earlier.call });
            from = earlier.draft.from;
        }
        steps.reverse();
        let outcome = match &known.end {
            End::Open => Outcome::Open,
            End::Added(_) => Outcome::Added,
            End::Rejected(reason, detail) => Outcome::Rejected {
                reason: *reason,
                sentence: words::rejection(*reason),
                detail: visible(detail),
                text: self.reply.as_deref().map(visible),
            },
            End::Abandoned(why) => Outcome::Abandoned { sentence: words::abandoned(*why) },
            End::Noted(notes) => Outcome::Noted {
                notes: notes.iter().map(|note| visible(note)).collect(),
                followed_by: self.followers(number),
            },
            End::Kept => Outcome::Kept { followed_by: self.followers(number) },
            End::Missing => Outcome::Missing,
        };
        Some(Provenance {
            proposal: number,
            operator,
            about,
            why: recipe.map_or_else(Vec::new, |slots| {
                let mut why = self.why(slots, known);
                why.extend(writer(task, slots, draft));
                why
            }),
            parents: draft.parents.iter().map(|parent| self.named(*parent)).collect(),
            steps,
            rows: known
                .shown
                .iter()
                .filter(|(shown, _)| !shown.counted)
                .map(|(shown, score)| RowShown { row: row_name(task, shown.row), score: *score })
                .collect(),
            earlier: draft
                .context
                .iter()
                .map(|item| ScoredPrompt { named: self.named(item.candidate), score: item.score })
                .collect(),
            call: known.call,
            outcome,
        })
    }

    fn followers(&self, number: ProposalNumber) -> Vec<ProposalNumber> {
        let builds_on =
            |known: &&Proposal| known.draft.from.is_some_and(|source| source.proposal == number);
        self.proposals.values().filter(builds_on).map(|known| known.draft.proposal).collect()
    }

    /// Why this operator and these parents were chosen, as far as recipe and journal show.
    fn why(&self, slots: &Slots, known: &Proposal) -> Vec<String> {
        let draft = &known.draft;
        let mut why = Vec::new();
        let operator = draft.operator.and_then(|place| slots.operator.get(usize::from(place)));
        let Some(operator) = operator else {
            match draft.init.and_then(|place| slots.init.get(usize::from(place))) {
                Some(init) if !init.asks_mutator() => why.push(format!(
                    "the recipe's init `{}` gives {}; this was number {}",
                    init.kind(),
                    crate::text::plural(init.requests() as usize, "prompt"),
                    draft.variant + 1
                )),
                Some(init) => why.push(format!(
                    "the recipe's init `{}` makes {}; this was number {}",
                    init.kind(),
                    crate::text::plural(init.requests() as usize, "request"),
                    draft.variant + 1
                )),
                None => why.push(format!(
                    "a combination of instruction and demonstrations, chosen by the sampler `{}`",
                    slots.sampler.kind()
                )),
            }
            return why;
        };
        let counted = known.shown.iter().filter(|(shown, _)| shown.counted).count();
        if draft.diagnosed && counted > 0 {
            let rows = crate::text::plural(counted, "more row");
            why.push(format!("the request sums up {rows} that its parent answered"));
        }
        if !draft.tried.is_empty() {
            let children: Vec<String> =
                draft.tried.iter().map(|tried| self.named(tried.candidate).to_string()).collect();
            why.push(format!("the request says what came of {}", children.join(", ")));
        }
        let total: f64 = slots
            .operator
            .iter()
            .filter(|other| !other.is_occasional())
            .map(|other| other.common.weight)
            .sum();
        let learns = slots.choose.learns();
        let takes_turns = slots.choose.turns(&slots.operator).is_some();
        why.push(match operator.common.when {
            When::AfterAccept => "used after a child was evaluated in full".to_owned(),
            When::IncumbentChanged => {
                format!("used because {} became the incumbent", self.named(known.incumbent))
            }
            When::Stalled(children) => {
                format!("used after {children} finished children without a new incumbent")
            }
            When::Always if slots.operator.len() == 1 => {
                "it is the recipe's only operator".to_owned()
            }
            When::Always if !learns && !takes_turns => format!(
                "drawn by weight: {} of {}",
                words::score(operator.common.weight),
                words::score(total)
            ),
            When::Always if takes_turns => {
                "every operator of the recipe is used on each parent".to_owned()
            }
            When::Always => {
                let chance = draft.chance.map_or_else(String::new, |chance| {
                    format!(", with probability {}", crate::text::percent(chance))
                });
                format!(
                    "drawn by `{}`, by the earlier results of the operators{chance}",
                    slots.choose.kind()
                )
            }
        });
        let parents = match operator.parents_in_words() {
            Some(words) => words.to_owned(),
            None => {
                let about = paragraph(slots.select.about());
                format!("parent selected by `{}`: {about}", slots.select.kind())
            }
        };
        why.push(parents);
        if let Some(chosen) = draft.own.as_ref().and_then(|own| operator.own_in_words(own)) {
            why.push(chosen.to_owned());
        }
        if let Some(mate) = &draft.mate {
            why.push(format!(
                "a part of it was replaced by that of {}",
                self.named(mate.candidate)
            ));
        }
        why
    }
}

/// Which of several mutators wrote it.
fn writer(task: &Task, slots: &Slots, draft: &Draft) -> Option<String> {
    let model = task.model(ModelRole::Mutator(draft.mutator))?;
    let asks =
        slots.author(draft).is_some_and(crate::operator::Author::asks_mutator) && !draft.program;
    let is_drawn = asks && task.mutators().nth(1).is_some();
    is_drawn.then(|| format!("written by `{}`, drawn by `{}`", model.name, slots.model.kind()))
}

/// Lines of documentation as one paragraph.
fn paragraph(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

fn relative(state: &State, candidate: CandidateIx, form: ScoreForm) -> Relative {
    let standing = state.standing(candidate);
    Relative {
        named: named(state, candidate),
        operator: visible_line(&standing.candidate.operator),
        dev_mean: standing.dev().mean(),
        dev_rows: standing.dev().scored,
        standing: standing_of(state, candidate, form),
    }
}

/// A candidate's current status.
fn standing_of(state: &State, candidate: CandidateIx, form: ScoreForm) -> String {
    let standing = state.standing(candidate);
    let winner = state.winner.map(|(winner, ..)| winner);
    if winner == Some(candidate) {
        return "the winner".to_owned();
    }
    match &standing.status {
        _ if candidate == state.incumbent && winner.is_none() => "the incumbent".to_owned(),
        Status::Dropped(why) => words::dropped(why, form),
        Status::Finished if state.incumbents.iter().any(|(earlier, _)| *earlier == candidate) => {
            "finished, was the incumbent".to_owned()
        }
        Status::Finished => "finished, was never the incumbent".to_owned(),
        Status::Open if state.phase > Phase::Searching => {
            "unfinished when the search ended".to_owned()
        }
        Status::Open => "not finished yet".to_owned(),
    }
}

fn row_name(task: &Task, row: RowIx) -> String {
    match task.splits.train.get(row.index()) {
        Some(example) => visible_line(example.id.as_str()),
        None => format!("train {row}"),
    }
}

fn changes(before: &Prompt, after: &Prompt, task: &Task) -> Vec<Change> {
    let text = |prompt: &Prompt, part: &str| prompt.part(part).unwrap_or("").to_owned();
    task.layout
        .searched()
        .iter()
        .map(|part| {
            let (before, after) = (text(before, part), text(after, part));
            let pieces = diff(&before, &after);
            Change { part: visible_line(part), is_changed: before != after, pieces }
        })
        .collect()
}

/// The operator's name and description.
fn operator_of(recipe: Option<&Slots>, draft: &Draft) -> (String, String) {
    let of = |kind: &str, about: &[&str]| (kind.to_owned(), paragraph(about));
    let unknown = |noun: &str, place: u16| (format!("{noun} {place}"), String::new());
    match (draft.operator, draft.init) {
        (Some(place), _) => {
            recipe.and_then(|recipe| recipe.operator.get(usize::from(place))).map_or_else(
                || unknown("operator", place),
                |used| of(used.kind(), used.chosen().about()),
            )
        }
        (None, Some(place)) => recipe
            .and_then(|recipe| recipe.init.get(usize::from(place)))
            .map_or_else(|| unknown("init", place), |init| of(init.kind(), init.about())),
        (None, None) => of("combine", &["Puts an instruction and demonstrations together."]),
    }
}

/// The name of the meta-prompt of a draft's step.
fn step_name(recipe: Option<&Slots>, draft: &Draft) -> Option<String> {
    let step = recipe?.author(draft)?.steps().get(usize::from(draft.step)).copied()?;
    Some(step.meta_prompt.name.to_owned())
}
