//! Every setting of a policy is in what SageMaker has, after the first deployment and after the next.

use serde_json::{Value, json};
use tidegate_policy::file::parse;

use super::stage::{CHURN, STAGING, Stage, arn, reconcile, said};

const ENDPOINT: &str =
    "endpoint: { name: churn-staging, kind: serverless, memoryMb: 2048, maxConcurrency: 5 }";

/// A setting: the operation that shows it, the text in the policy, where it is in the answer, and its value there.
struct Setting {
    of: Of,
    text: &'static str,
    at: &'static str,
    is: Value,
}

/// Where the text of a setting stands, and which resource has it.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    /// In `endpoint`; the model has it.
    Model,
    /// In `endpoint`; the model has it, and the configuration of an endpoint for components too.
    ModelAndHost,
    /// In the environment; the configuration has it.
    Config,
    /// In `endpoint`; the configuration has it.
    Instances,
    /// In `endpoint`; the variant of a real-time endpoint has it, or the component.
    Start,
}

fn settings() -> Vec<Setting> {
    let role = "arn:aws:iam::444455556666:role/churn";
    vec![
        Setting {
            of: Of::ModelAndHost,
            text: "vpc: { subnets: [subnet-a, subnet-b], securityGroups: [sg-a] }",
            at: "/VpcConfig",
            is: json!({"Subnets": ["subnet-a", "subnet-b"], "SecurityGroupIds": ["sg-a"]}),
        },
        Setting {
            of: Of::ModelAndHost,
            text: "networkIsolation: true",
            at: "/EnableNetworkIsolation",
            is: json!(true),
        },
        Setting {
            of: Of::ModelAndHost,
            text: "executionRole: \"arn:aws:iam::444455556666:role/churn\"",
            at: "/ExecutionRoleArn",
            is: json!(role),
        },
        Setting {
            of: Of::Model,
            text: "environment: { LOG_LEVEL: debug }",
            at: "/Containers/0/Environment",
            is: json!({"LOG_LEVEL": "debug"}),
        },
        Setting {
            of: Of::Config,
            text: "capture: { percent: 20, to: \"s3://acme-ml/churn/\", include: [responses], json: [application/json] }",
            at: "/DataCaptureConfig",
            is: json!({
                "EnableCapture": true, "InitialSamplingPercentage": 20, "DestinationS3Uri": "s3://acme-ml/churn/",
                "CaptureOptions": [{"CaptureMode": "Output"}],
                "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
            }),
        },
        Setting {
            of: Of::Instances,
            text: "kms: { volume: alias/churn }",
            at: "/KmsKeyId",
            is: json!("alias/churn"),
        },
        Setting {
            of: Of::Instances,
            text: "inferenceAmiVersion: al2-ami-sagemaker-inference-gpu-2",
            at: "/ProductionVariants/0/InferenceAmiVersion",
            is: json!("al2-ami-sagemaker-inference-gpu-2"),
        },
        Setting {
            of: Of::Start,
            text: "startup: { healthCheck: 10m }",
            at: "/ProductionVariants/0/ContainerStartupHealthCheckTimeoutInSeconds",
            is: json!(600),
        },
    ]
}

const KINDS: [&str; 2] = [
    "kind: realTime, instanceType: ml.m5.large, instances: 2",
    "kind: inferenceComponent, instanceType: ml.m5.large, instances: 2, memoryMb: 1024",
];

/// The usual policy with these settings in staging.
fn policy(kind: &str, chosen: &[&Setting]) -> String {
    let (mut endpoint, mut environment) = (String::new(), String::new());
    for setting in chosen {
        match setting.of {
            Of::Model | Of::ModelAndHost | Of::Instances | Of::Start => {
                endpoint.push_str(&format!(", {}", setting.text))
            }
            Of::Config => environment.push_str(&format!("\n    {}", setting.text)),
        }
    }
    CHURN.replacen(
        ENDPOINT,
        &format!("endpoint: {{ name: churn-staging, {kind}{endpoint} }}{environment}"),
        1,
    )
}

/// Deploys a version to the end.
fn deploy(stage: &Stage, version: u64) {
    stage.says("Approved", version);
    let mut heard =
        said(&stage.run(&stage.staging, "deploy", &stage.request(version, &format!("r{version}"))));
    for _ in 0..6 {
        stage.pass(900);
        heard.push_str(&format!("; {}", said(&stage.run(&stage.staging, "deploy", &reconcile(stage.now())))));
        if !stage.sent(STAGING, "Deployment Finished").is_empty() {
            return;
        }
    }
    panic!("version {version} was not deployed: {heard}");
}

/// The model and the configuration that serve, as SageMaker describes them.
fn serving(stage: &Stage, kind: &str) -> (Value, Value) {
    let ask = |operation: &str, request: Value| {
        stage.account(STAGING).ask("sagemaker", operation, &request).unwrap()
    };
    let config = stage.config(STAGING, "churn-staging").unwrap();
    let config = ask("DescribeEndpointConfig", json!({"EndpointConfigName": config}));
    let model = if kind.contains("inferenceComponent") {
        let component = ask("DescribeInferenceComponent", json!({"InferenceComponentName": "churn-staging"}));
        component["Specification"]["ModelName"].clone()
    } else {
        config["ProductionVariants"][0]["ModelName"].clone()
    };
    (ask("DescribeModel", json!({"ModelName": model})), config)
}

/// The component has the times of its start if the policy has them.
fn starts(stage: &Stage, kind: &str, given: bool) {
    if !kind.contains("inferenceComponent") {
        return;
    }
    let request = json!({"InferenceComponentName": "churn-staging"});
    let found = stage.account(STAGING).ask("sagemaker", "DescribeInferenceComponent", &request).unwrap();
    let time = "/Specification/StartupParameters/ContainerStartupHealthCheckTimeoutInSeconds";
    assert_eq!(found.pointer(time), given.then(|| json!(600)).as_ref(), "{found}");
}

#[test]
fn each_setting_of_a_policy_is_in_what_serves_and_survives_the_next_deployment() {
    let all = settings();
    let mut choices: Vec<Vec<&Setting>> = vec![Vec::new(), all.iter().collect()];
    choices.extend(all.iter().map(|one| vec![one]));
    choices.extend((0..all.len()).map(|out| {
        all.iter().enumerate().filter(|(at, _)| *at != out).map(|(_, setting)| setting).collect()
    }));
    for kind in KINDS {
        for chosen in &choices {
            let text = policy(kind, chosen);
            let stage = Stage::with(&[parse("churn.yaml", &text).unwrap_or_else(|error| panic!("{error}"))]);
            stage.register(2);
            for version in 1..=2 {
                deploy(&stage, version);
                let (model, config) = serving(&stage, kind);
                starts(&stage, kind, chosen.iter().any(|one| one.of == Of::Start));
                assert_eq!(model["Containers"][0]["ModelPackageName"], arn(version).as_str());
                let host = kind.contains("inferenceComponent");
                for setting in &all {
                    let given = chosen.iter().any(|one| one.at == setting.at);
                    let has = |found: &Value| found.pointer(setting.at) == Some(&setting.is);
                    let (of_model, of_config) = match setting.of {
                        Of::Model => (given, false),
                        Of::ModelAndHost => (given, given && host),
                        Of::Config | Of::Instances => (false, given),
                        Of::Start => (false, given && !host),
                    };
                    assert_eq!(
                        (has(&model), has(&config)),
                        (of_model, of_config),
                        "{} of version {version}: {model} {config}\n{text}",
                        setting.at
                    );
                }
            }
        }
    }
}

#[test]
fn a_changed_setting_makes_a_new_model_and_a_new_configuration() {
    let all = settings();
    for kind in KINDS {
        let mut names = std::collections::BTreeSet::new();
        // The times of a component's start are the component's own.
        let named = all.iter().filter(|setting| setting.of != Of::Start || kind.contains("realTime"));
        for setting in named {
            let stage = Stage::with(&[parse("churn.yaml", &policy(kind, &[setting])).unwrap()]);
            stage.register(1);
            deploy(&stage, 1);
            let (model, config) = serving(&stage, kind);
            let name = (model["ModelName"].to_string(), config["EndpointConfigName"].to_string());
            assert!(names.insert(name), "{kind} {}", setting.text);
        }
    }
}
