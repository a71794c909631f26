//! Replays the output of `generate`, and says how long it took: `measure fleet [threads]`.
//!
//! What is measured is the library alone; the `tidegate` command adds its arguments and the writing of lines.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use tidegate_policy::file::parse;
use tidegate_replay::input::streams;
use tidegate_replay::replay::{Options, replay};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let fleet = arguments.next().unwrap_or_else(|| "fleet".to_owned());
    let mut policies = Vec::new();
    for entry in std::fs::read_dir(Path::new(&fleet).join("policies"))? {
        let path = entry?.path();
        policies.push(parse(&path.display().to_string(), &std::fs::read_to_string(&path)?)?);
    }
    let mut options = Options::new(policies);
    if let Some(threads) = arguments.next() {
        options.threads = threads.parse()?;
    }
    let begin = Instant::now();
    let events = Path::new(&fleet).join("events.jsonl");
    let mut bytes = 0;
    let summary = replay(streams(&events, &Arc::new(AtomicU64::new(0)))?, &options, |line| {
        bytes += line.len() + 1;
        Ok(())
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{} events, {} decisions, {bytes} bytes in {seconds:.2} s",
        summary.events,
        summary.policy.total()
    );
    println!("{:.0} events/s", summary.events as f64 / seconds);
    for ((function, decision, reason), count) in &summary.policy.decisions {
        println!("{count:>9}  {function} {decision} {reason}");
    }
    println!("{:>9}  duplicates", summary.policy.duplicates);
    println!("{:>9}  failed {:?}", summary.policy.failed, summary.policy.failures);
    Ok(())
}
