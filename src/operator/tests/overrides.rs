//! Meta-prompts that a person writes: what is taken, and what is said of what is not.

use super::*;

fn complaint(name: &str, text: &str) -> String {
    MetaPrompts::builtin().with_override(name, text).unwrap_err().to_string()
}

#[test]
fn every_meta_prompt_passes_its_own_check() {
    for operator in all_meta_prompts() {
        let text = operator.text;
        MetaPrompts::builtin().with_override(operator.name, text).unwrap();
        let slots: BTreeSet<Slot> =
            placeholders(text).into_iter().map(|name| Slot::named(name).unwrap()).collect();
        let known = operator.needs.iter().chain(operator.may_have).copied();
        // What is shorter than before needs no limit.
        let unused = known.filter(|slot| !slots.contains(slot) && *slot != Slot::MaxTokens);
        assert_eq!(unused.count(), 0, "{}", operator.name);
        assert!(!operator.purpose.ends_with('.') && !operator.needs.contains(&Slot::MaxTokens));
    }
}

#[test]
fn an_ejected_file_is_taken_back_as_it_was() {
    let mut texts = MetaPrompts::builtin();
    for meta_prompt in MetaPrompts::builtin().iter() {
        let file = meta_prompt.ejected();
        assert!(file.starts_with("<!--\n") && !meta_prompt.is_override);
        texts = texts.with_override(meta_prompt.meta_prompt.name, &file).unwrap();
    }
    for (own, built_in) in texts.iter().zip(MetaPrompts::builtin().iter()) {
        assert!(own.is_override);
        assert_eq!(own.text, built_in.text, "{}", own.meta_prompt.name);
    }
    assert_eq!(texts.overrides().count(), all_meta_prompts().len());
    let built_in = MetaPrompts::builtin();
    let edit = built_in.iter().find(|it| it.meta_prompt.name == "edit").unwrap();
    let comment = edit.ejected().split_once("-->").unwrap().0.to_owned();
    assert_eq!(
        comment,
        "<!--\nedit: applies a critique to the current prompt.\n\
         This comment is not sent. The reply is the new text of each part, in the tags that `form` shows.\n\
         Slots, each to be written between double braces:\n\
         \x20 current     needed  the current text of each part that may change, in tags\n\
         \x20 form        needed  the tags in which the reply has to stand\n\
         \x20 note        needed  what an earlier step wrote, in note tags\n\
         \x20 about               what the task is about, from its file\n\
         \x20 max_tokens          the most tokens that the prompt may have\n\
         \x20 evidence            rows, each in evidence tags\n\
         \x20 history             past prompts, each in past tags, with a score where one is told\n"
    );
}

#[test]
fn an_override_is_what_is_sent() {
    let text = "<!-- mine\n{{ nonsense }} -->\n\nDo it: {{current}}\n{{ form }}";
    let texts = MetaPrompts::builtin().with_override("compress", text).unwrap();
    assert_eq!(texts.text_of("compress"), Some("Do it: {{current}}\n{{ form }}"));
    assert_eq!(texts.text_of("reflect"), None);
    let (current, searched) = (prompt("Route."), ["system".to_owned()]);
    let brief = Brief::new("Routing.", &current, &searched, 900);
    let operator = named_meta_prompt("compress").unwrap();
    let request = operator.write(&texts, &brief, Seed(1)).unwrap();
    assert!(request[0].content.starts_with("Do it: <prompt-"));
    assert_ne!(request, operator.write(&MetaPrompts::builtin(), &brief, Seed(1)).unwrap());
}

#[test]
fn mistakes_are_named_with_their_lines() {
    let good = "{{ current }}\n{{ evidence }}\n{{ form }}";
    let cases = [
        ("refelct", good, "there is no meta-prompt `refelct`; did you mean `reflect`?"),
        (
            "reflect",
            "{{ current }}\n\n{{ evidense }}\n{{ form }}",
            "meta-prompt `reflect`, line 3: `evidense` is no slot; did you mean `evidence`?",
        ),
        (
            "reflect",
            "<!-- a\ncomment -->\n{{ Current }}",
            "meta-prompt `reflect`, line 3: `Current` is no slot; did you mean `current`?",
        ),
        (
            "compress",
            "{{ current }}\n{{ history }} {{ form }}",
            "meta-prompt `compress`, line 2: there is no `history` to fill in here; \
             known: current, form, about, max_tokens",
        ),
        (
            "reflect",
            "Rewrite {{ current }}.",
            "meta-prompt `reflect` lacks `{{ form }}` and `{{ evidence }}`",
        ),
        (
            "reflect",
            "Look at\n{{ evidence }} of {{ current }} {{ form }}",
            "meta-prompt `reflect`, line 2: `{{ evidence }}` stands before `{{ current }}`; \
             only `{{ about }}` and numbers may",
        ),
        ("reflect", "{{ evidence }}\n{{ form }}", "meta-prompt `reflect` lacks `{{ current }}`"),
        (
            "compress",
            "{{ current }}\n{{ form }}\n{{ form }}",
            "meta-prompt `compress`, line 3: `{{ form }}` stands there a second time",
        ),
        (
            "compress",
            "{{ current }}\nIn this form: { form }\n",
            "meta-prompt `compress`, line 2: `{ form }` is not read as a slot; write two braces on \
             each side of its name, as in `{{ current }}`",
        ),
        (
            "compress",
            "{{ current }}\n{{ max tokens }} at most\n{{ form }}",
            "meta-prompt `compress`, line 2: `{{ max tokens }} at most` is not read as a slot; write \
             two braces on each side of its name, as in `{{ current }}`",
        ),
        (
            "compress",
            "{{ current }}\nThen form }}\n",
            "meta-prompt `compress`, line 2: `Then form }}` is not read as a slot; write two braces \
             on each side of its name, as in `{{ current }}`",
        ),
        (
            "compress",
            "\n<!-- a comment\n{{ current }}",
            "meta-prompt `compress`, line 2: the comment is not closed with `-->`",
        ),
    ];
    for (name, text, said) in cases {
        assert_eq!(complaint(name, text), said);
    }
    // JSON in the text is no mistake.
    let json = "{{ current }} {\"a\": {\"b\": 1 }, \"c\": 2} {{ form }}";
    assert!(MetaPrompts::builtin().with_override("compress", json).is_ok());
    let error = MetaPrompts::builtin().with_override("compress", "{{ current }}\n{{ x }}");
    assert_eq!(error.unwrap_err().line(), Some(2));
}
