use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{any, post};
use serde_json::{Value, json};

use super::{REGION, STAGING};
use crate::{AccountRegion, Emulator, Fault, WorldConfig, WorldServer};

type Requests = Arc<Mutex<Vec<(String, Value)>>>;

/// A fake emulator: records its requests, and allows every action except deletions, all except reading alarms to the
/// role `blind`, and nothing with the key `locked`.
async fn emulator() -> (String, Requests) {
    let requests = Requests::default();
    let note = |path: &'static str, requests: Requests| {
        post(move |body: Bytes| async move {
            let body: Value = serde_json::from_slice(&body).unwrap();
            requests.lock().unwrap().push((path.to_owned(), body.clone()));
            let blind = body["role"].as_str().is_some_and(|role| role.ends_with("/blind"));
            let locked = body["resource"].as_str().is_some_and(|resource| resource.ends_with("key/locked"));
            let deletes = body["action"].as_str().is_none_or(|action| action.contains("Delete"));
            let allowed = !deletes && !blind && !locked;
            json!({"account": STAGING, "principal_arn": format!("arn:aws:sts::{STAGING}:assumed-role/deploy/x"),
                   "allowed": allowed, "reason": "no policy"})
            .to_string()
        })
    };
    let objects = Arc::clone(&requests);
    let routes = Router::new()
        .route("/_tidegate/authorize", note("authorize", Arc::clone(&requests)))
        .route("/_tidegate/events", note("events", Arc::clone(&requests)))
        .route("/_tidegate/metrics", note("metrics", Arc::clone(&requests)))
        .fallback(any(move |uri: axum::http::Uri| async move {
            objects.lock().unwrap().push(("object".to_owned(), json!(uri.path())));
        }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (url, requests)
}

/// Makes one call; returns the status and the body.
async fn call(url: &str, key: &str, target: &str, request: Value) -> (u16, Value) {
    let (url, target) = (url.to_owned(), target.to_owned());
    let signed =
        format!("AWS4-HMAC-SHA256 Credential={key}/20260302/{REGION}/sagemaker/aws4_request, Signature=0");
    tokio::task::spawn_blocking(move || {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let mut answer = ureq::Agent::new_with_config(config)
            .post(format!("{url}/"))
            .header("authorization", signed)
            .header("x-amz-target", target)
            .send(request.to_string())
            .unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&body).unwrap())
    })
    .await
    .unwrap()
}

async fn until(requests: &Requests, path: &str) -> Value {
    for _ in 0..100 {
        if let Some((_, body)) = requests.lock().unwrap().iter().find(|(at, _)| at == path) {
            return body.clone();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nothing was requests at {path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_authorized_by_action_and_events_are_delivered() {
    let (cloud, requests) = emulator().await;
    let config = WorldConfig { ministack_url: Some(cloud), ..WorldConfig::default() };
    let server = WorldServer::start(config).await.unwrap();
    let model = json!({"ModelName": "Churn", "PrimaryContainer": {"Image": "i"}});
    let (status, answer) = call(&server.url(), "ASIAEXAMPLE", "SageMaker.CreateModel", model).await;
    assert_eq!(
        (status, &answer["ModelArn"]),
        (200, &json!("arn:aws:sagemaker:us-east-1:444455556666:model/churn"))
    );
    let asked = until(&requests, "authorize").await;
    assert_eq!(asked["action"], "sagemaker:CreateModel");
    assert_eq!(asked["resource"], "arn:aws:sagemaker:us-east-1:{account}:model/churn");
    let told = until(&requests, "events").await;
    assert_eq!((&told["account"], &told["region"]), (&json!(STAGING), &json!(REGION)));
    let entry = &told["entries"][0];
    assert_eq!(
        (&entry["Source"], &entry["DetailType"]),
        (&json!("aws.sagemaker"), &json!("SageMaker Model State Change"))
    );
    let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    assert_eq!(detail["ModelName"], "Churn");

    let delete = json!({"ModelName": "Churn"});
    let (status, answer) = call(&server.url(), "ASIAEXAMPLE", "SageMaker.DeleteModel", delete).await;
    assert_eq!((status, &answer["__type"]), (400, &json!("AccessDeniedException")));
    assert_eq!(
        answer["message"],
        "User: arn:aws:sts::444455556666:assumed-role/deploy/x is not authorized to perform: sagemaker:DeleteModel on \
         resource: arn:aws:sagemaker:us-east-1:444455556666:model/churn because no identity-based policy allows the \
         sagemaker:DeleteModel action"
    );
    let journal = server.control().calls();
    let outcomes: Vec<&str> = journal.iter().map(|entry| entry.outcome.as_str()).collect();
    assert_eq!(outcomes, ["ok", "AccessDeniedException"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_the_calls_of_role_sessions_is_throttled_and_none_of_the_root_user() {
    let (cloud, _) = emulator().await;
    let config = WorldConfig { ministack_url: Some(cloud), ..WorldConfig::default() };
    let server = WorldServer::start(config).await.unwrap();
    server.control().inject_fault(Fault::ThrottleShare { percent: 100, seed: 1 });
    let list = || json!({});
    let (status, answer) = call(&server.url(), "ASIAEXAMPLE", "SageMaker.ListModels", list()).await;
    assert_eq!((status, &answer["__type"]), (400, &json!("ThrottlingException")));
    let (status, _) = call(&server.url(), STAGING, "SageMaker.ListModels", list()).await;
    assert_eq!(status, 200);
    let journal = server.control().calls();
    let outcomes: Vec<&str> = journal.iter().map(|entry| entry.outcome.as_str()).collect();
    assert_eq!(outcomes, ["ThrottlingException", "ok"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_becomes_metrics() {
    let (cloud, requests) = emulator().await;
    let server = WorldServer::start(WorldConfig::default()).await.unwrap();
    let control = server.control();
    control.connect(&cloud);
    let place = AccountRegion::new(STAGING, REGION);
    let made = [
        ("CreateModel", json!({"ModelName": "m", "PrimaryContainer": {"Image": "i"}})),
        (
            "CreateEndpointConfig",
            json!({"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "v",
            "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}]}),
        ),
        ("CreateEndpoint", json!({"EndpointName": "e", "EndpointConfigName": "c"})),
    ];
    for (operation, request) in made {
        control.call(&place, "sagemaker", operation, &request).unwrap();
    }
    assert_eq!(control.traffic(&place, "e", None, 1), 0, "an endpoint that is being created answers nothing");
    for _ in 0..100 {
        if control.snapshot().endpoint(STAGING, "e").unwrap().status == "InService" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(control.traffic(&place, "e", None, 2), 2);
    let told = until(&requests, "metrics").await;
    assert_eq!(
        (&told["namespace"], &told["data"][0]["MetricName"]),
        (&json!("AWS/SageMaker"), &json!("Invocations"))
    );
    let wanted = json!([{"Name": "EndpointName", "Value": "e"}, {"Name": "VariantName", "Value": "v"}]);
    assert_eq!(told["data"][0]["Dimensions"], wanted);
    control.inject_fault(Fault::ContainerError {
        account: None,
        target: "m".into(),
        status: 503,
        message: "x".into(),
    });
    assert_eq!(control.traffic(&place, "e", None, 2), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_written_with_the_key_of_the_account() {
    let (cloud, requests) = emulator().await;
    Emulator::new(Some(cloud))
        .object(STAGING, REGION, "s3://bucket/a/b.json", Some("{}".into()))
        .await
        .unwrap();
    assert_eq!(until(&requests, "object").await, json!("/bucket/a/b.json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_access_key_is_rejected() {
    let server = WorldServer::start(WorldConfig::default()).await.unwrap();
    let (status, answer) = call(&server.url(), "AKIAEXAMPLE", "SageMaker.ListModels", json!({})).await;
    assert_eq!((status, &answer["__type"]), (400, &json!("UnrecognizedClientException")));
    let (_, answer) = call(&server.url(), STAGING, "SageMaker.NoSuchThing", json!({})).await;
    assert_eq!(answer["__type"], "UnknownOperationException");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_of_the_models_must_read_the_alarms_of_a_rollout() {
    let (cloud, requests) = emulator().await;
    let config = WorldConfig { ministack_url: Some(cloud), ..WorldConfig::default() };
    let server = WorldServer::start(config).await.unwrap();
    let url = server.url();
    let create = |role: &'static str| {
        let url = url.clone();
        async move {
            let arn = format!("arn:aws:iam::{STAGING}:role/{role}");
            let model =
                json!({"ModelName": role, "PrimaryContainer": {"Image": "i"}, "ExecutionRoleArn": arn});
            call(&url, STAGING, "SageMaker.CreateModel", model).await;
            let variant = json!({"VariantName": "a", "ModelName": role, "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1});
            let config = json!({"EndpointConfigName": role, "ProductionVariants": [variant]});
            call(&url, STAGING, "SageMaker.CreateEndpointConfig", config).await;
            let alarms = json!({"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE",
                "WaitIntervalInSeconds": 0}}, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}});
            let endpoint =
                json!({"EndpointName": role, "EndpointConfigName": role, "DeploymentConfig": alarms});
            call(&url, "ASIAEXAMPLE", "SageMaker.CreateEndpoint", endpoint).await
        }
    };
    let (status, answer) = create("blind").await;
    assert_eq!((status, &answer["__type"]), (400, &json!("AccessDeniedException")));
    assert!(answer["message"].as_str().unwrap().contains("role/blind is not authorized"), "{answer}");
    assert_eq!(create("seeing").await.0, 200);
    let asked =
        requests.lock().unwrap().iter().filter(|(_, r)| r["action"] == "cloudwatch:DescribeAlarms").count();
    assert_eq!(asked, 4, "twice the caller and twice the role");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_must_create_a_grant_for_the_key_of_the_volumes() {
    let (cloud, _) = emulator().await;
    let config = WorldConfig { ministack_url: Some(cloud), ..WorldConfig::default() };
    let server = WorldServer::start(config).await.unwrap();
    let url = server.url();
    let role = format!("arn:aws:iam::{STAGING}:role/models");
    let model = json!({"ModelName": "m", "PrimaryContainer": {"Image": "i"}, "ExecutionRoleArn": role});
    call(&url, STAGING, "SageMaker.CreateModel", model).await;
    for (key, wanted) in [("alias/locked", 400), ("alias/open", 200)] {
        let name = key.replace("alias/", "");
        let variant = json!({"VariantName": "a", "ModelName": "m", "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1});
        let config = json!({"EndpointConfigName": name, "KmsKeyId": key, "ProductionVariants": [variant]});
        call(&url, STAGING, "SageMaker.CreateEndpointConfig", config).await;
        let endpoint = json!({"EndpointName": name, "EndpointConfigName": name});
        let (status, answer) = call(&url, "ASIAEXAMPLE", "SageMaker.CreateEndpoint", endpoint).await;
        assert_eq!(status, wanted, "{answer}");
        if status == 400 {
            assert!(answer["message"].as_str().unwrap().contains("kms:CreateGrant"), "{answer}");
        }
    }
}

/// The fake emulator allows no deletion, so it does not allow the probe of `cloudwatch:DeleteAlarms`.
#[tokio::test(flavor = "multi_thread")]
async fn autoscaling_tries_with_the_callers_rights_what_scaling_needs() {
    let (cloud, requests) = emulator().await;
    let config = WorldConfig { ministack_url: Some(cloud), ..WorldConfig::default() };
    let server = WorldServer::start(config).await.unwrap();
    let target = json!({"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/churn/variant/a",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount", "MinCapacity": 1, "MaxCapacity": 2});
    let operation = "AnyScaleFrontendService.RegisterScalableTarget";
    let (status, answer) = call(&server.url(), "ASIAEXAMPLE", operation, target).await;
    assert_eq!((status, &answer["__type"]), (400, &json!("ValidationException")), "{answer}");
    assert!(
        answer["message"].as_str().unwrap().contains("cloudwatch:DeleteAlarms on resource: *"),
        "{answer}"
    );
    let requests = requests.lock().unwrap();
    let asked: Vec<&str> = requests.iter().filter_map(|(_, r)| r["action"].as_str()).collect();
    let tried = ["cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms", "cloudwatch:DeleteAlarms"];
    assert_eq!(asked[1..], tried);
}
