//! Where a provider's key comes from, and how it stays unseen.
//!
//! Not the environment: the edge of the program hands in a function that reads it. Nothing here
//! stores a key, and no error, log or `Debug` shows one.

use crate::task::model::KeySource;
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeSet, HashSet};
use std::io::{BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Replaces a key in a text.
pub const REDACTED: &str = "[key]";

/// How long a command may take to print a key.
const COMMAND_DEADLINE: Duration = Duration::from_secs(30);

/// Once the command has ended, what it printed is read until nothing comes for this long.
const GRACE: Duration = Duration::from_millis(500);

/// No key is longer; a command that prints more prints something else.
const LONGEST: u64 = 64 * 1024;

/// A key that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The variable is not there.
    #[error(
        "the environment variable {name} is not set: set it with `export {name}=…`, or name another \
         source in `api_key`"
    )]
    Unset {
        /// The variable.
        name: String,
    },
    /// The variable is there and holds nothing.
    #[error("the environment variable {name} is empty: set it to the key, or take `api_key` out")]
    Empty {
        /// The variable.
        name: String,
    },
    /// What was found cannot be sent as a key.
    #[error(
        "{origin} does not hold a key: it has {flaw}; print it with `| od -c` to see what came along"
    )]
    Malformed {
        /// Where it was found.
        origin: String,
        /// What is wrong, without the text.
        flaw: &'static str,
    },
    /// The command failed, printed nothing or took too long.
    #[error(
        "the command in `api_key` {trouble}: run it by hand; it must print the key alone and ask \
         nothing"
    )]
    Command {
        /// What it did, without what it printed.
        trouble: String,
    },
}

/// Finds the key that `source` points to. Blocks while a command runs, at most 30 seconds.
///
/// # Errors
/// Names the variable or says what the command did; never what either holds.
pub fn resolve(
    source: &KeySource,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<SecretString, KeyError> {
    match source {
        KeySource::Env(name) => {
            let name = name.clone();
            match env(&name) {
                None => Err(KeyError::Unset { name }),
                Some(value) if value.trim().is_empty() => Err(KeyError::Empty { name }),
                Some(value) => checked(SecretString::from(value), &format!("the variable {name}")),
            }
        }
        KeySource::Command(command) => printed(&command.line),
    }
}

/// A header takes visible ASCII only; saying so here beats a refusal by the provider.
fn checked(key: SecretString, origin: &str) -> Result<SecretString, KeyError> {
    let text = key.expose_secret();
    let flaw = if text.contains(['\n', '\r']) {
        "a line break in it"
    } else if !text.is_ascii() {
        "a character in it that is not ASCII"
    } else if text.bytes().any(|byte| !byte.is_ascii_graphic()) {
        "a space or a control character in it"
    } else {
        return Ok(key);
    };
    Err(KeyError::Malformed { origin: origin.to_owned(), flaw })
}

/// The key that a command prints. Blocks while it runs, at most 30 seconds.
pub(super) fn printed(line: &str) -> Result<SecretString, KeyError> {
    printed_by(line, COMMAND_DEADLINE)
}

fn printed_by(line: &str, deadline: Duration) -> Result<SecretString, KeyError> {
    let trouble = |trouble: String| KeyError::Command { trouble };
    let end = Instant::now() + deadline;
    let too_long = || trouble(format!("did not end within {} s", deadline.as_secs_f32()));

    let mut command = Command::new("sh");
    command.arg("-c").arg(line);
    // What it says beside the key may hold the key too, so it is not shown.
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command.stdout(Stdio::piped());
    // Its own group, so that what it started can be ended with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command
        .spawn()
        .map_err(|error| trouble(format!("could not be started by `sh` ({error})")))?;

    // Read by a thread of its own: what the command started may hold the pipe open for ever.
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            for byte in BufReader::new(stdout.take(LONGEST)).bytes() {
                // After the deadline there is no receiver any more.
                if sender.send(byte).is_err() {
                    break;
                }
            }
        });
    }
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => break None,
        }
    };
    let Some(status) = status else {
        end_group(&mut child);
        return Err(too_long());
    };
    // What the command printed is in the pipe when it has ended; what it started may print nothing more.
    let printed: Result<Vec<u8>, std::io::Error> =
        std::iter::from_fn(|| receiver.recv_timeout(GRACE).ok()).collect();
    if !status.success() {
        return Err(trouble(match status.code() {
            Some(code) => format!("failed with exit code {code}"),
            None => "was ended by a signal".to_owned(),
        }));
    }
    let printed = printed.map_err(|error| trouble(format!("could not be read ({error})")))?;
    let Ok(text) = String::from_utf8(printed) else {
        return Err(trouble("printed something that is not text".to_owned()));
    };
    match text.trim() {
        "" => Err(trouble("printed nothing".to_owned())),
        key => checked(SecretString::from(key), "what the command printed"),
    }
}

/// Ends the command and what it started. Without `unsafe`, a group is only reached through `kill`.
fn end_group(child: &mut Child) {
    #[cfg(unix)]
    {
        let group = format!("kill -s KILL -- -{}", child.id());
        let _ = Command::new("sh").args(["-c", &group]).stderr(Stdio::null()).status();
    }
    // Either may fail because it has just ended by itself, which is what is wanted.
    let _ = child.kill();
    let _ = child.wait();
}

/// Shortest piece of a key that is taken for the key.
const PIECE: usize = 8;

/// The same in an answer, or the whole key where it is shorter.
const ANSWER_PIECE: usize = 16;

/// The text without the key in any form in which a server may send it back: as it is, in other
/// case, percent-encoded, in base64 at any offset, in hex, escaped for JSON (also twice) or HTML, with
/// blanks between its characters, cut after a few characters, or masked with asterisks. Any eight
/// characters of a form are taken for the key, together with the word around them.
///
/// It is for what a server says instead of an answer: in an answer, asterisks are Markdown.
#[must_use]
pub fn redact(text: &str, key: &SecretString) -> String {
    let secret = key.expose_secret();
    let marks = match secret.len() < PIECE {
        // So short a key (`EMPTY`, `ollama`) is a placeholder; inside of other words it means nothing.
        true => whole_words(text, secret),
        false => places(text, secret, PIECE),
    };
    without(text, &[masks(text.as_bytes()), marks].concat())
}

/// An answer without the key, in any of the forms of [`redact`] but a mask. An answer is paid for, and decides: nothing
/// is taken for the key that a text may say by itself, neither a word of it nor a placeholder.
#[must_use]
pub fn redact_answer(text: &str, key: &SecretString) -> String {
    let key = key.expose_secret();
    let piece = match (is_drawn(key), key.len() >= ANSWER_PIECE) {
        (true, _) => ANSWER_PIECE,
        // A phrase: nothing but the whole of it.
        (false, true) => usize::MAX,
        (false, false) => return text.to_owned(),
    };
    match places(text, key, piece) {
        marks if marks.is_empty() => text.to_owned(),
        // Where it is echoed, so may be its other pieces.
        _ => without(text, &places(text, key, PIECE)),
    }
}

/// Whether a key is drawn from letters and digits, as services do it, and no word or phrase (`none`,
/// `no-key-required`).
fn is_drawn(key: &str) -> bool {
    let has = |is: fn(&u8) -> bool| key.as_bytes().iter().any(is);
    key.len() >= PIECE && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

/// Where pieces of the key of this length (in characters) stand in a text.
fn places(text: &str, key: &str, piece: usize) -> Vec<(usize, usize)> {
    let mut marks = Vec::new();
    // As it stands, because a key may hold what looks like an escape; and with escapes resolved.
    for read in [character as fn(&str) -> (char, usize), escaped] {
        let (bytes, places) = legible(text, read);
        let forms = forms(key);
        let sizes: BTreeSet<usize> = forms.iter().map(|form| form.len().min(piece)).collect();
        for size in sizes.into_iter().filter(|size| *size >= PIECE) {
            let of_size = forms.iter().filter(|form| form.len().min(piece) == size);
            let pieces: HashSet<&[u8]> = of_size.flat_map(|form| form.windows(size)).collect();
            for (window, at) in bytes.windows(size).zip(places.windows(size)) {
                if pieces.contains(window) {
                    marks.push((at[0].0, at[size - 1].1));
                }
            }
        }
    }
    marks
}

/// A text without the words around these places.
fn without(text: &str, marks: &[(usize, usize)]) -> String {
    let mut marks = marks.to_vec();
    marks.sort_unstable();
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end) in marks {
        if end <= done {
            continue;
        }
        let (start, end) = word_around(text, start.max(done), end);
        // A word that the last mark already swallowed must not be marked twice.
        if start > done || done == 0 {
            clean.push_str(&text[done..start.max(done)]);
            clean.push_str(REDACTED);
        }
        done = end;
    }
    clean.push_str(&text[done..]);
    clean
}

/// What a server may make of a key, in small letters (ASCII).
fn forms(key: &str) -> Vec<Vec<u8>> {
    let bytes = key.as_bytes();
    let mut forms = vec![key.to_owned(), bytes.iter().map(|byte| format!("{byte:02x}")).collect()];
    // Inside of a longer text, base64 shows the key from one of three offsets.
    for offset in 0..3 {
        let standard = base64(&bytes[offset.min(bytes.len())..]);
        forms.push(standard.replace('+', "-").replace('/', "_"));
        forms.push(standard);
    }
    forms.into_iter().map(|form| form.to_ascii_lowercase().into_bytes()).collect()
}

/// The bytes of a text's characters, in small letters and without blanks, each with its place.
fn legible(text: &str, read: fn(&str) -> (char, usize)) -> (Vec<u8>, Vec<(usize, usize)>) {
    let (mut bytes, mut places, mut at) = (Vec::new(), Vec::new(), 0);
    while at < text.len() {
        let (character, length) = read(&text[at..]);
        if !character.is_whitespace() {
            let mut utf8 = [0; 4];
            for byte in character.to_ascii_lowercase().encode_utf8(&mut utf8).bytes() {
                bytes.push(byte);
                places.push((at, at + length));
            }
        }
        at += length;
    }
    (bytes, places)
}

/// The first character of a text that is not empty, and its length.
fn character(text: &str) -> (char, usize) {
    let first = text.chars().next().unwrap_or_default();
    (first, first.len_utf8().max(1))
}

/// The most backslashes before one escape.
const MOST_ESCAPES: usize = 16;

/// The most bytes of an entity of HTML.
const LONGEST_ENTITY: usize = 12;

/// The same, where an escape of JSON, HTML or a URL is one character.
fn escaped(text: &str) -> (char, usize) {
    let code = |digits: Option<&str>, radix: u32| {
        u32::from_str_radix(digits?, radix).ok().and_then(char::from_u32)
    };
    let found = match text.as_bytes()[0] {
        b'%' => code(text.get(1..3), 16).map(|character| (character, 3)),
        b'\\' => {
            // Each time that a text is escaped doubles the backslashes.
            let slashes = text.bytes().take(MOST_ESCAPES).take_while(|byte| *byte == b'\\').count();
            match text[slashes..].chars().next() {
                Some('u') => code(text.get(slashes + 1..slashes + 5), 16)
                    .map(|character| (character, slashes + 5)),
                Some('x') => code(text.get(slashes + 1..slashes + 3), 16)
                    .map(|character| (character, slashes + 3)),
                Some(plain @ ('"' | '/' | '\'')) => Some((plain, slashes + 1)),
                _ => Some(('\\', slashes.min(2))),
            }
        }
        b'&' => text.bytes().take(LONGEST_ENTITY).position(|byte| byte == b';').and_then(|end| {
            let entity = &text[..end];
            let character = match &entity[1..] {
                "amp" => Some('&'),
                "lt" => Some('<'),
                "gt" => Some('>'),
                "quot" => Some('"'),
                "apos" => Some('\''),
                name => match name.strip_prefix("#x").or(name.strip_prefix("#X")) {
                    Some(digits) => code(Some(digits), 16),
                    None => code(name.strip_prefix('#'), 10),
                },
            };
            Some((character?, entity.len() + 1))
        }),
        _ => None,
    };
    found.unwrap_or_else(|| character(text))
}

/// Whole groups of three bytes: the rest would depend on what follows the key.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks_exact(3)
        .flat_map(|group| {
            let bits = group.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte));
            [18, 12, 6, 0].map(|shift| char::from(ALPHABET[bits >> shift & 63]))
        })
        .collect()
}

/// Three asterisks or more: providers mask a key in this way, and leave its ends to be seen.
fn masks(text: &[u8]) -> Vec<(usize, usize)> {
    text.windows(3)
        .enumerate()
        .filter(|(_, window)| window == b"***")
        .map(|(at, window)| (at, at + window.len()))
        .collect()
}

fn whole_words(text: &str, key: &str) -> Vec<(usize, usize)> {
    let edge = |neighbour: Option<char>| !neighbour.is_some_and(char::is_alphanumeric);
    text.match_indices(key)
        .filter(|(at, found)| {
            !found.is_empty()
                && edge(text[..*at].chars().next_back())
                && edge(text[at + found.len()..].chars().next())
        })
        .map(|(at, found)| (at, at + found.len()))
        .collect()
}

/// Widens a mark over the characters that keys, their encodings and masks are made of.
fn word_around(text: &str, mut start: usize, mut end: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let belongs = |byte: u8| byte.is_ascii_alphanumeric() || b"_-*.+/=%~".contains(&byte);
    while start > 0 && (belongs(bytes[start - 1]) || !text.is_char_boundary(start)) {
        start -= 1;
    }
    let marked = end;
    while end < bytes.len() && (belongs(bytes[end]) || !text.is_char_boundary(end)) {
        end += 1;
    }
    // A full stop behind the key ends the sentence.
    while end > marked && bytes[end - 1] == b'.' {
        end -= 1;
    }
    (start, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::model::KeyCommand;
    use proptest::prelude::*;

    fn from_env(value: Option<&str>) -> Result<SecretString, KeyError> {
        let value = value.map(str::to_owned);
        resolve(&KeySource::Env("SOME_KEY".to_owned()), &|name| {
            assert_eq!(name, "SOME_KEY");
            value.clone()
        })
    }

    fn from_command(line: &str) -> Result<SecretString, KeyError> {
        let command = KeyCommand { line: line.to_owned(), ttl: None };
        resolve(&KeySource::Command(command), &|_| None)
    }

    #[test]
    fn a_missing_variable_is_named_with_what_to_try() {
        let unset = from_env(None).unwrap_err().to_string();
        assert!(unset.contains("export SOME_KEY="), "{unset}");
        let empty = from_env(Some(" \n")).unwrap_err().to_string();
        assert!(empty.contains("SOME_KEY is empty"), "{empty}");
        assert_eq!(from_env(Some("sk-1")).unwrap().expose_secret(), "sk-1");
    }

    #[test]
    fn a_key_that_no_header_takes_is_refused_without_showing_it() {
        for bad in ["sentinel\n", "sentinel\r\nX: y", "séntinel", "sent inel", "sent\u{7f}inel"] {
            let error = from_env(Some(bad)).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(matches!(error, KeyError::Malformed { .. }), "{shown}");
            assert!(!shown.contains("inel"), "{shown}");
        }
    }

    #[test]
    fn a_commands_output_is_trimmed_and_never_shown() {
        let key = from_command("printf '  sentinel-1234 \\n'").unwrap();
        assert_eq!(key.expose_secret(), "sentinel-1234");
        assert!(!format!("{key:?}").contains("sentinel"));
        for (line, says) in [
            ("echo sentinel; echo sentinel >&2; exit 3", "exit code 3"),
            ("true", "printed nothing"),
            ("printf 'sentinel\\nsentinel'", "line break"),
            ("printf '\\377'", "not text"),
            ("kill -s KILL $$", "ended by a signal"),
        ] {
            let error = from_command(line).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(says), "{line}: {shown}");
            assert!(!shown.contains("sentinel"), "{line}: {shown}");
        }
    }

    #[test]
    fn a_command_that_leaves_a_helper_behind_has_printed_its_key() {
        let start = Instant::now();
        let key = from_command("printf sentinel-1234; sleep 20 &").unwrap();
        assert_eq!(key.expose_secret(), "sentinel-1234");
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("still-here");
        // The grandchild holds the pipe open, and would leave a mark if it lived on.
        let line = format!("(sleep 1; touch '{}') & wait", mark.display());
        let start = Instant::now();
        let error = printed_by(&line, Duration::from_millis(200)).unwrap_err();
        assert!(error.to_string().contains("did not end within 0.2 s"), "{error}");
        assert!(start.elapsed() < Duration::from_millis(900));
        std::thread::sleep(Duration::from_millis(1_200));
        assert!(!mark.exists());
    }

    #[test]
    fn every_form_of_a_key_is_redacted() {
        let key = SecretString::from("sk-Sentinel/9f+8a7&b6c5d4e3\"x");
        for (shown, clean) in [
            ("key sk-Sentinel/9f+8a7&b6c5d4e3\"x is wrong", "key [key] is wrong"),
            ("?key=sk-Sentinel%2F9f%2B8a7%26b6c5d4e3%22x&a=b", "?[key]&a=b"),
            ("SK-SENTINEL/9F+8A7&B6C5D4E3\"X", "[key]"),
            ("basic c2stU2VudGluZWwvOWYrOGE3JmI2YzVkNGUzIng=", "basic [key]"),
            ("QmVhcmVyIHNrLVNlbnRpbmVsLzlmKzhhNyZiNmM1ZDRlMyJ4", "[key]"),
            ("first eight: sk-Senti", "first eight: [key]"),
            (
                "Incorrect API key provided: sk-Se*****d4e3. See",
                "Incorrect API key provided: [key]. See",
            ),
            ("Your api key: ****e3x is invalid", "Your api key: [key] is invalid"),
            ("s k - S e n t i n e l / 9 f + 8 a 7 & b 6 c 5 d 4 e 3 \" x", "[key]"),
            (r"it was \u0073\u006b-\u0053entinel.", "it was [key]."),
            (r"it was \\u0073k-S\\\\u0065ntinel\\/9f.", "it was [key]."),
            ("&#115;k-&#x53;entinel/9f+8a7&amp;b6c5d4e3&quot;x", "[key]"),
            (r"50 % of \n & more; C:\users\% &#; \u00", r"50 % of \n & more; C:\users\% &#; \u00"),
            (r"\x73\x6b-\x53entinel/9f", "[key]"),
            ("nothing to hide", "nothing to hide"),
        ] {
            assert_eq!(redact(shown, &key), clean, "{shown}");
        }
    }

    #[test]
    fn an_answer_keeps_its_asterisks_and_loses_the_key() {
        let key = SecretString::from("sk-Sentinel/9f+8a7&b6c5d4e3\"x");
        for answer in ["The label is ***billing***.", "a\n\n***\n\nb", "card ****1234", "2***3"] {
            assert_eq!(redact_answer(answer, &key), answer);
        }
        let echo = "***it*** was sk-Sentinel/9f+8a7&b6c5d4e3\"x";
        assert_eq!(redact_answer(echo, &key), "***it*** was [key]");
        // A part of it may be a word of the answer.
        assert_eq!(redact_answer("ask the sk-Senti", &key), "ask the sk-Senti");
        let short = SecretString::from("local-k3y");
        assert_eq!(redact_answer("is local-k3y local?", &short), "is [key] local?");
        let phrase = SecretString::from("correct-horse-battery-staple");
        assert_eq!(
            redact_answer("it is Correct-Horse-Battery-Staple so", &phrase),
            "it is [key] so"
        );
        assert_eq!(
            redact_answer("a horse, a battery-staple", &phrase),
            "a horse, a battery-staple"
        );
        let pieces = "sk-Sentinel/9f+8 or sk-Sentinel/9f+8a7&b6c5d4e3\"x";
        assert_eq!(redact_answer(pieces, &key), "[key] or [key]");
        for (placeholder, answer) in [
            ("none", "none"),
            ("sk-no-key-required", "a final answer is required: no key required"),
            ("no-key-required", "no signature required"),
            ("12345678", "call 12345678"),
        ] {
            assert_eq!(redact_answer(answer, &SecretString::from(placeholder)), answer);
        }
    }

    #[test]
    fn a_huge_text_is_read_in_a_moment() {
        let key = SecretString::from("sk-sentinel-1234567");
        for piece in ["&", "\\", "%", "a&#1", "\\u"] {
            let text = piece.repeat(1_000_000);
            assert_eq!(redact(&text, &key).len(), text.len(), "{piece}");
        }
    }

    #[test]
    fn a_placeholder_key_leaves_other_words_alone() {
        let key = SecretString::from("EMPTY");
        assert_eq!(redact("EMPTY, NONEMPTY, empty", &key), "[key], NONEMPTY, empty");
        assert_eq!(redact("as it is", &SecretString::from("")), "as it is");
    }

    proptest! {
        #[test]
        fn no_eight_characters_of_a_key_are_left(
            key in "[!-~]{8,60}", before in "\\PC{0,20}", after in "\\PC{0,20}", cut in 8_usize..60
        ) {
            let secret = SecretString::from(key.clone());
            let shown = format!("{before}{}{after}", &key[..cut.min(key.len())]);
            let clean = redact(&shown, &secret);
            for piece in key.as_bytes().windows(PIECE) {
                let piece = std::str::from_utf8(piece).unwrap();
                prop_assert!(!clean.contains(piece), "{clean}");
            }
            prop_assert_eq!(redact(&clean, &secret), clean);
        }
    }
}
