//! How decisions look on a terminal.

use serde_json::Value;
use tidegate_engine::DecisionRecord;

/// How much of a decision is printed.
#[derive(Clone, Copy)]
pub(crate) struct Detail {
    /// Also what it rests on and what was done.
    pub(crate) full: bool,
    /// The whole record as JSON instead.
    pub(crate) json: bool,
}

/// One thing that was found out: as JSON, or in words.
pub(crate) fn line(json: bool, value: &Value, words: &str) {
    if json {
        println!("{value}");
    } else {
        println!("{words}");
    }
}

/// One decision.
pub(crate) fn decision(record: &DecisionRecord, detail: Detail) -> Result<(), String> {
    if detail.json {
        println!("{}", serde_json::to_string(record).map_err(|error| error.to_string())?);
        return Ok(());
    }
    println!(
        "{}  {:<11} {:<8} {:<12} {} ({})",
        record.at.strftime("%Y-%m-%d %H:%M:%SZ"),
        record.environment,
        record.function,
        record.decision,
        record.sentence,
        record.reason
    );
    if detail.full {
        for seen in &record.evidence {
            let expected = seen.expected.as_ref().map(|e| format!(", expected {e}")).unwrap_or_default();
            println!("    saw {}: {}{expected}", seen.name, seen.observed);
        }
        for outcome in &record.outcomes {
            println!("    did {}", outcome.done);
        }
        println!("    event {} ({})", record.event.id, record.event.detail_type);
    }
    Ok(())
}
