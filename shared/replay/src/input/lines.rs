//! From text to JSON values: one a line, several on a line, or one over several lines.

use std::io::{BufRead, Read};

use serde_json::Value;
use tidegate_events::MAX_BYTES;

use super::glance::glance;
use super::item::{Item, items};
use super::{InputError, Source};

/// How much of a line is read at once: Firehose may make one line of a whole file.
const CHUNK: u64 = 4 * MAX_BYTES as u64;

/// A line that is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct BadLine {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub message: String,
}

/// The items of a source, one after the other.
pub struct Lines {
    source: Source,
    /// The text that is not read as JSON yet: a line, or several if a value goes on.
    text: Vec<u8>,
    /// The next line, if it was read to see whether the value before goes on.
    next: Vec<u8>,
    /// The line at which `text` begins.
    line: u64,
    /// Lines read so far.
    read: u64,
    /// Whether what is read next is the beginning of a line.
    begins_line: bool,
}

impl Lines {
    /// Reads a source from its beginning.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self { source, text: Vec::new(), next: Vec::new(), line: 0, read: 0, begins_line: true }
    }

    /// Appends the next items to `found`; `false` at the end.
    ///
    /// # Errors
    /// [`InputError::Line`] for text that is no event; the next call goes on after it. Anything else is final.
    pub fn read(&mut self, found: &mut Vec<Item>) -> Result<bool, InputError> {
        if !self.take_line()? {
            return Ok(false);
        }
        let text = trimmed(&self.text);
        if let Some(item) = glance(text) {
            found.push(item);
            return Ok(true);
        }
        match serde_json::from_slice::<Value>(text) {
            Ok(value) => self.items(value, found).map(|()| true),
            // Prettily printed, or cut off: then the next line says it.
            Err(error) if error.is_eof() => self.longer(found).map(|()| true),
            // Firehose puts no newline between records unless it is told to.
            Err(_) => self.several(found).map(|()| true),
        }
    }

    /// Makes `text` the next line that holds anything.
    fn take_line(&mut self) -> Result<bool, InputError> {
        loop {
            std::mem::swap(&mut self.text, &mut self.next);
            self.next.clear();
            if !self.text.ends_with(b"\n") && !self.append_line()? && self.text.is_empty() {
                return Ok(false);
            }
            self.line = self.read;
            if !trimmed(&self.text).is_empty() {
                return Ok(true);
            }
        }
    }

    /// Reads one more line, or as much of it as is read at once, onto `text`; `false` at the end.
    fn append_line(&mut self) -> Result<bool, InputError> {
        let name = &self.source.name;
        let read = self.source.text.by_ref().take(CHUNK).read_until(b'\n', &mut self.text);
        let bytes = read.map_err(|error| InputError::File { file: name.clone(), error })?;
        if bytes > 0 && self.begins_line {
            self.read = self.read.saturating_add(1);
        }
        self.begins_line = self.text.ends_with(b"\n");
        Ok(bytes > 0)
    }

    /// A value that goes on over the next lines.
    fn longer(&mut self, found: &mut Vec<Item>) -> Result<(), InputError> {
        let mut depth = Depth::default();
        depth.follow(&self.text);
        while depth.is_open() {
            let end = self.text.len();
            if end > MAX_BYTES || !self.append_line()? {
                return Err(self.bad(0, "the JSON ends before its last bracket is closed").into());
            }
            let line = self.text.get(end..).unwrap_or_default();
            // Inside of a value nothing begins at the margin: the value before was cut off.
            if line.first() == Some(&b'{') && depth.is_in_object() {
                self.next = line.to_vec();
                return Err(self.bad(0, "the JSON ends before its last bracket is closed").into());
            }
            depth.follow(line);
        }
        let value = serde_json::from_slice::<Value>(trimmed(&self.text));
        match value {
            Ok(value) => self.items(value, found),
            Err(error) => {
                let after = u64::try_from(error.line()).unwrap_or_default().saturating_sub(1);
                Err(self.bad(after, &position(&error)).into())
            }
        }
    }

    /// Several values on one line.
    fn several(&mut self, found: &mut Vec<Item>) -> Result<(), InputError> {
        let text = std::mem::take(&mut self.text);
        let mut values = serde_json::Deserializer::from_slice(&text).into_iter::<Value>();
        while let Some(value) = values.next() {
            match value {
                Ok(value) => self.items(value, found)?,
                // The line goes on beyond what is read at once.
                Err(error) if error.is_eof() && !self.begins_line && values.byte_offset() > 0 => {
                    self.next.extend_from_slice(text.get(values.byte_offset()..).unwrap_or_default());
                    return Ok(());
                }
                Err(error) => return Err(self.bad(0, &position(&error)).into()),
            }
        }
        Ok(())
    }

    fn items(&self, value: Value, found: &mut Vec<Item>) -> Result<(), InputError> {
        items(value, found).map_err(|error| self.bad(0, &error.to_string()).into())
    }

    fn bad(&self, after: u64, message: &str) -> BadLine {
        let line = self.line.saturating_add(after);
        BadLine { file: self.source.name.clone(), line, message: message.to_owned() }
    }
}

fn position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    format!("not JSON (column {}: {what})", error.column())
}

/// Without blanks, without a byte order mark, and without the punctuation of a list whose entries have a line each.
fn trimmed(text: &[u8]) -> &[u8] {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).trim_ascii();
    let text = text.strip_suffix(b",").unwrap_or(text).trim_ascii_end();
    if matches!(text, b"[" | b"]") { &[] } else { text }
}

/// How deep in brackets a text ends.
#[derive(Default)]
struct Depth {
    /// The brackets that are open: `true` for one of an object.
    open: Vec<bool>,
    in_text: bool,
    escaped: bool,
}

impl Depth {
    fn follow(&mut self, text: &[u8]) {
        for byte in text {
            match (self.in_text, byte) {
                _ if self.escaped => self.escaped = false,
                (true, b'\\') => self.escaped = true,
                (_, b'"') => self.in_text = !self.in_text,
                (false, b'{') => self.open.push(true),
                (false, b'[') => self.open.push(false),
                (false, b'}' | b']') => {
                    self.open.pop();
                }
                _ => {}
            }
        }
    }

    fn is_open(&self) -> bool {
        !self.open.is_empty() || self.in_text
    }

    fn is_in_object(&self) -> bool {
        self.open.last().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Item;

    fn read(text: &str) -> (Vec<String>, Vec<BadLine>) {
        let bytes = std::io::Cursor::new(text.as_bytes().to_vec());
        let mut lines = Lines::new(Source { name: "f".to_owned(), text: Box::new(bytes) });
        let (mut found, mut bad) = (Vec::new(), Vec::new());
        loop {
            match lines.read(&mut found) {
                Ok(true) => {}
                Ok(false) => break,
                Err(InputError::Line(line)) => bad.push(line),
                Err(error) => panic!("{error}"),
            }
        }
        let id = |item: Item| match item {
            Item::Event(arrived) => arrived.event.envelope.id,
            other => format!("{other:?}"),
        };
        (found.into_iter().map(id).collect(), bad)
    }

    fn event(id: &str) -> String {
        format!(
            r#"{{"id": "{id}", "source": "aws.s3", "detail-type": "Object Created", "account": "1", "region": "r", "detail": {{"bucket": {{"name": "b {{"}}, "object": {{"key": "k"}}}}}}"#
        )
    }

    #[test]
    fn events_are_read_however_they_are_laid_out() {
        let (a, b) = (event("a"), event("b"));
        let pretty = |text: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            serde_json::to_string_pretty(&value).unwrap()
        };
        for text in [
            format!("{a}\n{b}\n"),
            format!("\u{feff}{a}\r\n\n{b}"),
            format!("{a}{b}"),
            format!("{a} {b}\n"),
            format!("[{a},{b}]"),
            format!("[\n{a},\n{b}\n]\n"),
            format!("{}\n{}", pretty(&a), pretty(&b)),
            pretty(&format!("[{a}, {b}]")),
        ] {
            assert_eq!(read(&text), (vec!["a".to_owned(), "b".to_owned()], vec![]), "{text}");
        }
    }

    #[test]
    fn a_bad_line_is_named_and_the_rest_is_read() {
        let (a, b) = (event("a"), event("b"));
        for (bad, said) in [
            ("{\"id\": 1", "ends before"),
            ("nonsense", "column 2"),
            ("{\"id\": \"x\"}", "detail-type"),
            ("12", "a number"),
            ("{]", "column 2"),
        ] {
            let (found, wrong) = read(&format!("{a}\n{bad}\n{b}\n"));
            assert_eq!(found, ["a", "b"], "{bad}");
            assert_eq!((wrong[0].line, wrong.len()), (2, 1), "{bad}");
            assert!(wrong[0].message.contains(said), "{}", wrong[0]);
        }
        let (found, wrong) = read(&format!("{a}\n{{\"id\":"));
        assert_eq!((found.len(), wrong.len()), (1, 1));
    }

    #[test]
    fn one_line_may_be_longer_than_what_is_read_at_once() {
        let one = event("a");
        let many = usize::try_from(CHUNK).unwrap() / one.len() * 2;
        let (found, wrong) = read(&one.repeat(many));
        assert_eq!((found.len(), wrong), (many, vec![]));
    }
}
