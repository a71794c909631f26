//! The routes and settings in code match those of the templates.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tidegate_engine::{CHECK_SECONDS, HUB, LEASE, Site};
use tidegate_events::{Body, Event, Scheduled, read};
use tidegate_functions::{FUNCTIONS, is_forwarded, named, of_scope, targets, wanted_by};

const HUB_TEMPLATE: &str = include_str!("../../../../infra/hub.yaml");
const ENVIRONMENT_TEMPLATE: &str = include_str!("../../../../infra/environment.yaml");
const TO_ENVIRONMENT_TEMPLATE: &str = include_str!("../../../../infra/to-environment.yaml");
const TO_HUB_TEMPLATE: &str = include_str!("../../../../infra/to-hub.yaml");

const HUB_ACCOUNT: &str = "111122223333";
const ENVIRONMENT_ACCOUNT: &str = "444455556666";
const OTHER_ACCOUNT: &str = "777788889999";

/// A template, the template of its connection to the other side, and the site that it creates.
struct Stack {
    template: Value,
    connection: Value,
    site: Site,
}

fn stacks() -> [Stack; 2] {
    let site = |environment, account| Site::new(environment, account, "us-east-1", HUB_ACCOUNT);
    [
        Stack {
            template: parse(HUB_TEMPLATE),
            connection: parse(TO_ENVIRONMENT_TEMPLATE),
            site: site(HUB, HUB_ACCOUNT),
        },
        Stack {
            template: parse(ENVIRONMENT_TEMPLATE),
            connection: parse(TO_HUB_TEMPLATE),
            site: site("staging", ENVIRONMENT_ACCOUNT),
        },
    ]
}

impl Stack {
    fn resources(&self) -> impl Iterator<Item = (&str, &Value)> {
        let resources = self.template["Resources"].as_object().unwrap();
        resources.iter().map(|(name, resource)| (name.as_str(), resource))
    }

    /// The functions with the events and schedules that invoke them.
    fn functions(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.resources().filter_map(|(name, resource)| {
            let function = named(&name.strip_suffix("Function")?.to_lowercase())?;
            resource["Properties"]["Events"].as_object()?;
            Some((function.name, &resource["Properties"]["Events"]))
        })
    }

    /// The function URL of a function.
    fn url_of(&self, function: &str) -> Option<Value> {
        let is_it =
            |name: &str| name.strip_suffix("Function").is_some_and(|own| own.to_lowercase() == function);
        let (_, resource) = self.resources().find(|(name, _)| is_it(name))?;
        resource["Properties"].get("FunctionUrlConfig").cloned()
    }

    /// The functions that the template's rules send an event to.
    fn routed(&self, sample: &Value) -> Vec<&'static str> {
        let is_wanted = |events: &Value| {
            let mut rules =
                events.as_object().unwrap().values().filter(|event| event["Type"] == "EventBridgeRule");
            rules.any(|rule| self.matches(&rule["Properties"]["Pattern"], sample, ""))
        };
        let mut routed: Vec<&str> =
            self.functions().filter(|(_, events)| is_wanted(events)).map(|(name, _)| name).collect();
        routed.sort_unstable();
        routed
    }

    /// The Deny statements of the bus: the detail-types, and the role that is exempt.
    fn denials(&self) -> impl Iterator<Item = (Value, Value)> {
        let policies =
            self.resources().filter(|(_, resource)| resource["Type"] == "AWS::Events::EventBusPolicy");
        let statements = policies.map(|(_, policy)| &policy["Properties"]["Statement"]);
        statements.filter(|statement| statement["Effect"] == "Deny").map(|statement| {
            let condition = &statement["Condition"];
            let kinds = condition["StringEquals"]["events:detail-type"].clone();
            (kinds, condition["ArnNotEquals"]["aws:PrincipalArn"].clone())
        })
    }

    /// The rules that forward events to another account's bus, with the pattern of each.
    fn forwards(&self) -> Vec<(&str, &Value)> {
        let resources = self.connection["Resources"].as_object().unwrap().iter();
        let rules = resources.filter(|(_, resource)| resource["Type"] == "AWS::Events::Rule");
        rules.map(|(name, rule)| (name.as_str(), &rule["Properties"]["EventPattern"])).collect()
    }
}

fn names(functions: impl Iterator<Item = &'static tidegate_engine::FunctionSpec>) -> Vec<&'static str> {
    let mut names: Vec<&str> = functions.map(|function| function.name).collect();
    names.sort_unstable();
    names
}

/// Every sample event of a bus, from each of the accounts.
fn events() -> Vec<(PathBuf, Value, Event)> {
    let mut events = Vec::new();
    for file in samples(Path::new("../../events")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let Ok(mut sample) = serde_json::from_str::<Value>(&text) else { continue };
        if sample.get("detail-type").is_none() {
            continue;
        }
        for sender in [HUB_ACCOUNT, ENVIRONMENT_ACCOUNT, OTHER_ACCOUNT] {
            sample["account"] = json!(sender);
            let Ok(event) = read(&sample) else { continue };
            if !matches!(event.body, Body::Tick(_) | Body::Scheduled(_)) {
                events.push((file.clone(), sample.clone(), event));
            }
        }
    }
    assert!(events.len() > 100, "{}", events.len());
    events
}

#[test]
fn every_sample_reaches_the_functions_that_the_templates_hand_it_to() {
    let stacks = stacks();
    let mut reached = BTreeSet::new();
    for (file, sample, event) in events() {
        // Events that no function can read are delivered as well: the function reports them.
        if event.body == Body::Other {
            continue;
        }
        let mut all = Vec::new();
        for stack in &stacks {
            let routed = stack.routed(&sample);
            let sender = &event.envelope.account;
            assert_eq!(routed, names(targets(&event, &stack.site)), "{} from {sender}", file.display());
            all.extend(routed);
        }
        all.sort_unstable();
        if event.envelope.account == HUB_ACCOUNT {
            assert_eq!(all, names(wanted_by(&event)), "{}", file.display());
        }
        reached.extend(all);
    }
    let through_url = |stack: &Stack| {
        let urls = stack.functions().filter(|(name, _)| stack.url_of(name).is_some());
        urls.map(|(name, _)| name).collect::<Vec<_>>()
    };
    reached.extend(stacks.iter().flat_map(through_url));
    assert_eq!(reached, FUNCTIONS.map(|function| function.name).into());
}

/// Lambda names the caller of a request only if it checks the signature.
#[test]
fn only_operate_has_a_function_url_and_it_checks_signatures() {
    let [hub, environment] = stacks();
    for (stack, function) in
        [&hub, &environment].into_iter().flat_map(|s| s.functions().map(move |(f, _)| (s, f)))
    {
        let expected = (function == "operate").then(|| json!({ "AuthType": "AWS_IAM" }));
        assert_eq!(stack.url_of(function), expected, "{function}");
    }
}

/// Each event that only one function publishes is denied to every other sender by the policy of its bus, and the other side
/// accepts it from the bus only.
#[test]
fn the_policy_of_each_bus_denies_an_event_to_all_but_its_publisher() {
    for stack in stacks() {
        for function in of_scope(stack.site.scope()).filter(|function| !function.publishes.is_empty()) {
            let mut role = function.name.to_owned();
            role.get_mut(..1).unwrap().make_ascii_uppercase();
            let only: Vec<Value> = stack
                .denials()
                .filter(|(_, who)| *who == json!(format!("{role}Role.Arn")))
                .map(|(kinds, _)| kinds)
                .collect();
            assert_eq!(only, [one_or_more(function.publishes)], "{function}");
        }
    }
}

fn one_or_more(kinds: &[&str]) -> Value {
    if let [kind] = kinds { json!(kind) } else { json!(kinds) }
}

#[test]
fn every_function_is_swept() {
    let event = read(&json!({"tidegate": "reconcile"})).unwrap();
    assert_eq!(event.body, Body::Scheduled(Scheduled::Reconcile));
    for stack in stacks() {
        let is_swept =
            |events: &Value| events.as_object().unwrap().values().any(|event| event["Type"] == "ScheduleV2");
        let mut swept: Vec<&str> =
            stack.functions().filter(|(_, events)| is_swept(events)).map(|(name, _)| name).collect();
        swept.sort_unstable();
        assert_eq!(swept, names(targets(&event, &stack.site)));
    }
    assert_eq!(wanted_by(&event).count(), FUNCTIONS.len());
}

#[test]
fn every_sample_is_forwarded_as_the_templates_forward_it() {
    let [hub, environment] = stacks();
    assert_eq!(hub.forwards().len(), 1);
    assert_eq!(environment.forwards().len(), 1);
    let mut forwarded = BTreeSet::new();
    for (file, mut sample, _) in events() {
        for receiver in [ENVIRONMENT_ACCOUNT, OTHER_ACCOUNT] {
            if let Some(account) = sample.pointer_mut("/detail/environment_account") {
                *account = json!(receiver);
            }
            let Ok(event) = read(&sample) else { continue };
            for (from, to) in [(&hub, &environment), (&environment, &hub)] {
                let is_forwarded = is_forwarded(&event, &from.site, &to.site);
                for (rule, pattern) in from.forwards() {
                    let sender = &event.envelope.account;
                    let is_matched = from.matches(pattern, &sample, "");
                    assert_eq!(is_matched, is_forwarded, "{rule}: {} from {sender}", file.display());
                }
                if is_forwarded {
                    forwarded.insert(event.envelope.detail_type.clone());
                }
            }
        }
    }
    let expected = [
        "Deployment Finished",
        "Deployment Requested",
        "Deployment Waiting",
        "Endpoint Health Changed",
        "Hold Placed",
        "Hold Released",
        "Retraining Finished",
        "Retraining Requested",
    ];
    assert_eq!(forwarded, expected.map(str::to_owned).into());
}

#[test]
fn the_settings_are_the_templates_defaults() {
    for stack in stacks() {
        let default = |name: &str| stack.template["Parameters"][name]["Default"].as_i64();
        assert_eq!(default("LeaseSeconds"), Some(LEASE.as_secs()));
        if stack.site.environment != HUB {
            assert_eq!(default("CheckSeconds"), Some(CHECK_SECONDS.into()));
        }
    }
}

/// Replaces CloudFormation's short-form functions by their arguments; [`Stack::account`] knows the few that a pattern
/// uses.
fn parse(template: &str) -> Value {
    let without_tags = |line: &str| {
        let word = |word: &str| match word.split_once('!') {
            Some((before, _)) if before.chars().all(|c| c == '[') => before.to_owned(),
            _ => word.to_owned(),
        };
        line.split(' ').map(word).collect::<Vec<_>>().join(" ")
    };
    let plain: Vec<String> = template.lines().map(without_tags).collect();
    serde_saphyr::from_str(&plain.join("\n")).unwrap()
}

impl Stack {
    /// The value of a parameter that a pattern contains.
    fn parameter(&self, reference: &Value) -> Option<&str> {
        match reference {
            Value::String(name) if name == "HubAccountId" => Some(HUB_ACCOUNT),
            Value::String(name) if name == "AWS::AccountId" => Some(&self.site.account),
            Value::String(name) if name == "EnvironmentAccountId" => Some(ENVIRONMENT_ACCOUNT),
            Value::String(name) if name == "EnvironmentName" => Some("staging"),
            _ => None,
        }
    }

    /// Whether an event matches a pattern of Amazon EventBridge, for the operators that the templates use.
    /// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>
    fn matches(&self, pattern: &Value, event: &Value, path: &str) -> bool {
        pattern.as_object().unwrap().iter().all(|(name, wanted)| {
            let below = format!("{path}/{name}");
            match wanted {
                Value::Array(any) if name == "$or" => any.iter().any(|one| self.matches(one, event, path)),
                Value::Array(any) => {
                    let found = leaves(event, &below);
                    any.iter().any(|one| self.fits(one, &found))
                }
                Value::Object(_) => self.matches(wanted, event, &below),
                // The buckets of the installation: here every bucket.
                Value::String(list) if list == "MonitorBucketArns" => true,
                other => panic!("{below} is {other}"),
            }
        })
    }

    fn fits(&self, wanted: &Value, found: &[&str]) -> bool {
        if let Some(account) = self.parameter(wanted) {
            return found.contains(&account);
        }
        fits(wanted, found)
    }
}

fn fits(wanted: &Value, found: &[&str]) -> bool {
    let Value::Object(test) = wanted else { return found.contains(&wanted.as_str().unwrap()) };
    let (name, argument) = test.iter().next().unwrap();
    let text = argument.as_str().unwrap_or_default();
    match (name.as_str(), argument) {
        ("prefix", _) => found.iter().any(|found| found.starts_with(text)),
        ("suffix", _) => found.iter().any(|found| found.ends_with(text)),
        ("exists", exists) => exists.as_bool() == Some(!found.is_empty()),
        ("anything-but", Value::Array(list)) => {
            found.iter().any(|found| list.iter().all(|one| one.as_str() != Some(found)))
        }
        ("anything-but", one) => found.iter().any(|found| !fits(one, &[found])),
        (other, _) => panic!("the test does not know {other}"),
    }
}

/// The texts at a path that includes every entry of a list.
fn leaves<'e>(value: &'e Value, path: &str) -> Vec<&'e str> {
    match (value, path.strip_prefix('/')) {
        (Value::Array(list), _) => list.iter().flat_map(|one| leaves(one, path)).collect(),
        (Value::Object(map), Some(path)) => {
            let (name, rest) = path.find('/').map_or((path, ""), |at| path.split_at(at));
            map.get(name).map(|inner| leaves(inner, rest)).unwrap_or_default()
        }
        (Value::String(text), None) => vec![text],
        _ => Vec::new(),
    }
}

fn samples(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| {
        if path.is_dir() {
            samples(&path)
        } else {
            path.extension().is_some_and(|ending| ending == "json").then_some(path).into_iter().collect()
        }
    };
    entries.flat_map(below).collect()
}
