//! Permissions that depend on the configuration of an endpoint, not only on the request: for its KMS key, and those of
//! the models' roles.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::account::{AccountRegion, Caller};
use crate::error::ApiError;
use crate::http::authorization::{AuthorizationRequest, Authorizer};
use crate::http::permissions::{self, Permission};
use crate::http::server::Shared;
use crate::json::text;

/// The temporary credentials of a caller.
pub(crate) struct Session<'a> {
    /// The access key id.
    pub(crate) key: &'a str,
    /// The session token.
    pub(crate) token: Option<&'a str>,
}

/// Checks that the caller may create a grant for the KMS key of the endpoint's configuration
/// (<https://docs.aws.amazon.com/sagemaker/latest/dg/api-permissions-reference.html>), and that the roles of the models may
/// read the alarms. How SageMaker answers if a role of the models lacks a permission is not documented: the error is ours.
pub(crate) async fn check(
    shared: &Arc<Shared>,
    session: &Session<'_>,
    caller: &Caller,
    (service, operation): (&str, &str),
    request: &Value,
) -> Result<(), ApiError> {
    let Some(authorizer) = shared.authorizer.as_ref() else { return Ok(()) };
    for (role, permission) in needed(shared, caller, service, operation, request) {
        if let Err(error) = ask(authorizer.as_ref(), session, caller, role.as_deref(), permission).await {
            shared.world().log_call(caller, service, operation, request, &error.code, Timestamp::now());
            return Err(error);
        }
    }
    Ok(())
}

/// The permissions that are needed, each with the role that needs it in place of the caller.
fn needed(
    shared: &Shared,
    caller: &Caller,
    service: &str,
    operation: &str,
    request: &Value,
) -> Vec<(Option<String>, Permission)> {
    if service != "sagemaker" || !matches!(operation, "CreateEndpoint" | "UpdateEndpoint") {
        return Vec::new();
    }
    let place = AccountRegion::new(&caller.account, &caller.region);
    let config = text(request, "EndpointConfigName").unwrap_or_default();
    let world = shared.world();
    let key = world.volume_key(&place, config);
    let mut all: Vec<_> = key.map(|key| (None, ("kms:CreateGrant".to_owned(), key))).into_iter().collect();
    for permission in permissions::needed_by_model_role(service, operation, request) {
        let roles = world.execution_roles(&place, config);
        all.extend(roles.into_iter().map(|role| (Some(role), permission.clone())));
    }
    all
}

async fn ask(
    authorizer: &dyn Authorizer,
    session: &Session<'_>,
    caller: &Caller,
    role: Option<&str>,
    (action, resource): Permission,
) -> Result<(), ApiError> {
    let query = AuthorizationRequest {
        access_key_id: session.key.to_owned(),
        session_token: session.token.map(str::to_owned),
        action: action.clone(),
        resource_arn: resource.clone(),
        region: caller.region.clone(),
        resource_tags: BTreeMap::new(),
        role_arn: role.map(str::to_owned),
        context: BTreeMap::new(),
    };
    let unknown = |reason: String| ApiError::new("UnrecognizedClientException", reason);
    if authorizer.authorize(query).await.map_err(unknown)?.allowed {
        return Ok(());
    }
    let because = format!("because no identity-based policy allows the {action} action");
    Err(ApiError::denied(role.unwrap_or(&caller.principal), &action, &resource, &because))
}
