//! `prompts`: prompts that are given, such as those of an earlier run.

use crate::grammar::Misuse;
use crate::operator::ask::Ask;
use crate::operator::author::{Author, Init, WorksOn};
use crate::prompt::Prompt;
use std::collections::BTreeMap;

kind! {
    /// Prompts that are given; each is a table of searched parts by name, and what it does not name is as in the
    /// baseline. They are screened and tried as all others are. Asks no model. `run --warm` writes this init.
    "prompts": "Prompts that are given, such as those of an earlier run.",
    Prompts {
        /// The prompts.
        texts: Vec<BTreeMap<String, String>> = Vec::new(),
    }
}

impl Author for Prompts {
    fn works_on(&self) -> WorksOn {
        WorksOn::Text
    }
}

impl Init for Prompts {
    fn requests(&self) -> u32 {
        u32::try_from(self.texts.len()).unwrap_or(u32::MAX)
    }

    fn check(&self) -> Result<(), Misuse> {
        match self.texts.iter().any(BTreeMap::is_empty) {
            true => Err(Misuse::of(&["texts"], "a prompt of `texts` names no part")
                .help("write `texts = [{ system = \"…\" }]`")),
            false => Ok(()),
        }
    }

    fn compose(&self, ask: &Ask<'_>) -> Prompt {
        let given = self.texts.get(ask.draft.variant as usize).into_iter().flatten();
        let known = given.filter(|(name, _)| ask.asked().contains(name));
        known.fold(ask.current().clone(), |prompt, (name, text)| prompt.with_part(name, text))
    }
}
