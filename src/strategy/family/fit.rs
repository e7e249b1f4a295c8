//! Which slots go together: what several families ask of a recipe, each with the reason and advice.
//!
//! Paths begin with the slot. A policy checks its own keys.

use crate::grammar::Misuse;
use crate::strategy::search::Slots;
use crate::strategy::stop::StopRule;

type Checked = Result<(), Misuse>;

fn refuse(path: &[&'static str], message: String, help: &str) -> Checked {
    Err(Misuse::of(path, message).help(help))
}

/// What holds for every family.
pub(super) fn all(slots: &Slots) -> Checked {
    let schedule = &slots.schedule;
    for rule in &slots.stop.when {
        let fits = match rule {
            StopRule::Generations(_) | StopRule::Patience(_) | StopRule::Iterations(_) => {
                schedule.children().is_some()
            }
            StopRule::Trials(_) => schedule.combines(),
            _ => true,
        };
        if !fits {
            let message = format!("`{rule}` never holds in a {} schedule", schedule.kind());
            return refuse(
                &["stop", "when"],
                message,
                "leave it out; `stalled:N` counts children, and `score:X` looks at the best",
            );
        }
    }
    if slots.objective.length_penalty > 0.0 && slots.evaluate.ignores_length() {
        return refuse(
            &["objective"],
            format!("`{}` compares scores alone", slots.evaluate.kind()),
            "leave `length_penalty` out; `or_cheaper` under [accept] weighs costs",
        );
    }
    if schedule.combines() != slots.evaluate.trials().is_some() {
        let (kind, schedule) = (slots.evaluate.kind(), schedule.kind());
        return refuse(
            &["evaluate"],
            format!("`{kind}` does not go with a {schedule} schedule"),
            "`minibatch_promote` and `hyperband` try combinations: they and `kind = \"product\"` \
             under [schedule] need each other",
        );
    }
    if slots.sampler.observations().is_some() && !schedule.combines() {
        let (kind, schedule) = (slots.sampler.kind(), schedule.kind());
        return refuse(
            &["sampler"],
            format!("a {schedule} schedule has no use for `{kind}`"),
            "write `kind = \"product\"` under [schedule], or leave [sampler] out",
        );
    }
    let is_tree = slots.archive.is_tree();
    if slots.select.tree().is_some() != is_tree || (is_tree && schedule.children().is_none()) {
        return refuse(
            &["select"],
            "a tree search needs three slots that go together".to_owned(),
            "write `kind = \"generation\"` under [schedule], `kind = \"uct\"` under [select] and \
             `kind = \"tree\"` under [archive]",
        );
    }
    Ok(())
}

/// Children are bred by operators, of which one is used at least.
pub(super) fn bred(slots: &Slots) -> Checked {
    let schedule = slots.schedule.kind();
    if slots.operator.is_empty() {
        return refuse(
            &["schedule"],
            format!("a {schedule} schedule needs at least one [[operator]]"),
            "add one, or write `kind = \"pool\"` under [schedule]",
        );
    }
    if slots.operator.iter().all(|operator| operator.common.weight <= 0.0) {
        return Err(Misuse::of(&["operator"], "at least one operator needs a weight above 0"));
    }
    Ok(())
}

/// Nothing is bred.
pub(super) fn not_bred(slots: &Slots) -> Checked {
    if slots.operator.is_empty() {
        return Ok(());
    }
    refuse(
        &["operator"],
        format!("a {} schedule uses no operator", slots.schedule.kind()),
        "write `kind = \"steady\"` or `kind = \"generation\"` under [schedule]",
    )
}

/// Parents are selected one child at a time.
pub(super) fn child_by_child(slots: &Slots) -> Checked {
    if !slots.select.needs_generations() {
        return Ok(());
    }
    refuse(
        &["select"],
        format!("`{}` selects the parents of a whole generation", slots.select.kind()),
        "write `kind = \"generation\"` under [schedule]",
    )
}

/// Candidates are judged one by one.
pub(super) fn one_by_one(slots: &Slots) -> Checked {
    if slots.evaluate.rounds().is_none() {
        return Ok(());
    }
    refuse(
        &["evaluate"],
        format!("`{}` judges candidates together", slots.evaluate.kind()),
        "write `kind = \"pool\"` or `kind = \"generation\"` under [schedule]",
    )
}
