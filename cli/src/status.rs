//! What was decided.

use serde_json::json;
use tidegate_engine::EngineError;
use tidegate_engine::ports::Ledger;

use crate::print::{self, Detail};
use crate::{Failure, Ledgers};

/// Lists the applied policies.
pub(crate) async fn policies(ledgers: &Ledgers, json: bool) -> Result<(), Failure> {
    for (name, ledger) in ledgers.open().await? {
        for model in ledger.models().await.map_err(|error| failed(&name, &error))? {
            heading(&name, &ledger, &model, json).await?;
        }
    }
    Ok(())
}

/// Prints the last decisions about each model in each ledger, newest first.
pub(crate) async fn status(
    model: Option<&str>,
    ledgers: &Ledgers,
    last: u32,
    json: bool,
) -> Result<(), Failure> {
    for (name, ledger) in ledgers.open().await? {
        let models = match model {
            Some(model) => vec![model.to_owned()],
            None => ledger.models().await.map_err(|error| failed(&name, &error))?,
        };
        for model in models {
            if !json {
                heading(&name, &ledger, &model, json).await?;
            }
            for record in ledger.decisions(&model, last).await.map_err(|error| failed(&name, &error))? {
                print::decision(&record, Detail { full: false, json }).map_err(Failure::Ledger)?;
            }
        }
    }
    Ok(())
}

/// Prints the decisions about a model in all ledgers together, newest last.
pub(crate) async fn history(
    model: &str,
    ledgers: &Ledgers,
    last: u32,
    detail: Detail,
) -> Result<(), Failure> {
    let mut records = Vec::new();
    for (name, ledger) in ledgers.open().await? {
        records.extend(ledger.decisions(model, last).await.map_err(|error| failed(&name, &error))?);
    }
    records.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.id.cmp(&b.id)));
    for record in &records {
        print::decision(record, detail).map_err(Failure::Ledger)?;
    }
    Ok(())
}

async fn heading(name: &str, ledger: &impl Ledger, model: &str, json: bool) -> Result<(), Failure> {
    let applied = ledger.policy(model).await.map_err(|error| failed(name, &error))?;
    let version = applied.map(|applied| applied.version);
    let words = match &version {
        None => format!("{name}: {model} has no applied policy"),
        Some(version) => format!("{name}: {model}, policy {version}"),
    };
    print::line(json, &json!({ "ledger": name, "model": model, "version": version }), &words);
    Ok(())
}

fn failed(ledger: &str, error: &EngineError) -> Failure {
    Failure::Ledger(format!("{ledger}: {error}"))
}
