//! Rules and buses of EventBridge.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use serde_json::Value;
use tidegate_engine::CallError;

use crate::bus::accepted;
use crate::error::{failed, refused};

const SERVICE: &str = "events";
const RULE: &str = "DescribeRule";
const BUS: &str = "DescribeEventBus";
const PUT: &str = "PutEvents";

/// Amazon EventBridge.
#[derive(Debug, Clone)]
pub struct Rules {
    client: Client,
}

/// The current state of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// The name of the rule.
    pub name: String,
    /// The bus of the rule.
    pub bus: String,
    /// The state, such as `ENABLED`.
    pub state: String,
    /// The ARNs of the rule's targets.
    pub targets: Vec<String>,
}

impl Rules {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Returns a rule with its targets, or `None` if it is not on that bus.
    ///
    /// # Errors
    /// Returns an error if a call fails.
    pub async fn rule(&self, bus: &str, name: &str) -> Result<Option<Rule>, CallError> {
        let answer = self.client.describe_rule().event_bus_name(bus).name(name).send().await;
        let state = match answer.map_err(failed(SERVICE, RULE)) {
            Ok(rule) => rule.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
            Err(failure) if failure.is("ResourceNotFoundException") => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        // A rule has at most five targets, which fit on one page.
        let listed = self.client.list_targets_by_rule().event_bus_name(bus).rule(name).send().await;
        let listed = listed.map_err(failed(SERVICE, "ListTargetsByRule"))?;
        let targets = listed.targets().iter().map(|target| target.arn().to_owned()).collect();
        Ok(Some(Rule { name: name.to_owned(), bus: bus.to_owned(), state, targets }))
    }

    /// Returns the names of the rules of a bus that begin with a prefix.
    ///
    /// # Errors
    /// Returns an error if a call fails.
    pub async fn names(&self, bus: &str, prefix: &str) -> Result<Vec<String>, CallError> {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let call = self.client.list_rules().event_bus_name(bus).name_prefix(prefix).set_next_token(token);
            let answer = call.send().await.map_err(failed(SERVICE, "ListRules"));
            let answer = match answer {
                Ok(answer) => answer,
                Err(failure) if failure.is("ResourceNotFoundException") => return Ok(found),
                Err(failure) => return Err(failure.into()),
            };
            found.extend(answer.rules().iter().filter_map(|rule| rule.name().map(str::to_owned)));
            match answer.next_token {
                Some(next) => token = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// Returns the resource policy of a bus. It is null if the bus has none, and `None` if the bus does not exist.
    ///
    /// # Errors
    /// Returns an error if the call fails, or if the policy is not JSON.
    pub async fn bus_policy(&self, bus: &str) -> Result<Option<Value>, CallError> {
        let answer = self.client.describe_event_bus().name(bus).send().await;
        let found = match answer.map_err(failed(SERVICE, BUS)) {
            Ok(found) => found,
            Err(failure) if failure.is("ResourceNotFoundException") => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        let Some(policy) = found.policy().filter(|policy| !policy.is_empty()) else {
            return Ok(Some(Value::Null));
        };
        let policy = serde_json::from_str(policy).map_err(|error| {
            refused(SERVICE, BUS, format!("the policy of bus {bus} is not JSON: {error}"))
        })?;
        Ok(Some(policy))
    }

    /// Puts an event on a bus again. EventBridge assigns another id.
    ///
    /// # Errors
    /// Returns an error if the value is not an event, or if EventBridge did not accept it.
    pub async fn put_again(&self, bus: &str, event: &Value) -> Result<(), CallError> {
        let text = |name: &str| {
            let found = event.get(name).and_then(Value::as_str);
            found.ok_or_else(|| refused(SERVICE, PUT, format!("the event has no text `{name}`")))
        };
        let detail = event.get("detail").ok_or_else(|| refused(SERVICE, PUT, "the event has no `detail`"))?;
        let resources = event.get("resources").and_then(Value::as_array).into_iter().flatten();
        let resources = resources.filter_map(Value::as_str).map(str::to_owned).collect();
        let at = text("time")?.parse::<Timestamp>().ok();
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(bus)
            .source(text("source")?)
            .detail_type(text("detail-type")?)
            .detail(detail.to_string())
            .set_resources(Some(resources))
            .set_time(at.map(|at| DateTime::from_secs(at.as_second())))
            .build();
        let answer = self.client.put_events().entries(entry).send().await.map_err(failed(SERVICE, PUT))?;
        accepted(&answer)
    }
}
