//! What is printed.

use std::collections::BTreeMap;
use std::io::Write as _;

use tidegate_policy::reason::Reason;
use tidegate_simulation::{Broken, Summary};

/// Nothing is done about a terminal that is gone.
fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

pub(crate) fn complain(error: &str) {
    let _ = writeln!(std::io::stderr(), "simulate: {error}");
}

pub(crate) fn tale(lines: &[String]) {
    lines.iter().for_each(|text| line(text));
}

pub(crate) fn broken(broken: &Broken) {
    line(&format!("\nseed {} breaks a rule: {}\n{}", broken.seed, broken.rule, broken.what));
    line(&format!("The same in as few steps as it takes (`cargo simulate -- --seed {}`):\n", broken.seed));
}

fn table(title: &str, counts: &BTreeMap<String, u64>) {
    line(&format!("\n{title}"));
    for (what, count) in counts {
        line(&format!("{count:>10}  {what}"));
    }
}

/// The reasons that no function gave.
fn unheard(summary: &Summary) -> Vec<&'static str> {
    let heard = |code: &&&str| {
        let ends = |said: &String| said.rsplit(' ').next() == Some(**code);
        !summary.tally.decisions.keys().any(ends)
    };
    Reason::CODES.iter().filter(heard).copied().collect()
}

pub(crate) fn summary(summary: &Summary) {
    let tally = &summary.tally;
    table("faults", &tally.faults);
    table("what functions came to", &tally.decisions);
    table("errors", &tally.errors);
    let unheard = unheard(summary);
    line(&format!(
        "\n{} of {} reasons were given; not: {}",
        Reason::CODES.len() - unheard.len(),
        Reason::CODES.len(),
        unheard.join(", ")
    ));
    line(&format!(
        "\n{} histories in {:.0} s, {:.1} a second: {} steps, {} invocations, {} faults, {} dead letters, {} violation(s)",
        tally.histories,
        summary.seconds,
        summary.per_second,
        tally.steps,
        tally.invocations,
        tally.faults.values().sum::<u64>(),
        tally.dead_letters,
        summary.broken.len(),
    ));
}

pub(crate) fn json(summary: &Summary) -> Result<(), String> {
    let text = serde_json::to_string_pretty(summary).map_err(|error| error.to_string())?;
    line(&text);
    Ok(())
}
