//! How the simulated editor makes one text of several: lines of each, the same thing said once.

use super::super::words;
use super::brief::Brief;
use super::kind::Kind;
use super::revise::{Draft, HARMED, labels_of, parted, said_anew, tell_of};
use crate::prompt::placeholders;
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// How often a line that only the first text has is kept, and one that only the second has: where
/// all is to be joined, and where a part of each is to be taken.
const FIRST_KEPT: f64 = 0.95;
const SECOND_JOINED: f64 = 0.85;
const SECOND_CROSSED: f64 = 0.6;
/// How often a changed difference of two donors is taken over.
const DIFFERENCE_KEPT: f64 = 0.7;
/// The share of the shorter line's words that two lines have in common if they are about the same.
const SAME: f64 = 0.6;
/// How often a rewriting of past prompts adds a rule that one of the rows shows.
const ADDS_RULE: f64 = 0.5;

/// Whether two lines are about the same thing.
fn same(one: &str, other: &str) -> bool {
    let stems = |line: &str| words::content(line).into_iter().collect::<BTreeSet<String>>();
    let (one, other) = (stems(one), stems(other));
    let shorter = one.len().min(other.len());
    shorter > 0 && one.intersection(&other).count() as f64 >= SAME * shorter as f64
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.trim().is_empty()).collect()
}

/// Whether a line may move from one text into another: it is not the first one, which says what the
/// text is, and has no placeholder, which each text has already.
fn moves(place: usize, line: &str) -> bool {
    place > 0 && placeholders(line).is_empty()
}

impl Draft {
    /// Takes lines of another text in: one of two that are about the same, and by chance the others.
    fn cross(&mut self, other: &str, kept: f64, rng: &mut ChaCha8Rng) {
        let theirs = lines(other);
        let mut taken = vec![false; theirs.len()];
        let mut own = Vec::new();
        let is_free = |place: usize, line: &str| moves(place, line) && !line.trim().is_empty();
        for (place, line) in std::mem::take(&mut self.lines).into_iter().enumerate() {
            if !is_free(place, &line) {
                own.push(line);
                continue;
            }
            let twin = (0..theirs.len())
                .find(|at| !taken[*at] && moves(*at, theirs[*at]) && same(&line, theirs[*at]));
            match twin {
                Some(at) => {
                    taken[at] = true;
                    own.push(if rng.random_bool(0.5) { line } else { theirs[at].to_owned() });
                }
                None if rng.random_bool(FIRST_KEPT) => own.push(line),
                None => {}
            }
        }
        self.lines = own;
        for (at, line) in theirs.into_iter().enumerate() {
            let said = taken[at] || self.lines.iter().any(|own| own.trim() == line.trim());
            if moves(at, line) && !said && rng.random_bool(kept) {
                self.add(line);
            }
        }
    }

    /// A rule behind the last one, any other line at the end.
    fn add(&mut self, line: &str) {
        match parted(line) {
            ("", line) => self.lines.push(line.to_owned()),
            (_, body) => self.push_rule(body),
        }
    }

    /// Joins the current text with the other one.
    pub(super) fn join(&mut self, brief: &Brief, rng: &mut ChaCha8Rng) {
        if let Some(second) = brief.others.first() {
            self.cross(second, SECOND_JOINED, rng);
        }
        self.harm(HARMED, rng);
    }

    /// Crosses the current text with the other one, and changes the result.
    pub(super) fn cross_and_mutate(&mut self, brief: &Brief, rng: &mut ChaCha8Rng) {
        if let Some(second) = brief.others.first() {
            self.cross(second, SECOND_CROSSED, rng);
        }
        self.harm(HARMED, rng);
        self.reword(rng);
        self.change(&[], rng);
    }

    /// The best text with what the donors differ in, changed; crossed with the current text.
    pub(super) fn vary_by_difference(&mut self, brief: &Brief, rng: &mut ChaCha8Rng) {
        let [a, b, rest @ ..] = brief.others.as_slice() else {
            return self.cross_and_mutate(brief, rng);
        };
        let mut differing = Vec::new();
        for (one, other) in [(a, b), (b, a)] {
            let others = lines(other);
            let own = lines(one).into_iter().enumerate().filter(|(at, line)| {
                moves(*at, line) && !others.iter().any(|other| other.trim() == line.trim())
            });
            differing.extend(own.map(|(_, line)| line));
        }
        let mut combined = Self::new(rest.first().unwrap_or(&brief.current));
        for line in differing {
            if !rng.random_bool(DIFFERENCE_KEPT) {
                continue;
            }
            let changed = said_anew(line, rng);
            let twin = combined
                .lines
                .iter()
                .enumerate()
                .position(|(at, own)| moves(at, own) && same(own, &changed));
            match twin {
                Some(at) if rng.random_bool(0.5) => combined.lines[at] = changed,
                Some(_) => {}
                None => combined.add(&changed),
            }
        }
        let current = std::mem::take(&mut self.lines).join("\n");
        combined.cross(&current, SECOND_CROSSED, rng);
        self.lines = combined.lines;
        self.harm(HARMED, rng);
    }

    /// A text made of lines of those that are shown, the better ones preferred where the request
    /// tells which they are.
    pub(super) fn continue_past(&mut self, brief: &Brief, rng: &mut ChaCha8Rng) {
        let weights = weights_of(brief);
        let places: Vec<usize> = (0..brief.past.len()).collect();
        let draw = |rng: &mut ChaCha8Rng| {
            places
                .choose_weighted(rng, |place| weights[*place])
                .ok()
                .map(|place| &brief.past[*place])
        };
        if let Some(base) = draw(rng) {
            *self = Self::new(&base.text);
            let donor = draw(rng).filter(|donor| donor.text != base.text);
            // Where there is nothing else to cross with, there is still the text at hand.
            let donor = donor.map_or(&brief.current, |donor| &donor.text);
            self.cross(donor, SECOND_CROSSED, rng);
        }
        self.harm(HARMED, rng);
        self.reword(rng);
        let changes = if matches!(brief.kind, Kind::Eda | Kind::EdaRank) { 2 } else { 1 };
        for _ in 0..changes {
            self.change(&brief.evidence, rng);
        }
        if let Some(record) = brief.evidence.choose(rng)
            && rng.random_bool(ADDS_RULE)
        {
            let labels = labels_of(&brief.evidence);
            tell_of(std::iter::once(record), &labels, rng, |rule, rng| self.state(&rule, rng));
        }
    }
}

/// How much each past text is preferred: the square of its rank, by scores where they are told, by
/// place where the request says that they are ordered, and all alike otherwise.
fn weights_of(brief: &Brief) -> Vec<f64> {
    let scored = brief.past.iter().any(|past| past.score.is_some());
    (0..brief.past.len())
        .map(|place| {
            let score = |at: usize| brief.past[at].score.unwrap_or(f64::NEG_INFINITY);
            let rank = if scored {
                (0..brief.past.len()).filter(|at| score(*at) < score(place)).count()
            } else if brief.kind == Kind::Eda {
                0
            } else {
                place
            };
            ((rank + 1) as f64).powi(2)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn crossing_takes_lines_of_both_and_says_nothing_twice() {
        let first = "Route {{ x }}.\n- Late parcels go to logistics.\n- Bills go to billing.";
        let second =
            "Sort {{ x }}.\n- Late parcels always go to logistics.\n- Broken goods go to claims.";
        let (mut both, mut twice) = (0, 0);
        for number in 0..200 {
            let mut rng = Seed(number).rng();
            let mut draft = Draft::new(first);
            draft.cross(second, SECOND_JOINED, &mut rng);
            let text = draft.text();
            assert!(text.starts_with("Route {{ x }}.") && !text.contains("Sort"), "{text}");
            both += usize::from(text.contains("billing") && text.contains("claims"));
            twice += usize::from(text.matches("logistics").count() > 1);
        }
        assert!(both > 140 && twice == 0, "{both} {twice}");
    }
}
