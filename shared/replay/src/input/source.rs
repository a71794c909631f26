//! Files, folders and standard input, decompressed if necessary.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::InputError;

/// The number of bytes to read at once.
const BUFFER: usize = 256 * 1024;

/// A source of lines.
pub struct Source {
    /// Its name, for messages.
    pub name: String,
    /// Its text.
    pub text: Box<dyn BufRead + Send>,
}

/// Sources in the order of time.
pub type Sources = Box<dyn Iterator<Item = Result<Source, InputError>> + Send>;

/// Opens an argument of the command line: a file, a folder with files of events, or `-` for standard input.
///
/// Each subfolder is a stream of its own, such as that of one account, and the files beside the subfolders are
/// another stream. Within a stream the files are read in the order of their names: the names that Amazon Data
/// Firehose writes begin with the time. `read` counts the bytes that are read from disk.
///
/// # Errors
/// If a folder cannot be read, or contains no files of events.
pub fn streams(named: &Path, read: &Arc<AtomicU64>) -> Result<Vec<Sources>, InputError> {
    if named.as_os_str() == "-" {
        let stdin = BufReader::with_capacity(BUFFER, Counting { inner: io::stdin(), read: Arc::clone(read) });
        let one = open("standard input".to_owned(), stdin);
        return Ok(vec![Box::new(std::iter::once(one))]);
    }
    if !named.is_dir() {
        return Ok(vec![one_after_the_other(vec![named.to_owned()], read)]);
    }
    let mut streams: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for file in files_in(named)? {
        let below = file.strip_prefix(named).unwrap_or(&file);
        let folder = below.parent().and_then(|parent| parent.iter().next());
        streams.entry(folder.map(PathBuf::from).unwrap_or_default()).or_default().push(file);
    }
    Ok(streams.into_values().map(|files| one_after_the_other(files, read)).collect())
}

/// Opens one file at a time: a folder may contain more files than a process may open.
fn one_after_the_other(files: Vec<PathBuf>, read: &Arc<AtomicU64>) -> Sources {
    let read = Arc::clone(read);
    Box::new(files.into_iter().map(move |file| {
        let name = file.display().to_string();
        let opened = File::open(&file).map_err(|error| InputError::File { file: name.clone(), error })?;
        let counting = Counting { inner: opened, read: Arc::clone(&read) };
        open(name, BufReader::with_capacity(BUFFER, counting))
    }))
}

/// The number of bytes to read, if it is known.
#[must_use]
pub fn size(named: &Path) -> Option<u64> {
    let files = if named.is_dir() { files_in(named).ok()? } else { vec![named.to_owned()] };
    files.iter().map(|file| file.metadata().ok().filter(|m| m.is_file()).map(|m| m.len())).sum()
}

fn open(name: String, mut raw: impl BufRead + Send + 'static) -> Result<Source, InputError> {
    let start = raw.fill_buf().map_err(|error| InputError::File { file: name.clone(), error })?;
    let text: Box<dyn BufRead + Send> = if start.starts_with(&[0x1F, 0x8B]) {
        Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(raw)))
    } else {
        Box::new(raw)
    };
    Ok(Source { name, text })
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>, InputError> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    if files.is_empty() {
        return Err(InputError::Empty { folder: folder.display().to_string() });
    }
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), InputError> {
    let wrong = |error| InputError::File { file: folder.display().to_string(), error };
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if is_named_like_events(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// Firehose writes no file extension unless it is configured.
fn is_named_like_events(file: &Path) -> bool {
    let is_hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let ending = file.extension().map(|ending| ending.to_str().unwrap_or("unreadable"));
    !is_hidden && matches!(ending, None | Some("json" | "jsonl" | "ndjson" | "csv" | "log" | "gz"))
}

struct Counting<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.inner.read(buffer)?;
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Item, Merge};

    #[test]
    fn each_folder_of_a_folder_is_a_stream() {
        let root = std::env::temp_dir().join(format!("tidegate-streams-{}", std::process::id()));
        let metric = |minute: u32| {
            format!(
                r#"{{"metric_name": "Invocations", "namespace": "AWS/SageMaker", "account_id": "1", "region": "r", "timestamp": {}, "dimensions": {{"InferenceComponentName": "c{minute}"}}, "value": {{"sum": 1}}}}"#,
                1_772_442_600_000_u64 + u64::from(minute) * 60_000
            )
        };
        for (file, minutes) in [
            ("hub/2026/01/01/events-1-2026", vec![0, 4]),
            ("hub/2026/01/02/events-1-2026", vec![5]),
            ("staging/events.jsonl", vec![1, 6]),
            ("loose.json", vec![3]),
            ("notes.txt", vec![9]),
            (".hidden", vec![9]),
        ] {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, minutes.into_iter().map(metric).collect::<Vec<_>>().join("\n")).unwrap();
        }
        let mut merge = Merge::new(streams(&root, &Arc::default()).unwrap());
        let mut names = Vec::new();
        while let Some((_, Item::Metric(metric))) = merge.next().unwrap() {
            names.push(metric.name);
        }
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(names, ["c0", "c1", "c3", "c4", "c5", "c6"]);
    }
}
