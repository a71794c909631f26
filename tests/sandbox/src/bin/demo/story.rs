//! The stations of the loop: what people and AWS do; what Tidegate does is only listened to.

use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tidegate_sandbox::{
    Account, HUB, LocalCloud, PRODUCTION, REGION, STAGING, SandboxError, Watch, workspace,
};

use crate::report;

const GROUP: &str = "AbaloneModelPackageGroup";
const ENDPOINT: &str = "abalone";
const PATIENCE: Duration = Duration::from_secs(60);

/// Lets the loop run once. Every decision is printed when it is heard.
pub(crate) async fn tell(cloud: &LocalCloud, watch: &mut Watch) -> Result<(), SandboxError> {
    set_up(cloud).await?;
    report::heading();
    commit(cloud)?;
    hear(watch, "the pipeline's start", HUB, "train", "start", "commit").await?;
    let package = registered(cloud, watch, 1).await?;
    report::note("a person approves version 1 in the registry");
    approve(cloud, &package)?;
    hear(watch, "staging", HUB, "promote", "deploy", "approved").await?;
    hear(watch, "staging's success", STAGING, "deploy", "succeeded", "answered").await?;
    hear(watch, "the end of the soak", HUB, "promote", "deploy", "soak_ended").await?;
    hear(watch, "production's success", PRODUCTION, "deploy", "succeeded", "answered").await?;
    report::note("production's data drifts: Model Monitor's metric crosses its alarm's threshold");
    drift(cloud).await?;
    hear(watch, "the response to drift", PRODUCTION, "respond", "retrain", "drift_alarm").await?;
    hear(watch, "the retraining", HUB, "train", "start", "retraining_requested").await?;
    registered(cloud, watch, 2).await?;
    report::note("somebody edits the approved version's metadata; SageMaker says `Approved` again");
    edit_metadata(cloud, &package)?;
    hear(watch, "the edit to be ignored", HUB, "promote", "ignore", "metadata_only").await?;
    report::note("production receives no more requests (idle after 5 s; CloudWatch counts whole minutes)");
    idle(cloud, watch).await?;
    hear(watch, "zero", PRODUCTION, "scale", "scale_to_zero", "idle").await?;
    at_copies(cloud, 0).await?;
    report::note("a request arrives at production and finds no copy");
    request(cloud);
    hear(watch, "the return from zero", PRODUCTION, "scale", "scale_from_zero", "no_capacity").await?;
    at_copies(cloud, 1).await?;
    if request(cloud) == 0 {
        return Err(SandboxError::World(
            "production does not answer after it was scaled from zero".to_owned(),
        ));
    }
    report::note("the next request is answered");
    Ok(())
}

/// What `infra/README.md` asks a person to do once: the group that environments may read, and the policy.
async fn set_up(cloud: &LocalCloud) -> Result<(), SandboxError> {
    let world = cloud.world();
    let group = json!({ "ModelPackageGroupName": GROUP });
    ask(cloud, HUB, "sagemaker", "CreateModelPackageGroup", &group)?;
    let readers = [STAGING, PRODUCTION].map(|account| format!("arn:aws:iam::{}:root", account.id));
    let statement = json!({
        "Effect": "Allow",
        "Principal": { "AWS": readers },
        "Action": ["sagemaker:DescribeModelPackage", "sagemaker:CreateModel"],
        "Resource": format!("arn:aws:sagemaker:{REGION}:{}:model-package/{GROUP}/*", HUB.id),
    });
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let put = json!({ "ModelPackageGroupName": GROUP, "ResourcePolicy": policy });
    ask(cloud, HUB, "sagemaker", "PutModelPackageGroupPolicy", &put)?;
    cloud.apply(&workspace().join("tests/sandbox/demo/abalone.yaml")).await?;
    let folder = report::folder()?.join("repository");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)
            .map_err(|source| SandboxError::File { path: folder.display().to_string(), source })?;
    }
    world.add_repository(&HUB.place(), "abalone-model", folder).map_err(SandboxError::World)
}

fn commit(cloud: &LocalCloud) -> Result<(), SandboxError> {
    let definition: PathBuf = workspace().join("events/pipelines/v2/a_abalone_register.json");
    let text = std::fs::read_to_string(&definition)
        .map_err(|source| SandboxError::File { path: definition.display().to_string(), source })?;
    let files = [("pipeline.json".to_owned(), Some(tidegate_sandbox::with_artifact_key(&text)))];
    let pushed = cloud
        .world()
        .commit(&HUB.place(), "abalone-model", "main", &files, "Train with the latest features")
        .map_err(SandboxError::World)?;
    let short: String = pushed.commit.chars().take(12).collect();
    report::note(&format!("somebody pushes commit {short} to main of abalone-model"));
    Ok(())
}

/// Waits until the pipeline has registered a version, and returns its ARN.
async fn registered(cloud: &LocalCloud, watch: &mut Watch, version: i64) -> Result<String, SandboxError> {
    let begun = Instant::now();
    loop {
        for heard in watch.listen().await? {
            report::line(&heard);
        }
        let packages = cloud.world().snapshot().packages;
        if let Some(package) = packages.iter().find(|p| p.version == version && p.status == "Completed") {
            report::note(&format!("the pipeline has registered version {version}"));
            return Ok(package.arn.clone());
        }
        give_up(begun, &format!("version {version}"))?;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

fn approve(cloud: &LocalCloud, package: &str) -> Result<(), SandboxError> {
    cloud
        .world()
        .approve(package, "looks good on the holdout")
        .map_err(|e| SandboxError::World(e.to_string()))
}

fn edit_metadata(cloud: &LocalCloud, package: &str) -> Result<(), SandboxError> {
    let update =
        json!({ "ModelPackageArn": package, "CustomerMetadataProperties": { "owner": "team-seafood" } });
    ask(cloud, HUB, "sagemaker", "UpdateModelPackage", &update)
}

/// An alarm on Model Monitor's own metric, and a value above its threshold.
async fn drift(cloud: &LocalCloud) -> Result<(), SandboxError> {
    let namespace = "aws/sagemaker/Endpoints/data-metrics";
    let metric = "feature_baseline_drift_length";
    let dimensions = json!([
        { "Name": "Endpoint", "Value": ENDPOINT },
        { "Name": "MonitoringSchedule", "Value": "abalone-data-quality" },
    ]);
    let alarm = json!({
        "AlarmName": "abalone-drift-length", "Namespace": namespace, "MetricName": metric,
        "Dimensions": dimensions, "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 1,
        "Threshold": 0.1, "ComparisonOperator": "GreaterThanThreshold",
    });
    let put = "GraniteServiceVersion20100801.PutMetricAlarm";
    cloud.aws().json(PRODUCTION.id, "monitoring", put, alarm).await?;
    let now = jiff::Timestamp::now().to_string();
    let data = json!([{ "MetricName": metric, "Dimensions": dimensions, "Value": 0.31, "Unit": "None", "Timestamp": now }]);
    let body = json!({ "account": PRODUCTION.id, "region": REGION, "namespace": namespace, "data": data });
    cloud.aws().door("/_tidegate/metrics", &body).await?;
    Ok(())
}

/// Winds the schedule's clock: the tick that comes every five minutes comes every two seconds, until the endpoint is
/// found idle.
async fn idle(cloud: &LocalCloud, watch: &mut Watch) -> Result<(), SandboxError> {
    let begun = Instant::now();
    let asleep =
        |watch: &Watch| watch.decisions().iter().any(|d| is(d, PRODUCTION, "scale", "scale_to_zero", "idle"));
    let mut next = Instant::now();
    while !asleep(watch) {
        if Instant::now() >= next {
            next = Instant::now() + Duration::from_secs(2);
            let now = jiff::Timestamp::now();
            let tick = json!({
                "version": "0", "id": format!("tick-{}", now.as_millisecond()), "detail-type": "Scheduled Event",
                "source": "aws.scheduler", "account": PRODUCTION.id, "time": now.to_string(), "region": REGION,
                "resources": [], "detail": "{}",
            });
            cloud.aws().invoke_later(PRODUCTION.id, &PRODUCTION.function("scale"), &tick).await?;
        }
        for heard in watch.listen().await? {
            report::line(&heard);
        }
        give_up(begun, "production to be idle")?;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    Ok(())
}

/// Waits until production's component has so many copies.
async fn at_copies(cloud: &LocalCloud, copies: i64) -> Result<(), SandboxError> {
    let begun = Instant::now();
    loop {
        let components = cloud.world().snapshot().components;
        if components.iter().any(|c| c.name == ENDPOINT && c.current == copies && c.status == "InService") {
            return Ok(());
        }
        give_up(begun, &format!("{copies} copies"))?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Sends one request to production and returns how many were answered.
fn request(cloud: &LocalCloud) -> u32 {
    cloud.world().traffic(&PRODUCTION.place(), ENDPOINT, Some(ENDPOINT), 1)
}

async fn hear(
    watch: &mut Watch,
    what: &str,
    account: Account,
    function: &str,
    decision: &str,
    reason: &str,
) -> Result<(), SandboxError> {
    let wanted = |record: &Value| is(record, account, function, decision, reason);
    watch.until(what, PATIENCE, &mut report::line, &wanted).await.map(|_| ())
}

fn is(record: &Value, account: Account, function: &str, decision: &str, reason: &str) -> bool {
    [("account", account.id), ("function", function), ("verdict", decision), ("reason", reason)]
        .into_iter()
        .all(|(name, value)| record.get(name).and_then(Value::as_str) == Some(value))
}

fn ask(
    cloud: &LocalCloud,
    account: Account,
    service: &str,
    operation: &str,
    request: &Value,
) -> Result<(), SandboxError> {
    let answer = cloud.world().call(&account.place(), service, operation, request);
    answer.map(|_| ()).map_err(|error| SandboxError::World(error.to_string()))
}

fn give_up(begun: Instant, what: &str) -> Result<(), SandboxError> {
    // CloudWatch's whole minutes make the idle station the longest one.
    let patience = PATIENCE * 2;
    if begun.elapsed() > patience {
        return Err(SandboxError::Waited { what: what.to_owned(), seconds: patience.as_secs() });
    }
    Ok(())
}
