//! A CloudFormation stack with its resources.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::Client;
use tidegate_engine::CallError;
use tidegate_policy::arn::Arn;

use crate::error::{failed, refused};

const SERVICE: &str = "cloudformation";
const DESCRIBE: &str = "DescribeStacks";
const LIST: &str = "ListStackResources";

/// AWS CloudFormation.
#[derive(Debug, Clone)]
pub struct Stacks {
    client: Client,
}

/// A stack, as CloudFormation describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stack {
    /// The name of the stack.
    pub name: String,
    /// The account of the stack.
    pub account: String,
    /// The region of the stack.
    pub region: String,
    /// The status of the stack, such as `UPDATE_COMPLETE`.
    pub status: String,
    /// The parameters of the stack.
    pub parameters: BTreeMap<String, String>,
    /// The resources of the stack.
    pub resources: Vec<Resource>,
}

/// A resource of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    /// The logical id in the template.
    pub logical: String,
    /// The physical id. Its format depends on the type.
    pub physical: String,
    /// The type, such as `AWS::SQS::Queue`.
    pub kind: String,
    /// The status, such as `CREATE_COMPLETE`.
    pub status: String,
}

impl Stack {
    /// Returns the resources of a type.
    pub fn of_kind<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = &'s Resource> {
        self.resources.iter().filter(move |resource| resource.kind == kind)
    }

    /// Returns the resource with this logical id.
    #[must_use]
    pub fn resource(&self, logical: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.logical == logical)
    }
}

impl Stacks {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Returns an output of a stack, or `None` if the stack or the output does not exist.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn output(&self, stack: &str, key: &str) -> Result<Option<String>, CallError> {
        let answer = self.client.describe_stacks().stack_name(stack).send().await;
        let answer = match answer.map_err(failed(SERVICE, DESCRIBE)) {
            Ok(answer) => answer,
            Err(failure) if failure.is("ValidationError") && failure.says("does not exist") => {
                return Ok(None);
            }
            Err(failure) => return Err(failure.into()),
        };
        let outputs = answer.stacks().iter().flat_map(aws_sdk_cloudformation::types::Stack::outputs);
        let found = outputs
            .filter(|output| output.output_key() == Some(key))
            .find_map(|output| output.output_value());
        Ok(found.map(str::to_owned))
    }

    /// Returns a stack with its resources, or `None` if it does not exist.
    ///
    /// # Errors
    /// Returns an error if a call fails.
    pub async fn stack(&self, name: &str) -> Result<Option<Stack>, CallError> {
        let answer = self.client.describe_stacks().stack_name(name).send().await;
        let answer = match answer.map_err(failed(SERVICE, DESCRIBE)) {
            Ok(answer) => answer,
            Err(failure) if failure.is("ValidationError") && failure.says("does not exist") => {
                return Ok(None);
            }
            Err(failure) => return Err(failure.into()),
        };
        let Some(found) = answer.stacks().first() else { return Ok(None) };
        let id = found.stack_id().unwrap_or_default();
        let arn = Arn::parse(id).ok_or_else(|| {
            refused(SERVICE, DESCRIBE, format!("stack {name} has the id `{id}`, which is not an ARN"))
        })?;
        let parameters = found.parameters().iter().filter_map(|parameter| {
            Some((parameter.parameter_key()?.to_owned(), parameter.parameter_value()?.to_owned()))
        });
        Ok(Some(Stack {
            name: name.to_owned(),
            account: arn.account,
            region: arn.region,
            status: found.stack_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
            parameters: parameters.collect(),
            resources: self.resources(name).await?,
        }))
    }

    async fn resources(&self, stack: &str) -> Result<Vec<Resource>, CallError> {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let answer = self
                .client
                .list_stack_resources()
                .stack_name(stack)
                .set_next_token(token)
                .send()
                .await
                .map_err(failed(SERVICE, LIST))?;
            let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
            found.extend(answer.stack_resource_summaries().iter().map(|resource| Resource {
                logical: text(resource.logical_resource_id()),
                physical: text(resource.physical_resource_id()),
                kind: text(resource.resource_type()),
                status: text(resource.resource_status().map(|status| status.as_str())),
            }));
            match answer.next_token {
                Some(next) => token = Some(next),
                None => return Ok(found),
            }
        }
    }
}
