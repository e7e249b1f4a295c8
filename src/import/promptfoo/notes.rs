//! What of a file is left out, with its place.

use crate::text;
use std::path::Path;
use std::sync::Arc;

/// The lines that are named of one kind of notes.
const NAMED: usize = 5;

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: Arc<Path>,
    /// From 1.
    pub(super) line: usize,
}

impl Place {
    pub(super) fn new(file: &Path, line: usize) -> Self {
        Self { file: file.into(), line }
    }
}

/// Notes with their places.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<(Place, String)>);

impl Notes {
    /// Adds a note. Notes of one kind have the same text, so that they can be summed up.
    pub(super) fn add(&mut self, place: &Place, note: impl Into<String>) {
        self.0.push((place.clone(), note.into()));
    }

    /// The first note, as a line of text.
    pub(super) fn first(&self) -> Option<String> {
        self.0.first().map(|(place, note)| format!("line {}: {note}", place.line))
    }

    /// One line for each kind of note and each file: the place of a single one, or the number of
    /// lines and the first of them.
    pub(super) fn listed(mut self) -> Vec<String> {
        self.0.sort();
        self.0.dedup();
        let mut kinds: Vec<(String, Vec<Place>)> = Vec::new();
        for (place, note) in self.0 {
            let same = |(text, places): &&mut (String, Vec<Place>)| {
                *text == note && places.iter().all(|it| it.file == place.file)
            };
            match kinds.iter_mut().find(same) {
                Some((_, places)) => places.push(place),
                None => kinds.push((note, vec![place])),
            }
        }
        let line = |(note, places): (String, Vec<Place>)| {
            let file = places.first().map(|it| it.file.display().to_string()).unwrap_or_default();
            let lines: Vec<String> =
                places.iter().take(NAMED).map(|it| it.line.to_string()).collect();
            let more = if places.len() > NAMED { ", …" } else { "" };
            match places.len() {
                1 => format!("{file}:{}: {note}", lines.concat()),
                count => {
                    let count = text::plural(count, "line");
                    format!("{file}: {note} ({count}: {}{more})", lines.join(", "))
                }
            }
        };
        kinds.into_iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_of_one_kind_are_summed_up() {
        let mut notes = Notes::default();
        for line in 3..12 {
            notes.add(&Place::new(Path::new("a.yaml"), line), "left out");
        }
        notes.add(&Place::new(Path::new("a.yaml"), 2), "other");
        notes.add(&Place::new(Path::new("b.yaml"), 1), "left out");
        assert_eq!(
            notes.listed(),
            [
                "a.yaml:2: other",
                "a.yaml: left out (9 lines: 3, 4, 5, 6, 7, …)",
                "b.yaml:1: left out"
            ]
        );
    }
}
