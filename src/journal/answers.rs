//! Knows which requests are already answered. It is queried before every call, and nearly always
//! finds no answer.
//!
//! It does not hold the answers or their positions, which the store knows; it only saves most
//! queries to the store.

use crate::id::{EventNumber, RequestHash};
use crate::store::{Store, StoreError};
use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The answered requests.
#[derive(Debug, Default)]
pub(super) struct Answers {
    known: RwLock<AnswerIndex>,
}

#[derive(Debug, Default)]
struct AnswerIndex {
    /// The first eight bytes of the hash of each answered request. A false hit is rare and only
    /// costs a query to the store.
    prefixes: HashSet<u64>,
    /// Answers found during replay that the store's index does not have. There should be none, but
    /// without them an incomplete index would mean paying for an answer twice.
    mislaid: HashMap<RequestHash, EventNumber>,
}

impl Answers {
    /// The answered requests of a store.
    pub(super) fn of(store: &dyn Store) -> Result<Self, StoreError> {
        let mut prefixes = HashSet::new();
        store.answered(&mut |request, _| {
            prefixes.insert(prefix(request));
        })?;
        Ok(Self { known: RwLock::new(AnswerIndex { prefixes, mislaid: HashMap::new() }) })
    }

    /// Adds answers that have become durable.
    pub(super) fn add(&self, requests: impl Iterator<Item = RequestHash>) {
        let mut known = self.write();
        for request in requests {
            known.prefixes.insert(prefix(request.as_bytes()));
        }
    }

    /// Adds an answer found in the journal, if the store does not know it.
    pub(super) fn met(&self, request: RequestHash, number: EventNumber) {
        if self.read().prefixes.contains(&prefix(request.as_bytes())) {
            return;
        }
        tracing::warn!(event = number.0, %request, "the store's index has no entry for an answer");
        let mut known = self.write();
        known.prefixes.insert(prefix(request.as_bytes()));
        known.mislaid.insert(request, number);
    }

    /// The event that answers a request.
    pub(super) fn find(
        &self,
        request: &RequestHash,
        store: &dyn Store,
    ) -> Result<Option<EventNumber>, StoreError> {
        let mislaid = {
            let known = self.read();
            if !known.prefixes.contains(&prefix(request.as_bytes())) {
                return Ok(None);
            }
            known.mislaid.get(request).copied()
        };
        match mislaid {
            Some(number) => Ok(Some(number)),
            None => store.find_answer(request),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, AnswerIndex> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, AnswerIndex> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn prefix(request: &[u8; 16]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&request[..8]);
    u64::from_le_bytes(first)
}
