//! A run that is followed: a thread folds its events as they come, and tells who waits that there are new ones.

use crate::run::{FollowedRun, RunDir};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, TryLockError, Weak};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The interval between two looks at a run.
const EVERY: Duration = Duration::from_millis(500);
/// A page is made again only after this many times as long as making it took, so that looking takes little of the machine.
const REST: u32 = 8;
/// The most pages that are kept.
const MOST_PAGES: usize = 24;

/// How far a run is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Its events are being read for the first time.
    Reading,
    /// It is; the number grows whenever something has changed.
    Version(u64),
    /// It cannot be read, for this reason.
    Unreadable(String),
}

struct Page {
    version: u64,
    made: Instant,
    took: Duration,
    html: Arc<String>,
}

/// A run that is followed as long as somebody holds this.
pub(super) struct Live {
    dir: RunDir,
    run: RwLock<Option<FollowedRun>>,
    known: watch::Sender<Known>,
    pages: Mutex<HashMap<String, Page>>,
}

impl Live {
    /// Begins to follow a run.
    pub(super) fn follow(dir: RunDir) -> Arc<Self> {
        let live = Arc::new(Self {
            dir,
            run: RwLock::new(None),
            known: watch::Sender::new(Known::Reading),
            pages: Mutex::default(),
        });
        let weak = Arc::downgrade(&live);
        // Without a thread nothing is followed, and the pages say that they are waiting.
        let _ = thread::Builder::new().name("follow".to_owned()).spawn(move || look(&weak));
        live
    }

    /// How far it is known, now and later.
    pub(super) fn known(&self) -> watch::Receiver<Known> {
        self.known.subscribe()
    }

    /// The run's folder.
    pub(super) fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// The run as it is known; `None` before it is. Nothing of it changes while this is held.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Option<FollowedRun>> {
        self.run.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page by its address, made of the run as it is known, or not long ago.
    pub(super) fn page(&self, address: &str, make: impl FnOnce() -> String) -> Arc<String> {
        let Known::Version(version) = *self.known.borrow() else { return Arc::new(make()) };
        let is_fresh =
            |page: &&Page| page.version == version || page.made.elapsed() < page.took * REST;
        if let Some(page) = self.pages().get(address).filter(is_fresh) {
            return Arc::clone(&page.html);
        }
        let began = Instant::now();
        let html = Arc::new(make());
        let page =
            Page { version, made: Instant::now(), took: began.elapsed(), html: Arc::clone(&html) };
        let mut pages = self.pages();
        if pages.len() >= MOST_PAGES && !pages.contains_key(address) {
            let oldest = pages.iter().min_by_key(|(_, page)| page.made).map(|(key, _)| key.clone());
            oldest.map(|key| pages.remove(&key));
        }
        pages.insert(address.to_owned(), page);
        html
    }

    fn pages(&self) -> std::sync::MutexGuard<'_, HashMap<String, Page>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) {
        // A page that takes long is made of the run as it is: who waited to write would hold up all other pages.
        let mut run = match self.run.try_write() {
            Ok(run) => run,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let looked = match run.as_mut() {
            Some(run) => run.read_new(),
            None => FollowedRun::open(self.dir.clone()).and_then(|mut opened| {
                let looked = opened.read_new();
                *run = Some(opened);
                looked
            }),
        };
        match looked {
            Ok(false) => {}
            Ok(true) => {
                drop(run);
                self.known.send_modify(|known| {
                    *known = Known::Version(match known {
                        Known::Version(version) => *version + 1,
                        Known::Reading | Known::Unreadable(_) => 1,
                    });
                });
            }
            Err(error) => {
                // A repair may have replaced the file: the next look begins anew.
                *run = None;
                drop(run);
                let why = error.to_string();
                self.known.send_if_modified(|known| {
                    let is_new = *known != Known::Unreadable(why.clone());
                    *known = Known::Unreadable(why);
                    is_new
                });
            }
        }
    }
}

fn look(live: &Weak<Live>) {
    while let Some(live) = live.upgrade() {
        let began = Instant::now();
        live.look();
        drop(live);
        // The fold of a large run's news takes time, too.
        thread::sleep(EVERY.max(began.elapsed() * 2));
    }
}
