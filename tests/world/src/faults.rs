//! The faults that tests inject. Without an injected fault nothing fails.

mod hosting;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::emissions::Event;

pub use hosting::SlowAnswer;

/// A fault. It strikes once, unless its documentation says otherwise.
///
/// An optional selector that is absent, such as `account`, matches any value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The next `UpdateEndpoint` is accepted, then rolls back: the endpoint ends in service with its old
    /// configuration. Without a reason it does so silently.
    RollBackUpdate {
        /// The account, if it matters.
        account: Option<String>,
        /// The endpoint's name.
        endpoint: String,
        /// What `DescribeEndpoint` then gives as `FailureReason`.
        reason: Option<String>,
    },
    /// The next creation of this endpoint ends in `Failed`.
    FailEndpointCreation {
        /// The account, if it matters.
        account: Option<String>,
        /// The endpoint's name.
        endpoint: String,
        /// Its `FailureReason`.
        reason: String,
    },
    /// The next training job fails, and its pipeline with it.
    FailTraining {
        /// The account, if it matters.
        account: Option<String>,
        /// The pipeline, if it matters.
        pipeline: Option<String>,
        /// Its `FailureReason`, for example `CapacityError: …`.
        reason: String,
    },
    /// The next processing job fails, and its pipeline with it.
    FailProcessing {
        /// The account, if it matters.
        account: Option<String>,
        /// The pipeline, if it matters.
        pipeline: Option<String>,
        /// The step, if it matters.
        step: Option<String>,
        /// Its `FailureReason`.
        reason: String,
    },
    /// The next update of this component keeps the old specification and gives the reason.
    FailComponentUpdate {
        /// The account, if it matters.
        account: Option<String>,
        /// The component's name.
        component: String,
        /// Its `FailureReason`.
        reason: String,
        /// `true`: it ends `Failed`; `false`: it is rolled back and ends `InService`.
        failed: bool,
    },
    /// The next version registered in this group ends `Failed`.
    FailPackage {
        /// The account, if it matters.
        account: Option<String>,
        /// The model package group.
        group: String,
    },
    /// Containers of this endpoint, model or component answer with an error until it is cleared.
    ContainerError {
        /// The account, if it matters.
        account: Option<String>,
        /// The name of the endpoint, model or inference component.
        target: String,
        /// The status of the answer, for example 500.
        status: u16,
        /// The message of the container.
        message: String,
    },
    /// New models, endpoint configurations, endpoints, components and scalable targets are not visible to the first
    /// calls that refer to them.
    NotVisible {
        /// The account, if it matters.
        account: Option<String>,
        /// The name of the new resource, if it matters; the resource id of a scalable target.
        name: Option<String>,
        /// The number of calls that do not find it.
        reads: u32,
        /// How many resources it strikes; without a number all, until it is cleared.
        times: Option<u32>,
    },
    /// The container of the next creation or update of this endpoint or component never answers its health check. The
    /// change fails only when SageMaker gives up, and gives no reason before.
    ContainerNeverStarts {
        /// The account, if it matters.
        account: Option<String>,
        /// The name of the endpoint or inference component.
        target: String,
    },
    /// Containers that are just in service do not answer requests yet, until it is cleared.
    SlowStart {
        /// The account, if it matters.
        account: Option<String>,
        /// The name of the endpoint, model or inference component.
        target: String,
        /// What the requests are answered with.
        answer: SlowAnswer,
        /// For how many seconds after `InService`, at the pace of AWS.
        seconds: i64,
    },
    /// The tag of this image names another image from now on, until it is cleared. What was resolved before stays.
    MoveImageTag {
        /// The image with its tag, as packages name it.
        image: String,
    },
    /// A fault in the delivery of events.
    Events {
        /// The account, if it matters.
        account: Option<String>,
        /// The detail-type, if it matters.
        detail_type: Option<String>,
        /// How many events it strikes; without a number all, until it is cleared.
        times: Option<u32>,
        /// The fault.
        fault: EventFault,
    },
    /// The region accepts no configuration with a minimum of zero instances, until it is cleared. eu-west-3 never does.
    NoZeroInstances {
        /// The region.
        region: String,
    },
    /// The account has this many instances of a type for endpoints, until it is cleared.
    InstanceQuota {
        /// The account, if it matters.
        account: Option<String>,
        /// The instance type.
        instance_type: String,
        /// The number of instances.
        instances: i64,
    },
    /// A service control policy of the organization denies every creation without this tag, until it is cleared.
    TagRequired {
        /// The account, if it matters.
        account: Option<String>,
        /// The key of the tag.
        key: String,
    },
    /// The next call of this operation is rejected with a `ValidationException`.
    RejectCall {
        /// The account, if it matters.
        account: Option<String>,
        /// The operation, such as `CreatePipeline`.
        operation: String,
        /// The message of the error.
        message: String,
    },
    /// The content of a property file of a processing step, until it is replaced or cleared.
    PropertyFile {
        /// The account, if it matters.
        account: Option<String>,
        /// The pipeline, if it matters.
        pipeline: Option<String>,
        /// The name of the property file in the pipeline definition.
        file: String,
        /// The JSON that the job writes.
        content: Value,
    },
    /// The next scalable target of this resource is not visible to as many calls.
    LateTarget {
        /// The account, if it matters.
        account: Option<String>,
        /// The resource id, such as `inference-component/churn`.
        resource: String,
        /// How many calls do not see it.
        calls: u32,
    },
    /// Turns the documented request rates on or off.
    Throttle {
        /// Whether calls above the documented rates are rejected.
        on: bool,
    },
    /// A percentage of the calls with the credentials of role sessions is rejected by the HTTP server.
    ThrottleShare {
        /// The percentage; 0 ends it.
        percent: u8,
        /// The seed of the selection.
        seed: u64,
    },
    /// Ends all faults.
    Clear,
}

/// A fault in the delivery of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventFault {
    /// It is lost.
    Lost,
    /// It is sent this many times, each under another envelope id.
    Copies(u32),
    /// It is sent this many milliseconds late.
    DelayMillis(u64),
    /// It is sent after the event that follows it.
    Swapped,
}

/// The faults that have not struck yet, and those that last.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultPlan {
    active: Vec<Fault>,
}

/// Whether an optional selector admits a value.
fn admits(selector: Option<&String>, value: &str) -> bool {
    selector.is_none_or(|wanted| wanted == value)
}

impl FaultPlan {
    pub(crate) fn add(&mut self, fault: Fault) {
        if let Fault::PropertyFile { account, pipeline, file, .. } = &fault {
            self.active.retain(|old| {
                !matches!(old, Fault::PropertyFile { account: a, pipeline: p, file: f, .. }
                    if a == account && p == pipeline && f == file)
            });
        }
        self.active.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.active.clear();
    }

    fn take(&mut self, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let at = self.active.iter().position(wanted)?;
        Some(self.active.remove(at))
    }

    /// Whether the update of this endpoint rolls back, and with which reason.
    pub(crate) fn roll_back(&mut self, account: &str, name: &str) -> Option<Option<String>> {
        let found = self.take(|m| {
            matches!(m, Fault::RollBackUpdate { account: a, endpoint, .. }
                if admits(a.as_ref(), account) && endpoint == name)
        });
        match found {
            Some(Fault::RollBackUpdate { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    /// Whether the region accepts a minimum of zero instances. Measured in eu-west-3:
    /// <https://github.com/stdapi-ai/stdapi.ai/issues/43>
    pub(crate) fn accepts_zero_instances(&self, of: &str) -> bool {
        let refused = |m: &Fault| matches!(m, Fault::NoZeroInstances { region } if region == of);
        of != "eu-west-3" && !self.active.iter().any(refused)
    }

    /// How many instances of this type the account may have for endpoints, if a fault limits it.
    pub(crate) fn instance_quota(&self, account: &str, of: &str) -> Option<i64> {
        self.active.iter().find_map(|m| match m {
            Fault::InstanceQuota { account: a, instance_type, instances }
                if admits(a.as_ref(), account) && instance_type == of =>
            {
                Some(*instances)
            }
            _ => None,
        })
    }

    /// The message with which this call is rejected, if it is.
    pub(crate) fn rejection(&mut self, account: &str, called: &str) -> Option<String> {
        let found = self.take(|m| {
            matches!(m, Fault::RejectCall { account: a, operation, .. }
                if admits(a.as_ref(), account) && operation == called)
        });
        match found {
            Some(Fault::RejectCall { message, .. }) => Some(message),
            _ => None,
        }
    }

    /// Why the creation of this endpoint fails, if it does.
    pub(crate) fn endpoint_creation(&mut self, account: &str, name: &str) -> Option<String> {
        let found = self.take(|m| {
            matches!(m, Fault::FailEndpointCreation { account: a, endpoint, .. }
                if admits(a.as_ref(), account) && endpoint == name)
        });
        match found {
            Some(Fault::FailEndpointCreation { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    /// Why the next training job of this pipeline fails, if it does.
    pub(crate) fn training(&mut self, account: &str, of: &str) -> Option<String> {
        let found = self.take(|m| {
            matches!(m, Fault::FailTraining { account: a, pipeline, .. }
                if admits(a.as_ref(), account) && admits(pipeline.as_ref(), of))
        });
        match found {
            Some(Fault::FailTraining { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    /// Why the next processing job of this pipeline fails, if it does.
    pub(crate) fn processing(&mut self, account: &str, of: &str, at: &str) -> Option<String> {
        let found = self.take(|m| {
            matches!(m, Fault::FailProcessing { account: a, pipeline, step, .. }
                if admits(a.as_ref(), account) && admits(pipeline.as_ref(), of) && admits(step.as_ref(), at))
        });
        match found {
            Some(Fault::FailProcessing { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    /// Why the next update of this component fails, and whether it ends `Failed`.
    pub(crate) fn component_update(&mut self, account: &str, name: &str) -> Option<(String, bool)> {
        let found = self.take(|m| {
            matches!(m, Fault::FailComponentUpdate { account: a, component, .. }
                if admits(a.as_ref(), account) && component == name)
        });
        match found {
            Some(Fault::FailComponentUpdate { reason, failed, .. }) => Some((reason, failed)),
            _ => None,
        }
    }

    /// How many calls do not see the scalable target of this resource that is registered now.
    pub(crate) fn late_target(&mut self, account: &str, id: &str) -> u32 {
        let found = self.take(|m| {
            matches!(m, Fault::LateTarget { account: a, resource, .. }
                if admits(a.as_ref(), account) && resource == id)
        });
        match found {
            Some(Fault::LateTarget { calls, .. }) => calls,
            _ => 0,
        }
    }

    /// Whether the next version of this group fails.
    pub(crate) fn package(&mut self, account: &str, name: &str) -> bool {
        let found = self.take(|m| {
            matches!(m, Fault::FailPackage { account: a, group }
                if admits(a.as_ref(), account) && group == name)
        });
        found.is_some()
    }

    /// The status and message with which a container answers, if one of `names` is broken.
    pub(crate) fn container(&self, account: &str, names: &[&str]) -> Option<(u16, String)> {
        self.active.iter().find_map(|m| match m {
            Fault::ContainerError { account: a, target, status, message }
                if admits(a.as_ref(), account) && names.contains(&target.as_str()) =>
            {
                Some((*status, message.clone()))
            }
            _ => None,
        })
    }

    /// The content of a property file, if a fault sets it. The most specific fault wins, then the latest.
    pub(crate) fn property_file(&self, account: &str, of: &str, name: &str) -> Option<Value> {
        let mut found: Option<(u8, &Value)> = None;
        for fault in &self.active {
            if let Fault::PropertyFile { account: a, pipeline, file, content } = fault
                && file == name
                && admits(a.as_ref(), account)
                && admits(pipeline.as_ref(), of)
            {
                let rank = u8::from(a.is_some()) + u8::from(pipeline.is_some());
                if found.is_none_or(|(best, _)| rank >= best) {
                    found = Some((rank, content));
                }
            }
        }
        found.map(|(_, content)| content.clone())
    }

    /// The fault that strikes this event, if any.
    pub(crate) fn event_fault(&mut self, event: &Event) -> Option<EventFault> {
        let at = self.active.iter().position(|m| {
            matches!(m, Fault::Events { account, detail_type, .. }
                if admits(account.as_ref(), &event.account) && admits(detail_type.as_ref(), &event.detail_type))
        })?;
        let (fault, used_up) = match self.active.get_mut(at) {
            Some(Fault::Events { times, fault, .. }) => {
                *times = times.map(|n| n.saturating_sub(1));
                (*fault, *times == Some(0))
            }
            _ => return None,
        };
        if used_up {
            self.active.remove(at);
        }
        Some(fault)
    }
}
