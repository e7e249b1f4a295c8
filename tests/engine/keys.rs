//! Every key of every recipe has an effect, and no two recipes give the same search.

use crate::support::{Ended, Lab, decisions, jitter};
use promptsearch::caps::Caps;
use promptsearch::event::Event;
use promptsearch::recipe::{self, SHIPPED, Shipped};
use promptsearch::run::RunError;
use promptsearch::units::Usd;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A task and a budget on which a key may have an effect.
#[derive(Clone, Copy)]
struct Scene {
    world: &'static str,
    calls: u64,
    /// Thousandths of a dollar.
    mills: Option<u64>,
    /// The share of dev rows; few rows allow many generations.
    dev: f64,
}

/// The scenes; most keys have an effect on the first.
const SCENES: [Scene; 6] = [
    Scene { world: "few-skills/tune", calls: 1_500, mills: None, dev: 0.08 },
    Scene { world: "demos/tune", calls: 4_000, mills: None, dev: 0.08 },
    Scene { world: "terse/tune", calls: 6_000, mills: None, dev: 0.3 },
    // The money is spent in the middle of the search.
    Scene { world: "terse/tune", calls: 6_000, mills: Some(30), dev: 0.3 },
    Scene { world: "noisy/tune", calls: 20_000, mills: None, dev: 0.08 },
    // The calls are spent early: the last candidate has hardly any rows.
    Scene { world: "few-skills/tune", calls: 640, mills: None, dev: 0.08 },
];

/// Keys that change no decision here, by the end of their name, with the reason.
const EXEMPT: &[(&str, &str)] = &[
    ("name", "a name"),
    ("about", "a sentence"),
    ("reference", "a reference"),
    ("dedup loose", "no simulated reply differs in case and spaces alone; see operator::screen"),
    ("leak ngram", "no simulated reply copies a row; see operator::screen"),
    ("leak share", "as the other"),
    ("lint max_growth", "no simulated reply doubles a prompt; see operator::screen"),
    ("promptbreeder: operator.4.most", "there are not as many prompts that are unlike"),
    ("confirm chance", "the goal is `max quality`; see strategy::tests::goals"),
    // A contest knows its budget before it starts: only a deadline can interrupt it.
    ("triple-sh: final.among", "one survivor is left; see strategy::tests::pools"),
    ("triple-cr: final.among", "as above"),
    ("triple-clst: final.among", "as above"),
    ("triple-gse: final.among", "as above"),
    ("promptwizard: phase.7.operator.1.answers", "hardly anyone was right where its parent failed"),
];

/// Words that are values of some key.
const WORDS: &[&str] = &[
    "arrival",
    "baseline",
    "top",
    "own_correct",
    "expected",
    "gt_parent",
    "ge_parent",
    "paired_t",
    "sign",
    "e_process",
    "bernstein",
    "bayes",
    "average",
    "closest",
    "incumbent",
    "slot",
    "part",
    "line",
    "front",
    "improved",
    "all",
    "round_robin",
    "any",
    "errors",
    "zero",
    "first",
    "word",
    "phrase",
    "sentence",
    "epoch",
    "errors_else_correct",
    "best",
    "last",
    "path",
    "finished",
    "fully_evaluated",
    "survivors",
    "population",
    "winners",
    "texts",
    "answers",
    "ei",
    "ucb",
    "ts",
    "uniform",
    "pareto",
    "delete",
    "swap",
    "add",
];

/// One search; the task of a scene has two texts, which are searched together.
fn tried(recipe: &'static str, sets: &[String], scene: Scene) -> Result<Ended, RunError> {
    let usd = scene.mills.map(|mills| Usd::from_nanos(mills * 1_000_000));
    let caps = Caps { calls: Some(scene.calls), usd, ..Caps::default() };
    let mut lab = Lab::new(recipe, 1, caps, 64);
    lab.world = Some(scene.world);
    let (dev, hold) = (scene.dev, 0.7 - scene.dev);
    lab.edits = vec![
        ("\nuser = ", "\nmanner = \"Answer in as few words as you can.\"\nuser = ".to_owned()),
        ("search = [\"system\"", "search = [\"system\", \"manner\"".to_owned()),
        ("dev = 0.3, hold = 0.4", format!("dev = {dev}, hold = {hold}")),
    ];
    lab.sets = sets.to_vec();
    lab.tried(jitter)
}

/// The decisions and requests by which two searches can differ.
type Print = (Vec<serde_json::Value>, BTreeSet<String>);

/// All decisions and all requests.
fn fingerprint(ended: &Ended) -> Print {
    let asked = ended.events.iter().filter_map(|(_, event)| match event {
        Event::Answered(answered) => Some(answered.request.to_string()),
        _ => None,
    });
    (decisions(&ended.events), asked.collect())
}

/// Other values for a key, as `--set` takes them; values that a recipe rejects are skipped.
fn others(value: &toml::Value) -> Vec<toml::Value> {
    match value {
        toml::Value::Boolean(value) => vec![(!value).into()],
        toml::Value::Integer(value) => {
            [value * 2 + 1, value / 2, value * 5 + 5, value * 20 + 20, 1, 0]
                .map(toml::Value::Integer)
                .to_vec()
        }
        toml::Value::Float(value) => {
            [value / 2.0, value * 2.0 + 0.5, 0.9, 0.0, 1.0 - value].map(toml::Value::Float).to_vec()
        }
        toml::Value::String(value) => match value.split_once(':') {
            Some((name, _)) => [3, 1].map(|count| format!("{name}:{count}").into()).to_vec(),
            None if value == "always"
                || value == "incumbent_changed"
                || value == "after_accept" =>
            {
                vec!["stalled:2".into(), "always".into()]
            }
            None => WORDS.iter().map(|word| (*word).into()).collect(),
        },
        _ => Vec::new(),
    }
}

/// A key of a recipe.
struct Key {
    recipe: &'static str,
    /// Its name in `--set`.
    path: String,
    value: toml::Value,
    /// The kind, or the table that several kinds share, and the key's name there.
    of_kind: String,
}

impl Key {
    fn is_exempt(&self) -> bool {
        let full = format!("{}: {}", self.recipe, self.path);
        let name = self.path.rsplit('.').next().unwrap();
        EXEMPT.iter().any(|(exempt, _)| [name, &full, &self.of_kind].contains(exempt))
    }
}

/// Keys with the same meaning in every kind of operator.
const OF_ALL_OPERATORS: &[&str] = &["weight", "when", "max_uses"];

/// All keys below a table of a kind.
fn leaves(recipe: &'static str, path: &str, kind: &str, table: &toml::Table, found: &mut Vec<Key>) {
    let kind = table.get("kind").and_then(toml::Value::as_str).unwrap_or(kind);
    for (key, value) in table.iter().filter(|(key, _)| *key != "kind") {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match value {
            toml::Value::Table(inner) => leaves(recipe, &path, key, inner, found),
            toml::Value::Array(items) if items.iter().all(toml::Value::is_table) => {
                for (place, item) in items.iter().filter_map(toml::Value::as_table).enumerate() {
                    leaves(recipe, &format!("{path}.{place}"), key, item, found);
                }
            }
            _ => {
                let is_shared = OF_ALL_OPERATORS.contains(&key.as_str());
                let kind = if is_shared && path.contains("operator.") { "operator" } else { kind };
                let (value, of_kind) = (value.clone(), format!("{kind} {key}"));
                found.push(Key { recipe, path, value, of_kind });
            }
        }
    }
}

/// The keys of a recipe that may change a decision: those in its file, or all of them.
fn keys(recipe: &'static Shipped, text: &str) -> Vec<Key> {
    let mut table: toml::Table = toml::from_str(text).unwrap();
    table.remove("extends");
    let mut found = Vec::new();
    leaves(recipe.name, "", "", &table, &mut found);
    found.retain(|key| !key.is_exempt());
    found
}

/// `--set` lines that change only one key.
fn changes(path: &str, value: &toml::Value) -> Vec<String> {
    let written = match value {
        toml::Value::Array(items) => {
            let mut lists = vec![items[..items.len().saturating_sub(1)].to_vec()];
            for (place, item) in items.iter().enumerate() {
                for other in others(item) {
                    let mut list = items.clone();
                    list[place] = other;
                    lists.push(list);
                }
            }
            if path.ends_with("stop.when") {
                lists.insert(0, [&items[..], &["score:0.1".into()]].concat());
            }
            lists.into_iter().map(toml::Value::Array).collect()
        }
        _ => others(value),
    };
    written
        .into_iter()
        .filter(|other| other != value)
        .map(|other| format!("{path}={other}"))
        .collect()
}

/// Processes the items, several at a time.
fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}

/// The behaviour of the unchanged recipes, determined once per scene.
#[derive(Default)]
struct References(Mutex<BTreeMap<(&'static str, usize), Arc<Print>>>);

impl References {
    fn of(&self, recipe: &'static str, scene: usize) -> Arc<Print> {
        let known = self.0.lock().unwrap().get(&(recipe, scene)).cloned();
        known.unwrap_or_else(|| {
            let print = Arc::new(fingerprint(&tried(recipe, &[], SCENES[scene]).unwrap()));
            self.0.lock().unwrap().insert((recipe, scene), Arc::clone(&print));
            print
        })
    }
}

/// The result for a key.
#[derive(Clone, Debug, PartialEq)]
enum Found {
    /// Some other valid value changes the behaviour of the recipe.
    Binds,
    /// No other value does.
    Idle(String),
    /// There is no other valid value.
    Fixed,
    /// A value that is accepted ends the search with an error.
    Breaks(String),
}

fn found(key: &Key, references: &References) -> Found {
    let mut legal = changes(&key.path, &key.value);
    legal.retain(|set| recipe::load(key.recipe, std::slice::from_ref(set)).is_ok());
    legal.dedup();
    legal.truncate(5);
    if legal.is_empty() {
        return Found::Fixed;
    }
    for (number, scene) in SCENES.iter().enumerate() {
        for set in &legal {
            match tried(key.recipe, std::slice::from_ref(set), *scene) {
                Ok(ended) if fingerprint(&ended) != *references.of(key.recipe, number) => {
                    return Found::Binds;
                }
                Ok(_) => {}
                Err(error) => return Found::Breaks(format!("{}: {set}: {error}", key.recipe)),
            }
        }
    }
    Found::Idle(format!("{}: {} = {} (tried {legal:?})", key.recipe, key.path, key.value))
}

/// Each key in a recipe's file has an effect there; each key of a kind that is in no file has an
/// effect in some recipe.
#[test]
fn setting_any_key_changes_decisions_or_requests() {
    let references = References::default();
    let complaints = Mutex::new(Vec::new());
    let bound = Mutex::new(BTreeSet::new());
    let written: Vec<Key> = SHIPPED.iter().flat_map(|recipe| keys(recipe, recipe.text)).collect();
    in_parallel(&written, |key| match found(key, &references) {
        Found::Fixed => {}
        Found::Binds => drop(bound.lock().unwrap().insert(key.of_kind.clone())),
        Found::Idle(what) | Found::Breaks(what) => complaints.lock().unwrap().push(what),
    });
    let bound = bound.into_inner().unwrap();
    let mut unwritten: BTreeMap<String, Vec<Key>> = BTreeMap::new();
    for shipped in SHIPPED {
        let text = recipe::effective_table(&recipe::load(shipped.name, &[]).unwrap());
        for key in keys(shipped, &text) {
            if !bound.contains(&key.of_kind) {
                unwritten.entry(key.of_kind.clone()).or_default().push(key);
            }
        }
    }
    let unwritten: Vec<(String, Vec<Key>)> = unwritten.into_iter().collect();
    in_parallel(&unwritten, |(_, keys)| {
        let mut idle = None;
        for key in keys {
            match found(key, &references) {
                Found::Binds => return,
                Found::Fixed => {}
                Found::Idle(what) => idle = Some(what),
                Found::Breaks(what) => return complaints.lock().unwrap().push(what),
            }
        }
        complaints.lock().unwrap().extend(idle);
    });
    let mut complaints = complaints.into_inner().unwrap();
    complaints.sort();
    assert!(complaints.is_empty(), "{} keys:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn no_two_recipes_make_the_same_requests() {
    let asked = Mutex::new(BTreeMap::new());
    in_parallel(SHIPPED, |shipped| {
        let (_, asked_by) = fingerprint(&tried(shipped.name, &[], SCENES[1]).unwrap());
        asked.lock().unwrap().insert(shipped.name, asked_by);
    });
    let asked = asked.into_inner().unwrap();
    for (name, mine) in &asked {
        for (other, theirs) in
            asked.range::<str, _>((std::ops::Bound::Excluded(*name), std::ops::Bound::Unbounded))
        {
            assert!(mine != theirs, "{name} and {other} are the same search");
        }
    }
}
