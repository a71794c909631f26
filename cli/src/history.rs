//! `tidegate history`: prints the decisions about a model.

use jiff::{SignedDuration, Timestamp};
use tidegate_engine::ports::Ledger;
use tidegate_engine::{DecisionRecord, EngineError};
use tidegate_policy::duration::Duration;

use crate::Failure;
use crate::ledgers::{Ledgers, Place};
use crate::print::{self, Detail};

/// The number of decisions in one query when `--since` is used.
const PAGE: u32 = 200;

/// The selection of decisions.
pub(crate) struct Selection {
    /// Select all decisions since this time. It takes precedence over `last`.
    pub(crate) since: Option<Timestamp>,
    /// Select the newest decisions, up to this number.
    pub(crate) last: u32,
}

/// Prints the decisions about a model from all ledgers, newest last.
pub(crate) async fn run(
    model: &str,
    ledgers: &Ledgers,
    wanted: &Selection,
    detail: Detail,
) -> Result<(), Failure> {
    let places = ledgers.open().await?;
    let mut records = Vec::new();
    for place in &places {
        records.extend(read(place, model, wanted).await?);
    }
    if records.is_empty() && !is_known(&places, model).await? {
        return Err(Failure::Input(format!(
            "no policy of {model} is applied in the specified ledgers, and they have no decision about it"
        )));
    }
    records.sort_by(|a: &DecisionRecord, b| a.order().cmp(&b.order()));
    for record in &records {
        print::decision(record, detail).map_err(Failure::Ledger)?;
    }
    Ok(())
}

async fn read(place: &Place, model: &str, wanted: &Selection) -> Result<Vec<DecisionRecord>, Failure> {
    let Some(since) = wanted.since else {
        let found = place.ledger.decisions(model, wanted.last).await.map_err(|error| place.failed(error))?;
        return Ok(place.readable(found));
    };
    // A query returns the newest decisions. Repeat it with a higher limit until one decision is older or there are no
    // more.
    let mut limit = PAGE;
    loop {
        let found = place.ledger.decisions(model, limit).await.map_err(|error| place.failed(error))?;
        let all = found.len() < usize::try_from(limit).unwrap_or(usize::MAX);
        let oldest = found.iter().rev().find_map(|record| record.as_ref().ok());
        if all || limit == u32::MAX || oldest.is_some_and(|oldest| oldest.at < since) {
            let mut found = place.readable(found);
            found.retain(|record| record.at >= since);
            return Ok(found);
        }
        limit = limit.saturating_mul(4);
    }
}

async fn is_known(places: &[Place], model: &str) -> Result<bool, Failure> {
    for place in places {
        if knows(&place.ledger, model).await.map_err(|error| place.failed(error))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns whether a ledger has a policy of a model, also one that this version cannot read, or a decision about it.
async fn knows(ledger: &impl Ledger, model: &str) -> Result<bool, EngineError> {
    match ledger.policy(model).await {
        Ok(None) => Ok(!ledger.decisions(model, 1).await?.is_empty()),
        Ok(Some(_)) | Err(EngineError::Stored { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Parses `--since`: a time span before now, or a time.
pub(crate) fn since(text: &str) -> Result<Timestamp, String> {
    let ago = |span: SignedDuration| Timestamp::now().checked_sub(span).map_err(|error| error.to_string());
    if let Ok(span) = Duration::try_from(text.to_owned()) {
        return ago(span.signed());
    }
    text.parse().map_err(|_| {
        "write a time span, such as 24h or 7d, or a time, such as 2026-11-01T00:00:00Z".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use tidegate_testkit::InMemoryLedger;

    use super::*;
    use crate::example::policy;

    #[tokio::test]
    async fn a_model_is_known_by_its_policy_before_anything_is_decided_about_it() {
        let ledger = InMemoryLedger::new();
        ledger.put_policy(std::sync::Arc::new(policy(&[])));
        assert!(knows(&ledger, "churn").await.unwrap());
        assert!(!knows(&ledger, "badger").await.unwrap());
    }

    #[test]
    fn since_is_a_span_or_a_time() {
        assert_eq!(since("2026-11-01T00:00:00Z").unwrap(), "2026-11-01T00:00:00Z".parse().unwrap());
        let day = Timestamp::now().duration_since(since("24h").unwrap());
        assert!((day.as_secs() - 86_400).abs() < 5, "{day:?}");
        for bad in ["yesterday", "24", "0h", "-3h", "2026-11-01"] {
            assert!(since(bad).unwrap_err().contains("24h"), "{bad}");
        }
    }
}
