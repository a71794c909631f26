//! Reads what the gates of the next environment need.

use std::collections::BTreeMap;

use tidegate_engine::ports::GateSources;
use tidegate_engine::resolve;
use tidegate_engine::{CallError, Class, Engine, EngineError};
use tidegate_policy::freeze::FLEET;
use tidegate_policy::promote::{Fact, GateFacts, GateNeeds, PromoteController, VersionFacts, VersionNeed};
use tidegate_policy::train::TrainController;

/// Reads the facts. An error that a repetition may not meet again is returned; any other is a fact.
pub(crate) async fn facts(
    sources: &dyn GateSources,
    engine: &Engine,
    needs: &GateNeeds,
) -> Result<GateFacts, EngineError> {
    let mut facts = GateFacts::default();
    if needs.fleet {
        let fleet = resolve::state_of::<PromoteController>(engine.ledger.as_ref(), FLEET).await?;
        facts.fleet = Some(fleet.freezes.clone());
    }
    facts.version = version(sources, needs.version.as_ref()).await?;
    facts.live = version(sources, needs.live.as_ref()).await?;
    if !needs.alarms.is_empty() {
        facts.alarms = Some(fact(sources.alarm_states(&needs.alarms).await)?);
    }
    let mut groups = BTreeMap::new();
    for name in &needs.feature_groups {
        groups.insert(name.clone(), fact(sources.feature_group(name).await)?);
    }
    facts.feature_groups = groups;
    if let Some(need) = &needs.authors {
        let train = resolve::state_of::<TrainController>(engine.ledger.as_ref(), &need.model).await?;
        facts.authors = train.authors_of(&need.package);
    }
    Ok(facts)
}

async fn version(
    sources: &dyn GateSources,
    need: Option<&VersionNeed>,
) -> Result<Option<VersionFacts>, EngineError> {
    let Some(need) = need else { return Ok(None) };
    let details = fact(sources.version(&need.arn).await)?;
    let statistics =
        details.as_ref().ok().and_then(Option::as_ref).and_then(|found| found.statistics.as_ref());
    let metrics = match statistics.filter(|_| need.metrics) {
        Some(uri) => Some(fact(sources.file(uri).await)?.and_then(|text| text)),
        None => None,
    };
    Ok(Some(VersionFacts { arn: need.arn.clone(), details, metrics }))
}

/// A rejection that a repetition does not change is a fact.
fn fact<T>(read: Result<T, CallError>) -> Result<Fact<T>, CallError> {
    match read {
        Ok(found) => Ok(Ok(found)),
        Err(error) if matches!(error.class, Class::Denied | Class::Permanent) => Ok(Err(error.message)),
        Err(error) => Err(error),
    }
}
