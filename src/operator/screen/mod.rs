//! What refuses a new prompt before anything is spent on it.
//!
//! Some limits hold for every run; the rest are the recipe's screens, one file each. Not how a reply
//! is read: that is `reply`.

mod trial;
pub mod cap;
pub mod dedup;
pub mod leak;
pub mod lint;
pub mod novelty;

pub use trial::{Screen, ScreenedTask, Trial};

use super::ask::Refusal;
use crate::candidate::DEMOS;
use crate::event::Rejection;
use crate::grammar::Chosen;
use crate::prompt::{Layout, Prompt, placeholders};
use crate::state::Facts;

kinds! {
    /// What refuses a new prompt before anything is spent on it. Every run also refuses replies
    /// that are truncated, without tags, unchanged, that lose or invent a placeholder, touch a
    /// frozen part or outgrow `prompt.max_tokens`. What can be repaired is repaired before, in every
    /// run: tags and a code fence around the text, pasted messages and repeated lines are removed; labels
    /// that the parent names, and its form of the answer, are put back. A merge takes no line over that the better
    /// parent has in nearly the same words, and no second order on how to answer. `explain` shows what was repaired.
    pub SCREENS: dyn Screen = [
        dedup::Dedup,
        lint::Lint,
        leak::Leak,
        novelty::Novelty,
        cap::Cap,
    ];
}

/// The screens of one run.
#[derive(Debug)]
pub struct Screens {
    trials: Vec<Box<dyn Trial>>,
    max_tokens: u64,
}

impl Screens {
    /// The recipe's screens for a task.
    #[must_use]
    pub fn new(screens: &[Chosen<dyn Screen>], task: &ScreenedTask<'_>) -> Self {
        let trials = screens.iter().filter_map(|screen| screen.trial(task)).collect();
        Self { trials, max_tokens: task.max_tokens }
    }

    /// Refuses a prompt, or lets it pass. The limits of the engine come before the recipe's own. Without
    /// `compares_texts`, those of the recipe's are left out that say how near two texts are.
    ///
    /// # Errors
    /// The first reason to refuse it.
    pub fn check(
        &mut self,
        prompt: &Prompt,
        parent: &Prompt,
        layout: &Layout,
        facts: &Facts,
        compares_texts: bool,
    ) -> Result<(), Refusal> {
        self.form(prompt, parent, layout)?;
        if facts.find(&prompt.id()).is_some() {
            return Err((Rejection::Dedup, String::new()));
        }
        let new = trial::New {
            prompt,
            // Demonstrations are rows by design, and are counted by their own limit.
            texts: &prompt.with_part(DEMOS, ""),
            parent,
            layout,
            facts,
        };
        let asked = self.trials.iter_mut().filter(|it| compares_texts || !it.compares_texts());
        asked.into_iter().try_for_each(|trial| trial.check(&new))
    }

    /// Refuses a prompt that is not well-formed: what the engine itself asks of every prompt.
    ///
    /// # Errors
    /// The first reason to refuse it.
    pub fn form(&self, prompt: &Prompt, parent: &Prompt, layout: &Layout) -> Result<(), Refusal> {
        if prompt == parent {
            return Err((Rejection::Unchanged, String::new()));
        }
        for part in layout.searched() {
            let (new, old) = (prompt.part(part).unwrap_or(""), parent.part(part).unwrap_or(""));
            let (new, old) = (placeholders(new), placeholders(old));
            if let Some(name) = new.symmetric_difference(&old).next() {
                return Err((Rejection::Placeholder, format!("`{name}` in `{part}`")));
            }
        }
        let tokens = trial::estimated_tokens(layout, prompt);
        if tokens > self.max_tokens as f64 {
            let detail = format!("about {tokens:.0} tokens; {} are allowed", self.max_tokens);
            return Err((Rejection::TooLong, detail));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Part;
    use crate::task::example::Example;
    use std::collections::BTreeSet;

    fn prompt(system: &str) -> Prompt {
        Prompt::new(vec![
            Part { name: "system".into(), text: system.into() },
            Part { name: "user".into(), text: "{{ input }}".into() },
        ])
    }

    fn row(input: &str) -> Example {
        let columns = serde_json::json!({ "input": input });
        Example {
            numbers: Vec::new(),
            id: crate::id::ExampleId::new("1"),
            columns: columns.as_object().unwrap().clone(),
            answer: serde_json::Value::Null,
            feedback: None,
            group: None,
            weight: 1.0,
            must_pass: false,
            origin: crate::task::example::RowOrigin::Collected,
            file: 0,
            line: 1,
        }
    }

    fn check(new: &str, old: &str) -> Result<(), Rejection> {
        let row = row("one two three four five six seven eight nine ten eleven twelve thirteen");
        let seed = prompt("Route to billing or claims.");
        let columns = BTreeSet::from(["input".to_owned()]);
        let layout = Layout::new(&seed, &["system".to_owned()], &columns).unwrap();
        let chosen = |kind: &str, keys: &str| {
            let table: toml::Table = toml::from_str(keys).unwrap();
            (SCREENS.kind(kind).unwrap().read)(table).unwrap()
        };
        let screens = [chosen("dedup", "loose = true"), chosen("lint", ""), chosen("leak", "")];
        let task = ScreenedTask {
            max_tokens: 1_000,
            labels: &["billing".to_owned()],
            rows: &[&row],
            baseline: &seed,
        };
        let mut screens = Screens::new(&screens, &task);
        let mut state = crate::memory::State::new(1);
        let at = jiff::Timestamp::UNIX_EPOCH;
        let baseline = crate::candidate::Candidate::baseline(seed);
        state.apply(crate::id::EventNumber(0), &crate::event::Event::Started { at, baseline });
        screens.check(&prompt(new), &prompt(old), &layout, &state, true).map_err(|(why, _)| why)
    }

    #[test]
    fn each_screen_refuses_what_it_is_for() {
        let old = "Route to billing.";
        assert_eq!(check("Route to billing or security.", old), Ok(()));
        assert_eq!(check(old, old), Err(Rejection::Unchanged));
        assert_eq!(check("Billing: {{ input }}", old), Err(Rejection::Placeholder));
        assert_eq!(check("Billing.", "Billing {{ input }}"), Err(Rejection::Placeholder));
        assert_eq!(check(&"billing ".repeat(600), old), Err(Rejection::TooLong));
        assert_eq!(check(&"billing ".repeat(300), old), Err(Rejection::TooLong), "growth");
        assert_eq!(check("Route to billing or claims.", old), Err(Rejection::Dedup));
        assert_eq!(check("ROUTE to billing, or claims", old), Err(Rejection::Dedup), "loosely");
        assert_eq!(check("Route to claims only.", old), Err(Rejection::Lint));
        let copied = "Billing. One two, three four five six seven eight nine ten eleven TWELVE!";
        assert_eq!(check(copied, old), Err(Rejection::Leak));
        let short = "Billing. One two three four five six seven eight nine ten eleven.";
        assert_eq!(check(short, old), Ok(()), "a short overlap is no copy");
    }
}
