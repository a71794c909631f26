//! What people, data and AWS do in the stories; what Tidegate does is only watched.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_sandbox::{Account, HUB, PRODUCTION, REGION, STAGING};

use crate::model::Model;
use crate::operator::{CommandOutput, Operator};
use crate::test_cloud::{MAX_WAIT, TestCloud, Wanted, text, tick};

impl TestCloud {
    /// What a team does once: the group that environments may read, the policy, the repository.
    pub(crate) async fn introduce(&self, model: &Model) {
        let group = model.group();
        self.ask(HUB, "CreateModelPackageGroup", &json!({ "ModelPackageGroupName": group }));
        let readers = [STAGING, PRODUCTION].map(|account| format!("arn:aws:iam::{}:root", account.id));
        let statement = json!({
            "Effect": "Allow",
            "Principal": { "AWS": readers },
            "Action": ["sagemaker:DescribeModelPackage", "sagemaker:CreateModel"],
            "Resource": format!("arn:aws:sagemaker:{REGION}:{}:model-package/{group}/*", HUB.id),
        });
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
        let put = json!({ "ModelPackageGroupName": group, "ResourcePolicy": policy });
        self.ask(HUB, "PutModelPackageGroupPolicy", &put);
        self.apply(model).await;
        let added = self.world().add_repository(&HUB.place(), &model.repository(), self.folder(model.name));
        added.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Applies the model's policy in all three accounts.
    pub(crate) async fn apply(&self, model: &Model) {
        let file = self.file(&format!("{}.yaml", model.name), &model.policy());
        self.cloud.apply(&file).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Pushes the pipeline's definition and a note to main, and returns the commit.
    pub(crate) fn push(&self, model: &Model, note: &str) -> String {
        self.push_files(model, model.definition(), note)
    }

    /// Pushes another definition to main, and returns the commit.
    pub(crate) fn push_another_pipeline(&self, model: &Model, note: &str) -> String {
        self.push_files(model, model.definition_with(note), note)
    }

    fn push_files(&self, model: &Model, definition: String, note: &str) -> String {
        let files =
            [("pipeline.json".to_owned(), Some(definition)), ("notes.md".to_owned(), Some(note.to_owned()))];
        let pushed = self.world().commit(&HUB.place(), &model.repository(), "main", &files, note);
        pushed.unwrap_or_else(|error| panic!("{error}")).commit
    }

    /// Waits until the pipeline has registered a version, and returns its ARN.
    pub(crate) async fn registered(&mut self, model: &Model, version: i64) -> String {
        let group = model.group();
        let what = format!("version {version} of {group}");
        self.wait_for_world(&what, |now| {
            let found = now.packages.iter().find(|p| p.group == group && p.version == version)?;
            (found.status == "Completed").then(|| found.arn.clone())
        })
        .await
    }

    /// Commits, and waits for the version that comes of it.
    pub(crate) async fn train(&mut self, model: &Model, version: i64) -> String {
        self.push(model, &format!("for version {version}"));
        self.wait_for_decision(model, HUB, "train", "start", "commit").await;
        self.registered(model, version).await
    }

    /// A person approves a version in the registry.
    pub(crate) fn approve(&self, package: &str) {
        self.world().approve(package, "looks good on the holdout").unwrap_or_else(|error| panic!("{error}"));
    }

    /// Approves, and waits until both environments have reported success.
    pub(crate) async fn release(&mut self, model: &Model, package: &str) {
        self.approve(package);
        self.wait_for_decision(model, HUB, "promote", "deploy", "approved").await;
        self.wait_for_decision(model, STAGING, "deploy", "succeeded", "answered").await;
        self.wait_for_decision(model, PRODUCTION, "deploy", "succeeded", "answered").await;
        self.wait_for_decision(model, HUB, "promote", "complete", "last_environment").await;
    }

    /// Somebody edits a version's metadata; SageMaker says `Approved` again.
    pub(crate) fn edit_metadata(&self, package: &str) {
        let update =
            json!({ "ModelPackageArn": package, "CustomerMetadataProperties": { "owner": "team-seafood" } });
        self.ask(HUB, "UpdateModelPackage", &update);
    }

    /// An alarm on Model Monitor's own metric, and a value above its threshold.
    pub(crate) async fn data_drifts(&self, model: &Model, account: Account, endpoint: &str) {
        let namespace = "aws/sagemaker/Endpoints/data-metrics";
        let metric = "feature_baseline_drift_length";
        let dimensions = json!([
            { "Name": "Endpoint", "Value": endpoint },
            { "Name": "MonitoringSchedule", "Value": format!("{}-data-quality", model.name) },
        ]);
        let alarm = json!({
            "AlarmName": format!("{}-drift-length", model.name), "Namespace": namespace, "MetricName": metric,
            "Dimensions": dimensions, "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 1,
            "Threshold": 0.1, "ComparisonOperator": "GreaterThanThreshold",
        });
        let put = "GraniteServiceVersion20100801.PutMetricAlarm";
        let put = self.cloud.aws().json(account.id, "monitoring", put, alarm).await;
        put.unwrap_or_else(|error| panic!("{error}"));
        let now = jiff::Timestamp::now().to_string();
        let datum = json!({
            "MetricName": metric, "Dimensions": dimensions, "Value": 0.31, "Unit": "None", "Timestamp": now,
        });
        let body =
            json!({ "account": account.id, "region": REGION, "namespace": namespace, "data": [datum] });
        self.cloud.aws().door("/_tidegate/metrics", &body).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Nobody asks production any more, until it sleeps.
    pub(crate) async fn scale_to_zero(&mut self, model: &Model) {
        self.tick_until(model, "scale_to_zero", "idle").await;
        self.at_copies(model, 0).await;
    }

    /// The tick of every five minutes comes to production every two seconds, until scale decides so.
    pub(crate) async fn tick_until(&mut self, model: &Model, decision: &'static str, reason: &'static str) {
        let wanted = Wanted { model: model.name, account: PRODUCTION, function: "scale", decision, reason };
        let begun = Instant::now();
        while !self.has_decision(wanted) {
            self.later(PRODUCTION, "scale", &tick(PRODUCTION)).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            self.poll().await;
            assert!(begun.elapsed() < MAX_WAIT, "never {decision} {reason}\n{}", self.history());
        }
    }

    /// Waits until production's component has so many copies.
    pub(crate) async fn at_copies(&mut self, model: &Model, copies: i64) {
        let name = model.in_production();
        self.wait_for_world(&format!("{copies} copies"), |now| {
            let component = now.component(PRODUCTION.id, &name)?;
            (component.current == copies && component.status == "InService").then_some(())
        })
        .await;
    }

    /// Sends one request to production and returns how many were answered.
    pub(crate) fn request(&self, model: &Model) -> u32 {
        let name = model.in_production();
        self.world().traffic(&PRODUCTION.place(), &name, Some(&name), 1)
    }

    /// A call to SageMaker as the root of an account.
    pub(crate) fn ask(&self, account: Account, operation: &str, request: &Value) -> Value {
        let answer = self.world().call(&account.place(), "sagemaker", operation, request);
        answer.unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    /// Invokes a function as EventBridge does.
    pub(crate) async fn later(&self, account: Account, function: &str, payload: &Value) {
        let function = account.function(function);
        let taken = self.cloud.aws().invoke_later(account.id, &function, payload).await;
        taken.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Invokes a function and waits for its answer.
    pub(crate) async fn invoke(&self, account: Account, function: &str, payload: &Value) -> Value {
        let function = account.function(function);
        let answer = self.cloud.aws().invoke(account.id, &function, payload).await;
        answer.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Puts an event of our own on an account's bus, as a person may.
    pub(crate) async fn put_event(&self, account: Account, detail_type: &str, detail: &Value) {
        let entry = entry(account, detail_type, detail);
        let put = self.cloud.put_as_person(account.id, &entry).await;
        put.unwrap_or_else(|error| panic!("{detail_type}: {error}"));
    }

    /// A person gives a command with the command line.
    pub(crate) async fn command(&self, arguments: &[&str]) -> CommandOutput {
        self.command_as("people", "ana", arguments).await
    }

    /// The same in a session of another role.
    pub(crate) async fn command_as(&self, role: &str, session: &str, arguments: &[&str]) -> CommandOutput {
        let url = self.cloud.command_url().await.unwrap_or_else(|error| panic!("{error}"));
        Operator::in_session(&self.cloud, role, session).command(&url, arguments)
    }

    /// A command that is accepted.
    pub(crate) async fn commands(&self, arguments: &[&str]) {
        let output = self.command(arguments).await;
        assert_eq!(output.code, Some(0), "{arguments:?}: {output:?}");
    }

    /// Makes a role that IAM Identity Center makes for a permission set, and lets it call the hub's function URL.
    pub(crate) async fn permission_set(&self, name: &str) -> String {
        let role = format!("AWSReservedSSO_{name}_0123456789abcdef");
        let aws = self.cloud.aws();
        aws.make_role(HUB.id, &role, "sts:GetCallerIdentity").await.unwrap_or_else(|error| panic!("{error}"));
        let policy = self.cloud.operator_policy();
        aws.attach_policy(HUB.id, &role, &policy).await.unwrap_or_else(|error| panic!("{error}"));
        role
    }

    /// Delivers an event of our own to the rules of a bus once more, as EventBridge does now and then.
    pub(crate) async fn deliver_again(&self, account: Account, detail_type: &str, detail: &Value) {
        let body = json!({ "account": account.id, "region": REGION, "entries": [entry(account, detail_type, detail)] });
        let put = self.cloud.aws().door("/_tidegate/events", &body).await;
        put.unwrap_or_else(|error| panic!("{detail_type}: {error}"));
    }
}

fn entry(account: Account, detail_type: &str, detail: &Value) -> Value {
    json!({
        "Source": "tidegate", "DetailType": detail_type, "Detail": detail.to_string(), "EventBusName": account.stack,
    })
}

/// What a function answered, for each model: decision and reason; the decision is empty where none was recorded.
pub(crate) fn outcomes(answer: &Value) -> Vec<(String, String)> {
    let outcomes = answer.get("outcomes").and_then(Value::as_array);
    let outcomes = outcomes.unwrap_or_else(|| panic!("it failed: {answer}"));
    let pair = |outcome: &Value| {
        let record = outcome.get("record").unwrap_or(outcome);
        (text(record, "verdict").to_owned(), text(record, "reason").to_owned())
    };
    outcomes.iter().map(pair).collect()
}
