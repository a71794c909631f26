//! Scaling policies and their effect when an alarm invokes them.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account::{AccountRegion, Call};
use crate::error::ApiError;
use crate::json::{copy, epoch, float, int, later, list, listing, need, text};
use crate::services::Operations;
use crate::services::autoscaling::targets::{fifty, key, not_registered};
use crate::world::{Scheduled, World};

pub(crate) const OPERATIONS: Operations = &[
    ("PutScalingPolicy", put_policy),
    ("DescribeScalingPolicies", describe_policies),
    ("DeleteScalingPolicy", delete_policy),
];

/// How long an alarm stays in ALARM after one request found no capacity: about ten minutes were measured, so that a copy
/// that is removed soon after a wake comes back.
/// <https://github.com/stdapi-ai/stdapi.ai/blob/320897259e0b8b569fabbc5c9b03f63c87a0f7e3/tests/test_chat_sagemaker_endpoint.py>
const ALARM_SECONDS: i64 = 600;
/// How often an alarm in ALARM calls its scaling policy.
const AGAIN_SECONDS: i64 = 60;

/// A policy of a scalable target.
#[derive(Debug, Clone)]
pub(crate) struct ScalingPolicy {
    arn: String,
    request: Value,
    alarms: Vec<String>,
    created: Timestamp,
    last: Option<Timestamp>,
}

fn put_policy(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let key = key(request)?;
    let name = need(request, "PolicyName")?;
    let kind = text(request, "PolicyType").unwrap_or("StepScaling");
    let configuration = match kind {
        "StepScaling" => "StepScalingPolicyConfiguration",
        "TargetTrackingScaling" => "TargetTrackingScalingPolicyConfiguration",
        other => {
            return Err(ApiError::validation(format!("Policy type {other} is not supported for sagemaker")));
        }
    };
    let given = request.get(configuration).filter(|c| !c.is_null());
    let given = given.ok_or_else(|| {
        ApiError::validation(format!("You must specify a {configuration} when using the {kind} policy type"))
    })?;
    if kind == "StepScaling" && list(given, "StepAdjustments").is_empty() {
        return Err(ApiError::validation("Step adjustments must not be empty"));
    }
    let id = world.id("scaling-policy", 12);
    let resources = world.resources_mut(&call.place);
    match resources.targets.get_mut(&key) {
        None => return Err(not_registered(&key)),
        Some(target) if target.unseen > 0 => {
            target.unseen -= 1;
            return Err(not_registered(&key));
        }
        Some(_) => {}
    }
    let (region, account) = (&call.place.region, &call.place.account);
    let full = (key.0.clone(), key.1.clone(), name.to_owned());
    let old = resources.scaling_policies.get(&full);
    let arn = old.map_or_else(
        || {
            format!(
                "arn:aws:autoscaling:{region}:{account}:scalingPolicy:{id}:resource/sagemaker/{}:policyName/{name}",
                key.0
            )
        },
        |policy| policy.arn.clone(),
    );
    // Target tracking makes its two alarms itself.
    let alarms: Vec<String> = if kind == "TargetTrackingScaling" {
        ["High", "Low"].iter().map(|side| format!("TargetTracking-{}-Alarm{side}-{name}", key.0)).collect()
    } else {
        Vec::new()
    };
    let policy = ScalingPolicy {
        arn: arn.clone(),
        request: request.clone(),
        alarms: alarms.clone(),
        created: old.map_or(call.now, |policy| policy.created),
        last: None,
    };
    resources.scaling_policies.insert(full, policy);
    if let Some(endpoint) = endpoint_of(&key.0) {
        world.watch_empty_queue(&call.place, endpoint, call.now);
    }
    Ok(json!({"PolicyARN": arn, "Alarms": written(&call.place, &alarms)}))
}

fn written(place: &AccountRegion, alarms: &[String]) -> Vec<Value> {
    alarms
        .iter()
        .map(|name| {
            let arn = format!("arn:aws:cloudwatch:{}:{}:alarm:{name}", place.region, place.account);
            json!({"AlarmName": name, "AlarmARN": arn})
        })
        .collect()
}

fn describe_policies(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let names: Vec<&str> = list(request, "PolicyNames").iter().filter_map(Value::as_str).collect();
    let is = |key: &str, value: &str| text(request, key).is_none_or(|wanted| wanted == value);
    let items = world
        .resources(&call.place)
        .into_iter()
        .flat_map(|resources| &resources.scaling_policies)
        .filter(|((.., name), _)| names.is_empty() || names.contains(&name.as_str()))
        .filter(|((id, dim, _), _)| is("ResourceId", id) && is("ScalableDimension", dim))
        .map(|((id, dimension, name), policy)| {
            let mut item = json!({
                "PolicyARN": policy.arn,
                "PolicyName": name,
                "ServiceNamespace": "sagemaker",
                "ResourceId": id,
                "ScalableDimension": dimension,
                "PolicyType": text(&policy.request, "PolicyType").unwrap_or("StepScaling"),
                "Alarms": written(&call.place, &policy.alarms),
                "CreationTime": epoch(policy.created),
            });
            let keys = ["StepScalingPolicyConfiguration", "TargetTrackingScalingPolicyConfiguration"];
            copy(&policy.request, &keys, &mut item);
            item
        });
    listing("ScalingPolicies", items.collect(), &fifty(request))
}

fn delete_policy(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let (id, dimension) = key(request)?;
    let name = need(request, "PolicyName")?;
    let removed = world.resources_mut(&call.place).scaling_policies.remove(&(
        id.clone(),
        dimension.clone(),
        name.to_owned(),
    ));
    removed.map(|_| json!({})).ok_or_else(|| {
        ApiError::new(
            "ObjectNotFoundException",
            format!(
                "No scaling policy found for service namespace: sagemaker, resource ID: {id}, scalable dimension: \
                 {dimension}, policy name: {name}"
            ),
        )
    })
}

/// The endpoint in `endpoint/E/variant/V`.
fn endpoint_of(resource: &str) -> Option<&str> {
    resource.strip_prefix("endpoint/")?.split('/').next()
}

impl ScalingPolicy {
    /// Whether it is target tracking on the queue of an asynchronous endpoint.
    fn follows_queue(&self) -> bool {
        let metric = self
            .request
            .pointer("/TargetTrackingScalingPolicyConfiguration/CustomizedMetricSpecification/MetricName");
        metric == Some(&json!("ApproximateBacklogSizePerInstance"))
    }
}

/// The capacity a step policy wants, `breach` being how far the metric is above the threshold.
fn stepped(configuration: &Value, now_wanted: i64, breach: f64) -> Option<i64> {
    let steps = list(configuration, "StepAdjustments");
    let covers = |step: &&Value| {
        float(step, "MetricIntervalLowerBound").is_none_or(|low| breach >= low)
            && float(step, "MetricIntervalUpperBound").is_none_or(|high| breach < high)
    };
    let step = steps.iter().find(covers).or(steps.first())?;
    let by = int(step, "ScalingAdjustment")?;
    Some(match text(configuration, "AdjustmentType") {
        Some("ExactCapacity") => by,
        Some("PercentChangeInCapacity") => {
            let change = (now_wanted as f64 * by as f64 / 100.0).round() as i64;
            let least = int(configuration, "MinAdjustmentMagnitude").unwrap_or(1);
            now_wanted + if change.abs() < least { least * by.signum() } else { change }
        }
        _ => now_wanted + by,
    })
}

/// The capacity target tracking wants: one more or one less, but it never leaves zero.
fn tracked(alarm: &str, now_wanted: i64) -> i64 {
    match (now_wanted, alarm.contains("AlarmLow")) {
        (0, _) => 0,
        (_, true) => now_wanted - 1,
        (_, false) => now_wanted + 1,
    }
}

impl World {
    /// An alarm calls a scaling policy. `breach`: how far the metric is from the threshold, 0 if unknown.
    ///
    /// # Errors
    /// `ObjectNotFoundException` when no policy here has this ARN.
    pub fn alarm_action(
        &mut self,
        place: &AccountRegion,
        action_arn: &str,
        alarm: &str,
        breach: f64,
        at: Timestamp,
    ) -> Result<(), ApiError> {
        self.run_policy(place, action_arn, alarm, breach, at)?;
        // "For an alarm with an Auto Scaling action, CloudWatch invokes the action every minute while it is in ALARM":
        // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
        let until = later(at, self.pace.bake(ALARM_SECONDS));
        let due = Scheduled::AlarmAgain { action_arn: action_arn.to_owned(), alarm: alarm.to_owned(), until };
        self.schedule(later(at, self.pace.bake(AGAIN_SECONDS)), place, due);
        Ok(())
    }

    /// The alarm that called a policy is still in ALARM: it calls the policy again.
    pub(crate) fn alarm_again(
        &mut self,
        place: &AccountRegion,
        action_arn: &str,
        alarm: &str,
        until: Timestamp,
        at: Timestamp,
    ) {
        if let Err(error) = self.run_policy(place, action_arn, alarm, 0.0, at) {
            return tracing::debug!(%error, "the alarm calls a policy that is gone");
        }
        let next = later(at, self.pace.bake(AGAIN_SECONDS));
        if next < until {
            let due =
                Scheduled::AlarmAgain { action_arn: action_arn.to_owned(), alarm: alarm.to_owned(), until };
            self.schedule(next, place, due);
        }
    }

    /// Target tracking removes all instances that it may when the queue has been empty: the metric is zero.
    pub(crate) fn track_empty_queue(&mut self, place: &AccountRegion, endpoint: &str, at: Timestamp) {
        let followed = self.resources(place).into_iter().flat_map(|found| &found.scaling_policies);
        let followed = followed.filter(|((id, ..), policy)| {
            policy.follows_queue() && endpoint_of(id).is_some_and(|name| name == endpoint)
        });
        let keys: Vec<_> = followed.map(|((id, dimension, _), _)| (id.clone(), dimension.clone())).collect();
        for key in keys {
            if let Some((now_wanted, min, _)) = self.bounds(place, &key)
                && now_wanted > min
            {
                self.set_capacity(place, &key.0, &key.1, min, at);
            }
        }
    }

    fn run_policy(
        &mut self,
        place: &AccountRegion,
        action_arn: &str,
        alarm: &str,
        breach: f64,
        at: Timestamp,
    ) -> Result<(), ApiError> {
        let found = self.resources(place).and_then(|resources| {
            resources
                .scaling_policies
                .iter()
                .find(|(_, p)| p.arn == action_arn)
                .map(|(k, p)| (k.clone(), p.clone()))
        });
        let missing = || ApiError::new("ObjectNotFoundException", format!("No scaling policy {action_arn}"));
        let ((id, dimension, name), policy) = found.ok_or_else(missing)?;
        let key = (id.clone(), dimension.clone());
        let (now_wanted, min, max) = self.bounds(place, &key).ok_or_else(missing)?;
        let step = policy.request.get("StepScalingPolicyConfiguration").filter(|c| !c.is_null());
        let cooldown = step.and_then(|c| int(c, "Cooldown")).unwrap_or(0);
        let cool = self.pace.bake(cooldown);
        if policy.last.is_some_and(|last| later(last, cool) > at) {
            tracing::debug!(%action_arn, "the scaling policy is cooling down");
            return Ok(());
        }
        let wanted = match step {
            Some(configuration) => stepped(configuration, now_wanted, breach).unwrap_or(now_wanted),
            None => tracked(alarm, now_wanted),
        }
        .clamp(min, max);
        if wanted != now_wanted {
            if let Some(policy) =
                self.resources_mut(place).scaling_policies.get_mut(&(id.clone(), dimension.clone(), name))
            {
                policy.last = Some(at);
            }
            self.set_capacity(place, &id, &dimension, wanted, at);
        }
        Ok(())
    }
}
