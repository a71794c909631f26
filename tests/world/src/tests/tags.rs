//! The tags of SageMaker resources.

use serde_json::{Value, json};

use super::{IMAGE, STAGING, TestWorld};

fn model(name: &str, tags: Value) -> Value {
    json!({"ModelName": name, "PrimaryContainer": {"Image": IMAGE}, "Tags": tags})
}

fn tags_of(aws: &mut TestWorld, arn: &str) -> Value {
    aws.call("ListTags", json!({"ResourceArn": arn}))["Tags"].clone()
}

#[test]
fn tags_are_merged_up_to_fifty() {
    let mut aws = TestWorld::new();
    let arn =
        aws.call("CreateModel", model("m", json!([{"Key": "team", "Value": "ads"}])))["ModelArn"].clone();
    let arn = arn.as_str().unwrap();
    let add = |tags: Value| json!({"ResourceArn": arn, "Tags": tags});
    aws.call("AddTags", add(json!([{"Key": "team", "Value": "growth"}, {"Key": "owner", "Value": "ana"}])));
    let both = json!([{"Key": "owner", "Value": "ana"}, {"Key": "team", "Value": "growth"}]);
    assert_eq!(tags_of(&mut aws, arn), both);
    let many: Vec<Value> = (0..49).map(|n| json!({"Key": format!("k{n}"), "Value": ""})).collect();
    assert!(aws.rejection("AddTags", add(json!(many))).contains("more than 50 tags"));
    assert_eq!(tags_of(&mut aws, arn), both, "nothing was added");
    aws.call("AddTags", add(json!(many[..48])));
    // A key that it has already is not one more.
    aws.call("AddTags", add(json!([{"Key": "team", "Value": "ads"}])));
    let reserved = aws.rejection("AddTags", add(json!([{"Key": "AWS:team", "Value": "ads"}])));
    assert!(reserved.contains("reserved for AWS"), "{reserved}");
}

#[test]
fn an_organization_denies_what_has_no_tag() {
    let mut aws = TestWorld::new();
    aws.inject_fault(json!({"kind": "tag_required", "account": STAGING, "key": "cost-center"}));
    let denied = aws.rejection("CreateModel", model("m", json!([{"Key": "team", "Value": "ads"}])));
    assert!(denied.starts_with("AccessDeniedException: User: arn:aws:"), "{denied}");
    assert!(
        denied
            .contains("is not authorized to perform: sagemaker:CreateModel on resource: arn:aws:sagemaker:")
            && denied.ends_with("model/m with an explicit deny in a service control policy"),
        "{denied}"
    );
    // Condition keys are compared without regard to case.
    aws.call("CreateModel", model("m", json!([{"Key": "Cost-Center", "Value": ""}])));
    aws.inject_fault(json!({"kind": "clear"}));
    aws.call("CreateModel", model("n", json!([])));
}
