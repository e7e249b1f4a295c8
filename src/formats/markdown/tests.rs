//! Prompt files read and written.

use super::*;
use crate::formats::{DocumentError, read, sidecar};
use proptest::prelude::*;
use std::path::Path;

fn parsed(bytes: &[u8]) -> Result<Document, DocumentError> {
    read(Path::new("p.md"), bytes)
}

fn parts_of(document: &Document) -> Vec<(&str, &str)> {
    document.parts.iter().map(|part| (part.name.as_deref().unwrap(), part.text.as_str())).collect()
}

fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn one_part_is_front_matter_a_blank_line_and_the_bare_text() {
    let front_matter =
        [("run".to_owned(), json!("a: \"b\"\n---\n")), ("no".to_owned(), json!([1, 0.5, null]))];
    let file = to_markdown(&front_matter, &[("system", "Be brief.")]);
    assert_eq!(
        text_of(&file),
        "---\npromptsearch: {\"format\":1,\"parts\":[{\"name\":\"system\"}]}\n\
         run: \"a: \\\"b\\\"\\n---\\n\"\n\"no\": [1,0.5,null]\n---\n\nBe brief."
    );
    let document = parsed(&file).unwrap();
    assert_eq!(document.facts, front_matter);
    assert_eq!(parts_of(&document), [("system", "Be brief.")]);
}

#[test]
fn several_parts_each_follow_a_line_with_their_name() {
    let file = to_markdown(&[], &[("system", "Be brief.\n"), ("user", "{{ input }}")]);
    let body = text_of(&file).split_once("---\n\n").unwrap().1;
    assert_eq!(body, "<!-- part: system -->\nBe brief.\n\n<!-- part: user -->\n{{ input }}");
}

#[test]
fn front_matter_never_holds_a_line_end_in_the_eyes_of_a_yaml_reader() {
    let value = json!("\u{85}\u{2028}\u{feff}\u{7f}");
    let file = to_markdown(&[("note".into(), value.clone())], &[("user", "")]);
    assert!(text_of(&file).contains(r#"note: "\u0085\u2028\ufeff\u007f""#));
    assert_eq!(parsed(&file).unwrap().facts[0].1, value);
}

#[test]
fn a_file_that_is_not_an_export_is_one_part_without_a_name() {
    for text in [
        "",
        "Be brief.\n",
        "---\ntitle: Triage\n---\n\nBe brief.",
        "---\n\nA rule above, and no other.\n",
        "---\n---\npromptsearch: {}\n---\n",
        "Be brief.\r\n",
    ] {
        let marked = format!("\u{feff}{text}");
        assert_eq!(parsed(marked.as_bytes()).unwrap(), parsed(text.as_bytes()).unwrap());
        let document = parsed(text.as_bytes()).unwrap();
        assert_eq!(document.facts, []);
        assert_eq!(document.parts.len(), 1);
        assert_eq!(document.parts[0].name, None);
        assert_eq!(document.parts[0].text, text);
    }
}

#[test]
fn texts_edited_by_hand_are_still_separated() {
    let file = to_markdown(&[], &[("system", "Be brief."), ("user", "{{ input }}")]);
    let longer = text_of(&file).replace("brief", "very brief\nand kind");
    let document = parsed(longer.as_bytes()).unwrap();
    assert_eq!(
        parts_of(&document),
        [("system", "Be very brief\nand kind."), ("user", "{{ input }}")]
    );
    let windows = format!("\u{feff}{}", text_of(&file).replace('\n', "\r\n"));
    let document = parsed(windows.as_bytes()).unwrap();
    assert_eq!(parts_of(&document), [("system", "Be brief."), ("user", "{{ input }}")]);
}

#[test]
fn an_ambiguous_part_is_an_error_with_its_line() {
    let texts = [("system", "a\n<!-- part: user -->\nb"), ("user", "{{ input }}")];
    let file = text_of(&to_markdown(&[], &texts)).to_owned();
    assert_eq!(
        parts_of(&parsed(file.as_bytes()).unwrap()),
        texts,
        "the lengths decide as long as they match"
    );
    let refused = |changed: String| parsed(changed.as_bytes()).unwrap_err();
    let error = refused(file.replace("\na\n", "\naa\n"));
    assert_eq!(error.line, Some(9), "{error}");
    let error = refused(file.replace("<!-- part: system -->", "<!-- part: sistem -->"));
    assert_eq!(error.line, Some(5), "{error}");
    let error = refused(file.replace("<!-- part: user -->\n", ""));
    assert!(error.message.contains("part: user"), "{error}");
    let error =
        refused(file.replace("<!-- part: user -->\nb", "").replace("---\n\n", "---\n\nlost\n"));
    assert!(error.message.contains("before"), "{error}");
}

#[test]
fn front_matter_that_cannot_be_read_is_an_error_and_never_part_of_the_prompt() {
    let format = r#"promptsearch: {"format":1,"parts":[{"name":"system"}]}"#;
    for (text, line) in [
        (format!("---\n{format}\nnote: hello\n---\n\nx"), 3),
        (format!("---\n{format}\nnote\n---\n\nx"), 3),
        (format!("---\n{format}\n{format}\n---\n\nx"), 3),
        (format!("---\n{format}\nx"), 2),
        ("---\npromptsearch: {\"format\":2}\n---\n\nx".to_owned(), 2),
        ("---\npromptsearch: {\"format\":1}\n---\n\nx".to_owned(), 2),
        ("---\npromptsearch: {\"format\":1,\"parts\":[]}\n---\n\nx".to_owned(), 5),
    ] {
        let error = parsed(text.as_bytes()).unwrap_err();
        assert_eq!(error.line, Some(line), "{text}");
        let shown = error.in_file("prompt.md").to_string();
        assert!(shown.starts_with(&format!("prompt.md:{line}: ")), "{shown}");
        assert!(shown.contains("\n  try: "), "{shown}");
    }
    assert_eq!(parsed(b"a\n\xff").unwrap_err().line, Some(2));
    assert_eq!(parsed(b"a\nB\0e\0").unwrap_err().line, Some(2));
    let nameless = parsed(b"<!-- part: system -->\nBe brief.").unwrap_err();
    assert!(nameless.message.contains("no front matter"), "{nameless}");
    let reordered = format!("---\n# by hand\n\nnote: 1\n{format}\n---\nx");
    let document = parsed(reordered.as_bytes()).unwrap();
    assert_eq!(parts_of(&document), [("system", "x")]);
    assert_eq!(document.facts, [("note".to_owned(), json!(1))]);
}

#[test]
fn a_file_of_a_part_may_be_an_export() {
    let file = to_markdown(&[], &[("system", "Be brief."), ("user", "{{ input }}")]);
    assert_eq!(parsed(&file).unwrap().part("user").unwrap(), "{{ input }}");
    assert_eq!(parsed(b"Be kind.\n").unwrap().part("user").unwrap(), "Be kind.\n");
    let error = parsed(&file).unwrap().part("demos").unwrap_err();
    assert_eq!(error.message, "the exported prompt has no part `demos`");
    assert_eq!(error.help, "its parts: `system`, `user`");
}

#[test]
fn the_evidence_file_is_beside_the_exported_file() {
    assert_eq!(sidecar("prompt.md"), "prompt.evidence.json");
    assert_eq!(sidecar("a.b/prompt"), "a.b/prompt.evidence.json");
    assert_eq!(sidecar("a/.prompt"), "a/.prompt.evidence.json");
    assert_eq!(sidecar("a/v1.2.md"), "a/v1.2.evidence.json");
    assert_eq!(sidecar("a/v1.py"), "a/v1.py.evidence.json");
}

/// Texts that contain lines like the format's own.
fn tricky() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("---".to_owned()),
        Just("---\n".to_owned()),
        Just("\n---\n\n".to_owned()),
        Just("<!-- part: system -->".to_owned()),
        Just("<!-- part: user -->\n".to_owned()),
        Just("\n<!-- part: user -->\n".to_owned()),
        Just(r#"promptsearch: {"format":1,"parts":[]}"#.to_owned()),
        Just("\u{feff}".to_owned()),
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn named_parts() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![Just("system".to_owned()), Just("user".to_owned()), any::<String>()];
    prop::collection::vec((name, tricky()), 0..4)
}

fn front_matter() -> impl Strategy<Value = Vec<(String, Value)>> {
    let value = prop_oneof![
        tricky().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        prop::collection::vec(any::<String>(), 0..3).prop_map(Value::from),
    ];
    let key = prop_oneof![tricky(), "[a-z_-]{0,5}"];
    prop::collection::vec((key, value), 0..4)
}

proptest! {
    #[test]
    fn every_text_is_read_back_as_it_was(parts in named_parts(), front in front_matter()) {
        let given: Vec<(&str, &str)> =
            parts.iter().map(|(name, text)| (&**name, &**text)).collect();
        let document = parsed(&to_markdown(&front, &given)).unwrap();
        prop_assert_eq!(parts_of(&document), given);
        prop_assert_eq!(document.facts, front);
    }

    #[test]
    fn one_text_is_the_end_of_its_file(text in tricky()) {
        let file = to_markdown(&[], &[("user", &text)]);
        let after = format!("\n---\n\n{text}");
        prop_assert!(file.ends_with(after.as_bytes()));
    }

    #[test]
    fn separator_lines_suffice_for_parts_without_such_lines(
        texts in prop::collection::vec("[-a<!\n ]{0,12}", 2..4)
    ) {
        let names = ["system", "demos", "user"];
        let given: Vec<(&str, &str)> =
            names.into_iter().zip(texts.iter().map(String::as_str)).collect();
        let file = to_markdown(&[], &given);
        let without_lengths =
            regex::Regex::new(r#","bytes":\d+"#).unwrap().replace_all(text_of(&file), "");
        let document = parsed(without_lengths.as_bytes()).unwrap();
        prop_assert_eq!(parts_of(&document), given);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in any::<Vec<u8>>(), text in tricky()) {
        let _ = parsed(&bytes);
        let format = r#"promptsearch: {"format":1,"parts":[{"name":"user"},{"name":"b","bytes":9}]}"#;
        let _ = parsed(format!("---\n{format}\n{text}\n---\n{text}").as_bytes());
    }
}
