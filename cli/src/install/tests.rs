use super::file::Installation;
use super::plan::{Planned, steps};
use super::templates::Templates;
use super::{access, explain};
use tidegate_aws::operate::Failed;

const THREE_ACCOUNTS: &str = r#"
apiVersion: tidegate/v1
hub: { account: "111122223333", region: us-east-1, profile: hub }
environments:
  - { name: staging, account: "444455556666", profile: staging, monitorBuckets: [reports] }
  - { name: production, account: "777788889999", profile: production, region: eu-west-1 }
artifacts: { buckets: [models], keys: [1234abcd-12ab-34cd-56ef-1234567890ab] }
operators: [ml-ops]
alertEmail: ml-team@example.com
parameters: { LogRetentionDays: 30 }
"#;

fn installation(text: &str) -> Installation {
    serde_saphyr::from_str(text).unwrap()
}

fn named<'p>(steps: &'p [Vec<Planned>], name: &str) -> &'p Planned {
    steps.iter().flatten().find(|planned| planned.name == name).unwrap()
}

fn value<'p>(planned: &'p Planned, name: &str) -> Option<&'p str> {
    planned.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[test]
fn each_bus_comes_before_the_rules_that_send_to_it() {
    let steps = steps(&installation(THREE_ACCOUNTS));
    let names: Vec<Vec<&str>> =
        steps.iter().map(|step| step.iter().map(|planned| planned.name.as_str()).collect()).collect();
    assert_eq!(
        names,
        [
            vec!["tidegate-staging", "tidegate-production"],
            vec!["tidegate-hub"],
            vec!["tidegate-hub-to-tidegate-staging"],
            vec!["tidegate-hub-to-tidegate-production"],
            vec!["tidegate-staging-to-tidegate-hub", "tidegate-production-to-tidegate-hub"],
        ]
    );
}

#[test]
fn parameters_are_derived_from_names_and_account_ids() {
    let steps = steps(&installation(THREE_ACCOUNTS));
    let hub = named(&steps, "tidegate-hub");
    assert_eq!(value(hub, "ArtifactBucketArns"), Some("arn:aws:s3:::models"));
    let key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    assert_eq!(value(hub, "ArtifactKeyArns"), Some(key));
    assert_eq!((value(hub, "OperatorRoles"), value(hub, "LogRetentionDays")), (Some("ml-ops"), Some("30")));
    let staging = named(&steps, "tidegate-staging");
    assert_eq!(
        (value(staging, "HubRegion"), value(staging, "MonitorBucketArns")),
        (None, Some("arn:aws:s3:::reports"))
    );
    let production = named(&steps, "tidegate-production");
    assert_eq!(
        (production.region.as_str(), value(production, "HubRegion")),
        ("eu-west-1", Some("us-east-1"))
    );
    let there = named(&steps, "tidegate-hub-to-tidegate-production");
    assert_eq!((there.account.as_str(), there.region.as_str()), ("111122223333", "us-east-1"));
    assert_eq!(value(there, "EnvironmentRegion"), Some("eu-west-1"));
    let back = named(&steps, "tidegate-production-to-tidegate-hub");
    assert_eq!((back.account.as_str(), back.region.as_str()), ("777788889999", "eu-west-1"));
    assert_eq!(value(back, "HubRegion"), Some("us-east-1"));
}

#[test]
fn every_parameter_is_one_of_its_template() {
    let templates = Templates::read(None).unwrap_or_else(|_| panic!("the templates are built in"));
    assert!(templates.check(&steps(&installation(THREE_ACCOUNTS))).is_ok());
    let wrong = THREE_ACCOUNTS.replace("LogRetentionDays", "LogRetention");
    let Err(crate::Failure::Input(message)) = templates.check(&steps(&installation(&wrong))) else {
        panic!("an unknown parameter is refused")
    };
    assert!(
        message.starts_with(
            "parameters.LogRetention: environment.yaml has no such parameter; it has EnvironmentName, "
        ),
        "{message}"
    );
}

#[test]
fn a_wrong_file_is_refused_with_each_field() {
    let text = r#"
apiVersion: tidegate/v2
hub: { account: "11112222333", region: us-east }
environments:
  - { name: staging, account: "444455556666", region: us-east-1, stack: twice }
  - { name: staging, account: "444455556666", region: us-east-1, stack: twice }
  - { name: a, account: "444455556666", region: us-east-1, stack: a-name-that-is-much-longer-than-a-role-of-iam-may-have }
"#;
    let problems = installation(text).problems();
    let expected = [
        "apiVersion: `tidegate/v2`; write tidegate/v1",
        "hub.account: `11112222333` is not an account id of 12 digits in quotes",
        "hub.region: `us-east` is not a region, such as us-east-1",
        "environments: two have the name staging",
        "environments.staging.stack: twice is also the stack of staging; write another name",
        "environments.a.stack: tidegate-hub and a-name-that-is-much-longer-than-a-role-of-iam-may-have are too long together; \
         with the region they may have 59 characters",
    ];
    assert_eq!(problems, expected);
}

#[test]
fn one_account_and_one_region_are_enough() {
    let text = r#"
apiVersion: tidegate/v1
hub: { account: "111122223333", region: us-east-1 }
environments: [{ name: trial, account: "111122223333" }]
"#;
    let installation = installation(text);
    assert_eq!(installation.problems(), Vec::<String>::new());
    assert_eq!(steps(&installation).iter().flatten().count(), 4);
}

#[test]
fn what_others_must_allow_names_accounts_and_no_roles() {
    let installation = installation(THREE_ACCOUNTS);
    let grants = access::grants(&installation, &[]);
    let titles: Vec<&str> = grants.iter().map(|grant| grant.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "bucket models: the environments read the models",
            "KMS key 1234abcd-12ab-34cd-56ef-1234567890ab: the environments decrypt the models",
            "bucket reports: S3 tells EventBridge about new monitoring reports",
        ]
    );
    let roots = &grants[1].document["Statement"][1]["Principal"]["AWS"];
    assert_eq!(
        *roots,
        serde_json::json!(["arn:aws:iam::444455556666:root", "arn:aws:iam::777788889999:root"])
    );
}

#[test]
fn a_refusal_is_explained_with_what_to_do() {
    let steps = steps(&installation(THREE_ACCOUNTS));
    let planned = named(&steps, "tidegate-hub");
    let explained = |kind: &str, reason: &str| {
        let failed = Failed { resource: "R".to_owned(), kind: kind.to_owned(), reason: reason.to_owned() };
        explain::explain(planned, &failed)
    };
    let bus = "arn:aws:events:us-east-1:444455556666:event-bus/tidegate-staging";
    let cases = [
        (
            "AWS::Events::Rule",
            format!("User: arn:aws:iam::111122223333:role/r is not authorized to perform: events:PutEvents on resource: {bus}"),
            format!("the bus {bus} does not exist, or its policy does not admit this role"),
        ),
        (
            "AWS::IAM::Role",
            "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::1:role/x \
             because no identity-based policy allows the iam:CreateRole action"
                .to_owned(),
            "allow iam:CreateRole on arn:aws:iam::1:role/x to the identity of `aws sts get-caller-identity --profile hub`".to_owned(),
        ),
        (
            "AWS::DynamoDB::Table",
            "tidegate-hub already exists".to_owned(),
            "aws dynamodb delete-table --table-name tidegate-hub --profile hub".to_owned(),
        ),
        (
            "AWS::Lambda::Function",
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
                .to_owned(),
            "lower ReservedConcurrency".to_owned(),
        ),
        (
            "AWS::Lambda::Function",
            "Something new".to_owned(),
            "aws cloudformation describe-stack-events --stack-name tidegate-hub --region us-east-1 --profile hub".to_owned(),
        ),
    ];
    for (kind, reason, expected) in cases {
        let text = explained(kind, &reason);
        assert!(text.contains(&expected), "{text}");
        assert!(text.starts_with(&format!("R ({kind}): {reason}\n    fix: ")), "{text}");
    }
}
