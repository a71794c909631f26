//! Somebody with the rights of an ordinary role of an account tries to speak in Tidegate's or in another person's name. Each
//! attempt is refused, and each succeeds when its guard is taken away, so that none is refused by accident.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tidegate_sandbox::{Account, CloudConfig, HUB, LocalCloud, PRODUCTION, REGION, STAGING};
use tokio::sync::OnceCell;

use crate::shared::sample;
use crate::shared_run::block_on;
use crate::test_cloud::{text, zips};

/// A role that may put any event on any bus of its account, as many an application's role may.
const APPLICATION: &str = "application";
/// The role of a tool, such as a CI job.
const TOOL: &str = "ci-push";
/// The role of people.
const PERSON: &str = "people";

/// The connection from the hub to staging, as its templates name it.
const CONNECTION: &str = "tidegate-hub-to-tidegate-staging";

/// An attempt and what came of it.
struct Attempt {
    who: String,
    what: String,
    /// Why it was refused, if it was.
    refused: Option<String>,
    /// The guard, and whether the attempt succeeds without it.
    guard: String,
    without_guard: bool,
}

/// A cloud of its own, because its guards are taken away.
async fn cloud() -> LocalCloud {
    let config =
        CloudConfig { hub_parameters: vec![format!("ToolRoles=people,{TOOL}")], ..CloudConfig::default() };
    let cloud =
        LocalCloud::start(config, zips().await, &|_| ()).await.unwrap_or_else(|error| panic!("{error}"));
    for account in [HUB, STAGING, PRODUCTION] {
        let made = cloud.aws().make_role(account.id, APPLICATION, "events:*").await;
        made.unwrap_or_else(|error| panic!("{error}"));
    }
    cloud.aws().make_role(HUB.id, TOOL, "events:PutEvents").await.unwrap_or_else(|error| panic!("{error}"));
    cloud
}

/// Every attempt, in the order of the table.
async fn attempts() -> &'static [Attempt] {
    static ATTEMPTS: OnceCell<Vec<Attempt>> = OnceCell::const_new();
    let all = || async {
        let cloud = cloud().await;
        let mut all = forwarded_by_a_rule_of_ones_own(&cloud).await;
        all.extend(with_the_role_of_the_connection(&cloud).await);
        all.extend(by_the_roles_of_sagemaker_and_promote(&cloud).await);
        all.extend(by_invoking_a_function(&cloud).await);
        all.extend(put_on_a_bus(&cloud).await);
        all
    };
    ATTEMPTS.get_or_init(all).await
}

/// Who puts which kind of event on whose bus, and the statement that denies it.
fn forged_events() -> Vec<(Account, &'static str, &'static str, &'static str)> {
    let hub = [
        ("Deployment Requested", "promote-only"),
        ("Retraining Finished", "train-only"),
        ("Decision Recorded", "functions-only"),
        ("Deployment Finished", "environments-only"),
        ("Deployment Waiting", "environments-only"),
        ("Endpoint Health Changed", "environments-only"),
        ("Retraining Requested", "environments-only"),
        ("Approval Given", "operate-only"),
        ("Hold Placed", "operate-only"),
        ("Hold Released", "operate-only"),
        ("Rollback Requested", "operate-only"),
        ("Promotion Forced", "operate-only"),
        ("Freeze Placed", "operate-only"),
        ("Freeze Lifted", "operate-only"),
        ("Commit Pushed", "tools-only"),
    ];
    let environment = [
        ("Deployment Requested", "hub-only"),
        ("Retraining Finished", "hub-only"),
        ("Hold Placed", "hub-only"),
        ("Hold Released", "hub-only"),
        ("Deployment Finished", "deploy-only"),
        ("Deployment Waiting", "deploy-only"),
        ("Endpoint Health Changed", "deploy-only"),
        ("Retraining Requested", "respond-only"),
        ("Decision Recorded", "functions-only"),
        ("Drift Observed", "tools-only"),
    ];
    let mut all: Vec<_> = hub.map(|(kind, guard)| (HUB, APPLICATION, kind, guard)).to_vec();
    all.extend(environment.map(|(kind, guard)| (STAGING, APPLICATION, kind, guard)));
    // People and tools may say what is theirs to say, and nothing else.
    all.push((HUB, PERSON, "Deployment Requested", "promote-only"));
    all.push((HUB, PERSON, "Deployment Finished", "environments-only"));
    // People command through the function URL, where AWS names them. On the bus they could write any name.
    all.push((HUB, PERSON, "Approval Given", "operate-only"));
    all.push((HUB, PERSON, "Hold Placed", "operate-only"));
    all.push((HUB, TOOL, "Approval Given", "operate-only"));
    all.push((HUB, TOOL, "Hold Released", "operate-only"));
    all.push((STAGING, PERSON, "Deployment Requested", "hub-only"));
    all
}

fn entry(account: Account, kind: &str) -> Value {
    let detail = match kind {
        "Decision Recorded" => json!({ "id": "forged" }),
        kind => sample(&format!("contract/{}.json", kind.to_lowercase().replace(' ', "-")))["detail"].clone(),
    };
    json!({ "Source": "tidegate", "DetailType": kind, "Detail": detail.to_string(), "EventBusName": account.stack })
}

async fn put_on_a_bus(cloud: &LocalCloud) -> Vec<Attempt> {
    let forged = forged_events();
    let entries: Vec<_> =
        forged.iter().map(|(account, role, kind, _)| (account.id, *role, entry(*account, kind))).collect();
    let put = || async { cloud.put_as(&entries).await.unwrap_or_else(|error| panic!("{error}")) };
    let refused = put().await;
    for (account, _, _, guard) in &forged {
        let statement =
            json!({ "EventBusName": account.stack, "StatementId": format!("{}-{guard}", account.stack) });
        call(cloud, *account, "events", "AWSEvents.RemovePermission", statement).await;
    }
    let without = put().await;
    let attempt = |(((account, role, kind, guard), refused), without): (_, Option<String>)| {
        let (account, role, kind, guard): (&Account, &&str, &&str, &&str) = (account, role, kind, guard);
        let refused: Option<String> = refused;
        Attempt {
            who: format!("{role} of {}", account.environment),
            what: format!("puts {kind} on the bus"),
            refused,
            guard: format!("{}-{guard}", account.stack),
            without_guard: without.is_none(),
        }
    };
    forged
        .iter()
        .map(|(account, role, kind, guard)| (account, role, kind, guard))
        .zip(refused)
        .zip(without)
        .map(attempt)
        .collect()
}

/// Rules of an application that forward to the bus of another account, with a role that may put events there.
async fn forwarded_by_a_rule_of_ones_own(cloud: &LocalCloud) -> Vec<Attempt> {
    let mut all = Vec::new();
    for (from, to) in [(PRODUCTION, STAGING), (HUB, STAGING), (STAGING, HUB)] {
        let name = format!("own-rule-to-{}", to.environment);
        let arguments = ["courier", cloud.url(), from.id, &name, &to.bus_arn()];
        let role =
            cloud.python("tests/e2e/roles.py", &arguments).await.unwrap_or_else(|error| panic!("{error}"));
        let rule = json!({ "Name": name, "EventPattern": json!({ "source": ["tidegate"] }).to_string() });
        call(cloud, from, "events", "AWSEvents.PutRule", rule).await;
        let target = json!({ "Id": "bus", "Arn": to.bus_arn(), "RoleArn": role.trim() });
        let put = json!({ "Rule": name, "Targets": [target] });
        let aws = cloud.aws();
        let refused = aws.json(from.id, "events", "AWSEvents.PutTargets", put.clone()).await.err();
        let open = json!({
            "EventBusName": to.stack, "StatementId": "open", "Action": "events:PutEvents", "Principal": { "AWS": from.id },
        });
        call(cloud, to, "events", "AWSEvents.PutPermission", open).await;
        let without = aws.json(from.id, "events", "AWSEvents.PutTargets", put).await;
        let close = json!({ "EventBusName": to.stack, "StatementId": "open" });
        call(cloud, to, "events", "AWSEvents.RemovePermission", close).await;
        all.push(Attempt {
            who: format!("{APPLICATION} of {}", from.environment),
            what: format!("forwards to the bus of {} by a rule of its own", to.environment),
            refused: refused.map(|error| error.to_string()),
            guard: "the bus admits the role of the connection only".to_owned(),
            without_guard: without.is_ok(),
        });
    }
    all
}

/// A rule of an application that uses the role of the connection, which the bus of staging admits.
async fn with_the_role_of_the_connection(cloud: &LocalCloud) -> Vec<Attempt> {
    let role = format!("arn:aws:iam::{}:role/{CONNECTION}-{REGION}", HUB.id);
    let name = "borrowed-role";
    let queue = call(cloud, HUB, "sqs", "AmazonSQS.CreateQueue", json!({ "QueueName": name })).await;
    let arn = format!("arn:aws:sqs:{REGION}:{}:{name}", HUB.id);
    let admit = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sqs:SendMessage",
        "Principal": { "Service": "events.amazonaws.com" }, "Resource": arn }] });
    let attributes =
        json!({ "QueueUrl": text(&queue, "QueueUrl"), "Attributes": { "Policy": admit.to_string() } });
    call(cloud, HUB, "sqs", "AmazonSQS.SetQueueAttributes", attributes).await;
    // On the default bus, where an application may put what it likes.
    let rule = json!({ "Name": name, "EventPattern": json!({ "source": ["tidegate"] }).to_string() });
    call(cloud, HUB, "events", "AWSEvents.PutRule", rule).await;
    let target =
        json!({ "Id": "bus", "Arn": STAGING.bus_arn(), "RoleArn": role, "DeadLetterConfig": { "Arn": arn } });
    call(cloud, HUB, "events", "AWSEvents.PutTargets", json!({ "Rule": name, "Targets": [target] })).await;
    let mut forged = entry(HUB, "Deployment Requested");
    forged["EventBusName"] = json!("default");
    let put = cloud.put_as(&[(HUB.id, APPLICATION, forged)]).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(put, [None], "the default bus takes it");
    let ask = json!({ "QueueUrl": text(&queue, "QueueUrl"), "MessageAttributeNames": ["All"], "WaitTimeSeconds": 10 });
    let letters = call(cloud, HUB, "sqs", "AmazonSQS.ReceiveMessage", ask).await;
    let attribute = |name: &str| {
        let pointer = format!("/Messages/0/MessageAttributes/{name}/StringValue");
        letters.pointer(&pointer).and_then(Value::as_str).map(str::to_owned)
    };
    let refused = attribute("ERROR_CODE").zip(attribute("ERROR_MESSAGE"));
    call(cloud, HUB, "events", "AWSEvents.RemoveTargets", json!({ "Rule": name, "Ids": ["bus"] })).await;
    vec![Attempt {
        who: format!("{APPLICATION} of hub"),
        what: "forwards to staging by a rule of its own with the role of the connection".to_owned(),
        refused: refused.map(|(code, message)| format!("{code}: {message}")),
        guard: "the role can be used by one rule only".to_owned(),
        // The rule of the connection uses the role for every request of the other scenarios.
        without_guard: true,
    }]
}

/// What code in a pipeline, or a defect in promote, could do to an approval.
async fn by_the_roles_of_sagemaker_and_promote(cloud: &LocalCloud) -> Vec<Attempt> {
    let package = format!("arn:aws:sagemaker:{REGION}:{}:model-package/churn/7", HUB.id);
    let pipeline = format!("arn:aws:sagemaker:{REGION}:{}:pipeline/another-team", HUB.id);
    let approved = json!({ "sagemaker:ModelApprovalStatus": "Approved" });
    let tagged = json!({ "aws:ResourceTag/tidegate:model": "churn" });
    let cases = [
        ("PipelineExecutionRole", "sagemaker:CreateModelPackage", &package, approved.clone(), json!({})),
        ("PromoteRole", "sagemaker:UpdateModelPackage", &package, approved.clone(), json!({})),
        (
            "PromoteRole",
            "sagemaker:UpdateModelPackage",
            &package,
            json!({ "sagemaker:ModelApprovalStatus": "Rejected" }),
            json!({}),
        ),
        ("TrainRole", "sagemaker:UpdatePipeline", &pipeline, json!({}), tagged),
    ];
    let roles = roles(cloud, HUB).await;
    let mut all = Vec::new();
    for (role, action, resource, context, allowed) in cases {
        let arn = roles.iter().find(|name| name.contains(role)).expect("the stack has the role");
        let ask = |context: Value| {
            json!({ "role": format!("arn:aws:iam::{}:role/{arn}", HUB.id), "action": action, "resource": resource,
                "region": REGION, "context": context, "any_service": true })
        };
        let verdict = async |context: Value| {
            let answer = cloud.aws().door("/_tidegate/authorize", &ask(context)).await;
            let answer = answer.unwrap_or_else(|error| panic!("{error}"));
            serde_json::from_str::<Value>(&answer).expect("the verdict is JSON")
        };
        let refused = verdict(context.clone()).await;
        let what = match context.pointer("/sagemaker:ModelApprovalStatus").and_then(Value::as_str) {
            Some(status) => format!("calls {action} with the status {status}"),
            None => format!("calls {action} for a pipeline of another team"),
        };
        all.push(Attempt {
            who: role.to_owned(),
            what,
            refused: (refused["allowed"] == json!(false)).then(|| text(&refused, "reason").to_owned()),
            guard: "a condition in the policy of the role".to_owned(),
            without_guard: verdict(allowed).await["allowed"] == json!(true),
        });
    }
    all
}

async fn roles(cloud: &LocalCloud, account: Account) -> Vec<String> {
    let arguments = ["granted", cloud.url(), account.id];
    let listed =
        cloud.python("tests/e2e/roles.py", &arguments).await.unwrap_or_else(|error| panic!("{error}"));
    let granted: Vec<Value> = serde_json::from_str(&listed).expect("roles.py lists permissions");
    granted.iter().map(|one| text(one, "role").to_owned()).collect()
}

/// Whoever may invoke a function directly can forge the envelope of an event. The function still decides by what AWS says.
async fn by_invoking_a_function(cloud: &LocalCloud) -> Vec<Attempt> {
    let invoke = async |account: Account, function: &str, payload: &Value| {
        let answer = cloud.aws().invoke(account.id, &account.function(function), payload).await;
        answer.unwrap_or_else(|error| panic!("{error}"))
    };
    let failed = |answer: &Value| answer.get("errorType").map(|_| text(answer, "errorMessage").to_owned());
    let again = |detail: Value| json!({ "tidegate": "publish_again", "event": { "detail-type": "Deployment Requested", "detail": detail } });
    let request = sample("contract/deployment-requested.json")["detail"].clone();
    let invented = invoke(HUB, "promote", &again(request)).await;
    let mut all = vec![Attempt {
        who: "whoever may invoke promote".to_owned(),
        what: "lets it publish a request that it never decided".to_owned(),
        refused: failed(&invented),
        guard: "the event must be in a recorded decision of promote".to_owned(),
        // `redrive` publishes a decided one in its own scenario.
        without_guard: true,
    }];
    let mut command = sample("command/approve.json");
    let unknown = invoke(HUB, "operate", &command).await;
    all.push(Attempt {
        who: "whoever may invoke operate".to_owned(),
        what: "hands it a request in the name of an operator".to_owned(),
        refused: (unknown["statusCode"] == json!(403)).then(|| text(&unknown, "body").to_owned()),
        guard: "the payload must have the id that Lambda gives the invocation".to_owned(),
        // Commands through the function URL succeed in their own scenario.
        without_guard: true,
    });
    command["requestContext"]["requestId"] = json!("");
    let empty = invoke(HUB, "operate", &command).await;
    assert_eq!(empty["statusCode"], json!(403), "{empty}");
    let mut far = sample("contract/hold-released.json");
    far["detail"]["at"] = json!("9999-01-01T00:00:00Z");
    let mut near = far.clone();
    near["detail"]["at"] = near["time"].clone();
    all.push(Attempt {
        who: "an operator".to_owned(),
        what: "releases every hold until the year 9999".to_owned(),
        refused: failed(&invoke(HUB, "promote", &far).await),
        guard: "a time may be at most 5 minutes ahead of its event".to_owned(),
        without_guard: failed(&invoke(HUB, "promote", &near).await).is_none(),
    });
    let mut long = sample("contract/hold-placed.json");
    long["detail"]["reason"] = json!("x".repeat(200_000));
    let mut short = long.clone();
    short["detail"]["reason"] = json!("x");
    all.push(Attempt {
        who: "an operator".to_owned(),
        what: "fills the state with a reason of 200,000 characters".to_owned(),
        refused: failed(&invoke(HUB, "promote", &long).await),
        guard: "texts have longest lengths".to_owned(),
        without_guard: failed(&invoke(HUB, "promote", &short).await).is_none(),
    });
    all
}

async fn call(cloud: &LocalCloud, account: Account, service: &str, target: &str, body: Value) -> Value {
    cloud.aws().json(account.id, service, target, body).await.unwrap_or_else(|error| panic!("{error}"))
}

/// The table of attempts and outcomes.
fn table(attempts: &[Attempt]) -> String {
    let mut table = String::new();
    for attempt in attempts {
        let refused = attempt.refused.as_deref().map_or("SUCCEEDED".to_owned(), |why| {
            why.chars().filter(|c| !c.is_control()).take(160).collect()
        });
        let without = if attempt.without_guard { "succeeds" } else { "is refused as well" };
        let Attempt { who, what, guard, .. } = attempt;
        let _ = writeln!(
            table,
            "{who} {what}\n    refused: {refused}\n    without the guard ({guard}) it {without}"
        );
    }
    table
}

#[test]
fn every_attempt_is_refused_and_none_by_accident() {
    let attempts = block_on(attempts());
    let table = table(attempts);
    println!("{table}");
    assert!(attempts.len() >= 30, "{} attempts", attempts.len());
    let wrong: Vec<_> =
        attempts.iter().filter(|a| a.refused.is_none() || !a.without_guard).map(|a| &a.what).collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{table}");
}
