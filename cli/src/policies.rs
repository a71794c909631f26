//! `tidegate policies`: lists the applied policies.

use serde_json::json;
use tidegate_engine::ports::{Applied, Ledger};

use crate::Failure;
use crate::ledgers::{Ledgers, Place};
use crate::print::{self, Cell, print_json};

/// Lists the applied policies of each ledger.
pub(crate) async fn run(ledgers: &Ledgers, json: bool) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for place in ledgers.open().await? {
        for model in place.ledger.models().await.map_err(|error| place.failed(error))? {
            let applied = place.ledger.policy(&model).await.map_err(|error| place.failed(error))?;
            if json {
                print_json(&as_json(&place, &model, applied.as_ref()).to_string());
            } else {
                rows.push(row(&place, &model, applied.as_ref()));
            }
        }
    }
    if !json {
        print::table(&["LEDGER", "MODEL", "VERSION", "REPOSITORY", "DRIFT", "ENVIRONMENTS"], rows);
    }
    Ok(())
}

fn as_json(place: &Place, model: &str, applied: Option<&Applied>) -> serde_json::Value {
    let environments = applied.map(|applied| {
        let all = applied.policy.environments.iter();
        let one = |e: &tidegate_policy::file::Environment| {
            json!({
                "name": e.name, "account": e.account, "region": e.region, "endpoint": e.endpoint.name,
                "kind": e.endpoint.spec.kind(),
            })
        };
        all.map(one).collect::<Vec<_>>()
    });
    let drift = applied.and_then(|applied| applied.policy.drift.as_ref()).map(|drift| &drift.response);
    json!({
        "ledger": place.name, "model": model, "version": applied.map(|applied| &applied.version),
        "repository": applied.map(|applied| &applied.policy.source.repository), "drift": drift,
        "environments": environments,
    })
}

fn row(place: &Place, model: &str, applied: Option<&Applied>) -> Vec<Cell> {
    let (mut version, mut repository, mut drift, mut environments) = Default::default();
    if let Some(applied) = applied {
        let policy = &applied.policy;
        version = applied.version.clone();
        repository = policy.source.repository.to_string();
        drift = policy.drift.as_ref().map(|drift| word(&drift.response)).unwrap_or_default();
        let all = policy.environments.iter();
        let all = all
            .map(|e| format!("{} ({} {}, {})", e.name, e.account, e.region, word(&e.endpoint.spec.kind())));
        environments = all.collect::<Vec<_>>().join(" -> ");
    }
    [&place.name, model, &version, &repository, &drift, &environments]
        .map(|text: &str| Cell::plain(text))
        .into()
}

/// Returns an option in the spelling of the policy file.
fn word(option: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(option).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
