//! Tags of a request, and a code fence around the whole text: marks of the reply that are no part of it.

use super::super::lines::is_fence;
use super::Repaired;
use regex::Regex;
use std::sync::LazyLock;

/// The tags of a request, with their nonce.
static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"</?(?:prompt|note|evidence|past|other|mutator)-[0-9a-f]{8,}(?: part="[^"]*")?>"#)
        .ok()
});

/// The text without tags that its parent does not have, and without a fence around all of it.
pub(super) fn removed(text: &str, old: &str) -> Repaired {
    let mut gone = Vec::new();
    let mut left = text.to_owned();
    if let Some(tag) = TAG.as_ref() {
        for found in tag.find_iter(text).map(|found| found.as_str()) {
            if !old.contains(found) {
                left = left.replace(found, "");
                gone.push(found.to_owned());
            }
        }
    }
    if let Some(inner) = fenced(&left).filter(|_| fenced(old).is_none()) {
        gone.push("```".to_owned());
        left = inner;
    }
    let ends = if text.ends_with('\n') { "\n" } else { "" };
    (!gone.is_empty()).then(|| (format!("{}{ends}", left.trim()), gone))
}

/// What is between two fences, if they are the first and the last line and there are no others.
fn fenced(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.trim().split('\n').collect();
    let [first, inner @ .., last] = lines.as_slice() else { return None };
    let is_only = is_fence(first) && last.trim() == "```" && !inner.iter().any(|it| is_fence(it));
    is_only.then(|| inner.join("\n"))
}
