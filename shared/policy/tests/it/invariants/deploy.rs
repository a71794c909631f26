//! Decisions about a deployment that must not be.

use std::collections::BTreeSet;

use tidegate_events::{ApprovalStatus, DeploymentOutcome, EndpointStatus};
use tidegate_policy::artifacts::Container;
use tidegate_policy::check::Invariant;
use tidegate_policy::decision::Verdict;
use tidegate_policy::deploy::{
    Action, ComponentStatus, Deploy, DeployedImage, NewestRequest, Probe, RunningConfig, RunningContainer,
    RunningModel, State, Trigger,
};
use tidegate_policy::endpoint::{EndpointKind, EndpointSpec};
use tidegate_policy::file::Kms;
use tidegate_policy::hold::Hold;
use tidegate_policy::reason::Reason;

use super::deployments::*;
use super::{Break, broken};
use crate::any;
use tidegate_policy::step::Step;

fn breaks() -> Vec<Break<Scene>> {
    let mut all = shape();
    all.extend(places());
    all.extend(calls());
    all.extend(looks());
    all.extend(ends());
    all.extend(memory());
    all.extend(live_version());
    all
}

fn shape() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::DuplicateAction, "the same model twice", updates, |s| {
            let model = s.decision.plan[0].clone();
            s.decision.plan.insert(0, model);
        }),
        on(I::ActsOnUnknown, "nothing was observed", updates, |s| s.seen = None),
        on(I::ActsOnUnknown, "an endpoint in no status that is known", updates, |s| {
            s.endpoint().status = EndpointStatus::Unknown("Dreaming".to_owned());
        }),
        on(I::ActsOnUnknown, "a component in no status that is known", changes_component, |s| {
            s.component().status = ComponentStatus::Unknown("Dreaming".to_owned());
        }),
        on(I::ActsWhileHeld, "production is held", updates, |s| {
            let hold = Hold { at: any::at(-9), by: "ana".to_owned(), reason: "r".to_owned(), keeps: None };
            s.state.holds.insert("production".to_owned(), hold.clone());
            s.next().holds.insert("production".to_owned(), hold);
        }),
        on(I::HoldChanged, "a hold goes by itself", updates, |s| {
            let hold = Hold { at: any::at(-9), by: "ana".to_owned(), reason: "r".to_owned(), keeps: None };
            s.state.holds.insert("production".to_owned(), hold);
        }),
        on(I::HoldChanged, "a hold comes by itself", held, |s| s.trigger = Trigger::Sweep),
        on(I::HoldChanged, "a hold is released by nobody", released, |s| s.trigger = Trigger::Sweep),
        on(I::NoFollowUpScheduled, "a component without a look", changes_component, |s| {
            s.decision.plan.pop();
        }),
        on(I::NoFollowUpScheduled, "to wait for a component without a look", waits_for_component, |s| {
            s.decision.plan.clear();
        }),
    ]
}

fn places() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::OutOfScope, "another endpoint", updates, |s| {
            let Step::Call(Action::UpdateEndpoint { name, .. }) = &mut s.decision.plan[2] else {
                unreachable!()
            };
            *name = "other".to_owned();
        }),
        on(I::OutOfScope, "another component", changes_component, |s| {
            let Step::Call(Action::UpdateComponent { component, .. }) = &mut s.decision.plan[1] else {
                unreachable!()
            };
            component.name = "other".to_owned();
        }),
        on(I::OutOfScope, "another environment's function", updates, |s| {
            s.site.environment = "staging".to_owned();
            s.site.account = "444455556666".to_owned();
        }),
        on(I::OutOfScope, "an account that the policy does not name", updates, |s| {
            s.site.account = "123456789012".to_owned();
        }),
        on(I::OutOfScope, "no policy", updates, |s| s.policy = None),
        on(I::OutOfScope, "a request for another account", updates, |s| {
            s.request().environment_account = "123456789012".to_owned();
            s.flies().request.environment_account = "123456789012".to_owned();
        }),
        on(I::OutOfScope, "a request for another model", updates, |s| {
            s.request().model = "other".to_owned();
            s.flies().request.model = "other".to_owned();
        }),
        on(I::OutOfScope, "a look for another environment", changes_component, |s| {
            let Step::ScheduleCheck { check, .. } = &mut s.decision.plan[2] else { unreachable!() };
            check.environment = "staging".to_owned();
        }),
        on(I::OutOfScope, "a look for another model", changes_component, |s| {
            let Step::ScheduleCheck { check, .. } = &mut s.decision.plan[2] else { unreachable!() };
            check.model = "other".to_owned();
        }),
        on(I::OutOfScope, "a request for another region", updates, |s| {
            s.request().region = "eu-west-1".to_owned();
            s.flies().request.region = "eu-west-1".to_owned();
        }),
        on(I::OutOfScope, "a look at another deployment", changes_component, |s| {
            let Step::ScheduleCheck { check, .. } = &mut s.decision.plan[2] else { unreachable!() };
            check.subject = "r".to_owned();
        }),
        on(I::UnauthorizedSender, "another account than the hub", updates, |s| {
            s.trigger = Trigger::Request { from: "123456789012".to_owned(), request: request(7, 0) };
        }),
        on(I::UnauthorizedSender, "a stranger's request is remembered", updates, |s| {
            s.trigger = Trigger::Request { from: "123456789012".to_owned(), request: request(7, 0) };
            s.decision.plan.clear();
            s.decision.verdict = Verdict::Ignore;
        }),
        on(I::OlderReplacesNewer, "a later request was taken up", updates, |s| {
            let (version, requested_at) = (8, any::at(1));
            s.state.newest_request = Some(NewestRequest { version, requested_at, approved_at: None });
        }),
        on(I::OlderReplacesNewer, "a later approval was taken up", updates, |s| {
            let (version, requested_at) = (8, any::at(-9));
            s.state.newest_request =
                Some(NewestRequest { version, requested_at, approved_at: Some(any::at(-10)) });
        }),
        on(I::NotApproved, "the registry says rejected", updates, |s| {
            s.seen().approval = Some(ApprovalStatus::Rejected);
        }),
        on(I::NotApproved, "the registry cannot be read", updates, |s| s.seen().approval = None),
        on(I::WrongPackage, "a model of another package", updates, |s| {
            let Step::Call(Action::CreateModel(model)) = &mut s.decision.plan[0] else { unreachable!() };
            model.package_arn = any::arn(6);
        }),
        on(I::SettingChanged, "a model that lost its network", updates, |s| {
            let vpc = r#"{ "subnets": ["subnet-1"], "securityGroups": ["sg-1"] }"#;
            s.production().endpoint.model.vpc = Some(serde_json::from_str(vpc).unwrap());
        }),
        on(I::SettingChanged, "a model that lost its role", updates, |s| {
            let role = "arn:aws:iam::777788889999:role/churn".parse().unwrap();
            s.production().endpoint.model.execution_role = Some(role);
        }),
        on(I::SettingChanged, "a model with variables that nobody set", updates, |s| {
            let Step::Call(Action::CreateModel(model)) = &mut s.decision.plan[0] else { unreachable!() };
            model.settings.environment.insert("A".to_owned(), "b".to_owned());
        }),
        on(I::SettingChanged, "a configuration that lost its capture", updates, |s| {
            let capture = r#"{ "percent": 20, "to": "s3://acme-ml/churn/" }"#;
            s.production().capture = Some(serde_json::from_str(capture).unwrap());
        }),
        on(I::SettingChanged, "a configuration that lost its queue", updates, |s| {
            any::serve(s.production(), EndpointKind::Async);
        }),
        on(I::SettingChanged, "a configuration that lost the key of its answers", updates, |s| {
            let EndpointSpec::RealTime(spec) = &mut s.production().endpoint.spec else { unreachable!() };
            let output = Some("alias/churn".parse().unwrap());
            spec.instances.kms = Some(Kms { output, ..Kms::default() });
        }),
        on(I::NotTagged, "a model without the tags of the policy", updates, |s| {
            s.policy.as_mut().unwrap().tags.insert("team".to_owned(), "growth".to_owned());
        }),
        on(I::NotTagged, "an endpoint with another value", updates, |s| {
            s.production().tags.insert("team".to_owned(), "growth".to_owned());
            for step in &mut s.decision.plan {
                let tag = ("team".to_owned(), "growth".to_owned());
                match step {
                    Step::Call(Action::CreateModel(model)) => model.tags.push(tag),
                    Step::Call(Action::CreateEndpointConfig(config)) => config.tags.push(tag),
                    _ => {}
                }
            }
            s.seen().endpoint_tags.as_mut().unwrap().insert("team".to_owned(), "ads".to_owned());
        }),
        on(I::NotTagged, "a component without the tags of the environment", changes_component, |s| {
            s.production().tags.insert("team".to_owned(), "growth".to_owned());
            if let Step::Call(Action::CreateModel(model)) = &mut s.decision.plan[0] {
                model.tags.push(("team".to_owned(), "growth".to_owned()));
            }
        }),
        on(I::WrongPackage, "a request for another group's package", updates, |s| {
            s.policy.as_mut().unwrap().registry.group = "fraud".parse().unwrap();
        }),
        on(I::WrongPackage, "a request whose version is not its package's", updates, |s| {
            s.request().version = 6
        }),
    ]
}

fn calls() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::WrongPackage, "the endpoint before its configuration", updates, |s| s.decision.plan.swap(1, 2)),
        on(I::WrongPackage, "a component without its model", changes_component, |s| {
            s.decision.plan.remove(0);
        }),
        on(I::ResourceBusy, "the endpoint is updating", updates, |s| {
            s.endpoint().status = EndpointStatus::Updating
        }),
        on(I::ResourceBusy, "the endpoint has failed", updates, |s| {
            s.endpoint().status = EndpointStatus::Failed
        }),
        on(I::ResourceBusy, "the endpoint is there already", creates, |s| {
            s.seen().endpoint = updates().seen().endpoint.clone();
        }),
        on(I::ResourceBusy, "the component is updating", changes_component, |s| {
            s.component().status = ComponentStatus::Updating;
        }),
        on(I::ResourceBusy, "the component's endpoint is updating", changes_component, |s| {
            s.endpoint().status = EndpointStatus::Updating;
        }),
        on(I::ResourceBusy, "the component is there already", changes_component, |s| {
            let Step::Call(Action::UpdateComponent { component, .. }) = s.decision.plan[1].clone() else {
                unreachable!()
            };
            s.decision.plan[1] = Step::Call(Action::CreateComponent { component, tags: Vec::new() });
        }),
        on(I::NotOurs, "the endpoint is another model's", updates, |s| {
            s.seen().endpoint_tags.as_mut().unwrap().insert("tidegate:model".to_owned(), "upsell".to_owned());
        }),
        on(I::NotOurs, "the endpoint is another environment's", updates, |s| {
            let tags = s.seen().endpoint_tags.as_mut().unwrap();
            tags.insert("tidegate:environment".to_owned(), "staging".to_owned());
        }),
        on(I::NotOurs, "nobody tagged the endpoint", updates, |s| s.seen().endpoint_tags = Some([].into())),
        on(I::NotOurs, "the endpoint's tags were not read", updates, |s| s.seen().endpoint_tags = None),
        on(I::NotOurs, "nobody tagged the component", changes_component, |s| {
            s.seen().component_tags = Some([].into());
        }),
        on(I::DeletesServing, "the policy does not allow it", recreates, |s| {
            s.policy.as_mut().unwrap().environments.last_mut().unwrap().endpoint.recreate_failed = false;
        }),
        on(I::DeletesServing, "the endpoint serves", recreates, |s| {
            s.endpoint().status = EndpointStatus::InService;
        }),
        on(I::DeletesServing, "it is another environment's", recreates, |s| {
            s.seen().endpoint_tags = Some(any::tags("staging"));
        }),
        on(I::DeletesServing, "nobody read its tags", recreates, |s| s.seen().endpoint_tags = None),
        on(I::DeletesServing, "it was in service once", recreates, |s| {
            s.state.in_service.endpoint = Some(any::at(-620));
        }),
        on(I::DeletesServing, "a version was live", recreates, |s| s.state.live = Some(live())),
        on(I::DeletesServing, "it was created since", recreates, |s| {
            s.endpoint().created = Some(any::at(-1));
        }),
        on(I::DeletesServing, "the component is on this endpoint", recreates_component, |s| {
            s.endpoint().created = Some(any::at(-900));
        }),
        on(I::DeletesServing, "the component serves elsewhere", recreates_component, |s| {
            s.component().endpoint = Some("upsell".to_owned());
        }),
        on(I::DeletesServing, "the component is another model's", recreates_component, |s| {
            s.seen().component_tags = None;
        }),
        on(I::RollbackUndone, "the same again after a rollback", rolled_back, |s| {
            let again = updates().decision;
            let in_flight = again.state.as_ref().unwrap().in_flight.clone();
            s.decision = Deploy { state: Some(State { in_flight, ..s.state.clone() }), ..again };
        }),
    ]
}

fn looks() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::UnverifiedSuccess, "the sample was not answered", succeeds, |s| {
            s.seen().probe = Some(Probe::Failed("500".to_owned()));
        }),
        on(I::UnverifiedSuccess, "the sample was answered with an error", succeeds, |s| {
            s.seen().probe = Some(Probe::Answered(500));
        }),
        on(I::UnverifiedSuccess, "nobody asked", succeeds, |s| s.seen().probe = None),
        on(I::UnverifiedSuccess, "an image that the package does not have", succeeds, |s| {
            s.seen().containers = vec![container()];
            s.endpoint().images = vec![image("i:2", None)];
        }),
        on(I::UnverifiedSuccess, "an image with another digest", succeeds, |s| {
            s.seen().containers = vec![container()];
            s.endpoint().images = vec![image("i:1", Some("i@sha256:2"))];
        }),
        on(I::UnverifiedSuccess, "a model of another package", succeeds, |s| {
            let package = Some("arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/6".to_owned());
            let container = RunningContainer { package, ..RunningContainer::default() };
            s.seen().model = Some(RunningModel { containers: vec![container] });
        }),
        on(I::UnverifiedSuccess, "model data that the package does not have", succeeds, |s| {
            s.seen().containers = vec![container()];
            let model_data = Some("s3://b/another".to_owned());
            let container = RunningContainer { model_data, ..RunningContainer::default() };
            s.seen().model = Some(RunningModel { containers: vec![container] });
        }),
        on(I::UnverifiedSuccess, "a shadow variant", succeeds, |s| {
            let shadow_variants = vec!["Mirror".to_owned()];
            s.seen().running_config = Some(RunningConfig { shadow_variants, ..RunningConfig::default() });
        }),
        on(I::UnverifiedSuccess, "a variant with another model", succeeds, |s| {
            let models = vec!["churn-by-hand".to_owned()];
            s.seen().running_config = Some(RunningConfig { models, ..RunningConfig::default() });
        }),
        on(I::UnverifiedSuccess, "the old configuration runs", succeeds, |s| {
            s.endpoint().config = Some(live().config);
        }),
        on(I::UnverifiedSuccess, "it is still updating", succeeds, |s| {
            s.endpoint().status = EndpointStatus::Updating
        }),
        on(I::ActsOnUnknown, "failed, in no status that is known", rolled_back, |s| {
            s.endpoint().status = EndpointStatus::Unknown("Dreaming".to_owned());
        }),
    ]
}

fn container() -> Container {
    Container {
        image: Some("i:1".to_owned()),
        image_digest: Some("sha256:1".to_owned()),
        model_data_url: Some("s3://b/m".to_owned()),
        ..Container::default()
    }
}

fn image(specified: &str, resolved: Option<&str>) -> DeployedImage {
    DeployedImage { specified: specified.to_owned(), resolved: resolved.map(str::to_owned) }
}

fn ends() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::ReportMismatch, "a rollback, reported as a success", rolled_back, |s| {
            s.finished().outcome = DeploymentOutcome::Succeeded;
        }),
        on(I::ReportMismatch, "a success that is not reported", succeeds, |s| s.decision.plan.clear()),
        on(I::ReportMismatch, "the report of another request", succeeds, |s| {
            s.finished().request_id = "r".to_owned()
        }),
        on(I::ReportMismatch, "the report of another version", succeeds, |s| s.finished().version = 6),
        on(I::ReportMismatch, "the report of another package", succeeds, |s| {
            s.finished().package_arn = any::arn(6);
        }),
        on(I::ReportMismatch, "the report of another model", succeeds, |s| {
            s.finished().model = "other".to_owned()
        }),
        on(I::ReportMismatch, "the report of another environment", succeeds, |s| {
            s.finished().environment = "staging".to_owned();
        }),
        on(I::ReportMismatch, "the report of another account", succeeds, |s| {
            s.finished().environment_account = "123456789012".to_owned();
        }),
        on(I::UnverifiedSuccess, "another configuration is said to be requested", succeeds, |s| {
            s.finished().requested_config = None;
        }),
        on(I::ReportMismatch, "another configuration is said to run", rolled_back, |s| {
            s.finished().running_config = None;
        }),
        on(I::ReportMismatch, "a rollback that is still under way", rolled_back, |s| {
            s.endpoint().status = EndpointStatus::RollingBack;
        }),
        on(I::ActsOnUnknown, "a rollback that nobody saw", rolled_back, |s| s.seen = None),
        on(I::ReportMismatch, "a rollback where the new one runs", succeeds, |s| {
            s.decision.verdict = Verdict::RolledBackSilently;
        }),
        on(I::ReportMismatch, "a report in the middle", waits_for_component, |s| {
            s.decision.plan.extend(succeeds().decision.plan);
        }),
        on(I::NotificationMissing, "a rejected version serves", serves_rejected, |s| {
            s.decision.plan.pop();
        }),
        on(I::ReportMismatch, "rejected, and still under way", serves_rejected, |s| {
            s.endpoint().status = EndpointStatus::Updating;
        }),
    ]
}

fn memory() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![on(I::ActsOnUnknown, "the reason is that nobody knows the model", updates, |s| {
        s.decision.reason = Reason::Unmanaged { what: "churn".to_owned() };
    })]
}

fn live_version() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::NotificationMissing, "a failed endpoint without a message", live_failed, |s| {
            s.decision.verdict = Verdict::NoChange;
            s.decision.plan.clear();
        }),
        on(I::HealthUnproven, "a failure that nobody saw", live_failed, |s| {
            s.endpoint().status = EndpointStatus::InService;
        }),
        on(I::HealthUnproven, "gone, and nothing was read", live_gone, |s| s.seen = None),
        on(I::HealthUnproven, "gone, and it only changes", live_failed, |s| {
            s.endpoint().status = EndpointStatus::Updating;
        }),
        on(I::HealthUnproven, "healthy again while it changes", live_recovered, |s| {
            s.endpoint().status = EndpointStatus::Updating;
        }),
        on(I::OutOfScope, "it is repaired without a request", live_gone, |s| {
            s.decision.plan.extend(creates().decision.plan);
        }),
    ]
}

/// Every invariant that is broken here.
pub(super) fn all() -> BTreeSet<Invariant> {
    broken(&breaks())
}
