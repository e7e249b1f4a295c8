//! Recipes on the terminal: the list by families, and one recipe slot by slot.
//!
//! The meanings of slots and keys are declared in `recipe`; this file only formats them.

use super::terminal::{NARROWEST, Page, Paint, WIDEST, set_prose};
use super::words::visible;
use crate::recipe::{KeyShown, Recipe, SlotShown, explained};
use crate::score_form::ScoreForm;
use crate::text::columns_of;
use crate::text::toml_of;
use serde::Serialize;

/// A recipe's entry in the list.
#[derive(Debug, Serialize)]
pub struct RecipeEntry {
    /// Its name.
    pub name: String,
    /// When to choose it.
    pub about: String,
    /// The paper, if it has one.
    pub reference: Option<String>,
    /// Its family.
    pub family: &'static str,
}

impl RecipeEntry {
    /// The entry of a recipe.
    #[must_use]
    pub fn of(recipe: &Recipe) -> Self {
        Self {
            name: recipe.name.clone(),
            about: recipe.about.clone(),
            reference: recipe.reference.clone(),
            family: family(recipe),
        }
    }
}

/// The families, in the order of the list.
const FAMILIES: &[&str] = &[
    "The default",
    "Continuous search",
    "Generations: children written and evaluated together",
    "Tree search",
    "Islands and niches",
    "Pool: written once, and evaluated together",
    "Combinations of instructions and demonstrations",
    "Reference strategies",
];

/// The family of a recipe, derived from its slots, so that no list has to be maintained.
fn family(recipe: &Recipe) -> &'static str {
    if recipe.name == "auto" {
        return FAMILIES[0];
    }
    let phases = recipe.phases();
    let bred = phases.iter().find(|phase| phase.schedule.breeds());
    let first = bred.or(phases.first()).unwrap_or(&recipe.slots);
    if first.schedule.combines() {
        FAMILIES[6]
    } else if !first.schedule.breeds() {
        FAMILIES[5]
    } else if first.archive.is_tree() {
        FAMILIES[3]
    } else if first.archive.has_niches() || first.select.has_niches() {
        FAMILIES[4]
    } else if recipe.reference.is_none() {
        FAMILIES[7]
    } else if first.schedule.children().is_some() {
        FAMILIES[2]
    } else {
        FAMILIES[1]
    }
}

fn page(colour: bool, width: usize) -> Page {
    let width = width.clamp(NARROWEST, WIDEST);
    Page { text: String::new(), paint: Paint { colour }, width, form: ScoreForm::Percent }
}

/// The list, by families.
#[must_use]
pub fn list(recipes: &[RecipeEntry], colour: bool, width: usize) -> String {
    let mut page = page(colour, width);
    let names = recipes.iter().map(|recipe| columns_of(&recipe.name)).max().unwrap_or(0);
    let mut is_first = true;
    for family in FAMILIES {
        let mut members = recipes.iter().filter(|recipe| recipe.family == *family).peekable();
        if members.peek().is_none() {
            continue;
        }
        if !is_first {
            page.line("");
        }
        is_first = false;
        page.prose(0, family, Paint::dim);
        for recipe in members {
            let indent = names + 4;
            for (number, text) in set_prose(&recipe.about, page.width - indent).iter().enumerate() {
                let name = if number == 0 { recipe.name.as_str() } else { "" };
                let space = " ".repeat(indent - 2 - columns_of(name));
                let name = page.paint.bold(name);
                page.line(&format!("  {name}{space}{text}"));
            }
        }
    }
    page.line("");
    let more = "promptsearch strategies NAME explains one of them, slot by slot";
    page.prose(0, more, Paint::dim);
    page.text
}

/// One recipe, slot by slot. `header` is the comment above it in its file.
#[must_use]
pub fn strategy(recipe: &Recipe, header: &str, colour: bool, width: usize) -> String {
    let mut page = page(colour, width);
    let name = match &recipe.reference {
        Some(reference) => format!("{} · {}", visible(&recipe.name), visible(reference)),
        None => visible(&recipe.name),
    };
    page.prose(0, &name, Paint::bold);
    page.prose(0, &visible(&recipe.about), |_, text| text.to_owned());
    if !header.is_empty() {
        page.line("");
    }
    for paragraph in paragraphs(header) {
        for (number, text) in set_prose(&paragraph, page.width - 4).iter().enumerate() {
            page.line(&format!("{}{text}", if number == 0 { "  " } else { "    " }));
        }
    }
    for name in recipe.meta_prompts.keys() {
        page.line("");
        page.prose(2, &format!("the meta-prompt `{name}` is replaced"), |_, text| text.to_owned());
    }
    if recipe.phase.is_empty() {
        for slot in explained(&recipe.slots) {
            page.slot(&slot);
        }
        return page.text;
    }
    let mut before: Vec<SlotShown> = Vec::new();
    for (place, phase) in recipe.phase.iter().enumerate() {
        let slots = explained(phase);
        page.line("");
        let rest = if place == 0 { "" } else { ": what differs from the phase before" };
        page.prose(0, &format!("Phase {}{rest}", place + 1), Paint::bold);
        for slot in slots.iter().filter(|slot| !before.contains(slot)) {
            page.slot(slot);
        }
        for slot in before.iter().filter(|old| slots.iter().all(|slot| slot.slot != old.slot)) {
            page.line("");
            page.prose(0, &format!("no {}", slot.slot), |_, text| text.to_owned());
        }
        before = slots;
    }
    page.text
}

/// The paragraphs of a comment. A line that begins with a capitalised word and a colon, or that is
/// not indented, begins a new paragraph if the paragraph before it has ended.
fn paragraphs(header: &str) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    for line in header.lines() {
        let line = line.trim_start_matches('#').trim();
        match paragraphs.last_mut() {
            Some(last) if !last.ends_with(['.', ':']) => {
                last.push(' ');
                last.push_str(line);
            }
            _ => paragraphs.push(line.to_owned()),
        }
    }
    paragraphs.into_iter().map(|text| visible(&text)).filter(|text| !text.is_empty()).collect()
}

impl Page {
    fn slot(&mut self, slot: &SlotShown) {
        self.line("");
        let (name, place) = match slot.slot.split_once('.') {
            Some((name, place)) => (format!("[[{name}]]"), format!("  {name}.{place}")),
            None => (format!("[{}]", slot.slot), String::new()),
        };
        let kind = slot.kind.as_ref().map_or_else(String::new, |kind| format!(" {kind}"));
        self.prose(0, &format!("{name}{kind}{place}"), |paint, text| {
            // The position is what `--set` uses; the rest is the heading.
            match text.strip_suffix(place.as_str()).filter(|_| !place.is_empty()) {
                Some(head) => paint.bold(head) + &paint.dim(&place),
                None => paint.bold(text),
            }
        });
        self.prose(2, &slot.about, |_, text| text.to_owned());
        for key in &slot.keys {
            self.key(key, 2);
        }
    }

    fn key(&mut self, key: &KeyShown, indent: usize) {
        let is_table = !key.keys.is_empty() && key.value.is_object();
        let value = if is_table { "table".to_owned() } else { visible(&toml_of(&key.value)) };
        let default = match (key.is_default(), is_table) {
            (true, _) => " (default)".to_owned(),
            (false, true) => String::new(),
            (false, false) => format!(" (default {})", toml_of(&key.default)),
        };
        let assigned =
            if is_table { key.name.to_owned() } else { format!("{} = {value}", key.name) };
        let whole = format!("{assigned}{default}");
        for (number, line) in set_prose(&whole, self.width - indent - 2).iter().enumerate() {
            let line = match (number, line.strip_suffix(" (default)")) {
                (_, Some(set)) => format!("{set}{}", self.paint.dim(" (default)")),
                (0, None) if !key.is_default() => self.paint.bold(line),
                _ => line.clone(),
            };
            let indent = if number == 0 { indent } else { indent + 2 };
            self.line(&format!("{:indent$}{line}", ""));
        }
        let mut about = key.about.clone();
        if key.values.len() > 1 {
            let names: Vec<String> =
                key.values.iter().map(|(name, _)| format!("`{name}`")).collect();
            about = format!("{about} One of {}.", names.join(", "));
        }
        self.prose(indent + 4, &about, Paint::dim);
        for nested in key.keys.iter().filter(|_| is_table) {
            self.key(nested, indent + 4);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{SHIPPED, load, parse};
    use std::path::Path;

    fn shown(text: &str) -> String {
        let recipe = parse(Path::new("mine.toml"), text).unwrap();
        strategy(&recipe, "# Choose it to see\n# how it looks.\n# Costs: nothing.", false, 80)
    }

    #[test]
    fn a_recipe_slot_by_slot() {
        let text = "about = 'A short one.'\n[[operator]]\nkind = 'reflect'\nweight = 2\n\
                    feedback = { pick = 'epoch', size = 4 }\n[select]\nkind = 'mix'\n\
                    parts = [{ kind = 'best' }]\n";
        insta::assert_snapshot!(shown(text));
    }

    #[test]
    fn phases_show_only_what_differs() {
        let text = "[[operator]]\nkind = 'compress'\n\
                    [[phase]]\n[[phase]]\nevaluate = { kind = 'full', block = 4 }\n";
        let shown = shown(text);
        let (_, second) = shown.split_once("Phase 2").unwrap();
        insta::assert_snapshot!(second);
    }

    #[test]
    fn every_shipped_recipe_has_a_family_and_fits_the_terminal() {
        let all: Vec<RecipeEntry> =
            SHIPPED.iter().map(|one| RecipeEntry::of(&load(one.name, &[]).unwrap())).collect();
        for width in [40, 60, 80] {
            let list = list(&all, false, width);
            assert!(all.iter().all(|recipe| list.contains(&recipe.name)));
            let pages = SHIPPED.iter().map(|one| {
                let recipe = load(one.name, &[]).unwrap();
                strategy(&recipe, one.text.split("\nname").next().unwrap_or(""), false, width)
            });
            for text in pages.chain([list]) {
                for line in text.lines() {
                    assert!(columns_of(line) <= width, "{width}: {line}");
                }
            }
        }
    }
}
