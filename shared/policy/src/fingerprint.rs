//! Short, stable fingerprints: names and tokens are derived from content and are never random.

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
