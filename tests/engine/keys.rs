//! Every key of every recipe means something, and no two recipes are the same search.

use crate::support::{Ended, Lab, decisions, jitter};
use promptsearch::budget::Caps;
use promptsearch::event::Event;
use promptsearch::recipe::{self, SHIPPED};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tasks and budgets on which a key may show what it does: most do on the first.
const SCENES: [(&str, u64); 3] =
    [("few-skills/tune", 900), ("demos/tune", 2_000), ("terse/tune", 5_000)];

/// Keys that cannot change a decision, and why.
const EXEMPT: &[(&str, &str)] = &[
    ("name", "a name"),
    ("about", "a sentence"),
    ("reference", "a reference"),
    ("order", "has one value"),
];

/// Words that some key takes as its value.
const WORDS: &[&str] = &[
    "seed",
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
    "ei",
    "ucb",
    "ts",
    "uniform",
    "pareto",
    "delete",
    "swap",
    "add",
];

fn run(recipe: &str, sets: &[String], scene: (&'static str, u64)) -> Ended {
    let caps = Caps { calls: Some(scene.1), ..Caps::default() };
    let name = SHIPPED.iter().find(|shipped| shipped.name == recipe).unwrap().name;
    let mut lab = Lab::new(name, 1, caps, 64);
    lab.world = Some(scene.0);
    lab.sets = sets.to_vec();
    lab.run(jitter)
}

/// Everything that was decided, and everything that was asked.
fn fingerprint(ended: &Ended) -> (Vec<serde_json::Value>, BTreeSet<String>) {
    let asked = ended.events.iter().filter_map(|(_, event)| match event {
        Event::Answered(answered) => Some(answered.request.to_string()),
        _ => None,
    });
    (decisions(&ended.events), asked.collect())
}

/// Other values for a key, as `--set` takes them: those that a recipe refuses are passed over.
fn others(value: &toml::Value) -> Vec<toml::Value> {
    match value {
        toml::Value::Boolean(value) => vec![(!value).into()],
        toml::Value::Integer(value) => {
            [value / 2, value * 2 + 1, 1, 0, 3].map(toml::Value::Integer).to_vec()
        }
        toml::Value::Float(value) => {
            [value / 2.0, value * 2.0 + 0.5, 1.0 - value, 0.0, 0.9].map(toml::Value::Float).to_vec()
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

/// All keys below a table, with their paths as `--set` names them.
fn leaves(path: &str, value: &toml::Value, found: &mut Vec<(String, toml::Value)>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table.iter().filter(|(key, _)| *key != "kind") {
                leaves(&below(key), value, found);
            }
        }
        toml::Value::Array(items) if items.iter().all(toml::Value::is_table) => {
            for (place, item) in items.iter().enumerate() {
                leaves(&below(&place.to_string()), item, found);
            }
        }
        _ => found.push((path.to_owned(), value.clone())),
    }
}

/// `--set` lines that change a key, and nothing else.
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

/// Does some work for each item, several at a time.
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

/// Not part of every run: some two thousand searches. What it finds for the recipes that came last is
/// to be gone through.
#[test]
#[ignore = "some two thousand searches, a quarter of an hour"]
fn setting_any_key_of_any_recipe_changes_what_is_decided_or_asked() {
    let mut keys = Vec::new();
    for shipped in SHIPPED {
        let recipe = recipe::load(shipped.name, &[]).unwrap();
        let table: toml::Table = toml::from_str(&recipe::effective_table(&recipe)).unwrap();
        let mut found = Vec::new();
        leaves("", &toml::Value::Table(table), &mut found);
        keys.extend(found.into_iter().map(|(path, value)| (shipped.name, path, value)));
    }
    keys.retain(|(_, path, _)| {
        let key = path.rsplit('.').next().unwrap();
        EXEMPT.iter().all(|(exempt, _)| *exempt != key)
    });
    let references: Vec<BTreeMap<&str, _>> = SCENES
        .iter()
        .map(|scene| {
            let found = Mutex::new(BTreeMap::new());
            in_parallel(SHIPPED, |shipped| {
                let print = fingerprint(&run(shipped.name, &[], *scene));
                found.lock().unwrap().insert(shipped.name, print);
            });
            found.into_inner().unwrap()
        })
        .collect();
    let idle = Mutex::new(Vec::new());
    in_parallel(&keys, |(name, path, value)| {
        let legal: Vec<String> = changes(path, value)
            .into_iter()
            .filter(|set| recipe::load(name, std::slice::from_ref(set)).is_ok())
            .take(4)
            .collect();
        let binds = SCENES.iter().zip(&references).any(|(scene, reference)| {
            legal.iter().any(|set| {
                fingerprint(&run(name, std::slice::from_ref(set), *scene)) != reference[name]
            })
        });
        if !binds {
            idle.lock().unwrap().push(format!("{name}: {path} = {value} (tried {legal:?})"));
        }
    });
    let mut idle = idle.into_inner().unwrap();
    idle.sort();
    assert!(idle.is_empty(), "{} keys change nothing:\n{}", idle.len(), idle.join("\n"));
}

#[test]
fn no_two_recipes_ask_the_same() {
    let asked = Mutex::new(BTreeMap::new());
    in_parallel(SHIPPED, |shipped| {
        let (decided, asked_by) = fingerprint(&run(shipped.name, &[], SCENES[1]));
        asked.lock().unwrap().insert(shipped.name, (decided, asked_by));
    });
    let asked = asked.into_inner().unwrap();
    for (name, (_, mine)) in &asked {
        for (other, (_, theirs)) in
            asked.range::<str, _>((std::ops::Bound::Excluded(*name), std::ops::Bound::Unbounded))
        {
            // Merges join parts, and the prompts here have one text.
            if (*name, *other) == ("gepa", "gepa-merge") {
                continue;
            }
            assert_ne!(mine, theirs, "{name} and {other} are the same search");
        }
    }
}
