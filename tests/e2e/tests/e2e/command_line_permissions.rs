//! The permissions that `docs/cli.md` lists: with them every command works, and none of them is too much.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate_sandbox::{Account, HUB, PRODUCTION, REGION, STAGING, workspace};

use crate::doctor::visits;
use crate::operator::{CommandOutput, Operator};
use crate::shared::sample;
use crate::shared_run::block_on;
use crate::test_cloud::{TestCloud, dead_letters, queue_url, text};

const ROLE: &str = "TidegateOperator";
/// The same, but for invoking functions.
const LOOKER: &str = "TidegateLooker";

/// What somebody in the documented role did.
pub(crate) struct Permitted {
    not_accepted: CommandOutput,
    still_there: usize,
    said: Vec<(String, CommandOutput)>,
    checks: Value,
}

/// The policy of the page, for an account.
fn documented(account: Account) -> String {
    let page = std::fs::read_to_string(workspace().join("docs/cli.md")).expect("the page is there");
    let policy = page
        .split("```json\n")
        .filter_map(|rest| rest.split("```").next())
        .find(|block| block.contains("\"Statement\""));
    let policy = policy.expect("the page has a policy");
    policy.replace("ACCOUNT", account.id).replace("REGION", REGION).replace("STACK", account.stack)
}

/// The same as ministack 1.5.33 needs it: it spells a rule of the default bus `rule/default/NAME`, takes the name
/// of a described bus for a rule's, and asks about a rule's bus where AWS asks about the rule.
fn for_the_emulator(account: Account) -> String {
    let mut policy: Value = serde_json::from_str(&documented(account)).expect("the policy is JSON");
    let (id, stack) = (account.id, account.stack);
    let arn = |resource: String| json!(format!("arn:aws:events:{REGION}:{id}:{resource}"));
    for statement in policy["Statement"].as_array_mut().into_iter().flatten() {
        let more = match text(statement, "Sid") {
            "Rules" => [
                arn(format!("rule/default/{stack}-*")),
                arn(format!("event-bus/{stack}")),
                arn("event-bus/default".to_owned()),
            ]
            .to_vec(),
            "Bus" => vec![arn(format!("rule/default/{stack}"))],
            _ => continue,
        };
        statement["Resource"] = match statement["Resource"].take() {
            Value::Array(listed) => json!([listed, more].concat()),
            one => json!([vec![one], more].concat()),
        };
    }
    policy.to_string()
}

/// Lets somebody in the documented role run every command.
pub(crate) async fn permitted(test: &TestCloud, policy_file: &str) -> Permitted {
    for account in [HUB, STAGING, PRODUCTION] {
        let whole = for_the_emulator(account);
        let without_invoke = whole.replace("lambda:InvokeFunction", "lambda:GetFunction");
        for (role, policy) in [(ROLE, &whole), (LOOKER, &without_invoke)] {
            let arguments = ["person", test.cloud.url(), account.id, role, policy];
            let made = test.cloud.python("tests/e2e/roles.py", &arguments).await;
            made.unwrap_or_else(|error| panic!("{error}"));
        }
    }
    send_dead_letters(test).await;
    let not_accepted = Operator::in_role(&test.cloud, LOOKER).run(&["redrive", "--function", "scale"]);
    let still_there = dead_letters(&test.cloud, PRODUCTION, "scale").await;
    let operator = Operator::in_role(&test.cloud, ROLE);
    let another = std::fs::read_to_string(policy_file)
        .expect("it is there")
        .replace("polecat-packages", "polecat-models");
    let another = test.file("renamed.yaml", &another).display().to_string();
    let commands: [&[&str]; 9] = [
        // A package group that is no longer named is a lookup that is deleted.
        &["apply", &another],
        &["apply", policy_file],
        &["policies"],
        &["status"],
        &["why", "polecat", "production"],
        &["history", "polecat"],
        &["redrive", "--list"],
        &["redrive"],
        &["doctor"],
    ];
    let said = commands.iter().map(|arguments| (arguments.join(" "), operator.run(arguments))).collect();
    Permitted { not_accepted, still_there, said, checks: test.permissions().await }
}

/// A sweep that a function failed on, and a push that a rule of somebody's own did not bring to an account that nobody has. The
/// other events that are forwarded come from functions, which publish them again themselves.
async fn send_dead_letters(test: &TestCloud) {
    let arn = format!("arn:aws:lambda:{REGION}:{}:function:{}-scale", PRODUCTION.id, PRODUCTION.stack);
    let failed = json!({
        "requestContext": { "functionArn": arn, "condition": "RetriesExhausted", "approximateInvokeCount": 3 },
        "requestPayload": crate::test_cloud::sweep(), "responsePayload": { "errorType": "Throttled" },
    });
    send(test, PRODUCTION, "scale", &failed, json!({})).await;
    let mut push = sample("contract/commit-pushed.json")["detail"].clone();
    push["repository"] = json!("github:acme/nobodys");
    let event = json!({
        "version": "0", "id": "1", "detail-type": "Commit Pushed", "source": "tidegate", "account": HUB.id,
        "time": "2026-03-02T09:10:02Z", "region": REGION, "resources": [], "detail": push,
    });
    let text = |value: String| json!({ "DataType": "String", "StringValue": value });
    let attributes = json!({
        "RULE_ARN": text(format!("arn:aws:events:{REGION}:{}:rule/{}/to-nowhere", HUB.id, HUB.stack)),
        "TARGET_ARN": text(format!("arn:aws:events:{REGION}:123456789012:event-bus/tidegate-nowhere")),
        "ERROR_CODE": text("NO_RESOURCE".to_owned()), "ERROR_MESSAGE": text("no bus".to_owned()),
    });
    send(test, HUB, "forward", &event, attributes).await;
}

async fn send(test: &TestCloud, account: Account, queue: &str, body: &Value, attributes: Value) {
    let message = json!({
        "QueueUrl": queue_url(account, queue), "MessageBody": body.to_string(), "MessageAttributes": attributes,
    });
    let sent = test.cloud.aws().json(account.id, "sqs", "AmazonSQS.SendMessage", message).await;
    sent.unwrap_or_else(|error| panic!("{error}"));
}

/// What was evaluated for the role: action and whether it was allowed.
fn checks(permitted: &Permitted) -> Vec<(&str, &str, bool)> {
    let all = permitted.checks.as_array().into_iter().flatten().filter(|check| text(check, "role") == ROLE);
    all.map(|check| (text(check, "action"), text(check, "resource"), check["allowed"] == json!(true)))
        .collect()
}

#[test]
fn the_documented_permissions_are_enough_for_every_command() {
    let result = block_on(visits());
    for (command, said) in &result.permitted.said {
        // The alarms that rang when the dead letters came ring on for a minute.
        let mut problems = said.out.lines().filter(|line| line.starts_with("problem"));
        let alarms_alone = command == "doctor" && problems.all(|line| line.contains("  alarms: "));
        assert!(said.code == Some(0) || alarms_alone, "{command}: {}{}", said.out, said.error);
    }
    let redriven = &result.permitted.said.iter().find(|(command, _)| command == "redrive").expect("it ran").1;
    for sent in ["hub=tidegate-hub forward sent", "production=tidegate-production scale sent"] {
        assert!(redriven.out.contains(sent), "{}", redriven.out);
    }
    let denied: Vec<_> = checks(&result.permitted).into_iter().filter(|(.., allowed)| !allowed).collect();
    assert_eq!(denied, []);
}

#[test]
fn every_documented_permission_is_used() {
    let result = block_on(visits());
    let used: BTreeSet<&str> = checks(&result.permitted).into_iter().map(|(action, ..)| action).collect();
    let policy: Value = serde_json::from_str(&documented(HUB)).expect("the policy is JSON");
    let actions = policy["Statement"].as_array().into_iter().flatten().flat_map(
        |statement| match &statement["Action"] {
            Value::Array(actions) => actions.iter().filter_map(Value::as_str).collect(),
            action => action.as_str().into_iter().collect::<Vec<_>>(),
        },
    );
    let listed: BTreeSet<&str> = actions.collect();
    assert_eq!(listed.difference(&used).collect::<Vec<_>>(), Vec::<&&str>::new());
    assert!(used.is_subset(&listed), "{used:?}");
}

#[test]
fn a_dead_letter_whose_event_is_not_accepted_stays() {
    let result = block_on(visits());
    let said = &result.permitted.not_accepted;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("production=tidegate-production scale kept"), "{}", said.out);
    assert!(said.out.contains("lambda:Invoke failed (Denied)"), "{}", said.out);
    assert_eq!(result.permitted.still_there, 1);
}
