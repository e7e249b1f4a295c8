//! The laws of a replay, on a small file; and one look at the real ones.

use super::*;
use crate::prompt::{Message, Role};
use crate::seed::Seed;
use rand::seq::SliceRandom;
use serde_json::json;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const N: &str = "0123456789abcdef";

/// A file with its folder.
struct File(TempDir);

impl File {
    fn new(lines: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("recorded")).unwrap();
        let file = Self(folder);
        std::fs::write(file.path(), lines.join("\n")).unwrap();
        file
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("recorded/colours.small.jsonl")
    }

    fn read(&self) -> Arc<RecordedWorld> {
        Arc::new(RecordedWorld::read(&self.path()).unwrap())
    }
}

fn line(id: &str, text: &str, parents: &[&str], scores: &str) -> String {
    json!({"id": id, "text": text, "parents": parents, "runs": 1, "scores": scores}).to_string()
}

/// A seed with three children, one of which has two.
fn family() -> Vec<String> {
    vec![
        line("seed", "Name the colour.", &[], "1000"),
        line("a", "Name the colour. Be brief.", &["seed"], "1100"),
        line("b", "Which colour is it?\n- red\n- blue", &["seed"], "1010"),
        line("c", "Say red or blue.", &["seed"], "1110"),
        line("d", "Say red or blue, in one word.", &["c"], "1111"),
        line("e", "Say red, or say blue.", &["c", "unknown"], "0111"),
    ]
}

fn user(text: &str) -> Vec<Message> {
    vec![Message { role: Role::User, content: text.to_owned() }]
}

fn chat(system: &str, input: &str) -> Vec<Message> {
    let system = Message { role: Role::System, content: system.to_owned() };
    [vec![system], user(input)].concat()
}

/// The engine's form: the current text in the first pair of tags.
fn proposal(current: &str) -> Vec<Message> {
    user(&format!(
        "Improve.\n<prompt-{N} part=\"system\">\n{current}\n</prompt-{N}>\nRows:\n\
         <evidence-{N}>\nInput: x\nExpected: Say red or blue.\n</evidence-{N}>\nReply with:\n\
         <prompt-{N} part=\"system\">\nthe new text\n</prompt-{N}>"
    ))
}

fn ask(
    replay: &Replay,
    model: &str,
    messages: &[Message],
    draw: Option<u64>,
) -> Result<String, String> {
    let call = Call {
        model,
        messages,
        temperature: 1.0,
        max_output_tokens: 500,
        draw,
        asks_vectors: false,
    };
    replay.answer(call).map(|answer| answer.text).map_err(|refused| refused.message)
}

/// The id of the prompt that the mutator gives.
fn child(replay: &Replay, current: &str, draw: Option<u64>) -> String {
    let reply = ask(replay, EDITOR, &proposal(current), draw).unwrap();
    let text = reply.strip_prefix(&format!("<prompt-{N} part=\"system\">")).unwrap();
    let text = text.strip_suffix(&format!("</prompt-{N}>")).unwrap();
    replay.world().prompt(text).unwrap().id.clone()
}

#[test]
fn digits_decide_which_rows_are_right() {
    let world = File::new(&family()).read();
    let replay = Replay::new(Arc::clone(&world), 1);
    for prompt in &world.prompts {
        for (row, right) in world.rows.iter().zip(&prompt.right) {
            let said = ask(&replay, CLERK, &chat(&prompt.text, &row.input), None).unwrap();
            assert_eq!(said, if *right { &*row.answer } else { &*row.wrong });
            assert_ne!(row.answer, row.wrong);
            // In one message, as some programs write it, and with blanks at its ends.
            let together = user(&format!("{}\n\n{}\n", prompt.text, row.input));
            assert_eq!(ask(&replay, CLERK, &together, Some(7)).unwrap(), said);
        }
    }
    assert_eq!(replay.played(), Played::default());
    let call = |messages| Call {
        model: CLERK,
        messages,
        temperature: 0.0,
        max_output_tokens: 9,
        draw: None,
        asks_vectors: false,
    };
    let messages = chat("Name the colour.", &world.rows[0].input);
    let usage = replay.answer(call(&messages)).unwrap().usage;
    assert_eq!(usage, RecordedWorld::usage(world.baseline(), &world.rows[0]));
    let free = Replay::new(Arc::clone(&world), 1).with_free_rows([world.rows[0].id.clone()]);
    assert_eq!(free.answer(call(&messages)).unwrap().usage, Usage::plain(0, 0));
    let messages = chat("Name the colour.", &world.rows[1].input);
    assert_ne!(free.answer(call(&messages)).unwrap().usage, Usage::plain(0, 0));
}

#[test]
fn each_child_is_given_once_then_those_of_others_then_the_parent() {
    let replay = Replay::new(File::new(&family()).read(), 1);
    let mut own: Vec<String> = (0..3).map(|_| child(&replay, "Name the colour.", None)).collect();
    own.sort();
    assert_eq!(own, ["a", "b", "c"]);
    let mut others: Vec<String> =
        (0..2).map(|_| child(&replay, "Name the colour.", None)).collect();
    others.sort();
    assert_eq!(others, ["d", "e"]);
    assert_eq!(child(&replay, "Name the colour.", None), "seed");
    assert_eq!(child(&replay, "Say red or blue.", None), "c");
    let given = Given { own: 3, of_others: 2, unchanged: 2, refused: 0 };
    assert_eq!(replay.played(), Played { refused_answers: 0, given });
    replay.reset();
    assert_eq!(replay.played(), Played::default());
    assert!(["d", "e"].contains(&&*child(&replay, "Say red or blue.", None)));
}

#[test]
fn a_child_of_another_is_one_of_a_prompt_that_is_about_as_good() {
    // Thirty prompts without children but of the accuracies 0 to 29, each with one child; the nearest
    // twenty of the one at 29 are those from 9 on.
    let scores = |right: usize| "1".repeat(right) + &"0".repeat(40 - right);
    let mut lines = vec![line("seed", "Seed.", &[], &scores(0))];
    for place in 0..30 {
        let (id, text) = (format!("p{place}"), format!("Parent number {place}."));
        lines.push(line(&id, &text, &[], &scores(place)));
        lines.push(line(&format!("c{place}"), &format!("Child of {place}."), &[&id], &scores(1)));
    }
    let world = File::new(&lines).read();
    for seed in 0..200 {
        let replay = Replay::new(Arc::clone(&world), seed);
        assert_eq!(child(&replay, "Parent number 29.", None), "c29");
        let other = child(&replay, "Parent number 29.", None);
        let place: usize = other.strip_prefix('c').unwrap().parse().unwrap();
        assert!((9..29).contains(&place), "{other}");
    }
}

#[test]
fn the_same_seed_and_requests_give_the_same_children_and_another_seed_others() {
    let mut lines = vec![line("seed", "Seed.", &[], "10")];
    let text = |place: usize| format!("Child number {place} of the seed.");
    lines.extend((0..40).map(|place| line(&place.to_string(), &text(place), &["seed"], "11")));
    let world = File::new(&lines).read();
    let order = |seed: u64, draws: &mut dyn FnMut(u64) -> Option<u64>| {
        let replay = Replay::new(Arc::clone(&world), seed);
        (0..40).map(|number| child(&replay, "Seed.", draws(number))).collect::<Vec<_>>()
    };
    let first = order(1, &mut |_| None);
    assert_eq!(order(1, &mut Some), first);
    assert_ne!(order(2, &mut |_| None), first);
    // The file's order is no order of the children.
    let in_file = (0..40).map(|place| place.to_string()).collect::<Vec<_>>();
    assert_ne!(first, in_file);
    // A request that is sent again, after others, has its reply again, and takes no other child.
    let replay = Replay::new(Arc::clone(&world), 1);
    let mut draws: Vec<u64> = (0..40).collect();
    let told: Vec<String> = draws.iter().map(|draw| child(&replay, "Seed.", Some(*draw))).collect();
    draws.shuffle(&mut Seed(1).rng());
    for draw in draws {
        assert_eq!(child(&replay, "Seed.", Some(draw)), told[draw as usize]);
    }
    assert_eq!(replay.played().given.own, 40);
}

/// The text of a child with the parent's line put back has the child's scores; another line, or a fourth, has none.
#[test]
fn lines_that_a_repair_put_back_change_no_score() {
    let world = File::new(&[
        line("seed", "Sort it.\nAnswer with one word.\nBe kind.\nBe brief.\nBe calm.", &[], "10"),
        line("child", "Sort it.\nMind the colour.", &["seed"], "01"),
    ])
    .read();
    let id = |text: &str| world.prompt(text).map(|prompt| prompt.id.as_str());
    assert_eq!(id("Sort it.\nMind the colour."), Some("child"));
    assert_eq!(id("Sort it.\nAnswer with one word.\nMind the colour.\n"), Some("child"));
    assert_eq!(id("Sort it.\nMind the colour.\n\nBe kind.\nBe brief."), Some("child"));
    assert_eq!(id("Sort it.\nMind the colour.\nBe quick."), None, "no prompt has that line");
    assert_eq!(id("Mind the colour.\nAnswer with one word."), None, "a line is gone");
    let four = "Sort it.\nMind the colour.\nBe calm.\nBe brief.\nBe kind.\nAnswer with one word.";
    assert_eq!(id(four), None);
}

#[test]
fn what_was_never_recorded_is_refused_and_counted() {
    let world = File::new(&family()).read();
    let replay = Replay::new(Arc::clone(&world), 1);
    let input = world.rows[0].input.as_str();
    let no_reply = |refused: Result<String, String>| {
        let message = refused.unwrap_err();
        assert!(message.starts_with("no recorded reply: "), "{message}");
    };
    no_reply(ask(&replay, CLERK, &chat("Name the color.", input), None));
    no_reply(ask(&replay, CLERK, &chat("Name the colour. Be kind.", input), None));
    no_reply(ask(&replay, CLERK, &chat("Name the colour.", "another row"), None));
    no_reply(ask(&replay, CLERK, &user(input), None));
    no_reply(ask(&replay, CLERK, &[], None));
    assert_eq!(replay.played().refused_answers, 5);
    no_reply(ask(&replay, EDITOR, &proposal("Name the color."), None));
    no_reply(ask(&replay, EDITOR, &user("Improve: Name the color."), None));
    // Notes are no prompt, whatever they are about.
    let text = format!(
        "You say why the instructions failed.\n<prompt-{N} part=\"system\">\nName the colour.\n\
         </prompt-{N}>\n<note-{N}></note-{N}>"
    );
    no_reply(ask(&replay, EDITOR, &user(&text), None));
    assert_eq!((replay.played().given.refused, replay.played().refused()), (3, 8));
    assert_eq!(replay.played().given.own, 0);
    let unknown = ask(&replay, "clark", &user(input), None).unwrap_err();
    assert!(unknown.contains("there is no simulated model `clark`"), "{unknown}");
    assert_eq!(replay.played().refused(), 8);
}

#[test]
fn other_programs_show_the_parent_in_their_own_words() {
    let replay = Replay::new(File::new(&family()).read(), 1);
    // The longest text that begins there is meant, and the evidence after it is not.
    let request = user(
        "These are instructions:\n```\nSay red or blue.\n```\nThey fail on: Name the colour. Write new \
         ones within ``` marks.",
    );
    for _ in 0..2 {
        let reply = ask(&replay, EDITOR, &request, None).unwrap();
        let text = reply.strip_prefix("```\n").unwrap().strip_suffix("\n```").unwrap();
        assert!(["d", "e"].contains(&&*replay.world().prompt(text).unwrap().id));
    }
    let longest = "Improve this: Say red or blue, in one word. Thanks";
    ask(&replay, EDITOR, &user(longest), None).unwrap();
    assert_eq!(replay.played().given, Given { own: 2, of_others: 1, ..Given::default() });
}

#[test]
fn rows_come_from_the_file_beside_it_if_they_are_those() {
    let file = File::new(&family());
    assert!(!file.read().has_texts);
    let rows = file.0.path().join("rows");
    std::fs::create_dir(&rows).unwrap();
    let row = |number: usize, split: &str, answer: &str| {
        let input = format!("patch {}", number % 3);
        json!({"id": format!("r{number}"), "split": split, "input": input, "answer": answer})
            .to_string()
    };
    let write = |lines: &[String]| {
        std::fs::write(rows.join("colours.jsonl"), lines.join("\n")).unwrap();
    };
    let mut lines = vec![row(9, "train", "red")];
    lines.extend((0..4).map(|number| row(number, "dev", if number < 3 { "red" } else { "blue" })));
    write(&lines);
    let world = file.read();
    assert!(world.has_texts);
    assert_eq!(world.rows[0].input, "patch 0");
    // A second row of the same text is told from the first.
    assert_eq!(world.rows[3].input, "patch 0 (r3)");
    let wrong: Vec<&str> = world.rows.iter().map(|row| row.wrong.as_str()).collect();
    assert_eq!(wrong, ["blue", "blue", "blue", "red"]);
    lines.pop();
    write(&lines);
    assert!(!file.read().has_texts);
    lines.push("{\"id\": 1}".to_owned());
    write(&lines);
    let error = RecordedWorld::read(&file.path()).unwrap_err().to_string();
    assert!(error.contains("colours.jsonl:5: not a row"), "{error}");
}

#[test]
fn a_mistake_is_shown_with_its_line() {
    let seed = || line("seed", "Seed.", &[], "10");
    for (lines, message) in [
        (vec![], "small.jsonl: it holds no prompt"),
        (vec![seed(), "{".to_owned()], "small.jsonl:2: not a recorded prompt"),
        (
            vec![seed(), "{\"id\": \"a\"}".to_owned()],
            "small.jsonl:2: not a recorded prompt: missing field",
        ),
        (
            vec![seed(), line("a", "A.", &[], "1")],
            "small.jsonl:2: 1 scores, and the first prompt has 2",
        ),
        (vec![line("a", "A.", &[], "")], "small.jsonl:1: 0 scores"),
        (vec![seed(), line("a", "A.", &[], "1?")], "small.jsonl:2: `?` among the scores"),
        (
            vec![seed(), String::new(), line("a", " ", &[], "11")],
            "small.jsonl:3: its text is empty",
        ),
        (
            vec![seed(), line("seed", "B.", &[], "11")],
            "small.jsonl:2: a second prompt with the id `seed`",
        ),
        (
            vec![seed(), line("b", " Seed.\n", &[], "11")],
            "small.jsonl:2: it has the text of `seed`",
        ),
    ] {
        let error = RecordedWorld::read(&File::new(&lines).path()).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let missing = RecordedWorld::read(Path::new("missing.jsonl")).unwrap_err().to_string();
    assert!(missing.contains("missing.jsonl: there is no such file"), "{missing}");
}

#[test]
fn the_real_files_can_be_played_to_their_end() {
    let folder = match std::env::var_os("PROMPTSEARCH_SHARED_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
    };
    let Ok(entries) = std::fs::read_dir(folder.join("recorded")) else {
        println!("skipped: there is no folder {}", folder.join("recorded").display());
        return;
    };
    let files = entries.map(|entry| entry.unwrap().path());
    let files: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|it| it == "jsonl")).collect();
    assert!(!files.is_empty());
    for file in files {
        let world = Arc::new(RecordedWorld::read(&file).unwrap());
        let replay = Replay::new(Arc::clone(&world), 1);
        for (row, right) in world.rows.iter().zip(&world.prompts[1].right) {
            let said =
                ask(&replay, CLERK, &chat(&world.prompts[1].text, &row.input), None).unwrap();
            assert_eq!(said == row.answer, *right, "{}: {}", world.name, row.id);
        }
        // Every prompt that has a parent is given once; then the seed comes back unchanged.
        let has_parent = |place: &usize| world.children.iter().any(|it| it.contains(place));
        let expected = (1..world.prompts.len()).filter(has_parent).count();
        let mut seen = BTreeSet::new();
        let most = u32::MAX;
        loop {
            let messages = proposal(&world.baseline().text);
            let call = Call {
                model: EDITOR,
                messages: &messages,
                temperature: 1.0,
                max_output_tokens: most,
                draw: None,
                asks_vectors: false,
            };
            let text = replay.answer(call).unwrap().text;
            let before = replay.played().given;
            if before.unchanged > 0 {
                break;
            }
            assert!(seen.insert(text), "{}: given twice", world.name);
        }
        assert_eq!(seen.len(), expected, "{}", world.name);
        let longest = world.prompts.iter().map(|prompt| prompt.text.len()).max().unwrap();
        assert!(world.longest_reply() as usize * 4 > longest);
    }
}
