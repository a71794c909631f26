//! Whether an event concerns a model of a ledger. Otherwise the functions are not invoked: they would only report
//! that it concerns none.

use tidegate_events::{Body, ObjectCreated};
use tidegate_policy::lookup::LookupKind;
use tidegate_testkit::InMemoryLedger;

/// Whether any function could find a model for the event; `true` if in doubt.
pub(super) fn is_relevant(ledger: &InMemoryLedger, body: &Body) -> bool {
    match body {
        Body::CommitPushed(push) => ledger.knows(LookupKind::Repository, &push.repository),
        Body::ModelPackageChanged(change) => {
            change.group.as_deref().is_some_and(|group| ledger.knows(LookupKind::PackageGroup, group))
        }
        Body::PipelineExecutionChanged(run) => ledger.knows(LookupKind::Pipeline, &run.pipeline),
        Body::EndpointChanged(change) => ledger.knows(LookupKind::Endpoint, &change.endpoint),
        Body::AlarmChanged(alarm) => {
            let mut dimensions = alarm.metrics.iter().flat_map(|metric| metric.dimensions.values());
            ledger.knows(LookupKind::Alarm, &alarm.alarm)
                || dimensions.any(|name| ledger.knows(LookupKind::Endpoint, name))
        }
        Body::ObjectCreated(object) => of_object(ledger, object),
        Body::RetrainingRequested(asked) => ledger.has_policy(&asked.model),
        Body::RetrainingFinished(report) => ledger.has_policy(&report.model),
        Body::DeploymentRequested(asked) => ledger.has_policy(&asked.model),
        Body::DeploymentFinished(report) => ledger.has_policy(&report.model),
        Body::DeploymentWaiting(waiting) => ledger.has_policy(&waiting.model),
        Body::EndpointHealthChanged(changed) => ledger.has_policy(&changed.model),
        Body::HealthEvent(health) => {
            let name = |entity: &str| entity.rsplit('/').next().unwrap_or_default().to_owned();
            health.entities.iter().any(|entity| ledger.knows(LookupKind::Endpoint, &name(entity)))
        }
        Body::DriftObserved(drift) => ledger.has_policy(&drift.model),
        Body::ApprovalGiven(given) => ledger.has_policy(&given.model),
        Body::HoldPlaced(hold) => ledger.has_policy(&hold.model),
        Body::HoldReleased(hold) => ledger.has_policy(&hold.model),
        Body::RollbackRequested(asked) => ledger.has_policy(&asked.model),
        Body::PromotionForced(forced) => ledger.has_policy(&forced.model),
        Body::FreezePlaced(freeze) => freeze.model.as_ref().is_none_or(|model| ledger.has_policy(model)),
        Body::FreezeLifted(lifted) => lifted.model.as_ref().is_none_or(|model| ledger.has_policy(model)),
        Body::GateReported(report) => ledger.has_policy(&report.model),
        Body::Command(command) => command.order.model().is_none_or(|model| ledger.has_policy(model)),
        Body::Tick(_) | Body::Scheduled(_) => true,
        Body::Other => false,
    }
}

/// The key of a report contains the name of its endpoint as one of its parts.
fn of_object(ledger: &InMemoryLedger, object: &ObjectCreated) -> bool {
    object.key.split('/').any(|part| ledger.knows(LookupKind::Endpoint, part))
}

/// The models of an endpoint or component.
pub(super) fn models_of_endpoint(ledger: &InMemoryLedger, name: &str) -> Vec<String> {
    ledger.models_named(LookupKind::Endpoint, name)
}
