//! What follows from a refusal, and must not be.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tidegate_events::{
    CommitPushed, DeploymentFinished, DeploymentOutcome, RefChange, RefKind, RetrainingRequested,
};
use tidegate_policy::check::{Invariant, Violation};
use tidegate_policy::controller::{Controller, DecisionOf, StepOf};
use tidegate_policy::deploy::DeployController;
use tidegate_policy::file::Policy;
use tidegate_policy::hold::Hold;
use tidegate_policy::promote::PromoteController;
use tidegate_policy::reason::Reason;
use tidegate_policy::respond::RespondController;
use tidegate_policy::scale::ScaleController;
use tidegate_policy::site::Site;
use tidegate_policy::step::Step;
use tidegate_policy::train::TrainController;
use tidegate_policy::{deploy, promote, respond, scale, train};

use super::{Break, HasViolations, broken, deployments, promotions};
use crate::{any, decide};

/// What followed, with the state that it followed in.
struct Scene<C: Controller> {
    policy: Policy,
    site: Site,
    state: C::State,
    decision: DecisionOf<C>,
}

impl<C: Controller> HasViolations for Scene<C> {
    fn violations(&self) -> Vec<Violation> {
        let cx = decide::context(Some(&self.policy), &self.site, now());
        C::violations_after_rejection(&cx, &self.state, &self.decision)
    }
}

impl<C: Controller> Scene<C> {
    /// What follows when AWS rejects a step, or its precondition fails.
    fn of(policy: Policy, site: Site, state: C::State, step: &StepOf<C>, why: &Reason) -> Self {
        let cx = decide::context(Some(&policy), &site, now());
        let decision = match why {
            Reason::RejectedByAws { .. } => C::on_rejected(&cx, &state, step, why),
            _ => C::on_precondition_failed(&cx, &state, step, why),
        };
        Self { policy, state, decision: decision.unwrap(), site }
    }

    fn next(&mut self) -> &mut C::State {
        self.decision.state.as_mut().unwrap()
    }
}

fn production() -> Site {
    decide::site(&any::environment(&any::policy(), "production"))
}

fn now() -> Timestamp {
    any::at(60)
}

fn by_aws() -> Reason {
    Reason::RejectedByAws { operation: "sagemaker:Op".to_owned(), cause: "no".to_owned() }
}

fn hold() -> Hold {
    Hold { at: any::at(0), by: "ana".to_owned(), reason: "r".to_owned(), keeps: None }
}

/// The start of a commit.
fn start() -> (train::State, Step<train::Action>) {
    let push = CommitPushed {
        repository: "codecommit:churn-model".to_owned(),
        ref_kind: RefKind::Branch,
        branch: "main".to_owned(),
        full_ref: "refs/heads/main".to_owned(),
        change: RefChange::Updated,
        commit: Some("9f1d3c5b7a8e6042c1d4f3a2b5968770e1f2a3c4".to_owned()),
        old_commit: None,
        actor: None,
        changed_paths: None,
    };
    let definition = r#"{"Version": "2020-12-01", "Steps": []}"#.to_owned();
    let pipeline = Some(train::Pipeline { arn: String::new(), definition: definition.clone(), role: None });
    let definition = train::Definition::File { path: "pipeline.json".to_owned(), text: definition };
    let pipeline_tags = Some(tidegate_policy::owner::tags("churn", None).into_iter().collect());
    let seen = train::Snapshot { definition, pipeline, pipeline_tags, ..train::Snapshot::default() };
    let state = train::State::default();
    let mut decision = train::decide_commit(&any::policy(), &state, &push, &seen, now());
    (decision.state.unwrap(), decision.plan.pop().unwrap())
}

fn not_trained() -> Scene<TrainController> {
    let (state, step) = start();
    Scene::of(any::policy(), decide::hub(), state, &step, &by_aws())
}

fn after_train() -> Vec<Break<Scene<TrainController>>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::ActsAfterRejection, "it starts all the same", not_trained, |s| s.decision.plan.push(start().1)),
        on(I::NotificationMissing, "nobody hears of it", not_trained, |s| s.decision.plan.clear()),
        on(I::DuplicateAction, "told twice", not_trained, |s| {
            let alert = s.decision.plan[0].clone();
            s.decision.plan.push(alert);
        }),
    ]
}

fn not_requested() -> Scene<PromoteController> {
    let asked = promotions::approved().decision;
    let (state, step) = (asked.state.unwrap(), asked.plan[0].clone());
    Scene::of(any::policy(), decide::hub(), state, &step, &by_aws())
}

fn after_promote() -> Vec<Break<Scene<PromoteController>>> {
    use Invariant as I;
    use promote::Action;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::ActsAfterRejection, "it asks again", not_requested, |s| {
            s.decision.plan.push(promotions::approved().decision.plan[0].clone());
        }),
        on(I::NotificationMissing, "nobody hears of it", not_requested, |s| {
            s.decision.plan.remove(0);
        }),
        on(I::OutOfScope, "a note on another package", not_requested, |s| {
            let Step::Call(Action::UpdateModelLifeCycle { package_arn, .. }) = &mut s.decision.plan[1] else {
                unreachable!()
            };
            *package_arn = any::arn(6);
        }),
        on(I::ContinuesAfterFailure, "it goes on", not_requested, |s| {
            s.next().promotion.as_mut().unwrap().stopped = false;
        }),
        on(I::HoldChanged, "a hold comes by itself", not_requested, |s| {
            s.next().holds.insert("staging".to_owned(), hold());
        }),
    ]
}

/// The update of production's endpoint.
fn update() -> (deploy::State, Step<deploy::Action>) {
    let mut asked = deployments::updates().decision;
    (asked.state.unwrap(), asked.plan.remove(2))
}

fn after_update(why: &Reason) -> Scene<DeployController> {
    let (state, step) = update();
    Scene::of(deployments::classic(), production(), state, &step, why)
}

fn not_deployed() -> Scene<DeployController> {
    after_update(&by_aws())
}

fn busy() -> Scene<DeployController> {
    after_update(&Reason::EndpointBusy { endpoint: "churn".to_owned(), status: "Updating".to_owned() })
}

fn not_reported() -> Scene<DeployController> {
    let mut scene = not_deployed();
    let (state, report) = (scene.decision.state.take().unwrap(), scene.decision.plan.remove(0));
    Scene::of(deployments::classic(), production(), state, &report, &by_aws())
}

fn finished(scene: &mut Scene<DeployController>) -> &mut DeploymentFinished {
    let Step::ReportDeployment { finished } = &mut scene.decision.plan[0] else { unreachable!() };
    finished
}

fn after_deploy() -> Vec<Break<Scene<DeployController>>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::ActsAfterRejection, "it updates all the same", busy, |s| s.decision.plan.push(update().1)),
        on(I::NotificationMissing, "a failure that nobody hears of", not_deployed, |s| {
            s.decision.plan.clear()
        }),
        on(I::NotificationMissing, "a lost report that nobody hears of", not_reported, |s| {
            s.decision.plan.clear()
        }),
        on(I::NoFollowUpScheduled, "it waits without a look", busy, |s| s.decision.plan.clear()),
        on(I::OutOfScope, "a look at another deployment", busy, |s| {
            let Step::ScheduleCheck { check, .. } = &mut s.decision.plan[0] else { unreachable!() };
            check.subject = "r".to_owned();
        }),
        on(I::ReportMismatch, "it succeeded", not_deployed, |s| {
            finished(s).outcome = DeploymentOutcome::Succeeded;
        }),
        on(I::ReportMismatch, "of another version", not_deployed, |s| finished(s).version = 9),
        on(I::HoldChanged, "a hold comes by itself", not_deployed, |s| {
            s.next().holds.insert("production".to_owned(), hold());
        }),
    ]
}

fn request() -> RetrainingRequested {
    RetrainingRequested {
        request_id: "churn-staging-1".to_owned(),
        model: "churn".to_owned(),
        environment: "staging".to_owned(),
        environment_account: "444455556666".to_owned(),
        cause: "drift_observed".to_owned(),
        detail: "d".to_owned(),
        requested_at: now(),
    }
}

fn no_answer() -> Scene<RespondController> {
    let drifting = [("job".to_owned(), any::at(0))].into();
    let (requested, heard) = (vec![any::at(0), now()], [("job".to_owned(), any::at(0))].into());
    let state = respond::State {
        retrainings: requested,
        attempts: 2,
        drifting,
        last_report_at: heard,
        ..respond::State::default()
    };
    let step = Step::RequestRetraining { request: request() };
    Scene::of(any::policy(), any::staging(), state, &step, &by_aws())
}

fn after_respond() -> Vec<Break<Scene<RespondController>>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::ActsAfterRejection, "it asks again", no_answer, |s| {
            s.decision.plan.push(Step::RequestRetraining { request: request() });
        }),
        on(I::NotificationMissing, "nobody hears of it", no_answer, |s| s.decision.plan.clear()),
    ]
}

fn after_capacity(why: &Reason) -> Scene<ScaleController> {
    let state = scale::State { zero_since: Some(now()), ..scale::State::default() };
    Scene::of(any::policy(), production(), state, &to_none(), why)
}

fn to_none() -> Step<scale::Action> {
    Step::Call(scale::Action::SetCopyCount { component: "churn".to_owned(), copies: 0 })
}

fn lifts() -> Scene<ScaleController> {
    after_capacity(&Reason::Traffic { invocations: 3 })
}

fn keeps() -> Scene<ScaleController> {
    after_capacity(&by_aws())
}

fn after_scale() -> Vec<Break<Scene<ScaleController>>> {
    use Invariant as I;
    use scale::Action;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::ActsAfterRejection, "to zero all the same", lifts, |s| s.decision.plan.push(to_none())),
        on(I::ActsAfterRejection, "a least of none", keeps, |s| {
            s.decision.plan.push(Step::Call(Action::SetCapacityLimits {
                component: "churn".to_owned(),
                min: 0,
                max: 1,
            }));
        }),
        on(I::OutOfScope, "another component", lifts, |s| {
            let Step::Call(Action::SetCapacityLimits { component, .. }) = &mut s.decision.plan[0] else {
                unreachable!()
            };
            *component = "other".to_owned();
        }),
    ]
}

/// Every invariant that is broken here.
pub(super) fn all() -> BTreeSet<Invariant> {
    let parts = [
        broken(&after_train()),
        broken(&after_promote()),
        broken(&after_deploy()),
        broken(&after_respond()),
        broken(&after_scale()),
    ];
    parts.into_iter().flatten().collect()
}
