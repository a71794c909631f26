//! Reads whole files of limited size.

use std::io::Read;
use std::path::Path;

/// The largest policy file, in bytes. The ledger keeps 400 KB; comments and layout are not kept.
pub(crate) const POLICY_BYTES: u64 = 4 * 1024 * 1024;
/// The largest file of one event, or of the few events of a log, in bytes. An event has at most 1 MB.
pub(crate) const EVENT_BYTES: u64 = 8 * 1024 * 1024;

/// Reads a file, or standard input for `-`, as text.
///
/// # Errors
/// A message without the name of the file.
pub(crate) fn read_text(file: &Path, limit: u64) -> Result<String, String> {
    let bytes = if file.as_os_str() == "-" {
        limited(std::io::stdin(), limit)
    } else {
        std::fs::File::open(file).map_err(|error| plain(&error)).and_then(|opened| limited(opened, limit))
    }?;
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    match std::str::from_utf8(text) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) if text.starts_with(&[0x1F, 0x8B]) => {
            Err("the file is compressed with gzip; unpack it first, or use `tidegate replay`".to_owned())
        }
        Err(_) if text.starts_with(&[0xFF, 0xFE]) || text.starts_with(&[0xFE, 0xFF]) => {
            Err("the file is UTF-16, as PowerShell writes it; write UTF-8".to_owned())
        }
        Err(error) => {
            let before = text.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
            Err(format!("line {line} is not UTF-8"))
        }
    }
}

fn limited(from: impl Read, limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| plain(&error))?;
    if bytes.len() as u64 > limit {
        return Err(format!("the file has more than {} MB", limit / (1024 * 1024)));
    }
    Ok(bytes)
}

/// An error of the operating system, without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
