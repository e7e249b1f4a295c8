//! What of a recipe has something to work on in a task, and what is left out.
//!
//! A recipe is written for any task. An operator on demonstrations has nothing to do where no part
//! holds them, and one that rewrites texts has nothing to do where only demonstrations may change.

use super::Recipe;
use crate::operator::{Author, WorksOn};
use crate::strategy::{Searched, Slots};

/// A recipe without what a task has no part for.
#[derive(Clone, Debug)]
pub struct Usable {
    /// What is left.
    pub recipe: Recipe,
    /// What was left out, one sentence each.
    pub left_out: Vec<String>,
    /// Whether something was left out, and nothing remains that could make a candidate.
    pub is_idle: bool,
}

impl Recipe {
    /// The recipe without the operators and inits that a task has no part for.
    #[must_use]
    pub fn usable(&self, searched: Searched) -> Usable {
        let mut recipe = self.clone();
        let mut left_out = Vec::new();
        if recipe.phase.is_empty() {
            leave_out(&mut recipe.slots, searched, &mut left_out);
            let is_idle = !left_out.is_empty() && !makes_candidates(&recipe.slots);
            return Usable { recipe, left_out, is_idle };
        }
        let phases = std::mem::take(&mut recipe.phase);
        for (place, mut phase) in phases.into_iter().enumerate() {
            let mut of_phase = Vec::new();
            leave_out(&mut phase, searched, &mut of_phase);
            let is_empty = !of_phase.is_empty() && !makes_candidates(&phase);
            let number = place + 1;
            left_out.extend(of_phase.into_iter().map(|line| format!("phase {number}: {line}")));
            if is_empty {
                left_out.push(format!("phase {number} is left out: nothing of it remains"));
            } else {
                recipe.phase.push(phase);
            }
        }
        // The slots that phases are written over are not carried out themselves.
        leave_out(&mut recipe.slots, searched, &mut Vec::new());
        let is_idle = !left_out.is_empty() && !recipe.phase.iter().any(makes_candidates);
        Usable { recipe, left_out, is_idle }
    }
}

fn leave_out(slots: &mut Slots, searched: Searched, left_out: &mut Vec<String>) {
    let mut keep = |noun: &str, kind: &str, lacks: Option<&str>| match lacks {
        None => true,
        Some(lacks) => {
            left_out.push(format!("{noun} `{kind}` is left out: {lacks}"));
            false
        }
    };
    slots
        .operator
        .retain(|operator| keep("operator", operator.kind(), lacks(operator.operator(), searched)));
    slots.init.retain(|init| keep("init", init.kind(), lacks(&**init, searched)));
    for operator in slots.operator.iter().filter(|_| !searched.demos) {
        if let Some(key) = operator.idle_key_without_demos() {
            let kind = operator.kind();
            left_out.push(format!("operator `{kind}`: no `{key}`, since {NO_DEMOS}"));
        }
    }
}

/// Whether anything here can bring a candidate besides the baseline.
fn makes_candidates(slots: &Slots) -> bool {
    if slots.schedule.breeds() {
        return slots.operator.iter().any(|operator| operator.common.weight > 0.0);
    }
    slots.init.iter().any(|init| !init.names_baseline())
}

const NO_DEMOS: &str = "`prompt.search` does not name `demos`";
const NO_TEXT: &str = "`prompt.search` names no part but `demos`";
const ONE_TEXT: &str = "it needs two parts in `prompt.search`, `demos` not counted";

/// What an operator or an init lacks in a task's prompt.
fn lacks(author: &(impl Author + ?Sized), searched: Searched) -> Option<&'static str> {
    match author.works_on() {
        WorksOn::Anything => None,
        WorksOn::Text => (searched.texts == 0).then_some(NO_TEXT),
        WorksOn::TwoTexts => (searched.texts < 2).then_some(ONE_TEXT),
        WorksOn::Demos => (!searched.demos).then_some(NO_DEMOS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::Used;
    use crate::recipe::{SHIPPED, load, parse};
    use std::path::Path;

    const ALL: Searched = Searched { texts: 2, demos: true };
    const TEXT: Searched = Searched { texts: 1, demos: false };
    const DEMOS: Searched = Searched { texts: 0, demos: true };

    fn recipe(text: &str) -> Recipe {
        parse(Path::new("mine.toml"), text).unwrap()
    }

    #[test]
    fn a_task_with_all_parts_keeps_every_shipped_recipe_whole() {
        for shipped in SHIPPED {
            let recipe = load(shipped.name, &[]).unwrap();
            let usable = recipe.usable(ALL);
            assert_eq!((usable.recipe, usable.left_out), (recipe, Vec::new()));
        }
    }

    #[test]
    fn what_a_task_has_no_part_for_is_named_and_left_out() {
        let mixed = recipe(
            "[[operator]]\nkind = 'reflect'\n[[operator]]\nkind = 'demo_edit'\n\
             [[operator]]\nkind = 'crossover'\nmix_shots = true\n",
        );
        let usable = mixed.usable(TEXT);
        assert_eq!(usable.recipe.slots.operator.len(), 2);
        assert!(!usable.is_idle);
        insta::assert_snapshot!(usable.left_out.join("\n"), @r"
        operator `demo_edit` is left out: `prompt.search` does not name `demos`
        operator `crossover`: no `mix_shots`, since `prompt.search` does not name `demos`
        ");
        let usable = mixed.usable(DEMOS);
        let kinds: Vec<&str> = usable.recipe.slots.operator.iter().map(Used::kind).collect();
        assert_eq!(kinds, ["demo_edit"]);
        // What is left still reads as a recipe.
        let text = crate::recipe::effective_table(&usable.recipe);
        assert_eq!(recipe(&text).slots.operator, usable.recipe.slots.operator);
    }

    #[test]
    fn a_recipe_of_which_nothing_remains_is_idle() {
        let demos = recipe("[[operator]]\nkind = 'demo_edit'\n");
        assert!(demos.usable(TEXT).is_idle);
        assert!(load("gepa", &[]).unwrap().usable(DEMOS).is_idle);
        let pool = recipe("[schedule]\nkind = 'pool'\n[[init]]\nkind = 'random_shots'\n");
        assert!(pool.usable(TEXT).is_idle);
        assert!(!pool.usable(DEMOS).is_idle);
    }

    #[test]
    fn a_phase_of_which_nothing_remains_is_left_out() {
        let two = recipe(
            "[[phase]]\noperator = [{ kind = 'reflect' }]\n\
             [[phase]]\noperator = [{ kind = 'demo_edit' }]\n",
        );
        let usable = two.usable(TEXT);
        assert_eq!((usable.recipe.phase.len(), usable.is_idle), (1, false));
        assert!(usable.left_out.contains(&"phase 2 is left out: nothing of it remains".to_owned()));
        assert!(recipe("[[phase]]\noperator = [{ kind = 'demo_edit' }]\n").usable(TEXT).is_idle);
    }
}
