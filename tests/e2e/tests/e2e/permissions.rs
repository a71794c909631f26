//! Roles have exactly the permissions that they use: no scenario is denied one, and each is used by a scenario.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use tidegate_sandbox::HUB;
use tidegate_world::ApiCall;

use crate::calm::calm;
use crate::dead_letters::dead_letters;
use crate::everything::everything;
use crate::hosting::hosting;
use crate::refused::refusals;
use crate::rollout::rollouts;
use crate::shared_run::block_on;
use crate::sweep::sweeps;
use crate::test_cloud::is_tidegates;

/// Roles of the templates that serve Tidegate itself; the others are SageMaker's, whose jobs are only modelled here.
const OURS: [&str; 9] = [
    "TrainRole",
    "PromoteRole",
    "OperateRole",
    "DeployRole",
    "RespondRole",
    "ScaleRole",
    "ScheduleRole",
    "SweepRole",
    CONNECTION,
];

/// The roles of the rules between the accounts. Their names say which they connect.
const CONNECTION: &str = "connection";

/// The permissions that no scenario uses: role (or any), statement, action (or any), and why.
const EXCEPTIONS: [(&str, &str, &str, &str); 22] = [
    ("*", "Logs", "*", "Lambda writes the log with the function's role; the emulator writes it as itself"),
    ("OperateRole", "Alert", "*", "people are told only if the registry refuses a rejection"),
    (
        "OperateRole",
        "DeadLetters",
        "*",
        "only its sweep is asynchronous, and it cannot fail: it reads nothing",
    ),
    ("OperateRole", "Reject", "*", "the scenario of commands rejects, in a cloud of its own"),
    (
        "DeployRole",
        "Alert",
        "*",
        "people are told only if the bus itself refuses a report to the hub for good",
    ),
    (
        "DeployRole",
        "EndpointKeys",
        "*",
        "a grant is created for the key of the volumes; the key of a capture needs none",
    ),
    (
        "DeployRole",
        "DeleteFailedComponent",
        "*",
        "no end-to-end scenario has a component that fails at first; scenario files delete one",
    ),
    (
        "ScheduleRole",
        "DeadLetters",
        "*",
        "Scheduler uses it when Lambda cannot be reached; here it always can",
    ),
    ("PromoteRole", "Alarms", "*", "no end-to-end scenario has a gate with alarms; scenario files have"),
    ("PromoteRole", "FeatureGroups", "*", "the local SageMaker has no Feature Store; scenario files have"),
    ("PromoteRole", "Artifacts", "*", "no end-to-end scenario has a gate with metrics; scenario files have"),
    ("PromoteRole", "ArtifactBuckets", "*", "S3 asks for it when a file does not exist"),
    ("PromoteRole", "ArtifactKeys", "*", "S3 uses it when a file is encrypted with a key"),
    ("PromoteRole", "Changes", "*", "a sweep asks for changes only in a fleet of more than fifty models"),
    ("DeployRole", "Changes", "*", "a sweep asks for changes only in a fleet of more than fifty models"),
    ("SweepRole", "DeadLetters", "*", "Scheduler uses it when Lambda cannot be reached; here it always can"),
    (
        "ScaleRole",
        "AutoScalingRole",
        "*",
        "asked once in an account's life, when the service-linked role is made",
    ),
    ("ScaleRole", "Instances", "*", "Application Auto Scaling asks whether its caller may, for an endpoint"),
    (
        "ScaleRole",
        "AutoScalingAsks",
        "sagemaker:DescribeEndpointConfig",
        "Application Auto Scaling asks whether its caller may, for an endpoint",
    ),
    ("ScaleRole", "AutoScaling", "application-autoscaling:De*", "asked when a policy no longer has a target"),
    (
        "ScaleRole",
        "Limits",
        "application-autoscaling:DescribeScalingPolicies",
        "asked when a policy no longer has a target",
    ),
    (
        "ScaleRole",
        "InferenceComponent",
        "sagemaker:DescribeInferenceComponent",
        "Application Auto Scaling asks whether its caller may; scale itself asks only after a refused change",
    ),
];

/// An action that a statement of a role allows on a resource.
#[derive(Debug, Clone, Deserialize)]
struct Granted {
    account: String,
    role: String,
    sid: String,
    action: String,
    resource: String,
}

/// An authorisation that was evaluated.
#[derive(Debug, Clone, Deserialize)]
struct Check {
    account: String,
    role: String,
    action: String,
    resource: String,
    allowed: bool,
}

/// The name in the template: `tidegate-hub-TrainRole-1A2B3C` is `TrainRole`.
fn logical(role: &str) -> &str {
    if role.contains("-to-tidegate-") {
        return CONNECTION;
    }
    role.rsplit('-').nth(1).unwrap_or(role)
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.get(at..).is_some_and(|tail| matches(after, tail)))
        }),
    }
}

impl Granted {
    fn allows(&self, check: &Check) -> bool {
        self.account == check.account
            && logical(&self.role) == logical(&check.role)
            && self.action.eq_ignore_ascii_case(&check.action)
            && matches(&self.resource, &check.resource)
    }

    fn is_excepted(&self) -> bool {
        EXCEPTIONS.iter().any(|(role, sid, action, _)| {
            matches(role, logical(&self.role)) && *sid == self.sid && matches(action, &self.action)
        })
    }

    /// The same permission in each account that has the same template.
    fn in_template(&self) -> (String, String, String, String) {
        let kind = self.resource.split([':', '/']).filter(|part| !part.contains("tidegate-"));
        let kind: Vec<_> = kind.filter(|part| !part.chars().all(|c| c.is_ascii_digit())).collect();
        (logical(&self.role).to_owned(), self.sid.clone(), self.action.clone(), kind.join(":"))
    }
}

/// The listed permissions. A statement whose parameter has no value has no resource, and grants nothing.
fn granted_in(listed: &str) -> Vec<Granted> {
    let all: Vec<Granted> = serde_json::from_str(listed).expect("roles.py lists permissions");
    all.into_iter().filter(|granted| !matches!(granted.resource.as_str(), "" | "/*")).collect()
}

fn checks(permissions: &Value) -> Vec<Check> {
    serde_json::from_value(permissions.clone()).expect("the emulator lists its checks")
}

#[test]
fn every_permission_of_the_templates_is_used() {
    let (calm, rollouts, sweeps, dead_letters, refusals) = block_on(async {
        (calm().await, rollouts().await, sweeps().await, dead_letters().await, refusals().await)
    });
    let (hosting, everything) = block_on(async { (hosting().await, everything().await) });
    let evaluated = [
        &calm.permissions,
        &rollouts.permissions,
        &sweeps.permissions,
        &dead_letters.permissions,
        &refusals.permissions,
        &hosting.permissions,
        &everything.permissions,
    ];
    let used: Vec<Check> = evaluated.into_iter().flat_map(checks).filter(|check| check.allowed).collect();
    let granted = [&rollouts.granted, &everything.granted].map(|listed| granted_in(listed)).concat();
    let ours = granted.iter().filter(|g| OURS.contains(&logical(&g.role)));
    let (mut used_ones, mut unused) = (BTreeSet::new(), BTreeSet::new());
    for permission in ours {
        let is_used = used.iter().any(|check| permission.allows(check));
        let pile = if is_used { &mut used_ones } else { &mut unused };
        if is_used || !permission.is_excepted() {
            pile.insert(permission.in_template());
        }
    }
    let unused: Vec<_> = unused.difference(&used_ones).collect();
    assert!(used_ones.len() > 50, "only {} permissions were looked at", used_ones.len());
    assert!(unused.is_empty(), "granted, and used by no scenario: {unused:#?}");
}

#[test]
fn every_exception_is_about_something_that_is_granted() {
    let everything = block_on(everything());
    let granted = granted_in(&everything.granted);
    for (role, sid, action, _) in EXCEPTIONS {
        let is_about =
            |g: &Granted| matches(role, logical(&g.role)) && sid == g.sid && matches(action, &g.action);
        assert!(granted.iter().any(is_about), "{role} {sid} {action}");
    }
}

#[test]
fn nothing_is_denied_while_nothing_is_wrong() {
    let (calm, rollouts, sweeps) = block_on(async { (calm().await, rollouts().await, sweeps().await) });
    for permissions in [&calm.permissions, &rollouts.permissions, &sweeps.permissions] {
        let denied: Vec<Check> = checks(permissions).into_iter().filter(|check| !check.allowed).collect();
        assert!(denied.is_empty(), "{denied:#?}");
    }
    let is_denied = |call: &&ApiCall| is_tidegates(call) && call.outcome.starts_with("AccessDenied");
    let denied: Vec<_> = calm.calls.iter().chain(&rollouts.calls).filter(is_denied).collect();
    assert!(denied.is_empty(), "{denied:#?}");
}

#[test]
fn the_hub_cannot_touch_an_environments_sagemaker() {
    let rollouts = block_on(rollouts());
    let granted = granted_in(&rollouts.granted);
    let foreign = |g: &&Granted| {
        let account = g.resource.split(':').nth(4).unwrap_or_default();
        let elsewhere = !account.is_empty() && account != g.account && account != "*";
        // The one exception that the design names: environments read and use the hub's approved packages.
        let package = account == HUB.id && g.resource.contains(":model-package/");
        elsewhere && !package && g.action.starts_with("sagemaker:")
    };
    let foreign: Vec<_> = granted.iter().filter(foreign).collect();
    assert!(foreign.is_empty(), "{foreign:#?}");
}
