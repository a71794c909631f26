//! Every file under `events/` is mutated in many ways. The parser must not panic, and a mutated event must be parsed to
//! the same result twice.
//!
//! The mutations are deterministic. The fuzz targets in `fuzz/` try more.

use std::fs;
use std::path::{Path, PathBuf};

use tidegate_events::parse;

use crate::common::folder;

/// The number of mutated copies of each file.
const COPIES: u64 = 200;

/// A deterministic sequence of pseudorandom numbers: xorshift, from George Marsaglia's paper of 2003.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Texts that are difficult for parsers of JSON, times or numbers.
const WORDS: &[&[u8]] = &[
    b"",
    b"null",
    b"{}",
    b"[]",
    b"\"\"",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\xEF\xBB\xBF",
    b"9999-12-31T23:59:59Z",
    b"-0001-01-01T00:00:00Z",
    b"arn:aws:sagemaker:::",
    b"[[[[[[[[",
    b"\"",
];

fn damaged(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(3) {
        let (at, to) = (numbers.below(bytes.len()), numbers.below(bytes.len()));
        let (from, until) = (at.min(to), at.max(to).min(at.min(to) + 64));
        match numbers.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (to % 8)),
            2 => drop(bytes.drain(from..until)),
            3 => {
                let piece = bytes.get(from..until).unwrap_or_default().to_vec();
                bytes.splice(to..to, piece);
            }
            4 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = to.to_le_bytes()[0]),
            _ => drop(bytes.splice(from..until, WORDS[to % WORDS.len()].iter().copied())),
        }
    }
    bytes
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder exists") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
    found.sort();
}

#[test]
fn a_mutated_sample_never_makes_the_parser_panic() {
    let mut files = Vec::new();
    files_below(&folder(), &mut files);
    assert!(files.len() > 150, "{} files", files.len());
    let mut understood = 0;
    for (index, file) in files.iter().enumerate() {
        let bytes = fs::read(file).expect("a file can be read");
        // Pipeline definitions are long and not events. A few mutated copies are enough.
        let copies = if bytes.len() > 32_768 { 3 } else { COPIES };
        let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15 ^ index as u64);
        for _ in 0..copies {
            let bytes = damaged(&bytes, &mut numbers);
            let first = parse(&bytes);
            assert_eq!(first, parse(&bytes), "{}", file.display());
            match first {
                Ok(event) => {
                    let idempotency_key = event.idempotency_key();
                    assert!(
                        !idempotency_key.is_empty() && idempotency_key.len() <= 512,
                        "{}: {idempotency_key}",
                        file.display()
                    );
                    understood += 1;
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
    // Mutations that always destroy the event would test nothing.
    assert!(understood > 1_000, "{understood} were still events");
}
