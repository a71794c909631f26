//! Reads JSON values from text in any layout: one per line, several on a line, one over several lines, or a list.

mod records;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead};

use serde_json::Value;
use tidegate_events::MAX_BYTES;

use super::cloudwatch_logs::{self, Csv};
use super::fast_path::fast_parse;
use super::item::{Item, items};
use super::{InputError, Source};

/// The maximum number of bytes to read at once: Firehose may write a whole file as one line.
const CHUNK: usize = 4 * MAX_BYTES;

/// The byte order mark that editors on Windows write at the start of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The message for a value that does not end.
const CUT_OFF: &str = "the JSON ends before its last bracket is closed";

/// The message for a line that ends inside a text.
const ENDS_IN_TEXT: &str = "not JSON (the line ends inside a text): the event is cut off";

/// A line that is not an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct BadLine {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// The problem.
    pub message: String,
}

/// Reads the items of a source in order.
pub struct Lines {
    source: Source,
    /// Text that was read and is not processed yet, from `at` on.
    text: Vec<u8>,
    at: usize,
    /// The line of the next value.
    line: u64,
    /// The number of lines read so far.
    read: u64,
    /// Whether the next read begins at the start of a line.
    begins_line: bool,
    /// The brackets of lists around the values.
    lists: Lists,
    /// The columns, if the text is a CSV of CloudWatch Logs Insights.
    csv: Option<Csv>,
}

/// The next part of the text.
enum Next {
    /// A value, and the position of its end.
    Value(Value, usize),
    /// The beginning of a value.
    Beginning,
    /// Invalid JSON: the problem, and its line relative to the current one.
    Wrong(String, u64),
}

/// Appends the rest of a line with its end, up to the maximum for one read, and returns the number of bytes.
fn read_line(from: &mut impl BufRead, to: &mut Vec<u8>) -> io::Result<usize> {
    let mut read = 0;
    while read < CHUNK {
        let there = match from.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            there => there?,
        };
        let there = there.get(..CHUNK - read).unwrap_or(there);
        let end = memchr::memchr(b'\n', there).map(|at| at + 1);
        let taken = end.unwrap_or(there.len());
        to.extend_from_slice(there.get(..taken).unwrap_or_default());
        from.consume(taken);
        read += taken;
        if end.is_some() || taken == 0 {
            break;
        }
    }
    Ok(read)
}

impl Lines {
    /// Reads a source from its start.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self {
            source,
            text: Vec::new(),
            at: 0,
            line: 0,
            read: 0,
            begins_line: true,
            lists: Lists::default(),
            csv: None,
        }
    }

    /// Appends the items of the next value to `found`; returns `false` at the end.
    ///
    /// # Errors
    /// [`InputError::Line`] for text that is not an event; the next call continues after it. Any other error is
    /// final.
    pub fn read(&mut self, found: &mut Vec<Item>) -> Result<bool, InputError> {
        while self.skip_separators() {
            self.text.clear();
            self.at = 0;
            if !self.append_line()? {
                return self.lists.at_the_end().map_or(Ok(false), |what| Err(self.bad(what, 0)));
            }
            self.line = self.read;
            if self.read == 1 && self.is_header()? {
                self.at = self.text.len();
            }
            if !self.skip_separators() {
                self.skip_prefix()?;
            }
        }
        if let Some(what) = self.lists.stray() {
            return Err(self.bad(what, 0));
        }
        if self.csv.is_some() {
            return self.read_record(found);
        }
        let value = without_separators(self.rest());
        if let Some(item) = fast_parse(value) {
            let after = value.len();
            self.lists.pass(self.text.get(self.at.saturating_add(after)..).unwrap_or_default());
            self.at = self.text.len();
            found.push(item);
            return Ok(true);
        }
        let mut next = self.next();
        if matches!(next, Next::Beginning) {
            self.append_to_its_end()?;
            next = self.next();
        }
        match next {
            Next::Value(value, bytes) => {
                let result = items(value, found).map_err(|error| self.bad(&error.to_string(), 0));
                self.advance(bytes);
                result.map(|()| true)
            }
            Next::Beginning if self.rest().len() > MAX_BYTES => {
                Err(self.give_up(&format!("no event is as long as this: more than {MAX_BYTES} bytes"), 0))
            }
            Next::Beginning => Err(self.give_up(CUT_OFF, 0)),
            Next::Wrong(what, lines_on) => Err(self.give_up(&what, lines_on)),
        }
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&self) -> Next {
        let rest = self.rest();
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => Next::Value(value, values.byte_offset()),
            Some(Err(error)) if error.is_eof() => Next::Beginning,
            Some(Err(error)) => self.wrong(&error),
            None => Next::Beginning,
        }
    }

    /// Advances to the next value and skips the text between values: whitespace, a byte order mark, and the
    /// punctuation of a list. Returns whether no text is left.
    fn skip_separators(&mut self) -> bool {
        if self.rest().starts_with(BYTE_ORDER_MARK) {
            self.at += BYTE_ORDER_MARK.len();
        }
        let is_csv = self.csv.is_some();
        let skips = |byte: &&u8| if is_csv { byte.is_ascii_whitespace() } else { is_separator(byte) };
        let count = self.rest().iter().take_while(skips).count();
        if !is_csv {
            let passed = self.text.get(self.at..self.at.saturating_add(count)).unwrap_or_default();
            self.lists.pass(passed);
        }
        self.advance(count);
        self.at >= self.text.len()
    }

    fn advance(&mut self, bytes: usize) {
        let passed = self.rest().get(..bytes).unwrap_or_default();
        let lines = passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.line = self.line.saturating_add(lines);
        self.at += bytes;
    }

    /// Reads one more line into `text`, up to the maximum for one read; returns `false` at the end.
    fn append_line(&mut self) -> Result<bool, InputError> {
        let name = &self.source.name;
        let read = read_line(&mut self.source.text, &mut self.text);
        let bytes = read.map_err(|error| InputError::File { file: name.clone(), error })?;
        if bytes > 0 && self.begins_line {
            self.read = self.read.saturating_add(1);
        }
        self.begins_line = self.text.ends_with(b"\n");
        Ok(bytes > 0)
    }

    /// Reads until the value that has begun is complete.
    fn append_to_its_end(&mut self) -> Result<(), InputError> {
        self.text.drain(..self.at);
        self.at = 0;
        let mut depth = Depth::default();
        let mut end = 0;
        while !depth.closes_in(self.text.get(end..).unwrap_or_default()) {
            end = self.text.len();
            let begins_line = self.begins_line;
            if end > MAX_BYTES || !self.append_line()? {
                return Ok(());
            }
            // No object inside an event begins at the start of a line: the event before it is truncated.
            let line = self.text.get(end..).unwrap_or_default();
            let prefix = cloudwatch_logs::prefix_of_line(line);
            if begins_line && line.get(prefix) == Some(&b'{') {
                self.at = end + prefix;
                let error = self.bad(CUT_OFF, 0);
                self.line = self.read;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Continues after an unreadable value: with the next probable event on this line, or with the next line.
    fn give_up(&mut self, message: &str, lines_on: u64) -> InputError {
        let error = self.bad(message, lines_on);
        // What is skipped may contain brackets.
        self.lists.is_unknown = true;
        let next = self.rest().windows(2).position(|pair| pair == b"}{");
        self.advance(next.map_or(self.rest().len(), |next| next + 1));
        error
    }

    /// The problem, and its place.
    fn wrong(&self, error: &serde_json::Error) -> Next {
        let lines_on = error.line().saturating_sub(1) as u64;
        // The parser finds the end of the line before as the first character of this one.
        if error.column() == 0 {
            return Next::Wrong(ENDS_IN_TEXT.to_owned(), lines_on.saturating_sub(1));
        }
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        let begins = self.text.get(..self.at).filter(|_| error.line() == 1).unwrap_or_default();
        let before = begins.iter().rev().take_while(|byte| **byte != b'\n').count();
        Next::Wrong(format!("not JSON (column {}: {what})", before + error.column()), lines_on)
    }

    fn bad(&self, message: &str, lines_on: u64) -> InputError {
        let line = self.line.saturating_add(lines_on);
        BadLine { file: self.source.name.clone(), line, message: message.to_owned() }.into()
    }
}

fn is_separator(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b',' | b'[' | b']')
}

/// A value without the separators after it.
fn without_separators(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !is_separator(byte)).map_or(0, |last| last + 1);
    text.get(..end).unwrap_or_default()
}

/// The brackets of lists around the values: a list that is cut off has no closing bracket.
#[derive(Default)]
struct Lists {
    open: u64,
    has_stray: bool,
    /// Whether unreadable text was skipped. Then nothing is known about the brackets.
    is_unknown: bool,
}

impl Lists {
    /// Counts the brackets in the text between values.
    fn pass(&mut self, separators: &[u8]) {
        for byte in separators {
            match byte {
                b'[' => self.open = self.open.saturating_add(1),
                b']' if self.open == 0 => self.has_stray = true,
                b']' => self.open = self.open.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// The problem, once, if a bracket was closed that was never opened.
    fn stray(&mut self) -> Option<&'static str> {
        (std::mem::take(&mut self.has_stray) && !self.is_unknown)
            .then_some("a `]` closes a list that does not begin in this file: its beginning is cut off")
    }

    /// The problem at the end of the text, once.
    fn at_the_end(&mut self) -> Option<&'static str> {
        let is_open = std::mem::take(&mut self.open) > 0 && !self.is_unknown;
        self.stray().or(is_open.then_some("the list ends before its `]`: the file is cut off"))
    }
}

/// The nesting depth of brackets in a text.
#[derive(Default)]
struct Depth {
    open: usize,
    in_text: bool,
    escaped: bool,
}

impl Depth {
    /// Whether the bracket that was opened first is closed in the text, which continues the previous one.
    fn closes_in(&mut self, text: &[u8]) -> bool {
        for byte in text {
            match (self.in_text, byte) {
                _ if self.escaped => self.escaped = false,
                (true, b'\\') => self.escaped = true,
                (_, b'"') => self.in_text = !self.in_text,
                (false, b'{' | b'[') => self.open += 1,
                (false, b'}' | b']') => {
                    self.open = self.open.saturating_sub(1);
                    if self.open == 0 {
                        return true;
                    }
                }
                _ => {}
            }
        }
        false
    }
}
