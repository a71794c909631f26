//! Events that no stream contains: the functions' own, and SageMaker's events for endpoints in the simulation.

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_engine::Site;
use tidegate_events::{Envelope, Event, EventError, read_detail};
use tidegate_policy::deploy::Endpoint;
use tidegate_policy::fingerprint::short;

/// An event that a function published at a site, as EventBridge delivers it.
pub(super) fn contract_event(
    from: &Site,
    detail_type: String,
    detail: &Value,
    at: Timestamp,
) -> Result<Event, EventError> {
    let Site { account, region, .. } = from;
    let envelope = Envelope {
        id: short(&[account, region, &detail_type, &detail.to_string()], 32),
        source: tidegate_events::SOURCE.to_owned(),
        detail_type,
        account: account.clone(),
        region: region.clone(),
        time: Some(at),
        resources: Vec::new(),
        replay_name: None,
    };
    read_detail(envelope, Some(&detail.into()))
}

/// SageMaker's event for an endpoint that came into service in the simulation and not in the stream.
pub(super) fn endpoint_event(site: &Site, name: &str, endpoint: &Endpoint, at: Timestamp) -> Value {
    let Site { account, region, .. } = site;
    let id = short(&[account, region, name, &at.to_string()], 32);
    let modified = endpoint.last_modified.map(Timestamp::as_millisecond);
    json!({"version": "0", "id": id, "source": "aws.sagemaker", "detail-type": "SageMaker Endpoint State Change",
        "account": account, "region": region, "time": at,
        "resources": [format!("arn:aws:sagemaker:{region}:{account}:endpoint/{}", name.to_lowercase())],
        "detail": {"EndpointName": name, "EndpointStatus": "IN_SERVICE",
            "EndpointConfigName": endpoint.config, "LastModifiedTime": modified}})
}
