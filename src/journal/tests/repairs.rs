//! Repairing one copy from the other.

use super::*;

#[test]
fn a_journal_that_was_closed_needs_no_repair() {
    for len in [0, 1, 100] {
        let recovery = Run::of(len).check(len);
        assert_eq!(recovery.repairs, [""; 0]);
        assert_eq!((recovery.from_file, recovery.from_store), (0, 0));
    }
}

/// Cuts at every byte of the last 4 KiB, with the store complete, behind, or empty.
#[test]
fn a_file_cut_anywhere_is_completed_and_completes() {
    let len = 60;
    let whole = Run::of(len).content();
    let ends: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] == b'\n').collect();
    assert!(whole.len() > 4_096);
    let mut run = Run::of(0);
    for cut in whole.len() - 4_096..=whole.len() {
        // A last line that lacks only its line break is intact.
        let in_file = ends.partition_point(|end| *end <= cut) as u64 - 1;
        let in_store = [len, 30, 0][cut % 3];
        let best = in_file.max(in_store);
        run.store = Arc::default();
        let records: Vec<Record> = (0..in_store).map(|n| encode(&fact(n)).unwrap()).collect();
        run.store.append(EventNumber(0), &records).unwrap();
        run.set_content(&whole[..cut]);
        let recovery = run.reconcile().unwrap();
        assert_eq!(recovery.events, best, "cut at {cut}");
        assert_eq!(recovery.from_file, in_file.saturating_sub(in_store));
        assert_eq!(recovery.from_store, in_store.saturating_sub(in_file));
        assert!(run.content() == whole[..=ends[best as usize]]);
        assert!(run.kept().is_empty(), "a torn line is not damage");
        if cut % 200 == 0 {
            run.check(best);
        }
    }
}

#[test]
fn a_file_that_is_missing_or_has_no_header_is_written_again() {
    let run = Run::of(20);
    let whole = run.content();
    fs::remove_file(run.file()).unwrap();
    run.check(20);
    for cut in 0..line::header().len() {
        let run = Run::of(20);
        run.set_content(&whole[..cut]);
        run.check(20);
        assert!(run.kept().is_empty());
    }
}

#[test]
fn a_store_that_is_empty_is_filled_in_batches() {
    let len = 2_500;
    let mut run = Run::of(len);
    run.store = Arc::default();
    let recovery = run.check(len);
    assert_eq!((recovery.from_file, recovery.from_store), (len, 0));
    assert_eq!(run.store.find_answer(&request(2_001)).unwrap(), Some(EventNumber(2_001)));
}

#[test]
fn any_changed_bit_in_the_file_is_repaired_from_the_store() {
    let run = Run::of(4);
    let whole = run.content();
    // Every third bit, because each repair waits for the disk; this still covers every byte and
    // every position in a byte.
    for bit in (0..8 * whole.len()).step_by(3) {
        let mut changed = whole.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        run.set_content(&changed);
        match run.reconcile() {
            Ok(recovery) => {
                // The case of a checksum's digit has no meaning; everything else is repaired.
                let restored = run.content();
                let same_digit = whole[bit / 8].is_ascii_hexdigit()
                    && whole.eq_ignore_ascii_case(&changed)
                    && restored == changed;
                assert!(restored == whole || same_digit, "bit {bit}");
                assert_eq!((recovery.events, run.store.len()), (4, 4), "bit {bit}");
            }
            // The version in the header became larger.
            Err(JournalError::Newer { .. }) => assert!(bit / 8 < line::header().len()),
            Err(error) => panic!("bit {bit}: {error}"),
        }
        run.kept().iter().for_each(|kept| fs::remove_file(kept).unwrap());
    }
    run.set_content(&whole);
    run.check(4);
}

#[test]
fn a_damaged_line_is_repaired_and_the_damaged_file_kept() {
    let run = Run::of(100);
    let mut damaged = run.content();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    run.set_content(&damaged);
    let recovery = run.check(100);
    assert_eq!(recovery.from_store, 1);
    assert_eq!(recovery.repairs.len(), 1, "{:?}", recovery.repairs);
    let kept = run.kept();
    assert_eq!(kept.len(), 1);
    assert!(recovery.repairs[0].contains(&kept[0].display().to_string()));
    assert_eq!(fs::read(&kept[0]).unwrap(), damaged);
}

#[test]
fn lines_behind_the_damage_still_count() {
    let run = Run::of(100);
    run.store.truncate(60).unwrap();
    let mut lines = run.lines();
    lines[41] = "not an event".to_owned();
    run.set_lines(&lines);
    let recovery = run.check(100);
    assert_eq!((recovery.from_file, recovery.from_store), (40, 1));
}

#[test]
fn of_two_damaged_copies_the_longer_prefix_is_taken() {
    for (in_store, in_file) in [(60, 40), (40, 60), (0, 60), (60, 0)] {
        let run = Run::of(100);
        run.store.truncate(in_store).unwrap();
        let mut lines = run.lines();
        lines[in_file as usize + 1] = "not an event".to_owned();
        lines[70] = "nor this".to_owned();
        run.set_lines(&lines);
        // Event 69 is in neither copy.
        let best = if in_store > in_file { 69 } else { in_file };
        run.check(best);
        assert_eq!(run.kept().len(), 1);
    }
}

#[test]
fn a_damaged_event_in_the_store_is_taken_from_the_file() {
    let run = Run::of(100);
    run.store.damage(EventNumber(30));
    let recovery = run.check(100);
    assert_eq!((recovery.from_file, recovery.from_store), (70, 0));
}

#[test]
fn a_damaged_event_that_the_file_lacks_too_ends_the_journal_there() {
    let run = Run::of(100);
    run.store.damage(EventNumber(30));
    run.set_lines(&run.lines()[..21]);
    let recovery = run.check(30);
    assert_eq!((recovery.from_file, recovery.from_store), (0, 10));
}

#[test]
fn lines_twice_or_out_of_order_are_put_right() {
    let good = Run::of(20).lines();
    let mut twice = good.clone();
    twice.insert(5, good[5].clone());
    let mut swapped = good.clone();
    swapped.swap(7, 8);
    let mut headless = good.clone();
    headless.remove(0);
    let mut gap = good.clone();
    gap.drain(9..12);
    let mut misnumbered = good.clone();
    misnumbered[3] = misnumbered[3].replace("\"n\":2", "\"n\":20");
    for wrong in [twice, swapped, headless, gap, misnumbered] {
        let run = Run::of(20);
        run.set_lines(&wrong);
        run.check(20);
        assert_eq!(run.lines()[..21], good);
        assert_eq!(run.kept().len(), 1);
    }
}

#[test]
fn events_after_a_gap_in_the_file_are_not_lost() {
    for missing in [2..3, 5..10, 9..10] {
        let run = Run::of(20);
        run.store.truncate(10).unwrap();
        let mut lines = run.lines();
        lines.drain(missing.start + 1..missing.end + 1);
        run.set_lines(&lines);
        assert_eq!(run.check(20).from_file, 10, "{missing:?}");
    }
}

#[test]
fn where_whole_events_differ_the_store_is_believed_and_the_file_kept() {
    let run = Run::of(20);
    let mut content = line::header().into_bytes();
    for number in 0..30 {
        let other = serde_json::to_vec(&fact(number + 10 * u64::from(number >= 15))).unwrap();
        line::write(&mut content, EventNumber(number), &other);
    }
    run.set_content(&content);
    let recovery = run.check(20);
    assert_eq!(recovery.from_file, 0, "another story's rest is not taken");
    assert!(recovery.repairs[0].contains("event 15"), "{recovery:?}");
    assert_eq!(fs::read(&run.kept()[0]).unwrap(), content);
}

#[test]
fn zeros_after_a_loss_of_power_are_cut() {
    let run = Run::of(20);
    let mut content = run.content();
    content.extend([0; 5_000]);
    run.set_content(&content);
    run.check(20);
    assert!(run.kept().is_empty());
}
