//! A store in memory, for tests and for data that need not be kept.
//!
//! It is not a cache for another store.

use super::{Record, Store, StoreError, seal, unseal};
use crate::id::{EventNumber, RequestHash};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Events in memory.
#[derive(Debug, Default)]
pub struct Memory {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    events: Vec<Vec<u8>>,
    answers: HashMap<RequestHash, u64>,
}

impl Memory {
    /// A store without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes one byte of an event, as a faulty disk might.
    #[cfg(test)]
    pub(crate) fn damage(&self, number: EventNumber) {
        if let Some(last) = self.kept().events[number.index()].last_mut() {
            *last ^= 1;
        }
    }

    /// Forgets which requests have answers, as if the index were lost.
    #[cfg(test)]
    pub(crate) fn forget_answers(&self) {
        self.kept().answers.clear();
    }
}

impl Store for Memory {
    fn append(&self, first: EventNumber, events: &[Record]) -> Result<(), StoreError> {
        let mut kept = self.kept();
        let expected = kept.events.len() as u64;
        if first.0 != expected {
            return Err(StoreError::OutOfOrder { expected, got: first.0 });
        }
        for (number, record) in (expected..).zip(events) {
            kept.events.push(seal(&record.bytes));
            if let Some(request) = record.answers {
                kept.answers.entry(request).or_insert(number);
            }
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn len(&self) -> u64 {
        self.kept().events.len() as u64
    }

    fn read(&self, number: EventNumber) -> Result<Option<Vec<u8>>, StoreError> {
        let kept = self.kept();
        let Some(value) = kept.events.get(number.index()) else {
            return Ok(None);
        };
        match unseal(value) {
            Some(bytes) => Ok(Some(bytes.to_vec())),
            None => Err(StoreError::Damaged {
                path: PathBuf::from("memory"),
                why: format!("the checksum of event {number} is wrong"),
            }),
        }
    }

    fn scan(
        &self,
        from: EventNumber,
        visit: &mut dyn FnMut(EventNumber, &[u8]) -> ControlFlow<()>,
    ) -> Result<EventNumber, StoreError> {
        let mut next = from;
        // The lock is not held during the visit, because the visitor may append.
        while let Ok(Some(bytes)) = self.read(next) {
            let number = next;
            next.0 += 1;
            if visit(number, &bytes).is_break() {
                break;
            }
        }
        Ok(next)
    }

    fn find_answer(&self, request: &RequestHash) -> Result<Option<EventNumber>, StoreError> {
        Ok(self.kept().answers.get(request).copied().map(EventNumber))
    }

    fn answered(&self, visit: &mut dyn FnMut(&[u8; 16], EventNumber)) -> Result<(), StoreError> {
        for (request, number) in &self.kept().answers {
            visit(request.as_bytes(), EventNumber(*number));
        }
        Ok(())
    }

    fn truncate(&self, len: u64) -> Result<(), StoreError> {
        let mut kept = self.kept();
        kept.events.truncate(len as usize);
        kept.answers.retain(|_, number| *number < len);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract;

    #[test]
    fn memory_keeps_the_contract() {
        contract::check(&mut || Box::new(Memory::new()));
    }

    #[test]
    fn a_scan_stops_before_a_damaged_event() {
        let store = Memory::new();
        store.append(EventNumber(0), &contract::records(0..10)).unwrap();
        store.damage(EventNumber(6));
        assert_eq!(contract::scanned(&store, 0), contract::bodies(0..6));
        assert!(matches!(store.read(EventNumber(6)), Err(StoreError::Damaged { .. })));
        assert_eq!(store.len(), 10);
    }
}
