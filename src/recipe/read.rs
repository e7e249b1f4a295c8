//! Reads a recipe: `extends`, `--set`, strict keys, and errors that name file and line.

use super::{
    Archive, Choose, Evaluate, Init, Objective, Operator, Recipe, SHIPPED, Sampler, Schedule,
    Screen, Select, Stop, VariantsInit, Wording, shipped,
};
use crate::source::{SourceError, explain_unknown_name, line_of_key};
use crate::text;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A slot of several kinds.
pub(crate) trait Slot: Sized {
    /// The kinds' names.
    const KINDS: &'static [&'static str];
    /// Reads the table of one kind; `kind` is one of `KINDS`.
    fn from_table(kind: &str, table: toml::Table) -> Result<Self, toml::de::Error>;
}

/// Why a recipe cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// Neither a shipped recipe nor a file.
    #[error("there is no strategy `{name}`: {suggestion}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        suggestion: String,
    },
    /// A `--set` that is not `key=value`.
    #[error("`--set {0}` is not `slot.key=value`, such as `evaluate.block=16`")]
    Set(String),
    /// A mistake in the file, or in what `--set` made of it.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Texts that replace built-in meta-prompts, by name.
type Wordings = BTreeMap<String, Wording>;

/// How deep `extends` may go.
const MAX_DEPTH: usize = 8;

/// Reads a shipped recipe by name, or a file, with the changes of `--set key=value`.
///
/// # Errors
/// An unknown name, or a mistake with its place.
pub fn load(name_or_file: &str, sets: &[String]) -> Result<Recipe, RecipeError> {
    let (file, text) = source_of(name_or_file)?;
    let (mut table, mut wordings) = merged(&file, &text, 0)?;
    for set in sets {
        apply_set(&mut table, set)?;
    }
    let reader = Reader { file: &file, text: &text };
    // What the command line names lies where the command was given.
    wordings.extend(reader.wordings(&mut table, Path::new(""))?);
    let mut recipe = reader.recipe(table)?;
    recipe.meta_prompts = wordings;
    Ok(recipe)
}

/// Reads a recipe that a run has frozen.
///
/// # Errors
/// A mistake with its line: the file was changed, or written by another version.
pub fn parse(file: &Path, text: &str) -> Result<Recipe, SourceError> {
    let mut table: toml::Table =
        toml::from_str(text).map_err(|error| SourceError::from_toml(file, text, &error))?;
    let reader = Reader { file, text };
    let wordings = reader.wordings(&mut table, folder_of(file))?;
    let mut recipe = reader.recipe(table)?;
    recipe.meta_prompts = wordings;
    Ok(recipe)
}

/// The table of a recipe after `extends` and `--set`, as TOML: what the run will do.
#[must_use]
pub fn effective_table(recipe: &Recipe) -> String {
    toml::to_string_pretty(recipe).unwrap_or_default()
}

fn source_of(name_or_file: &str) -> Result<(PathBuf, String), RecipeError> {
    if let Some(recipe) = shipped(name_or_file) {
        let file = PathBuf::from(format!("strategies/{name_or_file}.toml"));
        return Ok((file, recipe.text.to_owned()));
    }
    let path = Path::new(name_or_file);
    if path.extension().is_none() && !path.exists() {
        let names: Vec<&str> = SHIPPED.iter().map(|recipe| recipe.name).collect();
        return Err(RecipeError::Unknown {
            name: name_or_file.to_owned(),
            suggestion: text::suggestion(name_or_file, &names),
        });
    }
    let text = std::fs::read_to_string(path).map_err(|error| {
        SourceError::new(path, format!("cannot be read: {error}"))
            .help("name a shipped strategy (`promptsearch strategies` lists them) or a TOML file")
    })?;
    Ok((path.to_owned(), text))
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

fn merged(file: &Path, text: &str, depth: usize) -> Result<(toml::Table, Wordings), RecipeError> {
    let mut table: toml::Table =
        toml::from_str(text).map_err(|error| SourceError::from_toml(file, text, &error))?;
    anchor(&mut table, file);
    let own = Reader { file, text }.wordings(&mut table, folder_of(file))?;
    let Some(base) = table.remove("extends") else {
        return Ok((table, own));
    };
    let line = line_of_key(text, &["extends"]).unwrap_or(1);
    let Some(base) = base.as_str() else {
        return Err(SourceError::new(file, "`extends` must be a name or a file")
            .at_line(line)
            .help("write `extends = \"auto\"`")
            .into());
    };
    if depth == MAX_DEPTH {
        return Err(SourceError::new(file, "recipes extend each other without an end")
            .at_line(line)
            .help("let one of them stand on its own")
            .into());
    }
    let beside = folder_of(file).join(base);
    let base = if shipped(base).is_none() && beside.is_file() {
        beside.display().to_string()
    } else {
        base.to_owned()
    };
    let (base_file, base_text) = source_of(&base)
        .map_err(|error| SourceError::new(file, error.to_string()).at_line(line))?;
    let (mut result, mut wordings) = merged(&base_file, &base_text, depth + 1)?;
    merge(&mut result, table);
    wordings.extend(own);
    Ok((result, wordings))
}

/// Programs are started in the folder of the file that names them, whoever extends it.
fn anchor(table: &mut toml::Table, file: &Path) {
    // A file that is named alone lies in the folder that this is.
    let parent: PathBuf = Path::new(".").components().chain(folder_of(file).components()).collect();
    for key in ["operator", "phase"] {
        let Some(toml::Value::Array(items)) = table.get_mut(key) else { continue };
        for item in items.iter_mut().filter_map(toml::Value::as_table_mut) {
            if key == "phase" {
                anchor(item, file);
            } else if item.get("kind").and_then(toml::Value::as_str) == Some("external") {
                let given = item.get("dir").and_then(toml::Value::as_str).unwrap_or("");
                let dir = if given.is_empty() { parent.clone() } else { parent.join(given) };
                let dir = std::path::absolute(&dir).unwrap_or(dir);
                item.insert("dir".to_owned(), toml::Value::String(dir.display().to_string()));
            }
        }
    }
}

/// Tables merge key by key; a table of another kind, and any list, replaces what was there.
fn merge(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => {
                let other_kind = new.get("kind").is_some_and(|kind| Some(kind) != old.get("kind"));
                if other_kind {
                    *old = new;
                } else {
                    merge(old, new);
                }
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// `evaluate.block=16`; a number in the path picks from a list: `operator.0.weight=2`.
fn apply_set(table: &mut toml::Table, set: &str) -> Result<(), RecipeError> {
    let wrong = || RecipeError::Set(set.to_owned());
    let (path, value) = set.split_once('=').ok_or_else(wrong)?;
    // A value is TOML where it reads as TOML, and else a string.
    let value = toml::from_str::<toml::Table>(&format!("v = {value}"))
        .ok()
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let steps: Vec<&str> = path.trim().split('.').collect();
    let (last, steps) = steps.split_last().ok_or_else(wrong)?;
    if last.is_empty() {
        return Err(wrong());
    }
    let mut here = table;
    let mut steps = steps.iter();
    while let Some(step) = steps.next() {
        let entry = here
            .entry((*step).to_owned())
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        here = match entry {
            toml::Value::Table(inner) => inner,
            toml::Value::Array(items) => {
                let index: usize =
                    steps.next().and_then(|step| step.parse().ok()).ok_or_else(wrong)?;
                items.get_mut(index).and_then(toml::Value::as_table_mut).ok_or_else(wrong)?
            }
            _ => return Err(wrong()),
        };
    }
    if *last == "kind" && here.get("kind") != Some(&value) {
        // Another kind has other keys.
        here.clear();
    }
    let over: toml::Table = [((*last).to_owned(), value)].into_iter().collect();
    merge(here, over);
    Ok(())
}

/// Turns the merged table into a recipe; knows the file only to say where something is wrong.
struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    /// The recipe, with its phases: each is a recipe of its own, written as what differs.
    fn recipe(&self, mut table: toml::Table) -> Result<Recipe, SourceError> {
        let phases = match table.remove("phase") {
            None => Vec::new(),
            Some(toml::Value::Array(phases)) => phases,
            Some(_) => {
                return Err(self
                    .error(&["phase"], "`phase` must be a list of tables")
                    .help("write `[[phase]]` with two brackets"));
            }
        };
        let mut read = Vec::new();
        for (index, phase) in phases.into_iter().enumerate() {
            let toml::Value::Table(over) = phase else {
                return Err(self.error(&["phase", &index.to_string()], "`phase` must hold tables"));
            };
            if over.contains_key("phase") {
                return Err(self.error(&["phase"], "a phase has no phases of its own"));
            }
            if over.contains_key("meta_prompts") {
                return Err(self
                    .error(&["phase"], "all phases share the recipe's `meta_prompts`")
                    .help("write `meta_prompts` above the first `[[phase]]`"));
            }
            let mut whole = table.clone();
            merge(&mut whole, over);
            read.push(self.flat(whole)?);
        }
        let mut recipe = match read.first() {
            // What the phases share is the whole of what is asked of the table itself.
            Some(first) => {
                let mut shared = self.shared(table)?;
                shared.schedule = first.schedule.clone();
                shared
            }
            None => self.flat(table)?,
        };
        recipe.phase = read;
        Ok(recipe)
    }

    /// A table that phases are written over: it need not stand on its own.
    fn shared(&self, table: toml::Table) -> Result<Recipe, SourceError> {
        self.slots(table)
    }

    fn flat(&self, table: toml::Table) -> Result<Recipe, SourceError> {
        let recipe = self.slots(table)?;
        self.check(&recipe)?;
        Ok(recipe)
    }

    /// Texts that replace built-in meta-prompts: a folder of files, or the texts themselves. A folder
    /// is looked for beside the file that names it.
    fn wordings(&self, table: &mut toml::Table, beside: &Path) -> Result<Wordings, SourceError> {
        let key = "meta_prompts";
        let wrong = || {
            self.error(&[key], "`meta_prompts` must name a folder").help(
                "write `meta_prompts = \"my-prompts\"`; `promptsearch strategies eject \
                 my-prompts` fills it",
            )
        };
        match table.remove(key) {
            None => Ok(Wordings::new()),
            Some(toml::Value::Table(texts)) => texts
                .into_iter()
                .map(|(name, text)| match text {
                    toml::Value::String(text) => {
                        let line = line_of_key(self.text, &[key, &name]);
                        Ok((name, Wording { text, file: self.file.to_owned(), key_line: line }))
                    }
                    _ => Err(wrong()),
                })
                .collect(),
            Some(toml::Value::String(folder)) => {
                let folder = beside.join(folder);
                let unreadable = |error: std::io::Error| {
                    self.error(&[key], format!("`{}` cannot be read: {error}", folder.display()))
                        .help("`promptsearch strategies eject FOLDER` fills a folder")
                };
                let mut texts = Wordings::new();
                for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
                    let file = entry.map_err(unreadable)?.path();
                    if file.extension().is_some_and(|extension| extension == "md")
                        && let Some(name) = file.file_stem().and_then(|name| name.to_str())
                    {
                        let text = std::fs::read_to_string(&file).map_err(unreadable)?;
                        let name = name.to_owned();
                        texts.insert(name, Wording { text, file, key_line: None });
                    }
                }
                if texts.is_empty() {
                    let message = format!("`{}` holds no meta-prompt", folder.display());
                    return Err(self
                        .error(&[key], message)
                        .help("`promptsearch strategies eject FOLDER` fills a folder"));
                }
                Ok(texts)
            }
            Some(_) => Err(wrong()),
        }
    }

    fn slots(&self, mut table: toml::Table) -> Result<Recipe, SourceError> {
        let recipe = Recipe {
            name: self.string(&mut table, "name")?.unwrap_or_else(|| {
                self.file.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into())
            }),
            about: self.string(&mut table, "about")?.unwrap_or_default(),
            reference: self.string(&mut table, "reference")?,
            meta_prompts: Wordings::new(),
            objective: self.plain::<Objective>(&mut table, "objective")?,
            schedule: self.slot(&mut table, "schedule", "steady")?,
            init: self.list::<Init>(&mut table, "init")?,
            select: self.slot(&mut table, "select", "best")?,
            operator: self.list::<Operator>(&mut table, "operator")?,
            choose: self.slot(&mut table, "choose", "fixed")?,
            sampler: self.slot(&mut table, "sampler", "random")?,
            screen: self.list::<Screen>(&mut table, "screen")?,
            evaluate: self.slot(&mut table, "evaluate", "full")?,
            accept: self.slot(&mut table, "accept", "always")?,
            archive: self.slot(&mut table, "archive", "list")?,
            stop: self.plain::<Stop>(&mut table, "stop")?,
            phase: Vec::new(),
            finale: self.slot(&mut table, "final", "argmax")?,
        };
        if let Some(key) = table.keys().next() {
            return Err(self.unknown(&[key], key, SLOTS, "slot"));
        }
        Ok(recipe)
    }

    fn error(&self, path: &[&str], message: impl Into<String>) -> SourceError {
        let error = SourceError::new(self.file, message);
        match line_of_key(self.text, path) {
            Some(line) => error.at_line(line),
            None => error,
        }
    }

    fn unknown(&self, path: &[&str], typed: &str, known: &[&str], noun: &str) -> SourceError {
        self.error(path, format!("unknown {noun} `{typed}`")).help(text::suggestion(typed, known))
    }

    fn string(&self, table: &mut toml::Table, key: &str) -> Result<Option<String>, SourceError> {
        match table.remove(key) {
            None => Ok(None),
            Some(toml::Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.error(&[key], format!("`{key}` must be a string"))),
        }
    }

    fn plain<T: DeserializeOwned + Default>(
        &self,
        table: &mut toml::Table,
        key: &str,
    ) -> Result<T, SourceError> {
        match table.remove(key) {
            None => Ok(T::default()),
            Some(value) => value.try_into().map_err(|error| self.explain(&[key], &error)),
        }
    }

    fn slot<S: Slot>(
        &self,
        table: &mut toml::Table,
        key: &str,
        default: &str,
    ) -> Result<S, SourceError> {
        match table.remove(key) {
            None => self.kind(&[key], toml::Table::new(), Some(default)),
            Some(toml::Value::Table(inner)) => self.kind(&[key], inner, None),
            Some(_) => Err(self
                .error(&[key], format!("`{key}` must be a table with `kind`"))
                .help(format!("write `[{key}]` and under it `kind = \"{default}\"`"))),
        }
    }

    fn list<S: Slot>(&self, table: &mut toml::Table, key: &str) -> Result<Vec<S>, SourceError> {
        let items = match table.remove(key) {
            None => return Ok(Vec::new()),
            Some(toml::Value::Array(items)) => items,
            Some(_) => {
                return Err(self
                    .error(&[key], format!("`{key}` must be a list of tables"))
                    .help(format!("write `[[{key}]]` with two brackets")));
            }
        };
        let mut slots = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let index = index.to_string();
            match item {
                toml::Value::Table(inner) => slots.push(self.kind(&[key, &index], inner, None)?),
                _ => return Err(self.error(&[key, &index], format!("`{key}` must hold tables"))),
            }
        }
        Ok(slots)
    }

    fn kind<S: Slot>(
        &self,
        path: &[&str],
        mut table: toml::Table,
        default: Option<&str>,
    ) -> Result<S, SourceError> {
        let kind = match (table.remove("kind"), default) {
            (Some(toml::Value::String(kind)), _) => kind,
            (None, Some(kind)) => kind.to_owned(),
            _ => {
                return Err(self
                    .error(path, format!("`{}` needs a `kind`", path[0]))
                    .help(format!("known: {}", S::KINDS.join(", "))));
            }
        };
        if !S::KINDS.contains(&kind.as_str()) {
            let path = [path, &["kind"]].concat();
            return Err(self.unknown(&path, &kind, S::KINDS, &format!("{} kind", path[0])));
        }
        S::from_table(&kind, table).map_err(|error| {
            let mut explained = self.explain(path, &error);
            explained.message = format!("{} `{kind}`: {}", path[0], explained.message);
            explained
        })
    }

    /// A complaint about a value below `path`; the key in it, if it names one, gives the line.
    fn explain(&self, path: &[&str], error: &toml::de::Error) -> SourceError {
        let (message, help) = explain_unknown_name(error.message());
        let key = message.split('`').nth(1).map(str::to_owned);
        let deeper: Vec<&str> = path.iter().copied().chain(key.as_deref()).collect();
        let mut explained = self.error(&deeper, message);
        explained.help = help;
        explained
    }

    /// What no single slot can see.
    fn check(&self, recipe: &Recipe) -> Result<(), SourceError> {
        let breeds = matches!(recipe.schedule, Schedule::Steady(_) | Schedule::Generation(_));
        let together = recipe.evaluate.is_contest();
        if breeds && recipe.operator.is_empty() {
            return Err(self
                .error(
                    &["schedule"],
                    format!(
                        "a {} schedule needs at least one [[operator]]",
                        recipe.schedule.kind()
                    ),
                )
                .help("add one, or write `kind = \"pool\"` under [schedule]"));
        }
        if matches!(recipe.schedule, Schedule::Steady(_)) && together {
            let kind = recipe.evaluate.kind();
            return Err(self
                .error(&["evaluate"], format!("`{kind}` judges candidates together"))
                .help("write `kind = \"pool\"` or `kind = \"generation\"` under [schedule]"));
        }
        let weighs_length = recipe.objective.length_penalty > 0.0;
        if weighs_length && matches!(recipe.evaluate, Evaluate::Race(_) | Evaluate::Gate(_)) {
            let kind = recipe.evaluate.kind();
            return Err(self
                .error(&["objective"], format!("`{kind}` compares scores alone"))
                .help("leave `length_penalty` out; `or_cheaper` under [accept] weighs costs"));
        }
        let combines = matches!(recipe.schedule, Schedule::Product(_));
        let of_combinations =
            matches!(recipe.evaluate, Evaluate::MinibatchPromote(_) | Evaluate::Hyperband(_));
        if combines != of_combinations {
            let (schedule, kind) = (recipe.schedule.kind(), recipe.evaluate.kind());
            return Err(self
                .error(&["evaluate"], format!("`{kind}` does not go with a {schedule} schedule"))
                .help(
                    "`minibatch_promote` and `hyperband` try combinations: they and \
                     `kind = \"product\"` under [schedule] need each other",
                ));
        }
        let schedule = &recipe.schedule;
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
        let positive = |path: &[&str], value: usize| match value {
            0 => Err(self.error(path, format!("`{}` must be at least 1", path[path.len() - 1]))),
            _ => Ok(()),
        };
        let share = |path: &[&str], value: f64| {
            if (0.0..=1.0).contains(&value) {
                Ok(())
            } else {
                Err(self.error(path, format!("`{}` must lie in 0..=1", path[path.len() - 1])))
            }
        };
        match &recipe.evaluate {
            Evaluate::Full(kind) => positive(&["evaluate", "block"], kind.block)?,
            Evaluate::Gate(kind) => positive(&["evaluate", "block"], kind.block)?,
            Evaluate::Race(kind) => {
                positive(&["evaluate", "block"], kind.block)?;
                share(&["evaluate", "below"], kind.below)?;
                if !(1.0..=100.0).contains(&kind.grow) {
                    return Err(self.error(&["evaluate", "grow"], "`grow` must lie in 1..=100"));
                }
            }
            Evaluate::RaceAll(kind) => {
                positive(&["evaluate", "block"], kind.block)?;
                positive(&["evaluate", "max_blocks"], kind.max_blocks)?;
                share(&["evaluate", "alpha"], kind.alpha)?;
            }
            Evaluate::Ucb(kind) => {
                positive(&["evaluate", "rounds"], kind.rounds)?;
                positive(&["evaluate", "arms"], kind.arms)?;
                positive(&["evaluate", "pulls"], kind.pulls)?;
            }
            Evaluate::Cascade(kind) => {
                let grows = kind.stages.windows(2).all(|pair| pair[0] < pair[1]);
                let all_shares = kind.stages.iter().all(|stage| *stage > 0.0 && *stage <= 1.0);
                if !grows || !all_shares || kind.thresholds.len() + 1 != kind.stages.len() {
                    return Err(self
                        .error(
                            &["evaluate", "stages"],
                            "`stages` must grow up to 1, with one threshold less than stages",
                        )
                        .help("write `stages = [0.1, 1.0]` and `thresholds = [0.8]`"));
                }
            }
            Evaluate::Minibatch(kind) => positive(&["evaluate", "size"], kind.size)?,
            Evaluate::StopOnFailure(kind) => {
                positive(&["evaluate", "need"], kind.need)?;
                positive(&["evaluate", "most"], kind.most)?;
            }
            Evaluate::MinibatchPromote(kind) => {
                positive(&["evaluate", "size"], kind.size)?;
                positive(&["evaluate", "promote_every"], kind.promote_every)?;
            }
            Evaluate::Cluster(kind) => {
                positive(&["evaluate", "features"], kind.features)?;
                share(&["evaluate", "share"], kind.share)?;
            }
            Evaluate::Regress(kind) => positive(&["evaluate", "features"], kind.features)?,
            Evaluate::Hyperband(kind) => {
                positive(&["evaluate", "min"], kind.min)?;
                if !(kind.eta > 1.0 && kind.eta <= 100.0) {
                    return Err(
                        self.error(&["evaluate", "eta"], "`eta` must lie above 1, up to 100")
                    );
                }
            }
            Evaluate::ContinuousReject(_) => {}
            Evaluate::SequentialHalving(kind) => {
                if !(kind.keep > 0.0 && kind.keep < 1.0) {
                    return Err(
                        self.error(&["evaluate", "keep"], "`keep` must lie between 0 and 1")
                    );
                }
            }
        }
        match &recipe.archive {
            Archive::TopK(kind) => positive(&["archive", "capacity"], kind.capacity)?,
            Archive::Slots(kind) => positive(&["archive", "capacity"], kind.capacity)?,
            _ => {}
        }
        for (index, init) in recipe.init.iter().enumerate() {
            if let Init::Variants(VariantsInit { shots: Some(shots), .. }) = init
                && shots.min > shots.max
            {
                let path = ["init", &index.to_string(), "shots"];
                return Err(self.error(&path, "`min` must not be above `max`"));
            }
        }
        match &recipe.sampler {
            Sampler::Random(_) => {}
            Sampler::Tpe(kind) => positive(&["sampler", "draws"], kind.draws)?,
            Sampler::Gp(kind) => {
                positive(&["sampler", "features"], kind.features)?;
                share(&["sampler", "random_fraction"], kind.random_fraction)?;
            }
        }
        if let Select::Mix(mix) = &recipe.select {
            let total: f64 = mix.parts.iter().map(|part| part.weight).sum();
            if total.is_nan() || total <= 0.0 || mix.parts.iter().any(|part| part.weight < 0.0) {
                return Err(self
                    .error(&["select", "parts"], "a mix needs parts with positive weights")
                    .help("write `parts = [{ kind = \"pareto\", weight = 1 }]`"));
            }
        }
        if let Schedule::Generation(kind) = &recipe.schedule
            && let Some(runs) = &kind.runs
        {
            positive(&["schedule", "runs", "rows"], runs.rows)?;
            positive(&["schedule", "runs", "times"], runs.times)?;
        }
        let in_generations = matches!(recipe.schedule, Schedule::Generation(_));
        if let Some(place) = recipe.screen.iter().position(|kind| matches!(kind, Screen::Cap(_)))
            && !in_generations
        {
            let place = place.to_string();
            return Err(self
                .error(&["screen", &place], "`cap` counts the children of a generation")
                .help("write `kind = \"generation\"` under [schedule]"));
        }
        let is_tree = matches!(recipe.archive, Archive::Tree(_));
        if matches!(recipe.select, Select::Uct(_)) != is_tree || (is_tree && !in_generations) {
            return Err(self.error(&["select"], "a tree search is all of one piece").help(
                "write `kind = \"generation\"` under [schedule], `kind = \"uct\"` under \
                     [select] and `kind = \"tree\"` under [archive]",
            ));
        }
        match &recipe.choose {
            Choose::Thompson(kind) => {
                share(&["choose", "discount"], kind.discount)?;
                share(&["choose", "floor"], kind.floor)?;
            }
            Choose::Ucb(kind) => {
                share(&["choose", "discount"], kind.discount)?;
                share(&["choose", "epsilon"], kind.epsilon)?;
            }
            Choose::Exp3(kind) => {
                share(&["choose", "discount"], kind.discount)?;
                share(&["choose", "gamma"], kind.gamma)?;
            }
            Choose::Fixed(_) | Choose::Each(_) => {}
        }
        match &recipe.archive {
            Archive::Islands(kind) => {
                positive(&["archive", "count"], kind.count)?;
                positive(&["archive", "capacity"], kind.capacity)?;
                share(&["archive", "migrate_rate"], kind.migrate_rate)?;
            }
            Archive::MapElites(kind) => {
                positive(&["archive", "length_bins"], kind.length_bins)?;
                positive(&["archive", "diversity_bins"], kind.diversity_bins)?;
            }
            _ => {}
        }
        for (index, operator) in recipe.operator.iter().enumerate() {
            let index = index.to_string();
            let path = ["operator", index.as_str(), "weight"];
            if !(operator.weight() >= 0.0 && operator.weight().is_finite()) {
                return Err(self.error(&path, "`weight` must not be negative"));
            }
            if let Some(feedback) = operator.feedback() {
                positive(&["operator", &index, "feedback"], feedback.size)?;
            }
            if let Operator::LocalEdit(kind) = operator {
                positive(&["operator", &index, "edits"], kind.edits)?;
                positive(&["operator", &index, "ops"], kind.ops.len())?;
            }
            if let Operator::CrossoverParts(kind) = operator {
                share(&["operator", &index, "after"], kind.after)?;
            }
            if let Operator::ContextShuffle(kind) = operator {
                positive(&["operator", &index, "max"], kind.max)?;
                share(&["operator", &index, "resample"], kind.resample)?;
            }
            if let Operator::External(external) = operator {
                if external.command.first().is_none_or(|program| program.trim().is_empty()) {
                    return Err(self
                        .error(&["operator", &index], "an external operator needs a `command`")
                        .help("write `command = [\"python3\", \"operator.py\"]`"));
                }
                if external.command.iter().any(|word| word.contains('\0')) {
                    return Err(self.error(
                        &["operator", &index, "command"],
                        "a word of `command` holds a NUL",
                    ));
                }
                let seconds = usize::try_from(external.timeout).unwrap_or(usize::MAX);
                positive(&["operator", &index, "timeout"], seconds)?;
            }
        }
        if breeds && recipe.operator.iter().all(|operator| operator.weight() <= 0.0) {
            return Err(self.error(&["operator"], "at least one operator needs a weight above 0"));
        }
        Ok(())
    }
}

/// The top-level keys of a recipe.
const SLOTS: &[&str] = &[
    "name",
    "about",
    "reference",
    "extends",
    "meta_prompts",
    "objective",
    "schedule",
    "init",
    "select",
    "operator",
    "choose",
    "sampler",
    "screen",
    "evaluate",
    "accept",
    "archive",
    "stop",
    "phase",
    "final",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn from_text(text: &str, sets: &[&str]) -> Result<Recipe, RecipeError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mine.toml");
        std::fs::write(&file, text).unwrap();
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        load(file.to_str().unwrap(), &sets)
    }

    #[test]
    fn every_shipped_recipe_reads_and_reads_again_from_its_effective_form() {
        for recipe in SHIPPED {
            let first = load(recipe.name, &[]).unwrap();
            assert_eq!(first.name, recipe.name);
            assert!(!first.about.is_empty(), "{} says nothing about itself", recipe.name);
            let again = from_text(&effective_table(&first), &[]).unwrap();
            assert_eq!(first, again);
        }
    }

    #[test]
    fn extends_and_set_change_single_keys() {
        let recipe = from_text(
            "name = 'mine'\nextends = 'auto'\n[evaluate]\nblock = 4\n",
            &["evaluate.below=0.3", "operator.0.feedback.size=9"],
        )
        .unwrap();
        let Evaluate::Race(race) = &recipe.evaluate else { panic!("not a race") };
        assert_eq!((race.block, race.below), (4, 0.3));
        let Operator::Reflect(reflect) = &recipe.operator[0] else { panic!("not reflect") };
        assert_eq!(reflect.feedback.size, 9);
    }

    #[test]
    fn another_kind_drops_the_keys_of_the_old_one() {
        let recipe = from_text("extends = 'auto'\n[evaluate]\nkind = 'full'\n", &[]).unwrap();
        assert_eq!(recipe.evaluate.kind(), "full");
        let recipe =
            from_text("extends = 'auto'\n", &["evaluate.kind=full", "evaluate.block=4"]).unwrap();
        let Evaluate::Full(full) = &recipe.evaluate else { panic!("not full") };
        assert_eq!(full.block, 4);
    }

    #[test]
    fn mistakes_name_line_and_cure() {
        let cases = [
            (
                "extends = 'auto'\n[evaluate]\nblok = 4\n",
                ":3: evaluate `race`: unknown key `blok`\n  try: did you mean `block`?",
            ),
            (
                "extends = 'auto'\n[evaluate]\nkind = 'raze'\n",
                ":3: unknown evaluate kind `raze`\n  try: did you mean `race`?",
            ),
            (
                "extends = 'auto'\n\n[[operator]]\nkind = 'reflect'\nweigth = 2\n",
                ":5: operator `reflect`: unknown key `weigth`\n  try: did you mean `weight`?",
            ),
            (
                "extends = 'auto'\n[evalute]\n",
                ":2: unknown slot `evalute`\n  try: did you mean `evaluate`?",
            ),
            ("extends = 'auto'\n[stop]\nwhen = ['stalled']\n", "is not a reason to stop"),
            (
                "extends = 'auto'\n[[screen]]\nkind = 'cap'\n",
                "`cap` counts the children of a generation",
            ),
            ("extends = 'auto'\n[select]\nkind = 'uct'\n", ":2: a tree search is all of one piece"),
            ("extends = 'nobody'\n", ":1: there is no strategy `nobody`"),
            ("[schedule]\nkind = 'steady'\n", ":1: a steady schedule needs at least one"),
        ];
        for (text, expected) in cases {
            let message = from_text(text, &[]).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}\n--- should contain ---\n{expected}");
        }
    }

    #[test]
    fn a_recipe_cannot_extend_itself_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("loop.toml");
        std::fs::write(&file, "extends = 'loop.toml'\n").unwrap();
        let message = load(file.to_str().unwrap(), &[]).unwrap_err().to_string();
        assert!(message.contains("without an end"), "{message}");
    }

    #[test]
    fn an_unknown_strategy_is_suggested() {
        let message = load("autoo", &[]).unwrap_err().to_string();
        assert_eq!(message, "there is no strategy `autoo`: did you mean `auto`?");
    }
}
