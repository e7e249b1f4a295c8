//! The code of a question's tags: data is data, and nothing in it can close a tag.

/// 16 hex digits that none of these texts holds: a hash of them.
pub(crate) fn code(texts: &[&str]) -> String {
    (0_u64..)
        .map(|number| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&number.to_le_bytes());
            for text in texts {
                hasher.update(&(text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
            }
            hasher.finalize().to_hex()[..16].to_owned()
        })
        .find(|code| texts.iter().all(|text| !text.contains(code.as_str())))
        .unwrap_or_default()
}
