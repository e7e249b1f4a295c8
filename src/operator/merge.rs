//! `merge`: puts two candidates together without a model.
//!
//! Each contributes what it changed since their common ancestor (GEPA's merge, arXiv:2507.19457,
//! appendix; by lines, a three-way merge).

use super::ask::Ask;
use super::author::{Author, Operator, OwnGate};
use super::draw::Draw;
use crate::candidate::DEMOS;
use crate::event::{Draft, Gate};
use crate::id::{CandidateIx, RowIx};
use crate::memory::State;
use crate::prompt::{Part, Prompt};
use crate::seed::Seed;
use crate::stats::weighted;
use crate::task::example::Split;
use rand::Rng;
use rand::seq::SliceRandom;
use similar::{Algorithm, DiffOp};

kind! {
    /// Takes from each of two candidates what it changed since their common ancestor. `max_uses`
    /// counts the children that are kept, not those that are dropped. Asks no model.
    "merge": "Three-way merge of two candidates and their common ancestor, without a model.",
    Merge {
        /// Whole parts (the paper), or lines within them.
        level: MergeLevel = MergeLevel::Part,
        /// The candidates that may be merged: those on the front (the paper), or any that improved on
        /// its parent, dropped ones included.
        pool: MergePool = MergePool::Front,
        /// Pairs that are drawn before the operator gives up for this time (pool `front` only).
        attempts: u32 = 100 => positive,
        /// Rows on which the child must do as well as the better parent before it is tried in
        /// full; 0 = none.
        gate_size: usize = 0,
    }
}

choice! {
    /// What a merge takes over.
    MergeLevel {
        /// A whole part from one parent.
        Part = "part",
        /// The lines that each parent added or removed.
        Line = "line",
    }
}

choice! {
    /// The candidates that may be merged.
    MergePool {
        /// Candidates that are among the best on some row.
        Front = "front",
        /// The incumbent with any candidate that likely improved on its own parent.
        Improved = "improved",
    }
}

/// How likely an improvement must be for its lines to be worth a merge.
const LIKELY_IMPROVED: f64 = 0.6;

impl Author for Merge {}

impl Operator for Merge {
    fn counts_kept_children(&self) -> bool {
        true
    }

    fn may_be_followed(&self) -> bool {
        false
    }

    fn parents_in_words(&self) -> Option<&'static str> {
        Some("a pair with its common ancestor")
    }

    /// The parents are the pair and its common ancestor.
    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let seed = draw.seed.child("merge", 0);
        let parents = match self.pool {
            MergePool::Front => self.front_pair(draw, seed)?,
            MergePool::Improved => self.improved_pair(draw.state, seed)?,
        };
        Some(Draft { parents: parents.to_vec(), ..draft })
    }

    fn compose(&self, ask: &Ask<'_>) -> Prompt {
        match ask.draft.parents[..] {
            [first, second, ancestor] => {
                merged(self.level, ask.prompt(first), ask.prompt(second), ask.prompt(ancestor))
            }
            _ => ask.current().clone(),
        }
    }

    fn parents_of(&self, draft: &Draft) -> Vec<CandidateIx> {
        draft.parents.iter().copied().take(2).collect()
    }

    fn gate(&self, draw: &Draw<'_>, draft: &Draft) -> Option<OwnGate> {
        Some(self.gate_of(draw, draft))
    }
}

impl Merge {
    /// Two candidates that share an ancestor, neither being the other's, both at least as good as it
    /// (GEPA's merge, arXiv:2507.19457, appendix): what each changed can be put together.
    fn front_pair(&self, draw: &Draw<'_>, seed: Seed) -> Option<[CandidateIx; 3]> {
        let state = draw.state;
        let pool = draw.breeding.front();
        if pool.len() < 2 {
            return None;
        }
        let mut rng = seed.rng();
        let mean = |candidate: CandidateIx| state.standing(candidate).dev().mean().unwrap_or(0.0);
        for _ in 0..self.attempts {
            let first = rng.random_range(0..pool.len());
            let second = (first + rng.random_range(1..pool.len())) % pool.len();
            let (a, b) = (pool[first].min(pool[second]), pool[first].max(pool[second]));
            let (of_a, of_b) = (state.ancestors(a), state.ancestors(b));
            if of_b.contains(&a) || of_a.contains(&b) {
                continue;
            }
            let common: Vec<CandidateIx> = of_a
                .into_iter()
                .filter(|ancestor| of_b.contains(ancestor))
                .filter(|ancestor| !state.memory.turns.was_merged(a, b, *ancestor))
                .filter(|ancestor| mean(*ancestor) <= mean(a).min(mean(b)) + 1e-9)
                .filter(|ancestor| self.can_merge(state, a, b, *ancestor))
                .collect();
            let weights: Vec<f64> = common.iter().map(|ancestor| mean(*ancestor) + 1e-6).collect();
            if let Some(place) = weighted(&weights, &mut rng) {
                // The better one first, either of equals: growth is measured against the first, and
                // it wins a conflict.
                let tie = (mean(a) - mean(b)).abs() < 1e-9;
                let swap = if tie { rng.random_bool(0.5) } else { mean(b) > mean(a) };
                let (first, second) = if swap { (b, a) } else { (a, b) };
                return Some([first, second, common[place]]);
            }
        }
        None
    }

    /// The incumbent with a candidate of another line that likely improved on its own parent. A race
    /// drops such a candidate when it is not better than the incumbent too; a merge keeps what it
    /// learnt.
    fn improved_pair(&self, state: &State, seed: Seed) -> Option<[CandidateIx; 3]> {
        let incumbent = state.incumbent;
        let of_incumbent = state.ancestors(incumbent);
        let merged_with = |other: CandidateIx| {
            state.candidates.iter().any(|standing| {
                let parents = &standing.candidate.parents;
                parents.len() == 2 && parents.contains(&incumbent) && parents.contains(&other)
            })
        };
        let mut found: Vec<(CandidateIx, CandidateIx, f64)> = Vec::new();
        for (other, standing) in state.numbered() {
            if other == incumbent || standing.dev().scored == 0 || of_incumbent.contains(&other) {
                continue;
            }
            let others = state.ancestors(other);
            let Some(ancestor) = others.iter().copied().find(|a| of_incumbent.contains(a)) else {
                continue;
            };
            let likely = state.memory.pairs.improvement(state, other);
            if likely < LIKELY_IMPROVED
                || others.contains(&incumbent)
                || !self.can_merge(state, incumbent, other, ancestor)
                || merged_with(other)
            {
                continue;
            }
            found.push((other, ancestor, likely - 0.5));
        }
        let weights: Vec<f64> = found.iter().map(|(.., weight)| *weight).collect();
        let place = weighted(&weights, &mut seed.rng())?;
        let (other, ancestor, _) = found[place];
        Some([incumbent, other, ancestor])
    }

    /// Whether both changed something that can be put together.
    fn can_merge(
        &self,
        state: &State,
        a: CandidateIx,
        b: CandidateIx,
        ancestor: CandidateIx,
    ) -> bool {
        let parts = |candidate: CandidateIx| state.standing(candidate).candidate.prompt.parts();
        parts(a).iter().zip(parts(b)).zip(parts(ancestor)).any(|((a, b), old)| match self.level {
            // Unchanged in exactly one of them: the changed one can be taken over.
            MergeLevel::Part => (a.text == old.text) != (b.text == old.text),
            MergeLevel::Line => a.text != old.text && b.text != old.text && a.text != b.text,
        })
    }

    /// Rows of dev on which the parents differ in favour of each, and ties, a third of each as far as
    /// there are; on them the child must reach the better parent (GEPA's merge, arXiv:2507.19457,
    /// appendix: of five rows, two each way and a tie).
    fn gate_of(&self, draw: &Draw<'_>, draft: &Draft) -> OwnGate {
        let state = draw.state;
        if self.gate_size == 0 || draft.parents.len() < 2 {
            return None;
        }
        let (a, b) =
            (state.standing(draft.parents[0]).dev(), state.standing(draft.parents[1]).dev());
        // Where the first is better, where the second is, and where they tie.
        let mut groups: [Vec<RowIx>; 3] = Default::default();
        for row in (0..state.dev_rows).map(RowIx) {
            let (Some(a), Some(b)) = (a.cell(row).score(), b.cell(row).score()) else {
                continue;
            };
            groups[if a > b { 0 } else { usize::from(b <= a) + 1 }].push(row);
        }
        let mut rng = draw.setting.seed.child("gate", u64::from(draft.proposal.0)).rng();
        let mut rows: Vec<RowIx> = Vec::new();
        let mut rest: Vec<RowIx> = Vec::new();
        for mut group in groups {
            group.shuffle(&mut rng);
            let room = self.gate_size - rows.len();
            let taken = self.gate_size.div_ceil(3).min(room).min(group.len());
            rest.extend(group.split_off(taken));
            rows.extend(group);
        }
        rest.shuffle(&mut rng);
        rest.truncate(self.gate_size - rows.len());
        rows.extend(rest);
        let sum = |column: &crate::state::Column| -> f64 {
            rows.iter().filter_map(|row| column.cell(*row).score()).sum()
        };
        let better = if sum(b) > sum(a) { b } else { a };
        let against = rows.iter().map(|row| better.cell(*row).score().unwrap_or(0.0)).collect();
        Some(Gate { split: Split::Dev, rows, against, inclusive: true })
    }
}

/// The merged prompt. `first` is the better parent: it wins where both changed the same part.
fn merged(level: MergeLevel, first: &Prompt, second: &Prompt, ancestor: &Prompt) -> Prompt {
    let parts = first
        .parts()
        .iter()
        .map(|part| {
            let mine = &*part.text;
            let theirs = second.part(&part.name).unwrap_or(mine);
            let old = ancestor.part(&part.name).unwrap_or(mine);
            let text = match level {
                // The changed one where one is unchanged; else the better parent's.
                MergeLevel::Part if mine == old => theirs.to_owned(),
                MergeLevel::Part => mine.to_owned(),
                // A set of demonstrations is whole or not at all.
                MergeLevel::Line if part.name == DEMOS => {
                    if mine == old {
                        theirs.to_owned()
                    } else {
                        mine.to_owned()
                    }
                }
                MergeLevel::Line => merge_lines(mine, theirs, old),
            };
            Part { name: part.name.clone(), text: text.into() }
        })
        .collect();
    Prompt::new(parts)
}

/// The ancestor's lines without those that either removed, and with those that either added, each
/// behind the line that it was added to. A line that stands already is not added again.
fn merge_lines(mine: &str, theirs: &str, old: &str) -> String {
    let old_lines: Vec<&str> = old.lines().collect();
    let mut kept = vec![true; old_lines.len()];
    // What is added before old line `i`; the last entry is what is added at the end.
    let mut added: Vec<Vec<&str>> = vec![Vec::new(); old_lines.len() + 1];
    for text in [mine, theirs] {
        let lines: Vec<&str> = text.lines().collect();
        for op in similar::capture_diff_slices(Algorithm::Myers, &old_lines, &lines) {
            let (removed, inserted, at) = match op {
                DiffOp::Equal { .. } => continue,
                DiffOp::Delete { old_index, old_len, .. } => {
                    (old_index..old_index + old_len, 0..0, old_index)
                }
                DiffOp::Insert { old_index, new_index, new_len } => {
                    (0..0, new_index..new_index + new_len, old_index)
                }
                DiffOp::Replace { old_index, old_len, new_index, new_len } => (
                    old_index..old_index + old_len,
                    new_index..new_index + new_len,
                    old_index + old_len,
                ),
            };
            for index in removed {
                kept[index] = false;
            }
            added[at].extend(&lines[inserted]);
        }
    }
    let mut merged: Vec<&str> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for index in 0..=old_lines.len() {
        for line in &added[index] {
            // Blank lines separate, so they may stand more than once.
            if line.trim().is_empty() || seen.insert(line.trim()) {
                merged.push(line);
            }
        }
        if index < old_lines.len() && kept[index] {
            seen.insert(old_lines[index].trim());
            merged.push(old_lines[index]);
        }
    }
    let mut text = merged.join("\n");
    if mine.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(system: &str, demos: &str) -> Prompt {
        let part = |name: &str, text: &str| Part { name: name.into(), text: text.into() };
        Prompt::new(vec![part("system", system), part("demos", demos), part("user", "{{ x }}")])
    }

    #[test]
    fn by_part_the_changed_one_is_taken_over() {
        let old = prompt("s", "d");
        let child = merged(MergeLevel::Part, &prompt("s1", "d"), &prompt("s", "d2"), &old);
        assert_eq!(child, prompt("s1", "d2"));
        let conflict = merged(MergeLevel::Part, &prompt("s1", "d"), &prompt("s2", "d"), &old);
        assert_eq!(conflict, prompt("s1", "d"), "the better parent wins");
    }

    #[test]
    fn by_line_both_additions_are_kept_and_both_removals_hold() {
        let old = prompt("Route.\n- a\n- b\n", "");
        let mine = prompt("Route.\n- a\n- b\n- c\n", "");
        let theirs = prompt("Route.\n- b\n- d\n- c\n", "");
        let child = merged(MergeLevel::Line, &mine, &theirs, &old);
        assert_eq!(child.part("system").unwrap(), "Route.\n- b\n- c\n- d\n");
    }
}
