//! Text to [`Policy`], or everything that is wrong with it.

use super::{EndpointKind, Environment, Policy, unsupported};

/// A policy file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The text is no policy: bad YAML, an unknown field, a wrong type or an impossible value.
    #[error("{file}:{line}:{column}: {message}")]
    Syntax {
        /// The file's name as given.
        file: String,
        /// The line, from 1; 0 where the parser knows none.
        line: u64,
        /// The column, from 1; 0 where the parser knows none.
        column: u64,
        /// What is wrong.
        message: String,
    },
    /// The text is a policy that makes no sense as a whole.
    #[error("{file}: {}", problems.join("\n"))]
    Meaning {
        /// The file's name as given.
        file: String,
        /// Each problem: the field, what is wrong, the fix.
        problems: Vec<String>,
    },
}

/// Reads a policy file. `file` is only used to name it in errors.
///
/// # Errors
/// [`PolicyError`], naming file and line or field.
pub fn parse(file: &str, text: &str) -> Result<Policy, PolicyError> {
    let policy: Policy = serde_saphyr::from_str(text).map_err(|error| {
        let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
        PolicyError::Syntax {
            file: file.to_owned(),
            line,
            column,
            message: first_line(&error.without_snippet().to_string()),
        }
    })?;
    let mut problems = contradictions(&policy);
    problems.extend(unsupported::in_policy(&policy));
    if problems.is_empty() {
        Ok(policy)
    } else {
        Err(PolicyError::Meaning { file: file.to_owned(), problems })
    }
}

/// Reads a policy as the ledger holds it.
///
/// # Errors
/// [`PolicyError::Syntax`] if the stored JSON is no policy of this version.
pub fn parse_applied(model: &str, json: &str) -> Result<Policy, PolicyError> {
    serde_json::from_str(json).map_err(|error| PolicyError::Syntax {
        file: format!("the applied policy of {model}"),
        line: u64::try_from(error.line()).unwrap_or_default(),
        column: u64::try_from(error.column()).unwrap_or_default(),
        message: error.to_string(),
    })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn contradictions(policy: &Policy) -> Vec<String> {
    let mut problems = Vec::new();
    if policy.environments.is_empty() {
        problems.push("environments: at least one is needed".to_owned());
    }
    for (index, environment) in policy.environments.iter().enumerate() {
        let earlier = policy.environments.iter().take(index);
        if earlier.clone().any(|e| e.name == environment.name) {
            problems.push(format!("environments: two are named `{}`; names must differ", environment.name));
        }
        if earlier.clone().any(|e| {
            e.endpoint.name == environment.endpoint.name
                && e.account == environment.account
                && e.region == environment.region
        }) {
            problems.push(format!("environments: two share the endpoint `{}`", environment.endpoint.name));
        }
        problems.extend(of_environment(environment));
    }
    if policy.pipeline.definition.file.is_some() == policy.pipeline.definition.keep {
        problems.push("pipeline.definition: give exactly one of `file: PATH` and `keep: true`".to_owned());
    }
    if policy.source.branches.is_empty() {
        problems.push("source.branches: at least one branch or glob is needed".to_owned());
    }
    for branch in &policy.source.branches {
        if globset::Glob::new(branch).is_err() {
            problems.push(format!("source.branches: `{branch}` is not a glob"));
        }
    }
    problems
}

fn of_environment(environment: &Environment) -> Vec<String> {
    let at = format!("environments.{}", environment.name);
    let endpoint = &environment.endpoint;
    let mut problems = Vec::new();
    let fields = [
        ("memoryMb", endpoint.memory_mb.is_some()),
        ("maxConcurrency", endpoint.max_concurrency.is_some()),
        ("instanceType", endpoint.instance_type.is_some()),
        ("instances", endpoint.instances.is_some()),
        ("copies", endpoint.copies.is_some()),
    ];
    let (kind, needs, may): (&str, &[&str], &[&str]) = match endpoint.kind {
        EndpointKind::RealTime => ("realTime", &["instanceType", "instances"], &[]),
        EndpointKind::Serverless => ("serverless", &["memoryMb", "maxConcurrency"], &[]),
        EndpointKind::InferenceComponent => {
            ("inferenceComponent", &["instanceType", "instances", "memoryMb"], &["copies"])
        }
    };
    for (field, given) in fields {
        if needs.contains(&field) && !given {
            problems.push(format!("{at}.endpoint.{field}: a {kind} endpoint needs it"));
        } else if given && !needs.contains(&field) && !may.contains(&field) {
            problems.push(format!("{at}.endpoint.{field}: a {kind} endpoint has none"));
        }
    }
    problems.extend(ranges(&at, environment));
    problems
}

fn ranges(at: &str, environment: &Environment) -> Vec<String> {
    let endpoint = &environment.endpoint;
    let mut problems = Vec::new();
    if endpoint.instances == Some(0) {
        problems.push(format!("{at}.endpoint.instances: at least 1 (a real-time endpoint cannot have none)"));
    }
    // https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
    if endpoint.kind == EndpointKind::Serverless {
        if endpoint.memory_mb.is_some_and(|mb| !(1_024..=6_144).contains(&mb) || mb % 1_024 != 0) {
            problems.push(format!("{at}.endpoint.memoryMb: 1024, 2048, 3072, 4096, 5120 or 6144"));
        }
        if endpoint.max_concurrency.is_some_and(|n| !(1..=200).contains(&n)) {
            problems.push(format!("{at}.endpoint.maxConcurrency: 1 to 200"));
        }
    }
    if let Some(canary) = &environment.rollout.canary {
        if !(1..=50).contains(&canary.percent) {
            problems.push(format!("{at}.rollout.canary.percent: 1 to 50"));
        }
        if canary.bake.seconds() > 3_600 {
            problems.push(format!("{at}.rollout.canary.bake: at most 1h"));
        }
    }
    if environment.rollout != super::Rollout::default() && endpoint.kind != EndpointKind::RealTime {
        problems.push(format!("{at}.rollout: only a realTime endpoint has one"));
    }
    if environment.rollout.alarms.len() > 10 {
        problems.push(format!("{at}.rollout.alarms: at most 10"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../../../../events/policies/churn.yaml");

    #[test]
    fn a_good_policy_is_read_and_survives_the_ledger() {
        let policy = parse("churn.yaml", GOOD).unwrap();
        assert_eq!(policy.environments.len(), 2);
        assert!(policy.watches("main") && policy.watches("release/1.2"));
        assert!(!policy.watches("release/1/2") && !policy.watches("feature/x"));
        let stored = serde_json::to_string(&policy).unwrap();
        assert_eq!(parse_applied("churn", &stored).unwrap(), policy);
        assert_eq!(parse_applied("churn", &stored).unwrap().version(), policy.version());
    }

    #[test]
    fn a_typo_is_named_with_its_place() {
        let text = GOOD.replace("registry:", "registri:");
        let line = 1 + GOOD.lines().position(|l| l.starts_with("registry:")).unwrap() as u64;
        match parse("churn.yaml", &text).unwrap_err() {
            PolicyError::Syntax { line: found, column, message, .. } => {
                assert_eq!((found, column), (line, 1), "{message}");
                assert!(message.contains("registri"), "{message}");
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_all_at_once() {
        let text = GOOD
            .replace("name: production", "name: staging")
            .replace("memoryMb: 2048, maxConcurrency: 5", "memoryMb: 2000, maxConcurrency: 500");
        let text = text.replace("kind: serverless,", "kind: serverless, instances: 0,");
        match parse("churn.yaml", &text).unwrap_err() {
            PolicyError::Meaning { problems, .. } => {
                for part in ["two are named", "memoryMb: 1024", "1 to 200", "a serverless endpoint has none"]
                {
                    assert!(problems.iter().any(|p| p.contains(part)), "{part} not in {problems:?}");
                }
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_section_that_cannot_be_acted_on_is_refused() {
        let text = GOOD.replace("response: retrain", "response: rollBack");
        let error = parse("churn.yaml", &text).unwrap_err().to_string();
        assert!(error.contains("drift.response") && error.contains("not supported"), "{error}");
    }
}
