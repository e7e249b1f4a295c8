//! A journal may come from another version or be damaged: it is refused or folded, without a panic.

use super::scratch;
use crate::run::History;
use crate::state::Named;
use crate::task::example::SplitSizes;
use crate::task::model::ModelRole;

/// The rows and the models of the task whose journal it is.
fn named() -> Named {
    let rows = SplitSizes { train: 200, dev: 200, hold: 200 };
    Named { rows, roles: [ModelRole::Task, ModelRole::MUTATOR, ModelRole::Embed].into() }
}

/// The bytes are the file.
pub(super) fn journal(bytes: &[u8]) {
    drop(History::read(&scratch::file("events.jsonl", bytes), named()));
}

/// Each line is an event, whose number and checksum are right.
pub(super) fn event(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let mut file = "{\"promptsearch_journal\":1}\n".to_owned();
    for (number, event) in text.lines().enumerate() {
        let checksum = crc32fast::hash(event.as_bytes());
        file += &format!("{{\"n\":{number},\"crc\":\"{checksum:08x}\",\"event\":{event}}}\n");
    }
    if let Ok(history) = History::read(&scratch::file("events.jsonl", file.as_bytes()), named()) {
        assert!(history.moments.iter().all(|moment| moment.usd.is_finite() && moment.usd >= 0.0));
    }
}
