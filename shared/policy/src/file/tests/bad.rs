//! Invalid policies: the message and the place of each problem.

use super::{CHURN, changed, refused};

/// One mistake in the example (a passage and its replacement), and the one problem that it causes: the beginning of
/// the line, and a part of the rest.
pub(super) type Mistake = (&'static str, &'static str, &'static str, &'static str);

pub(super) fn each_is_told_once(mistakes: &[Mistake]) {
    let mut other = Vec::new();
    for (from, to, begins, part) in mistakes {
        let told = refused(&changed(from, to)).to_string();
        let begins = format!("churn.yaml:{begins}");
        if !told.starts_with(&begins) || !told.contains(part) || told.lines().count() != 1 {
            other.push(format!("`{to}` makes\n{told}\nnot\n{begins} … {part}"));
        }
    }
    assert!(other.is_empty(), "{}", other.join("\n\n"));
}

#[test]
fn fields() {
    each_is_told_once(&[
        ("registry:", "registri:", "11:1: registri: unknown field", "did you mean `registry`?"),
        (
            "memoryMb: 2048",
            "memory_mb: 2048",
            "17:56: environments.staging.endpoint.memory_mb: ",
            "did you mean `memoryMb`?",
        ),
        (
            "  group: churn",
            "  group: churn\n  colour: red",
            "13:3: registry.colour: unknown field",
            "expected announce or group",
        ),
        (
            "    region: us-east-1\n    gates",
            "    gates",
            "20:5: environments.production.region: missing",
            "an AWS region",
        ),
        ("model: churn\n", "", "3:1: model: missing; expected a model name", ""),
        (
            "  definition: { file: pipeline.json }\n",
            "",
            "8:1: pipeline.definition: missing",
            "a section with build, file, keep and role",
        ),
        ("model: churn\n", "model: churn\nmodel: churn2\n", "5:1: model: given twice", "first in line 4"),
        (
            "kind: serverless,",
            "kind: serverless, kind: realTime,",
            "17:56: environments.staging.endpoint.kind: given twice",
            "",
        ),
        ("drift:\n", "drift:\n  <<: {}\n", "31:3: drift.<<: unknown field", "merge keys"),
        (
            "drift:\n",
            "drift:\n  checks:\n    data_types_check: drift\n",
            "32:5: drift.checks.data_types_check: unknown field",
            "did you mean `data_type_check`?",
        ),
        (
            "drift:\n",
            "drift:\n  checks:\n    data_type_check: alarm\n",
            "32:22: drift.checks.data_type_check: found `alarm`",
            "did you mean `alert`?",
        ),
        (
            "kind: serverless,",
            "kind: serverless, variants: 2,",
            "17:56: environments.staging.endpoint.variants: unknown field; an endpoint has exactly one variant",
            "deployment-guardrails-exclusions.html",
        ),
        (
            "  name: churn-train",
            "  name: churn-train\n  spot: true",
            "10:3: pipeline.spot: unknown field; Spot is the training job's, so the pipeline's definition says it",
            "model-managed-spot-training.html",
        ),
        (
            "  name: churn-train",
            "  name: churn-train\n  checkpointConfig: s3://acme-ml/c/",
            "10:3: pipeline.checkpointConfig: unknown field; Spot is the training job's",
            "CheckpointConfig",
        ),
    ]);
}

#[test]
fn types() {
    each_is_told_once(&[
        (
            "\"444455556666\"",
            "444455556666",
            "15:14: environments.staging.account: found the number 444455556666",
            "12 digits, in quotes; quote it: \"444455556666\"",
        ),
        (
            "model: churn",
            "model: 42",
            "4:8: model: found the number 42, expected a model name",
            "quote it: \"42\"",
        ),
        ("model: churn", "model:", "4:6: model: found nothing, expected a model name", ""),
        ("model: churn", "model: [churn]", "4:8: model: found a list, expected a model name", ""),
        (
            "branches: [main, \"release/*\"]",
            "branches: main",
            "7:13: source.branches: found `main`, expected a list",
            "write [main]",
        ),
        (
            "instances: 2,",
            "instances: \"2\",",
            "25:94: environments.production.endpoint.instances: found the text `2`",
            "write it without quotes",
        ),
        (
            "instances: 2,",
            "instances: two,",
            "25:94: environments.production.endpoint.instances: found `two`, expected a whole number, at least 1",
            "",
        ),
        (
            "instances: 2,",
            "instances: 1.5,",
            "25:94: environments.production.endpoint.instances: found the number 1.5",
            "",
        ),
        (
            "definition: { file: pipeline.json }",
            "definition: pipeline.json",
            "10:15: pipeline.definition: found `pipeline.json`, expected a section",
            "",
        ),
        (
            "file: pipeline.json",
            "keep: yes",
            "10:23: pipeline.definition.keep: found `yes`, expected true or false",
            "",
        ),
        (
            "  name: churn-train",
            "  name: churn-train\n  parameters: { Epochs: 10 }",
            "10:25: pipeline.parameters.Epochs: found the number 10",
            "quote it: \"10\"",
        ),
        (
            "{ retrainings: 4, per: 30d }",
            "4",
            "33:11: drift.budget: found the number 4, expected a section with per and retrainings",
            "",
        ),
        (
            "body: \"42,1,0.5\"",
            "body: true",
            "19:46: environments.staging.verify.invoke.body: found `true`, expected a text",
            "quote it",
        ),
    ]);
}

#[test]
fn words_and_values() {
    each_is_told_once(&[
        (
            "tidegate/v1",
            "tidegate/v2",
            "3:13: apiVersion: found `tidegate/v2`, expected tidegate/v1",
            "the one version",
        ),
        (
            "kind: serverless",
            "kind: serverles",
            "17:44: environments.staging.endpoint.kind: found `serverles`",
            "did you mean `serverless`?",
        ),
        (
            "kind: serverless",
            "kind: lambda",
            "17:44: environments.staging.endpoint.kind: found `lambda`",
            "expected realTime, serverless, inferenceComponent or async",
        ),
        ("retrain\n", "retrian\n", "31:13: drift.response: found `retrian`", "did you mean `retrain`?"),
        (
            "model: churn",
            "model: churn_model",
            "4:8: model: found `churn_model`",
            "letters, digits and hyphens",
        ),
        (
            "name: churn-staging",
            "name: an-endpoint-name-that-is-longer-than-43-chars",
            "17:23: environments.staging.endpoint.name: found `an-endpoint",
            "at most 43 characters",
        ),
        (
            "\"444455556666\"",
            "\"44445555666\"",
            "15:14: environments.staging.account: found the text `44445555666`",
            "12 digits",
        ),
        (
            "us-east-1",
            "Virginia",
            "16:13: environments.staging.region: found `Virginia`",
            "such as eu-west-1",
        ),
        (
            "ml.m5.large",
            "m5.large",
            "25:70: environments.production.endpoint.instanceType: found `m5.large`",
            "such as ml.m5.large",
        ),
        (
            "codecommit:churn-model",
            "https://github.com/acme/churn",
            "6:15: source.repository: found `https://github.com/acme/churn`",
            "github:OWNER/NAME",
        ),
        (
            "soak: 30m",
            "soak: -1m",
            "24:13: environments.production.gates.soak: found `-1m`",
            "a whole number above zero",
        ),
        (
            "soak: 30m",
            "soak: 30",
            "24:13: environments.production.gates.soak: found the number 30",
            "such as 15m",
        ),
        ("cooldown: 24h", "cooldown: 1 day", "32:13: drift.cooldown: found `1 day`, expected a duration", ""),
        (
            "retrainings: 4",
            "retrainings: 0",
            "33:26: drift.budget.retrainings: found the number 0, expected a whole number, at least 1",
            "",
        ),
        (
            "escalateAfter: 2",
            "escalateAfter: 0",
            "34:18: drift.escalateAfter: found the number 0",
            "at least 1",
        ),
        (
            "soak: 30m",
            "approvals: { required: 0 }",
            "24:30: environments.production.gates.approvals.required: found the number 0",
            "at least 1",
        ),
        (
            "instances: 2",
            "instances: 0",
            "25:94: environments.production.endpoint.instances: found the number 0",
            "at least 1",
        ),
        (
            "instances: 2",
            "instances: -1",
            "25:94: environments.production.endpoint.instances: found the number -1",
            "at least 1",
        ),
        (
            "instances: 2",
            "instances: 99999999999",
            "25:94: environments.production.endpoint.instances: found the number 99999999999",
            "",
        ),
        (
            "branches: [main, \"release/*\"]",
            "branches: []",
            "7:3: source.branches: found an empty list, expected at least one",
            "",
        ),
        (
            "[main, \"release/*\"]",
            "[main, \"\"]",
            "7:20: source.branches[1]: found the text ``, expected a text that is not empty",
            "",
        ),
        ("escalateAfter: 2", "alarms: [a, 7]", "34:15: drift.alarms[1]: found the number 7", "quote it"),
    ]);
}

#[test]
fn what_is_no_yaml_or_no_single_document() {
    for (text, told) in [
        ("", "1:1: the file is empty"),
        ("# only a comment\n", "1:1: the file is empty"),
        ("model: [churn\n", "not YAML: "),
        ("a: b: c\n", "1:5: not YAML: "),
        ("model: \"churn\n", "not YAML: "),
        ("model: *nowhere\n", "not YAML: "),
        ("a: &x [*x]\n", "1:8: this alias stands inside what it stands for"),
        ("42\n", "1:1: found the number 42, expected a section with alerts, apiVersion"),
        ("- a\n", "1:1: found a list, expected a section"),
        ("[a]: b\n", "1:1: a key is a word"),
    ] {
        let error = refused(text).to_string();
        assert!(error.starts_with("churn.yaml:") && error.contains(told), "{text:?} makes\n{error}");
    }
    let error = refused(&format!("{CHURN}---\nmodel: other\n")).to_string();
    assert!(error.contains(":35:1: a second document begins here"), "{error}");
    each_is_told_once(&[
        ("model: churn", "model: !name churn", "4:14: the tag `!name` has no meaning", ""),
        ("model: churn", "\tmodel: churn", "3:13: not YAML: ", "found a tab"),
    ]);
    let deep = format!("model: {}{}\n", "[".repeat(100), "]".repeat(100));
    assert!(refused(&deep).to_string().contains("deeper, than any policy"), "{}", refused(&deep));
    let laughs = (1..9).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| {
        format!("{text}a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", "))
    });
    assert!(refused(&laughs).to_string().contains("deeper, than any policy"));
}

#[test]
fn an_alias_stands_for_a_whole_section() {
    let text = changed("verify:\n      invoke:", "verify: &sample\n      invoke:").replace(
        "    verify:\n      invoke: { contentType: text/csv, body: \"42,1,0.5\" }\n    scale",
        "    verify: *sample\n    scale",
    );
    assert!(text.contains("*sample"));
    assert_eq!(super::parse("a", &text).unwrap(), super::parse("b", CHURN).unwrap());
}

#[test]
fn groups_of_people() {
    let gate = |gate: &'static str| -> Mistake { ("      soak: 30m", gate, "", "") };
    let [mut unknown, mut few, mut name] = [
        gate("      approvals: { required: 1, groups: [risk] }"),
        gate("      approvals: { required: 1, groups: [Risk Team] }"),
        gate("      approvals: { required: 0, groups: [] }"),
    ];
    (unknown.2, unknown.3) = (
        "24:42: environments.production.gates.approvals.groups[0]",
        "there is no group `risk`; the policy has no `groups`",
    );
    (few.2, few.3) = ("24:42: environments.production.gates.approvals.groups[0]", "expected a group name");
    (name.2, name.3) = ("24:30: environments.production.gates.approvals.required", "expected");
    each_is_told_once(&[
        unknown,
        few,
        name,
        (
            "model: churn\n",
            "model: churn\ngroups: { risk: [] }\n",
            "5:11: groups.risk: a group without members",
            "",
        ),
        (
            "model: churn\n",
            "model: churn\ngroups: { risk: [alice] }\n",
            "5:18: groups.risk",
            "a permission set (sso:ACCOUNT:NAME or",
        ),
        (
            "model: churn\n",
            "model: churn\ngroups: { risk: [\"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Model_Risk_0123456789abcdef\"] }\n",
            "5:18: groups.risk",
            "write sso:111122223333:Model_Risk",
        ),
        (
            "model: churn\n",
            "model: churn\ngroups: { Risk Team: [\"sso:111122223333:Risk\"] }\n",
            "5:11: groups.Risk Team: not a group name",
            "",
        ),
        ("model: churn\n", "model: churn\noperators: [ops]\n", "5:13: operators", "there is no group `ops`"),
    ]);
}

#[test]
fn more_approvals_than_people() {
    let groups = "model: churn\ngroups: { ops: [\"arn:aws:iam::111122223333:role/ops\", \"arn:aws:iam::111122223333:role/teams/Ops\"] }\n";
    let text =
        changed("model: churn\n", groups).replace("soak: 30m", "approvals: { required: 2, groups: [ops] }");
    let told = refused(&text).to_string();
    assert!(told.contains("2 approvals are needed, and the groups have 1; a role counts once"), "{told}");
}
