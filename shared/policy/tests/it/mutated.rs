//! Every policy of the repository, damaged in many ways: no panic, errors with a place, and what is still accepted is a
//! policy in every other respect.
//!
//! The same damage each time, without a fuzzer; `fuzz/` goes on from here.

use tidegate_policy::file::{parse_applied, read};

/// How many damaged copies of each policy are tried.
const COPIES: u64 = 400;

/// Numbers that look drawn and are the same each time: xorshift, from George Marsaglia's paper of 2003.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// What a reader of YAML, of numbers or of names may trip over.
const WORDS: &[&str] = &[
    "",
    "&a",
    "*a",
    "<<: *a",
    "!!str",
    "|",
    ">-",
    "{",
    "}",
    "[",
    "]",
    "---",
    "...",
    "\t",
    "\r",
    "\u{0}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\"\\ud800\"",
    "~",
    "null",
    "0x10",
    "1e9",
    "-0",
    "18446744073709551616",
    "y",
    "? ",
    ": ",
    "#",
    "environments:",
    "%YAML 1.2",
    "\"\"",
];

fn damaged(text: &str, numbers: &mut Numbers) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=numbers.below(3) {
        let (at, to) = (numbers.below(characters.len()), numbers.below(characters.len()));
        let (from, until) = (at.min(to), at.max(to).min(at.min(to) + 40));
        match numbers.below(5) {
            0 => characters.truncate(at),
            1 => drop(characters.drain(from..until)),
            2 => {
                let piece = characters.get(from..until).unwrap_or_default().to_vec();
                characters.splice(to..to, piece);
            }
            3 => {
                let other = characters.get(to).copied().unwrap_or(' ');
                characters.iter_mut().skip(at).take(1).for_each(|character| *character = other);
            }
            _ => drop(characters.splice(from..from, WORDS[to % WORDS.len()].chars())),
        }
    }
    characters.into_iter().collect()
}

#[test]
fn no_damage_makes_the_reader_panic() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/policies");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut accepted, mut refused) = (0, 0);
    for (index, file) in files.iter().enumerate() {
        let text = std::fs::read_to_string(file).unwrap();
        let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15 ^ index as u64);
        for _ in 0..COPIES {
            let text = damaged(&text, &mut numbers);
            let first = read("damaged.yaml", &text);
            assert_eq!(first, read("damaged.yaml", &text), "{text}");
            match first {
                Ok(checked) => {
                    accepted += 1;
                    let json = serde_json::to_string(&checked.policy).unwrap();
                    let again = parse_applied(checked.policy.model.as_str(), &json).unwrap();
                    assert_eq!(again, checked.policy);
                    assert_eq!(again.version(), checked.policy.version());
                    // JSON is YAML: what a program would write is a policy file.
                    assert_eq!(read("written.json", &json).unwrap().policy, checked.policy, "{json}");
                }
                Err(error) => {
                    refused += 1;
                    let lines = text.split(['\n', '\r']).count() as u64;
                    assert!(!error.problems.is_empty(), "{text}");
                    for problem in &error.problems {
                        assert!(
                            (1..=lines + 1).contains(&problem.line),
                            "{problem:?} in {lines} lines of {text}"
                        );
                        assert!(!problem.message.is_empty());
                    }
                }
            }
        }
    }
    // Damage that always or never shows would try nothing.
    assert!(accepted > 30 && refused > 30, "{accepted} accepted, {refused} refused");
}
