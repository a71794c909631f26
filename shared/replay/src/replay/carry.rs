//! What the functions set going: their events on the buses, their wakes, and endpoints that come into service.

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_events::{Envelope, Event, EventError, read_detail};
use tidegate_policy::deploy::Endpoint;
use tidegate_policy::fingerprint::short;

use super::agenda::Coming;
use super::simulation::{HUB_SITE, Simulation};
use crate::{Effect, Function, Site};

/// An event of our own, as EventBridge delivers it.
pub(super) fn contract_event(
    from: String,
    region: String,
    detail_type: String,
    detail: &Value,
    at: Timestamp,
) -> Result<Event, EventError> {
    let envelope = Envelope {
        id: short(&[&from, &region, &detail_type, &detail.to_string()], 32),
        source: tidegate_events::SOURCE.to_owned(),
        detail_type,
        account: from,
        region,
        time: Some(at),
        resources: Vec::new(),
        replay_name: None,
    };
    read_detail(envelope, Some(&detail.into()))
}

/// SageMaker's event about an endpoint that came into service here and not in the stream.
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

impl Simulation {
    /// Puts on the agenda what an invocation at a site set going, and has the sweeps look at what it changed.
    pub(super) fn collect(&mut self, index: usize) {
        let Some(crew) = self.crews.get(index) else { return };
        for key in crew.book.take_touched() {
            if let Some(function) = Function::named(&key.function) {
                self.watch_touched(index, function, &key.model);
            }
        }
        let Some(crew) = self.crews.get(index) else { return };
        let effects = crew.mirror.take_effects();
        if effects.is_empty() {
            return;
        }
        let (account, region) = (crew.site.account.clone(), crew.site.region.clone());
        for effect in effects {
            match effect {
                Effect::Told => self.counted.told += 1,
                Effect::Wake { name, at, input } => {
                    self.agenda.put(at.max(self.now), index, Coming::Wake { name, input });
                }
                Effect::Settles { endpoint, at } => {
                    self.agenda.put(at, index, Coming::Settles { endpoint });
                }
                Effect::Published { detail_type, detail } => {
                    for to in self.receivers(index, &detail_type, &detail) {
                        let (from, region) = (account.clone(), region.clone());
                        let (detail_type, detail) = (detail_type.clone(), detail.clone());
                        self.agenda.put(self.now, to, Coming::Event { from, region, detail_type, detail });
                    }
                }
            }
        }
    }

    /// The sites whose bus an event of our own comes to: its own, and where the rules between the buses carry it.
    fn receivers(&self, from: usize, detail_type: &str, detail: &Value) -> Vec<usize> {
        let account = detail.get("environment_account").and_then(Value::as_str);
        match detail_type {
            "Deployment Requested" if from == HUB_SITE => {
                let of_account = |index: &usize| {
                    self.crews.get(*index).is_some_and(|crew| Some(crew.site.account.as_str()) == account)
                };
                (HUB_SITE + 1..self.crews.len()).filter(of_account).collect()
            }
            "Deployment Finished" | "Retraining Requested" => vec![HUB_SITE],
            _ => vec![from],
        }
    }
}
