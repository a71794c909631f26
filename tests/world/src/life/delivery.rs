use serde_json::{Value, json};

use super::{HUB, Life, REGION, STAGING};
use crate::{Caller, Place};

const MODEL: &str = "SageMaker Model State Change";

fn models(life: &mut Life, names: &[&str]) {
    for name in names {
        life.call("CreateModel", json!({"ModelName": name, "PrimaryContainer": {"Image": "i"}}));
        life.pass(2);
    }
}

fn fate(life: &mut Life, times: Value, fate: Value) {
    life.mischief(
        json!({"kind": "events", "account": STAGING, "detail_type": MODEL, "times": times, "fate": fate}),
    );
}

#[test]
fn events_get_lost_doubled_delayed_and_swapped() {
    let mut life = Life::new();
    fate(&mut life, json!(1), json!("lost"));
    fate(&mut life, json!(1), json!({"copies": 3}));
    models(&mut life, &["lost", "thrice", "plain"]);
    assert_eq!(life.details(MODEL, "/ModelName"), ["thrice", "plain"]);
    assert_eq!(life.events(MODEL)[0].copies, 3);

    life.told.clear();
    fate(&mut life, json!(1), json!({"late_millis": 60_000}));
    models(&mut life, &["late", "next"]);
    assert_eq!(life.details(MODEL, "/ModelName"), ["next"]);
    life.settle();
    assert_eq!(life.details(MODEL, "/ModelName"), ["next", "late"]);
    // It is late, but it says when it happened.
    assert!(life.events(MODEL)[1].time < life.events(MODEL)[0].time);

    life.told.clear();
    fate(&mut life, json!(1), json!("swapped"));
    models(&mut life, &["a", "b"]);
    assert_eq!(life.details(MODEL, "/ModelName"), ["b", "a"]);
    life.told.clear();
    fate(&mut life, json!(1), json!("swapped"));
    models(&mut life, &["alone"]);
    life.settle();
    assert_eq!(life.details(MODEL, "/ModelName"), ["alone"]);
}

#[test]
fn other_accounts_and_regions_are_other_worlds() {
    let mut life = Life::new();
    models(&mut life, &["churn"]);
    let describe = json!({"ModelName": "churn"});
    for (account, region) in [(HUB, REGION), (STAGING, "eu-west-1")] {
        let caller = Caller::root(account, region);
        let error = life.world.call(&caller, "sagemaker", "DescribeModel", &describe, life.now).unwrap_err();
        assert_eq!(error.code, "ValidationException");
        assert!(
            error.message.contains(&format!("arn:aws:sagemaker:{region}:{account}:model/churn")),
            "{error}"
        );
    }
}

#[test]
fn calls_above_the_documented_rate_are_refused_when_asked_for() {
    let mut life = Life::new();
    let create = |name: &str| json!({"ModelName": name, "PrimaryContainer": {"Image": "i"}});
    life.call("CreateModel", create("a"));
    life.call("CreateModel", create("b"));
    life.mischief(json!({"kind": "throttle", "on": true}));
    life.call("CreateModel", create("c"));
    assert_eq!(life.try_call("CreateModel", create("d")).unwrap_err().code, "ThrottlingException");
    life.pass(1);
    life.call("CreateModel", create("d"));
    let outcomes: Vec<&str> = life.world.journal().iter().map(|entry| entry.outcome.as_str()).collect();
    assert_eq!(outcomes, ["ok", "ok", "ok", "ThrottlingException", "ok"]);
}

#[test]
fn a_push_is_a_real_commit_and_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let mut life = Life::new();
    let place = Place::new(HUB, REGION);
    life.world.add_repository(&place, "churn-model", folder.path().join("churn.git")).unwrap();
    let mut push = |content: &str| {
        let files = [("src/train.py".to_owned(), Some(content.to_owned()))];
        life.world.commit(&place, "churn-model", "main", &files, "train", life.now).unwrap()
    };
    let (first, second) = (push("1"), push("2"));
    assert_eq!((first.old, second.old.as_ref()), (None, Some(&first.commit)));
    let read =
        json!({"repositoryName": "churn-model", "filePath": "src/train.py", "commitSpecifier": first.commit});
    let file = life.call_in(HUB, "codecommit", "GetFile", read).unwrap();
    assert_eq!(file["fileContent"], "MQ==");
    life.settle();
    let kind = "CodeCommit Repository State Change";
    assert_eq!(life.details(kind, "/event"), ["referenceCreated", "referenceUpdated"]);
    assert_eq!(life.details(kind, "/commitId"), [first.commit.clone(), second.commit]);
    assert_eq!(life.details(kind, "/oldCommitId"), [first.commit]);
    assert_eq!(life.details(kind, "/referenceFullName"), ["refs/heads/main", "refs/heads/main"]);
}

#[test]
fn a_share_of_calls_is_drawn_from_the_seed() {
    let drawn = |seed: u64| -> Vec<bool> {
        let mut life = Life::new();
        life.mischief(json!({"kind": "throttle_share", "percent": 20, "seed": seed}));
        (0..1000).map(|_| life.world.throttle.share.admit().is_err()).collect()
    };
    let refused = drawn(7).into_iter().filter(|refused| *refused).count();
    assert!((160..240).contains(&refused), "{refused} of 1000");
    assert_eq!(drawn(7), drawn(7));
    assert_ne!(drawn(7), drawn(8));
    let mut life = Life::new();
    life.mischief(json!({"kind": "throttle_share", "percent": 100, "seed": 1}));
    assert_eq!(life.world.throttle.share.admit().unwrap_err().code, "ThrottlingException");
    life.mischief(json!({"kind": "clear"}));
    life.world.throttle.share.admit().unwrap();
}
