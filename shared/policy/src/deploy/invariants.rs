//! Safety invariants of deploy.

mod consists;
mod deletion;
mod end;
mod live;
mod tags;

use jiff::Timestamp;
use tidegate_events::{ApprovalStatus, DeploymentRequested, EndpointStatus, is_ahead};

use super::{Action, ComponentStatus, Deploy, NAME, Snapshot, State, Trigger};
use crate::check::{
    Change, Effect, HasEffect, HoldCommand, Invariant, Scope, Violation, Violations, effect, is_version,
};
use crate::controller::Context;
use crate::decision::Verdict;
use crate::fingerprint::short;
use crate::step::Step;

impl HasEffect for Action {
    fn effect(&self) -> Effect<'_> {
        match self {
            Self::CreateModel(model) => Effect::Prepare { name: &model.name },
            Self::CreateEndpointConfig(config) => Effect::Prepare { name: &config.name },
            Self::AddTags { resource, .. } => Effect::Annotate { resource },
            Self::CreateEndpoint { name, .. } | Self::UpdateEndpoint { name, .. } => {
                Effect::Change { resource: name, change: Change::Define }
            }
            Self::CreateComponent { component, .. } | Self::UpdateComponent { component, .. } => {
                Effect::Change { resource: &component.name, change: Change::Define }
            }
            Self::DeleteEndpoint { name, .. } | Self::DeleteComponent { name, .. } => {
                Effect::Change { resource: name, change: Change::Delete }
            }
        }
    }
}

/// Every invariant that a decision violates. `seen` is the snapshot, if there is one.
pub(super) fn violations(
    cx: &Context<'_>,
    state: &State,
    trigger: &Trigger,
    seen: Option<&Snapshot>,
    decision: &Deploy,
) -> Vec<Violation> {
    let mut violations = Violations::default();
    violations.plan(decision, &scope(cx));
    let after = decision.state.as_ref().unwrap_or(state);
    let command = match trigger {
        Trigger::Hold(hold) => HoldCommand::Hold(hold),
        Trigger::Release(release) => HoldCommand::Release(release),
        _ => HoldCommand::Nothing,
    };
    violations.holds((&state.holds, &state.released), (&after.holds, &after.released), command, cx.now);
    let in_flight = state.in_flight.as_ref().map(|in_flight| &in_flight.request);
    let request = match trigger {
        Trigger::Request { from, .. } if *from != cx.site.hub_account => {
            violations.ignores_sender(from, state, decision);
            in_flight
        }
        Trigger::Request { request, .. } if in_flight.is_none_or(|f| f.request_id != request.request_id) => {
            Some(request)
        }
        _ => in_flight,
    };
    let asked = match trigger {
        Trigger::Request { request, .. } => Some(request),
        _ => None,
    };
    let mut checker = Checker { cx, state, after, request, asked, violations };
    if let Some(request) = request.filter(|request| Some(*request) != in_flight) {
        checker.newest(request, decision);
    }
    checker.follow_up(decision, seen);
    if decision.plan.iter().any(|step| effect(step).acts()) {
        checker.calls(&decision.plan, seen);
    }
    checker.end(decision, seen);
    checker.live_version(decision, seen);
    checker.violations.found()
}

/// Every invariant that the decision after a rejection violates.
pub(super) fn after_rejection(cx: &Context<'_>, state: &State, decision: &Deploy) -> Vec<Violation> {
    let mut violations = Violations::default();
    violations.plan_after_rejection(decision, &scope(cx));
    let after = decision.state.as_ref().unwrap_or(state);
    violations.holds(
        (&state.holds, &state.released),
        (&after.holds, &after.released),
        HoldCommand::Nothing,
        cx.now,
    );
    let request = state.in_flight.as_ref().map(|in_flight| &in_flight.request);
    let mut checker = Checker { cx, state, after, request, asked: None, violations };
    checker.after_rejection(decision);
    checker.violations.found()
}

fn scope<'a>(cx: &'a Context<'a>) -> Scope<'a> {
    let endpoint = cx.environment().map(|environment| &environment.endpoint);
    let resource = endpoint.map_or("", |endpoint| endpoint.name.as_str());
    let component = endpoint.map_or("", |endpoint| endpoint.served_name());
    Scope { cx, function: NAME, resource, component }
}

struct Checker<'a> {
    cx: &'a Context<'a>,
    state: &'a State,
    after: &'a State,
    /// The current request: the one that has arrived, or the one in flight.
    request: Option<&'a DeploymentRequested>,
    /// The request that has arrived, whether or not it is accepted.
    asked: Option<&'a DeploymentRequested>,
    violations: Violations,
}

impl Checker<'_> {
    /// A request that is accepted is not older than the newest one that was accepted.
    fn newest(&mut self, request: &DeploymentRequested, decision: &Deploy) {
        let accepted = self.after.in_flight.as_ref().is_some_and(|f| f.request == *request)
            || end::outcome_of(decision.verdict).is_some();
        let in_flight =
            self.state.in_flight.as_ref().map(|f| (f.request.requested_at, f.request.approved_at));
        let newest =
            self.state.newest_request.as_ref().map(|n| (n.requested_at, n.approved_at)).or(in_flight);
        let (now, asked) = (self.cx.now, (request.requested_at, request.approved_at));
        // An early version accepted times in the future.
        let newest = newest.filter(|newest| !is_ahead(newest.0, now));
        let newest = newest.map(|(at, approved)| (at, approved.filter(|at| !is_ahead(*at, now))));
        let older = newest.is_some_and(|newest| is_older(asked, newest));
        self.violations.require(!accepted || !older, Invariant::OlderReplacesNewer, || {
            format!("requested at {}, the newest is {newest:?}", request.requested_at)
        });
    }

    /// A resource that sends no event has a scheduled check: a component, and an endpoint that is already in service.
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>
    fn follow_up(&mut self, decision: &Deploy, seen: Option<&Snapshot>) {
        let changes_component = |step: &Step<Action>| {
            matches!(
                step,
                Step::Call(
                    Action::CreateComponent { .. }
                        | Action::UpdateComponent { .. }
                        | Action::DeleteEndpoint { .. }
                        | Action::DeleteComponent { .. }
                )
            )
        };
        let waits = decision.verdict == Verdict::Wait && self.after.hold().is_none();
        let needed = (waits && seen.is_some_and(in_service)) || decision.plan.iter().any(changes_component);
        let scheduled = self.scheduled(decision);
        self.violations.require(scheduled || !needed, Invariant::NoFollowUpScheduled, || {
            format!("{} with the plan {:?}", decision.verdict, decision.plan)
        });
    }

    /// Whether a check is scheduled. It must concern the current request.
    fn scheduled(&mut self, decision: &Deploy) -> bool {
        let mut scheduled = false;
        for step in &decision.plan {
            let Effect::ScheduleCheck { check, .. } = effect(step) else { continue };
            scheduled = true;
            let ours = self.request.is_some_and(|request| request.request_id == check.subject);
            self.violations.require(ours, Invariant::OutOfScope, || format!("{step:?}"));
        }
        scheduled
    }

    /// The conditions for changing anything in SageMaker.
    fn calls(&mut self, plan: &[Step<Action>], seen: Option<&Snapshot>) {
        // After a release, the holds that remain count. The state stores only holds that concern this environment.
        self.violations.not_held(self.after.hold());
        let Some(request) = self.request else {
            return self
                .violations
                .require(false, Invariant::OutOfScope, || "nothing is requested".to_owned());
        };
        self.package(request);
        let Some(seen) = seen else {
            return self
                .violations
                .require(false, Invariant::ActsOnUnknown, || "nothing was observed".to_owned());
        };
        let approved = seen.approval == Some(ApprovalStatus::Approved);
        self.violations
            .require(approved, Invariant::NotApproved, || format!("the registry says {:?}", seen.approval));
        let same =
            request.artifacts.is_none() || seen.artifacts.is_none() || request.artifacts == seen.artifacts;
        self.violations
            .require(same, Invariant::NotApproved, || format!("{} was changed", request.package_arn));
        for (index, step) in plan.iter().enumerate() {
            self.uses_only(step, request, plan.get(..index).unwrap_or_default());
            self.has_settings(step);
            self.free(step, seen);
            self.deletes(step, seen);
            self.not_rolled_back(step, seen);
            self.ours(step, seen);
            self.tagged(step, plan, seen);
        }
    }

    /// The request is for this environment, and for a package of the policy's group in the hub's registry.
    fn package(&mut self, request: &DeploymentRequested) {
        let (site, policy) = (self.cx.site, self.cx.policy);
        let here = request.environment == site.environment
            && request.environment_account == site.account
            && request.region == site.region
            && policy.is_some_and(|policy| request.model == policy.model.as_str());
        self.violations.require(here, Invariant::OutOfScope, || format!("{request:?}"));
        let group = policy.map_or("", |policy| policy.registry.group.as_str());
        let right = is_version(&request.package_arn, &site.hub_account, &site.region, group, request.version);
        self.violations.require(right, Invariant::WrongPackage, || {
            format!("{} is not version {} of {group}", request.package_arn, request.version)
        });
    }

    /// A model is created from the requested package, and a configuration or component uses only what the same plan
    /// created before it.
    fn uses_only(&mut self, step: &Step<Action>, request: &DeploymentRequested, before: &[Step<Action>]) {
        let made = |used: &str| {
            before.iter().any(|step| matches!(effect(step), Effect::Prepare { name } if name == used))
        };
        let right = match step {
            Step::Call(Action::CreateModel(model)) => model.package_arn == request.package_arn,
            Step::Call(Action::CreateEndpoint { config, .. } | Action::UpdateEndpoint { config, .. }) => {
                made(config)
            }
            Step::Call(
                Action::CreateComponent { component, .. } | Action::UpdateComponent { component, .. },
            ) => {
                let endpoint = self.cx.environment().map(|environment| environment.endpoint.name.as_str());
                Some(component.endpoint.as_str()) == endpoint && made(&component.model)
            }
            _ => true,
        };
        self.violations.require(right, Invariant::WrongPackage, || {
            format!("{step:?} for {} after {before:?}", request.package_arn)
        });
    }

    /// A model that loses its network, its isolation or its role, or a configuration that loses its capture, serves all
    /// the same, so nobody would notice.
    fn has_settings(&mut self, step: &Step<Action>) {
        let Some(environment) = self.cx.environment() else { return };
        let right = match step {
            Step::Call(Action::CreateModel(model)) => model.settings == environment.endpoint.model,
            Step::Call(Action::CreateEndpointConfig(config)) => {
                let host = config.settings.components.clone().unwrap_or_default();
                let wanted = &environment.endpoint.model;
                let hosted = (&host.vpc, host.network_isolation, &host.execution_role)
                    == (&wanted.vpc, wanted.network_isolation, &wanted.execution_role);
                let kms =
                    environment.endpoint.spec.behavior().instance_settings().and_then(|s| s.kms.clone());
                let kms = kms.unwrap_or_default();
                let set = &config.settings;
                let keys = (&set.volume_key, &set.capture_key, &set.output_key)
                    == (&kms.volume, &kms.capture, &kms.output);
                let queue = environment.endpoint.spec.behavior().async_settings();
                keys && set.async_inference.as_ref() == queue
                    && set.capture == environment.capture
                    && (config.variant.model().is_some() || hosted)
            }
            _ => true,
        };
        self.violations.require(right, Invariant::SettingChanged, || format!("{step:?}"));
    }

    /// Only a resource that is in service is changed, and only a resource that does not exist is created. SageMaker
    /// rejects an update of an endpoint that is changing, and the meaning of an unknown status is not known.
    fn free(&mut self, step: &Step<Action>, seen: &Snapshot) {
        let Snapshot { endpoint, component, .. } = seen;
        let of_component = component.as_ref().map(|component| &component.status);
        let (free, of_component) = match step {
            Step::Call(Action::CreateEndpoint { .. }) => (endpoint.is_none(), None),
            Step::Call(Action::UpdateEndpoint { .. }) => (in_service(seen), None),
            Step::Call(Action::CreateComponent { .. }) => {
                (in_service(seen) && of_component.is_none(), of_component)
            }
            Step::Call(Action::UpdateComponent { .. }) => {
                (in_service(seen) && of_component == Some(&ComponentStatus::InService), of_component)
            }
            _ => (true, None),
        };
        self.violations.require(free, Invariant::ResourceBusy, || {
            format!("{step:?} with {endpoint:?} and {component:?}")
        });
        let unknown = endpoint.as_ref().is_some_and(|e| matches!(e.status, EndpointStatus::Unknown(_)))
            || matches!(of_component, Some(ComponentStatus::Unknown(_)));
        self.violations
            .require(!unknown, Invariant::ActsOnUnknown, || format!("{endpoint:?} and {component:?}"));
    }

    /// What is changed has the tags of this model and environment. What has no such tag is changed only if the policy
    /// adopts it, or if it is a component that runs the model of a version that was deployed here.
    fn ours(&mut self, step: &Step<Action>, seen: &Snapshot) {
        let Some((policy, environment)) = self.cx.policy.zip(self.cx.environment()) else { return };
        let tags = match step {
            Step::Call(Action::UpdateEndpoint { .. }) => &seen.endpoint_tags,
            Step::Call(Action::UpdateComponent { .. }) => &seen.component_tags,
            _ => return,
        };
        let tag = |key: &str| tags.as_ref().and_then(|tags| tags.get(key)).map(String::as_str);
        let expected = [
            (tag("tidegate:model"), policy.model.as_str()),
            (tag("tidegate:environment"), environment.name.as_str()),
        ];
        let foreign = expected.iter().any(|(tag, wanted)| tag.is_some_and(|tag| tag != *wanted));
        let tagged = expected.iter().any(|(tag, _)| tag.is_some());
        let named =
            matches!(step, Step::Call(Action::UpdateComponent { .. })) && self.runs_a_deployed_model(seen);
        // An endpoint that several models share on purpose belongs to each of them.
        let of_endpoint = matches!(step, Step::Call(Action::UpdateEndpoint { .. }));
        let shared = of_endpoint && tag("tidegate:shared").is_some();
        let own = !foreign && !shared && (tagged || environment.adopt || named);
        let may = tags.is_some() && (own || (shared && environment.endpoint.is_shared()));
        self.violations
            .require(may, Invariant::NotOurs, || format!("{step:?} of what has the tags {tags:?}"));
    }

    fn runs_a_deployed_model(&self, seen: &Snapshot) -> bool {
        let Some(environment) = self.cx.environment() else { return false };
        let model = seen.component.as_ref().and_then(|component| component.model.as_ref());
        [&self.state.live, &self.state.previous].into_iter().flatten().any(|live| {
            let hash = short(&[&live.package_arn], 6);
            model == Some(&format!("{}-v{}-{hash}", environment.endpoint.served_name(), live.version))
        })
    }

    /// A resource that changed after the request, and still does not match it, was rolled back.
    fn not_rolled_back(&mut self, step: &Step<Action>, seen: &Snapshot) {
        let in_flight = self.state.in_flight.as_ref().filter(|f| Some(&f.request) == self.request);
        let Some(in_flight) = in_flight else { return };
        let (asked, looked, changed) = match step {
            Step::Call(Action::UpdateEndpoint { .. }) => (
                in_flight.endpoint_update_requested_at,
                in_flight.endpoint_modified_before,
                seen.endpoint.as_ref().and_then(|endpoint| endpoint.last_modified),
            ),
            Step::Call(Action::UpdateComponent { .. }) => (
                in_flight.component_update_requested_at,
                in_flight.component_modified_before,
                seen.component.as_ref().and_then(|component| component.last_modified),
            ),
            _ => return,
        };
        let back = asked.zip(changed).is_some_and(|(asked, changed)| changed > looked.unwrap_or(asked));
        self.violations.require(!back, Invariant::RollbackUndone, || {
            format!("asked {asked:?}, changed {changed:?}, and asked again: {step:?}")
        });
    }
}

fn in_service(seen: &Snapshot) -> bool {
    seen.endpoint.as_ref().is_some_and(|endpoint| endpoint.status == EndpointStatus::InService)
}

/// Whether a request is older than another: by the approval times of their versions, where both are known and differ,
/// because a request may be sent again long after it was replaced; otherwise by the request times.
fn is_older(request: (Timestamp, Option<Timestamp>), other: (Timestamp, Option<Timestamp>)) -> bool {
    match (request.1, other.1) {
        (Some(approved), Some(others)) if approved != others => approved < others,
        _ => request.0 < other.0,
    }
}
