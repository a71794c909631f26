//! Combinations of actions that are rare by chance.

use crate::fleet::{Kind, Model};
use crate::history::{
    Action, Alarm, Approval, CallSelector, Change, DeliveryFault, DriftObservation, EndpointFailure,
    InvocationFault, Topic,
};
use crate::rng::SeededRng;
use crate::site::SiteId;
use crate::temporary;

/// One invocation pauses between its claim and its record, and another one decides about the same model.
pub(super) fn race(model: &Model, rng: &mut SeededRng) -> Vec<(u64, Action)> {
    let name = || model.name.clone();
    let Some(site) = rng.pick(&model.environments).map(|environment| environment.site) else {
        return Vec::new();
    };
    let approved = |back| Action::Review { model: name(), back, approval: Approval::Approved };
    let rejected = |back| Action::Review { model: name(), back, approval: Approval::Rejected };
    let pushed =
        |branch: &str| Action::Push { model: name(), branch: branch.to_owned(), change: Change::Pipeline };
    let observed = || Action::DriftObserved { model: name(), site, verdict: DriftObservation::Drift };
    let sweep = |function: &str, site| Action::Sweep { site, function: function.to_owned() };
    let (function, at, first, second) = match rng.below(6) {
        0 => ("promote", SiteId::Hub, approved(0), approved(1)),
        1 => ("promote", SiteId::Hub, approved(0), rejected(0)),
        2 => ("train", SiteId::Hub, pushed("main"), pushed("release/1")),
        3 => ("respond", site, observed(), Action::Alarm { model: name(), site, state: Alarm::On }),
        4 => ("deploy", site, sweep("deploy", site), sweep("deploy", site)),
        _ => ("scale", site, Action::Tick { site }, sweep("scale", site)),
    };
    let call = u8::try_from(rng.between(2, 9)).unwrap_or(4);
    let fault = InvocationFault::Pause(rng.one(5, &[2, 20]));
    let suspended = Action::CallFault {
        site: at,
        function: function.to_owned(),
        call: CallSelector::Number(call),
        fault,
    };
    vec![(0, suspended), (0, first), (rng.below(2), second)]
}

/// A person approves, and withdraws the approval while the deployment waits between its decision and the call that changes
/// what serves: an invocation that waits before one of the calls in between, or that crashes and is retried a minute later.
pub(super) fn withdrawal(model: &Model, rng: &mut SeededRng) -> Vec<(u64, Action)> {
    let name = || model.name.clone();
    let Some(site) = somewhere(model, rng) else { return Vec::new() };
    let operation = rng.one("CreateEndpointConfig", &["CreateModel", "CreateModel", "CreateEndpoint"]);
    let call = if rng.chance(70) {
        CallSelector::First(operation.to_owned())
    } else {
        CallSelector::Number(u8::try_from(rng.between(3, 14)).unwrap_or(8))
    };
    let fault = rng.one(
        InvocationFault::Pause(20),
        &[
            InvocationFault::Pause(50),
            InvocationFault::CrashBefore,
            InvocationFault::CrashAfter,
            InvocationFault::Error,
        ],
    );
    let suspended = Action::CallFault { site, function: "deploy".to_owned(), call, fault };
    let topic = rng.one(Topic::Request, &[Topic::Package]);
    let late = Action::DeliveryFault { topic, fault: DeliveryFault::Late(rng.one(30, &[5, 300])) };
    let approval = rng.one(Approval::Rejected, &[Approval::Rejected, Approval::Pending]);
    vec![
        (0, Action::Register { model: name() }),
        (5, if rng.chance(80) { suspended } else { late }),
        (0, Action::Review { model: name(), back: 0, approval: Approval::Approved }),
        (rng.between(1, 18), Action::Review { model: name(), back: 0, approval }),
    ]
}

/// A version is approved while AWS answers something only for now, or while the next change of the endpoint will fail.
pub(super) fn hindrance(model: &Model, rng: &mut SeededRng) -> Vec<(u64, Action)> {
    let name = || model.name.clone();
    let Some(site) = somewhere(model, rng) else { return Vec::new() };
    let is_component = model.at(site).is_some_and(|environment| environment.kind == Kind::Component);
    let failures: &[EndpointFailure] = if is_component {
        &[EndpointFailure::Component, EndpointFailure::Component, EndpointFailure::Creation]
    } else {
        &[EndpointFailure::Creation, EndpointFailure::SilentRollback, EndpointFailure::Rollback]
    };
    let hindered = match rng.below(10) {
        0..=5 => Action::Temporary { model: name(), site, what: temporary::draw(rng) },
        6..=8 => {
            let failure = rng.one(EndpointFailure::Creation, failures);
            Action::Endpoint { model: name(), site, failure }
        }
        _ => Action::Container { model: name(), site },
    };
    let mut steps = vec![
        (0, Action::Register { model: name() }),
        (0, hindered),
        (1, Action::Review { model: name(), back: 0, approval: Approval::Approved }),
    ];
    if rng.chance(50) {
        steps.push((rng.between(300, 3_600), Action::ClearFaults));
    }
    steps
}

/// Mostly the first environment, which gets a version as soon as it is approved.
fn somewhere(model: &Model, rng: &mut SeededRng) -> Option<SiteId> {
    let first = model.environments.first().filter(|_| rng.chance(70));
    first.or_else(|| rng.pick(&model.environments)).map(|environment| environment.site)
}

/// Drift is observed, and a person places a hold before the retraining starts.
pub(super) fn holding_back(model: &Model, rng: &mut SeededRng) -> Vec<(u64, Action)> {
    let name = || model.name.clone();
    let Some(site) = rng.pick(&model.environments).map(|environment| environment.site) else {
        return Vec::new();
    };
    let drift = Action::DriftObserved { model: name(), site, verdict: DriftObservation::Drift };
    let late = Action::DeliveryFault {
        topic: Topic::Retraining,
        fault: DeliveryFault::Late(rng.one(5, &[1, 60, 3_600])),
    };
    let hold = Action::Hold { model: name(), site: rng.chance(60).then_some(site) };
    vec![(0, late), (0, drift), (rng.below(3), hold)]
}

/// An event is lost, the sweep finds the change, and a fault strikes the sweep.
pub(super) fn healing(model: &Model, rng: &mut SeededRng) -> Vec<(u64, Action)> {
    let name = || model.name.clone();
    let push = || Action::Push { model: name(), branch: "main".to_owned(), change: Change::Pipeline };
    let call = u8::try_from(rng.between(2, 16)).unwrap_or(8);
    let fault = rng.one(
        InvocationFault::CrashBefore,
        &[
            InvocationFault::CrashAfter,
            InvocationFault::Error,
            InvocationFault::ResponseLost,
            InvocationFault::Pause(59),
        ],
    );
    let (function, topic, first, lost) = if rng.chance(50) {
        ("train", Topic::Push, push(), push())
    } else {
        let approved = Action::Review { model: name(), back: 0, approval: Approval::Approved };
        ("promote", Topic::Package, Action::Register { model: name() }, approved)
    };
    vec![
        (0, first),
        (rng.between(5, 600), Action::DeliveryFault { topic, fault: DeliveryFault::Lost }),
        (0, lost),
        (
            1,
            Action::CallFault {
                site: SiteId::Hub,
                function: function.to_owned(),
                call: CallSelector::Number(call),
                fault,
            },
        ),
        (0, Action::Sweep { site: SiteId::Hub, function: function.to_owned() }),
    ]
}
