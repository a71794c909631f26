//! Arbitrary states, snapshots and events: few values of each kind, so that they meet.

mod rest;

use jiff::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use tidegate_events::{
    ApprovalStatus, DeploymentFinished, DeploymentOutcome, DeploymentRequested, EndpointStatus,
    ModelPackageChanged, PackageStatus,
};
use tidegate_policy::file::{Environment, Policy, parse};
use tidegate_policy::promote::{Home, Package, Promotion, Step};
use tidegate_policy::{deploy, promote};

pub(crate) use rest::*;

pub(crate) const HUB: &str = "111122223333";

pub(crate) fn policy() -> Policy {
    static READ: std::sync::LazyLock<Policy> = std::sync::LazyLock::new(|| {
        parse("churn.yaml", include_str!("../../../../events/policies/churn.yaml")).unwrap()
    });
    READ.clone()
}

pub(crate) fn environment(policy: &Policy, name: &str) -> Environment {
    policy.environment(name).unwrap().clone()
}

pub(crate) fn home() -> Home {
    Home { account: HUB.to_owned(), region: "us-east-1".to_owned() }
}

pub(crate) fn post() -> deploy::Post {
    deploy::Post {
        home: Home { account: "444455556666".to_owned(), region: "us-east-1".to_owned() },
        environment: "staging".to_owned(),
        hub_account: HUB.to_owned(),
        check_seconds: 60,
    }
}

pub(crate) fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_772_440_000 + minutes * 60).unwrap()
}

pub(crate) fn time() -> BoxedStrategy<Timestamp> {
    prop_oneof![9 => (0..600_i64).prop_map(at), 1 => Just(Timestamp::MAX), 1 => Just(Timestamp::MIN)].boxed()
}

pub(crate) fn arn(version: u64) -> String {
    format!("arn:aws:sagemaker:us-east-1:{HUB}:model-package/churn/{version}")
}

fn text() -> BoxedStrategy<String> {
    prop_oneof![Just(String::new()), Just("a".to_owned()), "\\PC{0,12}"].boxed()
}

fn name() -> BoxedStrategy<String> {
    prop_oneof![4 => Just("staging"), 4 => Just("production"), 1 => Just("qa")]
        .prop_map(str::to_owned)
        .boxed()
}

fn approval() -> BoxedStrategy<ApprovalStatus> {
    prop_oneof![
        4 => Just(ApprovalStatus::Approved),
        1 => Just(ApprovalStatus::Rejected),
        1 => Just(ApprovalStatus::PendingManualApproval),
        1 => Just(ApprovalStatus::Absent),
        1 => text().prop_map(ApprovalStatus::Unknown),
    ]
    .boxed()
}

fn package_status() -> BoxedStrategy<PackageStatus> {
    prop_oneof![
        4 => Just(PackageStatus::Completed),
        1 => Just(PackageStatus::Failed),
        1 => Just(PackageStatus::Unknown(String::new())),
        1 => text().prop_map(PackageStatus::Unknown),
    ]
    .boxed()
}

pub(crate) fn package() -> BoxedStrategy<Option<Package>> {
    option::of((approval(), package_status()).prop_map(|(approval, status)| Package { approval, status }))
        .boxed()
}

pub(crate) fn change() -> BoxedStrategy<ModelPackageChanged> {
    let fields = vec(
        prop_oneof![Just("ModelApprovalStatus"), Just("ModelLifeCycle"), Just("Other")]
            .prop_map(str::to_owned),
        0..3,
    );
    let arns = prop_oneof![8 => (1..4_u64).prop_map(arn), 1 => text()];
    (arns, option::of(1..4_u64), package_status(), approval(), option::of(fields), option::of(time()))
        .prop_map(|(arn, version, status, approval, updated_fields, last_modified)| ModelPackageChanged {
            arn,
            group: Some("churn".to_owned()),
            version,
            status,
            approval,
            updated_fields,
            last_modified,
            generated_by: None,
            stage: None,
            stage_status: None,
        })
        .boxed()
}

fn step() -> BoxedStrategy<Step> {
    let ids = prop_oneof![Just("r1"), Just("r2")].prop_map(str::to_owned);
    prop_oneof![
        (ids, time()).prop_map(|(request_id, at)| Step::Requested { request_id, at }),
        time().prop_map(|at| Step::Succeeded { at }),
        (time(), text()).prop_map(|(at, cause)| Step::Failed { at, cause }),
    ]
    .boxed()
}

pub(crate) fn promote_state() -> BoxedStrategy<promote::State> {
    let steps = btree_map(name(), step(), 0..3);
    let promotion = (1..4_u64, time(), steps, 1..4_u64, any::<bool>()).prop_map(
        |(version, approved_at, steps, newest, stopped)| Promotion {
            version,
            package_arn: arn(version),
            approved_at,
            steps,
            newest: newest.max(version),
            stopped,
        },
    );
    option::of(promotion).prop_map(|promotion| promote::State { promotion }).boxed()
}

pub(crate) fn report() -> BoxedStrategy<DeploymentFinished> {
    let outcome = prop_oneof![
        Just(DeploymentOutcome::Succeeded),
        Just(DeploymentOutcome::Failed),
        Just(DeploymentOutcome::RolledBackSilently),
    ];
    let ids = prop_oneof![Just("r1"), Just("r2")].prop_map(str::to_owned);
    let accounts = prop_oneof![Just("444455556666"), Just("777788889999")].prop_map(str::to_owned);
    (ids, name(), accounts, 1..4_u64, outcome, text(), option::of(text()), time())
        .prop_map(
            |(
                request_id,
                environment,
                environment_account,
                version,
                outcome,
                detail,
                config,
                finished_at,
            )| {
                DeploymentFinished {
                    request_id,
                    model: "churn".to_owned(),
                    environment,
                    environment_account,
                    version,
                    package_arn: arn(version),
                    outcome,
                    reason: "why".to_owned(),
                    detail,
                    requested_config: config.clone(),
                    running_config: config,
                    finished_at,
                }
            },
        )
        .boxed()
}

pub(crate) fn request() -> BoxedStrategy<DeploymentRequested> {
    let accounts = prop_oneof![4 => Just("444455556666"), 1 => Just("777788889999")].prop_map(str::to_owned);
    let ids = prop_oneof![Just("r1"), Just("r2")].prop_map(str::to_owned);
    let arns = prop_oneof![4 => (1..4_u64).prop_map(arn), 1 => text()];
    (ids, name(), accounts, 1..4_u64, arns, time())
        .prop_map(|(request_id, environment, environment_account, version, package_arn, requested_at)| {
            DeploymentRequested {
                request_id,
                model: "churn".to_owned(),
                environment,
                environment_account,
                region: "us-east-1".to_owned(),
                version,
                package_arn,
                policy_version: "p".to_owned(),
                requested_at,
            }
        })
        .boxed()
}

/// A configuration or model: the wanted one of one of the versions, or anything.
fn known(pick: fn(&deploy::Target) -> String) -> BoxedStrategy<String> {
    let of = move |(request, staging): (DeploymentRequested, bool)| {
        let place = if staging { "staging" } else { "production" };
        pick(&deploy::target(&environment(&policy(), place), &request))
    };
    prop_oneof![3 => (request(), any::<bool>()).prop_map(of), 1 => text()].boxed()
}

pub(crate) fn deploy_state() -> BoxedStrategy<deploy::State> {
    let asked = || option::of(time());
    let in_flight = (request(), time(), asked(), asked(), asked(), asked(), any::<u32>()).prop_map(
        |(request, since, endpoint_asked, endpoint_seen, component_asked, component_seen, checks)| {
            deploy::InFlight {
                request,
                since,
                endpoint_asked,
                endpoint_seen,
                component_asked,
                component_seen,
                checks,
            }
        },
    );
    let live = || {
        option::of((1..4_u64, time()).prop_map(|(version, at)| deploy::Live {
            version,
            package_arn: arn(version),
            config: "c".to_owned(),
            request_id: "r1".to_owned(),
            at,
        }))
    };
    let last = option::of(report().prop_map(|finished| deploy::Report { finished }));
    let newest = option::of(
        (1..4_u64, time()).prop_map(|(version, requested_at)| deploy::Newest { version, requested_at }),
    );
    (option::of(in_flight), live(), live(), last, newest)
        .prop_map(|(in_flight, live, previous, last_report, newest)| deploy::State {
            in_flight,
            live,
            previous,
            last_report,
            newest,
        })
        .boxed()
}

pub(crate) fn deploy_seen() -> BoxedStrategy<deploy::Snapshot> {
    use deploy::{ComponentStatus, Endpoint, Probe, RunningComponent};
    let status = prop_oneof![
        6 => Just(EndpointStatus::InService),
        1 => Just(EndpointStatus::Updating),
        1 => Just(EndpointStatus::Creating),
        1 => Just(EndpointStatus::Failed),
        1 => Just(EndpointStatus::UpdateRollbackFailed),
        1 => text().prop_map(EndpointStatus::Unknown),
    ];
    let configs = option::of(known(|target| target.config.clone()));
    let endpoint = (status, configs, option::of(text()), option::of(time())).prop_map(
        |(status, config, failure, last_modified)| Endpoint { status, config, failure, last_modified },
    );
    let status = prop_oneof![
        6 => Just(ComponentStatus::InService),
        1 => Just(ComponentStatus::Updating),
        1 => Just(ComponentStatus::Failed),
        1 => text().prop_map(ComponentStatus::Unknown),
    ];
    let models = option::of(known(|target| target.model.clone()));
    let component = (status, models, option::of(text()), option::of(time())).prop_map(
        |(status, model, failure, last_modified)| RunningComponent {
            status,
            model,
            copies: None,
            failure,
            last_modified,
        },
    );
    let probe = prop_oneof![Just(Probe::Answered(200)), text().prop_map(Probe::Failed)];
    (option::of(approval()), option::of(endpoint), option::of(component), option::of(probe))
        .prop_map(|(approval, endpoint, component, probe)| deploy::Snapshot {
            approval,
            endpoint,
            component,
            probe,
        })
        .boxed()
}
