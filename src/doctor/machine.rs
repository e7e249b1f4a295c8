//! The machine: its clock, the disk, and the folder of the runs.

use super::check::{Cause, Checks};
use crate::run::{RunDir, RunDirError};
use crate::text;
use jiff::SignedDuration;
use serde::Serialize;
use std::fs;
use std::path::Path;

/// A clock that differs by more is told: tokens and leases are valid for minutes. Servers send whole
/// seconds, and messages take a moment.
const SKEW: SignedDuration = SignedDuration::from_secs(10);

/// Bytes of a call in a run's folder, beside its answer: in the journal and in its second copy.
const BYTES_OF_CALL: u64 = 600;
/// Bytes of a run that makes no calls.
const BYTES_OF_RUN: u64 = 8 << 20;

/// What was found of the machine.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Machine {
    /// Seconds by which this machine's clock is ahead of a provider's; `None` where none sends its time.
    pub clock_ahead_seconds: Option<f64>,
    /// Bytes that are free where runs are kept.
    pub disk_free_bytes: Option<u64>,
    /// Bytes that a run as planned writes there.
    pub disk_needed_bytes: u64,
}

/// Bytes that calls write, given pairs of a number of calls and the bytes of an answer. Each answer is
/// written twice.
pub(super) fn bytes_of(calls: impl Iterator<Item = (u64, u64)>) -> u64 {
    let of = |(calls, answer): (u64, u64)| {
        calls.saturating_mul(BYTES_OF_CALL.saturating_add(answer.saturating_mul(2)))
    };
    calls.map(of).fold(BYTES_OF_RUN, u64::saturating_add)
}

impl Machine {
    /// Looks at it. `ahead` is how far providers' clocks are ahead; the nearest one counts, because a
    /// server may be wrong, too.
    pub(super) fn check(
        checks: &mut Checks,
        ahead: impl Iterator<Item = SignedDuration>,
        needed: u64,
        out: &Path,
    ) -> Self {
        let ahead = ahead.min_by_key(|ahead| ahead.abs());
        clock(checks, ahead);
        let free = free(out);
        disk(checks, free, needed, out);
        folder(checks, out);
        Self {
            clock_ahead_seconds: ahead.map(|ahead| -ahead.as_secs_f64()),
            disk_free_bytes: free,
            disk_needed_bytes: needed,
        }
    }
}

fn clock(checks: &mut Checks, ahead: Option<SignedDuration>) {
    let Some(ahead) = ahead else {
        return checks.ok("clock", "not compared: no provider sent its time");
    };
    let differs = text::duration(ahead.unsigned_abs());
    if ahead.abs() <= SKEW {
        return checks.ok(
            "clock",
            format!("within {} of the provider's", text::duration(SKEW.unsigned_abs())),
        );
    }
    let how = if ahead.is_positive() { "behind" } else { "ahead of" };
    checks.warn(
        "clock",
        format!("this machine's clock is {differs} {how} the provider's"),
        "set it (`timedatectl set-ntp true`): `--until`, tokens with a time to live and limits that are \
         shared between runs depend on it",
    );
}

/// Bytes that are free for a folder, which need not exist yet.
fn free(out: &Path) -> Option<u64> {
    let path = std::path::absolute(out).ok()?;
    let place = path.ancestors().find(|place| place.is_dir())?;
    let disk = rustix::fs::statvfs(place).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn disk(checks: &mut Checks, free: Option<u64>, needed: u64, out: &Path) {
    let out = out.display();
    let Some(free) = free else {
        return checks.ok("disk", format!("the system does not say how much is free under {out}"));
    };
    let words = format!("{} free under {out}; the run writes about {}", bytes(free), bytes(needed));
    let remedy = "free some space, or name a folder on another disk with `--out`";
    if free < needed {
        checks.fault("disk", Cause::Folder, words, remedy);
    } else if free < needed.saturating_mul(4) {
        checks.warn("disk", words, remedy);
    } else {
        checks.ok("disk", words);
    }
}

/// `8.4 MB`; powers of ten, as disks are sold.
fn bytes(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000_000 => (1e3, "kB"),
        1_000_000..1_000_000_000 => (1e6, "MB"),
        1_000_000_000..1_000_000_000_000 => (1e9, "GB"),
        _ => (1e12, "TB"),
    };
    let count = bytes as f64 / unit;
    if count < 10.0 { format!("{count:.1} {name}") } else { format!("{count:.0} {name}") }
}

/// Whether a run can begin there: its folder is made, written to and locked, and goes away again with
/// all folders above it that were made for it.
fn folder(checks: &mut Checks, out: &Path) {
    let made: Vec<&Path> = out.ancestors().take_while(|it| is_missing(it)).collect();
    let path = out.join(format!(".doctor-{}", std::process::id()));
    let tried = try_out(&path);
    let _ = fs::remove_dir_all(&path);
    for folder in made {
        // Only if it is empty: another run may have begun.
        let _ = fs::remove_dir(folder);
    }
    let out = out.display();
    match tried {
        Ok(true) => checks.ok("folder", format!("{out} can be written to and locked")),
        Ok(false) => checks.warn(
            "folder",
            format!("{out} takes files, but its file system keeps no locks"),
            "name a folder on a local disk with `--out`: without locks, two processes could work on one run",
        ),
        Err(error) => checks.fault(
            "folder",
            Cause::Folder,
            error.to_string(),
            "make it writable, or name another folder with `--out`",
        ),
    }
}

/// Whether nothing is there: the empty path is where this process is.
fn is_missing(path: &Path) -> bool {
    path != Path::new("") && path.symlink_metadata().is_err()
}

/// Whether a folder that can be written to also keeps others out.
fn try_out(path: &Path) -> Result<bool, RunDirError> {
    let (dir, lock) = RunDir::create(path)?;
    dir.write("probe", b"written by `promptsearch doctor`")?;
    let is_locked = matches!(dir.lock(), Err(RunDirError::InUse { .. }));
    drop(lock);
    Ok(is_locked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::Status;

    fn status(look: impl FnOnce(&mut Checks)) -> (Status, String) {
        let mut checks = Checks::of("machine");
        look(&mut checks);
        let check = checks.list.pop().unwrap();
        (check.status, check.words)
    }

    #[test]
    fn a_clock_that_is_wrong_by_seconds_is_no_matter_and_one_by_minutes_is() {
        let clock =
            |seconds| status(|checks| clock(checks, Some(SignedDuration::from_secs(seconds))));
        assert_eq!((clock(0).0, clock(-9).0, clock(9).0), (Status::Ok, Status::Ok, Status::Ok));
        let behind = (Status::Warning, "this machine's clock is 5 min 00 s behind the provider's");
        assert_eq!(clock(300), (behind.0, behind.1.to_owned()));
        assert!(clock(-300).1.contains("ahead of"));
        assert_eq!(status(|checks| super::clock(checks, None)).0, Status::Ok);
    }

    #[test]
    fn a_disk_must_have_room_for_the_run() {
        let disk = |free| status(|checks| disk(checks, free, 1_000_000, Path::new("r"))).0;
        assert_eq!(disk(Some(999_999)), Status::Fault);
        assert_eq!(disk(Some(3_999_999)), Status::Warning);
        assert_eq!((disk(Some(4_000_000)), disk(None)), (Status::Ok, Status::Ok));
        assert_eq!(
            bytes_of([(1_000, 200), (10, 4_000)].into_iter()),
            (8 << 20) + 1_000_000 + 86_000
        );
        let shown = [999, 8_400_000, 120_000_000_000].map(bytes);
        assert_eq!(shown, ["1.0 kB", "8.4 MB", "120 GB"]);
    }

    #[test]
    fn a_folder_is_tried_out_and_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("results");
        assert_eq!(status(|checks| folder(checks, &out)).0, Status::Ok);
        assert!(!out.exists());
        fs::create_dir(&out).unwrap();
        let deep = out.join("of/this/week");
        assert_eq!(status(|checks| folder(checks, &deep)).0, Status::Ok);
        assert_eq!(fs::read_dir(&out).unwrap().count(), 0, "what it made is gone, and no more");
        assert_eq!(status(|checks| folder(checks, &out)).0, Status::Ok);
        assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
        let file = dir.path().join("file");
        fs::write(&file, "x").unwrap();
        let (found, words) = status(|checks| folder(checks, &file));
        assert_eq!(found, Status::Fault, "{words}");
        assert!(words.contains("is not a folder"), "{words}");
    }
}
