//! No account, key or secret of anybody's is in the repository.

use std::path::{Path, PathBuf};

use regex::Regex;

/// Account ids that AWS's documentation and we use for examples, and AWS's own registries.
const KNOWN: &[&str] = &[
    // examples
    "111122223333",
    "444455556666",
    "777788889999",
    "123456789012",
    "000000000000",
    // AWS's registries of built-in containers and of Studio's images
    "683313688378",
    "156813124566",
    "081325390199",
];

/// Folders that are not the repository's own.
const SKIPPED: &[&str] = &["target", ".git", "node_modules", "__pycache__", "proptest-regressions"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().unwrap().is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                files(&entry.path(), found);
            }
        } else {
            found.push(entry.path());
        }
    }
}

fn texts() -> Vec<(PathBuf, String)> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut found = Vec::new();
    files(root, &mut found);
    assert!(found.len() > 200);
    let read = |path: PathBuf| std::fs::read_to_string(&path).ok().map(|text| (path, text));
    found.into_iter().filter_map(read).collect()
}

#[test]
fn no_account_but_the_documented_ones() {
    // Twelve digits by themselves: not a part of a longer number, a word, a hash or a decimal.
    let digits = Regex::new(r"(?:^|[^0-9A-Za-z.])([0-9]{12})(?:[^0-9A-Za-z.]|$)").unwrap();
    // Where an account stands for certain, whatever surrounds it.
    let certain = Regex::new(r"arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:([0-9]{12}):").unwrap();
    let mut strangers = Vec::new();
    for (path, text) in texts() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "Cargo.lock" {
            continue;
        }
        for found in digits.captures_iter(&text).chain(certain.captures_iter(&text)) {
            let account = found.get(1).unwrap().as_str();
            if !KNOWN.contains(&account)
                && !is_time(account)
                && !is_part_of_uuid(&text, found.get(1).unwrap())
            {
                strangers.push(format!("{account} in {}", path.display()));
            }
        }
    }
    strangers.dedup();
    assert!(strangers.is_empty(), "\n{}", strangers.join("\n"));
}

/// `YYYYMMDDHHMM`, as Model Monitor names its jobs.
fn is_time(digits: &str) -> bool {
    let part = |range: std::ops::Range<usize>| digits[range].parse::<u32>().unwrap();
    (2020..2040).contains(&part(0..4))
        && (1..=12).contains(&part(4..6))
        && (1..=31).contains(&part(6..8))
        && part(8..10) < 24
        && part(10..12) < 60
}

fn is_part_of_uuid(text: &str, at: regex::Match<'_>) -> bool {
    let before = text.get(at.start().saturating_sub(24)..at.start()).unwrap_or_default();
    Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-$").unwrap().is_match(before)
}

#[test]
fn no_secret_that_anybody_would_recognise() {
    let patterns = [
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        r"-----BEGIN (?:RSA |EC |OPENSSH |)PRIVATE KEY-----",
        r"\bgh[pousr]_[0-9A-Za-z]{36}\b",
        r"\bglpat-[0-9A-Za-z_-]{20}\b",
        r"\bxox[abprs]-[0-9A-Za-z-]{10,}",
        r#"(?i)aws_secret_access_key\s*[=:]\s*["']?[0-9A-Za-z/+]{40}\b"#,
    ];
    let patterns: Vec<Regex> = patterns.iter().map(|pattern| Regex::new(pattern).unwrap()).collect();
    let mut found = Vec::new();
    for (path, text) in texts() {
        for pattern in &patterns {
            found.extend(pattern.find_iter(&text).map(|m| format!("{} in {}", m.as_str(), path.display())));
        }
    }
    // AWS's documentation has this key in all its examples.
    found.retain(|found| !found.contains(concat!("AKIA", "IOSFODNN7EXAMPLE")));
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}
