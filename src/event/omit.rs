//! When a field is left out of the journal.

/// Whether a value is the one that is read where the field is missing.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
