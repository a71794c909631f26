//! The tags of SageMaker resources.

use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::types::Tag;
use tidegate_engine::CallError;
use tidegate_policy::owner::Tags;

use crate::error::failed;

/// Reads all tags of a resource. A resource that does not exist has none.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTags.html>
pub(crate) async fn of(client: &Client, arn: &str) -> Result<Tags, CallError> {
    let mut tags = Tags::new();
    let mut next = None;
    loop {
        let answer = client.list_tags().resource_arn(arn).set_next_token(next).send().await;
        let page = match answer.map_err(failed("sagemaker", "ListTags")) {
            Ok(page) => page,
            Err(failure) if failure.not_there() => return Ok(Tags::new()),
            Err(failure) => return Err(failure.into()),
        };
        let named = page.tags().iter().filter_map(|tag| tag.key().zip(tag.value()));
        tags.extend(named.map(|(key, value)| (key.to_owned(), value.to_owned())));
        next = page.next_token;
        if next.is_none() {
            return Ok(tags);
        }
    }
}

/// Adds tags to a resource. Its other tags stay.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AddTags.html>
pub(crate) async fn add(client: &Client, arn: &str, tags: &[(String, String)]) -> Result<String, CallError> {
    let request = client.add_tags().resource_arn(arn).set_tags(list(tags));
    request.send().await.map_err(failed("sagemaker", "AddTags"))?;
    Ok(format!("tagged {arn}"))
}

/// Converts tags to the type of the SDK.
pub(crate) fn list(tags: &[(String, String)]) -> Option<Vec<Tag>> {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    Some(tags.collect::<Vec<_>>()).filter(|tags| !tags.is_empty())
}
