//! Reads a mutator's reply: what stands between the tags, and nothing else.

use super::Nonce;
use crate::event::Rejection;

/// The new texts by part. A part that the reply leaves out stays as it was; where a part is given
/// more than once, as after a thinking aloud, the last one counts.
///
/// # Errors
/// No part between the tags, a tag that is not closed, or one that names a frozen part.
pub fn read(
    reply: &str,
    nonce: Nonce,
    searched: &[String],
) -> Result<Vec<(String, String)>, (Rejection, String)> {
    let marker = format!("<prompt-{nonce} part=\"");
    let closing = nonce.closing();
    let mut parts: Vec<(String, String)> = Vec::new();
    let mut rest = reply;
    while let Some((_, after)) = rest.split_once(&marker) {
        let Some((name, after)) = after.split_once("\">") else {
            break;
        };
        let Some((text, after)) = after.split_once(&closing) else {
            return Err((Rejection::Truncated, format!("`{name}` is not closed")));
        };
        rest = after;
        if !searched.iter().any(|part| part == name) {
            return Err((Rejection::Frozen, format!("`{name}` may not be changed")));
        }
        // A thinking aloud that opens a part again before closing it starts over.
        let text = text.rsplit_once(&format!("{marker}{name}\">")).map_or(text, |(_, last)| last);
        let text = text.trim().to_owned();
        match parts.iter_mut().find(|(part, _)| part == name) {
            Some((_, old)) => *old = text,
            None => parts.push((name.to_owned(), text)),
        }
    }
    if parts.is_empty() {
        return Err((Rejection::NoTags, String::new()));
    }
    if let Some((name, _)) = parts.iter().find(|(_, text)| text.is_empty()) {
        return Err((Rejection::Empty, format!("`{name}` is empty")));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonce() -> Nonce {
        Nonce::find("<prompt-00112233445566ff part=\"system\">").unwrap()
    }

    fn parts(reply: &str) -> Result<Vec<(String, String)>, Rejection> {
        let searched = ["system".to_owned(), "demos".to_owned()];
        read(&reply.replace('N', "00112233445566ff"), nonce(), &searched).map_err(|(why, _)| why)
    }

    fn part(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn only_what_stands_between_the_tags_counts() {
        let reply = "Sure!\n<prompt-N part=\"demos\">a</prompt-N> and\n\
                     <prompt-N part=\"system\">\nb\nc\n</prompt-N> done";
        assert_eq!(parts(reply).unwrap(), [part("demos", "a"), part("system", "b\nc")]);
    }

    #[test]
    fn the_last_version_counts() {
        let twice = "<prompt-N part=\"system\">draft</prompt-N>\
                     <prompt-N part=\"system\">final</prompt-N>";
        assert_eq!(parts(twice).unwrap(), [part("system", "final")]);
        let reopened = "<think><prompt-N part=\"system\">hm</think>\
                        <prompt-N part=\"system\">final</prompt-N>";
        assert_eq!(parts(reopened).unwrap(), [part("system", "final")]);
    }

    #[test]
    fn malformed_replies_are_refused_by_their_reason() {
        let cases = [
            ("", Rejection::NoTags),
            ("The new prompt is: be good.", Rejection::NoTags),
            (
                "<prompt-ffffffffffffffff part=\"system\">x</prompt-ffffffffffffffff>",
                Rejection::NoTags,
            ),
            ("<prompt part=\"system\">x</prompt>", Rejection::NoTags),
            ("<prompt-N part=\"system\">cut off he", Rejection::Truncated),
            ("<prompt-N part=\"user\">x</prompt-N>", Rejection::Frozen),
            ("<prompt-N part=\"system\"> \n </prompt-N>", Rejection::Empty),
        ];
        for (reply, reason) in cases {
            assert_eq!(parts(reply).unwrap_err(), reason, "{reply}");
        }
    }
}
