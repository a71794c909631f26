//! Whether an event concerns a model of a ledger at all. What does not is not worth an invocation here: all that the
//! functions would do is say so.

use tidegate_events::{Body, ObjectCreated};
use tidegate_policy::lookup::LookupKind;

use crate::Book;

/// Whether any function could find a model for the event. In doubt it could.
pub(super) fn by(book: &Book, body: &Body) -> bool {
    match body {
        Body::CommitPushed(push) => book.knows(LookupKind::Repository, &push.repository),
        Body::ModelPackageChanged(change) => {
            change.group.as_deref().is_some_and(|group| book.knows(LookupKind::PackageGroup, group))
        }
        Body::PipelineExecutionChanged(run) => book.knows(LookupKind::Pipeline, &run.pipeline),
        Body::EndpointChanged(change) => book.knows(LookupKind::Endpoint, &change.endpoint),
        Body::AlarmChanged(alarm) => {
            let mut dimensions = alarm.metrics.iter().flat_map(|metric| metric.dimensions.values());
            book.knows(LookupKind::Alarm, &alarm.alarm)
                || dimensions.any(|name| book.knows(LookupKind::Endpoint, name))
        }
        Body::ObjectCreated(object) => of_object(book, object),
        Body::RetrainingRequested(asked) => book.has(&asked.model),
        Body::DeploymentRequested(asked) => book.has(&asked.model),
        Body::DeploymentFinished(report) => book.has(&report.model),
        Body::DriftObserved(drift) => book.has(&drift.model),
        Body::ApprovalGiven(given) => book.has(&given.model),
        Body::HoldPlaced(hold) => book.has(&hold.model),
        Body::HoldReleased(hold) => book.has(&hold.model),
        Body::Tick(_) | Body::Scheduled(_) => true,
        Body::Other => false,
    }
}

/// A report's key has its endpoint's name as one of its parts.
fn of_object(book: &Book, object: &ObjectCreated) -> bool {
    object.key.split('/').any(|part| book.knows(LookupKind::Endpoint, part))
}

/// The models of an endpoint or component.
pub(super) fn of_endpoint(book: &Book, name: &str) -> Vec<String> {
    book.models_named(LookupKind::Endpoint, name)
}
