//! Texts that others wrote, made safe to show.

use std::borrow::Cow;

/// Returns whether a character is not shown, or changes how the text around it is shown: control characters, marks of
/// the writing direction, line and paragraph separators, and characters without width.
///
/// See Unicode Technical Report 36, section 2 (<https://www.unicode.org/reports/tr36/>), and for the direction
/// CVE-2021-42574 (<https://www.unicode.org/reports/tr55/>).
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fdd0}'..='\u{fdef}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// A text on one line: line breaks and tabs become spaces, and other hidden characters are written as `\u{1b}`.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    clean_if(text, is_hidden)
}

/// A text on several lines: like [`clean`], but line feeds stay. Use it only for a text whose lines the program itself
/// wrote, with every part from outside cleaned before.
#[must_use]
pub fn clean_lines(text: &str) -> Cow<'_, str> {
    clean_if(text, |c| c != '\n' && is_hidden(c))
}

fn clean_if(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    // Texts of printable ASCII are by far the most frequent ones.
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) || !text.chars().any(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' if hidden(c) => shown.push(' '),
            c if hidden(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// JSON on one line, in which hidden characters are escape sequences. Its value stays the same.
#[must_use]
pub fn clean_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_hidden) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// The first characters of a text, and `…` if there are more.
#[must_use]
pub fn shorten(text: &str, characters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(characters) {
        None => Cow::Borrowed(text),
        // The last character makes room for the ellipsis.
        Some(_) => {
            let kept = text.chars().take(characters.saturating_sub(1));
            Cow::Owned(kept.chain(['…']).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_remains() {
        let forged = "held by eve\u{1b}[2K\rroot\u{202e}x\u{200b}\u{2028}\u{0}\u{9b}\u{7f}ü€\u{1f600}\n";
        let shown = clean(forged);
        assert!(!shown.chars().any(is_hidden), "{shown}");
        assert!(shown.starts_with("held by eve\\u{1b}[2K root\\u{202e}x\\u{200b}\\u{2028}\\u{0}"), "{shown}");
        assert!(shown.ends_with("ü€\u{1f600} "), "{shown}");
        assert_eq!(clean_lines("a\nb\r\u{1b}"), "a\nb \\u{1b}");
        assert!(matches!(clean("plain ü"), Cow::Borrowed("plain ü")));
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({"a\u{202e}": "\u{7f}\u{e0001}\u{9b}2K\u{1b}\n ü"});
        let shown = clean_json(&value.to_string()).into_owned();
        assert!(!shown.chars().any(is_hidden), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn a_long_text_is_shortened_to_the_limit() {
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(shorten("äöüß", 3), "äö…");
    }
}
