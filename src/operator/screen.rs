//! What refuses a new prompt before anything is spent on it.

use crate::candidate::DEMOS;
use crate::event::Rejection;
use crate::prompt::{Layout, Prompt, placeholders, value_text};
use crate::recipe::{LeakScreen, LintScreen, NoveltyScreen, Screen};
use crate::state::{Facts, View};
use crate::stats::features::{cosine, hashed};
use crate::task::example::Example;
use std::collections::{HashMap, HashSet};

/// Bytes of one token where a limit on tokens meets a text that nobody has counted: the usual
/// figure for English.
const BYTES_PER_TOKEN: f64 = 4.0;
/// `max_growth` binds only above this many tokens.
const GROWTH_FLOOR_TOKENS: f64 = 400.0;

/// A refusal: the reason, and what it is about.
pub type Refusal = (Rejection, String);

/// The screens of one run.
#[derive(Debug)]
pub struct Screens {
    screens: Vec<Screen>,
    max_tokens: u64,
    labels: Vec<String>,
    leak: Option<LeakIndex>,
    loose: HashSet<String>,
    loose_dedup: bool,
    /// Hashed n-grams of the candidates so far.
    grams: Vec<Vec<f64>>,
}

/// Dimensions of the hashed n-grams.
const GRAMS: usize = 512;

/// Tokens of a prompt as it is sent, without the row, as far as a text's length tells.
#[must_use]
fn estimated_tokens(layout: &Layout, prompt: &Prompt) -> f64 {
    layout.bytes_without_row(prompt) as f64 / BYTES_PER_TOKEN
}

impl Screens {
    /// The recipe's screens for a task: its limit, the labels that its scorers know, and the rows
    /// that must not be copied (never held-out ones: nobody here could have seen them).
    #[must_use]
    pub fn new(
        screens: &[Screen],
        max_tokens: u64,
        labels: Vec<String>,
        rows: &[&Example],
        seed: &Prompt,
    ) -> Self {
        let leak = screens.iter().find_map(|screen| match screen {
            Screen::Leak(kind) => Some(LeakIndex::new(kind, rows, seed)),
            _ => None,
        });
        let loose_dedup =
            screens.iter().any(|screen| matches!(screen, Screen::Dedup(kind) if kind.loose));
        Self {
            screens: screens.to_vec(),
            max_tokens,
            labels,
            leak,
            loose: HashSet::new(),
            loose_dedup,
            grams: Vec::new(),
        }
    }

    /// Refuses a prompt, or lets it pass. The limits of the engine come before the recipe's own.
    ///
    /// # Errors
    /// The first reason to refuse it.
    pub fn check<V: View>(
        &mut self,
        prompt: &Prompt,
        parent: &Prompt,
        layout: &Layout,
        facts: &crate::state::RunState<V>,
    ) -> Result<(), Refusal> {
        let facts: &Facts = facts;
        self.form(prompt, parent, layout)?;
        if facts.find(&prompt.id()).is_some() {
            return Err((Rejection::Dedup, String::new()));
        }
        // Demonstrations are rows by design, and are counted by their own limit.
        let texts = without_demos(prompt);
        let tokens = estimated_tokens(layout, &texts);
        for screen in &self.screens.clone() {
            match screen {
                Screen::Dedup(_) => {
                    if self.loose_dedup {
                        // Rebuilt after a resume: what the run has had is in the facts.
                        if self.loose.len() < facts.candidates.len() {
                            self.loose = facts
                                .candidates
                                .iter()
                                .map(|standing| loosely(&standing.candidate.prompt))
                                .collect();
                        }
                        if self.loose.contains(&loosely(prompt)) {
                            return Err((Rejection::Dedup, "but for case and space".to_owned()));
                        }
                    }
                }
                Screen::Lint(lint) => {
                    let before = estimated_tokens(layout, &without_demos(parent));
                    let grown = tokens / before.max(1.0);
                    if tokens > GROWTH_FLOOR_TOKENS && grown > lint.max_growth {
                        let detail = format!("{grown:.1} times its parent");
                        return Err((Rejection::TooLong, detail));
                    }
                    if let Some(refusal) = shape(lint, &texts, layout) {
                        return Err(refusal);
                    }
                    if lint.keep_labels
                        && let Some(label) = self.lost_label(prompt, parent, layout)
                    {
                        return Err((Rejection::Lint, format!("no longer names `{label}`")));
                    }
                }
                Screen::Novelty(kind) => {
                    if let Some(refusal) = self.too_like(kind, prompt, facts) {
                        return Err(refusal);
                    }
                }
                // Children are counted where they are tried, not where they are written.
                Screen::Cap(_) => {}
                Screen::Leak(_) => {
                    if let Some(leak) = &self.leak
                        && let Some(copied) = leak.copied(&texts, layout)
                    {
                        return Err((Rejection::Leak, copied));
                    }
                }
            }
        }
        Ok(())
    }

    /// Refuses a prompt that is not even well-formed: what the engine itself asks of every prompt.
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
        let tokens = estimated_tokens(layout, prompt);
        if tokens > self.max_tokens as f64 {
            let detail = format!("about {tokens:.0} tokens; {} are allowed", self.max_tokens);
            return Err((Rejection::TooLong, detail));
        }
        Ok(())
    }

    /// Whether an earlier prompt is nearly the same.
    fn too_like(
        &mut self,
        kind: &NoveltyScreen,
        prompt: &Prompt,
        facts: &Facts,
    ) -> Option<Refusal> {
        let text = |prompt: &Prompt| {
            let texts: Vec<&str> = prompt.parts().iter().map(|part| &*part.text).collect();
            hashed(&texts.join("\n"), GRAMS)
        };
        // Rebuilt after a resume: what the run has had is in the facts.
        for standing in facts.candidates.iter().skip(self.grams.len()) {
            self.grams.push(text(&standing.candidate.prompt));
        }
        let mine = text(prompt);
        let nearest = self
            .grams
            .iter()
            .filter_map(|theirs| cosine(&mine, theirs))
            .fold(f64::NEG_INFINITY, f64::max);
        (nearest > kind.max_similarity)
            .then(|| (Rejection::Novelty, format!("cosine {nearest:.3} to an earlier prompt")))
    }

    fn lost_label(&self, prompt: &Prompt, parent: &Prompt, layout: &Layout) -> Option<&str> {
        let named = |prompt: &Prompt, label: &str| {
            layout.searched().iter().any(|part| {
                let text = prompt.part(part).unwrap_or("").to_lowercase();
                text.contains(&label.to_lowercase())
            })
        };
        self.labels
            .iter()
            .map(String::as_str)
            .find(|label| named(parent, label) && !named(prompt, label))
    }
}

/// A prompt with an empty part for demonstrations.
fn without_demos(prompt: &Prompt) -> Prompt {
    prompt.with_part(DEMOS, "")
}

/// Too many characters, or a text that must not occur.
fn shape(lint: &LintScreen, prompt: &Prompt, layout: &Layout) -> Option<Refusal> {
    let texts: Vec<&str> = layout.searched().iter().filter_map(|part| prompt.part(part)).collect();
    let characters: usize = texts.iter().map(|text| text.chars().count()).sum();
    if lint.max_chars > 0 && characters > lint.max_chars {
        let detail = format!("{characters} characters; {} are allowed", lint.max_chars);
        return Some((Rejection::TooLong, detail));
    }
    let forbidden = lint.forbid.iter().find(|word| texts.iter().any(|text| text.contains(*word)));
    forbidden.map(|word| (Rejection::Lint, format!("holds `{word}`")))
}

/// Letters and digits only, in lower case.
fn loosely(prompt: &Prompt) -> String {
    let mut text = String::new();
    for part in prompt.parts() {
        text.extend(part.text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase));
        text.push('\n');
    }
    text
}

/// Finds rows in a prompt: runs of words by the hash of their first `ngram`.
#[derive(Debug)]
struct LeakIndex {
    ngram: usize,
    share: f64,
    rows: Vec<Vec<String>>,
    grams: HashMap<u64, Vec<(u32, u32)>>,
    of_seed: HashSet<u64>,
}

impl LeakIndex {
    fn new(kind: &LeakScreen, rows: &[&Example], seed: &Prompt) -> Self {
        let ngram = kind.ngram.max(2);
        let rows: Vec<Vec<String>> = rows.iter().map(|row| words(&input_text(row))).collect();
        let mut grams: HashMap<u64, Vec<(u32, u32)>> = HashMap::new();
        for (row, text) in rows.iter().enumerate() {
            for (at, gram) in text.windows(ngram).enumerate() {
                grams.entry(hash(gram)).or_default().push((row as u32, at as u32));
            }
        }
        let mut of_seed = HashSet::new();
        for part in seed.parts() {
            of_seed.extend(words(&part.text).windows(ngram).map(hash));
        }
        Self { ngram, share: kind.share, rows, grams, of_seed }
    }

    /// The start of a run that copies a row, if there is one.
    fn copied(&self, prompt: &Prompt, layout: &Layout) -> Option<String> {
        for part in layout.searched() {
            let text = words(prompt.part(part).unwrap_or(""));
            for (at, gram) in text.windows(self.ngram).enumerate() {
                let key = hash(gram);
                // What the seed says itself is no copy.
                if self.of_seed.contains(&key) {
                    continue;
                }
                for (row, from) in self.grams.get(&key).into_iter().flatten() {
                    let row = &self.rows[*row as usize];
                    let run = text[at..]
                        .iter()
                        .zip(&row[*from as usize..])
                        .take_while(|(mine, theirs)| mine == theirs)
                        .count();
                    if run >= self.ngram && run as f64 >= self.share * row.len() as f64 {
                        return Some(format!("{run} words of a row: {} …", gram.join(" ")));
                    }
                }
            }
        }
        None
    }
}

fn hash(gram: &[String]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for word in gram {
        hasher.update(word.as_bytes());
        hasher.update(b" ");
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}

fn input_text(row: &Example) -> String {
    row.columns.values().map(|value| value_text(value).into_owned()).collect::<Vec<_>>().join(" ")
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Part;
    use crate::recipe::{DedupScreen, LintScreen};
    use crate::state::RunState;
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
            id: crate::id::ExampleId::new("1"),
            columns: columns.as_object().unwrap().clone(),
            answer: serde_json::Value::Null,
            feedback: None,
            group: None,
            line: 1,
        }
    }

    fn check(new: &str, old: &str) -> Result<(), Rejection> {
        let row = row("one two three four five six seven eight nine ten eleven twelve thirteen");
        let seed = prompt("Route to billing or claims.");
        let columns = BTreeSet::from(["input".to_owned()]);
        let layout = Layout::new(&seed, &["system".to_owned()], &columns).unwrap();
        let screens = [
            Screen::Dedup(DedupScreen { loose: true }),
            Screen::Lint(LintScreen::default()),
            Screen::Leak(LeakScreen::default()),
        ];
        let mut screens = Screens::new(&screens, 1_000, vec!["billing".into()], &[&row], &seed);
        let mut state: RunState<()> = RunState::new(1);
        let at = jiff::Timestamp::UNIX_EPOCH;
        let seed = crate::candidate::Candidate::baseline(seed);
        state.apply(crate::id::EventNumber(0), &crate::event::Event::Started { at, seed });
        screens.check(&prompt(new), &prompt(old), &layout, &state).map_err(|(why, _)| why)
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
