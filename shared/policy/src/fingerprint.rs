//! Short, stable fingerprints: names and tokens are derived from what they stand for, never drawn.

use sha2::{Digest, Sha256};

/// SHA-256 of the parts in lower-case hexadecimal, 64 characters. Each part is preceded by its length, so that
/// `["ab", "c"]` and `["a", "bc"]` differ.
#[must_use]
pub fn fingerprint(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let mut text = String::with_capacity(2 * digest.len());
    for half in digest.iter().flat_map(|byte| [byte >> 4, byte & 0xF]) {
        text.push(char::from_digit(half.into(), 16).unwrap_or('0'));
    }
    text
}

/// The first `length` characters of [`fingerprint`].
#[must_use]
pub fn short(parts: &[&str], length: usize) -> String {
    let mut text = fingerprint(parts);
    // It is ASCII: every length is the end of a character.
    text.truncate(length);
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
