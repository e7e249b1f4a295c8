//! Finding answers, and reading the file from another process.

use super::*;

fn read(path: &Path) -> Result<Vec<Fact>, JournalError> {
    let mut facts = Vec::new();
    read_events(path, |number, fact| {
        assert_eq!(number.index(), facts.len());
        facts.push(fact);
        Ok::<_, JournalError>(())
    })?;
    Ok(facts)
}

#[test]
fn answers_are_found_once_they_are_durable_and_after_a_resume() {
    let run = Run::of(10);
    let (journal, _) = run.open();
    let found = |number| journal.find_answer(&request(number)).unwrap();
    assert_eq!(found(3), Some(EventNumber(3)));
    assert_eq!(found(4), None);
    let answered = Fact::Answered { request: request(100), text: String::new() };
    assert_eq!(found(100), None);
    let number = wait(journal.append_durable(answered)).unwrap();
    assert_eq!(found(100), Some(number));
}

#[test]
fn an_answer_that_the_store_mislaid_is_found_after_replay() {
    let run = Run::of(10);
    run.store.forget_answers();
    let (journal, _) = run.open();
    assert_eq!(journal.find_answer(&request(3)).unwrap(), None);
    assert_eq!(facts(&journal), expected(10));
    assert_eq!(journal.find_answer(&request(3)).unwrap(), Some(EventNumber(3)));
}

#[test]
fn replay_ends_with_the_visitors_error() {
    let run = Run::of(10);
    let (journal, _) = run.open();
    let mut seen = 0;
    let result = journal.replay(|number, _| {
        seen += 1;
        match number.0 {
            4 => Err(JournalError::Stopped),
            _ => Ok(()),
        }
    });
    assert!(matches!(result, Err(JournalError::Stopped)));
    assert_eq!(seen, 5);
}

#[test]
fn replay_does_not_pass_a_damaged_event_in_silence() {
    let run = Run::of(10);
    let (journal, _) = run.open();
    run.store.damage(EventNumber(6));
    let result = journal.replay::<JournalError>(|_, _| Ok(()));
    assert!(matches!(result, Err(JournalError::Missing(EventNumber(6)))));
}

#[test]
fn a_torn_last_line_is_left_out() {
    let run = Run::of(10);
    let whole = run.content();
    let last = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n');
    for cut in last.unwrap() + 1..whole.len() {
        run.set_content(&whole[..cut]);
        assert_eq!(read(&run.file()).unwrap(), expected(9), "cut at {cut}");
    }
    for cut in 0..line::header().len() {
        run.set_content(&whole[..cut]);
        assert_eq!(read(&run.file()).unwrap(), expected(0), "cut at {cut}");
    }
}

#[test]
fn damage_before_the_end_is_an_error_with_its_line() {
    let run = Run::of(10);
    let good = run.lines();
    for damaged in 0..good.len() - 1 {
        let mut lines = good.clone();
        lines[damaged] = lines[damaged].replace("crc", "crk").replace("prompt", "prom");
        run.set_lines(&lines);
        let error = read(&run.file()).unwrap_err();
        assert!(
            matches!(error, JournalError::Damaged { line, .. } if line == damaged as u64 + 1),
            "{error}"
        );
    }
    let mut lines = good.clone();
    lines.remove(4);
    run.set_lines(&lines);
    let error = read(&run.file()).unwrap_err().to_string();
    assert!(error.contains("line 5"), "{error}");
    assert!(error.contains("expected event 3, found event 4"), "{error}");
}

#[test]
fn an_unknown_kind_is_an_error_with_its_line_and_is_never_cut() {
    let run = Run::of(10);
    let mut content = run.content();
    line::write(&mut content, EventNumber(10), br#"{"kind":"prophesied"}"#);
    run.set_content(&content);
    for error in [read(&run.file()).unwrap_err(), run.try_open().unwrap_err()] {
        let error = error.to_string();
        assert!(error.contains("line 12 of"), "{error}");
        assert!(error.contains("prophesied"), "{error}");
    }
    assert_eq!(run.content(), content);
}

#[test]
fn a_newer_version_is_refused_by_readers() {
    let run = Run::of(1);
    let mut lines = run.lines();
    lines[0] = r#"{"promptsearch_journal":2}"#.to_owned();
    run.set_lines(&lines);
    let error = read(&run.file()).unwrap_err();
    assert!(matches!(error, JournalError::Newer { found: 2, known: 1, .. }));
}

#[test]
fn a_reader_follows_the_writer() {
    let run = Run::of(3);
    let mut reader = Reader::new(&run.file());
    let mut seen = Vec::new();
    let mut more = |seen: &mut Vec<Fact>| {
        reader.read_new::<Fact, JournalError>(|_, fact| {
            seen.push(fact);
            Ok(())
        })
    };
    assert_eq!(more(&mut seen).unwrap(), 3);
    assert_eq!(more(&mut seen).unwrap(), 0);
    let (journal, _) = run.open();
    for number in 3..8 {
        wait(journal.append_durable(fact(number))).unwrap();
        assert_eq!(more(&mut seen).unwrap(), 1);
    }
    assert_eq!(seen, expected(8));
    drop(journal);
    // A line is read once it is complete, and a rebuilt file is the same up to that point.
    let whole = run.content();
    let mut lines = run.lines();
    lines.push(lines[8].clone());
    run.set_lines(&lines);
    run.check(8);
    assert_eq!(more(&mut seen).unwrap(), 1);
    let mut next = run.content();
    assert!(next.starts_with(&whole));
    line::write(&mut next, EventNumber(9), &serde_json::to_vec(&fact(9)).unwrap());
    run.set_content(&next[..next.len() - 5]);
    assert_eq!(more(&mut seen).unwrap(), 0);
    run.set_content(&next);
    assert_eq!(more(&mut seen).unwrap(), 1);
    assert_eq!(seen, expected(10));
}
