//! Texts of dev and held-out rows in a prompt. A prompt that holds the rows by which it was chosen has learned them, and its
//! score on them says little. Rows of train may stand in it: they are shown to mutators, and examples are made of them.

use super::{Flag, Guard};
use crate::prompt::Prompt;
use crate::task::Task;
use crate::task::copies::{CopyIndex, CopyRule};
use crate::task::example::{Example, Split};
use std::collections::BTreeMap;

/// Eight words in a row, and at least half of the row's.
const RULE: CopyRule = CopyRule { ngram: 8, share: 0.5 };

pub(super) fn flags(task: &Task, prompt: &Prompt, baseline: &Prompt) -> Vec<Flag> {
    let dev: Vec<&Example> = task.splits.dev.iter().collect();
    let hold: Vec<&Example> = task.splits.hold.open_held_out().iter().collect();
    let train: Vec<&Example> = task.splits.train.iter().collect();
    let mut flags = Vec::new();
    for (split, rows) in [(Split::Dev, dev), (Split::Hold, hold)] {
        let index = CopyIndex::new(RULE, &rows, baseline).without(&train);
        let mut by_part: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for copy in index.copies(prompt, &task.layout) {
            by_part.entry(copy.part).or_insert((0, copy.start)).0 += 1;
        }
        for (part, (count, start)) in by_part {
            let rows = if count == 1 { "a row".to_owned() } else { format!("{count} rows") };
            let found = match split {
                // Which ones, and how many, would be a look at them.
                Split::Hold => "holds the text of held-out rows".to_owned(),
                _ => format!("holds the text of {rows} of {split}: \"{start} …\""),
            };
            flags.push(Flag { guard: Guard::CopiedRow, part: Some(part), found });
        }
    }
    flags
}
