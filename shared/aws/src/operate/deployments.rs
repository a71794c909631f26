//! Creates, updates and deletes stacks, and the bucket from which CloudFormation reads their templates and code.

use std::time::Duration;

use aws_sdk_cloudformation::types::{Capability, Parameter};
use aws_sdk_cloudformation::{Client, error::ProvideErrorMetadata as _};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, PublicAccessBlockConfiguration,
};
use tidegate_engine::CallError;

use crate::error::{failed, refused};

const SERVICE: &str = "cloudformation";
/// The capabilities that the templates need: they are SAM templates, and two of them have roles with names.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
const CAPABILITIES: [Capability; 2] = [Capability::CapabilityNamedIam, Capability::CapabilityAutoExpand];
/// The first and the longest interval between two looks at a stack.
const INTERVALS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// AWS CloudFormation and the code bucket of one account and region.
#[derive(Debug, Clone)]
pub struct Deployments {
    cloudformation: Client,
    s3: aws_sdk_s3::Client,
    dynamodb: aws_sdk_dynamodb::Client,
}

/// A stack that is to be created or updated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The name of the stack.
    pub name: String,
    /// The URL of the template in S3. A template of more than 51,200 bytes cannot be sent otherwise.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
    pub template_url: String,
    /// The parameters. The others have the defaults of the template.
    pub parameters: Vec<(String, String)>,
}

/// The outcome of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deployed {
    /// The stack was created.
    Created,
    /// The stack was updated.
    Updated,
    /// There was nothing to update.
    Unchanged,
    /// CloudFormation could not create or update the stack: the status, and what failed, oldest first.
    Failed(String, Vec<Failed>),
}

/// A resource that CloudFormation could not create or update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The logical id in the template.
    pub resource: String,
    /// The type, such as `AWS::Events::Rule`.
    pub kind: String,
    /// The reason, in the words of AWS.
    pub reason: String,
}

impl Deployments {
    pub(super) fn new(
        cloudformation: Client,
        s3: aws_sdk_s3::Client,
        dynamodb: aws_sdk_dynamodb::Client,
    ) -> Self {
        Self { cloudformation, s3, dynamodb }
    }

    /// Deletes a table. A table that does not exist is no error.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn delete_table(&self, name: &str) -> Result<(), CallError> {
        let deleted = self.dynamodb.delete_table().table_name(name).send().await;
        match deleted.map_err(failed("dynamodb", "DeleteTable")) {
            Ok(_) => Ok(()),
            Err(failure) if failure.is("ResourceNotFoundException") => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Creates a private bucket of this account, if it does not exist.
    ///
    /// # Errors
    /// Returns an error if a call fails, or if the bucket belongs to another account.
    pub async fn ensure_bucket(&self, bucket: &str, account: &str, region: &str) -> Result<(), CallError> {
        let head = self.s3.head_bucket().bucket(bucket).expected_bucket_owner(account).send().await;
        match head {
            Ok(_) => return Ok(()),
            Err(error) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 404) => {}
            Err(error) => return Err(failed("s3", "HeadBucket")(error).into()),
        }
        // us-east-1 is the region of a bucket without a constraint, and no constraint itself.
        // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
        let place = (region != "us-east-1").then(|| {
            let constraint = BucketLocationConstraint::from(region);
            CreateBucketConfiguration::builder().location_constraint(constraint).build()
        });
        let create = self.s3.create_bucket().bucket(bucket).set_create_bucket_configuration(place);
        create.send().await.map_err(failed("s3", "CreateBucket"))?;
        let private = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        let block =
            self.s3.put_public_access_block().bucket(bucket).public_access_block_configuration(private);
        block.send().await.map_err(failed("s3", "PutPublicAccessBlock"))?;
        Ok(())
    }

    /// Writes an object into the bucket of this account.
    ///
    /// # Errors
    /// Returns an error if the call fails, or if the bucket belongs to another account.
    pub async fn put(&self, bucket: &str, account: &str, key: &str, body: Vec<u8>) -> Result<(), CallError> {
        let put = self.s3.put_object().bucket(bucket).key(key).expected_bucket_owner(account);
        put.body(ByteStream::from(body)).send().await.map_err(failed("s3", "PutObject"))?;
        Ok(())
    }

    /// Writes a template into the bucket of this account, and returns the URL from which CloudFormation reads it.
    ///
    /// # Errors
    /// Returns an error if the call fails, or if the bucket belongs to another account.
    pub async fn put_template(
        &self,
        (bucket, account, region): (&str, &str, &str),
        key: &str,
        template: String,
    ) -> Result<String, CallError> {
        self.put(bucket, account, key, template.into_bytes()).await?;
        // The domain of the partition aws-cn: https://docs.aws.amazon.com/general/latest/gr/s3.html
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        Ok(format!("https://s3.{region}.amazonaws.com{suffix}/{bucket}/{key}"))
    }

    /// Deletes a bucket of this account with its objects. Returns whether it existed.
    ///
    /// # Errors
    /// Returns an error if a call fails.
    pub async fn delete_bucket(&self, bucket: &str, account: &str) -> Result<bool, CallError> {
        loop {
            let listed = self.s3.list_objects_v2().bucket(bucket).expected_bucket_owner(account).send().await;
            let listed = match listed.map_err(failed("s3", "ListObjectsV2")) {
                Ok(listed) => listed,
                Err(failure) if failure.is("NoSuchBucket") => return Ok(false),
                Err(failure) => return Err(failure.into()),
            };
            let keys: Vec<&str> = listed.contents().iter().filter_map(|object| object.key()).collect();
            if keys.is_empty() {
                break;
            }
            for key in keys {
                let delete = self.s3.delete_object().bucket(bucket).key(key).expected_bucket_owner(account);
                delete.send().await.map_err(failed("s3", "DeleteObject"))?;
            }
        }
        let delete = self.s3.delete_bucket().bucket(bucket).expected_bucket_owner(account);
        delete.send().await.map_err(failed("s3", "DeleteBucket"))?;
        Ok(true)
    }

    /// Creates or updates a stack and waits until CloudFormation is done. A stack whose creation failed before is deleted
    /// first, because it cannot be updated.
    ///
    /// # Errors
    /// Returns an error if a call fails, or if somebody else is changing the stack.
    pub async fn deploy(&self, wanted: &Wanted) -> Result<Deployed, CallError> {
        let outcome = match self.status(&wanted.name).await?.as_deref() {
            None => self.create(wanted).await?,
            Some(
                "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "DELETE_FAILED"
                | "REVIEW_IN_PROGRESS",
            ) => {
                self.delete(&wanted.name).await?;
                self.create(wanted).await?
            }
            Some(busy) if busy.ends_with("_IN_PROGRESS") => {
                let why = format!("stack {} is {busy}: somebody else is changing it", wanted.name);
                return Err(refused(SERVICE, "DescribeStacks", why));
            }
            Some(_) => match self.update(wanted).await? {
                Some(outcome) => outcome,
                None => return Ok(Deployed::Unchanged),
            },
        };
        let status = self.settled(&wanted.name).await?.unwrap_or_default();
        match status.as_str() {
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" => Ok(outcome),
            _ => Ok(Deployed::Failed(status, self.failures(&wanted.name).await?)),
        }
    }

    /// Deletes a stack and waits until it is gone. Returns whether it existed.
    ///
    /// # Errors
    /// Returns an error if a call fails, or if CloudFormation cannot delete a resource.
    pub async fn delete(&self, name: &str) -> Result<bool, CallError> {
        if self.status(name).await?.is_none() {
            return Ok(false);
        }
        let delete = self.cloudformation.delete_stack().stack_name(name).send().await;
        delete.map_err(failed(SERVICE, "DeleteStack"))?;
        match self.settled(name).await?.as_deref() {
            None | Some("DELETE_COMPLETE") => Ok(true),
            Some(status) => {
                let failures = self.failures(name).await?;
                let reasons: Vec<String> = failures
                    .into_iter()
                    .map(|failed| format!("{}: {}", failed.resource, failed.reason))
                    .collect();
                let why = format!("stack {name} is {status}: {}", reasons.join("; "));
                Err(refused(SERVICE, "DeleteStack", why))
            }
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Deployed, CallError> {
        let create =
            self.cloudformation.create_stack().stack_name(&wanted.name).template_url(&wanted.template_url);
        let create =
            create.set_parameters(Some(parameters(wanted))).set_capabilities(Some(CAPABILITIES.to_vec()));
        create.send().await.map_err(failed(SERVICE, "CreateStack"))?;
        Ok(Deployed::Created)
    }

    /// Starts an update. Returns `None` if there is nothing to update.
    async fn update(&self, wanted: &Wanted) -> Result<Option<Deployed>, CallError> {
        let update =
            self.cloudformation.update_stack().stack_name(&wanted.name).template_url(&wanted.template_url);
        let update =
            update.set_parameters(Some(parameters(wanted))).set_capabilities(Some(CAPABILITIES.to_vec()));
        match update.send().await {
            Ok(_) => Ok(Some(Deployed::Updated)),
            Err(error) if error.message().is_some_and(|m| m.contains("No updates are to be performed")) => {
                Ok(None)
            }
            Err(error) => Err(failed(SERVICE, "UpdateStack")(error).into()),
        }
    }

    /// Returns the status of a stack, or `None` if it does not exist.
    async fn status(&self, name: &str) -> Result<Option<String>, CallError> {
        let answer = self.cloudformation.describe_stacks().stack_name(name).send().await;
        match answer.map_err(failed(SERVICE, "DescribeStacks")) {
            Ok(answer) => {
                let status = answer.stacks().first().and_then(|stack| stack.stack_status());
                Ok(status.map(|status| status.as_str().to_owned()))
            }
            Err(failure) if failure.says("does not exist") => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Waits until CloudFormation is done, and returns the status.
    async fn settled(&self, name: &str) -> Result<Option<String>, CallError> {
        let mut interval = INTERVALS.0;
        loop {
            match self.status(name).await? {
                Some(busy) if busy.ends_with("_IN_PROGRESS") => {}
                status => return Ok(status),
            }
            tokio::time::sleep(interval).await;
            interval = interval.saturating_mul(2).min(INTERVALS.1);
        }
    }

    /// Returns what failed in the last operation on a stack, oldest first.
    async fn failures(&self, name: &str) -> Result<Vec<Failed>, CallError> {
        // A page has at most 100 events, and the rollback of a stack alone may have more.
        // https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
        let mut pages = self.cloudformation.describe_stack_events().stack_name(name).into_paginator().send();
        let mut events = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed(SERVICE, "DescribeStackEvents"))?;
            events.extend(page.stack_events.unwrap_or_default());
        }
        let mut found = Vec::new();
        for event in &events {
            let status = event.resource_status().map(|status| status.as_str()).unwrap_or_default();
            let (resource, kind) = (event.logical_resource_id(), event.resource_type().unwrap_or_default());
            let is_stack = kind == "AWS::CloudFormation::Stack";
            // Newest first: what is before the start of this operation belongs to an earlier one.
            if is_stack
                && matches!(status, "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS")
            {
                break;
            }
            let reason = event.resource_status_reason().unwrap_or_default();
            // CloudFormation cancels the other resources after the first failure.
            if status.ends_with("_FAILED") && !is_stack && !reason.contains("cancelled") {
                found.push(Failed {
                    resource: resource.unwrap_or_default().to_owned(),
                    kind: kind.to_owned(),
                    reason: reason.to_owned(),
                });
            }
        }
        found.reverse();
        Ok(found)
    }
}

fn parameters(wanted: &Wanted) -> Vec<Parameter> {
    let parameter = |(key, value): &(String, String)| {
        Parameter::builder().parameter_key(key).parameter_value(value).build()
    };
    wanted.parameters.iter().map(parameter).collect()
}
