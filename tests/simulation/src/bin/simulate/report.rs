//! The output.

use std::collections::BTreeMap;
use std::io::Write as _;

use tidegate_policy::reason::Reason;
use tidegate_simulation::{FailedHistory, Summary};

/// A closed terminal is ignored.
fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

pub(crate) fn error(error: &str) {
    let _ = writeln!(std::io::stderr(), "simulate: {error}");
}

pub(crate) fn trace(lines: &[String]) {
    lines.iter().for_each(|text| line(text));
}

pub(crate) fn broken(broken: &FailedHistory) {
    line(&format!("\nseed {} breaks a rule: {}\n{}", broken.seed, broken.rule, broken.what));
    line(&format!("The same in as few steps as it takes (`cargo simulate -- --seed {}`):\n", broken.seed));
}

fn table(title: &str, counts: &BTreeMap<String, u64>) {
    line(&format!("\n{title}"));
    for (what, count) in counts {
        line(&format!("{count:>10}  {what}"));
    }
}

/// The reasons that did not occur.
fn unused_reasons(summary: &Summary) -> Vec<&'static str> {
    let heard = |code: &&&str| {
        let ends = |said: &String| said.rsplit(' ').next() == Some(**code);
        !summary.statistics.decisions.keys().any(ends)
    };
    Reason::CODES.iter().filter(heard).copied().collect()
}

pub(crate) fn summary(summary: &Summary) {
    let statistics = &summary.statistics;
    table("faults", &statistics.faults);
    table("what functions came to", &statistics.decisions);
    table("errors", &statistics.errors);
    let unused = unused_reasons(summary);
    line(&format!(
        "\n{} of {} reasons were given; not: {}",
        Reason::CODES.len() - unused.len(),
        Reason::CODES.len(),
        unused.join(", ")
    ));
    line(&format!(
        "\n{} histories in {:.0} s, {:.1} a second: {} steps, {} invocations, {} faults, {} dead letters, {} violation(s)",
        statistics.histories,
        summary.seconds,
        summary.per_second,
        statistics.steps,
        statistics.invocations,
        statistics.faults.values().sum::<u64>(),
        statistics.dead_letters,
        summary.broken.len(),
    ));
}

pub(crate) fn json(summary: &Summary) -> Result<(), String> {
    let text = serde_json::to_string_pretty(summary).map_err(|error| error.to_string())?;
    line(&text);
    Ok(())
}
