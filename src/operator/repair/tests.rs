use super::super::framing::Nonce;
use super::super::reply;
use super::*;
use crate::prompt::Part;

const LABELS: [&str; 3] = ["billing", "claims", "not urgent"];

fn prompt(system: &str) -> Prompt {
    let part = |name: &str, text: &str| Part { name: name.into(), text: text.into() };
    Prompt::new(vec![part("system", system), part("user", "{{ input }}")])
}

/// The repaired text, and the kinds of its repairs.
fn repair(new: &str, old: &str) -> (String, Vec<RepairKind>) {
    let texts = ["system".to_owned()];
    let labels = LABELS.map(str::to_owned);
    let known = RepairContext { labels: &labels, shown: &[shown()] };
    let (prompt, repairs) = repaired(&prompt(new), &prompt(old), &texts, known);
    let kinds = repairs.iter().map(|repair| repair.kind).collect();
    (prompt.part("system").unwrap().to_owned(), kinds)
}

/// The row of the request.
fn shown() -> Evidence {
    Evidence {
        input: "I was charged twice\nfor one parcel.".to_owned(),
        answer: Some("claims".to_owned()),
        expected: Some("billing".to_owned()),
        score: Some(0.0),
        feedback: vec!["Two charges are billing.".to_owned()],
        ..Evidence::default()
    }
}

/// Checks that a text is repaired in one way.
fn assert_repaired(kind: RepairKind, old: &str, new: &str, expected: &str) {
    assert_eq!(repair(new, old), (expected.to_owned(), vec![kind]), "{new}");
    // A repaired text has nothing left to repair.
    assert_eq!(repair(expected, old), (expected.to_owned(), vec![]), "{expected}");
}

fn assert_left(old: &str, new: &str) {
    assert_eq!(repair(new, old), (new.to_owned(), vec![]), "{new}");
}

#[test]
fn tags_and_a_fence_around_the_text_are_removed() {
    let old = "Sort it.";
    let expected = "Sort it well.";
    for new in [
        "```text\nSort it well.\n```",
        "Sort it well.\n</prompt-00112233445566ff>",
        "<prompt-00112233445566ff part=\"system\">\nSort it well.",
    ] {
        assert_repaired(RepairKind::Wrapping, old, new, expected);
    }
    assert_left(old, "Sort it.\n```\na\n```");
    assert_left("```\nSort it.\n```", "```\nSort it well.\n```");
    assert_left(old, "Sort it in <b>one</b> go.");
}

#[test]
fn pasted_messages_and_fragments_are_removed() {
    let old = "Sort it.\n- Note.";
    for pasted in [
        "- Expected `billing`, got `claims`.",
        "- The answer names none of the labels (billing, claims). Expected `claims`.",
        "Wrong fields: total (expected `1`, got `2`).",
        "Traceback (most recent call last):",
        "expected value at line 1 column 11",
        "-",
    ] {
        let new = format!("Sort it.\n{pasted}\n- Note well.");
        assert_repaired(RepairKind::Messages, old, &new, "Sort it.\n- Note well.");
    }
    let cut = "Sort it.\n- Note well.\n- When the text is long,";
    assert_repaired(RepairKind::Messages, old, cut, "Sort it.\n- Note well.");
    assert_left(old, "Sort it.\n- When it says `expected`, sort it.");
    assert_left(old, "Sort it.\n- A ticket with `Traceback (most recent call last)` is technical.");
    let has_it = "Sort it.\n- Expected `a`, got `b`.";
    assert_left(has_it, "Sort it well.\n- Expected `a`, got `b`.");
}

#[test]
fn lines_of_the_request_that_show_how_a_row_came_out_are_removed() {
    let old = "Sort it.";
    for pasted in [
        "Feedback: Two charges are billing.",
        "- Feedback: Two charges are billing.",
        "Answer: claims\nExpected: billing",
        "Input: I was charged twice\nfor one parcel.\nAnswer: claims\nExpected: billing\nScore: 0.00",
    ] {
        let new = format!("Sort it.\n{pasted}\n- Mind the charges.");
        assert_repaired(RepairKind::Messages, old, &new, "Sort it.\n- Mind the charges.");
    }
    // What the request did not have, what may be an example, and what the parent has.
    assert_left(old, "Sort it.\nFeedback: Two charges are claims.");
    assert_left(old, "Sort it.\nInput: I was charged twice\nfor one parcel.\nExpected: billing");
    assert_left(old, "Sort it.\nText: I paid twice.\nAnswer: claims");
    assert_left(old, "Sort it.\nExpected: billing");
    let has_it = "Sort it.\nFeedback: Two charges are billing.";
    assert_left(has_it, "Sort it well.\nFeedback: Two charges are billing.");
}

#[test]
fn repeated_lines_are_folded_to_the_first() {
    let old = "Sort it.";
    assert_repaired(
        RepairKind::Repeats,
        old,
        "Sort it.\n- Late parcels are late.\n- Broken ones are not.\n\n3) late parcels are LATE\n\nEnd.",
        "Sort it.\n- Late parcels are late.\n- Broken ones are not.\n\nEnd.",
    );
    // Other numbers, code, sections and examples are no repetitions, nor is what the parent says twice.
    assert_left(old, "- Sums over 5 are large.\n- Sums over 50 are large.");
    assert_left(old, "- A score > 5 means very early.\n- A score < 5 means very early.");
    assert_left(old, "- Above 5 degrees are cold days.\n- Above -5 degrees are cold days.");
    assert_left(old, "- A smile 😀 means not urgent.\n- A smile 😡 means not urgent.");
    assert_left(old, "- 2 parcels missing is a loss.\n- 3 parcels missing is a loss.");
    assert_left(old, "- Questions about C go to systems.\n- Questions about C++ go to systems.");
    assert_left(old, "Run:\n```\nprint a b c\nprint a b c\n```");
    assert_left(old, "Billing:\n- It speaks of money.\nClaims:\n- It speaks of money.");
    let examples = "Input: a\nIt is a case of money.\nInput: b\nIt is a case of money.";
    assert_left(old, examples);
    let twice = "Mind every single word.\nMind every single word.";
    assert_left(twice, "Mind every single word.\nMind every single word.\nSort.");
    assert_repaired(
        RepairKind::Repeats,
        twice,
        "Mind every single word.\nMind every single word.\nMind every single word.\nSort.",
        "Mind every single word.\nMind every single word.\nSort.",
    );
}

#[test]
fn what_two_parents_say_is_folded_in_a_merged_child() {
    let texts = ["system".to_owned()];
    let old = prompt("Sort it.\n- Late parcels are late.");
    let merged = old.with_part(
        "system",
        "Sort it.\n- Late parcels are late.\n- Rule: broken ones are not.\n\n\
         - Rule: late parcels are late.\n- As a rule, broken ones are not.",
    );
    let (child, repairs) = merge_repaired(&merged, &old, &texts);
    let expected = "Sort it.\n- Late parcels are late.\n- Rule: broken ones are not.\n";
    assert_eq!(child.part("system"), Some(expected));
    assert_eq!(repairs[0].lines.len(), 2);
    assert_eq!(merge_repaired(&child, &old, &texts), (child.clone(), vec![]));
}

/// What is left of lines that a merge puts behind these of the better parent.
fn merged(old: &str, added: &str) -> String {
    let child = prompt(&format!("{old}\n{added}"));
    let (child, _) = merge_repaired(&child, &prompt(old), &["system".to_owned()]);
    child.part("system").unwrap().strip_prefix(old).unwrap().trim().to_owned()
}

#[test]
fn a_merge_takes_no_line_over_that_differs_in_a_word_alone() {
    let old = "1. A parcel that is still on its way goes to claims, who trace the delivery.";
    let left = |added: &str| merged(old, added);
    let near = "- In such cases: a parcel that is still on its way goes to claims, who trace the shipment.";
    assert_eq!(left(near), "");
    let opposite =
        "- Rule: a parcel that is still on its way goes to billing, who trace the delivery.";
    assert_eq!(left(opposite), "", "the better parent is right");
    for other in [
        "- A parcel that is still on its way goes to billing, who trace the shipment.",
        "- A parcel that is 3 on its way goes to claims, who trace the delivery.",
        "- A letter that is still on its way goes to claims, who refund the delivery.",
        "- Parcels go to claims.",
        "Is it {{ input }} that is still on its way and goes to claims, who trace the delivery?",
    ] {
        assert_eq!(left(other), other);
    }
    // Of two that the better parent lacks, the first stays.
    let first = "- Goods that fail after months of normal use go to claims.";
    let second = "- Watch out: goods that fail after months of normal use go to billing.";
    assert_eq!(left(&format!("{first}\n{second}")), first);
    let examples = "Input: a parcel that is still on its way by train\nOutput: claims\n\
                    Input: a parcel that is still on its way by plane\nOutput: billing";
    assert_eq!(left(examples), examples);
    // A model that writes two lines in nearly the same words may mean two cases.
    assert_left("Sort it.", &format!("{old}\n{near}"));
}

#[test]
fn a_merge_says_once_how_to_answer() {
    let old = "Sort it.\nAnswer with only the name.";
    for added in [
        "Return only the label, nothing else.",
        "Think step by step, then give the answer on the last line.",
        "Reason through the details first; the last line holds the answer alone.",
        "End with: The answer is N.",
    ] {
        assert_eq!(merged(old, added), "", "{added}");
        // Where the better parent says nothing of it, it is taken over.
        assert_eq!(merged("Sort it.", added), added);
    }
    for other in ["- If it speaks of money, answer billing.", "- Read it step for step."] {
        assert_eq!(merged(old, other), other);
    }
}

#[test]
fn lost_labels_come_back_from_the_parent() {
    let old = "Read it.\nThe kinds are billing, claims and not urgent.\nThink.";
    assert_repaired(
        RepairKind::Labels,
        old,
        "Read it well.\nThe kinds are billing and claims.\nThink.",
        "Read it well.\nThe kinds are billing, claims and not urgent.\nThink.",
    );
    assert_repaired(
        RepairKind::Labels,
        old,
        "Read it.\nThink hard.",
        "Read it.\nThe kinds are billing, claims and not urgent.\nThink hard.",
    );
    let rules = "Read it.\n- billing: money\n- claims: harm\n- not urgent: the rest";
    assert_repaired(
        RepairKind::Labels,
        rules,
        "Read it.\n- billing: money or cash\n- not urgent: the rest",
        "Read it.\n- claims: harm\n- billing: money or cash\n- not urgent: the rest",
    );
    // What is no prompt gets no labels.
    assert_left(old, "You are an assistant of a company. I help you with all that you ask.");
    // A line is put back for a line, and not for words in one.
    let list = "The kinds are billing, claims, not urgent.";
    assert_repaired(
        RepairKind::Labels,
        list,
        "Mind billing and claims fees.\nbilling",
        "Mind billing and claims fees.\nbilling\nThe kinds are billing, claims, not urgent.",
    );
    // Nothing is lost, or the parent did not name them all.
    assert_left(old, "CLAIMS, billing or 'not urgent'? Think.");
    assert_left("Billing or claims?", "Billing?");
    // The user's part of the prompt may name them, too.
    let texts = ["system".to_owned()];
    let moved = prompt("Think.").with_part("user", "{{ input }} Billing, claims, not urgent?");
    let labels = LABELS.map(str::to_owned);
    let known = RepairContext { labels: &labels, shown: &[] };
    assert_eq!(repaired(&moved, &prompt(old), &texts, known).1, []);
    assert_eq!(repaired(&prompt("Think."), &prompt(old), &texts, RepairContext::default()).1, []);
}

#[test]
fn the_form_of_the_answer_is_kept() {
    let old = "Read it.\nAnswer with only the name.";
    let lost = "Read it well.\n- Late parcels are late.";
    let expected = "Read it well.\n- Late parcels are late.\nAnswer with only the name.";
    assert_repaired(RepairKind::AnswerForm, old, lost, expected);
    assert_left(old, "Read it well.\nYour reply is the name.");
    let json = "Read it.\nReturn a JSON object with one field.";
    assert_repaired(
        RepairKind::AnswerForm,
        json,
        "Read it well.\nReturn a JSON object with one field.\nAnswer with one word only.",
        "Read it well.\nReturn a JSON object with one field.",
    );
    // Another form in place of the old one is a change to be tried.
    assert_left(json, "Read it.\nAnswer with one word only.");
    assert_left(json, &format!("{json}\nReturn only the name in the field."));
    assert_left(json, &format!("{json}\nDo not answer with the label only."));
    // What is said of one case, or of one field, contradicts nothing.
    assert_left(old, &format!("{old}\nIf the input is JSON, answer by its title."));
    assert_left(json, &format!("{json}\n- Return only a number under `total`."));
    // Other uses of such words tell no form.
    let rules = "Read it well.\n- Use all of the time.\n- Some give a list of reasons.";
    let expected = format!("{rules}\nAnswer with only the name.");
    assert_repaired(RepairKind::AnswerForm, old, rules, &expected);
    // Of a line that says other things, too, this alone comes back.
    let line = "Read it. Answer with only the name. Take your time.";
    let expected = "Read it well.\nAnswer with only the name.";
    assert_repaired(RepairKind::AnswerForm, line, "Read it well.", expected);
    // What is said of an answer is no form of it.
    let rule = "Read it.\n- If the answer is a place, choose location, and only then.";
    assert_left(rule, "Read it well, and mind the places.");
    assert_left(old, "Read it well. For each input, provide only the chosen kind.");
    // Told in other words, in the other part, or in another language.
    assert_left(old, "Read it well and say the name.");
    assert_left(old, "Lies es genau.\nAntworte nur mit dem Namen.");
    let texts = ["system".to_owned()];
    let moved = prompt("Read it.").with_part("user", "{{ input }}\nAnswer with only the name.");
    assert_eq!(repaired(&moved, &prompt(old), &texts, RepairContext::default()).1, []);
}

#[test]
fn a_prompt_in_one_line_may_become_shorter() {
    let kinds = "The kinds are billing, claims and not urgent, and each has a desk of its own.";
    let old =
        format!("{} {kinds} Answer only with the name of one kind.", "Read the text. ".repeat(9));
    let short = "Read it, and mind what it asks for.";
    let expected = format!("{short}\nAnswer only with the name of one kind.");
    assert_repaired(RepairKind::AnswerForm, &old, short, &expected);
    // Neither the rest of that line nor its labels come back.
    let short = "Is it billing or claims? The desk wants to know.";
    let expected = format!("{short}\nAnswer only with the name of one kind.");
    assert_repaired(RepairKind::AnswerForm, &old, short, &expected);
}

#[test]
fn a_part_as_its_parent_has_it_is_never_changed() {
    let old = "-\nMind every single word.\nMind every single word.\nExpected `a`, got `b`.";
    assert_left(old, old);
    // And nothing is left of a part that is a message alone: it is refused as it is.
    assert_left("Sort it.", "Expected `a`, got `b`.");
}

/// No prompt that a real model wrote is cut where it comes without tags, or changed beside the parent it was written of.
/// The recorded prompts are not part of the repository.
#[test]
fn recorded_prompts_are_read_whole_and_left_as_they_are() {
    let shared = std::env::var_os("PROMPTSEARCH_SHARED_DATA").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        std::path::PathBuf::from,
    );
    let Ok(files) = std::fs::read_dir(shared.join("recorded")) else {
        return println!("skipped: there is no folder `recorded` in the shared data");
    };
    let nonce = Nonce::find("<prompt-00112233445566ff part=\"system\">").unwrap();
    let texts = ["system".to_owned()];
    let files = files.map(|file| file.unwrap().path());
    let (mut read_whole, mut refused) = (0, 0);
    for file in files.filter(|file| file.extension().is_some_and(|it| it == "jsonl")) {
        let lines = std::fs::read_to_string(&file).unwrap();
        let rows: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let text_of = |id: &serde_json::Value| {
            rows.iter().find(|row| row["id"] == *id).and_then(|row| row["text"].as_str())
        };
        for row in &rows {
            let new = row["text"].as_str().unwrap();
            let parent = row["parents"].as_array().and_then(|parents| parents.first());
            let Some(old) = parent.and_then(text_of) else { continue };
            let (_, repairs) =
                repaired(&prompt(new), &prompt(old), &texts, RepairContext::default());
            let changes =
                |it: &&Repair| matches!(it.kind, RepairKind::Labels | RepairKind::AnswerForm);
            assert_eq!(repairs.iter().find(changes), None, "{} of {file:?}", row["id"]);
            let tagged = format!("{new}\n\n{}\n{}", nonce.opening("system"), nonce.closing());
            for reply in [new, tagged.as_str()] {
                match reply::read(reply, nonce, &texts) {
                    Ok(parts) if parts[0].1 == new.trim() => read_whole += 1,
                    Ok(parts) => panic!("{} of {file:?} is cut to {parts:?}", row["id"]),
                    Err(_) => refused += 1,
                }
            }
        }
    }
    // A text that speaks of `the prompt` in its first line looks like a remark on one.
    assert!(
        read_whole > 1_000 && refused * 50 < read_whole,
        "{read_whole} whole, {refused} refused"
    );
}
