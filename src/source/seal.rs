//! The seal of a file of evidence: a hash of all that it says.
//!
//! It shows an edit by hand. It is not a signature: a person who wants to forge the file can seal it again.

use serde_json::Value;

/// The key of the seal.
pub(crate) const SEAL: &str = "seal";

/// Evidence with its seal.
#[must_use]
pub fn sealed(mut evidence: Value) -> Value {
    let seal = seal_of(&evidence);
    if let Some(fields) = evidence.as_object_mut() {
        fields.insert(SEAL.to_owned(), Value::String(seal));
    }
    evidence
}

/// Whether evidence is as it was sealed; the order of keys and white space do not matter.
#[must_use]
pub fn is_sealed(evidence: &Value) -> bool {
    evidence[SEAL] == Value::String(seal_of(evidence))
}

/// The hash of evidence without its seal.
fn seal_of(evidence: &Value) -> String {
    let mut bare = evidence.clone();
    if let Some(fields) = bare.as_object_mut() {
        fields.shift_remove(SEAL);
    }
    bare.sort_all_objects();
    blake3::hash(bare.to_string().as_bytes()).to_hex().to_string()
}
