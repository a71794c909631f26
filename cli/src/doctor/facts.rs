//! The facts about one stack. Each of them is read independently, so that one failure does not hide the others.

use super::described;
use serde_json::{Value, json};
use tidegate_aws::operate::{AlarmState, Answer, Rule, Stack};
use tidegate_engine::ports::{Applied, Ledger, StateKey};

use crate::ledgers::Place;
use crate::redrive::{QUEUE, queue_name};

/// A fact, or the reason why it could not be read.
pub(super) type Seen<T> = Result<T, String>;

/// The applied policy of each model.
pub(super) type AppliedPolicies = Seen<Vec<(String, Seen<Option<Applied>>)>>;

pub(super) const FUNCTION: &str = "AWS::Lambda::Function";
pub(super) const RULE: &str = "AWS::Events::Rule";
pub(super) const SCHEDULE: &str = "AWS::Scheduler::Schedule";
pub(super) const ALARM: &str = "AWS::CloudWatch::Alarm";

/// The facts about one stack.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Facts {
    /// The name under which the user specified the ledger.
    pub(super) place: String,
    /// The argument that selects the profile for the AWS CLI, with a leading space. It is empty without a profile.
    pub(super) profile: String,
    /// The argument that selects the ledger for `tidegate`.
    pub(super) ledger: String,
    /// The name of the stack.
    pub(super) name: String,
    /// The stack, or `None` if it does not exist.
    pub(super) stack: Seen<Option<Stack>>,
    /// Each function with the version that it reports.
    pub(super) functions: Vec<(String, Seen<String>)>,
    /// Each rule, or `None` if it does not exist.
    pub(super) rules: Vec<(String, Seen<Option<Rule>>)>,
    /// Each schedule with its state, or `None` if it does not exist.
    pub(super) schedules: Vec<(String, Seen<Option<String>>)>,
    /// The number of messages in the dead-letter queue of each function.
    pub(super) queues: Vec<(String, Seen<u64>)>,
    /// The alarms that exist.
    pub(super) alarms: Seen<Vec<AlarmState>>,
    /// The policy of the stack's bus. It is null if the bus has no policy, and `None` if there is no bus.
    pub(super) bus_policy: Seen<Option<Value>>,
    /// The applied policy of each model.
    pub(super) policies: AppliedPolicies,
    /// The models of which train has processed a push. Only a hub has any.
    pub(super) pushed: Vec<String>,
}

impl Default for Facts {
    /// The facts of a stack that does not exist.
    fn default() -> Self {
        Self {
            place: String::new(),
            profile: String::new(),
            ledger: String::new(),
            name: String::new(),
            stack: Ok(None),
            functions: Vec::new(),
            rules: Vec::new(),
            schedules: Vec::new(),
            queues: Vec::new(),
            alarms: Ok(Vec::new()),
            bus_policy: Ok(None),
            policies: Ok(Vec::new()),
            pushed: Vec::new(),
        }
    }
}

impl Facts {
    pub(super) async fn gather(place: &Place) -> Self {
        let (profile, ledger) = place.arguments();
        let stack = place.aws.stacks().stack(&place.stack).await.map_err(|error| error.to_string());
        let mut facts = Self {
            place: place.name.clone(),
            profile,
            ledger,
            name: place.stack.clone(),
            policies: policies(place).await,
            ..Self::default()
        };
        if let Ok(Some(stack)) = &stack {
            let bus = place.aws.rules();
            let bus_policy;
            (facts.functions, facts.rules, facts.schedules, facts.queues, facts.alarms, bus_policy) = tokio::join!(
                functions(place, stack),
                rules(place, stack),
                schedules(place, stack),
                queues(place, stack),
                alarms(place, stack),
                bus.bus_policy(&stack.name),
            );
            facts.bus_policy = bus_policy.map_err(|error| error.to_string());
        }
        facts.stack = stack;
        if facts.is_hub() {
            facts.pushed = pushed(place, &facts.policies).await;
        }
        facts
    }

    /// Returns the stack, if it exists and could be read.
    pub(super) fn stack(&self) -> Option<&Stack> {
        self.stack.as_ref().ok()?.as_ref()
    }

    /// Returns the environment of the stack, or `None` for a hub.
    pub(super) fn environment(&self) -> Option<&str> {
        self.stack()?.parameters.get("EnvironmentName").map(String::as_str)
    }

    /// Returns whether the stack exists and is a hub.
    pub(super) fn is_hub(&self) -> bool {
        self.stack().is_some() && self.environment().is_none()
    }

    /// Returns the ARN of the stack's bus. The bus has the name of the stack.
    pub(super) fn bus_arn(&self) -> Option<String> {
        let stack = self.stack()?;
        // The partition is unknown here and is not compared.
        Some(format!("events:{}:{}:event-bus/{}", stack.region, stack.account, stack.name))
    }
}

async fn functions(place: &Place, stack: &Stack) -> Vec<(String, Seen<String>)> {
    let mut all = Vec::new();
    for function in stack.of_kind(FUNCTION) {
        let answer = place.aws.functions().ask(&function.physical, &json!({ "tidegate": "about" })).await;
        let version = match answer {
            Ok(Answer::Said(about)) => match about.get("version").and_then(Value::as_str) {
                Some(version) => {
                    let commit = about.get("commit").and_then(Value::as_str).unwrap_or("unknown");
                    Ok(described(version, commit))
                }
                None => Err("the answer contains no version".to_owned()),
            },
            Ok(Answer::Failed(error)) => Err(format!("the invocation failed: {error}")),
            Err(error) => Err(error.to_string()),
        };
        all.push((function.physical.clone(), version));
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all
}

async fn rules(place: &Place, stack: &Stack) -> Vec<(String, Seen<Option<Rule>>)> {
    let rules = place.aws.rules();
    let mut all = Vec::new();
    for resource in stack.of_kind(RULE) {
        let (buses, name) = rule_name(&resource.physical, &stack.name);
        let mut seen = Ok(None);
        for bus in buses {
            seen = rules.rule(bus, name).await.map_err(|error| error.to_string());
            if !matches!(seen, Ok(None)) {
                break;
            }
        }
        all.push((name.to_owned(), seen));
    }
    all.extend(connections(place, stack).await);
    all
}

/// The rules that forward to other buses. They are in stacks of their own, and their names begin with `STACK-to-`.
async fn connections(place: &Place, stack: &Stack) -> Vec<(String, Seen<Option<Rule>>)> {
    let (rules, prefix) = (place.aws.rules(), format!("{}-to-", stack.name));
    let names = match rules.names(&stack.name, &prefix).await {
        Ok(names) => names,
        Err(error) => return vec![(format!("{prefix}*"), Err(error.to_string()))],
    };
    let mut all = Vec::new();
    for name in names {
        let seen = rules.rule(&stack.name, &name).await.map_err(|error| error.to_string());
        all.push((name, seen));
    }
    all
}

/// Returns the buses that a rule may be on, and its name. CloudFormation writes `BUS|RULE` for a rule that is not on
/// the default bus. Emulators write only the name.
fn rule_name<'r>(physical: &'r str, own_bus: &'r str) -> (Vec<&'r str>, &'r str) {
    match physical.split_once('|') {
        Some((bus, name)) => (vec![bus], name),
        None => (vec!["default", own_bus], physical),
    }
}

async fn schedules(place: &Place, stack: &Stack) -> Vec<(String, Seen<Option<String>>)> {
    let schedules = place.aws.recurring_schedules();
    let mut all = Vec::new();
    for resource in stack.of_kind(SCHEDULE) {
        // The schedule group has the name of the stack.
        let state = schedules.state(&stack.name, &resource.physical).await.map_err(|error| error.to_string());
        all.push((resource.physical.clone(), state));
    }
    all
}

async fn queues(place: &Place, stack: &Stack) -> Vec<(String, Seen<u64>)> {
    let letters = place.aws.dead_letters();
    let mut all = Vec::new();
    for resource in stack.of_kind(QUEUE) {
        let count = letters.count(&resource.physical).await.map_err(|error| error.to_string());
        all.push((queue_name(&stack.name, &resource.physical), count));
    }
    all
}

async fn alarms(place: &Place, stack: &Stack) -> Seen<Vec<AlarmState>> {
    let names: Vec<String> = stack.of_kind(ALARM).map(|alarm| alarm.physical.clone()).collect();
    place.aws.stack_alarms().states(&names).await.map_err(|error| error.to_string())
}

async fn policies(place: &Place) -> AppliedPolicies {
    let mut all = Vec::new();
    for model in place.ledger.models().await.map_err(|error| error.to_string())? {
        let applied = place.ledger.policy(&model).await.map_err(|error| error.to_string());
        all.push((model, applied));
    }
    Ok(all)
}

/// The models in whose state of train a push is noted. A state that cannot be read counts as one: another check reports
/// that the ledger cannot be read.
async fn pushed(place: &Place, policies: &AppliedPolicies) -> Vec<String> {
    let mut all = Vec::new();
    for (model, _) in policies.iter().flatten() {
        let key = StateKey { function: "train".to_owned(), model: model.clone() };
        let state = place.ledger.state(&key).await.ok().map(|state| state.value);
        let noted = match &state {
            Some(None) => false,
            Some(Some(value)) => value.text().map_or(true, has_push),
            None => true,
        };
        if noted {
            all.push(model.clone());
        }
    }
    all
}

/// Whether a state of train has a commit of any branch.
fn has_push(state: &str) -> bool {
    let state: Value = serde_json::from_str(state).unwrap_or_default();
    ["commits", "rejected_commits", "pushes"]
        .into_iter()
        .filter_map(|name| state.get(name).and_then(Value::as_object))
        .any(|commits| !commits.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_is_noted_in_the_state_of_train() {
        assert!(has_push(r#"{"commits": {"refs/heads/main": "9f1d"}, "last_start": null}"#));
        for state in [r#"{"commits": {}, "last_start": null}"#, "{}", ""] {
            assert!(!has_push(state), "{state}");
        }
    }

    #[test]
    fn a_rule_is_found_however_it_is_called() {
        assert_eq!(rule_name("hub|hub-to-staging", "hub"), (vec!["hub"], "hub-to-staging"));
        assert_eq!(rule_name("hub-train-commit", "hub"), (vec!["default", "hub"], "hub-train-commit"));
    }
}
