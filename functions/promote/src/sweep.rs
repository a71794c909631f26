//! Detects changes in the registry whose event was lost: first a withdrawn approval, then a new approval.

use jiff::Timestamp;
use tidegate_engine::resolve::{self, ManagedModel};
use tidegate_engine::{Engine, EngineError, EventRef};
use tidegate_events::{Body, ModelPackageChanged};
use tidegate_policy::promote::{
    Candidate, PromoteController, Promotion, Trigger, approval_of, is_newer, lost_withdrawal, reapproved,
};

use crate::Promote;

/// Returns the changes in the registry that no event has reported.
pub(crate) async fn lost_changes(
    promote: &Promote,
    engine: &Engine,
    managed: &ManagedModel,
    sweep: &EventRef,
) -> Result<Vec<(Trigger, EventRef)>, EngineError> {
    let model = &managed.subject.model;
    let read = || resolve::state_of::<PromoteController>(engine.ledger.as_ref(), model);
    let state = engine.retry_throttled(read).await?;
    // Before the first promotion there is nothing to compare with. A version that was approved before Tidegate was
    // installed is not deployed without a request.
    let Some(promotion) = &state.promotion else { return Ok(Vec::new()) };
    let group = managed.applied.policy.registry.group.as_str();
    let mut lost = Vec::new();
    if let Some((change, is_known)) = withdrawal(promote, engine, group, promotion).await? {
        let event = reference(engine, sweep, &change);
        if !is_known || engine.is_left_behind(&managed.subject, &event).await? {
            lost.push((Trigger::Package(change), event));
        }
    }
    if let Some((change, is_known)) = approval(promote, engine, group, promotion).await? {
        let event = reference(engine, sweep, &change);
        if !is_known || engine.is_left_behind(&managed.subject, &event).await? {
            lost.push((Trigger::Package(change), event));
        }
    }
    Ok(lost)
}

fn reference(engine: &Engine, sweep: &EventRef, change: &ModelPackageChanged) -> EventRef {
    engine.synthesized_event_ref(sweep, Body::ModelPackageChanged(change.clone()))
}

/// Returns a withdrawn approval, and whether the state already contains it. In that case only its plan may be unfinished.
async fn withdrawal(
    promote: &Promote,
    engine: &Engine,
    group: &str,
    promotion: &Promotion,
) -> Result<Option<(ModelPackageChanged, bool)>, EngineError> {
    let found = engine.retry_throttled(|| promote.registry.package(&promotion.package_arn)).await?;
    // The time of a known withdrawal comes from the state: the package may have changed since.
    let at = promotion.rejected_at.or(found.as_ref().and_then(|found| found.last_modified));
    let change = lost_withdrawal(group, promotion, found.as_ref().map(|found| &found.package), at);
    Ok(change.map(|change| (change, promotion.rejected_at.is_some())))
}

/// Returns an approval, and whether the state already contains it. In that case only its plan may be unfinished.
async fn approval(
    promote: &Promote,
    engine: &Engine,
    group: &str,
    promotion: &Promotion,
) -> Result<Option<(ModelPackageChanged, bool)>, EngineError> {
    let newest = engine.retry_throttled(|| promote.registry.newest_approved(group)).await?;
    let Some(newest) = newest.map(|found| Candidate { arn: found.arn, version: found.version }) else {
        return Ok(None);
    };
    if let Some((candidate, at)) = unknown(promote, engine, promotion, &newest).await? {
        return Ok(Some((approval_of(group, &candidate, at), false)));
    }
    // The approval time comes from the state, because the life cycle update of promote has changed the package since.
    let is_current = newest.version == promotion.version;
    Ok(is_current.then(|| (approval_of(group, &newest, Some(promotion.approved_at)), true)))
}

/// Returns an approval that the state does not contain, and the time at which the package last changed.
async fn unknown(
    promote: &Promote,
    engine: &Engine,
    promotion: &Promotion,
    newest: &Candidate,
) -> Result<Option<(Candidate, Option<Timestamp>)>, EngineError> {
    if is_newer(promotion, newest) {
        let package = engine.retry_throttled(|| promote.registry.package(&newest.arn)).await?;
        return Ok(package.map(|package| (newest.clone(), package.last_modified)));
    }
    if promotion.rejected_at.is_none() {
        return Ok(None);
    }
    let package = engine.retry_throttled(|| promote.registry.package(&promotion.package_arn)).await?;
    Ok(package.and_then(|found| reapproved(promotion, &found.package, found.last_modified)))
}
