//! Terminal output: text, tables, decisions and colours.
//!
//! All output contains colour codes. anstream removes them if standard output is not a terminal, or if `NO_COLOR` is
//! set.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use tidegate_engine::DecisionRecord;
use tidegate_policy::decision::Verdict;

/// A success or an addition.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// A problem or a removal.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// Something that is waiting.
pub(crate) const WAITING: Style = AnsiColor::Yellow.on_default();
/// Less important text.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// A heading.
pub(crate) const STRONG: Style = Style::new().bold();
/// Normal text.
pub(crate) const PLAIN: Style = Style::new();

/// How much of a decision is printed.
#[derive(Clone, Copy)]
pub(crate) struct Detail {
    /// Also print the evidence, the outcomes and the event.
    pub(crate) full: bool,
    /// Print the whole record as JSON instead.
    pub(crate) json: bool,
}

/// Prints a line.
pub(crate) fn print_line(line: &str) {
    if let Err(error) = writeln!(anstream::stdout().lock(), "{line}") {
        exit_on_output_error(&error);
    }
}

/// Exits because standard output cannot be written. A closed pipe, as after `| head`, is a success. Any other error is
/// a failure.
pub(crate) fn exit_on_output_error(error: &std::io::Error) -> ! {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    eprintln!("standard output: {error}");
    std::process::exit(1);
}

/// Text in a style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Formats a time in seconds.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// The style of a verdict.
pub(crate) fn verdict_style(verdict: &str) -> Style {
    use Verdict as V;
    match Verdict::from_code(verdict) {
        Some(V::Stop | V::Failed | V::Reject | V::RolledBackSilently | V::Alert) => BAD,
        Some(V::Wait | V::Suppress) => WAITING,
        Some(V::Ignore | V::Skip | V::NoChange) => FAINT,
        _ => GOOD,
    }
}

/// Prints one decision.
pub(crate) fn decision(record: &DecisionRecord, detail: Detail) -> Result<(), String> {
    if detail.json {
        print_line(&serde_json::to_string(record).map_err(|error| error.to_string())?);
        return Ok(());
    }
    let verdict = format!("{:<12}", record.verdict);
    print_line(&format!(
        "{}  {:<11} {:<8} {} {} {}",
        time(record.at),
        record.environment,
        record.function,
        paint(verdict_style(&record.verdict), &verdict),
        record.message,
        paint(FAINT, &format!("({})", record.reason)),
    ));
    if detail.full {
        for seen in &record.evidence {
            let expected = seen.expected.as_ref().map(|e| format!(", expected {e}")).unwrap_or_default();
            let source = seen.source.as_ref().map(|s| format!(", source {s}")).unwrap_or_default();
            print_line(&format!("    evidence {}: {}{expected}{source}", seen.name, seen.observed));
        }
        for outcome in &record.outcomes {
            print_line(&format!("    step {}", outcome.detail));
        }
        print_line(&format!("    event {} ({})", record.event.id, record.event.detail_type));
    }
    Ok(())
}

/// A cell of a table.
pub(crate) struct Cell {
    pub(crate) text: String,
    style: Style,
}

impl Cell {
    /// Creates a cell with styled text. An empty text is shown as a dash.
    pub(crate) fn new(style: Style, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { text: if text.is_empty() { "-".to_owned() } else { text }, style }
    }

    /// Creates a cell with normal text.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::new(PLAIN, text)
    }
}

/// Prints a table. Each column has the width of its widest cell, except the last one.
pub(crate) fn table(heading: &[&str], rows: Vec<Vec<Cell>>) {
    for line in lay_out(heading, rows) {
        print_line(&line);
    }
}

fn lay_out(heading: &[&str], rows: Vec<Vec<Cell>>) -> Vec<String> {
    // The heading of an unnamed column is empty. A dash would look like a value.
    let heading = heading.iter().map(|text| Cell { text: (*text).to_owned(), style: STRONG }).collect();
    let rows: Vec<Vec<Cell>> = std::iter::once(heading).chain(rows).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let of = |row: &Vec<Cell>| row.get(column).map(|cell| cell.text.chars().count());
        rows.iter().filter_map(of).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<Cell>| {
        let last = row.len().saturating_sub(1);
        let cells = row.iter().zip(&widths).enumerate().map(|(at, (cell, width))| {
            let width = if at == last { 0 } else { *width };
            paint(cell.style, &format!("{:<width$}", cell.text))
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_whatever_their_colours() {
        let rows = vec![
            vec![Cell::plain("a"), Cell::new(BAD, "failed"), Cell::plain("because")],
            vec![Cell::plain("longer"), Cell::plain(""), Cell::plain("x")],
        ];
        let lines = lay_out(&["", "WHAT", "WHY"], rows);
        let plain: Vec<String> =
            lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect();
        assert_eq!(plain, ["        WHAT    WHY", "a       failed  because", "longer  -       x"]);
        assert!(lines[1].contains("\u{1b}[31mfailed"), "{:?}", lines[1]);
    }
}
