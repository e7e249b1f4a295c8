//! Reads a recipe: `extends`, `--set`, strict keys, and errors that name file and line.

use super::{Recipe, SHIPPED, Wording, shipped};
use crate::grammar::{Chosen, Slot};
use crate::operator::{INITS, OPERATORS, Operator, SCREENS, Used};
use crate::source::{SourceError, explain_unknown_name, line_of_key, parse_toml};
use crate::strategy::{
    ACCEPTS, ARCHIVES, CHOOSES, EVALUATES, FAMILIES, FINALS, MODELS, SAMPLERS, SELECTS, Slots,
};
use crate::text;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// A `--set` of another base.
    #[error("`--set` changes single keys: name the recipe itself with `--strategy`")]
    SetExtends,
    /// A `--set` of an item that a list has not.
    #[error("`--set {set}`: {has}")]
    SetItem {
        /// The whole of it.
        set: String,
        /// What the recipe has.
        has: String,
    },
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
    load_with(name_or_file, sets, &[])
}

/// The same, where a recipe may name operators from outside of this crate.
///
/// # Errors
/// As `load`.
pub fn load_with(
    name_or_file: &str,
    sets: &[String],
    own: &[Arc<dyn Operator>],
) -> Result<Recipe, RecipeError> {
    let (file, text) = source_of(name_or_file)?;
    let (mut table, mut wordings) = merged(&file, &text, 0)?;
    for set in sets {
        apply_set(&mut table, set)?;
    }
    let reader = Reader { file: &file, text: &text, own, phase: None };
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
    parse_with(file, text, &[])
}

/// The same, where the recipe may name operators from outside of this crate.
///
/// # Errors
/// As `parse`.
pub fn parse_with(
    file: &Path,
    text: &str,
    own: &[Arc<dyn Operator>],
) -> Result<Recipe, SourceError> {
    let mut table: toml::Table = parse_toml(file, text)?;
    let reader = Reader { file, text, own, phase: None };
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
    let text = crate::source::read_text(path).map_err(|error| {
        SourceError::unreadable(path, &error)
            .help("name a shipped strategy (`promptsearch strategies` lists them) or a TOML file")
    })?;
    Ok((path.to_owned(), text))
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

fn merged(file: &Path, text: &str, depth: usize) -> Result<(toml::Table, Wordings), RecipeError> {
    let mut table: toml::Table = parse_toml(file, text)?;
    anchor(&mut table, file);
    let own = Reader { file, text, own: &[], phase: None }.wordings(&mut table, folder_of(file))?;
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

/// Programs are started in the folder of the file that names them, also where another file extends it.
fn anchor(table: &mut toml::Table, file: &Path) {
    // A file that is named alone lies in the folder that this is.
    let parent: PathBuf = Path::new(".").components().chain(folder_of(file).components()).collect();
    for key in ["operator", "phase"] {
        let Some(toml::Value::Array(items)) = table.get_mut(key) else { continue };
        for item in items.iter_mut().filter_map(toml::Value::as_table_mut) {
            if key == "phase" {
                anchor(item, file);
            } else if item.contains_key("command") {
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

/// Slots that are lists of tables.
const LISTS: &[&str] = &["operator", "init", "screen", "phase"];

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
    if steps.is_empty() && *last == "extends" {
        return Err(RecipeError::SetExtends);
    }
    let mut here = table;
    let mut steps = steps.iter();
    while let Some(step) = steps.next() {
        let item = |has: String| RecipeError::SetItem { set: set.to_owned(), has };
        if LISTS.contains(step) && !here.contains_key(*step) {
            return Err(item(format!("this recipe has no `{step}`")));
        }
        let entry = here
            .entry((*step).to_owned())
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        here = match entry {
            toml::Value::Table(inner) => inner,
            toml::Value::Array(items) => {
                let index: Option<usize> = steps.next().and_then(|step| step.parse().ok());
                let last = items.len().saturating_sub(1);
                let found = index.and_then(|index| items.get_mut(index));
                found.and_then(toml::Value::as_table_mut).ok_or_else(|| {
                    item(format!(
                        "`{step}` is a list with the numbers 0 to {last}, such as `{step}.0`"
                    ))
                })?
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
pub(super) struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    /// Operators from outside of this crate.
    own: &'a [Arc<dyn Operator>],
    /// The phase that is read, by its place in the list.
    phase: Option<usize>,
}

impl Reader<'_> {
    /// The recipe, with its phases: each is written as what differs.
    fn recipe(&self, mut table: toml::Table) -> Result<Recipe, SourceError> {
        let name = self.string(&mut table, "name")?;
        let of_file = || self.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let name = name.or_else(of_file).unwrap_or_default();
        let about = self.string(&mut table, "about")?.unwrap_or_default();
        let reference = self.string(&mut table, "reference")?;
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
            let reader = Reader { phase: Some(index), ..*self };
            for key in ["name", "about", "reference", "extends"] {
                if over.contains_key(key) {
                    return Err(reader
                        .error(&[key], format!("a phase has no `{key}` of its own"))
                        .help("write it above the first `[[phase]]`"));
                }
            }
            let mut whole = table.clone();
            merge(&mut whole, over);
            let slots = reader.slots(whole)?;
            reader.check(&slots)?;
            read.push(slots);
        }
        // What phases share is the whole of what is asked of the table itself: it need not stand on its
        // own.
        let mut slots = self.slots(table)?;
        match read.first() {
            Some(first) => slots.schedule = first.schedule.clone(),
            None => self.check(&slots)?,
        }
        if read.iter().any(|phase| phase.finale != slots.finale) {
            return Err(self
                .error(&["phase"], "all phases share the recipe's `final`")
                .help("write `[final]` above the first `[[phase]]`"));
        }
        let meta_prompts = Wordings::new();
        Ok(Recipe { name, about, reference, meta_prompts, slots, phase: read })
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
                    let (folder, cause) = (folder.display(), text::cause(&error));
                    self.error(&[key], format!("`{folder}` cannot be read: {cause}"))
                        .help("`promptsearch strategies eject FOLDER` fills a folder")
                };
                let mut texts = Wordings::new();
                for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
                    let file = entry.map_err(unreadable)?.path();
                    if file.extension().is_some_and(|extension| extension == "md")
                        && let Some(name) = file.file_stem().and_then(|name| name.to_str())
                    {
                        let text = crate::source::read_text(&file).map_err(|error| {
                            let (file, cause) = (file.display(), text::cause(&error));
                            let message = format!("`{file}` cannot be read: {cause}");
                            self.error(&[key], message).help("a meta-prompt is UTF-8 text")
                        })?;
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

    fn slots(&self, mut table: toml::Table) -> Result<Slots, SourceError> {
        let table = &mut table;
        let slots = Slots {
            objective: self.plain(table, "objective")?,
            schedule: self.slot(table, "schedule", &FAMILIES, "steady")?,
            init: self.list(table, "init", |path, item| self.chosen(path, item, &INITS, None))?,
            select: self.slot(table, "select", &SELECTS, "best")?,
            operator: self.list(table, "operator", |path, item| self.used(path, item))?,
            choose: self.slot(table, "choose", &CHOOSES, "fixed")?,
            model: self.slot(table, "model", &MODELS, "thompson")?,
            sampler: self.slot(table, "sampler", &SAMPLERS, "random")?,
            screen: self
                .list(table, "screen", |path, item| self.chosen(path, item, &SCREENS, None))?,
            evaluate: self.slot(table, "evaluate", &EVALUATES, "full")?,
            accept: self.slot(table, "accept", &ACCEPTS, "always")?,
            archive: self.slot(table, "archive", &ARCHIVES, "list")?,
            stop: self.plain(table, "stop")?,
            finale: self.slot(table, "final", &FINALS, "argmax")?,
        };
        match table.keys().next() {
            Some(key) => Err(self.unknown(&[key], key, KEYS, "slot")),
            None => Ok(slots),
        }
    }

    pub(super) fn error(&self, path: &[&str], message: impl Into<String>) -> SourceError {
        let error = SourceError::new(self.file, message);
        // What a phase does not say itself stands above it.
        let place = self.phase.map(|phase| phase.to_string());
        let phase = place.as_ref().map(|place| ["phase", place]);
        let in_phase = phase.and_then(|phase| line_of_key(self.text, &[&phase, path].concat()));
        let line = in_phase.or_else(|| line_of_key(self.text, path));
        match line.or_else(|| line_of_key(self.text, &phase?)) {
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

    fn slot<T: ?Sized>(
        &self,
        table: &mut toml::Table,
        key: &str,
        slot: &Slot<T>,
        default: &str,
    ) -> Result<Chosen<T>, SourceError> {
        match table.remove(key) {
            None => self.chosen(&[key], toml::Table::new(), slot, Some(default)),
            Some(toml::Value::Table(inner)) => self.chosen(&[key], inner, slot, None),
            Some(_) => Err(self
                .error(&[key], format!("`{key}` must be a table with `kind`"))
                .help(format!("write `[{key}]` and under it `kind = \"{default}\"`"))),
        }
    }

    fn list<S>(
        &self,
        table: &mut toml::Table,
        key: &str,
        read: impl Fn(&[&str], toml::Table) -> Result<S, SourceError>,
    ) -> Result<Vec<S>, SourceError> {
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
                toml::Value::Table(inner) => slots.push(read(&[key, &index], inner)?),
                _ => return Err(self.error(&[key, &index], format!("`{key}` must hold tables"))),
            }
        }
        Ok(slots)
    }

    /// One kind of a slot, by its list.
    fn chosen<T: ?Sized>(
        &self,
        path: &[&str],
        mut table: toml::Table,
        slot: &Slot<T>,
        default: Option<&str>,
    ) -> Result<Chosen<T>, SourceError> {
        let name = self.kind_name(path, &mut table, default, &slot.names())?;
        let read = slot.kind(&name).map(|kind| (kind.read)(table));
        let unknown = || self.unknown(path, &name, &slot.names(), "kind");
        read.ok_or_else(unknown)?.map_err(|error| self.below(path, &name, &error))
    }

    /// An operator: a built-in one, or one from outside of this crate.
    fn used(&self, path: &[&str], mut table: toml::Table) -> Result<Used, SourceError> {
        let own = self.own.iter().map(|operator| operator.name());
        let names: Vec<&str> = OPERATORS.names().into_iter().chain(own).collect();
        let name = self.kind_name(path, &mut table, None, &names)?;
        let own = self.own.iter().find(|operator| operator.name() == name);
        let read = match (OPERATORS.kind(&name), own) {
            (Some(kind), _) => Used::read(kind, table),
            (None, Some(operator)) => Used::read_own(operator, table),
            (None, None) => return Err(self.unknown(path, &name, &names, "operator kind")),
        };
        read.map_err(|error| self.below(path, &name, &error))
    }

    fn kind_name(
        &self,
        path: &[&str],
        table: &mut toml::Table,
        default: Option<&str>,
        known: &[&str],
    ) -> Result<String, SourceError> {
        let kind = match (table.remove("kind"), default) {
            (Some(toml::Value::String(kind)), _) => kind,
            (None, Some(kind)) => kind.to_owned(),
            _ => {
                return Err(self
                    .error(path, format!("`{}` needs a `kind`", path[0]))
                    .help(format!("known: {}", known.join(", "))));
            }
        };
        if !known.contains(&kind.as_str()) {
            let path = [path, &["kind"]].concat();
            return Err(self.unknown(&path, &kind, known, &format!("{} kind", path[0])));
        }
        Ok(kind)
    }

    fn below(&self, path: &[&str], kind: &str, error: &toml::de::Error) -> SourceError {
        let mut explained = self.explain(path, error);
        explained.message = format!("{} `{kind}`: {}", path[0], explained.message);
        explained
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
}

/// The top-level keys of a recipe.
const KEYS: &[&str] = &[
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
    "model",
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
        let keys: toml::Table = toml::from_str("block = 4\nbelow = 0.3").unwrap();
        let evaluate = &recipe.slots.evaluate;
        assert_eq!(evaluate.kind(), "race");
        assert!(keys.iter().all(|(key, value)| evaluate.table().get(key) == Some(value)));
        let feedback = recipe.slots.operator[0].feedback().unwrap();
        assert_eq!(feedback.size, 9);
    }

    #[test]
    fn another_kind_drops_the_keys_of_the_old_one() {
        let recipe = from_text("extends = 'auto'\n[evaluate]\nkind = 'full'\n", &[]).unwrap();
        assert_eq!(recipe.slots.evaluate.kind(), "full");
        let recipe =
            from_text("extends = 'auto'\n", &["evaluate.kind=full", "evaluate.block=4"]).unwrap();
        let evaluate = &recipe.slots.evaluate;
        assert_eq!((evaluate.kind(), evaluate.block()), ("full", 4));
    }

    #[test]
    fn mistakes_name_line_and_advice() {
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
            ("extends = 'auto'\n[select]\nkind = 'uct'\n", ":2: a tree search needs three slots"),
            (
                "extends = 'simba'\n[[phase]]\nfinal = { kind = 'argmax' }\n",
                "all phases share the recipe's `final`",
            ),
            (
                "operator = [{ kind = 'reflect' }]\n[[phase]]\n[[phase]]\nevaluate = { kind = 'race', \
                 blok = 3 }\n",
                ":4: evaluate `race`: unknown key `blok`",
            ),
            (
                "operator = [{ kind = 'reflect' }]\n[[phase]]\nname = 'x'\n",
                ":3: a phase has no `name` of its own",
            ),
            (
                "[[operator]]\nkind = 'reflect'\n[select]\nkind = 'tournament'\n",
                ":3: `tournament` selects the parents of a whole generation",
            ),
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
        let message = load("GEPA", &[]).unwrap_err().to_string();
        assert_eq!(message, "there is no strategy `GEPA`: did you mean `gepa`?");
    }
}
