//! What was decided.

use tidegate_engine::DecisionRecord;
use tidegate_engine::ports::Ledger;

use crate::{Ledgers, apply};

/// Prints the last decisions about each model in each ledger.
pub(crate) async fn run(model: Option<&str>, ledgers: &Ledgers, last: u32) -> Result<(), String> {
    for (name, ledger) in apply::open(ledgers).await? {
        let failed = |error: tidegate_engine::EngineError| format!("{name}: {error}");
        let models = match model {
            Some(model) => vec![model.to_owned()],
            None => ledger.models().await.map_err(failed)?,
        };
        for model in models {
            let policy = ledger.policy(&model).await.map_err(failed)?;
            match policy {
                None => println!("{name}: {model} has no applied policy"),
                Some(applied) => println!("{name}: {model}, policy {}", applied.version),
            }
            for record in ledger.decisions(&model, last).await.map_err(failed)? {
                println!("  {}", line(&record));
            }
        }
    }
    Ok(())
}

fn line(record: &DecisionRecord) -> String {
    let at = record.at.strftime("%Y-%m-%d %H:%M:%SZ");
    format!(
        "{at}  {:<11} {:<8} {:<12} {} ({})",
        record.environment, record.function, record.decision, record.sentence, record.reason
    )
}
