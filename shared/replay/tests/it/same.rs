//! What must not change what is decided.

use tidegate_policy::file::{Policy, parse};
use tidegate_replay::replay::{Options, Shown};

use crate::fleet::{events, run};

/// A sweep that checks a model only when it could find something decides what one decides that checks every model.
#[test]
fn sweeps_that_check_when_it_matters_find_what_sweeps_find_that_check_every_model() {
    let (policies, text) = events(11, 20);
    let mut options = Options::new(policies);
    options.threads = 1;
    let (shown, summary) = run(&text, &options);
    options.check_every_model = true;
    let (all, of_all) = run(&text, &options);
    if let Some(number) = (0..all.len()).find(|number| shown.get(*number) != all.get(*number)) {
        let of_model = |lines: &[String]| {
            let model = all[number].split("  ").nth(1).unwrap();
            let of = lines.iter().skip(number.saturating_sub(100)).filter(|line| line.contains(model));
            of.take(12).cloned().collect::<Vec<_>>().join("\n")
        };
        panic!("line {number}:\n{}\nbut checking every model\n{}", of_model(&shown), of_model(&all));
    }
    assert_eq!(shown.len(), all.len());
    assert_eq!(summary.policy, of_all.policy);
    for (function, decision) in
        [("scale", "scale_to_zero"), ("scale", "scale_from_zero"), ("respond", "retrain")]
    {
        let found = |key: &(String, String, String)| key.0 == function && key.1 == decision;
        assert!(summary.policy.decisions.keys().any(found), "no {function} {decision} in this fleet");
    }
}

/// Also of models that share an account, a repository and a moment.
#[test]
fn the_output_does_not_depend_on_the_number_of_threads() {
    let (mut policies, mut text) = events(5, 6);
    policies.push(production_only());
    let hold = include_str!("../../../../events/contract/hold-placed.json");
    let mut hold: serde_json::Value = serde_json::from_str(hold).unwrap();
    hold["detail"]["environment"] = serde_json::Value::Null;
    hold["time"] = "2026-01-03T00:00:00Z".into();
    hold["detail"]["at"] = hold["time"].clone();
    for policy in &policies {
        hold["detail"]["model"] = policy.model.as_str().into();
        hold["id"] = format!("hold-{}", policy.model).into();
        text = format!("{hold}\n{text}");
    }
    let against: Vec<Policy> = policies.iter().map(slower).collect();
    for (against, shown) in [(None, Shown::Records), (Some(against), Shown::Lines)] {
        let mut options = Options { against, shown, ..Options::new(policies.clone()) };
        options.threads = 1;
        let (one, of_one) = run(&text, &options);
        assert!(one.len() > 50, "{}", one.len());
        for threads in [2, 3, 12] {
            options.threads = threads;
            let (many, of_many) = run(&text, &options);
            for (number, (one, many)) in one.iter().zip(&many).enumerate() {
                assert_eq!(one, many, "line {number}, {threads} threads");
            }
            assert_eq!((one.len(), &of_one), (many.len(), &of_many));
        }
    }
}

/// Its sites come in another order than the others'.
fn production_only() -> Policy {
    let mut policy = crate::fleet::policy("model-099");
    policy.environments.retain(|environment| environment.name.as_str() == "production");
    policy
}

fn slower(policy: &Policy) -> Policy {
    let text = include_str!("../../../../events/policies/churn.yaml").replace("soak: 30m", "soak: 2h");
    let mut slower = policy.clone();
    let soak = parse("slower", &text).unwrap().environments.pop().and_then(|e| e.gates.soak);
    for environment in &mut slower.environments {
        if environment.gates.soak.is_some() {
            environment.gates.soak = soak;
        }
    }
    slower
}
