//! Files, folders and standard input, unpacked where they are compressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::InputError;

/// How much is read at once.
const BUFFER: usize = 256 * 1024;

/// Something to read lines from.
pub struct Source {
    /// Its name, for messages.
    pub name: String,
    /// Its text.
    pub text: Box<dyn BufRead + Send>,
}

/// Opens what was named on the command line: a file, a folder with files of events, or `-` for standard input.
///
/// A folder's files are read in the order of their names, those of folders in it included: the names that Amazon Data
/// Firehose gives begin with the time. `read` counts bytes as they are read from disk.
///
/// # Errors
/// If something cannot be opened.
pub fn sources(
    named: &Path,
    read: &Arc<AtomicU64>,
) -> Result<Box<dyn Iterator<Item = Result<Source, InputError>> + Send>, InputError> {
    if named.as_os_str() == "-" {
        let stdin = BufReader::with_capacity(BUFFER, Counting { inner: io::stdin(), read: Arc::clone(read) });
        let one = open("standard input".to_owned(), stdin);
        return Ok(Box::new(std::iter::once(one)));
    }
    let files = if named.is_dir() { files_in(named)? } else { vec![named.to_owned()] };
    let read = Arc::clone(read);
    // One at a time: a folder may have more files than a process may open.
    Ok(Box::new(files.into_iter().map(move |file| {
        let name = file.display().to_string();
        let opened = File::open(&file).map_err(|error| InputError::File { file: name.clone(), error })?;
        let counting = Counting { inner: opened, read: Arc::clone(&read) };
        open(name, BufReader::with_capacity(BUFFER, counting))
    })))
}

/// The bytes that there are to read, where that is known.
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
        let ending = path.extension().and_then(|ending| ending.to_str());
        if path.is_dir() {
            collect(&path, files)?;
        } else if matches!(ending, Some("json" | "jsonl" | "ndjson" | "gz")) {
            files.push(path);
        }
    }
    Ok(())
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
