//! Authentication and authorization of calls.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::http::emulator::Emulator;
use crate::json::{put, text};

/// What is asked about one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// The access key id of the signature.
    pub access_key_id: String,
    /// The session token, for temporary credentials.
    pub session_token: Option<String>,
    /// For example `sagemaker:CreateEndpoint`.
    pub action: String,
    /// The ARN, with `{account}` for the caller's own account, or `*`.
    pub resource_arn: String,
    /// The region of the signature.
    pub region: String,
    /// The tags of the resource in each account that has it, for `aws:ResourceTag` conditions.
    pub resource_tags: BTreeMap<String, Value>,
    /// The role that is judged in place of the caller: one that the service assumes.
    pub role_arn: Option<String>,
    /// The values of condition keys that the service sets.
    pub context: BTreeMap<String, String>,
}

impl AuthorizationRequest {
    /// The question whether a role that the service assumes has a permission.
    pub(crate) fn of_role(role: &str, (action, resource): (String, String), region: &str) -> Self {
        Self {
            access_key_id: String::new(),
            session_token: None,
            action,
            resource_arn: resource,
            region: region.to_owned(),
            resource_tags: BTreeMap::new(),
            role_arn: Some(role.to_owned()),
            context: BTreeMap::new(),
        }
    }
}

/// What is known about the caller, and the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The caller's account.
    pub account: String,
    /// The caller's ARN.
    pub principal_arn: String,
    /// Whether the action is allowed on the resource.
    pub allowed: bool,
    /// Why not, for the message.
    pub reason: String,
}

/// Knows access keys and policies.
#[async_trait]
pub trait Authorizer: Send + Sync {
    /// Judges one action. It is asked for every action of every request, so that it can record what was used.
    ///
    /// # Errors
    /// Why no verdict was possible; the call is then refused.
    async fn authorize(&self, request: AuthorizationRequest) -> Result<Authorization, String>;
}

/// Asks the emulator at `/_tidegate/authorize`.
#[derive(Debug, Clone)]
pub struct HttpAuthorizer {
    emulator: Emulator,
}

impl HttpAuthorizer {
    /// An authorizer that asks this emulator.
    #[must_use]
    pub fn new(emulator: Emulator) -> Self {
        Self { emulator }
    }
}

#[async_trait]
impl Authorizer for HttpAuthorizer {
    async fn authorize(&self, request: AuthorizationRequest) -> Result<Authorization, String> {
        // SageMaker is the only service of this server to which roles are passed.
        let mut context = match request.action.as_str() {
            "iam:PassRole" => json!({"iam:PassedToService": "sagemaker.amazonaws.com"}),
            "kms:CreateGrant" => json!({"kms:GrantIsForAWSResource": "true"}),
            _ => json!({}),
        };
        for (key, value) in &request.context {
            put(&mut context, key, json!(value));
        }
        let body = json!({
            "context": context,
            "resource_tags": request.resource_tags,
            "access_key_id": request.access_key_id,
            "session_token": request.session_token,
            "role": request.role_arn,
            "action": request.action,
            "resource": request.resource_arn,
            "region": request.region,
        });
        let answer = self.emulator.post("/_tidegate/authorize", &body).await.map_err(|e| e.to_string())?;
        let of = |key: &str| text(&answer, key).map(str::to_owned);
        Ok(Authorization {
            account: of("account").ok_or("the verdict names no account")?,
            principal_arn: of("principal_arn").ok_or("the verdict names no principal")?,
            allowed: answer.get("allowed") == Some(&Value::Bool(true)),
            reason: of("reason").unwrap_or_default(),
        })
    }
}
