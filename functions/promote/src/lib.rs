//! promote: which version goes to which environment now, what it waits for, or why it goes no further.

mod case;

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::arrival::{self, Managed};
use tidegate_engine::ports::{Registry, Schedules};
use tidegate_engine::{Engine, EngineError, EventRef, Handler, Outcome};
use tidegate_events::{ApprovalStatus, Body, Event, ModelPackageChanged, PackageStatus, Wake};
use tidegate_policy::lookup::LookupKind;
use tidegate_policy::promote::{Home, State};
use tidegate_policy::reason::Reason;

use case::{Cause, PromoteCase};

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
                    return Ok(vec![engine.pass(&reference, &Reason::Unversioned)]);
                };
                let case = |managed: &Managed| Ok(self.case(engine, managed, Cause::Package(change.clone())));
                engine.run_named((LookupKind::PackageGroup, group), &reference, now, case).await
            }
            Body::DeploymentFinished(report) if event.envelope.account != report.environment_account => {
                // Whoever else the bus admits may not speak for that environment.
                Ok(vec![engine.pass(
                    &reference,
                    &Reason::OtherEnvironment { wanted: report.environment_account.clone() },
                )])
            }
            Body::DeploymentFinished(report) => {
                let case = |managed: &Managed| Ok(self.case(engine, managed, Cause::Report(report.clone())));
                engine.run_model(&report.model, &reference, now, case).await
            }
            Body::ApprovalGiven(_) | Body::HoldPlaced(_) | Body::HoldReleased(_)
                if event.envelope.account != engine.account =>
            {
                // What people of the hub say counts, not what another account says in their name.
                let account = event.envelope.account.clone();
                Ok(vec![engine.pass(&reference, &Reason::NotFromHub { account })])
            }
            Body::ApprovalGiven(given) => {
                let case = |managed: &Managed| Ok(self.case(engine, managed, Cause::Approval(given.clone())));
                engine.run_model(&given.model, &reference, now, case).await
            }
            Body::HoldPlaced(placed) => {
                let case = |managed: &Managed| Ok(self.case(engine, managed, Cause::Hold(placed.clone())));
                engine.run_model(&placed.model, &reference, now, case).await
            }
            Body::HoldReleased(release) => {
                let case =
                    |managed: &Managed| Ok(self.case(engine, managed, Cause::Release(release.clone())));
                engine.run_model(&release.model, &reference, now, case).await
            }
            Body::Wake(Wake::SoakEnded { model, environment, version }) => {
                let ended = || Cause::SoakEnded { environment: environment.clone(), version: *version };
                let case = |managed: &Managed| Ok(self.case(engine, managed, ended()));
                engine.run_model(model, &reference, now, case).await
            }
            Body::Wake(Wake::Reconcile) => {
                self.reconcile(engine, &engine.this_sweep(event, &reference), now).await
            }
            _ => Ok(vec![engine.pass(&reference, &Reason::NotOurs)]),
        }
    }
}

impl Promote {
    fn case(&self, engine: &Engine, managed: &Managed, cause: Cause) -> PromoteCase {
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

    /// Heals approvals, soak ends and reports that never came.
    async fn reconcile(
        &self,
        engine: &Engine,
        reference: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let (models, mut outcomes) = arrival::all(engine.ledger.as_ref()).await?;
        for managed in models {
            match self.missed(engine, &managed, reference).await {
                Ok(Some((change, healed))) => {
                    let case = self.case(engine, &managed, Cause::Package(change));
                    outcomes.add(engine.run(&case, &managed.subject, &healed, now).await);
                }
                Ok(None) => {}
                // A registry that cannot be read is no reason to leave soaks, or other models, alone.
                Err(error) => outcomes.add(Err(error)),
            }
            let case = self.case(engine, &managed, Cause::Sweep);
            outcomes.add(engine.sweep(&case, &managed.subject, reference, now).await);
        }
        outcomes.finish()
    }

    /// An approval whose event never came: the newest approved version is newer than any that was ever promoted. Or one
    /// whose plan was left behind: the state knows it, and nobody tells again.
    ///
    /// An older one is never begun from here: a person who approved version 5 while 7 ran has decided, and keeps it.
    async fn missed(
        &self,
        engine: &Engine,
        managed: &Managed,
        reference: &EventRef,
    ) -> Result<Option<(ModelPackageChanged, EventRef)>, EngineError> {
        let group = managed.applied.policy.registry.group.as_str();
        let Some(newest) = self.registry.newest_approved(group).await? else { return Ok(None) };
        let state: State = arrival::state(engine.ledger.as_ref(), NAME, &managed.subject.model).await?;
        // Before the first promotion there is nothing to compare with: what was approved before Tidegate came is not
        // deployed unasked.
        let Some(promotion) = state.promotion else { return Ok(None) };
        let is_known = newest.version == promotion.version;
        if newest.version <= promotion.newest && !is_known {
            return Ok(None);
        }
        let last_modified = if is_known {
            // As it was when it was decided: our own progress note has changed the package since.
            Some(promotion.approved_at)
        } else {
            let Some(package) = self.registry.package(&newest.arn).await? else { return Ok(None) };
            package.last_modified
        };
        let change = ModelPackageChanged {
            arn: newest.arn,
            group: Some(group.to_owned()),
            version: Some(newest.version),
            status: PackageStatus::Completed,
            approval: ApprovalStatus::Approved,
            updated_fields: None,
            last_modified,
            generated_by: None,
            stage: None,
            stage_status: None,
        };
        let healed = engine.healed(reference, Body::ModelPackageChanged(change.clone()));
        let is_missed = !is_known || engine.is_left_behind(&managed.subject, &healed).await?;
        Ok(is_missed.then_some((change, healed)))
    }
}
