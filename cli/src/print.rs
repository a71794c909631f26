//! Terminal output: text, tables, decisions and colours.
//!
//! This is the only place that writes to standard output and standard error. Texts of others may contain anything: control
//! characters that change what a terminal shows, marks of the writing direction, line breaks that forge a line. Every line
//! goes through [`print_line`], [`print_json`] or [`say`], which let none of them through.
//!
//! A style is a pair of marks in the text, from the characters that Unicode reserves for a program's own use
//! (<https://www.unicode.org/faq/private_use.html#noncharacters>). They become colour codes when the line is written, and
//! anstream removes those if standard output is not a terminal, or if `NO_COLOR` is set.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use tidegate_engine::DecisionRecord;
use tidegate_events::{clean, clean_json, clean_lines};
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

/// The mark of each style. A text of others that contains one has a colour, and nothing else.
const MARKS: [(char, Style); 5] =
    [('\u{fdd0}', GOOD), ('\u{fdd1}', BAD), ('\u{fdd2}', WAITING), ('\u{fdd3}', FAINT), ('\u{fdd4}', STRONG)];
/// The mark of the end of a style.
const END: char = '\u{fdef}';

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
    if let Err(error) = writeln!(anstream::stdout().lock(), "{}", rendered(line)) {
        exit_on_output_error(&error);
    }
}

/// Prints JSON on one line.
pub(crate) fn print_json(json: &str) {
    if let Err(error) = writeln!(anstream::stdout().lock(), "{}", clean_json(json)) {
        exit_on_output_error(&error);
    }
}

/// Whether standard output is a terminal.
pub(crate) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Standard output for many lines, each of which the caller has cleaned.
pub(crate) fn buffered() -> std::io::BufWriter<std::io::Stdout> {
    std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout())
}

/// Prints text that the program itself contains, as it is.
pub(crate) fn print_own(text: &str) {
    if let Err(error) = writeln!(anstream::stdout().lock(), "{text}") {
        exit_on_output_error(&error);
    }
}

/// Prints a remark or an error on standard error. Its lines are ours.
pub(crate) fn say(text: &str) {
    eprintln!("{}", clean_lines(text));
}

/// A line with colour codes for the marks, and without hidden characters.
fn rendered(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut current = PLAIN;
    let mut plain = String::new();
    for c in line.chars() {
        let style = MARKS.iter().find(|(mark, _)| *mark == c).map(|(_, style)| *style);
        if style.is_none() && c != END {
            plain.push(c);
            continue;
        }
        shown.push_str(&clean(&std::mem::take(&mut plain)));
        shown.push_str(&style.map_or_else(|| format!("{current:#}"), |style| style.to_string()));
        current = style.unwrap_or(PLAIN);
    }
    shown.push_str(&clean(&plain));
    shown
}

/// Exits because standard output cannot be written. A closed pipe, as after `| head`, is a success. Any other error is
/// a failure.
pub(crate) fn exit_on_output_error(error: &std::io::Error) -> ! {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    say(&format!("standard output: {error}"));
    std::process::exit(1);
}

/// Text in a style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    match MARKS.iter().find(|(_, known)| *known == style) {
        Some((mark, _)) => format!("{mark}{text}{END}"),
        None => text.to_owned(),
    }
}

/// Formats a time in seconds.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// The style of a verdict.
pub(crate) fn verdict_style(verdict: &str) -> Style {
    use Verdict as V;
    match Verdict::from_code(verdict) {
        Some(V::Stop | V::Reject | V::Alert) => BAD,
        Some(V::Failed | V::FailedToStart | V::VerificationFailed) => BAD,
        Some(V::RolledBackSilently | V::RolledBackByAlarm) => BAD,
        Some(V::Wait | V::Suppress) => WAITING,
        Some(V::Ignore | V::Skip | V::NoChange) => FAINT,
        _ => GOOD,
    }
}

/// Prints one decision.
pub(crate) fn decision(record: &DecisionRecord, detail: Detail) -> Result<(), String> {
    if detail.json {
        print_json(&serde_json::to_string(record).map_err(|error| error.to_string())?);
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
        let text = clean(&text.into()).into_owned();
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
            lines.iter().map(|line| anstream::adapter::strip_str(&rendered(line)).to_string()).collect();
        assert_eq!(plain, ["        WHAT    WHY", "a       failed  because", "longer  -       x"]);
        assert!(rendered(&lines[1]).contains("\u{1b}[31mfailed"), "{:?}", lines[1]);
    }

    #[test]
    fn nothing_of_others_changes_what_a_terminal_shows() {
        let line = format!("{}  {}", paint(BAD, "x\u{1b}[2K\rroot"), "y\u{202e}\n\u{1b}]0;pwn\u{7}");
        let shown = rendered(&line);
        assert_eq!(
            anstream::adapter::strip_str(&shown).to_string(),
            "x\\u{1b}[2K root  y\\u{202e} \\u{1b}]0;pwn\\u{7}"
        );
        assert_eq!(shown.matches('\u{1b}').count(), 2, "the colour and its end: {shown:?}");
    }

    /// Every other file prints through this one.
    #[test]
    fn no_output_goes_around_this_module() {
        let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.file_name().is_none_or(|name| name != "print.rs") {
                    files += 1;
                    let text = std::fs::read_to_string(&path).unwrap();
                    for around in ["println!", "print!", "eprint", "dbg!", "stdout(", "stderr(", "/dev/tty"] {
                        assert!(!text.contains(around), "{} has {around}", path.display());
                    }
                }
            }
        }
        assert!(files > 20, "{files}");
    }
}
