use serde_json::{Value, json};

use super::{HUB, REGION, STAGING, TestWorld};
use crate::{AccountRegion, Caller};

const MODEL: &str = "SageMaker Model State Change";

fn models(aws: &mut TestWorld, names: &[&str]) {
    for name in names {
        aws.call("CreateModel", json!({"ModelName": name, "PrimaryContainer": {"Image": "i"}}));
        aws.wait(2);
    }
}

fn event_fault(aws: &mut TestWorld, times: Value, fault: Value) {
    aws.inject_fault(
        json!({"kind": "events", "account": STAGING, "detail_type": MODEL, "times": times, "fault": fault}),
    );
}

#[test]
fn events_can_be_lost_duplicated_delayed_and_swapped() {
    let mut aws = TestWorld::new();
    event_fault(&mut aws, json!(1), json!("lost"));
    event_fault(&mut aws, json!(1), json!({"copies": 3}));
    models(&mut aws, &["lost", "thrice", "plain"]);
    assert_eq!(aws.details(MODEL, "/ModelName"), ["thrice", "plain"]);
    assert_eq!(aws.events(MODEL)[0].copies, 3);

    aws.emissions.clear();
    event_fault(&mut aws, json!(1), json!({"delay_millis": 60_000}));
    models(&mut aws, &["late", "next"]);
    assert_eq!(aws.details(MODEL, "/ModelName"), ["next"]);
    aws.run_until_idle();
    assert_eq!(aws.details(MODEL, "/ModelName"), ["next", "late"]);
    // It arrives late, but its time is the time of the change.
    assert!(aws.events(MODEL)[1].time < aws.events(MODEL)[0].time);

    aws.emissions.clear();
    event_fault(&mut aws, json!(1), json!("swapped"));
    models(&mut aws, &["a", "b"]);
    assert_eq!(aws.details(MODEL, "/ModelName"), ["b", "a"]);
    aws.emissions.clear();
    event_fault(&mut aws, json!(1), json!("swapped"));
    models(&mut aws, &["alone"]);
    aws.run_until_idle();
    assert_eq!(aws.details(MODEL, "/ModelName"), ["alone"]);
}

#[test]
fn accounts_and_regions_do_not_share_resources() {
    let mut aws = TestWorld::new();
    models(&mut aws, &["churn"]);
    let describe = json!({"ModelName": "churn"});
    for (account, region) in [(HUB, REGION), (STAGING, "eu-west-1")] {
        let caller = Caller::root(account, region);
        let error = aws.world.call(&caller, "sagemaker", "DescribeModel", &describe, aws.now).unwrap_err();
        assert_eq!(error.code, "ValidationException");
        assert!(
            error.message.contains(&format!("arn:aws:sagemaker:{region}:{account}:model/churn")),
            "{error}"
        );
    }
}

#[test]
fn calls_above_the_documented_rate_are_throttled_if_enabled() {
    let mut aws = TestWorld::new();
    let create = |name: &str| json!({"ModelName": name, "PrimaryContainer": {"Image": "i"}});
    aws.call("CreateModel", create("a"));
    aws.call("CreateModel", create("b"));
    aws.inject_fault(json!({"kind": "throttle", "on": true}));
    aws.call("CreateModel", create("c"));
    assert_eq!(aws.try_call("CreateModel", create("d")).unwrap_err().code, "ThrottlingException");
    aws.wait(1);
    aws.call("CreateModel", create("d"));
    let outcomes: Vec<&str> = aws.world.calls().iter().map(|entry| entry.outcome.as_str()).collect();
    assert_eq!(outcomes, ["ok", "ok", "ok", "ThrottlingException", "ok"]);
}

#[test]
fn a_push_is_a_real_commit_and_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let mut aws = TestWorld::new();
    let place = AccountRegion::new(HUB, REGION);
    aws.world.add_repository(&place, "churn-model", folder.path().join("churn.git")).unwrap();
    let mut push = |content: &str| {
        let files = [("src/train.py".to_owned(), Some(content.to_owned()))];
        aws.world.commit(&place, "churn-model", "main", &files, "train", aws.now).unwrap()
    };
    let (first, second) = (push("1"), push("2"));
    assert_eq!((first.old, second.old.as_ref()), (None, Some(&first.commit)));
    let read =
        json!({"repositoryName": "churn-model", "filePath": "src/train.py", "commitSpecifier": first.commit});
    let file = aws.call_in(HUB, "codecommit", "GetFile", read).unwrap();
    assert_eq!(file["fileContent"], "MQ==");
    aws.run_until_idle();
    let kind = "CodeCommit Repository State Change";
    assert_eq!(aws.details(kind, "/event"), ["referenceCreated", "referenceUpdated"]);
    assert_eq!(aws.details(kind, "/commitId"), [first.commit.clone(), second.commit]);
    assert_eq!(aws.details(kind, "/oldCommitId"), [first.commit]);
    assert_eq!(aws.details(kind, "/referenceFullName"), ["refs/heads/main", "refs/heads/main"]);
}

#[test]
fn a_share_of_calls_is_drawn_from_the_seed() {
    let drawn = |seed: u64| -> Vec<bool> {
        let mut aws = TestWorld::new();
        aws.inject_fault(json!({"kind": "throttle_share", "percent": 20, "seed": seed}));
        (0..1000).map(|_| aws.world.throttle.share.admit().is_err()).collect()
    };
    let refused = drawn(7).into_iter().filter(|refused| *refused).count();
    assert!((160..240).contains(&refused), "{refused} of 1000");
    assert_eq!(drawn(7), drawn(7));
    assert_ne!(drawn(7), drawn(8));
    let mut aws = TestWorld::new();
    aws.inject_fault(json!({"kind": "throttle_share", "percent": 100, "seed": 1}));
    assert_eq!(aws.world.throttle.share.admit().unwrap_err().code, "ThrottlingException");
    aws.inject_fault(json!({"kind": "clear"}));
    aws.world.throttle.share.admit().unwrap();
}
