//! Events in files: single ones, JSON lines, EventBridge's exports, CloudWatch Logs, the decision log, metric streams.

mod cloudwatch_logs;
mod fast_path;
mod foreign;
mod item;
mod lines;
mod merge;
mod order;
mod source;

pub use cloudwatch_logs::events_of_log;
pub use foreign::{hint_of_event, name_of_foreign};
pub use item::{Arrived, Item, Metric, Skip, items, unwrapped};
pub use lines::{BadLine, Lines};
pub(crate) use merge::Merge;
pub(crate) use order::{Order, Timed};
pub use source::{Source, Sources, size, streams};

/// An input that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A file or folder cannot be read.
    #[error("{file}: {error}")]
    File {
        /// The file or folder.
        file: String,
        /// The error.
        error: std::io::Error,
    },
    /// A line cannot be read.
    #[error(transparent)]
    Line(#[from] BadLine),
    /// A folder without any file of events.
    #[error(
        "{folder} has no files of events: their names end in .json, .jsonl, .ndjson, .csv, .log or .gz, or have no ending"
    )]
    Empty {
        /// The folder.
        folder: String,
    },
}
