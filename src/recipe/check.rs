//! What no single slot can see: whether the slots of a recipe go together, and whether numbers lie
//! where they mean something.
//!
//! Which keys and kinds there are is declared with them, and a kind checks its own keys; `read` turns a
//! file into slots, and `usable` leaves out what a task has no part for.

use super::read::Reader;
use super::{Archive, Choose, Evaluate, Recipe, Sampler, Schedule, Select, StopRule};
use crate::grammar::Misuse;
use crate::operator::Used;
use crate::source::SourceError;

/// Where numbers must lie, by the names of their keys; all others need only be numbers.
const RANGES: &[(&str, f64, f64)] = &[
    ("posterior", 0.0, 1.0),
    ("margin", 0.0, 1.0),
    ("or_cheaper", 0.0, 1.0),
    ("share", 0.0, 1.0),
    ("tie", 0.0, 1.0),
    ("explore", 0.0, 1.0),
    ("exploit", 0.0, 1.0),
    ("length_penalty", 0.0, 1.0),
    ("max_similarity", 0.0, 1.0),
    ("c", 0.0, f64::MAX),
    ("lambda", 0.0, f64::MAX),
    ("temperature", 0.0, f64::MAX),
    ("capacity", 1.0, f64::MAX),
    ("top", 1.0, f64::MAX),
    ("parallel", 1.0, f64::MAX),
    ("max_depth", 1.0, f64::MAX),
    ("reasons", 1.0, f64::MAX),
    ("attempts", 1.0, f64::MAX),
    // More would take longer to fit than any answer takes to come.
    ("features", 1.0, 4_096.0),
];

type Checked = Result<(), SourceError>;

impl Reader<'_> {
    /// Refuses a recipe that cannot work.
    pub(super) fn check(&self, recipe: &Recipe) -> Checked {
        self.check_numbers(recipe)?;
        self.check_schedule(recipe)?;
        self.check_evaluation(&recipe.evaluate)?;
        self.check_init(recipe)?;
        self.check_sampler(&recipe.sampler)?;
        self.check_selection(recipe)?;
        self.check_screens(recipe)?;
        self.check_choice(&recipe.choose)?;
        self.check_archive(&recipe.archive)?;
        self.check_operators(recipe)
    }

    fn positive(&self, path: &[&str], value: usize) -> Checked {
        match value {
            0 => Err(self.error(path, format!("`{}` must be at least 1", path[path.len() - 1]))),
            _ => Ok(()),
        }
    }

    fn share(&self, path: &[&str], value: f64) -> Checked {
        if (0.0..=1.0).contains(&value) {
            return Ok(());
        }
        Err(self.error(path, format!("`{}` must lie in 0..=1", path[path.len() - 1])))
    }

    /// Numbers that mean nothing, wherever they stand.
    fn check_numbers(&self, recipe: &Recipe) -> Checked {
        match toml::Value::try_from(recipe) {
            Ok(toml::Value::Table(table)) => self.check_numbers_in(&table, &[]),
            _ => Ok(()),
        }
    }

    fn check_numbers_in(&self, table: &toml::Table, above: &[&str]) -> Checked {
        for (key, value) in table {
            let path = [above, &[key.as_str()]].concat();
            let number = match value {
                toml::Value::Table(inner) => {
                    self.check_numbers_in(inner, &path)?;
                    continue;
                }
                toml::Value::Array(items) => {
                    for (place, item) in items.iter().enumerate() {
                        if let toml::Value::Table(inner) = item {
                            let place = place.to_string();
                            self.check_numbers_in(inner, &[&path[..], &[&place]].concat())?;
                        }
                    }
                    continue;
                }
                toml::Value::Integer(number) => *number as f64,
                toml::Value::Float(number) => *number,
                _ => continue,
            };
            let bounds = RANGES.iter().find(|(name, ..)| name == key);
            let (low, high) = bounds.map_or((f64::MIN, f64::MAX), |(_, low, high)| (*low, *high));
            // What is no number lies nowhere.
            if !(low..=high).contains(&number) {
                let message = if low == f64::MIN {
                    format!("`{key}` must be a number")
                } else if high == f64::MAX {
                    format!("`{key}` must be at least {low}")
                } else {
                    format!("`{key}` must lie in {low}..={high}")
                };
                return Err(self.error(&path, message));
            }
        }
        Ok(())
    }

    /// Who is judged together must be written together, and the other way round.
    fn check_schedule(&self, recipe: &Recipe) -> Checked {
        let schedule = &recipe.schedule;
        let breeds = matches!(schedule, Schedule::Steady(_) | Schedule::Generation(_));
        if breeds && recipe.operator.is_empty() {
            let message = format!("a {} schedule needs at least one [[operator]]", schedule.kind());
            return Err(self
                .error(&["schedule"], message)
                .help("add one, or write `kind = \"pool\"` under [schedule]"));
        }
        if matches!(schedule, Schedule::Steady(_)) && recipe.evaluate.is_contest() {
            let kind = recipe.evaluate.kind();
            return Err(self
                .error(&["evaluate"], format!("`{kind}` judges candidates together"))
                .help("write `kind = \"pool\"` or `kind = \"generation\"` under [schedule]"));
        }
        let is_default = matches!(&recipe.sampler, Sampler::Random(_));
        if !is_default && !matches!(schedule, Schedule::Product(_)) {
            let (kind, schedule) = (recipe.sampler.kind(), schedule.kind());
            return Err(self
                .error(&["sampler"], format!("a {schedule} schedule has no use for `{kind}`"))
                .help("write `kind = \"product\"` under [schedule], or leave [sampler] out"));
        }
        if !breeds && !recipe.operator.is_empty() {
            let message = format!("a {} schedule uses no operator", schedule.kind());
            return Err(self
                .error(&["operator"], message)
                .help("write `kind = \"steady\"` or `kind = \"generation\"` under [schedule]"));
        }
        for rule in &recipe.stop.when {
            let fits = match rule {
                StopRule::Generations(_) | StopRule::Patience(_) | StopRule::Iterations(_) => {
                    matches!(schedule, Schedule::Generation(_))
                }
                StopRule::Trials(_) => matches!(schedule, Schedule::Product(_)),
                _ => true,
            };
            if !fits {
                let message = format!("`{rule}` never holds in a {} schedule", schedule.kind());
                return Err(self.error(&["stop", "when"], message).help(
                    "leave it out; `stalled:N` counts children, and `score:X` looks at the best",
                ));
            }
        }
        let weighs_length = recipe.objective.length_penalty > 0.0;
        if weighs_length && matches!(recipe.evaluate, Evaluate::Race(_) | Evaluate::Gate(_)) {
            let kind = recipe.evaluate.kind();
            return Err(self
                .error(&["objective"], format!("`{kind}` compares scores alone"))
                .help("leave `length_penalty` out; `or_cheaper` under [accept] weighs costs"));
        }
        let combines = matches!(schedule, Schedule::Product(_));
        let of_combinations =
            matches!(recipe.evaluate, Evaluate::MinibatchPromote(_) | Evaluate::Hyperband(_));
        if combines != of_combinations {
            let (schedule, kind) = (schedule.kind(), recipe.evaluate.kind());
            return Err(self
                .error(&["evaluate"], format!("`{kind}` does not go with a {schedule} schedule"))
                .help(
                    "`minibatch_promote` and `hyperband` try combinations: they and \
                     `kind = \"product\"` under [schedule] need each other",
                ));
        }
        let nothing_fits = match schedule {
            Schedule::Steady(kind) => kind.waiting == 0 || kind.open == 0,
            Schedule::Generation(kind) => kind.children == 0,
            Schedule::Pool(_) | Schedule::Product(_) => false,
        };
        if schedule.lookahead() == 0 || schedule.proposal_lookahead() == 0 || nothing_fits {
            return Err(self.error(&["schedule"], "a look-ahead of 0 lets nothing happen").help(
                "give at least 1 to `lookahead`, `proposal_lookahead`, `waiting`, `open` and \
                 `children`",
            ));
        }
        if let Schedule::Generation(kind) = schedule
            && let Some(runs) = &kind.runs
        {
            self.positive(&["schedule", "runs", "rows"], runs.rows)?;
            self.positive(&["schedule", "runs", "times"], runs.times)?;
        }
        Ok(())
    }

    fn check_evaluation(&self, evaluate: &Evaluate) -> Checked {
        let positive = |key: &str, value: usize| self.positive(&["evaluate", key], value);
        let share = |key: &str, value: f64| self.share(&["evaluate", key], value);
        let error = |key: &str, message: &str| self.error(&["evaluate", key], message);
        match evaluate {
            Evaluate::Full(kind) => positive("block", kind.block)?,
            Evaluate::Gate(kind) => positive("block", kind.block)?,
            Evaluate::Race(kind) => {
                positive("block", kind.block)?;
                share("below", kind.below)?;
                if !(1.0..=100.0).contains(&kind.grow) {
                    return Err(error("grow", "`grow` must lie in 1..=100"));
                }
            }
            Evaluate::RaceAll(kind) => {
                positive("block", kind.block)?;
                positive("max_blocks", kind.max_blocks)?;
                share("alpha", kind.alpha)?;
            }
            Evaluate::Ucb(kind) => {
                positive("rounds", kind.rounds)?;
                positive("arms", kind.arms)?;
                positive("pulls", kind.pulls)?;
            }
            Evaluate::Cascade(kind) => {
                let grows = kind.stages.windows(2).all(|pair| pair[0] < pair[1]);
                let all_shares = kind.stages.iter().all(|stage| *stage > 0.0 && *stage <= 1.0);
                if !grows || !all_shares || kind.thresholds.len() + 1 != kind.stages.len() {
                    let message = "`stages` must grow up to 1, with one threshold less than stages";
                    return Err(error("stages", message)
                        .help("write `stages = [0.1, 1.0]` and `thresholds = [0.8]`"));
                }
            }
            Evaluate::Minibatch(kind) => positive("size", kind.size)?,
            Evaluate::StopOnFailure(kind) => {
                positive("need", kind.need)?;
                positive("most", kind.most)?;
            }
            Evaluate::MinibatchPromote(kind) => {
                positive("size", kind.size)?;
                positive("promote_every", kind.promote_every)?;
            }
            Evaluate::Cluster(kind) => {
                positive("features", kind.features)?;
                share("share", kind.share)?;
            }
            Evaluate::Regress(kind) => positive("features", kind.features)?,
            Evaluate::Hyperband(kind) => {
                positive("min", kind.min)?;
                if !(kind.eta > 1.0 && kind.eta <= 100.0) {
                    return Err(error("eta", "`eta` must lie above 1, up to 100"));
                }
            }
            Evaluate::ContinuousReject(_) => {}
            Evaluate::SequentialHalving(kind) => {
                if !(kind.keep > 0.0 && kind.keep < 1.0) {
                    return Err(error("keep", "`keep` must lie between 0 and 1"));
                }
            }
        }
        Ok(())
    }

    /// What a kind says against its own keys.
    fn misuse(&self, path: &[&str], misuse: Misuse) -> SourceError {
        let path = [path, &misuse.path[..]].concat();
        let error = self.error(&path, misuse.message);
        if misuse.help.is_empty() { error } else { error.help(misuse.help) }
    }

    fn check_init(&self, recipe: &Recipe) -> Checked {
        for (index, init) in recipe.init.iter().enumerate() {
            let path = ["init", &index.to_string()];
            let breeds = matches!(recipe.schedule, Schedule::Steady(_) | Schedule::Generation(_));
            if init.makes_sets() && breeds {
                let (kind, schedule) = (init.kind(), recipe.schedule.kind());
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

    fn check_sampler(&self, sampler: &Sampler) -> Checked {
        match sampler {
            Sampler::Random(_) => Ok(()),
            Sampler::Tpe(kind) => self.positive(&["sampler", "draws"], kind.draws),
            Sampler::Gp(kind) => {
                self.positive(&["sampler", "features"], kind.features)?;
                self.share(&["sampler", "random_fraction"], kind.random_fraction)
            }
        }
    }

    fn check_selection(&self, recipe: &Recipe) -> Checked {
        if let Select::Mix(mix) = &recipe.select {
            let total: f64 = mix.parts.iter().map(|part| part.weight).sum();
            if total.is_nan() || total <= 0.0 || mix.parts.iter().any(|part| part.weight < 0.0) {
                return Err(self
                    .error(&["select", "parts"], "a mix needs parts with positive weights")
                    .help("write `parts = [{ kind = \"pareto\", weight = 1 }]`"));
            }
        }
        let in_generations = matches!(recipe.schedule, Schedule::Generation(_));
        let is_tree = matches!(recipe.archive, Archive::Tree(_));
        if matches!(recipe.select, Select::Uct(_)) != is_tree || (is_tree && !in_generations) {
            return Err(self.error(&["select"], "a tree search is all of one piece").help(
                "write `kind = \"generation\"` under [schedule], `kind = \"uct\"` under \
                     [select] and `kind = \"tree\"` under [archive]",
            ));
        }
        Ok(())
    }

    fn check_screens(&self, recipe: &Recipe) -> Checked {
        let place = recipe.screen.iter().position(|screen| screen.most_children().is_some());
        match place {
            Some(place) if !matches!(recipe.schedule, Schedule::Generation(_)) => Err(self
                .error(&["screen", &place.to_string()], "`cap` counts the children of a generation")
                .help("write `kind = \"generation\"` under [schedule]")),
            _ => Ok(()),
        }
    }

    fn check_choice(&self, choose: &Choose) -> Checked {
        let share = |key: &str, value: f64| self.share(&["choose", key], value);
        match choose {
            Choose::Thompson(kind) => {
                share("discount", kind.discount)?;
                share("floor", kind.floor)
            }
            Choose::Ucb(kind) => {
                share("discount", kind.discount)?;
                share("epsilon", kind.epsilon)
            }
            Choose::Fixed(_) | Choose::Each(_) => Ok(()),
        }
    }

    fn check_archive(&self, archive: &Archive) -> Checked {
        let positive = |key: &str, value: usize| self.positive(&["archive", key], value);
        match archive {
            Archive::TopK(kind) => positive("capacity", kind.capacity),
            Archive::Slots(kind) => positive("capacity", kind.capacity),
            Archive::Islands(kind) => {
                positive("count", kind.count)?;
                positive("capacity", kind.capacity)?;
                self.share(&["archive", "migrate_rate"], kind.migrate_rate)
            }
            Archive::MapElites(kind) => {
                positive("length_bins", kind.length_bins)?;
                positive("diversity_bins", kind.diversity_bins)
            }
            Archive::List(_) | Archive::Chain(_) | Archive::Pareto(_) | Archive::Tree(_) => Ok(()),
        }
    }

    fn check_operators(&self, recipe: &Recipe) -> Checked {
        for (index, operator) in recipe.operator.iter().enumerate() {
            let index = index.to_string();
            let weight = operator.common.weight;
            if !(weight >= 0.0 && weight.is_finite()) {
                let path = ["operator", index.as_str(), "weight"];
                return Err(self.error(&path, "`weight` must not be negative"));
            }
            self.check_parents(recipe, &index, operator)?;
            operator.check().map_err(|misuse| self.misuse(&["operator", &index], misuse))?;
        }
        let breeds = matches!(recipe.schedule, Schedule::Steady(_) | Schedule::Generation(_));
        if breeds && recipe.operator.iter().all(|operator| operator.common.weight <= 0.0) {
            return Err(self.error(&["operator"], "at least one operator needs a weight above 0"));
        }
        Ok(())
    }

    /// Some kinds of selection yield a fixed number of parents, which is what their operators need.
    fn check_parents(&self, recipe: &Recipe, index: &str, operator: &Used) -> Checked {
        let needed = operator.parents();
        let given = match &recipe.select {
            Select::Scan(kind) if kind.donors > 0 => kind.donors + 2,
            Select::Contrary(_) => 2,
            Select::Scan(_) | Select::Tournament(_) | Select::Uct(_) => 1,
            _ => return Ok(()),
        };
        if needed == 1 || needed == given {
            return Ok(());
        }
        let (kind, select) = (operator.kind(), recipe.select.kind());
        let message = format!("`{kind}` needs {needed} parents, and `{select}` gives {given}");
        let error = self.error(&["operator", index], message);
        Err(match &recipe.select {
            Select::Scan(_) => {
                error.help(format!("write `donors = {}` under [select]", needed.saturating_sub(2)))
            }
            _ => error.help("take another kind under [select]"),
        })
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
            ("auto", "schedule.open=0", "lets nothing happen"),
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
            ("auto", &deals("size=0"), "`size` must be at least 1"),
            ("auto", "operator.0.weight=-1", "`weight` must not be negative"),
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
