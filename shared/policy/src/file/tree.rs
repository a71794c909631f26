//! YAML as a tree in which every node has its place in the text.
//!
//! The types cannot be read from YAML directly: the first error would stop the reading, and a rule about two fields
//! would have no line to refer to.

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span};
use std::collections::BTreeMap;

/// A place in the text: line and column in characters, both from 1.
pub(super) type At = (u64, u64);

/// A construct that no policy may contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) at: At,
    pub(super) message: String,
}

/// A value and the place where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) value: Value,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Text in quotes or as a block: always text.
    Quoted(String),
    /// Text without quotes, whose form determines its type.
    Plain(String),
    /// A list.
    List(Vec<Node>),
    /// Keys with values, in the order of the file. A key may occur twice.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: At,
    pub(super) node: Node,
}

/// More than any policy needs, and few enough that nested aliases cannot exhaust the memory.
const MAX_NODES: usize = 20_000;
const MAX_DEPTH: usize = 32;

impl Node {
    fn size(&self) -> usize {
        1 + match &self.value {
            Value::Quoted(_) | Value::Plain(_) => 0,
            Value::List(items) => items.iter().map(Self::size).sum(),
            Value::Map(entries) => entries.iter().map(|e| e.node.size()).sum(),
        }
    }

    fn height(&self) -> usize {
        1 + match &self.value {
            Value::Quoted(_) | Value::Plain(_) => 0,
            Value::List(items) => items.iter().map(Self::height).max().unwrap_or(0),
            Value::Map(entries) => entries.iter().map(|e| e.node.height()).max().unwrap_or(0),
        }
    }
}

/// Reads the one document of a file; also returns the errors that do not prevent reading.
pub(super) fn read(text: &str) -> Result<(Node, Vec<Unreadable>), Unreadable> {
    let mut reader =
        Reader { events: Parser::new_from_str(text), anchors: BTreeMap::new(), nodes: 0, found: Vec::new() };
    let root = reader.document()?;
    Ok((root, reader.found))
}

struct Reader<E> {
    events: E,
    /// The value of each anchor, once it is complete.
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    found: Vec<Unreadable>,
}

impl<'a, E: Iterator<Item = Result<(Event<'a>, Span), ScanError>>> Reader<E> {
    fn next(&mut self) -> Result<(Event<'a>, At), Unreadable> {
        loop {
            match self.events.next() {
                Some(Ok((event, span))) if is_content(&event) => return Ok((event, place(&span.start))),
                // Comments, and any other event without content that a later parser may return.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(broken(&error)),
                None => return Ok((Event::StreamEnd, (1, 1))),
            }
        }
    }

    fn document(&mut self) -> Result<Node, Unreadable> {
        let root = loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::StreamEnd, _) => {
                    return Err(Unreadable { at: (1, 1), message: "the file is empty".to_owned() });
                }
                (event, at) => break self.node(event, at, 1)?,
            }
        };
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(root),
                (Event::DocumentStart(..), at) => {
                    let message = "a second document begins here; write one file for each model".to_owned();
                    return Err(Unreadable { at, message });
                }
                _ => {}
            }
        }
    }

    /// The value that begins with this event.
    fn node(&mut self, event: Event<'a>, at: At, depth: usize) -> Result<Node, Unreadable> {
        self.room(at, 1, depth)?;
        let (value, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => (scalar(text.into_owned(), style), anchor, tag),
            Event::SequenceStart(_, anchor, tag) => (self.list(depth)?, anchor, tag),
            Event::MappingStart(_, anchor, tag) => (self.map(depth)?, anchor, tag),
            Event::Alias(anchor) => return self.alias(anchor, at, depth),
            _ => return Err(Unreadable { at, message: "a value was expected here".to_owned() }),
        };
        if let Some(tag) = tag {
            let name = format!("{}{}", tag.original_handle(), tag.suffix());
            self.found.push(Unreadable {
                at,
                message: format!("the tag `{name}` has no meaning in a policy; quotes make text"),
            });
        }
        let node = Node { at, value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Unreadable> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, at) => items.push(self.node(event, at, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Unreadable> {
        let mut entries = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Value::Map(entries));
            }
            let key = self.node(event, at, depth + 1)?;
            let (event, value_at) = self.next()?;
            let node = self.node(event, value_at, depth + 1)?;
            match key.value {
                Value::Quoted(key) | Value::Plain(key) => entries.push(Entry { key, at, node }),
                Value::List(_) | Value::Map(_) => {
                    let message = "a key is a word, not a list or a section".to_owned();
                    self.found.push(Unreadable { at, message });
                }
            }
        }
    }

    fn alias(&mut self, anchor: usize, at: At, depth: usize) -> Result<Node, Unreadable> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            let message = "this alias stands inside what it stands for".to_owned();
            return Err(Unreadable { at, message });
        };
        self.room(at, node.size(), depth + node.height())?;
        Ok(Node { at, ..node })
    }

    fn room(&mut self, at: At, nodes: usize, depth: usize) -> Result<(), Unreadable> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES || depth > MAX_DEPTH {
            let message = "this is more, or deeper, than any policy is".to_owned();
            return Err(Unreadable { at, message });
        }
        Ok(())
    }
}

fn is_content(event: &Event<'_>) -> bool {
    event.is_node()
        || matches!(
            event,
            Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(..)
                | Event::DocumentEnd
                | Event::SequenceEnd
                | Event::MappingEnd
        )
}

fn scalar(text: String, style: ScalarStyle) -> Value {
    if style == ScalarStyle::Plain { Value::Plain(text) } else { Value::Quoted(text) }
}

fn place(marker: &Marker) -> At {
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    (number(marker.line()).max(1), number(marker.col()).saturating_add(1))
}

fn broken(error: &ScanError) -> Unreadable {
    let info = error.info();
    let message = format!("not YAML: {}", info.lines().next().unwrap_or_default());
    Unreadable { at: place(error.marker()), message }
}
