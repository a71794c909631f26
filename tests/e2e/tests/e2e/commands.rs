//! Commands of people: who approves is proven, the author does not count, and forged requests are refused.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tidegate_sandbox::{HUB, PRODUCTION, STAGING};

use crate::model::Model;
use crate::shared_run::block_on;
use crate::test_cloud::{TestCloud, text};

/// Two people of a group must approve, and the author is not counted. The local CodeCommit says that Developer pushed.
const LYNX: Model = Model {
    production_more: "    gates: { approvals: { required: 2, groups: [risk], notAuthor: true } }",
    drift: "{ response: alert, cooldown: 24h }\ngroups: { risk: [\"sso:111122223333:ModelRisk\", \
            \"arn:aws:iam::111122223333:role/Developer\"] }",
    ..Model::plain("lynx")
};

/// What comes of each forged request: its status, and a part of the answer.
const FORGED: [(&str, u16, &str); 19] = [
    ("genuine", 200, "accepted"),
    ("replayed", 409, "duplicate_request"),
    ("another caller's name in the body", 400, "body.by"),
    ("another time in the body", 400, "body.at"),
    ("another version after signing", 403, "does not match"),
    ("another environment after signing", 403, "does not match"),
    ("another body without its hash", 403, ""),
    ("a stale signature", 403, "Signature expired"),
    ("a stale command with a new signature", 400, "request_not_current"),
    ("a command from the future", 400, "request_not_current"),
    ("unsigned", 403, "Forbidden"),
    ("signed for another service", 403, "scoped"),
    ("signed for another region", 403, "scoped"),
    ("signed with another secret", 403, "signature"),
    ("with another session token", 403, "token"),
    ("a role without the policy", 403, "Forbidden"),
    ("a role of another account", 403, "Forbidden"),
    ("the root user", 403, "caller_unusable"),
    ("a look-alike permission set", 403, "caller_not_allowed"),
];

#[test]
fn two_people_approve_of_whom_none_is_the_author_and_forged_commands_are_refused() {
    block_on(async {
        let mut test = TestCloud::new().await;
        test.introduce(&LYNX).await;
        let role = test.permission_set("ModelRisk").await;
        test.permission_set("ModelRisk_Test").await;
        let aws = test.cloud.aws();
        for (account, name, action) in [
            (HUB, "Developer", "sts:GetCallerIdentity"),
            (HUB, "no-policy", "lambda:InvokeFunctionUrl"),
            (STAGING, "everything", "*"),
        ] {
            aws.make_role(account.id, name, action).await.unwrap_or_else(|error| panic!("{error}"));
        }
        let policy = test.cloud.operator_policy();
        aws.attach_policy(HUB.id, "Developer", &policy).await.unwrap_or_else(|error| panic!("{error}"));
        let package = test.train(&LYNX, 1).await;
        test.wait_for_decision(&LYNX, HUB, "train", "succeeded", "version_registered").await;
        test.approve(&package);
        test.wait_for_decision(&LYNX, STAGING, "deploy", "succeeded", "answered").await;
        test.wait_for_decision(&LYNX, HUB, "promote", "wait", "approval_required").await;
        forged(&test).await;
        let approve = ["approve", "lynx", "1", "production"];
        let refused = |output: &crate::operator::CommandOutput, why: &str| {
            assert_eq!(output.code, Some(1), "{output:?}");
            assert!(output.error.contains(why), "{output:?}");
        };
        refused(&test.command_as("Developer", "somebody", &approve).await, "is the author of version 1");
        refused(&test.command(&approve).await, "the policy of lynx asks for risk");
        let first = test.command_as(&role, "ana@example.com", &approve).await;
        assert_eq!(first.code, Some(0), "{first:?}");
        assert!(first.out.contains("sso:111122223333:ModelRisk/ana@example.com"), "{first:?}");
        refused(&test.command_as(&role, "Ana@example.com", &approve).await, "has already approved");
        let second = test.command_as(&role, "ben@example.com", &approve).await;
        assert_eq!(second.code, Some(0), "{second:?}");
        test.wait_for_decision(&LYNX, HUB, "promote", "deploy", "approvals_complete").await;
        test.wait_for_decision(&LYNX, PRODUCTION, "deploy", "succeeded", "answered").await;
        test.commands(&["reject", "lynx", "1", "--reason", "fails on the new segment"]).await;
        let found = test.ask(HUB, "DescribeModelPackage", &json!({ "ModelPackageName": package }));
        assert_eq!(text(&found, "ModelApprovalStatus"), "Rejected");
        let by = "rejected by arn:aws:iam::111122223333:role/people: fails on the new segment";
        assert_eq!(text(&found, "ApprovalDescription"), by);
    });
}

/// Sends the forged requests, of which one is genuine, and takes back what the genuine one did.
async fn forged(test: &TestCloud) {
    let url = test.cloud.command_url().await.unwrap_or_else(|error| panic!("{error}"));
    let arguments = [test.cloud.url(), &url, HUB.id, STAGING.id, LYNX.name];
    let printed = test.cloud.python("tests/e2e/forged_commands.py", &arguments).await;
    let printed = printed.unwrap_or_else(|error| panic!("{error}"));
    let answers: Vec<Value> = serde_json::from_str(&printed).expect("forged_commands.py prints JSON");
    let mut table = String::new();
    for answer in &answers {
        let _ = writeln!(table, "{}: {} {}", text(answer, "name"), answer["status"], text(answer, "body"));
    }
    println!("{table}");
    assert_eq!(answers.len(), FORGED.len(), "{table}");
    for (answer, (name, status, part)) in answers.iter().zip(FORGED) {
        assert_eq!((text(answer, "name"), answer["status"].as_u64()), (name, Some(status.into())), "{table}");
        assert!(text(answer, "body").contains(part), "{name}: {part}\n{table}");
    }
    test.commands(&["release", LYNX.name, "staging"]).await;
}
