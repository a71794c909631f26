//! Tests of the world in virtual time.

mod endpoints;
mod event_delivery;
mod http;
mod outages;
mod pipelines;
mod placement;
mod queues;
mod registry;
mod scaling;
mod starts;
mod tags;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::json::later;
use crate::{AccountRegion, ApiError, Caller, Emission, Event, Fault, Pace, World};

pub(crate) const HUB: &str = "111122223333";
pub(crate) const STAGING: &str = "444455556666";
pub(crate) const REGION: &str = "us-east-1";
const IMAGE: &str = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1";

/// A world with a clock that the test controls.
pub(crate) struct TestWorld {
    pub(crate) world: World,
    pub(crate) now: Timestamp,
    pub(crate) emissions: Vec<Emission>,
}

impl TestWorld {
    /// A world at the speed of AWS.
    pub(crate) fn new() -> Self {
        let now = "2026-03-02T08:00:00Z".parse().unwrap();
        Self { world: World::new(Pace::real()), now, emissions: Vec::new() }
    }

    pub(crate) fn call_in(
        &mut self,
        account: &str,
        service: &str,
        operation: &str,
        request: Value,
    ) -> Result<Value, ApiError> {
        self.world.call(&Caller::root(account, REGION), service, operation, &request, self.now)
    }

    /// A SageMaker call in the staging account.
    pub(crate) fn try_call(&mut self, operation: &str, request: Value) -> Result<Value, ApiError> {
        self.call_in(STAGING, "sagemaker", operation, request)
    }

    /// A SageMaker call in the staging account that must succeed.
    pub(crate) fn call(&mut self, operation: &str, request: Value) -> Value {
        self.try_call(operation, request).unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    /// The error message of a SageMaker call in the staging account that must fail.
    pub(crate) fn rejection(&mut self, operation: &str, request: Value) -> String {
        match self.try_call(operation, request) {
            Ok(answer) => panic!("{operation} should have been rejected: {answer}"),
            Err(error) => error.to_string(),
        }
    }

    pub(crate) fn inject_fault(&mut self, fault: Value) {
        self.world.inject_fault(serde_json::from_value::<Fault>(fault).unwrap());
    }

    /// Advances the clock.
    pub(crate) fn wait(&mut self, seconds: u64) {
        self.now = later(self.now, Duration::from_secs(seconds));
        self.emissions.extend(self.world.advance(self.now));
    }

    /// Advances the clock until nothing is scheduled.
    pub(crate) fn run_until_idle(&mut self) {
        self.emissions.extend(self.world.advance(self.now));
        for _ in 0..10_000 {
            let Some(due) = self.world.next_due() else { return };
            self.now = self.now.max(due);
            self.emissions.extend(self.world.advance(self.now));
        }
        panic!("the world does not become idle");
    }

    /// The emitted events of one detail-type.
    pub(crate) fn events(&self, kind: &str) -> Vec<&Event> {
        let events = self.emissions.iter().filter_map(|told| match told {
            Emission::Event(event) if event.detail_type == kind => Some(event),
            _ => None,
        });
        events.collect()
    }

    /// A member of the detail of each event of one kind.
    pub(crate) fn details(&self, kind: &str, pointer: &str) -> Vec<String> {
        let found = self.events(kind);
        let found = found.iter().filter_map(|event| event.detail.pointer(pointer));
        found.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect()
    }

    pub(crate) fn metrics(&self, name: &str) -> usize {
        self.emissions
            .iter()
            .filter(|told| matches!(told, Emission::Metric(metric) if metric.name == name))
            .count()
    }

    /// A model, two configurations of it with `count` instances, and an endpoint on the first that is in service.
    pub(crate) fn endpoint(&mut self, count: i64) {
        self.call("CreateModel", json!({"ModelName": "churn-1", "PrimaryContainer": {"Image": IMAGE}}));
        for config in ["churn-c1", "churn-c2"] {
            self.config(config, json!({"ModelName": "churn-1", "InitialInstanceCount": count}), json!({}));
        }
        self.call("CreateEndpoint", json!({"EndpointName": "churn", "EndpointConfigName": "churn-c1"}));
        self.run_until_idle();
        self.emissions.clear();
    }

    /// Something happens to the endpoint by itself.
    pub(crate) fn outage(&mut self, outage: crate::Outage, reason: Option<&str>) {
        let (place, now) = (Self::place(), self.now);
        assert!(self.world.endpoint_outage(&place, "churn", outage, reason, now));
        self.run_until_idle();
    }

    /// A configuration with one variant.
    pub(crate) fn config(&mut self, name: &str, variant: Value, more: Value) {
        self.try_config(name, variant, more).unwrap();
    }

    pub(crate) fn try_config(&mut self, name: &str, variant: Value, more: Value) -> Result<Value, ApiError> {
        let mut full = json!({"VariantName": "main", "InitialVariantWeight": 1.0});
        if variant.get("ServerlessConfig").is_none() {
            full["InstanceType"] = json!("ml.m5.large");
        }
        full.as_object_mut().unwrap().extend(variant.as_object().cloned().unwrap());
        let mut request = json!({"EndpointConfigName": name, "ProductionVariants": [full]});
        request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        self.try_call("CreateEndpointConfig", request)
    }

    /// An endpoint `shared` with a component `churn-ic` of one copy.
    pub(crate) fn component(&mut self) {
        self.call("CreateModel", json!({"ModelName": "churn-1", "PrimaryContainer": {"Image": IMAGE}}));
        self.call("CreateModel", json!({"ModelName": "churn-2", "PrimaryContainer": {"Image": IMAGE}}));
        let scaling = json!({"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2});
        let role = json!({"ExecutionRoleArn": "arn:aws:iam::444455556666:role/churn"});
        self.config("shared-c1", json!({"InitialInstanceCount": 1, "ManagedInstanceScaling": scaling}), role);
        self.call("CreateEndpoint", json!({"EndpointName": "shared", "EndpointConfigName": "shared-c1"}));
        self.run_until_idle();
        self.call(
            "CreateInferenceComponent",
            json!({"InferenceComponentName": "churn-ic", "EndpointName": "shared", "VariantName": "main",
                   "Specification": {"ModelName": "churn-1"}, "RuntimeConfig": {"CopyCount": 1}}),
        );
        self.run_until_idle();
    }

    pub(crate) fn place() -> AccountRegion {
        AccountRegion::new(STAGING, REGION)
    }
}

/// A pipeline definition from `events/pipelines`.
pub(crate) fn definition(path: &str) -> String {
    std::fs::read_to_string(format!("{}/../../events/pipelines/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}
