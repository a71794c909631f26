//! Short, stable fingerprints: names and tokens are derived from content and are never random.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// SHA-256 of the parts in lower-case hexadecimal, 64 characters. Each part is preceded by its length, so that
/// `["ab", "c"]` and `["a", "bc"]` differ.
#[must_use]
pub fn fingerprint(parts: &[&str]) -> String {
    short(parts, usize::MAX)
}

/// The first `length` characters of [`fingerprint`].
#[must_use]
pub fn short(parts: &[&str], length: usize) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let halves = digest.iter().flat_map(|byte| [byte >> 4, byte & 0xF]).take(length);
    let mut text = String::with_capacity(length.min(2 * digest.len()));
    text.extend(halves.map(|half| char::from_digit(half.into(), 16).unwrap_or('0')));
    text
}

/// SHA-256 of a text in lower-case hexadecimal, as other programs compute it.
pub(crate) fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A fingerprint of settings: nothing if nothing is set, so that a name stays the same when the language gets a new
/// setting.
pub(crate) fn of_settings<T: Serialize + Default + PartialEq>(settings: &T, length: usize) -> String {
    if is_default(settings) {
        return String::new();
    }
    // Serialization of settings cannot fail: every key is a string.
    short(&[&serde_json::to_string(settings).unwrap_or_default()], length)
}

/// Whether nothing is set.
pub(crate) fn is_default<T: Default + PartialEq>(settings: &T) -> bool {
    *settings == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_kept_apart() {
        assert_ne!(fingerprint(&["ab", "c"]), fingerprint(&["a", "bc"]));
        assert_eq!(fingerprint(&["a"]), fingerprint(&["a"]));
        assert_eq!(fingerprint(&[]).len(), 64);
        assert_eq!(short(&["a"], 8).len(), 8);
    }
}
