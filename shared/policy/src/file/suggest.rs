//! Suggestions: "Did you mean …?"

/// The candidate that is nearest to a word, if it is near enough to be the intended one.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    if word.is_empty() {
        return None;
    }
    candidates
        .map(|candidate| (distance(&word, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= reach(&word, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Letters and digits in lower case: `memory_mb` and `memoryMb` are one word.
fn plain(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).take(100).flat_map(char::to_lowercase).collect()
}

/// The edit distance; a word that is a prefix of the candidate, or the reverse, has distance 1.
fn distance(word: &str, candidate: &str) -> usize {
    let typed = strsim::damerau_levenshtein(word, candidate);
    let part = word.len() >= 4 && (candidate.starts_with(word) || word.starts_with(candidate));
    if part { typed.min(1) } else { typed }
}

/// The maximum distance at which a candidate is suggested.
fn reach(word: &str, candidate: &str) -> usize {
    word.chars().count().max(candidate.chars().count()).div_ceil(4).min(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_words_are_suggested() {
        let words = ["registry", "memoryMb", "kind", "instances", "instanceType", "to", "from"];
        let find = |word| nearest(word, words.iter().copied());
        assert_eq!(find("registri"), Some("registry"));
        assert_eq!(find("memory_mb"), Some("memoryMb"));
        assert_eq!(find("MEMORYMB"), Some("memoryMb"));
        assert_eq!(find("knid"), Some("kind"));
        assert_eq!(find("instance"), Some("instances"));
        assert_eq!(find("fro"), Some("from"));
        for far in ["colour", "x", "", "!", "until"] {
            assert_eq!(find(far), None, "{far}");
        }
    }
}
