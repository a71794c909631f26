//! Writes a year of a fleet: policies, and the events of all its accounts in the order of time.
//!
//! ```sh
//! cargo run --release --example generate -- 1000000 fleet      # fleet/events.jsonl, fleet/policies/*.yaml
//! tidegate replay --policy fleet/policies --events fleet/events.jsonl
//! ```
//!
//! Each event is one of the samples under `events/` with its own names, times and ids, so that sizes are real. What a
//! model's day holds is in `day.rs`. The same arguments write the same bytes.

mod day;
mod event;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use day::Life;
use event::Line;

const MODELS: u32 = 100;
/// At most so many days, and about so many events of a model on each.
const DAYS: u64 = 365;
const A_DAY: u64 = 27;
const POLICY: &str = include_str!("../../../../events/policies/churn.yaml");

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let wanted: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let folder: PathBuf = arguments.next().unwrap_or_else(|| "fleet".to_owned()).into();
    let policies = folder.join("policies");
    fs::create_dir_all(&policies)?;
    let mut fleet: Vec<Life> = (0..MODELS).map(Life::new).collect();
    for life in &fleet {
        fs::write(policies.join(format!("{}.yaml", life.model)), policy(&life.model))?;
    }
    let mut out = BufWriter::new(fs::File::create(folder.join("events.jsonl"))?);
    let written = write(&mut fleet, wanted, &mut out)?;
    out.flush()?;
    eprintln!("{written} events of {MODELS} models in {}", shown(&folder));
    Ok(())
}

/// Days of all models, one after the other. What a model does is not cut short: a day that had more events than its
/// share is followed by one with fewer.
fn write(fleet: &mut [Life], wanted: u64, out: &mut impl Write) -> io::Result<u64> {
    let days = (wanted / (u64::from(MODELS) * A_DAY)).clamp(2, DAYS);
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().map_err(io::Error::other)?;
    let mut written = 0;
    // What goes on after midnight belongs to the next day.
    let mut late: Vec<Line> = Vec::new();
    for day in 0..days {
        let hours = |days: u64| SignedDuration::from_hours(24 * i64::try_from(days).unwrap_or_default());
        let midnight = start.checked_add(hours(day)).map_err(io::Error::other)?;
        let end = start.checked_add(hours(day + 1)).map_err(io::Error::other)?;
        let mut lines = std::mem::take(&mut late);
        for life in fleet.iter_mut() {
            life.day(midnight, wanted * (day + 1) / days / u64::from(MODELS), &mut lines);
        }
        lines.sort_by_key(|line| line.at);
        for line in lines {
            if line.at >= end && day + 1 < days {
                late.push(line);
            } else if written < wanted {
                out.write_all(line.text.as_bytes())?;
                out.write_all(b"\n")?;
                written += u64::from(line.is_event);
            }
        }
    }
    Ok(written)
}

/// The example policy under another name.
fn policy(model: &str) -> String {
    POLICY
        .replace("model: churn", &format!("model: {model}"))
        .replace("churn-model", &format!("{model}-model"))
        .replace("churn-train", &format!("{model}-train"))
        .replace("group: churn", &format!("group: {model}"))
        .replace("name: churn-staging", &format!("name: {model}-staging"))
        .replace("name: churn,", &format!("name: {model},"))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
