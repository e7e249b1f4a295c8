//! Reads a mutator's reply: the parts or notes between the tags, and nothing else; or the one text that
//! was asked for, where there are no tags and it is plain which it is.

use super::bare_reply;
use super::framing::Nonce;
use crate::event::Rejection;
use crate::text;

/// The new texts by part. A part that the reply leaves out stays as it was, and one that is not closed reaches to the
/// end of the reply; where a part is given more than once, as after a thinking aloud, the last one counts.
///
/// # Errors
/// No part after a tag, or a tag that names a frozen part.
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
        // Models forget to close the last one. A reply that was cut off is refused before it is read.
        let (text, after) = after.split_once(&closing).unwrap_or((after, ""));
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
        return match (searched, bare_reply::text(reply)) {
            ([part], Some(text)) => Ok(vec![(part.clone(), text.to_owned())]),
            _ => Err(without_tags(reply)),
        };
    }
    // Some write the text first, and the tags that were asked for behind it.
    if let ([(name, text)], [_]) = (parts.as_slice(), searched)
        && text.is_empty()
        && let Some((before, _)) = reply.split_once(&marker)
        && let Some(text) = bare_reply::text(before)
    {
        return Ok(vec![(name.clone(), text.to_owned())]);
    }
    if let Some((name, _)) = parts.iter().find(|(_, text)| text.is_empty()) {
        return Err((Rejection::Empty, format!("`{name}` is empty")));
    }
    Ok(parts)
}

/// The notes, in their order; empty ones are dropped. `asked` is how many were asked for.
///
/// # Errors
/// No note between the tags, or one that is not closed.
pub fn notes(reply: &str, nonce: Nonce, asked: u32) -> Result<Vec<String>, (Rejection, String)> {
    let (opening, closing) = (nonce.note_opening(), nonce.note_closing());
    let mut notes = Vec::new();
    let mut rest = reply;
    while let Some((_, after)) = rest.split_once(&opening) {
        let Some((text, after)) = after.split_once(&closing) else {
            return Err((Rejection::Truncated, "a note is not closed".to_owned()));
        };
        rest = after;
        // As with parts, a thinking aloud that opens a note again starts over.
        let text = text.rsplit_once(&opening).map_or(text, |(_, last)| last).trim();
        if !text.is_empty() {
            notes.push(text.to_owned());
        }
    }
    if notes.is_empty() {
        return match (asked, bare_reply::text(reply)) {
            (1, Some(text)) => Ok(vec![text.to_owned()]),
            _ => Err(without_tags(reply)),
        };
    }
    Ok(notes)
}

/// What came, for people.
fn without_tags(reply: &str) -> (Rejection, String) {
    let reply = text::shorten(&text::one_line(reply), 160);
    (Rejection::NoTags, format!("it says “{reply}”"))
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
    fn a_reply_without_tags_is_read_where_one_text_was_asked_for() {
        let one = ["system".to_owned()];
        let bare = "Route the ticket.";
        assert_eq!(read(bare, nonce(), &one).unwrap(), [part("system", bare)]);
        assert_eq!(parts(bare), Err(Rejection::NoTags), "which of the two parts?");
        assert_eq!(notes(bare, nonce(), 1).unwrap(), [bare]);
        assert!(notes(bare, nonce(), 2).is_err());
        let (_, detail) = read("Sure! \u{1b}[2Jx", nonce(), &one).unwrap_err();
        assert_eq!(detail, "it says “Sure! x”");
    }

    #[test]
    fn a_part_that_is_not_closed_reaches_to_the_end() {
        let open = "Here it is:\n<prompt-N part=\"system\">\nSort it.\nAnswer with one word.\n";
        assert_eq!(parts(open).unwrap(), [part("system", "Sort it.\nAnswer with one word.")]);
        let reopened = "<prompt-N part=\"system\">hm <prompt-N part=\"system\">final";
        assert_eq!(parts(reopened).unwrap(), [part("system", "final")]);
    }

    #[test]
    fn a_text_before_an_empty_pair_of_tags_is_taken() {
        let one = ["system".to_owned()];
        let read = |text: &str| {
            let reply = format!(
                "{text}\n<prompt-00112233445566ff part=\"system\">\n</prompt-00112233445566ff>"
            );
            read(&reply, nonce(), &one).map_err(|(why, _)| why)
        };
        assert_eq!(
            read("Sort it.\n\nName one."),
            Ok(vec![part("system", "Sort it.\n\nName one.")])
        );
        for remark in ["", "Sure!", "I looked at it.\n\nSort it."] {
            assert_eq!(read(remark), Err(Rejection::Empty), "{remark}");
        }
        let two = "Sort it.\n<prompt-N part=\"system\"></prompt-N>";
        assert_eq!(parts(two), Err(Rejection::Empty), "which of the two parts?");
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
            ("<prompt-N part=\"system\">", Rejection::Empty),
            ("<prompt-N part=\"user\">x</prompt-N>", Rejection::Frozen),
            ("<prompt-N part=\"system\"> \n </prompt-N>", Rejection::Empty),
        ];
        for (reply, reason) in cases {
            assert_eq!(parts(reply).unwrap_err(), reason, "{reply}");
        }
    }

    #[test]
    fn notes_are_read_in_their_order() {
        let notes = |reply: &str| {
            notes(&reply.replace('N', "00112233445566ff"), nonce(), 2).map_err(|(why, _)| why)
        };
        let two =
            "Well: <note-N>\none\n</note-N> and <note-N> </note-N><note-N>two\nlines</note-N>.";
        assert_eq!(notes(two).unwrap(), ["one", "two\nlines"]);
        let reopened = "<think><note-N>hm</think><note-N>final</note-N>";
        assert_eq!(notes(reopened).unwrap(), ["final"]);
        let cases = [
            ("", Rejection::NoTags),
            ("<note-N> \n</note-N>", Rejection::NoTags),
            ("<note-ffffffffffffffff>x</note-ffffffffffffffff>", Rejection::NoTags),
            ("<note-N>one</note-N><note-N>cut off he", Rejection::Truncated),
            ("<prompt-N part=\"system\">x</prompt-N>", Rejection::NoTags),
        ];
        for (reply, reason) in cases {
            assert_eq!(notes(reply).unwrap_err(), reason, "{reply}");
        }
    }
}
