//! Arbitrary states, snapshots and events: few values of each kind, so that they meet.

mod deployment;
mod orderly;
mod policies;
mod rest;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use tidegate_events::{
    ApprovalGiven, ApprovalStatus, DeploymentFinished, DeploymentOutcome, DeploymentRequested,
    EndpointStatus, FreezeLifted, FreezePlaced, HoldPlaced, HoldReleased, ModelPackageChanged, PackageStatus,
    PromotionForced, RollbackRequested,
};
use tidegate_policy::artifacts::Container;
use tidegate_policy::deploy::DeployedImage;
use tidegate_policy::endpoint::{
    AsyncInference, AsyncSettings, CopySize, DesiredResources, EndpointKind, EndpointSpec,
    InferenceComponent, InstanceSettings, RealTime, Serverless,
};
use tidegate_policy::file::{Environment, Policy, parse};
use tidegate_policy::freeze::{Freeze, Freezes};
use tidegate_policy::hold::{ALL, Hold, Holds, Released};
use tidegate_policy::promote::{EnvironmentStatus, Package, Promotion};
use tidegate_policy::site::Site;
use tidegate_policy::{deploy, promote};

use super::decide;

pub(crate) use deployment::{Look, look};
pub(crate) use orderly::{answering, orderly_state};
pub(crate) use policies::policies;
pub(crate) use rest::*;

/// The hub's account.
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

/// Where staging's functions run.
pub(crate) fn staging() -> Site {
    decide::site(&environment(&policy(), "staging"))
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

/// The fingerprint of a package, mostly one and the same.
pub(crate) fn artifacts() -> BoxedStrategy<Option<String>> {
    prop_oneof![6 => Just(Some("a")), 1 => Just(Some("b")), 1 => Just(None)]
        .prop_map(|known| known.map(str::to_owned))
        .boxed()
}

pub(crate) fn package() -> BoxedStrategy<Option<Package>> {
    let package = (approval(), package_status(), artifacts());
    option::of(package.prop_map(|(approval, status, artifacts)| Package { approval, status, artifacts }))
        .boxed()
}

/// A field that an update of a package can change.
pub(crate) fn field() -> BoxedStrategy<String> {
    prop_oneof![Just("ModelApprovalStatus"), Just("ModelLifeCycle"), Just("Other")]
        .prop_map(str::to_owned)
        .boxed()
}

pub(crate) fn change() -> BoxedStrategy<ModelPackageChanged> {
    let arns = prop_oneof![8 => (1..4_u64).prop_map(arn), 1 => text()];
    (arns, package_status(), approval(), option::of(vec(field(), 0..3)), option::of(time()))
        .prop_map(|(arn, status, approval, updated_fields, last_modified)| ModelPackageChanged {
            group: Some("churn".to_owned()),
            // The parser takes no event whose version is not that of its ARN.
            version: arn.rsplit_once('/').and_then(|(_, version)| version.parse().ok()),
            arn,
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

fn step() -> BoxedStrategy<EnvironmentStatus> {
    let ids = prop_oneof![Just("r1"), Just("r2")].prop_map(str::to_owned);
    prop_oneof![
        (ids, time(), 0..4_u32).prop_map(|(request_id, at, retries)| EnvironmentStatus::Requested {
            request_id,
            at,
            retries,
            waits_for: None,
        }),
        time().prop_map(|at| EnvironmentStatus::Succeeded { at }),
        (time(), text()).prop_map(|(at, cause)| EnvironmentStatus::Failed { at, cause }),
    ]
    .boxed()
}

pub(crate) fn promote_state() -> BoxedStrategy<promote::State> {
    // An environment that the policy has lost was entered long ago, or its notes would hide the others'.
    let past = |steps: BTreeMap<String, EnvironmentStatus>| {
        steps
            .into_iter()
            .map(|(name, step)| match (name.as_str(), step) {
                ("qa", EnvironmentStatus::Requested { request_id, retries, .. }) => (
                    name,
                    EnvironmentStatus::Requested { request_id, at: Timestamp::MIN, retries, waits_for: None },
                ),
                ("qa", EnvironmentStatus::Succeeded { .. }) => {
                    (name, EnvironmentStatus::Succeeded { at: Timestamp::MIN })
                }
                ("qa", EnvironmentStatus::Failed { cause, .. }) => {
                    (name, EnvironmentStatus::Failed { at: Timestamp::MIN, cause })
                }
                (_, step) => (name, step),
            })
            .collect::<BTreeMap<_, _>>()
    };
    let steps = btree_map(name(), step(), 0..3).prop_map(past);
    let people = btree_map(prop_oneof![Just("ana"), Just("bo")].prop_map(str::to_owned), time(), 0..3);
    let approvals = btree_map(name(), people, 0..2);
    let waiting = option::of(name().prop_map(|environment| promote::Blocker {
        environment,
        reason: "held".to_owned(),
        until: None,
        seen: Vec::new(),
    }));
    // What was rejected goes no further.
    let stopped = prop_oneof![
        any::<bool>().prop_map(|stopped| (stopped, None)),
        time().prop_map(|rejected| (true, Some(rejected))),
    ];
    let promotion =
        ((1..4_u64, time(), steps, 1..4_u64, stopped), (approvals, btree_set(name(), 0..3), waiting))
            .prop_map(|((version, approved_at, steps, newest, stopped), (approvals, asked, waiting))| {
                let (stopped, rejected) = stopped;
                Promotion {
                    version,
                    package_arn: arn(version),
                    approved_at,
                    artifacts: Some("a".to_owned()),
                    environments: steps,
                    newest_version: newest.max(version),
                    stopped,
                    rejected_at: rejected,
                    approvals,
                    approvals_requested: asked,
                    blocked_by: waiting,
                    rollback: None,
                    forced: BTreeMap::new(),
                }
            });
    (option::of(promotion), holds(), released(), verified(), freezes())
        .prop_map(|(promotion, holds, released, verified, freezes)| promote::State {
            promotion,
            holds,
            released,
            freezes,
            verified,
            rollbacks: BTreeMap::new(),
            checks: promote::CheckReports::new(),
            announced: BTreeSet::new(),
        })
        .boxed()
}

/// What succeeded in each environment before.
fn verified() -> BoxedStrategy<BTreeMap<String, Vec<promote::VerifiedVersion>>> {
    let version = (1..4_u64, time()).prop_map(|(version, at)| promote::VerifiedVersion {
        version,
        package_arn: arn(version),
        artifacts: Some("a".to_owned()),
        at,
    });
    let versions = vec(version, 0..3).prop_map(|mut versions| {
        let mut known = BTreeSet::new();
        versions.retain(|version| known.insert(version.version));
        versions
    });
    prop_oneof![1 => Just(BTreeMap::new()), 3 => btree_map(name(), versions, 0..3)].boxed()
}

/// What the registry says of the versions to which an environment could go back.
pub(crate) fn ways_back() -> BoxedStrategy<BTreeMap<String, Package>> {
    btree_map((1..4_u64).prop_map(arn), package().prop_filter_map("absent", |package| package), 0..4).boxed()
}

pub(crate) fn rollback() -> BoxedStrategy<RollbackRequested> {
    (name(), option::of(1..4_u64), text(), text(), time())
        .prop_map(|(environment, to, by, reason, at)| RollbackRequested {
            model: "churn".to_owned(),
            environment,
            to,
            by,
            reason,
            at,
        })
        .boxed()
}

pub(crate) fn forced() -> BoxedStrategy<PromotionForced> {
    (name(), 1..4_u64, text(), text(), time())
        .prop_map(|(environment, version, by, reason, at)| PromotionForced {
            model: "churn".to_owned(),
            environment,
            version,
            by,
            reason,
            at,
        })
        .boxed()
}

fn place() -> BoxedStrategy<String> {
    prop_oneof![2 => name(), 1 => Just(ALL.to_owned())].boxed()
}

pub(crate) fn hold() -> BoxedStrategy<Hold> {
    (time(), text(), text()).prop_map(|(at, by, reason)| Hold { at, by, reason, keeps: None }).boxed()
}

fn holds() -> BoxedStrategy<Holds> {
    prop_oneof![3 => Just(Holds::new()), 1 => btree_map(place(), hold(), 0..3)].boxed()
}

fn released() -> BoxedStrategy<Released> {
    prop_oneof![3 => Just(Released::new()), 1 => btree_map(place(), time(), 0..3)].boxed()
}

fn freezes() -> BoxedStrategy<Freezes> {
    let freeze =
        (time(), time(), text(), text()).prop_map(|(at, until, by, reason)| Freeze { at, until, by, reason });
    let lifted = prop_oneof![3 => Just(BTreeMap::new()), 1 => btree_map(place(), time(), 0..3)];
    let placed = prop_oneof![3 => Just(BTreeMap::new()), 1 => btree_map(place(), freeze, 0..3)];
    (placed, lifted).prop_map(|(placed, lifted)| Freezes { placed, lifted }).boxed()
}

/// A freeze, and the end of one.
pub(crate) fn freezing() -> BoxedStrategy<(FreezePlaced, FreezeLifted)> {
    let model = Some("churn".to_owned());
    (option::of(name()), text(), text(), time(), time(), time())
        .prop_map(move |(environment, by, reason, at, until, lifted)| {
            let (model, environment) = (model.clone(), environment);
            let end = FreezeLifted {
                model: model.clone(),
                environment: environment.clone(),
                by: by.clone(),
                at: lifted,
            };
            (FreezePlaced { model, environment, until, reason, by, at }, end)
        })
        .boxed()
}

pub(crate) fn hold_placed() -> BoxedStrategy<HoldPlaced> {
    (option::of(name()), text(), text(), time())
        .prop_map(|(environment, by, reason, at)| HoldPlaced {
            model: "churn".to_owned(),
            environment,
            by,
            reason,
            at,
        })
        .boxed()
}

pub(crate) fn hold_released() -> BoxedStrategy<HoldReleased> {
    (option::of(name()), text(), time())
        .prop_map(|(environment, by, at)| HoldReleased { model: "churn".to_owned(), environment, by, at })
        .boxed()
}

pub(crate) fn approval_given() -> BoxedStrategy<ApprovalGiven> {
    let by = prop_oneof![Just("ana"), Just("Ana"), Just("bo")].prop_map(str::to_owned);
    (name(), 1..4_u64, by, time())
        .prop_map(|(environment, version, by, at)| ApprovalGiven {
            model: "churn".to_owned(),
            environment,
            version,
            by,
            at,
            comment: None,
        })
        .boxed()
}

pub(crate) fn report() -> BoxedStrategy<DeploymentFinished> {
    let outcome = proptest::sample::select(DeploymentOutcome::ALL);
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
                    failed_by: None,
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
    (ids, name(), accounts, 1..4_u64, arns, time(), (option::of(time()), artifacts()))
        .prop_map(
            |(
                request_id,
                environment,
                environment_account,
                version,
                package_arn,
                requested_at,
                (approved_at, artifacts),
            )| {
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
                    approved_at,
                    artifacts,
                    commanded_at: None,
                }
            },
        )
        .boxed()
}

/// Serves the model in another kind of endpoint.
pub(crate) fn serve(environment: &mut Environment, kind: EndpointKind) {
    let instances = InstanceSettings {
        instance_type: "ml.m5.large".parse().unwrap(),
        count: 2,
        kms: None,
        startup: None,
        inference_ami_version: None,
    };
    environment.endpoint.spec = match kind {
        EndpointKind::RealTime => EndpointSpec::RealTime(RealTime { instances }),
        EndpointKind::Serverless => {
            EndpointSpec::Serverless(Serverless { memory_mb: 2048, max_concurrency: 5 })
        }
        EndpointKind::InferenceComponent => EndpointSpec::InferenceComponent(InferenceComponent {
            memory_mb: 1024,
            max_memory_mb: None,
            accelerators: None,
            cpus: None,
            instances,
            component: None,
            copies: None,
        }),
        EndpointKind::Async => EndpointSpec::Async(AsyncInference {
            instances,
            queue: AsyncSettings {
                output: "s3://acme-ml/answers/".parse().unwrap(),
                failures: Some("s3://acme-ml/failures/".parse().unwrap()),
                notify: None,
                max_concurrent_per_instance: None,
            },
        }),
    };
}

/// A configuration or model: the wanted one of one of the versions, or anything.
fn known(pick: fn(&DesiredResources) -> String) -> BoxedStrategy<String> {
    let of = move |(request, staging): (DeploymentRequested, bool)| {
        let place = if staging { "staging" } else { "production" };
        pick(&DesiredResources::of(&environment(&policy(), place), &request))
    };
    prop_oneof![3 => (request(), any::<bool>()).prop_map(of), 1 => text()].boxed()
}

pub(crate) fn deploy_state() -> BoxedStrategy<deploy::State> {
    let asked = || option::of(time());
    let told = (asked(), asked(), asked(), asked());
    let operation = prop_oneof![Just("sagemaker:CreateEndpoint"), Just("sagemaker:CreateModel")];
    let not_visible = (operation, time())
        .prop_map(|(operation, since)| deploy::NotVisible { operation: operation.to_owned(), since });
    let not_visible = option::weighted(0.2, not_visible);
    let in_flight = (request(), time(), told, asked(), not_visible, any::<u32>()).prop_map(
        |(request, since, told, unresponsive_since, not_visible, checks)| {
            let (
                endpoint_update_requested_at,
                endpoint_modified_before,
                component_update_requested_at,
                component_modified_before,
            ) = told;
            deploy::InFlight {
                samples_answered: 0,
                request,
                accepted_at: since,
                endpoint_update_requested_at,
                endpoint_modified_before,
                component_update_requested_at,
                component_modified_before,
                endpoint_failure_before: None,
                component_failure_before: None,
                unresponsive_since,
                sample: None,
                not_visible,
                told_overdue: None,
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
            serving: Some(deploy::Serving {
                endpoint: "churn-staging".to_owned(),
                config: Some("c".to_owned()),
                component: None,
            }),
            unhealthy: None,
        }))
    };
    let last = option::of(report().prop_map(|finished| deploy::Report { finished }));
    let newest = option::of((1..4_u64, time(), option::of(time())).prop_map(
        |(version, requested_at, approved_at)| deploy::NewestRequest { version, requested_at, approved_at },
    ));
    let in_service = (option::of(time()), option::of(time()))
        .prop_map(|(endpoint, component)| deploy::InService { endpoint, component });
    (option::of(in_flight), live(), live(), last, (newest, in_service), (holds(), released()))
        .prop_map(|(in_flight, live, previous, last_report, (newest, in_service), (holds, released))| {
            deploy::State {
                in_flight,
                live,
                previous,
                last_report,
                newest_request: newest,
                copies_set_at: None,
                in_service,
                holds,
                released,
            }
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
    let configs = || option::of(known(|target| target.config.name.clone()));
    let times = (option::of(time()), option::of(time()));
    let endpoint = (status, configs(), configs(), option::of(text()), times).prop_map(
        |(status, config, pending_config, failure, (last_modified, created))| Endpoint {
            images: Vec::new(),
            status,
            config,
            pending_config,
            failure,
            desired_instances: Some(1),
            created,
            last_modified,
            arn: "arn:endpoint".to_owned(),
        },
    );
    let status = prop_oneof![
        6 => Just(ComponentStatus::InService),
        1 => Just(ComponentStatus::Updating),
        1 => Just(ComponentStatus::Failed),
        1 => text().prop_map(ComponentStatus::Unknown),
    ];
    let models = option::of(known(|target| target.model.name.clone()));
    let memory = option::of(prop_oneof![3 => Just(1024), 1 => Just(2048)]);
    let of = option::of(prop_oneof![3 => Just("churn".to_owned()), 1 => text()]);
    let origin = (option::of(time()), option::of(time()), of);
    let component = (status, models, memory, option::of(0..3_u32), option::of(text()), origin);
    let component = component.prop_map(|(status, model, memory_mb, copies, failure, origin)| {
        let (last_modified, created, endpoint) = origin;
        let size = memory_mb.map(|memory_mb| CopySize { memory_mb, ..CopySize::default() });
        RunningComponent {
            image: None,
            arn: "arn:component".to_owned(),
            endpoint,
            created,
            status,
            model,
            size,
            copies,
            startup: None,
            failure,
            last_modified,
        }
    });
    let queued = deploy::QueuedSample { output: "s3://acme-ml/answers/1.out".to_owned(), failure: None };
    let probe = prop_oneof![
        Just(Probe::Answered(200)),
        text().prop_map(Probe::Failed),
        Just(Probe::Silent),
        Just(Probe::Queued(queued)),
    ];
    let tags = (some_tags(), some_tags());
    (
        option::of(approval()),
        option::of(endpoint),
        option::of(component),
        option::of(probe),
        (tags, artifacts()),
        images(),
    )
        .prop_map(|(approval, endpoint, component, probe, (tags, artifacts), (images, containers))| {
            let (endpoint_tags, component_tags) = tags;
            let endpoint = endpoint.map(|endpoint| Endpoint { images, ..endpoint });
            deploy::Snapshot {
                approval,
                artifacts,
                containers,
                endpoint,
                endpoint_tags,
                component,
                component_tags,
                probe,
                ..deploy::Snapshot::default()
            }
        })
        .boxed()
}

/// The images that run, and the containers of the package.
fn images() -> BoxedStrategy<(Vec<DeployedImage>, Vec<Container>)> {
    let image = |specified: &str| DeployedImage { specified: specified.to_owned(), resolved: None };
    let container = Container { image: Some("i:1".to_owned()), ..Container::default() };
    prop_oneof![
        3 => Just((Vec::new(), Vec::new())),
        2 => Just((vec![image("i:1")], vec![container.clone()])),
        1 => Just((vec![image("i:2")], vec![container])),
    ]
    .boxed()
}

/// The tags of a resource: of an environment of churn, of another model, or not read.
fn some_tags() -> BoxedStrategy<Option<tidegate_policy::owner::Tags>> {
    let others = tidegate_policy::owner::tags("upsell", Some("production")).into_iter().collect();
    prop_oneof![
        2 => Just(None),
        2 => Just(Some(tags("staging"))),
        2 => Just(Some(tags("production"))),
        1 => Just(Some(others)),
    ]
    .boxed()
}

/// The tags that Tidegate gives to what it makes for churn in an environment.
pub(crate) fn tags(environment: &str) -> tidegate_policy::owner::Tags {
    tidegate_policy::owner::tags("churn", Some(environment)).into_iter().collect()
}
