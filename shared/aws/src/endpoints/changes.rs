//! The endpoints and inference components that changed.

use aws_sdk_sagemaker::Client;
use jiff::Timestamp;
use tidegate_engine::CallError;

use super::SERVICE;
use crate::convert::date_time;
use crate::error::failed;

/// The largest number of entries in one page.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListEndpoints.html>
const PAGE: i32 = 100;

/// Returns the names of the endpoints and components that were modified after a time.
pub(super) async fn endpoints_and_components(
    client: &Client,
    since: Timestamp,
) -> Result<Vec<String>, CallError> {
    let mut names = endpoints(client, since).await?;
    names.extend(components(client, since).await?);
    Ok(names)
}

async fn endpoints(client: &Client, since: Timestamp) -> Result<Vec<String>, CallError> {
    let (mut names, mut token) = (Vec::new(), None);
    loop {
        let answer = client
            .list_endpoints()
            .last_modified_time_after(date_time(since))
            .max_results(PAGE)
            .set_next_token(token)
            .send()
            .await
            .map_err(failed(SERVICE, "ListEndpoints"))?;
        names.extend(answer.endpoints().iter().filter_map(|one| one.endpoint_name()).map(str::to_owned));
        match answer.next_token {
            Some(next) => token = Some(next),
            None => return Ok(names),
        }
    }
}

async fn components(client: &Client, since: Timestamp) -> Result<Vec<String>, CallError> {
    let (mut names, mut token) = (Vec::new(), None);
    loop {
        let answer = client
            .list_inference_components()
            .last_modified_time_after(date_time(since))
            .max_results(PAGE)
            .set_next_token(token)
            .send()
            .await
            .map_err(failed(SERVICE, "ListInferenceComponents"))?;
        let components = answer.inference_components().iter();
        names.extend(components.filter_map(|one| one.inference_component_name()).map(str::to_owned));
        match answer.next_token {
            Some(next) => token = Some(next),
            None => return Ok(names),
        }
    }
}
