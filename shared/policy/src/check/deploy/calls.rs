//! What holds for the calls that change an endpoint.

use tidegate_events::{ApprovalStatus, DeploymentRequested, EndpointStatus};

use super::{Checker, Expected, asks_component};
use crate::check::{Invariant, package};
use crate::deploy::{Action, ComponentStatus, Snapshot};
use crate::step::Step;

impl Checker<'_> {
    /// Holds everything that must hold before SageMaker is told to change anything.
    pub(super) fn calls(&mut self, plan: &[Step<Action>], seen: Option<&Snapshot>) {
        // After a release it is what stands then that counts. Only holds that concern this environment are kept here.
        let held = self.after.hold();
        self.violations.require(held.is_none(), Invariant::ActsWhileHeld, || format!("held by {held:?}"));
        let (Some(request), Some(environment)) = (self.request.cloned(), self.environment) else {
            return self
                .violations
                .require(false, Invariant::OutOfScope, || "no request for this environment".to_owned());
        };
        self.place(&request);
        self.package(&request);
        let Some(seen) = seen else {
            return self
                .violations
                .require(false, Invariant::ActsOnUnknown, || "nothing was observed".to_owned());
        };
        let approved = seen.approval == Some(ApprovalStatus::Approved);
        self.violations
            .require(approved, Invariant::NotApproved, || format!("the registry says {:?}", seen.approval));
        let Some(expected) = Expected::of(environment, &request) else {
            return self.violations.require(false, Invariant::PolicyMismatch, || {
                "the policy describes no endpoint that can be made".to_owned()
            });
        };
        for (index, step) in plan.iter().enumerate() {
            self.described(step, &expected, &request);
            self.made_before(plan.get(..index).unwrap_or_default(), step);
            self.in_service(step, &expected, seen);
            self.not_rolled_back(step, seen);
        }
    }

    /// The request is for here.
    fn place(&mut self, request: &DeploymentRequested) {
        let site = self.site;
        let here = request.environment == site.environment
            && request.environment_account == site.account
            && request.region == site.region
            && self.policy.is_some_and(|policy| request.model == policy.model.as_str());
        self.violations.require(here, Invariant::OutOfScope, || {
            format!("the request is for {} in {}", request.environment, request.environment_account)
        });
    }

    fn package(&mut self, request: &DeploymentRequested) {
        let group = self.policy.map(|policy| policy.registry.group.as_str()).unwrap_or_default();
        let (hub, region) = (&self.site.hub_account, &self.site.region);
        let right = package::is_version(&request.package_arn, hub, region, group, request.version);
        self.violations.require(right, Invariant::WrongPackage, || {
            format!("{} is not version {} of {group}", request.package_arn, request.version)
        });
    }

    /// Names, sizes, alarms and tags are what the policy describes.
    fn described(&mut self, step: &Step<Action>, expected: &Expected, request: &DeploymentRequested) {
        let (thing, named, as_said) = match step {
            Step::Call(Action::CreateModel { name, package_arn }) => {
                let right = *package_arn == request.package_arn;
                self.violations.require(right, Invariant::WrongPackage, || {
                    format!("the model is made of {package_arn}, requested was {}", request.package_arn)
                });
                (name, *name == expected.model, true)
            }
            Step::Call(Action::CreateEndpointConfig { name, variant }) => {
                (name, *name == expected.config, *variant == expected.variant)
            }
            Step::Call(Action::CreateEndpoint { name, config, tags }) => {
                let tag = |key: &str, value: &str| tags.iter().any(|(k, v)| k == key && v == value);
                let tagged = tag("tidegate:model", &request.model)
                    && tag("tidegate:environment", &request.environment);
                self.endpoint(name, expected);
                (config, *config == expected.config, tagged)
            }
            Step::Call(Action::UpdateEndpoint { name, config, rollout }) => {
                self.endpoint(name, expected);
                (config, *config == expected.config, *rollout == expected.rollout)
            }
            Step::Call(Action::CreateComponent { component } | Action::UpdateComponent { component }) => {
                self.endpoint(&component.name, expected);
                self.endpoint(&component.endpoint, expected);
                (
                    &component.model,
                    component.model == expected.model,
                    Some(component) == expected.component.as_ref(),
                )
            }
            Step::ScheduleCheck { .. }
            | Step::ReportDeployment { .. }
            | Step::Notify { .. }
            | Step::RequestDeployment { .. }
            | Step::RequestRetraining { .. } => return,
        };
        self.violations.name("model or configuration", thing);
        self.violations.require(named, Invariant::NonDeterministicName, || {
            format!("`{thing}` is neither {} nor {}", expected.model, expected.config)
        });
        self.violations.require(as_said, Invariant::PolicyMismatch, || format!("{step:?}"));
    }

    fn endpoint(&mut self, name: &str, expected: &Expected) {
        self.violations.require(name == expected.endpoint, Invariant::OutOfScope, || {
            format!("`{name}` is not {}", expected.endpoint)
        });
    }

    /// What an action uses was made by one before it.
    fn made_before(&mut self, before: &[Step<Action>], step: &Step<Action>) {
        let model = |used: &str| {
            before.iter().any(|a| matches!(a, Step::Call(Action::CreateModel { name, .. }) if name == used))
        };
        let config = |used: &str| {
            before
                .iter()
                .any(|a| matches!(a, Step::Call(Action::CreateEndpointConfig { name, .. }) if name == used))
        };
        let made = match step {
            Step::Call(Action::CreateEndpointConfig { variant, .. }) => variant.model().is_none_or(model),
            Step::Call(
                Action::CreateEndpoint { config: used, .. } | Action::UpdateEndpoint { config: used, .. },
            ) => config(used),
            Step::Call(Action::CreateComponent { component } | Action::UpdateComponent { component }) => {
                model(&component.model)
            }
            Step::Call(Action::CreateModel { .. })
            | Step::ScheduleCheck { .. }
            | Step::ReportDeployment { .. }
            | Step::Notify { .. }
            | Step::RequestDeployment { .. }
            | Step::RequestRetraining { .. } => true,
        };
        self.violations
            .require(made, Invariant::OutOfOrder, || format!("{step:?} uses what was not made before it"));
    }

    /// Only what is in service is changed, and only what is absent is made. SageMaker refuses an update of an endpoint
    /// that is changing, and nobody knows what an unknown status means.
    fn in_service(&mut self, step: &Step<Action>, expected: &Expected, seen: &Snapshot) {
        let endpoint = seen.endpoint.as_ref();
        let component = seen.component.as_ref();
        let serves = endpoint.is_some_and(|e| e.status == EndpointStatus::InService);
        let wanted_runs = serves && endpoint.and_then(|e| e.config.as_ref()) == Some(&expected.config);
        let free = match step {
            Step::Call(Action::CreateEndpoint { .. }) => endpoint.is_none(),
            Step::Call(Action::UpdateEndpoint { .. }) => serves,
            Step::Call(Action::CreateComponent { .. }) => wanted_runs && component.is_none(),
            Step::Call(Action::UpdateComponent { .. }) => {
                wanted_runs && component.is_some_and(|c| c.status == ComponentStatus::InService)
            }
            _ => true,
        };
        self.violations.require(free, Invariant::ResourceBusy, || {
            format!("{step:?} with {endpoint:?} and {component:?}")
        });
        let unknown = endpoint.is_some_and(|e| matches!(e.status, EndpointStatus::Unknown(_)))
            || (asks_component(step)
                && component.is_some_and(|c| matches!(c.status, ComponentStatus::Unknown(_))));
        self.violations
            .require(!unknown, Invariant::ActsOnUnknown, || format!("{endpoint:?} and {component:?}"));
    }

    /// What changed after it was told to, and still is not what was asked for, was rolled back.
    fn not_rolled_back(&mut self, step: &Step<Action>, seen: &Snapshot) {
        let Some(asked) = self.state.in_flight.as_ref().filter(|f| Some(&f.request) == self.request) else {
            return;
        };
        let (asked, looked, changed) = match step {
            Step::Call(Action::UpdateEndpoint { .. }) => {
                let changed = seen.endpoint.as_ref().and_then(|e| e.last_modified);
                (asked.endpoint_update_requested_at, asked.endpoint_modified_before, changed)
            }
            Step::Call(Action::UpdateComponent { .. }) => {
                let changed = seen.component.as_ref().and_then(|c| c.last_modified);
                (asked.component_update_requested_at, asked.component_modified_before, changed)
            }
            _ => return,
        };
        let back = asked.zip(changed).is_some_and(|(asked, changed)| changed > looked.unwrap_or(asked));
        self.violations.require(!back, Invariant::RollbackUndone, || {
            format!("asked {asked:?}, changed {changed:?}, and asked again: {step:?}")
        });
    }
}
