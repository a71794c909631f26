//! The triggers of a promotion, derived from events.

use tidegate_events::{
    ApprovalGiven, Body, DeploymentFinished, DeploymentWaiting, EndpointHealthChanged, Event, FreezeLifted,
    FreezePlaced, GateReported, HoldPlaced, HoldReleased, ModelPackageChanged, PromotionForced,
    RollbackRequested, Scheduled, ScheduledCheck,
};

use super::NAME;
use crate::controller::Route;
use crate::freeze::FLEET;
use crate::lookup::LookupKind;
use crate::reason::Reason;
use crate::site::Site;

/// The trigger.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// The registry changed.
    Package(ModelPackageChanged),
    /// An environment reported the end of a deployment.
    Report(DeploymentFinished),
    /// An environment answered that its deployment has not ended.
    Waiting(DeploymentWaiting),
    /// An environment told what became of its live version.
    Health(EndpointHealthChanged),
    /// A scheduled check of a version whose wait should be over.
    Check {
        /// The version.
        version: u64,
    },
    /// A person approved a version for an environment.
    Approval(ApprovalGiven),
    /// A person placed a hold.
    Hold(HoldPlaced),
    /// A person released a hold.
    Release(HoldReleased),
    /// A person placed a freeze.
    Freeze(FreezePlaced),
    /// A person ended freezes before their end.
    FreezeLift(FreezeLifted),
    /// A person requested that an environment goes back.
    Rollback(RollbackRequested),
    /// A person forced a version into an environment.
    Force(PromotionForced),
    /// A tool reported the result of a check.
    CheckReport(GateReported),
    /// An account sent an event that it is not authorized to send.
    UnauthorizedSender {
        /// The account.
        from: String,
        /// Why it is not authorized.
        why: Reason,
    },
    /// The recurring sweep.
    Sweep,
}

pub(super) fn route(site: &Site, event: &Event) -> Route<Trigger> {
    let from = &event.envelope.account;
    match &event.body {
        Body::ModelPackageChanged(change) => match &change.group {
            None => Route::NotApplicable(Reason::Unversioned),
            Some(group) => Route::by_name(LookupKind::PackageGroup, group, Trigger::Package(change.clone())),
        },
        Body::DeploymentFinished(report) if report.environment_account == *from => {
            sent(from, &report.model, Trigger::Report(report.clone()))
        }
        // Another account that the event bus admits is not authorized to report for an environment.
        Body::DeploymentFinished(report) => {
            let why = Reason::OtherEnvironment { wanted: report.environment_account.clone() };
            sent(from, &report.model, Trigger::UnauthorizedSender { from: from.clone(), why })
        }
        Body::DeploymentWaiting(waiting) if waiting.environment_account == *from => {
            sent(from, &waiting.model, Trigger::Waiting(waiting.clone()))
        }
        Body::DeploymentWaiting(waiting) => {
            let why = Reason::OtherEnvironment { wanted: waiting.environment_account.clone() };
            sent(from, &waiting.model, Trigger::UnauthorizedSender { from: from.clone(), why })
        }
        Body::EndpointHealthChanged(changed) if changed.environment_account == *from => {
            sent(from, &changed.model, Trigger::Health(changed.clone()))
        }
        Body::EndpointHealthChanged(changed) => {
            let why = Reason::OtherEnvironment { wanted: changed.environment_account.clone() };
            sent(from, &changed.model, Trigger::UnauthorizedSender { from: from.clone(), why })
        }
        Body::ApprovalGiven(ApprovalGiven { model, .. })
        | Body::HoldPlaced(HoldPlaced { model, .. })
        | Body::HoldReleased(HoldReleased { model, .. })
        | Body::RollbackRequested(RollbackRequested { model, .. })
        | Body::PromotionForced(PromotionForced { model, .. })
            if *from != site.account =>
        {
            let why = Reason::NotFromHub { account: from.clone() };
            sent(from, model, Trigger::UnauthorizedSender { from: from.clone(), why })
        }
        Body::ApprovalGiven(given) => Route::model(&given.model, Trigger::Approval(given.clone())),
        Body::HoldPlaced(placed) => Route::model(&placed.model, Trigger::Hold(placed.clone())),
        Body::RollbackRequested(asked) => Route::model(&asked.model, Trigger::Rollback(asked.clone())),
        Body::PromotionForced(forced) => Route::model(&forced.model, Trigger::Force(forced.clone())),
        Body::HoldReleased(release) => Route::model(&release.model, Trigger::Release(release.clone())),
        Body::FreezePlaced(FreezePlaced { model, .. }) | Body::FreezeLifted(FreezeLifted { model, .. })
            if *from != site.account =>
        {
            let why = Reason::NotFromHub { account: from.clone() };
            for_fleet_or(
                model.as_deref(),
                Some(from),
                Trigger::UnauthorizedSender { from: from.clone(), why },
            )
        }
        Body::FreezePlaced(placed) => {
            for_fleet_or(placed.model.as_deref(), None, Trigger::Freeze(placed.clone()))
        }
        Body::FreezeLifted(lifted) => {
            for_fleet_or(lifted.model.as_deref(), None, Trigger::FreezeLift(lifted.clone()))
        }
        Body::GateReported(said) if *from != site.account => {
            let why = Reason::NotFromHub { account: from.clone() };
            sent(from, &said.model, Trigger::UnauthorizedSender { from: from.clone(), why })
        }
        Body::GateReported(said) => Route::model(&said.model, Trigger::CheckReport(said.clone())),
        Body::Scheduled(Scheduled::Check(check)) if check.function == NAME => checked(check),
        Body::Scheduled(Scheduled::Reconcile) => Route::Sweep,
        _ => Route::NotApplicable(Reason::UnsupportedEvent),
    }
}

fn sent(from: &str, model: &str, trigger: Trigger) -> Route<Trigger> {
    Route::Model { model: model.to_owned(), sender: Some(from.to_owned()), answers_unmanaged: false, trigger }
}

/// The route of a command about one model, or about every model: its state has a name of its own, and no policy.
fn for_fleet_or(model: Option<&str>, sender: Option<&String>, trigger: Trigger) -> Route<Trigger> {
    Route::Model {
        model: model.unwrap_or(FLEET).to_owned(),
        sender: sender.cloned(),
        answers_unmanaged: model.is_none(),
        trigger,
    }
}

fn checked(check: &ScheduledCheck) -> Route<Trigger> {
    match check.subject.parse() {
        Ok(version) => Route::model(&check.model, Trigger::Check { version }),
        Err(_) => Route::NotApplicable(Reason::UnsupportedEvent),
    }
}
