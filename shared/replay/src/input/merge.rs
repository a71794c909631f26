//! Merges several streams into one by time.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::{InputError, Item, Lines, Sources};

/// Parallel streams, such as those of several accounts.
pub(crate) struct Merge {
    streams: Vec<Stream>,
}

struct Stream {
    sources: Sources,
    lines: Option<Lines>,
    waiting: VecDeque<Item>,
    /// The items of one read; empty between two reads, and kept to reuse its memory.
    found: Vec<Item>,
    /// The time of the last item that has one.
    last: Option<Timestamp>,
    is_over: bool,
}

impl Merge {
    pub(crate) fn new(streams: Vec<Sources>) -> Self {
        let stream = |sources| Stream {
            sources,
            lines: None,
            waiting: VecDeque::new(),
            found: Vec::new(),
            last: None,
            is_over: false,
        };
        Self { streams: streams.into_iter().map(stream).collect() }
    }

    /// The next item and its time. An item without a time has that of the item before it in its stream, or none if
    /// there is no such item. `None` at the end of all streams.
    ///
    /// # Errors
    /// As [`Lines::read`]: the caller may continue after [`InputError::Line`].
    pub(crate) fn next(&mut self) -> Result<Option<(Option<Timestamp>, Item)>, InputError> {
        for stream in &mut self.streams {
            stream.fill()?;
        }
        let first =
            self.streams.iter_mut().filter(|stream| !stream.is_over).min_by_key(|stream| stream.time());
        Ok(first.and_then(Stream::take))
    }
}

impl Stream {
    /// Reads until an item is available.
    fn fill(&mut self) -> Result<(), InputError> {
        while self.waiting.is_empty() && !self.is_over {
            let Some(lines) = &mut self.lines else {
                match self.sources.next() {
                    Some(source) => self.lines = Some(Lines::new(source?)),
                    None => self.is_over = true,
                }
                continue;
            };
            let more = lines.read(&mut self.found);
            // The items before an error are valid.
            self.waiting.extend(self.found.drain(..));
            if !more? {
                self.lines = None;
            }
        }
        Ok(())
    }

    fn time(&self) -> Option<Timestamp> {
        self.waiting.front().and_then(Item::time).or(self.last)
    }

    fn take(&mut self) -> Option<(Option<Timestamp>, Item)> {
        let at = self.time();
        self.last = at;
        self.waiting.pop_front().map(|item| (at, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Source;

    fn stream(name: &'static str, files: &[&str]) -> Sources {
        let source = move |text: String| {
            Ok(Source { name: name.to_owned(), text: Box::new(std::io::Cursor::new(text.into_bytes())) })
        };
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        Box::new(files.into_iter().map(source))
    }

    fn event(id: &str, time: &str) -> String {
        format!(
            r#"{{"id": "{id}", "source": "aws.s3", "detail-type": "Object Created", "account": "444455556666", "region": "us-east-1", "time": "{time}", "detail": {{"bucket": {{"name": "b"}}, "object": {{"key": "r/e/s/2026/03/03/07/constraint_violations.json"}}}}}}"#
        )
    }

    fn read(streams: Vec<Sources>) -> Vec<String> {
        let mut merge = Merge::new(streams);
        let mut found = Vec::new();
        loop {
            match merge.next() {
                Ok(Some((_, Item::Event(arrived)))) => found.push(arrived.event.envelope.id),
                Ok(Some((_, other))) => found.push(format!("{other:?}")),
                Ok(None) => return found,
                Err(error) => found.push(error.to_string()),
            }
        }
    }

    #[test]
    fn the_streams_of_several_accounts_are_one_in_the_order_of_time() {
        let hub = [event("a", "2026-01-01T00:00:00Z"), event("d", "2026-01-03T00:00:00Z")];
        let staging = [
            format!("{}\n{}", event("b", "2026-01-01T00:00:01Z"), event("c", "2026-01-02T00:00:00Z")),
            event("e", "2026-01-04T00:00:00Z"),
        ];
        let of = |files: &[String]| files.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
        let streams = vec![
            stream("hub", &[&hub[0], &hub[1]]),
            stream("staging", &[&staging[0], &staging[1]]),
            stream("empty", &[""]),
        ];
        assert_eq!(read(streams), ["a", "b", "c", "d", "e"]);
        assert_eq!(read(vec![stream("one", &[&of(&hub)])]), ["a", "d"]);
    }

    #[test]
    fn what_stands_before_a_mistake_counts_and_what_comes_after_it_too() {
        let text = format!("{}7{}", event("a", "2026-01-01T00:00:00Z"), event("b", "2026-01-01T00:00:01Z"));
        let found = read(vec![stream("f", &[&text])]);
        assert_eq!((found[0].as_str(), found[2].as_str(), found.len()), ("a", "b", 3));
        assert!(found[1].starts_with("f:1:"), "{}", found[1]);
    }
}
