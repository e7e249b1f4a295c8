//! Asks the slots of a recipe whether they can work, and says where in the file one cannot.
//!
//! A kind checks its own keys, and a family which slots it goes with. Here is what needs a place in a list,
//! and whether numbers lie where they mean something.

use super::read::Reader;
use crate::grammar::{Chosen, Described, Keys, Misuse};
use crate::operator::{Common, Used};
use crate::source::SourceError;
use crate::strategy::{Objective, Slots};

type Checked = Result<(), SourceError>;

impl Reader<'_> {
    /// Refuses slots that cannot work.
    pub(super) fn check(&self, slots: &Slots) -> Checked {
        self.check_ranges(slots)?;
        let here = |path: &'static str| move |misuse| self.misuse(&[path], misuse);
        slots.evaluate.check().map_err(here("evaluate"))?;
        slots.select.check().map_err(here("select"))?;
        slots.schedule.check(slots).map_err(|misuse| self.misuse(&[], misuse))?;
        self.check_inits(slots)?;
        self.check_screens(slots)?;
        self.check_operators(slots)
    }

    /// Numbers that mean nothing, wherever they stand.
    fn check_ranges(&self, slots: &Slots) -> Checked {
        let objective = toml::Table::try_from(&slots.objective).unwrap_or_default();
        self.check_keys(Objective::KEYS, &objective, &["objective"])?;
        self.check_chosen(&["schedule"], &slots.schedule)?;
        self.check_chosen(&["select"], &slots.select)?;
        self.check_chosen(&["choose"], &slots.choose)?;
        self.check_chosen(&["model"], &slots.model)?;
        self.check_chosen(&["sampler"], &slots.sampler)?;
        self.check_chosen(&["evaluate"], &slots.evaluate)?;
        self.check_chosen(&["accept"], &slots.accept)?;
        self.check_chosen(&["archive"], &slots.archive)?;
        self.check_chosen(&["final"], &slots.finale)?;
        for (place, init) in slots.init.iter().enumerate() {
            self.check_chosen(&["init", &place.to_string()], init)?;
        }
        for (place, screen) in slots.screen.iter().enumerate() {
            self.check_chosen(&["screen", &place.to_string()], screen)?;
        }
        for (place, operator) in slots.operator.iter().enumerate() {
            let (place, table) = (place.to_string(), operator.table());
            self.check_keys(Common::KEYS, &table, &["operator", &place])?;
            self.check_keys(operator.chosen().keys(), &table, &["operator", &place])?;
        }
        Ok(())
    }

    fn check_chosen<T: ?Sized>(&self, path: &[&str], chosen: &Chosen<T>) -> Checked {
        self.check_keys(chosen.keys(), chosen.table(), path)
    }

    fn check_keys(&self, keys: Keys, table: &toml::Table, above: &[&str]) -> Checked {
        for key in keys {
            let path = [above, &[key.name]].concat();
            let number = match table.get(key.name) {
                Some(toml::Value::Integer(number)) => *number as f64,
                Some(toml::Value::Float(number)) => *number,
                Some(toml::Value::Table(inner)) => {
                    self.check_keys(key.keys, inner, &path)?;
                    continue;
                }
                Some(toml::Value::Array(items)) => {
                    for (place, item) in items.iter().enumerate() {
                        if let toml::Value::Table(inner) = item {
                            let place = place.to_string();
                            self.check_keys(key.keys, inner, &[&path[..], &[&place]].concat())?;
                        }
                    }
                    continue;
                }
                _ => continue,
            };
            let name = key.name;
            // NaN is outside of every range.
            let message = match key.range.unwrap_or((f64::MIN, f64::MAX)) {
                (low, high) if (low..=high).contains(&number) => continue,
                (f64::MIN, _) => format!("`{name}` must be a number"),
                (low, f64::MAX) => format!("`{name}` must be at least {low}"),
                (low, high) => format!("`{name}` must lie in {low}..={high}"),
            };
            return Err(self.error(&path, message));
        }
        Ok(())
    }

    /// What a kind says against its own keys, or a family against a slot.
    fn misuse(&self, path: &[&str], misuse: Misuse) -> SourceError {
        let path = [path, &misuse.path[..]].concat();
        let error = self.error(&path, misuse.message);
        if misuse.help.is_empty() { error } else { error.help(misuse.help) }
    }

    fn check_inits(&self, slots: &Slots) -> Checked {
        for (index, init) in slots.init.iter().enumerate() {
            let path = ["init", &index.to_string()];
            if init.makes_sets() && slots.schedule.breeds() {
                let (kind, schedule) = (init.kind(), slots.schedule.kind());
                let message = format!("a {schedule} schedule has no use for `{kind}`");
                return Err(self.error(&path, message).help(
                    "write `kind = \"pool\"` or `kind = \"product\"` under [schedule]; an operator \
                     such as `demo_edit` adds demonstrations to candidates",
                ));
            }
            init.check().map_err(|misuse| self.misuse(&path, misuse))?;
        }
        Ok(())
    }

    fn check_screens(&self, slots: &Slots) -> Checked {
        let place = slots.screen.iter().position(|screen| screen.most_children().is_some());
        match place {
            Some(place) if slots.schedule.children().is_none() => Err(self
                .error(&["screen", &place.to_string()], "`cap` counts the children of a generation")
                .help("write `kind = \"generation\"` under [schedule]")),
            _ => Ok(()),
        }
    }

    fn check_operators(&self, slots: &Slots) -> Checked {
        for (index, operator) in slots.operator.iter().enumerate() {
            let index = index.to_string();
            self.check_parents(slots, &index, operator)?;
            operator.check().map_err(|misuse| self.misuse(&["operator", &index], misuse))?;
        }
        Ok(())
    }

    /// Some kinds of selection yield a fixed number of parents, which is what their operators need.
    fn check_parents(&self, slots: &Slots, index: &str, operator: &Used) -> Checked {
        let needed = operator.parents();
        let Some(given) = slots.select.always_gives() else { return Ok(()) };
        if needed == 1 || needed == given {
            return Ok(());
        }
        let (kind, select) = (operator.kind(), slots.select.kind());
        let message = format!("`{kind}` needs {needed} parents, and `{select}` gives {given}");
        Err(self
            .error(&["operator", index], message)
            .help("take another kind under [select]; `scan` gives two more than its `donors`"))
    }
}

#[cfg(test)]
mod tests {
    use crate::recipe::load;

    #[test]
    fn what_cannot_work_or_would_be_ignored_is_refused() {
        let errors = "operator=[{kind=\"reflect\",feedback={pick=\"errors\",fresh=true}}]";
        let deals = |key: &str| {
            format!("operator=[{{kind=\"reflect\",feedback={{pick=\"epoch\",{key}}}}}]")
        };
        let cases = [
            ("auto", "schedule.width=5000", "`width` must lie in 0..=4096"),
            ("auto", "evaluate={kind=\"sequential_halving\"}", "judges candidates together"),
            ("auto", "objective.length_penalty=0.1", "`race` compares scores alone"),
            ("auto", "evaluate={kind=\"hyperband\"}", "does not go with a steady schedule"),
            ("auto", "evaluate.below=1.5", "`below` must lie in 0..=1"),
            ("auto", "evaluate.grow=0.5", "`grow` must lie in 1..=100"),
            ("map-elites", "evaluate.thresholds=[0.5]", "one threshold less than stages"),
            ("map-elites", "archive.length_bins=0", "`length_bins` must be at least 1"),
            ("shinka-islands", "archive.migrate_rate=2", "`migrate_rate` must lie in 0..=1"),
            ("shinka-islands", "choose.epsilon=-1", "`epsilon` must lie in 0..=1"),
            ("triple-sh", "evaluate.keep=1.0", "`keep` must lie between 0 and 1"),
            ("hyperband-bo", "evaluate.eta=1.0", "`eta` must lie above 1"),
            ("auto", "init=[{kind=\"random_shots\"}]", "has no use for `random_shots`"),
            ("auto", "select={kind=\"mix\",parts=[]}", "needs parts with positive weights"),
            (
                "evoprompt-de",
                "select.donors=1",
                "`de_variation` needs 4 parents, and `scan` gives 3",
            ),
            ("evoprompt-ga", "select={kind=\"tournament\"}", "needs 2 parents"),
            ("auto", errors, "`fresh` does nothing with `pick = \"errors\"`"),
            (
                "auto",
                &deals("keep_correct=1"),
                "`keep_correct` does nothing with `pick = \"epoch\"`",
            ),
            ("auto", &deals("from=99"), "`from` does nothing"),
            ("auto", &deals("all=true"), "`all` does nothing"),
            (
                "gepa-merge",
                "operator=[{kind=\"critique_refine\",feedback={diagnosis=true}}]",
                "`diagnosis` does nothing with `critique_refine`",
            ),
            ("auto", &deals("size=0"), "`size` must be at least 1"),
            ("auto", "operator.0.weight=-1", "`weight` must be at least 0"),
            ("auto", "accept.posterior=1.5", "`posterior` must lie in 0..=1"),
            ("auto", "choose.c=nan", "`c` must be at least 0"),
            ("auto", "accept.posterior=nan", "`posterior` must lie in 0..=1"),
            ("auto", "archive.capacity=0", "`capacity` must be at least 1"),
            ("promptagent-mcts", "operator.0.reasons=0", "`reasons` must be at least 1"),
            ("hyperband-bo", "sampler.features=1000000", "`features` must lie in 1..=4096"),
            ("auto", "sampler={kind=\"tpe\"}", "a steady schedule has no use for `tpe`"),
            ("triple-sh", "operator=[{kind=\"reflect\"}]", "a pool schedule uses no operator"),
            ("auto", "stop.when=['generations:3']", "never holds in a steady schedule"),
            ("auto", "extends=gepa", "name the recipe itself with `--strategy`"),
            ("auto", "operator.7.weight=2", "a list with the numbers 0 to 4"),
            ("auto", "operator.weight=2", "such as `operator.0`"),
            ("auto", "phase.0.evaluate.block=2", "this recipe has no `phase`"),
            ("gepa", "operator.0.weight=0", "at least one operator needs a weight"),
        ];
        for (recipe, set, expected) in cases {
            let message = match load(recipe, &[set.to_owned()]) {
                Ok(_) => panic!("{recipe} with {set} is taken"),
                Err(error) => error.to_string(),
            };
            assert!(message.contains(expected), "{set}: {message}\n--- should contain: {expected}");
        }
    }
}
