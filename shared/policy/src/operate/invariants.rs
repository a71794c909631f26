//! Safety invariants of operate.

use tidegate_events::{Command, Order};

use super::{Action, MAX_SKEW, NAME, Operate, Snapshot};
use crate::check::{Effect, Invariant, Scope, Violation, Violations, effect};
use crate::controller::Context;
use crate::file::Policy;
use crate::names::PeopleGroup;
use crate::principal::Principal;
use crate::step::Step;

/// Every invariant that a decision violates.
pub(super) fn violations(
    cx: &Context<'_>,
    command: &Command,
    seen: &Snapshot,
    decision: &Operate,
) -> Vec<Violation> {
    let mut violations = Violations::default();
    let resource = rejected_package(cx, command);
    violations.plan(decision, &Scope { cx, function: NAME, resource: &resource, component: &resource });
    for step in &decision.plan {
        let skew = command.received_at.duration_since(command.sent_at).abs();
        violations.require(skew <= MAX_SKEW, Invariant::CommandNotProven, || {
            format!("sent at {}, received at {}", command.sent_at, command.received_at)
        });
        match (effect(step), step) {
            (Effect::Command(order), _) => passed_on(cx, command, seen, order, &mut violations),
            (_, Step::Call(Action::RejectPackage { .. })) => {
                let commanded = matches!(command.order, Order::Reject(_)) && may(cx, command, None);
                violations.require(commanded, Invariant::CommandNotProven, || format!("{step:?}"));
            }
            _ => violations.require(false, Invariant::OutOfScope, || format!("{step:?}")),
        }
    }
    violations.found()
}

/// Every invariant that the decision after a rejection violates.
pub(super) fn after_rejection(cx: &Context<'_>, decision: &Operate) -> Vec<Violation> {
    let mut violations = Violations::default();
    violations.plan_after_rejection(decision, &Scope { cx, function: NAME, resource: "", component: "" });
    violations.found()
}

/// A command is passed on as it was given, in the name of the caller, who may give it.
fn passed_on(
    cx: &Context<'_>,
    command: &Command,
    seen: &Snapshot,
    order: &Order,
    violations: &mut Violations,
) {
    let as_given = order.clone().given_by(&command.caller.arn) == command.order;
    violations
        .require(as_given, Invariant::CommandNotProven, || format!("{order:?} for {:?}", command.order));
    let caller = &command.caller;
    let by = order.by();
    let by = by.as_str();
    let of_caller =
        by.contains(&caller.account) && !caller.arn.ends_with(":root") && by.parse::<Principal>().is_ok();
    violations.require(of_caller, Invariant::CommandNotProven, || format!("{by} is not {}", caller.arn));
    violations.require(may(cx, command, Some(by)), Invariant::CommandNotProven, || format!("{by} may not"));
    if let Order::Approve(given) = order {
        let gate =
            cx.policy.and_then(|policy| policy.environment(&given.environment)?.gates.approvals.as_ref());
        let authors = &seen.authors;
        let author = gate.is_some_and(|gate| gate.not_author) && (authors.is_empty() || authors.contains(by));
        violations.require(gate.is_some() && !author, Invariant::ApprovalsMissing, || {
            format!("{by} approves {given:?}")
        });
    }
}

/// Whether the caller is in one of the groups that the policy names for the command. Where it names none, the stack
/// admits roles of its own account.
fn may(cx: &Context<'_>, command: &Command, by: Option<&str>) -> bool {
    let caller = &command.caller;
    let by = by.map_or_else(|| Principal::of_arn(&caller.arn).ok(), |by| by.parse().ok());
    let wanted = cx.policy.map_or(&[] as &[PeopleGroup], |policy| named(policy, &command.order));
    let mut members = wanted.iter().filter_map(|group| cx.policy?.groups.get(group.as_str())).flatten();
    if wanted.is_empty() {
        return caller.account == cx.site.account && !cx.site.operators.is_empty();
    }
    by.is_some_and(|by| members.any(|member| member.admits(&by)))
}

fn named<'p>(policy: &'p Policy, order: &Order) -> &'p [PeopleGroup] {
    if let Order::Approve(given) = order
        && let Some(environment) = policy.environment(&given.environment)
        && let Some(approvals) = &environment.gates.approvals
        && !approvals.groups.is_empty()
    {
        return &approvals.groups;
    }
    &policy.operators
}

/// The package that the command rejects: a version of the policy's group.
fn rejected_package(cx: &Context<'_>, command: &Command) -> String {
    match (&command.order, cx.policy) {
        (Order::Reject(rejected), Some(policy)) => {
            let tail = format!("model-package/{}/{}", policy.registry.group, rejected.version);
            let site = cx.site;
            let partition = crate::arn::partition_of(&site.region);
            format!("arn:{partition}:sagemaker:{}:{}:{tail}", site.region, site.account)
        }
        _ => String::new(),
    }
}
