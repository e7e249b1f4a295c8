//! The contract of all operators: whatever the brief holds, the request can be answered, its reply
//! can be read, and no data can pass for the engine's own words.

use super::*;
use crate::prompt::{Part, Prompt, placeholders};

fn prompt(system: &str) -> Prompt {
    Prompt::new(vec![
        Part { name: "system".into(), text: system.into() },
        Part { name: "user".into(), text: "{{ input }}".into() },
    ])
}

#[test]
fn every_meta_prompt_passes_its_own_check() {
    let mut texts = MetaPrompts::builtin();
    for operator in ALL {
        let text = operator.meta_prompt();
        texts = texts.with_override(operator.name(), text).unwrap();
        let slots: std::collections::BTreeSet<Slot> =
            placeholders(text).into_iter().map(|name| Slot::named(name).unwrap()).collect();
        let known = operator.needs().iter().chain(operator.may_have()).copied();
        // What is shorter than before needs no limit.
        let unused = known.filter(|slot| !slots.contains(slot) && *slot != Slot::MaxTokens);
        assert_eq!(unused.count(), 0, "{}", operator.name());
    }
    let _ = prompt("");
}
