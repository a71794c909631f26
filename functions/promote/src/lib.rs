//! promote: which version goes to which environment now, what it waits for, or why it goes no further.

mod case;
mod spec;

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::ports::{ApprovedPackage, Registry, Schedules};
use tidegate_engine::resolve::{self, ManagedModel};
use tidegate_engine::{Engine, EngineError, EventRef, Handler, Outcome};
use tidegate_events::{
    ApprovalGiven, ApprovalStatus, Body, DeploymentFinished, Event, HoldPlaced, HoldReleased,
    ModelPackageChanged, PackageStatus, Wake,
};
use tidegate_policy::lookup::LookupKind;
use tidegate_policy::promote::{Home, Promotion, State};
use tidegate_policy::reason::Reason;

use case::{Cause, PromoteCase};

pub use spec::SPEC;

/// The function's name.
pub const NAME: &str = "promote";

/// The function with its ports.
pub struct Promote {
    /// The model registry.
    pub registry: Arc<dyn Registry>,
    /// What wakes it when a soak ends.
    pub schedules: Arc<dyn Schedules>,
}

#[async_trait]
impl Handler for Promote {
    async fn handle(
        &self,
        engine: &Engine,
        event: &Event,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let reference = EventRef::of(event);
        match &event.body {
            Body::ModelPackageChanged(change) => {
                let Some(group) = &change.group else {
                    return Ok(vec![engine.ignore(&reference, &Reason::Unversioned)]);
                };
                let case =
                    |managed: &ManagedModel| Ok(self.case(engine, managed, Cause::Package(change.clone())));
                engine.run_named((LookupKind::PackageGroup, group), &reference, now, case).await
            }
            Body::DeploymentFinished(report) => {
                let from = &event.envelope.account;
                let cause = || reported(from, report);
                let case = |managed: &ManagedModel| Ok(self.case(engine, managed, cause()));
                engine.run_model(&report.model, &reference.scoped_to_sender(from), now, case).await
            }
            Body::ApprovalGiven(ApprovalGiven { model, .. })
            | Body::HoldPlaced(HoldPlaced { model, .. })
            | Body::HoldReleased(HoldReleased { model, .. })
                if event.envelope.account != engine.account =>
            {
                // What people of the hub say counts, not what another account says in their name.
                let from = &event.envelope.account;
                let why = || Reason::NotFromHub { account: from.clone() };
                let cause = || Cause::Stranger { from: from.clone(), why: why() };
                let case = |managed: &ManagedModel| Ok(self.case(engine, managed, cause()));
                engine.run_model(model, &reference.scoped_to_sender(from), now, case).await
            }
            Body::ApprovalGiven(given) => {
                let case =
                    |managed: &ManagedModel| Ok(self.case(engine, managed, Cause::Approval(given.clone())));
                engine.run_model(&given.model, &reference, now, case).await
            }
            Body::HoldPlaced(placed) => {
                let case =
                    |managed: &ManagedModel| Ok(self.case(engine, managed, Cause::Hold(placed.clone())));
                engine.run_model(&placed.model, &reference, now, case).await
            }
            Body::HoldReleased(release) => {
                let case =
                    |managed: &ManagedModel| Ok(self.case(engine, managed, Cause::Release(release.clone())));
                engine.run_model(&release.model, &reference, now, case).await
            }
            Body::Wake(Wake::SoakEnded { model, environment, version }) => {
                let ended = || Cause::SoakEnded { environment: environment.clone(), version: *version };
                let case = |managed: &ManagedModel| Ok(self.case(engine, managed, ended()));
                engine.run_model(model, &reference, now, case).await
            }
            Body::Wake(Wake::Reconcile) => {
                self.reconcile(engine, &engine.this_sweep(event, &reference), now).await
            }
            _ => Ok(vec![engine.ignore(&reference, &Reason::UnsupportedEvent)]),
        }
    }
}

/// Whoever else the bus admits may not speak for an environment.
fn reported(from: &str, report: &DeploymentFinished) -> Cause {
    if report.environment_account == from {
        return Cause::Report(report.clone());
    }
    let why = Reason::OtherEnvironment { wanted: report.environment_account.clone() };
    Cause::Stranger { from: from.to_owned(), why }
}

impl Promote {
    fn case(&self, engine: &Engine, managed: &ManagedModel, cause: Cause) -> PromoteCase {
        PromoteCase {
            policy: Arc::clone(&managed.applied.policy),
            home: Home { account: engine.account.clone(), region: engine.region.clone() },
            cause,
            registry: Arc::clone(&self.registry),
            alerts: Arc::clone(&engine.alerts),
            schedules: Arc::clone(&self.schedules),
            bus: Arc::clone(&engine.bus),
        }
    }

    /// Heals approvals, rejections, soak ends and reports that never came.
    async fn reconcile(
        &self,
        engine: &Engine,
        reference: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let (models, mut outcomes) = resolve::all(engine).await?;
        for managed in models {
            match self.missed(engine, &managed, reference).await {
                Ok(missed) => {
                    for (change, healed) in missed {
                        let case = self.case(engine, &managed, Cause::Package(change));
                        outcomes.add(engine.run(&case, &managed.subject, &healed, now).await);
                    }
                }
                // A registry that cannot be read is no reason to leave soaks, or other models, alone.
                Err(error) => outcomes.add(Err(error)),
            }
            let case = self.case(engine, &managed, Cause::Sweep);
            outcomes.add(engine.sweep(&case, &managed.subject, reference, now).await);
        }
        outcomes.finish()
    }

    /// What the registry says and no event has said: first that the promotion's approval is gone, then an approval.
    async fn missed(
        &self,
        engine: &Engine,
        managed: &ManagedModel,
        reference: &EventRef,
    ) -> Result<Vec<(ModelPackageChanged, EventRef)>, EngineError> {
        let group = managed.applied.policy.registry.group.as_str();
        let state: Arc<State> = engine
            .retry_throttled(|| resolve::state(engine.ledger.as_ref(), NAME, &managed.subject.model))
            .await?;
        // Before the first promotion there is nothing to compare with: what was approved before Tidegate came is not
        // deployed unasked.
        let Some(promotion) = &state.promotion else { return Ok(Vec::new()) };
        let mut missed = Vec::new();
        if let Some(change) = self.withdrawn(engine, group, promotion).await? {
            let healed = engine.healed(reference, Body::ModelPackageChanged(change.clone()));
            missed.push((change, healed));
        }
        missed.extend(self.approved(engine, managed, promotion, reference).await?);
        Ok(missed)
    }

    /// That the promotion's version was rejected, or its approval set back to pending, which the state does not know.
    async fn withdrawn(
        &self,
        engine: &Engine,
        group: &str,
        promotion: &Promotion,
    ) -> Result<Option<ModelPackageChanged>, EngineError> {
        if promotion.rejected_at.is_some() {
            return Ok(None);
        }
        let found = engine.retry_throttled(|| self.registry.package(&promotion.package_arn)).await?;
        let is_gone = |approval: &ApprovalStatus| {
            matches!(approval, ApprovalStatus::Rejected | ApprovalStatus::PendingManualApproval)
        };
        let found = found.filter(|found| is_gone(&found.package.approval));
        Ok(found.map(|found| {
            let package = ApprovedPackage { arn: promotion.package_arn.clone(), version: promotion.version };
            let change = change_of(group, package, found.last_modified);
            // It was approved when it was promoted.
            let updated_fields = Some(vec!["ModelApprovalStatus".to_owned()]);
            ModelPackageChanged { approval: found.package.approval, updated_fields, ..change }
        }))
    }

    /// An approval whose event never came; or one whose plan was left behind: the state knows it, and nobody tells again.
    async fn approved(
        &self,
        engine: &Engine,
        managed: &ManagedModel,
        promotion: &Promotion,
        reference: &EventRef,
    ) -> Result<Option<(ModelPackageChanged, EventRef)>, EngineError> {
        let group = managed.applied.policy.registry.group.as_str();
        let Some(newest) = engine.retry_throttled(|| self.registry.newest_approved(group)).await? else {
            return Ok(None);
        };
        let unheard = self.unheard(engine, promotion, &newest).await?;
        let is_known = unheard.is_none();
        let (package, last_modified) = match unheard {
            Some(unheard) => unheard,
            // As it was when it was decided: our own progress note has changed the package since.
            None if newest.version == promotion.version => (newest, Some(promotion.approved_at)),
            None => return Ok(None),
        };
        let change = change_of(group, package, last_modified);
        let healed = engine.healed(reference, Body::ModelPackageChanged(change.clone()));
        let is_missed = !is_known || engine.is_left_behind(&managed.subject, &healed).await?;
        Ok(is_missed.then_some((change, healed)))
    }

    /// An approval that the state does not know, and when the package last changed: of a version that is newer than any
    /// that was ever promoted, or the promotion's own after it was rejected or its approval taken back.
    ///
    /// An older one is never begun from here: a person who approved version 5 while 7 ran has decided, and keeps it.
    async fn unheard(
        &self,
        engine: &Engine,
        promotion: &Promotion,
        newest: &ApprovedPackage,
    ) -> Result<Option<(ApprovedPackage, Option<Timestamp>)>, EngineError> {
        if newest.version > promotion.newest_version {
            let package = engine.retry_throttled(|| self.registry.package(&newest.arn)).await?;
            return Ok(package.map(|package| (newest.clone(), package.last_modified)));
        }
        let Some(rejected) = promotion.rejected_at else { return Ok(None) };
        let (arn, version) = (promotion.package_arn.clone(), promotion.version);
        let package = engine.retry_throttled(|| self.registry.package(&arn)).await?.filter(|found| {
            found.package.approval == ApprovalStatus::Approved && found.last_modified > Some(rejected)
        });
        Ok(package.map(|package| (ApprovedPackage { arn, version }, package.last_modified)))
    }
}

/// What the event of an approval would have said.
fn change_of(group: &str, package: ApprovedPackage, last_modified: Option<Timestamp>) -> ModelPackageChanged {
    ModelPackageChanged {
        arn: package.arn,
        group: Some(group.to_owned()),
        version: Some(package.version),
        status: PackageStatus::Completed,
        approval: ApprovalStatus::Approved,
        updated_fields: None,
        last_modified,
        generated_by: None,
        stage: None,
        stage_status: None,
    }
}
