//! The HTTP protocols of the four AWS services, on one port.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account::Caller;
use crate::error::ApiError;
use crate::http::authorization::AuthorizationRequest;
use crate::http::configuration_permissions::{self, Session};
use crate::http::permissions;
use crate::http::role_permissions;
use crate::http::server::Shared;
use crate::json::{put, put_some, text};

/// `X-Amz-Target` prefixes and their services.
const TARGETS: &[(&str, &str)] = &[
    ("SageMaker", "sagemaker"),
    ("AnyScaleFrontendService", "application-autoscaling"),
    ("CodeCommit_20150413", "codecommit"),
];

/// The routes of the AWS protocols.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", post(aws_json))
        .route("/endpoints/{endpoint}/invocations", post(invocation))
        .route("/endpoints/{endpoint}/async-invocations", post(asynchronous_invocation))
}

/// The credentials named in a signature. The signature itself is not verified: the local cloud trusts its callers.
struct Signature {
    key: String,
    token: Option<String>,
    region: String,
}

impl Signature {
    /// The session to which the key belongs.
    fn session(&self) -> Session<'_> {
        Session { key: &self.key, token: self.token.as_deref() }
    }

    /// Whether the key is an account number, which means its root user here; other keys belong to role sessions.
    fn is_root(&self) -> bool {
        self.key.len() == 12 && self.key.chars().all(|c| c.is_ascii_digit())
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn signature(headers: &HeaderMap) -> Result<Signature, ApiError> {
    let missing = || ApiError::new("MissingAuthenticationTokenException", "Missing Authentication Token");
    let authorization = header(headers, "authorization").ok_or_else(missing)?;
    let scope = authorization.split_once("Credential=").map(|(_, rest)| rest).ok_or_else(missing)?;
    let scope = scope.split([',', ' ']).next().unwrap_or_default();
    let mut parts = scope.split('/');
    let (key, region) = parts.next().zip(parts.nth(1)).ok_or_else(missing)?;
    let token = header(headers, "x-amz-security-token").map(str::to_owned);
    Ok(Signature { key: key.to_owned(), token, region: region.to_owned() })
}

async fn aws_json(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = match parse_target(&headers) {
        Ok((service, operation)) => match serde_json::from_slice::<Value>(&body) {
            Ok(request) => answer(&shared, &headers, service, operation, &request).await,
            Err(error) => Err(ApiError::new("SerializationException", error.to_string())),
        },
        Err(error) => Err(error),
    };
    let (status, body) = match &answer {
        Ok(body) => (200, body.clone()),
        Err(error) => {
            let mut body = json!({"__type": error.code, "message": error.message});
            error.fields.iter().for_each(|(key, value)| put(&mut body, key, value.clone()));
            (error.http_status, body)
        }
    };
    respond(&shared, status, "application/x-amz-json-1.1", body.to_string(), &[])
}

fn parse_target(headers: &HeaderMap) -> Result<(&'static str, &str), ApiError> {
    let unknown = || ApiError::new("UnknownOperationException", "no X-Amz-Target that is known");
    let (prefix, operation) =
        header(headers, "x-amz-target").and_then(|t| t.split_once('.')).ok_or_else(unknown)?;
    let (_, service) = TARGETS.iter().find(|(known, _)| *known == prefix).ok_or_else(unknown)?;
    Ok((service, operation))
}

async fn invocation(
    State(shared): State<Arc<Shared>>,
    Path(endpoint): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut request = json!({"EndpointName": endpoint, "Body": String::from_utf8_lossy(&body)});
    let members = [
        ("content-type", "ContentType"),
        ("accept", "Accept"),
        ("x-amzn-sagemaker-custom-attributes", "CustomAttributes"),
        ("x-amzn-sagemaker-target-model", "TargetModel"),
        ("x-amzn-sagemaker-target-variant", "TargetVariant"),
        ("x-amzn-sagemaker-target-container-hostname", "TargetContainerHostname"),
        ("x-amzn-sagemaker-inference-id", "InferenceId"),
        ("x-amzn-sagemaker-inference-component", "InferenceComponentName"),
        ("x-amzn-sagemaker-session-id", "SessionId"),
    ];
    for (name, member) in members {
        put_some(&mut request, member, header(&headers, name));
    }
    match answer(&shared, &headers, "sagemaker-runtime", "InvokeEndpoint", &request).await {
        Ok(answer) => {
            let variant = text(&answer, "InvokedProductionVariant").unwrap_or_default();
            let kind = text(&answer, "ContentType").unwrap_or("application/json").to_owned();
            let body = text(&answer, "Body").unwrap_or_default().to_owned();
            respond(&shared, 200, &kind, body, &[("x-amzn-invoked-production-variant", variant)])
        }
        Err(error) => respond_error(&shared, &error),
    }
}

async fn asynchronous_invocation(
    State(shared): State<Arc<Shared>>,
    Path(endpoint): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut request = json!({"EndpointName": endpoint});
    let body = (!body.is_empty()).then(|| String::from_utf8_lossy(&body).into_owned());
    put_some(&mut request, "Body", body);
    let members = [
        ("x-amzn-sagemaker-content-type", "ContentType"),
        ("x-amzn-sagemaker-accept", "Accept"),
        ("x-amzn-sagemaker-custom-attributes", "CustomAttributes"),
        ("x-amzn-sagemaker-inference-id", "InferenceId"),
        ("x-amzn-sagemaker-inputlocation", "InputLocation"),
    ];
    for (name, member) in members {
        put_some(&mut request, member, header(&headers, name));
    }
    let ttl = header(&headers, "x-amzn-sagemaker-requestttlseconds").and_then(|ttl| ttl.parse::<i64>().ok());
    put_some(&mut request, "RequestTTLSeconds", ttl);
    match answer(&shared, &headers, "sagemaker-runtime", "InvokeEndpointAsync", &request).await {
        Ok(answer) => {
            let of = |member: &str| text(&answer, member).unwrap_or_default().to_owned();
            let (output, failure) = (of("OutputLocation"), of("FailureLocation"));
            let mut locations = vec![("x-amzn-sagemaker-outputlocation", output.as_str())];
            if !failure.is_empty() {
                locations.push(("x-amzn-sagemaker-failurelocation", failure.as_str()));
            }
            let body = json!({"InferenceId": of("InferenceId")}).to_string();
            respond(&shared, 202, "application/json", body, &locations)
        }
        Err(error) => respond_error(&shared, &error),
    }
}

fn respond_error(shared: &Shared, error: &ApiError) -> Response {
    let mut body = json!({"Message": error.message, "message": error.message});
    error.fields.iter().for_each(|(key, value)| put(&mut body, key, value.clone()));
    let named = [("x-amzn-errortype", error.code.as_str())];
    respond(shared, error.http_status, "application/json", body.to_string(), &named)
}

fn respond(shared: &Shared, status: u16, kind: &str, body: String, more: &[(&str, &str)]) -> Response {
    let number = shared.requests.fetch_add(1, Ordering::Relaxed);
    let id = format!("00000000-0000-4000-8000-{number:012}");
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, body).into_response();
    for (name, value) in [("content-type", kind), ("x-amzn-requestid", id.as_str())].iter().chain(more) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), HeaderValue::try_from(*value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Authenticates, authorizes, throttles and validates the request, then passes it to the world.
async fn answer(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    service: &'static str,
    operation: &str,
    request: &Value,
) -> Result<Value, ApiError> {
    let signature = signature(headers)?;
    let caller = identify(shared, &signature, service, operation, request).await?;
    if !signature.is_root()
        && let Err(error) = admit(shared)
    {
        shared.world().log_call(&caller, service, operation, request, &error.code, Timestamp::now());
        return Err(error);
    }
    let checked = match &shared.models {
        Some(models) => models.check_request(service, operation, request),
        None => Ok(()),
    };
    if let Err(error) = checked {
        tracing::info!(service, operation, %error, "refused a request");
        shared.world().log_call(&caller, service, operation, request, &error.code, Timestamp::now());
        return Err(error);
    }
    fetch_definition(shared, &caller, request).await?;
    if operation == "StartPipelineExecution" {
        role_permissions::ask_for_pipeline(shared, &caller, request).await?;
    }
    let answer = shared.world().call(&caller, service, operation, request, Timestamp::now());
    if let (Some(models), Ok(answer)) = (&shared.models, &answer) {
        let wrong = models.check_answer(service, operation, answer);
        if !wrong.is_empty() {
            tracing::error!(service, operation, ?wrong, "the world's answer does not fit the API model");
            let message = format!("the world's answer does not fit the API model: {}", wrong.join("; "));
            return Err(ApiError::new("InternalFailure", message).with_status(500));
        }
    }
    answer
}

/// Rejects the configured share of the calls that role sessions make.
fn admit(shared: &Shared) -> Result<(), ApiError> {
    shared.world().throttle.share.admit()
}

/// The caller, if it has every permission that the call needs.
async fn identify(
    shared: &Arc<Shared>,
    signature: &Signature,
    service: &str,
    operation: &str,
    request: &Value,
) -> Result<Caller, ApiError> {
    let region = signature.region.as_str();
    if signature.is_root() {
        return Ok(Caller::root(&signature.key, region));
    }
    let unknown = |reason: String| ApiError::new("UnrecognizedClientException", reason);
    let authorizer = shared
        .authorizer
        .as_ref()
        .ok_or_else(|| unknown("The security token included in the request is invalid.".to_owned()))?;
    let mut caller: Option<Caller> = None;
    for permission in permissions::needed(service, operation, request, region) {
        if caller.as_ref().is_some_and(|known| !permissions::matters(&permission, &known.account)) {
            continue;
        }
        let (action, resource) = permission;
        let query = AuthorizationRequest {
            access_key_id: signature.key.clone(),
            session_token: signature.token.clone(),
            action: action.clone(),
            resource_arn: resource.clone(),
            region: region.to_owned(),
            resource_tags: shared.world().tags_by_account(&resource),
            role_arn: None,
            context: permissions::context(operation, request),
        };
        let verdict = authorizer.authorize(query).await.map_err(unknown)?;
        let known = Caller {
            account: verdict.account.clone(),
            region: region.to_owned(),
            principal: verdict.principal_arn.clone(),
        };
        if !verdict.allowed {
            let resource = resource.replace(permissions::OWN_ACCOUNT, &verdict.account);
            let error = permissions::refusal(service, &verdict.principal_arn, (&action, &resource));
            tracing::warn!(%error, reason = %verdict.reason, "denied");
            shared.world().log_call(&known, service, operation, request, &error.code, Timestamp::now());
            return Err(error);
        }
        caller = Some(known);
    }
    let caller = caller.ok_or_else(|| unknown("the operation requires no permission".to_owned()))?;
    configuration_permissions::check(shared, &signature.session(), &caller, (service, operation), request)
        .await?;
    if operation == "CreateModel" {
        role_permissions::check_for_model(shared, &caller, request).await?;
    }
    Ok(caller)
}

/// Reads a pipeline definition that the request stores on S3, because the world itself does no I/O.
async fn fetch_definition(shared: &Arc<Shared>, caller: &Caller, request: &Value) -> Result<(), ApiError> {
    let Some(location) = request.get("PipelineDefinitionS3Location").filter(|l| !l.is_null()) else {
        return Ok(());
    };
    let of = |key: &str| text(location, key).unwrap_or_default();
    let uri = format!("s3://{}/{}", of("Bucket"), of("ObjectKey"));
    match shared.emulator.object(&caller.account, &caller.region, &uri, None).await {
        Ok(body) => shared.world().put_object(&uri, body),
        // The world may already have the object; if not, it rejects the request.
        Err(error) => tracing::info!(%uri, %error, "could not read a pipeline definition"),
    }
    Ok(())
}
