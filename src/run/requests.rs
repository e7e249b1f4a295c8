//! What another process asks of the one that works on a folder, as files in the folder's `control/`.
//!
//! They work as signals do, also where the process is in another container or on another machine. The process that
//! takes a request writes an answer beside it, and then removes the request. A request that is gone without an
//! answer was lost: its process ended, or began after it was written.

use super::control::Control;
use super::dir::{RunDir, RunDirError, io_error};
use crate::caps::Caps;
use crate::engine::{Change, NotChanged};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::time::Duration;

/// The interval between two looks.
const EVERY: Duration = Duration::from_millis(250);
/// After this number of looks a file that cannot be read was not written by this program.
const LOOKS: u32 = 8;

/// What may be asked of a running run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// To spend other amounts, or to have another number of requests out at a time.
    Set {
        /// The caps that are to be others.
        #[serde(default)]
        caps: Caps,
        /// The maximum number of concurrent requests, over all providers.
        #[serde(default)]
        concurrency: Option<usize>,
    },
    /// To send nothing more until it is told to continue.
    Pause,
    /// To continue after a pause.
    Continue,
    /// To end, so that it can be resumed.
    Stop,
}

/// The files, in the order in which they are looked for.
const FILES: [&str; 4] = ["set", "pause", "continue", "stop"];

impl Request {
    /// The name of its file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        let [set, pause, go_on, stop] = FILES;
        match self {
            Self::Set { .. } => set,
            Self::Pause => pause,
            Self::Continue => go_on,
            Self::Stop => stop,
        }
    }
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It was carried out.
    Done,
    /// Nothing had to change, for this reason.
    Already(String),
    /// It was refused, for this reason.
    Refused(String),
}

/// How far a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nobody has taken it yet.
    Waiting,
    /// It is gone, and nobody has answered it: it must be asked again.
    Lost,
    /// It was answered.
    Answered(Answer),
}

/// The content of a request's file.
#[derive(Serialize, Deserialize)]
struct Envelope {
    /// By which its answer is found.
    id: String,
    request: Value,
}

/// A request that was written.
#[derive(Clone, Debug)]
pub struct Asked {
    file: PathBuf,
    answer: PathBuf,
}

impl Asked {
    /// How far it is. An answer is told once.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let answered = || {
            let bytes = crate::source::read(&self.answer).ok()?;
            let answer = serde_json::from_slice(&bytes).ok()?;
            let _ = fs::remove_file(&self.answer);
            Some(Progress::Answered(answer))
        };
        let is_there = || self.file.exists().then_some(Progress::Waiting);
        // The answer is written before the request is removed: it may come between the two looks.
        answered().or_else(is_there).or_else(answered).unwrap_or(Progress::Lost)
    }

    /// Takes it back.
    pub fn take_back(&self) {
        let _ = fs::remove_file(&self.file);
    }
}

/// A request as its receiver finds it.
pub struct Received {
    /// The name of its file.
    pub name: &'static str,
    request: Value,
    file: PathBuf,
    /// The name of the file with its answer; one that was made by hand gets none.
    answer: Option<String>,
}

impl Received {
    /// What is asked for.
    ///
    /// # Errors
    /// Its file was not written by this program.
    pub fn request<R: DeserializeOwned>(&self) -> Result<R, String> {
        serde_json::from_value(self.request.clone())
            .map_err(|error| format!("the file control/{} is malformed: {error}", self.name))
    }

    /// Answers it, and removes it.
    pub fn answer(self, dir: &RunDir, answer: &Answer) {
        let written = self.answer.map(|name| dir.write_json(&name, answer));
        if let Some(Err(error)) = written {
            tracing::warn!(%error, "an answer is lost");
        }
        let _ = fs::remove_file(self.file);
    }
}

/// The requests to a process.
pub struct Inbox {
    dir: RunDir,
    names: &'static [&'static str],
    /// Looks at a file that cannot be read.
    unread: u32,
}

impl Inbox {
    /// Requests of these names in a folder.
    #[must_use]
    pub fn new(dir: RunDir, names: &'static [&'static str]) -> Self {
        Self { dir, names, unread: 0 }
    }

    /// What lies there, in the order of the names.
    pub fn look(&mut self) -> Vec<Received> {
        let mut all = Vec::new();
        for name in self.names {
            let file = self.dir.file(&file_of(name));
            // A pipe in its place would never end.
            let Ok(text) = crate::source::read_text(&file) else { continue };
            let (request, answer) = match serde_json::from_str::<Envelope>(&text) {
                Ok(Envelope { id, request }) => (request, Some(answer_of(name, &id))),
                // It may be half written.
                Err(_) if self.unread < LOOKS => {
                    self.unread += 1;
                    continue;
                }
                // It may be made by hand: its name says all.
                Err(_) => (Value::String((*name).to_owned()), None),
            };
            self.unread = 0;
            all.push(Received { name, request, file, answer });
        }
        all
    }
}

fn file_of(name: &str) -> String {
    format!("control/{name}")
}

/// An id is a few hexadecimal digits; all else could name another file.
fn answer_of(name: &str, id: &str) -> String {
    let id: String = id.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    format!("control/{name}.{id}.answer")
}

impl RunDir {
    /// Asks the process that works on this folder for something. `None`: another process asks for the same now, and
    /// is not answered yet; then nothing is done.
    ///
    /// # Errors
    /// The request cannot be written.
    pub fn ask(&self, name: &str, request: &impl Serialize) -> Result<Option<Asked>, RunDirError> {
        let file = self.file(&file_of(name));
        let failed = |source| io_error(&file, source);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        // Random, because processes of two containers may have the same number.
        let id = format!("{:016x}", RandomState::new().hash_one(std::process::id()));
        let answer = self.file(&answer_of(name, &id));
        let request = serde_json::to_value(request).map_err(|error| failed(error.into()))?;
        let text = serde_json::to_vec(&Envelope { id, request });
        let text = text.map_err(|error| failed(error.into()))?;
        match File::create_new(&file) {
            Ok(mut opened) => {
                opened.write_all(&text).map_err(failed)?;
                Ok(Some(Asked { file, answer }))
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Takes all requests and answers away: they were meant for, or written by, a process that has ended. Who asked
    /// for one of them sees that it is lost.
    pub fn forget_requests(&self) {
        for entry in fs::read_dir(self.file("control")).into_iter().flatten().flatten() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Carries out what is asked of a search, for as long as it runs. `check` says whether caps can be kept.
pub(super) async fn serve(
    dir: RunDir,
    control: Control,
    check: impl Fn(Caps) -> Result<(), String>,
) {
    let mut inbox = Inbox::new(dir.clone(), &FILES);
    loop {
        for received in inbox.look() {
            match received.request() {
                // The search may end before this does: it is answered first.
                Ok(Request::Stop) => {
                    received.answer(&dir, &Answer::Done);
                    control.stop();
                }
                Ok(request) => {
                    let answer = carry_out(&control, request, &check).await;
                    received.answer(&dir, &answer);
                }
                Err(why) => received.answer(&dir, &Answer::Refused(why)),
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn carry_out(
    control: &Control,
    request: Request,
    check: &impl Fn(Caps) -> Result<(), String>,
) -> Answer {
    let changes = match request {
        Request::Stop => return Answer::Done,
        Request::Pause => vec![Change::Pause],
        Request::Continue => vec![Change::GoOn],
        Request::Set { caps, concurrency } => {
            if !caps.is_empty()
                && let Err(why) = check(caps)
            {
                return Answer::Refused(why);
            }
            let caps = (!caps.is_empty()).then_some(Change::Caps(caps));
            caps.into_iter().chain(concurrency.map(Change::Concurrency)).collect()
        }
    };
    let (mut is_changed, mut already) = (false, None);
    for change in changes {
        match control.change(change).await {
            Ok(()) => is_changed = true,
            Err(NotChanged::Already(why)) => already = Some(why),
            Err(NotChanged::Refused(why)) if is_changed => {
                return Answer::Refused(format!("the caps are changed, and no more: {why}"));
            }
            Err(NotChanged::Refused(why)) => return Answer::Refused(why),
        }
    }
    already.filter(|_| !is_changed).map_or(Answer::Done, Answer::Already)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is gone without an answer was not carried out.
    #[test]
    fn a_request_is_answered_or_lost() {
        let place = tempfile::tempdir().unwrap();
        let dir = RunDir::at(place.path());
        let mut inbox = Inbox::new(dir.clone(), &FILES);
        let asked = dir.ask("pause", &Request::Pause).unwrap().unwrap();
        assert!(dir.ask("pause", &Request::Pause).unwrap().is_none(), "one at a time");
        assert_eq!(asked.progress(), Progress::Waiting);
        dir.forget_requests();
        assert_eq!(asked.progress(), Progress::Lost, "a process that began took it away");
        let asked = dir.ask("pause", &Request::Pause).unwrap().unwrap();
        let received = inbox.look().pop().unwrap();
        assert_eq!(received.request(), Ok(Request::Pause));
        received.answer(&dir, &Answer::Already("it is so".to_owned()));
        // Another one that asks now does not hide the answer.
        let other = dir.ask("pause", &Request::Pause).unwrap().unwrap();
        let told = Answer::Already("it is so".to_owned());
        assert_eq!(asked.progress(), Progress::Answered(told));
        assert_eq!(other.progress(), Progress::Waiting);
        other.take_back();
        assert!(inbox.look().is_empty());
        // A file that was made by hand is known by its name, once it cannot be half of one.
        File::create(dir.file("control/stop")).unwrap();
        let looks = (0..).find(|_| !inbox.look().is_empty()).unwrap();
        assert_eq!(looks, LOOKS);
    }
}
