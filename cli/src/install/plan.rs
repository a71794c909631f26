//! Which stacks an installation has, with their parameters and in which order they are deployed. This module is pure.

use super::file::{Environment, Installation, Value, partition};

/// One stack of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planned {
    /// The name of the stack.
    pub(crate) name: String,
    /// The file name of its template.
    pub(crate) template: &'static str,
    pub(crate) account: String,
    pub(crate) region: String,
    /// The profile of the account, if the file has one.
    pub(crate) profile: Option<String>,
    /// The parameters, without those that are empty.
    pub(crate) parameters: Vec<(String, String)>,
}

/// The stacks in the order of their deployment. The stacks of one step need nothing of each other.
///
/// The environments come before the hub, because a new version of the hub may send what only a new version of an environment
/// reads. EventBridge checks a target bus when a rule gets it, so each bus and its policy come before the rules that send to it:
/// first the stacks themselves, then the rules of the hub, which also admit the roles of the environments, then the rules of the
/// environments. The rules of the hub come one after the other, because each changes the policy of the hub's bus, and EventBridge
/// refuses two such changes at once.
pub(crate) fn steps(installation: &Installation) -> Vec<Vec<Planned>> {
    let environments = &installation.environments;
    let own = environments.iter().map(|environment| of_environment(installation, environment)).collect();
    let mut steps = vec![own, vec![hub(installation)]];
    steps.extend(environments.iter().map(|environment| vec![to_environment(installation, environment)]));
    steps.push(environments.iter().map(|environment| to_hub(installation, environment)).collect());
    steps
}

impl Installation {
    /// The stacks that have a ledger: the hub's, then the environments'.
    pub(crate) fn ledgers(&self) -> Vec<Planned> {
        let environments = self.environments.iter().map(|environment| of_environment(self, environment));
        std::iter::once(hub(self)).chain(environments).collect()
    }
}

fn hub(installation: &Installation) -> Planned {
    let hub = &installation.hub;
    let mut parameters = common(installation);
    parameters.push(("OperatorRoles".to_owned(), installation.operators.join(",")));
    parameters.push(("ToolRoles".to_owned(), installation.tools.join(",")));
    add(&mut parameters, &hub.parameters);
    Planned {
        name: hub.stack.clone(),
        template: "hub.yaml",
        account: hub.account.clone(),
        region: hub.region.clone(),
        profile: hub.profile.clone(),
        parameters: given(parameters),
    }
}

fn of_environment(installation: &Installation, environment: &Environment) -> Planned {
    let hub = &installation.hub;
    let partition = partition(environment.region(hub)).unwrap_or("aws");
    let mut parameters = common(installation);
    let buckets = |names: &[String]| bucket_arns(partition, names);
    let own = [
        ("EnvironmentName", environment.name.clone()),
        ("HubAccountId", hub.account.clone()),
        ("HubRegion", other_region(&hub.region, environment.region(hub))),
        ("HubStack", hub.stack.clone()),
        ("ToolRoles", installation.tools.join(",")),
        ("MonitorBucketArns", buckets(&environment.monitor_buckets)),
        ("CaptureBucketArns", buckets(&environment.capture_buckets)),
        ("AsyncBucketArns", buckets(&environment.async_buckets)),
        ("ModelsInVpc", if environment.models_in_vpc { "true".to_owned() } else { String::new() }),
    ];
    parameters.extend(own.map(|(name, value)| (name.to_owned(), value)));
    add(&mut parameters, &environment.parameters);
    Planned {
        name: environment.stack(),
        template: "environment.yaml",
        account: environment.account.clone(),
        region: environment.region(hub).to_owned(),
        profile: environment.profile.clone(),
        parameters: given(parameters),
    }
}

/// What the hub and the environments have in common.
fn common(installation: &Installation) -> Vec<(String, String)> {
    let hub = &installation.hub;
    let partition = partition(&hub.region).unwrap_or("aws");
    let key = |key: &String| match key.starts_with("arn:") {
        true => key.clone(),
        false => format!("arn:{partition}:kms:{}:{}:key/{key}", hub.region, hub.account),
    };
    let keys: Vec<String> = installation.artifacts.keys.iter().map(key).collect();
    let mut parameters = vec![
        ("Architecture".to_owned(), installation.architecture.as_str().to_owned()),
        ("AlertEmail".to_owned(), installation.alert_email.clone()),
        ("ArtifactBucketArns".to_owned(), bucket_arns(partition, &installation.artifacts.buckets)),
        ("ArtifactKeyArns".to_owned(), keys.join(",")),
    ];
    add(&mut parameters, &installation.parameters);
    parameters
}

fn to_environment(installation: &Installation, environment: &Environment) -> Planned {
    let hub = &installation.hub;
    let parameters = [
        ("HubStack", hub.stack.clone()),
        ("EnvironmentAccountId", environment.account.clone()),
        ("EnvironmentRegion", other_region(environment.region(hub), &hub.region)),
        ("EnvironmentStack", environment.stack()),
        ("EnvironmentName", environment.name.clone()),
        ("PermissionsBoundaryArn", boundary(installation, &hub.parameters)),
    ];
    Planned {
        name: format!("{}-to-{}", hub.stack, environment.stack()),
        template: "to-environment.yaml",
        account: hub.account.clone(),
        region: hub.region.clone(),
        profile: hub.profile.clone(),
        parameters: given(parameters.map(|(name, value)| (name.to_owned(), value)).to_vec()),
    }
}

fn to_hub(installation: &Installation, environment: &Environment) -> Planned {
    let hub = &installation.hub;
    let parameters = [
        ("EnvironmentStack", environment.stack()),
        ("HubAccountId", hub.account.clone()),
        ("HubRegion", other_region(&hub.region, environment.region(hub))),
        ("HubStack", hub.stack.clone()),
        ("PermissionsBoundaryArn", boundary(installation, &environment.parameters)),
    ];
    Planned {
        name: format!("{}-to-{}", environment.stack(), hub.stack),
        template: "to-hub.yaml",
        account: environment.account.clone(),
        region: environment.region(hub).to_owned(),
        profile: environment.profile.clone(),
        parameters: given(parameters.map(|(name, value)| (name.to_owned(), value)).to_vec()),
    }
}

/// The permissions boundary of a stack's connection: that of the stack.
fn boundary(installation: &Installation, own: &std::collections::BTreeMap<String, Value>) -> String {
    const NAME: &str = "PermissionsBoundaryArn";
    own.get(NAME).or_else(|| installation.parameters.get(NAME)).map(Value::text).unwrap_or_default()
}

/// A region for a template whose default is its own region.
fn other_region(region: &str, own: &str) -> String {
    if region == own { String::new() } else { region.to_owned() }
}

fn bucket_arns(partition: &str, names: &[String]) -> String {
    let arns: Vec<String> = names.iter().map(|name| format!("arn:{partition}:s3:::{name}")).collect();
    arns.join(",")
}

/// Adds parameters; those that are there already get the new value.
fn add(parameters: &mut Vec<(String, String)>, more: &std::collections::BTreeMap<String, Value>) {
    for (name, value) in more {
        parameters.retain(|(known, _)| known != name);
        parameters.push((name.clone(), value.text()));
    }
}

fn given(parameters: Vec<(String, String)>) -> Vec<(String, String)> {
    parameters.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}
