//! Works on a night: its runs one after the other, each with its share. How a run is carried out, and what is told
//! meanwhile, is the caller's.

use super::{BudgetRequest, Night, RunState, Spending};
use crate::caps::Caps;
use crate::run::RunDirError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long it waits before it asks for requests again.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// What came of carrying out a run.
pub enum Carried<E> {
    /// It has ended.
    Ended(Spending),
    /// It has trouble that does not keep the others back.
    Trouble(E),
    /// Nothing more is to be done.
    Stopped(E),
}

/// What came of a night.
pub struct Worked<E> {
    /// The runs that have not ended, each with the reason; `None`: nothing is left of the budget for it.
    pub troubles: Vec<(String, Option<E>)>,
    /// Whether more of the budget would help.
    pub wants_more: bool,
}

/// Carries out the runs of a night that have not ended, and meanwhile takes requests that change its budget. Trouble of
/// one run does not keep the others back, but for the bar of a migration: without it nothing is said of the others.
///
/// `carry_out` is given the night, a run's number, and what the run may spend.
///
/// # Errors
/// The ledger cannot be written, or the work was stopped.
pub fn work<E: From<RunDirError>>(
    night: &Mutex<Night>,
    mut carry_out: impl FnMut(usize, Caps) -> Carried<E>,
) -> Result<Worked<E>, E> {
    let mut inbox = BudgetRequest::inbox(&locked(night));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                locked(night).serve(&mut inbox);
                std::thread::sleep(POLL_INTERVAL);
            }
        });
        let _over = StopOnDrop(&is_over);
        one_by_one(night, &mut carry_out)
    })
}

fn one_by_one<E: From<RunDirError>>(
    night: &Mutex<Night>,
    carry_out: &mut impl FnMut(usize, Caps) -> Carried<E>,
) -> Result<Worked<E>, E> {
    let mut worked = Worked { troubles: Vec::new(), wants_more: false };
    let names: Vec<String> = locked(night).file().runs.iter().map(|run| run.run.clone()).collect();
    for (number, name) in names.into_iter().enumerate() {
        if matches!(locked(night).runs()[number], RunState::Ended(_)) {
            continue;
        }
        let is_bar = locked(night).is_bar(number);
        let given = locked(night).give(number)?;
        let trouble = match given.map(|caps| carry_out(number, caps)) {
            Some(Carried::Ended(spent)) => {
                locked(night).ended(number, spent)?;
                continue;
            }
            Some(Carried::Stopped(error)) => return Err(error),
            Some(Carried::Trouble(error)) => Some(error),
            None => None,
        };
        worked.wants_more |= is_bar || trouble.is_none();
        worked.troubles.push((name, trouble));
        if is_bar {
            break;
        }
    }
    Ok(worked)
}

/// The night, also where a thread that held it has ended in a panic.
pub fn locked(night: &Mutex<Night>) -> MutexGuard<'_, Night> {
    night.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the thread that takes requests, whatever ended the work.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
