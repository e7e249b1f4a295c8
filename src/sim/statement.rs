//! What a prompt tells the simulated clerk: which skills it states, how well, and at what length.
//!
//! A reading depends on the prompt alone, not on a row, and is made once for each prompt.

use super::draw;
use super::form::Asked;
use super::labels::{AnswerForm, Labels};
use super::parameters::WorldParameters;
use super::skill::{Skill, Skills};
use super::words;
use crate::seed::Seed;
use std::collections::BTreeSet;

/// Shares of a skill's weighted words between which a statement goes from nothing to full.
const NOTHING_BELOW: f64 = 0.22;
const FULL_ABOVE: f64 = 0.70;
/// Content words in a sentence above which it blurs what it says.
const FOCUS: f64 = 30.0;
/// Content words in a line up to which its sentences may complete each other.
const LINE: usize = 40;
/// What is left of a statement that does not say where the case belongs, though the rule does.
const NO_LABEL: f64 = 0.35;
/// The same where the rule itself does not say it either.
const NO_LABEL_NEEDED: f64 = 0.8;
/// What is left of a statement that names one foreign label besides the right one; and more of them.
const ONE_MORE_LABEL: f64 = 0.75;
const MORE_LABELS: f64 = 0.4;
/// How far a line that plainly is about another skill is kept from misleading.
const EXPLAINED: f64 = 0.8;
/// Statements below this leave answers as they would be without them.
const UNSAID: f64 = 0.05;

/// What a prompt says about one skill.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stance {
    /// Logits of a row of average difficulty.
    pub(super) logit: f64,
    /// The same for prompts that say the same about this skill.
    pub(super) seed: Seed,
}

/// What a prompt says.
#[derive(Debug)]
pub(super) struct Reading {
    /// About each skill, in the world's order.
    pub(super) stances: Vec<Stance>,
    /// About the form of the answer.
    pub(super) asked: Asked,
    /// The same for prompts of the same words.
    pub(super) seed: Seed,
}

/// An example in a prompt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demonstration {
    /// The skill of its row.
    pub(super) skill: usize,
    /// Whether its output is the row's answer.
    pub(super) right: bool,
}

/// A sentence or a short line, by what matters in it.
struct Segment {
    /// Numbers of its words in the vocabulary.
    known: BTreeSet<usize>,
    labels: BTreeSet<usize>,
    /// 1 for a sentence of a usual length, less for a longer one.
    focus: f64,
    stems: String,
}

impl Reading {
    /// Reads the instructions of a prompt.
    #[expect(clippy::too_many_arguments, reason = "all that a world is, asked in one place")]
    pub(super) fn new(
        text: &str,
        form: &AnswerForm,
        labels: &Labels,
        fields: &BTreeSet<String>,
        skills: &Skills,
        demonstrations: &[Demonstration],
        parameters: &WorldParameters,
        seed: Seed,
    ) -> Self {
        let lines = lines_of(text);
        let sentences: Vec<String> =
            lines.iter().flat_map(|line| words::sentences(line)).map(str::to_lowercase).collect();
        let asked = Asked::new(&sentences, form, labels, fields);
        let segments = segments(&lines, labels, skills);
        // All words in order: the same prompt in other punctuation is the same prompt.
        let prompt = draw::of_text(seed.child("prompt", 0), &words::content(text).join(" "));
        let tokens = text.len().div_ceil(4) as f64;
        let dilution = parameters.dilution * (tokens / parameters.long_tokens).ln_1p();
        let statements = statements(&segments, skills, demonstrations, parameters);
        let disturbed = disturbed(&statements, skills);
        let stances = statements
            .iter()
            .zip(&skills.all)
            .zip(disturbed)
            .map(|((statement, skill), disturbed)| {
                statement.stance(skill, prompt, disturbed, dilution, parameters)
            })
            .collect();
        Self { stances, asked, seed: prompt }
    }
}

/// The best and the worst that a prompt says about one skill.
#[derive(Clone, Default)]
struct Statement {
    /// How well the skill is stated, in [0, 1].
    stated: f64,
    /// How far the prompt names a wrong label for it, in [0, 1].
    misled: f64,
    /// Stems of the segment that says it best.
    said_by: String,
}

impl Statement {
    fn stance(
        &self,
        skill: &Skill,
        prompt: Seed,
        disturbed: f64,
        dilution: f64,
        parameters: &WorldParameters,
    ) -> Stance {
        let wording = parameters.wording * draw::normal(skill.seed.child("wording", prompt.0));
        let logit = skill.prior + self.stated * (skill.mastered - skill.prior)
            - parameters.misled * self.misled * (1.0 - parameters.contradicted * self.stated)
            - parameters.disturbed * disturbed
            + wording
            - dilution;
        let said = if self.stated.max(self.misled) < UNSAID { "" } else { &self.said_by };
        Stance { logit, seed: draw::of_text(skill.seed.child("said", 0), said) }
    }
}

fn statements(
    segments: &[Segment],
    skills: &Skills,
    demonstrations: &[Demonstration],
    parameters: &WorldParameters,
) -> Vec<Statement> {
    let mut statements = vec![Statement::default(); skills.all.len()];
    for segment in segments {
        let coverage: Vec<f64> = skills
            .all
            .iter()
            .map(|skill| squash(segment.focus * share_of(&segment.known, skill)))
            .collect();
        let explained = skills
            .all
            .iter()
            .zip(&coverage)
            .filter(|(skill, _)| skill.label.is_some_and(|it| segment.labels.contains(&it)))
            .map(|(_, covered)| *covered)
            .fold(0.0, f64::max);
        for ((skill, covered), statement) in skills.all.iter().zip(&coverage).zip(&mut statements) {
            let (said, misled) = judge(skill, *covered, &segment.labels, explained);
            let stated = parameters.most_stated * said;
            if stated.max(misled) > statement.stated.max(statement.misled) {
                segment.stems.clone_into(&mut statement.said_by);
            }
            statement.stated = statement.stated.max(stated);
            statement.misled = statement.misled.max(misled);
        }
    }
    let mut counts = vec![[0_i32; 2]; statements.len()];
    for demonstration in demonstrations {
        if let Some(count) = counts.get_mut(demonstration.skill) {
            count[usize::from(demonstration.right)] += 1;
        }
    }
    for (statement, [wrong, right]) in statements.iter_mut().zip(counts) {
        statement.stated = statement.stated.max(parameters.shown_by(right));
        statement.misled = statement.misled.max(parameters.shown_by(wrong));
    }
    statements
}

/// How far each skill is disturbed: by how much better its neighbours' rules are stated than its own.
fn disturbed(statements: &[Statement], skills: &Skills) -> Vec<f64> {
    let mut disturbed = vec![0.0_f64; statements.len()];
    for (skill, statement) in skills.all.iter().zip(statements) {
        let Some(neighbour) = skill.neighbour else { continue };
        if let (Some(most), Some(own)) = (disturbed.get_mut(neighbour), statements.get(neighbour)) {
            *most = most.max(statement.stated * (1.0 - own.stated));
        }
    }
    disturbed
}

/// How far a segment states a skill, and how far it misleads about it.
fn judge(skill: &Skill, covered: f64, labels: &BTreeSet<usize>, explained: f64) -> (f64, f64) {
    let Some(label) = skill.label else {
        return (covered, 0.0);
    };
    if labels.contains(&label) {
        let left = match labels.difference(&skill.allowed).count() {
            0 => 1.0,
            1 => ONE_MORE_LABEL,
            _ => MORE_LABELS,
        };
        (covered * left, 0.0)
    } else if labels.is_empty() {
        let left = if skill.names_label { NO_LABEL } else { NO_LABEL_NEEDED };
        (covered * left, 0.0)
    } else {
        (0.0, covered * (1.0 - EXPLAINED * explained))
    }
}

fn share_of(known: &BTreeSet<usize>, skill: &Skill) -> f64 {
    skill.weights.iter().filter(|(word, _)| known.contains(word)).map(|(_, weight)| weight).sum()
}

/// From a share of words to a share of understanding: a smooth step between the two limits.
fn squash(share: f64) -> f64 {
    let x = ((share - NOTHING_BELOW) / (FULL_ABOVE - NOTHING_BELOW)).clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

/// The lines of a text that say something.
fn lines_of(text: &str) -> Vec<String> {
    let lines = words::unwrapped(text);
    let lines = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

fn segments(lines: &[String], labels: &Labels, skills: &Skills) -> Vec<Segment> {
    let mut segments = Vec::new();
    for line in lines {
        let sentences: Vec<&str> = words::sentences(line).collect();
        let whole = segment(line, labels, skills);
        if sentences.len() > 1 {
            segments.extend(sentences.iter().map(|sentence| segment(sentence, labels, skills)));
            if whole.stems.split(' ').count() > LINE {
                continue;
            }
        }
        segments.push(whole);
    }
    segments
}

fn segment(text: &str, labels: &Labels, skills: &Skills) -> Segment {
    let stems = words::content(text);
    Segment {
        known: stems.iter().filter_map(|stem| skills.vocabulary.get(stem).copied()).collect(),
        labels: labels.named_in(text),
        focus: (FOCUS / stems.len().max(1) as f64).min(1.0),
        stems: stems.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_thirds_of_the_words_say_nearly_everything_and_a_quarter_says_nothing() {
        assert!(squash(0.25) < 0.03);
        assert!((0.4..0.6).contains(&squash(0.46)));
        assert!(squash(0.65) > 0.95);
        assert_eq!(squash(1.0), 1.0);
    }

    #[test]
    fn a_wrapped_sentence_is_one_line_and_a_bullet_is_another() {
        let long = "A parcel that was sent out and is somewhere between us";
        let text =
            format!("{long}\nand its buyer is late.\n\n- one\n- two\n{long}\nsecurity: doors");
        let rejoined = format!("{long} and its buyer is late.");
        assert_eq!(lines_of(&text), [&rejoined, "- one", "- two", long, "security: doors"]);
    }
}
