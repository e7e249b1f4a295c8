//! What every format promises: it reads back what it wrote, or says that it cannot write it.

use super::*;
use crate::prompt::{Part, placeholder};
use proptest::prelude::*;
use serde_json::json;
use template::Syntax;

/// Each format that reads back all parts, with a name of its files, and whether it holds every prompt.
const FORMATS: &[(Format, &str, bool)] = &[
    (Format::Chat, "p.json", true),
    (Format::Promptfoo, "p.yaml", false),
    (Format::Dotprompt, "p.prompt", false),
    (Format::Langfuse, "p.json", false),
    (Format::Langsmith, "p.json", false),
    (Format::Dspy, "p.json", false),
];

fn prompt(parts: &[(String, String)]) -> Prompt {
    let part =
        |(name, text): &(String, String)| Part { name: name.clone(), text: text.as_str().into() };
    Prompt::new(parts.iter().map(part).collect())
}

fn named(parts: &[(&str, &str)]) -> Prompt {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    prompt(&parts.iter().map(owned).collect::<Vec<_>>())
}

fn written(format: Format, prompt: &Prompt, searched: &[String]) -> Result<Vec<u8>, Unwritable> {
    let facts = [
        ("task".to_owned(), json!("a: task")),
        ("model".to_owned(), json!("local/clerk")),
        ("note".to_owned(), json!("---\n{{ input }} {input} \u{2028}")),
    ];
    format.write(&Exported {
        facts: &facts,
        prompt,
        searched,
        simulated: None,
        demos: &[],
        suite: None,
    })
}

/// Text with what some template language, YAML, Markdown or JSON gives a meaning.
fn tricky() -> impl Strategy<Value = String> {
    let columns = ["input", "Ticket Text", "size \"L\"", "größe", "json", "a.b", "it's"];
    let piece = prop_oneof![
        8 => proptest::sample::select(vec![
            "{", "}", "{{", "}}", "{%", "%}", "{#", "#}", "\\", "'", "\"", " ", "\n", "\r\n", "a", "é", "😀", "\t",
            "input", "{input}", "{{input}}", "{{ 1 + 1 }}", "{{{ x }}}", "{{#if input}}", "{{!}}", "{{{{raw}}}}",
            "{% raw %}", "{% endraw %}", "{%raw%}x{%endraw%}", "---", "\n---\n", ": ", "- ", "# ", "&a", "*a", "!t",
            "|", ">", "\u{85}", "\u{2028}", "\u{feff}", "<!-- part: user -->", "```", "{{role \"user\"}}", "[", "]",
            "{\"a\": 1}", "\\{{", "\\\\{{", "~", "%", "{0}", "{a!r}", "<<<", "null", "\u{1}",
        ]).prop_map(str::to_owned),
        2 => proptest::sample::select(columns.to_vec()).prop_map(placeholder),
        1 => any::<char>().prop_filter("no NUL", |c| *c != '\0').prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_prompt_is_read_back_as_it_was(
        texts in [tricky(), tricky(), tricky()],
        searched in prop::sample::subsequence(vec!["system", "demos", "user"], 1..=3),
    ) {
        let names = ["system", "demos", "user"];
        let parts: Vec<(String, String)> =
            names.iter().zip(&texts).map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
        let prompt = prompt(&parts);
        let searched: Vec<String> = searched.into_iter().map(str::to_owned).collect();
        for (format, name, holds_all) in FORMATS {
            // DSPy writes the user message.
            let user = if *format == Format::Dspy { &texts[2] } else { "z" };
            let other = named(&[("system", "x"), ("demos", "y"), ("user", user)]);
            match written(*format, &prompt, &searched) {
                // The content tells what a file is, whatever its name.
                Ok(file) => for name in [*name, "p", "p.prompt"] {
                    let shown = String::from_utf8_lossy(&file).into_owned();
                    let document = read(Path::new(name), &file);
                    let found = document.unwrap_or_else(|error| panic!("{error}\n{shown}"));
                    prop_assert_eq!(found.prompt(&other, &searched).unwrap(), prompt.clone(), "{}", shown);
                    prop_assert!(found.facts.iter().any(|(key, _)| key == "note"), "{}", shown);
                },
                Err(error) => prop_assert!(!holds_all, "{}", error),
            }
        }
    }

    #[test]
    fn no_file_makes_a_reader_panic(text in tricky(), name in prop::sample::select(vec![
        "a.md", "a.json", "a.prompt", "a.yaml", "a",
    ])) {
        let _ = read(Path::new(name), text.as_bytes());
        for head in ["{\"messages\": ", "{\"lc\": 1, \"kwargs\": ", "{\"type\": \"chat\", \"prompt\": ", "prompts: ", "---\n"] {
            let _ = read(Path::new(name), format!("{head}{text}").as_bytes());
        }
    }
}

fn told(name: &str, text: &str) -> String {
    let error = read(Path::new(name), text.as_bytes()).unwrap_err();
    let line = error.line.map_or_else(String::new, |line| format!("{line}: "));
    format!("{line}{}; {}", error.message, error.help)
}

#[test]
fn an_edited_chat_has_its_parts_where_their_borders_are_known() {
    let two = named(&[("system", "Be brief."), ("demos", "a -> b"), ("user", "{{ input }}")]);
    let searched = ["system".to_owned()];
    let file = String::from_utf8(written(Format::Chat, &two, &searched).unwrap()).unwrap();
    let read = |file: &str| super::read(Path::new("p.json"), file.as_bytes()).unwrap();
    let edited = file.replace("Be brief.", "Be very brief.");
    let found = read(&edited).prompt(&two, &searched).unwrap();
    assert_eq!(found, two.with_part("system", "Be very brief."), "the frozen part is found in it");
    let demos = ["demos".to_owned()];
    let other = String::from_utf8(written(Format::Chat, &two, &demos).unwrap()).unwrap();
    let found = read(&other.replace("a -> b", "c -> d\\n")).prompt(&two, &demos).unwrap();
    assert_eq!(found, two.with_part("demos", "c -> d\n"), "and so is the one before it");
    let both = ["system".to_owned(), "demos".to_owned()];
    let error = read(&edited).prompt(&two, &both).unwrap_err();
    assert!(error.message.ends_with("has the parts system, demos"), "{error}");
    let one = named(&[("system", "Be brief."), ("user", "{{ input }}")]);
    let file = String::from_utf8(written(Format::Chat, &one, &searched).unwrap()).unwrap();
    let found = read(&file.replace("brief", "kind")).prompt(&one, &searched).unwrap();
    assert_eq!(found, one.with_part("system", "Be kind."));
}

#[test]
fn a_chat_of_another_origin_is_read_and_its_mistakes_are_placed() {
    let one = named(&[("instructions", "Be brief."), ("user", "{{ input }}")]);
    let searched = ["instructions".to_owned()];
    for file in [
        r#"[{"role": "developer", "content": "Be kind."}, {"role": "user", "content": [{"type": "text", "text": "{{ q }}"}]}]"#,
        r#"{"model": "x", "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "{{ q }}"}]}"#,
    ] {
        let found = read(Path::new("p.json"), file.as_bytes()).unwrap();
        let expected = one.with_part("instructions", "Be kind.").with_part("user", "{{ q }}");
        assert_eq!(found.prompt(&one, &searched).unwrap(), expected);
        assert_eq!(found.part("user").unwrap(), "{{ q }}");
        let bare = named(&[("user", "{{ input }}")]);
        let error = found.prompt(&bare, &["user".to_owned()]).unwrap_err();
        assert!(error.message.contains("the prompt of the task has none"), "{error}");
    }
    assert!(told("p.json", "{\"messages\": [\n}").starts_with("2: "));
    let one = "a prompt here is one system message and one user message";
    for (file, says) in [
        (r#"{"messages": {}}"#, "`messages` is not a list of messages; write it as".to_owned()),
        (r#"[{"role": "user", "content": 1}]"#, "`[0].content` is not a text; ".to_owned()),
        (r#"[{"role": "user"}]"#, "`[0].content` is missing; ".to_owned()),
        (
            r#"{"messages": [{"role": "assistant", "content": "Hi"}]}"#,
            format!("`messages[0]` has the role `assistant`; {one}"),
        ),
        (
            r#"[{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]"#,
            format!("`[1]` is a second user message; {one}"),
        ),
    ] {
        let told = told("p.json", file);
        assert!(told.starts_with(&says), "{told}");
    }
    // JSON that is a prompt itself is text.
    let text = r#"{"rules": ["be kind"]}"#;
    assert_eq!(read(Path::new("p.json"), text.as_bytes()).unwrap(), Document::plain(text));
    let chat = r#"[{"role": "user", "content": "{{ input }}"}]"#;
    assert_eq!(read(Path::new("p.txt"), chat.as_bytes()).unwrap(), Document::plain(chat));
}

/// The languages of other tools, and whether a language says every text.
fn languages() -> Vec<(&'static str, Box<dyn Syntax>, bool)> {
    vec![
        ("Nunjucks", Box::new(nunjucks::Nunjucks), true),
        ("Handlebars", Box::new(handlebars::Handlebars), true),
        ("f-strings", Box::new(fstring::FString), true),
        ("Mustache", Box::new(mustache::Mustache), false),
    ]
}

proptest! {
    #[test]
    fn a_part_means_the_same_in_every_language(text in tricky()) {
        let segments = template::segments(&text, true).unwrap();
        let odd = |segment: &Segment| matches!(segment, Segment::Column(name) if name.contains('.'));
        for (name, language, says_all) in languages() {
            match language.of_part(&text, true) {
                Ok(written) => {
                    let told = language.to_part(&written);
                    let told = told.unwrap_or_else(|error| panic!("{name}: {error}: {written}"));
                    prop_assert_eq!(&template::segments(&told, true).unwrap(), &segments, "{}: {}", name, &written);
                    prop_assert_eq!(&template::segments(&told, false).unwrap(), &segments, "{}: {}", name, &written);
                }
                Err(_) => prop_assert!(!says_all || segments.iter().any(odd), "{name}"),
            }
        }
    }
}

#[test]
fn a_part_in_each_language() {
    let text = "{ {% raw %}{{ x }} {% if %}{% endraw %} {{{ input }}} {{ row[\"Ticket Text\"] }}\\";
    let written = |language: usize| languages()[language].1.of_part(text, true);
    insta::assert_snapshot!(written(0).unwrap(), @r#"{ {{ "{{" }} x }} {{ "{%" }} if %} {{ "{" }}{{ input }}} {{ row["Ticket Text"] }}\"#);
    insta::assert_snapshot!(written(1).unwrap(), @r#"{ \{{ x }} {% if %} {{#with "{"}}{{this}}{{/with}}{{input}}{{!}}} {{this.[Ticket Text]}}\\{{!}}"#);
    insta::assert_snapshot!(written(2).unwrap(), @r"{{ {{{{ x }}}} {{% if %}} {{{input}}} {Ticket Text}\");
    assert_eq!(written(3).unwrap_err(), "it has no way to write `{{` as text");
    assert_eq!(
        languages()[3].1.of_part("Say {x} to {{ input }}}", true).unwrap(),
        "Say {x} to {{input}}}"
    );
    for (language, text) in [
        (0, "{{ input | upper }}"),
        (0, "{% if x %}"),
        (1, "{{#if input}}"),
        (1, "{{input.x}}"),
        (1, "{{> part}}"),
        (2, "{input!r}"),
        (2, "a } b"),
        (2, "{\"a\": {input}}"),
        (2, "{}"),
        (3, "{{#input}}"),
        (3, "{{{input}}}"),
    ] {
        assert!(languages()[language].1.to_part(text).is_err(), "{text}");
    }
}

#[test]
fn files_of_other_origin_are_read() {
    let one = named(&[("system", "x"), ("user", "{{ input }}")]);
    let searched = ["system".to_owned()];
    let expected = named(&[("system", "Say {x} to {{ name }}."), ("user", "{{ q }}")]);
    for (name, file) in [
        (
            "p.prompt",
            "---\nmodel: googleai/gemini\nconfig:\n  temperature: 0\n---\n{{role \"system\"}}Say {x} to {{name}}.{{role \"user\"}}{{q}}\n",
        ),
        (
            "p.json",
            r#"{"name": "n", "type": "chat", "prompt": [{"role": "system", "content": "Say {x} to {{name}}."}, {"role": "user", "content": "{{ q }}"}], "version": 3}"#,
        ),
        (
            "p.json",
            r#"{"lc": 1, "type": "constructor", "id": ["langchain_core", "prompts", "chat", "ChatPromptTemplate"], "kwargs": {"input_variables": [], "messages": [
            {"lc": 1, "id": ["langchain", "prompts", "chat", "SystemMessagePromptTemplate"], "kwargs": {"prompt": {"kwargs": {"template": "Say {{x}} to {name}.", "template_format": "f-string"}}}},
            {"lc": 1, "id": ["langchain", "prompts", "chat", "HumanMessagePromptTemplate"], "kwargs": {"prompt": {"kwargs": {"template": "{{q}}", "template_format": "mustache"}}}}]}}"#,
        ),
        (
            "p.yaml",
            "prompts:\n  - '[{\"role\": \"system\", \"content\": \"Say {x} to {{name}}.\"}, {\"role\": \"user\", \"content\": \"{{ q }}\"}]'\ntests: []\n",
        ),
    ] {
        let document = read(Path::new(name), file.as_bytes()).unwrap();
        assert_eq!(document.prompt(&one, &searched).unwrap(), expected, "{file}");
    }
    for (name, file) in [
        ("p.prompt", "---\nmodel: x\n---\nSay {x}."),
        ("p.json", r#"{"name": "n", "type": "text", "prompt": "Say {x}."}"#),
        (
            "p.json",
            r#"{"lc": 1, "id": ["langchain", "prompts", "prompt", "PromptTemplate"], "kwargs": {"template": "Say {{x}}."}}"#,
        ),
        (
            "p.json",
            r#"{"predict": {"demos": [], "signature": {"instructions": "Say {x}.", "fields": []}}, "metadata": {"dependency_versions": {"dspy": "2.6"}}}"#,
        ),
        ("p.yaml", "prompts: ['Say {x}.']\n"),
    ] {
        let document = read(Path::new(name), file.as_bytes()).unwrap();
        let found = document.prompt(&one, &searched).unwrap();
        assert_eq!(found, one.with_part("system", "Say {x}."), "{file}");
    }
    for (name, file, says) in [
        ("p.prompt", "---\na: [\n---\n{{role \"user\"}}x", "3: invalid YAML"),
        ("p.prompt", "---\nmodel: x\n---\n{{role \"model\"}}x", "`message 1` has the role `model`"),
        (
            "p.prompt",
            "---\nmodel: x\n---\n{{#each x}}y{{/each}}",
            "the template: `{{#each x}}` does more than show a variable",
        ),
        (
            "p.json",
            r#"{"type": "chat", "prompt": [{"type": "placeholder", "name": "history"}]}"#,
            "`prompt[0].role` is missing",
        ),
        (
            "p.json",
            r#"{"lc": 1, "id": ["a", "ChatOpenAI"], "kwargs": {}}"#,
            "`kwargs.messages` is missing: this is a `ChatOpenAI`",
        ),
        (
            "p.json",
            r#"{"lc": 1, "id": ["a", "ChatPromptTemplate"], "kwargs": {"messages": [{"id": ["MessagesPlaceholder"], "kwargs": {}}]}}"#,
            "`kwargs.messages[0].kwargs.content` is missing",
        ),
        (
            "p.json",
            r#"{"demos": [], "signature": {"fields": []}}"#,
            "`signature.instructions` is missing",
        ),
        (
            "p.json",
            r#"{"demos": [{"q": "a"}], "signature": {"instructions": "x"}}"#,
            "its 1 demonstration, as fields",
        ),
        ("p.yaml", "prompts: [a, b]\n", "1: the configuration has 2 prompts"),
        ("p.yaml", "prompts:\n  - file://p.json\n", "2: the prompt is in another file: `p.json`"),
        ("p.yaml", "prompts: [route.txt]\n", "1: the prompt is in another file: `route.txt`"),
        (
            "p.json",
            r#"{"type": "text", "prompt": "a @@@langfusePrompt:name=tone|label=production@@@ b"}"#,
            "`prompt` names another prompt of Langfuse: `@@@langfusePrompt:name=tone|label=production@@@`",
        ),
        (
            "p.json",
            r#"{"type": "chat", "prompt": [{"role": "system", "content": "@@@langfusePrompt:name=t|version=1@@@"}]}"#,
            "`prompt` names another prompt of Langfuse: `@@@langfusePrompt:name=t|version=1@@@`",
        ),
    ] {
        let told = told(name, file);
        assert!(told.starts_with(says), "{told}");
    }
}

#[test]
fn markdown_may_have_the_name_of_another_format() {
    let prompt = named(&[("system", "Be brief."), ("user", "{{ input }}")]);
    let searched = ["system".to_owned()];
    let file = written(Format::Markdown, &prompt, &searched).unwrap();
    for name in ["p.prompt", "p.yaml", "p.json", "p"] {
        assert_eq!(read(Path::new(name), &file), read(Path::new("p.md"), &file));
    }
    // Other text is text, whatever its name.
    for name in ["p.prompt", "p.yaml", "p.json", "p"] {
        assert_eq!(
            read(Path::new(name), b"Be kind: {x}").unwrap(),
            Document::plain("Be kind: {x}")
        );
    }
}

#[test]
fn demonstrations_are_fields_of_dspy() {
    let text = "Input: a\nOutput: b\n";
    let prompt =
        named(&[("system", "Be brief."), ("demos", text), ("user", "{{ input }} {{ answer }}")]);
    let searched = ["system".to_owned(), "demos".to_owned()];
    let demos =
        [DemoFields { inputs: vec![("input".to_owned(), "a".to_owned())], answer: "b".to_owned() }];
    let exported = Exported {
        facts: &[],
        prompt: &prompt,
        searched: &searched,
        simulated: None,
        demos: &demos,
        suite: None,
    };
    let file = String::from_utf8(Format::Dspy.write(&exported).unwrap()).unwrap();
    let state: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(state["demos"], json!([{"input": "a", "answer_2": "b"}]));
    assert_eq!(state["signature"]["instructions"], "Be brief.");
    assert_eq!(state["metadata"]["promptsearch"]["signature"], "input, answer -> answer_2");
    let found = read(Path::new("p.json"), file.as_bytes()).unwrap();
    assert_eq!(found.prompt(&prompt.with_part("demos", ""), &searched).unwrap(), prompt);
    let edited = file.replace("\"input\": \"a\"", "\"input\": \"c\"");
    assert!(told("p.json", &edited).starts_with("its 1 demonstration, as fields, was edited"));
}

#[test]
fn a_text_that_shows_json_is_a_text_and_a_broken_chat_is_a_mistake() {
    let template = "{\"ticket\": {{ input }}}";
    let read = read(Path::new("user.json"), template.as_bytes()).unwrap();
    assert_eq!(read.part("user").unwrap(), template);
    let broken = "{\"messages\": [\n {\"role\": \"system\", \"content\": \"x\"\n}";
    assert!(super::read(Path::new("chat.json"), broken.as_bytes()).is_err());
}

/// Langfuse would put another prompt in the place of what is literal text here.
#[test]
fn a_reference_of_langfuse_is_no_text_of_a_prompt() {
    let searched = ["system".to_owned()];
    let with = |text: &str| {
        let prompt = named(&[("system", text), ("user", "{{ input }}")]);
        written(Format::Langfuse, &prompt, &searched)
    };
    let why = with("Be @@@langfusePrompt:name=x@@@.").unwrap_err();
    assert!(why.message.ends_with("in the place of `@@@langfusePrompt:name=x@@@`"), "{why}");
    assert!(with("Write @@@ and @@@langfusePrompt: as they are.").is_ok());
}

#[test]
fn a_configuration_names_the_file_that_its_prompt_is_in() {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
    std::fs::create_dir_all(place.path().join("suite/prompts")).unwrap();
    let config = place.path().join("suite/promptfooconfig.yaml");
    let read = |prompts: &str| {
        let text = format!("prompts: {prompts}\ntests: []\n");
        read_on_disk(&config, text.as_bytes()).map_err(|error| error.to_string())
    };
    write("secret.txt", "secret");
    write("suite/prompts/a.txt", "Route {{ input }}.\n");
    write("suite/two.txt", "Route {{ input }}.\n---\nSort {{ input }}.\n");
    write(
        "suite/chat.json",
        r#"[{"role": "system", "content": "Route."}, {"role": "user", "content": "{{input}}"}]"#,
    );
    write(
        "suite/chat.yaml",
        "- role: system\n  content: Route.\n- role: user\n  content: \"{{input}}\"\n",
    );
    write("suite/if.md", "{% if x %}y{% endif %}");
    std::os::unix::fs::symlink(
        place.path().join("secret.txt"),
        place.path().join("suite/link.txt"),
    )
    .unwrap();
    for prompts in [
        "[prompts/a.txt]",
        "file://prompts/a.txt",
        "[{path: ./prompts/a.txt}]",
        "[{id: file://prompts/a.txt, label: a}]",
    ] {
        assert_eq!(read(prompts).unwrap(), Document::plain("Route {{ input }}."), "{prompts}");
    }
    let chat = read("[file://chat.json]").unwrap();
    assert_eq!(chat.parts.len(), 2);
    assert_eq!(read("[chat.yaml]").unwrap(), chat);
    // A text that only speaks of a file is a text.
    assert_eq!(
        read("[\"Read a.txt and answer\"]").unwrap(),
        Document::plain("Read a.txt and answer")
    );
    for (prompts, says) in [
        ("[no.txt]", "no.txt"),
        (
            "[../secret.txt]",
            "promptfooconfig.yaml:1: the prompt is in another file: `../secret.txt`",
        ),
        ("[link.txt]", "the prompt is in another file: `link.txt`"),
        ("[two.txt]", "two.txt:2: a line `---` parts the file into several prompts"),
        ("[if.md]", "if.md: the prompt: "),
    ] {
        let told = read(prompts).unwrap_err();
        assert!(told.contains(says), "{told}");
    }
    let absolute = place.path().join("secret.txt");
    assert!(read(&format!("[file://{}]", absolute.display())).is_err());
}
