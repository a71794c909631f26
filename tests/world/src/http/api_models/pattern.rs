//! The models' Java-flavoured patterns as patterns of the `regex` crate, which knows no look-around.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use regex::Regex;

/// Patterns that cannot be translated and are therefore not checked. None belongs to an operation of the world.
pub const UNTRANSLATED: &[&str] = &[
    "/(?!.*\\.\\.)[a-zA-Z0-9/_.\\-]+",
    "(?!((^[ ]+.*)|(.*([\\u0000-\\u001f]|[\\u007f-\\u009f]|[:/|])+.*)|(.*[ ]+$))).+",
    "(?!\\s*$).+",
    "(?!^[.-])^([a-zA-Z0-9-_.]+)",
    "(?=.{1,255}$)([a-zA-Z0-9]([a-zA-Z0-9\\-]{0,61}[a-zA-Z0-9])?)(\\.[a-zA-Z0-9]([a-zA-Z0-9\\-]{0,61}[a-zA-Z0-9])?)*",
    "^(?!.*\\..*\\.)[a-zA-Z0-9][a-zA-Z0-9-_\\.]*$",
    "^(?!s3:|https:)[a-zA-Z0-9!_.*'()/-]+$",
];

/// Compiled patterns by their source.
#[derive(Debug, Default)]
pub(super) struct Cache {
    compiled: Mutex<BTreeMap<String, Option<Regex>>>,
}

impl Cache {
    /// Whether all of `text` matches; a pattern that cannot be translated matches everything.
    pub(super) fn matches(&self, pattern: &str, text: &str) -> bool {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if !compiled.contains_key(pattern) {
            compiled.insert(pattern.to_owned(), compile(pattern));
        }
        compiled.get(pattern).and_then(Option::as_ref).is_none_or(|regex| regex.is_match(text))
    }
}

/// The pattern in the `regex` crate's language, matching whole texts as Java's `matches` does.
pub(super) fn compile(pattern: &str) -> Option<Regex> {
    let mut translated = pattern
        .replace("\\p{Print}", "\\x20-\\x7E")
        .replace("[\\x20-\\x7E]", "[ -~]")
        .replace("\\p{ASCII}", "[[:ascii:]]")
        .replace("\\p{Alnum}", "a-zA-Z0-9")
        // A name that does not end in a hyphen.
        .replace("([a-zA-Z0-9]([a-zA-Z0-9\\-]){0,62})(?<!-)", "[a-zA-Z0-9]([a-zA-Z0-9\\-]{0,61}[a-zA-Z0-9])?")
        .replace("([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(?<!-)", "[a-zA-Z0-9]([a-zA-Z0-9\\-]{0,61}[a-zA-Z0-9])?")
        // A thousand copies of all letters would be too large an automaton; the shape bounds the length as well.
        .replace("]{0,1024}", "]*")
        // Java spells characters beyond the first plane as surrogates.
        .replace("\\uD800\\uDC00-\\uDBFF\\uDFFF", "\\x{10000}-\\x{10FFFF}");
    while let Some(at) = translated.find("\\u") {
        let code = translated.get(at + 2..at + 6)?.to_owned();
        translated.replace_range(at..at + 6, &format!("\\x{{{code}}}"));
    }
    if translated == "\\x20-\\x7E+" {
        translated = "[ -~]+".to_owned();
    }
    // A look-ahead at the front that only bounds the length repeats the shape's own bounds.
    if let Some((bound, rest)) = translated.split_once("$)")
        && bound.starts_with("(?=.{1,")
        && !bound.contains("255")
    {
        translated = rest.to_owned();
    }
    Regex::new(&format!(r"\A(?:{translated})\z")).ok()
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn names_that_end_in_a_hyphen_do_not_match() {
        let name = "(arn:aws[a-z\\-]*:sagemaker:[a-z0-9\\-]*:[0-9]{12}:[a-z\\-]*\\/)?([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(?<!-)(\\/[0-9]{1,9})?";
        let regex = compile(name).unwrap();
        assert!(regex.is_match("churn/7"));
        assert!(regex.is_match("arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/7"));
        assert!(!regex.is_match("churn-"));
        assert!(!regex.is_match("churn/x"));
    }

    #[test]
    fn java_spells_characters_differently() {
        let xml = compile("[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*").unwrap();
        assert!(xml.is_match("endpoint/churn/variant/AllTraffic"));
        assert!(!xml.is_match("\u{0}"));
    }

    #[test]
    fn the_whole_text_must_match() {
        assert!(!compile("[a-z]+").unwrap().is_match("abc1"));
    }
}
