//! Asks the process that works on a folder for something, and waits for its answer.

use super::dir::{RunDir, RunDirError};
use super::requests::{Answer, Asked, Progress};
use serde::Serialize;
use std::time::{Duration, Instant};

/// How long the process may take to answer: it may just be reading a long journal.
const UNTIL_ANSWERED: Duration = Duration::from_secs(30);
/// The interval between two looks.
const EVERY: Duration = Duration::from_millis(100);

/// Why something that was asked for was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum NotCarriedOut {
    /// The process refused it.
    #[error("`{run}` does not change: {why}")]
    Refused {
        /// The run or the night.
        run: String,
        /// Why.
        why: String,
    },
    /// The process ended first.
    #[error("`{0}` ended before it was changed")]
    Ended(String),
    /// The process did not answer; it may still carry it out.
    #[error("`{0}` did not answer within half a minute")]
    NoAnswer(String),
    /// The request cannot be written.
    #[error(transparent)]
    Dir(#[from] RunDirError),
}

impl RunDir {
    /// Asks the process that works on this folder, and waits for its answer. Why nothing had to change, if so.
    ///
    /// # Errors
    /// It was not carried out, as far as is known.
    pub fn ask_and_wait(
        &self,
        name: &str,
        request: &impl Serialize,
    ) -> Result<Option<String>, NotCarriedOut> {
        let began = Instant::now();
        let mut asked = None;
        loop {
            let Some(own) = &asked else {
                // The same may be asked for by another process.
                asked = self.ask(name, request)?;
                if asked.is_none() {
                    self.wait(None, began)?;
                }
                continue;
            };
            match own.progress() {
                Progress::Answered(Answer::Done) => return Ok(None),
                Progress::Answered(Answer::Already(why)) => return Ok(Some(why)),
                Progress::Answered(Answer::Refused(why)) => {
                    return Err(NotCarriedOut::Refused { run: self.name(), why });
                }
                // A process that begins forgets what was asked of the one before it.
                Progress::Lost => {
                    asked = None;
                    self.wait(None, began)?;
                }
                Progress::Waiting => self.wait(Some(own), began)?,
            }
        }
    }

    /// Waits a moment, but not for ever.
    fn wait(&self, asked: Option<&Asked>, began: Instant) -> Result<(), NotCarriedOut> {
        std::thread::sleep(EVERY);
        let take_back = || asked.inspect(|asked| asked.take_back());
        if !self.is_running() {
            take_back();
            return Err(NotCarriedOut::Ended(self.name()));
        }
        if began.elapsed() > UNTIL_ANSWERED {
            take_back();
            return Err(NotCarriedOut::NoAnswer(self.name()));
        }
        Ok(())
    }
}
